/* SPDX-License-Identifier: Apache-2.0 */
/* OCI layouts (image-spec 1.1, image-layout.md), in a folder or a tar, and folders of blobs in
 * general. Documents name blobs by digest only, and a digest has no other form than its digits: no
 * document can name a file outside of the blobs. */
#include <stdio.h>

#include "oci/json.h"
#include "oci/origin_parts.h"

enum {
    MARKER_SIZE_MAX = 64 << 10,
    NESTED_DEPTH_MAX = 4,
    NESTED_MAX = 64 /* indexes that are read to find a digest */
};

static const char *const LAYOUT_FOLDERS[] = {"blobs/sha256/", NULL};

struct layout {
    bfci_origin base;
    bfci_files *files;
    const char *const *folders;
};

/* ── Blobs ── */

static int find_blob(const struct layout *l, const bfci_digest *digest, bfci_piece *out,
                     bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE], name[128];

    bfci_digest_text(digest, text);
    for (const char *const *folder = l->folders; *folder; folder++) {
        bfc_err why = BFC_ERR_INIT;
        (void)snprintf(name, sizeof name, "%s%s", *folder, text + strlen("sha256:"));
        int rc = bfci_files_find(l->files, name, out, &why);
        if (rc == BFC_E_NOT_FOUND)
            continue;
        if (rc < 0 && err)
            *err = why;
        return rc;
    }
    return bfci_fail(err, BFC_E_NOT_FOUND, "there is no blob %s in '%s'", text,
                     BFCI_QUOTE_STR(l->files->path));
}

static int open_blob(bfci_origin *o, const bfci_descriptor *d, bfci_bytes *out, bfc_err *err)
{
    AUTO_PIECE bfci_piece piece = BFCI_PIECE_INIT;

    BFC_TRY(find_blob((struct layout *)o, &d->digest, &piece, err));
    return bfci_piece_stream(&piece, out, err);
}

static void layout_free(bfci_origin *o)
{
    struct layout *l = (struct layout *)o;

    bfci_origin_release(o);
    bfci_files_close(l->files);
    free(l);
}

int bfci_blob_folder_new(bfci_files **files, const char *const *folders, bfci_origin **out,
                         bfc_err *err)
{
    AUTO(bfci_files) bfci_files *own = bfci_steal(files);
    struct layout *l = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *l, &l, err));
    l->base.open_blob = open_blob;
    l->base.free = layout_free;
    l->files = bfci_steal(&own);
    l->folders = folders;
    *out = &l->base;
    return 0;
}

/* The size is taken from the file; the digest is what counts. */
int bfci_blob_folder_start(bfci_origin *o, const bfci_digest *digest, bfc_err *err)
{
    AUTO_PIECE bfci_piece piece = BFCI_PIECE_INIT;
    AUTO_FREE uint8_t *bytes = NULL;
    char text[DIGEST_TEXT_SIZE];
    size_t len = 0;

    bfci_digest_text(digest, text);
    BFC_TRY(find_blob((struct layout *)o, digest, &piece, err));
    const bfci_descriptor promised = {.digest = *digest, .size = piece.size};
    BFC_TRY(bfci_origin_document(o, &promised, text, MANIFEST_SIZE_MAX, &bytes, &len, err));
    BFC_TRY(bfci_origin_set_document(o, &bytes, len, NULL, text, err));
    o->is_checked = true;
    return 0;
}

/* ── Which image ── */

