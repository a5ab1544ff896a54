#!/bin/sh
# The words of the pages: each language has the same ones, whatever a template or the program names is there, nothing else
# is, and every error code that can be answered has a text.
set -u
LC_ALL=C
export LC_ALL
pages=$top_srcdir/templates/pages app=$top_srcdir/src/app
passed=0 failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/latchkey-words.XXXXXX") || { echo "0 passed, 1 failed"; exit 1; }
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# each WHAT: one failure for each line of $dir/bad
each() {
    while IFS= read -r line; do
        echo "FAIL: $1: $line"
        failed=$((failed + 1))
    done < "$dir/bad"
}
keys() { sed -n 's/^\([A-Za-z0-9_-]*\) = .*/\1/p' "$1"; }

keys "$pages/en.strings" | sort > "$dir/en"
n=$(grep -c . "$dir/en")
[ "$n" -gt 100 ] || { echo "FAIL: only $n words found"; failed=$((failed + 1)); }
uniq -d "$dir/en" > "$dir/bad"
each "twice in en.strings"
for file in "$pages"/*.strings; do
    keys "$file" | sort > "$dir/other"
    { comm -3 "$dir/en" "$dir/other" | tr -d '\t'; grep -vE '^(#.*|[A-Za-z0-9_-]+ = .*[^ ])$' "$file"; } > "$dir/bad"
    each "$(basename "$file")"
    passed=$((passed + n))
done

# named: by templates; by the program, in quotes or by a word of a table
{
    grep -ohE '\{\{[#^&/{]?t-[A-Za-z0-9_-]+' "$pages"/*.html | sed 's/^[^a-z]*t-//'
    grep -ohE '"[a-z]+(-[a-z]+)*"' "$app"/*.c | tr -d '"' | grep -Fx -f "$dir/en"
    sed -n 's/^REASON([A-Z_]*, *"\([^"]*\)".*/reason-\1/p' "$top_srcdir/include/auth/reasons.def"
    sed -n '/known\[\] = {/,/};/p' "$app/h_page.c" | grep -oE '"[a-z-]+"' | tr -d '"' | sed 's/^/done-/'
    sed -n 's/^ERR([A-Z_]*, *[45][0-9]*, *"\([A-Z_]*\)".*/e-\1/p' "$top_srcdir/include/base/errors.def" | grep -vx 'e-SERVICE_UNAVAILABLE' |
        grep -vx 'e-INVALID_FORM_TOKEN' # away, again
} | sort -u > "$dir/named"
comm -13 "$dir/en" "$dir/named" > "$dir/bad"
each "named, but in no catalogue"
comm -23 "$dir/en" "$dir/named" > "$dir/bad"
each "in the catalogues, but not named"
passed=$((passed + $(grep -c . "$dir/named")))

# "done=WORD" of the routes is a notice that the page knows
sed -n 's/.*done=\([a-z-]*\)".*/done-\1/p' "$app"/*.c | sort -u > "$dir/led"
comm -23 "$dir/led" "$dir/en" > "$dir/bad"
each "a route leads to a notice that is none"
passed=$((passed + $(grep -c . "$dir/led")))

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
