/* One connection with one prepared statement, for the kinds that ask MariaDB. */
#ifndef FLOOR_MYSQL_H
#define FLOOR_MYSQL_H

#include <mysql.h>

/* Connects as root, without a password, and prepares; ends the program where that fails. where: socket and database. */
MYSQL_STMT *mysql_prepared(char *const *where, const char *sql);

/* Executes; 1: the row that was found is in what the result is bound to; 0: there is none. */
int mysql_find(MYSQL_STMT *stmt);

#endif
