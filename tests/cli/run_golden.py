#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden tests of the program: a script, and what it has to print, beside each other.

usage: run_golden.py [--write] BFC CASE.sh…

CASE.sh runs in an empty folder under sh, with lib.sh read before it and this folder in TESTS. CASE.out and CASE.err hold what
has to be on stdout and stderr (no file: nothing), the script's last exit code has to be 0. A line that
begins with "~ " is a pattern: * stands for any text, everything else for itself.
--write makes the files anew, for a reviewer to read; patterns that still match are kept.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def matches(expected, line):
    if not expected.startswith("~ "):
        return expected == line
    pattern = ".*".join(re.escape(part) for part in expected[2:].split("*"))
    return re.fullmatch(pattern, line) is not None


def read(path):
    if not path.exists():
        return []
    return path.read_bytes().decode(errors="surrogateescape").split("\n")[:-1]


def differences(expected, lines):
    for number in range(max(len(expected), len(lines))):
        want = expected[number] if number < len(expected) else None
        have = lines[number] if number < len(lines) else None
        if want is None or have is None or not matches(want, have):
            yield number + 1, want, have


def run(bfc, case):
    environment = {
        "PATH": f"{pathlib.Path(bfc).resolve().parent}:{os.environ['PATH']}",
        "LC_ALL": "C", "COLUMNS": "80", "BFC_STORE": "store", "TZ": "Africa/Nairobi",
        "TESTS": str(HERE),
    }
    # A sanitizer's settings have to reach the program.
    environment.update((k, v) for k, v in os.environ.items() if k.endswith("SAN_OPTIONS"))
    with tempfile.TemporaryDirectory(prefix="bfc-cli-") as folder:
        done = subprocess.run(
            ["sh", "-c", f". '{HERE}/lib.sh'; . '{case}'"], cwd=folder, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
            start_new_session=True)  # no terminal to ask for a password on
    texts = [b.decode(errors="surrogateescape").split("\n") for b in (done.stdout, done.stderr)]
    # A last line without a newline counts as a line of its own.
    return done.returncode, [t[:-1] if t[-1] == "" else t for t in texts]


def write(path, expected, lines):
    kept = [want for want in expected if want.startswith("~ ")]
    text = "".join(next((k for k in kept if matches(k, line)), line) + "\n" for line in lines)
    if text:
        path.write_bytes(text.encode(errors="surrogateescape"))
    elif path.exists():
        path.unlink()


def check(bfc, case, writing):
    code, streams = run(bfc, case)
    bad = 0 if code == 0 else 1
    if code != 0:
        print(f"{case.name}: exit code {code}")
    for suffix, lines in zip((".out", ".err"), streams):
        path = case.with_suffix(suffix)
        expected = read(path)
        if writing:
            write(path, expected, lines)
            continue
        for number, want, have in differences(expected, lines):
            print(f"{path.name}:{number}:\n  expected: {want!r}\n  printed:  {have!r}")
            bad += 1
    return bad


def main():
    arguments = sys.argv[1:]
    writing = arguments[:1] == ["--write"]
    bfc, *cases = arguments[writing:]
    bad = sum(check(bfc, pathlib.Path(case).resolve(), writing) for case in cases)
    print(f"{len(cases)} cases, {bad} differences")
    return 1 if bad or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
