/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image df. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "facts.h"

static const struct operand operands[] = {{0}};

static void print_json(struct cli *cli, const bfc_store *store, const bfc_store_usage *u)
{
    json_t *document = json_document("bfc.image.df/1");
    json_put_str(document, "store", bfc_store_uri(store));
    json_put_u64(document, "images", u->images);
    json_put_u64(document, "image_bytes", u->image_bytes);
    json_put_u64(document, "disk_bytes", u->disk_bytes);
    json_put_u64(document, "shared_bytes", u->shared_bytes);
    json_put_u64(document, "template_bytes", u->template_bytes);
    json_put_u64(document, "content_bytes", u->content_bytes);
    json_put_u64(document, "leftover_bytes", u->leftover_bytes);
    json_put_u64(document, "free_bytes", u->free_bytes);
    json_print(&cli->out, document);
}

static void print_facts(struct out *o, const bfc_store *store, const bfc_store_usage *u)
{
    fact_name(o, "store", bfc_store_uri(store), strlen(bfc_store_uri(store)));
    fact(o, "images", "%" PRIu64, u->images);
    fact_size(o, "content", u->content_bytes);
    fact_size(o, "files", u->image_bytes);
    fact_size(o, "of them shared", u->shared_bytes);
    fact_size(o, "on disk", u->disk_bytes);
    if (u->template_bytes > 0)
        fact_size(o, "templates", u->template_bytes);
    fact_size(o, "leftovers", u->leftover_bytes);
    fact_size(o, "free", u->free_bytes);
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    bfc_store_usage usage = {0};
    bfc_err err = BFC_ERR_INIT;

    (void)args;
    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (bfc_image_df(store, &usage, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json)
        print_json(cli, store, &usage);
    else
        print_facts(&cli->out, store, &usage);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image df", "What takes how much."},
    {0},
};

const struct command cmd_image_df = {
    .name = "df",
    .summary = "Tells what takes how much in the store",
    .text =
        "The number of images; the size of their content uncompressed; the size of their files "
        "with each name counted; how much of that is counted more than once, since an image has "
        "several names, or shares the blocks of its base, as XFS, btrfs and ZFS let it; what the "
        "files take on disk, in a ZFS store with their earlier versions; there also what the "
        "templates take, the trees that containers are clones of; what `bfc image prune` would "
        "free; and what is free on the store's file system for this user.",
    .operands = operands,
    .examples = examples,
    .see = "bfc-image-list bfc-image-prune df(1)",
    .run = run,
};
