#!/bin/bash
# Looks at a gated site from outside, as a browser would, with a user that it makes. One line for each check; exit status 0
# if none failed.
#
# usage: gate-test.sh BASE [PATH]
#   BASE  the site, e.g. https://www.example.org
#   PATH  a page that the gate guards (/protected/). It must print what the web server hands to it as NAME=VALUE lines, and
#         BODY_LEN= and BODY_MD5= of the request's body.
# environment:
#   AUTH          where latchkey is (/auth)
#   COOKIE        name of the session cookie (latchkey.session_token)
#   CA_FILE       the authority that made the site's certificate, if the system does not know it
#   EXPECT_EMAIL  0 if only the user is handed to the page, not id, address, name and session
#   TMO           seconds that an answer may take (4; 10 for latchkey's own)
set -u
export LC_ALL=C
BASE=${1:?the address of the site}
PAGE=${2:-/protected/}
AUTH=${AUTH:-/auth}
COOKIE=${COOKIE:-latchkey.session_token}
ORIGIN=$(sed -E 's#^(https?://[^/]+).*#\1#' <<< "$BASE")
EMAIL=gate-$RANDOM$RANDOM@example.com
PASSWORD=gate-password-1
PASSED=0
FAILED=0
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
# Over HTTP/2 some servers end the stream of a body that they need not read, which curl takes for an error.
CURL=(curl -q -s --http1.1)
[ -z "${CA_FILE:-}" ] || CURL+=(--cacert "$CA_FILE")

ok() { PASSED=$((PASSED + 1)); echo "ok   $1"; }
no() { FAILED=$((FAILED + 1)); echo "FAIL $1"; }
note() { echo "note $1"; }
finish() { echo "passed $PASSED failed $FAILED"; [ "$FAILED" -eq 0 ]; exit; }

# check TEXT DETAIL COMMAND...: the check TEXT holds if COMMAND succeeds.
check() {
    local text=$1 detail=$2
    shift 2
    if "$@"; then ok "$text${detail:+ ($detail)}"; else no "$text: $detail"; fi
}

# --- requests: the answer's body in $T/body, its head in $T/head, its status in STATUS -------------------------------------

get() { # curl-arguments...
    : > "$T/body"
    : > "$T/head"
    STATUS=$("${CURL[@]}" --max-time "${TMO:-4}" -o "$T/body" -D "$T/head" -w '%{http_code}' "$@")
    tr -d '\r' < "$T/head" > "$T/fields"
}
page() { get "$@" "$BASE$PAGE"; }
page_with() { local cookie=$1; shift; page -H "Cookie: $cookie" "$@"; }
post_json() { # PATH JSON curl-arguments...
    local path=$1 json=$2
    shift 2
    TMO=${TMO:-10} get -X POST -H "Origin: $ORIGIN" -H 'Content-Type: application/json' -d "$json" "$@" "$BASE$AUTH$path"
}
octets() { page_with "$COOKIE=$TOKEN" -X POST -H 'Expect:' -H 'Content-Type: application/octet-stream' "$@"; }

# --- what an answer is -------------------------------------------------------------------------------------------------------

has_page() { grep -aqE '^(BODY_MD5|SCRIPT_FILENAME|GATEWAY_INTERFACE|APP)=' "$T/body"; }
blocked() { [[ $STATUS =~ ^(401|403|302|303|307)$ ]] && ! has_page; }
served() { [ "$STATUS" = 200 ] && has_page; }
served_whole() { # LENGTH MD5
    served && grep -qa "^BODY_LEN=$1\$" "$T/body" && grep -qa "^BODY_MD5=$2\$" "$T/body"
}
# Names of the variables of the page whose value is this, without the client's own cookie.
variables_with() { awk -v value="=$1" 'substr($0, index($0, "=")) == value { print substr($0, 1, index($0, "=") - 1) }' "$T/body" | grep -v COOKIE | tr '\n' ' '; }
has_value() { [ -n "$(variables_with "$1")" ]; }
what_is_blocked() { echo "$STATUS$(sed -n 's/^[Ll]ocation: / to /p' "$T/fields")$(has_page && echo ', the page is there')"; }
# The random part of the token: what may be nowhere but in the cookie.
shows_token() { grep -aqF "${TOKEN%%.*}" "$@"; }

