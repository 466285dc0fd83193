/* SPDX-License-Identifier: Apache-2.0 */
/* Image configurations (image-spec 1.1, config.md): read with bounds, and edited so that fields
 * nobody here knows stay. */
#ifndef BFCI_OCI_CONFIG_H
#define BFCI_OCI_CONFIG_H

#include "oci/manifest.h"

typedef struct bfci_history {
    char *created, *created_by, *comment, *author; /* NULL where not told */
    bool empty_layer;
} bfci_history;

typedef struct bfci_config {
    bfci_platform platform;
    char **os_features; /* ended by NULL; NULL: not told */
    char *created, *author;
    bfci_digest *diff_id; /* the lowest first */
    size_t layer_count;
    bfci_history *history;
    size_t history_count;
    /* config.config: */
    char *user, *working_dir, *stop_signal;
    char **env, **entrypoint, **cmd, **volumes, **ports; /* each ended by NULL; NULL: not told */
    char **label_keys, **label_values;                   /* sorted by key */
} bfci_config;
int bfci_config_parse(const uint8_t *json, size_t len, const char *what, bfci_config *out,
                      bfc_err *err);
void bfci_config_release(bfci_config *c);
#define AUTO_CONFIG __attribute__((cleanup(bfci_config_release)))

/* A configuration for an image without one: platform, no layers. *json: free(). */
int bfci_config_make(const bfci_platform *platform, const char *created, char **json, bfc_err *err);

/* What is to become of a configuration. NULL, or false: as it is. */
typedef struct bfci_config_edit {
    const char *user, *working_dir, *stop_signal;
    const char *const *entrypoint; /* ended by NULL; an empty one takes it away */
    const char *const *cmd;
    const char *const *env;    /* "KEY=value" sets, "KEY" takes away; ended by NULL */
    const char *const *labels; /* likewise */
    const char *const *volumes, *const *ports; /* added */
    const bfci_digest *diff_ids;               /* with set_layers: the new list */
    size_t diff_id_count;
    bool set_layers;
    bool drop_history;           /* what stood there goes before the new entry is added */
    const bfci_history *history; /* entries that are added at the end */
    size_t history_count;
    const char *created; /* RFC 3339 */
} bfci_config_edit;
/* Setting an entrypoint without a cmd takes the cmd away, as docker does. */
int bfci_config_edit_apply(const uint8_t *json, size_t len, const bfci_config_edit *edit,
                           char **out, bfc_err *err);

/* "2026-11-25T10:00:00Z" */
void bfci_time_text(int64_t seconds, char out[32]);

#endif
