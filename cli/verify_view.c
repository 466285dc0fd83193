/* SPDX-License-Identifier: Apache-2.0 */
/* A verification as it is shown. Problems are told as they are found: a made-up container can have
 * millions. */
#include "verify_view.h"

#include <inttypes.h>
#include <string.h>

#include "value.h"

static void problem_json(struct verification *v, const bfc_problem *p)
{
    json_t *item = json_new();
    json_put_str(item, "what", p->what);
    if (p->path)
        json_put_str(item, "path", p->path);
    if (p->offset != BFC_NO_OFFSET)
        json_put_u64(item, "offset", p->offset);
    json_stream_item(&v->json, item);
}

static void on_problem(void *ctx, const bfc_problem *p)
{
    struct verification *v = ctx;
    AUTO_TEXT struct text t = {0};

    if (v->cli->json) {
        problem_json(v, p);
        return;
    }
    text_escaped(&t, v->subject, strlen(v->subject), ESCAPE_TERMINAL);
    text_str(&t, ": ");
    if (p->path) {
        text_char(&t, '\'');
        text_escaped(&t, p->path, strlen(p->path), ESCAPE_QUOTED);
        text_str(&t, "': ");
    }
    text_str(&t, p->what);
    if (p->offset != BFC_NO_OFFSET && !strstr(p->what, "(byte "))
        text_fmt(&t, " (byte %" PRIu64 ")", p->offset);
    ui_error(&v->cli->ui, bfc_code_name(BFC_E_CORRUPT), EXIT_DAMAGED, text_of(&t));
}

int verification_begin(struct verification *v, struct cli *cli, const struct args *args,
                       const char *schema, const char *key, const char *subject)
{
    const char *digest = args_value(args, OPT_ROOT_DIGEST);
    AUTO_TEXT struct text problem = {0};

    *v = (struct verification){.cli = cli, .subject = subject, .options = BFC_VERIFY_OPTIONS_INIT};
    if (digest && value_digest(digest, v->root_digest, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    int code = trust_options_read(cli, args, &v->trust);
    if (code != EXIT_DONE)
        return code;
    v->options.trust = v->trust;
    v->options.deep = args_has(args, OPT_DEEP);
    v->options.at = args_value(args, OPT_AT);
    v->options.root_digest = digest ? v->root_digest : NULL;
    v->options.jobs = cli->jobs;
    v->options.problem = on_problem;
    v->options.problem_ctx = v;
    v->options.hooks = &cli->hooks;
    if (cli->json) {
        json_t *head = json_document(schema);
        json_put_str(head, key, subject);
        json_stream_begin(&v->json, &cli->out, head, "problems");
    }
    return EXIT_DONE;
}

void verification_release(struct verification *v)
{
    bfc_trust_free(v->trust);
}

static json_t *signature_json(const struct verification *v, const bfc_verify_report *r)
{
    json_t *o = json_new();
    trust_json(o, v->trust, r->signer);
    json_put_time(o, "time", r->signed_time, 0);
    return o;
}

static void end_json(struct verification *v, int rc, const bfc_verify_report *r)
{
    json_t *tail = json_new();
    json_put_bool(tail, "ok", rc == 0);
    json_put_bool(tail, "deep", v->options.deep);
    json_put_u64(tail, "problem_count", r->problems);
    if (rc == 0 || rc == BFC_E_CORRUPT) {
        json_put_u64(tail, "entries", r->entries);
        json_put_u64(tail, "pages", r->pages);
        json_put_u64(tail, "blocks", r->blocks);
        json_put_u64(tail, "bytes", r->bytes);
        json_put_u64(tail, "torn_bytes", r->torn_bytes);
        json_put_u64(tail, "version", r->version);
        if (r->version != 1)
            json_put_hex(tail, "root_digest", r->root_digest, sizeof r->root_digest);
        json_put_u64(tail, "signatures", r->signatures);
        json_put_u64(tail, "bad_signatures", r->bad_signatures);
        if (r->is_signed)
            json_put(tail, "signed_by", signature_json(v, r));
    }
    if (r->hidden)
        json_put_bool(tail, "hidden", true);
    json_stream_end(&v->json, tail);
}

static void signature_words(struct out *o, const struct verification *v, const bfc_verify_report *r)
{
    char time[TIME_TEXT_MAX];
    AUTO_TEXT struct text signer = {0};

    text_time(time, r->signed_time);
    trust_words(&signer, v->trust, r->signer);
    out_fmt(o, "; signed by %s, %s UTC", text_of(&signer), time);
}

/* What is encrypted was looked at from outside. */
static void end_words_hidden(const struct verification *v, const bfc_verify_report *r)
{
    struct out *o = &v->cli->out;

    out_name(o, v->subject, strlen(v->subject));
    out_fmt(o,
            ": ok from outside, %" PRIu64 " encrypted blocks and pages%s; give a key to check "
            "what is in them",
            r->blocks + r->pages, v->options.deep ? "" : " not read (--deep does)");
    if (r->torn_bytes)
        out_fmt(o, "; a torn tail of %" PRIu64 " bytes, which bfc recover drops", r->torn_bytes);
    out_str(o, "\n");
}

static void end_words(const struct verification *v, const bfc_verify_report *r)
{
    struct out *o = &v->cli->out;
    char bytes[SIZE_TEXT_MAX], digest[2 * BFC_DIGEST_SIZE + 1];

    text_size(bytes, r->bytes);
    text_hex(digest, r->root_digest, sizeof r->root_digest);
    out_name(o, v->subject, strlen(v->subject));
    out_fmt(o, ": ok, %" PRIu64 " entries, ", r->entries);
    if (r->version != 1)
        out_fmt(o, "%" PRIu64 " metadata pages, ", r->pages);
    if (v->options.deep)
        out_fmt(o, "%s of content in %" PRIu64 " %s%s", bytes, r->blocks,
                r->version == 1 ? "file" : "block", r->blocks == 1 ? "" : "s");
    else
        out_str(o, "content not read (--deep does)");
    if (r->version == 1)
        out_str(o, "; version 1, which has no root digest");
    else
        out_fmt(o, "; root digest %s", digest);
    if (r->is_signed)
        signature_words(o, v, r);
    if (r->bad_signatures)
        out_fmt(o, "; %" PRIu64 " of %" PRIu64 " signatures are not valid", r->bad_signatures,
                r->signatures);
    if (r->torn_bytes)
        out_fmt(o, "; a torn tail of %" PRIu64 " bytes, which bfc recover drops", r->torn_bytes);
    out_str(o, "\n");
}

int verification_end(struct verification *v, int rc, const bfc_verify_report *r, const bfc_err *err)
{
    struct cli *cli = v->cli;
    if (cli->json)
        end_json(v, rc, r);
    if (rc == 0) {
        if (!cli->json && !cli->quiet)
            (r->hidden ? end_words_hidden : end_words)(v, r);
        return EXIT_DONE;
    }
    if (rc != BFC_E_CORRUPT || r->problems == 0)
        return cli_fail(cli, err);
    AUTO_TEXT struct text shown = {0};
    text_escaped(&shown, v->subject, strlen(v->subject), ESCAPE_QUOTED);
    return cli_error(cli, BFC_E_CORRUPT, "'%s' is damaged: %" PRIu64 " problem%s", text_of(&shown),
                     r->problems, r->problems == 1 ? "" : "s");
}
