/* SPDX-License-Identifier: Apache-2.0 */
/* Image configurations in the terms of a runtime: field by field of the conversion, what is added,
 * what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "oci/runtime_config.h"

BFCI_DEFINE_AUTO(json_t, json_decref)

/* A string that is no constant: those of a configuration are its own. */
#define TEXT(s) ((char[]){s})

static const bfci_runtime_options plain = {0};
static const bfci_runtime_options rootless = {.rootless = true, .host_uid = 1000, .host_gid = 1001};

/* What stands at a path like "process|args|0", as compact JSON; NULL if there is nothing. */
static char *at(json_t *document, const char *path)
{
    json_t *value = document;
    char name[64];

    for (const char *part = path; part && value;) {
        size_t len = strcspn(part, "|");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, part);
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                     : json_object_get(value, name);
        part = part[len] ? part + len + 1 : NULL;
    }
    return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

#define expect_at(document, path, want)                                                            \
    do {                                                                                           \
        AUTO_FREE char *text_ = at((document), (path));                                            \
        const char *want_ = (want);                                                                \
        if (!want_ && text_)                                                                       \
            fail_msg("%s is there: %s", (path), text_);                                            \
        if (want_ && !text_)                                                                       \
            fail_msg("%s is missing", (path));                                                     \
        if (want_)                                                                                 \
            assert_string_equal(text_, want_);                                                     \
    } while (0)

static json_t *convert(const bfci_config *config, const bfci_user *user,
                       const bfci_runtime_options *options)
{
    static const bfci_user root = BFCI_USER_INIT;
    AUTO_FREE char *text = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_runtime_config(config, user ? user : &root, options, &text, &err) != 0)
        fail_msg("%s", err.msg);
    json_error_t why;
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!document)
        fail_msg("%s: %s", why.text, text);
    assert_int_equal(text[strlen(text) - 1], '\n');
    return document;
}

static const char *const default_path =
    "\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"";

static void test_runtime_config__without_a_configuration(void **state)
{
    (void)state;
    AUTO(json_t) json_t *d = convert(&(bfci_config){0}, NULL, &plain);

    expect_at(d, "ociVersion", "\"1.1.0\"");
    expect_at(d, "process|args", "[\"sh\"]");
    expect_at(d, "process|cwd", "\"/\"");
    expect_at(d, "process|terminal", "false");
    expect_at(d, "process|env|0", default_path);
    expect_at(d, "process|env|1", NULL);
    expect_at(d, "process|user", "{\"uid\":0,\"gid\":0,\"additionalGids\":[]}");
    expect_at(d, "process|noNewPrivileges", "true");
    expect_at(d, "process|capabilities|ambient", NULL);
    expect_at(d, "process|capabilities|inheritable", NULL);
    expect_at(d, "root", "{\"path\":\"rootfs\",\"readonly\":false}");
    expect_at(d, "hostname", NULL);
    expect_at(d, "annotations", "{}");
    expect_at(d, "linux|uidMappings", NULL);
    expect_at(d, "linux|namespaces",
              "[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"},"
              "{\"type\":\"cgroup\"},{\"type\":\"network\"}]");
    expect_at(d, "linux|resources|devices", "[{\"allow\":false,\"access\":\"rwm\"}]");
}

static void test_runtime_config__capabilities_are_dockers(void **state)
{
    (void)state;
    AUTO(json_t) json_t *d = convert(&(bfci_config){0}, NULL, &plain);
    const char *fourteen =
        "[\"CAP_AUDIT_WRITE\",\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\",\"CAP_FSETID\","
        "\"CAP_KILL\",\"CAP_MKNOD\",\"CAP_NET_BIND_SERVICE\",\"CAP_NET_RAW\",\"CAP_SETFCAP\","
        "\"CAP_SETGID\",\"CAP_SETPCAP\",\"CAP_SETUID\",\"CAP_SYS_CHROOT\"]";

    expect_at(d, "process|capabilities|bounding", fourteen);
    expect_at(d, "process|capabilities|effective", fourteen);
    expect_at(d, "process|capabilities|permitted", fourteen);
}

