/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole transfers, ends, limits, locks. */
#include "scratch.h"

#include <errno.h>

static int open_rw(const struct scratch *s, const char *name)
{
    int fd = -1;
    assert_int_equal(bfci_open(s->fd, name, O_RDWR | O_CREAT, 0600, &fd, NULL), 0);
    return fd;
}

static void test_file__open_tells_the_path(void **state)
{
    struct scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    int fd = -1;
    assert_int_equal(bfci_open(s->fd, "no\nthing", O_RDONLY, 0, &fd, &err), BFC_E_NOT_FOUND);
    assert_int_equal(err.os_errno, ENOENT);
    assert_string_equal(err.msg, "open 'no\\x0athing': No such file or directory");
    assert_int_equal(fd, -1);
    fd = open_rw(s, "a");
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    bfci_fd_close(&fd);
    assert_int_equal(fd, -1);
}

static void test_file__close_keeps_errno(void **state)
{
    (void)state;
    int fd = 1000000; /* not open */
    errno = ENOSPC;
    bfci_fd_close(&fd);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(fd, -1);
    bfci_fd_close(&fd);
}

static void test_file__read_and_write_at(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = open_rw(s, "a");
    bfc_err err = BFC_ERR_INIT;
    char bytes[10] = "";
    size_t got = 0;
    struct stat st;
    assert_int_equal(bfci_pwrite_all(fd, "hello", 5, 3, NULL), 0);
    assert_int_equal(bfci_fstat(fd, &st, NULL), 0);
    assert_int_equal(st.st_size, 8);
    assert_int_equal(bfci_pread_exact(fd, bytes, 5, 3, NULL), 0);
    assert_memory_equal(bytes, "hello", 5);
    assert_int_equal(bfci_pread(fd, bytes, 10, 5, &got, NULL), 0);
    assert_int_equal(got, 3);
    assert_int_equal(bfci_pread(fd, bytes, 10, 100, &got, NULL), 0);
    assert_int_equal(got, 0);

    assert_int_equal(bfci_pread_exact(fd, bytes, 6, 3, &err), BFC_E_CORRUPT);
    assert_true(err.offset == 3);
    assert_string_equal(err.msg, "the file ends early (byte 3)");
    assert_int_equal(bfci_ftruncate(fd, 4, NULL), 0);
    assert_int_equal(bfci_pread_exact(fd, bytes, 5, 3, NULL), BFC_E_CORRUPT);
}

static void test_file__absurd_offsets(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = open_rw(s, "a");
    char byte = 0;
    size_t got = 1;
    static const uint64_t offset[] = {INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(offset); i++) {
        assert_int_equal(bfci_pread(fd, &byte, 1, offset[i], &got, NULL), 0);
        assert_int_equal(got, 0);
        assert_int_equal(bfci_pread_exact(fd, &byte, 1, offset[i], NULL), BFC_E_CORRUPT);
        assert_true(bfci_pwrite_all(fd, &byte, 1, offset[i], NULL) < 0);
    }
    assert_true(bfci_ftruncate(fd, UINT64_MAX, NULL) < 0);
}

static void test_file__errors_have_codes(void **state)
{
    struct scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    AUTO_FD int full = -1;
    char byte = 0;
    size_t got;
    struct stat st;
    if (bfci_open(AT_FDCWD, "/dev/full", O_WRONLY, 0, &full, NULL) == 0) {
        assert_int_equal(bfci_write_all(full, "x", 1, &err), BFC_E_NOSPC);
        assert_int_equal(err.os_errno, ENOSPC);
        assert_int_equal(bfci_pwrite_all(full, "x", 1, 0, &err), BFC_E_NOSPC);
    }
    assert_int_equal(bfci_pread(-1, &byte, 1, 0, &got, &err), BFC_E_IO);
    assert_int_equal(err.os_errno, EBADF);
    assert_int_equal(bfci_pread(s->fd, &byte, 1, 0, &got, &err), BFC_E_INVALID); /* a folder */
    assert_int_equal(bfci_fdatasync(-1, &err), BFC_E_IO);
    assert_int_equal(bfci_fsync(-1, &err), BFC_E_IO);
    assert_int_equal(bfci_fstat(-1, &st, &err), BFC_E_IO);
    assert_int_equal(bfci_lock(-1, true, false, &err), BFC_E_IO);
    assert_int_equal(bfci_stat_at(s->fd, "none", 0, &st, &err), BFC_E_NOT_FOUND);
}

static void test_file__sync(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int fd = open_rw(s, "a");
    assert_int_equal(bfci_fdatasync(fd, NULL), 0);
    assert_int_equal(bfci_fsync(fd, NULL), 0);
    assert_int_equal(bfci_fsync(s->fd, NULL), 0);
}

static void test_file__read_whole(void **state)
{
    struct scratch *s = *state;
    AUTO_FREE char *text = NULL;
    bfc_err err = BFC_ERR_INIT;
    size_t got = 0;
    assert_int_equal(bfci_alloc(10001, 1, &text, NULL), 0);
    for (size_t i = 0; i < 10000; i++)
        text[i] = (char)('a' + i % 26);
    text[10000] = '\0';
    scratch_file(s, "big", text);
    scratch_file(s, "empty", "");
    scratch_expect(s, "big", text);
    scratch_expect(s, "empty", "");

    uint8_t *data = NULL;
    assert_int_equal(bfci_read_file(s->fd, "big", 10000, &data, &got, NULL), 0);
    assert_int_equal(got, 10000);
    free(data);
    data = NULL;
    assert_int_equal(bfci_read_file(s->fd, "big", 9999, &data, &got, &err), BFC_E_LIMIT);
    assert_string_equal(err.msg, "'big': larger than 9999 bytes");
    assert_int_equal(bfci_read_file(s->fd, "none", 1, &data, &got, &err), BFC_E_NOT_FOUND);
    assert_null(data);
    assert_int_equal(bfci_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &got, NULL), 0);
    assert_true(got > 0);
    free(data);
}

static void test_file__locks(void **state)
{
    struct scratch *s = *state;
    AUTO_FD int a = open_rw(s, "a"), b = open_rw(s, "a");
    bfc_err err = BFC_ERR_INIT;
    assert_int_equal(bfci_lock(a, true, false, NULL), 0);
    assert_int_equal(bfci_lock(b, true, false, &err), BFC_E_BUSY);
    assert_string_equal(err.msg, "somebody else holds the lock");
    assert_int_equal(bfci_lock(b, false, false, NULL), BFC_E_BUSY);
    assert_int_equal(bfci_lock(a, false, true, NULL), 0);
    assert_int_equal(bfci_lock(b, false, false, NULL), 0);
    assert_int_equal(bfci_lock(b, true, false, NULL), BFC_E_BUSY);
    bfci_fd_close(&a);
    assert_int_equal(bfci_lock(b, true, false, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_file__open_tells_the_path), SCRATCH_TEST(test_file__close_keeps_errno),
        SCRATCH_TEST(test_file__read_and_write_at),   SCRATCH_TEST(test_file__absurd_offsets),
        SCRATCH_TEST(test_file__errors_have_codes),   SCRATCH_TEST(test_file__sync),
        SCRATCH_TEST(test_file__read_whole),          SCRATCH_TEST(test_file__locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
