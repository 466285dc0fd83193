/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image delete. */
#include "cli.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, true, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_DRY_RUN, 'n', "dry-run", NULL, VALUE_WORD, NULL,
     "only tell what would be deleted, and in which steps"},
    {OPT_WAIT, 0, "wait", NULL, VALUE_WORD, NULL,
     "wait while somebody uses the files of the image"},
    {OPT_LAZY, 0, "lazy", NULL, VALUE_WORD, NULL,
     "where somebody uses them, take the image out of the store, and leave the rest to `bfc image "
     "prune`"},
    {0},
};

struct deletion {
    struct cli *cli;
    bfc_store *store;
    bfc_image_delete_options how;
    struct text steps; /* of one image, as lines */
    json_t *told;      /* the same with --json; NULL: nobody wants them */
    json_t *deleted;   /* with --json */
};

static void on_step(void *ctx, const char *what)
{
    struct deletion *d = ctx;

    if (d->told)
        json_push_str(d->told, what);
    else
        text_fmt(&d->steps, "  %s\n", what);
}

/* Without facts where the image is damaged, or not mounted: it can be deleted all the same. */
static void report(struct deletion *d, const char *name, const bfc_image_info *info)
{
    char size[SIZE_TEXT_MAX];

    if (d->deleted) {
        json_t *one = json_new();
        json_put_str(one, "name", info ? info->name : name);
        json_put_u64(one, "size", info ? info->size : 0);
        if (d->told)
            json_put(one, "steps", json_incref(d->told));
        json_push(d->deleted, one);
    } else if (!d->cli->quiet) {
        text_size(size, info ? info->size : 0);
        out_fmt(&d->cli->out, "%s %s%s%s%s\n", d->how.dry_run ? "would delete" : "deleted",
                info ? info->name : name, info ? " (" : "", info ? size : "", info ? ")" : "");
        out_text(&d->cli->out, &d->steps);
    }
}

static int delete_one(struct deletion *d, const char *name)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_err err = BFC_ERR_INIT;

    (void)bfc_image_info_get(d->store, name, &info, NULL);
    if (bfc_image_delete_with(d->store, name, &d->how, &err) < 0)
        return cli_fail(d->cli, &err);
    report(d, name, info);
    return EXIT_DONE;
}

static void begin_steps(struct deletion *d)
{
    if (d->how.step && d->cli->json && !(d->told = json_array()))
        mem_out();
}

static void end_steps(struct deletion *d)
{
    text_free(&d->steps);
    json_decref(d->told);
    d->told = NULL;
}

static int delete_all(struct deletion *d, const struct args *args)
{
    int code = EXIT_DONE;

    for (size_t i = 0; i < args->count && !cli_cancelled(d->cli); i++) {
        begin_steps(d);
        int one = delete_one(d, args->operands[i]);
        end_steps(d);
        if (code == EXIT_DONE)
            code = one;
    }
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    struct deletion d = {.cli = cli, .how = BFC_IMAGE_DELETE_OPTIONS_INIT};

    d.how.dry_run = args_has(args, OPT_DRY_RUN);
    d.how.wait = args_has(args, OPT_WAIT);
    d.how.lazy = args_has(args, OPT_LAZY);
    if (d.how.wait && d.how.lazy)
        return cli_usage(cli, "--wait and --lazy exclude each other");
    d.how.step = d.how.dry_run || cli->ui.verbose ? on_step : NULL;
    d.how.step_ctx = &d;
    d.how.hooks = &cli->hooks;
    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    d.store = store;
    if (cli->json && !(d.deleted = json_array()))
        mem_out();
    code = delete_all(&d, args);
    if (cli->json) {
        json_t *document = json_document("bfc.image.delete/1");
        json_put_bool(document, "dry_run", d.how.dry_run);
        json_put(document, "deleted", d.deleted);
        json_print(&cli->out, document);
    }
    return code;
}

static const struct example examples[] = {
    {"bfc image delete debian:11 debian:10", "Both."},
    {"bfc image delete -n debian:11", "What would be deleted, with its size, and how."},
    {"bfc --store zfs:tank/images image delete --wait debian:11",
     "Waits until nobody has its files open."},
    {0},
};

const struct command cmd_image_delete = {
    .name = "delete",
    .summary = "Deletes images",
    .text = "Each image is removed from the store. What was extracted from it stays. An image with "
            "several names is only gone when the last of them is deleted. A NAME that fails does "
            "not keep the others from being deleted. A damaged image can be deleted, too.\n\n"
            "In a ZFS store all versions of the image go. Containers that are clones of it, and "
            "images that stand on it, are promoted first: they run on, and are datasets in their "
            "own right. `--dry-run` tells these steps, and so does `-v` of what is done; with "
            "`--json` they are the member `steps`.\n\n"
            "A ZFS dataset cannot go while somebody has a file of it open, or works in it. Then "
            "nothing is changed and the error names who it is, unless `--wait` or `--lazy` is "
            "given. From a directory store an image goes in any case: who has its file open reads "
            "on.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits =
        "That of the first NAME that failed; 4 when there is no such image, 6 when it is in use.",
    .see = "bfc-image-tag bfc-image-prune bfc-image-df",
    .run = run,
};
