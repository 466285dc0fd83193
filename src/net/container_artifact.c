/* SPDX-License-Identifier: Apache-2.0 */
#include "net/container_artifact.h"

#include <inttypes.h>
#include <stdio.h>

#include "oci/json.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define ROOT_DIGEST "vnd.bfc.container.root-digest"     /* 64 hexadecimal digits */
#define COMMIT_OFFSET "vnd.bfc.container.commit-offset" /* bytes, decimal */
#define TITLE "org.opencontainers.image.title"

int bfci_container_look(int fd, bfci_container_artifact *out, bfc_err *err)
{
    bfc_container_info info;
    char path[32];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    BFC_TRY(bfc_container_peek(path, NULL, &info, err));
    *out = (bfci_container_artifact){.size = info.file_size,
                                     .has_root = strcmp(info.encryption, "none") == 0,
                                     .offset = info.commit.offset};
    if (out->has_root)
        memcpy(out->root, info.commit.root_digest, sizeof out->root);
    return 0;
}

bool bfci_container_is_same(const char *path, const bfci_container_artifact *a)
{
    bfc_container_info info;

    return a->has_root && bfc_container_peek(path, NULL, &info, NULL) == 0 &&
           info.file_size == a->size && info.commit.offset == a->offset &&
           memcmp(info.commit.root_digest, a->root, sizeof a->root) == 0;
}

/* ── Making ── */

static int put_layer(json_t *manifest, const bfci_container_artifact *a, const char *title,
                     bfc_err *err)
{
    AUTO(json_t) json_t *layer = NULL, *layers = json_array(), *annotations = json_object();

    if (!layers || !annotations)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_descriptor(BFCI_CONTAINER_TYPE, &a->file, a->size, &layer, err));
    BFC_TRY(bfci_json_put_text(annotations, TITLE, title, err));
    BFC_TRY(bfci_json_put(layer, "annotations", bfci_steal(&annotations), err));
    BFC_TRY(bfci_json_append(layers, bfci_steal(&layer), err));
    return bfci_json_put(manifest, "layers", bfci_steal(&layers), err);
}

static int put_annotations(json_t *manifest, const bfci_container_artifact *a, bfc_err *err)
{
    AUTO(json_t) json_t *annotations = json_object();
    char root[2 * BFC_DIGEST_SIZE + 1], offset[24];

    if (!annotations)
        return bfci_fail_nomem(err);
    if (!a->has_root)
        return 0;
    bfci_hex(a->root, sizeof a->root, root);
    (void)snprintf(offset, sizeof offset, "%" PRIu64, a->offset);
    BFC_TRY(bfci_json_put_text(annotations, ROOT_DIGEST, root, err));
    BFC_TRY(bfci_json_put_text(annotations, COMMIT_OFFSET, offset, err));
    return bfci_json_put(manifest, "annotations", bfci_steal(&annotations), err);
}

int bfci_container_manifest(const bfci_container_artifact *a, const char *title, char **json,
                            bfc_err *err)
{
    AUTO(json_t) json_t *manifest = json_object(), *config = NULL;
    bfci_digest empty;

    if (!manifest)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_sha256(BFCI_EMPTY_CONFIG, strlen(BFCI_EMPTY_CONFIG), empty.bytes, err));
    BFC_TRY(bfci_json_descriptor(BFCI_EMPTY_TYPE, &empty, strlen(BFCI_EMPTY_CONFIG), &config, err));
    BFC_TRY(bfci_json_put_number(manifest, "schemaVersion", 2, err));
    BFC_TRY(bfci_json_put_text(manifest, "mediaType", MANIFEST_TYPE, err));
    BFC_TRY(bfci_json_put_text(manifest, "artifactType", BFCI_CONTAINER_TYPE, err));
    BFC_TRY(bfci_json_put(manifest, "config", bfci_steal(&config), err));
    BFC_TRY(put_layer(manifest, a, title, err));
    BFC_TRY(put_annotations(manifest, a, err));
    return bfci_json_dump(manifest, json, err);
}

/* ── Recognising ── */

static bool read_hex(const char *text, uint8_t out[BFC_DIGEST_SIZE])
{
    char digest[DIGEST_TEXT_SIZE];
    bfci_digest parsed;

    if (strlen(text) != 2 * BFC_DIGEST_SIZE)
        return false;
    (void)snprintf(digest, sizeof digest, "sha256:%s", text);
    if (bfci_digest_parse(digest, &parsed, NULL) < 0)
        return false;
    memcpy(out, parsed.bytes, BFC_DIGEST_SIZE);
    return true;
}

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;

    if (*text < '0' || *text > '9' || strlen(text) > 18)
        return false;
    *out = strtoull(text, &end, 10);
    return !*end;
}

/* Annotations that are not there are no failure: then the file is checked by its digest alone. */
static int read_annotations(const uint8_t *json, size_t len, bfci_container_artifact *out,
                            bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;
    const char *digest = NULL, *offset = NULL;

    BFC_TRY(bfci_json_load(json, len, "manifest", JSON_FOREIGN, &root, &document, err));
    const bfci_json_node annotations = bfci_json_member(&document, "annotations");
    BFC_TRY(bfci_json_may_object(&annotations, err));
    const bfci_json_node digest_node = bfci_json_member(&annotations, ROOT_DIGEST);
    const bfci_json_node offset_node = bfci_json_member(&annotations, COMMIT_OFFSET);
    BFC_TRY(bfci_json_may_text(&digest_node, &digest, err));
    BFC_TRY(bfci_json_may_text(&offset_node, &offset, err));
    if (!digest && !offset)
        return 0;
    if (!digest || !offset || !read_hex(digest, out->root) || !read_number(offset, &out->offset))
        return bfci_json_fail(&annotations, BFC_E_CORRUPT, err,
                              "%s needs 64 hexadecimal digits, %s a number of bytes", ROOT_DIGEST,
                              COMMIT_OFFSET);
    out->has_root = true;
    return 0;
}

int bfci_container_recognise(const uint8_t *json, size_t len, bool *is_one,
                             bfci_container_artifact *out, bfc_err *err)
{
    AUTO_MANIFEST bfci_manifest m = {0};
    enum bfci_media kind = MEDIA_OTHER;

    *is_one = false;
    BFC_TRY(bfci_document_kind(json, len, "manifest", &kind, err));
    if (kind != MEDIA_MANIFEST)
        return 0;
    BFC_TRY(bfci_manifest_parse(json, len, "manifest", &m, err));
    if (!m.artifact_type || strcmp(m.artifact_type, BFCI_CONTAINER_TYPE) != 0)
        return 0;
    if (m.layer_count != 1 || strcmp(m.layer[0].media_type, BFCI_CONTAINER_TYPE) != 0)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "manifest: an artifact of type %s has one layer of that media type, this "
                         "one has %zu",
                         BFCI_CONTAINER_TYPE, m.layer_count);
    *out = (bfci_container_artifact){.file = m.layer[0].digest, .size = m.layer[0].size};
    BFC_TRY(read_annotations(json, len, out, err));
    *is_one = true;
    return 0;
}
