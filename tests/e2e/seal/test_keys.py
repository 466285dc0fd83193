#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bfc key list, add, remove and rotate: who can open a container before and after, what stays as it was,
and what none of it can take back.
"""
import fcntl
import os
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import harness  # noqa: E402
from harness import check, need_root  # noqa: E402

DENIED = 5


def put(path, data):
    with open(path, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(data)


class Keys:
    """A container for key `one`, and keys of all kinds that it does not know yet."""

    def __init__(self, lab):
        lab.wrapper = ["setsid", "-w"]  # no terminal to ask for a password on
        self.lab, self.file = lab, lab / "c.bfc"
        os.makedirs(lab / "tree")
        put(lab / "tree/name", b"content " * 1000)
        for name in ("one", "two"):
            put(lab / name, os.urandom(32))
        put(lab / "pw", b"a password\n")
        self.public = lab.bfc("key", "generate", "-o", lab / "me").text.strip()
        self.key = {"one": ("--key-file", lab / "one"), "two": ("--key-file", lab / "two"),
                    "pw": ("--password-file", lab / "pw"), "me": ("--identity", lab / "me")}
        self.new = {"two": ("--new-key-file", lab / "two"), "pw": ("--new-password-file", lab / "pw"),
                    "me": ("--recipient", self.public)}
        lab.bfc("create", "-e", *self.key["one"], self.file, lab / "tree")

    def opens(self, name, file=None, at=()):
        done = self.lab.bfc("cat", *self.key[name], *at, file or self.file, "name", expect=(0, DENIED))
        check(done.code or done.out == b"content " * 1000, "another content")
        return done.code == 0

    def who(self, file=None):
        return {name for name in self.key if self.opens(name, file)}

    def slots(self):
        return self.lab.bfc("key", "list", "--json", self.file).json["slots"]

    def root_digest(self, name="one"):
        return self.lab.bfc("info", "--json", *self.key[name], self.file).json["commit"]["root_digest"]

    def verify(self, name):
        self.lab.bfc("verify", "--deep", *self.key[name], self.file)


def test_add_and_remove(lab):
    k = Keys(lab)
    before, root = pathlib.Path(k.file).read_bytes(), k.root_digest()
    check(k.who() == {"one"}, k.who())
    done = lab.bfc("key", "add", "--json", *k.key["one"], *k.new["me"], *k.new["two"], k.file)
    check([s["type"] for s in done.json["slots"]] == ["key-file", "key-file", "recipient"], done.shown())
    check(done.json["slots"][2]["recipient"] == k.public, done.shown())
    lab.bfc("key", "add", *k.key["me"], *k.new["pw"], k.file)
    check(k.who() == {"one", "two", "pw", "me"}, k.who())
    # Nothing of what was there has changed, and what was added are two records.
    after = pathlib.Path(k.file).read_bytes()
    check(after.startswith(before) and len(after) == len(before) + 2 * 4096, len(before), len(after))
    check(k.root_digest("pw") == root, "another root digest")
    k.verify("me")

    shutil.copy(k.file, lab / "copy.bfc")
    told = lab.bfc("key", "remove", *k.key["two"], k.file, "0", "3").message
    check("older copies" in told and "rotate" in told, told)
    check(k.who() == {"two", "me"} and [s["slot"] for s in k.slots()] == [1, 2], k.slots())
    check(k.root_digest("me") == root, "another root digest")
    # What it cannot do: the copy, and an append goes on with the keys that are left.
    check(k.who(lab / "copy.bfc") == {"one", "two", "pw", "me"}, "an older copy is an older copy")
    lab.bfc("append", *k.key["me"], k.file, "-C", lab.path, "pw")
    check(k.who() == {"two", "me"}, k.who())
    k.verify("two")
    # A freed slot is used again.
    lab.bfc("key", "add", *k.key["me"], "--new-key-file", lab / "one", k.file)
    check([s["slot"] for s in k.slots()] == [0, 1, 2], k.slots())


def test_refusals(lab):
    k = Keys(lab)
    before = pathlib.Path(k.file).read_bytes()
    check("last" in lab.bfc("key", "remove", *k.key["one"], k.file, "0", expect=2).message, "the last one")
    lab.bfc("key", "remove", *k.key["one"], k.file, "1", expect=4)
    lab.bfc("key", "remove", *k.key["one"], k.file, "0", "0", expect=4)
    lab.bfc("key", "remove", *k.key["one"], k.file, "20", expect=2)
    for command in (("add", *k.new["two"]), ("rotate",)):
        lab.bfc("key", command[0], *k.key["two"], *command[1:], k.file, expect=DENIED)
        lab.bfc("key", command[0], *command[1:], k.file, expect=DENIED)
    lab.bfc("key", "remove", *k.key["two"], k.file, "0", expect=DENIED)
    recipients = lab / "many"
    with open(recipients, "w", encoding="ascii") as file:
        for number in range(20):
            file.write(lab.bfc("key", "generate", "-o", lab / f"key{number}").text)
    check("20" in lab.bfc("key", "add", *k.key["one"], "--recipient", recipients, k.file, expect=1).message,
          "too many")
    with open(k.file, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        lab.bfc("key", "add", *k.key["one"], *k.new["two"], k.file, expect=6)
        lab.bfc("key", "rotate", *k.key["one"], k.file, expect=6)
    check(pathlib.Path(k.file).read_bytes() == before, "nothing was changed")
    lab.bfc("create", lab / "plain.bfc", lab / "tree")
    for command in (("list",), ("add", *k.new["two"]), ("rotate",)):
        told = lab.bfc("key", *command, lab / "plain.bfc", expect=2).message
        check("not encrypted" in told, told)


def test_torn_tail(lab):
    """What an append left that was cut off goes away, as with bfc append."""
    k = Keys(lab)
    whole = os.path.getsize(k.file)
    with open(k.file, "ab") as file:
        file.write(b"x" * 5000)
    lab.bfc("key", "add", *k.key["one"], *k.new["two"], k.file)
    check(os.path.getsize(k.file) == whole + 4096, os.path.getsize(k.file))
    check(k.who() == {"one", "two"}, k.who())


def test_rotate(lab):
    k = Keys(lab)
    lab.bfc("key", "add", *k.key["one"], *k.new["two"], *k.new["me"], *k.new["pw"], k.file)
    old_check = pathlib.Path(k.file).read_bytes()[-4096:][304:336]
    old_uuid = lab.bfc("info", "--json", k.file).json["uuid"]
    shutil.copy(k.file, lab / "copy.bfc")
    os.chmod(k.file, 0o640)
    os.symlink("c.bfc", lab / "link")
    report = lab.bfc("key", "rotate", "--json", *k.key["two"], *k.key["pw"], lab / "link").json
    check(sorted(s["type"] for s in report["slots"]) == ["key-file", "password", "recipient"], report)
    check([(s["slot"], s["type"]) for s in report["dropped"]] == [(0, "key-file")], report)
    check(report["commits_dropped"] == 1 and report["new_size"] == os.path.getsize(k.file), report)
    check(k.who() == {"two", "me", "pw"}, k.who())
    check(k.who(lab / "copy.bfc") == set(k.key), "the copy is what it was")
    check(os.path.islink(lab / "link") and os.stat(k.file).st_mode & 0o7777 == 0o640, "link and mode stay")
    check(pathlib.Path(k.file).read_bytes()[-4096:][304:336] != old_check, "another file key")
    check(lab.bfc("info", "--json", k.file).json["uuid"] != old_uuid, "another container")
    check(not [n for n in os.listdir(lab.path) if "bfc-tmp" in n], "nothing is left beside it")
    k.verify("me")
    # With words: what was not given is told.
    told = lab.bfc("key", "rotate", *k.key["me"], k.file).message
    check("a password, was not given" in told and "a key file, was not given" in told, told)
    check("copies" in told, told)
    check(k.who() == {"me"}, k.who())


def test_rotate_drops_wrong_keys(lab):
    """A key that is given and opens nothing does not open the new container either."""
    k = Keys(lab)
    lab.bfc("key", "rotate", *k.key["one"], *k.key["two"], k.file)
    check(k.who() == {"one"}, k.who())


def test_rotate_keeps_the_owner(lab):
    need_root("give a file to somebody")
    k = Keys(lab)
    os.chown(k.file, 1234, 5678)
    lab.bfc("key", "rotate", *k.key["one"], k.file)
    st = os.stat(k.file)
    check((st.st_uid, st.st_gid) == (1234, 5678), st)


if __name__ == "__main__":
    harness.main(globals(), shares=2)
