#!/bin/sh
# Drives the real latchkeyctl on a directory of its own: every command, what it prints for people and for programs, what
# it refuses, and the exit status. Needs sqlite3 to make sessions; without it the test fails, it is never skipped.
set -u
umask 022
LC_ALL=C
export LC_ALL
# what is set for a running latchkey must not reach this one
for v in $(env | sed -n 's/^\(LATCHKEY_[A-Z_]*\)=.*/\1/p'); do unset "$v"; done

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
write_conf() {
    cat > "$conf" << END
[auth]
base_url = https://www.example.org
[session]
max_per_user = 7
[password]
scrypt = 10,8,1
[database]
path = $db
[secret]
file = $secret
[pool]
socket = $dir/none.sock
state = $dir
END
}
write_conf

# --- without a store ----------------------------------------------------------------------------------------------------
: > "$dir/out"; : > "$dir/err"
gives "check before the first start" 0 check
check "check: the store is not there yet" out '^warn *store .*latchkey.db is not there yet'
check "check: the secret is not there yet" out '^warn *secret .*is not there yet'
check "check makes no store" [ ! -e "$db" ]
check "check makes no secret" [ ! -e "$secret" ]

gives "migrate on empty" 0 --json migrate
check "migrate on empty: from 0" is "$(value from)" 0
newest=$(value to)
check "migrate on empty: to the newest" [ "${newest:-0}" -ge 1 ]
check "the database is its owner's only" is "$(mode "$db")" -rw-------
gives "migrate on current" 0 --json migrate
check "migrate on current: nothing done" is "$(cat "$dir/out")" "{\"from\":$newest,\"to\":$newest}"
gives "migrate in text" 0 migrate
check "migrate in text: lines" out "^from  $newest\$"

# --- user add -----------------------------------------------------------------------------------------------------------
gives "user list of nobody" 0 user list
check "user list of nobody: only the head" is "$(lines "$dir/out")" 1
gives "user list of nobody, JSON" 0 --json user list
check "user list of nobody, JSON: empty array" is "$(cat "$dir/out")" '[]'

run_with "$password" user add Ann@Example.ORG --name 'Ann Smith'
check "user add" is $? 0
check "user add: e-mail in lower case" out '^email  ann@example.org$'
check "user add: name" out '^name   Ann Smith$'
check "user add: the password is not shown" not grep -q "$password" "$dir/out" "$dir/err"
check "user add: the password is not stored" not grep -q "$password" "$db" "$db-wal"
check "user add: stored as scrypt of the cost asked for" \
    is "$(sql "SELECT count(*) FROM account WHERE password LIKE '\$scrypt\$ln=10,r=8,p=1\$%'")" 1
check "user add: no session" is "$(count ann@example.org)" 0
gives "user add takes no password from the command line" 2 user add eve@example.org "$password"
check "user add takes no password from the command line: no user" is "$(user_id eve@example.org)" ''
run_with "$password" --json user add bob@example.org
check "user add, JSON" is $? 0
check "user add, JSON: one object" is "$(cat "$dir/out")" "{\"id\":\"$(user_id bob@example.org)\",\"email\":\"bob@example.org\",\"name\":\"\"}"

# refused LINE WHAT ARGUMENTS...: exit 1, WHAT is told, nobody is added
refused() {
    line=$1 what=$2 before=$(sql 'SELECT count(*) FROM user')
    shift 2
    run_with "$line" "$@"
    check "refused ($what): exit status" is $? 1
    check "refused ($what): told" err "$what"
    check "refused ($what): nothing on standard output" [ ! -s "$dir/out" ]
    check "refused ($what): nobody added" is "$(sql 'SELECT count(*) FROM user')" "$before"
}
refused '1234567' 'Password too short' user add eve@example.org
refused '' 'Password too short' user add eve@example.org
refused "$(printf '%0129d' 0)" 'Password too long' user add eve@example.org
refused "$(printf '%02000d' 0)" 'no password, or one that is too long' user add eve@example.org
refused "$password" 'User already exists' user add ann@example.org
refused "$password" 'User already exists' user add ANN@EXAMPLE.ORG
for bad in eve eve@ @example.org eve@localhost eve@-example.org 'eve smith@example.org' eve@example.o "eve@example.org$nl"; do
    refused "$password" 'not an e-mail address' user add "$bad"
