# The site that scripts/testbed makes for --gate and --https: pages of tests/gate/site, what runs them, and a certificate.
# Expects bash, scripts/processes.sh and the variables of scripts/testbed.
# shellcheck shell=bash

SITE=$ROOT/tests/gate/site

on_path() { (find_program "$1") > /dev/null 2>&1; }

# The Debian packages that lack for these options. Every Debian has perl.
site_packages() {
    [ "$GATE$BACKEND" != yesphp ] || on_path php-cgi || echo php-cgi
    [ "$GATE$BACKEND$SERVER" != yescginginx ] || on_path fcgiwrap || echo fcgiwrap
    [ -z "$HTTPS" ] || on_path openssl || echo openssl
}

# --- pages -------------------------------------------------------------------------------------------------------------

# The same page below each path; static ones only say who they are. index.html is the name of a static index everywhere.
site_pages() {
    local place
    for place in protected admin open; do
        mkdir -p "$DIR/htdocs/$place" || return 1
        case $BACKEND in
        php) cp "$SITE/page.php" "$DIR/htdocs/$place/index.php" ;;
        cgi) cp "$SITE/page.cgi" "$DIR/htdocs/$place/index.cgi" && chmod 755 "$DIR/htdocs/$place/index.cgi" ;;
        static) printf 'APP=static\nPLACE=%s\n' "$place" > "$DIR/htdocs/$place/index.html" ;;
        esac || return 1
        printf 'APP=static\nPLACE=%s\n' "$place" > "$DIR/htdocs/$place/file.txt" || return 1
    done
}

# PHP without the host's php.ini, but as one has it for real: faults are not shown, large bodies are taken, pages are sent
# in large pieces.
PHP_SETTINGS="-n -d display_errors=0 -d post_max_size=16M -d output_buffering=4096"

# PHP_FCGI_CHILDREN workers; the parent ends them with itself.
site_php() {
    PHP_SOCKET=$DIR/php.sock
    [ ${#PHP_SOCKET} -le 107 ] || fail "the path $PHP_SOCKET is too long for a socket"
    # Its variables are printed: none of ours among them.
    # shellcheck disable=SC2086 # a list of words
    env -i PATH="$PATH" PHP_FCGI_CHILDREN=2 PHP_FCGI_MAX_REQUESTS=0 PHP_FCGI_BACKLOG=1024 setsid "$(find_program php-cgi)" $PHP_SETTINGS -b "$PHP_SOCKET" \
        < /dev/null >> "$DIR/backend.log" 2>&1 &
    remember backend $!
    site_wait test -S "$PHP_SOCKET"
}

# For web servers that run no CGI scripts themselves.
site_cgi() {
    CGI_SOCKET=$DIR/cgi.sock
    [ ${#CGI_SOCKET} -le 107 ] || fail "the path $CGI_SOCKET is too long for a socket"
    env -i PATH="$PATH" setsid "$(find_program fcgiwrap)" -s "unix:$CGI_SOCKET" < /dev/null >> "$DIR/backend.log" 2>&1 &
    remember backend $!
    site_wait test -S "$CGI_SOCKET"
}

# It takes a free port and says which.
site_app() {
    cp "$SITE/app.pl" "$DIR/app.pl" || return 1
    setsid perl "$DIR/app.pl" "$DIR/app.port" < /dev/null >> "$DIR/backend.log" 2>&1 &
    remember backend $!
    site_wait test -s "$DIR/app.port" && APP_PORT=$(cat "$DIR/app.port")
}

site_wait() { # COMMAND...
    local end=$((SECONDS + 10))
    until "$@"; do
        lives "$DIR/backend.pid" && [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.02
    done
}

# A web server that starts PHP itself needs none of ours.
site_up() {
    PHP_SOCKET='' CGI_SOCKET='' APP_PORT=''
    [ -n "$GATE" ] || return 0
    site_pages || return 1
    case $BACKEND in
    php) { have "${SERVER}_runs_php" && "${SERVER}_runs_php"; } || site_php ;;
    cgi) [ "$SERVER" != nginx ] || site_cgi ;;
    proxy) site_app ;;
    esac
}

# --- a certificate -------------------------------------------------------------------------------------------------------

# An authority for this one certificate, so that clients check it as they check any other. Days of grace: a clock may move.
site_certificate() {
    CERTIFICATE=$DIR/tls/site.pem KEY=$DIR/tls/site.key CA_FILE=$DIR/tls/ca.pem
    mkdir -p "$DIR/tls" || return 1
    (
        cd "$DIR/tls" || exit 1
        new=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
        openssl req -x509 "${new[@]}" -keyout ca.key -out ca.pem -days 3650 -subj '/CN=latchkey testbed authority' \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign &&
            openssl req "${new[@]}" -keyout site.key -out site.csr -subj /CN=localhost &&
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' > site.ext &&
            openssl x509 -req -in site.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 3650 -extfile site.ext -out site.pem
    ) >> "$DIR/web.start" 2>&1
}
