/* SPDX-License-Identifier: Apache-2.0 */
/* New image manifests: always OCI's media types, members in the order in which the specification
 * names them, so that the same image gives the same bytes. */
#include "oci/descriptor.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"

static int put_layers(json_t *root, const bfci_layer_descriptor *layers, size_t count, bfc_err *err)
{
    AUTO(json_t) json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        const bfci_layer_descriptor *l = &layers[i];
        json_t *d;
        BFC_TRY(bfci_json_descriptor(l->media_type, &l->digest, l->size, &d, err));
        BFC_TRY(bfci_json_append(list, d, err));
    }
    return bfci_json_put(root, "layers", bfci_steal(&list), err);
}

/* A member of `like`, if it is there. */
static int take_over(json_t *root, const json_t *like, const char *name, bfc_err *err)
{
    json_t *value = json_object_get(like, name);

    if (!value || json_is_null(value))
        return 0;
    return bfci_json_put(root, name, json_incref(value), err);
}

static int load_like(const uint8_t *json, size_t len, json_t **out, bfc_err *err)
{
    static const char what[] = "the image's manifest";
    AUTO_MANIFEST bfci_manifest checked = {0};
    bfci_json_node document;

    if (!json)
        return 0;
    BFC_TRY(bfci_manifest_parse(json, len, what, &checked, err));
    return bfci_json_load(json, len, what, JSON_FOREIGN, out, &document, err);
}

int bfci_manifest_make(const bfci_digest *config, uint64_t config_size,
                       const bfci_layer_descriptor *layers, size_t count, const uint8_t *like,
                       size_t like_len, char **json, bfc_err *err)
{
    AUTO(json_t) json_t *old = NULL;
    AUTO(json_t) json_t *root = json_object();
    json_t *descriptor;

    if (!root)
        return bfci_fail_nomem(err);
    BFC_TRY(load_like(like, like_len, &old, err));
    BFC_TRY(bfci_json_put_number(root, "schemaVersion", 2, err));
    BFC_TRY(bfci_json_put_text(root, "mediaType", OCI_MANIFEST, err));
    BFC_TRY(take_over(root, old, "artifactType", err));
    BFC_TRY(bfci_json_descriptor(OCI_CONFIG, config, config_size, &descriptor, err));
    BFC_TRY(bfci_json_put(root, "config", descriptor, err));
    BFC_TRY(put_layers(root, layers, count, err));
    BFC_TRY(take_over(root, old, "subject", err));
    BFC_TRY(take_over(root, old, "annotations", err));
    return bfci_json_dump(root, json, err);
}
