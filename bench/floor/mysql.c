#include "mysql.h"
#include "floor.h"
#include <string.h>

MYSQL_STMT *mysql_prepared(char *const *where, const char *sql)
{
    if (!where[0] || !where[1])
        die("usage", "MYSQL-SOCKET DATABASE");
    MYSQL *db = mysql_init(NULL);
    if (!mysql_real_connect(db, "localhost", "root", "", where[1], 0, where[0], 0))
        die("connect", mysql_error(db));
    MYSQL_STMT *stmt = mysql_stmt_init(db);
    if (mysql_stmt_prepare(stmt, sql, strlen(sql)))
        die("prepare", mysql_stmt_error(stmt));
    return stmt;
}

int mysql_find(MYSQL_STMT *stmt)
{
    if (mysql_stmt_execute(stmt))
        die("execute", mysql_stmt_error(stmt));
    int rc = mysql_stmt_fetch(stmt);
    if (rc != 0 && rc != MYSQL_NO_DATA)
        die("fetch", rc == MYSQL_DATA_TRUNCATED ? "a value is too long" : mysql_stmt_error(stmt));
    mysql_stmt_free_result(stmt);
    return rc == 0;
}
