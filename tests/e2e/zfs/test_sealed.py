# SPDX-License-Identifier: Apache-2.0
"""Encrypted and signed images in a pool: what their properties give away, containers of them, from pool to pool, and
who must have signed what comes in."""
import os
import subprocess

import zlab  # first: it says where the others are
import harness
from harness import check, run
from making import read
from oddities import write
from trees import mark_of, plain_tree, same
from zlab import ZLab

DENIED = 5
HIDDEN = ('manifest', 'compression', 'platform', 'layers', 'files', 'content')


class Keys:
    """Key files to encrypt with, and people who sign."""

    def __init__(self, lab):
        lab.wrapper = ['setsid', '-w']  # no terminal to ask for a password on
        self.lab = lab
        self.key, self.wrong = self._file('key'), self._file('wrong')
        self.signer = {who: lab.bfc('key', 'generate', '--signing', '-o', lab / who).text.strip()
                       for who in ('alice', 'eve')}

    def _file(self, name):
        write(self.lab / name, os.urandom(32), 0o600)
        return '--key-file', self.lab / name

    def sign(self, file, *key):
        self.lab.bfc('sign', *key, '--key', self.lab / 'alice', file)

    def by(self, who):
        return '--key', self.signer[who]


def check_hidden(z, name):
    """Everybody can know its name, size, time, digest and that it is encrypted; with the key too, the properties say no
    more."""
    props, size = z.props(z.dataset(name)), os.stat(z.file(name)).st_size
    check(all(props[p] == 'unknown' for p in HIDDEN), props)
    check((props['image'], props['size'], props['encryption']) == (name, str(size), 'chacha20-poly1305'), props)
    info = z.json('info', name)
    check(props['digest'] == info['root_digest'], props, info)
    check(info['encryption'] == 'chacha20-poly1305' and info['size'] == size, info)
    check(all(info[k] is None for k in ('compression', 'platform', 'layers', 'files', 'content_bytes')), info)
    check(not info.get('mismatch'), info)
    listed = {x['name']: x for x in z.json('list')['images']}[name]
    check({k: listed[k] for k in info if k in listed} == {k: info[k] for k in info if k in listed}, listed, info)


def told(z, name, *key):
    """The facts that a key shows."""
    info = z.json('info', *key, name)
    return {k: info[k] for k in ('encryption', 'compression', 'layers', 'files', 'content_bytes', 'root_digest')}


# ── One pool ──

def test_life_of_an_image(lab):
    keys, z = Keys(lab), ZLab(lab)
    key, wrong, tree = keys.key, keys.wrong, plain_tree(lab / 'tree')
    z('create', '-e', *key, 'app:1', tree)
    z('create', 'app:2', tree)
    check_hidden(z, 'app:1')
    sealed, plain = told(z, 'app:1', *key), told(z, 'app:2')
    for fact in ('compression', 'layers', 'files', 'content_bytes'):
        check(sealed[fact] == plain[fact], fact, sealed, plain)
    lines = {l.split()[0]: l.split() for l in z('list').text.splitlines()}
    check(lines['app:1'][-2:] == ['-', '-'] and lines['app:2'][-2:] != ['-', '-'], lines)
    z('info', *wrong, 'app:1', expect=DENIED)
    z('verify', '--deep', 'app:1')
    z('verify', '--deep', *key, 'app:1')
    z('verify', *wrong, 'app:1', expect=DENIED)

    # Another name, another content, the first one again.
    z('tag', 'app:1', 'same:1')
    check_hidden(z, 'same:1')
    first = z.digest('app:1')
    z('create', '-f', '-e', *key, 'app:1', plain_tree(lab / 'next', 'next'))
    check_hidden(z, 'app:1')
    check(mark_of(z.container('app:1', 'next', '-p', *key)) == 'next')
    z('rollback', 'app:1', first[:12])
    check_hidden(z, 'app:1')
    check(z.digest('app:1') == first and [v['root_digest'] for v in z.json('history', 'app:1')['versions']][0] == first)

    # Out again.
    z('export', *wrong, 'app:1', 'oci-archive:' + lab / 'no.tar', expect=DENIED)
    check(not os.path.exists(lab / 'no.tar'), 'an export without the key')
    z('export', *key, 'app:1', 'oci-archive:' + lab / 'x.tar')
    z('create', '-e', *wrong, 'in:1', 'oci-archive:' + lab / 'x.tar')
    check_hidden(z, 'in:1')
    same(tree, z.container('in:1', 'in', *wrong))
    z('export', *key, 'app:1', 'bfc:' + lab / 'x.bfc')
    check(read(lab / 'x.bfc') == read(z.file('app:1')), 'the file itself')

    # What is derived is encrypted as well.
    write(lab / 'tree/etc/mark', b'changed')
    z('squash', *key, '--as', 'oci:1', 'app:1')
    z('commit', *key, '--as', 'oci:2', 'oci:1', tree)
    check_hidden(z, 'oci:1')
    check_hidden(z, 'oci:2')
    check(mark_of(z.container('oci:2', 'changed', *key)) == 'changed')
    z('delete', 'app:1', 'same:1', 'oci:2', 'oci:1')
    check(z.listed() == ['app:2', 'in:1'], z.listed())
    check(mark_of(f'{z.path}/containers/changed') == 'changed', 'containers stay')


