/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_CONTAINER_H
#define BFC_CONTAINER_H
/**
 * @file container.h
 * BFC containers: single, append-only files that hold whole file trees (docs/format.md).
 *
 * Writing:  bfc_writer_create() or bfc_writer_append(), then bfc_writer_add…() as often as needed,
 *           then bfc_writer_commit() once, then bfc_writer_close().
 * Reading:  bfc_reader_open(), then any of the reader's functions, then bfc_reader_close().
 *
 *     bfc_writer *w = NULL;
 *     if (bfc_writer_create("app.bfc", NULL, &w, &err) == 0 &&
 *         bfc_writer_add_root(w, "rootfs", &err) == 0 &&
 *         bfc_writer_commit(w, NULL, &err) == 0)
 *         puts("stored");
 *     bfc_writer_close(w);
 *
 * Option structs start with their size; set them up with their …_INIT macro. Zero means default.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bfc/err.h>
#include <bfc/hooks.h>
#include <bfc/keys.h>
#include <bfc/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BFC_DIGEST_SIZE 32 /**< bytes of a SHA-256 */
#define BFC_UUID_SIZE 16

struct bfc_trust; /**< whom to believe; see sign.h */

/** Facts of one commit. Plain values, nothing to free. */
typedef struct bfc_commit_info {
    uint64_t seq;           /**< 1 for the first */
    uint64_t offset;        /**< of the commit record, bytes */
    uint64_t segment_bytes; /**< what this commit added to the file, its record included */
    int64_t time;           /**< seconds since the epoch */
    uint32_t time_ns;
    uint8_t root_digest[BFC_DIGEST_SIZE];
    uint64_t files; /**< regular files, each inode once */
    uint64_t dirs;
    uint64_t symlinks;
    uint64_t others;        /**< devices, FIFOs, sockets */
    uint64_t content_bytes; /**< sizes of the regular files, each inode once */
    uint64_t data_stored;   /**< bytes of all data blocks as stored */
    uint64_t data_raw;      /**< bytes of all data blocks before compression */
    bool hidden; /**< from files to data_raw nothing is known (all 0): the container is encrypted
                      and was looked at without a key */
} bfc_commit_info;

/* ── Writing ─────────────────────────────────────────────────────────────────────────────── */

typedef struct bfc_writer bfc_writer;

enum bfc_compression {
    BFC_COMPRESS_AUTO = 0, /**< zstd, level chosen by the library; stored where it does not help */
    BFC_COMPRESS_NONE = 1,
    BFC_COMPRESS_ZSTD = 2
};

enum bfc_profile {
    BFC_PROFILE_DEFAULT = 0, /**< a balance of speed, size and small reads */
    BFC_PROFILE_ARCHIVE = 1  /**< small, for containers that are kept and sent around: contents of
                                  folders stand in the order of their likeness, whatever folders
                                  they are from, in blocks of 4 MiB, at level 19. Small files take
                                  longer to be read one by one: each means decoding a block */
};

typedef struct bfc_writer_options {
    size_t size; /**< of this struct; set by the INIT macro */
    enum bfc_compression compression;
    int level;                  /**< zstd level, 1 to 19; 0: 3, or what the profile says */
    uint32_t block_size;        /**< bytes: a power of two, 4096 to 4194304; 0: 1 MiB, or
                                     what the profile or low_memory says */
    unsigned jobs;              /**< threads; 0: as many as processors */
    const char *const *exclude; /**< glob patterns, ended by NULL; NULL: none. As in
                                     bfc_writer_add() */
    bool one_file_system;       /**< do not descend into other file systems; the mount
                                     point itself is stored, empty */
    bool reproducible;          /**< derive UUID and time, do not draw them */
    int64_t source_date_epoch;  /**< with reproducible: the commit's time in seconds;
                                     0: the newest mtime stored */
    bool replace;               /**< bfc_writer_create() may replace an existing file */
    const bfc_hooks *hooks;     /**< borrowed until the writer is closed; may be NULL */
    bool encrypt;    /**< bfc_writer_create(): the container is encrypted, for each of `keys`. With
                          `reproducible` it is BFC_E_INVALID. An append goes by the container */
    bool low_memory; /**< stay below 64 MiB, with jobs up to 2, blocks up to 256 KiB and levels
                          up to 9: some equal contents of large trees may be stored twice. The
                          container may be another one than without, byte by byte */
    const bfc_keys *keys; /**< borrowed until the writer is closed. bfc_writer_append(): one of
                               these opens the container; BFC_E_INVALID if it is not encrypted,
                               since what is appended would not be either */
    bfc_stats
        *stats; /**< what the stages of the commit did; set by bfc_writer_commit(), also when
                     it fails. Borrowed until the writer is closed; NULL: nothing is counted */
    enum bfc_profile profile; /**< which goes for what this writer adds; the container does not
                                   know it. BFC_E_INVALID together with `low_memory`. Memory: 256
                                   MiB with jobs up to 2 */
} bfc_writer_options;

