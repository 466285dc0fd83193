/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to bfc_registry_options. */
#include "registry_options.h"

#include "choose.h"
#include "value.h"

int parallel_read(struct cli *cli, const struct args *args, unsigned *out)
{
    const char *parallel = args_value(args, OPT_PARALLEL);
    AUTO_TEXT struct text problem = {0};
    uint64_t number = 0;

    if (parallel && value_number(parallel, "--parallel", 1, 16, &number, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    *out = (unsigned)number;
    return EXIT_DONE;
}

int registry_options_read(struct cli *cli, const struct args *args, bfc_registry_options *out)
{
    const char *verify = args_value(args, OPT_TLS_VERIFY);
    AUTO_TEXT struct text problem = {0};
    int chosen = 0;

    if (verify && value_choice(verify, "--tls-verify", "true false", &chosen, &problem) < 0)
        return cli_usage(cli, "%s", text_of(&problem));
    if (verify)
        out->tls_verify = chosen == 0 ? BFC_TLS_VERIFY_ON : BFC_TLS_VERIFY_OFF;
    out->auth_file = args_value(args, OPT_AUTH_FILE);
    out->cert_dir = args_value(args, OPT_CERT_DIR);
    out->hooks = &cli->hooks;
    if (choose_wanted(cli)) {
        out->choose = choose_name;
        out->choose_ctx = cli;
    }
    return EXIT_DONE;
}
