# Shared by quickstart and test: packages and quiet commands. POSIX sh; expects $ROOT.
# shellcheck shell=sh

# What building needs, on Debian.
BUILD_PACKAGES="gcc libc6-dev make autoconf automake pkg-config libfcgi-dev libjson-c-dev libssl-dev libsqlite3-dev
    libinih-dev libunistring-dev libcrypt-dev libmariadb-dev libzxcvbn-dev libcurl4-openssl-dev"

say() { echo "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# Runs a command with its output in a file that is shown only if it fails.
quietly() { # LOG COMMAND...
    quiet_log=$1
    shift
    if "$@" > "$quiet_log" 2>&1 < /dev/null; then return 0; fi
    say "--- failed: $*"
    tail -n 40 "$quiet_log" >&2
    say "--- the whole output is in $quiet_log"
    return 1
}

has_package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Those of the packages that are not installed. Without dpkg nobody knows: the build will tell.
missing_packages() {
    command -v dpkg-query > /dev/null || return 0
    for p in "$@"; do
        has_package "$p" || printf '%s ' "$p"
    done
}

# Installs packages as root or through sudo; otherwise says what is missing and ends. No daemon that a package brings is
# started or enabled: the web servers are run by us, with our configuration only.
install_packages() {
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    as_root=''
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo > /dev/null || die "these packages are missing: $missing
As root: apt-get install --no-install-recommends $missing"
        as_root=sudo
    fi
    say "installing: $missing"
    install_log=$(mktemp "${TMPDIR:-/tmp}/latchkey-install.XXXXXX") || exit 1
    # shellcheck disable=SC2086 # a list of words
    quietly "$install_log" $as_root env DEBIAN_FRONTEND=noninteractive sh "$ROOT/scripts/install-packages" $missing ||
        die "these packages are missing: $missing
As root: apt-get install --no-install-recommends $missing"
    rm -f "$install_log"
}

# Builds into a directory, from whatever state it is in. An in-source build is used where there is one, because
# configure refuses to work beside it.
build_into() { # DIR LOG-DIR [make arguments...]
    build_dir=$1 build_logs=$2
    shift 2
    if [ ! -x "$ROOT/configure" ] || [ -n "$(find "$ROOT/configure.ac" -newer "$ROOT/configure")" ]; then
        (cd "$ROOT" && quietly "$build_logs/autogen.log" ./autogen.sh) || return 1
    fi
    mkdir -p "$build_dir" || return 1
    if [ ! -f "$build_dir/config.status" ]; then
        # shellcheck disable=SC2086 # $CONFIGURE_WITH is a list of words
        (cd "$build_dir" && quietly "$build_logs/configure.log" "$ROOT/configure" ${CONFIGURE_WITH:-}) || return 1
    fi
    (cd "$build_dir" && quietly "$build_logs/make.log" make -j"$(nproc)" "$@")
}
