/* SPDX-License-Identifier: Apache-2.0 */
/* A list with numbers, and a number as the answer; nothing is chosen by default, since it decides
 * whose programs will run here. */
#include "choose.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "password.h"
#include "value.h"

enum {
    TRIES = 3,
    ANSWER_MAX = 20
};

bool choose_wanted(const struct cli *cli)
{
    return !cli->json && !cli->quiet && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static void list(struct text *t, const char *typed, const char *const *names, size_t count)
{
    text_char(t, '\'');
    text_escaped(t, typed, strlen(typed), ESCAPE_QUOTED);
    text_str(t, "' could be one of these:\n");
    for (size_t i = 0; i < count; i++)
        text_fmt(t, "%4zu  %s\n", i + 1, names[i]);
}

int choose_name(void *ctx, const char *typed, const char *const *names, size_t count,
                size_t *chosen, bfc_err *err)
{
    struct cli *cli = ctx;
    AUTO_TEXT struct text words = {0};

    list(&words, typed, names, count);
    for (int i = 0; i < TRIES; i++) {
        AUTO_TEXT struct text problem = {0};
        char answer[ANSWER_MAX + 1];
        uint64_t number = 0;
        text_fmt(&words, "Which one? [1-%zu] ", count);
        int rc = terminal_ask(cli, text_of(&words), answer, ANSWER_MAX, err);
        if (rc < 0)
            return rc;
        if (value_number(answer, "", 1, count, &number, &problem) == 0) {
            *chosen = (size_t)number - 1;
            return 0;
        }
        text_free(&words);
    }
    err->code = BFC_E_INVALID;
    (void)snprintf(err->msg, sizeof err->msg, "'%.200s': none of its meanings was chosen", typed);
    return BFC_E_INVALID;
}
