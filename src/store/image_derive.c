/* SPDX-License-Identifier: Apache-2.0 */
/* Images made from images: a layer added, all layers made one, another base, another configuration.
 * Each starts as a copy of a container that is there, where it can, and goes through the same build
 * as an image from outside. */
#include "oci/changes_out.h"
#include "oci/layer_out.h"
#include "store/image_build.h"
#include "store/image_open.h"
#include "store/target.h"
#include "sys/clock.h"
#include "sys/names.h"

/* One change under way. */
typedef struct change {
    const char *verb; /* what is done, for messages */
    bfc_store *store;
    bfc_image_commit_options options;
    bfci_reference from, to;
    char *path; /* of the image as it is */
    char created[32];
    const bfci_seal *heir_of; /* of the image, or of its new base; NULL: neither is sealed */

    /* what it reads while the new container is written: */
    bfci_base source; /* the image as it is */
    bfci_base base;   /* in the new container */
    const char *dir;
    size_t skip; /* layers that the old base had */
    size_t history_skip;
    const bfc_image_config_edit *edit;
    uint8_t *config, *manifest; /* of the image as it is */
    size_t config_len, manifest_len;
} change;

static void change_release(change *c)
{
    bfci_base_close(&c->source);
    bfci_base_close(&c->base);
    free(c->path);
    free(c->config);
    free(c->manifest);
}
#define AUTO_CHANGE __attribute__((cleanup(change_release)))

static int read_documents(bfc_reader *r, uint8_t **config, size_t *config_len, uint8_t **manifest,
                          size_t *manifest_len, bfc_err *err)
{
    BFC_TRY(bfc_reader_blob(r, "oci/0/config", config, config_len, err));
    return bfc_reader_blob(r, "oci/0/manifest", manifest, manifest_len, err);
}

/* Opens the image. One from a directory has neither layers nor a configuration. */
static int open_source(change *c, bool needs_layers, bfc_err *err)
{
    BFC_TRY(c->store->backend->find(c->store, &c->from, &c->path, err));
    const bfc_keys *keys = c->options.writer.keys;
    int rc = bfci_base_open(c->path, keys, &c->source, err);
    if (rc == BFC_E_NOT_FOUND && !needs_layers)
        return bfci_image_open(c->path, (bfci_opening){.keys = keys}, &c->source.reader, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, BFC_E_INVALID,
                         "image '%s' was made from a directory and has no layers: make it an OCI "
                         "image with 'bfc image squash' first",
                         c->from.text);
    BFC_TRY(rc);
    if (c->source.facts.image_count > 1)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "image '%s' holds the images of %zu platforms: create it with one of them",
                         c->from.text, c->source.facts.image_count);
    return read_documents(c->source.reader, &c->config, &c->config_len, &c->manifest,
                          &c->manifest_len, err);
}

static int start(change *c, bfc_store *store, const char *name,
                 const bfc_image_commit_options *options, bool needs_layers, bfc_err *err)
{
    static const bfc_image_commit_options defaults = BFC_IMAGE_COMMIT_OPTIONS_INIT;
    int64_t now = 0;
    uint32_t ns = 0;

    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_COMMIT_OPTIONS_INIT, err));
    c->store = store;
    c->options = options ? *options : defaults;
    bfci_writer_keys(store, &c->options.writer);
    BFC_TRY(bfci_reference_parse(name, &c->from, err));
    BFC_TRY(bfci_reference_parse(c->options.new_name ? c->options.new_name : name, &c->to, err));
    if (strcmp(c->from.text, c->to.text) == 0)
        c->options.writer.replace = true;
    bfci_now(&now, &ns);
    bfci_time_text(c->options.writer.reproducible ? c->options.writer.source_date_epoch : now,
                   c->created);
    BFC_TRY(open_source(c, needs_layers, err));
    c->heir_of = c->source.reader->source.seal;
    return 0;
}

static int make(change *c, const char *base_path, bfci_feed_fn *fn, bfc_image_info **out,
                bfc_err *err)
{
    /* What comes of an image that is sealed is sealed, for whoever can open it. */
    const bfci_making making = {.writer = &c->options.writer,
                                .heir_of = c->options.writer.encrypt ? NULL : c->heir_of,
                                .base_path = base_path,
                                .base = &c->base,
                                .fn = fn,
                                .ctx = c};

    return bfci_wrap_making(c->store, &c->to, c->verb,
                            bfci_image_make(c->store, &c->to, &making, out, err), err);
}

