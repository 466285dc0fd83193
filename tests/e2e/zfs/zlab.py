# SPDX-License-Identifier: Apache-2.0
"""A pool of a test's own, and the store in it.

ZFS is zfs-fuse. A test program runs a daemon of its own: in a mount namespace of its own, with its own
socket, lock and list of pools, so that it knows of no other daemon on the machine, and none of it. The
daemon dies with the program, and its mounts with them, however they end. With BFC_TEST_ZFS=kernel it is the
OpenZFS of the running kernel; then a pool outlives a program that is killed, and the next one destroys it.

What zfs-fuse 0.7 does not have, beside what is old about it: times below a second, SEEK_DATA, fallocate(),
O_TMPFILE, .zfs/snapshot; and, unless it is started for it (xattrs=True), attributes, and with them ACLs and
capabilities."""
import atexit
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'oci'))
# pylint: disable=wrong-import-position  # they are in the folders above and beside
import compare
import oddities
from harness import GIB, Skip, check, need, need_root, private_mounts, run
from making import Images

KERNEL = os.environ.get('BFC_TEST_ZFS') == 'kernel'
# Programs that work in one pool at the same time: with more, the threads of zfs-fuse 0.7 come to wait for each other
# for good, now and then.
AT_ONCE = 8 if KERNEL else 2
OWN_FOLDERS = {'/var/run/zfs': '1m', '/var/lock/zfs': '1m', '/var/lib/zfs': '8g'}  # of a daemon, and how large
POOLS_FOLDER = '/var/lib/zfs'  # in memory: zfs-fuse writes all to its disk that is said to be there, and waits for it
POOL = 'bfctest'
SETTLE_SECONDS = 30
UMOUNT_DETACH = 2
BFC = ['bfc:' + name for name in ('image', 'digest', 'manifest', 'created', 'size', 'compression', 'encryption',
                                 'platform', 'layers', 'files', 'content')]


def wait_for(what, asked, seconds=SETTLE_SECONDS):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = asked()
        if answer:
            return answer
        check(time.monotonic() < end, f'{what}: not after {seconds} seconds')
        time.sleep(0.05)


def detach(path):
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.umount2(os.fsencode(path), UMOUNT_DETACH) == 0


def mounts():
    """[(dataset, path)] of ZFS, in the order in which they were mounted."""
    found = []
    with open('/proc/self/mountinfo', 'rb') as f:
        for line in f:
            left, right = (part.split(b' ') for part in line.rstrip(b'\n').split(b' - '))
            if right[0] in (b'zfs', b'fuse.zfs'):
                found.append(tuple(os.fsdecode(re.sub(rb'\\(\d{3})', lambda m: bytes([int(m[1], 8)]), word))
                                   for word in (right[1], left[4])))
    return found


def detach_all(below=''):
    """Also dead mounts, which nothing can be asked of."""
    for _, path in reversed(mounts()):
        if path == below or path.startswith(below + '/') or not below:
            detach(path)


# ── What answers `zfs` ──

