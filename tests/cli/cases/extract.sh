# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Where things come out, and what is in the way.
make_tree tree
t create a.bfc tree
mkdir work
(cd work && t extract ../a.bfc)
(cd work && find . | LC_ALL=C sort)
t extract a.bfc -C work
t extract -f a.bfc -C work
t extract a.bfc -C out bin/tool etc
find out | LC_ALL=C sort
t extract a.bfc -C out2 nothing
t extract --json a.bfc -C out3
t extract -v a.bfc -C out4
