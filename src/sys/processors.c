/* SPDX-License-Identifier: Apache-2.0 */
/* How many processors this process may use: those of its affinity mask, less if a control group
 * (version 2) of it has a limit. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "sys/file.h"
#include "sys/pool.h"

enum {
    SMALL_FILE_MAX = 16 * 1024
};

static unsigned in_affinity_mask(void)
{
    for (int cpus = CPU_SETSIZE; cpus <= 1 << 20; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        if (!set)
            return 1;
        size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        int rc = sched_getaffinity(0, size, set);
        int count = rc == 0 ? CPU_COUNT_S(size, set) : 0;
        bool too_small = rc != 0 && errno == EINVAL;
        CPU_FREE(set);
        if (!too_small)
            return (unsigned)MAX(count, 1);
    }
    return 1;
}

/* The limit that a cpu.max file ("<quota> <period>" or "max <period>") tells, rounded up. */
static unsigned limit_in(const char *path, unsigned otherwise)
{
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;
    unsigned long long quota = 0, period = 0;
    if (bfci_read_file(AT_FDCWD, path, SMALL_FILE_MAX, &text, &len, NULL) < 0)
        return otherwise;
    char *end = NULL;
    quota = strtoull((const char *)text, &end, 10); /* 0 for "max" */
    period = strtoull(end, NULL, 10);
    if (quota == 0 || period == 0)
        return otherwise;
    unsigned long long whole = quota / period + (quota % period != 0);
    return (unsigned)MIN(whole, otherwise);
}

/* The group's own limit and those of all groups around it. */
static unsigned in_group(char *group, unsigned most)
{
    static const char mount[] = "/sys/fs/cgroup";
    if (strstr(group, "/..")) /* outside of what this namespace shows */
        return most;
    for (;;) {
        AUTO_FREE char *path = NULL;
        if (bfci_asprintf(&path, NULL, "%s%s/cpu.max", mount, group) < 0)
            return most;
        most = limit_in(path, most);
        char *slash = strrchr(group, '/');
        if (!slash)
            return most;
        *slash = '\0';
    }
}

unsigned bfci_processors(void)
{
    AUTO_FREE uint8_t *groups = NULL;
    size_t len = 0;
    unsigned most = in_affinity_mask();
    if (bfci_read_file(AT_FDCWD, "/proc/self/cgroup", SMALL_FILE_MAX, &groups, &len, NULL) < 0)
        return most;
    for (char *line = (char *)groups; *line;) {
        char *end = line + strcspn(line, "\n");
        bool last = *end == '\0';
        *end = '\0';
        if (strncmp(line, "0::", 3) == 0)
            return MAX(in_group(line + 3, most), 1);
        line = last ? end : end + 1;
    }
    return most;
}
