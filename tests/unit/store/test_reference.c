/* SPDX-License-Identifier: Apache-2.0 */
/* Image names: what is accepted and what it becomes, what is refused and what the message says, and
 * the way through one file name and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "store/reference.h"

#define A10 "aaaaaaaaaa"
#define A50 A10 A10 A10 A10 A10
#define A100 A50 A50

static const struct {
    const char *name, *canonical, *last, *tag, *registry;
} good[] = {
    {"debian", "debian:latest", "debian:latest", "latest", ""},
    {"debian:12", "debian:12", "debian:12", "12", ""},
    {"library/nginx:1.25", "library/nginx:1.25", "nginx:1.25", "1.25", ""},
    {"a", "a:latest", "a:latest", "latest", ""},
    {"0/1/2:3", "0/1/2:3", "2:3", "3", ""},
    {"a.b_c__d-e---f", "a.b_c__d-e---f:latest", "a.b_c__d-e---f:latest", "latest", ""},
    {"x:_", "x:_", "x:_", "_", ""},
    {"x:A.b-C_9", "x:A.b-C_9", "x:A.b-C_9", "A.b-C_9", ""},
    {"x:" A100 A10 A10 "12345678", "x:" A100 A10 A10 "12345678", "x:" A100 A10 A10 "12345678",
     A100 A10 A10 "12345678", ""},
    {"localhost/app", "localhost/app:latest", "app:latest", "latest", "localhost"},
    {"localhost:5000", "localhost:5000", "localhost:5000", "5000", ""},
    {"localhost:5000/app:1", "localhost:5000/app:1", "app:1", "1", "localhost:5000"},
    {"localhost:5000/app", "localhost:5000/app:latest", "app:latest", "latest", "localhost:5000"},
    {"quay.example/team/app:v1", "quay.example/team/app:v1", "app:v1", "v1", "quay.example"},
    {"Quay.Example:443/app", "quay.example:443/app:latest", "app:latest", "latest",
     "quay.example:443"},
    {"10.0.0.1:80/a", "10.0.0.1:80/a:latest", "a:latest", "latest", "10.0.0.1:80"},
    {"[::1]:5000/app:2", "[::1]:5000/app:2", "app:2", "2", "[::1]:5000"},
    {"[2001:DB8::1]/app", "[2001:db8::1]/app:latest", "app:latest", "latest", "[2001:db8::1]"},
    {"my-host.a-b.c/x", "my-host.a-b.c/x:latest", "x:latest", "latest", "my-host.a-b.c"},
    {"foo.bfc:1", "foo.bfc:1", "foo.bfc:1", "1", ""},
    {"a:1/a:2.bfc", "a:1/a:2.bfc", "a:2.bfc", "2.bfc", "a:1"},
};

static void test_reference__takes_good_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        bfci_reference ref;
        bfc_err err = BFC_ERR_INIT;
        if (bfci_reference_parse(good[i].name, &ref, &err) < 0)
            fail_msg("'%s' was refused: %s", good[i].name, err.msg);
        assert_string_equal(ref.text, good[i].canonical);
        assert_int_equal(ref.len, strlen(good[i].canonical));
        assert_string_equal(ref.text + ref.last_at, good[i].last);
        assert_string_equal(ref.text + ref.tag_at, good[i].tag);
        assert_int_equal(ref.registry_len, strlen(good[i].registry));
        assert_memory_equal(ref.text, good[i].registry, ref.registry_len);

        bfci_reference again;
        assert_true(bfci_reference_is_canonical(ref.text, &again));
        assert_string_equal(again.text, ref.text);
        assert_int_equal(bfci_reference_is_canonical(good[i].name, &again),
                         strcmp(good[i].name, good[i].canonical) == 0);
    }
}

/* The name, and what the message must tell. */
static const struct {
    const char *name, *message;
} bad[] = {
    {"", "empty"},
    {"/", "empty part"},
    {"/a", "empty part"},
    {"a/", "empty part"},
    {"a//b", "empty part"},
    {"a/:1", "empty part"},
    {":", "empty part"},
    {":x", "empty part"},
    {"x:", "tag ''"},
    {"x:-1", "tag '-1'"},
    {"x:.1", "tag '.1'"},
    {"x:a b", "tag 'a b'"},
    {"x:a+b", "tag 'a+b'"},
    {"x:" A100 A10 A10 "123456789", "1 to 128"},
    {"x:1:2", "part 'x:1'"},
    {"a:1/b:2:3", "part 'b:2'"},
    {"..", "part '..'"},
    {"../x", "part '..'"},
    {"a/../b", "part '..'"},
    {"./a", "part '.'"},
    {".a", "part '.a'"},
    {"-x", "part '-x'"},
    {"x-", "part 'x-'"},
    {"_x", "part '_x'"},
    {"a___b", "part 'a___b'"},
    {"a..b", "part 'a..b'"},
    {"a._b", "part 'a._b'"},
    {"a-.b", "part 'a-.b'"},
    {"A", "lower-case"},
    {"a/B:1", "part 'B'"},
    {"Foo/bar", "part 'Foo'"},
    {"a b", "part 'a b'"},
    {"a\nb", "\\x0a"},
    {"a\\b", "part"},
    {"a*", "part"},
    {"a+b", "part 'a+b'"},
    {"\xff", "\\xff"},
    {"\xc3\xa9", "part"},
    {"a@sha256:0", "digest"},
    {"a:1@sha256:0", "digest"},
    {"a..b/c", "registry 'a..b'"},
    {"a./c", "registry 'a.'"},
    {"a.-b/c", "registry"},
    {"a-.b/c", "registry"},
    {"a_b.c/d", "registry"},
    {"host:/a", "registry 'host:'"},
    {"host:0/a", "registry"},
    {"host:65536/a", "registry"},
    {"host:123456/a", "registry"},
    {"host:5x/a", "registry"},
    {"host:1:2/a", "registry"},
    {"[::1/a", "registry"},
    {"[]/a", "registry"},
    {"[::1]x/a", "registry"},
    {"[::g]/a", "registry"},
    {"a.b/", "empty part"},
    {"a:1/a:1.bfc", "the image 'a:1' keeps its file there"},
    {A100 A100 A50 ":1", "too long"},
    {A100 A100 A50 A50, "too long"},
};

