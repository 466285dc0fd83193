/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of images whose members the input lists, so that the fuzzer need not find a tar's sums
 * or SHA-256 digests. What opens is read to its end.
 *
 * The input is a row of members: u8 type ('0' file, '1' hard link, '2' symbolic link, 'B' blob
 * named by its digest), u8 length and name, u8 length and target, u16 length and content. In a
 * content, byte 1 and a number n stand for the digest of the blob n so far, byte 2 and n for its
 * size. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "oci/origin_parts.h"
#include "oci/tar.h"
#include "sys/file.h"

enum {
    BLOBS_MAX = 32,
    INPUT_MAX = 1 << 16
};

typedef struct maker {
    int fd;
    bfci_tar_out out;
    struct {
        char digest[DIGEST_TEXT_SIZE];
        size_t size;
    } blob[BLOBS_MAX];
    size_t blob_count;
} maker;

static int write_fd(void *ctx, const void *bytes, size_t len, bfc_err *err)
{
    return bfci_write_all(*(int *)ctx, bytes, len, err);
}

static void expand(const maker *m, const uint8_t *bytes, size_t len, buf *out)
{
    for (size_t i = 0; i < len; i++) {
        size_t n = i + 1 < len ? bytes[i + 1] : BLOBS_MAX;
        if (bytes[i] < 1 || bytes[i] > 2 || n >= m->blob_count) {
            buf_u8(out, bytes[i]);
            continue;
        }
        if (bytes[i] == 1)
            bfci_buf_printf(out, "%s", m->blob[n].digest);
        else
            bfci_buf_printf(out, "%zu", m->blob[n].size);
        i++;
    }
}

static void name_blob(maker *m, const buf *content, char **name)
{
    bfci_digest digest;
    char text[DIGEST_TEXT_SIZE];

    FUZZ_CHECK(bfci_sha256(content->data, content->len, digest.bytes, NULL) == 0);
    bfci_digest_text(&digest, text);
    free(bfci_steal(name));
    FUZZ_CHECK(bfci_asprintf(name, NULL, "blobs/sha256/%s", text + strlen("sha256:")) == 0);
    if (m->blob_count == BLOBS_MAX)
        return;
    memcpy(m->blob[m->blob_count].digest, text, sizeof text);
    m->blob[m->blob_count++].size = content->len;
}

static void take_text(rd *r, char **out)
{
    size_t len = rd_u8(r);
    const uint8_t *bytes = rd_take(r, len);

    FUZZ_CHECK(bfci_memdup_str(bytes ? (const char *)bytes : "", bytes ? len : 0, out, NULL) == 0);
}

static bool take_member(maker *m, rd *r)
{
    AUTO_FREE char *name = NULL, *link = NULL;
    AUTO_BUF buf content = BUF_INIT;
    uint8_t type = rd_u8(r);

    take_text(r, &name);
    take_text(r, &link);
    size_t len = rd_u16(r);
    const uint8_t *bytes = rd_take(r, len);
    if (!bytes || !strchr("012B", type) || !type)
        return false;
    if (type == '0' || type == 'B')
        expand(m, bytes, len, &content);
    if (type == 'B')
        name_blob(m, &content, &name);
    const bfci_tar_entry e = {.kind = type == '1'   ? TAR_HARDLINK
                                      : type == '2' ? TAR_SYMLINK
                                                    : TAR_FILE,
                              .path = name,
                              .link = link,
                              .mode = 0644,
                              .size = content.len,
                              .data_size = content.len};
    if (name[0] == '\0' || bfci_tar_write_entry(&m->out, &e, NULL) < 0)
        return true;
    FUZZ_CHECK(bfci_write_all(m->fd, content.data, content.len, NULL) == 0);
    return bfci_tar_pad(&m->out, content.len, NULL) == 0;
}

static void read_blob(bfci_origin *o, const bfci_descriptor *d)
{
    AUTO_BYTES bfci_bytes in = {0};
    uint8_t chunk[1000];
    size_t got = 0;

    if (o->open_blob(o, d, &in, NULL) < 0)
        return;
    do {
        if (in.read(in.ctx, chunk, sizeof chunk, &got, NULL) < 0)
            return;
        FUZZ_CHECK(got <= sizeof chunk);
    } while (got > 0);
}

static void read_origin(bfci_origin *o)
{
    AUTO_MANIFEST bfci_manifest m = {0};
    bfci_digest digest;

    FUZZ_CHECK(o->kind == MEDIA_MANIFEST || o->kind == MEDIA_INDEX);
    FUZZ_CHECK(bfci_sha256(o->document, o->document_len, digest.bytes, NULL) == 0);
    FUZZ_CHECK(bfci_digest_equal(&digest, &o->root.digest) && o->root.size == o->document_len);
    FUZZ_CHECK(o->root.json);
    if (o->kind != MEDIA_MANIFEST ||
        bfci_manifest_parse(o->document, o->document_len, "manifest", &m, NULL) < 0)
        return;
    read_blob(o, &m.config);
    for (size_t i = 0; i < m.layer_count; i++)
        read_blob(o, &m.layer[i]);
}

static void open_all(const char *path)
{
    static const char *const refs[] = {NULL, "@0", "x:1"};

    for (size_t i = 0; i < ARRAY_LEN(refs); i++) {
        AUTO(bfci_origin) bfci_origin *layout = NULL, *docker = NULL;
        if (bfci_layout_open(path, refs[i], &layout, NULL) == 0)
            read_origin(layout);
        if (bfci_docker_open(path, refs[i], &docker, NULL) == 0)
            read_origin(docker);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static maker m;
    char path[64];

    if (size > INPUT_MAX)
        return 0;
    AUTO_FD int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    m = (maker){.fd = fd};
    m.out = (bfci_tar_out){write_fd, &m.fd};
    rd r = rd_over(size ? data : (const uint8_t *)"", size);
    while (take_member(&m, &r))
        ;
    FUZZ_CHECK(bfci_tar_write_end(&m.out, NULL) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    open_all(path);
    return 0;
}
