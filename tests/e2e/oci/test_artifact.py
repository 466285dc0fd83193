# SPDX-License-Identifier: Apache-2.0
"""Artifacts: manifests that are no images. What skopeo or hand wrote comes out of bfc as it was, manifest and
blobs, whatever their type and size; skopeo reads it; what only images can do is refused."""
import base64
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import harness  # pylint: disable=wrong-import-position
from harness import MIB, check, need, run  # pylint: disable=wrong-import-position

OCI = 'application/vnd.oci.image.'
MANIFEST, INDEX = OCI + 'manifest.v1+json', OCI + 'index.v1+json'
CONFIG, LAYER = OCI + 'config.v1+json', OCI + 'layer.v1.tar+gzip'
EMPTY = 'application/vnd.oci.empty.v1+json'
REF = 'org.opencontainers.image.ref.name'
BIG_CONFIG = 9 * MIB  # larger than what is kept as a document


def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


class Source:
    """An OCI layout in the making; every blob is written under its digest."""

    def __init__(self, path):
        self.path, self.entries = path, []
        os.makedirs(path + '/blobs/sha256')
        with open(path + '/oci-layout', 'w', encoding='ascii') as f:
            f.write('{"imageLayoutVersion":"1.0.0"}')

    def blob_path(self, digest):
        return self.path + '/blobs/sha256/' + digest.split(':')[1]

    def blob(self, data, media_type, /, **more):
        with open(self.blob_path(sha256(data)), 'wb') as f:
            f.write(data)
        return dict({'mediaType': media_type, 'digest': sha256(data), 'size': len(data)}, **more)

    def manifest(self, config, layers, entry=None, **more):
        # Spaces and an unknown member: it must come out byte for byte.
        text = json.dumps({'schemaVersion': 2, 'mediaType': MANIFEST, **more, 'config': config, 'layers': layers,
                           'x-unknown': [1.5]}, indent=3)
        return self.blob(text.encode(), MANIFEST, **(entry or {}))

    def name(self, descriptor, ref):
        self.entries.append(dict(descriptor, annotations={**descriptor.get('annotations', {}), REF: ref}))
        with open(self.path + '/index.json', 'w', encoding='ascii') as f:
            json.dump({'schemaVersion': 2, 'manifests': self.entries}, f)
        return descriptor['digest']

    def blobs_of(self, digest):
        """What a manifest names, and itself: {digest: bytes}"""
        manifest = json.loads(read(self.blob_path(digest)))
        names = {d['digest'] for d in [manifest['config'], *manifest['layers']]} | {digest}
        return {name: read(self.blob_path(name)) for name in names}


def image(source, arch='amd64'):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        member = tarfile.TarInfo('etc/' + arch)
        member.size = 5
        tar.addfile(member, io.BytesIO(b'text\n'))
    config = json.dumps({'os': 'linux', 'architecture': arch, 'config': {},
                         'rootfs': {'type': 'layers', 'diff_ids': [sha256(out.getvalue())]}}).encode()
    return source.manifest(source.blob(config, CONFIG),
                           [source.blob(gzip.compress(out.getvalue(), mtime=0), LAYER)],
                           {'platform': {'os': 'linux', 'architecture': arch}})


