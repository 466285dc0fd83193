# SPDX-License-Identifier: Apache-2.0
"""Version 1, made by hand: what the format allows is read; what was made to mislead is refused, with bounds on
time, memory and disk."""
import os
import stat
import struct
import subprocess

import oldfile
from oldfile import Entry, build, folder, link
from v1lab import BOUND, DAMAGED, DENIED, FAILED, MIB, harness, put
from harness import check, need, run


def test_what_is_allowed(lab):
    """Any order, folders that are not in the index, odd names, times before 1970."""
    file = put(lab, build([
        Entry('z/y/x', b'deep'), Entry('a', b'first'), folder('z', 0o700), Entry('a-b', b'x', mode=0o4755),
        link('s', b'/etc/passwd'), Entry(b'\xff\n', b'odd name', mtime=-1),
        folder('a!'), Entry('a!/b', b'', mtime=0)]))
    lab.bfc('verify', '--deep', file)
    names = lab.bfc('list', '-0', file).out.split(b'\0')[:-1]
    check(names == [b'a', b'a!/', b'a!/b', b'a-b', b's', b'z/', b'z/y/', b'z/y/x', b'\xff\n'], names)
    check(lab.bfc('info', '--json', file, 'z/y').json['entry']['synthetic'] is True)
    out = lab / 'out'
    lab.bfc('extract', file, '-C', out)
    check(os.lstat(out.encode() + b'/\xff\n').st_mtime_ns == -1, 'a time before 1970')
    check(stat.S_IMODE(os.stat(out + '/z').st_mode) == 0o700, 'mode of a folder')
    check(os.readlink(out + '/s') == '/etc/passwd', 'a link')
    lab.bfc('compact', file, '-o', lab / 'new.bfc')
    lab.bfc('verify', '--deep', lab / 'new.bfc')
    check(lab.bfc('list', '-0', lab / 'new.bfc').out.split(b'\0')[:-1] == names, 'names of the new one')
    lab.bfc('list', put(lab, build([])))


def test_setuid_of_nobody(lab):
    """Owners were not recorded: only root gets what is setuid for him."""
    file = put(lab, build([Entry('f', b'x', mode=0o6755), folder('d', 0o2755)]))
    lab.bfc('extract', file, '-C', lab / 'out')
    mode = stat.S_IMODE(os.stat(lab / 'out/f').st_mode)
    check(mode == (0o6755 if os.geteuid() == 0 else 0o755), oct(mode))
    if os.geteuid() != 0:
        return
    need('setpriv')
    os.chmod(lab.path, 0o755)
    os.chmod(file, 0o644)
    os.chmod(lab.mkdir('theirs'), 0o777)
    lab.wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    lost = lab.bfc('extract', '--json', file, '-C', lab / 'theirs/out').json['lost']
    mode = stat.S_IMODE(os.stat(lab / 'theirs/out/f').st_mode)
    check(mode == 0o755 and lost['mode'] == 1 and lost['owner'] == 0, oct(mode), lost)
    lab.bfc('extract', '--strict', file, '-C', lab / 'theirs/strict', expect=DENIED)


def hostile():
    ok = Entry('ok', b'fine')
    for name in ('../out', '/abs', 'a/../../out', '..', '.', 'a/./b', 'a//b', 'a/', '/', '', b'a\0b', 'n' * 256,
                 '/'.join('d' * 5000), 'a/' * 32768 + 'b'):
        yield f'name {name[:12]!r}', build([ok, Entry(name, b'evil')])
    yield 'the same name twice', build([Entry('a', b'1'), ok, Entry('a', b'2')])
    yield 'a file below a file', build([Entry('a', b'1'), Entry('a/b', b'2')])
    yield 'a file below a link', build([link('a', b'/tmp'), Entry('a/b', b'2')])
    yield 'a folder below a file', build([Entry('a/b/c', b'1'), Entry('a/b', b'2')])
    yield 'a device', build([ok, Entry('dev', kind=0o020000)])
    yield 'bits in the mode', build([ok, Entry('m', index={'mode': 0o100644 | 1 << 20},
                                               header={'mode': 0o100644 | 1 << 20})])
    for lie in (2, 100, 1 << 20, oldfile.U32):
        yield f'count {lie}', build([ok], count=lie)
    yield 'count 0', build([ok], count=0)
    yield 'bytes behind the last entry', build([ok], tail=b'more')
    yield 'version 2 of the index', build([ok], version=2)
    for field, values in {
            'path_len': (0, 1, 3, 65536, oldfile.U32), 'obj_offset': (0, 4095, 4097, 1 << 40, oldfile.U64),
            'obj_size': (0, 1, 47, 1 << 40, oldfile.U64), 'mode': (0, 0o040755, 0o120777, 0o644),
            'comp': (1, 2, oldfile.U32), 'enc': (1, 2, oldfile.U32), 'mtime': (0, oldfile.U64),
            'orig_size': (0, 3, 5, 1 << 40, oldfile.U64), 'crc': (0,)}.items():
        for value in values:
            yield f'index: {field} = {value}', build([Entry('ok', b'fine', index={field: value})])
    for field, values in {
            'type': (0, 2, 3, 4), 'comp': (1, 2), 'enc': (1, 2), 'name_len': (0, 1, 65535), 'mode': (0, 0o100600),
            'mtime': (0,), 'orig_size': (0, oldfile.U64), 'enc_size': (0, 3, 5, oldfile.U64), 'crc': (0,),
            'name': (b'ko',)}.items():
        for value in values:
            yield f'object: {field} = {value}', build([Entry('ok', b'fine', header={field: value})])
    for lie in ({'offset': 0}, {'offset': oldfile.U64}, {'offset': 1 << 40}, {'size': 0}, {'size': 7},
                {'size': 1 << 29 | 1}, {'size': oldfile.U64}, {'crc': 0}, {'size': 9}):
        yield f'footer: {lie}', build([ok], footer=lie)
    yield 'two entries, one object', build([ok, Entry('ok2', b'fine', at=4096)])
    yield 'an object in the index', build([ok, Entry('b', b'', at=4096 + 52)])
    inner = Entry('inner', b'x').object()
    yield 'an object in another', build([Entry('outer', inner), Entry('inner', b'x', at=4096 + 48)])
    yield 'a link without a target', build([link('l', b'')])
    yield 'a link too long', build([link('l', b'x' * 4096)])
    yield 'a zero byte in a target', build([link('l', b'a\0b')])
    yield 'a folder with content', build([folder('d', index={'orig_size': 1})])
    yield 'an unknown feature', build([ok], head={'features': 4})


