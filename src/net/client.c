/* SPDX-License-Identifier: Apache-2.0 */
/* The client: what was configured, read once. */
#include "net/client.h"

static int read_configuration(bfci_client *c, bfc_err *err)
{
    AUTO_REGISTRIES_PLACES bfci_registries_places places = {0};

    BFC_TRY(bfci_registries_find_places(&places, err));
    BFC_TRY(bfci_registries_load(&places, &c->conf, err));
    c->aliases = bfci_steal(&places.aliases);
    return 0;
}

int bfci_client_open(const bfc_registry_options *options, bfci_client **out, bfc_err *err)
{
    static const bfc_registry_options defaults = BFC_REGISTRY_OPTIONS_INIT;
    AUTO(bfci_client) bfci_client *c = NULL;
    bfci_http_options http = BFCI_HTTP_OPTIONS_INIT;

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_REGISTRY_OPTIONS_INIT, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    c->hooks = options->hooks;
    c->tls_verify = options->tls_verify;
    c->choose = options->choose;
    c->choose_ctx = options->choose_ctx;
    BFC_TRY(read_configuration(c, err));
    c->credentials = (bfci_credential_options){.file = options->auth_file,
                                               .helpers = (const char *const *)c->conf.helpers,
                                               .hooks = options->hooks};
    http.hooks = options->hooks;
    http.cert_dir = options->cert_dir;
    BFC_TRY(bfci_http_open(&http, &c->http, err));
    *out = bfci_steal(&c);
    return 0;
}

void bfci_client_close(bfci_client *c)
{
    if (!c)
        return;
    bfci_http_close(c->http);
    bfci_registries_release(&c->conf);
    free(c->aliases);
    free(c);
}

bool bfci_client_is_insecure(const bfci_client *c, const bfci_endpoint *endpoint)
{
    return c->tls_verify == BFC_TLS_VERIFY_OFF ||
           (c->tls_verify == BFC_TLS_VERIFY_DEFAULT && endpoint->insecure);
}
