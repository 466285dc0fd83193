# SPDX-License-Identifier: Apache-2.0
"""Makes images of many layers for the tests, by programs that are not ours: GNU tar, bsdtar and Python's
tarfile make layers, umoci puts them together, or makes its own from changed folders, and buildah does.

Every image ends up in an OCI layout. odd(), repacked(), built() and merged_usr() are the four kinds.
"""
import hashlib
import io
import json
import os
import shutil
import stat
import struct
import subprocess
import tarfile

from harness import need, need_root, private_mounts, remove, run

USTAR, PAX, GNU = tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT
NS = 10**9
FIXED = {'mtime': 1_400_000_000}
OWN = {'mtime': 1_500_000_000}
ODD_TIME = 1_234_567_890 * NS + 987_654_321
NAME_255 = 'n' * 255
BAD_UTF8 = os.fsdecode(b'\xff\xfe\xc3 not utf-8')
DEEP = '/'.join(f'{i:02d}-{"d" * 60}' for i in range(12))  # some 770 bytes
CAP_NET_RAW = struct.pack('<IIIII', 0x02000001, 1 << 13, 0, 0, 0)
HISTORY = ['--history.created', '2020-02-02T02:02:02Z', '--history.author', 'the tests']


def sha256(data):
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def read_json(path):
    return json.loads(read(path))


def write(path, data=b'', mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)
    os.chmod(path, mode)


# ── A layout ──

class Layout:
    """An OCI layout of one test's own. Images in it are named by their tags."""

    def __init__(self, path):
        need('umoci')
        self.path = path
        if not os.path.exists(path):
            run(['umoci', 'init', '--layout', path])

    def at(self, tag):
        return f'{self.path}:{tag}'

    def spec(self, tag):
        return f'oci:{self.path}:{tag}'

    def new(self, tag):
        run(['umoci', 'new', '--image', self.at(tag)])
        run(['umoci', 'config', '--image', self.at(tag), '--author', 'the tests', '--created', '2020-02-02T02:02:02Z',
             '--config.cmd', '/bin/sh', '--config.env', 'A=b', '--config.label', 'x=y', '--no-history'])

    def add_tar(self, tag, tar, to=None):
        run(['umoci', 'raw', 'add-layer', '--image', self.at(tag), *(['--tag', to] if to else []), *HISTORY,
             '--history.created_by', os.path.basename(tar), tar])

    def insert(self, tag, *what):
        run(['umoci', 'insert', '--image', self.at(tag), *HISTORY, *what])

    def unpack(self, tag, bundle, *options):
        """The root of what umoci makes of the image."""
        run(['umoci', 'unpack', *options, '--image', self.at(tag), bundle])
        return bundle + '/rootfs'

    def repack(self, tag, bundle):
        run(['umoci', 'repack', '--refresh-bundle', '--image', self.at(tag), *HISTORY, bundle])

    def blob(self, digest):
        return read(f'{self.path}/blobs/sha256/{digest[7:]}')

    def tags(self):
        return [m['annotations']['org.opencontainers.image.ref.name']
                for m in read_json(self.path + '/index.json')['manifests']]

    def descriptor(self, tag):
        found = [m for m in read_json(self.path + '/index.json')['manifests']
                 if m.get('annotations', {}).get('org.opencontainers.image.ref.name') == tag]
        if len(found) != 1:
            raise AssertionError(f'{self.path} has {len(found)} images of the name {tag!r}')
        return found[0]

    def image(self, tag):
        return Image(self.blob, self.blob(self.descriptor(tag)['digest']))


