/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image send. */
#include <string.h>

#include "output_file.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, true, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_ALL, 'a', "all", NULL, VALUE_WORD, NULL, "all images of the store, in place of NAME"},
    {OPT_OUTPUT, 'o', "output", "FILE", VALUE_FILE, NULL,
     "write into FILE; `-`, or without it: to standard output"},
    {OPT_HAVE, 0, "have", "DIGEST", VALUE_WORD, NULL,
     "the far end has the version with this root digest, of the image or of one that it stands "
     "on; only what differs is sent (may be given several times)"},
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace an existing FILE"},
    {0},
};

static int send_to(struct cli *cli, const char *name, const struct args *args, int fd)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO_FREE const char **have = args_values(args, OPT_HAVE);
    bfc_image_send_options how = BFC_IMAGE_SEND_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    how.have = have;
    how.hooks = &cli->hooks;
    return bfc_image_send(store, name, fd, &how, &err) < 0 ? cli_fail(cli, &err) : EXIT_DONE;
}

static int send_to_file(struct cli *cli, const char *name, const struct args *args,
                        const char *path)
{
    AUTO_OUTPUT_FILE struct output_file file = OUTPUT_FILE_INIT;
    const bool replace = args_has(args, OPT_FORCE);

    int code = output_file_open(cli, path, replace, &file);
    if (code == EXIT_DONE)
        code = send_to(cli, name, args, file.fd);
    if (code == EXIT_DONE)
        code = output_file_publish(cli, path, replace, &file);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *name = args->count ? args->operands[0] : NULL;
    const char *path = args_value(args, OPT_OUTPUT);

    if (name && args_has(args, OPT_ALL))
        return cli_usage(cli, "NAME and --all exclude each other");
    if (!name && !args_has(args, OPT_ALL))
        return cli_usage(cli, "image send: which image? NAME or --all is missing");
    if (path && strcmp(path, "-") != 0)
        return send_to_file(cli, name, args, path);
    if (cli->out.terminal)
        return cli_usage(cli, "standard output is a terminal: use -o FILE, or a pipe to 'bfc image "
                              "receive'");
    return send_to(cli, name, args, cli->out.fd);
}

static const struct example examples[] = {
    {"bfc --store zfs:tank/images image send nginx:1.25 | ssh there bfc --store zfs:pool/images "
     "image receive",
     "The image into the store of another machine."},
    {"bfc image send --all -o images.send", "All images into a file; what they share once."},
    {"bfc image send --have $(ssh there bfc -q image history app | head -n 1) app | ssh there bfc "
     "image receive",
     "What is new in app since the version that is there."},
    {0},
};

const struct command cmd_image_send = {
    .name = "send",
    .summary = "Writes images of a ZFS store as a stream for another one",
    .text =
        "The current version of each image is sent, as `zfs send` writes it; `bfc image receive` "
        "takes it. An image that is a clone of another one is sent as what differs from that if "
        "the other one was sent before, as `--all` does it, or if the far end has it by `--have`. "
        "Where the far end has an earlier version of the image, what differs from that is sent, "
        "and its history goes on there. An image whose current version the far end has is left "
        "out.\n\n"
        "A DIGEST is the whole root digest, as `bfc image info --json` and `bfc image history "
        "--json` have it. The far end must have got that version by `bfc image receive`, or this "
        "store from there: ZFS makes and takes differences only between the very same "
        "snapshots.\n\n"
        "A FILE appears when it is whole. From and to a store in a directory images go as "
        "container files: `bfc image export NAME bfc:FILE`, `bfc image create NAME bfc:FILE`.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when FILE exists and `--force` was not given, and when the store is a "
             "directory.",
    .see = "bfc-image-receive bfc-image-export bfc-image-history zfs-send(8)",
    .run = run,
};
