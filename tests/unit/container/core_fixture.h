/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of tables, builder and merge: a container in memory that gets one commit after the
 * other, each made of one table, and a model of what that table holds. */
#ifndef TESTS_UNIT_CONTAINER_CORE_FIXTURE_H
#define TESTS_UNIT_CONTAINER_CORE_FIXTURE_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "codec/digest.h"
#include "container/merge.h"
#include "sys/file.h"

/* The call's last argument is `why`. */
#define core_ok(call)                                                                              \
    do {                                                                                           \
        bfc_err core_err_ = BFC_ERR_INIT;                                                          \
        bfc_err *why = &core_err_;                                                                 \
        if ((call) != 0)                                                                           \
            fail_msg("%s", why->msg);                                                              \
    } while (0)

enum {
    CORE_KEYS = 20000
};
#define CORE_TABLE TABLE_BLOBS

struct core {
    int fd;
    bfci_pool *pool; /* packs pages; NULL: the caller does */
    uint64_t end;    /* of the last commit; 0: there is none */
    bfci_segment segment;
    bfci_commit commit;
    bfci_source source;          /* as of the last commit */
    bfci_tables *tables;         /* likewise */
    uint32_t version[CORE_KEYS]; /* the model: 0 is not there */
    uint64_t random;
};

static inline int core_setup(void **state)
{
    struct core *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->fd = memfd_create("core", MFD_CLOEXEC);
    assert_true(c->fd >= 0);
    c->source.fd = -1;
    core_ok(bfci_pool_new(2, &c->pool, why));
    c->random = 88172645463325252u;
    *state = c;
    return 0;
}

static inline int core_teardown(void **state)
{
    struct core *c = *state;
    bfci_tables_free(c->tables);
    bfci_source_release(&c->source);
    bfci_pool_free(c->pool);
    (void)close(c->fd);
    free(c);
    return 0;
}

#define CORE_TEST(fn) cmocka_unit_test_setup_teardown(fn, core_setup, core_teardown)

/* xorshift: the same row in every run. */
static inline uint32_t core_random(struct core *c, uint32_t below)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (uint32_t)(c->random >> 33) % below;
}

/* Keys of different lengths that rise with i: some are prefixes of the next. */
static inline bfci_span core_key(uint8_t out[KEY_MAX], uint32_t i)
{
    put_u32be(out, i / 3);
    memset(out + 4, 'k', 60);
    return (bfci_span){out, 4 + i % 3 * 30};
}

static inline bfci_span core_value(uint8_t out[VALUE_MAX], uint32_t i, uint32_t version)
{
    size_t len = 4 + i * 7u % 600;
    memset(out, (int)(i & 255), len);
    put_u32le(out, version);
    return (bfci_span){out, len};
}

static inline void core_begin(struct core *c)
{
    static const bfci_super super = {.uuid = {1}, .page_shift = PAGE_SHIFT_MIN, .block_max = 65536};

    bfci_segment_init(&c->segment, c->fd, &super, c->end ? c->end : SUPER_SIZE);
    c->commit = c->end ? c->source.commit : (bfci_commit){.next_ino = 2};
    if (c->end) {
        uint8_t raw[COMMIT_SIZE];
        core_ok(bfci_pread_exact(c->fd, raw, sizeof raw, c->end - COMMIT_SIZE, why));
        core_ok(bfci_sha256(raw, sizeof raw, c->commit.previous_digest, why));
        c->commit.previous = c->end - COMMIT_SIZE;
    }
    c->commit.seq++;
}

/* Commits, and looks at the result. */
static inline void core_end(struct core *c)
{
    core_ok(bfci_segment_commit(&c->segment, &c->commit, false, why));
    c->end = c->commit.offset + COMMIT_SIZE;
    bfci_tables_free(bfci_steal(&c->tables));
    bfci_source_release(&c->source);
    int fd = dup(c->fd);
    assert_true(fd >= 0);
    core_ok(bfci_source_open_fd(fd, &c->source, why));
    c->source.check_digests = true;
    core_ok(bfci_tables_new(&c->source, &c->tables, why));
}

/* The model as a new table, entry by entry. */
static inline void core_build(struct core *c, int level)
{
    bfci_page_sink *sink = NULL;
    bfci_builder *b = NULL;
    uint8_t key[KEY_MAX], value[VALUE_MAX];
    uint64_t count = 0;

    core_begin(c);
    core_ok(bfci_page_sink_new(&c->segment, c->pool, level, &sink, why));
    core_ok(bfci_builder_new(sink, CORE_TABLE, &b, why));
    for (uint32_t i = 0; i < CORE_KEYS; i++)
        if (c->version[i]) {
            core_ok(
                bfci_builder_add(b, core_key(key, i), core_value(value, i, c->version[i]), why));
            count++;
        }
    core_ok(bfci_builder_finish(b, count, &c->commit.table[CORE_TABLE], why));
    bfci_builder_free(b);
    bfci_page_sink_free(sink);
    core_end(c);
}

/* Goes through the whole table beside the model. */
static inline void core_compare(struct core *c)
{
    AUTO_CURSOR bfci_cursor cursor;
    uint8_t key[KEY_MAX], value[VALUE_MAX];
    uint64_t count = 0;

    bfci_cursor_init(&cursor, c->tables, CORE_TABLE);
    core_ok(bfci_cursor_seek(&cursor, (bfci_span){key, 0}, why));
    for (uint32_t i = 0; i < CORE_KEYS; i++) {
        if (!c->version[i])
            continue;
        assert_false(cursor.at_end);
        assert_int_equal(bfci_span_compare(cursor.key, core_key(key, i)), 0);
        assert_int_equal(bfci_span_compare(cursor.value, core_value(value, i, c->version[i])), 0);
        core_ok(bfci_cursor_next(&cursor, why));
        count++;
    }
    assert_true(cursor.at_end);
    assert_true(c->source.commit.table[CORE_TABLE].count == count);
}

#endif
