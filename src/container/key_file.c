/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in files. They are read with plain calls into locked memory, and never pass through a
 * buffer of anybody else. Files that others can read are told of, and read: who set them up may
 * have reasons. */
#include <fcntl.h>
#include <unistd.h>

#include "base/hooks.h"
#include "codec/box.h"
#include "codec/sign.h"
#include "container/keys.h"
#include "format/key_text.h"
#include "sys/file.h"
#include "sys/pipe.h"

enum {
    KEY_TEXT_FILE_MAX = 4096,
    OPEN_TO_OTHERS = 066
};

static void warn_if_open_to_others(int fd, const char *path, const bfc_hooks *hooks)
{
    struct stat st;

    if (bfci_fstat(fd, &st, NULL) == 0 && S_ISREG(st.st_mode) && (st.st_mode & OPEN_TO_OTHERS))
        bfci_log(hooks, BFC_LOG_WARNING, "keys",
                 "'%s' holds a secret, and others can read or change it (mode %04o): chmod 600",
                 BFCI_QUOTE_STR(path), (unsigned)(st.st_mode & 07777));
}

/* Byte by byte: what follows the line is for somebody else. */
int bfci_secret_read_line_fd(int fd, size_t max, const bfc_hooks *hooks, uint8_t **secret,
                             size_t *len, bfc_err *err)
{
    AUTO_SECRET uint8_t *line = NULL;
    size_t have = 0, got = 0;

    BFC_TRY(bfci_secret_new(max + 1, &line, err));
    for (;;) {
        BFC_TRY(bfci_pipe_read(fd, line + have, 1, hooks, &got, err));
        if (got == 0 || line[have] == '\n')
            break;
        if (++have > max)
            return bfci_fail(err, BFC_E_LIMIT, "a line of more than %zu bytes", max);
    }
    line[have] = 0;
    *secret = bfci_steal(&line);
    *len = have;
    return 0;
}

static int read_all_fd(int fd, size_t max, const bfc_hooks *hooks, uint8_t **secret, size_t *len,
                       bfc_err *err)
{
    AUTO_SECRET uint8_t *all = NULL;
    size_t got = 0;

    BFC_TRY(bfci_secret_new(max + 1, &all, err));
    BFC_TRY(bfci_pipe_read_full(fd, all, max + 1, hooks, &got, err));
    if (got > max)
        return bfci_fail(err, BFC_E_LIMIT, "more than %zu bytes", max);
    *secret = bfci_steal(&all);
    *len = got;
    return 0;
}

int bfci_secret_read(const char *path, enum bfci_secret_kind kind, const char *word, size_t max,
                     const bfc_hooks *hooks, uint8_t **secret, size_t *len, bfc_err *err)
{
    AUTO_FD int fd = -1;

    int rc = bfci_open(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0, &fd, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "%s file", word);
    warn_if_open_to_others(fd, path, hooks);
    rc = kind == SECRET_LINE ? bfci_secret_read_line_fd(fd, max, hooks, secret, len, err)
                             : read_all_fd(fd, max, hooks, secret, len, err);
    return rc < 0 ? bfci_wrap(err, rc, "%s file '%s'", word, BFCI_QUOTE_STR(path)) : 0;
}

/* The one line of a text that is neither empty nor a remark. */
static bool only_line(const uint8_t *text, size_t len, const char **line, size_t *line_len)
{
    const char *at = (const char *)text, *end = at + len;
    bool found = false;

    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop ? stop : end) - at);
        if (n > 0 && at[0] != '#') {
            if (found)
                return false;
            found = true;
            *line = at;
            *line_len = n;
        }
        at += MIN(n + 1, (size_t)(end - at));
    }
    return found;
}

