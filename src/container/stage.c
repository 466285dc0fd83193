/* SPDX-License-Identifier: Apache-2.0 */
/* Staging: entries of tables in any order, sorted and merged at the end. */
#include "container/stage.h"

/* Memory for each table's changes; together with what a sort takes it stays below 80 MiB. */
static const size_t sorter_budget[TABLE_COUNT] = {
    [TABLE_TREES] = 1 << 16,      [TABLE_INODES] = 14 << 20,  [TABLE_DIRENTS] = 10 << 20,
    [TABLE_LINKS] = 1 << 20,      [TABLE_XATTRS] = 4 << 20,   [TABLE_EXTENTS] = 4 << 20,
    [TABLE_BLOCKS] = 6 << 20,     [TABLE_CONTENTS] = 8 << 20, [TABLE_BLOBS] = 1 << 20,
    [TABLE_SIGNATURES] = 1 << 16,
};

static void old_cursors(bfci_stage *s)
{
    bfci_cursor_init(&s->inodes, s->old, TABLE_INODES);
    bfci_cursor_init(&s->dirents, s->old, TABLE_DIRENTS);
    bfci_cursor_init(&s->links, s->old, TABLE_LINKS);
    bfci_cursor_init(&s->xattrs, s->old, TABLE_XATTRS);
    bfci_cursor_init(&s->contents, s->old, TABLE_CONTENTS);
}

int bfci_stage_init(bfci_stage *s, const char *beside, bool sealed, bfci_memory memory,
                    const bfci_source *base, bfc_err *err)
{
    *s = (bfci_stage){.base = base, .newest_mtime = INT64_MIN};
    if (base) {
        s->commit = base->commit;
        BFC_TRY(bfci_tables_new(base, &s->old, err));
        old_cursors(s);
    } else {
        s->commit.next_ino = 1;
    }
    for (unsigned i = TABLE_TREES; i < TABLE_COUNT; i++)
        BFC_TRY(bfci_sorter_new(beside, sealed, sorter_budget[i] >> memory.tables_shift,
                                &s->sorter[i], err));
    return 0;
}

void bfci_stage_release(bfci_stage *s)
{
    for (unsigned i = TABLE_TREES; i < TABLE_COUNT; i++)
        bfci_sorter_free(s->sorter[i]);
    if (s->old) {
        bfci_cursor *cursors[] = {&s->inodes, &s->dirents, &s->links, &s->xattrs, &s->contents};
        for (size_t i = 0; i < ARRAY_LEN(cursors); i++)
            bfci_cursor_release(cursors[i]);
        bfci_tables_free(s->old);
    }
    bfci_map_release(&s->sets);
    bfci_map_release(&s->left);
    bfci_buf_free(&s->record);
    *s = (bfci_stage){0};
}

/* Puts what is in s->record. */
static int put_record(bfci_stage *s, enum bfci_table table, bfci_span key, bfc_err *err)
{
    BFC_TRY(buf_check(&s->record, err));
    return bfci_sorter_put(s->sorter[table], key, (bfci_span){s->record.data, s->record.len}, err);
}

static uint64_t *counter_of(bfci_commit *c, uint8_t type)
{
    switch (type) {
    case BFC_TYPE_FILE:
        return &c->files;
    case BFC_TYPE_DIR:
        return &c->dirs;
    case BFC_TYPE_SYMLINK:
        return &c->symlinks;
    default:
        return &c->others;
    }
}

static int put_extents(bfci_stage *s, uint64_t ino, const bfci_extent *extents, size_t count,
                       bfc_err *err)
{
    uint8_t key[16];

    for (size_t i = 0; i < count; i += EXTENTS_ENTRY_MAX) {
        buf_clear(&s->record);
        bfci_extents_entry_encode(&s->record, extents + i,
                                  MIN(count - i, (size_t)EXTENTS_ENTRY_MAX));
        BFC_TRY(put_record(s, TABLE_EXTENTS, bfci_key_pair(key, ino, extents[i].start), err));
    }
    return 0;
}

int bfci_stage_inode(bfci_stage *s, uint64_t ino, bfci_inode *n, const bfci_extent *extents,
                     size_t count, bool existed, bfc_err *err)
{
    uint8_t key[8];

    if (count > EXTENTS_INLINE_MAX) {
        n->flags |= INODE_SPILLED;
        n->extent_count = 0;
        BFC_TRY(put_extents(s, ino, extents, count, err));
    } else {
        n->extent_count = count;
        if (count)
            memcpy(n->extent, extents, count * sizeof *extents);
    }
    buf_clear(&s->record);
    bfci_inode_encode(&s->record, n);
    BFC_TRY(put_record(s, TABLE_INODES, bfci_key_u64(key, ino), err));
    if (!existed) {
        (*counter_of(&s->commit, n->type))++;
        s->commit.content_bytes += n->size;
    }
    if (!(n->flags & INODE_SYNTHETIC))
        s->newest_mtime = MAX(s->newest_mtime, n->mtime);
    return 0;
}

