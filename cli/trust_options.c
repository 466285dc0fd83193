/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a bfc_trust. A signer's key is no secret, so it may be an argument. */
#include "trust_options.h"

#include <string.h>

static int add_key(bfc_trust *trust, const char *key, bfc_err *err)
{
    static const char prefix[] = "bfc-";

    /* Whoever has a file of such a name calls it ./bfc-… */
    if (strncmp(key, prefix, sizeof prefix - 1) == 0 && strchr(key, ':'))
        return bfc_trust_add_signer(trust, NULL, key, err);
    return bfc_trust_add_signer_file(trust, key, err);
}

static int add_all(const struct args *args, bfc_trust *trust, bfc_err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < args->given_count; i++) {
        const struct given *g = &args->given[i];
        if (g->option->id == OPT_KEY)
            rc = add_key(trust, g->value, err);
        else if (g->option->id == OPT_TRUST)
            rc = bfc_trust_add_file(trust, g->value, err);
        else if (g->option->id == OPT_SIGNATURE)
            rc = bfc_trust_add_signatures(trust, g->value, err);
    }
    if (rc == 0 && !args_has(args, OPT_KEY) && !args_has(args, OPT_TRUST))
        rc = bfc_trust_add_default(trust, err);
    return rc;
}

int trust_options_read(struct cli *cli, const struct args *args, bfc_trust **out)
{
    static const enum option_id asks[] = {OPT_REQUIRE_SIGNATURE, OPT_KEY, OPT_TRUST, OPT_SIGNATURE};
    AUTO(bfc_trust) bfc_trust *trust = NULL;
    bfc_err err = BFC_ERR_INIT;
    bool asked = false;

    *out = NULL;
    for (size_t i = 0; i < ARRAY_LEN(asks); i++)
        asked = asked || args_has(args, asks[i]);
    if (!asked)
        return EXIT_DONE;
    if (bfc_trust_new(&trust, &err) < 0 || add_all(args, trust, &err) < 0)
        return cli_fail_hint(cli, &err, BFC_E_NOT_FOUND, "--key or --trust say who is trusted");
    *out = trust;
    trust = NULL;
    return EXIT_DONE;
}

void trust_json(json_t *o, const bfc_trust *trust, const uint8_t signer[BFC_SIGNER_SIZE])
{
    char text[BFC_KEY_TEXT_MAX];
    const char *name = NULL;

    bfc_signer_text(signer, text);
    json_put_str(o, "signer", text);
    if (trust && bfc_trust_has(trust, signer, &name) && *name)
        json_put_bytes(o, "name", name, strlen(name));
}

void trust_words(struct text *t, const bfc_trust *trust, const uint8_t signer[BFC_SIGNER_SIZE])
{
    char text[BFC_KEY_TEXT_MAX];
    const char *name = NULL;

    bfc_signer_text(signer, text);
    if (!trust || !bfc_trust_has(trust, signer, &name) || !*name) {
        text_str(t, text);
        return;
    }
    text_escaped(t, name, strlen(name), ESCAPE_TERMINAL);
    text_fmt(t, " (%s)", text);
}
