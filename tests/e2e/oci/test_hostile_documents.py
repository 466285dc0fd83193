# SPDX-License-Identifier: Apache-2.0
"""Layouts, manifests, configurations, indexes and blobs that are not what they say, and the layers of which
an engine must not guess what they are. As for hostile layers: refused in one line, and the store as it was."""
import json
import os
import sys
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import harness
import hostile
from harness import check, need, run
from hostile import FOREIGN, INDEX, LAYER, MANIFEST, entry, sha256, tar
from hostile_place import DAMAGED, FAILED, GOOD, NOT_FOUND, Place, read, refuse_all, refuse_all_in

TAR = tar(GOOD, entry('second', data=b'x' * 700))
ELSE = sha256(b'something else')


def plain(**how):
    return lambda layout: layout.image(TAR, **how)


def set_in(document, path, value):
    """Replaces what stands at the path; ... removes it."""
    *way, last = path
    for part in way:
        document = document[part]
    if value is ...:
        del document[last]
    else:
        document[last] = value


def manifest_with(path, value):
    return plain(manifest=lambda m: set_in(m, path, value))


def config_with(path, value):
    return plain(config=lambda c: set_in(c, path, value))


# ── Documents ──

def test_no_json(lab):
    nested = b'[' * 100000 + b']' * 100000
    deep = b'{"a":' * 100000 + b'1' + b'}' * 100000
    many = b'{"schemaVersion":2,"layers":[' + b'{},' * 300000 + b'{}]}'
    documents = [('nothing', b'', DAMAGED, 'is not JSON'), ('no JSON', b'not json', DAMAGED, 'is not JSON'),
                 ('half of it', b'{"schemaVersion":2,', DAMAGED, 'is not JSON'),
                 ('an array', b'[]', DAMAGED, 'an object was expected'),
                 ('bytes that are no UTF-8', b'{"a":"\xff\xfe"}', DAMAGED, 'is not JSON'),
                 ('a NUL', b'{"a":"\\u0000"}', DAMAGED, 'is not JSON'),
                 ('nested arrays', nested, DAMAGED, 'is not JSON'),
                 ('nested objects', deep, DAMAGED, 'is not JSON'), ('300000 values', many, FAILED, '262144'),
                 ('an empty object', b'{}', DAMAGED, 'expected'), ('a number', b'1e999', DAMAGED, 'is not JSON')]
    cases = []
    for what, data, code, *words in documents:
        cases.append((f'manifest: {what}', plain(manifest=data), code, *words))
        cases.append((f'index.json: {what}', lambda layout, data=data: layout.index(whole=data), code, 'index.json',
                      *words[:1]))
        if data != b'{}':
            cases.append((f'config: {what}', plain(config=data), code, 'config sha256:', *words))
    cases.append(('config: an empty object', plain(config=b'{}'), DAMAGED, 'rootfs'))
    cases.append(('oci-layout: no JSON', lambda layout: layout.put('oci-layout', b'x') or plain()(layout), DAMAGED,
                  'oci-layout', 'is not JSON'))
    cases.append(('oci-layout: 2.0.0', lambda layout: layout.put('oci-layout', b'{"imageLayoutVersion":"2.0.0"}') or plain()(layout),
                  FAILED, "'2.0.0'", '1.0.0 was expected'))
    refuse_all(lab, cases)


def test_too_large(lab):
    refuse_all(lab, [
        ('manifest of 4 MiB and more', plain(manifest=b' ' * (4 << 20) + b'{}'), FAILED, '4194306',
         '4194304 are allowed'),
        ('index.json of 4 MiB and more', lambda layout: layout.index(whole=b' ' * (5 << 20)), FAILED, 'index.json',
         '4194304'),
        ('config of 8 MiB and more', plain(config=b' ' * (8 << 20) + b'{}'), FAILED, 'config sha256:',
         '8388608 are allowed'),
        ('a descriptor of 2^63 - 1 bytes', plain(entry={'size': 2**63 - 1}), FAILED, str(2**63 - 1)),
        ('1025 layers', lambda layout: layout.image(*[TAR] * 1025), FAILED, 'layers', '1025', '1024 are allowed'),
        ('1025 diffIDs', plain(diffs=[TAR] * 1025), FAILED, 'diff_ids', '1024'),
        ('4097 images', lambda layout: layout.index(*[{'mediaType': MANIFEST, 'digest': ELSE, 'size': 1}] * 4097),
         FAILED, '4097'),
    ])


