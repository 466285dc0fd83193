# SPDX-License-Identifier: Apache-2.0
"""Containers: datasets that are clones of an image's template, or of their own; and plain directories beside them.

zfs-fuse keeps neither times below a second nor, unless it is started for them, attributes, ACLs and capabilities;
nor does it tell where a file has holes. So the trees are compared with times of whole seconds, without attributes but
for one test, and without holes."""
import os

import zlab  # first: it says where the others are
import compare
import harness
from harness import check, run, say
from making import read, simple_layout, write
from trees import mark_of, plain_tree, rich_tree, same
from zlab import Wrapper, ZLab


def with_image(lab, **how):
    z = ZLab(lab, **how)
    z('create', 'app:1', plain_tree(lab / 'tree'))
    return z, lab / 'tree'


def template(z, name='app:1'):
    return f'{z.dataset(name)}/rootfs'


def test_parents_are_made_when_asked_for(lab):
    z, tree = with_image(lab)
    before = z.datasets(z.pool)
    result = z('extract', 'app:1', z.containers + '/c1', expect=(1, 4))
    check('-p' in result.message and z.containers in result.message, result.shown())
    check(not z.exists(z.containers), 'it made them')
    check([d for d in z.datasets(z.pool) if d not in before] in ([], ['images/app:1/rootfs']), z.datasets(z.pool))
    result = z('extract', '-p', 'app:1', z.containers + '/deep/er/c1')
    same(tree, z.path + '/containers/deep/er/c1')
    z.container('app:1', 'c2')
    same(tree, z.path + '/containers/c2')
    deep = z.pool + '/deep'
    z('extract', '-p', '--copy', 'app:1', deep + '/er/c3')
    same(tree, z.path + '/deep/er/c3')
    z('extract', '-p', 'nothing:1', z.pool + '/not/c4', expect=4)
    z('extract', '-p', '--copy', 'nothing:1', z.pool + '/not/c4', expect=4)
    check(not z.exists(z.pool + '/not'), z.datasets(z.pool))


def test_template_and_clones(lab):
    z, tree = with_image(lab)
    snapshot = f'{template(z)}@bfc-{z.short("app:1")}'
    first = z.container('app:1', 'c1', '-p')
    check(z.snapshots(template(z)) == ['bfc-' + z.short('app:1')], z.snapshots(template(z)))
    check(z.origin(z.containers + '/c1') == snapshot, z.origin(z.containers + '/c1'))
    same(tree, first)
    check(not z.work(), z.work())

    wrapper = Wrapper(lab)
    made = z.get('creation', template(z))
    told = z('--json', 'extract', 'app:1', z.containers + '/c2', env=wrapper.env)
    calls = wrapper.calls()
    check(len([c for c in calls if c[:2] == ['zfs', 'clone']]) == 1, calls)
    check(not [c for c in calls if c[1] in ('create', 'snapshot', 'rename')], 'it extracts again:', calls)
    check(told.json['origin'] == snapshot and told.json['dataset'] == z.containers + '/c2', told.json)
    check(told.json['target'] in (z.containers + '/c2', 'zfs:' + z.containers + '/c2'), told.json)
    check(not told.json.get('snapshot'), told.json)
    same(tree, z.path + '/containers/c2')
    check(z.get('creation', template(z)) == made, 'the template was made again')
    check(z.used(z.containers + '/c2') < z.used(template(z)), 'a clone takes as much as a copy')
    check(z.listed() == ['app:1'], 'a template or container is listed:', z.listed())


def test_container_is_writable_and_alone(lab):
    z, tree = with_image(lab)
    first, second = z.container('app:1', 'c1', '-p'), z.container('app:1', 'c2')
    write(first + '/etc/mark', b'changed')
    write(first + '/new/file', b'new')
    os.unlink(first + '/usr/bin/app')
    same(tree, second)
    same(tree, z.container('app:1', 'c3'))
    if z.mounted(template(z)):
        check(run(['touch', z.mounted(template(z)) + '/x'], expect=None).code != 0, 'the template can be written to')
    check(mark_of(first) == 'changed' and read(first + '/new/file') == b'new')
    z('verify', '--deep', 'app:1')


def test_properties_of_a_container(lab):
    z, _ = with_image(lab)
    z.container('app:1', 'c1', '-p', '-o', 'atime=on', '-o', 'quota=500M', '-o', 'org.example:who=me too')
    dataset = z.containers + '/c1'
    check(z.get('atime', dataset) == 'on' and z.get('quota', dataset) == str(500 << 20), 'atime, quota')
    check(z.get('org.example:who', dataset) == 'me too', z.get('org.example:who', dataset))
    check(not z.props(dataset), 'it looks like an image:', z.props(dataset))
    z.container('app:1', 'c2')
    check(z.get('org.example:who', z.containers + '/c2') == '-', 'the next one has it, too')
    for word in ('novalue', '=x', '-x=1'):
        z('extract', '-o', word, 'app:1', z.containers + '/c3', expect=2)
    result = z('extract', '-o', 'recordsize=33K', 'app:1', z.containers + '/c3', expect=2)
    check('recordsize' in result.message, result.shown())
    check(not z.exists(z.containers + '/c3'), 'something is left')


