/* SPDX-License-Identifier: Apache-2.0 */
/* What of a config.json depends on the image: process, volumes, annotations. The rest, which is
 * the same for all images, is in runtime_linux.c. All that comes from the image was valid UTF-8
 * when it was read, so that putting it into JSON fails for lack of memory only. */
#include "oci/runtime_config.h"

#include "base/buf.h"
#include "base/path.h"
#include "oci/runtime_parts.h"

/* The terms of this version are enough; runtimes of version 1.0 know all that is used of them. */
#define SPEC_VERSION "1.1.0"
#define ANNOTATION "org.opencontainers.image."

enum {
    HOSTNAME_MAX = 64, /* of the kernel: __NEW_UTS_LEN */
    NOFILE_MAX = 1024
};

BFCI_DEFINE_AUTO(json_t, json_decref)

/* ── Process ── */

static void append_all(json_t *array, char *const *list, bool *bad)
{
    for (; list && *list; list++)
        bfci_runtime_append(array, json_string(*list), bad);
}

static json_t *make_args(const bfci_config *config, bool *bad)
{
    json_t *args = json_array();

    append_all(args, config->entrypoint, bad);
    append_all(args, config->cmd, bad);
    if (json_array_size(args) == 0)
        bfci_runtime_append(args, json_string("sh"), bad);
    return args;
}

static bool has_variable(char *const *env, const char *name)
{
    size_t len = strlen(name);

    for (; env && *env; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return true;
    return false;
}

static void add_variable(json_t *array, char *const *env, const char *name, const char *value,
                         bool *bad)
{
    if (!has_variable(env, name))
        bfci_runtime_append(array, json_sprintf("%s=%s", name, value), bad);
}

/* The image's own are taken as they are; what it lacks is added. */
static json_t *make_env(const bfci_config *config, const bfci_user *user,
                        const bfci_runtime_options *options, bool *bad)
{
    json_t *env = json_array();

    add_variable(env, config->env, "PATH",
                 "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", bad);
    if (options->terminal)
        add_variable(env, config->env, "TERM", "xterm", bad);
    append_all(env, config->env, bad);
    if (user->home)
        add_variable(env, config->env, "HOME", user->home, bad);
    return env;
}

static json_t *make_user(const bfci_user *user, bool rootless, bool *bad)
{
    json_t *object = json_object();
    json_t *groups = rootless ? NULL : json_array();

    bfci_runtime_set(object, "uid", json_integer(rootless ? 0 : user->uid), bad);
    bfci_runtime_set(object, "gid", json_integer(rootless ? 0 : user->gid), bad);
    if (rootless) /* whose groups are not mapped, and may not be changed */
        return object;
    for (size_t i = 0; i < user->group_count; i++)
        bfci_runtime_append(groups, json_integer(user->groups[i]), bad);
    bfci_runtime_set(object, "additionalGids", groups, bad);
    return object;
}

static json_t *make_rlimits(bool *bad)
{
    json_t *array = json_array();
    json_t *limit = json_object();

    bfci_runtime_set(limit, "type", json_string("RLIMIT_NOFILE"), bad);
    bfci_runtime_set(limit, "hard", json_integer(NOFILE_MAX), bad);
    bfci_runtime_set(limit, "soft", json_integer(NOFILE_MAX), bad);
    bfci_runtime_append(array, limit, bad);
    return array;
}

/* A relative one starts at the root, as docker has it: runtimes want it absolute. */
static json_t *make_cwd(const char *dir)
{
    if (!dir || !*dir)
        return json_string("/");
    return json_sprintf("%s%s", dir[0] == '/' ? "" : "/", dir);
}

static json_t *make_process(const bfci_config *config, const bfci_user *user,
                            const bfci_runtime_options *options, bool *bad)
{
    json_t *process = json_object();

    bfci_runtime_set(process, "terminal", json_boolean(options->terminal), bad);
    bfci_runtime_set(process, "user", make_user(user, options->rootless, bad), bad);
    bfci_runtime_set(process, "args", make_args(config, bad), bad);
    bfci_runtime_set(process, "env", make_env(config, user, options, bad), bad);
    bfci_runtime_set(process, "cwd", make_cwd(config->working_dir), bad);
    bfci_runtime_set(process, "capabilities", bfci_runtime_capabilities(bad), bad);
    bfci_runtime_set(process, "rlimits", make_rlimits(bad), bad);
    bfci_runtime_set(process, "noNewPrivileges", json_true(), bad);
    return process;
}

/* ── Volumes ── */

typedef struct volume {
    const char *path;
    bfci_volume_dir dir;
} volume;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const volume *)a)->path, ((const volume *)b)->path);
}

