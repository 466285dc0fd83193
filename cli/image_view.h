/* SPDX-License-Identifier: Apache-2.0 */
/* How an image is shown, and what an image command takes for a directory. */
#ifndef CLI_IMAGE_VIEW_H
#define CLI_IMAGE_VIEW_H

#include "cli.h"

/* Adds the facts of an image to `object`. */
void image_json(json_t *object, const bfc_image_info *info);

/* A SOURCE or TARGET: a directory, or dir:PATH. Sets *out to the path within `place`, which is
 * `what`
 * ("source") for messages; 0, or an exit code for another kind of place. */
int image_directory(struct cli *cli, const char *what, const char *place, const char **out);

#endif