class Image:
    """The documents of an image and the tars of its layers; `blob` gives a blob by its digest."""

    def __init__(self, blob, manifest):
        self.manifest_bytes, self.manifest = manifest, json.loads(manifest)
        self.config_bytes = blob(self.manifest['config']['digest'])
        self.config = json.loads(self.config_bytes)
        self.diff_ids = self.config['rootfs']['diff_ids']
        self.id = sha256(self.config_bytes)
        self.blob = blob

    def layer(self, number):
        return self.blob(self.manifest['layers'][number]['digest'])

    def tar(self, number):
        """The layer uncompressed, by gzip and zstd themselves."""
        data = self.layer(number)
        for magic, program in ((b'\x1f\x8b', 'gzip'), (b'\x28\xb5\x2f\xfd', 'zstd')):
            if data.startswith(magic):
                return subprocess.run([program, '-dc'], input=data, stdout=subprocess.PIPE, check=True).stdout
        return data

    def tars(self):
        return [self.tar(i) for i in range(len(self.manifest['layers']))]


def image_of_dir(path):
    """What `skopeo copy` wrote to a dir:"""
    return Image(lambda digest: read(f'{path}/{digest[7:]}'), read(path + '/manifest.json'))


def image_of_docker_archive(path):
    """(configuration, tags, [tar]) of what is in it."""
    with tarfile.open(path) as tar:
        about = json.loads(tar.extractfile('manifest.json').read())
        layers = [tar.extractfile(name).read() for name in about[0]['Layers']]
        return tar.extractfile(about[0]['Config']).read(), about[0]['RepoTags'], layers


# ── Layers by Python ──

class Tar:
    """A layer in the making: entries come in the order of the calls."""

    def __init__(self, path, form=PAX):
        self.path, self.count = path, 0
        self.tar = tarfile.open(path, 'w', format=form, encoding='utf-8', errors='surrogateescape')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tar.close()

    def _add(self, name, kind, *, data=b'', mode=0o644, link='', uid=0, gid=0, mtime=None, device=(0, 0), pax=None):
        e = tarfile.TarInfo(name)
        self.count += 1
        e.type, e.mode, e.linkname, e.uid, e.gid, e.size = kind, mode, link, uid, gid, len(data)
        e.mtime = 1_600_000_000 + self.count if mtime is None else mtime
        e.devmajor, e.devminor = device
        e.pax_headers = pax or {}
        self.tar.addfile(e, io.BytesIO(data))

    def file(self, name, data=None, **how):
        self._add(name, tarfile.REGTYPE, data=name.encode(errors='surrogateescape') * 3 if data is None else data, **how)

    def folder(self, name, mode=0o755, **how):
        self._add(name, tarfile.DIRTYPE, mode=mode, **how)

    def symlink(self, name, target, **how):
        self._add(name, tarfile.SYMTYPE, link=target, mode=0o777, **how)

    def link(self, name, target, **how):
        self._add(name, tarfile.LNKTYPE, link=target, **how)

    def node(self, name, kind, *device, **how):
        self._add(name, kind, device=device or (0, 0), **how)

    def gone(self, name, **how):
        folder, _, last = name.rpartition('/')
        self.file((folder + '/' if folder else '') + '.wh.' + last, b'', **how)

    def opaque(self, folder):
        self.file(folder + '/.wh..wh..opq', b'')


def without_end(tar):
    """Cuts off the zero blocks at the end and the padding of the last file, as `umoci insert` writes it."""
    with tarfile.open(tar) as t:
        last = t.getmembers()[-1]
    with open(tar, 'r+b') as f:
        f.truncate(last.offset_data + (last.size if last.isreg() else 0))


# ── Engines with a storage of their own ──

