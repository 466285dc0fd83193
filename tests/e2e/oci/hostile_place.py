# SPDX-License-Identifier: Apache-2.0
"""Where hostile images are tried: a store, a canary, and what must hold whether an image is refused or taken.
BFC_TEST_TELL=1 shows every message."""
import hashlib
import os
import shutil

import compare
import harness
from harness import MIB, check, run, say
from hostile import Layout, entry, tar

FAILED, DAMAGED, NOT_FOUND = 1, 3, 4
PEAK = 256 * MIB  # of the program as it is; a sanitizer takes some for itself
GOOD = entry('hello', data=b'hello, world\n')


def rows_of(folder_):
    """Every name below, with what it is and what it holds."""
    rows = []
    for path, folders, files in os.walk(folder_):
        for name in folders + files:
            name = os.path.join(path, name)
            st = os.lstat(name)
            row = [os.path.relpath(name, folder_), st.st_mode, st.st_uid, st.st_mtime_ns]
            if os.path.islink(name):
                row.append(os.readlink(name))
            elif os.path.isfile(name):
                with open(name, 'rb') as f:
                    row += [st.st_nlink, hashlib.sha256(f.read()).hexdigest()]
            rows.append(row)
    return sorted(rows, key=lambda row: row[0])


def without_times(rows):
    """Of a store: its folders' times change with what comes and goes."""
    return [row[:3] + row[4:] for row in rows]


def is_sanitized(program):
    program = read(program)
    return b'__asan_init' in program or b'__tsan_init' in program


class Place:
    """A store with an image in it, and a folder beside the targets that nothing may change."""

    def __init__(self, lab):
        self.lab, self.store, self.count = lab, lab / 'store', 0
        self.peak = PEAK * (8 if is_sanitized(lab.bfc_path) else 1)
        good = Layout(lab / 'good').image(tar(GOOD))
        self.bfc('create', 'good', 'oci:' + good.path)
        self.listed = self.bfc('list').out
        self.stored = without_times(rows_of(self.store))
        self.root = lab.mkdir('place/deep')
        self.outside = lab.mkdir('place/outside')
        for name in ('victim', 'dir/victim'):
            os.makedirs(os.path.dirname(f'{self.outside}/{name}'), exist_ok=True)
            with open(f'{self.outside}/{name}', 'w', encoding='utf-8') as f:
                f.write('must stay')
        self.before = rows_of(self.outside), self.beside()

    def bfc(self, verb, *args, **how):
        return self.lab.bfc('--store', self.store, 'image', verb, *args, **how)

    def beside(self):
        """What stands beside the target, and what an absolute name could reach."""
        with open('/etc/passwd', 'rb') as f:
            passwd = f.read()
        return (sorted(os.listdir(os.path.dirname(self.root))), sorted(os.listdir('/')),
                [os.path.lexists(p) for p in ('/hostile', '/tmp/hostile', '/etc/hostile')], passwd)

    def check_outside(self, what):
        check((rows_of(self.outside), self.beside()) == self.before, what, 'changed what is outside')

    def check_store(self, what):
        now = without_times(rows_of(self.store))
        check(now == self.stored, what, 'changed the store:',
              [row for row in now if row not in self.stored] or 'something is missing')
        if self.count % 10 == 1:  # the same files make the same list
            check(self.bfc('list').out == self.listed, what, 'changed the list of images')

    def layout(self):
        self.count += 1
        return Layout(self.lab / f'layout{self.count}')

    def create(self, layout, *options, source=None, **how):
        """Of every other image the layers are read ahead of their turn, as many threads make it."""
        jobs = ['-j', '8'] if self.count % 2 else []
        return self.bfc('create', *jobs, *options, 'bad', source or 'oci:' + layout.path, **how)

    def refused(self, what, layout, code, *words, options=(), source=None):
        """Returns the message."""
        result = self.create(layout, *options, source=source, expect=None)
        check(result.code in (code if isinstance(code, tuple) else (code,)), what + ':', f'expected exit {code}:',
              result.shown())
        check(not result.out and result.message.count('\n') == 1, what, 'has not one line:', result.shown())
        check(result.message.startswith('bfc: ') and len(result.message) < 2000, what, result.shown())
        for word in words:
            check(word in result.message, what + ':', f'no {word!r} in', result.message)
        check(result.peak < self.peak, what, 'took', result.peak // MIB, 'MiB')
        self.check_store(what)
        if layout:
            harness.remove(layout.path)
        return result.message

    def taken(self, what, layout, *options, umoci=False, keep=False):
        """Creates it, verifies it, extracts it; returns the target's path."""
        result = self.create(layout, *options)
        check(not result.err, what, 'is taken, but says something:', result.shown())
        check(result.peak < self.peak, what, 'took', result.peak // MIB, 'MiB')
        self.bfc('verify', '--deep', 'bad')
        target = f'{self.root}/target{self.count}'
        result = self.bfc('extract', 'bad', target)
        check(result.peak < self.peak, what, 'took', result.peak // MIB, 'MiB to extract')
        self.check_outside(what)
        if umoci:
            self.same_as_umoci(what, layout, target)
        if not keep:
            self.bfc('delete', 'bad')
            self.check_store(what)
            harness.remove(layout.path)
        return target

    def same_as_umoci(self, what, layout, target):
        if os.geteuid() != 0 or not shutil.which('umoci'):
            return
        other = f'{self.root}/umoci{self.count}'
        run(['umoci', 'raw', 'unpack', '--image', layout.path + ':one', other])
        self.check_outside(what + ' (umoci)')
        compare.same_by_rsync(other, target, options=['-O'])


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def one(*entries):
    """An image of one layer."""
    return lambda layout: layout.image(tar(*entries), entry={
        'annotations': {'org.opencontainers.image.ref.name': 'one'}})


def layers(*tars):
    return lambda layout: layout.image(*[tar(*t) for t in tars], entry={
        'annotations': {'org.opencontainers.image.ref.name': 'one'}})


def refuse_all(lab, cases):
    """cases: what, how it is made, exit code, words of the message."""
    refuse_all_in(Place(lab), cases)


def refuse_all_in(place, cases):
    for what, make, code, *words in cases:
        message = place.refused(what, make(place.layout()), code, *words)
        if os.environ.get('BFC_TEST_TELL'):
            say(f'{what}: {message.strip()}')
