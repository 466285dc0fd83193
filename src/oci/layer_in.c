/* SPDX-License-Identifier: Apache-2.0 */
/* One layer's tar into the container, as it streams: contents and inodes are stored as they come,
 * what stands around them goes into the recipe, names are kept in memory until the end, since a
 * later entry may replace an earlier one. */
#include <stdio.h>

#include "oci/layer_parts.h"
#include "sys/meter.h"

static void layer_release(bfci_layer_in *l)
{
    bfci_nametree_release(&l->names);
    bfci_recipe_writer_free(l->recipe);
    for (size_t i = 0; i < l->part_count; i++)
        free(l->part[i].inline_bytes);
    free(l->part);
    free(l->kept);
    free(l->path);
    bfci_tar_content_release(&l->content);
    free(l->item);
    l->feed->sums = NULL;
}
#define AUTO_LAYER __attribute__((cleanup(layer_release)))

/* ── The recipe ── */

static int take_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    return bfci_recipe_header(((bfci_layer_in *)ctx)->recipe, block, err);
}

static int take_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    return bfci_recipe_bytes(((bfci_layer_in *)ctx)->recipe, bytes, len, err);
}

/* A part is stored at once, in blocks between those of the contents; its name comes at the end,
 * with the diffID. */
static int take_part(void *ctx, uint32_t number, const uint8_t *bytes, size_t len, bfc_err *err)
{
    bfci_layer_in *l = ctx;

    (void)number; /* they come in order */
    BFC_TRY(bfci_reserve(&l->part, &l->part_cap, l->part_count + 1, sizeof *l->part, err));
    bfci_recipe_part *p = &l->part[l->part_count];
    *p = (bfci_recipe_part){0};
    BFC_TRY(bfci_feed_blob(l->feed, bytes, len, &p->stored, err));
    l->part_count++;
    if (!p->stored.is_inline)
        return 0;
    BFC_TRY(bfci_memdup_str((const char *)bytes, len, (char **)&p->inline_bytes, err));
    p->stored.bytes = (bfci_span){p->inline_bytes, len};
    return 0;
}

static int name_parts(bfci_layer_in *l, const bfci_digest *diff_id, bfc_err *err)
{
    char name[RECIPE_NAME_SIZE];

    for (size_t i = 0; i < l->part_count; i++) {
        bfci_recipe_name(diff_id, (uint32_t)i, name);
        BFC_TRY(bfci_stage_blob(l->feed->stage, name, &l->part[i].stored, err));
    }
    return 0;
}

/* ── The end ── */

static int put_kept_root(bfci_layer_in *l, uint64_t *root, bfc_err *err)
{
    static const bfci_dir_attr attr = {.mode = 0700};

    *root = bfci_feed_ino(l->feed);
    bfci_dir_attr_put(&attr, true, &l->inode);
    l->feed->in->extent_count = 0;
    BFC_TRY(bfci_feed_inode(l->feed, *root, &l->inode, false, err));
    return bfci_stage_tree(
        l->feed->stage, l->ii->next_tree++,
        &(bfci_tree){.kind = TREE_KEPT, .root = *root, .label = {(const uint8_t *)"", 0}}, err);
}

static int note_named(const bfci_layer_in *l, bfci_set *named, bfc_err *err)
{
    uint32_t at = NODE_ROOT;
    unsigned depth = 0;
    bool added = false;

    do {
        BFC_TRY(bfci_set_add(named, l->names.node[at].ino, &added, err));
    } while (bfci_nametree_step(&l->names, NODE_ROOT, &at, &depth));
    return 0;
}

static int keep_rest(bfci_layer_in *l, bfci_set *named, bfc_err *err)
{
    uint64_t root = 0;
    char name[24];

    for (size_t i = 0; i < l->kept_count; i++) {
        const bfci_kept_entry *k = &l->kept[i];
        bool added = false;
        BFC_TRY(bfci_set_add(named, k->ino, &added, err));
        if (!added || k->ino < l->first_ino)
            continue;
        if (k->type != BFC_TYPE_FILE) { /* the recipe has all of it */
            BFC_TRY(bfci_stage_drop_inode(l->feed->stage, k->ino, k->type, err));
            continue;
        }
        if (root == 0)
            BFC_TRY(put_kept_root(l, &root, err));
        snprintf(name, sizeof name, "%llu", (unsigned long long)k->ino);
        BFC_TRY(bfci_stage_dirent(l->feed->stage, root, name, k->type, k->ino, err));
    }
    return 0;
}

/* Entries that were replaced and have no other name in the layer. */
static int store_kept(bfci_layer_in *l, bfc_err *err)
{
    bfci_set named = BFCI_SET_INIT;
    int rc = 0;

    if (l->kept_count == 0)
        return 0;
    rc = note_named(l, &named, err);
    if (rc == 0)
        rc = keep_rest(l, &named, err);
    bfci_set_release(&named);
    return rc;
}