def test_wrong_types(lab):
    """Every field that is read, with every type that it must not have; and without it where it must be there."""
    values = {'a string': 'x', 'a number': 7, 'a fraction': 1.5, 'true': True, 'an object': {'a': 1}, 'an array': [1]}
    fields = [  # where, of what, what is right, whether it must be there
        (manifest_with, ['schemaVersion'], ['a number'], False), (manifest_with, ['mediaType'], ['a string'], False),
        (manifest_with, ['config'], [], True), (manifest_with, ['layers'], [], True),
        (manifest_with, ['config', 'digest'], [], True), (manifest_with, ['config', 'size'], ['a number'], True),
        (manifest_with, ['config', 'mediaType'], ['a string'], False), (manifest_with, ['layers', 0], [], False),
        (manifest_with, ['layers', 0, 'digest'], [], True),
        (manifest_with, ['layers', 0, 'size'], ['a number'], True),
        (manifest_with, ['layers', 0, 'mediaType'], ['a string'], False),
        (manifest_with, ['artifactType'], ['a string'], False),
        (manifest_with, ['layers', 0, 'annotations'], ['an object'], False),
        (config_with, ['rootfs'], ['an object'], True), (config_with, ['rootfs', 'diff_ids'], [], False),
        (config_with, ['rootfs', 'diff_ids', 0], [], False), (config_with, ['rootfs', 'type'], ['a string'], False),
        (config_with, ['config'], ['an object'], False), (config_with, ['history'], [], False),
        (config_with, ['architecture'], ['a string'], False), (config_with, ['os'], ['a string'], False),
        (config_with, ['created'], ['a string'], False), (config_with, ['author'], ['a string'], False)]
    fields += [(config_with, ['config', name], ['a string'], False) for name in ('User', 'WorkingDir', 'StopSignal')]
    fields += [(config_with, ['config', name], [], False) for name in ('Env', 'Cmd', 'Entrypoint')]
    fields += [(config_with, ['config', name], ['an object'], False) for name in ('Volumes', 'ExposedPorts')]
    fields += [(config_with, ['config', 'Labels'], [], False)]
    place, tried = Place(lab), 0
    for change, path, right, needed in fields:
        wrong = {k: v for k, v in values.items() if k not in right}
        if needed:
            wrong['nothing'] = ...
        for what, value in wrong.items():
            word = str(path[-1]) if isinstance(path[-1], str) else f'[{path[-1]}]'
            place.refused(f'{what} as {path} ({change.__name__})', change(path, value)(place.layout()), DAMAGED, word,
                          'sha256:')
            tried += 1
    for path, value in [(['history'], [1]), (['history'], [{'empty_layer': 1}]), (['history'], [{'created_by': 1}])]:
        place.refused(f'{path} {value}', config_with(path, value)(place.layout()), DAMAGED, 'history[0]')
    harness.say(f'{tried} fields')


def test_numbers_and_digests(lab):
    digests = ['', 'sha256:', 'sha256:' + 'a' * 63, 'sha256:' + 'a' * 65, 'sha256:' + 'A' * 64, 'sha256:' + 'g' * 64,
               '../../../../etc/passwd', 'sha256:../../../../etc/passwd', 'md5:' + 'a' * 32, 'a' * 64,
               'sha256:' + 'a' * 63 + '/']
    refuse_all(lab, [(f'the digest {d!r} of {path}', make(path, d), (DAMAGED, FAILED), 'sha256:')
                     for d in digests for make, path in [(manifest_with, ['config', 'digest']),
                                                         (manifest_with, ['layers', 0, 'digest']),
                                                         (config_with, ['rootfs', 'diff_ids', 0])]] +
               [(f'sha512 of {path}', make(path, 'sha512:' + 'a' * 128), FAILED, 'sha512')
                for make, path in [(manifest_with, ['layers', 0, 'digest']),
                                   (config_with, ['rootfs', 'diff_ids', 0])]] +
               [(f'the size {size} of {path}', manifest_with(path, size), DAMAGED, 'size')
                for size in (-1, 1e30) for path in (['config', 'size'], ['layers', 0, 'size'])] +
               [(f'the size {size}', manifest_with(['config', 'size'], size), DAMAGED, 'not JSON',
                 'integer') for size in (2**63, 2**64)] +
               [('schema 1', manifest_with(['schemaVersion'], 1), FAILED, 'schema 1'),
                ('schema 3', manifest_with(['schemaVersion'], 3), FAILED, 'schemaVersion', '2 was expected'),
                ('layers of schema 1', manifest_with(['fsLayers'], []), FAILED, 'schema 1'),
                ('a manifest and an index', manifest_with(['manifests'], []), DAMAGED, 'index'),
                ('a manifest that calls itself an index', manifest_with(['mediaType'], INDEX), DAMAGED),
                ('a root file system of no layers', config_with(['rootfs', 'type'], 'other'), FAILED,
                 "'layers' was expected")])


