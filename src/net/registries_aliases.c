/* SPDX-License-Identifier: Apache-2.0 */
/* The file in which podman keeps what was chosen for short names, and so do we: read, changed and
 * replaced as a whole, under a lock. Names and targets have no letters that TOML would escape. */
#include <fcntl.h>

#include "base/buf.h"
#include "net/registries_conf.h"
#include "store/name_lock.h"
#include "sys/dir.h"
#include "sys/file.h"

static int load(const char *path, bfci_registries *out, bfc_err *err)
{
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;

    int rc = bfci_read_file(AT_FDCWD, path, TOML_SIZE_MAX, &text, &len, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    return bfci_registries_add_aliases(out, text, len, path, err);
}

/* Sorted, the new one among them. */
static int write_aliases(const bfci_registries *have, const char *name, const char *target, buf *b,
                         bfc_err *err)
{
    bool is_written = false;

    bfci_buf_printf(b, "[aliases]\n");
    for (size_t i = 0; i < have->alias_count; i++) {
        const bfci_alias *a = &have->alias[i];
        const int order = strcmp(a->name, name);
        if (order >= 0 && !is_written) {
            bfci_buf_printf(b, "  \"%s\" = \"%s\"\n", name, target);
            is_written = true;
        }
        if (order != 0)
            bfci_buf_printf(b, "  \"%s\" = \"%s\"\n", a->name, a->target ? a->target : "");
    }
    if (!is_written)
        bfci_buf_printf(b, "  \"%s\" = \"%s\"\n", name, target);
    return buf_check(b, err);
}

static int make_folder_of(const char *path, bfc_err *err)
{
    AUTO_FREE char *folder = NULL;

    BFC_TRY(bfci_memdup_str(path, (size_t)(strrchr(path, '/') - path), &folder, err));
    return bfci_make_dirs(folder, 0755, err);
}

int bfci_registries_keep_alias(const char *path, const char *name, const char *target, bfc_err *err)
{
    __attribute__((cleanup(bfci_new_file_abandon))) bfci_new_file f = BFCI_NEW_FILE_INIT;
    AUTO_NAME_LOCK bfci_name_lock lock = BFCI_NAME_LOCK_INIT;
    AUTO_REGISTRIES bfci_registries have = BFCI_REGISTRIES_INIT;
    AUTO_FREE char *lock_path = NULL;
    AUTO_BUF buf b = BUF_INIT;

    BFC_TRY(bfci_asprintf(&lock_path, err, "%s.lock", path));
    BFC_TRY(make_folder_of(path, err));
    BFC_TRY(bfci_name_lock_take(lock_path, "the file with short names", &lock, err));
    BFC_TRY(load(path, &have, err));
    BFC_TRY(write_aliases(&have, name, target, &b, err));
    BFC_TRY(bfci_new_file_begin(path, &f, err));
    BFC_TRY(bfci_write_all(f.fd, b.data, b.len, err));
    return bfci_new_file_publish(&f, true, err);
}