def artifacts(lab):
    """A layout of artifacts as their makers write them; {name: digest}"""
    source = Source(lab / 'lay')
    empty = source.blob(b'{}', EMPTY, data=base64.b64encode(b'{}').decode())
    big = os.urandom(5 * MIB) + bytes(4 * MIB) + b'end'
    made = {
        'chart': source.manifest(
            source.blob(b'{"name":"app","version":"1.0.0"}', 'application/vnd.cncf.helm.config.v1+json'),
            [source.blob(gzip.compress(b'chart' * 1000, mtime=0),
                         'application/vnd.cncf.helm.chart.content.v1.tar+gzip')],
            annotations={'org.opencontainers.image.title': 'app'}),
        # Of image configuration and empty layers, as signatures have it.
        'signature': source.manifest(
            source.blob(b'{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}', CONFIG),
            [source.blob(b'{"critical":{}}', 'application/vnd.dev.cosign.simplesigning.v1+json',
                         annotations={'dev.cosignproject.cosign/signature': 'MEUC'})]),
        'files': source.manifest(
            empty, [source.blob(big, 'application/octet-stream'), source.blob(b'', 'text/plain'),
                    source.blob(b'{}', 'application/json'), source.blob(bytes(3 * MIB), 'application/octet-stream')],
            artifactType='application/vnd.example+type'),
        'wasm': source.manifest(source.blob(b'{"architecture":"wasm"}', 'application/vnd.wasm.config.v0+json'),
                                [source.blob(b'\0asm\1\0\0\0', 'application/wasm')],
                                {'platform': {'os': 'wasip1', 'architecture': 'wasm'}}),
        'nothing': source.manifest(empty, [], artifactType='application/vnd.example+none'),
        'big-config': source.manifest(source.blob(os.urandom(1 << 16) * (BIG_CONFIG >> 16), 'application/x-big'),
                                      [empty]),
    }
    return source, {ref: source.name(d, ref) for ref, d in made.items()}


def layout_blobs(path):
    folder = path + '/blobs/sha256'
    return {'sha256:' + name: read(os.path.join(folder, name)) for name in os.listdir(folder)}


def root_of(layout):
    [entry] = json.loads(read(layout + '/index.json'))['manifests']
    return entry


# ── In and out ──

def test_everything_comes_back(lab):
    source, made = artifacts(lab)
    store = ['--store', lab / 'store']
    for ref, digest in made.items():
        lab.bfc(*store, 'image', 'create', '--artifact', ref, f'oci:{source.path}:{ref}')
        want = source.blobs_of(digest)
        for how in ('gzip', 'none'):
            out = lab / f'out-{ref}-{how}'
            lab.bfc(*store, 'image', 'export', '-c', how, ref, f'oci:{out}:x')
            check(layout_blobs(out) == want, ref, 'has other blobs')
            entry = root_of(out)
            check((entry['digest'], entry['size'], entry['mediaType']) ==
                  (digest, len(want[digest]), MANIFEST), entry)
        archive = lab / ref + '.tar'
        lab.bfc(*store, 'image', 'export', ref, f'oci-archive:{archive}:x')
        with tarfile.open(archive) as tar:
            names = sorted(n for n in tar.getnames() if n.startswith('blobs/sha256/'))
            check(names == sorted('blobs/sha256/' + d[7:] for d in want), names)
            for name in names:
                check(tar.extractfile(name).read() == want['sha256:' + os.path.basename(name)], name)
        lab.bfc(*store, 'image', 'verify', '--deep', ref)
        lab.bfc('verify', '--deep', lab.bfc(*store, 'image', 'info', '--json', ref).json['path'])
        lab.bfc(*store, 'image', 'create', '--artifact', ref + '-again', f'oci-archive:{archive}:x')
        check(lab.bfc(*store, 'image', 'info', '--json', ref + '-again').json['manifest_digest'] == digest)


def test_extract_gives_the_blobs(lab):
    source, made = artifacts(lab)
    store = ['--store', lab / 'store']
    for ref, digest in made.items():
        lab.bfc(*store, 'image', 'create', '--artifact', ref, f'oci:{source.path}:{ref}')
        lab.bfc(*store, 'image', 'extract', ref, lab / ref)
        want = source.blobs_of(digest)
        del want[digest]
        check(layout_blobs(lab / ref) == want, ref, 'was extracted otherwise')
        check(os.listdir(lab / ref) == ['blobs'] and os.listdir(lab / ref + '/blobs') == ['sha256'], ref)
        for name in os.listdir(lab / ref + '/blobs/sha256'):
            check(os.stat(f'{lab / ref}/blobs/sha256/{name}').st_mode == 0o100644, name)


