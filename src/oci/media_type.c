/* SPDX-License-Identifier: Apache-2.0 */
/* Owns which media types are known: those of image-spec 1.1, Docker's schema 2, and the endings
 * that encrypted layers get. They are compared as they stand: nobody writes them otherwise, and two
 * readers that disagree about a type would disagree about the image. */
#include "oci/manifest.h"

static const struct {
    const char *name;
    enum bfci_media kind;
} documents[] = {
    {"application/vnd.oci.image.manifest.v1+json", MEDIA_MANIFEST},
    {"application/vnd.docker.distribution.manifest.v2+json", MEDIA_MANIFEST},
    {"application/vnd.oci.image.index.v1+json", MEDIA_INDEX},
    {"application/vnd.docker.distribution.manifest.list.v2+json", MEDIA_INDEX},
    {"application/vnd.oci.image.config.v1+json", MEDIA_CONFIG},
    {"application/vnd.docker.container.image.v1+json", MEDIA_CONFIG},
    {"application/vnd.oci.empty.v1+json", MEDIA_EMPTY},
};

/* What stands before the coding. */
static const struct {
    const char *name;
    enum bfci_media kind;
    char before_coding;
} layers[] = {
    {"application/vnd.oci.image.layer.v1.tar", MEDIA_LAYER, '+'},
    {"application/vnd.docker.image.rootfs.diff.tar", MEDIA_LAYER, '.'},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_FOREIGN_LAYER, '+'},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar", MEDIA_FOREIGN_LAYER, '.'},
};

static bool is(const char *at, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(at, word, len) == 0;
}

/* The length without an ending that says that the layer is encrypted; else `len`. */
static size_t without_encryption(const char *media_type, size_t len)
{
    static const char *const endings[] = {"+encrypted", "+enc"};

    for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
        size_t n = strlen(endings[i]);
        if (len > n && memcmp(media_type + len - n, endings[i], n) == 0)
            return len - n;
    }
    return len;
}

static bool coding_of(const char *rest, size_t len, char before, enum bfci_coding *out)
{
    if (len == 0)
        *out = CODING_PLAIN;
    else if (rest[0] == before && is(rest + 1, len - 1, "gzip"))
        *out = CODING_GZIP;
    else if (rest[0] == before && is(rest + 1, len - 1, "zstd"))
        *out = CODING_ZSTD;
    else
        return false;
    return true;
}

enum bfci_media bfci_media_kind(const char *media_type, enum bfci_coding *coding)
{
    const size_t whole = strlen(media_type);
    const size_t len = without_encryption(media_type, whole);
    enum bfci_coding found = CODING_PLAIN;

    for (size_t i = 0; i < ARRAY_LEN(documents); i++)
        if (strcmp(media_type, documents[i].name) == 0)
            return documents[i].kind;
    for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
        size_t n = strlen(layers[i].name);
        if (len < n || memcmp(media_type, layers[i].name, n) != 0 ||
            !coding_of(media_type + n, len - n, layers[i].before_coding, &found))
            continue;
        if (coding)
            *coding = found;
        return len < whole ? MEDIA_ENCRYPTED_LAYER : layers[i].kind;
    }
    return MEDIA_OTHER;
}
