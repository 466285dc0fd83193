/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed container without its key: frames are found one behind the other, since no table can be
 * read. Their headers are checked, the payloads of pages against the headers' checksums, deep those
 * of blocks too, and what fills a segment up to its record. That finds damage. What somebody
 * changed on purpose, checksums and all, only the key can find. */
#include <inttypes.h>

#include "codec/digest.h"
#include "container/verify.h"
#include "format/key_slot.h"
#include "sys/file.h"

typedef struct frames {
    bfci_verify *v;
    buf payload;
} frames;

/* Where a segment's frames end: its record, or less than a frame's header before it. */
static bool is_padding(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i])
            return false;
    return true;
}

static int check_payload(frames *f, const bfci_frame *frame, uint64_t at, bfc_err *err)
{
    bfci_verify *v = f->v;
    bfc_err why = BFC_ERR_INIT;

    if (frame->kind == FRAME_DATA)
        v->report.blocks++;
    else
        v->report.pages++;
    if (frame->kind == FRAME_DATA && !v->options.deep)
        return 0;
    buf_clear(&f->payload);
    uint8_t *bytes = bfci_buf_room(&f->payload, frame->stored);
    BFC_TRY(buf_check(&f->payload, err));
    if (bfci_pread_exact(v->source.fd, bytes, frame->stored, at, &why) < 0)
        bfci_verify_problem(v, at, "%s", why.msg);
    else if (bfci_crc32c(bytes, frame->stored) != frame->payload_crc)
        bfci_verify_problem(v, at, "checksum mismatch in %" PRIu32 " bytes", frame->stored);
    return 0;
}

/* The end of a segment: from `at` on nothing but zeros, and less than a record's alignment. */
static bool is_end(frames *f, uint64_t at, uint64_t end)
{
    uint8_t bytes[COMMIT_ALIGN];
    size_t len = (size_t)(end - at);

    return end - at < sizeof bytes &&
           bfci_pread_exact(f->v->source.fd, bytes, len, at, NULL) == 0 && is_padding(bytes, len);
}

/* Returns false where no frame is, which ends the segment: the next one cannot be found. */
static bool find_frame(frames *f, uint64_t at, uint64_t end, bfci_frame *out)
{
    uint8_t raw[FRAME_HEADER_SIZE];
    bfc_err why = BFC_ERR_INIT;

    if (is_end(f, at, end))
        return false;
    if (end - at < FRAME_HEADER_SIZE) {
        bfci_verify_problem(f->v, at, "padding before the commit record that is not zero");
        return false;
    }
    int rc = bfci_pread_exact(f->v->source.fd, raw, sizeof raw, at, &why);
    if (rc == 0)
        rc = bfci_frame_decode(raw, at, true, out, &why);
    if (rc == 0 && (out->stored > SEALED_BLOCK_MAX || out->stored > end - at - FRAME_HEADER_SIZE))
        rc = bfci_fail_at(&why, BFC_E_CORRUPT, at, "a frame that does not end in its segment");
    if (rc == 0)
        return true;
    bfci_verify_problem(f->v, at, "%s; what follows up to byte %" PRIu64 " is not checked", why.msg,
                        end);
    return false;
}

static void check_slots(frames *f, const bfci_commit *c)
{
    for (unsigned i = 0; i < BFCI_KEY_SLOTS; i++) {
        bfci_key_slot slot;
        bfc_err why = BFC_ERR_INIT;
        if (bfci_key_slot_decode(c->key_slots + i * BFCI_KEY_SLOT_SIZE, i, &slot, &why) < 0)
            bfci_verify_problem(f->v, c->offset, "%s", why.msg);
    }
}

static int check_segment(frames *f, const bfci_commit *c, bfc_err *err)
{
    uint64_t at = c->segment;
    bfci_frame frame;

    check_slots(f, c);
    while (at < c->offset && find_frame(f, at, c->offset, &frame)) {
        BFC_TRY(bfci_check_cancel(f->v->options.hooks, err));
        at += FRAME_HEADER_SIZE;
        BFC_TRY(check_payload(f, &frame, at, err));
        at += frame.stored;
    }
    return 0;
}

/* From the last segment back. A chain that is broken was told by who checked it. */
static int check_segments(frames *f, bfc_err *err)
{
    const bfci_source *s = &f->v->source;
    bfci_commit c = s->commit;

    BFC_TRY(check_segment(f, &c, err));
    while (c.previous && bfci_source_previous(s, &c, &c, NULL) == 0)
        BFC_TRY(check_segment(f, &c, err));
    return 0;
}

int bfci_verify_hidden(bfci_verify *v, bfc_err *err)
{
    frames f = {.v = v};
    int rc = check_segments(&f, err);

    bfci_buf_free(&f.payload);
    return rc;
}
