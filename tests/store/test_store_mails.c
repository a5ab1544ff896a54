/* The store contract, mails that wait; and queueing, which seals them: on every driver named by STORE_DRIVER. */
#include "store_case.h"

#include "auth/mail.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct mail mail(const char *ref, const char *to, int64_t due)
{
    return (struct mail){.ref = ref,
                         .kind = "test",
                         .recipient = to,
                         .data = "sealed",
                         .created_at = T0 - 5,
                         .due_at = due,
                         .expires_at = T0 + CLOCK_DAY};
}

static void put(struct world *w, const char *ref, const char *to, int64_t due)
{
    struct mail m = mail(ref, to, due);

    OK(mails_add(w->db, &m));
}

static size_t due(struct world *w, int64_t now, struct mail **v)
{
    size_t n = 99;

    OK(mails_due(w->db, w->arena, now, 10, v, &n));
    return n;
}

static void test_add(void)
{
    struct world w;
    struct mail *v;
    int64_t at = -1, all = -1, tried = -1;
    size_t n;

    world_open(&w);
    NONE(mails_next(w.db, w.arena, &at));
    CU_ASSERT_EQUAL(due(&w, T0 + CLOCK_DAY, &v), 0);
    put(&w, "r2", "b@example.org", T0 + 2);
    put(&w, "r1", "a@example.org", T0 + 1);
    put(&w, "r3", NULL, T0 + 3);
    OK(mails_next(w.db, w.arena, &at));
    CU_ASSERT_EQUAL(at, T0 + 1);
    CU_ASSERT_EQUAL(due(&w, T0, &v), 0);
    CU_ASSERT_EQUAL_FATAL(due(&w, T0 + 2, &v), 2);
    SAME(v[0].ref, "r1");
    SAME(v[1].ref, "r2");
    SAME(v[0].kind, "test");
    SAME(v[0].recipient, "a@example.org");
    SAME(v[0].data, "sealed");
    CU_ASSERT(v[0].created_at == T0 - 5 && v[0].due_at == T0 + 1 && v[0].expires_at == T0 + CLOCK_DAY);
    CU_ASSERT_EQUAL(v[0].tries, 0);
    CU_ASSERT_PTR_NULL(v[0].error);
    OK(mails_page(w.db, w.arena, 0, 2, &v, &n));
    CU_ASSERT_EQUAL_FATAL(n, 2);
    SAME(v[0].ref, "r2");
    OK(mails_page(w.db, w.arena, v[1].id, 10, &v, &n));
    CU_ASSERT_EQUAL_FATAL(n, 1);
    CU_ASSERT_PTR_NULL(v[0].recipient);
    OK(mails_count(w.db, w.arena, &all, &tried));
    CU_ASSERT(all == 3 && tried == 0);
    world_close(&w);
}

static void test_claim(void)
{
    struct world w;
    struct mail *v, *again, same;
    int64_t all, tried;

    world_open(&w);
    put(&w, "r1", "a@example.org", T0);
    CU_ASSERT_EQUAL_FATAL(due(&w, T0, &v), 1);
    same = v[0];
    OK(mails_claim(w.db, &v[0], T0 + 100));
    CU_ASSERT(v[0].tries == 1 && v[0].due_at == T0 + 100);
    NONE(mails_claim(w.db, &same, T0 + 100)); /* who read the same is too late */
    NONE(mails_later(w.db, &same, T0 + 5, "x"));
    CU_ASSERT_EQUAL(due(&w, T0 + 99, &again), 0);
    OK(mails_later(w.db, &v[0], T0 + 50, "451 later"));
    CU_ASSERT_EQUAL_FATAL(due(&w, T0 + 50, &again), 1);
    CU_ASSERT_EQUAL(again[0].tries, 1);
    SAME(again[0].error, "451 later");
    OK(mails_count(w.db, w.arena, &all, &tried));
    CU_ASSERT(all == 1 && tried == 1);
    OK(mails_claim(w.db, &again[0], T0 + 200)); /* whoever died with it: its time over, another takes it */
    CU_ASSERT_EQUAL_FATAL(due(&w, T0 + 200, &v), 1);
    CU_ASSERT_PTR_NULL(v[0].error);
    OK(mails_claim(w.db, &v[0], T0 + 300));
    NONE(mails_later(w.db, &again[0], T0 + 5, "too late"));
    world_close(&w);
}

