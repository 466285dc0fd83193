# SPDX-License-Identifier: Apache-2.0
"""Logins that skopeo and podman have written are found, and what is written here they use, at a
registry with htpasswd on loopback. The program under test is net_probe."""
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import harness  # noqa: E402
from harness import check, need, run  # noqa: E402

USER, PASSWORD = 'some-user', 'p:ss wörd"\\'
HELPER = '''#!/bin/sh
cd "${0%/*}"
case $1 in
store) cat >login;;
get) cat >/dev/null; cat login 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; };;
erase) cat >/dev/null; rm login;;
esac
'''


def password_line():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import crypt  # pylint: disable=import-outside-toplevel,deprecated-module
    return f'{USER}:{crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n'


def registry(lab):
    """Starts one; returns its address."""
    need('docker-registry', 'skopeo')
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{s.getsockname()[1]}'
    with open(lab / 'htpasswd', 'w', encoding='utf-8') as f:
        f.write(password_line())
    with open(lab / 'config.yml', 'w', encoding='utf-8') as f:
        f.write(f'version: 0.1\nstorage: {{filesystem: {{rootdirectory: {lab / "store"}}}}}\n'
                f'http: {{addr: "{address}"}}\nauth: {{htpasswd: {{realm: test, path: {lab / "htpasswd"}}}}}\n')
    with open(lab / 'registry.log', 'wb') as log:
        child = subprocess.Popen([shutil.which('docker-registry'), 'serve', lab / 'config.yml'], stdout=log, stderr=log)

    def end():
        child.terminate()
        child.wait()
    lab.at_end.append(end)
    for _ in range(300):
        try:
            urllib.request.urlopen(f'http://{address}/v2/')
        except urllib.error.HTTPError as e:
            check(e.code == 401, e)
            return address
        except OSError:
            check(child.poll() is None, 'the registry has ended')
            time.sleep(0.1)
    raise AssertionError('the registry does not answer')


def environment(lab, **more):
    """One in which nobody finds files of the machine."""
    clean = {'HOME': lab.path, 'XDG_RUNTIME_DIR': lab / 'run', 'XDG_CONFIG_HOME': lab / 'config', 'DOCKER_CONFIG': '',
             'REGISTRY_AUTH_FILE': ''}
    os.makedirs(lab / 'run', exist_ok=True)
    return {**clean, **more}


def skopeo(env, word, name, *more, expect=0):
    authfile = ['--authfile', env['REGISTRY_AUTH_FILE']] if env['REGISTRY_AUTH_FILE'] else []
    insecure = ['--tls-verify=false'] if word == 'login' else []
    return run(['skopeo', word, *insecure, *authfile, *more, name], env=env, expect=expect)


def log_in(env, name):
    skopeo(env, 'login', name, '-u', USER, '-p', PASSWORD)


def who(env, name):
    return skopeo(env, 'login', name, '--get-login').text.strip()


def works(env, address):
    """The login is good enough for the registry: it knows no such image, but talks about it."""
    said = run(['skopeo', 'inspect', '--tls-verify=false', f'docker://{address}/none'], env=env, expect=1)
    check('manifest unknown' in said.message, said.shown())


def test_theirs(lab):
    address = registry(lab)
    for env in (environment(lab), environment(lab, REGISTRY_AUTH_FILE=lab / 'named.json')):
        lab.bfc('find', address, env=env, expect=4)
        log_in(env, address)
        for name in (address, address + '/a/b'):
            check(lab.bfc('find', name, env=env).text == f'{USER} {PASSWORD} -\n')
        skopeo(env, 'logout', address)
        lab.bfc('find', address, env=env, expect=4)