class Engine:
    """podman and buildah with a storage in a test's own folder, without network and cgroups."""

    def __init__(self, lab):
        need_root('have a storage for containers')
        need('podman', 'buildah')
        private_mounts()
        self.path = lab.mkdir('engine')
        os.mkdir(self.path + '/tmp')
        with open(self.path + '/storage.conf', 'w', encoding='utf-8') as f:
            f.write(f'[storage]\ndriver = "vfs"\ngraphroot = "{self.path}/root"\nrunroot = "{self.path}/run"\n')
        self.env = {'CONTAINERS_STORAGE_CONF': self.path + '/storage.conf', 'TMPDIR': self.path + '/tmp'}

    def podman(self, *args, **how):
        return run(['podman', '--cgroup-manager=cgroupfs', '--events-backend=none', '--tmpdir', self.path + '/libpod',
                    *args], env=self.env, **how)

    def buildah(self, *args, **how):
        return run(['buildah', *args], env=self.env, **how)

    def pull(self, layout, tag):
        """By a plain name: podman makes the image's name of the path, and not every path is fit for that."""
        return self.podman('pull', '-q', f'oci:{os.path.basename(layout.path)}:{tag}',
                           cwd=os.path.dirname(layout.path)).text.strip()

    def mount(self, image):
        path = self.podman('image', 'mount', image).text.strip()
        if not path.startswith(self.path):
            raise AssertionError(f'podman mounted {image} at {path!r}')
        return path

    def close(self):
        self.podman('rm', '--all', '--force', expect=None)
        self.podman('image', 'umount', '--all', '--force', expect=None)


# ── Trees from which GNU tar and bsdtar make layers ──

def set_time(path, ns):
    os.utime(path, ns=(ns, ns), follow_symlinks=False)


def make_sparse(path, size, *data):
    """data: (offset, bytes)."""
    with open(path, 'wb') as f:
        f.truncate(size)
        for offset, what in data:
            f.seek(offset)
            f.write(what)


def random_bytes(seed, size):
    """The same each time; nothing of it can be compressed."""
    out, block = [], seed.encode()
    for _ in range(0, size, 64):
        block = hashlib.sha512(block).digest()
        out.append(block)
    return b''.join(out)[:size]


def rich_tree(root):
    """What a file system can hold, but for what would be a whiteout. Names are ours alone: layers above
    reckon with them."""
    need_root('make devices and give files away')
    for name in ('etc', 'gone/deep', 'keep', 'swap/dir', 'opaque/low', 'odd', 'links', 'times', 'again/dir',
                 'usr/lib', 'root', 'tmp'):
        os.makedirs(f'{root}/{name}')
    os.chmod(root + '/tmp', 0o1777)
    write(root + '/etc/passwd', b'root:x:0:0:root:/root:/bin/sh\n')
    write(root + '/etc/group', b'root:x:0:\n')
    for name in ('gone/file', 'gone/deep/file', 'keep/a', 'keep/b', 'keep/c', 'swap/file', 'swap/dir/one', 'swap/dir/two',
                 'opaque/one', 'opaque/two', 'opaque/low/three', 'again/file', 'again/dir/old', 'usr/lib/libc'):
        write(f'{root}/{name}', name.encode() * 100)
    for name, target in (('swap/link', 'dir'), ('swap/link2', 'nowhere'), ('opaque/link', 'one')):
        os.symlink(target, f'{root}/{name}')
    for size in (0, 1, 511, 512, 513, 131072, 131073, 700_000):
        write(f'{root}/keep/size-{size}', random_bytes(str(size), size))
    rich_names(root)
    rich_attributes(root)
    rich_links(root)
    rich_sparse(root)
    os.mkdir(root + '/lib')
    shutil.move(root + '/lib', root + '/usr/lib/inner')
    for ns, name in ((-1, 'before'), (-NS, 'second-before'), (-2**31 * NS, 'y1901'), (1, 'nanosecond'), (0, 'epoch'),
                     (ODD_TIME, 'odd'), (2**32 * NS + 5, 'y2106')):
        write(f'{root}/times/{name}')
        os.mkdir(f'{root}/times/folder-{name}')
        for path in (name, 'folder-' + name):
            set_time(f'{root}/times/{path}', ns)
    set_time(root + '/times', ODD_TIME + 1)
    set_time(root, ODD_TIME)


