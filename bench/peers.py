# SPDX-License-Identifier: Apache-2.0
"""The programs that bfc is compared with: which are there, and how each creates, extracts and tells its version. All
compress with zstd at one level where they can, with as many threads as bfc. A command is a list of words, or two of them
with a pipe between."""
import os
import shlex
import shutil
import subprocess

from measure import BLOCK, LEVEL

LARGE_BLOCK = 1 << 20
SQUASHFS, SQUASHFS_LARGE, TAR, EROFS, DWARFS = 'squashfs', 'squashfs, 1M', 'tar+zstd', 'erofs', 'dwarfs'
TAR_KEEPS = ['--xattrs', '--xattrs-include=*']
LONG_LEVEL = 19


class Peer:
    """`create` is a function of tree and file, `extract` of file and folder; `makes_folder`: that is there for it already."""

    def __init__(self, tools, version, create, extract, makes_folder=False):
        self.tools, self.version, self.create, self.extract, self.makes_folder = tools, version, create, extract, makes_folder

    @property
    def missing(self):
        return [tool for tool in self.tools if not shutil.which(tool)]


def said(argv):
    """What a program says, on whichever stream; exit codes of --help and --version differ."""
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace')
    return done.stdout + done.stderr


def first_line(argv):
    return next((line.strip() for line in said(argv).split('\n') if line.strip()), '')


def line_with(word, argv):
    """Of programs that print more than their version."""
    return next((line.strip() for line in said(argv).split('\n') if word in line.lower()), '')


def words(argv):
    """A command as one would type it."""
    return ' | '.join(map(shlex.join, argv)) if isinstance(argv[0], list) else shlex.join(argv)


# ── How each is called ──

def bfc(o, *options):
    """Creating with options; global ones are the bench's."""
    return lambda tree, to: [o.bfc, '--quiet', '-j', str(o.jobs), 'create', '-f', *options, to, tree]


def bfc_extract(o, *options):
    return lambda source, to: [o.bfc, '--quiet', '-j', str(o.jobs), 'extract', *options, source, '-C', to]


def squashfs(o, block, level=LEVEL):
    return lambda tree, to: ['mksquashfs', tree, to, '-noappend', '-quiet', '-no-progress', '-comp', 'zstd',
                             '-Xcompression-level', str(level), '-b', str(block), '-processors', str(o.jobs)]


def unsquashfs(o):
    return lambda source, to: ['unsquashfs', '-quiet', '-no-progress', '-p', str(o.jobs), '-d', to, source]


def tar_zstd(o, *options):
    return lambda tree, to: [['tar', '-cf', '-', '--sparse', *TAR_KEEPS, '-C', tree, '.'],
                             ['zstd', *options, f'-T{o.jobs}', '-q', '-f', '-o', to]]


def untar(source, to):
    return [['zstd', '-dcq', source], ['tar', '-xpf', '-', *TAR_KEEPS, '-C', to]]


def erofs(o):
    """zstd and threads where this version knows them, else lz4hc."""
    known = said(['mkfs.erofs', '--help']) if shutil.which('mkfs.erofs') else ''
    how = f'zstd,level={LEVEL}' if 'zstd' in known and 'level=' in known else f'zstd,{LEVEL}' if 'zstd' in known else 'lz4hc'
    threads = [f'--workers={o.jobs}'] if '--workers' in known else []
    return lambda tree, to: ['mkfs.erofs', '--quiet', f'-z{how}', '-C65536', *threads, to, tree]


def unerofs(source, to):
    return ['fsck.erofs', f'--extract={to}', source]


def dwarfs(o, level=LEVEL):
    return lambda tree, to: ['mkdwarfs', '-i', tree, '-o', to, '-f', '-C', f'zstd:level={level}', '-N', str(o.jobs),
                             '--with-devices', '--with-specials', '--no-progress', '--log-level=error']


def undwarfs(o):
    return lambda source, to: ['dwarfsextract', '-i', source, '-o', to, '-n', str(o.jobs), '--log-level=error']


def every(o):
    """All of them by name, bfc first."""
    return {
        'bfc': Peer([], lambda: first_line([o.bfc, '--version']), bfc(o, '-c', f'zstd:{LEVEL}'),
                    bfc_extract(o)),
        SQUASHFS: Peer(['mksquashfs', 'unsquashfs'], lambda: first_line(['mksquashfs', '-version']), squashfs(o, BLOCK),
                       unsquashfs(o)),
        SQUASHFS_LARGE: Peer(['mksquashfs', 'unsquashfs'], lambda: first_line(['mksquashfs', '-version']),
                             squashfs(o, LARGE_BLOCK), unsquashfs(o)),
        TAR: Peer(['tar', 'zstd'], lambda: f'{first_line(["tar", "--version"])}; {first_line(["zstd", "--version"])}',
                  tar_zstd(o, f'-{LEVEL}'), untar, makes_folder=True),
        EROFS: Peer(['mkfs.erofs', 'fsck.erofs'], lambda: line_with('erofs', ['fsck.erofs', '-V']), erofs(o), unerofs),
        DWARFS: Peer(['mkdwarfs', 'dwarfsextract'], lambda: line_with('dwarfs (', ['mkdwarfs', '--help']), dwarfs(o),
                     undwarfs(o), makes_folder=True),
    }


def knows_archive(o):
    """Whether this bfc has the profile."""
    return '--profile' in said([o.bfc, 'create', '--help'])


def size_of(path):
    """Bytes of a file, or of those in a folder."""
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)
