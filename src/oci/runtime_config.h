/* SPDX-License-Identifier: Apache-2.0 */
/* The config.json of a runtime bundle: an image configuration in the terms of a container runtime
 * (image-spec 1.1, conversion.md; runtime-spec 1.1, config.md and config-linux.md). */
#ifndef BFCI_OCI_RUNTIME_CONFIG_H
#define BFCI_OCI_RUNTIME_CONFIG_H

#include "oci/config.h"
#include "oci/user.h"

#define BFCI_BUNDLE_ROOTFS "rootfs" /* beside the config.json */

enum {
    VOLUMES_MAX = 1024
};

/* The folder that an image has where a volume will be. */
typedef struct bfci_volume_dir {
    bool known;
    uint32_t mode, uid, gid;
} bfci_volume_dir;

typedef struct bfci_runtime_options {
    const char *hostname; /* NULL: none is set */
    bool terminal;
    bool rootless; /* for one who may map no id but host_uid and host_gid */
    uint32_t host_uid, host_gid;
    const bfci_volume_dir *volume_dirs; /* one for each of the configuration's volumes; or NULL */
} bfci_runtime_options;

/* `config`: an empty one ({0}) stands for an image without a configuration. `user` is what its
 * `user` was found to be. Without an entrypoint and a cmd the process is "sh", as umoci has it.
 *
 * Volumes become file systems in memory that start with what the image has there: data stays out of
 * the root file system (conversion.md, "Optional Fields"), and needs no place on the host. They
 * have the mode and the owner of the folder they cover, so that the user who may write there still
 * may.
 *
 * Rootless: all runs as the one id that there is, root inside; the network is the host's, since an
 * own one could not be set up; the host's /sys is shown, read-only.
 *
 * BFC_E_UNSUPPORTED names what no runtime can be told: another os than linux, a variable without
 * "=", a volume that is no absolute path. BFC_E_LIMIT: more than VOLUMES_MAX of them.
 * BFC_E_INVALID: the hostname. *json: free(). */
int bfci_runtime_config(const bfci_config *config, const bfci_user *user,
                        const bfci_runtime_options *options, char **json, bfc_err *err);

#endif
