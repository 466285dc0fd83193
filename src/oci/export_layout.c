/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI layout (image-spec 1.1, image-layout.md) that is made or added to. Blobs come first, each
 * under its name only when it is whole; the index that names them comes last and in one step. So at
 * any time the layout is right, at worst with blobs that nothing names; those of an export that
 * fails are taken away again. A lock keeps two exports apart: each would lose the other's entry. */
#include "oci/export_parts.h"

#include <fcntl.h>

#include "base/hooks.h"
#include "oci/manifest.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

enum {
    LAYOUT_FILE_MAX = 4096,
    COMPARE_SIZE = 64 << 10
};

struct layout {
    const bfc_hooks *hooks;
    const char *path;
    int fd;           /* of the folder; holds the lock */
    bool made_folder; /* it was not there */
    bool is_fresh;    /* what is in it is all ours */
    uint8_t *index;   /* that was there; may be NULL */
    size_t index_len;
    bfci_new_file file;
    uint64_t size; /* of what is written */
    char **added;  /* paths of blobs that were not there */
    size_t added_count, added_cap;
    bool done;
};

/* ── Taking back ── */

static void take_back(const struct layout *l)
{
    for (size_t i = 0; i < l->added_count; i++)
        (void)bfci_remove_file(l->added[i], NULL);
    if (l->is_fresh) {
        (void)bfci_remove_tree(l->fd, "blobs", NULL);
        (void)bfci_remove_tree(l->fd, "oci-layout", NULL);
    }
    if (l->made_folder)
        (void)bfci_remove_folder(l->path, NULL);
}

static void layout_release(struct layout *l)
{
    bfci_new_file_abandon(&l->file);
    if (!l->done)
        take_back(l);
    for (size_t i = 0; i < l->added_count; i++)
        free(l->added[i]);
    free(l->added);
    free(l->index);
    bfci_fd_close(&l->fd);
}
#define AUTO_LAYOUT __attribute__((cleanup(layout_release)))

/* ── Opening ── */

static int lock_folder(struct layout *l, bfc_err *err)
{
    int rc = bfci_make_folder(l->path, 0777, err);

    if (rc < 0 && rc != BFC_E_EXISTS)
        return rc;
    l->made_folder = rc == 0;
    BFC_TRY(bfci_open(AT_FDCWD, l->path, O_RDONLY | O_DIRECTORY, 0, &l->fd, err));
    rc = bfci_lock(l->fd, true, false, err);
    if (rc == BFC_E_BUSY)
        return bfci_fail(err, rc, "another process is writing to the layout '%s'",
                         BFCI_QUOTE_STR(l->path));
    return rc;
}

/* "1.0.0", and what the specification may add to it without breaking it. */
static int check_version(const struct layout *l, const uint8_t *json, size_t len, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;
    const char *version = NULL;

    BFC_TRY(bfci_json_load(json, len, "oci-layout", JSON_FOREIGN, &root, &document, err));
    const bfci_json_node member = bfci_json_member(&document, "imageLayoutVersion");
    BFC_TRY(bfci_json_need_text(&member, &version, err));
    if (strncmp(version, "1.", 2) == 0)
        return 0;
    return bfci_fail(err, BFC_E_UNSUPPORTED, "the layout '%s' has version '%s', known is 1.0.0",
                     BFCI_QUOTE_STR(l->path), BFCI_QUOTE_STR(version));
}

static int check_empty(struct layout *l, bfc_err *err)
{
    bfci_dir_list list = BFCI_DIR_LIST_INIT;

    int rc = bfci_dir_read(l->fd, &list, err);
    size_t count = list.count;
    bfci_dir_list_release(&list);
    BFC_TRY(rc);
    if (count > 0)
        return bfci_fail(err, BFC_E_EXISTS, "folder '%s' is not empty, and no OCI layout",
                         BFCI_QUOTE_STR(l->path));
    l->is_fresh = true;
    return 0;
}

static int read_index(struct layout *l, bfc_err *err)
{
    int rc = bfci_read_file(l->fd, "index.json", MANIFEST_SIZE_MAX, &l->index, &l->index_len, err);

    return rc == BFC_E_NOT_FOUND ? 0 : rc;
}

static int make_path(const struct layout *l, const char *name, char **out, bfc_err *err)
{
    return bfci_asprintf(out, err, "%s/%s", l->path, name);
}

static int put_file(const struct layout *l, const char *name, const char *text, bfc_err *err)
{
    __attribute__((cleanup(bfci_new_file_abandon))) bfci_new_file f = BFCI_NEW_FILE_INIT;
    AUTO_FREE char *path = NULL;

    BFC_TRY(make_path(l, name, &path, err));
    BFC_TRY(bfci_new_file_begin(path, &f, err));
    BFC_TRY(bfci_write_all(f.fd, text, strlen(text), err));
    return bfci_new_file_publish(&f, true, err);
}

