/* SPDX-License-Identifier: Apache-2.0 */
/* Which images are taken from an origin, and what is refused before a layer is read. The machine's
 * own platform is never asked for: tests run anywhere. */
#include "origin_fixture.h"

#include "oci/image_plan.h"

#define TYPE "application/vnd.oci.image."
#define DIGEST_TEXT "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* An image that a test puts into a layout; NULL: what images usually have. */
struct kind {
    const char *arch, *os, *variant;
    const char *config_type, *layer_type, *more; /* members of the manifest, after a comma */
    unsigned diff_ids;                           /* more than it has layers */
};

static void put_config(const char *layout, const struct kind *k, char config[1024],
                       char digest[DIGEST_TEXT_SIZE])
{
    char variant[64] = "", ids[256] = "\"" DIGEST_TEXT "\"";

    if (k->variant)
        (void)snprintf(variant, sizeof variant, ",\"variant\":\"%s\"", k->variant);
    if (k->diff_ids)
        (void)snprintf(ids, sizeof ids, "\"" DIGEST_TEXT "\",\"" DIGEST_TEXT "\"");
    (void)snprintf(config, 1024,
                   "{\"architecture\":\"%s\",\"os\":\"%s\"%s,\"rootfs\":{\"type\":\"layers\","
                   "\"diff_ids\":[%s]}}",
                   k->arch ? k->arch : "amd64", k->os ? k->os : "linux", variant, ids);
    put_blob(layout, config, digest);
}

/* Its manifest; *size is how long that is. */
static void put_kind(const char *layout, const struct kind *k, char digest[DIGEST_TEXT_SIZE],
                     size_t *size)
{
    char config[1024], manifest[2048], config_digest[DIGEST_TEXT_SIZE];

    put_config(layout, k, config, config_digest);
    (void)snprintf(manifest, sizeof manifest,
                   "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\"%s,\"config\":{"
                   "\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[{"
                   "\"mediaType\":\"%s\",\"digest\":\"" DIGEST_TEXT "\",\"size\":5}]}",
                   k->more ? k->more : "", k->config_type ? k->config_type : TYPE "config.v1+json",
                   config_digest, strlen(config),
                   k->layer_type ? k->layer_type : TYPE "layer.v1.tar+gzip");
    put_blob(layout, manifest, digest);
    *size = strlen(manifest);
}

/* An entry of an index for it, with a comma before it unless it is the first. */
static void add_kind(const char *layout, const struct kind *k, const char *platform, char *entries,
                     size_t cap)
{
    char digest[DIGEST_TEXT_SIZE], entry[512], more[256] = "";
    size_t size = 0, at = strlen(entries);

    put_kind(layout, k, digest, &size);
    if (platform)
        (void)snprintf(more, sizeof more, ",\"platform\":{%s}", platform);
    write_entry(OCI_MANIFEST, digest, size, more, entry);
    (void)snprintf(entries + at, cap - at, "%s%s", at ? "," : "", entry);
}

/* An index as a blob, and an entry that names it. */
static void nest(const char *layout, char *entries, size_t cap)
{
    char index[4096], digest[DIGEST_TEXT_SIZE], entry[512];

    (void)snprintf(index, sizeof index,
                   "{\"schemaVersion\":2,\"mediaType\":\"" OCI_INDEX "\",\"manifests\":[%s]}",
                   entries);
    put_blob(layout, index, digest);
    write_entry(OCI_INDEX, digest, strlen(index), "", entry);
    (void)snprintf(entries, cap, "%s", entry);
}

/* A layout "l" of one image. */
static void put_one(const struct kind *k)
{
    char entries[512] = "";

    add_kind("l", k, NULL, entries, sizeof entries);
    put_index("l", entries);
}

static int make_plan(const char *platform, bool all, bfci_image_plan *plan, bfc_err *err)
{
    AUTO(bfci_origin) bfci_origin *o = open_origin("oci:l");

    *plan = (bfci_image_plan){0};
    *err = (bfc_err)BFC_ERR_INIT;
    const bfci_plan_choice choice = {.platform = platform, .all = all};

    return bfci_image_plan_make(o, &choice, plan, err);
}