def test_hostile(lab):
    secret = lab / 'secret'
    os.makedirs(lab / 'in')
    for what, data in hostile():
        file = put(lab, data)
        for args in (('verify', '--deep', file), ('extract', '-f', file, '-C', lab / 'in/out'),
                     ('compact', '-f', file, '-o', lab / 'in/new.bfc')):
            result = lab.bfc(*args, expect=None)
            check(result.code in (FAILED, DAMAGED), what, result.shown())
            check(result.peak < BOUND, what, 'took', result.peak)
        check(sorted(os.listdir(lab.path)) == ['in', 'made.bfc'], what, os.listdir(lab.path))
        check(not os.path.exists(secret) and not os.path.exists(lab / 'in/new.bfc'), what)
        harness.remove(lab / 'in/out')


def zstd(data, *options):
    need('zstd')
    return subprocess.run(['zstd', '-qc', *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def test_zstd_contents(lab):
    text = b'the quick brown fox\n' * 1000
    frame = zstd(text)
    lab.bfc('verify', '--deep', put(lab, build([Entry('f', text, stored=frame, comp=1)])))
    check(lab.bfc('cat', lab / 'made.bfc', 'f').out == text, 'cat')
    for what, e in {
            'less than said': Entry('f', text + b'x', stored=frame, comp=1),
            'more than said': Entry('f', text[:-1], stored=frame, comp=1),
            'nothing said': Entry('f', b'', stored=frame, comp=1),
            'cut off': Entry('f', text, stored=frame[:-3], comp=1),
            'bytes behind': Entry('f', text, stored=frame + b'trash', comp=1),
            'no frame': Entry('f', text, stored=b'x' * 40000, comp=1),
            'another content': Entry('f', text, stored=zstd(text[::-1]), comp=1)}.items():
        file = put(lab, build([e]))
        lab.bfc('verify', '--deep', file, expect=DAMAGED)
        lab.bfc('cat', file, 'f', expect=DAMAGED if e.index['orig_size'] else 0)
        lab.bfc('extract', file, '-C', lab / 'out', expect=DAMAGED)
        check(os.listdir(lab / 'out') == [], what, 'left a file')


def test_zstd_bombs(lab):
    need('zstd')
    bomb = run(['sh', '-c', 'head -c 4294967296 /dev/zero | zstd -qc -1 --long=27']).out
    for size in (10, 1 << 20):  # it gives much more than it says
        file = put(lab, build([Entry('f', b'', stored=bomb, comp=1, index={'orig_size': size},
                                     header={'orig_size': size})]))
        for args in (('verify', '--deep', file), ('cat', file, 'f'), ('extract', file, '-C', lab / 'out')):
            result = lab.bfc(*args, expect=DAMAGED)
            check(result.peak < BOUND + 160 * MIB and len(result.out) <= size, result.shown())
    size = 1 << 50  # it says more than any zstd frame of its size can give
    file = put(lab, build([Entry('f', b'', stored=bomb[:1000], comp=1, index={'orig_size': size},
                                 header={'orig_size': size})]))
    check('as large as it says' in lab.bfc('list', file, expect=DAMAGED).message)


def test_large_contents(lab):
    """A list reads no content; contents take no memory of their size. Their checksum is that of zeros."""
    size = 600 * MIB
    entry = Entry('large', b'', checksum=0, index={'orig_size': size}, header={'orig_size': size, 'enc_size': size})
    entry.index['obj_size'] += size
    file = lab / 'large.bfc'
    head = oldfile.header() + entry.object()
    index = struct.pack('<II', 1, 1) + entry.record(oldfile.HEADER)
    with open(file, 'wb') as f:
        f.write(head)
        f.seek(len(head) + size)
        f.write(index + struct.pack('<8sQIQI16s8s', b'BFCFIDX', len(index), oldfile.crc(index),
                                    len(head) + size, 0, bytes(16), b'BFCFEND'))
    check(lab.bfc('list', file).text == 'large\n', 'list')
    for args in (('verify', '--deep', file), ('extract', file, '-C', lab / 'out')):
        result = lab.bfc(*args)
        check(result.peak < BOUND, args, 'took', result.peak)
    check(os.path.getsize(lab / 'out/large') == size, 'size of what was extracted')
    harness.remove(lab / 'out')
    counted = run(['sh', '-c', f'"$1" cat "$2" large | wc -c', 'sh', lab.bfc_path, file])
    check(int(counted.out) == size, 'cat', counted.out)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
