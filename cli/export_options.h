/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that write layers have in common: how they are compressed. */
#ifndef CLI_EXPORT_OPTIONS_H
#define CLI_EXPORT_OPTIONS_H

#include "cli.h"

#define EXPORT_CODINGS "gzip none zstd"

#define OPTION_EXPORT_LEVEL                                                                        \
    {                                                                                              \
        OPT_LEVEL, 0, "level", "N", VALUE_WORD, NULL,                                              \
            "how hard to compress: 1 to 9 for gzip, 1 to 19 for zstd"                              \
    }

/* 0, or an exit code when it has been told what is wrong. What is not given stays as it is. */
int export_options_read(struct cli *cli, const struct args *args, const char **compression,
                        int *level);

#endif
