#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP client where all goes well: requests, bodies in both directions, redirects, many at once, pauses,
cancelling, and what is told of it.

usage: test_http.py HTTP_PROBE [NAME…]
"""
import functools
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from server import Server, ask, expect_fault, expect_ms, expect_peak  # noqa: E402
import harness  # noqa: E402
from harness import MIB, Skip, check, run  # noqa: E402

PATTERN_STEP = 2654435761


@functools.lru_cache(1)
def whole_pattern():
    return bytes((i * PATTERN_STEP >> 13) & 0xff for i in range(1_200_000))


def pattern(length):
    """What the probe's sources give."""
    return whole_pattern()[:length]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_requests(lab):
    server = Server(lab, lambda e: e.reply(200, b'hello', 'X-Twice:  one ', 'x-twice: two', 'Docker-Thing: a'))
    answer = ask(lab, 'GET', server.url + '/v2/?a=b#c', 'accept=a/b', 'accept=c/d', 'header=X-Mine:yes',
                 'header=X-Empty:', auth='Bearer t', show='X-Twice')
    check(answer.status == '200' and answer.body == 'hello', answer.result.shown())
    check(answer.all('header') == ['one', 'two'], answer.lines)
    check(answer.url == server.url + '/v2/?a=b', answer.url)
    request = server.requests[0]
    check(request.target == '/v2/?a=b', request.target)
    check(request.headers.get_all('Accept') == ['a/b', 'c/d'], request.headers)
    check(request.headers['Authorization'] == 'Bearer t', request.headers)
    check(request.headers['Accept-Encoding'] == 'identity', request.headers)
    check(request.headers['X-Mine'] == 'yes' and request.headers['X-Empty'] == '', request.headers)
    check(request.headers['User-Agent'].startswith('bfc/'), request.headers)

    answer = ask(lab, 'HEAD', server.url)
    check(answer.status == '200' and answer.len == '0', answer.lines)
    check('Accept' not in server.requests[1].headers and 'Range' not in server.requests[1].headers, 'Accept')
    ask(lab, 'DELETE', server.url)
    check(server.requests[2].method == 'DELETE', 'DELETE')
    check('Content-Length' not in server.requests[2].headers, 'a body with DELETE')


def test_bodies(lab):
    bodies = []

    def answer(e):
        bodies.append(e.body())
        return e.reply(201)

    server = Server(lab, answer)
    ask(lab, 'POST', server.url, 'body=a=b&c=d')
    check(bodies.pop() == b'a=b&c=d', bodies)
    check('Content-Type' not in server.requests[0].headers, 'a type that nobody gave')
    for method in ('POST', 'PUT', 'PATCH'):
        ask(lab, method, server.url)
        check(bodies.pop() == b'' and server.requests[-1].headers['Content-Length'] == '0', method)
        check(server.requests[-1].method == method, method)
    for size in (1, 65536, 300_000, 1_200_000):
        ask(lab, 'PUT', server.url, source=size)
        check(sha256(bodies.pop()) == sha256(pattern(size)), size)
    ask(lab, 'PATCH', server.url, source=-300_000)
    check(server.requests[-1].headers['Transfer-Encoding'] == 'chunked', 'not in chunks')
    check(bodies.pop() == pattern(300_000), 'chunks')
    ask(lab, 'PUT', server.url, source=300_000, gap_ms=300, stall_ms=200)  # a pause is no stall
    check(bodies.pop() == pattern(300_000), 'after a pause')


def test_answers_before_the_body_was_taken(lab):
    """A server that says no need not read what it refuses."""
    def answer(e):
        e.head(413, 'Content-Length: ' + e.path[1:], 'Connection: close')
        e.send(b'no')

    server = Server(lab, answer)
    for size in (2 * MIB, 64 * MIB):
        for length in (2, 200):  # the second one ends too early: it says no all the same
            result = ask(lab, 'PUT', f'{server.url}/{length}', source=size, expect='limit')
            check(result.status == '413' and result.body == 'no', result.result.shown())


def test_statuses(lab):
    codes = {400: 'invalid', 401: 'denied', 403: 'denied', 404: 'not-found', 405: 'unsupported', 413: 'limit',
             429: 'busy', 500: 'io', 503: 'io', 507: 'no-space', 304: 'io', 302: 'io', 600: 'io'}
    server = Server(lab, lambda e: e.reply(int(e.path[1:]), b'{"errors":[]}'))
    for status, code in codes.items():
        answer = ask(lab, 'GET', f'{server.url}/{status}?secret', sink=1, expect=code)
        check(answer.status == str(status) and answer.len == '0', answer.result.shown())
        check(answer.body == '{"errors":[]}' or status == 304, answer.result.shown())
        check(f"GET '{server.url}/{status}'" in answer.message and f'status {status}' in answer.message,
              answer.message)


