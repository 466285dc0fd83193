/* SPDX-License-Identifier: Apache-2.0 */
/* A tree as a tar: what a reader of tars finds in it is what is in the folder. */
#include "../container/care_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "base/hooks.h"
#include "oci/layer_out.h"
#include "oci/tar.h"

enum {
    LARGE = 700000,
    SPARSE = 1 << 20,
    HUGE_SIZE = 300 << 20
};

/* ── A tar as a text: a line an entry, with what follows from its content ── */

struct listing {
    buf text;
    uint32_t crc;
    char problems[2000];
};

static int list_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    (void)ctx, (void)block, (void)err;
    return 0;
}

static int list_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)ctx, (void)bytes, (void)len, (void)err;
    return 0;
}

static int list_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    static const char kinds[] = {'f', 'h', 'l', 'c', 'b', 'd', 'p', '?'};
    struct listing *l = ctx;

    bfci_buf_printf(&l->text, "%c %s %o %lld.%u", kinds[e->kind], e->path, e->mode,
                    (long long)e->mtime, e->mtime_ns);
    if (*e->link)
        bfci_buf_printf(&l->text, " ->%s", e->link);
    if (e->kind == TAR_FILE)
        bfci_buf_printf(&l->text, " %llu", (unsigned long long)e->size);
    for (size_t i = 0; i < e->range_count; i++)
        bfci_buf_printf(&l->text, " %llu+%llu", (unsigned long long)e->range[i].offset,
                        (unsigned long long)e->range[i].len);
    for (size_t i = 0; i < e->xattr_count; i++)
        bfci_buf_printf(&l->text, " %s=%.*s", e->xattr[i].name, (int)e->xattr[i].len,
                        (const char *)e->xattr[i].value);
    l->crc = 0;
    return buf_check(&l->text, err);
}

static int list_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    struct listing *l = ctx;

    (void)err;
    l->crc = bfci_crc32c_more(l->crc, bytes, len);
    return 0;
}

static int list_entry_end(void *ctx, bfc_err *err)
{
    struct listing *l = ctx;

    if (l->crc)
        bfci_buf_printf(&l->text, " #%08x", l->crc);
    buf_u8(&l->text, '\n');
    return buf_check(&l->text, err);
}

static int feed(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    return bfci_tar_feed(ctx, bytes, len, err);
}

static void note_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    struct listing *l = ctx;
    size_t at = strlen(l->problems);

    (void)level, (void)module;
    (void)snprintf(l->problems + at, sizeof l->problems - at, "%s\n", msg);
}

static void list_tree(struct care *c, struct listing *l)
{
    const bfci_tar_sink sink = {l, list_header, list_other, list_entry, list_data, list_entry_end};
    const bfc_hooks hooks = {.log = note_log, .ctx = l};
    bfci_tar *tar = NULL;
    bfc_reader *r = NULL;

    *l = (struct listing){.text = BUF_INIT};
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfci_tar_new(&sink, &tar, &c->err));
    care_ok(c, bfci_tree_out(r, ROOT_TREE, &hooks, feed, tar, &c->err));
    care_ok(c, bfci_tar_finish(tar, &c->err));
    bfci_tar_free(tar);
    bfc_reader_close(r);
    buf_u8(&l->text, 0);
    assert_false(l->text.bad);
}

/* ── The tree ── */

