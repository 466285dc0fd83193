/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_verify(): opens the container, runs the passes, compares the commit's counters with what they
 * counted. */
#include <fcntl.h>
#include <inttypes.h>

#include "container/verify.h"
#include "codec/digest.h"
#include "container/trust.h"
#include "container/v1.h"
#include "sys/file.h"

static void release(bfci_verify *v)
{
    for (size_t i = 0; i < v->finding_count; i++)
        free(v->finding[i].what);
    free(v->finding);
    free(v->range);
    bfci_block_index_release(&v->blocks);
    free(v->xattr_key);
    free(v->bad_set);
    free(v->link);
    free(v->hint);
    free(v->tree);
    free(v->dir);
    free(v->edge);
    for (size_t i = 0; i < ARRAY_LEN(v->of_type); i++)
        bfci_set_release(&v->of_type[i]);
    bfci_set_release(&v->named);
    bfci_set_release(&v->faulty);
    bfci_unpacker_free(v->unpacker);
    bfci_source_release(&v->source);
}

static int check_trust(bfci_verify *v, const bfci_source *newest, bfc_err *err)
{
    bfc_signature by;

    if (!v->options.trust)
        return 0;
    if (v->source.commit.hidden) /* the root digest is only what the file says of itself */
        return bfci_fail(err, BFC_E_DENIED,
                         "it is encrypted: without a key nobody can tell what a signature is over");
    BFC_TRY(bfci_trust_check(v->options.trust, newest, v->source.commit.root_digest, &by, err));
    v->report.is_signed = true;
    memcpy(v->report.signer, by.signer, sizeof v->report.signer);
    v->report.signed_time = by.time;
    return 0;
}

/* Takes the descriptor over on success. */
static int open_source(bfci_verify *v, int *fd, const char *path, bfc_err *err)
{
    bfci_source newest;

    BFC_TRY(bfci_source_open_fd(*fd, &v->source, err));
    (void)bfci_steal_fd(fd);
    if (v->options.keys)
        BFC_TRY(bfci_source_unlock(&v->source, v->options.keys, path, err));
    v->report.hidden = v->source.commit.hidden;
    newest = v->source;
    if (v->options.at)
        BFC_TRY(bfci_source_select(&v->source, v->options.at, err));
    BFC_TRY(check_trust(v, &newest, err));
    v->source.check_digests = v->options.deep || v->options.root_digest || v->options.trust;
    v->report.torn_bytes = v->source.file_size - v->source.end;
    memcpy(v->report.root_digest, v->source.commit.root_digest, BFC_DIGEST_SIZE);
    return 0;
}

/* No problem: an append that was cut off leaves it, and readers pass over it. But a commit record
 * that was damaged looks the same. */
static void tell_torn_tail(const bfci_verify *v)
{
    if (v->report.torn_bytes)
        bfci_log(v->options.hooks, BFC_LOG_WARNING, "verify",
                 "%" PRIu64 " bytes follow the last whole commit: an append that is going on, was "
                 "cut off or was damaged",
                 v->report.torn_bytes);
}

static void check_root_digest(bfci_verify *v)
{
    char hex[2 * BFC_DIGEST_SIZE + 1];
    const bfci_commit *c = &v->source.commit;

    if (!v->options.root_digest ||
        memcmp(c->root_digest, v->options.root_digest, BFC_DIGEST_SIZE) == 0)
        return;
    bfci_hex(c->root_digest, BFC_DIGEST_SIZE, hex);
    bfci_verify_problem(v, c->offset, "the root digest is %s, not the one asked for", hex);
}

/* Back to the first commit. Their records take room that no frame may lie in. */
static int check_chain(bfci_verify *v, bfc_err *err)
{
    bfci_commit c = v->source.commit;

    while (c.previous) {
        bfc_err why = BFC_ERR_INIT;
        uint64_t at = c.previous;
        BFC_TRY(bfci_check_cancel(v->options.hooks, err));
        int rc = bfci_source_previous(&v->source, &c, &c, &why);
        if (bfci_verify_is_problem(rc)) {
            bfci_verify_problem(v, at, "%s; commits before it cannot be told", why.msg);
            return 0;
        }
        if (rc < 0) {
            if (err)
                *err = why;
            return rc;
        }
        BFC_TRY(bfci_verify_take(v, at, at + COMMIT_SIZE, err));
    }
    return 0;
}

