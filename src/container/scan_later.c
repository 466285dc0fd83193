/* SPDX-License-Identifier: Apache-2.0 */
#include "container/scan_later.h"

#include <fcntl.h>

#include "container/likeness.h"
#include "container/sorter.h"
#include "sys/file.h"

enum {
    FILES_BUDGET = 8 << 20,
    BASES_OPEN = 32, /* folders that were named and are kept open */
};

typedef struct later_folder {
    uint64_t ino;
    const char *source; /* the plan's, for what was named; NULL: on disk, in its parent */
    size_t name_at;     /* of its name in `names` */
    uint32_t parent;    /* LEVEL_NO_FOLDER: it is the root */
} later_folder;

typedef struct open_base {
    uint32_t folder;
    bfci_source_dir *dir; /* NULL: unused */
} open_base;

struct bfci_later {
    bfci_sorter *files;
    later_folder *folder;
    size_t folder_count, folder_cap;
    buf names;           /* of folders, each ended by NUL */
    const char **source; /* of files that were named themselves */
    size_t source_count, source_cap;
    buf record;
    open_base base[BASES_OPEN];
    size_t next_base;
    bfci_source_dir *last; /* the folder of the file before; NULL: none */
    uint32_t last_folder;
};

/* What is kept of a file, beside its name. */
typedef struct later_file {
    uint32_t folder, source; /* source: index plus 1; 0: it is in the folder */
    uint64_t ino, size, link_count;
    bool was_there;
    bfci_dirent old;
    const char *name;
} later_file;

int bfci_later_new(const char *beside, bool sealed, bfci_later **out, bfc_err *err)
{
    bfci_later *l = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *l, &l, err));
    int rc = bfci_sorter_new(beside, sealed, FILES_BUDGET, &l->files, err);
    if (rc < 0) {
        free(l);
        return rc;
    }
    *out = l;
    return 0;
}

static void close_folders(bfci_later *l)
{
    bfci_source_dir_unref(bfci_steal(&l->last));
    for (size_t i = 0; i < BASES_OPEN; i++)
        bfci_source_dir_unref(bfci_steal(&l->base[i].dir));
}

void bfci_later_free(bfci_later *l)
{
    if (!l)
        return;
    close_folders(l);
    bfci_sorter_free(l->files);
    bfci_buf_free(&l->names);
    bfci_buf_free(&l->record);
    free(l->folder);
    free(l->source);
    free(l);
}

/* ── Putting off ── */

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int note_folder(bfci_later *l, bfci_scan_level *level, uint32_t parent, bfc_err *err)
{
    const char *name = last_name(level->dir->path);

    if (l->folder_count >= LEVEL_NO_FOLDER)
        return bfci_fail(err, BFC_E_LIMIT, "more than %u folders", LEVEL_NO_FOLDER);
    BFC_TRY(bfci_reserve(&l->folder, &l->folder_cap, l->folder_count + 1, sizeof *l->folder, err));
    l->folder[l->folder_count] = (later_folder){
        .ino = level->ino, .source = level->source, .name_at = l->names.len, .parent = parent};
    bfci_buf_put(&l->names, name, strlen(name) + 1);
    BFC_TRY(buf_check(&l->names, err));
    level->folder = (uint32_t)l->folder_count++;
    return 0;
}

/* The folder that the walk is in, and all above it. */
static int note_folders(bfci_scan *s, uint32_t *out, bfc_err *err)
{
    uint32_t parent = LEVEL_NO_FOLDER;

    for (size_t i = 0; i < s->depth; i++) {
        if (s->level[i].folder == LEVEL_NO_FOLDER)
            BFC_TRY(note_folder(s->later, &s->level[i], parent, err));
        parent = s->level[i].folder;
    }
    *out = parent;
    return 0;
}

static int note_source(bfci_later *l, const char *source, uint32_t *out, bfc_err *err)
{
    *out = 0;
    if (!source)
        return 0;
    if (l->source_count >= UINT32_MAX - 1)
        return bfci_fail(err, BFC_E_LIMIT, "more than %u files were named", UINT32_MAX - 1);
    BFC_TRY(bfci_reserve(&l->source, &l->source_cap, l->source_count + 1, sizeof *l->source, err));
    l->source[l->source_count++] = source;
    *out = (uint32_t)l->source_count;
    return 0;
}

