/* SPDX-License-Identifier: Apache-2.0 */
/* bfc create and bfc append: one more commit, in a new container or in an old one. */
#include "commit_view.h"
#include "key_options.h"
#include "stats_view.h"
#include "write_options.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {"PATH", VALUE_FILE, false, true, NULL},
    {0},
};

static const struct option create_options[] = {
    OPTION_DIRECTORY,
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace FILE if it exists"},
    OPTIONS_OF_WRITING,
    OPTION_REPRODUCIBLE,
    OPTION_STATS,
    OPTIONS_OF_ENCRYPTING,
    {0},
};

static const struct option append_options[] = {
    OPTION_DIRECTORY, OPTIONS_OF_WRITING, OPTION_REPRODUCIBLE, OPTION_STATS, OPTIONS_OF_KEYS, {0},
};

/* The path as the caller's working directory sees it. */
static void below(struct text *t, const char *dir, const char *path)
{
    if (dir && path[0] != '/')
        text_fmt(t, "%s/", dir);
    text_str(t, path);
}

/* `root`: what is to stand at the root if it is a directory; NULL: nothing is. */
static int add_paths(bfc_writer *w, const struct args *args, const char *root, bfc_err *err)
{
    const char *dir = args_value(args, OPT_DIRECTORY);
    const char *const *paths = args->operands + 1;

    if (root) {
        /* No directory, or a link that leads nowhere: stored under its name. Any other failure must
         * not turn a root into an entry. */
        int rc = bfc_writer_add_root(w, root, err);
        if (rc != BFC_E_INVALID && rc != BFC_E_NOT_FOUND)
            return rc;
    }
    for (; *paths; paths++) {
        int rc = bfc_writer_add(w, dir, *paths, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int run_create(struct cli *cli, const struct args *args)
{
    AUTO_WRITE_OPTIONS struct write_options options = {0};
    AUTO(bfc_writer) bfc_writer *w = NULL;
    const char *path = args->operands[0];
    bfc_stats stats = BFC_STATS_INIT;
    bfc_commit_info commit;
    bfc_err err = BFC_ERR_INIT;

    int code = write_options_read(cli, args, &options);
    if (code == EXIT_DONE)
        code = encrypt_options_read(cli, args, &options.writer);
    if (code != EXIT_DONE)
        return code;
    options.writer.stats = stats_wanted(args, &stats);
    /* Before there is a writer: running out of memory here ends the program without a clean-up. */
    AUTO_TEXT struct text root = {0};
    if (args->count == 2)
        below(&root, args_value(args, OPT_DIRECTORY), args->operands[1]);
    if (bfc_writer_create(path, &options.writer, &w, &err) < 0 ||
        add_paths(w, args, args->count == 2 ? text_of(&root) : NULL, &err) < 0 ||
        bfc_writer_commit(w, &commit, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    commit_report(cli, "bfc.create/1", path, &commit, options.writer.stats);
    return EXIT_DONE;
}

static int run_append(struct cli *cli, const struct args *args)
{
    AUTO_WRITE_OPTIONS struct write_options options = {0};
    AUTO(bfc_writer) bfc_writer *w = NULL;
    const char *path = args->operands[0];
    bfc_stats stats = BFC_STATS_INIT;
    bfc_commit_info commit;
    bfc_err err = BFC_ERR_INIT;

    int code = write_options_read(cli, args, &options);
    if (code == EXIT_DONE)
        code = key_options_read(cli, args);
    if (code != EXIT_DONE)
        return code;
    options.writer.keys = cli->keys;
    options.writer.stats = stats_wanted(args, &stats);
    if (bfc_writer_append(path, &options.writer, &w, &err) < 0 ||
        add_paths(w, args, NULL, &err) < 0 || bfc_writer_commit(w, &commit, &err) < 0)
        return cli_fail(cli, &err);
    commit_report(cli, "bfc.append/1", path, &commit, options.writer.stats);
    return EXIT_DONE;
}

static const struct example create_examples[] = {
    {"bfc create app.bfc rootfs",
     "The content of rootfs stands at the container's root, like an image."},
    {"bfc create home.bfc -C /home alice bob",
     "The directories alice and bob of /home, under their names."},
    {"bfc create -c zstd:19 --exclude '*.o' --exclude 'build/*' src.bfc src",
     "At a high level, without object files and without what is in src/build."},
    {"bfc create --profile archive kept.bfc rootfs",
     "As small as it gets, to be kept or sent; single small files are read more slowly."},
    {"bfc create --reproducible app.bfc rootfs",
     "The same rootfs gives the same bytes, whenever and wherever it is run."},
    {"bfc create -e --password-file pw --recipient me.pub app.bfc rootfs",
     "Encrypted: the password opens it, and so does the secret key of me.pub."},
    {0},
};

const struct command cmd_create = {
    .name = "create",
    .summary = "Creates a container from files and directories",
    .text =
        "With a single directory, its content is stored at the container's root, and its own "
        "attributes are the root's. With several PATHs, or with a file, each is stored under "
        "its own name: a leading slash and `./` are dropped, `..` is refused, and the "
        "directories on the way are stored with it.\n\n"
        "Everything of the tree is kept: types, modes, numeric owners, times to the "
        "nanosecond, hard links, symbolic links as links, devices, FIFOs, sockets, extended "
        "attributes with capabilities and ACLs, and holes. Equal contents are stored "
        "once.\n\n"
        "FILE appears when it is whole: after a failure, or Ctrl-C, there is nothing, or what "
        "was there before. An existing FILE is only replaced with "
        "`--force`.\n\n"
        "With `--encrypt` contents, names, attributes and sizes of files are encrypted; how "
        "large the container is, and when it was changed, can be seen by anybody. It opens with "
        "any one of the keys that are given, of which there may be 20. With none, and without "
        "$BFC_PASSWORD_FILE, a password is asked for on the terminal, twice. Without its keys a "
        "container cannot be read by anybody: keep one of them in a safe "
        "place.\n\n" TEXT_PROFILE "\n\n" TEXT_EXCLUDE "\n\n"
        "On a terminal, or with `-v`, a line on standard error sums up what was stored.",
    .options = create_options,
    .operands = operands,
    .examples = create_examples,
    .exits = "1 also when FILE exists and `--force` was not given.",
    .see = "bfc-append bfc-extract bfc-list bfc-image-create",
    .run = run_create,
};

static const struct example append_examples[] = {
    {"bfc append app.bfc etc/motd", "Replaces etc/motd, or adds it."},
    {"bfc append app.bfc -C /srv www",
     "Adds the directory www of /srv, or replaces what differs in it."},
    {"bfc log app.bfc",
     "The commits that app.bfc has now; the earlier ones can still be read with --at."},
    {0},
};

const struct command cmd_append = {
    .name = "append",
    .summary = "Adds and replaces paths in a container, as one more commit",
    .text =
        "Each PATH is stored under its own name, as `bfc create` does with several. What the "
        "container has under other names stays; directories are merged. The new commit is "
        "written behind the old ones, which are not changed and can still be read with `--at`. "
        "It costs what it adds: contents that the container has already are not stored "
        "again.\n\n"
        "A crash or a failure leaves the container with its old commits. A torn tail that an "
        "earlier crash left is cut off first. Only one program can append at a time; readers "
        "are not disturbed. A container that holds an image's layers is refused: its trees "
        "share what they hold.\n\n"
        "What is added to an encrypted container is encrypted for whoever can open it. " TEXT_KEYS
        "\n\n" TEXT_PROFILE "\n\n" TEXT_EXCLUDE,
    .options = append_options,
    .operands = operands,
    .examples = append_examples,
    .exits =
        "1 also when the container holds an image's layers. 6 when another program is appending.",
    .see = "bfc-create bfc-log bfc-compact bfc-recover",
    .run = run_append,
};
