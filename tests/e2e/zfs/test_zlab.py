# SPDX-License-Identifier: Apache-2.0
"""The tests of ZFS clean up behind themselves, also behind what was killed; a test that leaves a pool would take
the next ones with it."""
import os
import shutil
import signal
import subprocess
import sys
import time

import zlab  # first: it says where the others are
import harness
from harness import check, run
from zlab import Holder, Killer, Wrapper, ZLab, mounts, wait_for


def fill(z):
    z.zfs('create', z.root)
    z.zfs('create', '-o', 'bfc:image=a:1', z.root + '/a:1')
    with open(z.path + '/images/a:1/file', 'w', encoding='utf-8') as f:
        f.write('content')
    z.zfs('snapshot', z.root + '/a:1@one')


def test_pool(lab):
    z = ZLab(lab)
    fill(z)
    check(z.datasets() == ['a:1'] and z.snapshots(z.root + '/a:1') == ['one'], z.datasets())
    check(z.props(z.root + '/a:1') == {'image': 'a:1'} and not z.props(z.root))
    check(z.mounted(z.root + '/a:1') == z.path + '/images/a:1')
    z.set('bfc:x', 'tab\tline\nend', z.root)
    check(z.get('bfc:x', z.root) == 'tab\tline\nend')
    for end in lab.at_end:
        end()
    check(not zlab.mounts() and z.zpool('list', z.pool, expect=None).code != 0, 'it is there still')
    check(os.listdir(z.path) == [], 'a file is left')


def test_spaces(lab):
    z = ZLab(lab, mountpoint='pool of many words')
    fill(z)
    check((z.root + '/a:1', lab / 'pool of many words/images/a:1') in mounts(), mounts())


def test_busy(lab):
    z = ZLab(lab)
    fill(z)
    with Holder(file=z.path + '/images/a:1/file'), Holder(cwd=z.path + '/images/a:1') as holder:
        check(holder.command == 'sleep')
        check(z.zfs('unmount', z.root + '/a:1', expect=None).code != 0, 'it is not busy')
        z.destroy()
        check(not mounts(), mounts())
    again = ZLab(lab)
    fill(again)


def test_daemon_killed(lab):
    """What is mounted is dead; the next test has a new one."""
    z = ZLab(lab)
    fill(z)
    run(['sync', '-f', z.path + '/images/a:1'])
    zlab.SERVICE.kill()
    check(run(['ls', z.path + '/images/a:1'], expect=None).code != 0, 'it answers')
    check(z.zfs('list', expect=None).code != 0)
    z.destroy()
    check(not mounts(), mounts())
    again = ZLab(lab)
    fill(again)


def test_power_cut(lab):
    z = ZLab(lab)
    fill(z)
    run(['sync', '-f', z.path + '/images/a:1'])
    z.power_cut()
    with open(z.path + '/images/a:1/file', encoding='utf-8') as f:
        check(f.read() == 'content')


def child_with_pool():
    """What test_program_killed starts, and kills: says the daemon's process, and waits."""
    fill(ZLab(harness.Lab('', sys.argv[2])))
    print(0 if zlab.KERNEL else zlab.SERVICE.child.pid, flush=True)
    time.sleep(600)


def test_program_killed(lab):
    """Nothing is left of it, and the next one can run."""
    ZLab(lab, mountpoint='other')  # skips where it must
    for _ in range(2):
        with subprocess.Popen([sys.executable, os.path.abspath(__file__), '--child', lab.path],
                              stdout=subprocess.PIPE) as child:
            daemon = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
        wait_for('the daemon', lambda pid=daemon: not pid or not os.path.exists(f'/proc/{pid}'))
        check(not [m for m in mounts() if m[0].startswith(f'{zlab.POOL}{child.pid}x')], mounts())
        shutil.rmtree(lab / 'pool')
    if zlab.KERNEL:
        zlab.SERVICE.ready = False
        ZLab(lab, mountpoint='next')
        check(str(child.pid) not in run(['zpool', 'list', '-H', '-o', 'name']).text, 'its pool is there still')


def test_wrapper(lab):
    z, wrapper = ZLab(lab), Wrapper(lab)
    run(['zfs', 'list', '-o', 'name', z.pool], env=wrapper.env)
    run(['zpool', 'list', 'a\nb', ''], env=wrapper.env, expect=None)
    check(wrapper.calls() == [['zfs', 'list', '-o', 'name', z.pool], ['zpool', 'list', 'a\nb', '']])
    check(not wrapper.calls())


def test_killer(lab):
    z, killer = ZLab(lab), Killer(lab)
    script = 'zfs create "$0"/one; zfs create "$0"/two; zfs create "$0"/three; true'
    run(['sh', '-c', script, z.pool], env=killer.env)
    check(z.datasets(z.pool) == ['one', 'three', 'two'])
    for way, want in (('before', ['one']), ('after', ['one', 'two']), ('during', ['one', 'two'])):
        for name in z.datasets(z.pool):
            z.zfs_soon('destroy', f'{z.pool}/{name}')
        killer.at(2, way)
        run(['sh', '-c', script, z.pool], env=killer.env, expect=-signal.SIGKILL)
        check(killer.struck())
        wait_for(way, lambda want=want: z.datasets(z.pool) == want)
        time.sleep(0.2)
        check(z.datasets(z.pool) == want, way, z.datasets(z.pool))
    killer.at(4, 'before')
    run(['sh', '-c', script, z.pool], env=killer.env)
    check(not killer.struck())


if __name__ == '__main__':
    if '--child' in sys.argv:
        child_with_pool()
    harness.main(globals())
