# For bench/run: what others check a session with, as contestants. Expects bench/lib.sh, bench/contestants.sh and scripts/node.sh.
# shellcheck shell=bash disable=SC2034 # shared with the others

# --- what they need ------------------------------------------------------------------------------------------------------

peers_install() {
    local packages=()
    ! takes_part php || packages+=(php-fpm php-cli php-mysql)
    ! takes_part perl || packages+=(libfcgi-perl libcgi-pm-perl libdbd-mysql-perl)
    ! takes_part apache-dbd || packages+=(apache2-bin libaprutil1-dbd-mysql)
    [ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
    if takes_part better-auth; then
        node_ready
        npm_ci "$ROOT/bench/better-auth" || die "no Better Auth"
    fi
}

# Their versions, one a line.
peers_versions() {
    ! takes_part php || php -r 'echo "PHP ", PHP_VERSION, "\n";'
    ! takes_part perl || perl -MCGI -MDBD::mysql -e 'printf "Perl %vd\nCGI.pm %s\nDBD::mysql %s\n", $^V, $CGI::VERSION, $DBD::mysql::VERSION'
    ! takes_part apache-dbd || "$(find_program apache2)" -v | sed -n 's/^Server version: \([^ ]*\).*/\1/p'
    ! takes_part better-auth || { echo "Node.js $(node --version)"; better_auth_version; }
}
better_auth_version() { echo "Better Auth $(node -p 'require(process.argv[1]).version' "$ROOT/bench/better-auth/node_modules/better-auth/package.json")"; }

peers_rows() {
    sed 's/^/sid=/' "$DIR/tokens" > "$DIR/sid"
    ! takes_part php || php_rows
    ! takes_part apache-dbd || apache_rows
    ! takes_part better-auth || better_auth_rows
}

# --- PHP -----------------------------------------------------------------------------------------------------------------

php_rows() {
    cp -R "$ROOT/bench/php" "$DIR/php" && mkdir "$DIR/php-sessions" || exit 1
    php "$ROOT/bench/php/sessions.php" "$DIR/tokens" "$DIR/users" "$DIR/php-sessions" > "$DIR/php-cookies" || die "no sessions of PHP"
}

php_conf() {
    cat <<END
[global]
error_log = $DIR/log
daemonize = no
[bench]
listen = $DIR/php.sock
listen.backlog = 1024
pm = static
pm.max_children = $WORKERS
env[MYSQL] = $MYSQL
env[DATABASE] = $DATABASE
php_admin_value[session.save_path] = $DIR/php-sessions
php_admin_value[session.gc_probability] = 0
php_admin_value[opcache.enable] = 1
php_admin_value[opcache.validate_timestamps] = 0
END
    [ "$(id -u)" -ne 0 ] || printf '%s\n' 'user = root' 'group = root'
}

# One for all of its scripts.
php_contestant() { # NAME
    local program
    SOCKET_OF[$1]=$DIR/php.sock
    if ! lives "$DIR/php.pid"; then
        program=$(PATH=$PATH:/usr/sbin compgen -c php-fpm | sort -u | tail -n 1)
        php_conf > "$DIR/php.conf"
        # shellcheck disable=SC2046 # one word or none
        start php "$(find_program "${program:-php-fpm}")" $([ "$(id -u)" -ne 0 ] || echo -R) -y "$DIR/php.conf"
    fi
    PID_FILE[$1]=$DIR/php.pid
    ln -sf php.command "$DIR/$1.command"
}

# --- Perl ----------------------------------------------------------------------------------------------------------------

perl_contestant() { # NAME
    SOCKET_OF[$1]=$DIR/$1.sock
    start "$1" perl "$ROOT/bench/session.pl" "$DIR/$1.sock" "$WORKERS" "$MYSQL" "$DATABASE"
}

# --- Apache's mod_session_dbd, in front of a file ------------------------------------------------------------------------

apache_rows() {
    sql "CREATE TABLE bench_apache (sid VARCHAR(64) PRIMARY KEY, value TEXT, expiry BIGINT NOT NULL);
        INSERT INTO bench_apache SELECT LEFT(SHA2(CONCAT('bench ', seq), 256), 32), CONCAT('user=', 1 + seq % $USERS), 0 FROM seq_1_to_$ROWS"
    mkdir "$DIR/apache" || exit 1
    echo '{"session":{"id":"4711","userId":4711,"createdAt":1790000000,"updatedAt":1790000000,"expiresAt":4102444800,"ipAddress":"192.0.2.17",' \
        "\"userAgent\":\"$AGENT\"},\"user\":{\"id\":4711,\"email\":\"user4711@example.org\",\"name\":\"User Number 4711\",\"emailVerified\":true," \
        '"image":"https://img.example.org/avatars/user4711/large.png","updatedAt":1790000000}}' > "$DIR/apache/session.json"
}

apache_conf() { # PORT
    local m
    for m in mpm_event authz_core dbd session session_dbd request; do echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"; done
    cat <<END
ServerRoot $DIR
ServerName localhost
Listen 127.0.0.1:$1
ListenBacklog 1024
PidFile $DIR/apache.started
ErrorLog $DIR/log
LogLevel warn
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
StartServers 2
ThreadsPerChild 16
MaxRequestWorkers 64
DocumentRoot $DIR/apache
DBDriver mysql
DBDParams "sock=$MYSQL,user=root,dbname=$DATABASE"
DBDPersist on
DBDMin 2
DBDKeep 8
DBDMax 16
DBDPrepareSQL "DELETE FROM bench_apache WHERE sid = %s" deletesession
DBDPrepareSQL "UPDATE bench_apache SET value = %s, expiry = %lld, sid = %s WHERE sid = %s" updatesession
DBDPrepareSQL "INSERT INTO bench_apache (value, expiry, sid) VALUES (%s, %lld, %s)" insertsession
DBDPrepareSQL "SELECT value FROM bench_apache WHERE sid = %s AND (expiry = 0 OR expiry > %lld)" selectsession
DBDPrepareSQL "DELETE FROM bench_apache WHERE expiry != 0 AND expiry < %lld" cleansession
<Location />
  Session On
  SessionEnv On
  SessionDBDCookieName sid path=/
  SessionMaxAge 0
</Location>
END
    [ "$(id -u)" -ne 0 ] || printf '%s\n' 'User www-data' 'Group www-data'
}

# It listens on ports only.
apache_contestant() { # NAME
    local try port
    for try in 1 2 3 4 5 6 7 8; do
        port=$(likely_port "$try") || continue
        apache_conf "$port" > "$DIR/apache.conf"
        start "$1" "$(find_program apache2)" -f "$DIR/apache.conf" -DFOREGROUND
        until [ -s "$DIR/apache.started" ] || ! lives "$DIR/$1.pid"; do sleep 0.05; done
        lives "$DIR/$1.pid" && break
    done
    lives "$DIR/$1.pid" || die "Apache does not start: $(tail -n 3 "$DIR/log")"
    SOCKET_OF[$1]=127.0.0.1:$port
}

# --- Better Auth ---------------------------------------------------------------------------------------------------------

BETTER_AUTH_SECRET=bench-secret-bench-secret-bench-secret-0123456789
better_auth_env() { ENV=(env NODE_ENV=production MYSQL="$MYSQL" DATABASE=better_auth SECRET="$BETTER_AUTH_SECRET"); }

# Its own tables, with the tokens as they are.
better_auth_rows() {
    local ENV
    better_auth_env
    sql 'CREATE DATABASE better_auth'
    "${ENV[@]}" node "$ROOT/bench/better-auth/migrate.mjs" || die "no tables of Better Auth"
    mariadb --no-defaults -u root -S "$MYSQL" better_auth -e "SET unique_checks = 0, foreign_key_checks = 0;
        INSERT INTO user (id, name, email, emailVerified, image, createdAt, updatedAt)
            SELECT LEFT(SHA2(CONCAT('user ', seq), 256), 32), CONCAT('User Number ', seq), CONCAT('user', seq, '@example.org'), 1,
                CONCAT('https://img.example.org/avatars/user', seq, '/large.png'), NOW(), NOW() FROM seq_1_to_$USERS;
        INSERT INTO session (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId)
            SELECT LEFT(SHA2(CONCAT('session ', seq), 256), 32), '2037-01-01', LEFT(SHA2(CONCAT('bench ', seq), 256), 32), NOW(), NOW(),
                '192.0.2.17', '$AGENT', LEFT(SHA2(CONCAT('user ', 1 + seq % $USERS), 256), 32) FROM seq_1_to_$ROWS" || die "no rows for Better Auth"
    perl -MDigest::SHA=hmac_sha256_base64 -ne '
        BEGIN { $secret = shift } chomp;
        (my $value = "$_." . hmac_sha256_base64($_, $secret) . "=") =~ s/([^A-Za-z0-9.])/sprintf "%%%02X", ord $1/ge;
        print "better-auth.session_token=$value\n"' $BETTER_AUTH_SECRET "$DIR/tokens" > "$DIR/better-auth"
}

better_auth_contestant() { # NAME PROCESSES [cache]
    local ENV cache=0
    better_auth_env
    [ -z "${3:-}" ] || cache=1
    SOCKET_OF[$1]=$DIR/$1.sock
    start "$1" "${ENV[@]}" CACHE=$cache node "$ROOT/bench/better-auth/server.mjs" "$DIR/$1.sock" "$2"
    [ $cache = 1 ] && [ ! -s "$DIR/better-auth-cache" ] || return 0
    until_true test -S "$DIR/$1.sock"
    node "$ROOT/bench/better-auth/cache-cookies.mjs" "$DIR/$1.sock" "$DIR/better-auth" > "$DIR/better-auth-cache" || die "no cookies of $1"
}
