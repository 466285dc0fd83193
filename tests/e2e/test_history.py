# SPDX-License-Identifier: Apache-2.0
"""Append, log, --at, torn tails, recover and compact: every commit stays readable, each costs what it adds,
and what a cut-off append left behind changes nothing."""
import os
import random
import shutil

import compare
import harness
import oddities
from harness import check, need, run, say

STEP = 512


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    oddities.write(path, data)


def size_of(path):
    return os.path.getsize(path)


class History:
    """A container and, beside it, what each commit should hold, kept by rsync."""

    def __init__(self, lab):
        need('rsync')
        self.lab, self.file, self.models = lab, lab / 'x.bfc', []

    def commit(self, change, *options):
        """change fills a folder with what is to be added; its top-level names are appended."""
        number = len(self.models) + 1
        part, model = self.lab.mkdir(f'part{number}'), self.lab / f'model{number}'
        change(part)
        os.utime(part, ns=(1, oddities.ODD_MTIME))
        if self.models:
            run(['cp', '-a', self.models[-1], model])
            # --force: a file may take the place of a folder. Nothing counts as unchanged.
            run(['rsync', '-aHAXS', '--force', '--ignore-times', '--modify-window=-1', part + '/', model + '/'])
            self.lab.bfc('append', *options, self.file, *sorted(os.listdir(part)), '-C', part)
        else:
            run(['cp', '-a', part, model])
            self.lab.bfc('create', *options, self.file, part)
        self.models.append(model)
        return number

    def check_commit(self, number, file=None, at=True):
        out = self.lab / 'out'
        self.lab.bfc('extract', file or self.file, '-C', out, *(['--at', str(number)] if at else []))
        model = self.models[number - 1]
        os.utime(out, ns=(1, os.stat(model).st_mtime_ns))  # the root is not part of what append adds
        compare.same_by_rsync(model, out)
        compare.same_by_getfattr(model, out)
        compare.same_holes(model, out)
        harness.remove(out)

    def check_all(self, file=None):
        for number in range(1, len(self.models) + 1):
            self.check_commit(number, file)


def first(part):
    for i in range(300):
        write(f'{part}/many/{i % 10}/{i:04}', oddities.content(i, 100 + 37 * i))
    write(f'{part}/stays', b'as it was')
    write(f'{part}/becomes-folder', b'a file first')
    write(f'{part}/becomes-file/with/content', b'deep')
    write(f'{part}/becomes-link/file', b'content')
    write(f'{part}/hard/a', b'linked')
    os.link(f'{part}/hard/a', f'{part}/hard/b')
    os.link(f'{part}/hard/a', f'{part}/hard/c')
    os.symlink('stays', f'{part}/link')
    os.setxattr(f'{part}/stays', 'user.note', b'first')
    oddities.write_runs(f'{part}/sparse', 8 << 20, [(4 << 20, b'data')])


def second(part):
    write(f'{part}/added', oddities.content(99, 500_000))
    write(f'{part}/becomes-folder/file', b'a folder now')
    write(f'{part}/becomes-file', b'a file now')
    os.symlink('many', f'{part}/becomes-link')
    write(f'{part}/many/3/0003', b'replaced')
    write(f'{part}/many/new', oddities.content(5, 100 + 37 * 5))  # content that is there already
    os.chmod(f'{part}/many', 0o750)


def third(part):
    write(f'{part}/link', b'a file where a link was')
    write(f'{part}/stays', b'as it was')
    os.setxattr(f'{part}/stays', 'user.note', b'third')
    write(f'{part}/becomes-folder', b'and a file again')
    write(f'{part}/becomes-file/again/a/folder', b'deep again')
    oddities.write_runs(f'{part}/sparse', 8 << 20, [(1 << 20, b'data'), (6 << 20, b'more')])


def fourth(part):
    os.mkdir(f'{part}/empty')
    write(f'{part}/many/3/0003', oddities.content(3, 100 + 37 * 3))  # back to what it was


def history(lab):
    h = History(lab)
    for change in (first, second, third, fourth):
        h.commit(change)
    return h


def commits(lab, file):
    """The log as JSON, newest first."""
    answer = lab.bfc('--json', 'log', file).json
    return answer['commits']


