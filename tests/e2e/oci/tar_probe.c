/* SPDX-License-Identifier: Apache-2.0 */
/* Puts archives through the tar reader and writer, for test_tar.py.
 *
 *   tar_probe list FILE PORTION    one line an entry, "key=value" with texts in hexadecimal; fails
 *                                  if what the reader passed on is not what it was fed
 *   tar_probe skip FILE PORTION    the same, with contents passed over
 *   tar_probe rewrite FILE         the archive as the writer makes it, on stdout
 *   tar_probe damage FILE          the archive cut at each block, and with each bit of its head
 *                                  flipped, one line each: what was done, how it ended, entries
 *
 * An archive that is refused: exit code 1, and "CODE: MESSAGE" on stderr. */
#include <inttypes.h>
#include <stdio.h>

#include "codec/digest.h"
#include "oci/tar.h"

enum {
    CUTS_MAX = 64 << 10,
    FLIPS_MAX = 6 << 10,
    HASHED_MAX = 1 << 30 /* of larger files only what is there is hashed */
};

typedef struct probe {
    const uint8_t *archive; /* what was fed */
    uint64_t len, passed;   /* how much came back */
    bool differs, quiet;
    size_t entries;
    uint64_t header_at; /* of the last header given */
    bfci_sha256_ctx *sum;
    bfci_tar_entry entry;
    uint64_t position; /* in the file, and in the range */
    size_t range;
    uint64_t in_range, taken;
} probe;

static int pass(probe *p, const uint8_t *bytes, size_t len)
{
    if (len > p->len - p->passed || memcmp(p->archive + p->passed, bytes, len) != 0)
        p->differs = true;
    else
        p->passed += len;
    return 0;
}

static int on_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    probe *p = ctx;

    (void)err;
    p->header_at = p->passed;
    return pass(p, block, TAR_BLOCK);
}

static int on_other(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)err;
    return pass(ctx, bytes, len);
}

static void print_hex(const char *key, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    printf(" %s=", key);
    for (size_t i = 0; i < len; i++)
        printf("%02x", b[i]);
}

static void print_entry(const bfci_tar_entry *e)
{
    printf("kind=%d flag=%d mode=%o uid=%" PRIu64 " gid=%" PRIu64 " mtime=%" PRId64
           " ns=%u major=%u minor=%u size=%" PRIu64 " stored=%" PRIu64 " sparse=%d offset=%" PRIu64,
           e->kind, e->typeflag, e->mode, e->uid, e->gid, e->mtime, e->mtime_ns, e->major, e->minor,
           e->size, e->data_size, e->sparse, e->offset);
    print_hex("path", e->path, strlen(e->path));
    print_hex("link", e->link, strlen(e->link));
    for (size_t i = 0; i < e->xattr_count; i++) {
        print_hex("xattr", e->xattr[i].name, strlen(e->xattr[i].name));
        print_hex("value", e->xattr[i].value, e->xattr[i].len);
    }
}

static int hash_hole(probe *p, uint64_t to, bfc_err *err)
{
    static const uint8_t zeros[1 << 16];

    while (p->position < to && p->entry.size <= HASHED_MAX) {
        size_t len = (size_t)MIN(to - p->position, sizeof zeros);
        BFC_TRY(bfci_sha256_update(p->sum, zeros, len, err));
        p->position += len;
    }
    return 0;
}

static int on_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    probe *p = ctx;

    p->entries++;
    if (p->header_at > e->offset) /* blocks of maps go to other(): a header's is the last */
        p->differs = true;
    p->entry = *e;
    p->position = p->taken = p->in_range = 0;
    p->range = 0;
    if (!p->quiet)
        print_entry(e);
    return bfci_sha256_start(p->sum, err);
}

static int on_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    probe *p = ctx;

    pass(p, bytes, len);
    p->taken += len;
    while (len > 0 && p->entry.sparse) {
        const bfci_tar_range *r = &p->entry.range[p->range];
        size_t part = (size_t)MIN(len, r->len - p->in_range);
        if (!p->quiet)
            BFC_TRY(hash_hole(p, r->offset, err));
        BFC_TRY(bfci_sha256_update(p->sum, bytes, part, err));
        p->position += part;
        p->in_range += part;
        if (p->in_range == r->len) {
            p->range++;
            p->in_range = 0;
        }
        bytes += part;
        len -= part;
    }
    return len > 0 ? bfci_sha256_update(p->sum, bytes, len, err) : 0;
}

static int on_end(void *ctx, bfc_err *err)
{
    probe *p = ctx;
    uint8_t digest[BFC_DIGEST_SIZE];
    char hex[2 * BFC_DIGEST_SIZE + 1];

    if (p->quiet)
        return 0;
    if (p->entry.sparse)
        BFC_TRY(hash_hole(p, p->entry.size, err));
    BFC_TRY(bfci_sha256_finish(p->sum, digest, err));
    bfci_hex(digest, sizeof digest, hex);
    printf(" taken=%" PRIu64 " sha256=%s\n", p->taken, hex);
    return 0;
}

static uint64_t skip_content(bfci_tar *t, probe *p, uint64_t at)
{
    uint64_t count = MIN(bfci_tar_skippable(t), p->len - at);

    bfci_tar_skip(t, count);
    p->passed += count;
    return count;
}

