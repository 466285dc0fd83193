/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI layout (image-spec 1.1, image-layout.md) that is made or added to. Blobs come first, each
 * under its name only when it is whole; the index that names them comes last and in one step. So at
 * any time the layout is right, at worst with blobs that nothing names; those of an export that
 * fails are taken away again. A lock keeps two exports apart: each would lose the other's entry. */
#include "oci/export_parts.h"

#include <fcntl.h>

#include "base/hooks.h"
#include "codec/digest.h"
#include "oci/manifest.h"
#include "sys/dir.h"
#include "sys/file.h"
#include "sys/names.h"

enum {
    LAYOUT_FILE_MAX = 4096,
    COMPARE_SIZE = 64 << 10
};

struct bfci_layout_out {
    const bfc_hooks *hooks;
    char *path;
    int fd;           /* of the folder; holds the lock */
    bool made_folder; /* it was not there */
    bool is_fresh;    /* what is in it is all ours */
    uint8_t *index;   /* that was there; may be NULL */
    size_t index_len;
    bfci_new_file file;
    uint64_t size; /* of what is written */
    char **added;  /* paths of blobs that were not there */
    size_t added_count, added_cap;
    bool stays; /* what was added */
};

/* ── Taking back ── */

static void take_back(const bfci_layout_out *l)
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

void bfci_layout_out_free(bfci_layout_out *l)
{
    if (!l)
        return;
    bfci_new_file_abandon(&l->file);
    if (!l->stays)
        take_back(l);
    for (size_t i = 0; i < l->added_count; i++)
        free(l->added[i]);
    free(l->added);
    free(l->index);
    bfci_fd_close(&l->fd);
    free(l->path);
    free(l);
}

void bfci_layout_out_keep(bfci_layout_out *l)
{
    l->stays = true;
}

/* ── Opening ── */

static int lock_folder(bfci_layout_out *l, bfc_err *err)
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
static int check_version(const bfci_layout_out *l, const uint8_t *json, size_t len, bfc_err *err)
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

static int check_empty(bfci_layout_out *l, bfc_err *err)
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

static int read_index(bfci_layout_out *l, bfc_err *err)
{
    int rc = bfci_read_file(l->fd, "index.json", MANIFEST_SIZE_MAX, &l->index, &l->index_len, err);

    return rc == BFC_E_NOT_FOUND ? 0 : rc;
}

static int make_path(const bfci_layout_out *l, const char *name, char **out, bfc_err *err)
{
    return bfci_asprintf(out, err, "%s/%s", l->path, name);
}

static int put_file(const bfci_layout_out *l, const char *name, const char *text, bfc_err *err)
{
    __attribute__((cleanup(bfci_new_file_abandon))) bfci_new_file f = BFCI_NEW_FILE_INIT;
    AUTO_FREE char *path = NULL;

    BFC_TRY(make_path(l, name, &path, err));
    BFC_TRY(bfci_new_file_begin(path, &f, err));
    BFC_TRY(bfci_write_all(f.fd, text, strlen(text), err));
    return bfci_new_file_publish(&f, true, err);
}

static int open_layout(bfci_layout_out *l, bfc_err *err)
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
    bfci_layout_out *l = ctx;
    AUTO_FREE char *path = NULL;

    BFC_TRY(make_path(l, "blobs/sha256/blob", &path, err)); /* its name comes at its end */
    BFC_TRY(bfci_new_file_begin(path, &l->file, err));
    l->size = 0;
    return 0;
}

static int write_blob(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    bfci_layout_out *l = ctx;

    l->size += len;
    return bfci_write_all(l->file.fd, bytes, len, err);
}

/* Whether the file at `path` has the bytes that were written: one that is there may be damaged. */
static int is_equal(const bfci_layout_out *l, const char *path, bool *there, bool *equal,
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
    bfci_layout_out *l = ctx;
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

/* One that is there may be damaged, too. */
static int has_bytes(const bfci_layout_out *l, int fd, const bfci_digest *digest, bool *has,
                     bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    AUTO_FREE uint8_t *bytes = NULL;
    size_t got = COMPARE_SIZE;
    bfci_digest came;

    BFC_TRY(bfci_alloc(COMPARE_SIZE, 1, &bytes, err));
    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    for (uint64_t at = 0; got == COMPARE_SIZE; at += got) {
        BFC_TRY(bfci_check_cancel(l->hooks, err));
        BFC_TRY(bfci_pread(fd, bytes, COMPARE_SIZE, at, &got, err));
        BFC_TRY(bfci_sha256_update(sha, bytes, got, err));
    }
    BFC_TRY(bfci_sha256_finish(sha, came.bytes, err));
    *has = bfci_digest_equal(&came, digest);
    return 0;
}

int bfci_layout_out_has(const bfci_layout_out *l, const bfci_digest *digest, uint64_t size,
                        bool *has, bfc_err *err)
{
    char name[EXPORT_NAME_MAX];
    AUTO_FD int fd = -1;
    struct stat st;

    *has = false;
    bfci_export_blob_name(digest, name);
    int rc = bfci_open_beneath(l->fd, name, O_RDONLY | O_NONBLOCK, 0, &fd, NULL);
    if (rc < 0) /* whatever is in the way will be told when it is written */
        return rc == BFC_E_NOMEM ? bfci_fail_nomem(err) : 0;
    BFC_TRY(bfci_fstat(fd, &st, err));
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
        return 0;
    return has_bytes(l, fd, digest, has, err);
}

/* ── All of it ── */

int bfci_layout_out_open(const bfc_hooks *hooks, const char *folder, bfci_layout_out **out,
                         bfc_err *err)
{
    AUTO(bfci_layout_out) bfci_layout_out *l = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *l, &l, err));
    l->hooks = hooks;
    l->fd = -1;
    l->file = (bfci_new_file)BFCI_NEW_FILE_INIT;
    BFC_TRY(bfci_strdup(folder, &l->path, err));
    BFC_TRY(open_layout(l, err));
    *out = bfci_steal(&l);
    return 0;
}

bfci_export_target bfci_layout_out_target(bfci_layout_out *l)
{
    return (bfci_export_target){
        .ctx = l, .begin = begin_blob, .write = write_blob, .end = end_blob};
}

int bfci_layout_out_publish(bfci_layout_out *l, const json_t *root, const char *ref, bfc_err *err)
{
    AUTO_FREE char *index = NULL;

    BFC_TRY(bfci_export_index((const char *)l->index, l->index_len, root, ref, &index, err));
    BFC_TRY(bfci_check_cancel(l->hooks, err));
    BFC_TRY(put_file(l, "index.json", index, err));
    l->stays = true;
    return 0;
}

int bfci_export_layout(const bfci_export *e, const char *folder, bfc_err *err)
{
    AUTO_EXPORT_RUN bfci_export_run run = {0};
    AUTO(bfci_layout_out) bfci_layout_out *l = NULL;
    AUTO(json_t) json_t *root = NULL;

    BFC_TRY(bfci_export_begin(&run, e, err));
    BFC_TRY(bfci_layout_out_open(e->hooks, folder, &l, err));
    const bfci_export_target t = bfci_layout_out_target(l);
    BFC_TRY(bfci_export_images(&run, &t, &root, err));
    return bfci_layout_out_publish(l, root, e->ref, err);
}
