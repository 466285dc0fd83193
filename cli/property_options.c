/* SPDX-License-Identifier: Apache-2.0 */
/* -o KEY=VALUE and --mountpoint. Which properties there are, and what their values may be, is for
 * ZFS to say; here stands what it would not understand as it was meant. */
#include "property_options.h"

#include <string.h>

/* Bytes that some property's name may have: those of userquota@… among them. */
static bool is_key(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return false;
    return len > 0 && key[0] != '-';
}

static bool is_named(const char *property, size_t key_len, const char *name)
{
    return strlen(name) == key_len && strncmp(property, name, key_len) == 0;
}

/* NULL, or what is wrong with it. */
static const char *problem_of(const char *property, const char *mountpoint)
{
    static const char own[] = "bfc:";
    size_t len = strcspn(property, "=");

    if (property[len] != '=' || !is_key(property, len))
        return "KEY=VALUE is needed, such as quota=10G";
    if (is_named(property, len, "mountpoint"))
        return mountpoint;
    if (strncmp(property, own, sizeof own - 1) == 0)
        return "properties that begin with 'bfc:' are set by bfc alone";
    return NULL;
}

int property_options_read(struct cli *cli, const struct args *args, const char *mountpoint,
                          const char ***out)
{
    const char **given = *out = args_values(args, OPT_PROPERTY);

    for (size_t i = 0; given && given[i]; i++) {
        const char *problem = problem_of(given[i], mountpoint);
        if (!problem)
            continue;
        AUTO_TEXT struct text shown = {0};
        text_escaped(&shown, given[i], strlen(given[i]), ESCAPE_QUOTED);
        return cli_usage(cli, "--property '%s': %s", text_of(&shown), problem);
    }
    return EXIT_DONE;
}

int property_mountpoint_check(struct cli *cli, const char *value)
{
    if (value[0] == '/' || strcmp(value, "none") == 0 || strcmp(value, "legacy") == 0)
        return EXIT_DONE;
    AUTO_TEXT struct text shown = {0};
    text_escaped(&shown, value, strlen(value), ESCAPE_QUOTED);
    return cli_usage(cli, "--mountpoint '%s': an absolute path, none or legacy is needed",
                     text_of(&shown));
}
