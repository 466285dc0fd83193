/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, image manifests and indexes: image-spec 1.1 (descriptor.md, manifest.md,
 * image-index.md) and Docker's schema 2. What is read is checked and bounded; the bytes themselves
 * are kept by the caller, so that unknown fields survive. */
#ifndef BFCI_OCI_MANIFEST_H
#define BFCI_OCI_MANIFEST_H

#include "codec/flow.h"
#include "oci/digest.h"

enum {
    MANIFEST_SIZE_MAX = 4 << 20, /* as registries have it */
    CONFIG_SIZE_MAX = 8 << 20,
    LAYERS_MAX = 1024,
    INDEX_ENTRIES_MAX = 4096,
    IMAGES_MAX = 64 /* in one container */
};

/* "os/arch[/variant]", each part NULL where it is not told. */
typedef struct bfci_platform {
    char *os, *arch, *variant, *os_version;
} bfci_platform;
void bfci_platform_release(bfci_platform *p);
#define AUTO_PLATFORM __attribute__((cleanup(bfci_platform_release)))

typedef struct bfci_descriptor {
    char *media_type; /* "" where it is not told */
    bfci_digest digest;
    uint64_t size;
    char *artifact_type;    /* or NULL */
    char *ref_name;         /* annotation org.opencontainers.image.ref.name, or NULL */
    bfci_platform platform; /* of an entry of an index */
    bool is_statement;      /* of an index: no image, but what a builder says of another entry */
    char *json;             /* the whole object, compact: with its annotations and unknown fields */
} bfci_descriptor;
void bfci_descriptor_release(bfci_descriptor *d);
#define AUTO_DESCRIPTOR __attribute__((cleanup(bfci_descriptor_release)))

enum bfci_media {
    MEDIA_OTHER = 0,
    MEDIA_MANIFEST,
    MEDIA_INDEX,
    MEDIA_CONFIG,
    MEDIA_LAYER,
    MEDIA_FOREIGN_LAYER,   /* non-distributable: the content may be elsewhere */
    MEDIA_ENCRYPTED_LAYER, /* "…+encrypted" */
    MEDIA_EMPTY            /* application/vnd.oci.empty.v1+json */
};
/* What a media type names. For layers *coding is what it promises; it may be NULL. */
enum bfci_media bfci_media_kind(const char *media_type, enum bfci_coding *coding);

typedef struct bfci_manifest {
    char *media_type; /* of the document; where it tells none: what its fields show */
    bfci_descriptor config;
    bfci_descriptor *layer; /* the lowest first */
    size_t layer_count;
    char *artifact_type; /* or NULL */
    bool is_image;       /* its config is an image configuration */
} bfci_manifest;
/* `what` names the document in messages ("manifest sha256:…"). BFC_E_CORRUPT says which field is
 * wrong, and what was expected. Docker's schema 1 is BFC_E_UNSUPPORTED. */
int bfci_manifest_parse(const uint8_t *json, size_t len, const char *what, bfci_manifest *out,
                        bfc_err *err);
void bfci_manifest_release(bfci_manifest *m);
#define AUTO_MANIFEST __attribute__((cleanup(bfci_manifest_release)))

typedef struct bfci_index {
    bfci_descriptor *entry;
    size_t count;
} bfci_index;
int bfci_index_parse(const uint8_t *json, size_t len, const char *what, bfci_index *out,
                     bfc_err *err);
void bfci_index_release(bfci_index *i);
#define AUTO_INDEX __attribute__((cleanup(bfci_index_release)))

/* Whether a document is a manifest or an index: by its mediaType, else by its fields. */
int bfci_document_kind(const uint8_t *json, size_t len, const char *what, enum bfci_media *out,
                       bfc_err *err);

/* ── Platforms ── */

/* "linux/arm/v7"; NULL: the machine's. */
int bfci_platform_parse(const char *text, bfci_platform *out, bfc_err *err);
int bfci_platform_text(const bfci_platform *p, char **out, bfc_err *err);
/* The entry of an index that runs on `want`, as containerd's and skopeo's rules have it: equal os
 * and architecture, the variant equal or the closest lower one for arm; the first of several. An
 * entry without a platform is taken only if it is the only manifest. BFC_E_NOT_FOUND names the
 * platforms that are there. */
int bfci_index_pick(const bfci_index *index, const bfci_platform *want, const char *what,
                    size_t *position, bfc_err *err);

/* ── Writing: compact JSON with a fixed order of keys ── */

/* One layer of a manifest that is made anew. */
typedef struct bfci_layer_descriptor {
    const char *media_type;
    bfci_digest digest;
    uint64_t size;
} bfci_layer_descriptor;
/* An OCI manifest. `like`: a manifest whose annotations (and subject, artifactType) are taken over,
 * or NULL. *json: free(). */
int bfci_manifest_make(const bfci_digest *config, uint64_t config_size,
                       const bfci_layer_descriptor *layers, size_t count, const uint8_t *like,
                       size_t like_len, char **json, bfc_err *err);

#endif
