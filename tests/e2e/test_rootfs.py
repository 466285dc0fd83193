# SPDX-License-Identifier: Apache-2.0
"""A real root file system, with file capabilities, setuid programs and devices, there and back.

debootstrap builds it from the mirror that this machine's apt uses, once: it is kept in $BFC_TEST_CACHE, or
where the tests run."""
import fcntl
import os
import subprocess

import compare
import harness
from harness import Skip, check, need, need_root, run, say

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = 'iputils-ping,libcap2-bin'


def debian_source():
    """The mirror and the release that apt is set up with."""
    words = run(['bash', '-c', '. scripts/lib.sh; debian_source'], cwd=CHECKOUT, expect=None).text.split()
    if len(words) != 2:
        raise Skip('apt names no mirror of this release (apt-get update may help)')
    return words


def build(cache):
    """One at a time: other tests want the same root file system."""
    need_root('run debootstrap')
    need('debootstrap')
    os.makedirs(cache, exist_ok=True)
    with open(cache + '/lock', 'w', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return build_alone(cache, *debian_source())


def build_alone(cache, mirror, suite):
    root, half = f'{cache}/rootfs-{suite}', f'{cache}/rootfs-{suite}.new'
    if os.path.isdir(root):
        return root
    say(f'debootstrap of {suite} into {root}')
    harness.remove(half)
    # With mounts of its own: a test that has its own, too, and began while /proc was mounted in here, would keep that.
    with open(half + '.log', 'wb') as log:
        done = subprocess.run(['unshare', '--mount', 'debootstrap', '--variant=minbase', f'--include={PACKAGES}',
                               suite, half, mirror],
                              stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    if done.returncode != 0:
        harness.remove(half)
        with open(half + '.log', encoding='utf-8', errors='replace') as log:
            raise Skip('debootstrap failed: ' + ' | '.join(log.read().splitlines()[-3:]))
    os.rename(half, root)
    return root


def test_root_file_system_there_and_back(lab):
    need('rsync', 'bsdtar', 'getfattr')
    root = build(os.environ.get('BFC_TEST_CACHE') or os.path.join(os.getcwd(), 'cache'))
    capable = [r for r in compare.xattrs(root) if b'security.capability' in r]
    check(capable, 'this root file system has no file capability')
    for label, options in (('defaults', []), ('not compressed', ['-c', 'none', '-j1'])):
        file, out = lab / 'root.bfc', lab / 'out'
        created = lab.bfc('create', '-f', file, root, *options)
        extracted = lab.bfc('extract', '--strict', file, '-C', out)
        compare.same_tree(root, out)
        say(f'- {label}: {compare.same_by_find(root, out)} entries, {len(capable)} with capabilities, '
            f'{os.path.getsize(file)} bytes; create {created.seconds:.2f} s, extract {extracted.seconds:.2f} s')
        lab.bfc('verify', '--deep', file)
        harness.remove(out)


def test_programs_run_from_what_came_out(lab):
    root = build(os.environ.get('BFC_TEST_CACHE') or os.path.join(os.getcwd(), 'cache'))
    lab.bfc('create', lab / 'root.bfc', root)
    lab.bfc('extract', lab / 'root.bfc', '-C', lab / 'out')
    caps = run(['chroot', lab / 'out', '/sbin/getcap', '-r', '/usr/bin', '/bin']).text
    check('cap_net_raw' in caps, 'getcap in the extracted tree sees:', caps)
    shown = run(['chroot', lab / 'out', '/usr/bin/dpkg', '--verify', 'coreutils']).text
    check(not shown.strip(), 'dpkg --verify finds:', shown)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
