# SPDX-License-Identifier: Apache-2.0
"""Images that stand on one base share it: by clones, where a pool has no other way."""
import os

import zlab  # first: it says where the others are
import harness
from harness import MIB, check, say
from making import read
from trees import family, same
from zlab import KERNEL, ZLab

BASE = 24 * MIB
OWN = MIB
# Where records have 1 MiB, the base's last one is written again, and the own last one is whole.
SLACK = 2 * MIB if KERNEL else MIB


def near(got, want, what, slack=SLACK):
    check(abs(got - want) < slack, f'{what}: {got}, not about {want}')


def filled(lab):
    """base, one and two; and what each took of the pool."""
    z, layout, took = ZLab(lab), family(lab, BASE, OWN), []
    z.zfs('create', z.root)
    for name in ('base', 'one', 'two'):
        before = z.used(z.pool)
        z('create', name, layout.source(name))
        z.zpool('sync', z.pool, expect=None)
        took.append(z.used(z.pool) - before)
    say(f'base, one, two took {[t // 1024 for t in took]} KiB')
    return z, layout, took


def test_shared(lab):
    z, layout, took = filled(lab)
    check(took[0] > BASE, 'the base takes less than it holds: the test says nothing')
    snapshot = f'{z.dataset("base:latest")}@bfc-{z.short("base:latest")}'
    for name, room in zip(('one', 'two'), took[1:]):
        dataset = z.dataset(name + ':latest')
        check(z.origin(dataset) == snapshot, name, z.origin(dataset))
        near(room, OWN, f'what {name} took')
        near(z.used(dataset), OWN, f'used by {name}')
        check(int(z.get('referenced', dataset)) > BASE, z.get('referenced', dataset))
        file = z.file(name + ':latest')
        check(z.files(name + ':latest') == [os.path.basename(file)], z.files(name + ':latest'))
        check(read(file)[:BASE // 2] == read(z.file('base:latest'))[:BASE // 2], 'the base is not the base')
        z.check_properties(name)
        check(z.get('atime', dataset) == 'off' and z.get('compression', dataset) == 'off')
        z('verify', '--deep', name)
        same(layout.unpack(name), z.extract(name))
        # The base's snapshots are the base's versions, not ours.
        check(z.snapshots(dataset) == [f'bfc-{z.short(name)}'], z.snapshots(dataset))
        check(len(z.json('history', name)['versions']) == 1)


def test_df(lab):
    z, _, took = filled(lab)
    df = z.json('df')
    sizes = [z.size(name) for name in ('base', 'one', 'two')]
    check(df['images'] == 3 and df['image_bytes'] == sum(sizes), df)
    near(df['disk_bytes'], sum(took), 'disk_bytes', 2 * SLACK)
    near(df['shared_bytes'], 2 * sizes[0], 'shared_bytes', 2 * SLACK)
    near(df['free_bytes'], int(z.get('available', z.root)), 'free_bytes', 2 * SLACK)
    z('tag', 'one', 'again')
    named = z.json('df')
    near(named['disk_bytes'], df['disk_bytes'], 'disk_bytes after one more name')
    near(named['shared_bytes'] - df['shared_bytes'], sizes[1], 'one more name', 2 * SLACK)
    check(z('df').text, 'no table')
    check(df['template_bytes'] == 0, df)


def test_tag_is_a_clone(lab):
    z, _, _ = filled(lab)
    before = z.used(z.pool)
    z('tag', 'one', 'again:1')
    near(z.used(z.pool), before, 'room after a tag', SLACK // 2)
    origin = z.origin(z.dataset('again:1'))
    check(origin == f'{z.dataset("one:latest")}@bfc-{z.short("one")}', origin)
    check(read(z.file('again:1')) == read(z.file('one:latest')))
    z.check_properties('again:1')
    z('delete', 'one')
    z('verify', '--deep', 'again:1')
    z('tag', 'again:1', 'two:latest', expect=1)
    z('tag', '-f', 'again:1', 'two:latest', expect=(0, 2))  # 2 where tag has no -f


def test_changes_share(lab):
    """Commit, config and rebase begin as clones; squash does not."""
    z, layout, _ = filled(lab)
    tree = layout.unpack('one')
    with open(tree + '/more', 'wb') as f:
        f.write(os.urandom(OWN))

    def takes(want, *args):
        before = z.used(z.pool)
        z(*args)
        took = z.used(z.pool) - before
        say(f'{args[0]} took {took // 1024} KiB')
        near(took, want, args[0], 2 * SLACK)

    takes(OWN, 'commit', '--as', 'committed', 'one', tree)
    takes(0, 'config', '--user', '5', '--as', 'edited', 'one')
    takes(2 * OWN, 'rebase', '--as', 'rebased', '--from', 'base', 'committed', 'two')
    takes(BASE + OWN, 'squash', '--as', 'squashed', 'one')
    for name in ('committed', 'edited', 'rebased', 'squashed'):
        z.check_properties(name)
        z('verify', '--deep', name)
    same(tree, z.extract('committed'))
    for name in ('base', 'one', 'two', 'committed'):  # in the order in which each has the most to promote
        z('delete', name)
    for name in z.listed():
        z('verify', '--deep', name)
    for name in z.listed():
        z('delete', name)
    check([d for d in z.datasets() if d != '.bfc-work'] == [], z.datasets())


def test_base_is_replaced(lab):
    """What stands on its old version stays, and a new image stands on the new one."""
    z, layout, _ = filled(lab)
    z('create', '-f', 'base', layout.source('two'))
    for name, ref in (('one', 'one'), ('two', 'two'), ('base', 'two')):
        z('verify', '--deep', name)
        same(layout.unpack(ref), z.extract(name))
    z('delete', 'base')
    for name in ('one', 'two'):
        z('verify', '--deep', name)


def test_containers_of_a_family(lab):
    """The template of an image on a base is one of its own."""
    z, layout, _ = filled(lab)
    for name in ('base', 'one'):
        same(layout.unpack(name), z.container(name, name, '-p'))
    near(z.json('df')['template_bytes'], BASE + BASE + OWN, 'template_bytes', 3 * SLACK)
    check('templates' in z('df').text, 'no templates')
    z('delete', 'one')
    z('delete', 'base')
    for name in ('base', 'one'):
        same(layout.unpack(name), z.path + '/containers/' + name)
    z('verify', '--deep', 'two')


if __name__ == '__main__':
    harness.main(globals(), shares=2)
