/* SPDX-License-Identifier: Apache-2.0 */
/* The command line reader. It knows the shape of a line and leaves the meaning of values to the
 * commands. */
#include "opt.h"

#include <stdio.h>
#include <string.h>

struct parser {
    struct args *args;
    struct text *problem;
    char *const *argv;
    int argc, at;
};

void args_free(struct args *args)
{
    free(args->given);
    free(args->operands);
    *args = (struct args){0};
}

size_t args_times(const struct args *args, enum option_id id)
{
    size_t times = 0;
    for (size_t i = 0; i < args->given_count; i++)
        times += args->given[i].option->id == id;
    return times;
}

bool args_has(const struct args *args, enum option_id id)
{
    return args_times(args, id) > 0;
}

const char *args_value(const struct args *args, enum option_id id)
{
    for (size_t i = args->given_count; i > 0; i--)
        if (args->given[i - 1].option->id == id)
            return args->given[i - 1].value;
    return NULL;
}

const char **args_values(const struct args *args, enum option_id id)
{
    size_t count = args_times(args, id), used = 0;
    if (count == 0)
        return NULL;
    const char **values = mem_alloc(count + 1, sizeof *values);
    for (size_t i = 0; i < args->given_count; i++)
        if (args->given[i].option->id == id)
            values[used++] = args->given[i].value;
    return values;
}

/* ── Suggestions ── */

enum {
    WORD_MAX = 32
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b_len; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            now[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]), least(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b_len];
}

const char *opt_nearest(const char *wrong, const char *const *words)
{
    const char *nearest = NULL;
    size_t best = strlen(wrong) < 4 ? 2 : 3; /* what is further away is no slip of the finger */

    for (; *words; words++) {
        size_t d = distance(wrong, *words);
        if (d < best && d < strlen(*words)) {
            best = d;
            nearest = *words;
        }
        /* A word that was cut short, as other programs allow it. */
        if (!nearest && strlen(wrong) >= 3 && strncmp(wrong, *words, strlen(wrong)) == 0)
            nearest = *words;
    }
    return nearest;
}

/* ── Options ── */

static const struct option *find_in(const struct option *table, const char *name, size_t len,
                                    char letter)
{
    for (; table && table->name; table++) {
        if (letter ? table->letter == letter
                   : strlen(table->name) == len && strncmp(table->name, name, len) == 0)
            return table;
    }
    return NULL;
}

/* A command's own options, then the global ones. */
static const struct option *find(const struct parser *p, const char *name, size_t len, char letter)
{
    const struct option *option = find_in(p->args->command->options, name, len, letter);
    return option ? option : find_in(bfc_root.options, name, len, letter);
}

static void quote(struct text *t, const char *bytes, size_t len)
{
    text_char(t, '\'');
    text_escaped(t, bytes, len, ESCAPE_QUOTED);
    text_char(t, '\'');
}

/* Begins "create: " where a command is known. */
static void begin_problem(const struct command *command, struct text *problem)
{
    if (command == &bfc_root)
        return;
    AUTO_TEXT struct text path = {0};
    command_path(&path, command, " ");
    text_fmt(problem, "%s: ", text_of(&path) + strlen("bfc "));
}

static int unknown_option(const struct parser *p, const char *shown, size_t len, const char *name)
{
    const struct option *tables[] = {p->args->command->options, bfc_root.options};
    const char *words[64];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (const struct option *o = tables[i]; o && o->name && count < ARRAY_LEN(words) - 1; o++)
            words[count++] = o->name;
    words[count] = NULL;

    begin_problem(p->args->command, p->problem);
    text_str(p->problem, "unknown option ");
    quote(p->problem, shown, len);
    const char *nearest = name ? opt_nearest(name, words) : NULL;
    if (nearest)
        text_fmt(p->problem, "; did you mean '--%s'?", nearest);
    else if (p->args->command->commands)
        text_str(p->problem, "; options of a command stand behind its name");
    return -1;
}

static void add_given(struct args *args, const struct option *option, const char *value)
{
    args->given = mem_resize(args->given, args->given_count + 1, sizeof *args->given);
    args->given[args->given_count++] = (struct given){option, value};
}

