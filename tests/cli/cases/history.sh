# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# append, log, --at, compact, recover.
make_tree tree
t create a.bfc tree
printf 'new\n' >tree/etc/motd
t append a.bfc -C tree etc/motd
t cat a.bfc etc/motd
t cat a.bfc --at 1 etc/motd
t log a.bfc
t log --json a.bfc | grep -c root_digest
digest=$(bfc log --json a.bfc | sed -n 's/.*"seq":1,.*"root_digest":"\([0-9a-f]*\)".*/\1/p')
test "$(bfc cat --at "$(printf %.12s "$digest")" a.bfc etc/motd)" = hello && echo 'found by its digest'
t list --at 3 a.bfc
t compact a.bfc -o b.bfc
t compact a.bfc -o b.bfc
t compact -f --at 1 a.bfc -o b.bfc
t cat b.bfc etc/motd
t recover a.bfc
head -c 5000 /dev/zero >>a.bfc
t recover -n a.bfc
t verify a.bfc
t recover a.bfc
t -q recover a.bfc
t append nothing.bfc tree
t log nothing.bfc
t recover tree/etc/motd
