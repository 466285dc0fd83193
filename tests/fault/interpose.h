/* SPDX-License-Identifier: Apache-2.0 */
/* The preloaded library's inner contract: which calls it takes, and what its parts ask of each
 * other. */
#ifndef BFC_TESTS_INTERPOSE_H
#define BFC_TESTS_INTERPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Kinds of calls, as the plan and the report name them. Those that make something are told from
 * those that only look, since only they can run out of space. */
/* clang-format off */
#define FAULT_KINDS(X)                                                                          \
    X(open) X(create) X(tmpfile) X(openat2) X(close) X(read) X(pread) X(write) X(pwrite)        \
    X(fsync) X(fdatasync) X(ftruncate) X(stat) X(access) X(getdents) X(lseek) X(readlink)       \
    X(getxattr) X(listxattr) X(setxattr) X(removexattr) X(mkdir) X(symlink) X(mknod) X(link)    \
    X(rename) X(rename2) X(unlink) X(chown) X(chmod) X(utimens) X(flock) X(getrandom) X(statvfs) X(statfs)\
    X(ioctl) X(getcwd) X(realpath) X(pipe) X(dup) X(poll) X(fork) X(exec) X(group) X(wait)      \
    X(thread) X(alloc)
/* clang-format on */

enum fault_kind {
#define X(name) FAULT_##name,
    FAULT_KINDS(X)
#undef X
    FAULT_KIND_COUNT
};

enum {
    FAULT_SHORT = -1
}; /* instead of an error number: do less than was asked for */

/* Finds the function of the C library that ours stands before; `function` points to a pointer to
 * it. */
void fault_next(const char *name, void *function);

/* Counts a call that came from `caller`; what is to become of it: 0, an error number, or
 * FAULT_SHORT. `fd` and `path` are for the report; -1 and NULL where there are none. */
int fault_check(enum fault_kind kind, const void *caller, int fd, const char *path);

/* True for code of the program under test, and of the libraries whose memory is to be seen. */
bool fault_is_subject(const void *caller);
bool fault_is_allocator(const void *caller);

/* True if clock and randomness are to be the same in every run. */
bool fault_is_fixed(const void *caller);

/* The number of the calling thread: 0, then in the order of pthread_create(). */
extern __thread unsigned fault_thread __attribute__((tls_model("initial-exec")));

/* The log of what a disk would have seen; all do nothing when nothing is recorded. */
void record_start(const char *path);
void record_created(int fd, int dir_fd, const char *path);
void record_write(int fd, uint64_t offset, const void *bytes, size_t len);
void record_truncate(int fd, uint64_t size);
void record_sync(int fd);
void record_rename(int from_dir, const char *from, int to_dir, const char *to);
void record_link(int from_dir, const char *from, int to_dir, const char *to);
void record_unlink(int dir_fd, const char *path);
bool record_is_on(void);

/* Live allocations of the subject. */
void heap_report(int fd);

/* One line to a descriptor, cut at 4 KiB, without a call that we take. */
void report_line(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
