# SPDX-License-Identifier: Apache-2.0
"""The tar reader on archives of GNU tar, bsdtar and Python, in all their formats, against what the
file system says; the writer's archives read by the same three; and archives cut and damaged. The
program under test is tar_probe."""
import hashlib
import io
import os
import stat
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import compare  # noqa: E402
import harness  # noqa: E402
from harness import check, need, need_root, run  # noqa: E402

PORTIONS = ('1', '511', '512', '513', '1048576')
FILE, HARDLINK, SYMLINK, CHAR, BLOCK, FOLDER, FIFO, OTHER = range(8)
KIND = {stat.S_IFREG: FILE, stat.S_IFLNK: SYMLINK, stat.S_IFCHR: CHAR, stat.S_IFBLK: BLOCK,
        stat.S_IFDIR: FOLDER, stat.S_IFIFO: FIFO}
GNU_FORMATS = ('v7', 'ustar', 'gnu', 'oldgnu', 'pax', 'posix')
UTF8 = ('env', 'LC_ALL=C.UTF-8')  # bsdtar changes names that the locale has no characters for
BSD_FORMATS = ('v7', 'ustar', 'gnutar', 'pax')


def put(path, content, mtime_ns=1_600_000_000_000_000_000):
    with open(path, 'wb') as f:
        f.write(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def put_sparse(path, size, pieces):
    with open(path, 'wb') as f:
        f.truncate(size)
        for offset, content in pieces:
            f.seek(offset)
            f.write(content)


def simple_tree(top):
    """What every format can hold."""
    os.makedirs(top + '/d/empty')
    put(top + '/d/file', b'hello\n')
    put(top + '/d/none', b'')
    put(top + '/d/block', bytes(range(256)) * 2)
    put(top + '/d/large', os.urandom(70000))
    os.chmod(top + '/d/file', 0o6711)
    os.symlink('d/file', top + '/link')
    os.link(top + '/d/file', top + '/z-hard')
    os.mkfifo(top + '/fifo')
    if os.geteuid() == 0:
        os.chown(top + '/d/none', 1234, 5678)
    for folder, _, _ in os.walk(top):
        os.utime(folder, (1_500_000_000, 1_500_000_000))


def hard_tree(top, for_bsdtar=False):
    """What needs more than ustar. bsdtar has a way of its own with parts of seconds before 1970: for
    1.5 seconds before, it writes -2.5 and means -2 and a half after. And device numbers of more than 18
    bits have keys of their own there."""
    simple_tree(top)
    deep = top + '/' + '/'.join(['directory' + c * 20 for c in 'abcdefg'])
    os.makedirs(deep)
    put(deep + '/' + 'n' * 120, b'deep', 1_600_000_000_123_456_789)
    put(deep + '/odd \\ \n = name', b'odd')
    os.symlink('t' * 150, top + '/long-link')
    put(top + '/old', b'before 1970', -2_000_000_000 if for_bsdtar else -1_500_000_000)
    put(top + '/far', b'after 2242', 9_000_000_000_000_000_000)
    put(top + '/\u00e4', b'not ASCII')
    os.mknod(top + '/device', 0o600 | stat.S_IFBLK, os.makedev(259, 200000 if for_bsdtar else 1000000))
    os.chown(top + '/old', 3_000_000_000, 4_000_000_000)
    os.setxattr(top + '/old', 'user.a', b'value = \0\n\xff')
    os.setxattr(top + '/old', 'user.empty', b'')
    os.setxattr(top + '/far', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))


def sparse_tree(top):
    os.makedirs(top)
    put_sparse(top + '/hole', 3 << 20, [])
    put_sparse(top + '/tail', 1 << 20, [(0, b'x' * 5000)])
    put_sparse(top + '/head', 1 << 20, [((1 << 20) - 5000, b'x' * 5000)])
    put_sparse(top + '/many', 40 << 20, [(i << 18, b'%d' % i) for i in range(150)])
    put_sparse(top + '/large', 9 << 30, [(5 << 30, b'far')])
    put(top + '/plain', b'plain')