static bool is_candidate(const bfci_descriptor *d)
{
    enum bfci_media kind = bfci_media_kind(d->media_type, NULL);

    return !d->is_statement &&
           (kind == MEDIA_MANIFEST || kind == MEDIA_INDEX || d->media_type[0] == '\0');
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What entries of index.json a reference fits; without one, all of them. */
struct matches {
    size_t count, first;
    bool are_equal;     /* one image under several names */
    bool are_platforms; /* one image for several platforms */
    bool are_all;
};

static struct matches match(const bfci_index *index, const char *ref)
{
    struct matches m = {.are_equal = true, .are_platforms = true, .are_all = true};

    for (size_t i = 0; i < index->count; i++) {
        const bfci_descriptor *d = &index->entry[i], *first = &index->entry[m.first];
        if (!is_candidate(d))
            continue;
        if (ref && !same_text(d->ref_name, ref)) {
            m.are_all = false;
            continue;
        }
        if (m.count++ == 0)
            first = &index->entry[m.first = i];
        m.are_equal = m.are_equal && bfci_digest_equal(&d->digest, &first->digest);
        m.are_platforms = m.are_platforms && d->platform.os && d->platform.arch &&
                          same_text(d->ref_name, first->ref_name);
    }
    return m;
}

static int fail_choice(const bfci_index *index, const struct matches *m, const char *ref,
                       bfc_err *err)
{
    AUTO_CHOICES bfci_choices choices = BFCI_CHOICES_INIT;

    for (size_t i = 0; i < index->count; i++) {
        const bfci_descriptor *d = &index->entry[i];
        char text[1 + DIGEST_TEXT_SIZE] = "@";
        bfci_digest_text(&d->digest, text + 1);
        bool by_name = d->ref_name && m->count == 0;
        if (is_candidate(d) && (m->count == 0 || !ref || same_text(d->ref_name, ref)))
            bfci_choices_add(&choices, by_name || (!ref && d->ref_name) ? d->ref_name : text);
    }
    if (m->count == 0 && ref)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no reference '%s': %s",
                         BFCI_QUOTE_STR(ref), bfci_choices_text(&choices));
    if (m->count == 0)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no image in it");
    if (ref)
        return bfci_fail(err, BFC_E_INVALID, "several images have the reference '%s': %s",
                         BFCI_QUOTE_STR(ref), bfci_choices_text(&choices));
    return bfci_fail(err, BFC_E_INVALID, "it has several images, a reference is needed: %s",
                     bfci_choices_text(&choices));
}

/* ── By digest, also in indexes that index.json names ── */

struct search {
    bfci_origin *origin;
    const bfci_digest *want;
    unsigned left; /* indexes that may still be read */
};

static int search_index(struct search *s, bfci_index *index, unsigned depth, bool *found,
                        bfci_descriptor *out, bfc_err *err);

static int search_nested(struct search *s, const bfci_descriptor *d, unsigned depth, bool *found,
                         bfci_descriptor *out, bfc_err *err)
{
    AUTO_INDEX bfci_index index = {0};
    AUTO_FREE uint8_t *bytes = NULL;
    char what[DIGEST_TEXT_SIZE];
    size_t len = 0;

    if (depth == 0 || s->left == 0)
        return 0;
    s->left--;
    bfci_digest_text(&d->digest, what);
    int rc = bfci_origin_document(s->origin, d, what, MANIFEST_SIZE_MAX, &bytes, &len, err);
    if (rc == BFC_E_NOT_FOUND) /* not all that an index names must be there */
        return 0;
    BFC_TRY(rc);
    BFC_TRY(bfci_index_parse(bytes, len, what, &index, err));
    return search_index(s, &index, depth - 1, found, out, err);
}

static int search_index(struct search *s, bfci_index *index, unsigned depth, bool *found,
                        bfci_descriptor *out, bfc_err *err)
{
    for (size_t i = 0; i < index->count && !*found; i++) {
        if (!bfci_digest_equal(&index->entry[i].digest, s->want))
            continue;
        *out = index->entry[i];
        index->entry[i] = (bfci_descriptor){0};
        *found = true;
    }
    for (size_t i = 0; i < index->count && !*found; i++)
        if (bfci_media_kind(index->entry[i].media_type, NULL) == MEDIA_INDEX)
            BFC_TRY(search_nested(s, &index->entry[i], depth, found, out, err));
    return 0;
}

/* ── Opening ── */

static int start_from(bfci_origin *o, bfci_descriptor *d, bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = NULL;
    char what[DIGEST_TEXT_SIZE];
    size_t len = 0;

    bfci_digest_text(&d->digest, what);
    BFC_TRY(bfci_origin_document(o, d, what, MANIFEST_SIZE_MAX, &bytes, &len, err));
    return bfci_origin_set_document(o, &bytes, len, d, what, err);
}

