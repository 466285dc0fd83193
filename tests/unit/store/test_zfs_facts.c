/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as ZFS properties: there and back, and nothing that a stranger made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/zfs.h"

static char name[] = "library/nginx:1.25", platform[] = "linux/arm64/v8", empty[] = "";
static char manifest[] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static bfc_image_info sample(void)
{
    bfc_image_info info = {.name = name,
                           .size = UINT64_MAX,
                           .created = INT64_MAX,
                           .compression = "zstd",
                           .encryption = "none",
                           .manifest_digest = manifest,
                           .platform = platform,
                           .layers = 7,
                           .files = 123456,
                           .content_bytes = 1,
                           .path = empty};
    for (size_t i = 0; i < sizeof info.root_digest; i++)
        info.root_digest[i] = (uint8_t)(i * 9);
    return info;
}

/* Returns the number of the property that makes no sense, ZFS_PROPERTIES if all do. */
static int read_back(const bfci_zfs_values *v, bfc_image_info **out)
{
    int wrong = -1;

    assert_int_equal(
        bfci_zfs_values_read((const char *const *)v->text, name, "/x", out, &wrong, NULL), 0);
    return wrong;
}

static void check_round_trip(const bfc_image_info *info)
{
    AUTO_ZFS_VALUES bfci_zfs_values v = {{NULL}};
    bfc_image_info *back = NULL;

    assert_int_equal(bfci_zfs_values_of(info, &v, NULL), 0);
    assert_int_equal(read_back(&v, &back), ZFS_PROPERTIES);
    assert_string_equal(back->name, info->name);
    assert_true(back->size == info->size && back->created == info->created);
    assert_string_equal(back->compression, info->compression);
    assert_string_equal(back->encryption, info->encryption);
    assert_string_equal(back->manifest_digest, info->manifest_digest);
    assert_string_equal(back->platform, info->platform);
    assert_true(back->layers == info->layers && back->files == info->files &&
                back->content_bytes == info->content_bytes);
    assert_memory_equal(back->root_digest, info->root_digest, sizeof info->root_digest);
    assert_string_equal(back->path, "/x");
    bfc_image_info_free(back);
}

static void test_zfs_facts__there_and_back(void **state)
{
    bfc_image_info info = sample();

    (void)state;
    check_round_trip(&info);
    info.manifest_digest = empty;
    info.compression = "none";
    info.size = info.layers = info.files = info.content_bytes = 0;
    info.created = 0;
    check_round_trip(&info);
}

/* Whoever lists datasets sees no more of an encrypted image than who looks at its file. */
static void test_zfs_facts__of_encrypted_images(void **state)
{
    AUTO_ZFS_VALUES bfci_zfs_values v = {{NULL}};
    bfc_image_info info = sample(), *back = NULL;

    (void)state;
    info.encryption = "chacha20-poly1305";
    assert_int_equal(bfci_zfs_values_of(&info, &v, NULL), 0);
    for (int i = 0; i < ZFS_PROPERTIES; i++) {
        bool plain = i == ZFS_IMAGE || i == ZFS_DIGEST || i == ZFS_CREATED || i == ZFS_SIZE ||
                     i == ZFS_ENCRYPTION;
        assert_int_equal(strcmp(v.text[i], "unknown") != 0, plain);
    }
    assert_int_equal(read_back(&v, &back), ZFS_PROPERTIES);
    assert_true(back->hidden && back->size == info.size && back->layers == 0);
    assert_string_equal(back->encryption, "chacha20-poly1305");
    assert_string_equal(back->manifest_digest, "");
    bfc_image_info_free(back);
    free(v.text[ZFS_LAYERS]);
    assert_int_equal(bfci_strdup("7", &v.text[ZFS_LAYERS], NULL), 0);
    assert_int_equal(read_back(&v, &back), ZFS_LAYERS);
}

static void test_zfs_facts__nonsense(void **state)
{
    static const struct {
        int property;
        const char *text;
    } nonsense[] = {
        {ZFS_IMAGE, "library/nginx:1.26"},
        {ZFS_IMAGE, ""},
        {ZFS_DIGEST, "0123"},
        {ZFS_DIGEST, "zz23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
        {ZFS_DIGEST, "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"},
        {ZFS_MANIFEST, "sha256:"},
        {ZFS_MANIFEST, ""},
        {ZFS_MANIFEST, "md5:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
        {ZFS_CREATED, "-1"},
        {ZFS_CREATED, "9223372036854775808"},
        {ZFS_CREATED, "yesterday"},
        {ZFS_SIZE, "18446744073709551616"},
        {ZFS_SIZE, "1 "},
        {ZFS_SIZE, "0x10"},
        {ZFS_SIZE, "1K"},
        {ZFS_COMPRESSION, "lz4"},
        {ZFS_ENCRYPTION, "-"},
        {ZFS_PLATFORM, ""},
        {ZFS_PLATFORM, "linux\x1b[31m"},
        {ZFS_LAYERS, ""},
        {ZFS_FILES, "+1"},
        {ZFS_CONTENT, "1e9"},
    };
    const bfc_image_info info = sample();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        AUTO_ZFS_VALUES bfci_zfs_values v = {{NULL}};
        bfc_image_info *back = NULL;
        char **text = &v.text[nonsense[i].property];
        assert_int_equal(bfci_zfs_values_of(&info, &v, NULL), 0);
        free(bfci_steal(text));
        assert_int_equal(bfci_strdup(nonsense[i].text, text, NULL), 0);
        if (read_back(&v, &back) != nonsense[i].property || back)
            fail_msg("'%s' is believed", nonsense[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zfs_facts__there_and_back),
        cmocka_unit_test(test_zfs_facts__of_encrypted_images),
        cmocka_unit_test(test_zfs_facts__nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
