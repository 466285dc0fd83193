/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: buffered, and every write is checked. A failure sticks; loops over long answers
 * ask out_failed() so that they end early, and the program's exit code tells of it. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "text.h"

struct out {
    int fd;
    bool terminal;
    int error; /* errno of the first write that failed, or ECANCELED */
    size_t used;
    char buf[65536];
};

void out_init(struct out *o, int fd);
void out_bytes(struct out *o, const void *bytes, size_t len);
void out_str(struct out *o, const char *s);
void out_text(struct out *o, const struct text *t);
void out_fmt(struct out *o, const char *fmt, ...) CLI_PRINTF(2, 3);
/* A name: as it is, or escaped where it would reach a terminal. */
void out_name(struct out *o, const char *name, size_t len);
void out_flush(struct out *o);

static inline bool out_failed(const struct out *o)
{
    return o->error != 0;
}

#endif
