#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Containers with several trees, made by the second writer: what the program says of them.

usage: test_layers.py PROBE BFC

The right one is clean, each of its trees comes out as it should, and is in what compact makes of it.
What is wrong in one tree is found, as the second program finds it. Trees without number cost no memory.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree is not ours to write to

import check  # noqa: E402
import forge  # noqa: E402
import layers  # noqa: E402
import test_fields  # noqa: E402
from bfcfile import BLOBS, DIR, DIRENTS, INODES, TREES, encode_page, varint  # noqa: E402

PROBE, BFC = sys.argv[1], sys.argv[2]
TREES_MAX = 131072
problems = 0


def blame(words):
    global problems
    problems += 1
    print(words)


def bfc(*words, code=0):
    done = subprocess.run([BFC, *words], capture_output=True, text=True, check=False)
    if done.returncode != code:
        blame(f"bfc {' '.join(words)}: exit code {done.returncode}, not {code}: {done.stderr}")
    return done


def write(path, data):
    pathlib.Path(path).write_bytes(data)
    return path


def names(path, number):
    """The lines of a tree, without the root's."""
    return bfc("list", "-lc", "--tree", str(number), path).stdout.splitlines()


# ── The right one ──

def expected_names(number, layout):
    kept = str(layout.ino["kept/replaced"])
    return sorted(kept if name == "kept" else name for name in layers.TREES_HOLD[number])


def compare_names(path, layout):
    for number in layers.TREES_HOLD:
        have = sorted(bfc("list", "--tree", str(number), path).stdout.splitlines())
        if have != expected_names(number, layout):
            blame(f"tree {number} has {have}, not {expected_names(number, layout)}")


def compare_tree(path, number, layout, source, target):
    """Contents, kinds and which names are of one file, against the source."""
    bfc("extract", path, "--tree", str(number), "-C", target)
    inodes = {}
    for name, origin in layers.TREES_HOLD[number].items():
        name = str(layout.ino["kept/replaced"]) if name == "kept" else name
        there, was = pathlib.Path(target, name), pathlib.Path(source, origin or "")
        if origin is None:
            right = there.is_dir() and not there.is_symlink()
        elif was.is_symlink():
            right = there.is_symlink() and os.readlink(there) == os.readlink(was)
        else:
            right = there.is_file() and there.read_bytes() == was.read_bytes()
            inodes.setdefault(origin, set()).add(there.stat().st_ino if right else 0)
        if not right:
            blame(f"tree {number}: {name} does not come out as {origin or 'a folder'}")
    for origin, numbers in inodes.items():
        if len(numbers) != 1:
            blame(f"tree {number}: the names of {origin} are several files")
    have = sum(len(d) + len(f) for _, d, f in os.walk(target))
    if have != len(layers.TREES_HOLD[number]):
        blame(f"tree {number}: {have} names come out, not {len(layers.TREES_HOLD[number])}")


def test_right(data, layout, scratch):
    path = write(scratch + "/layers.bfc", data)
    if wrong := check.problems(data)[0]:
        blame(f"the second program finds fault with what is right: {wrong}")
    bfc("verify", "--deep", path)
    compare_names(path, layout)
    for number in layers.TREES_HOLD:
        compare_tree(path, number, layout, scratch + "/source", f"{scratch}/out{number}")
    for number, text in ((0, "new hosts\n"), (1, "old hosts\n")):
        if bfc("cat", path, "--tree", str(number), "etc/hosts").stdout != text:
            blame(f"cat does not read from tree {number}")
    trees = json.loads(bfc("info", "--json", path).stdout)["trees"]
    want = [(0, "merged", ""), (1, "layer", layers.LOWER), (2, "layer", layers.UPPER),
            (3, "merged", layers.CHAIN), (9, "kept", "")]
    if [(t["id"], t["kind"], t["label"]) for t in trees] != want:
        blame(f"info tells of other trees: {trees}")
    lines = [line.split() for line in bfc("info", path).stdout.splitlines() if line.startswith("tree ")]
    if lines[1] != ["tree", "1:", "layer", layers.LOWER] or lines[4] != ["tree", "9:", "kept", "contents"]:
        blame(f"info tells of other trees: {lines}")
    if '"nlink": 2' not in bfc("info", "--json", "--tree", "1", path, "etc/passwd-").stdout:
        blame("info does not look into tree 1")
    bfc("info", "--tree", "1", path, "alias", code=4)
    bfc("list", "--tree", "4", path, code=4)
    bfc("list", "--tree", "4294967296", path, code=2)
    bfc("list", "--tree", "-1", path, code=2)