def test_containers_are_copies(lab):
    """A template would be the plain tree, beside the encrypted image, for good."""
    keys, z = Keys(lab), ZLab(lab)
    tree = plain_tree(lab / 'tree')
    z('create', '-e', *keys.key, 'app:1', tree)
    for how in ((), ('--copy',)):
        for bad in ((), keys.wrong):
            done = z('extract', '-p', *how, *bad, 'app:1', z.containers + '/no', expect=DENIED)
            check(done.message.count('\n') == 1, done.shown())
            check(not z.exists(z.containers + '/no') and not z.work(), z.datasets(z.pool))
            check(how or not z.exists(z.containers), 'what is above it was made for nothing')
        target = 'c' + str(len(how))
        same(tree, z.container('app:1', target, '-p', *how, *keys.key))
        check(z.origin(f'{z.containers}/{target}') == '-', 'a clone')
    check(not z.exists(z.dataset('app:1') + '/rootfs'), 'a template')
    # Into one that is there; without the key it stays as it was.
    write(f'{z.path}/containers/c0/more', b'more')
    before = z.snapshots(z.containers + '/c0')
    z('extract', '-f', *keys.wrong, 'app:1', z.containers + '/c0', expect=DENIED)
    check(read(f'{z.path}/containers/c0/more') == b'more' and z.snapshots(z.containers + '/c0') == before,
          z.snapshots(z.containers + '/c0'))
    done = z('--json', 'extract', '-f', *keys.key, 'app:1', z.containers + '/c0').json
    check(done['snapshot'].startswith(z.containers + '/c0@bfc-before-'), done)
    z('delete', 'app:1')
    same(tree, f'{z.path}/containers/c1')


def test_damage_is_not_a_wrong_key(lab):
    keys, z = Keys(lab), ZLab(lab)
    z('create', '-e', *keys.key, 'app:1', plain_tree(lab / 'tree'))
    with open(z.file('app:1'), 'r+b') as f:
        f.seek(5000)
        byte = f.read(1)[0]
        f.seek(5000)
        f.write(bytes([byte ^ 1]))
    for key in ((), keys.key):
        z('verify', '--deep', *key, 'app:1', expect=3)
    z('verify', '--deep', *keys.wrong, 'app:1', expect=DENIED)
    z('extract', '-p', *keys.key, 'app:1', z.containers + '/c1', expect=3)
    check(not z.exists(z.containers + '/c1') and not z.work(), z.datasets(z.pool))


# ── Who must have signed ──

class Signed:
    """Containers, and images of them in a store: `plain` and `sealed` that alice has signed, and unsigned ones."""

    def __init__(self, lab, keys):
        self.key, self.file = {}, {}
        self.tree = plain_tree(lab / 'tree')
        for name, how in (('plain', ()), ('sealed', ('-e', *keys.key))):
            self.key[name] = how[1:]
            for signed in (True, False):
                full = name if signed else 'un' + name
                self.file[full] = lab / full + '.bfc'
                self.key[full] = how[1:]
                lab.bfc('create', *how, self.file[full], self.tree)
            keys.sign(self.file[name], *how[1:])


