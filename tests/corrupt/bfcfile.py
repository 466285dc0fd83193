# SPDX-License-Identifier: Apache-2.0
"""The container format a second time, written from docs/format.md and nothing else.

It shares no line with the library, so that where both agree the page is right. Reading is in
Container, the reader's duties in check.py, writing (also of what is wrong) in forge.py. Payloads
are decompressed by libzstd through ctypes; everything else is plain Python.
"""

import ctypes
import ctypes.util
import hashlib
import struct

SUPER_MAGIC = b"BFCFv2\0\0"
COMMIT_MAGIC = b"BFCFcmt\0"
FRAME_MAGIC = b"BFCk"
RECORD = 4096
HEADER = 32
TREES, INODES, DIRENTS, LINKS, XATTRS, EXTENTS, BLOCKS, CONTENTS, BLOBS, SIGNATURES = range(1, 11)
TABLE_NAMES = {1: "trees", 2: "inodes", 3: "dirents", 4: "links", 5: "xattrs", 6: "extents",
               7: "blocks", 8: "contents", 9: "blobs", 10: "signatures"}
FILE, DIR, SYMLINK, CHAR, BLOCK, FIFO, SOCKET = range(1, 8)
HAS_XATTRS, SPILLED, SYNTHETIC, DENSE = 1, 2, 4, 8

# (name, offset, size) of the fields of sections 3, 4 and 5.
SUPER_FIELDS = [("magic", 0, 8), ("crc", 8, 4), ("version", 12, 4), ("uuid", 16, 16),
                ("features_ignore", 32, 8), ("features_read_only", 40, 8),
                ("features_refuse", 48, 8), ("align_shift", 56, 1), ("page_shift", 57, 1),
                ("hash", 58, 1), ("sum", 59, 1), ("block_max", 60, 4), ("reserved", 64, 4032)]
FRAME_FIELDS = [("magic", 0, 4), ("kind", 4, 1), ("compression", 5, 1), ("flags", 6, 2),
                ("stored", 8, 4), ("raw", 12, 4), ("number", 16, 8), ("payload_crc", 24, 4),
                ("header_crc", 28, 4)]
COMMIT_FIELDS = [("magic", 0, 8), ("crc", 8, 4), ("version", 12, 4), ("uuid", 16, 16),
                 ("seq", 32, 8), ("offset", 40, 8), ("segment", 48, 8), ("previous", 56, 8),
                 ("previous_digest", 64, 32), ("time", 96, 8), ("time_ns", 104, 4),
                 ("reserved1", 108, 4), ("next_ino", 112, 8), ("next_block", 120, 8),
                 ("files", 128, 8), ("dirs", 136, 8), ("symlinks", 144, 8), ("others", 152, 8),
                 ("content_bytes", 160, 8), ("data_stored", 168, 8), ("data_raw", 176, 8),
                 ("reserved2", 184, 40), ("root_digest", 224, 32), ("salt", 256, 32),
                 ("reserved3", 288, 224), ("tables", 512, 1024), ("key_slots", 1536, 2560)]
REF_FIELDS = [("offset", 0, 8), ("stored", 8, 4), ("raw", 12, 4), ("crc", 16, 4),
              ("compression", 20, 1), ("level", 21, 1), ("reserved", 22, 2), ("digest", 24, 32),
              ("count", 56, 8)]


class Bad(Exception):
    """Something that a reader must refuse."""


def must(condition, what):
    if not condition:
        raise Bad(what)


# ── Sums and compression ──

def _crc_tables():
    """Eight tables, so that eight bytes are taken at a time."""
    first = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        first.append(byte)
    tables = [first]
    for _ in range(7):
        tables.append([first[v & 0xFF] ^ v >> 8 for v in tables[-1]])
    return tables


_CRC = _crc_tables()


