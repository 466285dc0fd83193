/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of store must be able to do. Everything above asks through this table and never which
 * kind it is on.
 *
 * The rules that every backend keeps:
 * - An image is seen by find and scan wholly or not at all. New ones are made at a work's path,
 *   which neither shows, and take their name in one step by work_publish.
 * - Who changes a name holds its lock, from work_begin to work_end or inside remove. Readers take
 *   none.
 * - After a crash, a name is what it was before or what it was to become. What else is left is
 *   found by leftovers, which knows by the locks what is dead.
 * - Paths that come out of a backend are absolute. */
#ifndef BFCI_STORE_BACKEND_H
#define BFCI_STORE_BACKEND_H

#include <bfc/image.h>

#include "base/base.h"
#include "store/reference.h"

BFCI_DEFINE_AUTO(bfc_image_info, bfc_image_info_free)
BFCI_DEFINE_AUTO(bfc_image_list, bfc_image_list_free)

struct bfc_store {
    const struct bfci_backend *backend;
    void *state; /* the backend's own */
    char *uri;
    const bfc_hooks *hooks; /* borrowed; may be NULL */
    const bfc_keys *keys;   /* likewise */
};

/* One image, as scan meets it. All is borrowed for the call. */
typedef struct bfci_found {
    const bfci_reference *ref;
    const char *path;       /* of the container */
    uint64_t size;          /* bytes of the container */
    uint64_t disk_bytes;    /* what it takes on disk; 0: not known */
    uint64_t device, inode; /* equal for names of one file, which takes its bytes once */
    const void *known;      /* the backend's: facts that came with the scan, for facts() */
} bfci_found;
/* Non-zero ends the scan and is what scan returns. */
typedef int bfci_found_fn(void *ctx, const bfci_found *found, bfc_err *err);

/* How an image is to be made. */
typedef struct bfci_work_how {
    bool replace;                  /* it may take the place of another */
    const char *const *properties; /* of its dataset; NULL: none */
} bfci_work_how;

/* An image in the making. */
typedef struct bfci_work {
    bfc_store *store;
    bfci_reference ref; /* what it will be called */
    bfci_work_how how;
    char *path;  /* where the container is to be made: nothing is there yet */
    char *place; /* the backend's: what work_end removes */
    char *lock;  /* the backend's: the lock's file */
    int lock_fd;
} bfci_work;
#define BFCI_WORK_INIT                                                                             \
    {                                                                                              \
        .lock_fd = -1                                                                              \
    }

typedef struct bfci_backend {
    const char *kind; /* of its URIs: "dir" */

    /* `location` is what stands after "kind:". Sets *uri and *state. Nothing is made. */
    int (*open)(const char *location, void **state, char **uri, bfc_err *err);
    void (*close)(void *state);

    /* The path of an image's container, or BFC_E_NOT_FOUND. */
    int (*find)(bfc_store *store, const bfci_reference *ref, char **path, bfc_err *err);
    /* Every image, in any order. A store that was not made yet has none. */
    int (*scan)(bfc_store *store, bfci_found_fn *fn, void *ctx, bfc_err *err);
    /* The facts of an image that scan met, during the call of its fn. */
    int (*facts)(bfc_store *store, const bfci_found *found, const bfc_hooks *hooks,
                 bfc_image_info **out, bfc_err *err);
    /* Sets the counts of images and of the bytes that they take, and share. */
    int (*usage)(bfc_store *store, bfc_store_usage *sum, bfc_err *err);

    /* Locks the name and makes room for work. Without replace: BFC_E_EXISTS if the image is there.
     * BFC_E_BUSY if somebody else is changing it. On failure nothing is held. */
    int (*work_begin)(bfc_store *store, const bfci_reference *ref, const bfci_work_how *how,
                      bfci_work *out, bfc_err *err);
    /* Puts at the work's path a container with the content of the one at `source`, sharing its
     * blocks where that is possible. */
    int (*work_share)(bfci_work *work, const char *source, bfc_err *err);
    /* The same, to be added to: nothing that is done to it concerns the one at `source`. */
    int (*work_copy)(bfci_work *work, const char *source, bfc_err *err);
    /* Gives the container at the work's path its name, for good. `info` is what it holds; *path is
     * where it is now. */
    int (*work_publish)(bfci_work *work, const bfc_image_info *info, char **path, bfc_err *err);
    /* Removes what was not published, and unlocks. */
    void (*work_end)(bfci_work *work);

    int (*remove)(bfc_store *store, const bfci_reference *ref,
                  const bfc_image_delete_options *options, bfc_err *err);

    /* Compares what the store says of an image beside its container with what the container says.
     * *told (free()) is what is wrong, for people; "" if nothing is. With repair it is set right.
     */
    int (*check)(bfc_store *store, const bfc_image_info *info, bool repair, char **told,
                 bfc_err *err);

    /* The versions of an image but the current one, which is `current`: the last first. */
    int (*versions)(bfc_store *store, const bfc_image_info *current, bfc_image_history *out,
                    bfc_err *err);
    /* Puts the container of an earlier version at the work's path. */
    int (*work_version)(bfci_work *work, const uint8_t root_digest[BFC_DIGEST_SIZE], bfc_err *err);

    bool names_datasets; /* a bare target of an extract is a ZFS dataset, not a directory */
    /* Extracts an image into a ZFS dataset; `path` is what find gave. */
    int (*extract_dataset)(bfc_store *store, const bfci_reference *ref, const char *path,
                           const char *dataset, const bfc_extract_options *options,
                           bfc_extract_report *report, bfc_err *err);

    /* Tells and, unless dry_run, removes what dead work left. Adds to *report. */
    int (*leftovers)(bfc_store *store, bool dry_run, bfc_prune_fn *fn, void *ctx,
                     bfc_prune_report *report, bfc_err *err);

    /* Sends an image, or with ref NULL all of them; receives what was sent. NULL where a kind of
     * store has no streams of its own. */
    int (*send)(bfc_store *store, const bfci_reference *ref, int fd, const char *const *have,
                const bfc_hooks *hooks, bfc_err *err);
    int (*receive)(bfc_store *store, int fd, const bfc_image_receive_options *options,
                   bfc_err *err);

    /* The folder for blobs that are being fetched (part_file.h), a file system with room for
     * images; with `make` it is made. BFC_E_NOT_FOUND: there is none yet. *path: free(). */
    int (*downloads)(bfc_store *store, bool make, char **path, bfc_err *err);
    /* The folder for records of lists (sync_record.h), likewise. */
    int (*records)(bfc_store *store, bool make, char **path, bfc_err *err);

    /* The folder below which the store keeps its files; borrowed. It need not be there yet. */
    const char *(*folder)(const bfc_store *store);
    int (*free_space)(bfc_store *store, uint64_t *bytes, bfc_err *err);
} bfci_backend;

extern const bfci_backend bfci_backend_dir, bfci_backend_zfs;

static inline void bfci_work_cleanup(bfci_work *work)
{
    if (work->store)
        work->store->backend->work_end(work);
}
#define AUTO_WORK __attribute__((cleanup(bfci_work_cleanup)))

#endif
