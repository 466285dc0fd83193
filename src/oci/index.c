/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing an image from an index. */
#include "base/buf.h"
#include "oci/platform.h"

enum {
    NAMED_MAX = 32 /* platforms that a message tells */
};

/* What may be an image, or an index that leads to one. */
static bool is_candidate(const bfci_descriptor *d)
{
    enum bfci_media kind = bfci_media_kind(d->media_type, NULL);

    return !d->is_statement &&
           (kind == MEDIA_MANIFEST || kind == MEDIA_INDEX || d->media_type[0] == '\0');
}

static bool has_platform(const bfci_descriptor *d)
{
    return d->platform.os || d->platform.arch;
}

/* An entry that no platform stands at is taken if there is no choice. */
static bool find_only(const bfci_index *index, size_t *position)
{
    size_t found = 0, candidates = 0;

    for (size_t i = 0; i < index->count; i++)
        if (is_candidate(&index->entry[i])) {
            candidates++;
            found = i;
        }
    if (candidates != 1 || has_platform(&index->entry[found]))
        return false;
    *position = found;
    return true;
}

static bool find_best(const bfci_index *index, const bfci_platform *want, size_t *position)
{
    unsigned best = 0;
    bool found = false;

    for (size_t i = 0; i < index->count; i++) {
        const bfci_descriptor *d = &index->entry[i];
        unsigned rank;
        if (!is_candidate(d) || !has_platform(d) ||
            !bfci_platform_runs_on(&d->platform, want, &rank) || (found && rank <= best))
            continue;
        found = true;
        best = rank;
        *position = i;
    }
    return found;
}

static const char *or_unknown(const char *part)
{
    return part ? part : "unknown";
}

/* As they stand there: what a stranger wrote need not be well-formed. */
static int list_platforms(const bfci_index *index, buf *out, bfc_err *err)
{
    size_t count = 0;

    for (size_t i = 0; i < index->count; i++) {
        const bfci_descriptor *d = &index->entry[i];
        if (!is_candidate(d) || !has_platform(d))
            continue;
        if (count++ == NAMED_MAX) {
            bfci_buf_printf(out, ", ...");
            break;
        }
        const bfci_platform *p = &d->platform;
        bfci_buf_printf(out, "%s%s/%s%s%s", count == 1 ? "" : ", ", or_unknown(p->os),
                        or_unknown(p->arch), p->variant ? "/" : "", p->variant ? p->variant : "");
    }
    return buf_check(out, err);
}

int bfci_index_pick(const bfci_index *index, const bfci_platform *want, const char *what,
                    size_t *position, bfc_err *err)
{
    AUTO_BUF buf there = BUF_INIT;
    AUTO_FREE char *wanted = NULL;

    if (find_best(index, want, position) || find_only(index, position))
        return 0;
    BFC_TRY(bfci_platform_text(want, &wanted, err));
    BFC_TRY(list_platforms(index, &there, err));
    if (there.len == 0)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "%s: there is no image for %s: no entry tells its platform", what, wanted);
    return bfci_fail(err, BFC_E_NOT_FOUND, "%s: there is no image for %s, but for: '%s'", what,
                     wanted, BFCI_QUOTE((const char *)there.data, there.len));
}
