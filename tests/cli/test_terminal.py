#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program at a terminal, and its end by signals.

usage: test_terminal.py BFC
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import terminal  # noqa: E402
from layout import Layout  # noqa: E402

BFC = os.path.abspath(sys.argv[1])
ERASE = "\r\033[K"
# With this the slow tree takes several seconds everywhere.
SLOW = ["create", "-f", "-j", "1", "-c", "zstd:13", "slow.bfc", "slow"]


def check(condition, *words):
    if not condition:
        raise AssertionError(" ".join(str(w) for w in words))


class Terminal(terminal.Terminal):
    """bfc at it."""

    def __init__(self, *words, columns=80, **environment):
        super().__init__(BFC, *words, columns=columns, env=environment)


def run(*words, code=0):
    done = subprocess.run([BFC, *words], capture_output=True, stdin=subprocess.DEVNULL,
                          check=False)
    check(done.returncode == code, words, done)
    return done


def make_trees():
    os.makedirs("tree")
    for name in (b"bad\xff", b"new\nline", b"esc\033[31m", "\u202etxt".encode(), b"plain"):
        with open(os.path.join(b"tree", name), "wb") as file:
            file.write(b"x")
    os.symlink(b"to\033[2J", "tree/link")
    run("create", "tree.bfc", "tree")
    Layout("layout").image("app")
    letters = random.Random(1)
    pieces = [bytes(letters.choices(b"etaoin shrdlu", k=2048)) for _ in range(1000)]
    os.makedirs("slow")
    for number in range(12):
        with open(f"slow/{number}", "wb") as file:
            file.write(b"".join(letters.choices(pieces, k=4096)))


def test_names_are_escaped():
    seen = Terminal("list", "tree.bfc").end()
    check(seen.text.split("\r\n") == ["bad\\xff", "esc\\x1b[31m", "link", "new\\x0aline", "plain",
                                      "\\xe2\\x80\\xaetxt", ""], repr(seen.text))
    seen = Terminal("list", "-l", "tree.bfc").end()
    check("link -> to\\x1b[2J\r\n" in seen.text, repr(seen.text))
    for words in (("list", "--json", "tree.bfc"), ("info", "tree.bfc", "link"),
                  ("info", "--json", "tree.bfc", "esc\033[31m"),
                  ("info", "--color=never", "tree.bfc", "no\033[31m")):
        text = Terminal(*words).end().text
        check("\033" not in text and "\u202e" not in text, words, repr(text))


def test_layers_fit_the_line():
    image = ("--store", "layers")
    run(*image, "image", "create", "app", "oci:layout:app")
    for columns in (120, 90, 20):
        seen = Terminal(*image, "image", "layers", "--history", "app", columns=columns).end()
        lines = seen.text.split("\r\n")[:-1]
        check(len(lines) == 6 and "\033" not in seen.text and "\u202e" not in seen.text,
              repr(seen.text))
        start = lines[0].index("CREATED BY")
        room = max(columns - start, 12)  # however narrow it is, the last column has 12
        check(len(lines[1]) == start + room and lines[1].endswith("…"), columns, lines[1])
        check(all(len(line) <= start + room for line in lines), columns, lines)
        check(lines[2].endswith('  CMD ["sh"]'), "not cut:", lines[2])
    check("printf '\\x1b[31m' && touch" in Terminal(*image, "image", "layers", "app", columns=200)
          .end().text, "escaped, in one line")
    seen = Terminal(*image, "image", "config", "app").end()
    check('\r\n  "architecture": "amd64"' in seen.text and "\u202e" not in seen.text,
          repr(seen.text))
    seen = Terminal(*image, "image", "diff", "app#1", "app").end()
    check("A etc/esc\\x1b[31m\r\n" in seen.text, repr(seen.text))


def test_color():
    red = "\033[1;31mbfc:\033[0m "
    check(Terminal("info", "none").end().text.startswith(red), "red on a terminal")
    check(Terminal("info", "none", NO_COLOR="1").end().text.startswith("bfc: "), "NO_COLOR")
    check(Terminal("info", "none", "--color=always", NO_COLOR="1").end().text.startswith(red),
          "asked for")
    check(Terminal("info", "none", "--color=never").end().text.startswith("bfc: "), "forbidden")
    check(b"\033" not in run("info", "none", code=4).stderr, "not on a terminal")
    check(b"\033" in run("--color=always", "info", "none", code=4).stderr, "asked for")


