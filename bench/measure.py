# SPDX-License-Identifier: Apache-2.0
"""Running programs in turns, what was measured of them, and the file systems to do it on."""
import ctypes
import datetime
import json
import mmap
import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20
LEVEL, BLOCK = 3, 131072
STAGES = 'stages'  # among the figures of a tree or an image: what was counted of them
CLONE_NEWNS = 0x00020000
MADV_POPULATE_WRITE = 23
SHARED_MEMORY = '/dev/shm'


class Failed(SystemExit):
    """A program that was measured failed. Whoever can do without it catches this."""


def fail(message):
    sys.exit(f'bench: {message}')


# ── Running and measuring ──

class Measured:
    """Wall-clock seconds; seconds of CPU, which say less but bear a busy machine; peak of memory; size written.
    0 and None: not known."""

    def __init__(self, seconds, cpu=0, peak=0, size=None):
        self.seconds, self.cpu, self.peak, self.size = seconds, cpu, peak, size

    def __add__(self, other):
        """One after the other."""
        return Measured(self.seconds + other.seconds, self.cpu + other.cpu, max(self.peak, other.peak))


def run(argv, env=None, cwd=None, out=None):
    """One or two programs with a pipe between; seconds, and the sum of their peaks in memory."""
    commands = argv if isinstance(argv[0], list) else [argv]
    env = dict(os.environ, LC_ALL='C', **(env or {}))
    with tempfile.TemporaryFile() as err:
        start, children, source = time.monotonic(), [], subprocess.DEVNULL
        for i, command in enumerate(commands):
            last = i == len(commands) - 1
            sink = (out or subprocess.DEVNULL) if last else subprocess.PIPE
            child = subprocess.Popen(command, stdin=source, stdout=sink, stderr=err, env=env, cwd=cwd)
            if source not in (subprocess.DEVNULL, None):
                source.close()
            source = child.stdout
            children.append(child)
        peak = cpu = 0
        try:
            for child in children:
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                peak += usage.ru_maxrss * 1024
                cpu += usage.ru_utime + usage.ru_stime
        except BaseException:  # it would hold the scratch folder, which is to go
            for child in (c for c in children if c.returncode is None):
                child.kill()
                child.wait()
            raise
        seconds = time.monotonic() - start
        for child, command in zip(children, commands):
            if child.returncode != 0:
                err.seek(0)
                raise Failed(f'bench: {" ".join(command)}: exit {child.returncode}: {err.read()[-500:]!r}')
    return Measured(seconds, cpu, peak)


def spawn(argv):
    """One program that takes milliseconds: with as little around it as can be."""
    null = [(os.POSIX_SPAWN_OPEN, 0, '/dev/null', os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, '/dev/null', os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, '/dev/null', os.O_WRONLY, 0)]
    env = dict(os.environ, LC_ALL='C')
    start = time.monotonic()
    _, status, usage = os.wait4(os.posix_spawnp(argv[0], argv, env, file_actions=null), 0)
    seconds = time.monotonic() - start
    if status != 0:
        raise Failed(f'bench: {" ".join(argv)}: exit {os.waitstatus_to_exitcode(status)}')
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def timed_by_itself(argv):
    """A program that prints the seconds that count."""
    with tempfile.TemporaryFile() as out:
        run(argv, out=out)
        out.seek(0)
        return Measured(float(out.read()))


def take_turns(jobs, rounds, warm=0, dropped=None):
    """`jobs` are functions that return Measured, by name; [{name: Measured}], without the first `warm` rounds. A job that
    fails is left out and `dropped` is told why, but for the first: without it there is nothing to compare."""
    first, answer = next(iter(jobs)), []
    for _ in range(rounds + warm):
        figures = {}
        for name, job in list(jobs.items()):
            try:
                figures[name] = job()
            except Failed as e:
                if name == first or not dropped:
                    raise
                dropped(name, str(e))
                del jobs[name]
        answer.append(figures)
    return [{name: figures[name] for name in jobs} for figures in answer[warm:]]


def ratios(rounds, subject, name, what):
    """Of the subject to another, round by round."""
    pairs = [(getattr(r[subject], what), getattr(r[name], what)) for r in rounds]
    return [ours / theirs for ours, theirs in pairs if theirs > 0]


def summary(rounds):
    """Of each program the medians, and the median of the ratios of the first, which is bfc, to it."""
    out, subject = {}, next(iter(rounds[0]))
    for name in rounds[0]:
        seconds = [r[name].seconds for r in rounds]
        by_time, by_cpu = ratios(rounds, subject, name, 'seconds'), ratios(rounds, subject, name, 'cpu')
        out[name] = {'seconds': seconds, 'seconds_median': statistics.median(seconds),
                     'bfc_time_ratio': statistics.median(by_time), 'bfc_time_ratios': by_time,
                     'cpu_median': statistics.median(r[name].cpu for r in rounds) or None,
                     'bfc_cpu_ratio': statistics.median(by_cpu) if by_cpu else None,
                     'peak_bytes': max(r[name].peak for r in rounds)}
        size = rounds[-1][name].size
        if size is not None:
            out[name]['size_bytes'] = size
            out[name]['bfc_size_ratio'] = rounds[-1][subject].size / size if size else None
    return out


def machine():
    model = 'unknown'
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as f:
        model = next((l.split(':', 1)[1].strip() for l in f if l.startswith('model name')), model)
    return {'cpu': model, 'processors': os.cpu_count(), 'kernel': platform.release(), 'arch': platform.machine(),
            'memory_bytes': os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'),
            'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')}


