/* SPDX-License-Identifier: Apache-2.0 */
/* From a reference to an image of the store. What the registry has is compared with what is here
 * before anything is fetched; then the origin of the registry becomes an image as any other does.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/hooks.h"
#include "net/origin_registry.h"
#include "net/pull.h"
#include "net/pull_container.h"
#include "oci/platform.h"
#include "store/image_build.h"

#define INDEX_BLOB "oci/index"

typedef struct pulling {
    bfc_store *store;
    const char *reference; /* as typed */
    const bfc_image_pull_options *options;
    bfc_image_create_options create;
    bfci_reference name;
    const bfci_pull_with *with;
    bfci_client *own_client;
    bfci_registry *own_registry;
    bfci_client *client;       /* borrowed, from above or from `with` */
    bfci_registry *registry;   /* likewise */
    bfci_remote_manifest head; /* what the reference names now */
    bool head_is_known;
    bool is_container; /* it names a container file: this one */
    bfci_container_artifact container;
    bfci_downloads *downloads;
    bfc_pull_report report;
} pulling;

static void pulling_release(pulling *p)
{
    bfci_downloads_close(p->downloads);
    bfci_remote_manifest_release(&p->head);
    bfci_registry_close(p->own_registry);
    bfci_client_close(p->own_client);
}
#define AUTO_PULLING __attribute__((cleanup(pulling_release)))

static const bfc_hooks *hooks_of(const pulling *p)
{
    return p->options->registry.hooks;
}

/* ── The name ── */

/* As it was typed: what registries' rules would make of it is not part of it. */
static int name_of(const char *typed, bfci_reference *out, bfc_err *err)
{
    static const char transport[] = "docker://";
    AUTO_FREE char *name = NULL;
    bfci_remote_ref ref;

    BFC_TRY(bfci_remote_ref_parse(typed, &ref, err));
    if (strncmp(typed, transport, sizeof transport - 1) == 0)
        typed += sizeof transport - 1;
    const int len = (int)strcspn(typed, "@");
    if (ref.tag[0]) {
        BFC_TRY(bfci_asprintf(&name, err, "%.*s", len, typed));
    } else {
        char digest[DIGEST_TEXT_SIZE];
        bfci_digest_text(&ref.digest, digest);
        BFC_TRY(
            bfci_asprintf(&name, err, "%.*s:sha256-%s", len, typed, digest + strlen("sha256:")));
    }
    int rc = bfci_reference_parse(name, out, err);
    return rc < 0 ? bfci_wrap(err, rc, "'%s' cannot be the name of an image here; give it another",
                              BFCI_QUOTE_STR(typed))
                  : 0;
}

/* ── What is here ── */

/* The digest of an index that an image was chosen from; false: there is none. */
static bool index_digest(const bfci_base *base, bfci_digest *out)
{
    AUTO_FREE uint8_t *index = NULL;
    size_t len = 0;

    return bfc_reader_blob(base->reader, INDEX_BLOB, &index, &len, NULL) == 0 &&
           bfci_sha256(index, len, out->bytes, NULL) == 0;
}

static bool fits_platform(const bfci_image_facts *image, const char *platform)
{
    AUTO_PLATFORM bfci_platform have = {0}, want = {0};
    unsigned rank = 0;

    return image->platform && bfci_platform_parse(image->platform, &have, NULL) == 0 &&
           bfci_platform_parse(platform, &want, NULL) == 0 &&
           bfci_platform_runs_on(&have, &want, &rank);
}

/* Whether the image that is here is what the registry calls `digest`, and as it is wanted. */
static bool is_same(const pulling *p, const bfci_base *base, const bfci_digest *digest)
{
    const bfci_image_facts *first = &base->facts.image[0];
    bfci_digest index;

    if (p->create.platform && !fits_platform(first, p->create.platform))
        return false;
    if (!p->create.all_platforms && bfci_digest_equal(&first->manifest, digest))
        return true;
    if (!index_digest(base, &index) || !bfci_digest_equal(&index, digest))
        return false;
    /* Of an index one image was taken, or all. */
    return p->create.all_platforms == (base->facts.image_count > 1) &&
           (p->create.platform || fits_platform(first, NULL));
}

static bool is_here(const pulling *p)
{
    AUTO_FREE char *path = NULL;

    return p->store->backend->find(p->store, &p->name, &path, NULL) == 0;
}

/* One that cannot be read is not what is wanted, whatever it is. */
static bool is_up_to_date(const pulling *p, const bfci_digest *digest)
{
    AUTO_BASE bfci_base base = {0};
    AUTO_FREE char *path = NULL;
    const bfc_keys *keys = p->create.writer.keys ? p->create.writer.keys : p->store->keys;

    return p->store->backend->find(p->store, &p->name, &path, NULL) == 0 &&
           bfci_base_load(path, keys, &base, NULL) == 0 && is_same(p, &base, digest);
}