def rich_names(root):
    write(f'{root}/odd/{NAME_255}', b'255')
    write(f'{root}/odd/{BAD_UTF8}', b'bad')
    write(f'{root}/{DEEP}/{NAME_255}', b'deep')
    write(f'{root}/{DEEP}/{"m" * 200}/x', b'deeper')
    for length in (98, 99, 100, 101, 155, 156, 157):
        write(f'{root}/odd/{"f" * (length - 4)}', b'%d' % length)
    for name in ('new\nline', ' ', '-rf', 'back\\slash', '\x01\x7f', 'é', '*', 'a=b', '...'):
        write(f'{root}/odd/{name}', name.encode())
    os.symlink('t' * 4095, root + '/odd/long target')
    os.symlink('t' * 101, root + '/odd/target of 101')
    os.symlink(BAD_UTF8, root + '/odd/target not utf-8')
    os.symlink('../../../../etc/passwd', root + '/odd/up and out')


def rich_attributes(root):
    for name, mode, uid, gid in (('setuid', 0o4755, 0, 0), ('setgid', 0o2755, 33, 33), ('sticky', 0o1644, 1, 2),
                                 ('big', 0o600, 4294967294, 4294967294), ('over-21-bits', 0o640, 2097152, 2097151),
                                 ('nothing', 0, 65534, 65534)):
        path = f'{root}/odd/{name}'
        write(path, name.encode())
        os.chown(path, uid, gid)
        os.chmod(path, mode)
    os.mkdir(root + '/odd/folder')
    os.chown(root + '/odd/folder', 100000, 100001)
    os.chmod(root + '/odd/folder', 0o3770)
    write(root + '/odd/ping', b'ping', 0o755)
    os.setxattr(root + '/odd/ping', 'security.capability', CAP_NET_RAW)
    os.setxattr(root + '/odd/ping', 'user.text', b'words')
    os.setxattr(root + '/odd/folder', 'user.folder', b'of a folder')
    write(root + '/odd/xattrs')
    os.setxattr(root + '/odd/xattrs', 'user.binary', bytes(range(1, 256)))
    os.setxattr(root + '/odd/xattrs', 'user.long', b'x' * 1000)
    os.setxattr(root + '/odd/xattrs', 'user.equals', b'=a=\n1=2')
    for name, kind, device in (('null', stat.S_IFCHR, (1, 3)), ('loop', stat.S_IFBLK, (7, 0)),
                               ('large', stat.S_IFCHR, (4095, 1048575)), ('fifo', stat.S_IFIFO, (0, 0))):
        os.mknod(f'{root}/odd/{name}', kind | 0o660, os.makedev(*device))
        os.chmod(f'{root}/odd/{name}', 0o660)
        os.chown(f'{root}/odd/{name}', 0, 6)


def rich_links(root):
    """All that has several names has one time: see across_layers()."""
    write(root + '/links/first', b'with several names')
    for name in ('links/second', 'keep/third', 'again/dir/fourth'):
        os.link(root + '/links/first', f'{root}/{name}')
    os.symlink('first', root + '/links/symlink')
    os.link(root + '/links/symlink', root + '/links/symlink-again', follow_symlinks=False)
    os.link(root + '/odd/null', root + '/links/null')
    os.link(root + '/odd/' + NAME_255, root + '/links/long')
    os.link(f'{root}/{DEEP}/{NAME_255}', root + '/links/deep')
    for name in ('links/first', 'odd/null', 'odd/ping', 'links/deep'):
        set_time(f'{root}/{name}', FIXED['mtime'] * NS)


def rich_sparse(root):
    os.mkdir(root + '/sparse')
    make_sparse(root + '/sparse/ends', 3 << 20, (0, b'start'), (2 << 20, b'middle' * 999), ((3 << 20) - 5, b'end..'))
    make_sparse(root + '/sparse/hole-last', (1 << 20) + 17, (4096, random_bytes('s', 8192)))
    make_sparse(root + '/sparse/all', 1 << 20)
    make_sparse(root + '/sparse/many', 4 << 20, *((i << 16, b'%d' % i * 50) for i in range(40)))
    set_time(root + '/sparse/ends', FIXED['mtime'] * NS)


