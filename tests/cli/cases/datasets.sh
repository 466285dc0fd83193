# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What only datasets have is refused where there is none, before anything is written.
make_tree tree
t image create -o recordsize=32K app tree
t image create app tree
t image create -f -o recordsize=32K -o atime=on app tree
t image extract --mountpoint "$PWD/elsewhere" app out
t image extract --mountpoint none app dir:out
t image extract -p app out
t image extract --copy app ./out
t image extract -o quota=1G --property canmount=noauto app out
t image extract nothing zfs:tank/c1
t image extract app pool/c:1
find . -path ./tree -prune -o -path ./store -prune -o -print | LC_ALL=C sort
