/* SPDX-License-Identifier: Apache-2.0 */
/* Owns what a configuration file means: its keys, their checks, and how a later file changes what
 * earlier ones said. A file is read into a bfci_registries of its own first, so that a fault in it
 * leaves nothing half done. */
#include "net/registries_conf.h"

#include <ctype.h>

enum {
    RULES_MAX = 4096,
    ALIASES_MAX = 50000,
    LIST_MAX = 100 /* search registries, helpers, mirrors of a registry */
};

/* ── Lists ── */

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

static void release_rule(bfci_registry_rule *rule)
{
    for (size_t i = 0; i < rule->mirror_count; i++)
        free(rule->mirror[i].location);
    free(rule->mirror);
    free(rule->prefix);
    free(rule->location);
}

static void release_alias(bfci_alias *alias)
{
    free(alias->name);
    free(alias->target);
}

void bfci_registries_release(bfci_registries *r)
{
    for (size_t i = 0; i < r->rule_count; i++)
        release_rule(&r->rule[i]);
    for (size_t i = 0; i < r->alias_count; i++)
        release_alias(&r->alias[i]);
    free(r->rule);
    free(r->alias);
    free_list(r->search);
    free(r->search_from);
    free_list(r->helpers);
    *r = (bfci_registries)BFCI_REGISTRIES_INIT;
}

/* ── One file ── */

typedef struct reading {
    bfci_toml doc;
    bfci_registries found;
} reading;

static void release_reading(reading *in)
{
    bfci_toml_release(&in->doc);
    bfci_registries_release(&in->found);
}

/* A place as it is matched and rewritten: no scheme, no slash at the end, the host in lower case.
 */
static int copy_location(const reading *in, const json_t *table, const char *key, char **out,
                         bfc_err *err)
{
    const char *text = NULL;

    BFC_TRY(bfci_toml_may_text(&in->doc, table, key, &text, err));
    size_t len = text ? strlen(text) : 0;
    while (len > 0 && text[len - 1] == '/')
        len--;
    if (len == 0)
        return 0;
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0)
        return bfci_toml_fail(&in->doc, json_object_get(table, key), table, err,
                              "%s '%s': write it without 'http://' or 'https://'; plain HTTP is "
                              "allowed by 'insecure = true'",
                              key, BFCI_QUOTE_STR(text));
    BFC_TRY(bfci_memdup_str(text, len, out, err));
    for (char *c = *out; *c && *c != '/'; c++)
        *c = (char)tolower((unsigned char)*c);
    return 0;
}

static int read_use(const reading *in, const json_t *table, bool digests_only, bfci_mirror *mirror,
                    bfc_err *err)
{
    static const char key[] = "pull-from-mirror";
    static const char *const uses[] = {"all", "digest-only", "tag-only"};
    const char *text = "";

    BFC_TRY(bfci_toml_may_text(&in->doc, table, key, &text, err));
    if (!*text)
        return 0;
    if (digests_only)
        return bfci_toml_fail(&in->doc, json_object_get(table, key), table, err,
                              "'%s' cannot be set where the registry has 'mirror-by-digest-only'",
                              key);
    for (size_t i = 0; i < ARRAY_LEN(uses); i++)
        if (strcmp(text, uses[i]) == 0) {
            mirror->use = (enum bfci_mirror_use)i;
            return 0;
        }
    return bfci_toml_fail(&in->doc, json_object_get(table, key), table, err,
                          "%s '%s': it is 'all', 'digest-only' or 'tag-only'", key,
                          BFCI_QUOTE_STR(text));
}

