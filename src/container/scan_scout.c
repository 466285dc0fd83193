/* SPDX-License-Identifier: Apache-2.0 */
/* Scouts. One that was sent to a folder looks at the first of its names, too, which in most folders
 * are all. A folder of very many names is left to the walk, so that lists that wait take no memory
 * to speak of; its parts are looked at while the walk goes through it. */
#include "container/scan_scout.h"

#include <dirent.h>
#include <fcntl.h>

#include "sys/file.h"
#include "sys/inspect.h"
#include "sys/meter.h"
#include "sys/node.h"

enum {
    PART_NAMES = 256,
    FOLDERS_MAX = 64, /* that are open ahead of the walk */
    LISTED_SIZE_MAX =
        1 << 18 /* of a folder, as stat tells it; not in all file systems these are bytes */
};

void bfci_scouts_init(bfci_scouts *s, bfci_pool *pool, unsigned most, bool stay_on_device)
{
    *s = (bfci_scouts){.pool = pool, .most = MIN(most, (unsigned)SCOUTS_MAX)};
    s->folders = (unsigned)MIN((uint64_t)FOLDERS_MAX, bfci_fd_limit() / 16);
    s->stay_on_device = stay_on_device;
    bfci_bell_init(&s->back);
}

void bfci_scouts_release(bfci_scouts *s)
{
    bfci_bell_destroy(&s->back);
}

/* ── Names ── */

struct bfci_look {
    bfci_task task; /* first: a task is its look */
    bfci_scouts *scouts;
    int dir_fd;
    const bfci_dir_name *name;
    size_t count;
    bool away; /* the bell's */
    bool here; /* the walk has seen that it is back */
    bool seen[PART_NAMES];
    struct stat st[]; /* `count` of them */
};

static bfci_look *look_new(bfci_scouts *s, int dir_fd, const bfci_dir_list *names, size_t part)
{
    const size_t from = part * PART_NAMES, count = MIN(names->count - from, (size_t)PART_NAMES);
    bfci_look *l = NULL;

    if (bfci_alloc(1, sizeof *l + count * sizeof *l->st, &l, NULL) < 0)
        return NULL;
    l->scouts = s;
    l->dir_fd = dir_fd;
    l->name = names->item + from;
    l->count = count;
    l->away = l->here = false;
    memset(l->seen, 0, sizeof l->seen);
    return l;
}

void bfci_look_free(bfci_look *l)
{
    if (!l)
        return;
    bfci_bell_wait(&l->scouts->back, &l->away);
    free(l);
}

/* What it cannot see the walk will look at again, and tell why. */
static void look(bfci_look *l)
{
    for (size_t i = 0; i < l->count; i++)
        l->seen[i] =
            l->name[i].type != DT_DIR &&
            bfci_stat_at(l->dir_fd, l->name[i].name, AT_SYMLINK_NOFOLLOW, &l->st[i], NULL) == 0;
    bfci_meter_count(l->count, 0);
}

static void look_task(bfci_task *task, unsigned worker)
{
    (void)worker;
    bfci_look *l = (bfci_look *)task;
    BFCI_METER(STAGE_LOOK);

    look(l);
    bfci_bell_ring(&l->scouts->back, &l->away);
}

static size_t parts_of(const bfci_dir_list *names)
{
    return (names->count + PART_NAMES - 1) / PART_NAMES;
}

static void send_looks(bfci_looks *k)
{
    const size_t end = MIN(parts_of(k->names), k->current + 1 + k->scouts->most);

    for (; k->sent < end; k->sent++) {
        bfci_look *l = look_new(k->scouts, k->dir_fd, k->names, k->sent);
        k->part[k->sent % ARRAY_LEN(k->part)] = l;
        if (!l)
            continue;
        l->task.fn = look_task;
        l->away = true;
        bfci_pool_submit(k->scouts->pool, &l->task, false);
    }
}

