# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Logins, as far as no registry is asked.
cat >registries.conf <<'EOF'
[[registry]]
location = "blocked.example"
blocked = true
EOF
export CONTAINERS_REGISTRIES_CONF="$PWD/registries.conf" REGISTRY_AUTH_FILE="$PWD/auth.json" HOME="$PWD" \
    XDG_CONFIG_HOME="$PWD" XDG_RUNTIME_DIR="$PWD"
t login
t login --password-stdin registry.example
t login --get-login --username me registry.example
t login --tls-verify=perhaps registry.example
t login --get-login 'not a name'
t login --get-login https://registry.example
t login --get-login registry.example/app:tag
printf 'secret\n' | t login --username me --password-stdin blocked.example
printf 'secret\n' | t login --username me:you --password-stdin registry.example
printf '\n' | t login --username me --password-stdin registry.example
t login --get-login registry.example
t logout registry.example --json
t logout --all registry.example
t logout --all
cat >auth.json <<'EOF'
{"auths": {"registry.example": {"auth": "bWU6c2VjcmV0"}, "other.example/path": {"auth": "eW91OnNlY3JldA=="}}, "else": 1}
EOF
t login --get-login registry.example
t login --get-login REGISTRY.example/some/path --json
t login --get-login other.example/path
t logout registry.example
t logout other.example --json
cat auth.json
t logout other.example/path --json
t logout --all
cat auth.json
sed -i '1i unqualified-search-registries = ["registry.example", "other.example"]' registries.conf
t login --get-login
