/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

char *text(const char *format, ...)
{
    char *out = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&out, format, args) < 0)
        fail_msg("out of memory");
    va_end(args);
    return out;
}

void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");

    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
        fail_msg("write '%s': %s", path, strerror(errno));
}

uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t test_seed(void)
{
    const char *given = getenv("BFC_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

    print_message("seed: BFC_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

void make_big_tree(const char *path, unsigned files, size_t file_size)
{
    uint64_t *bytes = malloc(file_size);
    uint64_t seed = 1;

    assert_non_null(bytes);
    assert_int_equal(mkdir(path, 0755), 0);
    for (unsigned i = 0; i < files; i++) {
        char *name = text("%s/f%u", path, i);
        for (size_t k = 0; k < file_size / sizeof *bytes; k++)
            bytes[k] = next_random(&seed);
        write_file(name, bytes, file_size);
        free(name);
    }
    free(bytes);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void remove_all(const char *path)
{
    (void)nftw(path, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

uint64_t inode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_ino;
}

/* nftw has no argument for its callback. */
static unsigned below;
static const char *below_root;

static int count_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    const char *name = path + strlen(below_root);
    if (ftw->level > 0 && strcmp(name, "/.bfc-lock") != 0 && strcmp(name, "/.bfc-tmp") != 0) {
        print_message("  there: %s\n", path);
        below++;
    }
    return 0;
}

unsigned count_below(const char *root)
{
    below = 0;
    below_root = root;
    if (exists(root))
        assert_int_equal(nftw(root, count_one, 20, FTW_PHYS), 0);
    return below;
}

static bool run_ok(const char *const *argv)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool trees_equal(const char *a, const char *b)
{
    return run_ok((const char *const[]){"diff", "-r", "--no-dereference", a, b, NULL});
}

bool files_equal(const char *a, const char *b)
{
    return run_ok((const char *const[]){"cmp", "-s", a, b, NULL});
}

static void make_tree(const char *path)
{
    assert_int_equal(mkdir(path, 0755), 0);
    char *sub = text("%s/etc", path);
    char *file = text("%s/etc/motd", path);
    char *zeros = text("%s/zeros", path);
    char *link_name = text("%s/link", path);
    char *bytes = calloc(1, 300000);

    assert_int_equal(mkdir(sub, 0755), 0);
    write_file(file, "hello\n", 6);
    write_file(zeros, bytes, 300000);
    assert_int_equal(symlink("etc/motd", link_name), 0);
    free(bytes);
    free(link_name);
    free(zeros);
    free(file);
    free(sub);
}

int scratch_setup(void **state)
{
    scratch *s = calloc(1, sizeof *s);
    char top[] = "/tmp/bfc-store-XXXXXX";
    bfc_err err = BFC_ERR_INIT;

    assert_non_null(s);
    assert_non_null(mkdtemp(top));
    assert_int_equal(chmod(top, 0755), 0);
    s->top = text("%s", top);
    s->root = text("%s/store", top);
    s->tree = text("%s/tree", top);
    make_tree(s->tree);
    if (bfc_store_open(s->root, &s->store, &err) < 0)
        fail_msg("%s", err.msg);
    *state = s;
    return 0;
}

int scratch_teardown(void **state)
{
    scratch *s = *state;

    bfc_store_close(s->store);
    remove_all(s->top);
    free(s->tree);
    free(s->root);
    free(s->top);
    free(s);
    return 0;
}

void create_at(scratch *s, const char *name, int64_t when)
{
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;

    options.writer.reproducible = when != 0;
    options.writer.source_date_epoch = when;
    if (bfc_image_create_from_dir(s->store, name, s->tree, &options, NULL, &err) < 0)
        fail_msg("create '%s': %s", name, err.msg);
}

char *list_names(bfc_store *store, size_t *damaged)
{
    bfc_image_list *list = NULL;
    bfc_err err = BFC_ERR_INIT;
    char *names = text("%s", "");

    if (bfc_image_list_get(store, NULL, &list, &err) < 0)
        fail_msg("list: %s", err.msg);
    for (size_t i = 0; i < list->count; i++) {
        char *more = text("%s%s%s", names, i ? " " : "", list->item[i]->name);
        free(names);
        names = more;
    }
    if (damaged)
        *damaged = list->damaged;
    bfc_image_list_free(list);
    return names;
}

void expect_error(int rc, enum bfc_code code, const bfc_err *err, const char *message)
{
    if (rc != (int)code || err->code != code)
        fail_msg("%d (%s), not %d: %s", rc, bfc_code_name(err->code), (int)code, err->msg);
    if (!strstr(err->msg, message))
        fail_msg("the message does not tell \"%s\": %s", message, err->msg);
}
