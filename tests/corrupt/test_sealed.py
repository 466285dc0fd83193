#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damage to encrypted containers, read with the key and without: bits that flip, and plain fields that are set to
boundary values with every sum repaired that can be repaired without the key.

usage: test_sealed.py PROBE [SEED]

The seed is another one each day. A part of the changes is tried each day (share.py).
With the key each is seen, but for pages that only older commits refer to; without it each flip is, as frames can be
found without tables.
"""

import os
import pathlib
import random
import sys
import tempfile

sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import forge  # noqa: E402
import sample  # noqa: E402
import share  # noqa: E402
from bfcfile import COMMIT_FIELDS, FRAME_FIELDS, HEADER, RECORD, SUPER_FIELDS, crc32c, get  # noqa: E402
from test_fields import Probe  # noqa: E402

FLIPS = 60
SHARE = 12  # one of so many changed fields a day
RSS_MAX_KIB = 200 << 10
# Fields that section 11 adds in what the others leave zero, and those within them.
SEALED_FIELDS = [("salt", 256, 32), ("tag", 288, 16), ("key_check", 304, 32), ("sealed fields 1", 112, 112),
                 ("sealed fields 2", 512, 1024)]
SLOT_FIELDS = [("type", 0, 1), ("lanes", 1, 1), ("passes", 2, 2), ("memory", 4, 4), ("time", 8, 8), ("salt", 16, 32),
               ("wrapped", 48, 80)]


def values(size):
    top = (1 << 8 * size) - 1
    return [0, 1, 2, 3, 255, top >> 1, top - 1, top] if size <= 8 else [0, 1, top]


def changed(raw, at, size):
    """(what, bytes) of a field with other values: boundaries, and next to what it is."""
    old = int.from_bytes(raw[at:at + size], "little")
    top = (1 << 8 * size) - 1
    for value in sorted({v & top for v in [*values(size), old - 1, old + 1, old ^ 1 << 8 * size - 1]} - {old}):
        yield value, value.to_bytes(size, "little")


def frames(data):
    """Where they are: one behind the other, as there is no alignment."""
    at, out = RECORD, []
    while data[at:at + 4] == b"BFCk":
        out.append(at)
        at += HEADER + get(data[at:at + HEADER], FRAME_FIELDS, "stored")
    return out


# ── One change each; what stands in it is made when its turn comes ──

def with_super(data, at, new):
    out = bytearray(data)
    out[at:at + len(new)] = new
    forge.repair_super(out)
    return out


def with_record(data, record, at, new):
    out = bytearray(data)
    out[record + at:record + at + len(new)] = new
    forge.repair_record(out, record, digest=False)
    return out


def with_header(data, frame, at, new):
    out = bytearray(data)
    out[frame + at:frame + at + len(new)] = new
    forge.repair_frame(out, frame)
    return out


def with_payload(data, frame, byte):
    out = bytearray(data)
    start, stored = frame + HEADER, get(data[frame:frame + HEADER], FRAME_FIELDS, "stored")
    out[start + byte] ^= 0x10
    out[frame + 24:frame + 28] = crc32c(bytes(out[start:start + stored])).to_bytes(4, "little")
    forge.repair_frame(out, frame)
    return out


def with_swapped(data, a, b, stored):
    out = bytearray(data)
    for to, source in ((a, b), (b, a)):
        out[to + HEADER:to + HEADER + stored] = data[source + HEADER:source + HEADER + stored]
        out[to + 24:to + 28] = data[source + 24:source + 28]
        forge.repair_frame(out, to)
    return out


def with_flip(data, at, bit):
    out = bytearray(data)
    out[at] ^= 1 << bit
    return out


# ── All of them: (name, what makes it) ──

def of_superblock(data):
    for name, at, size in SUPER_FIELDS[2:]:
        for value, new in changed(data, at, size):
            yield f"superblock: {name} {value:#x}", lambda at=at, new=new: with_super(data, at, new)


def of_records(data):
    last = len(data) - RECORD
    slot = 1536
    fields = [f for f in COMMIT_FIELDS[2:] if f[0] not in ("tables", "key_slots", "salt", "reserved3")] + SEALED_FIELDS
    fields += [("slot 0 " + name, slot + at, size) for name, at, size in SLOT_FIELDS]
    fields += [("slot 1 " + name, slot + 128 + at, size) for name, at, size in SLOT_FIELDS]
    for name, at, size in fields:
        for value, new in changed(data[last:], at, size):
            yield f"record: {name} {value:#x}", lambda at=at, new=new: with_record(data, last, at, new)


def of_frames(data, places):
    """Headers, and payloads whose checksum in the header was put right."""
    for at in places:
        for name, field, size in FRAME_FIELDS[:-1]:
            for value, new in changed(data[at:at + HEADER], field, size):
                if name == "number" and data[at + 4] == 2 and new[6:] == data[at + field + 6:at + field + 8]:
                    continue  # the count of pages: nothing is ever looked up by it
                yield f"frame at {at}: {name} {value:#x}", lambda at=at, f=field, new=new: with_header(data, at, f, new)
        stored = get(data[at:at + HEADER], FRAME_FIELDS, "stored")
        for byte in (0, 8, stored // 2, stored - 16, stored - 1):
            yield f"frame at {at}: byte {byte} of the payload", lambda at=at, byte=byte: with_payload(data, at, byte)


def swapped(data, places):
    """Payloads of the same size in each other's place."""
    sizes = {}
    for at in places:
        sizes.setdefault(get(data[at:at + HEADER], FRAME_FIELDS, "stored"), []).append(at)
    for stored, same in sizes.items():
        for a, b in zip(same, same[1:]):
            yield f"frames at {a} and {b} swapped", lambda a=a, b=b, n=stored: with_swapped(data, a, b, n)


