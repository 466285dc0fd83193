# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Wrong command lines: exit code 2, a message that names the word, and the way to help.
t
t image
t foo
t crate
t image lst
t list
t list --lnog x
t list --lon x
t list -z x
t -l list x
t info a b c
t list --json=3 a
t list --at
t create
t create x.bfc
t create x.bfc -b 3K .
t create x.bfc -b 5000 .
t create x.bfc -b 8M .
t create x.bfc -c lzma .
t create x.bfc -c zstd:20 .
t create x.bfc -e .
t compact x.bfc
t verify --root-digest 12 x.bfc
t --color=blue list x
t --progress=loud list x
t -j 0 list x
t -j x list x
t help nothing
t completion tcsh
t image create x oci:layout
t image create x dir:
t image create UPPER .
t image extract x zfs:tank/c1
printf 'left behind: %s\n' "$(ls)"