def gnu_tar(tree, tar, *options):
    need('tar')
    xattrs = ['--xattrs', '--xattrs-include=*'] if '--format=posix' in options else []
    run(['tar', '-cf', tar, '--numeric-owner', '--sort=name', *xattrs, *options, '-C', tree, '.'])


def bsd_tar(tree, tar, *options):
    need('bsdtar')
    run(['bsdtar', '-cf', tar, '--numeric-owner', '--xattrs', *options, '-C', tree, '.'])


# ── Odd layers ──

def whiteouts(tar):
    with Tar(tar) as t:
        t.gone('gone/file')
        t.gone('gone/deep')
        t.folder('swap/')
        t.file('swap/dir', b'a file now')
        t.folder('swap/file/')
        t.file('swap/file/inside')
        t.folder('swap/link/')
        t.file('swap/link/inside')
        t.symlink('swap/link2', 'file')
        t.folder('opaque/', mode=0o711)
        t.file('opaque/new-before')
        t.opaque('opaque')
        t.file('opaque/new-after')
        t.folder('opaque/low/', mode=0o710)
        t.file('opaque/low/new')
        t.gone('keep/third')
        t.gone('nothing-of-that-name')
        t.gone('odd/' + 'f' * 151)
        t.gone('links/symlink')


def made_again(tar):
    """What is hidden and made again by the same layer; whiteouts below what was a file or a link, or is no longer
    there."""
    with Tar(tar, GNU) as t:
        t.gone('again/file')
        t.file('again/file', b'made again')
        t.gone('again/dir')
        t.folder('again/dir/', mode=0o700, uid=12, gid=34)
        t.file('again/dir/new')
        t.folder('swap/dir/')
        t.gone('swap/dir/one')
        t.file('swap/dir/three', **OWN)
        t.folder('swap/link2/')
        t.gone('swap/link2/inside')
        t.folder('gone/deep/')
        t.gone('gone/deep/file')
        t.folder('gone/empty/')
        t.gone('gone/empty/never')


def across_layers(tar):
    """Hard links into layers below: to a file with several names, a link, a device, one with capabilities. Their
    headers say the same as those of what they name, as some programs believe them."""
    with Tar(tar) as t:
        t.link('links/across', 'links/first', **FIXED)
        t.link('links/across-again', './links/across', **FIXED)
        t.link('links/to-symlink', '/links/symlink-again')
        t.link('links/to-device', 'odd/null', mode=0o660, gid=6, **FIXED)
        t.link('links/to-ping', 'odd/ping', mode=0o755, **FIXED)
        t.link('links/to-long', f'{DEEP}/{NAME_255}', **FIXED)
        t.file('links/own', **OWN)
        t.link('links/own-again', 'links/own', **OWN)
        t.link('swap/dir/three-again', 'swap/dir/three', **OWN)
        t.link('sparse/ends-again', 'sparse/ends', **FIXED)


def replaced_links(tar):
    """One name of several is replaced; a link whose target is hidden by the same layer; times with fractions."""
    with Tar(tar) as t:
        t.gone('odd/ping')
        t.link('links/ping-was', 'links/to-ping', mode=0o755, **FIXED)
        t.file('links/first', b'another file', **OWN)
        t.link('links/of-the-new', 'links/first', **OWN)
        t.file('links/null', b'was a device')
        t.file('keep/a', b'a', mtime=-1.5, pax={'mtime': '-1.5'})
        t.file('keep/fraction', pax={'mtime': '1234567890.123456789', 'SCHILY.xattr.user.new': 'new'})
        t.file('keep/' + BAD_UTF8, pax={'comment': 'a key of no use', 'VENDOR.unknown': 'value'})
        t.folder('odd/folder/', mode=0o755)  # loses its xattr, too
        t.node('odd/fifo', tarfile.CHRTYPE, 1, 5)


