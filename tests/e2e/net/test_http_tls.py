#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP client and TLS: whose certificates it takes, what certs.d folders change about that, and what is said where
one is not taken.

usage: test_http_tls.py HTTP_PROBE [NAME…]
"""
import os
import shutil
import socket
import ssl
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from server import Server, ask, expect_fault  # noqa: E402
import harness  # noqa: E402
from harness import check, need, run  # noqa: E402


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, lab, name='ca'):
        need('openssl')
        self.lab, self.name = lab, name
        run(['openssl', 'req', '-x509', *self.new_key(name), '-out', self.cert, '-days', '2', '-subj', f'/CN={name}'])

    @property
    def cert(self):
        return self.lab / f'{self.name}.pem'

    def new_key(self, name):
        return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout',
                self.lab / f'{name}.key']

    def issue(self, name, alt='IP:127.0.0.1', days='2', start=None):
        """A certificate and its key, as paths."""
        request, cert = self.lab / f'{name}.csr', self.lab / f'{name}.crt'
        run(['openssl', 'req', *self.new_key(name), '-out', request, '-subj', f'/CN={name}'])
        with open(self.lab / f'{name}.ext', 'w', encoding='ascii') as f:
            f.write(f'subjectAltName={alt}\n')
        run(['openssl', 'x509', '-req', '-in', request, '-CA', self.cert, '-CAkey', self.lab / f'{self.name}.key',
             '-CAcreateserial', '-days', days, '-extfile', self.lab / f'{name}.ext', '-out', cert])
        return cert, self.lab / f'{name}.key'


def tls_server(lab, authority, name='server', client_ca=None, version=None, **how):
    cert, key = authority.issue(name, **how)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if version:
        context.maximum_version = context.minimum_version = version
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca.cert)
    return Server(lab, lambda e: e.reply(200, e.path.encode()), tls=context)


def certs_d(lab, server, **files):
    """A folder of certs.d with these files for the server; _ in a name stands for its dot."""
    top = lab / 'certs.d'
    folder = os.path.join(top, f'{server.host}:{server.port}')
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, source in files.items():
        shutil.copy(source, os.path.join(folder, name.replace('_', '.')))
    return top


def test_authorities(lab):
    ca = Authority(lab)
    server = tls_server(lab, ca)
    empty = lab.mkdir('empty')
    got = ask(lab, 'GET', server.url + '/x?hush', certs=empty, expect='denied')
    expect_fault(got, 'tls', 'authority that is not known', f'{empty}/127.0.0.1:{server.port}/ca.crt',
                 '--tls-verify=false', f"GET '{server.url}/x'")
    check('hush' not in got.message, got.message)
    check(ask(lab, 'GET', server.url, certs=certs_d(lab, server, ca_crt=ca.cert)).status == '200', 'certs.d')
    check(ask(lab, 'GET', server.url, certs=empty, insecure=1).status == '200', 'insecure')
    check(ask(lab, 'GET', server.url, certs=empty, ca=ca.cert).status == '200', 'a file')
    check(ask(lab, 'GET', server.url, env={'SSL_CERT_FILE': ca.cert}).status == '200', 'SSL_CERT_FILE')
    other = Authority(lab, 'other')
    got = ask(lab, 'GET', server.url, certs=certs_d(lab, server, a_crt=other.cert), expect='denied')
    expect_fault(got, 'tls', 'certs.d/127.0.0.1')
    both = certs_d(lab, server, a_crt=other.cert, b_crt=ca.cert)
    check(ask(lab, 'GET', server.url, certs=both).status == '200', 'the second one')
    # What stands in the folder comes on top of the system's.
    check(ask(lab, 'GET', server.url, certs=certs_d(lab, server, a_crt=other.cert), ca=ca.cert).status == '200', 'both')


def test_usual_folders(lab):
    ca = Authority(lab)
    server = tls_server(lab, ca)
    os.makedirs(lab / '.config/containers')
    os.rename(certs_d(lab, server, ca_crt=ca.cert), lab / '.config/containers/certs.d')
    check(ask(lab, 'GET', server.url, env={'HOME': lab.path}).status == '200', '$HOME')
    got = ask(lab, 'GET', server.url, env={'HOME': lab / 'nobody'}, expect='denied')
    expect_fault(got, 'tls', '/etc/containers/certs.d/127.0.0.1:')


def test_bad_certificates(lab):
    ca = Authority(lab)
    server = tls_server(lab, ca, alt='DNS:other.example')
    got = ask(lab, 'GET', server.url, certs=certs_d(lab, server, ca_crt=ca.cert), expect='denied')
    expect_fault(got, 'tls', 'for another host')
    check(ask(lab, 'GET', server.url, insecure=1).status == '200', 'insecure')
    server = tls_server(lab, ca, name='old', days='-1')
    got = ask(lab, 'GET', server.url, certs=certs_d(lab, server, ca_crt=ca.cert), expect='denied')
    expect_fault(got, 'tls', 'expired')
    check(ask(lab, 'GET', server.url, insecure=1).status == '200', 'insecure')


def test_client_certificates(lab):
    ca, clients = Authority(lab), Authority(lab, 'clients')
    cert, key = clients.issue('me')
    stranger, stranger_key = ca.issue('stranger')
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        server = tls_server(lab, ca, client_ca=clients, version=version)
        top = certs_d(lab, server, ca_crt=ca.cert, client_cert=cert, client_key=key)
        for sink in (0, 1):
            check(ask(lab, 'GET', server.url, certs=top, sink=sink).status == '200', version)
        got = ask(lab, 'GET', server.url, certs=certs_d(lab, server, ca_crt=ca.cert), expect='denied')
        expect_fault(got, 'tls', 'wants a client certificate', 'client.cert', f'certs.d/127.0.0.1:{server.port}')
        top = certs_d(lab, server, ca_crt=ca.cert, client_cert=stranger, client_key=stranger_key)
        got = ask(lab, 'GET', server.url, certs=top, expect='denied')
        expect_fault(got, 'tls', 'does not take the client certificate')
        check('sorts first' not in got.message, got.message)
        # Of several the first is shown, and a refusal says so.
        both = {'ca_crt': ca.cert, 'a_cert': cert, 'a_key': key, 'b_cert': stranger, 'b_key': stranger_key}
        check(ask(lab, 'GET', server.url, certs=certs_d(lab, server, **both)).status == '200', version)
        both.update(a_cert=stranger, a_key=stranger_key, b_cert=cert, b_key=key)
        got = ask(lab, 'GET', server.url, certs=certs_d(lab, server, **both), expect='denied')
        expect_fault(got, 'tls', "a.cert', the first by name", 'sorts first')


def test_bad_folders(lab):
    ca = Authority(lab)
    server = tls_server(lab, ca)
    key = lab / 'server.key'
    for files, words in (({'a_cert': ca.cert}, "not 'a.key'"), ({'a_key': key}, "not 'a.cert'"),
                         ({'a_crt': key}, 'no certificate')):
        got = ask(lab, 'GET', server.url, certs=certs_d(lab, server, **files), expect='invalid')
        expect_fault(got, 'tls', words, 'certs.d/127.0.0.1')
    run(['openssl', 'ec', '-in', key, '-aes256', '-passout', 'pass:x', '-out', lab / 'locked.key'])
    top = certs_d(lab, server, ca_crt=ca.cert, a_cert=lab / 'server.crt', a_key=lab / 'locked.key')
    got = ask(lab, 'GET', server.url, certs=top, expect='invalid')  # and no question on the terminal
    expect_fault(got, 'tls', 'a.cert')


def test_a_folder_is_for_its_host_alone(lab):
    ca = Authority(lab)
    one = tls_server(lab, ca)
    other = Server(lab, lambda e: e.redirect(one.url + '/there'), tls=one.tls)
    top = certs_d(lab, other, ca_crt=ca.cert)
    got = ask(lab, 'GET', other.url, certs=top, expect='denied')
    expect_fault(got, 'tls', f"GET '{one.url}/there'", 'not known')
    certs_d(lab, one, ca_crt=ca.cert)
    check(ask(lab, 'GET', other.url, certs=top).body == '/there', 'both')


def test_redirect_out_of_tls(lab):
    ca = Authority(lab)
    plain = Server(lab, lambda e: e.reply(200, b'plain'))
    tls = tls_server(lab, ca)
    tls.answer = lambda e: e.redirect(plain.url + '/x?sig=hush')
    for insecure in (0, 1):
        got = ask(lab, 'GET', tls.url, ca=ca.cert, insecure=insecure, expect='denied')
        expect_fault(got, 'redirect', 'not encrypted', plain.url)
        check('hush' not in got.message, got.message)
    check(not plain.requests, 'it went there')
    into = Server(lab, lambda e: e.redirect(tls.url) if e.path == '/' else None)
    tls.answer = lambda e: e.reply(200, str(e.headers['Authorization']).encode())
    check(ask(lab, 'GET', into.url, ca=ca.cert, auth='Basic x').body == 'None', 'the scheme is another')


def test_no_tls(lab):
    def refuse():
        conn, _ = plain.accept()
        conn.recv(65536)
        conn.sendall(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
        conn.close()

    plain = socket.create_server(('127.0.0.1', 0))
    lab.at_end.append(plain.close)
    threading.Thread(target=refuse, daemon=True).start()
    got = ask(lab, 'GET', f'https://127.0.0.1:{plain.getsockname()[1]}/', expect='io')
    expect_fault(got, 'tls', 'does not speak TLS', 'insecure = true')
    ca = Authority(lab)
    got = ask(lab, 'GET', tls_server(lab, ca).url.replace('https', 'http'), expect='io')
    expect_fault(got, 'cut')


def test_cut_in_tls(lab):
    ca = Authority(lab)
    server = tls_server(lab, ca)

    def answer(e):
        e.head(200, 'Content-Length: 100')
        e.send(b'x' * 50)
        e.conn.shutdown(socket.SHUT_RDWR)

    server.answer = answer
    expect_fault(ask(lab, 'GET', server.url, ca=ca.cert, expect='io'), 'cut', '50 of 100')


if __name__ == '__main__':
    harness.main(globals())
