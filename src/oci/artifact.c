/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs of artifacts, in and found again. They are stored while they come, whatever their size; the
 * sum that every file has is the digest that was promised for the blob, or the whole fails. */
#include "oci/artifact.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hooks.h"
#include "oci/image_build.h"

enum {
    CHUNK_SIZE = 256 << 10,
    BLOB_MODE = 0644,
    PATH_SIZE = 13 + 2 * BFC_DIGEST_SIZE + 1
};

#define FOLDER "blobs"
#define ALGORITHM "sha256"

const bfci_descriptor *bfci_artifact_blob(const bfci_manifest *m, size_t i)
{
    if (i == 0)
        return &m->config;
    return i <= m->layer_count ? &m->layer[i - 1] : NULL;
}

int bfci_artifact_refuse(const bfci_facts *f, bfc_err *err)
{
    if (!bfci_facts_of_artifact(f))
        return 0;
    return bfci_fail(err, BFC_E_UNSUPPORTED, "it is an artifact, not an image");
}

/* ── In ── */

typedef struct intake {
    bfci_build *b;
    bfci_origin *origin;
    bfci_nametree names;
    uint32_t folder; /* that the blobs lie in */
    uint8_t *chunk;
    uint64_t content; /* bytes stored so far */
} intake;

static void intake_release(intake *t)
{
    bfci_nametree_release(&t->names);
    free(t->chunk);
}
#define AUTO_INTAKE __attribute__((cleanup(intake_release)))

static int check_size(const bfci_descriptor *d, uint64_t came, bfc_err *err)
{
    if (came > d->size)
        return bfci_fail(err, BFC_E_CORRUPT, "its descriptor promises %" PRIu64 " bytes, more came",
                         d->size);
    if (came < d->size)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "its descriptor promises %" PRIu64 " bytes, %" PRIu64 " came", d->size,
                         came);
    return 0;
}

static int check_digest(const bfci_descriptor *d, const uint8_t came[BFC_DIGEST_SIZE], bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE];
    bfci_digest digest;

    memcpy(digest.bytes, came, sizeof digest.bytes);
    if (bfci_digest_equal(&digest, &d->digest))
        return 0;
    bfci_digest_text(&digest, text);
    return bfci_fail(err, BFC_E_CORRUPT, "what came has the digest %s", text);
}

static int feed_bytes(intake *t, const bfci_descriptor *d, bfci_bytes *in, bfc_err *err)
{
    bfci_feed *feed = t->b->in.feed;
    uint64_t done = 0;

    for (;;) {
        size_t got = 0;
        BFC_TRY(bfci_check_cancel(t->b->hooks, err));
        BFC_TRY(in->read(in->ctx, t->chunk, CHUNK_SIZE, &got, err));
        if (got == 0)
            break;
        done += got;
        if (done > d->size)
            break;
        BFC_TRY(bfci_feed_data(feed, t->chunk, got, err));
        feed->in->progress.bytes_done = t->b->in.blobs_done + done;
        bfci_progress(t->b->hooks, &feed->in->progress);
    }
    t->b->in.blobs_done += done;
    return check_size(d, done, err);
}

/* Without holes, so that the content digest is the plain one. */
static int store_blob(intake *t, const bfci_descriptor *d, uint64_t ino, bfc_err *err)
{
    AUTO_BYTES bfci_bytes in = {0};
    bfci_feed *feed = t->b->in.feed;
    bfci_inode *n = &t->b->in.inode;

    BFC_TRY(t->origin->open_blob(t->origin, d, &in, err));
    BFC_TRY(bfci_feed_begin(feed, "", d->size, false, err));
    BFC_TRY(feed_bytes(t, d, &in, err));
    *n = (bfci_inode){.type = BFC_TYPE_FILE, .mode = BLOB_MODE};
    BFC_TRY(bfci_feed_end(feed, ino, n, err));
    BFC_TRY(check_digest(d, n->digest, err));
    return bfci_feed_inode(feed, ino, n, false, err);
}

static int check_limit(const intake *t, const bfci_descriptor *d, bfc_err *err)
{
    if (t->b->max_size == 0 || d->size <= t->b->max_size)
        return 0;
    return bfci_fail(err, BFC_E_LIMIT, "it has %" PRIu64 " bytes, %" PRIu64 " are allowed", d->size,
                     t->b->max_size);
}