# ── Blobs ──

def truncated(data):
    return [data[:at] for at in range(0, len(data), 512)]


def test_blobs_that_are_not_as_promised(lab):
    def blob(change, which='layer'):
        def make(layout):
            layout.image(TAR)
            manifest = json.loads(read(layout.where(layout.entries[0]['digest'])))
            digest = {'layer': manifest['layers'][0]['digest'], 'config': manifest['config']['digest'],
                      'manifest': layout.entries[0]['digest']}[which]
            change(layout, layout.where(digest))
            return layout
        return make

    def put(data):
        return lambda layout, path: layout.put(path, data)

    def replaced(make):
        def change(layout, path):
            os.unlink(path)
            make(layout, path)
        return change
    cases = [(f'no {which}', blob(lambda l, p: os.unlink(p), which), NOT_FOUND, 'sha256:', 'no blob')
             for which in ('layer', 'config', 'manifest')]
    outside = lab / 'a-blob'
    with open(outside, 'wb') as f:
        f.write(TAR)
    for which in ('layer', 'config', 'manifest'):
        links = [('out of the layout', lambda l, p: os.symlink(outside, p)),
                 ('to itself', lambda l, p: os.symlink(os.path.basename(p), p)),
                 ('up and out', lambda l, p: os.symlink('../../../a-blob', p)),
                 ('to /dev/zero', lambda l, p: os.symlink('/dev/zero', p))]
        cases += [(f'{which} is a link {what}', blob(replaced(make), which), DAMAGED, 'link') for what, make in links]
        cases += [(f'{which} is a {what}', blob(replaced(make), which), DAMAGED, 'not a regular file')
                  for what, make in [('folder', lambda l, p: os.mkdir(p)), ('FIFO', lambda l, p: os.mkfifo(p))]]
        cases += [(f'{which} has one byte more', blob(lambda l, p: l.put(p, read(p) + b'\0'), which), DAMAGED,
                   'promise', 'more'),
                  (f'{which} has one byte less', blob(lambda l, p: l.put(p, read(p)[:-1]), which), DAMAGED,
                   'promise'),
                  (f'{which} is empty', blob(put(b''), which), DAMAGED, 'promise'),
                  (f'{which} has one byte changed', blob(lambda l, p: l.put(p, read(p)[:-3] + b'\x01' + read(p)[-2:]),
                                                         which), DAMAGED,
                   'digest')]
    refuse_all(lab, cases)


def test_descriptors_that_lie(lab):
    size = len(TAR)
    refuse_all(lab, [
        ('a digest of something else', manifest_with(['layers', 0, 'digest'], ELSE), NOT_FOUND, ELSE),
        ('a size too large', manifest_with(['layers', 0, 'size'], size + 1), DAMAGED, str(size), str(size + 1)),
        ('a size too small', manifest_with(['layers', 0, 'size'], size - 1), DAMAGED, str(size - 1)),
        ('a size of 0', manifest_with(['layers', 0, 'size'], 0), DAMAGED, ' 0 bytes'),
        ('a config size too large', manifest_with(['config', 'size'], 4000), DAMAGED, 'config', '4000'),
        ('a config size too small', manifest_with(['config', 'size'], 3), DAMAGED, 'config', ' 3 bytes'),
        ('a manifest size too large', plain(entry={'size': 4000}), DAMAGED, '4000'),
        ('a manifest size too small', plain(entry={'size': 3}), DAMAGED, ' 3 bytes'),
        ('a wrong diffID', plain(diffs=[ELSE]), DAMAGED, 'diffID ' + sha256(TAR), ELSE),
        ('the digest of the gzip as diffID', lambda layout: layout.image((hostile.gzipped([TAR]), LAYER + '+gzip')),
         DAMAGED, 'diffID'),
        ('no diffID', plain(diffs=[]), DAMAGED, '0 diffIDs', '1 layers'),
        ('a diffID too many', plain(diffs=[TAR, TAR]), DAMAGED, '2 diffIDs', '1 layers'),
        ('a diffID too few', lambda layout: layout.image(TAR, TAR, diffs=[TAR]), DAMAGED, '1 diffIDs', '2 layers'),
        ('two diffIDs in the wrong order', lambda layout: layout.image(TAR, tar(GOOD), diffs=[tar(GOOD), TAR]),
         DAMAGED, 'diffID'),
    ])


