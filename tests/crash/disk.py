# SPDX-License-Identifier: Apache-2.0
"""A disk that loses power: reads the log of tests/fault/interpose_record.c, and builds what may be found
afterwards.

What a program may count on: the content and size of a file are on the disk when a sync of that file has
returned; a name is there when its folder was synced after it was made. Until then anything may have
happened: each 512-byte sector of a write is there or not, in any order; the file has any of the lengths that
it had since the last sync; what a longer file has where nothing arrived is zeros, or whatever stood on the
disk. Names of one folder change in the order in which they were changed, since file systems keep a journal of
them, but independently of any content.
"""
import struct

SECTOR = 512


class Log:
    """Events: ('C', ino, folder, name), ('W', ino, offset, bytes), ('T', ino, size), ('S', ino),
    ('R', folder, name, folder, name), ('L', …), ('U', folder, name)."""

    FIELDS = {'C': 'nnb', 'W': 'nnb', 'T': 'nn', 'S': 'n', 'R': 'nbnb', 'L': 'nbnb', 'U': 'nb'}

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.raw = f.read()
        self.at, self.events = 0, []
        while self.at < len(self.raw):
            kind = chr(self.raw[self.at])
            self.at += 1
            self.events.append((kind, *(self._field(c) for c in self.FIELDS[kind])))

    def _field(self, code):
        if code == 'n':
            value, = struct.unpack_from('<Q', self.raw, self.at)
            self.at += 8
            return value
        length, = struct.unpack_from('<I', self.raw, self.at)
        value = self.raw[self.at + 4:self.at + 4 + length]
        self.at += 4 + length
        return value


class Inode:
    """What is on the disk, and what is on its way there."""

    def __init__(self, durable=b''):
        self.durable, self.pending = bytes(durable), []

    def copy(self):
        other = Inode(self.durable)
        other.pending = list(self.pending)
        return other

    def sync(self):
        self.durable, self.pending = self.whole(), []

    def whole(self):
        """As the running system sees it: a crash of the program, not of the machine."""
        data = bytearray(self.durable)
        for op in self.pending:
            if op[0] == 'T':
                _resize(data, op[1])
            else:
                _resize(data, max(len(data), op[1] + len(op[2])))
                data[op[1]:op[1] + len(op[2])] = op[2]
        return bytes(data)

    def _lengths(self):
        """All that the file had since the last sync, in order."""
        lengths = [len(self.durable)]
        for op in self.pending:
            lengths.append(op[1] if op[0] == 'T' else max(lengths[-1], op[1] + len(op[2])))
        return lengths

    def arrived(self, numbers):
        """Only these of what is pending have arrived, whole; the length is that of all."""
        data = bytearray(self.durable)
        for n in numbers:
            op = self.pending[n]
            if op[0] == 'T':
                _resize(data, op[1])
            else:
                _resize(data, max(len(data), op[1] + len(op[2])))
                data[op[1]:op[1] + len(op[2])] = op[2]
        _resize(data, self._lengths()[-1])
        return bytes(data)

    def after_power_loss(self, rng, how):
        """One of the contents that may be found. how: chance that a sector of a write has arrived."""
        data, lengths = bytearray(self.durable), self._lengths()
        garbage = rng.random() < 0.3
        ops = list(self.pending)
        if rng.random() < 0.5:
            rng.shuffle(ops)
        for op in ops:
            if op[0] == 'T':
                if rng.random() < how:
                    _resize(data, min(op[1], len(data)))
                continue
            _arrive(data, op[1], op[2], rng, how, garbage)
        length = lengths[-1] if rng.random() < 0.6 else rng.choice(lengths)
        _resize(data, length, rng if garbage else None)
        return bytes(data)


def _resize(data, size, noise=None):
    if len(data) > size:
        del data[size:]
    elif noise:
        data.extend(noise.randbytes(size - len(data)))
    else:
        data.extend(bytes(size - len(data)))


