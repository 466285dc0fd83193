/* SPDX-License-Identifier: Apache-2.0 */
/* Checking an image above the container: bfc_verify() has seen to it that every byte is what was
 * written; here it is asked whether what was written is an image. */
#include "oci/image_verify.h"

#include <stdio.h>

#include "oci/artifact.h"
#include "oci/config.h"
#include "oci/layer_out.h"

BFCI_DEFINE_AUTO(bfc_reader, bfc_reader_close)

typedef struct run {
    bfci_image_check *check;
    bfc_reader *reader;
    bfci_facts facts;
    bfc_err first;
} run;

/* What can be told and passed over; other failures end the check. */
static int tell(run *r, int rc, const bfc_err *why, const char *what, bfc_err *err)
{
    char text[BFC_ERR_MSG_MAX + 128];

    if (rc == BFC_E_NOMEM || rc == BFC_E_CANCELLED || rc == BFC_E_IO) {
        if (err)
            *err = *why;
        return rc;
    }
    snprintf(text, sizeof text, "%s: %s", what, why->msg);
    if (r->check->problems++ == 0)
        (void)bfci_fail(&r->first, BFC_E_CORRUPT, "%s", text);
    const bfc_problem problem = {.what = text, .path = NULL, .offset = why->offset};
    if (r->check->problem)
        r->check->problem(r->check->ctx, &problem);
    return 0;
}

static int drop(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    const run *r = ctx;

    (void)bytes;
    (void)len;
    return bfci_check_cancel(r->check->hooks, err);
}

static int check_layer(run *r, const bfci_layer_facts *layer, bfc_err *err)
{
    char digest[DIGEST_TEXT_SIZE], what[DIGEST_TEXT_SIZE + 16];
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_check_cancel(r->check->hooks, err));
    int rc = bfci_layer_out(r->reader, layer, NULL, drop, r, &why);
    bfci_digest_text(&layer->diff_id, digest);
    snprintf(what, sizeof what, "layer %s", digest);
    return rc < 0 ? tell(r, rc, &why, what, err) : 0;
}

static int read_document(run *r, const char *name, const bfci_digest *promised, uint8_t **bytes,
                         size_t *len, bfc_err *err)
{
    char want[DIGEST_TEXT_SIZE], have[DIGEST_TEXT_SIZE];
    bfci_digest digest;

    BFC_TRY(bfc_reader_blob(r->reader, name, bytes, len, err));
    BFC_TRY(bfci_sha256(*bytes, *len, digest.bytes, err));
    if (bfci_digest_equal(&digest, promised))
        return 0;
    bfci_digest_text(promised, want);
    bfci_digest_text(&digest, have);
    return bfci_fail(err, BFC_E_CORRUPT, "it has the digest %s, the image is of %s", have, want);
}

static int compare_config(const bfci_config *config, const bfci_image_facts *image, bfc_err *err)
{
    if (config->layer_count != image->layer_count)
        return bfci_fail(err, BFC_E_CORRUPT, "it has %zu diffIDs, the image %zu layers",
                         config->layer_count, image->layer_count);
    for (size_t i = 0; i < config->layer_count; i++)
        if (!bfci_digest_equal(&config->diff_id[i], &image->layer[i].diff_id))
            return bfci_fail(err, BFC_E_CORRUPT, "its diffID number %zu is not that of the layer",
                             i + 1);
    return 0;
}

static int check_config(run *r, size_t number, bfc_err *err)
{
    const bfci_image_facts *image = &r->facts.image[number];
    AUTO_FREE uint8_t *bytes = NULL;
    bfci_config config = {0};
    char name[40];
    size_t len = 0;

    snprintf(name, sizeof name, "oci/%zu/config", number);
    BFC_TRY(read_document(r, name, &image->config, &bytes, &len, err));
    BFC_TRY(bfci_config_parse(bytes, len, "it", &config, err));
    int rc = compare_config(&config, image, err);
    bfci_config_release(&config);
    return rc;
}

/* ── Manifests ── */

static int check_manifest(run *r, size_t number, bfci_manifest *out, bfc_err *err)
{
    const bfci_image_facts *image = &r->facts.image[number];
    AUTO_FREE uint8_t *bytes = NULL;
    char name[40];
    size_t len = 0;

    snprintf(name, sizeof name, "oci/%zu/manifest", number);
    BFC_TRY(read_document(r, name, &image->manifest, &bytes, &len, err));
    BFC_TRY(bfci_manifest_parse(bytes, len, "it", out, err));
    if (out->layer_count != image->layer_count)
        return bfci_fail(err, BFC_E_CORRUPT, "it has %zu layers, the image %zu", out->layer_count,
                         image->layer_count);
    if (!bfci_digest_equal(&out->config.digest, &image->config))
        return bfci_fail(err, BFC_E_CORRUPT, "it is not of the image's configuration");
    return 0;
}

/* ── Artifacts ── */

