# SPDX-License-Identifier: Apache-2.0
"""What images say of themselves: config, layers, diff, platforms, held against umoci, skopeo and podman."""
import json
import os
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import compare
import harness
import oddities
from edits import build_before, edit_everything, plain_names
from harness import check, run
from making import (Engine, Images, layered_oddities, other_base, proved, read, same, sha256, simple_layout, skopeo, write)

# ── Configuration ──

EDITS = [
    (['--user', '33:34'], ['--config.user', '33:34']),
    (['--workdir', '/srv'], ['--config.workingdir', '/srv']),
    (['--stop-signal', 'SIGUSR1'], ['--config.stopsignal', 'SIGUSR1']),
    (['--entrypoint', '["/bin/sh","-c"]', '--cmd', 'echo hi'],
     ['--config.entrypoint', '/bin/sh', '--config.entrypoint', '-c', '--config.cmd', 'echo hi']),
    (['--cmd', 'a', '--cmd', 'b c'], ['--config.cmd', 'a', '--config.cmd', 'b c']),
    (['--env', 'NEW=x=y', '--env', 'A=2'], ['--config.env', 'NEW=x=y', '--config.env', 'A=2']),
    (['--label', 'org.example=ü'], ['--config.label', 'org.example=ü']),
    (['--volume', '/data', '--volume', '/more'], ['--config.volume', '/data', '--config.volume', '/more']),
    (['--port', '80/tcp', '--port', '53/udp'], ['--config.exposedports', '80/tcp', '--config.exposedports', '53/udp']),
]


def test_config(lab):
    """Every edit is what umoci makes of the same image."""
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    size, layers = images.size('app'), images.diff_ids('app')
    for ours, theirs in EDITS:
        layout.tag('one', 'edited')
        layout.config('edited', *theirs)
        images('config', *ours, '--as', 'edited', '--force', 'app')
        want = json.loads(skopeo('inspect', '--config', layout.source('edited')).out)
        out = images.export('edited')
        got = json.loads(skopeo('inspect', '--config', out.source('x')).out)
        for variables in (want['config'], got['config']):
            variables['Env'] = sorted(variables.get('Env') or [])
        check(got['config'] == want['config'], ours, got['config'], want['config'])
        entry = got['history'][-1]
        check(entry['created_by'] == 'bfc image config' and entry['empty_layer'] is True, entry)
        check(len(got['history']) == len(images.config('app')['history']) + 1)
        check(images.diff_ids('edited') == layers, 'other layers')
        check(out.image_id('x') != images.export('app').image_id('x'), 'the ID is the same')
        check(0 <= images.size('edited') - size < 100 << 10, f'grew from {size} to {images.size("edited")}')
    proved(images, 'edited', images.extract('app'))


def test_config_takes_away(lab):
    images, layout = Images(lab), simple_layout(lab)
    layout.config('one', '--config.label', 'a=1', '--config.label', 'b=2', '--config.entrypoint', 'x')
    images('create', 'app', layout.source('one'))
    images('config', '--env', 'A', '--label', 'a', '--entrypoint', '', '--user', '', '--workdir', '', '-m', 'less',
           '--author', 'me', 'app')
    config = images.config('app')
    check('A=1' not in (config['config'].get('Env') or []), config)
    check(config['config']['Labels'] == {'b': '2'}, config)
    check(not any(config['config'].get(m) for m in ('Entrypoint', 'Cmd', 'User', 'WorkingDir')), config)
    check(config['history'][-1]['comment'] == 'less' and config['history'][-1]['author'] == 'me', config)
    for bad in (['--port', '0'], ['--port', '80/icmp'], ['--volume', 'data'], ['--workdir', 'srv'], ['--env', '=x']):
        images('config', *bad, 'app', expect=2)
    check(images.config('app') == config, 'a refused edit was done')


