/* See scene_lines.h. */
#include "scene_lines.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

static bool all_of(const char *s, const char *set, size_t n)
{
    return strlen(s) == n && strspn(s, set) == n;
}

/* Of word, user, hash and so on each that was drawn as its kind. What a token is bound to is drawn by nobody. */
static const char *ticket_shown(struct arena *a, const char *column, const char *s)
{
    struct buf b = buf_in(a);

    for (size_t i = 0, n;; i++, s += n + 1) {
        n = strcspn(s, ": ");
        bool drawn = strcmp(column, "identifier") == 0 ? i == 1 : n >= 16 && n <= RNG_ID_LEN && !memchr(s, '@', n);
        drawn = drawn && strncmp(s, "FIXED", 5) != 0;
        buf_printf(&b, "%.*s%.*s", i ? 1 : 0, i ? s - 1 : s, drawn ? 7 : (int)n, drawn ? "<drawn>" : s);
        if (!s[n])
            return buf_str(&b);
    }
}

/* A token's hash is drawn as the token is; that its session is there, the id tells. The secret's print is not drawn. */
static const char *shown(struct arena *a, const struct scene_table *t, size_t column, const char *s, const char *but)
{
    static const char *const columns[] = {"id", "identifier", "value"};
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    if (strcmp(t->name, "verification") == 0)
        return ticket_shown(a, columns[column], s);
    if (strncmp(s, "FIXED", 5) == 0)
        return s;
    if (all_of(s, letters, RNG_ID_LEN))
        return "<id>";
    if (column == 1 && strcmp(t->name, "session") == 0)
        return "<hash>";
    return strncmp(s, "$scrypt$ln=4", 12) == 0 && strcmp(s, but) != 0 ? "<new password>" : s;
}

static const char *line_of(struct arena *a, const struct scene_table *t, const struct db_val *v, const char *but)
{
    struct buf b = buf_in(a);

    buf_puts(&b, t->name);
    for (size_t i = 0; t->kinds[i]; i++) {
        if (v[i].null)
            buf_puts(&b, "|NULL");
        else if (t->kinds[i] == 's')
            buf_printf(&b, "|%s", shown(a, t, i, v[i].s, but));
        else
            buf_printf(&b, "|%lld", (long long)v[i].i);
    }
    return buf_str(&b);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void scene_lines(struct arena *a, const struct scene_table *t, const struct db_result *res, const char *but,
                 struct buf *out)
{
    const char **line = ARENA_ARRAY(a, const char *, res->n + 1);

    for (size_t r = 0; r < res->n; r++)
        line[r] = line_of(a, t, res->v + r * res->cols, but);
    qsort(line, res->n, sizeof *line, by_text);
    for (size_t r = 0; r < res->n; r++)
        buf_printf(out, "%s\n", line[r]);
}
