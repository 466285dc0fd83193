/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to bfc_writer_options. */
#include "write_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "value.h"

enum {
    BLOCK_SIZE_MIN = 4096,
    BLOCK_SIZE_MAX = 4194304
};

void write_options_free(struct write_options *o)
{
    for (size_t i = 0; i < o->exclude_count; i++)
        free(o->exclude[i]);
    free(o->exclude);
    *o = (struct write_options){0};
}

static void add_pattern(struct write_options *o, const char *pattern)
{
    o->exclude = mem_resize(o->exclude, o->exclude_count + 2, sizeof *o->exclude);
    o->exclude[o->exclude_count++] = mem_strdup(pattern);
    o->exclude[o->exclude_count] = NULL;
}

static int cannot_read(struct cli *cli, const char *path, int os_errno)
{
    enum bfc_code code = os_errno == ENOENT   ? BFC_E_NOT_FOUND
                         : os_errno == EACCES ? BFC_E_DENIED
                                              : BFC_E_IO;
    AUTO_TEXT struct text shown = {0};
    text_escaped(&shown, path, strlen(path), ESCAPE_QUOTED);
    return cli_error(cli, code, "read patterns from '%s': %s", text_of(&shown), strerror(os_errno));
}

static int read_patterns(struct cli *cli, struct write_options *o, const char *path)
{
    AUTO_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    FILE *file = fopen(path, "re");

    if (!file)
        return cannot_read(cli, path, errno);
    errno = 0;
    while ((len = getline(&line, &cap, file)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            line[--len] = '\0';
        if (len > 0 && line[0] != '#')
            add_pattern(o, line);
    }
    int failed = ferror(file) ? errno : 0;
    (void)fclose(file);
    return failed ? cannot_read(cli, path, failed) : EXIT_DONE;
}

static int read_excludes(struct cli *cli, const struct args *args, struct write_options *o)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const struct given *given = &args->given[i];
        if (given->option->id == OPT_EXCLUDE)
            add_pattern(o, given->value);
        if (given->option->id != OPT_EXCLUDE_FROM)
            continue;
        int code = read_patterns(cli, o, given->value);
        if (code != EXIT_DONE)
            return code;
    }
    o->writer.exclude = (const char *const *)o->exclude;
    return EXIT_DONE;
}

int write_options_epoch(struct cli *cli, const struct args *args, int64_t *out)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    AUTO_TEXT struct text problem = {0};

    *out = 0;
    if (!args_has(args, OPT_REPRODUCIBLE) || !epoch || !*epoch)
        return EXIT_DONE;
    if (value_epoch(epoch, out, &problem) < 0) {
        ui_error(&cli->ui, bfc_code_name(BFC_E_INVALID), EXIT_FAILED, text_of(&problem));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

int write_options_read(struct cli *cli, const struct args *args, struct write_options *out)
{
    const char *block_size = args_value(args, OPT_BLOCK_SIZE);
    const char *compression = args_value(args, OPT_COMPRESSION);
    const char *profile = args_value(args, OPT_PROFILE);
    int which = BFC_PROFILE_DEFAULT;
    bfc_writer_options *w = &out->writer;
    AUTO_TEXT struct text problem = {0};
    uint64_t size = 0;

    *out = (struct write_options){.writer = BFC_WRITER_OPTIONS_INIT};
    if (compression && value_compression(compression, &w->compression, &w->level, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    if (block_size &&
        value_size(block_size, "--block-size", BLOCK_SIZE_MIN, BLOCK_SIZE_MAX, &size, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    if ((size & (size - 1)) != 0)
        return cli_usage(cli, "--block-size '%s': a power of two is needed", block_size);

    if (profile && value_choice(profile, "--profile", "default archive", &which, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    if (which == BFC_PROFILE_ARCHIVE && args_has(args, OPT_LOW_MEMORY))
        return cli_usage(cli, "--profile archive needs more memory than --low-memory allows");

    w->profile = (enum bfc_profile)which;
    w->block_size = (uint32_t)size;
    w->jobs = cli->jobs;
    w->low_memory = args_has(args, OPT_LOW_MEMORY);
    w->one_file_system = args_has(args, OPT_ONE_FILE_SYSTEM);
    w->reproducible = args_has(args, OPT_REPRODUCIBLE);
    w->replace = args_has(args, OPT_FORCE);
    w->hooks = &cli->hooks;
    int code = write_options_epoch(cli, args, &w->source_date_epoch);
    return code == EXIT_DONE ? read_excludes(cli, args, out) : code;
}
