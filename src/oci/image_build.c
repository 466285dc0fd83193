/* SPDX-License-Identifier: Apache-2.0 */
/* Building an image: what all ways to a new image have in common, whether its layers come from an
 * origin or are made here. */
#include "oci/image_build.h"

#include <stdio.h>

#include "base/hooks.h"
#include "oci/artifact.h"
#include "oci/layer_ahead.h"
#include "oci/layer_out.h"

#define LAYER_TAR "application/vnd.oci.image.layer.v1.tar"

/* ── The base ── */

static int highest_tree(bfc_reader *r, uint32_t *next, bfc_err *err)
{
    *next = 1;
    uint8_t key[4];
    int rc = bfci_cursor_seek(&r->trees, bfci_key_u32(key, 0), err);
    while (rc == 0 && !r->trees.at_end) {
        if (r->trees.key.len == 4)
            *next = MAX(*next, get_u32be(r->trees.key.p) + 1);
        rc = bfci_cursor_next(&r->trees, err);
    }
    if (rc == 0 && *next == 0)
        return bfci_fail(err, BFC_E_LIMIT, "the container has no tree number left");
    return rc;
}

static int read_base_facts(bfci_base *b, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;

    BFC_TRY(bfc_reader_blob(b->reader, BFCI_FACTS_BLOB, &json, &len, err));
    BFC_TRY(bfci_facts_decode(json, len, &b->facts, err));
    if (b->facts.image_count == 0)
        return bfci_fail(err, BFC_E_NOT_FOUND, "it holds no OCI image");
    return highest_tree(b->reader, &b->next_tree, err);
}

int bfci_base_load(const char *path, const bfc_keys *keys, bfci_base *out, bfc_err *err)
{
    AUTO_BASE bfci_base b = {0};

    bfc_reader_options reading = BFC_READER_OPTIONS_INIT;

    reading.keys = keys;
    BFC_TRY(bfci_reader_open(path, &reading, &b.reader, err));
    BFC_TRY(read_base_facts(&b, err));
    *out = b;
    b = (bfci_base){0};
    return 0;
}

int bfci_base_open(const char *path, const bfc_keys *keys, bfci_base *out, bfc_err *err)
{
    AUTO_BASE bfci_base b = {0};

    BFC_TRY(bfci_base_load(path, keys, &b, err));
    BFC_TRY(bfci_artifact_refuse(&b.facts, err));
    *out = b;
    b = (bfci_base){0};
    return 0;
}

void bfci_base_close(bfci_base *b)
{
    bfc_reader_close(b->reader);
    bfci_facts_release(&b->facts);
    *b = (bfci_base){0};
}

int bfci_layer_facts_copy(const bfci_layer_facts *from, bfci_layer_facts *to, bfc_err *err)
{
    *to = *from;
    to->media_type = NULL;
    return bfci_strdup(from->media_type, &to->media_type, err);
}

int bfci_chain_id(const bfci_layer_facts *layers, size_t count, bfci_digest *out, bfc_err *err)
{
    char text[2 * DIGEST_TEXT_SIZE], below[DIGEST_TEXT_SIZE], own[DIGEST_TEXT_SIZE];

    *out = count ? layers[0].diff_id : (bfci_digest){0};
    for (size_t i = 1; i < count; i++) {
        bfci_digest_text(out, below);
        bfci_digest_text(&layers[i].diff_id, own);
        int len = snprintf(text, sizeof text, "%s %s", below, own);
        BFC_TRY(bfci_sha256(text, (size_t)len, out->bytes, err));
    }
    return 0;
}

/* ── Beginning ── */

/* The base's merged tree is tree 0, which will be another: it goes on under its chainID, so that
 * what only it leads to is still reached. */
static int keep_base_tree(bfci_build *b, bfc_err *err)
{
    const bfci_image_facts *image = &b->base->facts.image[0];
    char label[DIGEST_TEXT_SIZE];
    bfci_digest chain;

    BFC_TRY(bfci_chain_id(image->layer, image->layer_count, &chain, err));
    bfci_digest_text(&chain, label);
    return bfci_stage_tree(b->in.feed->stage, b->in.next_tree++,
                           &(bfci_tree){.kind = TREE_MERGED,
                                        .root = b->base->reader->root,
                                        .label = {(const uint8_t *)label, strlen(label)}},
                           err);
}

