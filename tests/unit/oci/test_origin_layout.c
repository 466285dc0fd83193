/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts and manifests beside their blobs: which image is taken, and what is not believed. */
#include "origin_fixture.h"

/* "lay" has two images, "one" and "two", whose manifests are these. */
struct pair {
    char one[1024], two[1024];
    char one_digest[DIGEST_TEXT_SIZE], two_digest[DIGEST_TEXT_SIZE];
};

static void put_pair(struct pair *p)
{
    char entries[2][512];
    char index[1100];
    put_image("lay", "layer one", p->one, p->one_digest);
    put_image("lay", "layer two", p->two, p->two_digest);
    write_entry(OCI_MANIFEST, p->one_digest, strlen(p->one), NAMED("one"), entries[0]);
    write_entry(OCI_MANIFEST, p->two_digest, strlen(p->two), NAMED("two"), entries[1]);
    (void)snprintf(index, sizeof index, "%s,%s", entries[0], entries[1]);
    put_index("lay", index);
}

static void references(void **state)
{
    struct pair p;
    char spec[256];
    (void)state;
    put_pair(&p);

    expect_root("oci:lay:one", p.one_digest, true);
    expect_root("oci:lay:two", p.two_digest, true);
    expect_root("lay:two", p.two_digest, true);
    expect_root("oci:lay:@1", p.two_digest, true);
    (void)snprintf(spec, sizeof spec, "oci:lay:@%s", p.one_digest);
    expect_root(spec, p.one_digest, true);
    expect_refused("oci:lay", BFC_E_INVALID, "a reference is needed: there are 'one', 'two'");
    expect_refused("oci:lay:On", BFC_E_NOT_FOUND,
                   "there is no reference 'On': there are 'one', 'two'");
    expect_refused("oci:lay:@2", BFC_E_NOT_FOUND, "index.json has 2");
    expect_refused("oci:lay:@sha256:12", BFC_E_INVALID, "sha256:12");
    expect_refused("oci:lay:@sha256:"
                   "00000000000000000000000000000000000000000000000000000000000000ff",
                   BFC_E_NOT_FOUND, "there is no blob sha256:00000");
}

static void what_is_handed_out(void **state)
{
    struct pair p;
    char config[1024];
    (void)state;
    put_pair(&p);
    AUTO(bfci_origin) bfci_origin *o = open_origin("oci:lay:one");

    assert_string_equal(o->name, "oci:lay:one");
    assert_int_equal(o->document_len, strlen(p.one));
    assert_memory_equal(o->document, p.one, o->document_len);
    assert_string_equal(o->root.ref_name, "one");
    assert_string_equal(o->root.media_type, OCI_MANIFEST);
    assert_non_null(strstr(o->root.json, "annotations"));
    assert_null(o->docker_manifest);
    AUTO_MANIFEST bfci_manifest m = {0};
    assert_int_equal(bfci_manifest_parse(o->document, o->document_len, "m", &m, NULL), 0);
    write_config("layer one", config);
    expect_blob(o, &m.config, config);
    expect_blob(o, &m.layer[0], "layer one");
}

static void one_image_needs_no_reference(void **state)
{
    char manifest[1024], digest[DIGEST_TEXT_SIZE], entries[3][512], index[1600];
    (void)state;
    put_image("lay", "layer", manifest, digest);
    write_entry(OCI_MANIFEST, digest, strlen(manifest), "", entries[0]);
    put_index("lay", entries[0]);
    expect_root("lay", digest, true);

    /* Two names for one image, and what a builder says of it. */
    write_entry(OCI_MANIFEST, digest, strlen(manifest), NAMED("a"), entries[1]);
    write_entry(
        OCI_MANIFEST, "sha256:0000000000000000000000000000000000000000000000000000000000000000", 1,
        ",\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}", entries[2]);
    (void)snprintf(index, sizeof index, "%s,%s,%s", entries[2], entries[0], entries[1]);
    put_index("lay", index);
    expect_root("lay", digest, true);
    put_index("lay", "");
    expect_refused("lay", BFC_E_NOT_FOUND, "there is no image in it");
}

static void digests_are_found_in_nested_indexes(void **state)
{
    struct pair p;
    char inner[600], outer[700], inner_digest[DIGEST_TEXT_SIZE], outer_digest[DIGEST_TEXT_SIZE];
    char entry[512], spec[256];
    (void)state;
    put_pair(&p);
    write_entry(OCI_MANIFEST, p.one_digest, strlen(p.one), ",\"annotations\":{\"x\":\"inner\"}",
                entry);
    (void)snprintf(inner, sizeof inner, "{\"schemaVersion\":2,\"manifests\":[%s]}", entry);
    put_blob("lay", inner, inner_digest);
    write_entry(OCI_INDEX, inner_digest, strlen(inner), "", entry);
    (void)snprintf(outer, sizeof outer, "{\"schemaVersion\":2,\"manifests\":[%s]}", entry);
    put_blob("lay", outer, outer_digest);
    write_entry(OCI_INDEX, outer_digest, strlen(outer), NAMED("nested"), entry);
    put_index("lay", entry);

    AUTO(bfci_origin) bfci_origin *o = open_origin("oci:lay:nested");
    assert_int_equal(o->kind, MEDIA_INDEX);
    expect_digest(&o->root.digest, outer_digest);
    (void)snprintf(spec, sizeof spec, "oci:lay:@%s", p.one_digest);
    AUTO(bfci_origin) bfci_origin *by_digest = open_origin(spec);
    assert_non_null(strstr(by_digest->root.json, "inner"));
    assert_true(by_digest->is_checked);
    (void)snprintf(spec, sizeof spec, "oci:lay:@%s", p.two_digest); /* a blob that nothing names */
    expect_root(spec, p.two_digest, true);
}

