#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images from any place to any other: what arrives is read by skopeo and umoci, and has the digests that it had.

usage: test_copy.py BFC [NAME…]
"""
import gzip
import itertools
import json
import os
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import LAYER, MANIFEST, MIB, Layout, layer, noise, sha256
from registries import DockerRegistry, FakeRegistry, isolate, signal_in
import harness
from harness import check, run

FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'


def sample(lab):
    """A multi-platform index with what a builder says of it, the image of this machine's kind in it, an artifact."""
    layout = Layout(lab / 'layout')
    base = layer(1, 300_000)
    amd = layout.image([base, layer(2, 100)])
    index = layout.index({'amd64': amd, 'arm64': layout.image([layer(3, 50), base], 'arm64')})
    layout.tag('multi', index)
    layout.tag('one', amd)
    chart = layout.blob(b'{"name":"chart"}', 'application/vnd.cncf.helm.config.v1+json')
    layout.tag('chart', layout.document(
        {'schemaVersion': 2, 'mediaType': MANIFEST, 'config': chart,
         'layers': [layout.blob(noise(7, 9000), 'application/vnd.cncf.helm.chart.content.v1.tar+gzip')]}, MANIFEST))
    return layout, amd['digest'], index['digest']


def skopeo(*args):
    return run(['skopeo', '--insecure-policy', *args]).out


def raw_digest(place):
    """What skopeo finds there, hashed."""
    how = ['--tls-verify=false'] if place.startswith('docker:') else []
    return sha256(skopeo('inspect', '--raw', *how, place))


def blobs_of(lab, place, name):
    """All that skopeo can copy from there, blob by blob."""
    out = lab / f'seen-{name}'
    how = ['--src-tls-verify=false'] if place.startswith('docker:') else []
    skopeo('copy', '-q', '--all', *how, place, f'oci:{out}:x')
    names = os.listdir(out + '/blobs/sha256')
    for blob in names:
        with open(f'{out}/blobs/sha256/{blob}', 'rb') as f:
            check(sha256(f.read())[7:] == blob, blob)
    return set(names)


def places(lab, registry, n):
    """A new one of each kind, as source and as destination the same."""
    return {'registry': f'docker://{registry.host}/some/place{n}:t', 'layout': f'oci:{lab.path}/l{n}:t',
            'oci-archive': f'oci-archive:{lab.path}/o{n}.tar:t', 'docker-archive': f'docker-archive:{lab.path}/d{n}.tar:d:t',
            'store': f'some/image{n}:t'}


def diff_ids(lab, place):
    how = ['--tls-verify=false'] if place.startswith('docker:') else []
    return json.loads(skopeo('inspect', '--config', *how, place))['rootfs']['diff_ids']


def test_matrix(lab):
    """Every pair of places."""
    isolate(lab)
    layout, digest, _ = sample(lab)
    registry = DockerRegistry(lab)
    want = diff_ids(lab, f'oci:{layout.path}:one')
    first = places(lab, registry, 0)
    for place in first.values():
        lab.bfc('image', 'copy', f'oci:{layout.path}:one', place)
    for n, (a, b) in enumerate(itertools.product(first, first)):
        to = places(lab, registry, n + 1)[b]
        answer = lab.bfc('--json', 'image', 'copy', first[a], to)
        if b == 'store':
            lab.bfc('image', 'verify', '--deep', to)
            out = f'oci:{lab.path}/from-store{n}:x'
            lab.bfc('image', 'export', to, out)
            to = out
        check(diff_ids(lab, to) == want, f'{a} to {b}', answer.shown())
        if 'docker-archive' not in (a, b) and a != 'store' and b != 'store':
            check(answer.json['digest'] == digest == raw_digest(to), f'{a} to {b}', answer.shown())
        if b == 'store' and a in ('registry', 'layout', 'oci-archive'):
            check(lab.bfc('--json', 'image', 'info', places(lab, registry, n + 1)[b]).json['manifest_digest'] == digest,
                  f'{a} to {b}')
    with tarfile.open(first['docker-archive'].split(':')[1]) as tar:
        names = {m.name for m in tar}
        told = json.load(tar.extractfile('manifest.json'))
    check(told[0]['RepoTags'] == ['d:t'] and {*told[0]['Layers'], told[0]['Config'], 'manifest.json'} == names, told)
    check(sorted(told[0]['Layers']) == sorted(d[7:] + '.tar' for d in want), told)
    harness.need('umoci')
    run(['umoci', 'unpack', '--rootless', '--image', first['layout'][4:], lab / 'unpacked'])
    with open(lab / 'unpacked/rootfs/file-1', 'rb') as f:
        check(f.read() == noise(1, 300_000), 'what umoci unpacks')


