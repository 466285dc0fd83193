/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a commit. It only looks whether a path is there; everything else is for the scan. */
#include "container/plan.h"

#include <fcntl.h>

#include "base/path.h"
#include "sys/file.h"

static int node_new(const char *name, size_t len, bfci_plan_node **out, bfc_err *err)
{
    AUTO_FREE bfci_plan_node *n = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *n, &n, err));
    BFC_TRY(bfci_memdup_str(name, len, &n->name, err));
    *out = bfci_steal(&n);
    return 0;
}

int bfci_plan_new(bfci_plan_node **out, bfc_err *err)
{
    return node_new("", 0, out, err);
}

/* Depth is bounded by BFCI_DEPTH_MAX, but the stack need not be: nodes are freed from a list. */
void bfci_plan_free(bfci_plan_node *root)
{
    bfci_plan_node *todo = root; /* linked through source, which is freed when a node is taken on */

    if (!root)
        return;
    free(root->source);
    root->source = NULL;
    while (todo) {
        bfci_plan_node *n = todo;
        todo = (bfci_plan_node *)(void *)n->source;
        for (size_t i = 0; i < n->count; i++) {
            free(n->child[i]->source);
            n->child[i]->source = (char *)(void *)todo;
            todo = n->child[i];
        }
        free(n->child);
        free(n->name);
        free(n);
    }
}

static int compare_name(const char *a, const char *b, size_t b_len)
{
    int c = strncmp(a, b, b_len);
    return c ? c : a[b_len] != '\0';
}

/* The child with this name, made if it is not there. */
static int get_child(bfci_plan_node *n, const char *name, size_t len, bfci_plan_node **out,
                     bfc_err *err)
{
    size_t low = 0, high = n->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = compare_name(n->child[middle]->name, name, len);
        if (c == 0) {
            *out = n->child[middle];
            return 0;
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bfci_plan_node *made = NULL;
    BFC_TRY(bfci_reserve(&n->child, &n->cap, n->count + 1, sizeof *n->child, err));
    BFC_TRY(node_new(name, len, &made, err));
    memmove(n->child + low + 1, n->child + low, (n->count - low) * sizeof *n->child);
    n->child[low] = made;
    n->count++;
    *out = made;
    return 0;
}

static int set_source(bfci_plan_node *n, const char *dir, const char *path, size_t len,
                      bfc_err *err)
{
    char *source = NULL;

    if (dir && path[0] != '/')
        BFC_TRY(bfci_asprintf(&source, err, "%s/%.*s", dir, (int)len, path));
    else
        BFC_TRY(bfci_memdup_str(path, len, &source, err));
    free(n->source);
    n->source = source;
    return 0;
}

int bfci_plan_add_root(bfci_plan_node *root, const char *dir, bfc_err *err)
{
    struct stat st;

    BFC_TRY(bfci_stat_at(AT_FDCWD, dir, 0, &st, err));
    if (!S_ISDIR(st.st_mode))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is not a folder", BFCI_QUOTE_STR(dir));
    BFC_TRY(set_source(root, NULL, dir, strlen(dir), err));
    root->whole = true;
    return 0;
}

static int check_source(const char *dir, const char *path, bfc_err *err)
{
    struct stat st;
    bfci_plan_node probe = {0};

    BFC_TRY(set_source(&probe, dir, path, strlen(path), err));
    int rc = bfci_stat_at(AT_FDCWD, probe.source, AT_SYMLINK_NOFOLLOW, &st, err);
    free(probe.source);
    return rc;
}

int bfci_plan_add(bfci_plan_node *root, const char *dir, const char *path, bfc_err *err)
{
    AUTO_FREE char *normal = NULL;

    BFC_TRY(bfci_path_normalize(path, &normal, err));
    if (*normal == '\0') {
        AUTO_FREE char *whole = NULL;
        BFC_TRY(bfci_asprintf(&whole, err, "%s", path[0] == '/' ? "/" : dir ? dir : "."));
        return bfci_plan_add_root(root, whole, err);
    }
    BFC_TRY(check_source(dir, path, err));
    bfci_plan_node *n = root;
    bfci_parts parts = {path};
    const char *part;
    size_t len;
    while (bfci_parts_next(&parts, &part, &len)) {
        BFC_TRY(get_child(n, part, len, &n, err));
        if (!n->source)
            BFC_TRY(set_source(n, dir, path, (size_t)(part - path) + len, err));
    }
    BFC_TRY(set_source(n, dir, path, strlen(path), err));
    n->whole = true;
    return 0;
}

bool bfci_plan_is_empty(const bfci_plan_node *root)
{
    return !root->source && root->count == 0;
}
