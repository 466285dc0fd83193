/* SPDX-License-Identifier: Apache-2.0 */
/* The log of what a disk would have seen, in order: files made, bytes written, sizes set, syncs,
 * names changed. A file is known by its inode number, a name by its folder's. tests/crash replays
 * it.
 *
 * Records are: one letter, then the numbers and byte strings of the table in tests/crash/disk.py,
 * little-endian, strings behind a 32-bit length. */
#include "interpose.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int log_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool record_is_on(void)
{
    return log_fd >= 0;
}

void record_start(const char *path)
{
    log_fd =
        (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) {
        report_line(STDERR_FILENO, "interpose: cannot open '%s'\n", path);
        _exit(125);
    }
}

/* ── Writing ── */

static void put(const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len > 0) {
        long n = syscall(SYS_write, log_fd, p, len);
        if (n <= 0) {
            report_line(STDERR_FILENO, "interpose: cannot write the record\n");
            _exit(125);
        }
        p += n;
        len -= (size_t)n;
    }
}

static void put_number(uint64_t n)
{
    put(&n, sizeof n);
}

static void put_bytes(const void *bytes, size_t len)
{
    uint32_t n = (uint32_t)len;
    put(&n, sizeof n);
    put(bytes, len);
}

static void put_kind(char kind)
{
    put(&kind, 1);
}

/* ── Inodes and names ── */

static bool stat_raw(int dir_fd, const char *path, int flags, struct stat *st)
{
    return syscall(SYS_newfstatat, dir_fd, path, st, flags) == 0;
}

static bool file_of(int fd, struct stat *st)
{
    return log_fd >= 0 && stat_raw(fd, "", AT_EMPTY_PATH, st);
}

/* The inode number of the folder that `path` stands in, 0 if it is not there. */
static uint64_t folder_of(int dir_fd, const char *path)
{
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (slash && (size_t)(slash - path) + 1 < sizeof folder) {
        size_t len = slash == path ? 1 : (size_t)(slash - path);
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    return stat_raw(dir_fd, folder, 0, &st) ? st.st_ino : 0;
}

static void put_place(int dir_fd, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    put_number(folder_of(dir_fd, path));
    put_bytes(name, strlen(name));
}

/* ── Events ── */

void record_created(int fd, int dir_fd, const char *path)
{
    struct stat st;
    if (!file_of(fd, &st))
        return;
    pthread_mutex_lock(&lock);
    put_kind('C');
    put_number(st.st_ino);
    put_place(dir_fd, path);
    pthread_mutex_unlock(&lock);
}

void record_write(int fd, uint64_t offset, const void *bytes, size_t len)
{
    struct stat st;
    if (!file_of(fd, &st) || !S_ISREG(st.st_mode))
        return;
    pthread_mutex_lock(&lock);
    put_kind('W');
    put_number(st.st_ino);
    put_number(offset);
    put_bytes(bytes, len);
    pthread_mutex_unlock(&lock);
}

void record_truncate(int fd, uint64_t size)
{
    struct stat st;
    if (!file_of(fd, &st))
        return;
    pthread_mutex_lock(&lock);
    put_kind('T');
    put_number(st.st_ino);
    put_number(size);
    pthread_mutex_unlock(&lock);
}

void record_sync(int fd)
{
    struct stat st;
    if (!file_of(fd, &st))
        return;
    pthread_mutex_lock(&lock);
    put_kind('S');
    put_number(st.st_ino);
    pthread_mutex_unlock(&lock);
}

static void put_two_places(char kind, int from_dir, const char *from, int to_dir, const char *to)
{
    if (log_fd < 0)
        return;
    pthread_mutex_lock(&lock);
    put_kind(kind);
    put_place(from_dir, from);
    put_place(to_dir, to);
    pthread_mutex_unlock(&lock);
}

void record_rename(int from_dir, const char *from, int to_dir, const char *to)
{
    put_two_places('R', from_dir, from, to_dir, to);
}

void record_link(int from_dir, const char *from, int to_dir, const char *to)
{
    put_two_places('L', from_dir, from, to_dir, to);
}

void record_unlink(int dir_fd, const char *path)
{
    if (log_fd < 0)
        return;
    pthread_mutex_lock(&lock);
    put_kind('U');
    put_place(dir_fd, path);
    pthread_mutex_unlock(&lock);
}
