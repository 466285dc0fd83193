/* SPDX-License-Identifier: Apache-2.0 */
/* Follows symbolic links inside a tree, name by name. ".." goes up in what has been resolved so
 * far, where there are no links any more, and stays at the root. Names are counted, since each is
 * looked up from the root: a short chain of links can lead up and down a deep tree for long. */
#include "container/follow.h"

#include "base/buf.h"
#include "base/path.h"

typedef struct way {
    bfc_reader *reader;
    buf done; /* resolved, "a/b"; not terminated */
    buf rest; /* still to go, NUL-terminated */
    unsigned links, names;
} way;

static void way_release(way *w)
{
    bfci_buf_free(&w->done);
    bfci_buf_free(&w->rest);
}
#define AUTO_WAY __attribute__((cleanup(way_release)))

static void go_up(way *w)
{
    while (w->done.len > 0 && w->done.data[--w->done.len] != '/')
        ;
}

static int stat_here(way *w, bfc_entry *out, bfc_err *err)
{
    bfci_buf_put(&w->done, "", 1);
    BFC_TRY(buf_check(&w->done, err));
    w->done.len--;
    return bfc_reader_stat(w->reader, (const char *)w->done.data, out, err);
}

/* One name further, or back. */
static int step(way *w, const char *name, size_t len, bfc_entry *out, bfc_err *err)
{
    if (++w->names > FOLLOW_NAMES_MAX)
        return bfci_fail(err, BFC_E_NOT_FOUND, "the way has more than %d names", FOLLOW_NAMES_MAX);
    if (out->type != BFC_TYPE_DIR)
        return bfci_fail(err, BFC_E_NOT_FOUND, "the way leads through what is no folder");
    if (len == 2 && memcmp(name, "..", 2) == 0) {
        go_up(w);
        return stat_here(w, out, err);
    }
    if (!bfci_name_ok(name, len))
        return bfci_fail(err, BFC_E_NOT_FOUND, "the way has a name of more than %d bytes",
                         BFCI_NAME_MAX);
    if (w->done.len > 0)
        bfci_buf_put(&w->done, "/", 1);
    bfci_buf_put(&w->done, name, len);
    return stat_here(w, out, err);
}

/* What is left to go becomes the link's target and `left`. */
static int follow_link(way *w, const bfc_entry *link, const char *left, bfc_err *err)
{
    AUTO_BUF buf rest = BUF_INIT;

    if (++w->links > FOLLOW_LINKS_MAX)
        return bfci_fail(err, BFC_E_NOT_FOUND, "the way has more than %d symbolic links",
                         FOLLOW_LINKS_MAX);
    if (link->link_len > 0 && link->link[0] == '/')
        w->done.len = 0;
    else
        go_up(w);
    bfci_buf_put(&rest, link->link, link->link_len);
    bfci_buf_put(&rest, "/", 1);
    bfci_buf_put(&rest, left, strlen(left) + 1);
    BFC_TRY(buf_check(&rest, err));
    bfci_buf_free(&w->rest);
    w->rest = rest;
    rest = (buf)BUF_INIT;
    return 0;
}

static int walk(way *w, bfc_entry *out, bfc_err *err)
{
    bfci_parts it = {(const char *)w->rest.data};
    const char *name = NULL;
    size_t len = 0;

    BFC_TRY(stat_here(w, out, err));
    while (bfci_parts_next(&it, &name, &len)) {
        BFC_TRY(step(w, name, len, out, err));
        if (out->type != BFC_TYPE_SYMLINK)
            continue;
        BFC_TRY(follow_link(w, out, it.next, err));
        it.next = (const char *)w->rest.data;
        BFC_TRY(stat_here(w, out, err));
    }
    return 0;
}

int bfci_reader_follow(bfc_reader *r, const char *path, bfc_entry *out, bfc_err *err)
{
    AUTO_WAY way w = {r, BUF_INIT, BUF_INIT, 0, 0};
    bfc_entry found;

    bfci_buf_put(&w.rest, path, strlen(path) + 1);
    BFC_TRY(buf_check(&w.rest, err));
    int rc = walk(&w, &found, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path));
    *out = found;
    return 0;
}

int bfci_reader_file(bfc_reader *r, const char *path, size_t max, uint8_t **data, size_t *len,
                     bfc_err *err)
{
    AUTO_FREE uint8_t *bytes = NULL;
    bfc_entry entry;
    size_t got = 0;

    BFC_TRY(bfci_reader_follow(r, path, &entry, err));
    if (entry.type != BFC_TYPE_FILE)
        return bfci_fail(err, BFC_E_NOT_FOUND, "'%s' is not a file", BFCI_QUOTE_STR(path));
    if (entry.size > max)
        return bfci_fail(err, BFC_E_LIMIT, "'%s' has %llu bytes, %zu are allowed",
                         BFCI_QUOTE_STR(path), (unsigned long long)entry.size, max);
    BFC_TRY(bfci_alloc((size_t)entry.size + 1, 1, &bytes, err));
    BFC_TRY(bfc_reader_read(r, entry.ino, 0, bytes, (size_t)entry.size, &got, err));
    bytes[got] = '\0';
    *data = bfci_steal(&bytes);
    *len = got;
    return 0;
}
