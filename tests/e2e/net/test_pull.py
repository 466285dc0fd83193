#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images from docker-registry, pushed there by skopeo: what comes is what skopeo sees, what is here is not
fetched, and what is killed goes on.

usage: test_pull.py BFC [NAME…]
"""
import json
import os
import random
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import INDEX, MIB, Layout, layer, sha256
from registries import DockerRegistry, FakeRegistry, isolate, signal_in
import harness
from harness import check, run
import share


def sample(lab):
    """Two images on one base, an index, and a tag on the base itself."""
    layout = Layout(lab / 'layout')
    base = [layer(1, 6 * MIB), layer(2, 100)]
    layout.tag('base', layout.image(base))
    layout.tag('one', layout.image(base + [layer(3, 5 * MIB), layer(3, 5 * MIB)]))
    layout.tag('two', layout.image(base + [layer(4, 1 * MIB)]))
    layout.tag('multi', layout.index({'amd64': layout.image(base), 'arm64': layout.image([layer(9, 9)], 'arm64')}))
    return layout


def skopeo_json(registry, name, *options):
    return json.loads(run(['skopeo', '--insecure-policy', 'inspect', '--tls-verify=false', *options,
                           f'docker://{registry.host}/{name}']).out)


def compare(lab, registry, name):
    """Manifest, configuration and layers are those that skopeo sees there."""
    ref = f'{registry.host}/{name}'
    seen = skopeo_json(registry, name, '--raw')
    if seen['mediaType'] != INDEX:
        told = lab.bfc('--json', 'image', 'info', ref).json
        check(told['manifest_digest'] == skopeo_json(registry, name)['Digest'], told)
        layers = lab.bfc('--json', 'image', 'layers', ref).json['layers']
        check([x['digest'] for x in layers] == [x['digest'] for x in seen['layers']], layers)
        out = lab / f'out-{name.replace("/", "-").replace(":", "-")}'
        lab.bfc('image', 'export', ref, f'oci:{out}')
        there = json.loads(run(['skopeo', 'inspect', '--config', '--raw', f'oci:{out}']).out)
        check(there == skopeo_json(registry, name, '--config'), there)
    lab.bfc('image', 'verify', '--deep', ref)


def nothing_left(lab):
    left = [os.path.join(d, f) for d, _, files in os.walk(lab / 'store/.bfc-tmp') for f in files]
    check(not left, left)
    check(lab.bfc('--json', 'image', 'df').json['leftover_bytes'] == 0, 'leftovers')


def test_pull(lab):
    isolate(lab)
    layout = sample(lab)
    registry = DockerRegistry(lab)
    for name in ('base', 'one', 'two', 'multi'):
        registry.push(layout, name, f'some/app:{name}', '--all')
    fetched = {}
    for name in ('base', 'one', 'two', 'multi'):
        before = len(registry.blobs())
        answer = lab.bfc('--json', 'image', 'pull', f'{registry.host}/some/app:{name}').json
        check(not answer['up_to_date'] and answer['layers_shared'] == (0 if name == 'base' else 2), answer)
        fetched[name] = sorted(set(registry.blobs()[before:]))
        compare(lab, registry, f'some/app:{name}')
    own = {name: len(fetched[name]) for name in fetched}  # the configuration is one of them
    check(own == {'base': 3, 'one': 2, 'two': 2, 'multi': 1}, own)
    nothing_left(lab)
    before = len(registry.blobs())
    answer = lab.bfc('image', 'pull', f'{registry.host}/some/app:one')
    check(f'{registry.host}/some/app:one is up to date' in answer.message, answer.shown())
    check(lab.bfc('--json', 'image', 'pull', f'{registry.host}/some/app:multi').json['up_to_date'], 'multi')
    check(len(registry.blobs()) == before, 'blobs of what is here')


def test_cousins(lab):
    """Layers of an image that is no base are taken of it, unless it is damaged."""
    isolate(lab)
    registry = FakeRegistry(lab, sample(lab))
    lab.bfc('image', 'pull', registry.ref + ':one')
    before = len(registry.asked())
    answer = lab.bfc('--json', 'image', 'pull', registry.ref + ':two').json
    check(answer['layers_shared'] == 2 and answer['blobs_fetched'] == 1, answer)
    check(len(registry.asked()) == before + 2, registry.asked()[before:])  # a configuration, and a layer
    lab.bfc('image', 'verify', '--deep', registry.ref + ':two')
    layers = lab.bfc('--json', 'image', 'layers', registry.ref + ':two').json['layers']
    check([x['digest'] for x in layers] == [x['digest'] for x in json.loads(registry.find('two'))['layers']], layers)
    lab.bfc('image', 'delete', registry.ref + ':two')
    path = lab.bfc('--json', 'image', 'info', registry.ref + ':one').json['path']
    with open(path, 'r+b') as f:
        f.seek(100_000)
        f.write(b'damage')
    answer = lab.bfc('image', 'pull', registry.ref + ':two')
    check('no layers are taken of other images' in answer.message, answer.shown())
    lab.bfc('image', 'verify', '--deep', registry.ref + ':two')
    nothing_left(lab)


def test_names_and_digests(lab):
    isolate(lab)
    layout = sample(lab)
    registry = DockerRegistry(lab)
    registry.push(layout, 'base', 'app:1')
    digest = skopeo_json(registry, 'app:1')['Digest']
    lab.bfc('image', 'pull', f'docker://{registry.host}/app:1@{digest}', '--as', 'mine')
    lab.bfc('image', 'pull', f'{registry.host}/app@{digest}')
    names = sorted(i['name'] for i in lab.bfc('--json', 'image', 'list').json['images'])
    check(names == [f'{registry.host}/app:sha256-{digest[7:]}', 'mine:latest'], names)
    wrong = 'sha256:' + '0' * 64
    answer = lab.bfc('image', 'pull', f'{registry.host}/app@{wrong}', expect=4)
    check('MANIFEST_UNKNOWN' in answer.message and f"'{registry.host}/app' has no image '{wrong}'" in answer.message,
          answer.shown())
    lab.bfc('image', 'pull', f'{registry.host}/app:1', '--platform', 'linux/s390x', expect=4)
    lab.bfc('image', 'pull', f'{registry.host}/none:1', expect=4)
    lab.bfc('image', 'pull', 'Not/A:name', expect=2)
    long = '/'.join(['a' * 63] * 3 + ['b' * 47])
    registry.push(layout, 'base', f'{long}:1')
    check('another' in lab.bfc('image', 'pull', f'{registry.host}/{long}:1', expect=2).message, 'too long')
    lab.bfc('image', 'pull', f'{registry.host}/{long}:1', '--as', 'short')


def test_policy(lab):
    isolate(lab)
    layout = sample(lab)
    registry = DockerRegistry(lab)
    registry.push(layout, 'base', 'app:1')
    ref = f'{registry.host}/app:1'
    lab.bfc('image', 'pull', ref)
    registry.push(layout, 'two', 'app:1')
    before = len(registry.requests())
    check(lab.bfc('--json', 'image', 'pull', '--policy', 'missing', ref).json['up_to_date'], 'missing')
    check(len(registry.requests()) == before, 'somebody was asked')
    check(not lab.bfc('--json', 'image', 'pull', '--policy=newer', ref).json['up_to_date'], 'newer')
    registry.end()
    answer = lab.bfc('image', 'pull', '--policy=newer', ref)
    check('the image that is here is taken' in answer.message, answer.shown())
    lab.bfc('image', 'pull', ref, expect=1)


def test_look(lab):
    isolate(lab)
    layout = sample(lab)
    registry = DockerRegistry(lab)
    registry.push(layout, 'multi', 'app:multi', '--all')
    registry.push(layout, 'one', 'app:one')
    check(lab.bfc('image', 'tags', f'{registry.host}/app').out == b'multi\none\n', 'tags')
    told = lab.bfc('--json', 'image', 'inspect', f'{registry.host}/app:multi', '--platform', 'linux/arm64').json
    check(told['digest'] == skopeo_json(registry, 'app:multi')['Digest'] and told['platform'] == 'linux/arm64', told)
    check(told['config']['config']['Env'] == ['ARCH=arm64'] and len(told['index']['manifests']) == 2, told)
    check(lab.bfc('--json', 'image', 'inspect', '--referrers', f'{registry.host}/app:one').json['referrers'] == [],
          'referrers')
    lab.bfc('image', 'tags', f'{registry.host}/none', expect=4)


def test_mirrors(lab):
    """Mirrors first; what one does not have, the next one is asked for."""
    layout = sample(lab)
    registry, mirror = DockerRegistry(lab), DockerRegistry(lab, 'mirror')
    registry.push(layout, 'one', 'app:1')
    registry.push(layout, 'two', 'app:2')
    mirror.push(layout, 'two', 'mirrored/app:2')
    isolate(lab, f'[[registry]]\nprefix = "there.example/app"\nlocation = "{registry.host}/app"\n'
                 f'[[registry.mirror]]\nlocation = "{mirror.host}/mirrored/app"\n'
                 '[[registry]]\nlocation = "bad.example"\nblocked = true\n')
    lab.bfc('image', 'pull', 'there.example/app:2')
    check(not registry.blobs() or len(mirror.blobs()) > 0, 'the mirror was not asked')
    answer = lab.bfc('-v', 'image', 'pull', 'there.example/app:1')
    check(f"mirror '{mirror.host}'" in answer.message and registry.blobs(), answer.shown())
    lab.bfc('image', 'pull', 'bad.example/app', expect=5)


def killed(lab, layout, number, at, prune):
    """A pull that is ended after that time, and the next one: nothing odd, nothing twice; or prune, and nothing."""
    slow = FakeRegistry(lab, layout, pace=0.05)
    child = subprocess.Popen([lab.bfc_path, 'image', 'pull', slow.ref + ':one', '--as', 'app'],
                             stderr=subprocess.DEVNULL)
    signal_in(child, at, number)
    harness.say(f'day {share.DAY}: signal {number} after {at:.2f} s: exit {child.returncode}')
    listed = [i['name'] for i in lab.bfc('--json', 'image', 'list').json['images']]
    is_there = listed == ['app:latest']  # also of one that was killed after it had published
    check(is_there or (listed == [] and child.returncode != 0), listed)
    if prune:
        lab.bfc('image', 'prune')
        nothing_left(lab)
        files = [f for _, _, files in os.walk(lab / 'store') for f in files]
        check(files == (['app:latest.bfc'] if is_there else []), files)
        lab.bfc('image', 'delete', 'app', expect=0 if is_there else 4)
        return
    slow.pace = 0
    before, kept = dict(slow.sent), lab.bfc('--json', 'image', 'df').json['leftover_bytes']
    answer = lab.bfc('--json', 'image', 'pull', slow.ref + ':one', '--as', 'app').json
    if not answer['up_to_date']:
        sizes = {d['digest']: d['size'] for d in
                 json.loads(slow.find('one'))['layers'] if d['size'] > 4 * MIB}
        again = sum(slow.sent.get(d, 0) - before.get(d, 0) for d in sizes)
        needed = sum(sizes.values()) - answer['bytes_kept']
        # The registry may not have seen yet that nobody listened any more, on three connections.
        check(needed <= again <= needed + 3 * FakeRegistry.PORTION, answer, sizes, before, slow.sent)
        check(answer['bytes_kept'] <= kept, answer, kept)
    lab.bfc('image', 'verify', '--deep', 'app')
    lab.bfc('image', 'prune')
    nothing_left(lab)
    lab.bfc('image', 'delete', 'app')


def test_killed(lab):
    isolate(lab)
    layout = sample(lab)
    chance = random.Random(1)
    cases = [(chance.choice((signal.SIGKILL, signal.SIGINT)), chance.uniform(0.02, 1.6), chance.random() < 0.3)
             for _ in range(100)]
    for number, at, prune in share.todays(cases, 10):
        killed(lab, layout, number, at, prune)


def test_two_at_once(lab):
    """Of two pulls of one image under two names, one fetches each large layer."""
    isolate(lab)
    layout = sample(lab)
    slow = FakeRegistry(lab, layout, pace=0.02)
    children = [subprocess.Popen([lab.bfc_path, 'image', 'pull', slow.ref + ':one', '--as', name])
                for name in ('a', 'b')]
    check([c.wait() for c in children] == [0, 0], 'both')
    large = [d['digest'] for d in json.loads(slow.find('one'))['layers'] if d['size'] > 4 * MIB]
    for digest in set(large):
        check(slow.sent[digest] < 2 * os.path.getsize(f'{layout.path}/blobs/sha256/{digest[7:]}'), slow.sent)
    nothing_left(lab)


def test_damaged_part(lab):
    """What lies there from before is not believed, and fetched anew."""
    isolate(lab)
    layout = sample(lab)
    registry = FakeRegistry(lab, layout)
    tar_blob = layer(1, 6 * MIB)[1]
    parts = lab.mkdir('store/.bfc-tmp/downloads')
    for size in (1 * MIB, len(tar_blob)):
        with open(f'{parts}/sha256-{sha256(tar_blob)[7:]}.part', 'wb') as f:
            f.write(b'x' * size)
        answer = lab.bfc('image', 'pull', registry.ref + ':base', '--as', 'app')
        check('fetched again' in answer.message, answer.shown())
        lab.bfc('image', 'verify', '--deep', 'app')
        lab.bfc('image', 'delete', 'app')
        os.makedirs(parts, exist_ok=True)
    os.rmdir(parts)
    nothing_left(lab)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
