# What scripts/testbed knows of lighttpd; see there for the functions and variables. Expects bash.
# shellcheck shell=bash

lighttpd_packages() { on_path lighttpd || echo lighttpd; }
lighttpd_program() { echo lighttpd; }
lighttpd_check() { :; }

lighttpd_write() { # PORT
    adapt "$ROOT/conf/lighttpd/latchkey.conf" > "$DIR/lighttpd-latchkey.conf"
    # The parse options are those of Debian's lighttpd.conf.
    cat > "$DIR/lighttpd.conf" <<END
server.document-root = "$DIR/htdocs"
server.bind = "127.0.0.1"
server.port = $1
server.pid-file = "$DIR/lighttpd.pid"
server.errorlog = "$DIR/web.log"
server.upload-dirs = ( "$DIR/htdocs" )
server.http-parseopts = ( "header-strict" => "enable", "host-strict" => "enable", "host-normalize" => "enable",
    "url-normalize-unreserved" => "enable", "url-normalize-required" => "enable", "url-ctrls-reject" => "enable",
    "url-path-2f-decode" => "enable", "url-path-dotseg-remove" => "enable" )
include "$DIR/lighttpd-latchkey.conf"
END
}

lighttpd_start() { "$WEB" -f "$DIR/lighttpd.conf"; }
