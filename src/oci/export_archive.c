/* SPDX-License-Identifier: Apache-2.0 */
/* The two kinds of archives: an OCI layout in a tar, and what `docker save` and `podman load` call
 * an image: manifest.json (a list of images: configuration, tags, layers), the configuration under
 * its digest, and the layers. */
#include "oci/export_parts.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/hooks.h"
#include "oci/artifact.h"
#include "sys/file.h"

/* An existing file is told before the work, not after it. */
int bfci_export_check_free(const char *path, bool replace, bfc_err *err)
{
    struct stat st;

    if (!replace && bfci_stat_at(AT_FDCWD, path, 0, &st, NULL) == 0)
        return bfci_fail(err, BFC_E_EXISTS, "'%s' is already there", BFCI_QUOTE_STR(path));
    return 0;
}

/* ── OCI ── */

int bfci_export_oci_archive(const bfci_export *e, const char *path, bfc_err *err)
{
    AUTO_EXPORT_RUN bfci_export_run run = {0};
    AUTO(bfci_export_tar) bfci_export_tar *tar = NULL;
    AUTO(json_t) json_t *root = NULL;
    AUTO_FREE char *index = NULL;

    BFC_TRY(bfci_export_check_free(path, e->replace, err));
    BFC_TRY(bfci_export_begin(&run, e, err));
    BFC_TRY(bfci_export_tar_new(path, &tar, err));
    const bfci_export_target t = bfci_export_tar_target(tar);
    BFC_TRY(bfci_export_put(&t, "oci-layout", BFCI_EXPORT_LAYOUT_FILE,
                            strlen(BFCI_EXPORT_LAYOUT_FILE), err));
    BFC_TRY(bfci_export_images(&run, &t, &root, err));
    BFC_TRY(bfci_export_index(NULL, 0, root, e->ref, &index, err));
    BFC_TRY(bfci_export_put(&t, "index.json", index, strlen(index), err));
    BFC_TRY(bfci_check_cancel(e->hooks, err));
    return bfci_export_tar_publish(tar, e->replace, err);
}

/* ── Docker ── */

static int append_text(json_t *list, const char *text, bfc_err *err)
{
    json_t *item = NULL;

    BFC_TRY(bfci_json_text(text, &item, err));
    return bfci_json_append(list, item, err);
}

/* A layer, if it is not there yet, and its name in the list. */
static int put_layer(bfci_export_run *run, const bfci_export_target *t,
                     const bfci_layer_facts *layer, json_t *names, size_t *at, bfc_err *err)
{
    char hex[2 * BFC_DIGEST_SIZE + 1], name[EXPORT_NAME_MAX];

    *at = layer ? bfci_export_known(run, &layer->diff_id) : SIZE_MAX;
    bool fresh = *at == SIZE_MAX;
    if (fresh) {
        BFC_TRY(t->begin(t->ctx, err));
        BFC_TRY(bfci_export_pack(run, layer, t->write, t->ctx, at, err));
    }
    bfci_hex(run->packed[*at].diff_id.bytes, BFC_DIGEST_SIZE, hex);
    (void)snprintf(name, sizeof name, "%s.tar", hex);
    if (fresh)
        BFC_TRY(t->end(t->ctx, name, err));
    return append_text(names, name, err);
}

int bfci_export_docker_config(const bfci_export_target *t, const void *json, size_t len,
                              json_t *image, bfc_err *err)
{
    char hex[2 * BFC_DIGEST_SIZE + 1], name[EXPORT_NAME_MAX];
    bfci_digest digest;

    BFC_TRY(bfci_sha256(json, len, digest.bytes, err));
    bfci_hex(digest.bytes, sizeof digest.bytes, hex);
    (void)snprintf(name, sizeof name, "%s.json", hex);
    BFC_TRY(bfci_export_put(t, name, json, len, err));
    return bfci_json_put_text(image, "Config", name, err);
}

static int put_image(bfci_export_run *run, const bfci_export_target *t, json_t *image,
                     json_t *names, bfc_err *err)
{
    const bfci_image_facts *first = &run->facts.image[0];
    AUTO_FREE uint8_t *config = NULL;
    size_t len = 0, at = 0;

    BFC_TRY(bfci_export_document(run, 0, "config", &first->config, CONFIG_SIZE_MAX, &config, &len,
                                 err));
    for (size_t i = 0; i < first->layer_count; i++)
        BFC_TRY(put_layer(run, t, &first->layer[i], names, &at, err));
    return bfci_export_docker_config(t, config, len, image, err);
}

static int put_directory(bfci_export_run *run, const bfci_export_target *t, json_t *image,
                         json_t *names, bfc_err *err)
{
    AUTO_FREE char *config = NULL;
    size_t at = 0;

    BFC_TRY(put_layer(run, t, NULL, names, &at, err));
    BFC_TRY(bfci_export_config(run, &run->packed[at].diff_id, &config, err));
    return bfci_export_docker_config(t, config, strlen(config), image, err);
}

int bfci_export_docker_list(const bfci_export_target *t, json_t *image, json_t *names,
                            const char *ref, bfc_err *err)
{
    AUTO(json_t) json_t *list = json_array();
    AUTO(json_t) json_t *tags = json_array();
    AUTO_FREE char *json = NULL;

    if (!list || !tags)
        return bfci_fail_nomem(err);
    BFC_TRY(append_text(tags, ref, err));
    BFC_TRY(bfci_json_put(image, "RepoTags", bfci_steal(&tags), err));
    BFC_TRY(bfci_json_put(image, "Layers", json_incref(names), err));
    BFC_TRY(bfci_json_append(list, json_incref(image), err));
    BFC_TRY(bfci_json_dump(list, &json, err));
    return bfci_export_put(t, "manifest.json", json, strlen(json), err);
}

static int put_all(bfci_export_run *run, const bfci_export_target *t, bfc_err *err)
{
    AUTO(json_t) json_t *image = json_object();
    AUTO(json_t) json_t *names = json_array();

    if (!image || !names)
        return bfci_fail_nomem(err);
    if (run->facts.image_count > 1)
        bfci_log(run->e->hooks, BFC_LOG_WARNING, "oci",
                 "a docker-archive has one platform: of the %zu images only the first is in it",
                 run->facts.image_count);
    BFC_TRY(run->facts.image_count > 0 ? put_image(run, t, image, names, err)
                                       : put_directory(run, t, image, names, err));
    return bfci_export_docker_list(t, image, names, run->e->ref, err);
}

int bfci_export_docker_archive(const bfci_export *e, const char *path, bfc_err *err)
{
    AUTO_EXPORT_RUN bfci_export_run run = {0};
    AUTO(bfci_export_tar) bfci_export_tar *tar = NULL;

    BFC_TRY(bfci_export_check_free(path, e->replace, err));
    BFC_TRY(bfci_export_begin(&run, e, err));
    BFC_TRY(bfci_artifact_refuse(&run.facts, err));
    BFC_TRY(bfci_export_tar_new(path, &tar, err));
    const bfci_export_target t = bfci_export_tar_target(tar);
    BFC_TRY(put_all(&run, &t, err));
    BFC_TRY(bfci_check_cancel(e->hooks, err));
    return bfci_export_tar_publish(tar, e->replace, err);
}
