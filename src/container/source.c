/* SPDX-License-Identifier: Apache-2.0 */
/* A container file as of one commit. Everything that is read from the file comes through here, and
 * is checked before anyone looks at it: bounds, then checksum, then, if asked, digest, and only
 * then is it decompressed. */
#include "container/source.h"

#include <fcntl.h>
#include <inttypes.h>

#include "codec/digest.h"
#include "sys/file.h"

enum {
    SCAN_CHUNK = 1 << 20, /* how much is read at once when looking for a commit record */
    AT_DIGITS_MIN = 8
};

/* ── Finding the last whole commit ── */

static int read_super(int fd, uint64_t file_size, bfci_super *out, bfc_err *err)
{
    uint8_t raw[SUPER_SIZE] = {0};
    size_t got = 0;

    BFC_TRY(bfci_pread(fd, raw, sizeof raw, 0, &got, err));
    if (got < SUPER_SIZE && got >= 8 && memcmp(raw, SUPER_MAGIC, 8) == 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, file_size,
                            "the container ends within its superblock");
    return bfci_super_decode(raw, out, err);
}

static int load_commit(const bfci_source *s, uint64_t offset, bfci_commit *out, bfc_err *err)
{
    uint8_t raw[COMMIT_SIZE];

    BFC_TRY(bfci_pread_exact(s->fd, raw, sizeof raw, offset, err));
    return bfci_commit_decode(raw, offset, s->super.uuid, s->super.page_shift, out, err);
}

/* Looks through the places for a record in [low, low + len), from the last to the first. One that
 * could not be looked at (memory) is no reason to take an older one: what follows that would be cut
 * off. */
static int scan_chunk(const bfci_source *s, const uint8_t *chunk, uint64_t low, size_t len,
                      bool *found, bfci_commit *out, bfc_err *err)
{
    *found = false;
    for (size_t at = len; at >= COMMIT_SIZE; at -= COMMIT_ALIGN) {
        const uint8_t *raw = chunk + at - COMMIT_SIZE;
        if (memcmp(raw, COMMIT_MAGIC, 8) != 0)
            continue;
        bfc_err why = BFC_ERR_INIT;
        int rc = bfci_commit_decode(raw, low + at - COMMIT_SIZE, s->super.uuid, s->super.page_shift,
                                    out, &why);
        *found = rc == 0;
        if (*found)
            return 0;
        if (rc != BFC_E_CORRUPT) { /* also one of a later version: it must not be cut off */
            if (err)
                *err = why;
            return rc;
        }
    }
    return 0;
}

static int find_last_commit(bfci_source *s, bfc_err *err)
{
    uint64_t high = s->file_size & ~(uint64_t)(COMMIT_ALIGN - 1);

    if (high < SUPER_SIZE + COMMIT_SIZE)
        return bfci_fail_at(err, BFC_E_CORRUPT, s->file_size, "the container has no commit");
    if (load_commit(s, high - COMMIT_SIZE, &s->commit, NULL) == 0)
        return 0;

    AUTO_FREE uint8_t *chunk = NULL;
    BFC_TRY(bfci_alloc(SCAN_CHUNK, 1, &chunk, err));
    while (high > SUPER_SIZE) {
        uint64_t low = high - SUPER_SIZE > SCAN_CHUNK ? high - SCAN_CHUNK : SUPER_SIZE;
        size_t len = (size_t)(high - low);
        BFC_TRY(bfci_pread_exact(s->fd, chunk, len, low, err));
        bool found = false;
        BFC_TRY(scan_chunk(s, chunk, low, len, &found, &s->commit, err));
        if (found)
            return 0;
        high = low;
    }
    return bfci_fail_at(err, BFC_E_CORRUPT, s->file_size, "the container has no whole commit");
}

int bfci_source_open_fd(int fd, bfci_source *out, bfc_err *err)
{
    struct stat st;

    BFC_TRY(bfci_fstat(fd, &st, err));
    if (!S_ISREG(st.st_mode))
        return bfci_fail(err, BFC_E_UNSUPPORTED, "not a regular file, so not a bfc container");
    bfci_source s = {.fd = fd, .file_size = (uint64_t)st.st_size};
    BFC_TRY(read_super(fd, s.file_size, &s.super, err));
    BFC_TRY(find_last_commit(&s, err));
    s.end = s.commit.offset + COMMIT_SIZE;
    s.last_seq = s.commit.seq;
    *out = s;
    return 0;
}

void bfci_source_release(bfci_source *s)
{
    bfci_fd_close(&s->fd);
}

