/* SPDX-License-Identifier: Apache-2.0 */
/* Signing and believing: what a signature keeps as it was, what counts for whom, what is said where
 * nothing counts; trust files; damage. */
#include "care_fixture.h"

#include "container/merge.h"
#include "container/reader.h"
#include "container/trust.h"
#include "format/key_text.h"

/* A signing key in a file below the scratch folder; each number is another key. */
static const char *key_file(struct care *c, uint8_t number)
{
    static char path[600];
    char text[BFC_KEY_TEXT_MAX], name[16];
    uint8_t seed[BFCI_KEY_SIZE];

    memset(seed, number, sizeof seed);
    bfci_key_text_encode(KEY_FORM_SIGNING_KEY, seed, text);
    (void)snprintf(name, sizeof name, "%u.key", number);
    (void)snprintf(path, sizeof path, "%s/%s", c->root, name);
    care_put_text(c->root, name, text);
    assert_int_equal(chmod(path, 0600), 0);
    return path;
}

static const char *signer_of(uint8_t number)
{
    static char texts[4][BFC_KEY_TEXT_MAX]; /* several live at a time */
    static unsigned turn;
    char *text = texts[turn++ % ARRAY_LEN(texts)];
    uint8_t seed[BFCI_KEY_SIZE], signer[BFCI_KEY_SIZE];

    memset(seed, number, sizeof seed);
    assert_int_equal(bfci_sign_public(signer, seed, NULL), 0);
    bfc_signer_text(signer, text);
    return text;
}

static bfc_trust *trust_in(uint8_t number)
{
    bfc_trust *t = NULL;
    assert_int_equal(bfc_trust_new(&t, NULL), 0);
    if (number)
        assert_int_equal(bfc_trust_add_signer(t, "alice", signer_of(number), NULL), 0);
    return t;
}

/* What opening it gives to somebody who believes that key. */
static int open_trusting(struct care *c, const char *path, const char *at, const bfc_trust *t)
{
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    bfc_reader *r = NULL;

    c->err = (bfc_err)BFC_ERR_INIT;
    o.at = at;
    o.trust = t;
    int rc = bfc_reader_open(path, &o, &r, &c->err);
    assert_true(rc < 0 || r->source.check_digests);
    bfc_reader_close(r);
    return rc;
}

static int open_by(struct care *c, const char *path, const char *at, uint8_t number)
{
    AUTO(bfc_trust) bfc_trust *t = trust_in(number);
    return open_trusting(c, path, at, t);
}

static void expect_denied(struct care *c, int rc, const char *words)
{
    assert_int_equal(rc, BFC_E_DENIED);
    if (!strstr(c->err.msg, words))
        fail_msg("no '%s' in: %s", words, c->err.msg);
}

static bfc_commit_info last_commit(struct care *c, const char *path)
{
    bfc_reader *r = NULL;
    bfc_container_info info;

    care_ok(c, bfc_reader_open(path, NULL, &r, &c->err));
    care_ok(c, bfc_reader_info(r, &info, &c->err));
    bfc_reader_close(r);
    return info.commit;
}

static void sign(struct care *c, const char *path, uint8_t number, const char *at,
                 bfc_sign_report *report)
{
    bfc_sign_options o = BFC_SIGN_OPTIONS_INIT;
    o.at = at;
    o.time = 1700000000;
    care_ok(c, bfc_sign(path, key_file(c, number), &o, report, &c->err));
}

static void make(struct care *c, const char *path, const char *text)
{
    care_put_text(c->src, "a", text);
    care_commit(c, path, false);
}

/* ── Signing ── */

static void test_sign__keeps_the_root_digest(void **state)
{
    struct care *c = *state;
    bfc_sign_report report;

    make(c, c->file, "one");
    const bfc_commit_info before = last_commit(c, c->file);
    sign(c, c->file, 1, NULL, &report);
    assert_false(report.was_there);
    assert_int_equal(report.signature.time, 1700000000);
    const bfc_commit_info after = last_commit(c, c->file);
    assert_int_equal(after.seq, 2);
    assert_memory_equal(after.root_digest, before.root_digest, BFC_DIGEST_SIZE);
    assert_memory_equal(report.signature.root_digest, before.root_digest, BFC_DIGEST_SIZE);
    assert_int_equal(after.segment_bytes, 8192); /* a page and the record */
    care_expect_clean(c, c->file);

    assert_int_equal(open_by(c, c->file, NULL, 1), 0);
    assert_int_equal(open_by(c, c->file, "1", 1), 0); /* the same digest; signed later */
    expect_denied(c, open_by(c, c->file, NULL, 2), signer_of(1));

    sign(c, c->file, 1, NULL, &report);
    assert_true(report.was_there);
    assert_int_equal(last_commit(c, c->file).seq, 2);
}

