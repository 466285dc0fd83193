/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a caller's bfc_err. Messages are made in a local array first, so that arguments may point
 * into the message they replace; what does not fit is cut, never overflown. err may be NULL. */
#include "base/err.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

const char *bfc_code_name(enum bfc_code code)
{
    switch (code) {
    case BFC_OK:
        return "ok";
    case BFC_E_INVALID:
        return "invalid";
    case BFC_E_NOT_FOUND:
        return "not-found";
    case BFC_E_EXISTS:
        return "exists";
    case BFC_E_CORRUPT:
        return "corrupt";
    case BFC_E_UNSUPPORTED:
        return "unsupported";
    case BFC_E_LIMIT:
        return "limit";
    case BFC_E_NOMEM:
        return "no-memory";
    case BFC_E_NOSPC:
        return "no-space";
    case BFC_E_IO:
        return "io";
    case BFC_E_DENIED:
        return "denied";
    case BFC_E_BUSY:
        return "busy";
    case BFC_E_CANCELLED:
        return "cancelled";
    }
    return "unknown";
}

enum bfc_code bfci_code_of_errno(int os_errno)
{
    switch (os_errno) {
    case ENOENT:
        return BFC_E_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return BFC_E_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return BFC_E_NOSPC;
    case ENOMEM:
        return BFC_E_NOMEM;
    case EACCES:
    case EPERM:
    case EROFS:
        return BFC_E_DENIED;
    case EWOULDBLOCK:
    case EBUSY:
    case ETXTBSY:
        return BFC_E_BUSY;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
        return BFC_E_INVALID;
    case ENOTSUP:
    case ENOSYS:
        return BFC_E_UNSUPPORTED;
    default:
        return BFC_E_IO;
    }
}

static void fill(bfc_err *err, enum bfc_code code, int os_errno, uint64_t offset, const char *msg)
{
    err->code = code;
    err->os_errno = os_errno;
    err->offset = offset;
    (void)snprintf(err->msg, sizeof err->msg, "%s", msg);
}

int bfci_fail(bfc_err *err, enum bfc_code code, const char *fmt, ...)
{
    if (err) {
        char msg[BFC_ERR_MSG_MAX];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(msg, sizeof msg, fmt, args);
        va_end(args);
        fill(err, code, 0, BFC_NO_OFFSET, msg);
    }
    return code;
}

/* Puts `tail` behind msg; a long msg is cut, the tail is kept. */
static void append(char msg[BFC_ERR_MSG_MAX], const char *tail)
{
    size_t len = strlen(msg);
    size_t tail_len = strlen(tail); /* short: made here */
    if (len > BFC_ERR_MSG_MAX - 1 - tail_len)
        len = BFC_ERR_MSG_MAX - 1 - tail_len;
    memcpy(msg + len, tail, tail_len);
    msg[len + tail_len] = '\0';
}

int bfci_fail_at(bfc_err *err, enum bfc_code code, uint64_t offset, const char *fmt, ...)
{
    if (err) {
        char msg[BFC_ERR_MSG_MAX];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(msg, sizeof msg, fmt, args);
        va_end(args);
        if (offset != BFC_NO_OFFSET) {
            char place[40];
            (void)snprintf(place, sizeof place, " (byte %" PRIu64 ")", offset);
            append(msg, place);
        }
        fill(err, code, 0, offset, msg);
    }
    return code;
}

int bfci_fail_errno(bfc_err *err, int os_errno, const char *fmt, ...)
{
    enum bfc_code code = bfci_code_of_errno(os_errno);
    if (err) {
        char msg[BFC_ERR_MSG_MAX];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(msg, sizeof msg, fmt, args);
        va_end(args);
        char cause[128];
        (void)snprintf(cause, sizeof cause, ": %s%s", strerror(os_errno),
                       os_errno == EMFILE ? ": raise the limit (ulimit -n)" : "");
        append(msg, cause);
        fill(err, code, os_errno, BFC_NO_OFFSET, msg);
    }
    return code;
}

int bfci_check_size(size_t said, size_t needed, const char *init, bfc_err *err)
{
    if (said < needed)
        return bfci_fail(err, BFC_E_INVALID, "the options were not set up by %s", init);
    return 0;
}

int bfci_fail_nomem(bfc_err *err)
{
    if (err)
        fill(err, BFC_E_NOMEM, ENOMEM, BFC_NO_OFFSET, "out of memory");
    return BFC_E_NOMEM;
}

int bfci_wrap(bfc_err *err, int rc, const char *fmt, ...)
{
    if (err) {
        char msg[BFC_ERR_MSG_MAX];
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(msg, sizeof msg, fmt, args);
        va_end(args);
        /* Room for half a message of context at most: the cause behind it is worth more. */
        msg[BFC_ERR_MSG_MAX / 2] = '\0';
        size_t len = strlen(msg), cause = strnlen(err->msg, sizeof err->msg - 1);
        memcpy(msg + len, ": ", 2);
        len += 2;
        cause = MIN(cause, sizeof msg - 1 - len);
        memcpy(msg + len, err->msg, cause);
        msg[len + cause] = '\0';
        memcpy(err->msg, msg, len + cause + 1);
    }
    return rc;
}
