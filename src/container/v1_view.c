/* SPDX-License-Identifier: Apache-2.0 */
/* What a bfc_reader has for a version 1 container. The names and attributes are in the shadow, a
 * container of version 2 in memory, so that walks and look-ups are those of any other; contents are
 * read here, in order, when they are asked for. Nothing is decompressed for a list. */
#include "container/v1.h"

#include "sys/file.h"

enum {
    SKIP_SIZE = 64 << 10
};

void bfci_v1_view_free(bfci_v1_view *view)
{
    if (!view)
        return;
    bfci_v1_stream_free(view->stream);
    bfci_v1_free(view->file);
    free(view);
}
BFCI_DEFINE_AUTO(bfci_v1_view, bfci_v1_view_free)

static int check_options(const bfc_reader_options *o, bfc_err *err)
{
    if (o->at)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "no commit '%s': a version 1 container has no commits",
                         BFCI_QUOTE_STR(o->at));
    if (o->root_digest)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "a version 1 container has no root digest to compare with");
    return 0;
}

int bfci_v1_view_open(int *fd, const char *name, const bfc_reader_options *options,
                      bfci_v1_view **out, bfc_err *err)
{
    AUTO(bfci_v1_view) bfci_v1_view *view = NULL;
    int shadow = -1;

    BFC_TRY(check_options(options, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *view, &view, err));
    BFC_TRY(bfci_v1_open(*fd, &view->file, err));
    (void)bfci_steal_fd(fd);
    bfci_v1_use_keys(view->file, options->keys, name);
    BFC_TRY(bfci_v1_shadow(view->file, options->hooks, &shadow, err));
    *fd = shadow;
    *out = bfci_steal(&view);
    return 0;
}

/* ── Contents ── */

static int start_stream(bfci_v1_view *view, uint64_t ino, uint64_t offset, bfc_err *err)
{
    if (view->stream && view->ino == ino && bfci_v1_stream_at(view->stream) <= offset)
        return 0;
    bfci_v1_stream_free(bfci_steal(&view->stream));
    view->ino = ino;
    const bfci_v1_entry *e = bfci_v1_entry_of(view->file, ino);
    if (e->sealed)
        BFC_TRY(bfci_v1_unlock(view->file, err));
    return bfci_v1_stream_open(view->file, e, &view->stream, err);
}

static int skip_to(bfci_v1_stream *s, uint64_t offset, bfc_err *err)
{
    uint8_t bytes[SKIP_SIZE];

    while (bfci_v1_stream_at(s) < offset) {
        size_t got = 0;
        uint64_t left = offset - bfci_v1_stream_at(s);
        BFC_TRY(
            bfci_v1_stream_read(s, bytes, (size_t)MIN(left, (uint64_t)sizeof bytes), &got, err));
    }
    return 0;
}

static int read_on(bfci_v1_view *view, uint64_t ino, uint64_t offset, uint8_t *out, size_t len,
                   bfc_err *err)
{
    size_t got = 0;

    BFC_TRY(start_stream(view, ino, offset, err));
    BFC_TRY(skip_to(view->stream, offset, err));
    return bfci_v1_stream_read(view->stream, out, len, &got, err);
}

int bfci_v1_view_read(bfci_v1_view *view, uint64_t ino, uint64_t offset, uint8_t *out, size_t len,
                      bfc_err *err)
{
    int rc = read_on(view, ino, offset, out, len, err);

    if (rc < 0) /* it is in the middle of something */
        bfci_v1_stream_free(bfci_steal(&view->stream));
    return rc;
}

/* ── Facts ── */

void bfci_v1_info(const bfci_v1 *v, bfc_container_info *out)
{
    const bool sealed = v->sealed_count > 0;
    bfc_container_info info = {
        .version = 1,
        .file_size = v->file_size,
        .last = true,
        .compression = v->compressed ? "zstd" : "none",
        .encryption = sealed ? "chacha20-poly1305" : "none",
        .passwords = sealed && v->header.has_salt,
        .key_files = sealed && !v->header.has_salt,
        .commit = {.files = v->files,
                   .dirs = v->dirs,
                   .symlinks = v->symlinks,
                   .content_bytes = v->content_bytes,
                   .data_stored = v->stored_bytes,
                   .data_raw = v->content_bytes},
    };

    memcpy(info.uuid, v->header.uuid, sizeof info.uuid);
    *out = info;
}
