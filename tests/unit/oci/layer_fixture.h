/* SPDX-License-Identifier: Apache-2.0 */
/* Layers made in a test, entry by entry, stored in a container as an image's are, and its trees as
 * texts to compare. Beside care_fixture.h. */
#ifndef TESTS_UNIT_OCI_LAYER_FIXTURE_H
#define TESTS_UNIT_OCI_LAYER_FIXTURE_H

#include "../container/care_fixture.h"

#include "container/feed.h"
#include "oci/image_in.h"
#include "oci/layer_out.h"
#include "oci/tar.h"

enum {
    STACK_MAX = 16,
    MADE_TIME = 1000000000
};

/* A row of them ends with one of kind 0. */
struct made {
    char kind; /* d f l h, and c b p as mknod has them */
    const char *path;
    const char *text; /* content, target; NULL: "" */
    unsigned mode;    /* 0: 0755 of folders, 0644 of files, 0777 of links */
    unsigned uid, major, minor;
};

/* Further fields may follow: .mode = 0700 */
#define D(...)                                                                                     \
    {                                                                                              \
        .kind = 'd', .path = __VA_ARGS__                                                           \
    }
#define F(name, ...)                                                                               \
    {                                                                                              \
        .kind = 'f', .path = name, .text = __VA_ARGS__                                             \
    }
#define L(name, ...)                                                                               \
    {                                                                                              \
        .kind = 'l', .path = name, .text = __VA_ARGS__                                             \
    }
#define H(name, ...)                                                                               \
    {                                                                                              \
        .kind = 'h', .path = name, .text = __VA_ARGS__                                             \
    }
#define N(type, ...)                                                                               \
    {                                                                                              \
        .kind = type, .path = __VA_ARGS__                                                          \
    }

struct stack {
    struct care *c;
    bfc_writer_options o;
    buf tar[STACK_MAX];
    size_t count, stored; /* layers that were put, and that are in the container */
    size_t portion;       /* of the tar's bytes; 0: all at once */
    bfci_layer_facts facts[STACK_MAX];
    uint32_t merged[STACK_MAX]; /* trees of the lowest layers */
    uint32_t next_tree;
    uint64_t entries, content; /* of all layers together */
};

static inline void stack_open(struct stack *s, struct care *c)
{
    *s = (struct stack){.c = c, .o = BFC_WRITER_OPTIONS_INIT, .next_tree = 1};
    s->o.block_size = 4096;
    s->o.reproducible = true;
    s->o.jobs = 2;
}

static inline void stack_close(struct stack *s)
{
    for (size_t i = 0; i < s->count; i++)
        bfci_buf_free(&s->tar[i]);
    (void)unlink(s->c->file);
}

/* ── Tars ── */

static inline int stack_write(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    bfci_buf_put(ctx, bytes, len);
    return buf_check(ctx, err);
}

static inline enum bfci_tar_kind made_kind(char kind)
{
    switch (kind) {
    case 'd':
        return TAR_DIR;
    case 'l':
        return TAR_SYMLINK;
    case 'h':
        return TAR_HARDLINK;
    case 'c':
        return TAR_CHAR;
    case 'b':
        return TAR_BLOCK_DEVICE;
    case 'p':
        return TAR_FIFO;
    default:
        return TAR_FILE;
    }
}

static inline void tar_put(buf *tar, const bfci_tar_entry *e, const void *data)
{
    const bfci_tar_out out = {stack_write, tar};

    assert_int_equal(bfci_tar_write_entry(&out, e, NULL), 0);
    if (e->data_size)
        bfci_buf_put(tar, data, (size_t)e->data_size);
    assert_int_equal(bfci_tar_pad(&out, e->data_size, NULL), 0);
}

static inline void tar_put_made(buf *tar, const struct made *m)
{
    const char *text = m->text ? m->text : "";
    bool is_link = m->kind == 'l' || m->kind == 'h';
    unsigned mode = m->kind == 'd' ? 0755 : m->kind == 'l' ? 0777 : 0644;

    const bfci_tar_entry e = {.kind = made_kind(m->kind),
                              .path = m->path,
                              .link = is_link ? text : "",
                              .mode = m->mode ? m->mode : mode,
                              .uid = m->uid,
                              .mtime = MADE_TIME,
                              .major = m->major,
                              .minor = m->minor,
                              .size = is_link ? 0 : strlen(text),
                              .data_size = is_link ? 0 : strlen(text)};
    tar_put(tar, &e, text);
}