/* Whether the head names a container file, and whether that is here. */
static int look_for_container(pulling *p, bool *is_here, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    int rc =
        bfci_container_recognise(p->head.bytes, p->head.len, &p->is_container, &p->container, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(p->reference));
    *is_here = p->is_container && p->store->backend->find(p->store, &p->name, &path, NULL) == 0 &&
               bfci_container_is_same(path, &p->container);
    return 0;
}

static int take_what_is_here(pulling *p, bfc_image_info **out, bfc_err *err)
{
    p->report.up_to_date = true;
    return out ? bfc_image_info_get(p->store, p->name.text, out, err) : 0;
}

/* ── What the registry has ── */

static int ask_head(pulling *p, bfci_registry *r, const char *name, bfc_err *err)
{
    if (p->with->told && r == p->with->registry) {
        p->head.digest = *p->with->told;
        p->head_is_known = true;
        return 0;
    }
    return bfci_manifest_head(r, name, &p->head_is_known, &p->head, err);
}

static int look(void *ctx, bfci_registry *r, const bfci_remote_ref *ref, bfc_err *err)
{
    pulling *p = ctx;
    char name[BFCI_TAG_MAX + DIGEST_TEXT_SIZE];

    bfci_manifest_name(ref, name);
    bfci_remote_manifest_release(&p->head);
    p->head_is_known = false;
    if (is_here(p)) {
        BFC_TRY(ask_head(p, r, name, err));
        if (p->head_is_known && is_up_to_date(p, &p->head.digest))
            return 0;
        bfci_remote_manifest_release(&p->head);
    }
    BFC_TRY(bfci_manifest_get(r, name, &p->head, err));
    p->head_is_known = true;
    return 0;
}

/* A session that somebody has is worth a try. */
static int look_in_session(pulling *p, bfc_err *err)
{
    bfci_remote_ref ref;

    if (!p->with->registry)
        return BFC_E_NOT_FOUND;
    BFC_TRY(bfci_remote_ref_parse(p->reference, &ref, err));
    BFC_TRY(look(p, p->with->registry, &ref, err));
    p->registry = p->with->registry;
    return 0;
}

static int find(pulling *p, bfc_err *err)
{
    int rc = look_in_session(p, err);
    if (rc == 0 || rc == BFC_E_CANCELLED || rc == BFC_E_NOMEM)
        return rc;
    BFC_TRY(bfci_registry_find(p->client, p->reference, look, p, &p->own_registry, err));
    p->registry = p->own_registry;
    return 0;
}

/* ── Making ── */

/* A config of an artifact is a blob like its layers. */
static void expect(pulling *p, const bfci_image_plan *plan, size_t image,
                   const bfci_store_layers *have, const bfci_descriptor **list, size_t *count)
{
    const bfci_manifest *m = &plan->image[image].manifest;

    if (plan->image[image].is_artifact)
        list[(*count)++] = &m->config;
    for (size_t i = 0; i < m->layer_count; i++) {
        if (bfci_store_layers_has(have, plan, image, i))
            p->report.shared++;
        else
            list[(*count)++] = &m->layer[i];
    }
}

/* The store has its locks, and knows what it lacks. */
static int planned(void *ctx, const bfci_image_plan *plan, const bfci_store_layers *have,
                   bfc_err *err)
{
    pulling *p = ctx;
    AUTO_FREE const bfci_descriptor **list = NULL;
    AUTO_FREE char *folder = NULL;
    size_t most = 0, count = 0;

    for (size_t i = 0; i < plan->count; i++)
        most += plan->image[i].manifest.layer_count + 1;
    BFC_TRY(bfci_alloc(most, sizeof(const bfci_descriptor *), &list, err));
    p->report.shared = 0;
    for (size_t i = 0; i < plan->count; i++)
        expect(p, plan, i, have, list, &count);
    BFC_TRY(p->store->backend->downloads(p->store, true, &folder, err));
    return bfci_downloads_expect(p->downloads, folder, list, count, err);
}

