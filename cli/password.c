/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords from the terminal: /dev/tty, so that standard input and output stay what they are; with
 * echo off, and on again however it ends. A signal interrupts the reading (see signals.c), so that
 * the terminal is set right before the program dies by it. */
#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "key_options.h"

enum {
    TYPE_TRIES = 3
};

static int fail(bfc_err *err, enum bfc_code code, const char *what)
{
    err->code = code;
    err->os_errno = 0;
    err->offset = BFC_NO_OFFSET;
    (void)snprintf(err->msg, sizeof err->msg, "%s", what);
    return code;
}

static void tell(int tty, const char *words)
{
    ssize_t written = write(tty, words, strlen(words)); /* nobody to tell if it fails */
    (void)written;
}

/* Where it goes, and whether it may be seen. */
struct answer {
    char *text;
    size_t cap;
    const char *too_long; /* what to say then */
    bool shown;
};

/* One line, without its newline. What is too long is read to its end, so that the next prompt does
 * not take the rest for an answer. */
static int read_line(const struct cli *cli, int tty, const struct answer *answer, size_t *len,
                     bfc_err *err)
{
    size_t have = 0;
    char c = 0;

    for (;;) {
        if (cli_cancelled(cli))
            return fail(err, BFC_E_CANCELLED, "interrupted");
        ssize_t n = read(tty, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, BFC_E_IO, "read a password from the terminal");
        if (n == 0 || c == '\n')
            break;
        if (have < answer->cap)
            answer->text[have] = c;
        have++;
    }
    explicit_bzero(&c, sizeof c);
    if (have > answer->cap)
        return fail(err, BFC_E_LIMIT, answer->too_long);
    *len = have;
    return 0;
}

static int ask_line(const struct cli *cli, int tty, const char *words, const struct answer *answer,
                    size_t *len, bfc_err *err)
{
    struct termios before, quiet;

    if (tcgetattr(tty, &before) < 0)
        return fail(err, BFC_E_IO, "the terminal does not tell how it is set");
    quiet = before;
    if (!answer->shown)
        quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON;
    /* What was typed before the question was no answer to it. */
    if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
        return fail(err, BFC_E_IO, "the terminal cannot be told to show nothing");
    tell(tty, words);
    int rc = read_line(cli, tty, answer, len, err);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    if (!answer->shown || rc < 0)
        tell(tty, "\n");
    return rc;
}

/* A password for a container. */
static int ask(const struct cli *cli, int tty, const char *words, char *out, size_t *len,
               bfc_err *err)
{
    const struct answer answer = {out, BFC_PASSWORD_MAX, "the password is longer than 1024 bytes",
                                  false};

    return ask_line(cli, tty, words, &answer, len, err);
}

static int ask_twice(const struct cli *cli, int tty, char *password, size_t *len, bfc_err *err)
{
    char again[BFC_PASSWORD_MAX];

    for (int try = 0; try < TYPE_TRIES; try++) {
        size_t first = 0, second = 0;
        int rc = ask(cli, tty, "New password: ", password, &first, err);
        if (rc == 0 && first == 0)
            return fail(err, BFC_E_DENIED, "no password was given");
        if (rc == 0)
            rc = ask(cli, tty, "The same again: ", again, &second, err);
        bool same = rc == 0 && first == second && memcmp(password, again, first) == 0;
        explicit_bzero(again, sizeof again);
        if (rc < 0)
            return rc;
        if (same) {
            *len = first;
            return 0;
        }
        tell(tty, "They differ.\n");
    }
    return fail(err, BFC_E_DENIED, "no password was typed twice in the same way");
}

static int ask_at(const struct cli *cli, int tty, const bfc_prompt *about, char *password,
                  size_t *len, bfc_err *err)
{
    AUTO_TEXT struct text words = {0};

    if (about->purpose == BFC_PROMPT_CREATE)
        return ask_twice(cli, tty, password, len, err);
    if (about->attempt > 1)
        text_str(&words, "That does not open it.\n");
    text_str(&words, "Password");
    if (about->what) {
        text_str(&words, " for '");
        text_escaped(&words, about->what, strlen(about->what), ESCAPE_QUOTED);
        text_char(&words, '\'');
    }
    text_str(&words, ": ");
    return ask(cli, tty, text_of(&words), password, len, err);
}

static int ask_terminal(const struct cli *cli, const bfc_prompt *about, char *password, size_t *len,
                        bfc_err *err)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0)
        return BFC_E_NOT_FOUND;
    int rc = ask_at(cli, tty, about, password, len, err);
    (void)close(tty);
    return rc;
}

