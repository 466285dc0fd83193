/* SPDX-License-Identifier: Apache-2.0 */
/* setfsuid() takes away the capabilities about files from who was user 0, and marks the process as
 * one that must not be looked into: both are put back, since nothing is to change but whose new
 * files are. It tells no failure either, so it is asked who the thread is then. */
#include "sys/identity.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum {
    NOBODY = -1 /* an identity that nobody can take: asks for the present one */
};

typedef struct capabilities {
    struct __user_cap_data_struct word[_LINUX_CAPABILITY_U32S_3];
} capabilities;

static bool get_capabilities(capabilities *c)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(SYS_capget, &head, c->word) == 0;
}

static bool set_capabilities(const capabilities *c)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(SYS_capset, &head, c->word) == 0;
}

bool bfci_identity_may_change(void)
{
    static const uint8_t needed[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                                     CAP_FSETID, CAP_SETGID,       CAP_SETUID};
    capabilities c;

    if (!get_capabilities(&c))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(needed); i++)
        if (!(c.word[CAP_TO_INDEX(needed[i])].effective & CAP_TO_MASK(needed[i])))
            return false;
    return true;
}

bool bfci_identity_suits(int fd)
{
    static const uint32_t local[] = {TMPFS_MAGIC, EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
                                     BTRFS_SUPER_MAGIC};
    struct statfs st;

    if (fstatfs(fd, &st) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(local); i++)
        if ((uint32_t)st.f_type == local[i])
            return true;
    return false;
}

static uint32_t present_uid(void)
{
    return (uint32_t)setfsuid((uid_t)NOBODY);
}

static uint32_t present_gid(void)
{
    return (uint32_t)setfsgid((gid_t)NOBODY);
}

static bool change(uint32_t uid, uint32_t gid, const capabilities *c)
{
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    return present_uid() == uid && present_gid() == gid && set_capabilities(c);
}

bool bfci_identity_take(uint32_t uid, uint32_t gid)
{
    const uint32_t old_uid = present_uid(), old_gid = present_gid();
    const int dumpable = prctl(PR_GET_DUMPABLE);
    capabilities c;

    if (!get_capabilities(&c))
        return false;
    bool changed = change(uid, gid, &c);
    if (!changed)
        (void)change(old_uid, old_gid, &c);
    if (dumpable == 1)
        (void)prctl(PR_SET_DUMPABLE, 1);
    return changed;
}
