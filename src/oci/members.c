/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what is in a tar: one pass over its headers, contents are sought over. Where a name
 * stands twice, the later one counts, as it would after extraction. */
#include "base/path.h"
#include "oci/files.h"
#include "oci/tar.h"
#include "sys/file.h"

enum {
    CHUNK_SIZE = 32 << 10
};

struct listing {
    bfci_files *files;
    size_t cap;
    uint64_t at;       /* bytes of the tar that have been told of */
    size_t names_size; /* bytes of all names and targets */
};

static int take_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    struct listing *l = ctx;

    (void)block;
    (void)err;
    l->at += TAR_BLOCK;
    return 0;
}

static int take_bytes(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    struct listing *l = ctx;

    (void)bytes;
    (void)err;
    l->at += len;
    return 0;
}

static int take_end(void *ctx, bfc_err *err)
{
    (void)ctx;
    (void)err;
    return 0;
}

static int check_room(struct listing *l, const bfci_tar_entry *e, bfc_err *err)
{
    if (l->files->member_count == FILES_MEMBERS_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the tar has more than %d members", FILES_MEMBERS_MAX);
    l->names_size += strlen(e->path) + strlen(e->link);
    if (l->names_size > FILES_NAMES_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the names in the tar have more than %d bytes",
                         FILES_NAMES_SIZE_MAX);
    return 0;
}

static int take_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    struct listing *l = ctx;
    bfci_files *f = l->files;
    bool is_link = e->kind == TAR_HARDLINK || e->kind == TAR_SYMLINK;
    AUTO_FREE char *name = NULL, *link = NULL;
    bfc_err why = BFC_ERR_INIT;

    if (!is_link && e->kind != TAR_FILE)
        return 0;
    int rc = bfci_path_normalize(e->path, &name, &why);
    if (rc == BFC_E_INVALID || (rc == 0 && name[0] == '\0'))
        return 0; /* no document can name it */
    if (rc < 0)
        return bfci_fail(err, why.code, "%s", why.msg);
    BFC_TRY(check_room(l, e, err));
    if (is_link)
        BFC_TRY(bfci_strdup(e->link, &link, err));
    BFC_TRY(bfci_reserve(&f->member, &l->cap, f->member_count + 1, sizeof *f->member, err));
    f->member[f->member_count++] = (bfci_member){.name = bfci_steal(&name),
                                                 .link = bfci_steal(&link),
                                                 .is_hard = e->kind == TAR_HARDLINK,
                                                 .is_sparse = e->sparse,
                                                 .offset = l->at,
                                                 .size = is_link ? 0 : e->data_size};
    return 0;
}

/* ── Order ── */

static int by_name(const void *a, const void *b)
{
    const bfci_member *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

static void sort_members(bfci_files *f)
{
    size_t kept = 0;

    if (f->member_count == 0)
        return;
    qsort(f->member, f->member_count, sizeof *f->member, by_name);
    for (size_t i = 1; i < f->member_count; i++) {
        if (strcmp(f->member[kept].name, f->member[i].name) != 0) {
            f->member[++kept] = f->member[i];
            continue;
        }
        free(f->member[kept].name);
        free(f->member[kept].link);
        f->member[kept] = f->member[i];
    }
    f->member_count = kept + 1;
}

const bfci_member *bfci_members_find(const bfci_files *f, const char *name)
{
    size_t low = 0, high = f->member_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, f->member[middle].name);
        if (order == 0)
            return &f->member[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ── The pass ── */

static int refuse_coded(const bfci_files *f, uint64_t size, bfc_err *err)
{
    bfci_piece all = {.fd = f->fd, .size = size};
    enum bfci_coding coding = CODING_PLAIN;

    BFC_TRY(bfci_piece_coding(&all, &coding, err));
    if (coding == CODING_PLAIN)
        return 0;
    return bfci_fail(
        err, BFC_E_UNSUPPORTED, "the archive is compressed with %s: decompress it first (%s -d)",
        coding == CODING_GZIP ? "gzip" : "zstd", coding == CODING_GZIP ? "gzip" : "zstd");
}

static int feed_all(struct listing *l, bfci_tar *tar, uint64_t size, bfc_err *err)
{
    AUTO_FREE uint8_t *chunk = NULL;

    BFC_TRY(bfci_alloc(CHUNK_SIZE, 1, &chunk, err));
    for (uint64_t at = 0; at < size;) {
        uint64_t skip = MIN(bfci_tar_skippable(tar), size - at);
        if (skip > 0) {
            bfci_tar_skip(tar, skip);
            l->at += skip;
            at += skip;
            continue;
        }
        size_t len = (size_t)MIN(size - at, CHUNK_SIZE);
        BFC_TRY(bfci_pread_exact(l->files->fd, chunk, len, at, err));
        BFC_TRY(bfci_tar_feed(tar, chunk, len, err));
        at += len;
    }
    return bfci_tar_finish(tar, err);
}

int bfci_members_read(bfci_files *f, uint64_t size, bfc_err *err)
{
    struct listing l = {.files = f};
    bfci_tar_sink sink = {.ctx = &l,
                          .header = take_header,
                          .other = take_bytes,
                          .entry = take_entry,
                          .data = take_bytes,
                          .entry_end = take_end};
    AUTO(bfci_tar) bfci_tar *tar = NULL;

    BFC_TRY(refuse_coded(f, size, err));
    BFC_TRY(bfci_tar_new(&sink, &tar, err));
    BFC_TRY(feed_all(&l, tar, size, err));
    sort_members(f);
    return 0;
}
