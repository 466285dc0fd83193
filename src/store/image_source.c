/* SPDX-License-Identifier: Apache-2.0 */
/* Images from anything: the source is recognised, an OCI image is planned, a base is looked for in
 * the store, and the layers that it lacks are read. */
#include <fcntl.h>

#include "container/v1.h"
#include "oci/facts.h"
#include "oci/platform.h"
#include "store/image_base.h"
#include "store/image_build.h"
#include "sys/file.h"
#include "sys/names.h"

BFCI_DEFINE_AUTO(bfc_writer, bfc_writer_close)
/* ── Making ── */

static int write_container(const bfci_work *work, const bfci_making *m, bfc_err *err)
{
    AUTO(bfc_writer) bfc_writer *writer = NULL;
    bfc_writer_options options = *m->writer;

    options.replace = false; /* nothing is at the work's path but the base */
    if (m->base_path) {
        BFC_TRY(bfci_base_open(work->path, options.keys, m->base, err));
        BFC_TRY(bfci_writer_append_fed(work->path, &options, &writer, err));
    } else {
        options.encrypt = options.encrypt || m->heir_of;
        BFC_TRY(bfc_writer_create(work->path, &options, &writer, err));
        bfci_writer_inherit(writer, m->heir_of);
    }
    bfci_writer_feed(writer, m->fn, m->ctx);
    return bfc_writer_commit(writer, NULL, err);
}

int bfci_image_make(bfc_store *store, const bfci_reference *ref, const bfci_making *m,
                    bfc_image_info **out, bfc_err *err)
{
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;

    BFC_TRY(bfci_check_cancel(m->writer->hooks, err));
    const bfci_work_how how = {m->writer->replace, m->properties};
    BFC_TRY(store->backend->work_begin(store, ref, &how, &work, err));
    if (m->base_path)
        BFC_TRY(store->backend->work_copy(&work, m->base_path, err));
    int rc = write_container(&work, m, err);
    if (m->base_path)
        bfci_base_close(m->base); /* what is open keeps a file system from getting its place */
    BFC_TRY(rc);
    return bfci_publish(&work, m->writer->hooks, m->writer->keys, out, err);
}

/* ── From an origin ── */

struct planned_feed {
    bfci_plan_feed feed;
    const bfci_image_source *source;
    const bfci_store_layers *have;
};

static int build_planned(void *ctx, bfci_feed *feed, bfc_err *err)
{
    struct planned_feed *p = ctx;

    if (p->source->planned)
        BFC_TRY(p->source->planned(p->source->ctx, p->feed.plan, p->have, err));
    return bfci_build_plan(&p->feed, feed, err);
}

static int make_of_plan(bfc_store *store, const bfci_reference *ref,
                        const bfci_image_source *source, const bfci_image_plan *plan,
                        const bfci_store_layers *have, const bfc_image_create_options *options,
                        bfc_image_info **out, bfc_err *err)
{
    AUTO_BASE bfci_base base = {0};
    bfc_writer_options writer = options->writer;

    bfci_writer_keys(store, &writer);
    struct planned_feed feed = {.feed = {.origin = source->origin,
                                         .plan = plan,
                                         .base = have->base_path ? &base : NULL,
                                         .hooks = options->writer.hooks,
                                         .max_size = options->max_size,
                                         .prefixes = options->prefixes,
                                         .lent = have->lent,
                                         .lent_count = have->lent_count},
                                .source = source,
                                .have = have};
    const bfci_making making = {.writer = &writer,
                                .properties = options->properties,
                                .base_path = have->base_path,
                                .base = &base,
                                .fn = build_planned,
                                .ctx = &feed};
    return bfci_image_make(store, ref, &making, out, err);
}

int bfci_image_from_origin(bfc_store *store, const bfci_reference *ref,
                           const bfci_image_source *source, const bfc_image_create_options *options,
                           bfc_image_info **out, bfc_err *err)
{
    AUTO_IMAGE_PLAN bfci_image_plan plan = {0};
    AUTO_STORE_LAYERS bfci_store_layers have = {0};
    const bfc_hooks *hooks = options->writer.hooks;
    bfc_err why = BFC_ERR_INIT;

    const bfci_plan_choice choice = {options->platform, options->all_platforms, options->artifact};
    int rc = bfci_image_plan_make(source->origin, &choice, &plan, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(source->name));
    BFC_TRY(bfci_store_layers_find(store, &plan, options->writer.encrypt, source->is_far, hooks,
                                   &have, err));
    rc = make_of_plan(store, ref, source, &plan, &have, options, out, &why);
    if (rc == BFC_E_CORRUPT && have.lent_count > 0) {
        bfci_log(hooks, BFC_LOG_WARNING, "store", "%s: no layers are taken of other images",
                 why.msg);
        bfci_store_layers_drop_lent(&have);
        rc = make_of_plan(store, ref, source, &plan, &have, options, out, &why);
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

static int create_from_origin(bfc_store *store, const bfci_reference *ref, const char *source,
                              const bfc_image_create_options *options, bfc_image_info **out,
                              bfc_err *err)
{
    AUTO(bfci_origin) bfci_origin *origin = NULL;

    BFC_TRY(bfci_origin_open(source, &origin, err));
    return bfci_image_from_origin(
        store, ref, &(bfci_image_source){.origin = origin, .name = source}, options, out, err);
}

/* ── From a container ── */

/* One of version 1 is converted: it becomes what an image from a directory is. */
static int convert(const bfc_store *store, const bfci_work *work, bfci_v1 *old,
                   const bfc_image_create_options *options, bfc_err *err)
{
    AUTO_FACTS bfci_facts facts = {0};
    AUTO_FREE char *json = NULL;
    bfc_writer_options writer = options->writer;

    bfci_writer_keys(store, &writer);
    writer.replace = false; /* nothing is at the work's path */
    BFC_TRY(bfci_platform_get(options->platform, &facts.platform, err));
    BFC_TRY(bfci_strdup(bfci_facts_source(&facts), &facts.source, err));
    BFC_TRY(bfci_facts_encode(&facts, &json, err));
    const bfci_v1_conversion how = {.path = work->path,
                                    .writer = &writer,
                                    .blob_name = BFCI_FACTS_BLOB,
                                    .blob = json,
                                    .blob_len = strlen(json)};
    return bfci_v1_convert(old, &how, NULL, err);
}

/* *out stays NULL if the file is not one of version 1. */
static int open_old(const char *path, bfci_v1 **out, bfc_err *err)
{
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err));
    if (!bfci_v1_sniff(fd))
        return 0;
    int rc = bfci_v1_open(fd, out, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path));
    (void)bfci_steal_fd(&fd);
    return 0;
}