def test_config_keeps_what_it_does_not_know(lab):
    images, layout = Images(lab), simple_layout(lab)
    manifest, config = layout.manifest('one'), layout.image_config('one')
    config['config'].update(Healthcheck={'Test': ['NONE'], 'Interval': 30_000_000_000}, OnBuild=['x'], Odd=[1.5, None])
    config.update({'os.version': '10.0', 'container_config': {'Big': 18_446_744_073_709_551_615 >> 11}, 'x-y': {'z': []}})
    config['history'][0]['x-own'] = 'kept'
    manifest['config'].update(layout.write_blob(json.dumps(config).encode()))
    manifest['annotations'] = {'org.example.kept': 'yes'}
    blob = layout.write_blob(json.dumps(manifest).encode())
    source = f'manifest:{layout.path}/blobs/sha256/{blob["digest"][7:]}'
    images('create', 'app', source)
    images('config', '--user', 'me', 'app')
    got = images.config('app')
    config['config']['User'] = 'me'
    config['created'] = got['created']
    config['history'].append(got['history'][-1])
    check(got == config, 'fields were lost:', got, config)
    check(json.loads(images('config', '--manifest', 'app').out)['annotations'] == manifest['annotations'])


# ── Layers and differences ──

def test_layers(lab):
    """As skopeo tells them; with the history where it is asked for."""
    images, layout = Images(lab), simple_layout(lab)
    images('create', 'app', layout.source('one'))
    told = json.loads(skopeo('inspect', layout.source('one')).out)
    config = json.loads(skopeo('inspect', '--config', layout.source('one')).out)
    layers = images.json('layers', 'app')['layers']
    check([l['digest'] for l in layers] == told['Layers'], layers)
    manifest = layout.manifest('one')
    check([(l['size'], l['media_type']) for l in layers] ==
          [(d['size'], d['mediaType']) for d in manifest['layers']], layers)
    check([l['diff_id'] for l in layers] == config['rootfs']['diff_ids'], layers)
    check([l['entries'] for l in layers] == [len(layout.layer_names('one', i)) for i in range(2)], layers)
    for layer, d in zip(layers, manifest['layers']):
        path = f'{layout.path}/blobs/sha256/{d["digest"][7:]}'
        check(layer['tar_size'] == len(run(['gzip', '-dc', path]).out), layer)
    full = images.json('layers', '--history', 'app')['layers']
    check([(l['empty'], l['created'], l['created_by']) for l in full] ==
          [(h.get('empty_layer', False), h.get('created', ''), h.get('created_by', '')) for h in config['history']], full)
    table = images('layers', 'app').text.splitlines()
    check(len(table) == 3 and layers[1]['diff_id'][7:15] in table[2], table)


def facts_of(tree):
    """Every path, and all that a layer can say of it."""
    facts = {}
    for folder, folders, files in os.walk(os.fsencode(tree)):
        for path in [os.path.join(folder, n) for n in folders + files] + ([folder] if folder == os.fsencode(tree) else []):
            st = os.lstat(path)
            kind = stat.S_IFMT(st.st_mode)
            what = {stat.S_IFREG: lambda: sha256(read(path)), stat.S_IFLNK: lambda: os.readlink(path)}
            attrs = {a: os.getxattr(path, a, follow_symlinks=False) for a in os.listxattr(path, follow_symlinks=False)}
            facts[os.path.relpath(path, os.fsencode(tree))] = (
                st.st_mode, st.st_uid, st.st_gid, st.st_rdev, 0 if kind == stat.S_IFDIR else st.st_mtime_ns,
                what.get(kind, lambda: None)(), attrs)
    return facts


def differences(old, new):
    a, b = facts_of(old), facts_of(new)
    rows = [b'D ' + p for p in a if p not in b] + [b'A ' + p for p in b if p not in a]
    return sorted(rows + [b'C ' + p for p in a if p in b and a[p] != b[p]])


def listed(images, *args):
    rows = [b'C .' if r == b'C /' else r for r in images('diff', '-0', *args).out.split(b'\0')]
    check(rows.pop() == b'', 'the last line does not end')
    paths = [[] if r == b'C .' else r[2:].split(b'/') for r in rows]
    check(paths == sorted(paths), 'not in the order of names')
    return sorted(rows)


