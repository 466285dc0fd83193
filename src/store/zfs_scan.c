/* SPDX-License-Identifier: Apache-2.0 */
/* Finding images in a pool. All of them are one `zfs list`, whose lines cannot be trusted blindly:
 * a user property may hold tabs and newlines, and so pretend to be more columns, or the lines of
 * other datasets. A line counts if it has the right number of columns, begins and ends with the
 * same name, and is the only one with that name. Where any line does not, the names alone are asked
 * for: they hold none of these bytes. */
#include "store/zfs.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/hooks.h"
#include "store/facts.h"
#include "sys/file.h"

/* name, the properties, mountpoint, name */
#define COLUMNS (1 + ZFS_PROPERTIES + 2)
#define NOT_SET "-"

/* ── One image ── */

static int tell_not_found(const bfc_store *store, const bfci_reference *ref, bfc_err *err)
{
    return bfci_fail(err, BFC_E_NOT_FOUND, "no image '%s' in the store '%s'", ref->text,
                     BFCI_QUOTE_STR(store->uri));
}

/* Of a dataset that is not mounted its property tells whether it is an image. */
static int mount_image(bfc_store *store, const bfci_reference *ref, const char *dataset,
                       char **point, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(store);
    AUTO_FREE char *image = NULL;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_zfs_get(&z->tool, dataset, bfci_zfs_property[ZFS_IMAGE], &image, &why);
    if (rc == BFC_E_NOT_FOUND || (rc == 0 && strcmp(image, ref->text) != 0))
        return tell_not_found(store, ref, err);
    if (rc == 0)
        rc = bfci_zfs_mounted(&z->tool, dataset, point, &why);
    if (rc < 0 && err)
        *err = why;
    return rc < 0 ? bfci_wrap(err, rc, "image '%s'", ref->text) : 0;
}

int bfci_zfs_find(bfc_store *store, const bfci_reference *ref, char **path, bfc_err *err)
{
    const bfci_zfsstore *z = bfci_zfs_of(store);
    AUTO_FREE char *dataset = NULL;
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *file = NULL;
    struct stat st;

    BFC_TRY(bfci_zfs_dataset_of(z, ref, &dataset, err));
    int rc = bfci_zfs_mount_point(dataset, &point, err);
    if (rc == BFC_E_NOT_FOUND)
        rc = mount_image(store, ref, dataset, &point, err);
    BFC_TRY(rc);
    BFC_TRY(bfci_asprintf(&file, err, "%s/%s" BFCI_ZFS_SUFFIX, point, ref->text + ref->last_at));
    rc = bfci_stat_at(AT_FDCWD, file, AT_SYMLINK_NOFOLLOW, &st, err);
    if (rc == BFC_E_NOT_FOUND || (rc == 0 && !S_ISREG(st.st_mode)))
        return tell_not_found(store, ref, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "image '%s'", ref->text);
    *path = bfci_steal(&file);
    return 0;
}

/* ── Lines ── */

struct row {
    const char *name;
    const char *value[ZFS_PROPERTIES];
    const char *mountpoint;
};

struct rows {
    char *text;
    struct row *row; /* sorted by name */
    size_t count, cap;
    bool doubtful; /* some line was not what it should be */
};

static void rows_release(struct rows *r)
{
    free(r->text);
    free(r->row);
}
#define AUTO_ROWS __attribute__((cleanup(rows_release)))

/* Cuts a line at its tabs; false if it has another number of columns. */
static bool split(char *line, const char *column[COLUMNS])
{
    size_t count = 0;

    for (char *p = line; p;) {
        char *tab = strchr(p, '\t');
        if (count == COLUMNS)
            return false;
        column[count++] = p;
        if (tab)
            *tab++ = '\0';
        p = tab;
    }
    return count == COLUMNS && strcmp(column[0], column[COLUMNS - 1]) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

/* Names that several lines have are taken out: one of them is a stranger's. */
static void drop_doubles(struct rows *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->count;) {
        size_t same = 1;
        while (i + same < r->count && by_name(&r->row[i], &r->row[i + same]) == 0)
            same++;
        if (same == 1)
            r->row[kept++] = r->row[i];
        r->doubtful = r->doubtful || same > 1;
        i += same;
    }
    r->count = kept;
}

