/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_compact(): a new container with what one commit of an old one needs. Inode and block numbers
 * stay as they are, blocks are not compressed again. The target appears whole or not at all. */
#include <fcntl.h>
#include <inttypes.h>

#include "container/compact.h"
#include "container/key_view.h"
#include "container/v1.h"
#include "sys/clock.h"

static void release(bfci_compact *c)
{
    bfci_page_sink_free(c->sink);
    bfci_sealer_free(c->sealer);
    bfci_seal_free(c->seal);
    bfci_new_file_abandon(&c->file);
    bfci_set_release(&c->spilled);
    bfci_set_release(&c->files);
    bfci_map_release(&c->xattrs);
    free(c->offset);
    free(c->sums);
    bfci_block_index_release(&c->blocks);
    bfci_tables_free(c->tables);
    bfci_source_release(&c->source);
}

/* ── The source ── */

/* Takes the descriptor over on success. */
static int open_source(bfci_compact *c, int *fd, const char *path, bfc_err *err)
{
    BFC_TRY(bfci_source_open_fd(*fd, &c->source, err));
    (void)bfci_steal_fd(fd);
    if (bfci_source_is_sealed(&c->source) && c->options.reproducible)
        return bfci_fail(err, BFC_E_INVALID,
                         "an encrypted container cannot be reproducible: its keys are random");
    BFC_TRY(bfci_source_unlock(&c->source, c->options.keys, path, err));
    if (c->options.at)
        BFC_TRY(bfci_source_select(&c->source, c->options.at, err));
    if (c->source.super.features_read_only)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "the container has features that this version can read but not write");
    c->source.check_digests = true;
    c->report.old_size = c->source.file_size;
    return bfci_tables_new(&c->source, &c->tables, err);
}

/* ── The target ── */

static int check_target(const bfci_compact *c, int source_fd, const char *path, bfc_err *err)
{
    struct stat from, to;
    int rc = bfci_stat_at(AT_FDCWD, path, 0, &to, err);

    if (rc == BFC_E_NOT_FOUND)
        return 0;
    BFC_TRY(rc);
    BFC_TRY(bfci_fstat(source_fd, &from, err));
    if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
        return bfci_fail(err, BFC_E_INVALID,
                         "the new container would take the place of the one it is made from: "
                         "name another file");
    if (!c->options.replace)
        return bfci_fail(err, BFC_E_EXISTS, "the file exists");
    return 0;
}

static int choose_uuid(const bfci_compact *c, uint8_t out[BFC_UUID_SIZE], bfc_err *err)
{
    memset(out, 0, BFC_UUID_SIZE);
    if (c->options.reproducible)
        return 0; /* derived with the commit */
    BFC_TRY(bfci_random(out, BFC_UUID_SIZE, err));
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
    return 0;
}

static void choose_time(bfci_compact *c)
{
    if (!c->options.reproducible) {
        bfci_now(&c->commit.time, &c->commit.time_ns);
    } else if (c->options.source_date_epoch) {
        c->commit.time = c->options.source_date_epoch;
    } else {
        c->commit.time = c->source.commit.time;
        c->commit.time_ns = c->source.commit.time_ns;
    }
}

/* The same file key, in the same slots; the segment's key is another, as salt and UUID are. */
static int make_seal(bfci_compact *c, bfc_err *err)
{
    if (c->rotation)
        return bfci_seal_new(c->segment.super.uuid, c->rotation->kept, c->commit.time, &c->seal,
                             err);
    return bfci_seal_inherit(c->segment.super.uuid, c->source.seal, &c->seal, err);
}

static int start_sealer(bfci_compact *c, bfc_err *err)
{
    BFC_TRY(make_seal(c, err));
    BFC_TRY(bfci_sealer_new(c->seal, SUPER_SIZE, &c->sealer, err));
    c->segment.sealer = c->sealer;
    return 0;
}

static int start_target(bfci_compact *c, const char *path, bfc_err *err)
{
    const bfci_commit *old = &c->source.commit;
    bfci_super super = c->source.super;

    super.features_ignore = 0; /* what they stand for is not copied */
    BFC_TRY(choose_uuid(c, super.uuid, err));
    BFC_TRY(c->rotation ? bfci_new_file_begin_private(path, &c->file, err)
                        : bfci_new_file_begin(path, &c->file, err));
    bfci_segment_init(&c->segment, c->file.fd, &super, SUPER_SIZE);
    c->commit = (bfci_commit){.seq = 1,
                              .next_ino = old->next_ino,
                              .next_block = old->next_block,
                              .files = old->files,
                              .dirs = old->dirs,
                              .symlinks = old->symlinks,
                              .others = old->others,
                              .content_bytes = old->content_bytes};
    choose_time(c);
    return c->source.seal ? start_sealer(c, err) : 0;
}

