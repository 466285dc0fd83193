# SPDX-License-Identifier: Apache-2.0
"""Create and extract, bfc beside everybody; and bfc beside itself with other options, each against what it is meant for."""
import json
import os
import shutil
import subprocess

import peers
import trees
from measure import LEVEL, STAGES, counted
from peers import DWARFS, LONG_LEVEL, TAR
from session import TARGET

THREE = ('-c', f'zstd:{LEVEL}')
STORED = 'create, of compressed files'
AUTO, MEMORY, ARCHIVE, LEVEL19 = 'create, default', 'create, little memory', 'create, archive', f'create, level {LONG_LEVEL}'
SCALING = 'create, threads'
BARE_ZSTD = 'bare, zstd'


def compare(session, tree):
    """Who made what stays for the sections after this one."""
    jobs = {'create': session.creations('create', {name: p.create for name, p in session.peers.items()}, tree, keep=True,
                                        bare={'bare': session.program('bare_read', session.o.jobs, tree)})}
    extract = {name: (p.extract, p.makes_folder) for name, p in session.peers.items()}
    for target in session.targets:
        jobs[f'extract to {target.kind}'] = session.extractions(
            f'extract to {target.kind}', extract, target,
            bare={'bare': session.program('bare_extract', session.o.jobs, tree, TARGET),
                  BARE_ZSTD: session.program('bare_extract', session.o.jobs, tree, TARGET, LEVEL)})
    return jobs


def auto(session, tree):
    """The default costs what zstd:3 does."""
    o = session.o
    return {AUTO: session.creations(AUTO, {'bfc': peers.bfc(o), 'bfc -c zstd:3': peers.bfc(o, *THREE)}, tree)}


def memory(session, tree):
    o = session.o
    programs = {'bfc --low-memory': peers.bfc(o, *THREE, '--low-memory'), 'bfc': peers.bfc(o, *THREE)}
    return {MEMORY: session.creations(MEMORY, programs, tree)}


def stored(session, tree):
    """Files that are compressed already cost no more than a copy of them."""
    o, packed = session.o, os.path.join(session.space.scratch, 'packed')
    if trees.pack_files(tree, packed) == 0:
        session.left_out(f'{STORED}: {os.path.basename(tree)}', 'no file in it is large enough')
        shutil.rmtree(packed)
        return {}
    programs = {'bfc': peers.bfc(o), 'cp -a': lambda source, to: ['cp', '-a', '--reflink=never', source, to],
                'tar': lambda source, to: ['tar', '-cf', to, '-C', source, '.'],
                'bfc -c none': peers.bfc(o, '-c', 'none')}
    jobs = {STORED: session.creations(STORED, programs, packed)}
    shutil.rmtree(packed)
    return jobs


def archive(session, tree):
    """As small as it gets at the level, beside mkdwarfs, which sorts by likeness, too."""
    o = session.o
    if not peers.knows_archive(o):
        session.left_out(ARCHIVE, 'this bfc has no --profile')
        return {}
    mine = 'bfc --profile archive'
    programs = {mine: peers.bfc(o, '--profile', 'archive', *THREE), 'bfc': peers.bfc(o, *THREE),
                **{name: p.create for name, p in session.peers.items() if name in (TAR, DWARFS)}}
    jobs = {ARCHIVE: session.creations(ARCHIVE, programs, tree, keep=True)}
    extract = {mine: (peers.bfc_extract(o), False),
               **{name: (p.extract, p.makes_folder) for name, p in session.peers.items() if name in (TAR, DWARFS)}}
    for target in session.targets[:1]:
        job = f'extract, archive, to {target.kind}'
        jobs[job] = session.extractions(job, extract, target)
    session.remove(mine)
    return jobs


def level19(session, tree):
    """One round: it takes minutes."""
    o, level = session.o, ('-c', f'zstd:{LONG_LEVEL}')
    mine = {'bfc --profile archive': peers.bfc(o, '--profile', 'archive', *level)} if peers.knows_archive(o) else {}
    programs = {**mine, 'bfc': peers.bfc(o, *level)}
    if TAR in session.peers:
        programs[f'tar+zstd -{LONG_LEVEL} --long'] = peers.tar_zstd(o, f'-{LONG_LEVEL}', '--long')
    if peers.SQUASHFS_LARGE in session.peers:
        programs[peers.SQUASHFS_LARGE] = peers.squashfs(o, peers.LARGE_BLOCK, LONG_LEVEL)
    if DWARFS in session.peers:
        programs[DWARFS] = peers.dwarfs(o, LONG_LEVEL)
    return {LEVEL19: session.creations(LEVEL19, programs, tree, rounds=1)}


def scaling(session, tree):
    """The ratio is the speed-up: of one thread (or the fewest) to so many."""
    def with_threads(n):
        return lambda source, to: [session.o.bfc, '--quiet', '-j', str(n), 'create', '-f', *THREE, to, source]

    programs = {f'{n} thread{"s"[:n > 1]}': with_threads(n) for n in session.o.scaling}
    jobs = {SCALING: session.creations(SCALING, programs, tree)}
    if max(session.o.scaling) > os.cpu_count():
        session.left_out(f'{SCALING}: more than {os.cpu_count()}', 'measured, but there are no more processors')
    jobs[STAGES] = stages(session, tree)
    return jobs


def stages(session, tree):
    """Of create and extract, by bfc's own counters: which stage that only one thread can do takes the most of the work."""
    if '--stats' not in peers.said([session.o.bfc, 'create', '--help']):
        session.left_out(STAGES, 'this bfc has no --stats')
        return {}
    bfc, file = [session.o.bfc, '--json', '-j', str(session.o.jobs)], session.file('counted')
    told = {'create': counted([*bfc, 'create', '--stats', '-f', *THREE, file, tree])}
    with session.targets[0] as to:
        told['extract'] = counted([*bfc, 'extract', '--stats', file, '-C', to])
    session.remove('counted')
    return told
