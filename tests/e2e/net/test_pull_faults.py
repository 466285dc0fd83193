#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pulling from a registry that fails: each fault ends in the right image or in one clear error, and leaves nothing
that is not known.

usage: test_pull_faults.py BFC [NAME…]
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import MIB, Layout, layer
from registries import FakeRegistry, isolate
import harness
from harness import check, say
import share


def sample(lab):
    layout = Layout(lab / 'layout')
    layout.tag('one', layout.image([layer(1, 6 * MIB), layer(2, 300 << 10), layer(3, 5 * MIB)]))
    return layout


def begin(lab, fault, **how):
    isolate(lab)
    return FakeRegistry(lab, sample(lab), fault=fault, **how)


def good(lab, registry):
    answer = lab.bfc('-v', 'image', 'pull', registry.ref + ':one', '--as=app')
    lab.bfc('image', 'verify', '--deep', 'app')
    check(lab.bfc('--json', 'image', 'df').json['leftover_bytes'] == 0, 'leftovers')
    return answer


def bad(lab, registry, code, *words):
    """One error, no image, and what is left is prune's."""
    answer = lab.bfc('image', 'pull', registry.ref + ':one', '--as=app', expect=code)
    check(answer.message.count('\n') == 1, answer.shown())
    for word in words:
        check(word in answer.message, f'no {word!r}', answer.shown())
    check(lab.bfc('--json', 'image', 'list').json['images'] == [], 'an image')
    lab.bfc('image', 'prune')
    left = [f for _, _, files in os.walk(lab / 'store') for f in files]
    check(left == [], left)
    return answer


def on_blobs(action, times=10**9):
    """The action for the first requests for blobs of more than 1 MiB."""
    count = [0]

    def fault(e, kind, body):
        if kind != 'blobs' or e.method != 'GET' or body is None or len(body) < MIB or count[0] >= times:
            return None
        count[0] += 1
        return action(e, body)
    return fault


def start_of(e):
    return int((e.headers.get('Range') or 'bytes=0-')[6:].split('-')[0])


def test_cuts(lab):
    """Cut again and again at random bytes: with Range nothing comes twice. What was on its way when the connection was
    reset may be lost."""
    seed = share.DAY
    say(f'seed {seed}')
    chance = random.Random(seed)
    stood_at, wrong = {}, []

    def cut(e, body):
        start = start_of(e)
        if stood_at.get(e.path) not in (None, start):
            wrong.append(f'{e.path}: {stood_at[e.path]} bytes were sent, it goes on at {start}')
        end = min(len(body), start + chance.randrange(MIB, 3 * MIB))
        e.head(206 if start else 200, f'Content-Length: {len(body) - start}',
               *([f'Content-Range: bytes {start}-{len(body) - 1}/{len(body)}'] if start else []))
        e.send(body[start:end])
        stood_at[e.path] = end
        if chance.random() < 0.3:
            stood_at[e.path] = None
            e.reset()
        return end == len(body)
    registry = begin(lab, on_blobs(cut))
    good(lab, registry)
    check(stood_at and not wrong, *wrong)
    check(all('Range' in e.headers for e in registry.requests if e.number > 30), 'no Range')


def test_cuts_without_range(lab):
    def cut(e, body):
        e.head(200, f'Content-Length: {len(body)}')
        e.send(body[:3 * MIB])
        return False
    registry = begin(lab, on_blobs(cut, 2), ranges=False)
    good(lab, registry)


def test_short(lab):
    """The end comes too early, and nothing says so but the manifest."""
    def short(e, body):
        e.head(200, 'Connection: close')
        e.send(body[:100])
        return False
    good(lab, begin(lab, on_blobs(short, 2)))


def test_always_short(lab):
    def short(e, _body):
        e.head(200, 'Content-Length: 10')
        e.send(b'0123456789')
        return True
    bad(lab, begin(lab, on_blobs(short)), 3, 'the registry has 10 bytes', 'were promised')


def test_endless(lab):
    def endless(e, body):
        e.head(200, 'Connection: close')
        for _ in range(200):
            e.send(body)
        return False
    start = time.monotonic()
    bad(lab, begin(lab, on_blobs(endless)), 3, 'sends more than the')
    check(time.monotonic() - start < 20, 'it took too long')


def test_wrong_bytes(lab):
    def other(e, body):
        e.head(200, f'Content-Length: {len(body)}')
        e.send(body[:MIB] + b'x' + body[MIB + 1:])
        return True
    registry = begin(lab, on_blobs(other))
    bad(lab, registry, 3, 'layer sha256:', 'its bytes have the digest sha256:')
    registry.fault = None
    good(lab, registry)


