/* SPDX-License-Identifier: Apache-2.0 */
/* The signatures in a container, and whether one of them is believed. Signers who are believed are
 * looked up one by one, so that no number of entries by others costs anything; only what is told
 * when there is none looks at those, and at a few alone. */
#include <inttypes.h>

#include "container/reader.h"
#include "container/trust.h"

enum {
    TOLD_MAX = 64 /* entries that are looked at for a message */
};

/* ── One signature ── */

/* *found is false also for one of a form that came later. */
static int find_entry(bfci_cursor *c, const uint8_t root_digest[BFC_DIGEST_SIZE],
                      const uint8_t signer[BFC_SIGNER_SIZE], bool *found, bfc_signature *out,
                      bfc_err *err)
{
    uint8_t key[SIGNATURE_KEY_SIZE];

    BFC_TRY(bfci_cursor_find(c, bfci_signature_key(key, root_digest, signer), found, err));
    return *found ? bfci_signature_decode(c->key, c->value, out, found, err) : 0;
}

int bfci_signature_find(const bfci_source *newest, const uint8_t root_digest[BFC_DIGEST_SIZE],
                        const uint8_t signer[BFC_SIGNER_SIZE], bool *found, bfc_signature *out,
                        bfc_err *err)
{
    AUTO(bfci_tables) bfci_tables *tables = NULL;

    BFC_TRY(bfci_tables_new(newest, &tables, err));
    bfci_cursor c AUTO_CURSOR;
    bfci_cursor_init(&c, tables, TABLE_SIGNATURES);
    return find_entry(&c, root_digest, signer, found, out, err);
}

/* ── One that is believed ── */

typedef struct search {
    const bfc_trust *trust;
    const bfci_source *newest;
    const uint8_t *root_digest;
    bfci_cursor cursor; /* in the table of signatures */
    bfc_signature by;
    bool found;
    const bfci_signer *in_the_name_of; /* of a signature that is not valid */
} search;

static bool is_over(const search *s, const bfc_signature *one)
{
    return memcmp(one->root_digest, s->root_digest, BFC_DIGEST_SIZE) == 0;
}

static int consider(search *s, const bfci_signer *signer, const bfc_signature *one, bfc_err *err)
{
    BFC_TRY(bfc_signature_check(one, &s->found, err));
    if (s->found)
        s->by = *one;
    else
        s->in_the_name_of = signer;
    return 0;
}

static int look_in_container(search *s, bfc_err *err)
{
    for (size_t i = 0; i < s->trust->signer_count && !s->found; i++) {
        const bfci_signer *signer = &s->trust->signer[i];
        bool there = false;
        bfc_signature one;
        BFC_TRY(find_entry(&s->cursor, s->root_digest, signer->key, &there, &one, err));
        if (there)
            BFC_TRY(consider(s, signer, &one, err));
    }
    return 0;
}

static int look_beside(search *s, bfc_err *err)
{
    for (size_t i = 0; i < s->trust->beside_count && !s->found; i++) {
        const bfc_signature *one = &s->trust->beside[i];
        if (!is_over(s, one))
            continue;
        for (size_t j = 0; j < s->trust->signer_count && !s->found; j++)
            if (memcmp(s->trust->signer[j].key, one->signer, BFC_SIGNER_SIZE) == 0)
                BFC_TRY(consider(s, &s->trust->signer[j], one, err));
    }
    return 0;
}

/* ── What there is instead ── */

typedef struct strangers {
    size_t count, invalid;
    bfc_signature first;
} strangers;

static int count_stranger(strangers *others, const bfc_signature *one, bfc_err *err)
{
    bool valid = false;

    BFC_TRY(bfc_signature_check(one, &valid, err));
    if (!valid)
        others->invalid++;
    else if (others->count++ == 0)
        others->first = *one;
    return 0;
}

/* Valid signatures over the root digest by those who are not believed: all others have been looked
 * at. */
static int find_strangers(search *s, strangers *others, bfc_err *err)
{
    BFC_TRY(bfci_cursor_seek(&s->cursor, (bfci_span){s->root_digest, BFC_DIGEST_SIZE}, err));
    for (size_t i = 0; i < TOLD_MAX && !s->cursor.at_end; i++) {
        bfc_signature one;
        bool known = false;
        if (s->cursor.key.len < BFC_DIGEST_SIZE ||
            memcmp(s->cursor.key.p, s->root_digest, BFC_DIGEST_SIZE) != 0)
            break;
        BFC_TRY(bfci_signature_decode(s->cursor.key, s->cursor.value, &one, &known, err));
        if (known)
            BFC_TRY(count_stranger(others, &one, err));
        BFC_TRY(bfci_cursor_next(&s->cursor, err));
    }
    for (size_t i = 0; i < MIN(s->trust->beside_count, (size_t)TOLD_MAX); i++)
        if (is_over(s, &s->trust->beside[i]))
            BFC_TRY(count_stranger(others, &s->trust->beside[i], err));
    return 0;
}

