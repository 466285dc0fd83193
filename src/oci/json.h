/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON documents of strangers: values together with the place where they stand, so that
 * each message names the document and the field. Members have exactly the names that the
 * specifications give them; a member that is null counts as one that is not there, and of members
 * with the same name the last is taken, as the engines' libraries have it. */
#ifndef BFCI_OCI_JSON_H
#define BFCI_OCI_JSON_H

#include <jansson.h>

#include "oci/digest.h"

BFCI_DEFINE_AUTO(json_t, json_decref)

/* A value of a document. It borrows what it points to. */
typedef struct bfci_json_node {
    json_t *value; /* NULL: it is not there */
    const struct bfci_json_node *in;
    const char *name; /* of the document, or of the member; NULL: it is an item of an array */
    size_t index;
} bfci_json_node;

enum bfci_json_rule {
    JSON_FOREIGN, /* as the engines read it */
    JSON_OWN      /* two members with the same name are damage */
};

/* The document is an object, in UTF-8, without NUL in its strings. `what` names it in messages and
 * is kept by *out. The number of values is bounded, and with it the memory: BFC_E_LIMIT.
 * *out borrows *root. */
int bfci_json_load(const uint8_t *json, size_t len, const char *what, enum bfci_json_rule rule,
                   json_t **root, bfci_json_node *out, bfc_err *err);
/* The same for a document that is an array of at most `max` items. */
int bfci_json_load_array(const uint8_t *json, size_t len, const char *what, size_t max,
                         json_t **root, bfci_json_node *out, bfc_err *err);
/* Compact, members in the order in which they stand; free(). */
int bfci_json_dump(const json_t *value, char **out, bfc_err *err);

bfci_json_node bfci_json_member(const bfci_json_node *object, const char *name);
bfci_json_node bfci_json_item(const bfci_json_node *array, size_t index);
size_t bfci_json_count(const bfci_json_node *array); /* 0 where it is not there */

/* "DOCUMENT: layers[2].size: " and the message; returns the code. */
int bfci_json_fail(const bfci_json_node *n, enum bfc_code code, bfc_err *err, const char *fmt, ...)
    BFCI_PRINTF(4, 5);

/* It must be there. */
int bfci_json_need_object(const bfci_json_node *n, bfc_err *err);
int bfci_json_need_array(const bfci_json_node *n, size_t max, bfc_err *err);
int bfci_json_need_text(const bfci_json_node *n, const char **out, bfc_err *err);
int bfci_json_need_number(const bfci_json_node *n, uint64_t max, uint64_t *out, bfc_err *err);
int bfci_json_need_digest(const bfci_json_node *n, bfci_digest *out, bfc_err *err);
/* It may be missing: then nothing is checked, and *out becomes NULL. */
int bfci_json_may_object(const bfci_json_node *n, bfc_err *err);
int bfci_json_may_array(const bfci_json_node *n, size_t max, bfc_err *err);
int bfci_json_may_text(const bfci_json_node *n, const char **out, bfc_err *err);
/* A copy; NULL also for the empty text. */
int bfci_json_may_copy(const bfci_json_node *n, char **out, bfc_err *err);

/* ── Making ── */

/* BFC_E_INVALID for what is not UTF-8. */
int bfci_json_text(const char *text, json_t **out, bfc_err *err);
/* Puts `value` (it is taken over, also on failure; NULL: there was no memory) under `name`. */
int bfci_json_put(json_t *object, const char *name, json_t *value, bfc_err *err);
int bfci_json_put_text(json_t *object, const char *name, const char *text, bfc_err *err);
int bfci_json_put_number(json_t *object, const char *name, uint64_t number, bfc_err *err);
int bfci_json_put_digest(json_t *object, const char *name, const bfci_digest *d, bfc_err *err);
/* A descriptor (image-spec 1.1, descriptor.md) with the members that each has; json_decref(). */
int bfci_json_descriptor(const char *media_type, const bfci_digest *digest, uint64_t size,
                         json_t **out, bfc_err *err);
int bfci_json_append(json_t *array, json_t *value, bfc_err *err); /* as bfci_json_put() */

#endif
