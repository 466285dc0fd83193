/* SPDX-License-Identifier: Apache-2.0 */
/* Does to a container all that a program does which reads it, in a process of its own with bounds
 * on time and memory, and tells how that went.
 *
 *   probe make FILE SOURCE [append]   one commit of SOURCE with two blobs
 *   probe try FOLDER                  for each path on stdin one JSON line on stdout
 *   probe --key KEY …                 the same, encrypted for this key file
 *
 * Extraction goes to FOLDER/box/target; whatever is in FOLDER/box beside it afterwards was written
 * outside of the target. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include <bfc/bfc.h>

#include "base/base.h"
#include "sys/dir.h"
#include "sys/file.h"

enum {
    SECONDS_MAX = 30,
    READ_MAX = 1 << 20,   /* of each file, from either end */
    FILE_MAX = 64 << 20,  /* RLIMIT_FSIZE */
    MEMORY_MAX = 1 << 30, /* RLIMIT_AS: address space, of which threads' stacks are a good part */
    PROBLEMS_MAX = 20,
    ENTRIES_MAX = 100000,
    TREES_TRIED = 8,
    SHALLOW = 64,  /* names in a path; of longer ones each 16th length is looked up */
    DEEP_STEP = 16 /* for a look-up a name makes 8 million in a tree 4,095 deep */
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bfc_keys *keys; /* NULL: of plain containers */

/* ── make ── */

static int fill(bfc_writer *w, const char *source, bool append, bfc_err *err)
{
    static const char text[] = "kept as it came";
    AUTO_FREE char *large = NULL;

    BFC_TRY(bfci_alloc_zero(9000, 1, &large, err));
    for (size_t i = 0; i < 9000; i++)
        large[i] = (char)('a' + i * i % 23);
    BFC_TRY(bfc_writer_add_root(w, source, err));
    BFC_TRY(bfc_writer_put_blob(w, append ? "later" : "small", text, sizeof text - 1, err));
    if (!append)
        BFC_TRY(bfc_writer_put_blob(w, "large", large, 9000, err));
    return bfc_writer_commit(w, NULL, err);
}

static int make(const char *path, const char *source, bool append)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;
    bfc_err err = BFC_ERR_INIT;

    o.block_size = 4096;
    o.reproducible = !keys;
    o.encrypt = keys && !append;
    o.keys = keys;
    o.source_date_epoch = append ? 1700000001 : 1700000000;
    int rc = append ? bfc_writer_append(path, &o, &w, &err) : bfc_writer_create(path, &o, &w, &err);
    if (rc == 0)
        rc = fill(w, source, append, &err);
    bfc_writer_close(w);
    if (rc < 0)
        fprintf(stderr, "probe: %s\n", err.msg);
    return rc < 0;
}

/* ── try: what the child does ── */

typedef struct attempt {
    const char *path, *target;
    json_t *answer, *problems;
    bfc_err err;
} attempt;

static void note(attempt *t, const char *step, int rc)
{
    json_object_set_new(t->answer, step, json_integer(rc));
    if (rc < 0) {
        char name[40];
        (void)snprintf(name, sizeof name, "%s_says", step);
        json_object_set_new(t->answer, name, json_string(t->err.msg));
    }
}

static int read_some(bfc_reader *r, const bfc_entry *e, uint8_t *room, bfc_err *err)
{
    size_t got = 0;

    BFC_TRY(bfc_reader_read(r, e->ino, 0, room, READ_MAX, &got, err));
    if (e->size > READ_MAX)
        BFC_TRY(bfc_reader_read(r, e->ino, e->size - READ_MAX, room, READ_MAX, &got, err));
    return 0;
}

static size_t names_in(const char *path)
{
    size_t count = 1;

    while ((path = strchr(path, '/')) != NULL) {
        path++;
        count++;
    }
    return count;
}

/* 4,095, the deepest that is right, is among them. */
static bool looked_up(const char *path)
{
    const size_t names = names_in(path);

    return names <= SHALLOW || names % DEEP_STEP == DEEP_STEP - 1;
}

static int look_at(bfc_reader *r, const bfc_entry *e, uint8_t *room, bfc_err *err)
{
    bfc_entry again;
    bfc_xattrs *xattrs = NULL;
    const uint64_t ino = e->ino;

    if (e->type == BFC_TYPE_FILE)
        BFC_TRY(read_some(r, e, room, err));
    if (e->has_xattrs)
        BFC_TRY(bfc_reader_xattrs(r, ino, &xattrs, err));
    bfc_xattrs_free(xattrs);
    return looked_up(e->path) ? bfc_reader_stat(r, e->path, &again, err) : 0;
}

