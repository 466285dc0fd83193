#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pushing to a registry that fails, or wants to know who we are: each fault ends in the right image there, or in one
clear error and no tag.

usage: test_push_faults.py BFC [NAME…]
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import MIB, Layout, layer
from proxy import Proxy
from registries import HTPASSWD, PASSWORD, USER, DockerRegistry, TokenServer, isolate
from server import Server
import harness
from harness import check, say
import share

SENDING = ('PATCH', 'PUT')


def begin(lab, fault=None, sizes=(10 * MIB, 3 * MIB, 100), more=''):
    """An image with a layer for each size, and docker-registry behind a proxy."""
    isolate(lab)
    layout = Layout(lab / 'layout')
    layout.tag('one', layout.image([layer(i, size) for i, size in enumerate(sizes)]))
    lab.bfc('image', 'create', 'one', f'oci:{layout.path}:one')
    registry = DockerRegistry(lab, more=more)
    return registry, Proxy(lab, registry, fault)


def good(lab, registry, proxy):
    answer = lab.bfc('-v', 'image', 'push', 'one', proxy.ref + ':1')
    lab.bfc('image', 'pull', f'{registry.host}/app:1', '--as=back')
    lab.bfc('image', 'verify', '--deep', 'back')
    lab.bfc('image', 'delete', 'back')
    return answer


def bad(lab, registry, proxy, code, *words):
    """One error, no tag, nothing in the store."""
    answer = lab.bfc('image', 'push', 'one', proxy.ref + ':1', expect=code)
    check(answer.message.count('\n') == 1, answer.shown())
    for word in words:
        check(word in answer.message, f'no {word!r}', answer.shown())
    lab.bfc('image', 'tags', f'{registry.host}/app', expect=(0, 4, 5))
    check(lab.bfc('--json', 'image', 'df').json['leftover_bytes'] == 0, 'leftovers')
    return answer


def on_bodies(action, times=10**9, least=MIB):
    """The action for the first requests that carry more than `least` bytes."""
    count = [0]

    def fault(e, proxy):
        if e.method not in SENDING or int(e.headers.get('Content-Length', 0)) < least or count[0] >= times:
            return None
        count[0] += 1
        return action(e, proxy)
    return fault


