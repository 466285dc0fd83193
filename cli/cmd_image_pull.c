/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image pull. */
#include <inttypes.h>

#include "commit_view.h"
#include "image_view.h"
#include "key_options.h"
#include "property_options.h"
#include "pull_options.h"
#include "pull_view.h"
#include "stats_view.h"
#include "value.h"

static const struct operand operands[] = {
    {"REF", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_AS, 0, "as", "NAME", VALUE_IMAGE, NULL,
     "call the image so; default: as REF has it, without a digest"},
    {OPT_PLATFORM, 0, "platform", "OS/ARCH", VALUE_WORD, NULL,
     "which image of an index is taken, such as linux/arm64 or linux/arm/v7; default: this "
     "machine's"},
    OPTIONS_OF_SOURCES,
    {OPT_POLICY, 0, "policy", "WHEN", VALUE_CHOICE, "always missing newer",
     "`always`: ask the registry, and take its image unless it is here; `missing`: only if there "
     "is "
     "no image of the name; `newer`: as `always`, but an image that is here will do when the "
     "registry fails; default: `always`"},
    OPTION_PARALLEL("fetched"),
    OPTIONS_OF_STORING,
    OPTION_REPRODUCIBLE,
    OPTION_PROPERTY,
    OPTION_STATS,
    OPTIONS_OF_ENCRYPTING,
    OPTIONS_OF_REGISTRIES,
    {0},
};

static int read_policy(struct cli *cli, const struct args *args, bfc_image_pull_options *how)
{
    const char *policy = args_value(args, OPT_POLICY);
    AUTO_TEXT struct text problem = {0};
    int chosen = 0;

    if (policy && value_choice(policy, "--policy", "always missing newer", &chosen, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    how->policy = (enum bfc_pull_policy)chosen;
    return EXIT_DONE;
}

static void report_json(struct cli *cli, const bfc_image_info *info, const bfc_pull_report *report,
                        const bfc_stats *stats)
{
    json_t *document = json_document("bfc.image.pull/1");

    image_json(document, info);
    json_put_bool(document, "up_to_date", report->up_to_date);
    json_put_str_or_null(document, "digest", report->digest);
    json_put_u64(document, "blobs_fetched", report->blobs);
    json_put_u64(document, "bytes_fetched", report->bytes);
    json_put_u64(document, "bytes_kept", report->kept);
    json_put_u64(document, "layers_shared", report->shared);
    stats_json(document, stats);
    json_print(&cli->out, document);
}

static void report_words(struct cli *cli, const bfc_image_info *info, const bfc_pull_report *report)
{
    char size[SIZE_TEXT_MAX], bytes[SIZE_TEXT_MAX], digest[DIGEST_SHORT + 1];

    if (report->up_to_date) {
        cli_notice(cli, report->digest[0] ? "%s is up to date" : "%s is here", info->name);
        return;
    }
    text_size(size, info->size);
    text_size(bytes, report->bytes);
    digest_short(digest, info->root_digest);
    cli_notice(cli,
               "%s: %" PRIu64 " layer%s fetched (%s), %" PRIu64 " of the store; %s; root digest %s",
               info->name, report->blobs, report->blobs == 1 ? "" : "s", bytes, report->shared,
               size, digest);
}

static int pull(struct cli *cli, const struct args *args, bfc_image_pull_options *how)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_pull_report report;
    bfc_stats stats = BFC_STATS_INIT;
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (keys_are_named(args))
        bfc_store_set_keys(store, cli->keys);
    how->create.writer.stats = stats_wanted(args, &stats);
    {
        AUTO_PULL_VIEW struct pull_view view = {.cli = cli};
        if (pull_view_wanted(cli)) {
            how->blob = pull_view_blob;
            how->blob_ctx = &view;
        }
        if (bfc_image_pull(store, args->operands[0], how, &report, &info, &err) < 0)
            return cli_fail(cli, &err);
    }
    if (cli->json)
        report_json(cli, info, &report, how->create.writer.stats);
    else
        report_words(cli, info, &report);
    stats_print(cli, how->create.writer.stats);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO_PULL_OPTIONS struct pull_options read = {0};
    bfc_image_pull_options how = BFC_IMAGE_PULL_OPTIONS_INIT;

    int code = read_policy(cli, args, &how);
    if (code == EXIT_DONE)
        code = pull_options_read(cli, args, &read, &how);
    if (code != EXIT_DONE)
        return code;
    how.name = args_value(args, OPT_AS);
    return pull(cli, args, &how);
}

static const struct example examples[] = {
    {"bfc image pull docker.io/library/debian:12", "The image, as docker.io/library/debian:12."},
    {"bfc image pull --as debian:12 debian:12",
     "The same, where registries.conf says what a short name is, under a name of its own."},
    {"bfc image pull --platform linux/arm64 quay.io/app/app@sha256:0c1d…",
     "Exactly this index, and its image for another machine."},
    {"bfc image pull --policy newer registry.example:5000/app",
     "The newest one if the registry can be asked, else the one that is here."},
    {0},
};

static const struct section sections[] = {
    {"WHAT IS FETCHED",
     "Layers that an image of the store has are not fetched. The others come several at "
     "once, "
     "each into a file of the store, from which they go into the image while they come; small ones "
     "stay in memory. A connection that is cut is taken up again where it was, and so is a pull "
     "that "
     "was interrupted or killed, when it is run again: what is here already is checked like the "
     "rest. `bfc image df` counts what a pull has left, `bfc image prune` removes it.\n\n"
     "What fails for a reason that may pass is tried again, up to five times as long as nothing "
     "comes: connections, time limits, and answers such as 429 and 503, after what Retry-After "
     "says. `-v` tells of each try, and which mirror was passed by."},
    {0},
};

const struct command cmd_image_pull = {
    .name = "pull",
    .summary = "Takes an image from a registry",
    .text =
        "REF is `[registry[:port]/]path[:tag][@sha256:…]`; with a digest, exactly what has it is "
        "taken. Every size and digest is checked while it is read. Manifest, configuration and "
        "layers are kept so that `bfc image export` gives them back byte for byte.\n\n"
        "The image is seen when it is whole, and takes the place of one that has the name: in a "
        "ZFS "
        "store that one stays in its history. If the registry has what is here already, nothing is "
        "changed.\n\n"
        "Registries, logins and certificates are configured as for podman and skopeo: see "
        "bfc-image(1).",
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits = EXITS_OF_REGISTRIES " 6 also when another program is changing the image.",
    .see = "bfc-image bfc-image-tags bfc-image-inspect bfc-image-create bfc-image-prune "
           "podman-pull skopeo",
    .run = run,
};
