/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of bfc_extract(), shared by its files.
 *
 * One coordinator, the calling thread, walks the tree: it alone uses the tables, makes folders,
 * links and special files, and hands the content of regular files to workers. A worker decodes a
 * block, checks it, and makes and writes all files that lie in it; or it writes a run of blocks of
 * one large file.
 *
 * Who keeps what alive: a folder is held by the coordinator while the walk is in it, by each folder
 * below it and by each file under way in it; whoever lets go last gives it its attributes. A file
 * is held by each job that writes to it; the last one completes it, or removes it if a part is
 * missing. */
#ifndef BFCI_CONTAINER_EXTRACT_H
#define BFCI_CONTAINER_EXTRACT_H

#include <pthread.h>
#include <stdatomic.h>

#include "container/reader.h"
#include "sys/attr.h"
#include "sys/node.h"
#include "sys/pool.h"

enum {
    XGROUPS_MAX = 64,        /* blocks whose files are being gathered */
    XGROUP_FILES_MAX = 4096, /* files of one block written by one job */
    XEMPTIES_MAX = 64,       /* files without data made by one job */
    /* Of a large file written by one job: two at one file get in each other's way. */
    XCHUNK_BYTES = 8 << 20,
    XCHUNK_PIECES = 256,
    XCACHE_BLOCKS = 16,      /* decoded blocks that are kept */
    XCACHE_BYTES = 8 << 20,  /* ... and their size together */
    XJOBS_PER_WORKER = 8,    /* jobs waiting or running */
    XQUEUE_BYTES = 16 << 20, /* memory of the files that wait */
    XFDS_MAX = 4096,         /* folders and files open beyond the depth of the walk */
    XSETS_CACHED = 64,       /* sets of xattrs that are kept */
    XSET_CACHED_BYTES = 32768,
    XREFUSED = 64,          /* owners that are known to be refused */
    XMODE_UNKNOWN = 1 << 16 /* as a mode: chmod in any case */
};

/* A set of extended attributes; shared by the entries that have it. */
typedef struct bfci_xset {
    atomic_uint refs;
    uint8_t key[BFC_DIGEST_SIZE];
    size_t bytes; /* of memory */
    size_t count;
    bfci_attr item[];
} bfci_xset;

/* What an entry is to have in the end. */
typedef struct bfci_xmeta {
    uint8_t type; /* enum bfc_type */
    uint16_t mode;
    uint32_t uid, gid;
    uint32_t mtime_ns;
    int64_t mtime;
    bfci_xset *xattrs; /* owned; NULL: none */
} bfci_xmeta;

/* What it got when it was made. */
typedef struct bfci_xmade {
    uint32_t uid, gid;
    bool owner_known;
    bool strip_acl; /* it may have inherited an ACL, or have one from before */
    unsigned mode;
} bfci_xmade;

typedef struct bfci_xdir {
    struct bfci_xdir *parent; /* held; NULL in the target folder */
    atomic_uint refs;
    int fd;
    bool restore;     /* it gets its attributes at the end */
    bool default_acl; /* what is made in it inherits an ACL */
    bool hidden; /* it, or a folder above it, is ours and closed to others until it is complete */
    uint64_t seq;
    bfci_xmade made; /* also what everything that is made in it gets */
    bfci_xmeta meta;
    char name[];
} bfci_xdir;

typedef struct bfci_xfile {
    struct bfci_xfile *next; /* in its group */
    bfci_xdir *dir;          /* held */
    uint64_t seq;            /* its place in the walk */
    uint64_t size;
    atomic_uint refs;
    atomic_bool failed; /* a part of it is missing */
    int fd;             /* -1: not made yet */
    bool has_holes;
    uint64_t hole_bytes; /* that no job tells of */
    bfci_xmade made;
    bfci_xmeta meta;
    size_t cost;          /* bytes of memory */
    uint64_t at;          /* the one extent of a small file: place in the file, */
    uint32_t offset, len; /* and in the block */
    char name[];
} bfci_xfile;

/* Whom a worker makes files as. */
typedef struct bfci_xowner {
    uint32_t uid, gid;
    bool other;   /* than the one who extracts */
    bool checked; /* a file came out as its own */
    uint32_t next_uid, next_gid;
    unsigned row; /* files in a row that were to be next_uid's and next_gid's */
} bfci_xowner;