static int take_base_layers(bfci_build *b, bfc_err *err)
{
    const bfci_image_facts *from = &b->base->facts.image[0];
    bfci_image_facts *to = &b->facts.image[0];

    BFC_TRY(bfci_alloc_zero(LAYERS_MAX, sizeof *to->layer, &to->layer, err));
    for (; to->layer_count < from->layer_count; to->layer_count++)
        BFC_TRY(
            bfci_layer_facts_copy(&from->layer[to->layer_count], &to->layer[to->layer_count], err));
    return 0;
}

int bfci_build_begin(bfci_build *b, bfci_feed *feed, size_t images, bfc_err *err)
{
    uint32_t next_tree = b->base ? b->base->next_tree : 1;

    BFC_TRY(bfci_image_in_begin(&b->in, feed, b->base ? b->base->reader : NULL, next_tree, b->hooks,
                                err));
    BFC_TRY(bfci_alloc_zero(images, sizeof *b->facts.image, &b->facts.image, err));
    b->facts.image_count = images;
    if (!b->base)
        return 0;
    return take_base_layers(b, err);
}

void bfci_build_release(bfci_build *b)
{
    bfci_image_in_release(&b->in);
    bfci_facts_release(&b->facts);
}

/* ── Layers ── */

static int next_layer(bfci_build *b, size_t image, bfci_layer_facts **out, bfc_err *err)
{
    bfci_image_facts *i = &b->facts.image[image];

    if (!i->layer)
        BFC_TRY(bfci_alloc_zero(LAYERS_MAX, sizeof *i->layer, &i->layer, err));
    if (i->layer_count == LAYERS_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "an image has at most %d layers", LAYERS_MAX);
    *out = &i->layer[i->layer_count++];
    return 0;
}

/* The file system of the layers so far. What a layer leaves as it was, it shares. */
static int put_merged(bfci_build *b, const bfci_image_facts *i, uint32_t tree, bfc_err *err)
{
    char label[DIGEST_TEXT_SIZE] = "";
    bfci_digest chain;

    BFC_TRY(bfci_chain_id(i->layer, i->layer_count, &chain, err));
    if (i->layer_count)
        bfci_digest_text(&chain, label);
    return bfci_image_in_merged(&b->in, tree, label, err);
}

static int put_layer(bfci_build *b, size_t image, bfci_layer_stream *stream, const char *what,
                     const bfci_digest *promised, bfci_layer_facts *facts, bfc_err *err)
{
    BFC_TRY(bfci_image_in_layer(&b->in, stream, what, promised, facts, err));
    if (!b->prefixes)
        return 0;
    return put_merged(b, &b->facts.image[image], b->in.next_tree++, err);
}

/* Number `at` of those that come from the origin. */
static int build_layer(bfci_build *b, size_t image, bfci_layer_ahead *ahead, size_t at,
                       const bfci_digest *promised, bfc_err *err)
{
    AUTO(bfci_layer_stream) bfci_layer_stream *stream = NULL;
    char digest[DIGEST_TEXT_SIZE], what[DIGEST_TEXT_SIZE + 8];
    const bfci_descriptor *d = &ahead->layer[at];
    bfci_layer_facts *facts = NULL;

    bfci_digest_text(&d->digest, digest);
    snprintf(what, sizeof what, "layer %s", digest);
    BFC_TRY(next_layer(b, image, &facts, err));
    BFC_TRY(bfci_strdup(d->media_type, &facts->media_type, err));
    facts->digest = d->digest;
    facts->size = d->size;
    int rc = bfci_layer_ahead_next(ahead, at, &stream, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "%s", what);
    return put_layer(b, image, stream, what, promised, facts, err);
}

int bfci_build_made_layer(bfci_build *b, size_t image, bfci_layer_produce_fn *fn, void *ctx,
                          const bfci_digest *promised, bfc_err *err)
{
    AUTO(bfci_layer_stream) bfci_layer_stream *stream = NULL;
    bfci_layer_facts *facts = NULL;

    BFC_TRY(next_layer(b, image, &facts, err));
    BFC_TRY(bfci_strdup(LAYER_TAR, &facts->media_type, err));
    BFC_TRY(bfci_layer_stream_produce(fn, ctx, &stream, err));
    BFC_TRY(put_layer(b, image, stream, "", promised, facts, err));
    facts->digest = facts->diff_id;
    facts->size = facts->tar_size;
    return 0;
}

/* ── The image ── */

int bfci_build_blob(bfci_build *b, const char *name, const void *bytes, size_t len, bfc_err *err)
{
    return bfci_intake_blob(b->in.feed->in, name, bytes, len, err);
}

