# SPDX-License-Identifier: Apache-2.0
"""Images go in and come out, compared with the programs that wrote them and with those that read them then:
umoci, skopeo, podman, buildah, GNU tar.

What of an image one of these cannot represent is said where it is compared, and compared with another."""
import atexit
import gzip
import json
import os
import resource
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import compare
import harness
import images
from harness import Skip, check, need, need_root, run
from images import NS, ODD_TIME, Layout, read, read_json, sha256

BUSYBOX = '/bin/busybox'
SHARED = {}


def layout_of(lab, kind):
    """The layout with images of this kind; each is made once for all tests, and lasts as long as this program."""
    need_root('make devices and give files away')
    need('umoci', 'skopeo', 'rsync', 'bsdtar', 'tar', 'getfattr', 'zstd', 'gzip')
    if not SHARED:
        SHARED['path'] = tempfile.mkdtemp(prefix='e2e-images-', dir=os.path.dirname(lab.path))
        atexit.register(harness.remove, SHARED['path'])
        SHARED['layout'] = Layout(SHARED['path'] + '/layout')
    layout, folder = SHARED['layout'], f'{SHARED["path"]}/{kind}'
    if kind not in SHARED:
        SHARED[kind] = {'odd': lambda: images.odd(layout, folder), 'repacked': lambda: images.repacked(layout, folder),
                        'usr': lambda: images.merged_usr(layout, folder),
                        'foreign': lambda: images.foreign(layout, folder)}[kind]()
    return layout


class Store:
    """An image store of one test's own."""

    def __init__(self, lab, name='store'):
        self.lab, self.path = lab, lab / name

    def image(self, *args, **how):
        return self.lab.bfc('--store', self.path, 'image', *args, **how)

    def create(self, name, source, *options):
        """With as many threads as make it read layers ahead of their turn."""
        self.image('create', '-j', '8', *options, name, source)
        return self.verify(name)

    def container(self, name):
        return self.image('info', '--json', name).json['path']

    def verify(self, name):
        self.image('verify', '--deep', name)
        self.lab.bfc('verify', '--deep', self.container(name))
        return name

    def extract(self, name, where):
        self.image('extract', '--strict', name, self.lab / where)
        return self.lab / where

    def export(self, name, dest, *options):
        self.image('export', *options, name, dest)


def skopeo(lab, *words):
    os.makedirs(lab / 'tmp', exist_ok=True)
    run(['skopeo', '--insecure-policy', 'copy', '-q', *words], env={'TMPDIR': lab / 'tmp'})


def same_trees(a, b):
    """But for the holes, which umoci fills."""
    compare.same_by_rsync(a, b)
    compare.same_by_mtree(a, b)
    compare.same_by_getfattr(a, b)


def expect_times(tree, times):
    for name, ns in times.items():
        have = os.lstat(f'{tree}/{name}').st_mtime_ns
        check(have == ns, f'time of {name!r} is {have}, not {ns}')


def give_times(tree, other, names):
    for name in names:
        images.set_time(f'{tree}/{name}', os.lstat(f'{other}/{name}').st_mtime_ns)


def folders_of(tree):
    return [os.path.relpath(path, os.fsencode(tree)) for path, _, _ in os.walk(os.fsencode(tree))]


# ── What others wrote ──

# Folders that umoci changes after it has set their times (it empties them, or makes them although no entry tells of
# them), and the times that they should have.
ODD_ROOT_TIME = ODD_TIME + 7 * NS
UMOCI_TIMES = {'odd': {'.': ODD_ROOT_TIME, 'not-padded': 0, 'one-block': 0, 'times': 1_600_000_003 * NS},
               'repacked': {}, 'usr': {'usr/lib': 1_600_000_003 * NS, 'usr/lib/deeper': 0}}


def as_umoci(lab, kind, *options):
    layout, store = layout_of(lab, kind), Store(lab)
    ours = store.extract(store.create('image', layout.spec(kind)), 'ours')
    theirs = layout.unpack(kind, lab / 'theirs', *options)
    expect_times(ours, UMOCI_TIMES[kind])
    give_times(theirs, ours, UMOCI_TIMES[kind])
    same_trees(theirs, ours)
    return ours


def test_odd_layers_as_umoci_unpacks_them(lab):
    ours = as_umoci(lab, 'odd')
    for gone in ('gone/deep/file', 'opaque/one', 'odd/ping', 'keep/third', 'usr/lib/libc'):
        check(not os.path.lexists(f'{ours}/{gone}'), gone, 'is not hidden')
    check(os.path.getsize(ours + '/again/file') == len(b'made again'))


