/* SPDX-License-Identifier: Apache-2.0 */
/* A container file from a registry: it goes to its place while it comes, byte for byte, and is an
 * image when its digest is right and all of it was verified. */
#include "net/pull_container.h"

#include <fcntl.h>

#include "base/hooks.h"
#include "sys/file.h"

enum {
    CHUNK = 1 << 20
};

static int copy_all(const bfci_container_pull *p, bfci_bytes *in, int fd, bfci_digest *digest,
                    bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    AUTO_FREE uint8_t *bytes = NULL;
    size_t got = 1;

    BFC_TRY(bfci_alloc(CHUNK, 1, &bytes, err));
    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    while (got > 0) {
        BFC_TRY(bfci_check_cancel(p->create->writer.hooks, err));
        BFC_TRY(in->read(in->ctx, bytes, CHUNK, &got, err));
        BFC_TRY(bfci_sha256_update(sha, bytes, got, err));
        BFC_TRY(bfci_write_all(fd, bytes, got, err));
    }
    return bfci_sha256_finish(sha, digest->bytes, err);
}

static int check_commit(const bfci_container_pull *p, const char *path, bfc_err *err)
{
    if (!p->container->has_root || bfci_container_is_same(path, p->container))
        return 0;
    return bfci_fail(err, BFC_E_CORRUPT,
                     "the container is not the one that its manifest tells of: its last commit has "
                     "another root digest, or stands elsewhere");
}

static int fill(void *ctx, const char *path, bfc_err *err)
{
    const bfci_container_pull *p = ctx;
    char media_type[] = BFCI_CONTAINER_TYPE;
    const bfci_descriptor blob = {
        .media_type = media_type, .digest = p->container->file, .size = p->container->size};
    const bfci_descriptor *const list[] = {&blob};
    AUTO_BYTES bfci_bytes in = {0};
    AUTO_FREE char *folder = NULL;
    AUTO_FD int fd = -1;
    bfci_digest digest;

    BFC_TRY(p->store->backend->downloads(p->store, true, &folder, err));
    BFC_TRY(bfci_downloads_expect(p->downloads, folder, list, 1, err));
    BFC_TRY(bfci_downloads_read(p->downloads, &blob, &in, err));
    BFC_TRY(bfci_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0666, &fd, err));
    BFC_TRY(copy_all(p, &in, fd, &digest, err));
    if (!bfci_digest_equal(&digest, &p->container->file)) {
        char promised[DIGEST_TEXT_SIZE], came[DIGEST_TEXT_SIZE];
        bfci_digest_text(&p->container->file, promised);
        bfci_digest_text(&digest, came);
        return bfci_fail(err, BFC_E_CORRUPT,
                         "container: %s is promised, what came has the digest %s", promised, came);
    }
    BFC_TRY(bfci_fsync(fd, err));
    return check_commit(p, path, err);
}

int bfci_pull_container(bfci_container_pull *p, const bfci_reference *name, bfc_image_info **out,
                        bfc_err *err)
{
    return bfci_image_from_container(p->store, name, fill, p, p->create, out, err);
}