#define BFC_WRITER_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(bfc_writer_options), BFC_COMPRESS_AUTO, 0, 0, 0, NULL, false, false, 0, false,      \
            NULL, false, false, NULL, NULL, BFC_PROFILE_DEFAULT                                    \
    }

/**
 * Start a new container. Nothing is seen at `path` before bfc_writer_commit().
 *
 * @param path      where it will be
 * @param options   may be NULL; borrowed until the call returns, what it points to until close
 * @param[out] out  set on success; free with bfc_writer_close()
 * @return 0; BFC_E_INVALID (options; `encrypt` without keys), BFC_E_EXISTS (without replace),
 *         BFC_E_NOMEM, BFC_E_IO, BFC_E_NOSPC, BFC_E_DENIED, BFC_E_NOT_FOUND (no such folder)
 *
 * Threads: one at a time per writer. Blocks: disk. Source: docs/format.md, section 10. Since: 0.1.
 */
BFC_API int bfc_writer_create(const char *path, const bfc_writer_options *options, bfc_writer **out,
                              bfc_err *err);

/**
 * Open an existing container for one more commit. A torn tail is cut off.
 *
 * @return as bfc_writer_create(), and BFC_E_CORRUPT; BFC_E_UNSUPPORTED, also for a container with
 *         other trees than 0, which is an image's; BFC_E_BUSY when another process is writing to
 *         it; BFC_E_DENIED, also for an encrypted container that none of the keys opens
 *
 * Threads: one at a time per writer. Blocks: disk. Since: 0.1.
 */
BFC_API int bfc_writer_append(const char *path, const bfc_writer_options *options, bfc_writer **out,
                              bfc_err *err);

/**
 * Note a file or folder to be stored under its own name; it is read by bfc_writer_commit().
 *
 * A leading "/" and "./" are dropped from the name, ".." is refused. Folders come with all that is
 * below them, the folders that lead to `path` with their attributes. Symbolic links are stored as
 * links. The container's own file is left out.
 *
 * An exclude pattern without "/" is matched (fnmatch) against every name, one with "/" against the
 * whole path in the container; what matches is left out with all below it.
 *
 * @param dir   folder that `path` starts from; NULL: the working directory. It is not part of the
 * name
 * @param path  relative to `dir`, or absolute
 * @return 0; BFC_E_INVALID, BFC_E_NOT_FOUND, BFC_E_NOMEM, BFC_E_IO, BFC_E_DENIED
 *
 * Threads: one at a time per writer. Since: 0.1.
 */
BFC_API int bfc_writer_add(bfc_writer *w, const char *dir, const char *path, bfc_err *err);

/**
 * Note a folder whose content is to stand at the root, its own attributes being the root's.
 *
 * @return as bfc_writer_add()
 *
 * Threads: one at a time per writer. Since: 0.1.
 */
BFC_API int bfc_writer_add_root(bfc_writer *w, const char *dir, bfc_err *err);

/**
 * Store a named blob, replacing one of the same name.
 *
 * @param name  1 to 255 bytes
 * @param data  borrowed until the call returns
 * @param len   bytes; at most 64 MiB
 * @return 0; BFC_E_INVALID, BFC_E_LIMIT, BFC_E_NOMEM
 *
 * Threads: one at a time per writer. Since: 0.1.
 */
BFC_API int bfc_writer_put_blob(bfc_writer *w, const char *name, const void *data, size_t len,
                                bfc_err *err);

