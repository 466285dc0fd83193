/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that checks its sizes and reports. No call asks for zero bytes, so that success never
 * gives NULL. */
#include <stdarg.h>
#include <stdio.h>

#include "base/base.h"

int bfci_alloc(size_t count, size_t item_size, void *out, bfc_err *err)
{
    size_t size;
    if (bfci_mul_overflows(count, item_size, &size))
        return bfci_fail_nomem(err);
    void *p = malloc(size ? size : 1);
    if (!p)
        return bfci_fail_nomem(err);
    *(void **)out = p;
    return 0;
}

int bfci_alloc_zero(size_t count, size_t item_size, void *out, bfc_err *err)
{
    size_t size;
    if (bfci_mul_overflows(count, item_size, &size))
        return bfci_fail_nomem(err);
    void *p = calloc(1, size ? size : 1);
    if (!p)
        return bfci_fail_nomem(err);
    *(void **)out = p;
    return 0;
}

int bfci_reserve(void *items, size_t *cap, size_t want, size_t item_size, bfc_err *err)
{
    if (want <= *cap)
        return 0;
    size_t doubled = *cap > SIZE_MAX / 2 ? SIZE_MAX : *cap * 2;
    size_t count = MAX(MAX(want, doubled), 8);
    size_t size;
    if (bfci_mul_overflows(count, item_size, &size))
        return bfci_fail_nomem(err);
    void *p = realloc(*(void **)items, size ? size : 1);
    if (!p)
        return bfci_fail_nomem(err);
    *(void **)items = p;
    *cap = count;
    return 0;
}

int bfci_memdup_str(const char *bytes, size_t len, char **out, bfc_err *err)
{
    size_t size;
    char *copy = NULL;
    if (bfci_add_overflows(len, (size_t)1, &size))
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_alloc(size, 1, &copy, err));
    if (len)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    *out = copy;
    return 0;
}

int bfci_strdup(const char *s, char **out, bfc_err *err)
{
    return bfci_memdup_str(s, strlen(s), out, err);
}

int bfci_asprintf(char **out, bfc_err *err, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0) /* text is undefined then */
        return bfci_fail_nomem(err);
    *out = text;
    return 0;
}
