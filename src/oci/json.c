/* SPDX-License-Identifier: Apache-2.0 */
/* Owns how documents are parsed and how their faults are told. jansson bounds the depth (2048) and
 * seeds the hashes of names; what it does not bound is the memory, which can be a hundred times the
 * text: so values are counted before. */
#include "oci/json.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    VALUES_MAX = 1 << 18, /* 64 MiB at most: an empty object takes about 230 bytes */
    DEPTH_NAMED = 8,      /* levels of a document that we go down */
    PLACE_SIZE = 200
};

/* Every value but the first is preceded by a comma, a colon or an opening bracket. */
static size_t count_values(const uint8_t *json, size_t len)
{
    size_t count = 1;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        if (in_string && json[i] == '\\')
            i++;
        else if (json[i] == '"')
            in_string = !in_string;
        else if (!in_string && (json[i] == ',' || json[i] == '[' || json[i] == '{'))
            count++;
    }
    return count;
}

static int load(const uint8_t *json, size_t len, const char *what, enum bfci_json_rule rule,
                json_t **root, bfci_json_node *out, bfc_err *err)
{
    json_error_t why = {0};
    const size_t flags = rule == JSON_OWN ? JSON_REJECT_DUPLICATES : 0;

    if (count_values(json, len) > VALUES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "%s has more than %d values", what, VALUES_MAX);
    AUTO(json_t) json_t *value = json_loadb((const char *)json, len, flags, &why);
    if (!value) /* a lack of memory may be told as a wrong token: what is wrong is wrong twice */
        value = json_loadb((const char *)json, len, flags, &why);
    if (!value && why.text[0] == '\0') /* jansson has words for all but a lack of memory */
        return bfci_fail_nomem(err);
    if (!value)
        return bfci_fail(err, BFC_E_CORRUPT, "%s is not JSON: byte %d: %s", what, why.position,
                         BFCI_QUOTE_STR(why.text));
    *out = (bfci_json_node){value, NULL, what, 0};
    *root = bfci_steal(&value);
    return 0;
}

int bfci_json_load(const uint8_t *json, size_t len, const char *what, enum bfci_json_rule rule,
                   json_t **root, bfci_json_node *out, bfc_err *err)
{
    AUTO(json_t) json_t *value = NULL;

    BFC_TRY(load(json, len, what, rule, &value, out, err));
    BFC_TRY(bfci_json_need_object(out, err));
    *root = bfci_steal(&value);
    return 0;
}

int bfci_json_load_array(const uint8_t *json, size_t len, const char *what, size_t max,
                         json_t **root, bfci_json_node *out, bfc_err *err)
{
    AUTO(json_t) json_t *value = NULL;

    BFC_TRY(load(json, len, what, JSON_FOREIGN, &value, out, err));
    BFC_TRY(bfci_json_may_array(out, max, err));
    *root = bfci_steal(&value);
    return 0;
}

int bfci_json_dump(const json_t *value, char **out, bfc_err *err)
{
    char *text = json_dumps(value, JSON_COMPACT);

    if (!text)
        return bfci_fail_nomem(err);
    *out = text;
    return 0;
}

bfci_json_node bfci_json_member(const bfci_json_node *object, const char *name)
{
    json_t *value = json_object_get(object->value, name);

    return (bfci_json_node){json_is_null(value) ? NULL : value, object, name, 0};
}

bfci_json_node bfci_json_item(const bfci_json_node *array, size_t index)
{
    json_t *value = json_array_get(array->value, index);

    return (bfci_json_node){json_is_null(value) ? NULL : value, array, NULL, index};
}

size_t bfci_json_count(const bfci_json_node *array)
{
    return json_array_size(array->value);
}

static void place(const bfci_json_node *n, char out[PLACE_SIZE])
{
    const bfci_json_node *chain[DEPTH_NAMED];
    size_t depth = 0, used = 0;

    for (; n->in && depth < DEPTH_NAMED; n = n->in)
        chain[depth++] = n;
    out[0] = '\0';
    while (depth > 0 && used < PLACE_SIZE) {
        const bfci_json_node *part = chain[--depth];
        int len = part->name
                      ? snprintf(out + used, PLACE_SIZE - used, "%s%s", used ? "." : "", part->name)
                      : snprintf(out + used, PLACE_SIZE - used, "[%zu]", part->index);
        used += len > 0 ? (size_t)len : 0;
    }
}

int bfci_json_fail(const bfci_json_node *n, enum bfc_code code, bfc_err *err, const char *fmt, ...)
{
    char msg[BFC_ERR_MSG_MAX / 2];
    char where[PLACE_SIZE];
    const bfci_json_node *document = n;
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, args);
    va_end(args);
    place(n, where);
    while (document->in)
        document = document->in;
    return bfci_fail(err, code, "%s: %s%s%s", document->name, where, where[0] ? ": " : "", msg);
}

