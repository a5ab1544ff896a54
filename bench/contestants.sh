# For bench/run: who takes part. Expects bench/lib.sh, bench/sqlite.sh, bench/peers.sh and $WORKERS.
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others

# contestant NAME SPOKEN COOKIES ANSWERS PATH UP [ARGUMENT...]
#   SPOKEN   how nginx speaks to it: fastcgi, php:SCRIPT or http
#   COOKIES  the file in $DIR with its cookies: cookies (latchkey's), sid, php-cookies, better-auth, better-auth-cache
#   ANSWERS  own: each cookie gets the address of its user, and one of nobody none; same: everybody gets the same
#   UP       the function that starts it (its name comes first) and sets SOCKET_OF (a path, or host:port) and PID_FILE
NAMES=()
declare -A SPOKEN COOKIES ANSWERS URL UP SOCKET_OF PID_FILE SIZE
contestant() {
    NAMES+=("$1") SPOKEN[$1]=$2 COOKIES[$1]=$3 ANSWERS[$1]=$4 URL[$1]=$5 UP[$1]=${*:6}
}

contestant limit-1 fastcgi cookies same /auth/session floor_contestant null
contestant limit-1-8 fastcgi cookies same /auth/session floor_contestant null 8
contestant limit-2 fastcgi cookies own /auth/session floor_contestant narrow
contestant limit-2-8 fastcgi cookies own /auth/session floor_contestant narrow 8
contestant limit-2s fastcgi cookies own /auth/session floor_contestant own
contestant limit-2s-8 fastcgi cookies own /auth/session floor_contestant own 8
contestant l2-cache fastcgi cookies own /auth/session floor_contestant cache
contestant l2-sqlite fastcgi cookies own /auth/session floor_contestant sqlite
contestant latchkey fastcgi cookies own /auth/session latchkey_contestant mysql
contestant latchkey-8 fastcgi cookies own /auth/session latchkey_contestant mysql 8
contestant latchkey-sqlite fastcgi cookies own /auth/session latchkey_contestant sqlite
contestant latchkey-cache fastcgi cookies own /auth/session latchkey_contestant cache
contestant php-files php:files.php php-cookies own /auth/session php_contestant
contestant php-pdo php:pdo.php sid own /auth/session php_contestant
contestant php-pdo-emulated php:pdo.php sid own '/auth/session?emulate' php_contestant
contestant perl fastcgi sid own /auth/session perl_contestant
contestant apache-dbd http sid same /session.json apache_contestant
contestant better-auth http better-auth own /auth/get-session better_auth_contestant 1
contestant better-auth-2 http better-auth own /auth/get-session better_auth_contestant 2
contestant better-auth-cache http better-auth-cache own /auth/get-session better_auth_contestant 1 cache
contestant better-auth-2-cache http better-auth-cache own /auth/get-session better_auth_contestant 2 cache

can_take_part() { [ "$1" != latchkey-cache ] || has_setting "$CACHE_SETTING"; } # NAME

# --- how they are started ------------------------------------------------------------------------------------------------

# Each of a contestant's processes is below one, whose command is kept for those who start it once more.
start() { # NAME COMMAND...
    local name=$1
    shift
    printf '%s\0' "$@" > "$DIR/$name.command"
    setsid "$@" < /dev/null >> "$DIR/log" 2>&1 &
    remember "$name" $!
    PID_FILE[$name]=$DIR/$name.pid
}

floor_contestant() { # NAME KIND [WORKERS]
    local where=("$MYSQL" "$DATABASE")
    [ "$2" != sqlite ] || { narrow_sqlite; where=("$DIR/narrow.sqlite"); }
    SOCKET_OF[$1]=$DIR/$1.sock
    start "$1" "$DIR/floor" "$2" "$DIR/$1.sock" "${3:-$WORKERS}" "$COOKIE" "${where[@]}"
}

