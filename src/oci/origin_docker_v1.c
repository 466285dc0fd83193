/* SPDX-License-Identifier: Apache-2.0 */
/* The oldest archives of docker save (before 1.10): a file "repositories" that names top layers,
 * and a folder for each layer with its tar, and with a "json" that tells the parent. An image's
 * configuration is made of them as docker itself migrated such images: that of the top layer less
 * what belonged to the layer, with the diffIDs, which are computed here, and with each layer's
 * story as history. */
#include "oci/json.h"
#include "oci/origin_parts.h"

enum {
    REPOSITORIES_SIZE_MAX = 1 << 20,
    JSON_SIZE_MAX = 256 << 10
};

/* Layers from the top down. */
struct chain {
    json_t *config;  /* the top layer's json */
    json_t *history; /* an array, the top first */
    char *id[LAYERS_MAX];
    size_t count;
    size_t json_size; /* bytes of all their json: what of them is kept goes into one config */
};

static void chain_free(struct chain *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->id[i]);
    json_decref(c->config);
    json_decref(c->history);
    free(c);
}
typedef struct chain chain;
BFCI_DEFINE_AUTO(chain, chain_free)

/* ── Which layer is on top ── */

struct pick {
    const char *ref;
    const char *id;  /* of the last that fits */
    bool is_several; /* with different ids */
    bfci_choices choices;
};

static int pick_tag(struct pick *p, const char *repository, const char *tag_name,
                    const bfci_json_node *tag, bfc_err *err)
{
    AUTO_FREE char *name = NULL;
    const char *id = NULL;

    BFC_TRY(bfci_json_need_text(tag, &id, err));
    BFC_TRY(bfci_asprintf(&name, err, "%s:%s", repository, tag_name));
    bfci_choices_add(&p->choices, name);
    if (p->ref && !bfci_docker_name_equal(name, p->ref))
        return 0;
    p->is_several = p->is_several || (p->id && strcmp(p->id, id) != 0);
    p->id = id;
    return 0;
}

/* A member whose name is a stranger's: it is quoted where a message tells the place. */
static bfci_json_node quoted_member(const bfci_json_node *object, const char *name,
                                    struct bfci_quoted *quoted)
{
    bfci_json_node n = bfci_json_member(object, name);

    *quoted = bfci_quote_bytes(name, strlen(name));
    n.name = quoted->text;
    return n;
}

static int pick_all(struct pick *p, const bfci_json_node *repositories, bfc_err *err)
{
    const char *repository = NULL, *name = NULL;
    json_t *value = NULL;

    json_object_foreach(repositories->value, repository, value)
    {
        struct bfci_quoted quoted[2];
        const bfci_json_node tags = quoted_member(repositories, repository, &quoted[0]);
        BFC_TRY(bfci_json_need_object(&tags, err));
        json_t *id = NULL;
        json_object_foreach(tags.value, name, id)
        {
            const bfci_json_node tag = quoted_member(&tags, name, &quoted[1]);
            BFC_TRY(pick_tag(p, repository, name, &tag, err));
        }
    }
    return 0;
}

static int find_top(const bfci_json_node *repositories, const char *ref, char **id, bfc_err *err)
{
    struct pick p = {.ref = ref, .choices = BFCI_CHOICES_INIT};

    int rc = pick_all(&p, repositories, err);
    if (rc == 0 && !p.id)
        rc = bfci_fail(err, BFC_E_NOT_FOUND, "there is no reference '%s': %s",
                       BFCI_QUOTE_STR(ref ? ref : ""), bfci_choices_text(&p.choices));
    else if (rc == 0 && p.is_several)
        rc = bfci_fail(err, BFC_E_INVALID, "it has several images, a reference is needed: %s",
                       bfci_choices_text(&p.choices));
    else if (rc == 0)
        rc = bfci_strdup(p.id, id, err);
    bfci_choices_release(&p.choices);
    return rc;
}

/* ── The layers below it ── */

/* What a command was is told as its words. */
static int put_command(json_t *entry, const bfci_json_node *layer, bfc_err *err)
{
    const bfci_json_node container = bfci_json_member(layer, "container_config");
    const bfci_json_node words = bfci_json_member(&container, "Cmd");
    AUTO_BUF buf text = BUF_INIT;
    const char *word = NULL;

    for (size_t i = 0; i < bfci_json_count(&words); i++) {
        const bfci_json_node item = bfci_json_item(&words, i);
        BFC_TRY(bfci_json_need_text(&item, &word, err));
        bfci_buf_printf(&text, "%s%s", i ? " " : "", word);
    }
    if (text.len == 0)
        return buf_check(&text, err);
    buf_u8(&text, '\0');
    BFC_TRY(buf_check(&text, err));
    return bfci_json_put_text(entry, "created_by", (const char *)text.data, err);
}

static int put_history(json_t *history, const bfci_json_node *layer, bfc_err *err)
{
    static const char *const names[] = {"created", "author", "comment"};
    AUTO(json_t) json_t *entry = json_object();

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const bfci_json_node member = bfci_json_member(layer, names[i]);
        const char *text = NULL;
        BFC_TRY(bfci_json_may_text(&member, &text, err));
        if (text && *text)
            BFC_TRY(bfci_json_put_text(entry, names[i], text, err));
    }
    BFC_TRY(put_command(entry, layer, err));
    return bfci_json_append(history, json_incref(entry), err);
}

