/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the way from a container to a bfc_image_info. The container is the only truth: sizes, time
 * and digest come from its commit, and only what a commit cannot say stands in the blob
 * "bfc/image.json". The name is no part of it, it is where the file stands: so one file can have
 * several. A container without the blob, made by other means and put into the store, is an image
 * whose platform is not known. */
#include "store/facts.h"

#include "oci/facts.h"
#include "store/image_open.h"

void bfc_image_info_free(bfc_image_info *info)
{
    if (!info)
        return;
    free(info->name);
    free(info->manifest_digest);
    free(info->platform);
    free(info->path);
    free(info->mismatch);
    free(info);
}

/* Of several images in a container the first is the one that is told. */
static int take_facts(bfc_image_info *info, const bfci_facts *f, bfc_err *err)
{
    char manifest[DIGEST_TEXT_SIZE] = "";

    if (f->image_count > 0) {
        bfci_digest_text(&f->image[0].manifest, manifest);
        info->layers = f->image[0].layer_count;
        info->files = f->image[0].entries;
        info->content_bytes = f->image[0].content;
    }
    BFC_TRY(bfci_strdup(f->platform ? f->platform : "unknown", &info->platform, err));
    return bfci_strdup(manifest, &info->manifest_digest, err);
}

static int read_blob(bfc_reader *reader, bfc_image_info *info, bfc_err *err)
{
    AUTO_FACTS bfci_facts facts = {0};
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;
    bfc_err missing = BFC_ERR_INIT;

    int rc = bfc_reader_blob(reader, BFCI_FACTS_BLOB, &json, &len, &missing);
    if (rc < 0 && rc != BFC_E_NOT_FOUND) {
        if (err)
            *err = missing;
        return rc;
    }
    if (rc == 0)
        BFC_TRY(bfci_facts_decode(json, len, &facts, err));
    return take_facts(info, &facts, err);
}

static void take_container(bfc_image_info *info, const bfc_container_info *c)
{
    info->size = c->file_size;
    info->created = c->commit.time;
    info->compression = c->compression;
    info->encryption = c->encryption;
    memcpy(info->root_digest, c->commit.root_digest, sizeof info->root_digest);
    info->layers = 1;
    info->files = c->commit.files + c->commit.dirs + c->commit.symlinks + c->commit.others;
    info->content_bytes = c->commit.content_bytes;
}

/* The layer that an image from a directory has would be said of any image. */
static int take_hidden(bfc_image_info *info, bfc_err *err)
{
    info->hidden = true;
    info->compression = "unknown";
    info->layers = 0;
    BFC_TRY(bfci_strdup("unknown", &info->platform, err));
    return bfci_strdup("", &info->manifest_digest, err);
}

static int read_open(const char *path, const bfc_hooks *hooks, const bfc_keys *keys,
                     bfc_image_info *info, bfc_err *err)
{
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    bfc_container_info container;

    BFC_TRY(bfci_image_open(path, (bfci_opening){hooks, keys, NULL}, &reader, err));
    BFC_TRY(bfc_reader_info(reader, &container, err));
    take_container(info, &container);
    return read_blob(reader, info, err);
}

static int read_facts(const char *path, const char *name, const bfc_hooks *hooks,
                      const bfc_keys *keys, bfc_image_info *info, bfc_err *err)
{
    bfc_container_info container;

    BFC_TRY(bfc_container_peek(path, NULL, &container, err));
    take_container(info, &container);
    if (container.commit.hidden && !keys)
        BFC_TRY(take_hidden(info, err));
    else
        BFC_TRY(read_open(path, hooks, keys, info, err));
    BFC_TRY(bfci_strdup(name, &info->name, err));
    BFC_TRY(bfci_strdup("", &info->mismatch, err));
    return bfci_strdup(path, &info->path, err);
}

int bfci_facts_read(const char *path, const char *name, const bfc_hooks *hooks,
                    const bfc_keys *keys, bfc_image_info **out, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *info, &info, err));
    int rc = read_facts(path, name, hooks, keys, info, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "image '%s'", name);
    *out = bfci_steal(&info);
    return 0;
}
