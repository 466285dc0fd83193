/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of creating an image: reads layers, inflates them, hashes both sides, compresses what
 * came out in blocks as a container has them, and throws it away.
 *
 *     bare_layers THREADS LEVEL BLOCK_SIZE (BLOB DIFFID)…
 *
 * A BLOB is gzip or zstd, and its name is its SHA-256 in hexadecimal digits, as DIFFID is that of
 * the tar in it; both are compared. Each thread does what there is to do: it inflates the next
 * chunk of a ring, if no other thread does, or hashes one, or compresses one. Nothing is copied. */
#include <errno.h>
#include <fcntl.h>
#include <isa-l.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum {
    IN_SIZE = 256 << 10,
    CHUNK = 1 << 20,
    CHUNKS = 16,
    THREADS_MAX = 64,
    DIGEST = 32,
    HEX = 2 * DIGEST
};

typedef struct chunk {
    uint8_t *bytes;
    size_t len;
    const char *diff_id; /* it is the last of a layer with this */
    bool hashed, compressed;
} chunk;

/* The one who inflates has all of this; it changes hands under the lock. */
typedef struct inflater {
    char **blob; /* and diffIDs, in turns */
    int fd;
    bool zstd;
    EVP_MD_CTX *sha;
    uint8_t *in;
    size_t in_len, in_at;
    struct inflate_state *gzip;
    ZSTD_DCtx *unzstd;
} inflater;

typedef struct work {
    pthread_mutex_t lock;
    pthread_cond_t bell;
    chunk ring[CHUNKS];
    uint64_t inflated, hashed, taken, freed; /* chunks since the start */
    bool inflating, hashing, ended;
    inflater from;
    EVP_MD_CTX *sha;
    int level;
    size_t block;
} work;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bare_layers: %s: %s\n", what, why);
    exit(1);
}

static void *need(void *p)
{
    if (!p)
        die("memory", strerror(ENOMEM));
    return p;
}

static void sha_start(EVP_MD_CTX *sha)
{
    if (EVP_DigestInit_ex(sha, EVP_sha256(), NULL) != 1)
        die("SHA-256", "does not start");
}

