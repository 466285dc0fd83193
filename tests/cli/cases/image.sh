# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# The life of images in a store.
make_tree tree
t image list
t image create debian:12 tree
t image create debian:12 dir:tree
t image create -f debian:12 tree
t image create other/app dir:tree
t image create third nothing
t image create third tree/etc/motd
t image list -q | sort
t image list | sort
t image info debian:12
t image info nothing
t image layers debian:12
t image config debian:12
t image tag debian:12 debian:latest
t image tag debian:12 debian:latest
t image tag -f debian:12 debian:latest
t image verify --deep debian:latest
t image extract debian:12 out
t image extract debian:12 out
t image extract -f debian:12 dir:out
t image df
t image delete -n debian:12 nothing
t image delete nothing debian:12 BAD other/app
t image list -q
t image prune -n
t image prune
t --store dir:elsewhere image list -q
t --store zfs:/tank image list
BFC_STORE=zfs:/tank t image list