latchkey_contestant() { # NAME mysql|sqlite|cache [WORKERS]
    local workers=${3:-$WORKERS}
    case $2 in
    mysql) another_up --workers "$workers" ;;
    cache) another_up --workers "$workers" --set "$CACHE_SETTING" ;;
    sqlite)
        sqlite_up --workers "$workers"
        sqlite_fill "$(value DIR "$BED")/latchkey.db" user session
        ;;
    esac
    SOCKET_OF[$1]=$(value SOCKET "$BED") PID_FILE[$1]=$(value DIR "$BED")/latchkey.pid
    printf '%s\0' "$BUILD/latchkey" -c "$(value CONF "$BED")" > "$DIR/$1.command"
}

# --- in front of them ----------------------------------------------------------------------------------------------------

# All that speak FastCGI by the shipped example, all others over kept connections.
nginx_contestant() { # NAME
    local location server=${SOCKET_OF[$1]}
    case ${SPOKEN[$1]} in
    http)
        [[ $server != /* ]] || server=unix:$server
        echo "upstream $1 { server $server; keepalive 32; keepalive_requests 100000000; }"
        location="location / { proxy_pass http://$1; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host 127.0.0.1; }"
        ;;
    *)
        nginx_example "$1" latchkey.conf "$server"
        [ "${SPOKEN[$1]}" = fastcgi ] || sed -i "s|^ *include .*|&\n fastcgi_param SCRIPT_FILENAME $DIR/php/${SPOKEN[$1]#php:};|" "$DIR/$1.latchkey.conf"
        location="include $DIR/$1.latchkey.conf;"
        ;;
    esac
    echo "server { listen 127.0.0.1:$PORT; server_name $1; $location }"
}

# The first server {} says what holds for the address that all share. With reuseport each worker gets its part of the clients.
nginx_contestants() {
    local name
    echo "server { listen 127.0.0.1:$PORT backlog=1024 reuseport; return 404; }"
    for name in "${CHOSEN[@]}"; do nginx_contestant "$name"; done
}

# --- that they are right -------------------------------------------------------------------------------------------------

# Each cookie once: is the answer that of its user? Leaves in SIZE how long an answer is on the average, chunks and all.
all_right() { # NAME
    local size
    paste -d '|' "$DIR/users" "$DIR/${COOKIES[$1]}" | awk -F '|' -v url="http://127.0.0.1:$PORT${URL[$1]}" -v host="$1" '{
        printf "%surl = \"%s\"\nraw\nheader = \"Host: %s\"\nheader = \"Cookie: %s\"\nwrite-out = \"\\n=%%{http_code} %%{size_header} %s\\n\"\n",
            (NR == 1 ? "" : "next\n"), url, host, $2, $1
    }' > "$DIR/all"
    size=$(curl -s -K "$DIR/all" | awk -v same="$([ "${ANSWERS[$1]}" = own ] || echo 1)" '
        /^=[0-9]/ { n++; size += $2 - 1; if ($1 != "=200" || !index(body, "\"email\":\"user" (same ? "" : $3 "@example.org"))) bad++; body = ""; next }
        { body = body $0; size += length($0) + 1 }
        END { if (n && !bad) printf "%d", size / n; else printf "%d of %d answers are wrong\n", bad, n > "/dev/stderr" }')
    [ -n "$size" ] && SIZE[$1]=$size
}

# One of the cookies at random, and one of nobody.
is_right() { # NAME
    local line cookie
    line=$(shuf -i "1-$SIGNED_IN" -n 1)
    cookie=$(sed -n "${line}p" "$DIR/${COOKIES[$1]}")
    [[ $(ask "$1" "${URL[$1]}" -H "Cookie: $cookie") == 200\ * ]] || return 1
    [ "${ANSWERS[$1]}" = own ] || return 0
    grep -q "\"email\":\"user$(sed -n "${line}p" "$DIR/users")@example.org\"" "$DIR/answer" || return 1
    ask "$1" "${URL[$1]}" -H "Cookie: ${cookie%%=*}=$(tr '0-9a-f' '1-9a-f0' <<< "${cookie#*=}")" > /dev/null
    ! grep -q '"email"' "$DIR/answer"
}