done
"$ctl" -c "$conf" user add eve@example.org > "$dir/out" 2> "$dir/err" < /dev/null
check "user add without a password: exit status" is $? 1
check "user add without a password: told" err 'no password'
printf %s "$password" > "$dir/in"
"$ctl" -c "$conf" user add tom@example.org > "$dir/out" 2> "$dir/err" < "$dir/in"
check "user add: a last line without its end is a line" is $? 0

# --- user list, and names that would steer a terminal -------------------------------------------------------------------
run_with "$password" user add mallory@example.org --name "Mal${esc}[31mlory${nl}root"
check "user add with a hostile name" is $? 0
check "user add with a hostile name: no ESC shown" not grep -q "$esc" "$dir/out"
check "user add with a hostile name: escaped" out '^name   Mal\\x1b\[31mlory\\x0aroot$'
c1=$(printf '\302\233')
run_with "$password" user add trudy@example.org --name "Tru${c1}31mdy"
check "user add with a C1 control character" is $? 0
gives "user list" 0 user list
check "user list: head" is "$(head -n 1 "$dir/out" | tr -s ' ')" "id email name created disabled sessions"
check "user list: one line for each user" is "$(lines "$dir/out")" 6
check "user list: no ESC" not grep -q "$esc" "$dir/out"
check "user list: no C1 control" not grep -q "$c1" "$dir/out"
check "user list: ESC and newline escaped" out 'mallory@example.org *Mal\\x1b\[31mlory\\x0aroot  '
check "user list: C1 escaped" out 'trudy@example.org *Tru\\x9b31mdy  '
check "user list: a row" out "^$(user_id ann@example.org)  ann@example.org *Ann Smith *20[0-9T:-]*Z  -  *0\$"
gives "user list, JSON" 0 --json user list
check "user list, JSON: opens" is "$(head -n 1 "$dir/out")" '['
check "user list, JSON: closes" is "$(tail -n 1 "$dir/out")" ']'
check "user list, JSON: one object for each user" is "$(grep -c '^ {"id":"[A-Za-z0-9]\{32\}","email":"[^"]*","name":".*","created":"20[0-9T:.-]*Z","disabled":null,"sessions":0},\{0,1\}$' "$dir/out")" 5
check "user list, JSON: commas between, none at the end" is "$(grep -c '},$' "$dir/out")" 4
check "user list, JSON: escaped as JSON" out '"name":"Mal\\u001b\[31mlory\\nroot"'
check "user list, JSON: no ESC" not grep -q "$esc" "$dir/out"
gives "--json may stand after the command" 0 user list --json
check "--json may stand after the command: JSON" is "$(head -n 1 "$dir/out")" '['

# --- sessions -----------------------------------------------------------------------------------------------------------
sessions ann@example.org 3 '+1 day' a
sessions bob@example.org 2 '+1 day' b
sessions bob@example.org 1 '-1 second' o
gives "session list" 0 session list
check "session list: head" is "$(head -n 1 "$dir/out" | tr -s ' ')" "id email signedIn lastSeen expires address device"
check "session list: the living, of everybody" is "$(lines "$dir/out")" 6
gives "session list of one, by e-mail" 0 session list --user bob@example.org
check "session list of one: the living" is "$(lines "$dir/out")" 3
gives "session list of one, by id" 0 session list --user "$(user_id ann@example.org)"
check "session list of one, by id: hers" is "$(grep -c 'ann@example.org.*192.0.2.7  Firefox$' "$dir/out")" 3
gives "session list, JSON" 0 --json session list
check "session list, JSON" is "$(grep -c '^ {"id":"[ab0-9]\{32\}","email":"[^"]*","signedIn":"[^"]*Z","lastSeen":"[^"]*Z","expires":"[^"]*Z","address":"192.0.2.7","device":"Firefox"},\{0,1\}$' "$dir/out")" 5
gives "session list of nobody" 1 session list --user nobody@example.org
check "session list of nobody: told" err 'no such user: nobody@example.org'
gives "user list counts sessions not swept" 0 --json user list
check "user list counts sessions not swept: 3" out '"email":"bob@example.org".*"sessions":3}'

