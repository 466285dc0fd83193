/* SPDX-License-Identifier: Apache-2.0 */
/* The reader: a machine that takes bytes in any portions, cuts them into header blocks, bodies and
 * padding, and passes every one of them on, in order. What they mean, the other parts say; this one
 * knows where in the archive it is, and what may come next. */
#include "oci/tar_parts.h"

#include <inttypes.h>

enum state {
    IN_HEADER,
    IN_META,      /* the body of an extended header or a long name */
    IN_EXTENSION, /* blocks that go on with the map of an old GNU sparse file */
    IN_MAP,       /* the map before the content of a GNU.sparse 1.0 file */
    IN_MAP_REST,  /* what fills its last block */
    IN_CONTENT,
    IN_FOREIGN, /* content of TAR_OTHER */
    IN_PADDING,
    IN_TAIL /* after two blocks of zeros */
};

struct bfci_tar {
    bfci_tar_sink sink;
    enum state state;
    int failed;       /* the code that it was given up with */
    uint64_t at;      /* bytes of the archive so far */
    uint64_t left;    /* of what the state is in */
    uint64_t padding; /* that comes after it */
    uint64_t head_at; /* where the last header began */
    bool zero_block;  /* one came, and a second one must follow */
    uint8_t block[TAR_BLOCK];
    size_t filled;
    buf *meta; /* where a body goes */
    char meta_flag;
    bfci_tar_pax global; /* one that is being read */
    bfci_tar_said said;
    bfci_tar_head head;
    bfci_tar_entry entry;
    bfci_tar_map map;
    bfci_tar_map_text map_text;
};

int bfci_tar_new(const bfci_tar_sink *sink, bfci_tar **out, bfc_err *err)
{
    bfci_tar *t = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *t, &t, err));
    t->sink = *sink;
    *out = t;
    return 0;
}

void bfci_tar_free(bfci_tar *t)
{
    if (!t)
        return;
    bfci_tar_pax_release(&t->global);
    bfci_tar_said_release(&t->said);
    bfci_tar_map_release(&t->map);
    free(t);
}

/* Says where, of what a part said. */
static int located(bfc_err *err, int rc, uint64_t at)
{
    return rc < 0 ? bfci_wrap(err, rc, "at byte %" PRIu64 " of the tar", at) : rc;
}

static void set_body(bfci_tar *t, enum state state, uint64_t size)
{
    t->state = state;
    t->left = size;
    t->padding = -size & (TAR_BLOCK - 1);
}

/* ── Entries ── */

static int begin_entry(bfci_tar *t, bfc_err *err)
{
    bfci_tar_entry *e = &t->entry;

    if (e->sparse) {
        BFC_TRY(located(err, bfci_tar_map_check(&t->map, e->size, e->data_size, err), t->head_at));
        e->range = t->map.range;
        e->range_count = t->map.count;
    }
    t->state = e->kind == TAR_OTHER ? IN_FOREIGN : IN_CONTENT;
    return t->sink.entry(t->sink.ctx, e, err);
}

/* The size of an old GNU sparse file stands beside its map. */
static int begin_old_sparse(bfci_tar *t, bfc_err *err)
{
    int64_t size;
    bool more;

    if (!bfci_tar_number(t->block + TAR_AT_GNU_REALSIZE, 12, &size) || size < 0)
        return bfci_fail(err, BFC_E_CORRUPT, "the sparse file's real size is no number");
    t->entry.size = (uint64_t)size;
    BFC_TRY(bfci_tar_map_head(&t->map, t->block, &more, err));
    if (more)
        t->state = IN_EXTENSION;
    return 0;
}

static int resolve(bfci_tar *t, bfc_err *err)
{
    enum bfci_tar_map_kind map;

    t->entry.offset = t->head_at;
    bfci_tar_map_clear(&t->map);
    BFC_TRY(bfci_tar_resolve(&t->said, &t->head, &t->entry, &map, err));
    set_body(t, IN_CONTENT, t->entry.data_size);
    if (map == MAP_OLD_GNU)
        return begin_old_sparse(t, err);
    if (map == MAP_RECORDS)
        return bfci_tar_resolve_records(&t->said.local, &t->map, err);
    if (map == MAP_IN_CONTENT) {
        t->map_text = (bfci_tar_map_text){0};
        t->state = IN_MAP;
    }
    return 0;
}

static int take_entry_header(bfci_tar *t, bfc_err *err)
{
    BFC_TRY(located(err, resolve(t, err), t->head_at));
    return t->state == IN_CONTENT ? begin_entry(t, err) : 0;
}

