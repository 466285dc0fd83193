/* SPDX-License-Identifier: Apache-2.0 */
/* Where logins are looked for and put, and the programs that keep them: scripts of the test's own.
 */
#include "../sys/scratch.h"

#include <sys/wait.h>

#include "net/credential_helper.h"
#include "net/credentials.h"

#define A "{\"auth\":\"dTpw\"}" /* u:p */
#define B "{\"auth\":\"eDp5\"}" /* x:y */

static const bfci_credential_options plain = BFCI_CREDENTIAL_OPTIONS_INIT;

static const char *const variables[] = {"REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR",
                                        "XDG_CONFIG_HOME",    "HOME",          "PATH"};

static void set(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void set_below(const struct scratch *s, const char *name, const char *below)
{
    char path[512];
    scratch_path(s, below, path);
    set(name, path);
}

static void put(const struct scratch *s, const char *name, const char *text)
{
    AUTO_FREE char *folder = NULL;
    char path[512];
    AUTO_FD int fd = -1;

    scratch_path(s, name, path);
    assert_int_equal(bfci_memdup_str(path, (size_t)(strrchr(path, '/') - path), &folder, NULL), 0);
    assert_int_equal(bfci_make_dirs(folder, 0700, NULL), 0);
    assert_int_equal(bfci_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd, NULL), 0);
    assert_int_equal(bfci_write_all(fd, text, strlen(text), NULL), 0);
}

/* A helper that keeps one login for each server in a file, and notes what it was asked. */
static void put_helper(const struct scratch *s, const char *name, const char *script)
{
    char path[512], file[128];
    AUTO_FREE char *text = NULL;

    assert_int_equal(bfci_asprintf(&text, NULL, "#!/bin/sh\ncd '%s'\n%s\n", s->path, script), 0);
    (void)snprintf(file, sizeof file, "bin/docker-credential-%s", name);
    put(s, file, text);
    scratch_path(s, file, path);
    assert_int_equal(chmod(path, 0700), 0);
}

static int setup(void **state)
{
    (void)scratch_setup(state);
    const struct scratch *s = *state;
    char path[600];

    for (size_t i = 0; i < ARRAY_LEN(variables); i++)
        set(variables[i], NULL);
    set("HOME", s->path);
    set_below(s, "XDG_RUNTIME_DIR", "run");
    (void)snprintf(path, sizeof path, "%s/bin:/usr/bin:/bin", s->path);
    set("PATH", path);
    return 0;
}

static void find(const char *name, const bfci_credential_options *options, const char *want)
{
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    bool found = false;
    char got[256] = "none";
    bfc_err err = BFC_ERR_INIT;

    if (bfci_credentials_find(name, options, &c, &found, &err) < 0)
        fail_msg("%s", err.msg);
    if (found)
        (void)snprintf(got, sizeof got, "%s %s %s", c.username ? c.username : "-",
                       c.password ? c.password : "-", c.identity_token ? c.identity_token : "-");
    assert_string_equal(got, want);
}

static void find_fails(const char *name, int code, const char *part)
{
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    bool found = false;
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_credentials_find(name, &plain, &c, &found, &err), code);
    if (!strstr(err.msg, part))
        fail_msg("'%s' is not in: %s", part, err.msg);
    if (strstr(err.msg, "sesame"))
        fail_msg("a secret in: %s", err.msg);
}

