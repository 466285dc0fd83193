/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image verify. */
#include "key_options.h"
#include "verify_view.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_VERIFYING,
    {OPT_REPAIR, 0, "repair", NULL, VALUE_WORD, NULL,
     "set right what a ZFS store says of the image in its dataset's properties"},
    OPTIONS_OF_KEYS,
    {0},
};

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO_VERIFICATION struct verification v = {0};
    bfc_verify_report report = {0};
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store_keys(cli, args, false, &store);
    if (code == EXIT_DONE)
        code = verification_begin(&v, cli, args, "bfc.image.verify/1", "name", args->operands[0]);
    if (code != EXIT_DONE)
        return code;
    v.options.repair = args_has(args, OPT_REPAIR);
    int rc = bfc_image_verify(store, args->operands[0], &v.options, &report, &err);
    return verification_end(&v, rc, &report, &err);
}

static const struct example examples[] = {
    {"bfc image verify debian:12", "Structure and metadata."},
    {"bfc image verify --deep debian:12", "Every byte."},
    {"bfc --store zfs:tank/images image verify --repair debian:12",
     "And the properties are set to what the container says."},
    {0},
};

const struct command cmd_image_verify = {
    .name = "verify",
    .summary = "Checks an image",
    .text = "Checks the image's container as `bfc verify` does: structure and metadata, and with "
            "`--deep` every byte of content. With `--quiet` nothing is printed if all is well.\n\n"
            "In a ZFS store, properties of the image's dataset repeat facts of the container, for "
            "`bfc image list`. That they say something else is a problem, too, or with `--repair` "
            "is set right: a container that is whole is believed. What is damaged in a container "
            "is not repaired.\n\n" TEXT_TRUST
            "\n\nOf an encrypted image, without a key, what is plain of its container is "
            "checked. " TEXT_KEYS_NAMED,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "3 when anything is wrong. 5 when no trusted signer has signed.",
    .see = "bfc-verify bfc-image-info",
    .run = run,
};