/* ── Documents ── */

static int collect_layers(const bfci_image_facts *image, bfci_digest **diff_ids,
                          bfci_layer_descriptor **layers, bfc_err *err)
{
    AUTO_FREE bfci_digest *ids = NULL;

    BFC_TRY(bfci_alloc_zero(image->layer_count + 1, sizeof *ids, &ids, err));
    BFC_TRY(bfci_alloc_zero(image->layer_count + 1, sizeof **layers, layers, err));
    for (size_t i = 0; i < image->layer_count; i++) {
        const bfci_layer_facts *l = &image->layer[i];
        ids[i] = l->diff_id;
        (*layers)[i] = (bfci_layer_descriptor){l->media_type, l->digest, l->size};
    }
    *diff_ids = bfci_steal(&ids);
    return 0;
}

/* The image's layers are in the build: its configuration by `edit`, a manifest for both. */
static int finish(change *c, bfci_build *b, bfci_config_edit *edit, bfc_err *err)
{
    AUTO_FREE char *config = NULL;
    AUTO_FREE char *manifest = NULL;
    AUTO_FREE char *platform = NULL;
    AUTO_FREE bfci_digest *ids = NULL;
    AUTO_FREE bfci_layer_descriptor *layers = NULL;
    bfci_image_facts *image = &b->facts.image[0];
    bfci_config parsed = {0};
    bfci_digest digest;

    BFC_TRY(collect_layers(image, &ids, &layers, err));
    edit->set_layers = true;
    edit->diff_ids = ids;
    edit->diff_id_count = image->layer_count;
    edit->created = c->created;
    BFC_TRY(bfci_config_edit_apply(c->config, c->config_len, edit, &config, err));
    int rc = bfci_config_parse((const uint8_t *)config, strlen(config), "config", &parsed, err);
    if (rc == 0)
        rc = bfci_platform_text(&parsed.platform, &platform, err);
    bfci_config_release(&parsed);
    BFC_TRY(rc);
    BFC_TRY(bfci_sha256(config, strlen(config), digest.bytes, err));
    BFC_TRY(bfci_manifest_make(&digest, strlen(config), layers, image->layer_count, c->manifest,
                               c->manifest_len, &manifest, err));
    BFC_TRY(bfci_build_image(b, 0, platform, (const uint8_t *)manifest, strlen(manifest),
                             (const uint8_t *)config, strlen(config), err));
    if (b->base) {
        BFC_TRY(bfci_stage_drop_blob(b->in.feed->stage, "oci/index", err));
        BFC_TRY(bfci_stage_drop_blob(b->in.feed->stage, "oci/descriptor", err));
        BFC_TRY(bfci_stage_drop_blob(b->in.feed->stage, "docker/manifest.json", err));
    }
    return bfci_build_finish(b, err);
}

static bfci_history entry_of(change *c, const char *what)
{
    return (bfci_history){.created = c->created,
                          .created_by = (char *)(uintptr_t)what,
                          .comment = (char *)(uintptr_t)c->options.message,
                          .author = (char *)(uintptr_t)c->options.author};
}

/* ── Commit ── */

static int produce_changes(void *ctx, bfci_write_fn *write, void *write_ctx, bfc_err *err)
{
    const change *c = ctx;
    const bfci_changes changes = {.dir = c->dir,
                                  .base = c->source.reader,
                                  .exclude = c->options.writer.exclude,
                                  .one_file_system = c->options.writer.one_file_system,
                                  .jobs = c->options.writer.jobs,
                                  .hooks = c->options.writer.hooks};

    return bfci_changes_out(&changes, write, write_ctx, err);
}

static int feed_commit(void *ctx, bfci_feed *feed, bfc_err *err)
{
    change *c = ctx;
    AUTO_BUILD bfci_build b = {.hooks = c->options.writer.hooks, .base = &c->base};
    bfci_history entry = entry_of(c, "bfc image commit");
    bfci_config_edit edit = {.history = &entry, .history_count = 1};

    BFC_TRY(bfci_build_begin(&b, feed, 1, err));
    BFC_TRY(bfci_build_made_layer(&b, 0, produce_changes, c, NULL, err));
    return finish(c, &b, &edit, err);
}