static int read_mirrors(const reading *in, const json_t *table, bfci_registry_rule *rule,
                        bfc_err *err)
{
    json_t *list = NULL;
    BFC_TRY(bfci_toml_may_array(&in->doc, table, "mirror", &list, err));
    const size_t count = json_array_size(list);

    if (count > LIST_MAX)
        return bfci_toml_fail(&in->doc, list, table, err, "%zu mirrors, %d are allowed", count,
                              LIST_MAX);
    if (count == 0)
        return 0;
    BFC_TRY(bfci_alloc_zero(count, sizeof *rule->mirror, &rule->mirror, err));
    rule->mirror_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        bfci_mirror *mirror = &rule->mirror[i];
        if (!json_is_object(item))
            return bfci_toml_fail(&in->doc, item, list, err, "a mirror is to be a table");
        BFC_TRY(copy_location(in, item, "location", &mirror->location, err));
        if (!mirror->location)
            return bfci_toml_fail(&in->doc, item, table, err, "the mirror has no 'location'");
        BFC_TRY(bfci_toml_may_bool(&in->doc, item, "insecure", &mirror->insecure, err));
        BFC_TRY(read_use(in, item, rule->digests_only, mirror, err));
    }
    return 0;
}

static bool is_wildcard(const char *prefix)
{
    return strncmp(prefix, "*.", 2) == 0;
}

static int check_prefix(const reading *in, const json_t *table, const bfci_registry_rule *rule,
                        bfc_err *err)
{
    if (is_wildcard(rule->prefix) && strpbrk(rule->prefix, "/@:"))
        return bfci_toml_fail(&in->doc, json_object_get(table, "prefix"), table, err,
                              "prefix '%s': '*.' can stand before the name of a host alone, as in "
                              "'*.example.com'",
                              BFCI_QUOTE_STR(rule->prefix));
    if (!is_wildcard(rule->prefix) && !rule->location)
        return bfci_toml_fail(&in->doc, table, table, err, "the registry '%s' has no 'location'",
                              BFCI_QUOTE_STR(rule->prefix));
    if (json_object_get(table, "pull-from-mirror"))
        return bfci_toml_fail(&in->doc, json_object_get(table, "pull-from-mirror"), table, err,
                              "'pull-from-mirror' belongs to a mirror, not to a registry");
    return 0;
}

static int read_rule(const reading *in, const json_t *table, bfci_registry_rule *rule, bfc_err *err)
{
    BFC_TRY(copy_location(in, table, "location", &rule->location, err));
    BFC_TRY(copy_location(in, table, "prefix", &rule->prefix, err));
    if (!rule->prefix && !rule->location)
        return bfci_toml_fail(&in->doc, table, table, err,
                              "the registry has neither 'prefix' nor 'location'");
    if (!rule->prefix)
        BFC_TRY(bfci_strdup(rule->location, &rule->prefix, err));
    BFC_TRY(check_prefix(in, table, rule, err));
    BFC_TRY(bfci_toml_may_bool(&in->doc, table, "insecure", &rule->insecure, err));
    BFC_TRY(bfci_toml_may_bool(&in->doc, table, "blocked", &rule->blocked, err));
    BFC_TRY(bfci_toml_may_bool(&in->doc, table, "mirror-by-digest-only", &rule->digests_only, err));
    return read_mirrors(in, table, rule, err);
}

static const char *place_of(const bfci_registry_rule *rule)
{
    return rule->location ? rule->location : rule->prefix;
}

static int by_place(const void *a, const void *b)
{
    return strcmp(place_of(*(const bfci_registry_rule *const *)a),
                  place_of(*(const bfci_registry_rule *const *)b));
}

/* Two registries at one place, one of them open and the other not: which was meant? */
static int check_conflicts(const bfci_toml *doc, const json_t *list, const bfci_registries *r,
                           bfc_err *err)
{
    AUTO_FREE const bfci_registry_rule **sorted = NULL;

    BFC_TRY(bfci_alloc(r->rule_count, sizeof *sorted, &sorted, err));
    for (size_t i = 0; i < r->rule_count; i++)
        sorted[i] = &r->rule[i];
    qsort(sorted, r->rule_count, sizeof *sorted, by_place);
    for (size_t i = 1; i < r->rule_count; i++) {
        const bfci_registry_rule *a = sorted[i - 1], *b = sorted[i];
        if (by_place(&a, &b) == 0 && (a->insecure != b->insecure || a->blocked != b->blocked))
            return bfci_toml_fail(
                doc, list, NULL, err, "the registry '%s' is there twice, and '%s' differs",
                BFCI_QUOTE_STR(place_of(a)), a->insecure != b->insecure ? "insecure" : "blocked");
    }
    return 0;
}

