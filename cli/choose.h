/* SPDX-License-Identifier: Apache-2.0 */
/* Asking which image a short name means. */
#ifndef CLI_CHOOSE_H
#define CLI_CHOOSE_H

#include <bfc/registry.h>

struct cli;

/* Whether there is somebody to ask: standard input and error are a terminal, and nothing says that
 * a program is talking to us. */
bool choose_wanted(const struct cli *cli);

/* For bfc_registry_options, with the struct cli as ctx. */
int choose_name(void *cli, const char *typed, const char *const *names, size_t count,
                size_t *chosen, bfc_err *err);

#endif
