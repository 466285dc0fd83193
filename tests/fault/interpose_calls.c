/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that are taken: each asks the plan, calls the C library's own function, and
 * tells the recorder what has changed on the disk. Every name by which the C library knows a call
 * is here; that none is missing is checked by the tests (`nm` of the program). */
#include "interpose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

#define CALLER __builtin_return_address(0)
#define EXPORT __attribute__((visibility("default")))

/* Leaves with -1 if this call is to fail; `short_len` is cut where it is to do less. */
#define FAIL_HERE(kind, fd, path)                                                                  \
    do {                                                                                           \
        int error_ = fault_check(FAULT_##kind, CALLER, (fd), (path));                              \
        if (error_ > 0) {                                                                          \
            errno = error_;                                                                        \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

/* The same for transfers: half is done where less is to be done. */
#define FAIL_OR_CUT(kind, fd, len)                                                                 \
    do {                                                                                           \
        int error_ = fault_check(FAULT_##kind, CALLER, (fd), NULL);                                \
        if (error_ > 0) {                                                                          \
            errno = error_;                                                                        \
            return -1;                                                                             \
        }                                                                                          \
        if (error_ == FAULT_SHORT && (len) > 1)                                                    \
            (len) /= 2;                                                                            \
    } while (0)

/* The C library's function of the same name, looked up once. */
#define NEXT(type, name, params)                                                                   \
    static type(*next) params;                                                                     \
    if (!next)                                                                                     \
    fault_next(#name, &next)

#define TAKE(type, name, params, args, kind, fd, path)                                             \
    EXPORT type name params;                                                                       \
    EXPORT type name params                                                                        \
    {                                                                                              \
        NEXT(type, name, params);                                                                  \
        FAIL_HERE(kind, fd, path);                                                                 \
        return next args;                                                                          \
    }

/* ── Opening and closing ── */

static enum fault_kind kind_of_open(int flags)
{
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return FAULT_tmpfile;
    return flags & O_CREAT ? FAULT_create : FAULT_open;
}

static bool is_there(int dir_fd, const char *path)
{
    return syscall(SYS_faccessat, dir_fd, path, F_OK) == 0;
}

typedef int open_fn(int, const char *, int, ...);

static int open_checked(open_fn *next, int dir_fd, const char *path, int flags, unsigned mode,
                        const void *caller)
{
    int error = fault_check(kind_of_open(flags), caller, -1, path);
    if (error > 0) {
        errno = error;
        return -1;
    }
    bool fresh = record_is_on() && (flags & O_CREAT) && !is_there(dir_fd, path);
    int fd = next(dir_fd, path, flags, mode);
    if (fresh && fd >= 0)
        record_created(fd, dir_fd, path);
    return fd;
}

static bool has_mode(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

#define TAKE_MODE                                                                                  \
    unsigned mode = 0;                                                                             \
    if (has_mode(flags)) {                                                                         \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = va_arg(rest, unsigned);                                                             \
        va_end(rest);                                                                              \
    }

#define TAKE_OPENAT(name)                                                                          \
    EXPORT int name(int dir_fd, const char *path, int flags, ...);                                 \
    EXPORT int name(int dir_fd, const char *path, int flags, ...)                                  \
    {                                                                                              \
        NEXT(int, openat64, (int, const char *, int, ...));                                        \
        TAKE_MODE                                                                                  \
        return open_checked(next, dir_fd, path, flags, mode, CALLER);                              \
    }

#define TAKE_OPEN(name)                                                                            \
    EXPORT int name(const char *path, int flags, ...);                                             \
    EXPORT int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        NEXT(int, openat64, (int, const char *, int, ...));                                        \
        TAKE_MODE                                                                                  \
        return open_checked(next, AT_FDCWD, path, flags, mode, CALLER);                            \
    }

TAKE_OPENAT(openat)
TAKE_OPENAT(openat64)
TAKE_OPEN(open)
TAKE_OPEN(open64)

TAKE(int, mkostemp, (char *path, int flags), (path, flags), open, -1, path)
TAKE(int, mkostemp64, (char *path, int flags), (path, flags), open, -1, path)

/* openat2() has no function in the C library; the others that come through here are let pass. */
EXPORT long syscall(long number, ...);
EXPORT long syscall(long number, ...)
{
    NEXT(long, syscall, (long, ...));
    va_list rest;
    long a[6];

    va_start(rest, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_openat2)
        FAIL_HERE(openat2, -1, (const char *)a[1]);
    return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Linux closes a descriptor also when it reports an error. */
EXPORT int close(int fd);
EXPORT int close(int fd)
{
    NEXT(int, close, (int));
    int error = fault_check(FAULT_close, CALLER, fd, NULL);
    int rc = next(fd);
    if (error > 0) {
        errno = error;
        return -1;
    }
    return rc;
}

/* ── Content ── */

EXPORT ssize_t read(int fd, void *bytes, size_t len);
EXPORT ssize_t read(int fd, void *bytes, size_t len)
{
    NEXT(ssize_t, read, (int, void *, size_t));
    FAIL_OR_CUT(read, fd, len);
    return next(fd, bytes, len);
}

#define TAKE_PREAD(name)                                                                           \
    EXPORT ssize_t name(int fd, void *bytes, size_t len, off_t offset);                            \
    EXPORT ssize_t name(int fd, void *bytes, size_t len, off_t offset)                             \
    {                                                                                              \
        NEXT(ssize_t, name, (int, void *, size_t, off_t));                                         \
        FAIL_OR_CUT(pread, fd, len);                                                               \
        return next(fd, bytes, len, offset);                                                       \
    }

TAKE_PREAD(pread)
TAKE_PREAD(pread64)

EXPORT ssize_t write(int fd, const void *bytes, size_t len);
EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    NEXT(ssize_t, write, (int, const void *, size_t));
    FAIL_OR_CUT(write, fd, len);
    off_t at = record_is_on() ? lseek(fd, 0, SEEK_CUR) : -1;
    ssize_t n = next(fd, bytes, len);
    if (n > 0 && at >= 0)
        record_write(fd, (uint64_t)at, bytes, (size_t)n);
    return n;
}

#define TAKE_PWRITE(name)                                                                          \
    EXPORT ssize_t name(int fd, const void *bytes, size_t len, off_t offset);                      \
    EXPORT ssize_t name(int fd, const void *bytes, size_t len, off_t offset)                       \
    {                                                                                              \
        NEXT(ssize_t, name, (int, const void *, size_t, off_t));                                   \
        FAIL_OR_CUT(pwrite, fd, len);                                                              \
        ssize_t n = next(fd, bytes, len, offset);                                                  \
        if (n > 0)                                                                                 \
            record_write(fd, (uint64_t)offset, bytes, (size_t)n);                                  \
        return n;                                                                                  \
    }

TAKE_PWRITE(pwrite)
TAKE_PWRITE(pwrite64)

#define TAKE_FTRUNCATE(name)                                                                       \
    EXPORT int name(int fd, off_t size);                                                           \
    EXPORT int name(int fd, off_t size)                                                            \
    {                                                                                              \
        NEXT(int, name, (int, off_t));                                                             \
        FAIL_HERE(ftruncate, fd, NULL);                                                            \
        int rc = next(fd, size);                                                                   \
        if (rc == 0)                                                                               \
            record_truncate(fd, (uint64_t)size);                                                   \
        return rc;                                                                                 \
    }

TAKE_FTRUNCATE(ftruncate)
TAKE_FTRUNCATE(ftruncate64)

#define TAKE_SYNC(name)                                                                            \
    EXPORT int name(int fd);                                                                       \
    EXPORT int name(int fd)                                                                        \
    {                                                                                              \
        NEXT(int, name, (int));                                                                    \
        FAIL_HERE(name, fd, NULL);                                                                 \
        int rc = next(fd);                                                                         \
        if (rc == 0)                                                                               \
            record_sync(fd);                                                                       \
        return rc;                                                                                 \
    }

TAKE_SYNC(fsync)
TAKE_SYNC(fdatasync)

/* ── Looking ── */

TAKE(int, fstat, (int fd, struct stat *st), (fd, st), stat, fd, NULL)
TAKE(int, fstat64, (int fd, struct stat64 *st), (fd, st), stat, fd, NULL)
TAKE(int, stat, (const char *path, struct stat *st), (path, st), stat, -1, path)
TAKE(int, stat64, (const char *path, struct stat64 *st), (path, st), stat, -1, path)
TAKE(int, lstat, (const char *path, struct stat *st), (path, st), stat, -1, path)
TAKE(int, lstat64, (const char *path, struct stat64 *st), (path, st), stat, -1, path)
TAKE(int, fstatat, (int dir, const char *path, struct stat *st, int flags), (dir, path, st, flags),
     stat, -1, path)
TAKE(int, fstatat64, (int dir, const char *path, struct stat64 *st, int flags),
     (dir, path, st, flags), stat, -1, path)
TAKE(int, statx, (int dir, const char *path, int flags, unsigned mask, struct statx *st),
     (dir, path, flags, mask, st), stat, -1, path)
TAKE(int, access, (const char *path, int mode), (path, mode), access, -1, path)
TAKE(int, faccessat, (int dir, const char *path, int mode, int flags), (dir, path, mode, flags),
     access, -1, path)
TAKE(ssize_t, getdents64, (int fd, void *batch, size_t len), (fd, batch, len), getdents, fd, NULL)
TAKE(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence), lseek, fd, NULL)
TAKE(off_t, lseek64, (int fd, off_t offset, int whence), (fd, offset, whence), lseek, fd, NULL)
TAKE(ssize_t, readlink, (const char *path, char *out, size_t len), (path, out, len), readlink, -1,
     path)
TAKE(ssize_t, readlinkat, (int dir, const char *path, char *out, size_t len), (dir, path, out, len),
     readlink, -1, path)
TAKE(int, statvfs64, (const char *path, struct statvfs64 *st), (path, st), statvfs, -1, path)
TAKE(int, fstatvfs64, (int fd, struct statvfs64 *st), (fd, st), statvfs, fd, NULL)
TAKE(int, statvfs, (const char *path, struct statvfs *st), (path, st), statvfs, -1, path)
TAKE(int, fstatvfs, (int fd, struct statvfs *st), (fd, st), statvfs, fd, NULL)
TAKE(int, fstatfs64, (int fd, struct statfs64 *st), (fd, st), statfs, fd, NULL)
TAKE(int, fstatfs, (int fd, struct statfs *st), (fd, st), statfs, fd, NULL)

EXPORT char *getcwd(char *out, size_t len);
EXPORT char *getcwd(char *out, size_t len)
{
    NEXT(char *, getcwd, (char *, size_t));
    int error = fault_check(FAULT_getcwd, CALLER, -1, NULL);
    if (error <= 0)
        return next(out, len);
    errno = error;
    return NULL;
}

EXPORT char *realpath(const char *path, char *out);
EXPORT char *realpath(const char *path, char *out)
{
    NEXT(char *, realpath, (const char *, char *));
    int error = fault_check(FAULT_realpath, CALLER, -1, path);
    if (error <= 0)
        return next(path, out);
    errno = error;
    return NULL;
}

/* ── Attributes ── */

TAKE(ssize_t, fgetxattr, (int fd, const char *name, void *out, size_t len), (fd, name, out, len),
     getxattr, fd, NULL)
TAKE(ssize_t, getxattr, (const char *path, const char *name, void *out, size_t len),
     (path, name, out, len), getxattr, -1, path)
TAKE(ssize_t, lgetxattr, (const char *path, const char *name, void *out, size_t len),
     (path, name, out, len), getxattr, -1, path)
TAKE(ssize_t, flistxattr, (int fd, char *out, size_t len), (fd, out, len), listxattr, fd, NULL)
TAKE(ssize_t, listxattr, (const char *path, char *out, size_t len), (path, out, len), listxattr, -1,
     path)
TAKE(ssize_t, llistxattr, (const char *path, char *out, size_t len), (path, out, len), listxattr,
     -1, path)
TAKE(int, fsetxattr, (int fd, const char *name, const void *value, size_t len, int flags),
     (fd, name, value, len, flags), setxattr, fd, NULL)
TAKE(int, setxattr, (const char *path, const char *name, const void *value, size_t len, int flags),
     (path, name, value, len, flags), setxattr, -1, path)
TAKE(int, lsetxattr, (const char *path, const char *name, const void *value, size_t len, int flags),
     (path, name, value, len, flags), setxattr, -1, path)
TAKE(int, fremovexattr, (int fd, const char *name), (fd, name), removexattr, fd, NULL)
TAKE(int, lremovexattr, (const char *path, const char *name), (path, name), removexattr, -1, path)
TAKE(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), chown, fd, NULL)
TAKE(int, lchown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid), chown, -1, path)
TAKE(int, fchownat, (int dir, const char *path, uid_t uid, gid_t gid, int flags),
     (dir, path, uid, gid, flags), chown, -1, path)
TAKE(int, chmod, (const char *path, mode_t mode), (path, mode), chmod, -1, path)
TAKE(int, fchmod, (int fd, mode_t mode), (fd, mode), chmod, fd, NULL)
TAKE(int, fchmodat, (int dir, const char *path, mode_t mode, int flags), (dir, path, mode, flags),
     chmod, -1, path)
TAKE(int, futimens, (int fd, const struct timespec times[2]), (fd, times), utimens, fd, NULL)
TAKE(int, utimensat, (int dir, const char *path, const struct timespec times[2], int flags),
     (dir, path, times, flags), utimens, -1, path)

/* ── Names ── */

TAKE(int, mkdir, (const char *path, mode_t mode), (path, mode), mkdir, -1, path)
TAKE(int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), mkdir, -1, path)
TAKE(int, symlink, (const char *target, const char *path), (target, path), symlink, -1, path)
TAKE(int, symlinkat, (const char *target, int dir, const char *path), (target, dir, path), symlink,
     -1, path)
TAKE(int, mknod, (const char *path, mode_t mode, dev_t device), (path, mode, device), mknod, -1,
     path)
TAKE(int, mknodat, (int dir, const char *path, mode_t mode, dev_t device),
     (dir, path, mode, device), mknod, -1, path)

/* A change of names, which the recorder is told when it has happened. */
#define TAKE_NAME(name, params, args, kind, path, record)                                          \
    EXPORT int name params;                                                                        \
    EXPORT int name params                                                                         \
    {                                                                                              \
        NEXT(int, name, params);                                                                   \
        FAIL_HERE(kind, -1, path);                                                                 \
        int rc = next args;                                                                        \
        if (rc == 0)                                                                               \
            record;                                                                                \
        return rc;                                                                                 \
    }

TAKE_NAME(link, (const char *from, const char *to), (from, to), link, to,
          record_link(AT_FDCWD, from, AT_FDCWD, to))
TAKE_NAME(linkat, (int from_dir, const char *from, int to_dir, const char *to, int flags),
          (from_dir, from, to_dir, to, flags), link, to, record_link(from_dir, from, to_dir, to))
TAKE_NAME(rename, (const char *from, const char *to), (from, to), rename, to,
          record_rename(AT_FDCWD, from, AT_FDCWD, to))
TAKE_NAME(renameat, (int from_dir, const char *from, int to_dir, const char *to),
          (from_dir, from, to_dir, to), rename, to, record_rename(from_dir, from, to_dir, to))
TAKE_NAME(unlink, (const char *path), (path), unlink, path, record_unlink(AT_FDCWD, path))
TAKE_NAME(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), unlink, path,
          record_unlink(dir, path))
