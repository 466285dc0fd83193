#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Encrypted images: all that is done with images, with their keys; and what is done without."""
import os
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

# pylint: disable=wrong-import-position
import compare  # noqa: E402
import harness  # noqa: E402
import oddities  # noqa: E402
from harness import check, need  # noqa: E402

DENIED = 5
MARK = b'a mark that nobody is to see'


def put_key(path):
    oddities.write(path, os.urandom(32), 0o600)
    return '--key-file', path


class Images:
    def __init__(self, lab):
        lab.wrapper = ['setsid', '-w']
        self.lab, self.key, self.other = lab, put_key(lab / 'key'), put_key(lab / 'other')
        self.tree, self.changed = lab.mkdir('tree'), lab / 'changed'
        oddities.write(self.tree + '/the-name-of-a-secret', MARK * 300)
        oddities.write(self.tree + '/noise', os.urandom(60000) + MARK)
        harness.run(['cp', '-a', self.tree, self.changed])
        oddities.write(self.changed + '/more-of-a-secret', MARK)

    def do(self, *args, **how):
        return self.lab.bfc('--store', 'dir:' + self.lab / 'store', 'image', *args, **how)

    def container(self, name):
        return pathlib.Path(self.lab / f'store/{name}:latest/{name}:latest.bfc')

    def check_hidden(self, *names):
        for name in names:
            data = self.container(name).read_bytes()
            for mark in (MARK, b'of-a-secret', b'sha256:', b'linux/', b'oci/'):
                check(mark not in data, f'{mark!r} stands in the image {name}')

    def check_content(self, name, tree, key):
        out = self.lab / 'out'
        harness.remove(out)
        self.do('extract', *key, name, out)
        harness.run(['diff', '-r', tree, out])

    def check_tree(self, name, tree, key):
        out = self.lab / 'out'
        harness.remove(out)
        self.do('extract', *key, name, out)
        compare.same_by_rsync(tree, out)


def test_life_of_an_image(lab):
    need('rsync')
    i = Images(lab)
    i.do('create', '-e', *i.key, '-c', 'none', 'img', i.tree)
    i.check_tree('img', i.tree, i.key)
    for wrong in ((), i.other):
        i.do('extract', *wrong, 'img', lab / 'no', expect=DENIED)
        i.do('squash', *wrong, '--as', 'no', 'img', expect=DENIED)
    i.do('squash', *i.key, '-c', 'none', '--as', 'sq', 'img')
    i.do('commit', *i.key, '-c', 'none', '--as', 'cm', 'sq', i.changed)
    i.do('config', *i.key, '--env', 'A=b', '--as', 'cf', 'cm')
    i.check_tree('cf', i.changed, i.key)
    i.check_hidden('img', 'sq', 'cm', 'cf')
    check(i.do('diff', *i.key, 'sq', 'cm').text.split() == ['A', 'more-of-a-secret'], 'what was added')
    check(len(i.do('layers', '--json', *i.key, 'cm').json['layers']) == 2, 'layers')
    i.do('bundle', *i.key, 'cm', lab / 'bundle')
    check(os.path.exists(lab / 'bundle/config.json'), 'a bundle')
    i.do('verify', '--deep', *i.key, 'cm')
    # Out and in again, under another key; and its manifest stays the same.
    i.do('export', *i.key, 'cm', 'oci-archive:' + lab / 'x.tar')
    i.do('create', '-e', *i.other, '-c', 'none', 'in', 'oci-archive:' + lab / 'x.tar')
    i.check_tree('in', i.changed, i.other)
    i.check_hidden('in')
    layers = [[x['diff_id'] for x in i.do('layers', '--json', *k, n).json['layers']]
              for n, k in (('cm', i.key), ('in', i.other))]
    check(layers[0] == layers[1], 'layers', layers)
    # As a file, without a key.
    i.do('create', 'copy', 'bfc:' + str(i.container('cm')))
    i.check_tree('copy', i.changed, i.key)


def test_without_a_key(lab):
    i = Images(lab)
    i.do('create', '-e', *i.key, 'img', i.tree)
    i.do('create', 'plain', i.tree)
    i.do('tag', 'img', 'two')
    listed = {x['name']: x for x in i.do('list', '--json').json['images']}
    for name in ('img:latest', 'two:latest'):
        x = listed[name]
        check(x['encryption'] == 'chacha20-poly1305' and x['size'] > 60000, 'what is known', x)
        check(all(x[k] is None for k in ('layers', 'files', 'content_bytes', 'platform',
                                         'manifest_digest', 'compression')), 'what is not', x)
    check(listed['plain:latest']['layers'] == 1, 'of others all is known')
    lines = [line.split() for line in i.do('list').text.splitlines() if line.startswith('img')]
    check(lines[0][-2:] == ['-', '-'], 'in the table', lines)
    i.do('info', 'img')
    i.do('verify', '--deep', 'img')
    check(i.do('df').code == 0, 'what takes how much')
    data = bytearray(i.container('img').read_bytes())
    data[20000] ^= 1
    i.container('img').write_bytes(data)
    i.do('verify', '--deep', 'img', expect=3)
    i.do('delete', 'img', 'two')


def test_bases_are_not_shared(lab):
    need('rsync')
    i = Images(lab)
    i.do('create', 'dir', i.tree)
    i.do('squash', '--as', 'base', 'dir')
    i.do('commit', '--as', 'child', 'base', i.changed)
    i.do('create', '-e', *i.key, 'sdir', i.tree)
    i.do('squash', *i.key, '-c', 'none', '--as', 'sbase', 'sdir')
    i.do('export', 'child', 'oci-archive:' + lab / 'child.tar')
    # Its lowest layer is in the store, in plain: an encrypted image stores it again.
    i.do('create', '-e', *i.other, '-c', 'none', 'own', 'oci-archive:' + lab / 'child.tar')
    i.check_hidden('own')
    # The child on an encrypted base is encrypted, for whoever can open that.
    oddities.write(i.tree + '/new-base', b'new')
    i.do('create', '-e', *i.key, 'ndir', i.tree)
    i.do('squash', *i.key, '-c', 'none', '--as', 'nbase', 'ndir')
    i.do('rebase', *i.key, '--from', 'base', '-c', 'none', '--as', 'moved', 'child', 'nbase')
    i.check_hidden('moved')
    oddities.write(i.changed + '/new-base', b'new')
    i.check_content('moved', i.changed, i.key)
    i.do('verify', '--deep', *i.key, 'moved')
    # And an encrypted child on a plain base.
    i.do('commit', *i.key, '-c', 'none', '--as', 'schild', 'sbase', i.changed)
    i.do('squash', '--as', 'pbase', 'dir')
    i.do('rebase', *i.key, '--from', 'sbase', '-c', 'none', '--as', 'smoved', 'schild', 'base')
    i.check_hidden('smoved')


if __name__ == '__main__':
    harness.main(globals())
