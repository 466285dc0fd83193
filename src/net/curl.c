/* SPDX-License-Identifier: Apache-2.0 */
#include "net/curl.h"

#include <pthread.h>

#include "sys/library.h"

bfci_curl_functions bfci_curl;

static struct {
    pthread_once_t once;
    int rc;
    bfc_err err;
} loading = {PTHREAD_ONCE_INIT, 0, BFC_ERR_INIT};

static const bfci_library_function wanted[] = {
#define ENTRY(name) {"curl_" #name, offsetof(bfci_curl_functions, name)},
    BFCI_CURL_FUNCTIONS(ENTRY)
#undef ENTRY
};

/* Since 7.84 any thread may start it; before, only the program could know that there is no other.
 */
static int check(bfc_err *err)
{
    const curl_version_info_data *version = bfci_curl.version_info(CURLVERSION_NOW);

    if ((version->features & CURL_VERSION_THREADSAFE) && (version->features & CURL_VERSION_SSL))
        return 0;
    return bfci_fail(err, BFC_E_UNSUPPORTED,
                     "this libcurl (%s) has no TLS, or cannot be used with threads",
                     version->version);
}

static int find_all(bfc_err *err)
{
    int rc = bfci_library_load(BFC_LIBCURL, wanted, ARRAY_LEN(wanted), &bfci_curl, err);
    if (rc == BFC_E_UNSUPPORTED)
        return bfci_wrap(err, rc, "registries need libcurl: install it (Debian: libcurl4)");
    BFC_TRY(rc);
    return check(err);
}

static void load(void)
{
    loading.rc = find_all(&loading.err);
}

int bfci_curl_load(bfc_err *err)
{
    pthread_once(&loading.once, load);
    if (loading.rc < 0 && err)
        *err = loading.err;
    return loading.rc;
}