static void test_runtime_config__args(void **state)
{
    (void)state;
    char *entrypoint[] = {TEXT("/init"), TEXT("--"), NULL},
         *cmd[] = {TEXT("a b"), TEXT("\""), NULL}, *none[] = {NULL};
    static const char *const want[] = {"[\"/init\",\"--\",\"a b\",\"\\\"\"]", "[\"/init\",\"--\"]",
                                       "[\"a b\",\"\\\"\"]", "[\"sh\"]"};
    const bfci_config given[] = {
        {.entrypoint = entrypoint, .cmd = cmd},
        {.entrypoint = entrypoint, .cmd = none},
        {.cmd = cmd},
        {.entrypoint = none, .cmd = none},
    };
    for (size_t i = 0; i < ARRAY_LEN(given); i++) {
        AUTO(json_t) json_t *d = convert(&given[i], NULL, &plain);
        expect_at(d, "process|args", want[i]);
    }
}

static void test_runtime_config__env(void **state)
{
    (void)state;
    char *env[] = {TEXT("PATH=/x"), TEXT("A=1"), TEXT("A=2"), TEXT("E="), TEXT("Q==\n"), NULL};
    char *mine[] = {TEXT("HOME=/mine"), TEXT("TERM=dumb"), TEXT("PATHS=1"), NULL};
    char home[] = "/home/u";
    const bfci_user user = {.home = home};
    const bfci_runtime_options terminal = {.terminal = true};

    AUTO(json_t) json_t *own = convert(&(bfci_config){.env = env}, &user, &plain);
    expect_at(own, "process|env",
              "[\"PATH=/x\",\"A=1\",\"A=2\",\"E=\",\"Q==\\n\",\"HOME=/home/u\"]");
    AUTO(json_t) json_t *kept = convert(&(bfci_config){.env = mine}, &user, &terminal);
    expect_at(kept, "process|env|0", default_path);
    expect_at(kept, "process|env|1", "\"HOME=/mine\"");
    expect_at(kept, "process|env|4", NULL);
    AUTO(json_t) json_t *added = convert(&(bfci_config){0}, &user, &terminal);
    expect_at(added, "process|terminal", "true");
    expect_at(added, "process|env|1", "\"TERM=xterm\"");
    expect_at(added, "process|env|2", "\"HOME=/home/u\"");
}

static void test_runtime_config__cwd(void **state)
{
    (void)state;
    static char dirs[][8] = {"", "/srv/x", "srv"};
    static const char *const want[] = {"\"/\"", "\"/srv/x\"", "\"/srv\""};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        AUTO(json_t) json_t *d = convert(&(bfci_config){.working_dir = dirs[i]}, NULL, &plain);
        expect_at(d, "process|cwd", want[i]);
    }
}

static void test_runtime_config__user(void **state)
{
    (void)state;
    uint32_t groups[] = {4, 4294967294};
    const bfci_user user = {4294967293, 34, groups, 2, NULL};

    AUTO(json_t) json_t *d = convert(&(bfci_config){0}, &user, &plain);
    expect_at(d, "process|user",
              "{\"uid\":4294967293,\"gid\":34,\"additionalGids\":[4,4294967294]}");
}

static void test_runtime_config__annotations(void **state)
{
    (void)state;
    char os[] = "linux", arch[] = "arm", variant[] = "v7", version[] = "5", created[] = "2026",
         author[] = "me", signal[] = "SIGQUIT";
    char *ports[] = {TEXT("80/tcp"), TEXT("53/udp"), NULL},
         *features[] = {TEXT("a"), TEXT("b"), NULL};
    char *keys[] = {TEXT("k"), TEXT("org.opencontainers.image.author"), NULL},
         *values[] = {TEXT(""), TEXT("label"), NULL};
    bfci_config c = {.platform = {os, arch, variant, version},
                     .os_features = features,
                     .created = created,
                     .author = author,
                     .stop_signal = signal,
                     .ports = ports};

    AUTO(json_t) json_t *d = convert(&c, NULL, &plain);
    expect_at(d, "annotations",
              "{\"org.opencontainers.image.os\":\"linux\","
              "\"org.opencontainers.image.architecture\":\"arm\","
              "\"org.opencontainers.image.variant\":\"v7\","
              "\"org.opencontainers.image.os.version\":\"5\","
              "\"org.opencontainers.image.os.features\":\"a,b\","
              "\"org.opencontainers.image.author\":\"me\","
              "\"org.opencontainers.image.created\":\"2026\","
              "\"org.opencontainers.image.stopSignal\":\"SIGQUIT\","
              "\"org.opencontainers.image.exposedPorts\":\"80/tcp,53/udp\"}");
    c.label_keys = keys;
    c.label_values = values;
    AUTO(json_t) json_t *labelled = convert(&c, NULL, &plain);
    expect_at(labelled, "annotations|org.opencontainers.image.author", "\"label\"");
    expect_at(labelled, "annotations|k", "\"\"");
}