/* The value of an option whose own argument holds none: the next argument. */
static int take_value(struct parser *p, const struct option *option, const char *shown,
                      const char **value)
{
    if (p->at + 1 >= p->argc) {
        begin_problem(p->args->command, p->problem);
        text_fmt(p->problem, "option '%s' needs a value: %s", shown, option->value);
        return -1;
    }
    *value = p->argv[++p->at];
    return 0;
}

static int parse_long(struct parser *p, const char *arg)
{
    const char *name = arg + 2;
    const char *value = strchr(name, '=');
    size_t len = value ? (size_t)(value - name) : strlen(name);
    const struct option *option = find(p, name, len, 0);

    if (!option) {
        AUTO_TEXT struct text word = {0};
        text_add(&word, name, len);
        return unknown_option(p, arg, len + 2, text_of(&word));
    }
    AUTO_TEXT struct text shown = {0};
    text_fmt(&shown, "--%s", option->name);
    if (value && !option->value) {
        begin_problem(p->args->command, p->problem);
        text_fmt(p->problem, "option '%s' takes no value", text_of(&shown));
        return -1;
    }
    if (value)
        value++;
    else if (option->value && take_value(p, option, text_of(&shown), &value) < 0)
        return -1;
    add_given(p->args, option, value);
    return 0;
}

static int parse_short(struct parser *p, const char *arg)
{
    for (const char *c = arg + 1; *c; c++) {
        const struct option *option = find(p, NULL, 0, *c);
        const char *value = NULL;
        char shown[] = {'-', *c, '\0'};

        if (!option)
            return unknown_option(p, shown, 2, NULL);
        if (option->value && c[1])
            value = c + 1;
        else if (option->value && take_value(p, option, shown, &value) < 0)
            return -1;
        add_given(p->args, option, value);
        if (value)
            break;
    }
    return 0;
}

/* ── Commands and operands ── */

static int unknown_command(const struct parser *p, const char *name)
{
    const char *words[64];
    size_t count = 0;

    for (const struct command *const *c = p->args->command->commands; *c; c++)
        if (!(*c)->hidden && count < ARRAY_LEN(words) - 1)
            words[count++] = (*c)->name;
    words[count] = NULL;

    begin_problem(p->args->command, p->problem);
    text_str(p->problem, "unknown command ");
    quote(p->problem, name, strlen(name));
    const char *nearest = opt_nearest(name, words);
    if (nearest)
        text_fmt(p->problem, "; did you mean '%s'?", nearest);
    return -1;
}

static int parse_word(struct parser *p, const char *word)
{
    struct args *args = p->args;
    if (!args->command->commands) {
        args->operands[args->count++] = word;
        return 0;
    }
    const struct command *command = command_find(args->command, word);
    if (!command)
        return unknown_command(p, word);
    args->command = command;
    return 0;
}

int opt_parse(int argc, char *const *argv, struct args *args, struct text *problem)
{
    struct parser p = {.args = args, .problem = problem, .argv = argv, .argc = argc};
    bool options = true;

    args->command = &bfc_root;
    args->operands = mem_alloc((size_t)argc + 1, sizeof *args->operands);
    for (p.at = 1; p.at < argc; p.at++) {
        const char *arg = argv[p.at];
        int rc;
        if (options && strcmp(arg, "--") == 0) {
            options = false;
            continue;
        }
        if (options && strncmp(arg, "--", 2) == 0)
            rc = parse_long(&p, arg);
        else if (options && arg[0] == '-' && arg[1])
            rc = parse_short(&p, arg);
        else
            rc = parse_word(&p, arg);
        if (rc < 0)
            return rc;
    }
    args->operands[args->count] = NULL;
    return 0;
}

int opt_check(const struct args *args, struct text *problem)
{
    size_t most = 0, i = 0;
    bool many = false;

    for (const struct operand *o = args->command->operands; o && o->name; o++, i++) {
        if (i >= args->count && !o->optional) {
            begin_problem(args->command, problem);
            text_fmt(problem, "%s is missing", o->name);
            return -1;
        }
        most++;
        many |= o->many;
    }
    if (args->count <= most || many)
        return 0;
    begin_problem(args->command, problem);
    text_str(problem, "unexpected operand ");
    quote(problem, args->operands[most], strlen(args->operands[most]));
    return -1;
}
