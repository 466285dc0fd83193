/* SPDX-License-Identifier: Apache-2.0 */
/* A docker-archive holds one image: its layers as plain tars under their diffIDs. So they are
 * inflated on their way, and compared with their descriptors and with the configuration. */
#include <stdio.h>

#include "oci/config.h"
#include "oci/copy.h"
#include "oci/layer_stream.h"

#define TAR_SIZE_LEAST (UINT64_C(1) << 30)
#define TAR_SIZE_FACTOR 1024 /* as for images of a store */

struct docker {
    bfci_copying *copying;
    const bfci_export_target *target;
    bfci_manifest manifest;
    bfci_config config;
    uint8_t *config_bytes;
    size_t config_len;
    json_t *image, *names;
};

static void docker_release(struct docker *d)
{
    bfci_manifest_release(&d->manifest);
    bfci_config_release(&d->config);
    free(d->config_bytes);
    json_decref(d->image);
    json_decref(d->names);
}
#define AUTO_DOCKER __attribute__((cleanup(docker_release)))

/* ── Looking ── */

static int read_documents(struct docker *d, bfc_err *err)
{
    const bfci_copy_list *l = d->copying->list;
    const bfci_copied_document *root = &l->document[l->document_count - 1];

    if (root->kind != MEDIA_MANIFEST)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "a docker-archive has one platform: the whole index does not fit");
    BFC_TRY(bfci_manifest_parse(root->bytes, root->len, "manifest", &d->manifest, err));
    if (!d->manifest.is_image)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "this is no image, but an artifact: it has no place in a docker-archive");
    BFC_TRY(bfci_origin_document(d->copying->origin, &d->manifest.config, "configuration",
                                 CONFIG_SIZE_MAX, &d->config_bytes, &d->config_len, err));
    BFC_TRY(bfci_config_parse(d->config_bytes, d->config_len, "configuration", &d->config, err));
    if (d->config.layer_count != d->manifest.layer_count)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the manifest has %zu layers, the configuration tells of %zu",
                         d->manifest.layer_count, d->config.layer_count);
    d->image = json_object();
    d->names = json_array();
    return d->image && d->names ? 0 : bfci_fail_nomem(err);
}

/* A layer that stands there twice is written once. */
static bool is_first(const struct docker *d, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (bfci_digest_equal(&d->config.diff_id[i], &d->config.diff_id[at]))
            return false;
    return true;
}

static int expect(const struct docker *d, bfc_err *err)
{
    AUTO_FREE const bfci_descriptor **list = NULL;
    size_t count = 0;

    if (!d->copying->expect)
        return 0;
    BFC_TRY(bfci_alloc(d->manifest.layer_count + 1, sizeof *list, &list, err));
    for (size_t i = 0; i < d->manifest.layer_count; i++)
        if (is_first(d, i))
            list[count++] = &d->manifest.layer[i];
    return d->copying->expect(d->copying->ctx, list, count, err);
}

/* ── Writing ── */

static int check_diff_id(const bfci_layer_stream *s, const bfci_digest *want, bfc_err *err)
{
    char told[DIGEST_TEXT_SIZE], came[DIGEST_TEXT_SIZE];
    bfci_digest diff_id, digest;
    uint64_t tar_size = 0, size = 0;

    bfci_layer_stream_sums(s, &diff_id, &tar_size, &digest, &size);
    if (bfci_digest_equal(&diff_id, want))
        return 0;
    bfci_digest_text(want, told);
    bfci_digest_text(&diff_id, came);
    return bfci_fail(err, BFC_E_CORRUPT,
                     "the configuration tells of the diffID %s, what came has %s", told, came);
}

static int copy_tar(struct docker *d, bfci_layer_stream *s, const bfci_digest *diff_id,
                    bfc_err *err)
{
    const bfci_export_target *t = d->target;
    const uint8_t *bytes = NULL;
    size_t len = 1;

    while (len > 0) {
        BFC_TRY(bfci_check_cancel(d->copying->hooks, err));
        BFC_TRY(bfci_layer_stream_next(s, &bytes, &len, err));
        if (len > 0)
            BFC_TRY(t->write(t->ctx, bytes, len, err));
    }
    return check_diff_id(s, diff_id, err);
}

static int put_layer(struct docker *d, size_t at, const char *name, bfc_err *err)
{
    const bfci_descriptor *layer = &d->manifest.layer[at];
    AUTO(bfci_layer_stream) bfci_layer_stream *s = NULL;
    bfci_bytes in = {0};
    uint64_t most = 0;

    if (bfci_media_kind(layer->media_type, NULL) == MEDIA_ENCRYPTED_LAYER)
        return bfci_fail(err, BFC_E_UNSUPPORTED, "it is encrypted, and cannot be a plain tar");
    if (bfci_mul_overflows(layer->size, (uint64_t)TAR_SIZE_FACTOR, &most))
        most = UINT64_MAX;
    BFC_TRY(d->copying->origin->open_blob(d->copying->origin, layer, &in, err));
    const bfci_layer_stream_options o = {.promised = layer, .size_max = MAX(most, TAR_SIZE_LEAST)};
    BFC_TRY(bfci_layer_stream_open(&in, &o, &s, err));
    BFC_TRY(d->target->begin(d->target->ctx, err));
    BFC_TRY(copy_tar(d, s, &d->config.diff_id[at], err));
    BFC_TRY(d->target->end(d->target->ctx, name, err));
    d->copying->blobs++;
    d->copying->bytes += layer->size;
    return 0;
}

static int put_layers(struct docker *d, bfc_err *err)
{
    for (size_t i = 0; i < d->manifest.layer_count; i++) {
        char hex[BFCI_DIGEST_HEX_SIZE], name[EXPORT_NAME_MAX], digest[DIGEST_TEXT_SIZE];
        json_t *item = NULL;

        bfci_hex(d->config.diff_id[i].bytes, BFC_DIGEST_SIZE, hex);
        (void)snprintf(name, sizeof name, "%s.tar", hex);
        if (is_first(d, i)) {
            int rc = put_layer(d, i, name, err);
            bfci_digest_text(&d->manifest.layer[i].digest, digest);
            if (rc < 0)
                return rc == BFC_E_CANCELLED ? rc : bfci_wrap(err, rc, "layer %s", digest);
        }
        BFC_TRY(bfci_json_text(name, &item, err));
        BFC_TRY(bfci_json_append(d->names, item, err));
    }
    return 0;
}

int bfci_copy_docker_archive(bfci_copying *c, const char *path, const char *ref, bool replace,
                             bfc_err *err)
{
    AUTO(bfci_export_tar) bfci_export_tar *tar = NULL;
    AUTO_DOCKER struct docker d = {.copying = c};

    BFC_TRY(bfci_export_check_free(path, replace, err));
    BFC_TRY(read_documents(&d, err));
    BFC_TRY(expect(&d, err));
    BFC_TRY(bfci_export_tar_new(path, &tar, err));
    const bfci_export_target target = bfci_export_tar_target(tar);
    d.target = &target;
    BFC_TRY(put_layers(&d, err));
    BFC_TRY(bfci_export_docker_config(&target, d.config_bytes, d.config_len, d.image, err));
    BFC_TRY(bfci_export_docker_list(&target, d.image, d.names, ref, err));
    BFC_TRY(bfci_check_cancel(c->hooks, err));
    return bfci_export_tar_publish(tar, replace, err);
}
