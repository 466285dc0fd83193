/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of bfci_runtime_config(): the parts that are the same for all images, and putting JSON
 * together with one question at the end. */
#ifndef BFCI_OCI_RUNTIME_PARTS_H
#define BFCI_OCI_RUNTIME_PARTS_H

#include <jansson.h>

#include "oci/runtime_config.h"

/* All below set *bad when memory is short. Both take `value` over, and may be given NULL for what
 * could not be made. */
static inline void bfci_runtime_set(json_t *object, const char *key, json_t *value, bool *bad)
{
    if (json_object_set_new(object, key, value) != 0)
        *bad = true;
}

static inline void bfci_runtime_append(json_t *array, json_t *value, bool *bad)
{
    if (json_array_append_new(array, value) != 0)
        *bad = true;
}

/* `options` ends with NULL, and may be NULL. */
json_t *bfci_runtime_mount(const char *destination, const char *type, const char *source,
                           const char *const *options, bool *bad);
json_t *bfci_runtime_mounts(bool rootless, bool *bad);
json_t *bfci_runtime_capabilities(bool *bad);
json_t *bfci_runtime_linux(const bfci_runtime_options *options, bool *bad);

#endif
