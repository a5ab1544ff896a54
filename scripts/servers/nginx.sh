# What scripts/testbed knows of nginx; see there for the functions and variables. Expects bash.
# shellcheck shell=bash

nginx_packages() { on_path nginx || echo nginx-light; }
nginx_program() { echo nginx; }

nginx_check() { :; }

nginx_write() { # PORT
    local user='' listen="listen 127.0.0.1:$1;" gate=''
    nginx_example latchkey.conf
    if [ -n "$HTTPS" ]; then
        nginx_https "$1"
        listen="include $DIR/nginx-https.conf;"
    fi
    if [ -n "$GATE" ]; then
        nginx_gate
        gate="include $DIR/nginx-gate.conf; include $DIR/nginx-site.conf;"
    fi
    # Without this line nginx's workers would be nobody, who may not open root's private socket. Tests only.
    [ "$(id -u)" -eq 0 ] && user="user root;"
    cat > "$DIR/nginx.conf" <<END
$user
worker_processes 2;
pid $DIR/nginx.pid;
error_log $DIR/web.log warn;
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path $DIR/tmp-body; fastcgi_temp_path $DIR/tmp-fastcgi; proxy_temp_path $DIR/tmp-proxy;
    uwsgi_temp_path $DIR/tmp-uwsgi; scgi_temp_path $DIR/tmp-scgi;
    types { text/html html; text/plain txt; text/javascript js; text/css css; }
    server {
        $listen
        server_name localhost;
        root $DIR/htdocs;
        include $DIR/nginx-latchkey.conf;
        $gate
    }
}
END
}

# The files that an administrator copies to /etc/nginx are read where they are, or from DIR where they need a change.
nginx_example() { # FILE
    adapt "$ROOT/conf/nginx/$1" |
        sed -e "s|/etc/nginx/latchkey-gated.conf|$DIR/nginx-latchkey-gated.conf|" -e "s|/etc/nginx/\(latchkey[a-z-]*\.params\)|$ROOT/conf/nginx/\1|" \
            > "$DIR/nginx-${2:-$1}"
}

nginx_https() { # PORT
    sed -e "s|^listen 443 |listen 127.0.0.1:$1 |" -e '/^listen \[/d' -e "s|/etc/ssl/certs/[^;]*|$CERTIFICATE|" \
        -e "s|/etc/ssl/private/[^;]*|$KEY|" "$ROOT/conf/nginx/https.conf" > "$DIR/nginx-https.conf"
}

# Of the two examples of what is guarded the one of the backend, for two directories; and the rest of the site without it.
nginx_gate() {
    local parts=("PHP pages and files" "an application that speaks HTTP") mine=0 other=1 all part
    [ "$BACKEND" != proxy ] || mine=1 other=0
    nginx_example latchkey-gated.conf
    nginx_example gate.conf
    # fcgiwrap, which nginx takes for PHP
    [ "$BACKEND" != cgi ] || sed -i -e '/^ *#/!s/\.php/.cgi/g' -e "s|/run/php/php-fpm.sock|$CGI_SOCKET|" "$DIR/nginx-gate.conf"
    all=$(sed "/^# --- ${parts[$other]}/,/^# --- end of ${parts[$other]}/d; s|http://127.0.0.1:3000|http://127.0.0.1:$APP_PORT|
        s|/run/php/php-fpm.sock|${PHP_SOCKET:-&}|; s|\^~ /app/|^~ /protected/|" "$DIR/nginx-gate.conf")
    part=$(sed -n "/^# --- ${parts[$mine]}/,/^# --- end of/p" <<< "$all")
    printf '%s\n' "$all" "${part/'^~ /protected/'/'^~ /admin/'}" > "$DIR/nginx-gate.conf"
    sed -e '/latchkey-gated/d' <<< "${part/'^~ /protected/'/'^~ /open/'}" > "$DIR/nginx-site.conf"
}

nginx_start() { "$WEB" -c "$DIR/nginx.conf" -e "$DIR/web.log"; }
