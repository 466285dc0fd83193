#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of fuzz/corpus/ anew, out of a small container.

usage: fuzz/make_corpus.py PROBE     (PROBE: tests/corrupt/probe of a build)

They are in the repository so that a fuzzer starts with records that are right; run this only after
the format has changed.
"""

import pathlib
import struct
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(HERE.parent / "tests/corrupt"))

import forge  # noqa: E402
import layers  # noqa: E402
import mutations  # noqa: E402
import records  # noqa: E402
import sample  # noqa: E402
from bfcfile import (BLOBS, BLOCKS, DIRENTS, INODES, TREES, XATTRS, encode_page, zstd_pack,  # noqa: E402
                     zstd_unpack)


def small_tree(folder):
    pathlib.Path(folder, "d").mkdir(parents=True)
    sample.put(folder + "/d/a", b"some text\n")
    sample.put(folder + "/b", sample.noise(1, 5000))
    pathlib.Path(folder, "link").symlink_to("d/a")
    pathlib.Path(folder, "d/hard").hardlink_to(folder + "/b")
    sample.sparse(folder + "/sparse", [4096], 20000)
    sample.attribute(folder + "/d/a", "user.x", b"1")
    sample.special(folder + "/d")
    sample.settle(folder)


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def item(kind, *parts):
    return bytes([kind]) + b"".join(parts)


def page_item(table, level, raw):
    return item(2, bytes([table, level]), struct.pack("<H", len(raw)), raw)


def as_items(good):
    """The container in the language of fuzz_container.c."""
    out = bytearray()
    for _, _, (_, value) in good.entries(BLOCKS):
        v = records.values(records.block(value))
        raw = good.c.data[v["offset"]:v["offset"] + v["stored"]]
        if v["compression"]:
            raw = zstd_unpack(raw, v["raw"])
        out += item(v["compression"], struct.pack("<H", len(raw)), raw)
    for table, root in good.tree.items():
        if table != BLOCKS:
            out += page_item(table, root.level, root.raw)
    return bytes(out)


def two_levels(good):
    """Inodes in two pages below a root."""
    entries = [entry for _, _, entry in good.entries(INODES)]
    out = as_items(good)
    pages = sum(1 for table in good.tree if table != BLOCKS)
    for half in (entries[:3], entries[3:]):
        out += page_item(INODES, 0, encode_page(INODES, 0, half))
    above = [(entries[0][0], bytes([pages]) + bytes(55)), (entries[3][0], bytes([pages + 1]) + bytes(55))]
    return out + page_item(INODES, 1, encode_page(INODES, 1, above))


def as_file(good):
    """The container in the language of fuzz_file.c."""
    return good.c.data[:64] + good.c.record[:1152] + good.c.data[4096:good.c.commit_at].rstrip(b"\0")


def layered(probe):
    """A container of several trees."""
    with tempfile.TemporaryDirectory() as scratch:
        return forge.Good(layers.Layers(layers.plain(probe, scratch)).bytes_of())


def main():
    with tempfile.TemporaryDirectory() as scratch:
        sample.tree = small_tree
        sample.second = lambda folder: (pathlib.Path(folder).mkdir(), sample.put(folder + "/c", b"later\n"),
                                        sample.settle(folder))
        good = forge.Good(sample.make(sys.argv[1], scratch))
    data, record = good.c.data, good.c.record
    write("superblock", "good", b"\1" + data[:64])
    write("commit", "good", b"\1" + record[:1152])
    write("frame", "good", data[4096:4128] + next(iter(good.tree.values())).ref.raw[:56] +
          struct.pack("<QII", 1 << 40, 65536, 0))
    for table, root in good.tree.items():
        write("page", f"table{table}", root.raw)
    for leaf, at, key, fields in mutations.samples(good, INODES):
        write("inode", key.hex().lstrip("0"), leaf.entries[at][1])
    for leaf, at, key, _ in mutations.samples(good, DIRENTS):
        write("dirent", key[8:].decode(), bytes([len(key)]) + key + leaf.entries[at][1])
    write("block", "first", next(good.entries(BLOCKS))[2][1])
    write("tree", "first", next(good.entries(TREES))[2][1])
    write("tree", "label", b"\1\1\5label")
    for _, _, (key, value) in good.entries(BLOBS):
        write("stored", key.decode(), b"\1" + value)
    for number, (_, _, (key, value)) in enumerate(good.entries(XATTRS)):
        write("stored", f"xattrs{number}", b"\0" + value)
        write("xattr_set", f"set{number}", value[1:])
    write("xattr_set", "two", b"\2\6user.a\1" + b"1\6user.b\0")
    write("extents", "two", struct.pack("<QQ", 4096, 1 << 20) + b"\2" + b"\0\x64\0\0\0" + b"\x80\x20\x64\1\0\0")
    write("extents", "run", struct.pack("<QQ", 0, 1 << 20) + b"\1\0\x80\x80\2\3\0\x0c")
    for number, path in enumerate((b"a/b/c", b"/a//b/./c/", b"", b"../a", b"a/..", b"n" * 256, b".a/..b")):
        write("path", str(number), path)
    for number, name in enumerate((b"nginx", b"library/nginx:1.25", b"localhost:5000/a/b:t", b"Host.Example/x",
                                   b"a@sha256:" + b"0" * 64, b"a/../b", b":x", b"a+b:c")):
        write("reference", str(number), name)
    text = b"the same again and again " * 40
    write("zstd", "text", struct.pack("<I", len(text))[:3] + zstd_pack(text))
    write("container", "small", as_items(good))
    write("container", "levels", two_levels(good))
    write("file", "small", as_file(good))
    good = layered(sys.argv[1])
    write("container", "layers", as_items(good))
    write("file", "layers", as_file(good))
    write("tree", "kept", next(value for _, _, (_, value) in good.entries(TREES) if value[0] == layers.KEPT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