/* What several descriptors name is stored once. */
static int take_blob(intake *t, const bfci_descriptor *d, bfc_err *err)
{
    char name[2 * BFC_DIGEST_SIZE + 1];
    uint32_t at;

    bfci_hex(d->digest.bytes, BFC_DIGEST_SIZE, name);
    at = bfci_nametree_find(&t->names, t->folder, name, strlen(name));
    if (at != NODE_NONE)
        return check_size(d, bfci_nametree_size(&t->names, at), err);
    BFC_TRY(check_limit(t, d, err));
    uint64_t ino = bfci_feed_ino(t->b->in.feed);
    BFC_TRY(store_blob(t, d, ino, err));
    t->content += d->size;
    BFC_TRY(
        bfci_nametree_add(&t->names, t->folder, name, strlen(name), BFC_TYPE_FILE, ino, &at, err));
    return bfci_nametree_set_size(&t->names, at, d->size, err);
}

static int take_blobs(intake *t, const bfci_manifest *m, bfc_err *err)
{
    const bfci_descriptor *d;
    char digest[DIGEST_TEXT_SIZE];

    for (size_t i = 0; (d = bfci_artifact_blob(m, i)); i++) {
        int rc = take_blob(t, d, err);
        bfci_digest_text(&d->digest, digest);
        if (rc < 0)
            return bfci_wrap(err, rc, "blob %s", digest);
    }
    return 0;
}

static int begin_names(intake *t, bfc_err *err)
{
    uint32_t blobs = NODE_NONE;

    BFC_TRY(bfci_nametree_init(&t->names, err));
    BFC_TRY(bfci_nametree_add(&t->names, NODE_ROOT, FOLDER, strlen(FOLDER), BFC_TYPE_DIR, 0, &blobs,
                              err));
    BFC_TRY(bfci_nametree_add(&t->names, blobs, ALGORITHM, strlen(ALGORITHM), BFC_TYPE_DIR, 0,
                              &t->folder, err));
    return bfci_alloc(CHUNK_SIZE, 1, &t->chunk, err);
}

static int store_tree(intake *t, uint32_t tree, bfc_err *err)
{
    BFC_TRY(bfci_names_store(&t->b->in, &t->names, true, err));
    return bfci_stage_tree(t->b->in.feed->stage, tree,
                           &(bfci_tree){.kind = TREE_ROOTFS,
                                        .root = t->names.node[NODE_ROOT].ino,
                                        .label = {(const uint8_t *)"", 0}},
                           err);
}

static int note_facts(const intake *t, const bfci_manifest *m, bfci_image_facts *out, bfc_err *err)
{
    out->is_artifact = true;
    out->entries = t->names.count;
    out->content = t->content;
    BFC_TRY(bfci_alloc_zero(m->layer_count, sizeof *out->layer, &out->layer, err));
    for (; out->layer_count < m->layer_count; out->layer_count++) {
        const bfci_descriptor *d = &m->layer[out->layer_count];
        bfci_layer_facts *l = &out->layer[out->layer_count];
        l->digest = d->digest;
        l->size = d->size;
        BFC_TRY(bfci_strdup(d->media_type, &l->media_type, err));
    }
    return 0;
}

int bfci_artifact_build(bfci_build *b, const bfci_plan_feed *p, size_t number, bfc_err *err)
{
    const bfci_planned_image *i = &p->plan->image[number];
    bfci_image_facts *facts = &b->facts.image[number];
    AUTO_INTAKE intake t = {.b = b, .origin = p->origin};

    BFC_TRY(begin_names(&t, err));
    BFC_TRY(take_blobs(&t, &i->manifest, err));
    facts->tree = number == 0 ? ROOT_TREE : b->in.next_tree++;
    BFC_TRY(store_tree(&t, facts->tree, err));
    BFC_TRY(note_facts(&t, &i->manifest, facts, err));
    facts->config = i->manifest.config.digest;
    if (i->platform)
        BFC_TRY(bfci_strdup(i->platform, &facts->platform, err));
    return bfci_build_documents(b, number, i->manifest_bytes, i->manifest_len, i->config_bytes,
                                i->config_len, err);
}

/* ── Found again ── */

int bfci_artifact_find(bfc_reader *r, const bfci_descriptor *d, uint64_t *ino, bfc_err *err)
{
    char hex[2 * BFC_DIGEST_SIZE + 1], path[PATH_SIZE];
    bfc_entry e;

    bfci_hex(d->digest.bytes, BFC_DIGEST_SIZE, hex);
    (void)snprintf(path, sizeof path, FOLDER "/" ALGORITHM "/%s", hex);
    int rc = bfc_reader_stat(r, path, &e, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, BFC_E_CORRUPT, "the blob '%s' is not there", path);
    BFC_TRY(rc);
    if (e.type != BFC_TYPE_FILE || e.size != d->size || e.data_size != e.size ||
        memcmp(e.digest, d->digest.bytes, BFC_DIGEST_SIZE) != 0)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "'%s' is not the blob of %" PRIu64 " bytes that the manifest names", path,
                         d->size);
    *ino = e.ino;
    return 0;
}
