/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_IMAGE_H
#define BFC_IMAGE_H
/**
 * @file image.h
 * Images in a store: create, list, get info, extract, tag, verify, delete; and what OCI images have
 * beside that: layers, export, bundles, commit, squash, rebase, configuration.
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
    const char *compression; /**< "none" or "zstd"; static. "unknown": see `hidden` */
    const char *encryption;  /**< "none" or "chacha20-poly1305"; static */
    uint8_t root_digest[BFC_DIGEST_SIZE];
    char *manifest_digest;  /**< "sha256:…"; "" for an image that has no manifest (one that was
                                 created from a directory) */
    char *platform;         /**< "linux/amd64"; "unknown" where nothing tells it */
    uint64_t layers;        /**< an image from a directory has one; of an artifact: its blobs */
    uint64_t files;         /**< entries of any type, each inode once */
    uint64_t content_bytes; /**< bytes uncompressed */
    char *path;             /**< of the container file; "" where a ZFS dataset is not mounted */
    char *mismatch; /**< of bfc_image_info_get(): what the store says of the image beside its
                         container (ZFS properties) and says wrongly, for people; "" if nothing.
                         bfc_image_verify() can set it right */
    bool hidden;    /**< the image is encrypted, and was looked at without its key: of name, size,
                         created, encryption, root_digest and path alone something is known; the
                         others are 0, "" or "unknown" */
} bfc_image_info;

/** NULL is allowed. Since: 0.1. */
BFC_API void bfc_image_info_free(bfc_image_info *info);

typedef struct bfc_image_create_options {
    size_t size;               /**< of this struct; set by the INIT macro */
    bfc_writer_options writer; /**< compression, block size, jobs, excludes, hooks…; its `replace`
                                    lets a new image take an existing name */
    const char *platform;      /**< "os/arch[/variant]"; NULL: the machine's. Of an image index:
                                    which image is taken */
    bool all_platforms;        /**< keep every image of an index; `platform` is the one that is
                                    extracted */
    bool artifact;             /**< a manifest that is no image is kept, too: its blobs become the
                                    files blobs/sha256/… of the file system. With `all_platforms`
                                    also those of an index that tell of an image in it */
    bool prefixes;             /**< keep the file system of the lowest 1, 2, … layers, too, to be
                                    extracted as "NAME#N" */
    uint64_t max_size;         /**< bytes uncompressed that a layer may have; 0: 1024 times what the
                                    manifest says of it, and 1 GiB at least */
    const char *const *properties; /**< "name=value" for the image's ZFS dataset, ended by NULL;
                                      they go before what is set by default (recordsize,
                                      compression, atime). NULL: none. BFC_E_UNSUPPORTED in a store
                                      that has no datasets */
    const struct bfc_trust *trust; /**< of "bfc:FILE" alone: one of these signers must have signed
                                      FILE's root digest, and every byte is checked against it. Of
                                      other sources: BFC_E_INVALID */
} bfc_image_create_options;

#define BFC_IMAGE_CREATE_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(bfc_image_create_options), BFC_WRITER_OPTIONS_INIT, NULL, false, false, false, 0,   \
            NULL, NULL                                                                             \
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

/**
 * Create an image from what `source` names: "dir:PATH", "oci:LAYOUT[:REF]",
 * "oci-archive:TAR[:REF]", "docker-archive:TAR[:REF]", "manifest:PATH", "bfc:FILE", or a bare path,
 * which is recognised by what it is. REF is a name or "@sha256:…".
 *
 * Every size and digest is checked while it is read, the diffIDs against the configuration. When
 * the store holds an image whose layers are the lowest ones of the new image, the new one starts as
 * a copy of that file, and its base is neither compressed nor, where the file system can share
 * blocks, stored again.
 *
 * @param[out] out  its facts; set on success; free with bfc_image_info_free(); may be NULL
 * @return 0; BFC_E_INVALID, BFC_E_EXISTS, BFC_E_NOT_FOUND (source, reference, platform),
 *         BFC_E_CORRUPT (what came is not what was promised), BFC_E_UNSUPPORTED (encrypted layers,
 *         foreign ones that are not there, artifacts without `artifact`), BFC_E_LIMIT, BFC_E_BUSY,
 * and as bfc_writer_commit()
 *
 * Blocks: long. Source: image-spec 1.1. Since: 0.2.
 */