def test_mountpoint(lab):
    z, tree = with_image(lab)
    for i, where in enumerate((lab / 'elsewhere/c', lab / 'with two words')):
        z('extract', '-p', '--mountpoint', where, 'app:1', f'{z.containers}/c{i}')
        check(z.mounted(f'{z.containers}/c{i}') == where and z.mountpoint(f'{z.containers}/c{i}') == where)
        same(tree, where)
    for words in (['relative/path'], ['']):
        z('extract', '--mountpoint', *words, 'app:1', z.containers + '/c9', expect=2)
    check(not z.exists(z.containers + '/c9'))


def test_copy(lab):
    """A dataset that knows of nobody."""
    z, tree = with_image(lab)
    where = z.container('app:1', 'c1', '-p', '--copy', '-o', 'atime=on')
    check(z.origin(z.containers + '/c1') == '-' and z.get('atime', z.containers + '/c1') == 'on')
    check(not z.exists(template(z)), 'a copy needs no template')
    same(tree, where)
    z('delete', 'app:1')
    same(tree, where)
    check(z.origin(z.containers + '/c1') == '-')


def test_existing_and_empty(lab):
    z, tree = with_image(lab)
    z.zfs('create', '-p', z.containers + '/c1')
    z.set('quota', '400M', z.containers + '/c1')
    same(tree, z.container('app:1', 'c1'))
    check(z.get('quota', z.containers + '/c1') == str(400 << 20), 'the dataset is another one')
    check(not [s for s in z.snapshots(z.containers + '/c1') if 'bfc' in s], z.snapshots(z.containers + '/c1'))
    z.zfs('create', '-o', 'canmount=noauto', z.containers + '/unmounted')
    result = z('extract', 'app:1', z.containers + '/unmounted', expect=None)
    if result.code == 0:
        same(tree, z.path + '/containers/unmounted')
    else:
        check(result.code == 1 and 'mount' in result.message, result.shown())


def test_existing_and_not_empty(lab):
    """Refused; with --force what was there is in a snapshot, which is named."""
    z, tree = with_image(lab)
    z.zfs('create', '-p', z.containers + '/c1')
    where = z.path + '/containers/c1'
    write(where + '/mine', b'mine')
    write(where + '/etc/mark', b'mine')
    before = compare.listing(where), z.everything()
    result = z('extract', 'app:1', z.containers + '/c1', expect=1)
    check('empty' in result.message and '-f' in result.message, result.shown())
    check((compare.listing(where), z.everything()) == before, 'something was changed')

    told = z('--json', 'extract', '--force', 'app:1', z.containers + '/c1').json
    snapshot = told['snapshot']
    check(snapshot.startswith(z.containers + '/c1@') and z.exists(snapshot), told)
    check(mark_of(where) == 'one' and read(where + '/usr/bin/app') == read(tree + '/usr/bin/app'))
    z.zfs('clone', snapshot, z.containers + '/before')
    check(read(z.path + '/containers/before/mine') == b'mine' and mark_of(z.path + '/containers/before') == 'mine')

    result = z('extract', '--force', 'app:1', z.containers + '/c1')
    later = [f'{z.containers}/c1@{s}' for s in z.snapshots(z.containers + '/c1')]
    said = result.text + result.message
    check(len(later) == 2 and any(s in said for s in later if s != snapshot), result.shown(), later)


def test_into_a_container_again(lab):
    """A clone that was used is a dataset that is not empty."""
    z, _ = with_image(lab)
    z.container('app:1', 'c1', '-p')
    z('extract', 'app:1', z.containers + '/c1', expect=1)
    z('extract', '-f', 'app:1', z.containers + '/c1')


def test_plain_directories(lab):
    z, tree = with_image(lab)
    before = z.everything()
    for target in (lab / 'out1', 'dir:' + lab / 'out2'):
        told = z('--json', 'extract', 'app:1', target).json
        check(not told.get('dataset') and not told.get('origin'), told)
        same(tree, target.removeprefix('dir:'))
    z('extract', 'app:1', './out3', cwd=lab.path)
    same(tree, lab / 'out3')
    check(z.everything() == before, 'a directory needs no dataset')
    z('extract', 'app:1', lab / 'out1', expect=1)
    for options in (['-p'], ['--copy'], ['-o', 'atime=on'], ['--mountpoint', lab / 'x']):
        result = z('extract', *options, 'app:1', lab / 'out4', expect=None)
        check(result.code in (0, 2), result.shown())