static int read_rows(char *text, struct rows *r, bfc_err *err)
{
    for (char *line = text; *line;) {
        char *end = strchr(line, '\n');
        const char *column[COLUMNS];
        if (end)
            *end = '\0';
        char *next = end ? end + 1 : line + strlen(line);
        if (split(line, column)) {
            BFC_TRY(bfci_reserve(&r->row, &r->cap, r->count + 1, sizeof *r->row, err));
            struct row *row = &r->row[r->count++];
            row->name = column[0];
            for (size_t i = 0; i < ZFS_PROPERTIES; i++)
                row->value[i] = column[1 + i];
            row->mountpoint = column[COLUMNS - 2];
        } else {
            r->doubtful = true;
        }
        line = next;
    }
    if (r->count > 1)
        qsort(r->row, r->count, sizeof *r->row, by_name);
    drop_doubles(r);
    return 0;
}

static int list_rows(const bfci_zfsstore *z, struct rows *r, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
    char columns[512] = "name";
    size_t len = strlen(columns);

    for (size_t i = 0; i < ZFS_PROPERTIES; i++)
        len += (size_t)snprintf(columns + len, sizeof columns - len, ",%s", bfci_zfs_property[i]);
    (void)snprintf(columns + len, sizeof columns - len, ",mountpoint,name");
    bfci_zfs_add(&call, "list");
    bfci_zfs_add(&call, "-H");
    bfci_zfs_add(&call, "-o");
    bfci_zfs_add(&call, columns);
    bfci_zfs_add(&call, "-t");
    bfci_zfs_add(&call, "filesystem");
    bfci_zfs_add(&call, "-r");
    bfci_zfs_add(&call, z->root);
    BFC_TRY(bfci_zfs_run(&z->tool, &call, &r->text, err));
    return read_rows(r->text, r, err);
}

static const struct row *find_row(const struct rows *r, const char *name)
{
    const struct row key = {.name = name};

    return r->count ? bsearch(&key, r->row, r->count, sizeof key, by_name) : NULL;
}

/* ── Items: names with a value that no stranger has set ── */

void bfci_zfs_items_release(bfci_zfs_items *items)
{
    free(items->text);
    free(items->item);
}

static int read_items(bfci_zfs_items *items, bfc_err *err)
{
    size_t cap = 0;

    for (char *line = items->text; *line;) {
        char *end = strchr(line, '\n');
        char *next = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        char *tab = strchr(line, '\t');
        if (tab)
            *tab++ = '\0';
        BFC_TRY(bfci_reserve(&items->item, &cap, items->count + 1, sizeof *items->item, err));
        items->item[items->count++] = (bfci_zfs_item){line, tab ? tab : ""};
        line = next;
    }
    return 0;
}

int bfci_zfs_list(const bfci_zfs_tool *tool, const char *dataset, const char *types, int depth,
                  const char *property, bfci_zfs_items *out, bfc_err *err)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
    bfc_err why = BFC_ERR_INIT;

    bfci_zfs_add(&call, "list");
    bfci_zfs_add(&call, "-H");
    bfci_zfs_add(&call, "-o");
    bfci_zfs_addf(&call, "name,%s", property);
    bfci_zfs_add(&call, "-t");
    bfci_zfs_add(&call, types);
    bfci_zfs_add(&call, "-r");
    if (depth >= 0) {
        bfci_zfs_add(&call, "-d");
        bfci_zfs_addf(&call, "%d", depth);
    }
    bfci_zfs_add(&call, dataset);
    int rc = bfci_zfs_run(tool, &call, &out->text, &why);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    return read_items(out, err);
}

/* ── All images ── */

struct scan {
    const bfci_zfsstore *z;
    bfci_found_fn *fn;
    void *ctx;
};