# ── What the reader says ──

def fields(line):
    pairs = [word.split('=', 1) for word in line.split(' ')]
    entry = {key: value for key, value in pairs if key not in ('xattr', 'value')}
    names = [bytes.fromhex(v) for k, v in pairs if k == 'xattr']
    entry['xattrs'] = dict(zip(names, (bytes.fromhex(v) for k, v in pairs if k == 'value')))
    for key in ('path', 'link'):
        entry[key] = bytes.fromhex(entry[key])
    for key in ('kind', 'uid', 'gid', 'mtime', 'ns', 'major', 'minor', 'size', 'stored', 'taken', 'sparse'):
        entry[key] = int(entry[key])
    entry['mode'] = int(entry['mode'], 8)
    return entry


def listed(lab, archive, portions=PORTIONS):
    """The entries; the same in whatever portions."""
    outputs = {run([lab.bfc_path, 'list', archive, p]).out for p in portions}
    check(len(outputs) == 1, archive, 'reads otherwise in other portions')
    skipped = run([lab.bfc_path, 'skip', archive, '700']).out
    lines = outputs.pop().decode('ascii').splitlines()
    check(len(skipped.splitlines()) == len(lines), 'other entries when contents are passed over')
    return [fields(line) for line in lines]


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


def check_entry(e, path, *, exact_time, xattrs, content=True):
    st = os.lstat(path)
    check(e['mode'] == stat.S_IMODE(st.st_mode) or e['kind'] == SYMLINK, path, 'mode', oct(e['mode']))
    check((e['uid'], e['gid']) == (st.st_uid, st.st_gid), path, 'owner', e['uid'], e['gid'])
    ns = st.st_mtime_ns if exact_time else st.st_mtime_ns // 10**9 * 10**9
    check(e['mtime'] * 10**9 + e['ns'] == ns, path, 'mtime', e['mtime'], e['ns'])
    if xattrs:
        expected = {os.fsencode(n): os.getxattr(path, n, follow_symlinks=False)
                    for n in os.listxattr(path, follow_symlinks=False)}
        check(e['xattrs'] == expected, path, 'xattrs', e['xattrs'])
    if e['kind'] == HARDLINK:
        return
    check(e['kind'] == KIND[stat.S_IFMT(st.st_mode)], path, 'kind', e['kind'])
    if e['kind'] == FILE and content:
        check(e['size'] == st.st_size and e['taken'] == e['stored'], path, 'size', e['size'])
        check(e['sha256'] == digest(path), path, 'has other content')
    elif e['kind'] == SYMLINK:
        check(e['link'] == os.fsencode(os.readlink(path)), path, 'target', e['link'])
    elif e['kind'] in (CHAR, BLOCK):
        check((e['major'], e['minor']) == (os.major(st.st_rdev), os.minor(st.st_rdev)), path, 'device')


def check_archive(lab, archive, tree, *, exact_time=False, xattrs=False, complete=True):
    """Every entry is as the file system has it, and every path of the tree is there."""
    entries = listed(lab, archive)
    seen = set()
    for e in entries:
        path = os.path.normpath(os.path.join(os.fsencode(tree), e['path']))
        seen.add(path)
        check_entry(e, os.fsdecode(path), exact_time=exact_time, xattrs=xattrs)
        if e['kind'] == HARDLINK:
            target = os.path.join(os.fsencode(tree), e['link'])
            check(os.path.samefile(target, path), path, 'is no link to', target)
        check(e['path'].endswith(b'/') == (e['kind'] == FOLDER), e['path'], 'and the "/" at its end')
    expected = {os.path.join(folder, name) for folder, folders, files in os.walk(os.fsencode(tree))
                for name in folders + files}
    if complete:
        check(expected <= seen, 'not in the archive:', sorted(expected - seen)[:5])
    return entries


