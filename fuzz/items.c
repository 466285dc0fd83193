/* SPDX-License-Identifier: Apache-2.0 */
/* A container that is built from the input, with every sum right: what the fuzzer changes is what
 * the pages say. With a key it is sealed: what the fuzzer changes is what stands in payloads whose
 * tags fit.
 *
 * The input is a row of items, each a byte of kind and then:
 *   0, 1  data block: u16 length, bytes; 1: to be compressed. Its entry of the block table is made
 * here 2     page: u8 table, u8 level, u16 length, the page's bytes. It becomes the root of its
 * table; a value of 56 bytes in an inner page refers to the page that its first byte counts 3
 * counter: u8 which, u64 value An item of another kind, or one that is cut, ends the row. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "codec/digest.h"
#include "codec/zstd.h"
#include "container/builder.h"
#include "format/sealed.h"
#include "sys/file.h"

enum {
    PAGES_MAX = 64,
    BLOCKS_MAX = 64,
    INPUT_MAX = 1 << 18
};

typedef struct made_page {
    bfci_ref ref;
    uint64_t count; /* entries of the leaves below it */
} made_page;

typedef struct maker {
    bfci_segment segment;
    bfci_aead *aead; /* NULL: it is not sealed */
    bfci_commit commit;
    made_page page[PAGES_MAX];
    size_t page_count;
    bfci_ref block[BLOCKS_MAX];
    size_t block_count;
} maker;

/* Gives the payload as it is stored, to be freed. */
static uint8_t *make_payload(maker *m, bfci_frame_id frame, const uint8_t *bytes, size_t len,
                             size_t raw, bfci_ref *ref)
{
    const size_t stored = m->aead ? bfci_sealed_size(len) : len;
    uint8_t *payload = malloc(stored);

    FUZZ_CHECK(payload);
    memcpy(payload + (m->aead ? SEALED_AT_CIPHERTEXT : 0), bytes, len);
    if (m->aead)
        FUZZ_CHECK(bfci_sealer_close(m->segment.sealer, m->aead, frame, payload, len, NULL) == 0);
    *ref = (bfci_ref){.stored = (uint32_t)stored,
                      .raw = (uint32_t)raw,
                      .comp = len == raw ? COMP_NONE : COMP_ZSTD,
                      .crc = bfci_crc32c(payload, stored)};
    FUZZ_CHECK(bfci_sha256(payload, stored, ref->digest, NULL) == 0);
    return payload;
}

static void add_block(maker *m, const uint8_t *bytes, size_t len, bool pack)
{
    AUTO(bfci_compressor) bfci_compressor *c = NULL;
    AUTO_FREE uint8_t *packed = NULL;
    size_t packed_len = 0;

    if (len == 0 || m->block_count == BLOCKS_MAX)
        return;
    FUZZ_CHECK(bfci_alloc(len, 1, &packed, NULL) == 0);
    if (pack && len > 1) {
        FUZZ_CHECK(bfci_compressor_new(1, &c, NULL) == 0);
        FUZZ_CHECK(bfci_compress(c, bytes, len, packed, len - 1, &packed_len, NULL) == 0);
    }
    bfci_ref *ref = &m->block[m->block_count];
    AUTO_FREE uint8_t *payload =
        make_payload(m, bfci_block_id(m->block_count), packed_len ? packed : bytes,
                     packed_len ? packed_len : len, len, ref);
    FUZZ_CHECK(bfci_segment_put_data(&m->segment, m->block_count, payload, ref, NULL) == 0);
    m->commit.data_stored += ref->stored;
    m->commit.data_raw += ref->raw;
    m->block_count++;
}

/* Puts true references into an inner page that is whole; gives the number of entries below it. */
static uint64_t link_children(maker *m, uint8_t *raw, size_t len)
{
    bfci_page p;
    uint8_t *copy = fuzz_copy(raw, len);
    uint64_t count = 0;

    if (bfci_page_decode(copy, len, 0, &p, NULL) < 0) {
        free(copy);
        return 1;
    }
    for (uint32_t i = 0; i < p.count && p.level > 0; i++) {
        bfci_span value = bfci_page_value(&p, i);
        if (value.len != PAGE_REF_SIZE || m->page_count == 0)
            continue;
        const made_page *child = &m->page[value.p[0] % m->page_count];
        bfci_page_ref_encode(&child->ref, raw + (value.p - copy));
        count += child->count;
    }
    if (p.level == 0)
        count = p.count;
    bfci_page_release(&p);
    return count;
}

