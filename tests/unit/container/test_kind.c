/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of contents: by ending, translations by name, code by its first bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/kind.h"

static bool alike(const char *a, const char *b)
{
    return bfci_kind_of(a).likeness == bfci_kind_of(b).likeness;
}

static void test_kind__by_name(void **state)
{
    (void)state;
    assert_true(alike("a.js", "b.js") && alike("README", "Makefile") && alike("tar.mo", "tar.mo"));
    assert_false(alike("a.js", "a.css") || alike("tar.mo", "sed.mo"));
}

static void test_kind__code(void **state)
{
    uint8_t head[64] = {0x7f, 'E', 'L', 'F', 2, 1};
    bfci_kind kind = bfci_kind_of("ls");

    (void)state;
    assert_false(kind.code || kind.branches);
    bfci_kind_look(&kind, head, sizeof head);
    assert_true(kind.code && !kind.branches);
    head[18] = 62; /* AMD64 */
    bfci_kind_look(&kind, head, sizeof head);
    assert_true(kind.code && kind.branches);
    bfci_kind_look(&kind, (const uint8_t *)"#!/bin/sh", 9);
    assert_false(kind.code || kind.branches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kind__by_name),
        cmocka_unit_test(test_kind__code),
    };
    return cmocka_run_group_tests_name("kind", tests, NULL, NULL);
}
