#!/bin/sh
# conf/latchkey.conf must be what the table of settings prints, both ways: nothing may stand only in one of them.
set -u
sample=$top_srcdir/conf/latchkey.conf
[ -s "$sample" ] || { echo "no $sample"; echo "0 passed, 1 failed"; exit 1; }
# the sample shows the standard directories; a build for another prefix has its own
norm() { sed -E 's#[^ ]*/lib/latchkey#STATE#; s#[^ ]*/run/latchkey#RUN#'; }
"$top_builddir/latchkeyctl" print config | norm > sample-conf.made || exit 1
norm < "$sample" > sample-conf.ours
if diff -u sample-conf.ours sample-conf.made; then
    rm -f sample-conf.made sample-conf.ours
    echo "1 passed, 0 failed"
else
    echo "conf/latchkey.conf differs from the table of settings: make sample"
    echo "0 passed, 1 failed"
    exit 1
fi