int bfc_image_commit(bfc_store *store, const char *name, const char *dir,
                     const bfc_image_commit_options *options, bfc_image_info **out, bfc_err *err)
{
    AUTO_CHANGE change c = {.verb = "commit", .dir = dir};
    AUTO_FREE char *below = NULL;

    BFC_TRY(start(&c, store, name, options, true, err));
    BFC_TRY(bfci_target_check_source(store, dir, &below, err));
    if (below)
        return bfci_fail(err, BFC_E_INVALID, "the store '%s' lies in '%s': commit another folder",
                         BFCI_QUOTE_STR(store->uri), BFCI_QUOTE_STR(dir));
    return make(&c, c.path, feed_commit, out, err);
}

/* ── Squash ── */

static int produce_tree(void *ctx, bfci_write_fn *write, void *write_ctx, bfc_err *err)
{
    const change *c = ctx;

    return bfci_tree_out(c->source.reader, ROOT_TREE, c->options.writer.hooks, write, write_ctx,
                         err);
}

/* The platform of an image that has no configuration. */
static int make_config(change *c, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    AUTO_FREE char *text = NULL;
    AUTO_FACTS bfci_facts facts = {0};
    bfci_platform platform = {0};
    size_t len = 0;

    BFC_TRY(bfc_reader_blob(c->source.reader, BFCI_FACTS_BLOB, &json, &len, err));
    BFC_TRY(bfci_facts_decode(json, len, &facts, err));
    BFC_TRY(bfci_platform_parse(facts.platform, &platform, err));
    int rc = bfci_config_make(&platform, c->created, &text, err);
    bfci_platform_release(&platform);
    BFC_TRY(rc);
    c->config_len = strlen(text);
    c->config = (uint8_t *)bfci_steal(&text);
    return 0;
}

static int feed_squash(void *ctx, bfci_feed *feed, bfc_err *err)
{
    change *c = ctx;
    AUTO_BUILD bfci_build b = {.hooks = c->options.writer.hooks};
    bfci_history entry = entry_of(c, "bfc image squash");
    bfci_config_edit edit = {.history = &entry, .history_count = 1, .drop_history = true};

    BFC_TRY(bfci_build_begin(&b, feed, 1, err));
    BFC_TRY(bfci_build_made_layer(&b, 0, produce_tree, c, NULL, err));
    return finish(c, &b, &edit, err);
}

int bfc_image_squash(bfc_store *store, const char *name, const bfc_image_commit_options *options,
                     bfc_image_info **out, bfc_err *err)
{
    AUTO_CHANGE change c = {.verb = "squash"};

    BFC_TRY(start(&c, store, name, options, false, err));
    if (!c.config)
        BFC_TRY(make_config(&c, err));
    return make(&c, NULL, feed_squash, out, err);
}

/* ── Rebase ── */

struct own_layer {
    change *c;
    bfc_reader *reader;
    const bfci_layer_facts *facts;
};

static int produce_layer(void *ctx, bfci_write_fn *write, void *write_ctx, bfc_err *err)
{
    const struct own_layer *l = ctx;

    return bfci_layer_out(l->reader, l->facts, l->c->options.writer.hooks, write, write_ctx, err);
}

/* Where the entries of the history begin that stand above so many layers. */
static size_t history_above(const bfci_config *config, size_t layers)
{
    size_t i = 0;

    for (; i < config->history_count && layers > 0; i++)
        layers -= !config->history[i].empty_layer;
    return i;
}

/* The new base's history, then the image's own. Entries are borrowed. */
static int join_history(const bfci_config *below, const bfci_config *own, size_t skip,
                        bfci_history **out, size_t *count, bfc_err *err)
{
    size_t from = history_above(own, skip);
    size_t own_count = own->history_count - from;

    *count = below->history_count + own_count;
    BFC_TRY(bfci_alloc_zero(*count + 1, sizeof **out, out, err));
    for (size_t i = 0; i < below->history_count; i++)
        (*out)[i] = below->history[i];
    for (size_t i = 0; i < own_count; i++)
        (*out)[below->history_count + i] = own->history[from + i];
    return 0;
}

static int finish_rebase(change *c, bfci_build *b, bfc_err *err)
{
    AUTO_FREE uint8_t *config = NULL;
    AUTO_FREE uint8_t *manifest = NULL;
    AUTO_FREE bfci_history *history = NULL;
    size_t config_len = 0, manifest_len = 0;
    bfci_config below = {0}, own = {0};
    bfci_config_edit edit = {.drop_history = true};

    BFC_TRY(read_documents(c->base.reader, &config, &config_len, &manifest, &manifest_len, err));
    int rc = bfci_config_parse(config, config_len, "the base's config", &below, err);
    if (rc == 0)
        rc = bfci_config_parse(c->config, c->config_len, "config", &own, err);
    if (rc == 0)
        rc = join_history(&below, &own, c->skip, &history, &edit.history_count, err);
    edit.history = history;
    if (rc == 0)
        rc = finish(c, b, &edit, err);
    bfci_config_release(&below);
    bfci_config_release(&own);
    return rc;
}