def out_of_order(tar):
    """Children before their folders."""
    with Tar(tar, USTAR) as t:
        t.file('late/below/file', b'before its folders')
        t.folder('late/below/', mode=0o711, uid=5)
        t.file('late/file', b'also before')
        t.folder('late/', mode=0o750, gid=7)


def not_padded(tar):
    """No zero blocks at the end, and the last file ends in the middle of a block."""
    with Tar(tar) as t:
        t.file('not-padded/one')
        t.file('not-padded/two')
    without_end(tar)


def duplicates(tar):
    """Entries that come again: the last of them holds. podman refuses them."""
    with Tar(tar) as t:
        t.folder('dup/')
        t.file('dup/twice', b'the first of three, longer')
        t.file('dup/twice', b'the second of three')
        t.link('dup/twice-linked', 'dup/twice')
        t.file('dup/twice', b'the third')
        t.folder('dup/was-folder/')
        t.file('dup/was-folder/inside', b'vanishes')
        t.link('dup/was-inside', 'dup/was-folder/inside')
        t.file('dup/was-folder', b'is a file')
        t.file('dup/was-file', b'file')
        t.folder('dup/was-file/')
        t.file('dup/was-file/inside')
        t.symlink('dup/link', 'one')
        t.symlink('dup/link', 'two')
        t.node('dup/node', tarfile.FIFOTYPE)
        t.node('dup/node', tarfile.BLKTYPE, 8, 1)
        t.file('dup/same', b'as it was')
        t.file('dup/same', b'as it was')
        t.folder('dup/', mode=0o770, gid=8)


def late_whiteouts(tar):
    """Whiteouts after what they must not hide, since it is of the same layer, and hard links whose headers say
    other things than those of what they name."""
    with Tar(tar, GNU) as t:
        t.file('keep/c', b'made again')
        t.gone('keep/c')
        t.folder('times/', mode=0o705)
        t.file('times/new')
        t.gone('times')
        t.link('links/lies', 'links/first', mode=0o777, uid=99, mtime=5)
        t.file('links/second', b'hidden after it was made')
        t.link('links/to-second', 'links/second', mode=0, mtime=6)
        t.gone('links/second')
        t.file('dup/same/.wh.nothing', b'of something that is no folder')


def one_block_and_more(tar):
    """One zero block, and bytes after it that no tar reader looks at."""
    with Tar(tar, GNU) as t:
        t.file('one-block/' + 'long' * 50, b'x' * 1024)
        end = t.tar.offset
    with open(tar, 'r+b') as f:
        f.truncate(end)
        f.seek(end)
        f.write(bytes(1024) + b'trailing bytes that nobody asked for')


COMMON = [whiteouts, made_again, across_layers, replaced_links, out_of_order, not_padded, one_block_and_more]
UMOCI_ONLY = [duplicates, late_whiteouts]


def real_tars(folder):
    """Layers that three writers of tar make of folders."""
    tree, part = folder + '/tree', folder + '/part'
    tars = [f'{folder}/{name}.tar' for name in ('gnu-pax', 'gnu-old', 'bsd')]
    rich_tree(tree)
    gnu_tar(tree, tars[0], '--format=posix', '--sparse')
    gnu_tar(tree, tars[1], '--format=gnu',
            *(f'--exclude=./{name}' for name in ('odd', 'links', 'keep', 'again', 'times')))
    shutil.copytree(tree + '/odd', part + '/bsd/odd', symlinks=True,
                    ignore=lambda *_: ['null', 'loop', 'large', 'fifo'])
    make_sparse(part + '/bsd/sparse', 3 << 20, (1 << 20, b'bsd' * 5000))
    set_time(part, ODD_TIME + 7 * NS)
    bsd_tar(part, tars[2], '--format=pax')
    remove(tree)
    remove(part)
    return tars


