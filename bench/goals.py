# SPDX-License-Identifier: Apache-2.0
"""What was asked of bfc, beside what came out: a table made of the figures of one run."""
import collections
import operator
import statistics

from compare import ARCHIVE, AUTO, BARE_ZSTD, LEVEL19, MEMORY, SCALING, STORED
from images import MANY_JOBS
from measure import MIB, STAGES
from peers import DWARFS, LONG_LEVEL, SQUASHFS, SQUASHFS_LARGE, TAR
from sealing import ASKED, CREATE, EXTRACT
from small import APPEND, CAT, INFO, LIST, START

AT_LEAST, AT_MOST, BELOW = operator.ge, operator.le, operator.lt
WORDS = {AT_LEAST: 'at least', AT_MOST: 'at most', BELOW: 'below'}

# `got` is a function of what was measured of a tree, or of an image: a number, or None where that was not measured.
Goal = collections.namedtuple('Goal', 'figure holds limit unit got')


def row(answer, job, name):
    """Of one program in a job; a target's job is also found where it is a folder of that kind."""
    found = next((figures for j, figures in answer.items() if j == job or j == f'{job} (a folder)'), {})
    return found.get(name)


def ratio(job, name, what='time'):
    def got(answer):
        f = row(answer, job, name)
        return f.get(f'bfc_{what}_ratio') if f else None
    return got


def times_as_fast(job, *names):
    """As the fastest of these."""
    def got(answer):
        speeds = [1 / f['bfc_time_ratio'] for f in (row(answer, job, name) for name in names) if f]
        return min(speeds, default=None)
    return got


def memory(answer):
    """Of create and extract."""
    peaks = [f['peak_bytes'] / MIB for job, figures in answer.items() if job == 'create' or job.startswith('extract to ')
             for name, f in figures.items() if name == 'bfc']
    return max(peaks, default=None)


def little_memory(answer):
    f = row(answer, MEMORY, 'bfc --low-memory')
    return f['peak_bytes'] / MIB if f else None


def above_start(job):
    """Milliseconds more than a process that only tells its version; the median of the rounds."""
    def got(answer):
        ours, start = row(answer, job, 'bfc'), row(answer, job, START)
        if not ours or not start:
            return None
        return 1000 * statistics.median(a - b for a, b in zip(ours['seconds'], start['seconds']))
    return got


def milliseconds(job):
    def got(answer):
        f = row(answer, job, 'bfc')
        return 1000 * f['seconds_median'] if f else None
    return got


def growth(answer):
    f = row(answer, APPEND, 'bfc')
    return f['size_bytes'] / 1024 if f else None


def fresh_read(answer):
    return answer['random reads']['fresh']['p50_us'] if 'random reads' in answer else None


def speed_up(answer):
    """With two threads."""
    f = row(answer, SCALING, '2 threads')
    return f['bfc_time_ratio'] if f else None


def serial_share(job):
    """Percent of the work in the largest stage that only one thread can do."""
    def got(answer):
        told = answer.get(STAGES, {}).get(job)
        return 100 * told['serial_share'] if told else None
    return got


def level19(answer):
    return ratio(LEVEL19, f'tar+zstd -{LONG_LEVEL} --long', 'size')(answer)


