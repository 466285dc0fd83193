/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer: headers are gathered line by line within fixed bounds, and looked at as a
 * whole when the empty line comes. By then it is decided what becomes of the body. Heads of interim
 * answers (1xx) count against the bounds and are dropped, so are trailers. */
#include <ctype.h>
#include <strings.h>

#include "net/http_parts.h"

/* ── Lines ── */

void bfci_http_head_reset(bfci_http_call *c)
{
    bfci_http_answer *a = &c->answer;

    buf_clear(&c->head);
    c->lines = c->head_len = 0;
    c->status = 0;
    c->use = BFCI_HTTP_USE_NONE;
    free(a->header);
    a->header = NULL;
    free(a->header_text);
    a->header_text = NULL;
    a->header_count = 0;
    a->status = 0;
    a->length = BFCI_HTTP_LEN_UNKNOWN;
    a->partial = false;
    a->range_start = 0;
    a->range_total = BFCI_HTTP_LEN_UNKNOWN;
}

static bool is_blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

static size_t trim(const char **text, size_t len)
{
    while (len > 0 && is_blank(**text)) {
        (*text)++;
        len--;
    }
    while (len > 0 && is_blank((*text)[len - 1]))
        len--;
    return len;
}

static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            return true;
    return false;
}

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
            return false;
    return len > 0;
}

/* The line goes on where the last one ended (RFC 9112, section 5.2: such a break is one blank). */
static int unfold(bfci_http_call *c, const char *line, size_t len)
{
    if (c->answer.header_count == 0)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                   "the first header of the answer has no name");
    len = trim(&line, len);
    if (len == 0 || c->head.bad)
        return 0;
    c->head.len--;                          /* the NUL */
    if (c->head.data[c->head.len - 1] != 0) /* the value so far is not empty */
        buf_u8(&c->head, ' ');
    bfci_buf_put(&c->head, line, len);
    buf_u8(&c->head, 0);
    return 0;
}

static int add_line(bfci_http_call *c, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);

    if (is_blank(line[0]) && !has_control(line, len))
        return unfold(c, line, len);
    if (!colon || has_control(line, len) || !is_token(line, (size_t)(colon - line)))
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                   "the answer has a header that is none: '%s'",
                                   BFCI_QUOTE(line, MIN(len, (size_t)100)));
    const char *value = colon + 1;
    size_t value_len = trim(&value, len - (size_t)(value - line));
    bfci_buf_put(&c->head, line, (size_t)(colon - line));
    buf_u8(&c->head, 0);
    bfci_buf_put(&c->head, value, value_len);
    buf_u8(&c->head, 0);
    c->answer.header_count++;
    return 0;
}

/* ── The whole ── */

/* Names and values, as the answer shows them. */
static int make_list(bfci_http_call *c)
{
    bfci_http_answer *a = &c->answer;
    bfc_err why = BFC_ERR_INIT;

    int rc = buf_check(&c->head, &why);
    if (rc == 0 && a->header_count > 0)
        rc = bfci_alloc(a->header_count, sizeof *a->header, &a->header, &why);
    if (rc < 0)
        return bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_INTERNAL, rc, &why);
    a->header_text = (char *)bfci_steal(&c->head.data);
    c->head = (buf)BUF_INIT;
    const char *at = a->header_text;
    for (size_t i = 0; i < a->header_count; i++) {
        a->header[i].name = at;
        a->header[i].value = at + strlen(at) + 1;
        at = a->header[i].value + strlen(a->header[i].value) + 1;
    }
    return 0;
}

const char *bfci_http_header_get(const bfci_http_answer *a, const char *name, size_t nth)
{
    for (size_t i = 0; i < a->header_count; i++)
        if (strcasecmp(a->header[i].name, name) == 0 && nth-- == 0)
            return a->header[i].value;
    return NULL;
}

/* A number of digits alone; *text moves behind it. */
static bool take_number(const char **text, uint64_t *out)
{
    uint64_t n = 0;
    const char *at = *text;

    for (; *at >= '0' && *at <= '9'; at++)
        if (bfci_mul_overflows(n, (uint64_t)10, &n) ||
            bfci_add_overflows(n, (uint64_t)(*at - '0'), &n))
            return false;
    if (at == *text)
        return false;
    *text = at;
    *out = n;
    return true;
}

static int read_length(bfci_http_call *c)
{
    bfci_http_answer *a = &c->answer;
    const char *text = NULL;

    if (bfci_http_header_get(a, "Transfer-Encoding", 0))
        return 0; /* RFC 9112, section 6.3: it counts for more */
    for (size_t i = 0; (text = bfci_http_header_get(a, "Content-Length", i)); i++) {
        uint64_t n = 0;
        const char *at = text;
        if (!take_number(&at, &n) || *at || n == BFCI_HTTP_LEN_UNKNOWN || (i > 0 && n != a->length))
            return bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                       "the answer's Content-Length is no length: '%s'",
                                       BFCI_QUOTE(text, MIN(strlen(text), (size_t)60)));
        a->length = n;
    }
    return 0;
}

