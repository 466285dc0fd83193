/* SPDX-License-Identifier: Apache-2.0 */
/* A bunch of keys: what is taken, what is refused and in which words, files that others can read,
 * key pairs, and the cost of a new password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/keys.h"
#include "format/key_slot.h"
#include "format/key_text.h"

struct keys_test {
    char folder[200], path[300];
    bfc_keys *keys;
    bfc_hooks hooks;
    char warning[600];
    unsigned warnings;
    bfc_err err;
};

static void note(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    struct keys_test *t = ctx;
    assert_int_equal(level, BFC_LOG_WARNING);
    assert_string_equal(module, "keys");
    (void)snprintf(t->warning, sizeof t->warning, "%s", msg);
    t->warnings++;
}

static int setup(void **state)
{
    struct keys_test *t = calloc(1, sizeof *t);
    const char *base = getenv("TMPDIR");
    assert_non_null(t);
    (void)snprintf(t->folder, sizeof t->folder, "%s/bfc-keys-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(t->folder));
    (void)snprintf(t->path, sizeof t->path, "%s/file", t->folder);
    t->hooks.log = note;
    t->hooks.ctx = t;
    assert_int_equal(bfc_keys_new(&t->hooks, &t->keys, &t->err), 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct keys_test *t = *state;
    bfc_keys_free(t->keys);
    (void)unlink(t->path);
    assert_int_equal(rmdir(t->folder), 0);
    free(t);
    return 0;
}

static void put(struct keys_test *t, const void *bytes, size_t len, unsigned mode)
{
    (void)unlink(t->path);
    FILE *file = fopen(t->path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(t->path, mode), 0);
}

static void put_text(struct keys_test *t, const char *text)
{
    put(t, text, strlen(text), 0600);
}

static const bfci_key *only(struct keys_test *t, enum bfci_key_kind kind)
{
    const bfci_key *key = bfci_keys_next(t->keys, kind, NULL);
    assert_non_null(key);
    assert_null(bfci_keys_next(t->keys, kind, key));
    return key;
}

static void expect_said(const struct keys_test *t, const char *words)
{
    if (!strstr(t->err.msg, words))
        fail_msg("'%s' is not in: %s", words, t->err.msg);
}

static void expect_password(struct keys_test *t, const char *password)
{
    const bfci_key *key = only(t, KEY_PASSWORD);
    assert_int_equal(key->len, strlen(password));
    assert_memory_equal(key->secret, password, key->len);
}

static void test_keys__password(void **state)
{
    struct keys_test *t = *state;
    static const char longest[BFC_PASSWORD_MAX + 1];

    assert_int_equal(bfc_keys_add_password(t->keys, "", 0, &t->err), BFC_E_INVALID);
    assert_int_equal(bfc_keys_add_password(t->keys, longest, sizeof longest, &t->err), BFC_E_LIMIT);
    assert_false(bfci_keys_can_open(t->keys));
    assert_true(bfci_keys_empty(t->keys));
    assert_int_equal(bfc_keys_add_password(t->keys, "p\0w", 3, &t->err), 0);
    assert_int_equal(only(t, KEY_PASSWORD)->len, 3);
    assert_true(bfci_keys_can_open(t->keys));
    assert_false(bfci_keys_empty(t->keys));
    assert_int_equal(bfc_keys_add_password(t->keys, longest, BFC_PASSWORD_MAX, &t->err), 0);
}

static void test_keys__password_file(void **state)
{
    struct keys_test *t = *state;
    put_text(t, "first line\r\nsecond\n");
    assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), 0);
    expect_password(t, "first line\r");
}

static void test_keys__password_file_without_newline(void **state)
{
    struct keys_test *t = *state;
    put_text(t, "only");
    assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), 0);
    expect_password(t, "only");

    char password[BFC_PASSWORD_MAX] = "";
    size_t len = 0;
    put(t, "again\nx", 7, 0644);
    assert_int_equal(bfc_password_read_file(t->path, &t->hooks, password, &len, &t->err), 0);
    assert_int_equal(len, 5);
    assert_memory_equal(password, "again\0", 6);
    assert_int_equal(t->warnings, 1);
    put_text(t, "\n");
    assert_int_equal(bfc_password_read_file(t->path, NULL, password, &len, &t->err), BFC_E_INVALID);
}

static void test_keys__password_file_refused(void **state)
{
    struct keys_test *t = *state;
    char line[BFC_PASSWORD_MAX + 2];

    put_text(t, "\nsecond\n");
    assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "first line is empty");
    memset(line, 'x', sizeof line);
    line[BFC_PASSWORD_MAX + 1] = '\n';
    put(t, line, sizeof line, 0600);
    assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), BFC_E_LIMIT);
    expect_said(t, t->path);
    expect_said(t, "1024");
    line[BFC_PASSWORD_MAX] = '\n';
    put(t, line, sizeof line, 0600);
    assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), 0);
    assert_int_equal(unlink(t->path), 0);
    assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), BFC_E_NOT_FOUND);
    assert_int_equal(bfc_keys_add_password_file(t->keys, t->folder, &t->err), BFC_E_INVALID);
    assert_int_equal(t->warnings, 0);
}

/* What follows the line is left for others. */
static void test_keys__password_fd(void **state)
{
    struct keys_test *t = *state;
    char rest[8] = "";
    int fd[2];

    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    assert_int_equal(write(fd[1], "pw\nrest", 7), 7);
    assert_int_equal(bfc_keys_add_password_fd(t->keys, fd[0], &t->err), 0);
    expect_password(t, "pw");
    assert_int_equal(read(fd[0], rest, sizeof rest), 4);
    assert_int_equal(close(fd[1]), 0);
    assert_int_equal(bfc_keys_add_password_fd(t->keys, fd[0], &t->err), BFC_E_INVALID);
    assert_int_equal(close(fd[0]), 0);
    assert_int_equal(bfc_keys_add_password_fd(t->keys, fd[0], &t->err), BFC_E_IO);
    expect_said(t, "descriptor");
}

