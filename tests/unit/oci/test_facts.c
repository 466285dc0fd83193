/* SPDX-License-Identifier: Apache-2.0 */
/* The blob that describes an image: what is written, and what strangers may have written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oci/facts.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char platform[] = "linux/arm/v7";
static char directory[] = "directory";
static char oci[] = "oci";
static char gzip[] = "application/vnd.oci.image.layer.v1.tar+gzip";

static int decode(const char *json, bfci_facts *out, bfc_err *err)
{
    return bfci_facts_decode((const uint8_t *)json, strlen(json), out, err);
}

/* What the first version wrote must stay readable, and is written still. */
static void test_facts__of_a_directory(void **state)
{
    (void)state;
    static const char text[] =
        "{\"schema\":\"bfc.image/1\",\"platform\":\"linux/arm/v7\",\"source\":\"directory\"}";
    const bfci_facts f = {platform, directory, NULL, 0};
    AUTO_FREE char *json = NULL;
    AUTO_FACTS bfci_facts got = {0};
    assert_int_equal(bfci_facts_encode(&f, &json, NULL), 0);
    assert_string_equal(json, text);
    assert_int_equal(decode(text, &got, NULL), 0);
    assert_string_equal(got.platform, "linux/arm/v7");
    assert_string_equal(got.source, "directory");
    assert_int_equal(got.image_count, 0);
}

#define LAYER_TEXT                                                                                 \
    "{\"diff_id\":\"" DIGEST_A "\",\"digest\":\"" DIGEST_A                                         \
    "\",\"media_type\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"size\":"                  \
    "9223372036854775807,\"tree\":4294967295,\"tar_size\":10240,\"parts\":2,\"files\":3}"
#define IMAGE_TEXT(layers)                                                                         \
    "{\"platform\":\"linux/arm/v7\",\"manifest\":\"" DIGEST_A "\",\"config\":\"" DIGEST_A          \
    "\",\"tree\":7,\"entries\":9,\"content\":11,\"layers\":[" layers "]}"
#define FACTS_TEXT(images)                                                                         \
    "{\"schema\":\"bfc.image/1\",\"platform\":\"linux/arm/"                                        \
    "v7\",\"source\":\"oci\",\"images\":[" images "]}"

static void test_facts__of_images(void **state)
{
    (void)state;
    static const char text[] = FACTS_TEXT(IMAGE_TEXT(LAYER_TEXT) "," IMAGE_TEXT(""));
    bfci_digest a;
    AUTO_FREE char *json = NULL;
    AUTO_FACTS bfci_facts got = {0};
    memset(&a, 0xaa, sizeof a);
    bfci_layer_facts layer = {a, a, gzip, INT64_MAX, UINT32_MAX, 10240, 2, 3};
    bfci_image_facts images[] = {{platform, a, a, 7, 9, 11, &layer, 1, false},
                                 {platform, a, a, 7, 9, 11, NULL, 0, false}};
    const bfci_facts f = {platform, oci, images, 2};

    assert_int_equal(bfci_facts_encode(&f, &json, NULL), 0);
    assert_string_equal(json, text);
    assert_int_equal(decode(text, &got, NULL), 0);
    assert_string_equal(got.source, "oci");
    assert_int_equal(got.image_count, 2);
    assert_int_equal(got.image[1].layer_count, 0);
    const bfci_image_facts *i = &got.image[0];
    assert_string_equal(i->platform, "linux/arm/v7");
    assert_int_equal(i->tree, 7);
    assert_true(i->entries == 9 && i->content == 11);
    assert_true(bfci_digest_equal(&i->manifest, &a) && bfci_digest_equal(&i->config, &a));
    assert_int_equal(i->layer_count, 1);
    const bfci_layer_facts *l = &i->layer[0];
    assert_true(bfci_digest_equal(&l->diff_id, &a) && bfci_digest_equal(&l->digest, &a));
    assert_string_equal(l->media_type, gzip);
    assert_true(l->size == INT64_MAX && l->tree == UINT32_MAX && l->tar_size == 10240);
    assert_true(l->parts == 2 && l->files == 3);
}

