/* SPDX-License-Identifier: Apache-2.0 */
/* Image manifests (image-spec 1.1, manifest.md; Docker's schema 2) and indexes (image-index.md). */
#include "oci/descriptor.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_PREFIX "application/vnd.docker."

void bfci_manifest_release(bfci_manifest *m)
{
    free(m->media_type);
    free(m->artifact_type);
    bfci_descriptor_release(&m->config);
    bfci_descriptors_free(m->layer, m->layer_count);
    *m = (bfci_manifest){0};
}

void bfci_index_release(bfci_index *i)
{
    bfci_descriptors_free(i->entry, i->count);
    *i = (bfci_index){0};
}

static int load_kind(const uint8_t *json, size_t len, const char *what, enum bfci_media want,
                     json_t **root, bfci_json_node *out, bfc_err *err)
{
    enum bfci_media kind;

    BFC_TRY(bfci_json_load(json, len, what, JSON_FOREIGN, root, out, err));
    BFC_TRY(bfci_document_check(out, &kind, err));
    if (kind == want)
        return 0;
    return bfci_json_fail(out, BFC_E_CORRUPT, err,
                          want == MEDIA_MANIFEST
                              ? "it is an image index, an image manifest was expected"
                              : "it is an image manifest, an image index was expected");
}

int bfci_document_kind(const uint8_t *json, size_t len, const char *what, enum bfci_media *out,
                       bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;

    BFC_TRY(bfci_json_load(json, len, what, JSON_FOREIGN, &root, &document, err));
    return bfci_document_check(&document, out, err);
}

static int read_media_type(const bfci_json_node *root, bfci_manifest *m, bfc_err *err)
{
    const bfci_json_node type = bfci_json_member(root, "mediaType");

    BFC_TRY(bfci_json_may_copy(&type, &m->media_type, err));
    if (m->media_type)
        return 0;
    bool docker = strncmp(m->config.media_type, DOCKER_PREFIX, sizeof DOCKER_PREFIX - 1) == 0;
    return bfci_strdup(docker ? DOCKER_MANIFEST : OCI_MANIFEST, &m->media_type, err);
}

int bfci_manifest_parse(const uint8_t *json, size_t len, const char *what, bfci_manifest *out,
                        bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    AUTO_MANIFEST bfci_manifest m = {0};
    bfci_json_node document;

    BFC_TRY(load_kind(json, len, what, MEDIA_MANIFEST, &root, &document, err));
    const bfci_json_node config = bfci_json_member(&document, "config");
    const bfci_json_node layers = bfci_json_member(&document, "layers");
    const bfci_json_node artifact = bfci_json_member(&document, "artifactType");
    BFC_TRY(bfci_descriptor_read(&config, &m.config, err));
    if (!json_object_get(root, "layers")) /* null is how Go writes an empty list */
        BFC_TRY(bfci_json_need_array(&layers, LAYERS_MAX, err));
    BFC_TRY(bfci_descriptors_read(&layers, LAYERS_MAX, &m.layer, &m.layer_count, err));
    BFC_TRY(bfci_json_may_copy(&artifact, &m.artifact_type, err));
    BFC_TRY(read_media_type(&document, &m, err));
    m.is_image = bfci_media_kind(m.config.media_type, NULL) == MEDIA_CONFIG;
    *out = m;
    m = (bfci_manifest){0};
    return 0;
}

int bfci_index_parse(const uint8_t *json, size_t len, const char *what, bfci_index *out,
                     bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    AUTO_INDEX bfci_index i = {0};
    bfci_json_node document;

    BFC_TRY(load_kind(json, len, what, MEDIA_INDEX, &root, &document, err));
    const bfci_json_node manifests = bfci_json_member(&document, "manifests");
    if (!json_object_get(root, "manifests"))
        BFC_TRY(bfci_json_need_array(&manifests, INDEX_ENTRIES_MAX, err));
    BFC_TRY(bfci_descriptors_read(&manifests, INDEX_ENTRIES_MAX, &i.entry, &i.count, err));
    *out = i;
    i = (bfci_index){0};
    return 0;
}