static void test_drop(void)
{
    struct world w;
    struct mail *v;

    world_open(&w);
    put(&w, "r1", "a@example.org", T0);
    put(&w, "r2", "b@example.org", T0);
    put(&w, "r3", "a@example.org", T0);
    put(&w, "r4", NULL, T0);
    CU_ASSERT_EQUAL_FATAL(due(&w, T0, &v), 4);
    OK(mails_drop(w.db, v[0].id));
    NONE(mails_drop(w.db, v[0].id));
    size_t n;
    OK(mails_of(w.db, w.arena, "a@example.org", &v, &n));
    CU_ASSERT_EQUAL_FATAL(n, 1);
    SAME(v[0].kind, "test");
    CU_ASSERT_EQUAL(v[0].created_at, T0 - 5);
    OK(mails_of(w.db, w.arena, "A@example.org", &v, &n));
    CU_ASSERT_EQUAL(n, 0);
    OK(mails_forget(w.db, "A@example.org"));
    CU_ASSERT_EQUAL(due(&w, T0, &v), 3);
    OK(mails_forget(w.db, "a@example.org"));
    CU_ASSERT_EQUAL_FATAL(due(&w, T0, &v), 2);
    SAME(v[0].ref, "r2");
    put(&w, "r5", "c@example.org", T0);
    CU_ASSERT_EQUAL_FATAL(due(&w, T0, &v), 3);
    CU_ASSERT(v[2].id > v[1].id + 0); /* an id is not given twice */
    world_close(&w);
}

static void put_kind(struct world *w, const char *kind, const char *to)
{
    struct mail m = mail(arena_printf(w->arena, "%s %s", kind, to), to, T0);

    m.kind = kind;
    OK(mails_add(w->db, &m));
}

static void happened(struct world *w, const char *user, const char *email)
{
    const struct audit e = {.at = T0, .event = "x", .actor = "user", .user_id = user, .email = email};

    OK(audits_add(w->db, &e));
}

/* By what events tell of him, and of no other kind. */
static void test_forget_of(void)
{
    static const char *const kinds[] = {"k1", "k2", "k3"};
    struct world w;
    struct mail *v;

    world_open(&w);
    happened(&w, "u1", "a@example.org");
    happened(&w, "u1", "b@example.org");
    happened(&w, "u1", NULL);
    happened(&w, "u2", "c@example.org");
    happened(&w, NULL, "d@example.org");
    for (size_t i = 0; i < 3; i++) {
        put_kind(&w, kinds[i], "a@example.org");
        put_kind(&w, kinds[i], "c@example.org");
    }
    put_kind(&w, "k1", "b@example.org");
    put_kind(&w, "k1", "d@example.org");
    put_kind(&w, "k1", "A@example.org");
    put(&w, "r", NULL, T0);
    OK(mails_forget_of(w.db, "k1", "k2", "u1"));
    CU_ASSERT_EQUAL_FATAL(due(&w, T0, &v), 7);
    for (size_t i = 0; i < 7; i++)
        CU_ASSERT(!v[i].recipient || strcmp(v[i].kind, "k3") == 0 || !strchr("ab", v[i].recipient[0]));
    OK(mails_forget_of(w.db, "k1", "k2", "u3"));
    CU_ASSERT_EQUAL(due(&w, T0, &v), 7);
    world_close(&w);
}

/* --- queueing --------------------------------------------------------------------------------------------------------
 */

static struct keys *keys_in(const struct world *w, const char *name)
{
    struct keys *k = NULL;

    OK(keys_open(arena_printf(w->arena, "%s/%s", w->dir, name), &k));
    CU_ASSERT_PTR_NOT_NULL_FATAL(k);
    return k;
}

static void keys_gone(const struct world *w, struct keys **k, const char *name)
{
    unlink(arena_printf(w->arena, "%s/%s", w->dir, name));
    keys_close(k);
}

static struct mail *only_one(struct world *w)
{
    struct mail *v;

    CU_ASSERT_EQUAL_FATAL(due(w, T0 + 400 * CLOCK_DAY, &v), 1);
    return v;
}

static const struct mail_facts all_facts = {.name = "Ann=B\n",
                                            .link = "https://x/?a=b&c",
                                            .new_email = "",
                                            .ip = "::1",
                                            .device = "D",
                                            .at = T0 - 7,
                                            .expires_at = T0 + CLOCK_HOUR};

static void test_queue(void)
{
    struct world w;
    struct mail_facts got;
    enum mail_kind kind;

    world_open(&w);
    struct cfg *cfg = world_config(&w, "[mail]\ntransport = sendmail\nfrom = a@example.org\n");
    struct keys *keys = keys_in(&w, "keys");
    struct auth au = {.cfg = cfg, .db = w.db, .arena = w.arena, .keys = keys, .now = T0};
    OK(mail_queue(&au, MAIL_RESET, "ann@example.org", &all_facts));
    CU_ASSERT(au.mail_queued);
    struct mail *m = only_one(&w);
    SAME(m->kind, "reset-password");
    SAME(m->recipient, "ann@example.org");
    CU_ASSERT(m->created_at == T0 && m->due_at == T0 && m->expires_at == T0 + CLOCK_HOUR && strlen(m->ref) == 32);
    CU_ASSERT_PTR_NULL(strstr(m->data, "https"));
    OK(mail_read(keys, w.arena, m, &kind, &got));
    CU_ASSERT_EQUAL(kind, MAIL_RESET);
    SAME(got.name, all_facts.name);
    SAME(got.link, all_facts.link);
    SAME(got.new_email, "");
    SAME(got.ip, "::1");
    SAME(got.device, "D");
    CU_ASSERT(got.at == T0 - 7 && got.expires_at == T0 + CLOCK_HOUR);
    OK(mails_drop(w.db, m->id));
    OK(mail_queue(&au, MAIL_VERIFY, NULL, &(struct mail_facts){.name = NULL}));
    m = only_one(&w);
    CU_ASSERT_PTR_NULL(m->recipient);
    CU_ASSERT_EQUAL(m->expires_at, T0 + 7 * CLOCK_DAY);
    OK(mail_read(keys, w.arena, m, &kind, &got));
    CU_ASSERT(kind == MAIL_VERIFY && !got.name && !got.link && got.at == T0 && got.expires_at == 0);
    keys_gone(&w, &keys, "keys");
    config_free(&cfg);
    world_close(&w);
}

