/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the store share: scratch folders, small trees, looking at what is on disk. */
#ifndef BFC_TESTS_STORE_HELPER_H
#define BFC_TESTS_STORE_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bfc/bfc.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A scratch folder with a store in it that is not made yet; `tree` holds a few small files. */
typedef struct scratch {
    char *top;  /* /tmp/bfc-store-XXXXXX */
    char *root; /* top/store */
    char *tree; /* top/tree */
    bfc_store *store;
} scratch;

/* As setup and teardown of a cmocka test; *state is the scratch. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* printf into a new string; never fails. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

void write_file(const char *path, const void *bytes, size_t len);
/* Files of random bytes: what create needs some time for. */
void make_big_tree(const char *path, unsigned files, size_t file_size);
void remove_all(const char *path);
bool exists(const char *path);
uint64_t inode_of(const char *path);

/* Names of all in the store that is neither its root nor .bfc-lock or .bfc-tmp themselves. */
unsigned count_below(const char *root);
bool trees_equal(const char *a, const char *b);
bool files_equal(const char *a, const char *b);

/* Creates an image of the scratch's tree, at a time (0: now); fails the test if that fails. */
void create_at(scratch *s, const char *name, int64_t when);
/* "name name…" as list gives them. */
char *list_names(bfc_store *store, size_t *damaged);

/* Asserts that rc is the code and that the message tells what it must. */
void expect_error(int rc, enum bfc_code code, const bfc_err *err, const char *message);

/* Seconds from BFC_TEST_SEED or the clock; printed. */
uint64_t test_seed(void);
uint64_t next_random(uint64_t *seed);

#endif