# --- the checks --------------------------------------------------------------------------------------------------------------

# Names that an application might take an identity from, in the spellings that a web server may fold together.
SPOOF=()
for field in 'X-Auth-User: mallory' 'X-Auth-Uid: 666mallory' 'X-Auth-Email: mallory@evil' 'X-Auth-Sid: mallorysid' \
    'X-Auth-User-Id: 666mallory' 'X-Auth-Name: mallory' 'X-Auth-Session-Id: mallorysid' \
    'Remote-User: mallory' 'X-Remote-User: mallory' 'X-Forwarded-User: mallory' 'REMOTE_USER: mallory' 'X_Remote_User: mallory' \
    'X_Auth_User: mallory' 'X_Auth_Uid: 666mallory' 'X_Auth_Sid: mallorysid' 'X-Auth_Email: mallory@evil' 'X_Auth-Uid: 666mallory' \
    'X_Auth_User_Id: 666mallory' 'X_Auth_Name: mallory' 'X_Auth-Name: mallory' 'X_Auth_Session_Id: mallorysid' \
    'Auth-User-Id: 666mallory' 'Auth-Email: mallory@evil' 'Auth-Sid: mallorysid' 'Auth-Name: mallory' 'Auth-Session-Id: mallorysid' \
    'AUTH_USER_ID: 666mallory' 'AUTH_EMAIL: mallory@evil' 'AUTH_SESSION_ID: mallorysid' 'X.Auth.User: mallory' \
    'Variable-REMOTE_USER: mallory' 'Variable-AUTH_USER_ID: 666mallory' 'Variable_AUTH_EMAIL: mallory@evil' \
    'Proxy: http://mallory/'; do
    SPOOF+=(-H "$field")
done

nobody() {
    local bad
    page
    check "no cookie is blocked" "$(what_is_blocked)" blocked
    check "who is blocked gets no cookie" "$(grep -ai '^set-cookie' "$T/fields")" not grep -qi '^set-cookie' "$T/fields"
    for bad in "$COOKIE=nosuchtoken0000" "$COOKIE=" "$COOKIE=../../etc/passwd" "x=$COOKIE=1" "$COOKIE"; do
        page_with "$bad"
        check "the cookie '$bad' is blocked" "$(what_is_blocked)" blocked
    done
    page "${SPOOF[@]}"
    check "made-up identities without a cookie are blocked" "$(what_is_blocked)" blocked
}
not() { ! "$@"; }

sign_in() {
    post_json /sign-up/email "{\"name\":\"Gate\",\"email\":\"$EMAIL\",\"password\":\"$PASSWORD\"}"
    TOKEN=$(sed -n "s/^[Ss]et-[Cc]ookie: $COOKIE=\([^;]*\).*/\1/p" "$T/fields" | head -n 1)
    if [ -z "$TOKEN" ]; then
        no "signing up sets no cookie $COOKIE: $STATUS"
        finish
    fi
    ok "signing up sets a cookie"
    TMO=${TMO:-10} get -H "Cookie: $COOKIE=$TOKEN" "$BASE$AUTH/session"
    USER_ID=$(sed -E 's/.*"userId": *"([^"]*)".*/\1/' "$T/body")
    SESSION_ID=$(sed -E 's/.*"session": *\{[^}]*"id": *"([^"]*)".*/\1/' "$T/body")
}