int bfci_build_documents(bfci_build *b, size_t image, const uint8_t *manifest, size_t manifest_len,
                         const uint8_t *config, size_t config_len, bfc_err *err)
{
    bfci_image_facts *i = &b->facts.image[image];
    char name[40];

    BFC_TRY(bfci_sha256(manifest, manifest_len, i->manifest.bytes, err));
    snprintf(name, sizeof name, "oci/%zu/manifest", image);
    BFC_TRY(bfci_build_blob(b, name, manifest, manifest_len, err));
    if (!config)
        return 0;
    BFC_TRY(bfci_sha256(config, config_len, i->config.bytes, err));
    snprintf(name, sizeof name, "oci/%zu/config", image);
    return bfci_build_blob(b, name, config, config_len, err);
}

int bfci_build_image(bfci_build *b, size_t image, const char *platform, const uint8_t *manifest,
                     size_t manifest_len, const uint8_t *config, size_t config_len, bfc_err *err)
{
    bfci_image_facts *i = &b->facts.image[image];

    i->tree = image == 0 ? ROOT_TREE : b->in.next_tree++;
    BFC_TRY(put_merged(b, i, i->tree, err));
    if (b->base && image == 0 && b->in.merged.node[NODE_ROOT].ino != b->base->reader->root)
        BFC_TRY(keep_base_tree(b, err));
    BFC_TRY(bfci_image_in_totals(&b->in, &i->entries, &i->content, err));
    bfci_image_in_restart(&b->in);
    BFC_TRY(bfci_strdup(platform, &i->platform, err));
    return bfci_build_documents(b, image, manifest, manifest_len, config, config_len, err);
}

int bfci_build_finish(bfci_build *b, bfc_err *err)
{
    AUTO_FREE char *json = NULL;

    BFC_TRY(bfci_image_in_finish(&b->in, err));
    BFC_TRY(bfci_strdup(bfci_facts_source(&b->facts), &b->facts.source, err));
    if (b->facts.image[0].platform)
        BFC_TRY(bfci_strdup(b->facts.image[0].platform, &b->facts.platform, err));
    BFC_TRY(bfci_facts_encode(&b->facts, &json, err));
    return bfci_build_blob(b, BFCI_FACTS_BLOB, json, strlen(json), err);
}

/* ── Layers that are lent ── */

const bfci_lent_layer *bfci_lent_find(const bfci_lent_layer *lent, size_t count,
                                      const bfci_digest *diff_id)
{
    for (size_t i = 0; i < count; i++)
        if (bfci_digest_equal(&lent[i].diff_id, diff_id))
            return &lent[i];
    return NULL;
}

struct lender {
    bfci_base base;
    const bfci_layer_facts *layer;
    const bfc_hooks *hooks;
};

static int produce_lent(void *ctx, bfci_write_fn *write, void *write_ctx, bfc_err *err)
{
    const struct lender *l = ctx;
    const bfc_hooks quiet = {.cancel = l->hooks ? l->hooks->cancel : NULL};

    return bfci_layer_out(l->base.reader, l->layer, &quiet, write, write_ctx, err);
}

/* The container may have been deleted or replaced since it was looked at. */
static const bfci_layer_facts *still_has(const bfci_base *base, const bfci_lent_layer *lent)
{
    const bfci_facts *f = &base->facts;

    if (lent->image >= f->image_count || lent->layer >= f->image[lent->image].layer_count)
        return NULL;
    const bfci_layer_facts *layer = &f->image[lent->image].layer[lent->layer];
    return bfci_digest_equal(&layer->diff_id, &lent->diff_id) ? layer : NULL;
}

/* Whatever the lender had it compressed as, the image's manifest has its own word for it. */
static int describe_as(bfci_build *b, size_t image, const bfci_descriptor *d, bfc_err *err)
{
    bfci_image_facts *i = &b->facts.image[image];
    bfci_layer_facts *f = &i->layer[i->layer_count - 1];

    free(bfci_steal(&f->media_type));
    f->digest = d->digest;
    f->size = d->size;
    return bfci_strdup(d->media_type, &f->media_type, err);
}

/* *lent: it is there; else nothing was done. */
static int build_lent(bfci_build *b, const bfci_plan_feed *p, size_t image,
                      const bfci_descriptor *d, const bfci_digest *diff_id, bool *is_lent,
                      bfc_err *err)
{
    const bfci_lent_layer *lent = bfci_lent_find(p->lent, p->lent_count, diff_id);
    AUTO_BASE bfci_base base = {0};

    if (!lent || bfci_base_open(lent->path, NULL, &base, NULL) < 0)
        return 0;
    struct lender lender = {base, still_has(&base, lent), b->hooks};
    if (!lender.layer)
        return 0;
    int rc = bfci_build_made_layer(b, image, produce_lent, &lender, diff_id, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "layer of '%s'", BFCI_QUOTE_STR(lent->path));
    *is_lent = true;
    return describe_as(b, image, d, err);
}

