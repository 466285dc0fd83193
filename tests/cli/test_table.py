#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One table: --help, man pages and completions name the same commands, options and operands.

usage: test_table.py BFC SOURCE_ROOT
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

BFC, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
OPTION = re.compile(r"^  (?:-(.), |    )--([a-z0-9-]+)(?:=(\S+))?(?:\s|$)", re.MULTILINE)
problems = []


def blame(words):
    problems.append(words)
    print(words)


def bfc(*words, code=0):
    environment = dict(os.environ, COLUMNS="100", LC_ALL="C.UTF-8")
    done = subprocess.run([BFC, *words], capture_output=True, text=True, env=environment,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode != code:
        blame(f"bfc {' '.join(words)}: exit code {done.returncode}, not {code}: {done.stderr}")
    return done.stdout


def part(text, title):
    match = re.search(rf"^{title}:\n((?:.+\n)+)", text, re.MULTILINE)
    return match.group(1) if match else ""


class Command:
    """What --help says about a command."""

    def __init__(self, path):
        self.path = path
        self.help = bfc(*path, "--help")
        title = "Options" if path else "Global options"
        self.options = {name: (letter, value)
                        for letter, name, value in OPTION.findall(part(self.help, title))}
        self.commands = re.findall(r"^  ([a-z]+)\s", part(self.help, "Commands"), re.MULTILINE)
        self.synopsis = re.match(r"Usage: (.*(?:\n .*)*)", self.help).group(1)
        self.examples = re.findall(r"^  (\S.*)$", part(self.help, "Examples"), re.MULTILINE)

    @property
    def name(self):
        return " ".join(["bfc", *self.path])

    @property
    def page(self):
        return "-".join(["bfc", *self.path])


def read_table():
    table = {}
    waiting = [()]
    while waiting:
        path = waiting.pop(0)
        table[path] = command = Command(path)
        waiting += [(*path, name) for name in command.commands]
    return table


def words_of(command):
    return {f"--{name}" for name in command.options} | {
        f"-{letter}" for letter, _ in command.options.values() if letter}


def check_help(table):
    for path, command in table.items():
        if command.help != bfc("help", *path):
            blame(f"{command.name}: help and --help differ")
        if not command.examples:
            blame(f"{command.name}: no example")
        if path:
            for twice in words_of(command) & words_of(table[()]):
                blame(f"{command.name}: {twice} is a global option too")
        for name, (letter, value) in command.options.items():
            given = [f"--{name}=1"] if value else [f"--{name}"]
            if (name, path) not in (("color", ()), ("progress", ()), ("version", ())):
                bfc(*path, *given, "--help")
                if letter:
                    bfc(*path, f"-{letter}", *(["1"] if value else []), "--help")
            if value:
                bfc(*path, f"--{name}", code=2)


def check_examples(table):
    """Each option in an example is one of its command."""
    for command in table.values():
        for example in command.examples:
            lexer = shlex.shlex(example, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
            end = next((i for i, w in enumerate(words) if w[0] in "|&<>;"), len(words))
            if words[0] != "bfc":
                blame(f"{command.name}: example does not begin with bfc: {example}")
            path = ()
            allowed = words_of(table[()])
            for word in words[1:end]:
                if (*path, word) in table:
                    path = (*path, word)
                    allowed |= words_of(table[path])
                elif word.startswith("--") and word.split("=")[0] not in allowed:
                    blame(f"{command.name}: example with an unknown option: {example}")
                elif word.startswith("-") and word[1:2] != "-" and f"-{word[1]}" not in allowed:
                    blame(f"{command.name}: example with an unknown option: {example}")


def check_pages(table):
    listed = re.findall(r"^  '([a-z-]+)',$", (ROOT / "docs/meson.build").read_text(), re.MULTILINE)
    pages = sorted(c.page for c in table.values())
    if sorted(listed) != pages:
        blame(f"docs/meson.build and the table differ: {set(listed) ^ set(pages)}")
    for command in table.values():
        text = bfc("help", "--man", *command.path)
        plain = text.replace("\\-", "-").replace("\\&", "")
        options = set(re.findall(r"^\.TP\n(?:\\fB-.\\fR, )?\\fB--([a-z0-9-]+)\\fR", plain,
                                 re.MULTILINE))
        if options != set(command.options):
            blame(f"{command.page}(1): options differ: {options ^ set(command.options)}")
        synopsis = re.search(r"\.SH SYNOPSIS\n\.B (.*)\n((?:[^.].*\n)*)", plain)
        if " ".join(synopsis.groups()).split() != command.synopsis.replace("…", "...").split():
            blame(f"{command.page}(1): synopsis differs: {synopsis.groups()}")
        titles = re.findall(r"^\.SH (.*)$", text, re.MULTILINE)
        wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS", "SEE ALSO"]
        if [t for t in titles if t in wanted] != wanted:
            blame(f"{command.page}(1): sections {titles}")
        for other in re.findall(r"\.BR (bfc\S*) \(1\)", plain):
            if other not in pages:
                blame(f"{command.page}(1) refers to {other}(1), which is not there")
        if shutil.which("mandoc"):
            lint = subprocess.run(["mandoc", "-Tlint", "-Wstyle"], input=text, text=True,
                                  capture_output=True, check=False).stdout
            if lint:
                blame(f"{command.page}(1): {lint}")


def syntax(shell, text):
    """True if the shell is there; blames what it cannot read."""
    if not shutil.which(shell):
        print(f"{shell} is not installed: its completion is compared, not read by it")
        return False
    with tempfile.NamedTemporaryFile("w", suffix="." + shell) as script:
        script.write(text)
        script.flush()
        done = subprocess.run([shell, "-n", script.name], capture_output=True, text=True,
                              check=False)
    if done.returncode or done.stderr:
        blame(f"completion for {shell}: {done.stderr}")
    return True


def ask_bash(script, expression):
    done = subprocess.run(["bash", "-c", f"{script}\n{expression}"], capture_output=True,
                          text=True, check=False, timeout=60, cwd=ROOT)
    return done.stdout


def check_bash(table):
    text = bfc("completion", "bash")
    syntax("bash", text)
    for command in table.values():
        said = ask_bash(text, f"_bfc_table '{command.name}'; echo \"$commands\"; "
                              "echo \"$options\"; echo \"$globals\"").split("\n")
        own = words_of(command) if command.path else set()
        for have, want in zip(said, (set(command.commands), own, words_of(table[()]))):
            if set(have.split()) != want:
                blame(f"completion for bash, {command.name}: {set(have.split()) ^ want}")
        for name, (_, value) in command.options.items():
            kind = ask_bash(text, f"_bfc_kind '{command.name}' --{name}; echo \"$kind\"").strip()
            if bool(kind) != bool(value):
                blame(f"completion for bash, {command.name}: --{name} has the kind '{kind}'")
    for line, want in (("bfc cr", "create"), ("bfc image exp", "export"), ("bfc -q image li", "list"),
                       ("bfc --store x image inf", "info"), ("bfc create -c z", "zstd"),
                       ("bfc --color=al", "always"), ("bfc list --lo", "--long"),
                       ("bfc list -- --lo", ""), ("bfc image create x man", "manifest:"),
                       ("bfc image create x oci:inclu", "include"),
                       ("bfc image create x inclu", "include"),
                       ("bfc image export x docker-", "docker-archive:"),
                       ("bfc --store zf", "zfs:"), ("bfc --store=zf", "zfs:"),
                       ("bfc --store zfs:", ""), ("bfc --store dir:inclu", "include"),
                       ("bfc image extract x zf", "zfs:"), ("bfc image extract x LICEN", ""),
                       ("bfc image export -c zs", "zstd"), ("bfc --json li", "list")):
        said = ask_bash(text, f"COMP_LINE='{line}' COMP_POINT={len(line)}; compopt() {{ :; }}; "
                              "COMP_WORDBREAKS=' :='; _bfc; echo \"${COMPREPLY[*]}\"").strip()
        if said != want:
            blame(f"completion for bash: '{line}' gives '{said}', not '{want}'")


def check_zsh(table):
    text = bfc("completion", "zsh")
    syntax("zsh", text)
    for command in table.values():
        function = "_" + "_".join(["bfc", *command.path])
        body = re.search(rf"^{function}\(\) {{\n(.*?)^}}", text, re.MULTILINE | re.DOTALL).group(1)
        options = set(re.findall(r"--([a-z0-9-]+)=?}?'\[", body))
        wanted = set(command.options) | set(table[()].options)
        if options != wanted:
            blame(f"completion for zsh, {command.name}: {options ^ wanted}")
        names = set(re.findall(r"^        '([a-z]+):", body, re.MULTILINE))
        if names != set(command.commands):
            blame(f"completion for zsh, {command.name}: {names ^ set(command.commands)}")


def check_fish(table):
    text = bfc("completion", "fish")
    syntax("fish", text)
    for command in table.values():
        path = " ".join(command.path)
        at = rf" -n '__bfc_at {path}'" if path else ""
        options = set(re.findall(rf"^complete -c bfc{at}(?: -s .)? -l ([a-z0-9-]+) ", text,
                                 re.MULTILINE))
        if options != set(command.options):
            blame(f"completion for fish, {command.name}: {options ^ set(command.options)}")
        where = f"__bfc_in {path}" if path else "__bfc_at"
        names = set(re.findall(rf"^complete -c bfc -n '{where}' -a ([a-z]+) -d ", text,
                               re.MULTILINE))
        if names != set(command.commands):
            blame(f"completion for fish, {command.name}: {names ^ set(command.commands)}")


def main():
    table = read_table()
    check_help(table)
    check_examples(table)
    check_pages(table)
    check_bash(table)
    check_zsh(table)
    check_fish(table)
    print(f"{len(table)} commands, {len(problems)} problems")
    return 1 if problems or len(table) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
