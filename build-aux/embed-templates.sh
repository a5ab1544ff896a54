#!/bin/sh
# Prints a C file that holds the files given, by the name of each. Refuses what is empty or missing.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: embed-templates.sh NAME-OF-ARRAY FILE..." >&2
    exit 2
fi
array=$1
shift

printf '/* Made by build-aux/embed-templates.sh. */\n#include "base/template.h"\n\nextern const struct builtin %s[];\n' "$array"
printf 'const struct builtin %s[] = {\n' "$array"
for file in "$@"; do
    if [ ! -s "$file" ]; then
        echo "embed-templates.sh: $file: empty or missing" >&2
        exit 1
    fi
    printf '    {"%s",\n' "$(basename "$file")"
    awk '{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); sub(/\r$/, ""); gsub(/\?/, "\\?"); printf "     \"%s\\n\"\n", $0 }' "$file"
    printf '    },\n'
done
printf '    {NULL, NULL},\n};\n'
