# SPDX-License-Identifier: Apache-2.0
"""Pools that are full, read-only or gone, datasets that are not mounted, and properties that strangers set: clear
errors, and nothing lost."""
import os
import time

import zlab  # first: it says where the others are
import compare
import harness
from harness import MIB, check, run, say
from making import read
from trees import plain_tree, same
from zlab import ZLab

FAILED, USAGE, DAMAGED, NOT_FOUND, DENIED = 1, 2, 3, 4, 5


def with_images(lab, **how):
    """good:1, good:2 and bad:1."""
    z, tree = ZLab(lab, **how), plain_tree(lab / 'tree')
    for name in ('good:1', 'good:2', 'bad:1'):
        z('create', name, tree)
    return z, tree


def told(result, *words, lines=3):
    """A message that people can use."""
    check(result.message.startswith('bfc: ') and result.message.count('\n') <= lines, result.shown())
    for word in words:
        check(word in result.message, repr(word), 'is not in', result.shown())


def check_good(z, tree):
    for name in ('good:1', 'good:2'):
        check(name in z('list', '-q', expect=None).text.split(), name, 'is not listed')
        z('verify', '--deep', name)
    same(tree, z.extract('good:1'))


# ── Pools ──

def test_full(lab):
    """Nothing of the new image is left, the old ones are readable, and what fits can be created."""
    z, tree = with_images(lab, size=96 * MIB)
    before = z.everything()
    large = plain_tree(lab / 'large', 'large', 120 * MIB)
    result = z('create', 'large:1', large, expect=FAILED)
    told(result, 'full')
    check(z.everything() == before, compare.lines_that_differ(before, z.everything()))
    check_good(z, tree)
    result = z('create', '-f', 'bad:1', large, expect=FAILED)
    told(result, 'full')
    check(z.everything() == before, compare.lines_that_differ(before, z.everything()))
    small = plain_tree(lab / 'small', 'small', 8 * MIB)
    for _ in range(30):  # what was destroyed is free after a while only
        result = z('create', 'small:1', small, expect=(0, FAILED))
        if result.code == 0:
            break
        told(result, 'full')
        time.sleep(1)
    z('verify', '--deep', 'small:1')
    check_good(z, tree)


def test_full_for_a_container(lab):
    """The image fits, its tree does not."""
    z = ZLab(lab, size=96 * MIB)
    tree = lab.mkdir('tree')
    with open(tree + '/zeros', 'wb') as f:
        for i in range(90):
            f.write(bytes([i]) * MIB)  # compresses to nothing
    z('create', 'app:1', tree)
    z.zfs('create', z.containers)
    before = z.everything()
    for options in ([], ['--copy']):
        result = z('extract', *options, 'app:1', z.containers + '/c1', expect=FAILED)
        told(result, 'full')
        check(z.everything() == before, options, compare.lines_that_differ(before, z.everything()))
    z('verify', '--deep', 'app:1')


def test_quota(lab):
    z, tree = with_images(lab)
    z.set('quota', '20M', z.root)
    result = z('create', 'large:1', plain_tree(lab / 'large', 'large', 30 * MIB), expect=FAILED)
    told(result, z.root)
    check_good(z, tree)
    check(not z.work(), z.work())
    z('delete', 'bad:1')


def test_read_only(lab):
    """Reading works; everything else says why not."""
    z, tree = with_images(lab)
    z.set('readonly', 'on', z.root)
    before = z.everything()
    check(z.listed() == ['bad:1', 'good:1', 'good:2'])
    check_good(z, tree)
    for words in (['create', 'new:1', tree], ['create', '-f', 'bad:1', tree], ['tag', 'good:1', 'new:1']):
        result = z(*words, expect=(FAILED, DENIED))
        told(result, 'read-only')
        check(z.everything() == before, words, compare.lines_that_differ(before, z.everything()))
    z('prune', expect=None)
    check_good(z, tree)
    z.zfs('inherit', 'readonly', z.root)
    z('create', 'new:1', tree)
    z('delete', 'bad:1')


