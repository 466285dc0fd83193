/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers between threads: all see the same bytes, nobody overtakes whom it must not, and what was
 * put aside comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "codec/digest.h"
#include "oci/layer_ring.h"
#include "sys/pool.h"

enum {
    MIB = 1 << 20,
    RING = 8, /* buffers */
    PERIOD = 65521
};

typedef struct party {
    bfci_task producer, reader[RING_READERS];
    bfci_pool *pool;
    bfci_arena *arena;
    bfci_layer_ring *ring;
    uint64_t len;      /* of the stream */
    uint64_t filled;   /* atomic, as the next */
    uint64_t contents; /* bytes that this reader has gone through */
    uint64_t seen[RING_READERS];
    bool differs[RING_READERS];
    bool has_contents, producer_fails;
} party;

/* What stands at a place of the stream begins at that place modulo the period: no two buffers are
 * alike. */
static uint8_t pattern[PERIOD + MIB];

static int make_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i % PERIOD * 7 + (i % PERIOD >> 5));
    return 0;
}

static bool is_stream(const uint8_t *bytes, size_t len, uint64_t at)
{
    return len <= MIB && memcmp(bytes, pattern + at % PERIOD, len) == 0;
}

static int produce(party *p, bfc_err *err)
{
    for (uint64_t at = 0; at < p->len;) {
        uint8_t *to = NULL;
        size_t room = 0;
        BFC_TRY(bfci_layer_ring_room(p->ring, &to, &room, err));
        size_t n = (size_t)MIN(MIN(room, p->len - at), (uint64_t)300000);
        memcpy(to, pattern + at % PERIOD, n);
        bfci_layer_ring_filled(p->ring, n);
        at += n;
        __atomic_store_n(&p->filled, at, __ATOMIC_RELAXED);
    }
    return p->producer_fails ? bfci_fail(err, BFC_E_IO, "the line is dead") : 0;
}

static void run_producer(bfci_task *task, unsigned worker)
{
    party *p = (party *)((char *)task - offsetof(party, producer));
    bfc_err why = BFC_ERR_INIT;
    (void)worker;
    int rc = produce(p, &why);
    bfci_layer_ring_end(p->ring, rc, &why);
}

static void read_all(party *p, enum bfci_ring_reader who)
{
    const uint8_t *bytes = NULL;
    size_t len = 0;
    bfc_err why = BFC_ERR_INIT;

    while (bfci_layer_ring_read(p->ring, who, &bytes, &len)) {
        p->differs[who] |= !is_stream(bytes, len, p->seen[who]);
        p->seen[who] += len;
        if (who == RING_CONTENTS)
            __atomic_store_n(&p->contents, p->seen[who], __ATOMIC_RELAXED);
    }
    bfci_layer_ring_read_end(p->ring, 0, &why);
}

static void run_diff_id(bfci_task *task, unsigned worker)
{
    (void)worker;
    read_all((party *)((char *)task - offsetof(party, reader[RING_DIFF_ID])), RING_DIFF_ID);
}

static void run_contents(bfci_task *task, unsigned worker)
{
    (void)worker;
    read_all((party *)((char *)task - offsetof(party, reader[RING_CONTENTS])), RING_CONTENTS);
}

/* `aside`: bytes that may be put aside; 0: none, and no file for it. */
static void begin(party *p, uint64_t len, bool contents, uint64_t aside, bool sealed)
{
    bfci_spill *spill = NULL;

    p->len = len;
    p->has_contents = contents;
    if (aside)
        assert_int_equal(bfci_spill_new("/tmp/none", sealed, &spill, NULL), 0);
    assert_int_equal(bfci_arena_new(&p->arena, NULL), 0);
    assert_int_equal(bfci_layer_ring_new(p->arena, contents, spill, aside, &p->ring, NULL), 0);
    assert_int_equal(bfci_pool_new(3, &p->pool, NULL), 0);
    p->producer.fn = run_producer;
    p->reader[RING_DIFF_ID].fn = run_diff_id;
    p->reader[RING_CONTENTS].fn = run_contents;
    bfci_pool_submit(p->pool, &p->producer, false);
    bfci_pool_submit(p->pool, &p->reader[RING_DIFF_ID], false);
    if (contents)
        bfci_pool_submit(p->pool, &p->reader[RING_CONTENTS], false);
}

static void end(party *p)
{
    bfci_layer_ring_stop(p->ring);
    bfci_pool_free(p->pool);
    bfci_layer_ring_free(p->ring);
    bfci_arena_free(p->arena);
}