/* The layers of an image from number `from` on. */
static int put_layers(change *c, bfci_build *b, bfci_base *image, size_t from, bfc_err *err)
{
    const bfci_image_facts *facts = &image->facts.image[0];

    for (size_t i = from; i < facts->layer_count; i++) {
        struct own_layer layer = {c, image->reader, &facts->layer[i]};
        BFC_TRY(bfci_build_made_layer(b, 0, produce_layer, &layer, &facts->layer[i].diff_id, err));
    }
    return 0;
}

static int feed_rebase(void *ctx, bfci_feed *feed, bfc_err *err)
{
    change *c = ctx;
    AUTO_BUILD bfci_build b = {.hooks = c->options.writer.hooks, .base = &c->base};

    BFC_TRY(bfci_build_begin(&b, feed, 1, err));
    BFC_TRY(put_layers(c, &b, &c->source, c->skip, err));
    return finish_rebase(c, &b, err);
}

/* Both are read, and sealed anew: to share blocks would take one file key for two images. */
static int feed_rebase_sealed(void *ctx, bfci_feed *feed, bfc_err *err)
{
    change *c = ctx;
    AUTO_BUILD bfci_build b = {.hooks = c->options.writer.hooks};

    BFC_TRY(bfci_build_begin(&b, feed, 1, err));
    BFC_TRY(put_layers(c, &b, &c->base, 0, err));
    BFC_TRY(put_layers(c, &b, &c->source, c->skip, err));
    return finish_rebase(c, &b, err);
}

/* How many layers `base` has, if they are the lowest of the image's; else 0. */
static size_t layers_of_base(const bfci_image_facts *image, const bfci_facts *base)
{
    const bfci_image_facts *b = base->image;

    if (base->image_count != 1 || b->layer_count > image->layer_count)
        return 0;
    for (size_t i = 0; i < b->layer_count; i++)
        if (!bfci_digest_equal(&b->layer[i].diff_id, &image->layer[i].diff_id))
            return 0;
    return b->layer_count;
}

struct base_search {
    const change *c;
    const bfci_reference *new_base;
    size_t layers;
};

static int consider_base(void *ctx, const bfci_found *found, bfc_err *err)
{
    struct base_search *s = ctx;
    AUTO_BASE bfci_base base = {0};

    if (strcmp(found->ref->text, s->c->from.text) == 0 ||
        strcmp(found->ref->text, s->new_base->text) == 0)
        return 0;
    const bfci_image_facts *image = &s->c->source.facts.image[0];
    int rc = bfci_base_open(found->path, NULL, &base, NULL);
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    size_t layers = rc == 0 ? layers_of_base(image, &base.facts) : 0;
    if (layers < image->layer_count) /* one with all its layers is the image itself, renamed */
        s->layers = MAX(s->layers, layers);
    return 0;
}

static int open_base(bfc_store *store, const bfci_reference *ref, const bfc_keys *keys, char **path,
                     bfci_base *base, bfc_err *err)
{
    BFC_TRY(store->backend->find(store, ref, path, err));
    int rc = bfci_base_open(*path, keys, base, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, BFC_E_INVALID,
                         "image '%s' was made from a directory: it has no layers to stand on",
                         ref->text);
    if (rc < 0)
        return bfci_wrap(err, rc, "image '%s'", ref->text);
    if (base->facts.image_count > 1)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "image '%s' holds the images of %zu platforms and can be no base",
                         ref->text, base->facts.image_count);
    return 0;
}

