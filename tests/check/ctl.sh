#!/bin/sh
# Drives the real latchkeyctl on a directory of its own: every command but those of groups, what it prints for people and
# for programs, what it refuses, and the exit status.
. "$top_srcdir/tests/check/ctl-lib.sh"
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

# --- passwords that are easy to guess -----------------------------------------------------------------------------------
printf '%s\n' 5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9 8F0EC89D026EC134BC22FAAE80221CFD762297AD:1 > "$dir/breached"
export LATCHKEY_PASSWORD_BREACHED="$dir/breached"
refused 'vX3#pq9!Lm2z' 'Password is too easy to guess or known from a breach' user add eve@example.org
run check
check "check: the breached passwords are well" out "^ok  *breached  *$dir/breached\$"
for bad in "$dir/none" "$dir" "$conf"; do
    LATCHKEY_PASSWORD_BREACHED=$bad
    run check
    check "check of $bad as breached passwords" is $? 1
    check "check of $bad as breached passwords: named" out "^FAIL  *breached  *$bad is not usable"
    check "check of $bad as breached passwords: told why" err "password.breached: $bad: [a-zA-Z]"
done
refused 'vX3#pq9!Lm2z' 'it could not be done; the line above tells why' user add eve@example.org
check "a file that cannot be searched: why" err "password.breached: $conf: byte [0-9]*: no line of 40 hex digits"
unset LATCHKEY_PASSWORD_BREACHED
# a build without libzxcvbn refuses the setting instead
export LATCHKEY_PASSWORD_MIN_STRENGTH=3
if run user list; then
    refused 'password1' 'Password is too easy to guess' user add eve@example.org
    refused 'eve@example.org' 'Password is too easy to guess' user add eve@example.org
else
    check "min_strength without libzxcvbn: told" err 'PASSWORD_MIN_STRENGTH: this latchkey was built without libzxcvbn'
fi
unset LATCHKEY_PASSWORD_MIN_STRENGTH

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
    sql "UPDATE user SET emailVerified = 0 WHERE email = 'ann@example.org'"
    gives "user verify $by" 0 user verify "$by"
    check "user verify: done, of one user" is "$(sql "SELECT group_concat(email) FROM user WHERE emailVerified = 1")" ann@example.org
    gives "user verify twice" 1 user verify "$by"
    check "user verify twice: told" err 'the address of ann@example.org is proven already'

    sessions ann@example.org 2 '+1 day' a
    old=$(sql "SELECT password FROM account JOIN user ON user.id = userId WHERE email = 'ann@example.org'")
    run_with '1234567' user set-password "$by"
    check "user set-password, too short: exit status" is $? 1
    check "user set-password, too short: told" err 'Password too short'
    check "user set-password, too short: sessions stay" is "$(count ann@example.org)" 2
    export LATCHKEY_PASSWORD_BREACHED="$dir/breached"
    run_with 'vX3#pq9!Lm2z' user set-password "$by"
    check "user set-password, known from a breach: exit status" is $? 1
    check "user set-password, known from a breach: told" err 'Password is too easy to guess or known from a breach'
    unset LATCHKEY_PASSWORD_BREACHED
    check "user set-password, known from a breach: sessions stay" is "$(count ann@example.org)" 2
    run_with 'another fine password' user set-password "$by"
    check "user set-password: exit status" is $? 0
    check "user set-password: told" out '^endedSessions  2$'
    check "user set-password: sessions ended" is "$(count ann@example.org)" 0
    new=$(sql "SELECT password FROM account JOIN user ON user.id = userId WHERE email = 'ann@example.org'")
    check "user set-password: another hash" [ "${#new}" -gt 60 ]
    check "user set-password: which differs" not is "$new" "$old"
    gives "user set-password takes none from the command line" 2 user set-password "$by" "$password"

    sessions ann@example.org 2 '+1 day' a
    hash=$(sql "SELECT password FROM account JOIN user ON user.id = userId WHERE email = 'ann@example.org'")
    gives "user reset $by" 0 user reset "$by"
    check "user reset: of whom" out "^id       $(user_id ann@example.org)\$"
    check "user reset: her address" out '^email    ann@example.org$'
    check "user reset: a token" out '^token    [A-Za-z0-9]\{32\}$'
    check "user reset: until when" out '^expires  20[0-9-]*T[0-9:]*Z$'
    check "user reset: four lines" is "$(lines "$dir/out")" 4
    token=$(sed -n 's/^token *//p' "$dir/out")
    gives "user reset $by, JSON" 0 --json user reset "$by"
    check "user reset, JSON: one object" out "^{\"id\":\"$(user_id ann@example.org)\",\"email\":\"ann@example.org\",\"token\":\"[A-Za-z0-9]\{32\}\",\"expires\":\"20[^\"]*Z\"}\$"
    check "user reset, JSON: another token" not is "$(value token)" "$token"
    check "user reset: of two the newer one is kept" is "$(sql "SELECT count(*) || max(id) FROM verification")" "1reset-password:$(user_id ann@example.org)"
    check "user reset: as its hash" is "$(sql "SELECT identifier FROM verification")" "reset-password:$(printf %s "$(value token)" | sha256sum | cut -d ' ' -f 1)"
    check "user reset: for an hour" is "$(sql "SELECT round((julianday(expiresAt) - julianday('now')) * 24, 1) FROM verification")" 1.0
    check "user reset: no file holds the token" not grep -rqF "$(value token)" "$db" "$db-wal"
    check "user reset: sessions stay" is "$(count ann@example.org)" 2
    check "user reset: so does the password" is "$(sql "SELECT password FROM account JOIN user ON user.id = userId WHERE email = 'ann@example.org'")" "$hash"
    gives "user reset of nobody" 1 user reset nobody@example.org
    check "user reset of nobody: told" err 'no such user: nobody@example.org'
    gives "user reset of whom?" 2 user reset
    gives "user reset takes no token" 2 user reset "$by" "$token"

    gives "user delete $by" 0 user delete "$by"
    check "user delete: and her token" is "$(sql 'SELECT count(*) FROM verification')" 0
    check "user delete: told" out '^endedSessions  2$'
    check "user delete: gone with all that is hers" is "$(sql "SELECT (SELECT count(*) FROM user WHERE email LIKE 'ann@%') ||
        (SELECT count(*) FROM account WHERE userId NOT IN (SELECT id FROM user)) || (SELECT count(*) FROM session WHERE id LIKE 'a%') ||
        (SELECT count(*) FROM latchkey_user WHERE userId NOT IN (SELECT id FROM user))")" 0000
    check "user delete: the other stays" is "$(count bob@example.org)" 1
    sql 'DELETE FROM session'
    for verb in disable enable delete reset; do
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
check "status: mails" is "$(value mails)" 0
check "status: where" is "$(value baseUrl)" https://www.example.org/auth
gives "sweep" 0 --json sweep
check "sweep: told" is "$(cat "$dir/out")" '{"deleted":1200}'
check "sweep: the living stay" is "$(sql "SELECT group_concat(DISTINCT substr(id, 1, 1)) || count(*) FROM session")" l3
gives "sweep again" 0 sweep
check "sweep again: nothing" out '^deleted  0$'