def test_whole_index(lab):
    """With all that it names, through a registry and an archive, and nothing less."""
    isolate(lab)
    layout, one, digest = sample(lab)
    registry = DockerRegistry(lab)
    way = [f'oci:{layout.path}:multi', f'docker://{registry.host}/a/b:m', f'docker://{registry.host}/a/c:m',
           f'oci-archive:{lab.path}/m.tar:m', f'oci:{lab.path}/m:m', f'docker://{registry.host}/a/d:m']
    all_of_it = blobs_of(lab, way[0], 0)
    for n, (a, b) in enumerate(zip(way, way[1:])):
        answer = lab.bfc('--json', 'image', 'copy', '--all-platforms', a, b).json
        check(answer['digest'] == digest == raw_digest(b), answer)
        check(blobs_of(lab, b, n + 1) == all_of_it, f'{a} to {b}')
    uploads = [p for m, p, s in registry.requests() if m == 'PUT' and '/a/c/blobs/uploads' in p]
    check(not uploads, uploads)  # they were mounted
    answer = lab.bfc('--json', 'image', 'copy', '--all-platforms', way[-2], way[-1]).json
    check(answer['blobs_copied'] == 0 and answer['blobs_there'] > 0, answer)
    lab.bfc('image', 'copy', '--platform', 'linux/arm64', way[1], f'oci:{lab.path}/arm:x')
    check(raw_digest(f'oci:{lab.path}/arm:x') not in (digest, one), 'arm64')
    lab.bfc('image', 'copy', '--platform', 'linux/s390x', way[1], f'oci:{lab.path}/s390x:x', expect=4)
    check(not os.path.exists(lab / 's390x'), 'a layout for nothing')
    answer = lab.bfc('image', 'copy', '--all-platforms', way[1], f'docker-archive:{lab.path}/m-d.tar:x:1')
    check('one platform' in answer.message, answer.shown())
    lab.bfc('image', 'copy', '--all-platforms', '--force', way[1], 'kept:all')
    lab.bfc('image', 'verify', '--deep', 'kept:all')


def test_artifact(lab):
    isolate(lab)
    layout, *_ = sample(lab)
    registry = DockerRegistry(lab)
    way = [f'oci:{layout.path}:chart', f'docker://{registry.host}/chart:1', f'oci-archive:{lab.path}/c.tar',
           f'oci:{lab.path}/c:1']
    for a, b in zip(way, way[1:]):
        lab.bfc('image', 'copy', a, b)
    check(raw_digest(way[-1]) == raw_digest(way[0]) == raw_digest(way[1]), 'chart')
    with tarfile.open(f'{lab.path}/c.tar') as tar:
        index = json.load(tar.extractfile('index.json'))
    name = index['manifests'][0]['annotations']['org.opencontainers.image.ref.name']
    check(name == f'{registry.host}/chart:1', name)  # as at its source
    answer = lab.bfc('image', 'copy', way[1], f'docker-archive:{lab.path}/no.tar:c:1', expect=1)
    check('artifact' in answer.message and not os.path.exists(lab / 'no.tar'), answer.shown())


