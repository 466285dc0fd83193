/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that changes, and an image that takes each change as a layer. Beside layer_fixture.h. */
#ifndef TESTS_UNIT_OCI_CHANGES_FIXTURE_H
#define TESTS_UNIT_OCI_CHANGES_FIXTURE_H

#include "layer_fixture.h"

#include "oci/changes_out.h"

struct changing {
    struct care *c;
    struct stack s;
    const char *const *exclude;
    unsigned jobs;
    const bfc_hooks *hooks;
    char text[1 << 16]; /* of the last layer */
};

/* ── The folder ── */

static inline char *in_src(const struct changing *g, const char *name, char out[700])
{
    (void)snprintf(out, 700, "%s/%s", g->c->src, name);
    return out;
}

static inline void src_put(const struct changing *g, const char *name, const char *text)
{
    care_put_text(g->c->src, name, text);
}

static inline void src_dir(const struct changing *g, const char *name)
{
    char path[700];

    assert_int_equal(mkdir(in_src(g, name, path), 0755), 0);
}

static inline void src_symlink(const struct changing *g, const char *target, const char *name)
{
    char path[700];

    assert_int_equal(symlink(target, in_src(g, name, path)), 0);
}

static inline void src_link(const struct changing *g, const char *old, const char *name)
{
    char path[700], other[700];

    assert_int_equal(link(in_src(g, old, path), in_src(g, name, other)), 0);
}

static inline void src_rename(const struct changing *g, const char *old, const char *name)
{
    char path[700], other[700];

    assert_int_equal(rename(in_src(g, old, path), in_src(g, name, other)), 0);
}

static inline void src_remove(const struct changing *g, const char *name)
{
    char path[700];
    bfc_err err = BFC_ERR_INIT;

    if (unlink(in_src(g, name, path)) != 0 && bfci_remove_tree(AT_FDCWD, path, &err) < 0)
        fail_msg("%s", err.msg);
}

/* The same time each time. */
static inline void src_settle(const struct changing *g, const char *name)
{
    char path[700];
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 123456789}};

    assert_int_equal(utimensat(AT_FDCWD, in_src(g, name, path), times, AT_SYMLINK_NOFOLLOW), 0);
}

/* ── A layer as a text: "./ d/ d/f=content l->target h=>d/f" ── */

static inline int text_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    (void)ctx, (void)block, (void)err;
    return 0;
}

static inline int text_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)ctx, (void)bytes, (void)len, (void)err;
    return 0;
}

static inline int text_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    static const char *const marks[] = {
        [TAR_FILE] = "=", [TAR_HARDLINK] = "=>", [TAR_SYMLINK] = "->",     [TAR_DIR] = "",
        [TAR_FIFO] = "|", [TAR_CHAR] = "?",      [TAR_BLOCK_DEVICE] = "?", [TAR_OTHER] = "?"};
    buf *out = ctx;

    if (out->len)
        buf_u8(out, ' ');
    bfci_buf_printf(out, "%s%s%s", e->path, marks[e->kind], e->link);
    if (e->sparse)
        bfci_buf_printf(out, "(sparse)");
    return buf_check(out, err);
}

/* Only as much as a test wants to read. */
static inline int text_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    buf *out = ctx;

    for (size_t i = 0; i < MIN(len, 10u); i++)
        buf_u8(out, bytes[i] ? bytes[i] : '0');
    return buf_check(out, err);
}

static inline int text_end(void *ctx, bfc_err *err)
{
    (void)ctx, (void)err;
    return 0;
}

