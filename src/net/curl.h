/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl, loaded when the first address or request needs it: it brings some thirty libraries
 * along, and loading them takes several times as long as all else that a short command does. So
 * whoever never asks a registry does not need it either. */
#ifndef BFCI_NET_CURL_H
#define BFCI_NET_CURL_H

#include <curl/curl.h>

#include "base/base.h"

#define BFCI_CURL_FUNCTIONS(X)                                                                     \
    X(easy_cleanup)                                                                                \
    X(easy_getinfo)                                                                                \
    X(easy_init)                                                                                   \
    X(easy_pause)                                                                                  \
    X(easy_reset)                                                                                  \
    X(easy_setopt)                                                                                 \
    X(easy_strerror)                                                                               \
    X(free)                                                                                        \
    X(global_cleanup)                                                                              \
    X(global_init)                                                                                 \
    X(multi_add_handle)                                                                            \
    X(multi_cleanup)                                                                               \
    X(multi_info_read)                                                                             \
    X(multi_init)                                                                                  \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_remove_handle)                                                                         \
    X(multi_setopt)                                                                                \
    X(multi_wakeup)                                                                                \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(url)                                                                                         \
    X(url_cleanup)                                                                                 \
    X(url_get)                                                                                     \
    X(url_set)                                                                                     \
    X(url_strerror)                                                                                \
    X(version_info)

/* curl_easy_init() is bfci_curl.easy_init(). All NULL before bfci_curl_load(). */
typedef struct bfci_curl_functions {
#define BFCI_CURL_FIELD(name) __typeof__(&curl_##name) name;
    BFCI_CURL_FUNCTIONS(BFCI_CURL_FIELD)
#undef BFCI_CURL_FIELD
} bfci_curl_functions;
extern bfci_curl_functions bfci_curl;

/* Any thread, any number of times. It stays until the process ends. BFC_E_UNSUPPORTED: it is not
 * there, or lacks what we need. */
int bfci_curl_load(bfc_err *err);

#endif
