/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec means: kinds by name and by what is there, colons in paths and references. */
#include "oci/origin_parts.h"
#include "origin_fixture.h"

static void expect_kind(const char *spec, const char *kind, const char *rest)
{
    const char *got = NULL, *behind = NULL;
    bfc_err err = BFC_ERR_INIT;
    if (bfci_origin_sniff(spec, &got, &behind, &err) < 0)
        fail_msg("'%s': %s", spec, err.msg);
    assert_string_equal(got, kind);
    assert_string_equal(behind, rest);
}

static void expect_unknown(const char *spec, int code, const char *words)
{
    const char *kind = NULL, *rest = NULL;
    bfc_err err = BFC_ERR_INIT;
    int rc = bfci_origin_sniff(spec, &kind, &rest, &err);
    if (rc != code || !strstr(err.msg, words))
        fail_msg("'%s': rc %d, '%s'; expected %d, '%s'", spec, rc, err.msg, code, words);
    assert_true(!kind && !rest);
}

static void kinds_by_name(void **state)
{
    (void)state; /* nothing of it need be there */
    expect_kind("dir:x", "dir", "x");
    expect_kind("oci:x:y", "oci", "x:y");
    expect_kind("oci-archive:x", "oci-archive", "x");
    expect_kind("docker-archive:x:a/b:c", "docker-archive", "x:a/b:c");
    expect_kind("manifest:x", "manifest", "x");
    expect_kind("bfc:x", "bfc", "x");
    expect_kind("dir:oci:x", "dir", "oci:x");
    expect_unknown("oci:", BFC_E_INVALID, "no path after");
    expect_unknown("", BFC_E_INVALID, "empty");
    expect_unknown("docker://busybox", BFC_E_NOT_FOUND, "there is no file or folder");
    expect_unknown("ocix:y", BFC_E_NOT_FOUND, "there is no file or folder");
}

static void folders_by_what_is_there(void **state)
{
    (void)state;
    make_dirs("lay");
    put_text("lay/oci-layout", LAYOUT_MARKER);
    put_text("lay/manifest.json", "[]");
    make_dirs("unpacked");
    put_text("unpacked/manifest.json", "\n [ ]");
    make_dirs("other");
    put_text("other/manifest.json", "{}");
    make_dirs("colon:s");

    expect_kind("lay", "oci", "lay");
    expect_kind("lay:1.0", "oci", "lay:1.0");
    expect_kind("lay/:@sha256:00", "oci", "lay/:@sha256:00");
    expect_kind("unpacked", "docker-archive", "unpacked");
    expect_kind("unpacked:host:5000/a/b:c", "docker-archive", "unpacked:host:5000/a/b:c");
    expect_kind("other", "dir", "other");
    expect_kind("colon:s", "dir", "colon:s");
    expect_unknown("other:1.0", BFC_E_NOT_FOUND, "no file or folder 'other:1.0'");
    expect_unknown("missing:1.0", BFC_E_NOT_FOUND, "no file or folder 'missing:1.0'");
    expect_unknown("lay:", BFC_E_INVALID, "no reference after");
}

static void files_by_their_bytes(void **state)
{
    static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    (void)state;
    put("container", "BFCFv2\0\0", 8);
    put("old", "BFCFv1\0\0", 8);
    put_text("json", " \n{}");
    put_text("array", "[");
    put("packed", gzip, sizeof gzip);
    put_text("empty", "%s", "");
    put_text("text", "%700s", "text");

    expect_kind("container", "bfc", "container");
    expect_kind("old", "bfc", "old");
    expect_kind("json", "manifest", "json");
    expect_kind("array", "manifest", "array");
    expect_unknown("packed", BFC_E_UNSUPPORTED, "decompress it first");
    expect_unknown("text", BFC_E_INVALID, "neither a container nor a manifest nor a tar");
    expect_unknown("empty", BFC_E_INVALID, "not of an image");
    expect_unknown("json:x", BFC_E_NOT_FOUND, "has no references");
    expect_unknown("/dev/null", BFC_E_INVALID, "neither a file nor a folder");
}

