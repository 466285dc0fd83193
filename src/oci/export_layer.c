/* SPDX-License-Identifier: Apache-2.0 */
/* The run of an export, and its layers: a layer is put together and hashed in one thread,
 * compressed, hashed and written in another. */
#include "base/hooks.h"
#include "oci/export_parts.h"
#include "oci/layer_out.h"
#include "oci/manifest.h"
#include "oci/relay.h"

/* ── The run ── */

static void add_progress(void *ctx, const bfc_progress *p)
{
    const bfci_export_run *run = ctx;
    const bfc_progress sum = {
        .phase = run->e->phase ? run->e->phase : "export",
        .bytes_done = MIN(run->done + p->bytes_done, run->total),
        .bytes_total = run->total,
    };

    bfci_progress(run->e->hooks, &sum);
}

static void pass_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    const bfci_export_run *run = ctx;

    run->e->hooks->log(run->e->hooks->ctx, level, module, msg);
}

static void wrap_hooks(bfci_export_run *run)
{
    const bfc_hooks *outer = run->e->hooks;

    if (!outer)
        return;
    run->hooks = (bfc_hooks){
        .log = outer->log ? pass_log : NULL,
        .progress = outer->progress ? add_progress : NULL,
        .ctx = run,
        .cancel = outer->cancel,
    };
}

static void add_up(bfci_export_run *run)
{
    const bfci_facts *f = &run->facts;

    if (f->image_count == 0)
        run->total = run->commit.content_bytes;
    for (size_t i = 0; i < f->image_count; i++)
        for (size_t k = 0; k < f->image[i].layer_count; k++) {
            const bfci_layer_facts *l = &f->image[i].layer[k];
            uint64_t size = f->image[i].is_artifact ? l->size : l->tar_size;
            if (bfci_add_overflows(run->total, size, &run->total))
                run->total = UINT64_MAX;
        }
}

int bfci_export_begin(bfci_export_run *run, const bfci_export *e, bfc_err *err)
{
    bfc_container_info info;

    run->e = e;
    wrap_hooks(run);
    BFC_TRY(bfc_reader_info(e->r, &info, err));
    run->commit = info.commit;
    BFC_TRY(bfci_facts_load(e->r, &run->facts, err)); /* without: as of a directory */
    add_up(run);
    return 0;
}

void bfci_export_end(bfci_export_run *run)
{
    bfci_facts_release(&run->facts);
    bfci_map_release(&run->written);
    bfci_map_release(&run->claimed);
    free(run->packed);
}

int bfci_export_claim(bfci_export_run *run, const bfci_digest *digest, bool *is_new, bfc_err *err)
{
    uint64_t a = get_u64le(digest->bytes), b = get_u64le(digest->bytes + 8);

    *is_new = bfci_map_get(&run->claimed, a, b) == NULL;
    return *is_new ? bfci_map_put(&run->claimed, a, b, 0, err) : 0;
}

void bfci_export_progress(bfci_export_run *run, uint64_t bytes)
{
    const bfc_progress nothing_more = {0};

    run->done += bytes;
    add_progress(run, &nothing_more);
}

/* ── A layer ── */

/* What comes out: compressed, counted and hashed on its way to the target. What is not compressed
 * has the digest that the tar has, and is not hashed again. */
struct packing {
    bfci_outflow *flow; /* NULL: it is not compressed */
    bfci_sha256_ctx *sha;
    bfci_write_fn *write;
    void *ctx;
    uint64_t size;
};

static int take_packed(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct packing *p = ctx;

    p->size += len;
    if (p->flow)
        BFC_TRY(bfci_sha256_update(p->sha, bytes, len, err));
    return p->write(p->ctx, bytes, len, err);
}

static int pack_bytes(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct packing *p = ctx;

    return p->flow ? bfci_outflow_put(p->flow, bytes, len, err) : take_packed(p, bytes, len, err);
}

/* What goes in, where nobody else has looked at it: counted and hashed. */
struct measuring {
    bfci_sha256_ctx *sha;
    bfci_relay *relay;
    uint64_t size;
};

