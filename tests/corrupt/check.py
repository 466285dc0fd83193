# SPDX-License-Identifier: Apache-2.0
"""All that docs/format.md asks of a container, checked by a second program.

problems(data) gives what is wrong as text, [] for a container that is right; it looks at the last
whole commit, as `bfc verify --deep` does. Costs are kept down by remembering the sums of contents
between calls: thousands of containers that differ in one field share the rest.
"""

import records
from bfcfile import (BLOBS, BLOCKS, CONTENTS, DENSE, DIR, DIRENTS, EXTENTS, FILE, INODES, LINKS, RECORD,
                     SPILLED, SYMLINK, SYNTHETIC, TREES, XATTRS, Bad, Container, crc32c, must, sha256)

FILE_MAX = (1 << 63) - 1
_payloads = {}  # digest of a stored payload, raw size → its bytes
_sums = {}      # what a content is made of → (crc, digest)


class Check:
    def __init__(self, data):
        self.wrong = []
        self.c = Container(data)
        self.tables = {}
        self.blocks = {}
        self.inodes = {}
        self.spilled = {}

    def note(self, what):
        self.wrong.append(what)

    def guard(self, what, function, *args):
        """Runs one check; what it refuses is noted."""
        try:
            return function(*args)
        except Bad as why:
            self.note(f"{what}: {why}")
        return None

    def run(self):
        self.guard("chain", lambda: list(self.c.chain()))
        for table in range(1, 11):
            root = self.guard(f"table {table}", self.c.table, table)
            self.tables[table] = [entry for leaf in root.leaves()
                                  for entry in leaf.entries] if root else []
        for key, value in self.tables[BLOCKS]:
            self.guard(f"block {key.hex()}", self.block, key, value)
        for key, value in self.tables[EXTENTS]:
            self.guard(f"extents {key.hex()}", self.spilled_entry, key, value)
        self.xattr_keys = {key for key, _ in self.tables[XATTRS]}
        for key, value in self.tables[INODES]:
            self.guard(f"inode {key.hex()}", self.inode, key, value)
        for number in self.spilled:
            self.guard(f"extents of inode {number}", self.has_spilled, number)
        for key, value in self.tables[XATTRS]:
            self.guard(f"xattrs {key.hex()}", self.xattrs, key, value)
        for key, value in self.tables[BLOBS]:
            self.guard(f"blob {key!r}", self.blob, key, value)
        self.guard("names", self.names)
        for key, value in self.tables[CONTENTS]:
            self.guard(f"content {key.hex()}", self.content_hint, key, value)
        self.guard("counters", self.counters)
        self.guard("frames", self.frames)
        return self.wrong

    # ── Blocks and extents ──

    def block(self, key, value):
        must(len(key) == 8, "key")
        number = int.from_bytes(key, "big")
        v = records.values(records.block(value))
        self.blocks[number] = None  # it is there, but cannot be read
        must(number < self.c.field("next_block"), "next_block")
        must(1 <= v["raw"] <= self.c.block_max and 1 <= v["stored"] <= v["raw"] and
             v["compression"] <= 2 and (v["compression"] or v["stored"] == v["raw"]), "sizes")
        must(v["compression"] != 2 or self.c.data[48] & 2, "a block of code")
        must(4096 + 32 <= v["offset"] and v["offset"] + v["stored"] <= self.c.commit_at, "place")
        must(v["offset"] % (1 << self.c.data[56]) == 0, "alignment")
        known = (v["digest"], v["offset"], v["stored"], v["raw"], v["compression"], v["crc"], number,
                 self.c.data[v["offset"] - 32:v["offset"]],
                 self.c.data[v["offset"]:v["offset"] + v["stored"]])
        if known not in _payloads:
            _payloads[known] = self.c.payload(v["offset"], v["stored"], v["raw"], v["compression"],
                                              v["crc"], v["digest"], number, 1)
        else:
            self.c.frames.append((v["offset"] - 32, v["offset"] + v["stored"]))
        self.blocks[number] = _payloads[known]
        self.total_stored = getattr(self, "total_stored", 0) + v["stored"]
        self.total_raw = getattr(self, "total_raw", 0) + v["raw"]

    def spilled_entry(self, key, value):
        must(len(key) == 16, "key")
        ino, start = int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")
        extents = records.extent_list(records.extents(value), start)
        must(extents[0][0] == start, "the first extent does not start at the key's offset")
        self.spilled.setdefault(ino, []).extend(extents)

    def pieces(self, extents, size, gaps):
        """[(start, bytes)] of extents that were checked."""
        out, end = [], 0
        for start, length, block, offset, shift in extents:
            must(start >= end and length >= 1 and start + length <= size, "extent out of order")
            must(gaps or start == end, "a gap where none may be")
            end = start + length
            must(shift == 0 or 12 <= shift <= 22, "shift")
            must(shift == 0 or offset == 0 and length > 1 << shift, "run")
            step = 1 << shift if shift else length
            must((length - 1) // step < 1 << 16, "more blocks than there are")
            at = start
            while at < end:
                must(block in self.blocks, f"block {block} is missing")
                raw = self.blocks[block]
                must(raw is not None, f"block {block} is damaged")
                n = min(step, end - at)
                must(offset + n <= len(raw), "beyond the block")
                must(not shift or at + n == end or len(raw) == step, "a run's block is not full")
                out.append((at, raw[offset:offset + n]))
                at += n
                block += 1
        return out, end

    def content(self, extents, size, gaps=True):
        """(crc, digest) by section 7."""
        pieces, end = self.pieces(extents, size, gaps)
        known = (tuple((at, sha256(raw)) for at, raw in pieces), size)
        if known not in _sums:
            _sums[known] = self._sum(pieces, size)
        return _sums[known], end

    @staticmethod
    def _sum(pieces, size):
        runs = []
        for at, raw in pieces:
            if runs and runs[-1][0] + len(runs[-1][1]) == at:
                runs[-1][1].extend(raw)
            else:
                runs.append((at, bytearray(raw)))
        crc, end = 0, 0
        for at, raw in runs:
            must(at - end <= 1 << 26, "hole too large for this checker")
            crc = crc32c(bytes(raw), crc32c(bytes(at - end), crc))
            end = at + len(raw)
        must(size - end <= 1 << 26, "hole too large for this checker")
        crc = crc32c(bytes(size - end), crc)
        if len(runs) == 1 and runs[0][0] == 0 and end == size:
            return crc, sha256(bytes(runs[0][1]))
        text = b"".join(bytes(raw) + at.to_bytes(8, "little") + len(raw).to_bytes(8, "little")
                        for at, raw in runs)
        return crc, sha256(text + size.to_bytes(8, "little"))

    # ── Inodes ──

    def inode(self, key, value):
        must(len(key) == 8, "key")
        number = int.from_bytes(key, "big")
        v = records.values(records.inode(value))
        self.inodes[number] = v
        must(1 <= v["type"] <= 7 and not v["flags"] & ~15, "type or flags")
        must(not v["flags"] & SPILLED or v["type"] == FILE and v["size"] > 0, "spilled")
        must(not v["flags"] & DENSE or v["type"] == FILE and v["size"] > 0 and not v["flags"] & SPILLED, "dense")
        must(not v["flags"] & SYNTHETIC or v["type"] == DIR, "synthetic")
        must(v["mode"] <= 0o7777 and v["uid"] <= 4294967294 and v["gid"] <= 4294967294, "mode, owner")
        must(-(1 << 63) <= v["mtime"] < 1 << 63 and v["mtime_ns"] <= 999999999, "mtime")
        must(number >= 1 and number < self.c.field("next_ino"), "next_ino")
        must("xattrs" not in v or v["xattrs"] in self.xattr_keys, "set of xattrs is missing")
        if v["type"] == SYMLINK:
            must(1 <= v["length"] <= 4095 and b"\0" not in v["link"], "link")
        if "major" in v:
            must(v["major"] < 1 << 12 and v["minor"] < 1 << 20, "device")
        if v["type"] == FILE:
            must(v["size"] <= FILE_MAX, "size")
            if v["size"]:
                extents = (self.spilled.get(number, []) if v["flags"] & SPILLED else
                           records.extent_list(records.inode(value), 0))
                covers = [(e[0], e[1]) for e in extents] == [(0, v["size"])]
                must(v["flags"] & SPILLED or covers == bool(v["flags"] & DENSE), "flag bit 3")
                (crc, digest), _ = self.content(extents, v["size"])
                must((crc, digest) == (v["crc"], v["digest"]), "content")

    def has_spilled(self, number):
        must(self.inodes.get(number, {}).get("flags", 0) & SPILLED, "of no file whose extents stand there")

    def stored(self, value, with_sums, limit):
        v = records.values(records.stored(value, with_sums))
        must(v["place"] <= 1, "place")
        if v["place"] == 0:
            must(len(v["bytes"]) <= 4096, "more than 4096 bytes in the table")
            return v["bytes"]
        must(v["size"] <= limit, "size")
        extents = records.extent_list(records.stored(value, with_sums), 0)
        pieces, end = self.pieces(extents, v["size"], False)
        must(end == v["size"], "size")
        raw = b"".join(raw for _, raw in pieces)
        must(not with_sums or (crc32c(raw), sha256(raw)) == (v["crc"], v["digest"]), "sums")
        return raw

    def xattrs(self, key, value):
        must(len(key) == 32, "key")
        data = self.stored(value, False, 1 << 20)
        must(sha256(data) == key, "digest")
        v = records.values(records.xattr_set(data))
        names = [v[f"name{i}"] for i in range(v["count"])]
        must(v["count"] >= 1 and names == sorted(set(names)), "names")
        must(all(1 <= len(name) <= 255 and b"\0" not in name for name in names), "name")
        must(all(v[f"value_length{i}"] <= 65536 for i in range(v["count"])), "value")

    def blob(self, key, value):
        must(1 <= len(key) <= 255 and b"\0" not in key, "name")
        self.stored(value, True, 64 << 20)

    # ── Names ──

    def names(self):
        below, count = {}, {}
        roots, kept = self.trees()
        for key, value in self.tables[DIRENTS]:
            must(len(key) >= 9, "key of a dirent")
            folder, name = int.from_bytes(key[:8], "big"), key[8:]
            must(len(name) <= 255 and b"/" not in name and b"\0" not in name and
                 name not in (b".", b".."), f"name {name!r}")
            v = records.values(records.dirent(value))
            must(folder in self.inodes and self.inodes[folder]["type"] == DIR, "no such folder")
            must(v["ino"] in self.inodes, f"dirent {name!r} without inode")
            must(self.inodes[v["ino"]]["type"] == v["type"], "type of a dirent")
            must(folder not in kept or v["type"] == FILE and name == b"%d" % v["ino"],
                 "a name in a tree of kept contents")
            below.setdefault(folder, []).append(v)
        self.walk(roots, below, count)
        links = {}
        for key, value in self.tables[LINKS]:
            must(len(key) == 8, "key of links")
            links[int.from_bytes(key, "big")] = records.values(records.number(value))["number"]
        must(all(number >= 2 for number in links.values()), "links below 2")
        must(all(self.inodes.get(number, {}).get("type", DIR) != DIR for number in links), "links of a folder")
        for number, v in self.inodes.items():
            must(v["type"] == DIR or count.get(number, 0) == links.get(number, 1),
                 f"names of inode {number}")

    def trees(self):
        roots, kept = set(), set()
        must(len(self.tables[TREES]) <= 131072, "too many trees")
        for key, value in self.tables[TREES]:
            must(len(key) == 4, "key of a tree")
            v = records.values(records.tree(value))
            must(v["kind"] <= 3 and v["length"] <= 255, "kind or label of a tree")
            must(self.inodes.get(v["root"], {}).get("type") == DIR, "root of a tree")
            roots.add(v["root"])
            if v["kind"] == 3:
                kept.add(v["root"])
        must(any(key == bytes(4) for key, _ in self.tables[TREES]), "tree 0 is missing")
        return roots, kept

    def walk(self, roots, below, count):
        """`count` gets the names of each inode in the tree where it has most."""
        reached = set()
        for root in roots:
            seen, stack, names = {root}, [(root, 1)], {}
            while stack:
                folder, depth = stack.pop()
                must(depth <= 4096, "depth")
                for v in below.get(folder, []):
                    if v["type"] == DIR:
                        must(v["ino"] not in seen, "a folder that stands twice")
                        seen.add(v["ino"])
                        stack.append((v["ino"], depth + 1))
                    else:
                        names[v["ino"]] = names.get(v["ino"], 0) + 1
            reached |= seen
            for number, many in names.items():
                count[number] = max(many, count.get(number, 0))
        must(all(number in reached for number, v in self.inodes.items() if v["type"] == DIR),
             "a folder that no tree leads to")

    def content_hint(self, key, value):
        must(len(key) == 5, "key")
        ino = records.values(records.number(value))["number"]
        v = self.inodes.get(ino, {})
        must(v.get("type") == FILE, "a hint that names no file")
        must(v["size"] and v["digest"][:5] == key, "a hint that names another content")

    # ── The record ──

    def counters(self):
        kinds = [v["type"] for v in self.inodes.values()]
        files = kinds.count(FILE)
        must(self.c.field("files") == files, "files")
        must(self.c.field("dirs") == kinds.count(DIR), "dirs")
        must(self.c.field("symlinks") == kinds.count(SYMLINK), "symlinks")
        others = len(kinds) - files - kinds.count(DIR) - kinds.count(SYMLINK)
        must(self.c.field("others") == others, "others")
        must(self.c.field("content_bytes") ==
             sum(v["size"] for v in self.inodes.values() if v["type"] == FILE), "content_bytes")
        must(self.c.field("data_stored") == getattr(self, "total_stored", 0), "data_stored")
        must(self.c.field("data_raw") == getattr(self, "total_raw", 0), "data_raw")

    def frames(self):
        taken = sorted(self.c.frames + [(at, at + RECORD) for at in self.c.chain()])
        end = 4096
        for start, stop in taken:
            must(start >= end, "frames overlap")
            end = stop


def problems(data):
    """What is wrong, and how many bytes stand behind the last whole commit."""
    try:
        check = Check(bytes(data))
        return check.run(), len(data) - check.c.commit_at - RECORD
    except Bad as why:
        return [f"container: {why}"], 0