# --- run-jobs -----------------------------------------------------------------------------------------------------------
sessions bob@example.org 1200 '-1 second' e
gives "run-jobs" 0 --json run-jobs
check "run-jobs: told" is "$(cat "$dir/out")" '{"deleted":1200,"held":false,"sent":0,"later":0}'
check "run-jobs: the living stay" is "$(sql "SELECT group_concat(DISTINCT substr(id, 1, 1)) || count(*) FROM session")" l3
check "run-jobs: the lease is given back" is "$(sql "SELECT substr(value, 1, 5) FROM latchkey_meta WHERE name = 'jobs'")" 1970-
check "run-jobs: its lock is its owner's only" is "$(mode "$dir/jobs.lock")" -rw-------
gives "run-jobs again" 0 run-jobs
check "run-jobs again: nothing" out '^deleted  0$'
check "run-jobs again: by this one" out '^held     no$'
sessions bob@example.org 5 '-1 second' e
sql "UPDATE latchkey_meta SET value = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+30 seconds') || ' another' WHERE name = 'jobs'"
lease=$(sql "SELECT value FROM latchkey_meta WHERE name = 'jobs'")
gives "run-jobs while another is at it" 0 --json run-jobs
check "run-jobs while another is at it: told" is "$(cat "$dir/out")" '{"deleted":0,"held":true,"sent":0,"later":0}'
check "run-jobs while another is at it: nothing done" is "$(count bob@example.org)" 8
check "run-jobs while another is at it: which keeps the lease" is "$(sql "SELECT value FROM latchkey_meta WHERE name = 'jobs'")" "$lease"
gives "sweep while another is at it" 0 --json sweep
check "sweep asks nobody" is "$(cat "$dir/out")" '{"deleted":5}'
sql "DELETE FROM latchkey_meta WHERE name = 'jobs'"
sessions bob@example.org 5 '-1 second' e
run_env LATCHKEY_JOBS_EVERY=0 --json run-jobs
check "run-jobs where jobs.every is 0" is "$(cat "$dir/out")" '{"deleted":5,"held":false,"sent":0,"later":0}'
run_env "LATCHKEY_POOL_STATE=$dir/none" run-jobs
check "run-jobs without the state directory" is $? 1
check "run-jobs without the state directory: told" err 'none/jobs.lock: No such file'