def test_what_is_there(lab):
    """Files are not overwritten, layouts are added to, blobs that are there are not fetched unless they are damaged."""
    isolate(lab)
    layout, *_ = sample(lab)
    registry = FakeRegistry(lab, layout)
    source = f'docker://{registry.ref}'
    lab.bfc('image', 'copy', f'{source}:one', f'oci-archive:{lab.path}/a.tar')
    before = len(registry.asked())
    answer = lab.bfc('image', 'copy', f'{source}:one', f'oci-archive:{lab.path}/a.tar', expect=1)
    check('-f' in answer.message and len(registry.asked()) == before, answer.shown())
    lab.bfc('image', 'copy', '-f', f'{source}:one', f'oci-archive:{lab.path}/a.tar')
    lab.bfc('image', 'copy', f'{source}:one', f'oci:{lab.path}/l:one')
    before = len(registry.asked())
    answer = lab.bfc('--json', 'image', 'copy', f'{source}:one', f'oci:{lab.path}/l:again').json
    check(answer['blobs_there'] == 3 and answer['blobs_copied'] == 0 and len(registry.asked()) == before, answer)
    blob = json.loads(registry.find('one'))['layers'][0]['digest']
    with open(f'{lab.path}/l/blobs/sha256/{blob[7:]}', 'r+b') as f:
        f.seek(1000)
        f.write(b'damage')
    answer = lab.bfc('--json', 'image', 'copy', f'{source}:one', f'oci:{lab.path}/l:third').json
    check(answer['blobs_copied'] == 1 and registry.asked()[before:] == [blob], answer)
    with open(lab / 'l/index.json', encoding='utf-8') as f:
        names = [m['annotations']['org.opencontainers.image.ref.name'] for m in json.load(f)['manifests']]
    check(names == ['one', 'again', 'third'], names)
    for name in names:
        check(raw_digest(f'oci:{lab.path}/l:{name}') == raw_digest(f'oci:{layout.path}:one'), name)
    os.mkdir(lab / 'full')
    with open(lab / 'full/file', 'wb'):
        pass
    lab.bfc('image', 'copy', f'{source}:one', f'oci:{lab.path}/full:x', expect=1)
    lab.bfc('image', 'copy', f'{source}:one', 'Not/A:name', expect=2)
    lab.bfc('image', 'copy', '', 'a', expect=2)
    lab.bfc('image', 'copy', f'{source}:none', f'oci:{lab.path}/none', expect=4)
    lab.bfc('image', 'copy', 'no:image', f'oci:{lab.path}/none', expect=4)
    check(not os.path.exists(lab / 'none'), 'a layout for nothing')


def damage(body, how):
    if how == 'other bytes':
        return bytes([body[0] ^ 1]) + body[1:]
    return body[:-1] if how == 'too short' else body + b'x'


def test_strangers(lab):
    """What is not what was promised never gets a name, wherever it comes from and goes to."""
    isolate(lab)
    good, *_ = sample(lab)
    registry = DockerRegistry(lab)
    for n, how in enumerate(('other bytes', 'too short', 'too long')):
        layout = Layout(lab / f'bad{n}')
        image = layout.image([layer(1, 5000), layer(n + 5, 100)])
        layout.tag('one', image)
        with open(f'{layout.path}/blobs/sha256/{image["digest"][7:]}', 'rb') as f:
            blob = json.load(f)['layers'][1]['digest'][7:]
        path = f'{layout.path}/blobs/sha256/{blob}'
        with open(path, 'rb') as f:
            body = f.read()
        with open(path, 'wb') as f:
            f.write(damage(body, how))
        fake = FakeRegistry(lab, layout)
        sources = [f'oci:{layout.path}:one', f'docker://{fake.ref}:one']
        for source in sources[:1 if how == 'too short' else 2]:  # a registry is asked again for what is missing
            for kind, to in places(lab, registry, f'-bad{n}').items():
                far = source.startswith('docker:')
                answer = lab.bfc('image', 'copy', source, to, expect=(1, 3) if far else 3)
                check(answer.message, kind)
                if kind in ('oci-archive', 'docker-archive'):
                    check(not os.path.exists(to.split(':')[1]), f'{how}: {source} to {to}')
            out = f'{lab.path}/l-bad{n}'
            check(not os.path.exists(out + '/index.json'), f'{how}: {source}')
            check(not os.path.exists(f'{out}/blobs/sha256/{blob}'), f'{how}: {source}')
            run(['rm', '-rf', out])
        puts = [p for m, p, s in registry.requests() if m == 'PUT' and f'place-bad{n}/manifests' in p]
        check(not puts, puts)
    check(lab.bfc('--json', 'image', 'list').json['images'] == [], 'an image that is wrong')
    del good


