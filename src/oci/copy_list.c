/* SPDX-License-Identifier: Apache-2.0 */
/* What an image consists of, found by reading its documents. Nothing of them is believed but what
 * was compared with the digest by which it is named; how many there are, and how deep, is bounded.
 */
#include "oci/copy.h"
#include "oci/origin_parts.h"
#include "oci/platform.h"

void bfci_copy_list_release(bfci_copy_list *l)
{
    for (size_t i = 0; i < l->blob_count; i++)
        bfci_descriptor_release(&l->blob[i]);
    free(l->blob);
    for (size_t i = 0; i < l->document_count; i++) {
        bfci_descriptor_release(&l->document[i].descriptor);
        free(l->document[i].bytes);
    }
    free(l->document);
    bfci_map_release(&l->seen);
    *l = (bfci_copy_list){0};
}

/* ── Each once ── */

static int claim(bfci_copy_list *l, const bfci_digest *digest, bool *is_new, bfc_err *err)
{
    const uint64_t a = get_u64le(digest->bytes), b = get_u64le(digest->bytes + 8);

    *is_new = bfci_map_get(&l->seen, a, b) == NULL;
    return *is_new ? bfci_map_put(&l->seen, a, b, 0, err) : 0;
}

static int add_blob(bfci_copy_list *l, const bfci_descriptor *d, bfc_err *err)
{
    bool is_new = false;

    BFC_TRY(claim(l, &d->digest, &is_new, err));
    if (!is_new)
        return 0;
    BFC_TRY(bfci_reserve(&l->blob, &l->blob_cap, l->blob_count + 1, sizeof *l->blob, err));
    BFC_TRY(bfci_descriptor_make(d->media_type, &d->digest, d->size, &l->blob[l->blob_count], err));
    l->blob_count++;
    return 0;
}

/* ── Documents ── */

/* One document on the way into the list. */
struct document {
    bfci_descriptor descriptor;
    uint8_t *bytes;
    size_t len;
    enum bfci_media kind;
};

static void document_release(struct document *d)
{
    bfci_descriptor_release(&d->descriptor);
    free(d->bytes);
}
#define AUTO_DOCUMENT __attribute__((cleanup(document_release)))

static int read_document(bfci_origin *origin, const bfci_descriptor *d, struct document *out,
                         bfc_err *err)
{
    char what[16 + DIGEST_TEXT_SIZE] = "manifest ";

    bfci_digest_text(&d->digest, what + strlen(what));
    BFC_TRY(bfci_origin_document(origin, d, what, MANIFEST_SIZE_MAX, &out->bytes, &out->len, err));
    BFC_TRY(bfci_document_kind(out->bytes, out->len, what, &out->kind, err));
    const enum bfci_media told = bfci_media_kind(d->media_type, NULL);
    if (told != out->kind)
        return bfci_fail(err, BFC_E_CORRUPT, "the descriptor of %s promises '%s', but it is %s",
                         what, BFCI_QUOTE_STR(d->media_type),
                         out->kind == MEDIA_INDEX ? "an image index" : "an image manifest");
    return bfci_descriptor_make(d->media_type, &d->digest, d->size, &out->descriptor, err);
}

static int read_root(const bfci_origin *origin, struct document *out, bfc_err *err)
{
    char *copy = NULL;

    BFC_TRY(bfci_memdup_str((const char *)origin->document, origin->document_len, &copy, err));
    out->bytes = (uint8_t *)copy;
    out->len = origin->document_len;
    out->kind = origin->kind;
    return bfci_descriptor_make(origin->root.media_type, &origin->root.digest, origin->document_len,
                                &out->descriptor, err);
}

static int append(bfci_copy_list *l, struct document *d, bfc_err *err)
{
    if (l->document_count == COPY_DOCUMENTS_MAX ||
        d->len > COPY_DOCUMENTS_SIZE_MAX - l->document_bytes)
        return bfci_fail(err, BFC_E_LIMIT,
                         "the image has more manifests than can be copied at once: %d, and %d MiB "
                         "of them",
                         COPY_DOCUMENTS_MAX, COPY_DOCUMENTS_SIZE_MAX >> 20);
    BFC_TRY(bfci_reserve(&l->document, &l->document_cap, l->document_count + 1, sizeof *l->document,
                         err));
    l->document[l->document_count++] = (bfci_copied_document){.descriptor = d->descriptor,
                                                              .bytes = bfci_steal(&d->bytes),
                                                              .len = d->len,
                                                              .kind = d->kind};
    l->document_bytes += d->len;
    d->descriptor = (bfci_descriptor){0};
    return 0;
}

