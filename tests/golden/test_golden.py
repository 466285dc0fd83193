#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Containers of earlier days are still read: each *.bfc here gives what the .txt beside it says.

usage: test_golden.py GOLDEN     (--record writes the .txt anew, after a look at the difference)

The second program of tests/corrupt/ must find them right too.
"""

import difflib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(HERE.parent / "corrupt"))

import check  # noqa: E402


def main():
    program = sys.argv[1]
    bad = 0
    containers = sorted(HERE.glob("*.bfc"))
    for path in containers:
        told = subprocess.run([program, "tell", str(path)], capture_output=True, text=True, check=False)
        record = path.with_suffix(".txt")
        if "--record" in sys.argv:
            record.write_text(told.stdout, encoding="utf-8")
        want = record.read_text(encoding="utf-8")
        if told.returncode != 0 or told.stdout != want:
            bad += 1
            print(f"{path.name}: ended with {told.returncode} {told.stderr}")
            print("\n".join(difflib.unified_diff(want.splitlines(), told.stdout.splitlines(), lineterm="")))
        for wrong in check.problems(path.read_bytes())[0]:
            bad += 1
            print(f"{path.name}: {wrong}")
    print(f"{len(containers)} containers, {bad} problems")
    return 1 if bad or not containers else 0


if __name__ == "__main__":
    sys.exit(main())
