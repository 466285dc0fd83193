/* SPDX-License-Identifier: Apache-2.0 */
/* Random layers against a model that knows nothing but the rules: a list of paths, gone through
 * again and again. BFC_TEST_SEED is the first seed. */
#include "layer_fixture.h"

#include "container/reader.h"

enum {
    ROUNDS = 250,
    LAYERS_MAX_HERE = 6,
    ENTRIES_MAX = 25,
    PATHS_MAX = 2000
};

/* One name of a file system. A file is its number: links to it have the same. */
struct name {
    char path[32];
    char kind; /* d f */
    bool made_up;
    unsigned file;
};

struct model {
    struct name name[PATHS_MAX];
    size_t count;
};

struct run {
    uint64_t random;
    unsigned files; /* numbers that were given out */
    struct model layer, merged, stored[LAYERS_MAX_HERE];
};

static unsigned pick(struct run *r, unsigned below)
{
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (unsigned)(r->random >> 33) % below;
}

/* ── The model ── */

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return len == 0 || (strncmp(path, folder, len) == 0 && path[len] == '/');
}

static struct name *find(struct model *m, const char *path)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->name[i].path, path) == 0)
            return &m->name[i];
    return NULL;
}

static void drop_below(struct model *m, const char *folder)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->count; i++)
        if (!*m->name[i].path || !is_below(m->name[i].path, folder))
            m->name[kept++] = m->name[i];
    m->count = kept;
}

static void drop(struct model *m, const char *path)
{
    struct name *n = find(m, path);

    drop_below(m, path);
    n = find(m, path);
    if (n)
        *n = m->name[--m->count];
}

static void put_name(struct model *m, const char *path, char kind, bool made_up, unsigned file)
{
    struct name *n = find(m, path);

    if (n && (n->kind != 'd' || kind != 'd')) {
        drop(m, path);
        n = NULL;
    }
    if (!n) {
        assert_true(m->count < PATHS_MAX);
        n = &m->name[m->count++];
        *n = (struct name){.kind = kind, .made_up = made_up, .file = file};
        (void)snprintf(n->path, sizeof n->path, "%s", path);
    }
    n->made_up &= made_up;
}

static void put_folders_above(struct model *m, const char *path)
{
    char above[32];

    for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
        (void)snprintf(above, sizeof above, "%.*s", (int)(p - path), path);
        put_name(m, above, 'd', true, 0);
    }
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Also of a folder of such a name: all below it is none of the file system's. */
static bool is_hidden(const char *path)
{
    return strncmp(path, ".wh.", 4) == 0 || strstr(path, "/.wh.");
}

static void apply_whiteout(struct model *merged, const char *path)
{
    const char *name = last_part(path);
    char hidden[40];
    int above = (int)(name - path);

    if (strcmp(name, ".wh..wh..opq") == 0) {
        (void)snprintf(hidden, sizeof hidden, "%.*s", above ? above - 1 : 0, path);
        drop_below(merged, hidden);
    } else {
        (void)snprintf(hidden, sizeof hidden, "%.*s%s", above, path, name + 4);
        drop(merged, hidden);
    }
}

/* A folder that the layer does not tell of, and in which it only hides. */
static bool only_hides(const struct model *layer, const struct name *folder)
{
    if (folder->kind != 'd' || !folder->made_up)
        return false;
    for (size_t i = 0; i < layer->count; i++) {
        const struct name *n = &layer->name[i];
        if (is_below(n->path, folder->path) && !n->made_up &&
            strncmp(last_part(n->path), ".wh.", 4) != 0)
            return false;
    }
    return true;
}

