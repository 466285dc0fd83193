# SPDX-License-Identifier: Apache-2.0
"""The TOML reader beside Python's: documents put together at random out of right and wrong parts are
accepted by both or by none, with the same values. The program under test is net_probe.

$BFC_TEST_SEED gives another seed, $BFC_TEST_COUNT another number of documents."""
import datetime
import json
import os
import random
import sys
import tomllib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))

import harness  # noqa: E402
import share  # noqa: E402
from harness import check, say  # noqa: E402

KEYS = ('a', 'b', 'c', '"a"', "'b'", '"x.y"', 'a.b', 'a.c', 'b . a', 'a.b.c', '1', '-', '""', 'c."d e"')
VALUES = ('1', '-17', '+99', '0', '1_000', '0xDEAD_beef', '0o755', '0b1101', 'true', 'false', '1.5', '-3e10',
          '6.02e+2_3', 'inf', '-nan', '"x"', '"\\u00e4\\t\\\\"', "'C:\\x'", '"""\nline\n  \\\n   more"""', "'''\nraw \\'''",
          '""""quoted""""', '[]', '[1, 2,]', '[\n  1, # one\n  "two"\n]', '[[1], ["x", {}]]', '{}', '{a = 1}',
          '{a.b = 1, a.c = 2}', '{ x = [ {y = 1} ] }', '1979-05-27', '07:32:00', '1979-05-27T07:32:00Z',
          '1979-05-27 07:32:00.999-07:00', '2024-02-29')
WRONG = ('01', '1__0', '_1', '1_', '+0x1', '0xg', '1.', '.5', '1e', 'True', 'x', '"x', "'''x", '"\\q"', '"\\ud800"',
         '[1 2]', '[,]', '{a=1,}', '{a=1, a=2}', '{a={b=1}, a.b=2}', '1979-13-01', '2023-02-29', '25:00:00', '',
         '"a" "b"', '"\x01"', '[', '{', '0b', '- 1', '1979-05-27T', '07:32', '"\x7f"')
HEADERS = ('[a]', '[b]', '[a.b]', '[[a]]', '[[b]]', '[[a.b]]', '[ c . a ]', '["x.y"]', '[a.b.c]', '[[c]]', '[c.d]')
WRONG_HEADERS = ('[]', '[a', '[[a]', '[a]]', '[a.]', '[ [a]]', '[a] b', '[[a] ]')


def document(r):
    lines = []
    faulty = r.random() < 0.4
    for _ in range(r.randint(1, 7)):
        what = r.random()
        bad = faulty and r.random() < 0.3
        if what < 0.3:
            lines.append(r.choice(WRONG_HEADERS if bad else HEADERS))
        elif what < 0.4:
            lines.append(r.choice(('', '# a comment', '   ', '\t# ä')))
        else:
            value = r.choice(WRONG) if bad else r.choice(VALUES)
            lines.append(f'{r.choice(KEYS)}{r.choice(("=", " = "))}{value}{r.choice(("", " # c"))}')
    return r.choice(('\n', '\r\n')).join(lines) + r.choice(('', '\n'))


def plain(value):
    """What the reader makes of it: floats and times are null."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, (float, datetime.date, datetime.time)):
        return None
    return value


def test_random_documents(lab):
    seed = int(os.environ.get('BFC_TEST_SEED', '0')) or random.SystemRandom().randrange(1 << 32)
    count = int(os.environ.get('BFC_TEST_COUNT', '100' if share.SAFETY_ONLY else '600'))
    say(f'seed {seed}')
    r = random.Random(seed)
    path, right = lab / 'doc.toml', 0
    for _ in range(count):
        text = document(r)
        try:
            want = plain(tomllib.loads(text))
        except tomllib.TOMLDecodeError:
            want = None
        with open(path, 'w', encoding='utf-8', newline='') as f:
            f.write(text)
        got = lab.bfc('toml', path, expect=(0, 1))
        check((got.code == 0) == (want is not None), f'differ on:\n{text}\n{got.message}')
        if want is not None:
            check(json.loads(got.out) == want, f'not {want}:\n{text}\n{got.text}')
            right += 1
        else:
            check(got.message.startswith(path + ':'), got.message)
    check(right > count // 5, f'only {right} right documents of {count}')


if __name__ == '__main__':
    harness.main(globals())
