# The host that the portable tarball is tried on: an empty Debian in a directory, entered by chroot. Expects bash, $BUILD,
# $WORK, and scripts/lib.sh.
# shellcheck shell=bash
PACKAGES_OF_HOST=apache2,libapache2-mod-fcgid,php-cgi
HOST=$WORK/host
SITE_UID=61234 # nobody's elsewhere
HOSTER=/srv/hoster

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# The sources of this host's own apt, where it is the same Debian; else those that mmdebstrap knows.
debian_sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
        grep -E '/debian(-security)?/? bookworm(-updates|-security)? main$' | sort -u | sed 's/^/deb /'
}

# How this host's apt reaches them.
apt_manners() { apt-config dump | grep -E '^Acquire::(https?::(Proxy|CaInfo|CAPath|Verify-)|(ftp|http|https)::proxy)' | grep -v '""'; }

make_image() { # FILE
    local sources=() options=()
    apt_manners > "$WORK/apt.conf"
    debian_sources > "$WORK/sources.list"
    [ ! -s "$WORK/apt.conf" ] || options=(--aptopt="$WORK/apt.conf")
    [ ! -s "$WORK/sources.list" ] || sources=("$WORK/sources.list")
    quietly "$WORK/mmdebstrap.log" as_root mmdebstrap --mode=root --variant=minbase --include="$PACKAGES_OF_HOST" \
        "${options[@]}" bookworm "$WORK/image.tar" "${sources[@]}" < /dev/null || return 1
    mkdir -p "$(dirname "$1")" && as_root cp "$WORK/image.tar" "$1.$$" && as_root rm "$WORK/image.tar" && as_root mv "$1.$$" "$1"
}

# An image of a month ago lacks what Debian has mended since.
# Its libcurl, which Apache brings along, is kept away until libcurl_back.
host_up() {
    local image=$BUILD/portable/root-bookworm.tar
    [ -n "$(find "$image" -mtime -30 2>/dev/null)" ] || make_image "$image" || return 1
    mkdir "$HOST" && as_root tar -xf "$image" -C "$HOST" || return 1
    as_root chroot "$HOST" /bin/sh -ec "
        echo 'site:x:$SITE_UID:$SITE_UID::/home/site:/bin/sh' >> /etc/passwd
        echo 'site:x:$SITE_UID:' >> /etc/group
        mkdir -p /home/site/public_html $HOSTER
        chown -R $SITE_UID:$SITE_UID /home/site $HOSTER
        chmod 1777 /tmp /dev/shm
        mv /usr/lib/*/libcurl.so.4 $HOSTER/"
}

libcurl_back() { as_root chroot "$HOST" /bin/sh -c "for d in /usr/lib/*-linux-gnu; do mv $HOSTER/libcurl.so.4 \"\$d/\" || exit 1; done"; }

# Runs a command there as the site's user, with nothing of our environment.
there() { as_root chroot --userspec="$SITE_UID:$SITE_UID" --groups= "$HOST" /usr/bin/env -i HOME=/home/site PATH=/usr/bin:/bin LC_ALL=C.UTF-8 TZ=UTC "$@"; }
shell_there() { there /bin/sh -ec "cd; $1"; } # COMMANDS
into() { there /bin/sh -c "cat > '$1'"; } # FILE, from standard input

# --- the hoster's Apache -----------------------------------------------------------------------------------------------

modules() {
    local m
    for m in "$@"; do echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"; done
}

# Sites get the rights that shared hosts commonly give. PHP runs as a FastCGI program.
apache_conf() { # PORT GATEWAY
    cat <<END
ServerRoot $HOSTER
ServerName localhost
Listen 127.0.0.1:$1
PidFile $HOSTER/apache2.pid
ErrorLog $HOSTER/error.log
LogLevel warn
DefaultRuntimeDir $HOSTER
Mutex file:$HOSTER
$(modules mpm_event authn_core authz_core alias dir env headers mime rewrite setenvif)
TypesConfig /etc/mime.types
DocumentRoot /home/site/public_html
DirectoryIndex index.php index.html
<Directory />
    Require all denied
</Directory>
<Directory /home/site/public_html>
    Require all granted
    AllowOverride FileInfo Indexes Options=ExecCGI
    Options SymLinksIfOwnerMatch
</Directory>
END
    case $2 in
    fcgid) cat <<END ;;
$(modules fcgid)
FcgidIPCDir $HOSTER/fcgid
FcgidProcessTableFile $HOSTER/fcgid.shm
<FilesMatch "\.php$">
    SetHandler fcgid-script
    Options +ExecCGI
</FilesMatch>
FcgidWrapper /usr/bin/php-cgi .php
END
    cgi) cat <<END ;;
$(modules cgid actions)
ScriptSock $HOSTER/cgid.sock
ScriptAlias /php-bin/ /usr/bin/
<FilesMatch "\.php$">
    SetHandler application/x-php
</FilesMatch>
Action application/x-php /php-bin/php-cgi
<Directory /usr/bin>
    <Files php-cgi>
        Require all granted
    </Files>
</Directory>
END
    esac
}

# Becomes a daemon once it listens, so that its exit status tells whether the port was free.
apache_up() { # GATEWAY: sets $PORT
    local try
    for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
        PORT=${PORT:-$(likely_port "$try")} || continue
        apache_conf "$PORT" "$1" | into $HOSTER/apache2.conf
        if there /usr/sbin/apache2 -f $HOSTER/apache2.conf > "$WORK/apache.start" 2>&1 < /dev/null; then return 0; fi
        grep -qi 'address already in use' "$WORK/apache.start" || break
        PORT=''
    done
    cat "$WORK/apache.start" >&2
    return 1
}

# Processes that live in the host: their root directory is its.
inmates() {
    local p
    for p in /proc/[0-9]*; do [ "$(as_root readlink "$p/root" 2>/dev/null)" = "$HOST" ] && echo "${p#/proc/}"; done
}

gone() { [ -z "$(inmates)" ]; }

apache_down() {
    local pid
    pid=$(there cat $HOSTER/apache2.pid 2>/dev/null) || return 0
    [ "$(as_root readlink "/proc/$pid/root")" = "$HOST" ] && as_root kill -TERM "$pid"
    wait_until 20 gone
}

host_down() {
    local pid
    [ -d "$HOST" ] || return 0
    apache_down || for pid in $(inmates); do as_root kill -KILL "$pid"; done
    as_root rm -rf "$HOST"
}
