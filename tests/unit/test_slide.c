/* Rules of life (DESIGN, S5-S9): when a session is extended, to when, and how long its cookie lives. */
#include "auth/auth.h"

#include "suite.h"

#define T0 INT64_C(1800000000000)

static const struct caller from = {"192.0.2.9", "agent"};

static struct cfg config(void)
{
    return (struct cfg){.session_expires_in = 7 * CLOCK_DAY,
                        .session_update_age = CLOCK_DAY,
                        .session_absolute = 30 * CLOCK_DAY,
                        .session_last_seen_every = 10 * CLOCK_MINUTE,
                        .session_fresh_age = CLOCK_DAY};
}

static struct session born(const struct cfg *cfg, bool remember)
{
    return (struct session){.remember = remember,
                            .created_at = T0,
                            .updated_at = T0,
                            .authenticated_at = T0,
                            .last_seen_at = T0,
                            .last_ip = "192.0.2.1",
                            .dies_at = T0 + cfg->session_absolute,
                            .expires_at = T0 + (remember ? cfg->session_expires_in : CLOCK_DAY)};
}

static void extends_exactly_at_update_age(void)
{
    struct cfg cfg = config();
    for (int d = -1; d <= 1; d++) {
        struct session s = born(&cfg, true);
        int64_t now = T0 + CLOCK_DAY + d;
        struct slide done = session_slide(&cfg, &from, now, &s);
        CU_ASSERT_EQUAL(done.extend, d >= 0);
        CU_ASSERT_EQUAL(s.expires_at, d >= 0 ? now + 7 * CLOCK_DAY : T0 + 7 * CLOCK_DAY);
        CU_ASSERT_EQUAL(s.updated_at, d >= 0 ? now : T0);
    }
}

static void update_age_zero_extends_every_time(void)
{
    struct cfg cfg = config();
    cfg.session_update_age = 0;
    struct session s = born(&cfg, true);
    CU_ASSERT_FALSE(session_slide(&cfg, &from, T0, &s).extend); /* nothing to gain in the same millisecond */
    CU_ASSERT_TRUE(session_slide(&cfg, &from, T0 + 1, &s).extend);
    CU_ASSERT_EQUAL(s.expires_at, T0 + 1 + 7 * CLOCK_DAY);
    CU_ASSERT_TRUE(session_slide(&cfg, &from, T0 + 2, &s).extend);
}

static void never_passes_the_absolute_end(void)
{
    struct cfg cfg = config();
    struct session s = born(&cfg, true);
    int64_t now = T0, extended = 0;
    /* a visit every hour keeps it alive, up to the absolute end and not a millisecond longer */
    while (session_alive(&s, now)) {
        extended += session_slide(&cfg, &from, now, &s).extend;
        CU_ASSERT_TRUE(s.expires_at <= s.dies_at);
        now += CLOCK_HOUR;
    }
    CU_ASSERT_EQUAL(now, s.dies_at);
    CU_ASSERT_EQUAL(extended, 23); /* daily until what is left is less than expires_in: no write after that */
    CU_ASSERT_FALSE(session_alive(&s, s.dies_at));
    CU_ASSERT_TRUE(session_alive(&s, s.dies_at - 1));
}

static void not_remembered_is_never_extended(void)
{
    struct cfg cfg = config();
    struct session s = born(&cfg, false);
    for (int64_t now = T0; now < T0 + 2 * CLOCK_DAY; now += CLOCK_HOUR)
        CU_ASSERT_FALSE(session_slide(&cfg, &from, now, &s).extend);
    CU_ASSERT_EQUAL(s.expires_at, T0 + CLOCK_DAY);
    CU_ASSERT_EQUAL(session_cookie_age(&cfg, &s, T0), 0);
}