def test_repacked_as_umoci_unpacks_it(lab):
    """And as the folder was from which umoci made it, but for fractions of a second and links across
    layers, which umoci does not keep."""
    ours = as_umoci(lab, 'repacked')
    compare.same_by_getfattr(SHARED['repacked'], ours)
    compare.same_by_rsync(SHARED['repacked'], ours, options=['--no-times', '--no-hard-links'])


def test_merged_usr_as_umoci_unpacks_it(lab):
    ours = as_umoci(lab, 'usr')
    check(os.readlink(ours + '/lib') == 'usr/lib' and os.path.exists(ours + '/usr/lib/x'))
    check(not os.path.islink(ours + '/sbin') and os.listdir(ours + '/sbin') == ['init'])
    harness.remove(lab / 'store')
    harness.remove(ours)
    harness.remove(lab / 'theirs')
    layout, store = layout_of(lab, 'usr'), Store(lab)
    ours = store.extract(store.create('image', layout.spec('usr-links')), 'ours')
    theirs = layout.unpack('usr-links', lab / 'theirs', '--keep-dirlinks')
    give_times(theirs, ours, UMOCI_TIMES['usr'])
    same_trees(theirs, ours)


def test_every_prefix_as_umoci_unpacks_it(lab):
    layout, store = layout_of(lab, 'odd'), Store(lab)
    tags = SHARED['odd']
    check(len(tags) == len(layout.image('odd').diff_ids) >= 8)
    store.create('image', layout.spec('odd'), '--prefixes')
    for number, tag in enumerate(tags, 1):
        ours = store.extract(f'image#{number}', f'ours-{number}')
        theirs = layout.unpack(tag, lab / f'theirs-{number}')
        there = [name for name in UMOCI_TIMES['odd'] if os.path.exists(f'{ours}/{name}')]
        give_times(theirs, ours, there if number > 7 else [])
        try:
            same_trees(theirs, ours)
        except AssertionError as error:
            raise AssertionError(f'after {number} layers: {error}') from error
        harness.remove(ours)
        harness.remove(lab / f'theirs-{number}')


def layer_trees(lab, store, name):
    """Where each layer's own tree was extracted."""
    path = store.container(name)
    layers = {t['label']: t['id'] for t in lab.bfc('info', '--json', path).json['trees'] if t['kind'] == 'layer'}
    for diff_id in [layer['diff_id'] for layer in store.image('layers', '--json', name).json['layers']]:
        where = f'{lab.path}/tree-{layers[diff_id]}'
        if not os.path.exists(where):
            lab.bfc('extract', '--strict', '--tree', str(layers[diff_id]), path, '-C', where)
        yield where


def as_tar_extracts(tar, where):
    os.mkdir(where)
    run(['tar', '-xpf', tar, '--numeric-owner', '--same-owner', '--xattrs', '--xattrs-include=*', '-C', where],
        expect=(0, 2))
    return where


def test_layers_as_gnu_tar_extracts_them(lab):
    """Each layer's tree is its tar, whiteouts included; and files have their holes. GNU tar is not asked for layers
    with links into those below, with folders after what is in them, without padding, and with entries that
    come again."""
    layout, store = layout_of(lab, 'odd'), Store(lab)
    store.create('image', layout.spec('odd'))
    left_out = (6, 7, 8, 9, 13, 15, 16, 17)  # across_layers to not_padded, two of umoci's, duplicates, late_whiteouts
    sparse = 0
    for number, tree in enumerate(layer_trees(lab, store, 'image'), 1):
        if number in left_out:
            continue
        tar = lab / f'{number}.tar'
        with open(tar, 'wb') as f:
            f.write(layout.image('odd').tar(number - 1))
        theirs = as_tar_extracts(tar, lab / f'tar-{number}')
        made_up = [f for f in folders_of(tree) if os.lstat(os.path.join(os.fsencode(tree), f)).st_mtime_ns == 0]
        give_times(theirs, tree, [os.fsdecode(f) for f in made_up])
        give_times(theirs, tree, ['.'])
        os.chmod(theirs, os.stat(tree).st_mode & 0o7777)
        same_trees(theirs, tree)
        sparse += compare.same_holes(theirs, tree)
        os.unlink(tar)
    check(sparse >= 5, 'only', sparse, 'files with holes')


