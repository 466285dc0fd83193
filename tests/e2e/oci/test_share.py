# SPDX-License-Identifier: Apache-2.0
"""Images that stand on one base: what the second one takes on disk, and what `image df` tells of that, on file
systems that share blocks and on those that do not. And that equal sources give equal containers."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import harness
import oddities
from harness import MIB, check, need, run, say
from making import Images, Layout, layered_oddities, read, write

BASE = 24 * MIB
OWN = 1 * MIB
SLACK = MIB // 2  # pages, records, and what file systems allocate ahead


def noise(seed, size):
    return oddities.random.Random(seed).randbytes(size)


def family(lab):
    """A base that does not compress, and two images on it, `one` and `two`."""
    layout = Layout(lab)
    layout.new('base')
    layout.step('base', lambda root: [write(f'{root}/base/{i}', noise(i, BASE // 24)) for i in range(24)])
    for seed, name in ((100, 'one'), (101, 'two')):
        layout.tag('base', name)
        layout.step(name, lambda root, seed=seed: write(root + '/own', noise(seed, OWN)))
    return layout


class DiskImages(Images):
    """With the store on a file system of its own."""

    def __init__(self, lab, where):
        super().__init__(lab)
        self.store = where + '/store'

    def settle(self):
        """All is written, and XFS gives back what it has set aside for files that might grow."""
        run(['sync', '-f', os.path.dirname(self.store)])
        if os.path.basename(os.path.dirname(self.store)) == 'xfs':
            need('xfs_spaceman')
            run(['xfs_spaceman', '-c', 'prealloc -s', os.path.dirname(self.store)])

    def used(self):
        self.settle()
        st = os.statvfs(os.path.dirname(self.store))
        return (st.f_blocks - st.f_bfree) * st.f_frsize

    def path(self, name):
        return self.json('info', name)['path']

    def df(self):
        return self.json('df')


def fill(lab, images, layout):
    """Creates base, one and two; what each took."""
    took = []
    for name in ('base', 'one', 'two'):
        before = images.used()
        images('create', name, layout.source(name))
        took.append(images.used() - before)
    say(f'base, one, two took {[t // 1024 for t in took]} KiB')
    check(took[0] > BASE, 'the base takes less than it holds: the test says nothing')
    for name in ('one', 'two'):
        images.verify(name)
    return took


def near(got, want, what):
    check(abs(got - want) < SLACK, f'{what}: {got}, not about {want}')


def check_sharing(lab, where, shares):
    layout, images = family(lab), DiskImages(lab, where)
    empty = images.df()
    check(empty['images'] == empty['disk_bytes'] == empty['shared_bytes'] == 0, empty)
    took = fill(lab, images, layout)
    for extra in took[1:]:
        near(extra, OWN if shares else took[0] + OWN, 'what an image on the base takes')
    df = images.df()
    sizes = [images.size(name) for name in ('base', 'one', 'two')]
    check(df['image_bytes'] == sum(sizes), df)
    near(df['disk_bytes'], sum(took), 'disk_bytes')
    near(df['shared_bytes'], 2 * sizes[0] if shares else 0, 'shared_bytes')
    check(int(df['shared_bytes'] > 0) == shares, df)
    table = images('df').text
    check(f'({df["shared_bytes"]} bytes)' in table or str(df['shared_bytes']) in table, table)

    # One more name is told besides, and what only files outside of the store share is not told.
    images('tag', 'one', 'again')
    named = images.df()
    near(named['shared_bytes'] - df['shared_bytes'], sizes[1], 'one more name')
    near(named['disk_bytes'], df['disk_bytes'], 'disk_bytes after one more name')
    images('delete', 'again')
    run(['cp', '--reflink=auto', images.path('two'), where + '/outside'])
    # XFS gives back later what it allocated ahead: room on the disk is never the same to the byte.
    after = images.df()
    near(after['disk_bytes'], df['disk_bytes'], 'disk_bytes beside a file outside')
    of_disk = {key: after[key] for key in ('disk_bytes', 'free_bytes')}
    check(after == dict(df, **of_disk), 'a file outside changes the sums', after, df)
    for name in ('base', 'one'):
        images('delete', name)
    alone = images.df()
    near(alone['disk_bytes'], sizes[2], 'one image alone')
    check(alone['shared_bytes'] == 0, 'one image shares with itself:', alone)
    images.verify('two')
    return images


def test_xfs(lab):
    check_sharing(lab, lab.mount_image('xfs', 'xfs', 512 * MIB, ['-m', 'reflink=1']), True)


def test_xfs_without_reflinks(lab):
    check_sharing(lab, lab.mount_image('xfs', 'xfs', 512 * MIB, ['-m', 'reflink=0']), False)


def test_btrfs(lab):
    check_sharing(lab, lab.mount_image('btrfs', 'btrfs', 512 * MIB), True)


def test_ext4(lab):
    check_sharing(lab, lab.mount_image('ext4', 'ext4', 512 * MIB), False)


def test_tmpfs(lab):
    check_sharing(lab, lab.mount_tmpfs('tmpfs'), False)


def shared_by_kernel(path):
    """Bytes that filefrag, which asks the same kernel in its own way, calls shared."""
    need('filefrag')
    rows = run(['filefrag', '-v', '-b4096', path]).text.splitlines()
    return sum(int(r.split(':')[3].split()[0]) * 4096 for r in rows if 'shared' in r)


def test_pieces(lab):
    """Files of many extents, shared in part: as filefrag counts."""
    where = lab.mount_image('xfs', 'xfs', 512 * MIB, ['-m', 'reflink=1'])
    images = DiskImages(lab, where)
    write(lab / 'dir/file', noise(1, 8 * MIB))
    images('create', 'a', lab / 'dir')
    path = images.path('a')
    os.makedirs(images.store + '/b:latest')
    run(['cp', '--reflink=always', path, images.store + '/b:latest/b:latest.bfc'])
    whole = images.df()
    near(whole['shared_bytes'], shared_by_kernel(path), 'all of it')
    with open(images.store + '/b:latest/b:latest.bfc', 'r+b') as f:  # every other block of 8 KiB is b's own now
        for at in range(64 << 10, 8 * MIB, 16 << 10):
            f.seek(at)
            f.write(noise(at, 8 << 10))
    images.settle()
    part, told = images.df(), shared_by_kernel(path)
    check(2 * MIB < told < 5 * MIB, 'the blocks were not parted:', told)
    check(abs(part['shared_bytes'] - told) <= 4096, f'{part["shared_bytes"]}, filefrag says {told}')
    near(part['disk_bytes'], whole['disk_bytes'] + whole['shared_bytes'] - told, 'disk_bytes')


def test_parts(lab):
    """Two files that have the middle of a third in common: btrfs calls all of them shared, by whole extents."""
    need('xfs_io')
    where = lab.mount_image('btrfs', 'btrfs', 512 * MIB)
    images = DiskImages(lab, where)
    write(where + '/whole', noise(1, 8 * MIB))
    images.settle()
    for name, start in (('x', 0), ('y', 2)):
        folder = f'{images.store}/{name}:latest'
        os.makedirs(folder)
        run(['xfs_io', '-f', '-c', f'reflink {where}/whole {start}m 0 4m', f'{folder}/{name}:latest.bfc'])
    images.settle()
    df = images.df()
    check(df['images'] == 2 and df['image_bytes'] == 8 * MIB, df)
    check(df['shared_bytes'] == 2 * MIB and df['disk_bytes'] == 6 * MIB, df)


def test_changes_share(lab):
    """Commit, config and rebase begin as copies; squash does not."""
    where = lab.mount_image('btrfs', 'btrfs', 512 * MIB)
    layout, images = family(lab), DiskImages(lab, where)
    empty = images.used()
    fill(lab, images, layout)
    tree = images.extract('one')
    write(tree + '/more', noise(102, OWN))

    def takes(want, *args):
        before = images.used()
        images(*args)
        took = images.used() - before
        say(f'{args[0]} took {took // 1024} KiB')
        near(took, want, args[0])

    takes(OWN, 'commit', '--as', 'committed', 'one', tree)
    takes(0, 'config', '--user', '5', '--as', 'edited', 'one')
    takes(2 * OWN, 'rebase', '--as', 'rebased', '--from', 'base', 'committed', 'two')
    takes(BASE + OWN, 'squash', '--as', 'squashed', 'one')
    df = images.df()
    near(df['disk_bytes'], images.used() - empty, 'disk_bytes')
    near(df['shared_bytes'], df['image_bytes'] - df['disk_bytes'], 'shared_bytes')


def test_reproducible(lab):
    """With any number of jobs, in a store that is empty: the same bytes."""
    layout = Layout(lab)
    layout.new('one')
    layout.step('one', lambda root: layered_oddities(root + '/odd'))

    def large(root):
        for i in range(300):
            write(f'{root}/many/{i}', oddities.content(i, 3000 + 977 * i % 90_000))
        write(root + '/large', oddities.content(1, 9 * MIB))

    layout.step('one', large)
    found = {}
    for jobs in (1, 2, 4, 8):  # of layers: one at a time, and up to four
        for again in ('a', 'b'):
            images = Images(lab)
            images.store = lab / f'store-{jobs}-{again}'
            images('-j', str(jobs), 'create', '--reproducible', 'one', layout.source('one'))
            found[f'{jobs} jobs, {again}'] = read(images.json('info', 'one')['path'])
    first = next(iter(found.values()))
    check(all(data == first for data in found.values()), 'differ:', {k: len(v) for k, v in found.items()})
    images('verify', '--deep', 'one')


if __name__ == '__main__':
    harness.main(globals(), shares=2)
