/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts in containers that are fed here, right ones and such as only a stranger makes: what a
 * check says of them, and that no blob leaves under a digest that it has not. */
#include "../container/care_fixture.h"

#include "container/feed.h"
#include "oci/artifact.h"
#include "oci/export.h"
#include "oci/image_verify.h"

#define CONFIG "{\"a\":1}"
#define FIRST "the first blob\n"
#define TYPE "text/plain"

/* What is made, and what is wrong with it. */
struct made {
    const char *first;      /* what stands where the first blob belongs; NULL: nothing */
    const char *config_doc; /* the blob "oci/0/config"; NULL: there is none */
    const char *fact_type;  /* media type of the first blob in the facts */
    const char *fact_size;  /* and its size */
    const char *tree;
    bool lies;   /* the first blob's inode has the digest that was promised, whatever it holds */
    bool sparse; /* it is one hole and then its bytes */
    bool folder; /* it is a folder */
};

static const struct made right = {
    .first = FIRST, .config_doc = CONFIG, .fact_type = TYPE, .fact_size = "15", .tree = "0"};

static void hex_of(const char *text, char out[2 * BFC_DIGEST_SIZE + 1])
{
    uint8_t digest[BFC_DIGEST_SIZE];

    assert_int_equal(bfci_sha256(text, strlen(text), digest, NULL), 0);
    bfci_hex(digest, sizeof digest, out);
}

/* ── Making ── */

static int put_folder(bfci_feed *feed, uint64_t parent, const char *name, uint64_t *ino,
                      bfc_err *err)
{
    bfci_inode n = {.type = BFC_TYPE_DIR, .mode = 0755};

    *ino = bfci_feed_ino(feed);
    BFC_TRY(bfci_stage_inode(feed->stage, *ino, &n, NULL, 0, false, err));
    return parent ? bfci_stage_dirent(feed->stage, parent, name, BFC_TYPE_DIR, *ino, err) : 0;
}

/* Stores `text` under the name of the digest of `promised`. */
static int put_file(bfci_feed *feed, uint64_t folder, const char *promised, const char *text,
                    const struct made *m, bfc_err *err)
{
    bfci_inode n = {.type = BFC_TYPE_FILE, .mode = 0644};
    char hex[2 * BFC_DIGEST_SIZE + 1];
    uint64_t ino = bfci_feed_ino(feed);

    hex_of(promised, hex);
    BFC_TRY(bfci_feed_begin(feed, "", strlen(text), m->sparse, err));
    if (m->sparse)
        BFC_TRY(bfci_feed_hole(feed, 5, err));
    BFC_TRY(bfci_feed_data(feed, (const uint8_t *)text, strlen(text), err));
    BFC_TRY(bfci_feed_end(feed, ino, &n, err));
    if (m->lies)
        BFC_TRY(bfci_sha256(promised, strlen(promised), n.digest, err));
    BFC_TRY(bfci_feed_inode(feed, ino, &n, false, err));
    return bfci_stage_dirent(feed->stage, folder, hex, BFC_TYPE_FILE, ino, err);
}

static void write_manifest(char out[2048])
{
    char config[2 * BFC_DIGEST_SIZE + 1], first[sizeof config], empty[sizeof config];

    hex_of(CONFIG, config);
    hex_of(FIRST, first);
    hex_of("", empty);
    (void)snprintf(
        out, 2048,
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"a/b\",\"digest\":\"sha256:%s\","
        "\"size\":%zu},\"layers\":[{\"mediaType\":\"" TYPE
        "\",\"digest\":\"sha256:%s\",\"size\":%zu},{\"mediaType\":\"" TYPE
        "\",\"digest\":\"sha256:%s\",\"size\":0}]}",
        config, strlen(CONFIG), first, strlen(FIRST), empty);
}

static int put_text(bfci_feed *feed, const char *name, const char *text, bfc_err *err)
{
    return bfci_intake_blob(feed->in, name, (const uint8_t *)text, strlen(text), err);
}

static int put_documents(bfci_feed *feed, const struct made *m, bfc_err *err)
{
    char manifest[2048], facts[2048], hex[4][2 * BFC_DIGEST_SIZE + 1];

    write_manifest(manifest);
    hex_of(manifest, hex[0]);
    hex_of(CONFIG, hex[1]);
    hex_of(FIRST, hex[2]);
    hex_of("", hex[3]);
    (void)snprintf(
        facts, sizeof facts,
        "{\"schema\":\"bfc.image/1\",\"source\":\"artifact\",\"images\":[{\"manifest\":"
        "\"sha256:%s\",\"config\":\"sha256:%s\",\"tree\":%s,\"entries\":6,\"content\":22,"
        "\"blobs\":[{\"digest\":\"sha256:%s\",\"media_type\":\"%s\",\"size\":%s},"
        "{\"digest\":\"sha256:%s\",\"media_type\":\"" TYPE "\",\"size\":0}]}]}",
        hex[0], hex[1], m->tree, hex[2], m->fact_type, m->fact_size, hex[3]);
    if (m->config_doc)
        BFC_TRY(put_text(feed, "oci/0/config", m->config_doc, err));
    BFC_TRY(put_text(feed, "oci/0/manifest", manifest, err));
    return put_text(feed, BFCI_FACTS_BLOB, facts, err);
}

