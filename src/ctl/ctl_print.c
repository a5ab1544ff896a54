/* latchkeyctl print …: the tables the program is made of. */
#include "ctl.h"

#include "app/routes.h"
#include "base/buf.h"
#include "db/migrate.h"

#include <stdio.h>

static int print(const struct buf *b)
{
    return fwrite(buf_str(b), 1, b->len, stdout) == b->len && fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
}

static void tell(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "latchkeyctl: %s\n", line);
}

int ctl_print_config(struct ctl *ctl)
{
    struct config_item item;
    struct buf b = buf_in(ctl->arena);

    if (ctl->effective && config_load(ctl->conf_path, tell, NULL, &ctl->cfg) != ERR_OK)
        return ctl_fail(ctl, "%s is not usable", ctl->conf_path);
    if (!ctl->json) {
        config_print(&b, ctl->cfg);
        return print(&b);
    }
    struct out *o = out_begin(ctl, ctl->cfg ? "section:s key:s type:s default:s text:w value:w"
                                            : "section:s key:s type:s default:s text:w");
    for (size_t i = 0; config_item(ctl->cfg, ctl->arena, i, &item); i++)
        out_row(o, item.section, item.key, item.type, item.def, item.text, item.value);
    return out_end(o);
}

static const char *body_of(const struct route *r)
{
    if (r->method == METHOD_GET)
        return "none";
    return r->forms ? "json, form" : "json";
}

int ctl_print_routes(struct ctl *ctl)
{
    struct out *o = out_begin(ctl, "method:s path:s as:s who:s body:s mode:s hashes:b text:w");

    for (size_t i = 0; i < routes_count; i++) {
        const struct route *r = &routes[i];
        out_row(o, route_method_name(r), r->path, r->same, route_who_name(r), body_of(r), route_mode_name(r),
                (int)r->hashes, r->text);
    }
    return out_end(o);
}

int ctl_print_schema(struct ctl *ctl)
{
    struct buf b = buf_in(ctl->arena);

    enum err e = migrate_print(ctl->cfg, &b);
    return e == ERR_OK ? print(&b) : ctl_fail_err(ctl, e, "print schema");
}

int ctl_print_cookie_name(struct ctl *ctl)
{
    return puts(ctl->cfg->cookie_full) < 0 ? CTL_FAILED : CTL_OK;
}
