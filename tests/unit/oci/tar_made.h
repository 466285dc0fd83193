/* SPDX-License-Identifier: Apache-2.0 */
/* Archives made by hand, for the tests of the tar reader: its parts are put into a buffer one after
 * another, and what the reader makes of them is kept for looking at. */
#ifndef TESTS_UNIT_OCI_TAR_MADE_H
#define TESTS_UNIT_OCI_TAR_MADE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "oci/tar_parts.h"

enum {
    SEEN_MAX = 16
};

typedef struct seen {
    enum bfci_tar_kind kind;
    char path[400], link[400];
    bfci_tar_entry e; /* its pointers are stale */
    bfci_tar_range range[8];
    char xattrs[400]; /* "name=value;" each */
    buf content;
    bool ended;
} seen;

typedef struct made {
    buf archive;
    buf passed; /* header(), other() and data() together */
    seen entry[SEEN_MAX];
    size_t count, headers, data_calls;
    int stop_at; /* entry() fails with BFC_E_CANCELLED at this one, from 1 */
    bfc_err err;
} made;

static inline void made_release(made *m)
{
    bfci_buf_free(&m->archive);
    bfci_buf_free(&m->passed);
    for (size_t i = 0; i < m->count; i++)
        bfci_buf_free(&m->entry[i].content);
    *m = (made){0};
}

/* ── Making ── */

static inline void sum_header(uint8_t *block)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%06o", bfci_tar_checksum(block));
    memcpy(block + TAR_AT_CHECKSUM, text, 7);
    block[TAR_AT_CHECKSUM + 7] = ' ';
}

static inline void set_number(uint8_t *block, size_t at, size_t size, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%0*lo", (int)size - 1, (unsigned long)value);
    memcpy(block + at, text, size);
    sum_header(block);
}

/* A ustar header; the pointer is good until the next part. */
static inline uint8_t *add_header(made *m, char flag, const char *name, uint64_t size)
{
    uint8_t *block = bfci_buf_room(&m->archive, TAR_BLOCK);
    assert_non_null(block);
    memset(block, 0, TAR_BLOCK);
    memcpy(block, name, strlen(name));
    memcpy(block + TAR_AT_MAGIC, "ustar\00000", 8);
    block[TAR_AT_TYPEFLAG] = (uint8_t)flag;
    set_number(block, TAR_AT_MODE, 8, 0100644);
    set_number(block, TAR_AT_UID, 8, 1000);
    set_number(block, TAR_AT_GID, 8, 100);
    set_number(block, TAR_AT_MTIME, 12, 1700000000);
    set_number(block, TAR_AT_SIZE, 12, size);
    m->archive.len += TAR_BLOCK;
    return block;
}

static inline void add_zeros(made *m, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_u8(&m->archive, 0);
}

static inline void add_padded(made *m, const void *bytes, size_t len)
{
    bfci_buf_put(&m->archive, bytes, len);
    add_zeros(m, (size_t)-len & (TAR_BLOCK - 1));
}

static inline void add_body(made *m, char flag, const char *name, const char *text, size_t len)
{
    (void)add_header(m, flag, name, len);
    add_padded(m, text, len);
}

static inline void add_file(made *m, const char *name, const char *text)
{
    add_body(m, '0', name, text, strlen(text));
}

/* "key=value\n" of each argument up to NULL, with its length before. */
static inline void add_records(made *m, int flag, ...)
{
    AUTO_BUF buf records = BUF_INIT;
    va_list args;
    va_start(args, flag);
    for (const char *pair; (pair = va_arg(args, const char *));) {
        AUTO_FREE char *key = NULL;
        const char *value = strchr(pair, '=') + 1;
        assert_int_equal(bfci_memdup_str(pair, (size_t)(value - pair) - 1, &key, NULL), 0);
        bfci_tar_pax_put(&records, key, value, strlen(value));
    }
    va_end(args);
    add_body(m, (char)flag, "PaxHeaders/x", (const char *)records.data, records.len);
}

/* ── Reading ── */

static inline int on_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    made *m = ctx;
    (void)err;
    m->headers++;
    bfci_buf_put(&m->passed, block, TAR_BLOCK);
    return 0;
}

static inline int on_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    made *m = ctx;
    (void)err;
    bfci_buf_put(&m->passed, bytes, len);
    return 0;
}

