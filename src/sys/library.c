/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/library.h"

#include <dlfcn.h>
#include <errno.h>

static int cannot_load(const char *file, bfc_err *err)
{
    const char *why = dlerror();

    if (errno == ENOMEM)
        return bfci_fail_nomem(err);
    return bfci_fail(err, BFC_E_UNSUPPORTED, "'%s' cannot be loaded: %s", BFCI_QUOTE_STR(file),
                     why ? why : "the loader does not say why");
}

/* Never unloaded, not even where a function is missing: OpenSSL and others leave things behind that
 * run at the process's end. */
int bfci_library_load(const char *file, const bfci_library_function *wanted, size_t count,
                      void *table, bfc_err *err)
{
    errno = 0;
    void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
    if (!library)
        return cannot_load(file, err);
    for (size_t i = 0; i < count; i++) {
        void *function = dlsym(library, wanted[i].name);
        if (!function)
            return bfci_fail(err, BFC_E_UNSUPPORTED, "'%s' is too old: it has no %s()",
                             BFCI_QUOTE_STR(file), wanted[i].name);
        memcpy((char *)table + wanted[i].at, &function, sizeof function);
    }
    return 0;
}
