/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image create. */
#include <inttypes.h>

#include "commit_view.h"
#include "image_view.h"
#include "write_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"SOURCE", VALUE_DIRECTORY, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace an image that has the name"},
    {OPT_PLATFORM, 0, "platform", "OS/ARCH", VALUE_WORD, NULL,
     "what it runs on, such as linux/arm64 or linux/arm/v7; default: this machine's"},
    OPTIONS_OF_WRITING,
    OPTION_REPRODUCIBLE,
    {0},
};

static void report(struct cli *cli, const bfc_image_info *info)
{
    if (cli->json) {
        json_t *document = json_document("bfc.image.create/1");
        image_json(document, info);
        json_print(&cli->out, document);
        return;
    }
    char size[SIZE_TEXT_MAX], content[SIZE_TEXT_MAX], digest[DIGEST_SHORT + 1];
    text_size(size, info->size);
    text_size(content, info->content_bytes);
    digest_short(digest, info->root_digest);
    cli_summary(cli, "%s: %" PRIu64 " entries; %s stored in %s; root digest %s", info->name,
                info->files, content, size, digest);
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO_WRITE_OPTIONS struct write_options write = {0};
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_image_create_options how = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;
    const char *dir = NULL;

    int code = image_directory(cli, "source", args->operands[1], &dir);
    if (code == EXIT_DONE)
        code = write_options_read(cli, args, &write);
    if (code == EXIT_DONE)
        code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    how.writer = write.writer;
    how.platform = args_value(args, OPT_PLATFORM);
    if (bfc_image_create_from_dir(store, args->operands[0], dir, &how, &info, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    report(cli, info);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image create debian:12 rootfs",
     "The content of rootfs, with everything that Linux knows about it."},
    {"bfc image create -f --exclude 'var/cache/*' debian:12 dir:/srv/rootfs",
     "Replaces the image, and leaves the caches out."},
    {0},
};

const struct command cmd_image_create = {
    .name = "create",
    .summary = "Creates an image from a directory",
    .text = "SOURCE is a directory, or `dir:PATH`. Its content is stored as the image's root file "
            "system, with its own attributes as the root's. A directory whose name looks like "
            "`scheme:rest` is written `./scheme:rest`.\n\n"
            "The image is seen when it is whole. Creating an image under a name that is taken is "
            "an error, unless `--force` is given.\n\n" TEXT_EXCLUDE,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when the name is taken and `--force` was not given. 6 when another program is "
             "creating an image of that name.",
    .see = "bfc-image-list bfc-image-extract bfc-create",
    .run = run,
};
