/* SPDX-License-Identifier: Apache-2.0 */
/* Calling a caller's hooks: all of these take NULL. */
#ifndef BFCI_BASE_HOOKS_H
#define BFCI_BASE_HOOKS_H

#include <bfc/hooks.h>

#include "base/base.h"

void bfci_log(const bfc_hooks *hooks, enum bfc_log_level level, const char *module, const char *fmt,
              ...) BFCI_PRINTF(4, 5);

static inline bool bfci_cancelled(const bfc_hooks *hooks)
{
    return hooks && hooks->cancel && __atomic_load_n(hooks->cancel, __ATOMIC_RELAXED) != 0;
}

/* 0, or BFC_E_CANCELLED with the message "interrupted". */
int bfci_check_cancel(const bfc_hooks *hooks, bfc_err *err);

static inline void bfci_progress(const bfc_hooks *hooks, const bfc_progress *p)
{
    if (hooks && hooks->progress)
        hooks->progress(hooks->ctx, p);
}

#endif
