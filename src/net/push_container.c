/* SPDX-License-Identifier: Apache-2.0 */
/* The container file itself to a registry: it is hashed once, then sent from where it lies. */
#include <fcntl.h>

#include "base/hooks.h"
#include "net/blobs.h"
#include "net/container_artifact.h"
#include "sys/clock.h"
#include "sys/file.h"

enum {
    CHUNK = 1 << 20
};

static const uint64_t TELL_EVERY_NS = 100 * UINT64_C(1000000);

/* Before the upload this is the caller's thread, during it the HTTP client's. */
typedef struct teller {
    const bfc_image_push_options *options;
    bfc_blob_progress progress;
    uint64_t told_ns;
} teller;

static void tell(teller *t, enum bfc_blob_state state, uint64_t done)
{
    const uint64_t now = bfci_monotonic_ns();

    if (!t->options->blob ||
        (state == t->progress.state && done < t->progress.size && now - t->told_ns < TELL_EVERY_NS))
        return;
    t->told_ns = now;
    t->progress.state = state;
    t->progress.done = done;
    t->options->blob(t->options->blob_ctx, &t->progress);
}

static int hash_file(int fd, bfci_container_artifact *a, teller *t, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    AUTO_FREE uint8_t *bytes = NULL;

    BFC_TRY(bfci_alloc(CHUNK, 1, &bytes, err));
    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    for (uint64_t at = 0; at < a->size;) {
        const size_t len = (size_t)MIN(a->size - at, (uint64_t)CHUNK);
        BFC_TRY(bfci_check_cancel(t->options->registry.hooks, err));
        BFC_TRY(bfci_pread_exact(fd, bytes, len, at, err));
        BFC_TRY(bfci_sha256_update(sha, bytes, len, err));
        at += len;
        tell(t, BFC_BLOB_PACKING, at);
    }
    return bfci_sha256_finish(sha, a->file.bytes, err);
}

static void on_sent(void *ctx, uint64_t bytes)
{
    tell(ctx, BFC_BLOB_SENDING, bytes);
}

static int read_empty(void *ctx, uint64_t offset, void *bytes, size_t cap, size_t *got,
                      bfc_err *err)
{
    (void)ctx;
    (void)err;
    *got = MIN(cap, strlen(BFCI_EMPTY_CONFIG) - (size_t)offset);
    memcpy(bytes, &BFCI_EMPTY_CONFIG[offset], *got);
    return 0;
}

static int send(bfci_registry *r, const bfci_blob_sending *blob, bfc_push_report *report,
                bfc_err *err)
{
    enum bfci_blob_way way = BLOB_SENT;

    BFC_TRY(bfci_blob_send(r, blob, &way, err));
    report->there += way == BLOB_WAS_THERE;
    report->mounted += way == BLOB_MOUNTED;
    report->blobs += way == BLOB_SENT;
    report->bytes += way == BLOB_SENT ? blob->size : 0;
    return 0;
}

static int send_blobs(bfci_registry *r, const int *fd, const bfci_container_artifact *a, teller *t,
                      bfc_push_report *report, bfc_err *err)
{
    const char *mount_from = t->options->mount_from;
    const bfci_blob_sending file = {.digest = a->file,
                                    .size = a->size,
                                    .source = bfci_blob_source_file(fd),
                                    .mount_from = mount_from,
                                    .sent = on_sent,
                                    .sent_ctx = t};
    bfci_blob_sending empty = {.size = strlen(BFCI_EMPTY_CONFIG),
                               .source = {.read_at = read_empty},
                               .mount_from = mount_from};

    BFC_TRY(send(r, &file, report, err));
    tell(t, BFC_BLOB_DONE, a->size);
    BFC_TRY(bfci_sha256(BFCI_EMPTY_CONFIG, strlen(BFCI_EMPTY_CONFIG), empty.digest.bytes, err));
    return send(r, &empty, report, err);
}

int bfci_push_container(bfci_registry *r, const char *path, const char *title,
                        const bfci_remote_ref *ref, const bfc_image_push_options *options,
                        bfc_push_report *report, bfc_err *err)
{
    AUTO_FD int fd = -1;
    AUTO_FREE char *json = NULL;
    bfci_container_artifact a;
    bfci_digest digest;
    char text[DIGEST_TEXT_SIZE];

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err));
    BFC_TRY(bfci_container_look(fd, &a, err));
    teller t = {.options = options, .progress = {.digest = "", .size = a.size, .count = 1}};
    BFC_TRY(hash_file(fd, &a, &t, err));
    bfci_digest_text(&a.file, text);
    t.progress.digest = text;
    BFC_TRY(bfci_container_manifest(&a, title, &json, err));
    BFC_TRY(bfci_sha256(json, strlen(json), digest.bytes, err));
    BFC_TRY(bfci_manifest_check_ref(ref, &digest, err));
    BFC_TRY(send_blobs(r, &fd, &a, &t, report, err));
    bfci_digest_text(&digest, report->digest);
    return bfci_manifest_put(r, ref->tag[0] ? ref->tag : report->digest,
                             "application/vnd.oci.image.manifest.v1+json", (const uint8_t *)json,
                             strlen(json), err);
}
