/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that are small enough to be measured before they are printed. */
#include "table_print.h"

void table_add(struct table *t, const char *cell)
{
    /* Doubling: room is made when the count is a power of two. */
    if ((t->count & (t->count - 1)) == 0)
        t->cells = mem_resize(t->cells, t->count ? 2 * t->count : 1, sizeof *t->cells);
    t->cells[t->count++] = mem_strdup(cell);
}

enum {
    LAST_MIN = 12 /* columns that the last one has however narrow the terminal is */
};

/* What is left for the last column, when the others have what they need. */
static size_t room_for_last(const struct table *t, const size_t *width)
{
    size_t used = 0;
    for (size_t i = 0; i + 1 < t->columns; i++)
        used += width[i] + 2;
    return t->width >= used + LAST_MIN ? t->width - used : LAST_MIN;
}

void table_lines(const struct table *t, struct text *lines)
{
    AUTO_FREE size_t *width = mem_alloc(t->columns, sizeof *width);

    for (size_t i = 0; i < t->count; i++) {
        size_t columns = text_columns(t->cells[i]);
        if (columns > width[i % t->columns])
            width[i % t->columns] = columns;
    }
    size_t room = t->width ? room_for_last(t, width) : SIZE_MAX;
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns;
        bool right = t->right && t->right[column], last = column + 1 == t->columns;
        size_t fill = width[column] - text_columns(t->cells[i]);
        if (right)
            text_fill(lines, ' ', fill);
        text_cut(lines, t->cells[i], last ? room : SIZE_MAX);
        if (!right && !last)
            text_fill(lines, ' ', fill);
        text_str(lines, last ? "\n" : "  ");
    }
}

void table_print(const struct table *t, struct out *o)
{
    AUTO_TEXT struct text lines = {0};

    table_lines(t, &lines);
    out_text(o, &lines);
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    t->cells = NULL;
    t->count = 0;
}
