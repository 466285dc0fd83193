/* SPDX-License-Identifier: Apache-2.0 */
/* A container file as of one commit. Everything that is read from the file comes through here, and
 * is checked before anyone looks at it: bounds, then checksum, then, if asked, digest, and only
 * then is it decompressed. */
#include "container/source.h"

#include <fcntl.h>
#include <inttypes.h>

#include "codec/branch.h"
#include "codec/digest.h"
#include "container/keyring.h"
#include "sys/file.h"

enum {
    SCAN_CHUNK = 1 << 20, /* how much is read at once when looking for a commit record */
    SMALL_PAYLOAD = 64 << 10,
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
    return bfci_commit_decode(raw, offset, &s->super, out, err);
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
        int rc = bfci_commit_decode(raw, low + at - COMMIT_SIZE, &s->super, out, &why);
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

/* Types that are not known were refused with the record. */
static void count_slots(bfci_source *s)
{
    for (size_t i = 0; i < COMMIT_KEY_SLOTS_SIZE; i += KEY_SLOT_SIZE) {
        uint8_t type = s->commit.key_slots[i];
        if (type < ARRAY_LEN(s->slots))
            s->slots[type]++;
    }
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
    count_slots(&s);
    *out = s;
    return 0;
}

void bfci_source_release(bfci_source *s)
{
    bfci_seal_free(bfci_steal(&s->seal));
    bfci_fd_close(&s->fd);
}

/* The record is read again: finding it must not depend on the key, or recovery without one would
 * keep another commit than an append with one. */
static int open_commit(const bfci_source *s, bfci_seal *seal, bfci_commit *c, bfc_err *err)
{
    uint8_t raw[COMMIT_SIZE];
    bfci_commit again;

    BFC_TRY(bfci_pread_exact(s->fd, raw, sizeof raw, c->offset, err));
    BFC_TRY(bfci_commit_decode(raw, c->offset, &s->super, &again, err));
    BFC_TRY(bfci_seal_open_commit(seal, raw, &again, err));
    *c = again;
    return 0;
}

int bfci_source_unlock(bfci_source *s, const bfc_keys *keys, const char *what, bfc_err *err)
{
    AUTO(bfci_seal) bfci_seal *seal = NULL;

    if (!bfci_source_is_sealed(s))
        return 0;
    BFC_TRY(bfci_seal_open(s->fd, &s->super, &s->commit, keys, what, &seal, err));
    BFC_TRY(open_commit(s, seal, &s->commit, err));
    s->seal = bfci_steal(&seal);
    return 0;
}

/* ── Older commits ── */

int bfci_source_previous(const bfci_source *s, const bfci_commit *c, bfci_commit *out, bfc_err *err)
{
    uint8_t record[COMMIT_SIZE];
    bfci_commit previous;

    BFC_TRY(bfci_chain_previous(s->fd, &s->super, c, record, &previous, err));
    if (s->seal)
        BFC_TRY(bfci_seal_open_commit(s->seal, record, &previous, err));
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

void bfci_source_info(const bfci_source *s, bfc_container_info *out)
{
    const bfci_commit *c = &s->commit;
    bfc_container_info info = {
        .version = 2,
        .file_size = s->file_size,
        .torn_bytes = s->file_size - s->end,
        .last = c->seq == s->last_seq,
        .compression = c->data_stored < c->data_raw ? "zstd" : "none",
        .encryption = c->sealed ? "chacha20-poly1305" : "none",
    };
    if (c->hidden)
        info.compression = NULL;
    if (c->sealed) {
        info.passwords = s->slots[KEY_SLOT_PASSWORD];
        info.key_files = s->slots[KEY_SLOT_KEY_FILE];
        info.recipients = s->slots[KEY_SLOT_RECIPIENT];
    }
    memcpy(info.uuid, s->super.uuid, BFC_UUID_SIZE);
    bfci_commit_info(c, &info.commit);
    *out = info;
}

/* ── Payloads ── */

struct bfci_unpacker {
    bfci_decompressor *zstd;
    bfci_opener opener;
    buf scratch;       /* payloads as stored: small ones, or all where there is no arena */
    bfci_arena *arena; /* NULL: none */
    uint8_t *large;    /* in the arena */
    size_t large_cap;
};

int bfci_unpacker_new(bfci_unpacker **out, bfc_err *err)
{
    AUTO(bfci_unpacker) bfci_unpacker *u = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *u, &u, err));
    BFC_TRY(bfci_decompressor_new(&u->zstd, err));
    *out = bfci_steal(&u);
    return 0;
}

