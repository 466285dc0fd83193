/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a sealed container. The file key lies in locked memory and leaves it for nothing but
 * the derivation of segment keys, which are derived anew whenever a thread comes to another
 * segment: that is cheap beside a block, and a container of a million commits costs no more locked
 * memory than one of a single commit. Which segment an offset lies in is found by going back
 * through the commit records, once. */
#include "container/seal.h"

#include <inttypes.h>
#include <pthread.h>

#include "container/keyring.h"
#include "sys/clock.h"

typedef struct segment_at {
    uint64_t start, end; /* end: of its record */
    uint8_t salt[SEALED_SALT_SIZE];
} segment_at;

struct bfci_seal {
    uint8_t *file_key;
    uint8_t uuid[BFC_UUID_SIZE];
    uint8_t check[SEALED_CHECK_SIZE];
    uint8_t slots[COMMIT_KEY_SLOTS_SIZE];
    /* Of one that was opened. */
    int fd;
    bfci_super super;
    pthread_mutex_t lock; /* guards all below */
    bfci_opener records;
    bfci_commit oldest; /* of those in `segment` */
    segment_at *segment;
    size_t count, cap; /* from the last segment backwards */
};

/* ── Making and freeing ── */

void bfci_seal_free(bfci_seal *s)
{
    if (!s)
        return;
    bfci_secret_free(s->file_key);
    bfci_opener_release(&s->records);
    free(s->segment);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static int seal_alloc(const uint8_t *uuid, bfci_seal **out, bfc_err *err)
{
    bfci_seal *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    pthread_mutex_init(&fresh->lock, NULL);
    AUTO(bfci_seal) bfci_seal *s = fresh;
    memcpy(s->uuid, uuid, sizeof s->uuid);
    s->fd = -1;
    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &s->file_key, err));
    *out = bfci_steal(&s);
    return 0;
}

static int add_segment(bfci_seal *s, const bfci_commit *c, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&s->segment, &s->cap, s->count + 1, sizeof *s->segment, err));
    segment_at *at = &s->segment[s->count++];
    *at = (segment_at){.start = c->segment, .end = c->offset + COMMIT_SIZE};
    memcpy(at->salt, c->salt, sizeof at->salt);
    s->oldest = *c;
    return 0;
}

int bfci_seal_open(int fd, const bfci_super *super, const bfci_commit *last, const bfc_keys *keys,
                   const char *what, bfci_seal **out, bfc_err *err)
{
    AUTO(bfci_seal) bfci_seal *s = NULL;

    BFC_TRY(seal_alloc(super->uuid, &s, err));
    s->fd = fd;
    s->super = *super;
    memcpy(s->check, last->key_check, sizeof s->check);
    memcpy(s->slots, last->key_slots, sizeof s->slots);
    BFC_TRY(bfci_keyring_unwrap(keys, s->slots, s->uuid, s->check, what, s->file_key, NULL, err));
    BFC_TRY(add_segment(s, last, err));
    *out = bfci_steal(&s);
    return 0;
}

int bfci_seal_new(const uint8_t uuid[BFC_UUID_SIZE], const bfc_keys *keys, int64_t time,
                  bfci_seal **out, bfc_err *err)
{
    AUTO(bfci_seal) bfci_seal *s = NULL;

    BFC_TRY(seal_alloc(uuid, &s, err));
    BFC_TRY(bfci_random(s->file_key, BFCI_KEY_SIZE, err));
    BFC_TRY(bfci_key_check(s->file_key, s->uuid, s->check, err));
    BFC_TRY(bfci_keyring_wrap(keys, s->file_key, time, s->slots, err));
    *out = bfci_steal(&s);
    return 0;
}

int bfci_seal_inherit(const uint8_t uuid[BFC_UUID_SIZE], const bfci_seal *from, bfci_seal **out,
                      bfc_err *err)
{
    AUTO(bfci_seal) bfci_seal *s = NULL;

    BFC_TRY(seal_alloc(uuid, &s, err));
    memcpy(s->file_key, from->file_key, BFCI_KEY_SIZE);
    memcpy(s->slots, from->slots, sizeof s->slots);
    BFC_TRY(bfci_key_check(s->file_key, s->uuid, s->check, err));
    *out = bfci_steal(&s);
    return 0;
}

/* ── Keys ── */

int bfci_seal_add_keys(bfci_seal *s, const bfc_keys *keys, int64_t time, bfc_err *err)
{
    return bfci_keyring_wrap(keys, s->file_key, time, s->slots, err);
}

void bfci_seal_clear_slot(bfci_seal *s, unsigned number)
{
    memset(s->slots + (size_t)number * BFCI_KEY_SLOT_SIZE, 0, BFCI_KEY_SLOT_SIZE);
}

int bfci_seal_known_keys(const bfci_seal *s, const bfc_keys *keys, bfc_keys *kept,
                         bool dropped[BFCI_KEY_SLOTS], bfc_err *err)
{
    return bfci_keyring_known(keys, s->slots, s->uuid, s->check, kept, dropped, err);
}

/* ── Opening ── */

void bfci_opener_release(bfci_opener *o)
{
    bfci_aead_free(o->aead);
    bfci_secret_free(o->key);
    *o = (bfci_opener){0};
}

