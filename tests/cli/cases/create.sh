# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What create stores under which name.
make_tree tree
t create one.bfc tree
t list one.bfc
t create two.bfc tree/etc tree/bin/tool
t list two.bfc
t create three.bfc -C tree etc/motd
t list three.bfc
t create four.bfc -C tree etc
t list four.bfc
t create one.bfc tree
t create -f one.bfc tree/etc
t list one.bfc
t create bad.bfc nothing
t create bad.bfc tree/../tree/etc tree/bin
t create nowhere/bad.bfc tree
t create five.bfc tree --exclude motd --exclude 'bin/*'
t list five.bfc
printf '# patterns\n\nbin\nm?td\n' >patterns
t create -f five.bfc tree --exclude-from patterns
t list five.bfc
t create -f five.bfc tree --exclude-from nothing
printf 'files: %s\n' "$(echo *.bfc)"
