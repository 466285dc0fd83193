/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers, handed over line by line as libcurl does. Input: a byte that says what was
 * asked, then lines with their newlines. What is shown of an answer keeps to what http.h says of
 * it.
 */
#include "fuzz.h"

#include <curl/curl.h>

#include "net/http_parts.h"

enum {
    IS_HEAD = 1,
    HAS_SINK = 2,
    IS_RANGE = 4,
    RANGE_START = 1000
};

static int on_head(void *ctx, const bfci_http_answer *answer, bfc_err *err)
{
    unsigned *heads = ctx;

    (void)err;
    FUZZ_CHECK(bfci_http_succeeded(answer));
    FUZZ_CHECK(++*heads == 1);
    return 0;
}

static int on_bytes(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    (void)err;
    return 0;
}

static void check_header(const bfci_http_header *h)
{
    const size_t len = strlen(h->value);

    FUZZ_CHECK(*h->name && !strpbrk(h->name, ": \t\r\n"));
    FUZZ_CHECK(len == 0 || (!strchr(" \t", h->value[0]) && !strchr(" \t", h->value[len - 1])));
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK(((unsigned char)h->value[i] >= 0x20 && h->value[i] != 0x7f) ||
                   h->value[i] == '\t');
}

static void check_answer(const bfci_http_call *c)
{
    const bfci_http_answer *a = &c->answer;

    FUZZ_CHECK(a->status >= 200 && a->status <= 999);
    FUZZ_CHECK(a->header_count <= BFCI_HTTP_HEADER_LINES_MAX);
    for (size_t i = 0; i < a->header_count; i++) {
        check_header(&a->header[i]);
        FUZZ_CHECK(bfci_http_header_get(a, a->header[i].name, 0));
    }
    FUZZ_CHECK(!bfci_http_header_get(a, "", 0));
    FUZZ_CHECK(a->partial == (a->status == 206 && c->rc == 0 && bfci_http_succeeded(a)));
    if (!a->partial)
        return;
    FUZZ_CHECK(c->request.range_start == RANGE_START && a->range_start == RANGE_START);
    FUZZ_CHECK(a->range_total == BFCI_HTTP_LEN_UNKNOWN || a->range_start < a->range_total);
    FUZZ_CHECK(a->length == BFCI_HTTP_LEN_UNKNOWN || a->range_total == BFCI_HTTP_LEN_UNKNOWN ||
               a->length <= a->range_total - a->range_start);
}

/* false: the answer was refused. */
static bool feed(bfci_http_call *c, const uint8_t *line, size_t len)
{
    uint8_t *copy = fuzz_copy(line, len);
    const size_t taken = bfci_http_on_header((char *)copy, 1, len, c);

    free(copy);
    FUZZ_CHECK(taken == len || taken == 0);
    FUZZ_CHECK((c->rc < 0) == (taken == 0));
    FUZZ_CHECK(c->rc == 0 || (c->err.msg[0] && c->answer.fault != BFCI_HTTP_FAULT_NONE));
    if (c->use != BFCI_HTTP_USE_NONE && c->rc == 0)
        check_answer(c);
    return taken == len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned heads = 0;
    const bfci_http_sink sink = {&heads, on_head, on_bytes};
    bfci_http_request request = BFCI_HTTP_REQUEST_INIT;
    AUTO(bfci_http_call) bfci_http_call *c = NULL;

    if (size == 0)
        return 0;
    request.url = "http://127.0.0.1/x";
    request.method = data[0] & IS_HEAD ? BFCI_HTTP_HEAD : BFCI_HTTP_GET;
    request.sink = data[0] & HAS_SINK ? &sink : NULL;
    request.range_start = data[0] & IS_RANGE ? RANGE_START : 0;
    FUZZ_CHECK(bfci_http_call_new(NULL, &request, &c, NULL) == 0);
    for (size_t at = 1; at < size;) {
        const uint8_t *newline = memchr(data + at, '\n', size - at);
        const size_t len = newline ? (size_t)(newline - data) + 1 - at : size - at;
        if (!feed(c, data + at, len))
            break;
        at += len;
    }
    return 0;
}