static void test_sign__several_signers(void **state)
{
    struct care *c = *state;
    bfc_reader *r = NULL;
    bfc_signature *all = NULL;
    size_t count = 0;

    make(c, c->file, "one");
    for (uint8_t i = 1; i <= 3; i++)
        sign(c, c->file, i, NULL, NULL);
    care_expect_clean(c, c->file);
    for (uint8_t i = 1; i <= 3; i++)
        assert_int_equal(open_by(c, c->file, NULL, i), 0);
    expect_denied(c, open_by(c, c->file, NULL, 4), "and 2 more");
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_signatures(r, &all, &count, &c->err));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        bool valid = false;
        care_ok(c, bfc_signature_check(&all[i], &valid, &c->err));
        assert_true(valid);
    }
    free(all);
    bfc_reader_close(r);
}

static void test_sign__what_comes_later_is_not_covered(void **state)
{
    struct care *c = *state;

    make(c, c->file, "one");
    sign(c, c->file, 1, NULL, NULL);
    care_put_text(c->src, "a", "two");
    care_commit(c, c->file, true);
    expect_denied(c, open_by(c, c->file, NULL, 1), "(1) are over other root digests");
    assert_int_equal(open_by(c, c->file, "2", 1), 0);
    assert_int_equal(open_by(c, c->file, "1", 1), 0);
    /* The new one, then the old one by somebody else. */
    sign(c, c->file, 2, NULL, NULL);
    sign(c, c->file, 3, "1", NULL);
    assert_int_equal(open_by(c, c->file, NULL, 2), 0);
    assert_int_equal(open_by(c, c->file, "1", 3), 0);
    expect_denied(c, open_by(c, c->file, NULL, 3), signer_of(2));
    expect_denied(c, open_by(c, c->file, "1", 2), "and 1 more");
    care_expect_clean(c, c->file);
}

static void test_sign__damage_is_not_signed(void **state)
{
    struct care *c = *state;
    bfc_sign_options o = BFC_SIGN_OPTIONS_INIT;

    make(c, c->file, "a content that is flipped");
    care_flip(c->file, 4096 + 32 + 3);
    const uint64_t size = care_size(c->file);
    assert_int_equal(bfc_sign(c->file, key_file(c, 1), NULL, NULL, &c->err), BFC_E_CORRUPT);
    assert_non_null(strstr(c->err.msg, "not signed"));
    assert_int_equal(care_size(c->file), size);
    o.quick = true; /* does not look there */
    care_ok(c, bfc_sign(c->file, key_file(c, 1), &o, NULL, &c->err));
    assert_int_equal(open_by(c, c->file, NULL, 1), 0);
}

static void test_sign__refuses_other_keys(void **state)
{
    struct care *c = *state;
    char text[BFC_KEY_TEXT_MAX], path[600];
    static const uint8_t key[BFCI_KEY_SIZE] = {9};

    make(c, c->file, "one");
    bfci_key_text_encode(KEY_FORM_IDENTITY, key, text);
    care_put_text(c->root, "identity", text);
    (void)snprintf(path, sizeof path, "%s/identity", c->root);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(bfc_sign(c->file, path, NULL, NULL, &c->err), BFC_E_INVALID);
    assert_int_equal(last_commit(c, c->file).seq, 1);
}

static void test_sign__beside(void **state)
{
    struct care *c = *state;
    AUTO(bfc_trust) bfc_trust *t = trust_in(1);
    bfc_sign_report report;
    char text[BFC_SIGNATURE_TEXT_MAX], path[600];

    make(c, c->file, "one");
    assert_int_equal(chmod(c->file, 0444), 0);
    const uint64_t size = care_size(c->file);
    care_ok(c, bfc_sign_detached(c->file, key_file(c, 1), NULL, &report, &c->err));
    assert_int_equal(care_size(c->file), size);
    expect_denied(c, open_trusting(c, c->file, NULL, t), "it is not signed");
    bfc_signature_text(&report.signature, text);
    care_put_text(c->root, "sig", text);
    (void)snprintf(path, sizeof path, "%s/sig", c->root);
    care_ok(c, bfc_trust_add_signatures(t, path, &c->err));
    assert_int_equal(open_trusting(c, c->file, NULL, t), 0);
    /* It is of no use for another container, nor for who believes somebody else. */
    make(c, c->other, "other");
    expect_denied(c, open_trusting(c, c->other, NULL, t), "over other root digests");
    AUTO(bfc_trust) bfc_trust *other = trust_in(2);
    care_ok(c, bfc_trust_add_signatures(other, path, &c->err));
    expect_denied(c, open_trusting(c, c->file, NULL, other), signer_of(1));
}

