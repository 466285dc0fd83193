# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What is wrong is named, with exit code 3.
make_tree tree
t create -c none a.bfc tree
t verify a.bfc
t verify --deep a.bfc
t -q verify a.bfc
digest=$(bfc info --json a.bfc | sed -n 's/.*"root_digest": "\(.*\)".*/\1/p')
bfc verify -q --root-digest "$digest" a.bfc && echo 'the right digest'
bfc verify -q --root-digest "$(printf %064d 0)" a.bfc 2>/dev/null || echo "another digest: $?"
at=$(grep -abo 'one two' a.bfc | cut -d: -f1)
printf X | dd of=a.bfc bs=1 seek="$at" conv=notrunc 2>/dev/null
t verify a.bfc
t verify --deep a.bfc
t verify --deep --json a.bfc
t cat a.bfc etc/motd bin/tool
t verify nothing.bfc
t verify --json nothing.bfc
t verify tree/etc/motd
