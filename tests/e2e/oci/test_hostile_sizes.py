# SPDX-License-Identifier: Apache-2.0
"""Images that are small but cost much: bombs, a million names, and what makes simple ways of doing things
quadratic. Memory is bounded, and so is time: each limit is some ten times what it takes on a slow machine, and
far below what it takes if it grows with the square."""
import hashlib
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import harness
import hostile
from harness import GIB, MIB, check, run, say
from hostile import END, LAYER, entry, folder, header, meta, record, symlink, tar
from hostile_place import DAMAGED, FAILED, GOOD, Place, refuse_all_in

CHUNK = bytes(MIB)


class Timed:
    """As a context: what is done in it takes at most so many seconds."""

    def __init__(self, what, seconds):
        self.what, self.seconds = what, seconds

    def __enter__(self):
        self.start = time.monotonic()

    def __exit__(self, kind, value, trace):
        took = time.monotonic() - self.start
        say(f'{self.what}: {took:.1f} s')
        check(kind or took < self.seconds, self.what, f'took {took:.1f} s')


def zeros_in_gzip(size, before=b'', after=b''):
    return hostile.gzipped([before, *[CHUNK] * (size // MIB), after])


def file_of_zeros(size):
    """A gzip of a tar with one file, and the diffID."""
    head = entry('zeros', size=hostile.base256(size, 12))
    digest = hashlib.sha256(head)
    for _ in range(size // MIB):
        digest.update(CHUNK)
    digest.update(END)
    return (zeros_in_gzip(size, head, END), LAYER + '+gzip'), 'sha256:' + digest.hexdigest()


def test_bombs(lab):
    place = Place(lab)
    gzip, diff_id = file_of_zeros(64 * MIB)
    head = entry('zeros', size=hostile.base256(64 * GIB, 12))
    zstd = (hostile.zstd_of_zeros(64 * GIB // (128 << 10)), LAYER + '+zstd')
    check(len(zstd[0]) < 3 * MIB, 'no bomb')
    more = lambda layout: layout.image(gzip, diffs=[diff_id])
    with Timed('the bombs that are refused', 60):
        place.refused('gzip above --max-size', more(place.layout()), FAILED, str(63 * MIB), '--max-size',
                      options=['--max-size', '63M'])
        place.refused('plain above --max-size', place.layout().image(tar(entry('f', data=bytes(2 * MIB)))), FAILED,
                      '1048576', '--max-size',
                      options=['--max-size', '1M'])
        # 1 GiB, or 1024 times the descriptor's size.
        place.refused('zstd of 64 GiB', place.layout().image((hostile.zstd_of_zeros(1) + zstd[0], zstd[1]),
                                                             diffs=[head]), FAILED,
                      f'more than {1024 * (len(zstd[0]) + len(hostile.zstd_of_zeros(1)))} bytes', '--max-size')
        small = (hostile.zstd_of_zeros(2 * GIB // (128 << 10)), LAYER + '+zstd')
        place.refused('zstd of 2 GiB', place.layout().image(small, diffs=[head]), FAILED, f'more than {GIB} bytes',
                      '--max-size')
        place.refused('many frames', place.layout().image((hostile.zstd_of_zeros(8) * 1100, LAYER + '+zstd'),
                                                          diffs=[head]), FAILED,
                      f'more than {GIB} bytes')
        window = b'\x28\xb5\x2f\xfd\0' + bytes([31 << 3]) + small[0][6:]
        place.refused('a window of 2 TiB', place.layout().image((window, LAYER + '+zstd'), diffs=[head]),
                      (FAILED, DAMAGED), 'layer sha256:')
    target = place.taken('gzip below --max-size', more(place.layout()), '--max-size', '65M')
    check(os.stat(target + '/zeros').st_size == 64 * MIB)


def test_sparse_bombs(lab):
    """A hole costs nothing to make and must cost nothing to take."""
    def sparse(size, ranges, data):
        text = b''.join(b'%d\n' % n for n in [len(ranges), *[n for r in ranges for n in r]])
        head = [('GNU.sparse.major', '1'), ('GNU.sparse.minor', '0'), ('GNU.sparse.name', 'f'),
                ('GNU.sparse.realsize', str(size))]
        return tar(meta(b''.join(record(*r) for r in head)) + entry('x', data=hostile.padded(text) + data))
    place = Place(lab)
    with Timed('holes', 60):
        for size in (2**43, 2**50, 2**63 - 1):
            layout = place.layout().image(sparse(size, [(0, 512)], bytes(512)))
            result = place.create(layout, expect=(0, FAILED, DAMAGED))
            check(result.peak < place.peak and result.seconds < 20, result.shown(), result.peak // MIB,
                  result.seconds)
            if result.code == 0:
                place.bfc('delete', 'bad')
            place.check_store(f'a hole of {size}')
        ranges = [(8192 * i, 1) for i in range(100_000)]
        place.taken('100000 ranges', place.layout().image(sparse(8192 * 100_000, ranges, b'x' * 100_000)))


def test_large_headers(lab):
    def body(size):
        yield header('meta', b'x', size=size)
        for _ in range(size // MIB):
            yield CHUNK
        yield GOOD + END
    place = Place(lab)
    place.refused('an extended header of 64 MiB', place.layout().image(place_layer(place, body(64 * MIB))), FAILED,
                  '67108864', '4194304')
    many = b''.join(record(f'SCHILY.xattr.user.{i}', 'v') for i in range(40_000))
    with Timed('many attributes again and again', 60):
        place.taken('40000 attributes', place.layout().image(tar(*[meta(many[:3 * MIB]) + entry(f'f{i}') for i in range(10)])))


def place_layer(place, parts):
    """The descriptor of a layer that is written in portions; the next layout gets the blob."""
    layout = hostile.Layout(f'{place.lab.path}/blobs{place.count}')
    descriptor = layout.blob(parts, LAYER)
    next_one = f'{place.lab.path}/layout{place.count}/blobs/sha256'
    os.rename(layout.where(descriptor['digest']), os.path.join(next_one, descriptor['digest'][7:]))
    harness.remove(layout.path)
    return descriptor


def timed_image(lab, what, seconds, parts, *extract_checks):
    """Takes a layer that is written in portions; extracts it only if there is something to be checked."""
    place = Place(lab)
    layout = place.layout()
    descriptor = layout.blob(parts, LAYER)
    with Timed(what, seconds):
        result = place.create(layout.image(descriptor))
    check(result.peak < place.peak, what, 'took', result.peak // MIB, 'MiB')
    say(f'{what}: {result.peak // MIB} MiB')
    if extract_checks:
        place.bfc('verify', '--deep', 'bad')
        place.bfc('extract', 'bad', place.root + '/target')
        for extract_check in extract_checks:
            extract_check(place.root + '/target')
        harness.remove(place.root + '/target')
    place.bfc('delete', 'bad')
    place.check_store(what)


def test_a_name_again_and_again(lab):
    """300000 entries of one name; each costs the archive 512 bytes."""
    count = 300_000
    last = entry('dir/same', data=b'the last')

    def parts():
        one = entry('dir/same', mode=0o600)
        yield folder('dir')
        for _ in range(count // 1000):
            yield one * 1000
        yield last + END

    def the_last_wins(target):
        with open(target + '/dir/same', 'rb') as f:
            check(f.read() == b'the last')
    timed_image(lab, f'{count} times the same name', 40, parts(), the_last_wins)


def test_kinds_in_turns(lab):
    """A folder with files in it, replaced by a file, and again."""
    def parts():
        turn = folder('a') + entry('a/x') + entry('a/y') + entry('a')
        for _ in range(400):
            yield turn * 100
        yield END
    timed_image(lab, '40000 folders replaced', 40, parts())


def test_a_million_names(lab):
    """In one folder, in an order that is no order."""
    count = 1_000_000

    def parts():
        for start in range(0, count, 1000):
            yield b''.join(header(f'd/{(i * 7919) % count:07}') for i in range(start, start + 1000))
        yield END
    timed_image(lab, f'{count} names', 120, parts())


def test_whiteouts_again_and_again(lab):
    """100000 names below, and each hidden above, in a deep folder."""
    place, count, deep = Place(lab), 50_000, 'd/' * 40
    layout = place.layout()
    with Timed(f'{count} whiteouts', 60):
        layout.image(tar(b''.join(header(f'{deep}{i}') for i in range(count))),
                     tar(b''.join(header(f'{deep}.wh.{i}') for i in range(count))),
                     tar(b''.join(header(f'n/{deep}.wh.{i}') for i in range(count))))
        result = place.create(layout)
    check(result.peak < place.peak, result.peak // MIB, 'MiB')
    found = run([lab.bfc_path, '--store', place.store, 'image', 'layers', 'bad'])
    check(found.text.count('\n') == 4, found.shown())


def test_long_ways(lab):
    """Every entry goes through as many links as may be followed, or through links that are as long as they may be."""
    place = Place(lab)

    def chain(links, filler):
        def parts():
            yield b''.join(symlink(f'l{i}', f'l{i + 1}/' + filler) for i in range(links)) + folder(f'l{links}')
            for start in range(0, 10_000, 1000):
                yield b''.join(header(f'l0/{i}') for i in range(start, start + 1000))
            yield END
        return lambda layout: layout.image(layout.blob(parts(), LAYER))
    refuse_all_in(place, [('links that are too long in all', chain(250, './' * 40), DAMAGED, "entry 'l0/0'",
                           '65536 bytes in all'),
                          ('a link too many', chain(256, ''), DAMAGED, "entry 'l0/0'", '255')])
    for what, make in (('255 links', chain(255, '')), ('64 KiB of links', chain(15, 'd/../' * 100))):
        layout = make(place.layout())
        with Timed(f'10000 entries through {what}', 60):
            result = place.create(layout)
        check(result.peak < place.peak, result.peak // MIB, 'MiB')
        place.bfc('delete', 'bad')
        place.check_store(what)


def test_many_layers(lab):
    place = Place(lab)
    with Timed('1024 layers', 60):
        place.taken('1024 layers', place.layout().image(*[tar(folder('d'), entry(f'd/{i}', data=b'%d' % i)) for i in range(1024)]))
    with Timed('1024 times the same layer', 60):
        place.taken('1024 times the same layer', place.layout().image(*[tar(folder('d'), GOOD)] * 1024))
    refuse_all_in(place, [('a bad one after 1000', lambda layout: layout.image(*[tar(GOOD)] * 1000, tar(entry('../x'))), DAMAGED, "'../x'")])


if __name__ == '__main__':
    harness.main(globals(), shares=2)
