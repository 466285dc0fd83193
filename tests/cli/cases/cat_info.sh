# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Contents and facts.
make_tree tree
truncate -s 1M tree/sparse
printf end >>tree/sparse
touch -d @1000000000 tree/sparse tree
t create a.bfc tree
t cat a.bfc etc/motd bin/tool
t cat a.bfc sparse | wc -c
t cat a.bfc bin/link
t cat a.bfc etc
t cat a.bfc pipe nothing etc/motd
t info a.bfc
t info a.bfc bin/tool
t info a.bfc bin/link
t info a.bfc sparse
t info a.bfc /
t info a.bfc nothing
t info --json a.bfc etc/motd
t info --json a.bfc
# One tree, and none other.
t cat --tree 0 a.bfc etc/motd
t cat --tree 1 a.bfc etc/motd
t info --tree 1 a.bfc etc/motd
t list --tree x a.bfc
t extract --tree=4294967296 a.bfc -C out