# --- limits -------------------------------------------------------------------------------------------------------------
bob=$(user_id bob@example.org)
nobody=$(printf %s nobody@example.org | sha256sum | cut -d ' ' -f 1)
# counted KIND NAME SUBJECT TRIES MINUTES: a counter that is free, and expires, so many minutes from now
counted() {
    sql "INSERT INTO latchkey_limit (name, subject, tries, freeAt, expiresAt) VALUES ('$1 $2', '$3', $4,
      CAST((julianday('now', '$5 minutes') - 2440587.5) * 86400000 AS INTEGER), strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '$5 minutes'))"
}
counters() {
    sql 'DELETE FROM latchkey_limit'
    counted sign-in "account:$bob" "$bob" 12 +5
    counted sign-in "account:$bob device:192.0.2.7" "$bob" 3 +5
    counted password "account:$bob device:session $(printf '%032d' 7)" "$bob" 1 +5
    counted sign-in "account:$nobody" "$nobody" 4 +5
    counted sign-in address:203.0.113.9 203.0.113.9 31 +5
    counted sign-up address:2001:db8:1:2::/64 2001:db8:1:2::/64 2 +5
    counted sign-in total total 999 +5
    counted sign-in address:192.0.2.99 192.0.2.99 5 -1
}
counters_left() { sql 'SELECT count(*) FROM latchkey_limit'; }
cleared() { sql "SELECT group_concat(coalesce(userId, '-') || ' ' || reason, ',') FROM latchkey_audit WHERE event = 'limit-cleared'"; }
gives "limit list of none" 0 --json limit list
check "limit list of none: empty array" is "$(cat "$dir/out")" '[]'
counters
gives "limit list" 0 limit list
check "limit list: head" is "$(head -n 1 "$dir/out" | tr -s ' ')" "limit whom tries until"
check "limit list: those that count" is "$(lines "$dir/out")" 8
check "limit list: a user by his e-mail address, wherever he is known from" is "$(grep -c '^\(sign-in\|password\) account  *bob@example.org  ' "$dir/out")" 3
check "limit list: how often, and until when" out '^sign-in account  *bob@example.org  *12  20[0-9T:-]*Z$'
check "limit list: an address that is nobody's" out '^sign-in account  *(an e-mail address)  *4  20'
check "limit list: an address" out '^sign-in address  *203.0.113.9  *31  20'
check "limit list: a /64" out '^sign-up address  *2001:db8:1:2::/64  *2  20'
check "limit list: all together" out '^sign-in total  *total  *999  20'
check "limit list: not what expired" not out 192.0.2.99
gives "limit list, JSON" 0 --json limit list
check "limit list, JSON" is "$(grep -c '^ {"limit":"[a-z-]* [a-z]*","whom":"[^"]*","tries":[0-9]*,"until":"20[0-9T:.-]*Z"},\{0,1\}$' "$dir/out")" 7
check "limit list, JSON: one" out '^ {"limit":"sign-in account","whom":"bob@example.org","tries":12,"until":"20'
sql "UPDATE latchkey_limit SET freeAt = freeAt - 600000 WHERE tries = 31"
gives "limit list of one that is free" 0 --json limit list
check "limit list of one that is free: no time" out '"whom":"203.0.113.9","tries":31,"until":null}'
check "limit list changes nothing" is "$(counters_left)" 8

for whom in bob@example.org Bob@Example.ORG "$bob"; do
    counters
    gives "limit clear --user $whom" 0 --json limit clear --user "$whom"
    check "limit clear --user $whom: all of his" is "$(cat "$dir/out")" '{"cleared":3}'
    check "limit clear --user $whom: nobody else's" is "$(counters_left)" 5
done
gives "limit clear --user twice" 0 limit clear --user bob@example.org
check "limit clear --user twice: nothing" out '^cleared  0$'
gives "limit clear of an e-mail address that is nobody's" 0 limit clear --user Nobody@Example.org
check "limit clear of an e-mail address that is nobody's: its tries" out '^cleared  1$'
check "limit clear of an e-mail address that is nobody's: no others" is "$(counters_left)" 4
gives "limit clear of an id that is nobody's" 1 limit clear --user "$(printf '%032d' 0)"
check "limit clear of an id that is nobody's: told" err 'no such user: 0'
for address in 203.0.113.9 ::ffff:203.0.113.9 ::FFFF:cb00:7109 2001:db8:1:2::1 2001:DB8:1:2:: 2001:0db8:0001:0002:ffff:ffff:ffff:ffff; do
    counters
    gives "limit clear --address $address" 0 limit clear --address "$address"
    check "limit clear --address $address: its tries" out '^cleared  1$'
    check "limit clear --address $address: no others" is "$(counters_left)" 7
done
gives "limit clear of an address without tries" 0 --json limit clear --address 2001:db8:1:3::1
check "limit clear of an address without tries: nothing" is "$(cat "$dir/out")" '{"cleared":0}'
counters
before=$(cleared)
for address in '' x 203.0.113 203.0.113.256 203.0.113.9/32 '[::1]' total unknown "$bob"; do
    gives "limit clear --address '$address'" 2 limit clear --address "$address"
    check "limit clear --address '$address': told" grep -qF "no address: $address" "$dir/err"
done
gives "limit clear of nobody" 2 limit clear
check "limit clear of nobody: told" err 'say of whom: --user USER, --address ADDR or --everybody'
gives "limit clear of one and of all" 2 limit clear --user bob@example.org --everybody
gives "limit clear of a user and an address" 2 limit clear --user bob@example.org --address 203.0.113.9
gives "limit clear of an address and all" 2 limit clear --address 203.0.113.9 --everybody
gives "limit clear takes no argument" 2 limit clear bob@example.org
gives "limit list takes no --user" 2 limit list --user bob@example.org
check "wrong usage clears nothing" is "$(counters_left)" 8
check "wrong usage is no event" is "$(cleared)" "$before"
sql "DELETE FROM latchkey_audit WHERE event = 'limit-cleared'"
gives "limit clear --user, for the audit log" 0 limit clear --user bob@example.org
gives "limit clear --address, for the audit log" 0 limit clear --address 203.0.113.9
gives "limit clear --everybody" 0 --json limit clear --everybody
check "limit clear --everybody: all that were left" is "$(cat "$dir/out")" '{"cleared":4}'
check "limit clear --everybody: none left" is "$(counters_left)" 0
check "limit clear: events" is "$(cleared)" "$bob user,- address,- everybody"
# --- audit, user export, user erase -----------------------------------------------------------------------------------------
# event WHEN EVENT WHOM AGENT: one of the service's, WHEN (of sqlite's date modifiers) from now
event() {
    sql "INSERT INTO latchkey_audit (at, event, userId, sessionId, actor, email, ipAddress, userAgent, requestId)
        SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '$1'), '$2', id, 'SESSION', 'visitor', CASE WHEN '$2' = 'sign-up' THEN email END,
        CASE WHEN '$3' = 'bob@example.org' THEN '192.0.2.98' ELSE '198.51.100.77' END, $4, 'REQUEST' FROM user WHERE email = '$3'"
}
sql 'DELETE FROM latchkey_audit'
gives "audit of nothing" 0 audit
check "audit of nothing: only the head" is "$(tr -s ' ' < "$dir/out")" "at event reason actor whom session address device"
gives "audit of nothing, JSON" 0 audit --json
check "audit of nothing, JSON: empty array" is "$(cat "$dir/out")" '[]'

