#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What docs/style.md promises of every source file, and a machine can see.

usage: test_hygiene.py SOURCE_ROOT
"""

import pathlib
import re
import sys

LINES_MAX = 800
FUNCTION_LINES_MAX = 80
# Calls without a bound, calls that hide failures, and a shell.
FORBIDDEN = re.compile(
    r"(?<![\w.>])(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|system|popen|atoi|atol|atoll|"
    r"strtok|alloca|tmpnam|mktemp|rand|srand)\s*\(")
# The library never prints and never ends its caller.
LIBRARY_FORBIDDEN = re.compile(
    r"(?<![\w.>])(printf|puts|putchar|perror|fprintf|exit|_exit|_Exit|abort)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")
MERGE_MARK = re.compile(r"(<{7} |={7}$|>{7} )")
STRING_OR_COMMENT = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.DOTALL)


def code_only(text):
    """The text with comments and the insides of strings blanked, line numbers kept."""
    return STRING_OR_COMMENT.sub(lambda m: "\n" * m.group().count("\n") or '""', text)


def long_functions(code):
    """Functions begin with a brace in the first column and end with one."""
    start = None
    for number, line in enumerate(code.splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start - 1 > FUNCTION_LINES_MAX:
                yield start, number - start - 1
            start = None


def check_file(root, path):
    text = path.read_text(encoding="utf-8")
    code = code_only(text)
    part = path.relative_to(root).parts[0]
    lines = text.splitlines()
    if not lines or lines[0] != "/* SPDX-License-Identifier: Apache-2.0 */":
        yield 1, "the first line is not the licence line"
    if len(lines) > LINES_MAX:
        yield len(lines), f"{len(lines)} lines; {LINES_MAX} is the ceiling"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if "\t" in line:
            yield number, "a tab"
        if UNFINISHED.search(line):
            yield number, "unfinished work is named by an issue's number, or done"
    for pattern in (FORBIDDEN, LIBRARY_FORBIDDEN if part == "src" else None):
        for match in pattern.finditer(code) if pattern else ():
            yield code.count("\n", 0, match.start()) + 1, f"{match.group(1)}() is not used here"
    for number, length in long_functions(code):
        if part in ("src", "cli"):
            yield number, f"a function of {length} lines; {FUNCTION_LINES_MAX} is the ceiling"


def check_document(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if MERGE_MARK.match(line):
            yield number, "the mark of a merge that was not finished"


def main():
    root = pathlib.Path(sys.argv[1])
    paths = [p for part in ("src", "cli", "include", "examples", "tests", "fuzz", "bench")
             for p in sorted((root / part).rglob("*")) if p.suffix in (".c", ".h")]
    documents = [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]
    problems = [f"{path.relative_to(root)}:{number}: {what}"
                for check, those in ((lambda p: check_file(root, p), paths),
                                     (check_document, documents))
                for path in those for number, what in check(path)]
    for problem in problems:
        print(problem)
    print(f"{len(paths)} files, {len(problems)} problems")
    return 1 if problems or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
