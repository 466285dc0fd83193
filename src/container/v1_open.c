/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a version 1 container: header, footer, index, and what no single entry shows. The index
 * is sorted into the order of a walk; then a name that comes twice, or that has a file for its
 * folder, stands right beside the other one. Objects must not overlap: each byte of the file is
 * content once at most, so that a small file cannot pretend to hold a large one many times. */
#include "container/v1.h"

#include "codec/digest.h"
#include "codec/secret.h"
#include "sys/file.h"

enum {
    IMPLIED_MAX = 1 << 22 /* folders that the index takes for granted */
};

bool bfci_v1_sniff(int fd)
{
    uint8_t magic[8];
    size_t got = 0;

    return bfci_pread(fd, magic, sizeof magic, 0, &got, NULL) == 0 && got == sizeof magic &&
           memcmp(magic, V1_MAGIC, sizeof magic) == 0;
}

void bfci_v1_free(bfci_v1 *v)
{
    if (!v)
        return;
    bfci_secret_free(v->key);
    free(v->node);
    free(v->entry);
    free(v->index);
    bfci_fd_close(&v->fd);
    free(v);
}

/* ── Header, footer, index ── */

static int read_ends(bfci_v1 *v, bfc_err *err)
{
    uint8_t header[V1_HEADER_SIZE], footer[V1_FOOTER_SIZE];
    struct stat st;

    BFC_TRY(bfci_fstat(v->fd, &st, err));
    v->file_size = (uint64_t)st.st_size;
    if (v->file_size < V1_HEADER_SIZE + V1_INDEX_HEAD_SIZE + V1_FOOTER_SIZE)
        return bfci_fail_at(err, BFC_E_CORRUPT, v->file_size, "the file ends early");
    BFC_TRY(bfci_pread_exact(v->fd, header, sizeof header, 0, err));
    BFC_TRY(bfci_v1_header_decode(header, &v->header, err));
    BFC_TRY(bfci_pread_exact(v->fd, footer, sizeof footer, v->file_size - sizeof footer, err));
    return bfci_v1_footer_decode(footer, v->file_size, &v->footer, err);
}

static int compare_entries(const void *a, const void *b)
{
    const bfci_v1_entry *x = a, *y = b;
    return bfci_v1_compare_paths(x->path, x->path_len, y->path, y->path_len);
}

static int read_entries(bfci_v1 *v, bfc_err *err)
{
    size_t size = (size_t)v->footer.index_size;
    uint32_t count = 0;

    BFC_TRY(bfci_alloc(size, 1, &v->index, err));
    BFC_TRY(bfci_pread_exact(v->fd, v->index, size, v->footer.index_offset, err));
    if (bfci_crc32c(v->index, size) != v->footer.index_crc)
        return bfci_fail_at(err, BFC_E_CORRUPT, v->footer.index_offset,
                            "checksum mismatch in the index");
    rd r = rd_over(v->index, size);
    BFC_TRY(bfci_v1_index_begin(&r, &count, err));
    BFC_TRY(bfci_alloc((size_t)count + 1, sizeof *v->entry, &v->entry, err));
    for (; v->entry_count < count; v->entry_count++)
        BFC_TRY(bfci_v1_index_next(&r, V1_HEADER_SIZE, v->file_size - V1_FOOTER_SIZE,
                                   &v->entry[v->entry_count], err));
    if (!rd_finished(&r))
        return bfci_fail_at(err, BFC_E_CORRUPT, v->footer.index_offset,
                            "the index has bytes behind its last entry");
    qsort(v->entry, count, sizeof *v->entry, compare_entries);
    return 0;
}

/* ── Overlaps ── */

typedef struct range {
    uint64_t start, end;
} range;

static int compare_ranges(const void *a, const void *b)
{
    const range *x = a, *y = b;
    return x->start == y->start ? 0 : x->start < y->start ? -1 : 1;
}

static int check_overlaps(const bfci_v1 *v, bfc_err *err)
{
    AUTO_FREE range *list = NULL;
    size_t count = (size_t)v->entry_count + 1;

    BFC_TRY(bfci_alloc(count, sizeof *list, &list, err));
    for (uint32_t i = 0; i < v->entry_count; i++)
        list[i] = (range){v->entry[i].offset, v->entry[i].offset + v->entry[i].size};
    list[v->entry_count] =
        (range){v->footer.index_offset, v->footer.index_offset + v->footer.index_size};
    qsort(list, count, sizeof *list, compare_ranges);
    for (size_t i = 1; i < count; i++)
        if (list[i].start < list[i - 1].end)
            return bfci_fail_at(err, BFC_E_CORRUPT, list[i].start,
                                "two entries of the index claim the same bytes");
    return 0;
}

