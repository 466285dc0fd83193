/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes and modes. What cannot be opened for reading is reached through
 * /proc/self/fd, with calls that do not follow a link. */
#include "sys/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "sys/file.h"
#include "sys/retry.h"

enum {
    NAMES_FIRST = 1024,
    VALUE_FIRST = 256,
    PROC_PATH_MAX = 32 + BFCI_NAME_MAX
};

/* What attributes are read from: an open file, or a path that is not followed. */
typedef struct target {
    int fd;
    const char *path; /* NULL: fd */
} target;

static int list_names(const target *t, char *names, size_t cap, ssize_t *len)
{
    BFCI_RETRY(*len, t->path ? llistxattr(t->path, names, cap) : flistxattr(t->fd, names, cap));
    return *len < 0 ? -1 : 0;
}

static ssize_t get_value(const target *t, const char *name, void *value, size_t cap)
{
    ssize_t len;
    BFCI_RETRY(len,
               t->path ? lgetxattr(t->path, name, value, cap) : fgetxattr(t->fd, name, value, cap));
    return len;
}

/* Appends the value to the store. *len is -1 if the attribute is gone. */
static int append_value(const target *t, const char *name, buf *store, ssize_t *len, bfc_err *err)
{
    for (size_t cap = VALUE_FIRST;; cap = XATTR_SIZE_MAX) {
        uint8_t *room = bfci_buf_room(store, cap);
        if (!room)
            return bfci_fail_nomem(err);
        *len = get_value(t, name, room, cap);
        if (*len >= 0) {
            store->len += (size_t)*len;
            return 0;
        }
        if (errno == ENODATA)
            return 0;
        if (errno != ERANGE || cap == XATTR_SIZE_MAX)
            return bfci_fail_errno(err, errno, "read the attribute '%s'", BFCI_QUOTE_STR(name));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const bfci_attr *)a)->name, ((const bfci_attr *)b)->name);
}

/* Each as value, then name with its NUL; pointers are set when the store no longer moves. */
static int read_values(const target *t, const char *names, size_t names_len, bfci_attr_list *out,
                       bfc_err *err)
{
    AUTO_BUF buf store = BUF_INIT;
    AUTO_FREE bfci_attr *item = NULL;
    size_t cap = 0, count = 0, name_len;

    for (size_t at = 0; at < names_len; at += name_len + 1) {
        ssize_t value_len = 0;
        name_len = strlen(names + at);
        BFC_TRY(append_value(t, names + at, &store, &value_len, err));
        if (value_len < 0)
            continue;
        bfci_buf_put(&store, names + at, name_len + 1);
        BFC_TRY(bfci_reserve(&item, &cap, count + 1, sizeof *item, err));
        item[count++] = (bfci_attr){NULL, NULL, (size_t)value_len};
    }
    BFC_TRY(buf_check(&store, err));
    const uint8_t *p = store.data;
    for (size_t i = 0; i < count; i++) {
        item[i].value = p;
        item[i].name = (const char *)p + item[i].value_len;
        p += item[i].value_len + strlen(item[i].name) + 1;
    }
    if (count > 1)
        qsort(item, count, sizeof *item, by_name);
    out->count = count;
    out->item = bfci_steal(&item);
    out->store = bfci_steal(&store.data);
    return 0;
}

static int read_attrs(const target *t, bfci_attr_list *out, bfc_err *err)
{
    char few[NAMES_FIRST];
    AUTO_FREE char *many = NULL;
    char *names = few;
    ssize_t len = 0;

    int rc = list_names(t, names, sizeof few, &len);
    if (rc < 0 && errno == ERANGE) {
        BFC_TRY(bfci_alloc(XATTR_LIST_MAX, 1, &many, err));
        names = many;
        rc = list_names(t, names, XATTR_LIST_MAX, &len);
    }
    if (rc < 0 && errno != ENOTSUP && errno != ENOSYS)
        return bfci_fail_errno(err, errno, "list the attributes");
    if (rc < 0 || len == 0) {
        *out = (bfci_attr_list)BFCI_ATTR_LIST_INIT;
        return 0;
    }
    return read_values(t, names, (size_t)len, out, err);
}

