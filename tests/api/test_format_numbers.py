#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers of docs/format.md against the constants of src/format.

usage: test_format_numbers.py SOURCE_ROOT CC

The constants come from the compiler, not from a reading of the headers: a small program prints
them. Every field of a table has a constant with its offset, every such constant has a field. At
last the page is falsified in several places, and each falsehood must be found.
"""

import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ENUM_NAME = re.compile(r"(?:^|,)\s*([A-Z][A-Z0-9_]+)")
ROW = re.compile(r"^\|(.+)\|\s*$")

# Tables of docs/format.md with byte offsets: the heading or sentence before it, the prefix of its
# constants (None: it has none), its size, and fields whose constants are called otherwise.
BYTE_TABLES = [
    ("## 3. Superblock", "SUPER_AT_", "SUPER_SIZE", {}),
    ("## 4. Frames", "FRAME_AT_", "FRAME_HEADER_SIZE", {"compression": "COMP"}),
    ("**Key slots.**", "KEY_SLOT_AT_", "KEY_SLOT_SIZE", {}),
    ("The key of an entry:", "SIGNATURE_KEY_AT_", "SIGNATURE_KEY_SIZE", {}),
    ("The value of an entry:", "SIGNATURE_AT_", "SIGNATURE_VALUE_SIZE", {}),
    ("The signature is Ed25519", "SIGNED_AT_", "SIGNED_SIZE", {}),
    ("**Text.**", "SIGNATURE_TEXT_AT_", "SIGNATURE_TEXT_SIZE", {}),
    ("## 5. Commit record", "COMMIT_AT_", "COMMIT_SIZE", {"salt, tag, key_check": "SALT"}),
    ("A table reference:", None, "TABLE_REF_SIZE", {}),
]
# Strings of 8 bytes; printed in hexadecimal.
MAGICS = ("SUPER_MAGIC", "COMMIT_MAGIC")
# Constants that mark the start of a reserved area: they need no row of that name.
AREAS = {"SUPER_AT_RESERVED", "COMMIT_AT_TAG", "COMMIT_AT_KEY_CHECK"}


def constants(root, cc):
    """Every enum name of src/format with its value."""
    names = set()
    headers = sorted((root / "src/format").glob("*.h"))
    for header in headers:
        text = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.DOTALL)
        for body in re.findall(r"\benum\b[^{;]*\{([^}]*)\}", text):
            names.update(ENUM_NAME.findall(body))
    program = "".join(f'#include "format/{header.name}"\n' for header in headers)
    program += "#include <inttypes.h>\n#include <stdio.h>\nint main(void)\n{\n"
    for name in sorted(names) + ["FILE_SIZE_MAX", "ID_MAX", "FEATURE_REFUSE_SEALED",
                                 "BFCI_NAME_MAX", "BFCI_DEPTH_MAX"]:
        program += f'printf("{name} %" PRIu64 "\\n", (uint64_t){name});\n'
    for name in MAGICS:
        program += (f'printf("{name} ");\nfor (size_t i = 0; i < 8; i++)\n'
                    f'printf("%02x", (unsigned char){name}[i]);\nputs("");\n')
    program += "}\n"
    with tempfile.TemporaryDirectory() as folder:
        binary = pathlib.Path(folder) / "constants"
        subprocess.run(shlex.split(cc) + ["-std=gnu17", "-D_GNU_SOURCE", "-x", "c", "-",
                                          "-I", str(root / "src"), "-I", str(root / "include"),
                                          "-o", str(binary)],
                       input=program, text=True, check=True)
        printed = subprocess.run([str(binary)], capture_output=True, text=True, check=True).stdout
    values = {}
    for line in printed.splitlines():
        name, value = line.split()
        values[name] = value if name in MAGICS else int(value)
    return values


def table_after(page, start):
    """Rows of the first table after a line that begins with `start`, without its two head lines."""
    lines = page.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith(start)), None)
    if at is None:
        sys.exit(f"docs/format.md has no line '{start}…'")
    while not ROW.match(lines[at]):
        at += 1
    rows = []
    while at < len(lines) and (match := ROW.match(lines[at])):
        rows.append([cell.strip() for cell in match.group(1).split("|")])
        at += 1
    return rows[2:]


def check_byte_table(page, values, spec):
    start, prefix, size_name, other_names = spec
    expected = 0
    seen = set()
    for offset, size, field, *_ in table_after(page, start):
        if int(offset) != expected:
            yield f"{start}: '{field}' stands at {offset}, the field before it ends at {expected}"
        expected = int(offset) + int(size)
        if prefix is None or field == "reserved":
            continue
        name = prefix + other_names.get(field, field.upper())
        seen.add(name)
        if name not in values:
            yield f"{start}: there is no constant {name}"
        elif values[name] != int(offset):
            yield f"{start}: '{field}' stands at {offset}, but {name} is {values[name]}"
    if expected != values[size_name]:
        yield f"{start}: the fields end at {expected}, but {size_name} is {values[size_name]}"
    if prefix is not None:
        for name in sorted(set(n for n in values if n.startswith(prefix)) - seen - AREAS):
            yield f"{start}: {name} is not in the table"


def check_table_ids(page, values):
    ids = {}
    for number, name, *_ in table_after(page, "| id | table |"):
        ids["TABLE_" + name.upper()] = int(number)
    known = {n: v for n, v in values.items() if n.startswith("TABLE_") and n not in
             ("TABLE_COUNT", "TABLE_SLOTS", "TABLE_ROOTED_END", "TABLE_REF_SIZE")}
    if ids != known:
        yield f"tables: the page has {ids}, the code {known}"
    if values["TABLE_COUNT"] != max(known.values()) + 1:
        yield "tables: TABLE_COUNT is not one above the last id"


def number(text):
    """The first number of a cell in bytes: "4 KiB", "2^63 − 1", "65536"."""
    power = re.match(r"2\^(\d+) − 1", text)
    if power:
        return 2 ** int(power.group(1)) - 1
    match = re.match(r"(\d+)(?: (KiB|MiB))?", text)
    return int(match.group(1)) * {None: 1, "KiB": 1024, "MiB": 1 << 20}[match.group(2)]


def check_limits(page, values):
    want = {
        "name": [values["BFCI_NAME_MAX"]],
        "path depth": [values["BFCI_DEPTH_MAX"]],
        "symbolic link": [values["LINK_MAX_LEN"]],
        "xattr name, value, set": [values["XATTR_NAME_MAX_LEN"], values["XATTR_VALUE_MAX_LEN"],
                                   values["XATTR_SET_MAX"]],
        "data block": [values["BLOCK_SIZE_MIN"], values["BLOCK_SIZE_MAX"]],
        "page": [values["PAGE_SIZE_MAX"]],
        "table height": [values["LEVEL_MAX"] + 1],
        "extents in an inode, in one entry of the extents table":
            [values["EXTENTS_INLINE_MAX"], values["EXTENTS_ENTRY_MAX"]],
        "signatures": [values["SIGNATURES_MAX"]],
        "trees": [values["TREES_MAX"]],
        "file size": [values["FILE_SIZE_MAX"]],
    }
    have = {what: [number(part) for part in re.split(r", | to ", limit)]
            for what, limit, *_ in table_after(page, "## 13. Limits") if what in want}
    for what, numbers in want.items():
        if have.get(what) != numbers:
            yield f"limits: '{what}' is {have.get(what)} on the page and {numbers} in the code"


def check_sentences(page, values):
    """Numbers that stand in running text; each must be there in these words."""
    magic = {name: " ".join(re.findall("..", values[name])).upper() for name in MAGICS}
    v = values
    for sentence in (
            f"| magic | `{magic['SUPER_MAGIC']}`",
            f"| magic | `{magic['COMMIT_MAGIC']}`",
            f"0 to {v['ALIGN_SHIFT_MAX']}: each data block's payload",
            f"{v['PAGE_SHIFT_MIN']} to {v['PAGE_SHIFT_MAX']}: a metadata page",
            f"{v['BLOCK_SIZE_MIN']} to {v['BLOCK_SIZE_MAX']}: no data block",
            f"{v['FRAME_DATA']} data block, {v['FRAME_PAGE']} metadata page",
            f"{v['COMP_NONE']} none, {v['COMP_ZSTD']} zstd",
            f"of the root page, 0 to {v['LEVEL_MAX']}",
            f"{v['TABLE_SLOTS']} table references of {v['TABLE_REF_SIZE']} bytes",
            f"references 1 to {v['TABLE_ROOTED_END'] - 1} (bytes "
            f"{v['COMMIT_AT_TABLES'] + v['TABLE_REF_SIZE']} to "
            f"{v['COMMIT_AT_TABLES'] + v['TABLE_ROOTED_END'] * v['TABLE_REF_SIZE'] - 1})",
            f"bytes {v['COMMIT_AT_NEXT_INO']} to {v['COMMIT_AT_ROOT_DIGEST'] - 1} of the record",
            f"A key is at most {v['KEY_MAX']} bytes, a value at most {v['VALUE_MAX']}",
            f"is a page reference of {v['PAGE_REF_SIZE']} bytes",
            f"({v['TREE_ROOTFS']} file system, {v['TREE_LAYER']} layer, {v['TREE_MERGED']} merged file "
            f"system, {v['TREE_KEPT']} kept contents), `varint` root inode, `varint` length and bytes "
            f"of a label (at most {v['TREE_LABEL_MAX']})",
            f"name, 1 to {v['BLOB_NAME_MAX']} bytes",
            f"uid, gid | varint, varint | 0 to {v['ID_MAX']}",
            f"length 1 to {v['LINK_MAX_LEN']}",
            f"With shift {v['BLOCK_SHIFT_MIN']} to {v['BLOCK_SHIFT_MAX']}",
            f"`varint` count (0 to {v['EXTENTS_INLINE_MAX']})",
            f"`varint` count (1 to {v['EXTENTS_ENTRY_MAX']})",
            f"where there are at most {v['INLINE_MAX']} of them",
            f"{v['KEY_SLOT_FREE']} not used, {v['KEY_SLOT_PASSWORD']} password, {v['KEY_SLOT_KEY_FILE']} "
            f"key file, {v['KEY_SLOT_RECIPIENT']} recipient",
            f"password: 1 to {v['KEY_SLOT_PASSES_MAX']}; else 0",
            f"password: KiB, {v['KEY_SLOT_MEMORY_MIN']} to {v['KEY_SLOT_MEMORY_MAX']}; else 0. "
            f"passes × memory is at most {v['KEY_SLOT_WORK_MAX'] >> 20} GiB",
            f"bytes 0 to {v['KEY_SLOT_HEAD_SIZE'] - 1} of the slot as associated data",
            f"bytes {v['COMMIT_AT_NEXT_INO']} to {v['COMMIT_AT_ROOT_DIGEST'] - 1} and "
            f"{v['COMMIT_AT_TABLES']} to {v['COMMIT_AT_KEY_SLOTS'] - 1}",
            f"| {v['COMMIT_AT_SALT']} | {v['SEALED_SALT_SIZE']} | salt |",
            f"| {v['COMMIT_AT_TAG']} | {v['SEALED_TAG_SIZE']} | tag |",
            f"| {v['COMMIT_AT_KEY_CHECK']} | {v['SEALED_CHECK_SIZE']} | key_check |",
            f"| {v['COMMIT_AT_KEY_SLOTS']} | {v['COMMIT_KEY_SLOTS_SIZE']} | key_slots |",
            f"| 0 | {v['SEALED_AT_CIPHERTEXT']} | counter |",
            f"| {v['SEALED_AT_CIPHERTEXT']} | – | ciphertext |",
            f"`stored` = {v['SEALED_OVERHEAD']} + {v['SEALED_UNIT']} × n",
            f"bit {v['FRAME_FLAG_SEALED'] - 1}: *sealed*",
            f"| form | {v['SIGNATURE_FORM_ED25519']}: as here",
            f"no context) of {v['SIGNED_SIZE']} bytes",
            f"section 5) of {v['SIGNATURE_TEXT_SIZE']} bytes",
    ):
        if sentence not in re.sub(r"\s+", " ", page):
            yield f"the page does not say: {sentence}"


def check(page, values):
    problems = []
    for spec in BYTE_TABLES:
        problems += check_byte_table(page, values, spec)
    for rule in (check_table_ids, check_limits, check_sentences):
        problems += rule(page, values)
    return problems


FALSIFIED = [
    ("| 32 | 8 | seq |", "| 33 | 8 | seq |"),
    ("| 48 | 8 | segment |", "| 48 | 8 | segments |"),
    ("| 60 | 4 | block_max |", "| 60 | 8 | block_max |"),
    ("| 24 | 4 | payload_crc |", "| 24 | 4 | payload_sum |"),
    ("| 56 | 8 | count |", "| 56 | 4 | count |"),
    ("| 7 | blocks |", "| 9 | blocks |"),
    ("| symbolic link | 4095 bytes |", "| symbolic link | 4096 bytes |"),
    ("| 48 | 80 | wrapped |", "| 48 | 64 | wrapped |"),
    ("| 9 | 64 | signature |", "| 9 | 32 | signature |"),
    ("| 17 | 32 | root_digest |", "| 16 | 32 | root_digest |"),
    ("| signatures | 65536 |", "| signatures | 65535 |"),
    ("8192 to 4194304; else 0", "8192 to 4194303; else 0"),
    ("A key is at most 264 bytes", "A key is at most 256 bytes"),
    ("| 304 | 32 | key_check |", "| 300 | 32 | key_check |"),
    ("| 8 | – | ciphertext |", "| 12 | – | ciphertext |"),
    ("`42 46 43 46 76 32 00 00`", "`42 46 43 46 76 33 00 00`"),
]


def self_test(page, values):
    bad = 0
    for true, false in FALSIFIED:
        if true not in page or not check(page.replace(true, false), values):
            print(f"self-test: '{false}' instead of '{true}' was not found")
            bad += 1
    return bad


def main():
    root, cc = pathlib.Path(sys.argv[1]), sys.argv[2]
    page = (root / "docs/format.md").read_text(encoding="utf-8")
    values = constants(root, cc)
    problems = check(page, values)
    for problem in problems:
        print(problem)
    print(f"{len(values)} constants, {len(problems)} differences")
    return 1 if problems or self_test(page, values) else 0


if __name__ == "__main__":
    sys.exit(main())