/**
 * Read everything that was noted, write it, and make it the container's last commit.
 *
 * All or nothing: on failure the file at the writer's path is what it was before, or, if the very
 * last sync failed, possibly the new commit. A writer commits once; after that, or after an
 * error, only bfc_writer_close() is allowed.
 *
 * @param[out] info  set on success; may be NULL
 * @return 0; BFC_E_IO, BFC_E_NOSPC, BFC_E_NOMEM, BFC_E_DENIED (a source file), BFC_E_LIMIT,
 *         BFC_E_CANCELLED
 *
 * Threads: one at a time per writer; starts threads of its own. Blocks: long. Since: 0.1.
 */
BFC_API int bfc_writer_commit(bfc_writer *w, bfc_commit_info *info, bfc_err *err);

/** Free a writer. Work that was not committed is dropped. NULL is allowed. Since: 0.1. */
BFC_API void bfc_writer_close(bfc_writer *w);

/* ── Reading ─────────────────────────────────────────────────────────────────────────────── */

typedef struct bfc_reader bfc_reader;

typedef struct bfc_reader_options {
    size_t size;                /**< of this struct; set by the INIT macro */
    const char *at;             /**< which commit: a sequence number or 8 or more hexadecimal digits
                                     of a root digest; NULL: the last */
    const uint8_t *root_digest; /**< 32 bytes the commit must have; every page and block is then
                                     checked by SHA-256 as it is read. NULL: CRC32C only */
    const bfc_hooks *hooks;     /**< borrowed until close; may be NULL */
    uint32_t tree; /**< the tree that paths are looked up in and walks go through; 0: the one that
                        every container has. bfc_reader_trees() tells which there are */
    const bfc_keys *keys; /**< of an encrypted container one of these must open it. Borrowed until
                               close, since of version 1 only contents are encrypted, and only they
                               need a key. NULL: none */
    const struct bfc_trust *trust; /**< borrowed until the call returns. One of these signers must
                                        have signed the commit's root digest, and everything is
                                        checked as with `root_digest`. NULL: nobody need have */
} bfc_reader_options;

#define BFC_READER_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(bfc_reader_options), NULL, NULL, NULL, 0, NULL, NULL                                \
    }

/**
 * Open a container for reading. Reads the superblock, a commit record and nothing else.
 *
 * A container of version 1 can be read, too: its index is read and checked as a whole. It records
 * no owners (they are told as 0, and extracting leaves all to who extracts), no digests of
 * contents, no commits (`at` finds none) and no root digest (asking for one is BFC_E_UNSUPPORTED).
 *
 * @param[out] out  set on success; free with bfc_reader_close()
 * @return 0; BFC_E_NOT_FOUND (file, commit or tree), BFC_E_DENIED (also: it is encrypted, and none
 *         of the keys opens it; not signed by anybody of `trust`), BFC_E_CORRUPT,
 *         BFC_E_UNSUPPORTED, BFC_E_INVALID, BFC_E_NOMEM, BFC_E_IO
 *
 * Threads: one at a time per reader; readers of one file do not disturb each other or a writer.
 * Source: docs/format.md, sections 3, 5 and 10. Since: 0.1.
 */
BFC_API int bfc_reader_open(const char *path, const bfc_reader_options *options, bfc_reader **out,
                            bfc_err *err);

/** Free a reader. NULL is allowed. Since: 0.1. */
BFC_API void bfc_reader_close(bfc_reader *r);

/** Facts of a container, as one commit sees it. Plain values, nothing to free. */
typedef struct bfc_container_info {
    uint8_t uuid[BFC_UUID_SIZE];
    uint64_t file_size;      /**< bytes of the file */
    uint64_t torn_bytes;     /**< bytes after the last whole commit; see bfc_recover() */
    bfc_commit_info commit;  /**< the commit this reader looks at */
    bool last;               /**< it is the container's last */
    const char *compression; /**< "zstd" or "none" (no block is compressed); static. NULL: not
                                  known, see bfc_commit_info.hidden */
    const char *encryption;  /**< "none" or "chacha20-poly1305"; static */
    unsigned passwords, key_files, recipients; /**< that open it; 0 where it is not encrypted */
    uint32_t version; /**< of the format: 2; or 1, which has no commits: of `commit` only the counts
                           and sizes are set then, and seq is 0 */
} bfc_container_info;

/** @return 0; BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM. Threads: one at a time per reader. Since: 0.1.
 */
