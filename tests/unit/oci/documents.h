/* SPDX-License-Identifier: Apache-2.0 */
/* Documents as real tools write them, in the form that they have in registries and layouts. */
#ifndef TEST_OCI_DOCUMENTS_H
#define TEST_OCI_DOCUMENTS_H

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

#define OCI_TYPE "application/vnd.oci.image."
#define DOCKER_TYPE "application/vnd.docker."

/* skopeo, umoci, buildah */
static const char oci_manifest[] =
    "{\n  \"schemaVersion\": 2,\n  \"mediaType\": \"" OCI_TYPE "manifest.v1+json\",\n"
    "  \"config\": {\"mediaType\": \"" OCI_TYPE "config.v1+json\", \"digest\": \"" DIGEST_A
    "\", \"size\": 1469},\n"
    "  \"layers\": [\n"
    "    {\"mediaType\": \"" OCI_TYPE "layer.v1.tar+gzip\", \"digest\": \"" DIGEST_B
    "\", \"size\": 2479},\n"
    "    {\"mediaType\": \"" OCI_TYPE "layer.v1.tar+zstd\", \"digest\": \"" DIGEST_C
    "\", \"size\": 9223372036854775807, \"annotations\": "
    "{\"io.github.containers.zstd-chunked.manifest-position\": \"1:2:3:1\"}, \"x-new\": [1.5]}\n"
    "  ],\n  \"annotations\": {\"org.opencontainers.image.base.name\": \"debian:12\"}\n}\n";

/* docker push */
static const char docker_manifest[] =
    "{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"" DOCKER_TYPE
    "distribution.manifest.v2+json\",\n"
    "   \"config\": {\n      \"mediaType\": \"" DOCKER_TYPE
    "container.image.v1+json\",\n      \"size\": 7023,\n      \"digest\": \"" DIGEST_A "\"\n   },\n"
    "   \"layers\": [\n      {\n         \"mediaType\": \"" DOCKER_TYPE
    "image.rootfs.diff.tar.gzip\",\n         \"size\": 32654,\n         \"digest\": \"" DIGEST_B
    "\"\n      }\n   ]\n}";

/* What docker pushed before 2016. */
static const char docker_schema_1[] =
    "{\"schemaVersion\": 1, \"name\": \"library/hello\", \"tag\": \"latest\", "
    "\"architecture\": \"amd64\", \"fsLayers\": [{\"blobSum\": \"" DIGEST_A "\"}], "
    "\"history\": [{\"v1Compatibility\": \"{}\"}], \"signatures\": []}";

/* oras, helm */
static const char artifact_manifest[] =
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE "manifest.v1+json\","
    "\"artifactType\":\"application/vnd.example+type\","
    "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"" DIGEST_A
    "\",\"size\":2,\"data\":\"e30=\"},"
    "\"layers\":[{\"mediaType\":\"text/plain\",\"digest\":\"" DIGEST_B "\",\"size\":5}],"
    "\"subject\":{\"mediaType\":\"" OCI_TYPE "manifest.v1+json\",\"digest\":\"" DIGEST_C
    "\",\"size\":7}}";

/* docker buildx with provenance: two platforms, and what the builder says of each. */
#define ENTRY(digest, rest)                                                                        \
    "{\"mediaType\":\"" OCI_TYPE "manifest.v1+json\",\"digest\":\"" digest "\",\"size\":673" rest  \
    "}"
#define PLATFORM(os, arch) ",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"" os "\"}"
#define VARIANT(arch, variant)                                                                     \
    ",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"linux\",\"variant\":\"" variant "\"}"
#define INDEX(entries)                                                                             \
    "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE "index.v1+json\",\"manifests\":[" entries "]" \
    "}"
#define STATEMENT                                                                                  \
    ",\"annotations\":{\"vnd.docker.reference.digest\":\"" DIGEST_A                                \
    "\",\"vnd.docker.reference.type\":\"attestation-manifest\"}"

static const char buildx_index[] =
    INDEX(ENTRY(DIGEST_C, STATEMENT PLATFORM("unknown", "unknown")) "," ENTRY(
        DIGEST_A, PLATFORM("linux", "amd64")) "," ENTRY(DIGEST_B, PLATFORM("linux", "arm64")));

/* The index.json of a layout: no media type, names as annotations. */
static const char layout_index[] =
    "{\"schemaVersion\":2,\"manifests\":["
    "{\"mediaType\":\"" OCI_TYPE "manifest.v1+json\",\"digest\":\"" DIGEST_A
    "\",\"size\":1,\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}}]}";

#endif
