#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Symbols: the shared library exports what the public headers declare with BFC_API, and nothing
else; the static one keeps to its own prefixes.

usage: test_symbols.py SOURCE_ROOT SHARED_LIBRARY STATIC_LIBRARY
"""

import pathlib
import re
import subprocess
import sys

DECLARATION = re.compile(r"^BFC_API\s[^;(]*?\b(bfc_\w+)\s*\(", re.MULTILINE)


def declared(root):
    names = set()
    for header in sorted((root / "include/bfc").glob("*.h")):
        text = header.read_text(encoding="utf-8")
        found = DECLARATION.findall(text)
        if len(found) != len(re.findall(r"^BFC_API\b", text, re.MULTILINE)):
            sys.exit(f"{header}: a BFC_API declaration that this test cannot read")
        names.update(found)
    return names


def symbols(*arguments):
    done = subprocess.run(["nm", "--defined-only", "--format=posix", *arguments],
                          capture_output=True, text=True, check=True)
    return {line.split()[0].split("@")[0] for line in done.stdout.splitlines()
            if len(line.split()) >= 2 and line.split()[1] != "A"}


def main():
    root, shared, static = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    want, have = declared(root), symbols("--dynamic", shared)
    problems = [f"declared, but not exported: {name}" for name in sorted(want - have)]
    problems += [f"exported, but not declared: {name}" for name in sorted(have - want)]
    problems += [f"the static library defines '{name}', which is neither bfc_… nor bfci_…"
                 for name in sorted(symbols("--extern-only", static))
                 if not re.match(r"bfci?_", name)]
    for problem in problems:
        print(problem)
    print(f"{len(want)} functions declared, {len(have)} symbols exported")
    return 1 if problems or not want else 0


if __name__ == "__main__":
    sys.exit(main())
