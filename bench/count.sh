# Shared by bench/gate and tests/cost: what a request costs in numbers that do not depend on time. One worker, one connection,
# requests one after another. Expects bench/lib.sh and a server {} "one" of nginx with $DIR/one.sock behind it.
# shellcheck shell=bash disable=SC2034 # the counts are for others

FEW=50 # as many cookies take part

# It alone behind nginx, with one worker, run by COMMAND. The worker is in $WORKER.
one_up() { # "floor KIND"|"latchkey another|sqlite OPTION..." [COMMAND...]
    # shellcheck disable=SC2206 # words
    local what=($1)
    shift
    if [ "${what[0]}" = floor ]; then
        floor_up one "${what[1]}" 1 "$@"
        ONE=$DIR/one.pid
    else
        # the interpreter of the script becomes the program
        printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$*" "$BUILD/latchkey" > "$DIR/latchkey.sh" && chmod 755 "$DIR/latchkey.sh"
        LATCHKEY_BIN=$DIR/latchkey.sh "${what[1]}_up" --workers 1 "${what[@]:2}"
        ONE=$(value DIR "$BED")/latchkey.pid
        ln -s "$(value SOCKET "$BED")" "$DIR/one.sock"
        [ "${what[1]}" != sqlite ] || sqlite_fill "$(value DIR "$BED")/latchkey.db" user session
    fi
    until_true one_answers
    WORKER=$(tree "$(pid_of "$ONE")" | tail -n 1)
}
one_answers() { [[ $(ask one "$ONE_PATH" -H "Cookie: $(head -n 1 "$DIR/cookies")") == 200\ * ]]; }

one_down() {
    stop_one "$ONE" 30
    until_true test ! -d "/proc/$WORKER" # it may be writing still
    rm -f "$ONE" "$DIR/one.sock"
}

# A few cookies in turn. All must be answered 200, with a body of some length.
requests() { # NUMBER
    local right
    right=$(head -n $FEW "$DIR/cookies" | awk -v n="$1" -v url="http://127.0.0.1:$PORT$ONE_PATH" -v to="$DIR/answer" '
        { cookie[NR] = $0 }
        END {
            for (i = 1; i <= n; i++)
                printf "%surl = \"%s\"\nheader = \"Host: one\"\nheader = \"Cookie: %s\"\noutput = \"%s\"\nwrite-out = \"%%{http_code} %%{size_download}\\n\"\n",
                    (i == 1 ? "" : "next\n"), url, cookie[1 + i % NR], to
        }' | curl -s -K - | awk '$1 == 200 && $2 >= 400' | wc -l)
    [ "$right" = "$1" ] || die "of $1 answers $right are right"
}

queries() { sql "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_stmt_execute', 'Questions')" | cut -f 2 | xargs; }

# A request's system calls into $CALLS, by name into $NAMES; statements executed into $EXECUTED, all questions into $QUESTIONS.
# What happens once for each session, or once in a worker's life, has happened before.
calls_count() { # WHAT NUMBER
    local traced before after
    one_up "$1"
    requests $FEW
    strace -qq -c -U name,calls -o "$DIR/calls" -p "$WORKER" & traced=$!
    until_true grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$WORKER/status"
    before=$(queries)
    requests "$2"
    after=$(queries)
    kill -INT "$traced" && wait "$traced"
    one_down
    CALLS=$(awk -v n="$2" '$1 == "total" { printf "%.1f", $2 / n }' "$DIR/calls")
    NAMES=$(awk -v n="$2" '$2 > n / 50 && $1 ~ /^[a-z]/ && $1 !~ /^(total|syscall)$/ { printf "%s %.2f  ", $1, $2 / n }' "$DIR/calls")
    # the question how many there were is one
    read -r EXECUTED QUESTIONS <<< "$(echo "$before $after" | awk -v n="$2" '{ printf "%.2f %.2f", ($3 - $1) / n, ($4 - $2 - 1) / n }')"
}

# Of the program and its libraries in user mode, into $INSTRUCTIONS: the difference of two runs, so that starting does not
# count.
instructions_count() { # WHAT NUMBER
    local n sums=() once=$FEW more=$((FEW + $2))
    for n in $once $more; do
        # latchkey becomes another user, who could not make the file elsewhere
        mkdir -m 1777 "$DIR/callgrind"
        one_up "$1" valgrind -q --vgdb=no --tool=callgrind "--callgrind-out-file=$DIR/callgrind/%p" "--log-file=$DIR/callgrind/log.%p"
        requests "$n"
        one_down
        sums+=("$(sed -n 's/^\(summary\|totals\): //p' "$DIR/callgrind/$WORKER" | sort -n | tail -n 1)")
        rm -rf "$DIR/callgrind"
    done
    INSTRUCTIONS=$(((sums[1] - sums[0]) / $2))
}
