# SPDX-License-Identifier: Apache-2.0
"""The operations that are made to fail: how each is set up, and what must be true afterwards."""
import errno
import os
import shutil

import trees

# A kernel, or a file system, that lacks what is newest: the ways around it are to hold too.
OLD_SYSTEM = {'tmpfile': errno.EOPNOTSUPP, 'rename2': errno.EINVAL, 'openat2': errno.ENOSYS}


def read(path):
    try:
        with open(path, 'rb') as f:
            return f.read()
    except FileNotFoundError:
        return None


def names_below(folder):
    found = set()
    for where, folders, files in os.walk(folder):
        found |= {os.path.relpath(os.path.join(where, n), folder) for n in folders + files}
    return found


class Fixtures:
    """Source trees and containers, made once with the program itself, not failed."""

    def __init__(self, lab, subject):
        self.first, self.second = f'{lab}/first', f'{lab}/second'
        self.tree, self.both = f'{lab}/tree', f'{lab}/both'
        trees.build_first(self.first)
        trees.build_second(self.second)
        made = f'{lab}/made'
        os.makedirs(made)
        write = ['--json', '-j', '1']
        small = ['-b', '16384']
        subject.must(['create', *write, *small, '--reproducible', 'old', self.first], made)
        self.old = read(f'{made}/old')
        shutil.copy(f'{made}/old', f'{made}/two')
        subject.must(['append', *write, *small, 'two', '-C', self.second, 'etc'], made)
        self.two = read(f'{made}/two')
        subject.must(['compact', *write, '--reproducible', 'two', '-o', 'compact'], made)
        self.compact = read(f'{made}/compact')
        shutil.copy(f'{made}/two', f'{made}/three')
        subject.must(['append', *write, *small, 'three', '-C', self.first, 'etc/conf1', 'sparse'], made)
        self.three = read(f'{made}/three')
        # A tail behind two commits: who overlooks the second one takes it for a part of the tail.
        self.torn = self.three[:-4096 - 300] + trees.noise(77, 1111)
        assert self.torn.startswith(self.two)
        subject.must(['verify', '--deep', 'old'], made)
        subject.must(['verify', '--deep', 'two'], made)
        subject.must(['verify', '--deep', 'compact'], made)
        subject.must(['extract', 'old', '-C', self.tree], made)
        subject.must(['extract', 'two', '-C', self.both], made)
        self.first_seen, self.both_seen = trees.look(self.tree), trees.look(self.both)
        lost = trees.differences(trees.look(self.first), self.first_seen)
        assert not lost, f'create and extract without a fault: {lost}'


class Operation:
    """One command. Files: what stands in the folder before (name -> bytes). Each judgement returns the
    problems it found, as words."""
    files = {}
    always = None
    kinds = None  # the kinds of calls that are failed; None: all
    survey = False  # tells of everything it finds, and what cannot be read is damage to it
    close_matters = False  # an error of close() on a file it wrote is an error of the whole
    share = 1  # one of so many faults is tried, other ones each day

    def __init__(self, name, args, fixtures, **what):
        self.name, self.args, self.fixtures = name, args, fixtures
        self.allowed, self.reference = set(), None
        for key, value in what.items():
            setattr(self, key, value)

    def prepare(self, folder):
        if names_below(folder):
            trees.renew(folder)
        for name, content in self.files.items():
            with open(f'{folder}/{name}', 'wb') as f:
                f.write(content)

    def learn(self, folder, outcome):
        """From a run without a fault: what is right."""
        self.allowed = names_below(folder) | set(self.files)
        self.reference = outcome

    def leftovers(self, folder, outcome):
        """A name that could not be unlinked is still there; nobody can do better."""
        return [f'left behind: {n!r}' for n in sorted(names_below(folder) - self.allowed)
                if not (outcome.fault[1] == 'unlink' and os.path.basename(n) == os.path.basename(outcome.hit))]

    def changed(self, folder):
        return [f'{n!r} was changed' for n, content in self.files.items() if read(f'{folder}/{n}') != content]

    def after_success(self, folder, outcome):
        return self.leftovers(folder, outcome)

    def after_failure(self, folder, outcome):
        return self.leftovers(folder, outcome)


class Making(Operation):
    """Makes a file, or changes one: afterwards it is `new` or one of `old` (None: not there)."""
    target, new, old, start = 'new', b'', (None,), None

    def prepare(self, folder):
        super().prepare(folder)
        path = f'{folder}/{self.target}'
        if self.start is not None:
            with open(path, 'wb') as f:
                f.write(self.start)
        elif os.path.exists(path):
            os.unlink(path)

    def after_success(self, folder, outcome):
        wrong = [] if read(f'{folder}/{self.target}') == self.new else ['success, but the file is wrong']
        return wrong + self.changed(folder) + self.leftovers(folder, outcome)

    def is_legal(self, content, outcome):
        # A file that was made or synced to its end may be there although the last sync failed.
        return content == self.new or content in self.old

    def after_failure(self, folder, outcome):
        content = read(f'{folder}/{self.target}')
        wrong = [] if self.is_legal(content, outcome) else ['the file is neither the old nor the new one']
        return wrong + self.changed(folder) + self.leftovers(folder, outcome)