static inline int on_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    made *m = ctx;
    if (m->stop_at && m->count + 1 == (size_t)m->stop_at)
        return bfci_fail(err, BFC_E_CANCELLED, "stopped");
    assert_true(m->count < SEEN_MAX && (m->count == 0 || m->entry[m->count - 1].ended));
    seen *s = &m->entry[m->count++];
    *s = (seen){.kind = e->kind, .e = *e};
    (void)snprintf(s->path, sizeof s->path, "%s", e->path);
    (void)snprintf(s->link, sizeof s->link, "%s", e->link);
    for (size_t i = 0; i < e->range_count && i < ARRAY_LEN(s->range); i++)
        s->range[i] = e->range[i];
    for (size_t i = 0, at = 0; i < e->xattr_count && at < sizeof s->xattrs; i++)
        at += (size_t)snprintf(s->xattrs + at, sizeof s->xattrs - at, "%s=%.*s;", e->xattr[i].name,
                               (int)e->xattr[i].len, (const char *)e->xattr[i].value);
    return 0;
}

static inline int on_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    made *m = ctx;
    (void)err;
    m->data_calls++;
    bfci_buf_put(&m->passed, bytes, len);
    bfci_buf_put(&m->entry[m->count - 1].content, bytes, len);
    return 0;
}

static inline int on_end(void *ctx, bfc_err *err)
{
    made *m = ctx;
    seen *s = &m->entry[m->count - 1];
    (void)err;
    assert_false(s->ended);
    assert_int_equal(s->content.len, s->kind == TAR_FILE ? s->e.data_size : 0);
    s->ended = true;
    return 0;
}

static inline void forget(made *m)
{
    for (size_t i = 0; i < m->count; i++)
        bfci_buf_free(&m->entry[i].content);
    m->count = m->headers = m->data_calls = 0;
    buf_clear(&m->passed);
    m->err = (bfc_err)BFC_ERR_INIT;
}

static inline bfci_tar *open_made(made *m)
{
    bfci_tar_sink sink = {m, on_header, on_other, on_entry, on_data, on_end};
    bfci_tar *t = NULL;
    assert_int_equal(bfci_tar_new(&sink, &t, NULL), 0);
    return t;
}

static inline int read_in(made *m, size_t portion)
{
    AUTO(bfci_tar) bfci_tar *t = open_made(m);
    forget(m);
    for (size_t at = 0; at < m->archive.len; at += portion) {
        AUTO_FREE uint8_t *flush = NULL; /* of the very size: reading beyond it is seen */
        size_t len = MIN(portion, m->archive.len - at);
        assert_int_equal(bfci_alloc(len, 1, &flush, NULL), 0);
        memcpy(flush, m->archive.data + at, len);
        int rc = bfci_tar_feed(t, flush, len, &m->err);
        if (rc < 0) {
            bfc_err again = BFC_ERR_INIT;
            assert_int_equal(bfci_tar_feed(t, flush, len, &again), rc);
            assert_int_equal(bfci_tar_finish(t, &again), rc);
            return rc;
        }
    }
    return bfci_tar_finish(t, &m->err);
}

/* In portions of many sizes; all that went in must have come out, each time the same. */
static inline void read_made(made *m)
{
    static const size_t portion[] = {1 << 20, 1, 511, 512, 513, 1000};
    for (size_t i = 0; i < ARRAY_LEN(portion); i++) {
        int rc = read_in(m, portion[i]);
        if (rc != 0)
            fail_msg("in portions of %zu: %s", portion[i], m->err.msg);
        assert_int_equal(m->passed.len, m->archive.len);
        assert_true(m->archive.len == 0 ||
                    memcmp(m->passed.data, m->archive.data, m->archive.len) == 0);
        for (size_t e = 0; e < m->count; e++)
            assert_true(m->entry[e].ended);
    }
}

/* Fails with the code, and the message has the text in it, in portions of any size. */
static inline void refuse_made(made *m, int code, const char *text)
{
    static const size_t portion[] = {1, 511, 512, 513, 1 << 20};
    for (size_t i = 0; i < ARRAY_LEN(portion); i++) {
        assert_int_equal(read_in(m, portion[i]), code);
        assert_int_equal(m->err.code, code);
        if (!strstr(m->err.msg, text))
            fail_msg("expected '%s' in '%s'", text, m->err.msg);
        assert_non_null(strstr(m->err.msg, "of the tar: "));
    }
}

/* One after the other: what was made before is gone. */
static inline void start_made(made *m)
{
    forget(m);
    buf_clear(&m->archive);
}

static inline int setup_made(void **state)
{
    static made m;
    m = (made){0};
    *state = &m;
    return 0;
}

static inline int teardown_made(void **state)
{
    made_release(*state);
    return 0;
}

#endif