static int run(probe *p, size_t portion, bool skip, bfc_err *err)
{
    AUTO(bfci_tar) bfci_tar *t = NULL;
    bfci_tar_sink sink = {p, on_header, on_other, on_entry, on_data, on_end};

    BFC_TRY(bfci_tar_new(&sink, &t, err));
    for (uint64_t at = 0; at < p->len;) {
        size_t len = (size_t)MIN(portion, p->len - at);
        BFC_TRY(bfci_tar_feed(t, p->archive + at, len, err));
        at += len;
        if (skip)
            at += skip_content(t, p, at);
    }
    BFC_TRY(bfci_tar_finish(t, err));
    if (p->differs || p->passed != p->len)
        return bfci_fail(err, BFC_E_INVALID, "passed on %" PRIu64 " of %" PRIu64 " bytes%s",
                         p->passed, p->len, p->differs ? ", and others" : "");
    return 0;
}

/* ── Writing again ── */

static int to_stdout(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    (void)ctx;
    if (len > 0 && fwrite(bytes, len, 1, stdout) != 1)
        return bfci_fail(err, BFC_E_IO, "cannot write to stdout");
    return 0;
}

static const bfci_tar_out out = {to_stdout, NULL};

static int ignore(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    (void)ctx, (void)bytes, (void)len, (void)err;
    return 0;
}

static int ignore_header(void *ctx, const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    return ignore(ctx, block, TAR_BLOCK, err);
}

static int rewrite_entry(void *ctx, const bfci_tar_entry *e, bfc_err *err)
{
    probe *p = ctx;

    p->entry = *e;
    return e->kind == TAR_OTHER ? 0 : bfci_tar_write_entry(&out, e, err);
}

static int rewrite_data(void *ctx, const uint8_t *bytes, size_t len, bfc_err *err)
{
    return to_stdout(ctx, bytes, len, err);
}

static int rewrite_end(void *ctx, bfc_err *err)
{
    probe *p = ctx;

    return p->entry.kind == TAR_OTHER ? 0 : bfci_tar_pad(&out, p->entry.data_size, err);
}

static int rewrite(probe *p, bfc_err *err)
{
    AUTO(bfci_tar) bfci_tar *t = NULL;
    bfci_tar_sink sink = {p, ignore_header, ignore, rewrite_entry, rewrite_data, rewrite_end};

    BFC_TRY(bfci_tar_new(&sink, &t, err));
    BFC_TRY(bfci_tar_feed(t, p->archive, (size_t)p->len, err));
    BFC_TRY(bfci_tar_finish(t, err));
    return bfci_tar_write_end(&out, err);
}

/* ── Damage ── */

static int try_damaged(const char *what, size_t where, const uint8_t *bytes, size_t len,
                       bfci_sha256_ctx *sum)
{
    AUTO_FREE uint8_t *flush = NULL;
    bfc_err err = BFC_ERR_INIT;
    probe p = {.len = len, .quiet = true, .sum = sum};

    if (bfci_alloc(len, 1, &flush, NULL) < 0)
        return -1;
    memcpy(flush, bytes, len);
    p.archive = flush;
    int rc = run(&p, 1 << 20, false, &err);
    printf("%s %zu %s %zu %s\n", what, where, bfc_code_name((enum bfc_code)rc), p.entries, err.msg);
    return rc == BFC_E_INVALID ? -1 : 0;
}

static int damage(probe *p, bfc_err *err)
{
    size_t cuts = (size_t)MIN(p->len, (uint64_t)CUTS_MAX);
    size_t bits = 8 * (size_t)MIN(p->len, (uint64_t)FLIPS_MAX);
    AUTO_FREE uint8_t *copy = NULL;

    BFC_TRY(bfci_alloc((size_t)p->len, 1, &copy, err));
    memcpy(copy, p->archive, (size_t)p->len);
    for (size_t cut = 0; cut <= cuts; cut += cut % TAR_BLOCK == 1 ? TAR_BLOCK - 1 : 1)
        if (try_damaged("cut", cut, copy, cut, p->sum) < 0)
            return bfci_fail(err, BFC_E_INVALID, "cut to %zu bytes", cut);
    for (size_t bit = 0; bit < bits; bit++) {
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (try_damaged("flip", bit, copy, (size_t)p->len, p->sum) < 0)
            return bfci_fail(err, BFC_E_INVALID, "bit %zu flipped", bit);
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    return 0;
}

static int load(const char *path, uint8_t **bytes, uint64_t *len)
{
    FILE *f = fopen(path, "rb");

    if (!f || fseek(f, 0, SEEK_END) != 0)
        return -1;
    long size = ftell(f);
    rewind(f);
    *len = (uint64_t)size;
    *bytes = malloc((size_t)size + 1);
    bool all = *bytes && (size == 0 || fread(*bytes, (size_t)size, 1, f) == 1);
    fclose(f);
    return all ? 0 : -1;
}

int main(int argc, char **argv)
{
    AUTO_FREE uint8_t *bytes = NULL;
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sum = NULL;
    bfc_err err = BFC_ERR_INIT;
    probe p = {0};
    int rc;

    if (argc < 3 || load(argv[2], &bytes, &p.len) < 0 || bfci_sha256_new(&sum, &err) < 0)
        return 2;
    p.archive = bytes;
    p.sum = sum;
    size_t portion = argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 1 << 20;
    if (strcmp(argv[1], "rewrite") == 0)
        rc = rewrite(&p, &err);
    else if (strcmp(argv[1], "damage") == 0)
        rc = damage(&p, &err);
    else
        rc = run(&p, portion, strcmp(argv[1], "skip") == 0, &err);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", bfc_code_name(err.code), err.msg);
    return rc < 0 || fflush(stdout) != 0;
}
