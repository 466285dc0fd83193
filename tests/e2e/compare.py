# SPDX-License-Identifier: Apache-2.0
"""Says whether two trees are the same, by programs that are not ours: rsync (contents, owners, modes,
times to the nanosecond, hard links, devices, ACLs, xattrs), bsdtar's mtree (again, with SHA-256 and
link counts), getfattr (every xattr of everything, links too), find (paths too long for the others).
Holes, which none of them sees, are compared here."""
import os
import stat

from harness import check, need, run

CHUNK = 1 << 20
GRAIN = 4096


def lines_that_differ(a, b, limit=6):
    only_a, only_b = sorted(set(a) - set(b)), sorted(set(b) - set(a))
    shown = [f'- {x!r}' for x in only_a[:limit]] + [f'+ {x!r}' for x in only_b[:limit]]
    return '\n'.join([f'{len(only_a)} only in the first, {len(only_b)} only in the second', *shown])


def same_by_rsync(a, b, *, checksum=True, options=()):
    need('rsync')
    result = run(['rsync', '-aHAXn', '--numeric-ids', '--modify-window=-1', '--delete', '-i',
                  *(['--checksum'] if checksum else []), *options, a + '/', b + '/'], expect=None)
    check(result.code == 0, 'rsync:', result.shown())
    check(not result.out, 'rsync finds differences:', result.out[:2000])


def mtree(tree, digests=True):
    need('bsdtar')
    keys = 'mtree:!all,type,mode,uid,gid,size,time,link,device,nlink'.split(',')
    if digests:
        keys.append('sha256')
    result = run(['bsdtar', '-cf', '-', '--format=mtree', '--options=' + ',mtree:'.join(keys),
                  '-C', tree, '.'])
    rows = [r for r in result.out.split(b'\n') if r and not r.startswith(b'#')]
    return sorted(b' '.join(w for w in row.split(b' ')
                            if not (b' type=dir' in row and w.startswith((b'nlink=', b'size='))))
                  for row in rows)


def same_by_mtree(a, b, digests=True):
    left, right = mtree(a, digests), mtree(b, digests)
    check(left == right, 'bsdtar mtree differs:', lines_that_differ(left, right))


def xattrs(tree):
    """The records of getfattr, one an entry that has any."""
    need('getfattr')
    result = run(['getfattr', '-d', '-m', '-', '-R', '-h', '-P', '-e', 'hex', '.'], cwd=tree)
    return sorted(r for r in result.out.split(b'\n\n') if r)


def same_by_getfattr(a, b):
    left, right = xattrs(a), xattrs(b)
    check(left == right, 'getfattr differs:', lines_that_differ(left, right))
    return len(left)


def listing(tree):
    """One record an entry, however long its path is."""
    need('find')
    form = r'%P\t%y\t%m\t%U\t%G\t%T@\t%s\t%n\t%l\0'
    records = run(['find', '.', '-printf', form], cwd=tree).out.split(b'\0')
    rows = [r.split(b'\t') for r in records if r]
    for row in rows:
        if row[-8] == b'd':  # sizes and link counts of folders belong to the file system
            row[-3:-1] = [b'-', b'-']
    return sorted(b'\t'.join(row) for row in rows)


def same_by_find(a, b):
    left, right = listing(a), listing(b)
    check(left == right, 'find differs:', lines_that_differ(left, right))
    return len(left)


def data_runs(fd, size):
    """[(start, end)] of what is data, by SEEK_DATA and SEEK_HOLE."""
    runs, at = [], 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        at = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        runs.append((start, at))
    return runs


def runs_without_zeros(fd, runs):
    """The same without the 4 KiB grains that hold nothing but zeros."""
    kept, zeros = [], bytes(GRAIN)
    for start, end in runs:
        for at in range(start, end, GRAIN):
            grain = os.pread(fd, min(GRAIN, end - at), at)
            if grain == zeros[:len(grain)]:
                continue
            if kept and kept[-1][1] == at:
                kept[-1] = (kept[-1][0], at + len(grain))
            else:
                kept.append((at, at + len(grain)))
    return kept


def same_content(fd_a, fd_b, runs, name):
    for start, end in runs:
        for at in range(start, end, CHUNK):
            want = min(CHUNK, end - at)
            check(os.pread(fd_a, want, at) == os.pread(fd_b, want, at),
                  f'content of {name!r} differs after byte {at}')


def same_holes(a, b, content=False):
    """Every file has its data and its holes at the same places, and takes no more room than before
    (but for what a file system rounds up). A file that has holes may come back with more of them, where
    it held zeros; one that has none must come back without. With content, also the data is compared, which takes no
    time for the holes. Returns the number of files with holes."""
    sparse = 0
    for folder, _, names in os.walk(os.fsencode(a)):
        for name in names:
            left = os.path.join(folder, name)
            if not stat.S_ISREG(os.lstat(left).st_mode):
                continue
            right = os.path.join(os.fsencode(b), os.path.relpath(left, os.fsencode(a)))
            with open(left, 'rb') as fa, open(right, 'rb') as fb:
                sparse += same_file_holes(fa.fileno(), fb.fileno(), left, content)
    return sparse


def same_file_holes(fd_a, fd_b, name, content):
    st_a, st_b = os.fstat(fd_a), os.fstat(fd_b)
    check(st_a.st_size == st_b.st_size, f'size of {name!r}: {st_a.st_size} and {st_b.st_size}')
    runs = data_runs(fd_a, st_a.st_size)
    got = data_runs(fd_b, st_b.st_size)
    if runs != got and runs != [(0, st_a.st_size)]:
        runs = runs_without_zeros(fd_a, runs)
    check(runs == got, f'holes of {name!r} differ: data at {runs[:6]} became {got[:6]}')
    spare = 256 + st_a.st_blocks // 2  # file systems allocate ahead, each in its way
    check(st_b.st_blocks <= st_a.st_blocks + spare,
          f'{name!r} takes {st_b.st_blocks} blocks, had {st_a.st_blocks}')
    if content:
        same_content(fd_a, fd_b, runs, name)
    return 1 if runs != ([(0, st_a.st_size)] if st_a.st_size else []) else 0


def same_tree(a, b):
    """Everything, for a tree whose paths are short enough and whose holes are not worth skipping."""
    same_by_rsync(a, b)
    same_by_mtree(a, b)
    same_by_getfattr(a, b)
    same_holes(a, b)
