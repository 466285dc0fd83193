/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output by write(2): stdio would hide which write failed, and would go on after Ctrl-C
 * while the other end of a pipe does not read. */
#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"

void out_init(struct out *o, int fd)
{
    o->fd = fd;
    o->terminal = isatty(fd) == 1;
    o->error = 0;
    o->used = 0;
}

static void write_all(struct out *o, const char *bytes, size_t len)
{
    while (len > 0 && !o->error) {
        ssize_t n = write(o->fd, bytes, len);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EINTR) {
            o->error = errno;
        }
        /* A signal also cuts a write short; writing on could block for ever. */
        if (len > 0 && !o->error && signals_received())
            o->error = ECANCELED;
    }
}

void out_flush(struct out *o)
{
    write_all(o, o->buf, o->used);
    o->used = 0;
}

void out_bytes(struct out *o, const void *bytes, size_t len)
{
    if (len > sizeof o->buf - o->used)
        out_flush(o);
    if (len >= sizeof o->buf) {
        write_all(o, bytes, len);
        return;
    }
    if (len)
        memcpy(o->buf + o->used, bytes, len);
    o->used += len;
}

void out_str(struct out *o, const char *s)
{
    out_bytes(o, s, strlen(s));
}

void out_text(struct out *o, const struct text *t)
{
    out_bytes(o, text_of(t), t->len);
}

void out_fmt(struct out *o, const char *fmt, ...)
{
    char line[512];
    va_list args;

    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof line) {
        out_bytes(o, line, (size_t)len);
        return;
    }
    char *longer = NULL;
    va_start(args, fmt);
    len = vasprintf(&longer, fmt, args);
    va_end(args);
    if (len < 0)
        mem_out();
    out_bytes(o, longer, (size_t)len);
    free(longer);
}

void out_name(struct out *o, const char *name, size_t len)
{
    if (!o->terminal) {
        out_bytes(o, name, len);
        return;
    }
    AUTO_TEXT struct text escaped = {0};
    text_escaped(&escaped, name, len, ESCAPE_TERMINAL);
    out_text(o, &escaped);
}
