/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: chunks of some large pages, from which buffers are cut one after the other. What is
 * not touched of a chunk costs addresses alone. */
#include "sys/arena.h"

#include <pthread.h>
#include <sys/mman.h>

/* An overrun must be seen here, too. */
#if defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#if SANITIZED
#include <sanitizer/asan_interface.h>
#define RED_ZONE 64
#else
#define ASAN_POISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(at, len) ((void)(at), (void)(len))
#define RED_ZONE 0
#endif

enum {
    LARGE_PAGE = 2 << 20,
    CHUNK = 8 << 20,
    LINE = 64,
    FIT_LEAST = 4096
};

typedef struct chunk {
    struct chunk *next;
    void *mapped; /* with a page more, so that `bytes` can begin where a large page does */
    uint8_t *bytes;
    size_t len, used;
} chunk;

struct bfci_arena {
    pthread_mutex_t lock; /* guards all below */
    chunk *newest;
};

int bfci_arena_new(bfci_arena **out, bfc_err *err)
{
    bfci_arena *a = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *a, &a, err));
    pthread_mutex_init(&a->lock, NULL);
    *out = a;
    return 0;
}

void bfci_arena_free(bfci_arena *a)
{
    if (!a)
        return;
    while (a->newest) {
        chunk *c = a->newest;
        a->newest = c->next;
        ASAN_UNPOISON_MEMORY_REGION(c->bytes, c->len);
        (void)munmap(c->mapped, c->len + LARGE_PAGE);
        free(c);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static int add_chunk(bfci_arena *a, size_t least, bfc_err *err)
{
    AUTO_FREE chunk *c = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->len = MAX(bfci_align_up(least, LARGE_PAGE), (uint64_t)CHUNK);
    c->mapped =
        mmap(NULL, c->len + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->mapped == MAP_FAILED)
        return bfci_fail_nomem(err);
    c->bytes = (uint8_t *)bfci_align_up((uintptr_t)c->mapped, LARGE_PAGE);
    (void)madvise(c->bytes, c->len, MADV_HUGEPAGE); /* small pages do as well */
    ASAN_POISON_MEMORY_REGION(c->bytes, c->len);
    c->next = a->newest;
    a->newest = bfci_steal(&c);
    return 0;
}

static int cut(bfci_arena *a, size_t size, void *out, bfc_err *err)
{
    const size_t step = bfci_align_up(size, LINE) + RED_ZONE;

    if (!a->newest || a->newest->len - a->newest->used < step)
        BFC_TRY(add_chunk(a, step, err));
    chunk *c = a->newest;
    uint8_t *at = c->bytes + c->used;
    c->used += step;
    ASAN_UNPOISON_MEMORY_REGION(at, size);
    *(void **)out = at;
    return 0;
}

int bfci_arena_take(bfci_arena *a, size_t size, void *out, bfc_err *err)
{
    if (size > SIZE_MAX / 2)
        return bfci_fail_nomem(err);
    pthread_mutex_lock(&a->lock);
    int rc = cut(a, size, out, err);
    pthread_mutex_unlock(&a->lock);
    return rc;
}

int bfci_arena_fit(bfci_arena *a, size_t size, void *buffer, size_t *cap, bfc_err *err)
{
    size_t fit = FIT_LEAST;

    if (*cap >= size)
        return 0;
    if (size > SIZE_MAX / 2)
        return bfci_fail_nomem(err);
    while (fit < size)
        fit *= 2;
    BFC_TRY(bfci_arena_take(a, fit, buffer, err));
    *cap = fit;
    return 0;
}
