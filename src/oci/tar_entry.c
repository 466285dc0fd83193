/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry is, by all that was said of it: the header block, the extended header before it,
 * GNU's long names, global headers. Where they differ, what wins is what wins in Go's archive/tar,
 * by which engines unpack layers; but they pass over global headers, and here these hold, as POSIX
 * has it. */
#include "oci/tar_parts.h"

#include <inttypes.h>

void bfci_tar_said_release(bfci_tar_said *s)
{
    bfci_tar_pax_release(&s->global);
    bfci_tar_pax_release(&s->local);
    bfci_buf_free(&s->long_name);
    bfci_buf_free(&s->long_link);
    free(s->xattr);
    *s = (bfci_tar_said){0};
}

void bfci_tar_said_clear(bfci_tar_said *s)
{
    bfci_tar_pax_clear(&s->local);
    buf_clear(&s->long_name);
    buf_clear(&s->long_link);
    s->pending = false;
}

/* What extended headers say of the key; NULL: nothing, or that the header block holds. */
static const bfci_tar_text *said_of(const bfci_tar_said *s, enum bfci_tar_key key)
{
    const bfci_tar_text *t =
        s->local.value[key].text ? &s->local.value[key] : &s->global.value[key];

    return t->len ? t : NULL;
}

static int number_of(const bfci_tar_said *s, enum bfci_tar_key key, uint64_t from_head,
                     uint64_t *out, bfc_err *err)
{
    int64_t value;
    const bfci_tar_text *t = said_of(s, key);

    if (t && !bfci_tar_decimal(t->text, t->len, &value))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "'%s' in the extended header is '%s', expected a number from 0 to "
                         "%" PRId64,
                         bfci_tar_key_name[key], BFCI_QUOTE(t->text, t->len), INT64_MAX);
    *out = t ? (uint64_t)value : from_head;
    return 0;
}

static int time_of(const bfci_tar_said *s, const bfci_tar_head *head, bfci_tar_entry *e,
                   bfc_err *err)
{
    const bfci_tar_text *t = said_of(s, PAX_MTIME);

    e->mtime = head->mtime;
    e->mtime_ns = 0;
    if (t && !bfci_tar_time(t->text, t->len, &e->mtime, &e->mtime_ns))
        return bfci_fail(err, BFC_E_CORRUPT, "'mtime' in the extended header is no time: '%s'",
                         BFCI_QUOTE(t->text, t->len));
    return 0;
}

/* ── Names and kind ── */

static bool is_version(const bfci_tar_pax *p, const char *major, const char *minor)
{
    const bfci_tar_text *a = &p->value[PAX_SPARSE_MAJOR], *b = &p->value[PAX_SPARSE_MINOR];

    return a->len == 1 && b->len == 1 && a->text[0] == major[0] && b->text[0] == minor[0];
}

/* An unknown version is no sparse file, but one that is as it stands there. */
static enum bfci_tar_map_kind map_of(const bfci_tar_pax *p)
{
    if (is_version(p, "1", "0"))
        return MAP_IN_CONTENT;
    if (is_version(p, "0", "0") || is_version(p, "0", "1"))
        return MAP_RECORDS;
    if (p->value[PAX_SPARSE_MAJOR].len || p->value[PAX_SPARSE_MINOR].len)
        return MAP_NONE;
    return p->map_pairs > 0 || p->value[PAX_SPARSE_MAP].len > 0 ? MAP_RECORDS : MAP_NONE;
}

static enum bfci_tar_kind kind_of(char typeflag, const char *path)
{
    switch (typeflag) {
    case '\0': /* before there was a flag for folders */
        return path[0] && path[strlen(path) - 1] == '/' ? TAR_DIR : TAR_FILE;
    case '1':
        return TAR_HARDLINK;
    case '2':
        return TAR_SYMLINK;
    case '3':
        return TAR_CHAR;
    case '4':
        return TAR_BLOCK_DEVICE;
    case '5':
        return TAR_DIR;
    case '6':
        return TAR_FIFO;
    case 'S':
        return TAR_FILE;
    default: /* upper case is for vendors; what POSIX does not know is a file */
        return typeflag >= 'A' && typeflag <= 'Z' ? TAR_OTHER : TAR_FILE;
    }
}

static const char *name_of(const buf *long_name, const bfci_tar_text *said, const char *from_head)
{
    if (long_name->len > 0 && long_name->data[0])
        return (const char *)long_name->data;
    return said ? said->text : from_head;
}

static int check_name(const char *name, const char *what, bfc_err *err)
{
    size_t len = strlen(name);

    if (len > TAR_PATH_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the %s has %zu bytes, more than %d: '%s'", what, len,
                         TAR_PATH_MAX, BFCI_QUOTE(name, len));
    return 0;
}

