#!/bin/sh
# Behind `make portable` and `make dist-portable`.
#   portable.sh check PROGRAM...                       they ask for nothing but parts of glibc; says how old it may be
#   portable.sh pack SOURCE DIR VERSION LINKER-FLAG... the programs of DIR and what belongs to them, as a tarball
set -u
LC_ALL=C
export LC_ALL
: "${READELF:=readelf}" "${CC:=cc}"

die() { echo "portable.sh: $*" >&2; exit 1; }

glibc_of() { # PROGRAM: the newest version of glibc that it names
    "$READELF" -V "$1" | sed -n 's/.*Name: GLIBC_\([0-9.]*\) .*/\1/p' | sort -t . -k 1,1n -k 2,2n -k 3,3n | tail -n 1
}

check() {
    for program in "$@"; do
        "$READELF" -d "$program" > /dev/null || die "$program cannot be read"
        for library in $("$READELF" -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
            case $library in
            libc.so.6 | libm.so.6 | ld-linux*.so.? | libdl.so.2 | libpthread.so.0 | librt.so.1 | libresolv.so.2) ;;
            *) die "$program needs $library, which is no part of glibc" ;;
            esac
        done
        version=$(glibc_of "$program")
        [ -n "$version" ] || die "$program names no version of glibc"
        echo "$program: glibc $version or later, nothing else"
    done
}

# --- notices -----------------------------------------------------------------------------------------------------------

# What is known of each library that may be inside: its name, its licence, the files of licences/ that go with it.
known() { # LIBRARY
    case $1 in
    fcgi) echo "FastCGI development kit|FastCGI licence|" ;;
    json-c) echo "json-c|MIT|" ;;
    sqlite3) echo "SQLite|public domain|" ;;
    inih) echo "inih|BSD, 3 clauses|" ;;
    ssl | crypto) echo "OpenSSL|Apache 2.0|Apache-2.0" ;;
    crypt) echo "libxcrypt|LGPL 2.1 or later; parts BSD and public domain|LGPL-2.1" ;;
    unistring) echo "GNU libunistring|LGPL 3 or later, or GPL 2 or later|LGPL-3 GPL-3 GPL-2" ;;
    mariadb) echo "MariaDB Connector/C|LGPL 2.1 or later|LGPL-2.1" ;;
    z) echo "zlib|zlib licence|" ;;
    *) die "nothing is known of the licence of lib$1" ;;
    esac
}

package_of() { # LIBRARY: the Debian package whose static library was linked
    file=$(realpath "$($CC -print-file-name="lib$1.a")") || die "lib$1.a is not there"
    dpkg-query -S "$file" 2>/dev/null | sed -n 's/^\([^ :]*\).*/\1/p' | head -n 1
}

notices() { # TO-DIR LINKER-FLAG...
    to=$1 seen=' '
    shift
    command -v dpkg-query > /dev/null || die "the licences of the libraries are taken from Debian's packages, and there is no dpkg here"
    for flag in "$@"; do
        case $flag in -lm | -ldl | -lrt | -lpthread) continue ;; -l*) ;; *) continue ;; esac
        row=$(known "${flag#-l}") || exit 1
        package=$(package_of "${flag#-l}")
        [ -n "$package" ] || die "no package has lib${flag#-l}.a"
        case $seen in *" $package "*) continue ;; esac
        seen="$seen$package "
        name=${row%%|*} texts=${row##*|} licence=${row#*|}
        printf '%s\n    %s, as %s %s\n    licence: %s\n\n' "$name" "lib${flag#-l}.a" "$package" \
            "$(dpkg-query -W -f '${Version}' "$package")" "${licence%|*}" >> "$to/list"
        printf '%s\n%s\n%s\n\n' "$rule" "$name" "$rule" >> "$to/texts"
        cat "/usr/share/doc/$package/copyright" >> "$to/texts" || die "$package has no copyright file"
        echo >> "$to/texts"
        for text in $texts; do cp "/usr/share/common-licenses/$text" "$to/licences/" || die "the text of $text is missing"; done
    done
}

