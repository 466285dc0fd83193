# SPDX-License-Identifier: Apache-2.0
"""Registries for the tests: Debian's docker-registry, a token server for it, and one of our own that serves a
layout (images.py) and fails as it is told."""
import base64
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

# pylint: disable=wrong-import-position  # they are in the folder above
from harness import check, need, run
from images import sha256
from server import Server

USER, PASSWORD = 'alice', 'so secret'
HTPASSWD = 'alice:$2b$04$M0cRdR9UMRBW1SVck6yS0uwtUSVbDJPZVgHFik0pn1WBmOMzY7cYm\n'


def isolate(lab, conf='', logins=None):
    """The program sees nothing of this machine's configuration; returns its environment."""
    home = lab.mkdir('home')
    with open(lab / 'registries.conf', 'w', encoding='utf-8') as f:
        f.write(conf)
    with open(lab / 'auth.json', 'w', encoding='utf-8') as f:
        auths = {name: {'auth': base64.b64encode(f'{user}:{password}'.encode()).decode()}
                 for name, (user, password) in (logins or {}).items()}
        json.dump({'auths': auths}, f)
    env = {'HOME': home, 'XDG_CONFIG_HOME': home, 'XDG_RUNTIME_DIR': home, 'BFC_STORE': lab / 'store',
           'CONTAINERS_REGISTRIES_CONF': lab / 'registries.conf', 'REGISTRY_AUTH_FILE': lab / 'auth.json'}
    os.environ.update(env)
    return env


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as s:
        return s.getsockname()[1]


class DockerRegistry:
    """docker-registry on loopback. `more` are lines of its configuration, `storage` what its storage has beside the
    folder, which is that of the registry `of`."""

    def __init__(self, lab, name='registry', more='', tls=None, storage='', of=None):
        need('docker-registry')
        self.lab, self.tls, self.log = lab, tls, lab / f'{name}.log'
        self.port = free_port()
        self.host = f'127.0.0.1:{self.port}'
        files = f'\n  tls: {{certificate: {tls[0]}, key: {tls[1]}}}' if tls else ''
        with open(lab / f'{name}.yml', 'w', encoding='utf-8') as f:
            f.write(f'version: 0.1\nlog: {{level: info}}\n'
                    f'storage: {{filesystem: {{rootdirectory: {lab / (of or name)}}}{storage}}}\n'
                    f'http:\n  addr: {self.host}{files}\n{more}')
        own = {k: v for k, v in os.environ.items() if not k.startswith('REGISTRY_')}  # they are its own, too
        with open(self.log, 'wb') as log:
            # pylint: disable-next=consider-using-with  # it is ended when the lab closes
            self.child = subprocess.Popen(['docker-registry', 'serve', lab / f'{name}.yml'], stdout=log,
                                          stderr=log, stdin=subprocess.DEVNULL, env=own)
        lab.at_end.append(self.end)
        self.wait()

    def wait(self):
        for _ in range(600):
            with contextlib.suppress(OSError):
                socket.create_connection(('127.0.0.1', self.port)).close()
                return
            check(self.child.poll() is None, open(self.log, encoding='utf-8').read()[-2000:])
            time.sleep(0.05)
        raise AssertionError('docker-registry does not listen')

    def end(self):
        self.child.kill()
        self.child.wait()

    def push(self, layout, tag, to, *options):
        how = [] if self.tls else ['--dest-tls-verify=false']
        run(['skopeo', '--insecure-policy', 'copy', '-q', *how, *options, f'oci:{layout.path}:{tag}',
             f'docker://{self.host}/{to}'])

    def send(self, method, path, body=b'', kind='application/octet-stream'):
        """One request, such as no tool makes; the answer's headers."""
        url = path if '://' in path else f'http://{self.host}/v2/{path}'
        request = urllib.request.Request(url, body, {'Content-Type': kind}, method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.headers

    def send_blob(self, repository, data):
        where = self.send('POST', f'{repository}/blobs/uploads/')['Location']
        self.send('PUT', f'{where}{"&" if "?" in where else "?"}digest={sha256(data)}', data)

    def send_image(self, layout, name, to):
        """What push does, for names that skopeo does not take. `to`: PATH:TAG."""
        repository, _, tag = to.rpartition(':')
        manifest = layout.read(name)
        for blob in [manifest['config'], *manifest['layers']]:
            self.send_blob(repository, layout.blob_at(blob['digest']))
        self.send('PUT', f'{repository}/manifests/{tag}', layout.document_at(name), manifest['mediaType'])

    def requests(self):
        """What was asked so far: (method, path, status)."""
        with open(self.log, encoding='utf-8', errors='replace') as f:
            return [(m, p, int(s)) for m, p, s in
                    re.findall(r'"(GET|HEAD|POST|PUT|PATCH) (\S+) HTTP/[\d.]+" (\d+)', f.read())]

    def blobs(self):
        """The digests of the blobs that were given out so far."""
        return [p.rpartition('/')[2] for m, p, s in self.requests()
                if m == 'GET' and '/blobs/sha256:' in p and s in (200, 206)]


# ── Tokens ──

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


class TokenServer(Server):
    """Gives out JWTs that docker-registry takes, signed with RS256; to whom knows the password."""

    def __init__(self, lab, login=True, valid=300):
        need('openssl')
        self.key, self.cert = lab / 'token.key', lab / 'token.pem'
        self.login, self.valid, self.given, self.lab = login, valid, 0, lab
        run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', self.key, '-out', self.cert,
             '-days', '2', '-subj', '/CN=token'])
        super().__init__(lab, self.give)

    @property
    def config(self):
        return (f'auth:\n  token:\n    realm: {self.url}/token\n    service: the registry\n'
                f'    issuer: the tests\n    rootcertbundle: {self.cert}\n')

    def token(self, scopes):
        with open(self.cert, encoding='ascii') as f:
            der = ssl.PEM_cert_to_DER_cert(f.read())
        now = int(time.time())
        access = [{'type': kind, 'name': name, 'actions': actions.split(',')}
                  for kind, name, actions in (s.split(':') for s in scopes)]
        parts = [{'typ': 'JWT', 'alg': 'RS256', 'x5c': [base64.b64encode(der).decode()]},
                 {'iss': 'the tests', 'sub': USER, 'aud': 'the registry', 'exp': now + self.valid,
                  'nbf': now - 10, 'iat': now, 'jti': str(self.given), 'access': access}]
        text = '.'.join(base64url(json.dumps(p).encode()) for p in parts)
        signed = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', self.key], input=text.encode(),
                                capture_output=True, check=True).stdout
        return text + '.' + base64url(signed)

    def give(self, e):
        asked = urllib.parse.parse_qs(e.target.partition('?')[2])
        login = 'Basic ' + base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
        if self.login and e.headers.get('Authorization') != login:
            return e.reply(401, b'{"details":"who is that?"}')
        check(asked.get('service') == ['the registry'], asked)
        self.given += 1
        return e.reply(200, json.dumps({'token': self.token(asked.get('scope', [])),
                                        'expires_in': self.valid}).encode())