class Fuse:
    """The daemon of this program."""

    def __init__(self):
        self.child, self.options, self.log = None, [], None

    def answers(self):
        return run(['zpool', 'list'], expect=None).code == 0

    def need(self, xattrs):
        need('zfs-fuse', 'zfs', 'zpool', 'setpriv')
        need_root('run zfs-fuse')
        if not os.path.exists('/dev/fuse'):
            raise Skip('there is no /dev/fuse')
        options = ['-x'] if xattrs else []
        if self.child and self.child.poll() is None and self.options == options and self.answers():
            return
        self.stop()
        self.options = options
        self.start()

    def start(self):
        if not self.log:
            private_mounts()
            detach_all()  # another daemon's: a copy of its mounts here would keep them busy there
            for folder, size in OWN_FOLDERS.items():
                os.makedirs(folder, exist_ok=True)
                how = f'size={size},mode=700'
                if run(['mount', '-t', 'tmpfs', '-o', how, 'tmpfs', folder], expect=None).code != 0:
                    raise Skip(f'cannot mount a tmpfs on {folder}')
            self.log = '/var/run/zfs/log'
            atexit.register(self.stop)
        with open(self.log, 'ab') as log:
            self.child = subprocess.Popen(  # pylint: disable=consider-using-with  # it stays
                ['setpriv', '--pdeathsig', 'KILL', 'zfs-fuse', '--no-daemon', '--no-kstat-mount', *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for('zfs-fuse', lambda: self.answers() or self.child.poll() is not None)
        if self.child.poll() is not None:
            with open(self.log, encoding='utf-8', errors='replace') as log:
                raise Skip(f'zfs-fuse does not start: {log.read().strip()[-300:]}')

    def kill(self):
        """Like a machine that loses its power: what is mounted is dead."""
        if self.child:
            self.child.kill()
            self.child.wait()
            self.child = None

    def stop(self):
        self.kill()
        if self.log:
            detach_all()


class Kernel:
    """OpenZFS of the running kernel."""

    def __init__(self):
        self.ready = False

    def answers(self):
        return run(['zpool', 'list'], expect=None).code == 0

    def need(self, _xattrs):
        need('zfs', 'zpool')
        need_root('use ZFS')
        if not os.path.exists('/dev/zfs') or not self.answers():
            raise Skip('this kernel has no ZFS')
        if not self.ready:
            private_mounts()
            self.ready = True
            for pool in run(['zpool', 'list', '-H', '-o', 'name']).text.split():
                owner = re.fullmatch(POOL + r'(\d+)x\d+', pool)
                if owner and not os.path.exists(f'/proc/{owner[1]}'):
                    run(['zpool', 'destroy', '-f', pool], expect=None)

    def kill(self):
        raise Skip('a kernel cannot be killed')


SERVICE = Kernel() if KERNEL else Fuse()


# ── The pool ──

class ZLab(Images):
    """A fresh pool with nothing in it. Called, it is `bfc --store zfs:POOL/images image …`."""
    pools = 0

    def __init__(self, lab, *, size=2 * GIB, xattrs=False, mountpoint='pool', properties=()):
        super().__init__(lab)
        SERVICE.need(xattrs)
        ZLab.pools += 1
        self.pool = f'{POOL}{os.getpid()}x{ZLab.pools}'
        self.root, self.containers = self.pool + '/images', self.pool + '/containers'
        self.store = 'zfs:' + self.root
        self.path = lab / mountpoint
        self.vdev = lab / self.pool if KERNEL else f'{POOLS_FOLDER}/{self.pool}'
        with open(self.vdev, 'wb') as f:
            f.truncate(size)
        lab.at_end.append(self.destroy)
        options = [word for p in properties for word in ('-O', p)]
        self.zpool('create', '-o', 'cachefile=none', *options, '-m', self.path, self.pool, self.vdev)

    def destroy(self):
        """Whatever holds it."""
        for _ in range(3):
            done = run(['zpool', 'destroy', '-f', self.pool], expect=None)
            if done.code == 0 or 'no such pool' in done.message:
                break
            detach_all(self.path)
            time.sleep(0.2)
        else:
            if not KERNEL:
                SERVICE.stop()
        detach_all(self.path)
        if os.path.exists(self.vdev):  # a test may have destroyed it itself
            os.unlink(self.vdev)

    def power_cut(self):
        """The daemon is gone at once, and the pool comes back as its last transaction left it."""
        SERVICE.kill()
        detach_all(self.path)
        SERVICE.start()
        self.zpool('import', '-d', os.path.dirname(self.vdev), '-o', 'cachefile=none', self.pool)

    # ── Asking ZFS itself ──

    def zfs(self, *args, **how):
        return run(['zfs', *args], **how)

    def zfs_soon(self, *args):
        """For destroy and rename: zfs-fuse lets go of what was unmounted a little later than it says."""
        return wait_for(f'zfs {args[0]}', lambda: (tried := self.zfs(*args, expect=None)).code == 0 and tried)

    def zpool(self, *args, **how):
        return run(['zpool', *args], **how)

    def get(self, prop, dataset, column='value'):
        """One property, with whatever bytes it has."""
        return self.zfs('get', '-H', '-p', '-o', column, prop, dataset).text[:-1]

    def props(self, dataset):
        """Those of ours that stand on the dataset itself: {'image': …}."""
        rows = self.zfs('get', '-H', '-p', '-o', 'property,value,source', ','.join(BFC), dataset).text.splitlines()
        return {name[4:]: value for name, value, source in (row.split('\t') for row in rows) if source == 'local'}

    def set(self, prop, value, dataset):
        self.zfs('set', f'{prop}={value}', dataset)

    def exists(self, dataset):
        return self.zfs('list', '-H', '-o', 'name', dataset, expect=None).code == 0

    def datasets(self, root=None):
        """Names below the root, which is left out; none if it is not there."""
        root = root or self.root
        if not self.exists(root):
            return []
        names = self.zfs('list', '-H', '-o', 'name', '-t', 'filesystem', '-r', root).text.splitlines()
        return [n[len(root) + 1:] for n in names if n != root]

    def snapshots(self, dataset):
        """What stands after the @, oldest first."""
        names = self.zfs('list', '-H', '-o', 'name', '-t', 'snapshot', '-s', 'creation', '-r', dataset).text.split('\n')
        return [n[len(dataset) + 1:] for n in names if n.startswith(dataset + '@')]

    def origin(self, dataset):
        return self.get('origin', dataset)

    def mountpoint(self, dataset):
        return self.get('mountpoint', dataset)

    def mounted(self, dataset):
        """Where it is mounted, as the kernel says; None if it is not."""
        return next((path for name, path in mounts() if name == dataset), None)

    def used(self, dataset):
        """Bytes, when all is written."""
        if self.mounted(dataset):
            run(['sync', '-f', self.mounted(dataset)])
        return int(self.get('used', dataset))

    def work(self):
        """Datasets under way, or left by somebody who was killed."""
        return [d for d in self.datasets() if d.startswith('.bfc-work/')]

    def everything(self, *more):
        """A line a dataset and snapshot of the pool: its origin, whether it is mounted, our properties, and more."""
        columns = ['name', 'origin', 'mounted', *BFC, *more]
        return sorted(self.zfs('list', '-H', '-o', ','.join(columns), '-t', 'filesystem,snapshot', '-r',
                               self.pool).text.splitlines())

    # ── The store ──

    def dataset(self, name):
        """Of an image: `app:1`, `library/nginx:1.25`."""
        return f'{self.root}/{name}'

    def file(self, name):
        """The image's container, where it must be."""
        return f'{self.path}/images/{name}/{os.path.basename(name)}.bfc'

    def files(self, name):
        """What the image's dataset holds; not the folders that datasets in it are mounted on."""
        folder = os.path.dirname(self.file(name))
        return sorted(f for f in os.listdir(folder) if not os.path.isdir(f'{folder}/{f}'))

    def check_properties(self, name):
        """Everything that list shows stands on the image's dataset, and is what the file says."""
        info, props = self.json('info', name), self.props(self.root + '/' + self.json('info', name)['name'])
        created = int(props.pop('created'))
        check(time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(created)) == info['created'], created, info['created'])
        want = {
            'image': info['name'],
            'digest': info['root_digest'],
            'manifest': info['manifest_digest'] or 'none',
            'size': str(os.stat(info['path']).st_size),
            'compression': info['compression'],
            'encryption': info['encryption'],
            'platform': info['platform'],
            'layers': str(info['layers']),
            'files': str(info['files']),
            'content': str(info['content_bytes']),
        }
        check(props == want, compare.lines_that_differ([*want.items()], [*props.items()]))
        check(re.fullmatch('[0-9a-f]{64}', props['digest']), props['digest'])
        check(not info.get('mismatch'), info.get('mismatch'))

    def digest(self, name):
        return self.json('info', name)['root_digest']

    def short(self, name):
        return self.digest(name)[:12]

    def container(self, name, target, *options, **how):
        """Extracts to POOL/containers/TARGET; returns its folder."""
        self('extract', *options, name, f'{self.containers}/{target}', **how)
        return f'{self.path}/containers/{target}'

    def listed(self):
        return sorted(self('list', '-q').text.split())


# ── Watching what it runs ──

class Wrapper:
    """A folder for PATH with a `zfs` and a `zpool` that note their arguments and go on to the real ones."""
    BODY = 'exec "$real" "$@"\n'

    def __init__(self, lab, body=None, name='wrapper'):
        self.folder = lab.mkdir(name)
        self.log = self.folder + '/log'
        for tool in ('zfs', 'zpool'):
            path = f'{self.folder}/{tool}'
            oddities.write(path, (f'#!/bin/sh\nreal={shutil.which(tool)}\n'
                                  f"{{ printf '%s\\0' {tool} \"$@\"; echo; }} >>'{self.log}'\n" +
                                  (body or self.BODY)).encode(), 0o755)
            os.chmod(path, 0o755)
        self.env = {'PATH': self.folder + ':' + os.environ['PATH']}

    def calls(self):
        """[['zfs', 'list', …], …] since the last time."""
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding='utf-8') as f:
            calls = [record.split('\0') for record in f.read().split('\0\n')[:-1]]
        os.unlink(self.log)
        return calls


