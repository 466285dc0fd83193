/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the tar reader and writer share: the fields of a header block, extended
 * headers' records, maps of sparse files, and what these say of an entry together. None of it knows
 * where in the archive it is: the reader puts that before the messages. */
#ifndef BFCI_OCI_TAR_PARTS_H
#define BFCI_OCI_TAR_PARTS_H

#include "base/buf.h"
#include "oci/tar.h"

enum {
    TAR_NAME_SIZE = 100, /* of the fields name and linkname */
    TAR_PREFIX_SIZE = 155,
    TAR_STAR_PREFIX_SIZE = 131,
    TAR_GLOBALS_MAX = 64 << 10 /* bytes of global headers that count */
};

/* Offsets in a header block; each field ends where the next one begins. */
enum bfci_tar_field {
    TAR_AT_NAME = 0,
    TAR_AT_MODE = 100,
    TAR_AT_UID = 108,
    TAR_AT_GID = 116,
    TAR_AT_SIZE = 124,
    TAR_AT_MTIME = 136,
    TAR_AT_CHECKSUM = 148,
    TAR_AT_TYPEFLAG = 156,
    TAR_AT_LINKNAME = 157,
    TAR_AT_MAGIC = 257,
    TAR_AT_UNAME = 265,
    TAR_AT_MAJOR = 329,
    TAR_AT_MINOR = 337,
    TAR_AT_PREFIX = 345,
    TAR_AT_GNU_ATIME = 345,
    TAR_AT_GNU_CTIME = 357,
    TAR_AT_GNU_SPARSE = 386,
    TAR_AT_GNU_EXTENDED = 482,
    TAR_AT_GNU_REALSIZE = 483,
    TAR_AT_STAR_TRAILER = 508
};

/* ── Numbers: false if it is none, or does not fit ── */

/* Octal digits with blanks and NULs around them (none at all: 0), or base-256. */
bool bfci_tar_number(const uint8_t *field, size_t len, int64_t *out);
/* Digits only. */
bool bfci_tar_decimal(const char *text, size_t len, int64_t *out);
/* "-1.5" is 0.5 seconds after -2. More than nine digits of a fraction are cut. */
bool bfci_tar_time(const char *text, size_t len, int64_t *seconds, uint32_t *ns);

/* ── One header block ── */

enum bfci_tar_format {
    TAR_V7,
    TAR_USTAR,
    TAR_STAR,
    TAR_GNU
};

typedef struct bfci_tar_head {
    enum bfci_tar_format format;
    char typeflag;
    char path[TAR_PREFIX_SIZE + 1 + TAR_NAME_SIZE + 1];
    char link[TAR_NAME_SIZE + 1];
    uint32_t mode, major, minor;
    uint64_t uid, gid, size;
    int64_t mtime;
} bfci_tar_head;

bool bfci_tar_all_zero(const uint8_t block[TAR_BLOCK]);
int bfci_tar_head_decode(const uint8_t block[TAR_BLOCK], bfci_tar_head *out, bfc_err *err);
/* The sum with the checksum's own bytes as blanks. */
uint32_t bfci_tar_checksum(const uint8_t block[TAR_BLOCK]);

/* ── Maps of sparse files ── */

typedef struct bfci_tar_map {
    bfci_tar_range *range;
    size_t count, cap;
    uint64_t end;  /* of the last range, also of an empty one */
    uint64_t held; /* bytes in all ranges */
} bfci_tar_map;

void bfci_tar_map_release(bfci_tar_map *m);
void bfci_tar_map_clear(bfci_tar_map *m); /* keeps the memory */
/* Empty ranges are left out, and those that touch become one. */
int bfci_tar_map_add(bfci_tar_map *m, int64_t offset, int64_t len, bfc_err *err);
/* Against the file's size and what of it is in the archive. */
int bfci_tar_map_check(const bfci_tar_map *m, uint64_t size, uint64_t data_size, bfc_err *err);
/* Of an old GNU header, or of a block that extends it; *more: another such block follows. */
int bfci_tar_map_head(bfci_tar_map *m, const uint8_t block[TAR_BLOCK], bool *more, bfc_err *err);
int bfci_tar_map_extension(bfci_tar_map *m, const uint8_t block[TAR_BLOCK], bool *more,
                           bfc_err *err);
/* "0,512,4096,512" */
int bfci_tar_map_list(bfci_tar_map *m, const char *text, size_t len, size_t *pairs, bfc_err *err);

