/* SPDX-License-Identifier: Apache-2.0 */
/* Images as the blobs of an OCI layout. The configuration is the one that came, byte for byte; so
 * is the manifest, if the layers come out as they came. Of several images there is an index, by the
 * same rule. */
#include <stdio.h>

#include "base/hooks.h"
#include "oci/config.h"
#include "oci/export_parts.h"
#include "oci/manifest.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define CREATED_BY "bfc image create"

int bfci_export_put(const bfci_export_target *t, const char *name, const void *bytes, size_t len,
                    bfc_err *err)
{
    BFC_TRY(t->begin(t->ctx, err));
    if (len > 0)
        BFC_TRY(t->write(t->ctx, bytes, len, err));
    return t->end(t->ctx, name, err);
}

void bfci_export_blob_name(const bfci_digest *d, char out[EXPORT_NAME_MAX])
{
    char hex[2 * BFC_DIGEST_SIZE + 1];

    bfci_hex(d->bytes, sizeof d->bytes, hex);
    (void)snprintf(out, EXPORT_NAME_MAX, "blobs/sha256/%s", hex);
}

static int put_blob(bfci_export_run *run, const bfci_export_target *t, const void *bytes,
                    size_t len, bfci_digest *digest, bfc_err *err)
{
    char name[EXPORT_NAME_MAX];
    bool is_new = false;

    BFC_TRY(bfci_sha256(bytes, len, digest->bytes, err));
    BFC_TRY(bfci_export_claim(run, digest, &is_new, err));
    if (!is_new)
        return 0;
    bfci_export_blob_name(digest, name);
    return bfci_export_put(t, name, bytes, len, err);
}

/* ── Documents of the container ── */

int bfci_export_document(bfci_export_run *run, size_t number, const char *name,
                         const bfci_digest *digest, size_t max, uint8_t **bytes, size_t *len,
                         bfc_err *err)
{
    char blob[64], want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];
    AUTO_FREE uint8_t *data = NULL;
    bfci_digest got;
    size_t size = 0;

    (void)snprintf(blob, sizeof blob, "oci/%zu/%s", number, name);
    int rc = bfc_reader_blob(run->e->r, blob, &data, &size, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, BFC_E_CORRUPT, "the container has no blob '%s'", blob);
    BFC_TRY(rc);
    if (size > max)
        return bfci_fail(err, BFC_E_CORRUPT, "blob '%s' has %zu bytes, %zu are allowed", blob, size,
                         max);
    BFC_TRY(bfci_sha256(data, size, got.bytes, err));
    if (!bfci_digest_equal(&got, digest)) {
        bfci_digest_text(digest, want);
        bfci_digest_text(&got, have);
        return bfci_fail(err, BFC_E_CORRUPT, "blob '%s' has the digest %s, expected %s", blob, have,
                         want);
    }
    *bytes = bfci_steal(&data);
    *len = size;
    return 0;
}

static int platform_of(const bfci_export_run *run, bfci_platform *out, bfc_err *err)
{
    const char *text = run->facts.platform;

    if (text && strcmp(text, "unknown") == 0)
        text = NULL;
    return bfci_platform_parse(text, out, err);
}

int bfci_export_config(bfci_export_run *run, const bfci_digest *diff_id, char **json, bfc_err *err)
{
    AUTO_PLATFORM bfci_platform platform = {0};
    AUTO_FREE char *empty = NULL;
    char created[32];

    bfci_time_text(run->commit.time, created);
    BFC_TRY(platform_of(run, &platform, err));
    BFC_TRY(bfci_config_make(&platform, created, &empty, err));
    const bfci_history history = {.created = created, .created_by = (char[]){CREATED_BY}};
    const bfci_config_edit edit = {
        .diff_ids = diff_id,
        .diff_id_count = 1,
        .set_layers = true,
        .history = &history,
        .history_count = 1,
        .created = created,
    };
    return bfci_config_edit_apply((const uint8_t *)empty, strlen(empty), &edit, json, err);
}

