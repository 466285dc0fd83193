/* SPDX-License-Identifier: Apache-2.0 */
#include "container/kind.h"

#include "codec/branch.h"

static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (const char *p = text; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    return hash ^ hash >> 16;
}

/* Files with the same ending are much alike. Translations are most like those of the same program
 * into other languages, which have the same name. */
static const char *telling_part(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (!dot)
        return "";
    return strcmp(dot, ".mo") == 0 ? name : dot;
}

bfci_kind bfci_kind_of(const char *name)
{
    return (bfci_kind){.likeness = hash_of(telling_part(name))};
}

void bfci_kind_look(bfci_kind *kind, const uint8_t *head, size_t len)
{
    kind->code = bfci_is_elf(head, len);
    kind->branches = bfci_has_branches(head, len);
}