#define BLOB_TEXT "{\"digest\":\"" DIGEST_A "\",\"media_type\":\"text/plain\",\"size\":5}"
#define ARTIFACT_TEXT(platform, blobs)                                                             \
    "{" platform "\"manifest\":\"" DIGEST_A "\",\"config\":\"" DIGEST_A                            \
    "\",\"tree\":0,\"entries\":4,\"content\":5,\"blobs\":[" blobs "]}"
#define ARTIFACT_FACTS(head, images)                                                               \
    "{\"schema\":\"bfc.image/1\"," head "\"source\":\"artifact\",\"images\":[" images "]}"

/* Blobs instead of layers, of no platform; and one that stands beside an image. */
static void test_facts__of_artifacts(void **state)
{
    (void)state;
    static const char text[] = ARTIFACT_FACTS(
        "", ARTIFACT_TEXT("", BLOB_TEXT) "," IMAGE_TEXT(LAYER_TEXT) "," ARTIFACT_TEXT(
                "\"platform\":\"unknown/unknown\",", ""));
    AUTO_FACTS bfci_facts got = {0};
    AUTO_FREE char *json = NULL;
    assert_int_equal(decode(text, &got, NULL), 0);
    assert_null(got.platform);
    assert_string_equal(got.source, "artifact");
    assert_string_equal(bfci_facts_source(&got), "artifact");
    assert_true(bfci_facts_of_artifact(&got));
    assert_int_equal(got.image_count, 3);
    const bfci_image_facts *i = got.image;
    assert_true(i[0].is_artifact && !i[1].is_artifact && i[2].is_artifact);
    assert_null(i[0].platform);
    assert_string_equal(i[2].platform, "unknown/unknown");
    assert_int_equal(i[0].layer_count, 1);
    assert_int_equal(i[0].layer[0].size, 5);
    assert_string_equal(i[0].layer[0].media_type, "text/plain");
    assert_int_equal(i[1].layer_count, 1);
    assert_int_equal(i[2].layer_count, 0);
    assert_int_equal(bfci_facts_encode(&got, &json, NULL), 0);
    assert_string_equal(json, text);
}

static void test_facts__only_artifacts_have_no_platform(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ARTIFACT_FACTS("", IMAGE_TEXT("") "," ARTIFACT_TEXT("", "")),
        ARTIFACT_FACTS("\"platform\":7,", ARTIFACT_TEXT("", "")),
        ARTIFACT_FACTS("", ARTIFACT_TEXT("\"platform\":\"x\",", "")),
        ARTIFACT_FACTS("", ""),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_FACTS bfci_facts got = {0};
        bfc_err err = BFC_ERR_INIT;
        assert_int_equal(decode(bad[i], &got, &err), BFC_E_CORRUPT);
        assert_non_null(strstr(err.msg, "platform: "));
    }
}

static void test_facts__unknown_members_are_fine(void **state)
{
    (void)state;
    AUTO_FACTS bfci_facts got = {0};
    assert_int_equal(
        decode("{\"later\":[1,{}],\"platform\":\"a/b\",\"schema\":\"bfc.image/1\"}", &got, NULL),
        0);
    assert_string_equal(got.platform, "a/b");
    assert_string_equal(got.source, "directory");
}

#define HEAD "{\"schema\":\"bfc.image/1\",\"platform\":\"a/b\""

