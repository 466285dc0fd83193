# SPDX-License-Identifier: Apache-2.0
"""Small images as OCI layouts, made of nothing but their bytes: what a test says of a blob, it knows."""
import gzip
import hashlib
import io
import json
import os
import random
import tarfile

MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
INDEX = 'application/vnd.oci.image.index.v1+json'
CONFIG = 'application/vnd.oci.image.config.v1+json'
LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
MIB = 1 << 20


def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def noise(seed, size):
    """Bytes that do not shrink."""
    return random.Random(seed).randbytes(size)


def tar_of(files):
    """A tar of {name: bytes}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), 1_600_000_000, 0o644
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def layer(seed, size):
    """A layer with one file of `size` bytes that do not shrink; its tar and its blob."""
    tar = tar_of({f'file-{seed}': noise(seed, size)})
    return tar, gzip.compress(tar, 1, mtime=0)


class Layout:
    """A folder with an OCI layout."""

    def __init__(self, path):
        self.path = path
        self.entries = []
        os.makedirs(path + '/blobs/sha256')
        self.write('oci-layout', b'{"imageLayoutVersion":"1.0.0"}')

    def write(self, name, data):
        with open(f'{self.path}/{name}', 'wb') as f:
            f.write(data)

    def blob(self, data, media_type, **more):
        self.write('blobs/sha256/' + sha256(data)[7:], data)
        return {'mediaType': media_type, 'digest': sha256(data), 'size': len(data), **more}

    def blob_at(self, digest):
        with open(f'{self.path}/blobs/sha256/{digest[7:]}', 'rb') as f:
            return f.read()

    def document_at(self, name):
        """What has the name, as bytes."""
        return self.blob_at(next(e['digest'] for e in self.entries
                                 if e['annotations']['org.opencontainers.image.ref.name'] == name))

    def read(self, name):
        return json.loads(self.document_at(name))

    def document(self, value, media_type, **more):
        return self.blob(json.dumps(value).encode(), media_type, **more)

    def image(self, layers, arch='amd64', layer_type=LAYER, **more):
        """`layers`: pairs of tar and blob. The manifest's descriptor."""
        config = {'architecture': arch, 'os': 'linux', 'config': {'Env': [f'ARCH={arch}']},
                  'rootfs': {'type': 'layers', 'diff_ids': [sha256(tar) for tar, _ in layers]}}
        return self.document({'schemaVersion': 2, 'mediaType': MANIFEST,
                              'config': self.document(config, CONFIG),
                              'layers': [self.blob(blob, layer_type) for _, blob in layers]}, MANIFEST, **more)

    def index(self, images):
        """`images`: {arch: descriptor}."""
        return self.document({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': [
            dict(d, platform={'os': 'linux', 'architecture': arch}) for arch, d in images.items()]}, INDEX)

    def tag(self, name, descriptor):
        self.entries.append(dict(descriptor, annotations={'org.opencontainers.image.ref.name': name}))
        self.write('index.json', json.dumps({'schemaVersion': 2, 'manifests': self.entries}).encode())
