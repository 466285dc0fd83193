# SPDX-License-Identifier: Apache-2.0
"""A container as of an image, made from one of a plain tree by the second writer: a merged tree over two
layers that share a folder and files, and a tree of kept contents.

The source has a folder for each tree. Their inodes become the trees' roots, names that the layers share
are put in, the root that held them all goes.
"""

import os
import subprocess

import forge
import records
import sample
from bfcfile import DIR, DIRENTS, FILE, INODES, LINKS, TREES, varint

LOWER = "sha256:" + "1" * 64
UPPER = "sha256:" + "2" * 64
CHAIN = "sha256:" + "3" * 64
FS, LAYER, MERGED, KEPT = range(4)


def be64(number):
    return number.to_bytes(8, "big")


def source(folder):
    for path in ("merged/etc", "lower/etc", "lower/usr/bin", "upper/etc", "upper/opt/new", "kept"):
        os.makedirs(f"{folder}/{path}")
    for path, text in (("lower/etc/hosts", b"old hosts\n"), ("lower/etc/passwd", b"root:x:0:0\n"),
                       ("lower/usr/bin/tool", sample.noise(7, 6000)), ("upper/etc/hosts", b"new hosts\n"),
                       ("upper/etc/.wh.passwd-", b""), ("upper/opt/new/file", b"of the upper layer\n"),
                       ("kept/replaced", b"an earlier entry of the same name\n")):
        sample.put(f"{folder}/{path}", text)
    os.link(folder + "/lower/etc/passwd", folder + "/lower/etc/passwd-")
    os.symlink("tool", folder + "/lower/usr/bin/sh")
    sample.attribute(folder + "/lower/usr/bin/tool", "user.layer", b"lower")
    sample.settle(folder)


# What each tree holds: folders have a "/" behind them, other names the file of the source that they are.
TREES_HOLD = {
    0: {"etc/": None, "etc/hosts": "upper/etc/hosts", "etc/passwd": "lower/etc/passwd", "usr/": None,
        "usr/bin/": None, "usr/bin/tool": "lower/usr/bin/tool", "usr/bin/sh": "lower/usr/bin/sh",
        "alias": "lower/usr/bin/tool", "opt/": None, "opt/new/": None, "opt/new/file": "upper/opt/new/file"},
    1: {"etc/": None, "etc/hosts": "lower/etc/hosts", "etc/passwd": "lower/etc/passwd",
        "etc/passwd-": "lower/etc/passwd", "usr/": None, "usr/bin/": None,
        "usr/bin/tool": "lower/usr/bin/tool", "usr/bin/sh": "lower/usr/bin/sh"},
    2: {"etc/": None, "etc/hosts": "upper/etc/hosts", "etc/.wh.passwd-": "upper/etc/.wh.passwd-",
        "alias": "lower/usr/bin/tool", "opt/": None, "opt/new/": None,
        "opt/new/file": "upper/opt/new/file"},
    9: {"kept": "kept/replaced"},  # under the number of its inode
}
TREES_HOLD[3] = TREES_HOLD[1]  # the merged tree of the lower layer alone


def entry(folder, name, kind, ino):
    return be64(folder) + name.encode(), bytes([kind]) + varint(ino)


def tree(number, kind, root, label=""):
    return number.to_bytes(4, "big"), bytes([kind]) + varint(root) + varint(len(label)) + label.encode()


