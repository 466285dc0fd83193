/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines, progress and the cancel flag, with and without hooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hooks.h"
#include <bfc/version.h>

struct seen {
    int logs, steps;
    char line[64];
};

static void on_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    struct seen *seen = ctx;
    seen->logs++;
    assert_int_equal(level, BFC_LOG_INFO);
    assert_string_equal(module, "test");
    assert_true(strlen(msg) < BFC_ERR_MSG_MAX);
    memcpy(seen->line, msg, MIN(strlen(msg) + 1, sizeof seen->line));
}

static void on_progress(void *ctx, const bfc_progress *progress)
{
    struct seen *seen = ctx;
    seen->steps += (int)progress->files_done;
}

static void test_hooks__none(void **state)
{
    (void)state;
    bfc_hooks empty = {NULL, NULL, NULL, NULL};
    bfc_progress p = {"create", 0, 0, 1, 0};
    bfci_log(NULL, BFC_LOG_INFO, "test", "%d", 1);
    bfci_log(&empty, BFC_LOG_INFO, "test", "%d", 1);
    bfci_progress(NULL, &p);
    bfci_progress(&empty, &p);
    assert_int_equal(bfci_check_cancel(NULL, NULL), 0);
    assert_int_equal(bfci_check_cancel(&empty, NULL), 0);
}

static void test_hooks__called(void **state)
{
    (void)state;
    struct seen seen = {0, 0, ""};
    bfc_hooks hooks = {on_log, on_progress, &seen, NULL};
    bfci_log(&hooks, BFC_LOG_INFO, "test", "n=%d", 42);
    assert_int_equal(seen.logs, 1);
    assert_string_equal(seen.line, "n=42");
    bfci_log(&hooks, BFC_LOG_INFO, "test", "%5000d", 42);
    assert_int_equal(seen.logs, 2);
    bfci_progress(&hooks, &(bfc_progress){"create", 0, 0, 7, 0});
    assert_int_equal(seen.steps, 7);
}

static void test_hooks__cancel(void **state)
{
    (void)state;
    int flag = 0;
    bfc_err err = BFC_ERR_INIT;
    bfc_hooks hooks = {NULL, NULL, NULL, &flag};
    assert_int_equal(bfci_check_cancel(&hooks, &err), 0);
    __atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
    assert_true(bfci_cancelled(&hooks));
    assert_int_equal(bfci_check_cancel(&hooks, &err), BFC_E_CANCELLED);
    assert_string_equal(err.msg, "interrupted");
}

static void test_hooks__version(void **state)
{
    (void)state;
    assert_string_equal(bfc_version(), BFC_VERSION_STRING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hooks__none),
        cmocka_unit_test(test_hooks__called),
        cmocka_unit_test(test_hooks__cancel),
        cmocka_unit_test(test_hooks__version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
