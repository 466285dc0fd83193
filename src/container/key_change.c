/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at and changing who can open a container: commits that consist of a record alone, with
 * other key slots in it. */
#include <fcntl.h>

#include "base/hooks.h"
#include "container/key_view.h"
#include "container/locked.h"
#include "container/segment.h"
#include "sys/clock.h"
#include "sys/file.h"

_Static_assert(BFC_KEY_SLOTS == BFCI_KEY_SLOTS, "as many slots as the format has");

static int not_encrypted(bfc_err *err)
{
    return bfci_fail(err, BFC_E_INVALID, "it is not encrypted, and has no keys");
}

static int read_slots(const char *path, bfc_key_slot *slots, size_t *count, bfc_err *err)
{
    AUTO_FD int fd = -1;
    bfci_source s = BFCI_SOURCE_INIT;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err));
    BFC_TRY(bfci_source_open_fd(fd, &s, err));
    (void)bfci_steal_fd(&fd);
    int rc = bfci_source_is_sealed(&s) ? bfci_key_slots_view(s.commit.key_slots, slots, count, err)
                                       : not_encrypted(err);
    bfci_source_release(&s);
    return rc;
}

int bfc_key_slots(const char *path, bfc_key_slot slots[BFC_KEY_SLOTS], size_t *count, bfc_err *err)
{
    int rc = read_slots(path, slots, count, err);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path)) : 0;
}

/* ── Changes ── */

struct change {
    const char *path;
    const bfc_keys *keys;
    bfci_source source;
    const bfc_keys *added; /* NULL: slots are removed */
    const unsigned *numbers;
    size_t count;
};

static int remove_slots(struct change *c, bfc_err *err)
{
    bool used[BFCI_KEY_SLOTS] = {false};
    bfc_key_slot slots[BFC_KEY_SLOTS];
    size_t left = 0;

    BFC_TRY(bfci_key_slots_view(c->source.commit.key_slots, slots, &left, err));
    for (size_t i = 0; i < left; i++)
        used[slots[i].number] = true;
    for (size_t i = 0; i < c->count; i++) {
        unsigned number = c->numbers[i];
        if (number >= BFCI_KEY_SLOTS || !used[number])
            return bfci_fail(err, BFC_E_NOT_FOUND, "key slot %u is not used", number);
        used[number] = false;
        left--;
        bfci_seal_clear_slot(c->source.seal, number);
    }
    if (left == 0)
        return bfci_fail(err, BFC_E_INVALID,
                         "no key would be left, and nobody could ever open it: add another one "
                         "before the last is removed");
    return 0;
}

static int change_slots(struct change *c, int64_t now, bfc_err *err)
{
    return c->added ? bfci_seal_add_keys(c->source.seal, c->added, now, err) : remove_slots(c, err);
}

/* The record that there was, with the slots that there are now: salt and tag are of its own
 * segment. */
static int write_record(struct change *c, bfci_commit *commit, bfc_err *err)
{
    AUTO(bfci_sealer) bfci_sealer *sealer = NULL;
    bfci_segment segment;

    BFC_TRY(bfci_source_chain(&c->source, commit, err));
    BFC_TRY(bfci_sealer_new(c->source.seal, c->source.end, &sealer, err));
    bfci_segment_init(&segment, c->source.fd, &c->source.super, c->source.end);
    segment.sealer = sealer;
    return bfci_segment_commit(&segment, commit, false, err);
}

static int change(struct change *c, bfc_err *err)
{
    const bfc_hooks *hooks = bfci_keys_hooks(c->keys);
    bfci_commit commit;

    BFC_TRY(bfci_source_open_locked(c->path, &c->source, err));
    if (!bfci_source_is_sealed(&c->source))
        return not_encrypted(err);
    BFC_TRY(bfci_source_unlock(&c->source, c->keys, c->path, err));
    BFC_TRY(bfci_source_check_writable(&c->source, err));
    commit = c->source.commit;
    bfci_now(&commit.time, &commit.time_ns);
    BFC_TRY(change_slots(c, commit.time, err));
    BFC_TRY(bfci_check_cancel(hooks, err));
    BFC_TRY(bfci_source_cut_tail(&c->source, hooks, err));
    return write_record(c, &commit, err);
}

static int run(struct change *c, bfc_err *err)
{
    int rc = change(c, err);
    bfci_source_release(&c->source);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(c->path)) : 0;
}

int bfc_key_add(const char *path, const bfc_keys *keys, const bfc_keys *added, bfc_err *err)
{
    struct change c = {.path = path, .keys = keys, .source = BFCI_SOURCE_INIT, .added = added};

    if (!added)
        return bfci_fail(err, BFC_E_INVALID, "no keys to add");
    return run(&c, err);
}

int bfc_key_remove(const char *path, const bfc_keys *keys, const unsigned *numbers, size_t count,
                   bfc_err *err)
{
    struct change c = {
        .path = path, .keys = keys, .source = BFCI_SOURCE_INIT, .numbers = numbers, .count = count};

    if (count == 0)
        return bfci_fail(err, BFC_E_INVALID, "no key slots to remove");
    return run(&c, err);
}