BFC_API int bfc_reader_info(bfc_reader *r, bfc_container_info *out, bfc_err *err);

/**
 * What a container tells without a key: of one that is encrypted its size, commits and who could
 * open it. Of others, the same as bfc_reader_info().
 *
 * @param at        as in bfc_reader_options; may be NULL
 * @param[out] out  set on success
 * @return 0; as bfc_reader_open(), but for keys
 *
 * Threads: any. Source: docs/format.md, section 11. Since: 0.4.
 */
BFC_API int bfc_container_peek(const char *path, const char *at, bfc_container_info *out,
                               bfc_err *err);

/** One of the trees that a commit holds. Plain values, nothing to free. */
typedef struct bfc_tree_info {
    uint32_t id;     /**< as bfc_reader_options.tree takes it */
    unsigned kind;   /**< 0 file system, 1 layer, 2 merged file system, 3 contents that are kept for
                          a layer's recipe */
    char label[256]; /**< bytes, not text; NUL-terminated; "": none. Of a layer its diffID */
} bfc_tree_info;

/**
 * The trees of the commit, by rising id. Most containers have one, those of images one a layer too.
 *
 * @param[out] out    set on success; free with free()
 * @param[out] count  trees in it
 * @return 0; BFC_E_CORRUPT, BFC_E_LIMIT (above 131072), BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Source: docs/format.md, sections 6 and 12. Since: 0.1.
 */
BFC_API int bfc_reader_trees(bfc_reader *r, bfc_tree_info **out, size_t *count, bfc_err *err);

enum bfc_type {
    BFC_TYPE_FILE = 1,
    BFC_TYPE_DIR = 2,
    BFC_TYPE_SYMLINK = 3,
    BFC_TYPE_CHAR = 4,
    BFC_TYPE_BLOCK = 5,
    BFC_TYPE_FIFO = 6,
    BFC_TYPE_SOCKET = 7
};

/** One entry of a tree. Names and targets are bytes, not text; they hold no NUL. */
typedef struct bfc_entry {
    const char *path; /**< from the root, without a leading "/"; "" is the root itself */
    size_t path_len;
    const char *link; /**< target of a symbolic link, else NULL */
    size_t link_len;
    uint64_t ino;   /**< number of the inode in this container: equal for hard links */
    uint64_t nlink; /**< names it has in the tree where it has most */
    enum bfc_type type;
    uint32_t mode; /**< permission bits with setuid, setgid, sticky: 0 to 07777 */
    uint32_t uid, gid;
    int64_t mtime; /**< seconds since the epoch, may be negative */
    uint32_t mtime_ns;
    uint32_t major, minor; /**< of a device */
    uint64_t size;         /**< bytes of a file's content, length of a link's target, else 0 */
    uint64_t data_size;    /**< of these, bytes that are not in holes */
    uint32_t crc32c;       /**< of a file's content */
    uint8_t digest[BFC_DIGEST_SIZE]; /**< SHA-256 of a file's content; for a file with holes
                              (data_size < size) the digest of docs/format.md, section 7 */
    bool has_xattrs;
    bool synthetic; /**< a folder whose attributes were not recorded */
    bool no_digest; /**< no SHA-256 was recorded, `digest` is zero: a file of a version 1 container
                     */
} bfc_entry;

/**
 * Look up one path. Symbolic links are not followed.
 *
 * @param path      "a/b", "/a/b" and "./a/b" are the same; "" and "/" are the root
 * @param[out] out  its pointers are valid until the next call with this reader
 * @return 0; BFC_E_NOT_FOUND, BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Since: 0.1.
 */
BFC_API int bfc_reader_stat(bfc_reader *r, const char *path, bfc_entry *out, bfc_err *err);

/**
 * Read from a file's content; holes read as zeros.
 *
 * In a container of version 1 a content has one checksum, which is compared when its last byte is
 * read after all others; reading backwards begins anew at the file's start.
 *
 * @param ino       of a regular file, from a bfc_entry of this reader
 * @param offset    bytes from the file's start
 * @param len       bytes wanted
 * @param[out] got  bytes read: less than `len` only at the file's end
 * @return 0; BFC_E_INVALID (not a regular file), BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Blocks: disk. Since: 0.1.
 */
