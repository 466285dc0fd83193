/* SPDX-License-Identifier: Apache-2.0 */
/* What an image's container says of the image: from a directory, from a manifest, and without the
 * blob. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "oci/facts.h"
#include "store/facts.h"

static char folder[] = "/tmp/bfc-facts-XXXXXX";
static char path[sizeof folder + 8];

BFCI_DEFINE_AUTO(bfc_writer, bfc_writer_close)

/* An empty container with this text in the blob; NULL: without it. */
static void make(const char *json)
{
    bfc_writer_options options = BFC_WRITER_OPTIONS_INIT;
    AUTO(bfc_writer) bfc_writer *writer = NULL;
    options.replace = true;
    assert_int_equal(bfc_writer_create(path, &options, &writer, NULL), 0);
    if (json)
        assert_int_equal(bfc_writer_put_blob(writer, BFCI_FACTS_BLOB, json, strlen(json), NULL), 0);
    assert_int_equal(bfc_writer_commit(writer, NULL, NULL), 0);
}

static void assert_facts(const char *platform, const char *manifest, uint64_t layers)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_err err = BFC_ERR_INIT;
    if (bfci_facts_read(path, "a:1", NULL, NULL, &info, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(info->name, "a:1");
    assert_string_equal(info->path, path);
    assert_string_equal(info->platform, platform);
    assert_string_equal(info->manifest_digest, manifest);
    assert_int_equal(info->layers, layers);
}

static void test_facts__without_the_blob(void **state)
{
    (void)state;
    make(NULL);
    assert_facts("unknown", "", 1);
}

static void test_facts__of_a_directory(void **state)
{
    (void)state;
    make("{\"schema\":\"bfc.image/1\",\"platform\":\"linux/arm/v7\",\"source\":\"directory\"}");
    assert_facts("linux/arm/v7", "", 1);
}

static void test_facts__of_images(void **state)
{
    (void)state;
    bfci_layer_facts layers[3] = {0};
    char type[] = "", first[] = "linux/amd64", second[] = "linux/arm64", source[] = "oci";
    for (size_t i = 0; i < ARRAY_LEN(layers); i++)
        layers[i].media_type = type;
    bfci_image_facts images[] = {
        {.platform = first, .manifest = {{0xab}}, .layer = layers, .layer_count = 3},
        {.platform = second, .manifest = {{0xcd}}, .layer = layers, .layer_count = 2},
    };
    const bfci_facts f = {first, source, images, 2};
    AUTO_FREE char *json = NULL;
    assert_int_equal(bfci_facts_encode(&f, &json, NULL), 0);
    make(json);
    assert_facts("linux/amd64",
                 "sha256:ab00000000000000000000000000000000000000000000000000000000000000", 3);
}

static void test_facts__hostile(void **state)
{
    (void)state;
    bfc_image_info *info = NULL;
    bfc_err err = BFC_ERR_INIT;
    make("{\"schema\":\"bfc.image/1\"}");
    assert_int_equal(bfci_facts_read(path, "a:1", NULL, NULL, &info, &err), BFC_E_CORRUPT);
    assert_string_equal(err.msg,
                        "image 'a:1': blob 'bfc/image.json': platform: a string is missing");
    assert_null(info);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof path, "%s/a.bfc", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts__without_the_blob),
        cmocka_unit_test(test_facts__of_a_directory),
        cmocka_unit_test(test_facts__of_images),
        cmocka_unit_test(test_facts__hostile),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
