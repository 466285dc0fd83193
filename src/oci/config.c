/* SPDX-License-Identifier: Apache-2.0 */
/* Reading image configurations. What is not told is NULL, and so is the empty text, except in lists
 * and labels, where it means something. Nothing here says what the texts mean: users, ports and
 * signals are the runtime's. */
#include "oci/config.h"

#include "oci/descriptor.h"

enum {
    HISTORY_MAX = 8192
};

/* ── Lists ── */

static void texts_free(char **texts)
{
    for (char **p = texts; p && *p; p++)
        free(*p);
    free(texts);
}

static int read_texts(const bfci_json_node *n, char ***out, bfc_err *err)
{
    const size_t count = bfci_json_count(n);

    BFC_TRY(bfci_json_may_array(n, SIZE_MAX, err));
    if (!n->value)
        return 0;
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof **out, out, err));
    for (size_t i = 0; i < count; i++) {
        const bfci_json_node item = bfci_json_item(n, i);
        const char *text;
        BFC_TRY(bfci_json_need_text(&item, &text, err));
        BFC_TRY(bfci_strdup(text, &(*out)[i], err));
    }
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of an object's members, sorted. */
static int read_names(const bfci_json_node *n, char ***out, bfc_err *err)
{
    size_t i = 0;

    BFC_TRY(bfci_json_may_object(n, err));
    if (!n->value)
        return 0;
    const size_t count = json_object_size(n->value);
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof **out, out, err));
    for (void *at = json_object_iter(n->value); at; at = json_object_iter_next(n->value, at))
        BFC_TRY(bfci_strdup(json_object_iter_key(at), &(*out)[i++], err));
    qsort(*out, count, sizeof **out, compare_texts);
    return 0;
}

static int read_labels(const bfci_json_node *n, bfci_config *c, bfc_err *err)
{
    BFC_TRY(read_names(n, &c->label_keys, err));
    if (!n->value)
        return 0;
    const size_t count = json_object_size(n->value);
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof *c->label_values, &c->label_values, err));
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(n->value, c->label_keys[i]);
        if (!json_is_string(value) && !json_is_null(value))
            return bfci_json_fail(n, BFC_E_CORRUPT, err, "label '%s': a string was expected",
                                  BFCI_QUOTE_STR(c->label_keys[i]));
        const char *text = json_is_null(value) ? "" : json_string_value(value);
        BFC_TRY(bfci_strdup(text, &c->label_values[i], err));
    }
    return 0;
}

/* ── Parts ── */

static int read_history_entry(const bfci_json_node *n, bfci_history *h, bfc_err *err)
{
    const bfci_json_node created = bfci_json_member(n, "created");
    const bfci_json_node created_by = bfci_json_member(n, "created_by");
    const bfci_json_node comment = bfci_json_member(n, "comment");
    const bfci_json_node author = bfci_json_member(n, "author");
    const bfci_json_node empty = bfci_json_member(n, "empty_layer");

    BFC_TRY(bfci_json_need_object(n, err));
    BFC_TRY(bfci_json_may_copy(&created, &h->created, err));
    BFC_TRY(bfci_json_may_copy(&created_by, &h->created_by, err));
    BFC_TRY(bfci_json_may_copy(&comment, &h->comment, err));
    BFC_TRY(bfci_json_may_copy(&author, &h->author, err));
    if (empty.value && !json_is_boolean(empty.value))
        return bfci_json_fail(&empty, BFC_E_CORRUPT, err, "true or false was expected");
    h->empty_layer = json_is_true(empty.value);
    return 0;
}

static int read_history(const bfci_json_node *root, bfci_config *c, bfc_err *err)
{
    const bfci_json_node history = bfci_json_member(root, "history");
    const size_t count = bfci_json_count(&history);

    BFC_TRY(bfci_json_may_array(&history, HISTORY_MAX, err));
    BFC_TRY(bfci_alloc_zero(count, sizeof *c->history, &c->history, err));
    c->history_count = count;
    for (size_t i = 0; i < count; i++) {
        const bfci_json_node item = bfci_json_item(&history, i);
        BFC_TRY(read_history_entry(&item, &c->history[i], err));
    }
    return 0;
}

