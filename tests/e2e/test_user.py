# SPDX-License-Identifier: Apache-2.0
"""What an ordinary user can do: his own trees whole, of others' what he may set; what could not be kept is
said once a kind, and is an error with --strict."""
import os
import re
import shutil
import struct
import tempfile

import compare
import harness
import oddities
from harness import check, need, need_root, run, say

USER = 12345


class UserLab:
    """The program where an ordinary user may run it, and a folder that is his."""

    def __init__(self, lab):
        need_root('become somebody else')
        need('setpriv')
        self.home = tempfile.mkdtemp(prefix='bfc-e2e-')
        os.chmod(self.home, 0o755)
        self.program = os.path.join(self.home, 'bfc')
        shutil.copy(lab.bfc_path, self.program)
        libraries = re.findall(r'libbfc\S* => (/\S+)', run(['ldd', lab.bfc_path], expect=None).text)
        for library in libraries:  # one that is not installed yet
            shutil.copy(library, self.home)
        os.mkdir(self.home + '/own')
        os.chown(self.home + '/own', USER, USER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        harness.remove(self.home)

    def at(self, name):
        return os.path.join(self.home, 'own', name)

    def run(self, *argv, **how):
        return run(['setpriv', f'--reuid={USER}', f'--regid={USER}', '--clear-groups', '--', *argv],
                   env={'LD_LIBRARY_PATH': self.home, 'HOME': self.home + '/own'}, cwd=self.home + '/own', **how)

    def bfc(self, *args, **how):
        return self.run(self.program, *args, **how)


def make_foreign_tree(root):
    """What only root can restore, many times each."""
    os.mkdir(root)
    for i in range(20):
        at = lambda name, number=i: os.path.join(root, f'{name}-{number}')
        oddities.write(at('owned'), b'owned by another')
        os.chown(at('owned'), 1000 + i, 2000)
        oddities.write(at('setuid'), b'setuid of root')
        os.chmod(at('setuid'), 0o6755)
        oddities.write(at('trusted'), b'trusted')
        os.setxattr(at('trusted'), 'trusted.bfc', b'x')
        os.setxattr(at('trusted'), 'user.kept', b'kept')
        oddities.write(at('capable'), b'capable')
        os.setxattr(at('capable'), 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0))
        os.mknod(at('device'), 0o20644, os.makedev(1, 3))
        os.mkfifo(at('fifo'), 0o640)
        os.symlink('owned-0', at('link'))
        os.link(at('owned'), at('hard'))
        os.mkdir(at('dir'))
        oddities.write(at('dir') + '/file', b'in a folder', 0o400)
        os.chmod(at('dir'), 0o555)
        os.mkdir(at('closed'))
        oddities.write(at('closed') + '/file', b'in a closed folder', 0)
        os.chmod(at('closed'), 0)
        oddities.write_runs(at('sparse'), 1 << 20, [(500_000, b'data')])
        for name in ('dir', 'closed', 'fifo', 'link'):
            os.utime(at(name), ns=(1, oddities.ODD_MTIME), follow_symlinks=False)
    os.utime(root, ns=(1, oddities.ODD_MTIME))


def kept(tree):
    """What an ordinary user can restore: all but owners, setuid and setgid, and devices."""
    rows = []
    for row in compare.listing(tree):
        *path, kind, mode, _, _, time, size, links, target = row.split(b'\t')
        if kind != b'c':
            rows.append((*path, kind, int(mode, 8) & 0o1777, time, size, links, target))
    return rows


def test_foreign_tree(lab):
    with UserLab(lab) as user:
        source = lab / 'source'
        make_foreign_tree(source)
        lab.bfc('create', user.home + '/x.bfc', source)
        os.chmod(user.home + '/x.bfc', 0o644)
        result = user.bfc('extract', user.home + '/x.bfc', '-C', 'out')
        out = user.at('out')
        check(kept(source) == kept(out), compare.lines_that_differ(kept(source), kept(out)))
        compare.same_by_rsync(source, out, options=[
            '--no-o', '--no-g', '--no-p', '--no-X', '--no-A', '--no-D', '--exclude=/device-*', '--exclude=/fifo-*'])
        compare.same_holes(source, out, content=True)
        check(os.getxattr(out + '/trusted-3', 'user.kept') == b'kept', 'user xattr lost')
        check(not os.stat(out + '/setuid-0').st_mode & 0o6000, 'setuid given to another owner')
        check(os.stat(out + '/owned-1').st_uid == USER)
        check_said_once(result)


