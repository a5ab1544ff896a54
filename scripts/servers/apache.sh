# What scripts/testbed knows of Apache; see there for the functions and variables. Expects bash.
# shellcheck shell=bash

APACHE_MODULES=/usr/lib/apache2/modules

apache_packages() {
    on_path apache2 || echo apache2-bin
    [ -e $APACHE_MODULES/mod_fcgid.so ] || echo libapache2-mod-fcgid
}
apache_program() { echo apache2; }

apache_check() {
    APACHE=${APACHE:-fcgid}
    if runs_latchkey; then
        [ -z "$SIGN_IN" ] || die "Apache starts latchkey, whose only socket is Apache's: no --sign-in"
    fi
    case $GATE$APACHE/$BACKEND in
    yesproxy-fcgi/*) die "mod_proxy_fcgi is no gate: --apache fcgid or authnz" ;;
    yeshtaccess/proxy | yescgi/proxy | yescgi/cgi) die "--apache $APACHE guards no pages of --backend $BACKEND" ;;
    esac
}

apache_runs_latchkey() { [[ $APACHE == @(fcgid|htaccess|cgi) ]]; }
apache_runs_php() { :; }

# --- the server --------------------------------------------------------------------------------------------------------

apache_write() { # PORT
    mkdir -p "$DIR/fcgid" && touch "$DIR/latchkey.log" && give_away "$DIR/fcgid" "$DIR/latchkey.log" || return 1
    { apache_base "$1" && "apache_${APACHE/-/_}" "$1"; } > "$DIR/apache.conf"
}

# As on Debian, with everything below DIR. Apache's children are whom latchkey belongs to. None of them ends because it has
# little to do: it would take connections along that it has just accepted.
apache_base() { # PORT
    apache_modules
    [ -z "$RUN_AS" ] || echo "User $RUN_AS"
    [ -z "$RUN_AS" ] || echo "Group $(id -gn "$RUN_AS")"
    cat <<END
ServerRoot $DIR
DefaultRuntimeDir $DIR
PidFile $DIR/apache.pid
Mutex file:$DIR default
ErrorLog $DIR/web.log
LogLevel warn
TypesConfig /dev/null
AddType text/html .html
AddType text/plain .txt
ServerName localhost
Listen 127.0.0.1:$1
StartServers 2
ThreadsPerChild 64
MaxSpareThreads 256
MaxRequestWorkers 256
<Directory />
    AllowOverride None
    Require all denied
</Directory>
<Directory $DIR/htdocs>
    Require all granted
</Directory>
END
}
# Those that an existing site has, and those that the READMEs of conf/apache-* name.
apache_modules() {
    local name all=" mpm_event authz_core alias dir env mime setenvif"
    case $APACHE in
    fcgid | htaccess) all+=" headers fcgid" ;;
    proxy-fcgi) all+=" proxy proxy_fcgi buffer" ;;
    cgi) all+=" headers cgid actions" ;;
    authnz) all+=" headers proxy proxy_fcgi buffer authn_core authz_user authnz_fcgi" ;;
    esac
    [ -z "$HTTPS" ] || all+=" ssl http2"
    [ -z "$GATE" ] || all+=" access_compat macro rewrite include autoindex negotiation"
    case $GATE$BACKEND in
    yesphp) all+=" fcgid" ;;
    yescgi) all+=" cgid" ;;
    yesproxy) all+=" proxy proxy_http" ;;
    esac
    for name in $(tr ' ' '\n' <<< "$all" | awk '!seen[$0]++'); do echo "LoadModule ${name}_module $APACHE_MODULES/mod_$name.so"; done
    # (the mutexes: as in conf/apache-fcgid/server.conf, for PHP and hosts that do without that)
    [[ $all != *" fcgid"* ]] || printf '%s\n' "Mutex pthread fcgid-pipe fcgid-proctbl" "FcgidIPCDir $DIR/fcgid" "FcgidProcessTableFile $DIR/fcgid/table"
    [[ $all != *" cgid"* ]] || echo "ScriptSock $DIR/cgid.sock"
}

apache_start() { "$WEB" -d "$DIR" -f "$DIR/apache.conf" -k start; }

# An example with paths put in, and what an administrator would copy to /etc/apache2/latchkey read from DIR.
apache_example() { # FOLDER FILE
    adapt "$ROOT/conf/$1/$2" | apache_paths > "$DIR/apache-$2" || return 1
}
apache_paths() {
    sed -e "s|127.0.0.1:9750|$SOCKET|" -e "s|/etc/apache2/latchkey/|$DIR/apache-|" -e "s|/usr/local/lib/latchkey\b|$DIR/lib|g" -e "s|/var/www/html\b|$DIR/htdocs|"
}

# The script that starts latchkey: the program under test, its log, and its clock if a test moves that.
apache_script() { # FOLDER FILE DESTINATION
    mkdir -p "$(dirname "$3")" || return 1
    sed -e "s|^exec .*|${LATCHKEY_TEST_CLOCK:+export LATCHKEY_TEST_CLOCK=$LATCHKEY_TEST_CLOCK\n}exec $BIN -c $CONF 2>> $DIR/latchkey.log|" "$ROOT/conf/$1/$2" > "$3" && chmod 755 "$3"
}

apache_vhost() { # PORT; the rest of it from standard input
    echo "<VirtualHost 127.0.0.1:$1>"
    echo "DocumentRoot $DIR/htdocs"
    if [ -n "$HTTPS" ]; then
        sed -e "s|/etc/ssl/certs/.*|$CERTIFICATE|" -e "s|/etc/ssl/private/.*|$KEY|" "$ROOT/conf/apache/https.conf"
    fi
    cat
    echo '</VirtualHost>'
}

# --- ways ----------------------------------------------------------------------------------------------------------------

apache_fcgid() { # PORT
    apache_script apache-fcgid latchkey.fcgi "$DIR/lib/latchkey.fcgi" && apache_example apache-fcgid server.conf && apache_example apache-fcgid latchkey.conf || return 1
    echo "Include $DIR/apache-server.conf"
    { echo "Include $DIR/apache-latchkey.conf"; [ -z "$GATE" ] || apache_gate apache-fcgid; } | apache_vhost "$1"
}

apache_proxy_fcgi() { # PORT
    apache_example apache-proxy-fcgi latchkey.conf || return 1
    echo "Include $DIR/apache-latchkey.conf" | apache_vhost "$1"
}

apache_authnz() { # PORT
    apache_example apache-authnz provider.conf && apache_example apache-authnz latchkey.conf || return 1
    echo "Include $DIR/apache-provider.conf"
    { echo "Include $DIR/apache-latchkey.conf"; [ -z "$GATE" ] || apache_gate apache-authnz; } | apache_vhost "$1"
}

# The host gives what most hosts give; everything else is in the files of the site's owner.
apache_htaccess() { # PORT
    local place
    apache_script shared-hosting auth "$DIR/htdocs/auth" && apache_owner shared-hosting .htaccess || return 1
    if [ -n "$GATE" ]; then
        for place in protected admin; do apache_owner shared-hosting protected/.htaccess "$place/.htaccess" || return 1; done
    fi
    { apache_host; [ -z "$GATE" ] || apache_pages; } | apache_vhost "$1"
}
# One process for each request: none of them makes tables. What is outside of the document root is beside it.
apache_cgi() { # PORT
    local place file
    "$BUILD/latchkeyctl" -c "$CONF" migrate > /dev/null || return 1
    apache_script plain-cgi auth "$DIR/htdocs/auth" && apache_owner plain-cgi .htaccess && apache_owner plain-cgi gate.php ../gate.php || return 1
    if [ -n "$GATE" ]; then
        for place in protected admin; do
            for file in .htaccess .user.ini latchkey-file.php; do apache_owner plain-cgi "protected/$file" "$place/$file" || return 1; done
        done
        sed -i 's|/protected/|/admin/|' "$DIR/htdocs/admin/.htaccess"
    fi
    { apache_host Indexes; [ -z "$GATE" ] || apache_pages; } | apache_vhost "$1"
}
apache_host() { printf '%s\n' "<Directory $DIR/htdocs>" "AllowOverride FileInfo Options=ExecCGI $*" '</Directory>'; }
apache_owner() { # FOLDER FILE [DESTINATION]
    adapt "$ROOT/conf/$1/$2" | sed "s|/home/USER/public_html\b|$DIR/htdocs|; s|/home/USER/latchkey/gate.php|$DIR/gate.php|" > "$DIR/htdocs/${3:-$2}"
}

apache_socket() {
    local try
    [ "$APACHE" = authnz ] || { echo "$DIR/latchkey.sock"; return; }
    for try in 1 2 3 4 5 6 7 8 9 10 11 12; do likely_port "$try" > "$DIR/.port" && break; done
    echo "127.0.0.1:$(cat "$DIR/.port")"
}

# --- the site ------------------------------------------------------------------------------------------------------------

# The example of the backend, for two directories, and the rest of the site without it.
apache_gate() { # FOLDER
    local parts=("PHP pages, CGI scripts and files" "an application that speaks HTTP") mine=0 other=1 all part file
    [ "$BACKEND" != proxy ] || mine=1 other=0
    apache_example "$1" gate.conf && apache_example "$1" latchkey-gated.conf || return 1
    for file in latchkey-fields.conf latchkey-app.conf; do apache_example apache "$file" || return 1; done
    all=$(sed "/^# --- ${parts[$other]}/,/^# --- end of ${parts[$other]}/d; s|http://127.0.0.1:3000/app/|http://127.0.0.1:$APP_PORT/protected/|
        s|/app/|/protected/|" "$DIR/apache-gate.conf")
    part=$(sed -n "/^# --- ${parts[$mine]}/,/^# --- end of/p" <<< "$all")
    printf '%s\n' "$all" "${part//\/protected//admin}" > "$DIR/apache-gate.conf"
    sed -e '/gated.conf/d' <<< "${part//\/protected//open}" > "$DIR/apache-site.conf"
    printf '%s\n' "Include $DIR/apache-gate.conf" "Include $DIR/apache-site.conf"
    apache_pages
}

# What a site has that is to be guarded: PHP by mod_fcgid, CGI scripts, pages that include others (.shtml), directories that
# are listed, files that are found without their ending (MultiViews), addresses that lead to others (below /FOLDER/way/),
# and an error page, if there is a file of that name.
# shellcheck disable=SC2016 # no variables of ours
apache_pages() {
    printf '%s\n' 'DirectoryIndex index.php index.cgi index.html index.shtml' 'ErrorDocument 404 /lost.html'
    printf '%s\n' "<Directory $DIR/htdocs>" 'Options +Includes +Indexes +MultiViews' 'AddOutputFilter INCLUDES .shtml' \
        'AddType text/html .shtml' 'RewriteEngine On' 'RewriteRule "^(protected|admin|open)/way/(.*)" "/$1/$2"' '</Directory>'
    case $BACKEND in
    php | static) if [ "$APACHE" = cgi ]; then apache_php_cgi; elif [ "$BACKEND" = php ]; then apache_php_fcgid; fi ;;
    cgi) printf '%s\n' 'AddHandler cgi-script .cgi' "<Directory $DIR/htdocs>" 'Options +ExecCGI' '</Directory>' ;;
    esac
}

apache_php_fcgid() {
    printf '#!/bin/sh\nPHP_FCGI_CHILDREN=0 PHP_FCGI_MAX_REQUESTS=0 exec %s %s\n' "$(find_program php-cgi)" "$PHP_SETTINGS" > "$DIR/php.fcgi" && chmod 755 "$DIR/php.fcgi"
    [ "$APACHE" != authnz ] || echo 'FcgidMaxRequestLen 16777216'
    printf '%s\n' '<FilesMatch "\.php$">' 'SetHandler fcgid-script' 'Options +ExecCGI' "FcgidWrapper $DIR/php.fcgi" '</FilesMatch>'
}
apache_php_cgi() {
    mkdir -p "$DIR/php" && printf '#!/bin/sh\nexec %s %s\n' "$(find_program php-cgi)" "$PHP_SETTINGS" > "$DIR/php/php" && chmod 755 "$DIR/php/php"
    printf '%s\n' "ScriptAlias /php-cgi/ $DIR/php/" "<Directory $DIR/php>" 'Require all granted' '</Directory>' \
        'Action application/x-httpd-php /php-cgi/php' '<FilesMatch "\.php$">' 'SetHandler application/x-httpd-php' '</FilesMatch>'
}
