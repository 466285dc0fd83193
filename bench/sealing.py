# SPDX-License-Identifier: Apache-2.0
"""The same work plain and sealed: `bfc create` and `bfc extract` of one tree, with a key file and without.

Which of the two is the first changes with each round. The subject of all ratios is the sealed one."""
import os

from measure import LEVEL, run, summary

CREATE, EXTRACT = 'create, sealed', 'extract, sealed, to {}'
ASKED = {'create': 1.15, 'extract': 1.25}


class Both:
    """The two containers of a tree, in the scratch folder."""

    def __init__(self, o, space, compression=f'zstd:{LEVEL}'):
        self.o, self.space, self.compression = o, space, compression
        self.key = os.path.join(space.scratch, 'key')
        with open(self.key, 'wb') as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(os.urandom(32))
        self.bfc = [o.bfc, '--quiet', '-j', str(o.jobs)]
        self.keys = {'plain': [], 'sealed': ['--key-file', self.key]}

    def file(self, kind):
        return os.path.join(self.space.scratch, kind + '.bfc')

    def create(self, kind, tree):
        self.space.warm_memory()
        encrypt = ['--encrypt'] if kind == 'sealed' else []
        done = run([*self.bfc, 'create', '-f', '-c', self.compression, *encrypt, *self.keys[kind], self.file(kind), tree])
        done.size = os.path.getsize(self.file(kind))
        return done

    def extract(self, kind, target):
        with target as to:
            self.space.warm_memory()
            return run([*self.bfc, 'extract', *self.keys[kind], self.file(kind), '-C', to])

    def rounds(self, one):
        """[{'sealed': …, 'plain': …}], without the first."""
        warm, answer = 0 if self.o.smoke else 1, []
        for i in range(self.o.rounds + warm):
            done = {kind: one(kind) for kind in (('plain', 'sealed') if i % 2 else ('sealed', 'plain'))}
            answer.append({kind: done[kind] for kind in ('sealed', 'plain')})
        return answer[warm:]

    def measure(self, tree, targets):
        """Summaries by job."""
        jobs = {CREATE: summary(self.rounds(lambda kind: self.create(kind, tree)))}
        for target in targets:
            jobs[EXTRACT.format(target.kind)] = summary(self.rounds(lambda kind, t=target: self.extract(kind, t)))
        return jobs

    def remove(self):
        for path in (self.key, *map(self.file, self.keys)):
            os.unlink(path)


def sealed(session, tree):
    """The section of bench/run."""
    both = Both(session.o, session.space)
    both_ways = {'plain': both.bfc, 'sealed': [*both.bfc, '--encrypt', '--key-file', 'KEY']}
    session.told(CREATE, {kind: [*argv[:4], 'create', '-f', '-c', both.compression, *argv[4:], 'FILE', 'TREE']
                          for kind, argv in both_ways.items()})
    try:
        return both.measure(tree, session.targets)
    finally:
        both.remove()
