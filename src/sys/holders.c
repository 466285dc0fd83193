/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a file system. Three times through /proc: the numbers of the file system's devices are
 * learned from the mounts of every namespace; then processes are looked for that use something on
 * one of them; then such that only have it mounted. A process that ends meanwhile, or that changes,
 * is met as it is at that moment: this is for a message, and never a promise.
 *
 * The file system may be one whose server (FUSE) hangs. So it is never asked: statx() is told to
 * want nothing but the device's number, which the kernel knows, and links of /proc are read, not
 * followed. */
#include "sys/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "sys/dir.h"
#include "sys/file.h"

enum {
    COMMAND_MAX = 64,
    MAPS_MAX = 64 << 20,
    WHERE_MAX = 4096 + 64, /* a path, and " (deleted)" */
    LINK_MAX_LEN = 32
};

typedef struct look {
    const char *source;
    bfci_holder_fn *fn;
    void *ctx;
    int proc_fd;
    bfci_dir_list list;
    char self[LINK_MAX_LEN];
    bfci_set devices;    /* more than one where FUSE servers have mounted it more than once */
    bfci_map namespaces; /* 1: has it mounted, and nobody is told for that yet; else 0 */
    bfci_set told;       /* processes */
    size_t hidden;
} look;

typedef struct process {
    long pid;
    int fd; /* its folder: the same process, or none any more */
} process;

static void cleanup_look(look *l)
{
    bfci_fd_close(&l->proc_fd);
    bfci_dir_list_release(&l->list);
    bfci_set_release(&l->devices);
    bfci_map_release(&l->namespaces);
    bfci_set_release(&l->told);
}

/* What fails for want of our own means is a failure; else the process has ended, or is not ours to
 * look at. */
static int pass_by(const bfc_err *why, bfc_err *err)
{
    if (why->code != BFC_E_NOMEM && why->os_errno != EMFILE && why->os_errno != ENFILE)
        return 0;
    if (err)
        *err = *why;
    return why->code;
}

static bool read_link(int dir_fd, const char *name, char *out, size_t cap)
{
    ssize_t len = readlinkat(dir_fd, name, out, cap - 1);
    out[MAX(len, 0)] = '\0';
    return len >= 0;
}

/* ── Where it is mounted ── */

typedef struct search {
    look *look;
    char *point; /* the first one that is found */
} search;

static int note_mount(void *ctx, const bfci_mount *mount, bfc_err *err)
{
    search *s = ctx;
    bool added = false;
    if (strcmp(mount->source, s->look->source) != 0)
        return 0;
    BFC_TRY(bfci_set_add(&s->look->devices, mount->device, &added, err));
    return s->point ? 0 : bfci_strdup(mount->point, &s->point, err);
}

/* *point is NULL if it is not mounted there; false if there is nothing to be seen. */
static int find_mount(look *l, int dir_fd, char **point, bool *seen, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    search s = {l, NULL};
    int rc = bfci_mounts_each_in(dir_fd, "mountinfo", note_mount, &s, &why);
    AUTO_FREE char *found = s.point;
    *seen = rc == 0;
    if (rc < 0)
        return pass_by(&why, err);
    *point = bfci_steal(&found);
    return 0;
}

static bool read_namespace(int dir_fd, uint64_t *number)
{
    static const char kind[] = "mnt:[";
    char link[LINK_MAX_LEN];
    if (!read_link(dir_fd, "ns/mnt", link, sizeof link) ||
        strncmp(link, kind, sizeof kind - 1) != 0)
        return false;
    *number = strtoull(link + sizeof kind - 1, NULL, 10);
    return true;
}

static int learn_mounts(look *l, const process *p, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    uint64_t number = 0;
    bool seen = false;
    if (!read_namespace(p->fd, &number) || bfci_map_get(&l->namespaces, number, 0))
        return 0;
    BFC_TRY(find_mount(l, p->fd, &point, &seen, err));
    return seen ? bfci_map_put(&l->namespaces, number, 0, point != NULL, err) : 0;
}

static int learn_own_mounts(look *l, bfc_err *err)
{
    AUTO_FD int self = -1;
    AUTO_FREE char *point = NULL;
    uint64_t number = 0;
    bool seen = false;
    BFC_TRY(bfci_open(l->proc_fd, "self", O_PATH | O_DIRECTORY, 0, &self, err));
    BFC_TRY(find_mount(l, self, &point, &seen, err));
    return read_namespace(self, &number) ? bfci_map_put(&l->namespaces, number, 0, 0, err) : 0;
}

/* ── Who uses it ── */

static int tell(look *l, const process *p, const char *how, const char *where, bfc_err *err)
{
    AUTO_FREE uint8_t *command = NULL;
    size_t len = 0;
    bool added = false;
    bfc_err why = BFC_ERR_INIT;
    BFC_TRY(bfci_set_add(&l->told, (uint64_t)p->pid, &added, err));
    if (bfci_read_file(p->fd, "comm", COMMAND_MAX, &command, &len, &why) < 0)
        return pass_by(&why, err); /* it has just ended */
    if (len > 0 && command[len - 1] == '\n')
        command[len - 1] = '\0';
    const bfci_holder holder = {p->pid, (const char *)command, how, where};
    return l->fn(l->ctx, &holder, err);
}

static bool is_told(const look *l, const process *p)
{
    return bfci_set_has(&l->told, (uint64_t)p->pid);
}