run_with "$password" user add pat@example.org --name Pat
pat=$(user_id pat@example.org)
check "actor: who runs it" is "$(events 0)" "user-added $me $pat -"
n=$(last)
run_env SUDO_USER=ann user disable pat@example.org
run_env "SUDO_USER=$(printf '%063d\303\251' 0)" user enable pat@example.org
if [ "$(id -u)" -eq 0 ]; then
    check "actor: who is behind sudo, at most 64 bytes, cut at a character" is "$(events "$n")" "user-disabled administrator ann $pat -, user-enabled administrator $(printf '%063d' 0) $pat -"
else
    check "actor: SUDO_USER is nothing to others than root" is "$(events "$n")" "user-disabled $me $pat -, user-enabled $me $pat -"
fi
sql 'DELETE FROM latchkey_audit'
event '-3 days' sign-up pat@example.org "'Fox'"
event '-3 hours' sign-in pat@example.org "'Fire' || char(27) || '[2J' || char(10) || char(155) || char(8232) || char(127) || '\"fox'"
event '-90 seconds' sign-in bob@example.org "'Fox'"
gives "audit" 0 audit
check "audit: head and three lines" is "$(lines "$dir/out")" 4
check "audit: a row" out '^20[0-9T:-]*Z  sign-up  -       visitor  pat@example.org  *SESSION  198.51.100.77  Fox$'
check "audit: hostile text escaped" out "  pat@example.org  SESSION  198.51.100.77  Fire.x1b.2J.x0a.x9b.xe2.x80.xa8.x7f\"fox\$"
gives "audit, JSON" 0 audit --json
check "audit, JSON: is JSON" json_ok
check "audit, JSON: three, each a line" is "$(grep -c '^ {"at":"20[0-9T:.-]*Z","event":"sign-[a-z]*",.*},\{0,1\}$' "$dir/out")" 3
check "audit, JSON: ASCII only" not grep -q '[^ -~]' "$dir/out"
check "audit, JSON: the text is whole" is "$(from_json "json_extract(j, '\$[1].userAgent') = 'Fire' || char(27) || '[2J' || char(10) || char(155) || char(8232) || char(127) || '\"fox'")" 1
check "audit, JSON: keys" is "$(from_json "(SELECT group_concat(key) FROM json_each(j, '\$[0]'))")" at,event,actor,userId,email,sessionId,ipAddress,userAgent,requestId
gives "audit --user, by e-mail" 0 audit --json --user PAT@example.org
check "audit --user, by e-mail: two" is "$(from_json "json_array_length(j)")" 2
gives "audit --user, by id" 0 audit --json --user "$pat"
check "audit --user, by id: two" is "$(from_json "json_array_length(j)")" 2
gives "audit --user of nobody" 1 audit --user nobody@example.org
check "audit --user of nobody: told" err 'no such user: nobody@example.org'
day=$(sql "SELECT substr(at, 1, 10) FROM latchkey_audit WHERE event = 'sign-up'") at=$(sql "SELECT min(at) FROM latchkey_audit WHERE event = 'sign-in'")
for since in '60s 0' '2m 1' '1h 1' '4h 2' '2d 2' '4d 3' '0s 0' '999999d 3' "$day 3" "$at 2" '2001-01-31 3' '2999-12-31T23:59:59.999Z 0'; do
    gives "audit --since $since" 0 audit --json --since "${since% *}"
    check "audit --since $since" is "$(from_json "json_array_length(j)")" "${since#* }"
done
gives "audit --since and --user" 0 audit --json --since 4h --user pat@example.org
check "audit --since and --user: one" is "$(from_json "json_array_length(j)")" 1
for wrong in '' x 2 2x -2h 2h3m 2hh '2 h' 1000000d 99999999999999999999d 2026-13-01 2026-02-30 2026-1-1 2026-01-31T12:00:00Z 2026-01-31x '2026-01-31 12:00'; do
    gives "audit --since '$wrong'" 2 audit --since "$wrong"
    check "audit --since '$wrong': told" err '^latchkeyctl: --since takes 2h, 30d, 2026-01-31 or 2026-01-31T12:00:00.000Z$'
    check "audit --since '$wrong': nothing printed" [ ! -s "$dir/out" ]
done
gives "--since goes with audit only" 2 session list --since 2h
gives "audit takes no argument" 2 audit pat@example.org
sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
    INSERT INTO latchkey_audit (at, event, actor, reason) SELECT '2001-01-31T00:00:00.000Z', 'many', 'system', i FROM n"
gives "audit of more than a page" 0 audit --json
check "audit of more than a page: all, once, in order" is "$(from_json "(SELECT count(*) || ' ' || count(DISTINCT value ->> 'reason') || ' ' || (value ->> 'reason') FROM json_each(j) WHERE value ->> 'event' = 'many' AND json_array_length(j) = 1203)")" '1200 1200 1'
gives "audit of more than a page, in text" 0 audit
check "audit of more than a page, in text: all" is "$(grep -c ' many ' "$dir/out")" 1200
sql "DELETE FROM latchkey_audit WHERE event = 'many'"

