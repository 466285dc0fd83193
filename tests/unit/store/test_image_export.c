/* SPDX-License-Identifier: Apache-2.0 */
/* Exports: what is made, what is kept, and that nothing is left by one that fails. Whether other
 * programs can read them is looked at in scripts. */
#include "../sys/scratch.h"

#include <bfc/bfc.h>

#include "codec/digest.h"

struct exports {
    struct scratch *s;
    bfc_store *store;
    bfc_err err;
    char layout[512], archive[512];
};

#define ok(x, call)                                                                                \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s", (x)->err.msg);                                                          \
    } while (0)

static int setup(void **state)
{
    struct exports *x = calloc(1, sizeof *x);
    char path[512];

    assert_non_null(x);
    assert_int_equal(scratch_setup((void **)&x->s), 0);
    scratch_path(x->s, "store", path);
    ok(x, bfc_store_open(path, &x->store, &x->err));
    scratch_dir(x->s, "src");
    scratch_dir(x->s, "src/bin");
    scratch_file(x->s, "src/bin/tool", "#!/bin/sh\necho yes\n");
    scratch_file(x->s, "src/text", "some text, some text, some text\n");
    scratch_path(x->s, "src", path);
    ok(x, bfc_image_create_from_dir(x->store, "app:1", path, NULL, NULL, &x->err));
    scratch_path(x->s, "layout", x->layout);
    scratch_path(x->s, "a.tar", x->archive);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct exports *x = *state;
    void *scratch = x->s;

    bfc_store_close(x->store);
    free(x);
    return scratch_teardown(&scratch);
}

#define EXPORT_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static int export_to(struct exports *x, const char *kind, const char *path, const char *ref,
                     const bfc_image_export_options *o)
{
    char dest[1200];

    (void)snprintf(dest, sizeof dest, "%s:%s%s%s", kind, path, ref ? ":" : "", ref ? ref : "");
    x->err = (bfc_err)BFC_ERR_INIT;
    return bfc_image_export(x->store, "app:1", dest, o, &x->err);
}

static char *load(const struct exports *x, const char *name, size_t *len)
{
    uint8_t *data = NULL;

    if (bfci_read_file(x->s->fd, name, 64 << 20, &data, len, NULL) < 0)
        fail_msg("'%s' cannot be read", name);
    return (char *)data;
}

static size_t count_names(const struct exports *x, const char *folder)
{
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    assert_int_equal(bfci_open(x->s->fd, folder, O_RDONLY | O_DIRECTORY, 0, &fd, NULL), 0);
    assert_int_equal(bfci_dir_read(fd, &list, NULL), 0);
    size_t count = list.count;
    bfci_dir_list_release(&list);
    return count;
}

/* Each blob has the content that its name says. */
static void check_blobs(const struct exports *x, size_t want)
{
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    assert_int_equal(
        bfci_open(x->s->fd, "layout/blobs/sha256", O_RDONLY | O_DIRECTORY, 0, &fd, NULL), 0);
    assert_int_equal(bfci_dir_read(fd, &list, NULL), 0);
    assert_int_equal(list.count, want);
    for (size_t i = 0; i < list.count; i++) {
        AUTO_FREE uint8_t *data = NULL;
        uint8_t digest[BFC_DIGEST_SIZE];
        char hex[2 * BFC_DIGEST_SIZE + 1];
        size_t len = 0;
        assert_int_equal(bfci_read_file(fd, list.item[i].name, 64 << 20, &data, &len, NULL), 0);
        assert_int_equal(bfci_sha256(data, len, digest, NULL), 0);
        bfci_hex(digest, sizeof digest, hex);
        assert_string_equal(list.item[i].name, hex);
    }
    bfci_dir_list_release(&list);
}

static size_t occurrences(const char *text, const char *word)
{
    size_t n = 0;

    for (size_t i = 0; text[i]; i++)
        n += strncmp(text + i, word, strlen(word)) == 0;
    return n;
}

static void expect_in_index(const struct exports *x, const char *word, size_t times)
{
    size_t len = 0;
    AUTO_FREE char *index = load(x, "layout/index.json", &len);

    if (occurrences(index, word) != times)
        fail_msg("not %zu times '%s' in %s", times, word, index);
}

/* ── Layouts ── */

