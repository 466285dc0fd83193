/* SPDX-License-Identifier: Apache-2.0 */
/* A manifest's file, with its blobs where it stands: a blob of a layout (its name promises the
 * digest), a manifest or index above a folder "blobs" or beside its blobs, docker's manifest.json
 * of an unpacked archive. */
#include <fcntl.h>

#include "oci/origin_parts.h"
#include "sys/file.h"

static const char *const BESIDE[] = {"", NULL};
static const char *const ABOVE_OR_BESIDE[] = {"blobs/sha256/", "", NULL};

static bool is_digest_name(const char *name, bfci_digest *out)
{
    char text[DIGEST_TEXT_SIZE] = "sha256:";

    if (strlen(name) != 2 * (size_t)BFC_DIGEST_SIZE)
        return false;
    memcpy(text + strlen(text), name, 2 * (size_t)BFC_DIGEST_SIZE + 1);
    return bfci_digest_parse(text, out, NULL) == 0;
}

static int open_folder_of(const char *path, const char **name, bfci_files **out, bfc_err *err)
{
    AUTO_FREE char *folder = NULL;
    const char *slash = strrchr(path, '/');

    *name = slash ? slash + 1 : path;
    if (slash)
        BFC_TRY(bfci_memdup_str(path, (size_t)MAX(slash - path, 1), &folder, err));
    else
        BFC_TRY(bfci_strdup(".", &folder, err));
    return bfci_files_open(folder, out, err);
}

static bool is_array(const uint8_t *json)
{
    while (*json && strchr(" \t\r\n", *json))
        json++;
    return *json == '[';
}

int bfci_manifest_open(const char *path, bfci_origin **out, bfc_err *err)
{
    AUTO(bfci_files) bfci_files *files = NULL;
    AUTO(bfci_origin) bfci_origin *o = NULL;
    AUTO_FREE uint8_t *json = NULL;
    const char *name = NULL;
    bfci_digest digest;
    size_t len = 0;

    BFC_TRY(bfci_read_file(AT_FDCWD, path, MANIFEST_SIZE_MAX, &json, &len, err));
    BFC_TRY(open_folder_of(path, &name, &files, err));
    if (is_array(json))
        return bfci_docker_new(&files, &json, len, NULL, out, err);
    bool is_blob = is_digest_name(name, &digest);
    BFC_TRY(bfci_blob_folder_new(&files, is_blob ? BESIDE : ABOVE_OR_BESIDE, &o, err));
    if (is_blob)
        BFC_TRY(bfci_blob_folder_start(o, &digest, err));
    else
        BFC_TRY(bfci_origin_set_document(o, &json, len, NULL, BFCI_QUOTE_STR(name), err));
    *out = bfci_steal(&o);
    return 0;
}
