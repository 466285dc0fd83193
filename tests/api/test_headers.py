#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Public headers: each compiles alone as C17 and as C++17 with every warning an error, and the
examples in their comments compile too.

usage: test_headers.py SOURCE_ROOT CC CXX
"""

import pathlib
import re
import shlex
import subprocess
import sys

STRICT = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
C17 = ["-x", "c", "-std=c17", "-Wstrict-prototypes"]
CXX17 = ["-x", "c++", "-std=c++17"]
EXAMPLE = re.compile(r"^ \*\n((?: \*     .*\n)+)", re.MULTILINE)


def compiles(compiler, flags, include, text):
    """None, or what the compiler says about `text`."""
    command = shlex.split(compiler) + flags + STRICT + ["-I", str(include), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr


def examples(header):
    """The blocks of code in a header's comments, each ready to be compiled."""
    for block in EXAMPLE.findall(header.read_text(encoding="utf-8")):
        code = "".join(line[len(" *     "):] + "\n" for line in block.splitlines())
        yield ("#include <bfc/bfc.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
               "void example(bfc_reader *reader);\nvoid example(bfc_reader *reader)\n{\n"
               "bfc_err err = BFC_ERR_INIT;\n(void)reader;\n(void)err;\n{\n" + code + "}\n}\n")


def main():
    root, cc, cxx = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    include = root / "include"
    headers = sorted((include / "bfc").glob("*.h"))
    failed = checked = 0
    for header in headers:
        # Twice: the second time the guard must keep everything out.
        alone = f"#include <bfc/{header.name}>\n" * 2
        tries = [(cc, C17, alone), (cxx, CXX17, alone)]
        tries += [(cc, C17, example) for example in examples(header)]
        for compiler, flags, text in tries:
            said = compiles(compiler, flags, include, text)
            checked += 1
            if said is not None:
                print(f"{header.name} with {compiler} {' '.join(flags)}:\n{said}")
                failed += 1
    print(f"{len(headers)} headers, {checked} compilations, {failed} failed")
    if compiles(cc, C17, include, "#include <bfc/err.h>\nsize_t without_stddef(void);\n") is None:
        print("self-test: a header that lacks an include would not be noticed")
        failed += 1
    return 1 if failed or len(headers) < 7 else 0


if __name__ == "__main__":
    sys.exit(main())
