# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Words for what is wrong before any registry is asked.
cat >registries.conf <<'END'
unqualified-search-registries = ["one.example", "two.example"]
short-name-mode = "enforcing"
[[registry]]
location = "blocked.example"
blocked = true
END
export CONTAINERS_REGISTRIES_CONF="$PWD/registries.conf"
t image pull
t image pull Upper/case
t image pull app@sha256:12
t image pull app --policy sometimes
t image pull app --parallel 17
t image pull app --tls-verify=perhaps
t image pull app --as ../app
t image pull app
t image pull blocked.example/app
t image tags blocked.example/app --json
make_tree tree
t image create app tree
t image pull --policy=missing app
t image pull --policy=missing app --json | sed 's/"\(created\|size\|platform\|root_digest\|path\)": [^,}]*/"\1": …/g'
t image push
t image push none registry.example/app
t image push app blocked.example/app
t image push app Upper/case
t image push app registry.example/app --parallel 0
t image push app registry.example/app --compression xz
t image push app registry.example/app --level 3
t image push app registry.example/app --mount-from Not/one
echo 'no toml' >registries.conf
t image tags app
export CONTAINERS_REGISTRIES_CONF="$PWD/nowhere"
t image tags app