typedef struct bfci_xworker {
    bfci_unpacker *unpacker;
    bfci_xowner owner;
} bfci_xworker;

typedef struct bfci_extraction {
    /* Fixed before the first job. */
    bfc_reader *reader;
    const bfc_hooks *hooks;
    bool replace, strict;
    bool privileged; /* effective user 0: permission bits do not bind */
    bool no_owners;  /* none were recorded: all belongs to whoever extracts */
    unsigned umask;
    uint64_t fds_max;
    bfci_pool *pool;
    bfci_xworker *worker;
    struct bfci_xcache *cache;

    /* The coordinator's. */
    uint64_t seq;
    unsigned lead_depth, depth; /* folders that are held open by the walk */
    bfci_xdir *target;
    struct bfci_xgroup *group[XGROUPS_MAX];
    size_t group_count;
    struct bfci_xgroup *empties;
    bfci_xset *set[XSETS_CACHED];
    bfci_map links; /* inode with several names → struct xlink */
    buf scratch;
    uint64_t files, dirs, symlinks, others, hardlinks, content_bytes;
    bfc_progress progress;

    /* Shared. */
    atomic_bool stop;
    atomic_bool as_owners; /* workers may make files as their owners */
    atomic_size_t queued;  /* memory of files that wait */
    atomic_uint open_fds;
    atomic_uint_fast64_t done_entries, done_bytes;
    atomic_uint_fast64_t lost_owner, lost_mode, lost_xattrs, lost_device;
    atomic_uint_fast64_t refused[XREFUSED];
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t fewer;
    unsigned in_flight, wanted; /* jobs; signalled when in_flight <= wanted */
    bfc_err failed;             /* the failure that stands first in the tree */
    uint64_t failed_seq;
} bfci_extraction;

/* All functions below take an `err` that is not NULL. */

/* ── extract.c: running ── */

/* Tells of a failure and stops everything. */
void bfci_x_fail(bfci_extraction *x, uint64_t seq, const bfc_err *err);
static inline bool bfci_x_stopped(bfci_extraction *x)
{
    return atomic_load_explicit(&x->stop, memory_order_relaxed);
}
void bfci_x_submit(bfci_extraction *x, bfci_task *task);
void bfci_x_job_done(bfci_extraction *x);
/* Puts the path before the message: dir's, with the name behind it (NULL: the folder itself). */
int bfci_x_wrap(const bfci_xdir *dir, const char *name, bfc_err *err, int rc);
struct bfci_quoted bfci_x_path(const bfci_xdir *dir, const char *name);

/* ── extract_paths.c: what was asked for ── */

typedef struct bfci_xpaths {
    char **item; /* normalised, none beneath another, each folder's together */
    size_t count;
} bfci_xpaths;
/* Each must be in the container. One "" stands for everything. */
int bfci_xpaths_init(bfci_xpaths *p, bfc_reader *r, const char *const *paths, bfc_err *err);
void bfci_xpaths_release(bfci_xpaths *p);

/* ── extract_attr.c ── */

/* With a reference of the caller's to its xattrs. */
int bfci_xmeta_load(bfci_extraction *x, const bfci_inode *inode, bfci_xmeta *out, bfc_err *err);
void bfci_xmeta_release(bfci_xmeta *m);
void bfci_xset_unref(bfci_xset *s);
/* What an entry gets that is made in `dir` with `mode`. */
bfci_xmade bfci_x_made_in(const bfci_xdir *dir, unsigned mode);
/* The mode that a file is to be created with. */
unsigned bfci_x_create_mode(const bfci_extraction *x, const bfci_xmeta *m);
int bfci_x_restore(bfci_extraction *x, const bfci_xmeta *m, const bfci_xmade *made, bfci_place at,
                   bfc_err *err);
/* Something cannot be kept: counts it, or fails with `code` if that is asked for. */
int bfci_x_lose(bfci_extraction *x, atomic_uint_fast64_t *count, enum bfc_code code, bfc_err *err);

/* ── extract_dir.c ── */

int bfci_xdir_open_target(bfci_extraction *x, const char *path, bool whole, bfc_err *err);
/* Makes or merges parent/name. With keep, one that is there keeps its attributes. */
int bfci_xdir_make(bfci_extraction *x, bfci_xdir *parent, const char *name, const bfci_inode *inode,
                   bool keep, bfci_xdir **out, bfc_err *err);