def test_foreign_tars_as_gnu_tar_extracts_them(lab):
    layout, store = layout_of(lab, 'foreign'), Store(lab)
    store.create('image', layout.spec('foreign'))
    for tar, tree in zip(SHARED['foreign'], layer_trees(lab, store, 'image')):
        theirs = as_tar_extracts(tar, f'{tree}-theirs')
        same_trees(theirs, tree)
        check(compare.same_holes(theirs, tree) >= (0 if 'global' in tar else 3))
    store.export('image', f'oci:{lab / "out"}:x')
    same_layers(layout.image('foreign'), Layout(lab / 'out').image('x'))
    for tar, came in zip(SHARED['foreign'], Layout(lab / 'out').image('x').tars()):
        check(read(tar) == came, tar)


def same_but_for_links(a, b):
    """podman's and buildah's storage makes several files of a link or a device that has several names."""
    def without(rows):
        return [b' '.join(w for w in row.split() if b' type=file' in row or not w.startswith(b'nlink='))
                for row in rows]

    compare.same_by_rsync(a, b)
    compare.same_by_getfattr(a, b)
    left, right = without(compare.mtree(a)), without(compare.mtree(b))
    check(left == right, 'bsdtar mtree differs:', compare.lines_that_differ(left, right))


def before_1970(tree):
    found = run(['find', '.', '!', '-newermt', '@0', '-print0'], cwd=tree).out.split(b'\0')
    return [os.fsdecode(name) for name in found if name]


def as_podman(engine, store, layout, tag, attributes_of=()):
    """podman gives no time before 1970 to anything, and gives the time of its own work to folders that no entry of the
    layer tells of; where an entry tells of a folder again, it leaves the xattrs that the folder had."""
    ours = store.extract(store.create(tag, layout.spec(tag)), 'ours-' + tag)
    theirs = engine.mount(engine.pull(layout, tag))
    give_times(theirs, ours, [os.fsdecode(f) for f in folders_of(theirs)])
    give_times(theirs, ours, before_1970(ours))
    for name in attributes_of:
        for key in os.listxattr(f'{theirs}/{name}'):
            check(key not in os.listxattr(f'{ours}/{name}'), key, 'is still there')
            os.removexattr(f'{theirs}/{name}', key)
    same_but_for_links(theirs, ours)


def test_trees_as_podman_mounts_them(lab):
    layout, store = layout_of(lab, 'odd'), Store(lab)
    layout_of(lab, 'usr')
    engine = images.Engine(lab)
    try:
        as_podman(engine, store, layout, 'common', ['odd/folder'])
        as_podman(engine, store, layout, 'usr-links')
    finally:
        engine.close()


def test_layers_of_buildah(lab):
    """Compared with the container from which it made them, too; the root's mode is in no layer of it."""
    layout, store = Layout(lab / 'layout'), Store(lab)
    engine = images.Engine(lab)
    try:
        theirs = images.built(layout, engine)
        check(len(layout.image('built').diff_ids) >= 8)
        ours = store.extract(store.create('built', layout.spec('built')), 'ours')
        os.chmod(theirs, 0o755)
        give_times(theirs, ours, ['.', 'times/odd', *before_1970(ours)])
        same_but_for_links(theirs, ours)
        unpacked = layout.unpack('built', lab / 'unpacked')
        give_times(unpacked, ours, ['.'])
        same_trees(unpacked, ours)
    finally:
        engine.close()


# ── Ways in ──

def same_layers(original, came):
    """The same diffIDs, and layers that have them, byte for byte."""
    check(original.diff_ids == came.diff_ids, 'diffIDs', original.diff_ids, came.diff_ids)
    check(len(came.manifest['layers']) == len(came.diff_ids))
    for number, (theirs, ours) in enumerate(zip(original.tars(), came.tars())):
        check(theirs == ours, 'layer', number, 'differs')
        check(sha256(ours) == came.diff_ids[number], 'diffID of layer', number)


