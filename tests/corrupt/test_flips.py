#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flips single bits without repairing anything: `verify --deep` must see each, or nobody reads it.

usage: test_flips.py PROBE [COUNT [SEED]]

The seed is another one each day (share.py); with sanitizers a quarter of COUNT is tried.
Bytes that no reader of the last commit reads are computed by the second program of check.py from what it
read itself: pages that only older commits refer to, and the padding of older segments. What is said of
a flip there is not judged, but it must be right to extract and list.
"""

import bisect
import collections
import random
import sys
import pathlib
import tempfile

sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import check  # noqa: E402
import sample  # noqa: E402
import share  # noqa: E402
from bfcfile import RECORD  # noqa: E402
from test_fields import Probe  # noqa: E402

UNSUPPORTED = -5


def read_ranges(data):
    """Sorted, disjoint (start, end, what) of bytes that count."""
    checked = check.Check(data)
    if checked.run():
        sys.exit(f"the good container is not good: {checked.wrong}")
    c = checked.c
    ranges = {(0, RECORD, "superblock")}
    ranges |= {(at, at + RECORD, "commit record") for at in c.chain()}
    for start, end in c.frames:
        ranges |= {(start, start + 32, "frame header"), (start + 32, end, "payload")}
    last_end = max(end for _, end in c.frames)
    ranges.add((last_end, c.commit_at, "padding"))
    return sorted(ranges)


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    count = count // 4 if share.SAFETY_ONLY else count
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else share.DAY
    print(f"seed {seed}")
    chance = random.Random(seed)
    counts, bad = collections.Counter(), 0
    memory = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        data = sample.make(program, scratch)
        ranges = read_ranges(data)
        starts = [start for start, _, _ in ranges]
        probe = Probe(program, scratch)

        def take():
            nonlocal bad
            (at, bit), what, a = probe.finish()
            seen = a["exit"] == 0 and (a["deep"] < 0 or a["torn"] > 0)
            counts[what] += 1
            if a["exit"] != 0 or a["strangers"] != 0:
                bad += 1
                print(f"byte {at} bit {bit} ({what}): ended with {a['exit']}, wrote {a['strangers']} outside")
            elif what != "unread" and not seen:
                bad += 1
                print(f"byte {at} bit {bit} ({what}): verify found nothing")
            elif what == "unread" and (a["list"] < 0 or a["extract"] < 0):
                bad += 1
                print(f"byte {at} bit {bit} ({what}): it is read: {a}")

        for _ in range(count):
            at, bit = chance.randrange(len(data)), chance.randrange(8)
            i = bisect.bisect_right(starts, at) - 1
            what = ranges[i][2] if at < ranges[i][1] else "unread"
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            probe.start((at, bit), flipped, what)
            if len(probe.waiting) == 4:
                take()
        while probe.waiting:
            take()
        probe.process.stdin.close()
        probe.process.wait()
        unread = len(data) - sum(end - start for start, end, _ in ranges)
    print(f"seed {seed}: {dict(counts)}; {unread} of {len(data)} bytes are read by older commits only; "
          f"{bad} problems")
    return 1 if bad or not counts["payload"] else 0


if __name__ == "__main__":
    sys.exit(main())