/* `row` is NULL where what was listed of the dataset makes no sense. */
static int meet(const struct scan *s, const char *dataset, const struct row *row, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    AUTO_FREE char *path = NULL;
    bfci_reference ref;

    if (!bfci_zfs_reference_of(s->z, dataset, &ref))
        return 0;
    if (row && strcmp(row->value[ZFS_IMAGE], NOT_SET) == 0)
        return 0; /* made by hand, or by somebody else */
    int rc = row && row->mountpoint[0] == '/' ? bfci_strdup(row->mountpoint, &point, err)
                                              : bfci_zfs_mount_point(dataset, &point, err);
    if (rc == 0)
        rc = bfci_asprintf(&path, err, "%s/%s" BFCI_ZFS_SUFFIX, point, ref.text + ref.last_at);
    else if (rc == BFC_E_NOT_FOUND)
        rc = bfci_strdup("", &path, err);
    BFC_TRY(rc);
    return s->fn(s->ctx, &(bfci_found){.ref = &ref, .path = path, .known = row}, err);
}

/* An image's property is inherited by what is below it. */
static bool is_below_image(const struct rows *r, const bfci_zfsstore *z, const char *name)
{
    AUTO_FREE char *above = NULL;
    bfci_reference ref;

    if (bfci_strdup(name, &above, NULL) < 0)
        return false;
    for (char *slash = strrchr(above, '/'); slash && slash > above + strlen(z->root);
         slash = strrchr(above, '/')) {
        *slash = '\0';
        const struct row *row = find_row(r, above);
        if (row && bfci_zfs_reference_of(z, above, &ref) &&
            strcmp(row->value[ZFS_IMAGE], ref.text) == 0)
            return true;
    }
    return false;
}

static int meet_all(const struct scan *s, const struct rows *r, bfc_err *err)
{
    AUTO_ZFS_ITEMS bfci_zfs_items names = {NULL, NULL, 0};

    if (r->doubtful)
        BFC_TRY(bfci_zfs_list(&s->z->tool, s->z->root, "filesystem", -1, "type", &names, err));
    for (size_t i = 0; i < (r->doubtful ? names.count : r->count); i++) {
        const char *name = r->doubtful ? names.item[i].name : r->row[i].name;
        const struct row *row = r->doubtful ? find_row(r, name) : &r->row[i];
        if (is_below_image(r, s->z, name))
            continue;
        int rc = meet(s, name, row, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* A root that is not there is an empty store; a pool that is not there is a mistake. */
static int check_pool(const bfci_zfsstore *z, bfc_err *err)
{
    AUTO_FREE char *pool = NULL;
    bool there = false;

    BFC_TRY(bfci_memdup_str(z->root, strcspn(z->root, "/"), &pool, err));
    BFC_TRY(bfci_zfs_exists(&z->tool, pool, &there, err));
    if (!there)
        return bfci_fail(
            err, BFC_E_NOT_FOUND,
            "there is no pool '%s': is it imported? 'zpool import' shows what could be", pool);
    return 0;
}

int bfci_zfs_scan(bfc_store *store, bfci_found_fn *fn, void *ctx, bfc_err *err)
{
    const struct scan s = {bfci_zfs_of(store), fn, ctx};
    AUTO_ROWS struct rows r = {0};
    bfc_err why = BFC_ERR_INIT;

    int rc = list_rows(s.z, &r, &why);
    if (rc == BFC_E_NOT_FOUND)
        return check_pool(s.z, err);
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    return meet_all(&s, &r, err);
}

int bfci_zfs_facts(bfc_store *store, const bfci_found *found, const bfc_hooks *hooks,
                   bfc_image_info **out, bfc_err *err)
{
    const struct row *row = found->known;
    const char *name = found->ref->text;
    int wrong = 0;

    (void)store;
    if (row) {
        BFC_TRY(bfci_zfs_values_read(row->value, name, found->path, out, &wrong, err));
        if (wrong == ZFS_PROPERTIES)
            return 0;
    }
    bfci_log(
        hooks, BFC_LOG_WARNING, "store",
        "image '%s': property %s makes no sense ('%s'); 'bfc image verify --repair %s' sets it "
        "right",
        name, row ? bfci_zfs_property[wrong] : "bfc:…",
        row ? BFCI_QUOTE_STR(row->value[wrong]) : "several lines", name);
    if (*found->path == '\0')
        return bfci_fail(err, BFC_E_CORRUPT,
                         "image '%s': its dataset is not mounted, and its "
                         "properties make no sense",
                         name);
    return bfci_facts_read(found->path, name, hooks, NULL, out, err);
}
