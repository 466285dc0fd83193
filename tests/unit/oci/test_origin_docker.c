/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of docker save: new, old and oldest, packed and unpacked; hostile ones. */
#include "oci/origin_parts.h"
#include "origin_fixture.h"

static const uint8_t HELLO_GZIP[] = {0x1f, 0x8b, 0x08, 0,    0,    0,    0,    0,    0,
                                     0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00,
                                     0x20, 0x30, 0x3a, 0x36, 0x06, 0,    0,    0};

/* Opens, and reads the manifest that was made. */
static bfci_origin *open_made(const char *spec, bfci_manifest *m)
{
    bfci_origin *o = open_origin(spec);
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(o->kind, MEDIA_MANIFEST);
    assert_false(o->is_checked);
    if (bfci_manifest_parse(o->document, o->document_len, "made", m, &err) < 0)
        fail_msg("%s", err.msg);
    return o;
}

static void expect_layer(const char *spec, const char *text)
{
    AUTO_MANIFEST bfci_manifest m = {0};
    AUTO(bfci_origin) bfci_origin *o = open_made(spec, &m);
    assert_int_equal(m.layer_count, 1);
    expect_blob(o, &m.layer[0], text);
}

static void put_two_images(void)
{
    char one[1024], two[1024], name[128], digest[DIGEST_TEXT_SIZE], json[1024];
    write_config("layer one", one);
    write_config("layer two", two);
    struct tar t = tar_open("two.tar");
    tar_text(&t, "l1/layer.tar", "layer one");
    tar_text(&t, "l2.tar", "layer two");
    tar_text(&t, "one.json", one);
    (void)snprintf(name, sizeof name, "%s.json", hex_of(sum(two, digest)));
    tar_text(&t, name, two);
    (void)snprintf(
        json, sizeof json,
        "[{\"Config\":\"one.json\",\"RepoTags\":[\"a:1\",\"docker.io/library/b:latest\"],"
        "\"Layers\":[\"l1/layer.tar\"]},"
        "{\"Config\":\"%s\",\"RepoTags\":null,\"Layers\":[\"l2.tar\"],\"Parent\":\"\"}]",
        name);
    tar_text(&t, "manifest.json", json);
    tar_close(&t);
}

static void tags(void **state)
{
    char two[1024], digest[DIGEST_TEXT_SIZE], spec[256];
    (void)state;
    put_two_images();
    write_config("layer two", two);

    expect_layer("docker-archive:two.tar:a:1", "layer one");
    expect_layer("two.tar:docker.io/library/a:1", "layer one");
    expect_layer("two.tar:library/a:1", "layer one");
    expect_layer("two.tar:b", "layer one");
    expect_layer("two.tar:@0", "layer one");
    expect_layer("two.tar:@1", "layer two");
    (void)snprintf(spec, sizeof spec, "two.tar:@%s", sum(two, digest));
    expect_layer(spec, "layer two");
    expect_refused(
        "two.tar", BFC_E_INVALID,
        "2 images, a reference (or '@0' for the first) is needed: there are 'a:1', 'doc");
    expect_refused("two.tar:c:1", BFC_E_NOT_FOUND, "there is no reference 'c:1' among 2 images");
    expect_refused("two.tar:a", BFC_E_NOT_FOUND, "there are 'a:1'");
    expect_refused("two.tar:@2", BFC_E_NOT_FOUND, "no reference '@2'");
}

static void manifest_is_made(void **state)
{
    char one[1024], digest[DIGEST_TEXT_SIZE];
    (void)state;
    put_two_images();
    write_config("layer one", one);
    AUTO_MANIFEST bfci_manifest m = {0};
    AUTO(bfci_origin) bfci_origin *o = open_made("docker-archive:two.tar:a:1", &m);

    assert_true(m.is_image);
    assert_string_equal(m.media_type, OCI_MANIFEST);
    assert_string_equal(o->root.media_type, OCI_MANIFEST);
    expect_digest(&m.config.digest, sum(one, digest));
    expect_blob(o, &m.config, one);
    assert_string_equal(m.layer[0].media_type, "application/vnd.oci.image.layer.v1.tar");
    assert_int_equal(m.layer[0].size, 9);
    expect_digest(&m.layer[0].digest, sum("layer one", digest));
    assert_memory_equal(o->docker_manifest, "[{\"Config\"", 10);
    assert_int_equal(o->docker_manifest[o->docker_manifest_len - 1], ']');
    bfci_bytes in = {0};
    assert_int_equal(o->open_blob(o, &o->root, &in, NULL), BFC_E_NOT_FOUND);
}

