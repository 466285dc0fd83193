# SPDX-License-Identifier: Apache-2.0
"""Extract writes nothing outside its target, whatever stands there and whatever the container says.
Every case is run with -f and without, with openat2 and without (NO_OPENAT2, the second argument, is the
program that takes it away), with one thread and several. What is refused and what is replaced may depend
on the case; what is outside never changes."""
import ctypes
import os
import sys
import threading
import time

import compare
import harness
from harness import check, need_root, run, say

RENAME_EXCHANGE = 2
AT_FDCWD = -100
NO_OPENAT2 = os.path.abspath(sys.argv.pop(2)) if len(sys.argv) > 2 and os.path.isfile(sys.argv[2]) else None


def write(path, text='', mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)
    os.chmod(path, mode)


def wrappers():
    yield 'openat2', []
    if NO_OPENAT2 and run([NO_OPENAT2, '/bin/true'], expect=None).code == 0:
        yield 'no openat2', [NO_OPENAT2]
    else:
        say('SKIP in part: openat2 cannot be taken away here')


class Place:
    """A target with an outside beside it, whose state is known."""

    def __init__(self, lab):
        self.lab = lab
        self.root = lab / 'place'
        self.target, self.outside = self.root + '/target', self.root + '/outside'

    def renew(self):
        harness.remove(self.root)
        os.makedirs(self.target)
        write(self.outside + '/victim', 'precious', 0o600)
        write(self.outside + '/dir/kept', 'precious too')
        os.chmod(self.outside + '/dir', 0o700)
        os.mkfifo(self.outside + '/fifo', 0o600)
        for path in (self.outside + '/victim', self.outside + '/dir', self.outside):
            os.utime(path, (1, 1))
        self.before = self.state()

    def state(self):
        """All of outside: names, modes, owners, times, links, contents, xattrs."""
        rows = compare.listing(self.outside) + compare.xattrs(self.outside)
        for folder, _, names in os.walk(self.outside):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, 'rb') as f:
                        rows.append(f.read())
        return rows

    def check_outside(self, what, links_changed=False):
        after = self.state()
        if links_changed:  # the number of links of victim is what the case itself changes
            strip = lambda rows: [b'\t'.join(r.split(b'\t')[:7]) for r in rows]
            check(strip(after) == strip(self.before), what, 'changed what is outside')
        else:
            check(after == self.before, what, 'changed what is outside:',
                  compare.lines_that_differ(self.before, after))


def make_container(lab):
    """A tree whose parts are in the way of what the targets below hold."""
    source = lab / 'source'
    write(source + '/dir/file', 'from the container', 0o4755)
    write(source + '/dir/deeper/file', 'from the container')
    write(source + '/file', 'from the container', 0o777)
    write(source + '/twin-a', 'linked')
    os.link(source + '/twin-a', source + '/twin-b')
    os.symlink('../outside/victim', source + '/link')
    os.symlink(lab / 'place/outside/dir', source + '/link-to-dir')
    os.mkfifo(source + '/fifo')
    if os.geteuid() == 0:
        os.setxattr(source + '/link', 'trusted.bfc', b'on the link', follow_symlinks=False)
        os.chown(source + '/link', 1000, 1000, follow_symlinks=False)
        os.mknod(source + '/device', 0o20600, os.makedev(1, 3))
    os.utime(source + '/link', (5, 5), follow_symlinks=False)
    os.utime(source + '/link-to-dir', (5, 5), follow_symlinks=False)
    lab.bfc('create', lab / 'x.bfc', source)
    return source


def link(name, to):
    return lambda target: os.symlink(to, os.path.join(target, name))


def nested_link(target):
    os.mkdir(target + '/dir')
    os.symlink('../../outside', target + '/dir/deeper')


def hard_link(name):
    return lambda target: os.link(os.path.join(target, '../outside/victim'), os.path.join(target, name))


def fifo(name):
    return lambda target: os.mkfifo(os.path.join(target, name))


