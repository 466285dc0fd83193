# SPDX-License-Identifier: Apache-2.0
"""What takes milliseconds: list, info and cat of one file, an append, reads at random places; on the containers that
compare.py left, or on new ones. And all of it in a container of 1,000,000 files."""
import json
import os
import shutil
import subprocess

import peers
import trees
from compare import MEMORY, THREE
from measure import run
from peers import SQUASHFS, TAR

LIST, INFO, CAT, APPEND = 'list all names', 'info of one file', 'cat of a small file', 'append one small file'
START = 'bfc --version'
APPENDED = b'a line that was not there before\n'
PLACES = {True: 50, False: 2000}  # of random reads, by whether it is a smoke test
MILLION = {True: 2000, False: 1000000}
MILLION_ROOM = 8 << 30  # the tree, a page and an inode each; then what is extracted
SEED = 1


def small(session, tree, name=None, others=(SQUASHFS, TAR)):
    """`name`: the small file, if the tree is gone already."""
    name = name or trees.small_file(tree)
    files = {who: session.keep(who, tree) for who in ('bfc', *others) if who in session.peers}
    jobs = {}
    for job, commands in quick_commands(session, files, name).items():
        stands_for = {**dict.fromkeys(files.values(), 'FILE'), name: 'PATH'}
        session.told(job, {who: [stands_for.get(word, word) for word in argv] for who, argv in commands.items()})
        jobs[job] = session.moments(job, commands)
    if not name:
        session.left_out(f'{INFO}, {CAT}: {os.path.basename(tree)}', 'there is no small file in it')
    jobs[APPEND] = append(session, files)
    jobs['random reads'] = random_reads(session, files['bfc'])
    return jobs


def quick_commands(session, files, name):
    bfc, squashfs, tar = [session.o.bfc], files.get(SQUASHFS), files.get(TAR)
    unsquashfs = lambda *words: {f'unsquashfs {words[0]}': ['unsquashfs', *words]} if squashfs else {}
    commands = {LIST: {'bfc': [*bfc, 'list', files['bfc']], **unsquashfs('-l', squashfs),
                       **({'tar t': ['tar', '--zstd', '-tf', tar]} if tar else {})}}
    if name:
        commands[INFO] = {'bfc': [*bfc, 'info', files['bfc'], name], START: [*bfc, '--version'],
                          **unsquashfs('-ll', squashfs, name)}
        commands[CAT] = {'bfc': [*bfc, 'cat', files['bfc'], name], START: [*bfc, '--version'],
                         **unsquashfs('-cat', squashfs, name)}
    return commands


def append(session, files):
    """To a fresh copy each time; the size is what the file grew by."""
    o, folder = session.o, os.path.join(session.space.scratch, 'appended')
    os.mkdir(folder)
    with open(os.path.join(folder, 'one more'), 'wb') as f:
        f.write(APPENDED)
    programs = {'bfc': lambda to: [o.bfc, '--quiet', '-j', str(o.jobs), 'append', to, '-C', folder, 'one more']}
    if SQUASHFS in files:
        programs[SQUASHFS] = lambda to: ['mksquashfs', os.path.join(folder, 'one more'), to, '-quiet', '-no-progress',
                                         '-processors', str(o.jobs), '-no-recovery']

    def one(who):
        copy = os.path.join(folder, 'copy')
        shutil.copyfile(files[who], copy)
        before = os.path.getsize(copy)
        done = run(programs[who](copy))
        done.size = os.path.getsize(copy) - before
        return done

    session.told(APPEND, {who: [word.replace(folder, 'FOLDER') for word in argv('FILE')] for who, argv in programs.items()})
    figures = session.in_turns(APPEND, {who: lambda w=who: one(w) for who in programs})
    shutil.rmtree(folder)
    return figures


def random_reads(session, file):
    """Microseconds of 4 KiB at random places, by the public reader; the median of the rounds."""
    argv = session.program('random_read', file, PLACES[session.o.smoke], SEED)
    told = [json.loads(subprocess.run(argv, check=True, capture_output=True).stdout) for _ in range(session.o.rounds)]
    middle = sorted(told, key=lambda t: t['fresh']['p50_us'])[len(told) // 2]
    session.report['commands']['random reads'] = {'bfc': f'random_read FILE {PLACES[session.o.smoke]} {SEED}'}
    return middle


# ── A million files ──

def million(session):
    """One round of what takes a minute; then the small operations. The tree goes before it is extracted: both are large."""
    o, tree = session.o, os.path.join(session.space.scratch, 'million')
    count = MILLION[o.smoke]
    trees.generate(o, 'small', tree, count)
    answer = {'tree': f'{count:,} small files', **trees.count(tree)}
    name = trees.small_file(tree)
    answer['create'] = session.creations('create', {who: session.peers[who].create for who in ('bfc', SQUASHFS)
                                                    if who in session.peers}, tree, rounds=1, keep=True)
    low = {'bfc --low-memory': peers.bfc(o, *THREE, '--low-memory')}
    answer[MEMORY] = session.creations(MEMORY, low, tree, rounds=1)
    shutil.rmtree(tree)
    target = session.targets[0]
    extract = {who: (session.peers[who].extract, False) for who in ('bfc', SQUASHFS) if who in session.peers}
    answer[f'extract to {target.kind}'] = session.extractions(f'extract to {target.kind}', extract, target, rounds=1)
    answer.update(small(session, tree, name, (SQUASHFS,)))
    return answer
