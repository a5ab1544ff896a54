/* The transport as honest web servers use it: roles, splits, kept connections, sizes, peers, many requests. */
#include "fcgi_peer.h"

enum { DEADLINE_MS = 20000 }; /* not what is tested here */

static void test_plain(void)
{
    struct server s = server_start(DEADLINE_MS);
    int fd = dial(&s);

    begin(RESPONDER, false);
    params(NULL, NULL, true);
    body("hello", 5);
    send_all(fd);
    receive(fd);
    expect("role=RESPONDER method=POST body=5 gone=0");
    server_end(&s);
}

static void test_split_records(void)
{
    struct server s = server_start(DEADLINE_MS);
    int fd = dial(&s);

    begin(RESPONDER, false);
    params("LONG", "value", true);
    body("hello", 5);
    for (size_t i = 0; i < out.n; i++) {
        CU_ASSERT_EQUAL(send(fd, out.b + i, 1, MSG_NOSIGNAL), 1);
        if (i % 8 == 0)
            poll(NULL, 0, 1);
    }
    receive(fd);
    expect("method=POST body=5 gone=0");
    server_end(&s);
}

static void test_keep_conn(void)
{
    struct server s = server_start(DEADLINE_MS);

    for (int i = 0; i < 20; i++) {
        int fd = dial(&s);
        begin(RESPONDER, true);
        params(NULL, NULL, true);
        body("abc", 3);
        send_all(fd);
        receive(fd); /* to the end of the connection: it is closed all the same */
        expect("body=3 gone=0");
    }
    int fds = number_after("fds=");
    ask(&s, NULL, NULL);
    CU_ASSERT_EQUAL(number_after("fds="), fds);
    server_end(&s);
}

static void test_get_values(void)
{
    struct server s = server_start(DEADLINE_MS);
    unsigned char b[100];
    int fd = dial(&s);

    size_t n = pair(b, "FCGI_MAX_CONNS", "");
    n += pair(b + n, "FCGI_MPXS_CONNS", "");
    out.n = 0;
    record(GET_VALUES, b, n, 0);
    send_all(fd); /* libfcgi answers when the next bytes arrive */
    begin(RESPONDER, false);
    params(NULL, NULL, true);
    body("", 0);
    send_all(fd);
    receive(fd);
    expect("method=POST");
    CU_ASSERT_TRUE(in.values);
    server_end(&s);
}

static void test_roles(void)
{
    struct server s = server_start(DEADLINE_MS);
    int fd = dial(&s);

    begin(AUTHORIZER, false);
    params(NULL, NULL, true); /* and no STDIN at all, as lighttpd has it */
    send_all(fd);
    receive(fd);
    expect("role=AUTHORIZER");
    fd = dial(&s);
    begin(FILTER, false);
    params("FCGI_ROLE", "RESPONDER", true);
    send_all(fd);
    receive(fd);
    expect("role=FILTER");
    server_end(&s);
}

/* The answer arrives whole though the server never looked at the body. */
static void test_body_not_read(void)
{
    struct server s = server_start(DEADLINE_MS);
    static char much[100000];

    for (int i = 0; i < 20; i++) {
        int fd = dial(&s);
        begin(RESPONDER, false);
        params("NOREAD", "1", true);
        body(much, sizeof much);
        send_all(fd);
        receive(fd);
        expect("body=0 gone=0");
    }
    server_end(&s);
}

static void test_large_answer(void)
{
    struct server s = server_start(DEADLINE_MS);

    ask(&s, "BIG", "300000");
    expect("gone=0");
    CU_ASSERT_TRUE(in.n > 300000);
    server_end(&s);
}

static void test_thousand_requests(void)
{
    struct server s = server_start(DEADLINE_MS);

    ask(&s, NULL, NULL);
    int fds = number_after("fds=");
    CU_ASSERT_TRUE(fds > 0);
    for (int i = 0; i < 1000; i++) {
        int fd = dial(&s);
        begin(RESPONDER, i % 3 == 0);
        params(NULL, NULL, i % 10 != 0);
        if (i % 10 != 0)
            body("hello", 5);
        send_all(fd);
        if (i % 10 == 0)
            shutdown(fd, SHUT_WR);
        receive(fd);
        CU_ASSERT_EQUAL(in.ended, i % 10 != 0);
    }
    ask(&s, NULL, NULL);
    expect("gone=100");
    CU_ASSERT_EQUAL(number_after("fds="), fds);
    server_end(&s);
}

/* Several processes on one listening socket: each connection is served once, nobody blocks in accept. */
static void test_herd(void)
{
    struct server s = server_start(DEADLINE_MS), more[3];

    for (int i = 0; i < 3; i++) {
        more[i] = s;
        server_fork(&more[i], DEADLINE_MS, "127.0.0.1");
    }
    for (int i = 0; i < 200; i++) {
        ask(&s, NULL, NULL);
        expect("gone=0");
    }
    for (int i = 0; i < 3; i++) {
        int status = 0;
        kill(more[i].pid, SIGTERM);
        waitpid(more[i].pid, &status, 0);
        CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    server_end(&s);
}

static void tcp_case(const char *peer, bool served)
{
    struct server s = {.fd = -1};
    struct sockaddr_in at = {0};
    socklen_t len = sizeof at;

    CU_ASSERT_EQUAL_FATAL(fcgi_listen("127.0.0.1:0", "", 16, &s.fd), ERR_OK);
    getsockname(s.fd, (struct sockaddr *)&at, &len);
    server_fork(&s, DEADLINE_MS, peer);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    begin(RESPONDER, false);
    params(NULL, NULL, true);
    body("", 0);
    send_all(fd);
    receive(fd);
    CU_ASSERT_TRUE(in.eof);
    CU_ASSERT_EQUAL(in.ended, served);
    server_end(&s);
}

static void test_tcp_peers(void)
{
    tcp_case("127.0.0.1", true);
    tcp_case("::ffff:127.0.0.1", true);
    tcp_case("127.0.0.2", false);
}

static void test_tcp_networks(void)
{
    tcp_case("127.0.0.0/8", true);
    tcp_case("10.0.0.0/8", false);
    tcp_case("localhost", false); /* names are never resolved */
}

static CU_TestInfo tests[] = {
    {"plain", test_plain},
    {"split records", test_split_records},
    {"keep conn", test_keep_conn},
    {"get values", test_get_values},
    {"roles", test_roles},
    {"body not read", test_body_not_read},
    {"large answer", test_large_answer},
    {"thousand requests", test_thousand_requests},
    {"herd", test_herd},
    {"tcp peers", test_tcp_peers},
    {"tcp networks", test_tcp_networks},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("fcgi", tests)