static bfc_verify_options checks_of(const bfc_store *store, const bfc_image_create_options *options)
{
    bfc_verify_options checks = BFC_VERIFY_OPTIONS_INIT;

    checks.hooks = options->writer.hooks;
    checks.jobs = options->writer.jobs;
    checks.keys = options->writer.keys ? options->writer.keys : store->keys;
    checks.trust = options->trust;
    checks.deep = options->trust != NULL;
    return checks;
}

int bfci_image_from_container(bfc_store *store, const bfci_reference *ref, bfci_fill_fn *fill,
                              void *ctx, const bfc_image_create_options *options,
                              bfc_image_info **out, bfc_err *err)
{
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;
    const bfc_verify_options checks = checks_of(store, options);
    const bfci_work_how how = {options->writer.replace, options->properties};

    BFC_TRY(store->backend->work_begin(store, ref, &how, &work, err));
    BFC_TRY(fill(ctx, work.path, err));
    BFC_TRY(bfc_verify(work.path, &checks, NULL, err));
    return bfci_publish(&work, options->writer.hooks, checks.keys, out, err);
}

static int import(bfc_store *store, const bfci_reference *ref, const char *path,
                  const bfc_image_create_options *options, bfc_image_info **out, bfc_err *err)
{
    AUTO(bfci_v1) bfci_v1 *old = NULL;
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;
    const bfc_verify_options checks = checks_of(store, options);
    const bfci_work_how how = {options->writer.replace, options->properties};

    BFC_TRY(open_old(path, &old, err));
    BFC_TRY(store->backend->work_begin(store, ref, &how, &work, err));
    if (old) {
        bfci_v1_use_keys(old, checks.keys, path);
        if (old->sealed_count > 0 && !options->writer.encrypt)
            bfci_log(options->writer.hooks, BFC_LOG_WARNING, "store",
                     "'%s' is encrypted, the image made from it is not", BFCI_QUOTE_STR(path));
        BFC_TRY(convert(store, &work, old, options, err));
    } else {
        BFC_TRY(store->backend->work_copy(&work, path, err));
        BFC_TRY(bfc_verify(work.path, &checks, NULL, err));
    }
    return bfci_publish(&work, options->writer.hooks, checks.keys, out, err);
}

/* ── The functions ── */

static int create(bfc_store *store, const bfci_reference *ref, const char *source,
                  const bfc_image_create_options *options, bfc_image_info **out, bfc_err *err)
{
    const char *kind = NULL;
    const char *rest = NULL;

    BFC_TRY(bfci_origin_sniff(source, &kind, &rest, err));
    if (options->trust && strcmp(kind, "bfc") != 0)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s': only a container can be signed: a signature is of no use for a "
                         "source of another kind",
                         BFCI_QUOTE_STR(source));
    if (strcmp(kind, "dir") == 0)
        return bfc_image_create_from_dir(store, ref->text, rest, options, out, err);
    int rc = strcmp(kind, "bfc") == 0 ? import(store, ref, rest, options, out, err)
                                      : create_from_origin(store, ref, source, options, out, err);
    return bfci_wrap_making(store, ref, "create", rc, err);
}

int bfc_image_create(bfc_store *store, const char *name, const char *source,
                     const bfc_image_create_options *options, bfc_image_info **out, bfc_err *err)
{
    static const bfc_image_create_options defaults = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfci_reference ref;

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_CREATE_OPTIONS_INIT, err));
    BFC_TRY(bfci_reference_parse(name, &ref, err));
    return create(store, &ref, source, options, out, err);
}

int bfc_image_create_from_manifest(bfc_store *store, const char *name, const char *manifest_path,
                                   const bfc_image_create_options *options, bfc_image_info **out,
                                   bfc_err *err)
{
    AUTO_FREE char *source = NULL;

    BFC_TRY(bfci_asprintf(&source, err, "manifest:%s", manifest_path));
    return bfc_image_create(store, name, source, options, out, err);
}