# what the service knows of a person besides
sessions pat@example.org 2 '+1 day' p
event '-1 minute' sign-in-refused pat@example.org "'PatsFox/7'"
sql "UPDATE session SET userAgent = 'PatsFox/7', ipAddress = '198.51.100.77', lastIpAddress = '198.51.100.78' WHERE id LIKE 'p%';
    UPDATE latchkey_audit SET userId = NULL, email = 'pat@example.org' WHERE event = 'sign-in-refused';
    INSERT INTO latchkey_device VALUES ('$pat', '198.51.100.77', '2026-01-31T00:00:00.000Z', '2999-01-31T00:00:00.000Z'), ('$(user_id bob@example.org)', '192.0.2.99', '2026-01-31T00:00:00.000Z', '2999-01-31T00:00:00.000Z');
    INSERT INTO verification (id, identifier, value, expiresAt, createdAt, updatedAt)
        VALUES ('reset-password:$pat', 'reset-password:0', '$pat:0:', '2999-01-31T00:00:00.000Z', '2026-01-31T00:00:00.000Z', '2026-01-31T00:00:00.000Z');
    INSERT INTO latchkey_limit VALUES ('sign-in account:$pat device:198.51.100.77', '$pat', 3, 1, '2999-01-31T00:00:00.000Z')"
n=$(last)
gives "user export" 0 user export Pat@Example.org
check "user export: is JSON" json_ok
check "user export: one line" is "$(lines "$dir/out")" 1
check "user export: parts" is "$(from_json "(SELECT group_concat(key) FROM json_each(j))")" user,accounts,sessions,devices,groups,mails,events
check "user export: the user" is "$(from_json "j ->> '\$.user.id' || ' ' || (j ->> '\$.user.email') || ' ' || (j ->> '\$.user.name')")" "$pat pat@example.org Pat"
check "user export: how many of each" is "$(from_json "json_array_length(j, '\$.accounts') || json_array_length(j, '\$.sessions') || json_array_length(j, '\$.devices') || json_array_length(j, '\$.events')")" 1212
check "user export: a session, a device, an event" is "$(from_json "(j ->> '\$.sessions[0].userAgent') || ' ' || (j ->> '\$.devices[0].device') || ' ' || (j ->> '\$.devices[0].lastSeenAt') || ' ' || (j ->> '\$.events[0].event')")" 'PatsFox/7 198.51.100.77 2026-01-31T00:00:00.000Z sign-up'
check "user export: ASCII only" not grep -q '[^ -~]' "$dir/out"
for secret_of in "SELECT password FROM account WHERE userId = '$pat'" "SELECT token FROM session WHERE id LIKE 'p%1'" "SELECT token FROM session WHERE id LIKE 'p%2'"; do
    check "user export: no hash, no token" not grep -q -F "$(sql "$secret_of")" "$dir/out"
done
check "user export: nothing of others" not grep -q -e bob@ -e 192.0.2.99 "$dir/out"
check "user export: is an event" is "$(events "$n")" "user-exported $me $pat -"
gives "user export of nobody" 1 user export nobody@example.org
check "user export of nobody: told" err 'no such user: nobody@example.org'
check "user export of nobody: nothing printed" [ ! -s "$dir/out" ]

# what goes by mail: tokens, many of one kind too; mails to addresses that were his or were to be; what stands under the
# hash of his address from the time before he had an account
hash=$(printf pat@example.org | sha256sum | cut -d ' ' -f 1) was="'2026-01-31T00:00:00.000Z'"
ticket() { echo "INSERT INTO verification (id, identifier, value, expiresAt, createdAt, updatedAt) VALUES ('$1', '$2', '$3', '2999-01-31T00:00:00.000Z', $was, $was);"; }
waits() { echo "INSERT INTO latchkey_mail (ref, kind, recipient, data, createdAt, dueAt, tries, expiresAt) VALUES ('r$1$2', '$1', '$2', 'x', $was, $was, 0, '2999-01-31T00:00:00.000Z');"; }
happened() { echo "INSERT INTO latchkey_audit (at, event, userId, actor, email) VALUES ($was, '$1', '$pat', 'user', '$2');"; }
bob=$(user_id bob@example.org)
sql "$(for kind in verify-email delete-account; do ticket "$kind:$pat" "$kind:0" "$pat:0:"; done)
    $(ticket "change-email:$pat" change-email:0 "$pat:0:new.pat@example.org") $(ticket "reset-password:$(echo "$hash" | cut -c 1-32)" reset-password:1 ':0:')
    $(for n in 1 2 3; do ticket "not-me:$pat:p$n" "not-me:$n" "$pat:0:p$n"; done) $(ticket "not-me:$bob:b1" not-me:4 "$bob:0:b1") $(ticket "reset-password:$bob" reset-password:5 "$bob:0:")
    $(happened email-changed old.pat@example.org) $(happened email-change-requested new.pat@example.org) $(happened email-change-requested bob@example.org)
    $(waits verify-email pat@example.org) $(waits email-changed old.pat@example.org) $(waits change-email new.pat@example.org) $(waits reset-password bob@example.org)
    INSERT INTO latchkey_limit VALUES ('mail account:$hash', '$hash', 3, 1, '2999-01-31T00:00:00.000Z')"
