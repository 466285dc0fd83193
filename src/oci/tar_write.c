/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: ustar, and an extended header before it for what ustar cannot say. The same entry
 * gives the same bytes always: there are no names of users, no process numbers, no clock. */
#include "oci/tar_parts.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    OCTAL7_MAX = 07777777, /* in a field of 8 bytes */
    NUMBER_SIZE = 8,
    LONG_NUMBER_SIZE = 12
};
#define OCTAL11_MAX INT64_C(077777777777)

/* ── Fields ── */

/* A number that does not fit is 0 here: its extended header says it. */
static void put_octal(uint8_t block[TAR_BLOCK], size_t at, size_t size, uint64_t value)
{
    uint64_t max = size == NUMBER_SIZE ? OCTAL7_MAX : OCTAL11_MAX;
    char text[24];

    (void)snprintf(text, sizeof text, "%0*" PRIo64, (int)size - 1, value <= max ? value : 0);
    memcpy(block + at, text, size - 1);
}

/* Extended headers have no key for it that all know, base-256 is known by all. */
static void put_device(uint8_t block[TAR_BLOCK], size_t at, uint32_t value)
{
    if (value <= OCTAL7_MAX) {
        put_octal(block, at, NUMBER_SIZE, value);
        return;
    }
    block[at] = 0x80;
    put_u32be(block + at + NUMBER_SIZE - sizeof value, value);
}

static void put_checksum(uint8_t block[TAR_BLOCK])
{
    char text[16];

    (void)snprintf(text, sizeof text, "%06" PRIo32, bfci_tar_checksum(block));
    memcpy(block + TAR_AT_CHECKSUM, text, 7); /* with its NUL; a blank follows */
    block[TAR_AT_CHECKSUM + 7] = ' ';
}

/* Where the name is cut into prefix and name, at a "/" that stands in neither; as much as possible
 * goes into the prefix. 0: it is short enough; SIZE_MAX: it does not fit. */
static size_t split_name(const char *path, size_t len)
{
    if (len <= TAR_NAME_SIZE)
        return 0;
    for (size_t at = MIN(len - 2, (size_t)TAR_PREFIX_SIZE); at > 0; at--)
        if (path[at] == '/')
            return len - at - 1 <= TAR_NAME_SIZE ? at : SIZE_MAX;
    return SIZE_MAX;
}

static void put_name(uint8_t block[TAR_BLOCK], const char *path, size_t len)
{
    size_t at = split_name(path, len);

    if (at == 0 || at == SIZE_MAX) {
        memcpy(block + TAR_AT_NAME, path, MIN(len, (size_t)TAR_NAME_SIZE));
        return;
    }
    memcpy(block + TAR_AT_PREFIX, path, at);
    memcpy(block + TAR_AT_NAME, path + at + 1, len - at - 1);
}

static void put_common(uint8_t block[TAR_BLOCK], char flag, const char *path, size_t path_len)
{
    memset(block, 0, TAR_BLOCK);
    put_name(block, path, path_len);
    block[TAR_AT_TYPEFLAG] = (uint8_t)flag;
    memcpy(block + TAR_AT_MAGIC,
           "ustar\0"
           "00",
           8);
}

/* ── Extended headers ── */

static void put_number(buf *records, enum bfci_tar_key key, uint64_t value)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRIu64, value);

    bfci_tar_pax_put(records, bfci_tar_key_name[key], text, (size_t)len);
}

static void put_string(buf *records, enum bfci_tar_key key, const char *text, size_t len)
{
    bfci_tar_pax_put(records, bfci_tar_key_name[key], text, len);
}

static void put_time(buf *records, int64_t seconds, uint32_t ns)
{
    char text[40];
    bool negative = seconds < 0;
    /* Two's complement by hand: the lowest number has no positive one. */
    uint64_t whole = negative ? -(uint64_t)seconds : (uint64_t)seconds;

    if (negative && ns > 0) { /* -2 s and 0.5 s are "-1.5" */
        whole--;
        ns = 1000000000 - ns;
    }
    int len = snprintf(text, sizeof text, "%s%" PRIu64, negative ? "-" : "", whole);
    if (ns > 0) {
        len += snprintf(text + len, sizeof text - (size_t)len, ".%09" PRIu32, ns);
        while (text[len - 1] == '0')
            len--;
    }
    put_string(records, PAX_MTIME, text, (size_t)len);
}

static void put_sparse(buf *records, const bfci_tar_entry *e, const char *path, size_t path_len)
{
    put_string(records, PAX_SPARSE_MAJOR, "1", 1);
    put_string(records, PAX_SPARSE_MINOR, "0", 1);
    put_string(records, PAX_SPARSE_NAME, path, path_len);
    put_number(records, PAX_SPARSE_REALSIZE, e->size);
}

