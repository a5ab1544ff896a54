#!/bin/sh
# Reads the include lines of src/ and include/: no layer may include a higher one, and each third-party header belongs to
# the one layer that hides it. Says what it has read, so that an empty reading is a failure and not a success.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 1

# Layers a file of the layer may include from. http and mail stand beside db, store and auth; only app joins them.
allowed() {
    case $1 in
    base) echo "base" ;;
    conf) echo "base conf" ;;
    crypto) echo "base conf crypto" ;;
    db) echo "base conf crypto db" ;;
    store) echo "base conf crypto db store" ;;
    auth) echo "base conf crypto db store auth" ;;
    http) echo "base conf crypto http" ;;
    mail) echo "base conf crypto mail" ;;
    app) echo "base conf crypto db store auth http mail app" ;;
    ctl | main) echo "base conf crypto db store auth http mail app main" ;;
    esac
}

# Layers that may include a third-party header; "any" is the C library and the system.
owner() {
    case $1 in
    ini.h) echo conf ;;
    openssl/* | crypt.h | unicase.h | uniconv.h | uninorm.h | unistr.h | unitypes.h | unistring/* | zxcvbn.h) echo crypto ;;
    sqlite3.h | mysql.h | errmsg.h) echo db ;;
    curl/* | dlfcn.h) echo mail ;;
    fcgiapp.h | fcgi_stdio.h | fcgios.h | fcgi_config.h) echo http ;;
    json-c/* | json.h) echo "http app" ;;
    assert.h | ctype.h | errno.h | float.h | inttypes.h | iso646.h | limits.h | malloc.h | math.h | setjmp.h | signal.h | stdalign.h | \
        stdarg.h | stdatomic.h | stdbool.h | stddef.h | stdint.h | stdio.h | stdlib.h | stdnoreturn.h | string.h | time.h) echo any ;;
    arpa/* | dirent.h | endian.h | fcntl.h | getopt.h | grp.h | ifaddrs.h | linux/* | netdb.h | netinet/* | poll.h | pwd.h | \
        sched.h | spawn.h | strings.h | sys/* | sysexits.h | syslog.h | termios.h | unistd.h) echo any ;;
    *) echo none ;;
    esac
}

# Files directly below src/ and include/ are main's; src/ctl/ is the other program.
layer_of() {
    case ${1#*/} in
    */*) rest=${1#*/}; echo "${rest%%/*}" ;;
    *) echo main ;;
    esac
}
# The layer of an included header of ours: "auth/auth.h" is auth's, "process.h" main's.
layer_of_header() {
    case $1 in */*) echo "${1%%/*}" ;; *) echo main ;; esac
}

has() { # WORD LIST
    case " $2 " in *" $1 "*) return 0 ;; esac
    return 1
}

faults=0 lines=0 files=0
fault() { echo "$1: $2"; faults=$((faults + 1)); }

# json-c is for building answers in app and for the wire in http; ctl prints --json with it.
check_system() { # FILE LAYER HEADER
    who=$(owner "$3")
    case $who in
    any) return ;;
    none) fault "$1" "<$3> is no header this project uses" ;;
    *) has "$2" "$who" || { [ "$2" = ctl ] && has app "$who"; } || fault "$1" "<$3> may be included in $who only" ;;
    esac
}

check_own() { # FILE LAYER HEADER
    [ -f "include/$3" ] || [ -f "$(dirname "$1")/$3" ] || { fault "$1" "\"$3\" does not exist below include/"; return; }
    has "$(layer_of_header "$3")" "$(allowed "$2")" || [ "$(layer_of_header "$3")" = "$2" ] || fault "$1" "\"$3\" is above layer $2"
}

check_file() { # FILE
    layer=$(layer_of "$1")
    [ -n "$(allowed "$layer")" ] || { fault "$1" "$layer is no layer"; return; }
    files=$((files + 1))
    # shellcheck disable=SC2013 # names of headers hold no blanks
    for inc in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<][^">]*[">]\).*/\1/p' "$1"); do
        lines=$((lines + 1))
        name=${inc#?}
        name=${name%?}
        case $inc in
        '<'*) check_system "$1" "$layer" "$name" ;;
        *) check_own "$1" "$layer" "$name" ;;
        esac
    done
}

list=$(find src include -name '*.[ch]' -o -name '*.def' | sort)
for f in $list; do check_file "$f"; done
# Every layer must have been seen, or the tree is not what this script thinks it is.
for l in base conf crypto db store auth http mail app; do
    [ -n "$(find "src/$l" -name '*.c' 2>/dev/null)" ] || fault "src/$l" "no files found"
done
[ "$lines" -gt 50 ] || fault "layers.sh" "only $lines include lines found"
echo "layers: $lines include lines in $files files"
[ "$faults" -eq 0 ] && echo "1 passed, 0 failed" && exit 0
echo "0 passed, $faults failed"
exit 1
