/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded blocks, shared by the workers of an extraction. A block of small files that was not
 * written out whole is kept for a while: files with equal contents refer to it from all over the
 * tree. Buffers are used again, so that memory is touched once; there are at most as many as slots
 * and workers together.
 */
#include "container/extract.h"

#include "sys/meter.h"

struct bfci_xcache {
    const bfci_source *source;
    bfci_arena *arena;
    pthread_mutex_t lock; /* guards all below */
    bfci_xblock *slot[XCACHE_BLOCKS];
    size_t slots, next_slot; /* the oldest is replaced */
    bfci_xblock *spare;
};

int bfci_xcache_new(const bfci_source *source, bfci_arena *arena, struct bfci_xcache **out,
                    bfc_err *err)
{
    struct bfci_xcache *c = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->source = source;
    c->arena = arena;
    c->slots = MIN((size_t)XCACHE_BLOCKS, MAX((size_t)1, XCACHE_BYTES / source->super.block_max));
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return 0;
}

void bfci_xcache_free(struct bfci_xcache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->slots; i++)
        free(c->slot[i]);
    while (c->spare) {
        bfci_xblock *b = c->spare;
        c->spare = b->next;
        free(b);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* With the lock held. */
static void unref(struct bfci_xcache *c, bfci_xblock *b)
{
    if (b && --b->refs == 0) {
        b->next = c->spare;
        c->spare = b;
    }
}

static bfci_xblock *find(struct bfci_xcache *c, uint64_t number)
{
    for (size_t i = 0; i < c->slots; i++)
        if (c->slot[i] && c->slot[i]->number == number)
            return c->slot[i];
    return NULL;
}

/* A block that is there, or an empty one to decode into (*found is false). Both with a reference.
 */
static int take(struct bfci_xcache *c, uint64_t number, bool *found, bfci_xblock **out,
                bfc_err *err)
{
    pthread_mutex_lock(&c->lock);
    bfci_xblock *b = find(c, number);
    *found = b != NULL;
    if (b) {
        b->refs++;
    } else if (c->spare) {
        b = c->spare;
        c->spare = b->next;
        b->refs = 1;
    }
    pthread_mutex_unlock(&c->lock);
    if (!b) {
        BFC_TRY(bfci_alloc_zero(1, sizeof *b, &b, err));
        b->refs = 1;
    }
    *out = b;
    return 0;
}

static int decode(struct bfci_xcache *c, bfci_xworker *w, uint64_t number, const bfci_ref *ref,
                  bfci_xblock *b, bfc_err *err)
{
    BFC_TRY(bfci_arena_fit(c->arena, ref->raw, &b->data, &b->cap, err));
    b->len = ref->raw;
    BFCI_METER(STAGE_DECODE);
    bfci_meter_count(1, ref->raw);
    return bfci_source_read(c->source, bfci_block_id(number), ref, w->unpacker, b->data, err);
}

int bfci_xcache_get(struct bfci_xcache *c, bfci_xworker *w, uint64_t number, const bfci_ref *ref,
                    bool keep, bfci_xblock **out, bfc_err *err)
{
    bfci_xblock *b = NULL;
    bool found = false;

    BFC_TRY(take(c, number, &found, &b, err));
    if (!found) {
        int rc = decode(c, w, number, ref, b, err);
        if (rc < 0) {
            bfci_xcache_put(c, b);
            return rc;
        }
        b->number = number;
        if (keep) {
            pthread_mutex_lock(&c->lock);
            unref(c, c->slot[c->next_slot]);
            b->refs++;
            c->slot[c->next_slot] = b;
            c->next_slot = (c->next_slot + 1) % c->slots;
            pthread_mutex_unlock(&c->lock);
        }
    }
    *out = b;
    return 0;
}

void bfci_xcache_put(struct bfci_xcache *c, bfci_xblock *b)
{
    pthread_mutex_lock(&c->lock);
    unref(c, b);
    pthread_mutex_unlock(&c->lock);
}
