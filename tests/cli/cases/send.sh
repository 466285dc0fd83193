# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# A store in a directory has no streams: images come and go as container files.
make_tree tree
t image create app tree
t image send app | wc -c
t image send --all -o stream
t image send app --have 12
t image send app -o /dev/null
t image send app -o tree
t image send app -o tree/etc/motd
t image send app -o nothing/stream
t image receive </dev/null
t image receive - --json </dev/null
t image receive nothing
printf 'left behind: %s\n' "$(ls -A)"