static int find_old_base(change *c, const char *old_base, const bfci_reference *new_base,
                         bfc_err *err)
{
    struct base_search search = {c, new_base, 0};
    const bfci_image_facts *image = &c->source.facts.image[0];
    bfci_reference ref;
    AUTO_FREE char *path = NULL;
    AUTO_BASE bfci_base base = {0};

    if (!old_base) {
        BFC_TRY(c->store->backend->scan(c->store, consider_base, &search, err));
        c->skip = search.layers;
        if (c->skip == 0)
            return bfci_fail(err, BFC_E_NOT_FOUND,
                             "no image of the store has the lowest layers of '%s': name its base",
                             c->from.text);
        return 0;
    }
    BFC_TRY(bfci_reference_parse(old_base, &ref, err));
    BFC_TRY(open_base(c->store, &ref, c->options.writer.keys, &path, &base, err));
    c->skip = layers_of_base(image, &base.facts);
    if (c->skip == 0)
        return bfci_fail(err, BFC_E_INVALID, "image '%s' does not stand on '%s'", c->from.text,
                         ref.text);
    if (c->skip == image->layer_count)
        return bfci_fail(err, BFC_E_INVALID, "image '%s' has no layer above those of '%s'",
                         c->from.text, ref.text);
    return 0;
}

/* The image itself, under whatever name, or one that stands on it, would get its layers twice. */
static int check_new_base(const change *c, const bfci_reference *ref, const bfci_base *base,
                          bfc_err *err)
{
    if (layers_of_base(&base->facts.image[0], &c->source.facts) == 0)
        return 0;
    return bfci_fail(err, BFC_E_INVALID,
                     "image '%s' cannot stand on '%s', which has all its layers itself",
                     c->from.text, ref->text);
}

/* Programs for one processor would run on the libraries of another. */
static int check_platform(const change *c, const bfci_reference *ref, const bfci_base *base,
                          bfc_err *err)
{
    const char *own = c->source.facts.image[0].platform, *below = base->facts.image[0].platform;

    if (!own || !below || strcmp(own, below) == 0)
        return 0;
    return bfci_fail(err, BFC_E_INVALID, "image '%s' is for %s and cannot stand on '%s' for %s",
                     c->from.text, own, ref->text, below);
}

int bfc_image_rebase(bfc_store *store, const char *name, const char *old_base, const char *new_base,
                     const bfc_image_commit_options *options, bfc_image_info **out, bfc_err *err)
{
    AUTO_CHANGE change c = {.verb = "rebase"};
    AUTO_FREE char *base_path = NULL;
    AUTO_BASE bfci_base base = {0};
    bfci_reference ref;

    BFC_TRY(start(&c, store, name, options, true, err));
    BFC_TRY(bfci_reference_parse(new_base, &ref, err));
    BFC_TRY(open_base(store, &ref, c.options.writer.keys, &base_path, &base, err));
    BFC_TRY(check_platform(&c, &ref, &base, err));
    BFC_TRY(check_new_base(&c, &ref, &base, err));
    BFC_TRY(find_old_base(&c, old_base, &ref, err));
    if (!c.heir_of)
        c.heir_of = base.reader->source.seal;
    if (!c.heir_of)
        return make(&c, base_path, feed_rebase, out, err);
    c.base = base; /* read beside the new container, which is no copy of it */
    base = (bfci_base){0};
    return make(&c, NULL, feed_rebase_sealed, out, err);
}

/* ── Configuration ── */

static int feed_config(void *ctx, bfci_feed *feed, bfc_err *err)
{
    change *c = ctx;
    const bfc_image_config_edit *e = c->edit;
    AUTO_BUILD bfci_build b = {.hooks = c->options.writer.hooks, .base = &c->base};
    bfci_history entry = entry_of(c, "bfc image config");
    bfci_config_edit edit = {.user = e->user,
                             .working_dir = e->working_dir,
                             .stop_signal = e->stop_signal,
                             .entrypoint = e->entrypoint,
                             .cmd = e->cmd,
                             .env = e->env,
                             .labels = e->labels,
                             .volumes = e->volumes,
                             .ports = e->ports,
                             .history = &entry,
                             .history_count = 1};

    entry.empty_layer = true;
    BFC_TRY(bfci_build_begin(&b, feed, 1, err));
    return finish(c, &b, &edit, err);
}

int bfc_image_config_set(bfc_store *store, const char *name, const bfc_image_config_edit *edit,
                         const bfc_image_commit_options *options, bfc_image_info **out,
                         bfc_err *err)
{
    AUTO_CHANGE change c = {.verb = "configure", .edit = edit};

    if (!edit)
        return bfci_fail(err, BFC_E_INVALID, "there is no edit");
    BFC_TRY(BFCI_CHECK_OPTIONS(edit, BFC_IMAGE_CONFIG_EDIT_INIT, err));
    BFC_TRY(start(&c, store, name, options, true, err));
    return make(&c, c.path, feed_config, out, err);
}
