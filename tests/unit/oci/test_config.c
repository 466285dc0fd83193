/* SPDX-License-Identifier: Apache-2.0 */
/* Image configurations: read, made and changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oci/config.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* As docker build leaves it: members that the specification does not know, one of them a number
 * that is not whole. */
static const char docker_config[] =
    "{\"architecture\":\"arm\",\"config\":{\"Hostname\":\"\",\"User\":\"nobody\",\"AttachStdin\":"
    "false,\"ExposedPorts\":{\"80/tcp\":{},\"443/tcp\":{}},\"Env\":[\"PATH=/usr/bin:/bin\","
    "\"LANG=C\"],\"Cmd\":[\"nginx\",\"-g\",\"daemon off;\"],\"Healthcheck\":{\"Interval\":2.5e10},"
    "\"Volumes\":{\"/var/z\":{},\"/var/a\":{}},\"WorkingDir\":\"/srv\",\"Entrypoint\":[\"/entry\"],"
    "\"OnBuild\":null,\"Labels\":{\"z\":\"last\",\"a\":\"first\",\"empty\":\"\",\"null\":null},"
    "\"StopSignal\":\"SIGQUIT\"},\"container\":\"c0ffee\",\"created\":\"2026-11-25T10:00:00.5Z\","
    "\"docker_version\":\"20.10.24\",\"author\":\"B\",\"os.features\":[\"f1\",\"f2\"],\"history\":["
    "{\"created\":\"2026-11-25T09:00:00Z\","
    "\"created_by\":\"/bin/sh -c #(nop) ADD file:1 in / \"},{\"created_by\":\"CMD \\\"x\\\"\","
    "\"comment\":\"buildkit.dockerfile.v0\",\"author\":\"A\",\"empty_layer\":true}],\"os\":"
    "\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST_A "\",\"" DIGEST_B
    "\"]},\"variant\":\"v7\",\"os.version\":\"1.2\"}";

static int parse(const char *json, bfci_config *out, bfc_err *err)
{
    return bfci_config_parse((const uint8_t *)json, strlen(json), "config 'c'", out, err);
}

static void assert_list(char *const *got, const char *expected)
{
    AUTO_BUF buf b = BUF_INIT;
    assert_non_null(got);
    for (; *got; got++)
        bfci_buf_printf(&b, "%s|", *got);
    buf_u8(&b, 0);
    assert_string_equal((const char *)b.data, expected);
}

static void test_config__of_docker(void **state)
{
    (void)state;
    AUTO_CONFIG bfci_config c = {0};
    AUTO_FREE char *platform = NULL;
    char digest[DIGEST_TEXT_SIZE];
    assert_int_equal(parse(docker_config, &c, NULL), 0);
    assert_int_equal(bfci_platform_text(&c.platform, &platform, NULL), 0);
    assert_string_equal(platform, "linux/arm/v7");
    assert_string_equal(c.platform.os_version, "1.2");
    assert_list(c.os_features, "f1|f2|");
    assert_string_equal(c.created, "2026-11-25T10:00:00.5Z");
    assert_string_equal(c.author, "B");
    assert_int_equal(c.layer_count, 2);
    bfci_digest_text(&c.diff_id[1], digest);
    assert_string_equal(digest, DIGEST_B);
    assert_int_equal(c.history_count, 2);
    assert_string_equal(c.history[0].created, "2026-11-25T09:00:00Z");
    assert_null(c.history[0].author);
    assert_false(c.history[0].empty_layer);
    assert_string_equal(c.history[1].created_by, "CMD \"x\"");
    assert_string_equal(c.history[1].comment, "buildkit.dockerfile.v0");
    assert_string_equal(c.history[1].author, "A");
    assert_true(c.history[1].empty_layer);
    assert_string_equal(c.user, "nobody");
    assert_string_equal(c.working_dir, "/srv");
    assert_string_equal(c.stop_signal, "SIGQUIT");
    assert_list(c.env, "PATH=/usr/bin:/bin|LANG=C|");
    assert_list(c.entrypoint, "/entry|");
    assert_list(c.cmd, "nginx|-g|daemon off;|");
    assert_list(c.volumes, "/var/a|/var/z|");
    assert_list(c.ports, "443/tcp|80/tcp|");
    assert_list(c.label_keys, "a|empty|null|z|");
    assert_list(c.label_values, "first|||last|");
}

