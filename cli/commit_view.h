/* SPDX-License-Identifier: Apache-2.0 */
/* How a commit is shown. */
#ifndef CLI_COMMIT_VIEW_H
#define CLI_COMMIT_VIEW_H

#include "cli.h"

/* {"seq": 1, "time": …, "root_digest": …, …} */
json_t *commit_json(const bfc_commit_info *commit);
/* The counts and sizes alone: all that a container of version 1 has of it. */
json_t *commit_counts_json(const bfc_commit_info *commit);
/* "12 files, 3 directories, 1 link, 2 others" without what there is none of */
void commit_counts(struct text *t, const bfc_commit_info *commit);
/* "app.bfc: 12 files, …, 1.2 MiB stored in 0.4 MiB, root digest 0123456789ab" on stderr */
void commit_summary(struct cli *cli, const char *path, const bfc_commit_info *commit);
/* With --json a document about what was written; else the summary. `stats`: see stats_view.h. */
void commit_report(struct cli *cli, const char *schema, const char *path,
                   const bfc_commit_info *commit, const bfc_stats *stats);

/* The digits of a root digest that name a commit to --at, and that lists show. */
enum {
    DIGEST_SHORT = 12
};
void digest_short(char out[DIGEST_SHORT + 1], const uint8_t digest[BFC_DIGEST_SIZE]);

#endif
