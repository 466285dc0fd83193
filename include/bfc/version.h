/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_VERSION_H
#define BFC_VERSION_H
/**
 * @file version.h
 * The library's version, at build time and at run time.
 */

#include <bfc/err.h>

#define BFC_VERSION_MAJOR 0
#define BFC_VERSION_MINOR 1
#define BFC_VERSION_PATCH 0
#define BFC_VERSION_STRING "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Version of the library that is linked, "major.minor.patch".
 *
 * @return a static string
 *
 * Threads: any. Since: 0.1.
 */
BFC_API const char *bfc_version(void);

#ifdef __cplusplus
}
#endif
#endif
