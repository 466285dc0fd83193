/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the document: which table a line belongs to, and what may be added where. TOML lets a table
 * be defined once, in one of several ways; which one it was is kept beside the values, with the
 * line that they stand on. Values lie in each other by recursion, which has a limit, and so have
 * the keys: a key of many parts makes as many levels. */
#include "net/toml.h"

#include <stdarg.h>
#include <stdio.h>

#include "net/toml_scan.h"

enum {
    DEPTH_MAX = 20, /* of values in each other, and of the parts of a key */
    VALUES_MAX = 1 << 16
};

/* How a table (or an array of them) came to be. */
enum kind {
    PLAIN,      /* no table */
    ON_THE_WAY, /* a part of a header's key: may still get a header of its own */
    BY_HEADER,
    BY_KEY, /* a part of a key before "=": may be added to in this way alone */
    INLINE, /* complete where it ends */
    HEADERS /* an array of tables, one header each */
};

typedef struct parser {
    bfci_toml_scan s;
    bfci_toml *doc;
} parser;

static int parse_value(parser *p, unsigned depth, json_t **out);

/* ── What is known of values ── */

static uint64_t *place_of(const bfci_toml *doc, const json_t *value)
{
    return bfci_map_get(&doc->places, (uintptr_t)value, 0);
}

static enum kind kind_of(const parser *p, const json_t *value)
{
    const uint64_t *place = place_of(p->doc, value);
    return place ? (enum kind)(*place & 7) : PLAIN;
}

static int set_kind(parser *p, const json_t *value, enum kind kind)
{
    return bfci_map_put(&p->doc->places, (uintptr_t)value, 0, (uint64_t)p->s.line << 3 | kind,
                        p->s.err);
}

static int count_value(parser *p)
{
    if (++p->s.values > VALUES_MAX)
        return bfci_toml_wrong(&p->s, BFC_E_LIMIT, "there are more than %d values", VALUES_MAX);
    return 0;
}

static int new_value(parser *p, json_t *value, enum kind kind, json_t **out)
{
    AUTO(json_t) json_t *own = value;

    if (!own)
        return bfci_fail_nomem(p->s.err);
    BFC_TRY(count_value(p));
    if (!json_is_boolean(own) && !json_is_null(own)) /* those are shared by all */
        BFC_TRY(set_kind(p, own, kind));
    *out = bfci_steal(&own);
    return 0;
}

/* Puts a new table or array under a name that is free; *out is borrowed. */
static int add(parser *p, json_t *table, const char *name, json_t *value, enum kind kind,
               json_t **out)
{
    json_t *own = NULL;

    BFC_TRY(new_value(p, value, kind, &own));
    BFC_TRY(bfci_json_put(table, name, own, p->s.err));
    *out = own;
    return 0;
}

static int twice(const parser *p, const char *name)
{
    return bfci_toml_wrong(&p->s, BFC_E_INVALID, "'%s' is there already", BFCI_QUOTE_STR(name));
}

/* ── Keys ── */

/* One step down a header's key. */
static int step_header(parser *p, const char *name, json_t **table)
{
    json_t *next = json_object_get(*table, name);

    if (!next)
        return add(p, *table, name, json_object(), ON_THE_WAY, table);
    enum kind kind = kind_of(p, next);
    if (kind == HEADERS)
        next = json_array_get(next, json_array_size(next) - 1);
    else if (kind == PLAIN || kind == INLINE)
        return bfci_toml_wrong(&p->s, BFC_E_INVALID, "'%s' is no table that could be added to",
                               BFCI_QUOTE_STR(name));
    *table = next;
    return 0;
}

/* One step down the key of a value. */
static int step_key(parser *p, const char *name, json_t **table)
{
    json_t *next = json_object_get(*table, name);

    if (!next)
        return add(p, *table, name, json_object(), BY_KEY, table);
    enum kind kind = kind_of(p, next);
    if (kind != BY_KEY && kind != ON_THE_WAY)
        return bfci_toml_wrong(&p->s, BFC_E_INVALID, "'%s' is no table that could be added to here",
                               BFCI_QUOTE_STR(name));
    *table = next;
    return kind == ON_THE_WAY ? set_kind(p, next, BY_KEY) : 0;
}

/* Goes down the key to the table that its last part, *name, belongs into. */
static int walk_key(parser *p, int (*step)(parser *, const char *, json_t **), buf *name,
                    json_t **table)
{
    for (unsigned parts = 1;; parts++) {
        bfci_toml_blanks(&p->s);
        BFC_TRY(bfci_toml_key(&p->s, name));
        bfci_toml_blanks(&p->s);
        if (!bfci_toml_take(&p->s, '.'))
            return 0;
        if (parts == DEPTH_MAX)
            return bfci_toml_wrong(&p->s, BFC_E_LIMIT, "the key has more than %d parts", DEPTH_MAX);
        BFC_TRY(step(p, (const char *)name->data, table));
    }
}