def made_tars(folder, makers):
    tars = [f'{folder}/{make.__name__}.tar' for make in makers]
    for make, tar in zip(makers, tars):
        make(tar)
    return tars


def odd(layout, folder):
    """An image of layers that were made as tars, and of some by `umoci insert`: 'odd'. What podman accepts of it,
    too: 'common'. Each prefix has a tag, 'odd-1', 'odd-2', …; returns these."""
    os.makedirs(folder)
    with tarfile.open(folder + '/empty.tar', 'w'):
        pass
    common = real_tars(folder) + made_tars(folder, COMMON)
    common += [folder + '/empty.tar', common[3]]  # one that is there already
    prefixes = []

    def tag_it(*tags):
        for tag in tags:
            run(['umoci', 'tag', '--image', layout.at('odd'), tag])

    def next_prefix():
        prefixes.append(f'odd-{len(prefixes) + 1}')
        tag_it(prefixes[-1])

    layout.new('odd')
    for tar in common:
        layout.add_tar('odd', tar)
        next_prefix()
    write(folder + '/inserted/below/one', b'inserted')
    write(folder + '/inserted/two', b'not padded')
    for what in ([folder + '/inserted', '/inserted'], ['--whiteout', '/keep/size-0'],
                 ['--opaque', folder + '/inserted/below', '/usr/lib']):
        layout.insert('odd', *what)
        next_prefix()
    tag_it('common')
    for tar in made_tars(folder, UMOCI_ONLY):
        layout.add_tar('odd', tar)
        next_prefix()
    return prefixes


# ── Other images ──

def repacked(layout, bundle):
    """'repacked': layers of umoci's own, from a folder that was changed again and again."""
    layout.new('repacked')
    root = layout.unpack('repacked', bundle)
    os.rmdir(root)
    rich_tree(root)
    layout.repack('repacked', bundle)
    for change in CHANGES:
        change(root)
        layout.repack('repacked', bundle)
    return root


def change_1(root):
    os.unlink(root + '/gone/file')
    remove(root + '/gone/deep')


def change_2(root):
    remove(root + '/swap/dir')
    write(root + '/swap/dir', b'a file now')
    os.unlink(root + '/swap/file')
    write(root + '/swap/file/inside', b'a folder now')
    os.unlink(root + '/swap/link')
    write(root + '/swap/link/inside')
    remove(root + '/again')
    os.symlink('etc', root + '/again')


def change_3(root):
    os.unlink(root + '/links/first')
    write(root + '/links/first', b'another')
    os.link(root + '/keep/third', root + '/links/across')
    os.link(root + '/odd/null', root + '/links/null-again')


def change_4(root):
    remove(root + '/opaque')
    write(root + '/opaque/new')
    write(root + '/gone/deep/file', b'again')


def change_5(root):
    os.removexattr(root + '/odd/ping', 'security.capability')
    os.setxattr(root + '/odd/setuid', 'security.capability', CAP_NET_RAW)
    os.setxattr(root + '/odd', 'user.new', b'on a folder')
    os.chmod(root + '/odd/sticky', 0o4711)
    os.chown(root + '/odd/folder', 1, 2)
    os.unlink(root + '/odd/loop')
    os.mknod(root + '/odd/loop', stat.S_IFCHR | 0o600, os.makedev(1, 5))


def change_6(root):
    os.rename(root + '/' + DEEP.split('/', maxsplit=1)[0], root + '/moved')
    set_time(root + '/times/odd', -5 * NS + 1)


def change_7(root):
    make_sparse(root + '/sparse/all', 1 << 20, (500_000, b'no more'))
    remove(root + '/gone')
    remove(root + '/moved')


CHANGES = [change_1, change_2, change_3, change_4, change_5, change_6, change_7]


