# Shared by test and bench/run: Node.js, and what npm brings. Expects $ROOT, scripts/lib.sh and $LOGS, a directory.
# shellcheck shell=bash

node_is_new() { [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 20 ]; }

# Unless it is there already. npm shall trust what the system trusts.
npm_ci() { # DIR
    local system=/etc/ssl/certs/ca-certificates.crt
    [ -n "${NODE_EXTRA_CA_CERTS:-}" ] || [ ! -r $system ] || export NODE_EXTRA_CA_CERTS=$system
    [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] && return
    (cd "$1" && quietly "$LOGS/npm.log" npm ci --no-audit --no-fund)
}

# Debian 12 has Node 18; the client library under test wants 20, which npm can bring without touching the system.
node_ready() {
    if ! node_is_new || ! command -v npm > /dev/null; then install_packages nodejs npm; fi
    node_is_new && return
    npm_ci "$ROOT/tests/node" || exit 1
    PATH=$(echo "$ROOT"/tests/node/node_modules/node-linux-*/bin):$PATH
    node_is_new || die "Node 20 is needed, and npm did not bring it (can npm reach its registry? try: cd tests/node && npm ci)"
}
