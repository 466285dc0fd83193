#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every shell script of the project passes shellcheck, and those that people call explain themselves.
# usage: test_scripts.sh SOURCE_ROOT
set -euo pipefail
cd "$1"

command -v shellcheck >/dev/null || { echo "shellcheck is not installed"; exit 77; }
mapfile -d '' -t scripts < <(
    grep -rlZE '^#!.*\b(ba)?sh$' .ci scripts tests fuzz bench --exclude-dir='.*'
)
scripts+=(scripts/lib.sh)
((${#scripts[@]} >= 6)) || { echo "only ${#scripts[@]} scripts found"; exit 1; }
shellcheck --severity=info -x "${scripts[@]}"

for name in quickstart test test-openzfs fuzz format coverage; do
    scripts/$name --help | grep -q "usage: scripts/$name" ||
        { echo "scripts/$name --help does not show its usage"; exit 1; }
done
for name in quickstart test test-openzfs format; do
    if scripts/$name --no-such-option >/dev/null 2>&1; then
        echo "scripts/$name takes an option that it does not know"
        exit 1
    fi
done
echo "${#scripts[@]} scripts"
