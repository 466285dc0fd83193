/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a container is the image that it says it is: made from a layout, then with one document,
 * fact or recipe exchanged at a time, by a commit whose every checksum is in order. */
#include "layer_fixture.h"
#include "origin_fixture.h"

#include "oci/image_build.h"
#include "oci/image_verify.h"
#include "oci/recipe.h"

#define TYPE "application/vnd.oci.image."

struct image {
    struct care *c;
    char problems[4000]; /* "what\n" for each */
    char layer[2][DIGEST_TEXT_SIZE], config_digest[DIGEST_TEXT_SIZE];
    char config[1024], manifest[2048];
    size_t layer_size[2];
};

/* ── A layout, and a container of it ── */

static void put_layer(struct image *i, const char *layout, size_t number)
{
    AUTO_BUF buf tar = BUF_INIT;
    const struct made a = F("a", "text of a\n"), b = F("b", "text of b\n");
    char path[500];
    bfci_digest d;

    tar_put_made(&tar, number ? &b : &a);
    tar_end(&tar);
    assert_int_equal(bfci_sha256(tar.data, tar.len, d.bytes, NULL), 0);
    bfci_digest_text(&d, i->layer[number]);
    i->layer_size[number] = tar.len;
    (void)snprintf(path, sizeof path, "%s/blobs/sha256", layout);
    make_dirs(path);
    (void)snprintf(path, sizeof path, "%s/blobs/sha256/%s", layout, hex_of(i->layer[number]));
    put(path, tar.data, tar.len);
}

static void put_layout(struct image *i, const char *layout)
{
    char digest[DIGEST_TEXT_SIZE], entry[512];

    for (size_t n = 0; n < 2; n++)
        put_layer(i, layout, n);
    (void)snprintf(i->config, sizeof i->config,
                   "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
                   "\"diff_ids\":[\"%s\",\"%s\"]}}",
                   i->layer[0], i->layer[1]);
    put_blob(layout, i->config, i->config_digest);
    (void)snprintf(i->manifest, sizeof i->manifest,
                   "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\",\"config\":{"
                   "\"mediaType\":\"" TYPE "config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
                   "\"layers\":[{\"mediaType\":\"" TYPE "layer.v1.tar\",\"digest\":\"%s\","
                   "\"size\":%zu},{\"mediaType\":\"" TYPE "layer.v1.tar\",\"digest\":\"%s\","
                   "\"size\":%zu}]}",
                   i->config_digest, strlen(i->config), i->layer[0], i->layer_size[0], i->layer[1],
                   i->layer_size[1]);
    put_blob(layout, i->manifest, digest);
    write_entry(OCI_MANIFEST, digest, strlen(i->manifest), "", entry);
    put_index(layout, entry);
}

static void store_image(struct image *i, bfci_origin *o)
{
    AUTO_IMAGE_PLAN bfci_image_plan plan = {0};
    bfc_writer_options options = BFC_WRITER_OPTIONS_INIT;
    struct care *c = i->c;
    bfc_writer *w = NULL;

    care_ok(c, bfci_image_plan_make(o, &(bfci_plan_choice){0}, &plan, &c->err));
    bfci_plan_feed feed = {.origin = o, .plan = &plan};
    care_ok(c, bfc_writer_create(c->file, &options, &w, &c->err));
    bfci_writer_feed(w, bfci_build_plan, &feed);
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
}

static void make_image(struct image *i, struct care *c)
{
    char layout[300], spec[400];

    *i = (struct image){.c = c};
    (void)snprintf(layout, sizeof layout, "%s/layout", c->root);
    put_layout(i, layout);
    (void)snprintf(spec, sizeof spec, "oci:%s", layout);
    AUTO(bfci_origin) bfci_origin *o = open_origin(spec);
    (void)unlink(c->file);
    store_image(i, o);
    care_expect_clean(c, c->file);
}

/* ── Exchanging a blob ── */

struct blob {
    const char *name;
    const void *bytes; /* NULL: it goes */
    size_t len;
};

static int feed_blob(void *ctx, bfci_feed *feed, bfc_err *err)
{
    const struct blob *b = ctx;

    if (!b->bytes)
        return bfci_stage_drop_blob(feed->stage, b->name, err);
    return bfci_intake_blob(feed->in, b->name, b->bytes, b->len, err);
}

