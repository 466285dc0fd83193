/* SPDX-License-Identifier: Apache-2.0 */
/* Any two of registry, layout, archive and store. What concerns a store is done by its own
 * functions; the others are an origin and a destination. */
#include "oci/copy.h"

#include "net/copy_to_registry.h"
#include "net/origin_registry.h"
#include "net/pull.h"
#include "store/backend.h"
#include "store/dest.h"
#include "store/part_file.h"
#include "store/target.h"

enum place_kind {
    PLACE_STORE,
    PLACE_REGISTRY,
    PLACE_FILES
};

struct place {
    enum place_kind kind;
    const char *text; /* all of it */
    const char *name; /* without "docker://" or "store:" */
};

typedef struct copying {
    bfc_store *store;
    struct place from, to;
    const bfc_image_copy_options *options;
    bfci_client *client; /* opened when a registry is asked */
    bfci_registry *source;
    bfci_remote_manifest document; /* what the source's reference names */
    bfci_downloads *downloads;
    bfci_origin *origin;
    bfci_copy_list list;
    bfc_copy_report report;
} copying;

static void copying_release(copying *c)
{
    bfci_copy_list_release(&c->list);
    bfci_origin_close(c->origin);
    bfci_downloads_close(c->downloads);
    bfci_remote_manifest_release(&c->document);
    bfci_registry_close(c->source);
    bfci_client_close(c->client);
}
#define AUTO_COPYING __attribute__((cleanup(copying_release)))

static const bfc_hooks *hooks_of(const copying *c)
{
    return c->options->pull.registry.hooks;
}

/* ── Places ── */

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static int parse_place(const char *text, const char *what, struct place *out, bfc_err *err)
{
    static const char *const files[] = {"oci:", "oci-archive:", "docker-archive:"};
    static const char registry[] = "docker://", store[] = "store:";

    if (!text || !*text)
        return bfci_fail(err, BFC_E_INVALID,
                         "the %s is empty: it is docker://REFERENCE, oci:LAYOUT[:REF], "
                         "oci-archive:TAR[:REF], docker-archive:TAR[:REF], or an image of the "
                         "store",
                         what);
    *out = (struct place){PLACE_STORE, text, text};
    if (starts(text, registry))
        *out = (struct place){PLACE_REGISTRY, text, text + strlen(registry)};
    else if (starts(text, store))
        out->name = text + strlen(store);
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (starts(text, files[i]))
            *out = (struct place){PLACE_FILES, text, text};
    return 0;
}

/* ── The source ── */

static int open_client(copying *c, bfc_err *err)
{
    return c->client ? 0 : bfci_client_open(&c->options->pull.registry, &c->client, err);
}

static int get_document(void *ctx, bfci_registry *r, const bfci_remote_ref *ref, bfc_err *err)
{
    bfci_remote_manifest *m = ctx;
    char name[BFCI_TAG_MAX + DIGEST_TEXT_SIZE];

    bfci_manifest_name(ref, name);
    return bfci_manifest_get(r, name, m, err);
}

static int open_registry(copying *c, bfc_err *err)
{
    BFC_TRY(open_client(c, err));
    BFC_TRY(
        bfci_registry_find(c->client, c->from.name, get_document, &c->document, &c->source, err));
    const bfci_downloads_options fetching = {.registry = c->source,
                                             .parallel = c->options->pull.parallel,
                                             .blob = c->options->pull.blob,
                                             .blob_ctx = c->options->pull.blob_ctx};
    BFC_TRY(bfci_downloads_open(&fetching, &c->downloads, err));
    return bfci_origin_registry_new(c->source, c->downloads, &c->document, c->from.text, &c->origin,
                                    err);
}

static bool is_among(const bfci_descriptor *d, const bfci_descriptor *const *blobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bfci_digest_equal(&blobs[i]->digest, &d->digest))
            return true;
    return false;
}

/* An earlier run may have been killed with the blob at its destination, and the download still
 * there. */
static void drop_downloads(const copying *c, const char *folder,
                           const bfci_descriptor *const *blobs, size_t count)
{
    for (size_t i = 0; i < c->list.blob_count; i++) {
        const bfci_descriptor *d = &c->list.blob[i];
        bfci_part part = BFCI_PART_INIT;
        if (d->size <= DOWNLOAD_IN_MEMORY_MAX || is_among(d, blobs, count))
            continue;
        if (bfci_part_open(folder, &d->digest, d->size, &part, NULL) == 0)
            bfci_part_remove(&part);
        bfci_part_close(&part);
    }
}

/* Files of downloads are the store's: prune knows them, and the next copy goes on with them. */
static int expect(void *ctx, const bfci_descriptor *const *blobs, size_t count, bfc_err *err)
{
    copying *c = ctx;
    AUTO_FREE char *folder = NULL;

    BFC_TRY(c->store->backend->downloads(c->store, true, &folder, err));
    drop_downloads(c, folder, blobs, count);
    return bfci_downloads_expect(c->downloads, folder, blobs, count, err);
}

