# SPDX-License-Identifier: Apache-2.0
"""Sources of images that umoci, skopeo and buildah made are opened, and every blob comes as it was
promised. The program under test is origin_probe. Archives of old docker versions are made here, as
nothing makes them any more."""
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import harness  # pylint: disable=wrong-import-position
from harness import check, need, run  # pylint: disable=wrong-import-position

LAYER = 'application/vnd.oci.image.layer.v1.tar'
CONFIG = 'application/vnd.oci.image.config.v1+json'


def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)


class Told:
    """What the probe says of a source."""

    def __init__(self, text):
        lines = [line.split(' ') for line in text.splitlines()]
        facts = {words[0]: words[1:] for words in lines if words[0] != 'blob'}
        self.kind, self.checked = facts['kind'][0], facts['checked'][0]
        self.name, self.docker = ' '.join(facts['name']), facts.get('docker')
        self.digest, self.size, self.media_type = facts['root']
        self.blobs = [words[1:] for words in lines if words[0] == 'blob']

    def all_as_promised(self):
        """Every blob has the digest that the document promises."""
        check(self.blobs, 'no blobs')
        for media_type, promised, came, _ in self.blobs:
            check(promised == came, media_type, 'promised', promised, 'but it has', came)
        return self


def probe(lab, spec):
    return Told(run([lab.bfc_path, spec], cwd=lab.path).text).all_as_promised()


def refused(lab, spec, *words):
    message = run([lab.bfc_path, spec], expect=1, cwd=lab.path).message
    for word in words:
        check(word in message, f'no {word!r} in: {message}')
    check(message.count('\n') == 1, 'not one line:', message)
    return message


def make_layout(lab, name='lay', ref='one', layers=3):
    """An image of several layers that umoci made; returns the layout's path."""
    need('umoci', 'skopeo')
    path = lab / name
    if not os.path.exists(path):
        run(['umoci', 'init', '--layout', path])
    image = f'{path}:{ref}'
    run(['umoci', 'new', '--image', image])
    rootless = [] if os.geteuid() == 0 else ['--rootless']
    for i in range(layers):
        tree = lab.mkdir(f'{name}-{ref}-{i}')
        write(tree + '/file', f'{name} {ref} {i}'.encode() * (1 + 20000 * i))
        write(tree + '/random', os.urandom(100000 * i + 1))
        run(['umoci', 'insert', *rootless, '--image', image, tree, f'/tree{i}'])
    return path


def root_of(layout, ref):
    index = json.loads(read(layout + '/index.json'))
    return next(m for m in index['manifests']
                if m['annotations']['org.opencontainers.image.ref.name'] == ref)


def skopeo(*words):
    run(['skopeo', '--insecure-policy', *words])


def test_layout(lab):
    layout = make_layout(lab)
    make_layout(lab, ref='two.1-x', layers=1)
    root = root_of(layout, 'one')
    specs = [f'oci:{layout}:one', f'{layout}:one', 'oci:lay:one', 'lay/:one',
             f'oci:lay:@{root["digest"]}', 'oci:lay:@0',
             'manifest:lay/blobs/sha256/' + root['digest'][7:]]
    for spec in specs:
        told = probe(lab, spec)
        check(told.digest == root['digest'] and int(told.size) == root['size'], spec)
        check(told.checked == 'yes' and told.kind == 'manifest', spec)
        check([b[0] for b in told.blobs] == [CONFIG] + [LAYER + '+gzip'] * 3, spec, told.blobs)
    refused(lab, 'oci:lay', "'one', 'two.1-x'")
    refused(lab, 'oci:lay:three', 'not-found', "'three'", "'one', 'two.1-x'")