static void test_config__of_little(void **state)
{
    (void)state;
    AUTO_CONFIG bfci_config c = {0};
    assert_int_equal(parse("{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null},\"config\":null,"
                           "\"history\":null,\"created\":\"\"}",
                           &c, NULL),
                     0);
    assert_int_equal(c.layer_count, 0);
    assert_int_equal(c.history_count, 0);
    assert_true(!c.platform.os && !c.os_features && !c.created && !c.author && !c.user &&
                !c.working_dir && !c.stop_signal);
    assert_true(!c.env && !c.entrypoint && !c.cmd && !c.volumes && !c.ports && !c.label_keys);
}

#define WITH(members) "{\"rootfs\":{\"diff_ids\":[]}," members "}"

static void test_config__hostile(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {"", BFC_E_CORRUPT, "config 'c' is not JSON"},
        {"[]", BFC_E_CORRUPT, "config 'c': an object was expected"},
        {"{}", BFC_E_CORRUPT, "config 'c': rootfs: an object is missing"},
        {"{\"rootfs\":[]}", BFC_E_CORRUPT, "rootfs: an object was expected"},
        {"{\"rootfs\":{\"type\":\"x\\u001b\"}}", BFC_E_UNSUPPORTED, "rootfs.type: it is 'x\\x1b'"},
        {"{\"rootfs\":{\"diff_ids\":{}}}", BFC_E_CORRUPT, "rootfs.diff_ids: an array was expected"},
        {"{\"rootfs\":{\"diff_ids\":[1]}}", BFC_E_CORRUPT, "rootfs.diff_ids[0]: a string was"},
        {"{\"rootfs\":{\"diff_ids\":[\"" DIGEST_A "\",\"sha256:\"]}}", BFC_E_CORRUPT,
         "rootfs.diff_ids[1]: 'sha256:' is no digest"},
        {WITH("\"os\":1"), BFC_E_CORRUPT, "c': os: a string was expected"},
        {WITH("\"created\":1"), BFC_E_CORRUPT, "created: a string was expected"},
        {WITH("\"author\":[]"), BFC_E_CORRUPT, "author: a string was expected"},
        {WITH("\"os.features\":[1]"), BFC_E_CORRUPT, "os.features[0]: a string was expected"},
        {WITH("\"history\":{}"), BFC_E_CORRUPT, "history: an array was expected"},
        {WITH("\"history\":[null]"), BFC_E_CORRUPT, "history[0]: an object is missing"},
        {WITH("\"history\":[{},{\"empty_layer\":1}]"), BFC_E_CORRUPT,
         "history[1].empty_layer: true or false was expected"},
        {WITH("\"history\":[{\"author\":1}]"), BFC_E_CORRUPT, "history[0].author: a string was"},
        {WITH("\"config\":[]"), BFC_E_CORRUPT, "config: an object was expected"},
        {WITH("\"config\":{\"User\":0}"), BFC_E_CORRUPT, "config.User: a string was expected"},
        {WITH("\"config\":{\"Env\":{}}"), BFC_E_CORRUPT, "config.Env: an array was expected"},
        {WITH("\"config\":{\"Env\":[\"A=1\",2]}"), BFC_E_CORRUPT, "config.Env[1]: a string was"},
        {WITH("\"config\":{\"Cmd\":\"sh\"}"), BFC_E_CORRUPT, "config.Cmd: an array was expected"},
        {WITH("\"config\":{\"Cmd\":[null]}"), BFC_E_CORRUPT, "config.Cmd[0]: a string is missing"},
        {WITH("\"config\":{\"Volumes\":[]}"), BFC_E_CORRUPT, "config.Volumes: an object was"},
        {WITH("\"config\":{\"Labels\":{\"a\":\"\",\"b'\":1}}"), BFC_E_CORRUPT,
         "config.Labels: label 'b\\x27': a string was expected"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        AUTO_CONFIG bfci_config c = {0};
        bfc_err err = BFC_ERR_INIT;
        int rc = parse(bad[i].json, &c, &err);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].message))
            fail_msg("%s: got %d \"%s\", expected \"%s\"", bad[i].json, rc, err.msg,
                     bad[i].message);
        assert_null(c.diff_id);
    }
}

