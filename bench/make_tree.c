/* SPDX-License-Identifier: Apache-2.0 */
/* Builds trees to measure with, from a seed: the same call gives the same tree anywhere.
 *
 *     make_tree KIND FOLDER [COUNT [SEED]]
 *
 *     small    COUNT files of up to 4 KiB, a hundred a folder (source code, node_modules)
 *     medium   COUNT files of 8 to 256 KiB (libraries, pictures)
 *     large    COUNT files of 32 to 64 MiB (data bases, archives)
 *     mixed    COUNT entries as a root file system has them: all sizes, equal files, links, owners
 *     sparse   one file of COUNT GiB, of which a sixth is data
 *
 * What is in them is text from a dictionary (Zipf's law), records like those of programs, and
 * noise, so that it packs about as well as real trees do. Owners are set only for root. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WORDS = 4096,
    WORD_MAX_LEN = 12,
    CHUNK = 1 << 20,
    FILES_A_FOLDER = 100,
    PATH_LEN = 64
};

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define EPOCH INT64_C(1700000000)

typedef struct maker {
    int root;
    uint64_t count;
    uint64_t seed;
    uint64_t state; /* of the generator of numbers */
    bool owners;
    uint8_t *chunk;
    char word[WORDS][WORD_MAX_LEN + 1];
} maker;

static void die(const char *what)
{
    fprintf(stderr, "make_tree: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ── Numbers and content ── */

/* splitmix64: a few cycles a number, and good enough for content. */
static uint64_t draw(maker *m)
{
    uint64_t z = m->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t draw_below(maker *m, uint64_t end)
{
    return draw(m) % end;
}

/* Small numbers often, large ones seldom: a product of two even ones. */
static uint64_t draw_skewed(maker *m, uint64_t end)
{
    return draw_below(m, draw_below(m, end) + 1);
}

static void make_words(maker *m)
{
    for (size_t i = 0; i < WORDS; i++) {
        size_t len = 2 + (size_t)draw_below(m, WORD_MAX_LEN - 2);
        for (size_t j = 0; j < len; j++)
            m->word[i][j] = (char)('a' + draw_skewed(m, 26));
        m->word[i][len] = '\0';
    }
}

static void fill_text(maker *m, uint8_t *to, size_t len)
{
    for (size_t at = 0; at < len;) {
        const char *word = m->word[draw_skewed(m, draw_below(m, WORDS) + 1)];
        size_t have = strlen(word);
        size_t take = have < len - at ? have : len - at;
        memcpy(to + at, word, take);
        at += take;
        if (at < len)
            to[at++] = draw_below(m, 9) == 0 ? '\n' : ' ';
    }
}

/* Records of 16 bytes of which a few bits change from one to the next, as in machine code and
 * tables. */
static void fill_records(maker *m, uint8_t *to, size_t len)
{
    uint8_t record[16];
    uint64_t a = draw(m), b = draw(m);

    for (size_t at = 0; at < len; at += sizeof record) {
        size_t take = len - at < sizeof record ? len - at : sizeof record;
        uint64_t r = draw(m);
        a = r % 3 ? a : r;
        b ^= (r >> 40) & 0xffff;
        memcpy(record, &a, 8);
        memcpy(record + 8, &b, 8);
        memcpy(to + at, record, take);
    }
}

static void fill_noise(maker *m, uint8_t *to, size_t len)
{
    for (size_t at = 0; at < len; at += 8) {
        uint64_t r = draw(m);
        memcpy(to + at, &r, len - at < 8 ? len - at : 8);
    }
}

static void fill(maker *m, uint64_t kind, uint8_t *to, size_t len)
{
    if (kind < 6)
        fill_text(m, to, len);
    else if (kind < 9)
        fill_records(m, to, len);
    else
        fill_noise(m, to, len);
}

/* ── Files ── */

static void set_attributes(maker *m, const char *path, uint64_t number)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = EPOCH, .tv_nsec = (long)(number % 1000)}};

    times[1].tv_sec += (int64_t)(number % 1000000);
    if (m->owners && fchownat(m->root, path, 1000, 1000, AT_SYMLINK_NOFOLLOW) != 0)
        die(path);
    if (utimensat(m->root, path, times, AT_SYMLINK_NOFOLLOW) != 0)
        die(path);
}

static void write_at(int fd, const uint8_t *from, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t done = pwrite(fd, from, len, (off_t)offset);
        if (done < 0)
            die("write");
        from += done;
        offset += (uint64_t)done;
        len -= (size_t)done;
    }
}

/* Content is the seed's and the number's alone, so that files of one number are equal. */
static void make_file(maker *m, const char *path, uint64_t number, uint64_t size, mode_t mode)
{
    uint64_t kept = m->state;
    int fd = openat(m->root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd < 0)
        die(path);
    m->state = m->seed ^ (number + 1) * UINT64_C(0xD6E8FEB86659FD93);
    uint64_t kind = draw_below(m, 10);
    for (uint64_t at = 0; at < size; at += CHUNK) {
        size_t len = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
        fill(m, kind, m->chunk, len);
        write_at(fd, m->chunk, len, at);
    }
    m->state = kept;
    if (close(fd) != 0)
        die(path);
}