def merged_usr(layout, folder):
    """'usr': folders that are links below (lib → usr/lib), and layers that name only what is in them, or the folder,
    too: then it replaces the link."""
    os.makedirs(folder)
    layout.new('usr')

    def add(name, fill):
        with Tar(f'{folder}/{name}.tar') as t:
            fill(t)
        layout.add_tar('usr', f'{folder}/{name}.tar')

    def base(t):
        for name in ('./', 'usr/', 'usr/lib/', 'usr/bin/', 'usr/sbin/', 'opt/'):
            t.folder(name)
        for name in ('lib', 'bin', 'sbin'):
            t.symlink(name, 'usr/' + name)
        t.symlink('abs', '/usr/lib')
        t.symlink('chain', 'lib')
        t.file('usr/lib/old')
        t.file('usr/lib/older')
        t.file('usr/bin/tool', **OWN)

    def through_links(t):
        t.file('lib/x', **OWN)
        t.file('abs/y')
        t.file('chain/deeper/z')
        t.file('lib/old', b'replaced through the link')
        t.gone('lib/older')
        t.link('lib/x-again', 'lib/x', **OWN)
        t.symlink('bin/sh', 'tool')

    def other_links(t):
        """Links to files below, through a link of this layer; and to one of this layer, through a link below."""
        t.symlink('mine', 'usr/bin')
        t.symlink('opt/up', '../usr/sbin/../bin')
        t.link('opt/tool-mine', 'mine/tool', **OWN)
        t.link('opt/tool-up', 'opt/up/tool', **OWN)
        t.file('usr/lib/here', **OWN)
        t.link('opt/here', 'chain/here', **OWN)

    def more(t):
        t.file('usr/lib/x', b'by its own name')
        t.link('opt/tool', 'bin/tool', **OWN)

    add('base', base)
    add('through-links', through_links)
    add('more', more)
    add('other-links', other_links)
    run(['umoci', 'tag', '--image', layout.at('usr'), 'usr-links'])
    add('folder', lambda t: (t.folder('sbin/', mode=0o700), t.file('sbin/init')))


def built(layout, engine):
    """'built': layers that buildah computes, each from what changed in its container. Returns that one's root."""
    build = engine.buildah

    def start(image):
        container = build('from', '--pull-never', image).text.strip()
        return container, build('mount', container).text.strip()

    container, root = start('scratch')
    for i, change in enumerate((rich_tree, *CHANGES)):
        change(root)
        if i == 3:
            build('copy', '--chown', '12:34', container, root + '/etc', '/copied')
        if i == 4:
            build('config', '--entrypoint', '["/bin/x","y"]', '--label', 'by=buildah', '--port', '80', container)
        image = build('commit', '-q', container).text.strip()
        build('rm', container)
        container, root = start(image)
    build('push', '-q', image, f'oci:{os.path.basename(layout.path)}:built', cwd=os.path.dirname(layout.path))
    return root


def foreign(layout, folder):
    """'foreign': what umoci refuses: old sparse files, global headers, a volume label; and other forms of sparse files.
    Returns the layers' tars."""
    os.makedirs(folder)
    layout.new('foreign')
    forms = [('gnu', '--format=gnu', '--sparse', '-V', 'a label'),
             ('sparse-0.0', '--format=posix', '--sparse', '--sparse-version=0.0'),
             ('sparse-0.1', '--format=posix', '--sparse', '--sparse-version=0.1'),
             ('sparse-1.0', '--format=posix', '--sparse', '--sparse-version=1.0', '-b', '64'),
             ('global', '--format=posix', '--pax-option=globexthdr.name=/tmp/g,comment=of all,gid=77')]
    tars = []
    for name, *options in forms:
        tree = f'{folder}/{name}'
        os.mkdir(tree)
        rich_sparse(tree)
        write(f'{tree}/{name}/' + 'long' * 40, name.encode())
        set_time(tree, ODD_TIME)
        tars.append(f'{folder}/{name}.tar')
        gnu_tar(tree, tars[-1], *options)
        layout.add_tar('foreign', tars[-1])
    return tars
