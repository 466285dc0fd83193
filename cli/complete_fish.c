/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for fish: a `complete` line for each option and command. */
#include <string.h>

#include "help.h"

static const char head[] =
    "# Completion of bfc for fish, made from the program's table of commands.\n"
    "\n"
    "# The words of the line that are neither options nor values of global ones: the command "
    "first.\n"
    "function __bfc_words\n"
    "    set -l skip 0\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "            continue\n"
    "        end\n"
    "        switch $word\n"
    "            case ";

static const char body[] =
    "\n"
    "                set skip 1\n"
    "            case '-*'\n"
    "            case '*'\n"
    "                echo $word\n"
    "        end\n"
    "    end\n"
    "end\n"
    "\n"
    "# True if the line's command is the one that is named; without a name, if there is none yet.\n"
    "function __bfc_at\n"
    "    set -l words (__bfc_words)\n"
    "    if test (count $argv) = 0\n"
    "        test (count $words) = 0\n"
    "        return\n"
    "    end\n"
    "    test (count $words) -ge (count $argv)\n"
    "    and test \"$words[1..\"(count $argv)\"]\" = \"$argv\"\n"
    "end\n"
    "\n"
    "# True if it is that group, and no command of it yet.\n"
    "function __bfc_in\n"
    "    set -l words (__bfc_words)\n"
    "    test \"$words\" = \"$argv\"\n"
    "end\n"
    "\n"
    "function __bfc_images\n"
    "    bfc image list -q 2>/dev/null\n"
    "end\n"
    "\n"
    "complete -c bfc -f\n";

/* In single quotes, up to the first semicolon. */
static void add_words(struct text *t, const char *s)
{
    text_char(t, '\'');
    for (; *s && *s != ';'; s++) {
        if (*s == '\'' || *s == '\\')
            text_char(t, '\\');
        if (*s != '`')
            text_char(t, *s);
    }
    text_char(t, '\'');
}

/* "dir: zfs: " of "dir zfs" */
static void add_schemes(struct text *t, const char *choices)
{
    for (const char *c = choices; c && *c; c++) {
        text_str(t, *c == ' ' ? ": " : (char[]){*c, '\0'});
        if (!c[1])
            text_str(t, ": ");
    }
}

/* What to offer, as arguments of `complete`. */
static void add_offer(struct text *t, enum value_kind kind, const char *choices)
{
    switch (kind) {
    case VALUE_FILE:
        text_str(t, " -F");
        return;
    case VALUE_DIRECTORY:
        text_str(t, " -a '");
        add_schemes(t, choices);
        text_str(t, "(__fish_complete_directories (commandline -ct))'");
        return;
    case VALUE_IMAGE:
        text_str(t, " -a '(__bfc_images)'");
        return;
    case VALUE_PLACE:
        text_str(t, " -F -a '");
        add_schemes(t, choices);
        t->len--; /* the last blank */
        text_str(t, "'");
        return;
    case VALUE_CHOICE:
        text_fmt(t, " -a '%s'", choices);
        return;
    case VALUE_COMMAND:
        text_str(t, " -a '");
        for (const struct command *const *c = bfc_root.commands; *c; c++)
            if (!(*c)->hidden)
                text_fmt(t, "%s%s", c == bfc_root.commands ? "" : " ", (*c)->name);
        text_str(t, "'");
        return;
    case VALUE_WORD:
        break;
    }
}

static void add_condition(struct text *t, const struct command *command)
{
    if (command == &bfc_root)
        return;
    AUTO_TEXT struct text path = {0};
    command_path(&path, command, " ");
    text_fmt(t, " -n '__bfc_at%s'", text_of(&path) + strlen("bfc"));
}

static void add_option(struct text *t, const struct command *command, const struct option *o)
{
    text_str(t, "complete -c bfc");
    add_condition(t, command);
    if (o->letter)
        text_fmt(t, " -s %c", o->letter);
    text_fmt(t, " -l %s", o->name);
    if (o->value) {
        text_str(t, o->kind == VALUE_FILE ? " -r" : " -x");
        add_offer(t, o->kind, o->choices);
    }
    text_str(t, " -d ");
    add_words(t, o->help);
    text_char(t, '\n');
}

static void add_command_name(struct text *t, const struct command *command)
{
    const struct command *parent = command_parent(command);
    AUTO_TEXT struct text path = {0};

    if (!parent)
        return;
    command_path(&path, parent, " ");
    text_str(t, "complete -c bfc -n '");
    if (parent == &bfc_root)
        text_str(t, "__bfc_at");
    else
        text_fmt(t, "__bfc_in%s", text_of(&path) + strlen("bfc"));
    text_fmt(t, "' -a %s -d ", command->name);
    add_words(t, command->summary);
    text_char(t, '\n');
}

static void add_command(void *ctx, const struct command *command)
{
    struct text *t = ctx;

    text_char(t, '\n');
    add_command_name(t, command);
    for (const struct option *o = command->options; o && o->name; o++)
        add_option(t, command, o);
    for (const struct operand *o = command->operands; o && o->name; o++) {
        if (o->kind == VALUE_WORD)
            continue;
        text_str(t, "complete -c bfc");
        add_condition(t, command);
        add_offer(t, o->kind, o->choices);
        text_char(t, '\n');
    }
}

void help_fish(struct text *t)
{
    text_str(t, head);
    for (const struct option *o = bfc_root.options; o->name; o++) {
        if (o->value && o->letter)
            text_fmt(t, "-%c ", o->letter);
        if (o->value)
            text_fmt(t, "--%s ", o->name);
    }
    t->len--; /* the last blank */
    t->data[t->len] = '\0';
    text_str(t, body);
    command_each(add_command, t);
}
