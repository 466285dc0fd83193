/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests on their way to a registry, and the list of what refers to an image, where the client
 * has to keep it (distribution-spec 1.1, "Pushing Manifests with Subject" and "Referrers Tag
 * Schema"). Two clients that change such a list at once may lose one of the entries: the
 * specification has nothing against that, but what the first one wrote is looked at again
 * afterwards. */
#include <stdio.h>

#include "net/manifests.h"
#include "oci/json.h"

#define OCI_INDEX "application/vnd.oci.image.index.v1+json"

enum {
    LIST_TRIES = 3
};

/* ── One document ── */

static int check_told(const bfci_registry *r, const char *name, const bfci_http_answer *answer,
                      const bfci_digest *sent, bfc_err *err)
{
    const char *told = bfci_http_header_get(answer, "Docker-Content-Digest", 0);
    char text[DIGEST_TEXT_SIZE];
    bfci_digest got;

    if (!told || bfci_digest_parse(told, &got, NULL) < 0 || bfci_digest_equal(&got, sent))
        return 0;
    bfci_digest_text(sent, text);
    return bfci_fail(err, BFC_E_CORRUPT,
                     "'%s': the manifest %s was sent as '%s', the registry says it got %s",
                     bfci_registry_name(r), text, name, BFCI_QUOTE_STR(told));
}

/* *lists: the registry says that it keeps referrers itself. */
static int put(bfci_registry *r, const char *name, const char *media_type, const uint8_t *bytes,
               size_t len, bool *lists, bfc_err *err)
{
    AUTO_HTTP_ANSWER bfci_http_answer answer = BFCI_HTTP_ANSWER_INIT;
    const bfci_http_header type = {"Content-Type", media_type};
    bfci_ask ask = {.request = BFCI_HTTP_REQUEST_INIT};
    AUTO_FREE char *path = NULL;
    bfci_digest digest;

    BFC_TRY(bfci_sha256(bytes, len, digest.bytes, err));
    BFC_TRY(bfci_asprintf(&path, err, "manifests/%s", name));
    ask.request.method = BFCI_HTTP_PUT;
    ask.request.headers = &type;
    ask.request.header_count = 1;
    ask.request.body = bytes;
    ask.request.body_len = len;
    BFC_TRY(bfci_registry_ask(r, path, &ask, &answer, err));
    *lists = bfci_http_header_get(&answer, "OCI-Subject", 0) != NULL;
    return check_told(r, name, &answer, &digest, err);
}

/* ── Referrers ── */

static bool has_entry(const json_t *list, const char *digest)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_object_get(json_array_get(list, i), "digest"));
        if (one && strcmp(one, digest) == 0)
            return true;
    }
    return false;
}

/* The index under the tag, or an empty one. */
static int load_list(bfci_registry *r, const char *tag, json_t **out, bfc_err *err)
{
    AUTO_REMOTE_MANIFEST bfci_remote_manifest m = {0};
    AUTO_INDEX bfci_index checked = {0};
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_manifest_get(r, tag, &m, &why);
    if (rc < 0 && rc != BFC_E_NOT_FOUND) {
        if (err)
            *err = why;
        return rc;
    }
    if (rc == 0) {
        BFC_TRY(bfci_index_parse(m.bytes, m.len, tag, &checked, err));
        BFC_TRY(bfci_json_load(m.bytes, m.len, tag, JSON_FOREIGN, &root, &document, err));
    } else {
        root = json_object();
        if (!root)
            return bfci_fail_nomem(err);
        BFC_TRY(bfci_json_put_number(root, "schemaVersion", 2, err));
        BFC_TRY(bfci_json_put_text(root, "mediaType", OCI_INDEX, err));
    }
    if (!json_is_array(json_object_get(root, "manifests")))
        BFC_TRY(bfci_json_put(root, "manifests", json_array(), err));
    *out = bfci_steal(&root);
    return 0;
}

