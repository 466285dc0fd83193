# shellcheck shell=bash
# Shared by the scripts in this folder; source it, do not run it. It holds the one list of Debian
# packages, and the small words that the scripts are written in.

PROJECT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C

# What a build needs, what a real root file system needs, and what the tests need beside them.
# shellcheck disable=SC2034 # the scripts pick the lists that they need
{
    BUILD_PACKAGES=(meson ninja-build pkg-config gcc libc6-dev libzstd-dev libisal-dev libssl-dev
        libsodium-dev libjansson-dev libcurl4-openssl-dev)
    ROOTFS_PACKAGES=(debootstrap rsync)
    TEST_PACKAGES=(g++ clang llvm libclang-rt-14-dev libcmocka-dev python3 libarchive-tools attr acl
        libcap2-bin squashfs-tools zstd strace xfsprogs e2fsprogs btrfs-progs mandoc man-db
        shellcheck procps valgrind skopeo umoci podman buildah busybox-static crun runc
        golang-1.19-src libpython3.11-testsuite zfs-fuse argon2 docker-registry openssl nghttp2-server
        golang-github-cloudflare-circl-dev librust-hkdf-dev)
    ZFS_TEST_PACKAGES=(python3 rsync libarchive-tools attr acl libcap2-bin strace procps umoci skopeo
        busybox-static)
    FORMAT_PACKAGES=(clang-format)
    COVERAGE_PACKAGES=(gcovr)
}

# ── Words ────────────────────────────────────────────────────────────────────────────────────

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' RED=$'\e[31m' PLAIN=$'\e[0m'
else
    BOLD='' RED='' PLAIN=''
fi

say() {
    printf '%s==>%s %s\n' "$BOLD" "$PLAIN" "$*"
}

warn() {
    printf '%s==> %s%s\n' "$RED" "$*" "$PLAIN" >&2
}

die() {
    warn "$@"
    exit 1
}

show() {
    printf '  $'
    printf ' %q' "$@"
    printf '\n'
}

# Shows a command and runs it.
run() {
    show "$@"
    "$@"
}

# The same; what the command says is shown only if it fails.
quietly() {
    local log rc=0
    show "$@"
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || rc=$?
    ((rc == 0)) || tail -n 60 "$log" >&2
    rm -f "$log"
    return "$rc"
}

# ── Being root ───────────────────────────────────────────────────────────────────────────────

# What stands before a command that only root may run.
ROOT=()
((EUID == 0)) || ROOT=(sudo)

# True if a command with ROOT before it can work: sudo asks nothing, or there is somebody to ask.
can_be_root() {
    ((EUID == 0)) && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || [[ -t 0 ]]
}

need_root() { # what for
    can_be_root || die "root is needed to $1: run this as root, or install sudo"
}

# ── Debian packages ──────────────────────────────────────────────────────────────────────────

missing_packages() {
    local package status
    for package in "$@"; do
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=none
        [[ $status == installed ]] || printf '%s\n' "$package"
    done
}

# True if apt's lists know every package named.
known_packages() {
    local package
    for package in "$@"; do
        apt-cache policy "$package" 2>/dev/null | grep -q '^  Candidate: [^(]' || return 1
    done
}

apt_get() {
    quietly "${ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@"
}

# Installs what is missing, from the sources that the machine is set up with.
install_packages() {
    local -a missing
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then
        say "Debian packages: all $# are there"
        return 0
    fi
    command -v apt-get >/dev/null ||
        die "this machine has no apt-get; install what corresponds to: ${missing[*]}"
    need_root "install ${missing[*]}"
    say "Debian packages to install: ${missing[*]}"
    if ! known_packages "${missing[@]}"; then
        apt_get update || die "apt-get update failed"
    fi
    if ! apt_get install -y --no-install-recommends "${missing[@]}"; then
        say "apt's lists may be old, and name versions that are gone: once more with new ones"
        apt_get update || die "apt-get update failed"
        apt_get install -y --no-install-recommends "${missing[@]}" || die "apt-get install failed"
    fi
}

# The mirror and suite that this machine's apt takes its own release from: "URI SUITE". apt reads
# its own configuration, in whatever form it is written; it answers only when it has lists.
debian_source() {
    local suite
    # shellcheck source=/dev/null
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    [[ -n $suite ]] || return 1
    # shellcheck disable=SC2016 # the $(…) are apt's own
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v suite="$suite" '
            !found && $2 == suite && $3 == "main" && $1 ~ /^(https?|file):/ { found = $1 " " $2 }
            END { if (found) print found; else exit 1 }'
}

# The same, with apt's lists fetched if there are none.
find_debian_source() {
    debian_source || { can_be_root && apt_get update >&2 && debian_source; }
}

# ── Building ─────────────────────────────────────────────────────────────────────────────────

# build_in DIR [meson option…] [-- target…]: sets a build folder up once, again when the options are others,
# and brings it up to date.
build_in() {
    local dir=$1
    local -a options=()
    shift
    while (($#)) && [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    if [[ ! -f $dir/build.ninja ]]; then
        rm -rf "$dir/meson-private" # of a set-up that was cut off
        quietly meson setup "$dir" "$PROJECT" "${options[@]}" || return 1
    elif [[ "$(cat "$dir/set-up-with" 2>/dev/null)" != "${options[*]}" ]]; then
        quietly meson setup --reconfigure "$dir" "$PROJECT" "${options[@]}" || return 1
    fi
    printf '%s\n' "${options[*]}" >"$dir/set-up-with"
    quietly ninja -C "$dir" "${@:2}"
}

# Runs a command with the addresses of the process laid out in a fixed way, where that is allowed:
# the sanitizers of gcc 12 and clang 14 cannot place their shadow beside every random layout.
plain_layout() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}