int password_prompt(void *ctx, const bfc_prompt *about, char *password, size_t *len, bfc_err *err)
{
    const struct cli *cli = ctx;
    const char *file = getenv("BFC_PASSWORD_FILE");

    secrets_begin();

    if (file && *file) {
        if (about->attempt > 1)
            return BFC_E_NOT_FOUND; /* it holds one password */
        int rc = bfc_password_read_file(file, &cli->hooks, password, len, err);
        if (rc != BFC_E_NOT_FOUND)
            return rc;
        err->code = BFC_E_DENIED; /* a file that is not there is not the same as nobody to ask */
        return err->code;
    }
    return ask_terminal(cli, about, password, len, err);
}

int new_password_prompt(void *ctx, const bfc_prompt *about, char *password, size_t *len,
                        bfc_err *err)
{
    secrets_begin();
    return ask_terminal(ctx, about, password, len, err);
}

/* ── What may be seen ── */

int terminal_ask(const struct cli *cli, const char *words, char *out, size_t cap, bfc_err *err)
{
    const struct answer answer = {out, cap, "the answer is too long", true};
    size_t len = 0;

    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0)
        return fail(err, BFC_E_DENIED, "there is no terminal to ask at");
    int rc = ask_line(cli, tty, words, &answer, &len, err);
    (void)close(tty);
    if (rc == 0)
        out[len] = '\0';
    return rc;
}

/* ── Logins ── */

void login_wipe(struct login *login)
{
    explicit_bzero(login, sizeof *login);
}

static int set_username(const char *username, struct login *out, bfc_err *err)
{
    if (strlen(username) > LOGIN_TEXT_MAX)
        return fail(err, BFC_E_LIMIT, "the user's name is longer than 16384 bytes");
    (void)snprintf(out->username, sizeof out->username, "%s", username);
    return 0;
}

static int ask_username(const struct cli *cli, int tty, const char *registry, const char *proposal,
                        struct login *out, bfc_err *err)
{
    const struct answer answer = {out->username, LOGIN_TEXT_MAX,
                                  "the user's name is longer than 16384 bytes", true};
    AUTO_TEXT struct text words = {0};
    size_t len = 0;

    text_str(&words, "User for ");
    text_escaped(&words, registry, strlen(registry), ESCAPE_TERMINAL);
    if (proposal) {
        text_str(&words, " (");
        text_escaped(&words, proposal, strlen(proposal), ESCAPE_TERMINAL);
        text_char(&words, ')');
    }
    text_str(&words, ": ");
    int rc = ask_line(cli, tty, text_of(&words), &answer, &len, err);
    if (rc < 0)
        return rc;
    out->username[len] = '\0';
    return len == 0 && proposal ? set_username(proposal, out, err) : 0;
}

static int ask_login(const struct cli *cli, int tty, const char *registry, const char *username,
                     const char *proposal, struct login *out, bfc_err *err)
{
    const struct answer answer = {out->password, LOGIN_TEXT_MAX,
                                  "the password is longer than 16384 bytes", false};
    size_t len = 0;

    int rc = username ? set_username(username, out, err)
                      : ask_username(cli, tty, registry, proposal, out, err);
    if (rc == 0)
        rc = ask_line(cli, tty, "Password: ", &answer, &len, err);
    if (rc == 0)
        out->password[len] = '\0';
    return rc;
}

int login_prompt(struct cli *cli, const char *registry, const char *username, const char *proposal,
                 struct login *out, bfc_err *err)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0)
        return BFC_E_NOT_FOUND;
    int rc = ask_login(cli, tty, registry, username, proposal, out, err);
    (void)close(tty);
    return rc;
}

int login_read(struct cli *cli, const char *username, struct login *out, bfc_err *err)
{
    size_t len = 0;

    int rc = set_username(username, out, err);
    while (rc == 0) {
        if (cli_cancelled(cli))
            return fail(err, BFC_E_CANCELLED, "interrupted");
        ssize_t n = read(STDIN_FILENO, out->password + len, sizeof out->password - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, BFC_E_IO, "read the password from standard input");
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > LOGIN_TEXT_MAX)
            return fail(err, BFC_E_LIMIT, "the password is longer than 16384 bytes");
    }
    if (rc == 0 && memchr(out->password, '\0', len))
        return fail(err, BFC_E_INVALID, "the password has a NUL byte in it");
    if (len > 0 && out->password[len - 1] == '\n')
        len--;
    if (len > 0 && out->password[len - 1] == '\r')
        len--;
    out->password[len] = '\0';
    return rc;
}
