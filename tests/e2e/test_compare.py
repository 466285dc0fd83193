# SPDX-License-Identifier: Apache-2.0
"""The comparison itself: a copy is the same, and a copy with any one thing changed is not."""
import os
import stat
import struct

import compare
import harness
import oddities
from harness import check, need, need_root, run


def retouch(path, change):
    """Changes something and puts the folder's time back, so that only the change can be seen."""
    folder = os.path.dirname(path)
    st = os.lstat(folder)
    change(path)
    os.utime(folder, ns=(st.st_atime_ns, st.st_mtime_ns))


def rewrite(data):
    def change(path):
        st = os.stat(path)
        with open(path, 'r+b') as f:
            f.write(data)
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
    return change


def replace_by_copy(path):
    """Equal in all, but no hard link any more."""
    run(['cp', '-a', path, path + '.copy'])
    os.rename(path + '.copy', path)


def make_node(kind, device):
    def change(path):
        st = os.lstat(path)
        os.unlink(path)
        os.mknod(path, kind | stat.S_IMODE(st.st_mode), device)
        os.chown(path, st.st_uid, st.st_gid)
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))
    return change


def set_time(difference_ns):
    def change(path):
        st = os.lstat(path)
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns + difference_ns), follow_symlinks=False)
    return change


def xattr(name, value):
    return lambda path: os.setxattr(path, name, value, follow_symlinks=False)


def refuses(comparison, *args, **how):
    try:
        comparison(*args, **how)
    except AssertionError:
        return True
    return False


CHANGES = [
    ('sizes/4097', rewrite(b'?')),
    ('modes/own-1000-1000-6755', lambda p: os.chmod(p, 0o755)),
    ('modes/0400', lambda p: os.chmod(p, 0o440)),
    ('modes/own-link-1000-1000', lambda p: os.chown(p, 0, 1000, follow_symlinks=False)),
    ('modes/own-dir-1000-1000', lambda p: os.chmod(p, 0o775)),
    ('hard/a/again file', replace_by_copy),
    ('hard/a/again fifo', replace_by_copy),
    ('hard/a/again link', replace_by_copy),
    ('specials/c-1-3', make_node(stat.S_IFCHR, os.makedev(1, 4))),
    ('specials/c-1-1048575', make_node(stat.S_IFBLK, os.makedev(1, 1048575))),
    ('specials/socket', make_node(stat.S_IFIFO, 0)),
    ('times/file-epoch', set_time(1)),
    ('times/link-before-epoch', set_time(10**9)),
    ('times/dir-after-2106', set_time(-1)),
    ('acls/access', lambda p: os.setxattr(p, oddities.ACL_ACCESS, oddities.full_acl(1000, 4))),
    ('acls', lambda p: os.setxattr(p, oddities.ACL_DEFAULT, oddities.full_acl(3000, 1))),
    ('xattrs/capable', xattr('security.capability', struct.pack('<5I', 0x02000001, 1 << 12, 0, 0, 0))),
    ('xattrs/privileged-on-link', xattr('trusted.bfc', b'other')),
    ('xattrs/privileged-on-fifo', xattr('trusted.bfc', b'other')),
    ('xattrs/user-on-file', xattr('user.empty', b'x')),
    ('empty/7', os.rmdir),
    ('names/new\nline', os.unlink),
]


def test_a_copy_is_the_same_and_a_changed_one_is_not(lab):
    need_root('make owners and devices')
    need('rsync', 'bsdtar', 'getfattr')
    source, copy = lab / 'source', lab / 'copy'
    oddities.Tree(lab.mkdir('source')).build()
    run(['cp', '-a', source, copy])
    compare.same_tree(source, copy)
    compare.same_by_find(source, copy)
    for name, change in CHANGES:
        retouch(os.path.join(copy, name), change)
        check(refuses(compare.same_tree, source, copy), f'a change of {name!r} was not seen')
        harness.remove(copy)
        run(['cp', '-a', source, copy])


def fill_hole(path):
    with open(path, 'r+b') as f:
        f.seek(40 << 20)
        f.write(bytes(4096))


def drop_data(path):
    size = os.path.getsize(path)
    os.truncate(path, 4096)
    os.truncate(path, size)


def test_holes_are_compared(lab):
    source, copy = lab / 'source', lab / 'copy'
    oddities.build_sparse(source, hole=64 << 20)
    for change in (None, fill_hole, drop_data, rewrite(b'?')):
        oddities.build_sparse(copy, hole=64 << 20)
        if change:
            change(os.path.join(copy, 'middle'))
            check(refuses(compare.same_holes, source, copy, content=True), f'{change} was not seen')
        else:
            sparse = compare.same_holes(source, copy, content=True)
            check(sparse >= 12, f'only {sparse} files with holes')
        harness.remove(copy)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
