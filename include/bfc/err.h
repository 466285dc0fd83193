/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_ERR_H
#define BFC_ERR_H
/**
 * @file err.h
 * What can go wrong, and how a caller is told.
 *
 * Functions that can fail return 0 or a negative ::bfc_code, and take a ::bfc_err as their last
 * parameter (it may be NULL). The caller owns the bfc_err; reporting never allocates.
 *
 *     bfc_err err = BFC_ERR_INIT;
 *     if (bfc_reader_open("app.bfc", NULL, &reader, &err) < 0)
 *         fprintf(stderr, "%s\n", err.msg);
 */

#include <stdint.h>

#if defined(__GNUC__)
#define BFC_API __attribute__((visibility("default")))
#else
#define BFC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Codes that a caller may branch on. Values never change; new ones are added below. */
enum bfc_code {
    BFC_OK = 0,
    BFC_E_INVALID = -1,     /**< an argument makes no sense */
    BFC_E_NOT_FOUND = -2,   /**< no such file, path, commit or image */
    BFC_E_EXISTS = -3,      /**< in the way, and not to be replaced */
    BFC_E_CORRUPT = -4,     /**< the data is damaged or was made to mislead */
    BFC_E_UNSUPPORTED = -5, /**< a feature or kind that this library does not know */
    BFC_E_LIMIT = -6,       /**< a limit of docs/format.md, section 13, or of the caller's */
    BFC_E_NOMEM = -7,       /**< out of memory */
    BFC_E_NOSPC = -8,       /**< the disk or a quota is full */
    BFC_E_IO = -9,          /**< the system reported an error; see os_errno */
    BFC_E_DENIED = -10,     /**< permission, or a wrong key */
    BFC_E_BUSY = -11,       /**< somebody else holds the lock */
    BFC_E_CANCELLED = -12   /**< the cancel flag was set */
};

#define BFC_ERR_MSG_MAX 1024
#define BFC_NO_OFFSET UINT64_MAX

typedef struct bfc_err {
    enum bfc_code code;        /**< BFC_OK until something fails */
    int os_errno;              /**< errno of the failing call, or 0 */
    uint64_t offset;           /**< byte of the container concerned, or BFC_NO_OFFSET */
    char msg[BFC_ERR_MSG_MAX]; /**< outermost context first, NUL-terminated, no newline */
} bfc_err;

#define BFC_ERR_INIT                                                                               \
    {                                                                                              \
        BFC_OK, 0, BFC_NO_OFFSET, ""                                                               \
    }

/**
 * Name of a code, as it stands in JSON: "corrupt", "not-found", …
 *
 * @return a static string; "unknown" for a value that is no code
 *
 * Threads: any. Since: 0.1.
 */
BFC_API const char *bfc_code_name(enum bfc_code code);

#ifdef __cplusplus
}
#endif
#endif
