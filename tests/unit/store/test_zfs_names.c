/* SPDX-License-Identifier: Apache-2.0 */
/* Names of datasets: from images, and back to the same images only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/zfs.h"

static char root[] = "tank/images", works[] = "tank/images/.bfc-work";
static const bfci_zfsstore store = {.root = root, .works = works};

static const struct {
    const char *image, *dataset, *work;
} known[] = {
    {"ubuntu:20.04", "tank/images/ubuntu:20.04", "ubuntu:20.04"},
    {"library/nginx:1.25", "tank/images/library/nginx:1.25", "library nginx:1.25"},
    {"localhost:5000/app:1", "tank/images/localhost:5000/app:1", "localhost:5000 app:1"},
    {"a_5b/b_5d:x_5b", "tank/images/a_5b/b_5d:x_5b", "a_5b b_5d:x_5b"},
    {"[::1]:5000/app:1", "tank/images/_5b::1_5d:5000/app:1", "_5b::1_5d:5000 app:1"},
    {"[fe80::2]/team/app:latest", "tank/images/_5bfe80::2_5d/team/app:latest",
     "_5bfe80::2_5d team app:latest"},
};

static bfci_reference parse(const char *image)
{
    bfci_reference ref;

    assert_int_equal(bfci_reference_parse(image, &ref, NULL), 0);
    return ref;
}

static void test_zfs_names__there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        AUTO_FREE char *dataset = NULL;
        AUTO_FREE char *work = NULL;
        const bfci_reference ref = parse(known[i].image);
        bfci_reference back;
        assert_int_equal(bfci_zfs_dataset_of(&store, &ref, &dataset, NULL), 0);
        assert_string_equal(dataset, known[i].dataset);
        assert_true(bfci_zfs_reference_of(&store, dataset, &back));
        assert_string_equal(back.text, ref.text);
        assert_int_equal(bfci_zfs_check_name(dataset, "dataset", NULL), 0);
        assert_int_equal(bfci_zfs_work_of(&store, &ref, &work, NULL), 0);
        assert_string_equal(strrchr(work, '/') + 1, known[i].work);
        assert_true(bfci_zfs_reference_of_work(known[i].work, &back));
        assert_string_equal(back.text, ref.text);
    }
}

static void test_zfs_names__what_is_no_image(void **state)
{
    static const char *const names[] = {
        "tank/images",         "tank/image/ubuntu:20.04",  "tank/images/",
        "tank/images/library", "tank/images/.bfc-work",    "tank/images/ubuntu:20.04/rootfs",
        "tank/imagesx/a:1",    "tank/images/A:1",          "tank/images/a:1@bfc-0123456789ab",
        "tank/images/_5b:1",   "tank/images/a:1 deadbeef",
    };
    bfci_reference ref;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (bfci_zfs_reference_of(&store, names[i], &ref))
            fail_msg("'%s' is taken for the image '%s'", names[i], ref.text);
    assert_false(bfci_zfs_reference_of_work("to tank c1", &ref));
    assert_false(bfci_zfs_reference_of_work("app:1 deadbeef", &ref));
}

static void test_zfs_names__what_a_dataset_may_be_called(void **state)
{
    static const char *const good[] = {"tank", "tank/a b", "tank/c1",
                                       "rpool/data/subvol-100-disk-0", "tank/.x/_y:z"};
    static const char *const bad[] = {
        "",        "/tank",    "tank/",    "tank//a", "tank/-a",  "-tank",         "tank/.",
        "tank/..", "tank/a@s", "tank/a#b", "tank/%a", "tank/a\n", "tank/\xc3\xa4", "tank/ a",
        "tank/a ", "tank/a+b"};
    char longest[ZFS_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(bfci_zfs_check_name(good[i], "target", NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (bfci_zfs_check_name(bad[i], "target", NULL) != BFC_E_INVALID)
            fail_msg("'%s' is taken for a dataset", bad[i]);
    memset(longest, 'a', sizeof longest);
    longest[ZFS_NAME_MAX + 1] = '\0';
    assert_int_equal(bfci_zfs_check_name(longest, "target", NULL), BFC_E_INVALID);
    longest[ZFS_NAME_MAX] = '\0';
    assert_int_equal(bfci_zfs_check_name(longest, "target", NULL), 0);
}

/* Every name that goes with an image that passes fits. */
static void test_zfs_names__length(void **state)
{
    char name[BFCI_REFERENCE_MAX + 1];
    size_t longest = 0;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    for (size_t len = 1; len <= 240; len++) {
        memset(name, 'a', len);
        memcpy(name + len, ":1", 3);
        const bfci_reference ref = parse(name);
        if (bfci_zfs_check_length(&store, &ref, &err) == 0)
            longest = ref.len;
    }
    size_t beside = strlen(root) + strlen("/.bfc-work/") + strlen("/rootfs.10000-0123456789ab") +
                    strlen("@bfc-0123456789ab");
    assert_in_range(longest + beside, ZFS_NAME_MAX - 1, ZFS_NAME_MAX);
    assert_non_null(strstr(err.msg, "too long"));
}

/* A template below the deepest image has as many slashes as OpenZFS lets a name have. */
static void test_zfs_names__depth(void **state)
{
    char name[] = "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"
                  "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a";
    int deepest = 0;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    for (int parts = 60; parts > 0 && deepest == 0; parts--) {
        name[2 * parts - 1] = '\0';
        const bfci_reference ref = parse(name);
        if (bfci_zfs_check_length(&store, &ref, &err) == 0)
            deepest = parts;
    }
    int above = 0;
    for (const char *p = root; *p; p++)
        above += *p == '/';
    assert_int_equal(above + deepest + 1, 49);
    assert_non_null(strstr(err.msg, "too many parts"));
}

static void test_zfs_names__within(void **state)
{
    (void)state;
    assert_true(bfci_zfs_is_within("tank/a", "tank/a"));
    assert_true(bfci_zfs_is_within("tank/a", "tank/a/b"));
    assert_true(bfci_zfs_is_within("tank/a", "tank/a@s"));
    assert_true(bfci_zfs_is_within("tank/a", "tank/a/b@s"));
    assert_false(bfci_zfs_is_within("tank/a", "tank/ab"));
    assert_false(bfci_zfs_is_within("tank/a", "tank"));
    assert_false(bfci_zfs_is_within("tank/a", "-"));
}

static void test_zfs_names__version(void **state)
{
    const uint8_t digest[BFC_DIGEST_SIZE] = {0x4f, 0x2a, 0x90, 0xc1, 0xd7, 0xe3, 0xff};
    char name[BFCI_ZFS_VERSION_LEN + 1];

    (void)state;
    bfci_zfs_version_name(digest, name);
    assert_string_equal(name, "bfc-4f2a90c1d7e3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zfs_names__there_and_back),
        cmocka_unit_test(test_zfs_names__what_is_no_image),
        cmocka_unit_test(test_zfs_names__what_a_dataset_may_be_called),
        cmocka_unit_test(test_zfs_names__length),
        cmocka_unit_test(test_zfs_names__depth),
        cmocka_unit_test(test_zfs_names__within),
        cmocka_unit_test(test_zfs_names__version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
