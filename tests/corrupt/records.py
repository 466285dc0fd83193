# SPDX-License-Identifier: Apache-2.0
"""The records of docs/format.md, sections 6 to 9, as lists of fields.

A record is [[name, kind, value], …] with kinds u8, u32, varint, svarint and bytes, so that a field
can be changed to anything, legal or not, and written again.
"""

from bfcfile import (BLOCK, CHAR, DENSE, FILE, HAS_XATTRS, SPILLED, SYMLINK, Take, must, unzigzag,
                     varint, zigzag)


def encode(fields):
    out = bytearray()
    for _, kind, value in fields:
        if kind == "u8":
            out.append(value & 255)
        elif kind == "u32":
            out += (value & 0xFFFFFFFF).to_bytes(4, "little")
        elif kind == "varint":
            out += value if isinstance(value, bytes) else varint(value)
        elif kind == "svarint":
            out += value if isinstance(value, bytes) else varint(zigzag(value))
        else:
            out += value
    return bytes(out)


class _Fields:
    def __init__(self, data):
        self.take = Take(data)
        self.list = []

    def u8(self, name):
        return self._add(name, "u8", self.take.u8())

    def u32(self, name):
        return self._add(name, "u32", self.take.u32())

    def varint(self, name):
        return self._add(name, "varint", self.take.varint())

    def svarint(self, name):
        return self._add(name, "svarint", unzigzag(self.take.varint()))

    def bytes(self, name, count):
        return self._add(name, "bytes", self.take.bytes(count))

    def rest(self, name):
        return self.bytes(name, len(self.take.data) - self.take.at)

    def extents(self, count):
        for i in range(count):
            for part in ("gap", "length", "block", "offset"):
                self.varint(f"extent{i}.{part}")
            self.u8(f"extent{i}.shift")

    def _add(self, name, kind, value):
        self.list.append([name, kind, value])
        return value

    def done(self):
        self.take.end()
        return self.list


def inode(data):
    f = _Fields(data)
    kind, flags = f.u8("type"), f.u8("flags")
    for name in ("mode", "uid", "gid"):
        f.varint(name)
    f.svarint("mtime")
    f.varint("mtime_ns")
    if flags & HAS_XATTRS:
        f.bytes("xattrs", 32)
    if kind == FILE:
        if f.varint("size"):
            f.u32("crc")
            f.bytes("digest", 32)
            if flags & DENSE:
                f.varint("block")
                f.varint("offset")
                f.u8("shift")
            elif not flags & SPILLED:
                count = f.varint("count")
                must(count <= 64, "more than 64 extents in an inode")
                f.extents(count)
    elif kind == SYMLINK:
        f.bytes("link", f.varint("length"))
    elif kind in (CHAR, BLOCK):
        f.varint("major")
        f.varint("minor")
    return f.done()


def tree(data):
    f = _Fields(data)
    f.u8("kind")
    f.varint("root")
    f.bytes("label", f.varint("length"))
    return f.done()


def dirent(data):
    f = _Fields(data)
    f.u8("type")
    f.varint("ino")
    return f.done()


def number(data):
    f = _Fields(data)
    f.varint("number")
    return f.done()


def extents(data):
    f = _Fields(data)
    count = f.varint("count")
    must(1 <= count <= 128, "count of an entry of the extents table")
    f.extents(count)
    return f.done()


def block(data):
    f = _Fields(data)
    for name in ("offset", "stored", "raw"):
        f.varint(name)
    f.u8("compression")
    f.u32("crc")
    f.bytes("digest", 32)
    return f.done()


def stored(data, with_sums):
    f = _Fields(data)
    if f.u8("place") == 0:
        f.rest("bytes")
        return f.done()
    f.varint("size")
    if with_sums:
        f.u32("crc")
        f.bytes("digest", 32)
    count = f.varint("count")
    must(count <= 64, "count of extents")
    f.extents(count)
    return f.done()


def xattr_set(data):
    f = _Fields(data)
    count = f.varint("count")
    must(count <= len(data), "count of attributes")
    for i in range(count):
        f.bytes(f"name{i}", f.varint(f"name_length{i}"))
        f.bytes(f"value{i}", f.varint(f"value_length{i}"))
    return f.done()


def values(fields):
    return {name: value for name, _, value in fields}


def extent_list(fields, start):
    """[(start, length, block, offset, shift)], the first gap counted from `start`."""
    v, out, i = values(fields), [], 0
    if "shift" in v:
        return [(0, v["size"], v["block"], v["offset"], v["shift"])]
    while f"extent{i}.gap" in v:
        begin = start + v[f"extent{i}.gap"]
        length = v[f"extent{i}.length"]
        out.append((begin, length, v[f"extent{i}.block"], v[f"extent{i}.offset"],
                    v[f"extent{i}.shift"]))
        start = begin + length
        i += 1
    return out


OF_TABLE = {1: tree, 2: inode, 3: dirent, 4: number, 5: lambda d: stored(d, False), 6: extents,
            7: block, 8: number, 9: lambda d: stored(d, True)}
