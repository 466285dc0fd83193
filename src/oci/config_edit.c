/* SPDX-License-Identifier: Apache-2.0 */
/* Changing configurations: the document is changed in place, so that members nobody here knows stay
 * where they are. What is a user's wish is checked here (BFC_E_INVALID); what stands in the
 * document was checked by parsing it first. */
#include <ctype.h>

#include "oci/config.h"
#include "oci/json.h"

/* The object or array under `name`, made anew where there is none. Borrowed. */
static int open_member(json_t *in, const char *name, json_t *(*make)(void), json_t **out,
                       bfc_err *err)
{
    json_t *value = json_object_get(in, name);

    if (!value || json_is_null(value)) {
        value = make();
        BFC_TRY(bfci_json_put(in, name, value, err));
    }
    *out = value;
    return 0;
}

/* "": taken away. */
static int set_text(json_t *config, const char *name, const char *text, bfc_err *err)
{
    if (!text)
        return 0;
    if (*text)
        return bfci_json_put_text(config, name, text, err);
    (void)json_object_del(config, name);
    return 0;
}

/* An empty list: taken away. */
static int set_texts(json_t *config, const char *name, const char *const *texts, bfc_err *err)
{
    if (!texts)
        return 0;
    if (!*texts) {
        (void)json_object_del(config, name);
        return 0;
    }
    AUTO(json_t) json_t *list = json_array();
    for (; *texts; texts++) {
        json_t *text;
        BFC_TRY(bfci_json_text(*texts, &text, err));
        BFC_TRY(bfci_json_append(list, text, err));
    }
    return bfci_json_put(config, name, bfci_steal(&list), err);
}

/* The length of KEY in "KEY=value" or "KEY". */
static int key_len(const char *item, const char *kind, size_t *out, bfc_err *err)
{
    size_t len = strcspn(item, "=");

    if (len == 0)
        return bfci_fail(err, BFC_E_INVALID, "%s '%s' has no name: 'NAME=value' was expected", kind,
                         BFCI_QUOTE_STR(item));
    *out = len;
    return 0;
}

static bool has_key(const json_t *item, const char *key, size_t len)
{
    const char *text = json_string_value(item);

    return text && strncmp(text, key, len) == 0 && (text[len] == '=' || text[len] == '\0');
}

/* A variable that is there keeps its place; doubles of it go. */
static int set_variable(json_t *env, const char *item, bfc_err *err)
{
    AUTO(json_t) json_t *value = NULL;
    size_t len = 0;

    BFC_TRY(key_len(item, "variable", &len, err));
    if (item[len] == '=')
        BFC_TRY(bfci_json_text(item, &value, err));
    for (size_t i = 0; i < json_array_size(env);) {
        if (!has_key(json_array_get(env, i), item, len))
            i++;
        else if (!value)
            (void)json_array_remove(env, i);
        else if (json_array_set_new(env, i++, bfci_steal(&value)) < 0)
            return bfci_fail_nomem(err);
    }
    return value ? bfci_json_append(env, bfci_steal(&value), err) : 0;
}

static int set_variables(json_t *config, const char *const *items, bfc_err *err)
{
    json_t *env;

    if (!items || !*items)
        return 0;
    BFC_TRY(open_member(config, "Env", json_array, &env, err));
    for (; *items; items++)
        BFC_TRY(set_variable(env, *items, err));
    return 0;
}

static int set_label(json_t *labels, const char *item, bfc_err *err)
{
    AUTO_FREE char *key = NULL;
    AUTO(json_t) json_t *key_text = NULL;
    size_t len = 0;

    BFC_TRY(key_len(item, "label", &len, err));
    BFC_TRY(bfci_memdup_str(item, len, &key, err));
    BFC_TRY(bfci_json_text(key, &key_text, err)); /* is it UTF-8? */
    if (item[len] == '=')
        return bfci_json_put_text(labels, key, item + len + 1, err);
    (void)json_object_del(labels, key);
    return 0;
}

static int set_labels(json_t *config, const char *const *items, bfc_err *err)
{
    json_t *labels;

    if (!items || !*items)
        return 0;
    BFC_TRY(open_member(config, "Labels", json_object, &labels, err));
    for (; *items; items++)
        BFC_TRY(set_label(labels, *items, err));
    return 0;
}

/* ── Sets: objects whose members are empty objects ── */

typedef int check_fn(const char *item, bfc_err *err);

static int check_path(const char *path, const char *kind, bfc_err *err)
{
    if (*path == '/')
        return 0;
    return bfci_fail(err, BFC_E_INVALID, "%s '%s' is not an absolute path", kind,
                     BFCI_QUOTE_STR(path));
}

static int check_volume(const char *path, bfc_err *err)
{
    return check_path(path, "volume", err);
}

static int check_port(const char *port, bfc_err *err)
{
    static const char *const protocols[] = {"", "/tcp", "/udp", "/sctp"};
    unsigned number = 0;
    const char *p = port;

    for (; isdigit((unsigned char)*p) && number <= UINT16_MAX; p++)
        number = number * 10 + (unsigned)(*p - '0');
    if (*port != '0' && number >= 1 && number <= UINT16_MAX)
        for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
            if (strcmp(p, protocols[i]) == 0)
                return 0;
    return bfci_fail(err, BFC_E_INVALID,
                     "port '%s' is not allowed: '80', '80/tcp', '80/udp' or "
                     "'80/sctp' was expected",
                     BFCI_QUOTE_STR(port));
}

