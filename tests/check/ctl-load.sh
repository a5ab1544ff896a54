#!/bin/sh
# latchkeyctl load-test-data on the real program: what it takes and refuses, its cookies, what a killed one leaves. On SQLite,
# and on the server whose socket LATCHKEY_TEST_MYSQL names.
server=${LATCHKEY_TEST_MYSQL:-}
. "$top_srcdir/tests/check/ctl-lib.sh"
write_conf
: > "$dir/out"; : > "$dir/err"
cookies=$dir/cookies

# rows TABLE [CONDITION]: how many
rows() { query "SELECT count(*) FROM $1 WHERE ${2:-1 = 1}"; }
# loaded N: so many sessions and a third of users, whoever else is there
loaded() { [ "$(rows session)" = "$1" ] && [ "$(rows user "email LIKE 'load-test-%'")" = $((($1 + 2) / 3)) ]; }
# refused STATUS WHAT ARGUMENTS...: told, and nothing loaded
refused() {
    want=$1 what=$2
    shift 2
    gives "$on: refused ($what)" "$want" load-test-data "$@"
    check "$on: refused ($what): told" err "$what"
    check "$on: refused ($what): nothing on standard output" [ ! -s "$dir/out" ]
    check "$on: refused ($what): nothing loaded" is "$(rows session)" 0
}
wait_rows() {
    for _ in $(seq 1 400); do [ "$(rows session)" -gt 0 ] && return; sleep 0.02; done
    return 1
}

numbers() {
    refused 1 'secret: No such file' 10
    printf '%s\n' 0123456789abcdefghijklmnopqrstuvwxyzABCDEF > "$secret"
    chmod 600 "$secret"
    for n in 0 -1 x 1x '' 1000000001 99999999999999999999 1e6 0x10; do
        refused 2 'load-test-data takes a number from 1 to 1000000000' -- "$n"
        refused 2 '--count takes a number from 1 to 1000000000' 10 --cookies "$cookies" "--count=$n"
    done
    refused 2 'missing argument: N'
    refused 2 'unexpected argument: 11' 10 11
    refused 2 '--count says how many' 10 --count 5
    refused 2 'nothing else goes with it' 10 --remove
    refused 2 'nothing else goes with it' --remove --yes
    gives "$on: --remove goes with nothing else" 2 user delete --remove
    check "$on: no cookies" [ ! -e "$cookies" ]
}

loading() {
    gives "$on: one" 0 --json load-test-data 1
    check "$on: one: told" is "$(cat "$dir/out")" '{"sessions":1,"added":1,"cookies":0}'
    check "$on: one: there" loaded 1
    gives "$on: more" 0 load-test-data 5000 --cookies "$cookies" --count 7
    check "$on: more: told" out '^added  *4999$'
    check "$on: more: there" loaded 5000
    check "$on: nobody has a password" is "$(rows account)" 0
    check "$on: cookies: so many" is "$(sort -u "$cookies" | grep -c '^__Host-latchkey.session_token=[a-f0-9]\{32\}\.[A-Za-z0-9%]*$')" 7
    check "$on: cookies: their owner's only" is "$(mode "$cookies")" -rw-------
    token=$(sed -n '4s/.*=\(.*\)\..*/\1/p' "$cookies")
    check "$on: a cookie is of a session" is "$(rows session "token = '$(printf %s "$token" | sha256sum | cut -d' ' -f1)'")" 1
    check "$on: no token is in the store" is "$(rows session "token = '$token' OR id = '$token'")" 0
    gives "$on: nothing is written over" 1 load-test-data 5000 --cookies "$cookies"
    check "$on: nothing is written over: told" err "cookies: File exists"
    cp "$cookies" "$dir/first" && rm "$cookies"
    gives "$on: the same again" 0 --json load-test-data 5000 --cookies "$cookies" --count 7
    check "$on: the same again: none added" is "$(value added)" 0
    check "$on: the same again: the same cookies" cmp "$cookies" "$dir/first"
    rm "$cookies"
    gives "$on: more cookies than sessions" 0 --json load-test-data 5 --cookies "$cookies"
    check "$on: more cookies than sessions: five" is "$(value cookies) $(lines "$cookies")" '5 5'
    rm "$cookies"
    gives "$on: cookies into no directory" 1 load-test-data 5 --cookies "$dir/none/cookies"
    check "$on: cookies into no directory: told" err 'none/cookies: No such file or directory'
    query "DELETE FROM session WHERE token = '$(sed -n '4s/.*=\(.*\)\..*/\1/p' "$dir/first" | tr -d '\n' | sha256sum | cut -d' ' -f1)'"
    gives "$on: what has ended is loaded again" 0 --json load-test-data 5000
    check "$on: what has ended is loaded again: one" is "$(value added)" 1
}

