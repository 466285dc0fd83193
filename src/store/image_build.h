/* SPDX-License-Identifier: Apache-2.0 */
/* New images in a store, whatever their content comes from. */
#ifndef BFCI_STORE_IMAGE_BUILD_H
#define BFCI_STORE_IMAGE_BUILD_H

#include "oci/image_build.h"
#include "store/backend.h"
#include "store/image_base.h"

/* A writer that was given no keys has those of the store. */
void bfci_writer_keys(const bfc_store *store, bfc_writer_options *options);
/* Publishes, and hands out the facts with the path that the container has then. `keys` open it if
 * it is encrypted: without them *out has what everybody may see. */
int bfci_publish(bfci_work *work, const bfc_hooks *hooks, const bfc_keys *keys,
                 bfc_image_info **out, bfc_err *err);
/* Adds to a failure what image it was of, and what was done with it: "create". */
int bfci_wrap_making(const bfc_store *store, const bfci_reference *ref, const char *verb, int rc,
                     bfc_err *err);

/* Makes the image `ref` of what `fn` feeds. With `base_path` its container starts as a copy of that
 * one, and *base is opened on the copy while the feed goes on. */
typedef struct bfci_making {
    const bfc_writer_options *writer; /* its `replace`: the image may take the place of another */
    const bfci_seal
        *heir_of; /* whose file key a container that is made gets; NULL: as `writer` says */
    const char *const *properties; /* of its dataset; may be NULL */
    const char *base_path;
    bfci_base *base;
    bfci_feed_fn *fn;
    void *ctx;
} bfci_making;
int bfci_image_make(bfc_store *store, const bfci_reference *ref, const bfci_making *m,
                    bfc_image_info **out, bfc_err *err);

typedef struct bfci_image_source {
    bfci_origin *origin;
    const char *name; /* as the user knows it */
    /* Called before the first layer is read, in the caller's thread: what will be read of the
     * origin, but for what the store has. May be called again, with less of that. May be NULL. */
    int (*planned)(void *ctx, const bfci_image_plan *plan, const bfci_store_layers *have,
                   bfc_err *err);
    void *ctx;
    bool is_far; /* layers that any image of the store has are taken from that */
} bfci_image_source;
/* Makes the image `ref` of what an open origin offers. */
int bfci_image_from_origin(bfc_store *store, const bfci_reference *ref,
                           const bfci_image_source *source, const bfc_image_create_options *options,
                           bfc_image_info **out, bfc_err *err);

/* Makes the image `ref` of the container that `fill` puts at a path where nothing is: it is
 * verified before it gets its name. */
typedef int bfci_fill_fn(void *ctx, const char *path, bfc_err *err);
int bfci_image_from_container(bfc_store *store, const bfci_reference *ref, bfci_fill_fn *fill,
                              void *ctx, const bfc_image_create_options *options,
                              bfc_image_info **out, bfc_err *err);

#endif
