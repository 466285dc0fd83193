#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pulling from registries of other kinds: a cache, one that is read-only, one with a thousand tags, with referrers,
with layers of zstd; and what a terminal shows, a full disk, a stall.

usage: test_pull_more.py BFC [NAME…]
"""
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import INDEX, MANIFEST, MIB, Layout, layer, sha256
from registries import DockerRegistry, FakeRegistry, isolate
from terminal import Terminal
import harness
from harness import check, need, run, say
import share

EMPTY = 'application/vnd.oci.empty.v1+json'
ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd'


def sample(lab):
    layout = Layout(lab / 'layout')
    base = [layer(1, 5 * MIB), layer(2, 100)]
    layout.tag('one', layout.image(base))
    layout.tag('multi', layout.index({'amd64': layout.image(base), 'arm64': layout.image([layer(9, 9)], 'arm64'),
                                      's390x': layout.image([layer(8, 300 << 10)], 's390x')}))
    return layout


def images_in(folder):
    """What an OCI layout has: each configuration, with the layers' digests and what is in them."""
    found = {}

    def blob(descriptor):
        with open(f'{folder}/blobs/sha256/{descriptor["digest"][7:]}', 'rb') as f:
            return f.read()

    def look(descriptor):
        document = json.loads(blob(descriptor))
        for entry in document.get('manifests', []):
            look(entry)
        if 'config' in document:
            found[document['config']['digest']] = (descriptor['digest'], [x['digest'] for x in document['layers']],
                                                   json.loads(blob(document['config']))['rootfs']['diff_ids'])
    with open(folder + '/index.json', encoding='utf-8') as f:
        for entry in json.load(f)['manifests']:
            look(entry)
    return found


def same_as_skopeo(lab, registry, name, image, *options):
    """What is here and what skopeo fetches have the same configurations; layers and manifest of the first are known
    by the digests that they have there, and their tars come out again."""
    ours, theirs = lab / f'ours-{image}', lab / f'theirs-{image}'
    lab.bfc('image', 'export', image, f'oci:{ours}')
    run(['skopeo', '--insecure-policy', 'copy', '-q', '--src-tls-verify=false', *options,
         f'docker://{registry.host}/{name}', f'oci:{theirs}'])
    have, want = images_in(ours), images_in(theirs)
    check(want and {c: x[2] for c, x in have.items()} == {c: x[2] for c, x in want.items()}, have, want)
    info = lab.bfc('--json', 'image', 'info', image).json
    layers = [x['digest'] for x in lab.bfc('--json', 'image', 'layers', image).json['layers']]
    check((info['manifest_digest'], layers) in [x[:2] for x in want.values()], info, layers, want)
    lab.bfc('image', 'verify', '--deep', image)
    run(['skopeo', '--insecure-policy', 'copy', '-q', '--all', f'oci:{ours}', f'dir:{lab / f"again-{image}"}'])


# ── Registries ──

def test_cache(lab):
    """A pull-through cache: it fetches what it has not, and gives it out when its source is gone."""
    isolate(lab)
    source = DockerRegistry(lab)
    source.push(sample(lab), 'one', 'app:1')
    cache = DockerRegistry(lab, 'cache', f'proxy:\n  remoteurl: http://{source.host}\n')
    ref = cache.host + '/app:1'
    lab.bfc('image', 'pull', ref, '--as', 'first')
    fetched = source.blobs()
    check(len(set(fetched)) == 3, fetched)
    for _ in range(100):  # it keeps them a little after it gave them out
        held = {f for d, _, files in os.walk(lab / 'cache') if files for f in [os.path.basename(d)]}
        if {d[7:] for d in fetched} <= held:
            break
        time.sleep(0.1)
    source.end()
    lab.bfc('image', 'delete', 'first')
    lab.bfc('image', 'pull', ref, '--as', 'second')
    lab.bfc('image', 'verify', '--deep', 'second')


