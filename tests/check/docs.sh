#!/bin/sh
# The documents against the program: settings, endpoints, error codes, commands and links must stand in both, alike.
set -u
LC_ALL=C
export LC_ALL
for v in $(env | sed -n 's/^\(LATCHKEY_[A-Z_]*\)=.*/\1/p'); do unset "$v"; done

passed=0 failed=0
ctl=$top_builddir/latchkeyctl
configuration=$top_srcdir/docs/configuration.md api=$top_srcdir/docs/http-api.md readme=$top_srcdir/README.md
errors=$top_srcdir/include/base/errors.def man=$top_srcdir/man/latchkeyctl.8
dir=$(mktemp -d "${TMPDIR:-/tmp}/latchkey-docs.XXXXXX") || { echo "0 passed, 1 failed"; exit 1; }
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
tab=$(printf '\t')

fail() {
    failed=$((failed + 1))
    echo "FAIL: $*"
}
# same WHAT MIN: $dir/program and $dir/documents hold the same lines, at least MIN; fewer mean that a pattern of this
# script fits no more
same() {
    sort -u "$dir/program" > "$dir/program.sorted"
    sort -u "$dir/documents" > "$dir/documents.sorted"
    n=$(grep -c . "$dir/program.sorted")
    [ "$n" -ge "$2" ] || fail "$1: only $n found in the program"
    comm -23 "$dir/program.sorted" "$dir/documents.sorted" > "$dir/missing"
    comm -13 "$dir/program.sorted" "$dir/documents.sorted" > "$dir/surplus"
    while IFS= read -r line; do fail "$1: not documented: $line"; done < "$dir/missing"
    while IFS= read -r line; do fail "$1: documented, but not in the program: $line"; done < "$dir/surplus"
    passed=$((passed + n - $(grep -c . "$dir/missing")))
}
# the value of a text key of each JSON object, one object a line, as latchkeyctl prints them; null is empty
json() { sed -nE "s/.*\"$1\":(null|\"([^\"]*)\").*/\\2/p" "$2"; }
# the files in which people read about the program
documents() { ls "$readme" "$top_srcdir"/docs/*.md "$top_srcdir"/conf/*/README.md "$top_srcdir"/client/README.md; }

for f in "$ctl" "$configuration" "$api" "$top_srcdir/docs/operations.md" "$readme" "$errors" "$man" \
    "$top_srcdir/conf/nginx/README.md" "$top_srcdir/conf/lighttpd/README.md"; do
    [ -s "$f" ] || fail "missing: $f"
done
[ "$failed" -eq 0 ] || { echo "0 passed, $failed failed"; exit 1; }

# --- settings: the tables of configuration.md, key and default ------------------------------------------------------------
# a build for another prefix has other directories
paths() { sed 's#[^ =]*/lib/latchkey#STATE#; s#[^ =]*/run/latchkey#RUN#'; }
"$ctl" --json print config > "$dir/config" || fail "print config"
json section "$dir/config" > "$dir/1"
json key "$dir/config" > "$dir/2"
json default "$dir/config" > "$dir/3"
paste -d . "$dir/1" "$dir/2" > "$dir/settings"
paste -d = "$dir/settings" "$dir/3" | paths > "$dir/program"
sed -n '/^## \[/p; /^| `[a-z_]*` | /p; /^## [^[]/s/.*/## []/p' "$configuration" |
    sed 's/^## \[\([a-z]*\)\].*/\1/; s/^| `\([a-z_]*\)` | \(`\([^`]*\)` \)\{0,1\}| .*/=\1=\3/' |
    awk '/^=/ { print section "." substr($0, 2); next } { section = $0 }' | paths > "$dir/documents"
same "setting" 40

# a setting named anywhere, as `section.key` or as an environment variable, exists
sections=$(sort -u "$dir/1" | paste -s -d '|' -)
documents | while IFS= read -r f; do
    grep -oE "\`($sections)\.[a-z_]+[\` ]" "$f" | sed 's/[` ]//g'
    grep -oE 'LATCHKEY_[A-Z_]+' "$f"
