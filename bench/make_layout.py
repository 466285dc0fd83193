#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds an OCI layout to measure with, the same one each time: five gzip layers of seeded trees (make_tree.c), of
many small files and some big ones, with whiteouts, replaced files and hard links. No link leads into a lower layer:
podman cannot pull such.

    make_layout.py FOLDER MAKE_TREE

The tars are the same anywhere; how gzip packs them depends on the zlib that Python has."""
import gzip
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

SIZE = 1 << 30  # of the tars together, and a little more
EPOCH = 1700000000
GZIP_LEVEL = 6
REF = 'generated'
COUNTS = {'base': ('mixed', 15000), 'modules': ('small', 30000), 'files': ('medium', 1500), 'data': ('large', 3)}
SMOKE = {'base': 300, 'modules': 300, 'files': 20, 'data': 0}


class Hashed:
    """A file that hashes what is written to it."""

    def __init__(self, sink):
        self.sink, self.sha, self.size = sink, hashlib.sha256(), 0

    def write(self, data):
        self.sha.update(data)
        self.size += len(data)
        return self.sink.write(data)

    def flush(self):
        self.sink.flush()

    @property
    def digest(self):
        return 'sha256:' + self.sha.hexdigest()


class Layout:
    """Blobs, and the image that is made of them."""

    def __init__(self, folder):
        self.folder, self.layers, self.diff_ids = folder, [], []
        os.makedirs(os.path.join(folder, 'blobs/sha256'))

    def place(self, digest):
        return os.path.join(self.folder, 'blobs', *digest.split(':'))

    def add_layer(self, fill):
        """`fill` gets a tar that is open for writing."""
        name = os.path.join(self.folder, 'layer')
        with open(name, 'wb') as f:
            packed = Hashed(f)
            with gzip.GzipFile(filename='', mode='wb', compresslevel=GZIP_LEVEL, fileobj=packed, mtime=0) as z:
                plain = Hashed(z)
                with tarfile.open(fileobj=plain, mode='w|', format=tarfile.PAX_FORMAT) as tar:
                    fill(tar)
        os.rename(name, self.place(packed.digest))
        self.diff_ids.append(plain.digest)
        self.layers.append({'mediaType': 'application/vnd.oci.image.layer.v1.tar+gzip', 'digest': packed.digest,
                            'size': packed.size})

    def add_document(self, kind, value):
        raw = json.dumps(value, sort_keys=True).encode()
        digest = 'sha256:' + hashlib.sha256(raw).hexdigest()
        with open(self.place(digest), 'wb') as f:
            f.write(raw)
        return {'mediaType': f'application/vnd.oci.image.{kind}.v1+json', 'digest': digest, 'size': len(raw)}

    def finish(self):
        arch = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(os.uname().machine, os.uname().machine)
        config = self.add_document('config', {
            'architecture': arch, 'os': 'linux', 'config': {'Cmd': ['/bin/sh']},
            'rootfs': {'type': 'layers', 'diff_ids': self.diff_ids},
            'history': [{'created': '2023-11-14T22:13:20Z', 'created_by': f'layer {i}'}
                        for i, _ in enumerate(self.layers, 1)]})
        entry = self.add_document('manifest', {
            'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'config': config,
            'layers': self.layers})
        entry['annotations'] = {'org.opencontainers.image.ref.name': REF}
        for name, value in (('index.json', {'schemaVersion': 2, 'manifests': [entry]}),
                            ('oci-layout', {'imageLayoutVersion': '1.0.0'})):
            with open(os.path.join(self.folder, name), 'w', encoding='utf-8') as f:
                json.dump(value, f)


# ── What is in the layers ──

def entry(name, kind, number):
    e = tarfile.TarInfo(name)
    e.type = kind
    e.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    e.mtime = EPOCH + number % 1000000
    e.uid = e.gid = 1000 if number % 5 == 0 else 0
    return e


def add_folder(tar, name):
    tar.addfile(entry(name, tarfile.DIRTYPE, 0))


def add_tree(tar, tree, under):
    """A tree that make_tree made. Names, in their order, decide of owners and times."""
    linked = {}
    add_folder(tar, under)
    for folder, folders, names in os.walk(tree):
        folders.sort()
        below = os.path.normpath(os.path.join(under, os.path.relpath(folder, tree)))
        for name in folders:
            add_folder(tar, f'{below}/{name}')
        for number, name in enumerate(sorted(names)):
            add_one(tar, os.path.join(folder, name), f'{below}/{name}', number, linked)


def add_one(tar, path, name, number, linked):
    st = os.lstat(path)
    if stat.S_ISLNK(st.st_mode):
        e = entry(name, tarfile.SYMTYPE, number)
        e.linkname = os.readlink(path)
        tar.addfile(e)
    elif st.st_ino in linked:
        add_hard_link(tar, name, linked[st.st_ino])
    else:
        if st.st_nlink > 1:
            linked[st.st_ino] = name
        e = entry(name, tarfile.REGTYPE, number)
        e.mode = stat.S_IMODE(st.st_mode)
        e.size = st.st_size
        with open(path, 'rb') as f:
            tar.addfile(e, f)


def add_hard_link(tar, name, target):
    e = entry(name, tarfile.LNKTYPE, 0)
    e.linkname = target
    tar.addfile(e)


def names_of(tree, under):
    """Its plain files, sorted."""
    return sorted(os.path.normpath(os.path.join(under, os.path.relpath(os.path.join(folder, name), tree)))
                  for folder, _, names in os.walk(tree) for name in names
                  if not os.path.islink(os.path.join(folder, name)))


def add_changes(tar, tree, under):
    """Of the layer below: each seventh file is deleted, each eleventh gets other content and a second name; one folder is
    emptied."""
    opaque = f'{under}/000/01'
    add_folder(tar, opaque)
    tar.addfile(entry(f'{opaque}/.wh..wh..opq', tarfile.REGTYPE, 0))
    for number, name in enumerate(names_of(tree, under)):
        folder, _, last = name.rpartition('/')
        if folder == opaque:
            continue
        if number % 7 == 0:
            tar.addfile(entry(f'{folder}/.wh.{last}', tarfile.REGTYPE, 0))
        elif number % 11 == 0:
            e = entry(name, tarfile.REGTYPE, number)
            with open(os.path.join(tree, os.path.relpath(name, under)), 'rb') as f:
                e.size = os.fstat(f.fileno()).st_size
                tar.addfile(e, Upper(f))
            add_hard_link(tar, f'{name}.link', name)


class Upper:
    """A file's bytes, changed a little."""

    def __init__(self, f):
        self.f = f

    def read(self, size):
        return self.f.read(size).upper()


def make(folder, make_tree, smoke):
    layout, trees = Layout(folder), tempfile.mkdtemp(dir=os.path.dirname(os.path.abspath(folder)))
    at = lambda name: os.path.join(trees, name)
    try:
        for seed, (name, (kind, count)) in enumerate(COUNTS.items(), 1):
            subprocess.run([make_tree, kind, at(name), str(SMOKE[name] if smoke else count), str(seed)], check=True)
        layout.add_layer(lambda tar: add_tree(tar, at('base'), 'usr'))
        layout.add_layer(lambda tar: add_tree(tar, at('modules'), 'srv/modules'))
        layout.add_layer(lambda tar: add_changes(tar, at('base'), 'usr'))
        layout.add_layer(lambda tar: add_tree(tar, at('files'), 'srv/files'))
        layout.add_layer(lambda tar: add_tree(tar, at('data'), 'srv/data'))
        layout.finish()
    finally:
        shutil.rmtree(trees)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit('usage: make_layout.py FOLDER MAKE_TREE')
    make(sys.argv[1], os.path.abspath(sys.argv[2]), False)
