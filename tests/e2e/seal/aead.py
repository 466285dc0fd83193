# SPDX-License-Identifier: Apache-2.0
"""What sealed containers are made of, once more and by the words of the standards alone: ChaCha20 and
Poly1305 (RFC 8439), HKDF (RFC 5869), X25519 (RFC 7748), XSalsa20 and sealed boxes (NaCl, libsodium).
Slow, and with no care for what time tells: for tests."""
import hashlib
import hmac
import struct

MASK = 0xffffffff
PRIME = 2 ** 255 - 19


def _rotate(value, count):
    return (value << count | value >> 32 - count) & MASK


# ── ChaCha20-Poly1305 ──

def _quarter(s, a, b, c, d):
    s[a] = s[a] + s[b] & MASK
    s[d] = _rotate(s[d] ^ s[a], 16)
    s[c] = s[c] + s[d] & MASK
    s[b] = _rotate(s[b] ^ s[c], 12)
    s[a] = s[a] + s[b] & MASK
    s[d] = _rotate(s[d] ^ s[a], 8)
    s[c] = s[c] + s[d] & MASK
    s[b] = _rotate(s[b] ^ s[c], 7)


def chacha20_block(key, counter, nonce):
    start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), counter,
             *struct.unpack("<3I", nonce)]
    s = list(start)
    for _ in range(10):
        for column in range(4):
            _quarter(s, column, 4 + column, 8 + column, 12 + column)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            _quarter(s, a, b, c, d)
    return struct.pack("<16I", *(x + y & MASK for x, y in zip(s, start)))


def _xor(data, stream):
    return bytes(x ^ y for x, y in zip(data, stream))


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at:at + 16] + b"\1", "little")) * r % (2 ** 130 - 5)
    return (total + int.from_bytes(key[16:], "little") & 2 ** 128 - 1).to_bytes(16, "little")


def aead_open(key, nonce, ad, sealed):
    """The plain bytes of ciphertext and tag; ValueError if the tag is wrong."""
    text, tag = sealed[:-16], sealed[-16:]
    pad = [bytes(-len(part) % 16) for part in (ad, text)]
    covered = ad + pad[0] + text + pad[1] + struct.pack("<QQ", len(ad), len(text))
    if poly1305(chacha20_block(key, 0, nonce)[:32], covered) != tag:
        raise ValueError("the tag is wrong")
    blocks = range(1, 1 + -(-len(text) // 64))
    return _xor(text, b"".join(chacha20_block(key, n, nonce) for n in blocks))


# ── HKDF ──

def hkdf(key, salt, info):
    """32 bytes."""
    extracted = hmac.new(salt, key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\1", hashlib.sha256).digest()


# ── X25519 and sealed boxes ──

def x25519(scalar, point):
    k = int.from_bytes(scalar, "little") & ~(1 << 255) & ~7 | 1 << 254
    u = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % PRIME, c * b % PRIME, a * a % PRIME, b * b % PRIME
        e = aa - bb
        x3, z3 = pow(da + cb, 2, PRIME), u * pow(da - cb, 2, PRIME) % PRIME
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def _salsa20_rounds(s):
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
                           (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)):
            s[b] ^= _rotate(s[a] + s[d] & MASK, 7)
            s[c] ^= _rotate(s[b] + s[a] & MASK, 9)
            s[d] ^= _rotate(s[c] + s[b] & MASK, 13)
            s[a] ^= _rotate(s[d] + s[c] & MASK, 18)


def _salsa20_state(key, data):
    c, k, n = struct.unpack("<4I", b"expand 32-byte k"), struct.unpack("<8I", key), struct.unpack("<4I", data)
    return [c[0], *k[:4], c[1], *n, c[2], *k[4:], c[3]]


def hsalsa20(key, data):
    s = _salsa20_state(key, data)
    _salsa20_rounds(s)
    return struct.pack("<8I", *(s[i] for i in (0, 5, 10, 15, 6, 7, 8, 9)))


def salsa20_block(key, nonce, counter):
    start = _salsa20_state(key, nonce + struct.pack("<Q", counter))
    s = list(start)
    _salsa20_rounds(s)
    return struct.pack("<16I", *(x + y & MASK for x, y in zip(s, start)))


def box_open(public, secret, box):
    """A sealed box: ephemeral public key, tag, ciphertext."""
    ephemeral, tag, text = box[:32], box[32:48], box[48:]
    nonce = hashlib.blake2b(ephemeral + public, digest_size=24).digest()
    key = hsalsa20(hsalsa20(x25519(secret, ephemeral), bytes(16)), nonce[:16])
    blocks = range(1 + (len(text) + 32) // 64)
    stream = b"".join(salsa20_block(key, nonce[16:], n) for n in blocks)
    if poly1305(stream[:32], text) != tag:
        raise ValueError("the tag is wrong")
    return _xor(text, stream[32:])
