/* SPDX-License-Identifier: Apache-2.0 */
/* A file that a command writes itself: it gets its name when it is whole. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include "cli.h"

struct output_file {
    int fd;
    char *temp; /* NULL: written to as it is, like a device */
};
#define OUTPUT_FILE_INIT                                                                           \
    {                                                                                              \
        -1, NULL                                                                                   \
    }
#define AUTO_OUTPUT_FILE __attribute__((cleanup(output_file_drop)))

/* Each says what is wrong and returns the exit code for it. One that is there must be replaced. */
int output_file_open(struct cli *cli, const char *path, bool replace, struct output_file *out);
int output_file_publish(struct cli *cli, const char *path, bool replace, struct output_file *out);
void output_file_drop(struct output_file *out); /* removes what was not published */

#endif
