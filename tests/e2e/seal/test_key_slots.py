#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Key slots by other programs: the file key comes out of every kind of slot with the reference
implementation of Argon2 (Debian's `argon2`) and the standards' words in Python (aead.py), and passes
the check that stands in the commit record. docs/format.md, section 11.

RFC 9106's own vector for Argon2id has a secret and associated data, which libsodium does not offer:
this is what stands in for it.
"""
import base64
import os
import pathlib
import struct
import subprocess
import sys

sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import aead  # noqa: E402
import harness  # noqa: E402
from harness import check, need  # noqa: E402

SLOTS, SLOT_SIZE = 20, 128


def put(path, data):
    with open(path, "wb", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(data)


class Container:
    """UUID, key check and slots of the last commit."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        self.uuid = data[16:32]
        record = data[-4096:]
        check(record[:8] == b"BFCFcmt\0", "the record is at the end")
        self.key_check = record[304:336]
        self.slots = [record[1536 + n * SLOT_SIZE:][:SLOT_SIZE] for n in range(SLOTS)]

    def check_file_key(self, key):
        check(aead.hkdf(key, self.uuid, b"bfc key check\0") == self.key_check, "another file key")


def unwrap(slot, wrapping_key):
    check(slot[96:] == bytes(32), "zeros behind the wrapped key")
    return aead.aead_open(wrapping_key, bytes(12), slot[:48], slot[48:96])


def argon2(password, slot):
    passes, memory = struct.unpack("<HI", slot[2:8])
    check(slot[1] == 1 and slot[32:48] == bytes(16), "one lane, a salt of 16 bytes")
    done = subprocess.run([b"argon2", slot[16:32], b"-id", b"-v", b"13", b"-t", b"%d" % passes, b"-k",
                           b"%d" % memory, b"-p", b"1", b"-l", b"32", b"-r"],
                          input=password, capture_output=True, check=True)
    return bytes.fromhex(done.stdout.decode().strip())


def test_vectors(lab):
    """aead.py itself, by a vector each of RFC 8439, 2.8.2, RFC 5869, A.1, and RFC 7748, 5.2."""
    key = bytes(range(0x80, 0xa0))
    plain = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
             b"future, sunscreen would be it.")
    sealed = bytes.fromhex(
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
        "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
        "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691")
    check(aead.aead_open(key, b"\7\0\0\0" + bytes(range(0x40, 0x48)),
                         bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), sealed) == plain, "RFC 8439")
    check(aead.hkdf(b"\x0b" * 22, bytes(range(13)), bytes(range(0xf0, 0xfa))).hex() ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf", "RFC 5869")
    check(aead.x25519(bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                      bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")).hex() ==
          "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552", "RFC 7748")


def make(lab, *options):
    os.makedirs(lab / "tree", exist_ok=True)
    lab.bfc("create", "-f", "-e", *options, lab / "c.bfc", lab / "tree")
    return Container(lab / "c.bfc")


def test_password(lab):
    need("argon2")
    password = "pässword, wíth bytes".encode()
    put(lab / "pw", password + b"\n")
    container = make(lab, "--password-file", lab / "pw")
    while b"\0" in container.slots[0][16:32]:  # argon2 takes its salt as an argument
        container = make(lab, "--password-file", lab / "pw")
    slot = container.slots[0]
    check(slot[0] == 1, "a password")
    passes, memory = struct.unpack("<HI", slot[2:8])
    check(passes >= 3 and memory >= 64 << 10, "chosen:", passes, "passes over", memory, "KiB")
    container.check_file_key(unwrap(slot, argon2(password, slot)))
    check(all(s == bytes(SLOT_SIZE) for s in container.slots[1:]), "the others are free")


def test_key_file(lab):
    key = os.urandom(32)
    put(lab / "key", key)
    container = make(lab, "--key-file", lab / "key")
    slot = container.slots[0]
    check(slot[:8] == b"\2" + bytes(7), "a key file, without a cost")
    container.check_file_key(unwrap(slot, aead.hkdf(key, slot[16:48], b"bfc key file\0")))


def test_recipient(lab):
    os.makedirs(lab / "keys")
    public_text = lab.bfc("key", "generate", "-o", lab / "keys/me").text.strip()
    secret_text = pathlib.Path(lab / "keys/me").read_text(encoding="ascii").strip()
    container = make(lab, "--recipient", public_text)
    slot = container.slots[0]
    secret = base64.urlsafe_b64decode(secret_text.removeprefix("bfc-identity:"))[:32]
    public = base64.urlsafe_b64decode(public_text.removeprefix("bfc-recipient:"))[:32]
    check(slot[:8] == b"\3" + bytes(7) and slot[16:48] == public, "the recipient's public key")
    check(aead.x25519(secret, b"\x09" + bytes(31)) == public, "they belong together")
    container.check_file_key(aead.box_open(public, secret, slot[48:]))


if __name__ == "__main__":
    harness.main(globals())