static int wrong_kind(const bfci_json_node *n, const char *expected, bfc_err *err)
{
    return bfci_json_fail(n, BFC_E_CORRUPT, err, n->value ? "%s was expected" : "%s is missing",
                          expected);
}

int bfci_json_may_object(const bfci_json_node *n, bfc_err *err)
{
    return !n->value || json_is_object(n->value) ? 0 : wrong_kind(n, "an object", err);
}

int bfci_json_need_object(const bfci_json_node *n, bfc_err *err)
{
    return json_is_object(n->value) ? 0 : wrong_kind(n, "an object", err);
}

int bfci_json_may_array(const bfci_json_node *n, size_t max, bfc_err *err)
{
    if (n->value && !json_is_array(n->value))
        return wrong_kind(n, "an array", err);
    if (bfci_json_count(n) > max)
        return bfci_json_fail(n, BFC_E_LIMIT, err, "it has %zu items, %zu are allowed",
                              bfci_json_count(n), max);
    return 0;
}

int bfci_json_need_array(const bfci_json_node *n, size_t max, bfc_err *err)
{
    return n->value ? bfci_json_may_array(n, max, err) : wrong_kind(n, "an array", err);
}

int bfci_json_may_text(const bfci_json_node *n, const char **out, bfc_err *err)
{
    if (n->value && !json_is_string(n->value))
        return wrong_kind(n, "a string", err);
    *out = json_string_value(n->value);
    return 0;
}

int bfci_json_need_text(const bfci_json_node *n, const char **out, bfc_err *err)
{
    if (!n->value)
        return wrong_kind(n, "a string", err);
    return bfci_json_may_text(n, out, err);
}

int bfci_json_may_copy(const bfci_json_node *n, char **out, bfc_err *err)
{
    const char *text = NULL;

    BFC_TRY(bfci_json_may_text(n, &text, err));
    if (text && *text)
        return bfci_strdup(text, out, err);
    *out = NULL;
    return 0;
}

int bfci_json_need_number(const bfci_json_node *n, uint64_t max, uint64_t *out, bfc_err *err)
{
    json_int_t value = json_integer_value(n->value);

    if (!json_is_integer(n->value) || value < 0)
        return wrong_kind(n, "a whole number from 0", err);
    if ((uint64_t)value > max)
        return bfci_json_fail(n, BFC_E_CORRUPT, err, "it is %lld, at most %llu was expected",
                              (long long)value, (unsigned long long)max);
    *out = (uint64_t)value;
    return 0;
}

int bfci_json_need_digest(const bfci_json_node *n, bfci_digest *out, bfc_err *err)
{
    const char *text = NULL;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_json_need_text(n, &text, err));
    int rc = bfci_digest_parse(text, out, &why);
    return rc < 0 ? bfci_json_fail(n, (enum bfc_code)rc, err, "%s", why.msg) : 0;
}

int bfci_json_text(const char *text, json_t **out, bfc_err *err)
{
    /* jansson has one answer for what is no UTF-8 and for want of memory */
    if (!bfci_is_utf8(text, strlen(text)))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is not UTF-8", BFCI_QUOTE_STR(text));
    json_t *value = json_string_nocheck(text);
    if (!value)
        return bfci_fail_nomem(err);
    *out = value;
    return 0;
}

int bfci_json_put(json_t *object, const char *name, json_t *value, bfc_err *err)
{
    /* The check is for names from outside, which came through bfci_json_text() or a parser. */
    return json_object_set_new_nocheck(object, name, value) < 0 ? bfci_fail_nomem(err) : 0;
}

int bfci_json_put_text(json_t *object, const char *name, const char *text, bfc_err *err)
{
    json_t *value = NULL;

    BFC_TRY(bfci_json_text(text, &value, err));
    return bfci_json_put(object, name, value, err);
}

int bfci_json_put_number(json_t *object, const char *name, uint64_t number, bfc_err *err)
{
    if (number > INT64_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "%s: %llu is above 2^63 - 1", name,
                         (unsigned long long)number);
    return bfci_json_put(object, name, json_integer((json_int_t)number), err);
}

int bfci_json_put_digest(json_t *object, const char *name, const bfci_digest *d, bfc_err *err)
{
    char text[DIGEST_TEXT_SIZE];

    bfci_digest_text(d, text);
    return bfci_json_put_text(object, name, text, err);
}

int bfci_json_append(json_t *array, json_t *value, bfc_err *err)
{
    return json_array_append_new(array, value) < 0 ? bfci_fail_nomem(err) : 0;
}

int bfci_json_descriptor(const char *media_type, const bfci_digest *digest, uint64_t size,
                         json_t **out, bfc_err *err)
{
    AUTO(json_t) json_t *d = json_object();

    if (!d)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put_text(d, "mediaType", media_type, err));
    BFC_TRY(bfci_json_put_digest(d, "digest", digest, err));
    BFC_TRY(bfci_json_put_number(d, "size", size, err));
    *out = bfci_steal(&d);
    return 0;
}
