/* SPDX-License-Identifier: Apache-2.0 */
/* Lists at a registry. Pages are followed as long as they bring something, and are counted. */
#include "net/tags.h"

#include <stdio.h>

#include "net/link.h"
#include "net/manifests.h"

void bfci_tags_release(bfci_tags *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->item[i]);
    free(t->item);
    *t = (bfci_tags){0};
}

/* ── Pages ── */

/* Takes one page in; *brought is how much of it was there. */
typedef int page_fn(void *ctx, const bfci_json_node *page, size_t *brought, bfc_err *err);

/* The registry's own words for the next page; NULL: there is none. */
static int find_next(const bfci_http_answer *answer, char **next, bfc_err *err)
{
    const char *line;

    for (size_t i = 0; (line = bfci_http_header_get(answer, "Link", i)) && !*next; i++)
        BFC_TRY(bfci_link_next(line, answer->url, next, err));
    return 0;
}

static int take_page(bfci_registry *r, const char *path, const char *what, page_fn *fn, void *ctx,
                     int missing, bool *found, char **next, bfc_err *err)
{
    static const char *const types[] = {"application/json",
                                        "application/vnd.oci.image.index.v1+json", NULL};
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    AUTO(json_t) json_t *root = NULL;
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT, .also = {missing}};
    bfci_json_node page;
    size_t brought = 0;

    ask.request.accept = types;
    ask.request.body_max = PAGE_SIZE_MAX;
    BFC_TRY(bfci_registry_ask(r, path, &ask, &answer, err));
    *found = bfci_http_succeeded(&answer);
    if (!*found)
        return 0;
    BFC_TRY(bfci_json_load(answer.body, answer.body_len, what, JSON_FOREIGN, &root, &page, err));
    BFC_TRY(fn(ctx, &page, &brought, err));
    return brought > 0 ? find_next(&answer, next, err) : 0;
}

/* *found is false if the first answer was the status `missing`. */
static int each_page(bfci_registry *r, const char *first, const char *what, page_fn *fn, void *ctx,
                     int missing, bool *found, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_strdup(first, &path, err));
    for (size_t pages = 0; pages < PAGES_MAX; pages++) {
        AUTO_FREE char *next = NULL;
        bool is_there = true;
        BFC_TRY(take_page(r, path, what, fn, ctx, pages == 0 ? missing : 0, &is_there, &next, err));
        if (pages == 0)
            *found = is_there;
        if (!next)
            return 0;
        if (strcmp(next, path) == 0)
            return bfci_fail(err, BFC_E_CORRUPT, "%s: a page of the list is its own next one",
                             what);
        free(path);
        path = bfci_steal(&next);
    }
    return bfci_fail(err, BFC_E_LIMIT, "%s: the list has more than %d pages", what, PAGES_MAX);
}

/* ── Tags ── */

static int add_tag(bfci_tags *t, const bfci_json_node *node, bfc_err *err)
{
    AUTO_FREE char *copy = NULL;
    const char *tag = NULL;

    BFC_TRY(bfci_json_need_text(node, &tag, err));
    if (!bfci_reference_tag_ok(tag, strlen(tag)))
        return bfci_json_fail(node, BFC_E_CORRUPT, err, "'%s' is no tag", BFCI_QUOTE_STR(tag));
    if (t->count == TAGS_MAX)
        return bfci_json_fail(node, BFC_E_LIMIT, err, "there are more than %d", TAGS_MAX);
    BFC_TRY(bfci_strdup(tag, &copy, err));
    BFC_TRY(bfci_reserve(&t->item, &t->cap, t->count + 1, sizeof *t->item, err));
    t->item[t->count++] = bfci_steal(&copy);
    return 0;
}

static int take_tags(void *ctx, const bfci_json_node *page, size_t *brought, bfc_err *err)
{
    const bfci_json_node list = bfci_json_member(page, "tags");

    BFC_TRY(bfci_json_may_array(&list, TAGS_MAX, err));
    *brought = bfci_json_count(&list);
    for (size_t i = 0; i < *brought; i++) {
        const bfci_json_node tag = bfci_json_item(&list, i);
        BFC_TRY(add_tag(ctx, &tag, err));
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_once(bfci_tags *t)
{
    size_t kept = 0;

    if (t->count > 1)
        qsort(t->item, t->count, sizeof *t->item, by_name);
    for (size_t i = 0; i < t->count; i++) {
        if (kept > 0 && strcmp(t->item[kept - 1], t->item[i]) == 0)
            free(t->item[i]);
        else
            t->item[kept++] = t->item[i];
    }
    t->count = kept;
}

int bfci_tags_get(bfci_registry *r, bfci_tags *out, bfc_err *err)
{
    AUTO_TAGS bfci_tags tags = {0};
    char first[40];
    bool found = false;

    (void)snprintf(first, sizeof first, "tags/list?n=%d", TAG_PAGE);
    BFC_TRY(each_page(r, first, bfci_registry_name(r), take_tags, &tags, 0, &found, err));
    sort_once(&tags);
    *out = tags;
    tags = (bfci_tags){0};
    return 0;
}

/* ── Referrers ── */

static int take_referrers(void *ctx, const bfci_json_node *page, size_t *brought, bfc_err *err)
{
    json_t *array = ctx;
    const bfci_json_node list = bfci_json_member(page, "manifests");

    BFC_TRY(bfci_json_may_array(&list, REFERRERS_MAX, err));
    *brought = bfci_json_count(&list);
    for (size_t i = 0; i < *brought; i++) {
        const bfci_json_node one = bfci_json_item(&list, i);
        BFC_TRY(bfci_json_need_object(&one, err));
        if (json_array_size(array) == REFERRERS_MAX)
            return bfci_json_fail(&one, BFC_E_LIMIT, err, "there are more than %d", REFERRERS_MAX);
        BFC_TRY(bfci_json_append(array, json_incref(one.value), err));
    }
    return 0;
}

static int take_fallback(bfci_registry *r, const char *digest, json_t *array, bfc_err *err)
{
    AUTO_REMOTE_MANIFEST bfci_remote_manifest m = {0};
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node page;
    char tag[DIGEST_TEXT_SIZE];
    bfc_err why = BFC_ERR_INIT;
    size_t brought = 0;

    (void)snprintf(tag, sizeof tag, "%s", digest);
    tag[strcspn(tag, ":")] = '-';
    int rc = bfci_manifest_get(r, tag, &m, &why);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc < 0 && err)
        *err = why;
    BFC_TRY(rc);
    BFC_TRY(bfci_json_load(m.bytes, m.len, tag, JSON_FOREIGN, &root, &page, err));
    return take_referrers(array, &page, &brought, err);
}

int bfci_referrers_get(bfci_registry *r, const bfci_digest *digest, json_t *array, bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE];
    AUTO_FREE char *first = NULL;
    bool found = false;

    bfci_digest_text(digest, text);
    BFC_TRY(bfci_asprintf(&first, err, "referrers/%s", text));
    BFC_TRY(each_page(r, first, "referrers", take_referrers, array, 404, &found, err));
    return found ? 0 : take_fallback(r, text, array, err);
}