identity() {
    local leaked
    page_with "$COOKIE=$TOKEN"
    check "a session is served" "$STATUS" served
    check "the user is handed to the page" "$(variables_with "$EMAIL")" has_value "$EMAIL"
    if [ "${EXPECT_EMAIL:-1}" = 1 ]; then
        check "the id is handed to the page" "$(variables_with "$USER_ID")" has_value "$USER_ID"
        check "the address is handed to the page" "$(variables_with "$EMAIL")" has_value "$EMAIL"
        check "the session's id is handed to the page" "$(variables_with "$SESSION_ID")" has_value "$SESSION_ID"
        check "the name is handed to the page" "$(variables_with Gate)" has_value Gate
    fi
    check "no token in the head of the page" "" not shows_token "$T/head"
    leaked=$(grep -aiE '^(variable-|remote[-_]user|x-auth|auth_|auth-)' "$T/fields" | tr '\n' ' ')
    check "the browser is not told what is handed to the page" "$leaked" test -z "$leaked"
    page -H 'Cookie: a=1' -H "Cookie: $COOKIE=$TOKEN"
    check "two Cookie lines are accepted" "$STATUS" served
    page_with "$COOKIE=${TOKEN/./x.}"
    check "a token with a letter more is blocked" "$(what_is_blocked)" blocked
    page_with "$COOKIE=${TOKEN%%.*}"
    check "a token without its signature is blocked" "$(what_is_blocked)" blocked
}

spoofing() {
    local seen
    page_with "$COOKIE=$TOKEN" "${SPOOF[@]}"
    if ! served; then
        no "a session with made-up identities: $STATUS"
        return
    fi
    seen=$(grep -a mallory "$T/body" | cut -d= -f1 | tr '\n' ' ')
    check "no made-up identity reaches the page" "$seen" test -z "$seen"
    check "the identity is still the session's" "$(variables_with "$EMAIL")" has_value "$EMAIL"
}

bodies() {
    local n sum
    for n in 0 10 100000 1500000; do
        head -c "$n" /dev/urandom > "$T/sent"
        sum=$(md5sum < "$T/sent" | cut -d' ' -f1)
        octets --data-binary "@$T/sent"
        check "POST of $n bytes arrives whole" "$STATUS $(grep -a ^BODY_ "$T/body" | tr '\n' ' ')" served_whole "$n" "$sum"
    done
    head -c 50000 /dev/urandom > "$T/sent"
    sum=$(md5sum < "$T/sent" | cut -d' ' -f1)
    octets -H 'Transfer-Encoding: chunked' --data-binary "@$T/sent"
    case $STATUS in
    411 | 501) note "a chunked POST is refused ($STATUS)" ;;
    *) check "a chunked POST arrives whole" "$STATUS $(grep -a ^BODY_ "$T/body" | tr '\n' ' ')" served_whole 50000 "$sum" ;;
    esac
    # small: lighttpd closes a TLS connection whose body is still coming, and curl then sees no answer
    head -c 10 "$T/sent" > "$T/few"
    page -X POST --data-binary "@$T/few"
    check "POST without a cookie is blocked" "$(what_is_blocked)" blocked
}

# The body of an answer to HEAD, if there is one, is not read by curl -I: size_download counts it.
methods() {
    local size
    STATUS=$("${CURL[@]}" --max-time "${TMO:-4}" -I -o "$T/fields" -w '%{http_code} %{size_download}' -H "Cookie: $COOKIE=$TOKEN" "$BASE$PAGE")
    read -r STATUS size <<< "$STATUS"
    check "HEAD is served, without a body" "$STATUS, $size bytes" test "$STATUS $size" = "200 0"
    page -I
    check "HEAD without a cookie is blocked" "$(what_is_blocked)" blocked
    page -X OPTIONS
    if blocked; then ok "OPTIONS without a cookie is blocked ($STATUS)"
    elif has_page; then no "OPTIONS without a cookie: $(what_is_blocked)"
    else note "OPTIONS without a cookie: $STATUS"; fi
}

signing_out() {
    post_json /sign-out '{}' -H "Cookie: $COOKIE=$TOKEN"
    page_with "$COOKIE=$TOKEN"
    check "after signing out the next request is blocked" "$(what_is_blocked)" blocked
}

nobody
sign_in
identity
spoofing
bodies
methods
signing_out
finish