/* ── Made-up entries ── */

/* Appends a commit whose table of signatures has this entry too. */
static void plant(struct care *c, const char *path, bfci_span key, bfci_span value)
{
    bfci_source base = BFCI_SOURCE_INIT;
    AUTO(bfci_tables) bfci_tables *old = NULL;
    AUTO(bfci_sorter) bfci_sorter *changes = NULL;
    AUTO(bfci_page_sink) bfci_page_sink *sink = NULL;
    bfci_segment segment;
    uint8_t record[COMMIT_SIZE];
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    care_ok(c, bfci_source_open_fd(fd, &base, &c->err));
    care_ok(c, bfci_tables_new(&base, &old, &c->err));
    bfci_segment_init(&segment, fd, &base.super, base.end);
    care_ok(c, bfci_page_sink_new(&segment, NULL, 3, &sink, &c->err));
    care_ok(c, bfci_sorter_new(path, false, 65536, &changes, &c->err));
    care_ok(c, bfci_sorter_put(changes, key, value, &c->err));
    bfci_commit next = base.commit;
    care_ok(c, bfci_table_merge(old, &base.commit.table[TABLE_SIGNATURES], changes, sink,
                                TABLE_SIGNATURES, &next.table[TABLE_SIGNATURES], &c->err));
    next.seq++;
    next.previous = base.commit.offset;
    care_ok(c, bfci_pread_exact(fd, record, sizeof record, next.previous, &c->err));
    care_ok(c, bfci_sha256(record, sizeof record, next.previous_digest, &c->err));
    care_ok(c, bfci_segment_commit(&segment, &next, false, &c->err));
    bfci_source_release(&base);
}

static void plant_signature(struct care *c, const char *path, const bfc_signature *s)
{
    uint8_t key[SIGNATURE_KEY_SIZE];
    AUTO_BUF buf b = BUF_INIT;

    bfci_signature_value_encode(&b, s);
    plant(c, path, bfci_signature_key(key, s->root_digest, s->signer), (bfci_span){b.data, b.len});
}

static void test_sign__one_that_was_taken_from_elsewhere(void **state)
{
    struct care *c = *state;
    bfc_sign_report report;

    make(c, c->other, "good");
    sign(c, c->other, 1, NULL, &report);
    make(c, c->file, "evil");
    plant_signature(c, c->file, &report.signature); /* as it is */
    care_expect_clean(c, c->file);
    expect_denied(c, open_by(c, c->file, NULL, 1), "over other root digests");
    memcpy(report.signature.root_digest, last_commit(c, c->file).root_digest, BFC_DIGEST_SIZE);
    plant_signature(c, c->file, &report.signature); /* as if it were of this one */
    expect_denied(c, open_by(c, c->file, NULL, 1), "in the name of 'alice' is not valid");
    expect_denied(c, open_by(c, c->file, NULL, 2), "it has no valid signature");
    bfc_verify_report checked = {0};
    care_ok(c, care_verify(c, c->file, true, 1, &checked)); /* of no concern to the content */
    assert_true(checked.signatures == 2 && checked.bad_signatures == 1);
    /* Who signs in earnest takes its place. */
    sign(c, c->file, 1, NULL, &report);
    assert_false(report.was_there);
    assert_int_equal(open_by(c, c->file, NULL, 1), 0);
    care_expect_clean(c, c->file);
}

static void test_sign__another_time(void **state)
{
    struct care *c = *state;
    bfc_sign_report report;

    make(c, c->file, "one");
    sign(c, c->file, 1, NULL, &report);
    report.signature.time--;
    plant_signature(c, c->file, &report.signature);
    expect_denied(c, open_by(c, c->file, NULL, 1), "is not valid");
}