BFC_API int bfc_image_create(bfc_store *store, const char *name, const char *source,
                             const bfc_image_create_options *options, bfc_image_info **out,
                             bfc_err *err);

/**
 * Create an image from an image manifest: a file in the `blobs/` of an OCI layout, a
 * `manifest.json` beside a `blobs/`, or the `manifest.json` of an unpacked docker-archive.
 *
 * @return as bfc_image_create()
 *
 * Blocks: long. Since: 0.2.
 */
BFC_API int bfc_image_create_from_manifest(bfc_store *store, const char *name,
                                           const char *manifest_path,
                                           const bfc_image_create_options *options,
                                           bfc_image_info **out, bfc_err *err);

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

/** How an image becomes a ZFS dataset. */
typedef struct bfc_dataset_options {
    size_t size;                   /**< of this struct; set by the INIT macro */
    bool parents;                  /**< make the datasets above the target that are missing */
    bool copy;                     /**< a dataset of its own, not a clone of the image's template */
    const char *mountpoint;        /**< NULL: as ZFS has it */
    const char *const *properties; /**< "name=value", ended by NULL; may be NULL */
} bfc_dataset_options;

#define BFC_DATASET_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bfc_dataset_options), false, false, NULL, NULL                                      \
    }

/**
 * Extract an image, or with "NAME#N" the file system of its lowest N layers where it was kept.
 *
 * The target is a directory, "dir:PATH", or a ZFS dataset, "zfs:POOL/…". A bare name that does not
 * begin with "/" or "." is a dataset in a ZFS store, and a directory in others.
 *
 * A directory is made if it is not there and must be empty unless `options->replace` is set. A
 * dataset that is not there becomes a clone of the image's template, which the first extract makes
 * and later ones find; with `options->dataset->copy`, and from stores that are not on ZFS, a
 * dataset of its own. One that is there must be empty; with `options->replace` what it holds is
 * kept in a snapshot, `report->snapshot`, and the image is extracted over it.
 *
 * @param options      as for bfc_extract(); may be NULL
 * @param[out] report  set also on failure; may be NULL
 * @return 0; BFC_E_EXISTS (target not empty), BFC_E_NOT_FOUND (no dataset above the target), and as
 *         bfc_extract()
 *
 * Blocks: long. Since: 0.1; datasets: 0.3.
 */
BFC_API int bfc_image_extract(bfc_store *store, const char *name, const char *target,
                              const bfc_extract_options *options, bfc_extract_report *report,
                              bfc_err *err);

typedef struct bfc_image_delete_options {
    size_t size;  /**< of this struct; set by the INIT macro */
    bool dry_run; /**< only tell the steps */
    bool wait;    /**< while somebody uses the image's files: wait until the cancel flag is set */
    bool lazy;    /**< somebody uses the image's files: it is gone from the store at once, and
                       bfc_image_prune() removes what is left when it is free */
    void (*step)(void *ctx, const char *what); /**< each step, before it is taken; may be NULL */
    void *step_ctx;
    const bfc_hooks *hooks; /**< borrowed until the call returns; may be NULL */
} bfc_image_delete_options;

#define BFC_IMAGE_DELETE_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(bfc_image_delete_options), false, false, false, NULL, NULL, NULL                    \
    }

/**
 * Remove an image. What was extracted from it stays: clones of it, and images that stand on it, are
 * promoted first. BFC_E_BUSY names who uses its files.
 *
 * @return 0; BFC_E_INVALID, BFC_E_NOT_FOUND, BFC_E_BUSY, BFC_E_IO, BFC_E_DENIED
 *
 * Since: 0.1.
 */
BFC_API int bfc_image_delete(bfc_store *store, const char *name, bfc_err *err);

/** The same with options, which may be NULL. Since: 0.3. */
BFC_API int bfc_image_delete_with(bfc_store *store, const char *name,
                                  const bfc_image_delete_options *options, bfc_err *err);

/* ── Versions ────────────────────────────────────────────────────────────────────────────── */