def _arrive(data, offset, written, rng, how, garbage):
    """Sector by sector. Mostly a write is there, or is not, or is cut at one place; sometimes it has holes."""
    end = offset + len(written)
    kind = rng.random()
    if kind < 0.5:
        first, last = (offset, end) if rng.random() < how else (end, end)
        chance = 1
    elif kind < 0.7:
        cut = rng.randrange(offset, end + 1) // SECTOR * SECTOR
        first, last, chance = (offset, cut, 1) if rng.random() < 0.5 else (cut, end, 1)
    else:
        first, last, chance = offset, end, how
    at = first
    while at < last:
        stop = min((at // SECTOR + 1) * SECTOR, last)
        if chance == 1 or rng.random() < chance:
            if len(data) < at:
                _resize(data, at, rng if garbage else None)
            _resize(data, max(len(data), stop))
            data[at:stop] = written[at - offset:stop - offset]
        at = stop


class Disk:
    """Inodes and one folder's names, as far as the log concerns them."""

    def __init__(self, folder, names):
        """names: name -> (inode number, content), all of it on the disk."""
        self.folder = folder
        self.inodes = {ino: Inode(content) for ino, content in names.values()}
        self.names = {name: ino for name, (ino, _) in names.items()}
        self.changes = []  # of names, not yet synced: (name, inode number or None)

    def copy(self):
        other = Disk(self.folder, {})
        other.inodes = {n: i.copy() for n, i in self.inodes.items()}
        other.names, other.changes = dict(self.names), list(self.changes)
        return other

    def _current(self, name):
        for change in reversed(self.changes):
            for changed, ino in change:
                if changed == name:
                    return ino
        return self.names.get(name)

    def apply(self, event):
        kind = event[0]
        if kind == 'C':
            self.inodes.setdefault(event[1], Inode())
            if event[2] == self.folder:
                self.changes.append([(event[3], event[1])])
        elif kind == 'W':
            self.inodes.setdefault(event[1], Inode()).pending.append(('W', event[2], event[3]))
        elif kind == 'T':
            self.inodes.setdefault(event[1], Inode()).pending.append(('T', event[2]))
        elif kind == 'S':
            self._sync(event[1])
        elif kind == 'U':
            self.changes.append([(event[2], None)])
        elif kind in 'RL':
            ino = self._current(event[2])
            change = [(event[4], ino)]
            self.changes.append(change if kind == 'L' else change + [(event[2], None)])
        else:
            raise ValueError(kind)

    def _sync(self, ino):
        if ino == self.folder:
            for change in self.changes:
                self._change(self.names, change)
            self.changes = []
        elif ino in self.inodes:
            self.inodes[ino].sync()

    @staticmethod
    def _change(names, change):
        for name, ino in change:
            if ino is None:
                names.pop(name, None)
            else:
                names[name] = ino

    def _names_after(self, count):
        names = dict(self.names)
        for change in self.changes[:count]:
            self._change(names, change)
        return names

    def seen_now(self):
        """name -> content: what a program sees that starts after this one was killed."""
        names = self._names_after(len(self.changes))
        return {name: self.inodes[ino].whole() for name, ino in names.items() if ino in self.inodes}

    def pending(self, ino):
        return len(self.inodes[ino].pending) if ino in self.inodes else 0

    def seen_with(self, ino, numbers):
        """name -> content: of one file only these pending changes have arrived, of the rest all."""
        return {name: self.inodes[n].arrived(numbers) if n == ino else self.inodes[n].whole()
                for name, n in self._names_after(len(self.changes)).items()}

    def seen_after_power_loss(self, rng, how=0.5, names=None):
        """name -> content. how: 0: nothing that was not synced; 1: all of it."""
        count = rng.randint(0, len(self.changes)) if names is None else names
        contents = {}
        for name, ino in self._names_after(count).items():
            inode = self.inodes[ino]
            if how in (0, 1):
                contents[name] = inode.whole() if how else inode.durable
            else:
                contents[name] = inode.after_power_loss(rng, how)
        return contents
