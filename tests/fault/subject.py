# SPDX-License-Identifier: Apache-2.0
"""Running the program under test on top of the preloaded library, and reading what that reports."""
import json
import os
import subprocess

TIMEOUT = 30  # seconds; a run takes milliseconds


class Outcome:
    """How one run ended."""

    def __init__(self, argv, code, out, err, report):
        self.argv, self.code, self.out, self.err = argv, code, out, err
        self.hung = code is None
        self.hit = None       # path of the file that the failed call was about
        self.hit_writes = False
        self.counts = {}      # (thread, kind) -> calls
        self.leaks = []       # memory and descriptors
        self.whole = False    # the report was written to its end
        for line in report.splitlines():
            self._read(line)

    def _read(self, line):
        word, _, rest = line.partition(' ')
        if word == 'hit':
            flags, _, self.hit = rest.partition(' ')
            self.hit_writes = flags in ('1', '2')
        elif word == 'count':
            thread, kind, count = rest.split()
            self.counts[int(thread), kind] = int(count)
        elif word in ('fd', 'leak', 'heap-table-full'):
            self.leaks.append(line)
        elif word == 'end':
            self.whole = True

    @property
    def error(self):
        """(code, message) as the program tells them; (None, text) if that is no JSON."""
        text = self.err.decode(errors='replace')
        for line in text.splitlines():
            try:
                error = json.loads(line)['error']
                return error['code'], error['message']
            except (ValueError, KeyError, TypeError):
                continue
        return None, text

    def __str__(self):
        words = ' '.join(os.fsdecode(a) for a in self.argv)
        return f'{words}: exit {self.code}, stdout {self.out[:300]!r}, stderr {self.err[:600]!r}'


class Subject:
    """The program, the library beneath it, and wrappers that may stand before the program."""

    def __init__(self, program, library, wrapper=()):
        self.program, self.library, self.wrapper = program, library, list(wrapper)
        self.timeout = TIMEOUT if not wrapper else 10 * TIMEOUT

    def run(self, args, cwd, fault=None, always=None, record=None):
        """fault: (thread, kind, number, error). cwd: the folder to run in; the report goes beside it."""
        report_path = cwd + '.report'
        # What the C library itself would do with TMPDIR, locale or colour must not depend on the caller.
        env = {'PATH': os.environ.get('PATH', ''), 'LC_ALL': 'C', 'HOME': cwd,
               'LD_PRELOAD': self.library, 'BFC_FAULT_PROGRAM': os.path.realpath(self.program),
               'BFC_FAULT_FIXED': '1', 'BFC_FAULT_REPORT': report_path}
        if fault:
            env['BFC_FAULT'] = ':'.join(str(f) for f in fault)
        if always:
            env['BFC_FAULT_ALWAYS'] = ','.join(f'{kind}:{error}' for kind, error in always.items())
        if record:
            env['BFC_FAULT_RECORD'] = record
        if os.path.exists(report_path):
            os.unlink(report_path)
        argv = [*self.wrapper, self.program, *args]
        child = subprocess.Popen(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, close_fds=False)
        try:
            out, err = child.communicate(timeout=self.timeout)
            code = child.returncode
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            code = None
        return Outcome(argv, code, out, err, self._report(report_path))

    def must(self, args, cwd, **how):
        """A run that is to succeed."""
        outcome = self.run(args, cwd, **how)
        if outcome.code != 0:
            raise AssertionError(f'without a fault: {outcome}')
        return outcome

    @staticmethod
    def _report(path):
        try:
            with open(path, encoding='utf-8', errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''
