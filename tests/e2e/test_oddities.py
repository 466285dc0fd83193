# SPDX-License-Identifier: Apache-2.0
"""Everything that a Linux tree may have goes in and comes out again, with every kind of option."""
import os

import compare
import harness
import share
import oddities
from harness import GIB, check, free_bytes, need, need_root, say

OPTIONS = [('defaults', [], []),
           ('one thread', ['-j1'], ['-j1']),
           ('seven threads', ['-j7'], ['-j7']),
           ('not compressed', ['-c', 'none'], []),
           ('smallest blocks', ['-b', '4K', '-j7'], ['-j7']),
           ('largest blocks', ['-b', '4M', '-c', 'zstd:1'], []),
           ('by likeness', ['--profile', 'archive', '-c', 'zstd:1'], [])]


def need_all():
    need_root('make owners and devices')
    need('rsync', 'bsdtar', 'getfattr', 'find')


def there_and_back(lab, source, options=(), extract_options=(), where=None):
    """Creates, verifies, extracts; returns the folder that came out."""
    file, out = lab / 'x.bfc', os.path.join(where or lab.path, 'out')
    lab.bfc('create', '-f', file, source, *options)
    lab.bfc('verify', '--deep', file)
    harness.remove(out)
    result = lab.bfc('extract', '--strict', file, '-C', out, *extract_options)
    check(not result.err, 'extract as root has something to say:', result.message)
    return out


def build_oddities(root):
    os.mkdir(root)
    oddities.Tree(root).build()
    return root


def test_oddities_with_every_option(lab):
    need_all()
    source = build_oddities(lab / 'source')
    for label, options, extract_options in OPTIONS:
        say(f'- {label}')
        out = there_and_back(lab, source, options, extract_options)
        compare.same_tree(source, out)
    records = compare.same_by_getfattr(source, out)
    say(f'{compare.same_by_find(source, out)} entries, {records} with xattrs')
    check(records > 20, 'this file system has too few xattrs to prove anything')


def round_trip_on(lab, tree):
    need_all()
    source = build_oddities(os.path.join(tree, 'source'))
    for label, options, extract_options in OPTIONS[:1] + OPTIONS[4:5]:
        say(f'- {label}')
        compare.same_tree(source, there_and_back(lab, source, options, extract_options, where=tree))


def test_oddities_on_tmpfs(lab):
    round_trip_on(lab, lab.mount_tmpfs('tmpfs'))


def test_oddities_on_ext4(lab):
    round_trip_on(lab, lab.mount_image('ext4', 'ext4', 512 << 20, ['-I', '256']))


def test_oddities_on_xfs(lab):
    round_trip_on(lab, lab.mount_image('xfs', 'xfs', 512 << 20))


def test_oddities_on_btrfs(lab):
    round_trip_on(lab, lab.mount_image('btrfs', 'btrfs', 512 << 20))


def test_folder_that_hands_down_its_acl_and_group(lab):
    """What comes out is what went in, also below a folder with a default ACL and setgid."""
    need_all()
    source = build_oddities(lab / 'source')
    shared = lab.mkdir('shared')
    os.chown(shared, 0, 4242)
    os.chmod(shared, 0o2775)
    try:
        os.setxattr(shared, oddities.ACL_DEFAULT, oddities.full_acl(999, 7))
    except OSError as error:
        raise harness.Skip(f'no ACLs here: {error}') from error
    compare.same_tree(source, there_and_back(lab, source, where=shared))
    # The target is there already, and has inherited what its parent hands down.
    target = os.path.join(shared, 'ready')
    os.mkdir(target)
    lab.bfc('extract', '--strict', lab / 'x.bfc', '-C', target)
    compare.same_tree(source, target)


def test_umask_changes_nothing(lab):
    need_all()
    source = build_oddities(lab / 'source')
    old = os.umask(0o777)
    try:
        out = there_and_back(lab, source)
    finally:
        os.umask(old)
    compare.same_tree(source, out)


