/* SPDX-License-Identifier: Apache-2.0 */
/* The contents that a name has had, and going back to one of them. */
#include <bfc/image.h>

#include "codec/digest.h"
#include "store/facts.h"
#include "store/image_build.h"

#define DIGITS_MIN 4

BFCI_DEFINE_AUTO(bfc_image_history, bfc_image_history_free)

void bfc_image_history_free(bfc_image_history *history)
{
    if (!history)
        return;
    free(history->item);
    free(history);
}

static int load(bfc_store *store, const char *path, const char *name, bfc_image_history *history,
                bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;

    BFC_TRY(bfci_facts_read(path, name, NULL, NULL, &info, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *history->item, &history->item, err));
    bfc_image_version *current = &history->item[0];
    memcpy(current->root_digest, info->root_digest, sizeof current->root_digest);
    current->created = info->created;
    current->size = info->size;
    current->current = true;
    history->count = 1;
    return store->backend->versions(store, info, history, err);
}

static int get(bfc_store *store, const bfci_reference *ref, bfc_image_history **out, bfc_err *err)
{
    AUTO(bfc_image_history) bfc_image_history *history = NULL;
    AUTO_FREE char *path = NULL;

    BFC_TRY(store->backend->find(store, ref, &path, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *history, &history, err));
    int rc = load(store, path, ref->text, history, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "image '%s'", ref->text);
    *out = bfci_steal(&history);
    return 0;
}

int bfc_image_history_get(bfc_store *store, const char *name, bfc_image_history **out, bfc_err *err)
{
    bfci_reference ref;

    BFC_TRY(bfci_reference_parse(name, &ref, err));
    return get(store, &ref, out, err);
}

/* ── Rolling back ── */

static bool begins_with(const uint8_t digest[BFC_DIGEST_SIZE], const char *digits)
{
    char text[BFCI_DIGEST_HEX_SIZE];

    bfci_hex(digest, BFC_DIGEST_SIZE, text);
    return strncmp(text, digits, strlen(digits)) == 0;
}

static int check_digits(const char *digits, bfc_err *err)
{
    size_t len = strspn(digits, "0123456789abcdef");

    if (digits[len] || len < DIGITS_MIN || len > (size_t)2 * BFC_DIGEST_SIZE)
        return bfci_fail(
            err, BFC_E_INVALID,
            "'%s' is no root digest: it is %d to %d digits of 0-9 and a-f, as 'bfc image "
            "history' shows them",
            BFCI_QUOTE_STR(digits), DIGITS_MIN, 2 * BFC_DIGEST_SIZE);
    return 0;
}

static int choose(const bfc_image_history *history, const char *name, const char *digits,
                  const bfc_image_version **out, bfc_err *err)
{
    const bfc_image_version *found = NULL;

    for (size_t i = 0; i < history->count; i++) {
        if (!begins_with(history->item[i].root_digest, digits))
            continue;
        if (found)
            return bfci_fail(err, BFC_E_INVALID,
                             "several versions of image '%s' begin with '%s': give more digits",
                             name, digits);
        found = &history->item[i];
    }
    if (!found)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "image '%s' has no version '%s': 'bfc image history %s' shows them", name,
                         digits, name);
    *out = found;
    return 0;
}

static int go_back(bfc_store *store, const bfci_reference *ref, const bfc_image_version *to,
                   bfc_image_info **out, bfc_err *err)
{
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;

    BFC_TRY(store->backend->work_begin(store, ref, &(bfci_work_how){.replace = true}, &work, err));
    BFC_TRY(store->backend->work_version(&work, to->root_digest, err));
    return bfci_publish(&work, store->hooks, store->keys, out, err);
}

int bfc_image_rollback(bfc_store *store, const char *name, const char *digest, bfc_image_info **out,
                       bfc_err *err)
{
    AUTO(bfc_image_history) bfc_image_history *history = NULL;
    const bfc_image_version *to = NULL;
    bfci_reference ref;

    BFC_TRY(check_digits(digest, err));
    BFC_TRY(bfci_reference_parse(name, &ref, err));
    BFC_TRY(get(store, &ref, &history, err));
    BFC_TRY(choose(history, ref.text, digest, &to, err));
    if (to->current)
        return out ? bfc_image_info_get(store, ref.text, out, err) : 0;
    return bfci_wrap_making(store, &ref, "roll back", go_back(store, &ref, to, out, err), err);
}
