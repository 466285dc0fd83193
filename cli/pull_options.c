/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to bfc_image_pull_options. */
#include "pull_options.h"

#include "key_options.h"
#include "property_options.h"

void pull_options_free(struct pull_options *o)
{
    write_options_free(&o->write);
    free(o->properties);
    o->properties = NULL;
}

int pull_options_read(struct cli *cli, const struct args *args, struct pull_options *out,
                      bfc_image_pull_options *how)
{
    int code = source_options_read(cli, args, &how->create);

    if (code == EXIT_DONE)
        code = parallel_read(cli, args, &how->parallel);
    if (code == EXIT_DONE)
        code = write_options_read(cli, args, &out->write);
    if (code == EXIT_DONE)
        code = encrypt_options_read(cli, args, &out->write.writer);
    if (code == EXIT_DONE)
        code = property_options_read(cli, args, "an image is mounted where its store is",
                                     &out->properties);
    if (code == EXIT_DONE)
        code = registry_options_read(cli, args, &how->registry);
    how->create.writer = out->write.writer;
    how->create.properties = out->properties;
    return code;
}
