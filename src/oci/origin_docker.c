/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of docker save, packed or unpacked. They promise no digests, so a manifest is made here:
 * a plain layer's digest is its diffID, which the configuration tells and the reader of layers
 * checks; a compressed layer is hashed once. */
#include "oci/json.h"
#include "oci/origin_parts.h"

struct blob {
    bfci_digest digest;
    char *name;     /* of a file, or NULL: */
    uint8_t *bytes; /* made here */
    size_t len;
};

struct docker {
    bfci_origin base;
    bfci_files *files;
    struct blob *blob;
    size_t count, cap;
};

void bfci_docker_image_release(bfci_docker_image *i)
{
    free(i->config);
    for (size_t n = 0; i->layer && n < i->layer_count; n++)
        free(i->layer[n]);
    free(i->layer);
    free(i->diff_id);
    *i = (bfci_docker_image){0};
}
#define AUTO_IMAGE __attribute__((cleanup(bfci_docker_image_release)))

/* ── Blobs ── */

struct memory {
    const uint8_t *bytes;
    size_t left;
};

static int memory_read(void *ctx, void *bytes, size_t cap, size_t *got, bfc_err *err)
{
    struct memory *m = ctx;

    (void)err;
    *got = MIN(cap, m->left);
    memcpy(bytes, m->bytes, *got);
    m->bytes += *got;
    m->left -= *got;
    return 0;
}

static int open_memory(const struct blob *b, bfci_bytes *out, bfc_err *err)
{
    struct memory *m = NULL;

    BFC_TRY(bfci_alloc(1, sizeof *m, &m, err));
    *m = (struct memory){b->bytes, b->len};
    *out = (bfci_bytes){.ctx = m, .read = memory_read, .close = free};
    return 0;
}

static int open_blob(bfci_origin *o, const bfci_descriptor *d, bfci_bytes *out, bfc_err *err)
{
    const struct docker *k = (struct docker *)o;
    AUTO_PIECE bfci_piece piece = BFCI_PIECE_INIT;
    char text[DIGEST_TEXT_SIZE];

    for (size_t i = 0; i < k->count; i++) {
        if (!bfci_digest_equal(&k->blob[i].digest, &d->digest))
            continue;
        if (k->blob[i].bytes)
            return open_memory(&k->blob[i], out, err);
        BFC_TRY(bfci_files_find(k->files, k->blob[i].name, &piece, err));
        return bfci_piece_stream(&piece, out, err);
    }
    bfci_digest_text(&d->digest, text);
    return bfci_fail(err, BFC_E_NOT_FOUND, "there is no blob %s in '%s'", text,
                     BFCI_QUOTE_STR(k->files->path));
}

static void docker_free(bfci_origin *o)
{
    struct docker *k = (struct docker *)o;

    for (size_t i = 0; i < k->count; i++) {
        free(k->blob[i].name);
        free(k->blob[i].bytes);
    }
    free(k->blob);
    bfci_files_close(k->files);
    bfci_origin_release(o);
    free(k);
}

static int add_blob(struct docker *k, const bfci_digest *digest, char **name, uint8_t **bytes,
                    size_t len, bfc_err *err)
{
    BFC_TRY(bfci_reserve(&k->blob, &k->cap, k->count + 1, sizeof *k->blob, err));
    k->blob[k->count++] = (struct blob){.digest = *digest,
                                        .name = name ? bfci_steal(name) : NULL,
                                        .bytes = bytes ? bfci_steal(bytes) : NULL,
                                        .len = len};
    return 0;
}

/* ── The manifest ── */

static const char *layer_type(enum bfci_coding coding)
{
    return coding == CODING_GZIP   ? "application/vnd.oci.image.layer.v1.tar+gzip"
           : coding == CODING_ZSTD ? "application/vnd.oci.image.layer.v1.tar+zstd"
                                   : "application/vnd.oci.image.layer.v1.tar";
}

static int describe_layer(struct docker *k, bfci_docker_image *image, size_t n,
                          bfci_layer_descriptor *out, bfc_err *err)
{
    AUTO_PIECE bfci_piece piece = BFCI_PIECE_INIT;
    enum bfci_coding coding = CODING_PLAIN;

    BFC_TRY(bfci_files_find(k->files, image->layer[n], &piece, err));
    BFC_TRY(bfci_piece_coding(&piece, &coding, err));
    *out = (bfci_layer_descriptor){layer_type(coding), image->diff_id[n], piece.size};
    if (coding != CODING_PLAIN)
        BFC_TRY(bfci_piece_digest(&piece, &out->digest, NULL, err));
    return add_blob(k, &out->digest, &image->layer[n], NULL, 0, err);
}

