# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# How options may be written: bundled, with = or a blank, before and after the command, -- before names.
make_tree tree
t create -fcnone a.bfc tree
t create -f --compression none --block-size=4K a.bfc tree
t create -f --low-memory a.bfc tree
t create -f --profile archive -c zstd:1 a.bfc tree
t -q create -f -- a.bfc tree
t list --null --at=1 a.bfc bin | tr '\0' '#'
echo
t list a.bfc -- -dash
t -- list a.bfc empty
t list a.bfc --at 1 empty
(cd tree && t create ../b.bfc -- -dash && t create -f ../b.bfc ./-dash)
t list b.bfc
t --version
t --version --json
t list --help --version >help
head -n 1 help | cat
