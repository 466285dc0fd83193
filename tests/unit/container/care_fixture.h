/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of verify, log, recover and compact: a scratch folder with a source tree "src" and
 * containers made of it by the writer, and crafted containers: tables whose entries a test sets one
 * by one, right or wrong, with every checksum in order. State: struct care. */
#ifndef TESTS_UNIT_CONTAINER_CARE_FIXTURE_H
#define TESTS_UNIT_CONTAINER_CARE_FIXTURE_H

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <bfc/bfc.h>

#include "codec/digest.h"
#include "container/builder.h"
#include "container/hasher.h"
#include "sys/dir.h"
#include "sys/file.h"

struct care {
    char root[256], src[300], file[300], other[300];
    bfc_err err;
    char problems[1 << 16]; /* "[path] what\n" for each */
};

static inline int care_setup(void **state)
{
    struct care *c = calloc(1, sizeof *c);
    const char *base = getenv("TMPDIR");
    assert_non_null(c);
    (void)snprintf(c->root, sizeof c->root, "%s/bfc-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(c->root));
    (void)snprintf(c->src, sizeof c->src, "%s/src", c->root);
    (void)snprintf(c->file, sizeof c->file, "%s/a.bfc", c->root);
    (void)snprintf(c->other, sizeof c->other, "%s/b.bfc", c->root);
    assert_int_equal(mkdir(c->src, 0755), 0);
    *state = c;
    return 0;
}

static inline int care_teardown(void **state)
{
    struct care *c = *state;
    if (bfci_remove_tree(AT_FDCWD, c->root, &c->err) < 0)
        fail_msg("%s", c->err.msg);
    free(c);
    return 0;
}

#define CARE_TEST(fn) cmocka_unit_test_setup_teardown(fn, care_setup, care_teardown)
#define care_ok(c, call)                                                                           \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s", (c)->err.msg);                                                          \
    } while (0)

/* ── Files ── */

