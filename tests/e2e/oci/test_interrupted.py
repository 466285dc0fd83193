# SPDX-License-Identifier: Apache-2.0
"""Creating an image from a layout that ends before its end: killed, interrupted, or because the disk is full.
Nothing of the new image is seen, what was there stays, and what a kill leaves prune removes."""
import hashlib
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import compare
import harness
import hostile
from harness import MIB, check, need_root, run, say
from hostile import END, LAYER, entry, folder, header, tar
from hostile_place import GOOD, Place, rows_of, without_times

FILES, FILE_SIZE = 160, MIB


def large_layer():
    """160 MiB that no compression makes smaller."""
    yield folder('.') + folder('large')
    for i in range(FILES):
        yield header(f'large/{i}', size=FILE_SIZE) + random.Random(i).randbytes(FILE_SIZE)
    yield END


def large_image(place, *below):
    layout = place.layout()
    return layout.image(*below, layout.blob(large_layer(), LAYER), tar(entry('last', data=b'last')))


def work_size(store):
    """Bytes of what is under way."""
    return sum(os.lstat(os.path.join(path, name)).st_size
               for path, _, files in os.walk(store + '/.bfc-tmp') for name in files if os.path.exists(os.path.join(path, name)))


def start_and_send(place, layout, number, at, options=()):
    """Starts creating, sends the signal once so many bytes are written; returns (code, what it said, seconds that it
    took to end), or None if it was done before."""
    child = subprocess.Popen([place.lab.bfc_path, '--store', place.store, 'image', 'create', *options, 'bad',
                              'oci:' + layout.path],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL='C'))
    while child.poll() is None:
        try:
            if work_size(place.store) >= at:
                break
        except FileNotFoundError:
            pass
        time.sleep(0.002)
    child.send_signal(number)
    start = time.monotonic()
    out, err = child.communicate()
    check(not out, 'it says', out)
    return None if child.returncode == 0 else (child.returncode, err.decode(), time.monotonic() - start)


def check_second_create(place, layout, options=()):
    place.create(layout, *options)
    place.bfc('verify', '--deep', 'bad')
    target = f'{place.root}/whole'
    place.bfc('extract', 'bad', target)
    digest = hashlib.sha256()
    for i in range(FILES):
        with open(f'{target}/large/{i}', 'rb') as f:
            digest.update(f.read())
    check(sorted(os.listdir(target + '/large'), key=int) == [str(i) for i in range(FILES)])
    wanted = hashlib.sha256()
    for i in range(FILES):
        wanted.update(random.Random(i).randbytes(FILE_SIZE))
    check(digest.digest() == wanted.digest(), 'the contents are other ones')
    harness.remove(target)
    place.bfc('delete', 'bad')
    place.check_store('the second create')


def test_kill(lab):
    """At several places, on an empty name, over an image, and on top of a base that is in the store."""
    place, killed = Place(lab), 0
    for below in ([], [tar(GOOD)]):  # the latter is the base
        layout = large_image(place, *below)
        for at in (1, 10 * MIB, 80 * MIB, 150 * MIB):
            ended = start_and_send(place, layout, signal.SIGKILL, at)
            if ended is None:
                place.bfc('delete', 'bad')
                continue
            killed += 1
            check(ended[0] == -signal.SIGKILL, ended)
            listed = place.bfc('list')
            check(listed.out == place.listed and not listed.err, 'the list changed:', listed.shown())
            place.bfc('info', 'bad', expect=4)
            place.bfc('verify', '--deep', 'good')
            left = without_times(rows_of(place.store))
            check([row for row in place.stored if row not in left] == [], 'something is missing')
            check(work_size(place.store) >= at, 'nothing is left: was it killed?')
            place.bfc('prune')
            place.check_store(f'prune after a kill at {at}')
            # Without a prune the next one cleans up.
            if start_and_send(place, layout, signal.SIGKILL, at) is None:
                place.bfc('delete', 'bad')
            place.create(layout)
            place.bfc('delete', 'bad')
            place.check_store(f'create after a kill at {at}')
        check_second_create(place, layout)
        harness.remove(layout.path)
    say(f'killed {killed} times')
    check(killed >= 4, 'it was done before it could be killed:', killed)