/* The name through /proc, so that calls that take only paths work relative to a folder. */
static void proc_path(int dir_fd, const char *name, char out[PROC_PATH_MAX])
{
    const char *slash = name ? "/" : "";
    if (dir_fd == AT_FDCWD)
        (void)snprintf(out, PROC_PATH_MAX, "/proc/self/cwd/%s", name ? name : "");
    else
        (void)snprintf(out, PROC_PATH_MAX, "/proc/self/fd/%d%s%s", dir_fd, slash, name ? name : "");
}

static int check_name(const char *name, bfc_err *err)
{
    if (strlen(name) > BFCI_NAME_MAX) /* it would be cut, and then be another one's */
        return bfci_fail_errno(err, ENAMETOOLONG, "'%s'", BFCI_QUOTE_STR(name));
    return 0;
}

int bfci_attrs_read_fd(int fd, bfci_attr_list *out, bfc_err *err)
{
    return read_attrs(&(target){fd, NULL}, out, err);
}

int bfci_attrs_read_at(int dir_fd, const char *name, bfci_attr_list *out, bfc_err *err)
{
    char path[PROC_PATH_MAX];
    if (dir_fd == AT_FDCWD) /* any path, also an absolute one: it needs no folder before it */
        return read_attrs(&(target){-1, name}, out, err);
    BFC_TRY(check_name(name, err));
    proc_path(dir_fd, name, path);
    return read_attrs(&(target){-1, path}, out, err);
}

void bfci_attr_list_release(bfci_attr_list *list)
{
    free(list->item);
    free(list->store);
    *list = (bfci_attr_list)BFCI_ATTR_LIST_INIT;
}

static int fail_attr(const char *verb, const char *attr, bfc_err *err)
{
    return bfci_fail_errno(err, errno, "%s the attribute '%s'", verb, BFCI_QUOTE_STR(attr));
}

int bfci_attr_set_fd(int fd, const bfci_attr *attr, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, fsetxattr(fd, attr->name, attr->value, attr->value_len, 0));
    return rc < 0 ? fail_attr("set", attr->name, err) : 0;
}

int bfci_attr_set_at(int dir_fd, const char *name, const bfci_attr *attr, bfc_err *err)
{
    char path[PROC_PATH_MAX];
    int rc;
    BFC_TRY(check_name(name, err));
    proc_path(dir_fd, name, path);
    BFCI_RETRY(rc, lsetxattr(path, attr->name, attr->value, attr->value_len, 0));
    return rc < 0 ? fail_attr("set", attr->name, err) : 0;
}

int bfci_attr_remove_fd(int fd, const char *attr, bfc_err *err)
{
    int rc;
    BFCI_RETRY(rc, fremovexattr(fd, attr));
    return rc < 0 && errno != ENODATA && errno != ENOTSUP ? fail_attr("remove", attr, err) : 0;
}

int bfci_chmod_at(int dir_fd, const char *name, unsigned mode, bfc_err *err)
{
    char path[PROC_PATH_MAX];
    AUTO_FD int fd = -1;
    int rc;
    BFC_TRY(bfci_open(dir_fd, name, O_PATH | O_NOFOLLOW, 0, &fd, err));
    struct stat st;
    BFC_TRY(bfci_fstat(fd, &st, err));
    if (S_ISLNK(st.st_mode)) /* a link has no mode */
        return bfci_fail_errno(err, EOPNOTSUPP, "set the mode of the link '%s'",
                               BFCI_QUOTE_STR(name));
    proc_path(fd, NULL, path);
    BFCI_RETRY(rc, chmod(path, (mode_t)mode));
    if (rc < 0)
        return bfci_fail_errno(err, errno, "set the mode of '%s'", BFCI_QUOTE_STR(name));
    return 0;
}

unsigned bfci_umask(void)
{
    enum {
        UNKNOWN = 0777,
        STATUS_MAX = 65536
    };
    static const char label[] = "\nUmask:";
    AUTO_FREE uint8_t *status = NULL;
    size_t len = 0;
    if (bfci_read_file(AT_FDCWD, "/proc/self/status", STATUS_MAX, &status, &len, NULL) < 0)
        return UNKNOWN;
    const char *line = strstr((const char *)status, label);
    return line ? (unsigned)strtoul(line + sizeof label - 1, NULL, 8) & 0777 : UNKNOWN;
}
