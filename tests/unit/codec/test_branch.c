/* SPDX-License-Identifier: Apache-2.0 */
/* Branches and positions: what docs/format.md says, on bytes that are full of what looks like
 * branches, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/branch.h"

enum {
    MOST = 300,
    ROUNDS = 200000
};

/* Section 4, word for word. */
static void by_the_book(uint8_t *bytes, size_t len)
{
    for (size_t at = len < 5 ? 0 : len - 4; at-- > 0;) {
        uint8_t *b = bytes + at;
        if ((b[0] != 0xe8 && b[0] != 0xe9) || (b[4] != 0x00 && b[4] != 0xff))
            continue;
        uint64_t v =
            (b[1] | (uint64_t)b[2] << 8 | (uint64_t)b[3] << 16 | (uint64_t)b[4] << 24) + at;
        for (int i = 0; i < 3; i++)
            b[1 + i] = (uint8_t)(v >> 8 * i);
        b[4] = v >> 24 & 1 ? 0xff : 0x00;
    }
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void test_there_and_back(void **state)
{
    static const uint8_t likely[] = {0xe8, 0xe9, 0x00, 0xff};
    uint8_t was[MOST], moved[MOST], book[MOST];
    uint32_t seed = 4711;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t len = next_random(&seed) % MOST;
        for (size_t i = 0; i < len; i++) {
            uint32_t r = next_random(&seed);
            was[i] = r % 8 < 4 ? likely[r % 4] : (uint8_t)(r >> 8);
        }
        memcpy(moved, was, len);
        memcpy(book, was, len);
        by_the_book(book, len);
        bfci_branches_to_positions(moved, len);
        assert_memory_equal(moved, book, len);
        size_t start = next_random(&seed) % (len + 1);
        bfci_branches_from_positions(book, start);
        if (start > BFCI_BRANCH_TAIL)
            assert_memory_equal(book, was, start - BFCI_BRANCH_TAIL);
        bfci_branches_from_positions(moved, len);
        assert_memory_equal(moved, was, len);
    }
}

/* call +0x10 at 0, and at 5 a call of the same place: at the end both say 0x10. */
static void test_calls_of_one_place(void **state)
{
    uint8_t code[] = {0xe8, 0x10, 0, 0, 0, 0xe8, 0x0b, 0, 0, 0};
    static const uint8_t want[] = {0xe8, 0x10, 0, 0, 0, 0xe8, 0x10, 0, 0, 0};

    (void)state;
    bfci_branches_to_positions(code, sizeof code);
    assert_memory_equal(code, want, sizeof code);
}

static void test_what_has_branches(void **state)
{
    uint8_t head[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

    (void)state;
    assert_false(bfci_has_branches(head, sizeof head));
    head[18] = 62;
    assert_true(bfci_has_branches(head, sizeof head));
    assert_true(bfci_has_branches(head, 20));
    assert_false(bfci_has_branches(head, 19));
    head[18] = 3;
    assert_true(bfci_has_branches(head, sizeof head));
    head[5] = 2; /* of another byte order */
    assert_false(bfci_has_branches(head, sizeof head));
    head[5] = 1;
    head[18] = 183; /* arm64 */
    assert_false(bfci_has_branches(head, sizeof head));
    head[18] = 62;
    head[0] = 0;
    assert_false(bfci_has_branches(head, sizeof head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_calls_of_one_place),
        cmocka_unit_test(test_what_has_branches),
    };
    return cmocka_run_group_tests_name("branch", tests, NULL, NULL);
}
