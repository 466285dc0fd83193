/* SPDX-License-Identifier: Apache-2.0 */
/* Asking where blocks lie. File systems that share blocks are tried end to end; here stands what
 * holds on any: nothing is shared by itself, every piece is looked at, and no more than allowed. */
#include "scratch.h"

#include <sys/ioctl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

#include "sys/extents.h"

enum {
    PIECES = 400, /* several answers of the kernel */
    GRAIN = 65536
};

struct met {
    size_t count;
    int rc;
};

static int note(void *ctx, uint64_t start, uint64_t len, bfc_err *err)
{
    struct met *m = ctx;

    (void)start;
    (void)err;
    assert_true(len > 0);
    m->count++;
    return m->rc;
}

static int open_pieces(const struct scratch *s)
{
    uint8_t block[4096];
    int fd = -1;

    memset(block, 'x', sizeof block);
    assert_int_equal(bfci_open(s->fd, "pieces", O_RDWR | O_CREAT | O_EXCL, 0644, &fd, NULL), 0);
    for (uint64_t i = 0; i < PIECES; i++)
        assert_int_equal(bfci_pwrite_all(fd, block, sizeof block, i * GRAIN, NULL), 0);
    assert_int_equal(bfci_fsync(fd, NULL), 0);
    return fd;
}

static bool kernel_can_tell(int fd)
{
    struct fiemap map = {.fm_length = FIEMAP_MAX_OFFSET};

    return ioctl(fd, FS_IOC_FIEMAP, &map) == 0;
}

static void test_extents__looks_at_all(void **state)
{
    AUTO_FD int fd = open_pieces(*state);
    struct met met = {0};
    size_t max = 100000;

    assert_int_equal(bfci_shared_extents(fd, &max, note, &met, NULL), 0);
    assert_int_equal(met.count, 0);
    if (kernel_can_tell(fd))
        assert_in_range(100000 - max, PIECES, 2 * PIECES);
    else
        assert_int_equal(max, 100000);
}

static void test_extents__stops_at_the_limit(void **state)
{
    AUTO_FD int fd = open_pieces(*state);
    struct met met = {0};
    size_t max = 130;

    assert_int_equal(bfci_shared_extents(fd, &max, note, &met, NULL), 0);
    assert_int_equal(max, kernel_can_tell(fd) ? 0 : 130);
    max = 0;
    assert_int_equal(bfci_shared_extents(fd, &max, note, &met, NULL), 0);
    assert_int_equal(max, 0);
}

static void test_extents__of_nothing(void **state)
{
    const struct scratch *s = *state;
    struct met met = {0};
    size_t max = 5;
    int ends[2];

    scratch_file(s, "empty", "");
    AUTO_FD int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    assert_int_equal(bfci_shared_extents(fd, &max, note, &met, NULL), 0);
    AUTO_FD int empty = openat(s->fd, "empty", O_RDONLY | O_CLOEXEC);
    assert_int_equal(bfci_shared_extents(empty, &max, note, &met, NULL), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(bfci_shared_extents(ends[0], &max, note, &met, NULL), 0);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(max, 5);
    assert_int_equal(met.count, 0);
}

static void test_extents__bad_descriptor(void **state)
{
    bfc_err err = BFC_ERR_INIT;
    struct met met = {0};
    size_t max = 5;

    (void)state;
    assert_true(bfci_shared_extents(-1, &max, note, &met, &err) < 0);
    assert_non_null(strstr(err.msg, "where its blocks are"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_extents__looks_at_all),
        SCRATCH_TEST(test_extents__stops_at_the_limit),
        SCRATCH_TEST(test_extents__of_nothing),
        SCRATCH_TEST(test_extents__bad_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