int bfci_stage_drop_inode(bfci_stage *s, uint64_t ino, uint8_t type, bfc_err *err)
{
    uint8_t key[8];

    (*counter_of(&s->commit, type))--;
    return bfci_sorter_forget(s->sorter[TABLE_INODES], bfci_key_u64(key, ino), err);
}

int bfci_stage_dirent(bfci_stage *s, uint64_t dir, const char *name, uint8_t type, uint64_t ino,
                      bfc_err *err)
{
    uint8_t key[KEY_MAX];
    size_t len = strlen(name);

    if (len > BFCI_NAME_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "name '%s' has more than %d bytes",
                         BFCI_QUOTE(name, len), BFCI_NAME_MAX);
    buf_clear(&s->record);
    bfci_dirent_encode(&s->record, &(bfci_dirent){type, ino});
    return put_record(s, TABLE_DIRENTS, bfci_key_dirent(key, dir, name, len), err);
}

static int put_number(bfci_stage *s, enum bfci_table table, bfci_span key, uint64_t number,
                      bfc_err *err)
{
    buf_clear(&s->record);
    bfci_number_encode(&s->record, number);
    return put_record(s, table, key, err);
}

int bfci_stage_links(bfci_stage *s, uint64_t ino, uint64_t count, bfc_err *err)
{
    uint8_t key[8];
    return put_number(s, TABLE_LINKS, bfci_key_u64(key, ino), count, err);
}

int bfci_stage_content(bfci_stage *s, const uint8_t digest[BFC_DIGEST_SIZE], uint64_t ino,
                       bfc_err *err)
{
    return put_number(s, TABLE_CONTENTS, bfci_key_content(digest), ino, err);
}

int bfci_stage_has_xattrs(bfci_stage *s, const uint8_t digest[BFC_DIGEST_SIZE], bool *has,
                          bfc_err *err)
{
    *has = bfci_map_get(&s->sets, get_u64le(digest), get_u64le(digest + 8)) != NULL;
    if (*has || !s->old)
        return 0;
    return bfci_cursor_find(&s->xattrs, (bfci_span){digest, BFC_DIGEST_SIZE}, has, err);
}

int bfci_stage_xattrs(bfci_stage *s, const uint8_t digest[BFC_DIGEST_SIZE], const bfci_stored *set,
                      bfc_err *err)
{
    buf_clear(&s->record);
    bfci_stored_encode(&s->record, set);
    BFC_TRY(put_record(s, TABLE_XATTRS, (bfci_span){digest, BFC_DIGEST_SIZE}, err));
    return bfci_map_put(&s->sets, get_u64le(digest), get_u64le(digest + 8), 1, err);
}

int bfci_stage_blob(bfci_stage *s, const char *name, const bfci_stored *blob, bfc_err *err)
{
    buf_clear(&s->record);
    bfci_stored_encode(&s->record, blob);
    return put_record(s, TABLE_BLOBS, (bfci_span){(const uint8_t *)name, strlen(name)}, err);
}

int bfci_stage_drop_blob(bfci_stage *s, const char *name, bfc_err *err)
{
    return bfci_sorter_delete(s->sorter[TABLE_BLOBS],
                              (bfci_span){(const uint8_t *)name, strlen(name)}, err);
}

int bfci_stage_signature(bfci_stage *s, const bfc_signature *signature, bfc_err *err)
{
    uint8_t key[SIGNATURE_KEY_SIZE];

    buf_clear(&s->record);
    bfci_signature_value_encode(&s->record, signature);
    return put_record(s, TABLE_SIGNATURES,
                      bfci_signature_key(key, signature->root_digest, signature->signer), err);
}

int bfci_stage_tree(bfci_stage *s, uint32_t id, const bfci_tree *tree, bfc_err *err)
{
    uint8_t key[4];

    buf_clear(&s->record);
    bfci_tree_encode(&s->record, tree);
    return put_record(s, TABLE_TREES, bfci_key_u32(key, id), err);
}

/* ── Taking out what was there ── */

static int forget_content(bfci_stage *s, uint64_t ino, const bfci_inode *n, bfc_err *err)
{
    bool found = false;
    uint64_t named = 0;
    bfci_span key = bfci_key_content(n->digest);

    if (n->size == 0)
        return 0;
    BFC_TRY(bfci_cursor_find(&s->contents, key, &found, err));
    if (found)
        BFC_TRY(bfci_number_decode(s->contents.value, &named, err));
    return found && named == ino ? bfci_sorter_delete(s->sorter[TABLE_CONTENTS], key, err) : 0;
}

static int forget_extents(bfci_stage *s, uint64_t ino, const bfci_inode *n, bfc_err *err)
{
    uint8_t key[16];
    bfci_cursor c;

    if (!(n->flags & INODE_SPILLED))
        return 0;
    bfci_cursor_init(&c, s->old, TABLE_EXTENTS);
    int rc = bfci_cursor_seek(&c, bfci_key_pair(key, ino, 0), err);
    while (rc == 0 && !c.at_end && c.key.len == 16 && get_u64be(c.key.p) == ino) {
        rc = bfci_sorter_delete(s->sorter[TABLE_EXTENTS], c.key, err);
        if (rc == 0)
            rc = bfci_cursor_next(&c, err);
    }
    bfci_cursor_release(&c);
    return rc;
}

