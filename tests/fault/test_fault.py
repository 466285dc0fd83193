#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every call that can fail does, once: for each operation, thread and kind of call, the first, the second, …
call is failed until a run passes without a fault. After each run the result is right, or there is a clear
error and nothing has changed.

usage: test_fault.py PROGRAM LIBRARY [--group files|extract|reads|store|sealed] [--every N] [--only OPERATION]
                     [--sample N] [--shares N] [--valgrind] [--fault THREAD:KIND:N:ERROR]

--every N fails only every Nth allocation (the first 40 are all failed), --sample N only every Nth call of
what is left, --shares N an Nth of them, of encrypted containers fewer, others each day (share.py). --fault
runs one case and tells all of it. The folder for the work is $BFC_TEST_TMP, or the usual one for temporary
files.
"""
import argparse
import collections
import concurrent.futures
import errno
import os
import shutil
import sys
import tempfile
import time

import operations
import subject as subjects
import trees

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import share  # pylint: disable=wrong-import-position  # it is in the folder above

SHORT = -1
# Calls that Linux may interrupt (their manual pages name EINTR): they are restarted, and nobody notices.
RESTARTED = {'open', 'create', 'tmpfile', 'openat2', 'read', 'pread', 'write', 'pwrite', 'fsync', 'fdatasync',
             'ftruncate', 'flock', 'getrandom', 'close', 'poll', 'wait'}
TRANSFERS = {'read', 'pread', 'write', 'pwrite', 'getrandom'}
NEED_SPACE = {'create', 'tmpfile', 'write', 'pwrite', 'fsync', 'fdatasync', 'ftruncate', 'mkdir', 'symlink',
              'mknod', 'link', 'rename', 'rename2', 'setxattr'}
SYNCS = {'fsync', 'fdatasync'}
CODES = {errno.EIO: {'io'}, errno.ENOSPC: {'no-space'}, errno.ENOMEM: {'no-memory'},
         errno.EAGAIN: {'io', 'no-memory', 'busy', 'limit'}}
FIRST_ALLOCATIONS = 40
# The parser that jansson has tells a token for which it found no memory as a bad one: nobody above can know.
JANSSON = (b'invalid token near', b'string or ', b'expected near')


def errors_of(kind):
    if kind == 'alloc':
        return [errno.ENOMEM]
    if kind == 'thread':
        return [errno.EAGAIN]
    errors = [errno.EIO]
    if kind in NEED_SPACE:
        errors.append(errno.ENOSPC)
    if kind in RESTARTED:
        errors.append(errno.EINTR)
    if kind in TRANSFERS:
        errors.append(SHORT)
    return errors


def error_name(error):
    return 'short' if error == SHORT else errno.errorcode[error]


def died_of_memory(outcome):
    """The command line's own allocations end the program at once."""
    return outcome.code == 1 and outcome.err.strip() == b'bfc: out of memory'


def judge_error(operation, outcome, kind, error):
    """The way it was told."""
    if outcome.code not in (1, 3, 4, 5, 6):
        return [f'exit {outcome.code}']
    if kind == 'alloc' and died_of_memory(outcome):
        return []
    code, message = outcome.error
    if not message.strip():
        return ['failed without a word']
    if kind == 'write' and outcome.hit.startswith(('pipe:', '/dev/')):
        return []  # the words themselves may be what could not be written
    if operation.survey and error == errno.EIO and code == 'corrupt':
        return []
    if kind == 'alloc' and any(b'is not JSON: ' + words in outcome.err for words in JANSSON):
        return []
    if kind == 'setxattr' and error == errno.ENOSPC and code == 'unsupported':
        return []  # what a file system says that has room, but not for so large an attribute
    if code not in CODES[error]:
        return [f'{error_name(error)} is told as {code}']
    return []


