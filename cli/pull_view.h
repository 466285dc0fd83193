/* SPDX-License-Identifier: Apache-2.0 */
/* How far blobs are, while they come or go: a line each on a terminal, or documents. */
#ifndef CLI_PULL_VIEW_H
#define CLI_PULL_VIEW_H

#include "cli.h"

struct pull_view {
    struct cli *cli;
    struct pull_line *line; /* as many as there are blobs */
    size_t count;
};

/* For the options of pulls and pushes, with the struct pull_view as ctx. */
void pull_view_blob(void *view, const bfc_blob_progress *blob);
/* Whether there is somebody to look at it. */
bool pull_view_wanted(const struct cli *cli);
void pull_view_end(struct pull_view *v); /* also takes it off the terminal */
#define AUTO_PULL_VIEW __attribute__((cleanup(pull_view_end)))

#endif