static void test_export__layout_is_made_and_added_to(void **state)
{
    struct exports *x = *state;
    size_t len = 0;

    ok(x, export_to(x, "oci", x->layout, NULL, NULL));
    scratch_expect(x->s, "layout/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    check_blobs(x, 3);
    expect_in_index(x, "\"org.opencontainers.image.ref.name\":\"app:1\"", 1);
    AUTO_FREE char *before = load(x, "layout/index.json", &len);

    ok(x, export_to(x, "oci", x->layout, NULL, NULL)); /* again: nothing changes */
    AUTO_FREE char *after = load(x, "layout/index.json", &len);
    assert_string_equal(before, after);
    check_blobs(x, 3);

    bfc_image_export_options o = BFC_IMAGE_EXPORT_OPTIONS_INIT;
    o.compression = "zstd";
    ok(x, export_to(x, "oci", x->layout, "second", &o)); /* another layer and manifest */
    check_blobs(x, 5);
    expect_in_index(x, "app:1", 1);
    expect_in_index(x, "\"second\"", 1);
    o.compression = "none";
    ok(x, export_to(x, "oci", x->layout, "app:1", &o)); /* its entry is replaced */
    check_blobs(x, 7);
    expect_in_index(x, "app:1", 1);
    expect_in_index(x, "\"second\"", 1);
}

/* What others put into a layout stays, also what nobody here knows. */
static void test_export__layout_of_others(void **state)
{
    struct exports *x = *state;

    scratch_dir(x->s, "layout");
    scratch_file(x->s, "layout/oci-layout", "{\"imageLayoutVersion\": \"1.0.0\", \"x\": 1}\n");
    scratch_file(
        x->s, "layout/index.json",
        "{\"schemaVersion\": 2, \"odd\": {\"a\": [1, 2.5]}, \"manifests\": [{\"mediaType\": "
        "\"application/vnd.oci.image.manifest.v1+json\", \"digest\": \"sha256:"
        "0123456789012345678901234567890123456789012345678901234567890123\", \"size\": 7, "
        "\"odd\": true}]}\n");
    ok(x, export_to(x, "oci", x->layout, "v1", NULL));
    expect_in_index(x, "\"odd\":{\"a\":[1,2.5]}", 1);
    expect_in_index(x, "\"size\":7,\"odd\":true", 1);
    expect_in_index(x, "\"v1\"", 1);
    scratch_expect(x->s, "layout/oci-layout", "{\"imageLayoutVersion\": \"1.0.0\", \"x\": 1}\n");
}

static void test_export__damaged_blob_is_replaced(void **state)
{
    struct exports *x = *state;
    bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;

    ok(x, export_to(x, "oci", x->layout, NULL, NULL));
    assert_int_equal(
        bfci_open(x->s->fd, "layout/blobs/sha256", O_RDONLY | O_DIRECTORY, 0, &fd, NULL), 0);
    assert_int_equal(bfci_dir_read(fd, &list, NULL), 0);
    AUTO_FD int blob = openat(fd, list.item[0].name, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(blob, "#", 1, 3), 1);
    bfci_dir_list_release(&list);
    ok(x, export_to(x, "oci", x->layout, NULL, NULL));
    check_blobs(x, 3);
}

static void test_export__folder_that_is_no_layout(void **state)
{
    struct exports *x = *state;

    scratch_dir(x->s, "layout");
    scratch_file(x->s, "layout/notes", "mine");
    assert_int_equal(export_to(x, "oci", x->layout, NULL, NULL), BFC_E_EXISTS);
    assert_int_equal(count_names(x, "layout"), 1);
    assert_int_equal(unlinkat(x->s->fd, "layout/notes", 0), 0);
    ok(x, export_to(x, "oci", x->layout, NULL, NULL)); /* an empty one will do */
    check_blobs(x, 3);
}

static void test_export__layout_that_is_in_use(void **state)
{
    struct exports *x = *state;
    AUTO_FD int fd = -1;

    ok(x, export_to(x, "oci", x->layout, NULL, NULL));
    assert_int_equal(bfci_open(AT_FDCWD, x->layout, O_RDONLY | O_DIRECTORY, 0, &fd, NULL), 0);
    assert_int_equal(bfci_lock(fd, true, false, NULL), 0);
    assert_int_equal(export_to(x, "oci", x->layout, NULL, NULL), BFC_E_BUSY);
}

/* ── Archives and containers ── */

static void export_twice(struct exports *x, const char *kind, const char *word)
{
    size_t first_len = 0, len = 0;
    bfc_image_export_options o = BFC_IMAGE_EXPORT_OPTIONS_INIT;

    ok(x, export_to(x, kind, x->archive, NULL, NULL));
    AUTO_FREE char *first = load(x, "a.tar", &first_len);
    assert_int_equal(first_len % 512, 0);
    assert_non_null(memmem(first, first_len, word, strlen(word)));
    assert_int_equal(export_to(x, kind, x->archive, NULL, NULL), BFC_E_EXISTS);
    o.replace = true;
    ok(x, export_to(x, kind, x->archive, NULL, &o));
    AUTO_FREE char *second = load(x, "a.tar", &len);
    assert_int_equal(len, first_len);
    assert_memory_equal(first, second, len);
    assert_int_equal(count_names(x, "."), 3); /* store, src, a.tar */
}

static void test_export__oci_archive(void **state)
{
    export_twice(*state, "oci-archive", "ref.name\":\"app:1\"");
}

static void test_export__docker_archive(void **state)
{
    export_twice(*state, "docker-archive", "\"RepoTags\":[\"app:1\"]");
}

static void test_export__container(void **state)
{
    struct exports *x = *state;
    bfc_reader *r = NULL;
    bfc_entry e;

    ok(x, export_to(x, "bfc", x->archive, NULL, NULL));
    assert_int_equal(export_to(x, "bfc", x->archive, NULL, NULL), BFC_E_EXISTS);
    ok(x, bfc_reader_open(x->archive, NULL, &r, &x->err));
    ok(x, bfc_reader_stat(r, "bin/tool", &e, &x->err));
    bfc_reader_close(r);
    ok(x, bfc_verify(x->archive, NULL, NULL, &x->err));
}

static void test_export__archive_to_a_pipe(void **state)
{
    struct exports *x = *state;

    assert_int_equal(mkfifoat(x->s->fd, "a.tar", 0644), 0);
    bfc_image_export_options o = BFC_IMAGE_EXPORT_OPTIONS_INIT;
    o.replace = true;
    assert_int_equal(export_to(x, "oci-archive", x->archive, NULL, &o), BFC_E_INVALID);
    assert_int_equal(export_to(x, "docker-archive", x->archive, NULL, &o), BFC_E_INVALID);
}

/* ── What fails ── */

static void test_export__bad_destinations(void **state)
{
    static const char *const dests[] = {
        "",
        "layout",
        "oci:",
        "oci::ref",
        "zip:a",
        "oci:l:@sha",
        "oci:l:a b",
        "oci:l:a\"",
        "bfc:",
        "oci-archive:",
        "docker-archive:a.tar:A/B:c/d",
        "docker-archive:a.tar:a:b:c",
    };
    struct exports *x = *state;

    for (size_t i = 0; i < ARRAY_LEN(dests); i++)
        if (bfc_image_export(x->store, "app:1", dests[i], NULL, &x->err) != BFC_E_INVALID)
            fail_msg("'%s' was not refused", dests[i]);
    bfc_image_export_options o = BFC_IMAGE_EXPORT_OPTIONS_INIT;
    o.compression = "bzip2";
    assert_int_equal(export_to(x, "oci", x->layout, NULL, &o), BFC_E_INVALID);
    char in_store[512];
    scratch_path(x->s, "store/layout", in_store);
    assert_int_equal(export_to(x, "oci", in_store, NULL, NULL), BFC_E_INVALID);
    assert_int_equal(export_to(x, "bfc", in_store, NULL, NULL), BFC_E_INVALID);
    assert_int_equal(bfc_image_export(x->store, "other", "oci:x", NULL, &x->err), BFC_E_NOT_FOUND);
    assert_int_equal(count_names(x, "."), 2);
}

/* Stops at the first progress, in the middle of the work. */
static void stop(void *ctx, const bfc_progress *progress)
{
    (void)progress;
    __atomic_store_n((int *)ctx, 1, __ATOMIC_RELAXED);
}

static void test_export__interrupted_ones_leave_nothing(void **state)
{
    static const char *const kinds[] = {"oci", "oci-archive", "docker-archive"};
    struct exports *x = *state;
    int cancel = 0;
    const bfc_hooks hooks = {.progress = stop, .ctx = &cancel, .cancel = &cancel};
    bfc_image_export_options o = BFC_IMAGE_EXPORT_OPTIONS_INIT;

    o.hooks = &hooks;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        cancel = 0;
        assert_int_equal(export_to(x, kinds[i], x->layout, NULL, &o), BFC_E_CANCELLED);
        assert_int_equal(count_names(x, "."), 2);
    }
    ok(x, export_to(x, "oci", x->layout, NULL, NULL));
    cancel = 0;
    o.compression = "zstd";
    assert_int_equal(export_to(x, "oci", x->layout, "second", &o), BFC_E_CANCELLED);
    check_blobs(x, 3);
    expect_in_index(x, "second", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORT_TEST(test_export__layout_is_made_and_added_to),
        EXPORT_TEST(test_export__layout_of_others),
        EXPORT_TEST(test_export__damaged_blob_is_replaced),
        EXPORT_TEST(test_export__folder_that_is_no_layout),
        EXPORT_TEST(test_export__layout_that_is_in_use),
        EXPORT_TEST(test_export__oci_archive),
        EXPORT_TEST(test_export__docker_archive),
        EXPORT_TEST(test_export__container),
        EXPORT_TEST(test_export__archive_to_a_pipe),
        EXPORT_TEST(test_export__bad_destinations),
        EXPORT_TEST(test_export__interrupted_ones_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
