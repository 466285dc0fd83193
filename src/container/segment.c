/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a segment. The order of writes and syncs here is the commit protocol of docs/format.md,
 * section 10: nothing that was committed is touched, and the record goes out only when all that it
 * refers to is on stable storage. */
#include "container/segment.h"

#include "sys/file.h"
#include "sys/meter.h"

void bfci_segment_init(bfci_segment *s, int fd, const bfci_super *super, uint64_t start)
{
    *s = (bfci_segment){.fd = fd, .super = *super, .start = start, .at = start};
    s->failed.offset = BFC_NO_OFFSET;
}

static int check_poison(const bfci_segment *s, bfc_err *err)
{
    if (s->failed.code == BFC_OK)
        return 0;
    if (err)
        *err = s->failed;
    return s->failed.code;
}

/* Runs one write or sync; a failure is kept. */
static int poison(bfci_segment *s, int rc, const bfc_err *why, bfc_err *err)
{
    if (rc < 0) {
        s->failed = *why;
        s->failed.code = (enum bfc_code)rc;
    }
    return check_poison(s, err);
}

static int put(bfci_segment *s, uint64_t at, const void *bytes, size_t len, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    return poison(s, bfci_pwrite_all(s->fd, bytes, len, at, &why), &why, err);
}

static int sync_data(bfci_segment *s, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    uint64_t began = bfci_wait_begin();
    int rc = bfci_fdatasync(s->fd, &why);

    bfci_wait_end(began);
    return poison(s, rc, &why, err);
}

static int put_frame(bfci_segment *s, const bfci_frame *f, const uint8_t *payload, uint64_t align,
                     bfci_ref *ref, bfc_err *err)
{
    uint8_t header[FRAME_HEADER_SIZE];
    uint64_t offset = bfci_align_up(s->at + FRAME_HEADER_SIZE, align);

    BFC_TRY(check_poison(s, err));
    bfci_frame_encode(f, header);
    BFC_TRY(put(s, offset - FRAME_HEADER_SIZE, header, sizeof header, err));
    BFC_TRY(put(s, offset, payload, f->stored, err));
    s->at = offset + f->stored;
    ref->offset = offset;
    return 0;
}

int bfci_segment_put_data(bfci_segment *s, uint64_t number, const uint8_t *payload, bfci_ref *ref,
                          bfc_err *err)
{
    BFCI_METER(STAGE_WRITE);
    bfci_frame f = bfci_frame_of(FRAME_DATA, number, ref, s->sealer != NULL);
    bfci_meter_count(1, ref->stored);
    return put_frame(s, &f, payload, UINT64_C(1) << s->super.align_shift, ref, err);
}

/* The bytes must go too: behind a shorter segment they would be a torn tail. */
int bfci_segment_rewind(bfci_segment *s, uint64_t at, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(check_poison(s, err));
    BFC_TRY(poison(s, bfci_ftruncate(s->fd, at, &why), &why, err));
    s->at = at;
    return 0;
}

int bfci_segment_put_page(bfci_segment *s, uint8_t table, uint8_t level, const uint8_t *payload,
                          bfci_ref *ref, bfc_err *err)
{
    uint64_t number = (uint64_t)table << 56 | (uint64_t)level << 48 | s->pages;
    bfci_frame f = bfci_frame_of(FRAME_PAGE, number, ref, s->sealer != NULL);

    BFC_TRY(put_frame(s, &f, payload, 1, ref, err));
    s->pages++;
    return 0;
}

static int put_super(bfci_segment *s, bfc_err *err)
{
    uint8_t raw[SUPER_SIZE];

    bfci_super_encode(&s->super, raw);
    return put(s, 0, raw, sizeof raw, err);
}

/* Zeros up to the record. Without them the record itself would make the file longer, and what
 * stands in between after a power loss would be the file system's choice. */
static int put_padding(bfci_segment *s, uint64_t end, bfc_err *err)
{
    static const uint8_t zeros[COMMIT_ALIGN];

    return s->at < end ? put(s, s->at, zeros, (size_t)(end - s->at), err) : 0;
}

static int make_record(bfci_segment *s, bfci_commit *commit, uint8_t *record, bfc_err *err)
{
    if (s->sealer)
        return bfci_sealer_commit(s->sealer, &s->super, commit, record, err);
    return bfci_commit_encode(commit, record, err);
}

int bfci_segment_commit(bfci_segment *s, bfci_commit *commit, bool derive_uuid, bfc_err *err)
{
    uint8_t record[COMMIT_SIZE];

    BFC_TRY(check_poison(s, err));
    commit->segment = s->start;
    commit->offset = bfci_align_up(s->at, COMMIT_ALIGN);
    if (derive_uuid) {
        BFC_TRY(bfci_commit_encode(commit, record, err)); /* for the root digest */
        BFC_TRY(bfci_super_derive_uuid(commit->root_digest, s->super.uuid, err));
    }
    memcpy(commit->uuid, s->super.uuid, BFC_UUID_SIZE);
    BFC_TRY(make_record(s, commit, record, err));
    if (s->start == SUPER_SIZE)
        BFC_TRY(put_super(s, err));
    BFC_TRY(put_padding(s, commit->offset, err));

    /* First sync: all that the record refers to is on stable storage before the record can be. The
     * file's new length belongs to it, which fdatasync() covers. */
    BFC_TRY(sync_data(s, err));
    s->recorded = true;
    BFC_TRY(put(s, commit->offset, record, sizeof record, err));
    /* Second sync: once it returns, the commit survives a power loss. */
    BFC_TRY(sync_data(s, err));
    s->at = commit->offset + COMMIT_SIZE;
    return 0;
}