/* Goes on after a bad entry, so that all of them are tried. */
static int look_at_all(bfc_reader *r, bfc_err *err)
{
    bfc_walk *walk = NULL;
    const bfc_entry *e = NULL;
    AUTO_FREE uint8_t *room = NULL;
    int rc, first = 0;

    BFC_TRY(bfci_alloc(READ_MAX, 1, &room, err));
    BFC_TRY(bfc_walk_open(r, "", &walk, err));
    for (unsigned i = 0; i < ENTRIES_MAX && (rc = bfc_walk_next(walk, &e, err)) == 0 && e; i++) {
        rc = look_at(r, e, room, err);
        first = first < 0 ? first : rc;
        rc = 0;
    }
    bfc_walk_close(walk);
    return first < 0 ? first : rc;
}

static int read_blobs(bfc_reader *r, bfc_err *err)
{
    static const char *const name[] = {"small", "large", "later"};
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(name) && rc == 0; i++) {
        uint8_t *data = NULL;
        size_t len = 0;
        rc = bfc_reader_blob(r, name[i], &data, &len, err);
        free(data);
    }
    return rc;
}

static void problem(void *ctx, const bfc_problem *p)
{
    attempt *t = ctx;

    if (json_array_size(t->problems) >= PROBLEMS_MAX)
        return;
    json_t *one = json_object();
    json_object_set_new(one, "what", json_string(p->what));
    json_object_set_new(one, "named", json_boolean(p->path || p->offset != BFC_NO_OFFSET));
    json_array_append_new(t->problems, one);
}

static void verify(attempt *t, bool deep)
{
    bfc_verify_options o = BFC_VERIFY_OPTIONS_INIT;
    bfc_verify_report report = {0};

    o.keys = keys;
    o.deep = deep;
    o.jobs = 2;
    o.problem = deep ? problem : NULL;
    o.problem_ctx = t;
    note(t, deep ? "deep" : "quick", bfc_verify(t->path, &o, &report, &t->err));
    json_object_set_new(t->answer, "torn", json_integer((json_int_t)report.torn_bytes));
}

/* What is plain of an encrypted one. */
static void verify_hidden(attempt *t)
{
    bfc_verify_options o = BFC_VERIFY_OPTIONS_INIT;

    o.deep = true;
    note(t, "hidden", bfc_verify(t->path, &o, NULL, &t->err));
}

/* Every tree of the first few, as far as tree 0 can be read at all. */
static int look_at_trees(const attempt *t, bfc_reader *first, bfc_err *err)
{
    AUTO_FREE bfc_tree_info *tree = NULL;
    size_t count = 0;
    int rc = bfc_reader_trees(first, &tree, &count, err);

    for (size_t i = 0; i < MIN(count, (size_t)TREES_TRIED) && rc == 0; i++) {
        bfc_reader_options o = BFC_READER_OPTIONS_INIT;
        bfc_reader *r = NULL;
        o.tree = tree[i].id;
        o.keys = keys;
        rc = bfc_reader_open(t->path, &o, &r, err);
        if (rc == 0)
            rc = look_at_all(r, err);
        bfc_reader_close(r);
    }
    return rc;
}

static void run_all(attempt *t)
{
    bfc_reader *r = NULL;
    bfc_reader_options reading = BFC_READER_OPTIONS_INIT;
    bfc_extract_options o = BFC_EXTRACT_OPTIONS_INIT;

    reading.keys = keys;
    int rc = bfc_reader_open(t->path, &reading, &r, &t->err);
    note(t, "open", rc);
    if (rc == 0) {
        note(t, "list", look_at_all(r, &t->err));
        note(t, "blobs", read_blobs(r, &t->err));
        note(t, "trees", look_at_trees(t, r, &t->err));
        o.jobs = 2;
        note(t, "extract", bfc_extract(r, t->target, &o, NULL, &t->err));
    }
    bfc_reader_close(r);
    verify(t, false);
    verify(t, true);
    if (keys)
        verify_hidden(t);
}

static void set_limit(__rlimit_resource_t what, rlim_t most)
{
    const struct rlimit limit = {most, most};
    if (setrlimit(what, &limit) < 0)
        _exit(99);
}

