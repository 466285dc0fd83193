/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI image into a container that is being written: layers, merged tree, documents, facts. */
#ifndef BFCI_OCI_IMAGE_BUILD_H
#define BFCI_OCI_IMAGE_BUILD_H

#include "oci/image_in.h"
#include "oci/image_plan.h"

/* An image of a container: what is known of it before anything is added. */
typedef struct bfci_base {
    bfc_reader *reader; /* of tree 0 */
    bfci_facts facts;
    uint32_t next_tree;
} bfci_base;
/* BFC_E_NOT_FOUND if the container holds nothing that came by a manifest. `keys` may be NULL. */
int bfci_base_load(const char *path, const bfc_keys *keys, bfci_base *out, bfc_err *err);
/* The same for an image: BFC_E_UNSUPPORTED if it is an artifact. */
int bfci_base_open(const char *path, const bfc_keys *keys, bfci_base *out, bfc_err *err);
void bfci_base_close(bfci_base *b);
#define AUTO_BASE __attribute__((cleanup(bfci_base_close)))

typedef struct bfci_build {
    const bfc_hooks *hooks;
    bfci_base *base; /* its layers are the lowest ones of the new image, or NULL */
    bfci_image_in in;
    bfci_facts facts;
    uint64_t max_size; /* of a layer, uncompressed; 0: by what its descriptor says */
    bool prefixes;     /* a merged tree of the lowest 1, 2, … layers, too */
} bfci_build;

/* Begins within a feed. With a base the image starts with its layers, and its merged tree stays,
 * under its chainID. `images`: how many there will be. */
int bfci_build_begin(bfci_build *b, bfci_feed *feed, size_t images, bfc_err *err);
void bfci_build_release(bfci_build *b);
#define AUTO_BUILD __attribute__((cleanup(bfci_build_release)))

/* One more layer for image number `image`, of a tar that is made here; its descriptor is that of
 * the plain tar. */
int bfci_build_made_layer(bfci_build *b, size_t image, bfci_layer_produce_fn *fn, void *ctx,
                          const bfci_digest *promised, bfc_err *err);
/* The image's layers are all there: its merged tree, its documents. */
int bfci_build_image(bfci_build *b, size_t image, const char *platform, const uint8_t *manifest,
                     size_t manifest_len, const uint8_t *config, size_t config_len, bfc_err *err);
/* Only the documents, with their digests. `config` NULL: it is kept elsewhere. */
int bfci_build_documents(bfci_build *b, size_t image, const uint8_t *manifest, size_t manifest_len,
                         const uint8_t *config, size_t config_len, bfc_err *err);
int bfci_build_blob(bfci_build *b, const char *name, const void *bytes, size_t len, bfc_err *err);
/* Links and facts. */
int bfci_build_finish(bfci_build *b, bfc_err *err);

/* A layer that a container has, which may lend its tar. */
typedef struct bfci_lent_layer {
    bfci_digest diff_id;
    char *path;
    size_t image, layer; /* its place in the container */
} bfci_lent_layer;
/* NULL: none has it. */
const bfci_lent_layer *bfci_lent_find(const bfci_lent_layer *lent, size_t count,
                                      const bfci_digest *diff_id);

/* The feed for a plan: ctx is a bfci_plan_feed. */
typedef struct bfci_plan_feed {
    bfci_origin *origin;
    const bfci_image_plan *plan;
    bfci_base *base;
    const bfc_hooks *hooks;
    uint64_t max_size;
    bool prefixes;
    const bfci_lent_layer *lent; /* these are not read of the origin, if they can be had */
    size_t lent_count;
} bfci_plan_feed;
/* artifact.c: number `number` of the plan, blobs, documents and facts. */
int bfci_artifact_build(bfci_build *b, const bfci_plan_feed *p, size_t number, bfc_err *err);
int bfci_build_plan(void *ctx, bfci_feed *feed, bfc_err *err);

/* image-spec 1.1, config.md, "Layer ChainID", of the lowest `count` layers. */
int bfci_chain_id(const bfci_layer_facts *layers, size_t count, bfci_digest *out, bfc_err *err);
/* Copies of facts. */
int bfci_layer_facts_copy(const bfci_layer_facts *from, bfci_layer_facts *to, bfc_err *err);

#endif
