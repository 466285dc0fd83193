# SPDX-License-Identifier: Apache-2.0
"""Images that were made to do harm. Each is either refused, with the exit code that the fault has and one
line that says what is wrong, and the store is as it was; or it is taken as other engines take it, and then
it verifies, and extracting it writes nothing outside of the target. Memory is bounded in both cases."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import harness
import hostile
from harness import check, need_root, run
from hostile import END, entry, folder, hard_link, header, meta, pax, symlink, tar
from hostile_place import DAMAGED, FAILED, GOOD, Place, layers, one, read, refuse_all, refuse_all_in


# ── Names ──

def test_names_that_lead_out(lab):
    refuse_all(lab, [
        (f'the name {name!r}', one(GOOD, entry(name, data=b'evil')), DAMAGED, 'entry ', part)
        for name, part in [
            ('../hostile', "'../hostile'"), ('../../../../../../tmp/hostile', 'tmp/hostile'), ('..', "'..'"),
            ('a/../../hostile', "'a/../../hostile'"), ('a/../hostile', "'a/../hostile'"), ('a/..', "'a/..'"),
            ('/../hostile', "'/../hostile'"), ('./../hostile', "'./../hostile'"),
            ('a/' * 50 + '../' * 51 + 'hostile', 'hostile')]])


def test_odd_names_that_stay_inside(lab):
    place = Place(lab)
    for name, there in [('/hostile', 'hostile'), ('//tmp//hostile', 'tmp/hostile'), ('./././hostile', 'hostile'),
                        ('/etc/passwd', 'etc/passwd'), ('a/./b', 'a/b'), ('...', '...'), ('..a/b..', '..a/b..'),
                        ('a' * 255, 'a' * 255), ('-rf', '-rf'), ('\x1b[31m', '\x1b[31m'), ('a\nb', 'a\nb'),
                        ('\udcff\udcfe', '\udcff\udcfe')]:
        target = place.taken(f'the name {name!r}', one(folder('.'), entry(name, data=b'here'))(place.layout()))
        check(read(f'{target}/{there}') == b'here', name)


def test_names_too_long_or_none(lab):
    refuse_all(lab, [
        ('no name', one(entry('')), DAMAGED, 'at byte 0', 'without a name'),
        ('only dots and slashes of a file', one(entry('./')), DAMAGED, 'root', 'not a folder'),
        ('256 bytes', one(entry('a' * 256)), DAMAGED, '255'),
        ('256 bytes of a folder', one(entry('b/' + 'a' * 256 + '/c')), DAMAGED, '255'),
        ('a NUL in an extended name', one(pax(path=b'a\0b') + entry('x')), DAMAGED, 'NUL', "'a\\x00b'"),
        ('64 KiB and more', one(pax(path=b'a/' * 40000 + b'a') + entry('x')), FAILED, '65536'),
        ('a long name of 64 KiB and more', one(meta(b'a/' * 40000, b'L') + entry('x')), FAILED, '65537'),
        ('5000 folders deep', one(entry('a/' * 5000 + 'f')), DAMAGED, '4096'),
        ('5000 folders deep by a folder', one(folder('a/' * 5000)), DAMAGED, '4096'),
        ('a deep way through a link', one(*[symlink('l', '/' + 'a/' * 1500), entry('l/' + 'b/' * 3000 + 'f')]),
         FAILED,
         '4096'),
        ('a deep way over two layers', layers([folder('a/' * 3000), symlink('l', '/' + 'a/' * 2000)],
                                              [entry('l/' + 'b/' * 3000 + 'f')]), FAILED, '4096'),
    ])


def test_as_deep_as_may_be(lab):
    place = Place(lab)
    target = place.taken('4000 folders', one(entry('a/' * 4000 + 'f', data=b'deep'))(place.layout()))
    found = run(['find', target, '-type', 'f', '-size', '4c', '-printf', '%d'])
    check(found.text == '4001', found.shown())


# ── Links ──

def test_links_out_of_the_tree_are_kept(lab):
    place = Place(lab)
    for goal in ('../../outside/victim', '/etc/passwd', '../../outside', '/', '..', '../' * 60 + 'etc', '.', 'l',
                 '/proc/self/root', 'x' * 4095):
        target = place.taken(f'a link to {goal!r}', one(folder('.'), symlink('l', goal))(place.layout()),
                             umoci=len(goal) < 100)
        check(os.readlink(target + '/l') == goal, goal)
    refuse_all_in(place, [
        ('a link to nothing', one(symlink('l', '')), DAMAGED, "entry 'l'", '1 to 4095'),
        ('a link of 4096 bytes', one(symlink('l', 'x' * 4096)), FAILED, "entry 'l'", '4095'),
    ])


OUT = [('/etc', 'etc'), ('../../outside', 'outside'), ('../outside', 'outside'), ('/', '.'), ('..', '.'),
       ('../../../../../../../tmp', 'tmp'), ('x/../../..', '.')]


def test_files_through_links(lab):
    """A link and then a file through it goes where the link leads if the target is all there is."""
    place = Place(lab)
    for goal, there in OUT:
        goes_on = [entry('a/hostile', data=b'evil'), folder('a/dir'), symlink('a/link', 'victim'),
                   entry('a/victim', data=b'evil'), hard_link('a/twin', 'a/victim')]
        target = place.taken(f'through a link to {goal}', one(folder('.'), symlink('a', goal),
                                                              *goes_on)(place.layout()))
        check(os.readlink(target + '/a') == goal, goal)
        for name in ('hostile', 'victim', 'twin'):
            check(read(f'{target}/{there}/{name}') == b'evil', goal, name)
        # The same with the folder there, which umoci finds, too.
        ways = [folder(name) for name in ('etc', 'outside', 'tmp', 'x')]
        target = place.taken(f'through a link to {goal}, which is there',
                             layers([folder('.'), *ways, symlink('a', goal)], goes_on)(place.layout()), umoci=True)
        check(read(f'{target}/{there}/hostile') == b'evil', goal)
        place.taken(f'over two layers through a link to {goal}',
                    layers([folder('.'), symlink('a', goal)], goes_on)(place.layout()))


def test_links_as_parents(lab):
    place = Place(lab)
    refuse_all_in(place, [
        ('a link to itself', one(symlink('l', 'l'), entry('l/f')), DAMAGED, "entry 'l/f'", '255'),
        ('two links in a circle', one(symlink('a', 'b'), symlink('b', 'a'), entry('a/f')), DAMAGED, "entry 'a/f'"),
        ('a link that grows', one(symlink('a', 'a/a/a/a'), entry('a/f')), DAMAGED, "entry 'a/f'"),
        ('300 links', one(*[symlink(f'l{i}', f'l{i + 1}') for i in range(300)], entry('l0/f')), DAMAGED, '255'),
        ('a link through a long name', one(symlink('a', 'b' * 300), entry('a/f')), DAMAGED, "entry 'a/f'", '255'),
        ('a file as a parent', one(GOOD, entry('hello/f')), DAMAGED, "'hello'", 'no folder'),
        ('a device as a parent', one(entry('d', b'3', major=1, minor=3), entry('d/f')), DAMAGED, "'d'", 'no folder'),
        ('a link to a file as a parent', one(GOOD, symlink('l', 'hello'), entry('l/f')), DAMAGED, "'hello'",
         'no folder'),
    ])
    # Over two layers: what a layer does not know of it replaces.
    place.taken('a circle in the layer below', layers([symlink('a', 'b'), symlink('b', 'a')],
                                                      [entry('a/f')])(place.layout()))
    target = place.taken('a file in the layer below', layers([GOOD], [entry('hello/f', data=b'x')])(place.layout()))
    check(read(target + '/hello/f') == b'x')


def test_hard_links(lab):
    place = Place(lab)
    refuse_all_in(place, [
        ('to a later entry', one(hard_link('a', 'b'), entry('b')), DAMAGED, "entry 'a'", "hard link to 'b'",
         'before it'),
        ('to nothing', one(GOOD, hard_link('a', 'gone')), DAMAGED, "entry 'a'", "'gone'"),
        ('to the empty name', one(GOOD, hard_link('a', '')), DAMAGED, "entry 'a'"),
        ('to a folder', one(folder('d'), hard_link('a', 'd')), DAMAGED, "'d'", 'is a folder'),
        ('to the root', one(GOOD, hard_link('a', '/')), DAMAGED, "entry 'a'", 'folder'),
        ('to itself', one(hard_link('a', 'a')), DAMAGED, "entry 'a'", "'a'"),
        ('out of the tree', one(hard_link('a', '../../outside/victim')), DAMAGED, "hard link",
         "'../../outside/victim'"),
        ('out by an absolute name', one(hard_link('a', '/etc/passwd')), DAMAGED, "'/etc/passwd'"),
        ('out through a link', one(symlink('l', '../../outside'), hard_link('a', 'l/victim')), DAMAGED, "'l/victim'"),
        ('through a circle', one(symlink('l', 'l'), hard_link('a', 'l/x')), DAMAGED, "entry 'a'"),
        ('to what was hidden below', layers([GOOD], [entry('.wh.hello')], [hard_link('a', 'hello')]), DAMAGED,
         "'hello'"),
    ])
    target = place.taken('content after a hard link', one(
        folder('.'), GOOD, hard_link('twin', 'hello'), entry('twin', data=b'other'))(place.layout()), umoci=True)
    check(read(target + '/hello') == b'hello, world\n' and read(target + '/twin') == b'other', 'written through')
    target = place.taken('content after a hard link into the layer below', layers(
        [folder('.'), GOOD], [hard_link('twin', 'hello')], [entry('twin', data=b'other')])(place.layout()),
        umoci=True)
    check(read(target + '/hello') == b'hello, world\n' and read(target + '/twin') == b'other', 'written through')
    target = place.taken('a hard link to a link out', one(
        folder('.'), symlink('l', '../../outside/victim'), hard_link('a', 'l'))(place.layout()))
    check(os.readlink(target + '/a') == '../../outside/victim')
    target = place.taken('content in a hard link', one(
        folder('.'), GOOD, header('twin', b'1', link='hello', size=4096))(place.layout()))
    check(read(target + '/twin') == b'hello, world\n')


# ── Whiteouts ──

def test_whiteouts(lab):
    place = Place(lab)
    below = [folder('.'), GOOD, folder('d'), entry('d/x', data=b'x'), symlink('up', '..')]
    refuse_all_in(place, [
        (f'the whiteout {name!r}', layers(below, [entry(name)]), DAMAGED, f"entry '{name}'", 'whiteout')
        for name in ('.wh.', '.wh..', '.wh...', 'd/.wh.', 'd/.wh..', 'd/.wh...')])
    for what, names, gone in [
            ('of what is not there', ['.wh.gone', 'no/.wh.where'], []), ('of a whiteout', ['.wh..wh.x'], []),
            ('of an opaque marker', ['.wh..wh..wh..opq'], []), ('twice', ['.wh.hello', '.wh.hello'], ['hello']),
            ('of a folder', ['.wh.d'], ['d', 'd/x']), ('opaque at the root', ['.wh..wh..opq'],
                                                       ['hello', 'd', 'd/x', 'up']),
            ('opaque in a new folder', ['new/.wh..wh..opq'], []),
            ('opaque and a name', ['d/.wh..wh..opq', 'd/.wh.x'], ['d/x']),
            ('opaque in a folder that is a file below', ['hello/.wh..wh..opq'], ['hello/x']),
            ('below a whiteout', ['.wh.d/x'], ['d', 'd/x'])]:
        target = place.taken(f'a whiteout {what}', layers(below, [entry(n) for n in names])(place.layout()))
        left = [os.path.relpath(os.path.join(p, n), target) for p, ds, fs in os.walk(target) for n in ds + fs]
        check(not [n for n in left if '.wh.' in n], what, 'left', left)
        check(not set(gone) & set(left), what, 'left', set(gone) & set(left))
        kept = {'hello', 'd', 'd/x', 'up'} - set(gone)
        check(kept <= set(left), what, 'took', kept - set(left))
    target = place.taken('a whiteout through a link out', layers(below, [entry('up/.wh.hello')])(place.layout()))
    check(os.path.exists(target + '/up'))
    for kind, what in ((b'5', 'folder'), (b'2', 'link'), (b'3', 'device')):
        place.taken(f'a whiteout that is a {what}', layers(
            below, [entry('.wh.hello', kind, link='../../outside/victim' if kind == b'2' else '')])(place.layout()))


# ── Headers ──

def test_numbers_in_headers(lab):
    cases = [('2^63 - 1', hostile.base256(2**63 - 1, 12), DAMAGED, 'missing'),
             ('8^11 - 1', b'77777777777\0', DAMAGED, 'missing'),
             ('2^63', hostile.base256(2**63, 12), DAMAGED, 'size'),
             ('2^64', hostile.base256(2**64, 12), DAMAGED, 'size'),
             ('2^87', hostile.base256(2**87, 12), DAMAGED, 'size'),
             ('-1', hostile.base256(-1, 12), DAMAGED, 'size', '-1'),
             ('-2^63', hostile.base256(-2**63, 12), DAMAGED, 'size'),
             ('no number', b'12x45678901\0', DAMAGED, 'size', 'no number'),
             ('an octal minus', b'-0000000001\0', DAMAGED, 'size')]
    refuse_all(lab, [(f'a size of {what}', one(GOOD, entry('big', size=size)), code, *words)
                     for what, size, code, *words in cases] +
               [(f'a size of {what} in an extended header', one(GOOD, pax(size=size) + entry('big')), DAMAGED, *words)
                for what, size, *words in [
                    ('2^63 - 1', str(2**63 - 1), 'missing'), ('2^63', str(2**63), "'size'"),
                    ('2^64', str(2**64), "'size'"),
                    ('-1', '-1', "'size'"), ('1e9', '1e9', "'size'"), ('many digits', '9' * 1000, "'size'")]] +
               [(f'{field} {number}', one(entry('f', **{field: value})), DAMAGED, field)
                for field, number, value in [
                    ('uid', '-1', hostile.base256(-1, 8)), ('gid', '-1', hostile.base256(-1, 8)),
                    ('mtime', '2^70', hostile.base256(2**70, 12)), ('mode', 'no number', b'rwxr-xr\0')]] +
               [('an extended time that is none', one(pax(mtime='tomorrow') + entry('f')), DAMAGED, 'mtime',
                 "'tomorrow'"),
                ('a body of 2^63 - 1', one(meta(b'', size=hostile.base256(2**63 - 1, 12))), FAILED, '4194304'),
                ('a record that ends elsewhere', one(meta(b'99 path=a\n')), DAMAGED, 'record'),
                ('a record of no length', one(meta(b'0 path=a\n')), DAMAGED, 'record'),
                ('a record of a huge length', one(meta(b'99999999999999999999 path=a\n')), DAMAGED, 'record'),
                ('a record without =', one(meta(b'9 path_a\n')), DAMAGED, 'key=value'),
                ('a header for nothing', one(pax(path='a')), DAMAGED, 'without its entry'),
                ('a header after one block of zeros', one(GOOD + bytes(512) + GOOD), DAMAGED, 'at byte 1536',
                 'zeros')])


def test_owners_and_devices(lab):
    place = Place(lab)
    refuse_all_in(place, [
        (what, one(make), FAILED, "entry 'f'", word) for what, make, word in [
            ('uid 2^32 - 1', pax(uid=str(2**32 - 1)) + entry('f'), '4294967294'),
            ('gid 2^32 - 1', entry('f', gid=hostile.base256(2**32 - 1, 8)), '4294967294'),
            ('uid 2^63 - 1', pax(uid=str(2**63 - 1)) + entry('f'), '4294967294'),
            ('major 4096', entry('f', b'3', major=4096, minor=0), '4095:1048575'),
            ('minor 2^20', entry('f', b'4', major=1, minor=hostile.base256(2**20, 8)), '4095:1048575'),
            ('major 2^32 - 1', entry('f', b'3', major=hostile.base256(2**32 - 1, 8)), '4095:1048575')]])
    refuse_all_in(place, [
        ('major 2^40', one(entry('f', b'3', major=hostile.base256(2**40, 8))), DAMAGED, 'devmajor'),
        ('minor -1', one(entry('f', b'3', minor=hostile.base256(-1, 8))), DAMAGED, 'devminor')])
    need_root('make devices')
    target = place.taken('the largest owners and devices', one(
        pax(uid=str(2**32 - 2), gid=str(2**32 - 2)) + entry('d', b'3', major=4095, minor=hostile.base256(2**20 - 1, 8)))(
            place.layout()))
    st = os.lstat(target + '/d')
    check((st.st_uid, st.st_gid, os.major(st.st_rdev), os.minor(st.st_rdev)) == (2**32 - 2, 2**32 - 2, 4095, 2**20 - 1))


def test_attributes(lab):
    def with_value(size, key='SCHILY.xattr.user.big', count=1):
        body = b''.join(hostile.record(key + (str(i) if count > 1 else ''), b'x' * size) for i in range(count))
        return one(meta(body) + entry('f'))
    refuse_all(lab, [
        ('a value of 65537 bytes', with_value(65537), FAILED, "entry 'f'", "'user.big' of 65537 bytes"),
        ('a name of 256 bytes', with_value(1, 'SCHILY.xattr.user.' + 'n' * 251), FAILED, "entry 'f'"),
        ('a set of 1 MiB and more', with_value(60000, count=18), FAILED, "entry 'f'", '1048576'),
        ('a set of 2 MiB and more', with_value(60000, count=36), FAILED, "'f'", '2097152'),
        ('no name', with_value(1, 'SCHILY.xattr.'), DAMAGED, 'without a name'),
        ('a value that is no base64', one(meta(hostile.record('LIBARCHIVE.xattr.user.a', '!!')) + entry('f')),
         DAMAGED, 'base64'),
        ('100000 attributes', one(meta(b''.join(hostile.record(f'SCHILY.xattr.user.{i}', '') for i in range(100000))) + entry('f')),
         FAILED, "'f'"),
        ('global headers of 64 KiB and more', one(meta(hostile.record('SCHILY.xattr.user.g', b'x' * 65530),
                                                       b'g') + GOOD),
         FAILED, 'global'),
    ])


def test_damaged_headers(lab):
    """One byte of a header changed at every place; the digests are right."""
    place, whole = Place(lab), tar(entry('a/file', data=b'x' * 700))
    codes = set()
    for at in [*range(0, 345, 19), *range(148, 155)]:
        changed = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1:]
        place.refused(f'byte {at} flipped', place.layout().image(changed), DAMAGED, 'layer sha256:', 'at byte 0')
    for field in hostile.FIELDS:
        full = {field: b'\xff' * hostile.FIELDS[field][1]}
        full = {'typeflag': b'0', 'name': 'f', **full}
        result = place.create(place.layout().image(header(**full) + END), expect=(0, 1, 3))
        codes.add(result.code)
        check(result.message.count('\n') == (result.code != 0) and result.peak < place.peak, field, result.shown())
        if result.code == 0:
            place.bfc('delete', 'bad')
        place.check_store(f'{field} full of ones')
    check(codes >= {0, 3}, codes)


def test_sparse_maps(lab):
    def gnu(version, *records, data=b'x' * 1024, name='f'):
        major, minor = version.split('.')
        head = [('GNU.sparse.major', major), ('GNU.sparse.minor', minor), ('GNU.sparse.name', name)]
        return one(meta(b''.join(hostile.record(*r) for r in [*head, *records])) + entry('f', data=data))

    def listed(text, count, size='4096'):
        return gnu('0.1', ('GNU.sparse.size', size), ('GNU.sparse.numblocks', str(count)), ('GNU.sparse.map', text))

    def lines(*numbers, real='4096', rest=b'x' * 1024):
        text = b''.join(b'%d\n' % n for n in numbers)
        return gnu('1.0', ('GNU.sparse.realsize', real), data=hostile.padded(text) + rest)
    place = Place(lab)
    refuse_all_in(place, [
        ('that overlap', listed('0,512,256,512', 2), DAMAGED, 'range at 256', 'ends at 512'),
        ('that fall', listed('1024,512,0,512', 2), DAMAGED, 'range at 0', 'ends at 1536'),
        ('beyond the end', listed('0,512,8192,512', 2), DAMAGED, '8704', '4096'),
        ('that hold more than came', listed('0,512,1024,1024', 2), DAMAGED, '1536', '1024'),
        ('beyond 2^63', listed(f'0,512,{2**63 - 1},512', 2, str(2**63 - 1)), DAMAGED, 'outside of any file'),
        ('of no numbers', listed('a,b', 1), DAMAGED, 'GNU.sparse.map'),
        ('of an odd count', listed('0,512,1024', 2), DAMAGED, 'GNU.sparse.map'),
        ('of another count', listed('0,1024', 2), DAMAGED, 'numblocks'),
        ('of a real size that is none', listed('0,1024', 1, '-1'), DAMAGED, 'GNU.sparse.size'),
        ('as lines that overlap', lines(2, 0, 512, 256, 512), DAMAGED, 'range at 256'),
        ('as lines that are missing', lines(1000, 0, 1024), DAMAGED, 'sparse map'),
        ('as 2^40 lines', lines(2**40, 0, 1024), FAILED, '1048576'),
        ('as endless digits', gnu('1.0', ('GNU.sparse.realsize', '1'), data=b'9' * 2048), DAMAGED, 'sparse map'),
        ('as old pairs that overlap', one(hostile.old_sparse('f', [(0, 512), (256, 512)], 4096, b'x' * 1024)),
         DAMAGED, '256'),
        ('as old pairs beyond the end', one(hostile.old_sparse('f', [(0, 512), (8192, 512)], 4096, b'x' * 1024)),
         DAMAGED, '8704'),
        ('with a name that leads out', gnu('1.0', ('GNU.sparse.realsize', '4096'), name='../hostile',
                                           data=hostile.padded(b'1\n0\n512\n') + b'x' * 512), DAMAGED,
                                           "'../hostile'"),
    ])
    target = place.taken('a file of 8 TiB, nearly all of them a hole',
                         lines(1, 0, 1024, real=str(2**43))(place.layout()))
    check(os.stat(target + '/f').st_size == 2**43 and os.stat(target + '/f').st_blocks < 100)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
