/* SPDX-License-Identifier: Apache-2.0 */
/* registries.conf: what the files say together, and whom a name goes to by it. That the engines see
 * it the same way is the business of tests/e2e/net/test_registries.py. */
#include "../sys/scratch.h"

#include "net/registries_conf.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add(bfci_registries *r, const char *text)
{
    bfc_err err = BFC_ERR_INIT;
    if (bfci_registries_add(r, (const uint8_t *)text, strlen(text), "conf", &err) < 0)
        fail_msg("%s", err.msg);
}

/* Each endpoint as "host/path:tag", with "!" before it if it is insecure and "m" if it is a
 * mirror. */
static void expect(const bfci_registries *r, const char *typed, const char *want)
{
    AUTO_ENDPOINTS bfci_endpoints e = BFCI_ENDPOINTS_INIT;
    char got[4096] = "", text[REMOTE_TEXT_SIZE];
    size_t len = 0;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_registries_pull_endpoints(r, typed, &e, &err) < 0)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < e.count; i++) {
        bfci_remote_ref_text(&e.item[i].ref, text);
        len +=
            (size_t)snprintf(got + len, sizeof got - len, "%s%s%s%s", i ? " " : "",
                             e.item[i].insecure ? "!" : "", e.item[i].is_mirror ? "m " : "", text);
    }
    assert_string_equal(got, want);
}

static void refused(const bfci_registries *r, const char *typed, int code, const char *part)
{
    AUTO_ENDPOINTS bfci_endpoints e = BFCI_ENDPOINTS_INIT;
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_registries_pull_endpoints(r, typed, &e, &err), code);
    if (!strstr(err.msg, part))
        fail_msg("'%s' is not in: %s", part, err.msg);
    assert_int_equal(e.count, 0);
}

static void wrong(const char *text, const char *message)
{
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;
    bfc_err err = BFC_ERR_INIT;

    add(&r, "[[registry]]\nlocation='kept'\n[aliases]\nkept='q.io/kept'\n");
    if (bfci_registries_add(&r, (const uint8_t *)text, strlen(text), "conf", &err) != BFC_E_INVALID)
        fail_msg("%s: %s", text, err.msg);
    if (strncmp(err.msg, message, strlen(message)) != 0)
        fail_msg("not '%s': %s", message, err.msg);
    assert_int_equal(r.rule_count, 1);
    assert_int_equal(r.alias_count, 1);
    assert_null(r.search);
}

static void test_registries__none(void **state)
{
    (void)state;
    const bfci_registries none = BFCI_REGISTRIES_INIT;
    bfci_endpoint e;

    expect(&none, "alpine", "docker.io/library/alpine:latest");
    expect(&none, "docker://a/b:1", "docker.io/a/b:1");
    expect(&none, "q.io/a@sha256:" HEX, "q.io/a@sha256:" HEX);
    refused(&none, "A", BFC_E_INVALID, "no name of an image");
    assert_int_equal(bfci_registries_push_endpoint(&none, "a", &e, NULL), 0);
    assert_string_equal(e.ref.path, "library/a");
    assert_false(e.insecure);
}

static const char manual[] = /* the example of containers-registries.conf(5), and more */
    "[[registry]]\nprefix = \"example.com/foo\"\nlocation = \"internal.example.net/bar\"\n"
    "[[registry.mirror]]\nlocation = \"mirror-0.local/mirror-for-foo\"\n"
    "[[registry.mirror]]\nlocation = \"mirror-1.local/mirrors/foo/\"\ninsecure = true\n"
    "[[registry]]\nlocation = \"registry.com\"\n"
    "[[registry.mirror]]\nlocation = \"mirror.registry.com\"\n"
    "[[registry]]\nprefix = \"example.com/foo/deep\"\nlocation = \"Deep.example\"\ninsecure=true\n"
    "[[registry]]\nlocation = \"Plain.example:5000\"\ninsecure=true\n";