/* The destinations of all mounts, with a blank after each. */
static void destinations(json_t *document, char *out, size_t size)
{
    json_t *mounts = json_object_get(document, "mounts");
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(mounts); i++) {
        json_t *m = json_array_get(mounts, i);
        used += (size_t)snprintf(out + used, size - used, "%s ",
                                 json_string_value(json_object_get(m, "destination")));
        assert_true(used < size);
    }
}

static void test_runtime_config__mounts(void **state)
{
    (void)state;
    AUTO(json_t) json_t *d = convert(&(bfci_config){0}, NULL, &plain);
    char all[512];

    destinations(d, all, sizeof all);
    assert_string_equal(all, "/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup ");
    expect_at(d, "mounts|0", "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}");
    expect_at(d, "mounts|2|options",
              "[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]");
    expect_at(d, "mounts|5|type", "\"sysfs\"");
}

static void test_runtime_config__volumes(void **state)
{
    (void)state;
    char *volumes[] = {TEXT("/srv/data/below"), TEXT("/data"), TEXT("/srv/data"), NULL};
    AUTO(json_t) json_t *d = convert(&(bfci_config){.volumes = volumes}, NULL, &rootless);
    char all[512];

    destinations(d, all, sizeof all);
    assert_string_equal(all, "/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /data /srv/data "
                             "/srv/data/below ");
    expect_at(d, "mounts|6",
              "{\"destination\":\"/data\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":"
              "[\"rw\",\"nosuid\",\"nodev\",\"relatime\",\"tmpcopyup\"]}");
}

static void test_runtime_config__volumes_are_like_what_they_cover(void **state)
{
    (void)state;
    char *volumes[] = {TEXT("/b"), TEXT("/a"), NULL};
    const bfci_volume_dir dirs[] = {{true, 01755, 33, 4294967294}, {false, 0, 0, 0}};
    bfci_runtime_options o = {.volume_dirs = dirs};
    const bfci_config c = {.volumes = volumes};

    AUTO(json_t) json_t *d = convert(&c, NULL, &o);
    expect_at(d, "mounts|7|destination", "\"/a\"");
    expect_at(d, "mounts|7|options|5", NULL);
    expect_at(d, "mounts|8|destination", "\"/b\"");
    expect_at(d, "mounts|8|options|5", "\"mode=1755\"");
    expect_at(d, "mounts|8|options|6", "\"uid=33\"");
    expect_at(d, "mounts|8|options|7", "\"gid=4294967294\"");
    o.rootless = true;
    AUTO(json_t) json_t *r = convert(&c, NULL, &o);
    expect_at(r, "mounts|7|options|5", "\"mode=1755\"");
    expect_at(r, "mounts|7|options|6", NULL);
}

