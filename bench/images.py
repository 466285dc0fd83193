# SPDX-License-Identifier: Apache-2.0
"""Images out of an OCI layout, into trees, and out again: bfc, umoci, podman and skopeo."""
import json
import os
import shutil
import subprocess
import tempfile

from measure import BLOCK, LEVEL, STAGES, counted, fail, read_through, run, summary

TOOLS = ('umoci', 'podman', 'skopeo')
MANY_JOBS = 8  # whose stages are counted: layers are read beside each other then


class Layout:
    """What is in an image, as far as the programs need to be told."""

    def __init__(self, name, title=None):
        self.path, _, self.ref = (name, '', '') if os.path.isdir(name) else name.rpartition(':')
        if not os.path.isfile(os.path.join(self.path, 'index.json')):
            fail(f'{name} is no OCI layout')
        self.path = os.path.abspath(self.path)
        entry = self.choose(self.read('index.json')['manifests'])
        manifest = self.blob(entry)
        self.title = title or os.path.basename(os.path.normpath(self.path))
        self.layers = manifest['layers']
        self.diff_ids = self.blob(manifest['config'])['rootfs']['diff_ids']
        self.packed_bytes = sum(layer['size'] for layer in self.layers)

    def read(self, *names):
        with open(os.path.join(self.path, *names), encoding='utf-8') as f:
            return json.load(f)

    def place(self, descriptor):
        return os.path.join(self.path, 'blobs', *descriptor['digest'].split(':'))

    def blob(self, descriptor):
        with open(self.place(descriptor), encoding='utf-8') as f:
            return json.load(f)

    def choose(self, entries):
        key = 'org.opencontainers.image.ref.name'
        names = {e.get('annotations', {}).get(key): e for e in entries}
        if not self.ref and len(names) == 1:
            self.ref = next(iter(names))
        if not self.ref or self.ref not in names:
            fail(f'{self.path}: name one image of it, as {self.path}:REF')
        return names[self.ref]

    @property
    def tar_bytes(self):
        """About, before anybody looked."""
        return 4 * self.packed_bytes

    @property
    def name(self):
        return f'{self.path}:{self.ref}'

    @property
    def coding(self):
        return '+'.join(sorted({layer['mediaType'].rpartition('+')[2] for layer in self.layers}))


class Images:
    """The programs, and the stores that they fill: an image is created for the extractions and exports after it."""

    def __init__(self, o, space, layout):
        self.o, self.space, self.layout = o, space, layout
        self.root = os.geteuid() == 0  # podman's storage needs it
        self.umoci = layout.coding == 'gzip'  # it reads no other
        self.folder = tempfile.mkdtemp(dir=space.scratch)
        self.bfc = [o.bfc, '--quiet', '-j', str(o.jobs), '--store', f'dir:{self.at("store")}', 'image']
        self.rootless = [] if self.root else ['--rootless']
        self.env = {'GOMAXPROCS': str(o.jobs), 'TMPDIR': self.at('tmp')}
        os.mkdir(self.at('tmp'))
        if self.root:
            self.prepare_podman()

    def prepare_podman(self):
        config = self.at('storage.conf')
        with open(config, 'w', encoding='utf-8') as f:
            f.write(f'[storage]\ndriver = "overlay"\ngraphroot = "{self.at("podman")}/graph"\n'
                    f'runroot = "{self.at("podman")}/run"\n')
        self.env['CONTAINERS_STORAGE_CONF'] = config
        self.podman = ['podman', '--cgroup-manager=cgroupfs', '--log-level=error']
        os.symlink(self.layout.path, self.at('image'))

    def at(self, name):
        return os.path.join(self.folder, name)

    def run(self, argv):
        """The layers are read before: it is minutes until they are asked for again, and some systems have forgotten
        by then what nobody used."""
        self.space.warm_memory()
        for layer in self.layout.layers:
            read_through(self.layout.place(layer))
        return run(argv, self.env, cwd=self.folder)

    def fresh(self, name):
        """A path that is not there yet. Podman leaves a mount in its storage."""
        path = self.at(name)
        graph = os.path.join(path, 'graph', 'overlay')
        if os.path.ismount(graph):
            subprocess.run(['umount', '-l', graph], check=True)
        if os.path.exists(path):
            shutil.rmtree(path)
        return path

    # Each returns what was measured.

    def create(self):
        self.fresh('store')
        return self.run([*self.bfc, 'create', '-c', f'zstd:{LEVEL}', 'im', f'oci:{self.layout.name}'])

    def create_counted(self):
        self.fresh('store')
        return counted([self.o.bfc, '--json', '-j', str(MANY_JOBS), '--store', f'dir:{self.at("store")}', 'image', 'create',
                        '--stats', '-c', f'zstd:{LEVEL}', 'im', f'oci:{self.layout.name}'])

    def pull(self):
        """By a plain name: podman makes the image's name of the path, and not every path is fit for that."""
        self.fresh('podman')
        return self.run([*self.podman, 'pull', '-q', f'oci:image:{self.layout.ref}'])

    def bare(self):
        blobs = [arg for layer, diff_id in zip(self.layout.layers, self.layout.diff_ids)
                 for arg in (self.layout.place(layer), diff_id.partition(':')[2])]
        return self.run([os.path.join(self.o.programs, 'bare_layers'), str(self.o.jobs), str(LEVEL), str(BLOCK), *blobs])

    def extract(self, to):
        return self.run([*self.bfc, 'extract', 'im', to])

    def unpack(self, to):
        return self.run(['umoci', 'unpack', *self.rootless, '--image', self.layout.name, to])

    def raw_unpack(self, to):
        return self.run(['umoci', 'raw', 'unpack', *self.rootless, '--image', self.layout.name, to])

    def extractions(self):
        umoci = {'umoci unpack': self.unpack, 'umoci raw unpack': self.raw_unpack} if self.umoci else {}
        return {'bfc': self.extract, **umoci}

    def out(self, argv):
        done = self.run(argv)
        done.size = folder_bytes(self.at('out'))
        return done

    def export(self, coding):
        self.fresh('out')
        return self.out([*self.bfc, 'export', '-c', coding, 'im', f'oci:{self.at("out")}:im'])

    def push(self):
        self.fresh('out')
        ids = subprocess.run([*self.podman, 'images', '-q'], check=True, capture_output=True, text=True,
                             env=dict(os.environ, **self.env)).stdout.split()
        return self.out([*self.podman, 'push', '-q', ids[0], f'oci:{self.at("out")}:im'])

    def copy(self):
        """Of plain tars, so that skopeo compresses: what is compressed already it would only copy."""
        if not os.path.exists(self.at('plain')):
            run(['skopeo', 'copy', '-q', '--dest-decompress', f'oci:{self.layout.name}', f'dir:{self.at("plain")}'],
                self.env)
        self.fresh('out')
        return self.out(['skopeo', 'copy', '-q', f'dir:{self.at("plain")}', f'oci:{self.at("out")}:im'])

    def container(self):
        return next(os.path.join(folder, name) for folder, _, names in os.walk(self.at('store'))
                    for name in names if name.endswith('.bfc'))