static void put_bytes(struct image *i, const char *name, const void *bytes, size_t len)
{
    bfc_writer_options options = BFC_WRITER_OPTIONS_INIT;
    struct blob b = {name, bytes, len};
    struct care *c = i->c;
    bfc_writer *w = NULL;

    care_ok(c, bfci_writer_append_fed(c->file, &options, &w, &c->err));
    bfci_writer_feed(w, feed_blob, &b);
    care_ok(c, bfc_writer_commit(w, NULL, &c->err));
    bfc_writer_close(w);
    care_expect_clean(c, c->file); /* nothing that the container itself could see */
}

static void put_document(struct image *i, const char *name, const char *text)
{
    put_bytes(i, name, text, text ? strlen(text) : 0);
}

static char *load_blob(struct image *i, const char *name, size_t *len)
{
    bfc_reader *r = NULL;
    uint8_t *bytes = NULL;

    care_ok(i->c, bfc_reader_open(i->c->file, NULL, &r, &i->c->err));
    care_ok(i->c, bfc_reader_blob(r, name, &bytes, len, &i->c->err));
    bfc_reader_close(r);
    return (char *)bytes;
}

/* The first `old` in the text becomes `fresh`, which is as long. */
static void replace_text(char *text, const char *old, const char *fresh)
{
    char *at = strstr(text, old);

    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(fresh));
    memcpy(at, fresh, strlen(fresh));
}

static void change_blob(struct image *i, const char *name, const char *old, const char *fresh)
{
    size_t len = 0;
    AUTO_FREE char *text = load_blob(i, name, &len);

    replace_text(text, old, fresh);
    put_bytes(i, name, text, len);
}

/* ── Checking ── */

static void note_problem(void *ctx, const bfc_problem *p)
{
    struct image *i = ctx;
    size_t at = strlen(i->problems);

    (void)snprintf(i->problems + at, sizeof i->problems - at, "%s\n", p->what);
}

static int check(struct image *i, bool deep, uint64_t *problems)
{
    bfci_image_check run = {.problem = note_problem, .ctx = i, .deep = deep};

    i->problems[0] = '\0';
    i->c->err = (bfc_err)BFC_ERR_INIT;
    int rc = bfci_image_check_run(i->c->file, &run, &i->c->err);
    *problems = run.problems;
    return rc;
}

static void expect_fine(struct image *i, bool deep)
{
    uint64_t problems = 1;

    if (check(i, deep, &problems) != 0)
        fail_msg("%s", i->c->err.msg);
    assert_int_equal(problems, 0);
}

/* So many problems, and `words` are in one of them; the first is the error. */
static void expect_problems(struct image *i, bool deep, uint64_t count, const char *words)
{
    uint64_t problems = 0;

    assert_int_equal(check(i, deep, &problems), BFC_E_CORRUPT);
    if (problems != count || !strstr(i->problems, words))
        fail_msg("%u problems:\n%sexpected %u, '%s'", (unsigned)problems, i->problems,
                 (unsigned)count, words);
    assert_int_equal(strncmp(i->problems, i->c->err.msg, strlen(i->c->err.msg)), 0);
}

/* ── Tests ── */

static void test_image_verify__fine(void **state)
{
    struct image i;

    make_image(&i, *state);
    expect_fine(&i, false);
    expect_fine(&i, true);
}

/* An image from a folder has nothing of this. */
static void test_image_verify__no_image(void **state)
{
    struct care *c = *state;
    struct image i = {.c = c};

    care_put_text(c->src, "f", "text");
    care_commit(c, c->file, false);
    expect_fine(&i, true);
}

static void test_image_verify__documents(void **state)
{
    struct image i;

    make_image(&i, *state);
    change_blob(&i, "oci/0/config", "amd64", "arm64");
    expect_problems(&i, false, 1, "configuration: it has the digest sha256:");
    make_image(&i, *state);
    change_blob(&i, "oci/0/manifest", "\"size\"", "\"Size\"");
    expect_problems(&i, false, 1, "manifest: it has the digest sha256:");
    put_document(&i, "oci/0/manifest", NULL);
    put_document(&i, "oci/0/config", NULL);
    expect_problems(&i, true, 2, "configuration: ");
}

/* A document of the right digest, as the facts have it, which is of another image. */
static void put_with_digest(struct image *i, const char *name, char *text, const char *was)
{
    char is[DIGEST_TEXT_SIZE], *old = NULL;

    old = strdup(was);
    assert_non_null(old);
    put_document(i, name, text);
    change_blob(i, BFCI_FACTS_BLOB, old, sum(text, is));
    free(old);
}