TAKE_NAME(rmdir, (const char *path), (path), unlink, path, record_unlink(AT_FDCWD, path))

/* RENAME_NOREPLACE is a kind of its own, since not every file system has it. */
EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    NEXT(int, renameat2, (int, const char *, int, const char *, unsigned));
    FAIL_HERE(rename2, -1, to);
    int rc = next(from_dir, from, to_dir, to, flags);
    if (rc == 0)
        record_rename(from_dir, from, to_dir, to);
    return rc;
}

/* ── The rest ── */

TAKE(int, flock, (int fd, int operation), (fd, operation), flock, fd, NULL)

EXPORT ssize_t getrandom(void *bytes, size_t len, unsigned flags);
EXPORT ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    NEXT(ssize_t, getrandom, (void *, size_t, unsigned));
    FAIL_OR_CUT(getrandom, -1, len);
    if (!fault_is_fixed(CALLER))
        return next(bytes, len, flags);
    static uint64_t state; /* a stream of bytes: the same however it is cut */
    for (size_t i = 0; i < len; i++) {
        uint64_t n = __atomic_add_fetch(&state, 1, __ATOMIC_RELAXED) * UINT64_C(0x9e3779b97f4a7c15);
        ((unsigned char *)bytes)[i] =
            (unsigned char)((n ^ n >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 56);
    }
    return (ssize_t)len;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *out);
