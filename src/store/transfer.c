/* SPDX-License-Identifier: Apache-2.0 */
/* The frames around ZFS streams. They make several images one file, tell where one ends without
 * asking zfs, and a stream that was cut off from one that is whole. The bytes inside are ZFS's own,
 * which have checksums. */
#include "store/transfer.h"

#include "base/cursor.h"
#include "base/hooks.h"
#include "oci/json.h"
#include "store/zfs.h"
#include "sys/file.h"
#include "sys/pipe.h"

#define MAGIC "BFCSEND1"
#define FAILURE UINT32_MAX

/* ── The document ── */

static int put_version(json_t *o, const bfci_reference *ref, const uint8_t digest[BFC_DIGEST_SIZE],
                       bfc_err *err)
{
    char hex[BFCI_DIGEST_HEX_SIZE];

    bfci_hex(digest, BFC_DIGEST_SIZE, hex);
    BFC_TRY(bfci_json_put_text(o, "name", ref->text, err));
    return bfci_json_put_text(o, "root_digest", hex, err);
}

int bfci_transfer_encode(const bfci_transfer *t, char **json, bfc_err *err)
{
    AUTO(json_t) json_t *o = json_object();

    if (!o)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put_text(o, "schema", "bfc.send/1", err));
    BFC_TRY(put_version(o, &t->ref, t->root_digest, err));
    if (t->has_base) {
        json_t *base = json_object();
        BFC_TRY(bfci_json_put(o, "base", base, err));
        BFC_TRY(put_version(base, &t->base, t->base_digest, err));
    }
    return bfci_json_dump(o, json, err);
}

static int get_version(const bfci_json_node *n, bfci_reference *ref,
                       uint8_t digest[BFC_DIGEST_SIZE], bfc_err *err)
{
    const bfci_json_node name = bfci_json_member(n, "name");
    const bfci_json_node root = bfci_json_member(n, "root_digest");
    const char *text = NULL;

    BFC_TRY(bfci_json_need_text(&name, &text, err));
    if (!bfci_reference_is_canonical(text, ref))
        return bfci_json_fail(&name, BFC_E_CORRUPT, err, "'%s' is no image's name",
                              BFCI_QUOTE_STR(text));
    BFC_TRY(bfci_json_need_text(&root, &text, err));
    if (!bfci_unhex(text, digest, BFC_DIGEST_SIZE))
        return bfci_json_fail(&root, BFC_E_CORRUPT, err, "'%s' is no root digest",
                              BFCI_QUOTE_STR(text));
    return 0;
}

int bfci_transfer_decode(const uint8_t *json, size_t len, bfci_transfer *out, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node n;
    bfci_transfer t = {.has_base = false};
    const char *schema = NULL;

    BFC_TRY(bfci_json_load(json, len, "what was sent", JSON_OWN, &root, &n, err));
    const bfci_json_node version = bfci_json_member(&n, "schema");
    const bfci_json_node base = bfci_json_member(&n, "base");
    BFC_TRY(bfci_json_need_text(&version, &schema, err));
    if (strcmp(schema, "bfc.send/1") != 0)
        return bfci_json_fail(&version, BFC_E_UNSUPPORTED, err, "'%s' is of a newer bfc",
                              BFCI_QUOTE_STR(schema));
    BFC_TRY(get_version(&n, &t.ref, t.root_digest, err));
    BFC_TRY(bfci_json_may_object(&base, err));
    t.has_base = base.value != NULL;
    if (t.has_base)
        BFC_TRY(get_version(&base, &t.base, t.base_digest, err));
    *out = t;
    return 0;
}

/* ── Writing ── */

static int put_length(int fd, uint32_t len, const bfc_hooks *hooks, bfc_err *err)
{
    uint8_t raw[4];

    put_u32le(raw, len);
    return bfci_pipe_write(fd, raw, sizeof raw, hooks, err);
}

int bfci_transfer_begin(int fd, const bfc_hooks *hooks, bfc_err *err)
{
    return bfci_pipe_write(fd, MAGIC, strlen(MAGIC), hooks, err);
}

int bfci_transfer_put_header(int fd, const bfci_transfer *t, const bfc_hooks *hooks, bfc_err *err)
{
    AUTO_FREE char *json = NULL;

    BFC_TRY(bfci_transfer_encode(t, &json, err));
    BFC_TRY(put_length(fd, (uint32_t)strlen(json), hooks, err));
    return bfci_pipe_write(fd, json, strlen(json), hooks, err);
}

