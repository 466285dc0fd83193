/* SPDX-License-Identifier: Apache-2.0 */
/* An archive that is written front to back, but for its headers: name and size of a layer are known
 * when it was written, so each header is put into its place then. That takes a file that can be
 * written at any place; a pipe is refused. Owner, time and mode are the same for all members. */
#include "oci/export_parts.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "sys/file.h"

enum {
    BLOCK = 512,
    SIZE_AT = 124,
    SIZE_LEN = 12,
    SUM_AT = 148,
    SUM_LEN = 8
};
#define OCTAL_MAX UINT64_C(077777777777)

struct bfci_export_tar {
    bfci_new_file file;
    uint64_t header; /* where that of the member stands */
    uint64_t end;
};

static int check_place(const char *path, bfc_err *err)
{
    struct stat st;
    bfc_err missing = BFC_ERR_INIT;

    int rc = bfci_stat_at(AT_FDCWD, path, 0, &st, &missing);
    if (rc == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return bfci_fail(
            err, BFC_E_INVALID,
            "'%s' is no regular file: an archive cannot be written to a pipe or device",
            BFCI_QUOTE_STR(path));
    return 0;
}

int bfci_export_tar_new(const char *path, bfci_export_tar **out, bfc_err *err)
{
    AUTO(bfci_export_tar) bfci_export_tar *t = NULL;

    BFC_TRY(check_place(path, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *t, &t, err));
    t->file = (bfci_new_file)BFCI_NEW_FILE_INIT;
    BFC_TRY(bfci_new_file_begin(path, &t->file, err));
    *out = bfci_steal(&t);
    return 0;
}

void bfci_export_tar_free(bfci_export_tar *t)
{
    if (!t)
        return;
    bfci_new_file_abandon(&t->file);
    free(t);
}

/* ── Members ── */

static int begin(void *ctx, bfc_err *err)
{
    bfci_export_tar *t = ctx;

    (void)err;
    t->header = t->end;
    t->end += BLOCK;
    return 0;
}

static int write_bytes(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    bfci_export_tar *t = ctx;

    BFC_TRY(bfci_pwrite_all(t->file.fd, bytes, len, t->end, err));
    t->end += len;
    return 0;
}

/* Octal digits, or, from 8 GiB on, GNU's binary form. */
static void put_size(char *field, uint64_t size)
{
    if (size <= OCTAL_MAX) {
        (void)snprintf(field, SIZE_LEN, "%011" PRIo64, size);
        return;
    }
    field[0] = (char)0x80;
    for (int i = SIZE_LEN - 1; i > 3; i--, size >>= 8)
        field[i] = (char)(uint8_t)size;
}

static void make_header(const char *name, uint64_t size, char out[BLOCK])
{
    unsigned sum = 0;

    memset(out, 0, BLOCK);
    memcpy(out, name, strlen(name)); /* all 100 bytes may be used */
    memcpy(out + 100, "0000644", 8);
    memcpy(out + 108, "0000000", 8);
    memcpy(out + 116, "0000000", 8);
    put_size(out + SIZE_AT, size);
    memcpy(out + 136, "00000000000", 12);
    memset(out + SUM_AT, ' ', SUM_LEN);
    out[156] = '0';
    memcpy(out + 257, "ustar\00000", 8);
    for (int i = 0; i < BLOCK; i++)
        sum += (uint8_t)out[i];
    (void)snprintf(out + SUM_AT, SUM_LEN, "%06o", sum);
}

static int end(void *ctx, const char *name, bfc_err *err)
{
    bfci_export_tar *t = ctx;
    char header[BLOCK];

    make_header(name, t->end - t->header - BLOCK, header);
    BFC_TRY(bfci_pwrite_all(t->file.fd, header, sizeof header, t->header, err));
    /* Padding: the file is made longer at its end, or by what is written next. */
    t->end = bfci_align_up(t->end, BLOCK);
    return 0;
}

bfci_export_target bfci_export_tar_target(bfci_export_tar *t)
{
    return (bfci_export_target){.ctx = t, .begin = begin, .write = write_bytes, .end = end};
}

int bfci_export_tar_publish(bfci_export_tar *t, bool replace, bfc_err *err)
{
    BFC_TRY(bfci_ftruncate(t->file.fd, t->end + 2 * BLOCK, err)); /* two blocks of zeros end it */
    return bfci_new_file_publish(&t->file, replace, err);
}
