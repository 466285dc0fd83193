/* SPDX-License-Identifier: Apache-2.0 */
/* How far a long operation is: one line that fits the terminal. Only arithmetic and text stand
 * here; ui.c decides when the line is shown. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdint.h>

#include <bfc/hooks.h>

#include "text.h"

struct progress {
    bfc_progress last; /* as the library told it last */
    double rate;       /* bytes a second, smoothed; 0: not known yet */
    double files_rate;
    double sampled; /* when the rates were last reckoned */
    uint64_t sampled_bytes, sampled_files;
};

/* Takes what the library says at the time `now`, in seconds. */
void progress_take(struct progress *p, const bfc_progress *told, double now);
/* The line, at most `columns` wide: what matters least is left out first. */
void progress_line(struct text *t, const struct progress *p, size_t columns);

#endif
