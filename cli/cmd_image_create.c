/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image create. */
#include <string.h>

#include "image_view.h"
#include "key_options.h"
#include "property_options.h"
#include "source_options.h"
#include "stats_view.h"
#include "trust_options.h"
#include "write_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"SOURCE", VALUE_PLACE, false, false, "dir manifest oci oci-archive docker-archive bfc"},
    {0},
};

static const struct option options[] = {
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL, "replace an image that has the name"},
    {OPT_PLATFORM, 0, "platform", "OS/ARCH", VALUE_WORD, NULL,
     "which image of an index is taken, such as linux/arm64 or linux/arm/v7; of a directory: what "
     "it runs on; default: this machine's"},
    OPTIONS_OF_SOURCES,
    OPTIONS_OF_WRITING,
    OPTION_REPRODUCIBLE,
    OPTION_PROPERTY,
    OPTION_STATS,
    OPTIONS_OF_ENCRYPTING,
    OPTIONS_OF_TRUST,
    {0},
};

static bool names_container(const char *source)
{
    size_t len = strlen(source);

    return strncmp(source, "bfc:", 4) == 0 || (len > 4 && strcmp(source + len - 4, ".bfc") == 0);
}

/* A container that is the source may be encrypted itself: then keys are for reading it, too. */
static int read_keys(struct cli *cli, const struct args *args, bfc_writer_options *out)
{
    if (args_has(args, OPT_ENCRYPT) || !names_container(args->operands[1]))
        return encrypt_options_read(cli, args, out);
    return key_options_read(cli, args);
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO_WRITE_OPTIONS struct write_options write = {0};
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO(bfc_trust) bfc_trust *trust = NULL;
    AUTO_FREE const char **properties = NULL;
    bfc_image_create_options how = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_stats stats = BFC_STATS_INIT;
    bfc_err err = BFC_ERR_INIT;

    int code = source_options_read(cli, args, &how);
    if (code == EXIT_DONE)
        code = write_options_read(cli, args, &write);
    if (code == EXIT_DONE)
        code = read_keys(cli, args, &write.writer);
    if (code == EXIT_DONE)
        code =
            property_options_read(cli, args, "an image is mounted where its store is", &properties);
    if (code == EXIT_DONE)
        code = trust_options_read(cli, args, &trust);
    if (code == EXIT_DONE)
        code = cli_open_store(cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (keys_are_named(args))
        bfc_store_set_keys(store, cli->keys);
    how.writer = write.writer;
    how.writer.stats = stats_wanted(args, &stats);
    how.properties = properties;
    how.trust = trust;
    if (bfc_image_create(store, args->operands[0], args->operands[1], &how, &info, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to replace it");
    image_report(cli, "bfc.image.create/1", info, how.writer.stats);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image create debian:12 rootfs",
     "The content of the directory rootfs, with everything that Linux knows about it."},
    {"bfc image create nginx:1.25 oci:layout:1.25", "The image 1.25 of the OCI layout in layout."},
    {"bfc image create --platform linux/arm64 app docker-archive:app.tar",
     "The image of an archive that `docker save` or `podman save` wrote."},
    {"bfc image create --artifact chart oci:layout:1.0.0",
     "A chart, or whatever else the layout names so."},
    {"bfc image create app layout/blobs/sha256/0c1d…", "The image of a manifest, by its path."},
    {"bfc image create -f --exclude 'var/cache/*' debian:12 dir:/srv/rootfs",
     "Replaces the image, and leaves the caches out."},
    {"bfc --store zfs:tank/images image create -o copies=2 debian:12 rootfs",
     "The image as a dataset, each block of which the pool stores twice."},
    {0},
};

static const struct section sections[] = {
    {"SOURCES",
     "`dir:PATH`: the content of a directory becomes the image's root file system, and its own "
     "attributes the root's. The image has one layer, and no manifest.\n\n"
     "`oci:LAYOUT[:REF]`: an image of the OCI layout in the directory LAYOUT. REF is its "
     "`org.opencontainers.image.ref.name`, or `@sha256:…`, its digest; it can be left out where "
     "the layout has only one image. Of an index of several platforms, `--platform` tells which "
     "image is taken.\n\n"
     "`oci-archive:TAR[:REF]`: the same in a tar.\n\n"
     "`docker-archive:TAR[:REF]`: what `docker save` writes, in its old and its new form. REF is "
     "one of its tags.\n\n"
     "`manifest:PATH`: an image manifest: a file in the blobs/ of an OCI layout, a manifest.json "
     "beside a blobs/, or the manifest.json of an unpacked docker-archive.\n\n"
     "`bfc:FILE`: a container file, such as `bfc image export` writes. One of format version 1 "
     "is converted; key options are for those of them that are encrypted, and the image is not. "
     "With `--require-signature` "
     "it is taken only if a trusted signer has signed it, in the file or beside it "
     "(`--signature`), and every byte is checked against that; its signatures come along. No other "
     "source can be asked for one.\n\n"
     "A path without a scheme is recognised by what is there. A directory or file whose own name "
     "looks like `scheme:rest` is written `./scheme:rest`."},
    {"ARTIFACTS",
     "A manifest that is no image, such as a chart, a signature or a list of components, is an "
     "error, unless `--artifact` is given. Then the manifest is kept, and each blob that it names, "
     "of whatever type and size, is a file `blobs/sha256/…` of the image: `bfc image extract` "
     "gives them, `bfc image layers` lists those that stand as layers in the manifest, and "
     "`bfc image export` writes the same manifest and blobs to a layout or its archive. "
     "What only images can do is refused.\n\n"
     "Of an index, an image is taken as without the option; an artifact in it is named by its "
     "digest, `oci:LAYOUT:@sha256:…`. With `--all-platforms` the artifacts of the index are kept "
     "beside its images, attestations among them."},
    {0},
};

const struct command cmd_image_create = {
    .name = "create",
    .summary = "Creates an image from a directory, an OCI image or an archive",
    .text =
        "SOURCE is a directory, a manifest, a layout or an archive: `dir:PATH`, `manifest:PATH`, "
        "`oci:LAYOUT[:REF]`, `oci-archive:TAR[:REF]`, `docker-archive:TAR[:REF]`, `bfc:FILE`; a "
        "path without a scheme is recognised by what is there, and `./scheme:rest` is a path in "
        "any case.\n\n"
        "Of an OCI or Docker image, every size and digest is checked while it is read. Manifest, "
        "configuration and layers are kept so that `bfc image export` gives them back byte for "
        "byte. When the store has an image already that stands on the same lowest layers, these "
        "are taken from it and not compressed again.\n\n"
        "The image is seen when it is whole. Creating an image under a name that is taken is "
        "an error, unless `--force` is given. In a ZFS store the content that the name had before "
        "is then kept: see `bfc image history`.\n\n"
        "In a ZFS store the image is a dataset of its own, and `--property` gives it properties; "
        "recordsize, compression and atime are set as they suit a container, unless they are given "
        "or were set at the store's dataset. An image on a base that the store has is a clone of "
        "it.\n\n"
        "Patterns and `--one-file-system` are for directories. " TEXT_EXCLUDE "\n\n" TEXT_PROFILE
        " Layers keep the order of their tars: of them the profile sets blocks and level alone.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits = "1 also when the name is taken and `--force` was not given, or `--property` was in a "
             "store that is a directory. 2 also when a signature is asked for and SOURCE is no "
             "container. 3 when a size or digest "
             "is not what was promised. 4 when SOURCE has no such image, or none for the platform. "
             "5 when no trusted signer has signed. "
             "6 when another program is creating an image of that name.",
    .see = "bfc-sign bfc-image-list bfc-image-history bfc-image-layers bfc-image-extract "
           "bfc-image-export "
           "bfc-create",
    .run = run,
};
