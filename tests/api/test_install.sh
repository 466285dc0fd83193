#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `meson install` puts in place, and that a program builds with it: against the shared
# library and against the static one.
# usage: test_install.sh BUILD_DIR CC
set -euo pipefail
build=$1
cc=$2
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

DESTDIR=$top/dest meson install -C "$build" --no-rebuild --quiet >"$top/log" 2>&1 ||
    { cat "$top/log"; fail "meson install failed"; }

# Exactly one file below the target matches each pattern.
have() { # find's -path pattern
    local -a found
    mapfile -t found < <(find "$top/dest" -path "$top/dest/*/$1")
    ((${#found[@]} == 1)) || fail "installed: ${#found[@]} files match '$1'"
    printf '%s\n' "${found[0]}"
}
program=$(have 'bin/bfc')
shared=$(have '*/libbfc.so')
have '*/libbfc.so.[0-9]' >/dev/null
have '*/libbfc.a' >/dev/null
config=$(have '*/pkgconfig/bfc.pc')
for header in bfc container err hooks image keys registry sign store version; do
    have "include/bfc/$header.h" >/dev/null
done
have '*/man1/bfc.1*' >/dev/null
have '*/bash-completion/completions/bfc' >/dev/null
have '*/zsh/site-functions/_bfc' >/dev/null
have '*/fish/vendor_completions.d/bfc.fish' >/dev/null
if find "$top/dest" -path '*/include/*' -type f ! -path '*/include/bfc/*' | grep .; then
    fail "installed: headers outside of bfc/"
fi

lib=$(dirname "$shared")

# libcurl, libcrypto and what they bring along are loaded when they are needed: linked, they would make each start slower.
for file in "$program" "$shared"; do
    if readelf -d "$file" | grep -E 'NEEDED.*lib(curl|ssl|crypto)'; then
        fail "installed: $file is linked with what is to be loaded when it is needed"
    fi
done

version=$(sed -n 's/^Version: //p' "$config")
LD_LIBRARY_PATH=$lib "$program" --version | grep -qF "$version" ||
    fail "the installed program does not tell version $version"

cat >"$top/tiny.c" <<'PROGRAM'
#include <bfc/bfc.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    bfc_reader *reader = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_reader_open("/nonexistent", NULL, &reader, &err) != BFC_E_NOT_FOUND)
        return 1;
    return puts(bfc_version()) < 0 || strcmp(bfc_version(), BFC_VERSION_STRING) != 0;
}
PROGRAM

# The .pc file names the prefix; the folder it was put below stands before all of it.
prefix=$(sed -n 's/^prefix=//p' "$config")
here=$top/dest$prefix
export PKG_CONFIG_PATH=${config%/*}
read -ra flags < <(pkg-config --define-variable=prefix="$here" --cflags --libs bfc)
read -ra compiler <<<"$cc"
"${compiler[@]}" -Wall -Wextra -Werror "$top/tiny.c" "${flags[@]}" -o "$top/tiny-shared"
[[ $(LD_LIBRARY_PATH=$lib "$top/tiny-shared") == "$version" ]] ||
    fail "a program with the shared library does not run"

rm "$lib"/libbfc.so*
read -ra flags < <(pkg-config --define-variable=prefix="$here" --static --cflags --libs bfc)
"${compiler[@]}" -Wall -Wextra -Werror "$top/tiny.c" "${flags[@]}" -o "$top/tiny-static"
[[ $("$top/tiny-static") == "$version" ]] || fail "a program with the static library does not run"
echo "installed: $(find "$top/dest" -type f | wc -l) files beside the shared library"