def test_extract_over_what_is_there(lab):
    """Twice into the same folder, with -f: the same result; something else in the way gives way."""
    need_all()
    source = build_oddities(lab / 'source')
    out = there_and_back(lab, source)
    lab.bfc('extract', '-f', '--strict', lab / 'x.bfc', '-C', out)
    compare.same_tree(source, out)
    refused = lab.bfc('extract', lab / 'x.bfc', '-C', out, expect=1)
    check('exist' in refused.message, refused.shown())
    compare.same_tree(source, out)


def test_holes(lab):
    """3 GiB holes at every place; the comparison with rsync reads them all, so it is done once, and not again with
    sanitizers."""
    need('rsync', 'bsdtar')
    source = lab / 'source'
    oddities.build_sparse(source, hole=3 * GIB)
    for label, options, extract_options in OPTIONS:
        say(f'- {label}')
        out = there_and_back(lab, source, options, extract_options)
        sparse = compare.same_holes(source, out, content=True)
        check(sparse >= 12, f'only {sparse} files with holes')
        compare.same_by_rsync(source, out, checksum=False)
    compare.same_by_mtree(source, out, digests=False)
    if not share.SAFETY_ONLY:
        compare.same_by_rsync(source, out, options=[f'--exclude=/{name}' for name in ('twin', 'start', 'end', 'all')])
    check(os.path.getsize(lab / 'x.bfc') < 32 << 20, 'the holes are in the container')


def test_holes_on_tmpfs_and_xfs(lab):
    for tree in (lab.mount_tmpfs('tmpfs'), lab.mount_image('xfs', 'xfs', 512 << 20)):
        source = os.path.join(tree, 'source')
        oddities.build_sparse(source, hole=GIB)
        compare.same_holes(source, there_and_back(lab, source, where=tree), content=True)


def test_terabyte_of_hole(lab):
    """What costs nothing in the file system costs nothing here."""
    os.mkdir(lab / 'source')
    path = lab / 'source/terabytes'
    try:
        oddities.write_runs(path, 8 << 40, [(0, b'first'), (5 << 40, b'middle'), ((8 << 40) - 4, b'last')])
    except OSError as error:
        raise harness.Skip(f'this file system has no file of 8 TiB: {error}') from error
    out = there_and_back(lab, lab / 'source')
    compare.same_holes(lab / 'source', out, content=True)
    check(os.path.getsize(lab / 'x.bfc') < 1 << 20, 'the holes are in the container')


def test_paths_beyond_path_max(lab):
    need_all()
    for label, levels, name_of in (('2000 levels', 2000, lambda i: f'level{i:05}'),
                                   ('names of 255 bytes', 40, lambda i: f'{i:03}' + 'n' * 252)):
        say(f'- {label}')
        source = lab / 'source'
        oddities.build_beyond_path_max(source, levels, name_of)
        for extract_options in ([], ['-j1']):
            out = there_and_back(lab, source, extract_options=extract_options)
            entries = compare.same_by_find(source, out)
            check(entries > levels, f'only {entries} entries')
            compare.same_by_mtree(source, out)
        listed = lab.bfc('list', lab / 'x.bfc').out
        check(max(map(len, listed.split(b'\n'))) > 8000, 'the long path is not listed')
        harness.remove(source)


def test_not_enough_room_is_not_needed(lab):
    """A container is about as large as its data, not as its files."""
    source = lab.mkdir('source')
    data = oddities.content(5, 1 << 20)
    for i in range(64):
        oddities.write(os.path.join(source, f'same-{i}'), data)
    lab.bfc('create', '-c', 'none', lab / 'x.bfc', source)
    size = os.path.getsize(lab / 'x.bfc')
    check(size < 1.1 * len(data) + 65536, f'64 equal files of 1 MiB take {size} bytes')
    check(free_bytes(lab.path) > 0)


if __name__ == '__main__':
    harness.main(globals(), shares=3)
