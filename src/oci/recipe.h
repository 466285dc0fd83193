/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: what a layer's tar has around the contents (docs/format.md, section 12, "Recipe"). */
#ifndef BFCI_OCI_RECIPE_H
#define BFCI_OCI_RECIPE_H

#include "base/cursor.h"
#include "oci/digest.h"

enum {
    RECIPE_PART_MAX = 1 << 20,
    RECIPE_NAME_SIZE = 7 + 64 + 1 + 8 + 1
};

/* "recipe/HEX/PPPPPPPP" */
void bfci_recipe_name(const bfci_digest *diff_id, uint32_t part, char out[RECIPE_NAME_SIZE]);

/* ── Writing ── */

/* A part is ready; called for 0, 1, 2… The name needs the diffID, which is known only at the end:
 * the taker keeps the parts (they are small), or what it made of them. */
typedef int bfci_recipe_part_fn(void *ctx, uint32_t part, const uint8_t *bytes, size_t len,
                                bfc_err *err);

typedef struct bfci_recipe_writer bfci_recipe_writer;
int bfci_recipe_writer_new(bfci_recipe_part_fn *fn, void *ctx, bfci_recipe_writer **out,
                           bfc_err *err);
void bfci_recipe_writer_free(bfci_recipe_writer *w); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_recipe_writer, bfci_recipe_writer_free)
int bfci_recipe_header(bfci_recipe_writer *w, const uint8_t block[512], bfc_err *err);
int bfci_recipe_bytes(bfci_recipe_writer *w, const uint8_t *bytes, size_t len, bfc_err *err);
int bfci_recipe_content(bfci_recipe_writer *w, uint64_t ino, uint64_t offset, uint64_t len,
                        bfc_err *err);
int bfci_recipe_whole(bfci_recipe_writer *w, uint64_t ino, bfc_err *err);
int bfci_recipe_finish(bfci_recipe_writer *w, uint64_t tar_size, const bfci_digest *diff_id,
                       uint32_t *parts, bfc_err *err);

/* ── Reading: pure; the bytes are untrusted ── */

enum bfci_recipe_op {
    RECIPE_LITERAL = 1,
    RECIPE_ZEROS = 2,
    RECIPE_HEADER = 3,
    RECIPE_CONTENT = 4,
    RECIPE_WHOLE = 5,
    RECIPE_END = 6
};

typedef struct bfci_recipe_step {
    enum bfci_recipe_op op;
    const uint8_t *bytes; /* literal, header: valid until the next call */
    uint64_t len;         /* literal, zeros, header (512), content; end: of the tar */
    uint64_t ino, offset; /* content, whole */
    bfci_digest diff_id;  /* end */
} bfci_recipe_step;

typedef struct bfci_recipe_reader {
    rd in;
    uint8_t header[512];
    uint64_t ino;
    bool ended;
} bfci_recipe_reader;
void bfci_recipe_reader_init(bfci_recipe_reader *r);
/* The next part; the one before must have been read to its end. Borrowed until the next part. */
void bfci_recipe_reader_part(bfci_recipe_reader *r, const uint8_t *bytes, size_t len);
/* *got is false at the end of the part. BFC_E_CORRUPT: a malformed operation, or one after the
 * end. */
int bfci_recipe_next(bfci_recipe_reader *r, bfci_recipe_step *out, bool *got, bfc_err *err);

#endif
