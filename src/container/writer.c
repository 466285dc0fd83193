/* SPDX-License-Identifier: Apache-2.0 */
/* The public writer. It notes what is to be stored; bfc_writer_commit() does the work: scan, pack,
 * stage, then the tables and the commit record. A new container is built under a temporary name, an
 * existing one is held under a lock and grows behind its last whole commit. */
#include <fcntl.h>

#include "codec/digest.h"
#include "container/feed.h"
#include "container/keys.h"
#include "container/locked.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/inspect.h"
#include "sys/meter.h"

#define COUNT_AFTER_NS UINT64_C(700000000)

enum {
    DEFAULT_LEVEL = 3,
    ARCHIVE_LEVEL = 19
};

typedef struct noted_blob {
    char *name;
    uint8_t *bytes;
    size_t len;
} noted_blob;

struct bfc_writer {
    bfc_writer_options options;
    char *path;
    bool appends;
    bool unnamed;             /* a new one that is not published */
    bfci_new_file file;       /* create */
    bfci_source base;         /* append: the container under its lock */
    const bfci_seal *heir_of; /* create: whose file key and slots it gets; or NULL */
    bfci_plan_node *plan;
    noted_blob *blob;
    size_t blob_count, blob_cap;
    bool done;          /* committed, or failed */
    bfci_feed_fn *feed; /* instead of the plan; or NULL */
    void *feed_ctx;
};

BFCI_DEFINE_AUTO(bfc_writer, bfc_writer_close)

/* ── Opening ── */

static int check_options(const bfc_writer_options *o, bfc_err *err)
{
    if (o->level < 0 || o->level > 19)
        return bfci_fail(err, BFC_E_INVALID, "zstd level %d is not from 1 to 19", o->level);
    if (o->block_size && (o->block_size < BLOCK_SIZE_MIN || o->block_size > BLOCK_SIZE_MAX ||
                          (o->block_size & (o->block_size - 1))))
        return bfci_fail(err, BFC_E_INVALID,
                         "block size %u is not a power of two from 4096 to 4194304", o->block_size);
    if (o->compression > BFC_COMPRESS_ZSTD)
        return bfci_fail(err, BFC_E_INVALID, "unknown compression %u", (unsigned)o->compression);
    if (o->profile > BFC_PROFILE_ARCHIVE)
        return bfci_fail(err, BFC_E_INVALID, "unknown profile %u", (unsigned)o->profile);
    if (o->profile == BFC_PROFILE_ARCHIVE && o->low_memory)
        return bfci_fail(err, BFC_E_INVALID,
                         "the archive profile's large blocks do not fit into little memory");
    if (o->encrypt && o->reproducible)
        return bfci_fail(err, BFC_E_INVALID,
                         "an encrypted container cannot be reproducible: its keys are random");
    return BFCI_CHECK_OPTIONS(o->stats, BFC_STATS_INIT, err);
}

static int writer_new(const char *path, const bfc_writer_options *options, bfc_writer **out,
                      bfc_err *err)
{
    static const bfc_writer_options defaults = BFC_WRITER_OPTIONS_INIT;
    AUTO(bfc_writer) bfc_writer *w = NULL;

    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_WRITER_OPTIONS_INIT, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *w, &w, err));
    w->options = options ? *options : defaults;
    w->file = (bfci_new_file)BFCI_NEW_FILE_INIT;
    w->base.fd = -1;
    BFC_TRY(check_options(&w->options, err));
    BFC_TRY(bfci_strdup(path, &w->path, err));
    BFC_TRY(bfci_plan_new(&w->plan, err));
    *out = bfci_steal(&w);
    return 0;
}

static int create(bfc_writer *w, bfc_err *err)
{
    struct stat st;

    if (!w->options.replace && bfci_stat_at(AT_FDCWD, w->path, AT_SYMLINK_NOFOLLOW, &st, NULL) == 0)
        return bfci_fail(err, BFC_E_EXISTS, "there is a file of this name already");
    return bfci_new_file_begin(w->path, &w->file, err);
}

