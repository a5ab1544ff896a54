#!/bin/sh
# Drives latchkeyctl group …, and what becomes of groups by the other commands, on a directory of its own.
. "$top_srcdir/tests/check/ctl-lib.sh"
write_conf

members() { sql "SELECT coalesce(group_concat(email), '') FROM (SELECT email FROM latchkey_group g JOIN user u ON u.id = g.userId WHERE g.name = '$1' ORDER BY email)"; }
groups_all() { sql 'SELECT count(*) FROM latchkey_group'; }
json_lines() { grep -c '^ {.*},\{0,1\}$' "$dir/out"; }

# --- from an older schema -----------------------------------------------------------------------------------------------
run print schema
sed '/^-- 0006 /,$d' "$dir/out" > "$dir/older.sql"
check "print schema: one without groups" not grep -q latchkey_group "$dir/older.sql"
check "print schema: groups come last or later" out '^CREATE TABLE latchkey_group ($'
sql ".read $dir/older.sql"
sql "INSERT INTO latchkey_meta VALUES ('schema', '5');
    INSERT INTO user VALUES ('old', 'Old', 'old@example.org', 1, NULL, '2026-01-31T00:00:00.000Z', '2026-01-31T00:00:00.000Z')"
chmod 600 "$db"
gives "group list of schema 5" 1 group list
check "group list of schema 5: what to do" err 'run latchkeyctl migrate'
gives "migrate from schema 5" 0 --json migrate
check "migrate from schema 5: from where" is "$(value from)" 5
newest=$(value to)
check "migrate from schema 5: to the newest" [ "${newest:-0}" -ge 6 ]
gives "group add after migrate" 0 group add staff old
check "group add after migrate: the user of before" is "$(members staff)" old@example.org
sql .schema | sort > "$dir/migrated"
rm -f "$db"*
gives "migrate on empty" 0 migrate
check "migrate from schema 5: the tables of an empty start" is "$(sql .schema | sort)" "$(cat "$dir/migrated")"

# --- nobody -------------------------------------------------------------------------------------------------------------
gives "group list of none" 0 group list
check "group list of none: only the head" is "$(tr -s ' ' < "$dir/out")" 'group members'
gives "group list of none, JSON" 0 --json group list
check "group list of none, JSON: empty array" is "$(cat "$dir/out")" '[]'
gives "group members of none" 1 group members staff
check "group members of none: told" is "$(cat "$dir/err")" 'latchkeyctl: no such group: staff'

for name in ann bob eve; do run_with "$password" user add "$name@example.org" --name "$name"; done
ann=$(user_id ann@example.org) bob=$(user_id bob@example.org) eve=$(user_id eve@example.org)
check "three users" is "$(sql 'SELECT count(*) FROM user')" 3

# --- add, list, members, of ---------------------------------------------------------------------------------------------
n=$(last)
gives "group add" 0 group add staff Ann@Example.org "$bob"
check "group add: how many" is "$(cat "$dir/out")" 'added  2'
check "group add: they are in it" is "$(members staff)" ann@example.org,bob@example.org
check "group add: an event for each" is "$(sql "SELECT count(DISTINCT userId) FROM latchkey_audit WHERE id > $n AND event = 'group-added' AND reason = 'staff' AND actor = '$me' AND userId IN ('$ann', '$bob')")" 2
check "group add: and no other" is "$(sql "SELECT count(*) FROM latchkey_audit WHERE id > $n")" 2
n=$(last)
gives "group add twice" 0 --json group add staff ann@example.org
check "group add twice: nobody" is "$(cat "$dir/out")" '{"added":0}'
check "group add twice: no event" is "$(events "$n")" ''
gives "group add of one who is in it and one who is not" 0 --json group add staff ann@example.org eve@example.org "$eve"
check "group add of one who is in it and one who is not: one" is "$(cat "$dir/out")" '{"added":1}'
check "group add of one who is in it and one who is not: one event" is "$(events "$n")" "group-added $me $eve staff"
gives "group add to a second group" 0 group add Staff bob@example.org
gives "group add to a third" 0 group add a.very_long-name-of-a-group bob@example.org
gives "group list" 0 group list
check "group list: aligned" is "$(cat "$dir/out")" "group                        members
Staff                              1
a.very_long-name-of-a-group        1
staff                              3"