/** One content that a name has, or had. */
typedef struct bfc_image_version {
    uint8_t root_digest[BFC_DIGEST_SIZE];
    int64_t created; /**< seconds since the epoch */
    uint64_t size;   /**< bytes of the .bfc file */
    bool current;
    uint64_t containers; /**< datasets that are clones of it */
} bfc_image_version;

typedef struct bfc_image_history {
    size_t count;
    bfc_image_version *item; /**< the current one first, then the last to be replaced */
} bfc_image_history;

/**
 * The versions of an image: each time that another content takes its name, a ZFS store keeps the
 * one before. A directory store has the current one alone.
 *
 * @param[out] out  set on success; free with bfc_image_history_free()
 * @return 0; BFC_E_INVALID (name), BFC_E_NOT_FOUND, BFC_E_IO, BFC_E_NOMEM
 *
 * Since: 0.3.
 */
BFC_API int bfc_image_history_get(bfc_store *store, const char *name, bfc_image_history **out,
                                  bfc_err *err);

/** NULL is allowed. Since: 0.3. */
BFC_API void bfc_image_history_free(bfc_image_history *history);

/**
 * Make an earlier version the current one. The one that was current stays in the history.
 *
 * @param digest    its root digest in hexadecimal, or the first digits of it, 4 at least
 * @param[out] out  its facts; set on success; free with bfc_image_info_free(); may be NULL
 * @return 0; BFC_E_INVALID (digest; or several begin with it), BFC_E_NOT_FOUND (image, version),
 *         BFC_E_UNSUPPORTED (a store that keeps no versions), BFC_E_BUSY, BFC_E_NOSPC, BFC_E_IO
 *
 * Since: 0.3.
 */
BFC_API int bfc_image_rollback(bfc_store *store, const char *name, const char *digest,
                               bfc_image_info **out, bfc_err *err);

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
 * Check an image: its container as bfc_verify() does, its documents against their digests, and,
 * deep, each layer's tar, put together again, against its diffID; of an artifact, that each blob is
 * there under its digest.
 *
 * Blocks: long. Since: 0.1.
 */
BFC_API int bfc_image_verify(bfc_store *store, const char *name, const bfc_verify_options *options,
                             bfc_verify_report *report, bfc_err *err);

/** Called for each thing that prune removes, or would remove: a path, or the name of a dataset. */
typedef void bfc_prune_fn(void *ctx, const char *path, uint64_t size);

typedef struct bfc_prune_report {
    uint64_t removed; /**< files and folders that interrupted work left */
    uint64_t bytes;
} bfc_prune_report;

/**
 * Remove what interrupted work left in the store, and templates that no container needs; and finish
 * what was interrupted too late to be undone. Work that is going on is not touched.
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
    uint64_t disk_bytes;     /**< what they take on disk; files with several names, and blocks that
                                  several files share, once; on ZFS also older versions */
    uint64_t shared_bytes;   /**< of image_bytes: counted more than once (several names; blocks that
                                  an image shares with its base) */
    uint64_t template_bytes; /**< on ZFS: what the trees take that containers are clones of, beside
                                  the images; 0 in a folder */
    uint64_t content_bytes;  /**< uncompressed */
    uint64_t leftover_bytes; /**< what bfc_image_prune() would free */
    uint64_t free_bytes;     /**< free on the store's file system, for this user */
} bfc_store_usage;

/** @return 0; BFC_E_IO, BFC_E_DENIED, BFC_E_NOMEM. Since: 0.1. */
BFC_API int bfc_image_df(bfc_store *store, bfc_store_usage *out, bfc_err *err);

/* ── Layers ──────────────────────────────────────────────────────────────────────────────── */

/** One layer of an image, or an entry of its history that made none. */
typedef struct bfc_image_layer {
    char *diff_id;     /**< "sha256:…", of the uncompressed tar; "" for an empty entry */
    char *digest;      /**< of the blob that the manifest names; "" likewise */
    char *media_type;  /**< of that blob */
    uint64_t size;     /**< bytes of that blob */
    uint64_t tar_size; /**< bytes uncompressed */
    uint64_t entries;  /**< of the tar */
    char *created;     /**< RFC 3339, from the history; "" where it is not told */
    char *created_by;  /**< the command; "" where it is not told */
    char *comment;     /**< "" where it is not told */
    bool empty;        /**< an entry of the history without a layer */
} bfc_image_layer;

