# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Lists of images: what is wrong in them, and in how they are called.
printf 'unqualified-search-registries = ["one.example", "two.example"]\nshort-name-mode = "enforcing"\n' >registries.conf
export CONTAINERS_REGISTRIES_CONF="$PWD/registries.conf"
t image sync
t image sync nothing.list
t image sync --list= images.list
t image sync --parallel 0 images.list
: >images.list
t image sync images.list
t image sync --prune --json images.list | sed 's/"store": "[^"]*"/"store": …/'
printf '# comment\n\nq.example/app:1 as=../x\n' >images.list
t image sync images.list
printf 'q.example/app:[1 # x\n' >images.list
t image sync images.list
printf 'q.example/app:1 newest=3\n' >images.list
t image sync images.list
printf 'q.example/app:1 as=a\nq.example/app:* as=a:1\n' >images.list
t image sync images.list
printf 'app:1\n' >images.list
t image sync images.list
t image sync images.list --json | sed 's/"store": "[^"]*"/"store": …/'
t image sync -k images.list
