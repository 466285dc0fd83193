/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_key_rotate(): a container that is compacted under another file key, and takes the place of
 * the old one. The old file is locked meanwhile, so that no append is lost; who reads it goes on
 * reading it. */
#include <fcntl.h>
#include <stdlib.h>

#include "container/compact.h"
#include "container/key_view.h"
#include "container/locked.h"
#include "sys/node.h"

/* Of the old file: what is to be told of the slots that are not kept. */
static int note_old_slots(bfci_rotation *r, const bfci_source *source, bfc_err *err)
{
    bfc_key_slot slots[BFC_KEY_SLOTS];
    size_t count = 0;

    BFC_TRY(bfci_key_slots_view(source->commit.key_slots, slots, &count, err));
    for (size_t i = 0; i < count; i++)
        if (r->dropped[slots[i].number])
            r->report.dropped[r->report.dropped_count++] = slots[i];
    r->report.commits_dropped = source->last_seq - 1;
    return 0;
}

int bfci_rotation_choose(bfci_rotation *r, const bfci_source *source, const bfc_keys *keys,
                         bfc_err *err)
{
    BFC_TRY(bfci_seal_known_keys(source->seal, keys, r->kept, r->dropped, err));
    return note_old_slots(r, source, err);
}

int bfci_rotation_own(const bfci_rotation *r, int fd, bfc_err *err)
{
    bfci_place at = {.fd = fd, .dir_fd = -1, .name = NULL};
    int e = bfci_node_chown(at, r->owner.st_uid, r->owner.st_gid);

    if (e == 0)
        e = bfci_node_chmod_fd(fd, r->owner.st_mode & 07777);
    return e ? bfci_fail_errno(err, e, "give the new file the owner and permissions of the old one")
             : 0;
}

static int rotate(const char *path, const bfc_keys *keys, unsigned jobs, bfci_rotation *r,
                  bfc_err *err)
{
    bfc_compact_options how = BFC_COMPACT_OPTIONS_INIT;
    bfc_compact_report report = {0};
    uint32_t passes = 0, memory_kib = 0;

    BFC_TRY(bfc_keys_new(bfci_keys_hooks(keys), &r->kept, err));
    if (bfci_keys_cost(keys, &passes, &memory_kib))
        BFC_TRY(bfc_keys_set_cost(r->kept, passes, memory_kib, err));
    how.jobs = jobs;
    how.hooks = bfci_keys_hooks(keys);
    how.keys = keys;
    how.replace = true;
    BFC_TRY(bfci_compact_rotate(path, &how, r, &report, err));
    r->report.old_size = report.old_size;
    r->report.new_size = report.new_size;
    return 0;
}

static int rotate_locked(const char *path, const bfc_keys *keys, unsigned jobs, bfci_rotation *r,
                         bfc_err *err)
{
    bfci_source lock = BFCI_SOURCE_INIT;

    int rc = bfci_source_open_locked(path, &lock, err);
    if (rc == 0 && !bfci_source_is_sealed(&lock))
        rc = bfci_fail(err, BFC_E_INVALID, "it is not encrypted, and has no keys");
    if (rc == 0)
        rc = bfci_fstat(lock.fd, &r->owner, err);
    if (rc < 0)
        rc = bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path));
    else
        rc = rotate(path, keys, jobs, r, err);
    bfci_source_release(&lock);
    return rc;
}

int bfc_key_rotate(const char *path, const bfc_keys *keys, unsigned jobs, bfc_rotate_report *report,
                   bfc_err *err)
{
    AUTO_FREE char *behind = NULL;
    bfci_rotation r = {.kept = NULL};
    struct stat st;

    /* A link stays a link: it is the file that is replaced. */
    if (bfci_stat_at(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st, NULL) == 0 && S_ISLNK(st.st_mode))
        behind = realpath(path, NULL);

    int rc = rotate_locked(behind ? behind : path, keys, jobs, &r, err);
    bfc_keys_free(r.kept);
    if (rc == 0 && report)
        *report = r.report;
    return rc;
}