static void platforms_in_index_json(void **state)
{
    struct pair p;
    char entries[2][512], index[1100];
    (void)state;
    put_pair(&p);
    write_entry(OCI_MANIFEST, p.one_digest, strlen(p.one),
                ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}", entries[0]);
    write_entry(OCI_MANIFEST, p.two_digest, strlen(p.two),
                ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}", entries[1]);
    (void)snprintf(index, sizeof index, "%s,%s", entries[0], entries[1]);
    put_index("lay", index);

    AUTO(bfci_origin) bfci_origin *o = open_origin("oci:lay");
    assert_int_equal(o->kind, MEDIA_INDEX);
    assert_false(o->is_checked);
    assert_string_equal(o->root.media_type, OCI_INDEX);
    write_entry(OCI_MANIFEST, p.two_digest, strlen(p.two), "", entries[1]);
    (void)snprintf(index, sizeof index, "%s,%s", entries[0], entries[1]);
    put_index("lay", index);
    expect_refused("oci:lay", BFC_E_INVALID, "several images");
}

static void same_name_twice(void **state)
{
    struct pair p;
    char entries[2][512], index[1100];
    (void)state;
    put_pair(&p);
    write_entry(OCI_MANIFEST, p.one_digest, strlen(p.one), NAMED("x"), entries[0]);
    write_entry(OCI_MANIFEST, p.two_digest, strlen(p.two), NAMED("x"), entries[1]);
    (void)snprintf(index, sizeof index, "%s,%s", entries[0], entries[1]);
    put_index("lay", index);
    expect_refused("oci:lay:x", BFC_E_INVALID, "several images have the reference 'x'");
    expect_refused("oci:lay:x", BFC_E_INVALID, p.two_digest);
}

/* ── What is not believed ── */

static void promises_are_checked(void **state)
{
    struct pair p;
    char entry[512], path[256];
    (void)state;
    put_pair(&p);
    (void)snprintf(path, sizeof path, "lay/blobs/sha256/%s", hex_of(p.one_digest));

    write_entry(OCI_MANIFEST, p.one_digest, strlen(p.one) + 1, "", entry);
    put_index("lay", entry);
    expect_refused("oci:lay", BFC_E_CORRUPT, "bytes, 3"); /* how many came */
    write_entry(OCI_MANIFEST, p.one_digest, strlen(p.one) - 1, "", entry);
    put_index("lay", entry);
    expect_refused("oci:lay", BFC_E_CORRUPT, "more came");
    write_entry(OCI_MANIFEST, p.one_digest, 1u << 30, "", entry);
    put_index("lay", entry);
    expect_refused("oci:lay", BFC_E_LIMIT, "are allowed");

    write_entry(OCI_MANIFEST, p.one_digest, strlen(p.one), "", entry);
    put_index("lay", entry);
    expect_root("oci:lay", p.one_digest, true);
    put(path, p.two, strlen(p.two));
    expect_refused("oci:lay", BFC_E_CORRUPT, p.one_digest);
    expect_refused("oci:lay", BFC_E_CORRUPT, p.two_digest);
    expect_refused(path, BFC_E_CORRUPT, p.two_digest);
    write_entry(OCI_INDEX, p.two_digest, strlen(p.two), "", entry);
    put_index("lay", entry);
    expect_refused("oci:lay", BFC_E_CORRUPT, "promises '" OCI_INDEX "', but it is an image manif");
}

