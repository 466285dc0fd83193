/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec means: "KIND:REST" by its first word, a bare path by what is there. A path may hold
 * colons, and so may a reference ("host:5000/app:1", "@sha256:…"): the longest beginning that
 * exists is the path. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "oci/origin_parts.h"
#include "sys/file.h"

enum {
    CHOICES_SHOWN = 8,
    START_SIZE = 512,
    TAR_MAGIC_AT = 257
};

static const char *const KINDS[] = {"dir",      "oci", "oci-archive", "docker-archive",
                                    "manifest", "bfc"};
static const uint8_t BFC_MAGIC_START[] = {'B', 'F', 'C', 'F', 'v'}; /* of any version */

/* ── What there is to choose from ── */

void bfci_choices_add(bfci_choices *c, const char *name)
{
    if (c->count++ < CHOICES_SHOWN)
        bfci_buf_printf(&c->text, "%s'%s'", c->count > 1 ? ", " : "", BFCI_QUOTE_STR(name));
}

const char *bfci_choices_text(bfci_choices *c)
{
    AUTO_BUF buf text = BUF_INIT;

    if (c->count == 0 || c->text.bad)
        return c->count ? "there are others" : "there is none";
    bfci_buf_printf(&text, "there %s %.*s", c->count == 1 ? "is" : "are", (int)c->text.len,
                    (const char *)c->text.data);
    if (c->count > CHOICES_SHOWN)
        bfci_buf_printf(&text, " and %zu more", c->count - CHOICES_SHOWN);
    buf_u8(&text, '\0');
    if (text.bad)
        return "there are others";
    bfci_buf_free(&c->text);
    c->text = text;
    text = (buf)BUF_INIT;
    return (const char *)c->text.data;
}

void bfci_choices_release(bfci_choices *c)
{
    bfci_buf_free(&c->text);
}

bool bfci_ref_is_position(const char *ref, size_t *position)
{
    size_t n = 0;

    if (!ref || ref[0] != '@' || ref[1] == '\0' || strlen(ref) > 10)
        return false;
    for (const char *p = ref + 1; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        n = n * 10 + (size_t)(*p - '0');
    }
    *position = n;
    return true;
}

/* ── Paths with a reference behind them ── */

/* 1: there; 0: not. Others than "not there" are told only for the whole text. */
static int exists(const char *path, bfc_err *err)
{
    struct stat st;
    bfc_err why = BFC_ERR_INIT;

    if (bfci_stat_at(AT_FDCWD, path, 0, &st, &why) == 0)
        return 1;
    if (why.os_errno == ENOENT || why.os_errno == ENOTDIR || why.os_errno == ENAMETOOLONG)
        return 0;
    return bfci_fail_errno(err, why.os_errno, "look for '%s'", BFCI_QUOTE_STR(path));
}

int bfci_origin_split(const char *text, char **path, const char **ref, bfc_err *err)
{
    AUTO_FREE char *part = NULL;
    size_t len = strlen(text);

    BFC_TRY(bfci_strdup(text, &part, err));
    for (;;) {
        int rc = len > 0 ? exists(part, err) : 0;
        BFC_TRY(rc);
        if (rc > 0)
            break;
        while (len > 0 && part[len - 1] != ':')
            len--;
        if (len == 0)
            return bfci_fail(err, BFC_E_NOT_FOUND, "there is no file or folder '%s'",
                             BFCI_QUOTE_STR(text));
        part[--len] = '\0';
    }
    if (text[len] != '\0' && text[len + 1] == '\0')
        return bfci_fail(err, BFC_E_INVALID, "'%s' has no reference after its ':'",
                         BFCI_QUOTE_STR(text));
    *ref = text[len] ? text + len + 1 : NULL;
    *path = bfci_steal(&part);
    return 0;
}

/* ── What is there ── */

static char first_mark(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!memchr(" \t\r\n", bytes[i], 4))
            return (char)bytes[i];
    return '\0';
}

/* A tar may begin with a name that looks like JSON. */
static bool has_tar_magic(const uint8_t *bytes, size_t len)
{
    return len >= TAR_MAGIC_AT + 5 && memcmp(bytes + TAR_MAGIC_AT, "ustar", 5) == 0;
}