EXPORT int clock_gettime(clockid_t clock, struct timespec *out)
{
    NEXT(int, clock_gettime, (clockid_t, struct timespec *));
    if (clock != CLOCK_REALTIME || !fault_is_fixed(CALLER))
        return next(clock, out);
    *out = (struct timespec){1700000000, 123456789};
    return 0;
}

EXPORT int ioctl(int fd, unsigned long request, ...);
EXPORT int ioctl(int fd, unsigned long request, ...)
{
    NEXT(int, ioctl, (int, unsigned long, ...));
    va_list rest;
    va_start(rest, request);
    void *arg = va_arg(rest, void *);
    va_end(rest);
    FAIL_HERE(ioctl, fd, NULL);
    return next(fd, request, arg);
}

/* ── Other programs: what their process does before exec is taken, too, but counted there ── */

TAKE(pid_t, fork, (void), (), fork, -1, NULL)
TAKE(int, execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp),
     exec, -1, path)
TAKE(int, pipe2, (int ends[2], int flags), (ends, flags), pipe, -1, NULL)
TAKE(int, dup3, (int fd, int to, int flags), (fd, to, flags), dup, fd, NULL)
TAKE(int, poll, (struct pollfd set[], nfds_t count, int wait_ms), (set, count, wait_ms), poll, -1,
     NULL)
