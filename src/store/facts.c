/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the blob "bfc/image.json" and the way from a container to a bfc_image_info. The container is
 * the only truth: sizes, time and digest come from its commit, and only what a commit cannot say
 * stands in the blob. The name is no part of it, it is where the file stands: so one file can have
 * several. A container without the blob, made by other means and put into the store, is an image
 * whose platform is not known. */
#include "store/facts.h"

#include <jansson.h>

#include "store/platform.h"

#define SCHEMA "bfc.image/1"
#define BLOB_MAX 65536

BFCI_DEFINE_AUTO(bfc_reader, bfc_reader_close)
BFCI_DEFINE_AUTO(json_t, json_decref)

void bfc_image_info_free(bfc_image_info *info)
{
    if (!info)
        return;
    free(info->name);
    free(info->manifest_digest);
    free(info->platform);
    free(info->path);
    free(info);
}

int bfci_facts_encode(const char *platform, char **json, bfc_err *err)
{
    AUTO(json_t)
    json_t *root =
        json_pack("{s:s, s:s, s:s}", "schema", SCHEMA, "platform", platform, "source", "directory");
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

    if (!text)
        return bfci_fail_nomem(err);
    *json = text;
    return 0;
}

int bfci_facts_decode(const uint8_t *json, size_t len, char **platform, bfc_err *err)
{
    json_error_t why = {0};

    if (len > BLOB_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "blob '%s' has %zu bytes, %d are allowed",
                         BFCI_FACTS_BLOB, len, BLOB_MAX);
    AUTO(json_t) json_t *root = json_loadb((const char *)json, len, JSON_REJECT_DUPLICATES, &why);
    if (!root && why.text[0] == '\0') /* jansson has words for all but a lack of memory */
        return bfci_fail_nomem(err);
    if (!root)
        return bfci_fail(err, BFC_E_CORRUPT, "blob '%s' is not JSON: %s", BFCI_FACTS_BLOB,
                         BFCI_QUOTE_STR(why.text));
    const char *schema = json_string_value(json_object_get(root, "schema"));
    const char *text = json_string_value(json_object_get(root, "platform"));
    if (!schema || !text)
        return bfci_fail(err, BFC_E_CORRUPT, "blob '%s' lacks its schema or platform",
                         BFCI_FACTS_BLOB);
    if (strcmp(schema, SCHEMA) != 0)
        return bfci_fail(err, BFC_E_UNSUPPORTED, "blob '%s' has the schema '%s', known is '%s'",
                         BFCI_FACTS_BLOB, BFCI_QUOTE_STR(schema), SCHEMA);
    if (!bfci_platform_ok(text))
        return bfci_fail(err, BFC_E_CORRUPT, "blob '%s' has the impossible platform '%s'",
                         BFCI_FACTS_BLOB, BFCI_QUOTE_STR(text));
    return bfci_strdup(text, platform, err);
}

static int read_platform(bfc_reader *reader, char **platform, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;
    bfc_err missing = BFC_ERR_INIT;

    int rc = bfc_reader_blob(reader, BFCI_FACTS_BLOB, &json, &len, &missing);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_strdup("unknown", platform, err);
    if (rc < 0) {
        if (err)
            *err = missing;
        return rc;
    }
    return bfci_facts_decode(json, len, platform, err);
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

static int read_facts(const char *path, const char *name, const bfc_hooks *hooks,
                      bfc_image_info *info, bfc_err *err)
{
    bfc_reader_options options = BFC_READER_OPTIONS_INIT;
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    bfc_container_info container;

    options.hooks = hooks;
    BFC_TRY(bfc_reader_open(path, &options, &reader, err));
    BFC_TRY(bfc_reader_info(reader, &container, err));
    take_container(info, &container);
    BFC_TRY(read_platform(reader, &info->platform, err));
    BFC_TRY(bfci_strdup(name, &info->name, err));
    BFC_TRY(bfci_strdup("", &info->manifest_digest, err));
    return bfci_strdup(path, &info->path, err);
}

int bfci_facts_read(const char *path, const char *name, const bfc_hooks *hooks,
                    bfc_image_info **out, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *info, &info, err));
    int rc = read_facts(path, name, hooks, info, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "image '%s'", name);
    *out = bfci_steal(&info);
    return 0;
}
