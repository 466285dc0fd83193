/* SPDX-License-Identifier: Apache-2.0 */
/* What a running command has: the global options, both outputs, and the ways to end. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <bfc/bfc.h>

#include "command.h"
#include "json.h"
#include "opt.h"
#include "out.h"
#include "ui.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_DAMAGED = 3,
    EXIT_NOT_FOUND = 4,
    EXIT_DENIED = 5,
    EXIT_BUSY = 6
};

struct cli {
    const struct command *command; /* the one that runs */
    bool json, quiet;
    unsigned jobs;     /* 0: as many as processors */
    const char *store; /* NULL: the default */
    struct out out;
    struct ui ui;
    bfc_hooks hooks;
    bfc_keys *keys; /* see key_options.h; NULL until a command wants them */
};

DEFINE_AUTO(bfc_reader, bfc_reader_close)
DEFINE_AUTO(bfc_writer, bfc_writer_close)
DEFINE_AUTO(bfc_walk, bfc_walk_close)
DEFINE_AUTO(bfc_store, bfc_store_close)
DEFINE_AUTO(bfc_image_info, bfc_image_info_free)
DEFINE_AUTO(bfc_image_list, bfc_image_list_free)
DEFINE_AUTO(bfc_image_layers, bfc_image_layers_free)
DEFINE_AUTO(bfc_image_history, bfc_image_history_free)
DEFINE_AUTO(bfc_xattrs, bfc_xattrs_free)
DEFINE_AUTO(bfc_keys, bfc_keys_free)

/* Each says what is wrong and returns the exit code for it. */
int cli_fail(struct cli *cli, const bfc_err *err);
/* With "; hint" behind the message if the code is `code`. */
int cli_fail_hint(struct cli *cli, const bfc_err *err, enum bfc_code code, const char *hint);
/* With "'subject': " before the message, where the library cannot know what was asked for. */
int cli_fail_about(struct cli *cli, const bfc_err *err, const char *subject);
int cli_error(struct cli *cli, enum bfc_code code, const char *fmt, ...) CLI_PRINTF(3, 4);
int cli_usage(struct cli *cli, const char *fmt, ...) CLI_PRINTF(2, 3);

/* A line for people on stderr: only on a terminal or with -v, never with --quiet or --json. */
void cli_summary(struct cli *cli, const char *fmt, ...) CLI_PRINTF(2, 3);
/* The same where it must not be missed: also without a terminal and -v. */
void cli_notice(struct cli *cli, const char *fmt, ...) CLI_PRINTF(2, 3);

/* Opens, or tells why not. 0 or an exit code. By the command's options: --at, --tree, and whose
 * signature is needed. */
int cli_open_reader(struct cli *cli, const char *path, const struct args *args, bfc_reader **out);
int cli_open_store(struct cli *cli, bfc_store **out);
/* The same with the keys that options name, for encrypted images; with `ask` a password is asked
 * for when one is wanted and none was named. */
int cli_open_store_keys(struct cli *cli, const struct args *args, bool ask, bfc_store **out);

static inline bool cli_cancelled(const struct cli *cli)
{
    return __atomic_load_n(cli->hooks.cancel, __ATOMIC_RELAXED) != 0;
}

#endif