def folder(name):
    def make(target):
        os.mkdir(os.path.join(target, name))
        os.symlink('../../outside/dir', os.path.join(target, name, 'way-out'))
    return make


# What stands in the target: (name, how it is made, is it in the way at all).
CASES = [
    ('nothing', lambda target: None, False),
    ('folder is a relative link', link('dir', '../outside'), True),
    ('folder is an absolute link', lambda t: os.symlink(os.path.dirname(t) + '/outside', t + '/dir'), True),
    ('folder is a link to the target itself', link('dir', '.'), True),
    ('folder is a dangling link', link('dir', '../outside/not-there'), True),
    ('folder is a link to a file', link('dir', '../outside/victim'), True),
    ('folder further down is a link', nested_link, True),
    ('file is a link to a file', link('file', '../outside/victim'), True),
    ('file is a dangling link', link('file', '../outside/not-there'), True),
    ('file is a link to a folder', link('file', '../outside/dir'), True),
    ('file is a link to a FIFO', link('file', '../outside/fifo'), True),
    ('file is a magic link', link('file', '/proc/self/fd/1'), True),
    ('file is a FIFO', fifo('file'), True),
    ('file is a folder', folder('file'), True),
    ('file is a hard link to outside', hard_link('file'), True),
    ('first hard link is a link', link('twin-a', '../outside/victim'), True),
    ('second hard link is a link', link('twin-b', '../outside/victim'), True),
    ('hard link is a hard link to outside', hard_link('twin-b'), True),
    ('link is a link to a folder', link('link', '../outside/dir'), True),
    ('link is a hard link to outside', hard_link('link'), True),
    ('link is a folder with a way out', folder('link'), True),
    ('FIFO is a link', link('fifo', '../outside/victim'), True),
    ('folder is a hard link to outside', hard_link('dir'), True),
]


def test_targets_with_a_way_out(lab):
    place = Place(lab)
    source = make_container(lab)
    tried = 0
    for how, wrapper in wrappers():
        lab.wrapper = wrapper
        for what, make, in_the_way in CASES:
            for options in (['-f', '-j1'], ['-f', '-j4'], ['-j1'], []):
                label = f'{what} ({how}, {" ".join(options) or "no options"})'
                place.renew()
                make(place.target)
                if 'hard link to outside' in what:
                    place.before = place.state()
                result = lab.bfc('extract', lab / 'x.bfc', '-C', place.target, *options,
                                 expect=None)
                place.check_outside(label, links_changed='hard link to outside' in what)
                check(result.code in (0, 1), label, result.shown())
                if in_the_way and '-f' not in options:
                    check(result.code == 1, label, 'was not refused')
                if '-f' in options and result.code == 0:
                    compare.same_by_rsync(source, place.target)
                if not in_the_way:
                    check(result.code == 0, label, result.shown())
                tried += 1
    say(f'{tried} extractions, nothing outside changed')


def test_single_paths_through_a_link(lab):
    place = Place(lab)
    make_container(lab)
    for how, wrapper in wrappers():
        lab.wrapper = wrapper
        for options in ([], ['-f']):
            place.renew()
            os.symlink('../outside', place.target + '/dir')
            result = lab.bfc('extract', lab / 'x.bfc', 'dir/deeper/file', '-C', place.target, *options,
                             expect=None)
            place.check_outside(f'one path ({how}, {options})')
            check(result.code in (0, 1), result.shown())
        place.renew()
        for path in ('../outside/victim', 'dir/../../outside/victim', '..', 'link/../victim'):
            result = lab.bfc('extract', lab / 'x.bfc', path, '-C', place.target, expect=(1, 2, 4))
            place.check_outside(path)
            check(os.listdir(place.target) in ([], ['dir']), path, os.listdir(place.target))


def test_target_given_as_a_link(lab):
    """The target is the user's word: a link there is followed. Only what is below is not trusted."""
    source = make_container(lab)
    os.mkdir(lab / 'real')
    os.symlink('real', lab / 'named')
    lab.bfc('extract', lab / 'x.bfc', '-C', lab / 'named')
    compare.same_by_rsync(source, lab / 'real')


