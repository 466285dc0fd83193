# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A store in a directory has of each image the version that is current, and no others; and how an image is deleted.
make_tree tree
export SOURCE_DATE_EPOCH=1234567890
t image create --reproducible app tree
t image history app
t -q image history app
t image history --json app
t image history nothing
digest=$(bfc -q image history app)
t -v image rollback app "$digest"
t image rollback --json app "$(printf %.4s "$digest")" | grep schema
t image rollback app 0123456789ab
t image rollback nothing "$digest"
printf 'more\n' >>tree/etc/motd
t image create -f --reproducible app tree
t image history app
t image rollback app "$digest"
t image info --json app | grep mismatch
t -v image verify --repair app
t image delete -n app
t image delete --json -n app
t -q image delete -n app
t -v image delete --wait app
t image create app tree
dd if=/dev/zero of=store/app:latest/app:latest.bfc bs=4096 count=3 2>/dev/null
t image delete -n app
t image delete --lazy app
t image list