def sources(lab, layout, tag):
    """(name, source) of the image by every transport of skopeo that needs nobody else."""
    spec, zstd = layout.spec(tag), ['--dest-compress', '--dest-compress-format']
    yield 'manifest', f'{layout.path}/blobs/sha256/{layout.descriptor(tag)["digest"][7:]}'
    for name, dest, *options in (
            ('oci-archive', f'oci-archive:{lab / "a.tar"}:some/name:1'),
            ('docker-archive', f'docker-archive:{lab / "d.tar"}:some/name:1'),
            ('dir', f'dir:{lab / "flat"}'), ('dir v2s2', f'dir:{lab / "s2"}', '--format', 'v2s2'),
            ('dir decompressed', f'dir:{lab / "plain"}', '--dest-decompress'),
            ('zstd', f'oci:{lab / "zstd"}:x', *zstd, 'zstd'),
            ('zstd 19', f'oci:{lab / "zstd19"}:x', *zstd, 'zstd', '--dest-compress-level', '19'),
            ('plain', f'oci:{lab / "uncompressed"}:x', '--dest-oci-accept-uncompressed-layers', '--dest-decompress')):
        skopeo(lab, *options, spec, dest)
        yield name, f'manifest:{dest[4:]}/manifest.json' if dest.startswith('dir:') else dest


def chunked(lab, layout, tag):
    """skopeo 1.9 waits for itself for ever where the tar of a layer does not end as usual."""
    dest = f'oci:{lab / "chunked"}:x'
    skopeo(lab, '--dest-compress', '--dest-compress-format', 'zstd:chunked', layout.spec(tag), dest)
    yield 'zstd:chunked', dest


def test_every_transport(lab):
    same_from_everywhere(lab, 'odd', sources)


def test_chunked_zstd(lab):
    same_from_everywhere(lab, 'repacked', chunked)


def same_from_everywhere(lab, kind, ways):
    layout, store = layout_of(lab, kind), Store(lab)
    original = layout.image(kind)
    ours = store.extract(store.create('first', layout.spec(kind)), 'first')
    for number, (name, source) in enumerate(ways(lab, layout, kind)):
        other = Store(lab, f'store-{number}')
        other.create('image', source)
        tree = other.extract('image', f'tree-{number}')
        compare.same_tree(ours, tree)
        other.export('image', f'oci:{lab / "back"}:{number}')
        came = Layout(lab / 'back').image(str(number))
        if name == 'dir v2s2':  # another form has another configuration; it is skopeo's
            check(came.config_bytes == images.image_of_dir(lab / 's2').config_bytes, name)
        else:
            check(came.config_bytes == original.config_bytes, name)
        same_layers(original, came)
        harness.remove(tree)
        harness.remove(other.path)


# ── Ways out ──

def exported(lab, store, name):
    """(form, layout or None, tag) of the image in every form of an OCI layout."""
    for how in ('gzip', 'zstd', 'none'):
        store.export(name, f'oci:{lab / "out"}:{how}', '--compression', how)
        yield how, Layout(lab / 'out')
    store.export(name, f'oci-archive:{lab / "out.tar"}:archive')
    os.mkdir(lab / 'archive')
    run(['tar', '-xf', lab / 'out.tar', '-C', lab / 'archive'])
    yield 'archive', Layout(lab / 'archive')


def test_exports_to_layouts(lab):
    """Read by skopeo and umoci (which knows no zstd), and by us again."""
    layout, store = layout_of(lab, 'odd'), Store(lab)
    original = layout.image('odd')
    store.create('image', layout.spec('odd'))
    ours = store.extract('image', 'ours')
    for tag, out in exported(lab, store, 'image'):
        came = out.image(tag)
        check(came.config_bytes == original.config_bytes, 'the configuration is another one')
        same_layers(original, came)
        skopeo(lab, out.spec(tag), f'dir:{lab / "flat-" + tag}')
        flat = images.image_of_dir(lab / 'flat-' + tag)
        check(flat.id == original.id and flat.manifest_bytes == came.manifest_bytes)
        skopeo(lab, f'dir:{lab / "flat-" + tag}', f'oci:{lab / "again"}:{tag}')
        again = Layout(lab / 'again').image(tag)
        check(again.id == original.id and again.diff_ids == original.diff_ids)
        if tag != 'zstd':
            theirs = out.unpack(tag, lab / 'unpacked-' + tag)
            give_times(theirs, ours, UMOCI_TIMES['odd'])
            same_trees(theirs, ours)
            harness.remove(lab / 'unpacked-' + tag)
        back = Store(lab, 'store-' + tag)
        back.create('back', out.spec(tag))
        compare.same_tree(ours, back.extract('back', 'back-' + tag))
        harness.remove(lab / 'back-' + tag)