static void test_facts__hostile_text(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {"", BFC_E_CORRUPT, "blob 'bfc/image.json' is not JSON"},
        {"[]", BFC_E_CORRUPT, "blob 'bfc/image.json': an object was expected"},
        {"{}", BFC_E_CORRUPT, "schema: a string is missing"},
        {"{\"schema\":\"bfc.image/1\"}", BFC_E_CORRUPT, "platform: a string is missing"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":7}", BFC_E_CORRUPT, "platform: a string was"},
        {"{\"schema\":\"bfc.image/2\",\"platform\":\"a/b\"}", BFC_E_UNSUPPORTED, "bfc.image/2"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":\"a\\u001bb\"}", BFC_E_CORRUPT, "a\\x1bb"},
        {"{\"schema\":\"bfc.image/1\",\"platform\":\"linux\"}", BFC_E_CORRUPT, "impossible"},
        {HEAD, BFC_E_CORRUPT, "not JSON"},
        {HEAD ",\"platform\":\"c/d\"}", BFC_E_CORRUPT, "not JSON"},
        {HEAD "}x", BFC_E_CORRUPT, "not JSON"},
        {HEAD ",\"source\":1}", BFC_E_CORRUPT, "source: a string was expected"},
        {HEAD ",\"images\":{}}", BFC_E_CORRUPT, "images: an array was expected"},
        {HEAD ",\"images\":[1]}", BFC_E_CORRUPT, "images[0]: an object was expected"},
        {HEAD ",\"images\":[{\"platform\":\"x\"}]}", BFC_E_CORRUPT, "images[0].platform: 'x'"},
        {HEAD ",\"images\":[{\"platform\":\"a/b\",\"manifest\":\"md5:0\"}]}", BFC_E_UNSUPPORTED,
         "images[0].manifest: "},
        {FACTS_TEXT(IMAGE_TEXT("{}")), BFC_E_CORRUPT, "images[0].layers[0].diff_id: a string is"},
        {FACTS_TEXT(IMAGE_TEXT(LAYER_TEXT ",3")), BFC_E_CORRUPT, "images[0].layers[1]: an object"},
        {FACTS_TEXT(ARTIFACT_TEXT("", "3")), BFC_E_CORRUPT, "images[0].blobs[0]: an object"},
        {FACTS_TEXT(ARTIFACT_TEXT("", "{}")), BFC_E_CORRUPT, "images[0].blobs[0].digest: a string"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_FACTS bfci_facts got = {0};
        bfc_err err = BFC_ERR_INIT;
        int rc = decode(bad[i].json, &got, &err);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].message))
            fail_msg("%s: got %d \"%s\", expected \"%s\"", bad[i].json, rc, err.msg,
                     bad[i].message);
        assert_null(got.platform);
        assert_null(got.image);
    }
}

/* Each member of an image and of a layer is needed, and each number has its width. */
static void test_facts__every_member(void **state)
{
    (void)state;
    static const char text[] = FACTS_TEXT(IMAGE_TEXT(LAYER_TEXT));
    static const char *const names[] = {"manifest", "config",   "tree",    "entries",
                                        "content",  "layers",   "diff_id", "digest",
                                        "size",     "tar_size", "parts",   "files"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *json = NULL;
        AUTO_FREE char *quoted = NULL;
        AUTO_FACTS bfci_facts got = {0};
        bfc_err err = BFC_ERR_INIT;
        assert_int_equal(bfci_strdup(text, &json, NULL), 0);
        assert_int_equal(bfci_asprintf(&quoted, NULL, "\"%s\":", names[i]), 0);
        char *at = strstr(json, quoted);
        assert_non_null(at);
        at[1] = 'X';
        assert_int_equal(decode(json, &got, &err), BFC_E_CORRUPT);
        if (!strstr(err.msg, names[i]) || !strstr(err.msg, "is missing"))
            fail_msg("%s: %s", names[i], err.msg);
    }
}

static void test_facts__numbers_have_a_width(void **state)
{
    (void)state;
    static const char *const names[] = {"tree", "parts", "size", "files", "tar_size"};
    static const char *const values[] = {"4294967296", "4294967296", "-1", "1.5", "\"1\""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_BUF buf b = BUF_INIT;
        AUTO_FACTS bfci_facts got = {0};
        bfc_err err = BFC_ERR_INIT;
        bfci_buf_printf(&b, HEAD ",\"images\":[{\"platform\":\"a/b\",\"manifest\":\"" DIGEST_A
                                 "\",\"config\":\"" DIGEST_A
                                 "\",\"tree\":0,\"entries\":1,\"content\":0,\"layers\":["
                                 "{\"diff_id\":\"" DIGEST_A "\",\"digest\":\"" DIGEST_A
                                 "\",\"media_type\":\"\"");
        for (size_t n = 0; n < ARRAY_LEN(names); n++)
            bfci_buf_printf(&b, ",\"%s\":%s", names[n], n == i ? values[n] : "1");
        bfci_buf_printf(&b, "}]}]}");
        assert_int_equal(bfci_facts_decode(b.data, b.len, &got, &err), BFC_E_CORRUPT);
        if (!strstr(err.msg, names[i]))
            fail_msg("%s: %s", names[i], err.msg);
    }
}

