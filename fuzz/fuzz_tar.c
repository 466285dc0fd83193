/* SPDX-License-Identifier: Apache-2.0 */
/* Tar archives: the size of the portions, then the archive. What the reader passes on is what it
 * was fed, in any portions the same; entries come whole; what it understood can be written, and is
 * then understood in the same way. The checksums of header blocks are put right first, or hardly
 * any input would get beyond them. */
#include "fuzz.h"

#include "oci/tar_parts.h"

typedef struct look {
    const uint8_t *archive;
    size_t len, passed;
    uint64_t data_left;
    bool open;
    bfci_tar_entry entry;
    uint64_t told; /* a sum over what entries said */
    buf again;     /* the archive as it is written again */
    bool writes;
} look;

static void pass(look *l, const uint8_t *bytes, size_t len)
{
    FUZZ_CHECK(len <= l->len - l->passed && memcmp(l->archive + l->passed, bytes, len) == 0);
    l->passed += len;
}

static int on_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    (void)err;
    pass(ctx, block, TAR_BLOCK);
    return 0;
}

static int on_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)err;
    pass(ctx, bytes, len);
    return 0;
}

static int to_buf(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    bfci_buf_put(ctx, bytes, len);
    return buf_check(ctx, err);
}

static void tell(look *l, uint64_t value)
{
    l->told = (l->told ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

static void tell_text(look *l, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < len; i++)
        tell(l, b[i]);
    tell(l, len);
}

static void tell_entry(look *l, const bfci_tar_entry *e)
{
    size_t path_len = strlen(e->path);

    /* The writer puts one "/" at the end of a folder's name. */
    if (e->kind == TAR_DIR && e->path[path_len - 1] == '/')
        path_len--;
    tell_text(l, e->path, path_len);
    tell_text(l, e->link, strlen(e->link));
    uint64_t number[] = {e->kind,     e->mode,  e->uid,   e->gid,       (uint64_t)e->mtime,
                         e->mtime_ns, e->major, e->minor, e->data_size, e->size};
    tell_text(l, number, sizeof number);
    for (size_t i = 0; i < e->range_count; i++)
        tell_text(l, &e->range[i], sizeof e->range[i]);
    for (size_t i = 0; i < e->xattr_count; i++) {
        tell_text(l, e->xattr[i].name, strlen(e->xattr[i].name));
        tell_text(l, e->xattr[i].value, e->xattr[i].len);
    }
}

static void check_entry(const bfci_tar_entry *e)
{
    uint64_t end = 0, held = 0;

    FUZZ_CHECK(e->path[0] || e->kind == TAR_OTHER);
    FUZZ_CHECK(e->mode <= 07777 && e->mtime_ns < 1000000000 && e->size <= INT64_MAX);
    FUZZ_CHECK(e->kind == TAR_FILE || e->kind == TAR_OTHER || e->data_size == 0);
    FUZZ_CHECK(e->sparse || (e->data_size == e->size && e->range_count == 0));
    for (size_t i = 0; i < e->range_count; i++) {
        FUZZ_CHECK(e->range[i].len > 0 && (i == 0 || e->range[i].offset > end));
        end = e->range[i].offset + e->range[i].len;
        held += e->range[i].len;
    }
    FUZZ_CHECK(!e->sparse || (held == e->data_size && end <= e->size));
    for (size_t i = 1; i < e->xattr_count; i++)
        FUZZ_CHECK(strcmp(e->xattr[i - 1].name, e->xattr[i].name) < 0);
}

static int on_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    look *l = ctx;
    bfci_tar_out out = {to_buf, &l->again};

    FUZZ_CHECK(!l->open);
    check_entry(e);
    l->open = true;
    l->entry = *e;
    l->data_left = e->kind == TAR_FILE ? e->data_size : 0;
    if (e->kind == TAR_OTHER)
        return 0;
    tell_entry(l, e);
    return l->writes ? bfci_tar_write_entry(&out, e, err) : 0;
}

static int on_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    look *l = ctx;

    (void)err;
    pass(l, bytes, len);
    FUZZ_CHECK(l->open && len <= l->data_left);
    l->data_left -= len;
    if (l->writes)
        bfci_buf_put(&l->again, bytes, len);
    return 0;
}

static int on_end(void *ctx, bfc_err *err)
{
    look *l = ctx;
    bfci_tar_out out = {to_buf, &l->again};

    FUZZ_CHECK(l->open && l->data_left == 0);
    l->open = false;
    return l->writes && l->entry.kind != TAR_OTHER ? bfci_tar_pad(&out, l->entry.data_size, err)
                                                   : 0;
}

static int read_all(look *l, size_t portion)
{
    bfci_tar_sink sink = {l, on_header, on_other, on_entry, on_data, on_end};
    bfci_tar *t = NULL;
    int rc = bfci_tar_new(&sink, &t, NULL);

    FUZZ_CHECK(rc == 0);
    for (size_t at = 0; rc == 0 && at < l->len; at += portion) {
        uint8_t *part = fuzz_copy(l->archive + at, MIN(portion, l->len - at));
        rc = bfci_tar_feed(t, part, MIN(portion, l->len - at), NULL);
        free(part);
    }
    if (rc == 0)
        rc = bfci_tar_finish(t, NULL);
    if (rc == 0)
        FUZZ_CHECK(l->passed == l->len && !l->open);
    bfci_tar_free(t);
    return rc;
}

static void mend_checksums(uint8_t *archive, size_t len)
{
    char text[16];

    for (size_t at = 0; len - at >= TAR_BLOCK; at += TAR_BLOCK) {
        uint8_t *block = archive + at;
        if (memcmp(block + TAR_AT_MAGIC, "ustar", 5) != 0)
            continue;
        (void)snprintf(text, sizeof text, "%06o", bfci_tar_checksum(block));
        memcpy(block + TAR_AT_CHECKSUM, text, 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t portion = 1 + (data[0] | (size_t)(data[1] & 15) << 8);
    uint8_t *archive = fuzz_copy(data + 2, size - 2);
    mend_checksums(archive, size - 2);
    look one = {.archive = archive, .len = size - 2}, whole = one;

    whole.writes = true;
    int rc = read_all(&one, portion);
    FUZZ_CHECK(read_all(&whole, MAX(size, (size_t)1)) == rc);
    FUZZ_CHECK(one.told == whole.told);
    if (rc == 0) {
        look third = {.archive = whole.again.data, .len = whole.again.len};
        FUZZ_CHECK(third.len == 0 || read_all(&third, third.len) == 0);
        FUZZ_CHECK(third.told == whole.told);
    }
    bfci_buf_free(&whole.again);
    free(archive);
    return 0;
}
