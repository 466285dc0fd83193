/* SPDX-License-Identifier: Apache-2.0 */
/* Records of lists. The file is read whole, and then only added to. */
#include "store/sync_record.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "store/name_lock.h"
#include "sys/file.h"
#include "sys/names.h"

#define SCHEMA "bfc.sync/1 "

enum {
    WORTH_IT = 64 /* lines that are of no use */
};

struct bfci_sync_record {
    char *path;
    char *list; /* fit for a line */
    bfci_name_lock lock;
    bool read_only;
    int fd; /* -1: not opened for writing yet */
    bfci_recorded *item;
    size_t count, cap;
    size_t lines; /* of the file, without the first */
    uint64_t end; /* of its last whole line; 0: there is none */
};

static void free_all(bfci_sync_record *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->item[i].name);
    free(r->item);
    bfci_fd_close(&r->fd);
    bfci_name_lock_drop(&r->lock);
    free(r->list);
    free(r->path);
    free(r);
}

/* ── In memory ── */

/* Where the name is, or belongs. */
static size_t place_of(const bfci_sync_record *r, const char *name, bool *found)
{
    size_t low = 0, high = r->count;

    *found = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(r->item[middle].name, name);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int keep(bfci_sync_record *r, const char *name, const bfci_digest *root, bfc_err *err)
{
    AUTO_FREE char *copy = NULL;
    bool found = false;

    size_t at = place_of(r, name, &found);
    if (!found) {
        BFC_TRY(bfci_strdup(name, &copy, err));
        BFC_TRY(bfci_reserve(&r->item, &r->cap, r->count + 1, sizeof *r->item, err));
        memmove(r->item + at + 1, r->item + at, (r->count - at) * sizeof *r->item);
        r->item[at].name = bfci_steal(&copy);
        r->count++;
    }
    r->item[at].root = *root;
    return 0;
}

static void forget(bfci_sync_record *r, const char *name)
{
    bool found = false;

    size_t at = place_of(r, name, &found);
    if (!found)
        return;
    free(r->item[at].name);
    r->count--;
    memmove(r->item + at, r->item + at + 1, (r->count - at) * sizeof *r->item);
}

size_t bfci_sync_record_count(const bfci_sync_record *r)
{
    return r->count;
}

const bfci_recorded *bfci_sync_record_item(const bfci_sync_record *r, size_t at)
{
    return &r->item[at];
}

const bfci_recorded *bfci_sync_record_find(const bfci_sync_record *r, const char *name)
{
    bool found = false;

    size_t at = place_of(r, name, &found);
    return found ? &r->item[at] : NULL;
}

/* ── Reading ── */

static bool is_name(const char *text)
{
    bfci_reference ref;

    return bfci_reference_is_canonical(text, &ref);
}

/* "+ ROOTDIGEST NAME" or "- NAME"; `line` is cut up. */
static int take_line(bfci_sync_record *r, char *line, bool *good, bfc_err *err)
{
    const size_t digits = BFCI_DIGEST_HEX_SIZE - 1;
    bfci_digest root;

    *good = true;
    if (strncmp(line, "- ", 2) == 0 && is_name(line + 2)) {
        forget(r, line + 2);
        return 0;
    }
    if (strncmp(line, "+ ", 2) == 0 && strlen(line) > 2 + digits && line[2 + digits] == ' ') {
        line[2 + digits] = '\0';
        if (bfci_unhex(line + 2, root.bytes, sizeof root.bytes) && is_name(line + 3 + digits))
            return keep(r, line + 3 + digits, &root, err);
    }
    *good = false;
    return 0;
}

static int refuse(const bfci_sync_record *r, size_t line, bfc_err *err)
{
    return bfci_fail(err, BFC_E_CORRUPT,
                     "'%s', line %zu: this is no record of what a list has brought; if it is "
                     "removed, no image that it tells of is ever pruned",
                     BFCI_QUOTE_STR(r->path), line);
}

static int take_all(bfci_sync_record *r, char *text, size_t len, bfc_err *err)
{
    size_t number = 1;

    for (char *line = text, *end; (end = memchr(line, '\n', len - (size_t)(line - text)));
         line = end + 1, number++) {
        bool good = true;
        *end = '\0';
        if (strlen(line) != (size_t)(end - line))
            return refuse(r, number, err);
        if (number == 1)
            good = strncmp(line, SCHEMA, strlen(SCHEMA)) == 0;
        else
            BFC_TRY(take_line(r, line, &good, err));
        if (!good)
            return refuse(r, number, err);
        r->lines += number > 1;
        r->end = (uint64_t)(end + 1 - text);
    }
    return 0;
}

static int load(bfci_sync_record *r, bfc_err *err)
{
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;

    int rc = bfci_read_file(AT_FDCWD, r->path, SYNC_RECORD_SIZE_MAX, &text, &len, err);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    return rc < 0 ? rc : take_all(r, (char *)text, len, err);
}

/* ── Opening ── */

/* Lists are told apart by what they are called, which need not be fit for a name of a file. */
static int find_place(bfci_sync_record *r, const char *folder, const char *list, bfc_err *err)
{
    bfci_digest digest;
    char hex[BFCI_DIGEST_HEX_SIZE];

    BFC_TRY(bfci_sha256(list, strlen(list), digest.bytes, err));
    bfci_hex(digest.bytes, sizeof digest.bytes, hex);
    BFC_TRY(bfci_strdup(BFCI_QUOTE_STR(list), &r->list, err));
    return bfci_asprintf(&r->path, err, "%s/%s", folder, hex);
}

static int take_lock(bfci_sync_record *r, bfc_err *err)
{
    AUTO_FREE char *path = NULL, *what = NULL;

    BFC_TRY(bfci_asprintf(&path, err, "%s.lock", r->path));
    BFC_TRY(bfci_asprintf(&what, err, "what the list '%s' has brought", r->list));
    return bfci_name_lock_take(path, what, &r->lock, err);
}

static int open_record(bfci_sync_record *r, bfc_store *store, const char *list, bfc_err *err)
{
    AUTO_FREE char *folder = NULL;

    int rc = store->backend->records(store, !r->read_only, &folder, err);
    if (rc == BFC_E_NOT_FOUND && r->read_only)
        return 0;
    BFC_TRY(rc);
    BFC_TRY(find_place(r, folder, list, err));
    if (!r->read_only)
        BFC_TRY(take_lock(r, err));
    return load(r, err);
}

int bfci_sync_record_open(bfc_store *store, const char *list, bool read_only,
                          bfci_sync_record **out, bfc_err *err)
{
    bfci_sync_record *r = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *r, &r, err));
    r->fd = -1;
    r->lock = (bfci_name_lock)BFCI_NAME_LOCK_INIT;
    r->read_only = read_only;
    int rc = open_record(r, store, list, err);
    if (rc < 0) {
        free_all(r);
        return rc;
    }
    *out = r;
    return 0;
}