static void archives_by_their_members(void **state)
{
    (void)state;
    struct tar t = tar_open("oci.tar");
    tar_text(&t, "{name", "a name that is like JSON");
    tar_text(&t, "./index.json", "{}");
    tar_text(&t, "./manifest.json", "[]");
    tar_close(&t);
    t = tar_open("docker.tar");
    tar_text(&t, "manifest.json", "[]");
    tar_close(&t);
    t = tar_open("oldest.tar");
    tar_text(&t, "repositories", "{}");
    tar_close(&t);
    t = tar_open("rootfs.tar");
    tar_text(&t, "etc/manifest.json", "[]");
    tar_close(&t);

    expect_kind("oci.tar", "oci-archive", "oci.tar");
    expect_kind("oci.tar:a", "oci-archive", "oci.tar:a");
    expect_kind("docker.tar:a:b", "docker-archive", "docker.tar:a:b");
    expect_kind("oldest.tar", "docker-archive", "oldest.tar");
    expect_unknown("rootfs.tar", BFC_E_INVALID, "a tar, but not of an image");
}

static void expect_split(const char *text, const char *path, const char *ref)
{
    AUTO_FREE char *got = NULL;
    const char *behind = "unset";
    bfc_err err = BFC_ERR_INIT;
    if (bfci_origin_split(text, &got, &behind, &err) < 0)
        fail_msg("'%s': %s", text, err.msg);
    assert_string_equal(got, path);
    if (ref)
        assert_string_equal(behind, ref);
    else
        assert_null(behind);
}

static void longest_beginning_that_is_there(void **state)
{
    AUTO_FREE char *path = NULL;
    const char *ref = NULL;
    char text[600];
    (void)state;
    put_text("x", "1");
    put_text("x:y", "2");
    put_text("a:b", "3");

    expect_split("x", "x", NULL);
    expect_split("x:y", "x:y", NULL);
    expect_split("x:z", "x", "z");
    expect_split("x:y:z", "x:y", "z");
    expect_split("x:z:y", "x", "z:y");
    expect_split("x:host:5000/a:b", "x", "host:5000/a:b");
    expect_split("a:b:@sha256:00", "a:b", "@sha256:00");
    assert_int_equal(bfci_origin_split("a:c", &path, &ref, NULL), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_origin_split(":x", &path, &ref, NULL), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_origin_split(":", &path, &ref, NULL), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_origin_split("", &path, &ref, NULL), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_origin_split("x:", &path, &ref, NULL), BFC_E_INVALID);
    (void)snprintf(text, sizeof text, "x:%0500d", 1);
    expect_split(text, "x", text + 2); /* longer than a file's name may be */
}

static void choices_are_bounded(void **state)
{
    AUTO_CHOICES bfci_choices c = BFCI_CHOICES_INIT;
    (void)state;
    assert_string_equal(bfci_choices_text(&c), "there is none");
    bfci_choices_add(&c, "a\n");
    assert_string_equal(bfci_choices_text(&c), "there is 'a\\x0a'");
    bfci_choices_release(&c);
    c = (bfci_choices)BFCI_CHOICES_INIT;
    for (int i = 0; i < 8; i++)
        bfci_choices_add(&c, i ? "b" : "a");
    bfci_choices_add(&c, "unseen");
    bfci_choices_add(&c, "unseen");
    assert_string_equal(bfci_choices_text(&c),
                        "there are 'a', 'b', 'b', 'b', 'b', 'b', 'b', 'b' and 2 more");
}

static void positions(void **state)
{
    size_t n = 99;
    (void)state;
    assert_true(bfci_ref_is_position("@0", &n));
    assert_int_equal(n, 0);
    assert_true(bfci_ref_is_position("@123456789", &n));
    assert_int_equal(n, 123456789);
    assert_false(bfci_ref_is_position("@", &n));
    assert_false(bfci_ref_is_position("0", &n));
    assert_false(bfci_ref_is_position("@1x", &n));
    assert_false(bfci_ref_is_position("@99999999999999999999", &n));
    assert_false(bfci_ref_is_position(NULL, &n));
}

static void only_images_are_opened(void **state)
{
    (void)state;
    make_dirs("folder");
    expect_refused("dir:folder", BFC_E_INVALID, "no OCI image");
    expect_refused("bfc:x.bfc", BFC_E_INVALID, "no OCI image");
    expect_refused("folder", BFC_E_INVALID, "no OCI image");
    expect_refused("oci:missing:x", BFC_E_NOT_FOUND, "no file or folder 'missing:x'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_by_name),
        ORIGIN_TEST(folders_by_what_is_there),
        ORIGIN_TEST(files_by_their_bytes),
        ORIGIN_TEST(archives_by_their_members),
        ORIGIN_TEST(longest_beginning_that_is_there),
        cmocka_unit_test(choices_are_bounded),
        cmocka_unit_test(positions),
        ORIGIN_TEST(only_images_are_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