# ── Archives of others ──

def test_gnu_tar_simple(lab):
    simple_tree(lab / 'tree')
    for form in GNU_FORMATS:
        # v7 has no FIFOs: GNU tar leaves them out, and says so.
        run(['tar', '-C', lab / 'tree', '--format=' + form, '-cf', lab / 'a.tar', '.'], expect=(0, 1, 2))
        check_archive(lab, lab / 'a.tar', lab / 'tree', exact_time=form in ('pax', 'posix'),
                      complete=form != 'v7')


def test_gnu_tar_hard(lab):
    need_root('make devices and give files away')
    hard_tree(lab / 'tree')
    for form in ('gnu', 'oldgnu', 'pax', 'posix'):
        pax = form in ('pax', 'posix')
        run(['tar', '-C', lab / 'tree', '--format=' + form, *(['--xattrs', '--xattrs-include=*'] if pax else []),
             '-cf', lab / 'a.tar', '.'])
        check_archive(lab, lab / 'a.tar', lab / 'tree', exact_time=pax, xattrs=pax)


def test_gnu_tar_sparse(lab):
    sparse_tree(lab / 'tree')
    for options in (['--format=gnu'], ['--format=oldgnu'], *(['--format=pax', '--sparse-version=' + v]
                                                             for v in ('0.0', '0.1', '1.0'))):
        run(['tar', '-C', lab / 'tree', *options, '-Scf', lab / 'a.tar', '.'])
        entries = listed(lab, lab / 'a.tar', ('513', '1048576'))
        check(len(entries) == 7, 'entries:', len(entries))
        for e in entries:
            name = os.path.basename(os.fsdecode(e['path']))
            if name == 'large':  # hashing 9 GiB of holes would take a minute
                check(e['size'] == 9 << 30 and e['stored'] == 4096, options, e)
                continue
            check_entry(e, os.path.join(lab / 'tree', name), exact_time='--format=pax' in options,
                        xattrs=False)
            check(e['sparse'] == (name not in ('', 'plain')), options, name, 'is sparse:', e['sparse'])


def test_bsdtar(lab):
    need('bsdtar')
    simple_tree(lab / 'tree')
    for form in BSD_FORMATS:
        run(['bsdtar', '-C', lab / 'tree', '--format=' + form, '-cf', lab / 'a.tar', '.'], expect=(0, 1))
        check_archive(lab, lab / 'a.tar', lab / 'tree', exact_time=form == 'pax', complete=form != 'v7')


def test_bsdtar_hard(lab):
    need('bsdtar')
    need_root('make devices and give files away')
    hard_tree(lab / 'tree', for_bsdtar=True)
    for form in ('gnutar', 'pax'):
        if form == 'gnutar':  # it cuts times to what is not negative and has 33 bits
            for name in ('old', 'far'):
                os.utime(lab / 'tree/' + name, (1, 1))
        else:
            os.utime(lab / 'tree/old', (-2, -2))
            os.utime(lab / 'tree/far', (9e9, 9e9))
        run([*UTF8, 'bsdtar', '-C', lab / 'tree', '--format=' + form, '-cf', lab / 'a.tar', '.'],
            expect=(0, 1))
        pax = form == 'pax'
        check_archive(lab, lab / 'a.tar', lab / 'tree', exact_time=pax, xattrs=pax)


def python_archive(path, tree, form):
    with tarfile.open(path, 'w', format=form, encoding='utf-8', errors='surrogateescape') as archive:
        archive.add(tree, '.')


