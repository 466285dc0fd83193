#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sessions that the documents show: each command runs, and answers in the same shape.

usage: test_readme.py BFC PAGE…

A session is a fenced block that starts with ```console. Lines that begin with "$ " are commands, the
others their output. The commands of a page run in one shell, in an empty folder with a small
root file system called rootfs and an OCI layout called layout. Numbers, digests, dates, units and the width of columns may
differ from the page; words and the number of lines may not.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
import layout  # noqa: E402

SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "--- end of the command ---"


def make_rootfs(root):
    """A tree with something of every kind that an ordinary user may make."""
    for folder in ("bin", "etc", "usr/bin", "usr/share/doc", "var/log", "tmp"):
        (root / folder).mkdir(parents=True)
    (root / "etc/debian_version").write_text("12.11\n")
    (root / "etc/hostname").write_text("localhost\n")
    (root / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    (root / "usr/bin/tool").write_bytes(bytes(range(256)) * 4096)
    (root / "usr/bin/tool").chmod(0o4755)
    (root / "usr/bin/mount").write_bytes(b"\x7fELF" + bytes(5000))
    (root / "usr/bin/mount").chmod(0o4755)
    os.link(root / "usr/bin/tool", root / "usr/bin/also-tool")
    os.symlink("usr/bin", root / "sbin")
    (root / "tmp").chmod(0o1777)
    with open(root / "var/log/sparse", "wb") as sparse:
        sparse.truncate(8 << 20)


def make_layout(path):
    """An image of two layers called app."""
    base = {"bin": None, "bin/tool": b"one two three\n", "etc": None, "etc/motd": b"hello\n"}
    app = {"etc": None, "etc/app.conf": b"verbose = yes\n", "etc/.wh.motd": b""}
    layout.Layout(path).image("app", (base, app), (
        {"created": "2026-11-24T12:00:00Z", "created_by": "base"},
        {"created": "2026-11-24T12:00:01Z", "created_by": "app"}))


def steps(block):
    """(command, its output) of a session."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return found


def shape(lines):
    """What must not differ: words, without numbers, digests, dates, units and columns."""
    shaped = []
    for line in lines:
        line = re.sub(r"\b(?=[0-9a-f-]*\d)[0-9a-f-]{8,}\b(\.\.\.|…)?", "N", line)
        line = re.sub(r"(?<!\S)/\S+", "PATH", line)
        line = re.sub(r"\d+([.,:/]\d+)*", "N", line)
        line = re.sub(r"\bN ?([KMGT]i?B?|B|bytes|ms|s|%)(?=\W|$)", "N", line)
        line = re.sub(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
                      r"\b", "DATE", line)
        shaped.append(re.sub(r"\s+", " ", line).strip())
    return shaped


def run_page(bfc, page, folder):
    """Runs all commands of a page; gives a list of what differs, and how many there were."""
    todo = [step for block in SESSION.findall(page.read_text(encoding="utf-8"))
            for step in steps(block)]
    script = "".join(f"{command}\nprintf '\\n%s %d\\n' '{END}' $?\n" for command, _ in todo)
    environment = {"PATH": f"{bfc.parent}:{os.environ['PATH']}", "HOME": str(folder),
                   "LC_ALL": "C.UTF-8", "TZ": "UTC",
                   **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")
                      or k == "LD_LIBRARY_PATH"}}
    done = subprocess.run(["bash", "-s"], input=script, cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    problems = []
    answers = re.split(rf"\n{END} (\d+)\n", done.stdout)
    for number, (command, expected) in enumerate(todo):
        if 2 * number + 1 >= len(answers):
            problems.append(f"$ {command}\nwas not reached:\n{done.stdout[-2000:]}")
            break
        answer, code = answers[2 * number].splitlines(), int(answers[2 * number + 1])
        if code != 0:
            problems.append(f"$ {command}\nended with {code}:\n" + "\n".join(answer))
        elif shape(answer) != shape(expected):
            problems.append(f"$ {command}\nthe page says:\n" + "\n".join(expected) +
                            "\nit says:\n" + "\n".join(answer))
    return problems, len(todo)


def main():
    bfc = pathlib.Path(sys.argv[1]).resolve()
    commands, failed = 0, 0
    for page in map(pathlib.Path, sys.argv[2:]):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="bfc-readme-"))
        try:
            make_rootfs(folder / "rootfs")
            make_layout(folder / "layout")
            problems, count = run_page(bfc, page, folder)
        finally:
            shutil.rmtree(folder)
        commands += count
        failed += len(problems)
        for problem in problems:
            print(f"{page.name}: {problem}\n")
    print(f"{commands} commands, {failed} answered otherwise")
    return 1 if failed or commands == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
