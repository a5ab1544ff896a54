/* The [mail] settings: what goes together, and what must be there. */
#include "config_case.h"

#define FROM "from = accounts@example.org\n"
#define MAIL_OF(transport) SITE "[mail]\ntransport = " transport "\n" FROM
#define SMTP MAIL_OF("smtp") "smtp_host = mail.example.org\n"

static void test_transports(void)
{
    fine(SITE "[mail]\ntransport = none\n");
    fine(SITE "[mail]\ntransport = none\n" FROM "directory = /a\n");
    fine(MAIL_OF("sendmail"));
    fine(MAIL_OF("file") "directory = /var/mail/out\n");
    refused(SITE "[mail]\ntransport = post\n", "t.conf:4: mail.transport: must be one of none|file|sendmail|smtp");
    refused(MAIL_OF("file"), "t.conf: mail.directory: must be set where mail.transport is file");
    refused(SITE "[mail]\ntransport = sendmail\n", "t.conf: mail.from: must be set where mail is sent");
    refused(MAIL_OF("sendmail") "sendmail = sendmail\n", "t.conf:6: mail.sendmail: must be an absolute path");
    refused(MAIL_OF("file") "directory = out\n", "t.conf:6: mail.directory: must be an absolute path");
    refused(SITE "[mail]\ntemplates = mine\n", "t.conf:4: mail.templates: must be an absolute path");
}

static void test_from(void)
{
    refused(SITE "[mail]\nfrom = accounts\n", "t.conf:4: mail.from: must be an address");
    refused(SITE "[mail]\nfrom = Site <a@example.org>\n", "t.conf:4: mail.from: must be an address");
    refused(SITE "[mail]\nfrom = a@ex\xc3\xa4mple.org\n", "t.conf:4: mail.from: must be an address");
    struct cfg *cfg = parse_len(MAIL_OF("sendmail"), strlen(MAIL_OF("sendmail")), false, ERR_OK);
    CU_ASSERT_STRING_EQUAL(cfg->mail_site, "www.example.org");
    config_free(&cfg);
    const char *named = SITE "[mail]\nfrom_name = Verein\n";
    cfg = parse_len(named, strlen(named), false, ERR_OK);
    CU_ASSERT_STRING_EQUAL(cfg->mail_site, "Verein");
    config_free(&cfg);
}

#ifdef LATCHKEY_WITH_CURL
static void test_smtp(void)
{
    fine(SMTP);
    fine(SMTP "smtp_user = u\nsmtp_password = p\n");
    fine(MAIL_OF("smtp") "smtp_host = [::1]:25\nsmtp_tls = off\nsmtp_user = u\nsmtp_password = p\n");
    fine(SMTP "smtp_tls = off\n");
    refused(MAIL_OF("smtp"), "t.conf: mail.smtp_host: must be set where mail.transport is smtp");
    refused(MAIL_OF("smtp") "smtp_host = smtp://mail.example.org\n", "t.conf:6: mail.smtp_host: must be HOST");
    refused(MAIL_OF("smtp") "smtp_host = mail:0\n", "t.conf:6: mail.smtp_host: must be HOST");
    refused(SMTP "smtp_user = u\n", "t.conf: mail.smtp_password: mail.smtp_user and mail.smtp_password go together");
    refused(SMTP "smtp_password = p\n", "t.conf: mail.smtp_user: mail.smtp_user and mail.smtp_password go together");
    refused(SMTP "smtp_tls = off\nsmtp_user = u\nsmtp_password = p\n",
            "t.conf:7: mail.smtp_tls: off would send the password to mail.example.org in the clear");
    refused(SMTP "smtp_tls = never\n", "t.conf:7: mail.smtp_tls: must be one of starttls|tls|off");
    refused(SMTP "smtp_ca = ca.pem\n", "t.conf:7: mail.smtp_ca: must be an absolute path");
    refused(SMTP "timeout = 500\n", "t.conf:7: mail.timeout: must be from 1s to 5m");
}
#else
static void test_smtp(void)
{
    refused(SMTP, "t.conf:4: mail.transport: this latchkey was built without libcurl");
}
#endif

static void warned(const char *text, const char *what)
{
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);

    CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
    said[0] = '\0';
    config_warn(cfg, note, NULL);
    CU_ASSERT_EQUAL(strstr(said, "mail.") != NULL, what != NULL);
    CU_ASSERT(!what || strstr(said, what));
    config_free(&cfg);
}

static void test_second_looks(void)
{
    warned(MAIL_OF("sendmail"), NULL);
    warned(MAIL_OF("sendmail") "[jobs]\nevery = 0\n", "mails wait for latchkeyctl run-jobs");
    warned(SITE "[jobs]\nevery = 0\n", NULL);
#ifdef LATCHKEY_WITH_CURL
    warned(SMTP, NULL);
    warned(SMTP "smtp_tls = off\n", "mail.smtp_tls: off lets everybody on the way");
    warned(MAIL_OF("smtp") "smtp_host = 127.0.0.1\nsmtp_tls = off\n", NULL);
#endif
}

static CU_TestInfo tests[] = {
    {"transports", test_transports},     {"from", test_from}, {"smtp", test_smtp},
    {"second looks", test_second_looks}, CU_TEST_INFO_NULL,
};
SUITE_MAIN("configuration of mail", tests)
