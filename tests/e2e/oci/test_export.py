# SPDX-License-Identifier: Apache-2.0
"""What goes out is what other programs read: skopeo, umoci and podman take what bfc exports, the
configuration is the one that came, every layer has its diffID, and what umoci unpacks of it is what it
unpacks of the source."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import compare  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
from harness import check, need, need_root, run  # pylint: disable=wrong-import-position

INDEX = 'application/vnd.oci.image.index.v1+json'
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
REF = 'org.opencontainers.image.ref.name'


def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)


def unpacked(data):
    """A layer's tar, whatever it is compressed by."""
    if data[:2] == b'\x1f\x8b':
        return gzip.decompress(data)
    if data[:4] == b'\x28\xb5\x2f\xfd':
        need('zstd')
        return subprocess.run(['zstd', '-dc'], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


# ── Sources ──

def plain_tree(path):
    """What every program here can take: names, links, modes, attributes, a hole."""
    write(path + '/bin/tool', b'#!/bin/sh\n')
    os.chmod(path + '/bin/tool', 0o4755)
    os.link(path + '/bin/tool', path + '/bin/again')
    os.symlink('tool', path + '/bin/link')
    write(path + '/etc/' + 'n' * 200 + '/' + 'm' * 150, b'deep\n')
    write(os.fsencode(path) + b'/etc/\xff\xfe', b'bytes\n')
    write(path + '/large', os.urandom(3 << 20))
    write(path + '/sparse', b'')
    os.truncate(path + '/sparse', 5 << 20)
    with open(path + '/sparse', 'r+b') as f:
        f.seek(1 << 20)
        f.write(os.urandom(5000))
    os.mkdir(path + '/empty', 0o700)
    os.utime(path + '/empty', ns=(10**18, 10**18 + 123456789))
    os.setxattr(path + '/large', 'user.x', b'\0value')
    if os.geteuid() == 0:
        os.mknod(path + '/null', 0o20666, os.makedev(1, 3))
        os.mkfifo(path + '/fifo')
        os.chown(path + '/empty', 70000, 3000000)


def umoci_layout(lab):
    """Two layers: a tree, then changes of every kind, whiteouts among them."""
    need('umoci', 'skopeo')
    need_root('unpack with owners')
    layout, image = lab / 'lay', (lab / 'lay') + ':a'
    run(['umoci', 'init', '--layout', layout])
    run(['umoci', 'new', '--image', image])
    run(['umoci', 'unpack', '--image', image, lab / 'work'])
    root = lab / 'work/rootfs'
    plain_tree(root)
    run(['umoci', 'repack', '--refresh-bundle', '--image', image, lab / 'work'])
    os.unlink(root + '/bin/tool')
    write(root + '/bin/new', b'new\n')
    os.rename(root + '/etc', root + '/moved')
    os.rmdir(root + '/empty')
    write(root + '/empty', b'no folder any more\n')
    run(['umoci', 'repack', '--image', image, lab / 'work'])
    run(['umoci', 'config', '--image', image, '--config.cmd', '/bin/new', '--config.env', 'A=b',
         '--manifest.annotation', 'org.example.kept=yes'])
    return layout


def unpack(lab, image, name):
    run(['umoci', 'unpack', '--image', image, lab / name])
    return lab / name + '/rootfs'


# ── Looking at what came out ──

class Layout:
    """An OCI layout, as a folder or a tar; every blob is checked against its name."""

    def __init__(self, path):
        self.files = {}
        if os.path.isdir(path):
            for folder, _, names in os.walk(path):
                for name in names:
                    whole = os.path.join(folder, name)
                    self.files[os.path.relpath(whole, path)] = read(whole)
        else:
            with tarfile.open(path) as tar:
                for member in tar:
                    self.files[member.name] = tar.extractfile(member).read()
        check(json.loads(self.files['oci-layout'])['imageLayoutVersion'] == '1.0.0')
        for name, data in self.files.items():
            if name.startswith('blobs/'):
                check(sha256(data) == 'sha256:' + os.path.basename(name), 'blob', name)
        self.index = json.loads(self.files['index.json'])

    def blob(self, descriptor):
        data = self.files['blobs/sha256/' + descriptor['digest'].split(':')[1]]
        check(len(data) == descriptor['size'], 'size of', descriptor)
        return data

    def named(self, ref):
        found = [d for d in self.index['manifests'] if d.get('annotations', {}).get(REF) == ref]
        check(len(found) == 1, len(found), 'entries named', ref)
        return found[0]

    def image(self, descriptor):
        """Manifest and the configuration's bytes; the layers have their diffIDs."""
        manifest = json.loads(self.blob(descriptor))
        config = self.blob(manifest['config'])
        diff_ids = json.loads(config)['rootfs']['diff_ids']
        check(len(diff_ids) == len(manifest['layers']), 'layers of', descriptor)
        for diff_id, layer in zip(diff_ids, manifest['layers']):
            check(sha256(unpacked(self.blob(layer))) == diff_id, 'diffID of', layer)
        return manifest, config


def config_of(spec):
    return run(['skopeo', 'inspect', '--config', '--raw', spec]).out


# ── Images from a directory ──

def test_directory(lab):
    need('umoci', 'skopeo')
    need_root('unpack with owners')
    plain_tree(lab.mkdir('src'))
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', 'app:1', lab / 'src')
    for how in ('gzip', 'zstd', 'none'):
        lab.bfc(*store, 'image', 'export', '-c', how, 'app:1', f'oci:{lab / "out"}:{how}')
    out = Layout(lab / 'out')
    configs = {out.image(out.named(how))[1] for how in ('gzip', 'zstd', 'none')}
    check(len(configs) == 1, 'the configuration depends on the compression')
    for how in ('gzip', 'none'):  # umoci knows no zstd
        tree = unpack(lab, f'{lab / "out"}:{how}', 'u' + how)
        compare.same_by_rsync(lab / 'src', tree)
        compare.same_by_getfattr(lab / 'src', tree)
    run(['skopeo', 'inspect', f'oci:{lab / "out"}:zstd'])


# ── Images of layers ──

def test_layers_come_out_as_they_were(lab):
    layout = umoci_layout(lab)
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', 'app:1', f'oci:{layout}:a')
    want = unpack(lab, layout + ':a', 'want')
    came, config = Layout(layout).image(Layout(layout).named('a'))
    for how in ('gzip', 'zstd', 'none'):
        lab.bfc(*store, 'image', 'export', '-c', how, 'app:1', f'oci:{lab / "out"}:{how}')
        manifest, got = Layout(lab / 'out').image(Layout(lab / 'out').named(how))
        check(got == config, 'the configuration has changed')
        check(manifest.get('annotations') == came.get('annotations'), 'annotations')
        if how != 'zstd':
            tree = unpack(lab, f'{lab / "out"}:{how}', 'u' + how)
            compare.same_by_rsync(want, tree)
            compare.same_by_getfattr(want, tree)


def test_manifest_stays_where_layers_do(lab):
    """What bfc compressed comes out of bfc as it went in, manifest and all."""
    layout = umoci_layout(lab)
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', 'app:1', f'oci:{layout}:a')
    lab.bfc(*store, 'image', 'export', 'app:1', f'oci:{lab / "one"}:x')
    lab.bfc(*store, 'image', 'create', 'app:2', f'oci:{lab / "one"}:x')
    lab.bfc(*store, 'image', 'export', 'app:2', f'oci:{lab / "two"}:x')
    check(Layout(lab / 'one').files == Layout(lab / 'two').files, 'another layout came out')


def test_archives(lab):
    layout = umoci_layout(lab)
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', 'app:1', f'oci:{layout}:a')
    config = config_of(f'oci:{layout}:a')
    oci, docker = lab / 'oci.tar', lab / 'docker.tar'
    lab.bfc(*store, 'image', 'export', 'app:1', 'oci-archive:' + oci)
    lab.bfc(*store, 'image', 'export', 'app:1', f'docker-archive:{docker}:example.com/x/y:2')
    out = Layout(oci)
    check(out.image(out.named('app:1'))[1] == config, 'oci-archive: the configuration has changed')
    check(config_of('oci-archive:' + oci) == config)
    check(config_of('docker-archive:' + docker) == config)
    with tarfile.open(docker) as tar:
        [image] = json.load(tar.extractfile('manifest.json'))
        check(image['RepoTags'] == ['example.com/x/y:2'], image)
        layers = [sha256(tar.extractfile(name).read()) for name in image['Layers']]
    check(layers == json.loads(config)['rootfs']['diff_ids'], layers)
    run(['skopeo', 'copy', '-q', 'docker-archive:' + docker, 'dir:' + lab.mkdir('dir')])
    run(['skopeo', 'copy', '-q', 'dir:' + lab / 'dir', f'oci:{lab / "back"}:z'])
    compare.same_by_rsync(unpack(lab, layout + ':a', 'want'), unpack(lab, lab / 'back' + ':z', 'got'))
    for kind, path in (('oci-archive:', oci), ('docker-archive:', docker)):
        before = read(path)
        lab.bfc(*store, 'image', 'export', 'app:1', kind + path, expect=1)
        lab.bfc(*store, 'image', 'create', '--force', 'again:1', kind + path)
        if kind == 'oci-archive:':
            lab.bfc(*store, 'image', 'export', '--force', 'app:1', kind + path)
            check(read(path) == before, 'another archive came out')
        lab.bfc(*store, 'image', 'export', '--force', 'again:1', kind + path)


def test_podman_loads_and_saves(lab):
    need('podman')
    layout = umoci_layout(lab)
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', 'app:1', f'oci:{layout}:a')
    image_id = sha256(config_of(f'oci:{layout}:a')).split(':')[1]
    with tempfile.TemporaryDirectory(prefix='r-') as run_root:  # podman takes no more than 50 characters
        podman_both_ways(lab, layout, store, image_id, run_root)


def podman_both_ways(lab, layout, store, image_id, run_root):
    podman = ['podman', '--root', lab / 'p', '--runroot', run_root, '--storage-driver', 'vfs']
    for kind in ('oci-archive', 'docker-archive'):
        lab.bfc(*store, 'image', 'export', 'app:1', f'{kind}:{lab / kind}')
        result = run([*podman, 'load', '-q', '-i', lab / kind], expect=None)
        if result.code != 0 and b'not permitted' in result.err:
            raise harness.Skip('podman may not work here: ' + result.message)
        check(result.code == 0, result.shown())
        shown = run([*podman, 'images', '-q', '--no-trunc']).text
        check(image_id in shown, f'no {image_id} in {shown}')
        # In the other format podman would write the configuration anew.
        run([*podman, 'save', '-q', '--format', kind, '-o', lab / kind + '.back', image_id])
        check(config_of(f'{kind}:{lab / kind}.back') == config_of(f'oci:{layout}:a'), kind)
        run([*podman, 'rmi', '-f', image_id])


# ── Several platforms ──

def two_platforms(lab):
    """A layout whose only name is an index of two images."""
    path = lab.mkdir('multi')
    files = {'oci-layout': b'{"imageLayoutVersion":"1.0.0"}'}

    def put(data, media_type, **more):
        files['blobs/sha256/' + sha256(data)[7:]] = data
        return dict({'mediaType': media_type, 'digest': sha256(data), 'size': len(data)}, **more)

    entries = []
    for arch in ('amd64', 'arm64'):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w') as tar:
            for name, text in (('common', b'the same' * 5000), ('arch', arch.encode())):
                member = tarfile.TarInfo(name)
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text))
        layer = put(gzip.compress(out.getvalue(), mtime=0), 'application/vnd.oci.image.layer.v1.tar+gzip')
        config = put(json.dumps({'os': 'linux', 'architecture': arch, 'config': {}, 'rootfs': {
            'type': 'layers', 'diff_ids': [sha256(out.getvalue())]}}).encode(),
                     'application/vnd.oci.image.config.v1+json')
        manifest = json.dumps({'schemaVersion': 2, 'mediaType': MANIFEST, 'config': config,
                               'layers': [layer]}).encode()
        entries.append(put(manifest, MANIFEST, platform={'os': 'linux', 'architecture': arch},
                           annotations={'org.example.arch': arch}))
    index = put(json.dumps({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': entries}).encode(), INDEX,
                annotations={REF: 'both'})
    files['index.json'] = json.dumps({'schemaVersion': 2, 'manifests': [index]}).encode()
    for name, data in files.items():
        write(os.path.join(path, name), data)
    return path


def test_all_platforms(lab):
    layout = two_platforms(lab)
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', '--all-platforms', 'both:1', f'oci:{layout}:both')
    lab.bfc(*store, 'image', 'export', 'both:1', f'oci:{lab / "out"}:both')
    out = Layout(lab / 'out')
    root = out.named('both')
    check(root['mediaType'] == INDEX, root)
    source = Layout(layout)
    want = {d['platform']['architecture']: d for d in json.loads(source.blob(source.named('both')))['manifests']}
    got = {d['platform']['architecture']: d for d in json.loads(out.blob(root))['manifests']}
    check(sorted(want) == sorted(got), got)
    for arch, descriptor in got.items():
        check(descriptor['annotations'] == {'org.example.arch': arch}, descriptor)
        check(out.image(descriptor)[1] == source.image(want[arch])[1], 'configuration of', arch)
    message = lab.bfc(*store, 'image', 'export', 'both:1', 'docker-archive:' + lab / 'd.tar').message
    check('only the first' in message, message)


# ── What does not work ──

def test_failures_leave_nothing(lab):
    """A disk that fills up: no half archive, no half layout."""
    need_root('mount a small disk')
    small = lab.mount_tmpfs('small', 'size=2m')
    write(lab / 'src/large', os.urandom(8 << 20))
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', 'app:1', lab / 'src')
    for dest in (f'oci:{small}/lay', f'oci-archive:{small}/a.tar', f'docker-archive:{small}/b.tar',
                 f'bfc:{small}/c.bfc'):
        message = lab.bfc(*store, 'image', 'export', 'app:1', dest, expect=1).message
        check('No space left' in message and message.count('\n') == 1, message)
        check(os.listdir(small) == [], dest, 'left', os.listdir(small))


if __name__ == '__main__':
    harness.main(globals())