def test_what_is_told(lab):
    source, made = artifacts(lab)
    store = ['--store', lab / 'store']
    for ref in made:
        lab.bfc(*store, 'image', 'create', '--artifact', ref, f'oci:{source.path}:{ref}')
        manifest = json.loads(read(source.blob_path(made[ref])))
        info = lab.bfc(*store, 'image', 'info', '--json', ref).json
        blobs = {d['digest']: d['size'] for d in [manifest['config'], *manifest['layers']]}
        check(info['manifest_digest'] == made[ref] and info['layers'] == len(manifest['layers']), info)
        check(info['files'] == 3 + len(blobs) and info['content_bytes'] == sum(blobs.values()), info)
        check(info['platform'] == ('wasip1/wasm' if ref == 'wasm' else 'unknown'), info)
        layers = lab.bfc(*store, 'image', 'layers', '--json', ref).json['layers']
        check([(layer['digest'], layer['media_type'], layer['size']) for layer in layers] ==
              [(d['digest'], d['mediaType'], d['size']) for d in manifest['layers']], layers)
        check(all(layer['diff_id'] == '' and not layer['empty'] for layer in layers), layers)
        table = lab.bfc(*store, 'image', 'layers', ref).text.splitlines()[1:]
        check([line.split()[1::len(line.split()) - 2] for line in table] ==
              [[d['digest'][7:19], d['mediaType']] for d in manifest['layers']], table)
        check(lab.bfc(*store, 'image', 'config', '--manifest', ref).out == read(source.blob_path(made[ref])), ref)
        config = lab.bfc(*store, 'image', 'config', ref, expect=4 if ref == 'big-config' else 0)
        if ref == 'big-config':
            check('too large' in config.message and manifest['config']['digest'] in config.message, config.shown())
        else:
            check(config.out == read(source.blob_path(manifest['config']['digest'])), ref)
    listed = {i['name'] for i in lab.bfc(*store, 'image', 'list', '--json').json['images']}
    check(listed == {ref + ':latest' for ref in made}, listed)
    for ref in made:
        lab.bfc(*store, 'image', 'diff', ref, 'chart')


def test_skopeo_reads_it(lab):
    """What is exported goes through skopeo to a folder and back, and through bfc once more."""
    need('skopeo')
    source, made = artifacts(lab)
    del made['big-config']  # skopeo takes 4 MiB
    store = ['--store', lab / 'store']
    for ref, digest in made.items():
        lab.bfc(*store, 'image', 'create', '--artifact', ref, f'oci:{source.path}:{ref}')
        lab.bfc(*store, 'image', 'export', ref, f'oci:{lab / "out"}:{ref}')
        folder, back = lab / 'dir-' + ref, lab / 'back-' + ref
        check(run(['skopeo', 'inspect', '--raw', f'oci:{lab / "out"}:{ref}']).out ==
              read(source.blob_path(digest)), ref)
        run(['skopeo', 'copy', '-q', '--preserve-digests', f'oci:{lab / "out"}:{ref}', f'dir:{folder}'])
        for name, data in source.blobs_of(digest).items():
            there = 'manifest.json' if name == digest else name[7:]
            check(read(os.path.join(folder, there)) == data, ref, name)
        run(['skopeo', 'copy', '-q', '--preserve-digests', f'dir:{folder}', f'oci:{back}:x'])
        lab.bfc(*store, 'image', 'create', '--artifact', '-f', ref, f'oci:{back}:x')
        check(lab.bfc(*store, 'image', 'info', '--json', ref).json['manifest_digest'] == digest, ref)


# ── Indexes ──

