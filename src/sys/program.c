/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a program by its name. Relative folders of $PATH are passed by, and so is an empty one:
 * what lies in the folder somebody works in is not to be run by its name. */
#include "sys/process.h"

#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* *path stays NULL if it is in none of them. */
static int look_in(const char *folders, const char *name, char **path, bfc_err *err)
{
    for (const char *folder = folders; *folder;) {
        size_t len = strcspn(folder, ":");
        if (*folder == '/') {
            AUTO_FREE char *candidate = NULL;
            BFC_TRY(bfci_asprintf(&candidate, err, "%.*s/%s", (int)len, folder, name));
            if (is_program(candidate)) {
                *path = bfci_steal(&candidate);
                return 0;
            }
        }
        folder += len + (folder[len] == ':');
    }
    return 0;
}

int bfci_program_find(const char *name, char **path, bfc_err *err)
{
    const char *own = secure_getenv("PATH");
    char *found = NULL;
    if (!*name || strchr(name, '/'))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is no name of a program", BFCI_QUOTE_STR(name));
    if (own)
        BFC_TRY(look_in(own, name, &found, err));
    if (!found)
        BFC_TRY(look_in(BFCI_PROGRAM_FOLDERS, name, &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no program '%s'", BFCI_QUOTE_STR(name));
    *path = found;
    return 0;
}
