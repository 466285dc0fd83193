/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the way from a name that somebody typed to the registries that are asked: short names,
 * mirrors, rewriting, and what is blocked. As with containers/image, a registry is blocked by the
 * name under which it would be asked: so mirrors of a blocked one work, which is how machines are
 * kept from it. */
#include "net/registries_conf.h"

#include <stdio.h>

#include "base/buf.h"

enum {
    NAMES_TOLD = 10 /* of candidates, in a message */
};

void bfci_endpoints_release(bfci_endpoints *e)
{
    free(e->item);
    *e = (bfci_endpoints)BFCI_ENDPOINTS_INIT;
}

/* ── Rules ── */

/* How much of `name` the prefix covers; 0: it does not match. */
static size_t matched(const char *name, const char *prefix)
{
    size_t len = strlen(prefix), host_len = strcspn(name, ":/");

    if (strncmp(prefix, "*.", 2) == 0) {
        size_t suffix = len - 1; /* with its dot */
        bool is = host_len > suffix && memcmp(name + host_len - suffix, prefix + 1, suffix) == 0;
        return is ? host_len : 0;
    }
    /* ':' too: a rule for a host is one for all of its ports, in the engines as well. */
    if (strncmp(name, prefix, len) != 0 || (name[len] && !strchr(":/@", name[len])))
        return 0;
    return len;
}

const bfci_registry_rule *bfci_registries_rule(const bfci_registries *r, const char *name)
{
    const bfci_registry_rule *best = NULL;
    size_t best_len = 0;

    for (size_t i = 0; i < r->rule_count; i++) {
        size_t len = strlen(r->rule[i].prefix);
        if (len > best_len && matched(name, r->rule[i].prefix) > 0) {
            best = &r->rule[i];
            best_len = len;
        }
    }
    return best;
}

/* ── Endpoints ── */

static int add_endpoint(bfci_endpoints *out, const bfci_endpoint *endpoint, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&out->item, &out->cap, out->count + 1, sizeof *out->item, err));
    out->item[out->count++] = *endpoint;
    return 0;
}

/* `location` takes the place of the rule's prefix. */
static int rewrite(const bfci_remote_ref *ref, const char *prefix, const char *location,
                   bfci_remote_ref *out, bfc_err *err)
{
    char text[REMOTE_TEXT_SIZE];
    AUTO_FREE char *rewritten = NULL;
    bfci_remote_ref got;

    bfci_remote_ref_text(ref, text);
    BFC_TRY(bfci_asprintf(&rewritten, err, "%s%s", location, text + matched(text, prefix)));
    int rc = bfci_remote_ref_parse(rewritten, &got, err);
    if (rc == 0 && got.is_short)
        rc = bfci_fail(err, BFC_E_INVALID, "it has no registry");
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s' becomes '%s' by the registry '%s' of the configuration",
                         text, BFCI_QUOTE_STR(rewritten), BFCI_QUOTE_STR(prefix));
    *out = got;
    return 0;
}

static bool wants_mirror(const bfci_registry_rule *rule, const bfci_mirror *mirror, bool by_digest)
{
    if (rule->digests_only || mirror->use == MIRROR_FOR_DIGESTS)
        return by_digest;
    return mirror->use == MIRROR_FOR_ALL || !by_digest;
}

/* The rule that blocks `ref`, or NULL. */
static const bfci_registry_rule *blocking(const bfci_registries *r, const bfci_remote_ref *ref)
{
    char name[REMOTE_NAME_SIZE];

    bfci_remote_ref_name(ref, name);
    const bfci_registry_rule *rule = bfci_registries_rule(r, name);
    return rule && rule->blocked ? rule : NULL;
}