sql "UPDATE session SET userAgent = 'Fire' || char(27) || '[2Jfox' WHERE id LIKE 'a%3'"
gives "session list with a hostile device" 0 session list
check "session list: device escaped" out 'Fire\\x1b\[2Jfox$'
check "session list: no ESC" not grep -q "$esc" "$dir/out"

gives "session revoke" 0 session revoke "$(printf 'a%031d' 1)"
check "session revoke: one ended" out '^endedSessions  1$'
check "session revoke: that one" is "$(sql "SELECT group_concat(substr(id, 32)) FROM session WHERE id LIKE 'a%'")" 2,3
gives "session revoke twice" 1 session revoke "$(printf 'a%031d' 1)"
check "session revoke twice: told" err 'no such session'
gives "session revoke-all of nobody" 2 session revoke-all
check "session revoke-all of nobody: told" err 'say of whom'
gives "session revoke-all of one and of all" 2 session revoke-all --user ann@example.org --everybody
check "and nothing ended" is "$(count ann@example.org)" 2
gives "session revoke-all --user" 0 --json session revoke-all --user ann@example.org
check "session revoke-all --user: told" is "$(cat "$dir/out")" '{"endedSessions":2}'
check "session revoke-all --user: hers" is "$(count ann@example.org)" 0
check "session revoke-all --user: nobody else's" is "$(count bob@example.org)" 3
gives "session revoke-all --everybody" 0 session revoke-all --everybody
check "session revoke-all --everybody: none left" is "$(sql 'SELECT count(*) FROM session')" 0

# --- disable, enable, set-password, delete, by e-mail and by id ----------------------------------------------------------
by=ann@example.org
while :; do
    sessions ann@example.org 2 '+1 day' a
    sessions bob@example.org 1 '+1 day' b
    gives "user disable $by" 0 --json user disable "$by"
    check "user disable: sessions ended" is "$(value endedSessions)" 2
    check "user disable: none left" is "$(count ann@example.org)" 0
    check "user disable: the other's stay" is "$(count bob@example.org)" 1
    gives "user disable twice" 1 user disable "$by"
    check "user disable twice: told" err 'ann@example.org is disabled already'
    gives "user list shows the disabled" 0 --json user list
    check "user list shows the disabled: when" out '"email":"ann@example.org".*"disabled":"20[^"]*Z"'
    gives "user enable $by" 0 user enable "$by"
    check "user enable: done" is "$(sql "SELECT count(*) FROM latchkey_user WHERE disabledAt IS NOT NULL")" 0
    gives "user enable twice" 1 user enable "$by"
    check "user enable twice: told" err 'ann@example.org is not disabled'

    sessions ann@example.org 2 '+1 day' a
    old=$(sql "SELECT password FROM account JOIN user ON user.id = userId WHERE email = 'ann@example.org'")
    run_with '1234567' user set-password "$by"
    check "user set-password, too short: exit status" is $? 1
    check "user set-password, too short: told" err 'Password too short'
    check "user set-password, too short: sessions stay" is "$(count ann@example.org)" 2
    run_with 'another fine password' user set-password "$by"
    check "user set-password: exit status" is $? 0
    check "user set-password: told" out '^endedSessions  2$'
    check "user set-password: sessions ended" is "$(count ann@example.org)" 0
    new=$(sql "SELECT password FROM account JOIN user ON user.id = userId WHERE email = 'ann@example.org'")
    check "user set-password: another hash" [ "${#new}" -gt 60 ]
    check "user set-password: which differs" not is "$new" "$old"
    gives "user set-password takes none from the command line" 2 user set-password "$by" "$password"

    sessions ann@example.org 2 '+1 day' a
    gives "user delete $by" 0 user delete "$by"
    check "user delete: told" out '^endedSessions  2$'
    check "user delete: gone with all that is hers" is "$(sql "SELECT (SELECT count(*) FROM user WHERE email LIKE 'ann@%') ||
        (SELECT count(*) FROM account WHERE userId NOT IN (SELECT id FROM user)) || (SELECT count(*) FROM session WHERE id LIKE 'a%') ||
        (SELECT count(*) FROM latchkey_user WHERE userId NOT IN (SELECT id FROM user))")" 0000
    check "user delete: the other stays" is "$(count bob@example.org)" 1
    sql 'DELETE FROM session'
    for verb in disable enable delete; do
        gives "user $verb of a deleted one" 1 user "$verb" "$by"
        check "user $verb of a deleted one: told" err "no such user: $by"
    done
    run_with "$password" user set-password "$by"
    check "user set-password of a deleted one" is $? 1
    [ "$by" = ann@example.org ] || break
    run_with "$password" user add ann@example.org
    check "user add after user delete" is $? 0
    by=$(user_id ann@example.org)
