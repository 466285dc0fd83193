/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for zsh: a function a command, each a call of _arguments. */
#include <string.h>

#include "help.h"

static const char head[] =
    "#compdef bfc\n"
    "# Completion of bfc for zsh, made from the program's table of commands.\n"
    "\n"
    "_bfc_images() {\n"
    "    local -a images store\n"
    "    [[ -z ${opt_args[--store]} ]] || store=(--store ${opt_args[--store]})\n"
    "    images=(${(f)\"$(_call_program images bfc $store image list -q 2>/dev/null)\"})\n"
    "    compadd \"$@\" -a images\n"
    "}\n"
    "\n"
    "_bfc_places() { # what stands behind a scheme, as _files has it; scheme…\n"
    "    local what=$1\n"
    "    shift\n"
    "    [[ $PREFIX != zfs:* ]] || return 1\n"
    "    compset -P '[a-z-]##:' || compadd -S : -- \"$@\"\n"
    "    _files $what\n"
    "}\n"
    "\n";

static const char tail[] = "if [[ $funcstack[1] == _bfc ]]; then\n"
                           "    _bfc \"$@\"\n"
                           "else\n"
                           "    compdef _bfc bfc\n"
                           "fi\n";

/* An explanation in brackets, up to its first semicolon; what has a meaning there is escaped. */
static void add_words(struct text *t, const char *s)
{
    for (; *s && *s != ';'; s++) {
        if (*s == '`')
            continue;
        if (*s == '\'')
            text_str(t, "'\\''");
        else if (strchr("[]:\\", *s))
            text_fmt(t, "\\%c", *s);
        else
            text_char(t, *s);
    }
}

static void add_action(struct text *t, enum value_kind kind, const char *choices)
{
    switch (kind) {
    case VALUE_FILE:
        text_str(t, "_files");
        return;
    case VALUE_DIRECTORY:
        if (choices)
            text_fmt(t, " _bfc_places -/ %s", choices);
        else
            text_str(t, "_files -/");
        return;
    case VALUE_IMAGE:
        text_str(t, "_bfc_images");
        return;
    case VALUE_PLACE: /* the blank: nothing is put between the name and its arguments */
        text_fmt(t, " _bfc_places -f %s", choices);
        return;
    case VALUE_CHOICE:
        text_fmt(t, "(%s)", choices);
        return;
    case VALUE_COMMAND:
        text_str(t, "(");
        for (const struct command *const *c = bfc_root.commands; *c; c++)
            if (!(*c)->hidden)
                text_fmt(t, "%s%s", c == bfc_root.commands ? "" : " ", (*c)->name);
        text_str(t, ")");
        return;
    case VALUE_WORD:
        break;
    }
    text_str(t, " ");
}

/* Options that may be given several times. */
static bool repeats(enum option_id id)
{
    static const enum option_id several[] = {
        OPT_CMD,   OPT_ENTRYPOINT, OPT_ENV,      OPT_EXCLUDE, OPT_EXCLUDE_FROM,
        OPT_LABEL, OPT_PORT,       OPT_PROPERTY, OPT_VERBOSE, OPT_VOLUME};
    for (size_t i = 0; i < ARRAY_LEN(several); i++)
        if (several[i] == id)
            return true;
    return false;
}

/* '(-f --force)'{-f,--force}'[replace …]' */
static void add_option(struct text *t, const struct option *o)
{
    text_str(t, "        ");
    if (repeats(o->id))
        text_str(t, "'*'");
    else if (o->letter)
        text_fmt(t, "'(-%c --%s)'", o->letter, o->name);
    if (o->letter)
        text_fmt(t, "{-%c%s,--%s%s}", o->letter, o->value ? "+" : "", o->name, o->value ? "=" : "");
    else
        text_fmt(t, "--%s%s", o->name, o->value ? "=" : "");
    text_str(t, "'[");
    add_words(t, o->help);
    text_str(t, "]");
    if (o->value) {
        text_fmt(t, ":%s:", o->value);
        add_action(t, o->kind, o->choices);
    }
    text_str(t, "'\n");
}

static void add_operands(struct text *t, const struct command *command)
{
    size_t number = 1;
    for (const struct operand *o = command->operands; o && o->name; o++, number++) {
        text_str(t, "        '");
        if (o->many)
            text_char(t, '*');
        else
            text_fmt(t, "%zu", number);
        text_fmt(t, "%s:%s:", o->optional && !o->many ? ":" : "", o->name);
        add_action(t, o->kind, o->choices);
        text_str(t, "'\n");
    }
}

static void add_group(struct text *t, const struct command *group)
{
    text_str(t, "        '1: :->command'\n        '*:: :->argument'\n    )\n"
                "    local -a commands=(\n");
    for (const struct command *const *c = group->commands; *c; c++) {
        if ((*c)->hidden)
            continue;
        text_fmt(t, "        '%s:", (*c)->name);
        add_words(t, (*c)->summary);
        text_str(t, "'\n");
    }
    text_str(t, "    )\n    _arguments -s -S -C $specs && return\n"
                "    case $state in\n"
                "    command) _describe -t commands command commands ;;\n"
                "    argument) (( $+functions[_");
    command_path(t, group, "_");
    text_str(t, "_$words[1]] )) || return 1; _");
    command_path(t, group, "_");
    text_str(t, "_$words[1] ;;\n    esac\n");
}

static void add_function(void *ctx, const struct command *command)
{
    struct text *t = ctx;

    text_char(t, '_');
    command_path(t, command, "_");
    text_str(t, "() {\n    local curcontext=$curcontext state line\n    local -A opt_args\n"
                "    local -a specs=(\n");
    if (command != &bfc_root)
        for (const struct option *o = command->options; o && o->name; o++)
            add_option(t, o);
    for (const struct option *o = bfc_root.options; o->name; o++)
        add_option(t, o);
    if (command->commands) {
        add_group(t, command);
    } else {
        add_operands(t, command);
        text_str(t, "    )\n    _arguments -s -S $specs\n");
    }
    text_str(t, "}\n\n");
}

void help_zsh(struct text *t)
{
    text_str(t, head);
    command_each(add_function, t);
    text_str(t, tail);
}