static int start_by_digest(bfci_origin *o, bfci_index *index, const char *text, bfc_err *err)
{
    AUTO_DESCRIPTOR bfci_descriptor found = {0};
    bfc_err why = BFC_ERR_INIT;
    bfci_digest digest;
    bool is_found = false;

    int rc = bfci_digest_parse(text, &digest, &why);
    if (rc < 0) /* it is the caller's */
        return bfci_fail(err, rc == BFC_E_CORRUPT ? BFC_E_INVALID : why.code, "%s", why.msg);
    struct search s = {.origin = o, .want = &digest, .left = NESTED_MAX};
    BFC_TRY(search_index(&s, index, NESTED_DEPTH_MAX, &is_found, &found, err));
    return is_found ? start_from(o, &found, err) : bfci_blob_folder_start(o, &digest, err);
}

/* index.json lists the platforms of one image itself. */
static int start_from_whole(bfci_origin *o, uint8_t **json, size_t len, bfc_err *err)
{
    return bfci_origin_set_document(o, json, len, NULL, "index.json", err);
}

static int start(bfci_origin *o, uint8_t **json, size_t len, const char *ref, bfc_err *err)
{
    AUTO_INDEX bfci_index index = {0};
    size_t position = 0;

    BFC_TRY(bfci_index_parse(*json, len, "index.json", &index, err));
    if (bfci_ref_is_position(ref, &position)) {
        if (position >= index.count)
            return bfci_fail(err, BFC_E_NOT_FOUND, "there is no image '%s': index.json has %zu",
                             BFCI_QUOTE_STR(ref), index.count);
        return start_from(o, &index.entry[position], err);
    }
    if (ref && ref[0] == '@')
        return start_by_digest(o, &index, ref + 1, err);
    struct matches m = match(&index, ref);
    if (m.count > 1 && !m.are_equal && m.are_platforms && m.are_all)
        return start_from_whole(o, json, len, err);
    if (m.count == 0 || !m.are_equal)
        return fail_choice(&index, &m, ref, err);
    return start_from(o, &index.entry[m.first], err);
}

static int fail_no_layout(const bfci_files *f, enum bfc_code code, const char *name, bfc_err *err)
{
    return bfci_fail(err, code, "'%s' is no OCI layout: it has no file '%s'",
                     BFCI_QUOTE_STR(f->path), name);
}

static int check_marker(const bfci_files *f, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    AUTO_FREE uint8_t *json = NULL;
    bfci_json_node document;
    const char *version = NULL;
    size_t len = 0;

    int rc = bfci_files_read(f, "oci-layout", MARKER_SIZE_MAX, &json, &len, err);
    if (rc == BFC_E_NOT_FOUND)
        return fail_no_layout(f, BFC_E_INVALID, "oci-layout", err);
    BFC_TRY(rc);
    BFC_TRY(bfci_json_load(json, len, "oci-layout", JSON_FOREIGN, &root, &document, err));
    const bfci_json_node member = bfci_json_member(&document, "imageLayoutVersion");
    BFC_TRY(bfci_json_need_text(&member, &version, err));
    if (strcmp(version, "1.0.0") != 0)
        return bfci_json_fail(&member, BFC_E_UNSUPPORTED, err, "it is '%s', 1.0.0 was expected",
                              BFCI_QUOTE_STR(version));
    return 0;
}

int bfci_layout_open(const char *path, const char *ref, bfci_origin **out, bfc_err *err)
{
    AUTO(bfci_files) bfci_files *files = NULL;
    AUTO(bfci_origin) bfci_origin *o = NULL;
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;

    BFC_TRY(bfci_files_open(path, &files, err));
    BFC_TRY(check_marker(files, err));
    int rc = bfci_files_read(files, "index.json", MANIFEST_SIZE_MAX, &json, &len, err);
    if (rc == BFC_E_NOT_FOUND)
        return fail_no_layout(files, BFC_E_CORRUPT, "index.json", err);
    BFC_TRY(rc);
    BFC_TRY(bfci_blob_folder_new(&files, LAYOUT_FOLDERS, &o, err));
    BFC_TRY(start(o, &json, len, ref, err));
    *out = bfci_steal(&o);
    return 0;
}