static inline void put_layer_text(struct changing *g, const buf *tar)
{
    AUTO_BUF buf out = BUF_INIT;
    const bfci_tar_sink sink = {&out, text_header, text_other, text_entry, text_data, text_end};
    bfci_tar *t = NULL;

    care_ok(g->c, bfci_tar_new(&sink, &t, &g->c->err));
    for (size_t at = 0; at < tar->len; at += 1 << 20)
        care_ok(g->c, bfci_tar_feed(t, tar->data + at, MIN(tar->len - at, 1u << 20), &g->c->err));
    care_ok(g->c, bfci_tar_finish(t, &g->c->err));
    bfci_tar_free(t);
    buf_u8(&out, 0);
    assert_false(out.bad);
    (void)snprintf(g->text, sizeof g->text, "%s", (const char *)out.data);
}

/* ── Comparing ── */

static inline int try_changes(struct changing *g, buf *tar)
{
    bfc_reader *r = stack_reader(&g->s, ROOT_TREE);
    const bfci_changes changes = {
        .dir = g->c->src, .base = r, .exclude = g->exclude, .jobs = g->jobs, .hooks = g->hooks};

    buf_clear(tar);
    g->c->err = (bfc_err)BFC_ERR_INIT;
    int rc = bfci_changes_out(&changes, stack_write, tar, &g->c->err);
    bfc_reader_close(r);
    return rc;
}

/* What the folder has changed, and that it is told in the same bytes each time. */
static inline void get_changes(struct changing *g, buf *tar)
{
    AUTO_BUF buf again = BUF_INIT;
    unsigned jobs = g->jobs;

    care_ok(g->c, try_changes(g, tar));
    g->jobs = 7;
    care_ok(g->c, try_changes(g, &again));
    g->jobs = jobs;
    assert_int_equal(tar->len, again.len);
    assert_memory_equal(tar->data, again.data, again.len);
}

static inline void expect_unchanged(struct changing *g)
{
    AUTO_BUF buf tar = BUF_INIT;

    get_changes(g, &tar);
    put_layer_text(g, &tar);
    assert_string_equal(g->text, "");
    assert_int_equal(tar.len, 1024);
}

/* The image's file system as a writer has the folder. */
static inline void expect_like_folder(struct changing *g)
{
    struct care *c = g->c;
    struct stack other = {.c = c};
    char file[300];

    (void)unlink(c->other);
    care_commit(c, c->other, false);
    AUTO_FREE char *have = stack_text(&g->s, ROOT_TREE);
    memcpy(file, c->file, sizeof file);
    memcpy(c->file, c->other, sizeof file);
    AUTO_FREE char *want = stack_text(&other, ROOT_TREE);
    memcpy(c->file, file, sizeof file);
    if (strcmp(have, want) != 0)
        fail_msg("the image has\n%s\nthe folder has\n%s", have, want);
}

/* The changes are this; the image takes them as a layer. NULL: whatever they are. */
static inline void take_changes(struct changing *g, const char *want)
{
    buf *tar = stack_layer(&g->s);

    get_changes(g, tar);
    put_layer_text(g, tar);
    if (want)
        assert_string_equal(g->text, want);
    stack_store(&g->s);
}

/* The same, and then there are none, and the image is as the folder. */
static inline void commit_changes(struct changing *g, const char *want)
{
    take_changes(g, want);
    expect_unchanged(g);
    expect_like_folder(g);
}

static inline void changing_open(struct changing *g, struct care *c)
{
    *g = (struct changing){.c = c, .jobs = 1};
    stack_open(&g->s, c);
    stack_put(&g->s, (const struct made[]){{0}});
    stack_store(&g->s);
}

static inline void changing_close(struct changing *g)
{
    stack_close(&g->s);
}

static inline int changing_setup(void **state)
{
    void *care = NULL;
    struct changing *g = malloc(sizeof *g);

    assert_non_null(g);
    assert_int_equal(care_setup(&care), 0);
    changing_open(g, care);
    *state = g;
    return 0;
}

static inline int changing_teardown(void **state)
{
    struct changing *g = *state;
    void *care = g->c;

    changing_close(g);
    free(g);
    return care_teardown(&care);
}

#define CHANGES_TEST(fn) cmocka_unit_test_setup_teardown(fn, changing_setup, changing_teardown)

#endif
