# Shared by testbed and mariadb: processes that outlive the script which started them, remembered in DIR/NAME.pid together
# with their start time, so that nothing else is ever stopped. Expects bash and $DIR.
# shellcheck shell=bash

# Start time of a process in clock ticks: with it a pid names one process only. The name in brackets may hold blanks.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
remember() { echo "$2 $(started_at "$2")" > "$DIR/$1.pid"; }

# Is the process that FILE remembers still there (and not a stranger with its number)?
lives() {
    local pid tick
    [ -f "$1" ] && read -r pid tick < "$1" || return 1
    [ -n "${tick:-}" ] && [ "$(started_at "$pid")" = "$tick" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

wait_gone() { # FILE SECONDS
    local end=$((SECONDS + $2))
    while lives "$1"; do
        [ "$SECONDS" -ge "$end" ] && return 1
        sleep 0.05
    done
}

# TERM, some time for what is under way, then KILL for the whole group (a killed master must not leave its workers).
stop_one() { # FILE SECONDS
    local pid _
    lives "$1" || return 0
    read -r pid _ < "$1"
    kill -TERM "$pid" 2>/dev/null
    wait_gone "$1" "$2" && return 0
    echo "${0##*/}: $(basename "$1" .pid) ($pid) does not stop, killing it" >&2
    kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null
    wait_gone "$1" 5
}

find_program() { # sbin is often missing from an ordinary user's PATH
    PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" || die "$1 is not installed"
}

# A port below the ephemeral range that nobody listens on at this moment; another for each TRY.
likely_port() { # TRY
    local port=$((20000 + (RANDOM * 32768 + RANDOM + $$ * 7919 + $1) % 12000))
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2>/dev/null && return 1
    echo "$port"
}
