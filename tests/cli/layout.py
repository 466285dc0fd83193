#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an OCI layout with one image, always the same bytes.

usage: layout.py LAYOUT

The image is called app. Its history tells what a program has to be careful with: control characters, lines,
times with offsets, with fractions, and none, commands that made no layer, and entries without a command.
"""
import hashlib
import io
import json
import pathlib
import sys
import tarfile

LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYERS = (
    {"bin": None, "bin/tool": b"one two three\n", "etc": None, "etc/motd": b"hello\n"},
    {"etc/esc\033[31m": b"red\n", "etc/motd": b"hello again\n"},
    {"bin/.wh.tool": b""},
)
HISTORY = (
    {"created": "2024-05-14T01:28:25.5Z",
     "created_by": "/bin/sh -c #(nop) ADD file:5aaace706aa00ff97d243daa3a29c5de88a124f9b97c570cc2fcf43c in / "},
    {"created": "2024-05-14T03:28:26+02:00", "created_by": 'CMD ["sh"]',
     "comment": "buildkit.dockerfile.v0", "empty_layer": True},
    {"created": "0001-01-01T00:00:00Z",
     "created_by": "RUN /bin/sh -c printf '\033[31m' &&\n\t\ttouch etc/motd # \u202eover"},
    {"comment": "the tool is gone"},
    {"created": "2024-05-13T23:00:00.000000001-05:30", "created_by": "ENV A=1",
     "comment": "for\nB", "empty_layer": True},
)


def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.mtime = 1000000000
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.mode = 0o755 if content is None else 0o644
            entry.size = len(content or b"")
            archive.addfile(entry, io.BytesIO(content or b""))
    return out.getvalue()


class Layout:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        (self.path / "blobs/sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def json(self, media_type, document):
        return self.blob(media_type, json.dumps(document, ensure_ascii=False).encode())

    def image(self, name, layers=LAYERS, history=HISTORY):
        layers = [self.blob(LAYER, tar(files)) for files in layers]
        config = self.json(CONFIG, {
            "architecture": "amd64", "os": "linux",
            "config": {"Cmd": ["sh"], "Env": ["A=1"], "Labels": {"direction": "\u202eover"}},
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
            "history": history, "nobody.knows": [1.5, {}]})
        manifest = self.json(MANIFEST, {
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers})
        manifest["annotations"] = {"org.opencontainers.image.ref.name": name}
        (self.path / "index.json").write_text(json.dumps(
            {"schemaVersion": 2, "manifests": [manifest]}))


if __name__ == "__main__":
    Layout(sys.argv[1]).image("app")