done

# --- sweep --------------------------------------------------------------------------------------------------------------
sessions bob@example.org 1200 '-1 second' e
sessions bob@example.org 3 '+1 hour' l
gives "status before sweep" 0 --json status
check "status: the living" is "$(value sessions)" 3
check "status: the expired" is "$(value expired)" 1200
check "status: users" is "$(value users)" "$(sql 'SELECT count(*) FROM user')"
check "status: schema" is "$(value schema)" "$newest"
check "status: where" is "$(value baseUrl)" https://www.example.org/auth
gives "sweep" 0 --json sweep
check "sweep: told" is "$(cat "$dir/out")" '{"deleted":1200}'
check "sweep: the living stay" is "$(sql "SELECT group_concat(DISTINCT substr(id, 1, 1)) || count(*) FROM session")" l3
gives "sweep again" 0 sweep
check "sweep again: nothing" out '^deleted  0$'

# --- secret new ---------------------------------------------------------------------------------------------------------
gives "secret new without a file" 1 secret new
printf 'first-secret-0123456789-0123456789\n' > "$secret"
chmod 600 "$secret"
gives "secret new" 0 secret new
check "secret new: told" out '^secrets  2$'
check "secret new: two" is "$(lines "$secret")" 2
check "secret new: in front of the old one" is "$(tail -n 1 "$secret")" first-secret-0123456789-0123456789
check "secret new: mode" is "$(mode "$secret")" -rw-------
check "secret new: not shown" not grep -q -e "$(head -n 1 "$secret")" -e first-secret "$dir/out" "$dir/err"
second=$(head -n 1 "$secret")
gives "secret new, JSON" 0 --json secret new
check "secret new, JSON: one object" is "$(cat "$dir/out")" "{\"file\":\"$secret\",\"secrets\":2}"
check "secret new: the count stays 2" is "$(lines "$secret")" 2
check "secret new: the oldest went" is "$(tail -n 1 "$secret")" "$second"
gives "secret new --keep 3" 0 secret new --keep 3
check "secret new --keep 3: three" is "$(lines "$secret")" 3
gives "secret new --keep 1" 0 secret new --keep 1
check "secret new --keep 1: one" is "$(lines "$secret")" 1
check "secret new: still 0600" is "$(mode "$secret")" -rw-------
check "secret new: nothing left beside it" is "$(ls -A "$dir" | grep -c '^\.new-')" 0
for n in 0 -1 x 1x 1000 ''; do
    before=$(cat "$secret")
    gives "secret new --keep '$n'" 1 secret new --keep "$n"
    check "secret new --keep '$n': nothing changed" is "$(cat "$secret")" "$before"
