# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: running programs and measuring them, private mounts, reporting.

A test program defines functions named test_…, each taking a Lab, and ends with
`harness.main(globals())`. It is called as `test_x.py BFC [NAME…]`, BFC being the program under test.
`shares=N` has a run take an Nth of the functions (with sanitizers a 3Nth), others each day, unless some are named
(share.py).
A function that raises Skip is skipped, any other exception fails it. The program exits with 0, with 1
if something failed, and with 77 if nothing could be tested; where CI=true is set, already if one
function was skipped.

$BFC_TEST_TMP says where to work, instead of the working directory; BFC_TEST_KEEP=1 keeps what a failed
test leaves.
"""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import share  # pylint: disable=wrong-import-position  # it is in the folder above

MIB = 1 << 20
GIB = 1 << 30
CLONE_NEWNS = 0x00020000


class Skip(Exception):
    """This machine cannot run the test; the text says why."""


def say(*words):
    print(*words, flush=True)


def check(condition, *words):
    if not condition:
        raise AssertionError(' '.join(str(w) for w in words))


def need_root(what):
    if os.geteuid() != 0:
        raise Skip(f'root is needed to {what}')


def need(*tools):
    missing = [t for t in tools if not shutil.which(t)]
    if missing:
        raise Skip('not installed: ' + ', '.join(missing))


class Result:
    """What a program did. peak is its largest resident size in bytes, its parent's at the start
    included (the kernel counts so), which is some 20 MiB here."""

    def __init__(self, argv, code, out, err, seconds, peak):
        self.argv, self.code, self.out, self.err = argv, code, out, err
        self.seconds, self.peak = seconds, peak

    @property
    def text(self):
        return self.out.decode(errors='surrogateescape')

    @property
    def message(self):
        return self.err.decode(errors='replace')

    @property
    def json(self):
        return json.loads(self.out)

    def shown(self):
        words = ' '.join(os.fsdecode(a) for a in self.argv)
        return f'{words}\n  exit {self.code}\n  stdout: {self.out[:800]!r}\n  stderr: {self.err[:2000]!r}'


def run(argv, expect=0, cwd=None, env=None, stdin=None):
    """Runs a program to its end. expect: the exit code, a tuple of them, or None for any."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(argv, stdout=out, stderr=err, cwd=cwd,
                                 stdin=stdin if stdin is not None else subprocess.DEVNULL,
                                 env=dict(os.environ, LC_ALL='C', **(env or {})))
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        result = Result(argv, child.returncode, out.read(), err.read(), seconds,
                        usage.ru_maxrss * 1024)
    allowed = expect if isinstance(expect, tuple) else (expect,)
    if expect is not None and result.code not in allowed:
        raise AssertionError(f'expected exit {expect}: {result.shown()}')
    return result


class Lab:
    """A folder of one test's own, and the program under test."""

    def __init__(self, bfc, path):
        self.bfc_path, self.path, self.mounts = bfc, path, []
        self.wrapper = []  # put before every call of bfc
        self.at_end = []  # called before the folder goes, the last one first

    def __truediv__(self, name):
        return os.path.join(self.path, name)

    def bfc(self, *args, **how):
        return run([*self.wrapper, self.bfc_path, *args], **how)

    def mkdir(self, name):
        path = self / name
        os.makedirs(path)
        return path

    def mount_tmpfs(self, name, options='size=1g'):
        """A tmpfs of this test's own; returns its path."""
        return self._mount(name, ['-t', 'tmpfs', '-o', options, 'tmpfs'])

    def mount_image(self, name, kind, size, mkfs_options=(), where=None):
        """A fresh file system in a loop file; returns its path."""
        need('mkfs.' + kind)
        image = os.path.join(where or self.path, name + '.' + kind)
        with open(image, 'wb') as f:
            f.truncate(size)
        quiet = ['-F', '-q'] if kind == 'ext4' else ['-f', '-q']
        run(['mkfs.' + kind, *quiet, *mkfs_options, image])
        return self._mount(name, ['-t', kind, '-o', 'loop', image])

    def _mount(self, name, options):
        need_root('mount a file system')
        private_mounts()
        path = self.mkdir(name)
        if run(['mount', *options, path], expect=None).code != 0:
            raise Skip(f'cannot mount: {" ".join(options)}')
        self.mounts.append(path)
        lost = os.path.join(path, 'lost+found')
        if os.path.isdir(lost):
            os.rmdir(lost)
        return path

    def unmount(self, path):
        self.mounts.remove(path)
        run(['umount', path])

    def close(self):
        for end in reversed(self.at_end):
            end()
        for path in reversed(self.mounts):
            run(['umount', path], expect=None)
        remove(self.path)


def remove(path):
    """rm -rf; also trees that are deeper than Python likes to go."""
    run(['rm', '-rf', '--', path], expect=None)


PRIVATE = []


def private_mounts():
    """What is mounted from here on is seen by this process and its children alone, and is gone with
    them, however they end."""
    if PRIVATE:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise Skip('cannot have mounts of its own: ' + os.strerror(ctypes.get_errno()))
    if run(['mount', '--make-rprivate', '/'], expect=None).code != 0:
        raise Skip('cannot make mounts private')
    PRIVATE.append(True)


def free_bytes(path):
    st = os.statvfs(path)
    return st.f_bavail * st.f_frsize


def make_folder(work):
    """Its name may stand in the name of an image, where engines want no '_' at an end."""
    while True:
        path = tempfile.mkdtemp(prefix='e2e-', dir=work)
        if '_' not in os.path.basename(path):
            os.chmod(path, 0o755)
            return path
        os.rmdir(path)


def run_one(function, bfc, work):
    path = make_folder(work)
    lab = Lab(bfc, path)
    start = time.monotonic()
    try:
        function(lab)
        verdict, why = 'ok', ''
    except Skip as skip:
        verdict, why = 'SKIP', str(skip)
    except Exception:  # pylint: disable=broad-except  # a test may fail in any way
        verdict, why = 'FAIL', traceback.format_exc()
    if verdict == 'FAIL' and os.environ.get('BFC_TEST_KEEP'):
        say(f'kept: {path}')
    else:
        lab.close()
    say(f'{verdict}: {function.__name__} ({time.monotonic() - start:.1f} s)' +
        (f': {why}' if why else ''))
    return verdict


def hear_signals():
    """What a shell starts in the background ignores SIGINT, and so would all programs that it runs."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main(names, shares=1):
    if len(sys.argv) < 2:
        sys.exit(f'usage: {sys.argv[0]} BFC [NAME…]')
    hear_signals()
    sys.stdout.reconfigure(errors='backslashreplace')
    bfc, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    functions = [f for n, f in names.items() if n.startswith('test_') and callable(f)]
    if wanted:
        functions = [f for f in functions if f.__name__ in wanted]
    else:
        shares = min(len(functions), shares * (3 if share.SAFETY_ONLY else 1))
        chosen = list(share.todays(functions, shares))
        if len(chosen) < len(functions):
            say(f'day {share.DAY}: {len(chosen)} of {len(functions)} tests, the others on other days')
        functions = chosen
    work = os.environ.get('BFC_TEST_TMP') or os.getcwd()
    verdicts = [run_one(f, bfc, work) for f in functions]
    if 'FAIL' in verdicts:
        sys.exit(1)
    all_must_run = os.environ.get('CI') == 'true'
    sys.exit(77 if 'ok' not in verdicts or (all_must_run and 'SKIP' in verdicts) else 0)