/* The map that stands before the content (GNU.sparse 1.0), read as it comes. */
typedef struct bfci_tar_map_text {
    bool counted, half, digits; /* half: the offset is there; digits: of the number being read */
    int64_t number, offset;
    uint64_t ranges_left;
} bfci_tar_map_text;
/* Takes no more than the map has: *done is set with its last byte. */
int bfci_tar_map_text_feed(bfci_tar_map_text *t, bfci_tar_map *m, const uint8_t *bytes, size_t len,
                           size_t *took, bool *done, bfc_err *err);

/* ── Extended headers ── */

enum bfci_tar_key {
    PAX_PATH,
    PAX_LINKPATH,
    PAX_SIZE,
    PAX_UID,
    PAX_GID,
    PAX_MTIME,
    PAX_GLOBAL_KEYS, /* those after it make sense for one entry only */
    PAX_SPARSE_NAME = PAX_GLOBAL_KEYS,
    PAX_SPARSE_MAJOR,
    PAX_SPARSE_MINOR,
    PAX_SPARSE_SIZE,
    PAX_SPARSE_REALSIZE,
    PAX_SPARSE_NUMBLOCKS,
    PAX_SPARSE_MAP,
    PAX_SPARSE_OFFSET, /* these two only while records are read */
    PAX_SPARSE_NUMBYTES,
    PAX_KEYS
};
extern const char *const bfci_tar_key_name[PAX_KEYS];

typedef struct bfci_tar_text {
    const char *text; /* NULL: not mentioned. NUL-terminated. */
    size_t len;       /* 0: unset */
} bfci_tar_text;

typedef struct bfci_tar_attr {
    bfci_tar_xattr xattr;
    size_t rank; /* of two with one name the higher wins */
} bfci_tar_attr;

typedef struct bfci_tar_pax {
    buf body; /* what the others point into; changed in place */
    bfci_tar_text value[PAX_KEYS];
    bfci_tar_attr *attr; /* sorted by name, each once */
    size_t attr_count, attr_cap;
    bfci_tar_map map; /* GNU.sparse 0.0 */
    size_t map_pairs;
    bool map_half; /* an offset came, its length did not yet */
    int64_t map_offset;
} bfci_tar_pax;

void bfci_tar_pax_release(bfci_tar_pax *p);
void bfci_tar_pax_clear(bfci_tar_pax *p); /* keeps the memory */
/* What the records in p->body say. */
int bfci_tar_pax_decode(bfci_tar_pax *p, bfc_err *err);
/* Global headers add up: `more` goes over what `all` held. */
int bfci_tar_pax_merge(bfci_tar_pax *all, const bfci_tar_pax *more, bfc_err *err);
void bfci_tar_pax_put(buf *out, const char *key, const void *value, size_t len);
void bfci_tar_pax_put_xattr(buf *out, const bfci_tar_xattr *x);

/* In place: the text becomes the bytes that it stands for. False if it is none of these. */
bool bfci_tar_base64(char *text, size_t *len);
bool bfci_tar_unescape(char *text); /* "%41" is "A"; a NUL is refused */
void bfci_tar_put_base64(buf *out, const uint8_t *bytes, size_t len);
void bfci_tar_escape(buf *out, const char *text);

/* ── All that is said of an entry ── */

enum bfci_tar_map_kind {
    MAP_NONE,
    MAP_OLD_GNU,
    MAP_RECORDS,
    MAP_IN_CONTENT
};

typedef struct bfci_tar_said {
    bfci_tar_pax global, local;
    buf long_name, long_link; /* GNU's "L" and "K", NUL-terminated; empty: none */
    bool pending;             /* a header came that speaks of the next entry */
    bfci_tar_xattr *xattr;
    size_t xattr_cap;
} bfci_tar_said;

void bfci_tar_said_release(bfci_tar_said *s);
void bfci_tar_said_clear(bfci_tar_said *s); /* what spoke of one entry */
/* The entry, all but its map. data_size: bytes in the archive after the header, the map of
 * MAP_IN_CONTENT among them. */
int bfci_tar_resolve(bfci_tar_said *s, const bfci_tar_head *head, bfci_tar_entry *out,
                     enum bfci_tar_map_kind *map, bfc_err *err);
/* The map of MAP_RECORDS. */
int bfci_tar_resolve_records(const bfci_tar_pax *p, bfci_tar_map *m, bfc_err *err);

#endif