done
chmod 644 "$secret"
gives "secret new on a file open to others" 1 secret new
check "secret new on a file open to others: told" err 'make it mode 0600'
run check
check "check of a secret open to others" is $? 1
check "check of a secret open to others: named" out '^FAIL *secret '
chmod 600 "$secret"

# --- check --------------------------------------------------------------------------------------------------------------
meta=$(sql 'SELECT name, value FROM latchkey_meta ORDER BY name')
gives "check" 0 check
check "check changes nothing in the store" is "$(sql 'SELECT name, value FROM latchkey_meta ORDER BY name')" "$meta"
for what in configuration secret state store schema; do
    check "check: $what is well" out "^ok  *$what "
done
check "check: nobody answers at the socket" out '^warn *socket '
check "check: no fault" not out '^FAIL'
gives "check, JSON" 0 --json check
check "check, JSON" is "$(grep -c '^ {"state":"\(ok\|warn\|FAIL\)","what":"[a-z]*","detail":".*"},\{0,1\}$' "$dir/out")" "$(($(lines "$dir/out") - 2))"

# broken WHAT TEXT: a line put into the configuration by sed makes check fail and name TEXT, in both forms, and every
# other command refuse to start; afterwards the configuration is whole again
broken() {
    sed "$1" "$conf" > "$conf.new" && mv "$conf.new" "$conf"
    run check
    check "check ($2): exit status" is $? 1
    check "check ($2): named" out "^FAIL  *configuration .*$2"
    run --json check
    check "check --json ($2): exit status" is $? 1
    check "check --json ($2): named" out "\"state\":\"FAIL\",\"what\":\"configuration\".*$2"
    gives "user list ($2)" 1 user list
    check "user list ($2): named" err "$2"
    write_conf
}
broken 's/^base_url.*/base_url =/' 'auth.base_url: must be set, e.g. https://www.example.org'
broken 's/^base_url.*/base_url = http:\/\/www.example.org/' 'is http: passwords and cookies would cross the network in the clear'
broken 's/^max_per_user/max_per_users/' 'session.max_per_users: there is no such key'
broken 's/^max_per_user.*/max_per_user = -1/' 'session.max_per_user: must be a whole number'
broken 's/^max_per_user.*/expires_in = 900d/' 'session.expires_in: must be from 1s to 400d'
broken 's/^max_per_user.*/update_age = 7d/' 'must be less than session.expires_in, or sessions are never extended'
broken 's/^scrypt.*/scrypt = 9,8,1/' 'must have log2 N from 10 to 20'
broken 's/^\[password\]/[passwords]/' 'there is no section \[passwords\]'
broken 's/^socket =.*/socket = relative/' 'pool.socket: must be an absolute path or ADDRESS:PORT'
run_env LATCHKEY_SESSION_MAX_PER_USER=many check
check "check of a bad environment" is $? 1
check "check of a bad environment: named" out 'environment: LATCHKEY_SESSION_MAX_PER_USER: must be a whole number'
chmod 666 "$conf"
run check
check "check of a file others may write" is $? 1
check "check of a file others may write: named" out 'others than its owner may write it'
chmod 644 "$conf"
mv "$conf" "$conf.away"
run check
check "check without a configuration" is $? 1
check "check without a configuration: named" out 'cannot be opened: No such file'
mv "$conf.away" "$conf"
run_env "LATCHKEY_POOL_STATE=$dir/none" check
check "check without the state directory" is $? 1
check "check without the state directory: named" out '^FAIL *state '
mv "$secret" "$secret.away"
printf 'another-secret-0123456789-0123456789\n' > "$secret"
chmod 600 "$secret"
sql "INSERT OR REPLACE INTO latchkey_meta (name, value) VALUES ('secret', 'of another file')"
run check
check "check of a store of other secrets" is $? 1
check "check of a store of other secrets: named" out '^FAIL *secret *the store was made with other secrets'
sql "DELETE FROM latchkey_meta WHERE name = 'secret'"
mv "$secret.away" "$secret"