def test_read_only(lab):
    isolate(lab)
    DockerRegistry(lab).push(sample(lab), 'one', 'app:1')
    registry = DockerRegistry(lab, 'frozen', storage=', maintenance: {readonly: {enabled: true}}', of='registry')
    check('405' in run(['skopeo', '--insecure-policy', 'copy', '-q', '--dest-tls-verify=false',
                        f'oci:{lab / "layout"}:one', f'docker://{registry.host}/app:2'], expect=1).message, 'it is not')
    lab.bfc('image', 'pull', registry.host + '/app:1', '--as', 'app')
    same_as_skopeo(lab, registry, 'app:1', 'app')


def test_platforms(lab):
    isolate(lab)
    registry = DockerRegistry(lab)
    registry.push(sample(lab), 'multi', 'app:multi', '--all')
    ref = registry.host + '/app:multi'
    lab.bfc('image', 'pull', ref, '--as', 'arm', '--platform', 'linux/arm64')
    same_as_skopeo(lab, registry, 'app:multi', 'arm', '--override-arch', 'arm64')
    lab.bfc('image', 'pull', ref, '--as', 'all', '--all-platforms')
    same_as_skopeo(lab, registry, 'app:multi', 'all', '--all')
    lab.bfc('image', 'pull', ref, '--as', 'none', '--platform', 'linux/riscv64', expect=4)


def test_zstd(lab):
    need('zstd')
    isolate(lab)
    layout = Layout(lab / 'layout')
    layers = []
    for seed, size in ((1, 5 * MIB), (2, 300)):
        tar = layer(seed, size)[0]
        layers.append((tar, subprocess.run(['zstd', '-q', '-c'], input=tar, capture_output=True, check=True).stdout))
    layout.tag('one', layout.image(layers, layer_type=ZSTD))
    registry = DockerRegistry(lab)
    registry.push(layout, 'one', 'app:1')
    lab.bfc('image', 'pull', registry.host + '/app:1', '--as', 'app')
    same_as_skopeo(lab, registry, 'app:1', 'app')


def test_long_path(lab):
    """255 bytes, the most that a path may have."""
    isolate(lab)
    layout, registry = sample(lab), DockerRegistry(lab)
    path = '/'.join(['a' * 63] * 4)
    check(len(path) == 255, len(path))
    registry.send_image(layout, 'one', path + ':1')
    ref = f'{registry.host}/{path}'
    check(lab.bfc('image', 'tags', ref).text == '1\n', 'tags')
    lab.bfc('image', 'pull', ref + ':1', '--as', 'long')
    lab.bfc('image', 'verify', '--deep', 'long')
    check('255 are allowed' in lab.bfc('image', 'pull', f'{ref}a:1', expect=2).message, 'one more')


# ── Lists ──

def test_thousand_tags(lab):
    """docker-registry gives them all at once; one that gives pages is followed to the end."""
    isolate(lab)
    layout, registry = Layout(lab / 'layout'), DockerRegistry(lab)
    layout.tag('one', layout.image([layer(2, 100)]))
    registry.send_image(layout, 'one', 'app:t0000')
    manifest, names = layout.document_at('one'), [f't{i:04}' for i in range(1000)]
    links = lab / 'registry/docker/registry/v2/repositories/app/_manifests/tags'
    for name in names[1:]:  # a tag is a file that names a digest: to send them all takes long
        os.makedirs(f'{links}/{name}/current')
        with open(f'{links}/{name}/current/link', 'w', encoding='ascii') as f:
            f.write(sha256(manifest))
    want = ''.join(name + '\n' for name in names)
    check(lab.bfc('image', 'tags', registry.host + '/app').text == want, 'docker-registry')
    lab.bfc('image', 'pull', registry.host + '/app:t0999', '--as', 'last')

    def pages(e, kind, _body):
        if kind != 'tags':
            return None
        last = re.search('last=(t[0-9]+)', e.target)
        at = names.index(last[1]) + 1 if last else 0
        page = names[at:at + 90]
        more = [f'Link: </v2/app/tags/list?last={page[-1]}&n=90>; rel="next"'] if at + 90 < 1000 else []
        return e.reply(200, json.dumps({'name': 'app', 'tags': page}).encode(), *more)
    paged = FakeRegistry(lab, layout, fault=pages)
    check(lab.bfc('image', 'tags', paged.ref).text == want, 'pages')
    check(len([e for e in paged.requests if '/tags/' in e.path]) == 12, 'requests')


