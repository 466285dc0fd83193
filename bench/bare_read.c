/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of create: reads a tree with the system calls that it takes, and does nothing with it.
 *
 *     bare_read THREADS TREE
 *
 * Folders are shared out among the threads; each entry is stat'ed, its xattrs are asked for, files
 * are opened, read and closed. Prints the seconds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_SIZE = 1 << 20,
    THREADS_MAX = 64
};

/* Folders that wait to be read: a stack of descriptors' paths below the root. */
typedef struct work {
    pthread_mutex_t lock;
    pthread_cond_t more;
    int root;
    char **path;
    size_t count, cap;
    size_t busy; /* threads that may still find folders */
} work;

static void die(const char *what)
{
    fprintf(stderr, "bare_read: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void push(work *w, const char *folder, const char *name)
{
    size_t len = strlen(folder) + strlen(name) + 2;
    char *path = malloc(len);

    if (!path)
        die("memory");
    snprintf(path, len, "%s%s%s", folder, *folder ? "/" : "", name);
    pthread_mutex_lock(&w->lock);
    if (w->count == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 1024;
        w->path = realloc(w->path, w->cap * sizeof *w->path);
        if (!w->path)
            die("memory");
    }
    w->path[w->count++] = path;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

/* NULL when no folder is left and no thread can find another. */
static char *pop(work *w)
{
    char *path = NULL;

    pthread_mutex_lock(&w->lock);
    w->busy--;
    while (w->count == 0 && w->busy > 0)
        pthread_cond_wait(&w->more, &w->lock);
    if (w->count > 0) {
        path = w->path[--w->count];
        w->busy++;
    } else {
        pthread_cond_broadcast(&w->more);
    }
    pthread_mutex_unlock(&w->lock);
    return path;
}

static void read_file(int dir, const char *name, char *buffer)
{
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        die(name);
    if (flistxattr(fd, NULL, 0) < 0 && errno != ENOTSUP)
        die(name);
    do
        got = read(fd, buffer, READ_SIZE);
    while (got == READ_SIZE);
    if (got < 0)
        die(name);
    close(fd);
}

static void read_entry(work *w, int dir, const char *folder, const char *name, char *buffer)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        die(name);
    if (S_ISDIR(st.st_mode))
        push(w, folder, name);
    else if (S_ISREG(st.st_mode))
        read_file(dir, name, buffer);
    else if (S_ISLNK(st.st_mode) && readlinkat(dir, name, buffer, READ_SIZE) < 0)
        die(name);
}

static void read_folder(work *w, const char *path, char *buffer)
{
    int fd = openat(w->root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (!dir)
        die(path);
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            read_entry(w, fd, path, entry->d_name, buffer);
    closedir(dir);
}

static void *run(void *arg)
{
    work *w = arg;
    char *buffer = malloc(READ_SIZE), *path;

    if (!buffer)
        die("memory");
    while ((path = pop(w))) {
        read_folder(w, path, buffer);
        free(path);
    }
    free(buffer);
    return NULL;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    work w = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
    pthread_t thread[THREADS_MAX];
    long threads = argc == 3 ? strtol(argv[1], NULL, 10) : 0;

    if (threads < 1 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: bare_read THREADS TREE\n");
        return 2;
    }
    double start = now();
    w.root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w.root < 0)
        die(argv[2]);
    w.busy = (size_t)threads;
    push(&w, "", "");
    for (long i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, run, &w) != 0)
            die("thread");
    for (long i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    printf("%.6f\n", now() - start);
    free(w.path);
    close(w.root);
    return 0;
}