/* ── Older commits ── */

int bfci_source_previous(const bfci_source *s, const bfci_commit *c, bfci_commit *out, bfc_err *err)
{
    uint8_t raw[COMMIT_SIZE], digest[BFC_DIGEST_SIZE];
    bfci_commit previous;

    if (c->previous == 0)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no commit before the first");
    BFC_TRY(bfci_pread_exact(s->fd, raw, sizeof raw, c->previous, err));
    BFC_TRY(
        bfci_commit_decode(raw, c->previous, s->super.uuid, s->super.page_shift, &previous, err));
    BFC_TRY(bfci_sha256(raw, sizeof raw, digest, err));
    if (previous.seq + 1 != c->seq || memcmp(digest, c->previous_digest, sizeof digest) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, c->previous,
                            "not the commit that commit %" PRIu64 " follows", c->seq);
    *out = previous;
    return 0;
}

static bool parse_seq(const char *at, uint64_t last, uint64_t *out)
{
    uint64_t value = 0;

    for (; *at >= '0' && *at <= '9'; at++)
        if (bfci_mul_overflows(value, UINT64_C(10), &value) ||
            bfci_add_overflows(value, (uint64_t)(*at - '0'), &value))
            return false;
    *out = value;
    return *at == '\0' && value >= 1 && value <= last;
}

static bool is_digest_prefix(const char *at)
{
    size_t len = strlen(at);
    return len >= AT_DIGITS_MIN && len <= 2 * BFC_DIGEST_SIZE &&
           strspn(at, "0123456789abcdef") == len;
}

static bool commit_matches(const bfci_commit *c, uint64_t seq, const char *prefix)
{
    char hex[2 * BFC_DIGEST_SIZE + 1];

    if (seq)
        return c->seq == seq;
    bfci_hex(c->root_digest, BFC_DIGEST_SIZE, hex);
    return strncmp(hex, prefix, strlen(prefix)) == 0;
}

int bfci_source_select(bfci_source *s, const char *at, bfc_err *err)
{
    uint64_t seq = 0;

    if (!parse_seq(at, s->last_seq, &seq)) {
        seq = 0;
        if (!is_digest_prefix(at))
            return bfci_fail(err, BFC_E_NOT_FOUND,
                             "no commit '%s' (a number from 1 to %" PRIu64
                             ", or 8 or more digits of a root digest)",
                             BFCI_QUOTE_STR(at), s->last_seq);
    }
    bfci_commit c = s->commit;
    while (!commit_matches(&c, seq, at)) {
        if (c.previous == 0)
            return bfci_fail(err, BFC_E_NOT_FOUND, "no commit '%s'", BFCI_QUOTE_STR(at));
        BFC_TRY(bfci_source_previous(s, &c, &c, err));
    }
    s->commit = c;
    return 0;
}

/* ── Payloads ── */

int bfci_source_read_stored(const bfci_source *s, const bfci_ref *ref, uint8_t *stored,
                            bfc_err *err)
{
    uint8_t digest[BFC_DIGEST_SIZE];

    BFC_TRY(bfci_ref_check(ref, s->commit.offset, BLOCK_SIZE_MAX, err));
    BFC_TRY(bfci_pread_exact(s->fd, stored, ref->stored, ref->offset, err));
    if (bfci_crc32c(stored, ref->stored) != ref->crc)
        return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset, "checksum mismatch in %u bytes",
                            ref->stored);
    if (!s->check_digests)
        return 0;
    BFC_TRY(bfci_sha256(stored, ref->stored, digest, err));
    if (memcmp(digest, ref->digest, sizeof digest) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset, "digest mismatch in %u bytes",
                            ref->stored);
    return 0;
}

int bfci_source_read(const bfci_source *s, const bfci_ref *ref, bfci_decompressor *d, buf *scratch,
                     uint8_t *raw, bfc_err *err)
{
    if (ref->comp == COMP_NONE && ref->raw == ref->stored)
        return bfci_source_read_stored(s, ref, raw, err);
    BFC_TRY(bfci_ref_check(ref, s->commit.offset, BLOCK_SIZE_MAX, err));
    buf_clear(scratch);
    uint8_t *stored = bfci_buf_room(scratch, ref->stored);
    BFC_TRY(buf_check(scratch, err));
    BFC_TRY(bfci_source_read_stored(s, ref, stored, err));
    int rc = bfci_decompress(d, stored, ref->stored, raw, ref->raw, err);
    if (rc < 0 && err)
        err->offset = ref->offset;
    return rc;
}
