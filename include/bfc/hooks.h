/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_HOOKS_H
#define BFC_HOOKS_H
/**
 * @file hooks.h
 * What a caller may watch and stop: log lines, progress, a cancel flag.
 */

#include <bfc/err.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bfc_log_level {
    BFC_LOG_WARNING = 0, /**< something was not kept, or is not as it should be */
    BFC_LOG_INFO = 1,    /**< worth telling with --verbose */
    BFC_LOG_DEBUG = 2    /**< key=value lines for developers */
};

/** How far a long operation is. Totals are 0 until they are known. */
typedef struct bfc_progress {
    const char *phase;    /**< "create", "extract", "verify", "compact", "append"; static */
    uint64_t bytes_done;  /**< bytes of file content */
    uint64_t bytes_total; /**< 0: not known yet */
    uint64_t files_done;  /**< entries of any type */
    uint64_t files_total; /**< 0: not known yet */
} bfc_progress;

/**
 * Callbacks of one operation. Any may be NULL: no callback, no cost.
 *
 * Threads: log and progress are called by one thread at a time, not always the caller's. They must
 * not call back into the handle whose operation is running.
 */
typedef struct bfc_hooks {
    void (*log)(void *ctx, enum bfc_log_level level, const char *module, const char *msg);
    void (*progress)(void *ctx, const bfc_progress *progress);
    void *ctx;
    /** Set to non-zero to stop: the operation cleans up and returns BFC_E_CANCELLED. It is read
     *  with an atomic load; set it with __atomic_store_n(), also from a signal handler. */
    const int *cancel;
} bfc_hooks;

#ifdef __cplusplus
}
#endif
#endif
