/* Templates of mails: the site's files, else those built in. A mail that is waited for is not lost to a fault in a
 * file: the built-in one stands in, and the log and latchkeyctl check tell. Must not decide what a mail may say. */
#include "mail/mail.h"

#include "base/auto.h"
#include "base/log.h"
#include "mail/builtin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SUBJECT "Subject: "

/* What a mail is made of, and whether the site's files are asked. */
struct filler {
    const struct cfg *cfg;
    struct arena *a;
    const struct mustache_data *data;
    bool site;
    size_t own;        /* how many of the site's files were there */
    const char *fault; /* the first */
};

static bool fault(struct filler *f, const char *name, const char *what)
{
    if (!f->fault)
        f->fault =
            arena_printf(f->a, "%s%s%s: %s", f->site ? f->cfg->mail_templates : "", f->site ? "/" : "", name, what);
    return false;
}

static bool builtin_find(const char *name, const char **text, size_t *len)
{
    const struct builtin *b = builtins;

    while (b->name && strcmp(b->name, name) != 0)
        b++;
    if (!b->name)
        return false;
    *text = b->text;
    *len = strlen(b->text);
    return true;
}

/* A file that is not there is no fault. */
static bool site_read(struct filler *f, const char *name, const char **text, size_t *len)
{
    const char *path = arena_printf(f->a, "%s/%s", f->cfg->mail_templates, name);
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    char *s = arena_alloc(f->a, MUSTACHE_MAX + 2);
    size_t n = 0;
    ssize_t more = 0;

    if (fd < 0)
        return errno == ENOENT ? false : fault(f, name, strerror(errno));
    while (n <= MUSTACHE_MAX && (more = read(fd, s + n, MUSTACHE_MAX + 1 - n)) > 0)
        n += (size_t)more;
    if (more < 0)
        return fault(f, name, strerror(errno));
    f->own++;
    *text = s;
    *len = n;
    return true;
}

/* false: it is nowhere, or has a fault. */
static bool render(struct filler *f, const char *name, const struct mustache_data *data, bool html, const char **out)
{
    struct buf b = buf_in(f->a);
    const char *text = "", *why;
    size_t len = 0;
    bool own = f->site && site_read(f, name, &text, &len);

    if (f->fault)
        return false;
    if (!own && !builtin_find(name, &text, &len))
        return fault(f, name, "there is no such template");
    if (!mustache_render(&b, text, len, data, html, &why))
        return fault(f, name, why);
    if (memchr(buf_str(&b), '\0', b.len))
        return fault(f, name, "holds a NUL byte");
    *out = buf_str(&b);
    return true;
}

/* Puts the layout around body. */
static bool lay_out(struct filler *f, const char *layout, const char *subject, const char *body, bool html,
                    const char **out)
{
    const struct mustache_var vars[] = {{"body", body}, {"subject", subject}};
    const struct mustache_data data = {.vars = vars, .n_vars = 2, .outer = f->data};

    return render(f, layout, &data, html, out);
}

/* The first line of the text is the subject; a blank line may follow. */
static bool text_split(struct filler *f, const char *name, const char *whole, struct message *out, const char **body)
{
    size_t len = strcspn(whole, "\r\n");

    if (strncmp(whole, SUBJECT, strlen(SUBJECT)) != 0 || len == strlen(SUBJECT))
        return fault(f, name, "must begin with a line \"" SUBJECT "…\"");
    out->subject = arena_strndup(f->a, whole + strlen(SUBJECT), len - strlen(SUBJECT));
    *body = whole + len;
    *body += strspn(*body, "\r\n");
    return true;
}

/* An empty WORD.html of the site means: text alone. */
static bool fill(struct filler *f, const char *word, struct message *out)
{
    const char *txt = arena_printf(f->a, "%s.txt", word), *html = arena_printf(f->a, "%s.html", word);
    const char *whole, *body;

    out->html = NULL;
    if (!render(f, txt, f->data, false, &whole) || !text_split(f, txt, whole, out, &body) ||
        !lay_out(f, "layout.txt", out->subject, body, false, &out->text) || !render(f, html, f->data, true, &body))
        return false;
    return !*body || lay_out(f, "layout.html", out->subject, body, true, &out->html);
}

enum err template_fill(const struct cfg *cfg, struct arena *a, const char *word, const struct mustache_data *data,
                       struct message *out)
{
    struct filler f = {.cfg = cfg, .a = a, .data = data, .site = *cfg->mail_templates != '\0'};

    if (fill(&f, word, out))
        return ERR_OK;
    log_error("mail template: %s%s", f.fault, f.site ? "; the one built in stands in for it" : "");
    if (!f.site)
        return ERR_INTERNAL;
    f = (struct filler){.cfg = cfg, .a = a, .data = data, .site = false};
    return fill(&f, word, out) ? ERR_OK : ERR_INTERNAL;
}

const char *template_fault(const struct cfg *cfg, struct arena *a, const char *word, const struct mustache_data *data,
                           size_t *own)
{
    struct filler f = {.cfg = cfg, .a = a, .data = data, .site = *cfg->mail_templates != '\0'};
    struct message m;

    *own = 0;
    if (fill(&f, word, &m)) {
        *own = f.own;
        return NULL;
    }
    return f.fault;
}
