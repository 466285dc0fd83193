/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image receive. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "commit_view.h"
#include "image_view.h"
#include "key_options.h"
#include "trust_options.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, true, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL,
     "an image that is there with other content gets this one; the one before stays in its "
     "history"},
    OPTIONS_OF_TRUST,
    OPTIONS_OF_KEYS,
    {0},
};

struct receipt {
    struct cli *cli;
    json_t *images; /* with --json */
};

static void on_received(void *ctx, const bfc_image_info *info, bool was_there)
{
    const struct receipt *r = ctx;
    char size[SIZE_TEXT_MAX], digest[DIGEST_SHORT + 1];

    if (r->images) {
        json_t *one = json_new();
        image_json(one, info);
        json_put_bool(one, "was_there", was_there);
        json_push(r->images, one);
    } else if (r->cli->quiet) {
        return;
    } else if (was_there) {
        out_fmt(&r->cli->out, "%s is there already\n", info->name);
    } else {
        text_size(size, info->size);
        digest_short(digest, info->root_digest);
        out_fmt(&r->cli->out, "received %s (%s), root digest %s\n", info->name, size, digest);
    }
}

static int receive_from(struct cli *cli, const struct args *args, int fd)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_trust) bfc_trust *trust = NULL;
    struct receipt receipt = {.cli = cli};
    bfc_image_receive_options how = BFC_IMAGE_RECEIVE_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;

    int code = trust_options_read(cli, args, &trust);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, false, &store);
    if (code != EXIT_DONE)
        return code;
    if (cli->json && !(receipt.images = json_array()))
        mem_out();
    how.replace = args_has(args, OPT_FORCE);
    how.received = on_received;
    how.received_ctx = &receipt;
    how.hooks = &cli->hooks;
    how.trust = trust;
    if (bfc_image_receive(store, fd, &how, &err) < 0)
        code = cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    if (receipt.images) {
        json_t *document = json_document("bfc.image.receive/1");
        json_put(document, "images", receipt.images);
        json_print(&cli->out, document);
    }
    return code;
}

static int receive_file(struct cli *cli, const struct args *args, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        const int number = errno;
        AUTO_TEXT struct text shown = {0};
        text_escaped(&shown, path, strlen(path), ESCAPE_QUOTED);
        return cli_error(cli,
                         number == ENOENT   ? BFC_E_NOT_FOUND
                         : number == EACCES ? BFC_E_DENIED
                                            : BFC_E_IO,
                         "open '%s': %s", text_of(&shown), strerror(number));
    }
    int code = receive_from(cli, args, fd);
    (void)close(fd);
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *path = args->count ? args->operands[0] : "-";

    if (strcmp(path, "-") != 0)
        return receive_file(cli, args, path);
    if (isatty(STDIN_FILENO))
        return cli_usage(cli, "standard input is a terminal: name a FILE, or use a pipe from 'bfc "
                              "image send'");
    return receive_from(cli, args, STDIN_FILENO);
}

static const struct example examples[] = {
    {"bfc image receive images.send", "What `bfc image send -o images.send` wrote."},
    {"bfc image receive <(ssh there bfc image send app)", "An image of another machine."},
    {0},
};

const struct command cmd_image_receive = {
    .name = "receive",
    .summary = "Takes images into a ZFS store that `bfc image send` wrote",
    .text =
        "Without FILE, or where it is `-`, standard input is read. Each image appears when it is "
        "whole, and when its container was checked and has the root digest that it was sent "
        "under. One that is there with this content is passed over. One that is there with other "
        "content is replaced with `--force` only; but what was sent as the difference from its "
        "current version is its next version.\n\n"
        "With `--require-signature` each image must be signed by a trusted signer, also one that "
        "is there already, and every byte is checked against that before it appears; `--signature` "
        "may have the signatures of all of them.\n\n"
        "Of an encrypted image, without a key, what is plain of its container is checked, and "
        "signatures cannot be. With keys, one of them must open each encrypted "
        "image. " TEXT_KEYS_NAMED,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits =
        "1 also when an image is there with other content and `--force` was not given, and "
        "when the store is a directory. 2 when it is nothing that `bfc image send` wrote. 3 "
        "when what was sent is not whole, or damaged. 4 when it is a difference from what is "
        "not here. 5 when no trusted signer has signed, or no key fits. Images that came before "
        "the one that failed are there.",
    .see = "bfc-image-send bfc-image-create zfs-receive(8)",
    .run = run,
};