static void test_credentials__order(void **state)
{
    struct scratch *s = *state;

    find("q.io", &plain, "none");
    put(s, ".dockercfg", "{\"q.io\":{\"auth\":\"bzo0\"}}"); /* o:4 */
    find("q.io", &plain, "o 4 -");
    put(s, ".docker/config.json", "{\"auths\":{\"q.io\":{\"auth\":\"bzoz\"}}}");
    find("q.io", &plain, "o 3 -");
    put(s, ".config/containers/auth.json", "{\"auths\":{\"q.io\":{\"auth\":\"bzoy\"}}}");
    find("q.io", &plain, "o 2 -");
    put(s, "run/containers/auth.json", "{\"auths\":{\"q.io\":{\"auth\":\"bzox\"}}}");
    find("q.io/a/b", &plain, "o 1 -");
    put(s, "run/containers/auth.json", "{\"auths\":{\"q.io\":{}}}");
    find("q.io", &plain, "o 2 -");
    set_below(s, "XDG_CONFIG_HOME", "none");
    find("q.io", &plain, "o 3 -");
    set_below(s, "DOCKER_CONFIG", "docker");
    find("q.io", &plain, "none");
    put(s, "docker/config.json", "{\"auths\":{\"q.io\":" A "}}");
    find("q.io", &plain, "u p -");
    set_below(s, "REGISTRY_AUTH_FILE", "named");
    find("q.io", &plain, "none");
    put(s, "named", "{\"auths\":{\"q.io\":" B "}}");
    find("q.io", &plain, "x y -");
    find("q.io", &(bfci_credential_options){"/nonexistent", NULL, NULL}, "none");
    put(s, "named", "not json: sesame");
    find_fails("q.io", BFC_E_INVALID, "named' is no file with logins");
}

static void test_credentials__names(void **state)
{
    (void)state;
    find_fails("", BFC_E_INVALID, "is no registry");
    find_fails("https://q.io", BFC_E_INVALID, "without 'https://'");
    find_fails("q.io/A", BFC_E_INVALID, "path of a repository");
    find_fails("q.io/a:1", BFC_E_INVALID, "path of a repository");
    find_fails("q.io/", BFC_E_INVALID, "path of a repository");
    find_fails("-x", BFC_E_INVALID, "is no registry");
}

