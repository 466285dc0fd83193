/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs of artifacts as they came. Each is hashed on its way out: what is written under a digest
 * has it, whatever the container says. */
#include "oci/artifact.h"
#include "oci/content_out.h"
#include "oci/export_parts.h"

struct outlet {
    bfci_sha256_ctx *sha;
    const bfci_export_target *target;
};

static int hash_and_write(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    const struct outlet *o = ctx;

    BFC_TRY(bfci_sha256_update(o->sha, bytes, len, err));
    return o->target->write(o->target->ctx, bytes, len, err);
}

static int check_digest(const bfci_descriptor *d, bfci_sha256_ctx *sha, bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE];
    bfci_digest got;

    BFC_TRY(bfci_sha256_finish(sha, got.bytes, err));
    if (bfci_digest_equal(&got, &d->digest))
        return 0;
    bfci_digest_text(&got, text);
    return bfci_fail(err, BFC_E_CORRUPT, "what came out of the container has the digest %s", text);
}

static int copy_blob(const bfci_export_run *run, const bfci_export_target *t,
                     const bfci_descriptor *d, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    AUTO(bfci_content_out) bfci_content_out *content = NULL;
    uint64_t ino = 0;

    BFC_TRY(bfci_artifact_find(run->e->r, d, &ino, err));
    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    struct outlet o = {sha, t};
    BFC_TRY(bfci_content_out_new(run->e->r, run->e->hooks, hash_and_write, &o, &content, err));
    BFC_TRY(bfci_content_out_write(content, ino, 0, d->size, err));
    return check_digest(d, sha, err);
}

static int put_blob(bfci_export_run *run, const bfci_export_target *t, const bfci_descriptor *d,
                    bfc_err *err)
{
    char name[EXPORT_NAME_MAX], digest[DIGEST_TEXT_SIZE];
    bool is_new = false, there = false;

    BFC_TRY(bfci_export_claim(run, &d->digest, &is_new, err));
    if (!is_new)
        return 0;
    if (t->layer)
        BFC_TRY(t->layer(t->ctx, &d->digest, d->size, &there, err));
    if (there) {
        bfci_export_progress(run, d->size);
        return 0;
    }
    BFC_TRY(t->begin(t->ctx, err));
    int rc = copy_blob(run, t, d, err);
    bfci_digest_text(&d->digest, digest);
    if (rc < 0)
        return rc == BFC_E_CORRUPT ? bfci_wrap(err, rc, "blob %s", digest) : rc;
    bfci_export_blob_name(&d->digest, name);
    BFC_TRY(t->end(t->ctx, name, err));
    bfci_export_progress(run, d->size);
    return 0;
}

int bfci_export_artifact(bfci_export_run *run, const bfci_export_target *t,
                         const bfci_image_facts *image, const bfci_manifest *m, bfc_err *err)
{
    const bfci_descriptor *d;

    BFC_TRY(bfci_reader_use_tree(run->e->r, image->tree, err));
    for (size_t i = 0; (d = bfci_artifact_blob(m, i)); i++)
        BFC_TRY(put_blob(run, t, d, err));
    return bfci_reader_use_tree(run->e->r, ROOT_TREE, err);
}
