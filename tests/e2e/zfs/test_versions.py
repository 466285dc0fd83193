# SPDX-License-Identifier: Apache-2.0
"""An image that is created again with other content: containers of the old one go on, and the old one comes back."""
import os
import re
import time

import zlab  # first: it says where the others are
import harness
from harness import MIB, check
from making import read, write
from trees import family, mark_of, plain_tree, same
from zlab import ZLab


def versions(z, name='app:1'):
    """What history tells, newest first."""
    document = z.json('history', name)
    check(document['schema'] == 'bfc.image.history/1' and document['name'] == name, document)
    return document['versions']


def shape(z, name='app:1'):
    """[(short digest, current, containers)]"""
    return [(v['root_digest'][:12], v['current'], v['containers']) for v in versions(z, name)]


class Steps:
    """Contents one after the other under one name."""

    def __init__(self, lab, name='app:1'):
        self.lab, self.z, self.name = lab, ZLab(lab), name
        self.trees, self.digests, self.files = [], [], []

    def step(self, size=0):
        number = len(self.trees) + 1
        tree = plain_tree(self.lab / f'tree{number}', f'content {number}', size)
        self.z('create', *(['-f'] if self.trees else []), self.name, tree)
        self.trees.append(tree)
        self.note()

    def note(self):
        self.digests.append(self.z.digest(self.name))
        self.files.append(read(self.z.file(self.name)))

    def short(self, number):
        return self.digests[number - 1][:12]

    def check_current(self, number):
        """To everybody who asks it is that one."""
        z, want = self.z, self.digests[number - 1]
        check(z.digest(self.name) == want, z.json('info', self.name), want)
        check([i['root_digest'] for i in z.json('list')['images'] if i['name'] == self.name] == [want], 'list')
        check(read(z.file(self.name)) == self.files[number - 1], 'another file')
        z.check_properties(self.name)
        z('verify', '--deep', self.name)
        check(z.files(self.name) == [os.path.basename(z.file(self.name))], z.files(self.name))
        same(self.trees[number - 1], z.extract(self.name))
        check(not z.work(), z.work())


def test_containers_go_on(lab):
    s = Steps(lab)
    z = s.z
    s.step()
    one = z.container('app:1', 'one', '-p')
    s.step()
    s.check_current(2)
    same(s.trees[0], one)
    two = z.container('app:1', 'two')
    same(s.trees[1], two)
    if zlab.KERNEL:  # zfs-fuse renames nothing that is stood on: there the container is promoted
        check(z.origin(z.containers + '/one').endswith('@bfc-' + s.short(1)), z.origin(z.containers + '/one'))
    origin = z.origin(z.containers + '/two')
    check(origin == f'{z.dataset("app:1")}/rootfs@bfc-{s.short(2)}', origin)
    s.step()
    for tree, name in ((s.trees[0], 'one'), (s.trees[1], 'two'), (s.trees[2], 'three')):
        same(tree, z.path + '/containers/' + name if name != 'three' else z.container('app:1', name))
    count = 1 if zlab.KERNEL else 0
    check(shape(z) == [(s.short(3), True, 1), (s.short(2), False, count), (s.short(1), False, count)], shape(z))
    z('delete', 'app:1')
    check([d for d in z.datasets() if d != '.bfc-work'] == [], z.datasets())
    for tree, name in zip(s.trees, ('one', 'two', 'three')):
        same(tree, f'{z.path}/containers/{name}')


