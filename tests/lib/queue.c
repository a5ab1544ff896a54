/* Queues mails as a request would, for tests: no request of this version does. usage: queue CONF COUNT KIND TO
 * [name=VALUE…]; TO "-": nobody; values link, name, new, ip, device, and life: ms until it expires. */
#include "app/jobs.h"
#include "auth/mail.h"

#include "crypto/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "queue: %s\n", line);
}

static enum mail_kind kind_of(const char *word)
{
    enum mail_kind k = 0;

    while (k < MAIL_COUNT && strcmp(mail_row(k)->word, word) != 0)
        k++;
    return k;
}

static void fact(struct mail_facts *f, const char *arg, int64_t now)
{
    const char *value = strchr(arg, '=');
    size_t n = value ? (size_t)(value++ - arg) : 0;

    if (n == 4 && memcmp(arg, "link", n) == 0)
        f->link = value;
    else if (n == 4 && memcmp(arg, "name", n) == 0)
        f->name = value;
    else if (n == 3 && memcmp(arg, "new", n) == 0)
        f->new_email = value;
    else if (n == 2 && memcmp(arg, "ip", n) == 0)
        f->ip = value;
    else if (n == 6 && memcmp(arg, "device", n) == 0)
        f->device = value;
    else if (n == 4 && memcmp(arg, "life", n) == 0)
        f->expires_at = now + strtoll(value, NULL, 10);
    else
        exit(2);
}

static enum err queue(struct auth *au, enum mail_kind kind, const char *to, const struct mail_facts *f)
{
    AUTO(db_tx) struct db *tx = NULL;

    TRY(db_begin(au->db, &tx));
    TRY(mail_queue(au, kind, to, f));
    return db_commit(&tx);
}

int main(int argc, char **argv)
{
    AUTO(keys) struct keys *keys = NULL;
    struct mail_facts f = {.name = NULL};
    struct auth au = {.now = clock_now()};
    struct cfg *cfg = NULL;
    enum err e = ERR_OK;

    if (argc < 5 || kind_of(argv[3]) == MAIL_COUNT)
        return 2;
    for (int i = 5; i < argc; i++)
        fact(&f, argv[i], au.now);
    if (config_load(argv[1], tell, NULL, &cfg) != ERR_OK || keys_open(cfg->secret_file, &keys) != ERR_OK ||
        arena_open(&au.arena, 4096) != ERR_OK || db_open_existing(cfg, NULL, &au.db) != ERR_OK)
        return 1;
    au.cfg = cfg;
    au.keys = keys;
    for (long left = strtol(argv[2], NULL, 10); left > 0 && e == ERR_OK; left--)
        DB_RETRY(e, queue(&au, kind_of(argv[3]), strcmp(argv[4], "-") == 0 ? NULL : argv[4], &f));
    if (au.mail_queued)
        jobs_mail_queued(cfg);
    db_close(&au.db);
    arena_close(&au.arena);
    config_free(&cfg);
    return e == ERR_OK ? 0 : 1;
}