static int set_key(const bfci_seal *s, bfci_opener *o, uint64_t segment, const uint8_t *salt,
                   bfc_err *err)
{
    if (o->of == s && o->segment == segment)
        return 0;
    if (!o->aead)
        BFC_TRY(bfci_aead_new(&o->aead, err));
    o->of = NULL;
    if (!o->key)
        BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &o->key, err));
    BFC_TRY(bfci_segment_key(s->file_key, salt, s->uuid, segment, o->key, err));
    int rc = bfci_aead_set_key(o->aead, o->key, err);
    bfci_wipe(o->key, BFCI_KEY_SIZE);
    BFC_TRY(rc);
    o->of = s;
    o->segment = segment;
    return 0;
}

int bfci_seal_open_commit(bfci_seal *s, const uint8_t record[COMMIT_SIZE], bfci_commit *c,
                          bfc_err *err)
{
    if (memcmp(c->key_check, s->check, sizeof s->check) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, c->offset,
                            "the commit record is of another file key than the last one's");
    pthread_mutex_lock(&s->lock);
    int rc = set_key(s, &s->records, c->segment, c->salt, err);
    if (rc == 0)
        rc = bfci_commit_open(&s->super, s->records.aead, record, c, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* Segments lie one after the other, so the one that is wanted is known or older than all known. */
static int load_until(bfci_seal *s, uint64_t offset, bfc_err *err)
{
    uint8_t record[COMMIT_SIZE];

    while (s->segment[s->count - 1].start > offset) {
        bfci_commit c;
        BFC_TRY(bfci_chain_previous(s->fd, &s->super, &s->oldest, record, &c, err));
        BFC_TRY(add_segment(s, &c, err));
    }
    return 0;
}

static int find_segment(bfci_seal *s, uint64_t offset, segment_at *out, bfc_err *err)
{
    size_t low = 0, high;

    if (offset < SUPER_SIZE || offset >= s->segment[0].end)
        return bfci_fail_at(err, BFC_E_CORRUPT, offset, "there is no segment here");
    BFC_TRY(load_until(s, offset, err));
    high = s->count - 1;
    while (low < high) { /* the first that starts at or before it */
        size_t middle = low + (high - low) / 2;
        if (s->segment[middle].start <= offset)
            high = middle;
        else
            low = middle + 1;
    }
    *out = s->segment[low];
    return 0;
}

/* A thread reads mostly on where it read last. */
static int key_for(bfci_seal *s, bfci_opener *o, uint64_t offset, bfc_err *err)
{
    segment_at at;

    pthread_mutex_lock(&s->lock);
    int rc = find_segment(s, offset, &at, err);
    pthread_mutex_unlock(&s->lock);
    BFC_TRY(rc);
    return set_key(s, o, at.start, at.salt, err);
}

int bfci_seal_open_payload(bfci_seal *s, bfci_opener *o, bfci_frame_id frame, const bfci_ref *ref,
                           uint8_t *payload, size_t *len, bfc_err *err)
{
    BFC_TRY(key_for(s, o, ref->offset, err));
    const bfci_sealed_place place = {.uuid = s->uuid, .segment = o->segment, .frame = frame};
    return bfci_sealed_open(o->aead, &place, ref->offset, payload, ref->stored, len, err);
}

/* ── Writing a segment ── */

struct bfci_sealer {
    const bfci_seal *seal;
    uint64_t start;
    uint8_t salt[SEALED_SALT_SIZE];
    uint8_t *key;
    atomic_uint_fast64_t counter; /* the last one that was used */
    bool recorded;
};

void bfci_sealer_free(bfci_sealer *s)
{
    if (!s)
        return;
    bfci_secret_free(s->key);
    free(s);
}

int bfci_sealer_new(const bfci_seal *seal, uint64_t start, bfci_sealer **out, bfc_err *err)
{
    AUTO(bfci_sealer) bfci_sealer *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    s->seal = seal;
    s->start = start;
    BFC_TRY(bfci_random(s->salt, sizeof s->salt, err));
    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &s->key, err));
    BFC_TRY(bfci_segment_key(seal->file_key, s->salt, seal->uuid, start, s->key, err));
    *out = bfci_steal(&s);
    return 0;
}

int bfci_sealer_aead(const bfci_sealer *s, bfci_aead **out, bfc_err *err)
{
    AUTO(bfci_aead) bfci_aead *aead = NULL;

    BFC_TRY(bfci_aead_new(&aead, err));
    BFC_TRY(bfci_aead_set_key(aead, s->key, err));
    *out = bfci_steal(&aead);
    return 0;
}

int bfci_sealer_close(bfci_sealer *s, bfci_aead *aead, bfci_frame_id frame, uint8_t *payload,
                      size_t len, bfc_err *err)
{
    const bfci_sealed_place place = {.uuid = s->seal->uuid, .segment = s->start, .frame = frame};
    uint64_t counter = atomic_fetch_add_explicit(&s->counter, 1, memory_order_relaxed) + 1;

    return bfci_sealed_close(aead, &place, counter, payload, len, err);
}

int bfci_sealer_commit(bfci_sealer *s, const bfci_super *super, bfci_commit *c,
                       uint8_t record[COMMIT_SIZE], bfc_err *err)
{
    AUTO(bfci_aead) bfci_aead *aead = NULL;

    if (s->recorded) /* its nonce is used up */
        return bfci_fail(err, BFC_E_INVALID, "the segment has a commit record already");
    s->recorded = true;
    c->sealed = true;
    memcpy(c->salt, s->salt, sizeof c->salt);
    memcpy(c->key_check, s->seal->check, sizeof c->key_check);
    memcpy(c->key_slots, s->seal->slots, sizeof c->key_slots);
    BFC_TRY(bfci_commit_encode(c, record, err));
    BFC_TRY(bfci_sealer_aead(s, &aead, err));
    return bfci_commit_seal(super, aead, record, err);
}
