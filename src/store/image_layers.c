/* SPDX-License-Identifier: Apache-2.0 */
/* Asking an image for its parts: layers with their history, documents, what differs between two. */
#include "oci/artifact.h"
#include "oci/image_build.h"
#include "oci/tree_diff.h"
#include "store/facts.h"
#include "store/image_open.h"
#include "store/prefix.h"

BFCI_DEFINE_AUTO(bfc_image_layers, bfc_image_layers_free)

/* ── Layers ── */

void bfc_image_layers_free(bfc_image_layers *layers)
{
    if (!layers)
        return;
    for (size_t i = 0; i < layers->count; i++) {
        bfc_image_layer *l = &layers->item[i];
        char *texts[] = {l->diff_id, l->digest,     l->media_type,
                         l->created, l->created_by, l->comment};
        for (size_t t = 0; t < ARRAY_LEN(texts); t++)
            free(texts[t]);
    }
    free(layers->item);
    free(layers);
}

static int put_text(const char *text, char **out, bfc_err *err)
{
    return bfci_strdup(text ? text : "", out, err);
}

static int put_digest(const bfci_digest *d, char **out, bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE] = "";

    if (d)
        bfci_digest_text(d, text);
    return bfci_strdup(text, out, err);
}

/* Either may be NULL. */
static int add_layer(bfc_image_layers *list, const bfci_layer_facts *facts,
                     const bfci_history *history, bfc_err *err)
{
    static const bfci_history unknown = {0};
    bfc_image_layer *l = &list->item[list->count++];

    if (!history)
        history = &unknown;
    l->empty = facts == NULL;
    l->size = facts ? facts->size : 0;
    l->tar_size = facts ? facts->tar_size : 0;
    l->entries = facts ? facts->files : 0;
    BFC_TRY(put_digest(facts ? &facts->diff_id : NULL, &l->diff_id, err));
    BFC_TRY(put_digest(facts ? &facts->digest : NULL, &l->digest, err));
    BFC_TRY(put_text(facts ? facts->media_type : "", &l->media_type, err));
    BFC_TRY(put_text(history->created, &l->created, err));
    BFC_TRY(put_text(history->created_by, &l->created_by, err));
    return put_text(history->comment, &l->comment, err);
}

/* The history tells of the layers in their order, and of steps that made none; where it is shorter,
 * or there is none, the layers go without. */
static int join(const bfci_image_facts *image, const bfci_config *config, bfc_image_layers *list,
                bfc_err *err)
{
    size_t layer = 0;

    BFC_TRY(bfci_alloc_zero(image->layer_count + config->history_count + 1, sizeof *list->item,
                            &list->item, err));
    for (size_t i = 0; i < config->history_count; i++) {
        const bfci_history *h = &config->history[i];
        if (!h->empty_layer && layer == image->layer_count)
            continue;
        BFC_TRY(add_layer(list, h->empty_layer ? NULL : &image->layer[layer++], h, err));
    }
    for (; layer < image->layer_count; layer++)
        BFC_TRY(add_layer(list, &image->layer[layer], NULL, err));
    return 0;
}

static int read_layers(const bfci_base *image, bfc_image_layers *list, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    bfci_config config = {0};
    size_t len = 0;

    BFC_TRY(bfc_reader_blob(image->reader, "oci/0/config", &json, &len, err));
    int rc = bfci_config_parse(json, len, "config", &config, err);
    if (rc == 0)
        rc = join(&image->facts.image[0], &config, list, err);
    bfci_config_release(&config);
    return rc;
}

/* The blobs of an artifact count as its layers. */
static int list_blobs(const bfci_image_facts *artifact, bfc_image_layers *list, bfc_err *err)
{
    BFC_TRY(bfci_alloc_zero(artifact->layer_count, sizeof *list->item, &list->item, err));
    for (size_t i = 0; i < artifact->layer_count; i++) {
        const bfci_layer_facts *blob = &artifact->layer[i];
        bfc_image_layer *l = &list->item[list->count++];
        l->size = blob->size;
        BFC_TRY(put_digest(&blob->digest, &l->digest, err));
        BFC_TRY(put_text(blob->media_type, &l->media_type, err));
        char **const rest[] = {&l->diff_id, &l->created, &l->created_by, &l->comment};
        for (size_t n = 0; n < ARRAY_LEN(rest); n++)
            BFC_TRY(put_text("", rest[n], err));
    }
    return 0;
}

/* An image from a directory: its tree counts as a layer. */
static int one_layer(const bfc_store *store, const char *path, bfc_image_layers *list, bfc_err *err)
{
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    bfc_container_info info;

    BFC_TRY(bfci_image_open(path, (bfci_opening){.keys = store->keys}, &reader, err));
    BFC_TRY(bfc_reader_info(reader, &info, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *list->item, &list->item, err));
    BFC_TRY(add_layer(list, NULL, NULL, err));
    list->item[0].empty = false;
    list->item[0].entries =
        info.commit.files + info.commit.dirs + info.commit.symlinks + info.commit.others;
    return 0;
}

