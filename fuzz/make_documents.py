#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of fuzz/corpus/ that are JSON documents: manifest, config, facts; and transfer,
which are such documents and streams behind them.

usage: fuzz/make_documents.py
"""

import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."


def write(target, name, document):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    (folder / name).write_text(text, encoding="utf-8")


def digest(number):
    return "sha256:" + f"{number:064x}"


def descriptor(media_type, number, **more):
    return {"mediaType": media_type, "digest": digest(number), "size": number, **more}


def manifests():
    config = descriptor(OCI + "config.v1+json", 1)
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": config,
                "layers": [descriptor(OCI + "layer.v1.tar+gzip", 2),
                           descriptor(OCI + "layer.v1.tar+zstd", 3, annotations={"a": "b"}, x=[1.5, None])],
                "annotations": {"org.opencontainers.image.ref.name": "v1"}}
    write("manifest", "oci", manifest)
    write("manifest", "docker", {
        "schemaVersion": 2, "mediaType": DOCKER + "distribution.manifest.v2+json",
        "config": descriptor(DOCKER + "container.image.v1+json", 1),
        "layers": [descriptor(DOCKER + "image.rootfs.diff.tar.gzip", 2),
                   descriptor(DOCKER + "image.rootfs.foreign.diff.tar.gzip", 3, urls=["http://x/"])]})
    write("manifest", "schema1", {"schemaVersion": 1, "fsLayers": [{"blobSum": digest(1)}], "signatures": []})
    write("manifest", "artifact", {
        "schemaVersion": 2, "artifactType": "a/b", "config": descriptor("application/vnd.oci.empty.v1+json", 2),
        "layers": [descriptor("text/plain", 5)], "subject": descriptor(OCI + "manifest.v1+json", 7)})
    write("manifest", "both", {**manifest, "manifests": []})
    write("manifest", "encrypted", {"config": config, "layers": [descriptor(OCI + "layer.v1.tar+gzip+encrypted", 2)]})
    entries = [descriptor(OCI + "manifest.v1+json", 9, annotations={"vnd.docker.reference.type": "attestation-manifest"},
                          platform={"os": "unknown", "architecture": "unknown"})]
    for number, (arch, variant) in enumerate((("amd64", None), ("amd64", "v2"), ("arm", "v6"), ("arm", "v7"),
                                              ("arm64", "v8"), ("arm64", "v9.2"), ("aarch64", "8.1"))):
        platform = {"architecture": arch, "os": "linux", **({"variant": variant} if variant else {})}
        entries.append(descriptor(OCI + "manifest.v1+json", number, platform=platform))
    write("manifest", "index", {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": entries})
    write("manifest", "list", {"mediaType": DOCKER + "distribution.manifest.list.v2+json", "manifests": [
        descriptor(DOCKER + "distribution.manifest.v2+json", 1,
                   platform={"os": "windows", "architecture": "amd64", "os.version": "10.0.1"})]})
    write("manifest", "layout", {"schemaVersion": 2, "manifests": [
        descriptor(OCI + "manifest.v1+json", 1, annotations={"org.opencontainers.image.ref.name": "latest"})]})
    write("manifest", "double", '{"layers":1,"layers":null,"config":{"digest":"' + digest(1) + '","size":0}}')


def configs():
    write("config", "docker", {
        "architecture": "arm", "variant": "v7", "os": "linux", "created": "2026-11-25T10:00:00Z",
        "config": {"User": "nobody", "ExposedPorts": {"80/tcp": {}}, "Env": ["PATH=/bin", "A=0", "B", "A=2"],
                   "Entrypoint": ["/e"], "Cmd": ["a", "b c"], "Volumes": {"/v": {}, "/a": {}}, "WorkingDir": "/srv",
                   "Labels": {"a": "0", "b": "1", "n": None}, "StopSignal": "SIGQUIT", "Healthcheck": {"T": 2.5e10}},
        "history": [{"created": "2026-11-25T10:00:00Z", "created_by": "ADD"}, {"comment": "c", "empty_layer": True},
                    {"author": "me"}],
        "rootfs": {"type": "layers", "diff_ids": [digest(1), digest(2)]}, "docker_version": "20"})
    write("config", "small", {"rootfs": {"diff_ids": None}, "config": None, "history": None})
    write("config", "nulls", {"config": {"Env": None, "Labels": None, "Volumes": None, "Cmd": None},
                              "rootfs": {"type": None, "diff_ids": []}})
    write("config", "wrong", {"rootfs": {"type": "layers", "diff_ids": [digest(1)]}, "config": {"Env": {}}})


def facts():
    layer = {"diff_id": digest(1), "digest": digest(2), "media_type": OCI + "layer.v1.tar+gzip", "size": 2**63 - 1,
             "tree": 2**32 - 1, "tar_size": 10240, "parts": 1, "files": 3}
    image = {"platform": "linux/amd64", "manifest": digest(3), "config": digest(4), "tree": 0, "entries": 4,
             "content": 5, "layers": [layer]}
    head = {"schema": "bfc.image/1", "platform": "linux/amd64"}
    write("facts", "directory", {**head, "source": "directory"})
    write("facts", "oci", {**head, "source": "oci", "images": [image, {**image, "layers": []}]})
    write("facts", "later", {**head, "later": [1.5, {}], "images": [{**image, "later": None}]})
    blob = {"digest": digest(2), "media_type": "text/plain", "size": 5}
    artifact = {"manifest": digest(3), "config": digest(4), "tree": 0, "entries": 4, "content": 5, "blobs": [blob]}
    write("facts", "artifact", {"schema": "bfc.image/1", "source": "artifact", "images": [artifact]})
    write("facts", "missing", {**head, "images": [{"platform": "a/b", "layers": [layer]}]})
    write("facts", "schema", {**head, "schema": "bfc.image/2"})


def transfers():
    def frame(data):
        return struct.pack("<I", len(data)) + data

    def stream(*images):
        return b"BFCSEND1" + b"".join(frame(json.dumps(header).encode()) + b"".join(map(frame, pieces)) + frame(b"")
                                      for header, *pieces in images)

    def begin(name, order="<", version=0x11, kind=2, origin=0):
        return struct.pack(order + "IIQQQIIQQ256s", 0, 0, 0x2F5bacbac, version, 5, kind, 0, 1, origin, name.encode())

    version = {"name": "app:1", "root_digest": "0123456789ab" + 52 * "0"}
    header = {"schema": "bfc.send/1", **version}
    based = {**header, "base": {**version, "root_digest": 64 * "f"}}
    name = "tank/images/app:1@bfc-0123456789ab"
    write("transfer", "document", header)
    write("transfer", "based", based)
    write("transfer", "newer", {**header, "schema": "bfc.send/2"})
    folder = HERE / "corpus" / "transfer"
    for seed, data in (
            ("one", stream((header, begin(name) + b"more", b"and more")) + frame(b"")),
            ("two", stream((header, begin(name, ">")), (based, begin(name, origin=7), b"x")) + frame(b"")),
            ("properties", stream((header, begin(name, version=0x12)))),
            ("volume", stream((header, begin(name, kind=3)))),
            ("failed", stream((header, begin(name)))[:-4] + b"\xff" * 4),
            ("long", stream((header, begin(name)))[:-4] + b"\xff\xff\xff\x7f"),
            ("none", stream() + frame(b""))):
        (folder / seed).write_bytes(data)


if __name__ == "__main__":
    manifests()
    configs()
    facts()
    transfers()