/* artifactType: its own, or the type of its configuration, by the specification. */
static int describe(const json_t *document, const char *media_type, const bfci_digest *digest,
                    size_t len, json_t **out, bfc_err *err)
{
    AUTO(json_t) json_t *entry = NULL;
    const json_t *config = json_object_get(document, "config");
    const char *type = json_string_value(json_object_get(document, "artifactType"));
    json_t *annotations = json_object_get(document, "annotations");

    if (!type || !*type)
        type = json_string_value(json_object_get(config, "mediaType"));
    BFC_TRY(bfci_json_descriptor(media_type, digest, len, &entry, err));
    if (type && *type)
        BFC_TRY(bfci_json_put_text(entry, "artifactType", type, err));
    if (json_is_object(annotations))
        BFC_TRY(bfci_json_put(entry, "annotations", json_incref(annotations), err));
    *out = bfci_steal(&entry);
    return 0;
}

/* *added is false if it stands there. */
static int add_once(bfci_registry *r, const char *tag, const char *digest, json_t *entry,
                    bool *added, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    AUTO_FREE char *json = NULL;
    bool lists = false;

    BFC_TRY(load_list(r, tag, &root, err));
    json_t *list = json_object_get(root, "manifests");
    *added = !has_entry(list, digest);
    if (!*added)
        return 0;
    if (json_array_size(list) >= INDEX_ENTRIES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "'%s': the list of referrers '%s' is full",
                         bfci_registry_name(r), tag);
    BFC_TRY(bfci_json_append(list, json_incref(entry), err));
    BFC_TRY(bfci_json_dump(root, &json, err));
    return put(r, tag, OCI_INDEX, (const uint8_t *)json, strlen(json), &lists, err);
}

static int add_to_list(bfci_registry *r, const bfci_digest *subject, const json_t *document,
                       const char *media_type, const uint8_t *bytes, size_t len, bfc_err *err)
{
    AUTO(json_t) json_t *entry = NULL;
    char tag[DIGEST_TEXT_SIZE], own[DIGEST_TEXT_SIZE];
    bfci_digest digest;
    bool added = true;

    BFC_TRY(bfci_sha256(bytes, len, digest.bytes, err));
    bfci_digest_text(&digest, own);
    bfci_digest_text(subject, tag);
    tag[strcspn(tag, ":")] = '-';
    BFC_TRY(describe(document, media_type, &digest, len, &entry, err));
    for (unsigned tries = 0; added && tries < LIST_TRIES; tries++)
        BFC_TRY(add_once(r, tag, own, entry, &added, err));
    return 0;
}

int bfci_manifest_put(bfci_registry *r, const char *name, const char *media_type,
                      const uint8_t *bytes, size_t len, bfc_err *err)
{
    AUTO(json_t) json_t *root = NULL;
    bfci_json_node document;
    bfci_digest digest;
    bool lists = false;

    if (len > MANIFEST_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "a manifest of %zu bytes: registries take %d", len,
                         MANIFEST_SIZE_MAX);
    BFC_TRY(bfci_json_load(bytes, len, "manifest", JSON_FOREIGN, &root, &document, err));
    BFC_TRY(put(r, name, media_type, bytes, len, &lists, err));
    const bfci_json_node subject = bfci_json_member(&document, "subject");
    BFC_TRY(bfci_json_may_object(&subject, err));
    if (lists || !json_is_object(json_object_get(root, "subject")))
        return 0;
    const bfci_json_node of = bfci_json_member(&subject, "digest");
    BFC_TRY(bfci_json_need_digest(&of, &digest, err));
    return add_to_list(r, &digest, root, media_type, bytes, len, err);
}

int bfci_manifest_check_ref(const bfci_remote_ref *ref, const bfci_digest *digest, bfc_err *err)
{
    char has[DIGEST_TEXT_SIZE];

    if (!ref->has_digest || bfci_digest_equal(digest, &ref->digest))
        return 0;
    bfci_digest_text(digest, has);
    return bfci_fail(err, BFC_E_INVALID,
                     "what would be pushed has the digest %s, and cannot have the one of the "
                     "reference",
                     has);
}
