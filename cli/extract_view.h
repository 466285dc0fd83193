/* SPDX-License-Identifier: Apache-2.0 */
/* What an extract did, for bfc extract and bfc image extract. */
#ifndef CLI_EXTRACT_VIEW_H
#define CLI_EXTRACT_VIEW_H

#include "cli.h"

/* With --json a document; else a summary on stderr, which names in any case where what was in a
 * dataset before is kept. */
void extract_report(struct cli *cli, const char *schema, const char *source, const char *target,
                    const bfc_extract_report *report, const bfc_stats *stats);

#endif