/* What there is for one full name. *blocked is set to a rule that took one away. */
static int add_candidate(const bfci_registries *r, const bfci_remote_ref *ref, size_t candidate,
                         const bfci_registry_rule **blocked, bfci_endpoints *out, bfc_err *err)
{
    char name[REMOTE_NAME_SIZE];
    bfci_endpoint e = {.ref = *ref, .candidate = candidate};

    bfci_remote_ref_name(ref, name);
    const bfci_registry_rule *rule = bfci_registries_rule(r, name);
    for (size_t i = 0; rule && i < rule->mirror_count; i++) {
        const bfci_mirror *mirror = &rule->mirror[i];
        if (!wants_mirror(rule, mirror, ref->has_digest))
            continue;
        e.is_mirror = true;
        e.insecure = mirror->insecure;
        BFC_TRY(rewrite(ref, rule->prefix, mirror->location, &e.ref, err));
        const bfci_registry_rule *by = blocking(r, &e.ref);
        if (by)
            *blocked = by;
        else
            BFC_TRY(add_endpoint(out, &e, err));
    }
    e = (bfci_endpoint){.ref = *ref, .insecure = rule && rule->insecure, .candidate = candidate};
    if (rule && rule->location)
        BFC_TRY(rewrite(ref, rule->prefix, rule->location, &e.ref, err));
    const bfci_registry_rule *by = blocking(r, &e.ref);
    if (by)
        *blocked = by;
    return by ? 0 : add_endpoint(out, &e, err);
}

/* ── Short names ── */

/* The name as it was typed, without what does not belong to it. */
static const char *plain(const char *typed)
{
    static const char transport[] = "docker://";
    size_t len = sizeof transport - 1;

    return strncmp(typed, transport, len) == 0 ? typed + len : typed;
}

/* What stands before tag and digest of a short name. */
static int repository_of(const char *typed, char **out, bfc_err *err)
{
    return bfci_memdup_str(typed, strcspn(typed, ":@"), out, err);
}

static int follow_alias(const bfci_registries *r, const char *typed, const bfci_remote_ref *ref,
                        bfci_remote_ref *out, bool *found, bfc_err *err)
{
    AUTO_FREE char *repository = NULL;
    bfci_remote_ref target;

    BFC_TRY(repository_of(typed, &repository, err));
    const bfci_alias *alias = bfci_registries_alias(r, repository);
    *found = alias && alias->target;
    if (!*found)
        return 0;
    BFC_TRY(bfci_remote_ref_parse(alias->target, &target, err));
    memcpy(target.tag, ref->tag, sizeof target.tag);
    target.has_digest = ref->has_digest;
    target.digest = ref->digest;
    *out = target;
    return 0;
}

static int refuse_ambiguous(const bfci_registries *r, const char *typed, size_t count, bfc_err *err)
{
    AUTO_BUF buf names = BUF_INIT;

    for (size_t i = 0; i < MIN(count, (size_t)NAMES_TOLD); i++)
        bfci_buf_printf(&names, "%s'%s/%s'", i ? ", " : "", r->search[i], typed);
    if (count > NAMES_TOLD)
        bfci_buf_printf(&names, ", …");
    buf_u8(&names, 0);
    BFC_TRY(buf_check(&names, err));
    return bfci_fail(err, BFC_E_INVALID,
                     "'%s' could be one of several images, and short-name-mode is 'enforcing': "
                     "name one of %s",
                     BFCI_QUOTE_STR(typed), (const char *)names.data);
}

/* At each of the search registries. */
static int add_searched(const bfci_registries *r, const char *typed,
                        const bfci_registry_rule **blocked, bfci_endpoints *out, bfc_err *err)
{
    size_t count = 0;

    while (r->search[count])
        count++;
    if (count == 0)
        return bfci_fail(
            err, BFC_E_INVALID,
            "'%s' names no registry, and '%s' has no search registries: put one before "
            "it, as in 'docker.io/library/alpine'",
            BFCI_QUOTE_STR(typed), BFCI_QUOTE_STR(r->search_from));
    if (count > 1 && r->short_names == SHORT_NAMES_ENFORCING)
        return refuse_ambiguous(r, typed, count, err);
    for (size_t i = 0; i < count; i++) {
        bfci_remote_ref ref;
        int rc = bfci_remote_ref_at(r->search[i], typed, &ref, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "search registry of '%s'", BFCI_QUOTE_STR(r->search_from));
        BFC_TRY(add_candidate(r, &ref, i, blocked, out, err));
    }
    return 0;
}

