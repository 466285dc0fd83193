/* SPDX-License-Identifier: Apache-2.0 */
/* From a spec to an open origin, and documents that are checked against their descriptors. */
#include "oci/origin.h"

#include <inttypes.h>
#include "oci/json.h"
#include "oci/origin_parts.h"

void bfci_origin_release(bfci_origin *o)
{
    free(o->name);
    bfci_descriptor_release(&o->root);
    free(o->document);
    free(o->docker_manifest);
}

/* ── Opening ── */

static int open_kind(const char *kind, const char *rest, bfci_origin **out, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    const char *ref = NULL;

    if (strcmp(kind, "manifest") == 0)
        return bfci_manifest_open(rest, out, err);
    bool is_docker = strcmp(kind, "docker-archive") == 0;
    if (!is_docker && strcmp(kind, "oci") != 0 && strcmp(kind, "oci-archive") != 0)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no OCI image: expected a layout, an archive or a manifest",
                         BFCI_QUOTE_STR(rest));
    BFC_TRY(bfci_origin_split(rest, &path, &ref, err));
    return is_docker ? bfci_docker_open(path, ref, out, err)
                     : bfci_layout_open(path, ref, out, err);
}

int bfci_origin_open(const char *spec, bfci_origin **out, bfc_err *err)
{
    AUTO(bfci_origin) bfci_origin *o = NULL;
    const char *kind = NULL, *rest = NULL;

    BFC_TRY(bfci_origin_sniff(spec, &kind, &rest, err));
    int rc = open_kind(kind, rest, &o, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "source '%s:%s'", kind, BFCI_QUOTE_STR(rest));
    BFC_TRY(bfci_asprintf(&o->name, err, "%s:%s", kind, rest));
    *out = bfci_steal(&o);
    return 0;
}

/* ── Documents ── */

int bfci_descriptor_make(const char *media_type, const bfci_digest *digest, uint64_t size,
                         bfci_descriptor *out, bfc_err *err)
{
    AUTO_DESCRIPTOR bfci_descriptor d = {.digest = *digest, .size = size};
    AUTO(json_t) json_t *object = NULL;

    BFC_TRY(bfci_strdup(media_type, &d.media_type, err));
    BFC_TRY(bfci_json_descriptor(media_type, digest, size, &object, err));
    BFC_TRY(bfci_json_dump(object, &d.json, err));
    *out = d;
    d = (bfci_descriptor){0};
    return 0;
}

/* The media type that a document gives itself, or else what its kind has. */
static int describe(bfci_origin *o, const uint8_t *bytes, size_t len, enum bfci_media kind,
                    const char *what, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;
    bfci_digest digest;
    const char *type = NULL;

    BFC_TRY(bfci_sha256(bytes, len, digest.bytes, err));
    BFC_TRY(bfci_json_load(bytes, len, what, JSON_FOREIGN, &root, &document, err));
    const bfci_json_node told = bfci_json_member(&document, "mediaType");
    BFC_TRY(bfci_json_may_text(&told, &type, err));
    if (!type || !*type)
        type = kind == MEDIA_INDEX ? MEDIA_TYPE_INDEX : MEDIA_TYPE_MANIFEST;
    return bfci_descriptor_make(type, &digest, len, &o->root, err);
}

int bfci_origin_set_document(bfci_origin *o, uint8_t **bytes, size_t len, bfci_descriptor *promised,
                             const char *what, bfc_err *err)
{
    enum bfci_media kind = MEDIA_OTHER;

    BFC_TRY(bfci_document_kind(*bytes, len, what, &kind, err));
    enum bfci_media told = promised ? bfci_media_kind(promised->media_type, NULL) : MEDIA_OTHER;
    if (told != MEDIA_OTHER && told != kind)
        return bfci_fail(err, BFC_E_CORRUPT, "the descriptor of %s promises '%s', but it is %s",
                         what, BFCI_QUOTE_STR(promised->media_type),
                         kind == MEDIA_INDEX ? "an image index" : "an image manifest");
    if (!promised)
        BFC_TRY(describe(o, *bytes, len, kind, what, err));
    else {
        o->root = *promised;
        *promised = (bfci_descriptor){0};
    }
    o->is_checked = promised != NULL;
    o->kind = kind;
    o->document = bfci_steal(bytes);
    o->document_len = len;
    return 0;
}

/* ── Checked reading ── */

/* At most one byte more than was promised: enough to know that it is too much. */
static int read_promised(bfci_bytes *in, uint64_t size, uint8_t *bytes, uint64_t *len, bfc_err *err)
{
    uint64_t done = 0;

    while (done <= size) {
        size_t got = 0;
        BFC_TRY(in->read(in->ctx, bytes + done, (size_t)(size + 1 - done), &got, err));
        if (got == 0)
            break;
        done += got;
    }
    *len = done;
    return 0;
}

static int check_promised(const bfci_descriptor *d, const char *what, const uint8_t *bytes,
                          uint64_t len, bfc_err *err)
{
    char promised[DIGEST_TEXT_SIZE], came[DIGEST_TEXT_SIZE];
    bfci_digest digest;

    bfci_digest_text(&d->digest, promised);
    if (len > d->size)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "%s: the descriptor of %s promises %" PRIu64 " bytes, more came", what,
                         promised, d->size);
    if (len < d->size)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "%s: the descriptor of %s promises %" PRIu64 " bytes, %" PRIu64 " came",
                         what, promised, d->size, len);
    BFC_TRY(bfci_sha256(bytes, (size_t)len, digest.bytes, err));
    if (bfci_digest_equal(&digest, &d->digest))
        return 0;
    bfci_digest_text(&digest, came);
    return bfci_fail(err, BFC_E_CORRUPT,
                     "%s: the descriptor promises the digest %s, what came has %s", what, promised,
                     came);
}

int bfci_origin_document(bfci_origin *o, const bfci_descriptor *d, const char *what, size_t max,
                         uint8_t **bytes, size_t *len, bfc_err *err)
{
    AUTO_BYTES bfci_bytes in = {0};
    AUTO_FREE uint8_t *data = NULL;
    uint64_t got = 0;

    if (d->size > max)
        return bfci_fail(err, BFC_E_LIMIT,
                         "%s: its descriptor tells of %" PRIu64 " bytes, %zu are allowed", what,
                         d->size, max);
    int rc = o->open_blob(o, d, &in, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "%s", what);
    BFC_TRY(bfci_alloc((size_t)d->size + 1, 1, &data, err));
    rc = read_promised(&in, d->size, data, &got, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "%s", what);
    BFC_TRY(check_promised(d, what, data, got, err));
    data[got] = '\0';
    *bytes = bfci_steal(&data);
    *len = (size_t)got;
    return 0;
}
