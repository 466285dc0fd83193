# SPDX-License-Identifier: Apache-2.0
"""Containers with one thing changed and every sum put right again, up to the root digest.

Fields of fixed places are set where they are. What changes in a table is written as new, plain
pages behind the last segment's frames, from the page that changed up to the root, and the commit
record moves behind them: so no other byte of the file has to move.
"""

import struct

from bfcfile import COMMIT_FIELDS, HEADER, RECORD, Container, Ref, crc32c, encode_page, root_digest, sha256


def set_field(raw, fields, name, value):
    for field, at, size in fields:
        if field == name:
            if isinstance(value, int):
                value = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
            raw[at:at + size] = value[:size].ljust(size, b"\0")


def repair_super(data):
    data[8:12] = crc32c(bytes(data[12:RECORD])).to_bytes(4, "little")


def repair_record(data, at, digest=True):
    if digest:
        data[at + 224:at + 256] = root_digest(bytes(data[at:at + RECORD]))
    data[at + 8:at + 12] = crc32c(bytes(data[at + 12:at + RECORD])).to_bytes(4, "little")


def repair_frame(data, at):
    data[at + 28:at + 32] = crc32c(bytes(data[at:at + 28])).to_bytes(4, "little")


def make_ref(ref, **changes):
    """The 64 or 56 bytes of a reference with fields of it changed."""
    raw = bytearray(ref.raw)
    for name, value in changes.items():
        set_field(raw, Ref_FIELDS, name, value)
    return Ref(raw)


Ref_FIELDS = [("offset", 0, 8), ("stored", 8, 4), ("raw", 12, 4), ("crc", 16, 4),
              ("compression", 20, 1), ("level", 21, 1), ("reserved", 22, 2), ("digest", 24, 32),
              ("count", 56, 8)]


class Forge:
    """One new container from a good one. `good` is shared by all; tables are loaded once."""

    def __init__(self, good):
        self.good = good
        self.out = bytearray(good.c.data[:good.c.commit_at])
        self.record = bytearray(good.c.record)
        self.pages = 1000  # frames of pages count on; nobody can compare this

    def frame(self, kind, number, payload, raw_size=None, compression=0):
        head = bytearray(b"BFCk" + struct.pack("<BBHIIQI", kind, compression, 0, len(payload),
                                               raw_size or len(payload), number, crc32c(payload)))
        self.out += head + crc32c(bytes(head)).to_bytes(4, "little")
        offset = len(self.out)
        self.out += payload
        return offset

    def put_page(self, table, level, raw):
        offset = self.frame(2, table << 56 | level << 48 | self.pages, raw)
        self.pages += 1
        return Ref(struct.pack("<QIIIBBH", offset, len(raw), len(raw), crc32c(raw), 0, 0, 0) +
                   sha256(raw))

    def set_root(self, table, ref, level, count):
        at = 512 + 64 * table
        raw = bytearray(ref.raw[:56]) + struct.pack("<Q", count)
        raw[21] = level & 255
        self.record[at:at + 64] = raw

    def replace(self, table, page, ref, key=None, added=0):
        """Puts `ref` where `page` stood, and new pages above it."""
        root = self.good.tree[table]
        old = self.good.c.table_ref(table)
        level = page.level
        while page is not root:
            parent = self.good.parent[id(page)]
            entries = []
            for (name, value), child in zip(parent.entries, parent.children):
                entries.append((key or name, ref.raw[:56]) if child is page else (name, value))
            key = entries[0][0]
            page, level = parent, parent.level
            ref = self.put_page(table, level, encode_page(table, level, entries))
        self.set_root(table, ref, level, old.count + added)

    def set_page(self, table, page, raw, key=None, added=0):
        self.replace(table, page, self.put_page(table, page.level, raw), key, added)

    def set_entries(self, table, page, entries):
        key = entries[0][0] if entries and entries[0][0] != page.entries[0][0] else None
        self.set_page(table, page, encode_page(table, page.level, entries), key,
                      len(entries) - len(page.entries) if page.level == 0 else 0)

    def set_table(self, table, entries):
        """A whole table anew, as one level of pages and a root; with few entries the root alone."""
        pages, open_page = [], []
        for entry in entries:
            if open_page and len(encode_page(table, 0, open_page + [entry])) > 16384:
                pages.append(open_page)
                open_page = []
            open_page.append(entry)
        pages.append(open_page)
        refs = [self.put_page(table, 0, encode_page(table, 0, p)) for p in pages]
        if len(refs) == 1:
            self.set_root(table, refs[0], 0, len(entries))
            return
        above = [(p[0][0], ref.raw) for p, ref in zip(pages, refs)]
        self.set_root(table, self.put_page(table, 1, encode_page(table, 1, above)), 1, len(entries))

    def count(self, name, by):
        """A counter of the record goes with what was changed."""
        for field, at, size in COMMIT_FIELDS:
            if field == name:
                value = int.from_bytes(self.record[at:at + size], "little") + by
                self.record[at:at + size] = value.to_bytes(size, "little")

    def finish(self):
        self.out += bytes(-len(self.out) % RECORD)
        at = len(self.out)
        self.record[40:48] = at.to_bytes(8, "little")
        self.out += self.record
        repair_record(self.out, at)
        return bytes(self.out)


class Good:
    """The good container with its tables as trees of pages."""

    def __init__(self, data):
        self.c = Container(data)
        self.tree = {}
        self.parent = {}
        for table in range(1, 11):
            root = self.c.table(table)
            if root:
                self.tree[table] = root
                self._note_parents(root)

    def _note_parents(self, page):
        for child in page.children:
            self.parent[id(child)] = page
            self._note_parents(child)

    def entries(self, table):
        for leaf in self.tree[table].leaves():
            for at, entry in enumerate(leaf.entries):
                yield leaf, at, entry