/* ── One image ── */

typedef struct described {
    const char *media_type; /* borrowed from `own`, or static */
    char *own;
    bfci_digest digest;
    size_t size;
} described;

static void described_release(described *d)
{
    free(d->own);
}
#define AUTO_DESCRIBED __attribute__((cleanup(described_release)))

static const char *layer_type(enum bfci_coding coding)
{
    static const char *const types[] = {
        [CODING_PLAIN] = "application/vnd.oci.image.layer.v1.tar",
        [CODING_GZIP] = "application/vnd.oci.image.layer.v1.tar+gzip",
        [CODING_ZSTD] = "application/vnd.oci.image.layer.v1.tar+zstd",
    };

    return types[coding];
}

/* What came is not made again where the target has it, if it is what is wanted. */
static int look_for_layer(bfci_export_run *run, const bfci_export_target *t,
                          const bfci_layer_facts *layer, bool *there, enum bfci_coding *coding,
                          bfc_err *err)
{
    bool will_do = layer && bfci_media_kind(layer->media_type, coding) == MEDIA_LAYER &&
                   (run->e->any_coding || *coding == run->e->coding);

    *there = false;
    if (!t->layer)
        return 0;
    return t->layer(t->ctx, will_do ? &layer->digest : NULL, will_do ? layer->size : 0, there, err);
}

static int put_layer(bfci_export_run *run, const bfci_export_target *t,
                     const bfci_layer_facts *layer, size_t *at, bfc_err *err)
{
    char name[EXPORT_NAME_MAX];
    enum bfci_coding coding = CODING_PLAIN;
    bool there = false;

    *at = layer ? bfci_export_known(run, &layer->diff_id) : SIZE_MAX;
    if (*at != SIZE_MAX)
        return 0;
    BFC_TRY(look_for_layer(run, t, layer, &there, &coding, err));
    if (there)
        return bfci_export_note_came(run, layer, coding, at, err);
    BFC_TRY(t->begin(t->ctx, err));
    BFC_TRY(bfci_export_pack(run, layer, t->write, t->ctx, at, err));
    bfci_export_blob_name(&run->packed[*at].digest, name);
    return t->end(t->ctx, name, err);
}

static bfci_layer_descriptor describe_layer(const bfci_export_run *run, size_t at)
{
    const bfci_packed *p = &run->packed[at];

    return (bfci_layer_descriptor){layer_type(p->coding), p->digest, p->size};
}

static int put_manifest(bfci_export_run *run, const bfci_export_target *t, const void *json,
                        size_t len, described *out, bfc_err *err)
{
    bool is_new = false;

    out->size = len;
    if (!t->document)
        return put_blob(run, t, json, len, &out->digest, err);
    BFC_TRY(bfci_sha256(json, len, out->digest.bytes, err));
    BFC_TRY(bfci_export_claim(run, &out->digest, &is_new, err));
    return is_new ? t->document(t->ctx, out->media_type, json, len, err) : 0;
}

/* The manifest of an image whose layers are written: the one that came if they are what it names.
 */
static int put_made_manifest(bfci_export_run *run, const bfci_export_target *t, size_t number,
                             const bfci_layer_descriptor *layers, bool as_they_came,
                             uint64_t config_size, described *out, bfc_err *err)
{
    const bfci_image_facts *image = &run->facts.image[number];
    AUTO_MANIFEST bfci_manifest parsed = {0};
    AUTO_FREE uint8_t *came = NULL;
    AUTO_FREE char *made = NULL;
    size_t len = 0;

    BFC_TRY(bfci_export_document(run, number, "manifest", &image->manifest, MANIFEST_SIZE_MAX,
                                 &came, &len, err));
    if (as_they_came) {
        BFC_TRY(bfci_manifest_parse(came, len, "manifest", &parsed, err));
        out->media_type = out->own = bfci_steal(&parsed.media_type);
        return put_manifest(run, t, came, len, out, err);
    }
    BFC_TRY(bfci_manifest_make(&image->config, config_size, layers, image->layer_count, came, len,
                               &made, err));
    out->media_type = OCI_MANIFEST;
    return put_manifest(run, t, made, strlen(made), out, err);
}

