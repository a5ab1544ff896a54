# What scripts/testbed knows of nginx; see there for the functions and variables. Expects bash.
# shellcheck shell=bash

nginx_packages() { on_path nginx || echo nginx-light; }
nginx_program() { echo nginx; }

nginx_check() {
    [ -z "$GATE" ] || [ "$BACKEND" != cgi ] || die "nginx runs no CGI scripts: --backend php, static or proxy"
}

nginx_write() { # PORT
    adapt "$ROOT/conf/nginx/latchkey.conf" > "$DIR/nginx-latchkey.conf"
    local user=''
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
    server {
        listen 127.0.0.1:$1;
        server_name localhost;
        root $DIR/htdocs;
        include $DIR/nginx-latchkey.conf;
    }
}
END
}

nginx_start() { "$WEB" -c "$DIR/nginx.conf" -e "$DIR/web.log"; }
