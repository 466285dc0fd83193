# SPDX-License-Identifier: Apache-2.0
"""A full disk: a clear error, exit 1, nothing left behind, and what was there before is as it was."""
import os
import random

import harness
import oddities
from harness import check, say

ROOM = '4m'


def files_in(folder):
    return sorted(os.listdir(folder))


def data(path):
    with open(path, 'rb') as f:
        return f.read()


def must_say_full(result):
    check('no space' in result.message.lower() or 'full' in result.message.lower(),
          'does not say that the disk is full:', result.shown())
    check('Traceback' not in result.message and len(result.message) < 600, result.shown())


def large_tree(lab, files=40, size=512 << 10):
    source = lab.mkdir('source')
    for i in range(files):
        oddities.write(f'{source}/{i:02}', random.Random(i).randbytes(size))
    return source


def test_create(lab):
    source, tiny = large_tree(lab), lab.mount_tmpfs('tiny', f'size={ROOM}')
    for jobs in ('-j1', '-j4'):
        must_say_full(lab.bfc('create', jobs, tiny + '/x.bfc', source, expect=1))
        check(files_in(tiny) == [], 'left behind:', files_in(tiny))


def test_create_over_an_old_one(lab):
    source, tiny = large_tree(lab), lab.mount_tmpfs('tiny', f'size={ROOM}')
    oddities.write(lab / 'small', b'small')
    lab.bfc('create', tiny + '/x.bfc', 'small', '-C', lab.path)
    before = data(tiny + '/x.bfc')
    must_say_full(lab.bfc('create', '-f', tiny + '/x.bfc', source, expect=1))
    check(files_in(tiny) == ['x.bfc'], 'left behind:', files_in(tiny))
    check(data(tiny + '/x.bfc') == before, 'the old container was changed')


def test_append(lab):
    source, tiny = large_tree(lab), lab.mount_tmpfs('tiny', f'size={ROOM}')
    oddities.write(lab / 'small', b'small')
    lab.bfc('create', tiny + '/x.bfc', 'small', '-C', lab.path)
    before = data(tiny + '/x.bfc')
    must_say_full(lab.bfc('append', tiny + '/x.bfc', 'source', '-C', lab.path, expect=1))
    check(files_in(tiny) == ['x.bfc'], 'left behind:', files_in(tiny))
    check(data(tiny + '/x.bfc') == before, 'the old container was changed')
    lab.bfc('verify', '--deep', tiny + '/x.bfc')
    lab.bfc('append', tiny + '/x.bfc', 'small', '-C', lab.path)
    check(os.path.isdir(source))


def test_append_of_metadata_alone(lab):
    """The data fits, the pages do not: every file is the same, but there are many names."""
    names = lab.mkdir('names')
    for i in range(30_000):
        with open(f'{names}/{random.Random(i).randbytes(16).hex()}', 'wb'):
            pass
    tiny = lab.mount_tmpfs('tiny', 'size=300k')
    oddities.write(lab / 'small', b'small')
    lab.bfc('create', tiny + '/x.bfc', 'small', '-C', lab.path)
    before = data(tiny + '/x.bfc')
    must_say_full(lab.bfc('append', tiny + '/x.bfc', 'names', '-C', lab.path, expect=1))
    check(data(tiny + '/x.bfc') == before, 'the old container was changed')


def test_compact(lab):
    source, tiny = large_tree(lab, files=5), lab.mount_tmpfs('tiny', f'size={ROOM}')
    lab.bfc('create', tiny + '/x.bfc', source)
    before = data(tiny + '/x.bfc')
    must_say_full(lab.bfc('compact', tiny + '/x.bfc', '-o', tiny + '/y.bfc', expect=1))
    check(files_in(tiny) == ['x.bfc'], 'left behind:', files_in(tiny))
    check(data(tiny + '/x.bfc') == before, 'the old container was changed')


def test_extract(lab):
    source = large_tree(lab)
    lab.bfc('create', lab / 'x.bfc', source)
    before = data(lab / 'x.bfc')
    for options in ('size=' + ROOM, 'size=64m,nr_inodes=20'):
        tiny = lab.mount_tmpfs('tiny', options)
        for jobs in ('-j1', '-j4'):
            result = lab.bfc('extract', jobs, lab / 'x.bfc', '-C', tiny + '/out', expect=1)
            must_say_full(result)
            harness.remove(tiny + '/out')
        lab.unmount(tiny)
        os.rmdir(tiny)
    check(data(lab / 'x.bfc') == before, 'the container was changed')
    say(result.message.strip())


if __name__ == '__main__':
    harness.main(globals())
