# Shared by bench/gate, bench/run and tests/cost: a directory of our own, a private MariaDB, latchkey and the floor beside each
# other, nginx in front of them, load, and processor time. Expects bash, $ROOT, $ROWS (sessions), $USERS and $SIGNED_IN
# (cookies in rotation).
# shellcheck shell=bash
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
# shellcheck source=scripts/processes.sh
. "$ROOT/scripts/processes.sh"
# shellcheck source=bench/ticks.sh
. "$ROOT/bench/ticks.sh"

BEDS=()
AGENT='Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

# --- beginning and end -----------------------------------------------------------------------------------------------------

# Whatever ends us, what we have started ends too. PROGRAM...: what must be there.
begin() {
    local p
    BUILD=${LATCHKEY_BUILD:-$ROOT/build}
    [ -x "$BUILD/latchkey" ] || die "latchkey is not built in $BUILD"
    BUILD=$(cd "$BUILD" && pwd)
    export LATCHKEY_BUILD=$BUILD
    for p in "$@"; do find_program "$p" > /dev/null; done
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/latchkey-bench.XXXXXX") && chmod 711 "$DIR" || exit 1
    trap down EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

down() {
    local status=$? f
    trap - EXIT
    for f in "$DIR"/*.pid; do stop_one "$f" 10; done
    for f in ${BEDS[@]+"${BEDS[@]}"}; do "$ROOT/scripts/testbed" down "$f"; done
    [ ! -d "$DIR/mariadb" ] || "$ROOT/scripts/mariadb" down "$DIR/mariadb"
    rm -rf "$DIR"
    exit $status
}

until_true() { # COMMAND...
    local end=$((SECONDS + 30))
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || { tail -n 20 "$DIR/log" >&2; die "in vain: $*"; }
        sleep 0.05
    done
}

# --- latchkey and its store ------------------------------------------------------------------------------------------------

value() { sed -n "s/^$1=//p" <<< "$2"; } # NAME LINES
sql() { mariadb --no-defaults -u root -S "$MYSQL" "$DATABASE" -N -e "$1"; }

database_up() { # MARIADBD-OPTION...
    MYSQL=$("$ROOT/scripts/mariadb" up --dir "$DIR/mariadb" -- "$@" | sed -n 's/^SOCKET=//p')
    [ -n "$MYSQL" ] || die "no database server"
}

latchkey_up() { # OPTION...: what its testbed says is in $BED
    BED=$(LATCHKEY_TEST_MYSQL=$MYSQL "$ROOT/scripts/testbed" up --set jobs.every=0 --set log.access=off "$@") || die "no testbed"
    BEDS+=("$(value DIR "$BED")")
}
# The first one, in whose database all the sessions are made.
main_up() { # OPTION...
    latchkey_up --store mysql "$@"
    MAIN=$BED
    DATABASE=$(value DATABASE "$MAIN") SECRET_FILE=$(value SECRET_FILE "$MAIN") COOKIE=$(value COOKIE_NAME "$MAIN")
}
# Another one with the same sessions.
another_up() { latchkey_up --store mysql --server none --set "database.name=$DATABASE" --set "secret.file=$SECRET_FILE" "$@"; } # OPTION...
# One on SQLite for which the same cookies are good.
sqlite_up() { latchkey_up --store sqlite --server none --set "secret.file=$SECRET_FILE" "$@"; } # OPTION...

# Which settings there are, this build says.
has_setting() { # SECTION.KEY=VALUE
    local name=${1%%=*}
    "$BUILD/latchkeyctl" --json print config | grep -q "\"section\":\"${name%.*}\",\"key\":\"${name##*.}\""
}
# What switches the session cache on.
# shellcheck disable=SC2034 # used by others
CACHE_SETTING=session.cache_max_age=30s

# --- rows ------------------------------------------------------------------------------------------------------------------
# The token of session N is made of "bench N", and so known here; its user is 1 + N % $USERS, with the address userN@example.org.

# Sessions that came about as all do, of which the others are copies.
sign_up() { # BASE-URL
    local n
    for n in 1 2 3; do
        curl -sf -o "$DIR/answer" -A "$AGENT" -H 'Content-Type: application/json' "$1/sign-up/email" \
            -d "{\"name\":\"Real $n\",\"email\":\"real$n@example.org\",\"password\":\"correct-horse-$n\"}" || die "no sign-up"
    done
}

latchkey_rows() {
    sql "SET unique_checks = 0, foreign_key_checks = 0;
        CREATE TEMPORARY TABLE real_session AS SELECT *, ROW_NUMBER() OVER (ORDER BY id) AS nr FROM session;
        INSERT INTO user (id, name, email, emailVerified, image, createdAt, updatedAt)
            SELECT LEFT(SHA2(CONCAT('user ', seq), 256), 32), CONCAT('User Number ', seq), CONCAT('user', seq, '@example.org'), 1,
                CONCAT('https://img.example.org/avatars/user', seq, '/large.png'), r.createdAt, r.updatedAt
            FROM seq_1_to_$USERS JOIN real_session r ON r.nr = 1 + seq % 3;
        INSERT INTO session (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId, rememberMe,
                authenticatedAt, diesAt, lastSeenAt, lastIpAddress)
            SELECT LEFT(SHA2(CONCAT('session ', seq), 256), 32), r.expiresAt, SHA2(LEFT(SHA2(CONCAT('bench ', seq), 256), 32), 256),
                r.createdAt, r.updatedAt, r.ipAddress, r.userAgent, LEFT(SHA2(CONCAT('user ', 1 + seq % $USERS), 256), 32),
                r.rememberMe, r.authenticatedAt, r.diesAt, r.lastSeenAt, r.lastIpAddress
            FROM seq_1_to_$ROWS JOIN real_session r ON r.nr = 1 + seq % 3;
        ANALYZE TABLE user, session" > "$DIR/answer" || die "no rows"
}

# The narrow tables of the floor, as SQL for both databases but for the words in braces.
narrow_tables() {
    cat <<'END'
CREATE TABLE bench_user (id {number} PRIMARY KEY, email VARCHAR(190) {ascii} NOT NULL, name VARCHAR(120) NOT NULL,
    emailVerified TINYINT NOT NULL, image VARCHAR(255) NOT NULL, createdAt BIGINT NOT NULL) {user};
CREATE TABLE bench_session (token BINARY(32) PRIMARY KEY, userId BIGINT NOT NULL, createdAt BIGINT NOT NULL,
    expiresAt BIGINT NOT NULL, ip VARBINARY(16) NOT NULL, userAgent VARCHAR(255) NOT NULL) {session};
CREATE INDEX bench_session_user ON bench_session (userId);
CREATE INDEX bench_session_expires ON bench_session (expiresAt);
END
}

narrow_rows() {
    sql "$(narrow_tables | sed 's/{number}/BIGINT/; s/{ascii}/CHARACTER SET ascii/; s/{user}\|{session}/CHARACTER SET utf8mb4/')
        SET unique_checks = 0;
        INSERT INTO bench_user SELECT seq, CONCAT('user', seq, '@example.org'), CONCAT('User Number ', seq), 1,
            CONCAT('https://img.example.org/avatars/user', seq, '/large.png'), 1790000000 FROM seq_1_to_$USERS;
        INSERT INTO bench_session SELECT UNHEX(SHA2(LEFT(SHA2(CONCAT('bench ', seq), 256), 32), 256)) h, 1 + seq % $USERS, 1790000000,
            4102444800, INET6_ATON('192.0.2.17'), '$AGENT' FROM seq_1_to_$ROWS ORDER BY h;
        ANALYZE TABLE bench_user, bench_session" > "$DIR/answer" || die "no narrow rows"
}

# Some of the cookies, far from each other, into $DIR/cookies; their tokens into $DIR/tokens, the numbers of their users into
# $DIR/users. latchkey's is signed.
cookies_make() {
    perl -MDigest::SHA=sha256_hex,hmac_sha256_base64 -e '
        my ($name, $secret, $n, $rows, $users, $dir) = @ARGV;
        open my $cookies, ">", "$dir/cookies" or die; open my $tokens, ">", "$dir/tokens" or die; open my $ids, ">", "$dir/users" or die;
        for (1 .. $n) {
            my $session = 1 + $_ * 149 % $rows;
            my $token = substr sha256_hex("bench $session"), 0, 32;
            (my $value = "$token." . hmac_sha256_base64($token, $secret) . "=") =~ s/([^A-Za-z0-9.])/sprintf "%%%02X", ord $1/ge;
            print $cookies "$name=$value\n"; print $tokens "$token\n"; print $ids 1 + $session % $users, "\n";
        }' "$COOKIE" "$(head -n 1 "$SECRET_FILE")" "$SIGNED_IN" "$ROWS" "$USERS" "$DIR" || die "no cookies"
}

# --- the floor -------------------------------------------------------------------------------------------------------------

floor_make() {
    # shellcheck disable=SC2046 # words
    gcc -O2 -I"$ROOT/include" $(pkg-config --cflags libmariadb libcrypto sqlite3) -o "$DIR/floor" "$ROOT"/bench/floor/*.c -lfcgi \
        $(pkg-config --libs libmariadb libcrypto sqlite3) || die "the floor does not build"
}

# Of this kind at $DIR/NAME.sock; run by COMMAND.
floor_up() { # NAME KIND WORKERS [COMMAND...]
    local name=$1 kind=$2 workers=$3 where=("$MYSQL" "$DATABASE")
    shift 3
    [ "$kind" != sqlite ] || where=("$DIR/narrow.sqlite")
    setsid "$@" "$DIR/floor" "$kind" "$DIR/$name.sock" "$workers" "$COOKIE" "${where[@]}" < /dev/null >> "$DIR/log" 2>&1 &
    remember "$name" $!
}

# --- nginx -----------------------------------------------------------------------------------------------------------------

nginx_head() {
    [ "$(id -u)" -ne 0 ] || echo "user root;"
    cat <<END
worker_processes 2; pid $DIR/nginx.started; error_log $DIR/log warn; events { worker_connections 2048; }
http {
access_log off; keepalive_requests 100000000; client_body_temp_path $DIR/t1; fastcgi_temp_path $DIR/t2; proxy_temp_path $DIR/t3;
uwsgi_temp_path $DIR/t4; scgi_temp_path $DIR/t5;
END
}

# The shipped example with a socket put in, into $DIR/NAME.FILE. Without the second socket and what is guarded.
nginx_example() { # NAME FILE SOCKET
    sed -e "s|unix:/run/latchkey/latchkey.sock|unix:$3|" -e "s|/etc/nginx/|$ROOT/conf/nginx/|" -e '/^# --- what is guarded/,$d' \
        -e '/--- second socket/,/--- end of second socket/d' "$ROOT/conf/nginx/$2" > "$DIR/$1.$2"
}

# A port is free only once we listen on it. COMMAND writes the servers {} for $PORT; they are told apart by the Host of the
# request.
nginx_up() { # COMMAND...
    local try nginx
    nginx=$(find_program nginx)
    for try in 1 2 3 4 5 6 7 8; do
        PORT=$(likely_port "$try") || continue
        { nginx_head && "$@" && echo "}"; } > "$DIR/nginx.conf" || die "no configuration for nginx"
        "$nginx" -c "$DIR/nginx.conf" -e "$DIR/log" 2> "$DIR/nginx.faults" && break
        grep -qi 'address already in use' "$DIR/nginx.faults" || die "nginx: $(tail -n 3 "$DIR/nginx.faults")"
    done
    until_true test -s "$DIR/nginx.started"
    remember nginx "$(cat "$DIR/nginx.started")"
}

# Status and size of the answer, which is in $DIR/answer.
ask() { # NAME PATH [CURL-OPTION...]
    curl -s -o "$DIR/answer" -w '%{http_code} %{size_header} %{size_download}' -H "Host: $1" "${@:3}" "http://127.0.0.1:$PORT$2"
}

# --- load, and what it costs -----------------------------------------------------------------------------------------------

ticks_of_all() { ticks "$1"; ticks "$DIR/nginx.pid"; ticks "$DIR/mariadb/mariadb.pid"; } # PID-FILE of the contestant

# "requests bytes errors median-us p99-us requests-a-second"
load() { # NAME PATH COOKIES CONNECTIONS SECONDS
    HOST=$1 COOKIES=$3 wrk -t1 -c"$4" -d"${5}s" --timeout 10s -s "$ROOT/bench/cookies.lua" "http://127.0.0.1:$PORT$2" | sed -n 's/^RESULT //p'
}

# One turn of a contestant, into $DIR/rounds: "round name requests/s median-us p99-us app-us nginx-us database-us". An answer of
# another size than usual is a wrong one; what is under way at the end may be in the bytes.
turn() { # ROUND NAME PATH COOKIES PID-FILE SIZE
    local before after n bytes bad us p99 rate
    before=$(ticks_of_all "$5")
    read -r n bytes bad us p99 rate <<< "$(load "$2" "$3" "$4" "$CONNECTIONS" "$SECS")"
    after=$(ticks_of_all "$5")
    [[ $bad == 0 && $n -gt 0 && $bytes -ge $((n * $6 * 99 / 100)) && $bytes -le $(((n + CONNECTIONS) * $6 * 101 / 100)) ]] ||
        die "$2: $bad errors, $bytes bytes for $n answers of $6 bytes"
    # shellcheck disable=SC2086 # words
    echo "$1 $2 $n $rate $us $p99" $before $after | awk -v tick="$(getconf CLK_TCK)" '{
        printf "%s %s %s %s %s", $1, $2, $4, $5, $6
        for (i = 7; i < 10; i++) printf " %.2f", ($(i + 3) - $i) * 1e6 / tick / $3
        print "" }' >> "$DIR/rounds"
}

# --- where it was measured -------------------------------------------------------------------------------------------------

LOAD=$(cut -d ' ' -f 1 /proc/loadavg)
machine() { # FURTHER...: versions
    echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, Linux $(uname -r)"
    {
        "$(find_program nginx)" -v 2>&1 | sed 's/.*version: //'
        wrk -v 2>&1 | sed -n 's/^\(wrk [^ ]*\).*/\1/p'
        echo "MariaDB $(sql 'SELECT VERSION()')"
        echo "Connector/C $(mariadb_config --cc_version 2> /dev/null), OpenSSL $(pkg-config --modversion libcrypto), SQLite $(pkg-config --modversion sqlite3), $(gcc --version | head -n 1)"
        [ $# -eq 0 ] || printf '%s\n' "$@"
        echo "latchkey $(git -C "$ROOT" describe --always --dirty 2> /dev/null || "$BUILD/latchkey" --version)"
    } | paste -sd, | sed 's/, */, /g'
    echo "load average $LOAD at the beginning, $(cut -d ' ' -f 1 /proc/loadavg) at the end (this adds about 3 to that of a quiet machine)"
}
