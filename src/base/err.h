/* SPDX-License-Identifier: Apache-2.0 */
/* Reporting failures into a caller's bfc_err, and the one way to pass them on. */
#ifndef BFCI_BASE_ERR_H
#define BFCI_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include <bfc/err.h>

#define BFCI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Leave the function with a negative code, as it came. */
#define BFC_TRY(call)                                                                              \
    do {                                                                                           \
        int bfc_try_rc_ = (call);                                                                  \
        if (bfc_try_rc_ < 0)                                                                       \
            return bfc_try_rc_;                                                                    \
    } while (0)

/* Each returns `code` (bfci_fail_errno: the code that fits the errno), so that a caller can return
 * it at once. The first failure is kept: they overwrite what stands in err. */
int bfci_fail(bfc_err *err, enum bfc_code code, const char *fmt, ...) BFCI_PRINTF(3, 4);
int bfci_fail_at(bfc_err *err, enum bfc_code code, uint64_t offset, const char *fmt, ...)
    BFCI_PRINTF(4, 5);
/* The message gets ": strerror(os_errno)" at its end. */
int bfci_fail_errno(bfc_err *err, int os_errno, const char *fmt, ...) BFCI_PRINTF(3, 4);
int bfci_fail_nomem(bfc_err *err);

/* Puts "<context>: " before the message that is there; returns rc. */
int bfci_wrap(bfc_err *err, int rc, const char *fmt, ...) BFCI_PRINTF(3, 4);

/* Fails unless a caller's options, which may be NULL, were set up by the macro `init` of a header
 * not older than this library. To be asked before anything else of them is looked at: what an older
 * header calls by this name is shorter. */
#define BFCI_CHECK_OPTIONS(options, init, err)                                                     \
    bfci_check_size((options) ? (options)->size : sizeof *(options), sizeof *(options), #init, err)
int bfci_check_size(size_t said, size_t needed, const char *init, bfc_err *err);

enum bfc_code bfci_code_of_errno(int os_errno);

/* Bytes from outside, made fit for a message: control bytes, quotes, backslashes and invalid UTF-8
 * as \xNN; cut with "..." where too long. */
struct bfci_quoted {
    char text[400];
};
struct bfci_quoted bfci_quote_bytes(const char *bytes, size_t len);
#define BFCI_QUOTE(bytes, len) (bfci_quote_bytes((bytes), (len)).text)
#define BFCI_QUOTE_STR(s) (bfci_quote_bytes((s), strlen(s)).text)

/* RFC 3629: shortest forms alone, no surrogates, nothing beyond U+10FFFF. */
bool bfci_is_utf8(const char *bytes, size_t len);

#endif
