#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No call gets past the faults: every function of the C library that the program uses, and that enters the
kernel for a file or asks for memory, is one that the preloaded library takes.

usage: test_calls.py NM PROGRAM SHARED_LIBRARY INTERPOSER
"""
import re
import subprocess
import sys

# Functions that work on files, by name; with their forms for large files (…64), with checks (__…_chk, __…_2).
CALLS = '''
open openat creat read readv pread preadv preadv2 write writev pwrite pwritev pwritev2 close fsync fdatasync sync
syncfs sync_file_range ftruncate truncate fallocate posix_fallocate fstat stat lstat fstatat statx access faccessat
euidaccess getdents readdir readdir_r lseek readlink readlinkat getxattr lgetxattr fgetxattr listxattr llistxattr
flistxattr setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr mkdir mkdirat symlink symlinkat mknod
mknodat mkfifo mkfifoat link linkat rename renameat renameat2 unlink unlinkat rmdir remove chown lchown fchown fchownat
chmod fchmod fchmodat lchmod utime utimes lutimes futimes futimesat utimensat futimens flock lockf getrandom
getentropy statvfs fstatvfs statfs fstatfs ioctl getcwd realpath mmap copy_file_range sendfile splice tmpfile mkstemp
mkostemp mkdtemp opendir fdopendir scandir nftw fts_open syscall pthread_create malloc calloc realloc aligned_alloc
posix_memalign memalign valloc fork vfork execve execv execvp execvpe execveat fexecve posix_spawn posix_spawnp clone
pipe pipe2 socketpair dup dup2 dup3 fcntl poll ppoll select pselect waitpid waitid wait wait3 wait4 setpgid setsid
'''.split()
# The program opens its list of patterns with stdio, and the terminal's size is asked for: no container, no tree.
LEFT_OUT = {'fopen', 'getline'}


def symbols(nm, which, path):
    lines = subprocess.run([nm, '-D', which, path], stdout=subprocess.PIPE, check=True).stdout.decode()
    return {re.sub('@.*', '', line.split()[-1]) for line in lines.splitlines() if line.strip()}


def plain(name):
    """The name without what the compiler and the size of off_t make of it."""
    name = re.sub(r'^__(.*?)(_chk|_2)?$', r'\1', name)
    return re.sub(r'64$', '', name)


def main():
    nm, program, library, interposer = sys.argv[1:]
    used = symbols(nm, '--undefined-only', program) | symbols(nm, '--undefined-only', library)
    taken = symbols(nm, '--defined-only', interposer)
    calls = {name for name in used if plain(name) in CALLS and name not in LEFT_OUT}
    missing = sorted(calls - taken)
    print(f'{len(used)} functions used, {len(calls)} of them calls that can fail, {len(missing)} not taken')
    for name in missing:
        print(f'  {name}: add it to tests/fault/interpose_calls.c')
    return 1 if missing or not calls else 0


if __name__ == '__main__':
    sys.exit(main())
