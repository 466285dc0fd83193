# SPDX-License-Identifier: Apache-2.0
"""One run of the bench: who takes part, where things are put, what was left out, and the two things that most sections
do: everybody creates of a tree, everybody extracts what was created."""
import os
import shutil

import peers
from measure import Failed, Target, run, spawn, summary, take_turns, timed_by_itself
from peers import size_of, words
from tell import status

TARGET = 'TARGET'  # stands for a folder that is not there yet


class Session:
    """Files that are created stand in the scratch folder under the names of those who made them, until dropped."""

    def __init__(self, o, space, report):
        self.o, self.space, self.report = o, space, report
        self.warm = 0 if o.smoke else 1
        self.peers = {}
        for name, peer in peers.every(o).items():
            if peer.missing:
                self.left_out(name, f'not on PATH: {", ".join(peer.missing)}')
                continue
            self.peers[name] = peer
            report['versions'].setdefault(name, peer.version())
        self.targets = [Target(space, t) for t in self.choose_targets()]

    def choose_targets(self):
        """Those asked for. If none was: what can be mounted, or else the scratch folder."""
        if self.o.target:
            return self.o.target
        if not self.space.private:
            for kind in ('tmpfs', 'ext4'):
                self.left_out(f'extract to {kind}', 'root may mount one; a folder is taken')
            return [self.space.scratch]
        try:
            if not shutil.which('mkfs.ext4'):
                raise Failed('mkfs.ext4 is not on PATH')
            with Target(self.space, 'ext4'):
                return ['tmpfs', 'ext4']
        except Failed as e:
            self.left_out('extract to ext4', str(e))
            return ['tmpfs']

    # ── What the report has beside figures ──

    def left_out(self, what, why):
        entry = {'what': what, 'why': why}
        if entry not in self.report['left_out']:
            self.report['left_out'].append(entry)

    def told(self, job, commands):
        """The commands of a job, as one would type them."""
        shown = {name: words(argv).replace(self.o.bfc, 'bfc').replace(self.o.programs + '/', '')
                 for name, argv in commands.items()}
        self.report['commands'].setdefault(job, {}).update(shown)

    def in_turns(self, job, jobs, rounds=None, warm=None):
        def seen(name, one):
            status(f'{job}: {name}')
            return one()

        jobs = {name: lambda n=name, one=one: seen(n, one) for name, one in jobs.items()}
        rounds = take_turns(jobs, rounds or self.o.rounds, self.warm if warm is None else warm,
                            lambda name, why: self.left_out(f'{job}: {name}', why.removeprefix('bench: ')))
        return summary(rounds)

    # ── Files ──

    def file(self, name):
        return os.path.join(self.space.scratch, 'made-' + name.replace(' ', '-').replace('/', '-'))

    def remove(self, name):
        path = self.file(name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)

    def keep(self, name, tree):
        """What the peer makes of the tree: that which is there, or made now."""
        if not os.path.exists(self.file(name)):
            run(self.peers[name].create(tree, self.file(name)))
        return self.file(name)

    def remove_all(self):
        for name in os.listdir(self.space.scratch):
            if name.startswith('made-'):
                self.remove(name.removeprefix('made-'))

    # ── Creating and extracting ──

    def creations(self, job, programs, tree, rounds=None, bare=None, keep=False):
        """`programs`: functions of tree and file, by name. With `keep` what was made in the last round stays."""
        place = {name: name if keep else f'{job} {name}' for name in programs}

        def one(name):
            self.remove(place[name])
            self.space.warm_memory()
            try:
                done = run(programs[name](tree, self.file(place[name])))
            except Failed:
                self.remove(place[name])
                raise
            done.size = size_of(self.file(place[name]))
            return done

        self.told(job, {name: argv('TREE', 'FILE') for name, argv in programs.items()})
        jobs = {name: lambda n=name: one(n) for name in programs}
        for name, argv in (bare or {}).items():
            jobs[name] = lambda a=argv: timed_by_itself(a)
        figures = self.in_turns(job, jobs, rounds, 0 if rounds == 1 else None)
        for name in () if keep else place.values():
            self.remove(name)
        return figures

    def extractions(self, job, programs, target, rounds=None, bare=None):
        """`programs`: pairs of a function of file and folder, and whether the folder is made before, by name. `bare`:
        commands that time themselves, with TARGET for the folder."""
        def one(name):
            extract, makes_folder = programs[name]
            with target as to:
                self.space.warm_memory()
                if makes_folder:
                    os.mkdir(to)
                return run(extract(self.file(name), to))

        def limit(argv):
            with target as to:
                self.space.warm_memory()
                return timed_by_itself([to if word == TARGET else word for word in argv])

        self.told('extract', {name: extract('FILE', TARGET) for name, (extract, _) in programs.items()})
        jobs = {name: lambda n=name: one(n) for name in programs if os.path.exists(self.file(name))}
        for name, argv in (bare or {}).items():
            jobs[name] = lambda a=argv: limit(a)
        return self.in_turns(job, jobs, rounds, 0 if rounds == 1 else None)

    def moments(self, job, commands, rounds=None):
        """Programs that take milliseconds."""
        return self.in_turns(job, {name: lambda a=argv: spawn(a) for name, argv in commands.items()}, rounds or self.short)

    @property
    def short(self):
        """Rounds of what takes milliseconds."""
        return 2 if self.o.smoke else 5 * self.o.rounds

    def program(self, name, *arguments):
        return [os.path.join(self.o.programs, name), *map(str, arguments)]