static int end_entry(bfci_tar *t, bfc_err *err)
{
    t->state = IN_PADDING;
    bfci_tar_said_clear(&t->said);
    return t->sink.entry_end(t->sink.ctx, err);
}

/* ── Headers that speak of the next entry, or of all ── */

static int begin_meta(bfci_tar *t, char flag, bfc_err *err)
{
    uint64_t size = t->head.size, max = flag == 'L' || flag == 'K' ? TAR_PATH_MAX + 1 : TAR_PAX_MAX;

    if (size > max)
        return bfci_fail(err, BFC_E_LIMIT,
                         "the header of type '%c' has a body of %" PRIu64
                         " bytes, more than %" PRIu64,
                         flag, size, max);
    if (flag == 'g' && t->said.pending)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "a global header between an extended header and its entry");
    if (flag == 'x')
        bfci_tar_pax_clear(&t->said.local);
    else if (flag == 'g')
        bfci_tar_pax_clear(&t->global);
    t->meta = flag == 'L'   ? &t->said.long_name
              : flag == 'K' ? &t->said.long_link
              : flag == 'g' ? &t->global.body
                            : &t->said.local.body;
    buf_clear(t->meta);
    t->meta_flag = flag;
    t->said.pending |= flag != 'g';
    set_body(t, IN_META, size);
    return 0;
}

static int end_meta(bfci_tar *t, bfc_err *err)
{
    t->state = IN_PADDING;
    if (t->meta_flag == 'x')
        return bfci_tar_pax_decode(&t->said.local, err);
    if (t->meta_flag == 'g') {
        BFC_TRY(bfci_tar_pax_decode(&t->global, err));
        return bfci_tar_pax_merge(&t->said.global, &t->global, err);
    }
    buf_u8(t->meta, '\0');
    return buf_check(t->meta, err);
}

/* The flag of a header that is no entry, 0 if it is one. Solaris had "X" before POSIX had "x". */
static char meta_flag(char typeflag)
{
    switch (typeflag) {
    case 'X':
        return 'x';
    case 'x':
    case 'g':
    case 'L':
    case 'K':
        return typeflag;
    default:
        return 0;
    }
}

/* ── Blocks ── */

/* One block of zeros and then a header: GNU tar and bsdtar stop there, others go on; Go's
 * archive/tar refuses it, so that no engine unpacks such a layer. */
static int take_zero_block(bfci_tar *t, bfc_err *err)
{
    if (t->said.pending)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the archive ends after an extended header, without its entry");
    if (t->zero_block)
        t->state = IN_TAIL;
    t->zero_block = true;
    return 0;
}

static int take_header(bfci_tar *t, bfc_err *err)
{
    BFC_TRY(t->sink.header(t->sink.ctx, t->block, err));
    if (bfci_tar_all_zero(t->block))
        return located(err, take_zero_block(t, err), t->head_at);
    if (t->zero_block)
        return located(err,
                       bfci_fail(err, BFC_E_CORRUPT,
                                 "a header after a single block of zeros, expected another such "
                                 "block or the end"),
                       t->head_at);
    BFC_TRY(located(err, bfci_tar_head_decode(t->block, &t->head, err), t->head_at));
    char flag = meta_flag(t->head.typeflag);
    return flag ? located(err, begin_meta(t, flag, err), t->head_at) : take_entry_header(t, err);
}

static int take_extension(bfci_tar *t, bfc_err *err)
{
    bool more;
    uint64_t at = t->at - TAR_BLOCK;

    BFC_TRY(t->sink.other(t->sink.ctx, t->block, TAR_BLOCK, err));
    BFC_TRY(located(err, bfci_tar_map_extension(&t->map, t->block, &more, err), at));
    return more ? 0 : begin_entry(t, err);
}

static int feed_block(bfci_tar *t, const uint8_t *bytes, size_t len, size_t *took, bfc_err *err)
{
    *took = MIN(len, TAR_BLOCK - t->filled);
    if (t->filled == 0 && t->state == IN_HEADER)
        t->head_at = t->at;
    memcpy(t->block + t->filled, bytes, *took);
    t->filled += *took;
    t->at += *took;
    if (t->filled < TAR_BLOCK)
        return 0;
    t->filled = 0;
    return t->state == IN_HEADER ? take_header(t, err) : take_extension(t, err);
}

/* ── What is not blocks ── */