static unsigned mode_of(const struct scratch *s, const char *name)
{
    struct stat st;
    assert_int_equal(fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

static void store(const char *name, const char *user, const char *password, const char *end)
{
    AUTO_FREE char *where = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_credentials_store(name, user, password, &plain, &where, &err) < 0)
        fail_msg("%s", err.msg);
    size_t len = strlen(where), end_len = strlen(end);
    assert_true(len >= end_len);
    assert_string_equal(where + len - end_len, end);
}

static void test_credentials__files(void **state)
{
    struct scratch *s = *state;
    char path[512];

    store("q.io", "u", "open:sesame", "/run/containers/auth.json");
    assert_int_equal(mode_of(s, "run/containers/auth.json"), 0600);
    assert_int_equal(mode_of(s, "run/containers"), 0700);
    assert_false(scratch_has(s, "run/containers/auth.json.lock"));
    find("q.io", &plain, "u open:sesame -");
    put(s, "run/containers/auth.json", "{\"other\":1,\"auths\":{\"z.io\":" A "}}");
    scratch_path(s, "run/containers/auth.json", path);
    assert_int_equal(chmod(path, 0644), 0);
    store("q.io/a", "x", "y", "/auth.json");
    assert_int_equal(mode_of(s, "run/containers/auth.json"), 0600);
    find("z.io", &plain, "u p -");
    find("q.io/a/b", &plain, "x y -");
    find("q.io", &plain, "none");
    assert_int_equal(bfci_credentials_erase("q.io", &plain, NULL), BFC_E_NOT_FOUND);
    assert_int_equal(bfci_credentials_erase("q.io/a", &plain, NULL), 0);
    assert_int_equal(bfci_credentials_erase("z.io", &plain, NULL), 0);
    scratch_expect(s, "run/containers/auth.json", "{\n    \"other\": 1,\n    \"auths\": {}\n}\n");
}

static void test_credentials__docker(void **state)
{
    struct scratch *s = *state;

    store("docker.io", "u", "p", "/run/containers/auth.json");
    scratch_expect(s, "run/containers/auth.json",
                   "{\n    \"auths\": {\n        \"docker.io\": {\n            \"auth\": \"dTpw\"\n"
                   "        }\n    }\n}\n");
    set_below(s, "DOCKER_CONFIG", "docker");
    store("docker.io", "x", "y", "/docker/config.json");
    scratch_expect(s, "docker/config.json",
                   "{\n    \"auths\": {\n        \"https://index.docker.io/v1/\": {\n"
                   "            \"auth\": \"eDp5\"\n        }\n    }\n}\n");
    find("docker.io/library/alpine", &plain, "x y -");
    assert_int_equal(bfci_credentials_erase("docker.io", &plain, NULL), 0);
    find("docker.io", &plain, "none");
}

/* A file that somebody keeps elsewhere stays there. */
static void test_credentials__link(void **state)
{
    struct scratch *s = *state;

    put(s, "kept/config.json", "{}");
    scratch_link(s, "kept/config.json", "named");
    set_below(s, "REGISTRY_AUTH_FILE", "named");
    store("q.io", "u", "p", "/kept/config.json");
    find("q.io", &plain, "u p -");
    struct stat st;
    assert_int_equal(fstatat(s->fd, "named", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISLNK(st.st_mode));
}

static const char keeper[] =
    "read -r line || true\n"
    "echo \"$1 $line\" >>asked\n"
    "case $1 in\n"
    "get) cat login 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; };;\n"
    "store) printf '{\"ServerURL\":\"s\",\"Username\":\"kept\",\"Secret\":\"sesame\"}' >login;;\n"
    "erase) rm login 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; "
    "};;\n"
    "esac";

static void test_credentials__helper(void **state)
{
    struct scratch *s = *state;

    put_helper(s, "keeper", keeper);
    put(s, "run/containers/auth.json",
        "{\"credHelpers\":{\"q.io\":\"keeper\"},\"auths\":{\"q.io\":" A ",\"z.io\":" A "}}");
    find("q.io/a", &plain, "none"); /* whoever has a helper has no other login there */
    find("z.io", &plain, "u p -");
    store("q.io", "n", "p", "credential helper keeper");
    find("q.io/a", &plain, "kept sesame -");
    assert_int_equal(bfci_credentials_erase("q.io", &plain, NULL), 0);
    find("q.io", &plain, "none");
    assert_int_equal(bfci_credentials_erase("q.io", &plain, NULL), BFC_E_NOT_FOUND);
    AUTO_FREE char *where = NULL;
    assert_int_equal(bfci_credentials_store("q.io/a", "n", "p", &plain, &where, NULL),
                     BFC_E_INVALID);
    put(s, "login", "{\"ServerURL\":\"s\",\"Username\":\"<token>\",\"Secret\":\"tok\"}");
    find("q.io", &plain, "- - tok");
}

static void test_credentials__store_for_all(void **state)
{
    struct scratch *s = *state;

    put_helper(s, "keeper", keeper);
    put(s, ".docker/config.json",
        "{\"credsStore\":\"keeper\",\"auths\":{\"docker.io\":{},\"z.io\":" A "}}");
    find("docker.io/library/x", &plain, "none");
    find("z.io", &plain, "u p -");
    set_below(s, "DOCKER_CONFIG", ".docker");
    store("docker.io", "n", "p", "credential helper keeper");
    find("docker.io/library/x", &plain, "kept sesame -");
    assert_int_equal(bfci_credentials_erase("docker.io", &plain, NULL), 0);
    scratch_expect(s, "asked",
                   "get https://index.docker.io/v1/\nstore {\n"
                   "get https://index.docker.io/v1/\nerase https://index.docker.io/v1/\n");
}

static void test_credentials__global_helpers(void **state)
{
    struct scratch *s = *state;
    const bfci_credential_options both = {
        .helpers = (const char *const[]){"keeper", "containers-auth.json", NULL}};
    AUTO_FREE char *where = NULL;

    put_helper(s, "keeper", keeper);
    put(s, "run/containers/auth.json", "{\"auths\":{\"q.io\":" A "}}");
    find("q.io/a", &both, "u p -");
    assert_int_equal(bfci_credentials_store("q.io", "n", "p", &both, &where, NULL), 0);
    assert_string_equal(where, "credential helper keeper");
    find("q.io/a", &both, "kept sesame -");
    assert_int_equal(bfci_credentials_erase("q.io", &both, NULL), 0);
    find("q.io/a", &both, "none");
}

static void test_credentials__bad_helpers(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *helper, *script;
        int code;
        const char *part;
    } cases[] = {
        {"none", NULL, BFC_E_NOT_FOUND, "docker-credential-none"},
        {"../x", NULL, BFC_E_INVALID, "no name of a credential helper"},
        {"-x", NULL, BFC_E_INVALID, "no name of a credential helper"},
        {"a b", NULL, BFC_E_INVALID, "no name of a credential helper"},
        {"fails", "echo sesame; echo sesame >&2; exit 3", BFC_E_DENIED, "exit code 3"},
        {"empty", "exit 0", BFC_E_INVALID, "is not one of a credential helper"},
        {"text", "echo sesame", BFC_E_INVALID, "is not one of a credential helper"},
        {"half", "echo '{\"Username\":\"sesame\"}'", BFC_E_INVALID, "is not one of a"},
        {"kinds", "echo '{\"Username\":\"sesame\",\"Secret\":1}'", BFC_E_INVALID,
         "is not one of a"},
        {"endless", "exec yes sesame", BFC_E_LIMIT, "wrote more than"},
    };
    char json[128];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (cases[i].script)
            put_helper(s, cases[i].helper, cases[i].script);
        (void)snprintf(json, sizeof json, "{\"credHelpers\":{\"q.io\":\"%s\"}}", cases[i].helper);
        put(s, "run/containers/auth.json", json);
        find_fails("q.io", cases[i].code, cases[i].part);
        find("z.io", &plain, "none");
    }
}