int bfc_writer_create(const char *path, const bfc_writer_options *options, bfc_writer **out,
                      bfc_err *err)
{
    AUTO(bfc_writer) bfc_writer *w = NULL;

    BFC_TRY(writer_new(path, options, &w, err));
    int rc = create(w, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "create '%s'", BFCI_QUOTE_STR(path));
    *out = bfci_steal(&w);
    return 0;
}

int bfci_writer_create_unnamed(int fd, const char *beside, const bfc_writer_options *options,
                               bfc_writer **out, bfc_err *err)
{
    AUTO(bfc_writer) bfc_writer *w = NULL;

    BFC_TRY(writer_new(beside, options, &w, err));
    w->unnamed = true;
    BFC_TRY(bfci_fd_copy(fd, &w->file.fd, err));
    *out = bfci_steal(&w);
    return 0;
}

/* Who has a key takes it for granted that what is added will be encrypted. */
static int unlock_base(bfc_writer *w, bfc_err *err)
{
    const bfc_writer_options *o = &w->options;

    if (bfci_source_is_sealed(&w->base)) {
        if (o->reproducible)
            return bfci_fail(err, BFC_E_INVALID,
                             "an encrypted container cannot be reproducible: its keys are random");
        return bfci_source_unlock(&w->base, o->keys, w->path, err);
    }
    if (o->encrypt || !bfci_keys_empty(o->keys))
        return bfci_fail(err, BFC_E_INVALID,
                         "it is not encrypted, and what is added to it would not be either");
    return 0;
}

static int open_base(bfc_writer *w, bfc_err *err)
{
    BFC_TRY(bfci_source_open_locked(w->path, &w->base, err));
    BFC_TRY(unlock_base(w, err));
    BFC_TRY(bfci_source_check_writable(&w->base, err));
    if (w->options.block_size > w->base.super.block_max)
        return bfci_fail(err, BFC_E_INVALID, "block size %u is above the container's limit of %u",
                         w->options.block_size, w->base.super.block_max);
    return 0;
}

/* Its trees share inodes: what a new tree 0 no longer names, a layer may still have. */
static int refuse_layers(const bfc_writer *w, bfc_err *err)
{
    if (w->base.commit.table[TABLE_TREES].count <= 1)
        return 0;
    return bfci_fail(err, BFC_E_UNSUPPORTED,
                     "it holds an image's layers, not one tree: 'bfc image commit' adds to it");
}

static int append(const char *path, const bfc_writer_options *options, bool fed, bfc_writer **out,
                  bfc_err *err)
{
    AUTO(bfc_writer) bfc_writer *w = NULL;

    BFC_TRY(writer_new(path, options, &w, err));
    w->appends = true;
    int rc = open_base(w, err);
    if (rc == 0 && !fed)
        rc = refuse_layers(w, err);
    if (rc < 0)
        return bfci_wrap(err, rc, "append to '%s'", BFCI_QUOTE_STR(path));
    *out = bfci_steal(&w);
    return 0;
}

int bfc_writer_append(const char *path, const bfc_writer_options *options, bfc_writer **out,
                      bfc_err *err)
{
    return append(path, options, false, out, err);
}

int bfci_writer_append_fed(const char *path, const bfc_writer_options *options, bfc_writer **out,
                           bfc_err *err)
{
    return append(path, options, true, out, err);
}

void bfc_writer_close(bfc_writer *w)
{
    if (!w)
        return;
    bfci_new_file_abandon(&w->file);
    bfci_source_release(&w->base);
    bfci_plan_free(w->plan);
    for (size_t i = 0; i < w->blob_count; i++) {
        free(w->blob[i].name);
        free(w->blob[i].bytes);
    }
    free(w->blob);
    free(w->path);
    free(w);
}

/* ── Noting what is to be stored ── */

static int check_open(const bfc_writer *w, bfc_err *err)
{
    return w->done ? bfci_fail(err, BFC_E_INVALID, "this writer has committed, or failed") : 0;
}

int bfc_writer_add(bfc_writer *w, const char *dir, const char *path, bfc_err *err)
{
    BFC_TRY(check_open(w, err));
    int rc = bfci_plan_add(w->plan, dir, path, err);
    return rc < 0 ? bfci_wrap(err, rc, "add '%s'", BFCI_QUOTE_STR(path)) : 0;
}