static int open_source(copying *c, bool all, bfc_err *err)
{
    BFC_TRY(c->from.kind == PLACE_REGISTRY ? open_registry(c, err)
                                           : bfci_origin_open(c->from.text, &c->origin, err));
    int rc = bfci_copy_list_make(c->origin, c->options->pull.create.platform, all, &c->list, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(c->from.text));
    bfci_digest_text(&c->list.document[c->list.document_count - 1].descriptor.digest,
                     c->report.digest);
    return 0;
}

/* What the image is called, where the destination does not say. */
static int name_of_source(const copying *c, char **out, bfc_err *err)
{
    const char *name = c->origin->root.ref_name;
    char text[REMOTE_TEXT_SIZE];
    bfci_remote_ref ref;

    if (c->from.kind == PLACE_REGISTRY) {
        BFC_TRY(bfci_remote_ref_parse(c->from.name, &ref, err));
        ref.has_digest = ref.has_digest && !ref.tag[0];
        bfci_remote_ref_text(&ref, text);
        name = text;
    }
    return bfci_strdup(name && *name ? name : BFCI_TAG_DEFAULT, out, err);
}

/* ── To files ── */

static int to_layout(bfci_copying *run, const char *path, const char *ref, bool is_far,
                     bfc_err *err)
{
    AUTO(bfci_layout_out) bfci_layout_out *l = NULL;
    AUTO(json_t) json_t *root = NULL;

    BFC_TRY(bfci_layout_out_open(run->hooks, path, &l, err));
    if (is_far)
        bfci_layout_out_keep(l);
    const bfci_export_target target = bfci_layout_out_target(l);
    bfci_copy_to_files files = {&target, l};
    const bfci_copy_dest dest = bfci_copy_dest_files(&files);
    run->dest = &dest;
    BFC_TRY(bfci_copy_run(run, err));
    BFC_TRY(bfci_copy_root(run->list, ref, &root, err));
    return bfci_layout_out_publish(l, root, ref, err);
}

static int to_archive(bfci_copying *run, const char *path, const char *ref, bool replace,
                      bfc_err *err)
{
    AUTO(bfci_export_tar) bfci_export_tar *tar = NULL;
    AUTO(json_t) json_t *root = NULL;
    AUTO_FREE char *index = NULL;

    BFC_TRY(bfci_export_check_free(path, replace, err));
    BFC_TRY(bfci_export_tar_new(path, &tar, err));
    const bfci_export_target target = bfci_export_tar_target(tar);
    bfci_copy_to_files files = {&target, NULL};
    const bfci_copy_dest dest = bfci_copy_dest_files(&files);
    run->dest = &dest;
    BFC_TRY(bfci_export_put(&target, "oci-layout", BFCI_EXPORT_LAYOUT_FILE,
                            strlen(BFCI_EXPORT_LAYOUT_FILE), err));
    BFC_TRY(bfci_copy_run(run, err));
    BFC_TRY(bfci_copy_root(run->list, ref, &root, err));
    BFC_TRY(bfci_export_index(NULL, 0, root, ref, &index, err));
    BFC_TRY(bfci_export_put(&target, "index.json", index, strlen(index), err));
    BFC_TRY(bfci_check_cancel(run->hooks, err));
    return bfci_export_tar_publish(tar, replace, err);
}

static int to_docker(bfci_copying *run, const char *path, const char *ref, bool replace,
                     bfc_err *err)
{
    bfci_reference tag; /* there it is a whole name */

    BFC_TRY(bfci_reference_parse(ref, &tag, err));
    return bfci_copy_docker_archive(run, path, tag.text, replace, err);
}

static int to_files(copying *c, bfci_copying *run, const bfci_dest *d, bfc_err *err)
{
    const bool replace = c->options->out.replace;
    AUTO_FREE char *own = NULL;

    if (!d->ref)
        BFC_TRY(name_of_source(c, &own, err));
    const char *ref = d->ref ? d->ref : own;
    BFC_TRY(bfci_dest_check_ref(ref, err));
    BFC_TRY(bfci_target_check_outside(c->store, d->path, err));
    if (d->kind == DEST_LAYOUT)
        return to_layout(run, d->path, ref, c->from.kind == PLACE_REGISTRY, err);
    return d->kind == DEST_OCI_ARCHIVE ? to_archive(run, d->path, ref, replace, err)
                                       : to_docker(run, d->path, ref, replace, err);
}

/* ── Between places that are no store ── */

/* A docker-archive gets one image of an index. */
static bool takes_all(const copying *c, const bfci_dest *d)
{
    const bool all = c->options->pull.create.all_platforms;

    if (all && d->kind == DEST_DOCKER_ARCHIVE)
        bfci_log(hooks_of(c), BFC_LOG_WARNING, "net",
                 "a docker-archive has one platform: of an index only one image is in it");
    return all && d->kind != DEST_DOCKER_ARCHIVE;
}