def test_exports_to_docker_archives(lab):
    layout, store = layout_of(lab, 'odd'), Store(lab)
    original = layout.image('odd')
    store.create('thing/app:1.0', layout.spec('odd'))
    for how in ('none', 'gzip'):
        path = lab / how + '.tar'
        store.export('thing/app:1.0', f'docker-archive:{path}', '--compression', how)
        config, tags, tars = images.image_of_docker_archive(path)
        check(config == original.config_bytes)
        check(tags in (['thing/app:1.0'], ['docker.io/thing/app:1.0']), tags)
        tars = [gzip.decompress(t) if how == 'gzip' else t for t in tars]
        check(tars == original.tars(), 'a layer differs')
        skopeo(lab, f'docker-archive:{path}', f'dir:{lab / "flat-" + how}')
        check(images.image_of_dir(lab / 'flat-' + how).diff_ids == original.diff_ids)
        check(images.image_of_dir(lab / 'flat-' + how).config_bytes == original.config_bytes)
        skopeo(lab, f'dir:{lab / "flat-" + how}', f'docker-archive:{lab / "again-" + how}.tar:x:1')
        Store(lab, 'store-' + how).create('back', f'{lab / "again-" + how}.tar')
        Store(lab, 'store-' + how).export('back', f'oci:{lab / "back"}:{how}')
        same_layers(original, Layout(lab / 'back').image(how))


def test_export_of_the_container(lab):
    layout, store, other = layout_of(lab, 'odd'), Store(lab), Store(lab, 'other')
    store.create('image', layout.spec('odd'))
    store.export('image', f'bfc:{lab / "file.bfc"}')
    lab.bfc('verify', '--deep', lab / 'file.bfc')
    run(['cmp', lab / 'file.bfc', store.container('image')])
    other.create('image', f'bfc:{lab / "file.bfc"}')
    compare.same_tree(store.extract('image', 'a'), other.extract('image', 'b'))
    other.export('image', f'oci:{lab / "out"}:x')
    same_layers(layout.image('odd'), Layout(lab / 'out').image('x'))


def files_of(path):
    """The bytes of all files below, by name; of a file, its own."""
    if os.path.isfile(path):
        return {'': read(path)}
    return {os.path.relpath(os.path.join(folder, name), path): read(os.path.join(folder, name))
            for folder, _, names in os.walk(path) for name in names}


FORMS = [('oci:', '--compression', 'gzip'), ('oci:', '--compression', 'gzip', '--level', '1'),
         ('oci:', '--compression', 'zstd'), ('oci:', '--compression', 'zstd', '--level', '12'),
         ('oci:', '--compression', 'none'), ('oci-archive:',), ('oci-archive:', '--compression', 'zstd'),
         ('docker-archive:',), ('docker-archive:', '--compression', 'gzip')]


def same_exports(lab, *stores):
    """Exports of the image from each of the stores are byte-identical, by one thread or by several."""
    for number, (scheme, *options) in enumerate(FORMS):
        found = []
        for i, store in enumerate(stores):
            dest = lab / f'export-{number}-{i}'
            store.lab.bfc('--jobs', str(1 + i), '--store', store.path, 'image', 'export', *options, 'image',
                          f'{scheme}{dest}:a/b:c')
            found.append(files_of(dest))
            harness.remove(dest)
        check(found[0] and all(f == found[0] for f in found), 'exports differ:', scheme, *options)


def test_exports_are_deterministic(lab):
    layout, store, later = layout_of(lab, 'odd'), Store(lab), Store(lab, 'later')
    store.create('image', layout.spec('odd'))
    later.create('image', layout.spec('odd'), '--compression', 'zstd:12', '--block-size', '64K')
    same_exports(lab, store, store, later)


# ── A shared base ──

