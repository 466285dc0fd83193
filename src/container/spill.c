/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed spill is a row of pages of one size, each under a key of this file alone that is never
 * stored, with its number as nonce. Pages are written once, when they are full; the one that is
 * being filled stays in memory. */
#include "container/spill.h"

#include "codec/aead.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/names.h"

enum {
    PAGE = 32 << 10,
    PAGE_STORED = PAGE + BFCI_TAG_SIZE
};

struct bfci_spill {
    int fd;
    uint64_t size;
    bfci_aead *aead; /* NULL: not sealed, and no pages */
    uint64_t pages;  /* in the file */
    size_t filled;   /* of `open` */
    uint8_t open[PAGE], loaded[PAGE], stored[PAGE_STORED];
    uint64_t loaded_page; /* which one that is, and one more; 0: none */
};

void bfci_spill_free(bfci_spill *s)
{
    if (!s)
        return;
    bfci_fd_close(&s->fd);
    bfci_aead_free(s->aead);
    free(s);
}

static int draw_key(bfci_spill *s, bfc_err *err)
{
    AUTO_SECRET uint8_t *key = NULL;

    BFC_TRY(bfci_aead_new(&s->aead, err));
    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &key, err));
    BFC_TRY(bfci_random(key, BFCI_KEY_SIZE, err));
    return bfci_aead_set_key(s->aead, key, err);
}

int bfci_spill_new(const char *beside, bool sealed, bfci_spill **out, bfc_err *err)
{
    AUTO(bfci_spill) bfci_spill *s = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *s, &s, err));
    s->fd = -1;
    BFC_TRY(bfci_open_temp_beside(beside, &s->fd, err));
    if (sealed)
        BFC_TRY(draw_key(s, err));
    *out = bfci_steal(&s);
    return 0;
}

uint64_t bfci_spill_size(const bfci_spill *s)
{
    return s->size;
}

int bfci_spill_room(const bfci_spill *s, uint64_t *bytes, bfc_err *err)
{
    return bfci_free_space_of(s->fd, bytes, err);
}

/* ── Pages ── */

static void nonce_of(uint64_t page, uint8_t out[BFCI_NONCE_SIZE])
{
    memset(out, 0, BFCI_NONCE_SIZE);
    put_u64le(out, page);
}

static int write_page(bfci_spill *s, bfc_err *err)
{
    uint8_t nonce[BFCI_NONCE_SIZE];

    nonce_of(s->pages, nonce);
    BFC_TRY(
        bfci_aead_seal(s->aead, nonce, NULL, 0, s->open, PAGE, s->stored, s->stored + PAGE, err));
    BFC_TRY(bfci_pwrite_all(s->fd, s->stored, PAGE_STORED, s->pages * PAGE_STORED, err));
    s->pages++;
    s->filled = 0;
    return 0;
}

static int load_page(bfci_spill *s, uint64_t page, bfc_err *err)
{
    uint8_t nonce[BFCI_NONCE_SIZE];
    bool authentic = false;

    if (s->loaded_page == page + 1)
        return 0;
    s->loaded_page = 0;
    nonce_of(page, nonce);
    BFC_TRY(bfci_pread_exact(s->fd, s->stored, PAGE_STORED, page * PAGE_STORED, err));
    BFC_TRY(bfci_aead_open(s->aead, nonce, NULL, 0, s->stored, PAGE, s->stored + PAGE, s->loaded,
                           &authentic, err));
    if (!authentic)
        return bfci_fail(err, BFC_E_IO, "a temporary file was changed by somebody else");
    s->loaded_page = page + 1;
    return 0;
}

/* ── Bytes ── */

static int put_sealed(bfci_spill *s, const uint8_t *bytes, size_t len, bfc_err *err)
{
    while (len > 0) {
        size_t n = MIN(len, PAGE - s->filled);
        memcpy(s->open + s->filled, bytes, n);
        s->filled += n;
        bytes += n;
        len -= n;
        if (s->filled == PAGE)
            BFC_TRY(write_page(s, err));
    }
    return 0;
}

int bfci_spill_put(bfci_spill *s, const uint8_t *bytes, size_t len, bfc_err *err)
{
    if (s->aead)
        BFC_TRY(put_sealed(s, bytes, len, err));
    else
        BFC_TRY(bfci_pwrite_all(s->fd, bytes, len, s->size, err));
    s->size += len;
    return 0;
}

int bfci_spill_read(bfci_spill *s, uint64_t at, uint8_t *out, size_t len, bfc_err *err)
{
    if (!s->aead)
        return bfci_pread_exact(s->fd, out, len, at, err);
    while (len > 0) {
        size_t from = (size_t)(at % PAGE), n = MIN(len, PAGE - from);
        const uint8_t *page = s->open;
        if (at / PAGE < s->pages) {
            BFC_TRY(load_page(s, at / PAGE, err));
            page = s->loaded;
        }
        memcpy(out, page + from, n);
        out += n;
        at += n;
        len -= n;
    }
    return 0;
}