static int read_start(int dir_fd, const char *path, uint8_t start[START_SIZE], size_t *got,
                      bfc_err *err)
{
    AUTO_FD int fd = -1;
    struct stat st;

    BFC_TRY(bfci_open(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, err));
    BFC_TRY(bfci_fstat(fd, &st, err));
    if (!S_ISREG(st.st_mode))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is neither a file nor a folder",
                         BFCI_QUOTE_STR(path));
    return bfci_pread(fd, start, START_SIZE, 0, got, err);
}

static int sniff_folder(const char *path, const char **kind, bfc_err *err)
{
    uint8_t start[START_SIZE];
    size_t got = 0;
    struct stat st;
    AUTO_FD int fd = -1;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &fd, err));
    if (bfci_stat_at(fd, "oci-layout", 0, &st, NULL) == 0)
        *kind = "oci";
    else if (read_start(fd, "manifest.json", start, &got, NULL) == 0 &&
             first_mark(start, got) == '[')
        *kind = "docker-archive";
    else
        *kind = "dir";
    return 0;
}

static int sniff_archive(const char *path, bool is_tar, const char **kind, bfc_err *err)
{
    AUTO(bfci_files) bfci_files *files = NULL;

    int rc = bfci_files_open(path, &files, err);
    if (rc == BFC_E_CORRUPT && !is_tar)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no source of an image: neither a container nor a manifest nor a "
                         "tar",
                         BFCI_QUOTE_STR(path));
    if (rc == BFC_E_CORRUPT)
        return bfci_wrap(err, rc, "neither a container nor a manifest nor a tar");
    BFC_TRY(rc);
    if (bfci_files_has(files, "oci-layout") || bfci_files_has(files, "index.json"))
        *kind = "oci-archive";
    else if (bfci_files_has(files, "manifest.json") || bfci_files_has(files, "repositories"))
        *kind = "docker-archive";
    else
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is a tar, but not of an image: expected 'oci-layout' or "
                         "'manifest.json' in it",
                         BFCI_QUOTE_STR(path));
    return 0;
}

static int sniff_file(const char *path, const char **kind, bfc_err *err)
{
    uint8_t start[START_SIZE];
    size_t got = 0;

    BFC_TRY(read_start(AT_FDCWD, path, start, &got, err));
    char mark = first_mark(start, got);
    if (got >= sizeof BFC_MAGIC_START &&
        memcmp(start, BFC_MAGIC_START, sizeof BFC_MAGIC_START) == 0)
        *kind = "bfc";
    else if ((mark == '{' || mark == '[') && !has_tar_magic(start, got))
        *kind = "manifest";
    else
        return sniff_archive(path, has_tar_magic(start, got), kind, err);
    return 0;
}

static int sniff_bare(const char *spec, const char **kind, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    const char *ref = NULL, *found = NULL;
    struct stat st;

    BFC_TRY(bfci_origin_split(spec, &path, &ref, err));
    BFC_TRY(bfci_stat_at(AT_FDCWD, path, 0, &st, err));
    BFC_TRY(S_ISDIR(st.st_mode) ? sniff_folder(path, &found, err) : sniff_file(path, &found, err));
    bool has_refs = strncmp(found, "oci", 3) == 0 || strcmp(found, "docker-archive") == 0;
    if (ref && !has_refs)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "there is no file or folder '%s'; '%s' is there, but has no references",
                         BFCI_QUOTE_STR(spec), BFCI_QUOTE_STR(path));
    *kind = found;
    return 0;
}

int bfci_origin_sniff(const char *spec, const char **kind, const char **rest, bfc_err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(KINDS); i++) {
        size_t len = strlen(KINDS[i]);
        if (strncmp(spec, KINDS[i], len) != 0 || spec[len] != ':')
            continue;
        if (spec[len + 1] == '\0')
            return bfci_fail(err, BFC_E_INVALID, "'%s' has no path after its ':'",
                             BFCI_QUOTE_STR(spec));
        *kind = KINDS[i];
        *rest = spec + len + 1;
        return 0;
    }
    if (spec[0] == '\0')
        return bfci_fail(err, BFC_E_INVALID, "the source is empty");
    BFC_TRY(sniff_bare(spec, kind, err));
    *rest = spec;
    return 0;
}
