# SPDX-License-Identifier: Apache-2.0
"""Images made from images: commit, squash, rebase. Each result is extracted, and unpacked by umoci, and must be the
tree that was wanted; podman and buildah load it."""
import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import compare
import harness
import oddities
from edits import build_before, edit_everything, plain_names
from harness import check, run
from making import (Engine, Images, Layout, busybox, layered_oddities, other_base, proved, read, same, same_for_engines,
                    simple_layout, skopeo, write)

# ── Commit ──

def test_commit_of_everything(lab):
    """A base by buildah, oddities by umoci on top, every change at once by us."""
    images, engine, layout = Images(lab), Engine(lab), Layout(lab)
    container = engine.buildah('from', 'scratch').text.strip()
    busybox(engine.buildah('mount', container).text.strip())
    engine.buildah('commit', '-q', '--signature-policy', engine.policy, container, layout.source('base'))

    def lay_on(root):
        layered_oddities(root + '/odd')
        build_before(root + '/x')

    layout.step('base', lay_on)
    images('create', 'app', layout.source('base'))
    tree = images.extract('app')
    same(layout.unpack('base'), tree)
    before = images.size('app')

    e = edit_everything(tree + '/x')
    images('commit', '--as', 'app:2', 'app', tree)
    out = proved(images, 'app:2', tree)
    got = plain_names(out.layer_names('x'))
    want = sorted({'.', 'x'} | {os.path.normpath('x/' + name) for name in e.names()})
    check(got == want, 'the new layer holds other entries:', compare.lines_that_differ(want, got))
    check(images.diff_ids('app:2')[:-1] == images.diff_ids('app'), 'the layers below are others')
    growth = images.size('app:2') - before
    check(growth < 15 << 20, f'grew by {growth} bytes')

    images('commit', '--as', 'app:3', 'app:2', tree)
    check(images.export('app:3').layer_names('x') == [], 'the same folder once more is a change')

    # 'app' is what it was; and the engines agree on what app:2 is.
    same(layout.unpack('base'), images.extract('app'))
    loaded = engine.pull(out.source('x'))
    check(loaded == out.image_id('x')[7:], 'podman has another image ID')
    same_for_engines(tree, engine.root(loaded))
    engine.podman('save', '-q', '--format', 'oci-archive', '-o', lab / 'saved.tar', loaded)
    images('create', 'saved', f'oci-archive:{lab / "saved.tar"}')
    check(images.diff_ids('saved') == images.diff_ids('app:2'), 'podman gives back other layers')
    container = engine.buildah('from', '--signature-policy', engine.policy, loaded).text.strip()
    same_for_engines(tree, engine.buildah('mount', container).text.strip())


def test_commit_of_large_holes(lab):
    """A hole that would make a tar large is left out of it."""
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    oddities.write_runs(tree + '/lastlog', 400 << 20, [(1 << 20, b'data'), (300 << 20, b'more')])
    images('commit', 'app', tree)
    check(images.json('layers', 'app')['layers'][-1]['tar_size'] < 1 << 20, 'the tar has the hole')
    got, theirs = images.extract('app'), images.export('app').unpack('x')
    check(compare.same_holes(tree, got, content=True) == 1, 'no holes')
    same(tree, theirs)
    images('commit', '--as', 'again', 'app', tree)
    check(images.export('again').layer_names('x') == [], 'the same folder once more is a change')


def test_commit_of_nothing(lab):
    images, layout = Images(lab), simple_layout(lab)
    layout.step('one', lambda root: layered_oddities(root + '/odd'))
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    for name in ('app:2', 'app:3'):
        images('commit', '--as', name, 'app', tree)
        out = images.export(name)
        check(out.layer_names('x') == [], 'the layer is not empty:', out.layer_names('x')[:5])
        check(not images('diff', 'app', name).out, 'they differ')
    proved(images, 'app:2', tree)
    check(images.size('app:2') - images.size('app') < 100 << 10, 'an empty layer takes room')


def test_commit_where_no_folder_is_told(lab):
    """A layer whose tar has only a file: the folders above it were told of by nobody."""
    images, layout = Images(lab), Layout(lab)
    write(lab / 'a/b/file', b'file')
    run(['tar', '-cf', lab / 'l.tar', '-C', lab.path, 'a/b/file'])
    layout.new('one')
    layout.add_tar('one', lab / 'l.tar')
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    write(tree + '/a/b/more', b'more')
    images('commit', 'app', tree)
    check(plain_names(proved(images, 'app', tree).layer_names('x')) == ['.', 'a', 'a/b', 'a/b/more'])