static int feed_artifact(void *ctx, bfci_feed *feed, bfc_err *err)
{
    static const struct made plain = {0};
    const struct made *m = ctx;
    char hex[2 * BFC_DIGEST_SIZE + 1];
    uint64_t root, blobs, folder, other;

    BFC_TRY(put_folder(feed, 0, "", &root, err));
    BFC_TRY(put_folder(feed, root, "blobs", &blobs, err));
    BFC_TRY(put_folder(feed, blobs, "sha256", &folder, err));
    BFC_TRY(put_file(feed, folder, CONFIG, CONFIG, &plain, err));
    BFC_TRY(put_file(feed, folder, "", "", &plain, err));
    hex_of(FIRST, hex);
    if (m->folder)
        BFC_TRY(put_folder(feed, folder, hex, &other, err));
    else if (m->first)
        BFC_TRY(put_file(feed, folder, FIRST, m->first, m, err));
    BFC_TRY(put_documents(feed, m, err));
    return bfci_stage_tree(
        feed->stage, ROOT_TREE,
        &(bfci_tree){.kind = TREE_ROOTFS, .root = root, .label = {(const uint8_t *)"", 0}}, err);
}

static void make(struct care *c, const struct made *m)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;

    o.replace = true;
    care_ok(c, bfc_writer_create(c->file, &o, &w, &c->err));
    bfci_writer_feed(w, feed_artifact, (void *)(uintptr_t)m);
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
}

/* ── Looking ── */

static int check(struct care *c)
{
    bfci_image_check how = {.problem = care_note, .ctx = c, .deep = true};

    c->problems[0] = '\0';
    c->err = (bfc_err)BFC_ERR_INIT;
    int rc = bfci_image_check_run(c->file, &how, &c->err);
    assert_int_equal(rc == BFC_E_CORRUPT, how.problems > 0);
    return rc;
}

static int export_to(struct care *c, const char *folder)
{
    bfci_export e = {.coding = CODING_GZIP, .ref = "x"};

    c->err = (bfc_err)BFC_ERR_INIT;
    care_ok(c, bfc_reader_open(c->file, NULL, &e.r, &c->err));
    int rc = bfci_export_layout(&e, folder, &c->err);
    bfc_reader_close(e.r);
    return rc;
}

static void expect_blob(const char *folder, const char *text)
{
    char hex[2 * BFC_DIGEST_SIZE + 1], path[700];
    size_t len = 0;

    hex_of(text, hex);
    (void)snprintf(path, sizeof path, "%s/blobs/sha256/%s", folder, hex);
    AUTO_FREE uint8_t *data = care_load(path, &len);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(data, text, len);
}

static void test_artifact__right(void **state)
{
    struct care *c = *state;
    char folder[400], manifest[2048];

    make(c, &right);
    care_ok(c, check(c));
    assert_int_equal(care_verify(c, c->file, true, 1, NULL), 0);
    (void)snprintf(folder, sizeof folder, "%s/out", c->root);
    care_ok(c, export_to(c, folder));
    write_manifest(manifest);
    expect_blob(folder, manifest);
    expect_blob(folder, CONFIG);
    expect_blob(folder, FIRST);
    expect_blob(folder, "");
}

/* What is told of each, and what an export says, which leaves nothing: NULL if it goes well. */
static void test_artifact__wrong(void **state)
{
    struct care *c = *state;
    struct made bad[] = {right, right, right, right, right, right, right, right, right, right};
    static const struct {
        const char *problem, *refused;
    } expected[] = {
        {"' is not there", "' is not there"},
        {"is not the blob of 15 bytes", "is not the blob of 15 bytes"},
        {"is not the blob of 15 bytes", "is not the blob of 15 bytes"},
        {"is not the blob of 15 bytes", "is not the blob of 15 bytes"},
        {"is not the blob of 15 bytes", "is not the blob of 15 bytes"},
        {"otherwise than the image", NULL},
        {"otherwise than the image", NULL},
        {"configuration: ", NULL},
        {"configuration: ", NULL},
        {"tree of the blobs: the commit has no tree 7", "no tree 7"},
    };
    bad[0].first = NULL;
    bad[1].first = "the first blOb\n"; /* of the same length */
    bad[2].first = "shorter\n";
    bad[3].folder = true;
    bad[4].first = "0123456789"; /* behind a hole of 5 */
    bad[4].sparse = bad[4].lies = true;
    bad[5].fact_type = "text/html";
    bad[6].fact_size = "16";
    bad[7].config_doc = NULL;
    bad[8].config_doc = "{\"a\":2}";
    bad[9].tree = "7";
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char folder[400];
        make(c, &bad[i]);
        if (check(c) != BFC_E_CORRUPT || !strstr(c->problems, expected[i].problem))
            fail_msg("%zu: %s", i, c->problems);
        (void)snprintf(folder, sizeof folder, "%s/out%zu", c->root, i);
        int rc = export_to(c, folder);
        if (!expected[i].refused) {
            care_ok(c, rc);
            continue;
        }
        assert_true(rc < 0);
        if (!strstr(c->err.msg, expected[i].refused))
            fail_msg("%zu: %s", i, c->err.msg);
        assert_int_equal(access(folder, F_OK), -1);
    }
}

/* A container that says a blob has a digest which it has not: a deep check of it tells so, and the
 * blob does not leave. */
static void test_artifact__digest_that_lies(void **state)
{
    struct care *c = *state;
    struct made lie = right;
    char folder[400];

    lie.first = "the first blOb\n";
    lie.lies = true;
    make(c, &lie);
    care_ok(c, check(c));
    assert_int_equal(care_verify(c, c->file, true, 1, NULL), BFC_E_CORRUPT);
    (void)snprintf(folder, sizeof folder, "%s/out", c->root);
    assert_int_equal(export_to(c, folder), BFC_E_CORRUPT);
    assert_non_null(strstr(c->err.msg, "what came out of the container has the digest sha256:"));
    assert_int_equal(access(folder, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_artifact__right),
        CARE_TEST(test_artifact__wrong),
        CARE_TEST(test_artifact__digest_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
