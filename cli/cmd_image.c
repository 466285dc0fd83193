/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image: the group, and the commands on names that need no file of their own. */
#include "cli.h"

static const struct command *const commands[] = {
    &cmd_image_create, &cmd_image_list,   &cmd_image_info,  &cmd_image_extract, &cmd_image_delete,
    &cmd_image_tag,    &cmd_image_verify, &cmd_image_prune, &cmd_image_df,      NULL,
};

static const struct example examples[] = {
    {"bfc image create debian:12 rootfs", "The content of the directory rootfs as an image."},
    {"bfc image list", "All images, newest first."},
    {"bfc image extract debian:12 /srv/c1", "Its tree, into a new directory."},
    {"bfc --store dir:/mnt/disk image list", "The images of another store."},
    {0},
};

static const struct section sections[] = {
    {"STORE", "A store is a directory in which each image is one container file. There is no "
              "catalogue beside the files: what is in the store is what they say. `--store` names "
              "it, else $BFC_STORE; else it is /var/lib/bfc/images for root and "
              "$XDG_DATA_HOME/bfc/images for others. It is made when the first image is "
              "created.\n\n"
              "Several programs may use a store at the same time. Every change is all or nothing, "
              "also when a program is killed; what that leaves is removed by `bfc image prune`."},
    {"NAMES", "An image's name is `[registry[:port]/]path[:tag]`; the tag is `latest` where none "
              "is given. The parts of the path are lower-case letters, digits and separators, a "
              "tag has up to 128 letters, digits, `_`, `.` and `-`."},
    {0},
};

const struct command cmd_image = {
    .name = "image",
    .summary = "Keeps images in a store: creates, lists, extracts and deletes them",
    .text = "An image is a container with a name, in a store. `bfc image create` makes one from a "
            "directory.",
    .commands = commands,
    .examples = examples,
    .sections = sections,
    .see = "bfc-create",
};