BFC_API int bfc_reader_read(bfc_reader *r, uint64_t ino, uint64_t offset, void *buf, size_t len,
                            size_t *got, bfc_err *err);

typedef struct bfc_xattr {
    const char *name; /**< NUL-terminated, with its namespace: "user.…" */
    const uint8_t *value;
    size_t value_len;
} bfc_xattr;

typedef struct bfc_xattrs {
    size_t count;
    bfc_xattr *item;
} bfc_xattrs;

/**
 * The extended attributes of an inode, sorted by name.
 *
 * @param[out] out  set on success, NULL where there are none; free with bfc_xattrs_free()
 * @return 0; BFC_E_NOT_FOUND (no such inode), BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Since: 0.1.
 */
BFC_API int bfc_reader_xattrs(bfc_reader *r, uint64_t ino, bfc_xattrs **out, bfc_err *err);

/** NULL is allowed. Since: 0.1. */
BFC_API void bfc_xattrs_free(bfc_xattrs *xattrs);

/**
 * The content of a named blob.
 *
 * @param[out] data  set on success; NUL-terminated beyond `len`; free with free()
 * @return 0; BFC_E_NOT_FOUND, BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Since: 0.1.
 */
BFC_API int bfc_reader_blob(bfc_reader *r, const char *name, uint8_t **data, size_t *len,
                            bfc_err *err);

typedef struct bfc_walk bfc_walk;

/**
 * Go through a tree: each folder before what is in it, names in byte order.
 *
 * @param path      where to start; that entry comes first. NULL or "": the whole tree
 * @param[out] out  set on success; free with bfc_walk_close() before the reader is closed
 * @return 0; BFC_E_NOT_FOUND, BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Since: 0.1.
 */
BFC_API int bfc_walk_open(bfc_reader *r, const char *path, bfc_walk **out, bfc_err *err);

/**
 * The next entry.
 *
 * @param[out] entry  NULL at the end; valid until the next call with this walk
 * @return 0; BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 */
BFC_API int bfc_walk_next(bfc_walk *walk, const bfc_entry **entry, bfc_err *err);

/**
 * From the next entry on, look at names alone: of an entry only `path`, `path_len`, `ino` and
 * `type` are set, all else is zero. Nothing is read but the names, which takes about half the time;
 * that the inodes behind them are there, and of that type, is not checked.
 *
 * Since: 0.1.
 */
BFC_API void bfc_walk_names_only(bfc_walk *walk);

/** NULL is allowed. Since: 0.1. */
BFC_API void bfc_walk_close(bfc_walk *walk);

/* ── Extracting ──────────────────────────────────────────────────────────────────────────── */

typedef struct bfc_extract_options {
    size_t size;              /**< of this struct; set by the INIT macro */
    const char *const *paths; /**< what to extract, ended by NULL; a folder comes with all below
                                   it. NULL: everything */
    bool replace;             /**< replace existing files; folders are merged in any case */
    bool strict;              /**< what cannot be kept is an error, not a warning */
    unsigned jobs;            /**< threads; 0: as many as processors */
    const bfc_hooks *hooks;   /**< borrowed until the call returns; may be NULL */
    uint32_t tree;            /**< another tree than the reader's; 0: the reader's */
    const struct bfc_dataset_options *dataset; /**< of bfc_image_extract() alone, where the target
                                                  is a ZFS dataset; may be NULL */
    const bfc_keys *keys; /**< of bfc_image_extract() alone, for an encrypted image; NULL: those of
                               the store */
    const struct bfc_trust *trust; /**< of bfc_image_extract() and bfc_image_bundle() alone: as in
                                        bfc_reader_options, which is where bfc_extract() has it from
                                        */
    bfc_stats *stats; /**< what the stages did; set also on failure. Borrowed until the call
                           returns; NULL: nothing is counted */
} bfc_extract_options;

#define BFC_EXTRACT_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bfc_extract_options), NULL, false, false, 0, NULL, 0, NULL, NULL, NULL, NULL        \
    }

/** Bytes that the name of a ZFS dataset or snapshot takes at most, its NUL counted. */
#define BFC_DATASET_NAME_SIZE 256

