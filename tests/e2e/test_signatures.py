# SPDX-License-Identifier: Apache-2.0
"""Signatures against another implementation of Ed25519 (openssl) and another reader and writer of the format
(tests/corrupt/bfcfile.py): what bfc signs, openssl verifies; what openssl signs, bfc takes; and nothing else."""
import base64
import os
import pathlib
import random
import shutil
import struct
import sys

import harness
from harness import check, need, run, say

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'corrupt'))
from bfcfile import SIGNATURES, Container, crc32c, encode_page, get, sha256, COMMIT_FIELDS  # noqa: E402

PREFIX = b'bfc signature v1\0'
DENIED, DAMAGED, NOT_FOUND, USAGE = 5, 3, 4, 2
DER_SECRET = bytes.fromhex('302e020100300506032b657004220420')  # RFC 8410: what stands before the 32 bytes
DER_PUBLIC = bytes.fromhex('302a300506032b6570032100')


def with_crc(raw):
    return base64.urlsafe_b64encode(raw + struct.pack('<I', crc32c(raw))).decode().rstrip('=')


class Key:
    """A key pair as openssl has it and as bfc does."""

    def __init__(self, lab, name):
        need('openssl')
        self.lab, self.name, self.file = lab, name, lab / (name + '.key')
        seed = random.Random(name).randbytes(32)
        self.pem = self._pem(name, 'PRIVATE', DER_SECRET + seed)
        der = run(['openssl', 'pkey', '-in', self.pem, '-pubout', '-outform', 'DER']).out
        self.public = der[len(DER_PUBLIC):]
        self.signer = 'bfc-signer:' + with_crc(self.public)
        self._write(self.file, f'bfc-signing-key:{with_crc(seed)}\n'.encode())

    def _write(self, path, data):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'wb') as f:
            f.write(data)
        return path

    def _pem(self, name, kind, der):
        text = f'-----BEGIN {kind} KEY-----\n{base64.b64encode(der).decode()}\n-----END {kind} KEY-----\n'
        return self._write(self.lab / f'{name}.{kind.lower()}.pem', text.encode())

    def sign(self, root, time):
        """By openssl."""
        message = self._write(self.lab / 'message', PREFIX + root + struct.pack('<q', time))
        signature = self.lab / 'signature'
        run(['openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', self.pem, '-in', message, '-out', signature])
        return pathlib.Path(signature).read_bytes()

    def verify(self, root, time, signature):
        """By openssl."""
        message = self._write(self.lab / 'message', PREFIX + root + struct.pack('<q', time))
        public = self._pem(self.name, 'PUBLIC', DER_PUBLIC + self.public)
        signed = self._write(self.lab / 'signature', signature)
        return run(['openssl', 'pkeyutl', '-verify', '-pubin', '-rawin', '-inkey', public, '-in', message,
                    '-sigfile', signed], expect=None).code == 0


def line_of(root, public, time, signature):
    return 'bfc-signature:' + with_crc(b'\1' + root + public + struct.pack('<q', time) + signature) + '\n'


def read_line(line):
    raw = base64.urlsafe_b64decode(line.strip().removeprefix('bfc-signature:') + '=' * (-188 % 4))
    check(crc32c(raw[:-4]) == struct.unpack('<I', raw[-4:])[0] and raw[0] == 1 and len(raw) == 141, 'the line')
    return raw[1:33], raw[33:65], struct.unpack('<q', raw[65:73])[0], raw[73:137]


def load(path):
    return Container(pathlib.Path(path).read_bytes())


def root_of(path):
    return get(load(path).record, COMMIT_FIELDS, 'root_digest')


def entries_of(path):
    table = load(path).table(SIGNATURES)
    return [entry for leaf in table.leaves() for entry in leaf.entries] if table else []


