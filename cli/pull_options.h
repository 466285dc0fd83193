/* SPDX-License-Identifier: Apache-2.0 */
/* The options that make of an image at a registry one of the store: image pull and image sync. */
#ifndef CLI_PULL_OPTIONS_H
#define CLI_PULL_OPTIONS_H

#include <bfc/registry.h>

#include "registry_options.h"
#include "source_options.h"
#include "write_options.h"

/* Options for the library, and what they point to. */
struct pull_options {
    struct write_options write;
    const char **properties;
};

/* All of *how but what only one of the commands has. 0, or an exit code when it has been told what
 * is wrong. Free *out in either case. */
int pull_options_read(struct cli *cli, const struct args *args, struct pull_options *out,
                      bfc_image_pull_options *how);
void pull_options_free(struct pull_options *o);
#define AUTO_PULL_OPTIONS __attribute__((cleanup(pull_options_free)))

#endif
