/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image copy. */
#include <inttypes.h>
#include <string.h>

#include "export_options.h"
#include "key_options.h"
#include "pull_view.h"
#include "registry_options.h"
#include "source_options.h"
#include "value.h"

static const char places[] = "docker oci oci-archive docker-archive store";

static const struct operand operands[] = {
    {"SRC", VALUE_PLACE, false, false, places},
    {"DST", VALUE_PLACE, false, false, places},
    {0},
};

static const struct option options[] = {
    {OPT_PLATFORM, 0, "platform", "OS/ARCH", VALUE_WORD, NULL,
     "which image of an index is copied, such as linux/arm64 or linux/arm/v7; default: this "
     "machine's"},
    OPTIONS_OF_SOURCES,
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL,
     "replace an existing file, or image of the store"},
    {OPT_COMPRESSION, 'c', "compression", "HOW", VALUE_CHOICE, EXPORT_CODINGS,
     "of the layers of an image of the store: `gzip`, `none` or `zstd`; default: `gzip`, in a "
     "docker-archive `none`"},
    OPTION_EXPORT_LEVEL,
    OPTION_PARALLEL("fetched"),
    OPTIONS_OF_KEYS,
    OPTIONS_OF_REGISTRIES,
    {0},
};

static int read_options(struct cli *cli, const struct args *args, bfc_image_copy_options *how)
{
    int code = export_options_read(cli, args, &how->out.compression, &how->out.level);
    if (code == EXIT_DONE)
        code = parallel_read(cli, args, &how->pull.parallel);
    if (code != EXIT_DONE)
        return code;
    how->out.replace = args_has(args, OPT_FORCE);
    how->pull.create.writer.jobs = cli->jobs;
    return source_options_read(cli, args, &how->pull.create);
}

static void report(struct cli *cli, const struct args *args, const bfc_copy_report *r)
{
    char bytes[SIZE_TEXT_MAX];

    if (cli->json) {
        json_t *document = json_document("bfc.image.copy/1");
        json_put_str(document, "source", args->operands[0]);
        json_put_str(document, "target", args->operands[1]);
        json_put_str_or_null(document, "digest", r->digest);
        json_put_u64(document, "blobs_copied", r->blobs);
        json_put_u64(document, "bytes_copied", r->bytes);
        json_put_u64(document, "blobs_there", r->there);
        json_print(&cli->out, document);
        return;
    }
    AUTO_TEXT struct text to = {0};
    text_escaped(&to, args->operands[1], strlen(args->operands[1]), ESCAPE_TERMINAL);
    text_size(bytes, r->bytes);
    if (r->blobs + r->there > 0)
        cli_summary(cli, "%s: %" PRIu64 " blob%s copied (%s), %" PRIu64 " there; %s", text_of(&to),
                    r->blobs, r->blobs == 1 ? "" : "s", bytes, r->there, r->digest);
    else
        cli_summary(cli, "%s: copied", text_of(&to));
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    bfc_image_copy_options how = BFC_IMAGE_COPY_OPTIONS_INIT;
    bfc_copy_report done = {0};
    bfc_err err = BFC_ERR_INIT;

    int code = read_options(cli, args, &how);
    if (code == EXIT_DONE)
        code = registry_options_read(cli, args, &how.pull.registry);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    {
        AUTO_PULL_VIEW struct pull_view view = {.cli = cli};
        if (pull_view_wanted(cli)) {
            how.pull.blob = pull_view_blob;
            how.pull.blob_ctx = &view;
        }
        if (bfc_image_copy(store, args->operands[0], args->operands[1], &how, &done, &err) < 0)
            return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    }
    report(cli, args, &done);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image copy docker://docker.io/library/debian:12 oci:mirror",
     "From a registry into an OCI layout, where it is called docker.io/library/debian:12."},
    {"bfc image copy --all-platforms oci-archive:app.tar docker://registry.example:5000/app:1",
     "An archive to a registry, with all of its images."},
    {"bfc image copy docker://quay.io/app/app:1 docker://registry.example:5000/app:1",
     "From one registry to another."},
    {"bfc image copy app:1 docker-archive:app.tar", "An image of the store into a file."},
    {0},
};

static const struct section sections[] = {
    {"PLACES",
     "`docker://REF`: at a registry, `[registry[:port]/]path[:tag][@sha256:…]`.\n\n"
     "`oci:LAYOUT[:REF]`: an OCI layout, a directory, which as DST is made or added to. "
     "`oci-archive:TAR[:REF]`: a tar of one. `docker-archive:TAR[:REF]`: a tar as `docker save` "
     "writes it. As DST, REF is the name that the image gets there; without one it is the name "
     "that it has at SRC.\n\n"
     "`store:NAME`, or NAME alone: an image of the store."},
    {"WHAT IS COPIED",
     "Between registries, layouts and archives everything goes as it is: manifests, "
     "configurations, layers and what is no image keep their digests, and each size and digest is "
     "compared on the way. Manifests come after all that they name, so that what is seen is whole. "
     "Blobs that DST has are not copied; at one registry they are taken over from another "
     "repository. Of an index, the image of the platform is copied; with `--all-platforms` the "
     "index itself and all that it names.\n\n"
     "A docker-archive has one image, with plain layers: into one they are inflated, and out of "
     "one they stay plain.\n\n"
     "From the store it is `bfc image export`, which compresses layers anew, or `bfc image push`; "
     "into it, it is `bfc image create` or `bfc image pull`, which replaces an image of that name. "
     "From one "
     "name to another it is `bfc image tag`.\n\n"
     "What an interrupted copy from a registry has fetched stays in the store: the next one goes "
     "on "
     "with it, and `bfc image prune` removes it."},
    {0},
};

const struct command cmd_image_copy = {
    .name = "copy",
    .summary = "Copies an image from one place to another: registry, layout, archive, store",
    .text = "SRC and DST are any two of registry, OCI layout, archive and store.\n\n"
            "Registries, logins and certificates are configured as for podman and skopeo: see "
            "bfc-image(1)."
            "\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits = EXITS_OF_REGISTRIES " 1 also when DST exists and `--force` was not given.",
    .see = "bfc-image bfc-image-pull bfc-image-push bfc-image-export bfc-image-create skopeo-copy",
    .run = run,
};
