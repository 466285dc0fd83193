/* SPDX-License-Identifier: Apache-2.0 */
/* bfc help and bfc completion: what is made from the table. */
#include <string.h>

#include "cli.h"
#include "help.h"

static const struct operand help_operands[] = {
    {"COMMAND", VALUE_COMMAND, true, true, NULL},
    {0},
};

/* --man is for the build, which makes the man pages with it. */
static const struct option help_options[] = {
    {OPT_MAN, 0, "man", NULL, VALUE_WORD, NULL, "write the man page"},
    {0},
};

static int run_help(struct cli *cli, const struct args *args)
{
    const struct command *command = &bfc_root;
    AUTO_TEXT struct text t = {0};

    for (size_t i = 0; i < args->count; i++) {
        const struct command *next = command_find(command, args->operands[i]);
        AUTO_TEXT struct text shown = {0};
        text_escaped(&shown, args->operands[i], strlen(args->operands[i]), ESCAPE_QUOTED);
        if (!next)
            return cli_usage(cli, "help: unknown command '%s'", text_of(&shown));
        command = next;
    }
    if (args_has(args, OPT_MAN))
        help_man(&t, command);
    else
        help_text(&t, command, ui_columns(cli->out.fd));
    out_text(&cli->out, &t);
    return EXIT_DONE;
}

static const struct example help_examples[] = {
    {"bfc help create", "The same as bfc create --help."},
    {"bfc help image list", "A command of a group."},
    {0},
};

const struct command cmd_help = {
    .name = "help",
    .summary = "Explains a command",
    .text = "Without COMMAND it explains the program and names its commands. `--man` writes the "
            "text of the man page, as man(7) source.",
    .options = help_options,
    .operands = help_operands,
    .examples = help_examples,
    .see = "man(1)",
    .run = run_help,
};

static const struct operand completion_operands[] = {
    {"SHELL", VALUE_CHOICE, false, false, "bash zsh fish"},
    {0},
};

static int run_completion(struct cli *cli, const struct args *args)
{
    static const struct {
        const char *shell;
        void (*write)(struct text *t);
    } shells[] = {{"bash", help_bash}, {"zsh", help_zsh}, {"fish", help_fish}};
    AUTO_TEXT struct text t = {0};

    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        if (strcmp(args->operands[0], shells[i].shell) != 0)
            continue;
        shells[i].write(&t);
        out_text(&cli->out, &t);
        return EXIT_DONE;
    }
    AUTO_TEXT struct text shown = {0};
    text_escaped(&shown, args->operands[0], strlen(args->operands[0]), ESCAPE_QUOTED);
    return cli_usage(cli, "completion: '%s' is none of bash, zsh, fish", text_of(&shown));
}

const struct command cmd_completion = {
    .name = "completion",
    .summary = "Writes a completion script for a shell",
    .text = "For installations that do not put it where the shell looks.",
    .operands = completion_operands,
    .hidden = true,
    .run = run_completion,
};
