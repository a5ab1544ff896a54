/* What is allowed of tries with a password: so many in a time, pauses that grow, and what an address counts as. Pure.
 */
#include "auth/throttle.h"

#include "suite.h"

#define T0 INT64_C(1800000000000)

static struct arena *arena;

/* --- so many in a time ---------------------------------------------------------------------------------------------
 */

/* Asks once a millisecond for that long, or n times at once (ms 0); how many were allowed. */
static int64_t asked(const struct cfg_rate *r, struct limit *l, int64_t from, int64_t ms, int64_t n)
{
    int64_t wait, good = 0;

    for (int64_t i = 0; i < (ms ? ms : n); i++)
        good += throttle_rate(r, from + (ms ? i : 0), l, &wait);
    return good;
}

/* Exactly N at once, whatever remains of the division; none more before the first of them is over. */
static void exactly_n_at_once(void)
{
    static const struct cfg_rate rates[] = {{1, 1000},
                                            {3, 10000},
                                            {7, 10000},
                                            {600, 1000},
                                            {999, 1000},
                                            {1000, 1000},
                                            {100, 600000},
                                            {60, CLOCK_HOUR},
                                            {60001, 60 * CLOCK_MINUTE},
                                            {1000000, 1000 * 1500}};

    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const struct cfg_rate *r = &rates[i];
        struct limit l = {.tries = 0};
        CU_ASSERT_EQUAL(asked(r, &l, T0, 0, r->n + 100), r->n);
        CU_ASSERT_EQUAL(l.tries, r->n);
        CU_ASSERT_EQUAL(asked(r, &l, T0 + r->per / r->n - 1, 0, 100), 0);
    }
}

/* One each Nth part afterwards, and in no second stretch of the same length more than N. */
static void then_one_each_nth_part(void)
{
    const struct cfg_rate r = {3, 9000};
    struct limit l = {.tries = 0};
    int64_t wait;

    CU_ASSERT_EQUAL(asked(&r, &l, T0, 0, 4), 3);
    for (int64_t i = 1; i <= 9; i++) {
        CU_ASSERT_FALSE(throttle_rate(&r, T0 + i * 3000 - 1, &l, &wait));
        CU_ASSERT_EQUAL(wait, 1);
        CU_ASSERT_TRUE(throttle_rate(&r, T0 + i * 3000, &l, &wait));
        CU_ASSERT_EQUAL(wait, 3000);
    }
    CU_ASSERT_EQUAL(asked(&r, &l, T0 + 27001, 9000, 0), 3);
    /* all of it is there again once nobody has asked for as long */
    CU_ASSERT_EQUAL(asked(&r, &l, T0 + 60000, 0, 10), 3);
    const struct cfg_rate odd = {600, 1000};
    l = (struct limit){.tries = 0};
    CU_ASSERT_EQUAL(asked(&odd, &l, T0, 0, 1000), 600);
    CU_ASSERT(asked(&odd, &l, T0 + 1, 10000, 0) <= 6000);
}

/* A refused one says when it would be allowed, and is allowed just then; it changes nothing. */
static void the_wait_is_exact(void)
{
    const struct cfg_rate r = {5, 12345};
    struct limit l = {.name = "x"}, was;
    int64_t wait, now = T0;

    for (int i = 0; i < 5; i++) {
        CU_ASSERT_TRUE(throttle_rate(&r, now, &l, &wait));
        CU_ASSERT_EQUAL(wait, i < 4 ? 0 : 2469);
    }
    for (int i = 0; i < 20; i++) {
        now += i * 37;
        was = l;
        if (throttle_rate(&r, now, &l, &wait))
            continue;
        CU_ASSERT(was.tries == l.tries && was.free_at == l.free_at && was.expires_at == l.expires_at);
        struct limit early = l;
        int64_t more;
        CU_ASSERT_FALSE(throttle_rate(&r, now + wait - 1, &early, &more));
        CU_ASSERT_EQUAL(more, 1);
        CU_ASSERT_TRUE(throttle_rate(&r, now + wait, &early, &more));
    }
}

/* It is of no use any more once all of it would be allowed again, and not before. */
static void a_rate_expires_when_it_is_full_again(void)
{
    const struct cfg_rate r = {4, 8000};
    struct limit l = {.tries = 0}, fresh = {.tries = 0};
    int64_t wait;

    CU_ASSERT_TRUE(throttle_rate(&r, T0, &l, &wait));
    CU_ASSERT_EQUAL(l.expires_at, T0 + 2000);
    CU_ASSERT_TRUE(throttle_rate(&r, T0 + 500, &l, &wait));
    CU_ASSERT_EQUAL(l.expires_at, T0 + 4000);
    struct limit kept = l;
    CU_ASSERT_EQUAL(asked(&r, &kept, l.expires_at, 0, 10), asked(&r, &fresh, l.expires_at, 0, 10));
    CU_ASSERT_EQUAL(asked(&r, &l, l.expires_at - 1, 0, 10), 3);
}

