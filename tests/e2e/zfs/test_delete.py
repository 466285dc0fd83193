# SPDX-License-Identifier: Apache-2.0
"""Deleting breaks no container and no image: what stands on the deleted one is promoted. What somebody uses is named
with who uses it."""
import os
import subprocess
import threading
import time

import zlab  # first: it says where the others are
import compare
import harness
from harness import MIB, check
from trees import family, plain_tree, same
from making import write
from zlab import Holder, ZLab, wait_for

BUSY = 6


def with_image(lab, *containers):
    z, tree = ZLab(lab), plain_tree(lab / 'tree')
    z('create', 'app:1', tree)
    for name in containers:
        z.container('app:1', name, '-p')
    return z, tree


def check_gone(z, *names):
    for name in names:
        check(name not in z.listed() and not z.exists(z.dataset(name)), name, 'is there still', z.datasets())
        z('info', name, expect=4)


def nothing_left(z):
    """Of the store are only its root, and the place for work."""
    left = [d for d in z.datasets() if d != '.bfc-work']
    check(not left, left)


def test_without_containers(lab):
    z, _ = with_image(lab)
    check(z('delete', 'app:1').text.startswith('deleted app:1'))
    check_gone(z, 'app:1')
    nothing_left(z)
    z('delete', 'app:1', expect=4)


def test_template_alone(lab):
    """A template that no container needs goes with the image."""
    z, _ = with_image(lab, 'c1')
    z.zfs_soon('destroy', z.containers + '/c1')
    z('delete', 'app:1')
    nothing_left(z)


def test_one_container(lab):
    z, tree = with_image(lab, 'c1')
    write(z.path + '/containers/c1/mine', b'mine')
    z('delete', 'app:1')
    check_gone(z, 'app:1')
    nothing_left(z)
    check(z.origin(z.containers + '/c1') == '-', 'it was not promoted')
    os.unlink(z.path + '/containers/c1/mine')
    compare.same_by_rsync(tree, z.path + '/containers/c1', options=['--omit-dir-times'])


def test_containers_in_use(lab):
    """They run on: with open files, and somebody whose root they are."""
    z, tree = with_image(lab, 'c1', 'c2', 'c3')
    where = [f'{z.path}/containers/c{i}' for i in (1, 2, 3)]
    with Holder(file=where[0] + '/usr/bin/app') as one, Holder(cwd=where[1] + '/etc') as two:
        z('delete', 'app:1')
        for holder in (one, two):
            check(holder.child.poll() is None, 'it was ended')
        for path in where:
            same(tree, path)
        check(os.path.samefile(f'/proc/{two.pid}/cwd', where[1] + '/etc'), 'it was mounted anew under a process')
    check_gone(z, 'app:1')
    nothing_left(z)
    origins = sorted(z.origin(f'{z.containers}/c{i}') for i in (1, 2, 3))
    check(origins[0] == '-' and all(o.startswith(z.containers) for o in origins[1:]), origins)
    z('create', 'app:1', tree)  # the name is free, and nothing of the old one is in the way
    same(tree, z.container('app:1', 'c4'))
    for i in (4, 3, 2, 1):
        dataset = f'{z.containers}/c{i}'
        if z.origin(dataset) != '-':
            z.zfs_soon('destroy', dataset)
    z('delete', 'app:1')


def test_containers_of_containers(lab):
    """A snapshot and clone that somebody made of a container are kept, too."""
    z, tree = with_image(lab, 'c1')
    z.zfs('snapshot', z.containers + '/c1@mine')
    z.zfs('clone', z.containers + '/c1@mine', z.containers + '/c2')
    z('delete', 'app:1')
    nothing_left(z)
    for name in ('c1', 'c2'):
        same(tree, f'{z.path}/containers/{name}')
    check('mine' in z.snapshots(z.containers + '/c1'), z.snapshots(z.containers + '/c1'))


def test_foreign_clones(lab):
    """A clone of the image's own dataset, and of a snapshot in it that is not ours."""
    z, _ = with_image(lab)
    z.zfs('snapshot', z.dataset('app:1') + '@mine')
    z.zfs('clone', z.dataset('app:1') + '@mine', z.pool + '/foreign')
    z.zfs('clone', f'{z.dataset("app:1")}@bfc-{z.short("app:1")}', z.pool + '/other')
    z('delete', 'app:1')
    nothing_left(z)
    for name in ('foreign', 'other'):
        check(os.listdir(f'{z.path}/{name}') == ['app:1.bfc'], os.listdir(f'{z.path}/{name}'))
        lab.bfc('verify', '--deep', f'{z.path}/{name}/app:1.bfc')


def test_base_of_others(lab):
    """The base goes, the images that stand on it stay; then one of them."""
    z, layout = ZLab(lab), family(lab, 6 * MIB, MIB)
    for ref in ('base', 'one', 'two'):
        z('create', ref, layout.source(ref))
    check(z.origin(z.dataset('one:latest')).startswith(z.dataset('base:latest') + '@'), 'it does not share')
    z.container('base', 'c1', '-p')
    z('delete', 'base')
    check_gone(z, 'base:latest')
    for ref in ('one', 'two'):
        z('verify', '--deep', ref)
        same(layout.unpack(ref), z.extract(ref))
    same(layout.unpack('base'), z.path + '/containers/c1')
    z('delete', 'one')
    z('verify', '--deep', 'two')
    same(layout.unpack('two'), z.extract('two'))
    z('delete', 'two')
    nothing_left(z)