def index_of_all(lab):
    """What buildx makes with provenance, and a document that somebody put beside it."""
    source = Source(lab / 'lay')
    entries = [image(source), image(source, 'arm64')]
    for entry in list(entries):
        statement = source.blob(json.dumps({'subject': entry['digest']}).encode(), 'application/vnd.in-toto+json')
        config = source.blob(json.dumps({'of': entry['digest'], 'rootfs': {'type': 'layers', 'diff_ids': []}}).encode(),
                             CONFIG)
        entries.append(source.manifest(config, [statement], {
            'platform': {'os': 'unknown', 'architecture': 'unknown'},
            'annotations': {'vnd.docker.reference.type': 'attestation-manifest',
                            'vnd.docker.reference.digest': entry['digest']}}))
    entries.append(source.manifest(source.blob(b'{}', EMPTY), [source.blob(b'list', 'text/spdx')],
                                   {'artifactType': 'text/spdx'}, artifactType='text/spdx'))
    index = source.blob(json.dumps({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': entries}).encode(), INDEX)
    source.name(index, 'all')
    return source, entries


def test_an_index_of_images_and_artifacts(lab):
    source, entries = index_of_all(lab)
    store = ['--store', lab / 'store']
    create = ['image', 'create', '--platform', 'linux/arm64']
    lab.bfc(*store, *create, '--artifact', 'one', f'oci:{source.path}:all')  # the image that fits is one
    info = lab.bfc(*store, 'image', 'info', '--json', 'one').json
    check((info['manifest_digest'], info['platform']) == (entries[1]['digest'], 'linux/arm64'), info)
    lab.bfc(*store, 'image', 'extract', 'one', lab / 'one')
    check(os.listdir(lab / 'one') == ['etc'], os.listdir(lab / 'one'))
    failed = lab.bfc(*store, *create, '--all-platforms', 'two', f'oci:{source.path}:all', expect=1)
    check('text/spdx' in failed.message and '--artifact' in failed.message, failed.shown())

    lab.bfc(*store, *create, '--artifact', '--all-platforms', 'all', f'oci:{source.path}:all')
    lab.bfc(*store, 'image', 'verify', '--deep', 'all')
    path = lab.bfc(*store, 'image', 'info', '--json', 'all').json['path']
    trees = [(tree['kind'], tree['label']) for tree in lab.bfc('info', '--json', path).json['trees']]
    check(trees.count(('file-system', '')) == 3 and sum(kind == 'merged' for kind, _ in trees) == 2, trees)
    lab.bfc(*store, 'image', 'extract', 'all', lab / 'all')
    check(os.listdir(lab / 'all/etc') == ['arm64'])
    lab.bfc(*store, 'image', 'export', 'all', f'oci:{lab / "out"}:x')
    out = layout_blobs(lab / 'out')
    got = json.loads(out[root_of(lab / 'out')['digest']])['manifests']
    by_digest = {e['digest']: e for e in got}
    check(len(got) == len(entries), got)
    for entry in entries[2:]:  # the artifacts, with what the index says of them
        check(by_digest[entry['digest']] == entry, entry, by_digest.get(entry['digest']))
        for name, data in source.blobs_of(entry['digest']).items():
            check(out[name] == data, name)
    message = lab.bfc(*store, 'image', 'export', 'all', f'docker-archive:{lab / "d.tar"}').message
    check('only the first' in message, message)


def test_one_entry_by_its_digest(lab):
    source, entries = index_of_all(lab)
    store = ['--store', lab / 'store']
    for entry in entries[2:]:
        lab.bfc(*store, 'image', 'create', '--artifact', '-f', 'x', f'oci:{source.path}:@{entry["digest"]}')
        lab.bfc(*store, 'image', 'export', 'x', f'oci:{lab / entry["digest"][7:]}:x')
        check(layout_blobs(lab / entry['digest'][7:]) == source.blobs_of(entry['digest']), entry)


# ── What is refused ──

def test_only_with_the_option(lab):
    source, made = artifacts(lab)
    store = ['--store', lab / 'store']
    for ref in made:
        failed = lab.bfc(*store, 'image', 'create', ref, f'oci:{source.path}:{ref}', expect=1)
        check('--artifact' in failed.message, failed.shown())
    check(lab.bfc(*store, 'image', 'list', '--json').json['images'] == [])
    # An image stays an image.
    source.name(image(source), 'app')
    lab.bfc(*store, 'image', 'create', '--artifact', '--platform', 'linux/amd64', 'app', f'oci:{source.path}:app')
    check(lab.bfc(*store, 'image', 'layers', '--json', 'app').json['layers'][0]['diff_id'] != '')


def test_what_only_images_can(lab):
    source, _ = artifacts(lab)
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', '--artifact', 'chart', f'oci:{source.path}:chart')
    source.name(image(source), 'app')
    lab.bfc(*store, 'image', 'create', '--platform', 'linux/amd64', 'app', f'oci:{source.path}:app')
    lab.mkdir('dir')
    path = lab.bfc(*store, 'image', 'info', '--json', 'chart').json['path']
    before = read(path)
    for args in (['export', 'chart', f'docker-archive:{lab / "d.tar"}'],
                 ['bundle', 'chart', lab / 'bundle'],
                 ['commit', 'chart', lab / 'dir'],
                 ['squash', 'chart'],
                 ['rebase', 'chart', 'app'],
                 ['rebase', '--from', 'app', 'app', 'chart'],
                 ['config', 'chart', '--user', 'me'],
                 ['extract', 'chart#1', lab / 'x'],
                 ['diff', 'chart'],
                 ['diff', 'app', 'chart#1']):
        failed = lab.bfc(*store, 'image', *args, expect=1)
        check('it is an artifact, not an image' in failed.message and failed.message.count('\n') == 1, failed.shown())
    for name in ('d.tar', 'bundle', 'x'):
        check(not os.path.lexists(lab / name), name, 'was left')
    check(read(path) == before, 'the artifact was changed')
    lab.bfc(*store, 'image', 'verify', '--deep', 'chart')


def test_no_base(lab):
    """An artifact whose config tells of the layers of an image is no base for it."""
    source = Source(lab / 'lay')
    app = image(source)
    config = json.loads(read(source.blob_path(app['digest'])))['config']
    source.name(source.manifest(config, [source.blob(b'signed', 'application/x-signature')]), 'signature')
    source.name(app, 'app')
    store = ['--store', lab / 'store']
    lab.bfc(*store, 'image', 'create', '--artifact', 'signature', f'oci:{source.path}:signature')
    create = ['image', 'create', '--platform', 'linux/amd64']
    lab.bfc(*store, *create, 'app', f'oci:{source.path}:app')
    lab.bfc(*store, 'image', 'extract', 'app', lab / 'x')
    check(os.listdir(lab / 'x') == ['etc'], os.listdir(lab / 'x'))
    # And the other way round.
    lab.bfc(*store, 'image', 'create', '--artifact', '-f', 'signature', f'oci:{source.path}:signature')
    lab.bfc(*store, 'image', 'verify', '--deep', 'signature')


def test_damaged_blobs(lab):
    """What is not what was promised leaves nothing in the store."""
    source, made = artifacts(lab)
    store = ['--store', lab / 'store']
    manifest = json.loads(read(source.blob_path(made['files'])))
    path = source.blob_path(manifest['layers'][0]['digest'])
    good = read(path)
    for bad, words in ((good[:-1] + b'x', 'has the digest'), (good[:-1], f'promises {len(good)} bytes'),
                       (good + b'x', 'more came'), (b'', '0 came'), (None, '')):
        os.unlink(path)
        if bad is not None:
            with open(path, 'wb') as f:
                f.write(bad)
        failed = lab.bfc(*store, 'image', 'create', '--artifact', 'x', f'oci:{source.path}:files',
                         expect=4 if bad is None else 3)
        check(words in failed.message and manifest['layers'][0]['digest'] in failed.message, failed.shown())
        check(failed.message.count('\n') == 1, failed.shown())
        check(lab.bfc(*store, 'image', 'list', '--json').json['images'] == [])
        with open(path, 'wb') as f:
            f.write(good)
    # Two descriptors of one digest that disagree.
    wrong = dict(manifest['layers'][0], size=7)
    source.name(source.manifest(manifest['config'], [manifest['layers'][0], wrong]), 'twice')
    failed = lab.bfc(*store, 'image', 'create', '--artifact', 'x', f'oci:{source.path}:twice', expect=3)
    check('promises 7 bytes' in failed.message, failed.shown())
    failed = lab.bfc(*store, 'image', 'create', '--artifact', '--max-size', '1M', 'x', f'oci:{source.path}:files',
                     expect=None)
    check(failed.code != 0 and 'are allowed' in failed.message, failed.shown())


if __name__ == '__main__':
    harness.main(globals(), shares=2)