/* "bytes 0-9/10", "bytes 0-9/ *" (RFC 9110, section 14.4). */
static bool parse_range(const char *text, uint64_t *start, uint64_t *end, uint64_t *total)
{
    if (strncasecmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    if (!take_number(&text, start) || *text++ != '-' || !take_number(&text, end) || *text++ != '/')
        return false;
    *total = BFCI_HTTP_LEN_UNKNOWN;
    if (strcmp(text, "*") == 0)
        return *start <= *end;
    return take_number(&text, total) && !*text && *start <= *end && *end < *total;
}

/* A part is what was asked for, or worth nothing: bytes at the wrong place would be taken for
 * others. */
static int read_range(bfci_http_call *c)
{
    bfci_http_answer *a = &c->answer;
    const char *text = bfci_http_header_get(a, "Content-Range", 0);
    uint64_t end = 0;

    if (c->request.range_start == 0)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                   "the server sends a part, but was asked for the whole");
    if (!text || !parse_range(text, &a->range_start, &end, &a->range_total) ||
        a->range_start != c->request.range_start ||
        (a->length != BFCI_HTTP_LEN_UNKNOWN && a->length != end - a->range_start + 1))
        return bfci_http_call_fail(
            c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
            "asked for what begins at byte %llu, the server sends Content-Range '%s'",
            (unsigned long long)c->request.range_start,
            BFCI_QUOTE(text ? text : "", MIN(text ? strlen(text) : 0, (size_t)60)));
    a->partial = true;
    return 0;
}

static int check_promise(bfci_http_call *c)
{
    const bfci_http_answer *a = &c->answer;

    if (c->request.method == BFCI_HTTP_HEAD || a->length == BFCI_HTTP_LEN_UNKNOWN ||
        a->length <= c->body_max)
        return 0;
    return bfci_http_call_fail(
        c, BFCI_HTTP_FAULT_LIMIT, BFC_E_LIMIT,
        "the answer has %llu bytes, of which no more than %llu are taken here",
        (unsigned long long)a->length, (unsigned long long)c->body_max);
}

static int ask_sink(bfci_http_call *c)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = c->sink.head ? c->sink.head(c->sink.ctx, &c->answer, &why) : 0;
    return rc < 0 ? bfci_http_call_fail_as(c, BFCI_HTTP_FAULT_CALLER, rc, &why) : 0;
}

static int complete(bfci_http_call *c)
{
    const int status = c->status;

    if (status == 101)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                   "the server goes on in a protocol that nobody asked for");
    if (status < 200) {
        buf_clear(&c->head);
        c->answer.header_count = 0;
        c->status = 0;
        return 0;
    }
    c->answer.status = status;
    BFC_TRY(make_list(c));
    BFC_TRY(read_length(c));
    c->use = BFCI_HTTP_USE_FAILURE;
    if (bfci_http_is_redirect(c)) {
        c->use = BFCI_HTTP_USE_REDIRECT;
        return 0;
    }
    if (!bfci_http_succeeded(&c->answer))
        return 0;
    if (status == 206)
        BFC_TRY(read_range(c));
    BFC_TRY(check_promise(c));
    c->use = c->has_sink ? BFCI_HTTP_USE_SINK : BFCI_HTTP_USE_COLLECT;
    return c->has_sink ? ask_sink(c) : 0;
}

/* "HTTP/1.1 200 OK", "HTTP/2 200": the first line of each head. */
static int read_status(bfci_http_call *c, const char *line, size_t len)
{
    const char *blank = memchr(line, ' ', len);
    const char *digit = blank ? blank + 1 : line + len;
    int status = 0;

    if (len - (size_t)(digit - line) >= 3)
        for (int i = 0; i < 3 && digit[i] >= '0' && digit[i] <= '9'; i++)
            status = status * 10 + (digit[i] - '0');
    if (strncmp(line, "HTTP/", MIN(len, (size_t)5)) != 0 || status < 100)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_PROTOCOL, BFC_E_CORRUPT,
                                   "what the server says is not HTTP: '%s'",
                                   BFCI_QUOTE(line, MIN(len, (size_t)100)));
    c->status = status;
    return 0;
}

static int take_line(bfci_http_call *c, const char *line, size_t len)
{
    if (len > BFCI_HTTP_HEADERS_MAX - c->head_len || c->lines == BFCI_HTTP_HEADER_LINES_MAX)
        return bfci_http_call_fail(c, BFCI_HTTP_FAULT_LIMIT, BFC_E_LIMIT,
                                   "the answer has more than %d headers, or %d bytes of them",
                                   BFCI_HTTP_HEADER_LINES_MAX, BFCI_HTTP_HEADERS_MAX);
    c->head_len += len;
    c->lines++;
    if (c->use != BFCI_HTTP_USE_NONE) /* a trailer */
        return 0;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (len == 0)
        return complete(c);
    if (c->status == 0)
        return read_status(c, line, len);
    return add_line(c, line, len);
}

size_t bfci_http_on_header(char *line, size_t size, size_t count, void *call)
{
    bfci_http_call *c = call;
    const size_t len = size * count;

    return take_line(c, line, len) < 0 ? 0 : len;
}
