/* SPDX-License-Identifier: Apache-2.0 */
/* Reading mountinfo. The kernel writes one line a mount: fields between single blanks, some of them
 * optional, with blanks and newlines in names as octal escapes. Names may come from anybody who can
 * mount, so nothing is taken for granted that a name can change. */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>

#include "sys/file.h"

enum {
    TABLE_MAX = 64 << 20 /* the kernel stops at 100,000 mounts a namespace by default */
};

/* Cuts the next field off; NULL behind the last one. */
static char *cut(char **rest)
{
    char *field = *rest;
    if (!field)
        return NULL;
    char *end = strchr(field, ' ');
    if (end)
        *end = '\0';
    *rest = end ? end + 1 : NULL;
    return field;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* In place. */
static const char *unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        unsigned byte = 0;
        if (from[0] == '\\' && from[1] <= '3' && is_octal(from[1]) && is_octal(from[2]) &&
            is_octal(from[3]))
            byte = (unsigned)(from[1] - '0') << 6 | (unsigned)(from[2] - '0') << 3 |
                   (unsigned)(from[3] - '0');
        *to++ = byte ? (char)byte : *from;
        from += byte ? 4 : 1;
    }
    *to = '\0';
    return text;
}

/* Up to the byte `end`, without what strtoul() would take as well: blanks, signs, "0x". */
static bool parse_number(const char **text, unsigned base, char end, uint32_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;
    const char *at = *text;
    for (const char *digit; *at && (digit = memchr(digits, *at, base)); at++) {
        value = value * base + (uint64_t)(digit - digits);
        if (value > UINT32_MAX)
            return false;
    }
    if (at == *text || *at != end)
        return false;
    *text = at + 1;
    *out = (uint32_t)value;
    return true;
}

bool bfci_device_parse(const char *text, unsigned base, uint64_t *device)
{
    uint32_t major = 0, minor = 0;
    if (!parse_number(&text, base, ':', &major) || !parse_number(&text, base, '\0', &minor))
        return false;
    *device = (uint64_t)major << 32 | minor;
    return true;
}

static bool parse_line(char *line, bfci_mount *out)
{
    enum {
        ID,
        PARENT,
        DEVICE,
        ROOT,
        POINT,
        OPTIONS,
        FIXED
    };
    char *field[FIXED];
    for (int i = 0; i < FIXED; i++)
        field[i] = cut(&line);
    const char *optional = NULL;
    do
        optional = cut(&line);
    while (optional && strcmp(optional, "-") != 0);
    char *type = cut(&line), *source = cut(&line);
    const char *super_options = cut(&line);
    if (!super_options || !bfci_device_parse(field[DEVICE], 10, &out->device))
        return false;
    out->root = unescape(field[ROOT]);
    out->point = unescape(field[POINT]);
    out->type = unescape(type);
    out->source = unescape(source);
    out->options = super_options;
    return true;
}

int bfci_mounts_each_in(int dir_fd, const char *path, bfci_mount_fn *fn, void *ctx, bfc_err *err)
{
    AUTO_FREE uint8_t *table = NULL;
    size_t len = 0;
    BFC_TRY(bfci_read_file(dir_fd, path, TABLE_MAX, &table, &len, err));
    for (char *line = (char *)table, *next; line; line = next) {
        bfci_mount mount;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        int rc = parse_line(line, &mount) ? fn(ctx, &mount, err) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

int bfci_mounts_each(bfci_mount_fn *fn, void *ctx, bfc_err *err)
{
    return bfci_mounts_each_in(AT_FDCWD, "/proc/self/mountinfo", fn, ctx, err);
}

int bfci_detach(const char *point, bfc_err *err)
{
    if (umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
        return bfci_fail_errno(err, errno, "unmount '%s'", BFCI_QUOTE_STR(point));
    return 0;
}