class Planter:
    """Appends a commit with another table of signatures, by what docs/format.md says."""

    def __init__(self, path):
        self.path, self.c = path, load(path)
        check(self.c.commit_at + 4096 == len(self.c.data), 'no torn tail')
        self.out, self.pages = bytearray(), 0

    def page(self, level, entries):
        raw = encode_page(SIGNATURES, level, entries)
        number = SIGNATURES << 56 | level << 48 | self.pages
        head = b'BFCk' + struct.pack('<BBHIIQI', 2, 0, 0, len(raw), len(raw), number, crc32c(raw))
        offset = len(self.c.data) + len(self.out) + 32
        self.out += head + struct.pack('<I', crc32c(head)) + raw
        self.pages += 1
        return struct.pack('<QIIIBBH', offset, len(raw), len(raw), crc32c(raw), 0, 0, 0) + sha256(raw)

    def table(self, entries):
        leaves = [entries[i:i + 80] for i in range(0, len(entries), 80)]
        refs = [(leaf[0][0], self.page(0, leaf)) for leaf in leaves]
        level = len(refs) > 1
        ref = bytearray(self.page(1, refs) if level else refs[0][1])
        ref[21] = level
        return bytes(ref) + struct.pack('<Q', len(entries))

    def plant(self, entries):
        old = self.c.record
        record = bytearray(old)
        ref = self.table(sorted(entries))
        at = len(self.c.data) + len(self.out)
        self.out += bytes(-at % 4096)
        at += -at % 4096
        struct.pack_into('<QQQQ32s', record, 32, get(old, COMMIT_FIELDS, 'seq') + 1, at, len(self.c.data),
                         self.c.commit_at, sha256(old))
        record[512 + 64 * SIGNATURES:512 + 64 * SIGNATURES + 64] = ref
        struct.pack_into('<I', record, 8, crc32c(bytes(record[12:])))
        pathlib.Path(self.path).write_bytes(self.c.data + self.out + record)


def entry(root, public, time, signature):
    return root + public, b'\1' + struct.pack('<q', time) + signature


def make(lab, name='a.bfc', content=b'content\n'):
    folder = lab / (name + '.d')
    os.makedirs(folder, exist_ok=True)
    pathlib.Path(folder, 'file').write_bytes(content)
    pathlib.Path(folder, 'large').write_bytes(random.Random(7).randbytes(700000))
    file = lab / name
    lab.bfc('create', '-f', file, folder)
    return file


def refused(result, words):
    check(words in result.message, f'no "{words}"', result.shown())


# ── Both ways ──

def test_attached_is_what_openssl_verifies(lab):
    file, keys = make(lab), [Key(lab, 'alice'), Key(lab, 'bob')]
    before = root_of(file)
    for key in keys:
        lab.bfc('sign', '--key', key.file, file)
    check(root_of(file) == before, 'the root digest stays')
    found = entries_of(file)
    check(len(found) == 2 and [k for k, _ in found] == sorted(before + k.public for k in keys), found)
    for key in keys:
        value = dict(found)[before + key.public]
        form, time = struct.unpack_from('<Bq', value)
        check(form == 1 and len(value) == 73)
        check(key.verify(before, time, value[9:]), 'openssl verifies')
        check(not key.verify(before, time + 1, value[9:]), 'the time is signed')
        check(not key.verify(sha256(b'x'), time, value[9:]), 'the digest is signed')
        lab.bfc('verify', '--deep', '--key', key.signer, file)
    report = lab.bfc('--json', 'verify', '--deep', file).json
    check(report['ok'] and report['signatures'] == 2 and report['bad_signatures'] == 0, report)


