/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image bundle. */
#include "extract_view.h"
#include "key_options.h"
#include "trust_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"DIR", VALUE_DIRECTORY, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_ROOTLESS, 0, "rootless", NULL, VALUE_WORD, NULL,
     "make it for a user without privileges: with a user namespace, and without what needs root"},
    {OPT_HOSTNAME, 0, "hostname", "NAME", VALUE_WORD, NULL,
     "the name that the container has for itself; default: none is set"},
    {OPT_TERMINAL, 0, "terminal", NULL, VALUE_WORD, NULL,
     "give the process a terminal; default: it has the standard streams of who starts it"},
    {OPT_STRICT, 0, "strict", NULL, VALUE_WORD, NULL,
     "fail where an owner, a device or an attribute cannot be kept"},
    OPTIONS_OF_KEYS,
    OPTIONS_OF_TRUST,
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_trust) bfc_trust *trust = NULL;
    bfc_image_bundle_options how = BFC_IMAGE_BUNDLE_OPTIONS_INIT;
    bfc_extract_report report = {0};
    bfc_err err = BFC_ERR_INIT;
    const char *name = args->operands[0], *dir = args->operands[1];

    int code = trust_options_read(cli, args, &trust);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    how.rootless = args_has(args, OPT_ROOTLESS);
    how.terminal = args_has(args, OPT_TERMINAL);
    how.hostname = args_value(args, OPT_HOSTNAME);
    how.extract.strict = args_has(args, OPT_STRICT);
    how.extract.jobs = cli->jobs;
    how.extract.hooks = &cli->hooks;
    how.extract.trust = trust;
    if (bfc_image_bundle(store, name, dir, &how, &report, &err) < 0)
        return cli_fail(cli, &err);
    extract_report(cli, "bfc.image.bundle/1", name, dir, &report, NULL);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image bundle debian:12 /srv/c1", "Makes /srv/c1/rootfs and /srv/c1/config.json."},
    {"bfc image bundle --rootless --hostname web nginx:1.25 web",
     "For an ordinary user; `crun run --bundle web web` starts it."},
    {0},
};

const struct command cmd_image_bundle = {
    .name = "bundle",
    .summary = "Makes a runtime bundle of an image, ready to be run",
    .text =
        "Makes DIR with the image's tree in rootfs and its config.json (OCI runtime-spec), which "
        "`crun run --bundle DIR ID` or `runc run --bundle DIR ID` runs. DIR must not be there, or "
        "be empty.\n\n"
        "The image's configuration tells what is run, as the image-spec has it: entrypoint and "
        "command, environment, working directory, user and groups (names are looked up in the "
        "image's own files), volumes as mounts; labels, exposed ports and the stop signal become "
        "annotations.\n\n"
        "As root everything of the tree is kept; what an ordinary user may not set is told once a "
        "kind and counted, or with `--strict` is an error.\n\n" TEXT_TRUST "\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when DIR is not empty. 4 also when the image's user is not in its own files. "
             "5 also with `--strict`, when something could not be kept, and when no trusted signer "
             "has signed.",
    .see = "bfc-image-extract bfc-image-config crun",
    .run = run,
};
