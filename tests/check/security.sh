#!/bin/sh
# Every requirement that this version takes on has a row in SECURITY.md, and every proof named there exists: a file, and
# in it a test of that name. A proof that was renamed away must not go on being claimed.
set -u
table=$top_srcdir/SECURITY.md
wanted="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 20 21 22 23 26 29 30 31 32 33 34 35 36 37 38 39 40 41 43 44 45 46 47 48 49 50 51
    52 53 54 55 56 57 58 59 60 61 63 64 65 66 67 69 70 71 72 73 74 75 76 77 78 79 80 81 82 84 85 86 87 88 89 90 91 92 93 94 95 96 97 98 99 100 101 102 104 106
    108 109 110 111 112 113 114 115 117 118"
passed=0 failed=0

bad() { echo "$1"; failed=$((failed + 1)); }

[ -s "$table" ] || { echo "no $table"; echo "0 passed, 1 failed"; exit 1; }
for n in $wanted; do
    if grep -q "^| S$n | .* | .* | .* | tests/.* |\$" "$table"; then passed=$((passed + 1)); else bad "S$n has no row with a proof"; fi
done
sed -n 's/^| S[0-9]* .*| \(tests\/.*\) |$/\1/p' "$table" | sed 's/<br>/\n/g' > security.proofs
while IFS= read -r proof; do
    file=${proof%%: *} name=${proof#*: }
    if [ -f "$top_srcdir/$file" ] && [ -n "$name" ] && grep -qF "$name" "$top_srcdir/$file"; then
        passed=$((passed + 1))
    else
        bad "no such test: $proof"
    fi
done < security.proofs
for file in $(sed -n 's/^| S[0-9]* .*| \(`[^|]*\) | tests.*/\1/p' "$table" | tr -d '`,'); do
    if [ -f "$top_srcdir/$file" ]; then passed=$((passed + 1)); else bad "no such file: $file"; fi
done
rm -f security.proofs
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