static void test_config__layers_are_limited(void **state)
{
    (void)state;
    AUTO_BUF buf b = BUF_INIT;
    AUTO_CONFIG bfci_config c = {0};
    bfc_err err = BFC_ERR_INIT;
    bfci_buf_printf(&b, "{\"rootfs\":{\"diff_ids\":[");
    for (size_t i = 0; i < LAYERS_MAX; i++)
        bfci_buf_printf(&b, "\"" DIGEST_A "\",");
    bfci_buf_printf(&b, "\"" DIGEST_A "\"]}}");
    assert_int_equal(bfci_config_parse(b.data, b.len, "c", &c, &err), BFC_E_LIMIT);
    assert_string_equal(err.msg, "c: rootfs.diff_ids: it has 1025 items, 1024 are allowed");
}

static void test_config__make(void **state)
{
    (void)state;
    AUTO_PLATFORM bfci_platform p = {0};
    AUTO_FREE char *json = NULL;
    AUTO_FREE char *bare = NULL;
    AUTO_CONFIG bfci_config c = {0};
    const bfci_platform none = {0};
    assert_int_equal(bfci_platform_parse("linux/arm/v7", &p, NULL), 0);
    assert_int_equal(bfci_config_make(&p, "2026-11-25T10:00:00Z", &json, NULL), 0);
    assert_string_equal(json, "{\"created\":\"2026-11-25T10:00:00Z\",\"architecture\":\"arm\","
                              "\"os\":\"linux\",\"variant\":\"v7\",\"config\":{},\"rootfs\":"
                              "{\"type\":\"layers\",\"diff_ids\":[]},\"history\":[]}");
    assert_int_equal(parse(json, &c, NULL), 0);
    assert_int_equal(bfci_config_make(&none, NULL, &bare, NULL), 0);
    assert_non_null(strstr(bare, "{\"architecture\":\"unknown\",\"os\":\"unknown\",\"config\""));
}

static char *edited(const char *json, const bfci_config_edit *edit)
{
    char *out = NULL;
    bfc_err err = BFC_ERR_INIT;
    if (bfci_config_edit_apply((const uint8_t *)json, strlen(json), edit, &out, &err) < 0)
        fail_msg("%s", err.msg);
    return out;
}

/* With `from` replaced by `to`, once. */
static char *replaced(const char *json, const char *from, const char *to)
{
    const char *at = strstr(json, from);
    assert_non_null(at);
    size_t before = (size_t)(at - json), len = strlen(json) - strlen(from) + strlen(to);
    char *out = malloc(len + 1);
    assert_non_null(out);
    memcpy(out, json, before);
    memcpy(out + before, to, strlen(to));
    memcpy(out + before + strlen(to), json + before + strlen(from), len + 1 - before - strlen(to));
    return out;
}

static void test_edit__nothing(void **state)
{
    (void)state;
    const bfci_config_edit edit = {0};
    AUTO_FREE char *got = edited(docker_config, &edit);
    /* The same number, in other letters. */
    AUTO_FREE char *expected = replaced(docker_config, "2.5e10", "25000000000.0");
    assert_string_equal(got, expected);
    AUTO_FREE char *again = edited(got, &edit);
    assert_string_equal(again, got);
}

static const char small[] =
    "{\"new\":[0.1],\"rootfs\":{\"x\":1,\"type\":\"layers\",\"diff_ids\":["
    "\"" DIGEST_A "\"]},\"config\":%s,\"history\":[{\"x\":2}],\"os\":\"o\"}";

/* What becomes of "config" in `small`. */
static void assert_edit(const char *before, const bfci_config_edit *edit, const char *after)
{
    AUTO_FREE char *json = replaced(small, "%s", before);
    AUTO_FREE char *got = edited(json, edit);
    AUTO_FREE char *plain = replaced(small, "%s", after);
    AUTO_FREE char *expected = replaced(plain, "0.1", "0.10000000000000001");
    assert_string_equal(got, expected);
}

#define LIST(...)                                                                                  \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__ __VA_OPT__(, ) NULL                                                            \
    }

static void test_edit__texts(void **state)
{
    (void)state;
    const bfci_config_edit edit = {.user = "1:2", .working_dir = "/w", .stop_signal = ""};
    assert_edit("{}", &edit, "{\"User\":\"1:2\",\"WorkingDir\":\"/w\"}");
    assert_edit("{\"WorkingDir\":\"/\",\"StopSignal\":\"9\",\"k\":[],\"User\":\"\"}", &edit,
                "{\"WorkingDir\":\"/w\",\"k\":[],\"User\":\"1:2\"}");
}

