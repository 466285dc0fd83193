# SPDX-License-Identifier: Apache-2.0
"""Every field of a container set to boundary values, and whole structures put wrong.

Each function gives (name, bytes of a container). Whether a container is legal is not said here:
check.py tells.
"""

import struct

import records
from bfcfile import (BLOBS, BLOCKS, CONTENTS, DIR, DIRENTS, EXTENTS, FILE, FRAME_FIELDS, HAS_XATTRS, HEADER,
                     INODES, LINKS, RECORD, REF_FIELDS, SPILLED, SUPER_FIELDS, COMMIT_FIELDS, SYMLINK,
                     TABLE_NAMES, TREES, XATTRS, Ref, crc32c, encode_page, get, sha256, varint, zstd_pack)
from forge import Forge, make_ref, repair_frame, repair_record, repair_super, set_field

U64 = (1 << 64) - 1


def boundaries(value, size):
    """Values to set a field of `size` bytes to."""
    top = (1 << 8 * size) - 1
    return sorted({v & top for v in (0, 1, 2, value - 1, value + 1, value ^ 1 << (8 * size - 1),
                                     top, top - 1, top >> 1, (top >> 1) + 1, value << 1)} - {value})


def fixed_values(raw, fields, name):
    """Boundaries of a fixed field; of one that is no number, a flip at either end and its extremes."""
    at, size = next((at, size) for field, at, size in fields if field == name)
    old = raw[at:at + size]
    if size <= 8:
        return [v.to_bytes(size, "little") for v in boundaries(int.from_bytes(old, "little"), size)]
    out = {bytes(size), b"\xff" * size, bytes([old[0] ^ 1]) + old[1:],
           old[:-1] + bytes([old[-1] ^ 0x80]), old[:size // 2] + bytes([old[size // 2] ^ 4]) +
           old[size // 2 + 1:]}
    return sorted(out - {old})


# ── Fixed places ──

def superblock(good):
    for name, at, size in SUPER_FIELDS:
        for value in fixed_values(good.c.data, SUPER_FIELDS, name):
            out = bytearray(good.c.data)
            out[at:at + size] = value
            if name != "crc":
                repair_super(out)
            yield f"superblock {name} = {value[:8].hex()}", bytes(out)


def commit_record(good):
    """Of the last commit, and of the one before with the chain repaired."""
    for place in good.c.chain():
        for name, at, size in COMMIT_FIELDS:
            if name == "tables":
                continue
            for value in fixed_values(good.c.data[place:place + RECORD], COMMIT_FIELDS, name):
                out = bytearray(good.c.data)
                out[place + at:place + at + size] = value
                if name != "crc":
                    repair_record(out, place, name != "root_digest")
                if place != good.c.commit_at:
                    last = good.c.commit_at
                    out[last + 64:last + 96] = sha256(bytes(out[place:place + RECORD]))
                    repair_record(out, last)
                yield f"record at {place} {name} = {value[:8].hex()}", bytes(out)


def table_references(good):
    for table in range(16):
        at = good.c.commit_at + 512 + 64 * table
        raw = good.c.data[at:at + 64]
        for name, _, _ in REF_FIELDS:
            for value in fixed_values(raw, REF_FIELDS, name):
                out = bytearray(good.c.data)
                field = bytearray(raw)
                set_field(field, REF_FIELDS, name, value)
                out[at:at + 64] = field
                repair_record(out, good.c.commit_at)
                yield f"reference to table {table} {name} = {value[:8].hex()}", bytes(out)
    for table in good.tree:
        for other in good.tree:
            out = bytearray(good.c.data)
            at = good.c.commit_at + 512
            out[at + 64 * table:at + 64 * table + 64] = good.c.data[at + 64 * other:at + 64 * other + 64]
            repair_record(out, good.c.commit_at)
            if table != other:
                yield f"table {table} is table {other}", bytes(out)
        out = bytearray(good.c.data)
        out[at + 64 * table:at + 64 * table + 64] = bytes(64)
        repair_record(out, good.c.commit_at)
        yield f"table {table} is gone", bytes(out)


def frames(good):
    """The header of one page of each table and level, and of three blocks."""
    places = []
    for table, root in good.tree.items():
        places.append((f"page of {TABLE_NAMES[table]}", root.ref.offset))
        if root.children:
            places.append((f"leaf of {TABLE_NAMES[table]}", root.children[0].ref.offset))
    entries = list(good.entries(BLOCKS))
    for _, _, (key, value) in (entries[0], entries[len(entries) // 2], entries[-1]):
        places.append((f"block {key.hex()}", records.values(records.block(value))["offset"]))
    for what, offset in places:
        at = offset - HEADER
        raw = good.c.data[at:at + HEADER]
        for name, start, size in FRAME_FIELDS:
            for value in fixed_values(raw, FRAME_FIELDS, name):
                out = bytearray(good.c.data)
                out[at + start:at + start + size] = value
                if name != "header_crc":
                    repair_frame(out, at)
                yield f"frame of {what} {name} = {value.hex()}", bytes(out)
    for what, offset in places:
        out = bytearray(good.c.data)
        out[offset] ^= 1
        yield f"payload of {what}", bytes(out)


# ── Pages ──

def page_headers(good):
    for table, root in good.tree.items():
        for page in [root] + root.children[-1:]:
            for name, at, size in (("table", 0, 1), ("level", 1, 1), ("count", 2, 2)):
                old = int.from_bytes(page.raw[at:at + size], "little")
                for value in boundaries(old, size):
                    raw = bytearray(page.raw)
                    raw[at:at + size] = value.to_bytes(size, "little")
                    f = Forge(good)
                    f.set_page(table, page, bytes(raw))
                    yield f"page of {TABLE_NAMES[table]} level {page.level} {name} = {value}", f.finish()


def page_payloads(good):
    """How a page is stored: compressed wrongly, cut, empty, with bytes behind it."""
    for table, root in good.tree.items():
        packed = zstd_pack(root.raw)
        for name, payload, raw_size, compression in (
                ("packed", packed, len(root.raw), 1), ("of a larger size", packed, len(root.raw) + 1, 1),
                ("of a smaller size", packed, len(root.raw) - 1, 1),
                ("cut", packed[:-1], len(root.raw), 1), ("longer", packed + b"\0", len(root.raw), 1),
                ("two frames", packed + zstd_pack(b""), len(root.raw), 1),
                ("no frame", b"\x28\xb5\x2f\xfd" + bytes(8), len(root.raw), 1),
                ("plain and longer", root.raw + b"\0", len(root.raw) + 1, 0),
                ("plain and cut", root.raw[:-1], len(root.raw) - 1, 0),
                ("huge", zstd_pack(root.raw.ljust(1 << 16, b"\0")), 1 << 16, 1),
                ("a header alone", root.raw[:4], 4, 0)):
            f = Forge(good)
            number = table << 56 | root.level << 48 | 7
            offset = f.frame(2, number, payload, raw_size, compression)
            ref = Ref(struct.pack("<QIIIBBH", offset, len(payload), raw_size, crc32c(payload), compression,
                                  0, 0) + sha256(payload))
            f.set_root(table, ref, root.level, good.c.table_ref(table).count)
            yield f"page of {TABLE_NAMES[table]} {name}", f.finish()


def page_entries(good):
    """What makes up an entry: lengths and order of keys."""
    for table, root in good.tree.items():
        page = next(root.leaves())
        key, value = page.entries[0]
        head = struct.pack("<BBH", table, 0, 1)
        tail = varint(len(value)) + value
        for name, raw in (
                ("shared in the first", head + varint(1) + varint(len(key)) + key + tail),
                ("shared huge", head + varint(U64) + varint(len(key)) + key + tail),
                ("rest 0", head + b"\0\0" + tail),
                ("rest huge", head + b"\0" + varint(U64) + key + tail),
                ("rest 265", head + b"\0" + varint(265) + key.ljust(265, b"k") + tail),
                ("value 8193", head + b"\0" + varint(len(key)) + key + varint(8193) + bytes(8193)),
                ("value huge", head + b"\0" + varint(len(key)) + key + varint(U64) + value),
                ("long varint", head + b"\x80\0" + varint(len(key)) + key + tail),
                ("varint of 11 bytes", head + b"\x80" * 10 + b"\1" + key + tail),
                ("ends in a key", head + b"\0" + varint(len(key)) + key[:-1]),
                ("bytes behind", head + b"\0" + varint(len(key)) + key + tail + b"\0")):
            f = Forge(good)
            f.set_page(table, page, raw)
            yield f"entry of {TABLE_NAMES[table]}: {name}", f.finish()
        yield from _orders(good, table, page)


def _orders(good, table, page):
    entries = page.entries
    if len(entries) < 3:
        return
    for name, changed in (("duplicate key", entries[:2] + entries[1:]),
                          ("swapped entries", [entries[0], entries[2], entries[1]] + entries[3:]),
                          ("swapped values", [entries[0], (entries[1][0], entries[2][1]),
                                              (entries[2][0], entries[1][1])] + entries[3:]),
                          ("last first", entries[-1:] + entries[:-1]),
                          ("first missing", entries[1:]),
                          ("middle missing", entries[:1] + entries[2:]),
                          ("last missing", entries[:-1])):
        f = Forge(good)
        f.set_entries(table, page, changed)
        yield f"{TABLE_NAMES[table]}: {name}", f.finish()


def page_references(good):
    for table, root in good.tree.items():
        if not root.children:
            continue
        for at in (0, len(root.children) - 1):
            raw = root.entries[at][1]
            fields = [f for f in REF_FIELDS if f[0] != "count"]
            for name, _, _ in fields:
                for value in fixed_values(raw, fields, name):
                    changed = bytearray(raw)
                    set_field(changed, fields, name, value)
                    yield (f"page reference of {TABLE_NAMES[table]} {name} = {value[:8].hex()}",
                           _with_root(good, table, root, at, bytes(changed)))
            for name, value in (("short", raw[:55]), ("long", raw + b"\0"), ("empty", b"")):
                yield (f"page reference of {TABLE_NAMES[table]} {name}",
                       _with_root(good, table, root, at, value))
        yield from _trees_of_pages(good, table, root)


def _with_root(good, table, root, at, value):
    f = Forge(good)
    entries = list(root.entries)
    entries[at] = (entries[at][0], value)
    f.set_entries(table, root, entries)
    return f.finish()


def _trees_of_pages(good, table, root):
    entries = list(root.entries)
    pairs = list(zip(entries, entries[1:]))[0]
    for name, changed in (
            ("swapped pages", [(pairs[0][0], pairs[1][1]), (pairs[1][0], pairs[0][1])] + entries[2:]),
            ("one page twice", [pairs[0], (pairs[1][0], pairs[0][1])] + entries[2:]),
            ("a page missing", entries[1:]),
            ("key too low", [(entries[0][0][:-1], entries[0][1])] + entries[1:]),
            ("second key too low", [entries[0], (entries[1][0][:-1] + b"\0", entries[1][1])] + entries[2:]),
            ("second key too high", [entries[0], (entries[1][0] + b"\xff", entries[1][1])] + entries[2:]),
            ("an old root as child", [entries[0], (entries[1][0], root.ref.raw[:56])] + entries[2:])):
        f = Forge(good)
        f.set_page(table, root, encode_page(table, root.level, changed))
        yield f"pages of {TABLE_NAMES[table]}: {name}", f.finish()
    # Towers: a root above the root, up to the limit and beyond it.
    for level in (2, 7, 8, 255):
        f = Forge(good)
        ref = root.ref
        for above in range(root.level + 1, min(level, 10) + 1):
            ref = f.put_page(table, above, encode_page(table, above, [(entries[0][0], ref.raw[:56])]))
        f.set_root(table, ref, level, good.c.table_ref(table).count)
        yield f"{TABLE_NAMES[table]}: {level + 1} levels", f.finish()


# ── Records ──

def record_values(name, kind, value):
    if kind == "bytes":
        middle = len(value) // 2
        flipped = value[:middle] + bytes([value[middle] ^ 1]) + value[middle + 1:] if value else b""
        return [v for v in (b"", value + b"\0", value[:-1], bytes(len(value)), flipped,
                            b"\xff" * len(value)) if v != value]
    if kind == "u8":
        return boundaries(value, 1)
    if kind == "u32":
        return boundaries(value, 4)
    if kind == "svarint":
        return [v for v in (0, 1, -1, (1 << 63) - 1, -(1 << 63), b"\x80\0", b"\xff" * 10) if v != value]
    return [v for v in (0, 1, 2, value - 1, value + 1, value * 2, 0o10000, 4096, 65535, 65536, 999999999,
                        10**9, (1 << 31) - 1, 1 << 31, (1 << 32) - 2, (1 << 32) - 1, 1 << 32,
                        (1 << 63) - 1, 1 << 63, U64 - 1, U64, varint(value)[:-1] +
                        bytes([varint(value)[-1] | 128, 0]), b"\xff" * 9 + b"\2", b"\x80" * 10 + b"\1")
            if not isinstance(v, int) or v >= 0 and v != value]


def samples(good, table):
    """One entry of each kind: the first, the last, and for inodes one of each type and shape."""
    chosen = {}
    for leaf, at, (key, value) in good.entries(table):
        fields = records.OF_TABLE[table](value)
        v = records.values(fields)
        shape = ("only",)
        if table == INODES:
            shape = (v["type"], v["flags"], min(v.get("count", 9), 2), v.get("extent0.shift", 0) > 0,
                     v.get("size", 1) > 0)
        elif table == DIRENTS:
            shape = (v["type"],)
        elif table in (XATTRS, BLOBS):
            shape = (v["place"],)
        elif table == BLOCKS:
            shape = (v["compression"],)
        elif table == EXTENTS:
            shape = key
        chosen.setdefault(shape, (leaf, at, key, fields))
    return chosen.values()


def inode_fields(good):
    yield from _record_fields(good, [INODES])


def record_fields(good):
    yield from _record_fields(good, [table for table in good.tree if table != INODES])


def _record_fields(good, tables):
    for table in tables:
        for leaf, at, key, fields in samples(good, table):
            seen = set()
            for i, (name, kind, value) in enumerate(fields):
                if name.startswith("extent") and int(name[6:].split(".")[0]) not in (0, 1, 63):
                    continue
                for changed in record_values(name, kind, value):
                    new = [list(f) for f in fields]
                    new[i][2] = changed
                    raw = records.encode(new)
                    if raw in seen or len(raw) > 8192:
                        continue
                    seen.add(raw)
                    shown = changed.hex()[:24] if isinstance(changed, bytes) else changed
                    yield (f"{TABLE_NAMES[table]} {key.hex()[:40]} {name} {value if kind != 'bytes' else ''} "
                           f"= {shown}", _with_entry(good, table, leaf, at, key, raw))
            raw = records.encode(fields)
            for name, changed in (("empty", b""), ("cut", raw[:-1]), ("half", raw[:len(raw) // 2]),
                                  ("longer", raw + b"\0")):
                yield f"{TABLE_NAMES[table]} {key.hex()[:40]} {name}", _with_entry(good, table, leaf, at,
                                                                                   key, changed)


def _with_entry(good, table, leaf, at, key, value):
    f = Forge(good)
    entries = list(leaf.entries)
    entries[at] = (key, value)
    f.set_entries(table, leaf, entries)
    return f.finish()


def keys(good):
    """Keys of a wrong length, or of something that is not there."""
    for table in good.tree:
        leaf = list(good.tree[table].leaves())[-1]
        key, value = leaf.entries[-1]
        for name, changed in (("longer", key + b"\0"), ("all ones", b"\xff" * len(key)),
                              ("264 bytes", key.ljust(264, b"\xff")), ("shorter", key[:-1]),
                              ("one byte", b"\xff")):
            if len(leaf.entries) > 1 and changed <= leaf.entries[-2][0]:
                continue
            f = Forge(good)
            f.set_entries(table, leaf, leaf.entries[:-1] + [(changed, value)])
            yield f"last key of {TABLE_NAMES[table]} {name}", f.finish()
            f = Forge(good)
            if changed > key:
                f.set_entries(table, leaf, leaf.entries + [(changed, value)])
                yield f"one more key of {TABLE_NAMES[table]} {name}", f.finish()


# ── Meaning ──

def be64(number):
    return number.to_bytes(8, "big")


class Names:
    """The tree of the good container, to make wrong ones from."""

    def __init__(self, good):
        self.entries = [entry for _, _, entry in good.entries(DIRENTS)]
        self.by_name = {key[8:]: (key, value) for key, value in self.entries}
        self.root = records.values(records.tree(next(good.entries(TREES))[2][1]))["root"]

    def ino(self, name):
        return records.values(records.dirent(self.by_name[name][1]))["ino"]


def names(good):
    n = Names(good)
    d, deep, hard = n.ino(b"d"), n.ino(b"deep"), n.ino(b"hard")
    escape, packed = n.ino(b"escape"), n.ino(b"packed1")

    def build(what, add=(), drop=(), links=None):
        f = Forge(good)
        kept = [e for e in n.entries if e[0] not in drop]
        f.set_table(DIRENTS, sorted(kept + list(add)))
        if links is not None:
            f.set_table(LINKS, links)
        return f"names: {what}", f.finish()

    def entry(folder, name, kind, ino):
        return (be64(folder) + name, bytes([kind]) + varint(ino))

    old = n.by_name[b"packed1"]
    for name in (b"", b".", b"..", b"a/b", b"/", b"/etc", b"../outside", b"nul\0", b"\0", b"x" * 256, b"x" * 255,
                 b"\n", b"\xff", b"-rf", b"d\\"):
        yield build(f"called {name[:12]!r}", [(old[0][:8] + name, old[1])], [old[0]])
    folder = n.by_name[b"new"]
    yield build("a folder in itself", [entry(n.ino(b"new"), b"new", DIR, n.ino(b"new"))], [folder[0]])
    yield build("a folder in itself and in its place",
                [entry(n.ino(b"new"), b"again", DIR, n.ino(b"new"))])
    yield build("a folder at two places", [entry(n.root, b"again", DIR, deep)])
    yield build("the root in a folder", [entry(d, b"root", DIR, n.root)])
    yield build("a ring without a root", [entry(n.ino(b"er"), b"deep", DIR, deep)],
                [n.by_name[b"deep"][0]])
    yield build("a name without an inode", [entry(n.root, b"ghost", FILE, 1 << 40)])
    yield build("inode 0", [entry(n.root, b"ghost", FILE, 0)])
    yield build("a folder without an inode", [entry(1 << 40, b"lost", FILE, packed)])
    yield build("a name in a file", [entry(packed, b"below", FILE, packed)])
    yield build("a name in a link", [entry(escape, b"below", FILE, packed)])
    yield build("a link called a folder", [entry(n.root, b"escape", DIR, escape),
                                           entry(escape, b"stranger", FILE, packed)],
                [n.by_name[b"escape"][0]])
    yield build("a link and a folder of one name", [entry(escape, b"outside", DIR, deep)])
    yield build("one name more", [entry(n.root, b"more", FILE, packed)])
    yield build("one name less", drop=[n.by_name[b"hard"][0]])
    yield build("no name", drop=[n.by_name[b"packed1"][0]])
    yield build("a folder gone", drop=[n.by_name[b"d"][0]])
    links = [entry for _, _, entry in good.entries(LINKS)]
    for count in (0, 1, 3, 1 << 40, U64):
        yield build(f"{count} links", links=[(be64(hard), varint(count))])
    yield build("links of what has one", links=sorted(links + [(be64(packed), varint(2))]))
    yield build("links of a folder", links=sorted(links + [(be64(d), varint(2))]))
    yield build("links of nothing", links=sorted(links + [(be64(1 << 40), varint(2))]))
    yield _deep(good, n, 4095)
    yield _deep(good, n, 4097)


def _deep(good, n, depth):
    """Folders in folders, new inodes for each."""
    inodes = [entry for _, _, entry in good.entries(INODES)]
    record = dict(inodes)[be64(n.ino(b"new"))]
    first = get(good.c.record, COMMIT_FIELDS, "next_ino")
    f = Forge(good)
    f.set_table(INODES, inodes + [(be64(first + i), record) for i in range(depth)])
    f.set_table(DIRENTS, sorted(n.entries + [(be64(first + i - 1 if i else n.root) + b"deep",
                                              bytes([DIR]) + varint(first + i)) for i in range(depth)]))
    f.count("next_ino", depth)
    f.count("dirs", depth)
    return f"names: {depth} folders deep", f.finish()


def trees(good):
    n = Names(good)
    label = varint(0)
    for what, entries in (
            ("tree 0 missing", [(b"\0\0\0\1", b"\0" + varint(n.root) + label)]),
            ("two trees of one root", [(bytes(4), b"\0" + varint(n.root) + label),
                                       (b"\0\0\0\1", b"\1" + varint(n.root) + label)]),
            ("a tree within a tree", [(bytes(4), b"\0" + varint(n.root) + label),
                                      (b"\0\0\0\1", b"\1" + varint(n.ino(b"d")) + label)]),
            ("root is a file", [(bytes(4), b"\0" + varint(n.ino(b"packed1")) + label)]),
            ("root is a link", [(bytes(4), b"\0" + varint(n.ino(b"escape")) + label)]),
            ("root is missing", [(bytes(4), b"\0" + varint(1 << 40) + label)]),
            ("label of 255", [(bytes(4), b"\0" + varint(n.root) + varint(255) + bytes(255))]),
            ("label of 256", [(bytes(4), b"\0" + varint(n.root) + varint(256) + bytes(256))])):
        f = Forge(good)
        f.set_table(TREES, entries)
        yield f"trees: {what}", f.finish()


def blocks(good):
    """Entries of the block table against each other and against what is there."""
    entries = [entry for _, _, entry in good.entries(BLOCKS)]
    for what, changed in (
            ("two blocks share a frame", entries[:1] + [(entries[1][0], entries[0][1])] + entries[2:]),
            ("first two swapped", [(entries[0][0], entries[1][1]), (entries[1][0], entries[0][1])] +
             entries[2:]),
            ("a block missing", entries[1:]),
            ("a block is a page", [(entries[0][0], _page_as_block(good))] + entries[1:]),
            ("a block of the record", [(entries[0][0], _record_as_block(good))] + entries[1:])):
        f = Forge(good)
        f.set_table(BLOCKS, changed)
        yield f"blocks: {what}", f.finish()


def _page_as_block(good):
    ref = good.tree[TREES].ref
    return (varint(ref.offset) + varint(ref.stored) + varint(ref.raw_size) + bytes([ref.compression]) +
            ref.crc.to_bytes(4, "little") + ref.digest)


def _record_as_block(good):
    at = list(good.c.chain())[1]
    data = good.c.data[at:at + RECORD]
    return (varint(at) + varint(RECORD) + varint(RECORD) + b"\0" + crc32c(data).to_bytes(4, "little") +
            sha256(data))


def attribute_sets(good):
    """Sets under their own digest, whatever they are; the inode that had the first refers to them."""
    def item(name, value, name_length=None, value_length=None):
        return (varint(len(name) if name_length is None else name_length) + name +
                varint(len(value) if value_length is None else value_length) + value)

    one, two = item(b"user.a", b"1"), item(b"user.b", b"2")
    for what, data in (
            ("good", b"\2" + one + two), ("empty", b""), ("count 0", b"\0"), ("count short", b"\1" + one + two),
            ("count long", b"\3" + one + two), ("count huge", varint(U64) + one),
            ("unsorted", b"\2" + two + one), ("twice", b"\2" + one + one),
            ("no name", b"\1" + item(b"", b"1")), ("NUL in a name", b"\1" + item(b"user.\0", b"1")),
            ("name of 256", b"\1" + item(b"user." + b"n" * 251, b"1")),
            ("name of 255", b"\1" + item(b"user." + b"n" * 250, b"1")),
            ("name beyond", b"\1" + item(b"user.a", b"", 99)),
            ("value beyond", b"\1" + item(b"user.a", b"1", None, U64)),
            ("unknown namespace", b"\1" + item(b"nobody", b"1")),
            ("a value for the kernel", b"\1" + item(b"security.capability", b"\xff" * 20)),
            ("a bad ACL", b"\1" + item(b"system.posix_acl_access", b"\2\0\0\0\xff"))):
        yield f"xattrs: {what}", _with_set(good, data)


def _with_set(good, data):
    f = Forge(good)
    for leaf, at, (key, value) in good.entries(INODES):
        fields = records.inode(value)
        v = records.values(fields)
        if v["flags"] & HAS_XATTRS:
            for field in fields:
                if field[0] == "xattrs":
                    field[2] = sha256(data)
            entries = list(leaf.entries)
            entries[at] = (key, records.encode(fields))
            f.set_entries(INODES, leaf, entries)
            break
    sets = [entry for _, _, entry in good.entries(XATTRS)]
    f.set_table(XATTRS, sorted(sets + [(sha256(data), b"\0" + data)]))
    return f.finish()


def extents(good):
    """Files that are made of the wrong places."""
    block = [records.values(records.block(v)) for _, _, (_, v) in good.entries(BLOCKS)]
    size = block[0]["raw"]
    for what, total, parts in (
            ("overlap is not expressible, a gap of 2^64 is", 8192, [(U64, 10, 0, 0, 0)]),
            ("beyond the block", size + 1, [(0, size + 1, 0, 0, 0)]),
            ("from the block's end", 1, [(0, 1, 0, size, 0)]),
            ("offset of 4 MiB", 1, [(0, 1, 0, 4194304, 0)]),
            ("offset beyond 4 MiB", 1, [(0, 1, 0, 4194305, 0)]),
            ("block that is not there", 10, [(0, 10, 1 << 50, 0, 0)]),
            ("last block number", 10, [(0, 10, U64, 0, 0)]),
            ("run past the last block number", 8193, [(0, 8193, U64, 0, 12)]),
            ("run of exabytes", (1 << 63) - 1, [(0, (1 << 63) - 1, 0, 0, 12)]),
            ("run that starts within a block", 8193, [(0, 8193, 0, 1, 12)]),
            ("run with shift 11", 4097, [(0, 4097, 0, 0, 11)]),
            ("run with shift 23", (1 << 23) + 1, [(0, (1 << 23) + 1, 0, 0, 23)]),
            ("run in one block", 4096, [(0, 4096, 0, 0, 12)]),
            ("length 0", 10, [(0, 0, 0, 0, 0), (0, 10, 0, 0, 0)]),
            ("after the file's size", 10, [(0, 11, 0, 0, 0)]),
            ("hole to the end of all", (1 << 63) - 1, []),
            ("data at the end of all", (1 << 63) - 1, [((1 << 63) - 3, 2, 0, 0, 0)]),
            ("the same bytes 64 times", 64, [(0, 1, 0, 0, 0)] * 64),
            ("65 extents", 65, [(0, 1, 0, 0, 0)] * 65)):
        yield f"extents: {what}", _with_file(good, total, parts)


def _with_file(good, size, parts):
    """The file "packed1" with other extents; its sums stay, so that it is wrong in any case."""
    n = Names(good)
    key = be64(n.ino(b"packed1"))
    for leaf, at, (other, value) in good.entries(INODES):
        if other == key:
            v = records.values(records.inode(value))
            head = (bytes([FILE, 0]) + varint(v["mode"]) + varint(0) + varint(0) + varint(0) + varint(0) +
                    varint(size) + v["crc"].to_bytes(4, "little") + v["digest"] + varint(len(parts)))
            body = b"".join(varint(a) + varint(b) + varint(c) + varint(d) + bytes([e])
                            for a, b, c, d, e in parts)
            f = Forge(good)
            entries = list(leaf.entries)
            entries[at] = (key, head + body)
            f.set_entries(INODES, leaf, entries)
            f.count("content_bytes", size - v["size"])
            return f.finish()
    raise KeyError("packed1")


def spilled(good):
    """Entries of the extents table of one file."""
    entries = [entry for _, _, entry in good.entries(EXTENTS)]
    (key1, value1), (key2, value2) = entries[0], entries[1]
    file_key = key1[:8]
    packed = be64(Names(good).ino(b"packed1"))
    for what, changed in (
            ("none", []), ("first missing", entries[1:]), ("last missing", entries[:-1]),
            ("moved", [(file_key + be64(4096), value1)] + entries[1:]),
            ("overlap", [(key1, value1), (file_key + be64(4096), value2)]),
            ("of another file", entries + [(be64(1 << 40) + bytes(8), value1)]),
            ("of a file that has its own", sorted(entries + [(packed + bytes(8), value1)])),
            ("beyond the size", entries + [(file_key + be64(1 << 40), value1)]),
            ("at the end of all", entries + [(file_key + be64(U64), value1)])):
        if not changed:
            continue
        f = Forge(good)
        f.set_table(EXTENTS, changed)
        yield f"extents table: {what}", f.finish()


ALL = (superblock, commit_record, table_references, frames, page_headers, page_payloads, page_entries,
       page_references, inode_fields, record_fields, keys, names, trees, blocks, attribute_sets, extents, spilled)