TREES = [
    Goal('create: as fast as the faster of mksquashfs (128K) and tar with zstd', AT_LEAST, 1.3, 'times',
         times_as_fast('create', SQUASHFS, TAR)),
    Goal('create: size to mksquashfs with 1M blocks', AT_MOST, 1, '', ratio('create', SQUASHFS_LARGE, 'size')),
    Goal('4 KiB at a random place in a fresh open, p50', BELOW, 150, 'µs', fresh_read),
    Goal('create, default: time to zstd:3', AT_MOST, 1.1, '', ratio(AUTO, 'bfc -c zstd:3')),
    Goal('create, default: size to zstd:3', AT_MOST, 1.01, '', ratio(AUTO, 'bfc -c zstd:3', 'size')),
    Goal('create, compressed files: time to a copy (cp -a)', AT_MOST, 1, '', ratio(STORED, 'cp -a')),
    Goal('create, archive: size to mkdwarfs', AT_MOST, 1.03, '', ratio(ARCHIVE, DWARFS, 'size')),
    Goal('create, archive: time to mkdwarfs', BELOW, 1, '', ratio(ARCHIVE, DWARFS)),
    Goal(f'create, level {LONG_LEVEL}: size to tar with zstd --long', BELOW, 1, '', level19),
    Goal('extract to tmpfs: as fast as unsquashfs', AT_LEAST, 1.8, 'times', times_as_fast('extract to tmpfs', SQUASHFS)),
    Goal('extract to ext4: as fast as unsquashfs', AT_LEAST, 1.5, 'times', times_as_fast('extract to ext4', SQUASHFS)),
    Goal('extract to tmpfs: time to the bare loop with zstd', AT_MOST, 1.3, '', ratio('extract to tmpfs', BARE_ZSTD)),
    Goal('extract to ext4: time to the bare loop with zstd', AT_MOST, 1.3, '', ratio('extract to ext4', BARE_ZSTD)),
    Goal('peak of create and extract', BELOW, 256, 'MiB', memory),
    Goal('peak with --low-memory', BELOW, 64, 'MiB', little_memory),
    Goal('list all names: time to unsquashfs -l', AT_MOST, 1, '', ratio(LIST, 'unsquashfs -l')),
    Goal('info of one file, above process start', AT_MOST, 2, 'ms', above_start(INFO)),
    Goal('cat of a small file, above process start', AT_MOST, 2, 'ms', above_start(CAT)),
    Goal('append of one small file', BELOW, 30, 'ms', milliseconds(APPEND)),
    Goal('append of one small file: growth', BELOW, 64, 'KiB', growth),
    Goal('create, sealed: time to plain', BELOW, ASKED['create'], '', ratio(CREATE, 'plain')),
    Goal('extract, sealed, to tmpfs: time to plain', BELOW, ASKED['extract'], '', ratio(EXTRACT.format('tmpfs'), 'plain')),
    Goal('extract, sealed, to ext4: time to plain', BELOW, ASKED['extract'], '', ratio(EXTRACT.format('ext4'), 'plain')),
    Goal('create: the largest serial stage', AT_MOST, 10, '% of the work', serial_share('create')),
    Goal('extract: the largest serial stage', AT_MOST, 10, '% of the work', serial_share('extract')),
    Goal('create: two threads to one', None, None, 'times', speed_up),
]

IMAGES = [
    Goal('image create: as fast as podman pull', AT_LEAST, 4, 'times', times_as_fast('create', 'podman pull')),
    Goal('image create: time to inflating, hashing and compressing alone', AT_MOST, 1.5, '', ratio('create', 'bare')),
    Goal('image create and extract to tmpfs: as fast as umoci unpack', AT_LEAST, 5, 'times',
         times_as_fast('create, and extract to tmpfs', 'umoci unpack')),
    Goal('image create and extract to ext4: as fast as umoci unpack', AT_LEAST, 5, 'times',
         times_as_fast('create, and extract to ext4', 'umoci unpack')),
    Goal(f'image create with {MANY_JOBS} threads: the largest serial stage', AT_MOST, 10, '% of the work',
         serial_share(f'image create with {MANY_JOBS} threads')),
    Goal('peak of image create', BELOW, 256, 'MiB', lambda answer: row(answer, 'create', 'bfc')['peak_bytes'] / MIB),
]


def judge(goals, answers, title):
    """[{figure, asked, got: {title: {value, met}}}] of what was measured at all."""
    told = []
    for goal in goals:
        got = {answer[title]: goal.got(answer) for answer in answers}
        got = {name: {'value': value, 'met': bool(goal.holds(value, goal.limit)) if goal.holds else None}
               for name, value in got.items() if value is not None}
        if got:
            asked = f'{WORDS[goal.holds]} {goal.limit:g} {goal.unit}'.rstrip() if goal.holds else 'told'
            told.append({'figure': goal.figure, 'asked': asked, 'unit': goal.unit, 'got': got})
    return told


def against(report):
    return judge(TREES, report['trees'], 'tree') + judge(IMAGES, report['images'], 'image')


def not_measured(report):
    """Of all goals those that nothing was said about: a row that goes by another name than its goal thinks, say."""
    told = {goal['figure'] for goal in report['goals']}
    return [goal.figure for goal in TREES + IMAGES if goal.figure not in told]
