# What scripts/testbed knows of lighttpd; see there for the functions and variables. Expects bash.
# shellcheck shell=bash

lighttpd_packages() {
    on_path lighttpd || echo lighttpd
    # the modules that are not in the package lighttpd
    [ -z "$HTTPS" ] || missing_packages lighttpd-mod-openssl
    [ -z "$GATE" ] || missing_packages lighttpd-modules-lua
}
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
mimetype.assign = ( ".html" => "text/html", ".txt" => "text/plain", ".js" => "text/javascript", ".css" => "text/css" )
server.http-parseopts = ( "header-strict" => "enable", "host-strict" => "enable", "host-normalize" => "enable",
    "url-normalize-unreserved" => "enable", "url-normalize-required" => "enable", "url-ctrls-reject" => "enable",
    "url-path-2f-decode" => "enable", "url-path-dotseg-remove" => "enable" )
include "$DIR/lighttpd-latchkey.conf"
END
    [ -z "$HTTPS" ] || lighttpd_https >> "$DIR/lighttpd.conf"
    [ -z "$GATE" ] || lighttpd_gate >> "$DIR/lighttpd.conf"
}

# The port is TLS's alone: the address of server.bind and server.port gets the certificate.
# shellcheck disable=SC2016 # no variables of ours
lighttpd_https() {
    sed -e "s|/etc/ssl/certs/[^\"]*|$CERTIFICATE|" -e "s|/etc/ssl/private/[^\"]*|$KEY|" \
        -e '/^\$SERVER\["socket"\] == "\[::\]/d' -e 's|^\$SERVER\["socket"\].*{ \(.*\) }|\1|' "$ROOT/conf/lighttpd/https.conf"
}

# Both ways to be rid of what clients say of themselves are run: with CGI scripts the list, else the one in Lua. mod_proxy is
# loaded before the gate, as it is on Debian.
lighttpd_gate() {
    local change=()
    if [ "$BACKEND" = cgi ]; then
        change=(-e 's/^# \(include "latchkey-headers.conf"\)/\1/' -e '/^server.modules += ( "mod_magnet" )/d' -e '/^magnet\./d')
    fi
    if [ "$BACKEND" = proxy ]; then
        change+=(-e '/^# --- an application/,/^# --- end of an application/s/^# \([^-]\)/\1/' -e "s|\"port\" => 3000|\"port\" => $APP_PORT|"
            -e 's,\^/protected/,^/(protected|admin|open)/,')
        echo 'server.modules += ( "mod_proxy" )'
    fi
    adapt "$ROOT/conf/lighttpd/gate.conf" |
        sed "${change[@]}" -e "s|/etc/lighttpd/\(latchkey-[a-z]*.lua\)|$ROOT/conf/lighttpd/\1|" \
            -e "s|\"latchkey-headers.conf\"|\"$ROOT/conf/lighttpd/latchkey-headers.conf\"|" > "$DIR/lighttpd-gate.conf"
    echo "include \"$DIR/lighttpd-gate.conf\""
    echo 'index-file.names = ( "index.php", "index.cgi", "index.html" )'
    case $BACKEND in
    php) echo "fastcgi.server += ( \".php\" => (( \"socket\" => \"$PHP_SOCKET\", \"broken-scriptfilename\" => \"enable\" )) )" ;;
    cgi) printf '%s\n' 'server.modules += ( "mod_cgi" )' 'cgi.assign = ( ".cgi" => "" )' ;;
    esac
}

lighttpd_start() { "$WEB" -f "$DIR/lighttpd.conf"; }