static void test_edit__entrypoint_and_cmd(void **state)
{
    (void)state;
    static const char before[] = "{\"Cmd\":[\"a\"],\"Entrypoint\":[\"b\"]}";
    const struct {
        bfci_config_edit edit;
        const char *after;
    } cases[] = {
        {{.cmd = LIST("x", "y z")}, "{\"Cmd\":[\"x\",\"y z\"],\"Entrypoint\":[\"b\"]}"},
        {{.entrypoint = LIST("x")}, "{\"Entrypoint\":[\"x\"]}"},
        {{.entrypoint = LIST()}, "{}"},
        {{.cmd = LIST()}, "{\"Entrypoint\":[\"b\"]}"},
        {{.entrypoint = LIST("x"), .cmd = LIST("y")}, "{\"Cmd\":[\"y\"],\"Entrypoint\":[\"x\"]}"},
        {{.entrypoint = LIST(""), .cmd = LIST()}, "{\"Entrypoint\":[\"\"]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_edit(before, &cases[i].edit, cases[i].after);
}

static void test_edit__env(void **state)
{
    (void)state;
    const bfci_config_edit edit = {.env = LIST("B=2", "D", "NEW=a=b", "EMPTY=", "GONE")};
    assert_edit("{\"Env\":[\"BB=0\",\"B=1\",\"D=1\",\"B=3\",\"D\",\"DD=1\"]}", &edit,
                "{\"Env\":[\"BB=0\",\"B=2\",\"DD=1\",\"NEW=a=b\",\"EMPTY=\"]}");
    assert_edit("{\"Env\":null}", &edit, "{\"Env\":[\"B=2\",\"NEW=a=b\",\"EMPTY=\"]}");
    assert_edit("{}", &(bfci_config_edit){.env = LIST()}, "{}");
}

static void test_edit__labels(void **state)
{
    (void)state;
    const bfci_config_edit edit = {.labels = LIST("b=2", "a", "c=x=\xc3\xbc", "none")};
    assert_edit("{\"Labels\":{\"z\":null,\"b\":\"1\",\"a\":\"\"}}", &edit,
                "{\"Labels\":{\"z\":null,\"b\":\"2\",\"c\":\"x=\xc3\xbc\"}}");
    assert_edit("null", &edit, "{\"Labels\":{\"b\":\"2\",\"c\":\"x=\xc3\xbc\"}}");
}

static void test_edit__sets(void **state)
{
    (void)state;
    const bfci_config_edit edit = {.volumes = LIST("/b", "/a"),
                                   .ports = LIST("80", "65535/sctp", "53/udp")};
    assert_edit("{\"Volumes\":{\"/a\":{\"k\":1}}}", &edit,
                "{\"Volumes\":{\"/a\":{\"k\":1},\"/b\":{}},\"ExposedPorts\":{\"80\":{},"
                "\"65535/sctp\":{},\"53/udp\":{}}}");
}

static void test_edit__layers_and_history(void **state)
{
    (void)state;
    bfci_digest ids[2];
    char by[] = "bfc", when[] = "2026-11-25T10:00:00Z", comment[] = "m", author[] = "me";
    const bfci_history entries[] = {{.created = when, .created_by = by, .empty_layer = true},
                                    {.comment = comment, .author = author}};
    memset(&ids[0], 0xaa, sizeof ids[0]);
    memset(&ids[1], 0xbb, sizeof ids[1]);
    bfci_config_edit edit = {.diff_ids = ids,
                             .diff_id_count = 2,
                             .set_layers = true,
                             .history = entries,
                             .history_count = 2,
                             .created = when};
    AUTO_FREE char *json = replaced(small, "%s", "{}");
    AUTO_FREE char *got = edited(json, &edit);
    assert_string_equal(
        got, "{\"new\":[0.10000000000000001],\"rootfs\":{\"x\":1,\"type\":\"layers\",\"diff_ids\":"
             "[\"" DIGEST_A "\",\"" DIGEST_B "\"]},\"config\":{},\"history\":[{\"x\":2},"
             "{\"created\":\"2026-11-25T10:00:00Z\",\"created_by\":\"bfc\",\"empty_layer\":true},"
             "{\"author\":\"me\",\"comment\":\"m\"}],\"os\":\"o\","
             "\"created\":\"2026-11-25T10:00:00Z\"}");
    edit.drop_history = true;
    edit.diff_id_count = 0;
    edit.history_count = 0;
    AUTO_FREE char *bare = edited(got, &edit);
    assert_non_null(strstr(bare, "\"diff_ids\":[]}"));
    assert_non_null(strstr(bare, "\"history\":[],"));
}

static void test_edit__hostile(void **state)
{
    (void)state;
    const struct {
        const char *json;
        bfci_config_edit edit;
        enum bfc_code code;
        const char *message;
    } bad[] = {
        {"{}", {0}, BFC_E_CORRUPT, "the image's configuration: rootfs: an object is missing"},
        {WITH("\"config\":{\"Env\":{}}"), {.env = LIST("A=1")}, BFC_E_CORRUPT, "config.Env: an ar"},
        {WITH("\"a\":1"), {.env = LIST("=1")}, BFC_E_INVALID, "variable '=1' has no name"},
        {WITH("\"a\":1"), {.labels = LIST("")}, BFC_E_INVALID, "label '' has no name"},
        {WITH("\"a\":1"), {.labels = LIST("\xff")}, BFC_E_INVALID, "'\\xff' is not UTF-8"},
        {WITH("\"a\":1"), {.labels = LIST("a=\xff")}, BFC_E_INVALID, "'\\xff' is not UTF-8"},
        {WITH("\"a\":1"), {.env = LIST("a=\xff")}, BFC_E_INVALID, "'a=\\xff' is not UTF-8"},
        {WITH("\"a\":1"), {.user = "\xff"}, BFC_E_INVALID, "'\\xff' is not UTF-8"},
        {WITH("\"a\":1"), {.cmd = LIST("\xff")}, BFC_E_INVALID, "'\\xff' is not UTF-8"},
        {WITH("\"a\":1"), {.volumes = LIST("/\xff")}, BFC_E_INVALID, "'/\\xff' is not UTF-8"},
        {WITH("\"a\":1"), {.volumes = LIST("a")}, BFC_E_INVALID, "volume 'a' is not an absolute"},
        {WITH("\"a\":1"), {.working_dir = "a"}, BFC_E_INVALID, "working directory 'a' is not an"},
        {WITH("\"a\":1"), {.ports = LIST("0")}, BFC_E_INVALID, "port '0' is not allowed"},
        {WITH("\"a\":1"), {.ports = LIST("080")}, BFC_E_INVALID, "port '080'"},
        {WITH("\"a\":1"), {.ports = LIST("65536")}, BFC_E_INVALID, "port '65536'"},
        {WITH("\"a\":1"), {.ports = LIST("99999999999999")}, BFC_E_INVALID, "port '9999"},
        {WITH("\"a\":1"), {.ports = LIST("80/icmp")}, BFC_E_INVALID, "port '80/icmp'"},
        {WITH("\"a\":1"), {.ports = LIST("")}, BFC_E_INVALID, "port ''"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *out = NULL;
        bfc_err err = BFC_ERR_INIT;
        int rc = bfci_config_edit_apply((const uint8_t *)bad[i].json, strlen(bad[i].json),
                                        &bad[i].edit, &out, &err);
        if (rc != bad[i].code || !strstr(err.msg, bad[i].message))
            fail_msg("case %zu: got %d \"%s\", expected \"%s\"", i, rc, err.msg, bad[i].message);
        assert_null(out);
    }
}

static void test_time__text(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1795600800, "2026-11-25T10:00:00Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
        {INT64_MIN, "1000-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[32];
        bfci_time_text(cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config__of_docker), cmocka_unit_test(test_config__of_little),
        cmocka_unit_test(test_config__hostile),   cmocka_unit_test(test_config__layers_are_limited),
        cmocka_unit_test(test_config__make),      cmocka_unit_test(test_edit__nothing),
        cmocka_unit_test(test_edit__texts),       cmocka_unit_test(test_edit__entrypoint_and_cmd),
        cmocka_unit_test(test_edit__env),         cmocka_unit_test(test_edit__labels),
        cmocka_unit_test(test_edit__sets),        cmocka_unit_test(test_edit__layers_and_history),
        cmocka_unit_test(test_edit__hostile),     cmocka_unit_test(test_time__text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
