/* Templates: where their text comes from. Must not decide what stands in for one that has a fault. */
#include "base/template.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool fault_at(struct arena *a, const char *dir, const char *name, const char *what, const char **fault)
{
    *fault = arena_printf(a, "%s%s%s: %s", dir, *dir ? "/" : "", name, what);
    return false;
}

static bool builtin_find(const struct builtin *b, const char *name, const char **text, size_t *len)
{
    while (b->name && strcmp(b->name, name) != 0)
        b++;
    if (!b->name)
        return false;
    *text = b->text;
    *len = strlen(b->text);
    return true;
}

/* false with *fault NULL: there is no such file, which is no fault. */
static bool site_read(const char *dir, struct arena *a, const char *name, const char **text, size_t *len,
                      const char **fault)
{
    AUTO(fd) int fd = open(arena_printf(a, "%s/%s", dir, name), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    size_t n = 0;
    ssize_t more = 0;

    if (fd < 0)
        return errno == ENOENT ? false : fault_at(a, dir, name, strerror(errno), fault);
    char *s = arena_alloc(a, MUSTACHE_MAX + 2);
    while (n <= MUSTACHE_MAX && (more = read(fd, s + n, MUSTACHE_MAX + 1 - n)) > 0)
        n += (size_t)more;
    if (more < 0)
        return fault_at(a, dir, name, strerror(errno), fault);
    if (n > MUSTACHE_MAX)
        return fault_at(a, dir, name, "is longer than 64 KiB", fault);
    *text = s;
    *len = n;
    return true;
}

bool template_text(const struct template_set *set, bool site, struct arena *a, const char *name, const char **text,
                   size_t *len, bool *own, const char **fault)
{
    *fault = NULL;
    *own = site && *set->dir && site_read(set->dir, a, name, text, len, fault);
    if (*own || *fault)
        return *own;
    return builtin_find(set->builtins, name, text, len) || fault_at(a, "", name, "there is no such template", fault);
}

bool template_render(const struct template_set *set, bool site, struct buf *out, const char *name,
                     const struct mustache_data *data, bool html, bool *own, const char **fault)
{
    const char *text, *why;
    size_t len, before = out->len;

    if (!template_text(set, site, out->arena, name, &text, &len, own, fault))
        return false;
    const char *dir = *own ? set->dir : "";
    if (!mustache_render(out, text, len, data, html, &why))
        return fault_at(out->arena, dir, name, why, fault);
    if (memchr(buf_str(out) + before, '\0', out->len - before))
        return fault_at(out->arena, dir, name, "holds a NUL byte", fault);
    return true;
}
