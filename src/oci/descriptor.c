/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors (image-spec 1.1, descriptor.md), and telling manifests from indexes. A document that
 * could be taken for both is refused: two readers would see two images under one digest
 * (CVE-2021-41190). */
#include "oci/descriptor.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define REFERENCE_TYPE "vnd.docker.reference.type"

void bfci_descriptor_release(bfci_descriptor *d)
{
    free(d->media_type);
    free(d->artifact_type);
    free(d->ref_name);
    bfci_platform_release(&d->platform);
    free(d->json);
    *d = (bfci_descriptor){0};
}

void bfci_descriptors_free(bfci_descriptor *d, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bfci_descriptor_release(&d[i]);
    free(d);
}

static int read_annotations(const bfci_json_node *n, bfci_descriptor *out, bfc_err *err)
{
    const bfci_json_node annotations = bfci_json_member(n, "annotations");
    const bfci_json_node name = bfci_json_member(&annotations, REF_NAME);
    const bfci_json_node type = bfci_json_member(&annotations, REFERENCE_TYPE);

    BFC_TRY(bfci_json_may_object(&annotations, err));
    out->is_statement = type.value != NULL;
    return bfci_json_may_copy(&name, &out->ref_name, err);
}

static int read_platform(const bfci_json_node *n, bfci_descriptor *out, bfc_err *err)
{
    const bfci_json_node platform = bfci_json_member(n, "platform");

    if (!platform.value)
        return 0;
    BFC_TRY(bfci_json_need_object(&platform, err));
    BFC_TRY(bfci_platform_read(&platform, &out->platform, err));
    const bfci_platform *p = &out->platform;
    if (p->os && p->arch && strcmp(p->os, "unknown") == 0 && strcmp(p->arch, "unknown") == 0)
        out->is_statement = true;
    return 0;
}

int bfci_descriptor_read(const bfci_json_node *n, bfci_descriptor *out, bfc_err *err)
{
    const char *media_type;

    BFC_TRY(bfci_json_need_object(n, err));
    const bfci_json_node type = bfci_json_member(n, "mediaType");
    const bfci_json_node digest = bfci_json_member(n, "digest");
    const bfci_json_node size = bfci_json_member(n, "size");
    const bfci_json_node artifact = bfci_json_member(n, "artifactType");
    BFC_TRY(bfci_json_may_text(&type, &media_type, err));
    BFC_TRY(bfci_strdup(media_type ? media_type : "", &out->media_type, err));
    BFC_TRY(bfci_json_need_digest(&digest, &out->digest, err));
    BFC_TRY(bfci_json_need_number(&size, INT64_MAX, &out->size, err));
    BFC_TRY(bfci_json_may_copy(&artifact, &out->artifact_type, err));
    BFC_TRY(read_annotations(n, out, err));
    BFC_TRY(read_platform(n, out, err));
    return bfci_json_dump(n->value, &out->json, err);
}

int bfci_descriptors_read(const bfci_json_node *array, size_t max, bfci_descriptor **out,
                          size_t *count, bfc_err *err)
{
    const size_t wanted = bfci_json_count(array);

    BFC_TRY(bfci_json_may_array(array, max, err));
    BFC_TRY(bfci_alloc_zero(wanted, sizeof **out, out, err));
    *count = wanted;
    for (size_t i = 0; i < wanted; i++) {
        const bfci_json_node item = bfci_json_item(array, i);
        BFC_TRY(bfci_descriptor_read(&item, &(*out)[i], err));
    }
    return 0;
}

/* Docker's schema 1 tells its layers under another name, and not all that an image needs. */
static int check_schema(const bfci_json_node *root, const char *media_type, bfc_err *err)
{
    static const char type_1[] = "application/vnd.docker.distribution.manifest.v1+";
    const bfci_json_node version = bfci_json_member(root, "schemaVersion");
    const bfci_json_node fs_layers = bfci_json_member(root, "fsLayers");
    uint64_t number = 2;

    if (version.value)
        BFC_TRY(bfci_json_need_number(&version, INT64_MAX, &number, err));
    if (number == 1 || fs_layers.value ||
        (media_type && strncmp(media_type, type_1, sizeof type_1 - 1) == 0))
        return bfci_json_fail(root, BFC_E_UNSUPPORTED, err,
                              "it has Docker's schema 1: copy the image once more, as schema 2 or "
                              "OCI");
    if (number != 2)
        return bfci_json_fail(&version, BFC_E_UNSUPPORTED, err, "it is %llu, 2 was expected",
                              (unsigned long long)number);
    return 0;
}

static int kind_of_type(const bfci_json_node *type, const char *media_type, enum bfci_media *out,
                        bfc_err *err)
{
    enum bfci_media kind = bfci_media_kind(media_type, NULL);

    if (kind != MEDIA_MANIFEST && kind != MEDIA_INDEX)
        return bfci_json_fail(type, BFC_E_UNSUPPORTED, err,
                              "'%s' is neither an image manifest nor an image index",
                              BFCI_QUOTE_STR(media_type));
    *out = kind;
    return 0;
}

int bfci_document_check(const bfci_json_node *root, enum bfci_media *out, bfc_err *err)
{
    const bfci_json_node type = bfci_json_member(root, "mediaType");
    const bool has_manifests = json_object_get(root->value, "manifests") != NULL;
    const bool has_layers = json_object_get(root->value, "layers") != NULL ||
                            json_object_get(root->value, "config") != NULL;
    enum bfci_media kind = has_manifests ? MEDIA_INDEX : MEDIA_MANIFEST;
    const char *media_type;

    BFC_TRY(bfci_json_may_text(&type, &media_type, err));
    BFC_TRY(check_schema(root, media_type, err));
    if (media_type && *media_type)
        BFC_TRY(kind_of_type(&type, media_type, &kind, err));
    else if (!has_manifests && !has_layers)
        return bfci_json_fail(root, BFC_E_CORRUPT, err,
                              "it is neither an image manifest nor an image index: 'layers' or "
                              "'manifests' was expected");
    if (kind == MEDIA_INDEX ? has_layers : has_manifests)
        return bfci_json_fail(root, BFC_E_CORRUPT, err,
                              "it has members of an image manifest and of an image index");
    *out = kind;
    return 0;
}
