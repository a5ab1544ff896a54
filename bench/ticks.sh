# Shared by the benches: processor time of processes, and the median of what was measured. Expects bash.
# shellcheck shell=bash

tree() { # PID...: they and all below them
    local p
    for p in "$@"; do
        echo "$p"
        # shellcheck disable=SC2046 # words
        tree $(cat "/proc/$p/task/$p/children" 2> /dev/null)
    done
}
pid_of() { cut -d ' ' -f 1 "$1"; }

# Processor time of a process and all below it, in clock ticks; those that have ended count with their parent.
ticks() { # PID-FILE; 0 where there is none
    local p stat n=0
    [ -f "${1:-}" ] || { echo 0; return; }
    for p in $(tree "$(pid_of "$1")"); do
        read -r stat < "/proc/$p/stat" || continue
        # shellcheck disable=SC2086 # words
        set -- ${stat##*) }
        n=$((n + ${12} + ${13} + ${14} + ${15}))
    done
    echo $n
}

# For awk: the median of numbers with blanks between; least and most are in low and high.
# shellcheck disable=SC2034,SC2016 # used by others; awk's own
MEDIAN='function median(s,  a, n, i, j, t) {
    n = split(s, a, " ")
    for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (a[j] + 0 < a[i] + 0) { t = a[i]; a[i] = a[j]; a[j] = t }
    low = a[1]; high = a[n]
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
}'
