/* SPDX-License-Identifier: Apache-2.0 */
/* Reading TOML 1.0 (toml.io/en/v1.0.0), the language of containers' configuration files, into
 * jansson's values. Integers, booleans, strings, arrays and tables are what they are; floats, dates
 * and times are checked by the grammar and become null, since no configuration of ours has one. A
 * \u0000 is refused, so that strings end at their NUL. Faults are BFC_E_INVALID, with
 * "FILE:LINE: " before the message.
 *
 * Bounds (BFC_E_LIMIT): TOML_SIZE_MAX bytes, 65,536 values, 20 of them in each other, keys of 20
 * parts.
 * Pure functions; any thread, a document by one at a time. */
#ifndef BFCI_NET_TOML_H
#define BFCI_NET_TOML_H

#include <jansson.h>

#include "base/map.h"
#include "oci/json.h"

enum {
    TOML_SIZE_MAX = 1 << 20
};

typedef struct bfci_toml {
    json_t *root;    /* an object */
    char *path;      /* as messages name the document */
    bfci_map places; /* of each value: its line, and what kind of table it is */
} bfci_toml;

/* *out is to be released, also after a failure. */
int bfci_toml_parse(const uint8_t *text, size_t len, const char *path, bfci_toml *out,
                    bfc_err *err);
void bfci_toml_release(bfci_toml *doc);
#define AUTO_TOML __attribute__((cleanup(bfci_toml_release)))

/* "FILE:LINE: " and the message; the line of `value`, or, where it has none of its own (true,
 * false, NULL), of `table`, in which it stands. Returns BFC_E_INVALID. */
int bfci_toml_fail(const bfci_toml *doc, const json_t *value, const json_t *table, bfc_err *err,
                   const char *fmt, ...) BFCI_PRINTF(5, 6);

/* What `name` is in `table`; the output stays as it is where it is not there. Borrowed. */
int bfci_toml_may_text(const bfci_toml *doc, const json_t *table, const char *name,
                       const char **out, bfc_err *err);
int bfci_toml_may_bool(const bfci_toml *doc, const json_t *table, const char *name, bool *out,
                       bfc_err *err);
int bfci_toml_may_array(const bfci_toml *doc, const json_t *table, const char *name, json_t **out,
                        bfc_err *err);
int bfci_toml_may_table(const bfci_toml *doc, const json_t *table, const char *name, json_t **out,
                        bfc_err *err);

#endif
