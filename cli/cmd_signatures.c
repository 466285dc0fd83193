/* SPDX-License-Identifier: Apache-2.0 */
/* bfc signatures. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commit_view.h"
#include "key_options.h"
#include "table_print.h"
#include "trust_options.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_TRUST, 0, "trust", "FILE", VALUE_FILE, NULL,
     "name the signers of this trust file; may be given several times. Default: the trust file"},
    OPTIONS_OF_KEYS,
    {0},
};

struct commits {
    bfc_commit_info *item; /* newest first; then by their digests */
    size_t count, cap;
};

static int note_commit(void *ctx, const bfc_commit_info *commit)
{
    struct commits *c = ctx;

    if (c->count == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 16;
        c->item = mem_resize(c->item, c->cap, sizeof *c->item);
    }
    c->item[c->count++] = *commit;
    return 0;
}

static int by_digest(const void *a, const void *b)
{
    const bfc_commit_info *x = a, *y = b;
    int order = memcmp(x->root_digest, y->root_digest, sizeof x->root_digest);

    return order ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

/* The first commit that has the root digest, or NULL: then it is of something else. */
static const bfc_commit_info *commit_of(const struct commits *c, const bfc_signature *s)
{
    size_t low = 0, high = c->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(c->item[middle].root_digest, s->root_digest, sizeof s->root_digest) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < c->count &&
                 memcmp(c->item[low].root_digest, s->root_digest, sizeof s->root_digest) == 0;
    return found ? &c->item[low] : NULL;
}

struct listing {
    struct cli *cli;
    const char *file;
    const bfc_trust *trust; /* may be NULL */
    struct commits commits;
    uint8_t current[BFC_DIGEST_SIZE]; /* of the last commit */
    const bfc_signature *item;
    size_t count;
};

static bool is_current(const struct listing *l, const bfc_signature *s)
{
    return memcmp(l->current, s->root_digest, sizeof l->current) == 0;
}

/* The time of a signature that is not valid is not what its signer said, so it is not shown. */
static int print_json(const struct listing *l)
{
    json_t *document = json_document("bfc.signatures/1");
    json_t *list = json_array();
    bfc_err err = BFC_ERR_INIT;

    if (!list)
        mem_out();
    for (size_t i = 0; i < l->count; i++) {
        const bfc_signature *s = &l->item[i];
        const bfc_commit_info *commit = commit_of(&l->commits, s);
        json_t *one = json_new();
        bool valid = false;
        if (bfc_signature_check(s, &valid, &err) < 0)
            return cli_fail(l->cli, &err);
        trust_json(one, l->trust, s->signer);
        json_put_bool(one, "valid", valid);
        json_put_bool(one, "trusted", l->trust && bfc_trust_has(l->trust, s->signer, NULL));
        json_put_hex(one, "root_digest", s->root_digest, sizeof s->root_digest);
        json_put_bool(one, "current", is_current(l, s));
        if (commit)
            json_put_u64(one, "commit", commit->seq);
        if (valid)
            json_put_time(one, "time", s->time, 0);
        json_push(list, one);
    }
    json_put_str(document, "file", l->file);
    json_put(document, "signatures", list);
    json_print(&l->cli->out, document);
    return EXIT_DONE;
}

static int add_row(struct listing *l, struct table *t, const bfc_signature *s)
{
    const bfc_commit_info *commit = commit_of(&l->commits, s);
    char digest[DIGEST_SHORT + 1], time[TIME_TEXT_MAX] = "-", seq[24] = "-";
    AUTO_TEXT struct text signer = {0};
    bfc_err err = BFC_ERR_INIT;
    bool valid = false;

    if (bfc_signature_check(s, &valid, &err) < 0)
        return cli_fail(l->cli, &err);
    digest_short(digest, s->root_digest);
    if (valid)
        text_time(time, s->time);
    if (commit)
        (void)snprintf(seq, sizeof seq, "%" PRIu64, commit->seq);
    trust_words(&signer, l->trust, s->signer);
    const char *const cells[] = {
        seq, digest, is_current(l, s) ? "yes" : "no", valid ? "yes" : "NO", time, text_of(&signer)};
    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        table_add(t, cells[i]);
    return EXIT_DONE;
}

static int print_table(struct listing *l)
{
    static const char *const titles[] = {"COMMIT", "DIGEST", "CURRENT", "VALID", "TIME", "SIGNER"};
    static const bool right[] = {true, false, false, false, false, false};
    AUTO_TABLE struct table t = {.columns = ARRAY_LEN(titles), .right = right};
    int code = EXIT_DONE;

    if (l->count == 0)
        return EXIT_DONE;
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        table_add(&t, titles[i]);
    for (size_t i = 0; i < l->count && code == EXIT_DONE; i++)
        code = add_row(l, &t, &l->item[i]);
    if (code == EXIT_DONE)
        table_print(&t, &l->cli->out);
    return code;
}

static int read_commits(struct listing *l)
{
    struct commits *c = &l->commits;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_log_with(l->file, l->cli->keys, note_commit, c, &err) < 0)
        return cli_fail(l->cli, &err);
    memcpy(l->current, c->item[0].root_digest, sizeof l->current); /* there is always one */
    qsort(c->item, c->count, sizeof *c->item, by_digest);
    return EXIT_DONE;
}

/* Names are a help here and nobody's word is needed: without a trust file there are none. */
static int read_names(struct cli *cli, const struct args *args, bfc_trust **out)
{
    bfc_err err = BFC_ERR_INIT;

    if (args_has(args, OPT_TRUST))
        return trust_options_read(cli, args, out);
    if (bfc_trust_new(out, &err) < 0)
        return cli_fail(cli, &err);
    if (bfc_trust_add_default(*out, &err) < 0 && err.code != BFC_E_NOT_FOUND)
        return cli_fail(cli, &err);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_trust) bfc_trust *trust = NULL;
    AUTO(bfc_reader) bfc_reader *reader = NULL;
    AUTO_FREE bfc_signature *all = NULL;
    struct listing l = {.cli = cli, .file = args->operands[0]};
    bfc_err err = BFC_ERR_INIT;

    int code = read_names(cli, args, &trust);
    if (code == EXIT_DONE)
        code = cli_open_reader(cli, l.file, args, &reader);
    if (code != EXIT_DONE)
        return code;
    if (bfc_reader_signatures(reader, &all, &l.count, &err) < 0)
        return cli_fail_about(cli, &err, l.file);
    code = read_commits(&l);
    l.trust = trust;
    l.item = all;
    if (code == EXIT_DONE)
        code = cli->json ? print_json(&l) : print_table(&l);
    free(l.commits.item);
    return code;
}

static const struct example examples[] = {
    {"bfc signatures app.bfc", "Who signed what."},
    {"bfc signatures --json app.bfc | jq '.signatures[] | select(.current and .valid)'",
     "What is over the last commit, for a program."},
    {0},
};

const struct command cmd_signatures = {
    .name = "signatures",
    .summary = "Lists the signatures in a container",
    .text = "For each signature: the first commit that has the root digest it is over, or a dash "
            "where none has; the first digits of that digest; whether it is the last commit's; "
            "whether the signature is valid, that is, made by the signer's key over this digest "
            "and time; when that was, by the signer's clock, in UTC; and the signer, with a name "
            "if the trust file has one.\n\n"
            "Who is not in your trust file may be anybody: a signature that is valid says that "
            "the holder of a key made it, not whom the key belongs to. `bfc verify "
            "--require-signature` answers whether a container is signed by somebody you "
            "trust.\n\n" TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .see = "bfc-sign bfc-verify bfc-log",
    .run = run,
};