def test_compact(data, layout, scratch):
    path, target = scratch + "/layers.bfc", scratch + "/compact.bfc"
    bfc("compact", path, "-o", target)
    made = pathlib.Path(target).read_bytes()
    if wrong := check.problems(made)[0]:
        blame(f"compact: {wrong}")
    bfc("verify", "--deep", target)
    compare_names(target, layout)
    for number in layers.TREES_HOLD:
        if names(path, number) != names(target, number):
            blame(f"compact: tree {number} is another")
    for table in (TREES, DIRENTS, INODES):
        old, new = forge.Good(data), forge.Good(made)
        if [e for _, _, e in old.entries(table)] != [e for _, _, e in new.entries(table)]:
            blame(f"compact: table {table} is another")
    if [key for _, _, (key, _) in forge.Good(made).entries(BLOBS)] != [b"large", b"small"]:
        blame("compact: blobs are lost")
    if len(made) > len(data):
        blame("compact makes it larger")


def test_append(data, scratch):
    path = scratch + "/layers.bfc"
    done = bfc("append", path, "-C", scratch, "source", code=1)
    if "bfc image commit" not in done.stderr:
        blame(f"append says: {done.stderr}")
    if pathlib.Path(path).read_bytes() != data:
        blame("append changed the container")


# ── Wrong ones ──

def test_variants(good, scratch):
    probe = test_fields.Probe(PROBE, scratch)
    for variant in layers.VARIANTS:
        layout = layers.Layers(good)
        variant(layout)
        data = layout.bytes_of()
        wrong, torn = check.problems(data)
        if bool(wrong) == (variant in layers.RIGHT):
            blame(f"{variant.__name__}: the second program says {wrong}")
        probe.start(variant.__name__, data, (wrong, torn))
        name, (wrong, torn), answer = probe.finish()
        for what in test_fields.judge(name, wrong, torn, answer):
            blame(f"{name}: {what}")
        if not wrong and answer["trees"] < 0:
            blame(f"{name}: {answer['trees_says']}")
    probe.process.stdin.close()
    probe.process.wait()
    print(f"{len(layers.VARIANTS)} variants")


# ── Many trees ──

def set_trees(f, entries):
    """The table of trees, in two levels; what a set_table() would do in hours."""
    pages = [entries[at:at + 800] for at in range(0, len(entries), 800)]
    refs = [f.put_page(TREES, 0, encode_page(TREES, 0, page)) for page in pages]
    above = [(page[0][0], ref.raw) for page, ref in zip(pages, refs)]
    f.set_root(TREES, f.put_page(TREES, 1, encode_page(TREES, 1, above)), 1, len(entries))


def measured(*words):
    """What the program says, its exit code and its peak of memory."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen([BFC, *words], stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return process.returncode, out.read(), usage.ru_maxrss, usage.ru_utime


def many_trees(good, count, folders=0):
    """`count` trees of one root, in which `folders` more stand."""
    layout = layers.Layers(good)
    first = good.c.field("next_ino")
    for i in range(folders):
        layout.inodes[layers.be64(first + i)] = layout.inodes[layers.be64(layout.ino["upper"])]
        layout.add("upper", f"folder{i}", DIR, first + i)
    layout.dirs += folders
    f = forge.Forge(forge.Good(layout.bytes_of()))
    f.count("next_ino", folders)
    set_trees(f, sorted(layout.trees.items()) +
              [(number.to_bytes(4, "big"), b"\2" + varint(layout.ino["upper"]) + b"\0")
               for number in range(10, 10 + count - len(layout.trees))])
    return f.finish()


def expect(what, words, code, text):
    have, out, peak, seconds = measured(*words)
    print(f"{what}: {peak} KiB, {seconds:.1f} s")
    if have != code or text not in out:
        blame(f"{what}: exit code {have}, not {code}, and no '{text}' in: {out[:500]}")
    if peak > test_fields.RSS_MAX_KIB:
        blame(f"{what} took {peak} KiB")


def test_many(good, scratch):
    path = write(scratch + "/many.bfc", many_trees(good, TREES_MAX))
    expect("verify of the most trees", ("verify", path), 0, "")
    expect("info of the most trees", ("info", path), 0, "tree 131076:")
    path = write(scratch + "/many.bfc", many_trees(good, TREES_MAX + 1))
    expect("verify of one tree more", ("verify", path), 3, "more than 131072 trees")
    expect("info of one tree more", ("info", path), 1, "more than 131072 trees")
    path = write(scratch + "/many.bfc", many_trees(good, 30000, 1000))
    expect("verify of 30 million folders", ("verify", path), 3, "share too many folders")
    path = write(scratch + "/many.bfc", many_trees(good, 5000, 1000))
    expect("verify of 5 million folders", ("verify", path), 0, "")


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        good = layers.plain(PROBE, scratch)
        layout = layers.Layers(good)
        data = layout.bytes_of()
        test_right(data, layout, scratch)
        test_compact(data, layout, scratch)
        test_append(data, scratch)
        test_variants(good, scratch)
        test_many(good, scratch)
    print(f"{problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
