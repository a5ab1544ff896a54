#!/bin/sh
# What the tests of latchkeyctl share: a directory of its own for each, with a configuration; running a command; checks.
# To be read by the shell of a test. Needs sqlite3; without it the test fails, it is never skipped.
set -u
umask 022
LC_ALL=C
export LC_ALL
# what is set for a running latchkey must not reach this one
for v in $(env | sed -n 's/^\(LATCHKEY_[A-Z_]*\)=.*/\1/p') SUDO_USER; do unset "$v"; done

passed=0 failed=0 skipped=0
ctl=$top_builddir/latchkeyctl
dir=$(mktemp -d "${TMPDIR:-/tmp}/latchkey-ctl.XXXXXX") || { echo "0 passed, 1 failed"; exit 1; }
away=''
trap 'rm -rf "$dir" "$away"' EXIT
trap 'exit 1' HUP INT TERM
conf=$dir/latchkey.conf db=$dir/latchkey.db secret=$dir/secret
password='correct horse battery'
esc=$(printf '\033')
nl='
'

for need in "$ctl" "$(command -v sqlite3)"; do
    [ -x "$need" ] || { echo "missing: latchkeyctl or sqlite3"; echo "0 passed, 1 failed"; exit 1; }
done

# check NAME COMMAND...: one test; a failure shows what latchkeyctl said last
check() {
    name=$1
    shift
    if "$@" > /dev/null 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $name"
        sed 's/^/    out: /' "$dir/out"
        sed 's/^/    err: /' "$dir/err"
    fi
}
not() { ! "$@"; }
run() { "$ctl" -c "$conf" "$@" > "$dir/out" 2> "$dir/err" < /dev/null; }
# run_env NAME=VALUE ARGUMENTS...
run_env() {
    setting=$1
    shift
    env "$setting" "$ctl" -c "$conf" "$@" > "$dir/out" 2> "$dir/err" < /dev/null
}
# run_with LINE ARGUMENTS...: LINE is standard input
run_with() {
    printf '%s\n' "$1" > "$dir/in"
    shift
    "$ctl" -c "$conf" "$@" > "$dir/out" 2> "$dir/err" < "$dir/in"
}
# gives NAME STATUS ARGUMENTS...: exit status, and that a failure is told on standard error and only there
gives() {
    name=$1 want=$2
    shift 2
    run "$@"
    got=$?
    check "$name: exit $got, not $want" [ "$got" -eq "$want" ]
    case $want in
    0) check "$name: quiet" [ ! -s "$dir/err" ] ;;
    *) check "$name: told" [ -s "$dir/err" ] ;;
    esac
}
out() { grep -q -e "$1" "$dir/out"; }
err() { grep -q -e "$1" "$dir/err"; }
sql() { sqlite3 -cmd '.timeout 5000' "$db" "$1"; }
is() { [ "$1" = "$2" ]; }
mode() { ls -ld "$1" | cut -c1-10; }
lines() { grep -c . "$1"; }
# the value of a key of the one JSON object in $dir/out
value() { sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p' "$dir/out"; }
user_id() { sql "SELECT id FROM user WHERE email = '$1'"; }
# sessions EMAIL COUNT WHEN TAG: rows that end WHEN (of sqlite's date modifiers) from now
sessions() {
    sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2),
      t(now, ends) AS (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '$3'))
      INSERT INTO session (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId, rememberMe,
        authenticatedAt, diesAt, lastSeenAt, lastIpAddress)
      SELECT printf('$4%031d', i), ends, printf('$4%063d', i), now, now, '192.0.2.7', 'Firefox', user.id, 1,
        now, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+30 days'), now, '192.0.2.7'
      FROM n, t, user WHERE email = '$1'"
}
count() { sql "SELECT count(*) FROM session JOIN user ON user.id = userId WHERE email = '$1'"; }
me="administrator $(id -un)"
# events ID: those after it, as "event actor user reason"
events() { sql "SELECT group_concat(event || ' ' || actor || ' ' || coalesce(userId, '-') || ' ' || coalesce(reason, '-'), ', ') FROM latchkey_audit WHERE id > $1"; }
last() { sql 'SELECT coalesce(max(id), 0) FROM latchkey_audit'; }
json_ok() { is "$(sqlite3 :memory: "SELECT json_valid(CAST(readfile('$dir/out') AS TEXT))")" 1; }
# from_json SQL: over j, the JSON in $dir/out
from_json() { sqlite3 :memory: "WITH o(j) AS (SELECT CAST(readfile('$dir/out') AS TEXT)) SELECT $1 FROM o"; }
write_conf() {
    cat > "$conf" << END
[auth]
base_url = https://www.example.org
[session]
max_per_user = 7
[password]
scrypt = 10,8,1
min_strength = 0
[database]
path = $db
[secret]
file = $secret
[pool]
socket = $dir/none.sock
state = $dir
END
}
# finish: the last line of a test, and its exit status
finish() {
    [ "$skipped" -eq 0 ] || echo "$skipped skipped"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
