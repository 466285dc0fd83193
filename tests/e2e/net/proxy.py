# SPDX-License-Identifier: Apache-2.0
"""A registry that fails while it is pushed to: docker-registry, with a proxy before it that does what a test says."""
import http.client
import socket

from server import Server


class Proxy(Server):
    """Hands requests on. `fault(exchange, proxy)` is asked before each; what it returns, unless None, ends the
    matter. Bodies of more than a few bytes are in `sent`: (method, bytes) in their order."""

    def __init__(self, lab, registry, fault=None, tls=None):
        self.registry, self.fault, self.sent, self.kept = registry, fault, [], {}
        super().__init__(lab, self.serve, tls=tls)

    @property
    def ref(self):
        return f'127.0.0.1:{self.port}/app'

    def serve(self, e):
        if e.method == 'GET' and e.path in self.kept:
            return e.reply(204, b'', *self.kept[e.path])
        done = self.fault(e, self) if self.fault else None
        return self.forward(e, e.body()) if done is None else done

    def forward(self, e, body):
        """The registry's own answer; it takes the proxy's address for its own."""
        if len(body) > 100:
            self.sent.append((e.method, len(body)))
        backend = http.client.HTTPConnection('127.0.0.1', self.registry.port)
        keep = {k: v for k, v in e.headers.items()
                if k.lower() not in ('expect', 'connection', 'transfer-encoding', 'content-length')}
        if e.method in ('POST', 'PUT', 'PATCH'):
            keep['Content-Length'] = str(len(body))
        if self.tls:
            keep['X-Forwarded-Proto'] = 'https'
        backend.request(e.method, e.target, body=body or None, headers=keep)
        answer = backend.getresponse()
        data = answer.read()
        heads = [f'{k}: {v}' for k, v in answer.getheaders()
                 if k.lower() not in ('connection', 'transfer-encoding', 'content-length')]
        length = answer.getheader('Content-Length') if e.method == 'HEAD' else len(data)
        e.head(answer.status, *([f'Content-Length: {length}'] if length is not None else []), *heads)
        if data:
            e.send(data)
        backend.close()
        return True

    def keep_part(self, e, count):
        """As a registry does that keeps what it has of a chunk when its connection ends: and tells where it stands.
        (docker-registry forgets such an upload.)"""
        if e.headers.get('Expect') == '100-continue':
            e.send(b'HTTP/1.1 100 Continue\r\n\r\n')
        body = e.stream.read(count)
        start = int(e.headers['Content-Range'].split('-')[0])
        backend = http.client.HTTPConnection('127.0.0.1', self.registry.port)
        backend.request('PATCH', e.target, body=body, headers={
            'Host': e.headers['Host'], 'Content-Type': 'application/octet-stream',
            'Content-Range': f'{start}-{start + len(body) - 1}'})
        answer = backend.getresponse()
        self.kept[e.path] = [f'Location: {answer.getheader("Location")}', f'Range: {answer.getheader("Range")}']
        self.sent.append(('PATCH', len(body)))
        backend.close()
        e.reset()
        return False

    def forward_cut(self, e, count):
        """The registry gets that many bytes of the body, then both connections end."""
        if e.headers.get('Expect') == '100-continue':
            e.send(b'HTTP/1.1 100 Continue\r\n\r\n')
        heads = ''.join(f'{k}: {v}\r\n' for k, v in e.headers.items() if k.lower() != 'expect')
        with socket.create_connection(('127.0.0.1', self.registry.port)) as backend:
            backend.sendall(f'{e.method} {e.target} HTTP/1.1\r\n{heads}\r\n'.encode('latin-1'))
            while count > 0:
                part = e.stream.read(min(count, 1 << 16))
                if not part:
                    break
                backend.sendall(part)
                count -= len(part)
            backend.shutdown(socket.SHUT_WR)
            while backend.recv(65536):
                pass
        e.reset()
        return False
