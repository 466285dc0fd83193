/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images: `[registry[:port]/]path[:tag]`, checked and brought into one form. */
#ifndef BFCI_STORE_REFERENCE_H
#define BFCI_STORE_REFERENCE_H

#include "base/base.h"

/* The last part and its tag name the container file, and ".bfc" must fit into NAME_MAX behind it.
 */
#define BFCI_REFERENCE_MAX 251
#define BFCI_TAG_MAX 128
#define BFCI_TAG_DEFAULT "latest"

/* A plain value. `text` is canonical: the registry in lower case, always with a tag. It is also the
 * path of the image's folder below the root of a store. */
typedef struct bfci_reference {
    char text[BFCI_REFERENCE_MAX + 1];
    size_t len;
    size_t registry_len; /* with its port; 0: none */
    size_t last_at;      /* where the last part starts, "nginx:1.25" of "library/nginx:1.25" */
    size_t tag_at;       /* where the tag starts */
} bfci_reference;

/* Fails with BFC_E_INVALID and a message that says what is allowed. */
int bfci_reference_parse(const char *name, bfci_reference *out, bfc_err *err);

/* True if `path` is a name in its canonical form; sets *out then. */
bool bfci_reference_is_canonical(const char *path, bfci_reference *out);

/* True if `part` can stand between the slashes of a canonical name. */
bool bfci_reference_part_ok(const char *part);

/* The parts of the grammar, for names that also have other parts (net). */
bool bfci_reference_tag_ok(const char *tag, size_t len);
bool bfci_reference_path_ok(const char *path, size_t len);
bool bfci_reference_registry_ok(const char *registry, size_t len);
/* The first of several parts is a registry if it could not be anything else ('.', ':', '[' or
 * "localhost"): engines agree on this. It is not checked beyond. */
bool bfci_reference_is_registry(const char *part, size_t len);

/* One file name for a whole reference, and back: '/' becomes '+', which no name contains. */
void bfci_reference_escape(const bfci_reference *ref, char out[BFCI_REFERENCE_MAX + 1]);
bool bfci_reference_unescape(const char *part, bfci_reference *out);

#endif