static void test_reference__refuses_bad_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bfci_reference ref;
        bfc_err err = BFC_ERR_INIT;
        memset(&ref, 0x5a, sizeof ref);
        const bfci_reference before = ref;
        int rc = bfci_reference_parse(bad[i].name, &ref, &err);
        if (rc != BFC_E_INVALID)
            fail_msg("'%s' gave %d", bad[i].name, rc);
        if (!strstr(err.msg, bad[i].message))
            fail_msg("'%s': the message does not tell \"%s\": %s", bad[i].name, bad[i].message,
                     err.msg);
        assert_memory_equal(&ref, &before, sizeof ref); /* outputs are untouched */
        assert_false(bfci_reference_is_canonical(bad[i].name, &ref));
    }
}

static void test_reference__length_is_limited_exactly(void **state)
{
    (void)state;
    char name[300];
    bfci_reference ref;

    memset(name, 'a', sizeof name);
    memcpy(name + BFCI_REFERENCE_MAX - 2, ":1", 3);
    assert_int_equal(bfci_reference_parse(name, &ref, NULL), 0);
    assert_int_equal(ref.len, BFCI_REFERENCE_MAX);
    memcpy(name + BFCI_REFERENCE_MAX - 2, "a:1", 4);
    assert_int_equal(bfci_reference_parse(name, &ref, NULL), BFC_E_INVALID);
    name[BFCI_REFERENCE_MAX - 6] = '\0'; /* ":latest" does not fit behind it */
    assert_int_equal(bfci_reference_parse(name, &ref, NULL), BFC_E_INVALID);
    name[BFCI_REFERENCE_MAX - 7] = '\0';
    assert_int_equal(bfci_reference_parse(name, &ref, NULL), 0);
}