def crc32c(data, crc=0):
    t0, t1, t2, t3, t4, t5, t6, t7 = _CRC
    crc ^= 0xFFFFFFFF
    whole = len(data) & ~7
    for low, high in struct.iter_unpack("<II", data[:whole]):
        low ^= crc
        crc = (t7[low & 255] ^ t6[low >> 8 & 255] ^ t5[low >> 16 & 255] ^ t4[low >> 24] ^
               t3[high & 255] ^ t2[high >> 8 & 255] ^ t1[high >> 16 & 255] ^ t0[high >> 24])
    for byte in data[whole:]:
        crc = t0[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def sha256(data):
    return hashlib.sha256(data).digest()


def _load_zstd():
    lib = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    for name in ("ZSTD_decompress", "ZSTD_findFrameCompressedSize", "ZSTD_compress",
                 "ZSTD_compressBound"):
        getattr(lib, name).restype = ctypes.c_size_t
    lib.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
    return lib


_ZSTD = _load_zstd()
_size = ctypes.c_size_t


def zstd_unpack(data, raw):
    """One frame, that states its content size, and nothing behind it."""
    must(_ZSTD.ZSTD_findFrameCompressedSize(data, _size(len(data))) == len(data), "not one frame")
    must(_ZSTD.ZSTD_getFrameContentSize(data, _size(len(data))) == raw, "frame of another size")
    out = ctypes.create_string_buffer(raw)
    got = _ZSTD.ZSTD_decompress(out, _size(raw), data, _size(len(data)))
    must(got == raw, "a frame that does not decompress")
    return out.raw[:raw]


def branches_from_positions(data):
    """x86 code, whose calls say where to in place of how far."""
    out = bytearray(data)
    for at in range(len(out) - 4):
        if out[at] in (0xE8, 0xE9) and out[at + 4] in (0x00, 0xFF):
            value = int.from_bytes(out[at + 1:at + 5], "little") - at & 0x1FFFFFF
            out[at + 1:at + 5] = (value | (0xFE000000 if value >> 24 else 0)).to_bytes(4, "little")
    return bytes(out)


def zstd_pack(data, level=3):
    bound = _ZSTD.ZSTD_compressBound(_size(len(data)))
    out = ctypes.create_string_buffer(bound)
    got = _ZSTD.ZSTD_compress(out, _size(bound), data, _size(len(data)), ctypes.c_int(level))
    return out.raw[:got]


# ── Numbers ──

def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value):
    return value >> 1 if not value & 1 else -(value + 1 >> 1)