static void markers_are_checked(void **state)
{
    struct pair p;
    (void)state;
    put_pair(&p);
    put_text("lay/oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
    expect_refused("oci:lay:one", BFC_E_UNSUPPORTED, "it is '2.0.0', 1.0.0 was expected");
    put_text("lay/oci-layout", "{}");
    expect_refused("oci:lay:one", BFC_E_CORRUPT, "imageLayoutVersion");
    assert_int_equal(unlink("lay/oci-layout"), 0);
    expect_refused("oci:lay:one", BFC_E_INVALID, "no file 'oci-layout'");
    put_text("lay/oci-layout", LAYOUT_MARKER);
    assert_int_equal(unlink("lay/index.json"), 0);
    expect_refused("oci:lay:one", BFC_E_CORRUPT, "no file 'index.json'");
}

static void blobs_stay_inside(void **state)
{
    struct pair p;
    char path[256];
    (void)state;
    put_pair(&p);
    (void)snprintf(path, sizeof path, "lay/blobs/sha256/%s", hex_of(p.one_digest));
    assert_int_equal(rename(path, "outside"), 0);
    assert_int_equal(symlink("../../../outside", path), 0);
    expect_refused("oci:lay:one", BFC_E_CORRUPT, "leads out");
    assert_int_equal(rename("outside", "lay/inside"), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("../../inside", path), 0);
    expect_root("oci:lay:one", p.one_digest, true);
    assert_int_equal(rename("lay/blobs", "blobs"), 0);
    assert_int_equal(symlink("../blobs", "lay/blobs"), 0);
    expect_refused("oci:lay:one", BFC_E_CORRUPT, "link");
}

/* ── In a tar ── */

static void archives(void **state)
{
    char manifest[1024], digest[DIGEST_TEXT_SIZE], entry[512], config[1024], text[1024];
    char layer_digest[DIGEST_TEXT_SIZE], config_digest[DIGEST_TEXT_SIZE];
    (void)state;
    put_image("lay", "layer", manifest, digest);
    write_config("layer", config);
    write_entry(OCI_MANIFEST, digest, strlen(manifest), NAMED("x"), entry);
    struct tar t = tar_open("x.tar");
    tar_text(&t, "./oci-layout", LAYOUT_MARKER);
    (void)snprintf(text, sizeof text, "./blobs/sha256/%s", hex_of(sum("layer", layer_digest)));
    tar_text(&t, text, "layer");
    (void)snprintf(text, sizeof text, "./blobs/sha256/%s", hex_of(sum(config, config_digest)));
    tar_text(&t, text, config);
    (void)snprintf(text, sizeof text, "./blobs/sha256/%s", hex_of(digest));
    tar_text(&t, text, manifest);
    (void)snprintf(text, sizeof text, "{\"schemaVersion\":2,\"manifests\":[%s]}", entry);
    tar_text(&t, "./index.json", text);
    tar_close(&t);

    expect_root("oci-archive:x.tar", digest, true);
    expect_root("x.tar:x", digest, true);
    expect_refused("x.tar:y", BFC_E_NOT_FOUND, "no reference 'y': there is 'x'");
    AUTO(bfci_origin) bfci_origin *o = open_origin("oci-archive:x.tar:x");
    AUTO_MANIFEST bfci_manifest m = {0};
    assert_int_equal(bfci_manifest_parse(o->document, o->document_len, "m", &m, NULL), 0);
    expect_blob(o, &m.layer[0], "layer");
    expect_blob(o, &m.config, config);
}

/* ── Manifests beside their blobs ── */

static void manifest_files(void **state)
{
    struct pair p;
    char path[256];
    (void)state;
    put_pair(&p);
    (void)snprintf(path, sizeof path, "manifest:lay/blobs/sha256/%s", hex_of(p.two_digest));
    expect_root(path, p.two_digest, true);
    expect_root(path + strlen("manifest:"), p.two_digest, true);

    put("lay/manifest.json", p.one, strlen(p.one));
    expect_root("lay/manifest.json", p.one_digest, false);
    AUTO(bfci_origin) bfci_origin *o = open_origin("manifest:lay/manifest.json");
    AUTO_MANIFEST bfci_manifest m = {0};
    assert_int_equal(bfci_manifest_parse(o->document, o->document_len, "m", &m, NULL), 0);
    expect_blob(o, &m.layer[0], "layer one");

    /* Blobs beside it, as skopeo's "dir:" has them; from the folder itself, too. */
    assert_int_equal(rename("lay/blobs/sha256", "flat"), 0);
    put("flat/manifest.json", p.one, strlen(p.one));
    AUTO(bfci_origin) bfci_origin *flat = open_origin("manifest:flat/manifest.json");
    expect_blob(flat, &m.layer[0], "layer one");
    assert_int_equal(chdir("flat"), 0);
    expect_root(hex_of(p.one_digest), p.one_digest, true);
    expect_root("manifest.json", p.one_digest, false);
    put_text("x.json", "{\"neither\":1}");
    expect_refused("manifest:x.json", BFC_E_CORRUPT, "neither an image manifest nor an image ind");
    put_text("x.json", "{");
    expect_refused("x.json", BFC_E_CORRUPT, "not JSON");
    expect_refused("manifest:missing", BFC_E_NOT_FOUND, "missing");
    expect_refused("manifest:.", BFC_E_INVALID, "'.'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ORIGIN_TEST(references),
        ORIGIN_TEST(what_is_handed_out),
        ORIGIN_TEST(one_image_needs_no_reference),
        ORIGIN_TEST(digests_are_found_in_nested_indexes),
        ORIGIN_TEST(platforms_in_index_json),
        ORIGIN_TEST(same_name_twice),
        ORIGIN_TEST(promises_are_checked),
        ORIGIN_TEST(markers_are_checked),
        ORIGIN_TEST(blobs_stay_inside),
        ORIGIN_TEST(archives),
        ORIGIN_TEST(manifest_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
