/* SPDX-License-Identifier: Apache-2.0 */
/* Images out of a store: what DEST names, and a copy of the container as it is. No lock is taken:
 * an image that is open stays readable when its name is deleted or taken by another. */
#include <fcntl.h>

#include <bfc/image.h>

#include "base/hooks.h"
#include "oci/export.h"
#include "store/dest.h"
#include "store/image_open.h"
#include "store/target.h"
#include "sys/file.h"
#include "sys/names.h"

enum {
    COPY_CHUNK = 1 << 20
};

/* ── The container itself ── */

static int copy_bytes(bfc_reader *r, int to, uint64_t total, const bfc_hooks *hooks, bfc_err *err)
{
    AUTO_FREE uint8_t *chunk = NULL;
    bfc_progress p = {.phase = "export", .bytes_total = total};

    BFC_TRY(bfci_alloc(COPY_CHUNK, 1, &chunk, err));
    while (p.bytes_done < total) {
        size_t n = (size_t)MIN(total - p.bytes_done, (uint64_t)COPY_CHUNK);
        BFC_TRY(bfci_check_cancel(hooks, err));
        BFC_TRY(bfci_pread_exact(r->source.fd, chunk, n, p.bytes_done, err));
        BFC_TRY(bfci_write_all(to, chunk, n, err));
        p.bytes_done += n;
        bfci_progress(hooks, &p);
    }
    return 0;
}

/* Up to its last commit: what is torn behind it is nobody's. */
static int export_container(const bfci_export *e, const char *path, bfc_err *err)
{
    __attribute__((cleanup(bfci_new_file_abandon))) bfci_new_file f = BFCI_NEW_FILE_INIT;
    const uint64_t end = e->r->source.end;
    struct stat st;

    if (!e->replace && bfci_stat_at(AT_FDCWD, path, 0, &st, NULL) == 0)
        return bfci_fail(err, BFC_E_EXISTS, "'%s' is already there", BFCI_QUOTE_STR(path));
    BFC_TRY(bfci_new_file_begin(path, &f, err));
    if (bfci_share_blocks(e->r->source.fd, f.fd))
        BFC_TRY(bfci_ftruncate(f.fd, end, err));
    else
        BFC_TRY(copy_bytes(e->r, f.fd, end, e->hooks, err));
    return bfci_new_file_publish(&f, e->replace, err);
}

/* ── All of them ── */

static int run(const bfci_export *e, const bfci_dest *d, bfc_err *err)
{
    switch (d->kind) {
    case DEST_LAYOUT:
        return bfci_export_layout(e, d->path, err);
    case DEST_OCI_ARCHIVE:
        return bfci_export_oci_archive(e, d->path, err);
    case DEST_DOCKER_ARCHIVE:
        return bfci_export_docker_archive(e, d->path, err);
    case DEST_CONTAINER:
        break;
    }
    return export_container(e, d->path, err);
}

static int export_image(bfc_store *store, const bfci_reference *ref, const bfci_dest *d,
                        const bfc_image_export_options *o, bfc_err *err)
{
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    AUTO_FREE char *path = NULL;
    bfci_reference tag; /* of a docker-archive: a whole name */
    bfci_export e = {.hooks = o->hooks,
                     .level = o->level,
                     .ref = d->ref ? d->ref : ref->text,
                     .replace = o->replace};

    e.coding = d->kind == DEST_DOCKER_ARCHIVE ? CODING_PLAIN : CODING_GZIP;
    BFC_TRY(bfci_coding_parse(o->compression, &e.coding, err));
    BFC_TRY(bfci_dest_check_ref(e.ref, err));
    if (d->kind == DEST_DOCKER_ARCHIVE) {
        BFC_TRY(bfci_reference_parse(e.ref, &tag, err));
        e.ref = tag.text;
    }
    BFC_TRY(store->backend->find(store, ref, &path, err));
    BFC_TRY(bfci_target_check_outside(store, d->path, err));
    BFC_TRY(bfci_image_open(path, (bfci_opening){o->hooks, store->keys, NULL}, &reader, err));
    e.r = reader;
    return run(&e, d, err);
}

int bfc_image_export(bfc_store *store, const char *name, const char *dest,
                     const bfc_image_export_options *options, bfc_err *err)
{
    static const bfc_image_export_options defaults = BFC_IMAGE_EXPORT_OPTIONS_INIT;
    const bfc_image_export_options *o = options ? options : &defaults;
    AUTO_DEST bfci_dest d = {0};
    bfci_reference ref;

    BFC_TRY(BFCI_CHECK_OPTIONS(o, BFC_IMAGE_EXPORT_OPTIONS_INIT, err));
    BFC_TRY(bfci_reference_parse(name, &ref, err));
    BFC_TRY(bfci_dest_parse(dest, &d, err));
    int rc = export_image(store, &ref, &d, o, err);
    if (rc == 0 || rc == BFC_E_EXISTS || rc == BFC_E_BUSY || rc == BFC_E_NOT_FOUND)
        return rc;
    return bfci_wrap(err, rc, "export image '%s'", ref.text);
}