typedef struct bfc_image_layers {
    size_t count;
    bfc_image_layer *item; /**< the lowest first */
} bfc_image_layers;

/**
 * The layers of an image, with the history's word on each.
 *
 * @param[out] out  set on success; free with bfc_image_layers_free(). An image from a directory has
 *                  one layer without digests; the blobs of an artifact are its layers, and have no
 *                  diffIDs
 * @return 0; BFC_E_INVALID (name), BFC_E_NOT_FOUND, BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Since: 0.2.
 */
BFC_API int bfc_image_layers_get(bfc_store *store, const char *name, bfc_image_layers **out,
                                 bfc_err *err);

/** NULL is allowed. Since: 0.2. */
BFC_API void bfc_image_layers_free(bfc_image_layers *layers);

/** One path that differs. Valid during the call. */
typedef struct bfc_image_change {
    char kind;          /**< 'A' added, 'C' changed, 'D' deleted */
    const char *path;   /**< without a leading "/" */
    enum bfc_type type; /**< of what is there now; for 'D' of what was there */
} bfc_image_change;
/** Return non-zero to stop. */
typedef int bfc_image_change_fn(void *ctx, const bfc_image_change *change);

/**
 * What differs between two file systems, in the order of their names.
 *
 * @param from  "NAME" or "NAME#N": image, or the file system of its lowest N layers. NULL: what
 * `to` is without its last layer
 * @param to    likewise
 * @return 0; BFC_E_INVALID, BFC_E_NOT_FOUND, BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Since: 0.2.
 */
BFC_API int bfc_image_diff(bfc_store *store, const char *from, const char *to,
                           bfc_image_change_fn *fn, void *ctx, bfc_err *err);

typedef struct bfc_image_commit_options {
    size_t size;               /**< of this struct; set by the INIT macro */
    bfc_writer_options writer; /**< jobs, compression, excludes, hooks… */
    const char *new_name;      /**< the result's name; NULL: it takes the place of the image */
    const char *message;       /**< history's comment; may be NULL */
    const char *author;        /**< may be NULL */
} bfc_image_commit_options;

#define BFC_IMAGE_COMMIT_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(bfc_image_commit_options), BFC_WRITER_OPTIONS_INIT, NULL, NULL, NULL                \
    }

/**
 * Add a layer with what a directory has changed against the image: new and changed entries, and
 * whiteouts for what is gone. Where nothing changed, the layer is empty.
 *
 * @return as bfc_image_create()
 *
 * Blocks: long. Since: 0.2.
 */
BFC_API int bfc_image_commit(bfc_store *store, const char *name, const char *dir,
                             const bfc_image_commit_options *options, bfc_image_info **out,
                             bfc_err *err);

/**
 * Make one layer of all layers of an image. The configuration stays but for the diffIDs and the
 * history. An image from a directory becomes an OCI image with one layer.
 *
 * Blocks: long. Since: 0.2.
 */
BFC_API int bfc_image_squash(bfc_store *store, const char *name,
                             const bfc_image_commit_options *options, bfc_image_info **out,
                             bfc_err *err);

/**
 * Put an image's own layers on another base.
 *
 * @param old_base  the image it stands on now; NULL: its base is the image of the store that shares
 *                  most of its lowest layers, `new_base` not counted
 * @param new_base  the image it is to stand on
 *
 * Blocks: long. Since: 0.2.
 */
BFC_API int bfc_image_rebase(bfc_store *store, const char *name, const char *old_base,
                             const char *new_base, const bfc_image_commit_options *options,
                             bfc_image_info **out, bfc_err *err);

/** What is to become of an image's configuration. NULL: as it is. Lists end with NULL. */
typedef struct bfc_image_config_edit {
    size_t size; /**< of this struct; set by the INIT macro */
    const char *user, *working_dir, *stop_signal;
    const char *const *entrypoint;             /**< an empty list takes it away */
    const char *const *cmd;                    /**< likewise */
    const char *const *env;                    /**< "KEY=value" sets, "KEY" takes away */
    const char *const *labels;                 /**< likewise */
    const char *const *volumes, *const *ports; /**< added */
} bfc_image_config_edit;