def test_documents_of_strangers(lab):
    isolate(lab)
    layout = Layout(lab / 'layout')
    image = layout.image([layer(1, 100)])
    layout.tag('short', dict(image, size=image['size'] - 1))
    nested = image
    for _ in range(6):
        nested = layout.index({'amd64': nested})
    layout.tag('deep', nested)
    for tag, code in (('short', 3), ('deep', 1)):
        for options in ([], ['--all-platforms']):
            lab.bfc('image', 'copy', *options, f'oci:{layout.path}:{tag}', f'oci:{lab.path}/out', expect=code)
    check(not os.path.exists(lab / 'out'), 'something was written')
    foreign = layout.image([layer(1, 100)])
    with open(f'{layout.path}/blobs/sha256/{foreign["digest"][7:]}', 'rb') as f:
        manifest = json.load(f)
    manifest['layers'].append({'mediaType': FOREIGN, 'digest': sha256(b'elsewhere'), 'size': 9})
    layout.tag('foreign', layout.document(manifest, MANIFEST))
    lab.bfc('image', 'copy', f'oci:{layout.path}:foreign', f'oci:{lab.path}/foreign:x')
    check(raw_digest(f'oci:{lab.path}/foreign:x') == layout.entries[-1]['digest'], 'foreign')
    manifest['layers'][-1]['mediaType'] = LAYER
    layout.tag('missing', layout.document(manifest, MANIFEST))
    lab.bfc('image', 'copy', f'oci:{layout.path}:missing', f'oci:{lab.path}/missing', expect=4)
    check(not os.path.exists(lab / 'missing'), 'a layout that lacks a layer')
    tar, _ = layer(8, 100)
    liar = layout.image([(tar, gzip.compress(tar + b'\0' * 512))])  # not the diffID that it tells of
    layout.tag('liar', liar)
    lab.bfc('image', 'copy', f'oci:{layout.path}:liar', f'oci:{lab.path}/liar:x')  # as it came
    lab.bfc('image', 'copy', f'oci:{layout.path}:liar', f'docker-archive:{lab.path}/liar.tar:x', expect=3)
    check(not os.path.exists(lab / 'liar.tar'), 'liar')


def test_goes_on(lab):
    """Killed in the middle: nothing is seen, and the next one goes on where it was."""
    isolate(lab)
    layout = Layout(lab / 'layout')
    layers = [layer(n, 6 * MIB) for n in range(3)]
    layout.tag('big', layout.image(layers))
    registry = FakeRegistry(lab, layout, pace=0.01)
    to = DockerRegistry(lab)
    for n, place in enumerate([f'oci:{lab.path}/out:x', f'oci-archive:{lab.path}/out.tar:x',
                               f'docker-archive:{lab.path}/d.tar:x:1', f'docker://{to.host}/out:x']):
        args = ['image', 'copy', '--parallel=1', f'docker://{registry.ref}:big', place]
        registry.sent.clear()
        with open(os.devnull, 'wb') as nowhere:
            child = subprocess.Popen([lab.bfc_path, *args], stdout=nowhere, stderr=nowhere)
            while sum(registry.sent.values()) < 9 * MIB:
                check(child.poll() is None, f'{place}: exit {child.returncode}')
            check(signal_in(child, 0) == -9, place)
        check(not os.path.exists(lab / 'out/index.json') or n > 0, 'an index too early')
        check(not os.path.exists(lab / 'out.tar') or n > 1, 'a tar too early')
        check(lab.bfc('--json', 'image', 'df').json['leftover_bytes'] > 0, 'nothing is kept')
        lab.bfc(*args)
        first, *others = [len(blob) for _, blob in layers]  # how much of the second was lost depends on the machine
        check(registry.sent[sha256(layers[0][1])] == first, place, registry.sent)
        check(sum(registry.sent.values()) - first < sum(others) + others[0], place, registry.sent)
        check(diff_ids(lab, place) == [sha256(tar) for tar, _ in layers], place)
        check(lab.bfc('--json', 'image', 'df').json['leftover_bytes'] == 0, 'something is left')


if __name__ == '__main__':
    harness.main(globals(), shares=2)
