# SPDX-License-Identifier: Apache-2.0
"""Builds a tree of every oddity that Linux allows (as root):  oddities.py FOLDER

What the file system cannot hold (a time, a size of an xattr) is told and left out, so that a round trip
is asked for nothing that the source did not have.
"""
import errno
import os
import random
import socket
import stat
import struct
import sys

GIB = 1 << 30
ACL_ACCESS, ACL_DEFAULT = 'system.posix_acl_access', 'system.posix_acl_default'

NAMES = [
    b'new\nline', b'two\n\nlines\n', b'tab\there', b' lead', b'trail ', b'   ', b'-dash', b'--', b'-rf',
    b'--checkpoint=1', b'"double"', b"'single'", b'back\\slash', b'\\012', b'*', b'?', b'[a]', b'{a,b}',
    b'~', b'$HOME', b'`id`', b'%n%s', b'!', b'#hash', b'a:b', b'C:', b'a=b', b'...', b'.hidden', b'....',
    b'\x01', b'\x1b[31mred', b'\x7f', b'\xff\xfe bad utf-8', b'\xc3', b'\xed\xa0\x80', b'\xc0\xaf',
    'é'.encode(), b'e\xcc\x81', 'ß'.encode(), '\u202ertl'.encode(), '🗜'.encode(), b'.wh.file',
    b'.wh..wh..opq', b'x' * 255, 'ü'.encode() * 127 + b'u', b'\xff' * 255, b'CASE', b'case', b'0', b'\r']

EDGES = [0, 1, 2, 4095, 4096, 4097, 8191, 8192, 65535, 65536, 131071, 131072, 131073, 262143, 262144,
         262145, 393217, 1048576, 4194303, 4194304, 4194305, 8388609]

TIMES = [('epoch', 0), ('before-epoch', -1), ('half-before', -500_000_001), ('y1902', -2**31 * 10**9),
         ('y1901-ns', (-2**31 - 10) * 10**9 + 999_999_999), ('one-ns', 1),
         ('last-32bit', (2**31 - 1) * 10**9 + 999_999_999), ('after-2038', 2**31 * 10**9 + 123_456_789),
         ('unsigned-32bit', 2**32 * 10**9 - 1), ('after-2106', (2**32 + 7) * 10**9 + 1),
         ('y2242', 2**33 * 10**9 + 5), ('y2446', 15_032_385_535 * 10**9),
         ('y-9000', -9000 * 31_556_952 * 10**9 + 1), ('y90000', 90_000 * 31_556_952 * 10**9)]

ODD_MTIME = 1_234_567_890 * 10**9 + 987_654_321


def content(seed, size):
    """Half of it random, half of it text: no block size can make either vanish."""
    rng = random.Random(seed)
    parts, have = [], 0
    while have < size:
        part = rng.randbytes(1500) if rng.random() < 0.5 else b'all work and no play %d\n' % seed * 60
        parts.append(part)
        have += len(part)
    return b''.join(parts)[:size]


def write(path, data=b'', mode=0o644):
    with open(path, 'wb') as f:
        f.write(data)
    os.chmod(path, mode)


def acl(*entries):
    """The kernel's form of an ACL; entries are (tag, permissions, id)."""
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in entries)


def full_acl(user, perms):
    nobody = 0xffffffff
    return acl((1, 6, nobody), (2, perms, user), (2, 4, user + 1), (4, 4, nobody), (8, 5, 77),
               (16, 7, nobody), (32, 0, nobody))


