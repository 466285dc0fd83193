#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bfc login and bfc logout: at registries that ask for a password or a token, beside skopeo and podman.

usage: test_login_cmd.py BFC [NAME…]
"""
import json
import os
import signal
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from registries import HTPASSWD, PASSWORD, USER, DockerRegistry, TokenServer, isolate
from server import Server
from terminal import Terminal
import harness
from harness import check, need, run

HELPER = '''#!/bin/sh
cd "${0%/*}"
case $1 in
store) cat >login;;
get) cat >/dev/null; cat login 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; };;
erase) cat >/dev/null; rm login;;
list) echo '{"list.example":"u"}';;
esac
'''


def guarded(lab):
    """A registry with htpasswd; nobody has a login yet."""
    isolate(lab)
    os.remove(lab / 'auth.json')
    with open(lab / 'htpasswd', 'w', encoding='ascii') as f:
        f.write(HTPASSWD)
    return DockerRegistry(lab, more=f'auth:\n  htpasswd:\n    realm: here\n    path: {lab / "htpasswd"}\n')


def hides(*answers):
    for answer in answers:
        check(PASSWORD.encode() not in answer.out + answer.err and b'Basic ' not in answer.err and
              b'Bearer ' not in answer.err, answer.shown())


def log_in(lab, *words, password=PASSWORD, **how):
    """With the password on standard input."""
    with open(lab / 'typed', 'wb') as f:
        f.write(password if isinstance(password, bytes) else password.encode())
    with open(lab / 'typed', 'rb') as f:
        answer = lab.bfc('-vv', 'login', '-u', USER, '--password-stdin', *words, stdin=f, **how)
    hides(answer)
    return answer


def logins(path):
    with open(path, encoding='utf-8') as f:
        return json.load(f).get('auths', {})


def test_password(lab):
    need('skopeo', 'podman')
    registry = guarded(lab)
    path = lab / 'auth.json'
    answer = log_in(lab, registry.host, password='so wrong', expect=5)
    check(f"'{registry.host}' does not take this user and password" in answer.message, answer.shown())
    check(not os.path.exists(path), 'something was written')
    answer = log_in(lab, registry.host)
    check(f'logged in to {registry.host} as {USER}; kept in {path}' in answer.message, answer.shown())
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, 'others can read it')
    before = open(path, 'rb').read()
    log_in(lab, registry.host, password='so wrong', expect=5)
    check(open(path, 'rb').read() == before, 'a good login was lost')
    for tool in ('skopeo', 'podman'):
        check(run([tool, 'login', '--get-login', registry.host]).text.strip() == USER, tool)
    said = run(['skopeo', 'inspect', '--tls-verify=false', f'docker://{registry.host}/none'], expect=1)
    check('manifest unknown' in said.message, said.shown())
    check('MANIFEST_UNKNOWN' in lab.bfc('image', 'pull', f'{registry.host}/none', expect=4).message, 'pull')
    check(lab.bfc('login', '--get-login', registry.host).text == USER + '\n', 'get-login')
    told = lab.bfc('--json', 'login', registry.host, stdin=subprocess.DEVNULL).json
    check((told['username'], told['where']) == (USER, None), told)
    lab.bfc('logout', registry.host)
    check(logins(path) == {}, 'it is still there')
    check('there is no login' in lab.bfc('logout', registry.host, expect=4).message, 'logout')
    lab.bfc('login', '--get-login', registry.host, expect=4)
    run(['skopeo', 'login', '--get-login', registry.host], expect=1)


def test_tokens(lab):
    isolate(lab)
    tokens = TokenServer(lab)
    registry = DockerRegistry(lab, more=tokens.config)
    answer = log_in(lab, registry.host, password='so wrong', expect=5)
    check('does not take this user and password' in answer.message and 'who is that?' in answer.message,
          answer.shown())
    check(logins(lab / 'auth.json') == {}, 'something was written')
    told = log_in(lab, '--json', registry.host).json
    check((told['registry'], told['username'], told['where']) == (registry.host, USER, lab / 'auth.json'), told)
    check(tokens.given == 1 and not tokens.errors, tokens.errors)
    hides(lab.bfc('-vv', 'image', 'pull', registry.host + '/none', expect=4))


def test_theirs(lab):
    """What skopeo and podman keep is used, and forgotten."""
    need('skopeo', 'podman')
    registry = guarded(lab)
    for tool in ('skopeo', 'podman'):
        run([tool, 'login', '--tls-verify=false', '-u', USER, '-p', PASSWORD, registry.host])
        answer = lab.bfc('-v', 'login', registry.host)
        check('as before' in answer.message, answer.shown())
        hides(answer)
        lab.bfc('logout', registry.host)
        run([tool, 'login', '--get-login', registry.host], expect=(1, 125))
    log_in(lab, registry.host)
    run(['podman', 'logout', registry.host])
    lab.bfc('login', '--get-login', registry.host, expect=4)


def test_other_files(lab):
    """A login that another file has is told of when ours goes; --authfile is that file alone."""
    registry = guarded(lab)
    os.makedirs(lab / 'home/.docker')
    os.environ.pop('REGISTRY_AUTH_FILE')
    ours = lab / 'home/containers/auth.json'
    log_in(lab, registry.host)
    os.rename(ours, lab / 'home/.docker/config.json')
    answer = lab.bfc('logout', registry.host, expect=4)
    check('there still is a login' in answer.message and '.docker/config.json' in answer.message, answer.shown())
    mine = lab / 'new/mine.json'
    log_in(lab, registry.host, '--authfile', mine)
    check(list(logins(mine)) == [registry.host] and not os.path.exists(ours), 'the file that was named')
    log_in(lab, registry.host + '/a/b', '--authfile', mine)
    lab.bfc('logout', registry.host, '--authfile', mine)
    check(list(logins(mine)) == [registry.host + '/a/b'], logins(mine))
    lab.bfc('login', '--get-login', registry.host, '--authfile', mine, expect=4)


def test_all(lab):
    registry = guarded(lab)
    log_in(lab, registry.host)
    log_in(lab, registry.host + '/a')
    check(lab.bfc('--json', 'logout', '--all').json['count'] == 2, 'count')
    check(logins(lab / 'auth.json') == {}, 'some are left')
    lab.bfc('logout', '--all', registry.host, expect=2)


def test_helpers(lab):
    registry = guarded(lab)
    folder = lab.mkdir('bin')
    with open(folder + '/docker-credential-keep', 'w', encoding='utf-8', opener=lambda p, f: os.open(p, f, 0o755)) as f:
        f.write(HELPER)
    os.environ['PATH'] = folder + ':' + os.environ['PATH']
    for settings in ({'credsStore': 'keep'}, {'credHelpers': {registry.host: 'keep'}}):
        with open(lab / 'auth.json', 'w', encoding='utf-8') as f:
            json.dump(settings, f)
        log_in(lab, registry.host, password='so wrong', expect=5)
        check(not os.path.exists(folder + '/login'), 'something was kept')
        check('credential helper keep' in log_in(lab, registry.host).message, 'where')
        with open(folder + '/login', encoding='utf-8') as f:
            check(json.load(f) == {'ServerURL': registry.host, 'Username': USER, 'Secret': PASSWORD}, 'what is kept')
        check(lab.bfc('login', '--get-login', registry.host).text == USER + '\n', 'get-login')
        if 'credHelpers' in settings:  # skopeo does not know of the other
            run(['skopeo', 'login', '--get-login', registry.host])
        lab.bfc('logout', registry.host)
        check(not os.path.exists(folder + '/login'), 'logout')
        log_in(lab, registry.host)
        check(lab.bfc('--json', 'logout', '--all').json['count'] == 1, 'logout --all')
        check(not os.path.exists(folder + '/login'), 'logout --all')
        with open(lab / 'auth.json', encoding='utf-8') as f:
            check(json.load(f) == settings, 'settings')


def test_standard_input(lab):
    """One newline at the end is not a part of it; all else is."""
    registry = guarded(lab)
    for end in ('\n', '\r\n'):
        log_in(lab, registry.host, password=PASSWORD + end)
    log_in(lab, registry.host, password=PASSWORD + '\n\n', expect=5)
    check('empty' in log_in(lab, registry.host, password='\n', expect=2).message, 'empty')
    check('NUL' in log_in(lab, registry.host, password=b'a\0b', expect=2).message, 'NUL')
    check('longer' in log_in(lab, registry.host, password='x' * 16385, expect=1).message, 'too long')
    lab.bfc('login', '--password-stdin', registry.host, expect=2)
    nobody = subprocess.run([lab.bfc_path, 'login', 'none.example', '--authfile', lab / 'none'], check=False,
                            stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True)
    check(nobody.returncode == 5 and b'--password-stdin' in nobody.stderr, nobody)


def test_which_registry(lab):
    """The first that is searched, unless one is named; not a blocked one."""
    registry = guarded(lab)
    with open(lab / 'registries.conf', 'w', encoding='utf-8') as f:
        f.write(f'unqualified-search-registries = ["{registry.host}", "other.example"]\n'
                '[[registry]]\nlocation = "bad.example"\nblocked = true\n')
    log_in(lab)
    check(list(logins(lab / 'auth.json')) == [registry.host], 'which one')
    log_in(lab, 'bad.example', expect=5)
    os.remove(lab / 'registries.conf')
    with open(lab / 'registries.conf', 'w', encoding='utf-8') as f:
        f.write('')
    check('no registry was named' in lab.bfc('logout', expect=2).message, 'none')


def test_nobody_is_asked(lab):
    """A registry that takes everybody cannot say whether a login is right; what is none is no registry."""
    isolate(lab)
    open_one = Server(lab, lambda e: e.reply(200, b'{}'))
    answer = log_in(lab, f'127.0.0.1:{open_one.port}')
    check('does not ask who we are' in answer.message, answer.shown())
    check(not any('Authorization' in e.headers for e in open_one.requests), 'the password was sent')
    page = Server(lab, lambda e: e.reply(404, b'no such page'))
    log_in(lab, f'127.0.0.1:{page.port}', expect=4)
    check(list(logins(lab / 'auth.json')) == [f'127.0.0.1:{open_one.port}'], 'written')


def test_prompt(lab):
    registry = guarded(lab)
    seen = Terminal(lab.bfc_path, 'login', registry.host)
    seen.answer(f'User for {registry.host}: $', USER)
    seen.answer('Password: $', PASSWORD)
    seen.end()
    check(seen.code == 0 and PASSWORD not in seen.text and 'kept in' in seen.text, seen.code, seen.text)
    # What is kept is good: nobody is asked.
    seen = Terminal(lab.bfc_path, 'login', registry.host).end()
    check(seen.code == 0 and 'as before' in seen.text and 'Password' not in seen.text, seen.text)
    seen = Terminal(lab.bfc_path, 'login', '-u', USER, registry.host)
    seen.answer('Password: $', 'so wrong')
    seen.end()
    check(seen.code == 5 and 'User' not in seen.text, seen.text)
    # It is not good any more: its user is proposed.
    with open(lab / 'auth.json', 'w', encoding='utf-8') as f:
        json.dump({'auths': {registry.host: {'auth': 'YWxpY2U6b2xk'}}}, f)
    seen = Terminal(lab.bfc_path, 'login', registry.host)
    seen.answer(rf'not taken any more\r\nUser for {registry.host} \({USER}\): $', '')
    seen.answer('Password: $', PASSWORD)
    check(seen.end().code == 0, seen.text)


def test_interrupt(lab):
    registry = guarded(lab)
    seen = Terminal(lab.bfc_path, 'login', registry.host, '-u', USER).read(until='Password: $')
    check(not seen.echoes(), 'it is shown')
    os.write(seen.fd, b'half\x03')
    end = time.monotonic() + 20
    while not seen.echoes() and time.monotonic() < end:
        time.sleep(0.01)
    check(seen.echoes(), 'the terminal is as it was')
    check(seen.end().code == -signal.SIGINT and not os.path.exists(lab / 'auth.json'), seen.code, seen.text)


if __name__ == '__main__':
    harness.main(globals())