static void test_registries__rewriting(void **state)
{
    (void)state;
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;

    add(&r, manual);
    expect(&r, "example.com/foo/image",
           "m mirror-0.local/mirror-for-foo/image:latest "
           "!m mirror-1.local/mirrors/foo/image:latest internal.example.net/bar/image:latest");
    expect(&r, "registry.com/image:1", "m mirror.registry.com/image:1 registry.com/image:1");
    expect(&r, "example.com/foo/deep/er@sha256:" HEX, "!deep.example/er@sha256:" HEX);
    expect(&r, "example.com/foo/deeper",
           "m mirror-0.local/mirror-for-foo/deeper:latest "
           "!m mirror-1.local/mirrors/foo/deeper:latest "
           "internal.example.net/bar/deeper:latest");
    expect(&r, "example.com/food", "example.com/food:latest");
    expect(&r, "xexample.com/foo/a", "xexample.com/foo/a:latest");
    expect(&r, "registry.common/a", "registry.common/a:latest");
    expect(&r, "plain.example:5000/a", "!plain.example:5000/a:latest");
    expect(&r, "plain.example:50001/a", "plain.example:50001/a:latest");
    expect(&r, "example.com/foo",
           "m mirror-0.local/mirror-for-foo:latest "
           "!m mirror-1.local/mirrors/foo:latest internal.example.net/bar:latest");
    refused(&r, "example.com/foo/deep", BFC_E_INVALID, "becomes 'deep.example:latest'");
}

static void test_registries__wildcards(void **state)
{
    (void)state;
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;

    add(&r, "[[registry]]\nprefix='*.example.com'\ninsecure=true\n"
            "[[registry.mirror]]\nlocation='m.local'\n"
            "[[registry]]\nprefix='*.blue.example.com'\nlocation='blue.local'\n"
            "[[registry]]\nprefix='a.blue.example.com'\nlocation='a.local'\n");
    expect(&r, "b.example.com:5000/i", "m m.local:5000/i:latest !b.example.com:5000/i:latest");
    expect(&r, "example.com/i", "example.com/i:latest");
    expect(&r, "xexample.com/i", "xexample.com/i:latest");
    expect(&r, "b.blue.example.com/i:1", "blue.local/i:1");
    expect(&r, "q.io/b.example.com/i", "q.io/b.example.com/i:latest");
    expect(&r, "b.example.com.evil.io/i", "b.example.com.evil.io/i:latest");
}

static void test_registries__mirror_use(void **state)
{
    (void)state;
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;

    add(&r, "[[registry]]\nlocation='a.io'\n"
            "[[registry.mirror]]\nlocation='all.io'\npull-from-mirror='all'\n"
            "[[registry.mirror]]\nlocation='digest.io'\npull-from-mirror='digest-only'\n"
            "[[registry.mirror]]\nlocation='tag.io'\npull-from-mirror='tag-only'\n"
            "[[registry]]\nlocation='b.io'\nmirror-by-digest-only=true\n"
            "[[registry.mirror]]\nlocation='b2.io'\n");
    expect(&r, "a.io/x:1", "m all.io/x:1 m tag.io/x:1 a.io/x:1");
    expect(&r, "a.io/x@sha256:" HEX,
           "m all.io/x@sha256:" HEX " m digest.io/x@sha256:" HEX " a.io/x@sha256:" HEX);
    expect(&r, "b.io/x", "b.io/x:latest");
    expect(&r, "b.io/x@sha256:" HEX, "m b2.io/x@sha256:" HEX " b.io/x@sha256:" HEX);
}

