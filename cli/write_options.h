/* SPDX-License-Identifier: Apache-2.0 */
/* The options that the commands which store a tree have in common: create, append, and of images
 * create and commit. */
#ifndef CLI_WRITE_OPTIONS_H
#define CLI_WRITE_OPTIONS_H

#include "cli.h"

#define OPTIONS_OF_STORING                                                                         \
    {OPT_COMPRESSION,                                                                              \
     'c',                                                                                          \
     "compression",                                                                                \
     "HOW",                                                                                        \
     VALUE_CHOICE,                                                                                 \
     "auto none zstd",                                                                             \
     "`auto`, `none`, `zstd` or `zstd:LEVEL` with a level from 1 to 19; default: `auto`"},         \
        {OPT_BLOCK_SIZE,                                                                           \
         'b',                                                                                      \
         "block-size",                                                                             \
         "SIZE",                                                                                   \
         VALUE_WORD,                                                                               \
         NULL,                                                                                     \
         "size of a data block, a power of two from 4K to 4M; default: 1M. Smaller ones are "      \
         "faster to be read here and there, and take more room"},                                  \
        {OPT_PROFILE,                                                                              \
         0,                                                                                        \
         "profile",                                                                                \
         "NAME",                                                                                   \
         VALUE_CHOICE,                                                                             \
         "default archive",                                                                        \
         "`archive`: as small as it gets, in blocks of 4M at level 19, files that are alike "      \
         "together; small files take longer to be read one by one. `-b` and `-c` still count"},    \
    {                                                                                              \
        OPT_LOW_MEMORY, 0, "low-memory", NULL, VALUE_WORD, NULL,                                   \
            "stay below 64 MiB of memory; of millions of files some equal "                        \
            "ones are stored twice"                                                                \
    }

#define OPTIONS_OF_WRITING                                                                         \
    OPTIONS_OF_STORING,                                                                            \
        {OPT_EXCLUDE,                                                                              \
         0,                                                                                        \
         "exclude",                                                                                \
         "GLOB",                                                                                   \
         VALUE_WORD,                                                                               \
         NULL,                                                                                     \
         "leave out what matches, with all below it; may be given several times"},                 \
        {OPT_EXCLUDE_FROM,                                                                         \
         0,                                                                                        \
         "exclude-from",                                                                           \
         "FILE",                                                                                   \
         VALUE_FILE,                                                                               \
         NULL,                                                                                     \
         "leave out what matches a pattern of FILE, one a line; # begins a comment"},              \
    {                                                                                              \
        OPT_ONE_FILE_SYSTEM, 'x', "one-file-system", NULL, VALUE_WORD, NULL,                       \
            "do not descend into other file systems; the mount point is stored, empty"             \
    }

#define OPTION_REPRODUCIBLE                                                                        \
    {                                                                                              \
        OPT_REPRODUCIBLE, 0, "reproducible", NULL, VALUE_WORD, NULL,                               \
            "derive the UUID and the commit's time from the content, or the time from "            \
            "$SOURCE_DATE_EPOCH: equal trees give equal files"                                     \
    }

#define OPTION_DIRECTORY                                                                           \
    {                                                                                              \
        OPT_DIRECTORY, 'C', "directory", "DIR", VALUE_DIRECTORY, NULL,                             \
            "start the PATHs from DIR; FILE still starts from the working directory"               \
    }

/* What they say about profiles. */
#define TEXT_PROFILE                                                                               \
    "With `--profile archive` the contents of a directory are read when all its names are known, " \
    "and those of files that are alike, by ending, name and size, are stored beside each other. "  \
    "With blocks of 4M and level 19 that is slow to make, and the smallest; "                      \
    "`-c zstd:3` makes it fast again. Extracting the whole takes little more time, but reading "   \
    "one small file means decompressing what stands before it in its block. It takes up to 256 "   \
    "MiB of memory with two threads, and so cannot be had together with `--low-memory`."

/* What the texts of the commands say about patterns. */
#define TEXT_EXCLUDE                                                                               \
    "An exclude pattern without a slash is matched against every name, one with a slash against "  \
    "the whole path in the container; `*`, `?` and `[…]` mean what they mean to a shell."

/* Options for the library, and what they point to. */
struct write_options {
    bfc_writer_options writer;
    char **exclude; /* ended by NULL */
    size_t exclude_count;
};

/* 0, or an exit code when it has been told what is wrong. Free it in either case. */
int write_options_read(struct cli *cli, const struct args *args, struct write_options *out);
void write_options_free(struct write_options *o);
#define AUTO_WRITE_OPTIONS __attribute__((cleanup(write_options_free)))

/* With `--reproducible`: the time in $SOURCE_DATE_EPOCH, or 0. */
int write_options_epoch(struct cli *cli, const struct args *args, int64_t *out);

#endif
