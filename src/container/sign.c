/* SPDX-License-Identifier: Apache-2.0 */
/* Signing. A signature says that its signer stands by every byte, so each is looked at before.
 * Adding it is an append that changes the table of signatures and nothing else: the root digest
 * does not cover that table, and stays. */
#include "base/hooks.h"
#include "codec/digest.h"
#include "container/feed.h"
#include "container/keys.h"
#include "container/reader.h"
#include "container/trust.h"
#include "sys/clock.h"

BFCI_DEFINE_AUTO(bfc_reader, bfc_reader_close)
BFCI_DEFINE_AUTO(bfc_writer, bfc_writer_close)

typedef struct signing {
    const char *path;
    bfc_sign_options options;
    bfc_sign_report report;
    bool is_sealed;
} signing;

/* ── What is signed ── */

static int open_reader(const signing *s, bfc_reader **out, bfc_err *err)
{
    bfc_reader_options how = BFC_READER_OPTIONS_INIT;

    how.at = s->options.at;
    how.hooks = s->options.hooks;
    how.keys = s->options.keys;
    return bfc_reader_open(s->path, &how, out, err);
}

/* Whether a valid signature of the signer stands there. */
static int look_for_same(signing *s, bfc_reader *r, bfc_err *err)
{
    bfc_signature *wanted = &s->report.signature, there;
    bool found = false, valid = false;

    BFC_TRY(
        bfci_signature_find(&r->newest, wanted->root_digest, wanted->signer, &found, &there, err));
    if (found)
        BFC_TRY(bfc_signature_check(&there, &valid, err));
    if (!valid)
        return 0;
    *wanted = there;
    s->report.was_there = true;
    return 0;
}

/* The very commit whose root digest is signed, also if others follow meanwhile; by SHA-256, since
 * that is what the root digest vouches for. */
static int examine(const signing *s, bfc_err *err)
{
    bfc_verify_options checks = BFC_VERIFY_OPTIONS_INIT;
    char at[2 * BFC_DIGEST_SIZE + 1];

    bfci_hex(s->report.signature.root_digest, BFC_DIGEST_SIZE, at);
    checks.at = at;
    checks.root_digest = s->report.signature.root_digest;
    checks.deep = !s->options.quick;
    checks.jobs = s->options.jobs;
    checks.hooks = s->options.hooks;
    checks.keys = s->options.keys;
    int rc = bfc_verify(s->path, &checks, NULL, err);
    return rc == BFC_E_CORRUPT ? bfci_wrap(err, rc, "not signed, as it is damaged") : rc;
}

/* ── The signature ── */

static int read_seed(const char *key_path, const bfc_hooks *hooks, uint8_t seed[BFCI_KEY_SIZE],
                     bfc_err *err)
{
    enum bfc_key_kind kind = BFC_KEY_IDENTITY;

    BFC_TRY(bfci_secret_key_read(key_path, hooks, &kind, seed, err));
    if (kind != BFC_KEY_SIGNING)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' holds an identity, which opens what is encrypted: a signing key is "
                         "needed, as `bfc key generate --signing` makes it",
                         BFCI_QUOTE_STR(key_path));
    return 0;
}

/* A bit that fell over while signing can give the key away: what came out is checked. */
static int make(bfc_signature *signature, const uint8_t seed[BFCI_KEY_SIZE], bfc_err *err)
{
    bfc_signature made = *signature;
    bool valid = false;

    BFC_TRY(bfci_signature_make(&made, seed, err));
    BFC_TRY(bfc_signature_check(&made, &valid, err));
    if (!valid)
        return bfci_fail(err, BFC_E_IO,
                         "the signature that was made is not valid: this machine "
                         "computes wrongly");
    *signature = made;
    return 0;
}

static void choose_time(signing *s)
{
    uint32_t ns = 0;

    s->report.signature.time = s->options.time;
    if (!s->options.time)
        bfci_now(&s->report.signature.time, &ns);
}

/* `look`: one that stands in the container already is as good. */
static int prepare(signing *s, const char *key_path, bool look, bfc_err *err)
{
    AUTO_SECRET uint8_t *seed = NULL;
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    bfc_signature *signature = &s->report.signature;

    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &seed, err));
    BFC_TRY(read_seed(key_path, s->options.hooks, seed, err));
    BFC_TRY(bfci_sign_public(signature->signer, seed, err));
    BFC_TRY(open_reader(s, &reader, err));
    memcpy(signature->root_digest, reader->source.commit.root_digest, BFC_DIGEST_SIZE);
    s->is_sealed = bfci_source_is_sealed(&reader->source);
    BFC_TRY(examine(s, err));
    if (look)
        BFC_TRY(look_for_same(s, reader, err));
    if (s->report.was_there)
        return 0;
    choose_time(s);
    return make(signature, seed, err);
}

/* ── Adding it ── */

static int add(void *ctx, bfci_feed *feed, bfc_err *err)
{
    const signing *s = ctx;
    const bfci_commit *base = &feed->base->commit;
    const bfc_signature *signature = &s->report.signature;

    if (!s->options.at && memcmp(base->root_digest, signature->root_digest, BFC_DIGEST_SIZE) != 0)
        return bfci_fail(err, BFC_E_BUSY,
                         "another process added to it since it was checked; try again");
    if (base->table[TABLE_SIGNATURES].count >= SIGNATURES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "it has %d signatures, and cannot have more",
                         SIGNATURES_MAX);
    return bfci_stage_signature(feed->stage, signature, err);
}

static int append(signing *s, bfc_err *err)
{
    AUTO(bfc_writer) bfc_writer *writer = NULL;
    bfc_writer_options how = BFC_WRITER_OPTIONS_INIT;

    how.jobs = 1;
    how.keys = s->is_sealed ? s->options.keys : NULL;
    how.hooks = s->options.hooks;
    BFC_TRY(bfci_writer_append_fed(s->path, &how, &writer, err));
    bfci_writer_feed(writer, add, s);
    int rc = bfc_writer_commit(writer, NULL, err);
    return rc < 0 ? bfci_wrap(err, rc, "sign '%s'", BFCI_QUOTE_STR(s->path)) : 0;
}

/* ── The functions ── */

static int begin(signing *s, const char *path, const bfc_sign_options *options, bfc_err *err)
{
    *s = (signing){.path = path, .options = BFC_SIGN_OPTIONS_INIT};
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_SIGN_OPTIONS_INIT, err));
    if (options)
        s->options = *options;
    return 0;
}

int bfc_sign(const char *path, const char *key_path, const bfc_sign_options *options,
             bfc_sign_report *report, bfc_err *err)
{
    signing s;

    BFC_TRY(begin(&s, path, options, err));
    BFC_TRY(prepare(&s, key_path, true, err));
    if (!s.report.was_there)
        BFC_TRY(append(&s, err));
    if (report)
        *report = s.report;
    return 0;
}

int bfc_sign_detached(const char *path, const char *key_path, const bfc_sign_options *options,
                      bfc_sign_report *report, bfc_err *err)
{
    signing s;

    BFC_TRY(begin(&s, path, options, err));
    BFC_TRY(prepare(&s, key_path, false, err));
    *report = s.report;
    return 0;
}