def test_beside_is_what_openssl_verifies(lab):
    file, key = make(lab), Key(lab, 'alice')
    os.chmod(file, 0o444)
    data = pathlib.Path(file).read_bytes()
    lab.bfc('sign', '--key', key.file, '--detached', '-o', lab / 'a.sig', file)
    check(pathlib.Path(file).read_bytes() == data, 'the container is as it was')
    root, public, time, signature = read_line(pathlib.Path(lab / 'a.sig').read_text())
    check(root == root_of(file) and public == key.public and key.verify(root, time, signature))
    lab.bfc('verify', '--key', key.signer, '--signature', lab / 'a.sig', file)
    lab.bfc('sign', '--key', key.file, '--detached', '-o', lab / 'a.sig', file, expect=1)
    check(lab.bfc('sign', '--key', key.file, '--detached', file).text.startswith('bfc-signature:'))


def test_what_openssl_signs_is_taken(lab):
    file, alice, bob = make(lab), Key(lab, 'alice'), Key(lab, 'bob')
    root, time = root_of(file), 1234567890
    pathlib.Path(lab / 'a.sig').write_text('# by openssl\n' + line_of(root, alice.public, time, alice.sign(root, time)))
    report = lab.bfc('--json', 'verify', '--key', alice.signer, '--signature', lab / 'a.sig', file).json
    check(report['signed_by'] == {'signer': alice.signer, 'time': '2009-02-13T23:31:30Z'}, report)
    Planter(file).plant([entry(root, bob.public, time, bob.sign(root, time))])
    lab.bfc('verify', '--deep', '--key', bob.signer, file)
    check(root_of(file) == root)
    check(lab.bfc('cat', '--key', bob.signer, file, 'file').out == b'content\n')
    lab.bfc('list', '--key', bob.signer, file)
    lab.bfc('extract', '--key', bob.signer, file, '-C', lab / 'out')
    listed = lab.bfc('--json', 'signatures', file).json['signatures']
    check([(s['signer'], s['valid'], s['current']) for s in listed] == [(bob.signer, True, True)], listed)


# ── What is not taken ──

def test_every_flipped_byte_is_seen(lab):
    file, key = make(lab), Key(lab, 'alice')
    root, time = root_of(file), 1234567890
    signature = key.sign(root, time)
    good = b'\1' + root + key.public + struct.pack('<q', time) + signature
    sig = pathlib.Path(lab / 'a.sig')
    for at in range(0, len(good), 3):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        sig.write_text('bfc-signature:' + with_crc(bytes(bad)) + '\n')
        code = lab.bfc('verify', '--key', key.signer, '--signature', sig, file, expect=None).code
        check(code == (1 if at == 0 else DENIED), at, code)
    text = line_of(root, key.public, time, signature)
    for at in range(14, len(text) - 1, 17):
        sig.write_text(text[:at] + ('A' if text[at] != 'A' else 'B') + text[at + 1:])
        refused(lab.bfc('verify', '--key', key.signer, '--signature', sig, file, expect=DAMAGED), 'line 1')
    sig.write_text(text)
    lab.bfc('verify', '--key', key.signer, '--signature', sig, file)


def test_of_another_container(lab):
    good, evil, key = make(lab, 'good.bfc'), make(lab, 'evil.bfc', b'evil\n'), Key(lab, 'alice')
    lab.bfc('sign', '--key', key.file, good)
    copied = entries_of(good)
    Planter(evil).plant(copied)
    lab.bfc('verify', '--deep', evil)
    refused(lab.bfc('verify', '--key', key.signer, evil, expect=DENIED), 'over other root digests')
    renamed = [(root_of(evil) + k[32:], v) for k, v in copied]
    evil = make(lab, 'evil.bfc', b'evil\n')
    Planter(evil).plant([(root_of(evil) + renamed[0][0][32:], renamed[0][1])])
    refused(lab.bfc('verify', '--key', key.signer, evil, expect=DENIED), 'is not valid')
    refused(lab.bfc('extract', '--key', key.signer, evil, '-C', lab / 'out', expect=DENIED), 'is not valid')
    check(not os.path.exists(lab / 'out'), 'nothing was extracted')
    listed = lab.bfc('--json', 'signatures', evil).json['signatures']
    check(len(listed) == 1 and not listed[0]['valid'] and 'time' not in listed[0], listed)


