/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of extract: makes a tree from memory, with the system calls that it takes and no more.
 *
 *     bare_extract THREADS TREE TARGET [LEVEL]
 *
 * The tree is read into memory first; only what comes after is timed. With a LEVEL contents are
 * held in blocks of 128 KiB that zstd compressed with it, and each thread checks and decodes the
 * block of a file before it writes: all that extracting a container takes, but for its tables.
 * Folders are made in order, files by threads that take up to 64 at a time: create, write, owner
 * and mode where the create did not do it, xattrs, time, close. Hard links and the times of folders
 * come last. Prints the seconds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "packed.h"

enum {
    THREADS_MAX = 64,
    FILES_AT_ONCE = 64,
    XATTR_NAMES = 65536,
    WRITE_SIZE = 1 << 20
};

typedef struct run {
    off_t offset;
    size_t len;
    uint8_t *data; /* NULL: it is in the blocks */
    uint64_t at;   /* in these */
} run;

typedef struct attribute {
    char *name;
    void *value;
    size_t len;
    struct attribute *next;
} attribute;

typedef struct entry {
    char *path;       /* from the root of the tree */
    const char *name; /* the last part of it */
    struct stat st;
    char *target; /* of a symbolic link */
    attribute *attributes;
    run *runs;
    size_t run_count;
    const struct entry *first; /* the hard link that is made as a file */
} entry;

typedef struct list {
    entry **item;
    size_t count, cap;
} list;

typedef struct batch {
    const entry *dir;
    size_t from, to; /* in files */
} batch;

typedef struct tree {
    list dirs, files, links; /* links: second names of an inode */
    batch *batches;
    size_t batch_count;
    atomic_size_t next;
    int source, target;
    packed *blocks; /* NULL: contents are as they were */
    uid_t uid;
    gid_t gid;
} tree;

static void die(const char *what)
{
    fprintf(stderr, "bare_extract: '%s': %s\n", what, strerror(errno));
    exit(1);
}

static void *alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p)
        die("memory");
    return p;
}

static char *copy_string(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(alloc(size), text, size);
}

static void add(list *l, entry *e)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 1024;
        l->item = realloc(l->item, l->cap * sizeof(entry *));
        if (!l->item)
            die("memory");
    }
    l->item[l->count++] = e;
}

/* ── Reading the source ── */

/* By the path below /proc, as there is no call that asks a name in a folder for its xattrs. */
static void load_attributes(entry *e, int dir)
{
    char path[320], names[XATTR_NAMES];

    snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, e->name);
    ssize_t len = llistxattr(path, names, sizeof names);
    for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
        ssize_t size = lgetxattr(path, name, NULL, 0);
        if (size < 0)
            continue;
        attribute *a = alloc(sizeof *a);
        *a = (attribute){copy_string(name), alloc((size_t)size), (size_t)size, e->attributes};
        if (lgetxattr(path, name, a->value, a->len) != size)
            die(e->path);
        e->attributes = a;
    }
}

static void load_run(const tree *t, entry *e, int fd, off_t start, off_t end)
{
    run r = {start, (size_t)(end - start), alloc((size_t)(end - start)), 0};

    for (size_t at = 0; at < r.len;) {
        ssize_t got = pread(fd, r.data + at, r.len - at, start + (off_t)at);
        if (got <= 0)
            die(e->path);
        at += (size_t)got;
    }
    if (t->blocks) {
        r.at = packed_add(t->blocks, r.data, r.len);
        free(r.data);
        r.data = NULL;
    }
    e->runs = realloc(e->runs, (e->run_count + 1) * sizeof *e->runs);
    if (!e->runs)
        die("memory");
    e->runs[e->run_count++] = r;
}

