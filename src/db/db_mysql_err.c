/* What the errors of a MySQL or MariaDB server, and of the client library, mean to us. Logs a number and a text of our
 * own: the server's text may quote values. */
#include "db/db_mysql.h"
#include "base/clock.h"
#include "base/log.h"

#include <errmsg.h>

/* Numbers, because no header has those of both servers. */
static const struct my_error {
    unsigned code;
    enum err err;
    const char *text;
} known[] = {
    {1062, ERR_DB_DUPLICATE, "a unique key refuses"},
    {1586, ERR_DB_DUPLICATE, "a unique key refuses"},
    /* the schema: for migrations that are resumed */
    {1050, ERR_DB_DUPLICATE, "the table exists"},
    {1060, ERR_DB_DUPLICATE, "the column exists"},
    {1061, ERR_DB_DUPLICATE, "the index exists"},
    {1044, ERR_DB_DOWN, "this account may not use the database (database.user, database.name)"},
    {1045, ERR_DB_DOWN, "this account is refused (database.user, database.password)"},
    {1698, ERR_DB_DOWN, "this account is refused (database.user, database.password)"},
    {1049, ERR_DB_DOWN, "there is no such database (database.name)"},
    {1040, ERR_DB_DOWN, "the server has too many connections"},
    {1203, ERR_DB_DOWN, "this account has too many connections"},
    {1226, ERR_DB_DOWN, "this account has used up what the server allows it"},
    {1129, ERR_DB_DOWN, "the server refuses this host after errors"},
    {1130, ERR_DB_DOWN, "the server refuses this host"},
    {1461, ERR_DB_DOWN, "the server has too many prepared statements (max_prepared_stmt_count)"},
    {1820, ERR_DB_DOWN, "the password of this account has expired"},
    {1862, ERR_DB_DOWN, "the password of this account has expired"},
    {3118, ERR_DB_DOWN, "this account is locked"},
    {4151, ERR_DB_DOWN, "this account is locked"},
    {1290, ERR_DB_DOWN, "the server is read-only"},
    {1792, ERR_DB_DOWN, "the server is read-only"},
    {1836, ERR_DB_DOWN, "the server is read-only"},
    {1021, ERR_DB_DOWN, "the server's disk is full"},
    {1114, ERR_DB_DOWN, "the table is full"},
    {1047, ERR_DB_DOWN, "this node of the cluster is not ready"},
    {1053, ERR_DB_DOWN, "the server is shutting down"},
    {1969, ERR_DB_DOWN, "the server ended the statement: it took too long (max_statement_time)"},
    {3024, ERR_DB_DOWN, "the server ended the statement: it took too long (max_execution_time)"},
    {1213, ERR_DB_CONFLICT, "deadlock; the transaction is undone"},
    {1020, ERR_DB_CONFLICT, "the row was changed meanwhile"},
    {3101, ERR_DB_CONFLICT, "the cluster undid the transaction"},
    {1205, ERR_DB_BUSY, "others held a lock for too long (database.busy_timeout)"},
    {3572, ERR_DB_BUSY, "others hold a lock"},
    {1243, ERR_DB_LOST, "the server has forgotten the statement"},
    {1615, ERR_DB_LOST, "the statement must be prepared anew"},
    {1317, ERR_DB_LOST, "the statement was interrupted"},
    {1927, ERR_DB_LOST, "the server ended the connection (KILL)"},
    {4031, ERR_DB_LOST, "the server ended the connection (idle for too long)"},
    {1158, ERR_DB_LOST, "the connection broke"},
    {1159, ERR_DB_LOST, "the connection broke"},
    {1160, ERR_DB_LOST, "the connection broke"},
    {1161, ERR_DB_LOST, "the connection broke"},
    {CR_UNKNOWN_ERROR, ERR_DB_LOST, "the connection broke"},
    {CR_SERVER_GONE_ERROR, ERR_DB_LOST, "the server ended the connection"},
    {CR_SERVER_HANDSHAKE_ERR, ERR_DB_LOST, "the connection broke"},
    {CR_SERVER_LOST, ERR_DB_LOST, "the connection broke"},
    {2055, ERR_DB_LOST, "the connection broke"},
    {CR_SSL_CONNECTION_ERROR, ERR_DB_LOST, "TLS broke"},
    {CR_MALFORMED_PACKET, ERR_DB_LOST, "the server answered nonsense"},
    {CR_COMMANDS_OUT_OF_SYNC, ERR_DB_LOST, "answers out of order"},
    {CR_OUT_OF_MEMORY, ERR_NO_MEMORY, "out of memory"},
    {1142, ERR_DB, "this account lacks a privilege on the table"},
    {1143, ERR_DB, "this account lacks a privilege on a column"},
    {1146, ERR_DB, "a table is missing"},
    {1054, ERR_DB, "a column is missing"},
    {1406, ERR_DB, "a value is too long for its column"},
    {1366, ERR_DB, "a value does not fit its column"},
    {1451, ERR_DB, "a foreign key refuses"},
    {1452, ERR_DB, "a foreign key refuses"},
    {1665, ERR_DB, "the server's binlog_format is STATEMENT: set it to ROW or MIXED"},
};

static const struct my_error *error_of(unsigned code)
{
    static const struct my_error other = {0, ERR_DB, "refused"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].code == code)
            return &known[i];
    }
    return &other;
}

enum err my_err_of(unsigned code)
{
    return error_of(code)->err;
}

/* The library has one error for a connection that broke and for an answer that did not come in time. */
static bool timed_out(struct db *db, enum err e, int64_t begun)
{
    enum { SLACK_MS = 20 }; /* of two clocks */

    return e == ERR_DB_LOST && clock_steady() - begun >= my_of(db)->timeout - SLACK_MS;
}

enum err my_failed(struct db *db, unsigned code, int64_t begun, const char *doing, const char *detail)
{
    const struct my_error *error = error_of(code);
    const char *text = detail && *detail ? detail : error->text;
    enum err e = error->err;
    bool late = timed_out(db, e, begun);

    if (late) {
        e = ERR_DB_DOWN;
        text = "no answer in time (database.timeout)";
    }
    if (e == ERR_DB_CONFLICT || e == ERR_DB_BUSY)
        log_warn("mysql: %s: %s (%u)", doing, text, code);
    else if (e != ERR_DB_DUPLICATE)
        log_error("mysql: %s: %s (%u)", doing, text, code);
    if (e == ERR_DB_LOST || e == ERR_DB_DOWN)
        db_break(db, e, late);
    return e;
}