static int measure(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    struct measuring *m = ctx;

    m->size += len;
    BFC_TRY(bfci_sha256_update(m->sha, bytes, len, err));
    return bfci_relay_put(m->relay, bytes, len, err);
}

static int put_tree(bfci_export_run *run, bfci_relay *relay, bfci_packed *out, bfc_err *err)
{
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;

    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    struct measuring m = {sha, relay, 0};
    BFC_TRY(bfci_tree_out(run->e->r, ROOT_TREE, &run->hooks, measure, &m, err));
    out->tar_size = m.size;
    return bfci_sha256_finish(sha, out->diff_id.bytes, err);
}

static int put_layer(bfci_export_run *run, const bfci_layer_facts *layer, bfci_relay *relay,
                     bfci_packed *out, bfc_err *err)
{
    out->diff_id = layer->diff_id;
    out->tar_size = layer->tar_size;
    return bfci_layer_out(run->e->r, layer, &run->hooks, bfci_relay_put, relay, err);
}

static int pack(bfci_export_run *run, const bfci_layer_facts *layer, struct packing *p,
                bfci_packed *out, bfc_err *err)
{
    AUTO(bfci_relay) bfci_relay *relay = NULL;

    BFC_TRY(bfci_relay_new(pack_bytes, p, &relay, err));
    BFC_TRY(layer ? put_layer(run, layer, relay, out, err) : put_tree(run, relay, out, err));
    BFC_TRY(bfci_relay_finish(relay, err));
    out->digest = out->diff_id;
    if (p->flow) {
        BFC_TRY(bfci_outflow_finish(p->flow, err));
        BFC_TRY(bfci_sha256_finish(p->sha, out->digest.bytes, err));
    }
    out->size = p->size;
    return 0;
}

static int note(bfci_export_run *run, const bfci_packed *p, size_t *out, bfc_err *err)
{
    const uint8_t *key = p->diff_id.bytes;

    BFC_TRY(bfci_reserve(&run->packed, &run->packed_cap, run->packed_count + 1, sizeof *run->packed,
                         err));
    BFC_TRY(
        bfci_map_put(&run->written, get_u64le(key), get_u64le(key + 8), run->packed_count, err));
    *out = run->packed_count;
    run->packed[run->packed_count++] = *p;
    run->done += p->tar_size;
    return 0;
}

size_t bfci_export_known(const bfci_export_run *run, const bfci_digest *diff_id)
{
    const uint8_t *key = diff_id->bytes;
    const uint64_t *at = bfci_map_get(&run->written, get_u64le(key), get_u64le(key + 8));

    if (!at || *at >= run->packed_count || !bfci_digest_equal(&run->packed[*at].diff_id, diff_id))
        return SIZE_MAX;
    return (size_t)*at;
}

int bfci_export_pack(bfci_export_run *run, const bfci_layer_facts *layer, bfci_write_fn *write,
                     void *ctx, size_t *out, bfc_err *err)
{
    AUTO(bfci_outflow) bfci_outflow *flow = NULL;
    AUTO(bfci_sha256_ctx) bfci_sha256_ctx *sha = NULL;
    struct packing p = {.write = write, .ctx = ctx};
    bfci_packed packed = {.coding = run->e->coding};

    BFC_TRY(bfci_sha256_new(&sha, err));
    BFC_TRY(bfci_sha256_start(sha, err));
    p.sha = sha;
    if (run->e->coding != CODING_PLAIN)
        BFC_TRY(bfci_outflow_new(run->e->coding, run->e->level, take_packed, &p, &flow, err));
    p.flow = flow;
    BFC_TRY(pack(run, layer, &p, &packed, err));
    return note(run, &packed, out, err);
}

int bfci_export_note_came(bfci_export_run *run, const bfci_layer_facts *layer,
                          enum bfci_coding coding, size_t *out, bfc_err *err)
{
    const bfci_packed came = {.diff_id = layer->diff_id,
                              .digest = layer->digest,
                              .tar_size = layer->tar_size,
                              .size = layer->size,
                              .coding = coding};

    BFC_TRY(note(run, &came, out, err));
    bfci_export_progress(run, 0);
    return 0;
}
