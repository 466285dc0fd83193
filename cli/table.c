/* SPDX-License-Identifier: Apache-2.0 */
/* The root of the table of commands, with the global options and what the first man page says. */
#include <string.h>

#include "command.h"
#include "text.h"

static const struct command *const commands[] = {
    &cmd_create, &cmd_append,     &cmd_list, &cmd_extract,    &cmd_cat,     &cmd_info,  &cmd_verify,
    &cmd_sign,   &cmd_signatures, &cmd_log,  &cmd_recover,    &cmd_compact, &cmd_image, &cmd_key,
    &cmd_login,  &cmd_logout,     &cmd_help, &cmd_completion, NULL,
};

static const struct option options[] = {
    {OPT_STORE, 0, "store", "URI", VALUE_DIRECTORY, "dir zfs",
     "the image store: `dir:PATH` or a path, or `zfs:DATASET`; default $BFC_STORE, else "
     "/var/lib/bfc/images for root, $XDG_DATA_HOME/bfc/images for others"},
    {OPT_JSON, 0, "json", NULL, VALUE_WORD, NULL,
     "answer with a JSON document on stdout, and tell errors as JSON on stderr"},
    {OPT_QUIET, 'q', "quiet", NULL, VALUE_WORD, NULL, "no progress and no summaries"},
    {OPT_VERBOSE, 'v', "verbose", NULL, VALUE_WORD, NULL,
     "tell more on stderr; twice: also what helps developers"},
    {OPT_COLOR, 0, "color", "WHEN", VALUE_CHOICE, "auto always never",
     "colour messages: `auto` (on a terminal, unless NO_COLOR is set), `always`, `never`"},
    {OPT_PROGRESS, 0, "progress", "HOW", VALUE_CHOICE, "auto json none",
     "`auto`: a line on a terminal for what takes longer than a second; `json`: JSON lines on "
     "stderr; `none`"},
    {OPT_JOBS, 'j', "jobs", "N", VALUE_WORD, NULL, "threads; default: as many as processors"},
    {OPT_HELP, 'h', "help", NULL, VALUE_WORD, NULL,
     "explain the program, or the command, and exit"},
    {OPT_VERSION, 0, "version", NULL, VALUE_WORD, NULL, "tell the version and exit"},
    {0},
};

static const struct example examples[] = {
    {"bfc create app.bfc rootfs", "One file with the content of the directory rootfs."},
    {"bfc list -l app.bfc etc", "What is in it below etc, with owners, sizes and times."},
    {"bfc extract app.bfc -C /srv/app", "All of it, into /srv/app."},
    {"bfc image create debian:12 rootfs", "The same tree as an image in the store."},
    {"bfc image create nginx:1.25 oci:layout:1.25", "An OCI image, with its layers."},
    {"bfc image list", "What the store has."},
    {0},
};

