/* SPDX-License-Identifier: Apache-2.0 */
/* Extended headers: records of "length key=value\n", taken apart in place and put together. Keys
 * that mean nothing here are passed over; they are kept as bytes with all of the archive. */
#include "oci/tar_parts.h"

#include <inttypes.h>

#define RAW_XATTR "SCHILY.xattr."
#define CODED_XATTR "LIBARCHIVE.xattr."

enum {
    LEN_MAX = 20 /* digits of a length */
};

const char *const bfci_tar_key_name[PAX_KEYS] = {
    [PAX_PATH] = "path",
    [PAX_LINKPATH] = "linkpath",
    [PAX_SIZE] = "size",
    [PAX_UID] = "uid",
    [PAX_GID] = "gid",
    [PAX_MTIME] = "mtime",
    [PAX_SPARSE_NAME] = "GNU.sparse.name",
    [PAX_SPARSE_MAJOR] = "GNU.sparse.major",
    [PAX_SPARSE_MINOR] = "GNU.sparse.minor",
    [PAX_SPARSE_SIZE] = "GNU.sparse.size",
    [PAX_SPARSE_REALSIZE] = "GNU.sparse.realsize",
    [PAX_SPARSE_NUMBLOCKS] = "GNU.sparse.numblocks",
    [PAX_SPARSE_MAP] = "GNU.sparse.map",
    [PAX_SPARSE_OFFSET] = "GNU.sparse.offset",
    [PAX_SPARSE_NUMBYTES] = "GNU.sparse.numbytes",
};

void bfci_tar_pax_release(bfci_tar_pax *p)
{
    bfci_buf_free(&p->body);
    free(p->attr);
    bfci_tar_map_release(&p->map);
    *p = (bfci_tar_pax){0};
}

void bfci_tar_pax_clear(bfci_tar_pax *p)
{
    buf_clear(&p->body);
    memset(p->value, 0, sizeof p->value);
    p->attr_count = 0;
    bfci_tar_map_clear(&p->map);
    p->map_pairs = 0;
    p->map_half = false;
}

/* ── Extended attributes ── */

static int compare_names(const bfci_tar_attr *a, const bfci_tar_attr *b)
{
    return strcmp(a->xattr.name, b->xattr.name);
}

static int compare_attrs(const void *a, const void *b)
{
    const bfci_tar_attr *x = a, *y = b;
    int order = compare_names(x, y);

    return order ? order : (x->rank < y->rank) - (x->rank > y->rank);
}

static void sort_attrs(bfci_tar_pax *p)
{
    size_t kept = 0;

    if (p->attr_count == 0)
        return;
    qsort(p->attr, p->attr_count, sizeof *p->attr, compare_attrs);
    for (size_t i = 1; i < p->attr_count; i++)
        if (compare_names(&p->attr[i], &p->attr[kept]) != 0)
            p->attr[++kept] = p->attr[i];
    p->attr_count = kept + 1;
}

static int add_attr(bfci_tar_pax *p, const char *name, const char *value, size_t len, bool raw,
                    bfc_err *err)
{
    if (name[0] == '\0')
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the extended header has an extended attribute without a name");
    BFC_TRY(bfci_reserve(&p->attr, &p->attr_cap, p->attr_count + 1, sizeof *p->attr, err));
    p->attr[p->attr_count] = (bfci_tar_attr){
        .xattr = {name, (const uint8_t *)value, len},
        .rank = p->attr_count + (raw ? SIZE_MAX / 2 : 0), /* a raw value wins over a coded one */
    };
    p->attr_count++;
    return 0;
}

static int add_coded_attr(bfci_tar_pax *p, char *name, char *value, size_t len, bfc_err *err)
{
    size_t name_len = strlen(name);

    if (!bfci_tar_unescape(name))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the extended header's key '" CODED_XATTR "%s' is coded wrongly",
                         BFCI_QUOTE(name, name_len));
    if (!bfci_tar_base64(value, &len))
        return bfci_fail(err, BFC_E_CORRUPT, "the value of '" CODED_XATTR "%s' is no base64",
                         BFCI_QUOTE_STR(name));
    return add_attr(p, name, value, len, false, err);
}

/* ── GNU.sparse 0.0: the pairs of the map as records of their own ── */

static int add_map_number(bfci_tar_pax *p, enum bfci_tar_key key, const char *value, size_t len,
                          bfc_err *err)
{
    int64_t number;

    if (!bfci_tar_decimal(value, len, &number))
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' in the extended header is no number",
                         bfci_tar_key_name[key]);
    if (p->map_half != (key == PAX_SPARSE_NUMBYTES))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "GNU.sparse.offset and GNU.sparse.numbytes do not come in turns");
    p->map_half = !p->map_half;
    if (p->map_half) {
        p->map_offset = number;
        return 0;
    }
    p->map_pairs++;
    return bfci_tar_map_add(&p->map, p->map_offset, number, err);
}

/* ── Records ── */

static bool is_text(enum bfci_tar_key key)
{
    return key == PAX_PATH || key == PAX_LINKPATH || key == PAX_SPARSE_NAME;
}

static int set_value(bfci_tar_pax *p, enum bfci_tar_key key, const char *value, size_t len,
                     bfc_err *err)
{
    if (key == PAX_SPARSE_OFFSET || key == PAX_SPARSE_NUMBYTES)
        return add_map_number(p, key, value, len, err);
    if (is_text(key) && memchr(value, '\0', len))
        return bfci_fail(err, BFC_E_CORRUPT, "'%s' in the extended header has a NUL in it: '%s'",
                         bfci_tar_key_name[key], BFCI_QUOTE(value, len));
    p->value[key] = (bfci_tar_text){value, len};
    return 0;
}