static int put_artifact(bfci_export_run *run, const bfci_export_target *t, size_t number,
                        described *out, bfc_err *err)
{
    const bfci_image_facts *image = &run->facts.image[number];
    AUTO_MANIFEST bfci_manifest manifest = {0};
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;

    BFC_TRY(bfci_export_document(run, number, "manifest", &image->manifest, MANIFEST_SIZE_MAX,
                                 &json, &len, err));
    BFC_TRY(bfci_manifest_parse(json, len, "manifest", &manifest, err));
    BFC_TRY(bfci_export_artifact(run, t, image, &manifest, err));
    out->media_type = out->own = bfci_steal(&manifest.media_type);
    return put_manifest(run, t, json, len, out, err);
}

static int put_image(bfci_export_run *run, const bfci_export_target *t, size_t number,
                     described *out, bfc_err *err)
{
    const bfci_image_facts *image = &run->facts.image[number];
    AUTO_FREE bfci_layer_descriptor *layers = NULL;
    AUTO_FREE uint8_t *config = NULL;
    bfci_digest digest;
    size_t config_len = 0;
    bool as_they_came = true;

    if (image->is_artifact)
        return put_artifact(run, t, number, out, err);
    BFC_TRY(bfci_alloc_zero(image->layer_count + 1, sizeof *layers, &layers, err));
    BFC_TRY(bfci_export_document(run, number, "config", &image->config, CONFIG_SIZE_MAX, &config,
                                 &config_len, err));
    for (size_t i = 0; i < image->layer_count; i++) {
        size_t at = 0;
        BFC_TRY(put_layer(run, t, &image->layer[i], &at, err));
        layers[i] = describe_layer(run, at);
        if (layers[i].size != image->layer[i].size ||
            !bfci_digest_equal(&layers[i].digest, &image->layer[i].digest))
            as_they_came = false;
    }
    BFC_TRY(put_blob(run, t, config, config_len, &digest, err));
    return put_made_manifest(run, t, number, layers, as_they_came, config_len, out, err);
}

static int put_directory(bfci_export_run *run, const bfci_export_target *t, described *out,
                         bfc_err *err)
{
    AUTO_FREE char *config = NULL, *manifest = NULL;
    bfci_digest digest;
    size_t at = 0;

    BFC_TRY(put_layer(run, t, NULL, &at, err));
    BFC_TRY(bfci_export_config(run, &run->packed[at].diff_id, &config, err));
    BFC_TRY(put_blob(run, t, config, strlen(config), &digest, err));
    const bfci_layer_descriptor layer = describe_layer(run, at);
    BFC_TRY(bfci_manifest_make(&digest, strlen(config), &layer, 1, NULL, 0, &manifest, err));
    out->media_type = OCI_MANIFEST;
    return put_manifest(run, t, manifest, strlen(manifest), out, err);
}

/* ── All of them ── */

static int put_platform(json_t *object, const char *text, bfc_err *err)
{
    AUTO_PLATFORM bfci_platform p = {0};
    AUTO(json_t) json_t *platform = json_object();

    if (!platform)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_platform_parse(text, &p, err));
    BFC_TRY(bfci_json_put_text(platform, "architecture", p.arch, err));
    BFC_TRY(bfci_json_put_text(platform, "os", p.os, err));
    if (p.variant)
        BFC_TRY(bfci_json_put_text(platform, "variant", p.variant, err));
    return bfci_json_put(object, "platform", bfci_steal(&platform), err);
}

