# SPDX-License-Identifier: Apache-2.0
"""Trees that zfs-fuse can keep, and whether one came out as it was. Times are whole seconds, since zfs-fuse has no
others; attributes, ACLs and capabilities only where they are asked for."""
import os
import random
import struct

import zlab  # first: it says where the others are
import compare
import oddities
from harness import MIB, run
from making import Layout, settle, write


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def plain_tree(root, mark='one', size=0):
    """A small tree; `mark` is in it, and so are `size` bytes that no compression makes smaller."""
    os.makedirs(root)
    write(root + '/etc/mark', mark.encode())
    write(root + '/etc/shadow', b'secret', mode=0o600)
    for i in range(12):
        write(f'{root}/usr/lib/lib{i}.so', oddities.content(i, 9000 * i))
    write(root + '/usr/bin/app', oddities.content(50, 300_000), mode=0o755)
    os.link(root + '/usr/bin/app', root + '/usr/bin/same')
    os.symlink('usr/bin', root + '/bin')
    os.mkdir(root + '/empty', 0o700)
    os.mkdir(root + '/tmp')
    os.chmod(root + '/tmp', 0o1777)
    write(root + '/strange \udcff\udcfe\n name', b'name')
    oddities.write_runs(root + '/holes', 3 * MIB, [(MIB, b'data')])
    os.mkfifo(root + '/fifo')
    if size:
        write(root + '/noise', noise(mark, size))
    if os.geteuid() == 0:
        os.mknod(root + '/null', 0o600 | 0o20000, os.makedev(1, 3))
        os.chown(root + '/usr/lib/lib3.so', 1234, 2345)
        os.chown(root + '/usr/bin/app', 0, 4)
        os.chmod(root + '/usr/bin/app', 0o2755)
    settle(root)
    return root


def rich_tree(root, mark='rich'):
    """With attributes, ACLs and a capability: for a file system that keeps them."""
    plain_tree(root, mark)
    os.setxattr(root + '/etc/mark', 'user.note', b'a note')
    os.setxattr(root + '/usr', 'trusted.of-a-folder', b'\0\1\2')
    os.setxattr(root + '/usr/lib/lib4.so', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0))
    run(['setfacl', '-m', 'u:1000:rwx,g:2000:r', root + '/etc/shadow'])
    run(['setfacl', '-d', '-m', 'u:1000:rwx', root + '/tmp'])
    settle(root)
    return root


def same(a, b):
    """Contents, owners, modes, times, links, devices, attributes. Holes are not: zfs-fuse tells of none."""
    compare.same_by_rsync(a, b)
    compare.same_by_mtree(a, b)


def mark_of(tree):
    with open(tree + '/etc/mark', encoding='utf-8') as f:
        return f.read()


def family(lab, base_size, own_size, name='family'):
    """A layout with `base`, which does not compress, and `one` and `two` on it."""
    layout = Layout(lab, name)
    layout.new('base')
    layout.step('base', lambda root: [write(f'{root}/base/{i}', noise(i, base_size // 24)) for i in range(24)])
    for seed, ref in ((100, 'one'), (101, 'two')):
        layout.tag('base', ref)
        layout.step(ref, lambda root, seed=seed: write(root + '/own', noise(seed, own_size)))
    return layout
