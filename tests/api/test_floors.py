#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floors: a file includes its own floor and lower ones, never a higher one (docs/architecture.md).

usage: test_floors.py SOURCE_ROOT

Reads the #include lines of include, src and cli. Then the checker itself is put to the test: each
kind of broken edge is planted in a small tree of its own, and must be found there.
"""

import pathlib
import re
import sys
import tempfile

# Lowest first. net stands beside mount: neither may know the other.
FLOORS = {
    "base": 0, "sys": 1, "codec": 2, "format": 3,
    "container": 4, "oci": 5, "store": 6, "mount": 7, "net": 7,
}
# Headers with which a floor of pure computation would reach for the kernel.
KERNEL_HEADERS = re.compile(r"^(fcntl|unistd|dirent|sys/(?!types\.h|param\.h).*)(\.h)?$")
PURE_FLOORS = {"base", "codec", "format"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path):
    """The #include lines of a file: (line number, '<' or '"', name)."""
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in (".c", ".h"))


def is_inside(root, name):
    """Whether a name in <> is of src. The C library has a folder sys, too."""
    floor = name.split("/")[0]
    return floor in FLOORS and (floor != "sys" or (root / "src" / name).exists())


def check_public(root):
    """Public headers include each other and the C library, nothing of src."""
    for path in sources(root / "include"):
        for line, kind, name in includes(path):
            if kind == '"' or is_inside(root, name):
                yield path, line, f"a public header includes '{name}'"


def check_src(root):
    for path in sources(root / "src"):
        floor = path.relative_to(root / "src").parts[0]
        if floor not in FLOORS:
            yield path, 1, f"'{floor}' is no floor: give it a place in FLOORS"
            continue
        for line, kind, name in includes(path):
            if kind == "<":
                if floor in PURE_FLOORS and KERNEL_HEADERS.match(name):
                    yield path, line, f"'{floor}' calls no kernel, but includes <{name}>"
                continue
            target = name.split("/")[0]
            if "/" not in name or target not in FLOORS:
                yield path, line, f"'{name}': write the floor's name first, as in \"base/err.h\""
            elif target != floor and FLOORS[target] >= FLOORS[floor]:
                yield path, line, f"'{floor}' stands below '{target}', but includes '{name}'"


def check_cli(root):
    """The program uses the public headers and its own."""
    own = {p.name for p in sources(root / "cli")}
    for path in sources(root / "cli"):
        for line, kind, name in includes(path):
            if kind == '"' and name not in own and not name.startswith("cli/"):
                yield path, line, f"the program includes '{name}', which is neither public nor its own"
            elif kind == "<" and is_inside(root, name):
                yield path, line, f"the program includes <{name}> of the library's inside"


def check(root):
    return [f"{path.relative_to(root)}:{line}: {what}"
            for rule in (check_public, check_src, check_cli)
            for path, line, what in rule(root)]


# Trees with one broken edge each: file, its text.
PLANTED = [
    ("src/base/a.c", '#include "sys/file.h"\n'),
    ("src/format/a.c", '#include "container/reader.h"\n'),
    ("src/store/a.h", '#include "net/http.h"\n'),
    ("src/net/a.h", ' #  include "mount/view.h"\n'),
    ("src/container/a.c", '#include "store/dir.h"\n'),
    ("src/base/a.c", "#include <unistd.h>\n"),
    ("src/sys/a.c", '#include "file.h"\n'),
    ("src/attic/a.c", '#include "base/base.h"\n'),
    ("include/bfc/a.h", '#include "base/base.h"\n'),
    ("include/bfc/a.h", "#include <base/base.h>\n"),
    ("cli/a.c", '#include "container/reader.h"\n'),
    ("cli/a.c", "#include <container/reader.h>\n"),
]
SOUND = {
    "include/bfc/a.h": "#include <stdint.h>\n#include <bfc/err.h>\n",
    "src/base/a.h": "#include <bfc/err.h>\n#include <string.h>\n",
    "src/sys/a.c": '#include "sys/file.h"\n#include "base/base.h"\n#include <unistd.h>\n',
    "src/store/a.c": '#include "container/reader.h"\n',
    "cli/a.h": "#include <bfc/bfc.h>\n#include <sys/stat.h>\n",
    "cli/b.c": '#include "a.h"\n',
}


def write_tree(root, files):
    for folder in ("include/bfc", "src", "cli"):
        (root / folder).mkdir(parents=True)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def self_test():
    bad = 0
    with tempfile.TemporaryDirectory() as top:
        sound = pathlib.Path(top) / "sound"
        write_tree(sound, SOUND)
        for problem in check(sound):
            print(f"self-test: a sound tree is blamed: {problem}")
            bad += 1
        for number, (name, text) in enumerate(PLANTED):
            root = pathlib.Path(top) / str(number)
            write_tree(root, {name: text})
            if len(check(root)) != 1:
                print(f"self-test: {name} with {text.strip()} was not found")
                bad += 1
    return bad


def main():
    root = pathlib.Path(sys.argv[1])
    problems = check(root)
    for problem in problems:
        print(problem)
    count = sum(len(sources(root / folder)) for folder in ("include", "src", "cli"))
    print(f"{count} files, {len(problems)} broken edges")
    if count < 20:
        print("too few files: is this the source folder?")
        return 1
    return 1 if problems or self_test() else 0


if __name__ == "__main__":
    sys.exit(main())