/* ── The tree ── */

/* The folders that lead to the entry at hand. */
typedef struct lead {
    uint32_t *node; /* their numbers, the root first */
    size_t count, cap;
    size_t implied;
} lead;

static int add_node(bfci_v1 *v, lead *l, const bfci_v1_node *n, bool folder, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&v->node, &v->node_cap, v->node_count + 1, sizeof *v->node, err));
    v->node[v->node_count] = *n;
    v->node[v->node_count].parent = l->count ? l->node[l->count - 1] : 0;
    v->node_count++;
    if (!folder)
        return 0;
    BFC_TRY(bfci_reserve(&l->node, &l->cap, l->count + 1, sizeof *l->node, err));
    l->node[l->count++] = (uint32_t)v->node_count;
    v->dirs++;
    return 0;
}

static bool is_below(const bfci_v1_entry *e, const char *path, size_t len)
{
    return len == 0 ||
           (e->path_len > len && e->path[len] == '/' && memcmp(e->path, path, len) == 0);
}

static const bfci_v1_node *innermost(const bfci_v1 *v, const lead *l)
{
    return &v->node[l->node[l->count - 1] - 1];
}

/* Leaves the folders that the entry is not in, and makes those that are missing. */
static int lead_to(bfci_v1 *v, lead *l, const bfci_v1_entry *e, bfc_err *err)
{
    while (!is_below(e, innermost(v, l)->path, innermost(v, l)->path_len))
        l->count--;
    const uint32_t len = innermost(v, l)->path_len;
    for (uint32_t at = len ? len + 1 : 0; at < e->path_len; at++) {
        if (e->path[at] != '/')
            continue;
        if (++l->implied > IMPLIED_MAX)
            return bfci_fail(err, BFC_E_LIMIT,
                             "more than %d folders stand in paths, but not in the index",
                             IMPLIED_MAX);
        BFC_TRY(add_node(v, l, &(bfci_v1_node){.path = e->path, .path_len = at}, true, err));
    }
    return 0;
}

static int check_neighbour(const bfci_v1_entry *before, const bfci_v1_entry *e, bfc_err *err)
{
    if (compare_entries(before, e) == 0)
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' is in the index twice",
                         BFCI_QUOTE(e->path, e->path_len));
    if (before->type != BFC_TYPE_DIR && is_below(e, before->path, before->path_len))
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' lies below '%s', which is not a folder",
                         BFCI_QUOTE(e->path, e->path_len),
                         BFCI_QUOTE(before->path, before->path_len));
    return 0;
}

static void count_entry(bfci_v1 *v, const bfci_v1_entry *e)
{
    v->files += e->type == BFC_TYPE_FILE;
    v->symlinks += e->type == BFC_TYPE_SYMLINK;
    v->content_bytes += e->type == BFC_TYPE_FILE ? e->raw : 0;
    v->stored_bytes += e->size - bfci_v1_object_head(e->path_len);
    v->compressed |= e->comp != COMP_NONE;
    v->sealed_count += e->sealed;
}

static int plant(bfci_v1 *v, lead *l, bfc_err *err)
{
    BFC_TRY(add_node(v, l, &(bfci_v1_node){.path = ""}, true, err));
    for (uint32_t i = 0; i < v->entry_count; i++) {
        const bfci_v1_entry *e = &v->entry[i];
        bfci_v1_node n = {.entry = e, .path = e->path, .path_len = e->path_len};
        if (i > 0)
            BFC_TRY(check_neighbour(e - 1, e, err));
        BFC_TRY(lead_to(v, l, e, err));
        BFC_TRY(add_node(v, l, &n, e->type == BFC_TYPE_DIR, err));
        count_entry(v, e);
    }
    return 0;
}

static int make_tree(bfci_v1 *v, bfc_err *err)
{
    lead l = {0};
    int rc = plant(v, &l, err);

    free(l.node);
    return rc;
}

int bfci_v1_open(int fd, bfci_v1 **out, bfc_err *err)
{
    AUTO(bfci_v1) bfci_v1 *v = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *v, &v, err));
    v->fd = fd;
    int rc = read_ends(v, err);
    if (rc == 0)
        rc = read_entries(v, err);
    if (rc == 0)
        rc = check_overlaps(v, err);
    if (rc == 0)
        rc = make_tree(v, err);
    if (rc < 0) {
        v->fd = -1;
        return rc;
    }
    *out = bfci_steal(&v);
    return 0;
}
