/* SPDX-License-Identifier: Apache-2.0 */
/* How layers are compressed, from the command line. */
#include "export_options.h"

#include <string.h>

#include "value.h"

int export_options_read(struct cli *cli, const struct args *args, const char **compression,
                        int *level)
{
    const char *how = args_value(args, OPT_COMPRESSION), *hard = args_value(args, OPT_LEVEL);
    AUTO_TEXT struct text problem = {0};
    uint64_t number = 0;
    int which = 0;

    if (how && value_choice(how, "--compression", EXPORT_CODINGS, &which, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    *compression = how;
    if (!hard)
        return EXIT_DONE;
    /* The default depends on where it goes: nothing is guessed. */
    if (!how || strcmp(how, "none") == 0)
        return cli_usage(cli, "--level is for --compression gzip or zstd");
    uint64_t most = strcmp(how, "zstd") == 0 ? 19 : 9;
    if (value_number(hard, "--level", 1, most, &number, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    *level = (int)number;
    return EXIT_DONE;
}
