# SPDX-License-Identifier: Apache-2.0
"""Writes containers of format version 1 by docs/format-v1.md, right ones and others: every field of every
record can be set to anything, checksums are put right."""
import struct

HEADER, FOOTER, FIXED = 4096, 56, 40
FILE, DIR, LINK = 0o100000, 0o040000, 0o120000
TYPE = {FILE: 1, DIR: 2, LINK: 3}
U32, U64 = 0xffffffff, 0xffffffffffffffff


def _table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        yield n


TABLE = list(_table())


def crc(data):
    """CRC32C, but initial and final values are zero."""
    value = 0
    for byte in data:
        value = TABLE[(value ^ byte) & 0xff] ^ value >> 8
    return value


class Entry:
    """What an index says of a path, and its object. `index` and `header` are fields that lie."""

    def __init__(self, path, content=b'', kind=FILE, mode=0o644, mtime=1_700_000_000_123_456_789, *,
                 stored=None, comp=0, enc=0, at=None, index=None, header=None, checksum=None):
        self.path = path if isinstance(path, bytes) else path.encode()
        self.stored = content if stored is None else stored
        self.at = at  # of the object; None: behind the one before
        size = -(-(FIXED + len(self.path)) // 16) * 16 + len(self.stored)
        self.index = {'path_len': len(self.path), 'obj_size': size, 'mode': kind | mode, 'mtime': mtime,
                      'comp': comp, 'enc': enc, 'orig_size': len(content),
                      'crc': crc(content) if checksum is None else checksum}
        self.header = {'type': TYPE.get(kind, 9), 'comp': comp, 'enc': enc, 'name_len': len(self.path),
                       'mode': kind | mode, 'mtime': mtime, 'orig_size': self.index['orig_size'],
                       'enc_size': len(self.stored), 'crc': self.index['crc'], 'name': self.path}
        self.index.update(index or {})
        self.header.update(header or {})

    def object(self):
        h = self.header
        raw = struct.pack('<BBBxHxxIQQQI', h['type'], h['comp'], h['enc'], h['name_len'] & 0xffff, h['mode'],
                          h['mtime'] & U64, h['orig_size'], h['enc_size'], h['crc']) + h['name']
        return raw + bytes(-len(raw) % 16) + self.stored

    def record(self, offset):
        i = self.index
        return (struct.pack('<I', i['path_len']) + self.path +
                struct.pack('<QQIQIIQI', i.get('obj_offset', offset), i['obj_size'], i['mode'],
                            i['mtime'] & U64, i['comp'], i['enc'], i['orig_size'], i['crc']))


def folder(path, mode=0o755, **more):
    return Entry(path, kind=DIR, mode=mode, **more)


def link(path, target, **more):
    return Entry(path, target, kind=LINK, mode=0o777, **more)


def header(features=0, salt=bytes(32), magic=b'BFCFv1\0\0', **more):
    body = struct.pack('<IQ', 4096, features) + b'uuid of 16 bytes' + salt
    body += bytes(HEADER - 12 - len(body))
    return magic + struct.pack('<I', more.get('crc', crc(body))) + body


def build(entries, *, count=None, version=1, tail=b'', footer=None, head=None):
    """A file; `footer` holds fields that lie, `head` those of header()."""
    data = bytearray(header(**(head or {})))
    index = struct.pack('<II', version, len(entries) if count is None else count)
    for e in entries:
        at = len(data) if e.at is None else e.at
        raw = e.object()
        if e.at is None:
            data += raw
        index += e.record(at)
    index += tail
    f = {'size': len(index), 'crc': crc(index), 'offset': len(data), **(footer or {})}
    data += index
    data += struct.pack('<8sQIQI16s8s', b'BFCFIDX', f['size'], f['crc'], f['offset'], 0, bytes(16), b'BFCFEND')
    return bytes(data)
