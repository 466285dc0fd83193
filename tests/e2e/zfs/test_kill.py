# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every step of what changes a store: before and after each command with which bfc changes something, while
some of them run, and at any time. Then prune and list: every image is the old one or the new one, every container can
be read, and nothing is left.

A command of ZFS takes a while, and a kill needs a few dozen of them around it. So each kill has an image of its own,
and one prune and one look at the pool do for all of them. A run takes a tenth of the steps, another tenth the next day;
BFC_TEST_EVERYTHING=1 takes all (share.py)."""
import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import zlab  # first: it says where the others are
import harness
import share
from harness import MIB, check, run, say
from making import Layout, settle, write
from trees import mark_of, noise, plain_tree
from zlab import Killer, Wrapper, ZLab, wait_for

CHANGES = {'create', 'set', 'snapshot', 'rename', 'unmount', 'mount', 'clone', 'promote', 'destroy', 'inherit'}
DURING = {'rename', 'promote', 'destroy', 'clone'}
AT_ONCE = 1  # with more, the threads of zfs-fuse 0.7 come to wait for each other for good, now and then
RANDOM_KILLS = 1
SHARES = 10
BUSY_SECONDS = 120


def small_tree(root, mark):
    write(root + '/etc/mark', mark.encode())
    write(root + '/noise', noise(mark, 5000))
    settle(root)
    return root


def points(calls):
    """[(number, way)]: of several `set` in a row the first and the last stand for all. A call that changes nothing is
    passed by, and what is before a call is what was after the one before it, if that changed something."""
    verbs, found = [call[1] for call in calls], []
    for i, verb in enumerate(verbs):
        beside = verbs[i - 1:i] + verbs[i + 1:i + 2]
        if verb not in CHANGES or (verb == 'set' and beside == ['set', 'set']):
            continue
        if i == 0 or verbs[i - 1] != 'set' or verb != 'set':
            found.append((i + 1, 'before'))
        if verb in DURING:
            found.append((i + 1, 'during'))
        if i + 1 == len(verbs) or verbs[i + 1] not in CHANGES or verb in ('create', 'snapshot'):
            found.append((i + 1, 'after'))
    return found


def todays(found):
    """A kill takes seconds here."""
    return list(share.todays(found, min(SHARES, len(found))))


def killer_at(lab, number, way, name):
    killer = Killer(lab, name)
    killer.at(number, way)
    return killer


class Whole:
    """Any container that is whole will do: its digest depends on which image was there to begin with."""

    def __init__(self, may_lack):
        self.may_lack = may_lack

    def __contains__(self, digest):
        return digest is not None or self.may_lack


class Victim:
    """An image on which a command is killed, and what was done to it."""

    def __init__(self, scene, number):
        self.number, self.name, self.dataset = number, f'app:{number}', f'{scene.z.containers}/c{number}-'
        self.done, self.label = False, 'to its end'


class Scene:
    """A store, a command that is killed on one image after the other, and what must hold afterwards.

    prepare(victim) makes what the command needs; words(victim) is the command. wanted(victim) tells which digests the
    image may have then, None among them where it may be missing. Every container that is noted must be there as it
    was; targets(victim) are those that may be there."""

    def __init__(self, lab, beside=True):
        self.lab, self.z, self.marks = lab, ZLab(lab), {}
        self.old, self.new = small_tree(lab / 'old', 'old'), small_tree(lab / 'new', 'new')
        self.z.zfs('create', self.z.containers)
        self.others = {}  # nothing that is killed concerns these
        if beside:
            self.others['beside:1'] = self.create('beside:1', self.old)
            self.container('beside:1', self.z.containers + '/beside', 'old')

    def create(self, name, source, *options):
        self.z('create', '--reproducible', *options, name, source)
        return self.z.digest(name)

    def container(self, image, dataset, mark):
        self.z('extract', image, dataset)
        self.marks[dataset] = mark

    def start(self, words, env=None):
        return subprocess.Popen([self.lab.bfc_path, '--store', self.z.store, 'image', *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                env=dict(os.environ, LC_ALL='C', **(env or {})))

    # ── Killing ──

    def kill_at(self, victim, prepare, words, point):
        prepare(victim)
        killer = killer_at(self.lab, *point, f'killer-{victim.number}')
        child = self.start(words(victim), killer.env)
        _, err = child.communicate(timeout=BUSY_SECONDS)
        victim.done = not killer.struck()  # it can do with fewer calls, where nothing is busy for a moment
        victim.label = f'{words(victim)[0]}, {point[1]} call {point[0]}, {killer.calls()[-1:]}'
        check(child.returncode == (0 if victim.done else -signal.SIGKILL), victim.label, child.returncode, err)

    def kill_after(self, victim, prepare, words, seconds):
        prepare(victim)
        child = self.start(words(victim))
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
        _, err = child.communicate()
        victim.done, victim.label = child.returncode == 0, f'{words(victim)[0]}, killed after {seconds:.3f} s'
        check(child.returncode in (0, -signal.SIGKILL), victim.label, child.returncode, err)

    def everywhere(self, prepare, words, wanted, targets=lambda victim: {}, again=None, unpruned=None):
        """again(victim) does afterwards what must be possible whatever was left, unpruned(victim) to every other one
        before the prune."""
        first = Victim(self, 0)
        prepare(first)
        wrapper = Wrapper(self.lab)
        seconds = self.z(*words(first), env=wrapper.env).seconds
        first.done = True
        at, chosen = random.Random(seconds), todays(points(wrapper.calls()))
        times = [at.uniform(0.05, 1.5) * seconds for _ in range(RANDOM_KILLS)]
        victims = [Victim(self, 1 + i) for i in range(len(chosen) + len(times))]
        jobs = [(self.kill_at, v, point) for v, point in zip(victims, chosen)]
        jobs += [(self.kill_after, v, time_) for v, time_ in zip(victims[len(chosen):], times)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for job in [pool.submit(how, v, prepare, words, where) for how, v, where in jobs]:
                job.result()
        kills = sum(not v.done for v in victims)
        say(f'{words(first)[0]}: {len(chosen)} points, killed {kills} times')
        check(kills >= len(chosen) // 2, 'was hardly killed')
        self.settle()
        for victim in victims[::2] if unpruned else ():
            unpruned(victim)
        self.check_all([first, *victims], wanted, targets)
        if again:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(again, victims))

    # ── Looking ──

    def settle(self):
        """What a command that outlived bfc does is done: the pool looks the same for a while."""
        seen = None
        while seen != (now := self.z.everything()):
            seen = now
            time.sleep(0.3)

    def check_all(self, victims, wanted, targets=lambda victim: {}):
        self.settle()
        before = self.z.listed()  # also without a prune nothing is seen that is not there
        self.z('prune')
        after = self.z.json('list')
        check(after['damaged'] == 0, after)
        check(self.z.listed() == before, 'prune changes the list', before, after)
        there = {image['name']: image['root_digest'] for image in after['images']}
        for victim in victims:
            check(there.get(victim.name) in wanted(victim), victim.label, 'left', victim.name, 'as',
                  there.get(victim.name), 'wanted', wanted(victim))
        for name, digest in self.others.items():
            check(there.get(name) == digest, 'the image', name, 'was changed')
        check(set(there) <= {v.name for v in victims} | set(self.others), 'images are left:', there)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda name: self.z('verify', '--deep', name), there))  # their properties, too
        for dataset, mark in self.marks.items():
            check(mark_of(self.folder(dataset)) == mark, 'a container was changed:', dataset)
        may = {dataset: (v, mark) for v in victims for dataset, mark in targets(v).items()}
        for dataset in (f'{self.z.containers}/{d}' for d in self.z.datasets(self.z.containers)):
            if dataset not in self.marks:
                check(dataset in may, 'left', dataset)
                if not self.z.mounted(dataset):  # killed right after its rename: whole, and to be mounted by its owner
                    self.z.zfs_soon('mount', dataset)
                check(mark_of(self.folder(dataset)) == may[dataset][1], may[dataset][0].label, 'left half of', dataset)
        self.check_nothing_left(there)

    def folder(self, dataset):
        return self.z.path + dataset[len(self.z.pool):]

    def check_nothing_left(self, images):
        z, rows = self.z, [line.split('\t') for line in self.z.everything()]
        origins, names = {row[1] for row in rows}, {row[0] for row in rows}
        check(not z.work(), 'left work:', z.work())
        locks = f'{z.path}/images/.bfc-work/.lock'
        check(not os.path.isdir(locks) or os.listdir(locks) == [], 'left locks:', locks)
        for name, digest in images.items():
            check(os.listdir(os.path.dirname(z.file(name))) in ([f'{name}.bfc'], ['rootfs', f'{name}.bfc'],
                                                                [f'{name}.bfc', 'rootfs']), 'left files:', name)
            check(f'{z.root}/{name}@bfc-{digest[:12]}' in names, 'no snapshot of', name)
        for name, _, mounted, image, *_ in rows:
            dataset, _, snapshot = name.partition('@')
            if snapshot and dataset.startswith((z.containers, z.root)):  # also a version that a promotion moved
                own = dataset[len(z.root) + 1:].split('/')[0] if dataset.startswith(z.root) else None
                check(image == own or name in origins, 'left', name)
            elif '/rootfs' in name:
                check(any(o.startswith(name + '@') for o in origins), 'left', name)
            elif not snapshot:
                check(mounted == 'yes' and z.mounted(name), 'left unmounted:', name)


def nothing(_victim):
    pass


def test_create(lab):
    s = Scene(lab)
    s.others['probe:1'] = new = s.create('probe:1', s.new)

    def unpruned(v):
        s.z('create', '-f', '--reproducible', v.name, s.new)
        v.done = True

    s.everywhere(nothing, lambda v: ['create', '--reproducible', v.name, s.new],
                 lambda v: [new] if v.done else [None, new], unpruned=unpruned)


def test_create_in_an_empty_pool(lab):
    """With the store itself, as far as it is made by then."""
    s = Scene(lab, beside=False)
    for number in (1, 2):
        for way in ('before', 'after'):
            child = s.start(['create', '--reproducible', 'app:1', s.new],
                            killer_at(lab, number, way, f'killer-{number}-{way}').env)
            child.communicate(timeout=BUSY_SECONDS)
            check(child.returncode == -signal.SIGKILL, number, way, child.returncode)
    s.z('prune')
    s.others['app:1'] = s.create('app:1', s.new)
    s.check_all([], nothing)


def test_create_on_a_base(lab):
    s, layout = Scene(lab), little_family(lab)
    s.others['base:1'] = s.create('base:1', layout.source('base'))
    s.others['one:1'] = s.create('one:1', layout.source('one'))
    s.everywhere(nothing, lambda v: ['create', '--reproducible', v.name, layout.source('one')],
                 lambda v: Whole(may_lack=not v.done))


def little_family(lab, number=0):
    layout = Layout(lab, f'family-{number}')
    layout.new('base')
    layout.step('base', lambda root: write(root + '/base', noise(number, 20000)))
    layout.tag('base', 'one')
    layout.step('one', lambda root: write(root + '/own', noise(2, 5000)))
    return layout


def digests(s):
    """Of the two trees."""
    s.others['probe:1'], s.others['probe:2'] = s.create('probe:1', s.old), s.create('probe:2', s.new)
    return s.others['probe:1'], s.others['probe:2']


def test_replace(lab):
    """create -f, some with a container that runs on the old content."""
    s = Scene(lab)
    old, new = digests(s)

    def prepare(v):
        s.z('create', '--reproducible', v.name, s.old)
        if v.number % 3 == 0:
            s.container(v.name, v.dataset + 'running', 'old')

    s.everywhere(prepare, lambda v: ['create', '-f', '--reproducible', v.name, s.new],
                 lambda v: [new] if v.done else [old, new])


def test_rollback(lab):
    s = Scene(lab)
    old, new = digests(s)

    def prepare(v):
        s.z('create', '--reproducible', v.name, s.old)
        s.z('create', '-f', '--reproducible', v.name, s.new)
        if v.number % 3 == 0:
            s.container(v.name, v.dataset + 'running', 'new')

    def no_version_is_lost(v):
        told = {version['root_digest'] for version in s.z.json('history', v.name)['versions']}
        check(told == {old, new}, v.label, 'a version is lost:', told)

    s.everywhere(prepare, lambda v: ['rollback', v.name, old], lambda v: [old] if v.done else [old, new],
                 again=no_version_is_lost)


def test_extract_first(lab):
    """With the template to be made."""
    s = Scene(lab)
    _, new = digests(s)

    def again(v):
        s.container(v.name, v.dataset + 'after', 'new')
        check(mark_of(s.folder(v.dataset + 'after')) == 'new', v.label)

    s.everywhere(lambda v: s.z('create', '--reproducible', v.name, s.new),
                 lambda v: ['extract', v.name, v.dataset + 'c'], lambda v: [new],
                 targets=lambda v: {v.dataset + 'c': 'new'}, again=again)


def test_extract_of_a_version(lab):
    """The template of an older version, with a container, is in the way."""
    s = Scene(lab)
    _, new = digests(s)

    def prepare(v):
        s.z('create', '--reproducible', v.name, s.old)
        s.container(v.name, v.dataset + 'running', 'old')
        s.z('create', '-f', '--reproducible', v.name, s.new)

    s.everywhere(prepare, lambda v: ['extract', v.name, v.dataset + 'c'], lambda v: [new],
                 targets=lambda v: {v.dataset + 'c': 'new'})


def test_extract_clone(lab):
    s = Scene(lab)
    _, new = digests(s)
    s.container('probe:2', s.z.containers + '/first', 'new')
    s.everywhere(nothing, lambda v: ['extract', 'probe:2', v.dataset + 'c'], lambda v: [None],
                 targets=lambda v: {v.dataset + 'c': 'new'})


def test_extract_copy(lab):
    """A dataset that was not finished is gone."""
    s = Scene(lab)
    digests(s)
    s.everywhere(nothing, lambda v: ['extract', '--copy', 'probe:2', v.dataset + 'c'], lambda v: [None],
                 targets=lambda v: {v.dataset + 'c': 'new'})


def test_delete(lab):
    """With a container, which is promoted, or two, which stand on each other then."""
    s = Scene(lab)
    _, new = digests(s)

    def prepare(v):
        s.z('create', '--reproducible', v.name, s.new)
        for name in ('1', '2')[v.number % 2:]:
            s.container(v.name, v.dataset + name, 'new')

    s.everywhere(prepare, lambda v: ['delete', v.name], lambda v: [None] if v.done else [None, new])


def test_delete_of_a_base(lab):
    """With two versions, on the last of which another image stands."""
    s, bases = Scene(lab), {}

    def prepare(v):
        layout = little_family(lab, v.number)
        s.z('create', '--reproducible', v.name, s.old)
        bases[v.name] = s.create(v.name, layout.source('base'), '-f')
        s.others[v.name + '-one'] = s.create(v.name + '-one', layout.source('one'))
        check(s.z.origin(f'{s.z.root}/{v.name}-one').startswith(f'{s.z.root}/{v.name}@'), v.name, 'is no base')

    def no_version_is_lost(v):
        if v.name in s.z.listed():
            check(len(s.z.json('history', v.name)['versions']) == 2, v.label, 'a version is lost')

    s.everywhere(prepare, lambda v: ['delete', v.name], lambda v: [None] if v.done else [None, bases[v.name]],
                 again=no_version_is_lost)


def test_tag(lab):
    s = Scene(lab)
    old, _ = digests(s)
    s.everywhere(nothing, lambda v: ['tag', 'probe:1', v.name], lambda v: [old] if v.done else [None, old])


def test_prune(lab):
    """It is killed itself, again and again, with all kinds of leftovers before it."""
    s = Scene(lab)
    old, new = digests(s)
    s.z('create', '--reproducible', 'replaced:1', s.old)
    s.z('extract', 'replaced:1', s.z.containers + '/gone')
    s.z.zfs_soon('destroy', s.z.containers + '/gone')  # its template is of no use
    for i, words in enumerate((['create', '--reproducible', 'half:1', s.new],
                               ['create', '-f', '--reproducible', 'replaced:1', s.new])):
        wrapper = Wrapper(lab, name=f'wrapper-{i}')
        copy = [word.replace(':1', ':2') for word in words]
        if i:
            s.z('create', '--reproducible', 'replaced:2', s.old)
        s.z(*copy[:-1], s.new, env=wrapper.env)
        verbs = [call[1] for call in wrapper.calls()]
        middle = verbs.index('set') + 3
        if 'rename' in verbs:  # after which the image is there
            middle = min(middle, verbs.index('rename'))
        s.start(words, killer_at(lab, middle, 'after', f'killer-{i}').env).communicate()
    number, done = 0, False
    while not done:
        number += 1
        killer = killer_at(lab, number, 'after', f'prune-{number}')
        child = s.start(['prune'], killer.env)
        child.communicate(timeout=BUSY_SECONDS)
        done = not killer.struck()
    check(number > 5, 'prune was not killed')
    s.others.update({'replaced:1': new, 'replaced:2': new, 'half:2': new})
    s.check_all([], nothing)


def test_two_at_once(lab):
    """Who creates what another one creates is told so; after a kill of that one it is free."""
    s = Scene(lab)
    large = plain_tree(lab / 'large', 'large', 60 * MIB)
    child = s.start(['create', 'app:1', large])
    wait_for('work', lambda: s.z.work() or child.poll() is not None)
    result = s.z('create', 'app:1', s.new, expect=(1, 6))
    check(result.code == 6 or child.poll() is not None, result.shown())
    s.z('prune')
    check(child.poll() is not None or s.z.work(), 'prune took work that goes on')
    child.kill()
    child.communicate()
    s.others['app:1'] = s.create('app:1', s.new, '-f')
    s.check_all([], nothing)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