def test_create_of_signed_containers(lab):
    keys, z = Keys(lab), ZLab(lab)
    signed = Signed(lab, keys)
    for name, file in signed.file.items():
        key, source = signed.key[name], 'bfc:' + file
        z('create', *key, *keys.by('eve'), name, source, expect=DENIED)
        z('create', *key, *keys.by('alice'), name, source, expect=DENIED if name.startswith('un') else 0)
        if key:
            z('create', *keys.by('alice'), 'x', source, expect=DENIED)
            z('create', *keys.wrong, *keys.by('alice'), 'x', source, expect=DENIED)
    check(z.listed() == ['plain:latest', 'sealed:latest'] and not z.work(), z.listed(), z.work())
    check_hidden(z, 'sealed:latest')
    same(signed.tree, z.container('sealed', 'c1', '-p', *signed.key['sealed'], *keys.by('alice')))
    z('extract', *signed.key['sealed'], *keys.by('eve'), 'sealed', z.containers + '/c2', expect=DENIED)
    same(signed.tree, z.container('plain', 'c3', '--copy', *keys.by('alice')))
    z('extract', '--copy', *keys.by('eve'), 'plain', z.containers + '/c2', expect=DENIED)
    # The store has no template of it that was checked.
    z('extract', *keys.by('alice'), 'plain', z.containers + '/c2', expect=1)
    check(not z.exists(z.containers + '/c2'), 'not signed, but extracted')


def test_from_pool_to_pool(lab):
    keys, near, far = Keys(lab), ZLab(lab), ZLab(lab, mountpoint='far')
    signed = Signed(lab, keys)
    for name, file in signed.file.items():
        near('create', name, 'bfc:' + file)
        near('send', '-o', lab / name + '.send', name)

    def take(name, *options, expect=0):
        done = far('receive', *options, lab / name + '.send', expect=expect)
        check(not expect or done.message.count('\n') == 1, done.shown())
        return done

    take('unplain', '--require-signature', *keys.by('alice'), expect=DENIED)
    take('plain', *keys.by('eve'), expect=DENIED)
    take('unsealed', *keys.key, *keys.by('alice'), expect=DENIED)
    take('sealed', *keys.key, *keys.by('eve'), expect=DENIED)
    done = take('sealed', *keys.by('alice'), expect=DENIED)
    check('without a key' in done.message, done.shown())
    take('sealed', *keys.wrong, *keys.by('alice'), expect=DENIED)
    check(far.listed() == [] and not far.work(), far.listed(), far.work())
    take('plain', *keys.by('alice'))
    take('sealed', *keys.key, *keys.by('alice'))
    take('unsealed')  # without a key: what is plain is checked
    check_hidden(far, 'sealed:latest')
    check_hidden(far, 'unsealed:latest')
    for name in ('sealed', 'unsealed'):
        check(told(near, name, *keys.key) == told(far, name, *keys.key), name)
        check(read(near.file(name + ':latest')) == read(far.file(name + ':latest')), name)
        same(signed.tree, far.container(name, name, '-p', *keys.key))
    # One that is there must be signed as well.
    check('there already' in take('sealed', *keys.key, *keys.by('alice')).text)
    take('sealed', *keys.key, *keys.by('eve'), expect=DENIED)
    take('sealed', *keys.by('alice'), expect=DENIED)
    take('unsealed', *keys.key, *keys.by('alice'), expect=DENIED)
    # With a key it is checked as a whole, also where no signature is asked for; through a pipe.
    far('delete', 'unsealed')
    take('unsealed', *keys.wrong, expect=DENIED)
    check(far.listed() == ['plain:latest', 'sealed:latest'] and not far.work(), far.listed(), far.work())
    with subprocess.Popen([lab.bfc_path, '--store', near.store, 'image', 'send', 'unsealed'],
                          stdout=subprocess.PIPE) as sender:
        got = run([*lab.wrapper, lab.bfc_path, '--json', '--store', far.store, 'image', 'receive', *keys.key],
                  stdin=sender.stdout).json['images']
    check(got[0]['encryption'] == 'chacha20-poly1305' and got[0]['files'] == told(near, 'unsealed', *keys.key)['files'],
          got)
    check_hidden(far, 'unsealed:latest')


if __name__ == '__main__':
    harness.main(globals(), shares=3)