/** What was done, and what could not be kept (counted in entries). */
typedef struct bfc_extract_report {
    uint64_t files, dirs, symlinks, others, hardlinks;
    uint64_t content_bytes;
    uint64_t lost_owner;  /**< owner or group not set */
    uint64_t lost_mode;   /**< setuid or setgid dropped since the owner could not be set */
    uint64_t lost_xattrs; /**< an xattr not set */
    uint64_t lost_device; /**< device not made */
    /* Of bfc_image_extract() where the target is a ZFS dataset; else "". */
    char dataset[BFC_DATASET_NAME_SIZE];  /**< the target */
    char origin[BFC_DATASET_NAME_SIZE];   /**< the snapshot that it is a clone of, or "": then the
                                               counts are of what was written */
    char snapshot[BFC_DATASET_NAME_SIZE]; /**< keeps what was in the dataset before; or "" */
} bfc_extract_report;

/**
 * Extract into a folder, which is made if it is not there.
 *
 * Nothing outside `target` is written, whatever the container or what is already there says: names
 * are resolved beneath it, symbolic links on the way are never followed. An extract that fails
 * leaves what it wrote so far.
 *
 * What an ordinary user may not set (owners, devices, privileged xattrs) is left out, told once a
 * kind through the log callback, and counted in the report.
 *
 * @param[out] report  set also on failure; may be NULL
 * @return 0; BFC_E_EXISTS (without replace), BFC_E_NOT_FOUND (a path, the tree), BFC_E_DENIED (also
 * with strict), BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOSPC, BFC_E_NOMEM, BFC_E_CANCELLED
 *
 * Threads: one at a time per reader; starts threads of its own. Blocks: long. Since: 0.1.
 */
BFC_API int bfc_extract(bfc_reader *r, const char *target, const bfc_extract_options *options,
                        bfc_extract_report *report, bfc_err *err);

/* ── Care ────────────────────────────────────────────────────────────────────────────────── */

/** Called for each commit, newest first. Return non-zero to stop. */
typedef int bfc_log_fn(void *ctx, const bfc_commit_info *commit);

/**
 * The commits of a container, newest first. Of an encrypted one without their counters.
 *
 * @return 0; BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_CORRUPT, BFC_E_UNSUPPORTED, BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: any. Since: 0.1.
 */
BFC_API int bfc_log(const char *path, bfc_log_fn *fn, void *ctx, bfc_err *err);

/**
 * The same with keys, one of which opens the container if it is encrypted; NULL: as bfc_log().
 *
 * @param keys  borrowed until the call returns; may be NULL
 * @return as bfc_log(); BFC_E_DENIED also if none of the keys fits
 *
 * Threads: any. Since: 0.4.
 */
BFC_API int bfc_log_with(const char *path, const bfc_keys *keys, bfc_log_fn *fn, void *ctx,
                         bfc_err *err);

/** One thing that bfc_verify() found. Pointers are valid during the call. */
typedef struct bfc_problem {
    const char *what; /**< the message */
    const char *path; /**< file of the tree concerned, or NULL */
    uint64_t offset;  /**< byte of the container, or BFC_NO_OFFSET */
} bfc_problem;

typedef struct bfc_verify_options {
    size_t size;                /**< of this struct; set by the INIT macro */
    bool deep;                  /**< every byte of content too, by CRC32C and SHA-256 */
    const char *at;             /**< as in bfc_reader_options */
    const uint8_t *root_digest; /**< as in bfc_reader_options */
    unsigned jobs;              /**< threads; 0: as many as processors */
    void (*problem)(void *ctx, const bfc_problem *problem); /**< may be NULL */
    void *problem_ctx;
    const bfc_hooks *hooks; /**< borrowed until the call returns; may be NULL */
    bool repair;          /**< of bfc_image_verify() alone: what the store says of the image beside
                               its container (ZFS properties) is set right */
    const bfc_keys *keys; /**< borrowed until the call returns; may be NULL */
    const struct bfc_trust *trust; /**< as in bfc_reader_options: without such a signature it is
                                        BFC_E_DENIED, and nothing is checked */
} bfc_verify_options;

#define BFC_VERIFY_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(bfc_verify_options), false, NULL, NULL, 0, NULL, NULL, NULL, false, NULL, NULL      \
    }

