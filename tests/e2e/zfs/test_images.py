# SPDX-License-Identifier: Apache-2.0
"""Images in a pool: where they stand, what their properties say, that `list` is one call, and that a store in a pool
and one in a folder answer alike."""
import os
import re
import shutil

import zlab  # first: it says where the others are
import harness
from harness import MIB, check, need, run
from making import Images, read, simple_layout
from trees import family, mark_of, plain_tree, same
from zlab import Wrapper, ZLab

NAMES = ('ubuntu:20.04', 'library/nginx:1.25', 'localhost:5000/app:1')


def filled(lab):
    """A pool's store with the same image under several names."""
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    for name in NAMES:
        z('create', name, tree)
    return z, tree


def test_places_and_properties(lab):
    z, tree = filled(lab)
    for name in NAMES:
        dataset, file = z.dataset(name), z.file(name)
        check(z.exists(dataset) and os.path.isfile(file), name, z.datasets())
        check(z.json('info', name)['path'] == file, z.json('info', name)['path'])
        check(z.mounted(dataset) == os.path.dirname(file), z.mounted(dataset))
        check(os.listdir(os.path.dirname(file)) == [os.path.basename(file)], os.listdir(os.path.dirname(file)))
        z.check_properties(name)
        check(z.props(dataset)['manifest'] == 'none')
        check(z.snapshots(dataset) == ['bfc-' + z.short(name)], z.snapshots(dataset))
        check(z.get('atime', dataset) == 'off' and z.get('compression', dataset) == 'off', 'atime, compression')
        check(z.get('recordsize', dataset) == str(MIB if zlab.KERNEL else 128 << 10), z.get('recordsize', dataset))
        check(z.origin(dataset) == '-', z.origin(dataset))
        check(not z.work(), z.work())
    same(tree, z.extract(NAMES[0]))


def test_from_a_layout(lab):
    z, layout = ZLab(lab), simple_layout(lab)
    z('create', 'app:1', layout.source('one'))
    z.check_properties('app:1')
    props = z.props(z.dataset('app:1'))
    check(props['manifest'] == layout.descriptor('one')['digest'] and props['layers'] == '2', props)
    same(layout.unpack('one'), z.extract('app:1'))
    out = z.export('app:1')
    check(out.image_id('x') == layout.image_id('one'), 'the image ID is another one')
    told = [layer['diff_id'] for layer in z.json('layers', 'app:1')['layers']]
    check(told == layout.image_config('one')['rootfs']['diff_ids'], told)
    z('export', 'app:1', 'bfc:' + lab / 'out.bfc')
    check(read(lab / 'out.bfc') == read(z.file('app:1')), 'another file comes out')


def test_canonical_names(lab):
    """The image is called what a store in a folder calls it."""
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    z('create', 'app', tree)
    check(z.props(z.dataset('app:latest'))['image'] == 'app:latest', z.datasets())
    check(z.json('info', 'app:latest')['path'] == z.file('app:latest'))
    check(z.listed() == ['app:latest'], z.listed())


def test_properties_of_choice(lab):
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    z('create', '-o', 'recordsize=32K', '-o', 'atime=on', '-o', 'copies=2', 'app:1', tree)
    dataset = z.dataset('app:1')
    check((z.get('recordsize', dataset), z.get('atime', dataset), z.get('copies', dataset)) == ('32768', 'on', '2'))
    z('create', 'app:2', tree)
    check(z.get('recordsize', z.dataset('app:2')) != '32768', 'it stays for the next image')
    for words in (['-o', 'recordsize=33K'], ['-o', 'nonsense=1']):  # ZFS says what is wrong with it
        result = z('create', *words, 'app:3', tree, expect=2)
        check(words[1].split('=')[0] in result.message, result.shown())
    for word in ('recordsize', '=1', '-r=1', 'a b=1', 'bfc:image=other:1', 'mountpoint=/etc'):
        result = z('create', '-o', word, 'app:3', tree, expect=2)
    check(z.listed() == ['app:1', 'app:2'] and not z.work(), z.listed(), z.work())


def without_places(document):
    """What two stores must say alike."""
    for image in document.get('images', [document]):
        for member in ('path', 'store', 'created', 'disk_bytes'):
            image.pop(member, None)
    document.pop('store', None)
    return document