static int check_diff_id(const char *what, const bfci_digest *promised, const bfci_digest *came,
                         bfc_err *err)
{
    char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];

    if (!promised || bfci_digest_equal(promised, came))
        return 0;
    bfci_digest_text(promised, want);
    bfci_digest_text(came, have);
    return bfci_fail(err, BFC_E_CORRUPT,
                     "%s%sits tar has the diffID %s, the image's configuration promises %s", what,
                     *what ? ": " : "", have, want);
}

/* A blob that was damaged on its way may be no tar any more: that its digest is wrong tells more.
 */
static int prefer_digest(bfci_layer_stream *stream, int rc, bfc_err *err)
{
    const uint8_t *bytes = NULL;
    bfc_err why = BFC_ERR_INIT;
    size_t len = 0;
    int end = 0;

    if (rc != BFC_E_CORRUPT)
        return rc;
    do {
        end = bfci_layer_stream_next(stream, &bytes, &len, &why);
    } while (end == 0 && len > 0);
    if (end < 0 && err)
        *err = why;
    return end < 0 ? end : rc;
}

static int take_bytes(bfci_layer_in *l, bfci_tar *tar, const uint8_t *bytes, size_t len,
                      bfc_err *err)
{
    int rc = len ? bfci_tar_feed(tar, bytes, len, err) : bfci_tar_finish(tar, err);

    return rc < 0 ? prefer_digest(l->stream, rc, err) : 0;
}

static int sums_of_content(void *ctx, uint32_t *crc, uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    bfci_layer_in *l = ctx;

    return bfci_layer_stream_content(l->stream, l->offset, crc, digest, err);
}

static int read_tar(bfci_layer_in *l, bfc_err *err)
{
    const bfci_tar_sink sink = {.ctx = l,
                                .header = take_header,
                                .other = take_other,
                                .entry = bfci_layer_take_entry,
                                .data = bfci_layer_take_data,
                                .entry_end = bfci_layer_take_entry_end};
    AUTO(bfci_tar) bfci_tar *tar = NULL;
    const uint8_t *bytes = NULL;
    size_t len = 0;

    BFC_TRY(bfci_tar_new(&sink, &tar, err));
    l->feed->sums = sums_of_content;
    l->feed->sums_ctx = l;
    do {
        BFC_TRY(bfci_check_cancel(l->ii->hooks, err));
        BFC_TRY(bfci_layer_stream_next(l->stream, &bytes, &len, err));
        BFC_TRY(take_bytes(l, tar, bytes, len, err));
    } while (len > 0);
    return 0;
}

static int put_tree(bfci_layer_in *l, const bfci_digest *diff_id, bfci_layer_facts *out,
                    bfc_err *err)
{
    char label[DIGEST_TEXT_SIZE];

    bfci_digest_text(diff_id, label);
    out->tree = l->ii->next_tree++;
    return bfci_stage_tree(l->feed->stage, out->tree,
                           &(bfci_tree){.kind = TREE_LAYER,
                                        .root = l->names.node[NODE_ROOT].ino,
                                        .label = {(const uint8_t *)label, strlen(label)}},
                           err);
}

int bfci_image_in_layer(bfci_image_in *ii, bfci_layer_stream *stream, const char *what,
                        const bfci_digest *promised, bfci_layer_facts *out, bfc_err *err)
{
    AUTO_LAYER bfci_layer_in l = {
        .ii = ii, .stream = stream, .feed = ii->feed, .first_ino = ii->feed->next_ino};
    bfci_digest blob;
    uint64_t blob_size = 0;

    BFC_TRY(bfci_nametree_init(&l.names, err));
    BFC_TRY(bfci_recipe_writer_new(take_part, &l, &l.recipe, err));
    int rc = read_tar(&l, err);
    if (rc < 0)
        return *what ? bfci_wrap(err, rc, "%s", what) : rc;
    BFCI_METER(STAGE_NAMES);
    bfci_meter_count(l.names.count, 0);
    bfci_layer_stream_sums(stream, &out->diff_id, &out->tar_size, &blob, &blob_size);
    ii->blobs_done += blob_size;
    BFC_TRY(check_diff_id(what, promised, &out->diff_id, err));
    BFC_TRY(bfci_recipe_finish(l.recipe, out->tar_size, &out->diff_id, &out->parts, err));
    BFC_TRY(name_parts(&l, &out->diff_id, err));
    out->files = l.files;
    BFC_TRY(store_kept(&l, err));
    BFC_TRY(bfci_names_store(ii, &l.names, true, err));
    BFC_TRY(put_tree(&l, &out->diff_id, out, err));
    return bfci_layer_merge(ii, &l.names, err);
}
