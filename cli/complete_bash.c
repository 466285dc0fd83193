/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash: the table as two case statements, and a fixed part that walks the line. */
#include <string.h>

#include "help.h"

/* What follows the table. bash splits words at ":" and "=", which are in names of images and in
 * --name=value: the line is split anew here, and what bash has split off is taken from the answers.
 */
static const char fixed[] =
    "_bfc_offer_place() { # what stands behind a scheme, as compgen has it; scheme…\n"
    "    local what=$1 prefix=\n"
    "    local -a schemes=()\n"
    "    shift\n"
    "    if [[ $cur =~ ^[a-z-]+: ]]; then\n"
    "        prefix=${BASH_REMATCH[0]}\n"
    "        [[ $prefix != zfs: ]] || return 0\n"
    "    elif [[ -n $cur ]]; then\n"
    "        mapfile -t schemes < <(compgen -S : -W \"$*\" -- \"$cur\")\n"
    "    fi\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"$prefix\" \"$what\" -- \"${cur#\"$prefix\"}\")\n"
    "    COMPREPLY+=(\"${schemes[@]}\")\n"
    "    if ((${#schemes[@]})); then compopt -o nospace; else compopt -o filenames; fi\n"
    "}\n"
    "\n"
    "_bfc_offer() { # kind\n"
    "    case $1 in\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); compopt -o filenames ;;\n"
    "    directory) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); compopt -o filenames ;;\n"
    "    image) mapfile -t COMPREPLY < <(compgen -W \\\n"
    "        \"$(\"${words[0]}\" ${store:+--store \"$store\"} image list -q 2>/dev/null)\" -- "
    "\"$cur\") ;;\n"
    "    'place '*) _bfc_offer_place -f \"${1#place }\" ;;\n"
    "    'directory '*) _bfc_offer_place -d \"${1#directory }\" ;;\n"
    "    'choice '*) mapfile -t COMPREPLY < <(compgen -W \"${1#choice }\" -- \"$cur\") ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_bfc() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} command=bfc cur store= ended= count=0 kind= i\n"
    "    local commands options operands next split\n"
    "    local -a words\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line != *[[:space:]] ]] || words+=('')\n"
    "    cur=${words[-1]}\n"
    "    for ((i = 1; i < ${#words[@]} - 1; i++)); do\n"
    "        next=${words[i]}\n"
    "        if [[ -n $kind ]]; then\n"
    "            [[ ${words[i - 1]} != --store ]] || store=$next\n"
    "            kind=\n"
    "        elif [[ -z $ended && $next == -- ]]; then\n"
    "            ended=1\n"
    "        elif [[ -z $ended && $next == --store=* ]]; then\n"
    "            store=${next#*=}\n"
    "        elif [[ -z $ended && $next == --* ]]; then\n"
    "            [[ $next == *=* ]] || _bfc_kind \"$command\" \"$next\"\n"
    "        elif [[ -z $ended && $next == -?* ]]; then\n"
    "            _bfc_kind \"$command\" \"-${next: -1}\"\n"
    "        else\n"
    "            _bfc_table \"$command\"\n"
    "            if [[ \" $commands \" == *\" $next \"* ]]; then\n"
    "                command+=\" $next\"\n"
    "            else\n"
    "                count=$((count + 1))\n"
    "            fi\n"
    "        fi\n"
    "    done\n"
    "    _bfc_table \"$command\"\n"
    "    if [[ -n $kind ]]; then\n"
    "        _bfc_offer \"$kind\"\n"
    "    elif [[ -z $ended && $cur == --*=* ]]; then\n"
    "        _bfc_kind \"$command\" \"${cur%%=*}\"\n"
    "        cur=${cur#*=}\n"
    "        _bfc_offer \"$kind\"\n"
    "    elif [[ -z $ended && $cur == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options $globals\" -- \"$cur\")\n"
    "    elif [[ -n $commands ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
    "    else\n"
    "        local -a kinds\n"
    "        IFS=, read -ra kinds <<<\"$operands\"\n"
    "        ((count < ${#kinds[@]})) || count=$((${#kinds[@]} - 1))\n"
    "        ((count < 0)) || _bfc_offer \"${kinds[count]}\"\n"
    "    fi\n"
    "    split=${cur%\"${cur##*:}\"}\n"
    "    [[ $COMP_WORDBREAKS != *:* ]] || COMPREPLY=(\"${COMPREPLY[@]#\"$split\"}\")\n"
    "}\n"
    "complete -F _bfc bfc\n";

