/* SPDX-License-Identifier: Apache-2.0 */
/* How long it takes to read 4 KiB at a random place of a random file in a container.
 *
 *     random_read CONTAINER PLACES [SEED]
 *
 * Every place is read twice: once in a fresh open (open, look up the path, read, close, all timed),
 * and once more in a reader that has read all of them before. Files are drawn evenly, the place in
 * a file too; a file that is shorter is read whole. Only the installed interface is used. Prints
 * one JSON object: microseconds, the median and the 99th percentile of each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bfc/bfc.h>

enum {
    READ_SIZE = 4096,
    PLACES_MAX = 1000000
};

typedef struct place {
    char *path;
    uint64_t offset;
    double us;
} place;

typedef struct places {
    place *item;
    size_t count, cap;
    uint64_t seen;  /* files so far */
    uint64_t state; /* of the generator of numbers */
} places;

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "random_read: no memory\n");
        exit(1);
    }
    return p;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* splitmix64 */
static uint64_t draw_below(places *p, uint64_t end)
{
    uint64_t z = p->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (z ^ (z >> 31)) % end;
}

/* ── Which places ── */

/* Each file of those seen so far is as likely to be among those that are kept. */
static void offer(places *p, const bfc_entry *e)
{
    uint64_t at = p->seen++ < p->cap ? p->count : draw_below(p, p->seen);
    uint64_t offset = e->size > READ_SIZE ? draw_below(p, e->size - READ_SIZE + 1) : 0;

    if (at >= p->cap)
        return;
    p->count += at == p->count;
    free(p->item[at].path);
    p->item[at] = (place){must(strndup(e->path, e->path_len)), offset, 0};
}

static void shuffle(places *p)
{
    for (size_t i = p->count; i > 1; i--) {
        size_t j = (size_t)draw_below(p, i);
        place kept = p->item[i - 1];
        p->item[i - 1] = p->item[j];
        p->item[j] = kept;
    }
}

static int choose(places *p, bfc_reader *r, bfc_err *err)
{
    const bfc_entry *e = NULL;
    bfc_walk *walk = NULL;
    int rc = bfc_walk_open(r, NULL, &walk, err);

    while (rc == 0 && (rc = bfc_walk_next(walk, &e, err)) == 0 && e)
        if (e->type == BFC_TYPE_FILE && e->size > 0)
            offer(p, e);
    bfc_walk_close(walk);
    shuffle(p);
    return rc;
}

/* ── Reading ── */

static int read_place(bfc_reader *r, const place *p, bfc_err *err)
{
    static uint8_t buffer[READ_SIZE];
    bfc_entry e;
    size_t got = 0;
    int rc = bfc_reader_stat(r, p->path, &e, err);

    return rc < 0 ? rc : bfc_reader_read(r, e.ino, p->offset, buffer, sizeof buffer, &got, err);
}

static int read_fresh(places *p, const char *container, bfc_err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->count; i++) {
        bfc_reader *r = NULL;
        double start = now_us();
        rc = bfc_reader_open(container, NULL, &r, err);
        if (rc == 0)
            rc = read_place(r, &p->item[i], err);
        bfc_reader_close(r);
        p->item[i].us = now_us() - start;
    }
    return rc;
}

static int read_all(places *p, bfc_reader *r, bfc_err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->count; i++) {
        double start = now_us();
        rc = read_place(r, &p->item[i], err);
        p->item[i].us = now_us() - start;
    }
    return rc;
}

/* ── Telling ── */

static int by_us(const void *a, const void *b)
{
    double x = ((const place *)a)->us, y = ((const place *)b)->us;
    return (x > y) - (x < y);
}

/* The order of the places is lost on a copy only: they are read in the same order again. */
static void tell(const places *p, const char *name, const char *end)
{
    place *sorted = must(malloc(p->count * sizeof *sorted));

    memcpy(sorted, p->item, p->count * sizeof *sorted);
    qsort(sorted, p->count, sizeof *sorted, by_us);
    printf("\"%s\": {\"p50_us\": %.1f, \"p99_us\": %.1f}%s", name, sorted[p->count / 2].us,
           sorted[p->count * 99 / 100].us, end);
    free(sorted);
}

static int measure(places *p, const char *container, bfc_reader *r, bfc_err *err)
{
    int rc = choose(p, r, err);

    if (rc < 0)
        return rc;
    if (p->count == 0) {
        fprintf(stderr, "random_read: '%s' has no file with content\n", container);
        exit(1);
    }
    rc = read_fresh(p, container, err);
    if (rc < 0)
        return rc;
    printf("{\"places\": %zu, \"files\": %" PRIu64 ", ", p->count, p->seen);
    tell(p, "fresh", ", ");
    rc = read_all(p, r, err);
    if (rc == 0)
        rc = read_all(p, r, err);
    if (rc == 0)
        tell(p, "hot", "}\n");
    return rc;
}

int main(int argc, char **argv)
{
    places p = {.state = argc == 4 ? strtoull(argv[3], NULL, 10) : 1};
    bfc_err err = BFC_ERR_INIT;
    bfc_reader *r = NULL;
    long count = argc == 3 || argc == 4 ? strtol(argv[2], NULL, 10) : 0;

    if (count < 1 || count > PLACES_MAX) {
        fprintf(stderr, "usage: random_read CONTAINER PLACES [SEED]\n");
        return 2;
    }
    p.cap = (size_t)count;
    p.item = must(calloc(p.cap, sizeof *p.item));
    int rc = bfc_reader_open(argv[1], NULL, &r, &err);
    if (rc == 0)
        rc = measure(&p, argv[1], r, &err);
    if (rc < 0)
        fprintf(stderr, "random_read: %s\n", err.msg);
    bfc_reader_close(r);
    for (size_t i = 0; i < p.count; i++)
        free(p.item[i].path);
    free(p.item);
    return rc < 0;
}
