# SPDX-License-Identifier: Apache-2.0
"""Images from one pool to another: whole, as differences, by files and pipes; and what is cut off, changed or forged on
the way changes nothing."""
import json
import os
import random
import signal
import struct
import subprocess
import time

import zlab  # first: it says where the others are
import harness
import share
from harness import MIB, check, run, say
from making import read
from oddities import write
from trees import family, plain_tree, same
from zlab import Killer, ZLab, wait_for

MAGIC = b'BFCSEND1'
BASE, OWN = 8 * MIB, MIB
# Where records have 1 MiB, the base's last one is written again, and the own last one is whole.
SLACK = 2 * MIB if zlab.KERNEL else MIB


# ── Streams ──

def parts(stream):
    """[(header, what zfs wrote)]"""
    check(stream[:8] == MAGIC, stream[:20])
    found, at = [], 8

    def piece():
        nonlocal at
        size, = struct.unpack_from('<I', stream, at)
        at += 4 + size
        return stream[at - size:at]

    while True:
        header = piece()
        if not header:
            check(at == len(stream), 'more than a stream')
            return found
        body = b''.join(iter(piece, b''))
        found.append((json.loads(header), body))


def frame(data):
    return struct.pack('<I', len(data)) + data


def joined(images):
    def one(header, body):
        pieces = [body[i:i + MIB] for i in range(0, len(body), MIB)]
        return b''.join(map(frame, [json.dumps(header).encode(), *pieces, b'']))

    return MAGIC + b''.join(one(*image) for image in images) + frame(b'')


class Two:
    """A pool that sends and one that receives."""

    def __init__(self, lab):
        self.lab, self.near, self.far = lab, ZLab(lab), ZLab(lab, mountpoint='far')
        self.count = 0

    def send(self, *args):
        """What it writes."""
        self.count += 1
        path = self.lab / f'stream-{self.count}'
        self.near('send', '-o', path, *args)
        data = read(path)
        os.unlink(path)
        return data

    def file(self, data):
        self.count += 1
        path = self.lab / f'file-{self.count}'
        write(path, data)
        return path

    def receive(self, data, *options, **how):
        path = self.file(data)
        done = self.far('receive', *options, path, **how)
        os.unlink(path)
        return done

    def check_same(self, name, file_too=True):
        near, far = self.near, self.far
        full = near.json('info', name)['name']
        a, b = ({k: v for k, v in z.json('info', name).items() if k != 'path'} for z in (near, far))
        check(a == b, a, b)
        check(not file_too or read(near.file(full)) == read(far.file(full)), name, 'is another file')
        far.check_properties(name)
        check(near.props(near.dataset(full)) == far.props(far.dataset(full)))
        snapshot = f'{full}@bfc-{far.short(name)}'
        props = far.props(far.dataset(snapshot))
        check(props['image'] == full and props['digest'] == far.digest(name), props)
        check(far.files(full) == [os.path.basename(far.file(full))], far.files(full))
        check(far.get('atime', far.dataset(full)) == 'off' and far.get('compression', far.dataset(full)) == 'off')
        far('verify', '--deep', name)
        check(not far.work(), far.work())

    def refuses(self, data, word, *options, code=3):
        """Says so, and nothing has changed."""
        before = self.far.everything()
        done = self.receive(data, *options, expect=code if isinstance(code, tuple) else (code,))
        check(word in done.message, f'{word!r} is not in:', done.shown())
        check(done.message.count('\n') == 1, done.shown())
        after = self.far.everything()
        made = (self.far.root + '\t', self.far.root + '/.bfc-work\t')  # the store, empty
        check([l for l in before if not l.startswith(made)] == [l for l in after if not l.startswith(made)],
              done.shown(), before, after)
        check(not self.far.work(), self.far.work())
        return done


def histories(z, name):
    return [v['root_digest'] for v in z.json('history', name)['versions']]


# ── Whole images ──

