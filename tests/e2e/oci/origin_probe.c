/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a source of an image and tells what is in it.
 *
 * usage: origin_probe SPEC
 *
 * A line a fact: "name", "kind" (manifest or index), "checked" (yes or no), "root" (digest, size,
 * media type), "docker" (bytes of docker's manifest.json, if there is one), and for each blob that
 * the document names "blob" (media type, digest as promised, digest of what came, bytes). Documents
 * of an index are gone into. Exit 1, and a message on stderr, on failure. */
#include <inttypes.h>
#include <stdio.h>

#include "oci/origin.h"

enum {
    CHUNK_SIZE = 10007, /* no divisor of anything */
    DEPTH_MAX = 4
};

static int tell_document(bfci_origin *o, const uint8_t *json, size_t len, enum bfci_media kind,
                         int depth, bfc_err *err);

static int tell_blob(bfci_origin *o, const bfci_descriptor *d, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    AUTO_BYTES bfci_bytes in = {0};
    static uint8_t chunk[CHUNK_SIZE];
    char promised[DIGEST_TEXT_SIZE], came[DIGEST_TEXT_SIZE];
    bfci_digest digest;
    uint64_t size = 0;
    size_t got = 0;

    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    BFC_TRY(o->open_blob(o, d, &in, err));
    do {
        BFC_TRY(in.read(in.ctx, chunk, sizeof chunk, &got, err));
        BFC_TRY(bfci_sha256_update(sha, chunk, got, err));
        size += got;
    } while (got > 0);
    BFC_TRY(bfci_sha256_finish(sha, digest.bytes, err));
    bfci_digest_text(&d->digest, promised);
    bfci_digest_text(&digest, came);
    printf("blob %s %s %s %" PRIu64 "\n", d->media_type, promised, came, size);
    return 0;
}

static int tell_manifest(bfci_origin *o, const uint8_t *json, size_t len, bfc_err *err)
{
    AUTO_MANIFEST bfci_manifest m = {0};

    BFC_TRY(bfci_manifest_parse(json, len, "manifest", &m, err));
    BFC_TRY(tell_blob(o, &m.config, err));
    for (size_t i = 0; i < m.layer_count; i++)
        BFC_TRY(tell_blob(o, &m.layer[i], err));
    return 0;
}

static int tell_entry(bfci_origin *o, const bfci_descriptor *d, int depth, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    enum bfci_media kind = MEDIA_OTHER;
    size_t len = 0;

    BFC_TRY(tell_blob(o, d, err));
    BFC_TRY(bfci_origin_document(o, d, "entry", MANIFEST_SIZE_MAX, &json, &len, err));
    BFC_TRY(bfci_document_kind(json, len, "entry", &kind, err));
    return tell_document(o, json, len, kind, depth - 1, err);
}

static int tell_document(bfci_origin *o, const uint8_t *json, size_t len, enum bfci_media kind,
                         int depth, bfc_err *err)
{
    AUTO_INDEX bfci_index index = {0};

    if (kind == MEDIA_MANIFEST)
        return tell_manifest(o, json, len, err);
    if (depth == 0)
        return 0;
    BFC_TRY(bfci_index_parse(json, len, "index", &index, err));
    for (size_t i = 0; i < index.count; i++)
        BFC_TRY(tell_entry(o, &index.entry[i], depth, err));
    return 0;
}

static int tell(const char *spec, bfc_err *err)
{
    AUTO(bfci_origin) bfci_origin *o = NULL;
    char digest[DIGEST_TEXT_SIZE];

    BFC_TRY(bfci_origin_open(spec, &o, err));
    bfci_digest_text(&o->root.digest, digest);
    printf("name %s\nkind %s\nchecked %s\n", o->name, o->kind == MEDIA_INDEX ? "index" : "manifest",
           o->is_checked ? "yes" : "no");
    printf("root %s %" PRIu64 " %s\n", digest, o->root.size, o->root.media_type);
    if (o->docker_manifest)
        printf("docker %zu\n", o->docker_manifest_len);
    return tell_document(o, o->document, o->document_len, o->kind, DEPTH_MAX, err);
}

int main(int argc, char **argv)
{
    bfc_err err = BFC_ERR_INIT;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: origin_probe SPEC\n");
        return 2;
    }
    if (tell(argv[1], &err) == 0)
        return 0;
    (void)fprintf(stderr, "%s: %s\n", bfc_code_name(err.code), err.msg);
    return 1;
}