# ── One that fails ──

class FakeRegistry(Server):
    """Serves a layout as the repository `app`. `fault(exchange, kind, body)` is asked before each answer; what
    it returns, unless None, ends the matter."""

    PORTION = 256 << 10  # bytes sent at once

    def __init__(self, lab, layout, fault=None, ranges=True, pace=0, tls=None):
        self.layout, self.fault, self.ranges, self.pace = layout, fault, ranges, pace
        self.sent = {}  # bytes of each blob
        super().__init__(lab, self.serve, tls=tls)

    @property
    def ref(self):
        return f'127.0.0.1:{self.port}/app'

    def find(self, name):
        for entry in self.layout.entries:
            if entry['annotations']['org.opencontainers.image.ref.name'] == name:
                name = entry['digest']
        try:
            with open(f'{self.layout.path}/blobs/sha256/{name[7:]}', 'rb') as f:
                return f.read()
        except OSError:
            return None

    def serve(self, e):
        kind = e.path.split('/')[3] if e.path.startswith('/v2/app/') else 'other'
        if kind == 'other':
            return e.reply(200, b'{}')
        body = self.find(e.path.rpartition('/')[2])
        done = self.fault(e, kind, body) if self.fault else None
        if done is not None:
            return done
        if body is None:
            return e.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"there is none"}]}')
        return self.give(e, kind, body)

    def give(self, e, kind, body):
        if kind == 'manifests':
            return e.reply(200, body, f'Content-Type: {json.loads(body)["mediaType"]}',
                           f'Docker-Content-Digest: {sha256(body)}')
        start = int((e.headers.get('Range') or 'bytes=0-')[6:].split('-')[0])
        if start and self.ranges:
            e.head(206, f'Content-Length: {len(body) - start}',
                   f'Content-Range: bytes {start}-{len(body) - 1}/{len(body)}')
            return self.send(e, body[start:])
        e.head(200, f'Content-Length: {len(body)}')
        return self.send(e, body)

    def send(self, e, body):
        if e.method == 'HEAD':
            return True
        digest = e.path.rpartition('/')[2]
        for at in range(0, len(body), self.PORTION):
            part = body[at:at + self.PORTION]
            e.send(part)
            with self.lock:
                self.sent[digest] = self.sent.get(digest, 0) + len(part)
            time.sleep(self.pace)
        return True

    def asked(self, kind='blobs'):
        return [e.path.rpartition('/')[2] for e in self.requests if f'/{kind}/' in e.path and e.method == 'GET']


def signal_in(child, seconds, number=signal.SIGKILL):
    """Sends the signal after that time, unless the child has ended; its exit code."""
    timer = threading.Timer(seconds, lambda: child.poll() is None and child.send_signal(number))
    timer.start()
    child.wait()
    timer.cancel()
    return child.returncode
