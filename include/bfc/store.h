/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_STORE_H
#define BFC_STORE_H
/**
 * @file store.h
 * Where images live: a handle on an image store.
 *
 * A store is named by a URI: "dir:/path" or a bare path; or "zfs:tank/images", a ZFS dataset. With
 * NULL it is $BFC_STORE, else /var/lib/bfc/images for root and $XDG_DATA_HOME/bfc/images
 * (~/.local/share/bfc/images) for others. What is in the store is what its files and datasets say:
 * there is no catalogue beside them.
 */

#include <stdbool.h>

#include <bfc/err.h>
#include <bfc/hooks.h>
#include <bfc/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bfc_store bfc_store;

/**
 * Open a store. A directory store that does not exist is made when the first image is created.
 *
 * @param uri       NULL: the default
 * @param[out] out  set on success; free with bfc_store_close()
 * @return 0; BFC_E_INVALID (uri), BFC_E_UNSUPPORTED (a kind of store this build lacks),
 *         BFC_E_DENIED, BFC_E_NOMEM, BFC_E_IO
 *
 * Threads: a store may be used by one thread at a time; several processes may use the same store.
 * Since: 0.1.
 */
BFC_API int bfc_store_open(const char *uri, bfc_store **out, bfc_err *err);

/**
 * Who watches, and may stop, what the store does by itself: a ZFS store tells each `zfs` command to
 * the log (BFC_LOG_INFO, module "zfs").
 *
 * @param hooks  borrowed until the store is closed; NULL: nobody
 *
 * Since: 0.3.
 */
BFC_API void bfc_store_set_hooks(bfc_store *store, const bfc_hooks *hooks);

/**
 * Keys for the encrypted images of a store. Those that are derived from an image
 * (bfc_image_commit() and the like) are encrypted as it is, and so for whoever can open it.
 * bfc_image_list_get(), bfc_image_tag() and bfc_image_delete() need none.
 *
 * @param keys  borrowed until the store is closed; NULL: none
 *
 * Since: 0.4.
 */
BFC_API void bfc_store_set_keys(bfc_store *store, const bfc_keys *keys);

/** The store's URI, with its kind: "dir:/…". Borrowed from the store. Since: 0.1. */
BFC_API const char *bfc_store_uri(const bfc_store *store);

/** NULL is allowed. Since: 0.1. */
BFC_API void bfc_store_close(bfc_store *store);

#ifdef __cplusplus
}
#endif
#endif
