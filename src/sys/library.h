/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries that are loaded when they are first needed, since loading and relocating them
 * takes longer than all else that a short command does. */
#ifndef BFCI_SYS_LIBRARY_H
#define BFCI_SYS_LIBRARY_H

#include "base/base.h"

/* One of its functions, and where in the caller's table its address goes. */
typedef struct bfci_library_function {
    const char *name;
    size_t at;
} bfci_library_function;

/* Loads `file`, by the name that the loader knows it under or by its path, and fills `table`, a
 * struct of pointers to functions. The library stays until the process ends. BFC_E_UNSUPPORTED: it
 * is not there, or lacks a function. */
int bfci_library_load(const char *file, const bfci_library_function *wanted, size_t count,
                      void *table, bfc_err *err);

#endif
