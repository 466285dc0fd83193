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

void table_print(struct table *t, struct out *o)
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
        AUTO_TEXT struct text cell = {0};
        size_t fill = width[column] - text_columns(t->cells[i]);
        if (right)
            text_fill(&cell, ' ', fill);
        text_cut(&cell, t->cells[i], last ? room : SIZE_MAX);
        if (!right && !last)
            text_fill(&cell, ' ', fill);
        text_str(&cell, last ? "\n" : "  ");
        out_text(o, &cell);
    }
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    t->cells = NULL;
    t->count = 0;
}