def test_file_and_pipe(lab):
    two = Two(lab)
    near, far = two.near, two.far
    tree = plain_tree(lab / 'tree', size=3 * MIB)
    for name in ('app:1', 'host:5000/library/app:1', '[fd00::1]:5000/app:2'):
        near('create', name, tree)
    done = two.receive(two.send('app:1'))
    check(done.text == f'received app:1 ({done.text.split("(")[1].split(")")[0]}), root digest {near.short("app:1")}\n',
          done.text)
    two.check_same('app:1')
    same(tree, far.extract('app:1'))
    same(tree, far.container('app:1', 'c1', '-p'))
    for name in ('host:5000/library/app:1', '[fd00::1]:5000/app:2'):
        with subprocess.Popen([lab.bfc_path, '--store', near.store, 'image', 'send', name],
                              stdout=subprocess.PIPE) as sender:
            document = run([lab.bfc_path, '--json', '--store', far.store, 'image', 'receive'],
                           stdin=sender.stdout).json
        check(sender.returncode == 0)
        check(document['schema'] == 'bfc.image.receive/1', document)
        check([(i['name'], i['was_there']) for i in document['images']] == [(name, False)], document)
        check(document['images'][0]['root_digest'] == near.digest(name))
    far.check_properties('host:5000/library/app:1')
    far('verify', '--deep', '[fd00::1]:5000/app:2')
    check(far.listed() == near.listed(), far.listed())
    stream = two.send('app:1')
    document = two.receive(stream, '--json').json
    check([(i['name'], i['was_there']) for i in document['images']] == [('app:1', True)], document)
    check(two.receive(stream, '-f').text == 'app:1 is there already\n')
    check(far('-q', 'receive', two.file(stream)).text == '')


def test_output(lab):
    """-o makes a file or leaves what was there."""
    near = ZLab(lab)
    near('create', 'app:1', plain_tree(lab / 'tree'))
    where = lab.mkdir('where')
    write(where + '/old', b'old')
    near.refuses('use -f', 'send', 'app:1', '-o', where + '/old', code=1)
    check(read(where + '/old') == b'old')
    near('send', 'app:1', '-f', '-o', where + '/old')
    check(parts(read(where + '/old'))[0][0]['name'] == 'app:1')
    near.refuses('no image', 'send', 'none', '-o', where + '/none', code=4)
    near.refuses('directory', 'send', 'app:1', '-f', '-o', where, code=1)
    near.refuses('', 'send', 'app:1', '-o', where + '/none/none', code=4)
    check(os.listdir(where) == ['old'], os.listdir(where))
    check(parts(near('send', '-o', '-', 'app:1').out)[0][0]['root_digest'] == near.digest('app:1'))
    near.refuses('digest', 'send', 'app:1', '--have', '12', '-o', where + '/x', code=2)
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([lab.bfc_path, '--store', near.store, 'image', 'send', 'app:1'], stdout=writer,
                          stderr=subprocess.PIPE) as child:
        os.close(writer)
        message = child.stderr.read()
    check(child.returncode == 1 and b'Broken pipe' in message, child.returncode, message)


# ── Families ──

