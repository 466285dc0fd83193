/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms of images as text: "os/architecture[/variant]" with the names that OCI images use. What
 * is done with their parts stands in manifest.h. */
#ifndef BFCI_OCI_PLATFORM_H
#define BFCI_OCI_PLATFORM_H

#include "oci/manifest.h"

bool bfci_platform_ok(const char *platform);

/* A copy of `platform` in its usual form ("linux/amd64" for "linux/x86_64") if it is well-formed
 * (else BFC_E_INVALID); of this machine's where it is NULL. */
int bfci_platform_get(const char *platform, char **out, bfc_err *err);

/* The OCI name for what uname calls a machine: "amd64" for "x86_64"; an unknown one as it is. */
const char *bfci_platform_of_machine(const char *machine);

/* Whether an image for `offered` runs on `want`; *rank tells how well: the highest is closest. */
bool bfci_platform_runs_on(const bfci_platform *offered, const bfci_platform *want, unsigned *rank);

#endif
