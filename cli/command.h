/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands. Each command is one constant of struct command, in its own file; the root
 * in table.c names them all. Parsing, --help, man pages and completions are made from it, so
 * that they cannot disagree.
 *
 * Texts are plain paragraphs with an empty line between them; `backquotes` mark what is typed. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct cli;
struct args;

enum option_id {
    OPT_NONE = 0,
    /* global */
    OPT_STORE,
    OPT_JSON,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_COLOR,
    OPT_PROGRESS,
    OPT_JOBS,
    OPT_HELP,
    OPT_VERSION,
    /* of commands */
    OPT_ALL,
    OPT_ALL_PLATFORMS,
    OPT_ARTIFACT,
    OPT_AS,
    OPT_AT,
    OPT_AUTH_FILE,
    OPT_AUTHOR,
    OPT_BLOCK_SIZE,
    OPT_FORMAT,
    OPT_LOW_MEMORY,
    OPT_CERT_DIR,
    OPT_CMD,
    OPT_COMPRESSION,
    OPT_COPY,
    OPT_CRC,
    OPT_DEEP,
    OPT_DETACHED,
    OPT_DIRECTORY,
    OPT_DRY_RUN,
    OPT_ENCRYPT,
    OPT_ENTRYPOINT,
    OPT_ENV,
    OPT_EXCLUDE,
    OPT_EXCLUDE_FROM,
    OPT_FORCE,
    OPT_FROM,
    OPT_GET_LOGIN,
    OPT_HAVE,
    OPT_HISTORY,
    OPT_HOSTNAME,
    OPT_IDENTITY,
    OPT_KEEP_GOING,
    OPT_KEY,
    OPT_KEY_FILE,
    OPT_LABEL,
    OPT_LAZY,
    OPT_LEVEL,
    OPT_LIST,
    OPT_LONG,
    OPT_MAN,
    OPT_MANIFEST,
    OPT_MAX_SIZE,
    OPT_MESSAGE,
    OPT_MOUNTPOINT,
    OPT_MOUNT_FROM,
    OPT_NEW_KEY_FILE,
    OPT_NEW_PASSWORD_FD,
    OPT_NEW_PASSWORD_FILE,
    OPT_NULL,
    OPT_ONE_FILE_SYSTEM,
    OPT_OUTPUT,
    OPT_PARALLEL,
    OPT_PARENTS,
    OPT_PASSWORD_FD,
    OPT_PASSWORD_FILE,
    OPT_PASSWORD_STDIN,
    OPT_PLATFORM,
    OPT_POLICY,
    OPT_PORT,
    OPT_PREFIXES,
    OPT_PROPERTY,
    OPT_PRUNE,
    OPT_QUICK,
    OPT_RECIPIENT,
    OPT_REFERRERS,
    OPT_REPAIR,
    OPT_REPRODUCIBLE,
    OPT_REQUIRE_SIGNATURE,
    OPT_ROOT_DIGEST,
    OPT_ROOTLESS,
    OPT_SIGNATURE,
    OPT_SIGNING,
    OPT_STATS,
    OPT_STOP_SIGNAL,
    OPT_STRICT,
    OPT_TERMINAL,
    OPT_TLS_VERIFY,
    OPT_TREE,
    OPT_TRUST,
    OPT_USER,
    OPT_USERNAME,
    OPT_VOLUME,
    OPT_WAIT,
    OPT_WORKDIR,
    OPT_PROFILE
};

/* What a value is; completions offer what fits. */
enum value_kind {
    VALUE_WORD = 0, /* nothing to offer */
    VALUE_FILE,
    VALUE_DIRECTORY, /* with `choices`: or what is behind one of these schemes */
    VALUE_IMAGE,     /* name of an image in the store */
    VALUE_PLACE,     /* a path, or one behind a scheme: one of `choices` and a colon */
    VALUE_COMMAND,
    VALUE_CHOICE /* one of `choices` */
};

struct option {
    enum option_id id;
    char letter;       /* 0: none */
    const char *name;  /* without its dashes; NULL ends a table */
    const char *value; /* its argument as help names it; NULL: it takes none */
    enum value_kind kind;
    const char *choices; /* words with a blank between them, or NULL */
    const char *help;    /* lower case, no full stop */
};

struct operand {
    const char *name; /* as help names it; NULL ends a table */
    enum value_kind kind;
    bool optional, many;
    const char *choices;
};

struct example {
    const char *command; /* NULL ends a table */
    const char *what;
};

struct section {
    const char *title; /* NULL ends a table */
    const char *text;
};

struct command {
    const char *name;
    const char *summary;                   /* a sentence without its full stop: "Lists …" */
    const char *text;                      /* paragraphs */
    const struct command *const *commands; /* of a group, ended by NULL; else NULL */
    const struct option *options;          /* may be NULL */
    const struct operand *operands;        /* may be NULL */
    const struct example *examples;        /* may be NULL */
    const struct section *sections;        /* further sections of its man page; may be NULL */
    const char *exits; /* what exit codes mean here beside the common ones; may be NULL */
    const char *see;   /* pages, with a blank between them: "bfc-list tar" */
    bool hidden;       /* in no list, page or completion */
    int (*run)(struct cli *cli, const struct args *args); /* NULL for a group */
};

extern const struct command bfc_root;

extern const struct command cmd_create, cmd_append, cmd_list, cmd_extract, cmd_cat, cmd_info,
    cmd_verify, cmd_sign, cmd_signatures, cmd_log, cmd_recover, cmd_compact, cmd_image, cmd_key,
    cmd_login, cmd_logout, cmd_help, cmd_completion;
extern const struct command cmd_key_generate, cmd_key_public, cmd_key_list, cmd_key_add,
    cmd_key_remove, cmd_key_rotate;
extern const struct command cmd_image_create, cmd_image_list, cmd_image_info, cmd_image_extract,
    cmd_image_bundle, cmd_image_export, cmd_image_layers, cmd_image_diff, cmd_image_commit,
    cmd_image_squash, cmd_image_rebase, cmd_image_config, cmd_image_delete, cmd_image_tag,
    cmd_image_verify, cmd_image_history, cmd_image_rollback, cmd_image_prune, cmd_image_df,
    cmd_image_send, cmd_image_receive, cmd_image_pull, cmd_image_push, cmd_image_tags,
    cmd_image_inspect, cmd_image_sync, cmd_image_copy;

/* The command of that name directly below a group, or NULL. */
const struct command *command_find(const struct command *group, const char *name);
/* The group it stands in: bfc_root, one of its groups, or NULL for the root. */
const struct command *command_parent(const struct command *command);
/* "bfc", "bfc create", "bfc image list", with `between` in place of the blanks. */
struct text;
void command_path(struct text *t, const struct command *command, const char *between);
/* "bfc create [OPTION]… FILE PATH…", without "bfc" for the root's operands */
void command_synopsis(struct text *t, const struct command *command);

/* Is called for each command that is not hidden, the root first, groups before what is in them. */
typedef void command_fn(void *ctx, const struct command *command);
void command_each(command_fn *fn, void *ctx);

#endif