class Tree:
    """Makes the parts of the tree below `root`. Names are bytes, since not all are text."""

    def __init__(self, root):
        self.root = os.fsencode(root)

    def at(self, *parts):
        return os.path.join(self.root, *(os.fsencode(p) for p in parts))

    def folder(self, *parts):
        path = self.at(*parts)
        os.makedirs(path)
        return path

    def set_xattr(self, path, name, value):
        """False, and a word, where this file system has no such attribute or no room for it."""
        try:
            os.setxattr(path, name, value, follow_symlinks=False)
            return True
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.ENOSPC, errno.E2BIG, errno.EPERM, errno.ERANGE):
                raise
            print(f'left out: xattr {name!r} of {len(value)} bytes on {path!r}: {error.strerror}')
            return False

    def names(self):
        base = self.folder('names')
        for i, name in enumerate(NAMES):
            write(os.path.join(base, name), b'content %d' % i)
        base = self.folder('folders')
        for i, name in enumerate(NAMES):
            os.mkdir(os.path.join(base, name))
            write(os.path.join(base, name, name), b'%d' % (i % 3))
        base = self.folder('links')
        for name in NAMES:
            os.symlink(name, os.path.join(base, name))
        for length in (4095, 1023):
            try:
                os.symlink(b'x' * length, os.path.join(base, b'longest target'))
                break
            except OSError as error:
                print(f'left out: a link with a target of {length} bytes: {error.strerror}')
        os.symlink(b'/', os.path.join(base, b'to root'))
        os.symlink(b'../../../../../../etc/passwd', os.path.join(base, b'up and out'))
        os.symlink(b'to itself', os.path.join(base, b'to itself'))

    def sizes(self):
        base = self.folder('sizes')
        for size in EDGES:
            write(os.path.join(base, b'%d' % size), content(size, size))
        for i, size in enumerate((4096, 131073, 4194304)):
            write(os.path.join(base, b'copy-of-%d' % size), content(size, size))
            write(os.path.join(base, b'prefix-of-%d-%d' % (size, i)), content(size, size - 1))
        for size in (1, 4096, 131072, 1 << 20, (1 << 20) + 3):
            write(os.path.join(base, b'zeros-%d' % size), bytes(size))
        write(os.path.join(base, b'zeros-then-text'), bytes(300_000) + b'the end')
        write(os.path.join(base, b'text-then-zeros'), b'the start' + bytes(300_000))
        for i in range(40):
            self.folder('empty', f'{i}')
            write(self.at('empty', f'file-{i}'))

    def modes(self):
        base = self.folder('modes')
        for mode in (0, 0o400, 0o200, 0o111, 0o777, 0o1777, 0o2755, 0o2644, 0o4755, 0o4711, 0o6755, 0o7777,
                     0o4000, 0o2000, 0o1000):
            write(os.path.join(base, b'%04o' % mode), b'mode', mode)
            path = os.path.join(base, b'dir-%04o' % mode)
            os.mkdir(path)
            write(os.path.join(path, b'inside'), b'inside', 0o600)
            os.mkdir(os.path.join(path, b'deeper'))
            os.chmod(path, mode)
        for uid, gid in ((0, 1), (1, 0), (1000, 1000), (65534, 65534), (65536, 2**31),
                         (4294967294, 4294967294)):
            for mode in (0o644, 0o6755):
                path = os.path.join(base, b'own-%d-%d-%o' % (uid, gid, mode))
                write(path, b'owned')
                os.chown(path, uid, gid)
                os.chmod(path, mode)
            for kind in (b'own-dir', b'own-link'):
                path = os.path.join(base, b'%s-%d-%d' % (kind, uid, gid))
                if kind == b'own-dir':
                    os.mkdir(path, 0o2775)
                    write(os.path.join(path, b'root-in-setgid'), b'x')
                    os.chown(os.path.join(path, b'root-in-setgid'), 0, 0)
                else:
                    os.symlink(b'nowhere', path)
                os.chown(path, uid, gid, follow_symlinks=False)
            path = os.path.join(base, b'own-dir-%d-%d' % (uid, gid))
            os.chmod(path, 0o2775)

    def specials(self):
        base = self.folder('specials')

        def node(name, kind, device=0, owner=0, mode=0o640):
            path = os.path.join(base, name)
            os.mknod(path, kind | mode, device)
            os.chown(path, owner, owner)
            os.chmod(path, mode)
            return path

        for major, minor in ((0, 0), (1, 3), (5, 2), (7, 0), (8, 255), (8, 256), (255, 65535),
                             (4095, 1048575), (256, 1), (1, 1048575)):
            number = os.makedev(major, minor)
            try:
                node(b'c-%d-%d' % (major, minor), stat.S_IFCHR, number)
            except OSError as error:
                print(f'left out: device {major}:{minor}: {error.strerror}')
                continue
            node(b'b-%d-%d' % (major, minor), stat.S_IFBLK, number, owner=1000, mode=0o6711)
        node(b'fifo', stat.S_IFIFO, mode=0)
        node(b'fifo-owned', stat.S_IFIFO, owner=4294967294, mode=0o1777)
        node(b'socket', stat.S_IFSOCK, owner=33)
        with socket.socket(socket.AF_UNIX) as s:  # bound by its descriptor: the path may be too long
            fd = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
            s.bind(f'/proc/self/fd/{fd}/bound')
            os.close(fd)

    def hard_links(self):
        base = self.folder('hard')
        for i, place in enumerate((b'a', b'b/c', b'z/y/x')):
            os.makedirs(os.path.join(base, place))
            os.chmod(os.path.join(base, place), 0o700 + i)
        originals = {b'file': lambda p: write(p, content(7, 200_000), 0o4755),
                     b'empty': write,
                     b'small': lambda p: write(p, b'tiny'),
                     b'link': lambda p: os.symlink(b'file', p),
                     b'fifo': lambda p: os.mkfifo(p, 0o600),
                     b'char': lambda p: os.mknod(p, stat.S_IFCHR | 0o600, os.makedev(1, 5)),
                     b'block': lambda p: os.mknod(p, stat.S_IFBLK | 0o600, os.makedev(7, 9)),
                     b'socket': lambda p: os.mknod(p, stat.S_IFSOCK | 0o600)}
        for name, make in originals.items():
            first = os.path.join(base, b'b/c', name)
            make(first)
            for place in (b'', b'a', b'z/y/x'):
                os.link(first, os.path.join(base, place, b'again ' + name), follow_symlinks=False)
        twin = os.path.join(base, b'a', b'twin')  # equal content, but another inode
        write(twin, content(7, 200_000), 0o4755)
        many = os.path.join(base, b'many')
        write(many, b'a thousand names')
        for i in range(999):
            os.link(many, os.path.join(base, b'many-%03d' % i))

    def attributes(self):
        base = self.folder('xattrs')

        def made(name, kind='file'):
            path = os.path.join(base, name)
            {'file': lambda: write(path, name), 'dir': lambda: os.mkdir(path),
             'link': lambda: os.symlink(b'target', path), 'fifo': lambda: os.mkfifo(path),
             'char': lambda: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))}[kind]()
            return path

        for kind in ('file', 'dir'):
            path = made(b'user-on-' + kind.encode(), kind)
            for name, value in (('user.text', b'hello'), ('user.empty', b''), ('user.nul', b'a\0b\0'),
                                ('user.newline', b'\n\n# file: forged\nuser.x="y"\n'),
                                ('user.' + 'n' * 250, b'long name'), ('user.\u00e9\n=', b'odd name')):
                self.set_xattr(path, name, value)
        for kind in ('file', 'dir', 'link', 'fifo', 'char'):
            path = made(b'privileged-on-' + kind.encode(), kind)
            self.set_xattr(path, 'trusted.bfc', b'trusted \xff\0 value')
            self.set_xattr(path, 'trusted.empty', b'')
            self.set_xattr(path, 'trusted.overlay.opaque', b'y')
            self.set_xattr(path, 'security.bfc', b'security value')
        self.biggest_xattrs(made)
        path = made(b'many')
        for i in range(60):
            if not self.set_xattr(path, f'user.n{i:02}', b'v' * (i % 9)):
                break
        for i in range(30):  # equal sets, stored once
            self.set_xattr(made(b'equal-%02d' % i), 'user.same', b'same for all')
        self.capabilities(made)

    def biggest_xattrs(self, made):
        """The largest value that this file system takes, of incompressible bytes."""
        path, low, high = made(b'largest'), 0, 65536
        value = random.Random(1).randbytes(high)
        while low < high:
            middle = (low + high + 1) // 2
            try:
                os.setxattr(path, 'user.large', value[:middle])
                low = middle
            except OSError:
                high = middle - 1
        if low:
            os.setxattr(path, 'user.large', value[:low])
            os.setxattr(made(b'largest-twin'), 'user.large', value[:low])
        print(f'largest xattr value here: {low} bytes')

    def capabilities(self, made):
        for name, owner, mode in ((b'capable', 0, 0o755), (b'capable-owned', 1000, 0o6755)):
            path = made(name)
            os.chown(path, owner, owner)
            os.chmod(path, mode)
            self.set_xattr(path, 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0))

    def acls(self):
        base = self.folder('acls')
        path = os.path.join(base, b'access')
        write(path, b'acl')
        if not self.set_xattr(path, ACL_ACCESS, full_acl(1000, 6)):
            return
        owned = os.path.join(base, b'access-owned-setuid')
        write(owned, b'acl')
        os.chown(owned, 1000, 4294967294)
        os.chmod(owned, 0o4750)
        self.set_xattr(owned, ACL_ACCESS, full_acl(2000, 7))
        self.set_xattr(base, ACL_DEFAULT, full_acl(3000, 5))
        write(os.path.join(base, b'inherits'), b'what the default gives')
        os.mkdir(os.path.join(base, b'inherits-dir'))
        for name in (b'bare', b'bare-dir'):  # below a default ACL, but without one
            path = os.path.join(base, name)
            if name == b'bare':
                write(path, b'no acl')
            else:
                os.mkdir(path)
                os.removexattr(path, ACL_DEFAULT)
            os.removexattr(path, ACL_ACCESS)
            os.chmod(path, 0o751)
        os.mkfifo(os.path.join(base, b'fifo'), 0o666)
        os.symlink(b'access', os.path.join(base, b'link'))

    def deep(self):
        """255-byte names up to just below PATH_MAX, for the tools that stop there."""
        path = self.folder('deep')
        while len(path) < 3500:
            path = os.path.join(path, b'd' * 255)
            os.mkdir(path, 0o711)
        write(os.path.join(path, b'bottom'), b'deep down')

    def times(self):
        """Last: everything before may touch folders."""
        base = self.folder('times')
        for label, wanted in TIMES:
            for kind in ('file', 'dir', 'link', 'fifo'):
                path = os.path.join(base, f'{kind}-{label}'.encode())
                {'file': lambda p: write(p, b'old or young'), 'dir': os.mkdir,
                 'link': lambda p: os.symlink(b'x', p), 'fifo': os.mkfifo}[kind](path)
                os.utime(path, ns=(ODD_MTIME, wanted), follow_symlinks=False)
                held = os.lstat(path).st_mtime_ns
                if held != wanted and kind == 'file':
                    print(f'this file system holds {held} for the time {label} ({wanted})')
        for folder, names, _ in os.walk(self.root, topdown=False):
            for name in names:
                path = os.path.join(folder, name)
                if folder != base and not os.path.islink(path):
                    os.utime(path, ns=(ODD_MTIME, ODD_MTIME + len(path)))
        os.utime(base, ns=(ODD_MTIME, -3))
        os.chmod(self.root, 0o2751)
        os.chown(self.root, 1234, 4294967294)
        os.utime(self.root, ns=(ODD_MTIME, 2**33 * 10**9 + 7))

    def build(self):
        for part in (self.names, self.sizes, self.modes, self.specials, self.hard_links, self.attributes,
                     self.acls, self.deep, self.times):
            part()