def test_shared_base(lab):
    """An image on a base that the store has is the one that an empty store gets; the base's blocks are taken over."""
    layout = layout_of(lab, 'odd')
    alone, shared = Store(lab, 'alone'), Store(lab, 'shared')
    alone.create('image', layout.spec('odd'))
    shared.create('base', layout.spec('odd-9'))
    shared.create('base:other', layout.spec('odd-3'))
    shared.create('image', layout.spec('odd'), '-v')
    base, image = read(shared.container('base')), read(shared.container('image'))
    check(image[4096:][:len(base) // 2] == base[4096:][:len(base) // 2], 'it does not begin as the base does')
    compare.same_tree(alone.extract('image', 'a'), shared.extract('image', 'b'))
    layers = [s.image('layers', '--json', 'image').json['layers'] for s in (alone, shared)]
    check(layers[0] == layers[1], 'layers differ')
    same_exports(lab, alone, shared)
    shared.image('delete', 'base')
    shared.verify('image')


# ── podman ──

def make_runnable(layout, folder):
    """'runnable': a static busybox under some layers."""
    if not os.path.exists(BUSYBOX) or run(['ldd', BUSYBOX], expect=None).code == 0:
        raise Skip('not installed: busybox-static')
    os.makedirs(folder + '/bin')
    shutil.copy(BUSYBOX, folder + '/bin/busybox')
    os.symlink('busybox', folder + '/bin/sh')
    layout.new('runnable')
    layout.insert('runnable', folder, '/')
    for i in range(3):
        images.write(f'{folder}-{i}', b'of layer %d\n' % i)
        layout.insert('runnable', f'{folder}-{i}', f'/told-{i}')
    layout.insert('runnable', '--whiteout', '/told-1')
    run(['umoci', 'config', '--image', layout.at('runnable'), '--config.cmd', '/bin/busybox', '--config.cmd', 'cat',
         '--config.cmd', '/told-0', '--config.cmd', '/told-1', '--config.cmd', '/told-2'])


def load(engine, path):
    """The ID of what `podman load` loads, and what it tells of it."""
    said = engine.podman('load', '-q', '-i', path).text
    about = engine.podman('image', 'inspect', said.split()[-1]).json
    return 'sha256:' + about[0]['Id'].removeprefix('sha256:'), about[0]


def test_podman_loads_what_is_exported(lab):
    layout, store = layout_of(lab, 'odd'), Store(lab)
    original = layout.image('common')
    store.create('image', layout.spec('common'))
    engine = images.Engine(lab)
    try:
        for number, (scheme, *options) in enumerate(FORMS):
            if scheme == 'oci:':
                continue
            path = lab / f'{number}.tar'
            store.export('image', f'{scheme}{path}:name:{number}', *options)
            image_id, about = load(engine, path)
            check(image_id == original.id, 'the ID is', image_id, 'not', original.id)
            check(about['RootFS']['Layers'] == original.diff_ids)
            check(about['Config']['Cmd'] == original.config['config']['Cmd'])
            theirs = engine.mount(image_id)
            check(os.path.exists(theirs + '/late/below/file') and not os.path.exists(theirs + '/opaque/one'))
            engine.podman('image', 'umount', image_id)
            engine.podman('image', 'rm', '-f', image_id)
    finally:
        engine.close()


def test_podman_runs_what_is_exported(lab):
    layout, store = Layout(lab / 'layout'), Store(lab)
    make_runnable(layout, lab / 'root')
    store.create('image', layout.spec('runnable'))
    engine = images.Engine(lab)
    cgroups = '/sys/fs/cgroup/unified'
    if os.path.ismount(cgroups):  # crun refuses to work beside cgroups of both versions
        run(['umount', cgroups])
    # podman would raise what this machine may not allow to be raised
    limits = [f'--ulimit={name}={least}:{least}'
              for name, of in (('nofile', resource.RLIMIT_NOFILE), ('nproc', resource.RLIMIT_NPROC))
              for least in [min(n if n >= 0 else 1024 for n in (*resource.getrlimit(of), 1024))]]
    how = ['run', '--rm', '--network', 'none', '--cgroups', 'disabled', *limits]
    try:
        tried = engine.podman(*how, engine.pull(layout, 'runnable'), '/bin/busybox', 'true', expect=None)
        if tried.code != 0:
            raise Skip(f'podman cannot run even the image that umoci made: {tried.message.strip()}')
        engine.podman('image', 'rm', '-f', '--all')
        for scheme, *options in (('docker-archive:',), ('oci-archive:',), ('oci-archive:', '--compression', 'zstd')):
            path = lab / f'out{len(os.listdir(lab.path))}.tar'
            store.export('image', f'{scheme}{path}:runs:1', *options)
            image_id, _ = load(engine, path)
            check(image_id == layout.image('runnable').id)
            done = engine.podman(*how, image_id, expect=1)
            check(done.text == 'of layer 0\nof layer 2\n' and '/told-1' in done.message, done.shown())
            engine.podman('image', 'rm', '-f', image_id)
    finally:
        engine.close()


if __name__ == '__main__':
    harness.main(globals(), shares=6)
