/* SPDX-License-Identifier: Apache-2.0 */
#include "net/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

bfci_curl_functions bfci_curl;

static struct {
    pthread_once_t once;
    int rc;
    bfc_err err;
} loading = {PTHREAD_ONCE_INIT, 0, BFC_ERR_INIT};

static const struct {
    const char *name;
    size_t at; /* in bfci_curl */
} wanted[] = {
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

static int find_all(void *library, bfc_err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        void *function = dlsym(library, wanted[i].name);
        if (!function)
            return bfci_fail(err, BFC_E_UNSUPPORTED, "this libcurl is too old: it has no %s()",
                             wanted[i].name);
        memcpy((char *)&bfci_curl + wanted[i].at, &function, sizeof function);
    }
    return check(err);
}

/* Never unloaded: OpenSSL and others leave things behind that run at the process's end. */
static void load(void)
{
    void *library = dlopen(BFC_LIBCURL, RTLD_LAZY | RTLD_LOCAL);

    if (library) {
        loading.rc = find_all(library, &loading.err);
        return;
    }
    const char *why = dlerror();
    loading.rc = bfci_fail(&loading.err, BFC_E_UNSUPPORTED,
                           "registries need libcurl, which cannot be loaded (%s): install it "
                           "(Debian: libcurl4)",
                           why ? why : BFC_LIBCURL);
}

int bfci_curl_load(bfc_err *err)
{
    pthread_once(&loading.once, load);
    if (loading.rc < 0 && err)
        *err = loading.err;
    return loading.rc;
}
