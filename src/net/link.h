/* SPDX-License-Identifier: Apache-2.0 */
/* The next page of a list: the header Link (RFC 8288, section 3) with rel="next", and what its URL
 * means beside the one that was asked for (RFC 3986, section 5). Pure functions; any thread. */
#ifndef BFCI_NET_LINK_H
#define BFCI_NET_LINK_H

#include "base/base.h"

enum {
    LINK_HEADER_MAX = 16 * 1024,
    LINK_URL_MAX = 8 * 1024
};

/* The absolute URL of the next page, or NULL in *next if `header`, the part behind the colon, has
 * none; free(). `request` is the absolute http(s) URL that was asked for. A URL that leads to
 * another scheme, host or port is refused: who is asked is our decision. BFC_E_CORRUPT,
 * BFC_E_LIMIT. */
int bfci_link_next(const char *header, const char *request, char **next, bfc_err *err);

#endif
