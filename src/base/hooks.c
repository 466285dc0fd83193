/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines and the cancel flag. Without a callback nothing is formatted. */
#include "base/hooks.h"

#include <stdarg.h>
#include <stdio.h>

void bfci_log(const bfc_hooks *hooks, enum bfc_log_level level, const char *module, const char *fmt,
              ...)
{
    if (!hooks || !hooks->log)
        return;
    char msg[BFC_ERR_MSG_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(msg, sizeof msg, fmt, args);
    va_end(args);
    hooks->log(hooks->ctx, level, module, msg);
}

int bfci_check_cancel(const bfc_hooks *hooks, bfc_err *err)
{
    return bfci_cancelled(hooks) ? bfci_fail(err, BFC_E_CANCELLED, "interrupted") : 0;
}
