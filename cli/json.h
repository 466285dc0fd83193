/* SPDX-License-Identifier: Apache-2.0 */
/* JSON answers. A document's first member is "schema", its name and version; members are only ever
 * added. Sizes are integers in bytes, times are UTC as "2026-11-23T22:30:01Z", digests hexadecimal.
 *
 * Bytes that are no UTF-8 (names of files may be): the member then holds them with \xNN for each
 * byte that is none and two backslashes for one, and a member with "_base64" behind its name stands
 * beside it with the exact bytes. Where there is no such member the string is the name itself. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "out.h"
#include "text.h"

json_t *json_new(void);                    /* {} */
json_t *json_document(const char *schema); /* {"schema": "bfc.list/1"} */
/* Each takes over `value`; running out of memory ends the program. */
void json_put(json_t *object, const char *key, json_t *value);
void json_push(json_t *array, json_t *value);

void json_push_str(json_t *array, const char *value);
void json_put_str(json_t *object, const char *key, const char *value);
void json_put_str_or_null(json_t *object, const char *key, const char *value); /* "": null */
void json_put_bytes(json_t *object, const char *key, const char *bytes, size_t len);
void json_put_int(json_t *object, const char *key, int value);
void json_put_u64(json_t *object, const char *key, uint64_t value);
void json_put_bool(json_t *object, const char *key, bool value);
void json_put_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len);
void json_put_time(json_t *object, const char *key, int64_t seconds, uint32_t ns);

/* Both take over `document`. json_to_text() writes ASCII on one line. */
void json_to_text(struct text *t, json_t *document);
void json_print(struct out *o, json_t *document);

/* A document with one array that is too long to be kept: its items are printed as they come. */
struct json_stream {
    struct out *out;
    bool any;
};
void json_stream_begin(struct json_stream *s, struct out *o, json_t *document, const char *key);
void json_stream_item(struct json_stream *s, json_t *item);
/* `tail`: the members behind the array. */
void json_stream_end(struct json_stream *s, json_t *tail);

#endif