/* ── Adding ── */

/* What a crash cut off goes, so that the next line begins one. */
static int open_for_lines(bfci_sync_record *r, bfc_err *err)
{
    AUTO_FREE char *head = NULL;

    if (r->fd >= 0)
        return 0;
    BFC_TRY(bfci_open(AT_FDCWD, r->path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0666, &r->fd, err));
    BFC_TRY(bfci_ftruncate(r->fd, r->end, err));
    if (r->end > 0)
        return 0;
    BFC_TRY(bfci_asprintf(&head, err, SCHEMA "%s\n", r->list));
    BFC_TRY(bfci_pwrite_all(r->fd, head, strlen(head), 0, err));
    r->end = strlen(head);
    AUTO_FREE char *folder = NULL;
    BFC_TRY(bfci_memdup_str(r->path, (size_t)(strrchr(r->path, '/') - r->path), &folder, err));
    return bfci_sync_folder(folder, err); /* a record that lost its name tells nothing */
}

static int add_line(bfci_sync_record *r, const char *line, bfc_err *err)
{
    BFC_TRY(open_for_lines(r, err));
    BFC_TRY(bfci_pwrite_all(r->fd, line, strlen(line), r->end, err));
    r->end += strlen(line);
    r->lines++;
    return bfci_fdatasync(r->fd, err); /* the image is there: that we brought it must not be lost */
}

static int put_line(const char *name, const bfci_digest *root, char **line, bfc_err *err)
{
    char hex[BFCI_DIGEST_HEX_SIZE];

    bfci_hex(root->bytes, sizeof root->bytes, hex);
    return bfci_asprintf(line, err, "+ %s %s\n", hex, name);
}

int bfci_sync_record_put(bfci_sync_record *r, const char *name, const bfci_digest *root,
                         bfc_err *err)
{
    const bfci_recorded *was = bfci_sync_record_find(r, name);
    AUTO_FREE char *line = NULL;

    if (was && bfci_digest_equal(&was->root, root))
        return 0;
    BFC_TRY(put_line(name, root, &line, err));
    int rc = add_line(r, line, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(r->path));
    return keep(r, name, root, err);
}

int bfci_sync_record_drop(bfci_sync_record *r, const char *name, bfc_err *err)
{
    AUTO_FREE char *line = NULL;

    if (!bfci_sync_record_find(r, name))
        return 0;
    BFC_TRY(bfci_asprintf(&line, err, "- %s\n", name));
    int rc = add_line(r, line, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(r->path));
    forget(r, name);
    return 0;
}

/* ── Closing ── */

static int write_anew(const bfci_sync_record *r, bfc_err *err)
{
    __attribute__((cleanup(bfci_new_file_abandon))) bfci_new_file f = BFCI_NEW_FILE_INIT;
    AUTO_BUF buf text = BUF_INIT;

    bfci_buf_printf(&text, SCHEMA "%s\n", r->list);
    for (size_t i = 0; i < r->count; i++) {
        AUTO_FREE char *line = NULL;
        BFC_TRY(put_line(r->item[i].name, &r->item[i].root, &line, err));
        bfci_buf_put(&text, line, strlen(line));
    }
    BFC_TRY(buf_check(&text, err));
    BFC_TRY(bfci_new_file_begin(r->path, &f, err));
    BFC_TRY(bfci_write_all(f.fd, text.data, text.len, err));
    return bfci_new_file_publish(&f, true, err);
}

/* What cannot be made smaller stays as long as it is: it is right. */
static void tidy(const bfci_sync_record *r)
{
    if (r->count == 0)
        (void)bfci_remove_file(r->path, NULL);
    else if (r->lines - r->count > r->count + WORTH_IT)
        (void)write_anew(r, NULL);
}

void bfci_sync_record_close(bfci_sync_record *r)
{
    if (!r)
        return;
    if (!r->read_only && r->end > 0)
        tidy(r);
    free_all(r);
}