static int deny_forged(const bfci_signer *signer, bfc_err *err)
{
    char text[BFC_KEY_TEXT_MAX];

    bfc_signer_text(signer->key, text);
    return bfci_fail(err, BFC_E_DENIED,
                     "the signature in the name of '%s' is not valid: it was changed, or taken "
                     "from something else",
                     *signer->name ? BFCI_QUOTE_STR(signer->name) : text);
}

static int deny(search *s, bfc_err *err)
{
    const uint64_t there = s->newest->commit.table[TABLE_SIGNATURES].count + s->trust->beside_count;
    strangers others = {0};
    char text[BFC_KEY_TEXT_MAX];

    if (s->in_the_name_of)
        return deny_forged(s->in_the_name_of, err);
    BFC_TRY(find_strangers(s, &others, err));
    bfc_signer_text(others.first.signer, text);
    if (others.count == 1)
        return bfci_fail(err, BFC_E_DENIED,
                         "it is signed by %s, who is not among the signers that are trusted", text);
    if (others.count > 1)
        return bfci_fail(err, BFC_E_DENIED,
                         "it is signed by %s and %zu more, none of whom is among the signers that "
                         "are trusted",
                         text, others.count - 1);
    if (others.invalid)
        return bfci_fail(err, BFC_E_DENIED, "it has no valid signature");
    if (there)
        return bfci_fail(err, BFC_E_DENIED,
                         "what is read is not signed: what signatures there are (%" PRIu64
                         ") are over other root digests, as those of earlier commits",
                         there);
    return bfci_fail(err, BFC_E_DENIED, "it is not signed");
}

int bfci_trust_check(const bfc_trust *trust, const bfci_source *newest,
                     const uint8_t root_digest[BFC_DIGEST_SIZE], bfc_signature *by, bfc_err *err)
{
    AUTO(bfci_tables) bfci_tables *tables = NULL;
    search s = {.trust = trust, .newest = newest, .root_digest = root_digest};

    if (trust->signer_count == 0)
        return bfci_fail(err, BFC_E_INVALID, "a signature is asked for, but no signer is trusted");
    BFC_TRY(bfci_tables_new(newest, &tables, err));
    bfci_cursor_init(&s.cursor, tables, TABLE_SIGNATURES);
    int rc = look_beside(&s, err);
    if (rc == 0 && !s.found)
        rc = look_in_container(&s, err);
    if (rc == 0 && !s.found)
        rc = deny(&s, err);
    bfci_cursor_release(&s.cursor);
    if (rc == 0 && by)
        *by = s.by;
    return rc;
}

/* ── For the public ── */

int bfc_reader_check_signature(bfc_reader *r, const bfc_trust *trust, bfc_signature *by,
                               bfc_err *err)
{
    return bfci_trust_check(trust, &r->newest, r->source.commit.root_digest, by, err);
}

static int list(bfc_reader *r, bfc_signature *out, size_t room, size_t *count, bfc_err *err)
{
    AUTO(bfci_tables) bfci_tables *tables = NULL;

    BFC_TRY(bfci_tables_new(&r->newest, &tables, err));
    bfci_cursor c AUTO_CURSOR;
    bfci_cursor_init(&c, tables, TABLE_SIGNATURES);
    BFC_TRY(bfci_cursor_seek(&c, (bfci_span){(const uint8_t *)"", 0}, err));
    for (*count = 0; !c.at_end;) {
        bool known = false;
        if (*count == room)
            return bfci_fail(err, BFC_E_CORRUPT, "the table of signatures holds more than it says");
        BFC_TRY(bfci_signature_decode(c.key, c.value, &out[*count], &known, err));
        *count += known;
        BFC_TRY(bfci_cursor_next(&c, err));
    }
    return 0;
}

int bfc_reader_signatures(bfc_reader *r, bfc_signature **out, size_t *count, bfc_err *err)
{
    const uint64_t said = r->newest.commit.table[TABLE_SIGNATURES].count;
    AUTO_FREE bfc_signature *all = NULL;
    size_t found = 0;

    if (said > SIGNATURES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "it has more than %d signatures", SIGNATURES_MAX);
    BFC_TRY(bfci_alloc_zero((size_t)said + 1, sizeof *all, &all, err));
    BFC_TRY(list(r, all, (size_t)said, &found, err));
    *out = bfci_steal(&all);
    *count = found;
    return 0;
}