static int finish_rotation(bfci_compact *c, bfc_err *err)
{
    bfc_rotate_report *r = &c->rotation->report;

    BFC_TRY(bfci_key_slots_view(c->commit.key_slots, r->kept, &r->kept_count, err));
    return bfci_rotation_own(c->rotation, c->file.fd, err);
}

static int write_target(bfci_compact *c, const char *path, bfc_err *err)
{
    if (!c->rotation)
        BFC_TRY(check_target(c, c->source.fd, path, err));
    BFC_TRY(start_target(c, path, err));
    BFC_TRY(bfci_compact_copy(c, err));
    BFC_TRY(bfci_segment_commit(&c->segment, &c->commit, c->options.reproducible, err));
    c->report.new_size = c->segment.at;
    bfci_commit_info(&c->commit, &c->report.commit);
    if (c->rotation)
        BFC_TRY(finish_rotation(c, err));
    return bfci_new_file_publish(&c->file, c->options.replace, err);
}

/* ── From version 1 ── */

static int write_converted(bfci_compact *c, bfci_v1 *old, const char *target, bfc_err *err)
{
    bfc_writer_options writer = BFC_WRITER_OPTIONS_INIT;
    const bfci_v1_conversion how = {.path = target, .writer = &writer};
    struct stat st;

    writer.replace = c->options.replace;
    writer.reproducible = c->options.reproducible;
    writer.source_date_epoch = c->options.source_date_epoch;
    writer.jobs = c->options.jobs;
    writer.hooks = c->options.hooks;
    if (old->sealed_count > 0) { /* what was asked for is among the keys then */
        BFC_TRY(bfci_v1_unlock(old, err));
        writer.encrypt = true;
        writer.keys = c->options.keys;
    }
    BFC_TRY(check_target(c, old->fd, target, err));
    BFC_TRY(bfci_v1_convert(old, &how, &c->report.commit, err));
    BFC_TRY(bfci_stat_at(AT_FDCWD, target, 0, &st, err));
    c->report.old_size = old->file_size;
    c->report.new_size = (uint64_t)st.st_size;
    return 0;
}

static int convert(bfci_compact *c, int *fd, const char *source, const char *target, bfc_err *err)
{
    AUTO(bfci_v1) bfci_v1 *old = NULL;
    int rc = 0;

    if (c->options.at)
        rc = bfci_fail(err, BFC_E_NOT_FOUND, "no commit '%s': a version 1 container has no commits",
                       BFCI_QUOTE_STR(c->options.at));
    if (rc == 0)
        rc = bfci_v1_open(*fd, &old, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(source));
    (void)bfci_steal_fd(fd);
    bfci_v1_use_keys(old, c->options.keys, source);
    rc = write_converted(c, old, target, err);
    return rc < 0 ? bfci_wrap(err, rc, "convert '%s' to '%s'", BFCI_QUOTE_STR(source),
                              BFCI_QUOTE_STR(target))
                  : 0;
}

static int run(bfci_compact *c, const char *source, const char *target, bfc_err *err)
{
    AUTO_FD int fd = -1;
    int rc = bfci_open(AT_FDCWD, source, O_RDONLY | O_NONBLOCK, 0, &fd, err);

    if (rc == 0 && bfci_v1_sniff(fd))
        return convert(c, &fd, source, target, err);
    if (rc == 0)
        rc = open_source(c, &fd, source, err);
    if (rc == 0 && c->rotation)
        rc = bfci_rotation_choose(c->rotation, &c->source, c->options.keys, err);
    if (rc == 0)
        rc = bfci_compact_mark(c, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(source));
    if (c->source.commit.table[TABLE_SIGNATURES].root.offset)
        bfci_log(c->options.hooks, BFC_LOG_WARNING, "compact",
                 "'%s': signatures are left out: the new container has another root digest",
                 BFCI_QUOTE_STR(source));
    rc = write_target(c, target, err);
    return rc < 0 ? bfci_wrap(err, rc, "compact to '%s'", BFCI_QUOTE_STR(target)) : 0;
}

int bfc_compact(const char *source, const char *target, const bfc_compact_options *options,
                bfc_compact_report *report, bfc_err *err)
{
    bfci_compact c = {.options = BFC_COMPACT_OPTIONS_INIT,
                      .source = BFCI_SOURCE_INIT,
                      .file = BFCI_NEW_FILE_INIT};

    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_COMPACT_OPTIONS_INIT, err));
    if (options)
        c.options = *options;
    int rc = run(&c, source, target, err);
    if (rc == 0 && report)
        *report = c.report;
    release(&c);
    return rc;
}

int bfci_compact_rotate(const char *path, const bfc_compact_options *options, bfci_rotation *r,
                        bfc_compact_report *report, bfc_err *err)
{
    bfci_compact c = {
        .options = *options, .source = BFCI_SOURCE_INIT, .file = BFCI_NEW_FILE_INIT, .rotation = r};

    int rc = run(&c, path, path, err);
    if (rc == 0)
        *report = c.report;
    release(&c);
    return rc;
}
