/* SPDX-License-Identifier: Apache-2.0 */
/* An image's facts as ZFS user properties, there and back. They are copies: the container is the
 * truth, and a value that a stranger has set to nonsense costs a look into it, no more. */
#include "store/zfs.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/hooks.h"
#include "oci/digest.h"
#include "store/facts.h"

#define NO_MANIFEST "none"
#define UNKNOWN "unknown" /* of an encrypted image: what its properties must not give away */

const char *const bfci_zfs_property[ZFS_PROPERTIES] = {
    [ZFS_IMAGE] = "bfc:image",
    [ZFS_DIGEST] = "bfc:digest",
    [ZFS_MANIFEST] = "bfc:manifest",
    [ZFS_CREATED] = "bfc:created",
    [ZFS_SIZE] = "bfc:size",
    [ZFS_COMPRESSION] = "bfc:compression",
    [ZFS_ENCRYPTION] = "bfc:encryption",
    [ZFS_PLATFORM] = "bfc:platform",
    [ZFS_LAYERS] = "bfc:layers",
    [ZFS_FILES] = "bfc:files",
    [ZFS_CONTENT] = "bfc:content",
};

void bfci_zfs_values_release(bfci_zfs_values *v)
{
    for (size_t i = 0; i < ZFS_PROPERTIES; i++)
        free(v->text[i]);
}

/* ── From facts ── */

/* With the key in hand too: others see the properties. */
static const int hidden[] = {ZFS_MANIFEST, ZFS_COMPRESSION, ZFS_PLATFORM,
                             ZFS_LAYERS,   ZFS_FILES,       ZFS_CONTENT};

static int put_unknown(char **text, bfc_err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        BFC_TRY(bfci_strdup(UNKNOWN, &text[hidden[i]], err));
    return 0;
}

int bfci_zfs_values_of(const bfc_image_info *info, bfci_zfs_values *out, bfc_err *err)
{
    char **text = out->text;
    const bool sealed = strcmp(info->encryption, "none") != 0;
    const char *manifest = *info->manifest_digest ? info->manifest_digest : NO_MANIFEST;
    char digest[BFCI_DIGEST_HEX_SIZE];

    bfci_hex(info->root_digest, sizeof info->root_digest, digest);
    BFC_TRY(bfci_strdup(info->name, &text[ZFS_IMAGE], err));
    BFC_TRY(bfci_strdup(digest, &text[ZFS_DIGEST], err));
    BFC_TRY(bfci_asprintf(&text[ZFS_CREATED], err, "%" PRId64, info->created));
    BFC_TRY(bfci_asprintf(&text[ZFS_SIZE], err, "%" PRIu64, info->size));
    BFC_TRY(bfci_strdup(info->encryption, &text[ZFS_ENCRYPTION], err));
    if (sealed)
        return put_unknown(text, err);
    BFC_TRY(bfci_strdup(manifest, &text[ZFS_MANIFEST], err));
    BFC_TRY(bfci_strdup(info->compression, &text[ZFS_COMPRESSION], err));
    BFC_TRY(bfci_strdup(info->platform, &text[ZFS_PLATFORM], err));
    BFC_TRY(bfci_asprintf(&text[ZFS_LAYERS], err, "%" PRIu64, info->layers));
    BFC_TRY(bfci_asprintf(&text[ZFS_FILES], err, "%" PRIu64, info->files));
    return bfci_asprintf(&text[ZFS_CONTENT], err, "%" PRIu64, info->content_bytes);
}

/* ── From text ── */

static bool read_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || bfci_mul_overflows(value, (uint64_t)10, &value) ||
            bfci_add_overflows(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    *out = value;
    return true;
}

static bool read_time(const char *text, int64_t *out)
{
    uint64_t value = 0;

    if (!read_u64(text, &value) || value > INT64_MAX)
        return false;
    *out = (int64_t)value;
    return true;
}

/* One of a few words; the static one, since that is what the facts have. */
static bool read_word(const char *text, const char *a, const char *b, const char **out)
{
    *out = strcmp(text, a) == 0 ? a : strcmp(text, b) == 0 ? b : NULL;
    return *out != NULL;
}

static bool is_platform(const char *text)
{
    return *text && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_.-/")] == '\0';
}

