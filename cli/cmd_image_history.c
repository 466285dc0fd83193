/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image history. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "commit_view.h"
#include "image_view.h"
#include "table_print.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {0},
};

static void print_json(struct cli *cli, const char *name, const bfc_image_history *history)
{
    json_t *document = json_document("bfc.image.history/1");
    json_t *list = json_array();

    if (!list)
        mem_out();
    for (size_t i = 0; i < history->count; i++) {
        const bfc_image_version *version = &history->item[i];
        json_t *one = json_new();
        json_put_hex(one, "root_digest", version->root_digest, sizeof version->root_digest);
        json_put_time(one, "created", version->created, 0);
        json_put_u64(one, "size", version->size);
        json_put_bool(one, "current", version->current);
        json_put_u64(one, "containers", version->containers);
        json_push(list, one);
    }
    json_put_str(document, "name", name);
    json_put(document, "versions", list);
    json_print(&cli->out, document);
}

static void print_table(struct cli *cli, const bfc_image_history *history)
{
    static const char *const titles[] = {"DIGEST", "CREATED", "SIZE", "CONTAINERS", "CURRENT"};
    static const bool right[] = {false, false, true, true, false};
    AUTO_TABLE struct table t = {.columns = ARRAY_LEN(titles), .right = right};
    int64_t now = (int64_t)time(NULL);

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        table_add(&t, titles[i]);
    for (size_t i = 0; i < history->count; i++) {
        const bfc_image_version *version = &history->item[i];
        char digest[DIGEST_SHORT + 1], created[TIME_TEXT_MAX];
        char size[SIZE_TEXT_MAX], containers[24];
        digest_short(digest, version->root_digest);
        image_created(created, cli, version->created, now);
        text_size(size, version->size);
        (void)snprintf(containers, sizeof containers, "%" PRIu64, version->containers);
        const char *const cells[] = {digest, created, size, containers,
                                     version->current ? "yes" : "-"};
        for (size_t c = 0; c < ARRAY_LEN(cells); c++)
            table_add(&t, cells[c]);
    }
    table_print(&t, &cli->out);
}

static void print_digests(struct cli *cli, const bfc_image_history *history)
{
    char digest[2 * BFC_DIGEST_SIZE + 1];

    for (size_t i = 0; i < history->count; i++) {
        text_hex(digest, history->item[i].root_digest, BFC_DIGEST_SIZE);
        out_fmt(&cli->out, "%s\n", digest);
    }
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_history) bfc_image_history *history = NULL;
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (bfc_image_history_get(store, args->operands[0], &history, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json)
        print_json(cli, args->operands[0], history);
    else if (cli->quiet)
        print_digests(cli, history);
    else
        print_table(cli, history);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image history debian:12", "A table, the current version first."},
    {"bfc image history --json debian:12 | jq '.versions[] | select(.containers > 0)'",
     "Versions that containers were made of."},
    {0},
};

const struct command cmd_image_history = {
    .name = "history",
    .summary = "Lists the versions of an image: what its name stood for before",
    .text = "In a ZFS store an image that is created again with `--force`, committed to, squashed "
            "or changed keeps the content that it had before as a version, and containers of that "
            "go on. For each version: the first digits of its root digest, when it was created, "
            "the size of its file, how many containers are clones of it, and whether it is the "
            "current one, which comes first; then the last to be replaced. On a terminal the time "
            "is told as an age, elsewhere in UTC. With `--quiet` only the root digests are "
            "printed, in full, one a line.\n\n"
            "A directory store keeps no versions: there is the current one alone.\n\n"
            "The commands that made an image's layers are told by `bfc image layers --history`.",
    .operands = operands,
    .examples = examples,
    .see = "bfc-image-rollback bfc-image-layers bfc-image-list",
    .run = run,
};
