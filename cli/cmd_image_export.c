/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image export. */
#include <string.h>

#include "export_options.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"DEST", VALUE_PLACE, false, false, "oci oci-archive docker-archive bfc"},
    {0},
};

static const struct option options[] = {
    {OPT_COMPRESSION, 'c', "compression", "HOW", VALUE_CHOICE, EXPORT_CODINGS,
     "of the layers: `gzip`, `none` or `zstd`; default: `gzip`, in a docker-archive `none`"},
    OPTION_EXPORT_LEVEL,
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL,
     "replace an existing file; in a layout, an image of the same name is replaced in any case"},
    OPTIONS_OF_KEYS,
    {0},
};

static void report(struct cli *cli, const char *name, const char *dest)
{
    if (cli->json) {
        json_t *document = json_document("bfc.image.export/1");
        json_put_str(document, "source", name);
        json_put_str(document, "target", dest);
        json_print(&cli->out, document);
        return;
    }
    AUTO_TEXT struct text shown = {0};
    text_escaped(&shown, dest, strlen(dest), ESCAPE_TERMINAL);
    cli_summary(cli, "%s: exported to %s", name, text_of(&shown));
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    bfc_image_export_options how = BFC_IMAGE_EXPORT_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;
    const char *name = args->operands[0], *dest = args->operands[1];

    int code = export_options_read(cli, args, &how.compression, &how.level);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    how.replace = args_has(args, OPT_FORCE);
    how.hooks = &cli->hooks;
    if (bfc_image_export(store, name, dest, &how, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    report(cli, name, dest);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image export nginx:1.25 oci:layout", "Adds the image to the OCI layout in layout."},
    {"bfc image export nginx:1.25 docker-archive:nginx.tar",
     "A tar that `docker load` and `podman load` read."},
    {"bfc image export -c zstd --level 19 app oci-archive:app.tar:v1",
     "A small tar, in which the image is called v1."},
    {"bfc image export app bfc:app.bfc", "The container file itself."},
    {0},
};

const struct command cmd_image_export = {
    .name = "export",
    .summary = "Writes an image as an OCI layout, an archive or a container file",
    .text =
        "DEST is `oci:LAYOUT[:REF]`, a directory that is made or added to; "
        "`oci-archive:TAR[:REF]` or `docker-archive:TAR[:REF]`, a file; or `bfc:FILE`, a copy of "
        "the container. REF is the name that the image has there; without one it is NAME.\n\n"
        "Each layer is put together again byte for byte and checked against its diffID, and the "
        "configuration is the one that came, so that the image's ID stays. The layers are "
        "compressed anew: the same image with the same options gives the same bytes, whenever and "
        "wherever it is exported. An image that was created from a directory comes out with one "
        "layer.\n\n"
        "A file appears when it is whole."
        "\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when DEST exists and `--force` was not given.",
    .see = "bfc-image-create bfc-image-extract bfc-image-bundle",
    .run = run,
};
