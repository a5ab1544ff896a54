#!/bin/sh
# Every fuzz target must survive its whole corpus, with any compiler.
set -u
passed=0 failed=0
for target in "$top_srcdir"/tests/fuzz/fuzz_*.c; do
    [ -e "$target" ] || { echo "no fuzz targets"; failed=1; break; }
    name=$(basename "$target" .c)
    if "$top_builddir/tests/fuzz/$name" "$top_srcdir/tests/fuzz/corpus/${name#fuzz_}" > replay.out 2>&1; then
        n=$(sed -n 's/^\([0-9]*\) passed.*/\1/p' replay.out)
        passed=$((passed + ${n:-0}))
    else
        cat replay.out
        failed=$((failed + 1))
    fi
done
rm -f replay.out
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
