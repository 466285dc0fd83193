#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Section 13 of docs/format.md against the container that it shows, written anew.

usage: test_worked_example.py SOURCE_ROOT GOLDEN

Each line of a dump must hold the container's bytes; bytes that no line shows must be zero; the
container must be the one in tests/golden/, byte for byte; and a falsified line must be found.
Making it sets owners, so this needs root; without it the file in tests/golden/ is compared.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

LINE = re.compile(r"^([0-9a-f]{8})  ((?:[0-9a-f]{2} ?)+)(?:  .*)?$")


def shown(page):
    """[(offset, bytes)] of the lines of section 14."""
    section = page[page.index("\n## 13. "):]
    return [(int(m.group(1), 16), bytes.fromhex(m.group(2)))
            for m in map(LINE.match, section.splitlines()) if m]


def compare(lines, data):
    left = bytearray(data)
    for offset, row in lines:
        if data[offset:offset + len(row)] != row:
            yield f"{offset:08x}: the page has {row.hex(' ')}, it is {data[offset:offset + len(row)].hex(' ')}"
        if not row:
            yield f"{offset:08x}: nothing is shown"
        left[offset:offset + len(row)] = bytes(len(row))
    for offset, byte in enumerate(left):
        if byte:
            yield f"{offset:08x}: {byte:02x} is not shown"


def written_again(program):
    with tempfile.TemporaryDirectory() as scratch:
        path = scratch + "/tiny.bfc"
        subprocess.run([program, "tiny", path, scratch + "/folder"], check=True)
        return pathlib.Path(path).read_bytes()


def main():
    root, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    golden = (root / "tests/golden/tiny.bfc").read_bytes()
    lines = shown((root / "docs/format.md").read_text(encoding="utf-8"))
    problems = list(compare(lines, golden))
    if os.geteuid() == 0:
        if written_again(program) != golden:
            problems.append("the container that is written now is not tests/golden/tiny.bfc")
    else:
        print("not root: the container was not written anew")
    for i, (offset, row) in enumerate(lines):
        false = lines[:i] + [(offset, bytes([row[0] ^ 1]) + row[1:])] + lines[i + 1:]
        if not list(compare(false, golden)):
            problems.append(f"a wrong line {offset:08x} is not found")
    for problem in problems:
        print(problem)
    print(f"{len(lines)} lines, {sum(len(row) for _, row in lines)} bytes shown, {len(problems)} problems")
    return 1 if problems or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