def test_exported(lab):
    """The pool goes under our feet, and comes back."""
    z, tree = with_images(lab)
    z.zpool('export', '-f', z.pool)
    for words in (['list'], ['info', 'good:1'], ['create', 'new:1', tree], ['verify', 'good:1'], ['delete', 'good:1'],
                  ['prune'], ['df'], ['extract', '-p', 'good:1', z.containers + '/c1']):
        result = z(*words, expect=None)
        check(result.code in (FAILED, NOT_FOUND), result.shown())
        told(result, z.pool)
    z.zpool('import', '-d', os.path.dirname(z.vdev), '-o', 'cachefile=none', z.pool)
    check_good(z, tree)


def test_exported_while_creating(lab):
    """With the pool gone by force in the midst of work, the next one has the old images and none of the new one."""
    if not zlab.KERNEL:
        say('zfs-fuse 0.7 keeps the pool, and may never answer again')
        return
    z, tree = with_images(lab)
    large = plain_tree(lab / 'large', 'large', 200 * MIB)
    script = '"$0" --store "$1" image create large:1 "$2" >"$3" 2>&1 & sleep 0.7; zpool export -f "$4"; wait; true'
    run(['sh', '-c', script, lab.bfc_path, z.store, large, lab / 'log', z.pool])
    if z.exists(z.pool):
        z('prune', expect=(0, 6))  # zfs-fuse may still hold what it has unmounted by force
        check_good(z, tree)
        say('this ZFS does not export what is in use')
        return
    z.zpool('import', '-d', os.path.dirname(z.vdev), '-o', 'cachefile=none', z.pool)
    z('prune')
    check_good(z, tree)
    check(not z.work(), z.work())


def test_power_cut(lab):
    """What was created is there after the machine went down; what was half made is not."""
    z, tree = with_images(lab)
    z.power_cut()
    check_good(z, tree)
    z('prune')
    check(not z.work() and z.listed() == ['bad:1', 'good:1', 'good:2'], z.datasets())


# ── Mounts ──

def test_not_mounted(lab):
    """It is mounted again where that may be."""
    z, tree = with_images(lab)
    z.container('bad:1', 'c1', '-p')
    z.zfs('unmount', z.dataset('good:1'))
    check(z.listed() == ['bad:1', 'good:1', 'good:2'] and not z.mounted(z.dataset('good:1')), 'list mounts it')
    z('verify', '--deep', 'good:1')
    check(z.mounted(z.dataset('good:1')), 'it is not mounted')
    z.zfs('unmount', z.dataset('good:2'))
    z('create', '-f', 'good:2', tree)
    z('verify', '--deep', 'good:2')
    z.zfs_soon('unmount', z.dataset('good:2'))
    z('delete', 'good:2')
    check(z.listed() == ['bad:1', 'good:1'], z.listed())
    for dataset in (z.containers + '/c1', z.dataset('bad:1') + '/rootfs', z.dataset('bad:1'), z.dataset('good:1'),
                    z.root + '/.bfc-work', z.root):
        z.zfs('unmount', dataset, expect=None)
    z('create', 'new:1', tree)
    z('verify', '--deep', 'good:1')
    same(tree, z.container('bad:1', 'c2'))


def test_nothing_is_shadowed(lab):
    """An image's folder that is not mounted, and in which somebody put a file, is not mistaken for the image."""
    z, _ = with_images(lab)
    where = os.path.dirname(z.file('bad:1'))
    z.zfs('unmount', z.dataset('bad:1'))
    with open(where + '/bad:1.bfc', 'wb') as f:
        f.write(b'not the image')
    result = z('verify', '--deep', 'bad:1', expect=None)
    if result.code != 0:
        told(result, 'bad:1')
        os.unlink(where + '/bad:1.bfc')
        z('verify', '--deep', 'bad:1')