static void load_content(const tree *t, entry *e, int dir)
{
    int fd = openat(dir, e->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    off_t start, end = 0;

    if (fd < 0)
        die(e->path);
    while (end < e->st.st_size && (start = lseek(fd, end, SEEK_DATA)) >= 0) {
        end = lseek(fd, start, SEEK_HOLE);
        if (end < 0)
            die(e->path);
        load_run(t, e, fd, start, end < e->st.st_size ? end : e->st.st_size);
    }
    close(fd);
}

static void load_entry(tree *t, entry *e, int dir)
{
    load_attributes(e, dir);
    if (S_ISREG(e->st.st_mode))
        load_content(t, e, dir);
    if (S_ISLNK(e->st.st_mode)) {
        e->target = alloc((size_t)e->st.st_size + 1);
        if (readlinkat(dir, e->name, e->target, (size_t)e->st.st_size) != e->st.st_size)
            die(e->path);
    }
    add(&t->files, e);
}

/* The entry that was read with the same inode, if this is a second name. */
static const entry *first_name(const tree *t, const entry *e)
{
    if (e->st.st_nlink < 2)
        return NULL;
    for (size_t i = 0; i < t->files.count; i++)
        if (t->files.item[i]->st.st_ino == e->st.st_ino &&
            t->files.item[i]->st.st_dev == e->st.st_dev)
            return t->files.item[i];
    return NULL;
}

static entry *new_entry(const entry *dir, const char *name, int fd)
{
    entry *e = alloc(sizeof *e);
    size_t len = strlen(dir->path), size = len + strlen(name) + 2;

    e->path = alloc(size);
    snprintf(e->path, size, "%s%s%s", dir->path, len ? "/" : "", name);
    e->name = e->path + (len ? len + 1 : 0);
    if (fstatat(fd, name, &e->st, AT_SYMLINK_NOFOLLOW) != 0)
        die(e->path);
    return e;
}

static void batch_files(tree *t, const entry *dir, size_t from)
{
    for (; from < t->files.count; from += FILES_AT_ONCE) {
        size_t to = from + FILES_AT_ONCE < t->files.count ? from + FILES_AT_ONCE : t->files.count;
        t->batches = realloc(t->batches, (t->batch_count + 1) * sizeof(batch));
        if (!t->batches)
            die("memory");
        t->batches[t->batch_count++] = (batch){dir, from, to};
    }
}

/* Adds what is in the folder; its folders are found at the list's end and read in their turn. */
static void load_folder(tree *t, entry *folder)
{
    int fd = openat(t->source, *folder->path ? folder->path : ".",
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *d;
    size_t from = t->files.count;

    if (!dir)
        die(folder->path);
    while ((d = readdir(dir))) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        entry *e = new_entry(folder, d->d_name, fd);
        if (S_ISDIR(e->st.st_mode)) {
            load_attributes(e, fd);
            add(&t->dirs, e);
        } else if ((e->first = first_name(t, e))) {
            add(&t->links, e);
        } else {
            load_entry(t, e, fd);
        }
    }
    batch_files(t, folder, from);
    closedir(dir);
}

static void load(tree *t)
{
    entry *root = alloc(sizeof *root);

    root->path = copy_string("");
    root->name = root->path;
    if (fstat(t->source, &root->st) != 0)
        die("root");
    add(&t->dirs, root);
    for (size_t i = 0; i < t->dirs.count; i++)
        load_folder(t, t->dirs.item[i]);
    if (t->blocks)
        packed_end(t->blocks);
}

/* ── Making the target: timed ── */

static void set_attributes(const entry *e, int fd)
{
    for (const attribute *a = e->attributes; a; a = a->next)
        if (fsetxattr(fd, a->name, a->value, a->len, 0) != 0)
            die(e->path);
}

/* Some bytes of a run, from `at` on: how many. */
static size_t look(const run *r, packed_window *window, size_t at, const uint8_t **bytes)
{
    size_t len = WRITE_SIZE;

    if (r->data)
        *bytes = r->data + at;
    else
        len = packed_look(window, r->at + at, bytes);
    return len < r->len - at ? len : r->len - at;
}

static void write_runs(const entry *e, int fd, packed_window *window)
{
    off_t end = 0;

    for (size_t i = 0; i < e->run_count; i++) {
        const run *r = &e->runs[i];
        for (size_t at = 0; at < r->len;) {
            const uint8_t *bytes = NULL;
            size_t len = look(r, window, at, &bytes);
            ssize_t done = pwrite(fd, bytes, len, r->offset + (off_t)at);
            if (done < 0)
                die(e->path);
            at += (size_t)done;
        }
        end = r->offset + (off_t)r->len;
    }
    if (end < e->st.st_size && ftruncate(fd, e->st.st_size) != 0)
        die(e->path);
}

static bool owner_differs(const tree *t, const entry *e)
{
    return e->st.st_uid != t->uid || e->st.st_gid != t->gid;
}

static void make_file(const tree *t, const entry *e, int dir, packed_window *window)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, e->st.st_mtim};
    int fd = openat(dir, e->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    e->st.st_mode & 0777);

    if (fd < 0)
        die(e->path);
    write_runs(e, fd, window);
    if (owner_differs(t, e) && fchown(fd, e->st.st_uid, e->st.st_gid) != 0)
        die(e->path);
    if ((e->st.st_mode & 07000) && fchmod(fd, e->st.st_mode & 07777) != 0)
        die(e->path);
    set_attributes(e, fd);
    if (futimens(fd, times) != 0 || close(fd) != 0)
        die(e->path);
}