def test_range(lab):
    whole = pattern(1000)

    def answer(e):
        start = int(e.headers['Range'].removeprefix('bytes=').removesuffix('-'))
        how = {'/good': f'bytes {start}-999/1000', '/open': f'bytes {start}-999/*', '/early': 'bytes 0-999/1000', '/late': f'bytes {start + 1}-1000/1001',
               '/odd': 'bites', '/short': f'bytes {start}-998/1000', '/over': f'bytes {start}-1999/1000',
               '/huge': f'bytes {start}-99999999999999999999999/*'}
        if e.path == '/whole':
            return e.reply(200, whole)
        if e.path == '/none':
            return e.reply(206, whole[start:])
        return e.reply(206, whole[start:], 'Content-Range: ' + how[e.path])

    server = Server(lab, answer)
    got = ask(lab, 'GET', server.url + '/good', range=400, sink=1)
    check(got.partial == '1 400 1000' and got.sha256 == sha256(whole[400:]), got.lines)
    check(got.head_status == '206' and got.received == '600', got.lines)
    got = ask(lab, 'GET', server.url + '/open', range=400)
    check(got.partial == f'1 400 {2**64 - 1}', got.lines)
    got = ask(lab, 'GET', server.url + '/whole', range=400, sink=1)
    check(got.partial.startswith('0 ') and got.head_status == '200' and got.len == '1000', got.lines)
    for bad in ('early', 'late', 'odd', 'short', 'over', 'huge', 'none'):
        got = ask(lab, 'GET', f'{server.url}/{bad}', range=400, sink=1, expect='corrupt')
        expect_fault(got, 'protocol', 'byte 400')
        check(got.len == '0', 'bytes that are not those asked for')

    server = Server(lab, lambda e: e.reply(206, b'x', 'Content-Range: bytes 0-0/1'))
    expect_fault(ask(lab, 'GET', server.url, expect='corrupt'), 'protocol', 'asked for the whole')


# ── Redirects ──

def test_redirects(lab):
    def answer(e):
        if e.path == '/end':
            return e.reply(200, e.method.encode())
        status, _, n = e.path[1:].partition('/')
        return e.redirect(f'/{status}/{int(n) - 1}' if int(n) > 1 else 'end?x=1', int(status)) if n != '1' \
            else e.redirect('../end', int(status))

    server = Server(lab, answer)
    for status in (301, 302, 303, 307, 308):
        got = ask(lab, 'GET', f'{server.url}/{status}/10', auth='Basic x')
        check(got.redirects == '10' and got.url == server.url + '/end', got.lines)
        check(got.body == 'GET', got.lines)
        check(all(r.headers['Authorization'] == 'Basic x' for r in server.requests), 'lost at home')
        got = ask(lab, 'GET', f'{server.url}/{status}/11', auth='Basic x', expect='limit')
        expect_fault(got, 'redirect', 'more than 10 times')
    check(server.connections == 10, f'{server.connections} connections')
    for status in (301, 302, 303):
        expect_fault(ask(lab, 'PUT', f'{server.url}/{status}/1', body='x', expect='unsupported'), 'redirect',
                     f'status {status}')


def test_redirect_keeps_the_authorization_at_home(lab):
    """127.0.0.1 and localhost are two hosts, and each port is another."""
    far = Server(lab, lambda e: e.redirect(e.target.partition('=')[2]) if '=' in e.target else e.reply(200, b'far'))
    near = Server(lab, lambda e: e.redirect(e.target.partition('=')[2]) if '=' in e.target else e.reply(200, b'near'))
    for to in (f'{far.url}/x', f'http://localhost:{near.port}/x', f'//localhost:{near.port}/x',
               f'{far.url}/?={near.url}/?=/back'):
        before = len(near.requests), len(far.requests)
        got = ask(lab, 'GET', f'{near.url}/?={to}', auth='Bearer secret-token', log=1)
        check(near.requests[before[0]].headers['Authorization'] == 'Bearer secret-token', 'the first one')
        later = near.requests[before[0] + 1:] + far.requests[before[1]:]
        check(len(later) == int(got.redirects), len(later))
        for request in later:
            check('Authorization' not in request.headers, f'{request.target} got the token')
            check('secret-token' not in str(request.headers), 'the token')
        check('secret-token' not in got.result.text, got.result.text)


