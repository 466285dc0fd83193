# SPDX-License-Identifier: Apache-2.0
"""HTTP servers that do what a test says, byte by byte.

A Server calls `answer(exchange)` for each request that comes, in a thread of its connection. An exchange
has the request as it came, and writes whatever the test likes; a handler that returns True keeps the
connection for another request.
"""
import http.client
import os
import socket
import ssl
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

from harness import check, run  # noqa: E402  # pylint: disable=wrong-import-position

for word in ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'SSL_CERT_FILE'):
    os.environ.pop(word, None)
    os.environ.pop(word.upper(), None)


class Exchange:
    """One request, and the connection that it came on."""

    def __init__(self, server, conn, stream, number):
        self.server, self.conn, self.stream, self.number = server, conn, stream, number
        line = stream.readline(65536).decode('latin-1').split()
        if len(line) != 3 or not line[2].startswith('HTTP/'):  # TLS has blanks in it as well
            raise EOFError
        self.method, self.target, self.version = line
        self.path = self.target.split('?')[0]
        self.headers = http.client.parse_headers(stream)

    def body(self):
        """What was sent with the request; an Expect is satisfied first."""
        if self.headers.get('Expect') == '100-continue':
            self.send(b'HTTP/1.1 100 Continue\r\n\r\n')
        if self.headers.get('Transfer-Encoding') != 'chunked':
            return self.stream.read(int(self.headers.get('Content-Length', 0)))
        out = b''
        while True:
            n = int(self.stream.readline(), 16)
            out += self.stream.read(n)
            self.stream.readline()
            if n == 0:
                return out

    def send(self, data):
        self.conn.sendall(data)

    def head(self, status, *headers, version='1.1'):
        lines = [f'HTTP/{version} {status} {http.client.responses.get(status, "Odd")}', *headers]
        self.send(('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1'))

    def reply(self, status, body=b'', *headers):
        """A whole answer; to be returned from a handler, since the connection can go on."""
        self.head(status, f'Content-Length: {len(body)}', *headers)
        if self.method != 'HEAD':
            self.send(body)
        return True

    def redirect(self, to, status=307):
        return self.reply(status, b'gone elsewhere', f'Location: {to}')

    def reset(self):
        """Ends the connection with RST."""
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))

    def wait_for_end(self):
        """Until the client has gone: what stalls does so without a clock."""
        try:
            while self.conn.recv(65536):
                pass
        except OSError:
            pass


class Server:
    """Listens on a free port of `host`, until the lab closes."""

    def __init__(self, lab, answer, host='127.0.0.1', tls=None):
        self.answer, self.host, self.tls = answer, host, tls
        self.requests, self.connections, self.errors = [], 0, []
        self.lock = threading.Lock()
        self.socket = socket.create_server((host, 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        lab.at_end.append(self.close)

    def close(self):
        """The thread first: it waits at a number, which the next server's socket may get."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()

    @property
    def url(self):
        return f'{"https" if self.tls else "http"}://{self.host}:{self.port}'

    def _accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _shake_hands(self, conn):
        """What we say last is heard: ending a connection with unread bytes would take it back."""
        conn = self.tls.wrap_socket(conn, server_side=True, do_handshake_on_connect=False)
        try:
            conn.do_handshake()
        except ssl.SSLError:
            with socket.socket(fileno=conn.detach()) as bare:
                bare.shutdown(socket.SHUT_WR)
                while bare.recv(65536):
                    pass
            raise
        return conn

    def _serve(self, conn):
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                conn = self._shake_hands(conn)
            with conn, conn.makefile('rb') as stream:
                going = True
                while going:
                    with self.lock:
                        number = len(self.requests)
                    exchange = Exchange(self, conn, stream, number)
                    with self.lock:
                        self.requests.append(exchange)
                    going = self.answer(exchange)
        except (EOFError, OSError, ssl.SSLError):
            pass  # the client has gone
        except Exception as e:  # pylint: disable=broad-except  # seen by the test
            self.errors.append(e)
            raise


class Answer:
    """What the probe tells of the answers that it had."""

    def __init__(self, result):
        self.result, self.message = result, result.message
        self.lines = result.text.splitlines()

    def all(self, key):
        return [line.partition('=')[2] for line in self.lines if line.startswith(key + '=')]

    def __getattr__(self, key):
        values = self.all(key)
        check(values, f'no {key}: {self.result.shown()}')
        return values[-1]


def ask(lab, method, url, *words, expect=0, env=None, **more):
    """Runs the probe; `expect` is 0, the name of the code that it must fail with, or None for any failure."""
    words = [*words, *(f'{k}={v}' for k, v in more.items())]
    result = run([*lab.wrapper, lab.bfc_path, method, url, *words],
                 expect=0 if expect == 0 else 1, env=env)
    answer = Answer(result)
    if expect:
        check(answer.message.startswith(expect + ': '), f'not {expect}: {result.shown()}')
    return answer


def is_sanitized(lab):
    with open(lab.bfc_path, 'rb') as f:
        program = f.read()
    return b'__asan_init' in program or b'__tsan_init' in program


def expect_peak(lab, answer, most):
    """Of the program as it is: a sanitizer keeps what was freed."""
    check(is_sanitized(lab) or answer.result.peak <= most, f'{answer.result.peak >> 20} MiB, not {most >> 20}')


def expect_ms(lab, key, answer, least, most):
    """Of the program as it is: a sanitizer takes its time."""
    have = int(getattr(answer, key))
    check(least <= have and (have < most or is_sanitized(lab)), f'{have} ms: {answer.result.shown()}')


FAULTS = ['none', 'resolve', 'connect', 'connect_time', 'tls', 'answer_time', 'stall', 'cut', 'protocol',
          'redirect', 'limit', 'caller', 'cancelled', 'internal']


def expect_fault(answer, fault, *words):
    have = FAULTS[int(answer.fault)]
    check(have == fault, f'fault {have}, not {fault}: {answer.result.shown()}')
    for word in words:
        check(word in answer.message, f'no {word!r} in {answer.message!r}')
