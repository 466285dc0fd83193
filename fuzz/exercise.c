/* SPDX-License-Identifier: Apache-2.0 */
/* What a program does with a container that it was given. Everything is bounded: reads by their
 * size, files by RLIMIT_FSIZE, content by a progress callback that cancels. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bfc/bfc.h>

#include "fuzz.h"

#include "sys/dir.h"

enum {
    READ_MAX = 1 << 16,
    ENTRIES_MAX = 1000,
    TREES_TRIED = 4,
    CONTENT_MAX = 16 << 20,
    FILE_MAX = 8 << 20
};

static int stop; /* the hooks' cancel flag */

static void watch(void *ctx, const bfc_progress *p)
{
    (void)ctx;
    if (p->bytes_done > CONTENT_MAX || p->files_done > ENTRIES_MAX)
        __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
}

static const bfc_hooks hooks = {.progress = watch, .cancel = &stop};

static void read_entry(bfc_reader *r, const bfc_entry *e, uint8_t *room)
{
    bfc_xattrs *xattrs = NULL;
    bfc_entry again;
    size_t got = 0;
    const uint64_t ino = e->ino, size = e->size;

    if (e->type == BFC_TYPE_FILE && bfc_reader_read(r, ino, 0, room, READ_MAX, &got, NULL) == 0)
        FUZZ_CHECK(got == MIN(size, (uint64_t)READ_MAX));
    if (e->type == BFC_TYPE_FILE && size > READ_MAX)
        (void)bfc_reader_read(r, ino, size - 100, room, READ_MAX, &got, NULL);
    if (bfc_reader_xattrs(r, ino, &xattrs, NULL) == 0)
        bfc_xattrs_free(xattrs);
    if (bfc_reader_stat(r, e->path, &again, NULL) == 0)
        FUZZ_CHECK(again.ino == ino);
}

static void read_all(bfc_reader *r)
{
    bfc_walk *walk = NULL;
    const bfc_entry *e = NULL;
    uint8_t *room = malloc(READ_MAX);

    FUZZ_CHECK(room);
    if (bfc_walk_open(r, NULL, &walk, NULL) == 0)
        for (int i = 0; i < ENTRIES_MAX && bfc_walk_next(walk, &e, NULL) == 0 && e; i++)
            read_entry(r, e, room);
    bfc_walk_close(walk);
    free(room);
}

static void read_blob(bfc_reader *r)
{
    uint8_t *data = NULL;
    size_t len = 0;

    if (bfc_reader_blob(r, "b", &data, &len, NULL) == 0)
        FUZZ_CHECK(data[len] == 0);
    free(data);
}

/* Trees share folders and files; each is read as if it were alone. */
static void read_trees(const char *path, const bfc_keys *keys, bfc_reader *first)
{
    bfc_tree_info *tree = NULL;
    size_t count = 0;

    if (bfc_reader_trees(first, &tree, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < MIN(count, (size_t)TREES_TRIED); i++) {
        bfc_reader_options o = BFC_READER_OPTIONS_INIT;
        bfc_reader *r = NULL;
        FUZZ_CHECK(strlen(tree[i].label) < sizeof tree[i].label);
        o.tree = tree[i].id;
        o.keys = keys;
        if (bfc_reader_open(path, &o, &r, NULL) == 0)
            read_all(r);
        bfc_reader_close(r);
    }
    free(tree);
}

static void extract(bfc_reader *r)
{
    char target[] = "/dev/shm/bfc-fuzz-XXXXXX";
    bfc_extract_options o = BFC_EXTRACT_OPTIONS_INIT;

    FUZZ_CHECK(mkdtemp(target));
    o.jobs = 1;
    o.hooks = &hooks;
    stop = 0;
    (void)bfc_extract(r, target, &o, NULL, NULL);
    FUZZ_CHECK(bfci_remove_tree(AT_FDCWD, target, NULL) == 0);
}

static void verify(const char *path, const bfc_keys *keys)
{
    bfc_verify_options v = BFC_VERIFY_OPTIONS_INIT;

    v.deep = true;
    v.jobs = 1;
    v.hooks = &hooks;
    v.keys = keys;
    stop = 0;
    (void)bfc_verify(path, &v, NULL, NULL);
}

void fuzz_exercise(int fd, const bfc_keys *keys)
{
    char path[40];
    bfc_reader *r = NULL;
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;
    const struct rlimit limit = {FILE_MAX, FILE_MAX};

    (void)signal(SIGXFSZ, SIG_IGN);
    FUZZ_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    o.keys = keys;
    if (bfc_reader_open(path, &o, &r, NULL) == 0) {
        read_all(r);
        read_trees(path, keys, r);
        read_blob(r);
        extract(r);
    }
    bfc_reader_close(r);
    verify(path, keys);
    if (keys)
        verify(path, NULL);
}