static void test_sign__malformed_entries(void **state)
{
    struct care *c = *state;
    static const uint8_t zeros[100];
    uint8_t key[SIGNATURE_KEY_SIZE], value[SIGNATURE_VALUE_SIZE] = {SIGNATURE_FORM_ED25519};
    bfc_reader *r = NULL;
    bfc_signature *all = NULL;
    size_t count = 7;
    const uint8_t later[] = {2, 1, 2, 3};
    uint8_t signer[BFC_SIGNER_SIZE], seed[BFCI_KEY_SIZE];

    memset(seed, 1, sizeof seed);
    assert_int_equal(bfci_sign_public(signer, seed, NULL), 0);
    make(c, c->file, "one");
    const bfc_commit_info info = last_commit(c, c->file);
    const bfci_span right = bfci_signature_key(key, info.root_digest, signer);
    plant(c, c->file, right, (bfci_span){later, sizeof later}); /* says nothing to us */
    care_expect_clean(c, c->file);
    expect_denied(c, open_by(c, c->file, NULL, 1), "over other root digests");
    care_ok(c, bfc_reader_open(c->file, NULL, &r, &c->err));
    care_ok(c, bfc_reader_signatures(r, &all, &count, &c->err));
    assert_int_equal(count, 0);
    free(all);
    bfc_reader_close(r);

    plant(c, c->file, right, (bfci_span){value, sizeof value - 1});
    assert_int_equal(open_by(c, c->file, NULL, 1), BFC_E_CORRUPT);
    assert_int_equal(open_by(c, c->file, NULL, 0), BFC_E_INVALID); /* nobody is believed */
    assert_int_equal(care_verify(c, c->file, false, 1, NULL), BFC_E_CORRUPT);
    care_expect_problem(c, "a signature of 72 bytes, not of 73");
    make(c, c->other, "one");
    plant(c, c->other, (bfci_span){zeros, 5}, (bfci_span){value, sizeof value});
    assert_int_equal(care_verify(c, c->other, false, 1, NULL), BFC_E_CORRUPT);
    care_ok(c, bfc_reader_open(c->other, NULL, &r, &c->err));
    assert_int_equal(bfc_reader_signatures(r, &all, &count, &c->err), BFC_E_CORRUPT);
    bfc_reader_close(r);
}

/* A page that was exchanged for another with a right checksum: only the digest tells, and it is
 * looked at. */
static void test_sign__every_digest_is_checked(void **state)
{
    struct care *c = *state;
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    AUTO(bfc_trust) bfc_trust *t = trust_in(1);
    bfc_verify_options v = BFC_VERIFY_OPTIONS_INIT;
    bfc_verify_report report = {0};
    bfc_reader *r = NULL;

    make(c, c->file, "one");
    sign(c, c->file, 1, NULL, NULL);
    o.trust = v.trust = t;
    care_ok(c, bfc_reader_open(c->file, &o, &r, &c->err));
    assert_true(r->source.check_digests);
    bfc_reader_close(r);
    care_ok(c, bfc_verify(c->file, &v, &report, &c->err));
    assert_true(report.is_signed && report.signed_time == 1700000000);
    assert_int_equal(report.signatures, 1);
    bfc_trust_free(bfci_steal(&t));
    t = trust_in(2);
    v.trust = t;
    assert_int_equal(bfc_verify(c->file, &v, &report, &c->err), BFC_E_DENIED);
}

/* ── Whom to believe ── */

/* "@1" and "@2" stand for signers, "@0" for one that was cut. */
static void expand(const char *pattern, char *out, size_t size)
{
    size_t len = 0;

    for (; *pattern; pattern++) {
        if (*pattern != '@') {
            out[len++] = *pattern;
            continue;
        }
        const uint8_t number = (uint8_t)(*++pattern - '0');
        const char *signer = signer_of(number ? number : 1);
        size_t n = number ? strlen(signer) : 20;
        assert_true(len + n + 1 < size);
        memcpy(out + len, signer, n);
        len += n;
    }
    out[len] = '\0';
}

static int parse(struct care *c, const char *pattern, bfc_trust **out)
{
    char text[2000];

    expand(pattern, text, sizeof text);
    *out = trust_in(0);
    c->err = (bfc_err)BFC_ERR_INIT;
    return bfci_trust_parse(*out, text, strlen(text), &c->err);
}

static void expect_parsed(struct care *c, const char *pattern, size_t count)
{
    AUTO(bfc_trust) bfc_trust *t = NULL;

    care_ok(c, parse(c, pattern, &t));
    assert_int_equal(t->signer_count, count);
}

static void expect_refused(struct care *c, const char *pattern, const char *words)
{
    AUTO(bfc_trust) bfc_trust *t = NULL;

    assert_int_equal(parse(c, pattern, &t), BFC_E_INVALID);
    assert_int_equal(t->signer_count, 0);
    if (!strstr(c->err.msg, words))
        fail_msg("no '%s' in: %s", words, c->err.msg);
}