static inline void tar_end(buf *tar)
{
    const bfci_tar_out out = {stack_write, tar};

    assert_int_equal(bfci_tar_write_end(&out, NULL), 0);
    assert_false(tar->bad);
}

/* One more layer; it is stored by stack_store(). */
static inline buf *stack_layer(struct stack *s)
{
    assert_true(s->count < STACK_MAX);
    s->tar[s->count] = (buf)BUF_INIT;
    return &s->tar[s->count++];
}

static inline void stack_put(struct stack *s, const struct made *rows)
{
    buf *tar = stack_layer(s);

    for (; rows->kind; rows++)
        tar_put_made(tar, rows);
    tar_end(tar);
}

#define LAYER(s, ...) stack_put(s, (const struct made[]){__VA_ARGS__, {0}})

/* ── Into a container ── */

struct produced {
    const buf *tar;
    size_t portion;
};

static inline int stack_produce(void *ctx, bfci_write_fn *write, void *write_ctx, bfc_err *err)
{
    const struct produced *p = ctx;
    size_t portion = p->portion ? p->portion : p->tar->len;

    for (size_t at = 0; at < p->tar->len; at += portion)
        BFC_TRY(write(write_ctx, p->tar->data + at, MIN(portion, p->tar->len - at), err));
    return 0;
}

static inline int stack_take(struct stack *s, bfci_image_in *ii, size_t i, bfc_err *err)
{
    AUTO(bfci_layer_stream) bfci_layer_stream *stream = NULL;
    struct produced p = {&s->tar[i], s->portion};
    char label[32];

    BFC_TRY(bfci_layer_stream_produce(stack_produce, &p, &stream, err));
    BFC_TRY(bfci_image_in_layer(ii, stream, "", NULL, &s->facts[i], err));
    s->merged[i] = ii->next_tree++;
    (void)snprintf(label, sizeof label, "lowest %zu", i + 1);
    return bfci_image_in_merged(ii, s->merged[i], label, err);
}

struct stack_feed {
    struct stack *s;
    bfc_reader *base;
};

static inline int stack_feed_image(struct stack *s, bfci_image_in *ii, bfc_err *err)
{
    for (size_t i = s->stored; i < s->count; i++)
        BFC_TRY(stack_take(s, ii, i, err));
    BFC_TRY(bfci_image_in_merged(ii, ROOT_TREE, "", err));
    BFC_TRY(bfci_image_in_totals(ii, &s->entries, &s->content, err));
    BFC_TRY(bfci_image_in_finish(ii, err));
    s->next_tree = ii->next_tree;
    return 0;
}

static inline int stack_feed(void *ctx, bfci_feed *feed, bfc_err *err)
{
    struct stack_feed *f = ctx;
    bfci_image_in ii;

    int rc = bfci_image_in_begin(&ii, feed, f->base, f->s->next_tree, NULL, err);
    if (rc == 0)
        rc = stack_feed_image(f->s, &ii, err);
    bfci_image_in_release(&ii);
    return rc;
}

/* Stores the layers that are not stored yet: the first ones make the container, others lie on those
 * in it. */
static inline int stack_try(struct stack *s)
{
    struct stack_feed f = {s, NULL};
    bfc_writer *w = NULL;
    struct care *c = s->c;

    c->err = (bfc_err)BFC_ERR_INIT;
    if (s->stored) {
        care_ok(c, bfci_writer_append_fed(c->file, &s->o, &w, &c->err));
        care_ok(c, bfc_reader_open(c->file, NULL, &f.base, &c->err));
    } else {
        care_ok(c, bfc_writer_create(c->file, &s->o, &w, &c->err));
    }
    bfci_writer_feed(w, stack_feed, &f);
    int rc = bfc_writer_commit(w, NULL, &c->err);
    bfc_writer_close(w);
    bfc_reader_close(f.base);
    if (rc == 0)
        s->stored = s->count;
    return rc;
}

/* Every layer comes out again as it went in. */
static inline void stack_check_tars(struct stack *s)
{
    struct care *c = s->c;
    bfc_reader *r = NULL;

    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    for (size_t i = 0; i < s->stored; i++) {
        AUTO_BUF buf got = BUF_INIT;
        care_ok(c, bfci_layer_out(r, &s->facts[i], NULL, stack_write, &got, &c->err));
        assert_int_equal(got.len, s->tar[i].len);
        assert_memory_equal(got.data, s->tar[i].data, got.len);
    }
    bfc_reader_close(r);
}

static inline void stack_store(struct stack *s)
{
    if (stack_try(s) != 0)
        fail_msg("%s", s->c->err.msg);
    care_expect_clean(s->c, s->c->file);
    stack_check_tars(s);
}