gives "group list, JSON" 0 --json group list
check "group list, JSON: is JSON" json_ok
check "group list, JSON: one" is "$(from_json "json_extract(j, '\$[2]')")" '{"group":"staff","members":3}'
check "group list, JSON: each a line" is "$(json_lines)" 3

gives "group members" 0 group members staff
check "group members: head" is "$(head -n 1 "$dir/out" | tr -s ' ')" 'id email name'
check "group members: each a line" is "$(lines "$dir/out")" 4
check "group members: a row" out "^$ann  ann@example.org  ann\$"
gives "group members, JSON" 0 --json group members Staff
check "group members, JSON" is "$(tr -d '\n' < "$dir/out")" "[ {\"id\":\"$bob\",\"email\":\"bob@example.org\",\"name\":\"bob\"}]"
for other in STAFF sTaff 'staff ' ' staff' staf staffs 'staff%' "staff' OR '1'='1" ''; do
    gives "group members of '$other'" 1 group members "$other"
    check "group members of '$other': told" grep -qxF "latchkeyctl: no such group: $other" "$dir/err"
    check "group members of '$other': nothing printed" [ ! -s "$dir/out" ]
done

for whom in bob@example.org BOB@example.org "$bob"; do
    gives "group of $whom" 0 --json group of "$whom"
    check "group of $whom: all three, by name" is "$(from_json "(SELECT group_concat(value ->> 'group') FROM json_each(j))")" Staff,a.very_long-name-of-a-group,staff
done
gives "group of" 0 group of ann@example.org
check "group of: in text" is "$(cat "$dir/out")" "group${nl}staff"
run_with "$password" user add tom@example.org --name "T${esc}[31m"
gives "group of one who is in none" 0 group of tom@example.org
check "group of one who is in none: only the head" is "$(cat "$dir/out")" group
gives "group of nobody" 1 group of nobody@example.org
check "group of nobody: told" err 'no such user: nobody@example.org'
gives "group add of a hostile name" 0 group add steered tom@example.org
gives "group members with a hostile name" 0 group members steered
check "group members with a hostile name: escaped" out 'T\\x1b\[31m$'
check "group members with a hostile name: no ESC" not grep -q "$esc" "$dir/out"

# --- all or nothing -----------------------------------------------------------------------------------------------------
before=$(groups_all) n=$(last)
gives "group add with one who is nobody" 1 group add readers ann@example.org nobody@example.org bob@example.org
check "group add with one who is nobody: who" err 'no such user: nobody@example.org'
check "group add with one who is nobody: nothing printed" [ ! -s "$dir/out" ]
gives "group add with an id that is nobody's" 1 group add readers "$ann" "$(printf '%032d' 0)"
check "group add with an id that is nobody's: which" err "no such user: $(printf '%032d' 0)"
gives "group remove with one who is nobody" 1 group remove staff ann@example.org nobody@example.org
check "group remove with one who is nobody: who" err 'no such user: nobody@example.org'
long=$(printf '%064d' 0)
for group in '' ' ' 'a b' a/b 'a,b' 'a:b' "a'b" 'a;b' 'a%' .a ..  "a$nl" "$(printf '\303\274')" "${long}0"; do
    for verb in add remove; do
        gives "group $verb '$group'" 2 group $verb "$group" ann@example.org
        check "group $verb '$group': told" err '^latchkeyctl: no name of a group: '
    done
done
gives "group add of a name like an option" 2 group add -- -a ann@example.org
check "group add of a name like an option: told" err 'no name of a group: -a '
check "what was refused changed nothing" is "$(groups_all)" "$before"
check "what was refused is no event" is "$(events "$n")" ''
for group in "$long" a _ 0 a- a. A.b_c-9; do
    gives "group add $group" 0 group add "$group" ann@example.org
    check "group add $group: it is there" is "$(members "$group")" ann@example.org
    gives "group remove $group" 0 --json group remove "$group" ann@example.org
    check "group remove $group: done" is "$(cat "$dir/out")" '{"removed":1}'