class Take:
    """Reads fields in order."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def bytes(self, count):
        must(count <= len(self.data) - self.at, "record ends early")
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.bytes(1)[0]

    def u32(self):
        return int.from_bytes(self.bytes(4), "little")

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.u8()
            value |= (byte & 127) << shift
            if byte < 128:
                must(byte != 0 or shift == 0, "a varint that has a shorter form")
                must(value < 1 << 64, "a varint above 64 bits")
                return value
        raise Bad("a varint of more than 10 bytes")

    def end(self):
        must(self.at == len(self.data), "bytes left over")


def get(data, fields, name):
    for field, at, size in fields:
        if field == name:
            raw = data[at:at + size]
            return int.from_bytes(raw, "little") if size <= 8 else raw
    raise KeyError(name)


# ── References and pages ──

class Ref:
    """A table reference (64 bytes), or a page reference (56 bytes: neither level nor count)."""

    def __init__(self, raw):
        self.raw = bytes(raw)
        (self.offset, self.stored, self.raw_size, self.crc, self.compression, self.level,
         self.reserved) = struct.unpack_from("<QIIIBBH", raw)
        self.digest = self.raw[24:56]
        self.count = struct.unpack_from("<Q", raw, 56)[0] if len(raw) == 64 else None


class Page:
    """A page with its entries; in an inner page `children` are the pages they refer to."""

    def __init__(self, ref, raw):
        self.ref, self.raw = ref, raw
        self.table, self.level, count = struct.unpack_from("<BBH", raw)
        self.entries = []
        self.children = []
        take = Take(raw)
        take.bytes(4)
        key = b""
        must(count > 0, "a page without entries")
        for _ in range(count):
            shared, rest = take.varint(), take.varint()
            must(shared <= len(key), "a key shares more than there is")
            last, key = key, key[:shared] + take.bytes(rest)
            must(len(key) <= 264, "a key above 264 bytes")
            must(not self.entries or last < key, "keys do not rise")
            must(len(key) > 0, "an empty key")
            size = take.varint()
            must(size <= 8192, "a value above 8192 bytes")
            self.entries.append((key, take.bytes(size)))
        take.end()

    def leaves(self):
        if self.level == 0:
            yield self
        for child in self.children:
            yield from child.leaves()


def encode_page(table, level, entries, count=None):
    out = bytearray(struct.pack("<BBH", table & 255, level & 255,
                                len(entries) if count is None else count))
    last = b""
    for key, value in entries:
        shared = 0
        while shared < min(len(last), len(key)) and last[shared] == key[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + key[shared:]
        out += varint(len(value)) + value
        last = key
    return bytes(out)


def root_digest(record):
    return sha256(b"bfc root digest\0" + record[112:224] + record[576:1152])


class Container:
    """A container's bytes, its superblock and its last whole commit; tables are loaded on demand."""

    def __init__(self, data):
        self.data = data
        self.check_super()
        self.page_max = 1 << data[57]
        self.block_max = get(data, SUPER_FIELDS, "block_max")
        self.commit_at = self.find_commit()
        self.record = data[self.commit_at:self.commit_at + RECORD]
        self.frames = []  # (start, end) of what is referred to

    def check_super(self):
        s = self.data[:RECORD]
        must(len(s) == RECORD, "the superblock is cut off")
        must(s[:8] == SUPER_MAGIC, "magic")
        field = {name: get(s, SUPER_FIELDS, name) for name, _, _ in SUPER_FIELDS}
        must(field["version"] == 2, "version")
        must(field["features_refuse"] == 0, "unsupported")
        must(field["crc"] == crc32c(s[12:]), "superblock crc")
        must(any(field["uuid"]), "uuid")
        must(field["align_shift"] <= 12, "align_shift")
        must(14 <= field["page_shift"] <= 16, "page_shift")
        must(field["hash"] == 1 and field["sum"] == 1, "hash or sum")
        must(4096 <= field["block_max"] <= 4194304, "block_max")
        must(not any(field["reserved"]), "reserved bytes of the superblock")

    def field(self, name):
        return get(self.record, COMMIT_FIELDS, name)

    def table_ref(self, table, record=None):
        return Ref((record or self.record)[512 + 64 * table:576 + 64 * table])

    def commit_is_legal(self, at):
        r = self.data[at:at + RECORD]
        if len(r) < RECORD or r[:8] != COMMIT_MAGIC:
            return False
        f = {name: get(r, COMMIT_FIELDS, name) for name, _, _ in COMMIT_FIELDS}
        first = f["previous"] == 0
        return (f["crc"] == crc32c(r[12:]) and f["version"] == 1 and
                f["uuid"] == self.data[16:32] and f["offset"] == at and f["seq"] >= 1 and
                first == (f["seq"] == 1) and
                f["segment"] == (4096 if first else f["previous"] + 4096) and
                f["segment"] <= at and f["previous"] < at and
                (not first or not any(f["previous_digest"])) and f["time_ns"] <= 999999999 and
                not any(r[108:112]) and f["next_ino"] >= 2 and not any(f["reserved2"]) and
                f["root_digest"] == root_digest(r) and not any(f["salt"]) and
                not any(f["reserved3"]) and not any(f["key_slots"]) and
                not any(r[512:576]) and not any(r[512 + 64 * 11:1536]) and
                all(self.ref_is_legal(self.table_ref(t, r), at) for t in range(1, 11)))

    def is_of_later_version(self, at):
        r = self.data[at:at + RECORD]
        return (r[:8] == COMMIT_MAGIC and get(r, COMMIT_FIELDS, "crc") == crc32c(r[12:]) and
                r[16:32] == self.data[16:32] and get(r, COMMIT_FIELDS, "offset") == at and
                get(r, COMMIT_FIELDS, "version") != 1)

    def ref_is_legal(self, ref, end):
        if ref.offset == 0:
            return not any(ref.raw)
        return (4096 + HEADER <= ref.offset and ref.stored >= 1 and
                ref.offset + ref.stored <= end and 4 <= ref.raw_size <= self.page_max and
                ref.stored <= ref.raw_size and
                ref.compression <= 1 and (ref.compression == 1 or ref.stored == ref.raw_size) and
                ref.reserved == 0 and
                (ref.level <= 7 and ref.count >= 1 if ref.count is not None else ref.level == 0))

    def find_commit(self):
        at = len(self.data) // RECORD * RECORD - RECORD
        while at >= RECORD:
            if self.commit_is_legal(at):
                return at
            must(not self.is_of_later_version(at), "unsupported")
            at -= RECORD
        raise Bad("no whole commit")

    def chain(self):
        """Offsets of the commit records, newest first."""
        at = self.commit_at
        while True:
            yield at
            record = self.data[at:at + RECORD]
            before = get(record, COMMIT_FIELDS, "previous")
            if before == 0:
                return
            must(self.commit_is_legal(before), "a commit before is damaged")
            old = self.data[before:before + RECORD]
            must(sha256(old) == get(record, COMMIT_FIELDS, "previous_digest"), "previous_digest")
            must(get(old, COMMIT_FIELDS, "seq") + 1 == get(record, COMMIT_FIELDS, "seq"), "seq")
            at = before

    def payload(self, ref_offset, stored, raw, compression, crc, digest, number, kind):
        """A payload, checked against its reference and its frame's header, decompressed."""
        head = self.data[ref_offset - HEADER:ref_offset]
        data = self.data[ref_offset:ref_offset + stored]
        must(len(data) == stored, "a payload beyond the file's end")
        must(crc32c(data) == crc, "payload crc")
        must(sha256(data) == digest, "payload digest")
        h = {name: get(head, FRAME_FIELDS, name) for name, _, _ in FRAME_FIELDS}
        must(head[:4] == FRAME_MAGIC and h["header_crc"] == crc32c(head[:28]), "frame header")
        must((h["kind"], h["compression"], h["flags"], h["stored"], h["raw"], h["payload_crc"]) ==
             (kind, compression, 0, stored, raw, crc), "frame header differs")
        must(h["number"] == number if kind == 1 else h["number"] >> 48 == number, "frame number")
        self.frames.append((ref_offset - HEADER, ref_offset + stored))
        unpacked = zstd_unpack(data, raw) if compression else data
        return branches_from_positions(unpacked) if compression == 2 else unpacked

    def page(self, table, level, ref):
        must(ref.offset and self.ref_is_legal(ref, self.commit_at), "page reference")
        raw = self.payload(ref.offset, ref.stored, ref.raw_size, ref.compression, ref.crc,
                           ref.digest, table << 8 | level, 2)
        page = Page(ref, raw)
        must((page.table, page.level) == (table, level), "page of another table or level")
        return page

    def table(self, table):
        """The root page with all below it, or None."""
        ref = self.table_ref(table)
        if ref.offset == 0:
            return None
        root = self._subtree(table, ref.level, ref, None, None)
        count = sum(len(leaf.entries) for leaf in root.leaves())
        must(count == ref.count, f"count of table {table}")
        return root

    def _subtree(self, table, level, ref, first, bound):
        page = self.page(table, level, ref)
        keys = [key for key, _ in page.entries]
        must(first is None or keys[0] == first, "first key")
        must(bound is None or keys[-1] < bound, "last key")
        if level:
            for i, (key, value) in enumerate(page.entries):
                must(len(value) == 56, "size of a page reference")
                above = keys[i + 1] if i + 1 < len(keys) else bound
                page.children.append(self._subtree(table, level - 1, Ref(value), key, above))
        return page