write_notices() { # DIR LINKER-FLAG...
    rule=$(printf '%072d' 0 | tr 0 -)
    work=$1/.notices root=$1
    shift
    mkdir -p "$work/licences" || exit 1
    (notices "$work" "$@") || exit 1
    {
        cat <<END
latchkey is under the MIT licence, see LICENSE. Both programs of sbin/ hold the libraries named here, unchanged and as
Debian built them. What their authors ask to be passed on follows after the list; texts of licences that it names in
/usr/share/common-licenses are in licences/.

libxcrypt, libunistring and MariaDB Connector/C are under the LGPL. Their sources are the source packages of Debian 12 in
the versions named here. Who changed one of them makes the programs anew with it by \`make portable\`, out of the source of latchkey,
latchkey-$VERSION.tar.gz, which is to be had where this came from.

END
        cat "$work/list" "$work/texts"
    } > "$root/NOTICES" && mv "$work/licences" "$root/licences" && rm -r "$work"
}

# --- the tarball -------------------------------------------------------------------------------------------------------

# The same source gives the same tarball: the time of all files is that of the last change.
time_of() { # SOURCE
    if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then echo "$SOURCE_DATE_EPOCH"; return; fi
    git -C "$1" log -1 --format=%ct 2>/dev/null || stat -c %Y "$1/configure.ac"
}

put() { # MODE FROM TO
    cp "$2" "$3" && chmod "$1" "$3" || die "cannot pack $2"
}

# README and so on, and what goes into a site: those of mod_fcgid in site/fcgid, those of plain CGI in site/cgi.
files() { # SOURCE TO-DIR
    glibc=$(glibc_of "$2/sbin/latchkey")
    sed -e "s|@VERSION@|$VERSION|g" -e "s|@GLIBC@|$glibc|g" "$1/conf/portable/README.md" > "$2/README.md" || exit 1
    put 755 "$1/conf/portable/setup" "$2/setup"
    put 644 "$1/conf/portable/latchkey.conf" "$2/latchkey.conf"
    put 644 "$1/LICENSE" "$2/LICENSE"
    put 644 "$1/CHANGELOG.md" "$2/CHANGELOG.md"
    mkdir "$2/site" || exit 1
    cp -R "$1/conf/shared-hosting" "$2/site/fcgid" && cp -R "$1/conf/plain-cgi" "$2/site/cgi" || exit 1
    # scripts are run where they are copied to
    find "$2/site" -type f | while IFS= read -r file; do
        IFS= read -r first < "$file"
        case $first in '#!'*) chmod 755 "$file" ;; *) chmod 644 "$file" ;; esac
    done
}

pack() {
    source=$1 programs=$2 VERSION=$3
    shift 3
    name=latchkey-$VERSION-portable-$($CC -dumpmachine | cut -d - -f 1)
    rm -rf "${programs:?}/$name"
    mkdir -p "$programs/$name/sbin" || exit 1
    for program in latchkey latchkeyctl; do
        put 755 "$programs/$program" "$programs/$name/sbin/$program"
    done
    files "$source" "$programs/$name"
    write_notices "$programs/$name" "$@"
    find "$programs/$name" -type d -exec chmod 755 {} + && find "$programs/$name" -type f ! -perm -u+x -exec chmod 644 {} +
    tar -C "$programs" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(time_of "$source")" --format=ustar \
        -cf - "$name" | gzip -9n > "$name.tar.gz.tmp" && mv "$name.tar.gz.tmp" "$name.tar.gz" || die "cannot make $name.tar.gz"
    rm -rf "${programs:?}/$name"
    echo "$name.tar.gz"
}

case ${1:-} in
check) shift; check "$@" ;;
pack) shift; pack "$@" ;;
*) die "usage: portable.sh check|pack ..." ;;
esac
