/* SPDX-License-Identifier: Apache-2.0 */
/* bfc list: names, one a line, or what ls -l would say. Lines are printed as the tree is walked: a
 * container of millions of files takes no memory for it. */
#include "entry_view.h"
#include "key_options.h"

#include <inttypes.h>
#include <stdio.h>

#include "trust_options.h"

struct listing {
    struct cli *cli;
    bool names_only, crc;
    char end; /* of a line */
    struct json_stream json;
};

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {"PATH", VALUE_WORD, true, true, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_LONG, 'l', "long", NULL, VALUE_WORD, NULL,
     "type and mode, names the inode has, owner, group, size or device numbers, time in UTC, name, "
     "and the target of a symbolic link"},
    {OPT_CRC, 'c', "crc32c", NULL, VALUE_WORD, NULL,
     "show the CRC32C of a file's content before its name"},
    {OPT_NULL, '0', "null", NULL, VALUE_WORD, NULL,
     "end each line with a zero byte, and escape nothing"},
    {OPT_AT, 0, "at", "COMMIT", VALUE_WORD, NULL,
     "look at an earlier commit: its number, or 8 or more digits of its root digest"},
    {OPT_TREE, 0, "tree", "N", VALUE_WORD, NULL,
     "list tree N, as a layer's, and not tree 0; `bfc info FILE` tells which there are"},
    OPTIONS_OF_KEYS,
    OPTIONS_OF_TRUST,
    {0},
};

static void print_long(struct out *o, const bfc_entry *e)
{
    char mode[MODE_TEXT_MAX], time[TIME_TEXT_MAX], size[48];

    entry_mode(mode, e->type, e->mode);
    text_time(time, e->mtime);
    if (e->type == BFC_TYPE_CHAR || e->type == BFC_TYPE_BLOCK)
        (void)snprintf(size, sizeof size, "%" PRIu32 ", %" PRIu32, e->major, e->minor);
    else
        (void)snprintf(size, sizeof size, "%" PRIu64, e->size);
    out_fmt(o, "%s %2" PRIu64 " %5" PRIu32 " %5" PRIu32 " %10s %s ", mode, e->nlink, e->uid, e->gid,
            size, time);
}

static void print_name(const struct listing *l, const char *name, size_t len)
{
    struct out *o = &l->cli->out;
    if (l->end == '\0')
        out_bytes(o, name, len);
    else
        out_name(o, name, len);
}

static void print_entry(struct listing *l, const bfc_entry *e)
{
    struct out *o = &l->cli->out;

    if (l->cli->json) {
        json_stream_item(&l->json, entry_json(e));
        return;
    }
    if (!l->names_only)
        print_long(o, e);
    if (l->crc && e->type == BFC_TYPE_FILE)
        out_fmt(o, "%08" PRIx32 " ", e->crc32c);
    else if (l->crc)
        out_str(o, "       - ");
    print_name(l, e->path, e->path_len);
    if (e->type == BFC_TYPE_DIR)
        out_str(o, "/");
    if (!l->names_only && e->link) {
        out_str(o, " -> ");
        print_name(l, e->link, e->link_len);
    }
    out_bytes(o, &l->end, 1);
}

/* Lists one path and all below it; an exit code. */
static int list_tree(struct listing *l, bfc_reader *r, const char *path)
{
    AUTO(bfc_walk) bfc_walk *walk = NULL;
    const bfc_entry *e = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_walk_open(r, path, &walk, &err) < 0)
        return cli_fail(l->cli, &err);
    if (l->names_only && !l->crc && !l->cli->json)
        bfc_walk_names_only(walk);
    for (;;) {
        if (bfc_walk_next(walk, &e, &err) < 0)
            return cli_fail(l->cli, &err);
        if (!e || out_failed(&l->cli->out))
            return EXIT_DONE;
        if (cli_cancelled(l->cli))
            return cli_error(l->cli, BFC_E_CANCELLED, "interrupted");
        if (e->path_len > 0)
            print_entry(l, e);
    }
}

static int list_all(struct listing *l, bfc_reader *r, const struct args *args)
{
    int code = EXIT_DONE;
    if (args->count == 1)
        return list_tree(l, r, "");
    for (size_t i = 1; i < args->count && !cli_cancelled(l->cli); i++) {
        int one = list_tree(l, r, args->operands[i]);
        if (code == EXIT_DONE)
            code = one;
    }
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    struct listing l = {
        .cli = cli,
        .names_only = !args_has(args, OPT_LONG),
        .crc = args_has(args, OPT_CRC),
        .end = args_has(args, OPT_NULL) ? '\0' : '\n',
    };
    AUTO(bfc_reader) bfc_reader *r = NULL;

    int code = cli_open_reader(cli, args->operands[0], args, &r);
    if (code != EXIT_DONE)
        return code;
    if (cli->json) {
        json_t *head = json_document("bfc.list/1");
        json_put_str(head, "file", args->operands[0]);
        json_stream_begin(&l.json, &cli->out, head, "entries");
    }
    code = list_all(&l, r, args);
    if (cli->json) {
        json_t *tail = json_new();
        json_put_bool(tail, "complete", code == EXIT_DONE);
        json_stream_end(&l.json, tail);
    }
    return code;
}

static const struct example examples[] = {
    {"bfc list app.bfc", "Every name, in byte order, a directory before what is in it."},
    {"bfc list -lc app.bfc etc usr/bin",
     "What is below etc and usr/bin, at length and with checksums."},
    {"bfc list -0 app.bfc | xargs -0 -n1 echo",
     "Names that may hold newlines, for another program."},
    {"bfc list --at 1 app.bfc", "What the first commit had."},
    {"bfc list --tree 1 app.bfc", "What the lowest layer of an image holds."},
    {0},
};

const struct command cmd_list = {
    .name = "list",
    .summary = "Lists what is in a container",
    .text =
        "Prints the name of every entry, one a line, a directory with a slash behind it and "
        "before what is in it, names in byte order. With PATHs, only these entries and what is "
        "below them. The root is not listed.\n\n"
        "With `-l`, times are in UTC, owners and groups are numbers, and sizes are bytes; a "
        "device has its major and minor number in place of a size.\n\n" TEXT_KEYS "\n\n" TEXT_TRUST,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "4 also when a PATH is not in the container; the others are listed all the same.",
    .see = "bfc-info bfc-extract bfc-cat ls(1)",
    .run = run,
};
