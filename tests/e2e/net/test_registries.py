# SPDX-License-Identifier: Apache-2.0
"""Whom images are asked from by registries.conf, beside skopeo and podman, which say so with --debug:
nobody listens at the addresses in it, so they go through all of them. The program under test is
net_probe."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import harness  # noqa: E402
from harness import check, need, run  # noqa: E402

DIGEST = '@sha256:' + '0123456789abcdef' * 4
CONF = '''
unqualified-search-registries = ["127.0.0.5:1", "127.0.0.6:1"]

[[registry]]
prefix = "example.com/foo"
location = "127.0.0.1:1/bar"
[[registry.mirror]]
location = "127.0.0.2:1/mirror"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "127.0.0.3:1/mirrors/foo"
insecure = true
[[registry.mirror]]
location = "127.0.0.12:1"
pull-from-mirror = "tag-only"

[[registry]]
prefix = "example.com/foo/deep"
location = "127.0.0.8:1"

[[registry]]
prefix = "*.example.com"
location = "127.0.0.4:1"
insecure = true
[[registry]]
prefix = "*.b.example.com"
location = "127.0.0.9:1/x"

[[registry]]
location = "127.0.0.10:1"
insecure = true
mirror-by-digest-only = true
[[registry.mirror]]
location = "127.0.0.11:1/m"

[[registry]]
prefix = "blocked.example"
location = "blocked.example"
blocked = true
[[registry.mirror]]
location = "127.0.0.13:1"

[[registry]]
prefix = "shut.example"
location = "shut.example"
blocked = true

[[registry]]
prefix = "docker.io/library"
location = "127.0.0.14:1/hub"

[aliases]
"fed" = "127.0.0.7:1/fedora/fedora"
"net/tool" = "example.com/foo/tool"
'''
NAMES = ('example.com/foo/image', 'example.com/foo/image:1', 'example.com/foo/image' + DIGEST, 'example.com/foo',
         'example.com/foo/deep/er:2', 'example.com/foo/deeper', 'a.example.com/x/y', 'a.b.example.com/x',
         'q.a.b.example.com/x:1', '127.0.0.10:1/a', '127.0.0.10:1/a/b' + DIGEST, 'blocked.example/a',
         'shut.example/a', 'docker.io/alpine', 'docker.io/library/alpine:3')
SHORT_NAMES = ('fed', 'fed:39', 'net/tool', 'app:1')


def tried(text):
    """The names in the order in which they were asked for, and the hosts that were asked in plain HTTP."""
    names = []
    for name in re.findall(r'Trying to access \\"([^"\\]+)\\"', text):
        if name not in names:  # podman tries each of them several times
            names.append(name)
    return names, set(re.findall(r'GET http://([^/]+)/', text))


def compare(lab, env, name, text):
    ours = lab.bfc('endpoints', name, env=env, expect=(0, 1))
    lines = [line.split(' ') for line in ours.text.splitlines()]
    names, open_hosts = tried(text)
    if 'is blocked in' in text:
        # They say that they try, and then do not.
        check(ours.code == 0 or 'is blocked' in ours.message, ours.message)
        blocked = set(re.findall(r'Accessing \\"([^"\\]+)\\" failed: registry \S+ is blocked', text))
        names = [n for n in names if n not in blocked]
    check([n for _, n in lines] == names, f'{name}: {names} by the other\n{ours.shown()}')
    for how, full in lines:
        host = full.split('/')[0]
        check((how == 'insecure') == (host in open_hosts), f'{name}: {how} {host}, open: {open_hosts}')


def conf(lab):
    path = lab / 'registries.conf'
    with open(path, 'w', encoding='utf-8') as f:
        f.write(CONF)
    return path, {'CONTAINERS_REGISTRIES_CONF': path, 'HOME': lab.path, 'XDG_CONFIG_HOME': '', 'XDG_RUNTIME_DIR': ''}


def test_skopeo(lab):
    need('skopeo')
    path, env = conf(lab)
    refused = []
    for name in NAMES:
        said = run(['skopeo', '--debug', '--registries-conf', path, 'inspect', 'docker://' + name], env=env, expect=1)
        if 'rewriting reference' in said.message:  # a host takes the place of a host and a path: no name is left
            refused.append(name)
            check('becomes' in lab.bfc('endpoints', name, env=env, expect=1).message, name)
            continue
        check('Trying to access' in said.message, said.shown())
        compare(lab, env, name, said.message)
    check(refused == ['example.com/foo'], refused)


def test_podman(lab):
    need('podman')
    if os.geteuid() != 0:
        raise harness.Skip('root is needed to run podman on a store of its own')
    _, env = conf(lab)
    with tempfile.TemporaryDirectory(prefix='r-') as run_root:  # podman takes no more than 50 characters
        for name in SHORT_NAMES:
            said = run(['podman', '--root', lab / 'root', '--runroot', run_root, '--storage-driver', 'vfs',
                        '--log-level=debug', 'pull', '-q', name], env=env, expect=125)
            check('Trying to access' in said.message, said.shown())
            compare(lab, env, name, said.message)


def test_wrong_files(lab):
    """What skopeo refuses as a whole is refused here, too."""
    need('skopeo')
    path, env = conf(lab)
    for text in ('x', '[[registry]]', '[[registry]]\nprefix="a.io"', '[[registry]]\nlocation="http://a.io"',
                 '[[registry]]\nlocation="a.io"\npull-from-mirror="all"',
                 '[[registry]]\nlocation="a.io"\n[[registry.mirror]]\n',
                 '[[registry]]\nlocation="a.io"\n[[registry.mirror]]\nlocation="b"\npull-from-mirror="x"',
                 '[[registry]]\nlocation="a.io"\n[[registry]]\nlocation="a.io"\nblocked=true',
                 '[[registry]]\nprefix="*.a.io/x"\nlocation="a.io"', 'unqualified-search-registries=["a.io/x"]',
                 'short-name-mode="x"', '[aliases]\na="b"', '[aliases]\n"a:1"="q.io/b"',
                 '[[registry]]\nlocation="a.io"\ninsecure="true"',
                 'short-name-mode="disabled"\n[registries.search]\nregistries=["a.io"]'):
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        said = run(['skopeo', '--registries-conf', path, 'inspect', 'docker://127.0.0.1:1/a'], env=env, expect=1)
        check('connection refused' not in said.message, f'skopeo takes {text}')
        ours = lab.bfc('endpoints', '127.0.0.1:1/a', env=env, expect=1)
        check(ours.message.startswith(path + ':'), ours.message)


if __name__ == '__main__':
    harness.main(globals())