def test_history(lab):
    s = Steps(lab)
    z = s.z
    s.step()
    check(shape(z) == [(s.short(1), True, 0)], shape(z))
    z.container('app:1', 'c1', '-p')
    z.container('app:1', 'c2')
    time.sleep(1.1)
    s.step(MIB)
    told = versions(z)
    check(shape(z) == [(s.short(2), True, 0), (s.short(1), False, 2)], told)
    check([v['size'] for v in told] == [len(s.files[1]), len(s.files[0])], told)
    check(all(re.fullmatch(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ', v['created']) for v in told), told)
    check(told[0]['created'] > told[1]['created'] and told[0]['created'] == z.json('info', 'app:1')['created'], told)
    check([v['root_digest'] for v in told] == s.digests[::-1], told)
    rows = z('history', 'app:1').text.splitlines()
    check(len(rows) == 3 and s.short(2) in rows[1] and s.short(1) in rows[2], rows)
    check('DIGEST' in rows[0] and 'CREATED' in rows[0] and 'SIZE' in rows[0] and 'CONTAINERS' in rows[0], rows[0])
    z('history', 'none:1', expect=4)
    marks = [f'{s.z.dataset("app:1")}@bfc-{s.short(i)}' for i in (1, 2)]
    for mark, digest in zip(marks, s.digests):
        check(z.get('bfc:digest', mark) == digest and z.get('bfc:image', mark) == 'app:1', mark)


def test_the_same_content_again(lab):
    """Is no version of its own."""
    s = Steps(lab)
    z = s.z
    s.step()
    z('create', '-f', '--reproducible', 'app:1', s.trees[0])
    before = shape(z)
    z.container('app:1', 'c1', '-p')
    z('create', '-f', '--reproducible', 'app:1', s.trees[0])
    check([v[:2] for v in shape(z)] == [v[:2] for v in before] and shape(z)[0][2] == 1, shape(z), before)
    same(s.trees[0], z.path + '/containers/c1')
    z('verify', '--deep', 'app:1')


def test_rollback(lab):
    s = Steps(lab)
    z = s.z
    for _ in range(3):
        s.step()
    z.container('app:1', 'three', '-p')
    z('rollback', 'app:1', s.digests[0])
    s.check_current(1)
    told = [v[0] for v in shape(z)]
    check(told[0] == s.short(1) and sorted(told) == sorted(s.short(i) for i in (1, 2, 3)), shape(z))
    same(s.trees[2], z.path + '/containers/three')
    same(s.trees[0], z.container('app:1', 'one'))
    z('rollback', 'app:1', s.digests[2][:8])  # and forth: nothing that came after was thrown away
    s.check_current(3)
    same(s.trees[2], z.container('app:1', 'again'))
    z('rollback', 'app:1', s.digests[2])  # it is the current one: nothing to do
    s.check_current(3)
    told = z('--json', 'rollback', 'app:1', s.short(2)).json
    check(told['root_digest'] == s.digests[1], told)
    s.check_current(2)
    same(s.trees[2], z.path + '/containers/three')


def test_rollback_refuses(lab):
    s = Steps(lab)
    z = s.z
    s.step()
    s.step()
    before = z.everything()
    wrong = '0' * 12 if not any(d.startswith('0') for d in s.digests) else 'f' * 12
    result = z('rollback', 'app:1', wrong, expect=4)
    check(wrong in result.message, result.shown())
    z('rollback', 'none:1', s.digests[0], expect=4)
    for word in ('', 'abc', 'xyz1', '../..', s.digests[0] + '0', s.digests[0].upper(), '-1234'):
        result = z('rollback', '--', 'app:1', word, expect=None)
        check(result.code == 2, repr(word), result.shown())
    check(z.everything() == before, 'something was changed')


def test_a_folder_has_one_version(lab):
    tree = plain_tree(lab / 'tree')
    how = ['--store', lab / 'folder', 'image']
    lab.bfc(*how, 'create', 'app:1', tree)
    lab.bfc(*how, 'create', '-f', 'app:1', tree)
    told = lab.bfc('--json', *how, 'history', 'app:1').json['versions']
    check(len(told) == 1 and told[0]['current'] and told[0]['containers'] == 0, told)
    result = lab.bfc(*how, 'rollback', 'app:1', '0' * 12, expect=None)
    check(result.code in (1, 2, 4) and result.message, result.shown())


def test_prune_removes_what_nobody_uses(lab):
    """Templates without containers, and old versions that only they needed; what is used stays."""
    s = Steps(lab)
    z = s.z
    s.step(2 * MIB)
    one = z.container('app:1', 'one', '-p')
    s.step(2 * MIB)
    z.container('app:1', 'two')
    s.step(2 * MIB)
    z.zfs_soon('destroy', z.containers + '/two')
    listed = z('list').out
    dry = z('prune', '--dry-run').text
    check(z.snapshots(z.dataset('app:1')), 'gone by a dry run')
    z('prune')
    check(z('list').out == listed, 'the list is another one')
    templates = [d for d in z.datasets() if '/rootfs' in d]
    if zlab.KERNEL:  # zfs-fuse renames nothing that is stood on: there the container is promoted
        check(len(templates) == 1 and s.short(1) in str(z.snapshots(f'{z.root}/{templates[0]}')), templates, dry)
    same(s.trees[0], one)
    s.check_current(3)
    check(z('prune').text.startswith('removed: 0') or 'removed 0' in z('prune').text, z('prune').text)
    z.zfs_soon('destroy', z.containers + '/one')
    z('prune')
    check(not [d for d in z.datasets() if '/rootfs' in d], z.datasets())
    s.check_current(3)


def test_versions_share_their_base(lab):
    """A new version of an image on a base takes what is new in it."""
    z, layout = ZLab(lab), family(lab, 12 * MIB, MIB)
    z('create', 'base', layout.source('base'))
    z('create', 'app:1', layout.source('one'))
    before = z.used(z.root)
    z('create', '-f', 'app:1', layout.source('two'))
    took = z.used(z.root) - before
    check(took < 20 * MIB, 'a new version took', took)
    z('verify', '--deep', 'app:1')
    same(layout.unpack('two'), z.extract('app:1'))
    digest = versions(z)[1]['root_digest']
    z('rollback', 'app:1', digest)
    same(layout.unpack('one'), z.extract('app:1'))
    z('delete', 'base')
    z('verify', '--deep', 'app:1')


def test_changes_in_place_are_versions(lab):
    """`config` and `tag -f` over a name, too."""
    s = Steps(lab)
    z = s.z
    s.step()
    z('squash', 'app:1')
    s.trees.append(s.trees[0])
    s.note()
    z('config', '--user', '7', 'app:1')
    s.trees.append(s.trees[0])
    s.note()
    check([v[0] for v in shape(z)] == [s.short(i) for i in (3, 2, 1)], shape(z))
    s.check_current(3)
    z('rollback', 'app:1', s.short(2))
    s.check_current(2)
    check(not z.config('app:1')['config'].get('User'), z.config('app:1'))


def test_create_while_containers_are_made(lab):
    """Whoever extracts while the image is replaced gets one content or the other, whole."""
    s = Steps(lab)
    z = s.z
    s.step()
    z.zfs('create', z.containers)
    s.trees.append(plain_tree(lab / 'tree2', 'content 2'))
    script = ('for i in $(seq "$4"); do "$0" --store "$1" image extract app:1 "$2/c$i" & done; '
              '"$0" --store "$1" image create -f app:1 "$3"; rc=$?; '
              'for i in 9; do "$0" --store "$1" image extract app:1 "$2/c$i" & done; '
              'for job in $(jobs -p); do wait "$job" || rc=1; done; exit $rc')
    harness.run(['bash', '-c', script, lab.bfc_path, z.store, z.containers, s.trees[1], str(zlab.AT_ONCE - 1)])
    for i in [*range(1, zlab.AT_ONCE), 9]:
        where = f'{z.path}/containers/c{i}'
        same(s.trees[int(mark_of(where)[-1]) - 1], where)
    check(mark_of(f'{z.path}/containers/c9') == 'content 2')


def test_written_by_hand(lab):
    """Somebody adds to the file of an image: info tells, and a new version is one nevertheless."""
    s = Steps(lab)
    z = s.z
    s.step()
    new = lab.mkdir('new')
    write(new + '/etc/more', b'more')
    lab.bfc('append', z.file('app:1'), 'etc/more', '-C', new)
    check(z.json('info', 'app:1')['mismatch'], 'info does not tell')
    s.step()
    s.check_current(2)


if __name__ == '__main__':
    harness.main(globals(), shares=3)
