/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe to and from zfs, and DRR_BEGIN, the record that a stream begins with (OpenZFS,
 * zfs_ioctl.h: dmu_replay_record). It is in the byte order of the machine that sent it, and the
 * stream's checksum, which zfs looks at, is of it, too. */
#include "store/zfs_stream.h"

#include <errno.h>
#include <pthread.h>

#include "base/cursor.h"
#include "sys/file.h"
#include "sys/pipe.h"

/* ── The pipe ── */

struct running {
    const bfci_zfs_stream *stream;
    int fd; /* closed at the end */
    int rc;
    bfc_err err;
};

static void *run_zfs(void *ctx)
{
    struct running *r = ctx;

    r->rc = r->stream->zfs(r->stream->ctx, r->fd, &r->err);
    bfci_fd_close(&r->fd);
    return NULL;
}

int bfci_zfs_stream_run(const bfci_zfs_stream *s, bfc_err *err)
{
    struct running r = {.stream = s, .fd = -1, .err = BFC_ERR_INIT};
    bfc_err why = BFC_ERR_INIT;
    AUTO_FD int ours = -1;
    pthread_t thread;

    BFC_TRY(s->sends ? bfci_pipe_make(&ours, &r.fd, err) : bfci_pipe_make(&r.fd, &ours, err));
    int failed = pthread_create(&thread, NULL, run_zfs, &r);
    if (failed) {
        bfci_fd_close(&r.fd);
        return bfci_fail_errno(err, failed, "start a thread");
    }
    int rc = s->copy(s->ctx, ours, &why);
    bfci_fd_close(&ours); /* so that zfs ends if we failed */
    (void)pthread_join(thread, NULL);
    bool zfs_left = rc < 0 && !s->sends && why.os_errno == EPIPE;
    if (r.rc < 0 && (rc == 0 || zfs_left)) {
        rc = r.rc;
        why = r.err;
    } else if (zfs_left) {
        rc = bfci_fail(&why, BFC_E_CORRUPT, "behind the stream's end there is more");
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

/* ── The first record ── */

#define MAGIC UINT64_C(0x2F5bacbac)

enum {
    AT_TYPE = 0, /* 0: DRR_BEGIN */
    AT_MAGIC = 8,
    AT_VERSION =
        16,       /* its two lowest bits: 1, a stream alone; 2, one with properties, or several */
    AT_KIND = 32, /* 2: a file system */
    AT_FROM = 48, /* 0: a stream that holds everything */
    AT_NAME = 56, /* of the snapshot; 256 bytes, with a NUL */
    ALONE = 1,
    FILE_SYSTEM = 2
};

static uint64_t get_u64(const uint8_t *bytes, bool swapped)
{
    uint64_t value = get_u64le(bytes);

    return swapped ? __builtin_bswap64(value) : value;
}

static uint32_t get_u32(const uint8_t *bytes, bool swapped)
{
    uint32_t value = get_u32le(bytes);

    return swapped ? __builtin_bswap32(value) : value;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t end_len = strlen(end);

    return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static int check_base(uint64_t from, const bfci_zfs_begin *want, bfc_err *err)
{
    if ((from != 0) != want->has_base)
        return bfci_fail(err, BFC_E_CORRUPT, "%s",
                         want->has_base
                             ? "the stream holds everything, and was sent as a difference"
                             : "the stream is a difference, and was not sent as one");
    if (want->base_guid != 0 && from != want->base_guid)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "what was sent is the difference from another snapshot of the same "
                         "content: send it without --have");
    return 0;
}

int bfci_zfs_stream_check(const uint8_t *bytes, size_t len, const bfci_zfs_begin *want,
                          bfc_err *err)
{
    if (len < ZFS_STREAM_BEGIN_SIZE)
        return bfci_fail(err, BFC_E_CORRUPT, "the stream ends early");
    bool swapped = get_u64le(bytes + AT_MAGIC) != MAGIC;
    if (get_u64(bytes + AT_MAGIC, swapped) != MAGIC || get_u32(bytes + AT_TYPE, swapped) != 0)
        return bfci_fail(err, BFC_E_CORRUPT, "this is no stream of ZFS");
    if ((get_u64(bytes + AT_VERSION, swapped) & 3) != ALONE ||
        get_u32(bytes + AT_KIND, swapped) != FILE_SYSTEM)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the stream is not of one file system, without properties");
    BFC_TRY(check_base(get_u64(bytes + AT_FROM, swapped), want, err));
    const char *text = (const char *)bytes + AT_NAME;
    size_t text_len = strnlen(text, ZFS_STREAM_BEGIN_SIZE - AT_NAME);
    if (!ends_with(text, text_len, want->name))
        return bfci_fail(err, BFC_E_CORRUPT, "the stream is of '%s', and sent as '%s'",
                         BFCI_QUOTE(text, text_len), want->name);
    return 0;
}
