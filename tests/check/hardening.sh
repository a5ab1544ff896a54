#!/bin/sh
# What the build gives both programs against memory errors, read from the programs themselves: position independent, all
# relocations done and read-only before main, no executable stack, checked stacks and library calls, no search path for
# libraries. A build with sanitizers is checked by those instead.
set -u
passed=0 failed=0

is() { # WHAT PROGRAM: the status of the command before
    if [ "$status" -eq 0 ]; then passed=$((passed + 1)); else echo "$2: $1"; failed=$((failed + 1)); fi
}
has() { grep -q -e "$2" "$1"; status=$?; }
lacks() { ! grep -q -e "$2" "$1"; status=$?; }

command -v readelf > /dev/null || { echo "readelf is missing (Debian: binutils)"; echo "0 passed, 1 failed"; exit 1; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
sanitized=0 programs=0
for name in latchkey latchkeyctl; do
    program=$top_builddir/$name; : > "$work/error"
    for part in h l d; do LC_ALL=C readelf -W"$part" "$program" > "$work/$part" 2>> "$work/error"; done
    LC_ALL=C readelf -W --dyn-syms "$program" > "$work/symbols" 2>> "$work/error"
    status=$?
    [ -s "$work/h" ] && [ -s "$work/l" ] && [ -s "$work/d" ] && [ -s "$work/symbols" ] || status=1
    is "cannot be read: $(head -n 1 "$work/error")" "$program"
    [ "$status" -eq 0 ] || continue
    programs=$((programs + 1))
    if grep -q '__asan_' "$work/symbols"; then sanitized=$((sanitized + 1)); continue; fi
    has "$work/h" 'Type: *DYN'; is "is not position independent" "$name"
    has "$work/d" 'FLAGS_1.*PIE'; is "is a library, not a position independent program" "$name"
    has "$work/l" 'GNU_RELRO'; is "relocations stay writable" "$name"
    has "$work/d" 'BIND_NOW\|FLAGS_1.*NOW'; is "functions are bound late" "$name"
    has "$work/l" 'GNU_STACK.* RW '; is "the stack may be executable" "$name"
    lacks "$work/l" ' LOAD .* RWE '; is "a segment is both writable and executable" "$name"
    has "$work/symbols" ' __stack_chk_fail'; is "stacks are not checked" "$name"
    has "$work/symbols" ' __[a-z]*_chk\(@\|$\)'; is "library calls are not checked (_FORTIFY_SOURCE needs -O1 or more)" "$name"
    has "$work/symbols" ' __\(vsnprintf\|snprintf\|memcpy\|vfprintf\|fprintf\|printf\)_chk'; is "formatted output is not checked" "$name"
    lacks "$work/d" 'RPATH\|RUNPATH'; is "looks for libraries at a place of its own" "$name"
    lacks "$work/d" 'TEXTREL'; is "its code is written to at start" "$name"
done
# both or neither: a half sanitized build is no build
[ "$programs" -eq 2 ] && { [ "$sanitized" -eq 0 ] || [ "$sanitized" -eq 2 ]; }
status=$?
is "$programs of 2 programs read, $sanitized with sanitizers" "hardening.sh"
echo "hardening: $programs programs read, $sanitized with sanitizers"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