static void make_folder(maker *m, const char *path)
{
    if (mkdirat(m->root, path, 0755) != 0 && errno != EEXIST)
        die(path);
}

/* Folders in two levels; the name of the file `number`. */
static void place(maker *m, uint64_t number, char *path)
{
    uint64_t folder = number / FILES_A_FOLDER;

    snprintf(path, PATH_LEN, "%03u", (unsigned)(folder / FILES_A_FOLDER % 1000));
    if (number % (FILES_A_FOLDER * FILES_A_FOLDER) == 0)
        make_folder(m, path);
    snprintf(path, PATH_LEN, "%03u/%02u", (unsigned)(folder / FILES_A_FOLDER % 1000),
             (unsigned)(folder % FILES_A_FOLDER));
    if (number % FILES_A_FOLDER == 0)
        make_folder(m, path);
    size_t len = strlen(path);
    snprintf(path + len, PATH_LEN - len, "/%s-%07u", m->word[number % WORDS], (unsigned)number);
}

static void make_sized(maker *m, uint64_t least, uint64_t most)
{
    char path[PATH_LEN];

    for (uint64_t i = 0; i < m->count; i++) {
        place(m, i, path);
        make_file(m, path, i, least + draw_skewed(m, most - least + 1), 0644);
    }
}

static void make_mixed(maker *m)
{
    char path[PATH_LEN], first[PATH_LEN] = "";

    for (uint64_t i = 0; i < m->count; i++) {
        uint64_t dice = draw_below(m, 100);
        place(m, i, path);
        if (dice < 7) {
            if (symlinkat(m->word[dice], m->root, path) != 0)
                die(path);
        } else if (dice < 9 && first[0]) {
            if (linkat(m->root, first, m->root, path, 0) != 0)
                die(path);
            continue;
        } else if (dice < 15) {
            make_file(m, path, i % 50, 20000, 0644); /* one of fifty contents, again and again */
        } else {
            double size = exp2(6 + (double)draw_below(m, 1000) / 1000 * (dice < 98 ? 11 : 17));
            make_file(m, path, i, (uint64_t)size, dice % 5 ? 0644 : 0755);
            memcpy(first, path, sizeof first);
        }
        if (dice % 3 == 0)
            set_attributes(m, path, i);
    }
}

/* Runs of 2 MiB of data, 10 MiB of hole between them. */
static void make_sparse(maker *m)
{
    const uint64_t size = m->count * GIB;
    int fd = openat(m->root, "sparse", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        die("sparse");
    for (uint64_t at = 5 * MIB; at + 7 * MIB < size; at += 12 * MIB)
        for (uint64_t part = 0; part < 2; part++) {
            fill(m, draw_below(m, 10), m->chunk, CHUNK);
            write_at(fd, m->chunk, CHUNK, at + part * CHUNK);
        }
    if (close(fd) != 0)
        die("sparse");
}

/* ── The command ── */

typedef struct kind {
    const char *name;
    uint64_t count; /* when none is given */
} kind;

static const kind kinds[] = {
    {"small", 30000}, {"medium", 3000}, {"large", 8}, {"mixed", 20000}, {"sparse", 4},
};

static bool build(maker *m, const char *name)
{
    if (strcmp(name, "small") == 0)
        make_sized(m, 0, 4 * KIB);
    else if (strcmp(name, "medium") == 0)
        make_sized(m, 8 * KIB, 256 * KIB);
    else if (strcmp(name, "large") == 0)
        make_sized(m, 32 * MIB, 64 * MIB);
    else if (strcmp(name, "mixed") == 0)
        make_mixed(m);
    else if (strcmp(name, "sparse") == 0)
        make_sparse(m);
    else
        return false;
    return true;
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end) {
        fprintf(stderr, "make_tree: '%s' is not a number\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static maker m;
    const kind *k = kinds, *end = kinds + sizeof kinds / sizeof kinds[0];

    while (argc >= 3 && k < end && strcmp(k->name, argv[1]) != 0)
        k++;
    if (argc < 3 || argc > 5 || k == end) {
        fprintf(stderr, "usage: make_tree small|medium|large|mixed|sparse FOLDER [COUNT [SEED]]\n");
        return 2;
    }
    m.count = argc > 3 ? number(argv[3]) : k->count;
    m.seed = m.state = argc > 4 ? number(argv[4]) : 1;
    m.owners = geteuid() == 0;
    m.chunk = malloc(CHUNK);
    umask(022);
    if (!m.chunk || mkdir(argv[2], 0755) != 0)
        die(argv[2]);
    m.root = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m.root < 0)
        die(argv[2]);
    make_words(&m);
    build(&m, argv[1]);
    free(m.chunk);
    close(m.root);
    return 0;
}