static inline void care_put(const char *folder, const char *name, const void *bytes, size_t len)
{
    char path[700];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static inline void care_put_text(const char *folder, const char *name, const char *text)
{
    care_put(folder, name, text, strlen(text));
}

/* Bytes that do not shrink. */
static inline void care_noise(uint8_t *out, size_t len, uint64_t seed)
{
    uint64_t v = seed * 2 + 1;
    for (size_t i = 0; i < len; i++) {
        v = v * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(v >> 56);
    }
}

static inline uint8_t *care_load(const char *path, size_t *len)
{
    uint8_t *data = NULL;
    assert_int_equal(bfci_read_file(AT_FDCWD, path, 256 << 20, &data, len, NULL), 0);
    return data;
}

static inline uint64_t care_size(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static inline void care_flip(const char *path, uint64_t offset)
{
    AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

/* ── Containers by the writer ── */

/* One commit of `src` as the root; the first makes the container. */
static inline void care_commit(struct care *c, const char *path, bool append)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    o.block_size = 4096;
    o.reproducible = true;
    care_ok(c, append ? bfc_writer_append(path, &o, &w, &c->err)
                      : bfc_writer_create(path, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
}

struct care_stop {
    uint64_t files, bytes; /* one of these was done */
    int flag;
};

static inline void care_stop_when_done(void *ctx, const bfc_progress *p)
{
    struct care_stop *stop = ctx;
    if (p->files_done >= stop->files || p->bytes_done >= stop->bytes)
        __atomic_store_n(&stop->flag, 1, __ATOMIC_RELAXED);
}

/* A commit of `src` that is cancelled on its way leaves nothing. */
static inline void care_expect_stop(struct care *c, unsigned jobs, uint64_t files, uint64_t bytes)
{
    struct care_stop stop = {files, bytes, 0};
    const bfc_hooks hooks = {NULL, care_stop_when_done, &stop, &stop.flag};
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;

    o.hooks = &hooks;
    o.jobs = jobs;
    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    care_ok(c, bfc_writer_add_root(w, c->src, &c->err));
    assert_int_equal(bfc_writer_commit(w, NULL, &c->err), BFC_E_CANCELLED);
    bfc_writer_close(w);
    assert_int_equal(access(c->file, F_OK), -1);
}

/* ── Verify ── */

static inline void care_note(void *ctx, const bfc_problem *p)
{
    struct care *c = ctx;
    size_t at = strlen(c->problems);
    (void)snprintf(c->problems + at, sizeof c->problems - at, "[%s] %s\n", p->path ? p->path : "-",
                   p->what);
}

static inline int care_verify(struct care *c, const char *path, bool deep, unsigned jobs,
                              bfc_verify_report *report)
{
    bfc_verify_options o = BFC_VERIFY_OPTIONS_INIT;
    o.deep = deep;
    o.jobs = jobs;
    o.problem = care_note;
    o.problem_ctx = c;
    c->problems[0] = '\0';
    return bfc_verify(path, &o, report, &c->err);
}

static inline void care_expect_clean(struct care *c, const char *path)
{
    if (care_verify(c, path, true, 2, NULL) != 0)
        fail_msg("%s\n%s", c->err.msg, c->problems);
}

static inline void care_expect_problem(struct care *c, const char *text)
{
    if (!strstr(c->problems, text))
        fail_msg("no '%s' in:\n%s", text, c->problems);
}

/* ── Crafted containers ── */

struct craft_entry {
    uint8_t table;
    uint8_t key[KEY_MAX];
    size_t key_len;
    uint8_t value[2048];
    size_t value_len;
};

struct craft {
    int fd;
    bfci_segment segment;
    bfci_commit commit;
    struct craft_entry *entry;
    size_t count, cap;
};

static inline void craft_begin(struct craft *k, const char *path)
{
    static const bfci_super super = {.uuid = {1, 2, 3}, .page_shift = 14, .block_max = 65536};
    memset(k, 0, sizeof *k);
    k->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(k->fd >= 0);
    bfci_segment_init(&k->segment, k->fd, &super, SUPER_SIZE);
    k->commit.seq = 1;
}

static inline struct craft_entry *craft_find(struct craft *k, uint8_t table, bfci_span key)
{
    for (size_t i = 0; i < k->count; i++)
        if (k->entry[i].table == table &&
            bfci_span_compare((bfci_span){k->entry[i].key, k->entry[i].key_len}, key) == 0)
            return &k->entry[i];
    return NULL;
}

/* Adds or replaces. */
static inline void craft_put(struct craft *k, uint8_t table, bfci_span key, const void *value,
                             size_t len)
{
    struct craft_entry *e = craft_find(k, table, key);
    if (!e) {
        assert_int_equal(bfci_reserve(&k->entry, &k->cap, k->count + 1, sizeof *k->entry, NULL), 0);
        e = &k->entry[k->count++];
    }
    assert_true(len <= sizeof e->value);
    e->table = table;
    memcpy(e->key, key.p, key.len);
    e->key_len = key.len;
    memcpy(e->value, value, len);
    e->value_len = len;
}

static inline void craft_remove(struct craft *k, uint8_t table, bfci_span key)
{
    struct craft_entry *e = craft_find(k, table, key);
    assert_non_null(e);
    *e = k->entry[--k->count];
}

static inline void craft_put_buf(struct craft *k, uint8_t table, bfci_span key, buf *value)
{
    craft_put(k, table, key, value->data, value->len);
    bfci_buf_free(value);
}

static inline void craft_inode(struct craft *k, uint64_t ino, const bfci_inode *n)
{
    uint8_t key[8];
    buf b = BUF_INIT;
    bfci_inode_encode(&b, n);
    craft_put_buf(k, TABLE_INODES, bfci_key_u64(key, ino), &b);
}

static inline void craft_name(struct craft *k, uint64_t dir, const char *name, uint8_t type,
                              uint64_t ino)
{
    uint8_t key[KEY_MAX];
    const bfci_dirent d = {type, ino};
    buf b = BUF_INIT;
    bfci_dirent_encode(&b, &d);
    craft_put_buf(k, TABLE_DIRENTS, bfci_key_dirent(key, dir, name, strlen(name)), &b);
}

static inline void craft_number(struct craft *k, uint8_t table, bfci_span key, uint64_t number)
{
    buf b = BUF_INIT;
    bfci_number_encode(&b, number);
    craft_put_buf(k, table, key, &b);
}

static inline void craft_tree(struct craft *k, uint32_t id, uint64_t root)
{
    uint8_t key[4];
    const bfci_tree t = {.kind = TREE_ROOTFS, .root = root, .label = {(const uint8_t *)"", 0}};
    buf b = BUF_INIT;
    bfci_tree_encode(&b, &t);
    craft_put_buf(k, TABLE_TREES, bfci_key_u32(key, id), &b);
}

/* Writes a block, uncompressed, and its entry. */
static inline bfci_ref craft_block(struct craft *k, uint64_t number, const void *bytes, size_t len)
{
    uint8_t key[8];
    bfci_ref ref = {.stored = (uint32_t)len, .raw = (uint32_t)len, .crc = bfci_crc32c(bytes, len)};
    buf b = BUF_INIT;
    assert_int_equal(bfci_sha256(bytes, len, ref.digest, NULL), 0);
    assert_int_equal(bfci_segment_put_data(&k->segment, number, bytes, &ref, NULL), 0);
    bfci_block_encode(&b, &ref);
    craft_put_buf(k, TABLE_BLOCKS, bfci_key_u64(key, number), &b);
    k->commit.data_stored += len;
    k->commit.data_raw += len;
    return ref;
}

/* A file of bytes without holes in one block. */
static inline bfci_inode craft_file(const void *bytes, size_t len, uint64_t block, uint32_t offset)
{
    bfci_inode n = {
        .type = BFC_TYPE_FILE, .mode = 0644, .size = len, .crc = bfci_crc32c(bytes, len)};
    assert_int_equal(bfci_sha256(bytes, len, n.digest, NULL), 0);
    n.extent_count = 1;
    n.extent[0] = (bfci_extent){.start = 0, .len = len, .block = block, .offset = offset};
    return n;
}

static inline int craft_compare(const void *a, const void *b)
{
    const struct craft_entry *x = a, *y = b;
    if (x->table != y->table)
        return x->table - y->table;
    return bfci_span_compare((bfci_span){x->key, x->key_len}, (bfci_span){y->key, y->key_len});
}

static inline void craft_end(struct craft *k)
{
    bfci_page_sink *sink = NULL;
    size_t at = 0;

    qsort(k->entry, k->count, sizeof *k->entry, craft_compare);
    assert_int_equal(bfci_page_sink_new(&k->segment, NULL, 3, &sink, NULL), 0);
    for (uint8_t table = TABLE_TREES; table < TABLE_COUNT; table++) {
        bfci_builder *b = NULL;
        uint64_t count = 0;
        assert_int_equal(bfci_builder_new(sink, (enum bfci_table)table, &b, NULL), 0);
        for (; at < k->count && k->entry[at].table == table; at++, count++)
            assert_int_equal(
                bfci_builder_add(b, (bfci_span){k->entry[at].key, k->entry[at].key_len},
                                 (bfci_span){k->entry[at].value, k->entry[at].value_len}, NULL),
                0);
        count += k->commit.table[table].count; /* a test's lie */
        assert_int_equal(bfci_builder_finish(b, count, &k->commit.table[table], NULL), 0);
        bfci_builder_free(b);
    }
    assert_int_equal(bfci_segment_commit(&k->segment, &k->commit, false, NULL), 0);
    bfci_page_sink_free(sink);
    free(k->entry);
    assert_int_equal(close(k->fd), 0);
}

#endif
