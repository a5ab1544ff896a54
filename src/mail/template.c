/* Templates of mails: the site's files, else those built in. A mail that is waited for is not lost to a fault in a
 * file: the built-in one stands in, and the log and latchkeyctl check tell. Must not decide what a mail may say. */
#include "mail/mail.h"

#include "base/log.h"
#include "base/template.h"
#include "mail/builtin.h"

#include <string.h>

#define SUBJECT "Subject: "

/* What a mail is made of, and whether the site's files are asked. */
struct filler {
    struct template_set set;
    struct arena *a;
    const struct mustache_data *data;
    bool site;
    size_t own;        /* how many of the site's files were there */
    const char *fault; /* the first */
};

static struct filler filler_of(const struct cfg *cfg, struct arena *a, const struct mustache_data *data, bool site)
{
    return (struct filler){
        .set = {mail_builtins, cfg->mail_templates}, .a = a, .data = data, .site = site && *cfg->mail_templates};
}

/* false: it is nowhere, or has a fault. */
static bool render(struct filler *f, const char *name, const struct mustache_data *data, bool html, const char **out)
{
    struct buf b = buf_in(f->a);
    bool own = false;

    if (f->fault || !template_render(&f->set, f->site, &b, name, data, html, &own, &f->fault))
        return false;
    f->own += own;
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

static const char *file_of(const struct filler *f, const char *name)
{
    return f->site ? arena_printf(f->a, "%s/%s", f->set.dir, name) : name;
}

/* The first line of the text is the subject; a blank line may follow. */
static bool text_split(struct filler *f, const char *name, const char *whole, struct message *out, const char **body)
{
    size_t len = strcspn(whole, "\r\n");

    if (strncmp(whole, SUBJECT, strlen(SUBJECT)) != 0 || len == strlen(SUBJECT))
        return f->fault = arena_printf(f->a, "%s: must begin with a line \"" SUBJECT "…\"", file_of(f, name)), false;
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
    struct filler f = filler_of(cfg, a, data, true);

    if (fill(&f, word, out))
        return ERR_OK;
    log_error("mail template: %s%s", f.fault, f.site ? "; the one built in stands in for it" : "");
    if (!f.site)
        return ERR_INTERNAL;
    f = filler_of(cfg, a, data, false);
    return fill(&f, word, out) ? ERR_OK : ERR_INTERNAL;
}

const char *template_fault(const struct cfg *cfg, struct arena *a, const char *word, const struct mustache_data *data,
                           size_t *own)
{
    struct filler f = filler_of(cfg, a, data, true);
    struct message m;

    *own = 0;
    if (!fill(&f, word, &m))
        return f.fault;
    *own = f.own;
    return NULL;
}
