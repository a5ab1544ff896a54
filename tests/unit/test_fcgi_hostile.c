/* The transport against peers that stop, stall, abort or send nonsense: nobody holds the server longer than the
 * deadline, and half a request is never served. */
#include "fcgi_peer.h"

/* Short deadlines cut a process that does not get the processor as well, and nothing that is bounded from above can be
 * waited for: such a round may be tried again, and one of them must be good. */
static void in_a_round(bool (*round)(void))
{
    bool good = false;

    for (int i = 0; i < 5 && !good; i++)
        good = round();
    CU_ASSERT_TRUE(good);
}

static bool served(const char *text)
{
    return in.eof && in.ended && strstr(in.text, text);
}

/* Asks while the server is stopped: when it accepts, all has arrived. */
static void ask_whole(const struct server *s)
{
    int status;

    kill(s->pid, SIGSTOP);
    waitpid(s->pid, &status, WUNTRACED);
    int fd = dial(s);
    begin(RESPONDER, false);
    params(NULL, NULL, true);
    body("", 0);
    send_all(fd);
    kill(s->pid, SIGCONT);
    receive(fd);
}

static void test_close_in_params(void)
{
    struct server s = server_start(20000);

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
    struct server s = server_start(20000);

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
    struct server s = server_start(20000);
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
static bool trickle_round(void)
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
    CU_ASSERT_TRUE(in_params >= 250);

    begin(RESPONDER, false);
    record(PARAMS, "", 0, 0);
    record(STDIN, text, sizeof text, 0);
    int64_t in_body = trickle(&s);
    CU_ASSERT_TRUE(in_body >= 250);
    ask_whole(&s);
    bool good = served("gone=2") && in_params < 900 && in_body < 900;
    server_end(&s);
    return good;
}

static void test_trickle(void)
{
    in_a_round(trickle_round);
}

static bool answer_not_taken_round(void)
{
    struct server s = server_start(300);
    int fd = dial(&s);

    begin(RESPONDER, false);
    params("BIG", "3000000", true);
    body("", 0);
    send_all(fd);
    int64_t start = clock_steady();
    ask_whole(&s); /* served as soon as the first one is given up */
    bool good = served("gone=1") && clock_steady() - start < 900;
    close(fd);
    server_end(&s);
    return good;
}

static void test_answer_not_taken(void)
{
    in_a_round(answer_not_taken_round);
}

/* A peer that takes its answer but never closes holds the server for the linger time or the deadline at most. */
static bool peer_does_not_close_round(void)
{
    struct server s = server_start(300);
    int fd = dial(&s);

    begin(RESPONDER, true);
    params("NOREAD", "1", true);
    send_all(fd);
    int64_t start = clock_steady();
    ask_whole(&s);
    bool good = served("gone=0") && clock_steady() - start < 900;
    close(fd);
    server_end(&s);
    return good;
}

static void test_peer_does_not_close(void)
{
    in_a_round(peer_does_not_close_round);
}

static bool late_alarm_round(void)
{
    struct server s = server_start(100);
    bool good = true;

    for (int i = 0; i < 3; i++) {
        ask_whole(&s);
        good = served("gone=0") && good;
        poll(NULL, 0, 180);
    }
    server_end(&s);
    return good;
}

static void test_late_alarm_while_idle(void)
{
    in_a_round(late_alarm_round);
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
        CU_ASSERT_TRUE(clock_steady() - start < 4000);
        kill(s.pid, SIGKILL);
        waitpid(s.pid, &status, 0);
        close(s.fd);
        unlink(s.path);
    }
}

static bool garbage_round(void)
{
    struct server s = server_start(500);
    bool good = true;
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
        good = clock_steady() - start < 1000 && good;
    }
    ask_whole(&s);
    good = served("gone=4") && good;
    server_end(&s);
    return good;
}

static void test_garbage(void)
{
    in_a_round(garbage_round);
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
