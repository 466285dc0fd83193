#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs bfc_image_example on a small tree and compares what comes out with what went in.
# usage: test_example.sh PROGRAM LAYOUT-WRITER
set -eu

program=$1 layout=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "test_example: $1" >&2
    exit 1
}

mkdir -p "$work/in/etc" "$work/in/empty"
echo hello >"$work/in/etc/motd"
ln -s etc/motd "$work/in/link"
ln "$work/in/etc/motd" "$work/in/hard"
head -c 300000 /dev/zero >"$work/in/zeros"

"$program" --store "dir:$work/store" "$work/in" "$work/out" >"$work/answer" 2>"$work/log" ||
    fail "it failed: $(cat "$work/log")"
diff -r --no-dereference "$work/in" "$work/out" || fail "the trees differ"
[ "$work/out/hard" -ef "$work/out/etc/motd" ] || fail "the hard link is lost"
for line in '^created:' '^1 in dir:' '^its file: .*/hello:1.0\.bfc$' '^extracted: ' '^deleted$' \
    '^example/hello:1\.0  linux/'; do
    grep -q "$line" "$work/answer" || fail "no line '$line' in: $(cat "$work/answer")"
done
left=$(find "$work/store" -name '*.bfc*' ! -name .bfc-lock ! -name .bfc-tmp)
[ -z "$left" ] || fail "left in the store: $left"

# The same from the manifest of an OCI image.
python3 "$layout" "$work/layout"
manifest=$(sed 's/.*"manifests": \[{[^}]*"digest": "sha256:\([0-9a-f]*\)".*/\1/' "$work/layout/index.json")
"$program" --store "dir:$work/store" "$work/layout/blobs/sha256/$manifest" "$work/out3" \
    >"$work/answer" 2>"$work/log" || fail "it failed: $(cat "$work/log")"
[ "$(cat "$work/out3/etc/motd")" = "hello again" ] || fail "the image's second layer is missing"
[ "$(grep -c '^layer [123]: sha256:' "$work/answer")" = 3 ] || fail "layers: $(cat "$work/answer")"

# What goes wrong is told, with an exit code.
if "$program" --store "dir:$work/store" "$work/missing" "$work/out2" >/dev/null 2>"$work/log"; then
    fail "a missing source is no error"
fi
grep -q "example/hello:1.0.*source.*missing.*(not-found)" "$work/log" ||
    fail "message: $(cat "$work/log")"
echo "test_example: ok"
