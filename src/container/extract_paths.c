/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths to extract: normalised, sorted so that what lies in one folder stands together,
 * without those that another one brings anyway, and all known to be there before anything is
 * written. */
#include "container/extract.h"

/* Part by part: '/' before every other byte, so that a folder stands right before what is in it. */
static int by_parts(const void *a, const void *b)
{
    const unsigned char *p = *(const unsigned char *const *)a,
                        *q = *(const unsigned char *const *)b;

    while (*p && *p == *q) {
        p++;
        q++;
    }
    int x = *p == '/' ? 0 : *p, y = *q == '/' ? 0 : *q;
    if (x == 0 && y == 0)
        return (*p != '\0') - (*q != '\0');
    return x - y;
}

static bool brings(const char *folder, const char *path)
{
    size_t len = strlen(folder);
    return len == 0 || (strncmp(folder, path, len) == 0 && (path[len] == '\0' || path[len] == '/'));
}

static void drop_covered(bfci_xpaths *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->count; i++) {
        if (kept > 0 && brings(p->item[kept - 1], p->item[i]))
            free(p->item[i]);
        else
            p->item[kept++] = p->item[i];
    }
    p->count = kept;
}

void bfci_xpaths_release(bfci_xpaths *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->item[i]);
    free(p->item);
    *p = (bfci_xpaths){NULL, 0};
}

static int check_there(bfc_reader *r, const char *path, bfc_err *err)
{
    AUTO(bfci_tree_walk) bfci_tree_walk *w = NULL;
    return bfci_tree_walk_new(r, path, WALK_BY_NAME, &w, err);
}

/* On failure p is to be released all the same. */
static int collect(bfci_xpaths *p, bfc_reader *r, const char *const *paths, bfc_err *err)
{
    static const char *const everything[] = {"", NULL};
    size_t cap = 0;

    if (!paths || !paths[0])
        paths = everything;
    for (; *paths; paths++) {
        BFC_TRY(bfci_reserve(&p->item, &cap, p->count + 1, sizeof *p->item, err));
        BFC_TRY(bfci_path_normalize(*paths, &p->item[p->count], err));
        p->count++;
        BFC_TRY(check_there(r, *paths, err));
    }
    return 0;
}

int bfci_xpaths_init(bfci_xpaths *p, bfc_reader *r, const char *const *paths, bfc_err *err)
{
    *p = (bfci_xpaths){NULL, 0};
    int rc = collect(p, r, paths, err);
    if (rc < 0) {
        bfci_xpaths_release(p);
        return rc;
    }
    qsort(p->item, p->count, sizeof *p->item, by_parts);
    drop_covered(p);
    return 0;
}