def test_answers_as_a_folder_does(lab):
    """list, info, layers, diff, df of the same files."""
    z, folder, layout = ZLab(lab), Images(lab), simple_layout(lab)
    plain_tree(lab / 'tree')
    for images in (z, folder):
        images('create', '--reproducible', 'plain', lab / 'tree')
        images('create', '--reproducible', 'one', layout.source('one'))
        images('create', '--reproducible', 'library/two:2', layout.source('base'))
    check(read(z.file('one:latest')) == read(folder.json('info', 'one')['path']), 'another file')
    for options in (['list'], ['list', '-q']):
        check(z(*options).out == folder(*options).out, z(*options).shown(), folder(*options).shown())
    for words in (['list'], ['info', 'one'], ['layers', 'one'], ['layers', 'plain'], ['diff', 'one']):
        ours, theirs = without_places(z.json(*words)), without_places(folder.json(*words))
        check(ours == theirs, words, ours, theirs)
    check(z.json('df')['images'] == 3 and z.json('df')['image_bytes'] == folder.json('df')['image_bytes'], z.json('df'))


def test_list_is_one_call(lab):
    z, _ = filled(lab)
    wrapper = Wrapper(lab)
    for options in (['list'], ['list', '-q'], ['--json', 'list']):
        z(*options, env=wrapper.env)
        calls = wrapper.calls()
        check(len(calls) == 1 and calls[0][:2] == ['zfs', 'list'], options, calls)


def test_list_opens_no_file(lab):
    need('strace')
    z, _ = filled(lab)
    trace = lab / 'trace'
    lab.wrapper = ['strace', '-f', '-qq', '-e', 'trace=open,openat,openat2,execve', '-o', trace]
    z('list')
    text = read(trace).decode(errors='replace')
    check('execve(' in text and '"list"' in text, 'strace sees nothing:', text[:500])
    check('.bfc' not in re.sub(r'"bfc:[a-z]*', '', text), [line for line in text.splitlines() if '.bfc' in line])


def test_list_before_there_is_a_store(lab):
    """An image store that was not made yet is empty; a pool that is not there is an error."""
    z = ZLab(lab)
    check(z.listed() == [] and z.json('list')['images'] == [], 'not empty')
    check(not z.exists(z.root), 'list makes it')
    z('info', 'app', expect=4)
    z.store = 'zfs:nosuchpool/images'
    result = z('list', expect=None)
    check(result.code in (1, 4) and 'nosuchpool' in result.message, result.shown())
    result = z('create', 'app', plain_tree(lab / 'tree'), expect=None)
    check(result.code in (1, 4) and 'nosuchpool' in result.message, result.shown())


def test_bad_stores(lab):
    z = ZLab(lab)
    for location in ('', '/', f'{z.pool}/', f'/{z.pool}/x', f'{z.pool}//x', f'{z.pool}/x@y', f'{z.pool}/a b\n', '-x',
                     f'{z.pool}/' + 'x' * 300, f'{z.pool}/..', f'{z.pool}/x%y'):
        z.store = 'zfs:' + location
        result = z('list', expect=None)
        check(result.code == 2, repr(location), result.shown())


def test_a_root_in_a_pool_without_a_name(lab):
    """The store can be a pool itself, or stand deep, where nothing was made yet."""
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    z.root, z.store = z.pool, 'zfs:' + z.pool
    z('create', 'app:1', tree)
    check(z.exists(z.pool + '/app:1') and z.listed() == ['app:1'], z.datasets(z.pool))
    z('delete', 'app:1')
    z.store = f'zfs:{z.pool}/deep/er/images'
    result = z('create', 'app:1', tree, expect=None)
    if result.code == 0:
        check(z.listed() == ['app:1'])
    else:
        check(result.code in (1, 4) and 'deep' in result.message and not z.exists(z.pool + '/deep'), result.shown())