static int by_prefix(const void *a, const void *b)
{
    return strcmp(((const bfci_registry_rule *)a)->prefix, ((const bfci_registry_rule *)b)->prefix);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const bfci_alias *)a)->name, ((const bfci_alias *)b)->name);
}

/* Puts `rule` where it belongs in the sorted list, which has room; an equal prefix is replaced, or
 * kept. *rule is taken over. */
static void put_rule(bfci_registries *r, bfci_registry_rule *rule, bool replace)
{
    size_t at = r->rule_count;

    while (at > 0 && by_prefix(&r->rule[at - 1], rule) >= 0)
        at--;
    if (at < r->rule_count && by_prefix(&r->rule[at], rule) == 0) {
        bfci_registry_rule *loser = replace ? &r->rule[at] : rule;
        release_rule(loser);
        if (replace)
            r->rule[at] = *rule;
    } else {
        memmove(&r->rule[at + 1], &r->rule[at], (r->rule_count - at) * sizeof *rule);
        r->rule[at] = *rule;
        r->rule_count++;
    }
    *rule = (bfci_registry_rule){.prefix = NULL};
}

/* Of registries with one prefix the first counts. */
static int read_rules(reading *in, bfc_err *err)
{
    AUTO_REGISTRIES bfci_registries all = BFCI_REGISTRIES_INIT;
    json_t *list = NULL;
    BFC_TRY(bfci_toml_may_array(&in->doc, in->doc.root, "registry", &list, err));
    const size_t count = json_array_size(list);

    if (count > RULES_MAX)
        return bfci_toml_fail(&in->doc, list, NULL, err, "%zu registries, %d are allowed", count,
                              RULES_MAX);
    if (count == 0)
        return 0;
    BFC_TRY(bfci_alloc_zero(count, sizeof *all.rule, &all.rule, err));
    all.rule_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_object(item))
            return bfci_toml_fail(&in->doc, item, list, err, "a registry is to be a table");
        BFC_TRY(read_rule(in, item, &all.rule[i], err));
    }
    BFC_TRY(check_conflicts(&in->doc, list, &all, err));
    BFC_TRY(bfci_alloc(count, sizeof *in->found.rule, &in->found.rule, err));
    for (size_t i = 0; i < count; i++)
        put_rule(&in->found, &all.rule[i], false);
    return 0;
}

static int read_list(const reading *in, const char *key, bool hosts, char ***out, bfc_err *err)
{
    json_t *list = NULL;
    BFC_TRY(bfci_toml_may_array(&in->doc, in->doc.root, key, &list, err));
    const size_t count = json_array_size(list);

    if (!list)
        return 0;
    if (count > LIST_MAX)
        return bfci_toml_fail(&in->doc, list, NULL, err, "%s has %zu items, %d are allowed", key,
                              count, LIST_MAX);
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof **out, out, err));
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *text = json_string_value(item);
        size_t len = text ? strlen(text) : 0;
        while (len > 0 && text[len - 1] == '/')
            len--;
        if (len == 0 || (hosts && !bfci_reference_registry_ok(text, len)))
            return bfci_toml_fail(&in->doc, item, list, err, "%s: '%s' is no %s", key,
                                  text ? BFCI_QUOTE_STR(text) : "",
                                  hosts ? "host with a port, 'registry.example:5000'" : "name");
        BFC_TRY(bfci_memdup_str(text, len, &(*out)[i], err));
    }
    return 0;
}

