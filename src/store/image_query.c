/* SPDX-License-Identifier: Apache-2.0 */
/* Asking about images: all of them, one of them, what is in one. No locks are taken: an image that
 * is open stays readable when its name is deleted or taken by another. */
#include <bfc/image.h>

#include "base/hooks.h"
#include "oci/image_verify.h"
#include "store/facts.h"
#include "store/prefix.h"
#include "store/target.h"

struct listing {
    bfc_store *store;
    const bfc_hooks *hooks;
    bfc_image_list *list;
    size_t cap;
};

void bfc_image_list_free(bfc_image_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->count; i++)
        bfc_image_info_free(list->item[i]);
    free(list->item);
    free(list);
}

/* A damaged image is told and counted: the others are still wanted. */
static int list_one(void *ctx, const bfci_found *found, bfc_err *err)
{
    struct listing *l = ctx;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_check_cancel(l->hooks, err));
    int rc = l->store->backend->facts(l->store, found, l->hooks, &info, &why);
    if (rc == BFC_E_NOT_FOUND) /* deleted since it was met */
        return 0;
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    if (rc < 0) {
        bfci_log(l->hooks, BFC_LOG_WARNING, "store", "%s", why.msg);
        l->list->damaged++;
        return 0;
    }
    BFC_TRY(bfci_reserve(&l->list->item, &l->cap, l->list->count + 1, sizeof *l->list->item, err));
    l->list->item[l->list->count++] = bfci_steal(&info);
    return 0;
}

static int newest_first(const void *a, const void *b)
{
    const bfc_image_info *x = *(bfc_image_info *const *)a;
    const bfc_image_info *y = *(bfc_image_info *const *)b;

    if (x->created != y->created)
        return x->created > y->created ? -1 : 1;
    return strcmp(x->name, y->name);
}

int bfc_image_list_get(bfc_store *store, const bfc_hooks *hooks, bfc_image_list **out, bfc_err *err)
{
    AUTO(bfc_image_list) bfc_image_list *list = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *list, &list, err));
    struct listing l = {store, hooks, list, 0};
    int rc = store->backend->scan(store, list_one, &l, err);
    if (rc == BFC_E_CANCELLED || rc == BFC_E_NOMEM)
        return rc;
    if (rc < 0)
        return bfci_wrap(err, rc, "list the store '%s'", BFCI_QUOTE_STR(store->uri));
    if (list->count > 1)
        qsort(list->item, list->count, sizeof *list->item, newest_first);
    *out = bfci_steal(&list);
    return 0;
}

static int find(bfc_store *store, const char *name, bfci_reference *ref, char **path, bfc_err *err)
{
    BFC_TRY(bfci_reference_parse(name, ref, err));
    return store->backend->find(store, ref, path, err);
}

int bfc_image_info_get(bfc_store *store, const char *name, bfc_image_info **out, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *told = NULL;
    bfci_reference ref;

    BFC_TRY(find(store, name, &ref, &path, err));
    BFC_TRY(bfci_facts_read(path, ref.text, NULL, store->keys, &info, err));
    BFC_TRY(store->backend->check(store, info, false, &told, err));
    free(info->mismatch);
    info->mismatch = bfci_steal(&told);
    *out = bfci_steal(&info);
    return 0;
}

/* What is wrong with the container makes it no use to look at the image in it. */
static int verify(const char *path, const bfc_verify_options *options, bfc_verify_report *report,
                  bfc_err *err)
{
    bfc_verify_report counted;

    if (!report)
        report = &counted;
    BFC_TRY(bfc_verify(path, options, report, err));
    if (report->hidden) /* no document can be read */
        return 0;
    bfci_image_check check = {.problem = options->problem,
                              .ctx = options->problem_ctx,
                              .hooks = options->hooks,
                              .keys = options->keys,
                              .deep = options->deep};
    int rc = bfci_image_check_run(path, &check, err);
    report->problems += check.problems;
    return rc;
}

