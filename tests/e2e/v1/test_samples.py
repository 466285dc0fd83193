# SPDX-License-Identifier: Apache-2.0
"""Containers that the tool of version 1 wrote: they come out as they went in, by every way that there is, and
are never written to."""
import os

from v1lab import DENIED, FAILED, FILES, NAMES, OPEN, PLAIN, ZSTD, harness, put, read, same_after, sample, source
from harness import Skip, check


def check_sample(lab, name, keys=()):
    file, root = sample(name), source(lab)
    check(lab.bfc('list', file).text.splitlines() == NAMES, 'list')
    entries = {e['path']: e for e in lab.bfc('list', '--json', file).json['entries']}
    check(entries['v1src/link']['target'] == 'hello.txt' and entries['v1src/hello.txt']['size'] == 6)
    info = lab.bfc('info', '--json', file).json
    check(info['version'] == 1 and info['commit']['files'] == 6 and info['commit']['symlinks'] == 1, info)
    check('root_digest' not in info['commit'], 'a root digest that is none')
    for path in FILES:
        wanted = read(os.path.join(root, path))
        check(lab.bfc('cat', *keys, file, path).out == wanted, 'cat', path)
        check(lab.bfc('info', '--json', file, path).json['entry']['size'] == len(wanted), 'info', path)
    lab.bfc('verify', file)
    deep = lab.bfc('verify', '--deep', '--json', *keys, file).json
    check(deep['ok'] and deep['bytes'] == sum(os.path.getsize(os.path.join(root, p)) for p in FILES), deep)
    same_after(lab, 'extract', *keys, file, '-C')


def check_conversions(lab, name, keys=()):
    file, new, store = sample(name), lab / 'new.bfc', 'dir:' + (lab / 'store')
    lab.bfc('compact', *keys, file, '-o', new)
    check(lab.bfc('compact', *keys, file, '-o', new, expect=FAILED).message.find('exists') > 0)
    lab.bfc('compact', '-f', *keys, file, '-o', new)
    lab.bfc('verify', '--deep', *keys, new)
    if keys:  # what was encrypted stays so
        lab.bfc('list', new, expect=DENIED)
    check(lab.bfc('list', *keys, new).text.splitlines() == NAMES, 'list of the new one')
    if os.geteuid() == 0:
        same_after(lab, 'extract', *keys, new, '-C')
    lab.bfc('--store', store, 'image', 'create', *keys, 'old:1', 'bfc:' + file)
    lab.bfc('--store', store, 'image', 'verify', '--deep', 'old:1')
    if os.geteuid() == 0:
        same_after(lab, '--store', store, 'image', 'extract', 'old:1')


def test_plain(lab):
    check_sample(lab, PLAIN)
    check_conversions(lab, PLAIN)


def test_zstd(lab):
    check_sample(lab, ZSTD)
    check_conversions(lab, ZSTD)


def need_key_options(lab):
    if b'--password-file' not in lab.bfc('help', 'cat').out:
        raise Skip('this program has no options for keys')


def test_password(lab):
    need_key_options(lab)
    keys = ('--password-file', put(lab, b'correct horse\n', 'password'))
    check_sample(lab, 'pw.bfc', keys)
    check_conversions(lab, 'pw.bfc', keys)


def test_key_file(lab):
    need_key_options(lab)
    keys = ('--key-file', sample('key.bin'))
    check_sample(lab, 'key.bfc', keys)
    check_conversions(lab, 'key.bfc', keys)


def test_wrong_keys(lab):
    need_key_options(lab)
    word, key = put(lab, b'correct house\n', 'password'), put(lab, bytes(32), 'key')
    for name, keys in (('pw.bfc', ('--password-file', word)), ('key.bfc', ('--key-file', key)),
                       ('pw.bfc', ('--key-file', key)), ('pw.bfc', ())):
        file = sample(name)
        for args in (('cat', *keys, file, 'v1src/hello.txt'), ('verify', '--deep', *keys, file),
                     ('extract', *keys, file, '-C', lab / 'out'),
                     ('compact', *keys, file, '-o', lab / 'new.bfc')):
            lab.bfc(*args, expect=DENIED)
            harness.remove(lab / 'out')
        lab.bfc('verify', *keys, file)
        check(not os.path.exists(lab / 'new.bfc'), 'a half container')


def test_conversion_is_reproducible(lab):
    for i, name in enumerate(OPEN):
        lab.bfc('compact', '--reproducible', '-j', str(1 + 3 * i), sample(name), '-o', lab / name)
    check(read(lab / PLAIN) == read(lab / ZSTD), 'the same tree gives the same container')


def test_parts(lab):
    out = lab / 'out'
    lab.bfc('extract', sample(PLAIN), 'v1src/docs/deep', 'v1src/link', '-C', out)
    found = sorted(os.path.relpath(os.path.join(d, n), out) for d, ds, fs in os.walk(out) for n in ds + fs)
    check(found == ['v1src', 'v1src/docs', 'v1src/docs/deep', 'v1src/docs/deep/er', 'v1src/docs/deep/er/ls',
                    'v1src/link'], found)
    lab.bfc('extract', sample(PLAIN), 'v1src/link', '-C', out, expect=FAILED)
    lab.bfc('extract', '-f', sample(PLAIN), 'v1src/link', '-C', out)
    lab.bfc('cat', sample(PLAIN), 'v1src/nothing', expect=4)
    lab.bfc('list', sample(PLAIN), 'v1src/nothing', expect=4)
    lab.bfc('cat', sample(PLAIN), 'v1src/docs', expect=FAILED)


def test_is_never_written(lab):
    before = read(sample(PLAIN))
    file = put(lab, before)
    for args in (('append', file, 'x', '-C', lab.mkdir('some')), ('recover', file), ('log', file)):
        os.makedirs(lab / 'some/x', exist_ok=True)
        message = lab.bfc(*args, expect=FAILED).message
        check('version 1' in message and 'bfc compact' in message, message)
    lab.bfc('compact', '-f', file, '-o', file, expect=(FAILED, 2))
    check(read(file) == before, 'the file was changed')
    lab.bfc('info', '--at', '1', file, expect=4)
    lab.bfc('verify', '--root-digest', '0' * 64, file, expect=FAILED)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