typedef struct bfc_verify_report {
    uint64_t problems;
    uint64_t pages;      /**< metadata pages looked at */
    uint64_t blocks;     /**< data blocks looked at (deep), or known */
    uint64_t entries;    /**< entries of the tree */
    uint64_t bytes;      /**< bytes of content read (deep) */
    uint64_t torn_bytes; /**< after the last whole commit */
    uint8_t root_digest[BFC_DIGEST_SIZE];
    bool hidden; /**< it is encrypted, and no key was given: what is plain was checked, and nothing
                      of what is in it (entries, bytes and root_digest are as the file says) */
    uint32_t version; /**< of the format: 2; or 1, which has no root digest and no pages, and whose
                           contents are counted as blocks */
    uint64_t signatures;     /**< in the commit's table, also those over other root digests */
    uint64_t bad_signatures; /**< of these, deep: not their signers'. Anybody who can write to the
                                  file can add such a one, so it is told to the log, and is no
                                  problem of what is signed */
    bool is_signed;          /**< by one of `trust`, who is the next */
    uint8_t signer[32];      /**< public key */
    int64_t signed_time;     /**< seconds since the epoch, as the signer said */
} bfc_verify_report;

/**
 * Check a container. Goes on after a problem as far as it can, and reports each.
 *
 * An encrypted container can be checked in part without a key: its commit records, its frames,
 * and, deep, the checksums of their payloads. That shows damage, not what somebody changed on
 * purpose.
 *
 * @param[out] report  set also on BFC_E_CORRUPT; may be NULL
 * @return 0 if nothing is wrong; BFC_E_CORRUPT with the first problem in err; others as
 *         bfc_reader_open(), BFC_E_CANCELLED
 *
 * Threads: any. Blocks: long. Since: 0.1.
 */
BFC_API int bfc_verify(const char *path, const bfc_verify_options *options,
                       bfc_verify_report *report, bfc_err *err);

typedef struct bfc_recover_report {
    uint64_t torn_bytes;    /**< bytes after the last whole commit: dropped, or to be dropped */
    bfc_commit_info commit; /**< the last whole commit */
} bfc_recover_report;

/**
 * Cut off what follows the last whole commit.
 *
 * @param dry_run      only tell
 * @param[out] report  set on success; may be NULL
 * @return 0 (also if there was nothing to do); BFC_E_CORRUPT if no whole commit is left;
 * BFC_E_BUSY; others as bfc_reader_open()
 *
 * Threads: any. Blocks: disk. Source: docs/format.md, section 10. Since: 0.1.
 */
BFC_API int bfc_recover(const char *path, bool dry_run, bfc_recover_report *report, bfc_err *err);

typedef struct bfc_compact_options {
    size_t size;               /**< of this struct; set by the INIT macro */
    const char *at;            /**< the commit to keep; NULL: the last */
    bool replace;              /**< may replace `target` */
    bool reproducible;         /**< as in bfc_writer_options */
    int64_t source_date_epoch; /**< with reproducible: the commit's time in seconds; 0: that of
                                 the commit that is kept */
    unsigned jobs;             /**< threads; 0: as many as processors */
    const bfc_hooks *hooks;    /**< borrowed until the call returns; may be NULL */
    const bfc_keys *keys;      /**< likewise; one of them must open `source` if it is encrypted. The
                                    new container is encrypted too, and the same keys open it */
} bfc_compact_options;

#define BFC_COMPACT_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bfc_compact_options), NULL, false, false, 0, 0, NULL, NULL                          \
    }

typedef struct bfc_compact_report {
    uint64_t old_size, new_size;          /**< bytes of the files */
    uint64_t blocks_kept, blocks_dropped; /**< 0 where `source` has none: in version 1 */
    bfc_commit_info commit;               /**< of the new container */
} bfc_compact_report;

/**
 * Write a new container with what one commit of `source` needs, and nothing else. Blocks are
 * copied as they are, each after its checksum was checked.
 *
 * A `source` of version 1 is converted: its contents are compressed anew, each after it was
 * checked, and all owners are 0.
 *
 * @param[out] report  set on success; may be NULL
 * @return 0; as bfc_reader_open() and bfc_writer_create()
 *
 * Threads: any. Blocks: long. Since: 0.1.
 */
BFC_API int bfc_compact(const char *source, const char *target, const bfc_compact_options *options,
                        bfc_compact_report *report, bfc_err *err);

#ifdef __cplusplus
}
#endif
#endif
