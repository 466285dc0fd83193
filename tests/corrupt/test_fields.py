#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets every field of a container to boundary values, every sum repaired, and reads the result.

usage: test_fields.py PROBE [-v] [GROUP…]

For each: opening, listing, reading, extracting and verifying end without a crash, in time, in bounded
memory, and write nothing outside of their target; and `verify --deep` and the second program of
check.py, which knows nothing of the library, agree whether the container is right. That program is
not asked where BFC_TEST_SAFETY_ONLY is set: with sanitizers, after a build without them was judged.
A run takes a sixth of the containers, with sanitizers a 16th, others each day.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import check  # noqa: E402
import forge  # noqa: E402
import mutations  # noqa: E402
import sample  # noqa: E402
import share  # noqa: E402

SHARES = 24 if share.SAFETY_ONLY else 10
RSS_MAX_KIB = 200 << 10
UNSUPPORTED = -5  # BFC_E_UNSUPPORTED
# What the page leaves open: here the last table's pages stay behind the last frame that counts.
EITHER = ("table 9 is gone",)


class Probe:
    """Containers go to the program while the next one is made."""

    def __init__(self, program, scratch, options=()):
        self.scratch = scratch
        self.process = subprocess.Popen([program, *options, "try", scratch], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.waiting = collections.deque()
        self.number = 0

    def start(self, name, data, wrong):
        self.number += 1
        path = f"{self.scratch}/{self.number % 8}.bfc"
        with open(path, "wb") as out:
            out.write(data)
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        self.waiting.append((name, wrong))

    def finish(self):
        name, wrong = self.waiting.popleft()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the probe ended at '{name}'")
        return name, wrong, json.loads(line)


# Words that name a thing of the container, where there is neither a path nor a byte to tell.
NAMED = re.compile(r"inode \d+|table of \w+|block \d+|tree \d+|blob '|no whole commit|has no commit")


def judge(name, wrong, torn, a):
    """What is not as it should be, as text; `wrong` is None where nobody was asked."""
    if a["exit"] != 0:
        yield f"ended with {a['exit']}" + (" (a signal)" if a["exit"] >= 1000 else "")
        return
    if a["strangers"] != 0:
        yield "wrote outside of its target"
    if a["rss_kib"] > RSS_MAX_KIB:
        yield f"took {a['rss_kib']} KiB"
    if wrong is not None and name not in EITHER:
        if wrong and a["deep"] == 0:
            yield f"verify found nothing, but: {wrong[0]}"
        if not wrong and a["deep"] < 0:
            yield f"verify found fault with what is right: {a['deep_says']}"
    if wrong is not None and a.get("torn", 0) != torn and a["deep"] != UNSUPPORTED:
        yield f"{torn} bytes are torn, verify says {a.get('torn')}"
    for problem in a["problems"]:
        if not problem["named"] and not NAMED.search(problem["what"]):
            yield f"a problem that names neither file nor place: {problem['what']}"
    if wrong == [] and any(a[step] < 0 for step in ("open", "list")):
        yield f"what is right cannot be read: {a.get('open_says')} {a.get('list_says')}"


def main():
    program, verbose = sys.argv[1], "-v" in sys.argv
    groups = [g for g in mutations.ALL
              if not set(sys.argv[2:]) - {"-v"} or g.__name__ in sys.argv[2:]]
    bad, counts = 0, collections.Counter()
    memory = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        data = sample.make(program, scratch)
        if problems := check.problems(data)[0]:
            sys.exit(f"the good container is not good: {problems}")
        good, probe = forge.Good(data), Probe(program, scratch)
        asked = (lambda _: (None, 0)) if share.SAFETY_ONLY else check.problems

        def take():
            nonlocal bad
            name, (wrong, torn), answer = probe.finish()
            counts["not judged" if wrong is None else "wrong" if wrong else "right"] += 1
            if verbose:
                print(f"{name}: {wrong[:1]} {json.dumps(answer)}")
            for what in judge(name, wrong, torn, answer):
                bad += 1
                print(f"{name}: {what}")

        for group in groups:
            before = sum(counts.values()) + len(probe.waiting)
            for name, mutant in share.todays(group(good), SHARES):
                if mutant == data:
                    continue
                probe.start(name, mutant, asked(mutant))
                if len(probe.waiting) == 4:
                    take()
            while probe.waiting:
                take()
            print(f"{group.__name__}: {sum(counts.values()) - before} containers", flush=True)
        probe.process.stdin.close()
        probe.process.wait()
    print(f"day {share.DAY}: {sum(counts.values())} containers, {counts['wrong']} of them wrong, {counts['not judged']} not judged; "
          f"{bad} problems")
    return 1 if bad or not counts["wrong"] + counts["not judged"] else 0


if __name__ == "__main__":
    sys.exit(main())