static int parse_pair(parser *p, unsigned depth, json_t *table)
{
    AUTO_BUF buf name = BUF_INIT;
    json_t *value = NULL;

    BFC_TRY(walk_key(p, step_key, &name, &table));
    if (!bfci_toml_take(&p->s, '='))
        return bfci_toml_wrong(&p->s, BFC_E_INVALID, "'=' was expected behind '%s'",
                               BFCI_QUOTE_STR((const char *)name.data));
    if (json_object_get(table, (const char *)name.data))
        return twice(p, (const char *)name.data);
    bfci_toml_blanks(&p->s);
    BFC_TRY(parse_value(p, depth, &value));
    return bfci_json_put(table, (const char *)name.data, value, p->s.err);
}

/* ── Values ── */

static int parse_text(parser *p, json_t **out)
{
    AUTO_BUF buf text = BUF_INIT;

    BFC_TRY(bfci_toml_string(&p->s, true, &text));
    return new_value(p, json_stringn_nocheck(text.len ? (const char *)text.data : "", text.len),
                     PLAIN, out);
}

static int parse_array(parser *p, unsigned depth, json_t **out)
{
    AUTO(json_t) json_t *array = NULL;

    BFC_TRY(new_value(p, json_array(), PLAIN, &array));
    p->s.p++;
    for (;;) {
        json_t *item = NULL;
        bfci_toml_space(&p->s);
        if (bfci_toml_take(&p->s, ']'))
            break;
        BFC_TRY(parse_value(p, depth + 1, &item));
        BFC_TRY(bfci_json_append(array, item, p->s.err));
        bfci_toml_space(&p->s);
        if (!bfci_toml_take(&p->s, ',') && !bfci_toml_at(&p->s, ']'))
            return bfci_toml_wrong(&p->s, BFC_E_INVALID, "',' or ']' was expected in the array");
    }
    *out = bfci_steal(&array);
    return 0;
}

static int parse_inline_table(parser *p, unsigned depth, json_t **out)
{
    AUTO(json_t) json_t *table = NULL;

    BFC_TRY(new_value(p, json_object(), INLINE, &table));
    p->s.p++;
    bfci_toml_blanks(&p->s);
    if (!bfci_toml_take(&p->s, '}'))
        for (;;) {
            BFC_TRY(parse_pair(p, depth + 1, table));
            bfci_toml_blanks(&p->s);
            if (bfci_toml_take(&p->s, '}'))
                break;
            if (!bfci_toml_take(&p->s, ','))
                return bfci_toml_wrong(&p->s, BFC_E_INVALID,
                                       "',' or '}' was expected in the table");
        }
    *out = bfci_steal(&table);
    return 0;
}

static int parse_value(parser *p, unsigned depth, json_t **out)
{
    json_t *value = NULL;

    if (depth > DEPTH_MAX)
        return bfci_toml_wrong(&p->s, BFC_E_LIMIT, "values lie more than %d deep in each other",
                               DEPTH_MAX);
    if (bfci_toml_at(&p->s, '"') || bfci_toml_at(&p->s, '\''))
        return parse_text(p, out);
    if (bfci_toml_at(&p->s, '['))
        return parse_array(p, depth, out);
    if (bfci_toml_at(&p->s, '{'))
        return parse_inline_table(p, depth, out);
    BFC_TRY(bfci_toml_scalar(&p->s, &value));
    return new_value(p, value, PLAIN, out);
}

/* ── Headers and lines ── */

static int open_table(parser *p, json_t *parent, const char *name, json_t **table)
{
    json_t *there = json_object_get(parent, name);

    if (!there)
        return add(p, parent, name, json_object(), BY_HEADER, table);
    if (kind_of(p, there) != ON_THE_WAY)
        return twice(p, name);
    *table = there;
    return set_kind(p, there, BY_HEADER);
}

static int open_item(parser *p, json_t *parent, const char *name, json_t **table)
{
    json_t *array = json_object_get(parent, name);
    json_t *item = NULL;

    if (!array)
        BFC_TRY(add(p, parent, name, json_array(), HEADERS, &array));
    else if (kind_of(p, array) != HEADERS)
        return twice(p, name);
    BFC_TRY(new_value(p, json_object(), BY_HEADER, &item));
    BFC_TRY(bfci_json_append(array, item, p->s.err));
    *table = item;
    return 0;
}