def test_mountpoint_none_and_legacy(lab):
    """What cannot be mounted says what to do; list and delete need no mount."""
    z, tree = with_images(lab)
    for kind in ('none', 'legacy'):
        z.set('mountpoint', kind, z.dataset('bad:1'))
        check('bad:1' in z.listed(), z.listed())
        for words in (['info', 'bad:1'], ['verify', 'bad:1'], ['extract', 'bad:1', lab / 'out']):
            result = z(*words, expect=FAILED)
            told(result, z.dataset('bad:1'), 'mountpoint', kind)
        check_good(z, tree)
    z.zfs('inherit', 'mountpoint', z.dataset('bad:1'))
    z('verify', '--deep', 'bad:1')
    z.set('mountpoint', 'none', z.dataset('bad:1'))
    z('delete', 'bad:1')
    check(z.listed() == ['good:1', 'good:2'])


def test_legacy_root(lab):
    """A root that is not mounted by ZFS holds no locks: it is told before anything is made."""
    z, tree = with_images(lab)
    for kind in ('legacy', 'none'):
        z.set('mountpoint', kind, z.root)
        before = [line.split('\t')[0] for line in z.everything()]
        result = z('create', 'new:1', tree, expect=FAILED)
        told(result, 'mountpoint', kind)
        check(z.listed() == ['bad:1', 'good:1', 'good:2'], z.listed())
        check([line.split('\t')[0] for line in z.everything()] == before, 'something is left')
    z.zfs('inherit', 'mountpoint', z.root)
    z('create', 'new:1', tree)
    check_good(z, tree)


def test_legacy_that_is_mounted(lab):
    """By hand, where it was wanted: that is as good."""
    z, _ = with_images(lab)
    if not zlab.KERNEL:
        say('zfs-fuse has no mount by hand')
        return
    z.set('mountpoint', 'legacy', z.dataset('bad:1'))
    where = lab.mkdir('by hand')
    run(['mount', '-t', 'zfs', z.dataset('bad:1'), where])
    check(z.json('info', 'bad:1')['path'] == where + '/bad:1.bfc')
    z('verify', '--deep', 'bad:1')
    run(['umount', where])


def test_mountpoints_with_odd_names(lab):
    """Spaces, and what mountinfo escapes."""
    z, tree = with_images(lab, mountpoint='pool with\\ many #words')
    z.container('good:1', 'c1', '-p')
    z('create', '-f', 'good:2', tree)
    check_good(z, tree)
    z.set('mountpoint', lab / 'else where', z.dataset('bad:1'))
    check(z.json('info', 'bad:1')['path'] == lab / 'else where/bad:1.bfc', z.json('info', 'bad:1'))
    z('create', '-f', 'bad:1', tree)
    z('verify', '--deep', 'bad:1')
    z('delete', 'bad:1')


# ── Strangers ──

NONSENSE = {
    'digest': ['', 'x', '0' * 64, 'g' * 64, 'A' * 64, 'a' * 1000],
    'created': ['', '-1', '99999999999999999999999', '1e9', '0x10', ' 1', 'now', '9223372036854775807'],
    'size': ['', '-5', '18446744073709551616', '1.5', '12k'],
    'manifest': ['', 'sha256:', 'sha256:' + 'z' * 64, 'md5:00', '../../etc/passwd'],
    'compression': ['\x1b[31mred', 'x' * 1023],
    'platform': ['a\tb', 'a\nb', 'linux/amd64\nother:1'],
    'layers': ['-1', 'many', '99999999999999999999'],
    'files': ['-1', '1 2'],
    'content': ['-1', '9' * 40],
    'image': ['good:1', 'other:1', '', '../x', 'a\tb', 'a\nb', '-rf', 'x' * 1023],
}


def test_properties_of_a_stranger(lab):
    """list warns and names the dataset, and has the others; nothing that is shown can trick a terminal."""
    z, tree = with_images(lab)
    dataset = z.dataset('bad:1')
    sound, props = z.json('list')['images'], z.props(dataset)
    good = [image for image in sound if image['name'].startswith('good:')]
    for name, values in NONSENSE.items():
        for value in values:
            what = f'{name}={value!r}'
            if z.zfs('set', f'bfc:{name}={value}', dataset, expect=None).code != 0:
                continue  # zfs-fuse takes no empty ones
            for options in (['list'], ['--json', 'list'], ['list', '-q']):
                result = z(*options, expect=(0, DAMAGED))
                check(b'\x1b' not in result.out + result.err, what, result.shown())
                if options == ['--json', 'list']:
                    images = result.json['images']
                    check([i for i in images if i['name'].startswith('good:')] == good, what, result.shown())
                    check(len(images) <= 3, what, result.shown())
                    if 'bad:1' in result.message:  # the container was asked instead
                        check(images == sound, what, result.shown())
                if options == ['list', '-q']:
                    check(set(result.text.splitlines()) <= {'good:1', 'good:2', 'bad:1'}, what, result.shown())
            if name in ('created', 'size', 'layers', 'files', 'content') and not value.isdigit():
                check('bad:1' in result.message, what, 'is believed:', result.shown())
            z.set('bfc:' + name, props[name], dataset)
    check(z.json('list')['images'] == sound, 'the properties are right again, the list is not')
    check_good(z, tree)


