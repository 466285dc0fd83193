/* SPDX-License-Identifier: Apache-2.0 */
/* Going through a table whatever is damaged: a page that cannot be read is reported with the range
 * of keys that is lost with it, and the scan goes on with the page after it. The pages from the
 * root down are held, at most eight; keys that must rise along the whole table keep a scan from
 * ever meeting a page twice. */
#include <inttypes.h>
#include <stdio.h>

#include "codec/digest.h"
#include "container/verify.h"
#include "format/signature.h"
#include "sys/file.h"

typedef struct key_text {
    char text[440];
} key_text;

const char *bfci_table_name(unsigned table)
{
    static const char *const name[TABLE_COUNT] = {"?",        "trees",  "inodes",    "dirents",
                                                  "links",    "xattrs", "extents",   "blocks",
                                                  "contents", "blobs",  "signatures"};
    return table < TABLE_COUNT ? name[table] : "?";
}

static void tell_signature(char *text, size_t size, const uint8_t *key)
{
    char signer[BFC_KEY_TEXT_MAX], digest[2 * BFC_DIGEST_SIZE + 1];

    bfc_signer_text(key + SIGNATURE_KEY_AT_SIGNER, signer);
    bfci_hex(key + SIGNATURE_KEY_AT_ROOT_DIGEST, BFC_DIGEST_SIZE, digest);
    (void)snprintf(text, size, "of %s over %s", signer, digest);
}

/* A key in words. Its length may be wrong. */
static key_text tell_key(uint8_t table, bfci_span key)
{
    key_text t;
    bool has_number = (table == TABLE_INODES || table == TABLE_LINKS || table == TABLE_BLOCKS ||
                       table == TABLE_EXTENTS || table == TABLE_DIRENTS) &&
                      key.len >= 8;

    if (table == TABLE_DIRENTS && has_number)
        (void)snprintf(t.text, sizeof t.text, "'%s' in folder %" PRIu64,
                       BFCI_QUOTE((const char *)key.p + 8, key.len - 8), get_u64be(key.p));
    else if (has_number)
        (void)snprintf(t.text, sizeof t.text, "%" PRIu64, get_u64be(key.p));
    else if (table == TABLE_TREES && key.len == 4)
        (void)snprintf(t.text, sizeof t.text, "%" PRIu32, get_u32be(key.p));
    else if (table == TABLE_SIGNATURES && key.len == SIGNATURE_KEY_SIZE)
        tell_signature(t.text, sizeof t.text, key.p);
    else
        (void)snprintf(t.text, sizeof t.text, "'%s'", BFCI_QUOTE((const char *)key.p, key.len));
    return t;
}

static bool key_len_is_right(uint8_t table, size_t len)
{
    switch (table) {
    case TABLE_TREES:
        return len == 4;
    case TABLE_INODES:
    case TABLE_LINKS:
    case TABLE_BLOCKS:
        return len == 8;
    case TABLE_CONTENTS:
        return len == CONTENT_KEY_LEN;
    case TABLE_EXTENTS:
        return len == 16;
    case TABLE_XATTRS:
        return len == BFC_DIGEST_SIZE;
    case TABLE_BLOBS:
        return len >= 1 && len <= BLOB_NAME_MAX;
    case TABLE_SIGNATURES:
        return len == SIGNATURE_KEY_SIZE;
    default:
        return true; /* names are for the pass over the dirents */
    }
}

void bfci_table_scan_init(bfci_table_scan *s, bfci_verify *v, enum bfci_table table, bool first)
{
    memset(s, 0, sizeof *s);
    s->v = v;
    s->table = (uint8_t)table;
    s->first = first;
    v->scanned[table] = v->scanned[table] || first;
}

static void pop(bfci_table_scan *s)
{
    bfci_page_release(&s->level[--s->depth].page);
}

void bfci_table_scan_release(bfci_table_scan *s)
{
    while (s->depth > 0)
        pop(s);
}

/* ── Pages ── */

static int check_header(bfci_table_scan *s, const bfci_ref *ref, uint8_t level, bfc_err *err)
{
    uint8_t raw[FRAME_HEADER_SIZE];
    uint64_t at = ref->offset - FRAME_HEADER_SIZE;
    bool sealed = bfci_source_is_sealed(&s->v->source);
    bfci_frame f, want = bfci_frame_of(FRAME_PAGE, 0, ref, sealed);

    BFC_TRY(bfci_pread_exact(s->v->source.fd, raw, sizeof raw, at, err));
    BFC_TRY(bfci_frame_decode(raw, at, sealed, &f, err));
    if (!bfci_frame_same(&f, &want) || f.number >> 56 != s->table ||
        (f.number >> 48 & 0xff) != level)
        return bfci_fail_at(err, BFC_E_CORRUPT, at,
                            "frame header differs from the reference to the page");
    return 0;
}

static int check_place(const bfci_page *p, uint64_t offset, uint8_t table, uint8_t level,
                       bfci_span first_key, bfci_span bound, bfc_err *err)
{
    if (p->table != table || p->level != level)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "page of another table or level");
    if ((first_key.len && bfci_span_compare(bfci_page_key(p, 0), first_key) != 0) ||
        (bound.len && bfci_span_compare(bfci_page_key(p, p->count - 1), bound) >= 0))
        return bfci_fail_at(err, BFC_E_CORRUPT, offset,
                            "page does not hold the keys that its parent says");
    return 0;
}