done > "$dir/named"
{
    cat "$dir/settings"
    tr 'a-z.' 'A-Z_' < "$dir/settings" | sed 's/^/LATCHKEY_/'
    printf '%s\n' LATCHKEY_CONF LATCHKEY_SECTION_KEY LATCHKEY_OP LATCHKEY_PATH gate.php gate.conf
} | sort -u > "$dir/known"
[ "$(grep -c . "$dir/named")" -ge 30 ] || fail "hardly any setting is named in the documents"
sort -u "$dir/named" | comm -23 - "$dir/known" > "$dir/surplus"
while IFS= read -r line; do fail "a setting that does not exist is named: $line"; done < "$dir/surplus"
passed=$((passed + $(sort -u "$dir/named" | comm -12 - "$dir/known" | grep -c .)))

# --- endpoints: the table of http-api.md, and a heading for each that is not another name ---------------------------------
"$ctl" --json print routes > "$dir/routes" || fail "print routes"
for key in method path as who body mode; do json "$key" "$dir/routes" > "$dir/$key"; done
paste -d '|' "$dir/method" "$dir/path" "$dir/as" "$dir/who" "$dir/body" "$dir/mode" > "$dir/program"
grep -E '^\| (GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \| `' "$api" |
    sed 's/`//g; s/^| //; s/ |$//; s/ *| */|/g' > "$dir/documents"
same "endpoint" 10
awk -F '|' '$3 == "" { print $1 " " $2 }' "$dir/program" > "$dir/headings"
awk -F '|' '$3 != "" { print "Other name: `" $1 " " $2 "`." }' "$dir/program" > "$dir/names"
mv "$dir/headings" "$dir/program"
sed -n 's/^### \([A-Z]* \/.*\)$/\1/p' "$api" > "$dir/documents"
same "heading of an endpoint" 8
while IFS= read -r line; do
    if grep -qF "$line" "$api"; then passed=$((passed + 1)); else fail "not in http-api.md: $line"; fi
done < "$dir/names"

# --- what costs a password hash goes to the second socket, in the example of each web server -------------------------------
for example in nginx lighttpd; do
    sed -n 's/.*"path":"\([^"]*\)".*"hashes":true.*/\1/p' "$dir/routes" > "$dir/program"
    block=$top_srcdir/conf/$example/latchkey.conf
    pattern=$(sed -n '/^ *# --- second socket/,/^ *# --- end of second socket/s/.*~ "\(.*\)" {$/\1/p' "$block")
    sed -n 's/.*"path":"\([^"]*\)".*/\/auth\1/p' "$dir/routes" | grep -E -- "${pattern:-none}" | sed 's/^.auth//' > "$dir/documents"
    same "route for the second socket of $example" 6
done

