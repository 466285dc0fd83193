/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: what is taken is writable, apart from all else, and begins at a cache line. */
#include "scratch.h"

#include <pthread.h>

#include "sys/arena.h"

enum {
    MIB = 1 << 20
};

typedef struct taken {
    uint8_t *bytes;
    size_t len;
} taken;

static taken take(bfci_arena *a, size_t len, uint8_t with)
{
    taken t = {NULL, len};
    assert_int_equal(bfci_arena_take(a, len, &t.bytes, NULL), 0);
    assert_int_equal((uintptr_t)t.bytes % 64, 0);
    memset(t.bytes, with, len);
    return t;
}

static void assert_filled(taken t, uint8_t with)
{
    size_t others = 0;
    for (size_t i = 0; i < t.len; i++)
        others += t.bytes[i] != with;
    assert_int_equal(others, 0);
}

static void test_arena__keeps_buffers_apart(void **state)
{
    (void)state;
    const size_t sizes[] = {1,           63,      64,      65,       4096, MIB, MIB + 40,
                            3 * MIB / 2, 7 * MIB, 8 * MIB, 20 * MIB, 0,    5};
    taken all[ARRAY_LEN(sizes)];
    AUTO(bfci_arena) bfci_arena *a = NULL;

    assert_int_equal(bfci_arena_new(&a, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        all[i] = take(a, sizes[i], (uint8_t)(i + 1));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        assert_filled(all[i], (uint8_t)(i + 1));
}

static void test_arena__refuses_what_cannot_be(void **state)
{
    (void)state;
    uint8_t *bytes = NULL;
    bfc_err err = BFC_ERR_INIT;
    AUTO(bfci_arena) bfci_arena *a = NULL;

    bfci_arena_free(NULL);
    assert_int_equal(bfci_arena_new(&a, NULL), 0);
    assert_int_equal(bfci_arena_take(a, SIZE_MAX, &bytes, &err), BFC_E_NOMEM);
    assert_int_equal(bfci_arena_take(a, SIZE_MAX / 2, &bytes, &err), BFC_E_NOMEM);
    assert_null(bytes);
    (void)take(a, 100, 1);
}

static void test_arena__fits_a_buffer(void **state)
{
    (void)state;
    AUTO(bfci_arena) bfci_arena *a = NULL;
    uint8_t *bytes = NULL, *before = NULL;
    size_t cap = 0;

    assert_int_equal(bfci_arena_new(&a, NULL), 0);
    assert_int_equal(bfci_arena_fit(a, 100, &bytes, &cap, NULL), 0);
    assert_true(cap == 4096);
    before = bytes;
    assert_int_equal(bfci_arena_fit(a, 4096, &bytes, &cap, NULL), 0);
    assert_ptr_equal(bytes, before);
    assert_int_equal(bfci_arena_fit(a, 3 * MIB, &bytes, &cap, NULL), 0);
    assert_true(cap == 4 * MIB && bytes != before);
    memset(bytes, 1, cap);
    assert_int_equal(bfci_arena_fit(a, SIZE_MAX, &bytes, &cap, NULL), BFC_E_NOMEM);
    assert_true(cap == 4 * MIB);
}

typedef struct taker {
    bfci_arena *arena;
    pthread_t thread;
    uint8_t with;
    taken taken[200];
} taker;

static void *take_many(void *arg)
{
    taker *t = arg;
    for (size_t i = 0; i < ARRAY_LEN(t->taken); i++)
        t->taken[i] = take(t->arena, 1000 * (i + 1), t->with);
    return NULL;
}

static void test_arena__any_thread(void **state)
{
    (void)state;
    taker takers[4] = {{.with = 1}, {.with = 2}, {.with = 3}, {.with = 4}};
    AUTO(bfci_arena) bfci_arena *a = NULL;

    assert_int_equal(bfci_arena_new(&a, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
        takers[i].arena = a;
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_many, &takers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(takers); i++)
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(takers); i++)
        for (size_t k = 0; k < ARRAY_LEN(takers[i].taken); k++)
            assert_filled(takers[i].taken[k], takers[i].with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__keeps_buffers_apart),
        cmocka_unit_test(test_arena__refuses_what_cannot_be),
        cmocka_unit_test(test_arena__fits_a_buffer),
        cmocka_unit_test(test_arena__any_thread),
    };
    return cmocka_run_group_tests_name("sys/arena", tests, NULL, NULL);
}
