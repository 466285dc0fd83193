/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that make an image of an image have in common: commit, squash, rebase, config.
 */
#ifndef CLI_CHANGE_OPTIONS_H
#define CLI_CHANGE_OPTIONS_H

#include "write_options.h"

#define OPTIONS_OF_RESULT                                                                          \
    {OPT_AS,                                                                                       \
     0,                                                                                            \
     "as",                                                                                         \
     "NEWNAME",                                                                                    \
     VALUE_IMAGE,                                                                                  \
     NULL,                                                                                         \
     "give the result this name, and leave the image as it is; default: it is replaced"},          \
    {                                                                                              \
        OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace an image that has NEWNAME"       \
    }

#define OPTIONS_OF_HISTORY                                                                         \
    {OPT_MESSAGE,                                                                                  \
     'm',                                                                                          \
     "message",                                                                                    \
     "TEXT",                                                                                       \
     VALUE_WORD,                                                                                   \
     NULL,                                                                                         \
     "what the history is to say of the change"},                                                  \
    {                                                                                              \
        OPT_AUTHOR, 0, "author", "NAME", VALUE_WORD, NULL, "who the history is to name for it"     \
    }

/* Fills *how, which borrows from *write. 0, or an exit code when it has been told what is wrong;
 * write_options_free() in either case. */
int change_options_read(struct cli *cli, const struct args *args, struct write_options *write,
                        bfc_image_commit_options *how);

/* The end of such a command: the facts of the new image, or why there is none; the exit code. */
int change_report(struct cli *cli, const char *schema, int rc, const bfc_image_info *info,
                  const bfc_err *err);

#endif