void bfci_xdir_ref(bfci_xdir *d);
void bfci_xdir_unref(bfci_extraction *x, bfci_xdir *d);

/* ── extract_node.c: names that are not folders ── */

int bfci_x_make_file(bfci_extraction *x, bfci_xdir *dir, const char *name, unsigned mode, int *fd,
                     bfc_err *err);
int bfci_x_make_symlink(bfci_extraction *x, bfci_xdir *dir, const char *name,
                        const bfci_inode *inode, bfc_err *err);
/* *made is false if the user may not make devices. */
int bfci_x_make_special(bfci_extraction *x, bfci_xdir *dir, const char *name,
                        const bfci_inode *inode, bool *made, bfc_err *err);
/* Something that is no folder is in the way: removes it, or fails. */
int bfci_x_clear_way(bfci_extraction *x, bfci_xdir *dir, const char *name, bfc_err *err);

/* Another name of an inode that has been made; *linked is false if there is none yet. */
int bfci_x_link(bfci_extraction *x, bfci_xdir *dir, const bfci_step *s, bool *linked, bfc_err *err);
/* Its first name has been made (made = false: could not be, and nor can the others). */
int bfci_x_note_link(bfci_extraction *x, const bfci_step *s, uint64_t nlink, bool made,
                     bfc_err *err);
void bfci_x_release_links(bfci_extraction *x);

/* ── extract_file.c ── */

/* A regular file. `linked`: it must be there at once, since other names will refer to it. */
int bfci_x_file(bfci_extraction *x, bfci_xdir *dir, const bfci_step *s, bool linked, bfc_err *err);
/* Hands all gathered files to the workers. */
void bfci_x_flush(bfci_extraction *x);
/* Drops them. */
void bfci_x_drop_groups(bfci_extraction *x);

/* ── extract_v1.c ── */

/* A file of a version 1 container. The file's own reference goes to the job. */
int bfci_x_add_v1(bfci_extraction *x, bfci_xfile *f, uint64_t ino, bfc_err *err);

/* ── extract_job.c: what workers do with files ── */

int bfci_xfile_new(bfci_extraction *x, bfci_xdir *dir, const char *name, const bfci_inode *inode,
                   bfci_xfile **out, bfc_err *err);
/* Makes the file itself; by the coordinator, or, for the only job, by bfci_x_make_owned(). */
int bfci_xfile_make(bfci_extraction *x, bfci_xfile *f, bfc_err *err);
int bfci_xfile_write(bfci_xfile *f, const uint8_t *bytes, size_t len, uint64_t at, bfc_err *err);
void bfci_xfile_fail(bfci_extraction *x, bfci_xfile *f, bfc_err *err);
/* The last one completes it. */
void bfci_xfile_unref(bfci_extraction *x, bfci_xfile *f);

/* ── extract_owner.c: files made as their owner ── */

/* With the target open and all workers there. */
void bfci_x_start_owners(bfci_extraction *x);
/* bfci_xfile_make() by a worker. */
int bfci_x_make_owned(bfci_extraction *x, bfci_xworker *w, bfci_xfile *f, bfc_err *err);
int bfci_x_write_owned(bfci_extraction *x, bfci_xworker *w, bfci_xfile *f, const uint8_t *bytes,
                       size_t len, uint64_t at, bfc_err *err);
/* At the start of a job: who may no longer be somebody else is the one who extracts again. */
void bfci_x_settle_owner(bfci_extraction *x, bfci_xworker *w);

/* ── extract_block.c: decoded blocks ── */

typedef struct bfci_xblock {
    uint64_t number;
    unsigned refs;
    uint32_t len;
    size_t cap;
    uint8_t *data;
    struct bfci_xblock *next; /* in the list of free ones */
} bfci_xblock;

int bfci_xcache_new(const bfci_source *source, bfci_arena *arena, struct bfci_xcache **out,
                    bfc_err *err);
void bfci_xcache_free(struct bfci_xcache *c); /* NULL is allowed */
/* From the cache, or read, checked and decoded by the worker; `keep`: others may want it too. */
int bfci_xcache_get(struct bfci_xcache *c, bfci_xworker *w, uint64_t number, const bfci_ref *ref,
                    bool keep, bfci_xblock **out, bfc_err *err);
void bfci_xcache_put(struct bfci_xcache *c, bfci_xblock *b);

#endif
