# SPDX-License-Identifier: Apache-2.0
"""Runtime bundles run: under crun and runc, as root and as an ordinary user, of a small root file system,
of a real one, and of an image whose configuration says what is run.

Whether this machine lets a runtime make containers at all is found out first, with a bundle that is the
runtime's own: what it cannot do is skipped, with its words."""
import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position  # they are in the folder above
import harness
import test_rootfs
from harness import Skip, check, need, need_root, run, say
from test_user import USER, UserLab

BUSYBOX = '/bin/busybox'
APPLETS = 'sh true false id cat env grep hostname ls mount touch stat'.split()
PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:33:34:app:/home/app:/bin/sh\n'
GROUP = 'root:x:0:\nwheel:x:10:root\napp:x:34:\nextra:x:44:app,other\n'
DOCKER_CAPABILITIES = '00000000a80425fb'
CGROUPS = '/sys/fs/cgroup/unified'


def make_small_root(root):
    """A static busybox, and users."""
    if not os.path.exists(BUSYBOX):
        raise Skip('not installed: busybox-static')
    if run(['ldd', BUSYBOX], expect=None).code == 0:
        raise Skip(f'{BUSYBOX} is not a static one: install busybox-static')
    for name in ('bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'home/app', 'usr/etc', 'srv/data'):
        os.makedirs(os.path.join(root, name))
    shutil.copy(BUSYBOX, root + '/bin/busybox')
    for name in APPLETS:
        os.symlink('busybox', f'{root}/bin/{name}')
    with open(root + '/usr/etc/passwd', 'w', encoding='utf-8') as f:
        f.write(PASSWD)
    os.symlink('../usr/etc/passwd', root + '/etc/passwd')
    with open(root + '/etc/group', 'w', encoding='utf-8') as f:
        f.write(GROUP)
    with open(root + '/srv/data/seed', 'w', encoding='utf-8') as f:
        f.write('seed\n')
    os.chown(root + '/srv/data', 33, 34)
    os.chown(root + '/home/app', 33, 34)
    return root


def change(bundle, change_it):
    """Edits the config.json of a bundle in place."""
    path = bundle + '/config.json'
    with open(path, encoding='utf-8') as f:
        config = json.load(f)
    change_it(config)
    with open(path, 'r+', encoding='utf-8') as f:
        f.truncate()
        json.dump(config, f)
    return config


def ids(shown):
    """What id says, as numbers: user, group, other groups. busybox leaves the group out of the groups."""
    user, group = (int(re.search(rf'\b{word}=(\d+)', shown).group(1)) for word in ('uid', 'gid'))
    groups = re.search(r'groups=(\S+)', shown)
    return user, group, {int(re.match(r'\d+', g).group(0)) for g in groups.group(1).split(',')} - {group} if groups else set()


def set_args(bundle, *args):
    return change(bundle, lambda config: config['process'].update(args=list(args)))


class Runtime:
    """One of the programs that run bundles, called by `runner`: harness.run, or that of a UserLab."""

    def __init__(self, name, runner, state, rootless=False):
        need(name)
        self.name, self.runner, self.state, self.rootless, self.count = name, runner, state, rootless, 0

    def start(self, bundle, **how):
        self.count += 1
        where = ['--bundle', bundle, f'bfc-e2e-{os.getpid()}-{self.count}']
        return self.runner(self.name, '--root', self.state, 'run', *where, **how)

    def check_machine(self, bundle):
        """bundle: a folder with a rootfs; it gets the config.json that the runtime itself suggests."""
        spec = self.runner(self.name, 'spec', '--bundle', bundle, *(['--rootless'] if self.rootless else []), expect=None)
        if spec.code != 0:
            raise Skip(f'{self.name} spec fails: {spec.message}')
        change(bundle, lambda config: config['process'].update(args=['/bin/true'], terminal=False))
        tried = self.start(bundle, expect=None)
        if tried.code != 0:
            raise Skip(f'{self.name} cannot run even its own bundle here: {tried.message.strip()}')


def runtime_of_root(name, lab):
    need_root('run containers')
    harness.private_mounts()
    if os.path.ismount(CGROUPS):  # crun refuses to work beside cgroups of both versions
        run(['umount', CGROUPS])
    runtime = Runtime(name, lambda *argv, **how: run(argv, **how), lab / ('state-' + name))
    make_small_root(lab / 'own/rootfs')
    runtime.check_machine(lab / 'own')
    return runtime


def runtime_of_user(name, lab, user):
    harness.private_mounts()
    if os.path.ismount(CGROUPS):
        run(['umount', CGROUPS])
    runtime = Runtime(name, user.run, user.at('state'), rootless=True)
    make_small_root(user.at('own/rootfs'))
    run(['chown', '-hR', f'{USER}:{USER}', user.at('own')])
    runtime.check_machine(user.at('own'))
    return runtime


def bundle_of(lab, bfc, root, where, *options):
    store = lab / 'store'
    if not os.path.isdir(store):
        lab.bfc('--store', store, 'image', 'create', 'box', root)
    bfc('--store', store, 'image', 'bundle', *options, 'box', where)
    return where


# ── What holds in every container ──

def see_inside(runtime, bundle, **want):
    """Looks around in a container, and compares with what is wanted."""
    set_args(bundle, '/bin/true')
    runtime.start(bundle)
    set_args(bundle, '/bin/false')
    runtime.start(bundle, expect=1)
    set_args(bundle, 'id')
    shown = runtime.start(bundle).text
    check(ids(shown) == want['ids'], 'id says:', shown)
    set_args(bundle, 'sh', '-c', 'echo x >/dev/null && echo y >/tmp/written && cat /proc/self/status && hostname')
    shown = runtime.start(bundle).text
    lines = dict(line.split(':\t', 1) for line in shown.splitlines() if ':\t' in line)
    for field, value in (('CapEff', DOCKER_CAPABILITIES), ('CapBnd', DOCKER_CAPABILITIES),
                         ('CapInh', '0' * 16), ('CapAmb', '0' * 16), ('NoNewPrivs', '1')):
        check(lines.get(field) == value, f'{field} is {lines.get(field)}, {value} was wanted')
    check(shown.splitlines()[-1] == 'box', 'the hostname is', shown.splitlines()[-1])
    check(os.stat(bundle + '/rootfs/tmp/written').st_uid == want['owner'], 'the file has another owner')
    set_args(bundle, 'sh', '-c', 'cat /proc/kcore; ls -A /sys/firmware')
    shown = runtime.start(bundle, expect=None)
    check(not shown.out, 'something of the host is not hidden:', shown.shown())
    set_args(bundle, 'ls', '/dev')
    devices = runtime.start(bundle).text.split()
    for name in ('null', 'zero', 'full', 'random', 'urandom', 'tty', 'pts', 'shm', 'mqueue', 'ptmx'):
        check(name in devices, f'/dev has no {name}:', devices)


def test_terminal(lab):
    root = make_small_root(lab / 'root')
    for options, expected in (((), False), (('--terminal',), True)):
        bundle = bundle_of(lab, lab.bfc, root, lab / f'bundle-{expected}', *options)
        with open(bundle + '/config.json', encoding='utf-8') as f:
            check(json.load(f)['process']['terminal'] is expected, 'terminal is not', expected)


def look_as_root(lab, name):
    runtime = runtime_of_root(name, lab)
    root = make_small_root(lab / 'root')
    bundle = bundle_of(lab, lab.bfc, root, lab / 'bundle', '--hostname', 'box')
    see_inside(runtime, bundle, ids=(0, 0, {10}), owner=0)


def test_small_root_under_crun(lab):
    look_as_root(lab, 'crun')


def test_small_root_under_runc(lab):
    look_as_root(lab, 'runc')


def look_as_user(lab, name):
    with UserLab(lab) as user:
        runtime = runtime_of_user(name, lab, user)
        root = make_small_root(lab / 'root')
        bundle = bundle_of(lab, user.bfc, root, user.at('bundle'), '--rootless', '--hostname', 'box')
        see_inside(runtime, bundle, ids=(0, 0, set()), owner=USER)


def test_small_root_rootless_under_crun(lab):
    look_as_user(lab, 'crun')


def test_small_root_rootless_under_runc(lab):
    look_as_user(lab, 'runc')


# ── A real one ──

def test_debian(lab):
    need_root('run containers')
    root = test_rootfs.build(os.environ.get('BFC_TEST_CACHE') or os.path.join(os.getcwd(), 'cache'))
    tried = []
    for name in ('crun', 'runc'):
        try:
            runtime = runtime_of_root(name, lab)
        except Skip as skip:
            tried.append(str(skip))
            continue
        bundle = bundle_of(lab, lab.bfc, root, lab / f'debian-{name}')
        set_args(bundle, '/bin/true')
        runtime.start(bundle)
        set_args(bundle, 'id')
        shown = runtime.start(bundle).text
        check(ids(shown) == (0, 0, set()), 'id says:', shown)
        set_args(bundle, 'bash', '-c', '. /etc/os-release && echo $ID && dpkg --verify coreutils')
        check(runtime.start(bundle).text == 'debian\n', 'bash says something else')
        harness.remove(lab / 'own')
    if len(tried) == 2:
        raise Skip('; '.join(tried))


# ── An image that says what is run ──

def umoci(*args):
    return run(['umoci', *args])


def make_layout(lab):
    """An image made by umoci, with as much in its configuration as umoci can put there."""
    need('umoci')
    layout, bundle = lab / 'layout', lab / 'umoci'
    umoci('init', '--layout', layout)
    umoci('new', '--image', layout + ':app')
    umoci('unpack', '--image', layout + ':app', bundle)
    os.rmdir(bundle + '/rootfs')
    make_small_root(bundle + '/rootfs')
    umoci('repack', '--image', layout + ':app', bundle)
    words = {'user': ['app'], 'entrypoint': ['/bin/sh', '-c'], 'workingdir': ['/home/app'],
             'cmd': ['id; pwd; echo $HOME $COLOUR; cat /srv/data/seed; touch /srv/data/new; '
                     'stat -c %u /srv/data/new; exit 7'],
             'env': ['COLOUR=red', 'PATH=/bin'], 'volume': ['/srv/data'], 'stopsignal': ['SIGQUIT'],
             'exposedports': ['80/tcp', '53/udp'], 'label': ['a.b=c d']}
    umoci('config', '--image', layout + ':app', '--author', 'somebody', '--architecture', 'amd64',
          *(w for key, values in words.items() for value in values for w in ('--config.' + key, value)))
    return layout


def variables(config):
    return {v for v in config['process']['env'] if not v.startswith('TERM=')}


def test_configuration_as_umoci_converts_it(lab):
    need_root('keep owners')
    layout = make_layout(lab)
    lab.bfc('--store', lab / 'store', 'image', 'create', 'app', f'oci:{layout}:app')
    lab.bfc('--store', lab / 'store', 'image', 'bundle', 'app', lab / 'bundle')
    umoci('unpack', '--image', layout + ':app', lab / 'theirs')
    with open(lab / 'bundle/config.json', encoding='utf-8') as f:
        ours = json.load(f)
    with open(lab / 'theirs/config.json', encoding='utf-8') as f:
        theirs = json.load(f)
    for key in ('user', 'args', 'cwd', 'rlimits', 'noNewPrivileges'):
        check(ours['process'][key] == theirs['process'][key], key, ours['process'][key], theirs['process'][key])
    check(variables(ours) == variables(theirs), 'env', ours['process']['env'], theirs['process']['env'])
    check(ours['annotations'].pop('org.opencontainers.image.created', None), 'no date')
    del theirs['annotations']['org.opencontainers.image.created']
    for annotations in (ours['annotations'], theirs['annotations']):
        ports = annotations.pop('org.opencontainers.image.exposedPorts')
        check(sorted(ports.split(',')) == ['53/udp', '80/tcp'], ports)
    check(ours['annotations'] == theirs['annotations'], ours['annotations'], theirs['annotations'])
    places = [[m['destination'] for m in config['mounts']] for config in (ours, theirs)]
    check(places[0] == places[1], places)


def run_configured(lab, name):
    runtime = runtime_of_root(name, lab)
    lab.bfc('--store', lab / 'store', 'image', 'create', 'app', f'oci:{make_layout(lab)}:app')
    lab.bfc('--store', lab / 'store', 'image', 'bundle', 'app', lab / 'bundle')
    done = runtime.start(lab / 'bundle', expect=7)
    shown = done.text.splitlines()
    check(ids(shown[0]) == (33, 34, {44}), done.shown())
    check(shown[1:] == ['/home/app', '/home/app red', 'seed', '33'], done.shown())
    check(os.listdir(lab / 'bundle/rootfs/srv/data') == ['seed'], 'the volume is no volume')


def test_configuration_under_crun(lab):
    run_configured(lab, 'crun')


def test_configuration_under_runc(lab):
    run_configured(lab, 'runc')


def test_configuration_rootless(lab):
    """The image's user is the caller, as root inside; where the image has his home stays."""
    layout = make_layout(lab)
    lab.bfc('--store', lab / 'store', 'image', 'create', 'app', f'oci:{layout}:app')
    with UserLab(lab) as user:
        runtime = runtime_of_user('crun', lab, user)
        told = user.bfc('--store', lab / 'store', 'image', 'bundle', '--rootless', 'app', user.at('bundle'))
        check("'app' (33:34)" in told.message, told.shown())
        done = runtime.start(user.at('bundle'), expect=7)
        shown = done.text.splitlines()
        check(ids(shown[0]) == (0, 0, set()), done.shown())
        check(shown[1:] == ['/home/app', '/home/app red', 'seed', '0'], done.shown())


if __name__ == '__main__':
    harness.main(globals())
