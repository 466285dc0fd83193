/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes: what a document is decides which parser takes it; what is taken has sizes
 * that fit, descriptors that are documents again, and can be made anew. */
#include "fuzz.h"

#include "oci/manifest.h"

static void check_descriptor(const bfci_descriptor *d)
{
    enum bfci_coding coding = CODING_PLAIN;

    FUZZ_CHECK(d->size <= INT64_MAX && d->media_type && d->json && d->json[0] == '{');
    (void)bfci_media_kind(d->media_type, &coding);
    FUZZ_CHECK(coding <= CODING_ZSTD);
}

static void check_manifest(const bfci_manifest *m, const uint8_t *data, size_t size)
{
    const bfci_layer_descriptor layer = {"application/vnd.oci.image.layer.v1.tar", {{1}}, 2};
    AUTO_FREE char *json = NULL;
    AUTO_MANIFEST bfci_manifest made = {0};

    FUZZ_CHECK(m->media_type && m->layer_count <= LAYERS_MAX);
    check_descriptor(&m->config);
    for (size_t i = 0; i < m->layer_count; i++)
        check_descriptor(&m->layer[i]);
    FUZZ_CHECK(bfci_manifest_make(&m->config.digest, m->config.size, &layer, 1, data, size, &json,
                                  NULL) == 0);
    FUZZ_CHECK(bfci_manifest_parse((const uint8_t *)json, strlen(json), "made", &made, NULL) == 0);
    FUZZ_CHECK(made.is_image && made.layer_count == 1 && made.config.size == m->config.size);
    FUZZ_CHECK(bfci_digest_equal(&made.config.digest, &m->config.digest));
    FUZZ_CHECK(!m->artifact_type || strcmp(m->artifact_type, made.artifact_type) == 0);
}

static void check_index(const bfci_index *index)
{
    static const char *const wants[] = {"linux/amd64/v3", "linux/arm/v7", "linux/arm64/v9.1"};

    FUZZ_CHECK(index->count <= INDEX_ENTRIES_MAX);
    for (size_t i = 0; i < index->count; i++) {
        AUTO_FREE char *text = NULL;
        check_descriptor(&index->entry[i]);
        (void)bfci_platform_text(&index->entry[i].platform, &text, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
        AUTO_PLATFORM bfci_platform want = {0};
        size_t position = SIZE_MAX;
        bfc_err err = BFC_ERR_INIT;
        FUZZ_CHECK(bfci_platform_parse(wants[i], &want, NULL) == 0);
        int rc = bfci_index_pick(index, &want, "index", &position, &err);
        FUZZ_CHECK(rc == 0 || rc == BFC_E_NOT_FOUND);
        FUZZ_CHECK(rc < 0 || (position < index->count && !index->entry[position].is_statement));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_MANIFEST bfci_manifest m = {0};
    AUTO_INDEX bfci_index index = {0};
    enum bfci_media kind = MEDIA_OTHER;
    bfc_err err = BFC_ERR_INIT;

    bool known = bfci_document_kind(data, size, "document", &kind, &err) == 0;
    bool is_manifest = bfci_manifest_parse(data, size, "document", &m, NULL) == 0;
    bool is_index = bfci_index_parse(data, size, "document", &index, NULL) == 0;
    FUZZ_CHECK(!is_manifest || (known && kind == MEDIA_MANIFEST));
    FUZZ_CHECK(!is_index || (known && kind == MEDIA_INDEX));
    FUZZ_CHECK(known || err.msg[0]);
    if (is_manifest)
        check_manifest(&m, data, size);
    if (is_index)
        check_index(&index);
    return 0;
}