static void add_kind(struct text *t, enum value_kind kind, const char *choices)
{
    switch (kind) {
    case VALUE_FILE:
        text_str(t, "file");
        return;
    case VALUE_DIRECTORY:
        text_str(t, "directory");
        if (choices)
            text_fmt(t, " %s", choices);
        return;
    case VALUE_IMAGE:
        text_str(t, "image");
        return;
    case VALUE_PLACE:
        text_fmt(t, "place %s", choices);
        return;
    case VALUE_CHOICE:
        text_fmt(t, "choice %s", choices);
        return;
    case VALUE_COMMAND:
        text_str(t, "choice");
        for (const struct command *const *c = bfc_root.commands; *c; c++)
            if (!(*c)->hidden)
                text_fmt(t, " %s", (*c)->name);
        return;
    case VALUE_WORD:
        break;
    }
    text_str(t, "word");
}

static void add_option_words(struct text *t, const struct option *options)
{
    const char *between = "";
    for (const struct option *o = options; o && o->name; o++) {
        if (o->letter)
            text_fmt(t, "%s-%c --%s", between, o->letter, o->name);
        else
            text_fmt(t, "%s--%s", between, o->name);
        between = " ";
    }
}

static void add_row(void *ctx, const struct command *command)
{
    struct text *t = ctx;
    const char *between = "";

    text_str(t, "    '");
    command_path(t, command, " ");
    text_str(t, "')\n        commands='");
    for (const struct command *const *c = command->commands; c && *c; c++) {
        if ((*c)->hidden)
            continue;
        text_fmt(t, "%s%s", between, (*c)->name);
        between = " ";
    }
    text_str(t, "'\n        options='");
    if (command != &bfc_root)
        add_option_words(t, command->options);
    text_str(t, "'\n        operands='");
    between = "";
    for (const struct operand *o = command->operands; o && o->name; o++) {
        text_str(t, between);
        add_kind(t, o->kind, o->choices);
        between = ",";
    }
    text_str(t, "' ;;\n");
}

/* The options of one command that take a value. The root's are everybody's. */
static void add_kinds(void *ctx, const struct command *command)
{
    struct text *t = ctx;
    for (const struct option *o = command->options; o && o->name; o++) {
        AUTO_TEXT struct text path = {0};
        if (!o->value)
            continue;
        command_path(&path, command, " ");
        const char *start = command == &bfc_root ? "*" : "";
        const char *name = command == &bfc_root ? "" : text_of(&path);
        text_fmt(t, "    %s'%s --%s'", start, name, o->name);
        if (o->letter)
            text_fmt(t, " | %s'%s -%c'", start, name, o->letter);
        text_str(t, ") kind='");
        add_kind(t, o->kind, o->choices);
        text_str(t, "' ;;\n");
    }
}

void help_bash(struct text *t)
{
    text_str(t, "# Completion of bfc for bash, made from the program's table of commands.\n\n"
                "_bfc_table() { # command\n    case $1 in\n");
    command_each(add_row, t);
    text_str(t, "    esac\n    globals='");
    add_option_words(t, bfc_root.options);
    text_str(t, "'\n}\n\n_bfc_kind() { # command, option: what its value is, or nothing\n"
                "    kind=\n    case \"$1 $2\" in\n");
    command_each(add_kinds, t);
    text_str(t, "    esac\n}\n\n");
    text_str(t, fixed);
}
