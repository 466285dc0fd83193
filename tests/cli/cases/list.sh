# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Names, long lines, checksums; paths that are not there.
make_tree tree
t create a.bfc tree
t list a.bfc
t list a.bfc bin -dash
t list a.bfc -- bin -dash
t list -l a.bfc | sed_owner
t list -lc a.bfc bin | sed_owner
t list -c a.bfc bin
t list a.bfc etc nothing bin nothing/more
t list a.bfc /etc/ ./bin/link
t list a.bfc etc/motd/more
t list nothing.bfc
t list tree
t list tree/etc/motd