static void encode(buf *b, const later_file *f)
{
    buf_clear(b);
    bfci_buf_varint(b, f->folder);
    bfci_buf_varint(b, f->source);
    bfci_buf_varint(b, f->ino);
    bfci_buf_varint(b, f->size);
    bfci_buf_varint(b, f->link_count);
    buf_u8(b, f->was_there);
    buf_u8(b, f->old.type);
    bfci_buf_varint(b, f->old.ino);
    bfci_buf_put(b, f->name, strlen(f->name) + 1);
}

int bfci_later_put(bfci_scan *s, const char *name, const bfci_item *item, const char *source,
                   bfc_err *err)
{
    bfci_later *l = s->later;
    uint8_t key[KEY_MAX];
    later_file f = {.ino = item->ino,
                    .size = (uint64_t)item->st.st_size,
                    .link_count = item->link_count,
                    .was_there = item->was_there,
                    .old = item->old,
                    .name = name};

    BFC_TRY(note_folders(s, &f.folder, err));
    BFC_TRY(note_source(l, source, &f.source, err));
    encode(&l->record, &f);
    BFC_TRY(buf_check(&l->record, err));
    bfci_span by = f.link_count
                       ? bfci_likeness_link_key(key, f.ino, f.link_count)
                       : bfci_likeness_key(key, f.name, (unsigned)item->st.st_mode, f.size, f.ino);
    return bfci_sorter_put(l->files, by, (bfci_span){l->record.data, l->record.len}, err);
}

/* ── Coming back to them ── */

static int decode(const bfci_later *l, bfci_span bytes, later_file *f, bfc_err *err)
{
    rd r = rd_over(bytes.p, bytes.len);

    f->folder = (uint32_t)rd_varint(&r);
    f->source = (uint32_t)rd_varint(&r);
    f->ino = rd_varint(&r);
    f->size = rd_varint(&r);
    f->link_count = rd_varint(&r);
    f->was_there = rd_u8(&r);
    f->old.type = rd_u8(&r);
    f->old.ino = rd_varint(&r);
    f->name = (const char *)r.p;
    bool whole = rd_left(&r) > 1 && r.end[-1] == '\0' && f->folder < l->folder_count &&
                 f->source <= l->source_count;
    return whole ? 0 : bfci_fail(err, BFC_E_CORRUPT, "the temporary file was changed");
}

static const char *name_of(const bfci_later *l, uint32_t folder)
{
    return (const char *)l->names.data + l->folder[folder].name_at;
}

static bool is_root(const bfci_later *l, uint32_t folder)
{
    return l->folder[folder].parent == LEVEL_NO_FOLDER;
}

static size_t path_len(const bfci_later *l, uint32_t folder)
{
    size_t len = 0;

    for (; !is_root(l, folder); folder = l->folder[folder].parent)
        len += strlen(name_of(l, folder)) + 1;
    return len ? len - 1 : 0;
}

/* In the container: "a/b/c", the root's is "". */
static int path_of(const bfci_later *l, uint32_t folder, char **out, bfc_err *err)
{
    size_t at = path_len(l, folder);

    BFC_TRY(bfci_alloc_zero(at + 1, 1, out, err));
    for (; !is_root(l, folder); folder = l->folder[folder].parent) {
        const char *name = name_of(l, folder);
        size_t len = strlen(name);
        at -= len;
        memcpy(*out + at, name, len);
        if (at > 0)
            (*out)[--at] = '/';
    }
    return 0;
}

/* The folder that was named, or the root, beneath which another one is. */
static uint32_t base_of(const bfci_later *l, uint32_t folder)
{
    while (!l->folder[folder].source && !is_root(l, folder))
        folder = l->folder[folder].parent;
    return folder;
}

static int open_base_dir(bfci_scan *s, uint32_t base, bfci_source_dir **out, bfc_err *err)
{
    const bfci_later *l = s->later;
    AUTO_FREE char *path = NULL;
    AUTO_FD int fd = -1;
    const int flags = O_RDONLY | O_DIRECTORY | (is_root(l, base) ? 0 : O_NOFOLLOW);

    BFC_TRY(bfci_scan_wait_for_dirs(s, err));
    BFC_TRY(path_of(l, base, &path, err));
    if (l->folder[base].source)
        BFC_TRY(bfci_open(AT_FDCWD, l->folder[base].source, flags, 0, &fd, err));
    BFC_TRY(bfci_source_dir_new(fd, "", path, &s->dirs, out, err));
    (void)bfci_steal_fd(&fd);
    return 0;
}

