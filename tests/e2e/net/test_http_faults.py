#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP client and servers that break, stall, lie and never end: each ends in one clear error, in time, in
bounded memory.

usage: test_http_faults.py HTTP_PROBE [NAME…]
"""
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from server import Server, ask, expect_fault, expect_ms, expect_peak  # noqa: E402
import harness  # noqa: E402
from harness import MIB, check, say  # noqa: E402

LONG = 100_000


def raw(*parts, close=True):
    """A handler that sends these bytes, then ends the connection, or leaves it open without a word."""
    def answer(e):
        for part in parts:
            e.send(part)
        if not close:
            e.wait_for_end()
    return answer


def test_refused(lab):
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
    got = ask(lab, 'GET', f'http://127.0.0.1:{port}/v2/?q', expect='io')
    expect_fault(got, 'connect', f"GET 'http://127.0.0.1:{port}/v2/'", 'Connection refused')
    got = ask(lab, 'GET', 'http://no-such-host.invalid/', expect='io')
    expect_fault(got, 'resolve', 'Could not resolve host')


def test_connect_takes_too_long(lab):
    """Nobody accepts, and the queue is full: or TCP connects, and TLS gets no answer."""
    silent = socket.create_server(('127.0.0.1', 0))
    lab.at_end.append(silent.close)
    got = ask(lab, 'GET', f'https://127.0.0.1:{silent.getsockname()[1]}/', connect_ms=300, expect='io')
    expect_fault(got, 'connect_time', '0.3 seconds')
    expect_ms(lab, 'ms', got, 300, 1300)


def test_cut_anywhere(lab):
    seed = int(os.environ.get('BFC_TEST_SEED', random.randrange(1 << 32)))
    say(f'BFC_TEST_SEED={seed}')
    chance = random.Random(seed)
    body = os.urandom(20_000)
    plain = b'HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 20000\r\n\r\n' + body
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + \
        b''.join(b'%x\r\n%s\r\n' % (1000, body[i:i + 1000]) for i in range(0, 20_000, 1000)) + b'0\r\n\r\n'
    whole = [plain, chunked]

    def answer(e):
        kind, cut, reset = map(int, e.path[1:].split('/'))
        e.send(whole[kind][:cut])
        if reset:
            e.reset()

    server = Server(lab, answer)
    for _ in range(16):
        kind, reset = chance.randrange(2), chance.randrange(2)
        head = whole[kind].index(b'\r\n\r\n') + 4
        cut = chance.choice([chance.randrange(head), chance.randrange(head, len(whole[kind]) - 4)])
        got = ask(lab, 'GET', f'{server.url}/{kind}/{cut}/{reset}', sink=1, expect='io')
        expect_fault(got, 'cut')
        check(reset or kind or cut < head or f'{cut - head} of 20000 bytes' in got.message, got.message)
        check(int(got.len) <= max(0, cut - head), got.lines)


def test_stalls(lab):
    server = Server(lab, lambda e: e.wait_for_end())
    got = ask(lab, 'GET', server.url, answer_ms=300, stall_ms=100, expect='io')
    expect_fault(got, 'answer_time', 'no answer within 0.3 seconds')
    expect_ms(lab, 'ms', got, 300, 1300)

    server = Server(lab, raw(b'HTTP/1.1 200 OK\r\nContent-', close=False))
    expect_fault(ask(lab, 'GET', server.url, answer_ms=300, expect='io'), 'answer_time')

    def drip(e):  # a header that never ends, but always goes on
        e.send(b'HTTP/1.1 200 OK\r\n')
        for i in range(1000):
            e.send(b'X: %d\r\n' % i)
            time.sleep(0.05)

    server = Server(lab, drip)
    expect_fault(ask(lab, 'GET', server.url, answer_ms=300, stall_ms=2000, expect='io'), 'answer_time')

    server = Server(lab, raw(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345', close=False))
    for sink in (0, 1):
        got = ask(lab, 'GET', server.url, stall_ms=300, answer_ms=100, sink=sink, expect='io')
        expect_fault(got, 'stall', 'nothing came for 0.3 seconds, after 5 bytes')
        expect_ms(lab, 'ms', got, 300, 1300)

    def slow(e):  # slower than the limit altogether, but never still for that long
        e.head(200, 'Content-Length: 10')
        for _ in range(10):
            e.send(b'x')
            time.sleep(0.06)
        return True

    server = Server(lab, slow)
    check(ask(lab, 'GET', server.url, stall_ms=300, answer_ms=300).len == '10', 'slow')


def test_nobody_takes_the_body(lab):
    server = Server(lab, lambda e: time.sleep(3))
    got = ask(lab, 'PUT', server.url, source=64 * MIB, stall_ms=500, expect='io')
    expect_fault(got, 'stall', 'has taken nothing for 0.5 seconds')
    got = ask(lab, 'PUT', server.url, body='x', stall_ms=100, answer_ms=300, expect='io')
    expect_fault(got, 'answer_time')


def test_lengths_that_lie(lab):
    def answer(head, body):
        return Server(lab, raw(b'HTTP/1.1 200 OK\r\n' + head + b'\r\n\r\n' + body))

    got = ask(lab, 'GET', answer(b'Content-Length: 100', b'x' * 60).url, expect='io')
    expect_fault(got, 'cut', '60 of 100 bytes')
    for sink in (0, 1):
        got = ask(lab, 'GET', answer(b'Content-Length: 100', b'x' * 160).url, sink=sink, expect='corrupt')
        expect_fault(got, 'protocol', 'more than the 100 bytes that it promised')
    for head in (b'Content-Length: 5\r\nContent-Length: 6', b'Content-Length: -5', b'Content-Length: five',
                 b'Content-Length: 99999999999999999999999', b'Transfer-Encoding: chunked'):
        got = ask(lab, 'GET', answer(head, b'nonsense').url, expect=None)
        check(not got.message.startswith('no-memory') and got.fault != '0', got.result.shown())
        check(got.message, got.result.shown())
    got = ask(lab, 'GET', answer(b'Content-Length: 99', b'').url, max=98, sink=1, expect='limit')
    expect_fault(got, 'limit', 'has 99 bytes', 'no more than 98')


def test_no_http(lab):
    for junk in (b'SSH-2.0-OpenSSH_9.2\r\n', b'\x15\x03\x01\x00\x02\x02\x46', b'HTTP/1.1 abc\r\n\r\n', b'hello',
                 b'HTTP/1.1 200 OK\r\nbad header\r\n\r\n', b'HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n',
                 b'HTTP/9.9 200 OK\r\n\r\n', b'HTTP/1.1 101 Switching Protocols\r\n\r\n'):
        got = ask(lab, 'GET', Server(lab, raw(junk)).url, expect='corrupt')
        expect_fault(got, 'protocol')
        check('\0' not in got.message, got.message)


def test_http10(lab):
    server = Server(lab, raw(b'HTTP/1.0 200 OK\r\n\r\n' + b'old' * LONG))
    check(ask(lab, 'GET', server.url).len == str(3 * LONG), 'until the end')
    expect_fault(ask(lab, 'GET', server.url, max=LONG, expect='limit'), 'limit', f'more than the {LONG} bytes')
    server = Server(lab, raw(b'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold'))
    check(ask(lab, 'GET', server.url, times=2).body == 'old', 'with a length')

    def take(e):
        return e.head(201, version='1.0') if len(e.body()) == 100_000 else None

    ask(lab, 'PUT', Server(lab, take).url, source=100_000)


def test_endless_heads(lab):
    def endless(first, again):
        def answer(e):
            e.send(first)
            while True:
                e.send(again)
        return Server(lab, answer)

    for server in (endless(b'HTTP/1.1 200 OK\r\n', b'A: b\r\n'),
                   endless(b'HTTP/1.1 200 OK\r\n', b'A: ' + b'b' * 2000 + b'\r\n'),
                   endless(b'HTTP/1.1 200 OK\r\nA: ', b'b' * 2000),
                   endless(b'', b'HTTP/1.1 100 Continue\r\n\r\n')):
        got = ask(lab, 'GET', server.url, expect='limit')
        expect_fault(got, 'limit', 'header')
        expect_peak(lab, got, 64 * MIB)


def test_endless_bodies(lab):
    def answer(e):
        status = int(e.path[1:4])
        chunked = e.path.endswith('c')
        e.head(status, *(['Transfer-Encoding: chunked'] if chunked else []), 'Location: /200')
        while True:
            e.send(b'10000\r\n' + b'x' * 65536 + b'\r\n' if chunked else b'x' * 65536)

    server = Server(lab, answer)
    for path in ('/200', '/200c'):
        got = ask(lab, 'GET', server.url + path, expect='limit')
        expect_fault(got, 'limit', 'more than the 4194304 bytes')
        expect_peak(lab, got, 64 * MIB)
        got = ask(lab, 'GET', server.url + path, sink=1, max=10 * MIB, expect='limit')
        check(9 * MIB < int(got.received) <= 10 * MIB, got.lines)
        got = ask(lab, 'GET', server.url + path.replace('200', '404'), sink=1, expect='not-found')
        check(got.cut == '1' and got.status == '404', got.lines)
        got = ask(lab, 'GET', server.url + path.replace('200', '307'), expect='limit')
        check(got.redirects == '1', got.lines)


def test_many_faults_at_once(lab):
    """What goes wrong with one request is of no concern to the others."""
    def answer(e):
        with e.server.lock:
            number = len(e.server.requests)
        if number % 4 == 0:
            e.head(200, 'Content-Length: 10')
            e.reset()
            return False
        if number % 4 == 1:
            return e.wait_for_end()
        return e.reply(200, b'fine')

    server = Server(lab, answer)
    got = ask(lab, 'GET', server.url, at_once=40, answer_ms=500, expect=None)
    check(len(got.all('status')) == 40, got.lines)
    check(got.all('body').count('fine') >= 10, got.lines)


def test_stale_connections(lab):
    """A server ends connections that are idle, just as the next request comes: it is sent again, in another."""
    def answer(e):
        e.reply(200, b'a')
        return False

    server = Server(lab, answer)
    ask(lab, 'GET', server.url, times=20)
    ask(lab, 'PUT', server.url, body='x', times=10)


if __name__ == '__main__':
    harness.main(globals())
