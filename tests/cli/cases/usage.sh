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
t create x.bfc --profile tiny .
t create x.bfc --profile archive --low-memory .
t compact x.bfc
t verify --root-digest 12 x.bfc
t --color=blue list x
t --progress=loud list x
t -j 0 list x
t -j x list x
t help nothing
t completion tcsh
t image create x
t image create x y z
t image create x . --max-size 1X
t image create x . --max-size=0
t image create x . --max-size
t image create x . --all-platform
t image create UPPER .
t image extract x foo:tank/c1
t image extract x ubuntu:20
t image extract x zfs:
t image extract x dir:
t image extract x y -o
t image extract x y -o quota
t image extract x y -o =1
t image extract x y -o -x=1
t image extract x y -o 'a b=1'
t image extract x y -o atime=on -o mountpoint=/srv
t image extract x y -o bfc:image=x
t image extract x y --mountpoint srv
t image extract x y --mountpoint=
t image extract x y --copies
t image create x . -o quota
t image create x . -o mountpoint=/srv
t image create x . -o bfc:image=y
t image delete
t image delete x --wait --lazy
t image history
t image history x y
t image rollback x
t image rollback x abc
t image rollback x 4F2A
t image send
t image send x y
t image send x --all
t image send x --have
t image send x -o
t image receive x y
t image receive --force=3 x
t --store foo:x image list
t --store zfs: image list
t --store zfs:tank/ image list
t image export x
t image export x y --unknown
t image export x y -c lzma
t image export x y --level 3
t image export x y -c none --level 3
t image export x y -c gzip --level 10
t image export x y -c zstd --level 20
t image bundle x
t image bundle x y --rootful
t image bundle x y --hostname
t image layers
t image layers x y
t image layers x --histroy
t image diff
t image diff x y z
t image diff x -1
t image commit x
t image commit x . --massage y
t image commit x . -m
t image commit x . -c lzma
t image commit x . --as
t image squash
t image squash x y
t image squash x --form y
t image rebase x
t image rebase x y --form z
t image rebase x y --from
t image config
t image config x y
t image config x --comand ls
t image config x --cmd '["ls", 1]'
t image config x --cmd '[ls]'
t image config x --cmd '["ls"]' --cmd -l
t image config x --manifest --user root
t image config x -m 'nothing to say'
t image config x --as y
printf 'left behind: %s\n' "$(ls)"
