/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image diff. Lines are printed as the library finds them: any number takes no memory. */
#include <string.h>

#include "entry_view.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"OTHER", VALUE_IMAGE, true, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_NULL, '0', "null", NULL, VALUE_WORD, NULL,
     "end each line with a zero byte, and escape nothing"},
    OPTIONS_OF_KEYS,
    {0},
};

struct difference {
    struct cli *cli;
    char end; /* of a line */
    struct json_stream json;
};

static const char *kind_name(char kind)
{
    return kind == 'A' ? "added" : kind == 'D' ? "deleted" : "changed";
}

static int on_change(void *ctx, const bfc_image_change *change)
{
    struct difference *d = ctx;
    struct out *o = &d->cli->out;

    if (d->cli->json) {
        json_t *one = json_new();
        json_put_str(one, "kind", kind_name(change->kind));
        json_put_str(one, "path", change->path);
        json_put_str(one, "type", entry_type_name(change->type));
        json_stream_item(&d->json, one);
    } else {
        const char *path = change->path[0] ? change->path : "/";
        out_fmt(o, "%c ", change->kind);
        if (d->end == '\0')
            out_str(o, path);
        else
            out_name(o, path, strlen(path));
        out_bytes(o, &d->end, 1);
    }
    return out_failed(o) || cli_cancelled(d->cli);
}

static void begin_json(struct difference *d, const char *from, const char *to)
{
    json_t *head = json_document("bfc.image.diff/1");
    if (from)
        json_put_str(head, "from", from);
    else
        json_put(head, "from", json_null());
    json_put_str(head, "to", to);
    json_stream_begin(&d->json, &d->cli->out, head, "changes");
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    struct difference d = {.cli = cli, .end = args_has(args, OPT_NULL) ? '\0' : '\n'};
    const char *from = args->count > 1 ? args->operands[0] : NULL;
    const char *to = args->operands[args->count - 1];
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    if (cli->json)
        begin_json(&d, from, to);
    int rc = bfc_image_diff(store, from, to, on_change, &d, &err);
    /* What on_change() stopped is no failure of the library's. */
    if (cli_cancelled(cli))
        code = cli_error(cli, BFC_E_CANCELLED, "interrupted");
    else if (rc < 0 && !out_failed(&cli->out))
        code = cli_fail(cli, &err);
    if (cli->json) {
        json_t *tail = json_new();
        json_put_bool(tail, "complete", code == EXIT_DONE);
        json_stream_end(&d.json, tail);
    }
    return code;
}

static const struct example examples[] = {
    {"bfc image diff nginx:1.25", "What its last layer has changed."},
    {"bfc image diff nginx:1.24 nginx:1.25", "What is new in 1.25, other, or gone."},
    {"bfc image diff 'app#2' 'app#3'", "What the third layer has changed."},
    {0},
};

const struct command cmd_image_diff = {
    .name = "diff",
    .summary = "Tells what differs between two images, or between layers",
    .text =
        "Prints a line for each path that differs, in byte order of the names: `A PATH` where "
        "only OTHER has it, `C PATH` where both have it and its type, its attributes or its "
        "content are not the same, `D PATH` where only NAME has it. The root is `/`; other paths "
        "have no leading slash.\n\n"
        "NAME#N, with a number, is the file system that the lowest N layers of the image make; "
        "`bfc image layers` numbers them. With NAME alone: what its last layer has changed.\n\n"
        "Nothing is printed where nothing differs; the exit code is 0 in both cases."
        "\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .see = "bfc-image-layers bfc-image-commit bfc-list",
    .run = run,
};