int bfc_writer_add_root(bfc_writer *w, const char *dir, bfc_err *err)
{
    BFC_TRY(check_open(w, err));
    int rc = bfci_plan_add_root(w->plan, dir, err);
    return rc < 0 ? bfci_wrap(err, rc, "add '%s'", BFCI_QUOTE_STR(dir)) : 0;
}

static noted_blob *find_blob(bfc_writer *w, const char *name)
{
    for (size_t i = 0; i < w->blob_count; i++)
        if (strcmp(w->blob[i].name, name) == 0)
            return &w->blob[i];
    return NULL;
}

int bfc_writer_put_blob(bfc_writer *w, const char *name, const void *data, size_t len, bfc_err *err)
{
    AUTO_FREE char *own_name = NULL;
    AUTO_FREE char *bytes = NULL;

    BFC_TRY(check_open(w, err));
    if (*name == '\0' || strlen(name) > BLOB_NAME_MAX)
        return bfci_fail(err, BFC_E_INVALID, "a blob's name has 1 to %d bytes", BLOB_NAME_MAX);
    if (len > BLOB_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "blob '%s' has more than %d bytes", BFCI_QUOTE_STR(name),
                         BLOB_SIZE_MAX);
    BFC_TRY(bfci_strdup(name, &own_name, err));
    BFC_TRY(bfci_memdup_str(data, len, &bytes, err));
    noted_blob *b = find_blob(w, name);
    if (!b) {
        BFC_TRY(bfci_reserve(&w->blob, &w->blob_cap, w->blob_count + 1, sizeof *w->blob, err));
        b = &w->blob[w->blob_count++];
        *b = (noted_blob){.name = bfci_steal(&own_name)};
    }
    free(b->bytes);
    b->bytes = (uint8_t *)bfci_steal(&bytes);
    b->len = len;
    return 0;
}

void bfci_writer_inherit(bfc_writer *w, const bfci_seal *from)
{
    w->heir_of = from;
    w->options.encrypt = w->options.encrypt || from;
}

void bfci_writer_feed(bfc_writer *w, bfci_feed_fn *fn, void *ctx)
{
    w->feed = fn;
    w->feed_ctx = ctx;
}

/* ── Committing ── */

/* All that lives during one commit. */
typedef struct work {
    bfc_writer *w;
    bfci_memory memory;
    bfci_seal *seal; /* of a container that is made sealed */
    bfci_sealer *sealer;
    bfci_segment segment;
    bfci_pool *pool;
    bfci_stage stage;
    bfci_packer *packer;
    bfci_dedup *dedup;
    bfci_scan *scan;
    bfci_scan *counter; /* runs ahead for the progress display's totals */
    bfci_scan_config scan_config;
    uint64_t started_ns;
    bfci_intake intake;
    bfci_feed feed;
} work;

static void work_release(work *k)
{
    bfci_scan_free(k->counter);
    bfci_scan_free(k->scan);     /* its loads run in the pool */
    bfci_packer_free(k->packer); /* its blocks too */
    bfci_pool_free(k->pool);
    bfci_dedup_free(k->dedup);
    bfci_feed_release(&k->feed);
    bfci_intake_release(&k->intake);
    bfci_stage_release(&k->stage);
    bfci_sealer_free(k->sealer);
    bfci_seal_free(k->seal);
}

static int zstd_level(const bfc_writer_options *o)
{
    if (o->compression == BFC_COMPRESS_NONE)
        return 0;
    if (o->level)
        return o->level;
    return o->profile == BFC_PROFILE_ARCHIVE ? ARCHIVE_LEVEL : DEFAULT_LEVEL;
}

static int make_seal(work *k, const uint8_t *uuid, bfc_err *err)
{
    const bfc_writer *w = k->w;
    uint32_t ns = 0;
    int64_t now = 0;

    if (w->heir_of)
        return bfci_seal_inherit(uuid, w->heir_of, &k->seal, err);
    bfci_now(&now, &ns);
    return bfci_seal_new(uuid, w->options.keys, now, &k->seal, err);
}

/* `seal`: NULL in a container that is not sealed. */
static int start_sealer(work *k, const bfci_seal *seal, bfc_err *err)
{
    if (!seal)
        return 0;
    BFC_TRY(bfci_sealer_new(seal, k->segment.start, &k->sealer, err));
    k->segment.sealer = k->sealer;
    return 0;
}

