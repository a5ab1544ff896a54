/* Whether mail can be sent as the configuration says. Opens no file and asks nobody: latchkeyctl check does. */
#include "conf/config_internal.h"
#include "base/net.h"

static void check_path(struct cfg_reader *r, enum cfg_id id, const char *path)
{
    if (*path && *path != '/')
        config_fault_key(r, id, "must be an absolute path");
}

static void check_smtp(struct cfg_reader *r)
{
    const struct cfg *cfg = r->cfg;
    struct net_host host;

#ifndef LATCHKEY_WITH_CURL
    config_fault_key(r, CFG_mail_transport, "this latchkey was built without libcurl, which smtp needs");
#endif
    if (!*cfg->mail_smtp_host) {
        config_fault_key(r, CFG_mail_smtp_host, "must be set where mail.transport is smtp");
        return;
    }
    if (!net_host_parse(cfg->mail_smtp_host, &host) || host.port == 0) {
        config_fault_key(r, CFG_mail_smtp_host, "must be HOST, HOST:PORT or [ADDRESS]:PORT");
        return;
    }
    if (!*cfg->mail_smtp_user != !*cfg->mail_smtp_password)
        config_fault_key(r, *cfg->mail_smtp_user ? CFG_mail_smtp_password : CFG_mail_smtp_user,
                         "mail.smtp_user and mail.smtp_password go together");
    if (cfg->mail_smtp_tls == SMTPTLS_OFF && *cfg->mail_smtp_password && !net_host_local(host.name))
        config_fault_key(r, CFG_mail_smtp_tls, "off would send the password to %s in the clear", host.name);
}

/* What could never be done without mail would lock everybody out. */
static void check_needs_mail(struct cfg_reader *r)
{
    if (r->cfg->account_require_verified_email)
        config_fault_key(r, CFG_account_require_verified_email, "needs mail: set mail.transport");
    if (r->cfg->auth_delete_user == DELETEUSER_MAIL)
        config_fault_key(r, CFG_auth_delete_user, "mail needs mail.transport");
}

void config_check_mail(struct cfg_reader *r)
{
    struct cfg *cfg = r->cfg;

    if (cfg->origin)
        cfg->mail_site = *cfg->mail_from_name ? cfg->mail_from_name : config_host_of(cfg->arena, cfg->origin);
    check_path(r, CFG_mail_templates, cfg->mail_templates);
    check_path(r, CFG_mail_directory, cfg->mail_directory);
    check_path(r, CFG_mail_sendmail, cfg->mail_sendmail);
    check_path(r, CFG_mail_smtp_ca, cfg->mail_smtp_ca);
    if (*cfg->mail_from && !net_mailbox_ok(cfg->mail_from))
        config_fault_key(r, CFG_mail_from, "must be an address, e.g. accounts@example.org");
    if (cfg->mail_transport == TRANSPORT_NONE) {
        check_needs_mail(r);
        return;
    }
    if (!*cfg->mail_from)
        config_fault_key(r, CFG_mail_from, "must be set where mail is sent, e.g. accounts@example.org");
    if (cfg->mail_transport == TRANSPORT_FILE && !*cfg->mail_directory)
        config_fault_key(r, CFG_mail_directory, "must be set where mail.transport is file");
    if (cfg->mail_transport == TRANSPORT_SMTP)
        check_smtp(r);
}

void config_warn_mail(const struct cfg *cfg, config_fault_fn warn, void *arg)
{
    struct net_host host;

    if (cfg->mail_transport == TRANSPORT_NONE)
        return;
    if (cfg->jobs_every == 0)
        warn(arg, "mail.transport: with jobs.every = 0 mails wait for latchkeyctl run-jobs, which cron must run often");
    if (cfg->mail_transport == TRANSPORT_SMTP && cfg->mail_smtp_tls == SMTPTLS_OFF &&
        net_host_parse(cfg->mail_smtp_host, &host) && !net_host_local(host.name))
        warn(arg, "mail.smtp_tls: off lets everybody on the way read links that set a password");
}
