# SPDX-License-Identifier: Apache-2.0
"""Small trees with something of everything, and what a tree looks like to a second pair of eyes."""
import errno
import os
import random
import shutil
import socket
import stat

T0 = 1_600_000_000


def noise(seed, size):
    """Bytes that do not compress, of a seed."""
    return random.Random(seed).randbytes(size)


def put(path, content, mode=0o644):
    with open(path, 'wb') as f:
        f.write(content)
    os.chmod(path, mode)


def set_xattr(path, name, value):
    """Where the file system or the user cannot, the tree goes without."""
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise


def put_special(root):
    os.mkfifo(f'{root}/fifo', 0o600)
    with socket.socket(socket.AF_UNIX) as s:
        here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        s.bind(f'/proc/self/fd/{here}/socket')
        os.close(here)
    if os.geteuid() == 0:
        os.mknod(f'{root}/null', 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.chown(f'{root}/owned', 1000, 1000)
        os.chown(f'{root}/setuid', 0, 12)
        os.chmod(f'{root}/setuid', 0o4755)
        set_xattr(f'{root}/owned', 'trusted.t', b'trusted')
        set_xattr(f'{root}/link', 'trusted.l', b'of a link')


def age(root):
    """Fixed times, a different one for each name; folders last."""
    for i, (folder, folders, files) in enumerate(sorted(os.walk(root, topdown=False))):
        for j, name in enumerate(sorted(files + folders)):
            path = os.path.join(folder, name)
            when = (T0 + 100 * i + j) * 10**9 + 7 * j
            os.utime(path, ns=(when, when), follow_symlinks=False)
    for folder, _, _ in os.walk(root, topdown=False):
        os.utime(folder, ns=(T0 * 10**9 + 5, T0 * 10**9 + 5))


def build_first(root):
    """Some 30 entries of all types: packed files, one of several blocks, holes, hard links, attributes."""
    os.makedirs(f'{root}/bin')
    os.makedirs(f'{root}/etc/deep/deeper')
    os.makedirs(f'{root}/empty folder')
    for i in range(8):
        put(f'{root}/etc/conf{i}', b'key = value %d\n' % i * (i + 1))
    put(f'{root}/etc/deep/deeper/leaf', noise(1, 3000), 0o600)
    put(f'{root}/bin/many-blocks', noise(2, 45_000) + bytes(6000) + b'text ' * 4000, 0o755)
    put(f'{root}/bin/same', noise(2, 45_000) + bytes(6000) + b'text ' * 4000)
    put(f'{root}/bin/large', noise(3, 700_000))
    with open(f'{root}/sparse', 'wb') as f:
        f.write(noise(4, 5000))
        f.truncate(3_000_000)
        f.seek(2_000_000)
        f.write(b'an island')
    put(f'{root}/empty', b'')
    put(f'{root}/owned', b'somebody else owns this')
    put(f'{root}/setuid', b'#!/bin/true\n', 0o755)
    os.link(f'{root}/etc/conf3', f'{root}/etc/conf3-again')
    os.link(f'{root}/bin/many-blocks', f'{root}/hard')
    os.symlink('etc/conf1', f'{root}/link')
    os.symlink('/nowhere/at all', f'{root}/dangling')
    put_special(root)
    set_xattr(f'{root}/etc/conf1', 'user.one', b'1')
    set_xattr(f'{root}/etc/conf1', 'user.two', noise(5, 300))
    set_xattr(f'{root}/etc', 'user.of.folder', b'yes')
    age(root)


def build_second(root):
    """What an append adds: one changed file, new ones, a changed folder, a repeated content."""
    os.makedirs(f'{root}/etc/new')
    put(f'{root}/etc/conf1', b'key = another value\n')
    put(f'{root}/etc/new/large', noise(9, 60_000))
    put(f'{root}/etc/new/repeated', noise(1, 3000))
    put(f'{root}/etc/new/small', b'small')
    os.symlink('large', f'{root}/etc/new/link')
    os.link(f'{root}/etc/new/small', f'{root}/etc/new/small-again')
    set_xattr(f'{root}/etc/new/small', 'user.one', b'1')
    age(root)


def _attributes(path):
    try:
        return {n: os.getxattr(path, n, follow_symlinks=False)
                for n in os.listxattr(path, follow_symlinks=False)}
    except OSError as error:
        if error.errno in (errno.ENOTSUP, errno.ENODATA):
            return {}
        raise


def _content(path, st):
    if stat.S_ISREG(st.st_mode):
        with open(path, 'rb') as f:
            return f.read()
    return os.readlink(path) if stat.S_ISLNK(st.st_mode) else None


def look(root):
    """Everything of a tree that an extract must give back: path -> tuple."""
    seen, links = {}, {}
    paths = ['']
    for folder, folders, files in os.walk(root):
        paths += [os.path.relpath(os.path.join(folder, n), root) for n in folders + files]
    for name in sorted(paths):
        path = os.path.join(root, name) if name else root
        st = os.lstat(path)
        is_folder = stat.S_ISDIR(st.st_mode)
        if not is_folder and st.st_nlink > 1:
            links.setdefault(st.st_ino, name)
        seen[name] = (oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns, st.st_rdev,
                      None if is_folder else st.st_size, _content(path, st), _attributes(path),
                      links.get(st.st_ino), None if is_folder else st.st_nlink)
    return seen


def differences(wanted, got):
    lines = []
    for name in sorted(set(wanted) | set(got)):
        if wanted.get(name) != got.get(name):
            pair = zip(wanted.get(name) or ('missing',), got.get(name) or ('missing',))
            lines.append(f'{name!r}: ' + ', '.join(f'{str(a)[:60]} != {str(b)[:60]}' for a, b in pair if a != b))
    return lines


def renew(path):
    """An empty folder, whatever was there."""
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