def check_said_once(result):
    lines = [l for l in result.message.splitlines() if l.strip()]
    say('told:', *('\n    ' + l for l in lines))
    for word in ('owner', 'device', 'xattr|attribute', 'setuid|mode'):
        about = [l for l in lines if re.search(word, l)]
        check(about, f'nothing is said about: {word}', result.shown())
    check(len(lines) <= 5, 'more than once a kind:', result.shown())


def test_foreign_tree_strict(lab):
    with UserLab(lab) as user:
        for kind in ('owner', 'setuid', 'xattr', 'device', 'none'):
            source = lab.mkdir(kind)
            oddities.write(source + '/file', b'text')
            for path in (source + '/file', source):
                os.chown(path, USER, USER)
            if kind == 'owner':
                os.chown(source + '/file', 0, 0)
            elif kind == 'setuid':
                os.chown(source + '/file', 0, 0)
                os.chmod(source + '/file', 0o4755)
            elif kind == 'xattr':
                os.setxattr(source + '/file', 'trusted.bfc', b'x')
            elif kind == 'device':
                os.mknod(source + '/null', 0o20666, os.makedev(1, 3))
                os.chown(source + '/null', USER, USER)
            lab.bfc('create', '-f', user.home + '/x.bfc', source)
            result = user.bfc('extract', '--strict', user.home + '/x.bfc', '-C', f'out-{kind}',
                              expect=0 if kind == 'none' else 5)
            check(bool(result.err) == (kind != 'none'), result.shown())


def test_own_tree_is_kept_whole(lab):
    """Nothing is lost, and nothing said, of a tree that is the user's own."""
    with UserLab(lab) as user:
        source = user.at('source')
        os.mkdir(source)
        for mode in (0, 0o400, 0o111, 0o644, 0o755, 0o4755, 0o2755, 0o1644):
            oddities.write(f'{source}/{mode:04o}', b'%o' % mode, mode)
        os.makedirs(source + '/read-only/below')
        os.chmod(source + '/read-only', 0o555)
        os.mkfifo(source + '/fifo')
        os.symlink('nowhere', source + '/link')
        os.link(source + '/0644', source + '/hard')
        os.setxattr(source + '/0755', 'user.kept', b'kept')
        run(['chown', '-Rh', f'{USER}:{USER}', source])
        for mode in (0o4755, 0o2755):  # chown took it away
            os.chmod(f'{source}/{mode:04o}', mode)
        unreadable = user.bfc('create', 'x.bfc', 'source', expect=5)
        check('0000' in unreadable.message or '0111' in unreadable.message, unreadable.shown())
        check(sorted(os.listdir(user.at(''))) == ['source'], 'something was left:', os.listdir(user.at('')))
        for mode in (0, 0o111):
            os.unlink(f'{source}/{mode:04o}')
        user.bfc('create', 'x.bfc', 'source')
        result = user.bfc('extract', '--strict', 'x.bfc', '-C', 'out')
        check(not result.err, result.shown())
        compare.same_tree(source, user.at('out'))


def test_folders_that_may_not_be_written(lab):
    """An ordinary user gets a clear error, and leaves nothing."""
    with UserLab(lab) as user:
        oddities.write(user.at('file'), b'text')
        os.chmod(user.at('file'), 0o644)
        os.mkdir(user.home + '/of-root')
        refused = user.bfc('create', user.home + '/of-root/x.bfc', 'file', expect=5)
        check('of-root' in refused.message, refused.shown())
        user.bfc('create', 'x.bfc', 'file', '-C', '.')
        refused = user.bfc('extract', 'x.bfc', '-C', user.home + '/of-root', expect=5)
        check('of-root' in refused.message or 'file' in refused.message, refused.shown())
        check(not os.listdir(user.home + '/of-root'), 'something was left')


if __name__ == '__main__':
    harness.main(globals())