def test_every_commit_stays_readable(lab):
    h = history(lab)
    h.check_all()
    h.check_commit(4, at=False)
    log = commits(lab, h.file)
    check([c['seq'] for c in log] == [4, 3, 2, 1], log)
    for c in log:  # a commit can be named by its digest too
        by_digest = lab.bfc('list', h.file, '--at', c['root_digest'][:16]).out
        check(by_digest == lab.bfc('list', h.file, '--at', str(c['seq'])).out, 'by digest: another commit')
    lab.bfc('list', h.file, '--at', '5', expect=4)
    lab.bfc('verify', '--deep', h.file)
    for number in range(1, 5):
        lab.bfc('verify', '--deep', h.file, '--at', str(number))


def test_old_bytes_are_never_changed_and_commits_cost_what_they_add(lab):
    h = History(lab)
    h.commit(first)
    before = open(h.file, 'rb').read()
    costs = [len(before)]
    for change in (second, third, fourth):
        h.commit(change)
        now = open(h.file, 'rb').read()
        check(now[:len(before)] == before, 'bytes of an older commit were changed')
        costs.append(len(now) - len(before))
        before = now
    say('bytes a commit:', costs)
    log = commits(lab, h.file)
    check([c['segment_bytes'] for c in reversed(log)][1:] == costs[1:], 'log says', log)
    added = size_of(f'{lab.path}/part2/added')
    check(costs[1] < added + 131072, f'adding {added} bytes cost {costs[1]}')
    check(costs[3] < 65536, f'adding an empty folder and an old content cost {costs[3]}')