static void add_page(maker *m, uint8_t table, uint8_t level, const uint8_t *bytes, size_t len)
{
    if (len == 0 || m->page_count == PAGES_MAX)
        return;
    AUTO_FREE uint8_t *raw = fuzz_copy(bytes, len);
    made_page *page = &m->page[m->page_count];
    uint64_t count = link_children(m, raw, len);
    AUTO_FREE uint8_t *payload =
        make_payload(m, bfci_page_id(table, level), raw, len, len, &page->ref);
    page->count = count;
    FUZZ_CHECK(bfci_segment_put_page(&m->segment, table, level, payload, &page->ref, NULL) == 0);
    m->page_count++;
    if (table >= TABLE_TREES && table < TABLE_COUNT)
        m->commit.table[table] = (bfci_table_ref){page->ref, level, count};
}

static void set_counter(maker *m, uint8_t which, uint64_t value)
{
    bfci_commit *c = &m->commit;
    uint64_t *counter[] = {&c->next_ino,      &c->next_block,  &c->files,
                           &c->dirs,          &c->symlinks,    &c->others,
                           &c->content_bytes, &c->data_stored, &c->data_raw};
    if (which < ARRAY_LEN(counter))
        *counter[which] = value;
    else if (which >= 16 && which < 16 + TABLE_COUNT && c->table[which - 16].root.offset)
        c->table[which - 16].count = value;
}

static bool take_item(maker *m, rd *r)
{
    uint8_t kind = rd_u8(r), table = 0, level = 0;

    if (!rd_ok(r) || kind > 3)
        return false;
    if (kind == 3) {
        uint8_t which = rd_u8(r);
        uint64_t value = rd_u64(r);
        if (rd_ok(r))
            set_counter(m, which, value);
        return rd_ok(r);
    }
    if (kind == 2) {
        table = rd_u8(r);
        level = rd_u8(r);
    }
    size_t len = rd_u16(r);
    const uint8_t *bytes = rd_take(r, len);
    if (!bytes)
        return false;
    if (kind == 2)
        add_page(m, table, level, bytes, len);
    else
        add_block(m, bytes, len, kind == 1);
    return true;
}

static void build_block_table(maker *m)
{
    AUTO(bfci_page_sink) bfci_page_sink *sink = NULL;
    AUTO(bfci_builder) bfci_builder *b = NULL;
    uint8_t key[8];

    if (m->commit.table[TABLE_BLOCKS].root.offset)
        return; /* the input has its own */
    FUZZ_CHECK(bfci_page_sink_new(&m->segment, NULL, 0, &sink, NULL) == 0);
    FUZZ_CHECK(bfci_builder_new(sink, TABLE_BLOCKS, &b, NULL) == 0);
    for (size_t i = 0; i < m->block_count; i++) {
        AUTO_BUF buf value = BUF_INIT;
        bfci_block_encode(&value, &m->block[i]);
        FUZZ_CHECK(bfci_builder_add(b, bfci_key_u64(key, i), (bfci_span){value.data, value.len},
                                    NULL) == 0);
    }
    FUZZ_CHECK(bfci_builder_finish(b, m->block_count, &m->commit.table[TABLE_BLOCKS], NULL) == 0);
}

static void build(maker *m, const uint8_t *data, size_t size)
{
    m->commit.seq = 1;
    m->commit.next_ino = 1 << 20;
    m->commit.next_block = BLOCKS_MAX;
    rd r = rd_over(size ? data : (const uint8_t *)"", size);
    while (take_item(m, &r))
        ;
    build_block_table(m);
    FUZZ_CHECK(bfci_segment_commit(&m->segment, &m->commit, false, NULL) == 0);
}

void fuzz_items(const uint8_t *data, size_t size, const bfc_keys *keys)
{
    bfci_super super = {.uuid = {1},
                        .features_refuse = keys ? FEATURE_REFUSE_SEALED : 0,
                        .page_shift = PAGE_SHIFT_MAX,
                        .block_max = BLOCK_SIZE_MAX};
    static maker m;
    AUTO(bfci_seal) bfci_seal *seal = NULL;
    AUTO(bfci_sealer) bfci_sealer *sealer = NULL;
    AUTO(bfci_aead) bfci_aead *aead = NULL;

    if (size > INPUT_MAX)
        return;
    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    memset(&m, 0, sizeof m);
    bfci_segment_init(&m.segment, fd, &super, SUPER_SIZE);
    if (keys) {
        FUZZ_CHECK(bfci_seal_new(super.uuid, keys, 0, &seal, NULL) == 0);
        FUZZ_CHECK(bfci_sealer_new(seal, SUPER_SIZE, &sealer, NULL) == 0);
        FUZZ_CHECK(bfci_sealer_aead(sealer, &aead, NULL) == 0);
        m.segment.sealer = sealer;
        m.aead = aead;
    }
    build(&m, data, size);
    fuzz_exercise(fd, keys);
}