done

# --- a hundred ----------------------------------------------------------------------------------------------------------
sql "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO latchkey_group SELECT '$eve', 'g' || i FROM n"
gives "group of one who is in a hundred" 0 --json group of eve@example.org
check "group of one who is in a hundred: all" is "$(json_lines)" 100
before=$(groups_all) n=$(last)
gives "group add of one who is in a hundred" 1 group add readers ann@example.org eve@example.org bob@example.org
check "group add of one who is in a hundred: who, and why" err '^latchkeyctl: eve@example.org: .*100 groups'
check "group add of one who is in a hundred: nobody is added" is "$(groups_all)" "$before"
check "group add of one who is in a hundred: no event" is "$(events "$n")" ''
gives "group add of one who is in a hundred, to one of them" 0 group add g7 ann@example.org eve@example.org
check "group add of one who is in a hundred, to one of them: the other" is "$(cat "$dir/out")" 'added  1'
gives "group remove of one of a hundred" 0 group remove g7 ann@example.org eve@example.org
gives "group add, room again" 0 --json group add readers ann@example.org eve@example.org bob@example.org
check "group add, room again: all" is "$(cat "$dir/out")" '{"added":3}'
sql "DELETE FROM latchkey_group WHERE name LIKE 'g%' OR name = 'readers'"

# --- remove -------------------------------------------------------------------------------------------------------------
n=$(last)
gives "group remove" 0 group remove staff "$bob" eve@example.org
check "group remove: how many" is "$(cat "$dir/out")" 'removed  2'
check "group remove: the others stay" is "$(members staff)" ann@example.org
check "group remove: so do other groups" is "$(members Staff)" bob@example.org
check "group remove: events" is "$(sql "SELECT count(*) FROM latchkey_audit WHERE id > $n AND event = 'group-removed' AND reason = 'staff' AND actor = '$me' AND userId IN ('$bob', '$eve')")" 2
n=$(last)
gives "group remove of one who is not in it" 0 --json group remove staff bob@example.org
check "group remove of one who is not in it: nobody" is "$(cat "$dir/out")" '{"removed":0}'
check "group remove of one who is not in it: no event" is "$(events "$n")" ''
gives "group remove of a group that is none" 1 group remove STAFF ann@example.org
check "group remove of a group that is none: told" err '^latchkeyctl: no such group: STAFF$'
check "group remove of a group that is none: nothing printed" [ ! -s "$dir/out" ]
check "group remove of a group that is none: the others stay" is "$(members staff)" ann@example.org
gives "group remove of the last" 0 group remove staff ann@example.org
gives "a group without members is none" 1 group members staff
gives "group remove from it" 1 group remove staff ann@example.org

# --- more than a page ---------------------------------------------------------------------------------------------------
sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
    INSERT INTO user SELECT printf('%s%031d', CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'A' ELSE '0' END, i), 'N', 'm' || i || '@example.org', 0, NULL, '2026-01-31T00:00:00.000Z', '2026-01-31T00:00:00.000Z' FROM n;
    INSERT INTO latchkey_group SELECT id, 'crowd' FROM user WHERE email LIKE 'm%'; INSERT INTO latchkey_group SELECT id, 'page' FROM user WHERE email LIKE 'm%' LIMIT 1000"
gives "group members of more than a page" 0 --json group members crowd
check "group members of more than a page: all, once" is "$(from_json "(SELECT count(*) || ' ' || count(DISTINCT value ->> 'id') FROM json_each(j))")" '1200 1200'
gives "group members of whole pages" 0 group members page
check "group members of whole pages: all, one head" is "$(lines "$dir/out") $(grep -c '^id  ' "$dir/out")" '1001 1'
gives "group list with many members" 0 --json group list
check "group list with many members: how many" out '{"group":"crowd","members":1200}'
sql "DELETE FROM latchkey_group WHERE name IN ('crowd', 'page'); DELETE FROM user WHERE email LIKE 'm%@example.org'"

