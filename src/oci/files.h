/* SPDX-License-Identifier: Apache-2.0 */
/* The named files that an image's source is made of: those beneath a folder, or the members of a
 * tar. The names come from strangers: nothing outside of the folder or the tar is ever reached by
 * them. */
#ifndef BFCI_OCI_FILES_H
#define BFCI_OCI_FILES_H

#include "oci/origin.h"

enum {
    FILES_MEMBERS_MAX = 1 << 16,     /* of a tar */
    FILES_NAMES_SIZE_MAX = 16 << 20, /* bytes of all their names and targets */
    FILES_LINKS_MAX = 16             /* that are followed for one name */
};

/* The bytes of one file: a part of an open file. */
typedef struct bfci_piece {
    int fd;
    bool owns_fd; /* false: it is the archive's, and lives as long as that */
    uint64_t offset, size;
} bfci_piece;
#define BFCI_PIECE_INIT                                                                            \
    {                                                                                              \
        -1, false, 0, 0                                                                            \
    }
void bfci_piece_close(bfci_piece *p);
#define AUTO_PIECE __attribute__((cleanup(bfci_piece_close)))

/* All of it; more than `max` bytes is BFC_E_LIMIT. *bytes: free(). */
int bfci_piece_read(const bfci_piece *p, size_t max, uint8_t **bytes, size_t *len, bfc_err *err);
int bfci_piece_coding(const bfci_piece *p, enum bfci_coding *out, bfc_err *err);
/* The SHA-256 of the bytes as they stand, and of what they are when decompressed; each of the two
 * may be NULL. */
int bfci_piece_digest(const bfci_piece *p, bfci_digest *stored, bfci_digest *plain, bfc_err *err);
/* As a stream, which takes the piece over. */
int bfci_piece_stream(bfci_piece *p, bfci_bytes *out, bfc_err *err);

/* One member of a tar. */
typedef struct bfci_member {
    char *name;            /* normal: "a/b" */
    char *link;            /* of a link; else NULL */
    bool is_hard;          /* a hard link: the target is a member's name */
    bool is_sparse;        /* its bytes do not stand there in one piece */
    uint64_t offset, size; /* of its content */
} bfci_member;

typedef struct bfci_files {
    char *path; /* as the caller gave it, for messages */
    int fd;     /* of the folder or the tar */
    bool is_archive;
    bfci_member *member; /* sorted by name, each name once */
    size_t member_count;
} bfci_files;

/* A folder, or an uncompressed tar, which is gone through once; contents are passed over. */
int bfci_files_open(const char *path, bfci_files **out, bfc_err *err);
void bfci_files_close(bfci_files *f); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_files, bfci_files_close)

/* A regular file by name, through links that stay inside. BFC_E_NOT_FOUND; BFC_E_CORRUPT for names
 * and links that lead out or in a circle, and for what is no regular file. */
int bfci_files_find(const bfci_files *f, const char *name, bfci_piece *out, bfc_err *err);
int bfci_files_read(const bfci_files *f, const char *name, size_t max, uint8_t **bytes, size_t *len,
                    bfc_err *err);
/* Whether a name is there, of whatever kind. */
bool bfci_files_has(const bfci_files *f, const char *name);

/* Where a link at `name` leads: relative to where it stands, never above the root. *out: free(). */
int bfci_link_resolve(const char *name, const char *target, char **out, bfc_err *err);

/* For bfci_files_open(): fills member from fd. */
int bfci_members_read(bfci_files *f, uint64_t size, bfc_err *err);
/* NULL: there is none of that (normal) name. */
const bfci_member *bfci_members_find(const bfci_files *f, const char *name);

#endif