traces() { sql .dump | grep -c -i -e pat@example.org -e "$(echo "$hash" | cut -c 1-32)" -e "$pat" -e 198.51.100.7 -e PatsFox -e "'Pat'"; }
check "before user erase there are traces" [ "$(traces)" -ge 10 ]
before=$(sql 'SELECT count(*) FROM latchkey_audit') n=$(last)
gives "user erase" 0 --json user erase Pat@Example.org
check "user erase: told" is "$(cat "$dir/out")" "{\"id\":\"$pat\",\"email\":\"pat@example.org\",\"erased\":true}"
check "user erase: no trace in any table" is "$(traces)" 0
check "user erase: what happened stays" is "$(sql "SELECT count(*) FROM latchkey_audit WHERE id <= $n")" "$before"
check "user erase: when and what, but not who" is "$(sql "SELECT group_concat(event || coalesce(userId, '-') || (at > '2020') || coalesce(email, '-') || coalesce(ipAddress, '-') || coalesce(userAgent, '-')) FROM latchkey_audit WHERE id <= $n AND event LIKE 'sign-%' AND userId = 'erased'")" \
    'sign-uperased1---,sign-inerased1---,sign-in-refusederased1---'
check "user erase: and which administrator did what" is "$(sql "SELECT group_concat(event || ' ' || actor) FROM latchkey_audit WHERE event LIKE 'user-%' AND userId = 'erased'")" "user-exported $me"
check "user erase: is an event that does not tell of whom" is "$(events "$n")" "session-ended $me erased deleted, session-ended $me erased deleted, user-erased $me - -"
check "user erase: why the sessions ended can be told" is "$(sql "SELECT group_concat(DISTINCT reason) || count(*) FROM latchkey_ended WHERE token LIKE 'p%'")" deleted2
check "user erase: nobody else's" is "$(sql "SELECT (SELECT count(*) FROM verification) || (SELECT group_concat(recipient) FROM latchkey_mail) || (SELECT count(*) FROM latchkey_device) || (SELECT userAgent FROM latchkey_audit WHERE userId = '$(user_id bob@example.org)')")" 2bob@example.org1Fox
sql "DELETE FROM latchkey_mail; DELETE FROM verification"
gives "user erase twice" 1 user erase "$pat"
check "user erase twice: told" err 'no such user'
gives "user erase without a user" 2 user erase
sql "DELETE FROM latchkey_device"

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

# --- jwt ----------------------------------------------------------------------------------------------------------------
# key_is KID STATE: so the list says
key_is() { out "^$1  *EdDSA  *$2  *20"; }
ends() { sql "SELECT count(*) FROM jwks WHERE expiresAt $1"; }
gives "jwt list of none" 0 jwt list
check "jwt list of none: only the head" is "$(lines "$dir/out")" 1
mv "$secret" "$secret.away"
gives "jwt new-key without a secret" 1 jwt new-key
check "jwt new-key without a secret: told" err 'start latchkey first'
check "jwt new-key without a secret: none is made" [ ! -e "$secret" ]
mv "$secret.away" "$secret"
run_env LATCHKEY_AUTH_MODE=jwt check
check "check in jwt mode, no key yet" out '^ok  *jwt  *no key yet'
check "check makes no key" is "$(sql 'SELECT count(*) FROM jwks')" 0
gives "jwt new-key" 0 jwt new-key
check "jwt new-key: told" out '^alg        EdDSA$'
check "jwt new-key: in a mode that signs none, told" out '^auth.mode is not jwt'
first=$(sed -n 's/^kid  *//p' "$dir/out")
check "jwt new-key: an id" is "$(printf %s "$first" | tr -d 'A-Za-z0-9' | wc -c),${#first}" 0,32
check "jwt new-key: no end" is "$(ends 'IS NULL')" 1
check "jwt new-key: an event" is "$(sql "SELECT count(*) FROM latchkey_audit WHERE event = 'jwt-key-added' AND reason = '$first'")" 1
gives "jwt list" 0 jwt list
check "jwt list: it signs" key_is "$first" signs
check "jwt list: no private half" not grep -q -F "$(sql "SELECT privateKey FROM jwks")" "$dir/out"
gives "jwt new-key, JSON" 0 --json jwt new-key
next=$(value kid)
check "jwt new-key, JSON: one object" is "$(sed 's/"signsFrom":"[-0-9T:.]*Z"/"signsFrom":T/' "$dir/out")" "{\"kid\":\"$next\",\"alg\":\"EdDSA\",\"signsFrom\":T}"
gives "jwt list of two" 0 jwt list
check "jwt list of two: the new one signs" key_is "$next" signs
check "jwt list of two: the old one verifies" key_is "$first" verifies
check "jwt new-key: the old one ends in an hour" is "$(ends "BETWEEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+55 minutes') AND strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+60 minutes')")" 1
gives "jwt list, JSON" 0 --json jwt list
check "jwt list, JSON" out "^ {\"kid\":\"$next\",\"alg\":\"EdDSA\",\"state\":\"signs\",\"signsFrom\":\"[^\"]*\",\"expires\":null,\"unlisted\":null}"
gives "jwt new-key --in 30m" 0 jwt new-key --in 30m
check "jwt new-key --in 30m: told" out '^It is published at once'
later=$(sed -n 's/^kid  *//p' "$dir/out")
gives "jwt list of three" 0 jwt list
check "jwt list of three: the last one is next" key_is "$later" next
check "jwt list of three: another signs" key_is "$next" signs
for wrong in '' x 30 -1m 31d 1y 1m1; do
    gives "jwt new-key --in '$wrong'" 2 jwt new-key --in "$wrong"