static int compare_blob(const bfci_descriptor *d, const bfci_layer_facts *fact, bfc_err *err)
{
    if (bfci_digest_equal(&d->digest, &fact->digest) && d->size == fact->size &&
        strcmp(d->media_type, fact->media_type) == 0)
        return 0;
    return bfci_fail(err, BFC_E_CORRUPT, "the manifest tells of it otherwise than the image");
}

/* Whether the blob is there under its digest; that its bytes have it, a deep check of the container
 * has seen, for each file. */
static int check_blob(run *r, const bfci_image_facts *image, const bfci_manifest *m, size_t i,
                      bfc_err *err)
{
    const bfci_descriptor *d = bfci_artifact_blob(m, i);
    char digest[DIGEST_TEXT_SIZE], what[DIGEST_TEXT_SIZE + 16];
    bfc_err why = BFC_ERR_INIT;
    uint64_t ino = 0;

    BFC_TRY(bfci_check_cancel(r->check->hooks, err));
    int rc = i > 0 ? compare_blob(d, &image->layer[i - 1], &why) : 0;
    if (rc == 0)
        rc = bfci_artifact_find(r->reader, d, &ino, &why);
    bfci_digest_text(&d->digest, digest);
    snprintf(what, sizeof what, "blob %s", digest);
    return rc < 0 ? tell(r, rc, &why, what, err) : 0;
}

/* A large config is a blob like any other; a small one is a document, too. */
static int check_small_config(run *r, size_t number, const bfci_manifest *m, bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = NULL;
    bfc_err why = BFC_ERR_INIT;
    char name[40];
    size_t len = 0;

    if (m->config.size > CONFIG_SIZE_MAX)
        return 0;
    snprintf(name, sizeof name, "oci/%zu/config", number);
    int rc = read_document(r, name, &m->config.digest, &bytes, &len, &why);
    return rc < 0 ? tell(r, rc, &why, "configuration", err) : 0;
}

static int check_artifact(run *r, size_t number, bfc_err *err)
{
    const bfci_image_facts *image = &r->facts.image[number];
    AUTO_MANIFEST bfci_manifest m = {0};
    bfc_err why = BFC_ERR_INIT;

    int rc = check_manifest(r, number, &m, &why);
    if (rc < 0)
        return tell(r, rc, &why, "manifest", err);
    BFC_TRY(check_small_config(r, number, &m, err));
    rc = bfci_reader_use_tree(r->reader, image->tree, &why);
    if (rc < 0)
        return tell(r, rc, &why, "tree of the blobs", err);
    for (size_t i = 0; bfci_artifact_blob(&m, i); i++)
        BFC_TRY(check_blob(r, image, &m, i, err));
    return 0;
}

/* ── Images ── */

static int compare_layers(const bfci_manifest *manifest, const bfci_image_facts *image,
                          bfc_err *err)
{
    for (size_t i = 0; i < manifest->layer_count; i++)
        if (!bfci_digest_equal(&manifest->layer[i].digest, &image->layer[i].digest) ||
            manifest->layer[i].size != image->layer[i].size)
            return bfci_fail(err, BFC_E_CORRUPT, "its layer number %zu is not that of the image",
                             i + 1);
    return 0;
}

static int check_image(run *r, size_t number, bfc_err *err)
{
    const bfci_image_facts *image = &r->facts.image[number];
    AUTO_MANIFEST bfci_manifest manifest = {0};
    bfc_err why = BFC_ERR_INIT;

    int rc = check_manifest(r, number, &manifest, &why);
    if (rc == 0)
        rc = compare_layers(&manifest, image, &why);
    if (rc < 0)
        BFC_TRY(tell(r, rc, &why, "manifest", err));
    rc = check_config(r, number, &why);
    if (rc < 0)
        BFC_TRY(tell(r, rc, &why, "configuration", err));
    for (size_t i = 0; r->check->deep && i < image->layer_count; i++)
        BFC_TRY(check_layer(r, &image->layer[i], err));
    return 0;
}

int bfci_image_check_run(const char *path, bfci_image_check *check, bfc_err *err)
{
    run r = {.check = check, .first = BFC_ERR_INIT};
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    bfc_err why = BFC_ERR_INIT;

    bfc_reader_options reading = BFC_READER_OPTIONS_INIT;
    reading.keys = check->keys;
    BFC_TRY(bfci_reader_open(path, &reading, &reader, err));
    r.reader = reader;
    int rc = bfci_facts_load(reader, &r.facts, &why);
    if (rc < 0)
        rc = tell(&r, rc, &why, "image", err);
    for (size_t i = 0; rc == 0 && i < r.facts.image_count; i++)
        rc = r.facts.image[i].is_artifact ? check_artifact(&r, i, err) : check_image(&r, i, err);
    bfci_facts_release(&r.facts);
    BFC_TRY(rc);
    if (check->problems == 0)
        return 0;
    if (err)
        *err = r.first;
    return BFC_E_CORRUPT;
}
