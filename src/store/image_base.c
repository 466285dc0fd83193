/* SPDX-License-Identifier: Apache-2.0 */
/* One look through the store: the image with the most of the lowest layers is the base, and the
 * first one that has another layer lends it. */
#include "store/image_base.h"

#include "base/hooks.h"

void bfci_store_layers_drop_lent(bfci_store_layers *l)
{
    for (size_t i = 0; i < l->lent_count; i++)
        free(l->lent[i].path);
    l->lent_count = 0;
}

void bfci_store_layers_release(bfci_store_layers *l)
{
    bfci_store_layers_drop_lent(l);
    free(l->lent);
    free(l->base_path);
    *l = (bfci_store_layers){0};
}

struct search {
    const bfci_image_plan *plan;
    bool wants_base, lend;
    bfci_store_layers found;
};

static bool is_base(const bfci_image_facts *have, const bfci_planned_image *wanted)
{
    if (have->layer_count == 0 || have->layer_count > wanted->config.layer_count)
        return false;
    for (size_t i = 0; i < have->layer_count; i++)
        if (!bfci_digest_equal(&have->layer[i].diff_id, &wanted->config.diff_id[i]))
            return false;
    return true;
}

static int consider_base(struct search *s, const char *path, const bfci_facts *facts, bfc_err *err)
{
    if (!s->wants_base || facts->image_count != 1 ||
        !is_base(&facts->image[0], &s->plan->image[0]) ||
        facts->image[0].layer_count <= s->found.base_layers)
        return 0;
    s->found.base_layers = facts->image[0].layer_count;
    free(bfci_steal(&s->found.base_path));
    return bfci_strdup(path, &s->found.base_path, err);
}

static bool is_wanted(const bfci_image_plan *plan, const bfci_digest *diff_id)
{
    for (size_t i = 0; i < plan->count; i++)
        for (size_t n = 0; n < plan->image[i].config.layer_count; n++)
            if (bfci_digest_equal(&plan->image[i].config.diff_id[n], diff_id))
                return true;
    return false;
}

static int consider_layer(struct search *s, const char *path, const bfci_layer_facts *layer,
                          size_t image, size_t number, bfc_err *err)
{
    bfci_store_layers *f = &s->found;
    bfci_lent_layer lent = {.diff_id = layer->diff_id, .image = image, .layer = number};

    if (!is_wanted(s->plan, &layer->diff_id) ||
        bfci_lent_find(f->lent, f->lent_count, &layer->diff_id))
        return 0;
    BFC_TRY(bfci_reserve(&f->lent, &f->lent_cap, f->lent_count + 1, sizeof *f->lent, err));
    BFC_TRY(bfci_strdup(path, &lent.path, err));
    f->lent[f->lent_count++] = lent;
    return 0;
}

/* An image that cannot be read is no base; who asks for it is told. */
static int consider(void *ctx, const bfci_found *found, bfc_err *err)
{
    struct search *s = ctx;
    AUTO_BASE bfci_base base = {0};
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_base_open(found->path, NULL, &base, &why);
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    if (rc < 0)
        return 0;
    BFC_TRY(consider_base(s, found->path, &base.facts, err));
    for (size_t i = 0; s->lend && i < base.facts.image_count; i++) {
        const bfci_image_facts *image = &base.facts.image[i];
        for (size_t n = 0; !image->is_artifact && n < image->layer_count; n++)
            BFC_TRY(consider_layer(s, found->path, &image->layer[n], i, n, err));
    }
    return 0;
}

static void tell(const struct search *s, const bfc_hooks *hooks)
{
    const bfci_store_layers *f = &s->found;
    const size_t all = s->plan->image[0].config.layer_count;

    if (f->base_path)
        bfci_log(hooks, BFC_LOG_INFO, "store",
                 "layers that are in the store already: %zu of %zu, in '%s'", f->base_layers, all,
                 BFCI_QUOTE_STR(f->base_path));
    for (size_t n = f->base_layers; n < all; n++) {
        const bfci_lent_layer *lent =
            bfci_lent_find(f->lent, f->lent_count, &s->plan->image[0].config.diff_id[n]);
        if (lent)
            bfci_log(hooks, BFC_LOG_INFO, "store", "layer %zu is taken of '%s'", n + 1,
                     BFCI_QUOTE_STR(lent->path));
    }
}

int bfci_store_layers_find(bfc_store *store, const bfci_image_plan *plan, bool encrypt, bool lend,
                           const bfc_hooks *hooks, bfci_store_layers *out, bfc_err *err)
{
    const bool one_image = plan->count == 1 && !plan->image[0].is_artifact;
    struct search s = {.plan = plan, .wants_base = one_image && !encrypt, .lend = lend};

    if (!s.wants_base && !s.lend)
        return 0;
    int rc = store->backend->scan(store, consider, &s, err);
    if (rc < 0) {
        bfci_store_layers_release(&s.found);
        return rc;
    }
    tell(&s, hooks);
    *out = s.found;
    return 0;
}

bool bfci_store_layers_has(const bfci_store_layers *l, const bfci_image_plan *plan, size_t image,
                           size_t layer)
{
    const bfci_planned_image *i = &plan->image[image];

    if (i->is_artifact)
        return false;
    return (image == 0 && layer < l->base_layers) ||
           bfci_lent_find(l->lent, l->lent_count, &i->config.diff_id[layer]);
}