static void child(const char *path, const char *target, int out)
{
    attempt t = {.path = path, .target = target, .err = BFC_ERR_INIT};

    t.answer = json_object();
    t.problems = json_array();
    alarm(SANITIZED ? 4 * SECONDS_MAX : SECONDS_MAX);
    (void)signal(SIGXFSZ, SIG_IGN);
    set_limit(RLIMIT_FSIZE, FILE_MAX);
    if (!SANITIZED)
        set_limit(RLIMIT_AS, MEMORY_MAX);
    run_all(&t);
    json_object_set_new(t.answer, "problems", t.problems);
    int rc = json_dumpfd(t.answer, out, JSON_COMPACT);
    json_decref(t.answer);
    _exit(rc < 0 ? 98 : 0);
}

/* ── try: what the parent does ── */

/* Names in the box beside the target. */
static json_int_t strangers(const char *box)
{
    json_int_t count = 0;
    DIR *dir = opendir(box);
    const struct dirent *e;

    while (dir && (e = readdir(dir)))
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                 strcmp(e->d_name, "target") != 0;
    if (dir)
        (void)closedir(dir);
    return dir ? count : -1;
}

/* Room for the answer is the pipe's: it is far smaller. */
static json_t *answer_of(int fd)
{
    json_t *answer = json_loadfd(fd, JSON_DISABLE_EOF_CHECK, NULL);
    return answer ? answer : json_object();
}

static int try_one(const char *path, const char *folder, bfc_err *err)
{
    AUTO_FREE char *box = NULL, *target = NULL;
    int pipe_fd[2], status = 0;
    struct rusage usage;

    BFC_TRY(bfci_asprintf(&box, err, "%s/box", folder));
    BFC_TRY(bfci_asprintf(&target, err, "%s/target", box));
    BFC_TRY(bfci_make_dirs(target, 0755, err));
    if (pipe2(pipe_fd, O_CLOEXEC) < 0)
        return bfci_fail_errno(err, errno, "pipe");
    pid_t pid = fork();
    if (pid < 0)
        return bfci_fail_errno(err, errno, "fork");
    if (pid == 0)
        child(path, target, pipe_fd[1]);
    (void)close(pipe_fd[1]);
    json_t *answer = answer_of(pipe_fd[0]);
    (void)close(pipe_fd[0]);
    if (wait4(pid, &status, 0, &usage) != pid)
        return bfci_fail_errno(err, errno, "wait");
    json_object_set_new(
        answer, "exit",
        json_integer(WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status)));
    json_object_set_new(answer, "rss_kib", json_integer(usage.ru_maxrss));
    json_object_set_new(answer, "strangers", json_integer(strangers(box)));
    int rc = json_dumpf(answer, stdout, JSON_COMPACT);
    json_decref(answer);
    if (rc < 0 || putchar('\n') == EOF || fflush(stdout) != 0)
        return bfci_fail(err, BFC_E_IO, "cannot write the answer");
    return bfci_remove_tree(AT_FDCWD, box, err);
}

static int try_all(const char *folder)
{
    AUTO_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    bfc_err err = BFC_ERR_INIT;

    while ((len = getline(&line, &cap, stdin)) > 0) {
        line[len - 1] = '\0';
        if (try_one(line, folder, &err) < 0) {
            fprintf(stderr, "probe: %s\n", err.msg);
            return 1;
        }
    }
    return 0;
}

static int read_key(const char *path)
{
    bfc_err err = BFC_ERR_INIT;

    if (bfc_keys_new(NULL, &keys, &err) == 0 && bfc_keys_add_key_file(keys, path, &err) == 0)
        return 0;
    fprintf(stderr, "probe: %s\n", err.msg);
    return 1;
}

static int run(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[0], "make") == 0)
        return make(argv[1], argv[2], argc > 3);
    if (argc == 2 && strcmp(argv[0], "try") == 0)
        return try_all(argv[1]);
    fprintf(stderr, "usage: probe [--key KEY] make FILE SOURCE [append] | probe … try FOLDER\n");
    return 2;
}

int main(int argc, char **argv)
{
    bool sealed = argc > 3 && strcmp(argv[1], "--key") == 0;
    int rc = sealed ? read_key(argv[2]) : 0;

    if (rc == 0)
        rc = sealed ? run(argc - 3, argv + 3) : run(argc - 1, argv + 1);
    bfc_keys_free(keys);
    return rc;
}
