/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots: there and back, each field at its place, and every bound from both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "format/key_slot.h"

static bfci_key_slot sample(enum bfci_key_slot_type type)
{
    bfci_key_slot s = {.type = type, .time = -5};
    if (type == KEY_SLOT_PASSWORD) {
        s.passes = 3;
        s.memory_kib = 65536;
    }
    memset(s.salt, 0x11, type == KEY_SLOT_PASSWORD ? 16 : 32);
    memset(s.wrapped, 0x22, type == KEY_SLOT_RECIPIENT ? 80 : 48);
    return s;
}

static void test_key_slot__there_and_back(void **state)
{
    (void)state;
    for (unsigned type = KEY_SLOT_FREE; type <= KEY_SLOT_RECIPIENT; type++) {
        bfci_key_slot in = sample((enum bfci_key_slot_type)type), out;
        uint8_t raw[BFCI_KEY_SLOT_SIZE], again[BFCI_KEY_SLOT_SIZE];

        memset(&out, 0x33, sizeof out);
        bfci_key_slot_encode(&in, raw);
        assert_int_equal(bfci_key_slot_decode(raw, 0, &out, NULL), 0);
        assert_int_equal(out.type, type);
        if (type != KEY_SLOT_FREE) {
            assert_int_equal(out.passes, in.passes);
            assert_int_equal(out.memory_kib, in.memory_kib);
            assert_int_equal(out.time, -5);
            assert_memory_equal(out.salt, in.salt, sizeof in.salt);
            assert_memory_equal(out.wrapped, in.wrapped, sizeof in.wrapped);
        }
        bfci_key_slot_encode(&out, again);
        assert_memory_equal(raw, again, sizeof raw);
    }
}

static void test_key_slot__bytes(void **state)
{
    (void)state;
    static const uint8_t head[16] = {1,    1,    3,    0,    0,    0,    1,    0,
                                     0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    bfci_key_slot in = sample(KEY_SLOT_PASSWORD);
    uint8_t raw[BFCI_KEY_SLOT_SIZE];

    bfci_key_slot_encode(&in, raw);
    assert_memory_equal(raw, head, sizeof head);
    assert_int_equal(raw[16], 0x11);
    assert_int_equal(raw[31], 0x11);
    assert_int_equal(raw[32], 0);
    assert_int_equal(raw[47], 0);
    assert_int_equal(raw[48], 0x22);
    assert_int_equal(raw[95], 0x22);
    assert_int_equal(raw[96], 0);
}

static void expect(const uint8_t *raw, int code, const char *words)
{
    bfc_err err = BFC_ERR_INIT;
    bfci_key_slot out = {0};

    assert_int_equal(bfci_key_slot_decode(raw, 7, &out, &err), code);
    if (code < 0) {
        assert_int_equal(err.code, code);
        assert_non_null(strstr(err.msg, "key slot 7"));
        assert_non_null(strstr(err.msg, words));
        assert_int_equal(out.type, KEY_SLOT_FREE);
    }
}

static void test_key_slot__cost(void **state)
{
    (void)state;
    static const struct {
        unsigned passes;
        uint32_t memory;
        int code;
        const char *words;
    } costs[] = {
        {1, 8192, 0, NULL},
        {64, 262144, 0, NULL},
        {4, 4194304, 0, NULL},
        {0, 65536, BFC_E_LIMIT, "1 to 64"},
        {65, 8192, BFC_E_LIMIT, "1 to 64"},
        {65535, 8192, BFC_E_LIMIT, "65535 passes"},
        {1, 8191, BFC_E_LIMIT, "8192 to 4194304"},
        {1, 4194305, BFC_E_LIMIT, "4194305 KiB"},
        {1, UINT32_MAX, BFC_E_LIMIT, "8192 to 4194304"},
        {5, 4194304, BFC_E_LIMIT, "16 GiB"},
        {64, 262145, BFC_E_LIMIT, "16 GiB"},
    };
    for (size_t i = 0; i < ARRAY_LEN(costs); i++) {
        bfci_key_slot in = sample(KEY_SLOT_PASSWORD);
        uint8_t raw[BFCI_KEY_SLOT_SIZE];
        in.passes = (uint16_t)costs[i].passes;
        in.memory_kib = costs[i].memory;
        bfci_key_slot_encode(&in, raw);
        expect(raw, costs[i].code, costs[i].words);
    }
}

static void test_key_slot__illegal(void **state)
{
    (void)state;
    static const struct {
        enum bfci_key_slot_type type;
        size_t at;
        uint8_t value;
        const char *words;
    } changes[] = {
        {KEY_SLOT_FREE, 0, 4, "unknown type"},
        {KEY_SLOT_FREE, 0, 255, "unknown type"},
        {KEY_SLOT_FREE, 1, 1, "not zero"},
        {KEY_SLOT_FREE, 127, 1, "not zero"},
        {KEY_SLOT_PASSWORD, 1, 0, "one lane"},
        {KEY_SLOT_PASSWORD, 1, 2, "one lane"},
        {KEY_SLOT_PASSWORD, 32, 1, "salt"},
        {KEY_SLOT_PASSWORD, 47, 1, "salt"},
        {KEY_SLOT_PASSWORD, 96, 1, "behind the wrapped key"},
        {KEY_SLOT_KEY_FILE, 1, 1, "no password"},
        {KEY_SLOT_KEY_FILE, 2, 1, "no password"},
        {KEY_SLOT_KEY_FILE, 7, 1, "no password"},
        {KEY_SLOT_KEY_FILE, 127, 1, "behind the wrapped key"},
        {KEY_SLOT_RECIPIENT, 1, 1, "no password"},
        {KEY_SLOT_RECIPIENT, 4, 1, "no password"},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        bfci_key_slot in = sample(changes[i].type);
        uint8_t raw[BFCI_KEY_SLOT_SIZE];
        bfci_key_slot_encode(&in, raw);
        expect(raw, 0, NULL);
        raw[changes[i].at] = changes[i].value;
        expect(raw, BFC_E_CORRUPT, changes[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_slot__there_and_back),
        cmocka_unit_test(test_key_slot__bytes),
        cmocka_unit_test(test_key_slot__cost),
        cmocka_unit_test(test_key_slot__illegal),
    };
    return cmocka_run_group_tests_name("key slot", tests, NULL, NULL);
}
