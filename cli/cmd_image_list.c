/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image list. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "commit_view.h"
#include "image_view.h"
#include "table_print.h"

static const struct operand operands[] = {{0}};

static void print_json(struct cli *cli, const bfc_store *store, const bfc_image_list *list)
{
    struct json_stream s;
    json_t *head = json_document("bfc.image.list/1");
    json_t *tail = json_new();

    json_put_str(head, "store", bfc_store_uri(store));
    json_stream_begin(&s, &cli->out, head, "images");
    for (size_t i = 0; i < list->count; i++) {
        json_t *image = json_new();
        image_json(image, list->item[i]);
        json_stream_item(&s, image);
    }
    json_put_u64(tail, "damaged", list->damaged);
    json_stream_end(&s, tail);
}

static void print_table(struct cli *cli, const bfc_image_list *list)
{
    static const char *const titles[] = {"NAME", "DIGEST", "CREATED", "SIZE", "CONTENT", "LAYERS"};
    static const bool right[] = {false, false, false, true, true, true};
    AUTO_TABLE struct table t = {.columns = ARRAY_LEN(titles), .right = right};
    int64_t now = (int64_t)time(NULL);

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        table_add(&t, titles[i]);
    for (size_t i = 0; i < list->count; i++) {
        const bfc_image_info *info = list->item[i];
        char digest[DIGEST_SHORT + 1], created[TIME_TEXT_MAX];
        char size[SIZE_TEXT_MAX], content[SIZE_TEXT_MAX], layers[24];
        digest_short(digest, info->root_digest);
        image_created(created, cli, info->created, now);
        text_size(size, info->size);
        text_size(content, info->content_bytes);
        (void)snprintf(layers, sizeof layers, "%" PRIu64, info->layers);
        const char *const cells[] = {info->name,
                                     digest,
                                     created,
                                     size,
                                     info->hidden ? "-" : content,
                                     info->hidden ? "-" : layers};
        for (size_t c = 0; c < ARRAY_LEN(cells); c++)
            table_add(&t, cells[c]);
    }
    table_print(&t, &cli->out);
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_list) bfc_image_list *list = NULL;
    bfc_err err = BFC_ERR_INIT;

    (void)args;
    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (bfc_image_list_get(store, &cli->hooks, &list, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json)
        print_json(cli, store, list);
    else if (!cli->quiet)
        print_table(cli, list);
    for (size_t i = 0; cli->quiet && !cli->json && i < list->count; i++)
        out_fmt(&cli->out, "%s\n", list->item[i]->name);
    if (list->damaged)
        return cli_error(cli, BFC_E_CORRUPT, "%zu file%s of the store could not be read",
                         list->damaged, list->damaged == 1 ? "" : "s");
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image list", "A table."},
    {"bfc image list -q | grep '^debian:'", "Names only, for another program."},
    {"bfc image list --json | jq '.images[] | select(.size > 1e9) | .name'",
     "Images above a gigabyte."},
    {0},
};

const struct command cmd_image_list = {
    .name = "list",
    .summary = "Lists the images of the store, newest first",
    .text = "For each image: its name, the first digits of its root digest, when it was created, "
            "the size of its file, the size of its content uncompressed, and its number of layers. "
            "On a terminal the time is told as an age, elsewhere in UTC. With `--quiet` only the "
            "names are printed, one a line.\n\n"
            "Of encrypted images content and layers are not known: no key is asked for.\n\n"
            "A file of the store that cannot be read is told on standard error, and the others are "
            "listed.",
    .operands = operands,
    .examples = examples,
    .exits = "3 when a file of the store could not be read.",
    .see = "bfc-image-info bfc-image-df",
    .run = run,
};
