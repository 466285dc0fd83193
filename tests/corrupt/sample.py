# SPDX-License-Identifier: Apache-2.0
"""A small container with everything in it, made by the writer in two commits."""

import os
import random
import socket
import subprocess


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def put(path, data):
    with open(path, "wb") as out:
        out.write(data)


def attribute(path, name, value):
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError:
        pass  # a file system without them: the tests over xattrs then have fewer fields


def special(folder):
    os.mkfifo(folder + "/fifo")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)
    server.bind("socket")
    os.chdir(here)
    server.close()
    if os.geteuid() == 0:
        try:
            os.mknod(folder + "/char", 0o20600, os.makedev(5, 1))
            os.mknod(folder + "/block", 0o60600, os.makedev(7, 3))
        except OSError:
            pass


def sparse(path, places, size):
    with open(path, "wb") as out:
        for at in places:
            out.seek(at)
            out.write(noise(at, 100))
        out.truncate(size)


def settle(folder):
    """Times must not depend on when the test runs."""
    for root, folders, files in os.walk(folder, topdown=False):
        for name in folders + files:
            os.utime(f"{root}/{name}", ns=(10**18, 10**18 + len(name)), follow_symlinks=False)
    os.utime(folder, ns=(10**18, 10**18))


def tree(folder, many=260, pieces=200):
    os.makedirs(folder + "/d/deep/er")
    put(folder + "/d/packed1", b"small ones share a block\n" * 3)
    put(folder + "/d/packed2", noise(2, 700))
    put(folder + "/d/empty", b"")
    put(folder + "/d/deep/er/blocks", noise(3, 4096 * 3 + 77))
    put(folder + "/d/text", b"the same line again and again\n" * 300)
    os.link(folder + "/d/packed2", folder + "/d/deep/hard")
    os.symlink("../outside", folder + "/escape")
    os.symlink("d/text", folder + "/link")
    sparse(folder + "/sparse", [8192, 40960], 100000)
    sparse(folder + "/spilled", [i * 12288 for i in range(pieces)], pieces * 12288)
    put(folder + "/attributes", b"has some")
    attribute(folder + "/attributes", "user.one", b"1")
    attribute(folder + "/attributes", "user.two", b"")
    put(folder + "/large-attribute", b"has a large one")
    attribute(folder + "/large-attribute", "user.large", noise(4, 3000) + bytes(2000))
    special(folder + "/d")
    os.makedirs(folder + "/many")
    for i in range(many):
        put(f"{folder}/many/{i:04}-" + "n" * 200, b"%d\n" % (i % 50))
    os.chmod(folder + "/d/packed1", 0o4755)
    settle(folder)


def second(folder):
    os.makedirs(folder + "/d/new")
    put(folder + "/d/new/file", noise(5, 2000))
    put(folder + "/d/text", b"another text\n")
    settle(folder)


def read(path):
    with open(path, "rb") as container:
        return container.read()


def make_both(probe, scratch, options=(), **sizes):
    """Gives the container's bytes after the first commit, and after the second. options: of the probe."""
    tree(scratch + "/first", **sizes)
    second(scratch + "/second")
    path = scratch + "/sample.bfc"
    subprocess.run([probe, *options, "make", path, scratch + "/first"], check=True)
    first = read(path)
    subprocess.run([probe, *options, "make", path, scratch + "/second", "append"], check=True)
    return first, read(path)


def make(probe, scratch, **sizes):
    """Gives the container's bytes."""
    return make_both(probe, scratch, **sizes)[1]
