/* SPDX-License-Identifier: Apache-2.0 */
/* Shell patterns, as in fnmatch(3) without flags, for tags: "*", "?", "[a-z]", "[!a-z]". Bytes are
 * letters, whatever the locale. Pure; any thread. */
#ifndef BFCI_NET_GLOB_H
#define BFCI_NET_GLOB_H

#include <stdbool.h>

#include "base/base.h"

/* Whether there is anything in it that makes it a pattern. */
bool bfci_glob_is_pattern(const char *text);
/* Whether every bracket is closed, and nothing is escaped: there is nothing to escape in a tag. */
bool bfci_glob_ok(const char *pattern);
/* Takes time by the product of both lengths at most. `pattern` is one that is ok. */
bool bfci_glob_match(const char *pattern, const char *text);

#endif
