/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary files of a writer: any part of them comes back, and those of a sealed container hold no
 * byte as it was put. */
#include "core_fixture.h"

#include "container/spill.h"

enum {
    PUT = 300000
};

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 31 >> 3);
}

static void comes_back(struct core *c, bool sealed)
{
    bfci_spill *s = NULL;
    static uint8_t bytes[PUT];

    core_ok(bfci_spill_new("/tmp/none", sealed, &s, why));
    for (uint32_t at = 0; at < PUT;) {
        size_t n = MIN(1 + core_random(c, 50000), PUT - at);
        for (size_t i = 0; i < n; i++)
            bytes[i] = byte_at(at + i);
        core_ok(bfci_spill_put(s, bytes, n, why));
        at += (uint32_t)n;
        assert_int_equal(bfci_spill_size(s), at);
        uint32_t from = core_random(c, at), len = core_random(c, at - from + 1);
        core_ok(bfci_spill_read(s, from, bytes, len, why));
        for (size_t i = 0; i < len; i++)
            assert_int_equal(bytes[i], byte_at(from + i));
    }
    bfci_spill_free(s);
}

static void test_spill__comes_back(void **state)
{
    for (int i = 0; i < 20; i++)
        comes_back(*state, i % 2);
}

/* The only unnamed file of this process in /tmp. */
static bool file_holds(const char *mark)
{
    static uint8_t bytes[1 << 20];
    bool found = false;

    for (int fd = 3; fd < 64; fd++) {
        char link[64], target[256] = "";
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) < 0 || strncmp(target, "/tmp/", 5) != 0)
            continue;
        ssize_t n = pread(fd, bytes, sizeof bytes, 0);
        assert_true(n > 1000);
        found = found || memmem(bytes, (size_t)n, mark, strlen(mark));
    }
    return found;
}

static void test_spill__sealed_hides_what_was_put(void **state)
{
    static const char mark[] = "the name of a file that nobody is to know";

    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        bfci_spill *s = NULL;
        core_ok(bfci_spill_new("/tmp/none", sealed, &s, why));
        for (int i = 0; i < 2000; i++)
            core_ok(bfci_spill_put(s, (const uint8_t *)mark, sizeof mark, why));
        assert_int_equal(file_holds(mark), !sealed);
        bfci_spill_free(s);
    }
}

static void test_spill__sees_that_it_was_changed(void **state)
{
    static uint8_t bytes[PUT];
    bfci_spill *s = NULL;
    bfc_err err = BFC_ERR_INIT;

    (void)state;
    core_ok(bfci_spill_new("/tmp/none", true, &s, why));
    core_ok(bfci_spill_put(s, bytes, sizeof bytes, why));
    for (int fd = 3; fd < 64; fd++) {
        char link[64], target[256] = "";
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) > 0 && strncmp(target, "/tmp/", 5) == 0)
            assert_int_equal(pwrite(fd, "x", 1, 40000), 1);
    }
    core_ok(bfci_spill_read(s, 0, bytes, 1000, why));
    assert_int_equal(bfci_spill_read(s, 39000, bytes, 5000, &err), BFC_E_IO);
    bfci_spill_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_spill__comes_back),
        CORE_TEST(test_spill__sealed_hides_what_was_put),
        CORE_TEST(test_spill__sees_that_it_was_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