static bool read_one(int property, const char *text, const char *name, bfc_image_info *info)
{
    bfci_digest manifest;

    switch (property) {
    case ZFS_IMAGE:
        return strcmp(text, name) == 0;
    case ZFS_DIGEST:
        return bfci_unhex(text, info->root_digest, sizeof info->root_digest);
    case ZFS_MANIFEST:
        return strcmp(text, NO_MANIFEST) == 0 || bfci_digest_parse(text, &manifest, NULL) == 0;
    case ZFS_CREATED:
        return read_time(text, &info->created);
    case ZFS_SIZE:
        return read_u64(text, &info->size);
    case ZFS_COMPRESSION:
        return read_word(text, "none", "zstd", &info->compression);
    case ZFS_ENCRYPTION:
        return read_word(text, "none", "chacha20-poly1305", &info->encryption);
    case ZFS_PLATFORM:
        return is_platform(text);
    case ZFS_LAYERS:
        return read_u64(text, &info->layers);
    case ZFS_FILES:
        return read_u64(text, &info->files);
    default:
        return read_u64(text, &info->content_bytes);
    }
}

static bool is_hidden(int property)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (hidden[i] == property)
            return true;
    return false;
}

int bfci_zfs_values_read(const char *const text[ZFS_PROPERTIES], const char *name, const char *path,
                         bfc_image_info **out, int *wrong, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *info, &info, err));
    info->hidden = strcmp(text[ZFS_ENCRYPTION], "chacha20-poly1305") == 0;
    info->compression = UNKNOWN;
    for (int i = 0; i < ZFS_PROPERTIES; i++) {
        if (info->hidden && is_hidden(i) ? strcmp(text[i], UNKNOWN) != 0
                                         : !read_one(i, text[i], name, info)) {
            *wrong = i;
            return 0;
        }
    }
    const char *manifest = text[ZFS_MANIFEST];
    BFC_TRY(bfci_strdup(name, &info->name, err));
    BFC_TRY(bfci_strdup(path, &info->path, err));
    BFC_TRY(bfci_strdup("", &info->mismatch, err));
    BFC_TRY(bfci_strdup(text[ZFS_PLATFORM], &info->platform, err));
    BFC_TRY(bfci_strdup(info->hidden || strcmp(manifest, NO_MANIFEST) == 0 ? "" : manifest,
                        &info->manifest_digest, err));
    *wrong = ZFS_PROPERTIES;
    *out = bfci_steal(&info);
    return 0;
}

/* ── To a dataset ── */

/* What a snapshot keeps of its version, whatever becomes of the dataset. */
static const int of_version[] = {ZFS_IMAGE, ZFS_DIGEST, ZFS_CREATED, ZFS_SIZE};

/* The digest is the last: as long as it is another one, prune sets all of them. */
static const int of_image[] = {ZFS_IMAGE,       ZFS_MANIFEST,   ZFS_CREATED,  ZFS_SIZE,
                               ZFS_COMPRESSION, ZFS_ENCRYPTION, ZFS_PLATFORM, ZFS_LAYERS,
                               ZFS_FILES,       ZFS_CONTENT,    ZFS_DIGEST};

static int set_one_by_one(const bfci_zfsstore *z, const char *name, const bfci_zfs_values *v,
                          const int *which, size_t count, bfc_err *err)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
        bfci_zfs_add(&call, "set");
        bfci_zfs_addf(&call, "%s=%s", bfci_zfs_property[which[i]], v->text[which[i]]);
        bfci_zfs_add(&call, name);
        BFC_TRY(bfci_zfs_run(&z->tool, &call, NULL, err));
    }
    return 0;
}

static int set_values(const bfci_zfsstore *z, const char *name, const bfc_image_info *info,
                      const int *which, size_t count, bfc_err *err)
{
    AUTO_ZFS_VALUES bfci_zfs_values v = {{NULL}};
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;

    BFC_TRY(bfci_zfs_values_of(info, &v, err));
    if (z->tool.fuse)
        return set_one_by_one(z, name, &v, which, count, err);
    bfci_zfs_add(&call, "set");
    for (size_t i = 0; i < count; i++)
        bfci_zfs_addf(&call, "%s=%s", bfci_zfs_property[which[i]], v.text[which[i]]);
    bfci_zfs_add(&call, name);
    return bfci_zfs_run(&z->tool, &call, NULL, err);
}

int bfci_zfs_set_facts(const bfci_zfsstore *z, const char *dataset, const bfc_image_info *info,
                       bfc_err *err)
{
    return set_values(z, dataset, info, of_image, ARRAY_LEN(of_image), err);
}

int bfci_zfs_mark_version(const bfci_zfsstore *z, const char *dataset, const bfc_image_info *info,
                          bfc_err *err)
{
    AUTO_FREE char *snapshot = NULL;
    char version[BFCI_ZFS_VERSION_LEN + 1];

    bfci_zfs_version_name(info->root_digest, version);
    BFC_TRY(bfci_asprintf(&snapshot, err, "%s@%s", dataset, version));
    return set_values(z, snapshot, info, of_version, ARRAY_LEN(of_version), err);
}

