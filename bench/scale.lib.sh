# Shared by bench/scale and bench/sweep: a database server with many sessions in it, whose data can be kept, and latchkeys behind
# nginx that use it. Expects bash and $ROOT; sets $DIR, $DATA, $BUILD, $MYSQL.
# shellcheck shell=bash

# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
# shellcheck source=scripts/processes.sh
. "$ROOT/scripts/processes.sh"
# shellcheck source=bench/ticks.sh
. "$ROOT/bench/ticks.sh"

BEDS=()
GOOD_FOR=$((5 * 86400)) # s that loaded sessions are used for: they live a week

# shellcheck disable=SC2317 # the trap calls it
down() {
    trap - EXIT
    local f
    for f in "$DIR"/*.pid; do stop_one "$f" 10; done
    for f in ${BEDS[@]+"${BEDS[@]}"}; do "$ROOT/scripts/testbed" down "$f"; done
    server_down
    [ "$DATA" = "$DIR/data" ] || say "kept: $DATA"
    rm -rf "$DIR"
}

# open_data DIR or nothing: where the data is, and what is only for this run.
open_data() {
    for p in nginx wrk curl mariadb; do find_program "$p" > /dev/null; done
    BUILD=${LATCHKEY_BUILD:-$ROOT/build}
    [ -x "$BUILD/latchkey" ] || die "latchkey is not built in $BUILD"
    export LATCHKEY_BUILD=$BUILD
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/latchkey-bench.XXXXXX") && chmod 711 "$DIR" || exit 1
    DATA=${1:-$DIR/data}
    mkdir -p "$DATA" && DATA=$(cd "$DATA" && pwd) && chmod 711 "$DATA" || exit 1
    trap down EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    STATE=$DATA/state OWNER=''
    [ "$(id -u)" -ne 0 ] || OWNER=www-data
    [ -d "$STATE" ] || { mkdir -m 700 "$STATE" && { [ -z "$OWNER" ] || chown "$OWNER": "$STATE"; }; } || exit 1
}

# --- the database server -------------------------------------------------------------------------------------------------

server_up() { # MIB of its buffer pool
    POOL=$1
    MYSQL=$("$ROOT/scripts/mariadb" up --dir "$DATA/mariadb" -- --innodb-buffer-pool-size="${POOL}M" --innodb-log-file-size=2G \
        --innodb-flush-log-at-trx-commit=${FLUSH:-2} --innodb-io-capacity=2000 | sed -n 's/^SOCKET=//p')
    [ -n "$MYSQL" ] || die "no database server"
}
server_down() { [ ! -f "$DATA/mariadb/.mariadb" ] || "$ROOT/scripts/mariadb" down --keep "$DATA/mariadb"; }

sql() { mariadb --no-defaults -u root -S "$MYSQL" -N -e "$1" ${2+"$2"}; } # SQL [DATABASE]
status_of() { sql "SHOW GLOBAL STATUS LIKE '$1'" | cut -f 2; }

# --- sessions ------------------------------------------------------------------------------------------------------------

value() { sed -n "s/^$1=//p" <<< "$2"; } # NAME LINES

ctl() { # NAME ARGUMENT...: of the store NAME, a database or sqlite-…; what is loaded is waited for, however busy the disk is
    local name=$1
    shift
    env -u LATCHKEY_BUILD LATCHKEY_LIMITS_REQUEST=120s LATCHKEY_DATABASE_TIMEOUT=60s "$BUILD/latchkeyctl" -c "$DIR/$name.conf" "$@"
}

conf_write() { # NAME
    {
        printf '%s\n' '[auth]' 'base_url = http://127.0.0.1' '[secret]' "file = $STATE/secret" '[pool]' "state = $STATE" "socket = $DIR/none.sock" '[database]'
        case $1 in
        sqlite-*) echo "path = $STATE/$1.db" ;;
        *) printf '%s\n' 'driver = mysql' "hosts = $MYSQL" "name = $1" 'user = root' ;;
        esac
    } > "$DIR/$1.conf"
    chmod 644 "$DIR/$1.conf"
}

# Does the store hold so many sessions that live for some time yet?
is_good() { # NAME N
    [ "$(cat "$STATE/$1.loaded")" = "$2" ] && [ $(($(date +%s) - $(stat -c %Y "$STATE/$1.loaded"))) -le $GOOD_FOR ]
}

# The store NAME with its tables; what is too old in it, or of another size, goes.
store_ready() { # NAME N
    conf_write "$1"
    if [ -f "$STATE/$1.loaded" ] && ! is_good "$1" "$2"; then
        say "$1 is too old or of another size: it is loaded anew"
        rm -f "$STATE/$1".*
        [[ $1 == sqlite-* ]] || sql "DROP DATABASE IF EXISTS $1"
    fi
    [[ $1 == sqlite-* ]] || sql "CREATE DATABASE IF NOT EXISTS $1"
    [ -s "$STATE/secret" ] || secret_make
    ctl "$1" migrate > "$DIR/log" || die "no tables in $1"
}
secret_make() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$STATE/secret" && chmod 600 "$STATE/secret"
    [ -z "$OWNER" ] || chown "$OWNER": "$STATE/secret"
}

# N living sessions in NAME and cookies of them in $STATE/NAME.cookies, unless they are there.
load_living() { # NAME N COOKIES
    local began=$SECONDS
    store_ready "$1" "$2"
    [ ! -f "$STATE/$1.loaded" ] || return 0
    rm -f "$STATE/$1.cookies"
    ctl "$1" load-test-data "$2" --cookies "$STATE/$1.cookies" --count "$3" > "$DIR/log" || die "$1 could not be loaded"
    [[ $1 == sqlite-* ]] || sql "ANALYZE TABLE session, user" "$1" > "$DIR/log"
    echo "$2" > "$STATE/$1.loaded"
    say "$1: loaded in $((SECONDS - began)) s"
}

# --- latchkeys -----------------------------------------------------------------------------------------------------------

bed_up() { # NAME OPTION...: what its testbed says is in $BED
    local name=$1 store=(--store mysql --set "database.name=$1")
    shift
    [[ $name != sqlite-* ]] || store=(--store sqlite --set "database.path=$STATE/$name.db")
    BED=$(LATCHKEY_TEST_MYSQL=$MYSQL "$ROOT/scripts/testbed" up --server nginx --workers 4 --set log.access=off "${store[@]}" \
        --set "secret.file=$STATE/secret" "$@") || die "no testbed"
    BEDS+=("$(value DIR "$BED")")
}

# --- the machine ---------------------------------------------------------------------------------------------------------

machine() {
    echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)," \
        "Linux $(uname -r), MariaDB $(sql 'SELECT VERSION()'), latchkey $(git -C "$ROOT" describe --always --dirty 2> /dev/null)"
    echo "load average $LOAD at the beginning, $(cut -d ' ' -f 1 /proc/loadavg) at the end (this adds about 3 to that of a quiet machine)"
}
