/* SPDX-License-Identifier: Apache-2.0 */
/* A layer's tar by its recipe. What is read and put together here is hashed and handed on in a
 * thread of its own. Nothing of the container is believed: the recipe may not give more than was
 * promised, and in the end length and digest say whether it was the layer. */
#include "oci/layer_out.h"

#include "base/hooks.h"
#include "oci/content_out.h"
#include "oci/recipe.h"
#include "oci/relay.h"

/* What runs in the relay's thread. */
struct sink {
    bfci_sha256_ctx *sha;
    bfci_write_fn *write;
    void *ctx;
};

struct work {
    bfc_reader *r;
    const bfci_layer_facts *layer;
    bfci_relay *relay;
    bfci_content_out *content;
    const bfc_hooks *hooks;
    uint64_t len; /* bytes given so far */
    bool ended;
};

static int hash_and_write(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct sink *s = ctx;

    BFC_TRY(bfci_sha256_update(s->sha, bytes, len, err));
    return s->write(s->ctx, bytes, len, err);
}

/* Counts before it gives: a recipe that was made to mislead fills no disk. */
static int count(struct work *w, uint64_t len, bfc_err *err)
{
    if (len > w->layer->tar_size - w->len)
        return bfci_fail(err, BFC_E_CORRUPT, "its recipe gives more than the %llu bytes it has",
                         (unsigned long long)w->layer->tar_size);
    w->len += len;
    return 0;
}

static void tell_progress(const struct work *w)
{
    const bfc_progress p = {
        .phase = "export", .bytes_done = w->len, .bytes_total = w->layer->tar_size};

    bfci_progress(w->hooks, &p);
}

static int check_end(struct work *w, const bfci_recipe_step *s, bfc_err *err)
{
    if (s->len != w->layer->tar_size || w->len != s->len)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "its recipe ends after %llu bytes and promises %llu, expected %llu",
                         (unsigned long long)w->len, (unsigned long long)s->len,
                         (unsigned long long)w->layer->tar_size);
    if (!bfci_digest_equal(&s->diff_id, &w->layer->diff_id))
        return bfci_fail(err, BFC_E_CORRUPT, "its recipe is that of another layer");
    w->ended = true;
    return 0;
}

static int take_step(struct work *w, const bfci_recipe_step *s, bfc_err *err)
{
    uint64_t len = s->len;

    if (s->op == RECIPE_END)
        return check_end(w, s, err);
    if (s->op == RECIPE_WHOLE)
        BFC_TRY(bfci_content_out_size(w->content, s->ino, &len, err));
    BFC_TRY(count(w, len, err));
    tell_progress(w);
    if (s->op == RECIPE_WHOLE || s->op == RECIPE_CONTENT)
        return bfci_content_out_write(w->content, s->ino, s->offset, len, err);
    if (s->op == RECIPE_ZEROS)
        return bfci_content_out_zeros(w->content, len, err);
    return bfci_relay_put(w->relay, s->bytes, (size_t)len, err);
}

static int load_part(struct work *w, uint32_t part, uint8_t **bytes, size_t *len, bfc_err *err)
{
    char name[RECIPE_NAME_SIZE];

    bfci_recipe_name(&w->layer->diff_id, part, name);
    int rc = bfc_reader_blob(w->r, name, bytes, len, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, BFC_E_CORRUPT, "part %u of the %u of its recipe is missing", part,
                         w->layer->parts);
    BFC_TRY(rc);
    if (*len > RECIPE_PART_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "part %u of its recipe has %zu bytes, %d are allowed",
                         part, *len, RECIPE_PART_MAX);
    return 0;
}

static int run_part(struct work *w, bfci_recipe_reader *recipe, uint32_t part, bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    bool got = true;

    BFC_TRY(load_part(w, part, &bytes, &len, err));
    bfci_recipe_reader_part(recipe, bytes, len);
    while (got) {
        bfci_recipe_step step;
        BFC_TRY(bfci_recipe_next(recipe, &step, &got, err));
        if (got)
            BFC_TRY(take_step(w, &step, err));
    }
    return bfci_check_cancel(w->hooks, err);
}

static int run(struct work *w, bfc_err *err)
{
    bfci_recipe_reader recipe;

    bfci_recipe_reader_init(&recipe);
    for (uint32_t part = 0; part < w->layer->parts; part++)
        BFC_TRY(run_part(w, &recipe, part, err));
    if (!w->ended)
        return bfci_fail(err, BFC_E_CORRUPT, "its recipe has no end");
    return bfci_relay_finish(w->relay, err);
}

static int check_digest(const bfci_layer_facts *layer, bfci_sha256_ctx *sha, bfc_err *err)
{
    bfci_digest got;
    char text[DIGEST_TEXT_SIZE];

    BFC_TRY(bfci_sha256_finish(sha, got.bytes, err));
    if (bfci_digest_equal(&got, &layer->diff_id))
        return 0;
    bfci_digest_text(&got, text);
    return bfci_fail(err, BFC_E_CORRUPT, "what came out of the container has the digest %s", text);
}

static int make_layer(bfc_reader *r, const bfci_layer_facts *layer, const bfc_hooks *hooks,
                      struct sink *sink, bfc_err *err)
{
    AUTO(bfci_relay) bfci_relay *relay = NULL;
    AUTO(bfci_content_out) bfci_content_out *content = NULL;

    BFC_TRY(bfci_sha256_start(sink->sha, err));
    BFC_TRY(bfci_relay_new(hash_and_write, sink, &relay, err));
    BFC_TRY(bfci_content_out_new(r, hooks, bfci_relay_put, relay, &content, err));
    struct work w = {.r = r, .layer = layer, .relay = relay, .content = content, .hooks = hooks};
    return run(&w, err);
}

int bfci_layer_out(bfc_reader *r, const bfci_layer_facts *layer, const bfc_hooks *hooks,
                   bfci_write_fn *write, void *ctx, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    char text[DIGEST_TEXT_SIZE];

    BFC_TRY(bfci_sha256_new(&sha, err));
    struct sink sink = {sha, write, ctx};
    int rc = make_layer(r, layer, hooks, &sink, err);
    if (rc == 0)
        rc = check_digest(layer, sha, err);
    if (rc == 0 || rc != BFC_E_CORRUPT)
        return rc;
    bfci_digest_text(&layer->diff_id, text);
    return bfci_wrap(err, rc, "layer %s", text);
}
