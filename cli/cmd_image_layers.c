/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image layers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "commit_view.h"
#include "image_view.h"
#include "key_options.h"
#include "table_print.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_HISTORY, 0, "history", NULL, VALUE_WORD, NULL,
     "tell also what made no layer, such as a command that was only set"},
    OPTIONS_OF_KEYS,
    {0},
};

struct view {
    struct cli *cli;
    bool history;
    const bfc_image_layers *layers;
};

/* The next item that is shown, from *at on; NULL behind the last. Counts layers in *number. */
static const bfc_image_layer *next(const struct view *v, size_t *at, size_t *number)
{
    while (*at < v->layers->count) {
        const bfc_image_layer *layer = &v->layers->item[(*at)++];
        *number += !layer->empty;
        if (!layer->empty || v->history)
            return layer;
    }
    return NULL;
}

static json_t *layer_json(const bfc_image_layer *layer, size_t number)
{
    json_t *o = json_new();
    if (!layer->empty)
        json_put_u64(o, "number", number);
    json_put_bool(o, "empty", layer->empty);
    json_put_str(o, "diff_id", layer->diff_id);
    json_put_str(o, "digest", layer->digest);
    json_put_str(o, "media_type", layer->media_type);
    json_put_u64(o, "size", layer->size);
    json_put_u64(o, "tar_size", layer->tar_size);
    json_put_u64(o, "entries", layer->entries);
    json_put_str(o, "created", layer->created);
    json_put_str(o, "created_by", layer->created_by);
    json_put_str(o, "comment", layer->comment);
    return o;
}

static void print_json(const struct view *v, const char *name)
{
    const bfc_image_layer *layer = NULL;
    size_t at = 0, number = 0;
    json_t *document = json_document("bfc.image.layers/1");
    json_t *list = json_array();

    if (!list)
        mem_out();
    json_put_str(document, "name", name);
    while ((layer = next(v, &at, &number)))
        json_push(list, layer_json(layer, number));
    json_put(document, "layers", list);
    json_print(&v->cli->out, document);
}

/* The first digits of "sha256:…" */
static void add_digest(struct table *t, const char *digest)
{
    AUTO_TEXT struct text digits = {0};
    const char *colon = strchr(digest, ':');
    const char *from = colon ? colon + 1 : digest;
    text_add(&digits, from, strnlen(from, DIGEST_SHORT));
    table_add(t, digits.len ? text_of(&digits) : "-");
}

static void add_number(struct table *t, uint64_t number)
{
    char shown[24];
    (void)snprintf(shown, sizeof shown, "%" PRIu64, number);
    table_add(t, shown);
}

/* What has no digest is not there, and has no size. */
static void add_size(struct table *t, const char *digest, uint64_t size)
{
    char shown[SIZE_TEXT_MAX];
    text_size(shown, size);
    table_add(t, digest[0] ? shown : "-");
}

static void add_time(struct table *t, const struct cli *cli, const char *told)
{
    char shown[TIME_TEXT_MAX] = "-";
    int64_t when = 0;
    if (image_time(told, &when) && cli->out.terminal)
        text_age(shown, when, (int64_t)time(NULL));
    else if (image_time(told, &when))
        text_time(shown, when);
    table_add(t, shown);
}

/* Adds the words of what may have many lines, with a blank before each but the first. */
static void add_words(struct text *line, const char *s)
{
    static const char blanks[] = " \t\r\n\v\f";
    for (s += strspn(s, blanks); *s; s += strspn(s, blanks)) {
        size_t len = strcspn(s, blanks);
        text_str(line, line->len ? " " : "");
        text_add(line, s, len);
        s += len;
    }
}

static void add_text(struct table *t, const struct cli *cli, const char *s, size_t len)
{
    AUTO_TEXT struct text shown = {0};

    if (cli->out.terminal)
        text_escaped(&shown, s, len, ESCAPE_TERMINAL);
    else
        text_add(&shown, s, len);
    table_add(t, shown.len ? text_of(&shown) : "-");
}

/* The command and the comment in one line, in which a terminal finds nothing to obey. */
static void add_command(struct table *t, const struct cli *cli, const bfc_image_layer *layer)
{
    /* What a builder puts into every entry tells nothing about this one. */
    static const char builder[] = "buildkit.dockerfile.";
    bool told = strncmp(layer->comment, builder, sizeof builder - 1) != 0;
    AUTO_TEXT struct text line = {0};

    add_words(&line, layer->created_by);
    if (told && layer->comment[0]) {
        add_words(&line, "#");
        add_words(&line, layer->comment);
    }
    add_text(t, cli, text_of(&line), line.len);
}

