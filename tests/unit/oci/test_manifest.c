/* SPDX-License-Identifier: Apache-2.0 */
/* Image manifests: those of real tools, and those of strangers who mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oci/manifest.h"

#include "documents.h"

static int parse(const char *json, bfci_manifest *out, bfc_err *err)
{
    return bfci_manifest_parse((const uint8_t *)json, strlen(json), "manifest 'm'", out, err);
}

static void test_manifest__of_oci(void **state)
{
    (void)state;
    AUTO_MANIFEST bfci_manifest m = {0};
    char digest[DIGEST_TEXT_SIZE];
    assert_int_equal(parse(oci_manifest, &m, NULL), 0);
    assert_string_equal(m.media_type, OCI_TYPE "manifest.v1+json");
    assert_true(m.is_image);
    assert_null(m.artifact_type);
    assert_int_equal(m.config.size, 1469);
    bfci_digest_text(&m.config.digest, digest);
    assert_string_equal(digest, DIGEST_A);
    assert_int_equal(m.layer_count, 2);
    assert_string_equal(m.layer[0].media_type, OCI_TYPE "layer.v1.tar+gzip");
    assert_int_equal(m.layer[0].size, 2479);
    assert_int_equal(m.layer[1].size, INT64_MAX);
    bfci_digest_text(&m.layer[1].digest, digest);
    assert_string_equal(digest, DIGEST_C);
    assert_string_equal(m.layer[1].json,
                        "{\"mediaType\":\"" OCI_TYPE "layer.v1.tar+zstd\",\"digest\":\"" DIGEST_C
                        "\",\"size\":9223372036854775807,\"annotations\":{\"io.github.containers."
                        "zstd-chunked.manifest-position\":\"1:2:3:1\"},\"x-new\":[1.5]}");
}

static void test_manifest__of_docker(void **state)
{
    (void)state;
    AUTO_MANIFEST bfci_manifest m = {0};
    assert_int_equal(parse(docker_manifest, &m, NULL), 0);
    assert_string_equal(m.media_type, DOCKER_TYPE "distribution.manifest.v2+json");
    assert_true(m.is_image);
    assert_int_equal(m.layer_count, 1);
    assert_int_equal(m.layer[0].size, 32654);
}

static void test_manifest__of_an_artifact(void **state)
{
    (void)state;
    AUTO_MANIFEST bfci_manifest m = {0};
    assert_int_equal(parse(artifact_manifest, &m, NULL), 0);
    assert_false(m.is_image);
    assert_string_equal(m.artifact_type, "application/vnd.example+type");
    assert_int_equal(bfci_media_kind(m.config.media_type, NULL), MEDIA_EMPTY);
}

static void test_manifest__media_type_by_its_fields(void **state)
{
    (void)state;
    static const struct {
        const char *config, *expected;
    } cases[] = {
        {OCI_TYPE "config.v1+json", OCI_TYPE "manifest.v1+json"},
        {DOCKER_TYPE "container.image.v1+json", DOCKER_TYPE "distribution.manifest.v2+json"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_MANIFEST bfci_manifest m = {0};
        AUTO_FREE char *json = NULL;
        assert_true(bfci_asprintf(&json, NULL,
                                  "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"%s\","
                                  "\"digest\":\"" DIGEST_A "\",\"size\":0},\"layers\":null}",
                                  cases[i].config) == 0);
        assert_int_equal(parse(json, &m, NULL), 0);
        assert_string_equal(m.media_type, cases[i].expected);
        assert_true(m.is_image);
        assert_int_equal(m.layer_count, 0);
    }
}

/* As the engines' libraries have it: what another reader sees must be what we see. */
static void test_manifest__last_of_equal_names(void **state)
{
    (void)state;
    AUTO_MANIFEST bfci_manifest m = {0};
    assert_int_equal(parse("{\"config\":7,\"Layers\":7,\"layers\":[],\"config\":{\"size\":-1,"
                           "\"digest\":\"" DIGEST_A "\",\"size\":3}}",
                           &m, NULL),
                     0);
    assert_int_equal(m.config.size, 3);
    assert_string_equal(m.config.media_type, "");
    assert_false(m.is_image);
}

