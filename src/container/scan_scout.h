/* SPDX-License-Identifier: Apache-2.0 */
/* Scouts: workers that go ahead of the walk. They open and list folders that it will come to, and
 * look at names. What they bring is what the walk would have seen itself; it alone decides what
 * becomes of it, in its own order. All but the tasks themselves is the walk's thread. */
#ifndef BFCI_CONTAINER_SCAN_SCOUT_H
#define BFCI_CONTAINER_SCAN_SCOUT_H

#include <sys/stat.h>

#include "sys/bell.h"
#include "sys/dir.h"
#include "sys/pool.h"

enum {
    SCOUTS_MAX = 32
};

/* Of one scan. */
typedef struct bfci_scouts {
    bfci_pool *pool;  /* borrowed */
    unsigned most;    /* folders of one level, or parts of a folder, at a time; 0: none */
    unsigned out;     /* folders that were scouted, and that the walk has not come to */
    unsigned folders; /* that may be out */
    bool stay_on_device;
    bfci_bell back;
} bfci_scouts;
void bfci_scouts_init(bfci_scouts *s, bfci_pool *pool, unsigned most, bool stay_on_device);
void bfci_scouts_release(bfci_scouts *s); /* all are back */

/* ── Names ── */

typedef struct bfci_look bfci_look; /* at some names of a folder */
void bfci_look_free(bfci_look *l);  /* waits for it; NULL is allowed */

/* Going through a folder's names. */
typedef struct bfci_looks {
    bfci_scouts *scouts;
    int dir_fd; /* borrowed, as are the names */
    const bfci_dir_list *names;
    bfci_look *part[SCOUTS_MAX + 1]; /* ring; NULL: nobody looks at that part */
    size_t current, sent;            /* parts: the one that is gone through; the next to look at */
} bfci_looks;
/* `first` is taken over: the look at the first part, or NULL. */
void bfci_looks_begin(bfci_looks *k, bfci_scouts *scouts, int dir_fd, const bfci_dir_list *names,
                      bfci_look *first);
/* lstat of a name, valid until the next call; NULL: look yourself. `index` never falls. */
const struct stat *bfci_looks_at(bfci_looks *k, size_t index);
void bfci_looks_end(bfci_looks *k);

/* ── Folders ── */

/* What is there to see when one enters a folder. */
typedef struct bfci_arrival {
    int fd; /* owned; -1: none */
    struct stat st;
    bool listed;
    bfci_dir_list names; /* if it was listed */
    bfci_look *first;    /* at the first of them; or NULL */
} bfci_arrival;
#define BFCI_ARRIVAL_INIT                                                                          \
    {                                                                                              \
        .fd = -1                                                                                   \
    }
void bfci_arrival_release(bfci_arrival *a);
#define AUTO_ARRIVAL __attribute__((cleanup(bfci_arrival_release)))

typedef struct bfci_scout bfci_scout;
/* Sends one to a folder; NULL: none can be spared. `parent_fd` and `name` are borrowed until it is
 * freed; `device`: of the parent. */
bfci_scout *bfci_scout_send(bfci_scouts *s, int parent_fd, const char *name, dev_t device);
void bfci_scout_free(bfci_scout *s); /* waits for it; NULL is allowed */
BFCI_DEFINE_AUTO(bfci_scout, bfci_scout_free)
/* Waits for it, and hands over what it found, once. False: it could not enter; go yourself. */
bool bfci_scout_report(bfci_scout *s, bfci_arrival *out);

#endif