/* The rest of the stream, of which `at` bytes were taken. */
static void take_all(party *p, uint64_t at)
{
    const uint8_t *bytes = NULL;
    size_t len = 1;
    bfc_err err = BFC_ERR_INIT;

    while (len > 0) {
        (void)bfci_layer_ring_take(p->ring, &bytes, &len, &err);
        assert_string_equal(err.msg, "");
        assert_true(is_stream(bytes, len, at));
        at += len;
        if (p->has_contents)
            assert_true(__atomic_load_n(&p->contents, __ATOMIC_RELAXED) >= at);
    }
    assert_int_equal(at, p->len);
}

static void all_saw_all(const party *p)
{
    for (size_t i = 0; i < RING_READERS; i++) {
        assert_false(p->differs[i]);
        assert_int_equal(p->seen[i], i == RING_CONTENTS && !p->has_contents ? 0 : p->len);
    }
}

/* So many bytes come before the taker does, and no more. */
static void runs_ahead_by(party *p, uint64_t want)
{
    for (int i = 0; i < 20000 && __atomic_load_n(&p->filled, __ATOMIC_RELAXED) < want; i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    assert_int_equal(__atomic_load_n(&p->filled, __ATOMIC_RELAXED), want);
}

static void test_layer_ring__all_see_all(void **state)
{
    static const uint64_t lengths[] = {0, 1, MIB - 1, MIB, 3 * MIB + 5, 20 * MIB};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        for (int contents = 0; contents < 2; contents++) {
            party p = {0};
            begin(&p, lengths[i], contents, 0, false);
            take_all(&p, 0);
            all_saw_all(&p);
            end(&p);
        }
}

/* Without a file eight buffers are filled, with one as many more as it may hold. */
static void test_layer_ring__runs_ahead(void **state)
{
    static const uint64_t asides[] = {0, 1, MIB, 5 * MIB, 5 * MIB + 1, 100 * MIB};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asides); i++)
        for (int sealed = 0; sealed < 2; sealed++) {
            party p = {0};
            begin(&p, 20 * MIB + 7, true, asides[i], sealed);
            uint64_t most = (RING + asides[i] / MIB) * MIB;
            runs_ahead_by(&p, MIN(most, p.len));
            take_all(&p, 0);
            all_saw_all(&p);
            end(&p);
        }
}

/* The taker comes at any time, also while a buffer is being put aside. */
static void test_layer_ring__taker_comes(void **state)
{
    (void)state;
    for (long us = 0; us < 20000; us += 500) {
        party p = {0};
        begin(&p, 12 * MIB + 1, true, 100 * MIB, us % 1000);
        nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
        take_all(&p, 0);
        all_saw_all(&p);
        end(&p);
    }
}

/* No room for what is to be put aside: what was stays good, the rest comes when it is taken. */
static void test_layer_ring__no_room(void **state)
{
    struct rlimit before, less;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int sealed = 0; sealed < 2; sealed++) {
        party p = {0};
        less = (struct rlimit){3 * MIB + MIB / 2, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
        begin(&p, 20 * MIB, true, 100 * MIB, sealed);
        runs_ahead_by(&p, (RING + 3) * MIB);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        take_all(&p, 0);
        all_saw_all(&p);
        end(&p);
    }
    (void)signal(SIGXFSZ, SIG_DFL);
}

static void test_layer_ring__left_early(void **state)
{
    (void)state;
    for (int aside = 0; aside < 2; aside++)
        for (int taken = 0; taken < 3; taken++) {
            party p = {0};
            const uint8_t *bytes = NULL;
            size_t len = 0;
            begin(&p, UINT64_MAX, true, aside ? 30 * MIB : 0, false);
            for (int i = 0; i < taken; i++)
                assert_int_equal(bfci_layer_ring_take(p.ring, &bytes, &len, NULL), 0);
            end(&p);
        }
}

/* Told when the taker comes, though others are ready. */
static void test_layer_ring__failure(void **state)
{
    party p = {.producer_fails = true};
    const uint8_t *bytes = NULL;
    size_t len = 0;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    begin(&p, 5 * MIB, true, 100 * MIB, false);
    runs_ahead_by(&p, p.len);
    assert_int_equal(bfci_layer_ring_take(p.ring, &bytes, &len, &err), BFC_E_IO);
    assert_string_equal(err.msg, "the line is dead");
    assert_int_equal(bfci_layer_ring_take(p.ring, &bytes, &len, NULL), BFC_E_IO);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layer_ring__all_see_all),
        cmocka_unit_test(test_layer_ring__runs_ahead),
        cmocka_unit_test(test_layer_ring__taker_comes),
        cmocka_unit_test(test_layer_ring__no_room),
        cmocka_unit_test(test_layer_ring__left_early),
        cmocka_unit_test(test_layer_ring__failure),
    };
    return cmocka_run_group_tests(tests, make_pattern, NULL);
}