/* Whatever a clock that was wrong has written, what is allowed now is not much later than usual. */
static void a_rate_and_a_clock_that_was_wrong(void)
{
    const struct cfg_rate r = {3, 9000};
    static const int64_t ahead[] = {1, 5000, CLOCK_MINUTE, 90 * CLOCK_SECOND, CLOCK_HOUR, 5000 * CLOCK_DAY};

    for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
        struct limit l = {.tries = 0}, other = {.tries = 0};
        int64_t wait, now = T0;
        CU_ASSERT_EQUAL(asked(&r, &l, T0 + ahead[i], 0, 10), 3);
        /* stepped back: who waits as he is told gets in, again and again, at the usual pace */
        bool good = throttle_rate(&r, now, &l, &wait);
        CU_ASSERT(good || wait <= CLOCK_MINUTE + 3000);
        for (int n = 0; n < 5; n++) {
            now += wait;
            CU_ASSERT_TRUE(throttle_rate(&r, now, &l, &wait));
            CU_ASSERT_EQUAL(wait, 3000);
        }
        /* never more than usual either */
        CU_ASSERT_EQUAL(asked(&r, &l, now, 0, 10), 0);
        /* stepped ahead, it is as if the time had passed */
        CU_ASSERT_EQUAL(asked(&r, &other, T0, 0, 10), 3);
        CU_ASSERT_EQUAL(asked(&r, &other, T0 + 9000 + ahead[i], 0, 10), 3);
    }
}

/* What was written under other settings shuts nobody out for longer than these say. */
static void settings_that_change(void)
{
    const struct cfg_rate wide = {3, CLOCK_DAY}, narrow = {3, 9000};
    struct limit l = {.tries = 0};
    int64_t wait;

    CU_ASSERT_EQUAL(asked(&wide, &l, T0, 0, 10), 3);
    CU_ASSERT_TRUE(throttle_rate(&narrow, T0, &l, &wait));
    CU_ASSERT_EQUAL(wait, 3000);
    CU_ASSERT_EQUAL(asked(&narrow, &l, T0 + 9000, 0, 10), 3);
}

/* --- pauses --------------------------------------------------------------------------------------------------------
 */

static struct cfg config(void)
{
    return (struct cfg){.limits_account = 10,
                        .limits_account_wait = CLOCK_SECOND,
                        .limits_account_wait_max = 15 * CLOCK_MINUTE,
                        .limits_account_forget = CLOCK_DAY};
}

static void ten_are_free_then_pauses_double(void)
{
    static const int64_t pauses[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900};
    struct cfg cfg = config();
    struct limit l = {.tries = 0}, was;
    int64_t wait, now = T0;

    for (int i = 1; i <= 10; i++) {
        CU_ASSERT_TRUE(throttle_pauses(&cfg, now, &l, &wait));
        CU_ASSERT_EQUAL(wait, i < 10 ? 0 : 1000);
        CU_ASSERT_EQUAL(l.tries, i);
        CU_ASSERT_EQUAL(l.expires_at, now + wait + CLOCK_DAY);
    }
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        was = l;
        CU_ASSERT_FALSE(throttle_pauses(&cfg, now, &l, &wait));
        CU_ASSERT_EQUAL(wait, pauses[i] * 1000);
        CU_ASSERT_FALSE(throttle_pauses(&cfg, now + wait - 1, &l, &wait));
        CU_ASSERT_EQUAL(wait, 1);
        CU_ASSERT(was.tries == l.tries && was.free_at == l.free_at && was.expires_at == l.expires_at);
        now = l.free_at;
        CU_ASSERT_TRUE(throttle_pauses(&cfg, now, &l, &wait));
    }
    CU_ASSERT_EQUAL(l.tries, 10 + 13);
}

static void pauses_are_forgotten(void)
{
    struct cfg cfg = config();
    struct limit l = {.tries = 0};
    int64_t wait;

    for (int i = 0; i < 10; i++)
        CU_ASSERT_TRUE(throttle_pauses(&cfg, T0, &l, &wait));
    struct limit late = l, early = l;
    CU_ASSERT_TRUE(throttle_pauses(&cfg, l.expires_at - 1, &early, &wait));
    CU_ASSERT_EQUAL(early.tries, 11);
    CU_ASSERT_EQUAL(wait, 2000);
    CU_ASSERT_TRUE(throttle_pauses(&cfg, l.expires_at, &late, &wait));
    CU_ASSERT_EQUAL(late.tries, 1);
    CU_ASSERT_EQUAL(wait, 0);
}

