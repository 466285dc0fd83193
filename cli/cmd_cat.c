/* SPDX-License-Identifier: Apache-2.0 */
/* bfc cat: contents of files to stdout. */
#include <string.h>

#include "entry_view.h"
#include "key_options.h"
#include "trust_options.h"

enum {
    CHUNK = 1 << 20
};

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {"PATH", VALUE_WORD, false, true, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_AT, 0, "at", "COMMIT", VALUE_WORD, NULL,
     "read from an earlier commit: its number, or 8 or more digits of its root digest"},
    {OPT_TREE, 0, "tree", "N", VALUE_WORD, NULL,
     "read from tree N, as a layer's, and not tree 0; `bfc info FILE` tells which there are"},
    OPTIONS_OF_KEYS,
    OPTIONS_OF_TRUST,
    {0},
};

static int copy(struct cli *cli, bfc_reader *r, const char *path, const bfc_entry *e)
{
    /* One byte more than the file has: a short read tells that it ended. */
    const size_t room = e->size < CHUNK ? (size_t)e->size + 1 : CHUNK;
    AUTO_FREE char *buf = mem_alloc(room, 1);
    bfc_err err = BFC_ERR_INIT;
    uint64_t offset = 0;
    size_t got = 0;

    do {
        if (cli_cancelled(cli))
            return cli_error(cli, BFC_E_CANCELLED, "interrupted");
        if (bfc_reader_read(r, e->ino, offset, buf, room, &got, &err) < 0)
            return cli_fail_about(cli, &err, path);
        out_bytes(&cli->out, buf, got);
        offset += got;
    } while (got == room && !out_failed(&cli->out));
    return EXIT_DONE;
}

static int not_a_file(struct cli *cli, const bfc_entry *e)
{
    AUTO_TEXT struct text path = {0};
    AUTO_TEXT struct text link = {0};

    text_escaped(&path, e->path, e->path_len, ESCAPE_QUOTED);
    if (e->type == BFC_TYPE_SYMLINK && e->link) {
        text_escaped(&link, e->link, e->link_len, ESCAPE_QUOTED);
        return cli_error(cli, BFC_E_UNSUPPORTED, "'%s' is a symbolic link to '%s', not a file",
                         text_of(&path), text_of(&link));
    }
    return cli_error(cli, BFC_E_UNSUPPORTED, "'%s' is not a file but a %s", text_of(&path),
                     e->type == BFC_TYPE_DIR ? "directory" : entry_type_name(e->type));
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_reader) bfc_reader *r = NULL;
    bfc_err err = BFC_ERR_INIT;
    bfc_entry entry;

    int code = cli_open_reader(cli, args->operands[0], args, &r);
    if (code != EXIT_DONE)
        return code;
    for (size_t i = 1; i < args->count && !out_failed(&cli->out); i++) {
        int one;
        if (bfc_reader_stat(r, args->operands[i], &entry, &err) < 0)
            one = cli_fail(cli, &err);
        else if (entry.type != BFC_TYPE_FILE)
            one = not_a_file(cli, &entry);
        else
            one = copy(cli, r, args->operands[i], &entry);
        if (code == EXIT_DONE)
            code = one;
        if (cli_cancelled(cli))
            break;
    }
    return code;
}

static const struct example examples[] = {
    {"bfc cat app.bfc etc/os-release", "Prints a file without extracting anything."},
    {"bfc cat app.bfc var/log/a.log var/log/b.log >both.log", "Two files, one behind the other."},
    {0},
};

const struct command cmd_cat = {
    .name = "cat",
    .summary = "Writes the content of files to standard output",
    .text = "Only the blocks that the files need are read from the container, and each is checked. "
            "Holes come out as zeros. Symbolic links are not followed: where they lead is up to "
            "the system the tree is for.\n\n" TEXT_KEYS "\n\n" TEXT_TRUST,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits =
        "1 also when a PATH is not a file. 3 when a block is damaged; what was read before it has "
        "been written. The other PATHs are written all the same, and the first failure gives the "
        "code.",
    .see = "bfc-extract bfc-list cat(1)",
    .run = run,
};