/* Sorted, so that one beneath another comes after it and is not hidden. */
static int sort_volumes(char *const *paths, const bfci_volume_dir *dirs, volume **out,
                        size_t *count, bfc_err *err)
{
    AUTO_FREE volume *sorted = NULL;
    size_t n = 0;

    while (paths && paths[n])
        n++;
    if (n > VOLUMES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the image has %zu volumes, %d are allowed", n,
                         VOLUMES_MAX);
    BFC_TRY(bfci_alloc_zero(n + 1, sizeof *sorted, &sorted, err));
    for (size_t i = 0; i < n; i++)
        sorted[i] = (volume){paths[i], dirs ? dirs[i] : (bfci_volume_dir){.known = false}};
    qsort(sorted, n, sizeof *sorted, by_path);
    *out = bfci_steal(&sorted);
    *count = n;
    return 0;
}

static int check_volume(const char *given, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_path_normalize(given, &path, &why);
    if (rc == BFC_E_NOMEM)
        return bfci_fail_nomem(err);
    if (rc < 0 || given[0] != '/' || !*path)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "the image's volume '%s' is not an absolute path below '/'",
                         BFCI_QUOTE_STR(given));
    return 0;
}

static json_t *make_volume(const volume *v, bool rootless, bool *bad)
{
    static const char *const options[] = {"rw", "nosuid", "nodev", "relatime", "tmpcopyup", NULL};
    json_t *object = bfci_runtime_mount(v->path, "tmpfs", "tmpfs", options, bad);
    json_t *list = json_object_get(object, "options");

    if (!v->dir.known)
        return object;
    bfci_runtime_append(list, json_sprintf("mode=%04o", v->dir.mode), bad);
    if (rootless) /* there is no other owner */
        return object;
    bfci_runtime_append(list, json_sprintf("uid=%u", v->dir.uid), bad);
    bfci_runtime_append(list, json_sprintf("gid=%u", v->dir.gid), bad);
    return object;
}

static int add_volumes(json_t *mounts, const bfci_config *config,
                       const bfci_runtime_options *options, bool *bad, bfc_err *err)
{
    AUTO_FREE volume *volumes = NULL;
    size_t count = 0;

    BFC_TRY(sort_volumes(config->volumes, options->volume_dirs, &volumes, &count, err));
    for (size_t i = 0; i < count; i++) {
        BFC_TRY(check_volume(volumes[i].path, err));
        bfci_runtime_append(mounts, make_volume(&volumes[i], options->rootless, bad), bad);
    }
    return 0;
}

/* ── Annotations ── */

static void annotate(json_t *object, const char *key, const char *value, bool *bad)
{
    if (value && *value)
        bfci_runtime_set(object, key, json_string(value), bad);
}

static int annotate_list(json_t *object, const char *key, char *const *list, bool *bad,
                         bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;

    for (size_t i = 0; list && list[i]; i++)
        bfci_buf_printf(&text, "%s%s", i > 0 ? "," : "", list[i]);
    bfci_buf_put(&text, "", 1);
    BFC_TRY(buf_check(&text, err));
    annotate(object, key, (const char *)text.data, bad);
    return 0;
}