static void check_counter(bfci_verify *v, const char *name, uint64_t said, uint64_t counted)
{
    if (said != counted)
        bfci_verify_problem(v, v->source.commit.offset,
                            "the commit record says %s %" PRIu64 ", counted were %" PRIu64, name,
                            said, counted);
}

static void check_counters(bfci_verify *v)
{
    const bfci_commit *said = &v->source.commit, *counted = &v->counted;

    if (!v->damaged[TABLE_INODES]) {
        check_counter(v, "files", said->files, counted->files);
        check_counter(v, "dirs", said->dirs, counted->dirs);
        check_counter(v, "symlinks", said->symlinks, counted->symlinks);
        check_counter(v, "others", said->others, counted->others);
        check_counter(v, "content_bytes", said->content_bytes, counted->content_bytes);
    }
    if (!v->damaged[TABLE_BLOCKS]) {
        check_counter(v, "data_stored", said->data_stored, counted->data_stored);
        check_counter(v, "data_raw", said->data_raw, counted->data_raw);
    }
}

/* Without a key there is not more that can be looked at. */
static int run_hidden(bfci_verify *v, bfc_err *err)
{
    bfci_log(v->options.hooks, BFC_LOG_WARNING, "verify",
             "it is encrypted, and no key was given: what is in it is not checked");
    BFC_TRY(bfci_verify_hidden(v, err));
    return bfci_verify_flush(v, err);
}

static int run(bfci_verify *v, bfc_err *err)
{
    BFC_TRY(bfci_unpacker_new(&v->unpacker, err));
    tell_torn_tail(v);
    check_root_digest(v);
    BFC_TRY(check_chain(v, err));
    if (v->report.hidden)
        return run_hidden(v, err);
    BFC_TRY(bfci_verify_blocks(v, err));
    BFC_TRY(bfci_verify_xattrs(v, err));
    BFC_TRY(bfci_verify_links_load(v, err));
    BFC_TRY(bfci_verify_hints(v, err));
    BFC_TRY(bfci_verify_trees(v, err));
    BFC_TRY(bfci_verify_inodes(v, err));
    BFC_TRY(bfci_verify_dirents(v, err));
    BFC_TRY(bfci_verify_walk(v, err));
    BFC_TRY(bfci_verify_links_check(v, err));
    BFC_TRY(bfci_verify_blobs(v, err));
    BFC_TRY(bfci_verify_signatures(v, err));
    BFC_TRY(bfci_verify_ranges(v, err));
    check_counters(v);
    if (v->options.deep)
        BFC_TRY(bfci_verify_content(v, err));
    BFC_TRY(bfci_verify_bad_sets(v, err));
    return bfci_verify_flush(v, err);
}

/* A container that cannot even be opened has one problem. */
static int open_and_run(bfci_verify *v, const char *path, bfc_err *err)
{
    AUTO_FD int fd = -1;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0, &fd, err));
    if (bfci_v1_sniff(fd))
        return bfci_v1_verify(&fd, path, &v->options, &v->report, &v->first, err);
    v->report.version = 2;
    int rc = open_source(v, &fd, path, &why);
    if (rc == 0)
        return run(v, err);
    if (rc == BFC_E_CORRUPT) {
        bfci_verify_problem(v, why.offset, "%s", why.msg);
        return 0;
    }
    if (err)
        *err = why;
    return rc;
}

int bfc_verify(const char *path, const bfc_verify_options *options, bfc_verify_report *report,
               bfc_err *err)
{
    bfci_verify v = {
        .options = BFC_VERIFY_OPTIONS_INIT, .source = BFCI_SOURCE_INIT, .first = BFC_ERR_INIT};

    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_VERIFY_OPTIONS_INIT, err));
    if (options)
        v.options = *options;
    int rc = open_and_run(&v, path, err);
    if (rc == 0 && v.report.problems > 0) {
        if (err)
            *err = v.first;
        rc = BFC_E_CORRUPT;
    }
    if (report && (rc == 0 || rc == BFC_E_CORRUPT))
        *report = v.report;
    release(&v);
    return rc < 0 ? bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(path)) : 0;
}