/* A snapshot that came from elsewhere has none if a kill kept them from being set. */
static int need_marks(const bfci_zfsstore *z, const char *snapshot, const bfc_image_info *info,
                      bfc_err *err)
{
    AUTO_FREE char *marked = NULL;

    BFC_TRY(bfci_zfs(&z->tool, &marked, err, "get", "-H", "-o", "name", "-s", "local,received",
                     bfci_zfs_property[ZFS_SIZE], snapshot, NULL));
    return *marked ? 0 : set_values(z, snapshot, info, of_version, ARRAY_LEN(of_version), err);
}

int bfci_zfs_take_version(const bfci_zfsstore *z, const char *dataset, const bfc_image_info *info,
                          bfc_err *err)
{
    AUTO_ZFS_VALUES bfci_zfs_values v = {{NULL}};
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
    char version[BFCI_ZFS_VERSION_LEN + 1];

    BFC_TRY(bfci_zfs_values_of(info, &v, err));
    bfci_zfs_version_name(info->root_digest, version);
    bfci_zfs_add(&call, "snapshot");
    for (size_t i = 0; i < ARRAY_LEN(of_version); i++)
        bfci_zfs_set_option(&call, bfci_zfs_property[of_version[i]], v.text[of_version[i]]);
    bfci_zfs_addf(&call, "%s@%s", dataset, version);
    int rc = bfci_zfs_run(&z->tool, &call, NULL, err);
    return rc == BFC_E_EXISTS ? need_marks(z, call.argv[call.count], info, err) : rc;
}

/* ── Comparing ── */

/* In one call: each value is a line at least, so that as many lines as ours are ours. */
static int all_same(const bfci_zfsstore *z, const char *dataset, const bfci_zfs_values *v,
                    bool *same, bfc_err *err)
{
    AUTO_BUF buf names = BUF_INIT;
    AUTO_BUF buf wanted = BUF_INIT;
    AUTO_FREE char *told = NULL;

    for (size_t i = 0; i < ZFS_PROPERTIES; i++) {
        bfci_buf_printf(&names, "%s%s", i > 0 ? "," : "", bfci_zfs_property[i]);
        bfci_buf_printf(&wanted, "%s%s", i > 0 ? "\n" : "", v->text[i]);
    }
    buf_u8(&names, 0);
    buf_u8(&wanted, 0);
    BFC_TRY(buf_check(&names, err));
    BFC_TRY(buf_check(&wanted, err));
    BFC_TRY(bfci_zfs_get(&z->tool, dataset, (const char *)names.data, &told, err));
    *same = strcmp(told, (const char *)wanted.data) == 0;
    return 0;
}

static int compare(const bfci_zfsstore *z, const char *dataset, const bfci_zfs_values *v, buf *told,
                   bfc_err *err)
{
    bool same = false;

    BFC_TRY(all_same(z, dataset, v, &same, err));
    for (size_t i = 0; !same && i < ZFS_PROPERTIES; i++) {
        AUTO_FREE char *value = NULL;
        BFC_TRY(bfci_zfs_get(&z->tool, dataset, bfci_zfs_property[i], &value, err));
        if (strcmp(value, v->text[i]) != 0)
            bfci_buf_printf(told, "%sproperty %s is '%s', the container says '%s'",
                            told->len ? "; " : "", bfci_zfs_property[i], BFCI_QUOTE_STR(value),
                            v->text[i]);
    }
    return buf_check(told, err);
}

int bfci_zfs_check(bfc_store *store, const bfc_image_info *info, bool repair, char **told,
                   bfc_err *err)
{
    bfci_zfsstore *z = bfci_zfs_of(store);
    AUTO_ZFS_VALUES bfci_zfs_values v = {{NULL}};
    AUTO_FREE char *dataset = NULL;
    AUTO_BUF buf words = BUF_INIT;
    bfci_reference ref;

    BFC_TRY(bfci_reference_parse(info->name, &ref, err));
    BFC_TRY(bfci_zfs_dataset_of(z, &ref, &dataset, err));
    BFC_TRY(bfci_zfs_values_of(info, &v, err));
    BFC_TRY(compare(z, dataset, &v, &words, err));
    if (repair && words.len > 0) {
        BFC_TRY(bfci_zfs_take_version(z, dataset, info, err));
        BFC_TRY(bfci_zfs_set_facts(z, dataset, info, err));
    }
    return bfci_memdup_str((const char *)words.data, words.len, told, err);
}
