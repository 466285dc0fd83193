/* SPDX-License-Identifier: Apache-2.0 */
/* Merged trees of an image's lowest layers are known by their chainID. */
#include "store/prefix.h"

#include "oci/image_build.h"

int bfci_prefix_split(const char *text, char **name, size_t *layers, bool *cut, bfc_err *err)
{
    const char *hash = strrchr(text, '#');
    char *end = NULL;

    *cut = hash != NULL;
    if (!hash)
        return bfci_strdup(text, name, err);
    *layers = strtoul(hash + 1, &end, 10);
    if (hash[1] < '0' || hash[1] > '9' || *end || *layers > LAYERS_MAX)
        return bfci_fail(err, BFC_E_INVALID, "'%s': after '#' stands a number of layers",
                         BFCI_QUOTE_STR(text));
    return bfci_memdup_str(text, (size_t)(hash - text), name, err);
}

static int find_tree(const bfci_base *image, size_t layers, uint32_t *tree, bfc_err *err)
{
    const bfci_image_facts *facts = &image->facts.image[0];
    AUTO_FREE bfc_tree_info *trees = NULL;
    char label[DIGEST_TEXT_SIZE];
    bfci_digest chain;
    size_t count = 0;

    if (layers == facts->layer_count) {
        *tree = facts->tree;
        return 0;
    }
    if (layers == 0 || layers > facts->layer_count)
        return bfci_fail(err, BFC_E_NOT_FOUND, "it has %zu layers: there is no number %zu",
                         facts->layer_count, layers);
    BFC_TRY(bfci_chain_id(facts->layer, layers, &chain, err));
    bfci_digest_text(&chain, label);
    BFC_TRY(bfc_reader_trees(image->reader, &trees, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (trees[i].kind != TREE_MERGED || strcmp(trees[i].label, label) != 0)
            continue;
        *tree = trees[i].id;
        return 0;
    }
    return bfci_fail(err, BFC_E_NOT_FOUND,
                     "the file system of its lowest %zu layers was not kept: create the image with "
                     "--prefixes",
                     layers);
}

int bfci_prefix_tree(const char *path, const bfc_keys *keys, size_t layers, uint32_t *tree,
                     bfc_err *err)
{
    AUTO_BASE bfci_base image = {0};

    int rc = bfci_base_open(path, keys, &image, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, rc, "it was made from a directory and has no layers");
    BFC_TRY(rc);
    return find_tree(&image, layers, tree, err);
}