static int add_to_set(json_t *config, const char *name, const char *const *items, check_fn *check,
                      bfc_err *err)
{
    json_t *set;

    if (!items || !*items)
        return 0;
    BFC_TRY(open_member(config, name, json_object, &set, err));
    for (; *items; items++) {
        AUTO(json_t) json_t *text = NULL;
        BFC_TRY(check(*items, err));
        BFC_TRY(bfci_json_text(*items, &text, err)); /* is it UTF-8? */
        if (!json_object_get(set, *items))
            BFC_TRY(bfci_json_put(set, *items, json_object(), err));
    }
    return 0;
}

/* ── Layers and history ── */

static int set_layers(json_t *root, const bfci_config_edit *edit, bfc_err *err)
{
    json_t *rootfs;
    AUTO(json_t) json_t *ids = json_array();
    char text[DIGEST_TEXT_SIZE];

    if (!edit->set_layers)
        return 0;
    BFC_TRY(open_member(root, "rootfs", json_object, &rootfs, err));
    if (!json_object_get(rootfs, "type"))
        BFC_TRY(bfci_json_put_text(rootfs, "type", "layers", err));
    for (size_t i = 0; i < edit->diff_id_count; i++) {
        bfci_digest_text(&edit->diff_ids[i], text);
        BFC_TRY(bfci_json_append(ids, json_string(text), err));
    }
    return bfci_json_put(rootfs, "diff_ids", bfci_steal(&ids), err);
}

static int make_entry(const bfci_history *h, json_t **out, bfc_err *err)
{
    AUTO(json_t) json_t *entry = json_object();
    const struct {
        const char *name, *text;
    } members[] = {
        {"created", h->created},
        {"created_by", h->created_by},
        {"author", h->author},
        {"comment", h->comment},
    };

    if (!entry)
        return bfci_fail_nomem(err);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].text)
            BFC_TRY(bfci_json_put_text(entry, members[i].name, members[i].text, err));
    if (h->empty_layer)
        BFC_TRY(bfci_json_put(entry, "empty_layer", json_true(), err));
    *out = bfci_steal(&entry);
    return 0;
}

static int set_history(json_t *root, const bfci_config_edit *edit, bfc_err *err)
{
    json_t *history;

    if (!edit->drop_history && edit->history_count == 0)
        return 0;
    BFC_TRY(open_member(root, "history", json_array, &history, err));
    if (edit->drop_history)
        (void)json_array_clear(history);
    for (size_t i = 0; i < edit->history_count; i++) {
        json_t *entry = NULL;
        BFC_TRY(make_entry(&edit->history[i], &entry, err));
        BFC_TRY(bfci_json_append(history, entry, err));
    }
    return 0;
}

/* ── All of it ── */

static bool has_items(const char *const *list)
{
    return list && *list;
}

static bool changes_execution(const bfci_config_edit *e)
{
    return e->user || e->working_dir || e->stop_signal || e->entrypoint || e->cmd ||
           has_items(e->env) || has_items(e->labels) || has_items(e->volumes) ||
           has_items(e->ports);
}

static int set_execution(json_t *root, const bfci_config_edit *edit, bfc_err *err)
{
    json_t *config;

    if (!changes_execution(edit))
        return 0;
    if (edit->working_dir && *edit->working_dir)
        BFC_TRY(check_path(edit->working_dir, "working directory", err));
    BFC_TRY(open_member(root, "config", json_object, &config, err));
    BFC_TRY(set_text(config, "User", edit->user, err));
    BFC_TRY(add_to_set(config, "ExposedPorts", edit->ports, check_port, err));
    BFC_TRY(set_variables(config, edit->env, err));
    BFC_TRY(set_texts(config, "Entrypoint", edit->entrypoint, err));
    if (edit->entrypoint && !edit->cmd)
        (void)json_object_del(config, "Cmd"); /* it was arguments for the old entrypoint */
    BFC_TRY(set_texts(config, "Cmd", edit->cmd, err));
    BFC_TRY(add_to_set(config, "Volumes", edit->volumes, check_volume, err));
    BFC_TRY(set_text(config, "WorkingDir", edit->working_dir, err));
    BFC_TRY(set_labels(config, edit->labels, err));
    return set_text(config, "StopSignal", edit->stop_signal, err);
}

int bfci_config_edit_apply(const uint8_t *json, size_t len, const bfci_config_edit *edit,
                           char **out, bfc_err *err)
{
    static const char what[] = "the image's configuration";
    AUTO(json_t) json_t *root = NULL;
    AUTO_CONFIG bfci_config checked = {0};
    bfci_json_node document;

    BFC_TRY(bfci_config_parse(json, len, what, &checked, err));
    BFC_TRY(bfci_json_load(json, len, what, JSON_FOREIGN, &root, &document, err));
    if (edit->created)
        BFC_TRY(bfci_json_put_text(root, "created", edit->created, err));
    BFC_TRY(set_execution(root, edit, err));
    BFC_TRY(set_layers(root, edit, err));
    BFC_TRY(set_history(root, edit, err));
    return bfci_json_dump(root, out, err);
}