def test_cuts(lab):
    """Cut at random bytes; what the registry keeps is not sent again."""
    say(f'seed {share.DAY}')
    chance = random.Random(share.DAY)
    registry, proxy = begin(lab)

    def cut(e, proxy):
        length = int(e.headers['Content-Length'])
        if e.method == 'PUT':
            return None
        return proxy.keep_part(e, chance.randrange(length // 4, length))
    proxy.fault = on_bodies(cut, 8)
    answer = good(lab, registry, proxy)
    check('going on in' in answer.message, answer.shown())
    ranges = [e.headers['Content-Range'] for e in proxy.requests if e.method == 'PATCH']
    check(len(ranges) > 2 and sum(r.startswith('0-') for r in ranges) == 1, ranges)
    check(sum(n for m, n in proxy.sent if m == 'PATCH') < 11 * MIB, proxy.sent)


def test_cuts_of_docker(lab):
    """docker-registry forgets what was cut: all of the blob is sent again."""
    chance = random.Random(share.DAY)
    registry, proxy = begin(lab)
    proxy.fault = on_bodies(lambda e, p: p.forward_cut(e, chance.randrange(int(e.headers['Content-Length']))), 3)
    good(lab, registry, proxy)


def test_lost_answers(lab):
    """All arrives, but the connection ends before the answer: of a chunk, of the end, of the manifest."""
    registry, proxy = begin(lab)
    lost = {'PATCH': 1, 'PUT': 2}

    def lose(e, proxy):
        if lost.get(e.method, 0) == 0:
            return None
        lost[e.method] -= 1
        return proxy.forward_cut(e, int(e.headers.get('Content-Length', 0)))
    proxy.fault = lose
    good(lab, registry, proxy)
    check(lost == {'PATCH': 0, 'PUT': 0}, lost)


def test_busy(lab):
    """429 and 5xx: as long as Retry-After says, or a little."""
    answers = {m: [(429, 'Retry-After: 1'), (503, ''), (500, ''), (429, 'Retry-After: 0')]
               for m in ('HEAD', 'POST', 'PATCH', 'PUT')}

    def busy(e, _proxy):
        if not answers.get(e.method) or e.path == '/v2/':
            return None
        e.body()
        status, header = answers[e.method].pop(0)
        return e.reply(status, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slower"}]}',
                       *([header] if header else []))
    registry, proxy = begin(lab, busy)
    start = time.monotonic()
    answer = good(lab, registry, proxy)
    check('in 1.0 s' in answer.message and time.monotonic() - start >= 3, answer.shown())
    check(not any(answers.values()), answers)


def test_always_busy(lab):
    def busy(e, _proxy):
        e.body()
        return e.reply(429, b'', 'Retry-After: 0')
    registry, proxy = begin(lab, on_bodies(busy))
    bad(lab, registry, proxy, 6, 'asked too often')

    def broken(e, _proxy):
        e.body()
        return e.reply(500, b'{"errors":[{"code":"UNKNOWN","message":"disk on fire"}]}')
    proxy.fault = on_bodies(broken)
    bad(lab, registry, proxy, 1, 'disk on fire')


def test_too_large(lab):
    """413 from something in between: smaller chunks, until it takes them, or the end."""
    most = [1 * MIB]

    def small(e, _proxy):
        if e.method in SENDING and int(e.headers.get('Content-Length', 0)) > most[0]:
            return e.reply(413, b'too large') and False
        return None
    registry, proxy = begin(lab, small)
    good(lab, registry, proxy)
    check(all(n <= MIB for _, n in proxy.sent) and sum(n for _, n in proxy.sent) >= 13 * MIB, proxy.sent)
    most[0] = 1000
    proxy.registry = registry = DockerRegistry(lab, 'empty')
    bad(lab, registry, proxy, 1, '413')


def test_chunk_min(lab):
    """OCI-Chunk-Min-Length counts for more than what we would like."""
    def fault(e, proxy):
        if e.method == 'POST':
            e.body()
            answers = []
            head, e.head = e.head, lambda status, *h: answers.append((status, h))
            proxy.forward(e, b'')
            e.head = head
            status, headers = answers[0]
            e.head(status, *headers, f'OCI-Chunk-Min-Length: {36 * MIB}')
            return True
        return None
    registry, proxy = begin(lab, fault, sizes=(40 * MIB,))
    good(lab, registry, proxy)
    check([n for m, n in proxy.sent if m == 'PATCH'][0] == 36 * MIB, proxy.sent)


def test_no_chunks(lab):
    """A registry that knows no PATCH gets all at once."""
    def fault(e, _proxy):
        return e.reply(405, b'') and False if e.method == 'PATCH' else None
    registry, proxy = begin(lab, fault)
    good(lab, registry, proxy)
    check(max(n for m, n in proxy.sent if m == 'PUT') > 10 * MIB, proxy.sent)


def test_stall(lab):
    """A server that takes nothing more is given up after its time; the next try goes on."""
    def stall(e, _proxy):
        e.wait_for_end()
        return False
    registry, proxy = begin(lab, on_bodies(stall, 1, 9 * MIB), sizes=(10 * MIB,))
    start = time.monotonic()
    good(lab, registry, proxy)
    check(time.monotonic() - start > 25, 'there was no limit')


def test_locations(lab):
    """Where the blob is to go: to nowhere, elsewhere, without TLS, round and round."""
    location = []
    elsewhere = Server(lab, lambda e: (e.body(), e.reply(404, b''))[1])

    def lie(e, _proxy):
        if e.method != 'POST':
            return None
        e.body()
        return e.reply(202, b'', *location)
    registry, proxy = begin(lab, lie, sizes=(100,))
    with open(lab / 'auth.json', 'w', encoding='utf-8') as f:
        f.write('{"auths":{"%s":{"auth":"YTpzZWNyZXQ="}}}' % f'127.0.0.1:{proxy.port}')
    bad(lab, registry, proxy, 3, 'no Location')
    for bad_one in ('ftp://x/y', 'http://user:pw@host/', 'http://[', '\x01'):
        location[:] = [f'Location: {bad_one}']
        bad(lab, registry, proxy, 3)  # a control byte is no header at all
    location[:] = [f'Location: {elsewhere.url}/up?secret=1']
    answer = bad(lab, registry, proxy, 4)
    check('secret=1' not in answer.message, answer.shown())
    check(elsewhere.requests and not any(e.headers.get('Authorization') for e in elsewhere.requests), 'a login')

    def round_and_round(e, _proxy):
        e.body()
        return e.redirect(e.target) if e.method in SENDING else None
    proxy.fault = round_and_round
    bad(lab, registry, proxy, 1, 'more than 10 times')


def test_lies(lab):
    """Digests and ranges that cannot be."""
    change = []
    registry, proxy = begin(lab, lambda e, p: change[0](e) if e.method in SENDING else None)
    change[:] = [lambda e: (e.body(), e.reply(201, b'', 'Docker-Content-Digest: sha256:' + '1' * 64))[1]]
    bad(lab, registry, proxy, 3, 'the registry says it got')
    change[:] = [lambda e: (e.body(), e.reply(202, b'', 'Range: 0-99999999999', f'Location: {e.target}'))[1]
                 if e.method == 'PATCH' else None]
    bad(lab, registry, proxy, 3, 'of which it was sent')
    change[:] = [lambda e: (e.body(), e.reply(202, b'', 'Range: 0-1', f'Location: {e.target}'))[1]
                 if e.method == 'PATCH' else None]
    bad(lab, registry, proxy, 1, 'next to nothing')
    change[:] = [lambda e: (e.body(), e.reply(202, b'', 'Range: bytes 5-4', f'Location: {e.target}'))[1]
                 if e.method == 'PATCH' else None]
    bad(lab, registry, proxy, 2)  # it believes that all is there, and the registry's digest is wrong
    change[:] = [lambda e: (e.body(), e.reply(416, b''))[1] if e.method == 'PATCH' else None]
    bad(lab, registry, proxy, 2, '416')


def test_forgotten_sessions(lab):
    """The registry has lost an upload; that is begun anew, but not without end."""
    def forget(e, _proxy):
        e.body()
        return e.reply(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"what upload?"}]}')
    registry, proxy = begin(lab, on_bodies(forget, 2))
    good(lab, registry, proxy)
    proxy.registry = registry = DockerRegistry(lab, 'empty')
    proxy.fault = on_bodies(forget)
    bad(lab, registry, proxy, 4, 'what upload?')


