/* SPDX-License-Identifier: Apache-2.0 */
/* The blob "bfc/image.json": what of a container is what of an image (docs/format.md, section 12).
 */
#ifndef BFCI_OCI_FACTS_H
#define BFCI_OCI_FACTS_H

#include "container/reader.h"
#include "oci/digest.h"

#define BFCI_FACTS_BLOB "bfc/image.json"

enum {
    FACTS_SIZE_MAX = 4 << 20 /* of the blob: room for 10000 layers */
};

typedef struct bfci_layer_facts {
    bfci_digest diff_id, digest;
    char *media_type;
    uint64_t size; /* bytes as the manifest's descriptor has it */
    /* What follows, and the diffID, are a layer's; a blob of an artifact is as it came. */
    uint32_t tree;
    uint64_t tar_size; /* bytes uncompressed */
    uint32_t parts;    /* of its recipe */
    uint64_t files;    /* entries of the tar */
} bfci_layer_facts;

typedef struct bfci_image_facts {
    char *platform; /* "linux/arm64"; NULL for an artifact that is of none */
    bfci_digest manifest, config;
    uint32_t tree;    /* the merged one, or that of an artifact's blobs */
    uint64_t entries; /* in it, each inode once */
    uint64_t content; /* bytes of its files */
    bfci_layer_facts *layer;
    size_t layer_count;
    bool is_artifact; /* a manifest that is no image, with its blobs as they are */
} bfci_image_facts;

typedef struct bfci_facts {
    char *platform; /* as that of image 0 */
    char *source;   /* "directory", "oci", "artifact" */
    bfci_image_facts *image;
    size_t image_count; /* 0 for an image from a directory */
} bfci_facts;

static inline bool bfci_facts_of_artifact(const bfci_facts *f)
{
    return f->image_count > 0 && f->image[0].is_artifact;
}

/* What `source` is of such images; static. */
const char *bfci_facts_source(const bfci_facts *f);

int bfci_facts_encode(const bfci_facts *f, char **json, bfc_err *err);
int bfci_facts_decode(const uint8_t *json, size_t len, bfci_facts *out, bfc_err *err);
/* Those of a container; all zero if it has none: it was not made as an image. */
int bfci_facts_load(bfc_reader *r, bfci_facts *out, bfc_err *err);
void bfci_facts_release(bfci_facts *f);
#define AUTO_FACTS __attribute__((cleanup(bfci_facts_release)))

#endif