static void test_keys__key_file(void **state)
{
    struct keys_test *t = *state;
    uint8_t bytes[BFC_KEY_FILE_SIZE + 1];
    memset(bytes, '\n', sizeof bytes); /* bytes like any other */

    put(t, bytes, BFC_KEY_FILE_SIZE - 1, 0600);
    assert_int_equal(bfc_keys_add_key_file(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "fewer than 32 bytes");
    put(t, bytes, BFC_KEY_FILE_SIZE + 1, 0600);
    assert_int_equal(bfc_keys_add_key_file(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "more than 32 bytes");
    put(t, bytes, BFC_KEY_FILE_SIZE, 0600);
    assert_int_equal(bfc_keys_add_key_file(t->keys, t->path, &t->err), 0);
    assert_memory_equal(only(t, KEY_FILE)->secret, bytes, BFC_KEY_FILE_SIZE);
}

static void test_keys__open_to_others(void **state)
{
    struct keys_test *t = *state;
    static const unsigned open[] = {0640, 0604, 0620, 0602, 0644}, closed[] = {0600, 0400, 0611};

    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        put(t, "password", 8, open[i]);
        t->warnings = 0;
        assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), 0);
        assert_int_equal(t->warnings, 1);
        assert_non_null(strstr(t->warning, t->path));
        assert_null(strstr(t->warning, "password"));
    }
    t->warnings = 0;
    for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
        put(t, "password", 8, closed[i]);
        assert_int_equal(bfc_keys_add_password_file(t->keys, t->path, &t->err), 0);
    }
    assert_int_equal(t->warnings, 0);
}