class Layers:
    """The tables of the container, to build it and wrong ones like it from."""

    def __init__(self, good):
        self.good = good
        self.inodes = dict(e for _, _, e in good.entries(INODES))
        self.names = dict(e for _, _, e in good.entries(DIRENTS))
        self.links = dict(e for _, _, e in good.entries(LINKS))
        self.dirs = self.files = self.bytes = 0  # how far the counters have changed
        self.root = records.values(records.tree(next(good.entries(TREES))[2][1]))["root"]
        ino = self.ino = {path: self.find(path) for path in (
            "merged", "merged/etc", "lower", "lower/etc", "lower/etc/hosts", "lower/etc/passwd", "lower/usr",
            "lower/usr/bin", "lower/usr/bin/tool", "lower/usr/bin/sh", "upper", "upper/etc", "upper/etc/hosts",
            "upper/opt", "kept", "kept/replaced")}
        self.trees = dict([tree(0, MERGED, ino["merged"]), tree(1, LAYER, ino["lower"], LOWER),
                           tree(2, LAYER, ino["upper"], UPPER), tree(3, MERGED, ino["lower"], CHAIN),
                           tree(9, KEPT, ino["kept"])])
        for name in ("merged", "lower", "upper", "kept"):
            del self.names[be64(self.root) + name.encode()]
        del self.names[be64(ino["kept"]) + b"replaced"]
        del self.inodes[be64(self.root)]
        self.dirs -= 1
        self.add("kept", str(ino["kept/replaced"]), FILE, "kept/replaced")
        self.add("merged", "usr", DIR, "lower/usr")
        self.add("merged", "opt", DIR, "upper/opt")
        self.add("merged", "alias", FILE, "lower/usr/bin/tool")
        self.add("upper", "alias", FILE, "lower/usr/bin/tool")
        self.add("merged/etc", "hosts", FILE, "upper/etc/hosts")
        self.add("merged/etc", "passwd", FILE, "lower/etc/passwd")
        self.links[be64(ino["lower/usr/bin/tool"])] = varint(2)

    def find(self, path):
        at = self.root
        for name in path.split("/"):
            at = records.values(records.dirent(self.names[be64(at) + name.encode()]))["ino"]
        return at

    def add(self, folder, name, kind, what):
        key, value = entry(self.ino.get(folder, folder), name, kind, self.ino.get(what, what))
        self.names[key] = value

    def drop(self, folder, name):
        del self.names[be64(self.ino[folder]) + name.encode()]

    def bytes_of(self):
        f = forge.Forge(self.good)
        for table, entries in ((TREES, self.trees), (INODES, self.inodes), (DIRENTS, self.names),
                               (LINKS, self.links)):
            f.set_table(table, sorted(entries.items()))
        f.count("dirs", self.dirs)
        f.count("files", self.files)
        f.count("content_bytes", self.bytes)
        return f.finish()


def plain(probe, scratch):
    """The container of the plain tree, which all others are made from."""
    source(scratch + "/source")
    subprocess.run([probe, "make", scratch + "/plain.bfc", scratch + "/source"], check=True)
    with open(scratch + "/plain.bfc", "rb") as container:
        return forge.Good(container.read())


# ── What is wrong in one tree ──

def wrong_count(c):
    c.links[be64(c.ino["lower/etc/passwd"])] = varint(3)


def wrong_sum(c):
    c.links[be64(c.ino["lower/usr/bin/tool"])] = varint(4)


def wrong_count_of_one(c):
    c.links[be64(c.ino["upper/etc/hosts"])] = varint(2)


def name_untold(c):
    del c.links[be64(c.ino["lower/etc/passwd"])]


def name_more(c):
    c.add("upper", "again", FILE, "upper/etc/hosts")


def folder_twice(c):
    c.add("lower", "usr2", DIR, "lower/usr")


def folder_in_itself(c):
    c.add("lower/usr/bin", "usr", DIR, "lower/usr")


def root_below_itself(c):
    c.add("upper/etc", "up", DIR, "upper")


def folder_unreached(c):
    c.drop("upper", "opt")
    c.drop("merged", "opt")


def file_unnamed(c):
    c.drop("kept", str(c.ino["kept/replaced"]))


def file_named_by_its_layer_only(c):
    c.drop("merged/etc", "hosts")


def root_missing(c):
    c.trees.update([tree(2, LAYER, 1 << 40, UPPER)])


def root_a_file(c):
    c.trees.update([tree(2, LAYER, c.ino["upper/etc/hosts"], UPPER)])


def tree_0_missing(c):
    c.trees.update([tree(4, MERGED, c.ino["merged"])])
    del c.trees[bytes(4)]


def label_short(c):
    key, value = tree(1, LAYER, c.ino["lower"], LOWER)
    c.trees[key] = value[:-1]


def label_long(c):
    c.trees.update([tree(1, LAYER, c.ino["lower"], "l" * 256)])


def label_of_255(c):
    c.trees.update([tree(1, LAYER, c.ino["lower"], "l" * 255)])


def kind_unknown(c):
    c.trees.update([tree(1, 4, c.ino["lower"], LOWER)])


def kept_under_a_name(c):
    file_unnamed(c)
    c.add("kept", "replaced", FILE, "kept/replaced")


def kept_folder(c):
    c.add("kept", str(c.ino["lower/usr"]), DIR, "lower/usr")


def kept_of_a_layer(c):
    c.add("kept", str(c.ino["lower/etc/hosts"]), FILE, "lower/etc/hosts")


# Those that are right: a name less in one tree, a longer label, a file that a layer has too.
RIGHT = (file_named_by_its_layer_only, label_of_255, kept_of_a_layer)
VARIANTS = RIGHT + (wrong_count, wrong_sum, wrong_count_of_one, name_untold, name_more, folder_twice,
                    folder_in_itself, root_below_itself, folder_unreached, file_unnamed, root_missing,
                    root_a_file, tree_0_missing, label_short, label_long, kind_unknown, kept_under_a_name,
                    kept_folder)
