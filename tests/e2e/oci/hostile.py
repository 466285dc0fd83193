# SPDX-License-Identifier: Apache-2.0
"""Images in which exactly one thing is wrong. Tars are put together byte by byte, and layouts by hand with
the digests that fit: what a careful program would refuse to write must be written here."""
import hashlib
import json
import os
import struct
import zlib

BLOCK = 512
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
INDEX = 'application/vnd.oci.image.index.v1+json'
CONFIG = 'application/vnd.oci.image.config.v1+json'
LAYER = 'application/vnd.oci.image.layer.v1.tar'
FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar'


def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


# ── Tars ──

def octal(number, size):
    return b'%0*o\0' % (size - 1, number)


def base256(number, size):
    """Two's complement, with the marking bit: also what no file can have."""
    data = bytearray((number % (1 << 8 * size)).to_bytes(size, 'big'))
    data[0] |= 0x80
    return bytes(data)


FIELDS = {'name': (0, 100), 'mode': (100, 8), 'uid': (108, 8), 'gid': (116, 8), 'size': (124, 12),
          'mtime': (136, 12), 'checksum': (148, 8), 'typeflag': (156, 1), 'link': (157, 100),
          'magic': (257, 8), 'major': (329, 8), 'minor': (337, 8), 'prefix': (345, 155)}


def header(name, typeflag=b'0', **fields):
    """One header block. A field is a number, which is written in octal, or the bytes that it shall have."""
    block = bytearray(BLOCK)
    values = {'mode': 0o644, 'uid': 0, 'gid': 0, 'size': 0, 'mtime': 1700000000, 'magic': b'ustar\x0000',
              'name': os.fsencode(name), 'typeflag': typeflag, **fields}
    for field, value in values.items():
        at, size = FIELDS[field]
        data = octal(value, size) if isinstance(value, int) else os.fsencode(value)
        assert len(data) <= size, (field, value)
        block[at:at + len(data)] = data
    if 'checksum' not in fields:
        block[148:156] = b' ' * 8
        block[148:156] = b'%06o\0 ' % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def record(key, value):
    """A record of an extended header: its length counts its own digits."""
    rest = b' ' + os.fsencode(key) + b'=' + (value if isinstance(value, bytes) else os.fsencode(value)) + b'\n'
    size = len(rest) + 1
    while len(str(size)) + len(rest) != size:
        size = len(str(size)) + len(rest)
    return str(size).encode() + rest


def meta(body, typeflag=b'x', **fields):
    return header('meta', typeflag, **{'size': len(body), **fields}) + padded(body)


def pax(**records):
    return meta(b''.join(record(k.replace('__', '.'), v) for k, v in records.items()))


def entry(name, typeflag=b'0', data=b'', **fields):
    """A header and its content; names that a header cannot hold stand in an extended one."""
    before = b''
    long = {key: value for key, value in (('path', name), ('linkpath', fields.get('link', '')))
            if len(os.fsencode(value)) > 100}
    if long:
        before = pax(**long)
        name = os.fsencode(name)[:100]
        if 'linkpath' in long:
            fields['link'] = os.fsencode(fields['link'])[:100]
    return before + header(name, typeflag, **{'size': len(data), **fields}) + padded(data)


def folder(name, **fields):
    return entry(name, b'5', **{'mode': 0o755, **fields})


def symlink(name, target):
    return entry(name, b'2', link=target, mode=0o777)


def hard_link(name, target):
    return entry(name, b'1', link=target)


END = bytes(2 * BLOCK)


def tar(*entries):
    return b''.join(entries) + END


def old_sparse(name, ranges, real_size, data):
    """GNU's first form: four pairs in the header itself."""
    block = bytearray(header(name, b'S', size=len(data), magic=b'ustar  \0', checksum=b' ' * 8))
    for i, (offset, length) in enumerate(ranges):
        block[386 + 24 * i:410 + 24 * i] = octal(offset, 12) + octal(length, 12)
    block[483:495] = octal(real_size, 12)
    block[148:156] = b'%06o\0 ' % sum(block)
    return bytes(block) + padded(data)


# ── Bombs ──

def gzipped(parts):
    """As small as gzip can."""
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b''.join([coder.compress(part) for part in parts] + [coder.flush()])


def zstd_of_zeros(blocks):
    """A frame of so many blocks, each of 4 bytes that stand for 128 KiB."""
    window = 17 - 10 << 3
    body = b''.join(struct.pack('<I', (128 << 10) << 3 | 1 << 1 | (i == blocks - 1))[:3] + b'\0'
                    for i in range(blocks))
    return b'\x28\xb5\x2f\xfd' + bytes([0, window]) + body


# ── Layouts ──

class Layout:
    """A layout at `path`. What an image is made of can be replaced before it is written: `config` and
    `manifest` are functions that change the document, or bytes that take its place."""

    def __init__(self, path):
        self.path, self.entries = path, []
        os.makedirs(path + '/blobs/sha256')
        self.put('oci-layout', b'{"imageLayoutVersion":"1.0.0"}')

    def put(self, name, data):
        with open(os.path.join(self.path, name), 'wb') as f:
            f.write(data)

    def where(self, digest):
        return os.path.join(self.path, 'blobs', *digest.split(':'))

    def blob(self, data, media_type=None):
        """Returns the descriptor. data: bytes, or portions of them that need not be in memory together."""
        digest, size, new = hashlib.sha256(), 0, os.path.join(self.path, 'new')
        with open(new, 'wb') as f:
            for part in [data] if isinstance(data, bytes) else data:
                digest.update(part)
                size += f.write(part)
        name = 'sha256:' + digest.hexdigest()
        os.rename(new, self.where(name))
        return {'mediaType': media_type, 'digest': name, 'size': size}

    def index(self, *entries, whole=None):
        document = {'schemaVersion': 2, 'manifests': list(entries)}
        self.put('index.json', whole if whole is not None else json.dumps(document).encode())
        return self

    def document(self, document, change, media_type):
        """Stores it as JSON, changed; returns its descriptor."""
        if callable(change):
            change = change(document)
        data = change if isinstance(change, bytes) else json.dumps(document).encode()
        return self.blob(data, media_type)

    def image(self, *layers, config=None, manifest=None, diffs=None, entry=None):
        """An image of layers, each a tar, or a pair of a blob and its media type, or a descriptor. diffs:
        tars or digests, where those of the blobs do not do. entry: changes the image's place in the index."""
        pairs = [layer if isinstance(layer, (tuple, dict)) else (layer, LAYER) for layer in layers]
        descriptors = [pair if isinstance(pair, dict) else self.blob(*pair) for pair in pairs]
        if diffs is None:
            diffs = [d['digest'] for d in descriptors]
        configuration = {'architecture': 'amd64', 'os': 'linux', 'config': {},
                         'rootfs': {'type': 'layers',
                                    'diff_ids': [d if isinstance(d, str) else sha256(d) for d in diffs]}}
        document = {'schemaVersion': 2, 'mediaType': MANIFEST,
                    'config': self.document(configuration, config, CONFIG), 'layers': descriptors}
        self.entries.append({**self.document(document, manifest, MANIFEST), **(entry or {})})
        return self.index(*self.entries)
