/* SPDX-License-Identifier: Apache-2.0 */
/* What images take in a pool, as ZFS counts it: what a dataset refers to beyond what it wrote
 * itself is shared with the one that it is a clone of. */
#include "store/zfs.h"

#include "base/hooks.h"

struct tally {
    bfc_store *store;
    const bfci_zfsstore *z;
    char **image; /* datasets, sorted by name */
    size_t count, cap;
    bfc_store_usage sum;
};

static void tally_release(struct tally *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->image[i]);
    free(t->image);
}

static int count_one(void *ctx, const bfci_found *found, bfc_err *err)
{
    struct tally *t = ctx;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    BFC_TRY(bfci_reserve(&t->image, &t->cap, t->count + 1, sizeof *t->image, err));
    BFC_TRY(bfci_zfs_dataset_of(t->z, found->ref, &t->image[t->count], err));
    t->count++;
    t->sum.images++;
    int rc = bfci_zfs_facts(t->store, found, NULL, &info, err);
    if (rc == BFC_E_NOMEM)
        return rc;
    if (rc == 0) { /* of a damaged image only the room on disk is known */
        t->sum.image_bytes += info->size;
        t->sum.content_bytes += info->content_bytes;
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_template(const char *dataset)
{
    const char *slash = strrchr(dataset, '/');

    return slash && bfci_zfs_is_template(slash + 1);
}

/* A line: name, property, value. */
static void count_line(struct tally *t, char *line, uint64_t *referenced, uint64_t *own)
{
    char *property = strchr(line, '\t');
    char *value = property ? strchr(property + 1, '\t') : NULL;

    if (!value)
        return;
    *property++ = '\0';
    *value++ = '\0';
    uint64_t bytes = strtoull(value, NULL, 10);
    bool is_own = strcmp(property, "referenced") != 0;
    if (bsearch(&line, t->image, t->count, sizeof *t->image, by_text)) {
        *(is_own ? &t->sum.disk_bytes : referenced) += bytes;
        if (strcmp(property, "usedbydataset") == 0)
            *own += bytes;
    } else if (is_own && is_template(line)) {
        t->sum.template_bytes += bytes;
    }
}

int bfci_zfs_usage(bfc_store *store, bfc_store_usage *sum, bfc_err *err)
{
    __attribute__((cleanup(tally_release))) struct tally t = {.store = store,
                                                              .z = bfci_zfs_of(store)};
    AUTO_FREE char *text = NULL;
    uint64_t referenced = 0, own = 0;

    BFC_TRY(bfci_zfs_scan(store, count_one, &t, err));
    if (t.count > 0) {
        qsort(t.image, t.count, sizeof *t.image, by_text);
        BFC_TRY(bfci_zfs(&t.z->tool, &text, err, "get", "-Hp", "-o", "name,property,value", "-r",
                         "referenced,usedbydataset,usedbysnapshots", t.z->root, NULL));
        for (char *line = text; *line;) {
            char *end = line + strcspn(line, "\n");
            char *next = *end ? end + 1 : end;
            *end = '\0';
            count_line(&t, line, &referenced, &own);
            line = next;
        }
    }
    t.sum.shared_bytes = referenced > own ? referenced - own : 0;
    *sum = t.sum;
    return 0;
}
