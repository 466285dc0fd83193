/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of export share: the image's parts one after the other, and where they go. */
#ifndef BFCI_OCI_EXPORT_PARTS_H
#define BFCI_OCI_EXPORT_PARTS_H

#include "oci/export.h"
#include "oci/facts.h"
#include "oci/json.h"
#include "oci/manifest.h"

/* ── Where blobs and documents go ── */

enum {
    EXPORT_NAME_MAX = 100 /* of what is written, and a NUL: fits a tar's header */
};

/* Size and name of what is written are known only at its end. One at a time. */
typedef struct bfci_export_target {
    void *ctx;
    int (*begin)(void *ctx, bfc_err *err);
    bfci_write_fn *write; /* may be called in another thread than begin and end */
    int (*end)(void *ctx, const char *name, bfc_err *err);
    /* Asked before each layer, and each blob of an artifact: whether what came with the image is
     * there; then it is not written. `came` NULL: what is there would not do. The pointer may be
     * NULL: nothing is there. */
    int (*layer)(void *ctx, const bfci_digest *came, uint64_t size, bool *there, bfc_err *err);
    /* Takes a manifest or an index, after all that it names; the last one names all others. NULL:
     * they are blobs. */
    int (*document)(void *ctx, const char *media_type, const void *bytes, size_t len, bfc_err *err);
} bfci_export_target;

int bfci_export_put(const bfci_export_target *t, const char *name, const void *bytes, size_t len,
                    bfc_err *err);
/* "blobs/sha256/HEX" */
void bfci_export_blob_name(const bfci_digest *d, char out[EXPORT_NAME_MAX]);

/* ── Layers ── */

typedef struct bfci_packed {
    bfci_digest diff_id, digest; /* of the tar, of what was written */
    uint64_t tar_size, size;
    enum bfci_coding coding;
} bfci_packed;

/* An export under way. */
typedef struct bfci_export_run {
    const bfci_export *e;
    bfci_facts facts; /* image_count 0: of a directory */
    bfc_commit_info commit;
    bfc_hooks hooks;      /* the caller's, with progress over the whole image */
    uint64_t done, total; /* bytes of tars, and of artifacts' blobs */
    bfci_packed *packed;  /* layers that were written, or were there */
    size_t packed_count, packed_cap;
    bfci_map written; /* diffIDs → position in `packed` */
    bfci_map claimed; /* digests of other blobs */
} bfci_export_run;
/* *run is all zero before; the caller releases it also on failure. It is not moved. */
int bfci_export_begin(bfci_export_run *run, const bfci_export *e, bfc_err *err);
void bfci_export_end(bfci_export_run *run);
#define AUTO_EXPORT_RUN __attribute__((cleanup(bfci_export_end)))

/* Where a layer with that diffID is in `packed`; SIZE_MAX: it was not written yet. */
size_t bfci_export_known(const bfci_export_run *run, const bfci_digest *diff_id);
/* Writes a layer to `write` in the export's coding. `layer` NULL: tree 0 as one. It is noted in
 * run->packed; *out is its position there. */
int bfci_export_pack(bfci_export_run *run, const bfci_layer_facts *layer, bfci_write_fn *write,
                     void *ctx, size_t *out, bfc_err *err);
/* Notes one that was there as it came, in that coding. */
int bfci_export_note_came(bfci_export_run *run, const bfci_layer_facts *layer,
                          enum bfci_coding coding, size_t *out, bfc_err *err);

/* ── Other blobs ── */

/* Whether a blob is yet to be written: each once, though several images may have it. */
int bfci_export_claim(bfci_export_run *run, const bfci_digest *digest, bool *is_new, bfc_err *err);
void bfci_export_progress(bfci_export_run *run, uint64_t bytes);
/* export_artifact.c: what a manifest that is no image names. */
int bfci_export_artifact(bfci_export_run *run, const bfci_export_target *t,
                         const bfci_image_facts *image, const bfci_manifest *m, bfc_err *err);

/* ── Documents ── */

/* The blob "oci/NUMBER/NAME", checked against the digest that the facts have of it; free(). */
int bfci_export_document(bfci_export_run *run, size_t number, const char *name,
                         const bfci_digest *digest, size_t max, uint8_t **bytes, size_t *len,
                         bfc_err *err);
/* A configuration for an image from a directory, with that one layer; free(). */
int bfci_export_config(bfci_export_run *run, const bfci_digest *diff_id, char **json, bfc_err *err);

/* All images as blobs "blobs/sha256/…". *root describes what an index.json has to name, with the
 * export's reference; json_decref(). */
int bfci_export_images(bfci_export_run *run, const bfci_export_target *t, json_t **root,
                       bfc_err *err);

/* ── index.json ── */

#define BFCI_EXPORT_LAYOUT_FILE "{\"imageLayoutVersion\":\"1.0.0\"}"
#define BFCI_EXPORT_REF_NAME "org.opencontainers.image.ref.name"

/* `old`: the text that is there, or NULL. Takes the place of entries of the same name. *json:
 * free(). */
int bfci_export_index(const char *old, size_t old_len, const json_t *root, const char *ref,
                      char **json, bfc_err *err);

/* ── A layout that is made or added to ── */

typedef struct bfci_layout_out bfci_layout_out;
/* Takes its lock. BFC_E_EXISTS, BFC_E_BUSY as bfci_export_layout(). */
int bfci_layout_out_open(const bfc_hooks *hooks, const char *folder, bfci_layout_out **out,
                         bfc_err *err);
/* Unless it was published, takes back what was added. NULL is allowed. */
void bfci_layout_out_free(bfci_layout_out *l);
BFCI_DEFINE_AUTO(bfci_layout_out, bfci_layout_out_free)
/* Blobs that were added stay in any case: the next one finds them. */
void bfci_layout_out_keep(bfci_layout_out *l);
bfci_export_target bfci_layout_out_target(bfci_layout_out *l);
/* Whether a blob is there, and is what its name says. */
int bfci_layout_out_has(const bfci_layout_out *l, const bfci_digest *digest, uint64_t size,
                        bool *has, bfc_err *err);
/* The index, last of all: `root` is its new entry. */
int bfci_layout_out_publish(bfci_layout_out *l, const json_t *root, const char *ref, bfc_err *err);

/* ── A tar that is written once, its headers when what they say is known ── */

typedef struct bfci_export_tar bfci_export_tar;
/* What is at `path` must be replaceable by a file; nothing is seen there before publish. */
int bfci_export_tar_new(const char *path, bfci_export_tar **out, bfc_err *err);
void bfci_export_tar_free(bfci_export_tar *t); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_export_tar, bfci_export_tar_free)
bfci_export_target bfci_export_tar_target(bfci_export_tar *t);
int bfci_export_tar_publish(bfci_export_tar *t, bool replace, bfc_err *err);
/* BFC_E_EXISTS if there is something, and it may not be replaced: told before the work. */
int bfci_export_check_free(const char *path, bool replace, bfc_err *err);

/* ── A docker-archive ── */

/* The configuration, named in `image`. */
int bfci_export_docker_config(const bfci_export_target *t, const void *json, size_t len,
                              json_t *image, bfc_err *err);
/* manifest.json, with that one image; `names` are those of its layers' files. */
int bfci_export_docker_list(const bfci_export_target *t, json_t *image, json_t *names,
                            const char *ref, bfc_err *err);

#endif