static int forget_inode(bfci_stage *s, uint64_t ino, bfc_err *err)
{
    uint8_t key[8];

    BFC_TRY(bfci_load_inode(&s->inodes, ino, &s->inode, err));
    BFC_TRY(bfci_sorter_delete(s->sorter[TABLE_INODES], bfci_key_u64(key, ino), err));
    (*counter_of(&s->commit, s->inode.type))--;
    s->commit.content_bytes -= s->inode.size;
    if (s->inode.type != BFC_TYPE_FILE)
        return 0;
    BFC_TRY(forget_content(s, ino, &s->inode, err));
    return forget_extents(s, ino, &s->inode, err);
}

/* One name less; the inode goes with its last. */
static int drop_name(bfci_stage *s, uint64_t ino, bfc_err *err)
{
    uint8_t key[8];
    uint64_t count;
    const uint64_t *left = bfci_map_get(&s->left, ino, 0);

    if (left)
        count = *left;
    else
        BFC_TRY(bfci_load_nlink(&s->links, ino, &count, err));
    if (count <= 1)
        return forget_inode(s, ino, err);
    BFC_TRY(bfci_map_put(&s->left, ino, 0, count - 1, err));
    if (count > 2)
        return bfci_stage_links(s, ino, count - 1, err);
    return bfci_sorter_delete(s->sorter[TABLE_LINKS], bfci_key_u64(key, ino), err);
}

typedef struct dir_stack {
    uint64_t *dir;
    size_t count, cap;
} dir_stack;

static int push_dir(dir_stack *stack, uint64_t dir, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&stack->dir, &stack->cap, stack->count + 1, sizeof *stack->dir, err));
    stack->dir[stack->count++] = dir;
    return 0;
}

/* Drops all names of a folder; folders among them go on the stack. */
static int empty_dir(bfci_stage *s, uint64_t dir, dir_stack *stack, bfc_err *err)
{
    uint8_t key[8];

    BFC_TRY(bfci_cursor_seek(&s->dirents, bfci_key_u64(key, dir), err));
    while (!s->dirents.at_end && s->dirents.key.len > 8 && get_u64be(s->dirents.key.p) == dir) {
        bfci_dirent d;
        BFC_TRY(bfci_dirent_decode(s->dirents.value, &d, err));
        BFC_TRY(bfci_sorter_delete(s->sorter[TABLE_DIRENTS], s->dirents.key, err));
        if (d.type == BFC_TYPE_DIR)
            BFC_TRY(push_dir(stack, d.ino, err));
        else
            BFC_TRY(drop_name(s, d.ino, err));
        BFC_TRY(bfci_cursor_next(&s->dirents, err));
    }
    return 0;
}

static int remove_dirs(bfci_stage *s, dir_stack *stack, bfc_err *err)
{
    bfci_set seen = BFCI_SET_INIT;
    int rc = 0;

    while (rc == 0 && stack->count > 0) {
        uint64_t dir = stack->dir[--stack->count];
        bool added = false;
        rc = bfci_set_add(&seen, dir, &added, err);
        if (rc == 0 && !added)
            rc = bfci_fail(err, BFC_E_CORRUPT, "folder %llu stands in the tree twice",
                           (unsigned long long)dir);
        if (rc == 0)
            rc = empty_dir(s, dir, stack, err);
        if (rc == 0)
            rc = forget_inode(s, dir, err);
    }
    bfci_set_release(&seen);
    return rc;
}

int bfci_stage_remove(bfci_stage *s, uint64_t dir, const char *name, const bfci_dirent *old,
                      bfc_err *err)
{
    uint8_t key[KEY_MAX];
    dir_stack stack = {0};

    BFC_TRY(bfci_sorter_delete(s->sorter[TABLE_DIRENTS],
                               bfci_key_dirent(key, dir, name, strlen(name)), err));
    if (old->type != BFC_TYPE_DIR)
        return drop_name(s, old->ino, err);
    int rc = push_dir(&stack, old->ino, err);
    if (rc == 0)
        rc = remove_dirs(s, &stack, err);
    free(stack.dir);
    return rc;
}

/* ── The end ── */

/* While a table is written the next is sorted: no more at a time, since sorting takes memory. */
int bfci_stage_write(bfci_stage *s, bfci_pool *pool, bfci_page_sink *sink, bfc_err *err)
{
    static const bfci_table_ref none = {0};

    for (unsigned i = TABLE_TREES; i < TABLE_COUNT; i++) {
        if (i + 1 < TABLE_COUNT)
            bfci_sorter_sort_ahead(s->sorter[i + 1], pool);
        const bfci_table_ref *old = s->base ? &s->base->commit.table[i] : &none;
        int rc = bfci_table_merge(s->old, old, s->sorter[i], sink, (enum bfci_table)i,
                                  &s->commit.table[i], err);
        if (rc < 0)
            return rc;
        bfci_sorter_free(bfci_steal(&s->sorter[i])); /* its memory serves the next */
    }
    return 0;
}
