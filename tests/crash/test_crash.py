#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Power loss at every point: the writes and syncs of each operation are recorded, then every prefix of them is
replayed, with what was not synced lost, torn, reordered or there. What is found afterwards opens as exactly
the old or exactly the new commit; once the command has ended, as the new one.

Half of the operations are tried each day (share.py).

usage: test_crash.py PROGRAM LIBRARY EXAMINE [--seed N] [--cases N] [--only OPERATION]

--cases: how many states are drawn for each operation, beside the prefixes. The seed is printed; the same
seed gives the same states.
"""
import argparse
import collections
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'fault'))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

# pylint: disable=wrong-import-position
import disk as disks
import operations
import share
import subject as subjects
import trees

BATCH = 100           # containers examined in one run
APPENDS_SAMPLED = 12  # states of each operation that are appended to
SMALL = ['--json', '-j', '1', '-b', '16384']


class Examiner:
    """What a container says of itself: opened, listed, deeply verified."""

    def __init__(self, program, lab):
        self.program, self.folder, self.key = program, f'{lab}/examined', []
        os.makedirs(self.folder)

    def look(self, contents, recover=False):
        """contents: list of bytes. Returns for each (verdict, what it is after the look)."""
        results = []
        for start in range(0, len(contents), BATCH):
            part = contents[start:start + BATCH]
            paths = []
            for i, content in enumerate(part):
                paths.append(f'{self.folder}/{i}')
                with open(paths[-1], 'wb') as f:
                    f.write(content)
            argv = [self.program, *self.key, *(['--recover'] if recover else []), *paths]
            lines = subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=120).stdout
            verdicts = lines.decode(errors='replace').splitlines()
            assert len(verdicts) == len(part), verdicts
            for path, verdict in zip(paths, verdicts):
                # The torn bytes differ from state to state; what is seen must not.
                words = verdict.split()
                results.append((' '.join(words[:3]) if words[0] == 'ok' else verdict, operations.read(path)))
        return results


class Operation:
    """A command, the files before it, and the file that it makes or changes."""

    def __init__(self, name, args, before, base=None, key=None, next_append=None):
        """base: of an append, the old container without a tail. key: the key file of encrypted ones. next_append: a
        command that appends to what is found; None: the usual one."""
        self.name, self.args, self.before, self.base = name, args, before, base
        self.target, self.appends = 'new', base is not None
        self.key, self.next_append = ['--key', key] if key else [], next_append


class Recording:
    """One run of an operation: what was there, what the disk saw, what was there afterwards."""

    def __init__(self, operation, subject, lab):
        folder = f'{lab}/recorded'
        trees.renew(folder)
        for name, content in operation.before.items():
            with open(f'{folder}/{name}', 'wb') as f:
                f.write(content)
        names = {os.fsencode(n): (os.stat(f'{folder}/{n}').st_ino, c) for n, c in operation.before.items()}
        log = f'{lab}/log'
        subject.must(operation.args, folder, record=log)
        self.events = disks.Log(log).events
        os.unlink(log)
        # Where most is on its way: right before each sync.
        self.fullest = {k for k, event in enumerate(self.events) if event[0] == 'S'}
        self.disk = disks.Disk(os.stat(folder).st_ino, names)
        self.target = os.fsencode(operation.target)
        self.new = operations.read(f'{folder}/{operation.target}')
        self.old = operation.before.get(operation.target)
        self.others = {os.fsencode(n): c for n, c in operation.before.items() if n != operation.target}
        self._check_model(folder)

    def _check_model(self, folder):
        """The log says all: replayed, it gives the folder as it is."""
        disk = self.disk.copy()
        for event in self.events:
            disk.apply(event)
        there = {os.fsencode(n): operations.read(f'{folder}/{n}') for n in os.listdir(folder)}
        assert disk.seen_now() == there, 'the record does not lead to what is there'

    def syncs(self):
        return sum(e[0] == 'S' for e in self.events)

    def states(self, seed, cases):
        """(where, names and contents, is this the end) after each prefix, in many ways."""
        disk = self.disk.copy()
        each = max(1, -(-cases // (len(self.events) + 1)))
        for k in range(len(self.events) + 1):
            if k:
                disk.apply(self.events[k - 1])
            end = k == len(self.events)
            yield f'{k}, killed', disk.seen_now(), end
            rng = random.Random(f'{seed} {k}')
            yield f'{k}, only what was synced', disk.seen_after_power_loss(rng, 0, 0), end
            yield f'{k}, all but the names', disk.seen_after_power_loss(rng, 1, 0), end
            yield f'{k}, the names alone', disk.seen_after_power_loss(rng, 0, len(disk.changes)), end
            yield from self._before_a_sync(disk, k)
            for i in range(each if k not in self.fullest else 8 * each):
                rng = random.Random(f'{seed} {k} {i}')
                how = rng.choice((0.15, 0.5, 0.85, 0.97))
                yield f'{k}, draw {i}', disk.seen_after_power_loss(rng, how), end

    def _before_a_sync(self, disk, k):
        """Each write alone, and all but each: what an order that was not asked for may be."""
        if k not in self.fullest:
            return
        ino = self.events[k][1]
        for n in range(disk.pending(ino)):
            yield f'{k}, change {n} alone', disk.seen_with(ino, [n]), False
            rest = [m for m in range(disk.pending(ino)) if m != n]
            yield f'{k}, all but change {n}', disk.seen_with(ino, rest), False


class Replay:
    """All states of one operation, judged."""

    def __init__(self, operation, recording, subject, examiner, fixtures):
        self.operation, self.recording = operation, recording
        self.subject, self.examiner, self.fixtures = subject, examiner, fixtures
        self.count = collections.Counter()
        self.problems = []
        self.unknown = {}  # hash -> (content, where, end): neither old nor new bytes; to be examined

    def judge_names(self, where, seen, end):
        r = self.recording
        self.count['states'] += 1
        content = seen.get(r.target)
        for name, wanted in r.others.items():
            if seen.get(name) != wanted:
                self.problems.append(f'{where}: {name!r} was changed')
        if content == r.new:
            self.count['new'] += 1
        elif end:
            self.problems.append(f'{where}: the command has ended, but its work is not there')
        elif content == r.old:
            self.count['old'] += 1
        elif self.operation.appends and content is not None:
            self.unknown.setdefault(hashlib.sha256(content).digest(), (content, where))
        else:
            what = 'nothing' if content is None else f'{len(content)} bytes that are neither old nor new'
            self.problems.append(f'{where}: there is {what}')

    def judge_unknown(self):
        """States with a tail: seen as the old or the new commit; recovered, they are its bytes."""
        if not self.unknown:
            return
        plain = self.operation.base
        (old_verdict, _), (new_verdict, _) = self.examiner.look([plain, self.recording.new])
        assert old_verdict.startswith('ok ') and new_verdict.startswith('ok '), (old_verdict, new_verdict)
        contents = [content for content, _ in self.unknown.values()]
        looks = self.examiner.look(contents)
        recovered = self.examiner.look(contents, recover=True)
        samples = []
        for (content, where), (verdict, after), (verdict_recovered, left) in zip(self.unknown.values(), looks,
                                                                                recovered):
            is_new = verdict != old_verdict
            if verdict not in (old_verdict, new_verdict):
                self.problems.append(f'{where}: opens as neither the old nor the new commit: {verdict}')
                continue
            self.count['new with a tail' if is_new else 'old with a tail'] += 1
            wanted = self.recording.new if is_new else plain
            if after != content:
                self.problems.append(f'{where}: was changed by reading')
            if verdict_recovered != verdict or left != wanted:
                self.problems.append(f'{where}: recover gives something else: {verdict_recovered}')
            samples.append((content, where, is_new))
        random.Random(len(samples)).shuffle(samples)
        self.append_to(samples[:APPENDS_SAMPLED])

    def append_to(self, samples):
        """The next append goes on from the commit that is there."""
        append = self.operation.next_append or ['append', *SMALL, 'new', '-C', self.fixtures.second, 'etc']
        folder = self.examiner.folder
        for content, where, is_new in samples:
            results = []
            for start in (self.recording.new if is_new else self.operation.base, content):
                with open(f'{folder}/new', 'wb') as f:
                    f.write(start)
                self.subject.must(append, folder)
                results.append(operations.read(f'{folder}/new'))
            self.count['appended to'] += 1
            if results[0] != results[1]:
                self.problems.append(f'{where}: an append to it gives another file')

    def run(self, seed, cases):
        for where, seen, end in self.recording.states(seed, cases):
            self.judge_names(where, seen, end)
        self.judge_unknown()


def torn_tails(f):
    """An append that was cut off: in the middle of its pages; and with all but one sector of its record."""
    record = f.three[-4096:]
    almost = f.three[:-4096] + record[:512] + bytes(512) + record[1024:]
    assert almost != f.three
    return f.torn, almost


def all_operations(f):
    middle, almost = torn_tails(f)
    create = ['create', *SMALL, '--reproducible', 'new', f.first]
    replace = ['create', *SMALL, '--reproducible', '-f', 'new', f.second]
    append = ['append', *SMALL, 'new', '-C', f.second, 'etc']
    other = ['append', *SMALL, 'new', '-C', f.first, 'bin/large', 'etc/deep']
    again = ['append', *SMALL, 'new', '-C', f.first, 'etc/conf1', 'sparse']
    compact = ['compact', '--json', '--reproducible', 'two', '-o', 'new']
    return [
        Operation('create', create, {}),
        Operation('create over an old file', replace, {'new': f.old}),
        Operation('append', append, {'new': f.old}, base=f.old),
        Operation('append behind a torn tail', other, {'new': middle}, base=f.two),
        Operation('append again behind an almost whole one', again, {'new': almost}, base=f.two),
        Operation('compact', compact, {'two': f.two}),
        Operation('compact over an old file', [*compact, '-f'], {'two': f.two, 'new': f.old}),
        Operation('recover', ['recover', '--json', 'new'], {'new': middle}, base=f.two),
    ]


def sealed_operations(f, lab, subject):
    """Random bytes are the same in each run, so that encrypted containers are."""
    k = operations.Keys(f, lab, subject)
    key = k.one[1]
    # Into a tail that was cut off: what comes there has another salt, and is no part of the segment that was to be.
    torn = k.appended[:-4096 - 300] + trees.noise(78, 1111)
    return [
        Operation('create sealed', k.create, {}, key=key),
        Operation('append to sealed behind a torn tail', k.append, {'new': torn}, base=k.old, key=key,
                  next_append=k.append),
        Operation('append to sealed', k.append, {'new': k.old}, base=k.old, key=key, next_append=k.append),
        Operation('key add', ['key', 'add', '--json', *k.one, *k.new, 'new'], {'new': k.old}, base=k.old, key=key,
                  next_append=k.append),
    ]


def chosen_of(fixtures, lab, subject, only):
    every = [*all_operations(fixtures), *sealed_operations(fixtures, lab, subject)]
    return [o for o in every if o.name == only] if only else list(share.todays(every, 2))


def cases_of(operation, cases):
    """What is done to the disk for encrypted containers is what is done for others."""
    return cases // 5 if operation.key and not share.EVERYTHING else cases


def run_operation(operation, subject, examiner, fixtures, lab, args):
    start = time.monotonic()
    examiner.key = operation.key
    recording = Recording(operation, subject, lab)
    replay = Replay(operation, recording, subject, examiner, fixtures)
    replay.run(f'{args.seed} {operation.name}', cases_of(operation, args.cases))
    found = ', '.join(f'{n} {what}' for what, n in replay.count.items() if what != 'states')
    print(f'{operation.name}: {len(recording.events)} events, {recording.syncs()} syncs; '
          f'{replay.count["states"]} states: {found}; {len(replay.unknown)} different tails examined; '
          f'{len(replay.problems)} problems ({time.monotonic() - start:.1f} s)', flush=True)
    for problem in replay.problems[:12]:
        print(f'  {operation.name}: after {problem}', flush=True)
    return len(replay.problems)


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('program')
    parser.add_argument('library')
    parser.add_argument('examine')
    parser.add_argument('--seed', type=int, default=int.from_bytes(os.urandom(4), 'little'))
    parser.add_argument('--cases', type=int, default=500)
    parser.add_argument('--only')
    return parser.parse_args()


def main():
    args = parse()
    lab = tempfile.mkdtemp(prefix='crash-', dir=os.environ.get('BFC_TEST_TMP'))
    print(f'seed {args.seed}', flush=True)
    try:
        subject = subjects.Subject(os.path.abspath(args.program), os.path.abspath(args.library))
        fixtures = operations.Fixtures(lab, subject)
        examiner = Examiner(os.path.abspath(args.examine), lab)
        chosen = chosen_of(fixtures, lab, subject, args.only)
        problems = sum(run_operation(o, subject, examiner, fixtures, lab, args) for o in chosen)
    finally:
        shutil.rmtree(lab)
    print(f'{problems} problems; seed {args.seed}')
    return 1 if problems or not chosen else 0


if __name__ == '__main__':
    sys.exit(main())
