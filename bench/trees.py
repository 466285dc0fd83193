# SPDX-License-Identifier: Apache-2.0
"""Trees to measure with: those that are generated, what is in one, and one of compressed files made of another."""
import concurrent.futures
import gzip
import os
import re
import stat
import subprocess

from measure import MIB

KINDS = ('small', 'medium', 'large', 'mixed')
SMOKE_KINDS = ('mixed',)
SMOKE_COUNT = {'small': 300, 'medium': 30, 'large': 0, 'mixed': 100}
GENERATED_MAX = 900 * MIB
PACKED_FROM = 256 * MIB  # as much of a tree is taken to be compressed
PACKED_LEAST = 4096
SMALL_FILE = 4096
CANDIDATES = 10000
PLAIN_NAME = re.compile(r'[\w./+-]+')  # unsquashfs takes its arguments for patterns


def generate(o, kind, to, count=None):
    """A seeded tree at `to`; the count is the kind's own unless one is given."""
    count = count or (SMOKE_COUNT[kind] if o.smoke else None)
    subprocess.run([os.path.join(o.programs, 'make_tree'), kind, to, *([str(count)] if count is not None else [])], check=True)
    return to


def count(tree):
    files = dirs = others = size = 0
    seen = set()
    for folder, _, names in os.walk(tree):
        dirs += 1
        for name in names:
            st = os.lstat(os.path.join(folder, name))
            if not stat.S_ISREG(st.st_mode):
                others += 1
                continue
            files += 1
            if (st.st_dev, st.st_ino) not in seen:
                size += st.st_size
                if st.st_nlink > 1:
                    seen.add((st.st_dev, st.st_ino))
    return {'files': files, 'dirs': dirs, 'others': others, 'content_bytes': size}


def regular_files(tree):
    """Paths and sizes, in the order of their names."""
    for folder, below, names in os.walk(tree):
        below.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            st = os.lstat(path)
            if stat.S_ISREG(st.st_mode):
                yield path, st.st_size


def small_file(tree):
    """One from the middle, relative to the tree; None if there is none."""
    found = []
    for path, size in regular_files(tree):
        name = os.path.relpath(path, tree)
        if 0 < size <= SMALL_FILE and PLAIN_NAME.fullmatch(name):
            found.append(name)
            if len(found) == CANDIDATES:
                break
    return found[len(found) // 2] if found else None


def pack_file(source, target):
    with open(source, 'rb') as f, open(target, 'wb') as out:
        out.write(gzip.compress(f.read(), 6, mtime=0))


def pack_files(tree, to):
    """A tree of gzip files, made of the first files of `tree`; how many there are. By other processes: a program that is
    started is as large at first as who starts it, and its peak would tell of that."""
    taken, chosen = 0, []
    for path, size in regular_files(tree):
        if taken + size > PACKED_FROM:
            break
        if size >= PACKED_LEAST:
            chosen.append(path)
            taken += size
    targets = [f'{to}/{i // 100:03}/{i:05}.gz' for i in range(len(chosen))]
    for folder in (to, *sorted({os.path.dirname(target) for target in targets})):
        os.mkdir(folder)
    with concurrent.futures.ProcessPoolExecutor() as pool:
        for _ in pool.map(pack_file, chosen, targets, chunksize=64):
            pass
    return len(chosen)
