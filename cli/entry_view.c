/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as JSON, and modes as letters. */
#include "entry_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *entry_type_name(enum bfc_type type)
{
    switch (type) {
    case BFC_TYPE_FILE:
        return "file";
    case BFC_TYPE_DIR:
        return "dir";
    case BFC_TYPE_SYMLINK:
        return "symlink";
    case BFC_TYPE_CHAR:
        return "char";
    case BFC_TYPE_BLOCK:
        return "block";
    case BFC_TYPE_FIFO:
        return "fifo";
    case BFC_TYPE_SOCKET:
        return "socket";
    }
    return "unknown";
}

static char type_letter(enum bfc_type type)
{
    static const char letters[] = "?-dlcbps";
    return (unsigned)type < sizeof letters - 1 ? letters[type] : '?';
}

void entry_mode(char out[MODE_TEXT_MAX], enum bfc_type type, uint32_t mode)
{
    static const char letters[] = "rwxrwxrwx";

    out[0] = type_letter(type);
    for (unsigned i = 0; i < 9; i++)
        out[1 + i] = mode & (0400u >> i) ? letters[i] : '-';
    if (mode & 04000)
        out[3] = mode & 0100 ? 's' : 'S';
    if (mode & 02000)
        out[6] = mode & 0010 ? 's' : 'S';
    if (mode & 01000)
        out[9] = mode & 0001 ? 't' : 'T';
    out[10] = '\0';
}

static void put_file(json_t *o, const bfc_entry *e)
{
    char crc[9];
    json_put_u64(o, "data_size", e->data_size);
    (void)snprintf(crc, sizeof crc, "%08" PRIx32, e->crc32c);
    json_put_str(o, "crc32c", crc);
    if (!e->no_digest)
        json_put_hex(o, "digest", e->digest, sizeof e->digest);
}

json_t *entry_json(const bfc_entry *e)
{
    char mode[8];
    json_t *o = json_new();

    json_put_bytes(o, "path", e->path, e->path_len);
    json_put_str(o, "type", entry_type_name(e->type));
    (void)snprintf(mode, sizeof mode, "%04" PRIo32, e->mode & 07777);
    json_put_str(o, "mode", mode);
    json_put_u64(o, "uid", e->uid);
    json_put_u64(o, "gid", e->gid);
    json_put_u64(o, "size", e->size);
    json_put_time(o, "mtime", e->mtime, e->mtime_ns);
    json_put_u64(o, "inode", e->ino);
    json_put_u64(o, "nlink", e->nlink);
    if (e->type == BFC_TYPE_FILE)
        put_file(o, e);
    if (e->type == BFC_TYPE_SYMLINK && e->link)
        json_put_bytes(o, "target", e->link, e->link_len);
    if (e->type == BFC_TYPE_CHAR || e->type == BFC_TYPE_BLOCK) {
        json_put_u64(o, "major", e->major);
        json_put_u64(o, "minor", e->minor);
    }
    json_put_bool(o, "has_xattrs", e->has_xattrs);
    if (e->synthetic)
        json_put_bool(o, "synthetic", true);
    return o;
}
