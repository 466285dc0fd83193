/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages in man(7), one a command. */
#include <string.h>

#include <bfc/version.h>

#include "help.h"

/* The day when these texts were changed last. */
static const char MAN_DATE[] = "2026-11-25";

enum {
    MAN_COLUMNS = 80
};

/* One character of running text as roff wants it. */
static void add_character(struct text *t, char c, bool line_start)
{
    if (c == '\\')
        text_str(t, "\\e");
    else if (c == '-')
        text_str(t, "\\-");
    else if ((c == '.' || c == '\'') && line_start) {
        text_str(t, "\\&");
        text_char(t, c);
    } else
        text_char(t, c);
}

static size_t line_length(const struct text *t)
{
    size_t len = 0;
    while (len < t->len && t->data[t->len - 1 - len] != '\n')
        len++;
    return len;
}

static bool ends_with(const struct text *t, const char *tail)
{
    size_t len = strlen(tail);
    return t->len >= len && memcmp(t->data + t->len - len, tail, len) == 0;
}

/* A blank, or the end of the line: after a sentence, so that roff sets the space, and where the
 * line gets long. */
static void add_blank(struct text *t, const char *rest)
{
    bool sentence = ends_with(t, ".") && !ends_with(t, "..");
    bool full = line_length(t) + strcspn(rest, " \n") + 8 > MAN_COLUMNS; /* 8: room for escapes */
    text_char(t, sentence || full ? '\n' : ' ');
}

/* `typed` words in bold; paragraphs by `between`. */
static void add_prose(struct text *t, const char *s, const char *between)
{
    bool bold = false;
    while (*s) {
        if (strncmp(s, "\n\n", 2) == 0) {
            text_fmt(t, "\n%s\n", between);
            s += 2;
            continue;
        }
        if (strncmp(s, "…", strlen("…")) == 0) {
            text_str(t, "\\&...");
            s += strlen("…");
            continue;
        }
        if (*s == '`') {
            bold = !bold;
            text_str(t, bold ? "\\fB" : "\\fR");
        } else if (*s == ' ') {
            add_blank(t, s + 1);
        } else {
            add_character(t, *s, line_length(t) == 0);
        }
        s++;
    }
    text_char(t, '\n');
}

/* Words as a sentence: with a capital, unless they begin with something that is typed, and a full
 * stop. */
static void add_sentence(struct text *t, const char *words)
{
    AUTO_TEXT struct text sentence = {0};
    bool lower = words[0] >= 'a' && words[0] <= 'z';
    text_char(&sentence, (char)(lower ? words[0] - 'a' + 'A' : words[0]));
    text_fmt(&sentence, "%s.", words + 1);
    add_prose(t, text_of(&sentence), ".IP");
}

/* Text on a line that begins with a macro, in quotes. */
static void add_quoted(struct text *t, const char *s)
{
    text_char(t, '"');
    for (; *s; s++) {
        if (*s == '"')
            text_str(t, "\\(dq");
        else
            add_character(t, *s, false);
    }
    text_char(t, '"');
}

static void page_name(struct text *t, const struct command *command)
{
    command_path(t, command, "-");
}

static void add_header(struct text *t, const struct command *command)
{
    AUTO_TEXT struct text name = {0};
    page_name(&name, command);
    text_str(t, ".\\\" Made from the program's table of commands.\n.TH ");
    for (const char *c = text_of(&name); *c; c++)
        text_char(t, (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c));
    text_fmt(t, " 1 %s \"bfc %s\" \"User Commands\"\n.SH NAME\n", MAN_DATE, BFC_VERSION_STRING);
    for (const char *c = text_of(&name); *c; c++)
        add_character(t, *c, false);
    text_str(t, " \\- ");
    text_char(t, (char)(command->summary[0] - 'A' + 'a'));
    add_prose(t, command->summary + 1, "");
}

static void add_synopsis(struct text *t, const struct command *command)
{
    AUTO_TEXT struct text path = {0};
    AUTO_TEXT struct text whole = {0};
    command_path(&path, command, " ");
    command_synopsis(&whole, command);
    text_str(t, ".SH SYNOPSIS\n.B ");
    text_fmt(t, "%s\n", text_of(&path));
    const char *rest = text_of(&whole) + path.len;
    if (*rest)
        add_prose(t, rest + 1, "");
}