# --- events and reasons of the audit log -------------------------------------------------------------------------------------
for table in events:EVENT reasons:REASON; do
    sed -n "s/^${table#*:}([A-Z_]*, *\"\([^\"]*\)\",.* \"\([^\"]*\)\")\$/| \`\1\` | \2 |/p" "$top_srcdir/include/auth/${table%:*}.def" > "$dir/program"
    [ "$(grep -c . "$dir/program")" -eq "$(grep -c "^${table#*:}(" "$top_srcdir/include/auth/${table%:*}.def")" ] || fail "${table%:*}.def has rows that this script cannot read"
    grep -Fx -f "$dir/program" "$top_srcdir/docs/operations.md" > "$dir/documents"
    same "${table%:*} of the audit log" 5
done

# --- error codes: status, code and message --------------------------------------------------------------------------------
sed -n 's/^ERR([A-Z_]*, *\([0-9]*\), *\("\{0,1\}\)\([A-Z_]*\)"\{0,1\}, *LVL_[A-Z]*, *"\(.*\)")$/\1|\2\3|\4/p' "$errors" > "$dir/rows"
[ "$(grep -c . "$dir/rows")" -eq "$(grep -c '^ERR(' "$errors")" ] || fail "errors.def has rows that this script cannot read"
grep '^[45]' "$dir/rows" | sed 's/|NULL|/||/; s/|"/|/' > "$dir/program"
grep -E '^\| *[0-9]{3} *\|' "$api" |
    sed 's/^| *\([0-9]*\) *| *`\{0,1\}\([A-Z_]*\)`\{0,1\} *| *\(.*[^ ]\) *| *\(.*|\)$/\1|\2|\3/' > "$dir/documents"
same "error" 25

# --- commands -------------------------------------------------------------------------------------------------------------
"$ctl" --help > "$dir/help" || fail "latchkeyctl --help"
sed -n '/^usage/,/^  -c/s/^  \([a-z][a-zA-Z .-]*[a-zA-Z.]\)  .*/\1/p' "$dir/help" | sed 's/ *$//' > "$dir/synopses"
cp "$dir/synopses" "$dir/program"
sed -n 's/^\.It Cm //p' "$man" | sed 's/ Op .*//; s/ Fl .*//; s/ Ar / /g' > "$dir/documents"
same "command in the manual" 15

sed 's/ [A-Z].*//' "$dir/synopses" | sort -u > "$dir/commands"
# options of the program's own help, of the manual, and of every example
grep -oE '(^|[ ,])--[a-z]+' "$dir/help" | tr -d ' ,' | sort -u > "$dir/options"
sed -n 's/.*Fl -\([a-z]*\).*/--\1/p' "$man" > "$dir/documents"
sed -n '/^\.It Fl/p' "$man" | grep -q 'Fl -json' || fail "latchkeyctl.8 names no options"
sort -u "$dir/documents" | comm -23 - "$dir/options" > "$dir/surplus"
while IFS= read -r line; do fail "an option of the manual does not exist: $line"; done < "$dir/surplus"
grep -oE 'Fl -[a-z]+' "$man" | sed 's/Fl -/--/' | sort -u > "$dir/documents"
while IFS= read -r line; do
    if grep -qx -e "$line" "$dir/documents"; then passed=$((passed + 1)); else fail "an option is not in the manual: $line"; fi
done < "$dir/options"

# "latchkeyctl [-c FILE] [--json] NOUN [VERB] …" in code of the documents
documents | while IFS= read -r f; do
    awk '/^```/ { code = !code; next } code || /^    / { print; next }
        { while (match($0, /`[^`]*`/)) { print substr($0, RSTART + 1, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) } }' "$f" |
        sed -n 's/^\(.*[ /#]\)\{0,1\}latchkeyctl  *\([a-z-].*\)/\2/p' | sed 's/ *[>|;&].*//' |
        sed "s/^/$(basename "$(dirname "$f")")\/$(basename "$f")$tab/"
done > "$dir/examples"
[ "$(grep -c . "$dir/examples")" -ge 15 ] || fail "hardly any example of latchkeyctl found"
grep -q "README.md$tab" "$dir/examples" || fail "README.md has no example of latchkeyctl"
while IFS="$tab" read -r file line; do
    rest=$line
    while :; do
        case $rest in
        '-c '* | '--config '*) rest=${rest#* }; rest=${rest#* } ;;
        '-j '* | '--json '*) rest=${rest#* } ;;
        *) break ;;
        esac
    done
    one=${rest%% *} two=
    case $rest in *' '*) two=${rest#* }; two=$one\ ${two%% *} ;; esac
    if grep -qxF -e "$one" -e "${two:-$one}" "$dir/commands" || grep -qx -e "$rest" "$dir/options"; then
        passed=$((passed + 1))
    else
        fail "$file: no such command: latchkeyctl $line"
    fi
    for option in $(printf '%s\n' "$line" | grep -oE '(^| )--[a-z]+'); do
        grep -qx -e "$option" "$dir/options" || fail "$file: no such option: latchkeyctl $line"
    done
done < "$dir/examples"

# --- links ----------------------------------------------------------------------------------------------------------------
# the anchors a reader of Markdown makes of headings
anchors() { sed -n 's/^#\{1,6\} //p' "$1" | tr 'A-Z' 'a-z' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }
documents > "$dir/files"
while IFS= read -r f; do
    grep -oE '\]\([^) ]+\)' "$f" | sed 's/^](\(.*\))$/\1/' | grep -vE '^(https?|mailto):' > "$dir/links"
    while IFS= read -r link; do
        target=${link%%#*}
        file=$(dirname "$f")/$target
        [ -n "$target" ] || file=$f
        if [ ! -e "$file" ]; then
            fail "$f: link to nothing: $link"
        elif [ "$link" != "$target" ] && ! anchors "$file" | grep -qxF -e "${link#*#}"; then
            fail "$f: link to no heading: $link"
        else
            passed=$((passed + 1))
        fi
    done < "$dir/links"
done < "$dir/files"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
