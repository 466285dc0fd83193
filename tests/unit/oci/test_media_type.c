/* SPDX-License-Identifier: Apache-2.0 */
/* Media types: what is known, and what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oci/manifest.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

static void test_media_type__kinds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum bfci_media kind;
        int coding; /* -1: untouched */
    } cases[] = {
        {OCI "manifest.v1+json", MEDIA_MANIFEST, -1},
        {OCI "index.v1+json", MEDIA_INDEX, -1},
        {OCI "config.v1+json", MEDIA_CONFIG, -1},
        {DOCKER "distribution.manifest.v2+json", MEDIA_MANIFEST, -1},
        {DOCKER "distribution.manifest.list.v2+json", MEDIA_INDEX, -1},
        {DOCKER "container.image.v1+json", MEDIA_CONFIG, -1},
        {"application/vnd.oci.empty.v1+json", MEDIA_EMPTY, -1},
        {OCI "layer.v1.tar", MEDIA_LAYER, CODING_PLAIN},
        {OCI "layer.v1.tar+gzip", MEDIA_LAYER, CODING_GZIP},
        {OCI "layer.v1.tar+zstd", MEDIA_LAYER, CODING_ZSTD},
        {DOCKER "image.rootfs.diff.tar", MEDIA_LAYER, CODING_PLAIN},
        {DOCKER "image.rootfs.diff.tar.gzip", MEDIA_LAYER, CODING_GZIP},
        {DOCKER "image.rootfs.diff.tar.zstd", MEDIA_LAYER, CODING_ZSTD},
        {OCI "layer.nondistributable.v1.tar", MEDIA_FOREIGN_LAYER, CODING_PLAIN},
        {OCI "layer.nondistributable.v1.tar+gzip", MEDIA_FOREIGN_LAYER, CODING_GZIP},
        {OCI "layer.nondistributable.v1.tar+zstd", MEDIA_FOREIGN_LAYER, CODING_ZSTD},
        {DOCKER "image.rootfs.foreign.diff.tar.gzip", MEDIA_FOREIGN_LAYER, CODING_GZIP},
        {OCI "layer.v1.tar+encrypted", MEDIA_ENCRYPTED_LAYER, CODING_PLAIN},
        {OCI "layer.v1.tar+gzip+encrypted", MEDIA_ENCRYPTED_LAYER, CODING_GZIP},
        {OCI "layer.v1.tar+zstd+encrypted", MEDIA_ENCRYPTED_LAYER, CODING_ZSTD},
        {OCI "layer.nondistributable.v1.tar+gzip+encrypted", MEDIA_ENCRYPTED_LAYER, CODING_GZIP},
        {DOCKER "image.rootfs.diff.tar.gzip+enc", MEDIA_ENCRYPTED_LAYER, CODING_GZIP},
        {"", MEDIA_OTHER, -1},
        {"+encrypted", MEDIA_OTHER, -1},
        {"text/plain", MEDIA_OTHER, -1},
        {OCI "layer.v1.tar+", MEDIA_OTHER, -1},
        {OCI "layer.v1.tar.gzip", MEDIA_OTHER, -1},
        {OCI "layer.v1.tar+bzip2", MEDIA_OTHER, -1},
        {OCI "layer.v1.tar+gzip+gzip", MEDIA_OTHER, -1},
        {OCI "layer.v1.tar+encrypted+gzip", MEDIA_OTHER, -1},
        {OCI "manifest.v1+json+encrypted", MEDIA_OTHER, -1},
        {"Application/vnd.oci.image.manifest.v1+json", MEDIA_OTHER, -1},
        {DOCKER "distribution.manifest.v1+prettyjws", MEDIA_OTHER, -1},
        {DOCKER "image.rootfs.diff.tar+gzip", MEDIA_OTHER, -1},
        {"application/vnd.in-toto+json", MEDIA_OTHER, -1},
        {DOCKER "plugin.v1+json", MEDIA_OTHER, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum bfci_coding coding = (enum bfci_coding)77;
        enum bfci_media kind = bfci_media_kind(cases[i].name, &coding);
        if (kind != cases[i].kind || (int)coding != (cases[i].coding < 0 ? 77 : cases[i].coding))
            fail_msg("'%s' is of kind %d, coding %d", cases[i].name, (int)kind, (int)coding);
        assert_int_equal(bfci_media_kind(cases[i].name, NULL), cases[i].kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media_type__kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