done
check "jwt new-key --in of nonsense makes none" is "$(sql 'SELECT count(*) FROM jwks')" 3
gives "jwt delete-key of the one that signs" 1 jwt delete-key "$next"
check "jwt delete-key of the one that signs: told" err 'make a new one first'
gives "jwt delete-key of none" 1 jwt delete-key "${first}x"
check "jwt delete-key of none: told" err 'no such key'
gives "jwt delete-key" 0 jwt delete-key "$first"
check "jwt delete-key: told" out "^deleted  $first\$"
gives "jwt delete-key, JSON" 0 --json jwt delete-key "$later"
check "jwt delete-key, JSON" is "$(cat "$dir/out")" "{\"deleted\":\"$later\"}"
check "jwt delete-key: one is left" is "$(sql 'SELECT id FROM jwks')" "$next"
sealed=$(sql 'SELECT privateKey FROM jwks')
gives "secret new under a key" 0 secret new
check "secret new under a key: it stays sealed by the secret before" is "$(sql 'SELECT privateKey FROM jwks')" "$sealed"
gives "secret new, whose secret goes" 0 secret new
check "secret new, whose secret goes: sealed anew" not is "$(sql 'SELECT privateKey FROM jwks')" "$sealed"
gives "secret new --keep 1 under a key" 0 secret new --keep 1
run_env LATCHKEY_AUTH_MODE=jwt check
check "secret new --keep 1: the key can be used" out "^ok  *jwt  *key $next signs"
sealed=$(sql 'SELECT privateKey FROM jwks')
sql "UPDATE jwks SET privateKey = 'AAAA$sealed'"
run_env LATCHKEY_AUTH_MODE=jwt check
check "check of a key that no secret opens" is $? 1
check "check of a key that no secret opens: named" out "^FAIL  *jwt  *none of our secrets opens the key $next: .*latchkeyctl jwt new-key"
run check
check "check of it in another mode" not out ' jwt '
run secret new --keep 1
check "secret new passes over what it cannot open" is $? 0
check "secret new passes over what it cannot open: told" err "opens the private key $next"
check "secret new passes over what it cannot open: left alone" is "$(sql 'SELECT privateKey FROM jwks')" "AAAA$sealed"
gives "jwt new-key in its place" 0 jwt new-key
run_env LATCHKEY_AUTH_MODE=jwt check
check "jwt new-key in its place: check" is $? 0
printf 'another-secret-0123456789-0123456789\n' > "$dir/other"
chmod 600 "$dir/other"
run_env LATCHKEY_SECRET_FILE="$dir/other" jwt new-key
check "jwt new-key by the secrets of another database" is $? 1
gives "--in does not go with jwt list" 2 jwt list --in 1h
gives "jwt delete-key without a key" 2 jwt delete-key

# --- check --------------------------------------------------------------------------------------------------------------
meta=$(sql 'SELECT name, value FROM latchkey_meta ORDER BY name')
gives "check" 0 check
check "check changes nothing in the store" is "$(sql 'SELECT name, value FROM latchkey_meta ORDER BY name')" "$meta"
for what in configuration secret state store schema clock mail; do
    check "check: $what is well" out "^ok  *$what "
done
check "check: the clock is the store's" out '^ok *clock *within 1 s of the store.s$'
# a clock that is wrong: WRONG ms, and what is said of it
for wrong in '60000 [56][0-9] s ahead of' '-60000 [56][0-9] s behind' '3000 0'; do
    echo "${wrong%% *}" > "$dir/moved"
    env LATCHKEY_TEST_CLOCK="$dir/moved" "$top_builddir/tests/latchkeyctl-test" -c "$conf" check > "$dir/clock" 2> "$dir/err"
    check "check of a moved clock ($wrong): no fault" is $? 0
    case $wrong in
    *' 0') check "check of a moved clock ($wrong): near enough" grep -q '^ok *clock *within [1-5] s of' "$dir/clock" ;;
    *) check "check of a moved clock ($wrong): warned" grep -q "^warn *clock *${wrong#* } the store.s" "$dir/clock" ;;
    esac
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

