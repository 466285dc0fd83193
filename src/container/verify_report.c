/* SPDX-License-Identifier: Apache-2.0 */
/* Telling what verify found. What concerns the container is told at once; what concerns a file
 * waits until the file's path is known, and comes in the order of inode numbers, so that the number
 * of threads does not show. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "container/verify.h"

enum {
    FINDINGS_MAX = 65536, /* kept at once; a few MiB */
    FINDINGS_EARLY_MAX =
        524288 /* while paths are not known; up to some 50 MiB, where all is broken */
};

bool bfci_verify_is_problem(int rc)
{
    return rc == BFC_E_CORRUPT || rc == BFC_E_IO || rc == BFC_E_UNSUPPORTED || rc == BFC_E_LIMIT;
}

static void tell(bfci_verify *v, const char *path, uint64_t offset, const char *what)
{
    if (v->report.problems++ == 0) {
        if (path)
            (void)bfci_fail_at(&v->first, BFC_E_CORRUPT, offset, "'%s': %s", BFCI_QUOTE_STR(path),
                               what);
        else
            (void)bfci_fail_at(&v->first, BFC_E_CORRUPT, offset, "%s", what);
    }
    const bfc_problem problem = {.what = what, .path = path, .offset = offset};
    if (v->options.problem)
        v->options.problem(v->options.problem_ctx, &problem);
}

/* The place is told beside the words: " (byte N)", which the error of a lower floor has, would tell
 * it twice. */
static void drop_place(char *text, uint64_t offset)
{
    char place[40];

    (void)snprintf(place, sizeof place, " (byte %" PRIu64 ")", offset);
    char *found = offset == BFC_NO_OFFSET ? NULL : strstr(text, place);
    if (found)
        memmove(found, found + strlen(place), strlen(found + strlen(place)) + 1);
}

void bfci_verify_problem(bfci_verify *v, uint64_t offset, const char *fmt, ...)
{
    char what[BFC_ERR_MSG_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    drop_place(what, offset);
    tell(v, NULL, offset, what);
}

void bfci_verify_tell(bfci_verify *v, const bfci_finding *f, const char *path)
{
    if (path || f->ino == 0)
        tell(v, path, f->offset, f->what);
    else
        bfci_verify_problem(v, f->offset, "inode %" PRIu64 ": %s", f->ino, f->what);
}

static int compare(const void *a, const void *b)
{
    const bfci_finding *x = a, *y = b;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return strcmp(x->what, y->what);
}

int bfci_verify_flush(bfci_verify *v, bfc_err *err)
{
    int rc = 0;

    if (v->finding_count == 0)
        return 0;
    qsort(v->finding, v->finding_count, sizeof *v->finding, compare);
    if (v->tree_is_known)
        rc = bfci_verify_tell_paths(v, err);
    for (size_t i = 0; i < v->finding_count; i++) {
        if (!v->tree_is_known)
            bfci_verify_tell(v, &v->finding[i], NULL);
        free(v->finding[i].what);
    }
    v->finding_count = 0;
    return rc;
}

int bfci_verify_file_problem(bfci_verify *v, uint64_t ino, uint64_t offset, bfc_err *err,
                             const char *fmt, ...)
{
    char text[BFC_ERR_MSG_MAX];
    AUTO_FREE char *what = NULL;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    drop_place(text, offset);
    if (v->finding_count >= (v->tree_is_known ? FINDINGS_MAX : FINDINGS_EARLY_MAX))
        BFC_TRY(bfci_verify_flush(v, err));
    BFC_TRY(bfci_strdup(text, &what, err));
    BFC_TRY(
        bfci_reserve(&v->finding, &v->finding_cap, v->finding_count + 1, sizeof *v->finding, err));
    v->finding[v->finding_count++] = (bfci_finding){ino, offset, bfci_steal(&what)};
    return 0;
}
