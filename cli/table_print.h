/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns as wide as what stands in them, two blanks between. */
#ifndef CLI_TABLE_PRINT_H
#define CLI_TABLE_PRINT_H

#include "out.h"

struct table {
    size_t columns;
    const bool *right; /* which columns are flush right; may be NULL */
    size_t width;      /* the last column is cut where lines would be longer; 0: never */
    char **cells;      /* row by row */
    size_t count;
};

void table_add(struct table *t, const char *cell); /* the next cell */
void table_lines(const struct table *t, struct text *lines);
void table_print(const struct table *t, struct out *o);
void table_free(struct table *t);
#define AUTO_TABLE __attribute__((cleanup(table_free)))

#endif
