# SPDX-License-Identifier: Apache-2.0
"""Containers of format version 1: what their own tool wrote comes out as it went in, by every way that
there is; damage is found, and files that were made to mislead are refused within bounds."""
import hashlib
import os
import stat
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import compare  # noqa: E402
import harness  # noqa: E402
import oldfile  # noqa: E402
from harness import MIB, check, need, run  # noqa: E402
from oldfile import Entry, build, folder, link  # noqa: E402

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'samples')
PLAIN, ZSTD = 'plain.bfc', 'zstd.bfc'
OPEN = (PLAIN, ZSTD)
NAMES = ['v1src/', 'v1src/docs/', 'v1src/docs/deep/', 'v1src/docs/deep/er/', 'v1src/docs/deep/er/ls',
         'v1src/docs/numbers.txt', 'v1src/docs/random.bin', 'v1src/docs/zero', 'v1src/docs/файл.txt',
         'v1src/empty/', 'v1src/hello.txt', 'v1src/link']
FILES = [n for n in NAMES if not n.endswith('/') and n != 'v1src/link']
DAMAGED, FAILED, DENIED = 3, 1, 5
# No more than this at the peak, what Python itself has at the start of a child included.
BOUND = 96 * MIB


def sample(name):
    return os.path.join(SAMPLES, name)


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def source(lab):
    """The tree that all samples were made from; owners are not in them, so they are ours here."""
    path = lab / 'source'
    if not os.path.isdir(path):
        need('bsdtar')
        os.makedirs(path)
        run(['bsdtar', '-xpf', sample('source.tar'), '-C', path, '--no-same-owner'])
    return path


def same(lab, out):
    """All below the root is the same; the root itself was never recorded."""
    root = source(lab)
    os.utime(out, ns=(1, 1))
    os.utime(root, ns=(1, 1))
    os.chmod(out, stat.S_IMODE(os.stat(root).st_mode))
    compare.same_by_rsync(root, out)
    compare.same_by_mtree(root, out)


def same_after(lab, *args, out='out'):
    path = lab / out
    lab.bfc(*args, path)
    same(lab, path)
    harness.remove(path)


def put(lab, data, name='made.bfc'):
    path = lab / name
    with open(path, 'wb') as f:
        f.write(data)
    return path


# ── What the old tool wrote ──

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
    lab.bfc('verify', '--deep', new)
    check(lab.bfc('list', new).text.splitlines() == NAMES, 'list of the new one')
    if os.geteuid() == 0:
        same_after(lab, 'extract', new, '-C')
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


# ── Damage ──

def digest_of(root):
    h = hashlib.sha256()
    for folder_path, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder_path, name)
            st = os.lstat(path)
            content = os.readlink(path).encode() if stat.S_ISLNK(st.st_mode) else \
                read(path) if stat.S_ISREG(st.st_mode) else b''
            h.update(repr((os.path.relpath(path, root), st.st_mode, st.st_mtime_ns, content)).encode())
    return h.hexdigest()


def places_of_metadata(data):
    """Every byte of the header's fields, the index, the footer and the objects' headers; of the 4 KiB of
    zeros in the header a few."""
    yield from range(72)
    yield from range(72, oldfile.HEADER, 97)
    size, _, at = struct.unpack('<QIQ', data[-48:-28])
    yield from range(at, len(data))
    index, pos = data[at:at + size], 8
    while pos < len(index):
        length = struct.unpack_from('<I', index, pos)[0]
        offset = struct.unpack_from('<Q', index, pos + 4 + length)[0]
        yield from range(offset, offset + -(-(oldfile.FIXED + length) // 16) * 16)
        pos += 52 + length


def test_flipped_metadata(lab):
    data = bytearray(read(sample(PLAIN)))
    file = put(lab, data)
    wanted = digest_of(source(lab))
    harmless = 0
    with open(file, 'r+b') as f:
        for place in places_of_metadata(data):
            os.pwrite(f.fileno(), bytes([data[place] ^ 1 << place % 8]), place)
            code = lab.bfc('extract', file, '-C', lab / 'out', expect=None).code
            check(code in (0, FAILED, DAMAGED), 'byte', place, 'exit', code)
            if code == 0:  # what an object's header repeats of a folder is not needed for it
                check(digest_of(lab / 'out') == wanted, 'byte', place, 'gives another tree')
                harmless += lab.bfc('verify', '--deep', file, expect=(0, DAMAGED)).code == 0
            harness.remove(lab / 'out')
            os.pwrite(f.fileno(), data[place:place + 1], place)
    check(harmless < 50, harmless, 'flips went unseen')  # three bytes an object that mean nothing


def test_flipped_content(lab):
    for name in OPEN:
        data = bytearray(read(sample(name)))
        for place in (4800, len(data) // 3, len(data) // 2, len(data) - 1000):
            file = put(lab, data[:place] + bytes([data[place] ^ 4]) + data[place + 1:])
            lab.bfc('verify', file)
            message = lab.bfc('verify', '--deep', file, expect=DAMAGED).message
            check("'v1src/" in message, message)
            lab.bfc('extract', file, '-C', lab / 'out', expect=DAMAGED)
            harness.remove(lab / 'out')
            lab.bfc('compact', '-f', file, '-o', lab / 'new.bfc', expect=DAMAGED)
            check(not os.path.exists(lab / 'new.bfc'), 'a half container')


def test_cut_off(lab):
    data = read(sample(ZSTD))
    for length in [0, 1, 7, 8, 11, 71, 4095, 4096, 4097, 4152, 4159, 4160, *range(5000, len(data), 9973),
                   len(data) - 56, *range(len(data) - 55, len(data), 9)]:
        file = put(lab, data[:length])
        for command in ('list', 'info', 'verify'):
            # What is too short for the magic is no container at all.
            lab.bfc(command, file, expect=DAMAGED if length >= 8 else FAILED)
    lab.bfc('list', put(lab, data + b'\0'), expect=DAMAGED)


# ── Made by hand ──

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
    harness.main(globals())