static void put_records(buf *records, const bfci_tar_entry *e, const char *path, uint64_t stored)
{
    size_t path_len = strlen(path), link_len = strlen(e->link);

    if (!e->sparse && split_name(path, path_len) == SIZE_MAX)
        put_string(records, PAX_PATH, path, path_len);
    if (link_len > TAR_NAME_SIZE)
        put_string(records, PAX_LINKPATH, e->link, link_len);
    if (e->uid > OCTAL7_MAX)
        put_number(records, PAX_UID, e->uid);
    if (e->gid > OCTAL7_MAX)
        put_number(records, PAX_GID, e->gid);
    if (stored > OCTAL11_MAX)
        put_number(records, PAX_SIZE, stored);
    if (e->mtime < 0 || e->mtime > OCTAL11_MAX || e->mtime_ns > 0)
        put_time(records, e->mtime, e->mtime_ns);
    if (e->sparse)
        put_sparse(records, e, path, path_len);
    for (size_t i = 0; i < e->xattr_count; i++)
        bfci_tar_pax_put_xattr(records, &e->xattr[i]);
}

/* "a/b" with the folder "x" is "a/x/b": what a program makes of it that does not know the header
 * before. */
static int beside(const char *path, const char *folder, char **out, bfc_err *err)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    const char *slash = memrchr(path, '/', len);
    size_t name = slash ? (size_t)(slash - path) + 1 : 0;
    return bfci_asprintf(out, err, "%.*s%s/%.*s", (int)name, path, folder, (int)(len - name),
                         path + name);
}

static int write_records(const bfci_tar_out *out, const char *path, const buf *records,
                         bfc_err *err)
{
    uint8_t block[TAR_BLOCK];
    AUTO_FREE char *name = NULL;

    if (records->len > TAR_PAX_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "the extended header of '%s' would have %zu bytes, more than %d",
                         BFCI_QUOTE_STR(path), records->len, TAR_PAX_MAX);
    BFC_TRY(beside(path, "PaxHeaders.0", &name, err));
    put_common(block, 'x', name, MIN(strlen(name), (size_t)TAR_NAME_SIZE));
    put_octal(block, TAR_AT_MODE, NUMBER_SIZE, 0644);
    put_octal(block, TAR_AT_UID, NUMBER_SIZE, 0);
    put_octal(block, TAR_AT_GID, NUMBER_SIZE, 0);
    put_octal(block, TAR_AT_SIZE, LONG_NUMBER_SIZE, records->len);
    put_octal(block, TAR_AT_MTIME, LONG_NUMBER_SIZE, 0);
    put_device(block, TAR_AT_MAJOR, 0);
    put_device(block, TAR_AT_MINOR, 0);
    put_checksum(block);
    BFC_TRY(out->write(out->ctx, block, TAR_BLOCK, err));
    BFC_TRY(out->write(out->ctx, records->data, records->len, err));
    return bfci_tar_pad(out, records->len, err);
}

/* ── The map of a sparse file ── */

enum {
    MAP_LINE_MAX = 48,
    MAP_PORTION = 8 << 10
};

/* Programs that fill a file only up to its last range need one at its end. */
static bool needs_end(const bfci_tar_entry *e)
{
    const bfci_tar_range *last = e->range_count ? &e->range[e->range_count - 1] : NULL;

    return !last || last->offset + last->len < e->size;
}

/* Line 0 counts, the others are a range each. */
static size_t map_line(const bfci_tar_entry *e, size_t line, char out[MAP_LINE_MAX])
{
    int len;

    if (line == 0)
        len = snprintf(out, MAP_LINE_MAX, "%zu\n", e->range_count + needs_end(e));
    else if (line <= e->range_count)
        len = snprintf(out, MAP_LINE_MAX, "%" PRIu64 "\n%" PRIu64 "\n", e->range[line - 1].offset,
                       e->range[line - 1].len);
    else
        len = snprintf(out, MAP_LINE_MAX, "%" PRIu64 "\n0\n", e->size);
    return (size_t)len;
}

static size_t map_lines(const bfci_tar_entry *e)
{
    return 1 + e->range_count + needs_end(e);
}

static uint64_t map_size(const bfci_tar_entry *e)
{
    char text[MAP_LINE_MAX];
    uint64_t size = 0;

    for (size_t line = 0; line < map_lines(e); line++)
        size += map_line(e, line, text);
    return bfci_align_up(size, TAR_BLOCK);
}

static int write_map(const bfci_tar_out *out, const bfci_tar_entry *e, bfc_err *err)
{
    uint8_t portion[MAP_PORTION];
    size_t held = 0;
    uint64_t size = 0;

    for (size_t line = 0; line < map_lines(e); line++) {
        if (held > sizeof portion - MAP_LINE_MAX) {
            BFC_TRY(out->write(out->ctx, portion, held, err));
            size += held;
            held = 0;
        }
        held += map_line(e, line, (char *)portion + held);
    }
    BFC_TRY(out->write(out->ctx, portion, held, err));
    return bfci_tar_pad(out, size + held, err);
}

/* ── Entries ── */