expired() {
    gives "$on: expired" 0 --json load-test-data 3000 --expired
    check "$on: expired: added" is "$(value added)" 3000
    check "$on: expired: beside the living" is "$(rows session)" 8000
    gives "$on: swept" 0 --json sweep
    check "$on: swept: the expired" is "$(value deleted)" 3000
}

other_secret() {
    gives "$on: another secret" 0 secret new
    gives "$on: no cookies of sessions that another secret knows" 1 load-test-data 5000 --cookies "$cookies"
    check "$on: no cookies of sessions that another secret knows: told" err 'loaded under another secret'
    check "$on: no cookies of sessions that another secret knows: no file" [ ! -e "$cookies" ]
}

removing() {
    gives "$on: remove" 0 --json load-test-data --remove
    check "$on: remove: told" is "$(cat "$dir/out")" '{"deletedUsers":1667,"deletedSessions":5000}'
    check "$on: remove: none left" is "$(rows session) $(rows user) $(rows latchkey_user)" '0 0 0'
    gives "$on: remove nothing" 0 --json load-test-data --remove
    check "$on: remove nothing: told" is "$(cat "$dir/out")" '{"deletedUsers":0,"deletedSessions":0}'
}

killed() {
    "$ctl" -c "$conf" load-test-data 60000 > "$dir/out" 2> "$dir/err" < /dev/null &
    wait_rows
    kill -KILL $! && wait $! 2> /dev/null
    some=$(rows session)
    check "$on: killed: some are there, $some" [ "$some" -gt 0 ]
    check "$on: killed: whole transactions, $some" is $((some % 4800)) 0
    # half of what a request may take is the database's, and this is none
    LATCHKEY_LIMITS_REQUEST=6s LATCHKEY_DATABASE_TIMEOUT=3s
    export LATCHKEY_LIMITS_REQUEST LATCHKEY_DATABASE_TIMEOUT
    gives "$on: killed, and done again" 0 --json load-test-data 60000
    check "$on: killed, and done again: the rest" is "$(value added)" $((60000 - some))
    check "$on: killed, and done again: all" loaded 60000
    gives "$on: removed, however long it takes" 0 --json load-test-data --remove
    unset LATCHKEY_LIMITS_REQUEST LATCHKEY_DATABASE_TIMEOUT
    check "$on: removed: all" is "$(value deletedSessions)" 60000
}

# With a user of its own a site is no place for test data, unless one says so; and its user stays.
among_others() {
    run_with "$password" user add load-test-1@example.invalid
    refused 1 'there are other users here: with --yes it is done all the same' 10
    refused 1 "an address load-test-…@example.invalid is another user's" 10 --yes
    run user delete load-test-1@example.invalid
    run_with "$password" user add ann@example.org
    refused 1 'there are other users here' 10
    gives "$on: among others" 0 load-test-data 10 --yes
    check "$on: among others: there" loaded 10
    gives "$on: removed from among others" 0 --json load-test-data --remove
    check "$on: removed from among others: told" is "$(cat "$dir/out")" '{"deletedUsers":4,"deletedSessions":10}'
    check "$on: removed from among others: she stays" is "$(rows user "email = 'ann@example.org'") $(rows account) $(rows latchkey_user)" '1 1 1'
}

all() {
    on=$1
    rm -f "$secret" "$cookies"
    gives "$on: migrate" 0 migrate
    numbers
    loading
    expired
    other_secret
    removing
    killed
    among_others
}

query() { sql "$1"; }
all sqlite
if [ -n "$server" ]; then
    base=latchkey_ctl_$$
    root_query() { mariadb --no-defaults -u root -S "$server" -N -e "$1"; }
    query() { mariadb --no-defaults -u root -S "$server" -N "$base" -e "$1"; }
    root_query "CREATE DATABASE $base" || exit 1
    trap 'root_query "DROP DATABASE $base"; rm -rf "$dir" "$away"' EXIT
    sed "s|^path = .*|driver = mysql\nhosts = $server\nname = $base\nuser = root|" "$conf" > "$dir/mysql.conf"
    conf=$dir/mysql.conf
    all mysql
fi
finish
