#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of fuzz/corpus/ anew, out of a small container.

usage: fuzz/make_corpus.py PROBE     (PROBE: tests/corrupt/probe of a build)

They are in the repository so that a fuzzer starts with records that are right; run this only after
the format has changed.
"""

import gzip


import io
import pathlib
import struct
import sys
import tarfile
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True  # the source tree is not ours to write to
sys.path.insert(0, str(HERE.parent / "tests/corrupt"))
sys.path.insert(0, str(HERE.parent / "tests/e2e/v1"))

import forge  # noqa: E402
import layers  # noqa: E402
import mutations  # noqa: E402
import oldfile  # noqa: E402
import records  # noqa: E402
import sample  # noqa: E402
from bfcfile import (BLOBS, BLOCKS, DIRENTS, INODES, TREES, XATTRS, encode_page, zstd_pack,  # noqa: E402
                     zstd_unpack)


def net_seeds():
    """What comes from registries, and from the files that configure how they are asked."""
    digest = b"@sha256:" + b"0123456789abcdef" * 4
    for name in (b"alpine", b"docker://quay.io/a/b:1", b"localhost:5000/a" + digest, b"[::1]:5000/a:t" + digest,
                 b"a@sha512:00", b"user@host/a", b"A.b:65536/c", b"index.docker.io/x"):
        yield "remote_ref", name
    for header in (b'Bearer realm="https://a.example/token",service="s",scope="repository:a:pull"',
                   b'Basic realm="a \\"b\\""\nNegotiate YWJj==, Bearer realm=x,error=invalid_token',
                   b'Newauth realm="apps", type=1 , Basic realm = simple', b'Bearer realm="open'):
        yield "challenge", header
    base = b"https://r.example:443/v2/a/tags/list?n=2\n"
    for link in (b'</v2/a/tags/list?last=b&n=2>; rel="next"', b'<?last=b>;title="a, b";rel="prev next"',
                 b"<//other.example/x>; rel=next", b"../../x/./y?z#f", b'<x>; rel=next; anchor="#a"'):
        yield "link", base + link
    for conf in (b'unqualified-search-registries = ["a.io", "docker.io"]\nshort-name-mode="permissive"\n'
                 b'[aliases]\n"x" = "quay.io/x/x"\nimage = ""\n',
                 b'[[registry]]\nprefix = "example.com/foo"\nlocation = "inner.net/bar"\n[[registry.mirror]]\n'
                 b'location = "m.local"\ninsecure = true\npull-from-mirror = "tag-only"\n',
                 b'[[registry]]\nprefix="*.example.com"\nblocked=true\nmirror=[{location="a"}]\n',
                 b'a.b = {c = [1, 0x_f, 1979-05-27T07:32:00Z, 1.5e3]}\n["x".y]\ns = """\\\n  a\\u00e4"""\nt = \'\'\'\n\'\'\'\n',
                 b"[registries.search]\nregistries = ['a.io']\n"):
        yield "registries_conf", conf
    for logins in (b'{"auths":{"q.io":{"auth":"dTpw"},"https://index.docker.io/v1/":{"identitytoken":"t"}}}',
                   b'{"credsStore":"x","credHelpers":{"q.io":"y"},"auths":{"q.io/a":{}}}',
                   b'{"q.io":{"auth":"dTpw","email":"a@b"}}'):
        yield "auth_file", logins
    for images in (b"# all of it\ndocker.io/library/debian:1[12]* not=*-slim as=debian platform=linux/arm64\n",
                   b"q.io/a/b:1 as=b:one all-platforms # one\r\nq.io/c" + digest + b"\n\tdocker://[::1]:5000/d artifact",
                   b"a:[!a-z]* not=[]x]? not=*", b"a:[x", b"a:1 as=b:*"):
        yield "sync_list", images
    for asked, head in ((b"\0", b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-A:  b c \t\r\nFolded: a\r\n  b\r\n\r\n"),
                        (b"\6", b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n"
                                b"Content-Range: bytes 1000-1004/2000\r\n\r\nTrailer: x\r\n"),
                        (b"\1", b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 307 Temporary Redirect\r\n"
                                b"Location: /y\r\n\r\n"),
                        (b"\2", b"HTTP/2 200\nTransfer-Encoding: chunked\nContent-Length: lies\n\n"),
                        (b"\4", b"HTTP/1.0 206 x\r\nContent-Range: bytes 1000-1999/*\r\n\r\n"),
                        (b"\0", b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n\r\n")):
        yield "http_head", asked + head


def small_tree(folder):
    pathlib.Path(folder, "d").mkdir(parents=True)
    sample.put(folder + "/d/a", b"some text\n")
    sample.put(folder + "/b", sample.noise(1, 5000))
    pathlib.Path(folder, "link").symlink_to("d/a")
    pathlib.Path(folder, "d/hard").hardlink_to(folder + "/b")
    sample.sparse(folder + "/sparse", [4096], 20000)
    sample.attribute(folder + "/d/a", "user.x", b"1")
    sample.special(folder + "/d")
    sample.settle(folder)


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def item(kind, *parts):
    return bytes([kind]) + b"".join(parts)


def page_item(table, level, raw):
    return item(2, bytes([table, level]), struct.pack("<H", len(raw)), raw)


def as_items(good):
    """The container in the language of fuzz/items.c."""
    out = bytearray()
    for _, _, (_, value) in good.entries(BLOCKS):
        v = records.values(records.block(value))
        raw = good.c.data[v["offset"]:v["offset"] + v["stored"]]
        if v["compression"]:
            raw = zstd_unpack(raw, v["raw"])
        out += item(v["compression"], struct.pack("<H", len(raw)), raw)
    for table, root in good.tree.items():
        if table != BLOCKS:
            out += page_item(table, root.level, root.raw)
    return bytes(out)


def two_levels(good):
    """Inodes in two pages below a root."""
    entries = [entry for _, _, entry in good.entries(INODES)]
    out = as_items(good)
    pages = sum(1 for table in good.tree if table != BLOCKS)
    for half in (entries[:3], entries[3:]):
        out += page_item(INODES, 0, encode_page(INODES, 0, half))
    above = [(entries[0][0], bytes([pages]) + bytes(55)), (entries[3][0], bytes([pages + 1]) + bytes(55))]
    return out + page_item(INODES, 1, encode_page(INODES, 1, above))


def as_file(good):
    """The container in the language of fuzz_file.c."""
    return good.c.data[:64] + good.c.record[:1152] + good.c.data[4096:good.c.commit_at].rstrip(b"\0")


def layered(probe):
    """A container of several trees."""
    with tempfile.TemporaryDirectory() as scratch:
        return forge.Good(layers.Layers(layers.plain(probe, scratch)).bytes_of())


def member(kind, name=b"", link=b"", content=b""):
    """Of an archive, in the language of fuzz_origin.c."""
    return item(ord(kind), bytes([len(name)]), name, bytes([len(link)]), link,
                struct.pack("<H", len(content)), content)


def origins():
    """An OCI layout with a nested index; archives of docker, with links, and of the oldest kind."""
    image = member("B", content=b"a layer")
    image += member("B", content=b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers",'
                                 b'"diff_ids":["\1\0"]}}')
    one = lambda kind, n: (b'{"mediaType":"application/vnd.oci.image.' + kind +
                           b'+json","digest":"\1%c","size":\2%c}' % (n, n))
    layout = image + member("B", content=b'{"schemaVersion":2,"config":' + one(b"config.v1", 1) +
                            b',"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",'
                            b'"digest":"\1\0","size":\2\0}]}')
    marker = member("0", b"oci-layout", content=b'{"imageLayoutVersion":"1.0.0"}')
    index = b'{"schemaVersion":2,"manifests":['
    yield "layout", layout + marker + member("0", b"./index.json", content=index +
                                             one(b"manifest.v1", 2) + b"]}")
    yield "nested", (layout + member("B", content=index + one(b"manifest.v1", 2) + b"]}") + marker +
                     member("0", b"index.json", content=index + one(b"index.v1", 3) + b"]}"))
    config = member("0", b"c.json", content=b'{"architecture":"amd64","os":"linux","rootfs":{"type":'
                                            b'"layers","diff_ids":["\1\0","\1\0"]}}')
    yield "docker", (image + config + member("0", b"a/layer.tar", content=b"a layer") +
                     member("2", b"b/layer.tar", b"../a/layer.tar") +
                     member("1", b"hard", b"a/layer.tar") +
                     member("0", b"manifest.json", content=b'[{"Config":"c.json","RepoTags":["x:1"],'
                                                           b'"Layers":["b/layer.tar","hard"]}]'))
    yield "oldest", (member("0", b"a/json", content=b'{"id":"a","parent":"b","os":"linux",'
                                                    b'"container_config":{"Cmd":["x"]}}') +
                     member("0", b"a/layer.tar", content=b"upper") +
                     member("0", b"b/json", content=b'{"id":"b"}') +
                     member("2", b"b/layer.tar", b"../a/layer.tar") +
                     member("0", b"repositories", content=b'{"x":{"1":"a"}}'))


def flows():
    """Streams of fuzz_flow.c: 0 plain, 1 gzip, 2 zstd."""
    text = b"the same again and again " * 40
    member = gzip.compress(text, 9, mtime=0)
    fields = bytes([0x1f, 0x8b, 8, 31, 0, 0, 0, 0, 0, 255]) + b"\3\0abc" + b"name\0" + b"comment\0"
    stored = zlib.compressobj(0, zlib.DEFLATED, -15)
    body = stored.compress(text) + stored.flush()
    fields += struct.pack("<H", zlib.crc32(fields) & 0xffff)
    end = struct.pack("<II", zlib.crc32(text), len(text))
    skippable = struct.pack("<II", 0x184d2a53, 5) + b"12345"
    yield "plain", 0, text
    yield "gzip", 1, member
    yield "gzip_fields", 1, fields + body + end
    yield "gzip_members", 1 + 3 * 8, member + member + bytes(20)
    yield "zstd", 2, zstd_pack(text)
    yield "zstd_frames", 2 + 3 * 4, skippable + zstd_pack(text) + zstd_pack(b"x") + skippable


def tar_of(form, *members, **headers):
    """An archive with one block of zeros at its end. A member: type, name, target, content, records."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, **headers) as archive:
        for kind, name, target, content, records in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size, info.pax_headers = kind, target, len(content), records
            info.mtime = 1700000000
            archive.addfile(info, io.BytesIO(content))
    used = out.getvalue().rstrip(b"\0")
    return used + bytes(-len(used) % 512 + 512)