#define CONFIG "\"config\":{\"digest\":\"" DIGEST_A "\",\"size\":1}"
#define LAYER(fields) "{" CONFIG ",\"layers\":[{" fields "}]}"

static void test_manifest__hostile(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {"", BFC_E_CORRUPT, "manifest 'm' is not JSON"},
        {"[]", BFC_E_CORRUPT, "manifest 'm': an object was expected"},
        {"{}", BFC_E_CORRUPT, "manifest 'm': it is neither"},
        {"{\"config\":1,\"layers\":[]}", BFC_E_CORRUPT, "m': config: an object was expected"},
        {"{\"layers\":[]}", BFC_E_CORRUPT, "m': config: an object is missing"},
        {"{" CONFIG "}", BFC_E_CORRUPT, "m': layers: an array is missing"},
        {"{" CONFIG ",\"layers\":{}}", BFC_E_CORRUPT, "m': layers: an array was expected"},
        {"{" CONFIG ",\"layers\":[null]}", BFC_E_CORRUPT, "layers[0]: an object is missing"},
        {LAYER("\"size\":1"), BFC_E_CORRUPT, "layers[0].digest: a string is missing"},
        {LAYER("\"digest\":\"" DIGEST_A "\""), BFC_E_CORRUPT,
         "m': layers[0].size: a whole number from 0 is missing"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":-1"), BFC_E_CORRUPT,
         "layers[0].size: a whole number from 0 was expected"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":1.0"), BFC_E_CORRUPT, "layers[0].size: a who"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":\"1\""), BFC_E_CORRUPT, "layers[0].size: a w"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":9223372036854775808"), BFC_E_CORRUPT, "JSON"},
        {LAYER("\"digest\":\"sha256:00\",\"size\":1"), BFC_E_CORRUPT,
         "layers[0].digest: 'sha256:00' is no digest"},
        {LAYER("\"digest\":\"sha512:00\",\"size\":1"), BFC_E_UNSUPPORTED,
         "layers[0].digest: digest 'sha512:00'"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":1,\"mediaType\":[]"), BFC_E_CORRUPT,
         "layers[0].mediaType: a string was expected"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":1,\"annotations\":[]"), BFC_E_CORRUPT,
         "layers[0].annotations: an object was expected"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":1,\"mediaType\":\"a\\u0000b\""), BFC_E_CORRUPT,
         "not JSON"},
        {LAYER("\"digest\":\"" DIGEST_A "\",\"size\":1,\"mediaType\":\"\xff\""), BFC_E_CORRUPT,
         "not JSON"},
        {"{\"manifests\":[]," CONFIG ",\"layers\":[]}", BFC_E_CORRUPT, "members of an image man"},
        {"{\"manifests\":null," CONFIG ",\"layers\":[]}", BFC_E_CORRUPT, "members of an image man"},
        {"{\"mediaType\":\"" OCI_TYPE "manifest.v1+json\",\"manifests\":[]}", BFC_E_CORRUPT,
         "members of an image manifest and of an image index"},
        {"{\"mediaType\":\"text/\\u001bplain\",\"layers\":[]}", BFC_E_UNSUPPORTED,
         "mediaType: 'text/\\x1bplain' is neither"},
        {"{\"schemaVersion\":3,\"layers\":[]}", BFC_E_UNSUPPORTED, "schemaVersion: it is 3"},
        {"{\"schemaVersion\":\"2\",\"layers\":[]}", BFC_E_CORRUPT, "schemaVersion: a whole"},
        {docker_schema_1, BFC_E_UNSUPPORTED, "schema 1"},
        {"{\"schemaVersion\":1,\"layers\":[]}", BFC_E_UNSUPPORTED, "schema 1"},
        {"{\"fsLayers\":[],\"layers\":[]}", BFC_E_UNSUPPORTED, "schema 1"},
        {"{\"mediaType\":\"" DOCKER_TYPE "distribution.manifest.v1+prettyjws\"}", BFC_E_UNSUPPORTED,
         "schema 1"},
        {buildx_index, BFC_E_CORRUPT, "it is an image index, an image manifest was expected"},
        {LAYER("") "x", BFC_E_CORRUPT, "not JSON"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_MANIFEST bfci_manifest m = {0};
        bfc_err err = BFC_ERR_INIT;
        int rc = parse(bad[i].json, &m, &err);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].message))
            fail_msg("%s: got %d \"%s\", expected %d \"%s\"", bad[i].json, rc, err.msg, bad[i].code,
                     bad[i].message);
        assert_null(m.media_type);
        assert_null(m.layer);
    }
}