/* Whiteouts first, then what the layer has, folders before what is in them. */
static void apply(struct run *r)
{
    for (size_t i = 0; i < r->layer.count; i++)
        if (strncmp(last_part(r->layer.name[i].path), ".wh.", 4) == 0)
            apply_whiteout(&r->merged, r->layer.name[i].path);
    for (size_t depth = 0; depth < 6; depth++)
        for (size_t i = 0; i < r->layer.count; i++) {
            const struct name *n = &r->layer.name[i];
            size_t slashes = 0;
            for (const char *p = n->path; *p; p++)
                slashes += *p == '/';
            if (slashes == depth && !is_hidden(n->path) && !only_hides(&r->layer, n))
                put_name(&r->merged, n->path, n->kind, n->made_up, n->file);
        }
}

static int compare_paths(const void *a, const void *b)
{
    const char *x = ((const struct name *)a)->path, *y = ((const struct name *)b)->path;

    while (*x && *x == *y)
        x++, y++;
    if (!*x || !*y)
        return (*x != 0) - (*y != 0);
    return (*x == '/' ? 1 : (unsigned char)*x) - (*y == '/' ? 1 : (unsigned char)*y);
}

static void model_text(struct model *m, buf *out)
{
    qsort(m->name, m->count, sizeof *m->name, compare_paths);
    for (size_t i = 0; i < m->count; i++) {
        const struct name *n = &m->name[i];
        bfci_buf_printf(out, "%s%s", i ? " " : "", n->path);
        if (n->kind == 'd')
            bfci_buf_printf(out, "/%s", n->made_up ? "?" : "");
        else if (n->file)
            bfci_buf_printf(out, "=file %u", n->file);
        else
            bfci_buf_printf(out, "=");
    }
    buf_u8(out, 0);
    assert_false(out->bad);
}

/* ── Random entries ── */

static void random_path(struct run *r, char out[32])
{
    size_t len = 0;

    for (unsigned parts = 1 + pick(r, 4); parts > 0; parts--)
        len += (size_t)snprintf(out + len, 32 - len, "%s%c", len ? "/" : "", 'a' + (int)pick(r, 4));
}

/* No file stands on the way to it, in this layer. */
static bool has_way(struct run *r, const char *path)
{
    char above[32];

    for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
        (void)snprintf(above, sizeof above, "%.*s", (int)(p - path), path);
        const struct name *n = find(&r->layer, above);
        if (n && n->kind != 'd')
            return false;
    }
    return true;
}

static void add_file(struct run *r, buf *tar, const char *path)
{
    char text[32];

    (void)snprintf(text, sizeof text, "file %u", ++r->files);
    tar_put_made(tar, &(struct made)F(path, text));
    put_folders_above(&r->layer, path);
    put_name(&r->layer, path, 'f', false, r->files);
}

static void add_folder(struct run *r, buf *tar, const char *path)
{
    tar_put_made(tar, &(struct made)D(path));
    put_folders_above(&r->layer, path);
    put_name(&r->layer, path, 'd', false, 0);
}

static void add_whiteout(struct run *r, buf *tar, const char *path)
{
    const char *name = last_part(path);
    char whiteout[48];

    (void)snprintf(whiteout, sizeof whiteout, "%.*s.wh.%s", (int)(name - path), path,
                   pick(r, 4) ? name : ".wh..opq");
    if (strlen(whiteout) > 30)
        return;
    tar_put_made(tar, &(struct made)F(whiteout, ""));
    put_folders_above(&r->layer, whiteout);
    put_name(&r->layer, whiteout, 'f', false, 0);
}

/* To a file of this layer, else of those below. */
static void add_link(struct run *r, buf *tar, const char *path)
{
    struct model *from = r->layer.count && pick(r, 2) ? &r->layer : &r->merged;
    struct name *target = from->count ? &from->name[pick(r, (unsigned)from->count)] : NULL;

    if (!target || target->kind != 'f' || is_hidden(target->path) || is_below(path, target->path) ||
        (from == &r->merged && find(&r->layer, target->path)))
        return;
    unsigned file = target->file;
    const struct name *old = find(&r->layer, path);
    tar_put_made(tar, &(struct made)H(path, target->path));
    put_folders_above(&r->layer, path);
    if (!old || old->kind != 'f' || old->file != file)
        put_name(&r->layer, path, 'f', false, file);
}

