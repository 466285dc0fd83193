/* SPDX-License-Identifier: Apache-2.0 */
/* The blob "bfc/image.json", out and in. It is ours, so it is read strictly: double members are
 * damage, and every member that an image needs must be there. Members that are not known are passed
 * over: a later version may have added them. */
#include "oci/facts.h"

#include "oci/json.h"
#include "oci/platform.h"

#define SCHEMA "bfc.image/1"
#define SOURCE_DIRECTORY "directory"
#define SOURCE_OCI "oci"
#define SOURCE_ARTIFACT "artifact"
#define LIST_LAYERS "layers"
#define LIST_BLOBS "blobs" /* of an artifact */

void bfci_facts_release(bfci_facts *f)
{
    for (size_t i = 0; i < f->image_count; i++) {
        bfci_image_facts *image = &f->image[i];
        for (size_t n = 0; n < image->layer_count; n++)
            free(image->layer[n].media_type);
        free(image->layer);
        free(image->platform);
    }
    free(f->image);
    free(f->platform);
    free(f->source);
    *f = (bfci_facts){0};
}

const char *bfci_facts_source(const bfci_facts *f)
{
    if (f->image_count == 0)
        return SOURCE_DIRECTORY;
    return bfci_facts_of_artifact(f) ? SOURCE_ARTIFACT : SOURCE_OCI;
}

/* ── Out ── */

static int put_descriptor(json_t *object, const bfci_layer_facts *l, bfc_err *err)
{
    BFC_TRY(bfci_json_put_digest(object, "digest", &l->digest, err));
    BFC_TRY(bfci_json_put_text(object, "media_type", l->media_type, err));
    return bfci_json_put_number(object, "size", l->size, err);
}

static int make_layer(const bfci_layer_facts *l, bool is_blob, json_t **out, bfc_err *err)
{
    AUTO(json_t) json_t *layer = json_object();

    if (!layer)
        return bfci_fail_nomem(err);
    if (!is_blob)
        BFC_TRY(bfci_json_put_digest(layer, "diff_id", &l->diff_id, err));
    BFC_TRY(put_descriptor(layer, l, err));
    if (!is_blob) {
        BFC_TRY(bfci_json_put_number(layer, "tree", l->tree, err));
        BFC_TRY(bfci_json_put_number(layer, "tar_size", l->tar_size, err));
        BFC_TRY(bfci_json_put_number(layer, "parts", l->parts, err));
        BFC_TRY(bfci_json_put_number(layer, "files", l->files, err));
    }
    *out = bfci_steal(&layer);
    return 0;
}

static int put_platform(json_t *object, const char *platform, bfc_err *err)
{
    return platform ? bfci_json_put_text(object, "platform", platform, err) : 0;
}

static int make_image(const bfci_image_facts *i, json_t **out, bfc_err *err)
{
    AUTO(json_t) json_t *image = json_object();
    AUTO(json_t) json_t *layers = json_array();

    if (!image)
        return bfci_fail_nomem(err);
    BFC_TRY(put_platform(image, i->platform, err));
    BFC_TRY(bfci_json_put_digest(image, "manifest", &i->manifest, err));
    BFC_TRY(bfci_json_put_digest(image, "config", &i->config, err));
    BFC_TRY(bfci_json_put_number(image, "tree", i->tree, err));
    BFC_TRY(bfci_json_put_number(image, "entries", i->entries, err));
    BFC_TRY(bfci_json_put_number(image, "content", i->content, err));
    for (size_t n = 0; n < i->layer_count; n++) {
        json_t *layer = NULL;
        BFC_TRY(make_layer(&i->layer[n], i->is_artifact, &layer, err));
        BFC_TRY(bfci_json_append(layers, layer, err));
    }
    BFC_TRY(
        bfci_json_put(image, i->is_artifact ? LIST_BLOBS : LIST_LAYERS, bfci_steal(&layers), err));
    *out = bfci_steal(&image);
    return 0;
}

