/* SPDX-License-Identifier: Apache-2.0 */
/* A library to preload (LD_PRELOAD) beneath the program under test: it counts the calls that the
 * program makes, fails the one that it was told to fail, and reports at the end. This file owns the
 * plan, the counting and the report; the calls themselves are in interpose_calls.c.
 *
 *   BFC_FAULT_PROGRAM=FILE          the program that is meant; in any other nothing is done
 *   BFC_FAULT=THREAD:KIND:N:ERROR   fail the Nth call of this kind in this thread with an error
 * number, or do less than was asked for (ERROR -1) BFC_FAULT_ALWAYS=KIND:ERROR,…   fail every call
 * of a kind: a system that does not have it BFC_FAULT_FIXED=1               the clock stands still
 * and random numbers are always the same BFC_FAULT_REPORT=FILE           what happened, a line
 * each: hit, count, fd, leak BFC_FAULT_RECORD=FILE           a log of all writes, syncs and names:
 * interpose_record.c
 *
 * Calls are counted by thread and kind, since threads run as they like but each does its own work
 * in order. Only calls of the program itself and of libbfc count, not those of the libraries that
 * it uses; of allocations, also those that zstd, jansson and the C library make for it. */
#include "interpose.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    THREADS_MAX = 16,
    FDS_MAX = 256,
    RANGES_MAX = 32,
    PATH_SHOWN = 512
};

__thread unsigned fault_thread;

typedef struct range {
    uintptr_t start, end;
} range;

static struct {
    bool active, fixed;
    unsigned thread, number;
    enum fault_kind kind;
    int error;
    int always[FAULT_KIND_COUNT];
    const char *report;
    bool hit;
    char hit_path[PATH_SHOWN];
    int hit_flags;
    unsigned count[THREADS_MAX][FAULT_KIND_COUNT];
    range subject[RANGES_MAX], allocator[RANGES_MAX];
    size_t subjects, allocators;
    bool fd_was_open[FDS_MAX];
} plan;

static const char *const kind_name[FAULT_KIND_COUNT] = {
#define X(name) [FAULT_##name] = #name,
    FAULT_KINDS(X)
#undef X
};

void fault_next(const char *name, void *function)
{
    void *found = dlsym(RTLD_NEXT, name);
    memcpy(function, &found, sizeof found); /* ISO C has no cast from one to the other */
}

void report_line(int fd, const char *format, ...)
{
    char line[4096];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len > 0)
        (void)syscall(SYS_write, fd, line,
                      (size_t)len < sizeof line ? (size_t)len : sizeof line - 1);
}

/* ── Whose call is it ── */

static bool in_ranges(const range *r, size_t count, const void *address)
{
    for (size_t i = 0; i < count; i++)
        if ((uintptr_t)address >= r[i].start && (uintptr_t)address < r[i].end)
            return true;
    return false;
}

bool fault_is_subject(const void *caller)
{
    return in_ranges(plan.subject, plan.subjects, caller);
}

bool fault_is_allocator(const void *caller)
{
    return in_ranges(plan.allocator, plan.allocators, caller);
}

bool fault_is_fixed(const void *caller)
{
    return plan.fixed && fault_is_subject(caller);
}

static bool names_one_of(const char *path, const char *const *names)
{
    for (; *names; names++)
        if (strstr(path, *names))
            return true;
    return false;
}

static int note_module(struct dl_phdr_info *info, size_t size, void *ctx)
{
    static const char *const own[] = {"/libbfc.so", NULL};
    static const char *const helpers[] = {"/libzstd.so", "/libjansson.so", "/libisal.so",
                                          "/libc.so", NULL};
    bool is_program = info->dlpi_name[0] == '\0' && *(size_t *)ctx == 0;
    bool subject = is_program || names_one_of(info->dlpi_name, own);
    bool allocator = subject || names_one_of(info->dlpi_name, helpers);

    (void)size;
    ++*(size_t *)ctx;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type != PT_LOAD || !(h->p_flags & PF_X))
            continue;
        range r = {info->dlpi_addr + h->p_vaddr, info->dlpi_addr + h->p_vaddr + h->p_memsz};
        if (subject && plan.subjects < RANGES_MAX)
            plan.subject[plan.subjects++] = r;
        if (allocator && plan.allocators < RANGES_MAX)
            plan.allocator[plan.allocators++] = r;
    }
    return 0;
}

/* ── Counting ── */

static void keep_hit(int fd, const char *path)
{
    char link[64];

    plan.hit = true;
    if (fd >= 0) {
        plan.hit_flags = (int)syscall(SYS_fcntl, fd, F_GETFL, 0);
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        (void)syscall(SYS_readlinkat, AT_FDCWD, link, plan.hit_path, sizeof plan.hit_path - 1);
    }
    if (path)
        snprintf(plan.hit_path, sizeof plan.hit_path, "%s", path);
}