int bfci_secret_key_read(const char *path, const bfc_hooks *hooks, enum bfc_key_kind *kind,
                         uint8_t secret_key[BFCI_KEY_SIZE], bfc_err *err)
{
    AUTO_SECRET uint8_t *text = NULL, *key = NULL;
    size_t len = 0, line_len = 0;
    const char *line = NULL;
    enum bfci_key_form form = KEY_FORM_IDENTITY;

    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &key, err));
    BFC_TRY(bfci_secret_read(path, SECRET_ALL, "secret key", KEY_TEXT_FILE_MAX, hooks, &text, &len,
                             err));
    if (!only_line(text, len, &line, &line_len))
        return bfci_fail(err, BFC_E_INVALID,
                         "secret key file '%s': it must hold one line with a key; `bfc key "
                         "generate` makes such files",
                         BFCI_QUOTE_STR(path));
    int rc = bfci_key_text_decode(line, line_len, &form, key, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "secret key file '%s'", BFCI_QUOTE_STR(path));
    if (form != KEY_FORM_IDENTITY && form != KEY_FORM_SIGNING_KEY)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' holds a public key: the file with the secret one is needed",
                         BFCI_QUOTE_STR(path));
    *kind = form == KEY_FORM_IDENTITY ? BFC_KEY_IDENTITY : BFC_KEY_SIGNING;
    memcpy(secret_key, key, BFCI_KEY_SIZE);
    return 0;
}

static int public_text_of(enum bfc_key_kind kind, const uint8_t *secret_key,
                          char out[BFC_KEY_TEXT_MAX], bfc_err *err)
{
    uint8_t public_key[BFCI_KEY_SIZE];

    if (kind == BFC_KEY_IDENTITY)
        BFC_TRY(bfci_box_public(public_key, secret_key, err));
    else
        BFC_TRY(bfci_sign_public(public_key, secret_key, err));
    bfci_key_text_encode(kind == BFC_KEY_IDENTITY ? KEY_FORM_RECIPIENT : KEY_FORM_SIGNER,
                         public_key, out);
    return 0;
}

int bfc_key_generate_fd(enum bfc_key_kind kind, int fd, char public_text[BFC_KEY_TEXT_MAX],
                        bfc_err *err)
{
    AUTO_SECRET uint8_t *key = NULL, *text = NULL;
    char made[BFC_KEY_TEXT_MAX];

    if (kind != BFC_KEY_IDENTITY && kind != BFC_KEY_SIGNING)
        return bfci_fail(err, BFC_E_INVALID, "there is no kind of key %d", (int)kind);
    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &key, err));
    BFC_TRY(bfci_secret_new(BFC_KEY_TEXT_MAX + 1, &text, err));
    BFC_TRY(bfci_random(key, BFCI_KEY_SIZE, err));
    BFC_TRY(public_text_of(kind, key, made, err));
    bfci_key_text_encode(kind == BFC_KEY_IDENTITY ? KEY_FORM_IDENTITY : KEY_FORM_SIGNING_KEY, key,
                         (char *)text);
    size_t len = strlen((char *)text);
    text[len++] = '\n';
    BFC_TRY(bfci_pipe_write(fd, text, len, NULL, err));
    memcpy(public_text, made, sizeof made);
    return 0;
}

int bfc_key_generate(enum bfc_key_kind kind, const char *path, char public_text[BFC_KEY_TEXT_MAX],
                     bfc_err *err)
{
    bfci_new_file file = BFCI_NEW_FILE_INIT;
    char made[BFC_KEY_TEXT_MAX];

    int rc = bfci_new_file_begin_private(path, &file, err);
    if (rc == 0)
        rc = bfc_key_generate_fd(kind, file.fd, made, err);
    if (rc == 0)
        rc = bfci_new_file_publish(&file, false, err);
    bfci_new_file_abandon(&file);
    if (rc == 0)
        memcpy(public_text, made, sizeof made);
    return rc;
}

int bfc_key_public(const char *path, const bfc_hooks *hooks, char public_text[BFC_KEY_TEXT_MAX],
                   bfc_err *err)
{
    AUTO_SECRET uint8_t *key = NULL;
    enum bfc_key_kind kind = BFC_KEY_IDENTITY;

    BFC_TRY(bfci_secret_new(BFCI_KEY_SIZE, &key, err));
    BFC_TRY(bfci_secret_key_read(path, hooks, &kind, key, err));
    return public_text_of(kind, key, public_text, err);
}
