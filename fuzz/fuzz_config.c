/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations: what was read can be changed, and what was changed reads as it was wished. */
#include "fuzz.h"

#include "oci/config.h"

static size_t length(char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

static bool holds(char *const *list, const char *text)
{
    for (; list && *list; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

static void check_lists(const bfci_config *c)
{
    FUZZ_CHECK(c->layer_count <= LAYERS_MAX && length(c->label_keys) == length(c->label_values));
    for (size_t i = 1; i < length(c->label_keys); i++)
        FUZZ_CHECK(strcmp(c->label_keys[i - 1], c->label_keys[i]) < 0);
    for (size_t i = 1; i < length(c->volumes); i++)
        FUZZ_CHECK(strcmp(c->volumes[i - 1], c->volumes[i]) < 0);
}

/* Nothing is changed: the same document, however often it is written. */
static void check_same(const uint8_t *data, size_t size)
{
    const bfci_config_edit none = {0};
    AUTO_FREE char *once = NULL;
    AUTO_FREE char *twice = NULL;

    FUZZ_CHECK(bfci_config_edit_apply(data, size, &none, &once, NULL) == 0);
    FUZZ_CHECK(bfci_config_edit_apply((const uint8_t *)once, strlen(once), &none, &twice, NULL) ==
               0);
    FUZZ_CHECK(strcmp(once, twice) == 0);
}

static void check_edit(const bfci_config *before, const uint8_t *data, size_t size)
{
    static char by[] = "fuzz";
    const bfci_history entry = {.created_by = by, .empty_layer = true};
    const bfci_digest id = {{1}};
    const bfci_config_edit edit = {
        .user = "u",
        .working_dir = "",
        .entrypoint = (const char *const[]){"/e", NULL},
        .env = (const char *const[]){"A=1", "B", NULL},
        .labels = (const char *const[]){"a=1", "b", NULL},
        .volumes = (const char *const[]){"/v", NULL},
        .ports = (const char *const[]){"80/tcp", NULL},
        .diff_ids = &id,
        .diff_id_count = 1,
        .set_layers = true,
        .drop_history = before->history_count > 2,
        .history = &entry,
        .history_count = 1,
    };
    AUTO_FREE char *json = NULL;
    AUTO_CONFIG bfci_config c = {0};

    FUZZ_CHECK(bfci_config_edit_apply(data, size, &edit, &json, NULL) == 0);
    FUZZ_CHECK(bfci_config_parse((const uint8_t *)json, strlen(json), "edited", &c, NULL) == 0);
    check_lists(&c);
    FUZZ_CHECK(strcmp(c.user, "u") == 0 && !c.working_dir && !c.cmd && holds(c.entrypoint, "/e"));
    FUZZ_CHECK(holds(c.env, "A=1") && !holds(c.env, "B") && holds(c.label_keys, "a") &&
               !holds(c.label_keys, "b") && holds(c.volumes, "/v") && holds(c.ports, "80/tcp"));
    FUZZ_CHECK(c.layer_count == 1 && bfci_digest_equal(&c.diff_id[0], &id));
    FUZZ_CHECK(c.history_count == (edit.drop_history ? 0 : before->history_count) + 1);
    FUZZ_CHECK(c.history[c.history_count - 1].empty_layer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_CONFIG bfci_config c = {0};
    AUTO_FREE char *text = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_config_parse(data, size, "document", &c, &err) < 0) {
        FUZZ_CHECK(err.msg[0]);
        return 0;
    }
    check_lists(&c);
    (void)bfci_platform_text(&c.platform, &text, NULL);
    check_same(data, size);
    check_edit(&c, data, size);
    return 0;
}