def test_one_small_file_more_in_a_large_container(lab):
    source = lab.mkdir('source')
    for i in range(20_000):
        write(f'{source}/{i % 100:02}/{i:05}', b'%d' % i)
    lab.bfc('create', lab / 'x.bfc', source)
    whole = size_of(lab / 'x.bfc')
    oddities.write(lab / 'one', b'one more')
    for _ in range(3):
        before = size_of(lab / 'x.bfc')
        lab.bfc('append', lab / 'x.bfc', 'one', '-C', lab.path)
        grown = size_of(lab / 'x.bfc') - before
        check(grown < 65536 and grown < whole // 4, f'one file more cost {grown} of {whole} bytes')
    say(f'one file more: {grown} bytes, on {whole}')


def small_history(lab):
    """Two commits with a small second segment; returns the file and where the second begins."""
    write(lab / 'tree/old', b'in the first commit')
    lab.bfc('create', lab / 'x.bfc', lab / 'tree')
    end = size_of(lab / 'x.bfc')
    oddities.write(lab / 'new', oddities.content(8, 9_000))
    lab.bfc('append', lab / 'x.bfc', 'new', '-C', lab.path)
    return lab / 'x.bfc', end


def opens_as(lab, file, seq, torn):
    info = lab.bfc('--json', 'info', file).json
    check(info['commit']['seq'] == seq, f'opens as commit {info["commit"]["seq"]}, not {seq}')
    check(info['torn_bytes'] == torn, f'{info["torn_bytes"]} torn bytes, not {torn}')


def test_torn_tails_open_as_the_old_commit(lab):
    file, end = small_history(lab)
    whole = open(file, 'rb').read()
    torn = lab / 'torn.bfc'
    listed = lab.bfc('list', file, '--at', '1').out
    lengths = sorted({*range(end, len(whole), STEP), end + 1, len(whole) - 1, len(whole) - 4096})
    for length in lengths:
        with open(torn, 'wb') as f:
            f.write(whole[:length])
        opens_as(lab, torn, 1, length - end)
        check(lab.bfc('list', torn).out == listed, f'cut at {length}: another tree')
    say(f'{len(lengths)} cuts of a segment of {len(whole) - end} bytes')


def tails(whole, end):
    """What may stand behind commit 1 instead of commit 2."""
    segment = bytearray(whole[end:])
    rng = random.Random(1)
    yield 'nothing of the record', bytes(segment[:-4096])
    yield 'a torn record', bytes(segment[:-1024])
    yield 'zeros', bytes(len(segment))
    yield 'random', rng.randbytes(len(segment))
    yield 'an odd length', rng.randbytes(4095)
    for at in (0, 8, 512, 3072, 4095):
        changed = bytearray(segment)
        changed[len(segment) - 4096 + at] ^= 1
        yield f'byte {at} of the record flipped', bytes(changed)
    yield 'commit 1 once more', whole[end - 4096:end]


def test_recover(lab):
    file, end = small_history(lab)
    whole = open(file, 'rb').read()
    torn = lab / 'torn.bfc'
    for what, tail in tails(whole, end):
        with open(torn, 'wb') as f:
            f.write(whole[:end] + tail)
        opens_as(lab, torn, 1, len(tail))
        lab.bfc('recover', '--dry-run', torn)
        check(open(torn, 'rb').read() == whole[:end] + tail, what, 'changed by --dry-run')
        lab.bfc('recover', torn)
        check(open(torn, 'rb').read() == whole[:end], what, 'not recovered')
        lab.bfc('recover', torn)
        check(open(torn, 'rb').read() == whole[:end], what, 'recovering twice is not the same')
    lab.bfc('recover', file)
    check(open(file, 'rb').read() == whole, 'recover changed a whole container')


def test_append_after_a_torn_tail(lab):
    file, end = small_history(lab)
    whole = open(file, 'rb').read()
    for what, tail in tails(whole, end):
        with open(file, 'wb') as f:
            f.write(whole[:end] + tail)
        lab.bfc('append', file, 'new', '-C', lab.path)
        opens_as(lab, file, 2, 0)
        check(lab.bfc('cat', file, 'new').out == oddities.content(8, 9_000), what)
        lab.bfc('verify', '--deep', file)


def test_compact(lab):
    h = history(lab)
    before = open(h.file, 'rb').read()
    lab.bfc('compact', h.file, '-o', lab / 'new.bfc')
    check(open(h.file, 'rb').read() == before, 'compact changed its source')
    h.check_commit(4, lab / 'new.bfc', at=False)
    check(len(commits(lab, lab / 'new.bfc')) == 1, 'more than one commit')
    lab.bfc('verify', '--deep', lab / 'new.bfc')
    check(size_of(lab / 'new.bfc') < len(before), 'no smaller')
    digest = lambda file: lab.bfc('--json', 'info', file).json['commit']['root_digest']
    check(len(digest(lab / 'new.bfc')) == 64)
    lab.bfc('compact', h.file, '-o', lab / 'new.bfc', expect=1)  # is there already
    lab.bfc('append', lab / 'new.bfc', 'added', '-C', lab / 'part2')
    lab.bfc('verify', '--deep', lab / 'new.bfc')


def test_compact_drops_what_no_commit_needs(lab):
    oddities.write(lab / 'large', random.Random(3).randbytes(4 << 20))
    lab.bfc('create', lab / 'x.bfc', 'large', '-C', lab.path)
    oddities.write(lab / 'large', b'small now')
    lab.bfc('append', lab / 'x.bfc', 'large', '-C', lab.path)
    lab.bfc('compact', lab / 'x.bfc', '-o', lab / 'y.bfc')
    check(size_of(lab / 'y.bfc') < 65536, f'still {size_of(lab / "y.bfc")} bytes')
    check(lab.bfc('cat', lab / 'y.bfc', 'large').out == b'small now')


def test_reading_while_somebody_appends(lab):
    """Readers see whole commits, at any time; a second writer is told that the first is at work."""
    write(lab / 'tree/old', b'old')
    lab.bfc('create', lab / 'x.bfc', lab / 'tree')
    harness.need('flock')
    lock = ['flock', lab / 'x.bfc']
    busy = run([*lock, lab.bfc_path, 'append', lab / 'x.bfc', 'tree', '-C', lab.path], expect=6)
    check('x.bfc' in busy.message, busy.shown())
    run([*lock, lab.bfc_path, 'list', lab / 'x.bfc'])
    shutil.copy(lab / 'x.bfc', lab / 'y.bfc')
    run([*lock, lab.bfc_path, 'append', lab / 'y.bfc', 'tree', '-C', lab.path])


if __name__ == '__main__':
    harness.main(globals(), shares=2)