static void compressed_layers(void **state)
{
    char config[1024];
    bfci_digest expected;
    (void)state;
    write_config("hello\n", config);
    struct tar t = tar_open("x.tar");
    tar_text(&t, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]");
    tar_text(&t, "c", config);
    tar_add(&t, "l", '0', "", HELLO_GZIP, sizeof HELLO_GZIP);
    tar_close(&t);

    AUTO_MANIFEST bfci_manifest m = {0};
    AUTO(bfci_origin) bfci_origin *o = open_made("x.tar", &m);
    assert_string_equal(m.layer[0].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_int_equal(m.layer[0].size, sizeof HELLO_GZIP);
    assert_int_equal(bfci_sha256(HELLO_GZIP, sizeof HELLO_GZIP, expected.bytes, NULL), 0);
    assert_true(bfci_digest_equal(&m.layer[0].digest, &expected));
    expect_blob(o, &m.config, config);
}

/* As docker save did it for years: a layer that another image has, too, is a link. */
static void linked_layers(void **state)
{
    char config[1024];
    (void)state;
    write_config("layer", config);
    struct tar t = tar_open("x.tar");
    tar_text(&t, "aa/layer.tar", "layer");
    tar_add(&t, "bb/layer.tar", '2', "../aa/layer.tar", "", 0);
    tar_add(&t, "cc/layer.tar", '1', "bb/layer.tar", "", 0);
    tar_text(&t, "c.json", config);
    tar_text(&t, "manifest.json",
             "[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],"
             "\"Layers\":[\"cc/layer.tar\"]}]");
    tar_close(&t);
    expect_layer("x.tar", "layer");
}

static void unpacked(void **state)
{
    const struct scratch *s = *state;
    char config[1024];
    write_config("layer", config);
    make_dirs("u/aa");
    make_dirs("u/bb");
    put_text("u/aa/layer.tar", "layer");
    scratch_link(s, "../aa/layer.tar", "u/bb/layer.tar");
    put_text("u/c.json", "%s", config);
    put_text("u/manifest.json", " [{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],"
                                "\"Layers\":[\"bb/layer.tar\"]}]");
    expect_layer("u", "layer");
    expect_layer("docker-archive:u:x:1", "layer");
    expect_layer("manifest:u/manifest.json", "layer");
    expect_layer("u/manifest.json", "layer");
    assert_int_equal(chdir("u"), 0);
    expect_layer("manifest.json", "layer");
}

/* ── What is refused ── */

static void expect_bad_manifest(const char *manifest, int code, const char *words)
{
    char config[1024];
    write_config("layer", config);
    struct tar t = tar_open("bad.tar");
    tar_text(&t, "manifest.json", manifest);
    tar_text(&t, "c", config);
    tar_text(&t, "l", "layer");
    tar_add(&t, "out", '2', "../secret", "", 0);
    tar_close(&t);
    expect_refused("docker-archive:bad.tar", code, words);

    /* The same unpacked. */
    make_dirs("bad");
    put_text("secret", "layer");
    put_text("bad/manifest.json", "%s", manifest);
    put_text("bad/c", "%s", config);
    put_text("bad/l", "layer");
    (void)unlink("bad/out");
    assert_int_equal(symlink("../secret", "bad/out"), 0);
    expect_refused("docker-archive:bad", code, words);
}

static void bad_manifests(void **state)
{
    (void)state;
    expect_bad_manifest("[", BFC_E_CORRUPT, "not JSON");
    expect_bad_manifest("{}", BFC_E_CORRUPT, "an array was expected");
    expect_bad_manifest("[]", BFC_E_NOT_FOUND, "no image");
    expect_bad_manifest("[1]", BFC_E_CORRUPT, "an object was expected");
    expect_bad_manifest("[{\"Layers\":[\"l\"]}]", BFC_E_CORRUPT, "Config");
    expect_bad_manifest("[{\"Config\":\"c\"}]", BFC_E_CORRUPT, "1 diffIDs");
    expect_bad_manifest("[{\"Config\":\"c\",\"Layers\":[\"l\",\"l\"]}]", BFC_E_CORRUPT, "2 layers");
    expect_bad_manifest("[{\"Config\":\"c\",\"Layers\":[7]}]", BFC_E_CORRUPT, "Layers[0]");
    expect_bad_manifest("[{\"Config\":\"x\",\"Layers\":[\"l\"]}]", BFC_E_NOT_FOUND, "file 'x'");
    expect_bad_manifest("[{\"Config\":\"c\",\"Layers\":[\"x\"]}]", BFC_E_NOT_FOUND, "layer 0: ");
    expect_bad_manifest("[{\"Config\":\"c\",\"Layers\":[\"../secret\"]}]", BFC_E_CORRUPT, "'..'");
    expect_bad_manifest("[{\"Config\":\"c\",\"Layers\":[\"/secret\"]}]", BFC_E_NOT_FOUND, "secret");
    expect_bad_manifest("[{\"Config\":\"c\",\"Layers\":[\"out\"]}]", BFC_E_CORRUPT, "leads out");
    expect_bad_manifest("[{\"Config\":\"../secret\",\"Layers\":[\"l\"]}]", BFC_E_CORRUPT, "'..'");
    expect_bad_manifest("[{\"Config\":\"l\",\"Layers\":[\"l\"]}]", BFC_E_CORRUPT, "not JSON");
    expect_bad_manifest("[{\"Config\":\"c\",\"Layers\":[\"l\"],\"RepoTags\":1}]", BFC_E_CORRUPT,
                        "RepoTags");
    struct tar t = tar_open("none.tar");
    tar_text(&t, "x", "y");
    tar_close(&t);
    expect_refused("docker-archive:none.tar", BFC_E_INVALID, "no docker-archive");
}

/* ── Names ── */

static void names_mean_the_same(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"a:1", "a:1", true},
        {"a", "a:latest", true},
        {"docker.io/library/a:1", "a:1", true},
        {"index.docker.io/library/a:1", "library/a:1", true},
        {"docker.io/x/a:1", "x/a:1", true},
        {"host:5000/a", "host:5000/a:latest", true},
        {"host:5000/a:1", "host:5000/a:2", false},
        {"localhost/a:1", "a:1", false},
        {"a:1", "ab:1", false},
        {"a:1", "a:11", false},
        {"", "a", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(bfci_docker_name_equal(cases[i].a, cases[i].b), cases[i].equal);
        assert_int_equal(bfci_docker_name_equal(cases[i].b, cases[i].a), cases[i].equal);
    }
}