/* What the index that the image came by says of it, besides what may have changed. */
static int like_before(const bfci_index *before, const bfci_image_facts *image, json_t *object,
                       bool *found, bfc_err *err)
{
    for (size_t i = 0; i < before->count && !*found; i++) {
        const bfci_descriptor *d = &before->entry[i];
        if (!bfci_digest_equal(&d->digest, &image->manifest))
            continue;
        AUTO(json_t) json_t *was = json_loads(d->json, 0, NULL);
        json_t *platform = json_object_get(was, "platform");
        json_t *annotations = json_object_get(was, "annotations");
        json_t *artifact_type = json_object_get(was, "artifactType");
        if (platform)
            BFC_TRY(bfci_json_put(object, "platform", json_incref(platform), err));
        if (annotations)
            BFC_TRY(bfci_json_put(object, "annotations", json_incref(annotations), err));
        if (artifact_type)
            BFC_TRY(bfci_json_put(object, "artifactType", json_incref(artifact_type), err));
        *found = platform != NULL;
    }
    return 0;
}

static int read_index(const bfci_export_run *run, bfci_index *out, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfc_reader_blob(run->e->r, "oci/index", &json, &len, &why);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    return bfci_index_parse(json, len, "index of the image", out, err);
}

static int add_image(bfci_export_run *run, const bfci_export_target *t, const bfci_index *before,
                     size_t number, json_t *list, bfc_err *err)
{
    const bfci_image_facts *image = &run->facts.image[number];
    AUTO_DESCRIBED described d = {0};
    AUTO(json_t) json_t *object = NULL;
    bool found = false;

    BFC_TRY(put_image(run, t, number, &d, err));
    BFC_TRY(bfci_json_descriptor(d.media_type, &d.digest, d.size, &object, err));
    BFC_TRY(like_before(before, image, object, &found, err));
    if (!found && image->platform)
        BFC_TRY(put_platform(object, image->platform, err));
    return bfci_json_append(list, bfci_steal(&object), err);
}

static int make_index(json_t *list, char **json, bfc_err *err)
{
    AUTO(json_t) json_t *index = json_object();

    if (!index)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put_number(index, "schemaVersion", 2, err));
    BFC_TRY(bfci_json_put_text(index, "mediaType", OCI_INDEX, err));
    BFC_TRY(bfci_json_put(index, "manifests", json_incref(list), err));
    return bfci_json_dump(index, json, err);
}

static int put_several(bfci_export_run *run, const bfci_export_target *t, described *out,
                       bfc_err *err)
{
    AUTO_INDEX bfci_index before = {0};
    AUTO(json_t) json_t *list = json_array();
    AUTO_FREE char *json = NULL;

    if (!list)
        return bfci_fail_nomem(err);
    BFC_TRY(read_index(run, &before, err));
    for (size_t i = 0; i < run->facts.image_count; i++)
        BFC_TRY(add_image(run, t, &before, i, list, err));
    BFC_TRY(make_index(list, &json, err));
    out->media_type = OCI_INDEX;
    return put_manifest(run, t, json, strlen(json), out, err);
}

static int name_it(json_t *root, const char *ref, bfc_err *err)
{
    AUTO(json_t) json_t *annotations = json_object();

    if (!annotations)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put_text(annotations, BFCI_EXPORT_REF_NAME, ref, err));
    return bfci_json_put(root, "annotations", bfci_steal(&annotations), err);
}

int bfci_export_images(bfci_export_run *run, const bfci_export_target *t, json_t **root,
                       bfc_err *err)
{
    AUTO_DESCRIBED described d = {0};
    AUTO(json_t) json_t *object = NULL;

    if (run->facts.image_count == 0)
        BFC_TRY(put_directory(run, t, &d, err));
    else if (run->facts.image_count == 1)
        BFC_TRY(put_image(run, t, 0, &d, err));
    else
        BFC_TRY(put_several(run, t, &d, err));
    BFC_TRY(bfci_json_descriptor(d.media_type, &d.digest, d.size, &object, err));
    BFC_TRY(name_it(object, run->e->ref, err));
    *root = bfci_steal(&object);
    return 0;
}