def test_tabs_and_newlines(lab):
    """A value that looks like more rows of the answer adds none."""
    z, tree = with_images(lab)
    fake = '\t'.join([z.dataset('fake:1'), 'fake:1', '0' * 64, 'none', '1', '1', 'none', 'none', 'linux/amd64', '1',
                      '1', '1', z.dataset('fake:1')])
    for name in ('image', 'platform', 'manifest', 'compression'):
        for value in ('x\n' + fake, 'x\n' + fake + '\nx', fake + '\n', '\n' * 50, '\t' * 50,
                      f'linux/amd64\t1\t1\t1\t{z.dataset("bad:1")}\n{fake}'):
            kept = z.get('bfc:' + name, z.dataset('bad:1'))
            z.set('bfc:' + name, value, z.dataset('bad:1'))
            result = z('list', '-q', expect=(0, DAMAGED))
            check('fake:1' not in result.text.split(), name, repr(value), result.shown())
            check({'good:1', 'good:2'} <= set(result.text.split()), name, repr(value), result.shown())
            z.set('bfc:' + name, kept, z.dataset('bad:1'))
    check_good(z, tree)


def test_info_tells_and_verify_repairs(lab):
    """Where a property and the file disagree."""
    z, _ = with_images(lab)
    dataset, digest = z.dataset('bad:1'), z.digest('bad:1')
    for name, value in (('digest', '0' * 64), ('size', '1'), ('created', '5'), ('manifest', 'sha256:' + '0' * 64),
                        ('compression', 'lzma'), ('platform', 'plan9/mips'), ('layers', '77'), ('files', '3'),
                        ('content', '1'), ('encryption', 'rot13'), ('size', 'nonsense'), ('platform', 'a\nb\tc')):
        z.set('bfc:' + name, value, dataset)
        check(z.json('info', 'bad:1')['mismatch'], name, 'is not told')
        result = z('info', 'bad:1', expect=(0, DAMAGED))
        check('bfc:' + name in result.text + result.message, name, result.shown())
        check(z.digest('bad:1') == digest, 'the file is what counts')
        z('verify', 'bad:1', expect=None)
        check(z.get('bfc:' + name, dataset) == value, 'verify changes it without being asked to')
        z('verify', '--repair', 'bad:1')
        z.check_properties('bad:1')
        check(z('list').code == 0)
    z('verify', '--deep', '--repair', 'good:1')


def test_missing_properties(lab):
    """A dataset that says that it is an image, and nothing else."""
    z, tree = with_images(lab)
    dataset = z.dataset('bad:1')
    for name in zlab.BFC:
        if name != 'bfc:image':
            z.zfs('inherit', name, dataset)
    result = z('list')
    check('bad:1' in result.message and result.text.count('\n') == 4, result.shown())
    z('verify', '--repair', 'bad:1')
    z.check_properties('bad:1')
    z.zfs('inherit', 'bfc:image', dataset)  # then it is none
    check(z('list').text.count('\n') == 3, 'it is listed')
    check_good(z, tree)


def test_inherited_properties(lab):
    """What stands on the root says nothing of what is below."""
    z, tree = with_images(lab)
    z.zfs('create', z.root + '/stranger:1')
    for name, value in (('image', 'stranger:1'), ('digest', '0' * 64), ('size', '1')):
        z.set('bfc:' + name, value, z.root)
    check(z.listed() == ['bad:1', 'good:1', 'good:2'], z.listed())
    check_good(z, tree)


