# SPDX-License-Identifier: Apache-2.0
"""The same tree gives the same container: with any number of threads, in whatever order its files were
made, and on different file systems."""
import filecmp
import os
import random

import harness
import oddities
from harness import check, need_root, say

COUNT = 2500
OPTIONS = ([], ['-c', 'none'], ['-b', '16K', '-c', 'zstd:1'], ['--profile', 'archive', '-c', 'zstd:1'])


def entry_list():
    """(path, kind, detail) of everything; folders first, names of one hard link together."""
    rng, rows = random.Random(42), []
    folders = [f'd{i}' for i in range(20)] + [f'd{i % 20}/e{i}' for i in range(60)]
    rows += [(f, 'dir', None) for f in folders]
    for i in range(COUNT):
        folder = rng.choice(folders)
        size = rng.choice((0, 10, 500, 4096, 9_000, 40_000, 131_072, 200_000 if i % 10 == 0 else 3_000))
        rows.append((f'{folder}/f{i}', 'file', (rng.randrange(COUNT // 2), size)))
    rows += [(f'{rng.choice(folders)}/l{i}', 'link', f'target-{i}') for i in range(100)]
    rows += [(f'{rng.choice(folders)}/p{i}', 'fifo', None) for i in range(10)]
    rows.append(('big', 'file', (7, 9_000_000)))
    rows += [(f'd{i}/sparse', 'sparse', i) for i in range(5)]
    links = [(f'{rng.choice(folders)}/h{i}-{j}', i) for i in range(50) for j in range(4)]
    return rows, links


def make_one(path, kind, detail):
    if kind == 'dir':
        os.mkdir(path)
    elif kind == 'file':
        oddities.write(path, oddities.content(*detail))
    elif kind == 'link':
        os.symlink(detail, path)
    elif kind == 'fifo':
        os.mkfifo(path)
    else:
        oddities.write_runs(path, 4 << 20, [(65536 * (i * detail + 1), b'x' * 65536) for i in range(3)])


def build(root, seed):
    """The tree; the seed decides in which order its parts are made."""
    rng = random.Random(seed)
    rows, links = entry_list()
    folders = [r for r in rows if r[1] == 'dir']
    others = [r for r in rows if r[1] != 'dir']
    rng.shuffle(others)
    rng.shuffle(links)
    os.mkdir(root)
    for path, kind, detail in folders + others:
        make_one(os.path.join(root, path), kind, detail)
    firsts = {}
    for path, group in links:
        path = os.path.join(root, path)
        if group in firsts:
            os.link(firsts[group], path)
        else:
            make_one(path, 'file', (group, 5_000))
            firsts[group] = path
    finish(root, rng)


def finish(root, rng):
    """Attributes and times, which depend on names alone, set in the seed's order."""
    paths = [os.path.join(f, n) for f, dirs, files in os.walk(root) for n in dirs + files]
    rng.shuffle(paths)
    for path in paths:
        of_name = random.Random(os.path.relpath(path, root)).randrange(1000)
        name = os.path.basename(path)
        if name.startswith('h'):  # one of several names: the same for all of them
            of_name = int(name[1:].split('-')[0])
        if os.geteuid() == 0:
            os.chown(path, of_name % 3, of_name % 5, follow_symlinks=False)
        if os.path.isfile(path) and not os.path.islink(path) and of_name % 4 == 0:
            names = ['user.a', 'user.b', 'user.c']
            rng.shuffle(names)
            for name in names:
                os.setxattr(path, name, b'%d' % (of_name % 7))
        os.utime(path, ns=(1, oddities.ODD_MTIME + of_name), follow_symlinks=False)
    for path in sorted((p for p in paths if os.path.isdir(p)), key=len, reverse=True) + [root]:
        os.utime(path, ns=(1, oddities.ODD_MTIME))


def must_be_equal(a, b, what):
    if filecmp.cmp(a, b, shallow=False):
        return
    left, right = open(a, 'rb').read(), open(b, 'rb').read()
    at = next((i for i, (x, y) in enumerate(zip(left, right)) if x != y), min(len(left), len(right)))
    check(False, f'{what}: differ from byte {at} on; {len(left)} and {len(right)} bytes')


def places(lab):
    yield 'here', lab.path
    if os.geteuid() == 0:
        for kind in ('ext4', 'xfs', 'tmpfs'):
            try:
                yield kind, (lab.mount_tmpfs(kind) if kind == 'tmpfs' else lab.mount_image(kind, kind, 512 << 20))
            except harness.Skip as skip:
                say(f'SKIP in part: {skip}')


def test_one_file_whatever_threads_order_and_file_system(lab):
    where = list(places(lab))
    count = 0
    for number, (label, place) in enumerate(where):
        source = os.path.join(place, 'source')
        build(source, seed=number)
        for options in OPTIONS:
            kept = lab / ('first' + ''.join(options).replace(':', '') + '.bfc')
            for jobs in ('-j1', '-j2', '-j7'):
                file = lab / 'x.bfc'
                lab.bfc('create', '-f', '--reproducible', jobs, *options, file, source)
                if os.path.exists(kept):
                    must_be_equal(kept, file, f'{label} {jobs} {options}')
                else:
                    os.rename(file, kept)
                count += 1
        say(f'- {label}: the same')
    say(f'{count} containers of {COUNT} files, {len(OPTIONS)} different ones as asked')
    check(len(where) >= 2 or os.geteuid() != 0, 'only one file system was tried')


def blank(data, ranges):
    for start, end in ranges:
        data[start:end] = bytes(end - start)


def without_chance(path):
    """A container of one commit without UUID, time and the checksums over them."""
    data = bytearray(open(path, 'rb').read())
    record = len(data) - 4096
    blank(data, [(8, 12), (16, 32)])
    blank(data, [(record + a, record + b) for a, b in ((8, 12), (16, 32), (96, 108))])
    return data


def test_only_uuid_and_time_are_drawn(lab):
    build(lab / 'source', seed=1)
    for name, jobs in (('a', '-j1'), ('b', '-j7'), ('c', '-j2')):
        lab.bfc('create', jobs, lab / f'{name}.bfc', lab / 'source')
    first = without_chance(lab / 'a.bfc')
    for name in 'bc':
        check(without_chance(lab / f'{name}.bfc') == first, 'more than UUID and time differs')
    check(open(lab / 'a.bfc', 'rb').read(32)[16:] != open(lab / 'b.bfc', 'rb').read(32)[16:], 'the same UUID twice')


def test_append_is_deterministic_too(lab):
    need_root('mount a file system')
    tmpfs = lab.mount_tmpfs('tmpfs')
    for number, place in enumerate((lab.path, tmpfs)):
        build(os.path.join(place, 'one'), seed=number)
        build(os.path.join(place, 'two'), seed=number + 10)
        for extra in range(50):
            oddities.write(os.path.join(place, 'two', f'extra-{extra}'), oddities.content(extra, 3_000))
            os.utime(os.path.join(place, 'two', f'extra-{extra}'), ns=(1, oddities.ODD_MTIME))
        os.utime(os.path.join(place, 'two'), ns=(1, oddities.ODD_MTIME))
    files = []
    for place, jobs in ((lab.path, '-j1'), (lab.path, '-j7'), (tmpfs, '-j2')):
        file = lab / f'{len(files)}.bfc'
        lab.bfc('create', '--reproducible', jobs, file, os.path.join(place, 'one'))
        lab.bfc('append', '--reproducible', jobs, file, 'two', '-C', place)
        files.append(file)
    for other in files[1:]:
        must_be_equal(files[0], other, 'append')
    for jobs in ('-j1', '-j7'):
        lab.bfc('compact', '--reproducible', jobs, files[0], '-o', lab / f'compact{jobs}.bfc')
    must_be_equal(lab / 'compact-j1.bfc', lab / 'compact-j7.bfc', 'compact')


if __name__ == '__main__':
    harness.main(globals(), shares=2)