static int put_images(json_t *root, const bfci_facts *f, bfc_err *err)
{
    AUTO(json_t) json_t *images = json_array();

    if (f->image_count == 0)
        return 0;
    for (size_t i = 0; i < f->image_count; i++) {
        json_t *image = NULL;
        BFC_TRY(make_image(&f->image[i], &image, err));
        BFC_TRY(bfci_json_append(images, image, err));
    }
    return bfci_json_put(root, "images", bfci_steal(&images), err);
}

int bfci_facts_encode(const bfci_facts *f, char **json, bfc_err *err)
{
    AUTO(json_t) json_t *root = json_object();
    AUTO_FREE char *text = NULL;

    if (!root)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put_text(root, "schema", SCHEMA, err));
    BFC_TRY(put_platform(root, f->platform, err));
    BFC_TRY(bfci_json_put_text(root, "source", f->source, err));
    BFC_TRY(put_images(root, f, err));
    BFC_TRY(bfci_json_dump(root, &text, err));
    if (strlen(text) > FACTS_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "the images have too many layers: what is to be told of them takes %zu "
                         "bytes, %d are allowed",
                         strlen(text), FACTS_SIZE_MAX);
    *json = bfci_steal(&text);
    return 0;
}

/* ── In ── */

static int read_u32(const bfci_json_node *in, const char *name, uint32_t *out, bfc_err *err)
{
    const bfci_json_node n = bfci_json_member(in, name);
    uint64_t value;

    BFC_TRY(bfci_json_need_number(&n, UINT32_MAX, &value, err));
    *out = (uint32_t)value;
    return 0;
}

static int read_u63(const bfci_json_node *in, const char *name, uint64_t *out, bfc_err *err)
{
    const bfci_json_node n = bfci_json_member(in, name);

    return bfci_json_need_number(&n, INT64_MAX, out, err);
}

static int read_digest(const bfci_json_node *in, const char *name, bfci_digest *out, bfc_err *err)
{
    const bfci_json_node n = bfci_json_member(in, name);

    return bfci_json_need_digest(&n, out, err);
}

/* Only an artifact may be of none. */
static int read_platform(const bfci_json_node *in, bool is_artifact, char **out, bfc_err *err)
{
    const bfci_json_node n = bfci_json_member(in, "platform");
    const char *text;

    if (is_artifact && !n.value)
        return 0;
    BFC_TRY(bfci_json_need_text(&n, &text, err));
    if (!bfci_platform_ok(text))
        return bfci_json_fail(&n, BFC_E_CORRUPT, err,
                              "'%s' is impossible, os/architecture[/variant] was expected",
                              BFCI_QUOTE_STR(text));
    return bfci_strdup(text, out, err);
}

static int read_descriptor(const bfci_json_node *n, bfci_layer_facts *l, bfc_err *err)
{
    const bfci_json_node type = bfci_json_member(n, "media_type");
    const char *text;

    BFC_TRY(read_digest(n, "digest", &l->digest, err));
    BFC_TRY(bfci_json_need_text(&type, &text, err));
    BFC_TRY(bfci_strdup(text, &l->media_type, err));
    return read_u63(n, "size", &l->size, err);
}

static int read_layer(const bfci_json_node *n, bool is_blob, bfci_layer_facts *l, bfc_err *err)
{
    BFC_TRY(bfci_json_need_object(n, err));
    if (is_blob)
        return read_descriptor(n, l, err);
    BFC_TRY(read_digest(n, "diff_id", &l->diff_id, err));
    BFC_TRY(read_descriptor(n, l, err));
    BFC_TRY(read_u32(n, "tree", &l->tree, err));
    BFC_TRY(read_u63(n, "tar_size", &l->tar_size, err));
    BFC_TRY(read_u32(n, "parts", &l->parts, err));
    return read_u63(n, "files", &l->files, err);
}

