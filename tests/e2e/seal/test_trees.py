#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Encrypted containers of whole trees: everything goes in and comes out, nothing of it can be seen, and
other processes add to them, lose power over them and mistake their keys."""
import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

# pylint: disable=wrong-import-position
import compare  # noqa: E402
import harness  # noqa: E402
import oddities  # noqa: E402
from harness import check, need, need_root, say  # noqa: E402

DAMAGED, DENIED = 3, 5
MARK = b'a mark that nobody is to see'


def put_key(path):
    oddities.write(path, os.urandom(32), 0o600)
    return '--key-file', path


def read(path):
    return pathlib.Path(path).read_bytes()


def names_of(tree):
    """Names long enough to be found by chance in no other bytes."""
    return {name for _, folders, files in os.walk(os.fsencode(tree)) for name in folders + files
            if len(name) > 5}


def test_oddities_go_round(lab):
    need_root('make owners and devices')
    need('rsync', 'bsdtar', 'getfattr', 'find')
    lab.wrapper = ['setsid', '-w']
    key = put_key(lab / 'key')
    source = lab.mkdir('source')
    oddities.Tree(source).build()
    names = sorted(names_of(source))[::20]
    check(len(names) > 20, 'too few names')
    for options in ([], ['-c', 'none', '-b', '4K', '-j7'], ['-b', '4M']):
        lab.bfc('create', '-f', '-e', *key, lab / 'x.bfc', source, *options)
        lab.bfc('verify', '--deep', *key, lab / 'x.bfc')
        lab.bfc('verify', '--deep', lab / 'x.bfc')
        harness.remove(lab / 'out')
        lab.bfc('extract', '--strict', *key, lab / 'x.bfc', '-C', lab / 'out')
        compare.same_tree(source, lab / 'out')
        data = read(lab / 'x.bfc')
        found = [n for n in names if n in data]
        check(not found, 'names stand in the container:', found)
        lab.bfc('compact', '-f', *key, '-o', lab / 'y.bfc', lab / 'x.bfc')
        harness.remove(lab / 'out')
        lab.bfc('extract', '--strict', *key, lab / 'y.bfc', '-C', lab / 'out')
        compare.same_tree(source, lab / 'out')


def marked(lab):
    tree = lab.mkdir('tree')
    oddities.write(tree + '/the-name-of-a-secret', MARK * 200)
    oddities.write(tree + '/plain', os.urandom(5000) + MARK)
    os.symlink(MARK, tree + '/link')
    try:
        os.setxattr(tree + '/plain', 'user.the-name-of-an-attribute', MARK)
    except OSError:
        say('no user attributes here')
    return tree


def check_hidden(path):
    data = read(path)
    for mark in (MARK, b'the-name-of-a-secret', b'the-name-of-an-attribute', b'plain'):
        check(mark not in data, f'{mark!r} stands in {path}')


def test_history_of_several_processes(lab):
    lab.wrapper = ['setsid', '-w']
    key, other = put_key(lab / 'key'), put_key(lab / 'other')
    tree, file = marked(lab), lab / 'x.bfc'
    lab.bfc('create', '-e', *key, '-c', 'none', file, tree)
    first = os.path.getsize(file)
    oddities.write(tree + '/second', MARK + b'2')
    lab.bfc('append', *key, '-c', 'none', file, 'second', '-C', tree)
    check_hidden(file)
    check(lab.bfc('cat', *key, file, 'second').out == MARK + b'2', 'what was appended')
    lab.bfc('cat', *key, '--at', '1', file, 'second', expect=4)
    # Equal content is not stored again: a commit that adds a name is small.
    shutil.copy(tree + '/plain', tree + '/again')
    before = os.path.getsize(file)
    lab.bfc('append', *key, file, 'again', '-C', tree)
    check(os.path.getsize(file) - before < 8192 + 4096, 'content was stored twice')
    for wrong in ((), other):
        for command in (('list', file), ('cat', file, 'plain'), ('extract', file, '-C', lab / 'no'),
                        ('append', file, 'plain', '-C', tree), ('compact', file, '-o', lab / 'no.bfc')):
            done = lab.bfc(command[0], *wrong, *command[1:], expect=DENIED)
            check(MARK not in done.out + done.err, 'a message tells content')
    for command in (('info', file), ('log', file), ('verify', '--deep', file)):
        done = lab.bfc(*command)
        check(b'plain' not in done.out, 'names without a key')
    # The last record is cut off: the commit before it is there, and is what is added to.
    os.truncate(file, os.path.getsize(file) - 1)
    lab.bfc('cat', *key, file, 'again', expect=4)
    lab.bfc('recover', file)
    lab.bfc('append', *key, file, 'again', '-C', tree)
    lab.bfc('verify', '--deep', *key, file)
    check(lab.bfc('log', '--json', file).json['commits'][-1]['segment_bytes'] == first - 4096, 'the first')


def test_copies_that_go_separate_ways(lab):
    lab.wrapper = ['setsid', '-w']
    key = put_key(lab / 'key')
    tree = marked(lab)
    lab.bfc('create', '-e', *key, lab / 'a.bfc', tree)
    shutil.copy(lab / 'a.bfc', lab / 'b.bfc')
    oddities.write(tree + '/new', b'of a ' * 5000)
    lab.bfc('append', *key, lab / 'a.bfc', 'new', '-C', tree)
    oddities.write(tree + '/new', b'of b ' * 5000)
    lab.bfc('append', *key, lab / 'b.bfc', 'new', '-C', tree)
    a, b = read(lab / 'a.bfc'), read(lab / 'b.bfc')
    check(len(a) == len(b) and a != b, 'the same lengths, other bytes')
    # The second commit of one behind the first of the other: they have the same first one.
    base = lab.bfc('log', '--json', lab / 'a.bfc').json['commits'][-1]
    start = base['offset'] + 4096
    pathlib.Path(lab / 'c.bfc').write_bytes(a[:start] + b[start:])
    check(lab.bfc('cat', *key, lab / 'c.bfc', 'new').out == b'of b ' * 5000, 'a whole commit')
    # A block of one in the other is refused, checksum or not.
    pathlib.Path(lab / 'd.bfc').write_bytes(a[:start] + b[start:start + 400] + a[start + 400:])
    done = lab.bfc('cat', *key, lab / 'd.bfc', 'new', expect=DAMAGED)
    check(b'byte' in done.err, 'the place is told:', done.message)


if __name__ == '__main__':
    harness.main(globals())