static void random_layer(struct run *r, buf *tar)
{
    char path[32];

    r->layer.count = 0;
    put_name(&r->layer, "", 'd', true, 0);
    for (unsigned i = pick(r, ENTRIES_MAX); i > 0; i--) {
        random_path(r, path);
        if (!has_way(r, path))
            continue;
        switch (pick(r, 6)) {
        case 0:
        case 1:
            add_file(r, tar, path);
            break;
        case 2:
            add_folder(r, tar, path);
            break;
        case 3:
            add_link(r, tar, path);
            break;
        default:
            add_whiteout(r, tar, path);
        }
    }
    tar_end(tar);
}

/* ── Comparing ── */

static void expect_model(struct stack *s, uint32_t tree, struct model *m, uint64_t seed)
{
    AUTO_FREE char *have = stack_text(s, tree);
    AUTO_BUF buf want = BUF_INIT;

    model_text(m, &want);
    if (strcmp(have, (const char *)want.data) != 0)
        fail_msg("seed %" PRIu64 ", tree %u has\n%s\nexpected\n%s", seed, (unsigned)tree, have,
                 (const char *)want.data);
}

static size_t names_of(const struct model *m, unsigned file)
{
    size_t count = 0;

    for (size_t i = 0; i < m->count; i++)
        count += m->name[i].kind == 'f' && m->name[i].file == file;
    return count;
}

/* As many names as the tree with most has; the layers' own trees may have more. */
static void expect_links(struct stack *s, struct run *r, size_t layers, uint64_t seed)
{
    bfc_reader *reader = stack_reader(s, ROOT_TREE);
    bfc_entry e;

    for (size_t i = 0; i < r->merged.count; i++) {
        const struct name *n = &r->merged.name[i];
        size_t most = 0;
        if (n->kind != 'f')
            continue;
        for (size_t l = 0; l < layers; l++)
            most = MAX(most, names_of(&r->stored[l], n->file));
        care_ok(s->c, bfc_reader_stat(reader, n->path, &e, &s->c->err));
        if (e.nlink < most)
            fail_msg("seed %" PRIu64 ": '%s' has %u names, expected %zu", seed, n->path,
                     (unsigned)e.nlink, most);
    }
    bfc_reader_close(reader);
}

static void run_seed(struct care *c, struct run *r, uint64_t seed)
{
    struct stack s;

    *r = (struct run){.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
    put_name(&r->merged, "", 'd', true, 0);
    stack_open(&s, c);
    size_t layers = 1 + pick(r, LAYERS_MAX_HERE), begin = 0;
    for (size_t i = 0; i < layers; i++) {
        random_layer(r, stack_layer(&s));
        apply(r);
        r->stored[i] = r->merged;
        if (i + 1 < layers && pick(r, 3))
            continue;
        if (stack_try(&s) != 0)
            fail_msg("seed %" PRIu64 ": %s", seed, c->err.msg);
        for (; begin <= i; begin++)
            expect_model(&s, s.merged[begin], &r->stored[begin], seed);
    }
    if (care_verify(c, c->file, true, 2, NULL) != 0)
        fail_msg("seed %" PRIu64 ": %s\n%s", seed, c->err.msg, c->problems);
    expect_model(&s, ROOT_TREE, &r->merged, seed);
    expect_links(&s, r, layers, seed);
    stack_check_tars(&s);
    stack_close(&s);
}

static void test_layers_random__as_the_model(void **state)
{
    const char *given = getenv("BFC_TEST_SEED");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    struct run *r = malloc(sizeof *r);

    assert_non_null(r);
    for (uint64_t seed = first; seed < first + ROUNDS; seed++)
        run_seed(*state, r, seed);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_layers_random__as_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
