# SPDX-License-Identifier: Apache-2.0
"""A tree, and changes of it in every way, each noted as what a layer must say of it."""
import os
import shutil
import stat
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import harness
import oddities
from making import T0, settle, write

CAPABILITY = struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0)


def build_before(root):
    """What is going to be changed in every way."""
    at = lambda path: os.path.join(root, path)
    for name in ('keep/a', 'keep/b', 'edit/content', 'edit/append', 'edit/chmod', 'edit/chown', 'edit/touch',
                 'edit/nanosecond', 'edit/xattr-more', 'edit/xattr-less', 'edit/xattr-value', 'edit/capable',
                 'gone/file', 'gone/folder/x', 'gone/folder/y/z', 'kind/file-folder', 'kind/folder-file/in/it',
                 'kind/folder-link/in', 'kind/file-link', 'kind/file-fifo', 'kind/folder-folder/in', 'links/made',
                 'links/broken-1', 'links/moved-1', 'links/less-1', 'links/all-1', 'links/stay-1', 'opaque/a', 'opaque/b/c',
                 'touched/in', 'mode/in'):
        write(at(name), f'this is {name}\n'.encode() * 3)
    for name in ('broken', 'moved', 'less', 'all', 'stay'):
        os.link(at(f'links/{name}-1'), at(f'links/{name}-2'))
    write(at('edit/large'), oddities.content(5, 3 << 20))
    oddities.write_runs(at('edit/sparse'), 8 << 20, [(1 << 20, b'data')])
    for i in range(200):
        write(at(f'big/{i % 10}/{i}'), b'%d' % i * 50)
    for name, target in (('edit/target', 'old'), ('gone/link', 'x'), ('kind/link-folder', 'file-link'),
                         ('kind/link-file', 'nowhere')):
        os.symlink(target, at(name))
    os.mkfifo(at('gone/fifo'))
    os.mkfifo(at('kind/fifo-char'))
    os.mknod(at('kind/char-char'), stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod(at('kind/block-file'), stat.S_IFBLK | 0o600, os.makedev(7, 1))
    os.setxattr(at('edit/xattr-less'), 'user.old', b'old')
    os.setxattr(at('edit/xattr-value'), 'user.old', b'old')
    os.setxattr(at('edit/capable'), 'security.capability', CAPABILITY)
    settle(root)


class Edit:
    """Changes a tree, and notes what a layer must say of that."""

    def __init__(self, root):
        self.root, self.changed = root, set()

    def at(self, path):
        self.changed.add(path)
        return os.path.join(self.root, path)

    def remove(self, path):
        harness.remove(os.path.join(self.root, path))

    def gone(self, path):
        self.remove(path)
        folder, name = os.path.split(path)
        self.changed.add(f'{folder}/.wh.{name}'.lstrip('/'))

    def names(self):
        """With the folders above, which a layer has to tell of, too."""
        all_names = {'.'}
        for path in self.changed:
            while path:
                all_names.add(path)
                path = os.path.dirname(path)
        return sorted(all_names)


def plain_names(listed):
    return sorted(os.path.normpath(name) for name in listed)


def edit_attributes(e):
    path = e.at('edit/content')
    old = os.lstat(path).st_mtime_ns
    with open(path, 'r+b') as f:
        f.write(b'THIS')
    os.utime(path, ns=(old, old))
    with open(e.at('edit/append'), 'ab') as f:
        f.write(b'more')
    with open(e.at('edit/large'), 'r+b') as f:
        f.seek(2 << 20)
        f.write(b'!')
    os.utime(e.at('edit/large'), ns=(T0, T0))
    with open(e.at('edit/sparse'), 'r+b') as f:
        f.seek(4 << 20)
        f.write(b'more data')
    os.chmod(e.at('edit/chmod'), 0o4751)
    os.chown(e.at('edit/chown'), 33, 4294967294)
    os.utime(e.at('edit/touch'), ns=(T0, T0 + 5 * 10**9))
    os.utime(e.at('edit/nanosecond'), ns=(T0, T0 + 1))
    os.setxattr(e.at('edit/xattr-more'), 'user.new', b'new \xff')
    os.removexattr(e.at('edit/xattr-less'), 'user.old')
    os.setxattr(e.at('edit/xattr-value'), 'user.old', b'neu')
    os.removexattr(e.at('edit/capable'), 'security.capability')
    e.remove('edit/target')
    os.symlink('new', e.at('edit/target'))
    os.utime(e.at('touched'), ns=(T0, T0 + 7))
    os.chmod(e.at('mode'), 0o2700)


def edit_kinds(e):
    for name in ('file-folder', 'folder-file', 'folder-link', 'file-link', 'file-fifo', 'folder-folder', 'link-folder',
                 'link-file', 'fifo-char', 'char-char', 'block-file'):
        e.remove('kind/' + name)
    for name in ('file-folder', 'link-folder'):
        write(e.at(f'kind/{name}/new'), b'in a new folder')
    for name in ('folder-file', 'link-file', 'block-file'):
        write(e.at('kind/' + name), b'a file now')
    for name in ('folder-link', 'file-link'):
        os.symlink('../keep', e.at('kind/' + name))
    write(e.at('kind/folder-folder/in/it'), b'what was a file is a folder')
    os.mkfifo(e.at('kind/file-fifo'))
    os.mknod(e.at('kind/fifo-char'), stat.S_IFCHR | 0o640, os.makedev(5, 1))
    os.mknod(e.at('kind/char-char'), stat.S_IFCHR | 0o600, os.makedev(1, 5))


def edit_links(e):
    e.at('links/made')
    os.link(e.at('links/made'), e.at('links/made-2'))
    broken = e.at('links/broken-2')
    e.at('links/broken-1')
    shutil.copy2(broken, broken + '.copy')
    os.rename(broken + '.copy', broken)
    e.at('links/moved-1')
    os.link(e.at('links/moved-1'), e.at('links/moved-3'))
    e.gone('links/moved-2')
    e.at('links/less-1')
    e.gone('links/less-2')
    with open(e.at('links/all-1'), 'ab') as f:
        f.write(b'both names see it')
    e.at('links/all-2')


def edit_names(e):
    for name in ('gone/file', 'gone/folder', 'gone/link', 'gone/fifo', 'opaque/b'):
        e.gone(name)
    for i in range(200):
        e.changed.add(f'large/{i % 10}/{i}')
    os.rename(os.path.join(e.root, 'big'), os.path.join(e.root, 'large'))
    e.gone('big')
    e.remove('opaque/a')
    write(e.at('opaque/a'), b'the folder was emptied, and this made anew')
    write(e.at('opaque/d'), b'and this is new')
    write(e.at('new/empty'), b'')
    write(e.at('new/large'), oddities.content(9, 5 << 20), mode=0o6755)
    write(e.at('new/deeper/and/deeper/file'), b'deep')
    write(e.at('new/capable'), b'capable', mode=0o755)
    os.setxattr(e.at('new/capable'), 'security.capability', CAPABILITY)
    os.mknod(e.at('new/device'), stat.S_IFBLK | 0o660, os.makedev(8, 17))
    oddities.write_runs(e.at('new/holes'), 64 << 20, [(0, b'start'), (40 << 20, b'middle')])
    os.symlink('/etc/passwd', e.at('new/link'))
    os.mkdir(e.at('new/no-content'), 0o1777)


def edit_everything(root):
    e = Edit(root)
    for part in (edit_attributes, edit_kinds, edit_links, edit_names):
        part(e)
    return e