def test_foreign_datasets(lab):
    """Below the root, but no images: they are passed by, and stay."""
    z, tree = with_images(lab)
    for name in ('stranger', 'stranger/deep', 'good', 'good:1/mine', 'library/x:1', 'x y:1'):
        z.zfs('create', '-p', f'{z.root}/{name}')
    z.zfs('create', '-V', '8M', z.root + '/volume:1', expect=None)
    z.zfs('snapshot', z.root + '/stranger@bfc-000000000000')
    z.zfs('clone', z.root + '/stranger@bfc-000000000000', z.root + '/clone:1')
    check(z.listed() == ['bad:1', 'good:1', 'good:2'], z.listed())
    check(z('list').code == 0)
    z('prune')
    check(z.exists(z.root + '/stranger/deep') and z.exists(z.root + '/clone:1'), 'prune takes what is not ours')
    z('info', 'clone:1', expect=NOT_FOUND)
    result = z('create', 'library/x:1', tree, expect=FAILED)
    told(result, 'library/x:1')
    result = z('create', '-f', 'library/x:1', tree, expect=None)
    check(result.code in (0, FAILED), result.shown())
    result = z('delete', 'good:1', expect=None)  # a dataset of somebody's is in it
    check(z.exists(z.dataset('good:1') + '/mine') or z.exists(z.root + '/mine'), 'delete took what is not ours')
    if result.code != 0:
        told(result, 'mine')
        z('verify', '--deep', 'good:1')
    z('verify', '--deep', 'good:2')


def test_files_beside(lab):
    """Somebody puts files into an image's dataset, or takes the container out."""
    z, tree = with_images(lab)
    where = os.path.dirname(z.file('bad:1'))
    with open(where + '/beside', 'wb') as f:
        f.write(b'beside')
    z('verify', '--deep', 'bad:1')
    z('create', '-f', 'bad:1', plain_tree(lab / 'tree2', 'two'))
    z('verify', '--deep', 'bad:1')
    os.rename(z.file('bad:1'), where + '/elsewhere')
    for words in (['info', 'bad:1'], ['verify', 'bad:1'], ['extract', 'bad:1', lab / 'out']):
        result = z(*words, expect=(FAILED, DAMAGED, NOT_FOUND))
        told(result, 'bad:1')
    os.symlink('/etc/passwd', z.file('bad:1'))
    z('verify', 'bad:1', expect=(FAILED, DAMAGED, NOT_FOUND))
    check_good(z, tree)
    z('delete', 'bad:1')
    check(z.listed() == ['good:1', 'good:2'])


def test_another_file(lab):
    """A container of a stranger in the image's place: the properties disagree, and it is told."""
    z, _ = with_images(lab)
    lab.bfc('create', lab / 'other.bfc', plain_tree(lab / 'tree2', 'two'))
    with open(z.file('bad:1'), 'wb') as f:
        f.write(read(lab / 'other.bfc'))
    check(z.json('info', 'bad:1')['mismatch'], 'not told')
    z.container('bad:1', 'c1', '-p')
    z('verify', '--repair', 'bad:1')
    z.check_properties('bad:1')


def test_hung_or_loud_zfs(lab):
    """A `zfs` that fails says why; one that writes without end is stopped."""
    z, tree = with_images(lab)
    for i, (body, word) in enumerate((("echo 'cannot open: the reason' >&2; exit 1\n", 'the reason'),
                                      ("printf 'no \\033[31m colour' >&2; exit 2\n", 'colour'),
                                      ('yes\n', ''), ('yes | head -c 300000000 >&2; exit 1\n', ''),
                                      ('kill -SEGV $$\n', ''))):
        wrapper = zlab.Wrapper(lab, body, name=f'wrapper{i}')
        result = z('list', expect=None, env=wrapper.env)
        check(result.code in (1, 3, 4) and word in result.message and len(result.err) < 4096, result.shown())
    check(b'\x1b' not in result.err and result.seconds < 120, result.shown())
    check_good(z, tree)


if __name__ == '__main__':
    harness.main(globals(), shares=3)
