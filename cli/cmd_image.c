/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image: the group, and the commands on names that need no file of their own. */
#include "cli.h"

static const struct command *const commands[] = {
    &cmd_image_create,  &cmd_image_pull,    &cmd_image_push,     &cmd_image_sync,
    &cmd_image_copy,    &cmd_image_list,    &cmd_image_info,     &cmd_image_extract,
    &cmd_image_bundle,  &cmd_image_export,  &cmd_image_layers,   &cmd_image_diff,
    &cmd_image_commit,  &cmd_image_squash,  &cmd_image_rebase,   &cmd_image_config,
    &cmd_image_delete,  &cmd_image_tag,     &cmd_image_tags,     &cmd_image_inspect,
    &cmd_image_verify,  &cmd_image_history, &cmd_image_rollback, &cmd_image_send,
    &cmd_image_receive, &cmd_image_prune,   &cmd_image_df,       NULL,
};

static const struct example examples[] = {
    {"bfc image create debian:12 rootfs", "The content of the directory rootfs as an image."},
    {"bfc image create nginx:1.25 oci:layout:1.25", "An image of an OCI layout."},
    {"bfc image pull docker.io/library/debian:12", "An image of a registry."},
    {"bfc image push app registry.example/team/app:1", "An image, to a registry."},
    {"bfc image list", "All images, newest first."},
    {"bfc image extract debian:12 /srv/c1", "Its tree, into a new directory."},
    {"bfc image bundle nginx:1.25 /srv/c2", "Its tree and what a container runtime needs to know."},
    {"bfc image export nginx:1.25 oci-archive:nginx.tar", "The image as a tar, byte for byte."},
    {"bfc --store dir:/mnt/disk image list", "The images of another store."},
    {"bfc --store zfs:tank/images image extract debian:12 tank/c1",
     "The image's tree as the dataset tank/c1, a clone."},
    {0},
};

static const struct section sections[] = {
    {"STORE", "A store is a directory, `dir:PATH` or the path alone, or a ZFS dataset, "
              "`zfs:DATASET`. `--store` names it, else $BFC_STORE; else it is /var/lib/bfc/images "
              "for root and $XDG_DATA_HOME/bfc/images for others. It is made when the first image "
              "is created. There is no catalogue: what is in the store is what its files and "
              "datasets say.\n\n"
              "In a directory each image is one container file. A directory store keeps no "
              "versions, and what is extracted is a tree of files.\n\n"
              "In a ZFS store, such as `zfs:tank/images`, each image is one dataset: "
              "tank/images/library/nginx:1.25 holds the file nginx:1.25.bfc, and properties that "
              "repeat its facts. An image on a base is a clone of it, and so is one more name of "
              "an image. The first `bfc image extract` to a dataset makes the image's template, "
              "tank/images/library/nginx:1.25/rootfs; each container is a clone of that, made in a "
              "moment, and is left whole by `bfc image delete`. A name that gets other content "
              "keeps the content before as a snapshot: see `bfc image history` and `bfc image "
              "rollback`. `bfc image send` and `bfc image receive` bring images to another ZFS "
              "store. `-v` shows each `zfs` command. Who is not root may do what `zfs allow` "
              "lets them.\n\n"
              "Several programs may use a store at the same time. Every change is all or nothing, "
              "also when a program is killed; what that leaves is removed by `bfc image prune`."},
    {"NAMES", "An image's name is `[registry[:port]/]path[:tag]`; the tag is `latest` where none "
              "is given. The parts of the path are lower-case letters, digits and separators, a "
              "tag has up to 128 letters, digits, `_`, `.` and `-`."},
    {"REGISTRIES",
     "`bfc image pull`, `bfc image push`, `bfc image tags` and `bfc image inspect` take a REF: "
     "`[registry[:port]/]path[:tag][@sha256:…]`. Which registry is asked for a short name, "
     "mirrors, "
     "and what is blocked or insecure stand in registries.conf(5), at the places where podman and "
     "skopeo look for it; without one it is docker.io. If several registries are searched, and "
     "short-name-mode is not `disabled`, the terminal is asked which one is meant, and the answer "
     "is kept in short-name-aliases.conf, as with podman; without a terminal they are tried in "
     "their order, or the name is refused in the mode `enforcing`. Logins are read from "
     "$REGISTRY_AUTH_FILE, else from containers' auth.json and Docker's config.json, with their "
     "credential helpers; certificates from certs.d folders (containers-certs.d(5)), of several "
     "client certificates in one the first by name; proxies from "
     "$https_proxy and its like.\n\n"
     "Plain HTTP is spoken only with a registry that registries.conf calls insecure, with "
     "`--tls-verify=false`, and on loopback addresses, where TLS is tried first. A login goes to "
     "the "
     "registry that it is for and the token server that this one names, and follows no redirect."},
    {"LAYERS", "An image that came as an OCI or Docker image keeps its manifest, its configuration "
               "and its layers byte for byte, and its file system beside them, with every content "
               "stored once. `bfc image layers` lists them, `bfc image export` gives them back. "
               "`bfc image commit`, `bfc image squash`, `bfc image rebase` and `bfc image config` "
               "make a new image of one, in its place or under another name.\n\n"
               "An image that was created from a directory is a file system alone; `bfc image "
               "squash` gives it a layer, a manifest and a configuration."},
    {0},
};

const struct command cmd_image = {
    .name = "image",
    .summary = "Keeps images in a store: creates, lists, extracts, changes and exports them",
    .text = "An image is a container with a name, in a store. `bfc image create` makes one from a "
            "directory, an OCI layout, or an archive that another program wrote, `bfc image pull` "
            "from a "
            "registry.",
    .commands = commands,
    .examples = examples,
    .sections = sections,
    .see = "bfc-create zfs(8)",
};
