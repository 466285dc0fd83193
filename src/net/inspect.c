/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at what a registry has, without taking it. */
#include "net/origin_registry.h"
#include "net/tags.h"
#include "oci/image_plan.h"

/* ── Tags ── */

void bfc_registry_tag_list_free(bfc_registry_tag_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        free(list->tag[i]);
    free(list->tag);
    free(list->repository);
    free(list);
}
BFCI_DEFINE_AUTO(bfc_registry_tag_list, bfc_registry_tag_list_free)

static int list_tags(void *ctx, bfci_registry *r, const bfci_remote_ref *ref, bfc_err *err)
{
    (void)ref;
    return bfci_tags_get(r, ctx, err);
}

int bfc_registry_tags(const char *reference, const bfc_registry_options *options,
                      bfc_registry_tag_list **out, bfc_err *err)
{
    AUTO(bfci_client) bfci_client *client = NULL;
    AUTO(bfci_registry) bfci_registry *r = NULL;
    AUTO(bfc_registry_tag_list) bfc_registry_tag_list *list = NULL;
    AUTO_TAGS bfci_tags tags = {0};

    BFC_TRY(bfci_client_open(options, &client, err));
    BFC_TRY(bfci_registry_find(client, reference, list_tags, &tags, &r, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *list, &list, err));
    BFC_TRY(bfci_strdup(bfci_registry_name(r), &list->repository, err));
    list->count = tags.count;
    list->tag = tags.item;
    tags = (bfci_tags){0};
    *out = bfci_steal(&list);
    return 0;
}

/* ── Inspect ── */

static int get_document(void *ctx, bfci_registry *r, const bfci_remote_ref *ref, bfc_err *err)
{
    bfci_remote_manifest *m = ctx;
    char name[BFCI_TAG_MAX + DIGEST_TEXT_SIZE];

    bfci_manifest_name(ref, name);
    return bfci_manifest_get(r, name, m, err);
}

/* A document as a member; what is no JSON is null. */
static int put_document(json_t *to, const char *name, const uint8_t *bytes, size_t len,
                        bfc_err *err)
{
    json_t *root = NULL;
    bfci_json_node document;

    if (!bytes || bfci_json_load(bytes, len, name, JSON_FOREIGN, &root, &document, NULL) < 0)
        root = json_null();
    return bfci_json_put(to, name, root, err);
}

static int put_image(json_t *to, const bfci_image_plan *plan, bfc_err *err)
{
    const bfci_planned_image *image = &plan->image[0];

    if (plan->index)
        BFC_TRY(put_document(to, "index", plan->index, plan->index_len, err));
    BFC_TRY(bfci_json_put_digest(to, "manifest_digest", &image->digest, err));
    BFC_TRY(put_document(to, "manifest", image->manifest_bytes, image->manifest_len, err));
    BFC_TRY(put_document(to, "config", image->config_bytes, image->config_len, err));
    if (!image->platform)
        return 0;
    return bfci_json_put_text(to, "platform", image->platform, err);
}

static int put_referrers(json_t *to, bfci_registry *r, const bfci_digest *digest, bfc_err *err)
{
    AUTO(json_t) json_t *list = json_array();

    if (!list)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_referrers_get(r, digest, list, err));
    return bfci_json_put(to, "referrers", json_incref(list), err);
}

struct sight {
    bfci_registry *registry;
    bfci_remote_manifest document;
    const char *reference, *platform;
    bool referrers;
};

static int describe(struct sight *s, json_t *to, bfc_err *err)
{
    const bfci_downloads_options fetching = {.registry = s->registry};
    const bfci_plan_choice choice = {.platform = s->platform, .artifacts = true};
    const char *type = s->document.media_type;
    const bfci_digest digest = s->document.digest;
    const size_t size = s->document.len;
    AUTO(bfci_downloads) bfci_downloads *downloads = NULL;
    AUTO(bfci_origin) bfci_origin *origin = NULL;
    AUTO_IMAGE_PLAN bfci_image_plan plan = {0};

    BFC_TRY(bfci_json_put_text(to, "name", bfci_registry_name(s->registry), err));
    BFC_TRY(bfci_json_put_digest(to, "digest", &digest, err));
    BFC_TRY(bfci_json_put_text(to, "media_type", type, err));
    BFC_TRY(bfci_json_put_number(to, "size", size, err));
    BFC_TRY(bfci_downloads_open(&fetching, &downloads, err));
    BFC_TRY(
        bfci_origin_registry_new(s->registry, downloads, &s->document, s->reference, &origin, err));
    BFC_TRY(bfci_image_plan_make(origin, &choice, &plan, err));
    BFC_TRY(put_image(to, &plan, err));
    return s->referrers ? put_referrers(to, s->registry, &digest, err) : 0;
}

int bfc_registry_inspect(const char *reference, const char *platform, bool referrers,
                         const bfc_registry_options *options, char **json, size_t *len,
                         bfc_err *err)
{
    AUTO(bfci_client) bfci_client *client = NULL;
    AUTO(bfci_registry) bfci_registry *r = NULL;
    AUTO(json_t) json_t *to = json_object();
    AUTO_REMOTE_MANIFEST bfci_remote_manifest document = {0};
    AUTO_FREE char *text = NULL;

    if (!to)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_client_open(options, &client, err));
    BFC_TRY(bfci_registry_find(client, reference, get_document, &document, &r, err));
    struct sight s = {.registry = r,
                      .document = document,
                      .reference = reference,
                      .platform = platform,
                      .referrers = referrers};
    document = (bfci_remote_manifest){0};
    int rc = describe(&s, to, err);
    bfci_remote_manifest_release(&s.document);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(reference));
    BFC_TRY(bfci_json_dump(to, &text, err));
    *len = strlen(text);
    *json = bfci_steal(&text);
    return 0;
}