static int run_once(copying *c, const bfci_dest *d, bfc_err *err)
{
    BFC_TRY(open_source(c, takes_all(c, d), err));
    bfci_copying run = {.origin = c->origin,
                        .list = &c->list,
                        .hooks = hooks_of(c),
                        .expect = c->from.kind == PLACE_REGISTRY ? expect : NULL,
                        .ctx = c};
    int rc = c->to.kind == PLACE_REGISTRY
                 ? bfci_copy_to_registry(&run, c->client, c->to.name, c->source, err)
                 : to_files(c, &run, d, err);
    c->report.blobs = run.blobs;
    c->report.bytes = run.bytes;
    c->report.there = run.there;
    return rc;
}

static void close_source(copying *c)
{
    bfci_copy_list_release(&c->list);
    bfci_origin_close(bfci_steal(&c->origin));
    bfci_downloads_close(bfci_steal(&c->downloads));
    bfci_remote_manifest_release(&c->document);
    bfci_registry_close(bfci_steal(&c->source));
}

/* What an earlier run has left may be damaged: that is seen by the digest, and fetched again. */
static int copy(copying *c, const bfci_dest *d, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    bool of_old = false;

    if (c->to.kind == PLACE_REGISTRY)
        BFC_TRY(open_client(c, err));
    int rc = run_once(c, d, &why);
    if (rc == BFC_E_CORRUPT && c->downloads &&
        bfci_downloads_drop_wrong(c->downloads, &of_old, NULL) == 0 && of_old) {
        bfci_log(hooks_of(c), BFC_LOG_WARNING, "net",
                 "what was left of an earlier run was damaged: it is fetched again");
        close_source(c);
        rc = run_once(c, d, &why);
    }
    if (rc == 0 && c->downloads)
        bfci_downloads_forget(c->downloads);
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* ── With a store ── */

static int push(copying *c, bfc_err *err)
{
    const bfc_image_pull_options *o = &c->options->pull;
    bfc_image_push_options how = BFC_IMAGE_PUSH_OPTIONS_INIT;
    bfc_push_report pushed = {0};

    how.registry = o->registry;
    how.compression = c->options->out.compression;
    how.level = c->options->out.level;
    how.parallel = o->parallel;
    how.blob = o->blob;
    how.blob_ctx = o->blob_ctx;
    BFC_TRY(bfc_image_push(c->store, c->from.name, c->to.name, &how, &pushed, err));
    memcpy(c->report.digest, pushed.digest, sizeof c->report.digest);
    c->report.blobs = pushed.blobs;
    c->report.bytes = pushed.bytes;
    c->report.there = pushed.there + pushed.mounted;
    return 0;
}

static int from_store(copying *c, bfc_err *err)
{
    bfc_image_export_options out = c->options->out;

    out.hooks = hooks_of(c);
    if (c->to.kind == PLACE_REGISTRY)
        return push(c, err);
    if (c->to.kind == PLACE_STORE)
        return bfc_image_tag(c->store, c->from.name, c->to.name, out.replace, err);
    return bfc_image_export(c->store, c->from.name, c->to.text, &out, err);
}

static int into_store(copying *c, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_image_pull_options how = c->options->pull;
    bfc_pull_report pulled = {0};

    how.name = c->to.name;
    how.policy = BFC_PULL_ALWAYS;
    how.create.writer.replace = c->options->out.replace;
    how.create.writer.hooks = hooks_of(c);
    if (c->from.kind == PLACE_REGISTRY)
        BFC_TRY(bfc_image_pull(c->store, c->from.name, &how, &pulled, &info, err));
    else
        BFC_TRY(bfc_image_create(c->store, c->to.name, c->from.text, &how.create, &info, err));
    c->report.blobs = pulled.blobs;
    c->report.bytes = pulled.bytes;
    c->report.there = pulled.shared;
    if (strlen(info->manifest_digest) < sizeof c->report.digest)
        memcpy(c->report.digest, info->manifest_digest, strlen(info->manifest_digest) + 1);
    return 0;
}

int bfc_image_copy(bfc_store *store, const char *source, const char *dest,
                   const bfc_image_copy_options *options, bfc_copy_report *report, bfc_err *err)
{
    static const bfc_image_copy_options defaults = BFC_IMAGE_COPY_OPTIONS_INIT;
    AUTO_DEST bfci_dest d = {.kind = DEST_LAYOUT};

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_COPY_OPTIONS_INIT, err));
    BFC_TRY(bfci_pull_check(&options->pull, err));
    BFC_TRY(BFCI_CHECK_OPTIONS(&options->out, BFC_IMAGE_EXPORT_OPTIONS_INIT, err));
    AUTO_COPYING copying c = {.store = store, .options = options};
    BFC_TRY(parse_place(source, "source", &c.from, err));
    BFC_TRY(parse_place(dest, "destination", &c.to, err));
    if (c.to.kind == PLACE_FILES)
        BFC_TRY(bfci_dest_parse(dest, &d, err));
    if (c.from.kind == PLACE_STORE)
        BFC_TRY(from_store(&c, err));
    else
        BFC_TRY(c.to.kind == PLACE_STORE ? into_store(&c, err) : copy(&c, &d, err));
    if (report)
        *report = c.report;
    return 0;
}
