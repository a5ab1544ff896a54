# For bench/run: the rows of bench/lib.sh once more, in SQLite. Expects the variables of that.
# shellcheck shell=bash

# INSERT statements of a table in MariaDB, as SQLite takes them: bytes in hex, times as latchkey writes them there.
table_dump() { # TABLE
    local names values
    names=$(sql "SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position) FROM information_schema.columns
        WHERE table_schema = '$DATABASE' AND table_name = '$1'")
    values=$(sql "SET group_concat_max_len = 65536; SELECT GROUP_CONCAT(CASE
            WHEN data_type LIKE '%binary' THEN CONCAT('CONCAT(''X'''''', HEX(', column_name, '), '''''''')')
            WHEN data_type = 'datetime' THEN CONCAT('QUOTE(CONCAT(REPLACE(', column_name, ', '' '', ''T''), ''Z''))')
            ELSE CONCAT('QUOTE(', column_name, ')') END ORDER BY ordinal_position)
        FROM information_schema.columns WHERE table_schema = '$DATABASE' AND table_name = '$1'")
    mariadb --no-defaults --quick -u root -S "$MYSQL" "$DATABASE" -N -r \
        -e "SELECT CONCAT('INSERT INTO $1 ($names) VALUES (', CONCAT_WS(',', $values), ');') FROM $1"
}

sqlite_fill() { # FILE TABLE...: prints nothing
    local table
    {
        printf '%s\n' '.timeout 10000' '.bail on' 'BEGIN;'
        for table in "${@:2}"; do table_dump "$table"; done
        printf '%s\n' 'COMMIT;' 'ANALYZE;' 'PRAGMA wal_checkpoint(TRUNCATE);'
    } | sqlite3 "$1" > "$DIR/answer" || die "no rows in $1"
}

narrow_sqlite() {
    {
        echo 'PRAGMA journal_mode=WAL;'
        narrow_tables | sed 's/{number}/INTEGER/; s/{ascii}//; s/{user}//; s/{session}/WITHOUT ROWID/'
    } | sqlite3 "$DIR/narrow.sqlite" > "$DIR/answer" || die "no narrow tables"
    sqlite_fill "$DIR/narrow.sqlite" bench_user bench_session
}