/* What the store says of the image beside its container, which is whole. */
static int verify_store(bfc_store *store, const bfci_reference *ref, const char *path,
                        const bfc_verify_options *options, bfc_verify_report *report, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO_FREE char *told = NULL;
    bool repair = options->repair;

    BFC_TRY(bfci_facts_read(path, ref->text, NULL, NULL, &info, err));
    BFC_TRY(store->backend->check(store, info, repair, &told, err));
    if (*told == '\0')
        return 0;
    if (repair) {
        bfci_log(options->hooks, BFC_LOG_WARNING, "store", "image '%s': set right: %s", ref->text,
                 told);
        return 0;
    }
    if (options->problem)
        options->problem(options->problem_ctx,
                         &(bfc_problem){.what = told, .offset = BFC_NO_OFFSET});
    if (report)
        report->problems++;
    return bfci_fail(err, BFC_E_CORRUPT, "%s", told);
}

int bfc_image_verify(bfc_store *store, const char *name, const bfc_verify_options *options,
                     bfc_verify_report *report, bfc_err *err)
{
    bfc_verify_options own = BFC_VERIFY_OPTIONS_INIT;
    AUTO_FREE char *path = NULL;
    bfci_reference ref;

    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_VERIFY_OPTIONS_INIT, err));
    if (options)
        own = *options;
    if (!own.keys)
        own.keys = store->keys;
    BFC_TRY(find(store, name, &ref, &path, err));
    int rc = verify(path, &own, report, err);
    if (rc == 0)
        rc = verify_store(store, &ref, path, &own, report, err);
    return rc < 0 ? bfci_wrap(err, rc, "image '%s'", ref.text) : 0;
}

/* What is behind "kind:" in a target; NULL if it begins with something else. */
static const char *target_of(const char *target, const char *kind)
{
    size_t len = strlen(kind);

    return strncmp(target, kind, len) == 0 && target[len] == ':' ? target + len + 1 : NULL;
}

static int extract_to(bfc_store *store, const bfci_reference *ref, const char *path,
                      const char *target, const bfc_extract_options *options,
                      bfc_extract_report *report, bfc_err *err)
{
    const char *dir = target_of(target, "dir");
    const char *dataset = target_of(target, "zfs");

    if (!dir && !dataset && store->backend->names_datasets && !strchr("/.", target[0]))
        dataset = target;
    if (dataset)
        return store->backend->extract_dataset(store, ref, path, dataset, options, report, err);
    if (options->dataset)
        return bfci_fail(err, BFC_E_INVALID,
                         "target '%s' is a directory: only a dataset has properties, a mount point "
                         "or a template",
                         BFCI_QUOTE_STR(target));
    return bfci_target_extract(store, path, dir ? dir : target, options, report, err);
}

static int extract(bfc_store *store, const bfci_reference *ref, const char *target, size_t layers,
                   bool cut, const bfc_extract_options *options, bfc_extract_report *report,
                   bfc_err *err)
{
    static const bfc_extract_options defaults = BFC_EXTRACT_OPTIONS_INIT;
    bfc_extract_options own = options ? *options : defaults;
    AUTO_FREE char *path = NULL;

    if (!own.keys)
        own.keys = store->keys;
    BFC_TRY(store->backend->find(store, ref, &path, err));
    if (cut && own.trust) /* which tree that is, is looked up without checking digests */
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "a signature can be asked for the whole image, not for the file system of "
                         "its lower layers");
    if (cut)
        BFC_TRY(bfci_prefix_tree(path, own.keys, layers, &own.tree, err));
    return extract_to(store, ref, path, target, &own, report, err);
}

int bfc_image_extract(bfc_store *store, const char *name, const char *target,
                      const bfc_extract_options *options, bfc_extract_report *report, bfc_err *err)
{
    AUTO_FREE char *bare = NULL;
    bfci_reference ref;
    size_t layers = 0;
    bool cut = false;

    if (report)
        *report = (bfc_extract_report){0};
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_EXTRACT_OPTIONS_INIT, err));
    if (options)
        BFC_TRY(BFCI_CHECK_OPTIONS(options->dataset, BFC_DATASET_OPTIONS_INIT, err));
    if (!target || !*target)
        return bfci_fail(err, BFC_E_INVALID, "the target is empty");
    BFC_TRY(bfci_prefix_split(name, &bare, &layers, &cut, err));
    BFC_TRY(bfci_reference_parse(bare, &ref, err));
    int rc = extract(store, &ref, target, layers, cut, options, report, err);
    return rc < 0 ? bfci_wrap(err, rc, "extract image '%s'", ref.text) : 0;
}
