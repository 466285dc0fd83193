#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Short names that several registries could mean: asked about on a terminal, and kept as podman keeps it.

usage: test_short_names.py BFC [NAME…]
"""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import Layout, layer
from registries import FakeRegistry, isolate
from terminal import Terminal
import harness
from harness import Skip, check, private_mounts, run


def aliases_file(lab):
    """Where podman has it; what root has there is covered, for us alone."""
    if os.geteuid() != 0:
        os.environ['XDG_CACHE_HOME'] = lab / 'cache'
        return lab / 'cache/containers/short-name-aliases.conf'
    private_mounts()
    if run(['mount', '-t', 'tmpfs', 'tmpfs', '/var/cache'], expect=None).code != 0:
        raise Skip('cannot mount a tmpfs on /var/cache')
    lab.at_end.append(lambda: run(['umount', '/var/cache'], expect=None))
    return '/var/cache/containers/short-name-aliases.conf'


def two(lab, mode):
    """Two registries with an app:one each, and the second with an app:two as well."""
    file, registries = aliases_file(lab), []
    for i in range(2):
        layout = Layout(lab / f'layout-{i}')
        layout.tag('one', layout.image([layer(i, 100)]))
        registries.append(FakeRegistry(lab, layout))
    layout.tag('two', layout.image([layer(7, 100)]))
    isolate(lab, f'unqualified-search-registries = ["127.0.0.1:{registries[0].port}", "127.0.0.1:{registries[1].port}"]\n'
                 f'short-name-mode = "{mode}"\n')
    return file, registries


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def layers(lab, name='app:one'):
    return [x['digest'] for x in lab.bfc('--json', 'image', 'layers', name).json['layers']]


def asked(lab, words, *answers):
    seen = Terminal(lab.bfc_path, 'image', 'pull', *words)
    for answer in answers:
        seen.answer(r'Which one\? \[1-2\] $', answer)
    return seen.end()


def choice(lab, mode):
    file, (first, second) = two(lab, mode)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, 'w', encoding='utf-8') as f:
        f.write('[aliases]\n  "zeta" = "quay.io/z/z"\n  "alpha" = "quay.io/a/a"\n')
    seen = asked(lab, ['app:one'], '3', 'x', '2')
    check(seen.code == 0 and f'\n   1  {first.ref}:one\r\n   2  {second.ref}:one\r\n' in seen.text, seen.text)
    check(layers(lab) == [d['digest'] for d in second.layout.read('one')['layers']], 'another one was taken')
    check(not first.requests, 'the other registry was asked')
    want = f'[aliases]\n  "alpha" = "quay.io/a/a"\n  "app" = "{second.ref}"\n  "zeta" = "quay.io/z/z"\n'
    check(read(file) == want, read(file))
    check(oct(os.stat(file).st_mode & 0o777) == '0o644', 'others cannot read it')
    # It is known from now on, with or without a terminal.
    seen = asked(lab, ['app:two'])
    check(seen.code == 0 and 'Which' not in seen.text and read(file) == want, seen.text)
    lab.bfc('image', 'tags', 'app', expect=(0, 3, 4))
    check(not first.requests, 'the other registry was asked')


def test_permissive(lab):
    choice(lab, 'permissive')


def test_enforcing(lab):
    choice(lab, 'enforcing')


def test_no_choice(lab):
    file, (first, second) = two(lab, 'permissive')
    seen = asked(lab, ['app:one'], '', '0', 'first')
    check(seen.code == 2 and 'none of its meanings was chosen' in seen.text, seen.code, seen.text)
    seen = asked(lab, ['app:two'], '1')
    check(seen.code == 4 and not second.requests, seen.code, seen.text)
    seen = Terminal(lab.bfc_path, 'image', 'pull', 'app:one').read(until=r'Which one\? \[1-2\] $')
    os.write(seen.fd, b'\x03')
    check(seen.end().code == -signal.SIGINT, seen.code, seen.text)
    check(not os.path.exists(file), 'something was kept')
    # Nobody is there to be asked: in their order.
    lab.bfc('image', 'pull', 'app:two')
    check(layers(lab, 'app:two') == [d['digest'] for d in second.layout.read('two')['layers']] and first.requests, 'order')
    check(not os.path.exists(file), 'something was kept')


def test_not_asked(lab):
    """In the mode `disabled`, for full names, and where a program is talking to us."""
    _, (first, second) = two(lab, 'disabled')
    check(asked(lab, ['app:one']).code == 0 and not second.requests, 'disabled')
    text = read(lab / 'registries.conf').replace('disabled', 'permissive')
    with open(lab / 'registries.conf', 'w', encoding='utf-8') as f:
        f.write(text)
    check(asked(lab, [second.ref + ':one']).code == 0, 'a full name')
    for quiet in ('--quiet', '--json'):
        check(asked(lab, [quiet, '--as', 'b' + quiet[2:], 'app:one']).code == 0 and first.requests, quiet)


if __name__ == '__main__':
    harness.main(globals())