def test_redirect_of_bodies(lab):
    bodies = []

    def answer(e):
        bodies.append(e.body())
        return e.reply(201) if e.path == '/end' else e.redirect(e.target.partition('=')[2])

    near, far = Server(lab, answer), Server(lab, answer)
    for to in ('/end', far.url + '/end'):
        bodies.clear()
        ask(lab, 'PUT', f'{near.url}/?={to}', body='some bytes')
        check(bodies == [b'some bytes'] * 2, bodies)
        bodies.clear()
        ask(lab, 'PATCH', f'{near.url}/?={to}', source=200_000)
        check(bodies == [pattern(200_000)] * 2, 'a source, twice')
        expect_fault(ask(lab, 'PUT', f'{near.url}/?={to}', source=200_000, once=1, expect='io'), 'redirect',
                     'only once')
    ask(lab, 'POST', f'{near.url}/?=/end', body='pw', secret=1)
    before = len(far.requests)
    expect_fault(ask(lab, 'POST', f'{near.url}/?={far.url}/end', body='pw', secret=1, expect='denied'), 'redirect')
    check(len(far.requests) == before, 'the password went there')


def test_redirect_elsewhere(lab):
    server = Server(lab, lambda e: e.redirect(e.target.partition('=')[2]))
    for to in ('ftp://127.0.0.1/', 'file:///etc/passwd', 'http://user:pass-word@127.0.0.1:1/', 'http://', 'http://[::',
               'gopher://x/', '/' + 'a' * 20000):
        got = ask(lab, 'GET', f'{server.url}/?={to}'[:16000], expect='corrupt') if len(to) < 9999 else None
        if got:
            expect_fault(got, 'redirect')
            check('pass-word' not in got.message, got.message)
    got = ask(lab, 'GET', f'{server.url}/?=http://127.0.0.1:1/blob?X-Signature=hush', log=1, expect='io')
    check('hush' not in got.message and "'http://127.0.0.1:1/blob'" in got.message, got.message)
    check('hush' not in got.log and 'http://127.0.0.1:1/blob' in got.log, got.log)


# ── Many, and slowly ──

def test_many_at_once(lab):
    barrier = threading.Barrier(50, timeout=20)

    def answer(e):
        if e.path == '/together':
            barrier.wait()
        return e.reply(200, b'x' * 1000)

    server = Server(lab, answer)
    got = ask(lab, 'GET', server.url + '/together', at_once=50, times=2)
    check(got.all('status') == ['200'] * 100, got.lines)
    before = server.connections
    ask(lab, 'GET', server.url, times=20)
    check(server.connections == before + 1, 'connections are not used again')


