/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the program: running out of it ends the program with a message, so that callers need
 * not care. (The library reports it instead; there it could be a container's doing.) */
#ifndef CLI_MEM_H
#define CLI_MEM_H

#include <stddef.h>
#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void mem_cleanup_free(void *p)
{
    free(*(void **)p);
}
#define AUTO_FREE __attribute__((cleanup(mem_cleanup_free)))

/* Defines the cleanup function of a type T* that is freed by fn(T *), NULL allowed; use as AUTO(T).
 */
#define DEFINE_AUTO(type, fn)                                                                      \
    static inline void auto_##type(type **p)                                                       \
    {                                                                                              \
        fn(*p);                                                                                    \
    }
#define AUTO(type) __attribute__((cleanup(auto_##type)))

_Noreturn void mem_out(void);                    /* says "out of memory" and ends */
void *mem_alloc(size_t count, size_t item_size); /* cleared; never NULL */
void *mem_resize(void *p, size_t count, size_t item_size);
char *mem_strdup(const char *s);

#endif
