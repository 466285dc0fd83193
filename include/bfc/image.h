/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_IMAGE_H
#define BFC_IMAGE_H
/**
 * @file image.h
 * Images in a store: create, list, get info, extract, tag, verify, delete.
 *
 * Names are `[registry[:port]/]path[:tag]`; the tag is `latest` where none is given. Path parts are
 * lower-case letters, digits and separators (`.`, `_`, `__`, `-`…), tags are up to 128 letters,
 * digits,
 * `_`, `.` and `-` (OCI distribution-spec 1.1, "Pulling manifests").
 *
 *     bfc_store *store = NULL;
 *     bfc_image_info *info = NULL;
 *     if (bfc_store_open(NULL, &store, &err) == 0 &&
 *         bfc_image_create_from_dir(store, "debian:12", "rootfs", NULL, &info, &err) == 0)
 *         printf("%s: %llu bytes\n", info->name, (unsigned long long)info->size);
 *     bfc_image_info_free(info);
 *     bfc_store_close(store);
 *
 * Every change is all or nothing, also when the process is killed; bfc_image_prune() removes what
 * interrupted work left. A store handle is used by one thread at a time.
 */

#include <bfc/container.h>
#include <bfc/store.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bfc_image_info {
    char *name;              /**< canonical, with its tag: "debian:12" */
    uint64_t size;           /**< bytes of the .bfc file */
    int64_t created;         /**< seconds since the epoch */
    const char *compression; /**< "none" or "zstd"; static */
    const char *encryption;  /**< "none" or "chacha20-poly1305"; static */
    uint8_t root_digest[BFC_DIGEST_SIZE];
    char *manifest_digest;  /**< "sha256:…"; "" for an image that has no manifest (one that was
                                 created from a directory) */
    char *platform;         /**< "linux/amd64" */
    uint64_t layers;        /**< an image from a directory has one */
    uint64_t files;         /**< entries of any type, each inode once */
    uint64_t content_bytes; /**< bytes uncompressed */
    char *path;             /**< of the container file */
} bfc_image_info;

/** NULL is allowed. Since: 0.1. */
BFC_API void bfc_image_info_free(bfc_image_info *info);

typedef struct bfc_image_create_options {
    size_t size;               /**< of this struct; set by the INIT macro */
    bfc_writer_options writer; /**< compression, block size, jobs, excludes, hooks…; its `replace`
                                    lets a new image take an existing name */
    const char *platform;      /**< "os/arch[/variant]"; NULL: the machine's */
} bfc_image_create_options;

#define BFC_IMAGE_CREATE_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(bfc_image_create_options), BFC_WRITER_OPTIONS_INIT, NULL                            \
    }

/**
 * Create an image from a directory.
 *
 * @param[out] out  its facts; set on success; free with bfc_image_info_free(); may be NULL
 * @return 0; BFC_E_INVALID (name), BFC_E_EXISTS, BFC_E_NOT_FOUND (dir), BFC_E_BUSY (another process
 *         is creating it), and as bfc_writer_commit()
 *
 * Blocks: long. Since: 0.1.
 */
BFC_API int bfc_image_create_from_dir(bfc_store *store, const char *name, const char *dir,
                                      const bfc_image_create_options *options, bfc_image_info **out,
                                      bfc_err *err);

typedef struct bfc_image_list {
    size_t count;
    bfc_image_info **item; /**< newest first */
    size_t damaged;        /**< files in the store that could not be read; each was logged */
} bfc_image_list;

/**
 * All images of a store, newest first; equal times by name.
 *
 * @param hooks     may be NULL; damaged images are told to its log
 * @param[out] out  set on success; free with bfc_image_list_free()
 * @return 0; BFC_E_IO, BFC_E_DENIED, BFC_E_NOMEM
 *
 * Since: 0.1.
 */
BFC_API int bfc_image_list_get(bfc_store *store, const bfc_hooks *hooks, bfc_image_list **out,
                               bfc_err *err);

/** NULL is allowed. Since: 0.1. */
BFC_API void bfc_image_list_free(bfc_image_list *list);

/**
 * Facts of one image.
 *
 * @param[out] out  set on success; free with bfc_image_info_free()
 * @return 0; BFC_E_INVALID (name), BFC_E_NOT_FOUND, BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Since: 0.1.
 */
BFC_API int bfc_image_info_get(bfc_store *store, const char *name, bfc_image_info **out,
                               bfc_err *err);

/**
 * Extract an image into a directory, which is made if it is not there and must be empty unless
 * `options->replace` is set.
 *
 * @param options      as for bfc_extract(); may be NULL
 * @param[out] report  set also on failure; may be NULL
 * @return 0; BFC_E_EXISTS (target not empty), and as bfc_extract()
 *
 * Blocks: long. Since: 0.1.
 */
BFC_API int bfc_image_extract(bfc_store *store, const char *name, const char *target,
                              const bfc_extract_options *options, bfc_extract_report *report,
                              bfc_err *err);

/**
 * Remove an image. What was extracted from it stays.
 *
 * @return 0; BFC_E_INVALID, BFC_E_NOT_FOUND, BFC_E_BUSY, BFC_E_IO, BFC_E_DENIED
 *
 * Since: 0.1.
 */
BFC_API int bfc_image_delete(bfc_store *store, const char *name, bfc_err *err);

/**
 * Give an image one more name. Both share the file's blocks where the file system can.
 *
 * @param replace  an image that has the new name is replaced
 * @return 0; BFC_E_INVALID, BFC_E_NOT_FOUND, BFC_E_EXISTS, BFC_E_BUSY, BFC_E_IO, BFC_E_NOSPC
 *
 * Since: 0.1.
 */
BFC_API int bfc_image_tag(bfc_store *store, const char *name, const char *new_name, bool replace,
                          bfc_err *err);

/**
 * Check an image's container; as bfc_verify().
 *
 * Blocks: long. Since: 0.1.
 */
BFC_API int bfc_image_verify(bfc_store *store, const char *name, const bfc_verify_options *options,
                             bfc_verify_report *report, bfc_err *err);

/** Called for each thing that prune removes, or would remove. */
typedef void bfc_prune_fn(void *ctx, const char *path, uint64_t size);

typedef struct bfc_prune_report {
    uint64_t removed; /**< files and folders that interrupted work left */
    uint64_t bytes;
} bfc_prune_report;

/**
 * Remove what interrupted work left in the store. Work that is going on is not touched.
 *
 * @param dry_run  only tell
 * @param fn       may be NULL
 * @return 0; BFC_E_IO, BFC_E_DENIED, BFC_E_NOMEM
 *
 * Since: 0.1.
 */
BFC_API int bfc_image_prune(bfc_store *store, bool dry_run, bfc_prune_fn *fn, void *ctx,
                            bfc_prune_report *report, bfc_err *err);

/** What takes how much in a store. */
typedef struct bfc_store_usage {
    uint64_t images;
    uint64_t image_bytes;    /**< sum of the files' sizes, each name counted */
    uint64_t disk_bytes;     /**< what they take on disk, files with several names once */
    uint64_t shared_bytes;   /**< of image_bytes: counted more than once (several names) */
    uint64_t content_bytes;  /**< uncompressed */
    uint64_t leftover_bytes; /**< what bfc_image_prune() would free */
    uint64_t free_bytes;     /**< free on the store's file system, for this user */
} bfc_store_usage;

/** @return 0; BFC_E_IO, BFC_E_DENIED, BFC_E_NOMEM. Since: 0.1. */
BFC_API int bfc_image_df(bfc_store *store, bfc_store_usage *out, bfc_err *err);

#ifdef __cplusplus
}
#endif
#endif
