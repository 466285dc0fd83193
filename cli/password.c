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

/* One line, without its newline. What is too long is read to its end, so that the next prompt does
 * not take the rest for an answer. */
static int read_line(const struct cli *cli, int tty, char *out, size_t *len, bfc_err *err)
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
        if (have < BFC_PASSWORD_MAX)
            out[have] = c;
        have++;
    }
    explicit_bzero(&c, sizeof c);
    if (have > BFC_PASSWORD_MAX)
        return fail(err, BFC_E_LIMIT, "the password is longer than 1024 bytes");
    *len = have;
    return 0;
}

static int ask(const struct cli *cli, int tty, const char *words, char *out, size_t *len,
               bfc_err *err)
{
    struct termios before, quiet;

    if (tcgetattr(tty, &before) < 0)
        return fail(err, BFC_E_IO, "the terminal does not tell how it is set");
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON;
    /* What was typed before the question was no answer to it. */
    if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
        return fail(err, BFC_E_IO, "the terminal cannot be told to show nothing");
    tell(tty, words);
    int rc = read_line(cli, tty, out, len, err);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    tell(tty, "\n");
    return rc;
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