static int names_and_kind(bfci_tar_said *s, const bfci_tar_head *head, bfci_tar_entry *e,
                          enum bfci_tar_map_kind *map, bfc_err *err)
{
    *map = MAP_NONE;
    e->path = name_of(&s->long_name, said_of(s, PAX_PATH), head->path);
    e->kind = kind_of(head->typeflag, e->path);
    if (head->typeflag == 'S') {
        if (head->format != TAR_GNU)
            return bfci_fail(err, BFC_E_UNSUPPORTED,
                             "a sparse file ('S') without GNU's magic: the layout of its map is "
                             "not known");
        *map = MAP_OLD_GNU;
    } else if (e->kind == TAR_FILE) {
        *map = map_of(&s->local);
        if (*map != MAP_NONE && said_of(s, PAX_SPARSE_NAME))
            e->path = said_of(s, PAX_SPARSE_NAME)->text;
    }
    e->link = "";
    if (e->kind == TAR_HARDLINK || e->kind == TAR_SYMLINK)
        e->link = name_of(&s->long_link, said_of(s, PAX_LINKPATH), head->link);
    if (!e->path[0] && e->kind != TAR_OTHER)
        return bfci_fail(err, BFC_E_CORRUPT, "an entry without a name");
    BFC_TRY(check_name(e->path, "name", err));
    return check_name(e->link, "link's target", err);
}

/* ── Extended attributes: those of the entry over the global ones ── */

static int add_xattr(bfci_tar_said *s, bfci_tar_entry *e, const bfci_tar_xattr *x, size_t *size,
                     bfc_err *err)
{
    *size += strlen(x->name) + x->len;
    if (*size > TAR_XATTRS_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "the extended attributes of '%s' have more than %d bytes",
                         BFCI_QUOTE_STR(e->path), TAR_XATTRS_SIZE_MAX);
    BFC_TRY(bfci_reserve(&s->xattr, &s->xattr_cap, e->xattr_count + 1, sizeof *s->xattr, err));
    s->xattr[e->xattr_count++] = *x;
    return 0;
}

static int merge_xattrs(bfci_tar_said *s, bfci_tar_entry *e, bfc_err *err)
{
    const bfci_tar_pax *a = &s->local, *b = &s->global;
    size_t i = 0, j = 0, size = 0;

    e->xattr_count = 0;
    while (i < a->attr_count || j < b->attr_count) {
        int order = i == a->attr_count   ? 1
                    : j == b->attr_count ? -1
                                         : strcmp(a->attr[i].xattr.name, b->attr[j].xattr.name);
        const bfci_tar_attr *next = order <= 0 ? &a->attr[i] : &b->attr[j];
        BFC_TRY(add_xattr(s, e, &next->xattr, &size, err));
        i += order <= 0;
        j += order >= 0;
    }
    e->xattr = s->xattr;
    return 0;
}

/* ── The entry ── */

int bfci_tar_resolve(bfci_tar_said *s, const bfci_tar_head *head, bfci_tar_entry *out,
                     enum bfci_tar_map_kind *map, bfc_err *err)
{
    bfci_tar_entry e = {.typeflag = head->typeflag,
                        .mode = head->mode,
                        .major = head->major,
                        .minor = head->minor,
                        .offset = out->offset};

    BFC_TRY(names_and_kind(s, head, &e, map, err));
    BFC_TRY(number_of(s, PAX_UID, head->uid, &e.uid, err));
    BFC_TRY(number_of(s, PAX_GID, head->gid, &e.gid, err));
    BFC_TRY(number_of(s, PAX_SIZE, head->size, &e.data_size, err));
    BFC_TRY(time_of(s, head, &e, err));
    BFC_TRY(merge_xattrs(s, &e, err));
    if (e.kind != TAR_FILE && e.kind != TAR_OTHER)
        e.data_size = 0;
    e.size = e.data_size;
    e.sparse = *map != MAP_NONE;
    if (*map == MAP_RECORDS || *map == MAP_IN_CONTENT) {
        enum bfci_tar_key key = said_of(s, PAX_SPARSE_SIZE) ? PAX_SPARSE_SIZE : PAX_SPARSE_REALSIZE;
        BFC_TRY(number_of(s, key, e.size, &e.size, err));
    }
    *out = e;
    return 0;
}

int bfci_tar_resolve_records(const bfci_tar_pax *p, bfci_tar_map *m, bfc_err *err)
{
    const bfci_tar_text *list = &p->value[PAX_SPARSE_MAP], *told = &p->value[PAX_SPARSE_NUMBLOCKS];
    size_t pairs = p->map_pairs;
    int64_t count;

    if (p->map_pairs > 0) {
        for (size_t i = 0; i < p->map.count; i++)
            BFC_TRY(bfci_tar_map_add(m, (int64_t)p->map.range[i].offset,
                                     (int64_t)p->map.range[i].len, err));
        m->end = p->map.end; /* an empty range may stand behind the last */
    } else if (list->len) {
        BFC_TRY(bfci_tar_map_list(m, list->text, list->len, &pairs, err));
    }
    if (!told->len || !bfci_tar_decimal(told->text, told->len, &count) || (uint64_t)count != pairs)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "GNU.sparse.numblocks is '%s', and the sparse map has %zu ranges",
                         BFCI_QUOTE(told->len ? told->text : "", told->len), pairs);
    return 0;
}