def test_targets_with_a_prefix(lab):
    """zfs: before the name; also from a store in a folder."""
    z, tree = with_image(lab)
    z('extract', '-p', 'app:1', f'zfs:{z.containers}/c1')
    same(tree, z.path + '/containers/c1')
    lab.bfc('--store', lab / 'folder', 'image', 'create', 'other:1', tree)
    lab.bfc('--store', lab / 'folder', 'image', 'extract', 'other:1', f'zfs:{z.containers}/c2')
    same(tree, z.path + '/containers/c2')
    check(z.origin(z.containers + '/c2') == '-', 'a clone of what?')


def test_bad_targets(lab):
    z, _ = with_image(lab)
    before = z.everything()
    result = z('extract', 'app:1', 'nosuchpool/c1', expect=(1, 4))
    check('nosuchpool' in result.message, result.shown())
    z('extract', '-p', 'app:1', 'nosuchpool/c1', expect=(1, 4))
    for name in ('', f'{z.pool}/a@b', f'{z.pool}//x', f'{z.pool}/x/', '-x/y', f'{z.pool}/' + 'x' * 260):
        target = 'zfs:' + name
        z('extract', '-p', 'app:1', target, expect=2)
    for target in (z.pool, z.root, z.dataset('app:1'), template(z), z.root + '/.bfc-work/x', z.root + '/x:1'):
        result = z('extract', '-p', '-f', 'app:1', target, expect=None)
        check(result.code in (1, 2) and result.message, target, result.shown())
    z('extract', 'none:1', z.containers + '/c1', expect=4)
    after = [row for row in z.everything() if '/rootfs' not in row]
    check(after == before, compare.lines_that_differ(before, after))


def test_layers_of_an_image(lab):
    """NAME#N has a template of its own."""
    z, layout = ZLab(lab), simple_layout(lab)
    z('create', '--prefixes', 'app:1', layout.source('one'))
    whole, base = layout.unpack('one'), layout.unpack('base')
    z.container('app:1#1', 'base', '-p')
    z.container('app:1', 'whole')
    z.container('app:1#1', 'base2')
    z.container('app:1#2', 'whole2')
    for name, want in (('base', base), ('base2', base), ('whole', whole), ('whole2', whole)):
        compare.same_by_rsync(want, f'{z.path}/containers/{name}')
    check(z.origin(z.containers + '/base') == z.origin(z.containers + '/base2') != z.origin(z.containers + '/whole'),
          z.origin(z.containers + '/base'))
    z('extract', 'app:1#3', z.containers + '/c9', expect=(2, 4))
    check(z.listed() == ['app:1'], z.listed())
    z('delete', 'app:1')
    compare.same_by_rsync(base, z.path + '/containers/base2')
    check([d for d in z.datasets() if not d.startswith('.bfc-')] == [], z.datasets())


def test_attributes(lab):
    """On a file system that keeps them: extended attributes, ACLs, a capability; and in the clone."""
    z = ZLab(lab, xattrs=True)
    tree = rich_tree(lab / 'rich')
    z('create', 'rich:1', tree)
    for name in ('c1', 'c2'):
        where = z.container('rich:1', name, '-p', '--strict')
        compare.same_by_getfattr(tree, where)
        same(tree, where)


def test_attributes_that_cannot_be_kept(lab):
    """They are told, once; with --strict it is an error, and no dataset is left."""
    z, tree = ZLab(lab), rich_tree(lab / 'rich')
    probe = z.path + '/probe'
    write(probe, b'')
    try:
        os.setxattr(probe, 'user.probe', b'1')
        say('this ZFS keeps attributes')
        return
    except OSError:
        pass
    z('create', 'rich:1', tree)
    result = z('extract', '-p', '--strict', 'rich:1', z.containers + '/c1', expect=(1, 5))
    for dataset in (z.containers + '/c1', template(z, 'rich:1')):
        check(not z.exists(dataset), dataset, 'is left', result.shown())
    told = z('--json', 'extract', '-p', 'rich:1', z.containers + '/c1')
    check(told.json['lost']['xattrs'] > 0 and told.message, told.shown())


def test_many_at_once(lab):
    """Several programs extract the image that has no template yet: it is made once, each has its container."""
    count = zlab.AT_ONCE
    z, tree = with_image(lab)
    z.zfs('create', z.containers)
    script = ('for i in $(seq "$3"); do "$0" --store "$1" image extract app:1 "$2/c$i" & done; '
              'for job in $(jobs -p); do wait "$job" || exit 1; done')
    run(['bash', '-c', script, lab.bfc_path, z.store, z.containers, str(count)])
    check(len({z.origin(f'{z.containers}/c{i}') for i in range(1, count + 1)}) == 1, 'several templates')
    for i in range(1, count + 1):
        same(tree, f'{z.path}/containers/c{i}')
    check(not z.work(), z.work())


if __name__ == '__main__':
    harness.main(globals(), shares=3)
