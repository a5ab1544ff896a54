#!/bin/sh
# What Apache's mod_fcgid starts: latchkey with its configuration. It starts as many as it needs, on a socket of its own, so
# that each is one worker and none makes sockets.
export LATCHKEY_POOL_WORKERS=1
export LATCHKEY_POOL_SIGN_IN_SOCKET=
exec /usr/local/sbin/latchkey -c /etc/latchkey/latchkey.conf