static int open_layout(struct layout *l, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    AUTO_FREE char *blobs = NULL;
    size_t len = 0;

    BFC_TRY(lock_folder(l, err));
    int rc = bfci_read_file(l->fd, "oci-layout", LAYOUT_FILE_MAX, &json, &len, err);
    if (rc == BFC_E_NOT_FOUND) {
        BFC_TRY(check_empty(l, err));
        BFC_TRY(put_file(l, "oci-layout", BFCI_EXPORT_LAYOUT_FILE, err));
    } else {
        BFC_TRY(rc);
        BFC_TRY(check_version(l, json, len, err));
        BFC_TRY(read_index(l, err));
    }
    BFC_TRY(make_path(l, "blobs/sha256", &blobs, err));
    return bfci_make_dirs(blobs, 0777, err);
}

/* ── Blobs ── */

static int begin_blob(void *ctx, bfc_err *err)
{
    struct layout *l = ctx;
    AUTO_FREE char *path = NULL;

    BFC_TRY(make_path(l, "blobs/sha256/blob", &path, err)); /* its name comes at its end */
    BFC_TRY(bfci_new_file_begin(path, &l->file, err));
    l->size = 0;
    return 0;
}

static int write_blob(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct layout *l = ctx;

    l->size += len;
    return bfci_write_all(l->file.fd, bytes, len, err);
}

/* Whether the file at `path` has the bytes that were written: one that is there may be damaged. */
static int is_equal(const struct layout *l, const char *path, bool *there, bool *equal,
                    bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = NULL;
    AUTO_FD int fd = -1;
    size_t a = COMPARE_SIZE, b = COMPARE_SIZE;

    int rc = bfci_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, err);
    *there = rc == 0;
    *equal = false;
    if (rc < 0)
        return rc == BFC_E_NOT_FOUND ? 0 : rc;
    BFC_TRY(bfci_alloc(2, COMPARE_SIZE, &bytes, err));
    for (uint64_t at = 0; a == COMPARE_SIZE && b == COMPARE_SIZE; at += COMPARE_SIZE) {
        BFC_TRY(bfci_check_cancel(l->hooks, err));
        BFC_TRY(bfci_pread(fd, bytes, COMPARE_SIZE, at, &a, err));
        BFC_TRY(bfci_pread(l->file.fd, bytes + COMPARE_SIZE, COMPARE_SIZE, at, &b, err));
        if (a != b || memcmp(bytes, bytes + COMPARE_SIZE, a) != 0)
            return 0;
    }
    *equal = true;
    return 0;
}

static int end_blob(void *ctx, const char *name, bfc_err *err)
{
    struct layout *l = ctx;
    AUTO_FREE char *path = NULL, *last = NULL;
    bool there = false, equal = false;

    BFC_TRY(make_path(l, name, &path, err));
    BFC_TRY(is_equal(l, path, &there, &equal, err));
    if (!equal) {
        BFC_TRY(bfci_strdup(strrchr(path, '/') + 1, &last, err));
        BFC_TRY(bfci_reserve(&l->added, &l->added_cap, l->added_count + 1, sizeof *l->added, err));
        free(l->file.name);
        l->file.name = bfci_steal(&last);
        BFC_TRY(bfci_new_file_publish(&l->file, true, err));
        if (!there)
            l->added[l->added_count++] = bfci_steal(&path);
    }
    bfci_new_file_abandon(&l->file);
    return 0;
}

/* ── All of it ── */

static int fill(struct layout *l, const bfci_export *e, bfc_err *err)
{
    const bfci_export_target t = {
        .ctx = l, .begin = begin_blob, .write = write_blob, .end = end_blob};
    AUTO_EXPORT_RUN bfci_export_run run = {0};
    AUTO(json_t) json_t *root = NULL;
    AUTO_FREE char *index = NULL;

    BFC_TRY(bfci_export_begin(&run, e, err));
    BFC_TRY(open_layout(l, err));
    BFC_TRY(bfci_export_images(&run, &t, &root, err));
    BFC_TRY(bfci_export_index((const char *)l->index, l->index_len, root, e->ref, &index, err));
    BFC_TRY(bfci_check_cancel(e->hooks, err));
    return put_file(l, "index.json", index, err);
}

int bfci_export_layout(const bfci_export *e, const char *folder, bfc_err *err)
{
    AUTO_LAYOUT struct layout l = {
        .hooks = e->hooks, .path = folder, .fd = -1, .file = BFCI_NEW_FILE_INIT};

    BFC_TRY(fill(&l, e, err));
    l.done = true;
    return 0;
}