def test_ours(lab):
    address = registry(lab)
    for env, where in ((environment(lab), 'run/containers/auth.json'),
                       (environment(lab, REGISTRY_AUTH_FILE=lab / 'x/named.json'), 'x/named.json'),
                       (environment(lab, DOCKER_CONFIG=lab / 'docker'), 'docker/config.json')):
        path = lab / where
        check(lab.bfc('store', address, USER, PASSWORD, env=env).text == path + '\n')
        check(stat.S_IMODE(os.stat(path).st_mode) == 0o600)
        check(who(env, address) == USER)
        works(env, address)
        lab.bfc('store', address, USER, 'wrong', env=env)
        said = run(['skopeo', 'inspect', '--tls-verify=false', f'docker://{address}/none'], env=env, expect=1)
        check('unauthorized' in said.message or 'authentication required' in said.message, said.shown())
        lab.bfc('erase', address, env=env)
        lab.bfc('erase', address, env=env, expect=4)
        skopeo(env, 'login', address, '--get-login', expect=1)


def test_podman(lab):
    need('podman')
    address, env = registry(lab), environment(lab)
    lab.bfc('store', address, USER, PASSWORD, env=env)
    check(run(['podman', 'login', '--get-login', address], env=env).text.strip() == USER)
    run(['podman', 'logout', address], env=env)
    lab.bfc('find', address, env=env, expect=4)
    run(['podman', 'login', '--tls-verify=false', '-u', USER, '-p', PASSWORD, address], env=env)
    check(lab.bfc('find', address, env=env).text == f'{USER} {PASSWORD} -\n')


def test_together_in_one_file(lab):
    """Both keep what the other has written."""
    address = registry(lab)
    env = environment(lab)
    lab.bfc('store', 'q.example', 'q', 'pq', env=env)
    lab.bfc('store', 'q.example/a', 'qa', 'pqa', env=env)
    log_in(env, address)
    lab.bfc('store', 'z.example', 'z', 'pz', env=env)
    check(lab.bfc('find', address, env=env).text == f'{USER} {PASSWORD} -\n')
    for name, user in (('q.example', 'q'), ('q.example/a', 'qa'), ('z.example', 'z'), (address, USER)):
        check(who(env, name) == user, name)
    skopeo(env, 'logout', 'q.example/a')
    check(lab.bfc('find', 'q.example/a', env=env).text == 'q pq -\n')


def test_docker_hub(lab):
    """docker.io is known by its old name in Docker's file, which skopeo reads as well."""
    need('skopeo')
    env = environment(lab, DOCKER_CONFIG=lab / 'docker')
    lab.bfc('store', 'docker.io', 'hub', 'p', env=env)
    with open(lab / 'docker/config.json', encoding='utf-8') as f:
        check(list(json.load(f)['auths']) == ['https://index.docker.io/v1/'])
    check(who(env, 'docker.io') == 'hub')
    check(lab.bfc('find', 'docker.io/library/alpine', env=env).text == 'hub p -\n')


def test_helper(lab):
    """A helper that keeps what it is given, used by both."""
    address = registry(lab)
    folder = lab.mkdir('bin')
    program = folder + '/docker-credential-keep'
    with open(program, 'w', encoding='utf-8') as f:
        f.write(HELPER)
    os.chmod(program, 0o755)
    env = environment(lab, REGISTRY_AUTH_FILE=lab / 'auth.json', PATH=folder + ':' + os.environ['PATH'])
    with open(lab / 'auth.json', 'w', encoding='utf-8') as f:
        json.dump({'credHelpers': {address: 'keep'}}, f)
    log_in(env, address)
    check(lab.bfc('find', address + '/a', env=env).text == f'{USER} {PASSWORD} -\n')
    lab.bfc('erase', address, env=env)
    check(not os.path.exists(folder + '/login'))
    lab.bfc('find', address, env=env, expect=4)
    check(lab.bfc('store', address, USER, PASSWORD, env=env).text == 'credential helper keep\n')
    check(who(env, address) == USER)
    works(env, address)
    with open(lab / 'auth.json', encoding='utf-8') as f:
        check('auths' not in json.load(f) or PASSWORD not in f.read())


if __name__ == '__main__':
    harness.main(globals())