static void settle(const struct care *c, const char *name)
{
    char path[700];
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 123456789}};

    (void)snprintf(path, sizeof path, "%s/%s", c->src, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static char *in_src(const struct care *c, const char *name, char out[700])
{
    (void)snprintf(out, 700, "%s/%s", c->src, name);
    return out;
}

static void make_special(const struct care *c)
{
    char path[700];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(mkfifo(in_src(c, "d/fifo", path), 0644), 0);
    in_src(c, "d/socket", path);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(symlink("../d/a", in_src(c, "d/link", path)), 0);
}

static void make_sparse(const struct care *c, const char *name, off_t size)
{
    char path[700];
    uint8_t noise[8192];
    AUTO_FD int fd = open(in_src(c, name, path), O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    care_noise(noise, sizeof noise, 4);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(bfci_pwrite_all(fd, noise, sizeof noise, 65536, NULL), 0);
    assert_int_equal(bfci_pwrite_all(fd, noise, 4096, 262144, NULL), 0);
}

static void make_tree(struct care *c, const uint8_t *noise)
{
    static const char *const names[] = {"d/fifo", "d/link", "d/a", "z", "huge",
                                        "large",  "sparse", "d",   ""};
    char path[700], other[700];

    assert_int_equal(mkdir(in_src(c, "d", path), 0755), 0);
    care_put_text(c->src, "z", "z\n");
    care_put(c->src, "large", noise, LARGE);
    care_put_text(c->src, "d/.wh.gone", "");
    assert_int_equal(link(in_src(c, "z", path), in_src(c, "d/a", other)), 0);
    assert_int_equal(chmod(path, 04755), 0);
    make_special(c);
    make_sparse(c, "sparse", SPARSE);
    make_sparse(c, "huge", HUGE_SIZE);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        settle(c, names[i]);
    assert_int_equal(chmod(in_src(c, "large", path), 0600), 0);
    assert_int_equal(chmod(c->src, 0750), 0);
    care_commit(c, c->file, false);
}

static uint32_t crc_of(const struct care *c, const char *name)
{
    char path[700];
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = care_load(in_src(c, name, path), &len);

    return bfci_crc32c(bytes, len);
}

/* Of what make_sparse() writes. */
static uint32_t crc_of_ranges(void)
{
    uint8_t noise[8192];

    care_noise(noise, sizeof noise, 4);
    return bfci_crc32c_more(bfci_crc32c(noise, sizeof noise), noise, 4096);
}

static void test_tree_out__gives_the_tree(void **state)
{
    struct care *c = *state;
    struct listing l, again;
    static uint8_t noise[LARGE];
    char want[2000];

    care_noise(noise, LARGE, 9);
    make_tree(c, noise);
    list_tree(c, &l);
    (void)snprintf(want, sizeof want,
                   "d ./ 750 1000000000.123456789\n"
                   "d d/ 755 1000000000.123456789\n"
                   "f d/a 4755 1000000000.123456789 2 #%08x\n"
                   "p d/fifo 644 1000000000.123456789\n"
                   "l d/link 777 1000000000.123456789 ->../d/a\n"
                   "f huge 644 1000000000.123456789 314572800 65536+8192 262144+4096 #%08x\n"
                   "f large 600 1000000000.123456789 700000 #%08x\n"
                   "f sparse 644 1000000000.123456789 1048576 #%08x\n",
                   bfci_crc32c("z\n", 2), crc_of_ranges(), bfci_crc32c(noise, LARGE),
                   crc_of(c, "sparse"));
    if (strncmp((const char *)l.text.data, want, strlen(want)) != 0)
        fail_msg("expected:\n%s\ngot:\n%s", want, (const char *)l.text.data);
    assert_non_null(strstr((const char *)l.text.data, "\nh z 4755 1000000000.123456789 ->d/a"));
    assert_non_null(strstr(l.problems, "'d/.wh.gone' is left out"));
    assert_non_null(strstr(l.problems, "socket 'd/socket' is left out"));
    list_tree(c, &again);
    assert_string_equal((const char *)again.text.data, (const char *)l.text.data);
    bfci_buf_free(&l.text);
    bfci_buf_free(&again.text);
}

static void test_tree_out__attributes(void **state)
{
    struct care *c = *state;
    struct listing l;
    char path[700];

    care_put_text(c->src, "a", "");
    if (setxattr(in_src(c, "a", path), "user.two", "2", 1, 0) != 0)
        skip(); /* not every file system has them */
    assert_int_equal(setxattr(path, "user.one", "first", 5, 0), 0);
    care_commit(c, c->file, false);
    list_tree(c, &l);
    assert_non_null(strstr((const char *)l.text.data, " user.one=first user.two=2\n"));
    bfci_buf_free(&l.text);
}

/* A root that nobody recorded: what it is like does not depend on when the container was made. */
static void test_tree_out__synthetic_root(void **state)
{
    struct care *c = *state;
    struct listing l;
    bfc_writer *w = NULL;

    care_put_text(c->src, "a", "");
    settle(c, "a");
    care_ok(c, bfc_writer_create(c->file, NULL, &w, &c->err));
    care_ok(c, bfc_writer_add(w, c->src, "a", &c->err));
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
    list_tree(c, &l);
    assert_int_equal(strncmp((const char *)l.text.data, "d ./ 755 0.0\nf a ", 17), 0);
    bfci_buf_free(&l.text);
}

static void test_tree_out__no_such_tree(void **state)
{
    struct care *c = *state;
    bfc_reader *r = NULL;
    bfc_entry e;

    care_put_text(c->src, "a", "");
    care_commit(c, c->file, false);
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    assert_int_equal(bfci_tree_out(r, 7, NULL, feed, NULL, &c->err), BFC_E_CORRUPT);
    care_ok(c, bfc_reader_stat(r, "a", &e, &c->err)); /* the reader is where it was */
    bfc_reader_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_tree_out__gives_the_tree),
        CARE_TEST(test_tree_out__attributes),
        CARE_TEST(test_tree_out__synthetic_root),
        CARE_TEST(test_tree_out__no_such_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
