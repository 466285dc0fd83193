/* SPDX-License-Identifier: Apache-2.0 */
/* The version, as the library was built. */
#include <bfc/version.h>

const char *bfc_version(void)
{
    return BFC_VERSION_STRING;
}
