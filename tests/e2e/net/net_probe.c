/* SPDX-License-Identifier: Apache-2.0 */
/* Tells what the library knows of configuration and logins.
 *
 * usage: net_probe toml FILE            the document as JSON
 *        net_probe endpoints NAME       whom to ask for an image, a line each: "insecure " or
 * "secure " and the name there; by the environment's configuration net_probe find NAME the login at
 * a registry: "user password token", "-" for none net_probe store NAME USER PASSWORD     keeps one
 * (of a test: secrets are no arguments else) net_probe erase NAME
 *
 * Exit 1, and a message on stderr, on failure; 4 where there is no login. */
#include <fcntl.h>
#include <stdio.h>

#include "net/credentials.h"
#include "net/registries_conf.h"
#include "sys/file.h"

static int tell_toml(char **args, bfc_err *err)
{
    AUTO_TOML bfci_toml doc = {NULL, NULL, BFCI_MAP_INIT};
    AUTO_FREE uint8_t *text = NULL;
    AUTO_FREE char *json = NULL;
    size_t len = 0;

    BFC_TRY(bfci_read_file(AT_FDCWD, args[0], 2 * TOML_SIZE_MAX, &text, &len, err));
    BFC_TRY(bfci_toml_parse(text, len, args[0], &doc, err));
    BFC_TRY(bfci_json_dump(doc.root, &json, err));
    puts(json);
    return 0;
}

static int tell_endpoints(char **args, bfc_err *err)
{
    AUTO_REGISTRIES_PLACES bfci_registries_places places = {NULL, false, {NULL, NULL}, NULL, NULL};
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;
    AUTO_ENDPOINTS bfci_endpoints e = BFCI_ENDPOINTS_INIT;
    char text[REMOTE_TEXT_SIZE];

    BFC_TRY(bfci_registries_find_places(&places, err));
    BFC_TRY(bfci_registries_load(&places, &r, err));
    BFC_TRY(bfci_registries_pull_endpoints(&r, args[0], &e, err));
    for (size_t i = 0; i < e.count; i++) {
        bfci_remote_ref_text(&e.item[i].ref, text);
        printf("%s %s\n", e.item[i].insecure ? "insecure" : "secure", text);
    }
    return 0;
}

static int tell_login(char **args, bfc_err *err)
{
    const bfci_credential_options options = BFCI_CREDENTIAL_OPTIONS_INIT;
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    bool found = false;

    BFC_TRY(bfci_credentials_find(args[0], &options, &c, &found, err));
    if (!found)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no login");
    printf("%s %s %s\n", c.username ? c.username : "-", c.password ? c.password : "-",
           c.identity_token ? c.identity_token : "-");
    return 0;
}

static int store(char **args, bfc_err *err)
{
    const bfci_credential_options options = BFCI_CREDENTIAL_OPTIONS_INIT;
    AUTO_FREE char *where = NULL;

    BFC_TRY(bfci_credentials_store(args[0], args[1], args[2], &options, &where, err));
    puts(where);
    return 0;
}

static int erase(char **args, bfc_err *err)
{
    const bfci_credential_options options = BFCI_CREDENTIAL_OPTIONS_INIT;

    return bfci_credentials_erase(args[0], &options, err);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int args;
        int (*run)(char **args, bfc_err *err);
    } words[] = {{"toml", 1, tell_toml},
                 {"endpoints", 1, tell_endpoints},
                 {"find", 1, tell_login},
                 {"store", 3, store},
                 {"erase", 1, erase}};
    bfc_err err = BFC_ERR_INIT;

    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(words); i++)
        if (strcmp(argv[1], words[i].name) == 0 && argc == 2 + words[i].args) {
            int rc = words[i].run(argv + 2, &err);
            if (rc < 0)
                fprintf(stderr, "%s\n", err.msg);
            return rc == BFC_E_NOT_FOUND ? 4 : rc < 0;
        }
    fprintf(stderr, "usage: net_probe toml|endpoints|find|store|erase ARGUMENT…\n");
    return 2;
}