def test_truncated_at_every_block(lab):
    """With the digests of the whole it is always damage; with those that fit it is only where an entry ends."""
    place = Place(lab)
    zipped = hostile.gzipped([os.urandom(4096) for _ in range(2)])
    for what, whole, media_type in [('plain', TAR, LAYER), ('gzip', zipped, LAYER + '+gzip')]:
        for cut in truncated(whole):
            layout = place.layout().image((whole, media_type))
            layout.put(layout.where(sha256(whole)), cut)
            place.refused(f'{what} cut at {len(cut)}', layout, DAMAGED, 'layer sha256:', 'promise')
    whole_entries = (0, 1024, 1024 + 512 + 1024, 1024 + 512 + 1024 + 512)
    for cut in truncated(TAR):
        layout = place.layout().image(cut)
        if len(cut) in whole_entries:
            place.taken(f'cut at {len(cut)}, between entries', layout)
        else:
            place.refused(f'cut at {len(cut)}, digests fit', layout, DAMAGED, 'the archive ends, and')
    for at in (1, 100, 511, 513, 524, 1025, 1535, 1537, 2235):  # from 525 to 1023 it is padding
        place.refused(f'cut at {at}, digests fit', place.layout().image(TAR[:at]), DAMAGED, 'the archive ends')


def test_damaged_compression(lab):
    need('zstd')
    with open(lab / 'plain', 'wb') as f:
        f.write(TAR)
    run(['zstd', '-q', '--check', lab / 'plain'])
    place = Place(lab)
    for kind, blob in (('gzip', hostile.gzipped([TAR])), ('zstd', read(lab / 'plain.zst'))):
        media_type, other = LAYER + '+' + kind, LAYER + '+' + ('zstd' if kind == 'gzip' else 'gzip')
        for cut in range(1, len(blob), 13):
            place.refused(f'{kind} cut at {cut}', place.layout().image((blob[:cut], media_type), diffs=[TAR]),
                          DAMAGED, 'layer sha256:')
        for at in [*range(0, len(blob), 17), len(blob) - 1, len(blob) - 6]:
            changed = blob[:at] + bytes([blob[at] ^ 0xff]) + blob[at + 1:]
            if kind == 'gzip' and 4 <= at < 10:  # the time, and what made it
                continue
            place.refused(f'{kind} changed at {at}', place.layout().image((changed, media_type), diffs=[TAR]),
                          DAMAGED, 'layer sha256:')
        place.refused(f'rubbish after {kind}', place.layout().image((blob + b'rubbish', media_type), diffs=[TAR]),
                      DAMAGED, 'layer sha256:')
        place.taken(f'{kind} by another name', place.layout().image((blob, other), diffs=[TAR]))
    place.refused('deflate without gzip', place.layout().image((zlib.compress(TAR), LAYER + '+gzip'), diffs=[TAR]),
                  DAMAGED, 'layer sha256:')


# ── Layers and images of other kinds ──