/* ── A plan ── */

static int build_next(bfci_build *b, const bfci_plan_feed *p, bfci_layer_ahead *ahead,
                      size_t number, size_t layer, bfc_err *err)
{
    const bfci_digest *diff_id = &p->plan->image[number].config.diff_id[layer];
    bool is_lent = false;

    BFC_TRY(build_lent(b, p, number, &ahead->layer[layer], diff_id, &is_lent, err));
    return is_lent ? 0 : build_layer(b, number, ahead, layer, diff_id, err);
}

static int build_layers(bfci_build *b, const bfci_plan_feed *p, size_t number, bfc_err *err)
{
    const bfci_planned_image *i = &p->plan->image[number];
    bool lent[LAYERS_MAX] = {false};
    AUTO_LAYER_AHEAD bfci_layer_ahead ahead = {.feed = b->in.feed,
                                               .origin = p->origin,
                                               .layer = i->manifest.layer,
                                               .count = i->manifest.layer_count,
                                               .size_max = b->max_size,
                                               .skip = lent};

    for (size_t n = 0; n < i->manifest.layer_count; n++)
        lent[n] = bfci_lent_find(p->lent, p->lent_count, &i->config.diff_id[n]) != NULL;
    for (size_t n = b->facts.image[number].layer_count; n < i->manifest.layer_count; n++)
        BFC_TRY(build_next(b, p, &ahead, number, n, err));
    return 0;
}

static int build_one(bfci_build *b, const bfci_plan_feed *p, size_t number, bfc_err *err)
{
    const bfci_planned_image *i = &p->plan->image[number];
    size_t have = b->facts.image[number].layer_count;

    if (i->is_artifact)
        return bfci_artifact_build(b, p, number, err);
    BFC_TRY(build_layers(b, p, number, err));
    for (size_t n = 0; n < have; n++) { /* the base has them, perhaps compressed otherwise */
        bfci_layer_facts *f = &b->facts.image[number].layer[n];
        free(bfci_steal(&f->media_type));
        BFC_TRY(bfci_strdup(i->manifest.layer[n].media_type, &f->media_type, err));
        f->digest = i->manifest.layer[n].digest;
        f->size = i->manifest.layer[n].size;
    }
    return bfci_build_image(b, number, i->platform, i->manifest_bytes, i->manifest_len,
                            i->config_bytes, i->config_len, err);
}

/* Bytes of the layers' blobs, and of the configs that are blobs like them. */
static uint64_t bytes_to_read(const bfci_build *b, const bfci_image_plan *plan)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const bfci_planned_image *image = &plan->image[i];
        if (image->is_artifact && bfci_add_overflows(sum, image->manifest.config.size, &sum))
            return 0;
        for (size_t n = b->facts.image[i].layer_count; n < image->manifest.layer_count; n++)
            if (bfci_add_overflows(sum, image->manifest.layer[n].size, &sum))
                return 0;
    }
    return sum;
}

/* What the base had of these must not stay. */
static int put_or_drop(bfci_build *b, const char *name, const void *bytes, size_t len, bfc_err *err)
{
    if (bytes)
        return bfci_build_blob(b, name, bytes, len, err);
    return b->base ? bfci_stage_drop_blob(b->in.feed->stage, name, err) : 0;
}

int bfci_build_plan(void *ctx, bfci_feed *feed, bfc_err *err)
{
    const bfci_plan_feed *p = ctx;
    AUTO_BUILD bfci_build b = {
        .hooks = p->hooks, .base = p->base, .max_size = p->max_size, .prefixes = p->prefixes};
    const char *entry = p->plan->descriptor;

    BFC_TRY(bfci_build_begin(&b, feed, p->plan->count, err));
    feed->in->progress.bytes_total = bytes_to_read(&b, p->plan);
    for (size_t i = 0; i < p->plan->count; i++)
        BFC_TRY(build_one(&b, p, i, err));
    BFC_TRY(put_or_drop(&b, "oci/index", p->plan->index, p->plan->index_len, err));
    BFC_TRY(put_or_drop(&b, "oci/descriptor", entry, entry ? strlen(entry) : 0, err));
    BFC_TRY(put_or_drop(&b, "docker/manifest.json", p->origin->docker_manifest,
                        p->origin->docker_manifest_len, err));
    return bfci_build_finish(&b, err);
}