static void test_runtime_config__rootless(void **state)
{
    (void)state;
    uint32_t groups[] = {4};
    char home[] = "/home/u";
    const bfci_user user = {33, 34, groups, 1, home};
    AUTO(json_t) json_t *d = convert(&(bfci_config){0}, &user, &rootless);
    char all[512];

    expect_at(d, "process|user", "{\"uid\":0,\"gid\":0}");
    expect_at(d, "process|env|1", "\"HOME=/home/u\"");
    expect_at(d, "linux|uidMappings", "[{\"containerID\":0,\"hostID\":1000,\"size\":1}]");
    expect_at(d, "linux|gidMappings", "[{\"containerID\":0,\"hostID\":1001,\"size\":1}]");
    expect_at(d, "linux|resources", NULL);
    expect_at(d, "linux|namespaces",
              "[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"},"
              "{\"type\":\"cgroup\"},{\"type\":\"user\"}]");
    destinations(d, all, sizeof all);
    assert_string_equal(all, "/proc /dev /dev/pts /dev/shm /dev/mqueue /sys ");
    expect_at(d, "mounts|2|options",
              "[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\"]");
    expect_at(d, "mounts|5",
              "{\"destination\":\"/sys\",\"type\":\"bind\",\"source\":\"/sys\",\"options\":"
              "[\"rbind\",\"nosuid\",\"noexec\",\"nodev\",\"ro\"]}");
}

static void test_runtime_config__hostname(void **state)
{
    (void)state;
    const bfci_runtime_options named = {.hostname = "box"};
    AUTO(json_t) json_t *d = convert(&(bfci_config){0}, NULL, &named);
    expect_at(d, "hostname", "\"box\"");
}

static void expect_refused(const bfci_config *config, const bfci_runtime_options *options,
                           enum bfc_code code, const char *message)
{
    static const bfci_user root = BFCI_USER_INIT;
    AUTO_FREE char *text = NULL;
    bfc_err err = BFC_ERR_INIT;

    assert_int_equal(bfci_runtime_config(config, &root, options, &text, &err), code);
    if (!strstr(err.msg, message))
        fail_msg("'%s' is not in: %s", message, err.msg);
    assert_null(text);
}

static void test_runtime_config__what_no_runtime_can_be_told(void **state)
{
    (void)state;
    char *volumes[] = {TEXT("data"),    TEXT(""),    TEXT("/"),   TEXT("//."),
                       TEXT("/a/../b"), TEXT("/.."), TEXT("../x")};
    char *variables[] = {TEXT("A"), TEXT(""), TEXT("=x")};
    static char windows[] = "windows", bad_os[] = "a\x1b";
    char long_name[66];

    for (size_t i = 0; i < ARRAY_LEN(volumes); i++) {
        char *one[] = {TEXT("/fine"), volumes[i], NULL};
        expect_refused(&(bfci_config){.volumes = one}, &plain, BFC_E_UNSUPPORTED, "volume '");
    }
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        char *one[] = {TEXT("FINE=1"), variables[i], NULL};
        expect_refused(&(bfci_config){.env = one}, &plain, BFC_E_UNSUPPORTED, "'NAME=value'");
    }
    char volume[] = "/v", *many[VOLUMES_MAX + 2] = {NULL};
    for (size_t i = 0; i <= VOLUMES_MAX; i++)
        many[i] = volume;
    expect_refused(&(bfci_config){.volumes = many}, &plain, BFC_E_LIMIT, "1025 volumes");
    expect_refused(&(bfci_config){.platform = {.os = windows}}, &plain, BFC_E_UNSUPPORTED,
                   "for 'windows'");
    expect_refused(&(bfci_config){.platform = {.os = bad_os}}, &plain, BFC_E_UNSUPPORTED, "a\\x1b");
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    const char *const names[] = {"", long_name, "a\nb", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        expect_refused(&(bfci_config){0}, &(bfci_runtime_options){.hostname = names[i]},
                       BFC_E_INVALID, "hostname");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runtime_config__without_a_configuration),
        cmocka_unit_test(test_runtime_config__capabilities_are_dockers),
        cmocka_unit_test(test_runtime_config__args),
        cmocka_unit_test(test_runtime_config__env),
        cmocka_unit_test(test_runtime_config__cwd),
        cmocka_unit_test(test_runtime_config__user),
        cmocka_unit_test(test_runtime_config__annotations),
        cmocka_unit_test(test_runtime_config__mounts),
        cmocka_unit_test(test_runtime_config__volumes),
        cmocka_unit_test(test_runtime_config__volumes_are_like_what_they_cover),
        cmocka_unit_test(test_runtime_config__rootless),
        cmocka_unit_test(test_runtime_config__hostname),
        cmocka_unit_test(test_runtime_config__what_no_runtime_can_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