class Appending(Making):
    """A failed append gives its bytes back; where that is what fails, or where the record may be on the disk
    already, a tail stays that readers ignore."""

    def is_legal(self, content, outcome):
        if super().is_legal(content, outcome):
            return True
        start = self.old[0]
        return content is not None and content.startswith(start) and outcome.fault[1] in self.TAIL_KINDS

    TAIL_KINDS = {'ftruncate', 'pwrite', 'fdatasync'}


class Extracting(Operation):
    """Makes a tree. One that failed is there in part, without names that are not in the container. Attributes
    for which the file system has no room are told, and are no failure without --strict."""
    target, wanted, before = 'out', None, None
    close_matters = True
    XATTRS = 7  # place in what trees.look() tells

    def prepare(self, folder):
        trees.renew(folder)
        super().prepare(folder)
        if self.before:
            self.before(f'{folder}/{self.target}')

    def after_success(self, folder, outcome):
        seen = trees.look(f'{folder}/{self.target}')
        if outcome.fault[1] == 'setxattr' and b'extended attributes' in outcome.err:
            for name, entry in self.wanted.items():
                if name in seen and set(seen[name][self.XATTRS]) < set(entry[self.XATTRS]):
                    seen[name] = (*seen[name][:self.XATTRS], entry[self.XATTRS], *seen[name][self.XATTRS + 1:])
        lost = trees.differences(self.wanted, seen)
        return [f'success, but: {d}' for d in lost[:3]] + self.changed(folder) + self.leftovers(folder, outcome)

    def after_failure(self, folder, outcome):
        return self.changed(folder) + self.leftovers(folder, outcome)


class Reading(Operation):
    """Changes nothing, and answers on stdout: the right answer or, failing, a part of it at most."""

    def after_success(self, folder, outcome):
        wrong = [] if outcome.out == self.reference.out else ['success, but the answer is wrong']
        return wrong + self.changed(folder) + self.leftovers(folder, outcome)

    def after_failure(self, folder, outcome):
        return self.changed(folder) + self.leftovers(folder, outcome)


class Storing(Operation):
    """Works in an image store: an image is there whole, as it was or as it is to be. Work or a lock stays
    only where clearing it away was what failed; a prune then does it."""
    start = None
    CLEARING = {'unlink', 'getdents', 'open', 'stat', 'flock', 'alloc'}

    def prepare(self, folder):
        trees.renew(folder)
        if self.start:
            shutil.copytree(self.start, f'{folder}/store', symlinks=True)

    def learn(self, folder, outcome):
        before = names_below(self.start) if self.start else set()
        self.allowed = names_below(folder) | {'store'} | {f'store/{n}' for n in before}
        self.reference = outcome
        self.after = self._images(folder)
        self.before = self._images_of(self.start) if self.start else {}

    def leftovers(self, folder, outcome):
        left = super().leftovers(folder, outcome)
        work = ('.bfc-tmp/', '.bfc-lock/')
        if not left or outcome.fault[1] not in self.CLEARING or not all(any(w in n for w in work) for n in left):
            return left
        self.subject.must(['image', 'prune', '--json', '--store', 'dir:store'], folder)
        return [f'{n}, also by prune' for n in super().leftovers(folder, outcome)]

    @staticmethod
    def _images_of(store):
        return {n: read(f'{store}/{n}') for n in names_below(store) if n.endswith('.bfc')}

    def _images(self, folder):
        return self._images_of(f'{folder}/store')

    def after_success(self, folder, outcome):
        wrong = [] if self._images(folder) == self.after else ['success, but the images are wrong']
        return wrong + self.leftovers(folder, outcome)

    def after_failure(self, folder, outcome):
        images = self._images(folder)
        wrong = [] if images in (self.before, self.after) else ['the images are neither the old nor the new ones']
        return wrong + self.leftovers(folder, outcome)


def _older(path):
    """What an extract that replaces finds: other contents and types under some of the names."""
    os.makedirs(f'{path}/etc/conf2')
    os.makedirs(f'{path}/bin')
    trees.put(f'{path}/etc/conf1', b'older')
    trees.put(f'{path}/link', b'was a file')
    os.symlink('conf1', f'{path}/etc/conf4')
    trees.put(f'{path}/bin/large', b'shorter', 0o600)


# What the ways around differ in.
AROUND = {'tmpfile', 'create', 'rename2', 'link', 'unlink', 'openat2', 'open', 'close'}
WRITE = ['--json', '-j', '1']
SMALL = [*WRITE, '-b', '16384']