void bfci_looks_begin(bfci_looks *k, bfci_scouts *scouts, int dir_fd, const bfci_dir_list *names,
                      bfci_look *first)
{
    *k = (bfci_looks){.scouts = scouts, .dir_fd = dir_fd, .names = names, .sent = 1};
    k->part[0] = first;
    if (scouts->most > 0)
        send_looks(k);
}

static bfci_look **current(bfci_looks *k)
{
    return &k->part[k->current % ARRAY_LEN(k->part)];
}

const struct stat *bfci_looks_at(bfci_looks *k, size_t index)
{
    for (; k->current < index / PART_NAMES && k->scouts->most > 0; k->current++, send_looks(k))
        bfci_look_free(bfci_steal(current(k)));
    bfci_look *l = k->current == index / PART_NAMES ? *current(k) : NULL;
    if (!l)
        return NULL;
    if (!l->here)
        bfci_bell_wait(&k->scouts->back, &l->away);
    l->here = true;
    index %= PART_NAMES;
    return l->seen[index] ? &l->st[index] : NULL;
}

void bfci_looks_end(bfci_looks *k)
{
    for (size_t i = 0; i < ARRAY_LEN(k->part); i++)
        bfci_look_free(k->part[i]);
}

/* ── Folders ── */

void bfci_arrival_release(bfci_arrival *a)
{
    bfci_look_free(a->first);
    bfci_dir_list_release(&a->names);
    bfci_fd_close(&a->fd);
    *a = (bfci_arrival)BFCI_ARRIVAL_INIT;
}

struct bfci_scout {
    bfci_task task; /* first: a task is its scout */
    bfci_scouts *scouts;
    int parent_fd;
    const char *name;
    dev_t device;
    bool away; /* the bell's */
    bfci_arrival found;
    bool failed;
};

static int explore(bfci_scout *s)
{
    bfci_arrival *a = &s->found;
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

    BFC_TRY(bfci_open(s->parent_fd, s->name, flags, 0, &a->fd, NULL));
    BFC_TRY(bfci_fstat(a->fd, &a->st, NULL));
    if ((s->scouts->stay_on_device && a->st.st_dev != s->device) || a->st.st_size > LISTED_SIZE_MAX)
        return 0;
    BFC_TRY(bfci_dir_read(a->fd, &a->names, NULL));
    a->listed = true;
    if (a->names.count == 0)
        return 0;
    a->first = look_new(s->scouts, a->fd, &a->names, 0);
    if (a->first)
        look(a->first);
    return 0;
}

static void scout_task(bfci_task *task, unsigned worker)
{
    (void)worker;
    bfci_scout *s = (bfci_scout *)task;
    BFCI_METER(STAGE_LOOK);

    s->failed = explore(s) < 0;
    bfci_meter_count(1, 0);
    bfci_bell_ring(&s->scouts->back, &s->away);
}

bfci_scout *bfci_scout_send(bfci_scouts *scouts, int parent_fd, const char *name, dev_t device)
{
    bfci_scout *s = NULL;

    if (scouts->out >= scouts->folders || bfci_alloc_zero(1, sizeof *s, &s, NULL) < 0)
        return NULL;
    s->task.fn = scout_task;
    s->scouts = scouts;
    s->parent_fd = parent_fd;
    s->name = name;
    s->device = device;
    s->found = (bfci_arrival)BFCI_ARRIVAL_INIT;
    s->away = true;
    scouts->out++;
    bfci_pool_submit(scouts->pool, &s->task, false);
    return s;
}

void bfci_scout_free(bfci_scout *s)
{
    if (!s)
        return;
    bfci_bell_wait(&s->scouts->back, &s->away);
    s->scouts->out--;
    bfci_arrival_release(&s->found);
    free(s);
}

bool bfci_scout_report(bfci_scout *s, bfci_arrival *out)
{
    bfci_bell_wait(&s->scouts->back, &s->away);
    if (s->failed)
        return false;
    *out = s->found;
    s->found = (bfci_arrival)BFCI_ARRIVAL_INIT;
    return true;
}