static const struct section sections[] = {
    {"JSON",
     "With `--json` a command that has an answer prints one document on standard output. Its first "
     "member, `schema`, names the kind of document and its version, such as `bfc.list/1`; later "
     "versions of the program add members and change none. Sizes are integers in bytes, times are "
     "UTC such as `2026-11-23T22:30:01.5Z` with up to nine digits of a second, digests are "
     "hexadecimal.\n\n"
     "A name that is not UTF-8 stands in its member with `\\xNN` for each byte that is none and "
     "two backslashes for one, and a second member whose name ends in `_base64` holds the exact "
     "bytes. Where there is no such member, the string is the name itself.\n\n"
     "An error is an object of the schema `bfc.error/1` on standard error, on a line of its own: "
     "its member `error` has `code` (`not-found`, `corrupt`, `usage`, …), `exit` and `message`. "
     "Warnings are of the schema `bfc.log/1`, progress with `--progress=json` of "
     "`bfc.progress/1`.\n\n"
     "The long arrays of `bfc list`, `bfc verify` and `bfc image diff` are printed as they come, "
     "one item a line; if "
     "a command fails on the way, the document is still closed, and its last members and the exit "
     "code tell."},
    {"PROGRESS", "What takes longer than a second shows a line on standard error, if that is a "
                 "terminal: what is done, of how much, how fast, and how long the rest may take. "
                 "It is erased at the end and before any message. Use `--quiet` or "
                 "`--progress=none` to have none, and `--progress=json` for programs: a JSON "
                 "document a line, ten a second at most, with `phase`, `bytes_done`, "
                 "`bytes_total`, `files_done` and `files_total`; a total is 0 until it is known."},
    {"SIGNALS", "SIGINT (Ctrl-C), SIGTERM and SIGHUP stop the running command: it removes what it "
                "has begun, leaves containers as they were, and dies by the signal. A second "
                "signal ends the program at once; `bfc image prune` removes what that leaves in a "
                "store."},
    {"ENVIRONMENT",
     "`BFC_STORE`: the image store where no `--store` is given.\n\n"
     "`BFC_PASSWORD_FILE`: a file whose first line is the password where no option names a key.\n\n"
     "`XDG_DATA_HOME`: where the default store of an ordinary user lies; ~/.local/share if it is "
     "not set.\n\n"
     "`BFC_TRUST_FILE`: the trust file, which says who is believed to sign; see bfc-verify(1). "
     "Where "
     "it is not set, the first that is there of `$XDG_CONFIG_HOME/bfc/trust` (or "
     "~/.config/bfc/trust) and /etc/bfc/trust.\n\n"
     "`SOURCE_DATE_EPOCH`: with `--reproducible`, the commit's time in seconds since 1970.\n\n"
     "`NO_COLOR`: if it is set and not empty, nothing is coloured unless `--color=always` is "
     "given.\n\n"
     "`COLUMNS`: width of help and of the progress line; otherwise the terminal's."},
    {0},
};

const struct command bfc_root = {
    .name = "bfc",
    .summary = "Keeps container images as single, verified files",
    .text = "A BFC container is one append-only file with whole file trees and everything Linux "
            "knows about them: compressed, checked, and pinned by one root digest. An image store "
            "is a directory full of them, or a ZFS dataset.\n\n"
            "Global options may stand before or after the command. Short options can be bundled "
            "(`-lc`), long ones take their value as `--name=value` or `--name value` and are never "
            "abbreviated. `--` ends the options: what follows are names, also if they start with a "
            "dash.\n\n"
            "Standard output is the answer, standard error all else. Names from a container are "
            "printed as they are, except on a terminal, where control characters and bytes that "
            "are no UTF-8 are shown as \\xNN.",
    .commands = commands,
    .options = options,
    .examples = examples,
    .sections = sections,
    .see = "tar(1) zstd(1)",
};

const struct command *command_find(const struct command *group, const char *name)
{
    for (const struct command *const *c = group->commands; c && *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

const struct command *command_parent(const struct command *command)
{
    for (const struct command *const *c = commands; *c; c++) {
        if (*c == command)
            return &bfc_root;
        for (const struct command *const *sub = (*c)->commands; sub && *sub; sub++)
            if (*sub == command)
                return *c;
    }
    return NULL;
}

void command_path(struct text *t, const struct command *command, const char *between)
{
    const struct command *parent = command_parent(command);
    if (parent) {
        command_path(t, parent, between);
        text_str(t, between);
    }
    text_str(t, command->name);
}

void command_synopsis(struct text *t, const struct command *command)
{
    command_path(t, command, " ");
    if (command->commands) {
        text_str(t, command == &bfc_root ? " [GLOBAL OPTION]… COMMAND [ARGUMENT]…"
                                         : " COMMAND [ARGUMENT]…");
        return;
    }
    if (command->options)
        text_str(t, " [OPTION]…");
    for (const struct operand *o = command->operands; o && o->name; o++)
        text_fmt(t, o->optional ? " [%s]%s" : " %s%s", o->name, o->many ? "…" : "");
}

static void each(command_fn *fn, void *ctx, const struct command *command)
{
    if (command->hidden)
        return;
    fn(ctx, command);
    for (const struct command *const *c = command->commands; c && *c; c++)
        each(fn, ctx, *c);
}

void command_each(command_fn *fn, void *ctx)
{
    each(fn, ctx, &bfc_root);
}