def test_kinds_of_layers(lab):
    place = Place(lab)
    gone = {'mediaType': FOREIGN, 'digest': ELSE, 'size': 1000, 'urls': ['https://example.invalid/layer']}
    refuse_all_in(place, [
        ('a foreign layer without content', lambda layout: layout.image(TAR, gone), FAILED, ELSE, 'not distributed',
         FOREIGN),
        ('a layer without content', lambda layout: layout.image(TAR, {**gone, 'mediaType': LAYER}), NOT_FOUND, ELSE,
         'no blob'),
        *[(f'a layer of the type {kind}', lambda layout, kind=kind: layout.image((TAR, kind)), FAILED, word,
           f"'{kind}'")
          for kind, word in [(LAYER + '+encrypted', 'encrypted'), (LAYER + '+gzip+encrypted', 'encrypted'),
                             (LAYER + '+zstd+encrypted', 'encrypted'),
                             ('application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted', 'encrypted'),
                             ('text/plain', 'no layer'), (MANIFEST, 'no layer'), (LAYER + '+bzip2', 'no layer'),
                             ('application/vnd.in-toto+json', 'no layer')]],
        ('a layer without a type', lambda layout: layout.image((TAR, None)), FAILED, 'layer'),
        ('an artifact', manifest_with(['config', 'mediaType'], 'application/vnd.oci.empty.v1+json'), FAILED,
         'artifact', 'empty.v1'),
        ('an artifact with a type', plain(manifest=lambda m: m.update(
            artifactType='application/x.example', config={**m['config'], 'mediaType': 'application/vnd.oci.empty.v1+json'})),
         FAILED, "artifact of the type 'application/x.example'"),
        ('a config of another kind', manifest_with(['config', 'mediaType'], 'application/vnd.cncf.helm.config.v1+json'), FAILED, 'helm'),
    ])
    for kind in (FOREIGN, FOREIGN + '+gzip', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'):
        blob = hostile.gzipped([TAR]) if kind.endswith('gzip') else TAR
        target = place.taken(f'a foreign layer with content ({kind})',
                             place.layout().image((blob, kind), diffs=[TAR]))
        check(read(target + '/hello') == b'hello, world\n')
    place.taken('no layers', place.layout().image())
    place.taken('an empty tar', place.layout().image(hostile.END))
    place.taken('nothing at all', place.layout().image(b''))
    place.taken('a layer thrice', place.layout().image(TAR, TAR, TAR))


def test_indexes(lab):
    def platforms(*names):
        def make(layout):
            for name in names:
                system, arch, *variant = name.split('/')
                layout.image(TAR, config=lambda c: c.update(os=system, architecture=arch), entry={
                    'platform': {'os': system, 'architecture': arch, **({'variant': variant[0]} if variant else {})}})
            return layout
        return make

    def nested(depth):
        def make(layout):
            layout.image(TAR)
            for _ in range(depth):
                layout.entries = [layout.document({'schemaVersion': 2, 'mediaType': INDEX,
                                                   'manifests': layout.entries}, None, INDEX)]
            return layout.index(*layout.entries)
        return make
    loop = {'mediaType': INDEX, 'digest': ELSE, 'size': 100}
    place = Place(lab)
    refuse_all_in(place, [
        ('no image', lambda layout: layout.index(), NOT_FOUND, 'no image'),
        ('only statements', plain(entry={'platform': {'os': 'unknown', 'architecture': 'unknown'}}), NOT_FOUND,
         'no image'),
        ('other platforms', platforms('linux/s390x', 'windows/amd64', 'linux/arm/v5'), NOT_FOUND, 'linux/s390x',
         'windows/amd64',
         'linux/arm/v5'),
        ('an index that is not there', lambda layout: layout.index(loop), NOT_FOUND, ELSE),
        ('indexes 100 deep', nested(100), FAILED, 'deep'),
    ])
    for names in (('one', 'two'), ('one', 'one')):
        layout = place.layout()
        for i, name in enumerate(names):
            layout.image(tar(entry(f'{i}')), entry={'annotations': {'org.opencontainers.image.ref.name': name}})
        place.refused(f'several images {names}', layout, 2, 'several images' if names[0] != names[1] else 'images')
    layout = place.layout().image(TAR, entry={'annotations': {'org.opencontainers.image.ref.name': 'there'}})
    place.refused('another reference', layout, NOT_FOUND, "'there'", "'gone'", source=f'oci:{layout.path}:gone')
    layout = platforms('linux/s390x', 'linux/arm64')(place.layout())
    place.refused('a platform that is not there', layout, NOT_FOUND, 'linux/riscv64', 'linux/s390x',
                  options=['--platform', 'linux/riscv64'])
    place.taken('an index in an index', nested(2)(place.layout()))
    place.refused('a configuration for something else', plain()(place.layout()), NOT_FOUND, 'linux/amd64',
                  'linux/s390x',
                  options=['--platform', 'linux/s390x'])


if __name__ == '__main__':
    harness.main(globals(), shares=2)