def test_diff(lab):
    images, layout = Images(lab), simple_layout(lab)
    layout.step('one', lambda root: (layered_oddities(root + '/odd'), build_before(root + '/x')))
    images('create', 'app', layout.source('one'))
    tree = images.extract('app')
    edit_everything(tree + '/x')
    harness.remove(tree + '/odd/names')
    os.chown(tree, 5, 6)
    images('commit', 'app', tree)
    images('create', 'base', layout.source('base'))
    images('create', 'dir', tree)

    prefix = {}
    for count in (1, 2, 3):  # what umoci makes of the lowest layers
        layout.tag('base', f'p{count}')
        for d in layout.manifest('one')['layers'][1:count]:
            oddities.write(lab / 'layer.gz', layout.blob(d['digest']))
            run(['gzip', '-dkf', lab / 'layer.gz'])
            layout.add_tar(f'p{count}', lab / 'layer')
        prefix[count] = layout.unpack(f'p{count}')
    prefix[4] = tree
    for old in prefix:
        for new in prefix:
            got = listed(images, f'app#{old}', f'app#{new}')
            want = differences(prefix[old], prefix[new])
            check(got == want, f'{old} to {new}:', compare.lines_that_differ(want, got))
    check(listed(images, 'app') == differences(prefix[3], tree), 'the last layer')
    check(listed(images, 'app#2') == differences(prefix[1], prefix[2]), 'the second layer')
    check(listed(images, 'base', 'app') == differences(prefix[1], tree), 'against another image')
    check(listed(images, 'app', 'dir') == [] == listed(images, 'dir', 'app'), 'holes are no difference')
    for bad, code in (('app#0', 4), ('app#5', 4), ('app#x', 2), ('app#', 2), ('base', 2), ('app#1', 2)):
        images('diff', bad, expect=code)
    check_podman_diff(lab, images, tree)


def test_equal_checksums(lab):
    """Same size, time and CRC32C, a hole in one file: that must not make other content the same. What is added is
    the polynomial of CRC-32C, which changes no checksum."""
    images = Images(lab)
    polynomial = (1 | 0x82f63b78 << 1).to_bytes(5, 'little')
    for name, data in (('plain', bytes(1 << 20)), ('other', bytes(99_999) + polynomial)):
        write(f'{lab / name}/file', b'start' + data[5:].ljust((1 << 20) - 5, b'\0'))
    os.mkdir(lab / 'holes')
    oddities.write_runs(lab / 'holes/file', 1 << 20, [(0, b'start')])
    for name in ('plain', 'other', 'holes'):
        os.utime(f'{lab / name}/file', ns=(0, 0))
        images('create', name, lab / name)
    sums = {line for n in ('plain', 'other', 'holes')
            for line in lab.bfc('info', images.json('info', n)['path'], 'file').text.splitlines() if 'crc32c' in line}
    check(len(sums) == 1, 'the checksums differ:', sums)
    check(listed(images, 'plain', 'holes') == [] == listed(images, 'holes', 'plain'), 'a hole is a difference')
    check(listed(images, 'other', 'holes') == [b'C file'] == listed(images, 'holes', 'other'), 'taken for the same')
    for name, names in (('plain', ['.', 'file']), ('other', [])):
        images('squash', name)
        images('commit', name, lab / 'other')
        check(plain_names(images.export(name).layer_names('x')) == names, name)
    images('commit', 'other', lab / 'holes')
    check(plain_names(images.export('other').layer_names('x')) == ['.', 'file'], 'taken for the same')


def check_podman_diff(lab, images, tree):
    """podman tells of the folders above a change, too; and it takes equal size and time for equal content."""
    engine = Engine(lab)
    image = engine.pull(images.export('app').source('x'))
    rows = json.loads(engine.podman('diff', '--format', 'json', image).out)
    theirs = {(kind, path.lstrip('/')) for member, kind in (('added', 'A'), ('changed', 'C'), ('deleted', 'D'))
              for path in rows.get(member) or []}
    ours = {(r[:1].decode(), os.fsdecode(r[2:])) for r in listed(images, 'app')}
    more = {(k, p) for k, p in theirs - ours if k != 'C' or not os.path.isdir(f'{tree}/{p}')}
    check(not more, 'podman sees more:', sorted(more)[:10])
    folder = lambda path: os.path.isdir(path) and not os.path.islink(path)
    less = {p for k, p in ours - theirs if k != 'D' or folder(f'{tree}/{os.path.dirname(p)}')}
    check(less == {'.', 'x/edit/content', 'x/edit/large', 'x/edit/nanosecond'}, 'podman sees less:', sorted(less)[:10])