/* A helper is found by what the user has set, such as where the keyring listens. */
static void test_credentials__environment(void **state)
{
    struct scratch *s = *state;

    put_helper(s, "env", "printf '{\"Username\":\"%s\",\"Secret\":\"p\"}' \"$BFC_TEST_KEYRING\"");
    put(s, "run/containers/auth.json", "{\"credHelpers\":{\"q.io\":\"env\"}}");
    set("BFC_TEST_KEYRING", "here");
    find("q.io", &plain, "here p -");
    set("BFC_TEST_KEYRING", NULL);
}

static void test_credentials__long_secret(void **state)
{
    struct scratch *s = *state;
    AUTO_FREE char *secret = calloc(1, AUTH_SECRET_MAX + 2);
    AUTO_FREE char *where = NULL;
    bfc_err err = BFC_ERR_INIT;

    assert_non_null(secret);
    memset(secret, 'a', AUTH_SECRET_MAX + 1);
    assert_int_equal(bfci_credentials_store("q.io", "u", secret, &plain, &where, &err),
                     BFC_E_LIMIT);
    assert_null(strstr(err.msg, "aaa"));
    secret[AUTH_SECRET_MAX] = '\0';
    store("q.io", "u", secret, "/auth.json");
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    bool found = false;
    assert_int_equal(bfci_credentials_find("q.io", &plain, &c, &found, NULL), 0);
    assert_string_equal(c.password, secret);
    put_helper(s, "eater", "cat >eaten");
    assert_int_equal(bfci_helper_store("eater", "q.io", "u", secret, NULL, &err), 0);
    assert_int_equal(bfci_helper_store("eater", "q.io", "u", "\xff", NULL, &err), BFC_E_INVALID);
}

/* Several at once: no login is lost. */
static void test_credentials__together(void **state)
{
    (void)state;
    enum {
        MANY = 4
    };
    pid_t child[MANY];

    for (int i = 0; i < MANY; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            AUTO_FREE char *where = NULL;
            char name[16];
            int rc = BFC_E_BUSY;
            (void)snprintf(name, sizeof name, "r%d.io", i);
            while (rc == BFC_E_BUSY)
                rc = bfci_credentials_store(name, "u", "p", &plain, &where, NULL);
            _exit(rc != 0);
        }
    }
    for (int i = 0; i < MANY; i++) {
        int status = -1;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    find("r0.io", &plain, "u p -");
    find("r1.io", &plain, "u p -");
    find("r2.io", &plain, "u p -");
    find("r3.io", &plain, "u p -");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_credentials__order),         TEST(test_credentials__names),
        TEST(test_credentials__files),         TEST(test_credentials__docker),
        TEST(test_credentials__link),          TEST(test_credentials__helper),
        TEST(test_credentials__store_for_all), TEST(test_credentials__global_helpers),
        TEST(test_credentials__bad_helpers),   TEST(test_credentials__environment),
        TEST(test_credentials__long_secret),   TEST(test_credentials__together),
    };
    return cmocka_run_group_tests_name("net credentials", tests, NULL, NULL);
}
