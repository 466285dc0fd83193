/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of questions: as one is taken, one more is asked. */
#include "net/heads.h"

#include "net/manifests.h"
#include "sys/bell.h"
#include "sys/pool.h"

typedef struct question {
    bfci_task task; /* first: a task is its question */
    bfci_heads *heads;
    const char *name;
    bool away; /* the bell's */
    bool known;
    bfci_digest digest;
} question;

struct bfci_heads {
    bfci_registry *registry;
    const char *const *names;
    size_t count, asked, taken;
    bfci_pool *pool;
    question *ring;
    unsigned room;
    atomic_bool dropped; /* nobody wants what was not asked yet */
    bfci_bell answered;
};

static void ask_task(bfci_task *task, unsigned worker)
{
    (void)worker;
    question *q = (question *)task;
    bfci_heads *h = q->heads;
    AUTO_REMOTE_MANIFEST bfci_remote_manifest head = {0};

    if (atomic_load(&h->dropped) ||
        bfci_manifest_head(h->registry, q->name, &q->known, &head, NULL) < 0)
        q->known = false;
    q->digest = head.digest;
    bfci_bell_ring(&h->answered, &q->away);
}

static void ask_more(bfci_heads *h)
{
    for (; h->asked < h->count && h->asked < h->taken + h->room; h->asked++) {
        question *q = &h->ring[h->asked % h->room];
        *q = (question){.task.fn = ask_task, .heads = h, .name = h->names[h->asked], .away = true};
        bfci_pool_submit(h->pool, &q->task, false);
    }
}

int bfci_heads_new(bfci_registry *r, const char *const *names, size_t count, unsigned parallel,
                   bfci_heads **out, bfc_err *err)
{
    const unsigned most = parallel ? parallel : HEADS_AT_ONCE;
    bfci_heads *fresh = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *fresh, &fresh, err));
    bfci_bell_init(&fresh->answered);
    AUTO(bfci_heads) bfci_heads *h = fresh;
    h->registry = r;
    h->names = names;
    h->count = count;
    if (count > 0) {
        h->room = (unsigned)MIN(count, (size_t)2 * most);
        BFC_TRY(bfci_alloc_zero(h->room, sizeof *h->ring, &h->ring, err));
        BFC_TRY(bfci_pool_new((unsigned)MIN(count, (size_t)most), &h->pool, err));
        ask_more(h);
    }
    *out = bfci_steal(&h);
    return 0;
}

void bfci_heads_free(bfci_heads *h)
{
    if (!h)
        return;
    atomic_store(&h->dropped, true);
    bfci_pool_free(h->pool);
    free(h->ring);
    bfci_bell_destroy(&h->answered);
    free(h);
}

const bfci_digest *bfci_heads_next(bfci_heads *h)
{
    if (h->taken > 0)
        ask_more(h); /* in the place of the one before */
    question *q = &h->ring[h->taken++ % h->room];
    bfci_bell_wait(&h->answered, &q->away);
    return q->known ? &q->digest : NULL;
}
