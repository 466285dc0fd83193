/* SPDX-License-Identifier: Apache-2.0 */
/* One header block: its checksum, its dialect, its fields. Pure. */
#include "oci/tar_parts.h"

#include <inttypes.h>

bool bfci_tar_all_zero(const uint8_t block[TAR_BLOCK])
{
    return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

uint32_t bfci_tar_checksum(const uint8_t block[TAR_BLOCK])
{
    uint32_t sum = 8 * ' ';

    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    for (size_t i = TAR_AT_CHECKSUM; i < TAR_AT_TYPEFLAG; i++)
        sum -= block[i];
    return sum;
}

/* Some old programs took the bytes for signed ones. */
static int64_t signed_checksum(const uint8_t block[TAR_BLOCK])
{
    int64_t sum = bfci_tar_checksum(block);

    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i] & 0x80 && (i < TAR_AT_CHECKSUM || i >= TAR_AT_TYPEFLAG))
            sum -= 256;
    return sum;
}

static int check_sum(const uint8_t block[TAR_BLOCK], bfc_err *err)
{
    int64_t told;
    uint32_t sum = bfci_tar_checksum(block);

    if (!bfci_tar_number(block + TAR_AT_CHECKSUM, TAR_AT_TYPEFLAG - TAR_AT_CHECKSUM, &told) ||
        block[TAR_AT_CHECKSUM] & 0x80)
        return bfci_fail(err, BFC_E_CORRUPT, "no tar header: its checksum is no octal number");
    if (told != sum && told != signed_checksum(block))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "no tar header, or a damaged one: its checksum is %" PRIu32
                         ", and it says %" PRId64,
                         sum, told);
    return 0;
}

static enum bfci_tar_format format_of(const uint8_t block[TAR_BLOCK])
{
    if (memcmp(block + TAR_AT_MAGIC, "ustar  ", 8) == 0)
        return TAR_GNU;
    if (memcmp(block + TAR_AT_MAGIC, "ustar", 6) != 0)
        return TAR_V7;
    return memcmp(block + TAR_AT_STAR_TRAILER, "tar", 4) == 0 ? TAR_STAR : TAR_USTAR;
}

/* A field of text ends with a NUL or where it is full. */
static size_t put_text(char *out, const uint8_t *field, size_t size)
{
    size_t len = strnlen((const char *)field, size);

    memcpy(out, field, len);
    out[len] = '\0';
    return len;
}

/* Go's archive/tar before 1.8 wrote a prefix into headers with GNU's magic, over the times that
 * belong there. Layers from then are still about; Go itself takes such a prefix for one if the
 * times are no numbers. */
static bool gnu_with_prefix(const uint8_t block[TAR_BLOCK])
{
    int64_t time;
    const uint8_t *prefix = block + TAR_AT_PREFIX;

    if ((block[TAR_AT_GNU_ATIME] == 0 || bfci_tar_number(block + TAR_AT_GNU_ATIME, 12, &time)) &&
        (block[TAR_AT_GNU_CTIME] == 0 || bfci_tar_number(block + TAR_AT_GNU_CTIME, 12, &time)))
        return false;
    for (size_t i = 0; i < TAR_PREFIX_SIZE && prefix[i]; i++)
        if (prefix[i] & 0x80)
            return false;
    return true;
}

static void decode_path(const uint8_t block[TAR_BLOCK], bfci_tar_head *h)
{
    size_t len = 0;

    if (h->format == TAR_USTAR || (h->format == TAR_GNU && gnu_with_prefix(block)))
        len = put_text(h->path, block + TAR_AT_PREFIX, TAR_PREFIX_SIZE);
    else if (h->format == TAR_STAR)
        len = put_text(h->path, block + TAR_AT_PREFIX, TAR_STAR_PREFIX_SIZE);
    if (len > 0)
        h->path[len++] = '/';
    put_text(h->path + len, block + TAR_AT_NAME, TAR_NAME_SIZE);
}

static int number_between(const uint8_t block[TAR_BLOCK], size_t at, size_t len, int64_t max,
                          const char *name, uint64_t *out, bfc_err *err)
{
    int64_t value;

    if (!bfci_tar_number(block + at, len, &value))
        return bfci_fail(err, BFC_E_CORRUPT, "the header's %s is no number, or a too large one",
                         name);
    if (value < 0 || value > max)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the header's %s is %" PRId64 ", expected 0 to %" PRId64, name, value,
                         max);
    *out = (uint64_t)value;
    return 0;
}

static int decode_device(const uint8_t block[TAR_BLOCK], bfci_tar_head *h, bfc_err *err)
{
    uint64_t major = 0, minor = 0;

    if (h->format == TAR_V7 || (h->typeflag != '3' && h->typeflag != '4'))
        return 0;
    BFC_TRY(number_between(block, TAR_AT_MAJOR, 8, UINT32_MAX, "devmajor", &major, err));
    BFC_TRY(number_between(block, TAR_AT_MINOR, 8, UINT32_MAX, "devminor", &minor, err));
    h->major = (uint32_t)major;
    h->minor = (uint32_t)minor;
    return 0;
}

int bfci_tar_head_decode(const uint8_t block[TAR_BLOCK], bfci_tar_head *out, bfc_err *err)
{
    bfci_tar_head h = {.format = format_of(block), .typeflag = (char)block[TAR_AT_TYPEFLAG]};
    int64_t mode;

    BFC_TRY(check_sum(block, err));
    decode_path(block, &h);
    put_text(h.link, block + TAR_AT_LINKNAME, TAR_NAME_SIZE);
    BFC_TRY(number_between(block, TAR_AT_UID, 8, INT64_MAX, "uid", &h.uid, err));
    BFC_TRY(number_between(block, TAR_AT_GID, 8, INT64_MAX, "gid", &h.gid, err));
    BFC_TRY(number_between(block, TAR_AT_SIZE, 12, INT64_MAX, "size", &h.size, err));
    if (!bfci_tar_number(block + TAR_AT_MODE, 8, &mode))
        return bfci_fail(err, BFC_E_CORRUPT, "the header's mode is no number");
    h.mode = (uint32_t)mode & 07777;
    if (!bfci_tar_number(block + TAR_AT_MTIME, 12, &h.mtime))
        return bfci_fail(err, BFC_E_CORRUPT, "the header's mtime is no number, or a too large one");
    BFC_TRY(decode_device(block, &h, err));
    *out = h;
    return 0;
}