static int read_mode(reading *in, bfc_err *err)
{
    static const char key[] = "short-name-mode";
    static const char *const modes[] = {"", "disabled", "permissive", "enforcing"};
    const char *text = "";

    BFC_TRY(bfci_toml_may_text(&in->doc, in->doc.root, key, &text, err));
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (strcmp(text, modes[i]) == 0) {
            in->found.short_names = (enum bfci_short_names)i;
            return 0;
        }
    return bfci_toml_fail(&in->doc, json_object_get(in->doc.root, key), NULL, err,
                          "%s '%s': it is 'enforcing', 'permissive' or 'disabled'", key,
                          BFCI_QUOTE_STR(text));
}

/* A name without a registry, tag and digest. */
static bool is_short_repository(const char *name)
{
    bfci_remote_ref ref;

    return !strpbrk(name, ":@") && bfci_remote_ref_parse(name, &ref, NULL) == 0 && ref.is_short;
}

static bool is_full_repository(const char *name, bfci_remote_ref *ref)
{
    const char *slash = strchr(name, '/');

    return slash && !strpbrk(slash, ":@") && bfci_remote_ref_parse(name, ref, NULL) == 0 &&
           !ref->is_short;
}

static int read_alias(const reading *in, const json_t *table, const char *name, const json_t *value,
                      bfci_alias *alias, bfc_err *err)
{
    char repository[REMOTE_NAME_SIZE];
    const char *target = json_string_value(value);
    bfci_remote_ref ref;

    if (!is_short_repository(name))
        return bfci_toml_fail(&in->doc, value, table, err,
                              "the alias '%s' is no short name: it has no registry, tag or digest",
                              BFCI_QUOTE_STR(name));
    if (!target || (*target && !is_full_repository(target, &ref)))
        return bfci_toml_fail(&in->doc, value, table, err,
                              "the alias '%s' leads to '%s': a registry and a path were expected, "
                              "without tag and digest",
                              BFCI_QUOTE_STR(name), target ? BFCI_QUOTE_STR(target) : "");
    BFC_TRY(bfci_strdup(name, &alias->name, err));
    if (!*target)
        return 0;
    bfci_remote_ref_name(&ref, repository);
    return bfci_strdup(repository, &alias->target, err);
}

static int read_aliases(reading *in, bfc_err *err)
{
    json_t *table = NULL, *value;
    const char *name;

    BFC_TRY(bfci_toml_may_table(&in->doc, in->doc.root, "aliases", &table, err));
    const size_t count = json_object_size(table);
    if (count > ALIASES_MAX)
        return bfci_toml_fail(&in->doc, table, NULL, err, "%zu aliases, %d are allowed", count,
                              ALIASES_MAX);
    if (count == 0)
        return 0;
    BFC_TRY(bfci_alloc_zero(count, sizeof *in->found.alias, &in->found.alias, err));
    json_object_foreach(table, name, value)
    {
        bfci_alias *alias = &in->found.alias[in->found.alias_count++];
        BFC_TRY(read_alias(in, table, name, value, alias, err));
    }
    qsort(in->found.alias, count, sizeof *in->found.alias, by_name);
    return 0;
}

/* ── Putting files together ── */

static void put_alias(bfci_registries *r, bfci_alias *alias)
{
    bfci_alias *there = bfci_registries_alias(r, alias->name);

    if (there) {
        release_alias(there);
        *there = *alias;
        *alias = (bfci_alias){NULL, NULL};
    }
}

/* The names that are new come behind the others, and all are sorted at the end. There is room. */
static void merge_aliases(bfci_registries *r, bfci_registries *from)
{
    size_t count = r->alias_count;

    for (size_t i = 0; i < from->alias_count; i++)
        put_alias(r, &from->alias[i]);
    for (size_t i = 0; i < from->alias_count; i++)
        if (from->alias[i].name) {
            r->alias[count++] = from->alias[i];
            from->alias[i] = (bfci_alias){NULL, NULL};
        }
    r->alias_count = count;
    if (count > 0)
        qsort(r->alias, count, sizeof *r->alias, by_name);
}