static int make_once(pulling *p, bfc_image_info **out, bfc_err *err)
{
    const bfci_downloads_options fetching = {.registry = p->registry,
                                             .parallel = p->options->parallel,
                                             .blob = p->options->blob,
                                             .blob_ctx = p->options->blob_ctx};
    AUTO(bfci_origin) bfci_origin *origin = NULL;
    bfci_remote_manifest document = {.len = p->head.len};
    AUTO_FREE char *copy = NULL;

    bfci_downloads_close(bfci_steal(&p->downloads));
    BFC_TRY(bfci_downloads_open(&fetching, &p->downloads, err));
    if (p->is_container)
        return bfci_pull_container(
            &(bfci_container_pull){p->store, p->downloads, &p->container, &p->create}, &p->name,
            out, err);
    BFC_TRY(bfci_memdup_str((const char *)p->head.bytes, p->head.len, &copy, err));
    document.bytes = (uint8_t *)copy;
    int rc =
        bfci_origin_registry_new(p->registry, p->downloads, &document, p->reference, &origin, err);
    copy = (char *)document.bytes; /* NULL if it was taken over */
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(p->reference));
    const bfci_image_source source = {
        .origin = origin, .name = p->reference, .planned = planned, .ctx = p, .is_far = true};
    return bfci_image_from_origin(p->store, &p->name, &source, &p->create, out, err);
}

/* What an earlier run left may be damaged: that is seen by the digest, and fetched again. */
static int make(pulling *p, bfc_image_info **out, bfc_err *err)
{
    bool of_old = false;

    int rc = make_once(p, out, err);
    if (rc == BFC_E_CORRUPT && p->downloads) {
        bfc_err why = BFC_ERR_INIT;
        BFC_TRY(bfci_downloads_drop_wrong(p->downloads, &of_old, &why) < 0 ? rc : 0);
        if (of_old) {
            bfci_log(hooks_of(p), BFC_LOG_WARNING, "net",
                     "what an earlier pull had left was damaged: it is fetched again");
            rc = make_once(p, out, err);
        }
    }
    if (p->downloads)
        bfci_downloads_report(p->downloads, &p->report);
    if (rc == 0)
        bfci_downloads_forget(p->downloads);
    return rc;
}

/* ── All of it ── */

static int pull(pulling *p, bfc_image_info **out, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    if (p->options->policy == BFC_PULL_MISSING && is_here(p))
        return take_what_is_here(p, out, err);
    if (!p->with->client)
        BFC_TRY(bfci_client_open(&p->options->registry, &p->own_client, err));
    p->client = p->with->client ? p->with->client : p->own_client;
    int rc = find(p, &why);
    if (rc < 0 && rc != BFC_E_CANCELLED && rc != BFC_E_NOMEM &&
        p->options->policy == BFC_PULL_NEWER && is_here(p)) {
        bfci_log(hooks_of(p), BFC_LOG_WARNING, "net", "%s; the image that is here is taken",
                 why.msg);
        return take_what_is_here(p, out, err);
    }
    if (rc < 0 && err)
        *err = why;
    BFC_TRY(rc);
    bfci_digest_text(&p->head.digest, p->report.digest);
    if (!p->head.bytes || is_up_to_date(p, &p->head.digest))
        return take_what_is_here(p, out, err);
    bool is_same_container = false;
    rc = look_for_container(p, &is_same_container, err);
    if (is_same_container)
        return take_what_is_here(p, out, err);
    if (p->with->only_look && rc == 0)
        return 0;
    if (rc == 0)
        rc = make(p, out, err);
    return bfci_wrap_making(p->store, &p->name, "pull", rc, err);
}

int bfci_pull_check(const bfc_image_pull_options *options, bfc_err *err)
{
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_PULL_OPTIONS_INIT, err));
    BFC_TRY(BFCI_CHECK_OPTIONS(&options->registry, BFC_REGISTRY_OPTIONS_INIT, err));
    BFC_TRY(BFCI_CHECK_OPTIONS(&options->create, BFC_IMAGE_CREATE_OPTIONS_INIT, err));
    if (options->create.trust)
        return bfci_fail(err, BFC_E_INVALID,
                         "only a container can be signed: a signature is of no use for a pull");
    return 0;
}

int bfci_pull(bfc_store *store, const char *reference, const bfc_image_pull_options *options,
              const bfci_pull_with *with, bfc_pull_report *report, bfc_image_info **out,
              bfc_err *err)
{
    AUTO_PULLING pulling p = {.store = store,
                              .reference = reference,
                              .options = options,
                              .create = options->create,
                              .with = with};

    p.create.writer.hooks = options->registry.hooks;
    p.create.writer.replace = true;
    BFC_TRY(options->name ? bfci_reference_parse(options->name, &p.name, err)
                          : name_of(reference, &p.name, err));
    BFC_TRY(pull(&p, out, err));
    if (report)
        *report = p.report;
    return 0;
}

int bfc_image_pull(bfc_store *store, const char *reference, const bfc_image_pull_options *options,
                   bfc_pull_report *report, bfc_image_info **out, bfc_err *err)
{
    static const bfc_image_pull_options defaults = BFC_IMAGE_PULL_OPTIONS_INIT;

    if (!options)
        options = &defaults;
    BFC_TRY(bfci_pull_check(options, err));
    return bfci_pull(store, reference, options, &(bfci_pull_with){0}, report, out, err);
}