void bfci_unpacker_free(bfci_unpacker *u)
{
    if (!u)
        return;
    bfci_decompressor_free(u->zstd);
    bfci_opener_release(&u->opener);
    bfci_buf_free(&u->scratch);
    free(u);
}

void bfci_unpacker_use(bfci_unpacker *u, bfci_arena *arena)
{
    u->arena = arena;
    u->large = NULL;
    u->large_cap = 0;
}

/* Room for a payload as it is stored, until the next one. */
static int stored_room(bfci_unpacker *u, size_t size, uint8_t **out, bfc_err *err)
{
    if (!u->arena || size <= SMALL_PAYLOAD) {
        buf_clear(&u->scratch);
        *out = bfci_buf_room(&u->scratch, size);
        return buf_check(&u->scratch, err);
    }
    BFC_TRY(bfci_arena_fit(u->arena, size, &u->large, &u->large_cap, err));
    *out = u->large;
    return 0;
}

int bfci_source_check_ref(const bfci_source *s, const bfci_ref *ref, uint32_t raw_max, bfc_err *err)
{
    return bfci_ref_check(ref, s->commit.offset, raw_max, bfci_source_is_sealed(s), err);
}

int bfci_source_read_stored(const bfci_source *s, const bfci_ref *ref, uint8_t *stored,
                            bfc_err *err)
{
    uint8_t digest[BFC_DIGEST_SIZE];

    BFC_TRY(bfci_source_check_ref(s, ref, BLOCK_SIZE_MAX, err));
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

static int unpack(const bfci_ref *ref, bfci_unpacker *u, uint8_t *bytes, size_t len, uint8_t *raw,
                  uint32_t *got, bfc_err *err)
{
    if (ref->comp == COMP_NONE) {
        if (len != ref->raw)
            return bfci_fail_at(err, BFC_E_CORRUPT, ref->offset,
                                "a sealed payload of %zu bytes where %u should be", len, ref->raw);
        memcpy(raw, bytes, len);
        *got = ref->raw;
        return 0;
    }
    const size_t tail = ref->comp == COMP_ZSTD_X86 ? BFCI_BRANCH_TAIL : 0;
    size_t there = MIN(*got + tail, (size_t)ref->raw);
    int rc = there < ref->raw
                 ? bfci_decompress_start(u->zstd, bytes, len, raw, ref->raw, &there, err)
                 : bfci_decompress(u->zstd, bytes, len, raw, ref->raw, err);
    *got = (uint32_t)(there < ref->raw ? there - tail : there);
    if (rc < 0 && err)
        err->offset = ref->offset;
    if (rc == 0 && ref->comp == COMP_ZSTD_X86)
        bfci_branches_from_positions(raw, there);
    return rc;
}

/* *got: how much of it is needed, and then, how much is there. */
static int read_payload(const bfci_source *s, bfci_frame_id frame, const bfci_ref *ref,
                        bfci_unpacker *u, uint8_t *raw, uint32_t *got, bfc_err *err)
{
    size_t len = ref->stored;

    if (!bfci_source_is_sealed(s) && ref->comp == COMP_NONE && ref->raw == ref->stored) {
        *got = ref->raw;
        return bfci_source_read_stored(s, ref, raw, err);
    }
    BFC_TRY(bfci_source_check_ref(s, ref, BLOCK_SIZE_MAX, err));
    uint8_t *stored = NULL;
    BFC_TRY(stored_room(u, ref->stored, &stored, err));
    BFC_TRY(bfci_source_read_stored(s, ref, stored, err));
    if (!bfci_source_is_sealed(s))
        return unpack(ref, u, stored, len, raw, got, err);
    if (!s->seal)
        return bfci_fail(err, BFC_E_DENIED, "it is encrypted, and no key was given");
    BFC_TRY(bfci_seal_open_payload(s->seal, &u->opener, frame, ref, stored, &len, err));
    return unpack(ref, u, stored + SEALED_AT_CIPHERTEXT, len, raw, got, err);
}

int bfci_source_read(const bfci_source *s, bfci_frame_id frame, const bfci_ref *ref,
                     bfci_unpacker *u, uint8_t *raw, bfc_err *err)
{
    uint32_t got = ref->raw;
    return read_payload(s, frame, ref, u, raw, &got, err);
}

int bfci_source_read_start(const bfci_source *s, bfci_frame_id frame, const bfci_ref *ref,
                           bfci_unpacker *u, uint8_t *raw, uint32_t want, uint32_t *got,
                           bfc_err *err)
{
    uint32_t there = MIN(want, ref->raw);

    BFC_TRY(read_payload(s, frame, ref, u, raw, &there, err));
    *got = there;
    return 0;
}