def test_python(lab):
    need_root('make devices and give files away')
    simple_tree(lab / 'simple')
    python_archive(lab / 'a.tar', lab / 'simple', tarfile.USTAR_FORMAT)
    entries = listed(lab, lab / 'a.tar')
    check(len(entries) == 10, 'entries:', len(entries))
    hard_tree(lab / 'tree')
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        python_archive(lab / 'a.tar', lab / 'tree', form)
        for e in listed(lab, lab / 'a.tar'):
            e['ns'] = 0
            path = os.path.join(os.fsencode(lab / 'tree'), e['path'])
            st = os.lstat(path)
            check((e['mode'], e['uid']) == (stat.S_IMODE(st.st_mode), st.st_uid), path, e)
            check(e['mtime'] == st.st_mtime_ns // 10**9 or form == tarfile.GNU_FORMAT, path, e)
            if e['kind'] == FILE:
                check(e['sha256'] == digest(path), path, 'has other content')


def test_concatenated(lab):
    """What follows the end is passed on and belongs to nothing."""
    simple_tree(lab / 'tree')
    run(['tar', '-C', lab / 'tree', '-cf', lab / 'a.tar', '.'])
    with open(lab / 'a.tar', 'rb') as f:
        once = f.read()
    put(lab / 'b.tar', once + once + b'rest')
    check(listed(lab, lab / 'b.tar') == listed(lab, lab / 'a.tar'), 'the second archive is seen')


# ── Archives of ours ──

def rewritten(lab, archive, name):
    path = lab / name
    put(path, run([lab.bfc_path, 'rewrite', archive]).out)
    return path


def comparable(entries):
    """Without where it stood, and in which form."""
    return [{k: v for k, v in e.items() if k not in ('offset', 'flag')} for e in entries]


def check_same_tree(left, right):
    compare.same_by_rsync(left, right)
    compare.same_by_mtree(left, right)
    compare.same_by_getfattr(left, right)


def test_others_read_ours(lab):
    need('bsdtar', 'rsync', 'getfattr')
    need_root('make devices and give files away')
    hard_tree(lab / 'tree')
    run(['tar', '-C', lab / 'tree', '--format=pax', '--xattrs', '--xattrs-include=*', '-cf', lab / 'a.tar', '.'])
    ours = rewritten(lab, lab / 'a.tar', 'b.tar')
    check(comparable(listed(lab, ours)) == comparable(listed(lab, lab / 'a.tar')), 'written otherwise than read')
    lab.mkdir('gnu')
    run(['tar', '-C', lab / 'gnu', '--xattrs', '--xattrs-include=*', '-xpf', ours])
    check_same_tree(lab / 'tree', lab / 'gnu')
    os.utime(lab / 'tree/old', (-2, -2))
    run(['tar', '-C', lab / 'tree', '--format=pax', '--xattrs', '--xattrs-include=*', '-cf', lab / 'a.tar', '.'])
    ours = rewritten(lab, lab / 'a.tar', 'b.tar')
    lab.mkdir('bsd')
    run([*UTF8, 'bsdtar', '-C', lab / 'bsd', '-xpf', ours])
    run(['touch', '-r', lab / 'tree', lab / 'bsd'])  # bsdtar leaves the time of "." as it is
    check_same_tree(lab / 'tree', lab / 'bsd')
    with tarfile.open(ours, errors='surrogateescape') as archive:
        members = {os.fsencode(m.name): m for m in archive}
    for e in listed(lab, ours, ('4096',)):
        m = members[e['path'].rstrip(b'/')]
        check((m.mode, m.uid, m.gid, int(m.mtime // 1)) == (e['mode'], e['uid'], e['gid'], e['mtime']), m.name)
        check(os.fsencode(m.linkname) == e['link'] and m.size == e['size'], m.name, m.linkname)


def test_others_read_our_sparse(lab):
    need('bsdtar')
    sparse_tree(lab / 'tree')
    run(['tar', '-C', lab / 'tree', '--format=gnu', '-Scf', lab / 'a.tar', '.'])
    ours = rewritten(lab, lab / 'a.tar', 'b.tar')
    for program in ('tar', 'bsdtar'):
        out = lab.mkdir(program)
        run([program, '-C', out, '-xpSf', ours])
        for name in ('hole', 'tail', 'head', 'many', 'plain'):
            check(digest(f'{out}/{name}') == digest(lab / 'tree/' + name), program, name)
        check(os.stat(out + '/large').st_size == 9 << 30, program, 'large')
        with open(out + '/large', 'rb') as f:
            f.seek(5 << 30)
            check(f.read(4) == b'far\0', program, 'large')
        check(os.stat(out + '/many').st_blocks * 512 < 4 << 20, program, 'filled the holes')
    with tarfile.open(ours) as archive:
        member = archive.getmember('./many')
        check(member.issparse() and member.size == 40 << 20, 'Python sees', member.size)
        check(hashlib.sha256(archive.extractfile(member).read()).hexdigest() == digest(lab / 'tree/many'), 'many')


def test_ours_is_settled(lab):
    """What was written once is written in the same bytes again; and nothing of the machine is in it."""
    need_root('make devices and give files away')
    hard_tree(lab / 'tree')
    run(['tar', '-C', lab / 'tree', '--format=gnu', '-cf', lab / 'a.tar', '.'])
    once = rewritten(lab, lab / 'a.tar', 'b.tar')
    twice = rewritten(lab, once, 'c.tar')
    check(digest(once) == digest(twice), 'written otherwise the second time')


# ── Damage ──

def small_archives(lab):
    """One for each kind of header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo('p' * 120)
        info.size, info.pax_headers = 5, {'SCHILY.xattr.user.a': 'b', 'mtime': '1.5'}
        archive.addfile(info, io.BytesIO(b'hello'))
    put(lab / 'pax.tar', out.getvalue()[:3072])
    put_sparse(lab / 'sparse', 1 << 20, [(i << 16, b'x') for i in range(8)])
    for name, options in (('old', ['--format=gnu']), ('map', ['--format=pax', '--sparse-version=1.0'])):
        run(['tar', '-C', lab.path, *options, '--blocking-factor=1', '-Scf', lab / name + '.tar', 'sparse'])
    put(lab / 'name', b'x')
    run(['tar', '-C', lab.path, '--format=gnu', '-b1', '--transform=s/name/' + 'long' * 40 + '/', '-cf',
         lab / 'long.tar', 'name'])
    return [lab / n + '.tar' for n in ('pax', 'old', 'map', 'long')]


def headers_of(archive):
    """Where header blocks are, by Python, which knows nothing of ours: all but those for other bytes."""
    with open(archive, 'rb') as f:
        data = f.read()
    return [at for at in range(0, len(data), 512) if data[at + 257:at + 262] == b'ustar']


def test_damage(lab):
    """Every cut and every flipped bit ends in an error or in a whole archive, never in a crash; a bit
    of a header block never goes unseen, but for one that leaves the number in the checksum field."""
    for archive in small_archives(lab):
        lines = run([lab.bfc_path, 'damage', archive]).text.splitlines()
        headers = headers_of(archive)
        check(len(headers) >= 1 and len(lines) > 4096, archive, len(lines))
        end = os.path.getsize(archive) - 1024  # of the one entry, with what fills its last block
        content_end = end - -listed(lab, archive)[0]['stored'] % 512
        for line in lines:
            what, where, code, entries, message = (line + ' ').split(' ', 4)
            where = int(where)
            check(code in ('ok', 'corrupt', 'limit', 'unsupported'), archive, line)
            check(code == 'ok' or 'of the tar: ' in message, archive, line)
            if what == 'cut':
                whole = where == 0 or content_end <= where and (where <= end or where % 512 == 0)
                check((code == 'ok') == whole, archive, line)
                check(code != 'ok' or int(entries) == (where > 0), archive, line)
            elif code == 'ok':
                byte = where // 8
                in_header = [h for h in headers if h <= byte < h + 512]
                check(not in_header or 148 <= byte - in_header[0] < 156, archive, line)


if __name__ == '__main__':
    harness.main(globals(), shares=2)
