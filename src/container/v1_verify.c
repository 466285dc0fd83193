/* SPDX-License-Identifier: Apache-2.0 */
/* bfc_verify() of a version 1 container: the header of every object against the index, and, deep,
 * every content by its checksum. Goes on after a problem with the next entry. */
#include "container/v1.h"

#include "base/hooks.h"

enum {
    PIECE_SIZE = 256 << 10
};

struct checking {
    bfci_v1 *v;
    const bfc_verify_options *options;
    bfc_verify_report report;
    bfc_progress progress;
    bfc_err *first;
    uint8_t *piece;
};

static void tell(struct checking *c, const bfci_v1_node *n, const bfc_err *why)
{
    AUTO_FREE char *path = NULL;

    if (n)
        (void)bfci_memdup_str(n->path, n->path_len, &path, NULL);
    if (c->report.problems++ == 0) {
        *c->first = *why;
        if (path)
            (void)bfci_wrap(c->first, 0, "'%s'", BFCI_QUOTE_STR(path));
    }
    const bfc_problem problem = {.what = why->msg, .path = path, .offset = why->offset};
    if (c->options->problem)
        c->options->problem(c->options->problem_ctx, &problem);
}

static int check_content(struct checking *c, const bfci_v1_entry *e, bfc_err *err)
{
    AUTO(bfci_v1_stream) bfci_v1_stream *s = NULL;
    uint64_t left = e->raw;

    if (e->sealed)
        BFC_TRY(bfci_v1_unlock(c->v, err));
    BFC_TRY(bfci_v1_stream_open(c->v, e, &s, err));
    do { /* once also for nothing: that has a checksum, too */
        size_t got = 0;
        BFC_TRY(bfci_check_cancel(c->options->hooks, err));
        BFC_TRY(bfci_v1_stream_read(s, c->piece, PIECE_SIZE, &got, err));
        left -= got;
        c->report.bytes += got;
        c->progress.bytes_done += got;
        bfci_progress(c->options->hooks, &c->progress);
    } while (left > 0);
    return 0;
}

static int check_entry(struct checking *c, const bfci_v1_entry *e, bfc_err *err)
{
    char target[LINK_MAX_LEN + 1];
    uint64_t at = 0, stored = 0;

    if (e->type == BFC_TYPE_SYMLINK)
        return bfci_v1_link(c->v, e, target, err);
    if (e->type == BFC_TYPE_FILE)
        c->report.blocks++;
    if (e->type == BFC_TYPE_FILE && c->options->deep)
        return check_content(c, e, err);
    return bfci_v1_object(c->v, e, &at, &stored, err);
}

static bool is_problem(int rc)
{
    return rc == BFC_E_CORRUPT || rc == BFC_E_IO;
}

static int check_all(struct checking *c, bfc_err *err)
{
    c->progress = (bfc_progress){.phase = "verify",
                                 .files_total = c->v->node_count,
                                 .bytes_total = c->options->deep ? c->v->content_bytes : 0};
    c->report.entries = c->v->node_count;
    for (size_t i = 0; i < c->v->node_count; i++) {
        const bfci_v1_node *n = &c->v->node[i];
        bfc_err why = BFC_ERR_INIT;
        BFC_TRY(bfci_check_cancel(c->options->hooks, err));
        int rc = n->entry ? check_entry(c, n->entry, &why) : 0;
        if (is_problem(rc)) {
            tell(c, n, &why);
        } else if (rc < 0) {
            if (err)
                *err = why;
            return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE(n->path, n->path_len));
        }
        c->progress.files_done++;
        bfci_progress(c->options->hooks, &c->progress);
    }
    return 0;
}

/* A container that cannot even be opened has one problem. */
static int open_and_check(struct checking *c, int *fd, const char *name, bfc_err *err)
{
    AUTO(bfci_v1) bfci_v1 *v = NULL;
    AUTO_FREE uint8_t *piece = NULL;
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_alloc(PIECE_SIZE, 1, &piece, err));
    int rc = bfci_v1_open(*fd, &v, &why);
    if (rc == BFC_E_CORRUPT) {
        tell(c, NULL, &why);
        return 0;
    }
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    *fd = -1;
    bfci_v1_use_keys(v, c->options->keys, name);
    c->v = v;
    c->piece = piece;
    return check_all(c, err);
}

int bfci_v1_verify(int *fd, const char *name, const bfc_verify_options *options,
                   bfc_verify_report *report, bfc_err *first, bfc_err *err)
{
    struct checking c = {.options = options, .report = {.version = 1}, .first = first};

    if (options->at)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "no commit '%s': a version 1 container has no commits",
                         BFCI_QUOTE_STR(options->at));
    if (options->root_digest)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "a version 1 container has no root digest to compare with");
    int rc = open_and_check(&c, fd, name, err);
    *report = c.report;
    return rc;
}
