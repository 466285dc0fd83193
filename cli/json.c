/* SPDX-License-Identifier: Apache-2.0 */
/* JSON by jansson, and the two things it cannot do: strings that are no UTF-8, and answers of any
 * length. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

json_t *json_new(void)
{
    json_t *object = json_object();
    if (!object)
        mem_out();
    return object;
}

json_t *json_document(const char *schema)
{
    json_t *document = json_new();
    json_put_str(document, "schema", schema);
    return document;
}

void json_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        mem_out();
}

void json_push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) < 0)
        mem_out();
}

/* Bytes that are no UTF-8 are escaped, as in members. */
void json_push_str(json_t *array, const char *value)
{
    size_t len = strlen(value);
    AUTO_TEXT struct text escaped = {0};

    if (text_is_utf8(value, len)) {
        json_push(array, json_stringn(value, len));
        return;
    }
    text_escaped(&escaped, value, len, ESCAPE_UTF8);
    json_push(array, json_stringn(text_of(&escaped), escaped.len));
}

void json_put_str(json_t *object, const char *key, const char *value)
{
    json_put_bytes(object, key, value, strlen(value));
}

void json_put_str_or_null(json_t *object, const char *key, const char *value)
{
    if (*value)
        json_put_str(object, key, value);
    else
        json_put(object, key, json_null());
}

static void add_base64(struct text *t, const unsigned char *p, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; len > 0; p += 3) {
        size_t n = len < 3 ? len : 3;
        uint32_t bits = (uint32_t)p[0] << 16;
        if (n > 1)
            bits |= (uint32_t)p[1] << 8;
        if (n > 2)
            bits |= p[2];
        text_char(t, digits[bits >> 18]);
        text_char(t, digits[bits >> 12 & 63]);
        text_char(t, n > 1 ? digits[bits >> 6 & 63] : '=');
        text_char(t, n > 2 ? digits[bits & 63] : '=');
        len -= n;
    }
}

void json_put_bytes(json_t *object, const char *key, const char *bytes, size_t len)
{
    if (text_is_utf8(bytes, len)) {
        json_put(object, key, json_stringn(bytes, len));
        return;
    }
    AUTO_TEXT struct text escaped = {0};
    AUTO_TEXT struct text base64 = {0};
    AUTO_TEXT struct text key_base64 = {0};
    text_escaped(&escaped, bytes, len, ESCAPE_UTF8);
    add_base64(&base64, (const unsigned char *)bytes, len);
    text_fmt(&key_base64, "%s_base64", key);
    json_put(object, key, json_stringn(text_of(&escaped), escaped.len));
    json_put(object, text_of(&key_base64), json_stringn(text_of(&base64), base64.len));
}

void json_put_int(json_t *object, const char *key, int value)
{
    json_put(object, key, json_integer(value));
}

void json_put_u64(json_t *object, const char *key, uint64_t value)
{
    /* jansson's integers end at 2^63 - 1. What is larger comes from a made-up container. */
    if (value > INT64_MAX)
        json_put(object, key, json_real((double)value));
    else
        json_put(object, key, json_integer((json_int_t)value));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
    json_put(object, key, json_boolean(value));
}

void json_put_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len)
{
    AUTO_FREE char *hex = mem_alloc(2 * len + 1, 1);
    text_hex(hex, bytes, len);
    json_put_str(object, key, hex);
}

void json_put_time(json_t *object, const char *key, int64_t seconds, uint32_t ns)
{
    char day[TIME_TEXT_MAX], out[TIME_TEXT_MAX + 16];
    time_t when = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&when, &tm) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        (void)snprintf(out, sizeof out, "@%" PRId64 ".%09" PRIu32, seconds, ns);
    else if (ns)
        (void)snprintf(out, sizeof out, "%s.%09" PRIu32 "Z", day, ns);
    else
        (void)snprintf(out, sizeof out, "%sZ", day);
    json_put_str(object, key, out);
}

static int to_text(const char *bytes, size_t len, void *t)
{
    text_add(t, bytes, len);
    return 0;
}

static int to_out(const char *bytes, size_t len, void *o)
{
    out_bytes(o, bytes, len);
    return 0;
}

static void dump(struct text *t, json_t *document, size_t flags)
{
    if (json_dump_callback(document, to_text, t, JSON_COMPACT | flags) < 0)
        mem_out();
    json_decref(document);
}

/* On a terminal only ASCII: a name may hold characters that steer it. */
static size_t flags_for(const struct out *o)
{
    return o->terminal ? JSON_ENSURE_ASCII : 0;
}

void json_to_text(struct text *t, json_t *document)
{
    dump(t, document, JSON_ENSURE_ASCII);
}

void json_print(struct out *o, json_t *document)
{
    if (json_dump_callback(document, to_out, o, JSON_INDENT(2) | flags_for(o)) < 0)
        mem_out();
    out_str(o, "\n");
    json_decref(document);
}

void json_stream_begin(struct json_stream *s, struct out *o, json_t *document, const char *key)
{
    AUTO_TEXT struct text head = {0};

    *s = (struct json_stream){.out = o};
    dump(&head, document, flags_for(o));
    head.len--; /* its closing brace */
    out_text(o, &head);
    out_fmt(o, ",\"%s\":[", key);
}

void json_stream_item(struct json_stream *s, json_t *item)
{
    AUTO_TEXT struct text t = {0};
    dump(&t, item, flags_for(s->out));
    out_str(s->out, s->any ? ",\n" : "\n");
    out_text(s->out, &t);
    s->any = true;
}

void json_stream_end(struct json_stream *s, json_t *tail)
{
    AUTO_TEXT struct text t = {0};
    dump(&t, tail, flags_for(s->out));
    out_fmt(s->out, "%s],%s\n", s->any ? "\n" : "", text_of(&t) + 1);
}