def test_readonly(lab):
    registry, proxy = begin(lab)
    proxy.registry = registry = DockerRegistry(lab, 'readonly', storage=', maintenance: {readonly: {enabled: true}}')
    bad(lab, registry, proxy, 1, 'read-only', '405')


def test_htpasswd(lab):
    with open(lab / 'htpasswd', 'w', encoding='ascii') as f:
        f.write(HTPASSWD)
    registry, proxy = begin(lab, more=f'auth:\n  htpasswd:\n    realm: here\n    path: {lab / "htpasswd"}\n')
    bad(lab, registry, proxy, 5, "'bfc login")
    os.rename(lab / 'home', lab / 'home-before')
    isolate(lab, logins={f'127.0.0.1:{proxy.port}': (USER, PASSWORD), registry.host: (USER, PASSWORD)})
    answer = good(lab, registry, proxy)
    check(PASSWORD not in answer.message, answer.shown())


def test_tokens(lab):
    """With the scope for pushing; also when tokens expire all the time."""
    isolate(lab)
    tokens = TokenServer(lab, valid=2)
    os.rename(lab / 'home', lab / 'home-first')
    registry, proxy = begin(lab, more=tokens.config)
    os.rename(lab / 'home', lab / 'home-before')
    isolate(lab, logins={f'127.0.0.1:{proxy.port}': (USER, PASSWORD), registry.host: (USER, PASSWORD)})

    def slow(e, proxy):
        time.sleep(1.5)
        return None
    proxy.fault = on_bodies(slow)
    lab.bfc('image', 'push', '--parallel=1', 'one', proxy.ref + ':1')
    asked = [e.target for e in tokens.requests]
    check(len(asked) > 2 and all('push' in t for t in asked), asked)
    lab.bfc('image', 'push', '--parallel=1', '--mount-from=app', 'one', f'127.0.0.1:{proxy.port}/other:1')
    asked = [e.target for e in tokens.requests]
    check(any('scope=repository%3Aapp%3Apull' in t for t in asked), asked)


def test_endless_401(lab):
    """A token that is never good enough."""
    given = [0]

    def give(e):
        given[0] += 1
        return e.reply(200, b'{"token":"t%d"}' % given[0])
    server = Server(lab, give)

    def refuse(e, _proxy):
        e.body()
        return e.reply(401, b'', f'WWW-Authenticate: Bearer realm="{server.url}/t",service="s"')
    registry, proxy = begin(lab, on_bodies(refuse, least=1))
    bad(lab, registry, proxy, 5)
    check(given[0] < 20, given)


if __name__ == '__main__':
    harness.main(globals(), shares=4)