static int check_ranges(const bfci_tar_entry *e, bfc_err *err)
{
    uint64_t held = 0, end = 0;

    for (size_t i = 0; i < e->range_count; i++) {
        const bfci_tar_range *r = &e->range[i];
        if (r->len == 0 || r->offset < end || bfci_add_overflows(r->offset, r->len, &end) ||
            end > e->size)
            return bfci_fail(err, BFC_E_INVALID, "the ranges of '%s' do not rise within the file",
                             BFCI_QUOTE_STR(e->path));
        held += r->len;
    }
    if (held != e->data_size)
        return bfci_fail(err, BFC_E_INVALID,
                         "the ranges of '%s' have %" PRIu64 " bytes, and %" PRIu64 " are to come",
                         BFCI_QUOTE_STR(e->path), held, e->data_size);
    return 0;
}

static int check_entry(const bfci_tar_entry *e, bfc_err *err)
{
    if (!e->path[0] || strlen(e->path) > TAR_PATH_MAX || strlen(e->link) > TAR_PATH_MAX)
        return bfci_fail(err, BFC_E_INVALID, "a name of %zu bytes, a link to one of %zu",
                         strlen(e->path), strlen(e->link));
    if (e->kind == TAR_OTHER)
        return bfci_fail(err, BFC_E_INVALID, "'%s' is of no kind that is written",
                         BFCI_QUOTE_STR(e->path));
    if (e->size > INT64_MAX || e->uid > INT64_MAX || e->gid > INT64_MAX ||
        e->mtime_ns >= 1000000000)
        return bfci_fail(err, BFC_E_INVALID, "'%s' has a number that no tar can hold",
                         BFCI_QUOTE_STR(e->path));
    if (e->sparse && e->kind == TAR_FILE)
        return check_ranges(e, err);
    if (e->sparse || e->data_size != (e->kind == TAR_FILE ? e->size : 0))
        return bfci_fail(err, BFC_E_INVALID, "'%s' cannot have %" PRIu64 " bytes of content",
                         BFCI_QUOTE_STR(e->path), e->data_size);
    return 0;
}

static int write_header(const bfci_tar_out *out, const bfci_tar_entry *e, const char *path,
                        uint64_t stored, bfc_err *err)
{
    static const char flag[] = {'0', '1', '2', '3', '4', '5', '6'};
    uint8_t block[TAR_BLOCK];
    AUTO_FREE char *shown = NULL;

    if (e->sparse)
        BFC_TRY(beside(path, "GNUSparseFile.0", &shown, err));
    const char *name = shown ? shown : path;
    put_common(block, flag[e->kind], name, strlen(name));
    memcpy(block + TAR_AT_LINKNAME, e->link, MIN(strlen(e->link), (size_t)TAR_NAME_SIZE));
    put_octal(block, TAR_AT_MODE, NUMBER_SIZE, e->mode & 07777);
    put_octal(block, TAR_AT_UID, NUMBER_SIZE, e->uid);
    put_octal(block, TAR_AT_GID, NUMBER_SIZE, e->gid);
    put_octal(block, TAR_AT_SIZE, LONG_NUMBER_SIZE, stored);
    put_octal(block, TAR_AT_MTIME, LONG_NUMBER_SIZE, e->mtime < 0 ? 0 : (uint64_t)e->mtime);
    bool device = e->kind == TAR_CHAR || e->kind == TAR_BLOCK_DEVICE;
    put_device(block, TAR_AT_MAJOR, device ? e->major : 0);
    put_device(block, TAR_AT_MINOR, device ? e->minor : 0);
    put_checksum(block);
    return out->write(out->ctx, block, TAR_BLOCK, err);
}

static int path_of(const bfci_tar_entry *e, char **out, bfc_err *err)
{
    bool open = e->kind == TAR_DIR && e->path[strlen(e->path) - 1] != '/';

    return bfci_asprintf(out, err, "%s%s", e->path, open ? "/" : "");
}

int bfci_tar_write_entry(const bfci_tar_out *out, const bfci_tar_entry *e, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    AUTO_BUF buf records = BUF_INIT;

    BFC_TRY(check_entry(e, err));
    BFC_TRY(path_of(e, &path, err));
    uint64_t stored = e->data_size + (e->sparse ? map_size(e) : 0);
    put_records(&records, e, path, stored);
    BFC_TRY(buf_check(&records, err));
    if (records.len > 0)
        BFC_TRY(write_records(out, path, &records, err));
    BFC_TRY(write_header(out, e, path, stored, err));
    return e->sparse ? write_map(out, e, err) : 0;
}

int bfci_tar_pad(const bfci_tar_out *out, uint64_t data_size, bfc_err *err)
{
    static const uint8_t zeros[TAR_BLOCK];
    size_t len = (size_t)(-data_size & (TAR_BLOCK - 1));

    return len > 0 ? out->write(out->ctx, zeros, len, err) : 0;
}

int bfci_tar_write_end(const bfci_tar_out *out, bfc_err *err)
{
    static const uint8_t zeros[2 * TAR_BLOCK];

    return out->write(out->ctx, zeros, sizeof zeros, err);
}
