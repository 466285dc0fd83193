/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to bfc_image_commit_options, and the answer. */
#include "change_options.h"

#include "image_view.h"

int change_options_read(struct cli *cli, const struct args *args, struct write_options *write,
                        bfc_image_commit_options *how)
{
    *how = (bfc_image_commit_options)BFC_IMAGE_COMMIT_OPTIONS_INIT;
    int code = write_options_read(cli, args, write);
    if (code != EXIT_DONE)
        return code;
    how->writer = write->writer;
    how->new_name = args_value(args, OPT_AS);
    how->message = args_value(args, OPT_MESSAGE);
    how->author = args_value(args, OPT_AUTHOR);
    return EXIT_DONE;
}

int change_report(struct cli *cli, const char *schema, int rc, const bfc_image_info *info,
                  const bfc_err *err)
{
    if (rc < 0)
        return cli_fail_hint(cli, err, BFC_E_EXISTS, "use -f to replace it");
    image_report(cli, schema, info, NULL);
    return EXIT_DONE;
}