static void test_keys__pair(void **state)
{
    struct keys_test *t = *state;
    char text[BFC_KEY_TEXT_MAX], again[BFC_KEY_TEXT_MAX];
    uint8_t key[BFCI_KEY_SIZE];
    struct stat st;
    mode_t umask_before = umask(0);

    assert_int_equal(bfc_key_generate(BFC_KEY_IDENTITY, t->path, text, &t->err), 0);
    (void)umask(umask_before);
    assert_int_equal(stat(t->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(bfc_key_public(t->path, NULL, again, &t->err), 0);
    assert_string_equal(text, again);
    assert_int_equal(bfc_keys_add_identity(t->keys, t->path, &t->err), 0);
    assert_int_equal(bfci_key_text_decode_as(text, strlen(text), KEY_FORM_RECIPIENT, key, &t->err),
                     0);
    assert_memory_equal(only(t, KEY_IDENTITY)->public_key, key, sizeof key);

    /* Nothing is replaced, and nothing is left beside it (teardown removes the folder). */
    assert_int_equal(bfc_key_generate(BFC_KEY_SIGNING, t->path, again, &t->err), BFC_E_EXISTS);
    assert_int_equal(bfc_key_public(t->path, NULL, again, &t->err), 0);
    assert_string_equal(text, again);
}

static void test_keys__signing_pair(void **state)
{
    struct keys_test *t = *state;
    char text[BFC_KEY_TEXT_MAX], again[BFC_KEY_TEXT_MAX];

    assert_int_equal(bfc_key_generate(BFC_KEY_SIGNING, t->path, text, &t->err), 0);
    assert_int_equal(strncmp(text, "bfc-signer:", 11), 0);
    assert_int_equal(bfc_key_public(t->path, NULL, again, &t->err), 0);
    assert_string_equal(text, again);
    assert_int_equal(bfc_keys_add_identity(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "signing key");
    assert_int_equal(bfc_key_generate((enum bfc_key_kind)3, t->path, text, &t->err), BFC_E_INVALID);
}

static void test_keys__identity_file(void **state)
{
    struct keys_test *t = *state;
    char text[BFC_KEY_TEXT_MAX], with_remarks[BFC_KEY_TEXT_MAX + 64];
    uint8_t key[BFCI_KEY_SIZE] = {7};

    bfci_key_text_encode(KEY_FORM_IDENTITY, key, text);
    (void)snprintf(with_remarks, sizeof with_remarks, "# mine\n\n%s\n\n", text);
    put_text(t, with_remarks);
    assert_int_equal(bfc_keys_add_identity(t->keys, t->path, &t->err), 0);
    (void)snprintf(with_remarks, sizeof with_remarks, "%s\nx", text);
    put_text(t, with_remarks);
    assert_int_equal(bfc_keys_add_identity(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "one line");
    put_text(t, "");
    assert_int_equal(bfc_keys_add_identity(t->keys, t->path, &t->err), BFC_E_INVALID);
    bfci_key_text_encode(KEY_FORM_RECIPIENT, key, text);
    put_text(t, text);
    assert_int_equal(bfc_keys_add_identity(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "public key");
    put_text(t, "hunter2");
    assert_int_equal(bfc_keys_add_identity(t->keys, t->path, &t->err), BFC_E_INVALID);
    assert_null(strstr(t->err.msg, "hunter2"));
}

static void test_keys__recipients(void **state)
{
    struct keys_test *t = *state;
    char one[BFC_KEY_TEXT_MAX], two[BFC_KEY_TEXT_MAX], text[4 * BFC_KEY_TEXT_MAX];
    uint8_t key[BFCI_KEY_SIZE] = {9};
    const bfci_key *found = NULL;

    bfci_key_text_encode(KEY_FORM_RECIPIENT, key, one);
    key[1] = 1;
    bfci_key_text_encode(KEY_FORM_RECIPIENT, key, two);
    (void)snprintf(text, sizeof text, "# us\n%s\n\n%s", one, two);
    put(t, text, strlen(text), 0644); /* no secret, no warning */
    assert_int_equal(bfc_keys_add_recipient(t->keys, one, &t->err), 0);
    assert_int_equal(bfc_keys_add_recipient_file(t->keys, t->path, &t->err), 0);
    assert_int_equal(t->warnings, 0);
    found = bfci_keys_next(t->keys, KEY_RECIPIENT, NULL);
    found = bfci_keys_next(t->keys, KEY_RECIPIENT, found);
    assert_non_null(found);
    assert_int_equal(found->public_key[1], 1);
    assert_null(bfci_keys_next(t->keys, KEY_RECIPIENT, found));
    assert_false(bfci_keys_can_open(t->keys));
    assert_false(bfci_keys_empty(t->keys));

    (void)snprintf(text, sizeof text, "%s\n%s \n", one, two);
    put_text(t, text);
    assert_int_equal(bfc_keys_add_recipient_file(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "line 2");
    put_text(t, "# nobody\n");
    assert_int_equal(bfc_keys_add_recipient_file(t->keys, t->path, &t->err), BFC_E_INVALID);
    expect_said(t, "there are none");
    bfci_key_text_encode(KEY_FORM_SIGNER, key, one);
    assert_int_equal(bfc_keys_add_recipient(t->keys, one, &t->err), BFC_E_INVALID);
}

static void test_keys__set_cost(void **state)
{
    struct keys_test *t = *state;
    uint32_t passes = 0, memory = 0;

    assert_false(bfci_keys_cost(t->keys, &passes, &memory));
    assert_int_equal(bfc_keys_set_cost(t->keys, 3, 0, &t->err), BFC_E_INVALID);
    assert_int_equal(bfc_keys_set_cost(t->keys, 3, 8191, &t->err), BFC_E_LIMIT);
    assert_int_equal(bfc_keys_set_cost(t->keys, 65, 8192, &t->err), BFC_E_LIMIT);
    assert_int_equal(bfc_keys_set_cost(t->keys, 5, 8192, &t->err), 0);
    assert_true(bfci_keys_cost(t->keys, &passes, &memory));
    assert_int_equal(passes, 5);
    assert_int_equal(memory, 8192);
    assert_int_equal(bfc_keys_set_cost(t->keys, 0, 0, &t->err), 0);
    assert_false(bfci_keys_cost(t->keys, &passes, &memory));
}

/* From the time that 3 passes over 64 MiB took. */
static void test_keys__chosen_cost(void **state)
{
    (void)state;
    static const struct {
        uint64_t ms;
        uint32_t passes, memory_mib;
    } machines[] = {
        {0, 3, 64},    /* not measured */
        {1, 64, 256},  /* no faster than the format allows */
        {60, 12, 256}, /* fast */
        {250, 3, 256}, /* 83 ms a pass over 64 MiB: just a second */
        {260, 5, 128}, /* a bit slower: less memory, more passes */
        {600, 5, 64},  /* slow */
        {5000, 3, 64}, /* very slow: the least */
    };
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        uint32_t passes = 0, memory = 0;
        bfci_cost_of(machines[i].ms * 1000000, &passes, &memory);
        assert_int_equal(passes, machines[i].passes);
        assert_int_equal(memory, machines[i].memory_mib << 10);
        assert_int_equal(bfci_key_slot_check_cost("x", passes, memory, NULL), 0);
    }
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ONE(test_keys__password),
        ONE(test_keys__password_file),
        ONE(test_keys__password_file_without_newline),
        ONE(test_keys__password_file_refused),
        ONE(test_keys__password_fd),
        ONE(test_keys__key_file),
        ONE(test_keys__open_to_others),
        ONE(test_keys__pair),
        ONE(test_keys__signing_pair),
        ONE(test_keys__identity_file),
        ONE(test_keys__recipients),
        ONE(test_keys__set_cost),
        cmocka_unit_test(test_keys__chosen_cost),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