/* Reads ID/json; *parent is NULL at the lowest. */
static int read_layer(const bfci_files *f, chain *c, const char *id, char **parent, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    AUTO_FREE uint8_t *json = NULL;
    AUTO_FREE char *name = NULL;
    bfci_json_node layer;
    size_t len = 0;

    BFC_TRY(bfci_asprintf(&name, err, "%s/json", id));
    BFC_TRY(bfci_files_read(f, name, JSON_SIZE_MAX, &json, &len, err));
    c->json_size += len;
    if (c->json_size > CONFIG_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the 'json' of its layers have more than %d bytes",
                         CONFIG_SIZE_MAX);
    struct bfci_quoted what = bfci_quote_bytes(name, strlen(name));
    BFC_TRY(bfci_json_load(json, len, what.text, JSON_FOREIGN, &root, &layer, err));
    const bfci_json_node up = bfci_json_member(&layer, "parent");
    BFC_TRY(bfci_json_may_copy(&up, parent, err));
    BFC_TRY(put_history(c->history, &layer, err));
    if (!c->config)
        c->config = bfci_steal(&root);
    return 0;
}

static int read_chain(const bfci_files *f, char **top, chain *c, bfc_err *err)
{
    AUTO_FREE char *id = bfci_steal(top);

    c->history = json_array();
    if (!c->history)
        return bfci_fail_nomem(err);
    while (id) {
        AUTO_FREE char *parent = NULL;
        if (c->count == LAYERS_MAX)
            return bfci_fail(err, BFC_E_LIMIT,
                             "the image has more than %d layers, or they are in a circle",
                             LAYERS_MAX);
        BFC_TRY(read_layer(f, c, id, &parent, err));
        c->id[c->count++] = id;
        id = bfci_steal(&parent);
    }
    return 0;
}

/* ── The image ── */

static int add_layers(const bfci_files *f, const chain *c, bfci_docker_image *out, bfc_err *err)
{
    BFC_TRY(bfci_alloc_zero(c->count, sizeof *out->layer, &out->layer, err));
    BFC_TRY(bfci_alloc_zero(c->count, sizeof *out->diff_id, &out->diff_id, err));
    out->layer_count = c->count;
    for (size_t i = 0; i < c->count; i++) {
        AUTO_PIECE bfci_piece piece = BFCI_PIECE_INIT;
        BFC_TRY(bfci_asprintf(&out->layer[i], err, "%s/layer.tar", c->id[c->count - 1 - i]));
        BFC_TRY(bfci_files_find(f, out->layer[i], &piece, err));
        int rc = bfci_piece_digest(&piece, NULL, &out->diff_id[i], err);
        if (rc < 0)
            return bfci_wrap(err, rc, "'%s'", BFCI_QUOTE_STR(out->layer[i]));
    }
    return 0;
}

static int make_config(const chain *c, bfci_docker_image *out, bfc_err *err)
{
    static const char *const of_layer[] = {"id",       "parent", "parent_id",
                                           "layer_id", "Size",   "throwaway"};
    AUTO(json_t) json_t *rootfs = json_object(), *history = json_array(), *ids = json_array();
    char *text = NULL;

    if (!rootfs || !history || !ids)
        return bfci_fail_nomem(err);
    for (size_t i = 0; i < ARRAY_LEN(of_layer); i++)
        (void)json_object_del(c->config, of_layer[i]); /* most have not all of them */
    for (size_t i = 0; i < c->count; i++) {
        char digest[DIGEST_TEXT_SIZE];
        bfci_digest_text(&out->diff_id[i], digest);
        BFC_TRY(bfci_json_append(ids, json_string(digest), err));
        json_t *entry = json_array_get(c->history, c->count - 1 - i);
        BFC_TRY(bfci_json_append(history, json_incref(entry), err));
    }
    BFC_TRY(bfci_json_put_text(rootfs, "type", "layers", err));
    BFC_TRY(bfci_json_put(rootfs, "diff_ids", bfci_steal(&ids), err));
    BFC_TRY(bfci_json_put(c->config, "rootfs", bfci_steal(&rootfs), err));
    BFC_TRY(bfci_json_put(c->config, "history", bfci_steal(&history), err));
    BFC_TRY(bfci_json_dump(c->config, &text, err));
    out->config = (uint8_t *)text;
    out->config_len = strlen(text);
    return 0;
}

int bfci_docker_v1_read(const bfci_files *f, const char *ref, bfci_docker_image *out, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    AUTO(chain) chain *c = NULL;
    AUTO_FREE uint8_t *json = NULL;
    AUTO_FREE char *top = NULL;
    bfci_json_node repositories;
    size_t len = 0;

    BFC_TRY(bfci_files_read(f, "repositories", REPOSITORIES_SIZE_MAX, &json, &len, err));
    BFC_TRY(bfci_json_load(json, len, "repositories", JSON_FOREIGN, &root, &repositories, err));
    BFC_TRY(find_top(&repositories, ref, &top, err));
    BFC_TRY(bfci_alloc_zero(1, sizeof *c, &c, err));
    BFC_TRY(read_chain(f, &top, c, err));
    BFC_TRY(add_layers(f, c, out, err));
    return make_config(c, out, err);
}