static void test_registries__blocked(void **state)
{
    (void)state;
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;
    bfci_endpoint e;

    add(&r, "[[registry]]\nlocation='bad.io'\nblocked=true\n"
            "[[registry]]\nlocation='ok.io'\n[[registry.mirror]]\nlocation='bad.io/x'\n"
            "[[registry]]\nlocation='kept.io'\nblocked=true\n"
            "[[registry.mirror]]\nlocation='inner.io'\n"
            "[[registry]]\nprefix='bad.io/free'\nlocation='bad.io/free'\n");
    refused(&r, "bad.io/a", BFC_E_DENIED, "the registry 'bad.io' is blocked");
    expect(&r, "ok.io/a", "ok.io/a:latest");
    expect(&r, "kept.io/a", "m inner.io/a:latest");
    expect(&r, "bad.io/free/a", "bad.io/free/a:latest");
    assert_int_equal(bfci_registries_push_endpoint(&r, "kept.io/a", &e, NULL), BFC_E_DENIED);
    assert_int_equal(bfci_registries_push_endpoint(&r, "ok.io/a", &e, NULL), 0);
    assert_string_equal(e.ref.host, "ok.io");
}

static void test_registries__short_names(void **state)
{
    (void)state;
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;

    add(&r, "unqualified-search-registries = ['one.io', 'docker.io', 'l:5000']\n"
            "[[registry]]\nlocation='one.io'\ninsecure=true\n"
            "[aliases]\nfedora='quay.io/fedora/fedora'\n'a/b'='docker.io/b'\ngone='x.io/y'\n");
    expect(&r, "app:1", "!one.io/app:1 docker.io/library/app:1 l:5000/app:1");
    expect(&r, "docker://x/app@sha256:" HEX,
           "!one.io/x/app@sha256:" HEX " docker.io/x/app@sha256:" HEX " l:5000/x/app@sha256:" HEX);
    expect(&r, "fedora:39", "quay.io/fedora/fedora:39");
    expect(&r, "fedora@sha256:" HEX, "quay.io/fedora/fedora@sha256:" HEX);
    expect(&r, "a/b", "docker.io/library/b:latest");
    expect(&r, "q.io/fedora", "q.io/fedora:latest");
    add(&r, "[aliases]\ngone=''\n");
    expect(&r, "gone", "!one.io/gone:latest docker.io/library/gone:latest l:5000/gone:latest");
    add(&r, "short-name-mode='enforcing'");
    refused(&r, "app:1", BFC_E_INVALID, "'one.io/app:1', 'docker.io/app:1', 'l:5000/app:1'");
    expect(&r, "fedora", "quay.io/fedora/fedora:latest");
    add(&r, "unqualified-search-registries = ['two.io']");
    expect(&r, "app", "two.io/app:latest");
    add(&r, "unqualified-search-registries = []");
    refused(&r, "app", BFC_E_INVALID, "no search registries");
    add(&r, "unqualified-search-registries = ['plain']");
    refused(&r, "app", BFC_E_INVALID, "search registry");
}