static int take_pair(bfci_tar_pax *p, char *key, char *value, size_t len, bfc_err *err)
{
    if (strncmp(key, RAW_XATTR, strlen(RAW_XATTR)) == 0)
        return add_attr(p, key + strlen(RAW_XATTR), value, len, true, err);
    if (strncmp(key, CODED_XATTR, strlen(CODED_XATTR)) == 0)
        return add_coded_attr(p, key + strlen(CODED_XATTR), value, len, err);
    for (int known = 0; known < PAX_KEYS; known++)
        if (strcmp(key, bfci_tar_key_name[known]) == 0)
            return set_value(p, (enum bfci_tar_key)known, value, len, err);
    return 0;
}

/* `record` has `left` bytes after it to the header's end; *len: of it with its newline. */
static int take_record(bfci_tar_pax *p, char *record, size_t left, size_t *len, bfc_err *err)
{
    int64_t told;
    char *blank = memchr(record, ' ', MIN(left, (size_t)LEN_MAX + 1));

    if (!blank || !bfci_tar_decimal(record, (size_t)(blank - record), &told) ||
        (uint64_t)told > left || told < blank - record + 2 || record[told - 1] != '\n')
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the extended header has a record that does not end where its length "
                         "says: '%s'",
                         BFCI_QUOTE(record, MIN(left, (size_t)40)));
    char *key = blank + 1, *end = record + told - 1;
    char *equals = memchr(key, '=', (size_t)(end - key));
    if (!equals || equals == key || memchr(key, '\0', (size_t)(equals - key)))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "the extended header has a record that is no key=value: '%s'",
                         BFCI_QUOTE(key, MIN((size_t)(end - key), (size_t)40)));
    *equals = '\0';
    *end = '\0';
    *len = (size_t)told;
    return take_pair(p, key, equals + 1, (size_t)(end - equals - 1), err);
}

int bfci_tar_pax_decode(bfci_tar_pax *p, bfc_err *err)
{
    size_t len;

    BFC_TRY(buf_check(&p->body, err));
    for (size_t at = 0; at < p->body.len; at += len)
        BFC_TRY(take_record(p, (char *)p->body.data + at, p->body.len - at, &len, err));
    if (p->map_half)
        return bfci_fail(err, BFC_E_CORRUPT, "the last GNU.sparse.offset has no numbytes");
    sort_attrs(p);
    return 0;
}

/* ── Writing ── */

static size_t digits(size_t value)
{
    size_t count = 1;

    for (; value > 9; value /= 10)
        count++;
    return count;
}

void bfci_tar_pax_put(buf *out, const char *key, const void *value, size_t len)
{
    size_t rest = strlen(key) + len + 3; /* blank, "=", newline */
    size_t total = rest + digits(rest);

    total = rest + digits(total); /* its own digits may have made it a digit longer */
    bfci_buf_printf(out, "%zu %s=", total, key);
    bfci_buf_put(out, value, len);
    buf_u8(out, '\n');
}

void bfci_tar_pax_put_xattr(buf *out, const bfci_tar_xattr *x)
{
    AUTO_BUF buf key = BUF_INIT, value = BUF_INIT;
    /* A key ends at its first "=": such a name is given in the form that can hold it. */
    bool coded = strchr(x->name, '=') != NULL;

    bfci_buf_put(&key, coded ? CODED_XATTR : RAW_XATTR, strlen(coded ? CODED_XATTR : RAW_XATTR));
    if (coded) {
        bfci_tar_escape(&key, x->name);
        bfci_tar_put_base64(&value, x->value, x->len);
    } else {
        bfci_buf_put(&key, x->name, strlen(x->name));
    }
    buf_u8(&key, '\0');
    out->bad |= key.bad | value.bad;
    if (!out->bad)
        bfci_tar_pax_put(out, (const char *)key.data, coded ? value.data : x->value,
                         coded ? value.len : x->len);
}

/* ── Global headers ── */

static void put_globals(buf *out, const bfci_tar_pax *all, const bfci_tar_pax *more)
{
    for (int key = 0; key < PAX_GLOBAL_KEYS; key++) {
        const bfci_tar_text *t = more->value[key].text ? &more->value[key] : &all->value[key];
        if (t->len)
            bfci_tar_pax_put(out, bfci_tar_key_name[key], t->text, t->len);
    }
    for (size_t i = 0, j = 0; i < all->attr_count; i++) {
        while (j < more->attr_count && compare_names(&more->attr[j], &all->attr[i]) < 0)
            j++;
        if (j == more->attr_count || compare_names(&more->attr[j], &all->attr[i]) != 0)
            bfci_tar_pax_put_xattr(out, &all->attr[i].xattr);
    }
    for (size_t i = 0; i < more->attr_count; i++)
        bfci_tar_pax_put_xattr(out, &more->attr[i].xattr);
}

static int decode_globals(bfci_tar_pax *all, const buf *records, bfc_err *err)
{
    bfci_tar_pax_clear(all);
    bfci_buf_put(&all->body, records->data, records->len);
    return bfci_tar_pax_decode(all, err);
}

int bfci_tar_pax_merge(bfci_tar_pax *all, const bfci_tar_pax *more, bfc_err *err)
{
    AUTO_BUF buf records = BUF_INIT;

    put_globals(&records, all, more);
    BFC_TRY(buf_check(&records, err));
    /* Each entry is charged with all of them: many would make little entries slow. */
    if (records.len > TAR_GLOBALS_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "the global headers hold %zu bytes for each entry, more than %d",
                         records.len, TAR_GLOBALS_MAX);
    return decode_globals(all, &records, err);
}
