/* SPDX-License-Identifier: Apache-2.0 */
/* The index of a version 1 container: one entry a path. The tool that wrote them stored any name it
 * was given, so names are checked here as strictly as those of version 2. */
#include "format/v1.h"

#define MODE_TYPE 0170000u
#define MODE_DIR 0040000u
#define MODE_FILE 0100000u
#define MODE_SYMLINK 0120000u
#define MODE_BITS 07777u
#define NS_PER_SECOND INT64_C(1000000000)

enum {
    SEALED_EXTRA = V1_NONCE_SIZE + V1_TAG_SIZE,
    /* What zstd's densest block is: 4 bytes for 128 KiB. */
    ZSTD_BLOCK_MIN = 4,
    ZSTD_BLOCK_RAW = 128 << 10,
    ZSTD_FRAME_MIN = 9
};

int bfci_v1_index_begin(rd *r, uint32_t *count, bfc_err *err)
{
    uint32_t version = rd_u32(r);
    uint32_t n = rd_u32(r);

    if (rd_ok(r) && version != V1_VERSION)
        return bfci_fail(err, BFC_E_UNSUPPORTED, "an index of version %u; this version reads 1",
                         version);
    if (!rd_ok(r) || n > rd_left(r) / (V1_INDEX_ENTRY_FIXED + 1))
        return bfci_fail(err, BFC_E_CORRUPT, "an index of %zu bytes cannot hold %u entries",
                         rd_left(r), n);
    *count = n;
    return 0;
}

/* ── One entry ── */

static int fail(const bfci_v1_entry *e, const char *what, bfc_err *err)
{
    return bfci_fail_at(err, BFC_E_CORRUPT, e->offset, "entry '%s': %s",
                        BFCI_QUOTE(e->path, e->path_len), what);
}

static int check_path(const bfci_v1_entry *e, bfc_err *err)
{
    const char *at = e->path, *end = e->path + e->path_len;

    for (unsigned depth = 1; depth <= BFCI_DEPTH_MAX; depth++) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t len = (size_t)((slash ? slash : end) - at);
        if (!bfci_name_ok(at, len))
            return fail(e, "not a name that a container may hold", err);
        if (!slash)
            return 0;
        at = slash + 1;
    }
    return fail(e, "more names in one path than are allowed", err);
}

static int check_mode(uint32_t mode, bfci_v1_entry *e, bfc_err *err)
{
    switch (mode & MODE_TYPE) {
    case MODE_FILE:
        e->type = BFC_TYPE_FILE;
        break;
    case MODE_DIR:
        e->type = BFC_TYPE_DIR;
        break;
    case MODE_SYMLINK:
        e->type = BFC_TYPE_SYMLINK;
        break;
    default:
        return fail(e, "neither a file, nor a folder, nor a symbolic link", err);
    }
    if (mode & ~(MODE_TYPE | MODE_BITS))
        return fail(e, "a mode with bits that there are not", err);
    e->mode = (uint16_t)(mode & MODE_BITS);
    return 0;
}

static int check_coding(uint32_t comp, uint32_t enc, bfci_v1_entry *e, bfc_err *err)
{
    if (comp > COMP_ZSTD || enc > 1)
        return fail(e, "unknown compression or encryption", err);
    if (e->type != BFC_TYPE_FILE && (comp || enc))
        return fail(e, "compressed or encrypted, which only files are", err);
    e->comp = (uint8_t)comp;
    e->sealed = enc != 0;
    return 0;
}

/* How many bytes can come out of `stored`. */
static bool raw_can_be(const bfci_v1_entry *e, uint64_t stored)
{
    if (e->comp == COMP_NONE) /* padded at the end, of some objects */
        return e->raw <= stored && stored - e->raw < V1_OBJECT_ALIGN;
    return stored >= ZSTD_FRAME_MIN && e->raw / ZSTD_BLOCK_RAW <= stored / ZSTD_BLOCK_MIN;
}

static int check_sizes(const bfci_v1_entry *e, uint64_t low, uint64_t high, bfc_err *err)
{
    uint64_t head = bfci_v1_object_head(e->path_len);
    uint64_t extra = e->sealed ? SEALED_EXTRA : 0;

    if (e->offset < low || e->offset > high || e->size > high - e->offset)
        return fail(e, "its object lies outside of the file's data", err);
    if (e->size < head + extra)
        return fail(e, "its object is too short", err);
    if (e->raw > FILE_SIZE_MAX || !raw_can_be(e, e->size - head - extra))
        return fail(e, "it cannot be as large as it says", err);
    if (e->type == BFC_TYPE_DIR && e->raw != 0)
        return fail(e, "a folder with content", err);
    if (e->type == BFC_TYPE_SYMLINK && (e->raw < 1 || e->raw > LINK_MAX_LEN))
        return fail(e, "a symbolic link without a target, or with too long a one", err);
    return 0;
}

static void set_mtime(bfci_v1_entry *e, int64_t ns)
{
    int64_t rest = ns % NS_PER_SECOND;

    e->mtime = ns / NS_PER_SECOND - (rest < 0);
    e->mtime_ns = (uint32_t)(rest < 0 ? rest + NS_PER_SECOND : rest);
}

int bfci_v1_index_next(rd *r, uint64_t low, uint64_t high, bfci_v1_entry *out, bfc_err *err)
{
    bfci_v1_entry e = {0};

    e.path_len = rd_u32(r);
    const uint8_t *path = rd_take(r, e.path_len);
    e.path = (const char *)path;
    e.offset = rd_u64(r);
    e.size = rd_u64(r);
    uint32_t mode = rd_u32(r);
    set_mtime(&e, (int64_t)rd_u64(r));
    uint32_t comp = rd_u32(r);
    uint32_t enc = rd_u32(r);
    e.raw = rd_u64(r);
    e.crc = bfci_v1_crc_usual(rd_u32(r), e.raw);
    if (!rd_ok(r) || !path)
        return bfci_fail(err, BFC_E_CORRUPT, "the index ends within an entry");
    if (e.path_len > V1_PATH_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "a path of %u bytes; %d are allowed", e.path_len,
                         V1_PATH_MAX);
    BFC_TRY(check_path(&e, err));
    BFC_TRY(check_mode(mode, &e, err));
    BFC_TRY(check_coding(comp, enc, &e, err));
    BFC_TRY(check_sizes(&e, low, high, err));
    *out = e;
    return 0;
}

/* ── Order ── */

/* A slash is lower than any byte of a name: so what is below a folder follows it at once. */
static int rank(char c)
{
    return c == '/' ? 0 : (unsigned char)c;
}

int bfci_v1_compare_paths(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t len = MIN(a_len, b_len);

    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i])
            return rank(a[i]) < rank(b[i]) ? -1 : 1;
    return a_len == b_len ? 0 : a_len < b_len ? -1 : 1;
}
