#!/bin/sh
# Prints a C file that holds the templates given, by the name of each file. Refuses what is empty or missing.
set -eu

if [ $# -eq 0 ]; then
    echo "usage: embed-templates.sh templates/mail/WORD.txt ..." >&2
    exit 2
fi

printf '/* Made by build-aux/embed-templates.sh from templates. */\n#include "mail/builtin.h"\n\n'
printf 'const struct builtin builtins[] = {\n'
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