static void tell_progress(const bfc_hooks *hooks, const char *phase, uint64_t done)
{
    bfci_progress(hooks, &(bfc_progress){.phase = phase, .bytes_done = done});
}

int bfci_transfer_put_stream(int fd, int from, const bfc_hooks *hooks, uint64_t *done, bfc_err *err)
{
    AUTO_FREE uint8_t *piece = NULL;
    size_t got = TRANSFER_PIECE_MAX;

    BFC_TRY(bfci_alloc(TRANSFER_PIECE_MAX, 1, &piece, err));
    while (got == TRANSFER_PIECE_MAX) {
        BFC_TRY(bfci_pipe_read_full(from, piece, TRANSFER_PIECE_MAX, hooks, &got, err));
        if (got == 0)
            break;
        BFC_TRY(put_length(fd, (uint32_t)got, hooks, err));
        BFC_TRY(bfci_pipe_write(fd, piece, got, hooks, err));
        *done += got;
        tell_progress(hooks, "send", *done);
    }
    return 0;
}

int bfci_transfer_put_end(int fd, const bfc_hooks *hooks, bfc_err *err)
{
    return put_length(fd, 0, hooks, err);
}

void bfci_transfer_put_failure(int fd, const bfc_hooks *hooks)
{
    (void)put_length(fd, FAILURE, hooks, NULL);
}

/* ── Reading ── */

static int get_exact(int fd, void *bytes, size_t len, const bfc_hooks *hooks, bfc_err *err)
{
    size_t got = 0;

    BFC_TRY(bfci_pipe_read_full(fd, bytes, len, hooks, &got, err));
    if (got < len)
        return bfci_fail(err, BFC_E_CORRUPT, "what was sent ends early");
    return 0;
}

static int get_length(int fd, uint32_t max, const bfc_hooks *hooks, uint32_t *len, bfc_err *err)
{
    uint8_t raw[4];

    BFC_TRY(get_exact(fd, raw, sizeof raw, hooks, err));
    uint32_t value = get_u32le(raw);
    if (value == FAILURE)
        return bfci_fail(err, BFC_E_CORRUPT, "the sender failed: what it sent is not whole");
    if (value > max)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "what was sent has a piece of %u bytes: %u are allowed", value, max);
    *len = value;
    return 0;
}

int bfci_transfer_expect(int fd, const bfc_hooks *hooks, bfc_err *err)
{
    char magic[sizeof MAGIC - 1];
    size_t got = 0;

    BFC_TRY(bfci_pipe_read_full(fd, magic, sizeof magic, hooks, &got, err));
    if (got == 0)
        return bfci_fail(err, BFC_E_CORRUPT, "nothing was sent");
    if (memcmp(magic, MAGIC, got) != 0)
        return bfci_fail(
            err, BFC_E_INVALID,
            "this is nothing that 'bfc image send' wrote: what 'zfs send' writes is for "
            "'zfs receive', and containers and archives are for 'bfc image create'");
    if (got < sizeof magic)
        return bfci_fail(err, BFC_E_CORRUPT, "what was sent ends early");
    return 0;
}

int bfci_transfer_get_header(int fd, const bfc_hooks *hooks, bfci_transfer *out, bool *more,
                             bfc_err *err)
{
    uint8_t json[TRANSFER_HEADER_MAX];
    uint32_t len = 0;

    BFC_TRY(get_length(fd, sizeof json, hooks, &len, err));
    if (len > 0) {
        BFC_TRY(get_exact(fd, json, len, hooks, err));
        BFC_TRY(bfci_transfer_decode(json, len, out, err));
    }
    *more = len > 0;
    return 0;
}

int bfci_transfer_get_stream(int fd, bfci_transfer_sink *sink, void *ctx, const bfc_hooks *hooks,
                             uint64_t *done, bfc_err *err)
{
    AUTO_FREE uint8_t *piece = NULL;
    uint32_t len = 0;

    BFC_TRY(bfci_alloc(TRANSFER_PIECE_MAX, 1, &piece, err));
    for (;;) {
        BFC_TRY(get_length(fd, TRANSFER_PIECE_MAX, hooks, &len, err));
        if (len == 0)
            return 0;
        BFC_TRY(get_exact(fd, piece, len, hooks, err));
        if (sink)
            BFC_TRY(sink(ctx, piece, len, err));
        *done += len;
        tell_progress(hooks, "receive", *done);
    }
}