def test_lying_ranges(lab):
    """A Content-Range that is not what was asked for, or of another blob."""
    def cut_then(lie):
        def fault(e, body):
            start = start_of(e)
            if not start:
                e.head(200, f'Content-Length: {len(body)}')
                e.send(body[:2 * MIB])
                return False
            e.head(206, f'Content-Length: {len(body) - start}', 'Content-Range: ' + lie(start, len(body)))
            e.send(body[start:])
            return True
        return on_blobs(fault)
    registry = begin(lab, cut_then(lambda s, n: f'bytes {s - 5}-{n - 6}/{n}'))
    bad(lab, registry, 3, 'Content-Range')
    registry.fault = cut_then(lambda s, n: f'bytes {s}-{n - 1}/{n + 7}')
    bad(lab, registry, 3, 'were promised')


def test_not_satisfiable(lab):
    def none(e, body):
        if start_of(e):
            return e.reply(416, b'', f'Content-Range: bytes */{len(body) // 2}')
        e.head(200, f'Content-Length: {len(body)}')
        e.send(body[:2 * MIB])
        return False
    bad(lab, begin(lab, on_blobs(none)), 3, 'has not the', 'bytes that were promised')


def test_busy(lab):
    """429 and 503: as long as Retry-After says, or a little."""
    answers = [(429, 'Retry-After: 1'), (503, ''), (500, ''), (429, 'Retry-After: 0')]

    def busy(e, _kind, _body):
        if not answers or e.path == '/v2/':
            return None
        status, header = answers.pop(0)
        return e.reply(status, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slower"}]}',
                       *([header] if header else []))
    start = time.monotonic()
    answer = good(lab, begin(lab, busy))
    check('trying again in 1.0 s' in answer.message and 'TOOMANYREQUESTS: slower' in answer.message, answer.shown())
    check(time.monotonic() - start >= 1, 'Retry-After')


def test_always_busy(lab):
    def busy(e, kind, _body):
        return e.reply(429, b'', 'Retry-After: 0') if kind == 'blobs' else None
    registry = begin(lab, busy)
    bad(lab, registry, 6, 'asked too often')
    check(len(registry.asked()) == 5, registry.asked())


def test_manifests(lab):
    """Digests and sizes of manifests; words of a stranger in messages."""
    change = []

    def fault(e, kind, body):
        return change[0](e, body) if kind == 'manifests' else None
    registry = begin(lab, fault)
    change.append(lambda e, b: e.reply(200, b, 'Docker-Content-Digest: sha256:' + '1' * 64))
    bad(lab, registry, 3, 'the registry says that')
    change[0] = lambda e, b: e.reply(200, b'')
    bad(lab, registry, 3, 'is empty')
    change[0] = lambda e, b: e.reply(200, b'{' + b' ' * (5 * MIB) + b'}')
    bad(lab, registry, 1, 'bytes')
    change[0] = lambda e, b: e.reply(200, b, 'Docker-Content-Digest: \x01')
    bad(lab, registry, 3, 'header')
    change[0] = lambda e, b: e.reply(200, b'<html>')
    bad(lab, registry, 3, 'JSON')
    change[0] = lambda e, b: e.reply(403, b'{"errors":[{"code":"DENIED","message":"\\u001b[31m' + b'x' * 9999 + b'"}]}')
    answer = bad(lab, registry, 5, 'DENIED: \\x1b[31m')
    check(len(answer.message) < 1000, answer.shown())


def test_elsewhere(lab):
    """Blobs that are kept by another host: the login does not go there."""
    isolate(lab)
    other = FakeRegistry(lab, sample(lab))
    os.rename(lab / 'home', lab / 'home-before')

    def away(e, kind, _body):
        if e.headers.get('Authorization') is None and kind != 'other':
            return e.reply(401, b'', 'WWW-Authenticate: Basic realm="x"')
        return e.redirect(f'{other.url}{e.target}?X-Signature=hush') if kind == 'blobs' else None
    registry = FakeRegistry(lab, other.layout, fault=away)
    isolate(lab, logins={registry.ref: ('me', 'secret')})
    answer = good(lab, registry)
    check('hush' not in answer.message, answer.shown())
    check(all(e.headers.get('Authorization') is None for e in other.requests), 'the login went elsewhere')
    check(len(other.asked()) == 4, other.asked())


if __name__ == '__main__':
    harness.main(globals())
