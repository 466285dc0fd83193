# SPDX-License-Identifier: Apache-2.0
"""Images made by programs that are not ours, and what those programs make of ours: umoci unpacks, skopeo
tells, podman and buildah load, GNU tar lists."""
import hashlib
import json
import os
import shutil
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import compare
import oddities
from harness import Skip, check, need, need_root, run

BUSYBOX = '/bin/busybox'
UNTOLD_TIMES = (b'y2446', b'y90000', b'y-9000')  # umoci does not bring these back


# ── Trees ──

T0 = 1_600_000_000 * 10**9

def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(path, data, when=T0, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    oddities.write(path, data, mode)
    os.utime(path, ns=(when, when))


def settle(root):
    """Times that every program can hold; folders last."""
    for folder, folders, files in os.walk(root, topdown=False):
        for name in files + folders:
            os.utime(os.path.join(folder, name), ns=(T0, T0), follow_symlinks=False)
    os.utime(root, ns=(T0, T0))


def busybox(root):
    if not os.path.exists(BUSYBOX):
        raise Skip('not installed: busybox-static')
    for name in ('bin', 'etc', 'tmp', 'usr/lib', 'var/cache'):
        os.makedirs(os.path.join(root, name))
    shutil.copy(BUSYBOX, root + '/bin/busybox')
    for name in ('sh', 'cat', 'id'):
        os.symlink('busybox', f'{root}/bin/{name}')
    os.symlink('usr/lib', root + '/lib')
    oddities.write(root + '/etc/passwd', b'root:x:0:0:root:/root:/bin/sh\n')


def layered_oddities(root):
    """What umoci brings back: no sockets, no names of whiteouts, no xattrs that are empty, have a = in their
    name or are overlayfs's, no times far away."""
    tree = oddities.Tree(root)
    kept, oddities.NAMES = oddities.NAMES, [n for n in oddities.NAMES if not n.startswith(b'.wh.')]
    try:
        for part in (tree.names, tree.modes, tree.specials, tree.hard_links, tree.attributes, tree.acls,
                     tree.deep, tree.times):
            part()
    finally:
        oddities.NAMES = kept
    for folder, folders, files in os.walk(os.fsencode(root), topdown=False):
        for name in files + folders:
            path = os.path.join(folder, name)
            if name.endswith(UNTOLD_TIMES) or stat.S_ISSOCK(os.lstat(path).st_mode):
                (os.rmdir if name in folders else os.unlink)(path)
                continue
            for attr in os.listxattr(path, follow_symlinks=False):
                if ('=' in attr or attr.startswith('trusted.overlay.') or
                        not os.getxattr(path, attr, follow_symlinks=False)):
                    os.removexattr(path, attr, follow_symlinks=False)


# ── Layouts ──

class Layout:
    """An OCI layout that umoci changes."""

    def __init__(self, lab, name='lay'):
        need('umoci')
        need_root('unpack images with devices')
        self.lab, self.path, self.count = lab, lab / name, 0
        if not os.path.exists(self.path):
            umoci('init', '--layout', self.path)

    def source(self, ref):
        return f'oci:{self.path}:{ref}'

    def new(self, ref):
        umoci('new', '--image', f'{self.path}:{ref}')

    def tag(self, ref, new):
        umoci('tag', '--image', f'{self.path}:{ref}', new)

    def unpack(self, ref):
        """The root file system as umoci makes it."""
        self.count += 1
        bundle = self.lab / f'{os.path.basename(self.path)}-{self.count}'
        umoci('unpack', '--image', f'{self.path}:{ref}', bundle)
        return bundle + '/rootfs'

    def step(self, ref, change):
        """One more layer: what `change` does to the root file system."""
        root = self.unpack(ref)
        change(root)
        umoci('repack', '--image', f'{self.path}:{ref}', os.path.dirname(root))

    def add_tar(self, ref, tar):
        umoci('raw', 'add-layer', '--image', f'{self.path}:{ref}', tar)

    def config(self, ref, *edits):
        umoci('config', '--image', f'{self.path}:{ref}', *edits)

    def blob(self, digest):
        return read(f'{self.path}/blobs/sha256/{digest[7:]}')

    def descriptor(self, ref):
        entries = json.loads(read(self.path + '/index.json'))['manifests']
        return next(e for e in entries
                    if e.get('annotations', {}).get('org.opencontainers.image.ref.name') == ref)

    def manifest(self, ref):
        return json.loads(self.blob(self.descriptor(ref)['digest']))

    def image_id(self, ref):
        return self.manifest(ref)['config']['digest']

    def image_config(self, ref):
        return json.loads(self.blob(self.image_id(ref)))

    def write_blob(self, data):
        with open(f'{self.path}/blobs/sha256/{sha256(data)[7:]}', 'wb') as f:
            f.write(data)
        return {'digest': sha256(data), 'size': len(data)}

    def layer_names(self, ref, number=-1):
        """What GNU tar lists of a layer."""
        blob = self.manifest(ref)['layers'][number]['digest'][7:]
        listed = run(['tar', '--quoting-style=escape', '-tf', f'{self.path}/blobs/sha256/{blob}'])
        return listed.text.splitlines()


def umoci(*args):
    run(['umoci', *args])


def skopeo(*args):
    need('skopeo')
    return run(['skopeo', '--insecure-policy', *args])


def simple_layout(lab, name='lay'):
    """Two layers; the second changes and deletes."""
    layout = Layout(lab, name)
    layout.new('one')

    def first(root):
        busybox(root)
        for i in range(20):
            write(f'{root}/usr/lib/lib{i}.so', oddities.content(i, 30_000))
        write(root + '/etc/old', b'old')
        settle(root)

    def second(root):
        write(root + '/srv/app', oddities.content(77, 200_000), mode=0o755)
        write(root + '/etc/conf', b'conf')
        os.unlink(root + '/etc/old')
        shutil.rmtree(root + '/var/cache')

    layout.step('one', first)
    layout.tag('one', 'base')
    layout.config('one', '--config.env', 'A=1', '--config.cmd', 'sh', '--config.user', '1:2')
    layout.step('one', second)
    return layout


def other_base(layout):
    def change(root):
        busybox(root)
        write(root + '/etc/release', b'the other base')
        write(root + '/var/cache/gone-in-app', b'a whiteout of the app hides it')

    layout.new('other')
    layout.step('other', change)
    layout.config('other', '--config.cmd', 'other', '--config.env', 'B=2')


# ── The program ──

class Images:
    """The program, on a store of the test's own."""

    def __init__(self, lab):
        self.lab, self.store, self.count = lab, lab / 'store', 0

    def __call__(self, *args, **how):
        return self.lab.bfc('--store', self.store, 'image', *args, **how)

    def json(self, *args):
        return self('--json', *args).json

    def refuses(self, word, *args, code=2):
        result = self(*args, expect=code)
        check(word in result.message, f'{word!r} is not in:', result.shown())
        check(result.message.count('\n') <= 2, 'more than a message:', result.shown())

    def extract(self, name):
        self.count += 1
        where = self.lab / f'tree-{self.count}'
        self('extract', name, where)
        return where

    def export(self, name, *options):
        """A layout with the image as `x`."""
        self.count += 1
        layout = Layout(self.lab, f'out-{self.count}')
        self('export', *options, name, layout.source('x'))
        return layout

    def config(self, name):
        return json.loads(self('config', name).out)

    def size(self, name):
        return self.json('info', name)['size']

    def diff_ids(self, name):
        return [l['diff_id'] for l in self.json('layers', name)['layers']]

    def verify(self, name):
        self('verify', '--deep', name)


def same(tree, *others):
    for other in others:
        compare.same_by_rsync(tree, other)
        compare.same_by_getfattr(tree, other)


def proved(images, name, tree):
    """The image is this tree, to us and to umoci; returns its layout."""
    images.verify(name)
    layout = images.export(name)
    same(tree, images.extract(name), layout.unpack('x'))
    check(layout.image_config('x') == images.config(name), 'the configuration comes out as another one')
    return layout


# ── Engines ──

class Engine:
    """podman and buildah with a storage of their own."""

    def __init__(self, lab):
        need('podman', 'buildah')
        self.policy = lab / 'policy.json'
        oddities.write(self.policy, b'{"default":[{"type":"insecureAcceptAnything"}]}')
        oddities.write(lab / 'storage.conf', f'[storage]\ndriver = "vfs"\ngraphroot = "{lab / "graph"}"\n'
                       f'runroot = "{lab / "run"}"\n'.encode())
        self.env = {'CONTAINERS_STORAGE_CONF': lab / 'storage.conf', 'TMPDIR': lab.path}
        tried = run(['podman', '--cgroup-manager=cgroupfs', 'images'], env=self.env, expect=None)
        if tried.code != 0:
            raise Skip(f'podman does not work here: {tried.message.strip()}')

    def podman(self, *args):
        return run(['podman', '--cgroup-manager=cgroupfs', *args], env=self.env)

    def buildah(self, *args):
        return run(['buildah', *args], env=self.env)

    def pull(self, source):
        """Returns the image's ID."""
        return self.podman('pull', '-q', '--signature-policy', self.policy, source).text.split()[-1]

    def root(self, image):
        """Where podman has the image's files."""
        return self.podman('image', 'mount', image).text.strip()


def same_for_engines(ours, theirs):
    """They keep neither ACLs, nor links of what is no file, nor the root's time; and not all attributes, nor
    times before 1970."""
    result = run(['rsync', '-rlptgoDXn', '--checksum', '--delete', '--numeric-ids', '--modify-window=-1', '-i',
                  '--filter=-x system.posix_acl_*', '--exclude=/odd/times', '--exclude=/odd/xattrs', ours + '/', theirs + '/'])
    rows = [r for r in result.out.split(b'\n') if r and not (r.startswith(b'.d') and r.endswith(b' ./'))]
    check(not rows, 'an engine sees other files:', rows[:10])