/* The platforms of the planned images, a space behind each. */
static void expect_plan(const char *platform, bool all, const char *want)
{
    AUTO_IMAGE_PLAN bfci_image_plan plan = {0};
    char have[1000] = "";
    bfc_err err = BFC_ERR_INIT;

    if (make_plan(platform, all, &plan, &err) != 0)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < plan.count; i++) {
        size_t at = strlen(have);
        bfci_digest sum;
        (void)snprintf(have + at, sizeof have - at, "%s ", plan.image[i].platform);
        assert_int_equal(
            bfci_sha256(plan.image[i].manifest_bytes, plan.image[i].manifest_len, sum.bytes, NULL),
            0);
        assert_true(bfci_digest_equal(&sum, &plan.image[i].digest));
        assert_int_equal(plan.image[i].manifest.layer_count, plan.image[i].config.layer_count);
    }
    assert_string_equal(have, want);
}

static void expect_refusal(const char *platform, bool all, int code, const char *words)
{
    bfci_image_plan plan;
    bfc_err err;
    int rc = make_plan(platform, all, &plan, &err);

    if (rc != code || !strstr(err.msg, words))
        fail_msg("rc %d, '%s'; expected %d, '%s'", rc, err.msg, code, words);
    assert_null(plan.image);
}

/* ── One image ── */

static void test_image_plan__one_image(void **state)
{
    AUTO_IMAGE_PLAN bfci_image_plan plan = {0};
    bfc_err err;

    (void)state;
    put_one(&(struct kind){.arch = "arm", .variant = "v7"});
    expect_plan(NULL, false, "linux/arm/v7 ");
    expect_plan("linux/arm/v7", false, "linux/arm/v7 ");
    expect_plan("linux/arm", true, "linux/arm/v7 ");
    assert_int_equal(make_plan(NULL, false, &plan, &err), 0);
    assert_null(plan.index);
    assert_non_null(strstr(plan.descriptor, OCI_MANIFEST));
    expect_refusal("linux/riscv64", false, BFC_E_NOT_FOUND,
                   "the image is for linux/arm/v7, not for linux/riscv64");
    expect_refusal("windows/arm", false, BFC_E_NOT_FOUND, "not for windows/arm");
    expect_refusal("linux/arm/v7/x", false, BFC_E_INVALID, "platform");
}

static void test_image_plan__artifacts(void **state)
{
    (void)state;
    put_one(&(struct kind){.config_type = "application/vnd.oci.empty.v1+json",
                           .more = ",\"artifactType\":\"application/vnd.x\""});
    expect_refusal(NULL, false, BFC_E_UNSUPPORTED,
                   "is an artifact of the type 'application/vnd.x', not an image");
    put_one(&(struct kind){.config_type = "application/vnd.cncf.helm.config.v1+json"});
    expect_refusal(NULL, false, BFC_E_UNSUPPORTED,
                   "artifact of the type 'application/vnd.cncf.helm.config.v1+json'");
}

static void test_image_plan__layers_that_are_none(void **state)
{
    (void)state;
    put_one(&(struct kind){.layer_type = TYPE "layer.v1.tar+gzip+encrypted"});
    expect_refusal(NULL, false, BFC_E_UNSUPPORTED,
                   "is encrypted ('" TYPE "layer.v1.tar+gzip+encrypted'), and there is no key");
    put_one(&(struct kind){.layer_type = "text/plain"});
    expect_refusal(NULL, false, BFC_E_UNSUPPORTED, "'text/plain', which is no layer of an image");
    put_one(&(struct kind){.layer_type = TYPE "config.v1+json"});
    expect_refusal(NULL, false, BFC_E_UNSUPPORTED, "which is no layer of an image");
    put_one(&(struct kind){.layer_type = TYPE "layer.nondistributable.v1.tar+gzip"});
    expect_plan(NULL, false, "linux/amd64 "); /* its content may be there */
    put_one(&(struct kind){.layer_type = "application/vnd.docker.image.rootfs.diff.tar.gzip"});
    expect_plan(NULL, false, "linux/amd64 ");
}

static void test_image_plan__config_that_is_another(void **state)
{
    char entries[512] = "", digest[DIGEST_TEXT_SIZE], config[1024], path[200];
    const struct kind k = {.arch = "s390x"};

    (void)state;
    put_one(&(struct kind){.diff_ids = 2});
    expect_refusal(NULL, false, BFC_E_CORRUPT, "has 2 diffIDs, but the manifest has 1 layers");
    add_kind("l", &k, NULL, entries, sizeof entries);
    put_index("l", entries);
    put_config("l", &k, config, digest);
    (void)snprintf(path, sizeof path, "l/blobs/sha256/%s", hex_of(digest));
    config[2] ^= 1;
    put(path, config, strlen(config));
    expect_refusal(NULL, false, BFC_E_CORRUPT, digest);
    assert_int_equal(unlink(path), 0);
    expect_refusal(NULL, false, BFC_E_NOT_FOUND, hex_of(digest));
}