def test_links_that_later_commits_replace(lab):
    """A link in one commit, a folder of that name in the next, and back: each extracted over the other."""
    place = Place(lab)
    write(lab / 'one/a/evil', 'from the container')
    os.mkdir(lab / 'two')
    os.symlink('../outside', lab / 'two/a')
    lab.bfc('create', lab / 'x.bfc', 'a', '-C', lab / 'two')
    lab.bfc('append', lab / 'x.bfc', 'a', '-C', lab / 'one')
    lab.bfc('append', lab / 'x.bfc', 'a', '-C', lab / 'two')
    for how, wrapper in wrappers():
        lab.wrapper = wrapper
        place.renew()
        for at in ('1', '2', '3', '2', '1'):
            result = lab.bfc('extract', '-f', lab / 'x.bfc', '--at', at, '-C', place.target, expect=(0, 1))
            place.check_outside(f'commit {at} ({how})')
            is_link = os.path.islink(place.target + '/a')
            if result.code == 1:  # a folder that is not empty is not replaced
                check(at != '2' and not is_link, result.shown())
                harness.remove(place.target + '/a')
            else:
                check(is_link == (at != '2'), f'commit {at}: a is {"a link" if is_link else "no link"}')


def swap_forever(a, b, stop):
    libc = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(a), os.fsencode(b)
    while not stop.is_set():
        if libc.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) != 0:
            return


def test_folder_swapped_for_a_link_meanwhile(lab):
    """Somebody exchanges a folder of the target and a link to the outside all the time."""
    place = Place(lab)
    for d in range(8):
        for i in range(150):
            write(lab / f'source/a/b{d}/{i}', f'{i}')
    lab.bfc('create', lab / 'x.bfc', lab / 'source')
    for how, wrapper in wrappers():
        lab.wrapper = wrapper
        rounds, done, end = 0, 0, time.monotonic() + 6
        while time.monotonic() < end:
            place.renew()
            os.makedirs(place.target + '/a/b3')
            victim = place.outside + '/dir'
            inner = ('/a', '/a/b3')[rounds % 2]
            os.symlink(victim, place.root + '/swap')
            stop = threading.Event()
            thread = threading.Thread(target=swap_forever, daemon=True,
                                      args=(place.target + inner, place.root + '/swap', stop))
            thread.start()
            result = lab.bfc('extract', *(['-f'] if rounds % 3 else []), lab / 'x.bfc', '-C', place.target,
                             expect=None)
            stop.set()
            thread.join()
            place.check_outside(f'round {rounds} ({how})')
            check(result.code in (0, 1, 4), result.shown())
            done += result.code == 0
            rounds += 1
        say(f'{how}: {rounds} rounds, {done} extracted, the others gave up; nothing outside changed')


def test_set_attributes_stay_on_links(lab):
    """Owner, time and xattr of a stored link are set on the link, not on what it names."""
    need_root('set owners')
    place = Place(lab)
    source = make_container(lab)
    for how, wrapper in wrappers():
        lab.wrapper = wrapper
        place.renew()
        lab.bfc('extract', lab / 'x.bfc', '-C', place.target)
        place.check_outside(f'links ({how})')
        compare.same_tree(source, place.target)


def test_nothing_waits_for_a_fifo_outside(lab):
    """Opening a FIFO that a link in the target names would wait for ever."""
    place = Place(lab)
    make_container(lab)
    for how, wrapper in wrappers():
        lab.wrapper = wrapper
        for name in ('file', 'dir', 'twin-a', 'twin-b', 'link'):
            place.renew()
            os.symlink('../outside/fifo', os.path.join(place.target, name))
            start = time.monotonic()
            lab.bfc('extract', '-f', lab / 'x.bfc', '-C', place.target, expect=None)
            check(time.monotonic() - start < 20, f'{name} waited ({how})')
            place.check_outside(f'{name} ({how})')


if __name__ == '__main__':
    harness.main(globals(), shares=2)