static int make_manifest(struct docker *k, bfci_docker_image *image, bfc_err *err)
{
    AUTO_FREE bfci_layer_descriptor *layer = NULL;
    AUTO_FREE uint8_t *bytes = NULL;
    char *json = NULL;
    bfci_digest digest;

    BFC_TRY(bfci_alloc_zero(image->layer_count + 1, sizeof *layer, &layer, err));
    for (size_t i = 0; i < image->layer_count; i++) {
        int rc = describe_layer(k, image, i, &layer[i], err);
        if (rc < 0)
            return bfci_wrap(err, rc, "layer %zu", i);
    }
    BFC_TRY(bfci_sha256(image->config, image->config_len, digest.bytes, err));
    size_t config_len = image->config_len;
    BFC_TRY(add_blob(k, &digest, NULL, &image->config, config_len, err));
    BFC_TRY(
        bfci_manifest_make(&digest, config_len, layer, image->layer_count, NULL, 0, &json, err));
    bytes = (uint8_t *)json;
    return bfci_origin_set_document(&k->base, &bytes, strlen(json), NULL, "the manifest", err);
}

static int docker_make(bfci_files **files, bfci_docker_image *image, bfci_origin **out,
                       bfc_err *err)
{
    AUTO(bfci_origin) bfci_origin *o = NULL;
    struct docker *k = NULL;

    BFC_TRY(bfci_alloc_zero(1, sizeof *k, &k, err));
    k->base.open_blob = open_blob;
    k->base.free = docker_free;
    k->files = bfci_steal(files);
    o = &k->base;
    BFC_TRY(make_manifest(k, image, err));
    *out = bfci_steal(&o);
    return 0;
}

/* ── Names ── */

static const char *without(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(name, prefix, len) == 0 ? name + len : name;
}

static const char *short_name(const char *name)
{
    return without(without(without(name, "index.docker.io/"), "docker.io/"), "library/");
}

/* Where the tag begins; else the end. */
static size_t tag_at(const char *name)
{
    const char *slash = strrchr(name, '/'), *colon = strrchr(name, ':');

    return colon && (!slash || colon > slash) ? (size_t)(colon - name) : strlen(name);
}

bool bfci_docker_name_equal(const char *a, const char *b)
{
    a = short_name(a);
    b = short_name(b);
    size_t a_len = tag_at(a), b_len = tag_at(b);
    const char *a_tag = a[a_len] ? a + a_len : ":latest";
    const char *b_tag = b[b_len] ? b + b_len : ":latest";

    return a_len == b_len && memcmp(a, b, a_len) == 0 && strcmp(a_tag, b_tag) == 0;
}

/* ── manifest.json ── */

static int read_diff_ids(bfci_docker_image *image, size_t layer_count, const char *what,
                         bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;

    BFC_TRY(bfci_json_load(image->config, image->config_len, what, JSON_FOREIGN, &root, &document,
                           err));
    const bfci_json_node rootfs = bfci_json_member(&document, "rootfs");
    const bfci_json_node ids = bfci_json_member(&rootfs, "diff_ids");
    BFC_TRY(bfci_json_may_object(&rootfs, err));
    BFC_TRY(bfci_json_may_array(&ids, LAYERS_MAX, err));
    size_t count = bfci_json_count(&ids);
    if (count != layer_count)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "%s tells of %zu diffIDs, but manifest.json of %zu layers", what, count,
                         layer_count);
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof *image->diff_id, &image->diff_id, err));
    for (size_t i = 0; i < count; i++) {
        const bfci_json_node id = bfci_json_item(&ids, i);
        BFC_TRY(bfci_json_need_digest(&id, &image->diff_id[i], err));
    }
    return 0;
}

static int read_layer_names(const bfci_json_node *layers, bfci_docker_image *image, bfc_err *err)
{
    size_t count = bfci_json_count(layers);
    const char *name = NULL;

    BFC_TRY(bfci_json_may_array(layers, LAYERS_MAX, err));
    BFC_TRY(bfci_alloc_zero(count + 1, sizeof *image->layer, &image->layer, err));
    image->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        const bfci_json_node item = bfci_json_item(layers, i);
        BFC_TRY(bfci_json_need_text(&item, &name, err));
        BFC_TRY(bfci_strdup(name, &image->layer[i], err));
    }
    return 0;
}

static int read_image(const bfci_files *f, const bfci_json_node *entry, bfci_docker_image *image,
                      bfc_err *err)
{
    const bfci_json_node config = bfci_json_member(entry, "Config");
    const bfci_json_node layers = bfci_json_member(entry, "Layers");
    const char *name = NULL;

    BFC_TRY(bfci_json_need_object(entry, err));
    BFC_TRY(bfci_json_need_text(&config, &name, err));
    BFC_TRY(read_layer_names(&layers, image, err));
    BFC_TRY(bfci_files_read(f, name, CONFIG_SIZE_MAX, &image->config, &image->config_len, err));
    return read_diff_ids(image, image->layer_count, "the configuration", err);
}