def artifact(layout, subject, kind):
    """Something that names a subject: the manifest's descriptor, as a list of referrers has it."""
    empty = layout.blob(b'{}', EMPTY)
    d = layout.document({'schemaVersion': 2, 'mediaType': MANIFEST, 'artifactType': kind, 'config': empty,
                         'layers': [empty], 'subject': subject}, MANIFEST)
    return dict(d, artifactType=kind)


def test_referrers(lab):
    """By the API, page by page; and by the tag that stands for it where a registry has none."""
    isolate(lab)
    layout = Layout(lab / 'layout')
    image = layout.image([layer(2, 100)])
    layout.tag('one', image)
    wanted = [artifact(layout, image, f'application/vnd.example.{n}') for n in ('signature', 'parts')]

    def api(e, kind, _body):
        if kind != 'referrers':
            return None
        check(e.path.endswith(image['digest']), e.path)
        second = 'page=2' in e.target
        more = [] if second else [f'Link: <{e.path}?page=2>; rel="next"']
        return e.reply(200, json.dumps({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': [wanted[second]]}).encode(),
                       f'Content-Type: {INDEX}', *more)
    modern = FakeRegistry(lab, layout, fault=api)
    seen = lab.bfc('--json', 'image', 'inspect', '--referrers', modern.ref + ':one').json['referrers']
    check(seen == wanted, seen)
    words = lab.bfc('image', 'inspect', '--referrers', modern.ref + ':one').text
    check(f'{wanted[0]["digest"]} application/vnd.example.signature' in words, words)

    registry = DockerRegistry(lab)
    registry.send_image(layout, 'one', 'app:one')
    registry.send_blob('app', b'{}')
    for d in wanted:
        registry.send('PUT', f'app/manifests/{d["digest"]}', layout.blob_at(d['digest']), MANIFEST)
    index = json.dumps({'schemaVersion': 2, 'mediaType': INDEX, 'manifests': wanted}).encode()
    registry.send('PUT', f'app/manifests/{image["digest"].replace(":", "-")}', index, INDEX)
    seen = lab.bfc('--json', 'image', 'inspect', '--referrers', registry.host + '/app:one').json['referrers']
    check(seen == wanted, seen)


# ── Here ──

def drawn(text):
    """The lines that were ever on the terminal, without what steers it."""
    return [line for part in re.split(r'\r\n|\r', text) for line in [re.sub('\033\\[[0-9;]*[A-Za-z]', '', part)] if line]


def left_standing(text):
    """What is on the terminal in the end."""
    lines = ['']
    for part in re.findall('\r\n|\r|\033\\[K|\033\\[1?A|\033\\[[0-9;]*[A-Za-z]|[^\r\033]+', text):
        if part == '\r\n':
            lines.append('')
        elif part in ('\033[A', '\033[1A'):
            lines.pop()
        elif part == '\033[K':
            lines[-1] = ''
        elif not part.startswith('\033') and part != '\r':
            lines[-1] += part
    return lines


def test_terminal(lab):
    isolate(lab)
    layout = Layout(lab / 'layout')
    layout.tag('one', layout.image([layer(i, 5 * MIB) for i in range(4)]))
    slow = FakeRegistry(lab, layout, pace=0.08)
    blobs = [d['digest'][7:19] for d in layout.read('one')['layers']]
    for columns, rows in ((80, 24), (24, 5)):
        seen = Terminal(lab.bfc_path, 'image', 'pull', slow.ref + ':one', '--as', 'app', columns=columns, rows=rows).end()
        check(seen.code == 0, seen.text)
        lines = drawn(seen.text)
        progress = [line for line in lines if line[:12] in blobs]
        check({line[:12] for line in progress} == set(blobs), 'a layer has no line', lines)
        check(all(len(line) < columns for line in progress), 'too long', progress)
        if columns == 80:
            check(any(re.search(r'  \d+%  .* of 5.0 MiB  .*/s  \d:\d\d left', line) for line in progress), progress)
            check(any('  waiting  5.0 MiB' in line for line in progress) and
                  any('  done  5.0 MiB' in line for line in progress), progress)
        left = [line for line in left_standing(seen.text) if line]
        check(len(left) == 1 and left[0].startswith('app:latest: 4 layers fetched'), left)
        lab.bfc('image', 'delete', 'app')
    slow.pace = 0
    lines = [json.loads(line) for line in
             lab.bfc('--progress=json', 'image', 'pull', slow.ref + ':one', '--as', 'app').message.splitlines()
             if line.startswith('{')]
    done = {x['digest'][7:19] for x in lines if x['schema'] == 'bfc.progress.blob/1' and x['state'] == 'done'}
    check(done == set(blobs), lines)


def test_full_disk(lab):
    """Nothing is left, and the image that was there is as it was."""
    isolate(lab)
    layout = Layout(lab / 'layout')
    layout.tag('small', layout.image([layer(1, 100)]))
    layout.tag('large', layout.image([layer(2, 6 * MIB), layer(3, 6 * MIB)]))
    registry = FakeRegistry(lab, layout)
    os.environ['BFC_STORE'] = store = lab.mount_tmpfs('tiny', 'size=8m') + '/store'
    lab.bfc('image', 'pull', registry.ref + ':small', '--as', 'app')
    before = lab.bfc('--json', 'image', 'info', 'app').json
    answer = lab.bfc('image', 'pull', registry.ref + ':large', '--as', 'app', expect=1)
    check('no space' in answer.message.lower() and answer.message.count('\n') == 1, answer.shown())
    check(lab.bfc('--json', 'image', 'info', 'app').json == before, 'the image has changed')
    lab.bfc('image', 'verify', '--deep', 'app')
    lab.bfc('image', 'prune')
    files = [f for _, _, files in os.walk(store) for f in files]
    check(files == ['app:latest.bfc'], files)


def test_stall(lab):
    """A server that says no more: after half a minute the rest is asked for once more. (Every third day: it waits.)"""
    if share.DAY % 3 and not share.EVERYTHING:
        say(f'day {share.DAY}: on another day')
        return
    isolate(lab)
    stalled = []

    def stall(e, kind, body):
        if kind != 'blobs' or body is None or len(body) < MIB or stalled:
            return None
        stalled.append(e)
        e.head(200, f'Content-Length: {len(body)}')
        e.send(body[:MIB])
        e.wait_for_end()
        return False
    registry = FakeRegistry(lab, sample(lab), fault=stall)
    start = time.monotonic()
    answer = lab.bfc('-v', 'image', 'pull', registry.ref + ':one', '--as', 'app')
    seconds = time.monotonic() - start
    check(29 < seconds < 60 and 'trying again' in answer.message, seconds, answer.shown())
    ranges = [e.headers['Range'] for e in registry.requests if e.path == stalled[0].path and 'Range' in e.headers]
    check(ranges == [f'bytes={MIB}-'], ranges)
    lab.bfc('image', 'verify', '--deep', 'app')


def test_so_many_at_once(lab):
    """However many layers are read ahead of their turn, no more of them come than were asked for."""
    isolate(lab)
    layout = Layout(lab / 'layout')
    layout.tag('one', layout.image([layer(seed, MIB) for seed in range(1, 9)]))
    now, most = [], []

    def count(e, kind, body):
        if kind != 'blobs' or e.method != 'GET':
            return None
        now.append(e)
        most.append(len(now))
        time.sleep(0.05)
        e.head(200, f'Content-Length: {len(body)}')
        now.remove(e)  # before its end: who has all of it may ask for the next
        return registry.send(e, body)
    registry = FakeRegistry(lab, layout, fault=count)
    for number, options in ((1, ['--parallel=1']), (2, ['--parallel=2']), (3, [])):
        del most[:]
        lab.bfc('-j', '8', 'image', 'pull', *options, registry.ref + ':one', '--as', f'app{number}')
        check(max(most) == number and len(most) == 9, number, most)
        lab.bfc('image', 'verify', '--deep', f'app{number}')
        lab.bfc('image', 'delete', f'app{number}')


if __name__ == '__main__':
    harness.main(globals(), shares=2)