/* ── The oldest form ── */

static void put_oldest(const char *repositories, const char *parent_of_low)
{
    char json[1024];
    struct tar t = tar_open("old.tar");
    tar_add(&t, "top/", '5', "", "", 0);
    tar_text(&t, "top/VERSION", "1.0");
    tar_text(&t, "top/json",
             "{\"id\":\"top\",\"parent\":\"low\",\"created\":\"2014-01-02T00:00:00Z\","
             "\"container_config\":{\"Cmd\":[\"/bin/sh\",\"-c\",\"#(nop) CMD\"]},"
             "\"author\":\"me\",\"config\":{\"Cmd\":[\"/bin/true\"]},\"architecture\":\"amd64\","
             "\"os\":\"linux\",\"Size\":5}");
    tar_text(&t, "top/layer.tar", "upper");
    (void)snprintf(json, sizeof json,
                   "{\"id\":\"low\",\"created\":\"2014-01-01T00:00:00Z\",\"comment\":\"base\"%s}",
                   parent_of_low);
    tar_text(&t, "low/json", json);
    tar_add(&t, "low/layer.tar", '0', "", HELLO_GZIP, sizeof HELLO_GZIP);
    tar_text(&t, "repositories", repositories);
    tar_close(&t);
}

static void oldest_form(void **state)
{
    char digest[DIGEST_TEXT_SIZE], expected[1024], low[DIGEST_TEXT_SIZE];
    (void)state;
    put_oldest("{\"x\":{\"1\":\"top\",\"2\":\"top\"}}", "");
    AUTO_MANIFEST bfci_manifest m = {0};
    AUTO(bfci_origin) bfci_origin *o = open_made("old.tar", &m);
    AUTO_FREE uint8_t *config = NULL;
    size_t len = 0;

    assert_null(o->docker_manifest);
    assert_int_equal(m.layer_count, 2);
    assert_string_equal(m.layer[0].media_type, "application/vnd.oci.image.layer.v1.tar+gzip");
    expect_digest(&m.layer[1].digest, sum("upper", digest));
    expect_blob(o, &m.layer[1], "upper");
    assert_int_equal(
        bfci_origin_document(o, &m.config, "config", CONFIG_SIZE_MAX, &config, &len, NULL), 0);
    (void)snprintf(expected, sizeof expected,
                   "{\"created\":\"2014-01-02T00:00:00Z\","
                   "\"container_config\":{\"Cmd\":[\"/bin/sh\",\"-c\",\"#(nop) CMD\"]},"
                   "\"author\":\"me\",\"config\":{\"Cmd\":[\"/bin/true\"]},"
                   "\"architecture\":\"amd64\",\"os\":\"linux\","
                   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\",\"%s\"]},"
                   "\"history\":[{\"created\":\"2014-01-01T00:00:00Z\",\"comment\":\"base\"},"
                   "{\"created\":\"2014-01-02T00:00:00Z\",\"author\":\"me\","
                   "\"created_by\":\"/bin/sh -c #(nop) CMD\"}]}",
                   sum("hello\n", low), digest);
    assert_string_equal((const char *)config, expected);
}

