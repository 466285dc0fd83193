/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that never returns NULL. */
#include "mem.h"

#include <string.h>
#include <unistd.h>

_Noreturn void mem_out(void)
{
    static const char msg[] = "bfc: out of memory\n";
    ssize_t ignored = write(STDERR_FILENO, msg, sizeof msg - 1);
    (void)ignored;
    _exit(1);
}

void *mem_alloc(size_t count, size_t item_size)
{
    void *p = calloc(count ? count : 1, item_size);
    if (!p)
        mem_out();
    return p;
}

void *mem_resize(void *p, size_t count, size_t item_size)
{
    void *grown = reallocarray(p, count ? count : 1, item_size);
    if (!grown)
        mem_out();
    return grown;
}

char *mem_strdup(const char *s)
{
    char *copy = strdup(s);
    if (!copy)
        mem_out();
    return copy;
}
