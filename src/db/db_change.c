/* What is cached of sessions and users must end when they change: noted here as statements run, told to all processes of
 * the host around the commit. A statement that changes such rows without saying whose ends all that is cached, so that
 * one who forgets costs time and is never wrong. Must not know what is cached. */
#include "db/driver.h"

#include <string.h>

/* Of these nothing ends: they move times that only grow, which whoever moved them keeps anew or
 * forgets (auth/session.c), or delete what has expired, which every reader sees by itself. */
static bool is_harmless(enum stmt id)
{
    return id == ST_SESSION_SLIDE || id == ST_SESSION_SEEN || id == ST_SWEEP_BATCH || id == ST_SWEEP_REST;
}

bool db_is_shown(enum stmt id)
{
    static const char *const starts[] = {"UPDATE @session ",         "DELETE FROM @session", "UPDATE @user ",
                                         "DELETE FROM @user ",       "INSERT INTO @latchkey_group ",
                                         "DELETE FROM @latchkey_group ", "UPDATE @latchkey_group "};
    const char *sql = db_stmt(id)->sql;

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(sql, starts[i], strlen(starts[i])) == 0)
            return !is_harmless(id);
    return false;
}

void db_share(struct db *db, struct shmcache *cache)
{
    db->cache = cache;
}

void db_changes(struct db *db, const char *user_id)
{
    if (!db->cache)
        return;
    shmcache_change_add(&db->change, user_id);
    db->named = true;
}

void db_tell(struct db *db, const char *user_id)
{
    if (db->cache)
        shmcache_change_add(&db->change, user_id);
}

void db_forget(struct db *db, const char *token_hash)
{
    if (db->cache)
        shmcache_forget(db->cache, token_hash);
}

void db_change_note(struct db *db, enum stmt id)
{
    if (!db->cache || !db_is_shown(id))
        return;
    if (!db->named)
        shmcache_change_add(&db->change, NULL);
    db->named = false;
}

void db_change_begin(struct db *db)
{
    shmcache_change_begin(db->cache, &db->change);
}

void db_change_end(struct db *db, enum err e)
{
    shmcache_change_end(db->cache, &db->change, e != ERR_DB_LOST && e != ERR_DB_DOWN);
    db->named = false;
}

void db_change_drop(struct db *db)
{
    db->change = (struct shmcache_change){.n = 0};
    db->named = false;
}
