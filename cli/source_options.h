/* SPDX-License-Identifier: Apache-2.0 */
/* The options that the commands which make an image of somebody's manifest or index have in common:
 * image create and image pull. What `--platform` tells, each says in its own words. */
#ifndef CLI_SOURCE_OPTIONS_H
#define CLI_SOURCE_OPTIONS_H

#include "cli.h"

#define OPTIONS_OF_SOURCES                                                                         \
    {OPT_ALL_PLATFORMS,                                                                            \
     0,                                                                                            \
     "all-platforms",                                                                              \
     NULL,                                                                                         \
     VALUE_WORD,                                                                                   \
     NULL,                                                                                         \
     "keep every image of an index; the one of the platform is what is extracted"},                \
        {OPT_PREFIXES,                                                                             \
         0,                                                                                        \
         "prefixes",                                                                               \
         NULL,                                                                                     \
         VALUE_WORD,                                                                               \
         NULL,                                                                                     \
         "keep the file system of the lowest 1, 2, … layers, too, for `bfc image extract "       \
         "NAME#N`"},                                                                               \
        {OPT_ARTIFACT,                                                                             \
         0,                                                                                        \
         "artifact",                                                                               \
         NULL,                                                                                     \
         VALUE_WORD,                                                                               \
         NULL,                                                                                     \
         "keep a manifest that is no image, too, with its blobs as they are"},                     \
    {                                                                                              \
        OPT_MAX_SIZE, 0, "max-size", "SIZE", VALUE_WORD, NULL,                                     \
            "how large a layer may be uncompressed; default: 1024 times what its manifest says "   \
            "it has compressed, and 1 GiB at least"                                                \
    }

/* These and `--platform`. Returns EXIT_DONE, or EXIT_USAGE after having said what is wrong. */
int source_options_read(struct cli *cli, const struct args *args, bfc_image_create_options *out);

#endif