# --- at once ------------------------------------------------------------------------------------------------------------
sql 'DELETE FROM latchkey_group'
n=$(last) racing=''
for i in 1 2 3 4; do
    "$ctl" -c "$conf" --json group add staff "$ann" "$bob" "$eve" > "$dir/race$i" 2>&1 &
    racing="$racing $!"
done
good=0
for pid in $racing; do wait "$pid" && good=$((good + 1)); done
check "group add four times at once: none fails" is $good 4
check "group add four times at once: one did it" is "$(sort "$dir/race1" "$dir/race2" "$dir/race3" "$dir/race4" | uniq -c | tr '\n' ' ' | tr -s ' ')" ' 3 {"added":0} 1 {"added":3} '
check "group add four times at once: three events" is "$(sql "SELECT count(*) FROM latchkey_audit WHERE id > $n")" 3
check "group add four times at once: all are in it" is "$(members staff)" ann@example.org,bob@example.org,eve@example.org

# --- export, delete, erase ----------------------------------------------------------------------------------------------
gives "group add, for the export" 0 group add admin ann@example.org
gives "user export" 0 user export ann@example.org
check "user export: groups" is "$(from_json "json_extract(j, '\$.groups')")" '["admin","staff"]'
sql "DELETE FROM latchkey_group WHERE userId = '$(user_id tom@example.org)'"
gives "user export of one who is in no group" 0 user export tom@example.org
check "user export of one who is in no group: none" is "$(from_json "json_extract(j, '\$.groups')")" '[]'
gives "user disable" 0 user disable bob@example.org
check "user disable: he stays in his groups" is "$(members staff)" ann@example.org,bob@example.org,eve@example.org
gives "user delete" 0 user delete bob@example.org
check "user delete: out of all groups" is "$(sql "SELECT count(*) FROM latchkey_group WHERE userId = '$bob'")" 0
gives "user erase" 0 user erase eve@example.org
check "user erase: out of all groups" is "$(sql "SELECT count(*) FROM latchkey_group WHERE userId = '$eve'")" 0
check "user erase: events tell of a group, but not of whom" is "$(sql "SELECT group_concat(DISTINCT userId) FROM latchkey_audit WHERE event LIKE 'group-%' AND userId NOT IN ('$ann', '$bob') AND reason = 'staff'")" erased
check "user erase: no trace" is "$(sql .dump | grep -c -e "$eve" -e eve@example.org)" 0
check "the others stay" is "$(sql "SELECT group_concat(userId || name) FROM (SELECT * FROM latchkey_group ORDER BY name)")" "${ann}admin,${ann}staff"
run_with "$password" user add bob@example.org
gives "group of one who was deleted and is here again" 0 --json group of bob@example.org
check "group of one who was deleted and is here again: none" is "$(cat "$dir/out")" '[]'
sql "DELETE FROM user WHERE id = '$ann'" # by the site, without latchkeyctl
gives "group list without a user whom the site deleted" 0 --json group list
check "group list without a user whom the site deleted" is "$(cat "$dir/out")" '[]'
gives "group members of the same" 1 group members staff

# --- usage --------------------------------------------------------------------------------------------------------------
for args in group 'group frobnicate' 'group members' 'group of' 'group add' 'group add staff' 'group remove' 'group remove staff' \
    'group list staff' 'group members staff admin' 'group of bob@example.org eve@example.org' 'group list --user bob@example.org' 'group add staff bob@example.org --name x'; do
    # shellcheck disable=SC2086
    gives "$args" 2 $args
done
gives "group add without a user" 2 group add staff
check "group add without a user: told" err 'missing argument: GROUP USER'
if "$ctl" -c "$conf" group list > /dev/full 2> "$dir/err"; then full=0; else full=$?; fi
[ ! -c /dev/full ] || check "a full disk is told" is "$full" 1

finish
