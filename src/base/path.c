/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for names and paths inside containers. */
#include "base/path.h"

#include "base/buf.h"

static bool is_dots(const char *name, size_t len)
{
    return (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
}

bool bfci_name_ok(const char *name, size_t len)
{
    if (len < 1 || len > BFCI_NAME_MAX || is_dots(name, len))
        return false;
    return !memchr(name, '\0', len) && !memchr(name, '/', len);
}

bool bfci_parts_next(bfci_parts *it, const char **part, size_t *len)
{
    for (;;) {
        const char *start = it->next + strspn(it->next, "/");
        size_t n = strcspn(start, "/");
        it->next = start + n;
        if (n == 0)
            return false;
        if (n == 1 && start[0] == '.')
            continue;
        *part = start;
        *len = n;
        return true;
    }
}

int bfci_path_normalize(const char *path, char **out, bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;
    bfci_parts it = {path};
    const char *part = NULL;
    size_t len = 0, count = 0;

    while (bfci_parts_next(&it, &part, &len)) {
        if (len == 2 && is_dots(part, len))
            return bfci_fail(err, BFC_E_INVALID, "'%s': '..' is not allowed in a path",
                             BFCI_QUOTE_STR(path));
        if (len > BFCI_NAME_MAX)
            return bfci_fail(err, BFC_E_INVALID, "'%s': a name in it is longer than %d bytes",
                             BFCI_QUOTE_STR(path), BFCI_NAME_MAX);
        if (++count > BFCI_DEPTH_MAX)
            return bfci_fail(err, BFC_E_INVALID, "'%s': more than %d names in one path",
                             BFCI_QUOTE_STR(path), BFCI_DEPTH_MAX);
        if (text.len)
            buf_u8(&text, '/');
        bfci_buf_put(&text, part, len);
    }
    buf_u8(&text, '\0');
    BFC_TRY(buf_check(&text, err));
    *out = (char *)bfci_steal(&text.data);
    return 0;
}
