#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images to docker-registry: skopeo and umoci take from there what the store has, and nothing goes there twice.

usage: test_push.py BFC [NAME…]
"""
import json
import os
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import INDEX, MIB, Layout, layer, noise, sha256
from proxy import Proxy
from registries import DockerRegistry, isolate, signal_in
import harness
from harness import check, need, run
import share

ARTIFACT = 'application/vnd.example.thing.v1'


def begin(lab, more=''):
    isolate(lab)
    layout = Layout(lab / 'layout')
    base = [layer(1, 3 * MIB), layer(2, 100)]
    layout.tag('base', layout.image(base))
    layout.tag('one', layout.image(base + [layer(3, 2 * MIB)]))
    layout.tag('multi', layout.index({'amd64': layout.image(base), 'arm64': layout.image([layer(9, 9)], 'arm64')}))
    return layout, DockerRegistry(lab, more=more)


def directory(lab, name, size):
    os.makedirs(lab / name)
    with open(f'{lab / name}/file', 'wb') as f:
        f.write(noise(size, size))
    lab.bfc('image', 'create', name, lab / name)


def raw(registry, name):
    return run(['skopeo', '--insecure-policy', 'inspect', '--tls-verify=false', '--raw',
                f'docker://{registry.host}/{name}']).out


def uploads(registry):
    return [(m, p) for m, p, s in registry.requests() if m in ('POST', 'PATCH', 'PUT') and '/blobs/' in p]


def compare(lab, registry, name, image):
    """What skopeo takes from there is what the store exports; umoci unpacks it."""
    need('skopeo', 'umoci')
    out = lab / f'out-{name.replace("/", "-").replace(":", "-")}'
    run(['skopeo', '--insecure-policy', 'copy', '-q', '--src-tls-verify=false', f'docker://{registry.host}/{name}',
         f'oci:{out}:x'])
    lab.bfc('image', 'export', image, f'oci:{out}-own:x')
    configs = [run(['skopeo', 'inspect', '--config', '--raw', f'oci:{o}:x']).out for o in (out, out + '-own')]
    check(configs[0] == configs[1], configs)
    run(['umoci', 'unpack', '--rootless', '--image', f'{out}:x', out + '-bundle'])


def test_push(lab):
    layout, registry = begin(lab)
    directory(lab, 'dir', 2 * MIB)
    for name in ('base', 'one'):
        lab.bfc('image', 'create', f'{registry.host}/app:{name}', f'oci:{layout.path}:{name}')
    answer = lab.bfc('--json', 'image', 'push', 'dir', f'{registry.host}/app:dir').json
    check(answer['blobs_sent'] == 2 and answer['blobs_there'] == 0, answer)
    check(answer['digest'] == sha256(raw(registry, 'app:dir')), answer)
    compare(lab, registry, 'app:dir', 'dir')
    lab.bfc('image', 'push', f'{registry.host}/app:base')
    answer = lab.bfc('--json', 'image', 'push', f'{registry.host}/app:one').json
    check(answer['blobs_sent'] == 2 and answer['blobs_there'] == 2, answer)
    compare(lab, registry, 'app:one', f'{registry.host}/app:one')
    before = len(uploads(registry))
    for name in ('dir', f'{registry.host}/app:one'):
        answer = lab.bfc('--json', 'image', 'push', name, f'{registry.host}/app:again').json
        check(answer['blobs_sent'] == 0 and answer['bytes_sent'] == 0, answer)
    check(len(uploads(registry)) == before, uploads(registry)[before:])
    lab.bfc('image', 'pull', f'{registry.host}/app:dir', '--as=back')
    lab.bfc('image', 'verify', '--deep', 'back')
    check(os.listdir(lab / 'store/.bfc-tmp') == [] or not os.listdir(lab / 'store/.bfc-tmp/downloads'), 'leftovers')


def test_as_it_came(lab):
    """What was pulled goes back, and to another repository, with the digest that it had."""
    layout, registry = begin(lab)
    registry.push(layout, 'one', 'library/one:1')
    registry.push(layout, 'multi', 'multi:1', '--all')
    came = raw(registry, 'library/one:1')
    lab.bfc('image', 'pull', f'{registry.host}/library/one:1', '--as=one')
    before = len(uploads(registry))
    lab.bfc('image', 'push', 'one', f'{registry.host}/library/one:2')
    check(len(uploads(registry)) == before and raw(registry, 'library/one:2') == came, 'the same repository')
    answer = lab.bfc('--json', 'image', 'push', '--mount-from=library/one', 'one', f'{registry.host}/other:1').json
    check(answer['blobs_mounted'] == 4 and answer['blobs_sent'] == 0, answer)
    check(raw(registry, 'other:1') == came and answer['digest'] == sha256(came), 'mounted')
    answer = lab.bfc('--json', 'image', 'push', '--mount-from=no/such', 'one', f'{registry.host}/third:1').json
    check(answer['blobs_mounted'] == 0 and answer['blobs_sent'] == 4, answer)
    digest = sha256(came)
    lab.bfc('image', 'push', 'one', f'{registry.host}/other:2@{digest}')
    wrong = lab.bfc('image', 'push', 'one', f'{registry.host}/other:3@sha256:{"1" * 64}', expect=2)
    check(digest in wrong.message, wrong.shown())
    check(b'"3"' not in lab.bfc('image', 'tags', '--json', f'{registry.host}/other').out, 'a tag of another digest')
    lab.bfc('image', 'pull', '--all-platforms', f'{registry.host}/multi:1', '--as=multi')
    lab.bfc('image', 'push', 'multi', f'{registry.host}/multi:2')
    check(json.loads(raw(registry, 'multi:2')) == json.loads(raw(registry, 'multi:1')), raw(registry, 'multi:2'))
    lab.bfc('image', 'push', 'multi', f'{registry.host}/elsewhere:1')
    there = json.loads(raw(registry, 'elsewhere:1'))
    check(there['mediaType'] == INDEX and [m['platform']['architecture'] for m in there['manifests']] ==
          ['amd64', 'arm64'], there)
    run(['skopeo', '--insecure-policy', 'copy', '-q', '--all', '--src-tls-verify=false',
         f'docker://{registry.host}/elsewhere:1', f'oci:{lab / "all"}'])


def test_compression(lab):
    layout, registry = begin(lab)
    lab.bfc('image', 'create', 'one', f'oci:{layout.path}:one')
    for how, ending in (('zstd', '+zstd'), ('none', ''), ('gzip', '+gzip')):
        lab.bfc('image', 'push', '-c', how, 'one', f'{registry.host}/app:{how}')
        types = {x['mediaType'] for x in json.loads(raw(registry, f'app:{how}'))['layers']}
        check(types == {'application/vnd.oci.image.layer.v1.tar' + ending}, types)
    before = len(uploads(registry))
    lab.bfc('image', 'push', '-c', 'zstd', 'one', f'{registry.host}/app:again')
    check(raw(registry, 'app:again') == raw(registry, 'app:zstd') and len(uploads(registry)) == before, 'again')
    lab.bfc('image', 'pull', f'{registry.host}/app:zstd', '--as=back')
    lab.bfc('image', 'verify', '--deep', 'back')


def test_large(lab):
    """In chunks; from a sealed image; to a registry that takes one upload at a time."""
    _, registry = begin(lab)
    with open(lab / 'password', 'w', encoding='ascii') as f:
        f.write('hush\n')
    os.makedirs(lab / 'large')
    with open(lab / 'large/file', 'wb') as f:
        f.write(noise(1, 40 * MIB))
    key = ['--password-file', lab / 'password']
    lab.bfc('image', 'create', '--encrypt', *key, 'large', lab / 'large')
    proxy = Proxy(lab, registry)
    lab.bfc('image', 'push', *key, '--parallel=1', 'large', proxy.ref)
    large = [(m, n) for m, n in proxy.sent if n > MIB]
    check(large[0] == ('PATCH', 32 * MIB) and len(large) == 2 and large[1][0] == 'PATCH', proxy.sent)
    lab.bfc('image', 'pull', f'{registry.host}/app', '--as=back')
    lab.bfc('image', 'verify', '--deep', 'back')


def test_podman_pulls_and_pushes(lab):
    """What goes there is an image for podman, and what podman sends there is one for us."""
    need('podman')
    harness.need_root('run podman on a store of its own')
    layout, registry = begin(lab)
    lab.bfc('image', 'create', 'one', f'oci:{layout.path}:one')
    lab.bfc('image', 'push', 'one', f'{registry.host}/app:1')
    with tempfile.TemporaryDirectory(prefix='r-') as run_root:  # podman takes no more than 50 characters
        podman = ['podman', '--root', lab / 'root', '--runroot', run_root, '--storage-driver', 'vfs']
        run([*podman, 'pull', '-q', '--tls-verify=false', f'{registry.host}/app:1'])
        known = run([*podman, 'image', 'inspect', f'{registry.host}/app:1']).json[0]
        check(known['Digest'] == sha256(raw(registry, 'app:1')), known['Digest'])
        check('sha256:' + known['Id'] == json.loads(raw(registry, 'app:1'))['config']['digest'], known['Id'])
        run([*podman, 'push', '-q', '--tls-verify=false', f'{registry.host}/app:1', f'{registry.host}/back:1'])
    lab.bfc('image', 'pull', f'{registry.host}/back:1', '--as=back')
    ours, back = (lab.bfc('--json', 'image', 'layers', name).json['layers'] for name in ('one', 'back'))
    check([l['diff_id'] for l in ours] == [l['diff_id'] for l in back], ours, back)


def test_artifact(lab):
    """With its subject; docker-registry keeps no referrers: the tag does."""
    layout, registry = begin(lab)
    registry.push(layout, 'base', 'app:base')
    subject = layout.entries[0]
    for number in (1, 2):
        thing = layout.document({
            'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'artifactType': ARTIFACT,
            'config': layout.blob(b'{}', 'application/vnd.oci.empty.v1+json'),
            'layers': [layout.blob(noise(number, 5000), ARTIFACT)],
            'subject': {k: subject[k] for k in ('mediaType', 'digest', 'size')},
            'annotations': {'n': str(number)}}, 'application/vnd.oci.image.manifest.v1+json')
        layout.tag(f'thing{number}', thing)
        lab.bfc('image', 'create', '--artifact', f'thing{number}', f'oci:{layout.path}:thing{number}')
        for _ in range(2):
            lab.bfc('image', 'push', f'thing{number}', f'{registry.host}/app:thing{number}')
        check(sha256(raw(registry, f'app:thing{number}')) == thing['digest'], thing)
    told = lab.bfc('--json', 'image', 'inspect', '--referrers', f'{registry.host}/app:base').json['referrers']
    check([(x['artifactType'], x['annotations']['n']) for x in told] == [(ARTIFACT, '1'), (ARTIFACT, '2')], told)


def test_no_room(lab):
    """The file that a layer is packed into does not fit."""
    layout, registry = begin(lab)
    os.environ['BFC_STORE'] = lab.mount_tmpfs('small', 'size=16m')
    lab.bfc('image', 'create', 'one', f'oci:{layout.path}:one')
    with open(lab / 'small/fill', 'wb') as f:
        f.write(b'x' * (9 * MIB))
    answer = lab.bfc('image', 'push', 'one', f'{registry.host}/app:one', expect=None)
    check(answer.code != 0 and 'a file for a layer' in answer.message and 'pace' in answer.message, answer.shown())
    os.unlink(lab / 'small/fill')
    lab.bfc('image', 'push', 'one', f'{registry.host}/app:one')


def slowly(e, proxy):
    """What is sent takes its time, so that a signal hits something."""
    if e.method in ('PATCH', 'PUT') and int(e.headers.get('Content-Length', 0)) > MIB:
        e.conn.settimeout(5)
        if e.headers.get('Expect') == '100-continue':
            e.send(b'HTTP/1.1 100 Continue\r\n\r\n')
            del e.headers['Expect']
        body, left = b'', int(e.headers['Content-Length'])
        while left:
            part = e.stream.read(min(left, 1 << 18))
            if not part:
                raise EOFError
            body, left = body + part, left - len(part)
            harness.time.sleep(0.02)
        return proxy.forward(e, body)
    return None


def killed(lab, proxy, number, at):
    child = subprocess.Popen([lab.bfc_path, 'image', 'push', '-c', 'none', 'one', f'{proxy.ref}:{number}-{at}'],
                             stderr=subprocess.DEVNULL)
    signal_in(child, at, number)
    harness.say(f'day {share.DAY}: signal {number} after {at:.2f} s: exit {child.returncode}')
    return child.returncode


def test_killed(lab):
    """Nothing of a push that was ended is seen, store and registry are whole, and the next one completes."""
    layout, registry = begin(lab)
    proxy = Proxy(lab, registry, slowly)
    lab.bfc('image', 'create', 'one', f'oci:{layout.path}:one')
    for i in share.todays(range(100), 25):
        number, at = (signal.SIGKILL, signal.SIGINT)[i % 2], round(0.03 + 0.0045 * i, 4)
        code = killed(lab, proxy, number, at)
        tags = lab.bfc('image', 'tags', f'{registry.host}/app', expect=(0, 4)).text.split()
        check(f'{number}-{at}' in tags or code != 0, tags)  # one that was killed may have named it before
        check(lab.bfc('--json', 'image', 'df').json['leftover_bytes'] == 0, 'leftovers')
    proxy.fault = None
    lab.bfc('image', 'push', 'one', f'{proxy.ref}:last')
    lab.bfc('image', 'pull', f'{registry.host}/app:last', '--as=back')
    lab.bfc('image', 'verify', '--deep', 'back')


def test_interrupt(lab):
    """Ctrl-C ends a push that waits for the network."""
    layout, registry = begin(lab)
    stuck = []

    def stall(e, _proxy):
        if e.method not in ('PATCH', 'PUT'):
            return None
        stuck.append(1)
        e.wait_for_end()
        return False
    proxy = Proxy(lab, registry, stall)
    lab.bfc('image', 'create', 'one', f'oci:{layout.path}:one')
    child = subprocess.Popen([lab.bfc_path, 'image', 'push', 'one', proxy.ref], stderr=subprocess.DEVNULL)
    while not stuck:
        harness.time.sleep(0.02)
    start = harness.time.monotonic()
    child.send_signal(signal.SIGINT)
    check(child.wait() == -signal.SIGINT, child.returncode)
    check(harness.time.monotonic() - start < 2, 'it took too long')  # 0.2 s where nothing else runs


def test_progress(lab):
    layout, registry = begin(lab)
    lab.bfc('image', 'create', 'one', f'oci:{layout.path}:one')
    answer = lab.bfc('--progress=json', 'image', 'push', 'one', f'{registry.host}/app:one')
    told = [json.loads(x) for x in answer.message.splitlines() if x.startswith('{')]
    blobs = [x for x in told if x['schema'] == 'bfc.progress.blob/1']
    check({x['index'] for x in blobs} == {0, 1, 2} and all(x['count'] == 3 for x in blobs), blobs)
    last = {x['index']: x for x in blobs}
    check(all(x['state'] == 'done' and x['bytes_done'] == x['bytes_total'] for x in last.values()), last)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
