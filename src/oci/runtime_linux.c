/* SPDX-License-Identifier: Apache-2.0 */
/* What every container gets, whatever its image: file systems, capabilities, namespaces, and what
 * is kept from it. These are the values of docker and podman for capabilities and paths, which
 * images are written for, and those that runc's and crun's `spec` commands start from for the rest.
 */
#include "oci/runtime_parts.h"

struct mount {
    const char *destination, *type, *source;
    const char *options[8]; /* ends with NULL */
};

static const struct mount always[] = {
    {"/proc", "proc", "proc", {NULL}},
    {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
    /* The group of terminals is not mapped for one who is rootless, so it is added below. */
    {"/dev/pts",
     "devpts",
     "devpts",
     {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
    {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
    {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
};

static const struct mount rooted[] = {
    {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
    {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
};

/* A sysfs of one's own takes a network of one's own. */
static const struct mount rootless_sys = {
    "/sys", "bind", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}};

static json_t *strings(const char *const *list, bool *bad)
{
    json_t *array = json_array();

    for (; *list; list++)
        bfci_runtime_append(array, json_string(*list), bad);
    return array;
}

json_t *bfci_runtime_mount(const char *destination, const char *type, const char *source,
                           const char *const *options, bool *bad)
{
    json_t *object = json_object();

    bfci_runtime_set(object, "destination", json_string(destination), bad);
    bfci_runtime_set(object, "type", json_string(type), bad);
    bfci_runtime_set(object, "source", json_string(source), bad);
    if (options && *options)
        bfci_runtime_set(object, "options", strings(options, bad), bad);
    return object;
}

static void add_mount(json_t *array, const struct mount *m, bool rootless, bool *bad)
{
    json_t *object = bfci_runtime_mount(m->destination, m->type, m->source, m->options, bad);

    if (!rootless && strcmp(m->type, "devpts") == 0)
        bfci_runtime_append(json_object_get(object, "options"), json_string("gid=5"), bad);
    bfci_runtime_append(array, object, bad);
}

json_t *bfci_runtime_mounts(bool rootless, bool *bad)
{
    json_t *array = json_array();

    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        add_mount(array, &always[i], rootless, bad);
    for (size_t i = 0; !rootless && i < ARRAY_LEN(rooted); i++)
        add_mount(array, &rooted[i], rootless, bad);
    if (rootless)
        add_mount(array, &rootless_sys, rootless, bad);
    return array;
}

/* None is inheritable or ambient: a user who is not root has what the programs that it starts are
 * marked with, and no more. */
json_t *bfci_runtime_capabilities(bool *bad)
{
    static const char *const granted[] = {
        "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
        "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",    "CAP_SETFCAP",
        "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT", NULL};
    json_t *object = json_object();

    bfci_runtime_set(object, "bounding", strings(granted, bad), bad);
    bfci_runtime_set(object, "effective", strings(granted, bad), bad);
    bfci_runtime_set(object, "permitted", strings(granted, bad), bad);
    return object;
}

/* ── linux ── */

static json_t *make_namespaces(bool rootless, bool *bad)
{
    static const char *const both[] = {"pid", "ipc", "uts", "mount", "cgroup"};
    json_t *array = json_array();

    for (size_t i = 0; i <= ARRAY_LEN(both); i++) {
        const char *own = rootless ? "user" : "network";
        json_t *object = json_object();
        bfci_runtime_set(object, "type", json_string(i < ARRAY_LEN(both) ? both[i] : own), bad);
        bfci_runtime_append(array, object, bad);
    }
    return array;
}

static json_t *make_mapping(uint32_t host_id, bool *bad)
{
    json_t *array = json_array();
    json_t *object = json_object();

    bfci_runtime_set(object, "containerID", json_integer(0), bad);
    bfci_runtime_set(object, "hostID", json_integer(host_id), bad);
    bfci_runtime_set(object, "size", json_integer(1), bad);
    bfci_runtime_append(array, object, bad);
    return array;
}

/* No devices but those that runtimes allow by themselves: /dev/null and its like. */
static json_t *make_resources(bool *bad)
{
    json_t *rule = json_object(), *devices = json_array(), *resources = json_object();

    bfci_runtime_set(rule, "allow", json_false(), bad);
    bfci_runtime_set(rule, "access", json_string("rwm"), bad);
    bfci_runtime_append(devices, rule, bad);
    bfci_runtime_set(resources, "devices", devices, bad);
    return resources;
}

json_t *bfci_runtime_linux(const bfci_runtime_options *options, bool *bad)
{
    static const char *const masked[] = {"/proc/acpi",
                                         "/proc/asound",
                                         "/proc/interrupts",
                                         "/proc/kcore",
                                         "/proc/keys",
                                         "/proc/latency_stats",
                                         "/proc/sched_debug",
                                         "/proc/scsi",
                                         "/proc/timer_list",
                                         "/proc/timer_stats",
                                         "/sys/firmware",
                                         "/sys/devices/virtual/powercap",
                                         NULL};
    static const char *const readonly[] = {
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL};
    json_t *object = json_object();

    if (options->rootless) {
        bfci_runtime_set(object, "uidMappings", make_mapping(options->host_uid, bad), bad);
        bfci_runtime_set(object, "gidMappings", make_mapping(options->host_gid, bad), bad);
    } else { /* one who is rootless cannot set rules for devices, and needs none */
        bfci_runtime_set(object, "resources", make_resources(bad), bad);
    }
    bfci_runtime_set(object, "namespaces", make_namespaces(options->rootless, bad), bad);
    bfci_runtime_set(object, "maskedPaths", strings(masked, bad), bad);
    bfci_runtime_set(object, "readonlyPaths", strings(readonly, bad), bad);
    return object;
}
