/* Strength by zxcvbn, where there is one, and the list of breached passwords. zxcvbn takes no care of time and memory:
 * what it is given is bounded here. Never logs a password or what it was made of. */
#include "crypto/strength.h"

#include "base/enc.h"
#include "base/log.h"
#include "crypto/breached.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"

#include <string.h>

#ifdef LATCHKEY_WITH_ZXCVBN
#include <zxcvbn.h>

/* Bytes that are judged. zxcvbn's time grows with the fourth to fifth power of the length of a repetition: "1212…"
 * takes 6 ms at 32 bytes, 20 ms at 40, 330 ms at 74 and 1.5 s at 100, and nothing was found that takes longer. 40 are
 * enough for every score, and a password is at least as hard to guess as its beginning. */
#define JUDGED_MAX 40
/* Words about the user, which all count as guesses; each takes time for every place of the password. */
#define WORDS_MAX 16
#define WORD_MIN 3
/* zxcvbn uses what malloc gives without looking. It takes up to 41 KiB at once for what it is given here: as much is
 * asked for beforehand, of a size that the C library keeps when it is given back. */
#define ROOM (64 * 1024)

struct words {
    size_t n;
    const char *v[WORDS_MAX + 1];
};

static void word_add(struct arena *a, struct words *w, const char *s, size_t len)
{
    if (len >= WORD_MIN && w->n < WORDS_MAX)
        w->v[w->n++] = enc_lower(a, arena_strndup(a, s, len < JUDGED_MAX ? len : JUDGED_MAX));
}

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static void parts_add(struct arena *a, struct words *w, const char *text)
{
    for (const char *s = text, *end; *s; s = *end ? end + 1 : end) {
        for (end = s; in_word(*end);)
            end++;
        word_add(a, w, s, (size_t)(end - s));
    }
}

/* The whole texts first: of two words the earlier counts as the easier guess. */
static void words_make(struct arena *a, const struct cfg *cfg, const char *const *about, struct words *w)
{
    for (size_t i = 0; about[i]; i++) {
        word_add(a, w, about[i], strlen(about[i]));
        word_add(a, w, about[i], strcspn(about[i], "@"));
    }
    for (size_t i = 0; about[i]; i++)
        parts_add(a, w, about[i]);
    if (cfg->origin)
        parts_add(a, w, cfg->origin); /* the name of the site is a guess, too */
}

static enum err score(const struct cfg *cfg, struct arena *a, const char *password, const char *const *about, int *out)
{
    struct words w = {.n = 0};
    void *volatile room = malloc(ROOM);

    if (!room) {
        log_error("out of memory for judging a password");
        return ERR_NO_MEMORY;
    }
    free(room);
    words_make(a, cfg, about, &w);
    size_t len = strnlen(password, JUDGED_MAX);
    *out = strength_score(ZxcvbnMatch(arena_strndup(a, password, len), w.v, NULL));
    return ERR_OK;
}
#else
/* The configuration asks for nothing in such a build. */
static enum err score(const struct cfg *cfg, struct arena *a, const char *password, const char *const *about, int *out)
{
    (void)cfg, (void)a, (void)password, (void)about;
    *out = strength_score(0);
    return ERR_OK;
}
#endif

/* Scores as in zxcvbn's paper: below 10^3, 10^6, 10^8, 10^10 guesses. The right one is found after half of the 2^bits
 * on average, hence a bit more than their logarithms. */
int strength_score(double bits)
{
    static const double least[] = {10.966, 20.932, 27.576, 34.220};
    int n = 0;

    while (n < 4 && bits >= least[n])
        n++;
    return n;
}

static enum err breached(const struct cfg *cfg, const char *password, bool *found)
{
    uint8_t hash[SHA1_LEN];

    TRY(digest_sha1(password, strlen(password), hash));
    enum err e = breached_find(cfg->password_breached, hash, found);
    explicit_bzero(hash, sizeof hash);
    return e == ERR_IO ? ERR_INTERNAL : e; /* to a client it is a fault of ours */
}

enum err strength_check(const struct cfg *cfg, struct arena *a, const char *password, const char *const *about)
{
    const char *normal = NULL;
    bool known = false;
    int got = 0;

    TRY(kdf_normal(a, password, &normal));
    if (cfg->strength_least > 0) {
        TRY(score(cfg, a, normal, about, &got));
        if (got < cfg->strength_least)
            return ERR_PASSWORD_WEAK;
    }
    if (*cfg->password_breached)
        TRY(breached(cfg, normal, &known));
    return known ? ERR_PASSWORD_WEAK : ERR_OK;
}