/* Borrowed: valid until the next one. */
static int find_base(bfci_scan *s, uint32_t base, bfci_source_dir **out, bfc_err *err)
{
    bfci_later *l = s->later;
    open_base *o = &l->base[l->next_base];

    for (size_t i = 0; i < BASES_OPEN; i++)
        if (l->base[i].dir && l->base[i].folder == base) {
            *out = l->base[i].dir;
            return 0;
        }
    bfci_source_dir_unref(bfci_steal(&o->dir));
    BFC_TRY(open_base_dir(s, base, &o->dir, err));
    o->folder = base;
    l->next_base = (l->next_base + 1) % BASES_OPEN;
    *out = o->dir;
    return 0;
}

/* Borrowed, likewise. */
static int find_folder(bfci_scan *s, uint32_t folder, bfci_source_dir **out, bfc_err *err)
{
    bfci_later *l = s->later;
    AUTO_FREE char *path = NULL;
    bfci_source_dir *base = NULL;

    if (!l->last || l->last_folder != folder) {
        BFC_TRY(find_base(s, base_of(l, folder), &base, err));
        BFC_TRY(path_of(l, folder, &path, err));
        bfci_source_dir_unref(bfci_steal(&l->last));
        BFC_TRY(bfci_source_dir_beneath(base, path, &l->last, err));
        l->last_folder = folder;
    }
    *out = l->last;
    return 0;
}

/* A folder that is only to tell its path: what was named is opened by what it was named by. */
static int path_alone(bfci_scan *s, const later_file *f, bfci_source_dir **out, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(path_of(s->later, f->folder, &path, err));
    return bfci_source_dir_new(-1, "", path, &s->dirs, out, err);
}

static int add_file(bfci_scan *s, const later_file *f, bfci_source_dir *dir, bfci_item **out,
                    bfc_err *err)
{
    const struct stat st = {.st_mode = S_IFREG, .st_size = (off_t)f->size};
    const char *source = f->source ? s->later->source[f->source - 1] : NULL;
    bfci_item *item = NULL;

    BFC_TRY(bfci_scan_new_item(s, dir, s->later->folder[f->folder].ino, f->name, source, &st, &item,
                               err));
    item->ino = f->ino;
    item->link_count = f->link_count;
    item->was_there = f->was_there;
    item->old = f->old;
    bfci_scan_expect_content(s, item);
    *out = item;
    return 0;
}

static int hand_out(bfci_scan *s, const later_file *f, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    bfci_source_dir *dir = NULL;
    bfci_item *item = NULL;

    int failed = f->source ? 0 : find_folder(s, f->folder, &dir, &why);
    if (failed == BFC_E_CANCELLED || failed == BFC_E_NOMEM) {
        if (err)
            *err = why;
        return failed;
    }
    if (dir)
        return add_file(s, f, dir, &item, err);
    BFC_TRY(path_alone(s, f, &dir, err));
    int rc = add_file(s, f, dir, &item, err);
    bfci_source_dir_unref(dir);
    if (rc < 0 || failed == 0)
        return rc;
    item->rc = failed; /* told to the writer, as if the file itself could not be opened */
    BFC_TRY(bfci_alloc(1, sizeof *item->err, &item->err, err));
    *item->err = why;
    return 0;
}

int bfci_later_hand_out(bfci_scan *s, bfc_err *err)
{
    bfci_sorter *files = s->later->files;
    const bfci_change *c = NULL;
    later_file f;

    BFC_TRY(bfci_sorter_rewind(files, err));
    while ((c = bfci_sorter_peek(files))) {
        BFC_TRY(decode(s->later, c->value, &f, err));
        BFC_TRY(hand_out(s, &f, err));
        BFC_TRY(bfci_sorter_step(files, err));
    }
    close_folders(s->later);
    return bfci_scan_flush(s, err);
}