def test_verify_and_export(lab):
    z, tree = filled(lab)
    name = NAMES[1]
    z('verify', name)
    z('verify', '--deep', name)
    z('export', name, 'bfc:' + lab / 'out.bfc')
    check(read(lab / 'out.bfc') == read(z.file(name)), 'another file comes out')
    z('create', 'back:1', 'bfc:' + lab / 'out.bfc')
    check(read(z.file('back:1')) == read(z.file(name)), 'another file stands there')
    z.check_properties('back:1')
    with open(z.file(name), 'r+b') as f:
        f.seek(os.path.getsize(z.file(name)) // 2)
        f.write(b'damaged')
    z('verify', '--deep', name, expect=3)
    same(tree, z.extract(NAMES[0]))


def test_tag_and_delete(lab):
    z, _ = filled(lab)
    z('tag', NAMES[0], 'other/name:1')
    check(read(z.file('other/name:1')) == read(z.file(NAMES[0])))
    z.check_properties('other/name:1')
    check(z.snapshots(z.dataset('other/name:1')) == ['bfc-' + z.short(NAMES[0])])
    z('delete', *NAMES)
    check(z.listed() == ['other/name:1'], z.listed())
    check([d for d in z.datasets() if not d.startswith('.bfc-')] == ['other', 'other/name:1'], z.datasets())
    check(not os.path.exists(os.path.dirname(z.file(NAMES[0]))), 'the folder is there still')
    z('verify', '--deep', 'other/name:1')
    z('delete', 'other/name:1')
    check(z.listed() == [] and not [d for d in z.datasets() if not d.startswith('.bfc-')], z.datasets())


def test_changes(lab):
    """commit, config, squash and rebase work as they do in a folder."""
    z, layout = ZLab(lab), simple_layout(lab)
    z('create', 'app:1', layout.source('one'))
    tree = z.extract('app:1')
    with open(tree + '/etc/conf', 'w', encoding='utf-8') as f:
        f.write('changed')
    z('commit', '-m', 'more', '--as', 'app:2', 'app:1', tree)
    z('config', '--user', '5', '--as', 'app:3', 'app:2')
    z('squash', '--as', 'app:4', 'app:3')
    check(z.listed() == [f'app:{i}' for i in range(1, 5)], z.listed())
    for i in range(1, 5):
        z('verify', '--deep', f'app:{i}')
        z.check_properties(f'app:{i}')
    out = z.extract('app:4')
    check(read(out + '/etc/conf') == b'changed' and z.config('app:4')['config']['User'] == '5')
    z('config', '--user', '6', 'app:4')
    check(z.config('app:4')['config']['User'] == '6')
    z.check_properties('app:4')


def test_exists(lab):
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    z('create', 'app:1', tree)
    before = z.everything()
    result = z('create', 'app:1', tree, expect=1)
    check('app:1' in result.message and 'already' in result.message and '-f' in result.message, result.shown())
    result = z('tag', 'app:1', 'app:1', expect=(1, 2))
    z('info', 'app:2', expect=4)
    z('delete', 'app:2', expect=4)
    check(z.everything() == before, 'something was changed')


def test_names_too_long(lab):
    """A dataset's name has 255 bytes at most; it is told before anything is made."""
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    z('create', 'app:1', tree)
    before, wrapper = z.everything(), Wrapper(lab)
    long = 'a' * 100 + '/' + 'b' * 60 + '/' + 'c' * 60 + ':1'
    result = z('create', long, tree, expect=(1, 2), env=wrapper.env)
    check('long' in result.message, result.shown())
    asking = ('list', 'get', 'version', 'upgrade', 'help', '--version', '-V', '-?')
    check(not [c for c in wrapper.calls() if len(c) > 1 and c[1] not in asking], 'something was made')
    result = z('tag', 'app:1', long, expect=(1, 2))
    check('long' in result.message, result.shown())
    check(z.everything() == before, 'something was changed')


def test_verbose(lab):
    """-v shows every command, so that it can be typed again; without it, standard error has nothing."""
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    wrapper = Wrapper(lab)
    result = lab.bfc('-v', '--store', z.store, 'image', 'create', 'library/app:1', tree, env=wrapper.env)
    calls = wrapper.calls()
    check(len(calls) >= 3, calls)
    for call in calls:
        check(any('zfs' in line and all(word in line for word in call[1:]) for line in result.message.splitlines()),
              call, 'is not in', result.message)
    quiet = z('create', 'library/app:2', tree, env=wrapper.env)
    check(not quiet.err, quiet.shown())


def test_where_zfs_is_not(lab):
    """A machine without ZFS says so; a relative PATH is not searched."""
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    if any(os.path.exists(f'{folder}/zfs') for folder in ('/usr/local/sbin', '/usr/local/bin', '/sbin', '/usr/sbin')):
        bad = lab.mkdir('bad')
        shutil.copy('/bin/false', bad + '/zfs')
        z('create', 'app:1', tree, env={'PATH': 'bad:.'}, cwd=lab.path)
        check(mark_of(z.extract('app:1')) == 'one')


def test_a_large_image(lab):
    """More than a record, and more than zfs-fuse caches."""
    z, layout = ZLab(lab), family(lab, 24 * MIB, MIB)
    for ref in ('base', 'one'):
        z('create', ref, layout.source(ref))
    for ref in ('base', 'one'):
        z('verify', '--deep', ref)
        same(layout.unpack(ref), z.extract(ref))


def test_without_root(lab):
    """Who may not use ZFS is told so."""
    need('setpriv')
    z, _ = filled(lab)
    os.chmod(lab.path, 0o755)
    lab.wrapper = ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', '--']
    if run([*lab.wrapper, lab.bfc_path, '--version'], expect=None).code != 0:
        raise harness.Skip('the program is where a user cannot run it')
    if run([*lab.wrapper, 'zfs', 'list'], expect=None).code != 0:
        result = z('list', expect=None)
        check(result.code in (1, 5) and result.message.count('\n') <= 3, result.shown())


if __name__ == '__main__':
    harness.main(globals(), shares=3)
