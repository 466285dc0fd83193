/* SPDX-License-Identifier: Apache-2.0 */
#include "source_options.h"

#include "value.h"

int source_options_read(struct cli *cli, const struct args *args, bfc_image_create_options *out)
{
    const char *size = args_value(args, OPT_MAX_SIZE);
    AUTO_TEXT struct text problem = {0};

    if (size && value_size(size, "--max-size", 1, INT64_MAX, &out->max_size, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    out->platform = args_value(args, OPT_PLATFORM);
    out->all_platforms = args_has(args, OPT_ALL_PLATFORMS);
    out->prefixes = args_has(args, OPT_PREFIXES);
    out->artifact = args_has(args, OPT_ARTIFACT);
    return EXIT_DONE;
}