/* ── Choices ── */

void bfci_meanings_release(bfci_meanings *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->name[i]);
    free(c->name);
    free(c->repository);
    *c = (bfci_meanings)BFCI_MEANINGS_INIT;
}

static size_t search_count(const bfci_registries *r)
{
    size_t count = 0;

    while (r->search && r->search[count])
        count++;
    return count;
}

static int list_choices(const bfci_registries *r, const char *typed, bfci_meanings *out,
                        bfc_err *err)
{
    const size_t count = search_count(r);

    BFC_TRY(repository_of(typed, &out->repository, err));
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof *out->name, &out->name, err));
    for (; out->count < count; out->count++) {
        char text[REMOTE_TEXT_SIZE];
        bfci_remote_ref ref;
        int rc = bfci_remote_ref_at(r->search[out->count], typed, &ref, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "search registry of '%s'", BFCI_QUOTE_STR(r->search_from));
        bfci_remote_ref_text(&ref, text);
        BFC_TRY(bfci_strdup(text, &out->name[out->count], err));
    }
    return 0;
}

int bfci_registries_meanings(const bfci_registries *r, const char *typed, bfci_meanings *out,
                             bfc_err *err)
{
    AUTO_MEANINGS bfci_meanings choices = BFCI_MEANINGS_INIT;
    bfci_remote_ref ref;
    bool has_alias = false;

    BFC_TRY(bfci_remote_ref_parse(typed, &ref, err));
    typed = plain(typed);
    if (!ref.is_short || search_count(r) < 2 || r->short_names == SHORT_NAMES_DISABLED)
        return 0;
    BFC_TRY(follow_alias(r, typed, &ref, &ref, &has_alias, err));
    if (has_alias)
        return 0;
    BFC_TRY(list_choices(r, typed, &choices, err));
    *out = choices;
    choices = (bfci_meanings)BFCI_MEANINGS_INIT;
    return 0;
}

/* ── Both ways ── */

static int refuse_blocked(const char *typed, const bfci_registry_rule *by, bfc_err *err)
{
    return bfci_fail(err, BFC_E_DENIED,
                     "'%s' cannot be had: the registry '%s' is blocked by the configuration of "
                     "registries",
                     BFCI_QUOTE_STR(typed), BFCI_QUOTE_STR(by->prefix));
}

int bfci_registries_pull_endpoints(const bfci_registries *r, const char *typed, bfci_endpoints *out,
                                   bfc_err *err)
{
    AUTO_ENDPOINTS bfci_endpoints list = BFCI_ENDPOINTS_INIT;
    const bfci_registry_rule *blocked = NULL;
    bfci_remote_ref ref;
    bool is_full = true;

    BFC_TRY(bfci_remote_ref_parse(typed, &ref, err));
    typed = plain(typed);
    if (ref.is_short)
        BFC_TRY(follow_alias(r, typed, &ref, &ref, &is_full, err));
    if (!is_full && r->search)
        BFC_TRY(add_searched(r, typed, &blocked, &list, err));
    else
        BFC_TRY(add_candidate(r, &ref, 0, &blocked, &list, err));
    if (list.count == 0)
        return refuse_blocked(typed, blocked, err);
    *out = list;
    list = (bfci_endpoints)BFCI_ENDPOINTS_INIT;
    return 0;
}

int bfci_registries_push_endpoint(const bfci_registries *r, const char *typed, bfci_endpoint *out,
                                  bfc_err *err)
{
    char name[REMOTE_NAME_SIZE];
    bfci_endpoint e = {.is_mirror = false};

    BFC_TRY(bfci_remote_ref_parse(typed, &e.ref, err));
    bfci_remote_ref_name(&e.ref, name);
    const bfci_registry_rule *rule = bfci_registries_rule(r, name);
    if (rule && rule->blocked)
        return refuse_blocked(plain(typed), rule, err);
    e.insecure = rule && rule->insecure;
    *out = e;
    return 0;
}
