# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Standard output that cannot be written is a failure; a reader that has enough is none of ours.
make_tree tree
t create a.bfc tree
for words in 'list a.bfc' 'info a.bfc' 'cat a.bfc bin/tool' '--help' 'list --json a.bfc' 'log a.bfc' 'image list'; do
    # shellcheck disable=SC2086 # words
    bfc $words >/dev/full
    echo "$words: $?"
done
mkdir many
i=0
while [ $i -lt 9000 ]; do
    echo "many/a-file-with-a-long-name-$i"
    i=$((i + 1))
done | xargs touch
t create b.bfc many
{ bfc list b.bfc; echo "died: $?" >&2; } | head -n 1
(trap '' PIPE; bfc list b.bfc; echo "failed: $?" >&2) | head -n 1
bfc cat a.bfc bin/tool | cmp - tree/bin/tool && echo whole