# ── Platforms ──

def two_platforms(lab):
    layout = simple_layout(lab)
    other_base(layout)
    entries = []
    for ref, arch in (('one', 'amd64'), ('other', 'arm64')):
        layout.config(ref, '--architecture', arch)
        entries.append(dict(layout.descriptor(ref), platform={'os': 'linux', 'architecture': arch}))
        entries[-1]['annotations'] = {'org.example.for': arch}
    index = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json', 'manifests': entries}
    blob = layout.write_blob(json.dumps(index).encode())
    outer = json.loads(read(layout.path + '/index.json'))
    outer['manifests'].append(dict(blob, mediaType=index['mediaType'],
                                   annotations={'org.opencontainers.image.ref.name': 'multi'}))
    oddities.write(layout.path + '/index.json', json.dumps(outer).encode())
    return layout


def test_platforms(lab):
    images, layout = Images(lab), two_platforms(lab)
    source = layout.source('multi')
    trees = {arch: layout.unpack(ref) for ref, arch in (('one', 'amd64'), ('other', 'arm64'))}
    refs = {'amd64': 'one', 'arm64': 'other'}
    for arch, ref in refs.items():
        images('create', '--platform', 'linux/' + arch, arch, source)
        check(images.json('info', arch)['platform'] == 'linux/' + arch)
        same(trees[arch], images.extract(arch))
        check(images.export(arch).image_id('x') == layout.image_id(ref), 'another image ID')
    machine = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(os.uname().machine)
    if machine:
        images('create', 'default', source)
        check(images.json('info', 'default')['platform'] == 'linux/' + machine)
    images.refuses("linux/s390x", 'create', '--platform', 'linux/s390x', 'no', source, code=4)


def test_all_platforms(lab):
    """Every image is kept; the one of the platform is what commands see."""
    images, layout = Images(lab), two_platforms(lab)
    trees = {arch: layout.unpack(ref) for ref, arch in (('one', 'amd64'), ('other', 'arm64'))}
    for arch, ref, rest in (('amd64', 'one', 'other'), ('arm64', 'other', 'one')):
        images('create', '--all-platforms', '--platform', 'linux/' + arch, arch, layout.source('multi'))
        info = images.json('info', arch)
        check(info['platform'] == 'linux/' + arch and info['layers'] == len(layout.manifest(ref)['layers']), info)
        same(trees[arch], images.extract(arch))
        images.verify(arch)
        check(images.config(arch) == layout.image_config(ref))
        blob = lambda name: run([BLOB_PROBE, info['path'], name]).out
        for number, of in enumerate((ref, rest)):
            digest = layout.descriptor(of)['digest']
            check(blob(f'oci/{number}/manifest') == layout.blob(digest), 'manifest', number)
            check(blob(f'oci/{number}/config') == layout.blob(layout.image_id(of)), 'config', number)
        check(blob('oci/index') == layout.blob(layout.descriptor('multi')['digest']), 'index')
        out = images.export(arch)
        entries = out.manifest('x')['manifests']  # an index; in it the two images, and what told of them
        told = {e['platform']['architecture']: (json.loads(out.blob(e['digest']))['config']['digest'], e['annotations'])
                for e in entries}
        check(told == {a: (layout.image_id(r), {'org.example.for': a})
                       for r, a in (('one', 'amd64'), ('other', 'arm64'))}, told)
        for other in trees:
            images('create', '-f', '--platform', 'linux/' + other, 'again', out.source('x'))
            same(trees[other], images.extract('again'))
        images('export', arch, 'bfc:' + lab / arch + '.bfc')
        images('create', 'again', 'bfc:' + lab / arch + '.bfc', '--force')
        images.verify('again')
        images.refuses('platforms', 'commit', arch, trees[arch], code=1)


if __name__ == '__main__':
    BLOB_PROBE = os.path.abspath(sys.argv.pop(1))
    harness.main(globals(), shares=2)
