/* SPDX-License-Identifier: Apache-2.0 */
/* The ZFS properties that a command gives to the dataset it makes. */
#ifndef CLI_PROPERTY_OPTIONS_H
#define CLI_PROPERTY_OPTIONS_H

#include "cli.h"

#define OPTION_PROPERTY                                                                            \
    {                                                                                              \
        OPT_PROPERTY, 'o', "property", "KEY=VALUE", VALUE_WORD, NULL,                              \
            "set a property of the ZFS dataset, such as quota=10G; may be given several times"     \
    }

/* Sets *out to all of them in order, ended by NULL; NULL if there is none. free() it in either
 * case. 0, or an exit code when it has been told what is wrong. `mountpoint` is what to say of the
 * one property that cannot be given so. */
int property_options_read(struct cli *cli, const struct args *args, const char *mountpoint,
                          const char ***out);

/* A value of --mountpoint: 0, or an exit code when it has been told what is wrong. */
int property_mountpoint_check(struct cli *cli, const char *value);

#endif
