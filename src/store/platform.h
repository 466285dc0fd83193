/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms of images: "os/architecture[/variant]" with the names that OCI images use. */
#ifndef BFCI_STORE_PLATFORM_H
#define BFCI_STORE_PLATFORM_H

#include "base/base.h"

bool bfci_platform_ok(const char *platform);

/* A copy of `platform` if it is well-formed (else BFC_E_INVALID); of this machine's where it is
 * NULL. */
int bfci_platform_get(const char *platform, char **out, bfc_err *err);

/* The OCI name for what uname calls a machine: "amd64" for "x86_64"; an unknown one as it is. */
const char *bfci_platform_of_machine(const char *machine);

#endif