static void test_image_verify__documents_of_another_image(void **state)
{
    struct image i;
    char was[DIGEST_TEXT_SIZE];

    make_image(&i, *state);
    replace_text(strstr(i.config, i.layer[1]), i.layer[1], i.layer[0]);
    put_with_digest(&i, "oci/0/config", i.config, i.config_digest);
    expect_problems(&i, false, 2, "configuration: its diffID number 2 is not that of the layer");
    expect_problems(&i, false, 2, "manifest: it is not of the image's configuration");

    make_image(&i, *state);
    (void)sum(i.manifest, was);
    replace_text(strstr(i.manifest, i.layer[1]), i.layer[1], i.layer[0]);
    put_with_digest(&i, "oci/0/manifest", i.manifest, was);
    expect_problems(&i, false, 1, "manifest: its layer number 2 is not that of the image");

    make_image(&i, *state);
    (void)sum(i.manifest, was);
    char *second = strstr(i.manifest, ",{\"mediaType\"");
    assert_non_null(second);
    memcpy(second, "]}", 3);
    put_with_digest(&i, "oci/0/manifest", i.manifest, was);
    expect_problems(&i, false, 1, "manifest: it has 1 layers, the image 2");
}

static void test_image_verify__facts(void **state)
{
    struct image i;
    char wrong[DIGEST_TEXT_SIZE];

    make_image(&i, *state);
    put_document(&i, BFCI_FACTS_BLOB, "{\"schema\":1}");
    expect_problems(&i, false, 1, "image: ");

    make_image(&i, *state); /* the diffID: no recipe has that name */
    memcpy(wrong, i.layer[1], sizeof wrong);
    wrong[10] = wrong[10] == 'a' ? 'b' : 'a';
    char pattern[200], fresh[200];
    (void)snprintf(pattern, sizeof pattern, "\"diff_id\":\"%s", i.layer[1]);
    (void)snprintf(fresh, sizeof fresh, "\"diff_id\":\"%s", wrong);
    change_blob(&i, BFCI_FACTS_BLOB, pattern, fresh);
    expect_problems(&i, false, 1, "configuration: its diffID number 2");
    expect_problems(&i, true, 2, "layer sha256:");
}

static void recipe_name(const struct image *i, size_t number, char name[RECIPE_NAME_SIZE])
{
    (void)snprintf(name, RECIPE_NAME_SIZE, "recipe/%.64s/00000000", hex_of(i->layer[number]));
}

static void test_image_verify__recipes(void **state)
{
    char name[RECIPE_NAME_SIZE], other[RECIPE_NAME_SIZE];
    struct image i;
    size_t len = 0;

    make_image(&i, *state);
    recipe_name(&i, 0, name);
    recipe_name(&i, 1, other);
    AUTO_FREE char *bytes = load_blob(&i, name, &len);
    put_bytes(&i, other, bytes, len); /* the layer below, by another name */
    expect_fine(&i, false);
    expect_problems(&i, true, 1, i.layer[1]);

    char *in_header = memchr(bytes, 'a', len); /* of the tar's name */
    assert_non_null(in_header);
    *in_header = 'x';
    put_bytes(&i, name, bytes, len);
    expect_problems(&i, true, 2, i.layer[0]);
    assert_non_null(strstr(i.problems, "has the digest sha256:"));

    bytes[0] = 99;
    put_bytes(&i, name, bytes, len);
    expect_problems(&i, true, 2, i.layer[0]);
    put_bytes(&i, name, NULL, 0);
    put_bytes(&i, other, NULL, 0);
    expect_fine(&i, false);
    expect_problems(&i, true, 2, "part 0 of the 1 of its recipe is missing");
}

static void test_image_verify__can_be_stopped(void **state)
{
    const int cancel = 1;
    const bfc_hooks hooks = {.cancel = &cancel};
    bfci_image_check run = {.deep = true, .hooks = &hooks};
    struct image i;

    make_image(&i, *state);
    assert_int_equal(bfci_image_check_run(i.c->file, &run, NULL), BFC_E_CANCELLED);
    assert_int_equal(bfci_image_check_run("/no/such/file", &run, NULL), BFC_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_image_verify__fine),
        CARE_TEST(test_image_verify__no_image),
        CARE_TEST(test_image_verify__documents),
        CARE_TEST(test_image_verify__documents_of_another_image),
        CARE_TEST(test_image_verify__facts),
        CARE_TEST(test_image_verify__recipes),
        CARE_TEST(test_image_verify__can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
