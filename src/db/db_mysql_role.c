/* Which servers may be used: one that can be written, and a node of a cluster that is ready. Asked when connecting, and
 * again every few seconds: a primary may become a replica under a connection that only reads, and would go on showing
 * sessions that were ended at the new one. */
#include "db/db_mysql.h"
#include "base/clock.h"
#include "base/log.h"

#include <string.h>
#include <strings.h>

#define LOOK_EVERY_MS 2000

struct role {
    bool read_only, galera, ready;
};

static void role_take(struct role *role, const char *name, const char *value)
{
    bool off = strcasecmp(value, "OFF") == 0 || strcmp(value, "0") == 0;

    if (strcasecmp(name, "read_only") == 0 || strcasecmp(name, "super_read_only") == 0)
        role->read_only |= !off;
    if (strcasecmp(name, "wsrep_on") == 0)
        role->galera = !off;
    if (strcasecmp(name, "wsrep_ready") == 0)
        role->ready = !off;
}

static bool role_ask(MYSQL *m, const char *sql, struct role *role)
{
    MYSQL_RES *res = mysql_real_query(m, sql, (unsigned long)strlen(sql)) == 0 ? mysql_store_result(m) : NULL;
    MYSQL_ROW row;

    if (!res)
        return false;
    while ((row = mysql_fetch_row(res))) {
        if (row[0] && row[1])
            role_take(role, row[0], row[1]);
    }
    mysql_free_result(res);
    return true;
}

static bool role_look(MYSQL *m, const char *entry, struct role *role)
{
    static const char variables[] =
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', 'wsrep_on')";

    *role = (struct role){.read_only = false};
    if (role_ask(m, variables, role) && (!role->galera || role_ask(m, "SHOW STATUS LIKE 'wsrep_ready'", role)))
        return true;
    log_error("mysql: %s: its role is not told: %s (%u)", entry, mysql_error(m), mysql_errno(m));
    return false;
}

bool my_role_ok(struct db *db, MYSQL *m, const char *entry)
{
    struct role role;

    if (!role_look(m, entry, &role))
        return false;
    my_of(db)->looked = clock_steady();
    my_of(db)->galera = role.galera;
    if (!role.read_only && (!role.galera || role.ready))
        return true;
    log_warn("mysql: %s: is %s: passed over", entry,
             role.read_only ? "read-only" : "a node of a cluster that is not ready");
    return false;
}

bool my_host_left(struct db *db)
{
    return db->health && atomic_load(&db->health->host) != my_of(db)->host;
}

bool my_role_changed(struct db *db)
{
    struct my *my = my_of(db);

    if (clock_steady() - my->looked < LOOK_EVERY_MS)
        return false;
    my_begin(db);
    return !my_role_ok(db, my->m, my->entry);
}