static int read_layers(const bfci_json_node *root, bfci_config *c, bfc_err *err)
{
    const bfci_json_node rootfs = bfci_json_member(root, "rootfs");
    const bfci_json_node type = bfci_json_member(&rootfs, "type");
    const bfci_json_node ids = bfci_json_member(&rootfs, "diff_ids");
    const size_t count = bfci_json_count(&ids);
    const char *text;

    BFC_TRY(bfci_json_need_object(&rootfs, err));
    BFC_TRY(bfci_json_may_text(&type, &text, err));
    if (text && strcmp(text, "layers") != 0)
        return bfci_json_fail(&type, BFC_E_UNSUPPORTED, err, "it is '%s', 'layers' was expected",
                              BFCI_QUOTE_STR(text));
    BFC_TRY(bfci_json_may_array(&ids, LAYERS_MAX, err));
    BFC_TRY(bfci_alloc_zero(count, sizeof *c->diff_id, &c->diff_id, err));
    c->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        const bfci_json_node item = bfci_json_item(&ids, i);
        BFC_TRY(bfci_json_need_digest(&item, &c->diff_id[i], err));
    }
    return 0;
}

static int read_execution(const bfci_json_node *root, bfci_config *c, bfc_err *err)
{
    const bfci_json_node config = bfci_json_member(root, "config");
    const bfci_json_node user = bfci_json_member(&config, "User");
    const bfci_json_node dir = bfci_json_member(&config, "WorkingDir");
    const bfci_json_node signal = bfci_json_member(&config, "StopSignal");
    const bfci_json_node env = bfci_json_member(&config, "Env");
    const bfci_json_node entrypoint = bfci_json_member(&config, "Entrypoint");
    const bfci_json_node cmd = bfci_json_member(&config, "Cmd");
    const bfci_json_node volumes = bfci_json_member(&config, "Volumes");
    const bfci_json_node ports = bfci_json_member(&config, "ExposedPorts");
    const bfci_json_node labels = bfci_json_member(&config, "Labels");

    BFC_TRY(bfci_json_may_object(&config, err));
    BFC_TRY(bfci_json_may_copy(&user, &c->user, err));
    BFC_TRY(bfci_json_may_copy(&dir, &c->working_dir, err));
    BFC_TRY(bfci_json_may_copy(&signal, &c->stop_signal, err));
    BFC_TRY(read_texts(&env, &c->env, err));
    BFC_TRY(read_texts(&entrypoint, &c->entrypoint, err));
    BFC_TRY(read_texts(&cmd, &c->cmd, err));
    BFC_TRY(read_names(&volumes, &c->volumes, err));
    BFC_TRY(read_names(&ports, &c->ports, err));
    return read_labels(&labels, c, err);
}

int bfci_config_parse(const uint8_t *json, size_t len, const char *what, bfci_config *out,
                      bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    AUTO_CONFIG bfci_config c = {0};
    bfci_json_node document;

    BFC_TRY(bfci_json_load(json, len, what, JSON_FOREIGN, &root, &document, err));
    const bfci_json_node created = bfci_json_member(&document, "created");
    const bfci_json_node author = bfci_json_member(&document, "author");
    const bfci_json_node features = bfci_json_member(&document, "os.features");
    BFC_TRY(bfci_platform_read(&document, &c.platform, err));
    BFC_TRY(read_texts(&features, &c.os_features, err));
    BFC_TRY(bfci_json_may_copy(&created, &c.created, err));
    BFC_TRY(bfci_json_may_copy(&author, &c.author, err));
    BFC_TRY(read_layers(&document, &c, err));
    BFC_TRY(read_history(&document, &c, err));
    BFC_TRY(read_execution(&document, &c, err));
    *out = c;
    c = (bfci_config){0};
    return 0;
}

void bfci_config_release(bfci_config *c)
{
    bfci_platform_release(&c->platform);
    texts_free(c->os_features);
    free(c->created);
    free(c->author);
    free(c->diff_id);
    for (size_t i = 0; i < c->history_count; i++) {
        free(c->history[i].created);
        free(c->history[i].created_by);
        free(c->history[i].comment);
        free(c->history[i].author);
    }
    free(c->history);
    free(c->user);
    free(c->working_dir);
    free(c->stop_signal);
    texts_free(c->env);
    texts_free(c->entrypoint);
    texts_free(c->cmd);
    texts_free(c->volumes);
    texts_free(c->ports);
    texts_free(c->label_keys);
    texts_free(c->label_values);
    *c = (bfci_config){0};
}