static int feed_map(bfci_tar *t, const uint8_t *bytes, size_t len, size_t *took, bfc_err *err)
{
    bool done;
    int rc = bfci_tar_map_text_feed(&t->map_text, &t->map, bytes, len, took, &done, err);

    BFC_TRY(located(err, rc, t->at));
    BFC_TRY(t->sink.other(t->sink.ctx, bytes, *took, err));
    t->at += *took;
    t->left -= *took;
    if (!done)
        return 0;
    uint64_t map_size = t->entry.data_size - t->left, rest = -map_size & (TAR_BLOCK - 1);
    if (rest > t->left)
        return located(
            err,
            bfci_fail(err, BFC_E_CORRUPT, "the file ends within the last block of its sparse map"),
            t->head_at);
    t->state = IN_MAP_REST;
    t->entry.data_size = t->left - rest;
    t->left = rest;
    return 0;
}

static int feed_body(bfci_tar *t, const uint8_t *bytes, size_t len, size_t *took, bfc_err *err)
{
    *took = t->state == IN_TAIL ? len : (size_t)MIN(len, t->left);
    if (t->state == IN_MAP)
        return feed_map(t, bytes, *took, took, err);
    t->at += *took;
    if (t->state != IN_TAIL)
        t->left -= *took;
    if (t->state == IN_CONTENT)
        return t->sink.data(t->sink.ctx, bytes, *took, err);
    if (t->state == IN_META)
        bfci_buf_put(t->meta, bytes, *took);
    return t->sink.other(t->sink.ctx, bytes, *took, err);
}

/* Goes on from what is complete, to where bytes are needed. */
static int settle(bfci_tar *t, bfc_err *err)
{
    while (t->left == 0) {
        switch (t->state) {
        case IN_META:
            BFC_TRY(located(err, end_meta(t, err), t->head_at));
            t->left = t->padding;
            break;
        case IN_MAP:
            return located(err,
                           bfci_fail(err, BFC_E_CORRUPT, "the file ends within its sparse map"),
                           t->head_at);
        case IN_MAP_REST:
            BFC_TRY(begin_entry(t, err));
            t->left = t->entry.data_size;
            break;
        case IN_CONTENT:
        case IN_FOREIGN:
            BFC_TRY(end_entry(t, err));
            t->left = t->padding;
            break;
        case IN_PADDING:
            t->state = IN_HEADER;
            return 0;
        case IN_HEADER:
        case IN_EXTENSION:
        case IN_TAIL:
            return 0;
        }
    }
    return 0;
}

static int feed(bfci_tar *t, const uint8_t *bytes, size_t len, bfc_err *err)
{
    BFC_TRY(settle(t, err));
    while (len > 0) {
        size_t took;
        if (t->state == IN_HEADER || t->state == IN_EXTENSION)
            BFC_TRY(feed_block(t, bytes, len, &took, err));
        else
            BFC_TRY(feed_body(t, bytes, len, &took, err));
        bytes += took;
        len -= took;
        BFC_TRY(settle(t, err));
    }
    return 0;
}

/* A machine that stopped in the middle must not be believed once more. */
static int note(bfci_tar *t, int rc)
{
    if (rc < 0)
        t->failed = rc;
    return rc;
}

static int check_alive(const bfci_tar *t, bfc_err *err)
{
    if (t->failed)
        return bfci_fail(err, (enum bfc_code)t->failed, "the tar was given up at byte %" PRIu64,
                         t->at);
    return 0;
}

int bfci_tar_feed(bfci_tar *t, const uint8_t *bytes, size_t len, bfc_err *err)
{
    BFC_TRY(check_alive(t, err));
    return note(t, feed(t, bytes, len, err));
}

static int check_end(const bfci_tar *t, bfc_err *err)
{
    if (t->state == IN_TAIL)
        return 0;
    if (t->filled > 0 || t->state == IN_EXTENSION)
        return bfci_fail(err, BFC_E_CORRUPT, "the archive ends within a header");
    if (t->state != IN_HEADER && t->state != IN_PADDING)
        return bfci_fail(
            err, BFC_E_CORRUPT, "the archive ends, and %" PRIu64 " bytes of '%s' are missing",
            t->left, t->state == IN_META ? "an extended header" : BFCI_QUOTE_STR(t->entry.path));
    if (t->said.pending)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the archive ends after an extended header, without its entry");
    return 0;
}

int bfci_tar_finish(bfci_tar *t, bfc_err *err)
{
    BFC_TRY(check_alive(t, err));
    BFC_TRY(note(t, settle(t, err)));
    return note(t, located(err, check_end(t, err), t->at));
}

uint64_t bfci_tar_skippable(const bfci_tar *t)
{
    return t->state == IN_CONTENT && !t->failed ? t->left : 0;
}

void bfci_tar_skip(bfci_tar *t, uint64_t count)
{
    count = MIN(count, bfci_tar_skippable(t));
    t->left -= count;
    t->at += count;
}
