/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image extract. */
#include "extract_view.h"
#include "image_view.h"
#include "key_options.h"
#include "property_options.h"
#include "stats_view.h"
#include "trust_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {"TARGET", VALUE_DIRECTORY, false, false, "dir zfs"},
    {0},
};

static const struct option options[] = {
    {OPT_FORCE, 'f', "force", NULL, VALUE_WORD, NULL,
     "extract into a directory or dataset that is not empty, and replace existing files"},
    {OPT_STRICT, 0, "strict", NULL, VALUE_WORD, NULL,
     "fail where an owner, a device or an attribute cannot be kept"},
    {OPT_PARENTS, 'p', "parents", NULL, VALUE_WORD, NULL,
     "make the datasets above TARGET that are missing"},
    {OPT_COPY, 0, "copy", NULL, VALUE_WORD, NULL,
     "make a dataset that stands alone, and no clone of the image's template"},
    OPTION_PROPERTY,
    {OPT_MOUNTPOINT, 0, "mountpoint", "PATH", VALUE_DIRECTORY, NULL,
     "where the dataset is mounted: an absolute path, `none` or `legacy`; default: as ZFS has it"},
    OPTION_STATS,
    OPTIONS_OF_KEYS,
    OPTIONS_OF_TRUST,
    {0},
};

/* What only a dataset has. The library refuses it where the target is a directory, so *used tells
 * whether any of it was given. */
static int read_dataset(struct cli *cli, const struct args *args, bfc_dataset_options *how,
                        const char ***properties, bool *used)
{
    how->parents = args_has(args, OPT_PARENTS);
    how->copy = args_has(args, OPT_COPY);
    how->mountpoint = args_value(args, OPT_MOUNTPOINT);
    int code = property_options_read(cli, args, "it is given as --mountpoint PATH", properties);
    if (code == EXIT_DONE && how->mountpoint)
        code = property_mountpoint_check(cli, how->mountpoint);
    how->properties = *properties;
    *used = how->parents || how->copy || how->mountpoint || how->properties;
    return code;
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_trust) bfc_trust *trust = NULL;
    AUTO_FREE const char **properties = NULL;
    bfc_dataset_options dataset = BFC_DATASET_OPTIONS_INIT;
    bfc_extract_options how = BFC_EXTRACT_OPTIONS_INIT;
    bfc_extract_report report = {0};
    bfc_stats stats = BFC_STATS_INIT;
    bfc_err err = BFC_ERR_INIT;
    const char *name = args->operands[0], *target = args->operands[1], *shown = NULL;
    bool used = false;

    int code = image_target(cli, target, &shown);
    if (code == EXIT_DONE)
        code = read_dataset(cli, args, &dataset, &properties, &used);
    if (code == EXIT_DONE)
        code = trust_options_read(cli, args, &trust);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    how.replace = args_has(args, OPT_FORCE);
    how.strict = args_has(args, OPT_STRICT);
    how.jobs = cli->jobs;
    how.hooks = &cli->hooks;
    how.stats = stats_wanted(args, &stats);
    how.dataset = used ? &dataset : NULL;
    how.trust = trust;
    if (bfc_image_extract(store, name, target, &how, &report, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_EXISTS, "use -f to extract into it all the same");
    extract_report(cli, "bfc.image.extract/1", name, shown, &report, how.stats);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"bfc image extract debian:12 /srv/c1", "The image's tree, in the new directory /srv/c1."},
    {"bfc image extract -f debian:12 dir:/srv/c1", "The same over what is there."},
    {"bfc --store zfs:tank/images image extract debian:12 tank/c1",
     "The same as the new dataset tank/c1, a clone."},
    {"bfc image extract -p -o quota=10G --mountpoint /srv/c2 debian:12 zfs:tank/containers/c2",
     "With a limit, and mounted at /srv/c2; tank/containers is made if it is not there."},
    {0},
};

static const struct section sections[] = {
    {"TARGETS",
     "`dir:PATH`: a directory. It is made if it is not there; it must be empty unless `--force` is "
     "given. Its attributes become those of the image's root.\n\n"
     "`zfs:DATASET`: a ZFS dataset. What is above it must be there, unless `--parents` is given. "
     "In a ZFS store, a dataset that is not there becomes a clone of the image's template, which "
     "is made by the first extract of the image; from then on a clone takes a moment, and room "
     "for what is changed in it only. It needs the image no longer: `bfc image delete` leaves it "
     "whole. With `--copy`, and from a store that is not on ZFS, the dataset is extracted by "
     "itself, and knows of no other.\n\n"
     "A dataset that is there is extracted into where it is mounted. It must be empty unless "
     "`--force` is given; then what it holds is kept in a snapshot, whose name is told.\n\n"
     "A name alone is a directory if it begins with `/` or `.`, or if the store is a directory; "
     "otherwise it is a dataset."},
    {0},
};

const struct command cmd_image_extract = {
    .name = "extract",
    .summary = "Extracts an image into a directory or a ZFS dataset",
    .text = "TARGET is a directory, `dir:PATH`, or a ZFS dataset, `zfs:DATASET`; in a ZFS store "
            "also a dataset's name alone. It is made if it is not there; it must be empty unless "
            "`--force` is given. A new dataset is a clone of the image's template where it can "
            "be.\n\n"
            "Nothing outside of the target is ever written. As root everything of the tree is "
            "kept; what an ordinary user may not set is told once a kind and counted, or with "
            "`--strict` is an error.\n\n" TEXT_TRUST
            " A clone is of a template that was extracted before, of which a signature says "
            "nothing: a new dataset needs `--copy` then. `NAME#N` cannot be asked for a "
            "signature.\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits =
        "1 also when TARGET is not empty and `--force` was not given. 2 also when an option for "
        "datasets was given and TARGET is a directory. 4 also when a dataset above TARGET is "
        "missing and `--parents` was not given. 5 also with `--strict`, when something could not "
        "be kept, and when no trusted signer has signed.",
    .see = "bfc-image-bundle bfc-image-create bfc-extract zfs(8)",
    .run = run,
};
