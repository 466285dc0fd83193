/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layer_ahead.h"

#include "sys/meter.h"

#define SIZE_MAX_FLOOR (UINT64_C(1) << 30)
#define SIZE_MAX_FACTOR 1024 /* gzip does not do better, and zstd does so only with bombs */
#define ASIDE_MAX (UINT64_C(256) << 20) /* bytes of a layer's tar, before its turn */
#define ASIDE_SHARE 32 /* of what is free on the file system: the container needs it, too */

void bfci_layer_ahead_release(bfci_layer_ahead *a)
{
    for (size_t i = 0; a->stream && i < a->count; i++)
        bfci_layer_stream_free(a->stream[i]);
    free(a->stream);
    a->stream = NULL;
}

static uint64_t size_limit(const bfci_layer_ahead *a, const bfci_descriptor *d)
{
    uint64_t promised;

    if (a->size_max)
        return a->size_max;
    if (bfci_mul_overflows(d->size, (uint64_t)SIZE_MAX_FACTOR, &promised))
        promised = UINT64_MAX;
    return MAX(promised, SIZE_MAX_FLOOR);
}

/* Without it the layer is read ahead as far as its buffers hold. */
static void open_aside(const bfci_layer_ahead *a, bfci_layer_stream_options *o)
{
    AUTO(bfci_spill) bfci_spill *spill = NULL;
    uint64_t room = 0;

    if (bfci_spill_new(a->feed->beside, a->feed->sealed, &spill, NULL) < 0 ||
        bfci_spill_room(spill, &room, NULL) < 0)
        return;
    o->spill_max = MIN(ASIDE_MAX, room / ASIDE_SHARE);
    o->spill = bfci_steal(&spill);
}

static int open_layer(bfci_layer_ahead *a, size_t at, bool before_turn, bfc_err *err)
{
    const bfci_descriptor *d = &a->layer[at];
    AUTO_BYTES bfci_bytes in = {0};

    int rc = a->origin->open_blob(a->origin, d, &in, err);
    if (rc == BFC_E_NOT_FOUND && bfci_media_kind(d->media_type, NULL) == MEDIA_FOREIGN_LAYER)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "it is not distributed with the image ('%s') and not there",
                         BFCI_QUOTE_STR(d->media_type));
    BFC_TRY(rc);
    bfci_layer_stream_options o = {.promised = d, .size_max = size_limit(a, d), .sums = true};
    if (before_turn)
        open_aside(a, &o);
    return bfci_layer_stream_open(&in, &o, &a->stream[at], err);
}

static unsigned most_at_a_time(const bfci_layer_ahead *a)
{
    unsigned most = MAX(a->feed->layers, 1u);

    return a->origin->at_a_time ? MIN(most, a->origin->at_a_time) : most;
}

/* Those behind number `at`, which is about to be taken. One that cannot be opened is left for its
 * turn, and those behind it as well. */
static void begin_more(bfci_layer_ahead *a, size_t at)
{
    const unsigned most = most_at_a_time(a);
    unsigned open = 1;

    for (size_t i = at + 1; i < a->count && open < most; i++) {
        if (a->skip && a->skip[i])
            continue;
        if (!a->stream[i] && open_layer(a, i, true, NULL) < 0)
            return;
        open++;
    }
    bfci_meter_queue(QUEUE_LAYERS, open, most);
}

int bfci_layer_ahead_next(bfci_layer_ahead *a, size_t at, bfci_layer_stream **out, bfc_err *err)
{
    if (!a->stream)
        BFC_TRY(bfci_alloc_zero(a->count, sizeof(bfci_layer_stream *), &a->stream, err));
    if (!a->stream[at])
        BFC_TRY(open_layer(a, at, false, err));
    begin_more(a, at);
    *out = bfci_steal(&a->stream[at]);
    return 0;
}