static void merge_lists(bfci_registries *r, bfci_registries *from, char **origin)
{
    if (from->search) {
        free_list(r->search);
        free(r->search_from);
        r->search = bfci_steal(&from->search);
        r->search_from = bfci_steal(origin);
    }
    if (from->helpers) {
        free_list(r->helpers);
        r->helpers = bfci_steal(&from->helpers);
    }
    if (from->short_names != SHORT_NAMES_UNSET)
        r->short_names = from->short_names;
}

/* All that can fail comes first. */
static int merge(bfci_registries *r, bfci_registries *from, const char *path, bfc_err *err)
{
    AUTO_FREE char *origin = NULL;
    const size_t rules = r->rule_count + from->rule_count;
    const size_t aliases = r->alias_count + from->alias_count;
    size_t rule_cap = r->rule_count, alias_cap = r->alias_count;

    if (rules > RULES_MAX || aliases > ALIASES_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "'%s' and the files before it have more than %d registries or %d aliases",
                         BFCI_QUOTE_STR(path), RULES_MAX, ALIASES_MAX);
    BFC_TRY(bfci_strdup(path, &origin, err));
    BFC_TRY(bfci_reserve(&r->alias, &alias_cap, aliases, sizeof *r->alias, err));
    BFC_TRY(bfci_reserve(&r->rule, &rule_cap, rules, sizeof *r->rule, err));
    merge_aliases(r, from);
    for (size_t i = 0; i < from->rule_count; i++)
        put_rule(r, &from->rule[i], true);
    merge_lists(r, from, &origin);
    return 0;
}

/* The form of before 2020, [registries.search], [registries.insecure] and [registries.block]. */
static int refuse_version_1(const reading *in, bfc_err *err)
{
    const json_t *old = json_object_get(in->doc.root, "registries");

    if (!json_object_get(old, "search") && !json_object_get(old, "insecure") &&
        !json_object_get(old, "block"))
        return 0;
    return bfci_toml_fail(&in->doc, old, NULL, err,
                          "this is the old form of the file, with [registries.…] tables: write "
                          "'unqualified-search-registries = […]' and [[registry]] tables instead, "
                          "see containers-registries.conf(5)");
}

int bfci_registries_add(bfci_registries *r, const uint8_t *text, size_t len, const char *path,
                        bfc_err *err)
{
    __attribute__((cleanup(release_reading))) reading in = {.found = BFCI_REGISTRIES_INIT};

    BFC_TRY(bfci_toml_parse(text, len, path, &in.doc, err));
    BFC_TRY(refuse_version_1(&in, err));
    BFC_TRY(read_rules(&in, err));
    BFC_TRY(read_list(&in, "unqualified-search-registries", true, &in.found.search, err));
    BFC_TRY(read_list(&in, "credential-helpers", false, &in.found.helpers, err));
    BFC_TRY(read_mode(&in, err));
    BFC_TRY(read_aliases(&in, err));
    return merge(r, &in.found, path, err);
}

int bfci_registries_add_aliases(bfci_registries *r, const uint8_t *text, size_t len,
                                const char *path, bfc_err *err)
{
    __attribute__((cleanup(release_reading))) reading in = {.found = BFCI_REGISTRIES_INIT};

    BFC_TRY(bfci_toml_parse(text, len, path, &in.doc, err));
    BFC_TRY(read_aliases(&in, err));
    return merge(r, &in.found, path, err);
}

bfci_alias *bfci_registries_alias(const bfci_registries *r, const char *name)
{
    size_t low = 0, high = r->alias_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(name, r->alias[mid].name);
        if (order == 0)
            return &r->alias[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}
