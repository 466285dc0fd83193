/* SPDX-License-Identifier: Apache-2.0 */
/* Who a container's process is to be: the "user[:group]" of an image configuration, looked up in
 * the image's own /etc/passwd and /etc/group (image-spec 1.1, config.md "User", conversion.md
 * "Config.User"). */
#ifndef BFCI_OCI_USER_H
#define BFCI_OCI_USER_H

#include "base/base.h"

enum {
    USER_FILE_MAX = 1 << 20, /* bytes of /etc/passwd, of /etc/group */
    USER_GROUPS_MAX = 65536, /* as the kernel has it (NGROUPS_MAX) */
    USER_HOME_MAX = 255
};

/* The two files; NULL for one that the image does not have. */
typedef struct bfci_user_files {
    const char *passwd, *group;
    size_t passwd_len, group_len;
} bfci_user_files;

typedef struct bfci_user {
    uint32_t uid, gid;
    uint32_t *groups; /* supplementary, in the order of the file, each once */
    size_t group_count;
    char *home; /* of its entry; NULL: none is told, or it is no text */
} bfci_user;
#define BFCI_USER_INIT                                                                             \
    {                                                                                              \
        0, 0, NULL, 0, NULL                                                                        \
    }

/* `spec`: "", "user", "uid", "user:group" and so on; NULL or without a user: uid 0.
 *
 * Digits are an id and need no entry; any other name needs one (BFC_E_NOT_FOUND tells which is not
 * there). A user without a group gets the primary group of its entry (0 without an entry), and
 * those groups that name it; a user with a group gets no others. All this as umoci, podman and
 * docker do it: an id that has an entry is treated like its name.
 *
 * Lines that are no entry are skipped. BFC_E_UNSUPPORTED for what is no "user[:group]". */
int bfci_user_resolve(const char *spec, const bfci_user_files *files, bfci_user *out, bfc_err *err);
void bfci_user_release(bfci_user *u);
#define AUTO_USER __attribute__((cleanup(bfci_user_release)))

#endif
