/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts and archives made by hand, in a scratch folder that is the working directory. Layers are
 * any bytes: no origin looks into them. */
#ifndef TESTS_UNIT_OCI_ORIGIN_FIXTURE_H
#define TESTS_UNIT_OCI_ORIGIN_FIXTURE_H

#include "../sys/scratch.h"
#include "oci/files.h"
#include "oci/origin.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define LAYOUT_MARKER "{\"imageLayoutVersion\":\"1.0.0\"}"

static inline int origin_setup(void **state)
{
    assert_int_equal(scratch_setup(state), 0);
    return chdir(((struct scratch *)*state)->path);
}

static inline int origin_teardown(void **state)
{
    assert_int_equal(chdir("/"), 0);
    return scratch_teardown(state);
}

#define ORIGIN_TEST(fn) cmocka_unit_test_setup_teardown(fn, origin_setup, origin_teardown)

/* ── Files ── */

static inline void put(const char *path, const void *bytes, size_t len)
{
    AUTO_FD int fd = -1;
    assert_int_equal(bfci_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &fd, NULL), 0);
    assert_int_equal(bfci_write_all(fd, bytes, len, NULL), 0);
}

BFCI_PRINTF(2, 3)
static inline void put_text(const char *path, const char *fmt, ...)
{
    char text[8192];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof text);
    put(path, text, (size_t)len);
}

static inline void make_dirs(const char *path)
{
    assert_int_equal(bfci_make_dirs(path, 0755, NULL), 0);
}

/* "sha256:…" of a text. */
static inline const char *sum(const char *text, char out[DIGEST_TEXT_SIZE])
{
    bfci_digest d;
    assert_int_equal(bfci_sha256(text, strlen(text), d.bytes, NULL), 0);
    bfci_digest_text(&d, out);
    return out;
}

static inline const char *hex_of(const char *digest)
{
    return digest + strlen("sha256:");
}

/* ── Layouts ── */

/* Writes LAYOUT/blobs/sha256/HEX; *digest is what it is called. */
static inline void put_blob(const char *layout, const char *text, char digest[DIGEST_TEXT_SIZE])
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/blobs/sha256", layout);
    make_dirs(path);
    (void)snprintf(path, sizeof path, "%s/blobs/sha256/%s", layout, hex_of(sum(text, digest)));
    put(path, text, strlen(text));
}

static inline void write_config(const char *layer, char out[1024])
{
    char diff_id[DIGEST_TEXT_SIZE];
    (void)snprintf(out, 1024,
                   "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\","
                   "\"diff_ids\":[\"%s\"]}}",
                   sum(layer, diff_id));
}

/* A whole image of one layer; its manifest's text, and the digest of that. */
static inline void put_image(const char *layout, const char *layer, char manifest[1024],
                             char digest[DIGEST_TEXT_SIZE])
{
    char config[1024], config_digest[DIGEST_TEXT_SIZE], layer_digest[DIGEST_TEXT_SIZE];
    write_config(layer, config);
    put_blob(layout, config, config_digest);
    put_blob(layout, layer, layer_digest);
    (void)snprintf(manifest, 1024,
                   "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MANIFEST "\",\"config\":{"
                   "\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"%s\","
                   "\"size\":%zu},\"layers\":[{\"mediaType\":"
                   "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
                   config_digest, strlen(config), layer_digest, strlen(layer));
    put_blob(layout, manifest, digest);
}

/* An entry of an index; `more` are further members, with a comma before them. */
static inline void write_entry(const char *type, const char *digest, size_t size, const char *more,
                               char out[512])
{
    (void)snprintf(out, 512, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu%s}", type,
                   digest, size, more);
}

#define NAMED(ref) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" ref "\"}"