def old_sparse(extended):
    """A sparse file with GNU's own header; tarfile writes none."""
    head = bytearray(tar_of(tarfile.GNU_FORMAT, (b"0", "sparse", "", b"", {}))[:512])
    head[156:157] = b"S"
    head[124:136] = b"%011o\0" % (3 + extended)
    head[386:434] = b"%011o\0%011o\0" % (0, 1) + b"%011o\0%011o\0" % (4096, 2)
    head[482:495] = b"%c%011o\0" % (extended, 70000)
    more = (b"%011o\0%011o\0" % (65536, 1)).ljust(512, b"\0") if extended else b""
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + more + b"abcd".ljust(512, b"\0") + bytes(1024)


def tars():
    """One of each dialect and of each form of a sparse file."""
    long = "long/" * 30 + "name"
    members = [(b"5", "d", "", b"", {}), (b"0", "d/f", "", b"hello", {}), (b"1", "d/h", "d/f", b"", {}),
               (b"2", "d/s", "f", b"", {}), (b"3", "d/c", "", b"", {}), (b"0", long, "", b"x" * 600, {}),
               (b"2", "l", long, b"", {})]
    yield "ustar", tar_of(tarfile.USTAR_FORMAT, *members[:-1])
    yield "gnu", tar_of(tarfile.GNU_FORMAT, *members)
    yield "pax", tar_of(tarfile.PAX_FORMAT, *members)
    yield "global", tar_of(tarfile.PAX_FORMAT, members[1], pax_headers={"mtime": "-1.5", "SCHILY.xattr.user.g": "1"})
    keys = {"SCHILY.xattr.user.a": "b", "LIBARCHIVE.xattr.user.%3D": "YWJj", "uid": "3000000000", "mtime": "1.25"}
    yield "keys", tar_of(tarfile.PAX_FORMAT, (b"0", "f", "", b"", keys))
    one = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "n", "GNU.sparse.realsize": "9000"}
    content = b"2\n10\n3\n9000\n0\n".ljust(512, b"\0") + b"abc"
    yield "sparse-1.0", tar_of(tarfile.PAX_FORMAT, (b"0", "f", "", content, one))
    listed = {"GNU.sparse.size": "9000", "GNU.sparse.numblocks": "2", "GNU.sparse.map": "10,3,9000,0"}
    yield "sparse-0.1", tar_of(tarfile.PAX_FORMAT, (b"0", "f", "", b"abc", listed))
    pairs = {"GNU.sparse.size": "9000", "GNU.sparse.numblocks": "1", "GNU.sparse.offset": "10",
             "GNU.sparse.numbytes": "3"}
    yield "sparse-0.0", tar_of(tarfile.PAX_FORMAT, (b"0", "f", "", b"abc", pairs))
    yield "sparse-old", old_sparse(0)
    yield "sparse-extended", old_sparse(1)