sql "UPDATE latchkey_meta SET value = '9999' WHERE name = 'schema'"
run check
check "check of a newer schema" is $? 1
check "check of a newer schema: named" out '^FAIL *schema .*9999'
gives "user list of a newer schema" 1 user list
check "user list of a newer schema: told" err 'newer than'
gives "migrate of a newer schema" 1 migrate
sql "UPDATE latchkey_meta SET value = '$newest' WHERE name = 'schema'"
gives "all well again" 0 check
sqlite3 "$dir/foreign.db" 'CREATE TABLE user (id)'
run_env "LATCHKEY_DATABASE_PATH=$dir/foreign.db" migrate
check "migrate of somebody else's tables" is $? 1
check "migrate of somebody else's tables: told" err 'this is not a latchkey database'
LATCHKEY_DATABASE_PATH=$dir/foreign.db
export LATCHKEY_DATABASE_PATH
run_env LATCHKEY_DATABASE_PREFIX=lk_ migrate
check "migrate beside somebody else's tables" is $? 0
unset LATCHKEY_DATABASE_PATH
check "migrate beside somebody else's tables: with the prefix" is "$(sqlite3 "$dir/foreign.db" 'SELECT count(*) FROM lk_user')" 0

# --- print --------------------------------------------------------------------------------------------------------------
before=$(sql .dump | cksum)
gives "print config" 0 print config
check "print config: settings" out '^# expires_in = 7d$'
"$ctl" -c "$dir/none" print config > "$dir/out" 2> "$dir/err"
check "print config needs no configuration" is $? 0
sed 's/^# base_url = /base_url = /' "$dir/out" > "$dir/sample.conf"
"$ctl" -c "$dir/sample.conf" print config --effective > "$dir/out" 2> "$dir/err"
check "what print config prints is a configuration, once its base_url is set" is $? 0
gives "print config --effective" 0 print config --effective
check "print config --effective: from the file" out '^max_per_user = 7$'
check "print config --effective: a default" out '^expires_in = 7d$'
run_env LATCHKEY_SESSION_EXPIRES_IN=48h print config --effective
check "print config --effective: from the environment" out '^expires_in = 2d$'
gives "print config --effective, JSON" 0 --json print config --effective
check "print config --effective, JSON: value" out '"section":"session","key":"max_per_user".*"default":"100".*"value":"7"}'
"$ctl" -c "$dir/none" print config --effective > "$dir/out" 2> "$dir/err"
check "print config --effective needs a configuration" is $? 1
gives "print routes" 0 print routes
check "print routes: one" out '^GET  *\/get-session  *\/session '
gives "print routes, JSON" 0 --json print routes
check "print routes, JSON: one" out '"method":"DELETE","path":"/sessions/{id}"'
gives "print schema" 0 print schema
check "print schema: a table" out '^CREATE TABLE session ('
sqlite3 "$dir/printed.db" < "$dir/out"
check "print schema: is SQL" is "$(sqlite3 "$dir/printed.db" 'SELECT count(*) FROM session')" 0
gives "print cookie-name" 0 print cookie-name
check "print cookie-name: as browsers get it" is "$(cat "$dir/out")" __Host-latchkey.session_token
run_env LATCHKEY_COOKIE_DOMAIN=example.org print cookie-name
check "print cookie-name: with a domain" is "$(cat "$dir/out")" __Secure-latchkey.session_token
check "print changes nothing" is "$(sql .dump | cksum)" "$before"