static void test_reference__escape_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        bfci_reference ref, back;
        char part[BFCI_REFERENCE_MAX + 1];
        assert_int_equal(bfci_reference_parse(good[i].name, &ref, NULL), 0);
        bfci_reference_escape(&ref, part);
        assert_null(strchr(part, '/'));
        assert_true(part[0] != '.' && part[0] != '-');
        assert_true(bfci_reference_unescape(part, &back));
        assert_string_equal(back.text, ref.text);
        assert_int_equal(back.tag_at, ref.tag_at);
    }
    static const char *const no_escape[] = {"",   "debian", "a/b:1",      "a++b:1",      "+a:1",
                                            ".x", "A:1",    "lost+found", A100 A100 A100};
    for (size_t i = 0; i < ARRAY_LEN(no_escape); i++) {
        bfci_reference back;
        assert_false(bfci_reference_unescape(no_escape[i], &back));
    }
}

static void test_reference__parts(void **state)
{
    (void)state;
    static const char *const yes[] = {"debian",       "debian:12", "localhost:5000", "[::1]:5000",
                                      "quay.example", "a__b",      "x:A_b"};
    static const char *const no[] = {"",        ".bfc-tmp", "..",           "-x",      "lost+found",
                                     "debian:", "a b",      "debian:12:13", "a:1.bfc/"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!bfci_reference_part_ok(yes[i]))
            fail_msg("'%s' was refused", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (bfci_reference_part_ok(no[i]))
            fail_msg("'%s' was taken", no[i]);
}

/* ── Random names: what is taken is a fixed point, and safe as a path ── */

static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void random_name(uint64_t *seed, char *out)
{
    static const char letters[] = "aab01.__-:://Z[]@+x";
    size_t len = next_random(seed) % 24;

    for (size_t i = 0; i < len; i++)
        out[i] = letters[next_random(seed) % (sizeof letters - 1)];
    out[len] = '\0';
}

static void check_taken(const char *name, const bfci_reference *ref)
{
    bfci_reference again, back;
    char part[BFCI_REFERENCE_MAX + 1], path[BFCI_REFERENCE_MAX + 1];
    char *rest = path;

    assert_true(bfci_reference_is_canonical(ref->text, &again));
    assert_memory_equal(&again, ref, sizeof again);
    bfci_reference_escape(ref, part);
    assert_true(bfci_reference_unescape(part, &back));
    assert_string_equal(back.text, ref->text);
    memcpy(path, ref->text, ref->len + 1);
    for (char *p = strsep(&rest, "/"); p; p = strsep(&rest, "/"))
        if (!bfci_reference_part_ok(p))
            fail_msg("'%s': part '%s' could not be found by a scan", name, p);
}

static void test_reference__random_names(void **state)
{
    (void)state;
    const char *given = getenv("BFC_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    unsigned taken = 0;

    print_message("seed: BFC_TEST_SEED=%llu\n", (unsigned long long)seed);
    for (int i = 0; i < 200000; i++) {
        char name[32];
        bfci_reference ref;
        memset(&ref, 0, sizeof ref);
        random_name(&seed, name);
        if (bfci_reference_parse(name, &ref, NULL) < 0)
            continue;
        taken++;
        check_taken(name, &ref);
    }
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference__takes_good_names),
        cmocka_unit_test(test_reference__refuses_bad_names),
        cmocka_unit_test(test_reference__length_is_limited_exactly),
        cmocka_unit_test(test_reference__escape_comes_back),
        cmocka_unit_test(test_reference__parts),
        cmocka_unit_test(test_reference__random_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