static void test_trust__files(void **state)
{
    struct care *c = *state;

    expect_parsed(c, "alice @1\nbob @2\n", 2);
    expect_parsed(c, "# people\n\n  alice \t @1  \n \n\tbob\t@2", 2);
    expect_parsed(c, "alice @1\nalice @2\n", 2);
    expect_parsed(c, "#alice @1\nbob @2\n", 1);
    expect_refused(c, "", "it names nobody");
    expect_refused(c, "# @1\n", "it names nobody");
    expect_refused(c, "@1\n", "line 1: a name and a signer are needed");
    expect_refused(c, "alice @1\n\nbob @0\n", "line 3: not a whole key");
    expect_refused(c, "alice @1 # the one\n", "line 1: not a whole key");
    expect_refused(c, "alice @1\r\n", "line 1: not a whole key");
    expect_refused(c, "\x1b[31m @1\n", "line 1: '\\x1b[31m' is no name");
    expect_refused(c, "alice bfc-signing-key:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9Oed1G\n",
                   "that is a signing key");
    expect_refused(c, "alice @1\n# and\nbob @1\n", "line 3: the signer of line 1 again, 'alice'");
}

static void test_trust__names(void **state)
{
    struct care *c = *state;
    AUTO(bfc_trust) bfc_trust *t = trust_in(0);
    uint8_t signer[BFC_SIGNER_SIZE];
    const char *name = "?";
    char path[600];

    assert_int_equal(
        bfci_key_text_decode_as(signer_of(1), strlen(signer_of(1)), KEY_FORM_SIGNER, signer, NULL),
        0);
    assert_false(bfc_trust_has(t, signer, &name));
    assert_null(name);
    care_put_text(c->root, "pub", signer_of(1));
    (void)snprintf(path, sizeof path, "%s/pub", c->root);
    care_ok(c, bfc_trust_add_signer_file(t, path, &c->err));
    assert_true(bfc_trust_has(t, signer, &name));
    assert_string_equal(name, "");
    care_ok(c, bfc_trust_add_signer(t, "alice", signer_of(1), &c->err)); /* now it has one */
    care_ok(c, bfc_trust_add_signer(t, "bob", signer_of(1), &c->err));   /* and keeps it */
    assert_true(bfc_trust_has(t, signer, &name) && t->signer_count == 1);
    assert_string_equal(name, "alice");
    assert_int_equal(bfc_trust_add_signer(t, "a b", signer_of(2), &c->err), BFC_E_INVALID);
    assert_int_equal(bfc_trust_add_signer_file(t, key_file(c, 1), &c->err), BFC_E_INVALID);
    assert_int_equal(bfc_trust_add_file(t, path, &c->err), BFC_E_INVALID); /* no name */
}

static void test_trust__must_not_be_everybodys(void **state)
{
    struct care *c = *state;
    AUTO(bfc_trust) bfc_trust *t = trust_in(0);
    char text[200], path[600];

    (void)snprintf(text, sizeof text, "alice %s\n", signer_of(1));
    care_put_text(c->root, "trust", text);
    (void)snprintf(path, sizeof path, "%s/trust", c->root);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(bfc_trust_add_file(t, path, &c->err), BFC_E_DENIED);
    assert_int_equal(t->signer_count, 0);
    assert_int_equal(chmod(path, 0664), 0);
    assert_int_equal(setenv("BFC_TRUST_FILE", path, 1), 0);
    care_ok(c, bfc_trust_add_default(t, &c->err));
    assert_int_equal(t->signer_count, 1);
    assert_int_equal(unsetenv("BFC_TRUST_FILE"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_sign__keeps_the_root_digest),
        CARE_TEST(test_sign__several_signers),
        CARE_TEST(test_sign__what_comes_later_is_not_covered),
        CARE_TEST(test_sign__damage_is_not_signed),
        CARE_TEST(test_sign__refuses_other_keys),
        CARE_TEST(test_sign__beside),
        CARE_TEST(test_sign__one_that_was_taken_from_elsewhere),
        CARE_TEST(test_sign__another_time),
        CARE_TEST(test_sign__malformed_entries),
        CARE_TEST(test_sign__every_digest_is_checked),
        CARE_TEST(test_trust__files),
        CARE_TEST(test_trust__names),
        CARE_TEST(test_trust__must_not_be_everybodys),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