#define BFC_IMAGE_CONFIG_EDIT_INIT                                                                 \
    {                                                                                              \
        sizeof(bfc_image_config_edit), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL        \
    }

/**
 * Change an image's configuration; the history gets an empty entry that says what was done. The
 * content is shared with the image as it was.
 *
 * @return as bfc_image_create(); BFC_E_INVALID for an image from a directory (squash it first)
 *
 * Since: 0.2.
 */
BFC_API int bfc_image_config_set(bfc_store *store, const char *name,
                                 const bfc_image_config_edit *edit,
                                 const bfc_image_commit_options *options, bfc_image_info **out,
                                 bfc_err *err);

/**
 * The configuration as it came, or the manifest.
 *
 * @param manifest   the manifest is wanted
 * @param[out] json  set on success; NUL-terminated beyond `len`; free with free()
 * @return 0; BFC_E_NOT_FOUND (image; or it was made from a directory and has none)
 *
 * Since: 0.2.
 */
BFC_API int bfc_image_document_get(bfc_store *store, const char *name, bool manifest,
                                   uint8_t **json, size_t *len, bfc_err *err);

/* ── Out ─────────────────────────────────────────────────────────────────────────────────── */

typedef struct bfc_image_export_options {
    size_t size;             /**< of this struct; set by the INIT macro */
    const char *compression; /**< of the layers: "gzip", "zstd", "none"; NULL: gzip. Of a
                                  docker-archive: none */
    int level;               /**< 0: the default of the compression */
    bool replace;            /**< an existing file may be replaced; in a layout a reference of the
                                  same name always is */
    const bfc_hooks *hooks;  /**< borrowed until the call returns; may be NULL */
} bfc_image_export_options;

#define BFC_IMAGE_EXPORT_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(bfc_image_export_options), NULL, 0, false, NULL                                     \
    }

/**
 * Write an image to "oci:LAYOUT[:REF]" (which is made, or added to), "oci-archive:TAR[:REF]",
 * "docker-archive:TAR[:REF]" or "bfc:FILE". Without a REF it is the image's name.
 *
 * Layers are put together again byte for byte and checked against their diffIDs; the configuration
 * is the one that came, so that the image ID stays. Same image, same options: same bytes. Of an
 * artifact, manifest and blobs are written as they came; it has no place in a docker-archive.
 *
 * @return 0; BFC_E_INVALID (dest), BFC_E_UNSUPPORTED (artifact), BFC_E_EXISTS, BFC_E_NOT_FOUND,
 * BFC_E_CORRUPT, BFC_E_NOSPC, BFC_E_IO, BFC_E_CANCELLED, BFC_E_NOMEM
 *
 * Blocks: long. Since: 0.2.
 */
BFC_API int bfc_image_export(bfc_store *store, const char *name, const char *dest,
                             const bfc_image_export_options *options, bfc_err *err);

typedef struct bfc_image_bundle_options {
    size_t size;                 /**< of this struct; set by the INIT macro */
    bfc_extract_options extract; /**< jobs, strict, hooks… */
    bool rootless;               /**< config.json for a user without privileges */
    const char *hostname;        /**< NULL: none is set */
    bool terminal; /**< the process gets a terminal; false: it has the standard streams
                        of whoever runs the bundle */
} bfc_image_bundle_options;

#define BFC_IMAGE_BUNDLE_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(bfc_image_bundle_options), BFC_EXTRACT_OPTIONS_INIT, false, NULL, false             \
    }

