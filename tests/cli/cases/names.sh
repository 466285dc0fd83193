# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Names that are no text: raw where a program reads, escaped and exact in JSON, escaped in messages.
mkdir tree
printf 1 >"tree/$(printf 'bad\377')"
printf 2 >"tree/$(printf 'new\nline')"
printf 3 >"tree/$(printf 'esc\033[31m')"
printf 4 >"tree/back\\slash"
printf 5 >"tree/$(printf '\303\244\342\200\256')"
t create a.bfc tree
t list a.bfc | od -An -c
t list -0 a.bfc | tr '\0' '#' | od -An -c
t list --json a.bfc | grep -o '"path[^,]*,\("path_base64[^,]*\)\?'
mkdir odd
for bytes in '\376\375\374' '\200' '\377\277' 'a\303(\355\240\200\360' '\\\376'; do
    # shellcheck disable=SC2059 # the bytes are written as printf has them
    : >"odd/$(printf "$bytes")"
done
t create b.bfc odd
bfc list --json b.bfc >answer
python3 - <<'PYTHON'
import base64, json, os
names = [base64.b64decode(e["path_base64"]) for e in json.load(open("answer"))["entries"]]
print("exact" if names == sorted(os.listdir(b"odd")) else names)
PYTHON
t cat a.bfc "$(printf 'no\033[31m\377')"
t "$(printf 'no\033[31m')"