/* Behind its first bracket. */
static int parse_header(parser *p, json_t **table)
{
    AUTO_BUF buf name = BUF_INIT;
    const bool item = bfci_toml_take(&p->s, '[');
    json_t *parent = p->doc->root;

    BFC_TRY(walk_key(p, step_header, &name, &parent));
    if (!bfci_toml_take(&p->s, ']') || (item && !bfci_toml_take(&p->s, ']')))
        return bfci_toml_wrong(&p->s, BFC_E_INVALID, "'%s' was expected behind the table's name",
                               item ? "]]" : "]");
    return (item ? open_item : open_table)(p, parent, (const char *)name.data, table);
}

static int parse_document(parser *p)
{
    json_t *table = p->doc->root;

    for (;;) {
        bfci_toml_space(&p->s);
        if (p->s.p == p->s.end)
            return 0;
        if (bfci_toml_take(&p->s, '['))
            BFC_TRY(parse_header(p, &table));
        else
            BFC_TRY(parse_pair(p, 1, table));
        bfci_toml_comment(&p->s);
        if (p->s.p < p->s.end && !bfci_toml_newline(&p->s))
            return bfci_toml_wrong(&p->s, BFC_E_INVALID, "the end of the line was expected");
    }
}

int bfci_toml_parse(const uint8_t *text, size_t len, const char *path, bfci_toml *out, bfc_err *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    AUTO_FREE char *quoted = NULL;
    const char *start = len ? (const char *)text : "";

    *out = (bfci_toml){NULL, NULL, BFCI_MAP_INIT};
    BFC_TRY(bfci_asprintf(&quoted, err, "%s", BFCI_QUOTE_STR(path)));
    if (len > TOML_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "%s has more than %d bytes", quoted, TOML_SIZE_MAX);
    out->path = bfci_steal(&quoted);
    out->root = json_object();
    if (!out->root)
        return bfci_fail_nomem(err);
    parser p = {{start, start + len, 1, out->path, 0, err}, out};
    if (len >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0)
        p.s.p += sizeof mark - 1;
    BFC_TRY(bfci_toml_check_bytes(&p.s));
    return parse_document(&p);
}

void bfci_toml_release(bfci_toml *doc)
{
    json_decref(doc->root);
    free(doc->path);
    bfci_map_release(&doc->places);
    *doc = (bfci_toml){NULL, NULL, BFCI_MAP_INIT};
}

/* ── Asking ── */

int bfci_toml_fail(const bfci_toml *doc, const json_t *value, const json_t *table, bfc_err *err,
                   const char *fmt, ...)
{
    char msg[BFC_ERR_MSG_MAX / 2];
    const uint64_t *place = value ? place_of(doc, value) : NULL;
    va_list args;

    if (!place)
        place = place_of(doc, table);
    va_start(args, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, args);
    va_end(args);
    return bfci_fail(err, BFC_E_INVALID, "%s:%llu: %s", doc->path,
                     place ? (unsigned long long)(*place >> 3) : 1ull, msg);
}

/* What is under the name; NULL also for null. */
static json_t *member(const json_t *table, const char *name)
{
    json_t *value = json_object_get(table, name);
    return json_is_null(value) ? NULL : value;
}

static int wrong_kind(const bfci_toml *doc, const json_t *table, const char *name, const char *kind,
                      bfc_err *err)
{
    return bfci_toml_fail(doc, member(table, name), table, err, "'%s' is to be %s", name, kind);
}

int bfci_toml_may_text(const bfci_toml *doc, const json_t *table, const char *name,
                       const char **out, bfc_err *err)
{
    const json_t *value = member(table, name);

    if (value && !json_is_string(value))
        return wrong_kind(doc, table, name, "a string", err);
    if (value)
        *out = json_string_value(value);
    return 0;
}

int bfci_toml_may_bool(const bfci_toml *doc, const json_t *table, const char *name, bool *out,
                       bfc_err *err)
{
    const json_t *value = member(table, name);

    if (value && !json_is_boolean(value))
        return wrong_kind(doc, table, name, "true or false", err);
    if (value)
        *out = json_is_true(value);
    return 0;
}

int bfci_toml_may_array(const bfci_toml *doc, const json_t *table, const char *name, json_t **out,
                        bfc_err *err)
{
    json_t *value = member(table, name);

    if (value && !json_is_array(value))
        return wrong_kind(doc, table, name, "an array", err);
    if (value)
        *out = value;
    return 0;
}

int bfci_toml_may_table(const bfci_toml *doc, const json_t *table, const char *name, json_t **out,
                        bfc_err *err)
{
    json_t *value = member(table, name);

    if (value && !json_is_object(value))
        return wrong_kind(doc, table, name, "a table", err);
    if (value)
        *out = value;
    return 0;
}