class Killer(Wrapper):
    """Kills who calls it at its call number N: before the command, after it, or while it runs on. (Whom bfc started
    dies with it, but what a kernel or a daemon does for the command goes on; so does what setsid started.)"""
    WAYS = ('before', 'after', 'during')

    def __init__(self, lab, name='killer'):
        self.plan = os.path.join(lab / name, 'plan')
        super().__init__(lab, f"""
plan='{self.plan}'
read -r left way <"$plan" 2>/dev/null || exec "$real" "$@"
left=$((left - 1))
echo "$left $way" >"$plan"
[ "$left" = 0 ] || exec "$real" "$@"
case $way in
before) kill -9 $PPID ;;
after) "$real" "$@"; kill -9 $PPID ;;
during) setsid "$real" "$@" </dev/null >/dev/null 2>&1 & kill -9 $PPID ;;
esac
exit 1
""", name)

    def at(self, number, way):
        """At call `number`, from 1."""
        oddities.write(self.plan, f'{number} {way}\n'.encode())

    def struck(self):
        with open(self.plan, encoding='utf-8') as f:
            return int(f.read().split()[0]) <= 0


class Holder:
    """A process that keeps something of a dataset busy: an open file, or its working folder."""

    def __init__(self, *, file=None, cwd=None):
        argv = ['sleep', '600']
        if file:
            argv = ['sh', '-c', 'exec 9<"$0"; exec sleep 600', file]
        self.child = subprocess.Popen(  # pylint: disable=consider-using-with  # ended by close()
            argv, cwd=cwd, stdin=subprocess.DEVNULL)
        held = f'/proc/{self.child.pid}/fd/9' if file else f'/proc/{self.child.pid}/cwd'
        wait_for('holding', lambda: os.path.exists(held) and self.command == 'sleep')

    @property
    def command(self):
        with open(f'/proc/{self.child.pid}/comm', encoding='utf-8') as f:
            return f.read().strip()

    @property
    def pid(self):
        return self.child.pid

    def close(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
