/* SPDX-License-Identifier: Apache-2.0 */
/* What every file needs: allocation that reports, cleanup attributes, checked arithmetic. */
#ifndef BFCI_BASE_BASE_H
#define BFCI_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static inline uint64_t bfci_align_up(uint64_t value, uint64_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

/* ── Cleanup: owning locals are initialised where declared and leave by bfci_steal() ── */

static inline void bfci_cleanup_free(void *p)
{
    free(*(void **)p);
}
#define AUTO_FREE __attribute__((cleanup(bfci_cleanup_free)))

/* Defines the cleanup function of a type T* that is freed by `fn(T *)`; use as AUTO(T). */
#define BFCI_DEFINE_AUTO(type, fn)                                                                 \
    static inline void bfci_auto_##type(type **p)                                                  \
    {                                                                                              \
        if (*p)                                                                                    \
            fn(*p);                                                                                \
    }
#define AUTO(type) __attribute__((cleanup(bfci_auto_##type)))

static inline void *bfci_steal_ptr(void *p)
{
    void *value = *(void **)p;
    *(void **)p = NULL;
    return value;
}
#define bfci_steal(p) ((__typeof__(*(p)))bfci_steal_ptr(p))

/* ── Allocation: *out is set on success only ── */

int bfci_alloc(size_t count, size_t item_size, void *out, bfc_err *err);      /* not cleared */
int bfci_alloc_zero(size_t count, size_t item_size, void *out, bfc_err *err); /* cleared */
/* Makes room for `want` items in the array at *items with capacity *cap; grows by doubling. */
int bfci_reserve(void *items, size_t *cap, size_t want, size_t item_size, bfc_err *err);
int bfci_strdup(const char *s, char **out, bfc_err *err);
int bfci_memdup_str(const char *bytes, size_t len, char **out, bfc_err *err); /* adds a NUL */
int bfci_asprintf(char **out, bfc_err *err, const char *fmt, ...) BFCI_PRINTF(3, 4);

/* ── Checked arithmetic: true on overflow, as the builtins ── */

#define bfci_add_overflows(a, b, out) __builtin_add_overflow((a), (b), (out))
#define bfci_mul_overflows(a, b, out) __builtin_mul_overflow((a), (b), (out))

#endif