def folder_bytes(path):
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


def one_round(im, targets):
    """One turn of everybody in everything. The trees go at once, the stores stay until the next round."""
    jobs = {'create': {'bfc': im.create()}}
    jobs['create']['bfc'].size = os.path.getsize(im.container())
    if im.root:
        jobs['create']['podman pull'] = im.pull()
        jobs['create']['podman pull'].size = folder_bytes(im.at('podman'))
    jobs['create']['bare'] = im.bare()
    for target in targets:
        jobs[f'extract to {target.kind}'] = figures = {}
        for name, extract in im.extractions().items():
            with target as to:
                figures[name] = extract(to)
    jobs['create'].update({f'{name}, to {target.kind}': f for target in targets[:1]
                           for name, f in jobs[f'extract to {target.kind}'].items() if name != 'bfc'})
    for target in targets if im.umoci else ():
        figures = jobs[f'extract to {target.kind}']
        jobs[f'create, and extract to {target.kind}'] = {
            'bfc': jobs['create']['bfc'] + figures['bfc'], 'umoci unpack': figures['umoci unpack']}
    jobs['export, gzip'] = {'bfc': im.export('gzip'), **({'podman push': im.push()} if im.root else {}),
                            'skopeo copy': im.copy()}
    return jobs


def weigh(o, im):
    told = subprocess.run([os.path.join(o.programs, 'weigh'), im.container()], check=True, capture_output=True)
    w = json.loads(told.stdout)
    w['recipes_share'] = w['recipes'] / w['size']
    w['around_share'] = (w['size'] - w['contents']) / w['size']
    return w


def measure(o, space, layout, targets):
    warm = 0 if o.smoke else 1
    im = Images(o, space, layout)
    rounds = [one_round(im, targets) for _ in range(o.rounds + warm)][warm:]
    answer = {'image': layout.title, 'layers': len(layout.layers), 'coding': layout.coding,
              'layers_bytes': layout.packed_bytes, 'tar_bytes': sum(tar_sizes(im))}
    for job in rounds[0]:
        answer[job] = summary([r[job] for r in rounds])
    answer['weight'] = weigh(o, im)
    answer[STAGES] = {f'image create with {MANY_JOBS} threads': im.create_counted()}
    for name in ('store', 'podman', 'out', 'plain'):
        im.fresh(name)
    return answer


def tar_sizes(im):
    told = subprocess.run([*im.bfc, 'layers', '--json', 'im'], check=True, capture_output=True)
    return [layer['tar_size'] for layer in json.loads(told.stdout)['layers'] if not layer['empty']]