/* The configuration's digest stands in its name: "HEX.json", "blobs/sha256/HEX". */
static bool config_has_digest(const bfci_json_node *entry, const char *hex)
{
    const bfci_json_node config = bfci_json_member(entry, "Config");
    const char *name = json_string_value(config.value);
    const char *slash = name ? strrchr(name, '/') : NULL;
    size_t len = strlen(hex);

    if (!name)
        return false;
    name = slash ? slash + 1 : name;
    return strncmp(name, hex, len) == 0 && (name[len] == '\0' || strcmp(name + len, ".json") == 0);
}

static int fits(const bfci_json_node *entry, const char *ref, bfci_choices *choices, bool *out,
                bfc_err *err)
{
    const bfci_json_node tags = bfci_json_member(entry, "RepoTags");
    const char *tag = NULL;

    BFC_TRY(bfci_json_need_object(entry, err));
    BFC_TRY(bfci_json_may_array(&tags, INDEX_ENTRIES_MAX, err));
    *out = !ref;
    for (size_t i = 0; i < bfci_json_count(&tags); i++) {
        const bfci_json_node item = bfci_json_item(&tags, i);
        BFC_TRY(bfci_json_need_text(&item, &tag, err));
        bfci_choices_add(choices, tag);
        *out = *out || bfci_docker_name_equal(tag, ref);
    }
    if (ref && strncmp(ref, "@sha256:", 8) == 0)
        *out = config_has_digest(entry, ref + 8);
    return 0;
}

static int choose(const bfci_json_node *images, const char *ref, size_t *position, bfc_err *err)
{
    AUTO_CHOICES bfci_choices choices = BFCI_CHOICES_INIT;
    size_t count = bfci_json_count(images), found = 0;
    bool is_fit = false;

    if (bfci_ref_is_position(ref, position) && *position < count)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const bfci_json_node entry = bfci_json_item(images, i);
        BFC_TRY(fits(&entry, ref, &choices, &is_fit, err));
        if (is_fit && found++ == 0)
            *position = i;
    }
    if (found == 1 || (found > 1 && ref)) /* docker takes the first, too */
        return 0;
    if (count == 0)
        return bfci_fail(err, BFC_E_NOT_FOUND, "manifest.json has no image");
    if (ref)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no reference '%s' among %zu images: %s",
                         BFCI_QUOTE_STR(ref), count, bfci_choices_text(&choices));
    return bfci_fail(err, BFC_E_INVALID,
                     "it has %zu images, a reference (or '@0' for the first) is needed: %s", count,
                     bfci_choices_text(&choices));
}

int bfci_docker_new(bfci_files **files, uint8_t **json, size_t len, const char *ref,
                    bfci_origin **out, bfc_err *err)
{
    AUTO(bfci_files) bfci_files *own = bfci_steal(files);
    AUTO_FREE uint8_t *bytes = bfci_steal(json);
    AUTO_IMAGE bfci_docker_image image = {0};
    AUTO(bfci_origin) bfci_origin *o = NULL;
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node images;
    size_t position = 0;

    BFC_TRY(
        bfci_json_load_array(bytes, len, "manifest.json", INDEX_ENTRIES_MAX, &root, &images, err));
    BFC_TRY(choose(&images, ref, &position, err));
    const bfci_json_node entry = bfci_json_item(&images, position);
    BFC_TRY(read_image(own, &entry, &image, err));
    BFC_TRY(docker_make(&own, &image, &o, err));
    o->docker_manifest = bfci_steal(&bytes);
    o->docker_manifest_len = len;
    *out = bfci_steal(&o);
    return 0;
}

int bfci_docker_open(const char *path, const char *ref, bfci_origin **out, bfc_err *err)
{
    AUTO(bfci_files) bfci_files *files = NULL;
    AUTO_IMAGE bfci_docker_image image = {0};
    AUTO_FREE uint8_t *json = NULL;
    size_t len = 0;

    BFC_TRY(bfci_files_open(path, &files, err));
    if (bfci_files_has(files, "manifest.json")) {
        BFC_TRY(bfci_files_read(files, "manifest.json", MANIFEST_SIZE_MAX, &json, &len, err));
        return bfci_docker_new(&files, &json, len, ref, out, err);
    }
    if (!bfci_files_has(files, "repositories"))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no docker-archive: it has neither 'manifest.json' nor "
                         "'repositories'",
                         BFCI_QUOTE_STR(path));
    BFC_TRY(bfci_docker_v1_read(files, ref, &image, err));
    return docker_make(&files, &image, out, err);
}