# --- e-mail addresses in any case, lines of other systems, text that is none -----------------------------------------------
run_with "$password" user add Carol@Example.ORG
check "user add with capitals" is $? 0
sessions carol@example.org 2 '+1 day' c
gives "session list --user with capitals" 0 session list --user Carol@Example.ORG
check "session list --user with capitals: hers" is "$(lines "$dir/out")" 3
gives "session revoke-all --user with capitals" 0 --json session revoke-all --user CAROL@example.org
check "session revoke-all --user with capitals: hers" is "$(value endedSessions)" 2
gives "user disable with capitals" 0 user disable Carol@Example.ORG
gives "user enable with capitals" 0 user enable Carol@Example.ORG
run_with 'another fine password' user set-password Carol@Example.ORG
check "user set-password with capitals" is $? 0
gives "user delete with capitals" 0 user delete Carol@Example.ORG
check "user delete with capitals: gone" is "$(user_id carol@example.org)" ''

cr=$(printf '\r')
refused "1234567$cr" 'Password too short' user add dave@example.org
refused "$cr" 'Password too short' user add dave@example.org
run_with "$(printf '%0128d' 0)$cr" user add dave@example.org
check "user add: the CR of a CRLF is no part of the password" is $? 0
run_with "$(printf '%0128d' 1)$cr" user set-password dave@example.org
check "user set-password: the CR of a CRLF is no part of the password" is $? 0
run_with "1234567$cr" user set-password dave@example.org
check "user set-password: nor does it make a short one longer" is $? 1
run_with "1234${cr}567" user add cr@example.org
check "user add: a CR elsewhere is" is $? 0

for bytes in '\0377' '\0303' '\0355\0240\0200' '\0300\0257' '\0364\0220\0200\0200'; do
    bytes=$(printf %b "$bytes")
    refused "$password" 'UTF-8' user add eve@example.org --name "Eve$bytes"
    refused "$password$bytes" 'UTF-8' user add eve@example.org
    check "what is no UTF-8 is not shown" not grep -q -a -F "$bytes" "$dir/err" "$dir/out"
    run_with "$password$bytes" user set-password dave@example.org
    check "user set-password that is no UTF-8" is $? 1
    check "user set-password that is no UTF-8: told" err 'UTF-8'
done
gives "user delete of the ones for this" 0 user delete dave@example.org
gives "user delete of the ones for this, too" 0 user delete cr@example.org

# --- where there is no database -------------------------------------------------------------------------------------------
mkdir -m 700 "$dir/empty"
LATCHKEY_DATABASE_PATH=$dir/empty/new.db
export LATCHKEY_DATABASE_PATH
for command in 'status' 'sweep' 'user list' 'user disable bob@example.org' 'user delete bob@example.org' 'session list' \
    'session list --user bob@example.org' 'session revoke-all --everybody' 'session revoke-all --user bob@example.org'; do
    # shellcheck disable=SC2086 # a command and its arguments
    gives "$command without a database" 1 $command
    check "$command without a database: nothing printed" [ ! -s "$dir/out" ]
    check "$command without a database: none is made" is "$(ls -A "$dir/empty")" ''
