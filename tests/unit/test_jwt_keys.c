/* Which key signs, at every edge of its time: pure. */
#include "suite.h"

#include "auth/jwt.h"

#include <string.h>

#define NOW INT64_C(1000000)
#define KEY(name, from, to) ((struct signing_key){.id = (name), .created_at = (from), .expires_at = (to)})

static const char *chosen(const struct signing_key *list, size_t n, int64_t now)
{
    const struct signing_key *k = jwt_choose(list, n, now);
    return k ? k->id : "none";
}

#define CHOSEN(want, now, ...)                                                                                      \
    CU_ASSERT_STRING_EQUAL(chosen((struct signing_key[]){__VA_ARGS__},                                              \
                                  sizeof((struct signing_key[]){__VA_ARGS__}) / sizeof(struct signing_key), (now)), \
                           (want))

static void test_newest(void)
{
    CU_ASSERT_PTR_NULL(jwt_choose(NULL, 0, NOW));
    CHOSEN("a", NOW, KEY("a", NOW, 0));
    CHOSEN("b", NOW, KEY("a", NOW - 9, 0), KEY("b", NOW - 1, 0));
    CHOSEN("b", NOW, KEY("b", NOW - 1, 0), KEY("a", NOW - 9, 0));
    CHOSEN("b", NOW, KEY("b", NOW - 1, NOW + 1), KEY("a", NOW - 9, 0)); /* its end is not there yet */
}

static void test_expired(void)
{
    CHOSEN("none", NOW, KEY("a", NOW - 9, NOW));
    CHOSEN("none", NOW, KEY("a", NOW - 9, NOW - 1));
    CHOSEN("a", NOW, KEY("a", NOW - 9, NOW + 1));
    CHOSEN("a", NOW, KEY("a", NOW - 9, 0), KEY("b", NOW - 1, NOW));
}

/* Published before it is used. */
static void test_later(void)
{
    CHOSEN("a", NOW, KEY("a", NOW - 9, NOW + 99), KEY("b", NOW + 1, 0));
    CHOSEN("b", NOW + 1, KEY("a", NOW - 9, NOW + 99), KEY("b", NOW + 1, 0));
    /* nothing else may sign: that of a clock that is ahead; of several the one that is to be first */
    CHOSEN("b", NOW, KEY("a", NOW - 9, NOW), KEY("b", NOW + 1, 0));
    CHOSEN("b", NOW, KEY("c", NOW + 2, 0), KEY("b", NOW + 1, 0));
    CHOSEN("b", NOW, KEY("b", NOW + 1, 0), KEY("c", NOW + 2, 0));
}

/* Of two keys of one instant the one that has no end took over. */
static void test_same_instant(void)
{
    CHOSEN("b", NOW, KEY("a", NOW, NOW + 99), KEY("b", NOW, 0));
    CHOSEN("b", NOW, KEY("b", NOW, 0), KEY("a", NOW, NOW + 99));
    CHOSEN("b", NOW, KEY("a", NOW, NOW + 98), KEY("b", NOW, NOW + 99));
    CHOSEN("b", NOW, KEY("b", NOW, NOW + 99), KEY("a", NOW, NOW + 98));
}

static void test_states(void)
{
    const struct signing_key list[] = {KEY("gone", NOW - 99, NOW), KEY("goes", NOW - 9, NOW + 1), KEY("signs", NOW, 0),
                                       KEY("next", NOW + 1, 0)};
    static const enum jwt_state want[] = {JWT_EXPIRED, JWT_GOES, JWT_SIGNS, JWT_NEXT};

    for (size_t i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(jwt_state(list, 4, &list[i], NOW), want[i]);
}

/* A key that another takes over from outlives every JWT it signed, by far. */
static void test_lengths(void)
{
    struct cfg cfg = {.jwt_expires_in = 15 * CLOCK_MINUTE};
    struct auth au = {.cfg = &cfg, .now = INT64_C(1795424400999)};
    int64_t issued, expires;

    CU_ASSERT(JWT_GOING > 15 * CLOCK_MINUTE + JWT_KNOWN + CLOCK_MINUTE);
    jwt_times(&au, &issued, &expires);
    CU_ASSERT_EQUAL(issued, 1795424400);
    CU_ASSERT_EQUAL(expires, 1795424400 + 900);
}

static CU_TestInfo tests[] = {
    {"the newest signs", test_newest},
    {"none past its end", test_expired},
    {"none before its time", test_later},
    {"of the same instant", test_same_instant},
    {"states", test_states},
    {"lengths", test_lengths},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN("jwt keys", tests)
