/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image push. */
#include <inttypes.h>

#include "commit_view.h"
#include "export_options.h"
#include "key_options.h"
#include "pull_view.h"
#include "registry_options.h"
#include "value.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"REF", VALUE_IMAGE, true, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_FORMAT, 0, "format", "WHAT", VALUE_CHOICE, "oci bfc",
     "`oci`: layers and a manifest, for every engine; `bfc`: the container file as it is, for `bfc "
     "image pull`; default: `oci`"},
    {OPT_COMPRESSION, 'c', "compression", "HOW", VALUE_CHOICE, EXPORT_CODINGS,
     "of the layers: `gzip`, `none` or `zstd`; default: what the registry has as it is, others "
     "`gzip`"},
    OPTION_EXPORT_LEVEL,
    OPTION_PARALLEL("sent"),
    {OPT_MOUNT_FROM, 0, "mount-from", "PATH", VALUE_WORD, NULL,
     "another repository of the same registry, such as library/debian: layers that it has are "
     "taken "
     "over by the registry, and not sent"},
    OPTIONS_OF_KEYS,
    OPTIONS_OF_REGISTRIES,
    {0},
};

static int read_push_options(struct cli *cli, const struct args *args, bfc_image_push_options *how)
{
    const char *format = args_value(args, OPT_FORMAT);
    AUTO_TEXT struct text problem = {0};
    int chosen = 0;

    if (format && value_choice(format, "--format", "oci bfc", &chosen, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    how->format = (enum bfc_push_format)chosen;
    how->mount_from = args_value(args, OPT_MOUNT_FROM);
    int code = parallel_read(cli, args, &how->parallel);
    if (code == EXIT_DONE)
        code = export_options_read(cli, args, &how->compression, &how->level);
    return code == EXIT_DONE ? registry_options_read(cli, args, &how->registry) : code;
}

static void report_json(struct cli *cli, const char *name, const char *reference,
                        const bfc_push_report *report)
{
    json_t *document = json_document("bfc.image.push/1");

    json_put_str(document, "source", name);
    json_put_str(document, "target", reference);
    json_put_str(document, "digest", report->digest);
    json_put_u64(document, "blobs_sent", report->blobs);
    json_put_u64(document, "bytes_sent", report->bytes);
    json_put_u64(document, "blobs_mounted", report->mounted);
    json_put_u64(document, "blobs_there", report->there);
    json_print(&cli->out, document);
}

static void report_words(struct cli *cli, const char *reference, const bfc_push_report *report)
{
    char bytes[SIZE_TEXT_MAX];

    text_size(bytes, report->bytes);
    cli_notice(
        cli, "%s: %" PRIu64 " blob%s sent (%s), %" PRIu64 " mounted, %" PRIu64 " there before; %s",
        reference, report->blobs, report->blobs == 1 ? "" : "s", bytes, report->mounted,
        report->there, report->digest);
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    bfc_image_push_options how = BFC_IMAGE_PUSH_OPTIONS_INIT;
    const char *name = args->operands[0];
    const char *reference = args->count > 1 ? args->operands[1] : name;
    bfc_push_report report;
    bfc_err err = BFC_ERR_INIT;

    int code = read_push_options(cli, args, &how);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    {
        AUTO_PULL_VIEW struct pull_view view = {.cli = cli};
        if (pull_view_wanted(cli)) {
            how.blob = pull_view_blob;
            how.blob_ctx = &view;
        }
        if (bfc_image_push(store, name, reference, &how, &report, &err) < 0)
            return cli_fail(cli, &err);
    }
    if (cli->json)
        report_json(cli, name, reference, &report);
    else
        report_words(cli, reference, &report);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image push registry.example:5000/team/app:1", "To where its name says."},
    {"bfc image push app registry.example:5000/team/app:1", "The image app, to there."},
    {"bfc image push --mount-from library/debian app quay.io/team/app",
     "Layers of the base that this registry has elsewhere are not sent."},
    {"bfc image push --format bfc app registry.example/files/app:1",
     "The container file itself: it arrives as it was, encrypted or not."},
    {"bfc image push -c zstd --level 19 app registry.example/app",
     "Small layers, for engines that know zstd."},
    {0},
};

static const struct section sections[] = {
    {"WHAT IS SENT",
     "Layers that the registry has as they came with the image are neither packed nor sent; if "
     "that "
     "is so for all, the manifest goes there as it came, byte for byte. Other layers are put "
     "together again as by `bfc image export`, with the diffIDs that they had, each in a file "
     "without "
     "a name in the store, which it needs room for; they are sent unless the registry has them by "
     "now, up to 8 MiB in one request, larger ones in chunks. A connection that is cut is taken up "
     "again where the registry says it stands.\n\n"
     "Of an image for several platforms all are sent, and their index. The manifest comes last: "
     "until then REF names what it named before, also when the push is interrupted or killed, and "
     "what has been sent of layers by then is not sent again. For an artifact with a subject, a "
     "registry that keeps no list of referrers gets one under the tag that is for this.\n\n"
     "With `--format bfc` the container file goes there as it is, as an artifact with one layer of "
     "the type application/vnd.bfc.container.v1; its root digest, unless it is encrypted, and "
     "where its last commit record stands are annotations of the manifest. `bfc image pull` makes "
     "the same file of it, with its signatures; engines cannot run it. An encrypted image needs no "
     "key for this."},
    {0},
};

const struct command cmd_image_push = {
    .name = "push",
    .summary = "Sends an image to a registry",
    .text =
        "REF is `[registry[:port]/]path[:tag][@sha256:…]`, see REGISTRIES in `bfc image`; without "
        "it the image goes to where its own name says. Mirrors and the rewriting of "
        "registries.conf are for pulls alone; a name without a registry goes to docker.io. With a "
        "digest, the push fails unless that is what the image has there."
        "\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits = EXITS_OF_PUSHES,
    .see = "bfc-image-pull bfc-image-export bfc-image containers-registries.conf(5) "
           "containers-auth.json(5)",
    .run = run,
};