def test_all(lab):
    """What is shared stays shared."""
    two, layout = Two(lab), family(lab, BASE, OWN)
    near, far = two.near, two.far
    for name in ('base', 'one', 'two'):
        near('create', name, layout.source(name))
    near('tag', 'one', 'again:1')
    stream = two.send('--all')
    sizes = {h['name']: len(b) for h, b in parts(stream)}
    say(sizes)
    check(sizes['base:latest'] > BASE, sizes)
    check(sizes['one:latest'] < OWN + SLACK and sizes['two:latest'] < OWN + SLACK, sizes)
    check(sizes['again:1'] < OWN // 2, sizes)
    check(parts(stream)[0][0]['name'] == 'base:latest')
    two.receive(stream)
    check(far.listed() == near.listed(), far.listed())
    for name in ('base', 'one', 'two', 'again:1'):
        two.check_same(name)
    for name in ('one', 'two'):
        check(far.origin(far.dataset(name + ':latest')) == f'{far.dataset("base:latest")}@bfc-{far.short("base")}')
        check(far.used(far.dataset(name + ':latest')) < OWN + SLACK)
    # Once more: nothing changes. Then what is new alone.
    before = far.everything()
    check(two.receive(stream).text.count('is there already') == 4)
    check(far.everything() == before)
    near('delete', 'base')  # promotes
    near('verify', '--deep', 'two')
    near('create', 'three', plain_tree(lab / 'three'))
    have = [o for i in far.json('list')['images'] for o in ('--have', i['root_digest'])]
    rest = two.send('--all', *have)
    check([h['name'] for h, _ in parts(rest)] == ['three:latest'], [h for h, _ in parts(rest)])
    two.receive(rest)
    two.check_same('three')
    far('delete', 'base')
    for name in far.listed():
        far('verify', '--deep', name)


def test_have_of_a_base(lab):
    two, layout = Two(lab), family(lab, BASE, OWN)
    near, far = two.near, two.far
    for name in ('base', 'one'):
        near('create', name, layout.source(name))
    whole = two.send('one')
    check(len(whole) > BASE)
    small = two.send('one', '--have', near.digest('base'))
    check(len(small) < OWN + SLACK, len(small))
    two.refuses(small, 'without --have', code=4)
    two.receive(two.send('base'))
    two.receive(small)
    two.check_same('one')
    check(far.origin(far.dataset('one:latest')).startswith(far.dataset('base:latest') + '@'))
    far('delete', 'one')
    two.receive(whole)
    two.check_same('one')
    check(far.origin(far.dataset('one:latest')) == '-')
    # A base of the same content that came another way is not the same snapshot.
    far('delete', 'one')
    far('delete', 'base')
    near('export', 'base', 'bfc:' + lab / 'base.bfc')
    far('create', 'base', 'bfc:' + lab / 'base.bfc')
    check(far.digest('base') == near.digest('base'))
    two.refuses(small, 'without --have', code=4)
    two.receive(whole)
    two.check_same('one')


# ── Versions ──

def test_versions(lab):
    two = Two(lab)
    near, far = two.near, two.far
    trees = [plain_tree(lab / f'tree{i}', f'content {i}', 2 * MIB) for i in range(4)]
    near('create', 'app:1', trees[0])
    two.receive(two.send('app:1'))
    digests, streams = [near.digest('app:1')], []
    for tree in trees[1:]:
        near('create', '-f', 'app:1', tree)
        digests.append(near.digest('app:1'))
        streams.append(two.send('app:1', '--have', digests[-2]))
    check(parts(streams[0])[0][0]['base'] == {'name': 'app:1', 'root_digest': digests[0]}, parts(streams[0])[0][0])
    two.refuses(streams[1], 'another version', code=4)
    two.receive(streams[0])  # needs no -f
    check(far.digest('app:1') == digests[1])
    far('verify', '--deep', 'app:1')
    far.check_properties('app:1')
    same(trees[1], far.extract('app:1'))
    check(histories(far, 'app:1') == digests[1::-1], histories(far, 'app:1'), digests)
    two.receive(two.send('app:1', '--have', digests[0], '--have', digests[1]))  # over one that never came
    two.check_same('app:1')
    check(histories(far, 'app:1') == [digests[3], digests[1], digests[0]], histories(far, 'app:1'))
    check(parts(two.send('app:1', '--have', digests[3])) == [])
    # Rolled back, neither side makes or takes a difference from what is not last.
    far('rollback', 'app:1', digests[1])
    two.refuses(streams[1], 'and the last one of', code=1)
    check(histories(far, 'app:1') == [digests[1], digests[3], digests[0]], histories(far, 'app:1'))
    far('rollback', 'app:1', digests[3])
    near('rollback', 'app:1', digests[1])
    check('base' not in parts(two.send('app:1', '--have', digests[3]))[0][0])
    back = parts(two.send('app:1', '--have', digests[3], '--have', digests[0]))[0][0]
    check(back['base']['root_digest'] == digests[0], back)
    near('rollback', 'app:1', digests[3])
    two.check_same('app:1', file_too=False)


def test_other_content(lab):
    two = Two(lab)
    near, far = two.near, two.far
    old, new = plain_tree(lab / 'old', 'old'), plain_tree(lab / 'new', 'new', MIB)
    far('create', 'app:1', old)
    before = far.digest('app:1')
    place = far.container('app:1', 'c1', '-p')
    near('create', 'app:1', new)
    stream = two.send('app:1')
    two.refuses(stream, 'use -f', code=1)
    two.receive(stream, '-f')
    two.check_same('app:1')
    check(histories(far, 'app:1') == [near.digest('app:1'), before])
    same(old, place)
    same(new, far.container('app:1', 'c2'))
    far('rollback', 'app:1', before)
    same(old, far.extract('app:1'))


def test_next_version_of_one_in_use(lab):
    """With containers and a template, which have left a folder in the image's dataset."""
    two = Two(lab)
    near, far = two.near, two.far
    old, new = plain_tree(lab / 'old', 'old'), plain_tree(lab / 'new', 'new', MIB)
    near('create', 'app:1', old)
    before = near.digest('app:1')
    two.receive(two.send('app:1'))
    for z in (near, far):
        z.container('app:1', 'c1', '-p')
    near('create', '-f', 'app:1', new)
    done = two.receive(two.send('app:1', '--have', before), expect=None)
    say(done.message.strip())
    if done.code != 0:
        check(done.code == 1 and 'without --have' in done.message, done.shown())
        check(far.digest('app:1') == before)
        two.receive(two.send('app:1'), '-f')
    two.check_same('app:1')
    check(histories(far, 'app:1') == [near.digest('app:1'), before])
    for z in (near, far):
        same(old, z.path + '/containers/c1')
        same(new, z.container('app:1', 'c2'))


# ── What is not whole ──

def broken(lab):
    two = Two(lab)
    two.near('create', 'app:1', plain_tree(lab / 'tree', size=MIB))
    two.far('create', 'there:1', plain_tree(lab / 'there', 'there'))
    return two, two.send('app:1')


def test_truncated(lab):
    two, stream = broken(lab)
    header = 12 + struct.unpack_from('<I', stream, 8)[0]
    rng = random.Random(4)
    lengths = [0, 7, 8, 11, 12, header - 1, header, header + 3, header + 4, header + 400, len(stream) // 2,
               len(stream) - 9, len(stream) - 5, rng.randrange(len(stream))]
    for length in lengths:
        two.refuses(stream[:length], 'sent')
    # Its image is whole: that is there, and the rest is told.
    for length in (len(stream) - 1, len(stream) - 4):
        done = two.receive(stream[:length], expect=3)
        check('ends early' in done.message and 'received app:1' in done.text, done.shown())
        two.check_same('app:1')
        two.far('delete', 'app:1')
    two.refuses(stream[:header] + struct.pack('<I', 0xffffffff), 'sender failed')
    two.refuses(stream[:header] + struct.pack('<I', 0x7fffffff), 'piece')
    two.refuses(stream[:8] + struct.pack('<I', 5000) + b' ' * 5000 + stream[header:], 'piece')
    two.receive(stream)


def test_truncated_difference(lab):
    """In the image's own dataset, as ZFS wants it."""
    two, _ = broken(lab)
    near, far = two.near, two.far
    two.receive(two.send('app:1'))
    before = far.digest('app:1'), read(far.file('app:1'))
    near('create', '-f', 'app:1', plain_tree(lab / 'next', 'next', MIB))
    stream = two.send('app:1', '--have', before[0])
    header = 12 + struct.unpack_from('<I', stream, 8)[0]
    for length in (header + 200, len(stream) // 2, len(stream) - 9, len(stream) - 5):
        two.refuses(stream[:length], 'sent')
        check((far.digest('app:1'), read(far.file('app:1'))) == before)
        check(histories(far, 'app:1') == [before[0]])
        far('verify', '--deep', 'app:1')
    (told, body), = parts(stream)
    two.refuses(joined([({**told, 'root_digest': told['root_digest'][:12] + 52 * '0'}, body)]), 'root digest')
    check((far.digest('app:1'), read(far.file('app:1'))) == before)
    if not zlab.KERNEL:  # whose ZFS does not have to mount it anew
        with open(far.file('app:1'), 'rb'):
            two.refuses(stream, 'is in use', code=6)
        check((far.digest('app:1'), read(far.file('app:1'))) == before)
    two.receive(stream)
    two.check_same('app:1')
    check(len(histories(far, 'app:1')) == 2)


def test_flipped(lab):
    two, stream = broken(lab)
    header = 12 + struct.unpack_from('<I', stream, 8)[0]
    rng = random.Random(5)
    places = [0, 9, 14, *(rng.randrange(12, header) for _ in range(2)), header + 1, header + 4, header + 12,
              header + 20, header + 36, header + 44, header + 70, header + 330, header + 700,
              *(rng.randrange(header, len(stream)) for _ in range(3)), len(stream) - 300, len(stream) - 6]
    for at in places:
        data = bytearray(stream)
        data[at] ^= 1 << rng.randrange(8)
        two.refuses(bytes(data), '', code=(1, 2, 3, 4))
        check(two.far.listed() == ['there:1'], at, two.far.listed())
    two.receive(stream)
    two.check_same('app:1')


def test_something_else(lab):
    two, stream = broken(lab)
    near = two.near
    snapshot = f'{near.dataset("app:1")}@bfc-{near.short("app:1")}'
    with open(lab / 'plain', 'wb') as f:
        subprocess.run(['zfs', 'send', snapshot], stdout=f, check=True)
    for data in (read(lab / 'plain'), b'x' * 1000, b'BFCSEND2' + stream[8:], read(near.file('app:1'))):
        two.refuses(data, 'nothing that', code=2)
    two.refuses(b'', 'nothing was sent')
    two.refuses(MAGIC + frame(b'{}') + frame(b''), 'schema')
    newer = {'schema': 'bfc.send/2', 'name': 'app:1', 'root_digest': 64 * '0'}
    two.refuses(MAGIC + frame(json.dumps(newer).encode()), 'newer', code=1)
    check(two.receive(MAGIC + frame(b'')).out == b'')
    done = run([lab.bfc_path, '--store', lab / 'dir', 'image', 'receive', two.file(stream)], expect=1)
    check('bfc:FILE' in done.message, done.shown())


def test_forged(lab):
    """What the header says, and what is in it."""
    two, stream = broken(lab)
    near, far = two.near, two.far
    (told, body), = parts(stream)
    digest = told['root_digest']

    def forge(body=body, **more):
        return joined([({**told, **more}, body)])

    two.refuses(forge(root_digest=digest[::-1]), 'sent as')
    two.refuses(forge(root_digest=digest[:12] + 52 * '0'), 'root digest')
    for name in ('app:2', 'other/app:1', 'there:1'):
        two.refuses(forge(name=name), 'sent as', '-f')
    for name in ('../app:1', '/app:1', 'APP:1', '', 'app', 'a@b:1', '-x:1'):
        two.refuses(forge(name=name), 'no image')
    two.refuses(forge(base={'name': 'app:1', 'root_digest': digest}), 'version', code=4)
    two.refuses(forge(base={'name': 'there:1', 'root_digest': far.digest('there:1')}), 'difference')
    two.refuses(forge(base=3), 'base')
    two.refuses(forge(body=b''), '')
    two.refuses(forge(body=body[:300]), 'early')

    # What zfs would take, and is no image: a volume, properties, several, and files beside the container.
    dataset, version = near.dataset('app:1'), f'@bfc-{near.short("app:1")}'

    def by_zfs(*args):
        with open(lab / 'by-zfs', 'wb') as f:
            subprocess.run(['zfs', 'send', *args], stdout=f, check=True)
        return forge(read(lab / 'by-zfs'))

    two.refuses(by_zfs('-R', dataset + version), 'properties')
    two.refuses(by_zfs('-p', dataset + version), 'properties')
    make = near.zfs('create', '-V', '1M', near.pool + '/app:1', expect=None)
    if make.code == 0:
        near.zfs('snapshot', f'{near.pool}/app:1{version}')
        two.refuses(by_zfs(f'{near.pool}/app:1{version}'), 'file system')
        near.zfs_soon('destroy', '-r', near.pool + '/app:1')
    folder = os.path.dirname(near.file('app:1'))
    near.zfs('destroy', dataset + version)
    for change, undo in ((lambda: write(folder + '/su', b'#!', 0o4755), lambda: os.unlink(folder + '/su')),
                         (lambda: os.mkdir(folder + '/more'), lambda: os.rmdir(folder + '/more'))):
        change()
        near.zfs('snapshot', dataset + version)
        two.refuses(by_zfs(dataset + version), 'beside the container')
        near.zfs_soon('destroy', dataset + version)
        undo()
    os.rename(near.file('app:1'), folder + '/kept')
    os.symlink(far.file('there:1'), near.file('app:1'))
    near.zfs('snapshot', dataset + version)
    two.refuses(by_zfs(dataset + version), 'beside the container')
    check(far.listed() == ['there:1'])


# ── Ends ──

def test_killed(lab):
    """kill -9 of receive, before, after and during each command, and between them: a new image, another content, the
    next version."""
    two = Two(lab)
    near, far = two.near, two.far
    trees = [plain_tree(lab / f'tree{i}', f'content {i}', MIB) for i in range(3)]
    near('create', 'app:1', trees[0])
    first, digests = two.file(two.send('app:1')), [near.digest('app:1')]
    near('create', '-f', 'app:1', trees[1])
    digests.append(near.digest('app:1'))
    difference, whole = two.file(two.send('app:1', '--have', digests[0])), two.file(two.send('app:1'))
    killer = Killer(lab)

    def left(may):
        def quiet():
            before = far.everything()
            time.sleep(0.2)
            return far.everything() == before

        wait_for('the killed command', quiet)
        far('prune')
        check(far.work() == [], far.work())
        for name in far.listed():
            far('verify', '--deep', name)
            far.check_properties(name)
            versions = histories(far, name)
            check(len(versions) == len(set(versions)) and set(versions) <= set(digests), versions)
        now = far.digest('app:1') if far.listed() else None
        check(now in may, now, may)
        if now:
            marked = far.props(f'{far.dataset("app:1")}@bfc-{now[:12]}')
            check(marked.get('digest') == now, marked)

    def strike(number, way, *words):
        killer.at(number, way)
        code = far(*words, env=killer.env, expect=None).code
        check(code == -signal.SIGKILL or not killer.struck(), words, number, way, code)
        return killer.struck()

    rng = random.Random(6)
    for words, start, may in ((('receive', first), None, (None, digests[0])),
                              (('receive', difference), first, digests),
                              (('receive', '-f', whole), first, digests)):
        for number in share.todays(range(1, 80), 8):
            if start:
                far('receive', start)
            if not strike(number, rng.choice(Killer.WAYS), *words):
                break
            left(may)
            if far.listed():
                far('delete', 'app:1')
        else:
            check(False, 'never ends')
        left(may)
        far('delete', 'app:1')


def test_interrupted(lab):
    """By Ctrl-C: while nothing comes, in the middle, and while nobody reads."""
    two = Two(lab)
    near, far = two.near, two.far
    near('create', 'app:1', plain_tree(lab / 'tree', size=8 * MIB))
    far('create', 'there:1', plain_tree(lab / 'there', 'there'))
    stream = two.send('app:1')
    before = [l for l in far.everything() if '.bfc-work' not in l]
    for length in (0, 8, 100, 2 * MIB, len(stream) - 8):
        with subprocess.Popen([lab.bfc_path, '--store', far.store, 'image', 'receive'], stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as child:
            child.stdin.write(stream[:length])
            child.stdin.flush()
            time.sleep(0.5)
            start = time.monotonic()
            child.send_signal(signal.SIGINT)
            child.wait(30)
            say(f'{length}: {time.monotonic() - start:.1f} s')
            message = child.stderr.read()
            child.stdin.close()
        check(child.returncode == -signal.SIGINT and message == b'bfc: interrupted\n', child.returncode, message)
        check([l for l in far.everything() if '.bfc-work' not in l] == before and not far.work(), far.everything())
    with subprocess.Popen([lab.bfc_path, '--store', near.store, 'image', 'send', 'app:1'], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        child.stdout.read(100_000)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        child.wait(30)
        check(child.returncode == -signal.SIGINT, child.returncode, child.stderr.read())


def test_sender_fails(lab):
    """In the middle: the receiver is told."""
    two = Two(lab)
    near, far = two.near, two.far
    near('create', 'app:1', plain_tree(lab / 'tree', size=2 * MIB))
    near('create', 'bad:1', plain_tree(lab / 'bad', 'bad', size=2 * MIB))
    wrapper = zlab.Wrapper(lab, 'case "$1 $*" in send*bad:1@*) "$real" "$@" | head -c 1000000; echo no >&2; exit 1;; '
                                'esac\nexec "$real" "$@"\n')
    done = near('send', '--all', env=wrapper.env, expect=1)
    check("send image 'bad:1'" in done.message and 'no' in done.message, done.shown())
    done = two.receive(done.out, expect=3)
    check('sender failed' in done.message, done.shown())
    check(far.listed() == ['app:1'], far.listed())
    two.check_same('app:1')


if __name__ == '__main__':
    harness.main(globals(), shares=3)
