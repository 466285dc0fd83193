/* SPDX-License-Identifier: Apache-2.0 */
/* How long it takes to read 4 KiB at a random place in a container.
 *
 *     random_read CONTAINER PLACES [SEED]
 *
 * Places are drawn evenly from all bytes of all files; and, since most files are small, once more
 * evenly from all files, and then from the bytes of each. A file that is shorter is read whole.
 * Each is read in a fresh open (open, look up the path, read, close, all timed); those of the first
 * kind also in a reader that has read all of them before. Only the installed interface is used.
 * Prints one JSON object: microseconds, the median and the 99th percentile of each. */
#include <inttypes.h>
#include <stdbool.h>
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
    uint64_t files, bytes; /* in the container */
    uint64_t state;        /* of the generator of numbers */
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

typedef struct drawing {
    places *places;
    uint64_t *from; /* numbers of files, or of bytes, in rising order */
    bool by_byte;
} drawing;

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t place_in(places *p, uint64_t size, uint64_t at)
{
    uint64_t last = size > READ_SIZE ? size - READ_SIZE : 0;
    return at == UINT64_MAX ? draw_below(p, last + 1) : at < last ? at : last;
}

/* Takes the places that were drawn in this file. */
static void take_file(drawing *d, const bfc_entry *e)
{
    places *p = d->places;
    uint64_t first = d->by_byte ? p->bytes : p->files;

    p->files++;
    p->bytes += e->size;
    uint64_t end = d->by_byte ? p->bytes : p->files;
    for (; p->count < p->cap && d->from[p->count] < end; p->count++) {
        uint64_t at = d->by_byte ? d->from[p->count] - first : UINT64_MAX;
        p->item[p->count] =
            (place){must(strndup(e->path, e->path_len)), place_in(p, e->size, at), 0};
    }
}

/* Without a drawing, files and bytes are counted. */
static int go_through(places *p, bfc_reader *r, drawing *d, bfc_err *err)
{
    const bfc_entry *e = NULL;
    bfc_walk *walk = NULL;
    drawing none = {.places = &(places){0}};
    int rc = bfc_walk_open(r, NULL, &walk, err);

    while (rc == 0 && (rc = bfc_walk_next(walk, &e, err)) == 0 && e)
        if (e->type == BFC_TYPE_FILE && e->size > 0)
            take_file(d ? d : &none, e);
    bfc_walk_close(walk);
    if (!d) {
        p->files = none.places->files;
        p->bytes = none.places->bytes;
    }
    return rc;
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

static void forget(places *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->item[i].path);
    p->count = 0;
}

static int choose(places *p, bfc_reader *r, bool by_byte, bfc_err *err)
{
    drawing d = {p, must(calloc(p->cap, sizeof *d.from)), by_byte};

    forget(p);
    for (size_t i = 0; i < p->cap; i++)
        d.from[i] = draw_below(p, by_byte ? p->bytes : p->files);
    qsort(d.from, p->cap, sizeof *d.from, by_number);
    p->files = p->bytes = 0;
    int rc = go_through(p, r, &d, err);
    free(d.from);
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

static int measure_fresh(places *p, const char *container, bfc_reader *r, bool by_byte,
                         const char *name, bfc_err *err)
{
    int rc = choose(p, r, by_byte, err);
    if (rc == 0)
        rc = read_fresh(p, container, err);
    if (rc == 0)
        tell(p, name, ", ");
    return rc;
}

static int measure(places *p, const char *container, bfc_reader *r, bfc_err *err)
{
    int rc = go_through(p, r, NULL, err);

    if (rc < 0)
        return rc;
    if (p->files == 0) {
        fprintf(stderr, "random_read: '%s' has no file with content\n", container);
        exit(1);
    }
    printf("{\"places\": %zu, \"files\": %" PRIu64 ", ", p->cap, p->files);
    rc = measure_fresh(p, container, r, false, "fresh_files", err);
    if (rc == 0)
        rc = measure_fresh(p, container, r, true, "fresh", err);
    if (rc == 0)
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
    forget(&p);
    free(p.item);
    return rc < 0;
}