int bfc_image_layers_get(bfc_store *store, const char *name, bfc_image_layers **out, bfc_err *err)
{
    AUTO(bfc_image_layers) bfc_image_layers *list = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_BASE bfci_base image = {0};
    bfci_reference ref;

    BFC_TRY(bfci_reference_parse(name, &ref, err));
    BFC_TRY(store->backend->find(store, &ref, &path, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *list, &list, err));
    int rc = bfci_base_load(path, store->keys, &image, err);
    if (rc == BFC_E_NOT_FOUND)
        rc = one_layer(store, path, list, err);
    else if (rc == 0)
        rc = bfci_facts_of_artifact(&image.facts) ? list_blobs(&image.facts.image[0], list, err)
                                                  : read_layers(&image, list, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "image '%s'", ref.text);
    *out = bfci_steal(&list);
    return 0;
}

/* ── Documents ── */

static int tell_missing(bfc_reader *r, const bfci_reference *ref, bool manifest, bfc_err *err)
{
    AUTO_FACTS bfci_facts facts = {0};
    char digest[DIGEST_TEXT_SIZE];

    BFC_TRY(bfci_facts_load(r, &facts, err));
    if (!bfci_facts_of_artifact(&facts))
        return bfci_fail(err, BFC_E_NOT_FOUND, "image '%s' was made from a directory and has no %s",
                         ref->text, manifest ? "manifest" : "configuration");
    bfci_digest_text(&facts.image[0].config, digest);
    return bfci_fail(err, BFC_E_NOT_FOUND,
                     "the config of the artifact '%s' is too large: extract the artifact and look "
                     "at its blob %s",
                     ref->text, digest);
}

int bfc_image_document_get(bfc_store *store, const char *name, bool manifest, uint8_t **json,
                           size_t *len, bfc_err *err)
{
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    AUTO_FREE char *path = NULL;
    bfci_reference ref;

    BFC_TRY(bfci_reference_parse(name, &ref, err));
    BFC_TRY(store->backend->find(store, &ref, &path, err));
    BFC_TRY(bfci_image_open(path, (bfci_opening){.keys = store->keys}, &reader, err));
    int rc = bfc_reader_blob(reader, manifest ? "oci/0/manifest" : "oci/0/config", json, len, err);
    if (rc == BFC_E_NOT_FOUND)
        return tell_missing(reader, &ref, manifest, err);
    return rc;
}

/* ── Differences ── */

/* An image, or the file system of its lowest layers. */
struct compared {
    bfci_base image;
    bfci_side side;
};

static void compared_release(struct compared *c)
{
    bfci_side_release(&c->side);
    bfci_base_close(&c->image);
}
#define AUTO_COMPARED __attribute__((cleanup(compared_release)))

static int open_image(bfc_store *store, const char *name, bfci_base *out, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    bfci_reference ref;

    BFC_TRY(bfci_reference_parse(name, &ref, err));
    BFC_TRY(store->backend->find(store, &ref, &path, err));
    int rc = bfci_base_load(path, store->keys, out, err);
    if (rc == BFC_E_NOT_FOUND) /* one from a directory */
        rc = bfci_image_open(path, (bfci_opening){.keys = store->keys}, &out->reader, err);
    return rc < 0 ? bfci_wrap(err, rc, "image '%s'", ref.text) : 0;
}

static int load_side(struct compared *c, size_t layers, bool cut, bfc_err *err)
{
    const bfci_image_facts *facts = c->image.facts.image;
    size_t have = facts ? facts->layer_count : 0;

    if (!cut)
        return bfci_side_load(&c->side, c->image.reader, err);
    BFC_TRY(bfci_artifact_refuse(&c->image.facts, err));
    if (layers == 0 || layers > have)
        return bfci_fail(err, BFC_E_NOT_FOUND, "the image has %zu layers: there is no number %zu",
                         have, layers);
    return bfci_side_merge(&c->side, c->image.reader, facts->layer, layers, err);
}

static int open_side(bfc_store *store, const char *text, struct compared *out, bfc_err *err)
{
    AUTO_FREE char *name = NULL;
    size_t layers = 0;
    bool cut = false;

    BFC_TRY(bfci_prefix_split(text, &name, &layers, &cut, err));
    BFC_TRY(open_image(store, name, &out->image, err));
    int rc = load_side(out, layers, cut, err);
    return rc < 0 ? bfci_wrap(err, rc, "image '%s'", BFCI_QUOTE_STR(name)) : 0;
}

/* What the image is without its last layer. */
static int open_below(bfc_store *store, const char *to, const struct compared *top,
                      struct compared *out, bfc_err *err)
{
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *text = NULL;
    size_t layers = 0;
    bool cut = false;

    BFC_TRY(bfci_prefix_split(to, &name, &layers, &cut, err));
    BFC_TRY(bfci_artifact_refuse(&top->image.facts, err));
    if (!cut)
        layers = top->image.facts.image_count ? top->image.facts.image[0].layer_count : 0;
    if (layers < 2)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' has one layer: name the image that it is to be compared with",
                         BFCI_QUOTE_STR(to));
    BFC_TRY(bfci_asprintf(&text, err, "%s#%zu", name, layers - 1));
    return open_side(store, text, out, err);
}

int bfc_image_diff(bfc_store *store, const char *from, const char *to, bfc_image_change_fn *fn,
                   void *ctx, bfc_err *err)
{
    AUTO_COMPARED struct compared old = {0};
    AUTO_COMPARED struct compared now = {0};

    BFC_TRY(open_side(store, to, &now, err));
    BFC_TRY(from ? open_side(store, from, &old, err) : open_below(store, to, &now, &old, err));
    return bfci_tree_diff(&old.side, &now.side, fn, ctx, err);
}