static void make_other(const tree *t, const entry *e, int dir)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, e->st.st_mtim};
    int rc = S_ISLNK(e->st.st_mode) ? symlinkat(e->target, dir, e->name)
                                    : mknodat(dir, e->name, e->st.st_mode, e->st.st_rdev);

    if (rc != 0 || (owner_differs(t, e) &&
                    fchownat(dir, e->name, e->st.st_uid, e->st.st_gid, AT_SYMLINK_NOFOLLOW) != 0))
        die(e->path);
    if (utimensat(dir, e->name, times, AT_SYMLINK_NOFOLLOW) != 0)
        die(e->path);
}

static void *make_files(void *arg)
{
    tree *t = arg;
    packed_window *window = t->blocks ? packed_window_new(t->blocks) : NULL;
    size_t i;

    while ((i = atomic_fetch_add(&t->next, 1)) < t->batch_count) {
        const batch *b = &t->batches[i];
        int dir =
            openat(t->target, *b->dir->path ? b->dir->path : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            die(b->dir->path);
        for (size_t f = b->from; f < b->to; f++)
            if (S_ISREG(t->files.item[f]->st.st_mode))
                make_file(t, t->files.item[f], dir, window);
            else
                make_other(t, t->files.item[f], dir);
        close(dir);
    }
    packed_window_free(window);
    return NULL;
}

static void finish_folder(const tree *t, const entry *e)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, e->st.st_mtim};
    const char *path = *e->path ? e->path : ".";

    if (owner_differs(t, e) && fchownat(t->target, path, e->st.st_uid, e->st.st_gid, 0) != 0)
        die(path);
    if ((e->st.st_mode & 07777) != 0700 && fchmodat(t->target, path, e->st.st_mode & 07777, 0) != 0)
        die(path);
    if (e->attributes) {
        int fd = openat(t->target, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            die(path);
        set_attributes(e, fd);
        close(fd);
    }
    if (utimensat(t->target, path, times, 0) != 0)
        die(path);
}

static void make(tree *t, long threads)
{
    pthread_t thread[THREADS_MAX];

    for (size_t i = 1; i < t->dirs.count; i++)
        if (mkdirat(t->target, t->dirs.item[i]->path, 0700) != 0)
            die(t->dirs.item[i]->path);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, make_files, t) != 0)
            die("thread");
    for (long i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < t->links.count; i++)
        if (linkat(t->target, t->links.item[i]->first->path, t->target, t->links.item[i]->path,
                   0) != 0)
            die(t->links.item[i]->path);
    for (size_t i = t->dirs.count; i-- > 0;)
        finish_folder(t, t->dirs.item[i]);
}

/* ── The command; what it holds is left to the end of the process ── */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static tree t;
    long threads = argc == 4 || argc == 5 ? strtol(argv[1], NULL, 10) : 0;

    if (threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: bare_extract THREADS TREE TARGET [LEVEL]\n");
        return 2;
    }
    if (argc == 5)
        t.blocks = packed_new((int)strtol(argv[4], NULL, 10));
    t.source = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t.source < 0)
        die(argv[2]);
    if (mkdir(argv[3], 0700) != 0 && errno != EEXIST)
        die(argv[3]);
    t.target = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t.target < 0)
        die(argv[3]);
    umask(0);
    t.uid = geteuid();
    t.gid = getegid();
    load(&t);
    double start = now();
    make(&t, threads);
    printf("%.6f\n", now() - start);
    return 0;
}