# --- mail ------------------------------------------------------------------------------------------------------------------
mkdir "$dir/mails" "$dir/templates"
# mail ID KIND RECIPIENT: one that waits, and that no secret of ours opens
mail() {
    sql "INSERT INTO latchkey_mail (id, ref, kind, recipient, data, createdAt, dueAt, tries, expiresAt, lastError) VALUES ($1, 'r$1', '$2', $3,
      'x', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:30.000Z', 1, '2999-01-01T00:00:00.000Z', '451 later')"
}
gives "mail list of none" 0 --json mail list
check "mail list of none: an empty list" is "$(tr -d '\n' < "$dir/out")" '[]'
mail 7 reset-password "'ann@example.org'"
mail 8 test NULL
gives "mail list" 0 mail list
check "mail list: what waits" out '^ 7  reset-password  ann@example.org  2026-01-01T00:00:00Z      1  2026-01-01T00:00:30Z  2999-01-01T00:00:00Z  451 later$\|^ *7  reset-password  ann@example.org '
gives "mail list, JSON" 0 --json mail list
check "mail list, JSON: what waits" out '{"id":7,"kind":"reset-password","recipient":"ann@example.org","created":"2026-01-01T00:00:00.000Z","tries":1,"next":"2026-01-01T00:00:30.000Z","expires":"2999-01-01T00:00:00.000Z","error":"451 later"}'
check "mail list, JSON: for nobody" out '"recipient":null'
gives "status with mails" 0 --json status
check "status with mails: how many" is "$(value mails) $(value mailsTried)" '2 2'
gives "mail send without a transport" 1 mail send
check "mail send without a transport: told" err 'mail.transport is none'
gives "mail test without a transport" 1 mail test ann@example.org
gives "mail drop" 0 --json mail drop 7
check "mail drop: told" is "$(cat "$dir/out")" '{"id":7,"dropped":true}'
for id in 7 x 0 -1 7x 99999999999999999999; do gives "mail drop of none ($id)" 1 mail drop -- "$id"; done
LATCHKEY_MAIL_TRANSPORT=file LATCHKEY_MAIL_FROM=accounts@example.org LATCHKEY_MAIL_DIRECTORY=$dir/mails
export LATCHKEY_MAIL_TRANSPORT LATCHKEY_MAIL_FROM LATCHKEY_MAIL_DIRECTORY
gives "mail test" 0 --json mail test ann@example.org
check "mail test: told" is "$(cat "$dir/out")" '{"recipient":"ann@example.org","sent":true,"answer":""}'
check "mail test: it is there" is "$(grep -h '^To: ' "$dir/mails"/*.eml | tr -d '\r')" 'To: <ann@example.org>'
gives "mail test, an address that is none" 1 mail test 'ann@example.org, bob@example.org'
check "mail test, an address that is none: told" err 'no address that mail can be sent to'
mail 9 verify-email "'ann@example.org'"
run --json mail send
check "mail send: what nobody is to get or no secret opens" is "$(cat "$dir/out")" '{"sent":0,"later":0,"dropped":1}'
check "mail send: a mail that was given up is told" err 'mail 9 (verify-email) is given up after 2 tries: none of our secrets opens it'
check "mail send: none is left" is "$(sql 'SELECT count(*) FROM latchkey_mail')" 0
gives "mail send of none" 0 --json mail send
check "mail send of none: told" is "$(cat "$dir/out")" '{"sent":0,"later":0,"dropped":0}'
mail 10 test NULL
gives "run-jobs with mails" 0 --json run-jobs
check "run-jobs with mails: none is left" is "$(sql 'SELECT count(*) FROM latchkey_mail')" 0
run check
check "check of mail: where to" out "^ok  *mail  *file: in $dir/mails\$"
printf 'Subject: Hi\n\n{{#x}}\n' > "$dir/templates/test.txt"
LATCHKEY_MAIL_TEMPLATES=$dir/templates
export LATCHKEY_MAIL_TEMPLATES
run check
check "check of a template with a fault: named" out "^FAIL  *templates  *$dir/templates/test.txt: line 3: a section has no end\$"
printf 'Hi\n' > "$dir/templates/test.txt"
run check
check "check of a template without a subject: named" out '^FAIL  *templates  *.*test.txt: must begin with a line "Subject: '
printf 'Subject: Hi\n' > "$dir/templates/test.txt"
run check
check "check of templates" out "^ok  *templates  *$dir/templates: well\$"
rm "$dir/templates/test.txt"
run check
check "check of templates of which there are none" out '^warn  *templates '
unset LATCHKEY_MAIL_TRANSPORT LATCHKEY_MAIL_FROM LATCHKEY_MAIL_DIRECTORY LATCHKEY_MAIL_TEMPLATES
run_env LATCHKEY_MAIL_TRANSPORT=sendmail mail list
check "mail without an address to come from" is $? 1
check "mail without an address to come from: told" err 'mail.from: must be set where mail is sent'

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
for command in 'status' 'mail list' 'mail drop 1' 'sweep' 'run-jobs' 'audit' 'limit list' 'limit clear --everybody' 'user export bob@example.org' 'user erase bob@example.org' 'user list' 'user disable bob@example.org' 'user delete bob@example.org' 'session list' \
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
    check "actor of what root does for another user: root" is "$(sqlite3 "$away/state/latchkey.db" 'SELECT DISTINCT actor FROM latchkey_audit')" "administrator $(id -un)"
    run_env SUDO_USER=ann user export ann@example.org
    check "actor of what root does for another user: who is behind sudo" is "$(sqlite3 "$away/state/latchkey.db" "SELECT actor FROM latchkey_audit WHERE event = 'user-exported'")" 'administrator ann'
    run_env "LATCHKEY_AUDIT_FILE=$away/state/audit.log" user export ann@example.org
    check "audit.file by root" is "$(grep -c '"event":"user-exported","actor":"administrator' "$away/state/audit.log")" 1
    check "audit.file by root: mode" is "$(mode "$away/state/audit.log")" -rw-r-----
    theirs "audit.file by root"
    check "secret new by root: mode" is "$(mode "$away/state/secret")" -rw-------
    # a reader that holds the database open keeps -wal and -shm there
    mkfifo "$dir/hold"
    sqlite3 "$away/state/latchkey.db" < "$dir/hold" > /dev/null &
    exec 9> "$dir/hold"
    printf '%s\n' 'BEGIN; SELECT count(*) FROM user;' ".shell touch '$dir/held'" >&9
    awaited=0
    until [ -e "$dir/held" ] || [ $awaited -ge 200 ]; do
        sleep 0.05
        awaited=$((awaited + 1))
    done
    check "a reader holds the database open" [ -e "$dir/held" ]
    run_with 'another fine password' user set-password ann@example.org
    check "user set-password by root" is $? 0
    gives "sweep by root" 0 sweep
    gives "run-jobs by root" 0 run-jobs
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

finish