/* The layers cannot be stored, and the message has `words` in it. */
static inline void stack_refuse(struct stack *s, int code, const char *words)
{
    int rc = stack_try(s);

    if (rc != code || !strstr(s->c->err.msg, words))
        fail_msg("rc %d, '%s'; expected %d, '%s'", rc, s->c->err.msg, code, words);
    assert_false(s->stored == 0 && access(s->c->file, F_OK) == 0);
}

/* ── Trees as texts ── */

static inline bfc_reader *stack_reader(struct stack *s, uint32_t tree)
{
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    bfc_reader *r = NULL;

    o.tree = tree;
    care_ok(s->c, bfc_reader_open(s->c->file, &o, &r, &s->c->err));
    return r;
}

static inline void put_content(struct stack *s, bfc_reader *r, const bfc_entry *e, buf *out)
{
    size_t got = 0, len = (size_t)e->size;
    AUTO_FREE char *bytes = malloc(len + 1);

    assert_non_null(bytes);
    care_ok(s->c, bfc_reader_read(r, e->ino, 0, bytes, len, &got, &s->c->err));
    assert_int_equal(got, len);
    bfci_buf_put(out, bytes, len);
}

static inline void put_entry(struct stack *s, bfc_reader *r, const bfc_entry *e, buf *out)
{
    unsigned mode = e->type == BFC_TYPE_DIR ? 0755 : e->type == BFC_TYPE_SYMLINK ? 0777 : 0644;

    bfci_buf_printf(out, "%s", e->path);
    if (e->type == BFC_TYPE_DIR)
        bfci_buf_printf(out, "/%s", e->synthetic ? "?" : "");
    if (e->type == BFC_TYPE_FILE) {
        bfci_buf_printf(out, "=");
        put_content(s, r, e, out);
    }
    if (e->type == BFC_TYPE_SYMLINK)
        bfci_buf_printf(out, "->%.*s", (int)e->link_len, e->link);
    if (e->type == BFC_TYPE_CHAR || e->type == BFC_TYPE_BLOCK)
        bfci_buf_printf(out, "=%c%u,%u", e->type == BFC_TYPE_CHAR ? 'c' : 'b', e->major, e->minor);
    if (e->type == BFC_TYPE_FIFO)
        bfci_buf_printf(out, "|");
    if (e->mode != mode)
        bfci_buf_printf(out, ":%o", e->mode);
    if (e->uid)
        bfci_buf_printf(out, "@%u", e->uid);
}

/* "/ etc/ etc/hosts=text lib->usr/lib"; a "?" behind folders that no entry told of, mode and owner
 * where they are not the usual ones. */
static inline char *stack_text(struct stack *s, uint32_t tree)
{
    bfc_reader *r = stack_reader(s, tree);
    const bfc_entry *e = NULL;
    bfc_walk *walk = NULL;
    buf out = BUF_INIT;

    care_ok(s->c, bfc_walk_open(r, NULL, &walk, &s->c->err));
    for (;;) {
        care_ok(s->c, bfc_walk_next(walk, &e, &s->c->err));
        if (!e)
            break;
        if (out.len)
            buf_u8(&out, ' ');
        put_entry(s, r, e, &out);
    }
    bfc_walk_close(walk);
    bfc_reader_close(r);
    buf_u8(&out, 0);
    assert_false(out.bad);
    return (char *)out.data;
}

static inline void stack_expect(struct stack *s, uint32_t tree, const char *want)
{
    AUTO_FREE char *have = stack_text(s, tree);

    assert_string_equal(have, want);
}

/* Stores what was put, and compares the merged tree of all layers with the text. */
static inline void stack_becomes(struct stack *s, const char *want)
{
    stack_store(s);
    stack_expect(s, ROOT_TREE, want);
    stack_expect(s, s->merged[s->count - 1], want);
}

static inline uint64_t stack_ino(struct stack *s, uint32_t tree, const char *path)
{
    bfc_reader *r = stack_reader(s, tree);
    bfc_entry e;

    care_ok(s->c, bfc_reader_stat(r, path, &e, &s->c->err));
    uint64_t ino = e.ino;
    bfc_reader_close(r);
    return ino;
}

static inline uint64_t stack_nlink(struct stack *s, const char *path)
{
    bfc_reader *r = stack_reader(s, ROOT_TREE);
    bfc_entry e;

    care_ok(s->c, bfc_reader_stat(r, path, &e, &s->c->err));
    uint64_t count = e.nlink;
    bfc_reader_close(r);
    return count;
}

#endif
