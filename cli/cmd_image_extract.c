/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image extract. */
#include "extract_view.h"
#include "image_view.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"TARGET", VALUE_DIRECTORY, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL,
     "extract into a directory that is not empty, and replace existing files"},
    {OPT_STRICT, 0, "strict", NULL, VALUE_WORD, NULL,
     "fail where an owner, a device or an attribute cannot be kept"},
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    bfc_extract_options how = BFC_EXTRACT_OPTIONS_INIT;
    bfc_extract_report report = {0};
    bfc_err err = BFC_ERR_INIT;
    const char *target = NULL;

    int code = image_target(cli, args->operands[1], &target);
    if (code == EXIT_DONE)
        code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    how.replace = args_has(args, OPT_FORCE);
    how.strict = args_has(args, OPT_STRICT);
    how.jobs = cli->jobs;
    how.hooks = &cli->hooks;
    if (bfc_image_extract(store, args->operands[0], target, &how, &report, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to extract into it all the same");
    extract_report(cli, "bfc.image.extract/1", args->operands[0], target, &report);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image extract debian:12 /srv/c1", "The image's tree, in the new directory /srv/c1."},
    {"bfc image extract -f debian:12 dir:/srv/c1", "The same over what is there."},
    {0},
};

const struct command cmd_image_extract = {
    .name = "extract",
    .summary = "Extracts an image into a directory",
    .text = "TARGET is a directory, or `dir:PATH`. It is made if it is not there; it must be empty "
            "unless `--force` is given. Its attributes become those of the image's root.\n\n"
            "Nothing outside of the target is ever written. As root everything of the tree is "
            "kept; what an ordinary user may not set is told once a kind and counted, or with "
            "`--strict` is an error.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits =
        "1 also when TARGET is not empty and `--force` was not given. 5 also with `--strict`, when "
        "something could not be kept.",
    .see = "bfc-image-bundle bfc-image-create bfc-extract",
    .run = run,
};