static int start_segment(work *k, bfc_err *err)
{
    bfc_writer *w = k->w;

    if (w->appends) {
        BFC_TRY(bfci_source_cut_tail(&w->base, w->options.hooks, err));
        bfci_segment_init(&k->segment, w->base.fd, &w->base.super, w->base.end);
        return start_sealer(k, w->base.seal, err);
    }
    bfci_super super = {.page_shift = PAGE_SHIFT_DEFAULT, .block_max = BLOCK_SIZE_MAX};
    if (w->options.encrypt)
        super.features_refuse = FEATURE_REFUSE_SEALED;
    BFC_TRY(bfci_random(super.uuid, sizeof super.uuid, err));
    super.uuid[6] = (uint8_t)((super.uuid[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
    super.uuid[8] = (uint8_t)((super.uuid[8] & 0x3f) | 0x80);
    bfci_segment_init(&k->segment, w->file.fd, &super, SUPER_SIZE);
    if (w->options.encrypt)
        BFC_TRY(make_seal(k, super.uuid, err));
    return start_sealer(k, k->seal, err);
}

/* Files of the source that are the container itself. */
static int set_skips(const bfc_writer *w, bfci_scan_config *config, bfc_err *err)
{
    struct stat st;

    BFC_TRY(bfci_fstat(w->appends ? w->base.fd : w->file.fd, &st, err));
    config->skip[0].dev = st.st_dev;
    config->skip[0].ino = st.st_ino;
    if (bfci_stat_at(AT_FDCWD, w->path, 0, &st, NULL) == 0) { /* the one that is to be replaced */
        config->skip[1].dev = st.st_dev;
        config->skip[1].ino = st.st_ino;
    }
    return 0;
}

/* The root's inode number; in a container without a tree one is made. */
static int find_root(work *k, bfci_scan_config *config, bfc_err *err)
{
    bfci_tree tree = {.kind = TREE_ROOTFS, .root = 1, .label = {(const uint8_t *)"", 0}};
    uint8_t key[4];
    bool found = false;

    config->next_ino = 2;
    if (k->w->appends) {
        bfci_cursor trees AUTO_CURSOR;
        bfci_cursor_init(&trees, k->stage.old, TABLE_TREES);
        config->base = &k->w->base;
        config->next_ino = k->w->base.commit.next_ino;
        BFC_TRY(bfci_cursor_find(&trees, bfci_key_u32(key, ROOT_TREE), &found, err));
        if (found)
            BFC_TRY(bfci_tree_decode(trees.value, &tree, err));
        else
            tree.root = config->next_ino++;
    }
    config->root_ino = tree.root;
    return found ? 0 : bfci_stage_tree(&k->stage, ROOT_TREE, &tree, err);
}

static int start_scan(work *k, bool noatime, bfc_err *err)
{
    const bfc_writer *w = k->w;
    bfci_scan_config config = {
        .plan = w->plan,
        .pool = k->pool,
        .exclude = w->options.exclude,
        .one_file_system = w->options.one_file_system,
        .noatime = noatime,
        .hooks = w->options.hooks,
        .batches = k->memory.batches,
        .scouts = k->memory.scouts,
        .by_likeness = w->options.profile == BFC_PROFILE_ARCHIVE,
        .beside = w->path,
        .sealed = k->sealer != NULL,
    };

    BFC_TRY(set_skips(w, &config, err));
    BFC_TRY(find_root(k, &config, err));
    k->scan_config = config;
    k->started_ns = bfci_monotonic_ns();
    return bfci_scan_start(&config, &k->scan, err);
}

/* As asked for; else as the profile or the memory has it. */
static uint32_t block_size_of(const bfc_writer *w)
{
    const bfc_writer_options *o = &w->options;
    uint32_t most = w->appends ? w->base.super.block_max : BLOCK_SIZE_MAX;
    const bool archive = o->profile == BFC_PROFILE_ARCHIVE;
    uint32_t size = o->block_size   ? o->block_size
                    : archive       ? BLOCK_SIZE_MAX
                    : o->low_memory ? BLOCK_SIZE_LOW_MEMORY
                                    : BLOCK_SIZE_DEFAULT;

    return MIN(size, most);
}

static int start(work *k, bfc_err *err)
{
    bfc_writer *w = k->w;
    unsigned jobs = w->options.jobs ? w->options.jobs : bfci_processors();
    const bfci_source *base = w->appends ? &w->base : NULL;

    const bool archive = w->options.profile == BFC_PROFILE_ARCHIVE;

    k->memory =
        archive ? bfci_memory_of_archive(jobs) : bfci_memory_of(w->options.low_memory, jobs);
    BFC_TRY(start_segment(k, err));
    BFC_TRY(bfci_pool_new(jobs, &k->pool, err));
    BFC_TRY(bfci_stage_init(&k->stage, w->path, k->sealer != NULL, k->memory, base, err));
    BFC_TRY(bfci_dedup_new(base, k->memory, &k->dedup, err));
    bfci_packer_config packing = {
        .segment = &k->segment,
        .pool = k->pool,
        .blocks = k->stage.sorter[TABLE_BLOCKS],
        .block_size = block_size_of(w),
        .may_move_branches = !base || (base->super.features_refuse & FEATURE_REFUSE_X86),
        .level = zstd_level(&w->options),
        .thorough = archive,
        .first_block = base ? base->commit.next_block : 0,
        .memory = k->memory,
    };
    BFC_TRY(bfci_packer_new(&packing, &k->packer, err));
    bool noatime = bfci_may_skip_atime();
    k->intake = (bfci_intake){
        .pool = k->pool,
        .packer = k->packer,
        .stage = &k->stage,
        .dedup = k->dedup,
        .hooks = w->options.hooks,
        .noatime = noatime,
        .streams = k->memory.streams,
        .progress = {.phase = w->appends ? "append" : "create"},
    };
    k->feed = (bfci_feed){
        .in = &k->intake,
        .stage = &k->stage,
        .base = base,
        .beside = w->path,
        .sealed = k->sealer != NULL,
        .layers = k->memory.layers,
        .next_ino = base ? base->commit.next_ino : 1,
    };
    return w->feed ? 0 : start_scan(k, noatime, err);
}

/* Somebody watches and it takes a while: count what there is to do, once, beside the work. */
static void show_progress(work *k)
{
    bfc_progress *p = &k->intake.progress;
    uint64_t entries, bytes;

    if (!k->intake.hooks || !k->intake.hooks->progress)
        return;
    if (bfci_scan_totals(k->scan, &entries, &bytes) ||
        (k->counter && bfci_scan_totals(k->counter, &entries, &bytes))) {
        p->files_total = entries;
        p->bytes_total = bytes;
    } else if (!k->counter && !k->scan_config.by_likeness &&
               bfci_monotonic_ns() - k->started_ns > COUNT_AFTER_NS) {
        bfci_scan_config config = k->scan_config;
        config.count_only = true;
        config.scouts = 0;
        config.base = NULL;
        (void)bfci_scan_start(&config, &k->counter, NULL); /* without it there are no totals */
    }
    bfci_progress(k->intake.hooks, p);
}

static int take_batches(work *k, bfc_err *err)
{
    for (;;) {
        bfci_batch *b = NULL;
        BFC_TRY(bfci_check_cancel(k->intake.hooks, err));
        BFC_TRY(bfci_scan_next(k->scan, &b, err));
        if (!b)
            return 0;
        int rc = bfci_intake_batch(&k->intake, b, err);
        if (rc < 0)
            bfci_ahead_release(&k->intake.ahead); /* they are of this batch */
        bfci_scan_release_batch(k->scan, b);
        if (rc < 0)
            return rc;
        show_progress(k);
    }
}

static int compare_blobs(const void *a, const void *b)
{
    return strcmp(((const noted_blob *)a)->name, ((const noted_blob *)b)->name);
}

static int take_blobs(work *k, bfc_err *err)
{
    bfc_writer *w = k->w;

    if (w->blob_count)
        qsort(w->blob, w->blob_count, sizeof *w->blob, compare_blobs);
    for (size_t i = 0; i < w->blob_count; i++)
        BFC_TRY(
            bfci_intake_blob(&k->intake, w->blob[i].name, w->blob[i].bytes, w->blob[i].len, err));
    return 0;
}

static void set_time(const work *k, bfci_commit *c)
{
    const bfc_writer_options *o = &k->w->options;

    if (!o->reproducible) {
        bfci_now(&c->time, &c->time_ns);
        return;
    }
    c->time_ns = 0;
    c->time = o->source_date_epoch;
    if (!c->time && k->stage.newest_mtime != INT64_MIN)
        c->time = k->stage.newest_mtime;
}

/* What the new commit says of the one before. */
static int set_chain(const bfc_writer *w, bfci_commit *c, bfc_err *err)
{
    c->seq = 1;
    c->previous = 0;
    memset(c->previous_digest, 0, sizeof c->previous_digest);
    return w->appends ? bfci_source_chain(&w->base, c, err) : 0;
}

static int write_tables(work *k, bfc_err *err)
{
    AUTO(bfci_page_sink) bfci_page_sink *sink = NULL;
    const uint64_t at = k->segment.at;
    BFCI_METER(STAGE_TABLES);

    BFC_TRY(
        bfci_page_sink_new(&k->segment, k->pool, zstd_level(&k->w->options) ? 3 : 0, &sink, err));
    BFC_TRY(bfci_stage_write(&k->stage, k->pool, sink, err));
    bfci_meter_count(k->segment.pages, k->segment.at - at);
    return 0;
}

static int write_commit(work *k, bfc_err *err)
{
    bfc_writer *w = k->w;
    bfci_commit *c = &k->stage.commit;

    bfci_packer_totals totals = bfci_packer_get_totals(k->packer);
    c->next_block = totals.next_block;
    c->data_stored += totals.stored;
    c->data_raw += totals.raw;
    if (totals.moved_branches)
        k->segment.super.features_refuse |= FEATURE_REFUSE_X86;
    c->next_ino = w->feed ? k->feed.next_ino : bfci_scan_next_ino(k->scan);
    BFC_TRY(write_tables(k, err));
    set_time(k, c);
    BFC_TRY(set_chain(w, c, err));
    return bfci_segment_commit(&k->segment, c, w->options.reproducible && !w->appends, err);
}

static int store_all(work *k, bfc_err *err)
{
    BFCI_METER(STAGE_TAKE);

    if (k->w->feed)
        BFC_TRY(k->w->feed(k->w->feed_ctx, &k->feed, err));
    else
        BFC_TRY(take_batches(k, err));
    BFC_TRY(take_blobs(k, err));
    BFC_TRY(bfci_packer_finish(k->packer, err));
    /* What is fed is counted as it comes; progress tells what was read of a layer's blob. */
    bfci_meter_count(k->intake.progress.files_done, k->w->feed ? 0 : k->intake.progress.bytes_done);
    return 0;
}

static int run(work *k, bfc_err *err)
{
    BFC_TRY(start(k, err));
    BFC_TRY(store_all(k, err));
    BFCI_METER(STAGE_COMMIT);
    BFC_TRY(write_commit(k, err));
    if (k->w->appends || k->w->unnamed)
        return 0;
    return bfci_new_file_publish(&k->w->file, k->w->options.replace, err);
}

/* An append that failed gives its bytes back, unless its record may be on the disk already. If that
 * does not work, they are a torn tail, which readers ignore. */
static void cut_failed_append(work *k)
{
    if (k->w->appends && k->segment.start && !k->segment.recorded)
        (void)bfci_ftruncate(k->w->base.fd, k->w->base.end, NULL);
}

int bfc_writer_commit(bfc_writer *w, bfc_commit_info *info, bfc_err *err)
{
    work k = {.w = w};
    bfci_gauge gauge;

    BFC_TRY(check_open(w, err));
    w->done = true;
    bfci_gauge_begin(&gauge, w->options.stats);
    int rc = run(&k, err);
    if (rc < 0)
        cut_failed_append(&k);
    else if (info)
        bfci_commit_info(&k.stage.commit, info);
    work_release(&k);
    bfci_gauge_end(&gauge);
    if (rc == 0 || w->feed) /* who feeds knows better what the file is of */
        return rc;
    return bfci_wrap(err, rc, "%s '%s'", w->appends ? "append to" : "create",
                     BFCI_QUOTE_STR(w->path));
}
