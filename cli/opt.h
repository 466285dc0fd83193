/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a command line by the table: short options bundle, --name=value and --name value both
 * work,
 * "--" ends options, long names are not abbreviated. */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdint.h>

#include "command.h"
#include "text.h"

struct given {
    const struct option *option;
    const char *value; /* NULL for an option that takes none */
};

struct args {
    const struct command *command; /* the innermost that was named */
    struct given *given;           /* in order */
    size_t given_count;
    const char **operands; /* ended by NULL */
    size_t count;
};

/* Reads argv into *args, which args_free() frees also after a failure. Returns 0, or -1 with
 * the words for the user in *problem. Whether there are enough operands is opt_check()'s. */
int opt_parse(int argc, char *const *argv, struct args *args, struct text *problem);
/* 0 if the command can run with these operands, else -1 with words. */
int opt_check(const struct args *args, struct text *problem);
void args_free(struct args *args);

bool args_has(const struct args *args, enum option_id id);
size_t args_times(const struct args *args, enum option_id id);
/* The value of the last one given, or NULL. */
const char *args_value(const struct args *args, enum option_id id);
/* All of them in order, ended by NULL; NULL if there is none. free() it; the strings are borrowed.
 */
const char **args_values(const struct args *args, enum option_id id);

/* A known word that `wrong` could have meant, or NULL; `words` is ended by NULL. */
const char *opt_nearest(const char *wrong, const char *const *words);

#endif