/* What the image's maker wrote as a label has the last word. */
static int make_annotations(json_t *object, const bfci_config *config, bool *bad, bfc_err *err)
{
    annotate(object, ANNOTATION "os", config->platform.os, bad);
    annotate(object, ANNOTATION "architecture", config->platform.arch, bad);
    annotate(object, ANNOTATION "variant", config->platform.variant, bad);
    annotate(object, ANNOTATION "os.version", config->platform.os_version, bad);
    BFC_TRY(annotate_list(object, ANNOTATION "os.features", config->os_features, bad, err));
    annotate(object, ANNOTATION "author", config->author, bad);
    annotate(object, ANNOTATION "created", config->created, bad);
    annotate(object, ANNOTATION "stopSignal", config->stop_signal, bad);
    BFC_TRY(annotate_list(object, ANNOTATION "exposedPorts", config->ports, bad, err));
    for (size_t i = 0; config->label_keys && config->label_keys[i]; i++)
        bfci_runtime_set(object, config->label_keys[i], json_string(config->label_values[i]), bad);
    return 0;
}

/* ── The whole ── */

static int check(const bfci_config *config, const bfci_runtime_options *options, bfc_err *err)
{
    const char *os = config->platform.os;
    const char *hostname = options->hostname;

    if (os && *os && strcmp(os, "linux") != 0)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "the image is for '%s': bundles are made of images for linux",
                         BFCI_QUOTE_STR(os));
    if (hostname && (!*hostname || strlen(hostname) > HOSTNAME_MAX ||
                     strcmp(BFCI_QUOTE_STR(hostname), hostname) != 0))
        return bfci_fail(err, BFC_E_INVALID, "the hostname '%s' is not a text of 1 to %d bytes",
                         BFCI_QUOTE_STR(hostname), HOSTNAME_MAX);
    for (char *const *env = config->env; env && *env; env++) {
        const char *equals = strchr(*env, '=');
        if (!equals || equals == *env)
            return bfci_fail(err, BFC_E_UNSUPPORTED,
                             "the image's environment has '%s', expected is 'NAME=value'",
                             BFCI_QUOTE_STR(*env));
    }
    return 0;
}

static json_t *make_root(bool *bad)
{
    json_t *root = json_object();

    bfci_runtime_set(root, "path", json_string(BFCI_BUNDLE_ROOTFS), bad);
    bfci_runtime_set(root, "readonly", json_false(), bad);
    return root;
}

static int make_document(json_t *document, const bfci_config *config, const bfci_user *user,
                         const bfci_runtime_options *options, bfc_err *err)
{
    bool bad = false;
    json_t *mounts = bfci_runtime_mounts(options->rootless, &bad);
    json_t *annotations = json_object();

    /* In the document they are freed with it, whatever fails. */
    bfci_runtime_set(document, "ociVersion", json_string(SPEC_VERSION), &bad);
    bfci_runtime_set(document, "process", make_process(config, user, options, &bad), &bad);
    bfci_runtime_set(document, "root", make_root(&bad), &bad);
    if (options->hostname)
        bfci_runtime_set(document, "hostname", json_string(options->hostname), &bad);
    bfci_runtime_set(document, "mounts", mounts, &bad);
    bfci_runtime_set(document, "annotations", annotations, &bad);
    if (bad)
        return bfci_fail_nomem(err);
    BFC_TRY(add_volumes(mounts, config, options, &bad, err));
    BFC_TRY(make_annotations(annotations, config, &bad, err));
    bfci_runtime_set(document, "linux", bfci_runtime_linux(options, &bad), &bad);
    return bad ? bfci_fail_nomem(err) : 0;
}

int bfci_runtime_config(const bfci_config *config, const bfci_user *user,
                        const bfci_runtime_options *options, char **json, bfc_err *err)
{
    AUTO(json_t) json_t *document = json_object();
    AUTO_FREE char *text = NULL;

    BFC_TRY(check(config, options, err));
    BFC_TRY(make_document(document, config, user, options, err));
    text = json_dumps(document, JSON_INDENT(4));
    if (!text)
        return bfci_fail_nomem(err);
    return bfci_asprintf(json, err, "%s\n", text);
}
