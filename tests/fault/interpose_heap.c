/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations: failed by the plan, and remembered until they are freed, so that what is left at the
 * end can be reported. Only those that the subject's own code asked for are remembered. */
#include "interpose.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLER __builtin_return_address(0)
#define EXPORT __attribute__((visibility("default")))

enum {
    SLOTS = 1 << 16,
    EARLY = 8192
};

typedef struct slot {
    void *pointer; /* NULL: never used; FREED: used before */
    const void *caller;
    size_t len;
} slot;

static char freed_mark;
#define FREED ((void *)&freed_mark)

static slot table[SLOTS];
static size_t used_slots;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    void (*free)(void *);
    bool looking;
} next;

/* What dlsym() itself may ask for, before we know whom to ask; it is never given back. */
static _Alignas(16) char early[EARLY];
static size_t early_used;

static void *early_alloc(size_t len)
{
    size_t at = early_used;
    len = (len + 15) & ~(size_t)15;
    if (len > EARLY - at)
        return NULL;
    early_used += len;
    return early + at;
}

static bool is_early(const void *p)
{
    return (const char *)p >= early && (const char *)p < early + EARLY;
}

static bool look_up(void)
{
    if (next.free)
        return true;
    if (next.looking)
        return false;
    next.looking = true;
    fault_next("malloc", &next.malloc);
    fault_next("calloc", &next.calloc);
    fault_next("realloc", &next.realloc);
    fault_next("mmap", &next.mmap);
    fault_next("munmap", &next.munmap);
    fault_next("free", &next.free);
    next.looking = false;
    return true;
}

static slot *find(const void *p, bool for_new)
{
    size_t at = ((uintptr_t)p >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 48;
    for (size_t i = 0; i < SLOTS; i++) {
        slot *s = &table[(at + i) % SLOTS];
        if (s->pointer == p || (for_new && s->pointer == FREED))
            return s;
        if (!s->pointer)
            return for_new ? s : NULL;
    }
    return NULL;
}

static void remember(void *p, size_t len, const void *caller)
{
    if (!p || !fault_is_subject(caller))
        return;
    pthread_mutex_lock(&lock);
    slot *s = find(p, true);
    if (s) {
        used_slots += s->pointer == NULL;
        *s = (slot){p, caller, len};
    }
    pthread_mutex_unlock(&lock);
}

static void forget(const void *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&lock);
    slot *s = find(p, false);
    if (s)
        s->pointer = FREED;
    pthread_mutex_unlock(&lock);
}

/* `caller` may ask for memory? */
static bool refused(const void *caller)
{
    if (fault_check(FAULT_alloc, caller, -1, NULL) <= 0)
        return false;
    errno = ENOMEM;
    return true;
}

EXPORT void *malloc(size_t len)
{
    if (!look_up())
        return early_alloc(len);
    if (refused(CALLER))
        return NULL;
    void *p = next.malloc(len);
    remember(p, len, CALLER);
    return p;
}

EXPORT void *calloc(size_t count, size_t size)
{
    if (!look_up())
        return early_alloc(count * size);
    if (refused(CALLER))
        return NULL;
    void *p = next.calloc(count, size);
    remember(p, count * size, CALLER);
    return p;
}

static void *map(void *at, size_t len, int access, int flags, int fd, off_t offset,
                 const void *caller)
{
    if (!look_up())
        return (void *)syscall(SYS_mmap, at, len, access, flags, fd, offset);
    if (refused(caller))
        return MAP_FAILED;
    void *p = next.mmap(at, len, access, flags, fd, offset);
    remember(p == MAP_FAILED ? NULL : p, len, caller);
    return p;
}

/* Memory: the program maps no files. */
EXPORT void *mmap(void *at, size_t len, int access, int flags, int fd, off_t offset)
{
    return map(at, len, access, flags, fd, offset, CALLER);
}

EXPORT void *mmap64(void *at, size_t len, int access, int flags, int fd, off_t offset)
{
    return map(at, len, access, flags, fd, offset, CALLER);
}

EXPORT int munmap(void *at, size_t len)
{
    if (!look_up())
        return (int)syscall(SYS_munmap, at, len);
    forget(at);
    return next.munmap(at, len);
}

EXPORT void *realloc(void *old, size_t len)
{
    if (!look_up())
        return NULL;
    if (is_early(old)) {
        void *moved = next.malloc(len);
        size_t rest = (size_t)(early + EARLY - (char *)old);
        if (moved)
            memcpy(moved, old, len < rest ? len : rest);
        return moved;
    }
    if (refused(CALLER))
        return NULL;
    /* Taken out before, not after: another thread may be given the old place at once. */
    forget(old);
    void *p = next.realloc(old, len);
    remember(p ? p : old, len, CALLER);
    return p;
}

EXPORT void free(void *p)
{
    if (!p || is_early(p) || !look_up())
        return;
    forget(p);
    next.free(p);
}

void heap_report(int fd)
{
    size_t told = 0;

    if (used_slots > SLOTS / 2)
        report_line(fd, "heap-table-full\n");
    for (size_t i = 0; i < SLOTS && told < 20; i++) {
        if (!table[i].pointer || table[i].pointer == FREED)
            continue;
        report_line(fd, "leak %zu bytes from %p\n", table[i].len, table[i].caller);
        told++;
    }
}