static void sha_compare(EVP_MD_CTX *sha, const char *promised)
{
    uint8_t digest[DIGEST];
    char text[HEX + 1];

    EVP_DigestFinal_ex(sha, digest, NULL);
    for (size_t i = 0; i < DIGEST; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    if (strcmp(text, promised) != 0)
        die(promised, "has another digest");
}

/* ── Inflating ── */

static void read_more(inflater *f)
{
    ssize_t got = read(f->fd, f->in, IN_SIZE);

    if (got < 0)
        die(*f->blob, strerror(errno));
    f->in_len = (size_t)got;
    f->in_at = 0;
    EVP_DigestUpdate(f->sha, f->in, f->in_len);
}

static void open_blob(inflater *f)
{
    f->fd = open(*f->blob, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        die(*f->blob, strerror(errno));
    sha_start(f->sha);
    read_more(f);
    f->zstd = f->in_len > 1 && f->in[0] == 0x28 && f->in[1] == 0xb5;
    isal_inflate_init(f->gzip);
    f->gzip->crc_flag = ISAL_GZIP;
    ZSTD_DCtx_reset(f->unzstd, ZSTD_reset_session_only);
}

static void close_blob(inflater *f)
{
    const char *name = strrchr(*f->blob, '/');

    sha_compare(f->sha, name ? name + 1 : *f->blob);
    close(f->fd);
    f->fd = -1;
    f->blob += 2;
}

static size_t run_gzip(inflater *f, uint8_t *out, size_t room)
{
    struct inflate_state *s = f->gzip;

    if (s->block_state == ISAL_BLOCK_FINISH) { /* another member follows */
        isal_inflate_reset(s);
        s->crc_flag = ISAL_GZIP;
    }
    s->next_in = f->in + f->in_at;
    s->avail_in = (uint32_t)(f->in_len - f->in_at);
    s->next_out = out;
    s->avail_out = (uint32_t)room;
    if (isal_inflate(s) != ISAL_DECOMP_OK)
        die(*f->blob, "is no gzip");
    f->in_at = f->in_len - s->avail_in;
    return room - s->avail_out;
}

static size_t run_zstd(inflater *f, uint8_t *out, size_t room)
{
    ZSTD_inBuffer in = {f->in, f->in_len, f->in_at};
    ZSTD_outBuffer to = {out, room, 0};

    if (ZSTD_isError(ZSTD_decompressStream(f->unzstd, &to, &in)))
        die(*f->blob, "is no zstd");
    f->in_at = in.pos;
    return to.pos;
}

/* Fills a chunk, or as far as the layer goes. */
static void fill(inflater *f, chunk *c)
{
    c->len = 0;
    c->diff_id = NULL;
    c->hashed = c->compressed = false;
    if (f->fd < 0)
        open_blob(f);
    while (c->len < CHUNK) {
        size_t got = f->zstd ? run_zstd(f, c->bytes + c->len, CHUNK - c->len)
                             : run_gzip(f, c->bytes + c->len, CHUNK - c->len);
        c->len += got;
        if (f->in_at < f->in_len)
            continue;
        if (got == 0 || c->len < CHUNK)
            read_more(f);
        if (f->in_len == 0) {
            c->diff_id = f->blob[1];
            close_blob(f);
            return;
        }
    }
}

/* ── What there is to do ── */

static void hash(work *w, const chunk *c)
{
    EVP_DigestUpdate(w->sha, c->bytes, c->len);
    if (!c->diff_id)
        return;
    sha_compare(w->sha, c->diff_id);
    sha_start(w->sha);
}

static void compress_chunk(const work *w, const chunk *c, ZSTD_CCtx *zstd, uint8_t *out,
                           size_t room)
{
    for (size_t at = 0; at < c->len; at += w->block) {
        size_t len = c->len - at < w->block ? c->len - at : w->block;
        if (ZSTD_isError(ZSTD_compressCCtx(zstd, out, room, c->bytes + at, len, w->level)))
            die("zstd", "does not compress");
    }
}

static void free_done(work *w)
{
    while (w->freed < w->taken && w->freed < w->hashed && w->ring[w->freed % CHUNKS].compressed)
        w->freed++;
    pthread_cond_broadcast(&w->bell);
}

/* With the lock, which is not held meanwhile. */
static void do_inflate(work *w)
{
    chunk *c = &w->ring[w->inflated % CHUNKS];

    w->inflating = true;
    pthread_mutex_unlock(&w->lock);
    fill(&w->from, c);
    pthread_mutex_lock(&w->lock);
    w->inflating = false;
    w->inflated++;
    w->ended = !*w->from.blob;
    pthread_cond_broadcast(&w->bell);
}

static void do_hash(work *w)
{
    const chunk *c = &w->ring[w->hashed % CHUNKS];

    w->hashing = true;
    pthread_mutex_unlock(&w->lock);
    hash(w, c);
    pthread_mutex_lock(&w->lock);
    w->hashing = false;
    w->hashed++;
    free_done(w);
}

static void do_compress(work *w, ZSTD_CCtx *zstd, uint8_t *out, size_t room)
{
    chunk *c = &w->ring[w->taken++ % CHUNKS];

    pthread_mutex_unlock(&w->lock);
    compress_chunk(w, c, zstd, out, room);
    pthread_mutex_lock(&w->lock);
    c->compressed = true;
    free_done(w);
}

static void *run(void *arg)
{
    work *w = arg;
    ZSTD_CCtx *zstd = need(ZSTD_createCCtx());
    size_t room = ZSTD_compressBound(w->block);
    uint8_t *out = need(malloc(room));

    pthread_mutex_lock(&w->lock);
    while (!w->ended || w->freed < w->inflated) {
        if (!w->ended && !w->inflating && w->inflated - w->freed < CHUNKS)
            do_inflate(w);
        else if (!w->hashing && w->hashed < w->inflated)
            do_hash(w);
        else if (w->taken < w->inflated)
            do_compress(w, zstd, out, room);
        else
            pthread_cond_wait(&w->bell, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    ZSTD_freeCCtx(zstd);
    free(out);
    return NULL;
}

/* ── The command ── */

static void work_init(work *w, char **blobs, int level, size_t block)
{
    *w = (work){.lock = PTHREAD_MUTEX_INITIALIZER,
                .bell = PTHREAD_COND_INITIALIZER,
                .from = {.blob = blobs, .fd = -1},
                .level = level,
                .block = block,
                .ended = !*blobs};
    for (size_t i = 0; i < CHUNKS; i++)
        w->ring[i].bytes = need(malloc(CHUNK));
    w->from.in = need(malloc(IN_SIZE));
    w->from.gzip = need(malloc(sizeof *w->from.gzip));
    w->from.unzstd = need(ZSTD_createDCtx());
    w->from.sha = need(EVP_MD_CTX_new());
    w->sha = need(EVP_MD_CTX_new());
    sha_start(w->sha);
}

static void work_release(work *w)
{
    for (size_t i = 0; i < CHUNKS; i++)
        free(w->ring[i].bytes);
    free(w->from.in);
    free(w->from.gzip);
    ZSTD_freeDCtx(w->from.unzstd);
    EVP_MD_CTX_free(w->from.sha);
    EVP_MD_CTX_free(w->sha);
}

int main(int argc, char **argv)
{
    static work w;
    pthread_t thread[THREADS_MAX];
    long threads = argc >= 4 ? strtol(argv[1], NULL, 10) : 0;
    long block = argc >= 4 ? strtol(argv[3], NULL, 10) : 0;

    if (threads < 1 || threads > THREADS_MAX || block < 1 || block > CHUNK || argc % 2 != 0) {
        fprintf(stderr, "usage: bare_layers THREADS LEVEL BLOCK_SIZE (BLOB DIFFID)...\n");
        return 2;
    }
    work_init(&w, argv + 4, (int)strtol(argv[2], NULL, 10), (size_t)block);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, run, &w) != 0)
            die("thread", "cannot be made");
    for (long i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    work_release(&w);
    return 0;
}