static void a_limit_of_one(void)
{
    struct cfg cfg = config();
    struct limit l = {.tries = 0};
    int64_t wait;

    cfg.limits_account = 1;
    CU_ASSERT_TRUE(throttle_pauses(&cfg, T0, &l, &wait));
    CU_ASSERT_EQUAL(wait, 1000);
    CU_ASSERT_FALSE(throttle_pauses(&cfg, T0 + 999, &l, &wait));
    CU_ASSERT_TRUE(throttle_pauses(&cfg, T0 + 1000, &l, &wait));
    CU_ASSERT_EQUAL(wait, 2000);
    /* a first pause that is longer than the longest: that one, always */
    cfg.limits_account_wait_max = 500;
    CU_ASSERT_TRUE(throttle_pauses(&cfg, T0 + 3000, &l, &wait));
    CU_ASSERT_EQUAL(wait, 500);
}

static void huge_counts(void)
{
    struct cfg cfg = config();
    static const int64_t tries[] = {73, 74, 1000, INT32_MAX, INT64_C(1) << 40};
    int64_t wait;

    cfg.limits_account = 1;
    cfg.limits_account_wait = CLOCK_DAY;
    cfg.limits_account_wait_max = 30 * CLOCK_DAY;
    cfg.limits_account_forget = 400 * CLOCK_DAY;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct limit l = {.tries = tries[i], .free_at = T0};
        CU_ASSERT_TRUE(throttle_pauses(&cfg, T0, &l, &wait));
        CU_ASSERT_EQUAL(wait, 30 * CLOCK_DAY);
        CU_ASSERT_EQUAL(l.tries, tries[i] + 1);
        CU_ASSERT_EQUAL(l.expires_at, T0 + 430 * CLOCK_DAY);
    }
}

static void pauses_and_a_clock_that_was_wrong(void)
{
    struct cfg cfg = config();
    static const int64_t ahead[] = {1, 5000, CLOCK_MINUTE, 5 * CLOCK_MINUTE, CLOCK_HOUR, 5000 * CLOCK_DAY};
    int64_t wait;

    for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
        struct limit few = {.tries = 0}, many = {.tries = 0};
        CU_ASSERT_TRUE(throttle_pauses(&cfg, T0 + ahead[i], &few, &wait));
        for (int n = 0; n < 12; n++)
            CU_ASSERT_TRUE(throttle_pauses(&cfg, n < 10 ? T0 + ahead[i] : many.free_at, &many, &wait));
        /* where no pause is due there is none, whatever the time was */
        CU_ASSERT_TRUE(throttle_pauses(&cfg, T0, &few, &wait));
        CU_ASSERT_EQUAL(few.tries, 2);
        CU_ASSERT_EQUAL(few.expires_at, T0 + CLOCK_DAY);
        /* where one is, it is little longer than it was to be; and what was tried is not forgotten */
        if (!throttle_pauses(&cfg, T0, &many, &wait)) {
            CU_ASSERT(wait <= 4000 + CLOCK_MINUTE);
            CU_ASSERT_TRUE(throttle_pauses(&cfg, T0 + wait, &many, &wait));
        }
        CU_ASSERT_EQUAL(many.tries, 13);
        CU_ASSERT_EQUAL(wait, 8000);
    }
}

/* --- addresses -----------------------------------------------------------------------------------------------------
 */

static void addresses(void)
{
    static const char *const blocks[][2] = {
        {"192.0.2.9", "192.0.2.9"},
        {"0.0.0.0", "0.0.0.0"},
        {"::ffff:192.0.2.9", "192.0.2.9"},
        {"::FFFF:c000:209", "192.0.2.9"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:DB8:1:2::", "2001:db8:1:2::/64"},
        {"2001:0db8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"},
        {"2001:db8:1:3::1", "2001:db8:1:3::/64"},
        {"::1", "::/64"},
        {"fe80::1", "fe80::/64"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"},
    };
    static const char *const none[] = {"",           "unknown",  "192.0.2",       "192.0.2.256", "192.0.2.9 ",
                                       " ::1",       "::1%eth0", "2001:db8::/64", "[::1]",       "localhost",
                                       "1.2.3.4:80", "::1::",    "\xff",          "192.0.2.9/32"};

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        CU_ASSERT_STRING_EQUAL(throttle_block(arena, blocks[i][0]), blocks[i][1]);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CU_ASSERT_STRING_EQUAL(throttle_block(arena, none[i]), "unknown");
}

static CU_TestInfo tests[] = {
    {"exactly N at once", exactly_n_at_once},
    {"then one each Nth part", then_one_each_nth_part},
    {"the wait is exact", the_wait_is_exact},
    {"a rate expires when it is full again", a_rate_expires_when_it_is_full_again},
    {"a rate and a clock that was wrong", a_rate_and_a_clock_that_was_wrong},
    {"settings that change", settings_that_change},
    {"ten are free, then pauses double", ten_are_free_then_pauses_double},
    {"pauses are forgotten", pauses_are_forgotten},
    {"a limit of one", a_limit_of_one},
    {"huge counts", huge_counts},
    {"pauses and a clock that was wrong", pauses_and_a_clock_that_was_wrong},
    {"addresses", addresses},
    CU_TEST_INFO_NULL,
};
SUITE_MAIN_ARENA("throttle", tests, arena)