/* ── Indexes ── */

#define ON(os, arch) "\"os\":\"" os "\",\"architecture\":\"" arch "\""

static void put_platforms(char *entries, size_t cap)
{
    add_kind("l", &(struct kind){.arch = "amd64"}, ON("linux", "amd64"), entries, cap);
    add_kind("l", &(struct kind){.arch = "unknown", .os = "unknown", .layer_type = "text/plain"},
             ON("unknown", "unknown"), entries, cap);
    add_kind("l", &(struct kind){.arch = "arm64"}, ON("linux", "arm64"), entries, cap);
    add_kind("l", &(struct kind){.arch = "s390x"}, ON("linux", "s390x"), entries, cap);
}

static void test_image_plan__choice_of_platform(void **state)
{
    AUTO_IMAGE_PLAN bfci_image_plan plan = {0};
    char entries[4096] = "";
    bfc_err err;

    (void)state;
    put_platforms(entries, sizeof entries);
    nest("l", entries, sizeof entries);
    put_index("l", entries);
    expect_plan("linux/amd64", false, "linux/amd64 ");
    expect_plan("linux/s390x", false, "linux/s390x ");
    expect_refusal("linux/riscv64", false, BFC_E_NOT_FOUND, "linux/arm64");
    assert_int_equal(make_plan("linux/arm64", false, &plan, &err), 0);
    assert_non_null(plan.index);
    assert_non_null(strstr((const char *)plan.index, "s390x"));
    assert_non_null(strstr(plan.descriptor, "arm64"));
}

/* The one that was asked for comes first; what builders say of images is none. */
static void test_image_plan__all_platforms(void **state)
{
    char entries[4096] = "";

    (void)state;
    put_platforms(entries, sizeof entries);
    nest("l", entries, sizeof entries);
    put_index("l", entries);
    expect_plan("linux/amd64", true, "linux/amd64 linux/arm64 linux/s390x ");
    expect_plan("linux/arm64", true, "linux/arm64 linux/amd64 linux/s390x ");
}

/* The index says one thing, the image another. */
static void test_image_plan__platform_that_is_another(void **state)
{
    char entries[4096] = "";

    (void)state;
    add_kind("l", &(struct kind){.arch = "arm64"}, ON("linux", "amd64"), entries, sizeof entries);
    add_kind("l", &(struct kind){.arch = "s390x"}, ON("linux", "s390x"), entries, sizeof entries);
    nest("l", entries, sizeof entries);
    put_index("l", entries);
    expect_refusal("linux/amd64", false, BFC_E_NOT_FOUND, "the image is for linux/arm64");
}

static void test_image_plan__nested_indexes(void **state)
{
    char entries[4096] = "";

    (void)state;
    put_platforms(entries, sizeof entries);
    for (unsigned depth = 1; depth <= 6; depth++) {
        nest("l", entries, sizeof entries);
        put_index("l", entries);
        if (depth <= 4)
            expect_plan("linux/arm64", false, "linux/arm64 ");
        else
            expect_refusal("linux/arm64", false, BFC_E_LIMIT, "more than 4 deep");
    }
}

static void test_image_plan__index_beside_images(void **state)
{
    char entries[4096] = "", inner[4096] = "";

    (void)state;
    put_platforms(inner, sizeof inner);
    nest("l", inner, sizeof inner);
    add_kind("l", &(struct kind){.arch = "riscv64"}, ON("linux", "riscv64"), entries,
             sizeof entries);
    (void)snprintf(entries + strlen(entries), sizeof entries - strlen(entries), ",%s", inner);
    nest("l", entries, sizeof entries);
    put_index("l", entries);
    expect_plan("linux/riscv64", false, "linux/riscv64 ");
    expect_refusal("linux/riscv64", true, BFC_E_UNSUPPORTED, "an index in the index");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ORIGIN_TEST(test_image_plan__one_image),
        ORIGIN_TEST(test_image_plan__artifacts),
        ORIGIN_TEST(test_image_plan__layers_that_are_none),
        ORIGIN_TEST(test_image_plan__config_that_is_another),
        ORIGIN_TEST(test_image_plan__choice_of_platform),
        ORIGIN_TEST(test_image_plan__all_platforms),
        ORIGIN_TEST(test_image_plan__platform_that_is_another),
        ORIGIN_TEST(test_image_plan__nested_indexes),
        ORIGIN_TEST(test_image_plan__index_beside_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
