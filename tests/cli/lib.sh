# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Read before each case. The cases run in an empty folder with bfc in PATH.

# Runs bfc and tells its exit code. The command stands on both streams, so that it is seen which
# line of stderr belongs to which.
t() {
    printf '$ bfc %s\n' "$*"
    printf '$ bfc %s\n' "$*" >&2
    bfc "$@"
    printf '[%d]\n' $?
}

# A small tree with fixed times and modes; whoever runs the test owns it.
make_tree() { # folder
    (
        umask 022
        mkdir -p "$1/etc" "$1/bin" "$1/empty"
        printf 'hello\n' >"$1/etc/motd"
        printf 'one two three\n' >"$1/bin/tool"
        ln "$1/bin/tool" "$1/bin/again"
        ln -s ../etc/motd "$1/bin/link"
        printf 'd' >"$1/-dash"
        mkfifo "$1/pipe"
        chmod 4755 "$1/bin/tool"
        find "$1" -depth -exec touch -h -d @1000000000 {} +
    )
}

# Owners as they are for everybody: root's, whoever runs the test.
sed_owner() {
    sed "s/^\([^ ]* *[0-9]*\) *$(id -u) *$(id -g) /\1 USER GROUP /"
}
