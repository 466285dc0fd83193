/* SPDX-License-Identifier: Apache-2.0 */
/* bfc --help and bfc COMMAND --help, filled to the terminal's width. */
#include "help.h"

#include <string.h>

const char *const help_exit_codes[] = {
    "done",
    "failed",
    "wrong usage",
    "data is damaged",
    "not found: a file, a path in a container, a commit, an image",
    "permission denied",
    "busy: somebody else is writing",
    NULL,
};

enum {
    WIDTH_MIN = 40,
    WIDTH_MAX = 100,
    WIDTH_FOR_TWO_COLUMNS = 60, /* below, explanations stand under what they explain */
    LEFT_MAX = 28               /* of the left column */
};

/* A line of a list: `left` after two blanks, `right` filled in a column of its own. */
static void add_item(struct text *t, const char *left, const char *right, size_t column,
                     size_t width)
{
    size_t at = width < WIDTH_FOR_TWO_COLUMNS ? 6 : column;
    size_t used = 2 + text_columns(left);

    text_fmt(t, "  %s", left);
    if (used + 2 > at) {
        text_char(t, '\n');
        used = 0;
    }
    text_fill(t, ' ', at - used);
    text_wrap(t, right, at, width);
    text_char(t, '\n');
}

/* "-C, --directory=DIR" */
static void option_words(struct text *t, const struct option *o)
{
    if (o->letter)
        text_fmt(t, "-%c, ", o->letter);
    else
        text_str(t, "    ");
    text_fmt(t, "--%s", o->name);
    if (o->value)
        text_fmt(t, "=%s", o->value);
}

static size_t left_column(const struct option *options)
{
    size_t column = 0;
    for (const struct option *o = options; o && o->name; o++) {
        AUTO_TEXT struct text words = {0};
        option_words(&words, o);
        if (words.len > column && words.len <= LEFT_MAX)
            column = words.len;
    }
    return column + 4;
}

static void add_options(struct text *t, const char *title, const struct option *options,
                        size_t width)
{
    if (!options)
        return;
    text_fmt(t, "\n%s:\n", title);
    for (const struct option *o = options; o->name; o++) {
        AUTO_TEXT struct text words = {0};
        option_words(&words, o);
        add_item(t, text_of(&words), o->help, left_column(options), width);
    }
}

static void add_commands(struct text *t, const struct command *group, size_t width)
{
    size_t column = 0;
    for (const struct command *const *c = group->commands; *c; c++) {
        size_t len = strlen((*c)->name);
        if (!(*c)->hidden && len > column)
            column = len;
    }
    text_str(t, "\nCommands:\n");
    for (const struct command *const *c = group->commands; *c; c++)
        if (!(*c)->hidden)
            add_item(t, (*c)->name, (*c)->summary, column + 4, width);
}

static void add_examples(struct text *t, const struct example *examples, size_t width)
{
    if (!examples)
        return;
    text_str(t, "\nExamples:\n");
    for (; examples->command; examples++) {
        text_fmt(t, "  %s\n      ", examples->command);
        text_wrap(t, examples->what, 6, width);
        text_char(t, '\n');
    }
}

static void add_exit_codes(struct text *t, const struct command *command, size_t width)
{
    text_str(t, "\nExit codes:\n");
    for (size_t i = 0; help_exit_codes[i]; i++) {
        char number[] = {(char)('0' + i), '\0'};
        add_item(t, number, help_exit_codes[i], 5, width);
    }
    if (command->exits) {
        text_str(t, "\n");
        text_wrap(t, command->exits, 0, width);
        text_char(t, '\n');
    }
}

void help_text(struct text *t, const struct command *command, size_t columns)
{
    size_t width = columns < WIDTH_MIN ? WIDTH_MIN : columns > WIDTH_MAX ? WIDTH_MAX : columns;
    AUTO_TEXT struct text synopsis = {0};
    AUTO_TEXT struct text sentence = {0};

    command_synopsis(&synopsis, command);
    text_str(t, "Usage: ");
    text_wrap(t, text_of(&synopsis), 7, width);
    text_str(t, "\n\n");
    text_fmt(&sentence, "%s.", command->summary);
    text_wrap(t, text_of(&sentence), 0, width);
    text_char(t, '\n');
    if (command->commands)
        add_commands(t, command, width);
    text_char(t, '\n');
    text_wrap(t, command->text, 0, width);
    text_char(t, '\n');
    if (command == &bfc_root) {
        add_options(t, "Global options", command->options, width);
    } else {
        add_options(t, "Options", command->options, width);
        text_str(t, "\nGlobal options, such as --json, -q, -v and --store: see ");
        text_str(t, "'bfc --help'.\n");
    }
    add_examples(t, command->examples, width);
    if (command == &bfc_root || command->exits)
        add_exit_codes(t, command, width);
    if (command->commands) {
        AUTO_TEXT struct text path = {0};
        command_path(&path, command, " ");
        text_fmt(t, "\n'%s COMMAND --help' explains a command.\n", text_of(&path));
    }
}
