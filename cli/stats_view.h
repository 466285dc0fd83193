/* SPDX-License-Identifier: Apache-2.0 */
/* `--stats`: what the stages of a command did, and what that says of more threads. */
#ifndef CLI_STATS_VIEW_H
#define CLI_STATS_VIEW_H

#include "cli.h"

#define OPTION_STATS                                                                               \
    {                                                                                              \
        OPT_STATS, 0, "stats", NULL, VALUE_WORD, NULL,                                             \
            "tell on standard error what each stage did, and which stages only one thread can do " \
            "at a time; with `--json` as a member of the answer"                                   \
    }

/* `stats` if they are asked for, else NULL: as the library takes them, and the functions below. */
static inline bfc_stats *stats_wanted(const struct args *args, bfc_stats *stats)
{
    return args_has(args, OPT_STATS) ? stats : NULL;
}

/* The member "stats" of a document; NULL: none. */
void stats_json(json_t *document, const bfc_stats *stats);
/* A table on stderr, unless there is a document; NULL: none. */
void stats_print(struct cli *cli, const bfc_stats *stats);

#endif