TAKE(int, waitid, (idtype_t type, id_t id, siginfo_t *out, int flags), (type, id, out, flags), wait,
     -1, NULL)
TAKE(int, setpgid, (pid_t pid, pid_t group), (pid, group), group, -1, NULL)

#define TAKE_FCNTL(name)                                                                           \
    EXPORT int name(int fd, int command, ...);                                                     \
    EXPORT int name(int fd, int command, ...)                                                      \
    {                                                                                              \
        NEXT(int, name, (int, int, ...));                                                          \
        va_list rest;                                                                              \
        va_start(rest, command);                                                                   \
        void *arg = va_arg(rest, void *);                                                          \
        va_end(rest);                                                                              \
        FAIL_HERE(dup, fd, NULL);                                                                  \
        return next(fd, command, arg);                                                             \
    }

TAKE_FCNTL(fcntl)
TAKE_FCNTL(fcntl64)

/* ── Threads ── */

typedef struct thread_start {
    void *(*run)(void *);
    void *arg;
    unsigned number;
} thread_start;

static void *run_thread(void *arg)
{
    thread_start start = *(thread_start *)arg;

    free(arg);
    fault_thread = start.number;
    return start.run(start.arg);
}

/* Numbers the threads in the order in which they are made. */
EXPORT int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
EXPORT int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    static unsigned threads;
    NEXT(int, pthread_create, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *));
    int error = fault_check(FAULT_thread, CALLER, -1, NULL);
    if (error > 0)
        return error;
    thread_start *start = malloc(sizeof *start);
    if (!start)
        return EAGAIN;
    *start = (thread_start){run, arg, __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED)};
    int rc = next(out, attr, run_thread, start);
    if (rc != 0)
        free(start);
    return rc;
}
