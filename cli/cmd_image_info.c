/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image info. */
#include <inttypes.h>
#include <string.h>

#include "facts.h"
#include "image_view.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    OPTIONS_OF_KEYS,
    {0},
};

static void print_content(struct out *o, const bfc_image_info *info)
{
    fact(o, "manifest", "%s", info->manifest_digest[0] ? info->manifest_digest : "none");
    fact(o, "layers", "%" PRIu64, info->layers);
    fact(o, "entries", "%" PRIu64, info->files);
    fact_size(o, "content", info->content_bytes);
}

static void print_facts(struct out *o, const bfc_image_info *info)
{
    fact(o, "name", "%s", info->name);
    fact_size(o, "size", info->size);
    fact_time(o, "created", info->created, 0);
    if (!info->hidden) {
        fact(o, "platform", "%s", info->platform);
        fact(o, "compression", "%s", info->compression);
    }
    fact(o, "encryption", "%s", info->encryption);
    fact_hex(o, "root digest", info->root_digest, sizeof info->root_digest);
    if (!info->hidden)
        print_content(o, info);
    fact_name(o, "file", info->path, strlen(info->path));
}

static void warn(struct cli *cli, const bfc_image_info *info)
{
    AUTO_TEXT struct text t = {0};

    text_fmt(&t, "image '%s': %s; 'bfc image verify --repair %s' sets it right", info->name,
             info->mismatch, info->name);
    ui_warning(&cli->ui, "store", text_of(&t));
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store_keys(cli, args, false, &store);
    if (code != EXIT_DONE)
        return code;
    if (bfc_image_info_get(store, args->operands[0], &info, &err) < 0)
        return cli_fail(cli, &err);
    if (cli->json) {
        json_t *document = json_document("bfc.image.info/1");
        image_json(document, info);
        json_put_str_or_null(document, "mismatch", info->mismatch);
        json_print(&cli->out, document);
    } else {
        print_facts(&cli->out, info);
    }
    if (info->mismatch[0])
        warn(cli, info);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image info debian:12", "All facts."},
    {"bfc list -l \"$(bfc image info --json debian:12 | jq -r .path)\"", "What is in the image."},
    {0},
};

const struct command cmd_image_info = {
    .name = "info",
    .summary = "Tells the facts of an image",
    .text = "Name, size of the file, time of creation, platform, compression, encryption, root "
            "digest, manifest digest (an image that was created from a directory has none), number "
            "of layers and of entries, size of the content uncompressed, and the container file, "
            "which every container command takes.\n\n"
            "The facts are the container's own. Where a ZFS store says something else of the image "
            "in its dataset's properties, which `bfc image list` shows, there is a warning, and "
            "with `--json` the member `mismatch`; `bfc image verify --repair` sets them right."
            "\n\nOf an encrypted image, without a key, name, size, time, encryption and root "
            "digest are known. " TEXT_KEYS_NAMED,
    .options = options,
    .operands = operands,
    .examples = examples,
    .see = "bfc-image-list bfc-image-history bfc-image-verify bfc-info",
    .run = run,
};