static int read_image(const bfci_json_node *n, bfci_image_facts *i, bfc_err *err)
{
    const bfci_json_node blobs = bfci_json_member(n, LIST_BLOBS);
    const bfci_json_node layers = blobs.value ? blobs : bfci_json_member(n, LIST_LAYERS);
    const size_t count = bfci_json_count(&layers);

    BFC_TRY(bfci_json_need_object(n, err));
    i->is_artifact = blobs.value != NULL;
    BFC_TRY(read_platform(n, i->is_artifact, &i->platform, err));
    BFC_TRY(read_digest(n, "manifest", &i->manifest, err));
    BFC_TRY(read_digest(n, "config", &i->config, err));
    BFC_TRY(read_u32(n, "tree", &i->tree, err));
    BFC_TRY(read_u63(n, "entries", &i->entries, err));
    BFC_TRY(read_u63(n, "content", &i->content, err));
    BFC_TRY(bfci_json_need_array(&layers, LAYERS_MAX, err));
    BFC_TRY(bfci_alloc_zero(count, sizeof *i->layer, &i->layer, err));
    i->layer_count = count;
    for (size_t at = 0; at < count; at++) {
        const bfci_json_node item = bfci_json_item(&layers, at);
        BFC_TRY(read_layer(&item, i->is_artifact, &i->layer[at], err));
    }
    return 0;
}

static int read_images(const bfci_json_node *root, bfci_facts *f, bfc_err *err)
{
    const bfci_json_node images = bfci_json_member(root, "images");
    const size_t count = bfci_json_count(&images);

    BFC_TRY(bfci_json_may_array(&images, IMAGES_MAX, err));
    if (count == 0)
        return 0;
    BFC_TRY(bfci_alloc_zero(count, sizeof *f->image, &f->image, err));
    f->image_count = count;
    for (size_t i = 0; i < count; i++) {
        const bfci_json_node item = bfci_json_item(&images, i);
        BFC_TRY(read_image(&item, &f->image[i], err));
    }
    return 0;
}

static int check_schema(const bfci_json_node *root, bfc_err *err)
{
    const bfci_json_node schema = bfci_json_member(root, "schema");
    const char *text;

    BFC_TRY(bfci_json_need_text(&schema, &text, err));
    if (strcmp(text, SCHEMA) == 0)
        return 0;
    return bfci_json_fail(&schema, BFC_E_UNSUPPORTED, err, "it is '%s', known is '%s'",
                          BFCI_QUOTE_STR(text), SCHEMA);
}

/* Blobs of the first version lack it only if somebody else made them. */
static int read_source(const bfci_json_node *root, bfci_facts *f, bfc_err *err)
{
    const bfci_json_node source = bfci_json_member(root, "source");

    BFC_TRY(bfci_json_may_copy(&source, &f->source, err));
    if (f->source)
        return 0;
    return bfci_strdup(bfci_facts_source(f), &f->source, err);
}

int bfci_facts_decode(const uint8_t *json, size_t len, bfci_facts *out, bfc_err *err)
{
    static const char what[] = "blob '" BFCI_FACTS_BLOB "'";
    AUTO(json_t) json_t *root = NULL;
    AUTO_FACTS bfci_facts f = {0};
    bfci_json_node document;

    if (len > FACTS_SIZE_MAX)
        return bfci_fail(err, BFC_E_CORRUPT, "%s has %zu bytes, %d are allowed", what, len,
                         FACTS_SIZE_MAX);
    BFC_TRY(bfci_json_load(json, len, what, JSON_OWN, &root, &document, err));
    BFC_TRY(check_schema(&document, err));
    BFC_TRY(read_images(&document, &f, err));
    BFC_TRY(read_platform(&document, bfci_facts_of_artifact(&f), &f.platform, err));
    BFC_TRY(read_source(&document, &f, err));
    *out = f;
    f = (bfci_facts){0};
    return 0;
}

int bfci_facts_load(bfc_reader *r, bfci_facts *out, bfc_err *err)
{
    AUTO_FREE uint8_t *json = NULL;
    bfc_err why = BFC_ERR_INIT;
    size_t len = 0;

    int rc = bfc_reader_blob(r, BFCI_FACTS_BLOB, &json, &len, &why);
    if (rc == BFC_E_NOT_FOUND)
        return 0;
    if (rc < 0) {
        if (err)
            *err = why;
        return rc;
    }
    return bfci_facts_decode(json, len, out, err);
}
