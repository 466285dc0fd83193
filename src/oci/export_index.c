/* SPDX-License-Identifier: Apache-2.0 */
/* The index.json of a layout: one entry more, or in the place of the one that had the name. All
 * else in it stays. */
#include "oci/export_parts.h"
#include "oci/manifest.h"

static bool has_name(const json_t *entry, const char *ref)
{
    const json_t *annotations = json_object_get(entry, "annotations");
    const char *name = json_string_value(json_object_get(annotations, BFCI_EXPORT_REF_NAME));

    return name && strcmp(name, ref) == 0;
}

/* The first entry of that name becomes `root`, others of it go; without one it comes last. */
static int put_entry(json_t *entries, const json_t *root, const char *ref, bfc_err *err)
{
    AUTO(json_t) json_t *copy = json_deep_copy(root);
    bool placed = false;

    if (!copy)
        return bfci_fail_nomem(err);
    for (size_t i = 0; i < json_array_size(entries);) {
        if (!has_name(json_array_get(entries, i), ref)) {
            i++;
            continue;
        }
        int rc = placed ? json_array_remove(entries, i) : json_array_set(entries, i++, copy);
        if (rc < 0)
            return bfci_fail_nomem(err);
        placed = true;
    }
    return placed ? 0 : bfci_json_append(entries, bfci_steal(&copy), err);
}

static int make_index(json_t **out, bfc_err *err)
{
    AUTO(json_t) json_t *index = json_object();

    if (!index)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put_number(index, "schemaVersion", 2, err));
    BFC_TRY(bfci_json_put(index, "manifests", json_array(), err));
    *out = bfci_steal(&index);
    return 0;
}

static int load_index(const char *old, size_t len, json_t **out, bfc_err *err)
{
    AUTO_INDEX bfci_index checked = {0};
    bfci_json_node document;

    BFC_TRY(bfci_index_parse((const uint8_t *)old, len, "index.json", &checked, err));
    if (checked.count >= INDEX_ENTRIES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "index.json has %zu entries, no more can be added",
                         checked.count);
    return bfci_json_load((const uint8_t *)old, len, "index.json", JSON_FOREIGN, out, &document,
                          err);
}

int bfci_export_index(const char *old, size_t old_len, const json_t *root, const char *ref,
                      char **json, bfc_err *err)
{
    AUTO(json_t) json_t *index = NULL;

    BFC_TRY(old ? load_index(old, old_len, &index, err) : make_index(&index, err));
    json_t *entries = json_object_get(index, "manifests");
    if (!json_is_array(entries)) { /* null, or left out, is an empty list */
        BFC_TRY(bfci_json_put(index, "manifests", json_array(), err));
        entries = json_object_get(index, "manifests");
    }
    BFC_TRY(put_entry(entries, root, ref, err));
    return bfci_json_dump(index, json, err);
}