static void test_registries__wrong(void **state)
{
    (void)state;
    wrong("a=", "conf:1: ");
    wrong("[[registry]]", "conf:1: the registry has neither");
    wrong("[[registry]]\nprefix='a.io'", "conf:1: the registry 'a.io' has no 'location'");
    wrong("[[registry]]\nlocation='https://a.io'", "conf:2: location 'https://a.io': write");
    wrong("[[registry]]\nlocation=1", "conf:2: 'location' is to be a string");
    wrong("[[registry]]\nlocation='a.io'\ninsecure='yes'", "conf:3: 'insecure' is to be true");
    wrong("[[registry]]\nlocation='a.io'\nblocked=0", "conf:3: 'blocked' is to be true");
    wrong("registry=1", "conf:1: 'registry' is to be an array");
    wrong("registry=[1]", "conf:1: a registry is to be a table");
    wrong("[[registry]]\nprefix='*.a.io/x'\nlocation='b.io'", "conf:2: prefix '*.a.io/x'");
    wrong("[[registry]]\nprefix='*.a.io:80'\nlocation='b.io'", "conf:2: prefix");
    wrong("[[registry]]\nlocation='a'\npull-from-mirror='all'", "conf:3: 'pull-from-mirror' bel");
    wrong("[[registry]]\nlocation='a'\n[[registry.mirror]]", "conf:3: the mirror has no");
    wrong("[[registry]]\nlocation='a'\n[[registry.mirror]]\nlocation='b'\npull-from-mirror='x'",
          "conf:5: pull-from-mirror 'x'");
    wrong("[[registry]]\nlocation='a'\nmirror-by-digest-only=true\n[[registry.mirror]]\n"
          "location='b'\npull-from-mirror='all'",
          "conf:6: 'pull-from-mirror' cannot be set");
    wrong("[[registry]]\nlocation='a'\nmirror=[1]", "conf:3: a mirror is to be a table");
    wrong("[[registry]]\nlocation='a'\n[[registry]]\nprefix='b'\nlocation='a'\nblocked=true",
          "conf:1: the registry 'a' is there twice, and 'blocked' differs");
    wrong("[[registry]]\nlocation='a'\n[[registry]]\nprefix='b'\nlocation='a'\ninsecure=true",
          "conf:1: the registry 'a' is there twice, and 'insecure' differs");
    wrong("unqualified-search-registries=['a.io/b']", "conf:1: unqualified-search-registries");
    wrong("unqualified-search-registries=[1]", "conf:1: unqualified-search-registries");
    wrong("unqualified-search-registries='a.io'", "conf:1: 'unqualified-search-registries' is");
    wrong("short-name-mode='maybe'", "conf:1: short-name-mode 'maybe'");
    wrong("[aliases]\n'q.io/a'='q.io/b'", "conf:2: the alias 'q.io/a' is no short name");
    wrong("[aliases]\n'a:1'='q.io/b'", "conf:2: the alias 'a:1'");
    wrong("[aliases]\na='b'", "conf:2: the alias 'a' leads to 'b'");
    wrong("[aliases]\na='q.io/b:1'", "conf:2: the alias 'a' leads");
    wrong("[aliases]\na='q.io/b@sha256:" HEX "'", "conf:2: the alias 'a' leads");
    wrong("[aliases]\na=1", "conf:2: the alias 'a' leads");
    wrong("[registries.search]\nregistries=['a.io']", "conf:1: this is the old form");
    wrong("[registries.block]\nregistries=[]", "conf:1: this is the old form");
}

static void test_registries__merging(void **state)
{
    (void)state;
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;

    add(&r, "[[registry]]\nprefix='b.io'\nlocation='first.io'\n"
            "[[registry]]\nprefix='b.io'\nlocation='second.io'\n"
            "[[registry]]\nlocation='z.io'\n[[registry]]\nlocation='a.io'\n");
    assert_int_equal(r.rule_count, 3);
    expect(&r, "b.io/x", "first.io/x:latest");
    add(&r, "[[registry]]\nprefix='b.io'\nlocation='later.io'\n[[registry]]\nlocation='m.io'\n"
            "[[registry.mirror]]\nlocation='n.io'\n");
    assert_int_equal(r.rule_count, 4);
    for (size_t i = 1; i < r.rule_count; i++)
        assert_true(strcmp(r.rule[i - 1].prefix, r.rule[i].prefix) < 0);
    expect(&r, "b.io/x", "later.io/x:latest");
    expect(&r, "m.io/x", "m n.io/x:latest m.io/x:latest");
    add(&r, "credential-helpers=['secretservice','containers-auth.json']");
    assert_string_equal(r.helpers[0], "secretservice");
    assert_string_equal(r.helpers[1], "containers-auth.json");
    assert_null(r.helpers[2]);
}

static void write_file(const char *path, const char *text)
{
    AUTO_FD int fd = -1;
    assert_int_equal(bfci_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, NULL), 0);
    assert_int_equal(bfci_write_all(fd, text, strlen(text), NULL), 0);
}