def test_archive(lab):
    layout = make_layout(lab)
    skopeo('copy', f'oci:{layout}:one', f'oci-archive:{lab / "a.tar"}:name:with/colon')
    for spec in ('oci-archive:a.tar', 'a.tar', 'a.tar:name:with/colon',
                 'oci-archive:a.tar:name:with/colon'):
        told = probe(lab, spec)
        check(told.digest == root_of(layout, 'one')['digest'], spec, told.digest)
        check(len(told.blobs) == 4, spec)
    refused(lab, 'a.tar:other', "'name:with/colon'")

    # Tars of a layout by other programs, with other names for the same.
    for tar, options in (('gnu.tar', []), ('dot.tar', ['--format=pax']), ('v7.tar', ['--format=gnu'])):
        what = ['.'] if tar == 'dot.tar' else sorted(os.listdir(layout))
        run(['tar', '-cf', lab / tar, *options, '-C', layout, *what])
        check(len(probe(lab, tar + ':one').blobs) == 4)
    run(['gzip', '-k', lab / 'a.tar'])
    refused(lab, 'a.tar.gz', 'unsupported', 'compressed with gzip', 'decompress it first')
    refused(lab, 'oci-archive:a.tar.gz', 'decompress it first')
    whole = read(lab / 'a.tar')
    for cut in (0, 100, 512, 700, len(whole) // 2):
        write(lab / 'cut.tar', whole[:cut])
        refused(lab, 'oci-archive:cut.tar')


def test_docker_archive(lab):
    layout = make_layout(lab)
    skopeo('copy', f'oci:{layout}:one', f'docker-archive:{lab / "d.tar"}:thing/app:1.0')
    config = next(b for b in probe(lab, 'lay:one').blobs if b[0] == CONFIG)
    for spec in ('docker-archive:d.tar', 'd.tar', 'd.tar:thing/app:1.0',
                 'docker-archive:d.tar:docker.io/thing/app:1.0', 'd.tar:@0', f'd.tar:@{config[1]}'):
        told = probe(lab, spec)
        check(told.checked == 'no' and told.docker, spec)
        check(told.blobs[0][1] == config[1], 'the configuration is another one')
        check([b[0] for b in told.blobs] == [CONFIG] + [LAYER] * 3, spec, told.blobs)
    refused(lab, 'd.tar:thing/app', "'docker.io/thing/app:1.0'")
    unpacked = lab.mkdir('unpacked')
    run(['tar', '-xf', lab / 'd.tar', '-C', unpacked])
    for spec in ('docker-archive:unpacked', 'unpacked', 'manifest:unpacked/manifest.json',
                 'unpacked:thing/app:1.0'):
        check(probe(lab, spec).digest == told.digest, spec)
    # A later manifest that skopeo makes of it is ours, but for its media types.
    skopeo('copy', f'docker-archive:{lab / "d.tar"}', f'dir:{lab / "flat"}')
    flat = probe(lab, 'manifest:flat/manifest.json')
    check([b[1] for b in flat.blobs] == [b[1] for b in told.blobs])


def test_several_in_one_docker_archive(lab):
    layout = make_layout(lab)
    make_layout(lab, ref='two', layers=1)
    # skopeo adds to no archive, but a manifest.json can list both.
    for ref in ('one', 'two'):
        skopeo('copy', f'oci:{layout}:{ref}', f'docker-archive:{lab / ref}.tar:{ref}:1')
        run(['tar', '-xf', f'{lab / ref}.tar', '--one-top-level=' + lab / 'both'])
        shutil.move(lab / 'both/manifest.json', lab / f'{ref}.json')
    images = json.loads(read(lab / 'one.json')) + json.loads(read(lab / 'two.json'))
    write(lab / 'both/manifest.json', json.dumps(images).encode())
    run(['tar', '-cf', lab / 'both.tar', '-C', lab / 'both', '.'])
    for source in ('both.tar', 'both'):
        check(len(probe(lab, source + ':one:1').blobs) == 4)
        check(len(probe(lab, source + ':docker.io/library/two:1').blobs) == 2)
        check(len(probe(lab, source + ':@1').blobs) == 2)
        refused(lab, source, '2 images', "'docker.io/library/one:1', 'docker.io/library/two:1'")


def test_skopeo_dir(lab):
    layout = make_layout(lab)
    skopeo('copy', f'oci:{layout}:one', f'dir:{lab / "flat"}')
    told = probe(lab, 'manifest:flat/manifest.json')
    check(told.digest == root_of(layout, 'one')['digest'] and told.checked == 'no')
    check(len(told.blobs) == 4)


def test_compressions_and_schema_2(lab):
    layout = make_layout(lab)
    skopeo('copy', '--dest-compress-format', 'zstd', '--dest-compress', f'oci:{layout}:one',
           f'oci:{lab / "zstd"}:x')
    probe(lab, 'zstd')
    skopeo('copy', '--format', 'v2s2', f'oci:{layout}:one', f'dir:{lab / "s2"}')
    told = probe(lab, 'manifest:s2/manifest.json')
    check(told.media_type == 'application/vnd.docker.distribution.manifest.v2+json')
    check(told.blobs[1][0] == 'application/vnd.docker.image.rootfs.diff.tar.gzip')


def test_index(lab):
    """An index of two platforms, as buildah's and docker's builders nest it."""
    layout = make_layout(lab)
    make_layout(lab, ref='two', layers=1)
    entries = []
    for ref, arch in (('one', 'amd64'), ('two', 'arm64')):
        entry = root_of(layout, ref)
        del entry['annotations']
        entries.append(dict(entry, platform={'os': 'linux', 'architecture': arch}))
    index = json.dumps({'schemaVersion': 2, 'manifests': entries}).encode()
    write(layout + '/blobs/sha256/' + sha256(index)[7:], index)
    outer = {'schemaVersion': 2, 'manifests': [
        {'mediaType': 'application/vnd.oci.image.index.v1+json', 'digest': sha256(index),
         'size': len(index), 'annotations': {'org.opencontainers.image.ref.name': 'multi'}}]}
    write(layout + '/index.json', json.dumps(outer).encode())
    for spec in ('lay', 'lay:multi', f'lay:@{sha256(index)}',
                 'manifest:lay/blobs/sha256/' + sha256(index)[7:]):
        told = probe(lab, spec)
        check(told.kind == 'index' and told.digest == sha256(index), spec)
        check(len(told.blobs) == 2 + 4 + 2, spec)
    check(len(probe(lab, f'lay:@{entries[1]["digest"]}').blobs) == 2)
    write(layout + '/index.json', index)
    told = probe(lab, 'lay')
    check(told.kind == 'index' and told.checked == 'no' and len(told.blobs) == 8)


# ── Archives that only old versions of docker made ──

def layer_tar(name):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 3000
        tar.addfile(entry, io.BytesIO(name.encode() * 1000 + b' ' * 3000))
    return out.getvalue()


def add(tar, name, data=b'', kind=tarfile.REGTYPE, link=''):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, link, len(data)
    tar.addfile(entry, io.BytesIO(data))


def image_config(*layers):
    return json.dumps({'architecture': 'amd64', 'os': 'linux', 'rootfs': {
        'type': 'layers', 'diff_ids': [sha256(layer) for layer in layers]}}).encode()


def test_old_docker_with_links(lab):
    """Docker 1.10 to 24: a folder for each layer; what another image has already is a link."""
    low, high = layer_tar('low'), layer_tar('high')
    config = image_config(low, high, low)
    ids = [c * 64 for c in 'abc']
    manifest = [{'Config': sha256(config)[7:] + '.json', 'RepoTags': ['old:1'],
                 'Layers': [i + '/layer.tar' for i in ids]}]
    with tarfile.open(lab / 'old.tar', 'w', format=tarfile.USTAR_FORMAT) as tar:
        for i, data in zip(ids[:2], (low, high)):
            add(tar, i + '/', kind=tarfile.DIRTYPE)
            add(tar, i + '/VERSION', b'1.0')
            add(tar, i + '/json', b'{}')
            add(tar, i + '/layer.tar', data)
        add(tar, ids[2] + '/layer.tar', kind=tarfile.SYMTYPE, link=f'../{ids[0]}/layer.tar')
        add(tar, manifest[0]['Config'], config)
        add(tar, 'manifest.json', json.dumps(manifest).encode())
        add(tar, 'repositories', json.dumps({'old': {'1': ids[2]}}).encode())
    told = probe(lab, 'old.tar')
    check([b[1] for b in told.blobs] == [sha256(d) for d in (config, low, high, low)])
    unpacked = lab.mkdir('unpacked')
    run(['tar', '-xf', lab / 'old.tar', '-C', unpacked])
    check(probe(lab, 'unpacked').digest == told.digest)
    need('skopeo')  # reads the same
    skopeo('copy', f'docker-archive:{lab / "old.tar"}', f'dir:{lab / "flat"}')
    flat = probe(lab, 'manifest:flat/manifest.json')
    check([b[1] for b in flat.blobs] == [b[1] for b in told.blobs])


def test_oldest_docker(lab):
    """Docker before 1.10: no manifest.json."""
    low, high = layer_tar('low'), layer_tar('high')
    with tarfile.open(lab / 'oldest.tar', 'w', format=tarfile.USTAR_FORMAT) as tar:
        for name, parent, data in (('b' * 64, 'a' * 64, high), ('a' * 64, None, low)):
            about = {'id': name, 'created': '2014-01-01T00:00:00Z', 'os': 'linux',
                     'architecture': 'amd64', 'config': {'Cmd': ['/bin/true']}}
            if parent:
                about['parent'] = parent
            add(tar, name + '/VERSION', b'1.0')
            add(tar, name + '/json', json.dumps(about).encode())
            add(tar, name + '/layer.tar', data)
        add(tar, 'repositories', json.dumps({'oldest': {'1': 'b' * 64}}).encode())
    for spec in ('oldest.tar', 'docker-archive:oldest.tar:oldest:1'):
        told = probe(lab, spec)
        check(told.docker is None)
        check([b[1] for b in told.blobs[1:]] == [sha256(low), sha256(high)])
    refused(lab, 'oldest.tar:x', "'oldest:1'")


def test_bomb_in_oldest_docker(lab):
    """Its diffIDs are computed when it is opened: that must not take hours."""
    need('zstd')
    with open(lab / 'zeros', 'wb') as f:
        f.truncate(1100 << 20)
    run(['zstd', '-q', '-1', lab / 'zeros'])
    with tarfile.open(lab / 'bomb.tar', 'w') as tar:
        add(tar, 'a/json', b'{"id":"a"}')
        add(tar, 'a/layer.tar', read(lab / 'zeros.zst'))
        add(tar, 'repositories', b'{"x":{"1":"a"}}')
    refused(lab, 'bomb.tar', 'limit', "'a/layer.tar'", 'inflates to more than')


def test_new_docker(lab):
    """Docker from 25 on: a layout and a manifest.json in one archive."""
    data = layer_tar('new')
    config = image_config(data)
    blobs = [config, data]
    manifest = json.dumps({'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json',
                           'config': {'mediaType': CONFIG, 'digest': sha256(config), 'size': len(config)},
                           'layers': [{'mediaType': LAYER, 'digest': sha256(data), 'size': len(data)}]})
    blobs.append(manifest.encode())
    index = {'schemaVersion': 2, 'manifests': [
        {'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'digest': sha256(blobs[2]),
         'size': len(blobs[2]), 'annotations': {'org.opencontainers.image.ref.name': '1',
                                                'io.containerd.image.name': 'docker.io/library/new:1'}}]}
    docker = [{'Config': 'blobs/sha256/' + sha256(config)[7:], 'RepoTags': ['new:1'],
               'Layers': ['blobs/sha256/' + sha256(data)[7:]]}]
    with tarfile.open(lab / 'new.tar', 'w') as tar:
        for blob in blobs:
            add(tar, 'blobs/sha256/' + sha256(blob)[7:], blob)
        add(tar, 'index.json', json.dumps(index).encode())
        add(tar, 'manifest.json', json.dumps(docker).encode())
        add(tar, 'oci-layout', b'{"imageLayoutVersion":"1.0.0"}')
    told = probe(lab, 'docker-archive:new.tar:new:1')
    check(told.docker and [b[1] for b in told.blobs] == [sha256(config), sha256(data)])
    told = probe(lab, 'new.tar')
    check(told.checked == 'yes' and told.digest == sha256(blobs[2]))


def test_hostile_names(lab):
    """Nothing outside is read, whatever manifest.json and the members say."""
    secret = layer_tar('secret')
    write(lab / 'secret', secret)
    config = image_config(secret)
    for name, link in (('../secret', None), (lab / 'secret', None), ('l', '../secret'),
                       ('l', lab / 'secret'), ('l', 'l'), ('a/l', '../../secret')):
        manifest = json.dumps([{'Config': 'c', 'RepoTags': None, 'Layers': [name]}]).encode()
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            with tarfile.open(lab / 'bad.tar', 'w') as tar:
                add(tar, 'c', config)
                add(tar, 'manifest.json', manifest)
                if link:
                    add(tar, name, kind=kind, link=link)
            refused(lab, 'docker-archive:bad.tar', 'layer 0')
        harness.remove(lab / 'bad')
        write(lab / 'bad/c', config)
        write(lab / 'bad/manifest.json', manifest)
        if link:
            os.makedirs(os.path.dirname(lab / 'bad/' + name), exist_ok=True)
            os.symlink(link, lab / 'bad/' + name)
        refused(lab, 'docker-archive:bad', 'layer 0')


def test_wrong_blobs(lab):
    """A layer that is not what was promised is told of by the probe's sums; documents are refused."""
    layout = make_layout(lab)
    root = root_of(layout, 'one')
    path = layout + '/blobs/sha256/' + root['digest'][7:]
    good = read(path)
    write(path, good.replace(b'sha256', b'sha257', 1))
    refused(lab, 'lay:one', 'corrupt', root['digest'], 'what came has sha256:')
    write(path, good + b' ')
    refused(lab, 'lay:one', 'corrupt', f'promises {len(good)} bytes, more came')
    write(path, good[:-1])
    refused(lab, 'lay:one', f'promises {len(good)} bytes, {len(good) - 1} came')
    os.unlink(path)
    refused(lab, 'lay:one', 'not-found', root['digest'])


if __name__ == '__main__':
    harness.main(globals())
