#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Passwords at a terminal, from a descriptor and from the environment; and that none of it is left
where others could find it.

usage: test_password.py BFC
"""
import os
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # the source tree is not ours to write to
from test_terminal import BFC, Terminal, check, main, run  # noqa: E402

OPEN = r"Password for 'x\.bfc': $"


def make_tree():
    os.makedirs("tree")
    with open("tree/a", "w", encoding="ascii") as file:
        file.write("a")
    for name, text in (("right", "right one\n"), ("wrong", "wrong one\n")):
        with open(name, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)


def test_new_password():
    seen = Terminal("create", "-e", "x.bfc", "tree")
    seen.answer("New password: $", "right one")
    check(not seen.echoes(), "it is shown")
    seen.answer("The same again: $", "another one")
    seen.answer(r"They differ\.\r\nNew password: $", "right one")
    seen.answer("The same again: $", "right one")
    seen.end()
    check(seen.code == 0, seen.code, seen.text)
    check("one" not in seen.text.replace("(1", ""), "echo:", repr(seen.text))
    run("list", "--password-file", "right", "x.bfc")


def test_no_new_password():
    seen = Terminal("create", "-e", "none.bfc", "tree")
    seen.answer("New password: $", "")
    seen.end()
    check(seen.code == 5 and "no password was given" in seen.text, seen.code, seen.text)
    seen = Terminal("create", "-e", "none.bfc", "tree")
    seen.answer("New password: $", "x" * 1025)
    seen.end()
    check(seen.code == 1 and "longer than 1024 bytes" in seen.text, seen.code, seen.text)
    check(not os.path.exists("none.bfc"), "nothing was made")


def test_open():
    seen = Terminal("cat", "x.bfc", "a")
    seen.answer(OPEN, "wrong one")
    seen.answer(r"That does not open it\.\r\n" + OPEN, "right one")
    seen.end()
    check(seen.code == 0 and seen.text.endswith("\r\na"), seen.code, repr(seen.text))
    seen = Terminal("list", "--password-file", "wrong", "x.bfc")
    for _ in range(3):
        seen.answer(OPEN, "wrong two")
    seen.end()
    check(seen.code == 5 and "none of the keys that were given opens it" in seen.text, seen.text)
    # Standard input and output are not touched.
    seen = Terminal("append", "x.bfc", "right")
    seen.answer(OPEN, "right one")
    check(seen.end().code == 0, seen.text)


def test_one_question_for_all():
    """Once a run; and not at all where something can be told without a key."""
    seen = Terminal("info", "x.bfc", "a")
    seen.answer(OPEN, "right one")
    seen.end()
    check(seen.code == 0 and seen.text.count("Password") == 1, seen.text)
    for command in ("info", "log", "verify"):
        seen = Terminal(command, "x.bfc").end()
        check(seen.code == 0 and "Password" not in seen.text, command, "asks:", seen.text)


def test_interrupt():
    seen = Terminal("list", "x.bfc").read(until=OPEN)
    check(not seen.echoes(), "it is shown")
    os.write(seen.fd, b"half\x03")
    end = time.monotonic() + 20
    while not seen.echoes() and time.monotonic() < end:
        time.sleep(0.01)
    check(seen.echoes(), "the terminal is as it was")
    seen.end()
    check(seen.code == -signal.SIGINT, seen.code, seen.text)


def test_descriptor():
    both = "right one\nrest"
    script = f"'{BFC}' list --password-fd 0 x.bfc && cat"
    done = subprocess.run(["sh", "-c", script], input=both, capture_output=True, text=True,
                          check=False)
    check(done.stdout == "a\nright\nrest", done)
    check("descriptor 9" in run("list", "--password-fd", "9", "x.bfc", code=1).stderr.decode(),
          "a descriptor that is not open")
    run("list", "--password-fd", "-1", "x.bfc", code=2)


def test_environment():
    seen = Terminal("list", "x.bfc", BFC_PASSWORD_FILE="right").end()
    check(seen.code == 0 and seen.text == "a\r\nright\r\n", seen.text)
    seen = Terminal("list", "x.bfc", BFC_PASSWORD_FILE="wrong").end()
    check(seen.code == 5 and "none of the keys" in seen.text, seen.text)
    seen = Terminal("list", "x.bfc", BFC_PASSWORD_FILE="none").end()
    check(seen.code == 5 and "open 'none'" in seen.text, seen.text)
    seen = Terminal("create", "-e", "y.bfc", "tree", BFC_PASSWORD_FILE="right").end()
    check(seen.code == 0, seen.text)
    run("list", "--password-file", "right", "y.bfc")
    # It is looked into when it is needed, and not before.
    run("create", "plain.bfc", "tree")
    seen = Terminal("append", "plain.bfc", "right", BFC_PASSWORD_FILE="none").end()
    check(seen.code == 0, seen.text)


def test_nobody_to_ask():
    done = subprocess.run([BFC, "list", "x.bfc"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, start_new_session=True)
    check(done.returncode == 5 and "--password-file" in done.stderr, done)


def test_no_core_dump():
    """While it waits for a password: no core file, and for others than root no tracer."""
    as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    if as_nobody:
        os.chmod(".", 0o755)
    child = subprocess.Popen([BFC, "list", "--password-fd", "0", "x.bfc"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True, **as_nobody)
    end = time.monotonic() + 20
    limit = ""
    while not re.search(r"Max core file size\s+0\s+0", limit) and time.monotonic() < end:
        time.sleep(0.01)
        with open(f"/proc/{child.pid}/limits", encoding="ascii") as file:
            limit = file.read()
    check(re.search(r"Max core file size\s+0\s+0", limit), limit)
    while as_nobody and os.stat(f"/proc/{child.pid}/environ").st_uid != 0:
        check(time.monotonic() < end, "it can be traced")
        time.sleep(0.01)
    said, _ = child.communicate("right one\n")
    check(child.returncode == 0 and said.startswith("a\n"), child.returncode, said)


if __name__ == "__main__":
    sys.exit(main(globals(), make_tree))