static void test_facts__counts_are_limited(void **state)
{
    (void)state;
    static const struct {
        const char *item;
        size_t count;
        const char *before, *after, *message;
    } cases[] = {
        {"{},", 65, HEAD ",\"images\":[", "{}]}", "images: it has 66 items, 64 are allowed"},
        {"{},", 1025,
         HEAD ",\"images\":[{\"platform\":\"a/b\",\"manifest\":\"" DIGEST_A
              "\",\"config\":\"" DIGEST_A "\",\"tree\":0,\"entries\":1,\"content\":0,\"layers\":[",
         "{}]}]}", "images[0].layers: it has 1026 items, 1024 are allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_BUF buf b = BUF_INIT;
        AUTO_FACTS bfci_facts got = {0};
        bfc_err err = BFC_ERR_INIT;
        bfci_buf_printf(&b, "%s", cases[i].before);
        for (size_t n = 0; n < cases[i].count; n++)
            bfci_buf_printf(&b, "%s", cases[i].item);
        bfci_buf_printf(&b, "%s", cases[i].after);
        assert_int_equal(bfci_facts_decode(b.data, b.len, &got, &err), BFC_E_LIMIT);
        assert_non_null(strstr(err.msg, cases[i].message));
    }
}

static void test_facts__size_is_limited(void **state)
{
    (void)state;
    AUTO_FREE uint8_t *json = NULL;
    AUTO_FACTS bfci_facts got = {0};
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_alloc(FACTS_SIZE_MAX + 1, 1, &json, NULL), 0);
    memset(json, ' ', FACTS_SIZE_MAX + 1);
    assert_int_equal(bfci_facts_decode(json, FACTS_SIZE_MAX + 1, &got, &err), BFC_E_CORRUPT);
    assert_non_null(strstr(err.msg, "4194304 are allowed"));
}

/* What could not be read is not written. */
static void test_facts__too_many_layers(void **state)
{
    (void)state;
    enum {
        IMAGES = 64,
        LAYERS = 1024
    };
    AUTO_FREE bfci_layer_facts *layers = NULL;
    bfci_image_facts images[IMAGES];
    char *json = NULL;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_alloc_zero(LAYERS, sizeof *layers, &layers, NULL), 0);
    for (size_t i = 0; i < LAYERS; i++)
        layers[i].media_type = gzip;
    for (size_t i = 0; i < IMAGES; i++)
        images[i] =
            (bfci_image_facts){.platform = platform, .layer = layers, .layer_count = LAYERS};
    bfci_facts f = {platform, oci, images, IMAGES};
    assert_int_equal(bfci_facts_encode(&f, &json, &err), BFC_E_LIMIT);
    assert_null(json);

    AUTO_FACTS bfci_facts got = {0};
    f.image_count = 10;
    assert_int_equal(bfci_facts_encode(&f, &json, NULL), 0);
    assert_int_equal(decode(json, &got, NULL), 0);
    assert_int_equal(got.image[9].layer_count, LAYERS);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts__of_a_directory),
        cmocka_unit_test(test_facts__of_images),
        cmocka_unit_test(test_facts__of_artifacts),
        cmocka_unit_test(test_facts__only_artifacts_have_no_platform),
        cmocka_unit_test(test_facts__unknown_members_are_fine),
        cmocka_unit_test(test_facts__hostile_text),
        cmocka_unit_test(test_facts__every_member),
        cmocka_unit_test(test_facts__numbers_have_a_width),
        cmocka_unit_test(test_facts__counts_are_limited),
        cmocka_unit_test(test_facts__size_is_limited),
        cmocka_unit_test(test_facts__too_many_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