static void oldest_references(void **state)
{
    (void)state;
    put_oldest("{\"x\":{\"1\":\"top\"},\"host:1/y\":{\"2\":\"low\"}}", "");
    AUTO_MANIFEST bfci_manifest m = {0};
    AUTO(bfci_origin) bfci_origin *o = open_made("old.tar:host:1/y:2", &m);
    assert_int_equal(m.layer_count, 1);
    assert_string_equal(o->name, "docker-archive:old.tar:host:1/y:2");
    expect_refused("old.tar", BFC_E_INVALID,
                   "a reference is needed: there are 'x:1', 'host:1/y:2'");
    expect_refused("old.tar:x:2", BFC_E_NOT_FOUND, "there is no reference 'x:2'");

    put_oldest("{}", "");
    expect_refused("old.tar", BFC_E_NOT_FOUND, "there is none");
    put_oldest("[]", "");
    expect_refused("old.tar", BFC_E_CORRUPT, "an object was expected");
    put_oldest("{\"x\":{\"1\":\"gone\"}}", "");
    expect_refused("old.tar", BFC_E_NOT_FOUND, "'gone/json'");
    put_oldest("{\"x\":{\"1\":\"../top\"}}", "");
    expect_refused("old.tar", BFC_E_CORRUPT, "'..'");
    put_oldest("{\"a\\nb\":{\"c\\nd\":1}}", "");
    expect_refused("old.tar", BFC_E_CORRUPT, "a\\x0ab.c\\x0ad: a string was expected");
    put_oldest("{\"x\":{\"1\":\"top\"}}", ",\"parent\":\"top\"");
    expect_refused("old.tar", BFC_E_LIMIT, "in a circle");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ORIGIN_TEST(tags),
        ORIGIN_TEST(manifest_is_made),
        ORIGIN_TEST(compressed_layers),
        ORIGIN_TEST(linked_layers),
        ORIGIN_TEST(unpacked),
        ORIGIN_TEST(bad_manifests),
        cmocka_unit_test(names_mean_the_same),
        ORIGIN_TEST(oldest_form),
        ORIGIN_TEST(oldest_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
