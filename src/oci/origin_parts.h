/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of origins share, and how each is opened. */
#ifndef BFCI_OCI_ORIGIN_PARTS_H
#define BFCI_OCI_ORIGIN_PARTS_H

#include "base/buf.h"
#include "oci/files.h"
#include "oci/origin.h"

#define MEDIA_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_INDEX "application/vnd.oci.image.index.v1+json"

/* ── The kinds; `ref` is NULL where none was given ── */

/* A layout in a folder or a tar. */
int bfci_layout_open(const char *path, const char *ref, bfci_origin **out, bfc_err *err);
/* A docker-archive, or what it was unpacked to. */
int bfci_docker_open(const char *path, const char *ref, bfci_origin **out, bfc_err *err);
/* A file that is a manifest, an index, or docker's manifest.json. */
int bfci_manifest_open(const char *path, bfci_origin **out, bfc_err *err);

/* Blobs as files whose names are digits, in one of `folders` ("blobs/sha256/", "": ended by NULL,
 * static). Takes *files over, also on failure. There is no document yet. */
int bfci_blob_folder_new(bfci_files **files, const char *const *folders, bfci_origin **out,
                         bfc_err *err);
/* Makes the blob with that digest, found by its name alone, the document. */
int bfci_blob_folder_start(bfci_origin *o, const bfci_digest *digest, bfc_err *err);
/* With manifest.json in hand. Takes *files and *json over, also on failure. */
int bfci_docker_new(bfci_files **files, uint8_t **json, size_t len, const char *ref,
                    bfci_origin **out, bfc_err *err);

/* ── Docker's archives ── */

/* What they tell of one image. */
typedef struct bfci_docker_image {
    uint8_t *config;
    size_t config_len;
    char **layer;         /* names of their tars, the lowest first */
    bfci_digest *diff_id; /* as many */
    size_t layer_count;
} bfci_docker_image;
void bfci_docker_image_release(bfci_docker_image *i);
/* From an archive without manifest.json: "repositories", and a folder for each layer. */
int bfci_docker_v1_read(const bfci_files *f, const char *ref, bfci_docker_image *out, bfc_err *err);
/* Whether two names mean the same image for docker: "a" is "docker.io/library/a:latest". */
bool bfci_docker_name_equal(const char *a, const char *b);

/* ── Documents ── */

/* Makes *bytes, which it takes over on success, the origin's document. With `promised`, which is
 * emptied then, the digest was checked; else root is made from the bytes. `what` names it in
 * messages. */
int bfci_origin_set_document(bfci_origin *o, uint8_t **bytes, size_t len, bfci_descriptor *promised,
                             const char *what, bfc_err *err);
/* A descriptor for bytes at hand: no annotations. */
int bfci_descriptor_make(const char *media_type, const bfci_digest *digest, uint64_t size,
                         bfci_descriptor *out, bfc_err *err);
/* Frees what the struct bfci_origin itself owns. */
void bfci_origin_release(bfci_origin *o);

/* ── References ── */

/* Splits "PATH[:REF]": the longest beginning that is there is the path. *path: free(); *ref: in
 * `text`, or NULL. */
int bfci_origin_split(const char *text, char **path, const char **ref, bfc_err *err);
/* "@3": which one of several. */
bool bfci_ref_is_position(const char *ref, size_t *position);

/* What there is to choose from, for messages: "there are 'a', 'b', and 3 more". */
typedef struct bfci_choices {
    buf text;
    size_t count;
} bfci_choices;
#define BFCI_CHOICES_INIT                                                                          \
    {                                                                                              \
        BUF_INIT, 0                                                                                \
    }
void bfci_choices_add(bfci_choices *c, const char *name);
/* Valid until the next call for `c`. */
const char *bfci_choices_text(bfci_choices *c);
void bfci_choices_release(bfci_choices *c);
#define AUTO_CHOICES __attribute__((cleanup(bfci_choices_release)))

#endif
