/* SPDX-License-Identifier: Apache-2.0 */
/* Dates as HTTP writes them. */
#ifndef BFCI_NET_HTTP_DATE_H
#define BFCI_NET_HTTP_DATE_H

#include "base/base.h"

/* RFC 9110, section 5.6.7, all three forms. *out is seconds since the epoch, as `now` is, which
 * only says which century two digits of a year belong to. False: it is no date. */
bool bfci_http_date_parse(const char *text, int64_t now, int64_t *out);

#endif