def test_summary():
    check("tree.bfc: commit 1: 5 files" in Terminal("create", "-f", "tree.bfc", "tree").end().text,
          "a summary on a terminal")
    check(Terminal("create", "-q", "-f", "tree.bfc", "tree").end().text == "", "none with -q")
    check(run("create", "-f", "tree.bfc", "tree").stderr == b"", "none elsewhere")


def lines_of(text):
    """The progress lines, each as the terminal shows it."""
    return [part for part in text.split(ERASE)[1:-1] if "bfc:" not in part]


def leftovers():
    return sorted(set(os.listdir(".")) - {"layers", "layout", "slow", "tree", "tree.bfc"})


def test_progress_and_interrupt():
    for columns, environment in ((80, {}), (40, {}), (80, {"COLUMNS": "24"})):
        width = int(environment.get("COLUMNS", columns))
        seen = Terminal(*SLOW, columns=columns, **environment)
        started = time.monotonic()
        seen.read(until=r"(?s)[MK]iB.*\033\[K.*[MK]iB")
        waited = time.monotonic() - started
        os.write(seen.fd, b"\x03")
        seen.end()
        check(seen.code == -signal.SIGINT, "died by", seen.code)
        lines = lines_of(seen.text)
        check(waited > 0.9, "progress before a second is over")
        check(lines and all(len(line.replace("^C", "")) < width for line in lines),
              f"{width} columns:", lines)
        check(seen.text.endswith(ERASE + "\033[1;31mbfc:\033[0m interrupted\r\n"),
              repr(seen.text[-80:]))
        check(not leftovers(), leftovers())
    seen = Terminal("--progress=none", *SLOW)
    time.sleep(1.5)
    os.kill(seen.pid, signal.SIGTERM)
    seen.end()
    check("MiB" not in seen.text and seen.code == -signal.SIGTERM, seen.code, repr(seen.text))


def test_progress_json():
    child = subprocess.Popen([BFC, "--progress=json", *SLOW], stderr=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))  # nohup ignores it
    started = time.monotonic()
    documents = []
    for line in child.stderr:
        documents.append(json.loads(line) if line[0] == "{" else line)
        if len(documents) == 4:
            child.send_signal(signal.SIGHUP)
    check(child.wait() == -signal.SIGHUP, child.returncode)
    told = [d for d in documents if isinstance(d, dict)]
    check(all(d["schema"] == "bfc.progress/1" and d["phase"] == "create" for d in told), documents)
    check(documents[-1] == "bfc: interrupted\n" or documents[-2] == "bfc: interrupted\n", documents)
    seconds = time.monotonic() - started
    check(len(told) <= 10 * seconds + 3, len(told), "in", seconds)
    check(not leftovers(), leftovers())


def test_interrupt_while_the_pipe_is_full():
    run("create", "-c", "none", "big.bfc", "slow")
    child = subprocess.Popen([BFC, "cat", "big.bfc", "0", "1"], stdout=subprocess.PIPE)
    time.sleep(1)
    check(child.poll() is None, "it waits")
    child.send_signal(signal.SIGINT)
    check(child.wait(timeout=20) == -signal.SIGINT, child.returncode)
    child.stdout.close()


def test_ignored_signals_stay_ignored():
    child = subprocess.Popen([BFC, "cat", "big.bfc", "0"], stdout=subprocess.PIPE,
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    time.sleep(0.5)
    child.send_signal(signal.SIGHUP)
    check(len(child.stdout.read()) == 8 << 20, "all of it")
    check(child.wait() == 0, child.returncode)


def main(names, make):
    """Runs the tests among `names` in a folder in which make() made what they need."""
    tests = [f for name, f in names.items() if name.startswith("test_")]
    with tempfile.TemporaryDirectory(prefix="bfc-cli-") as folder:
        os.chdir(folder)
        make()
        for test in tests:
            started = time.monotonic()
            test()
            print(f"ok {test.__name__} {time.monotonic() - started:.1f} s", flush=True)
        os.chdir("/")
    print(f"{len(tests)} tests")
    return 0


if __name__ == "__main__":
    sys.exit(main(globals(), make_trees))