def flips(data, chance, count):
    for _ in range(count):
        at, bit = chance.randrange(len(data)), chance.randrange(8)
        yield f"byte {at} bit {bit}", lambda at=at, bit=bit: with_flip(data, at, bit)


# ── Judging ──

def judge(kind, a):
    """What is not as it should be, as text."""
    if a["exit"] != 0:
        yield f"ended with {a['exit']}"
        return
    if a["strangers"] != 0:
        yield "wrote outside of its target"
    if a["rss_kib"] > RSS_MAX_KIB:
        yield f"took {a['rss_kib']} KiB"
    seen = a["deep"] < 0 or a["torn"] > 0
    if kind != "flip" and not seen:
        yield "verify found nothing"
    if kind == "flip" and not seen and (a["list"] < 0 or a["extract"] < 0):
        yield f"it is read, but verify found nothing: {a}"
    if kind == "flip" and a["hidden"] == 0 and a["torn"] == 0:
        yield "verify without the key found nothing"


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else share.DAY
    chance = random.Random(seed)
    memory = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    bad, counts = 0, {"flip": 0, "field": 0}
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        key = ("--key", scratch + "/key")
        with open(key[1], "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(random.Random(0).randbytes(32))
        one, two = sample.make_both(program, scratch, key, many=40, pieces=20)
        places = chance.sample(frames(one), 6)
        fields = [*of_superblock(one), *of_records(one), *of_records(two), *of_frames(one, places),
                  *swapped(one, frames(one))]
        fields = list(share.todays(fields, SHARE))
        probe = Probe(program, scratch, key)
        probe.start("good", two, "good")
        answer = probe.finish()[2]
        if any(answer[step] < 0 for step in ("open", "list", "extract", "blobs", "trees", "quick", "deep", "hidden")):
            sys.exit(f"the good container is not good: {answer}")

        def take():
            nonlocal bad
            name, kind, answer = probe.finish()
            counts[kind] += 1
            for what in judge(kind, answer):
                bad += 1
                print(f"{name}: {what}")

        cases = [("field", *f) for f in fields] + [("flip", *f) for f in flips(two, chance, FLIPS * SHARE if share.EVERYTHING else FLIPS)]
        for kind, name, mutant in cases:
            probe.start(name, mutant(), kind)
            if len(probe.waiting) == 4:
                take()
        while probe.waiting:
            take()
        probe.process.stdin.close()
        probe.process.wait()
    print(f"seed {seed}: {counts}; {bad} problems")
    return 1 if bad or not all(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