static void test_queue_sealed(void)
{
    struct world w;
    struct mail_facts got;
    enum mail_kind kind;

    world_open(&w);
    struct cfg *cfg = world_config(&w, "[mail]\ntransport = sendmail\nfrom = a@example.org\n");
    struct keys *keys = keys_in(&w, "keys"), *others = keys_in(&w, "others");
    struct auth au = {.cfg = cfg, .db = w.db, .arena = w.arena, .keys = keys, .now = T0};
    OK(mail_queue(&au, MAIL_RESET, "ann@example.org", &all_facts));
    struct mail *m = only_one(&w), moved = *m;
    NONE(mail_read(others, w.arena, m, &kind, &got));
    moved.recipient = "eve@example.org";
    NONE(mail_read(keys, w.arena, &moved, &kind, &got));
    moved = *m;
    moved.recipient = NULL;
    NONE(mail_read(keys, w.arena, &moved, &kind, &got));
    moved = *m;
    moved.kind = "verify-email";
    NONE(mail_read(keys, w.arena, &moved, &kind, &got));
    moved.kind = "no-such-kind";
    NONE(mail_read(keys, w.arena, &moved, &kind, &got));
    moved = *m;
    moved.ref = "00000000000000000000000000000000";
    NONE(mail_read(keys, w.arena, &moved, &kind, &got));
    moved = *m;
    moved.data = "AAAA";
    NONE(mail_read(keys, w.arena, &moved, &kind, &got));
    OK(mail_read(keys, w.arena, m, &kind, &got));
    keys_gone(&w, &keys, "keys");
    keys_gone(&w, &others, "others");
    config_free(&cfg);
    world_close(&w);
}

static void test_queue_none(void)
{
    struct world w;
    struct mail *v;

    world_open(&w);
    struct auth au = {.cfg = w.cfg, .db = w.db, .arena = w.arena, .now = T0};
    OK(mail_queue(&au, MAIL_RESET, "ann@example.org", &all_facts));
    CU_ASSERT_FALSE(au.mail_queued);
    CU_ASSERT_EQUAL(due(&w, T0 + 400 * CLOCK_DAY, &v), 0);
    world_close(&w);
}

static void test_facts(void)
{
    static const char *const bad[] = {"",
                                      "at=1",
                                      "at=1\0",
                                      "expires=1\0at=1\0",
                                      "at=1\0expires=1\0x",
                                      "at=01\0expires=1\0",
                                      "at=1\0expires=\0",
                                      "at=+1\0expires=1\0",
                                      "at= 1\0expires=1\0",
                                      "link=a\0name=b\0at=1\0expires=1\0",
                                      "name=a\0name=b\0at=1\0expires=1\0",
                                      "at=99999999999999999999\0expires=1\0"};
    static const size_t sizes[] = {0, 4, 5, 15, 16, 16, 14, 16, 16, 29, 29, 36};
    struct world w;
    struct mail_facts got;

    world_open(&w);
    CU_ASSERT(mail_facts_parse(w.arena, "at=1\0expires=-1\0", 16, &got));
    CU_ASSERT(got.at == 1 && got.expires_at == -1 && !got.name);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_FALSE(mail_facts_parse(w.arena, bad[i], sizes[i], &got));
    world_close(&w);
}

static CU_TestInfo tests[] = {
    {"mail add", test_add},
    {"mail claim", test_claim},
    {"mail drop", test_drop},
    {"mail forget: of a user", test_forget_of},
    {"mail queue", test_queue},
    {"mail queue, sealed", test_queue_sealed},
    {"mail queue, without a transport", test_queue_none},
    {"mail facts", test_facts},
    CU_TEST_INFO_NULL,
};

static int run(const char *driver)
{
    char name[64];

    snprintf(name, sizeof(name), "store mails on %s", driver);
    return suite_run(name, tests, NULL, NULL);
}

int main(void)
{
    return world_each_driver(run) == 0 ? 0 : 1;
}
