/* SPDX-License-Identifier: Apache-2.0 */
/* A blob is put aside until all of it was compared, and then sent: what is wrong is never uploaded,
 * and what has to be sent again is at hand. */
#include "net/copy_to_registry.h"

#include "net/blobs.h"
#include "net/manifests.h"
#include "sys/file.h"

enum {
    IN_MEMORY_MAX = 8 << 20,
    CHUNK = 1 << 20
};

struct dest {
    bfci_registry *registry;
    const bfci_remote_ref *ref;
    const char *mount_from; /* another repository there; NULL: none */
};

static int has_blob(void *ctx, const bfci_descriptor *d, bool *has, bfc_err *err)
{
    const struct dest *t = ctx;

    BFC_TRY(bfci_blob_is_there(t->registry, &d->digest, d->size, has, err));
    if (*has || !t->mount_from)
        return 0;
    return bfci_blob_mount(t->registry, &d->digest, t->mount_from, has, err);
}

static int open_aside(uint64_t size, int *fd, bfc_err *err)
{
    AUTO_FREE char *path = NULL;

    if (size <= IN_MEMORY_MAX)
        return bfci_open_memory(fd, err);
    BFC_TRY(bfci_temp_path(&path, err));
    return bfci_open_temp_beside(path, fd, err);
}

static int put_aside(bfci_bytes *in, int fd, bfc_err *err)
{
    AUTO_FREE uint8_t *chunk = NULL;
    size_t got = 1;

    BFC_TRY(bfci_alloc(CHUNK, 1, &chunk, err));
    while (got > 0) {
        BFC_TRY(in->read(in->ctx, chunk, CHUNK, &got, err));
        BFC_TRY(bfci_write_all(fd, chunk, got, err));
    }
    return 0;
}

static int send_blob(void *ctx, const bfci_descriptor *d, bfci_bytes *in, bfc_err *err)
{
    const struct dest *t = ctx;
    enum bfci_blob_way way = BLOB_SENT;
    AUTO_FD int fd = -1;

    BFC_TRY(open_aside(d->size, &fd, err));
    BFC_TRY(put_aside(in, fd, err));
    const bfci_blob_sending sending = {
        .digest = d->digest, .size = d->size, .source = bfci_blob_source_file(&fd)};
    return bfci_blob_send(t->registry, &sending, &way, err);
}

static int put_document(void *ctx, const bfci_copied_document *d, bool is_root, bfc_err *err)
{
    const struct dest *t = ctx;
    char digest[DIGEST_TEXT_SIZE];

    bfci_digest_text(&d->descriptor.digest, digest);
    return bfci_manifest_put(t->registry, is_root && t->ref->tag[0] ? t->ref->tag : digest,
                             d->descriptor.media_type, d->bytes, d->len, err);
}

static int check_digest(const bfci_copying *run, const bfci_remote_ref *ref, bfc_err *err)
{
    const bfci_descriptor *root = &run->list->document[run->list->document_count - 1].descriptor;
    char has[DIGEST_TEXT_SIZE], want[DIGEST_TEXT_SIZE];

    if (!ref->has_digest || bfci_digest_equal(&ref->digest, &root->digest))
        return 0;
    bfci_digest_text(&root->digest, has);
    bfci_digest_text(&ref->digest, want);
    return bfci_fail(err, BFC_E_INVALID,
                     "the destination has the digest %s, what is copied has %s: leave it out", want,
                     has);
}

/* The path of the source, if it is at the same registry. */
static const char *same_registry(const bfci_registry *source, const bfci_remote_ref *ref)
{
    const char *name = source ? bfci_registry_name(source) : "";
    const size_t len = strlen(ref->host);

    if (strncmp(name, ref->host, len) != 0 || name[len] != '/' ||
        strcmp(name + len + 1, ref->path) == 0)
        return NULL;
    return name + len + 1;
}

int bfci_copy_to_registry(bfci_copying *run, bfci_client *client, const char *reference,
                          const bfci_registry *source, bfc_err *err)
{
    AUTO(bfci_registry) bfci_registry *r = NULL;
    bfci_endpoint endpoint;

    BFC_TRY(bfci_registries_push_endpoint(&client->conf, reference, &endpoint, err));
    BFC_TRY(check_digest(run, &endpoint.ref, err));
    BFC_TRY(bfci_registry_open(client, &endpoint, "pull,push", &r, err));
    struct dest t = {r, &endpoint.ref, same_registry(source, &endpoint.ref)};
    const bfci_copy_dest dest = {
        .ctx = &t, .has = has_blob, .blob = send_blob, .document = put_document};
    run->dest = &dest;
    int rc = bfci_copy_run(run, err);
    run->dest = NULL;
    return rc;
}
