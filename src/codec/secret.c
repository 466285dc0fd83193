/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in locked memory. libsodium aborts the process when somebody wrote beyond such memory, or
 * when the kernel has no random bytes for a box: neither can be caused by input. */
#include "codec/secret.h"

#include <sodium.h>

int bfci_sodium_start(bfc_err *err)
{
    if (sodium_init() < 0)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "libsodium does not start: no random numbers here");
    return 0;
}

int bfci_secret_new(size_t size, uint8_t **out, bfc_err *err)
{
    BFC_TRY(bfci_sodium_start(err));
    uint8_t *secret = sodium_malloc(size);
    if (!secret)
        return bfci_fail_nomem(err);
    memset(secret, 0, size);
    *out = secret;
    return 0;
}

void bfci_secret_free(uint8_t *secret)
{
    sodium_free(secret);
}

void bfci_wipe(void *bytes, size_t len)
{
    sodium_memzero(bytes, len);
}

bool bfci_same(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}
