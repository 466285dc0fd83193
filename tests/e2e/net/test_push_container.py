#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Container files as artifacts: what comes out of a registry is the file that went there, byte for byte.

usage: test_push_container.py BFC [NAME…]
"""
import filecmp
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import Layout, noise, sha256
from registries import DockerRegistry, FakeRegistry, isolate
import harness
from harness import check, need, run

TYPE = 'application/vnd.bfc.container.v1'
MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
FAILED, DAMAGED = 1, 3


def begin(lab):
    isolate(lab)
    os.makedirs(lab / 'tree/etc')
    for name, size in (('etc/hostname', 12), ('large', 9 << 20), ('small', 70000)):
        with open(f'{lab / "tree"}/{name}', 'wb') as f:
            f.write(noise(size, size))
    with open(lab / 'key', 'wb') as f:
        f.write(noise(7, 32))
    os.chmod(lab / 'key', 0o600)
    lab.bfc('image', 'create', 'team/app:1', lab / 'tree')
    return DockerRegistry(lab)


def other(lab):
    return f'--store={lab / "other"}'


def file_of(lab, name, *store):
    return lab.bfc(*store, 'image', 'info', '--json', name).json['path']


def raw(registry, name):
    return run(['skopeo', '--insecure-policy', 'inspect', '--tls-verify=false', '--raw',
                f'docker://{registry.host}/{name}']).out


def push(lab, registry, name, to):
    return lab.bfc('--json', 'image', 'push', '--format=bfc', name, f'{registry.host}/{to}').json


def test_comes_out_as_it_went_in(lab):
    need('skopeo')
    registry = begin(lab)
    sent = push(lab, registry, 'team/app:1', 'files/app:1')
    file = file_of(lab, 'team/app:1')
    with open(file, 'rb') as f:
        content = f.read()
    document = raw(registry, 'files/app:1')
    manifest = json.loads(document)
    facts = lab.bfc('info', '--json', file).json
    check(sent['digest'] == sha256(document) and sent['blobs_sent'] == 2, sent)
    check(manifest['artifactType'] == TYPE and manifest['config']['digest'] == sha256(b'{}'), manifest)
    check(manifest['layers'] == [{'mediaType': TYPE, 'digest': sha256(content), 'size': len(content),
                                  'annotations': {'org.opencontainers.image.title': 'app-1.bfc'}}], manifest)
    check(manifest['annotations'] == {
        'vnd.bfc.container.root-digest': facts['commit']['root_digest'],
        'vnd.bfc.container.commit-offset': str(facts['commit']['offset'])}, manifest)
    got = lab.bfc('--json', other(lab), 'image', 'pull', f'{registry.host}/files/app:1', '--as', 'got').json
    check(not got['up_to_date'], got)
    check(filecmp.cmp(file, file_of(lab, 'got', other(lab)), shallow=False), 'another file')
    lab.bfc(other(lab), 'image', 'verify', '--deep', 'got')
    got = lab.bfc('--json', other(lab), 'image', 'pull', f'{registry.host}/files/app:1', '--as', 'got').json
    check(got['up_to_date'], got)
    again = push(lab, registry, 'team/app:1', 'files/app:1')
    check(again['blobs_sent'] == 0 and again['blobs_there'] == 2 and again['digest'] == sent['digest'], again)
    check(lab.bfc(other(lab), 'image', 'prune', '--json').json['removed'] == [], 'something is left')


def test_skopeo_takes_it_along(lab):
    need('skopeo')
    registry = begin(lab)
    push(lab, registry, 'team/app:1', 'files/app:1')
    run(['skopeo', '--insecure-policy', 'copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false',
         f'docker://{registry.host}/files/app:1', f'docker://{registry.host}/moved/app:2'])
    lab.bfc(other(lab), 'image', 'pull', f'{registry.host}/moved/app:2', '--as', 'got')
    check(filecmp.cmp(file_of(lab, 'team/app:1'), file_of(lab, 'got', other(lab)), shallow=False), 'another file')


def test_encrypted_without_a_key(lab):
    registry = begin(lab)
    lab.bfc('image', 'create', '-e', '--key-file', lab / 'key', 'sealed', lab / 'tree')
    push(lab, registry, 'sealed', 'files/sealed:1')
    manifest = json.loads(raw(registry, 'files/sealed:1'))
    check('annotations' not in manifest, manifest)
    lab.bfc(other(lab), 'image', 'pull', f'{registry.host}/files/sealed:1', '--as', 'got')
    check(filecmp.cmp(file_of(lab, 'sealed'), file_of(lab, 'got', other(lab)), shallow=False), 'another file')
    lab.bfc(other(lab), 'image', 'extract', '--key-file', lab / 'key', 'got', lab / 'out')
    check(run(['diff', '-r', lab / 'tree', lab / 'out']).out == b'', 'another tree')


def put(registry, content, change, tag):
    """A manifest of a container that was changed, with its blobs."""
    registry.send_blob('files/bad', content)
    registry.send_blob('files/bad', b'{}')
    manifest = {'schemaVersion': 2, 'mediaType': MANIFEST, 'artifactType': TYPE,
                'config': {'mediaType': 'application/vnd.oci.empty.v1+json', 'digest': sha256(b'{}'), 'size': 2},
                'layers': [{'mediaType': TYPE, 'digest': sha256(content), 'size': len(content)}]}
    change(manifest)
    registry.send('PUT', f'files/bad/manifests/{tag}', json.dumps(manifest).encode(), MANIFEST)


def test_what_is_no_container(lab):
    registry = begin(lab)
    with open(file_of(lab, 'team/app:1'), 'rb') as f:
        content = f.read()
    place = str(lab.bfc('info', '--json', file_of(lab, 'team/app:1')).json['commit']['offset'])

    def annotate(root, offset):
        return lambda m: m.update(annotations={'vnd.bfc.container.root-digest': root,
                                               'vnd.bfc.container.commit-offset': offset})
    cases = {
        'noise': (noise(3, 50000), lambda m: None),
        'short': (content[:-4096], lambda m: None),
        'flipped': (content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
                    lambda m: m.update(annotations=None)),
        'root': (content, annotate('0' * 64, place)),
        'offset': (content, annotate(lab.bfc('info', '--json', file_of(lab, 'team/app:1')).json['commit']['root_digest'],
                                     '4096')),
        'words': (content, annotate('not a digest', place)),
        'half': (content, lambda m: m.update(annotations={'vnd.bfc.container.commit-offset': place})),
        'two': (content, lambda m: m['layers'].append(m['layers'][0])),
        'type': (content, lambda m: m['layers'][0].update(mediaType='application/octet-stream')),
    }
    for tag, (bytes_, change) in cases.items():
        put(registry, bytes_, change, tag)
        result = lab.bfc(other(lab), 'image', 'pull', f'{registry.host}/files/bad:{tag}', '--as', 'got',
                         expect={'flipped': (0, DAMAGED), 'noise': FAILED}.get(tag, DAMAGED))
        if result.code == 0:  # a block of contents: --deep sees it
            lab.bfc(other(lab), 'image', 'verify', '--deep', 'got', expect=DAMAGED)
            lab.bfc(other(lab), 'image', 'delete', 'got')
        check(lab.bfc(other(lab), 'image', 'list', '-q').out == b'', tag, 'left an image')
    put(registry, content, lambda m: None, 'good')
    lab.bfc(other(lab), 'image', 'pull', f'{registry.host}/files/bad:good', '--as', 'got')


def test_a_registry_that_lies(lab):
    """A block of contents with one bit changed, and its checksum made right by nobody: the digest tells."""
    begin(lab)
    with open(file_of(lab, 'team/app:1'), 'rb') as f:
        content = f.read()
    layout = Layout(lab / 'layout')
    blobs = [layout.blob(b'{}', 'application/vnd.oci.empty.v1+json'), layout.blob(content, TYPE)]
    layout.tag('1', layout.document({'schemaVersion': 2, 'mediaType': MANIFEST, 'artifactType': TYPE,
                                     'config': blobs[0], 'layers': blobs[1:]}, MANIFEST))
    lies = [True]

    def fault(e, kind, body):
        if lies[0] and kind == 'blobs' and body == content:
            return registry.give(e, kind, body[:9000] + bytes([body[9000] ^ 1]) + body[9001:])
        return None
    registry = FakeRegistry(lab, layout, fault=fault)
    result = lab.bfc(other(lab), 'image', 'pull', f'{registry.ref}:1', '--as', 'got', expect=DAMAGED)
    check('what came has the digest' in result.message, result.shown())
    lies[0] = False
    lab.bfc(other(lab), 'image', 'pull', f'{registry.ref}:1', '--as', 'got')
    check(filecmp.cmp(file_of(lab, 'team/app:1'), file_of(lab, 'got', other(lab)), shallow=False), 'another file')


if __name__ == '__main__':
    harness.main(globals())