def old_containers():
    """Version 1 in the languages of fuzz_v1_file.c and fuzz_v1_index.c."""
    text = b"the same again and again " * 40
    for name, entries in {
            "small": [oldfile.folder("d"), oldfile.Entry("d/f", b"text\n"), oldfile.link("l", b"d/f"),
                      oldfile.Entry("implied/by/path", b"")],
            "zstd": [oldfile.Entry("f", text, stored=zstd_pack(text), comp=1)],
            "sealed": [oldfile.Entry("f", b"text", stored=bytes(32), enc=1)]}.items():
        data = oldfile.build(entries)
        size, _, at = struct.unpack("<QIQ", data[-48:-28])
        index, objects = data[at:at + size], data[oldfile.HEADER:at]
        write("v1_file", name, struct.pack("<H", len(objects)) + objects + index)
        heads = b"".join(e.object()[:len(e.object()) - len(e.stored)] for e in entries)
        write("v1_index", name, struct.pack("<H", len(index)) + index + heads + data[-56:])


# By another implementation, for the seed 32 × 01, the root digest 00 01 … 1f and the time 1700000000.
SIGNER = base64.b64decode("iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=")
SIGNATURE = base64.b64decode("kRCQEZPf8eqTQz4sSBVga5nJlKidbjYW5YNu2F6NPgNc"
                             "a1nJ+AT4Uy0VGDWgqE7n5Kd/uq4jD7fs31qDvm7bAw==")


