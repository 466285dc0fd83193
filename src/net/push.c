/* SPDX-License-Identifier: Apache-2.0 */
/* From an image of the store to a reference: an export whose target is a registry. */
#include <bfc/registry.h>

#include "base/hooks.h"
#include "net/container_artifact.h"
#include "net/dest_registry.h"
#include "store/backend.h"
#include "store/image_open.h"

typedef struct pushing {
    bfc_store *store;
    const bfc_image_push_options *options;
    bfci_reference name;
    bfci_endpoint endpoint;
    bfci_export export;
    bool found;
    bfc_reader *reader;
    char *folder;
    bfci_client *client;
    bfci_registry *registry;
    bfci_upload_line *line;
    size_t line_count, line_cap;
    bfci_uploads *uploads;
    bfci_dest *dest;
    bfc_push_report report;
} pushing;

static void pushing_release(pushing *p)
{
    bfci_uploads_close(p->uploads);
    bfci_dest_free(p->dest);
    free(p->line);
    free(p->folder);
    bfc_reader_close(p->reader);
    bfci_registry_close(p->registry);
    bfci_client_close(p->client);
}
#define AUTO_PUSHING __attribute__((cleanup(pushing_release)))

/* ── What will be told of ── */

/* Once, as the export has it. `digest` NULL: not known. */
static int add_line(pushing *p, bfci_map *seen, const bfci_digest *once, const bfci_digest *digest,
                    uint64_t size, bfc_err *err)
{
    const uint64_t a = get_u64le(once->bytes), b = get_u64le(once->bytes + 8);

    if (bfci_map_get(seen, a, b))
        return 0;
    BFC_TRY(bfci_map_put(seen, a, b, 0, err));
    BFC_TRY(bfci_reserve(&p->line, &p->line_cap, p->line_count + 1, sizeof *p->line, err));
    p->line[p->line_count++] = (bfci_upload_line){digest != NULL, digest ? *digest : *once, size};
    return 0;
}

static int add_lines(pushing *p, const bfci_export_run *run, bfci_map *seen, bfc_err *err)
{
    const bfci_facts *f = &run->facts;
    const bfci_digest none = {{0}};

    if (f->image_count == 0)
        return add_line(p, seen, &none, NULL, 0, err);
    for (size_t i = 0; i < f->image_count; i++) {
        const bfci_image_facts *image = &f->image[i];
        if (image->is_artifact)
            BFC_TRY(add_line(p, seen, &image->config, &image->config, 0, err));
        for (size_t k = 0; k < image->layer_count; k++) {
            const bfci_layer_facts *l = &image->layer[k];
            BFC_TRY(add_line(p, seen, image->is_artifact ? &l->digest : &l->diff_id, &l->digest,
                             l->size, err));
        }
    }
    return 0;
}

/* ── The parts ── */

static int open_image(pushing *p, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(p->store->backend->find(p->store, &p->name, &path, err));
    p->found = true;
    BFC_TRY(bfci_image_open(path, (bfci_opening){p->options->registry.hooks, p->store->keys, NULL},
                            &p->reader, err));
    p->export.r = p->reader;
    return 0;
}

static int open_registry(pushing *p, const char *reference, bfc_err *err)
{
    BFC_TRY(bfci_client_open(&p->options->registry, &p->client, err));
    BFC_TRY(bfci_registries_push_endpoint(&p->client->conf, reference, &p->endpoint, err));
    return bfci_registry_open(p->client, &p->endpoint, "pull,push", &p->registry, err);
}

static int open_uploads(pushing *p, const bfci_export_run *run, bfc_err *err)
{
    bfci_map seen = BFCI_MAP_INIT;
    bfci_uploads_options o = {.registry = p->registry,
                              .mount_from = p->options->mount_from,
                              .parallel = p->options->parallel,
                              .blob = p->options->blob,
                              .blob_ctx = p->options->blob_ctx};

    int rc = add_lines(p, run, &seen, err);
    bfci_map_release(&seen);
    BFC_TRY(rc);
    BFC_TRY(p->store->backend->downloads(p->store, true, &p->folder, err));
    o.folder = p->folder;
    o.line = p->line;
    o.line_count = p->line_count;
    BFC_TRY(bfci_uploads_open(&o, &p->uploads, err));
    return bfci_dest_new(p->registry, p->uploads, o.mount_from, &p->dest, err);
}