def judge(operation, outcome, folder, fault):
    """The problems of one run in which the fault was hit."""
    _, kind, _, error = fault
    outcome.fault = fault
    if outcome.hung:
        return ['hangs']
    if outcome.code < 0:
        return [f'dies of signal {-outcome.code}']
    problems = []
    if not outcome.whole:
        problems.append('the report is not whole')
    if outcome.leaks and not died_of_memory(outcome):
        problems += [f'leak: {leak}' for leak in outcome.leaks[:3]]
    must_pass = error == SHORT or (error == errno.EINTR and kind in RESTARTED)
    if outcome.code == 0:
        problems += operation.after_success(folder, outcome)
        if kind in SYNCS and not must_pass:
            problems.append('success, although a sync failed')
        if kind == 'close' and not must_pass and operation.close_matters and outcome.hit_writes:
            problems.append('success, although a written file could not be closed')
        return problems
    if must_pass:
        problems.append('fails')
    else:
        problems += judge_error(operation, outcome, kind, error)
    return problems + operation.after_failure(folder, outcome)


class Slots:
    """A folder for each run that goes on at the same time."""

    def __init__(self, lab, count):
        self.free = collections.deque(f'{lab}/slot{i}' for i in range(count))
        for folder in self.free:
            os.makedirs(folder)

    def run(self, test, fault):
        folder = self.free.popleft()
        try:
            return test.run_case(folder, fault)
        finally:
            self.free.append(folder)


class Test:
    """One operation against all faults."""

    def __init__(self, operation, subject, args):
        self.operation, self.subject = operation, subject
        self.every, self.sample, self.shares = args.every, args.sample, args.shares
        self.cases = collections.Counter()   # error name -> cases in which it was hit
        self.passed = collections.Counter()  # … of these, with a right result all the same
        self.missed = 0
        self.problems = []

    def run_case(self, folder, fault):
        """True if the fault was hit."""
        self.operation.prepare(folder)
        outcome = self.subject.run(self.operation.args, folder, fault=fault, always=self.operation.always)
        if outcome.hit is None and not outcome.hung and outcome.code == 0:
            return False
        outcome.hit = outcome.hit or ''
        problems = judge(self.operation, outcome, folder, fault)
        self.cases[error_name(fault[3])] += 1
        self.passed[error_name(fault[3])] += outcome.code == 0
        if problems:
            words = ':'.join(str(f) for f in fault)
            self.problems.append(f'{self.operation.name}: {words} ({error_name(fault[3])}) at '
                                 f'{outcome.hit!r}: {"; ".join(problems)}\n    {outcome}')
        return True

    def learn(self, folder):
        self.operation.prepare(folder)
        outcome = self.subject.must(self.operation.args, folder, always=self.operation.always)
        if isinstance(self.operation, operations.Making) and self.operation.new is None:
            self.operation.new = operations.read(f'{folder}/{self.operation.target}')
        self.operation.learn(folder, outcome)
        outcome.fault, outcome.hit = (0, 'none', 0, 0), ''
        wrong = self.operation.after_success(folder, outcome) + outcome.leaks
        if wrong:
            raise AssertionError(f'{self.operation.name}, without a fault: {wrong}')
        kinds = self.operation.kinds
        return {(t, k): n for (t, k), n in outcome.counts.items() if kinds is None or k in kinds}

    def numbers(self, kind, count):
        if kind != 'alloc' or self.every == 1:
            return list(range(1, count + 1))
        return [n for n in range(1, count + 1) if n <= FIRST_ALLOCATIONS or n % self.every == 0]

    def run(self, pool, slots):
        folder = slots.free[0]
        counts = self.learn(folder)
        faults = [(thread, kind, n, error) for (thread, kind), count in sorted(counts.items())
                  for error in errors_of(kind) for n in self.numbers(kind, count)]
        shares = max(self.shares, self.operation.share)
        faults = list(share.todays(faults, shares))[::self.sample]
        hits = list(pool.map(lambda fault: slots.run(self, fault), faults))
        self.missed = hits.count(False)
        # Threads may do a little more in one run than in another: on, until a run passes unhurt.
        for (thread, kind), count in counts.items() if self.sample == 1 and (shares == 1 or share.EVERYTHING) else ():
            for error in errors_of(kind):
                n = count + 1
                while slots.run(self, (thread, kind, n, error)) and n < count + 100:
                    n += 1
        return counts

    def report(self, counts, seconds):
        calls = sum(n for (_, kind), n in counts.items() if kind != 'alloc')
        allocations = sum(n for (_, kind), n in counts.items() if kind == 'alloc')
        each = ', '.join(f'{name} at {n}' + (f' ({self.passed[name]} still right)' if self.passed[name] else '')
                         for name, n in sorted(self.cases.items()))
        print(f'{self.operation.name}: {calls} calls, {allocations} allocations; failed with {each}; '
              f'{self.missed} not met; {len(self.problems)} problems ({seconds:.1f} s)', flush=True)
        for problem in self.problems[:12]:
            print('  ' + problem, flush=True)


