/* SPDX-License-Identifier: Apache-2.0 */
/* Texts made from the table: --help, man pages, completions. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "command.h"
#include "text.h"

void help_text(struct text *t, const struct command *command, size_t columns);
void help_man(struct text *t, const struct command *command);
void help_bash(struct text *t);
void help_zsh(struct text *t);
void help_fish(struct text *t);

/* What the common exit codes mean, in order; NULL ends. */
extern const char *const help_exit_codes[];

#endif