/**
 * Make an OCI runtime bundle: DIR/rootfs and DIR/config.json, ready for `crun run`.
 *
 * config.json comes last: a folder that has one is a whole bundle. On failure what was made is
 * removed. An image without a configuration gets one that runs `sh`.
 *
 * A rootless bundle runs as the user that calls this, who is root inside, whatever user the image
 * names (which is told to the log); its network is the host's.
 *
 * @param dir      is made, for its owner alone: programs in it may be setuid. One that is there
 * must be empty
 * @param options  may be NULL. Of `extract`, `replace` has no meaning here
 * @param[out] report  set also on failure; may be NULL
 * @return 0; BFC_E_EXISTS, BFC_E_NOT_FOUND (image; or its user is not in the image's own files),
 *         BFC_E_UNSUPPORTED (an image for another os; a configuration that no runtime can be told),
 *         BFC_E_BUSY (another process makes a bundle there), and as bfc_image_extract()
 *
 * Blocks: long. Source: image-spec 1.1, conversion.md; runtime-spec 1.1, config.md. Since: 0.2.
 */
BFC_API int bfc_image_bundle(bfc_store *store, const char *name, const char *dir,
                             const bfc_image_bundle_options *options, bfc_extract_report *report,
                             bfc_err *err);

/* ── From store to store ─────────────────────────────────────────────────────────────────── */

typedef struct bfc_image_send_options {
    size_t size; /**< of this struct; set by the INIT macro */
    const char *const
        *have; /**< root digests, 64 digits each, of versions that the far end has, ended
                    by NULL: only what differs from one of these is sent. May be NULL */
    const bfc_hooks *hooks; /**< borrowed until the call returns; may be NULL */
} bfc_image_send_options;

#define BFC_IMAGE_SEND_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bfc_image_send_options), NULL, NULL                                                 \
    }

/**
 * Write the current version of an image as ZFS streams, for bfc_image_receive() in another ZFS
 * store. An image that is a clone of another one, which was sent before it, or which the far end
 * has, is sent as what differs from that.
 *
 * @param name     NULL: all images of the store
 * @param fd       is written to in order; stays open
 * @param options  may be NULL
 * @return 0; BFC_E_INVALID, BFC_E_NOT_FOUND, BFC_E_UNSUPPORTED (a store that is not on ZFS: use
 *         bfc_image_export() with "bfc:FILE"), BFC_E_DENIED, BFC_E_IO, BFC_E_CANCELLED
 *
 * Blocks: long. Since: 0.3.
 */
BFC_API int bfc_image_send(bfc_store *store, const char *name, int fd,
                           const bfc_image_send_options *options, bfc_err *err);

typedef struct bfc_image_receive_options {
    size_t size;  /**< of this struct; set by the INIT macro */
    bool replace; /**< an image may get another content; what was sent as a difference from its
                       current version always may */
    /** Called for each image when it is there. `was_there`: with this content, and before. May be
     *  NULL. */
    void (*received)(void *ctx, const bfc_image_info *info, bool was_there);
    void *received_ctx;
    const bfc_hooks *hooks; /**< borrowed until the call returns; may be NULL */
    const struct bfc_trust
        *trust; /**< likewise: one of these signers must have signed each image,
                     also one that is there already. Every byte is then checked */
} bfc_image_receive_options;

#define BFC_IMAGE_RECEIVE_OPTIONS_INIT                                                             \
    {                                                                                              \
        sizeof(bfc_image_receive_options), false, NULL, NULL, NULL, NULL                           \
    }

/**
 * Take what bfc_image_send() wrote into a ZFS store. Each image appears wholly or not at all, after
 * its container was checked and has the root digest that it was sent under. With keys of the store
 * (bfc_store_set_keys()) one of them must open each encrypted image, and all of it is checked;
 * without, what is plain of it, and signatures that `trust` asks for are BFC_E_DENIED.
 *
 * @param fd       is read in order; stays open
 * @param options  may be NULL
 * @return 0; BFC_E_INVALID (something else), BFC_E_CORRUPT, BFC_E_EXISTS, BFC_E_NOT_FOUND (what it
 * is a difference from), BFC_E_UNSUPPORTED (a store that is not on ZFS), BFC_E_BUSY, BFC_E_NOSPC,
 *         BFC_E_DENIED, BFC_E_IO, BFC_E_CANCELLED
 *
 * Blocks: long. Since: 0.3.
 */
BFC_API int bfc_image_receive(bfc_store *store, int fd, const bfc_image_receive_options *options,
                              bfc_err *err);

#ifdef __cplusplus
}
#endif
#endif
