/* SPDX-License-Identifier: Apache-2.0 */
/* Names of datasets. An image's is its own name below the root: references hold letters, digits and
 * ". _ - : /", which a dataset may, too; and the brackets of a registry's IPv6 address, which it
 * may not. They become "_5b" and "_5d": a registry has no '_', and is told from other parts by its
 * ':'. The last part of an image has a ':' as well, and no template has one, so that neither can
 * stand where the other is wanted. */
#include "store/zfs.h"

#include <stdio.h>

#include "base/buf.h"

#define WORKS "/.bfc-work/"
/* The longest name that goes with an image: of a version of a template that containers still need.
 */
#define LONGEST_BEHIND "/rootfs.10000-0123456789ab@bfc-0123456789ab"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_.: ", c));
}

static bool is_part(const char *part, size_t len)
{
    if (len == 0 || part[0] == '-' || part[0] == ' ' || part[len - 1] == ' ')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_name_byte(part[i]))
            return false;
    return !(len <= 2 && strspn(part, ".") >= len);
}

int bfci_zfs_check_name(const char *name, const char *what, bfc_err *err)
{
    const char *part = name;

    if (strlen(name) > ZFS_NAME_MAX)
        return bfci_fail(err, BFC_E_INVALID, "%s '%s': the name has %zu bytes, ZFS takes %d", what,
                         BFCI_QUOTE_STR(name), strlen(name), ZFS_NAME_MAX);
    for (;;) {
        size_t len = strcspn(part, "/");
        if (!is_part(part, len))
            return bfci_fail(
                err, BFC_E_INVALID,
                "%s '%s' is not the name of a dataset: 'pool/path', of letters, digits "
                "and '-_.: ', no part empty",
                what, BFCI_QUOTE_STR(name));
        if (part[len] == '\0')
            return 0;
        part += len + 1;
    }
}

static void put_escaped(buf *b, const bfci_reference *ref)
{
    for (size_t i = 0; i < ref->len; i++) {
        char c = ref->text[i];
        if (i < ref->registry_len && (c == '[' || c == ']'))
            bfci_buf_printf(b, "_%02x", (unsigned)c);
        else
            bfci_buf_put(b, &c, 1);
    }
}

static int join(const char *folder, const bfci_reference *ref, char **out, bfc_err *err)
{
    AUTO_BUF buf b = BUF_INIT;

    put_escaped(&b, ref);
    BFC_TRY(buf_check(&b, err));
    return bfci_asprintf(out, err, "%s/%.*s", folder, (int)b.len, (const char *)b.data);
}

int bfci_zfs_dataset_of(const bfci_zfsstore *z, const bfci_reference *ref, char **out, bfc_err *err)
{
    return join(z->root, ref, out, err);
}

/* A registry that is escaped, and only that, has both '_' and ':' before the first '/'. */
static bool unescape(const char *name, bfci_reference *out)
{
    char text[BFCI_REFERENCE_MAX + 1];
    size_t first = strcspn(name, "/"), used = 0;
    bool registry = name[first] == '/' && memchr(name, ':', first);

    for (size_t i = 0; name[i]; i++) {
        char c = name[i];
        if (registry && i < first &&
            (strncmp(name + i, "_5b", 3) == 0 || strncmp(name + i, "_5d", 3) == 0)) {
            c = name[i + 2] == 'b' ? '[' : ']';
            i += 2;
        }
        if (used == BFCI_REFERENCE_MAX)
            return false;
        text[used++] = c;
    }
    text[used] = '\0';
    return bfci_reference_is_canonical(text, out);
}

bool bfci_zfs_reference_of(const bfci_zfsstore *z, const char *dataset, bfci_reference *out)
{
    size_t len = strlen(z->root);

    return strncmp(dataset, z->root, len) == 0 && dataset[len] == '/' &&
           unescape(dataset + len + 1, out);
}

int bfci_zfs_work_of(const bfci_zfsstore *z, const bfci_reference *ref, char **out, bfc_err *err)
{
    AUTO_FREE char *name = NULL;

    BFC_TRY(join(z->works, ref, &name, err));
    for (char *p = name + strlen(z->works) + 1; *p; p++)
        if (*p == '/')
            *p = ' ';
    *out = bfci_steal(&name);
    return 0;
}

bool bfci_zfs_reference_of_work(const char *part, bfci_reference *out)
{
    char text[ZFS_NAME_MAX + 1];
    size_t len = strlen(part);

    if (len > ZFS_NAME_MAX || strchr(part, '/'))
        return false;
    for (size_t i = 0; i <= len; i++)
        text[i] = part[i];
    for (char *p = text; *p; p++)
        if (*p == ' ')
            *p = '/';
    return unescape(text, out);
}

static int check_depth(const char *dataset, const bfci_reference *ref, bfc_err *err)
{
    int depth = 1; /* of a template */

    for (const char *p = dataset; *p; p++)
        depth += *p == '/';
    if (depth <= ZFS_DEPTH_MAX)
        return 0;
    return bfci_fail(err, BFC_E_INVALID,
                     "image name '%s' has too many parts for a store on ZFS, which nests datasets "
                     "%d deep: %d fewer would do",
                     ref->text, ZFS_DEPTH_MAX + 1, depth - ZFS_DEPTH_MAX);
}

int bfci_zfs_check_length(const bfci_zfsstore *z, const bfci_reference *ref, bfc_err *err)
{
    AUTO_FREE char *dataset = NULL;

    BFC_TRY(bfci_zfs_dataset_of(z, ref, &dataset, err));
    BFC_TRY(check_depth(dataset, ref, err));
    size_t len = strlen(dataset) + sizeof WORKS - 2 + sizeof LONGEST_BEHIND - 1;
    if (len <= ZFS_NAME_MAX)
        return 0;
    return bfci_fail(
        err, BFC_E_INVALID,
        "image name '%s' is too long for the store 'zfs:%s': it may have %zd bytes there, "
        "since ZFS's names end at %d",
        ref->text, BFCI_QUOTE_STR(z->root), (ssize_t)ref->len - (ssize_t)(len - ZFS_NAME_MAX),
        ZFS_NAME_MAX);
}

bool bfci_zfs_is_within(const char *dataset, const char *name)
{
    size_t len = strlen(dataset);

    return strncmp(dataset, name, len) == 0 &&
           (name[len] == '\0' || name[len] == '/' || name[len] == '@');
}

void bfci_zfs_version_name(const uint8_t root_digest[BFC_DIGEST_SIZE],
                           char out[BFCI_ZFS_VERSION_LEN + 1])
{
    (void)snprintf(out, BFCI_ZFS_VERSION_LEN + 1, "bfc-%02x%02x%02x%02x%02x%02x", root_digest[0],
                   root_digest[1], root_digest[2], root_digest[3], root_digest[4], root_digest[5]);
}