static void many_layers(buf *b, size_t count)
{
    bfci_buf_printf(b, "{" CONFIG ",\"layers\":[");
    for (size_t i = 0; i < count; i++)
        bfci_buf_printf(b, "%s{\"digest\":\"" DIGEST_B "\",\"size\":%zu}", i ? "," : "", i);
    bfci_buf_printf(b, "]}");
}

static void test_manifest__layers_are_limited(void **state)
{
    (void)state;
    static const size_t counts[] = {LAYERS_MAX, LAYERS_MAX + 1};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        AUTO_BUF buf b = BUF_INIT;
        AUTO_MANIFEST bfci_manifest m = {0};
        bfc_err err = BFC_ERR_INIT;
        many_layers(&b, counts[i]);
        assert_int_equal(bfci_manifest_parse(b.data, b.len, "m", &m, &err),
                         i == 0 ? 0 : BFC_E_LIMIT);
        if (i == 0)
            assert_int_equal(m.layer[LAYERS_MAX - 1].size, LAYERS_MAX - 1);
        else
            assert_string_equal(err.msg, "m: layers: it has 1025 items, 1024 are allowed");
    }
}

/* A small text that would take much memory or stack. */
static void test_manifest__bombs(void **state)
{
    (void)state;
    static const struct {
        const char *item;
        size_t count;
        enum bfc_code code;
    } bombs[] = {
        {"{},", 1 << 20, BFC_E_LIMIT},
        {"[],", 1 << 20, BFC_E_LIMIT},
        {"0,", 1 << 20, BFC_E_LIMIT},
        {"[", 100000, BFC_E_CORRUPT},
        {"{\"a\":", 100000, BFC_E_CORRUPT},
        {"\"\\\",,,,,,,,\",", 100000, BFC_E_CORRUPT}, /* commas in strings are no values */
    };
    for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
        AUTO_BUF buf b = BUF_INIT;
        AUTO_MANIFEST bfci_manifest m = {0};
        bfci_buf_printf(&b, "{\"layers\":[");
        for (size_t n = 0; n < bombs[i].count; n++)
            bfci_buf_put(&b, bombs[i].item, strlen(bombs[i].item));
        assert_int_equal(bfci_manifest_parse(b.data, b.len, "m", &m, NULL), bombs[i].code);
    }
}

static void test_manifest__every_cut(void **state)
{
    (void)state;
    for (size_t len = 0; len < strlen(oci_manifest) - 2; len++) {
        AUTO_FREE uint8_t *cut = NULL;
        AUTO_MANIFEST bfci_manifest m = {0};
        assert_int_equal(bfci_alloc(len, 1, &cut, NULL), 0);
        memcpy(cut, oci_manifest, len);
        assert_int_equal(bfci_manifest_parse(cut, len, "m", &m, NULL), BFC_E_CORRUPT);
    }
}

static const bfci_digest config_digest = {{0xaa, 0xbb}};

static void test_make__like_nothing(void **state)
{
    (void)state;
    const bfci_layer_descriptor layers[] = {
        {OCI_TYPE "layer.v1.tar", {{1}}, 5},
        {OCI_TYPE "layer.v1.tar+zstd", {{2}}, INT64_MAX},
    };
    AUTO_FREE char *json = NULL;
    AUTO_FREE char *bare = NULL;
    AUTO_MANIFEST bfci_manifest m = {0};
    assert_int_equal(bfci_manifest_make(&config_digest, 7, layers, 2, NULL, 0, &json, NULL), 0);
    assert_int_equal(parse(json, &m, NULL), 0);
    assert_true(m.is_image);
    assert_true(bfci_digest_equal(&m.config.digest, &config_digest));
    assert_int_equal(m.layer_count, 2);
    assert_true(bfci_digest_equal(&m.layer[1].digest, &layers[1].digest));
    assert_true(m.layer[1].size == INT64_MAX);
    assert_int_equal(bfci_manifest_make(&config_digest, 7, NULL, 0, NULL, 0, &bare, NULL), 0);
    assert_string_equal(bare, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE
                              "manifest.v1+json\",\"config\":{\"mediaType\":\"" OCI_TYPE
                              "config.v1+json\",\"digest\":\"sha256:aabb"
                              "000000000000000000000000000000000000000000000000000000000000"
                              "\",\"size\":7},\"layers\":[]}");
}