def test_what_is_appended_is_not_covered(lab):
    file, key = make(lab), Key(lab, 'alice')
    lab.bfc('sign', '--key', key.file, file)
    signed = root_of(file)
    more = lab.mkdir('more')
    pathlib.Path(more, 'new').write_bytes(b'new\n')
    lab.bfc('append', file, 'new', '-C', more)
    check(len(entries_of(file)) == 1, 'the table is taken over')
    for command in (['verify'], ['list'], ['extract', '-C', lab / 'out']):
        refused(lab.bfc(*command, '--key', key.signer, file, expect=DENIED), 'over other root digests')
    for at in ('1', '2', signed.hex()[:12]):
        lab.bfc('verify', '--deep', '--key', key.signer, '--at', at, file)
    lab.bfc('verify', '--key', key.signer, '--at', '3', file, expect=DENIED)
    lab.bfc('compact', file, '-o', lab / 'c.bfc')
    refused(lab.bfc('verify', '--key', key.signer, lab / 'c.bfc', expect=DENIED), 'it is not signed')


def test_contents_are_held_to_the_signature(lab):
    """A block that was exchanged, its checksums made right: without a signature nobody would know."""
    file, key = make(lab, content=b'A' * 100000), Key(lab, 'alice')
    lab.bfc('create', '-f', '-c', 'none', file, lab / 'a.bfc.d')
    lab.bfc('sign', '--key', key.file, file)
    data = bytearray(pathlib.Path(file).read_bytes())
    at = data.index(b'A' * 5000)
    # CRC32C is linear: a difference that it does not see is its polynomial, its 33 bits reversed.
    poly = int(f'{0x11EDC6F41:033b}'[::-1], 2)
    for i, byte in enumerate(poly.to_bytes(5, 'little')):
        data[at + 2000 + i] ^= byte
    pathlib.Path(file).write_bytes(data)
    check(lab.bfc('cat', file, 'file').out != b'A' * 100000, 'checksums alone do not tell')
    refused(lab.bfc('cat', '--key', key.signer, file, 'file', expect=DAMAGED), 'digest mismatch')
    lab.bfc('extract', '--key', key.signer, file, '-C', lab / 'out', expect=DAMAGED)
    lab.bfc('sign', '--key', Key(lab, 'bob').file, file, expect=DAMAGED)


def test_a_thousand_signatures(lab):
    file, keys = make(lab), [Key(lab, f'signer {i}') for i in range(5)]
    root, rng = root_of(file), random.Random(1)
    made = [entry(root, key.public, i, key.sign(root, i)) for i, key in enumerate(keys)]
    made += [entry(root, rng.randbytes(32), i, rng.randbytes(64)) for i in range(995)]
    Planter(file).plant(made)
    check(len(entries_of(file)) == 1000)
    for key in keys:
        result = lab.bfc('verify', '--key', key.signer, file)
        check(result.seconds < 20, result.seconds)
    report = lab.bfc('--json', 'verify', '--deep', file).json
    check(report['ok'] and (report['signatures'], report['bad_signatures']) == (1000, 995), report)
    listed = lab.bfc('--json', 'signatures', file).json['signatures']
    check(len(listed) == 1000 and sum(s['valid'] for s in listed) == 5)
    late = Key(lab, 'late')
    lab.bfc('sign', '--key', late.file, file)
    lab.bfc('verify', '--key', late.signer, file)
    check(len(entries_of(file)) == 1001 and root_of(file) == root)
    lab.bfc('verify', '--key', Key(lab, 'stranger').signer, file, expect=DENIED)


# ── Whom to believe ──