def signature_seeds():
    """Entries and lines of signatures, and trust files."""
    root, time = bytes(range(32)), struct.pack("<q", 1700000000)
    value = b"\1" + time + SIGNATURE
    raw = b"\1" + root + SIGNER + time + SIGNATURE
    line = b"bfc-signature:" + base64.urlsafe_b64encode(raw + struct.pack("<I", crc32c(raw))).rstrip(b"=")
    signer = b"bfc-signer:" + base64.urlsafe_b64encode(SIGNER + struct.pack("<I", crc32c(SIGNER)))
    write("signature", "entry", b"\0" + root + SIGNER + value)
    write("signature", "later", b"\0" + root + SIGNER + b"\2later")
    write("signature", "text", b"\1" + line)
    write("trust", "signers", b"\0# people\n\nalice " + signer + b"\n")
    write("trust", "twice", b"\0alice " + signer + b"\nbob\t" + signer + b"\n")
    write("trust", "signatures", b"\1# signed\n" + line + b"\n" + line + b"\n")


def main():
    old_containers()
    with tempfile.TemporaryDirectory() as scratch:
        sample.tree = small_tree
        sample.second = lambda folder: (pathlib.Path(folder).mkdir(), sample.put(folder + "/c", b"later\n"),
                                        sample.settle(folder))
        good = forge.Good(sample.make(sys.argv[1], scratch))
    signature_seeds()
    data, record = good.c.data, good.c.record
    write("superblock", "good", b"\1" + data[:64])
    write("commit", "good", b"\1" + record[:1152])
    write("frame", "good", data[4096:4128] + next(iter(good.tree.values())).ref.raw[:56] +
          struct.pack("<QII", 1 << 40, 65536, 0))
    for table, root in good.tree.items():
        write("page", f"table{table}", root.raw)
    for leaf, at, key, fields in mutations.samples(good, INODES):
        write("inode", key.hex().lstrip("0"), leaf.entries[at][1])
    for leaf, at, key, _ in mutations.samples(good, DIRENTS):
        write("dirent", key[8:].decode(), bytes([len(key)]) + key + leaf.entries[at][1])
    write("block", "first", next(good.entries(BLOCKS))[2][1])
    write("tree", "first", next(good.entries(TREES))[2][1])
    write("tree", "label", b"\1\1\5label")
    for _, _, (key, value) in good.entries(BLOBS):
        write("stored", key.decode(), b"\1" + value)
    for number, (_, _, (key, value)) in enumerate(good.entries(XATTRS)):
        write("stored", f"xattrs{number}", b"\0" + value)
        write("xattr_set", f"set{number}", value[1:])
    write("xattr_set", "two", b"\2\6user.a\1" + b"1\6user.b\0")
    write("extents", "two", struct.pack("<QQ", 4096, 1 << 20) + b"\2" + b"\0\x64\0\0\0" + b"\x80\x20\x64\1\0\0")
    write("extents", "run", struct.pack("<QQ", 0, 1 << 20) + b"\1\0\x80\x80\2\3\0\x0c")
    for number, path in enumerate((b"a/b/c", b"/a//b/./c/", b"", b"../a", b"a/..", b"n" * 256, b".a/..b")):
        write("path", str(number), path)
    for number, name in enumerate((b"nginx", b"library/nginx:1.25", b"localhost:5000/a/b:t", b"Host.Example/x",
                                   b"a@sha256:" + b"0" * 64, b"a/../b", b":x", b"a+b:c")):
        write("reference", str(number), name)
    for number, (target, seed) in enumerate(net_seeds()):
        write(target, str(number), seed)
    write("recipe", "small", b"\3\2\0\4name\x60\3644" + b"\5\6" + b"\2\xc8\1" + b"\1\4text" + b"\4\1\x64\x0a" +
          b"\3\1\2\1X" + b"\2\x80\x08" + b"\6\x80\x10" + bytes(range(32)))


    for name, data_of in origins():
        write("origin", name, data_of)


    for name, archive in tars():
        write("tar", name, b"\0\2" + archive)
    text = b"the same again and again " * 40
    write("zstd", "text", struct.pack("<I", len(text))[:3] + zstd_pack(text))
    for name, coding, stream in flows():
        write("flow", name, bytes([coding]) + stream)
    write("container", "small", as_items(good))
    write("container", "levels", two_levels(good))
    write("file", "small", as_file(good))
    good = layered(sys.argv[1])
    write("container", "layers", as_items(good))
    write("file", "layers", as_file(good))
    write("tree", "kept", next(value for _, _, (_, value) in good.entries(TREES) if value[0] == layers.KEPT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
