/* The transport against peers that stop, stall, abort or send nonsense: nobody holds the server longer than the
 * deadline, and half a request is never served. */
#include "fcgi_peer.h"

static void test_close_in_params(void)
{
    struct server s = server_start(2000);

    for (int cut = 0; cut < 3; cut++) { /* at a pair's boundary, inside a pair, inside a header */
        int fd = dial(&s);
        begin(RESPONDER, false);
        params(NULL, NULL, false);
        out.n -= cut == 0 ? 0 : cut == 1 ? 8 : 50;
        send_all(fd);
        shutdown(fd, SHUT_WR);
        receive(fd);
        CU_ASSERT_TRUE(in.eof);
        CU_ASSERT_EQUAL(in.n, 0);
    }
    ask(&s, NULL, NULL);
    expect("gone=3");
    server_end(&s);
}

static void test_abort(void)
{
    struct server s = server_start(2000);

    for (int where = 0; where < 2; where++) {
        int fd = dial(&s);
        begin(RESPONDER, false);
        params(NULL, NULL, where == 1);
        if (where == 1)
            record(STDIN, "hel", 3, 0);
        record(ABORT, "", 0, 0);
        send_all(fd);
        shutdown(fd, SHUT_WR);
        receive(fd);
        CU_ASSERT_TRUE(in.eof);
        CU_ASSERT_EQUAL(in.n, 0);
    }
    ask(&s, NULL, NULL);
    expect("gone=2");
    server_end(&s);
}

static void test_close_in_body(void)
{
    struct server s = server_start(2000);
    int fd = dial(&s);

    begin(RESPONDER, false);
    params("CONTENT_LENGTH", "100", true);
    record(STDIN, "only this", 9, 0);
    send_all(fd);
    shutdown(fd, SHUT_WR);
    receive(fd);
    CU_ASSERT_TRUE(in.eof);
    CU_ASSERT_EQUAL(in.n, 0);
    ask(&s, NULL, NULL);
    expect("gone=1");
    server_end(&s);
}

/* Sends what is in `out` a byte at a time, for as long as the server takes it: ms until it was closed. */
static int64_t trickle(const struct server *s)
{
    int64_t start = clock_steady();
    int fd = dial(s);

    for (size_t i = 0; i < out.n && clock_steady() - start < 5000; i++) {
        if (send(fd, out.b + i, 1, MSG_NOSIGNAL) != 1)
            break;
        poll(NULL, 0, 20);
    }
    int64_t took = clock_steady() - start;
    receive(fd);
    CU_ASSERT_TRUE(in.eof);
    CU_ASSERT_EQUAL(in.n, 0);
    return took;
}

/* A third of the time is for arriving. */
static void test_trickle(void)
{
    struct server s = server_start(900);
    char text[500];

    memset(text, 'a', sizeof text);
    begin(RESPONDER, false);
    unsigned char b[600];
    size_t n = pair(b, "REQUEST_METHOD", "POST");
    for (int i = 0; i < 20; i++)
        n += pair(b + n, "A", "b");
    record(PARAMS, b, n, 0);
    int64_t in_params = trickle(&s);
    CU_ASSERT_TRUE(in_params >= 250 && in_params < 900);

    begin(RESPONDER, false);
    record(PARAMS, "", 0, 0);
    record(STDIN, text, sizeof text, 0);
    int64_t in_body = trickle(&s);
    CU_ASSERT_TRUE(in_body >= 250 && in_body < 900);
    ask(&s, NULL, NULL);
    expect("gone=2");
    server_end(&s);
}

static void test_answer_not_taken(void)
{
    struct server s = server_start(300);
    int fd = dial(&s);

    begin(RESPONDER, false);
    params("BIG", "3000000", true);
    body("", 0);
    send_all(fd);
    int64_t start = clock_steady();
    ask(&s, NULL, NULL); /* served as soon as the first one is given up */
    expect("gone=1");
    CU_ASSERT_TRUE(clock_steady() - start < 900);
    close(fd);
    server_end(&s);
}

/* A peer that takes its answer but never closes holds the server for the linger time or the deadline at most. */
static void test_peer_does_not_close(void)
{
    struct server s = server_start(300);
    int fd = dial(&s);

    begin(RESPONDER, true);
    params("NOREAD", "1", true);
    send_all(fd);
    int64_t start = clock_steady();
    ask(&s, NULL, NULL);
    expect("gone=0");
    CU_ASSERT_TRUE(clock_steady() - start < 900);
    close(fd);
    server_end(&s);
}

static void test_late_alarm_while_idle(void)
{
    struct server s = server_start(100);

    for (int i = 0; i < 3; i++) {
        ask(&s, NULL, NULL);
        expect("gone=0");
        poll(NULL, 0, 180);
    }
    server_end(&s);
}

/* libfcgi may abort on these; it must not hang, and nobody else may be served a mixture. */
static void test_huge_lengths(void)
{
    static const unsigned char huge[][8] = {
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
        {0xc0, 0, 0, 0, 0xc0, 0, 0, 0},
        {0x80, 0, 0, 14, 0xff, 0xff, 0xff, 0xf0},
    };

    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        quiet = true;
        struct server s = server_start(500);
        quiet = false;
        int fd = dial(&s), status;
        int64_t start = clock_steady();
        begin(RESPONDER, false);
        record(PARAMS, huge[i], sizeof huge[i], 0);
        send_all(fd);
        receive(fd);
        CU_ASSERT_TRUE(in.eof);
        CU_ASSERT_EQUAL(in.n, 0);
        CU_ASSERT_TRUE(clock_steady() - start < 2000);
        kill(s.pid, SIGKILL);
        waitpid(s.pid, &status, 0);
        close(s.fd);
        unlink(s.path);
    }
}

static void test_garbage(void)
{
    struct server s = server_start(500);
    static const char *const junk[] = {"GET / HTTP/1.0\r\n\r\n", "\2\1\0\1\0\10\0\0aaaaaaaa", "\1\5\0\1\0\1\0\0x",
                                       "\1\1\0\1\0\10\0\0\0\7\0\0\0\0\0\0"};
    static const size_t size[] = {18, 16, 9, 16};

    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        int fd = dial(&s);
        int64_t start = clock_steady();
        out.n = 0;
        put(junk[i], size[i]);
        send_all(fd);
        receive(fd);
        CU_ASSERT_TRUE(in.eof);
        CU_ASSERT_EQUAL(in.n, 0);
        CU_ASSERT_TRUE(clock_steady() - start < 1000);
    }
    ask(&s, NULL, NULL);
    expect("gone=4");
    server_end(&s);
}

static CU_TestInfo tests[] = {
    {"close in params", test_close_in_params},
    {"abort", test_abort},
    {"close in body", test_close_in_body},
    {"trickle", test_trickle},
    {"answer not taken", test_answer_not_taken},
    {"peer does not close", test_peer_does_not_close},
    {"late alarm while idle", test_late_alarm_while_idle},
    {"huge lengths", test_huge_lengths},
    {"garbage", test_garbage},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("fcgi_hostile", tests)