static void test_registries__files(void **state)
{
    struct scratch *s = *state;
    static const char *const files[] = {"conf",        "sys/1.conf", "sys/2.conf", "sys/0.txt",
                                        "user/0.conf", "last",       "aliases"};
    char path[ARRAY_LEN(files)][512], sys[512], user[512], text[256];
    bfc_err err = BFC_ERR_INIT;
    bfci_registries none = BFCI_REGISTRIES_INIT;

    scratch_dir(s, "sys");
    scratch_dir(s, "user");
    scratch_dir(s, "sys/folder.conf");
    scratch_path(s, "sys", sys);
    scratch_path(s, "user", user);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        scratch_path(s, files[i], path[i]);
        /* each sets its own, and from a certain one on */
        (void)snprintf(text, sizeof text, "[aliases]\nown%zu='f%zu.io/x'\nall='f%zu.io/x'\n", i, i,
                       i);
        write_file(path[i], text);
    }
    bfci_registries_places places = {path[0], true, {sys, user}, path[5], path[6]};
    static const char *const wins[] = {"f6.io/x:latest", "f5.io/x:latest", "f4.io/x:latest",
                                       "f2.io/x:latest", "f0.io/x:latest"};
    for (size_t i = 0; i < ARRAY_LEN(wins); i++) {
        AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;
        if (bfci_registries_load(&places, &r, &err) < 0)
            fail_msg("%s", err.msg);
        expect(&r, "all", wins[i]);
        expect(&r, "own3", "docker.io/library/own3:latest");
        places.aliases = NULL;
        places.last = i >= 1 ? NULL : places.last;
        places.folder[1] = i >= 2 ? NULL : user;
        places.folder[0] = i >= 3 ? NULL : sys;
    }
    write_file(path[0], "x");
    assert_int_equal(bfci_registries_load(&places, &none, &err), BFC_E_INVALID);
    assert_int_equal(unlink(path[0]), 0);
    assert_int_equal(bfci_registries_load(&places, &none, &err), BFC_E_NOT_FOUND);
    places.must = false;
    assert_int_equal(bfci_registries_load(&places, &none, &err), 0);
    assert_int_equal(none.alias_count, 0);
}

static void set(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void test_registries__places(void **state)
{
    struct scratch *s = *state;
    char want[600];
    static const char *const names[] = {"CONTAINERS_REGISTRIES_CONF", "XDG_CACHE_HOME",
                                        "CONTAINERS_REGISTRIES_CONF_OVERRIDE", "XDG_CONFIG_HOME"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        set(names[i], NULL);
    set("HOME", s->path);
    for (int round = 0; round < 3; round++) {
        AUTO_REGISTRIES_PLACES bfci_registries_places p;
        if (round == 1) {
            assert_int_equal(bfci_make_dirs(s->path, 0700, NULL), 0);
            scratch_dir(s, ".config");
            scratch_dir(s, ".config/containers");
            scratch_file(s, ".config/containers/registries.conf", "");
        }
        if (round == 2) {
            set("CONTAINERS_REGISTRIES_CONF", "named");
            set("CONTAINERS_REGISTRIES_CONF_OVERRIDE", "/last");
        }
        assert_int_equal(bfci_registries_find_places(&p, NULL), 0);
        (void)snprintf(want, sizeof want, "%s/.config/containers/registries.conf", s->path);
        assert_string_equal(p.file, round == 0   ? "/etc/containers/registries.conf"
                                    : round == 1 ? want
                                                 : "named");
        assert_int_equal(p.must, round == 2);
        if (round == 1)
            assert_null(p.folder[0]);
        else
            assert_string_equal(p.folder[0], "/etc/containers/registries.conf.d");
        (void)snprintf(want, sizeof want, "%s/.config/containers/registries.conf.d", s->path);
        assert_string_equal(p.folder[1], want);
        if (round == 2)
            assert_string_equal(p.last, "/last");
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        set(names[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registries__none),
        cmocka_unit_test(test_registries__rewriting),
        cmocka_unit_test(test_registries__wildcards),
        cmocka_unit_test(test_registries__mirror_use),
        cmocka_unit_test(test_registries__blocked),
        cmocka_unit_test(test_registries__short_names),
        cmocka_unit_test(test_registries__wrong),
        cmocka_unit_test(test_registries__merging),
        SCRATCH_TEST(test_registries__files),
        SCRATCH_TEST(test_registries__places),
    };
    return cmocka_run_group_tests_name("net registries", tests, NULL, NULL);
}