int fault_check(enum fault_kind kind, const void *caller, int fd, const char *path)
{
    if (!plan.active ||
        !(kind == FAULT_alloc ? fault_is_allocator(caller) : fault_is_subject(caller)))
        return 0;
    if (plan.always[kind])
        return plan.always[kind];
    if (fault_thread >= THREADS_MAX)
        return 0;
    unsigned n = ++plan.count[fault_thread][kind];
    if (kind != plan.kind || fault_thread != plan.thread || n != plan.number)
        return 0;
    keep_hit(fd, path);
    return plan.error;
}

/* ── The plan ── */

static bool parse_kind(const char *text, size_t len, enum fault_kind *out)
{
    for (int i = 0; i < FAULT_KIND_COUNT; i++)
        if (strlen(kind_name[i]) == len && memcmp(kind_name[i], text, len) == 0) {
            *out = (enum fault_kind)i;
            return true;
        }
    return false;
}

/* A plan that cannot be read must not look like one that found nothing. */
static void refuse(const char *variable, const char *text)
{
    report_line(STDERR_FILENO, "interpose: cannot read %s='%s'\n", variable, text);
    _exit(125);
}

static void parse_fault(const char *text)
{
    char *end = NULL;
    unsigned long thread = strtoul(text, &end, 10);
    const char *kind = *end == ':' ? end + 1 : end;
    const char *colon = strchr(kind, ':');

    if (!colon || !parse_kind(kind, (size_t)(colon - kind), &plan.kind))
        refuse("BFC_FAULT", text);
    plan.thread = (unsigned)thread;
    plan.number = (unsigned)strtoul(colon + 1, &end, 10);
    if (*end != ':')
        refuse("BFC_FAULT", text);
    plan.error = (int)strtol(end + 1, NULL, 10);
}

static void parse_always(const char *text)
{
    for (const char *at = text; *at;) {
        const char *colon = strchr(at, ':');
        enum fault_kind kind = FAULT_open;
        char *end = NULL;
        if (!colon || !parse_kind(at, (size_t)(colon - at), &kind))
            refuse("BFC_FAULT_ALWAYS", text);
        plan.always[kind] = (int)strtol(colon + 1, &end, 10);
        at = *end == ',' ? end + 1 : end;
    }
}

static bool fd_is_open(int fd)
{
    return syscall(SYS_fcntl, fd, F_GETFD, 0) >= 0;
}

/* What starts the program (a tool's shell script) has the same environment. */
static bool is_meant(void)
{
    const char *meant = getenv("BFC_FAULT_PROGRAM");
    char self[4096] = "";

    (void)syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof self - 1);
    return !meant || strcmp(meant, self) == 0;
}

__attribute__((constructor)) static void begin(void)
{
    if (!is_meant())
        return;
    size_t modules = 0;
    const char *fault = getenv("BFC_FAULT"), *always = getenv("BFC_FAULT_ALWAYS");
    const char *record = getenv("BFC_FAULT_RECORD");

    dl_iterate_phdr(note_module, &modules);
    if (fault)
        parse_fault(fault);
    if (always)
        parse_always(always);
    plan.fixed = getenv("BFC_FAULT_FIXED") != NULL;
    plan.report = getenv("BFC_FAULT_REPORT");
    for (int fd = 0; fd < FDS_MAX; fd++)
        plan.fd_was_open[fd] = fd_is_open(fd);
    if (record)
        record_start(record);
    plan.active = true;
}

/* ── The report ── */

static void report_fds(int to)
{
    for (int fd = 0; fd < FDS_MAX; fd++) {
        char link[64], path[PATH_SHOWN] = "";
        if (fd == to || plan.fd_was_open[fd] || !fd_is_open(fd))
            continue;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        (void)syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
        report_line(to, "fd %d %s\n", fd, path);
    }
}

__attribute__((destructor)) static void end(void)
{
    plan.active = false;
    if (!plan.report)
        return;
    int to = (int)syscall(SYS_openat, AT_FDCWD, plan.report, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (plan.hit)
        report_line(to, "hit %d %s\n", plan.hit_flags & O_ACCMODE, plan.hit_path);
    for (unsigned t = 0; t < THREADS_MAX; t++)
        for (int k = 0; k < FAULT_KIND_COUNT; k++)
            if (plan.count[t][k])
                report_line(to, "count %u %s %u\n", t, kind_name[k], plan.count[t][k]);
    if (!record_is_on())
        report_fds(to);
    heap_report(to);
    report_line(to, "end\n");
    (void)syscall(SYS_close, to);
}

/* An end without destructors is an end all the same. */
__attribute__((visibility("default"))) void _exit(int status)
{
    end();
    for (;;)
        (void)syscall(SYS_exit_group, status);
}