static void last_seen_is_written_at_most_so_often(void)
{
    struct cfg cfg = config();
    struct session s = born(&cfg, true);
    CU_ASSERT_FALSE(session_slide(&cfg, &from, T0 + 10 * CLOCK_MINUTE - 1, &s).seen);
    CU_ASSERT_STRING_EQUAL(s.last_ip, "192.0.2.1");
    CU_ASSERT_TRUE(session_slide(&cfg, &from, T0 + 10 * CLOCK_MINUTE, &s).seen);
    CU_ASSERT_STRING_EQUAL(s.last_ip, "192.0.2.9");
    CU_ASSERT_EQUAL(s.last_seen_at, T0 + 10 * CLOCK_MINUTE);
    CU_ASSERT_FALSE(session_slide(&cfg, &from, T0 + 15 * CLOCK_MINUTE, &s).seen);
    cfg.session_last_seen_every = 0;
    CU_ASSERT_FALSE(session_slide(&cfg, &from, T0 + 5 * CLOCK_HOUR, &s).seen);
    CU_ASSERT_TRUE(session_slide(&cfg, &from, T0 + 2 * CLOCK_DAY, &s).extend);
    CU_ASSERT_EQUAL(s.last_seen_at, T0 + 10 * CLOCK_MINUTE);
}

static void a_clock_that_steps_back_does_not_shorten(void)
{
    struct cfg cfg = config();
    struct session s = born(&cfg, true);
    session_slide(&cfg, &from, T0 + 2 * CLOCK_DAY, &s);
    int64_t was = s.expires_at;
    CU_ASSERT_FALSE(session_slide(&cfg, &from, T0 + CLOCK_DAY, &s).extend);
    CU_ASSERT_EQUAL(s.expires_at, was);
}

static void cookie_age(void)
{
    struct cfg cfg = config();
    struct session s = born(&cfg, true);
    CU_ASSERT_EQUAL(session_cookie_age(&cfg, &s, T0), 604800);
    CU_ASSERT_EQUAL(session_cookie_age(&cfg, &s, T0 + 29 * CLOCK_DAY), 86400);
    CU_ASSERT_EQUAL(session_cookie_age(&cfg, &s, T0 + 29 * CLOCK_DAY + 1), 86400);
    cfg.cookie_max_age = MAXAGE_ABSOLUTE;
    CU_ASSERT_EQUAL(session_cookie_age(&cfg, &s, T0), 30 * 86400);
    CU_ASSERT_EQUAL(session_cookie_age(&cfg, &s, T0 + CLOCK_DAY), 29 * 86400);
    s.dies_at = T0 + 1000 * CLOCK_DAY;
    CU_ASSERT_EQUAL(session_cookie_age(&cfg, &s, T0), 400 * 86400);
}

static void freshness_counts_from_authentication(void)
{
    struct cfg cfg = config();
    struct session s = born(&cfg, true);
    CU_ASSERT_TRUE(session_fresh(&cfg, &s, T0 + CLOCK_DAY - 1));
    CU_ASSERT_FALSE(session_fresh(&cfg, &s, T0 + CLOCK_DAY));
    session_slide(&cfg, &from, T0 + CLOCK_DAY, &s);
    CU_ASSERT_FALSE(session_fresh(&cfg, &s, T0 + CLOCK_DAY));
    cfg.session_fresh_age = 0;
    CU_ASSERT_TRUE(session_fresh(&cfg, &s, T0 + 20 * CLOCK_DAY));
}

static CU_TestInfo tests[] = {
    {"extends exactly at updateAge", extends_exactly_at_update_age},
    {"updateAge 0 extends every time", update_age_zero_extends_every_time},
    {"never passes the absolute end", never_passes_the_absolute_end},
    {"not remembered is never extended", not_remembered_is_never_extended},
    {"last seen is written at most so often", last_seen_is_written_at_most_so_often},
    {"a clock that steps back does not shorten", a_clock_that_steps_back_does_not_shorten},
    {"age of the cookie", cookie_age},
    {"freshness counts from authentication", freshness_counts_from_authentication},
    CU_TEST_INFO_NULL,
};
SUITE_MAIN("slide", tests)
