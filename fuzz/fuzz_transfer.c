/* SPDX-License-Identifier: Apache-2.0 */
/* What `bfc image send` writes: the whole as it comes out of a pipe, and the document of an image
 * alone. A stream's first record is looked at as receive does it; a document that was read and
 * written again is read as the same. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "store/transfer.h"
#include "store/zfs_stream.h"
#include "sys/file.h"

static void check_document(const uint8_t *data, size_t size)
{
    bfci_transfer t, again;
    AUTO_FREE char *once = NULL;
    AUTO_FREE char *twice = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_transfer_decode(data, size, &t, &err) < 0) {
        FUZZ_CHECK(err.msg[0]);
        return;
    }
    FUZZ_CHECK(bfci_transfer_encode(&t, &once, NULL) == 0);
    FUZZ_CHECK(strlen(once) <= TRANSFER_HEADER_MAX);
    FUZZ_CHECK(bfci_transfer_decode((const uint8_t *)once, strlen(once), &again, NULL) == 0);
    FUZZ_CHECK(bfci_transfer_encode(&again, &twice, NULL) == 0 && strcmp(once, twice) == 0);
}

struct seen {
    bool first;
    uint64_t bytes;
};

static int see(void *ctx, const uint8_t *piece, size_t len, bfc_err *err)
{
    static const bfci_zfs_begin want = {"@bfc-0123456789ab", false, 0};
    struct seen *s = ctx;
    uint8_t *copy = fuzz_copy(piece, len);

    FUZZ_CHECK(len > 0 && len <= TRANSFER_PIECE_MAX);
    s->bytes += len;
    int rc = s->first ? bfci_zfs_stream_check(copy, len, &want, err) : 0;
    s->first = false;
    free(copy);
    return rc;
}

static void read_all(int fd)
{
    bfci_transfer t;
    bool more = false;
    uint64_t done = 0;

    if (bfci_transfer_expect(fd, NULL, NULL) < 0)
        return;
    while (bfci_transfer_get_header(fd, NULL, &t, &more, NULL) == 0 && more) {
        struct seen s = {true, 0};
        uint64_t before = done;
        if (bfci_transfer_get_stream(fd, see, &s, NULL, &done, NULL) < 0)
            return;
        FUZZ_CHECK(done - before == s.bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = fuzz_copy(data, size);
    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);

    check_document(copy, size);
    FUZZ_CHECK(fd >= 0 && bfci_write_all(fd, copy, size, NULL) == 0);
    FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
    read_all(fd);
    free(copy);
    return 0;
}
