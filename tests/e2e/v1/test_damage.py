# SPDX-License-Identifier: Apache-2.0
"""Version 1, damaged: each byte of the metadata changed, contents changed, the file cut off anywhere. What comes
out is what went in, or an error."""
import hashlib
import os
import stat
import struct

import oldfile
from v1lab import DAMAGED, FAILED, OPEN, PLAIN, ZSTD, harness, put, read, sample, source
from harness import check
import share


def digest_of(root):
    h = hashlib.sha256()
    for folder_path, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(folder_path, name)
            st = os.lstat(path)
            content = os.readlink(path).encode() if stat.S_ISLNK(st.st_mode) else \
                read(path) if stat.S_ISREG(st.st_mode) else b''
            h.update(repr((os.path.relpath(path, root), st.st_mode, st.st_mtime_ns, content)).encode())
    return h.hexdigest()


def places_of_metadata(data):
    """Every byte of the header's fields, the index, the footer and the objects' headers; of the 4 KiB of
    zeros in the header a few."""
    yield from range(72)
    yield from range(72, oldfile.HEADER, 97)
    size, _, at = struct.unpack('<QIQ', data[-48:-28])
    yield from range(at, len(data))
    index, pos = data[at:at + size], 8
    while pos < len(index):
        length = struct.unpack_from('<I', index, pos)[0]
        offset = struct.unpack_from('<Q', index, pos + 4 + length)[0]
        yield from range(offset, offset + -(-(oldfile.FIXED + length) // 16) * 16)
        pos += 52 + length


def test_flipped_metadata(lab):
    data = bytearray(read(sample(PLAIN)))
    file = put(lab, data)
    wanted = digest_of(source(lab))
    harmless = 0
    with open(file, 'r+b') as f:
        for place in share.todays(places_of_metadata(data), 8):
            os.pwrite(f.fileno(), bytes([data[place] ^ 1 << place % 8]), place)
            code = lab.bfc('extract', file, '-C', lab / 'out', expect=None).code
            check(code in (0, FAILED, DAMAGED), 'byte', place, 'exit', code)
            if code == 0:  # what an object's header repeats of a folder is not needed for it
                check(digest_of(lab / 'out') == wanted, 'byte', place, 'gives another tree')
                harmless += lab.bfc('verify', '--deep', file, expect=(0, DAMAGED)).code == 0
            harness.remove(lab / 'out')
            os.pwrite(f.fileno(), data[place:place + 1], place)
    check(harmless < 50, harmless, 'flips went unseen')  # three bytes an object that mean nothing


def test_flipped_content(lab):
    for name in OPEN:
        data = bytearray(read(sample(name)))
        for place in (4800, len(data) // 3, len(data) // 2, len(data) - 1000):
            file = put(lab, data[:place] + bytes([data[place] ^ 4]) + data[place + 1:])
            lab.bfc('verify', file)
            message = lab.bfc('verify', '--deep', file, expect=DAMAGED).message
            check("'v1src/" in message, message)
            lab.bfc('extract', file, '-C', lab / 'out', expect=DAMAGED)
            harness.remove(lab / 'out')
            lab.bfc('compact', '-f', file, '-o', lab / 'new.bfc', expect=DAMAGED)
            check(not os.path.exists(lab / 'new.bfc'), 'a half container')


def test_cut_off(lab):
    data = read(sample(ZSTD))
    for length in [0, 1, 7, 8, 11, 71, 4095, 4096, 4097, 4152, 4159, 4160, *range(5000, len(data), 9973),
                   len(data) - 56, *range(len(data) - 55, len(data), 9)]:
        file = put(lab, data[:length])
        for command in ('list', 'info', 'verify'):
            # What is too short for the magic is no container at all.
            lab.bfc(command, file, expect=DAMAGED if length >= 8 else FAILED)
    lab.bfc('list', put(lab, data + b'\0'), expect=DAMAGED)


if __name__ == '__main__':
    harness.main(globals())
