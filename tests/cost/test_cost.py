#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the number of instructions that fixed work takes: times on shared machines do not tell a slow-down, these counts do, to
a fraction of a percent.

    test_cost.py BFC MAKE_TREE [--record] [NAME…]

Each operation runs under valgrind's callgrind with one thread, on seeded trees. Counted are the program's own
instructions and those of all libraries; either may be a quarter above what expected.json says. The count of a library
grows with the bytes that it is given: hashing twice, or compressing what is thrown away, shows there.
--record writes expected.json: after a change that is meant to cost, or that made something cheaper.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'expected.json')
BOUND = 1.25
ENVIRONMENT = {'PATH': os.environ['PATH'], 'LC_ALL': 'C'}  # no MALLOC_PERTURB_ of meson's, which costs
CHEAPER = 0.80  # below it the record is out of date: a slow-down back to what it was would not be seen
SKIPPED = 77


def instructions(profile):
    """Of a file of callgrind's, by ELF object: the lines of cost, without those that repeat what a call took."""
    names, counts, current, is_call = {}, {}, '', False
    with open(profile, encoding='utf-8', errors='replace') as lines:
        for line in lines:
            found = re.match(r'ob=\((\d+)\)(?: (.*))?', line)
            if found:
                number, name = found.groups()
                names.setdefault(number, name)
                current = names[number]
            elif line.startswith('cob='):  # of the function that is called; it may be the first to name the object
                number, name = re.match(r'cob=\((\d+)\)(?: (.*))?', line).groups()
                names.setdefault(number, name)
            elif line.startswith('calls='):
                is_call = True
            elif re.match(r'[+\-*\d]', line):
                if not is_call:
                    counts[current] = counts.get(current, 0) + int(line.split()[1])
                is_call = False
    return counts


class Costs:
    def __init__(self, bfc, folder):
        self.bfc, self.folder = bfc, folder

    def plain(self, *args):
        subprocess.run([self.bfc, '-q', '-j1', *args], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def of(self, *args):
        profile = os.path.join(self.folder, 'profile')
        valgrind = ['valgrind', '-q', '--tool=callgrind', f'--callgrind-out-file={profile}']
        done = subprocess.run([*valgrind, self.bfc, '-q', '-j1', *args], cwd=self.folder, env=ENVIRONMENT, check=False, capture_output=True)
        if done.returncode != 0:
            sys.exit(f'{args}: exit {done.returncode}\n{done.stderr.decode(errors="replace")}')
        counts = instructions(profile)
        program = os.path.basename(self.bfc)
        own = sum(n for name, n in counts.items() if os.path.basename(name) == program)
        return {'own': own, 'libraries': sum(counts.values()) - own}


def prepare(costs, make_tree):
    subprocess.run([make_tree, 'mixed', 'tree', '150', '7'], cwd=costs.folder, check=True)
    subprocess.run([make_tree, 'small', 'many', '3000', '7'], cwd=costs.folder, check=True)
    with open(os.path.join(costs.folder, 'key'), 'wb') as key:
        key.write(bytes(range(32)))
    os.chmod(os.path.join(costs.folder, 'key'), 0o600)
    with open(os.path.join(costs.folder, 'one'), 'wb') as one:
        one.write(b'one more\n')
    costs.plain('create', '--reproducible', 'tree.bfc', 'tree')
    costs.plain('create', '--reproducible', 'many.bfc', 'many')
    costs.plain('create', '--key-file=key', '-e', 'sealed.bfc', 'tree')
    shutil.copy(os.path.join(costs.folder, 'many.bfc'), os.path.join(costs.folder, 'grown.bfc'))
    costs.plain('--store=dir:store', 'image', 'create', 'it:1', 'dir:tree')
    costs.plain('--store=dir:store', 'image', 'export', 'it:1', 'oci:layout:it')


OPERATIONS = {
    'create': ['create', '--reproducible', 'a.bfc', 'tree'],
    'create, many small files': ['create', '--reproducible', 'b.bfc', 'many'],
    'create, encrypted': ['create', '--key-file=key', '-e', 'c.bfc', 'tree'],
    'append a file to many': ['append', 'grown.bfc', 'one'],
    'extract': ['extract', 'tree.bfc', '-C', 'out'],
    'extract, many small files': ['extract', 'many.bfc', '-C', 'many.out'],
    'extract, encrypted': ['extract', '--key-file=key', 'sealed.bfc', '-C', 'sealed.out'],
    'list': ['list', 'many.bfc'],
    'info of the container': ['info', 'many.bfc'],
    'verify --deep': ['verify', '--deep', 'tree.bfc'],
    'image create from a layout': ['--store=dir:other', 'image', 'create', 'it:2', 'oci:layout:it'],
    'image extract': ['--store=dir:store', 'image', 'extract', 'it:1', 'image.out'],
    'image export': ['--store=dir:store', 'image', 'export', 'it:1', 'oci:layout2:it'],
}


def judge(name, counted, expected):
    """What is wrong, in words."""
    if name not in expected:
        return [f'{name}: not in expected.json: record it']
    wrong = []
    for part, count in counted.items():
        ratio = count / expected[name][part]
        if ratio > BOUND:
            wrong.append(f'{name}: {part} take {ratio:.2f} of the instructions that are recorded, '
                         f'more than {BOUND}: {count} in place of {expected[name][part]}')
        elif ratio < CHEAPER:
            wrong.append(f'{name}: {part} take {ratio:.2f} of what is recorded: record that (--record)')
    return wrong


def main():
    args = [a for a in sys.argv[1:] if a != '--record']
    if len(args) < 2:
        sys.exit(__doc__)
    if not shutil.which('valgrind'):
        print('skipped: valgrind is not installed')
        sys.exit(SKIPPED)
    bfc, make_tree, wanted = os.path.abspath(args[0]), os.path.abspath(args[1]), args[2:] or list(OPERATIONS)
    with tempfile.TemporaryDirectory(prefix='bfc-cost-') as folder:
        costs = Costs(bfc, folder)
        prepare(costs, make_tree)
        counted = {name: costs.of(*OPERATIONS[name]) for name in wanted}
    for name, counts in counted.items():
        print(f'{name:30} {counts["own"]:>14,} own  {counts["libraries"]:>14,} in libraries')
    with open(EXPECTED, encoding='utf-8') as f:
        expected = json.load(f)
    if '--record' in sys.argv:
        with open(EXPECTED, 'w', encoding='utf-8') as f:
            json.dump({**expected, **counted}, f, indent=2)
            f.write('\n')
        return
    wrong = [words for name, counts in counted.items() for words in judge(name, counts, expected)]
    if wrong:
        sys.exit('\n'.join(wrong))


if __name__ == '__main__':
    main()
