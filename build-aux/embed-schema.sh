#!/bin/sh
# Prints a C file that holds the migrations given as schema/NNNN-name.sql, in order and without gaps. Refuses others.
set -eu

if [ $# -eq 0 ]; then
    echo "usage: embed-schema.sh schema/NNNN-name.sql ..." >&2
    exit 2
fi

printf '/* Made by build-aux/embed-schema.sh from schema. */\n#include "db/driver.h"\n\n'
printf 'const struct migration migrations[] = {\n'
want=1
for file in "$@"; do
    base=$(basename "$file" .sql)
    number=$(printf '%04d' "$want")
    case $base in
    "$number"-[a-z]*) ;;
    *)
        echo "embed-schema.sh: $file: expected $number-name.sql" >&2
        exit 1
        ;;
    esac
    if [ ! -s "$file" ]; then
        echo "embed-schema.sh: $file: empty or missing" >&2
        exit 1
    fi
    printf '    {%d, "%s",\n' "$want" "${base#"$number"-}"
    awk '{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); gsub(/\t/, "\\t"); sub(/\r$/, ""); printf "     \"%s\\n\"\n", $0 }' "$file"
    printf '    },\n'
    want=$((want + 1))
done
printf '    {0, NULL, NULL},\n};\n'