# ── File systems ──

def scratch_folder(parent):
    """A new folder. Its name can stand in an image's name: podman makes one of the path of a layout."""
    path = os.path.join(parent or tempfile.gettempdir(), 'bfc-bench-' + secrets.token_hex(6))
    os.mkdir(path, 0o700)
    return path


class Space:
    """Scratch folder and targets; mounts are private to this process and go with it. Who may not mount gets a folder in
    the tmpfs that everybody may write to, if there is one."""

    def __init__(self, o, largest, need=0):
        self.private, self.mounts, self.largest = self.unshare(), [], largest
        need = need or 9 * largest + 640 * MIB  # containers of everybody, a loop file, what is extracted
        in_memory = not o.scratch and free_memory() > need + largest
        self.scratch = scratch_folder(SHARED_MEMORY if in_memory and self.shared(need) and not self.private else o.scratch)
        if in_memory and self.private:
            self.mount('tmpfs', ['-t', 'tmpfs', '-o', 'size=95%,huge=never,nr_inodes=0', 'tmpfs'], self.scratch)
        elif shutil.disk_usage(self.scratch).free < need:
            shutil.rmtree(self.scratch)
            fail(f'{o.scratch or tempfile.gettempdir()} has not the {need >> 20} MiB of room that this needs '
                 '(--scratch takes another folder)')

    def warm_memory(self):
        """Memory that nobody touched for a while may be slow the first time, on virtual machines above all: touch as
        much as the next program will need, with what the kernel keeps of its files and what others hold back. In a
        process of its own, so that it counts for nobody."""
        child = os.fork()
        if child == 0:
            try:
                size = min(3 * self.largest, free_memory() // 2)
                with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as pages:
                    pages.madvise(MADV_POPULATE_WRITE)
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    @staticmethod
    def shared(need):
        return os.access(SHARED_MEMORY, os.W_OK) and shutil.disk_usage(SHARED_MEMORY).free > need

    @staticmethod
    def unshare():
        libc = ctypes.CDLL(None, use_errno=True)
        if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS) != 0:
            return False
        return subprocess.run(['mount', '--make-rprivate', '/'], check=False).returncode == 0

    def mount(self, what, arguments, path):
        if subprocess.run(['mount', *arguments, path], check=False).returncode != 0:
            raise Failed(f'bench: cannot mount {what} on {path}')
        self.mounts.append(path)

    def unmount(self, path):
        self.mounts.remove(path)
        subprocess.run(['umount', '--recursive', path], check=True)

    def close(self):
        for path in reversed(self.mounts[:]):
            self.unmount(path)
        shutil.rmtree(self.scratch, ignore_errors=True)


class Target:
    """Where a tree is extracted to, fresh each time: `with target as folder`."""

    def __init__(self, space, name):
        self.space, self.name = space, name
        self.mounted = name in ('tmpfs', 'ext4')
        if self.mounted and not space.private:
            fail(f'target {name} needs root (or give --target a folder)')
        self.kind, self.folder = name if self.mounted else f'{file_system(name)} (a folder)', None

    def __enter__(self):
        s = self.space
        if not self.mounted:
            self.folder = tempfile.mkdtemp(prefix='bfc-bench-', dir=self.name)
            return self.folder + '/out'
        self.folder = tempfile.mkdtemp(dir=s.scratch)
        if self.kind == 'tmpfs':
            s.mount('tmpfs', ['-t', 'tmpfs', '-o', 'size=95%,nr_inodes=0', 'tmpfs'], self.folder)
        else:
            self.mount_ext4(s)
        return self.folder + '/out'

    def mount_ext4(self, s):
        """Made anew each time, on the same file, whose pages are all there from the start and stay. With room: ext4
        allocates at once, and begins to write out, where what is yet to be written would take half of what is free."""
        image = os.path.join(s.scratch, 'ext4.img')
        if not os.path.exists(image):
            with open(image, 'wb') as f:
                os.posix_fallocate(f.fileno(), 0, 4 * s.largest + 512 * MIB)
        subprocess.run(['mkfs.ext4', '-q', '-F', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0', image],
                       check=True)
        s.mount('ext4', ['-t', 'ext4', '-o', 'loop', image], self.folder)

    def __exit__(self, *_):
        if not self.mounted:
            shutil.rmtree(self.folder)
            return
        self.space.unmount(self.folder)
        os.rmdir(self.folder)


def read_through(path):
    """So that it is in the page cache."""
    with open(path, 'rb', buffering=0) as f:
        while f.read(MIB):
            pass


def file_system(path):
    """The kind of what a folder lies on."""
    told = subprocess.run(['stat', '-f', '-c', '%T', path], check=True, capture_output=True, text=True).stdout.strip()
    return {'ext2/ext3': 'ext4'}.get(told, told)


def free_memory():
    with open('/proc/meminfo', encoding='ascii') as f:
        return next(int(l.split()[1]) * 1024 for l in f if l.startswith('MemAvailable'))


def counted(argv):
    """What `argv`, which has --json and --stats, says of its stages."""
    done = subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    stats = json.loads(done.stdout)['stats']
    serial = max(stats['stages'], key=lambda stage: stage['serial_ns'])
    return {'serial_stage': serial['name'], 'serial_share': serial['serial_ns'] / stats['work_ns'], **stats}