static int take_manifest(bfci_copy_list *l, const struct document *d, bfc_err *err)
{
    AUTO_MANIFEST bfci_manifest m = {0};

    BFC_TRY(bfci_manifest_parse(d->bytes, d->len, "manifest", &m, err));
    BFC_TRY(add_blob(l, &m.config, err));
    for (size_t i = 0; i < m.layer_count; i++)
        BFC_TRY(add_blob(l, &m.layer[i], err));
    return 0;
}

static int take_document(bfci_copy_list *l, bfci_origin *origin, struct document *d, unsigned depth,
                         bfc_err *err);

/* An index may also name what is no document. */
static int take_entry(bfci_copy_list *l, bfci_origin *origin, const bfci_descriptor *entry,
                      unsigned depth, bfc_err *err)
{
    const enum bfci_media kind = bfci_media_kind(entry->media_type, NULL);
    AUTO_DOCUMENT struct document d = {0};
    bool is_new = false;

    if (kind != MEDIA_MANIFEST && kind != MEDIA_INDEX)
        return add_blob(l, entry, err);
    BFC_TRY(claim(l, &entry->digest, &is_new, err));
    if (!is_new)
        return 0;
    BFC_TRY(read_document(origin, entry, &d, err));
    return take_document(l, origin, &d, depth, err);
}

static int take_document(bfci_copy_list *l, bfci_origin *origin, struct document *d, unsigned depth,
                         bfc_err *err)
{
    AUTO_INDEX bfci_index index = {0};

    if (d->kind == MEDIA_MANIFEST) {
        BFC_TRY(take_manifest(l, d, err));
        return append(l, d, err);
    }
    if (depth == COPY_DEPTH_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "indexes lie in indexes, more than %d deep",
                         COPY_DEPTH_MAX);
    BFC_TRY(bfci_index_parse(d->bytes, d->len, "index", &index, err));
    for (size_t i = 0; i < index.count; i++)
        BFC_TRY(take_entry(l, origin, &index.entry[i], depth + 1, err));
    return append(l, d, err);
}

/* From an index to the image of the platform in it. */
static int choose(bfci_origin *origin, const char *platform, struct document *d, bfc_err *err)
{
    AUTO_PLATFORM bfci_platform want = {0};

    BFC_TRY(bfci_platform_parse(platform, &want, err));
    for (unsigned depth = 0; d->kind == MEDIA_INDEX; depth++) {
        AUTO_INDEX bfci_index index = {0};
        AUTO_DOCUMENT struct document chosen = {0};
        size_t at = 0;
        if (depth == COPY_DEPTH_MAX)
            return bfci_fail(err, BFC_E_LIMIT, "indexes lie in indexes, more than %d deep",
                             COPY_DEPTH_MAX);
        BFC_TRY(bfci_index_parse(d->bytes, d->len, "index", &index, err));
        BFC_TRY(bfci_index_pick(&index, &want, "the index", &at, err));
        BFC_TRY(read_document(origin, &index.entry[at], &chosen, err));
        document_release(d);
        *d = chosen;
        chosen = (struct document){0};
    }
    return 0;
}

int bfci_copy_list_make(bfci_origin *origin, const char *platform, bool all, bfci_copy_list *out,
                        bfc_err *err)
{
    AUTO_COPY_LIST bfci_copy_list l = {0};
    AUTO_DOCUMENT struct document root = {0};
    bool is_new = false;

    BFC_TRY(read_root(origin, &root, err));
    if (!all)
        BFC_TRY(choose(origin, platform, &root, err));
    BFC_TRY(claim(&l, &root.descriptor.digest, &is_new, err));
    BFC_TRY(take_document(&l, origin, &root, 0, err));
    *out = l;
    l = (bfci_copy_list){0};
    return 0;
}
