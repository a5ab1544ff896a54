/* Queueing of mails: what one is to say becomes sealed text in a row. Must not render or send: that is app/mailer.c. */
#include "auth/mail.h"

#include "base/buf.h"
#include "crypto/seal.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PURPOSE "mail"
enum { LIFE_MS = 7 * 24 * 3600 * 1000 };

static const struct mail_row kinds[] = {
#define MAIL(name, word, text) [MAIL_##name] = {word, text},
#include "auth/mails.def"
#undef MAIL
};

const struct mail_row *mail_row(enum mail_kind k)
{
    return &kinds[k];
}

bool mail_is_on(const struct cfg *cfg)
{
    return cfg->mail_transport != TRANSPORT_NONE;
}

/* --- facts as text: "key=value" and a NUL each, in this order, those that are not known left out ---------------------
 */

static const struct {
    const char *key;
    size_t offset;
} texts[] =
    {
        {"name", offsetof(struct mail_facts, name)},     {"link", offsetof(struct mail_facts, link)},
        {"new", offsetof(struct mail_facts, new_email)}, {"ip", offsetof(struct mail_facts, ip)},
        {"device", offsetof(struct mail_facts, device)},
},
  numbers[] = {
      {"at", offsetof(struct mail_facts, at)},
      {"expires", offsetof(struct mail_facts, expires_at)},
};
enum { TEXTS = sizeof texts / sizeof texts[0], NUMBERS = sizeof numbers / sizeof numbers[0] };

void mail_facts_text(struct buf *out, const struct mail_facts *f)
{
    const char *text;
    int64_t n;

    for (size_t i = 0; i < TEXTS; i++) {
        memcpy(&text, (const char *)f + texts[i].offset, sizeof text);
        if (!text)
            continue;
        buf_printf(out, "%s=%s", texts[i].key, text);
        buf_putc(out, '\0');
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        memcpy(&n, (const char *)f + numbers[i].offset, sizeof n);
        buf_printf(out, "%s=%lld", numbers[i].key, (long long)n);
        buf_putc(out, '\0');
    }
}

/* The value behind "key=" in what comes next, which *p moves behind; NULL: something else comes next. */
static const char *value_next(const char **p, const char *end, const char *key)
{
    size_t len = strlen(key), left = (size_t)(end - *p);

    if (left <= len || memcmp(*p, key, len) != 0 || (*p)[len] != '=')
        return NULL;
    const char *value = *p + len + 1, *stop = memchr(value, '\0', (size_t)(end - value));
    if (!stop)
        return NULL;
    *p = stop + 1;
    return value;
}

/* As printf writes it, and nothing else. */
static bool number_parse(struct arena *a, const char *s, int64_t *out)
{
    errno = 0;
    long long n = strtoll(s, NULL, 10);
    if (errno || strcmp(arena_printf(a, "%lld", n), s) != 0)
        return false;
    *out = n;
    return true;
}

bool mail_facts_parse(struct arena *a, const char *p, size_t n, struct mail_facts *out)
{
    struct mail_facts f = {.name = NULL};
    const char *end = p + n, *value;
    int64_t number;

    for (size_t i = 0; i < TEXTS; i++) {
        value = arena_strdup(a, value_next(&p, end, texts[i].key));
        memcpy((char *)&f + texts[i].offset, &value, sizeof value);
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        value = value_next(&p, end, numbers[i].key);
        if (!value || !number_parse(a, value, &number))
            return false;
        memcpy((char *)&f + numbers[i].offset, &number, sizeof number);
    }
    if (p != end)
        return false;
    *out = f;
    return true;
}

/* --- rows -------------------------------------------------------------------------------------------------------- */

/* Who can write into the database shall not have a link sent to himself that was for another. */
static const char *bound_to(struct arena *a, const struct mail *m)
{
    return arena_printf(a, "%s %s %s", m->ref, m->kind, m->recipient ? m->recipient : "");
}

enum err mail_queue(struct auth *au, enum mail_kind kind, const char *to, const struct mail_facts *f)
{
    struct mail_facts facts = *f;
    char ref[RNG_ID_SIZE];
    char *sealed;

    if (!mail_is_on(au->cfg))
        return ERR_OK;
    facts.at = f->at ? f->at : au->now;
    struct mail m = {
        .kind = kinds[kind].word,
        .recipient = to,
        .created_at = au->now,
        .due_at = au->now,
        .expires_at = f->expires_at ? f->expires_at : au->now + LIFE_MS,
    };
    TRY(rng_id(ref));
    m.ref = arena_strdup(au->arena, ref);
    struct buf text = buf_in(au->arena);
    mail_facts_text(&text, &facts);
    TRY(seal_close(au->keys, au->arena, PURPOSE, bound_to(au->arena, &m), text.s, text.len, &sealed));
    m.data = sealed;
    TRY(mails_add(au->db, &m));
    au->mail_queued = true;
    return ERR_OK;
}

enum err mail_read(const struct keys *keys, struct arena *a, const struct mail *m, enum mail_kind *kind,
                   struct mail_facts *out)
{
    enum mail_kind k = 0;
    size_t n;
    char *text;

    while (k < MAIL_COUNT && strcmp(kinds[k].word, m->kind) != 0)
        k++;
    if (k == MAIL_COUNT)
        return ERR_NONE;
    TRY(seal_open(keys, a, PURPOSE, bound_to(a, m), m->data, &text, &n));
    if (!mail_facts_parse(a, text, n, out))
        return ERR_NONE;
    *kind = k;
    return ERR_OK;
}
