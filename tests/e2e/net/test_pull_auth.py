#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pulling as somebody: TLS with an authority of the test's own, htpasswd, tokens, and what happens when they expire.

usage: test_pull_auth.py BFC [NAME…]
"""
import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import MIB, Layout, layer
from registries import HTPASSWD, PASSWORD, USER, DockerRegistry, FakeRegistry, TokenServer, isolate
from server import Server
from test_http_tls import Authority
import harness
from harness import check


def sample(lab):
    layout = Layout(lab / 'layout')
    layout.tag('one', layout.image([layer(i, size) for i, size in enumerate((100, 5 * MIB, 200, 300))]))
    return layout


def hides(answer, *secrets):
    for secret in (PASSWORD, *secrets):
        check(secret.encode() not in answer.out + answer.err, answer.shown())


def test_tls(lab):
    isolate(lab)
    ca = Authority(lab)
    layout = sample(lab)
    registry = DockerRegistry(lab, tls=ca.issue('server'))
    certs = lab / f'home/.config/containers/certs.d/{registry.host}'
    os.makedirs(certs)
    ref = f'{registry.host}/app:1'
    answer = lab.bfc('image', 'pull', ref, expect=5)
    check('authority that is not known' in answer.message, answer.shown())
    lab.bfc('image', 'pull', '--tls-verify=true', ref, expect=5)
    os.symlink(ca.cert, certs + '/ca.crt')
    registry.push(layout, 'one', 'app:1', '--dest-cert-dir', certs)
    lab.bfc('image', 'pull', ref)
    os.rename(certs, lab / 'elsewhere')
    lab.bfc('image', 'pull', '--as=b', '--cert-dir', lab / 'elsewhere', ref)
    lab.bfc('image', 'pull', '--as=c', '--tls-verify=false', ref)
    check(lab.bfc('image', 'tags', '--cert-dir', lab / 'nothing', ref, expect=4), 'no such folder')


def test_basic(lab):
    isolate(lab)
    layout = sample(lab)
    with open(lab / 'htpasswd', 'w', encoding='ascii') as f:
        f.write(HTPASSWD)
    registry = DockerRegistry(lab, more=f'auth:\n  htpasswd:\n    realm: here\n    path: {lab / "htpasswd"}\n')
    registry.push(layout, 'one', 'app:1', f'--dest-creds={USER}:{PASSWORD}')
    ref = f'{registry.host}/app:1'
    answer = lab.bfc('image', 'pull', ref, expect=5)
    check(f"'bfc login {registry.host}'" in answer.message, answer.shown())
    isolate_again(lab, registry.host, 'wrong')
    answer = lab.bfc('-vv', 'image', 'pull', ref, expect=5)
    check('was not taken' in answer.message, answer.shown())
    isolate_again(lab, registry.host, PASSWORD)
    hides(lab.bfc('-vv', 'image', 'pull', ref))
    hides(lab.bfc('-vv', 'image', 'inspect', ref))


def isolate_again(lab, host, password):
    os.rename(lab / 'home', lab / f'home-{len(os.listdir(lab.path))}')
    isolate(lab, logins={host: (USER, password)})


def test_tokens(lab):
    isolate(lab)
    layout = sample(lab)
    tokens = TokenServer(lab)
    registry = DockerRegistry(lab, more=tokens.config)
    registry.push(layout, 'one', 'app:1', f'--dest-creds={USER}:{PASSWORD}')
    ref = f'{registry.host}/app:1'
    answer = lab.bfc('image', 'pull', ref, expect=5)
    check('who is that?' in answer.message, answer.shown())
    isolate_again(lab, registry.host, PASSWORD)
    given = tokens.given
    hides(lab.bfc('-vv', 'image', 'pull', ref), 'Bearer')
    check(tokens.given == given + 1, f'{tokens.given - given} tokens for one pull')
    check(not tokens.errors, tokens.errors)


class Guarded:
    """Each token is good for some requests; then it has expired."""

    def __init__(self, lab, requests, valid=300):
        self.requests, self.valid, self.given, self.left, self.realm = requests, valid, 0, 0, None
        self.server = Server(lab, self.give)

    def give(self, e):
        self.given += 1
        self.left = self.requests
        return e.reply(200, f'{{"access_token":"token-{self.given}","expires_in":{self.valid}}}'.encode())

    def __call__(self, e, _kind, _body):
        if e.headers.get('Authorization') == f'Bearer token-{self.given}' and self.left > 0:
            self.left -= 1
            return None
        return e.reply(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"expired"}]}',
                       f'WWW-Authenticate: Bearer realm="{self.realm or self.server.url + "/t"}",service="s",'
                       'error="invalid_token"')


def test_expiry(lab):
    isolate(lab)
    guard = Guarded(lab, 2)
    registry = FakeRegistry(lab, sample(lab), fault=guard)
    lab.bfc('image', 'pull', registry.ref + ':one', '--parallel=1')
    check(guard.given == 3, f'{guard.given} tokens')  # for a manifest, a configuration, and four layers
    lab.bfc('image', 'verify', '--deep', registry.ref + ':one')


def test_refusals(lab):
    """A token that is never good is not asked for without end; nor does a login go anywhere."""
    isolate(lab)
    guard = Guarded(lab, 0)
    registry = FakeRegistry(lab, sample(lab), fault=guard)
    answer = lab.bfc('image', 'pull', registry.ref + ':one', expect=5)
    check('UNAUTHORIZED: expired' in answer.message and guard.given == 2, guard.given, answer.shown())
    for realm, words in (('ftp://x/', 'no URL'), ('', 'not in a way that is supported')):
        guard.realm = realm or '"'
        answer = lab.bfc('image', 'pull', registry.ref + ':one', expect=(3, 5))
        check(realm == '' or words in answer.message, answer.shown())


def test_identity_token(lab):
    """What a helper or a cloud gave in place of a password is sent as OAuth 2 has it, and to the token server alone."""
    isolate(lab)
    guard = Guarded(lab, 1000)
    asked = []

    def give(e):
        asked.append((e.method, e.headers.get('Authorization'), urllib.parse.parse_qs(e.body().decode())))
        return guard.give(e)
    guard.server.answer = give
    registry = FakeRegistry(lab, sample(lab), fault=guard)
    with open(lab / 'auth.json', 'w', encoding='utf-8') as f:
        json.dump({'auths': {f'127.0.0.1:{registry.port}': {'identitytoken': PASSWORD}}}, f)
    hides(lab.bfc('-vv', 'image', 'pull', registry.ref + ':one'))
    check(asked == [('POST', None, {'grant_type': ['refresh_token'], 'client_id': ['bfc'], 'service': ['s'],
                                    'scope': ['repository:app:pull'], 'refresh_token': [PASSWORD]})], asked)
    check(all(PASSWORD not in str(e.headers) for e in registry.requests), 'the registry has it, too')


def test_renewal(lab):
    """A token is fetched anew before it expires."""
    isolate(lab)
    guard = Guarded(lab, 1000, valid=1)
    registry = FakeRegistry(lab, sample(lab), fault=guard, pace=0.1)
    lab.bfc('image', 'pull', registry.ref + ':one', '--parallel=1')
    refused = sum(1 for e in registry.requests if not (e.headers.get('Authorization') or '').startswith('Bearer'))
    check(guard.given >= 2 and refused <= 3, f'{guard.given} tokens, {refused} requests without')


if __name__ == '__main__':
    harness.main(globals())