def one_case(test, folder, text):
    thread, kind, number, error = text.split(':')
    fault = (int(thread), kind, int(number), int(error))
    test.learn(folder)
    hit = test.run_case(folder, fault)
    test.operation.prepare(folder)
    print(test.subject.run(test.operation.args, folder, fault=fault, always=test.operation.always))
    print('hit' if hit else 'not hit', test.problems)


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('program')
    parser.add_argument('library')
    parser.add_argument('--group', choices=('files', 'extract', 'reads', 'store', 'sealed'))
    parser.add_argument('--every', type=int, default=1)
    parser.add_argument('--sample', type=int, default=1)
    parser.add_argument('--shares', type=int, default=1)
    parser.add_argument('--only')
    parser.add_argument('--valgrind', action='store_true')
    parser.add_argument('--fault')
    return parser.parse_args()


def wrapper_of(args):
    if not args.valgrind:
        return ()
    valgrind = shutil.which('valgrind')
    if not valgrind:
        print('SKIP: valgrind is not installed')
        sys.exit(77)
    # Only the C library's own malloc is valgrind's to take: ours comes before it.
    return (valgrind, '-q', '--error-exitcode=99', '--leak-check=no',
            '--soname-synonyms=somalloc=nouserintercepts')


def all_operations(args, lab, subject):
    fixtures = operations.Fixtures(lab, subject)
    chosen = []
    if args.group in (None, 'files'):
        chosen += operations.file_operations(fixtures)
    if args.group in (None, 'extract'):
        chosen += operations.extract_operations(fixtures)
    if args.group in (None, 'reads'):
        chosen += operations.read_operations(fixtures)
    if args.group in (None, 'store'):
        chosen += operations.store_operations(fixtures, lab, subject)
    if args.group in (None, 'sealed'):
        chosen += operations.sealed_operations(fixtures, lab, subject)
    return [o for o in chosen if args.only in (None, o.name)]


def main():
    args = parse()
    program, library = os.path.abspath(args.program), os.path.abspath(args.library)
    lab = tempfile.mkdtemp(prefix='fault-', dir=os.environ.get('BFC_TEST_TMP'))
    workers = len(os.sched_getaffinity(0))
    slots = Slots(lab, workers)
    total, problems = 0, 0
    try:
        chosen = all_operations(args, lab, subjects.Subject(program, library))
        subject = subjects.Subject(program, library, wrapper_of(args))
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for operation in chosen:
                test, start = Test(operation, subject, args), time.monotonic()
                if args.fault:
                    one_case(test, slots.free[0], args.fault)
                    continue
                counts = test.run(pool, slots)
                test.report(counts, time.monotonic() - start)
                total += sum(test.cases.values())
                problems += len(test.problems)
    finally:
        trees.renew(lab)
        os.rmdir(lab)
    print(f'day {share.DAY}: {total} faults in {len(chosen)} operations, {problems} problems')
    return 1 if problems or (not args.fault and not total) else 0


if __name__ == '__main__':
    sys.exit(main())
