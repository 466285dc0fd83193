# SPDX-License-Identifier: Apache-2.0
"""Tar archives that others collected: the samples of Go's archive/tar and of Python's tarfile, as Debian
packages them. Each becomes the one layer of an image. What is taken comes back byte for byte, and its
names are those that bsdtar reads; what is refused is what Go's own test expects to fail, or what no
layer can be, with one line that says why."""
import glob
import hashlib
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
import harness  # pylint: disable=wrong-import-position
from harness import Skip, check, need, say  # pylint: disable=wrong-import-position

GO = '/usr/share/go-*/src/archive/tar/testdata/*.tar'
PYTHON = '/usr/lib/python3*/test/*.tar'

# Why one is refused: the words that must stand in the message.
REFUSED = {
    'gnu-long-nul.tar': None,  # may be read as Go does, or refused: only that nothing breaks is asked
    'issue10968.tar': 'tar',
    'issue11169.tar': 'tar',
    'issue12435.tar': 'tar',
    'neg-size.tar': 'tar',
    'pax-bad-hdr-file.tar': 'tar',
    'pax-bad-mtime-file.tar': 'tar',
    'pax-nul-path.tar': 'tar',
    'pax-nul-xattrs.tar': 'tar',
    'pax-path-hdr.tar': 'tar',     # an extended header, and no entry
    'recursion.tar': 'tar',
    'testtar.tar': 'owner 4294967295',  # which is no owner: Linux cannot set it
    'writer-big.tar': 'tar',       # a header that promises 16 GiB, and no content
    'writer-big-long.tar': 'tar',
}


def samples():
    found = sorted(glob.glob(GO)) + sorted(glob.glob(PYTHON))
    if not found:
        raise Skip('no samples: Debian has them in golang-1.19-src and libpython3.11-testsuite')
    return found


def put(layout, media_type, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(f'{layout}/blobs/sha256/{digest}', 'wb') as f:
        f.write(data)
    return {'mediaType': media_type, 'digest': f'sha256:{digest}', 'size': len(data)}


def image_of(layout, tar):
    """A layout with one image whose one layer is this tar."""
    os.makedirs(f'{layout}/blobs/sha256')
    with open(f'{layout}/oci-layout', 'w', encoding='ascii') as f:
        f.write('{"imageLayoutVersion":"1.0.0"}')
    layer = put(layout, 'application/vnd.oci.image.layer.v1.tar', tar)
    config = put(layout, 'application/vnd.oci.image.config.v1+json', json.dumps({
        'architecture': 'amd64', 'os': 'linux', 'config': {},
        'rootfs': {'type': 'layers', 'diff_ids': [layer['digest']]}}).encode())
    manifest = put(layout, 'application/vnd.oci.image.manifest.v1+json', json.dumps({
        'schemaVersion': 2, 'config': config, 'layers': [layer]}).encode())
    with open(f'{layout}/index.json', 'w', encoding='ascii') as f:
        json.dump({'schemaVersion': 2, 'manifests': [manifest]}, f)
    return layer['digest'][7:]


def names_by_bsdtar(path):
    """Normalised as a tree has them; None where bsdtar itself gives up."""
    done = subprocess.run(['bsdtar', '-tf', path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, 'LC_ALL': 'C.UTF-8'}, check=False)
    if done.returncode != 0:
        return None
    return {line.strip(b'/') for line in done.stdout.split(b'\n') if line.strip(b'/')}


def test_samples(lab):
    need('bsdtar')
    taken, refused = 0, 0
    for path in samples():
        name = os.path.basename(path)
        with open(path, 'rb') as f:
            tar = f.read()
        layout = lab / (f'in-{name}')
        store = lab / (f'store-{name}')
        hexdigest = image_of(layout, tar)
        done = lab.bfc('--store', store, 'image', 'create', 'x', f'oci:{layout}', expect=None)
        if done.code != 0:
            check(name in REFUSED, name, 'was refused:', done.message)
            check(done.code in (1, 3), name, 'exit code', done.code)
            lines = done.message.strip().splitlines()
            check(len(lines) == 1, name, 'more than a line:', done.message)
            check(REFUSED[name] is None or REFUSED[name] in lines[0], name, lines[0])
            refused += 1
            continue
        check(REFUSED.get(name) is None, name, 'was taken, but is no good tar')
        lab.bfc('--store', store, 'image', 'verify', '--deep', 'x')
        out = lab / (f'out-{name}')
        lab.bfc('--store', store, 'image', 'export', '--compression', 'none', 'x', f'oci:{out}')
        with open(f'{out}/blobs/sha256/{hexdigest}', 'rb') as f:
            check(f.read() == tar, name, 'came back otherwise')
        compare_names(lab, store, path)
        taken += 1
    say(f'{taken} samples came back byte for byte, {refused} were refused')
    check(taken >= 20, 'only', taken)


def compare_names(lab, store, path):
    theirs = names_by_bsdtar(path)
    listed = lab.bfc('list', '-0', glob.glob(f'{store}/x:latest/*.bfc')[0])
    ours = {name.strip(b'/') for name in listed.out.split(b'\0') if name.strip(b'/')}
    if theirs is None:
        return
    missing = {name for name in theirs
               if name not in ours and name.replace(b'./', b'') not in ours and b'..' not in name}
    if missing and os.path.basename(path) not in OTHERWISE:
        raise AssertionError(f'{path}: bsdtar has {sorted(missing)[:5]}, we have {sorted(ours)[:5]}')


# Where bsdtar names something that is in no file system (volume labels, dump directories), shows names
# in another encoding, or reads a header otherwise than Go does (a GNU header with a prefix, as Go wrote
# them once), or passes over global extended headers, which POSIX has apply to what follows.
OTHERWISE = {'invalid-go17.tar', 'pax-global-records.tar', 'gnu-incremental.tar', 'gnu-not-utf8.tar'}


if __name__ == '__main__':
    harness.main(globals())