def file_operations(f):
    create = ['create', *SMALL, '--reproducible', 'new', f.first]
    replace = ['create', *SMALL, '--reproducible', '-f', 'new', f.second]
    append = ['append', *SMALL, 'new', '-C', f.second, 'etc']
    again = ['append', *SMALL, 'new', '-C', f.first, 'etc/conf1', 'sparse']
    compact = ['compact', *WRITE, '--reproducible', 'two', '-o', 'new']
    return [
        Making('create', create, f, new=f.old),
        Making('create, old system', create, f, new=f.old, always=OLD_SYSTEM, kinds=AROUND),
        Making('create over an old file', replace, f, new=None, start=f.old, old=(f.old,)),
        Appending('append', append, f, new=f.two, start=f.old, old=(f.old,)),
        Appending('append behind a torn tail', again, f, new=f.three, start=f.torn, old=(f.two, f.torn)),
        Making('compact', compact, f, new=f.compact, files={'two': f.two}),
        Making('recover', ['recover', '--json', 'new'], f, new=f.two, start=f.torn, old=(f.torn,)),
    ]


def extract_operations(f):
    extract = ['extract', *WRITE, 'two', '-C', 'out']
    strict = ['extract', *WRITE, '--strict', 'two', '-C', 'out']
    again = ['extract', *WRITE, '-f', 'old', '-C', 'out']
    files = {'two': f.two}
    return [
        Extracting('extract', strict, f, wanted=f.both_seen, files=files),
        Extracting('extract, old system', extract, f, wanted=f.both_seen, files=files, always=OLD_SYSTEM,
                   kinds=AROUND),
        Extracting('extract over an old tree', again, f, wanted=f.first_seen, files={'old': f.old},
                   before=_older),
    ]


def read_operations(f):
    files = {'two': f.two}
    return [
        Reading('list', ['list', '--json', '-l', 'two'], f, files=files),
        Reading('list as text', ['list', 'two'], f, files=files, kinds={'write'}),
        Reading('verify', ['verify', '--json', '--deep', '-j', '1', 'two'], f, files=files, survey=True),
        Reading('info', ['info', '--json', 'two', 'etc/conf1'], f, files=files),
        Reading('log', ['log', '--json', 'two'], f, files=files),
        Reading('cat', ['cat', '--json', 'two', 'sparse'], f, files=files),
    ]


def store_operations(f, lab, subject):
    """All but the first begin with a store that has an image already."""
    store = ['--json', '--store', 'dir:store', '-j', '1']
    base = f'{lab}/base'
    os.makedirs(base)
    image = ['image', 'create', *store, '-b', '16384', '--reproducible']
    subject.must([*image, 'a/first:1', f.second], base)
    start = f'{base}/store'
    return [
        Storing('image create, new store', [*image, 'a/first:1', f.second], f, subject=subject),
        Storing('image create', [*image, 'a/b/second:2', f.second], f, start=start, subject=subject),
        Storing('image create over an old one', [*image, '-f', 'a/first:1', f.first], f, start=start,
                subject=subject),
        Storing('image tag', ['image', 'tag', *store, 'a/first:1', 'c/other:3'], f, start=start, subject=subject),
        Storing('image delete', ['image', 'delete', *store, 'a/first:1'], f, start=start, subject=subject),
        Storing('image list', ['image', 'list', *store], f, start=start, subject=subject, survey=True),
    ]


class Keys:
    """Two key files, and containers for the first."""

    def __init__(self, f, lab, subject):
        self.folder = f'{lab}/sealed'
        os.makedirs(self.folder)
        for number, name in enumerate(('one', 'two')):
            trees.put(f'{self.folder}/{name}', trees.noise(number, 32), 0o600)
        self.one, self.new = ['--key-file', f'{self.folder}/one'], ['--new-key-file', f'{self.folder}/two']
        self.create = ['create', *SMALL, '-e', *self.one, 'new', f.second]
        self.append = ['append', *SMALL, *self.one, 'new', '-C', f.first, 'etc/conf1', 'sparse']
        made = self._made(subject, self.create)
        self.old = made
        self.appended = self._made(subject, self.append)
        subject.must(['extract', *self.one, 'new', '-C', 'tree'], self.folder)
        self.seen = trees.look(f'{self.folder}/tree')

    def _made(self, subject, command):
        """The clock stands still, and random bytes are always the same: so are containers."""
        subject.must(command, self.folder)
        return read(f'{self.folder}/new')


def sealed_operations(f, lab, subject):
    """What is done for no other container: keys, and what is encrypted with them. A few faults of each a day."""
    k = Keys(f, lab, subject)
    files = {'two': k.appended}
    return [
        Making('create sealed', k.create, f, new=k.old, share=12),
        Appending('append to sealed', k.append, f, new=k.appended, start=k.old, old=(k.old,), share=12),
        Making('compact sealed', ['compact', *WRITE, *k.one, 'two', '-o', 'new'], f, new=None, files=files, share=12),
        Appending('key add', ['key', 'add', '--json', *k.one, *k.new, 'new'], f, new=None, start=k.old, old=(k.old,),
                  share=8),
        Extracting('extract sealed', ['extract', *WRITE, *k.one, 'two', '-C', 'out'], f, wanted=k.seen, files=files,
                   share=12),
        Reading('verify sealed', ['verify', '--json', '--deep', '-j', '1', *k.one, 'two'], f, files=files, survey=True,
                share=8),
    ]