def test_dry_run(lab):
    z, _ = with_image(lab, 'c1', 'c2')
    before = z.everything()
    told = z('delete', '--dry-run', 'app:1').text
    for word in ('promote', 'destroy', z.dataset('app:1')):
        check(word in told, word, 'is not in', told)
    check(f'{z.containers}/c1' in told or f'{z.containers}/c2' in told, told)
    check(z.json('delete', '-n', 'app:1')['deleted'][0]['name'] == 'app:1')
    check(z.everything() == before, 'something was changed:', compare.lines_that_differ(before, z.everything()))
    z('delete', '-n', 'none:1', expect=4)


def check_busy(z, holder, before):
    start = time.monotonic()
    result = z('delete', 'app:1', expect=BUSY)
    check(str(holder.pid) in result.message and 'sleep' in result.message, result.shown())
    check(time.monotonic() - start < 20, 'it waits')
    check(z.everything() == before, 'something was changed:', compare.lines_that_differ(before, z.everything()))
    z('verify', '--deep', 'app:1')


def test_busy(lab):
    """An open file, or a working folder, in the image's dataset; the containers stay as they are."""
    z, tree = with_image(lab, 'c1')
    before = z.everything()
    with Holder(file=z.file('app:1')) as holder:
        check_busy(z, holder, before)
    with Holder(cwd=os.path.dirname(z.file('app:1'))) as holder:
        check_busy(z, holder, before)
    told = z('--json', 'delete', 'none:1', expect=4)
    check(told.err, 'nothing is told')
    z('delete', 'app:1')
    same(tree, z.path + '/containers/c1')


def test_busy_one_of_several(lab):
    """The others go."""
    z, tree = with_image(lab)
    z('create', 'app:2', tree)
    z('create', 'app:3', tree)
    with Holder(file=z.file('app:2')):
        z('delete', 'app:1', 'app:2', 'app:3', expect=BUSY)
    check(z.listed() == ['app:2'], z.listed())


def test_wait(lab):
    z, tree = with_image(lab, 'c1')
    with Holder(file=z.file('app:1')) as holder:
        child = subprocess.Popen(  # pylint: disable=consider-using-with  # it is waited for below
            [lab.bfc_path, '--store', z.store, 'image', 'delete', '--wait', 'app:1'], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        time.sleep(2)
        check(child.poll() is None and 'app:1' in z.listed(), 'it does not wait')
        holder.close()
        out, err = child.communicate(timeout=60)
    check(child.returncode == 0, out, err)
    check_gone(z, 'app:1')
    same(tree, z.path + '/containers/c1')


def test_wait_can_be_ended(lab):
    z, _ = with_image(lab)
    with Holder(file=z.file('app:1')):
        child = subprocess.Popen(  # pylint: disable=consider-using-with  # it is waited for below
            [lab.bfc_path, '--store', z.store, 'image', 'delete', '--wait', 'app:1'], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        threading.Timer(1.5, child.terminate).start()
        child.communicate(timeout=60)
        check(child.returncode in (128 + 15, -15), child.returncode)
        z('verify', '--deep', 'app:1')
    z('delete', 'app:1')
    nothing_left(z)


def test_lazy(lab):
    """Gone from the list at once, and from the pool when it is free."""
    z, tree = with_image(lab, 'c1')
    with Holder(file=z.file('app:1')) as holder:
        z('delete', '--lazy', 'app:1')
        check('app:1' not in z.listed(), z.listed())
        z('info', 'app:1', expect=4)
        check(holder.child.poll() is None)
        z('prune')
        check(os.path.exists(f'/proc/{holder.pid}/fd/9'))
        if zlab.KERNEL:
            z('create', 'app:1', tree)  # the name is free
            z('verify', '--deep', 'app:1')
        else:  # zfs-fuse renames nothing that is in use
            z('create', 'app:1', tree, expect=6)
    wait_for('prune', lambda: z('prune') and not z.work() and (zlab.KERNEL or not z.exists(z.dataset('app:1'))))
    if not zlab.KERNEL:
        z('create', 'app:1', tree)
    z('verify', '--deep', 'app:1')
    same(tree, z.path + '/containers/c1')
    z('delete', '--lazy', 'app:1')  # nobody is in the way: like delete
    nothing_left(z)
    z('delete', '--lazy', 'app:1', expect=4)


def test_lazy_and_wait(lab):
    z, _ = with_image(lab)
    z('delete', '--lazy', '--wait', 'app:1', expect=2)
    check(z.listed() == ['app:1'])


def test_unknown(lab):
    z, _ = with_image(lab)
    for options in ([], ['--dry-run'], ['--wait'], ['--lazy']):
        result = z('delete', *options, 'none:1', expect=4)
        check("'none:1'" in result.message, result.shown())
    check(z.listed() == ['app:1'])


if __name__ == '__main__':
    harness.main(globals(), shares=3)
