/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/crypto.h"

#include <pthread.h>
#include <stdatomic.h>

#include "sys/library.h"

bfci_crypto_functions bfci_crypto;

static struct {
    pthread_mutex_t lock;
    atomic_bool done;
} loading = {PTHREAD_MUTEX_INITIALIZER, false};

static const bfci_library_function wanted[] = {
#define ENTRY(name) {#name, offsetof(bfci_crypto_functions, name)},
    BFCI_CRYPTO_FUNCTIONS(ENTRY)
#undef ENTRY
};

/* Tried again after a failure: it may have been for want of memory. */
static int load(bfc_err *err)
{
    if (bfci_crypto_is_loaded())
        return 0;
    int rc = bfci_library_load(BFC_LIBCRYPTO, wanted, ARRAY_LEN(wanted), &bfci_crypto, err);
    if (rc == BFC_E_UNSUPPORTED)
        return bfci_wrap(err, rc, "OpenSSL 3's libcrypto is needed (Debian: libssl3)");
    if (rc == 0)
        atomic_store_explicit(&loading.done, true, memory_order_release);
    return rc;
}

int bfci_crypto_load(bfc_err *err)
{
    if (bfci_crypto_is_loaded())
        return 0;
    pthread_mutex_lock(&loading.lock);
    int rc = load(err);
    pthread_mutex_unlock(&loading.lock);
    return rc;
}

bool bfci_crypto_is_loaded(void)
{
    return atomic_load_explicit(&loading.done, memory_order_acquire);
}