static void test_make__like_another(void **state)
{
    (void)state;
    static const char like[] = "{\"annotations\":{\"z\":\"1\",\"a\":\"2\"},\"subject\":{\"x\":[]},"
                               "\"artifactType\":\"t/t\",\"other\":1,\"layers\":null,"
                               "\"config\":{\"digest\":\"" DIGEST_A "\",\"size\":1}}";
    AUTO_FREE char *json = NULL;
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_manifest_make(&config_digest, 7, NULL, 0, (const uint8_t *)like,
                                        strlen(like), &json, NULL),
                     0);
    assert_non_null(strstr(json, "manifest.v1+json\",\"artifactType\":\"t/t\",\"config\":{"));
    assert_non_null(strstr(json, "\"layers\":[],\"subject\":{\"x\":[]},\"annotations\":"
                                 "{\"z\":\"1\",\"a\":\"2\"}}"));
    assert_null(strstr(json, "other"));

    char *none = NULL;
    assert_int_equal(
        bfci_manifest_make(&config_digest, 7, NULL, 0, (const uint8_t *)"{}", 2, &none, &err),
        BFC_E_CORRUPT);
    assert_non_null(strstr(err.msg, "the image's manifest: it is neither"));
    assert_int_equal(bfci_manifest_make(&config_digest, UINT64_MAX, NULL, 0, NULL, 0, &none, &err),
                     BFC_E_LIMIT);
    assert_null(none);
}

static void test_document__kinds(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int expected; /* a kind, or a code */
    } cases[] = {
        {oci_manifest, MEDIA_MANIFEST},
        {docker_manifest, MEDIA_MANIFEST},
        {artifact_manifest, MEDIA_MANIFEST},
        {buildx_index, MEDIA_INDEX},
        {layout_index, MEDIA_INDEX},
        {"{\"manifests\":null}", MEDIA_INDEX},
        {"{\"mediaType\":\"\",\"config\":{}}", MEDIA_MANIFEST},
        {"{\"mediaType\":\"" DOCKER_TYPE "distribution.manifest.list.v2+json\"}", MEDIA_INDEX},
        {docker_schema_1, BFC_E_UNSUPPORTED},
        {"{\"mediaType\":\"" OCI_TYPE "config.v1+json\"}", BFC_E_UNSUPPORTED},
        {"[{\"Config\":\"a.json\",\"Layers\":[]}]", BFC_E_CORRUPT},
        {"{\"imageLayoutVersion\":\"1.0.0\"}", BFC_E_CORRUPT},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum bfci_media kind = MEDIA_OTHER;
        int rc = bfci_document_kind((const uint8_t *)cases[i].json, strlen(cases[i].json), "d",
                                    &kind, NULL);
        if ((rc < 0 ? rc : (int)kind) != cases[i].expected)
            fail_msg("%s: %d, kind %d", cases[i].json, rc, (int)kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest__of_oci),
        cmocka_unit_test(test_manifest__of_docker),
        cmocka_unit_test(test_manifest__of_an_artifact),
        cmocka_unit_test(test_manifest__media_type_by_its_fields),
        cmocka_unit_test(test_manifest__last_of_equal_names),
        cmocka_unit_test(test_manifest__hostile),
        cmocka_unit_test(test_manifest__layers_are_limited),
        cmocka_unit_test(test_manifest__bombs),
        cmocka_unit_test(test_manifest__every_cut),
        cmocka_unit_test(test_make__like_nothing),
        cmocka_unit_test(test_make__like_another),
        cmocka_unit_test(test_document__kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
