# SPDX-License-Identifier: Apache-2.0
"""Size changes nothing: a million files, and one file of 20 GiB, in less than 256 MiB of memory.

    test_scale.py BFC MAKE_TREE [NAME…]

MAKE_TREE is the bench's program that builds trees. $BFC_TEST_SCALE_DIR says where to work (10 GiB and two million
inodes are needed); without it a tmpfs is taken if there is memory for it, else the folder where the tests run, where
it takes some minutes more."""
import os
import sys

import compare
import harness
from harness import GIB, MIB, Skip, check, free_bytes, need, run, say

MAKE_TREE = os.path.abspath(sys.argv.pop(2)) if len(sys.argv) > 2 else None
MILLION = int(os.environ.get('BFC_TEST_SCALE_FILES', '1000000'))
PEAK_MAX, PEAK_MAX_LOW, PEAK_MAX_INFO = 256 * MIB, 64 * MIB, 64 * MIB
GROWN_MAX = 64 * 1024
ROOM = 10 * GIB
ROOM_IN_MEMORY = 14 * GIB  # two trees with their inodes, the container, and something to spare


def free_memory():
    with open('/proc/meminfo', encoding='ascii') as f:
        return next(int(l.split()[1]) * 1024 for l in f if l.startswith('MemAvailable'))


def place(lab):
    chosen = os.environ.get('BFC_TEST_SCALE_DIR')
    if chosen:
        lab.path, old = os.path.join(chosen, os.path.basename(lab.path)), lab.path
        os.mkdir(lab.path)
        harness.remove(old)
        return lab.path
    if os.geteuid() == 0 and free_memory() > ROOM_IN_MEMORY * MILLION // 10**6:
        return lab.mount_tmpfs('tmpfs', 'size=90%,nr_inodes=3m')
    if free_bytes(lab.path) < ROOM or os.statvfs(lab.path).f_favail < 2.1 * MILLION:
        raise Skip(f'{lab.path} has not the room: set BFC_TEST_SCALE_DIR')
    return lab.path


def lean(result, limit=PEAK_MAX):
    say(f'- {result.argv[1] if result.argv[1][0] != "-" else result.argv[2]}: {result.seconds:.2f} s, '
        f'peak {result.peak / MIB:.0f} MiB')
    check(result.peak < limit, f'peak of {result.peak / MIB:.0f} MiB:', result.shown())


def test_a_million_files(lab):
    need('rsync')
    where = place(lab)
    source, file, low, out = where + '/source', where + '/x.bfc', where + '/low.bfc', where + '/out'
    run([MAKE_TREE, 'small', source, str(MILLION)])
    lean(lab.bfc('create', file, source))
    lean(lab.bfc('create', '--low-memory', low, source), PEAK_MAX_LOW)
    lean(lab.bfc('extract', low, '-C', out), PEAK_MAX_LOW)
    os.unlink(low)
    small = where + '/small.bfc'
    lean(lab.bfc('create', '--profile', 'archive', '-c', 'zstd:3', small, source))
    check(os.stat(small).st_size <= os.stat(file).st_size, 'the archive profile makes it larger')
    os.unlink(small)
    compare.same_by_rsync(source, out)
    harness.remove(out)
    single_entries(lab, file, source)
    appended(lab, file)
    lean(lab.bfc('list', file))
    lean(lab.bfc('verify', file))
    harness.remove(source)


def appended(lab, file):
    """One small file more writes only the pages on the way to what it adds."""
    with open(os.path.join(lab.path, 'one'), 'wb') as f:
        f.write(b'one more\n')
    before = os.stat(file).st_size
    result = lab.bfc('append', file, 'one', '-C', lab.path)
    grown = os.stat(file).st_size - before
    say(f'- append of a small file: {result.seconds * 1000:.0f} ms, {grown / 1024:.0f} KiB more')
    check(grown < GROWN_MAX, f'the container grew by {grown} bytes')


def single_entries(lab, file, source):
    """The first and the last, one in between, and one that is not there; the best of three counts."""
    paths = []
    for pick in (min, max, lambda names: sorted(names)[len(names) // 2]):
        path = source
        while os.path.isdir(path):
            path = os.path.join(path, pick(os.listdir(path)))
        paths.append(os.path.relpath(path, source))
    for path, code in [(p, 0) for p in paths] + [('000/00/not-there', 4)]:
        results = [lab.bfc('info', file, path, expect=code) for _ in range(3)]
        best = min(r.seconds for r in results)
        peak = max(r.peak for r in results)
        say(f'- info {path}: {best * 1000:.1f} ms, peak {peak / MIB:.0f} MiB')
        check(peak < PEAK_MAX_INFO, f'info takes {peak / MIB:.0f} MiB')
    with open(os.path.join(source, paths[1]), 'rb') as f:
        check(lab.bfc('cat', file, paths[1]).out == f.read(), 'cat')


def test_one_file_of_20_gib(lab):
    need('cmp')
    where = place(lab)
    source, file, out = where + '/source', where + '/x.bfc', where + '/out'
    run([MAKE_TREE, 'sparse', source, '20'])
    st = os.stat(source + '/sparse')
    check(st.st_size == 20 * GIB and st.st_blocks * 512 > 3 * GIB, f'made {st.st_blocks * 512} bytes of data')
    lean(lab.bfc('create', file, source))
    lean(lab.bfc('extract', file, '-C', out))
    check(compare.same_holes(source, out) == 1, 'no holes')
    run(['cmp', source + '/sparse', out + '/sparse'])
    lean(lab.bfc('verify', '--deep', file))


if __name__ == '__main__':
    if not MAKE_TREE:
        sys.exit(__doc__)
    harness.main(globals(), shares=2)