static int load(bfci_table_scan *s, const bfci_ref *ref, uint8_t level, bfci_span first_key,
                bfci_span bound, bfci_page *out, bfc_err *err)
{
    bfci_verify *v = s->v;
    AUTO_FREE uint8_t *raw = NULL;
    bfci_page p;

    BFC_TRY(bfci_source_check_ref(&v->source, ref, UINT32_C(1) << v->source.super.page_shift, err));
    if (s->first && v->options.deep)
        BFC_TRY(check_header(s, ref, level, err));
    BFC_TRY(bfci_alloc(ref->raw, 1, &raw, err));
    BFC_TRY(
        bfci_source_read(&v->source, bfci_page_id(s->table, level), ref, v->unpacker, raw, err));
    BFC_TRY(bfci_page_decode(raw, ref->raw, ref->offset, &p, err));
    (void)bfci_steal(&raw);
    int rc = check_place(&p, ref->offset, s->table, level, first_key, bound, err);
    if (rc < 0)
        bfci_page_release(&p);
    else
        *out = p;
    return rc;
}

static int report_lost(bfci_table_scan *s, const bfci_ref *ref, bfci_span first_key,
                       bfci_span bound, const bfc_err *why, bfc_err *err)
{
    bfci_verify *v = s->v;
    const char *name = bfci_table_name(s->table);

    /* The first scan tells of it, or has, unless the page could be read then and cannot any more.
     */
    if (!s->first && (v->damaged[s->table] || !v->scanned[s->table]))
        return 0;
    v->damaged[s->table] = true;
    if (first_key.len == 0) {
        bfci_verify_problem(v, ref->offset, "%s; the whole table of %s is lost", why->msg, name);
        return 0;
    }
    uint64_t ino = s->table == TABLE_DIRENTS && first_key.len >= 8 ? get_u64be(first_key.p) : 0;
    key_text from = tell_key(s->table, first_key), to = {"the end"};
    if (bound.len)
        to = tell_key(s->table, bound);
    return bfci_verify_file_problem(v, ino, ref->offset, err,
                                    "%s; the table of %s is lost from %s up to, not with, %s",
                                    why->msg, name, from.text, to.text);
}

static int push(bfci_table_scan *s, const bfci_ref *ref, uint8_t level, bfci_span first_key,
                bfci_span bound, bfc_err *err)
{
    struct bfci_table_scan_level *l = &s->level[s->depth];
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_check_cancel(s->v->options.hooks, err));
    int rc = load(s, ref, level, first_key, bound, &l->page, &why);
    if (bfci_verify_is_problem(rc))
        return report_lost(s, ref, first_key, bound, &why, err);
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    l->next = 0;
    l->offset = ref->offset;
    l->bound = bound;
    s->depth++;
    if (!s->first)
        return 0;
    s->v->report.pages++;
    return bfci_verify_take(s->v, ref->offset - FRAME_HEADER_SIZE, ref->offset + ref->stored, err);
}

static int push_child(bfci_table_scan *s, struct bfci_table_scan_level *l, bfc_err *err)
{
    const uint32_t at = l->next++;
    const bfci_span key = bfci_page_key(&l->page, at);
    bfci_span bound = l->next < l->page.count ? bfci_page_key(&l->page, l->next) : l->bound;
    bfc_err why = BFC_ERR_INIT;
    bfci_ref ref = {.offset = l->offset};

    if (bfci_page_ref_decode(bfci_page_value(&l->page, at), &ref, &why) < 0)
        return report_lost(s, &ref, key, bound, &why, err);
    return push(s, &ref, (uint8_t)(l->page.level - 1), key, bound, err);
}

/* ── Entries ── */

static void check_count(const bfci_table_scan *s)
{
    uint64_t said = s->v->source.commit.table[s->table].count;

    if (s->first && !s->v->damaged[s->table] && s->count != said)
        bfci_verify_problem(s->v, s->v->source.commit.offset,
                            "the table of %s has %" PRIu64
                            " entries, the commit record says %" PRIu64,
                            bfci_table_name(s->table), s->count, said);
}

static int start(bfci_table_scan *s, bfc_err *err)
{
    const bfci_table_ref *t = &s->v->source.commit.table[s->table];
    const bfci_span none = {NULL, 0};

    s->started = true;
    return t->root.offset ? push(s, &t->root, t->level, none, none, err) : 0;
}

int bfci_table_scan_next(bfci_table_scan *s, bool *got, bfc_err *err)
{
    if (!s->started)
        BFC_TRY(start(s, err));
    while (s->depth > 0) {
        struct bfci_table_scan_level *l = &s->level[s->depth - 1];
        if (l->next == l->page.count) {
            pop(s);
        } else if (l->page.level > 0) {
            BFC_TRY(push_child(s, l, err));
        } else {
            s->key = bfci_page_key(&l->page, l->next);
            s->value = bfci_page_value(&l->page, l->next);
            s->offset = l->offset;
            l->next++;
            s->count++;
            if (key_len_is_right(s->table, s->key.len)) {
                *got = true;
                return 0;
            }
            const bfc_err why = {.code = BFC_E_CORRUPT, .msg = "key of a wrong length"};
            BFC_TRY(bfci_table_scan_problem(s, &why, err));
        }
    }
    check_count(s);
    *got = false;
    return 0;
}

int bfci_table_scan_problem(bfci_table_scan *s, const bfc_err *why, bfc_err *err)
{
    if (!s->first)
        return 0;
    bool of_inode = (s->table == TABLE_INODES || s->table == TABLE_EXTENTS ||
                     s->table == TABLE_LINKS || s->table == TABLE_DIRENTS) &&
                    s->key.len >= 8;
    return bfci_verify_file_problem(s->v, of_inode ? get_u64be(s->key.p) : 0, s->offset, err,
                                    "%s (table of %s, entry %s)", why->msg,
                                    bfci_table_name(s->table), tell_key(s->table, s->key).text);
}