def test_commit_again_and_again(lab):
    """What a layer deletes, the next one brings back; the name is kept."""
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    for step in range(4):
        if step % 2:
            write(tree + '/srv/app', b'again %d' % step)
            write(tree + '/usr/lib/lib1.so/in', b'was a file')
            shutil.move(tree + '/lib2', tree + '/usr/lib/lib2.so')
        else:
            os.unlink(tree + '/srv/app')
            harness.remove(tree + '/usr/lib/lib1.so')
            shutil.move(tree + '/usr/lib/lib2.so', tree + '/lib2')
        images('commit', '-m', f'step {step}', 'app', tree)
    proved(images, 'app', tree)
    layers = images.json('layers', 'app')['layers']
    check([l['comment'] for l in layers[-4:]] == [f'step {i}' for i in range(4)], layers)


def test_commit_says_who_and_why(lab):
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    old, tree = images.config('app'), images.extract('app')
    write(tree + '/etc/conf', b'other')
    images('commit', '-m', 'why: "ünïcode"', '--author', 'Ann <a@example.org>', '--as', 'app:2', 'app', tree)
    told = json.loads(skopeo('inspect', '--config', images.export('app:2').source('x')).out)
    entry = told['history'][-1]
    check(entry['comment'] == 'why: "ünïcode"' and entry['author'] == 'Ann <a@example.org>', entry)
    check(entry['created_by'] == 'bfc image commit' and 'empty_layer' not in entry, entry)
    check(entry['created'] == told['created'] and re.match(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ', told['created']), told)
    check(told['config'] == old['config'] and told['history'][:-1] == old['history'], 'more was changed')
    images.refuses("'app:2' is already", 'commit', '--as', 'app:2', 'app', tree, code=1)
    images('commit', '-f', '--as', 'app:2', 'app', tree)
    check(images('commit', '--reproducible', '--as', 'r1', 'app', tree) and
          images('commit', '--reproducible', '--as', 'r2', 'app', tree), '')
    check(images.export('r1').image_id('x') == images.export('r2').image_id('x'), 'not reproducible')


def test_commit_excludes(lab):
    """What is excluded stays as the image has it, be it changed, new, or gone."""
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    write(tree + '/etc/conf', b'changed')
    os.unlink(tree + '/usr/lib/lib1.so')
    write(tree + '/tmp/new.log', b'new')
    write(tree + '/tmp/kept', b'kept')
    write(lab / 'patterns', b'# these\n*.log\n')
    images('commit', '--exclude', 'etc/conf', '--exclude', 'lib1.so', '--exclude-from', lab / 'patterns', 'app', tree)
    names = plain_names(images.export('app').layer_names('x'))
    check([n for n in names if not os.path.isdir(f'{tree}/{n}')] == ['tmp/kept'], names)
    got = images.extract('app')
    check(read(got + '/etc/conf') == b'conf' and os.path.exists(got + '/usr/lib/lib1.so'), 'not as it was')


def test_commit_of_names_that_delete(lab):
    """A file that is called like a whiteout must not become one."""
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    write(tree + '/etc/.wh.conf', b'not to be taken for a whiteout')
    write(tree + '/usr/.wh..wh..opq', b'')
    write(tree + '/srv/.wh.app/below/deeper', b'')
    os.link(tree + '/etc/passwd', tree + '/etc/.wh.passwd')
    os.mkdir(tree + '/.wh.usr')
    write(tree + '/etc/new', b'new')
    result = images('commit', 'app', tree)
    check(result.message.count('left out') == 5, 'does not tell what is left out:', result.shown())
    for name in ('etc/.wh.conf', 'etc/.wh.passwd', 'usr/.wh..wh..opq', 'srv/.wh.app', '.wh.usr'):
        harness.remove(f'{tree}/{name}')
    compare.same_by_rsync(tree, images.extract('app'), options=['-O'])


def test_commit_refuses(lab):
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    images('create', 'plain', tree)
    images.refuses('bfc image squash', 'commit', 'plain', tree)
    images.refuses("no image 'none:latest'", 'commit', 'none', tree, code=4)
    images.refuses('nowhere', 'commit', 'app', lab / 'nowhere', code=4)
    images.refuses('store', 'commit', 'app', lab.path)


# ── Squash ──

def test_squash(lab):
    images, layout = Images(lab), simple_layout(lab)
    layout.step('one', lambda root: layered_oddities(root + '/odd'))
    images('create', 'app', layout.source('one'))
    tree, old = images.extract('app'), images.config('app')
    images('squash', '-m', 'small', '--as', 'small', 'app')
    out = proved(images, 'small', tree)
    new = out.image_config('x')
    check(len(out.manifest('x')['layers']) == 1 and len(new['rootfs']['diff_ids']) == 1, 'more than one layer')
    check([(h['created_by'], h['comment']) for h in new['history']] == [('bfc image squash', 'small')], new['history'])
    for document in (old, new):
        for member in ('rootfs', 'history', 'created'):
            del document[member]
    check(old == new, 'more of the configuration was changed:', old, new)
    names = plain_names(out.layer_names('x'))
    check(len(names) == len(set(names)) and not any('.wh.' in n for n in names), 'names stand twice, or delete')
    images('squash', 'app')
    check(len(images.diff_ids('app')) == 1)


def test_squash_of_a_directory(lab):
    images, tree = Images(lab), lab / 'dir'
    os.mkdir(tree)
    busybox(tree)
    layered_oddities(tree + '/odd')
    images('create', '--platform', 'linux/arm/v7', 'app', tree)
    images.refuses('bfc image squash', 'config', '--user', 'x', 'app')
    images('squash', 'app')
    out = proved(images, 'app', tree)
    config = out.image_config('x')
    check((config['os'], config['architecture'], config['variant']) == ('linux', 'arm', 'v7'), config)
    told = json.loads(skopeo('inspect', '--config', out.source('x')).out)
    check(told['architecture'] == 'arm' and told['rootfs'] == config['rootfs'], told)
    check(len(config['rootfs']['diff_ids']) == 1 == len(config['history']), config)
    images('config', '--user', '5:6', 'app')
    write(tree + '/more', b'more')
    images('commit', 'app', tree)
    proved(images, 'app', tree)


# ── Rebase ──

def rebased_by_hand(layout):
    """The own layer of `one` on `other`, by umoci."""
    layers = [layout.blob(d['digest']) for d in layout.manifest('one')['layers'][1:]]
    layout.tag('other', 'hand')
    for layer in layers:
        oddities.write(layout.lab / 'layer.gz', layer)
        run(['gzip', '-dkf', layout.lab / 'layer.gz'])
        layout.add_tar('hand', layout.lab / 'layer')
    return layout.unpack('hand')


def test_rebase(lab):
    images, layout = Images(lab), simple_layout(lab)
    other_base(layout)
    for name in ('one', 'base', 'other'):
        images('create', name, layout.source(name))
    want = rebased_by_hand(layout)
    old, base = images.config('one'), images.config('other')
    images('rebase', '--as', 'named', '--from', 'base', 'one', 'other')
    images('rebase', '--as', 'found', 'one', 'other')
    for name in ('named', 'found'):
        proved(images, name, want)
        check(images.diff_ids(name) == images.diff_ids('other') + images.diff_ids('one')[1:], 'other layers')
        new = images.config(name)
        check(new['config'] == old['config'], 'the configuration was changed:', new['config'])
        check(new['history'] == base['history'] + old['history'][history_of_base(old):], new['history'])
    images('rebase', 'named', 'base')
    proved(images, 'named', layout.unpack('one'))
    check(images.diff_ids('named') == images.diff_ids('one'), 'back on its base it is not what it was')


def history_of_base(config):
    """Entries up to the one of the base's only layer."""
    return 1 + next(i for i, h in enumerate(config['history']) if not h.get('empty_layer'))


def test_rebase_refuses(lab):
    images, layout = Images(lab), simple_layout(lab)
    other_base(layout)
    for name in ('one', 'base', 'other'):
        images('create', name, layout.source(name))
    before = images.json('list')
    images.refuses("does not stand on 'other:latest'", 'rebase', '--from', 'other', 'one', 'base')
    images.refuses('one', 'rebase', '--from', 'one', 'one', 'other')
    images.refuses('itself', 'rebase', 'one', 'one')
    images.refuses('name its base', 'rebase', 'other', 'base', code=4)
    images.refuses("no image 'none:latest'", 'rebase', 'one', 'none', code=4)
    images.refuses("no image 'none:latest'", 'rebase', '--from', 'none', 'one', 'other', code=4)
    layout.tag('other', 'arm')
    layout.config('arm', '--architecture', 'arm64')
    images('create', '--platform', 'linux/arm64', 'plain-arm', layout.source('arm'))
    images.refuses('is for linux/amd64 and cannot stand on', 'rebase', 'one', 'plain-arm')
    images('delete', 'plain-arm')
    images('create', 'plain', images.extract('one'))
    images.refuses('bfc image squash', 'rebase', 'plain', 'other')
    images.refuses('plain', 'rebase', 'one', 'plain')
    images.refuses('plain', 'rebase', '--from', 'plain', 'one', 'other')
    after = images.json('list')
    check([i for i in after['images'] if i['name'] != 'plain:latest'] == before['images'], 'something was changed')


if __name__ == '__main__':
    harness.main(globals(), shares=2)
