/* SPDX-License-Identifier: Apache-2.0 */
/* How an image is shown, and where an image command can extract to. */
#ifndef CLI_IMAGE_VIEW_H
#define CLI_IMAGE_VIEW_H

#include "cli.h"

/* Adds the facts of an image to `object`. */
void image_json(json_t *object, const bfc_image_info *info);

/* About an image that was made: with --json a document, else a summary on stderr. `stats`: see
 * stats_view.h. */
void image_report(struct cli *cli, const char *schema, const bfc_image_info *info,
                  const bfc_stats *stats);

/* A TARGET: a directory, a dataset, dir:PATH or zfs:DATASET; which of the first two is meant is for
 * the library to say. Sets *shown to what reports call it: of dir:PATH the path. 0, or an exit code
 * for another kind of place. */
int image_target(struct cli *cli, const char *place, const char **shown);

/* On a terminal how long ago, as people ask it; elsewhere what can be sorted. */
void image_created(char out[TIME_TEXT_MAX], const struct cli *cli, int64_t created, int64_t now);

/* The time of a history's entry (RFC 3339), to the second; false if it tells none. */
bool image_time(const char *told, int64_t *seconds);

#endif