/* Its name, but for the registry's rules: "debian-12.bfc". */
static int title_of(const bfci_reference *name, char **out, bfc_err *err)
{
    const char *slash = strrchr(name->text, '/');

    BFC_TRY(bfci_asprintf(out, err, "%s.bfc", slash ? slash + 1 : name->text));
    for (char *at = *out; *at; at++)
        if (*at == ':')
            *at = '-';
    return 0;
}

static int push_container(pushing *p, const char *reference, bfc_err *err)
{
    AUTO_FREE char *path = NULL, *title = NULL;

    BFC_TRY(p->store->backend->find(p->store, &p->name, &path, err));
    p->found = true;
    BFC_TRY(title_of(&p->name, &title, err));
    BFC_TRY(open_registry(p, reference, err));
    return bfci_push_container(p->registry, path, title, &p->endpoint.ref, p->options, &p->report,
                               err);
}

static int push(pushing *p, const char *reference, bfc_err *err)
{
    AUTO_EXPORT_RUN bfci_export_run run = {0};
    AUTO(json_t) json_t *root = NULL;
    bfci_digest digest;

    BFC_TRY(open_image(p, err));
    BFC_TRY(open_registry(p, reference, err));
    BFC_TRY(bfci_export_begin(&run, &p->export, err));
    BFC_TRY(open_uploads(p, &run, err));
    const bfci_export_target target = bfci_dest_target(p->dest);
    BFC_TRY(bfci_export_images(&run, &target, &root, err));
    BFC_TRY(bfci_dest_finish(p->dest, &p->endpoint.ref, &digest, err));
    bfci_uploads_report(p->uploads, &p->report);
    bfci_digest_text(&digest, p->report.digest);
    return 0;
}

/* ── All of it ── */

/* A path at the registry, as a reference has it. */
static int check_mount_from(const char *path, bfc_err *err)
{
    AUTO_FREE char *whole = NULL;
    bfci_remote_ref ref;

    BFC_TRY(bfci_asprintf(&whole, err, "localhost/%s", path));
    if (bfci_remote_ref_parse(whole, &ref, NULL) < 0 || strcmp(ref.path, path) != 0)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no repository to mount from: a path at the same registry such "
                         "as 'library/debian'",
                         BFCI_QUOTE_STR(path));
    return 0;
}

int bfc_image_push(bfc_store *store, const char *name, const char *reference,
                   const bfc_image_push_options *options, bfc_push_report *report, bfc_err *err)
{
    static const bfc_image_push_options defaults = BFC_IMAGE_PUSH_OPTIONS_INIT;

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_PUSH_OPTIONS_INIT, err));
    BFC_TRY(BFCI_CHECK_OPTIONS(&options->registry, BFC_REGISTRY_OPTIONS_INIT, err));
    AUTO_PUSHING pushing p = {.store = store, .options = options};
    p.export = (bfci_export){.hooks = options->registry.hooks,
                             .coding = CODING_GZIP,
                             .level = options->level,
                             .any_coding = !options->compression,
                             .phase = "push"};
    BFC_TRY(bfci_coding_parse(options->compression, &p.export.coding, err));
    if (options->mount_from)
        BFC_TRY(check_mount_from(options->mount_from, err));
    BFC_TRY(bfci_reference_parse(name, &p.name, err));
    p.export.ref = p.name.text;
    if (!reference)
        reference = p.name.text;
    int rc = options->format == BFC_PUSH_CONTAINER ? push_container(&p, reference, err)
                                                   : push(&p, reference, err);
    if (rc < 0)
        return rc == BFC_E_NOT_FOUND && !p.found
                   ? rc
                   : bfci_wrap(err, rc, "push image '%s' to '%s'", p.name.text,
                               BFCI_QUOTE_STR(reference));
    if (report)
        *report = p.report;
    return 0;
}