def test_trust_files(lab):
    file, alice, bob = make(lab), Key(lab, 'alice'), Key(lab, 'bob')
    lab.bfc('sign', '--key', alice.file, file)
    trust = pathlib.Path(lab / 'trust')
    trust.write_text(f'# people\nbob {bob.signer}\n\nalice\t{alice.signer}\n')
    env = {'BFC_TRUST_FILE': str(trust), 'HOME': lab.path, 'XDG_CONFIG_HOME': ''}
    report = lab.bfc('--json', 'verify', '--require-signature', file, env=env).json
    check(report['signed_by']['name'] == 'alice', report)
    check('alice (bfc-signer:' in lab.bfc('signatures', file, env=env).text)
    os.makedirs(lab / '.config/bfc')
    shutil.copy(trust, lab / '.config/bfc/trust')
    lab.bfc('verify', '--require-signature', file, env=dict(env, BFC_TRUST_FILE=''))
    trust.write_text(f'bob {bob.signer}\n')
    lab.bfc('verify', '--require-signature', file, env=env, expect=DENIED)
    trust.write_text(f'bob {bob.signer}\nalice {alice.signer[:-1]}\n')
    refused(lab.bfc('verify', '--require-signature', file, env=env, expect=USAGE), 'line 2')
    refused(lab.bfc('verify', '--require-signature', file, expect=NOT_FOUND,
                    env=dict(env, BFC_TRUST_FILE=str(lab / 'none'))), 'none')


def test_encrypted(lab):
    folder, key, file = lab.mkdir('d'), Key(lab, 'alice'), lab / 'e.bfc'
    pathlib.Path(folder, 'file').write_bytes(b'secret\n')
    pathlib.Path(lab / 'password').write_bytes(b'open\n')
    opens = ['--password-file', lab / 'password']
    lab.bfc('create', '-e', *opens, file, folder)
    lab.bfc('sign', *opens, '--key', key.file, file)
    lab.bfc('verify', '--deep', *opens, '--key', key.signer, file)
    lab.bfc('sign', *opens, '--key', key.file, '-o', lab / 'e.sig', file)
    refused(lab.bfc('verify', '--key', key.signer, '--signature', lab / 'e.sig', file, expect=DENIED),
            'without a key')
    check(key.signer in lab.bfc('signatures', *opens, file).text)


def test_images(lab):
    file, alice, bob = make(lab, 'image.bfc'), Key(lab, 'alice'), Key(lab, 'bob')
    store = ['--store', 'dir:' + lab / 'store']
    lab.bfc('sign', '--key', alice.file, '-o', lab / 'a.sig', file)
    create = [*store, 'image', 'create', 'app', 'bfc:' + file]
    refused(lab.bfc(*create, '--key', alice.signer, expect=DENIED), 'it is not signed')
    lab.bfc(*create, '--key', bob.signer, '--signature', lab / 'a.sig', expect=DENIED)
    check(lab.bfc(*store, 'image', 'list', '-q').text == '', 'nothing came in')
    lab.bfc(*create, '--key', alice.signer, '--signature', lab / 'a.sig')
    refused(lab.bfc(*store, 'image', 'extract', 'app', lab / 'out', '--key', alice.signer, expect=DENIED),
            'it is not signed')
    lab.bfc(*store, 'image', 'extract', 'app', lab / 'out', '--key', alice.signer, '--signature', lab / 'a.sig')
    check(pathlib.Path(lab / 'out', 'file').read_bytes() == b'content\n')
    lab.bfc('sign', '--key', alice.file, file)
    lab.bfc(*create, '-f', '--key', alice.signer)
    lab.bfc(*store, 'image', 'verify', '--deep', 'app', '--key', alice.signer)
    lab.bfc(*store, 'image', 'bundle', 'app', lab / 'bundle', '--key', bob.signer, expect=DENIED)
    lab.bfc(*store, 'image', 'bundle', 'app', lab / 'bundle', '--key', alice.signer)
    refused(lab.bfc(*store, 'image', 'create', 'dir', lab / 'image.bfc.d', '--key', alice.signer, expect=USAGE),
            'only a container can be signed')
    say('images: ok')


if __name__ == '__main__':
    harness.main(globals())