static void add_option(struct text *t, const struct option *o)
{
    text_str(t, ".TP\n");
    if (o->letter)
        text_fmt(t, "\\fB\\-%c\\fR, ", o->letter);
    text_str(t, "\\fB\\-\\-");
    for (const char *c = o->name; *c; c++)
        add_character(t, *c, false);
    text_str(t, "\\fR");
    if (o->value)
        text_fmt(t, "=\\fI%s\\fR", o->value);
    text_char(t, '\n');
    add_sentence(t, o->help);
}

static void add_options(struct text *t, const struct command *command)
{
    if (!command->options)
        return;
    text_fmt(t, ".SH %s\n", command == &bfc_root ? "GLOBAL OPTIONS" : "OPTIONS");
    for (const struct option *o = command->options; o->name; o++)
        add_option(t, o);
    if (command != &bfc_root)
        text_str(t, ".PP\nGlobal options are explained in\n.BR bfc (1).\n");
}

static void add_commands(struct text *t, const struct command *group)
{
    text_str(t, ".SH COMMANDS\n");
    for (const struct command *const *c = group->commands; *c; c++) {
        if ((*c)->hidden)
            continue;
        AUTO_TEXT struct text synopsis = {0};
        AUTO_TEXT struct text path = {0};
        AUTO_TEXT struct text sentence = {0};
        command_synopsis(&synopsis, *c);
        command_path(&path, *c, "-");
        text_str(t, ".TP\n");
        text_fmt(t, "\\fB%s\\fR", (*c)->name);
        AUTO_TEXT struct text rest = {0};
        text_str(&rest, text_of(&synopsis) + path.len);
        add_prose(t, text_of(&rest), "");
        text_fmt(&sentence, "%s.", (*c)->summary);
        add_prose(t, text_of(&sentence), ".IP");
    }
}

static void add_examples(struct text *t, const struct example *examples)
{
    if (!examples)
        return;
    text_str(t, ".SH EXAMPLES\n");
    for (; examples->command; examples++) {
        text_str(t, ".TP\n.B ");
        add_quoted(t, examples->command);
        text_char(t, '\n');
        add_prose(t, examples->what, ".IP");
    }
}

static void add_exit_status(struct text *t, const struct command *command)
{
    text_str(t, ".SH EXIT STATUS\n");
    for (size_t i = 0; help_exit_codes[i]; i++) {
        text_fmt(t, ".TP\n.B %zu\n", i);
        add_sentence(t, help_exit_codes[i]);
    }
    if (command->exits) {
        text_str(t, ".PP\n");
        add_prose(t, command->exits, ".PP");
    }
}

struct see {
    struct text *t;
    const struct command *self;
    bool any;
};

static void add_reference(struct see *see, const char *page, size_t len, const char *section)
{
    text_str(see->t, see->any ? ",\n.BR " : ".BR ");
    for (size_t i = 0; i < len; i++)
        add_character(see->t, page[i], false);
    text_fmt(see->t, " (%s)", section);
    see->any = true;
}

static void add_page(void *ctx, const struct command *command)
{
    struct see *see = ctx;
    if (command == see->self || !command_parent(command))
        return;
    AUTO_TEXT struct text page = {0};
    page_name(&page, command);
    add_reference(see, text_of(&page), page.len, "1");
}

/* The group a page belongs to, what it names itself; the root names every page. */
static void add_see_also(struct text *t, const struct command *command)
{
    struct see see = {.t = t, .self = command};
    text_str(t, ".SH SEE ALSO\n");
    if (command == &bfc_root)
        command_each(add_page, &see);
    for (const struct command *up = command_parent(command); up; up = command_parent(up)) {
        AUTO_TEXT struct text page = {0};
        page_name(&page, up);
        add_reference(&see, text_of(&page), page.len, "1");
    }
    for (const char *word = command->see; word && *word;) {
        size_t len = strcspn(word, " (");
        char section[] = {word[len] == '(' ? word[len + 1] : '1', '\0'};
        add_reference(&see, word, len, section);
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    text_char(t, '\n');
}

void help_man(struct text *t, const struct command *command)
{
    add_header(t, command);
    add_synopsis(t, command);
    text_str(t, ".SH DESCRIPTION\n");
    add_prose(t, command->text, ".PP");
    if (command->commands)
        add_commands(t, command);
    add_options(t, command);
    for (const struct section *s = command->sections; s && s->title; s++) {
        text_fmt(t, ".SH %s\n", s->title);
        add_prose(t, s->text, ".PP");
    }
    add_examples(t, command->examples);
    add_exit_status(t, command);
    add_see_also(t, command);
}