def test_slow_reader_in_bounded_memory(lab):
    size, block = 32 * MIB, os.urandom(MIB)
    sent = threading.Event()

    def answer(e):
        if e.path == '/small':
            return e.reply(200, b'small')
        e.head(200, f'Content-Length: {size}')
        for _ in range(size // MIB):
            e.send(block)
        sent.set()
        return True

    server = Server(lab, answer)
    base = ask(lab, 'GET', server.url + '/small').result.peak
    got = ask(lab, 'GET', server.url, sink=1, reader_kib_ms=64, stall_ms=1000)
    check(got.sha256 == sha256(block * (size // MIB)), 'the bytes')
    check(int(got.pauses) > 2, f'{got.pauses} pauses')
    expect_peak(lab, got, base + 8 * MIB)


def test_a_reader_that_rests(lab):
    """For longer than a server may: the limit of stall does not run while the sink pauses. Meanwhile another request
    is answered, on another connection."""
    server = Server(lab, lambda e: e.reply(200, b'y' * (8 * MIB)))
    got = ask(lab, 'GET', server.url, sink=1, reader_kib_ms=1024, gap_ms=1500, stall_ms=700, at_once=3, beside=1)
    check(got.all('len') == [str(8 * MIB)] * 3, got.lines)
    check(int(got.ms) >= 1500 and int(got.pauses) > 0, got.lines)
    expect_ms(lab, 'beside_ms', got, 0, 1000)


def test_callbacks_fail(lab):
    def answer(e):
        if e.method == 'GET':
            return e.reply(200, b'y' * MIB)
        return e.wait_for_end()

    server = Server(lab, answer)
    got = ask(lab, 'GET', server.url, sink=1, fail_at=500_000, expect='no-space')
    expect_fault(got, 'caller', 'the sink is full')
    got = ask(lab, 'PUT', server.url, source=MIB, break_at=300_000, expect='corrupt')
    expect_fault(got, 'caller', 'the source broke')
    got = ask(lab, 'PUT', server.url, source=-MIB, break_at=300_000, expect='corrupt')
    expect_fault(got, 'caller', 'the source broke')


def test_cancel(lab):
    def stall(e):
        if e.path == '/head':
            e.wait_for_end()
        elif e.path == '/body':
            e.head(200, 'Content-Length: 1000')
            e.send(b'some')
            e.wait_for_end()
        else:
            e.redirect('/body')
            return True
        return False

    server = Server(lab, stall)
    silent = socket.create_server(('127.0.0.1', 0), backlog=0)
    lab.at_end.append(silent.close)
    urls = [server.url + '/head', server.url + '/body', server.url + '/',
            f'https://127.0.0.1:{silent.getsockname()[1]}/']
    for url in urls:
        for how in ('cancel_ms', 'call_cancel_ms'):
            got = ask(lab, 'GET', url, expect='cancelled', **{how: 150})
            expect_fault(got, 'cancelled', 'interrupted')
            expect_ms(lab, 'took_ms', got, 100, 350 + 200)  # 0.2 s, and a busy machine
    got = ask(lab, 'GET', server.url + '/body', cancel_ms=150, at_once=20, expect='cancelled')
    check(got.all('fault') == [got.fault] * 20, got.lines)
    got = ask(lab, 'PUT', server.url + '/head', cancel_ms=150, source=64 * MIB, expect='cancelled')
    got = ask(lab, 'PUT', server.url + '/head', call_cancel_ms=150, source=MIB, gap_ms=600, expect='cancelled')
    expect_ms(lab, 'took_ms', got, 0, 1200)


def test_log(lab):
    server = Server(lab, lambda e: e.reply(200, b'12345'))
    got = ask(lab, 'GET', server.url + '/v2/x?sig=hush', auth='Bearer hush', log=1)
    check(len(got.all('log')) == 1, got.lines)
    check(got.log.startswith(f"2 http method=GET url='{server.url}/v2/x' status=200 ms="), got.log)
    check('bytes=5' in got.log and 'hush' not in got.log, got.log)


def test_proxy(lab):
    proxy = Server(lab, lambda e: e.reply(200, b'by proxy'))
    got = ask(lab, 'GET', 'http://registry.invalid/v2/', env={'http_proxy': proxy.url})
    check(got.body == 'by proxy' and proxy.requests[0].target == 'http://registry.invalid/v2/', got.lines)
    refusing = Server(lab, lambda e: e.reply(403, b'not there'))
    got = ask(lab, 'GET', 'https://registry.invalid/v2/',
              env={'https_proxy': refusing.url.replace('//', '//me:hush@')}, expect='io')
    expect_fault(got, 'connect', '403')
    check('hush' not in got.message, got.message)
    check(refusing.requests[0].method == 'CONNECT', refusing.requests[0].method)


def test_http2(lab):
    """Where the server has it; streams have a connection to themselves, small requests share one."""
    if not shutil.which('nghttpd'):
        raise Skip('nghttpd (package nghttp2-server) is not installed')
    run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout',
         lab / 'key', '-out', lab / 'cert', '-days', '2', '-subj', '/CN=x', '-addext', 'subjectAltName=IP:127.0.0.1'])
    lab.mkdir('root')
    with open(lab / 'root/file', 'wb') as f:
        f.write(b'z' * (2 * MIB))
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
    with subprocess.Popen(['nghttpd', '-a', '127.0.0.1', '-d', lab / 'root', '-v', str(port), lab / 'key', lab / 'cert'],
                          stdout=open(lab / 'log', 'wb'), stderr=subprocess.STDOUT) as server:
        try:
            url = f'https://127.0.0.1:{port}/file'
            for _ in range(100):
                if b'listen' in open(lab / 'log', 'rb').read():
                    break
                time.sleep(0.05)
            got = ask(lab, 'GET', url, ca=lab / 'cert', at_once=20)
            check(got.all('len') == [str(2 * MIB)] * 20, got.lines)
            check(got.all('status') == ['200'] * 20, got.lines)
            log = open(lab / 'log', 'rb').read()
            check(log.count(b'recv (stream_id=') >= 20, 'not HTTP/2')
            check(log.count(b'The negotiated protocol: h2') == 1, 'not one connection')
        finally:
            server.terminate()


if __name__ == '__main__':
    harness.main(globals())
