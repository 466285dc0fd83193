/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder has changed against an image. Each change becomes a layer of the image: then there
 * is none left, and the image's file system is what the writer makes of the folder. */
#include "changes_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

enum {
    LARGE = 700000, /* streamed, not read with the folder */
    HOLES = 1 << 20
};

static void put_large(const struct changing *g, const char *name, uint64_t seed)
{
    uint8_t *noise = malloc(LARGE);

    assert_non_null(noise);
    care_noise(noise, LARGE, seed);
    care_put(g->c->src, name, noise, LARGE);
    free(noise);
}

static void put_holes(const struct changing *g, const char *name, off_t size, off_t at)
{
    char path[700];
    AUTO_FD int fd = open(in_src(g, name, path), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(pwrite(fd, "data", 4, at), 4);
}

/* ── Nothing, and everything ── */

static void put_rich_tree(struct changing *g)
{
    char path[700], name[256];

    src_dir(g, "d");
    src_dir(g, "d/e");
    src_dir(g, "empty");
    src_put(g, "d/f", "1");
    src_put(g, "d/e/none", "");
    src_put(g, "a", "2");
    src_link(g, "a", "d/link");
    src_symlink(g, "d/f", "l");
    src_symlink(g, "nowhere", "d/l");
    src_link(g, "l", "l2");
    put_large(g, "large", 1);
    put_holes(g, "holes", HOLES, 500000);
    put_holes(g, "few-holes", 200000, 100000);
    assert_int_equal(mkfifo(in_src(g, "fifo", path), 0600), 0);
    memset(name, 'n', 255);
    name[255] = '\0';
    src_put(g, name, "3");
    (void)setxattr(in_src(g, "d/f", path), "user.a", "1", 1, 0);
    (void)setxattr(in_src(g, "d", path), "user.b", "2", 1, 0);
    assert_int_equal(chmod(in_src(g, "d/f", path), 04711), 0);
    src_settle(g, "d/f");
}

static void test_changes__unchanged(void **state)
{
    struct changing *g = *state;

    commit_changes(g, "./");
    put_rich_tree(g);
    commit_changes(g, NULL);
    for (g->jobs = 0; g->jobs < 4; g->jobs++)
        expect_unchanged(g);
}

static void test_changes__new_entries(void **state)
{
    struct changing *g = *state;

    src_put(g, "a", "1");
    commit_changes(g, "./ a=1");
    src_dir(g, "d");
    src_dir(g, "d/e");
    src_put(g, "d/e/f", "2");
    commit_changes(g, "./ d/ d/e/ d/e/f=2");
    src_symlink(g, "f", "d/e/l");
    commit_changes(g, "./ d/ d/e/ d/e/l->f");
}

/* ── Changes of one entry ── */

/* Neither size nor time tells. */
static void test_changes__content_alone(void **state)
{
    struct changing *g = *state;

    src_put(g, "small", "old text");
    put_large(g, "large", 1);
    src_settle(g, "small");
    src_settle(g, "large");
    commit_changes(g, NULL);
    src_put(g, "small", "new text");
    src_settle(g, "small");
    commit_changes(g, "./ small=new text");
    put_large(g, "large", 2);
    src_settle(g, "large");
    take_changes(g, NULL);
    assert_non_null(strstr(g->text, "./ large="));
    expect_unchanged(g);
    expect_like_folder(g);
    src_put(g, "small", "new text"); /* only its time */
    commit_changes(g, "./ small=new text");
}

/* Nor does the CRC32C: what is added to the bytes is a multiple of its polynomial. */
static void put_colliding(struct changing *g, const char *name, size_t len)
{
    static const uint64_t multiple = 1 | UINT64_C(0x82f63b78) << 1;
    AUTO_FREE uint8_t *bytes = malloc(len);

    assert_non_null(bytes);
    care_noise(bytes, len, 7);
    care_put(g->c->src, name, bytes, len);
    src_settle(g, name);
    commit_changes(g, NULL);
    uint32_t crc = bfci_crc32c(bytes, len);
    for (size_t i = 0; i < 5; i++)
        bytes[len / 2 + i] ^= (uint8_t)(multiple >> 8 * i);
    assert_int_equal(bfci_crc32c(bytes, len), crc);
    care_put(g->c->src, name, bytes, len);
    src_settle(g, name);
    take_changes(g, NULL);
    assert_non_null(strstr(g->text, name));
    expect_unchanged(g);
}

static void test_changes__content_of_the_same_crc(void **state)
{
    put_colliding(*state, "small", 4000);
    put_colliding(*state, "large", LARGE);
}

static void test_changes__attributes(void **state)
{
    struct changing *g = *state;
    char path[700];

    src_dir(g, "d");
    src_put(g, "d/f", "1");
    src_put(g, "g", "2");
    commit_changes(g, NULL);
    assert_int_equal(chmod(in_src(g, "d", path), 0700), 0);
    commit_changes(g, "./ d/");
    assert_int_equal(chmod(in_src(g, "d/f", path), 0600), 0);
    commit_changes(g, "./ d/ d/f=1");
    src_settle(g, "d");
    commit_changes(g, "./ d/");
    assert_int_equal(chmod(g->c->src, 0711), 0);
    commit_changes(g, "./");
    if (setxattr(in_src(g, "g", path), "user.a", "1", 1, 0) != 0)
        return; /* not on this file system */
    commit_changes(g, "./ g=2");
    assert_int_equal(setxattr(path, "user.a", "2", 1, 0), 0);
    commit_changes(g, "./ g=2");
    assert_int_equal(removexattr(path, "user.a"), 0);
    commit_changes(g, "./ g=2");
}

static void test_changes__kinds(void **state)
{
    struct changing *g = *state;
    char path[700];

    src_put(g, "a", "1");
    src_dir(g, "d");
    src_put(g, "d/f", "2");
    src_symlink(g, "d", "l");
    commit_changes(g, NULL);
    src_remove(g, "a");
    src_dir(g, "a");
    src_put(g, "a/x", "3");
    commit_changes(g, "./ a/ a/x=3");
    src_remove(g, "d");
    src_put(g, "d", "4");
    commit_changes(g, "./ d=4");
    src_remove(g, "l");
    src_dir(g, "l");
    commit_changes(g, "./ l/");
    src_remove(g, "a");
    src_symlink(g, "l", "a");
    commit_changes(g, "./ a->l");
    src_remove(g, "a");
    src_symlink(g, "d", "a");
    commit_changes(g, "./ a->d");
    src_remove(g, "d");
    assert_int_equal(mkfifo(in_src(g, "d", path), 0644), 0);
    commit_changes(g, "./ d|");
}

/* ── What is gone ── */

static void test_changes__whiteouts(void **state)
{
    struct changing *g = *state;

    src_put(g, "a", "1");
    src_dir(g, "d");
    src_dir(g, "d/e");
    src_put(g, "d/e/f", "2");
    src_dir(g, "d/e/g");
    src_put(g, "d/h", "3");
    commit_changes(g, NULL);
    src_remove(g, "a");
    commit_changes(g, "./ .wh.a=");
    src_remove(g, "d/e/f");
    commit_changes(g, "./ d/ d/e/ d/e/.wh.f=");
    src_remove(g, "d/e");
    commit_changes(g, "./ d/ d/.wh.e=");
    src_rename(g, "d/h", "i");
    commit_changes(g, "./ i=3 d/ d/.wh.h=");
    src_remove(g, "d");
    src_remove(g, "i");
    take_changes(g, NULL);
    if (strcmp(g->text, "./ .wh.d= .wh.i=") != 0)
        assert_string_equal(g->text, "./ .wh.i= .wh.d=");
    expect_unchanged(g);
    expect_like_folder(g);
}

/* A folder that is gone and came back with other things in it. */
static void test_changes__folder_made_again(void **state)
{
    struct changing *g = *state;

    src_dir(g, "d");
    src_put(g, "d/f", "1");
    src_put(g, "d/g", "2");
    commit_changes(g, NULL);
    src_remove(g, "d");
    src_dir(g, "d");
    src_put(g, "d/g", "3");
    commit_changes(g, "./ d/ d/g=3 d/.wh.f=");
}

static void test_changes__excluded_names(void **state)
{
    static const char *const exclude[] = {"*.tmp", "d/cache", "proc", NULL};
    struct changing *g = *state;

    src_dir(g, "d");
    src_dir(g, "d/cache");
    src_put(g, "d/cache/x", "1");
    src_put(g, "a.tmp", "2");
    src_put(g, "b", "3");
    commit_changes(g, NULL);
    g->exclude = exclude;
    src_remove(g, "d/cache");
    src_put(g, "a.tmp", "changed");
    src_put(g, "new.tmp", "4");
    src_dir(g, "proc");
    src_put(g, "proc/1", "5");
    src_put(g, "b", "changed");
    take_changes(g, NULL);
    assert_string_equal(g->text, "./ b=changed d/"); /* d for its time */
    expect_unchanged(g);
    src_remove(g, "a.tmp");
    src_remove(g, "d"); /* with what is excluded in it */
    take_changes(g, "./ .wh.d=");
    stack_expect(&g->s, ROOT_TREE, "/ a.tmp=2 b=changed");
}

/* ── Several names ── */

static void test_changes__new_link_to_a_file(void **state)
{
    struct changing *g = *state;

    src_put(g, "a", "1");
    src_dir(g, "d");
    commit_changes(g, NULL);
    src_link(g, "a", "d/b");
    commit_changes(g, "./ d/ a=1 d/b=>a");
    assert_int_equal(stack_nlink(&g->s, "a"), 2);
    src_link(g, "a", "c");
    commit_changes(g, NULL);
    assert_int_equal(stack_nlink(&g->s, "a"), 3);
    assert_int_equal(stack_ino(&g->s, ROOT_TREE, "c"), stack_ino(&g->s, ROOT_TREE, "d/b"));
}

/* Equal in everything but that they are one file no more, or are one now. */
static void test_changes__links_broken_and_made(void **state)
{
    struct changing *g = *state;

    src_put(g, "a", "1");
    src_link(g, "a", "b");
    src_settle(g, "a");
    src_settle(g, "");
    commit_changes(g, "./ a=1 b=>a");
    src_remove(g, "b");
    src_put(g, "b", "1");
    src_settle(g, "b");
    src_settle(g, "");
    commit_changes(g, "./ a=1 b=1");
    assert_int_not_equal(stack_ino(&g->s, ROOT_TREE, "a"), stack_ino(&g->s, ROOT_TREE, "b"));
    src_remove(g, "b");
    src_link(g, "a", "b");
    src_settle(g, "");
    commit_changes(g, "./ a=1 b=>a");
    assert_int_equal(stack_ino(&g->s, ROOT_TREE, "a"), stack_ino(&g->s, ROOT_TREE, "b"));
}

/* Names change partners. */
static void test_changes__links_exchanged(void **state)
{
    struct changing *g = *state;

    src_put(g, "a", "1");
    src_link(g, "a", "b");
    src_put(g, "c", "1");
    src_link(g, "c", "d");
    src_settle(g, "a");
    src_settle(g, "c");
    src_settle(g, "");
    commit_changes(g, "./ a=1 b=>a c=1 d=>c");
    src_rename(g, "b", "x");
    src_rename(g, "d", "b");
    src_rename(g, "x", "d");
    src_settle(g, "");
    commit_changes(g, "./ a=1 d=>a b=1 c=>b");
}

static void test_changes__one_name_of_several_gone(void **state)
{
    struct changing *g = *state;

    src_put(g, "a", "1");
    src_link(g, "a", "b");
    src_link(g, "a", "c");
    src_symlink(g, "t", "l");
    src_link(g, "l", "m");
    commit_changes(g, NULL);
    src_remove(g, "b");
    commit_changes(g, "./ a=1 c=>a .wh.b=");
    src_remove(g, "c");
    src_remove(g, "m");
    take_changes(g, NULL);
    expect_unchanged(g);
    expect_like_folder(g);
    assert_int_equal(stack_nlink(&g->s, "a"), 1);
}

/* Names outside of the folder do not count. */
static void test_changes__names_outside(void **state)
{
    struct changing *g = *state;
    char path[700], other[700];

    src_put(g, "a", "1");
    put_large(g, "large", 3);
    commit_changes(g, NULL);
    (void)snprintf(other, sizeof other, "%s/outside", g->c->root);
    assert_int_equal(link(in_src(g, "a", path), other), 0);
    expect_unchanged(g);
    src_put(g, "a", "2");
    commit_changes(g, "./ a=2");
}

static void test_changes__content_of_several_names(void **state)
{
    struct changing *g = *state;

    src_put(g, "a", "1");
    src_link(g, "a", "b");
    put_large(g, "p", 1);
    src_link(g, "p", "q");
    put_holes(g, "s", HOLES, 4096);
    src_link(g, "s", "t");
    commit_changes(g, NULL);
    src_put(g, "b", "2");
    commit_changes(g, "./ a=2 b=>a");
    put_large(g, "q", 2);
    take_changes(g, NULL);
    assert_null(strstr(g->text, "a="));
    assert_non_null(strstr(g->text, "q=>p"));
    expect_unchanged(g);
    expect_like_folder(g);
    put_holes(g, "s", HOLES, 8192);
    take_changes(g, NULL);
    assert_non_null(strstr(g->text, "t=>s"));
    expect_unchanged(g);
    expect_like_folder(g);
}

/* ── Holes ── */

static void test_changes__holes(void **state)
{
    struct changing *g = *state;

    put_holes(g, "large", HOLES, 500000);
    put_holes(g, "small", 100000, 50000);
    put_holes(g, "tiny", 8192, 0);
    put_holes(g, "end", HOLES, HOLES - 4);
    commit_changes(g, NULL);
    put_holes(g, "large", HOLES, 600000);
    put_holes(g, "tiny", 8192, 4096);
    take_changes(g, NULL);
    assert_non_null(strstr(g->text, "large="));
    assert_null(strstr(g->text, "small="));
    expect_unchanged(g);
    expect_like_folder(g);
    put_holes(g, "huge", 300 << 20, 100 << 20);
    take_changes(g, NULL);
    assert_non_null(strstr(g->text, "huge=(sparse)data"));
    assert_true(g->s.tar[g->s.count - 1].len < 100000);
    expect_unchanged(g);
}

/* The same bytes, with their holes filled, or made anew: nothing that a layer need tell. */
static void test_changes__holes_of_the_same_content(void **state)
{
    struct changing *g = *state;
    char path[700];
    size_t len = 0;

    put_holes(g, "f", HOLES, 500000);
    put_holes(g, "g", 100000, 50000);
    src_settle(g, "f");
    src_settle(g, "g");
    commit_changes(g, NULL);
    for (unsigned i = 0; i < 2; i++) {
        AUTO_FREE uint8_t *bytes = care_load(in_src(g, i ? "f" : "g", path), &len);
        care_put(g->c->src, i ? "f" : "g", bytes, len);
        src_settle(g, i ? "f" : "g");
    }
    take_changes(g, NULL);
    expect_unchanged(g);
    expect_like_folder(g);
}

/* ── What no layer can hold ── */

static void put_socket(const struct changing *g, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char path[700];

    assert_true(fd >= 0);
    in_src(g, name, path);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
}

static void note_warning(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    (void)module;
    if (level == BFC_LOG_WARNING)
        (void)snprintf(ctx, 200, "%s", msg);
}

static void test_changes__sockets(void **state)
{
    struct changing *g = *state;
    char warning[200] = "";
    const bfc_hooks hooks = {.log = note_warning, .ctx = warning};

    src_put(g, "a", "1");
    src_dir(g, "d");
    src_put(g, "d/f", "2");
    commit_changes(g, NULL);
    g->hooks = &hooks;
    put_socket(g, "s");
    take_changes(g, "./");
    assert_non_null(strstr(warning, "'s' is left out: it is a socket"));
    src_remove(g, "a");
    put_socket(g, "a");
    take_changes(g, "./ .wh.a="); /* the file is gone all the same */
    src_remove(g, "d");
    put_socket(g, "d");
    src_link(g, "d", "d2");
    take_changes(g, "./ .wh.d=");
    stack_expect(&g->s, ROOT_TREE, "/");
    expect_unchanged(g);
}

/* A reader of the layer would take them for whiteouts. */
static void test_changes__names_of_whiteouts(void **state)
{
    struct changing *g = *state;
    char warning[200] = "";
    const bfc_hooks hooks = {.log = note_warning, .ctx = warning};

    src_put(g, "x", "1");
    src_dir(g, "d");
    src_put(g, "d/x", "2");
    commit_changes(g, NULL);
    g->hooks = &hooks;
    src_put(g, "d/.wh.x", "3");
    src_dir(g, ".wh.d");
    src_dir(g, ".wh.d/e");
    src_put(g, ".wh.d/e/f", "4");
    src_link(g, "x", ".wh.d/e/g");
    take_changes(g, NULL);
    assert_null(strstr(g->text, ".wh."));
    assert_non_null(strstr(warning, "'d/.wh.x' is left out: in a layer such a name deletes"));
    stack_expect(&g->s, ROOT_TREE, "/ d/ d/x=2 x=1");
    expect_unchanged(g);
    src_put(g, ".wx.x", "5");
    take_changes(g, "./ .wx.x=5");
}

/* ── Failures ── */

static int refuse_bytes(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    size_t *left = ctx;

    (void)bytes;
    if (len > *left)
        return bfci_fail(err, BFC_E_NOSPC, "no room in the test");
    *left -= len;
    return 0;
}

static void test_changes__failures_are_passed_on(void **state)
{
    struct changing *g = *state;
    const int cancel = 1;
    const bfc_hooks hooks = {.cancel = &cancel};
    AUTO_BUF buf tar = BUF_INIT;

    put_rich_tree(g);
    get_changes(g, &tar);
    bfc_reader *r = stack_reader(&g->s, ROOT_TREE);
    for (size_t room = 0; room < tar.len; room += tar.len / 23) {
        const bfci_changes changes = {.dir = g->c->src, .base = r, .jobs = 2};
        bfc_err err = BFC_ERR_INIT;
        size_t left = room;
        assert_int_equal(bfci_changes_out(&changes, refuse_bytes, &left, &err), BFC_E_NOSPC);
        assert_non_null(strstr(err.msg, "no room in the test"));
    }
    bfc_reader_close(r);
    g->hooks = &hooks;
    assert_int_equal(try_changes(g, &tar), BFC_E_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGES_TEST(test_changes__unchanged),
        CHANGES_TEST(test_changes__new_entries),
        CHANGES_TEST(test_changes__content_alone),
        CHANGES_TEST(test_changes__content_of_the_same_crc),
        CHANGES_TEST(test_changes__attributes),
        CHANGES_TEST(test_changes__kinds),
        CHANGES_TEST(test_changes__whiteouts),
        CHANGES_TEST(test_changes__folder_made_again),
        CHANGES_TEST(test_changes__excluded_names),
        CHANGES_TEST(test_changes__new_link_to_a_file),
        CHANGES_TEST(test_changes__links_broken_and_made),
        CHANGES_TEST(test_changes__links_exchanged),
        CHANGES_TEST(test_changes__one_name_of_several_gone),
        CHANGES_TEST(test_changes__names_outside),
        CHANGES_TEST(test_changes__content_of_several_names),
        CHANGES_TEST(test_changes__holes),
        CHANGES_TEST(test_changes__holes_of_the_same_content),
        CHANGES_TEST(test_changes__sockets),
        CHANGES_TEST(test_changes__names_of_whiteouts),
        CHANGES_TEST(test_changes__failures_are_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
