/* SPDX-License-Identifier: Apache-2.0 */
/* TOML and registries.conf: what was read is sorted and complete, and every name gets an answer by
 * it. */
#include "fuzz.h"

#include "net/registries_conf.h"

static void check_tables(const bfci_registries *r)
{
    for (size_t i = 0; i < r->rule_count; i++) {
        const bfci_registry_rule *rule = &r->rule[i];
        FUZZ_CHECK(rule->prefix && rule->prefix[0]);
        FUZZ_CHECK(i == 0 || strcmp(r->rule[i - 1].prefix, rule->prefix) < 0);
        for (size_t m = 0; m < rule->mirror_count; m++)
            FUZZ_CHECK(rule->mirror[m].location && rule->mirror[m].location[0]);
    }
    for (size_t i = 0; i < r->alias_count; i++) {
        FUZZ_CHECK(i == 0 || strcmp(r->alias[i - 1].name, r->alias[i].name) < 0);
        FUZZ_CHECK(bfci_registries_alias(r, r->alias[i].name) == &r->alias[i]);
    }
}

static void ask(const bfci_registries *r, const char *name)
{
    AUTO_ENDPOINTS bfci_endpoints e = BFCI_ENDPOINTS_INIT;
    bfci_endpoint push;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_registries_pull_endpoints(r, name, &e, &err) == 0)
        FUZZ_CHECK(e.count > 0);
    else
        FUZZ_CHECK(err.msg[0] && e.count == 0);
    (void)bfci_registries_push_endpoint(r, name, &push, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_REGISTRIES bfci_registries r = BFCI_REGISTRIES_INIT;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_registries_add(&r, data, size, "f", &err) < 0) {
        FUZZ_CHECK(err.msg[0] && r.rule_count == 0 && r.alias_count == 0);
        return 0;
    }
    check_tables(&r);
    FUZZ_CHECK(bfci_registries_add(&r, data, size, "f", NULL) == 0);
    check_tables(&r);
    ask(&r, "example.com/foo/image:1");
    for (size_t i = 0; i < r.rule_count && i < 4; i++) {
        AUTO_FREE char *name = NULL;
        FUZZ_CHECK(bfci_asprintf(&name, NULL, "%s/image", r.rule[i].prefix) == 0);
        ask(&r, name);
    }
    for (size_t i = 0; i < r.alias_count && i < 4; i++)
        ask(&r, r.alias[i].name);
    return 0;
}