static void add_layer(struct table *t, const struct cli *cli, const bfc_image_layer *layer,
                      size_t number)
{
    if (layer->empty) {
        for (int i = 0; i < 5; i++)
            table_add(t, "-");
    } else {
        add_number(t, number);
        add_digest(t, layer->diff_id);
        add_size(t, layer->digest, layer->size);
        add_size(t, layer->diff_id, layer->tar_size);
        add_number(t, layer->entries);
    }
    add_time(t, cli, layer->created);
    add_command(t, cli, layer);
}

static void print_table(const struct view *v)
{
    static const char *const titles[] = {"N",       "DIFF ID", "SIZE",      "TAR SIZE",
                                         "ENTRIES", "CREATED", "CREATED BY"};
    static const bool right[] = {true, false, true, true, true, false, false};
    AUTO_TABLE struct table t = {.columns = ARRAY_LEN(titles), .right = right};
    struct out *o = &v->cli->out;
    const bfc_image_layer *layer = NULL;
    size_t at = 0, number = 0;

    t.width = o->terminal ? ui_columns(o->fd) : 0;
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        table_add(&t, titles[i]);
    while ((layer = next(v, &at, &number)))
        add_layer(&t, v->cli, layer, number);
    table_print(&t, o);
}

/* Blobs that are no layers: those of an artifact. */
static bool has_blobs(const bfc_image_layers *layers)
{
    return layers->count > 0 && layers->item[0].digest[0] && !layers->item[0].diff_id[0];
}

static void print_blobs(const struct view *v)
{
    static const char *const titles[] = {"N", "DIGEST", "SIZE", "MEDIA TYPE"};
    static const bool right[] = {true, false, true, false};
    AUTO_TABLE struct table t = {.columns = ARRAY_LEN(titles), .right = right};
    struct out *o = &v->cli->out;

    t.width = o->terminal ? ui_columns(o->fd) : 0;
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        table_add(&t, titles[i]);
    for (size_t i = 0; i < v->layers->count; i++) {
        const bfc_image_layer *blob = &v->layers->item[i];
        add_number(&t, i + 1);
        add_digest(&t, blob->digest);
        add_size(&t, blob->digest, blob->size);
        AUTO_TEXT struct text type = {0};
        add_words(&type, blob->media_type);
        add_text(&t, v->cli, text_of(&type), type.len);
    }
    table_print(&t, o);
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_layers) bfc_image_layers *layers = NULL;
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    if (bfc_image_layers_get(store, args->operands[0], &layers, &err) < 0)
        return cli_fail(cli, &err);
    struct view v = {.cli = cli, .history = args_has(args, OPT_HISTORY), .layers = layers};
    if (cli->json)
        print_json(&v, args->operands[0]);
    else if (has_blobs(layers))
        print_blobs(&v);
    else
        print_table(&v);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image layers nginx:1.25", "A table, the lowest layer first."},
    {"bfc image layers --history nginx:1.25", "With what was only set, such as its command."},
    {"bfc image layers --json nginx:1.25 | jq -r '.layers[].diff_id'", "The diffIDs in full."},
    {0},
};

const struct command cmd_image_layers = {
    .name = "layers",
    .summary = "Lists the layers of an image, the lowest first",
    .text =
        "For each layer: its number; the first digits of its diffID, which is the digest of "
        "its tar; the size that it had compressed where it came from, and the size of its tar; "
        "how many entries that has; and, from the image's history, when it was created and by "
        "which command, with the history's comment behind a `#`. A hyphen stands for what is not "
        "told. An image that was created from a directory has one layer "
        "without digests. Of an artifact, the blobs are listed with their digests, sizes and media "
        "types.\n\n"
        "On a terminal the time is told as an age and the command is cut to the width of a "
        "line; elsewhere the time is in UTC and the command is whole, in one line. With "
        "`--json` nothing is cut or brought into another form.\n\n"
        "The number is what `bfc image diff` takes: NAME#2 is what the layers 1 and 2 make "
        "together."
        "\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .see = "bfc-image-info bfc-image-diff bfc-image-config",
    .run = run,
};
