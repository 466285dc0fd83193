/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of files that images are written to. */
#include "store/dest.h"

#include "store/reference.h"

static const struct {
    const char *prefix;
    enum bfci_dest_kind kind;
    bool has_ref;
} kinds[] = {
    {"oci:", DEST_LAYOUT, true},
    {"oci-archive:", DEST_OCI_ARCHIVE, true},
    {"docker-archive:", DEST_DOCKER_ARCHIVE, true},
    {"bfc:", DEST_CONTAINER, false},
};

void bfci_dest_release(bfci_dest *d)
{
    free(d->path);
    free(d->ref);
}

/* At the first ':', as the engines split it: what follows may hold more of them. */
static int split(const char *rest, bool has_ref, bfci_dest *out, bfc_err *err)
{
    const char *colon = has_ref ? strchr(rest, ':') : NULL;
    size_t len = colon ? (size_t)(colon - rest) : strlen(rest);

    if (len == 0)
        return bfci_fail(err, BFC_E_INVALID, "the destination has no path");
    if (colon && colon[1] == '@')
        return bfci_fail(err, BFC_E_INVALID, "'%s': what is written gets a name, not a digest",
                         BFCI_QUOTE_STR(rest));
    if (colon && colon[1])
        BFC_TRY(bfci_strdup(colon + 1, &out->ref, err));
    return bfci_memdup_str(rest, len, &out->path, err);
}

int bfci_dest_parse(const char *text, bfci_dest *out, bfc_err *err)
{
    for (size_t i = 0; text && i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, len) != 0)
            continue;
        out->kind = kinds[i].kind;
        return split(text + len, kinds[i].has_ref, out, err);
    }
    return bfci_fail(err, BFC_E_INVALID,
                     "destination '%s': it is oci:LAYOUT[:REF], oci-archive:TAR[:REF], "
                     "docker-archive:TAR[:REF] or bfc:FILE",
                     BFCI_QUOTE_STR(text ? text : ""));
}

/* What stands in an index as a name, by image-spec, "Pre-Defined Annotation Keys". */
int bfci_dest_check_ref(const char *ref, bfc_err *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:@+/";

    if (strspn(ref, allowed) != strlen(ref) || strlen(ref) > BFCI_REFERENCE_MAX)
        return bfci_fail(err, BFC_E_INVALID,
                         "reference '%s': at most %d letters, digits and '-._:@+/' are allowed",
                         BFCI_QUOTE_STR(ref), BFCI_REFERENCE_MAX);
    return 0;
}
