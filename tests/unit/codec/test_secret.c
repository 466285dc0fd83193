/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets. That it is guarded is seen by writing beyond it, in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec/secret.h"

static void test_secret__zeroed(void **state)
{
    (void)state;
    static const uint8_t zeros[4097];
    static const size_t sizes[] = {0, 1, BFCI_KEY_SIZE, 4096, 4097};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        AUTO_SECRET uint8_t *secret = NULL;
        assert_int_equal(bfci_secret_new(sizes[i], &secret, NULL), 0);
        assert_non_null(secret);
        assert_memory_equal(secret, zeros, sizes[i]);
        memset(secret, 0x5a, sizes[i]);
    }
    bfci_secret_free(NULL);
}

/* Ended by the guard page, or by a sanitizer that saw it coming. */
static void test_secret__guarded(void **state)
{
    (void)state;
    AUTO_SECRET uint8_t *secret = NULL;
    assert_int_equal(bfci_secret_new(BFCI_KEY_SIZE, &secret, NULL), 0);
    volatile uint8_t *beyond = secret + BFCI_KEY_SIZE;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        *beyond = 1;
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void test_secret__same(void **state)
{
    (void)state;
    assert_true(bfci_same("abc", "abd", 2));
    assert_false(bfci_same("abc", "abd", 3));
    assert_false(bfci_same("abc", "bbc", 3));
    assert_true(bfci_same("a", "b", 0));
}

static void test_secret__wipe(void **state)
{
    (void)state;
    uint8_t bytes[] = {1, 2, 3, 4};
    bfci_wipe(bytes, 3);
    assert_memory_equal(bytes, "\0\0\0\4", 4);
}

static void *allocate(void *unused)
{
    (void)unused;
    uint8_t *secret = NULL;
    return bfci_secret_new(BFCI_KEY_SIZE, &secret, NULL) == 0 ? secret : NULL;
}

/* The first calls of libsodium, all at once. */
static void test_secret__from_threads(void **state)
{
    (void)state;
    enum {
        THREADS = 8
    };
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *secret = NULL;
        assert_int_equal(pthread_join(threads[i], &secret), 0);
        assert_non_null(secret);
        bfci_secret_free(secret);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret__from_threads), cmocka_unit_test(test_secret__zeroed),
        cmocka_unit_test(test_secret__guarded),      cmocka_unit_test(test_secret__same),
        cmocka_unit_test(test_secret__wipe),
    };
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
