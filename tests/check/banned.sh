#!/bin/sh
# Calls that are not made in this project, and further things that a reader can forbid better than a compiler. Comments and
# strings are taken out first.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 1

CALLS='strcpy strcat sprintf vsprintf gets strtok atoi atol atoll strncpy strncat alloca system popen rand srand random
    localtime ctime asctime gmtime mktime setlocale tmpnam mktemp tempnam vfork bcopy bzero'

faults=0 files=0
fault() { echo "$1"; faults=$((faults + 1)); }

# The code alone, with its line numbers: comments (also over several lines), strings and characters emptied.
code() {
    awk '{
        out = ""; s = $0
        while (s != "") {
            if (block) { i = index(s, "*/"); if (!i) break; s = substr(s, i + 2); block = 0; continue }
            c = substr(s, 1, 1); two = substr(s, 1, 2)
            if (two == "/*") { block = 1; s = substr(s, 3) }
            else if (two == "//") break
            else if (c == "\"" || c == "\047") {
                s = substr(s, 2)
                while (s != "" && substr(s, 1, 1) != c) s = substr(s, substr(s, 1, 1) == "\\" ? 3 : 2)
                out = out c c; s = substr(s, 2)
            } else { out = out c; s = substr(s, 2) }
        }
        print NR ":" out
    }' "$1"
}

pattern=$(echo "$CALLS" | tr -s ' \n' '|' | sed 's/^|//; s/|$//')
list=$(find src include -name '*.[ch]' | sort)
for f in $list; do
    files=$((files + 1))
    hits=$(code "$f" | grep -E "(^|[^A-Za-z0-9_])($pattern)[[:space:]]*\(")
    [ -z "$hits" ] || fault "$f:$hits"
    # sizes of the house
    n=$(wc -l < "$f")
    [ "$n" -le 400 ] || fault "$f: $n lines, 400 are allowed"
    # a file says what it is for
    head -n 1 "$f" | grep -q '^/\*' || fault "$f: does not begin with a comment"
done

# Functions of at most 40 lines: from the brace in the first column to the one that closes it.
for f in $(find src -name '*.c' | sort); do
    long=$(awk '/^\{$/ { start = NR } /^\}/ { if (start && NR - start - 1 > 40) print FILENAME ":" start ": a function of " NR - start - 1 " lines"; start = 0 }' "$f")
    [ -z "$long" ] || fault "$long"
done

[ "$files" -gt 40 ] || fault "banned.sh: only $files files found"
echo "banned: $files files read"
[ "$faults" -eq 0 ] && echo "1 passed, 0 failed" && exit 0
echo "0 passed, $faults failed"
exit 1