done
run_with "$password" user set-password bob@example.org
check "user set-password without a database" is $? 1
check "user set-password without a database: none is made" is "$(ls -A "$dir/empty")" ''
run check
check "check without a database: none is made" is "$(ls -A "$dir/empty")" ''
run_with "$password" user add first@example.org
check "user add makes the database" is $? 0
check "user add makes the database: with the user" is "$(sqlite3 "$dir/empty/new.db" 'SELECT email FROM user')" first@example.org
check "user add makes the database: its owner's only" is "$(mode "$dir/empty/new.db")" -rw-------
rm -f "$dir/empty"/*
gives "migrate makes the database" 0 migrate
check "migrate makes the database: empty" is "$(sqlite3 "$dir/empty/new.db" 'SELECT count(*) FROM user')" 0
gives "status of the empty database" 0 status
rm -f "$dir/empty"/*
unset LATCHKEY_DATABASE_PATH

# --- run by root: files belong to whom the program runs as ----------------------------------------------------------------
# theirs TEXT: no file in the state directory is anybody else's
theirs() {
    check "$1: all belongs to nobody" is "$(find "$away/state" ! -uid "$uid" -o ! -gid "$gid")" ''
}
if [ "$(id -u)" -eq 0 ] && uid=$(id -u nobody) && gid=$(id -g nobody); then
    # not below $TMPDIR, which that user need not be able to enter
    away=$(mktemp -d /tmp/latchkey-away.XXXXXX) || exit 1
    chmod 711 "$away"
    mkdir -m 700 "$away/state"
    (umask 077 && printf 'first-secret-0123456789-0123456789\n' > "$away/state/secret")
    chown -R "$uid:$gid" "$away/state"
    LATCHKEY_DATABASE_PATH=$away/state/latchkey.db LATCHKEY_SECRET_FILE=$away/state/secret LATCHKEY_POOL_STATE=$away/state
    export LATCHKEY_DATABASE_PATH LATCHKEY_SECRET_FILE LATCHKEY_POOL_STATE
    run check
    theirs "check by root"
    run_with "$password" user add ann@example.org
    check "user add by root" is $? 0
    check "user add by root: the database is there" [ -s "$away/state/latchkey.db" ]
    theirs "user add by root"
    gives "secret new by root" 0 secret new
    theirs "secret new by root"
    check "secret new by root: mode" is "$(mode "$away/state/secret")" -rw-------
    # a reader that holds the database open keeps -wal and -shm there
    mkfifo "$dir/hold"
    sqlite3 "$away/state/latchkey.db" < "$dir/hold" > /dev/null &
    exec 9> "$dir/hold"
    echo 'BEGIN; SELECT count(*) FROM user;' >&9
    sleep 0.2
    run_with 'another fine password' user set-password ann@example.org
    check "user set-password by root" is $? 0
    gives "sweep by root" 0 sweep
    run check
    theirs "with the journal there"
    exec 9>&-
    wait $!
    rm -f "$away/state/latchkey.db"*
    gives "migrate by root" 0 migrate
    theirs "migrate by root"
    unset LATCHKEY_DATABASE_PATH LATCHKEY_SECRET_FILE LATCHKEY_POOL_STATE
else
    echo "skipped: what root does for another user (not root, or there is no user nobody)"
    skipped=$((skipped + 1))
fi

# --- usage --------------------------------------------------------------------------------------------------------------
gives "no command" 2
gives "unknown command" 2 frobnicate
check "unknown command: told" err 'no such command: frobnicate'
gives "unknown verb" 2 user frobnicate
gives "half a command" 2 user
gives "missing argument" 2 user add
check "missing argument: told" err 'missing argument: EMAIL'
gives "argument too many" 2 user list ann@example.org
check "argument too many: told" err 'unexpected argument: ann@example.org'
gives "argument too many, of a command with one" 2 session revoke a b
gives "unknown option" 2 --frobnicate user list
gives "option without its value" 2 user list --user
gives "--user does not go with user list" 2 user list --user ann@example.org
gives "--keep does not go with sweep" 2 sweep --keep 3
gives "--name does not go with user delete" 2 user delete bob@example.org --name Bob
gives "--everybody does not go with session list" 2 session list --everybody
gives "--effective does not go with print routes" 2 print routes --effective
check "an option that does not go: told" err 'option does not go with'
check "wrong usage changed nothing" is "$(user_id bob@example.org | wc -c)" 33
for option in --help -h; do
    gives "$option" 0 "$option"
    check "$option: usage" out '^usage: latchkeyctl '
    check "$option: commands" out '^  session revoke-all '
done
for option in --version -V; do
    gives "$option" 0 "$option"
    check "$option: one line" is "$(sed 's/latchkeyctl [0-9][0-9.]*/version/' "$dir/out")" version
done
env LATCHKEY_CONF="$conf" "$ctl" print cookie-name > "$dir/out" 2> "$dir/err"
check "LATCHKEY_CONF names the configuration" is "$(cat "$dir/out")" __Host-latchkey.session_token
if "$ctl" print config > /dev/full 2> "$dir/err"; then full=0; else full=$?; fi
[ ! -c /dev/full ] || check "a full disk is told" is "$full" 1

[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
