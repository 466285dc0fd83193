# SPDX-License-Identifier: Apache-2.0
"""What the tests of version 1 share: the samples, and the tree that they were made from."""
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import compare  # noqa: E402
import harness  # noqa: E402
from harness import MIB, need, run  # noqa: E402

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'samples')
PLAIN, ZSTD = 'plain.bfc', 'zstd.bfc'
OPEN = (PLAIN, ZSTD)
NAMES = ['v1src/', 'v1src/docs/', 'v1src/docs/deep/', 'v1src/docs/deep/er/', 'v1src/docs/deep/er/ls',
         'v1src/docs/numbers.txt', 'v1src/docs/random.bin', 'v1src/docs/zero', 'v1src/docs/файл.txt',
         'v1src/empty/', 'v1src/hello.txt', 'v1src/link']
FILES = [n for n in NAMES if not n.endswith('/') and n != 'v1src/link']
DAMAGED, FAILED, DENIED = 3, 1, 5
# No more than this at the peak, what Python itself has at the start of a child included.
BOUND = 96 * MIB


def sample(name):
    return os.path.join(SAMPLES, name)


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def source(lab):
    """The tree that all samples were made from; owners are not in them, so they are ours here."""
    path = lab / 'source'
    if not os.path.isdir(path):
        need('bsdtar')
        os.makedirs(path)
        run(['bsdtar', '-xpf', sample('source.tar'), '-C', path, '--no-same-owner'])
    return path


def same(lab, out):
    """All below the root is the same; the root itself was never recorded."""
    root = source(lab)
    os.utime(out, ns=(1, 1))
    os.utime(root, ns=(1, 1))
    os.chmod(out, stat.S_IMODE(os.stat(root).st_mode))
    compare.same_by_rsync(root, out)
    compare.same_by_mtree(root, out)


def same_after(lab, *args, out='out'):
    path = lab / out
    lab.bfc(*args, path)
    same(lab, path)
    harness.remove(path)


def put(lab, data, name='made.bfc'):
    path = lab / name
    with open(path, 'wb') as f:
        f.write(data)
    return path