def test_kill_while_replacing(lab):
    """The old image stays whole, and is what its name means."""
    place = Place(lab)
    layout, old = large_image(place), place.layout().image(tar(entry('old', data=b'old')))
    place.create(old)
    before, stored = place.bfc('list').out, without_times(rows_of(place.store))
    ended = start_and_send(place, layout, signal.SIGKILL, 60 * MIB, ['-f'])
    check(ended and ended[0] == -signal.SIGKILL, ended)
    check(place.bfc('list').out == before, 'the list changed')
    place.bfc('verify', '--deep', 'bad')
    place.bfc('prune')
    check(without_times(rows_of(place.store)) == stored, 'prune left something, or took too much')
    place.bfc('extract', 'bad', place.root + '/old')
    check(os.listdir(place.root + '/old') == ['old'])


def test_interrupt(lab):
    """By Ctrl-C or a stop nothing is left, not even what prune would remove."""
    place, stopped, took = Place(lab), 0, []
    whole = place.create(large_image(place)).seconds
    place.bfc('delete', 'bad')
    for below in ([], [tar(GOOD)]):
        layout = large_image(place, *below)
        for number in (signal.SIGINT, signal.SIGTERM):
            for at in (1, 40 * MIB, 140 * MIB):
                ended = start_and_send(place, layout, number, at)
                if ended is None:
                    place.bfc('delete', 'bad')
                    continue
                stopped += 1
                check(ended[0] in (128 + number, -number), ended)
                check(ended[1] in ('', 'bfc: interrupted\n'), ended)
                took += [ended[2]] if at == 1 else []
                place.check_store(f'{number.name} at {at}')
        check_second_create(place, layout)
        harness.remove(layout.path)
    say(f'stopped {stopped} times')
    check(stopped >= 6, 'it was done before it could be stopped:', stopped)
    check(min(took) < whole / 2, 'it goes on to the end before it stops:', took, whole)


class SmallPlace(Place):
    """The store is on a file system of its own."""

    def __init__(self, lab, size):
        path, lab.path = lab.path, lab.mount_tmpfs('tiny' + size, 'size=' + size)
        super().__init__(lab)
        lab.path = self.layouts = path

    def layout(self):
        self.count += 1
        return hostile.Layout(f'{self.layouts}/layout{self.count}')


def test_full_disk(lab):
    """The store is on a file system that is too small for the image, by its content or by its names alone."""
    need_root('mount a file system')
    place = SmallPlace(lab, '64m')
    for what, below in (('content', []), ('content on a base', [tar(GOOD)])):
        place.refused(f'a full disk by {what}', large_image(place, *below), 1, 'is full')
    place.taken('what fits', place.layout().image(tar(entry('fits', data=random.Random(1).randbytes(20 * MIB)))))
    names = (header(f'{"n" * 40}{random.Random(i).randbytes(20).hex()}') for i in range(60_000))
    tight = SmallPlace(lab, '3m')
    layout = tight.layout()
    tight.refused('a full disk by names', layout.image(layout.blob((*names, END), LAYER)), 1, 'is full')


def test_just_enough_room(lab):
    """What is read ahead of its turn takes no room that the container needs."""
    need_root('mount a file system')
    place = SmallPlace(lab, '64m')
    layers = [tar(entry(f'file{i}', data=random.Random(i).randbytes(15 * MIB))) for i in range(4)]
    place.create(place.layout().image(*layers), '-j', '8')
    place.bfc('verify', '--deep', 'bad')


def test_full_disk_on_extract(lab):
    place = Place(lab)
    layout = large_image(place)
    place.create(layout)
    stored = without_times(rows_of(place.store))
    small = lab.mount_tmpfs('tiny', 'size=64m')
    result = place.bfc('extract', 'bad', small + '/target', expect=1)
    check('no space' in result.message.lower() or 'full' in result.message.lower(), result.shown())
    check(result.message.count('\n') == 1, result.shown())
    check(without_times(rows_of(place.store)) == stored, 'the store changed')
    place.check_outside('a full disk')
    place.bfc('extract', 'bad', place.root + '/whole')
    run(['test', '-s', place.root + '/whole/last'])
    check(compare.listing(place.root + '/whole'))


if __name__ == '__main__':
    harness.main(globals(), shares=2)