static inline void put_index(const char *layout, const char *entries)
{
    char path[512];
    make_dirs(layout);
    (void)snprintf(path, sizeof path, "%s/index.json", layout);
    put_text(path, "{\"schemaVersion\":2,\"manifests\":[%s]}", entries);
    (void)snprintf(path, sizeof path, "%s/oci-layout", layout);
    put_text(path, LAYOUT_MARKER);
}

/* ── Tars (ustar) ── */

struct tar {
    FILE *file;
};

static inline struct tar tar_open(const char *path)
{
    struct tar t = {fopen(path, "wb")};
    assert_non_null(t.file);
    return t;
}

static inline void tar_add(struct tar *t, const char *name, char type, const char *link,
                           const void *bytes, size_t len)
{
    static const uint8_t zeros[512];
    uint8_t block[512] = {0};
    unsigned check = 0;
    char number[32];
    assert_true(strlen(name) < 100 && strlen(link) < 100);
    memcpy(block, name, strlen(name));
    memcpy(block + 100, "0000644", 8);
    memcpy(block + 108, "0000000", 8);
    memcpy(block + 116, "0000000", 8);
    (void)snprintf(number, sizeof number, "%011zo", len);
    memcpy(block + 124, number, 12);
    memcpy(block + 136, "00000000000", 12);
    memset(block + 148, ' ', 8);
    block[156] = (uint8_t)type;
    memcpy(block + 157, link, strlen(link));
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof block; i++)
        check += block[i];
    (void)snprintf(number, sizeof number, "%06o", check);
    memcpy(block + 148, number, 7);
    assert_int_equal(fwrite(block, 512, 1, t->file), 1);
    assert_int_equal(fwrite(bytes, 1, len, t->file), len);
    (void)fwrite(zeros, 1, (512 - len % 512) % 512, t->file);
}

static inline void tar_text(struct tar *t, const char *name, const char *text)
{
    tar_add(t, name, '0', "", text, strlen(text));
}

static inline void tar_close(struct tar *t)
{
    static const uint8_t zeros[1024];
    assert_int_equal(fwrite(zeros, 1024, 1, t->file), 1);
    assert_int_equal(fclose(t->file), 0);
}

/* ── Asking ── */

static inline bfci_origin *open_origin(const char *spec)
{
    bfci_origin *o = NULL;
    bfc_err err = BFC_ERR_INIT;
    if (bfci_origin_open(spec, &o, &err) < 0)
        fail_msg("'%s': %s", spec, err.msg);
    return o;
}

/* That it fails with this code, and that the message has `words` in it. */
static inline void expect_refused(const char *spec, int code, const char *words)
{
    bfci_origin *o = NULL;
    bfc_err err = BFC_ERR_INIT;
    int rc = bfci_origin_open(spec, &o, &err);
    assert_null(o);
    if (rc != code || !strstr(err.msg, words))
        fail_msg("'%s': rc %d, '%s'; expected %d, '%s'", spec, rc, err.msg, code, words);
    assert_int_equal(err.code, rc);
}

static inline void expect_digest(const bfci_digest *digest, const char *text)
{
    char got[DIGEST_TEXT_SIZE];
    bfci_digest_text(digest, got);
    assert_string_equal(got, text);
}

/* That an origin opens and starts from that manifest. */
static inline void expect_root(const char *spec, const char *digest, bool is_checked)
{
    AUTO(bfci_origin) bfci_origin *o = open_origin(spec);
    assert_int_equal(o->kind, MEDIA_MANIFEST);
    assert_int_equal(o->is_checked, is_checked);
    expect_digest(&o->root.digest, digest);
    assert_int_equal(o->root.size, o->document_len);
}

/* The bytes of the blob with that digest. */
static inline void expect_blob(bfci_origin *o, const bfci_descriptor *d, const char *text)
{
    AUTO_FREE uint8_t *bytes = NULL;
    bfc_err err = BFC_ERR_INIT;
    size_t len = 0;
    if (bfci_origin_document(o, d, "blob", 1 << 20, &bytes, &len, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(bytes, text, len);
}

#endif