static int check_link(look *l, const process *p, const char *link, const char *how, bfc_err *err)
{
    struct statx st;
    char where[WHERE_MAX];
    if (statx(p->fd, link, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &st) < 0 ||
        !bfci_set_has(&l->devices, (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor) ||
        !read_link(p->fd, link, where, sizeof where))
        return 0;
    return tell(l, p, how, where, err);
}

static int check_open_files(look *l, const process *p, bfc_err *err)
{
    __attribute__((cleanup(bfci_dir_list_release))) bfci_dir_list list = BFCI_DIR_LIST_INIT;
    AUTO_FD int fd = -1;
    bfc_err why = BFC_ERR_INIT;
    if (bfci_open(p->fd, "fd", O_RDONLY | O_DIRECTORY, 0, &fd, &why) < 0 ||
        bfci_dir_read(fd, &list, &why) < 0)
        return pass_by(&why, err);
    for (size_t i = 0; i < list.count && !is_told(l, p); i++) {
        char link[LINK_MAX_LEN];
        (void)snprintf(link, sizeof link, "fd/%s", list.item[i].name);
        int rc = check_link(l, p, link, "keeps open", err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* A line of maps: range, permissions, offset, device, inode, blanks, path. */
static const char *mapped_path(const look *l, char *line)
{
    enum {
        BEFORE_DEVICE = 3
    };
    uint64_t device = 0;
    for (int i = 0; i < BEFORE_DEVICE && line; i++) {
        line = strchr(line, ' ');
        line = line ? line + 1 : NULL;
    }
    char *rest = line ? strchr(line, ' ') : NULL;
    if (!rest)
        return NULL;
    *rest = '\0';
    if (!bfci_device_parse(line, 16, &device) || !bfci_set_has(&l->devices, device))
        return NULL;
    return strchr(rest + 1, '/');
}

static int check_maps(look *l, const process *p, bfc_err *err)
{
    AUTO_FREE uint8_t *maps = NULL;
    size_t len = 0;
    bfc_err why = BFC_ERR_INIT;
    if (bfci_read_file(p->fd, "maps", MAPS_MAX, &maps, &len, &why) < 0)
        return pass_by(&why, err);
    for (char *line = (char *)maps, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        const char *path = mapped_path(l, line);
        if (path)
            return tell(l, p, "maps", path, err);
    }
    return 0;
}

/* Kernel threads have no arguments, and hold nothing. */
static bool has_arguments(const process *p)
{
    AUTO_FD int fd = -1;
    char byte;
    return bfci_open(p->fd, "cmdline", O_RDONLY, 0, &fd, NULL) == 0 && read(fd, &byte, 1) == 1;
}

static int check_use(look *l, const process *p, bfc_err *err)
{
    static const struct {
        const char *name, *how;
    } links[] = {{"cwd", "works in"}, {"root", "has its root in"}, {"exe", "runs"}};
    char ignored[LINK_MAX_LEN];
    if (!read_link(p->fd, "ns/mnt", ignored, sizeof ignored)) {
        if (errno == EACCES || errno == EPERM)
            l->hidden += has_arguments(p);
        return 0;
    }
    int rc = check_open_files(l, p, err);
    for (size_t i = 0; i < ARRAY_LEN(links) && rc == 0 && !is_told(l, p); i++)
        rc = check_link(l, p, links[i].name, links[i].how, err);
    return rc == 0 && !is_told(l, p) ? check_maps(l, p, err) : rc;
}

static int check_namespace(look *l, const process *p, bfc_err *err)
{
    AUTO_FREE char *point = NULL;
    uint64_t number = 0;
    bool seen = false;
    if (is_told(l, p) || !read_namespace(p->fd, &number))
        return 0;
    uint64_t *untold = bfci_map_get(&l->namespaces, number, 0);
    if (!untold || !*untold)
        return 0;
    BFC_TRY(find_mount(l, p->fd, &point, &seen, err));
    if (!point)
        return 0;
    *untold = 0;
    return tell(l, p, "keeps in another mount namespace", point, err);
}

/* ── Through /proc ── */

typedef int visit_fn(look *l, const process *p, bfc_err *err);

static int each_process(look *l, visit_fn *visit, bfc_err *err)
{
    for (size_t i = 0; i < l->list.count; i++) {
        AUTO_FD int fd = -1;
        bfc_err why = BFC_ERR_INIT;
        char *end = NULL;
        const char *name = l->list.item[i].name;
        long pid = strtol(name, &end, 10);
        if (pid <= 0 || *end != '\0' || strcmp(name, l->self) == 0)
            continue;
        int rc = bfci_open(l->proc_fd, name, O_PATH | O_DIRECTORY, 0, &fd, &why);
        rc = rc < 0 ? pass_by(&why, err) : visit(l, &(process){pid, fd}, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int bfci_holders_each(const char *source, bfci_holder_fn *fn, void *ctx, size_t *hidden,
                      bfc_err *err)
{
    static visit_fn *const visits[] = {learn_mounts, check_use, check_namespace};
    __attribute__((cleanup(cleanup_look))) look l = {
        .source = source,
        .fn = fn,
        .ctx = ctx,
        .proc_fd = -1,
        .list = BFCI_DIR_LIST_INIT,
        .devices = BFCI_SET_INIT,
        .namespaces = BFCI_MAP_INIT,
        .told = BFCI_SET_INIT,
    };
    BFC_TRY(bfci_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0, &l.proc_fd, err));
    BFC_TRY(bfci_dir_read(l.proc_fd, &l.list, err));
    (void)read_link(l.proc_fd, "self", l.self, sizeof l.self);
    BFC_TRY(learn_own_mounts(&l, err));
    for (size_t i = 0; i < ARRAY_LEN(visits); i++) {
        int rc = each_process(&l, visits[i], err);
        if (rc != 0)
            return rc;
    }
    *hidden = l.hidden;
    return 0;
}
