/* SPDX-License-Identifier: Apache-2.0 */
/* What a commit is to store: the paths that were added, as a tree of names. */
#ifndef BFCI_CONTAINER_PLAN_H
#define BFCI_CONTAINER_PLAN_H

#include "base/base.h"

typedef struct bfci_plan_node {
    char *name;   /* "" for the root */
    char *source; /* path to open; NULL: a root that is made up */
    bool whole;   /* with all that is below it; else only the children that are named */
    struct bfci_plan_node **child; /* sorted by name */
    size_t count, cap;
} bfci_plan_node;

int bfci_plan_new(bfci_plan_node **out, bfc_err *err);
void bfci_plan_free(bfci_plan_node *root); /* NULL is allowed */
BFCI_DEFINE_AUTO(bfci_plan_node, bfci_plan_free)

/* As bfc_writer_add() and bfc_writer_add_root(). What is added later wins where two overlap. */
int bfci_plan_add(bfci_plan_node *root, const char *dir, const char *path, bfc_err *err);
int bfci_plan_add_root(bfci_plan_node *root, const char *dir, bfc_err *err);
bool bfci_plan_is_empty(const bfci_plan_node *root);

#endif