def write_runs(path, size, runs):
    """A file of this size with data at [(offset, bytes)] and holes between."""
    with open(path, 'wb') as f:
        f.truncate(size)
        for offset, data in runs:
            f.seek(offset)
            f.write(data)
    os.utime(path, ns=(ODD_MTIME, ODD_MTIME))


def build_sparse(root, hole=3 * GIB):
    """Files with holes; `hole` is the size of the big ones."""
    os.makedirs(root)
    at = lambda name: os.path.join(root, name)
    some = content(3, 300_000)
    write_runs(at('start'), hole + len(some), [(hole, some)])
    write_runs(at('middle'), 2 * len(some) + hole, [(0, some), (len(some) + hole, some[::-1])])
    write_runs(at('end'), len(some) + hole, [(0, some)])
    write_runs(at('all'), hole, [])
    write_runs(at('odd'), hole + 12_345, [(5_001, b'data'), (hole - 777, b'more'), (hole + 12_000, b'!')])
    write_runs(at('only-a-byte'), 1 << 20, [((1 << 20) - 1, b'x')])
    write_runs(at('small-hole-all'), 4096, [])
    write_runs(at('tiny-hole-all'), 17, [])
    for step, count in ((8192, 1000), (4096 * 33, 130), (1 << 20, 65)):
        runs = [(i * step, content(i, 4096)) for i in range(count)]
        write_runs(at(f'comb-{step}'), step * count, runs)
    write_runs(at('twin'), hole + len(some), [(hole, some)])
    write_runs(at('zeros-in-data'), 3 << 20, [(1 << 20, bytes(65536) + b'x' + bytes(65535))])
    os.link(at('middle'), at('middle-again'))


def build_beyond_path_max(root, levels, name_of):
    """A chain of folders made step by step, since no call takes its whole path."""
    os.makedirs(root)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for level in range(levels):
        name = name_of(level)
        os.mkdir(name, 0o755, dir_fd=fd)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
        if level % 100 == 99 or level == levels - 1:
            with open(os.open('file', os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=below), 'wb') as f:
                f.write(b'level %d' % level)
            os.symlink(b'file', 'link', dir_fd=below)
        os.utime(fd, ns=(ODD_MTIME, ODD_MTIME + level))
        os.close(fd)
        fd = below
    os.utime(fd, ns=(ODD_MTIME, ODD_MTIME))
    os.close(fd)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1])
    Tree(sys.argv[1]).build()
