/* The floor: what a gate costs at least behind a web server. A prefork responder over libfcgi that hashes the token of the
 * cookie and makes one prepared lookup; 200 or 401, and nothing else of what latchkey does.
 *   floor SOCKET WORKERS MYSQL-SOCKET DATABASE COOKIE-NAME */
#include <fcgiapp.h>
#include <mysql.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOKEN = 32, HEX = 64 };

static const char query[] = "SELECT u.id, u.email, u.name FROM session s JOIN user u ON u.id = s.userId WHERE s.token = ?";

struct lookup {
    MYSQL *db;
    MYSQL_STMT *stmt;
    char hash[HEX + 1], value[3][256];
    unsigned long length[3];
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

static void open_lookup(struct lookup *l, const char *socket, const char *database)
{
    static unsigned long len = HEX;
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_STRING, .buffer = l->hash, .buffer_length = HEX, .length = &len}, out[3];

    l->db = mysql_init(NULL);
    if (!mysql_real_connect(l->db, "localhost", "root", "", database, 0, socket, 0))
        die("connect", mysql_error(l->db));
    l->stmt = mysql_stmt_init(l->db);
    if (mysql_stmt_prepare(l->stmt, query, sizeof query - 1))
        die("prepare", mysql_stmt_error(l->stmt));
    memset(out, 0, sizeof out);
    for (int i = 0; i < 3; i++) {
        out[i].buffer_type = MYSQL_TYPE_STRING;
        out[i].buffer = l->value[i];
        out[i].buffer_length = sizeof l->value[i];
        out[i].length = &l->length[i];
    }
    mysql_stmt_bind_param(l->stmt, &in);
    mysql_stmt_bind_result(l->stmt, out);
}

static int found(struct lookup *l, const char *token)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)token, TOKEN, hash);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
        sprintf(l->hash + 2 * i, "%02x", hash[i]);
    if (mysql_stmt_execute(l->stmt))
        die("execute", mysql_stmt_error(l->stmt));
    int ok = mysql_stmt_fetch(l->stmt) == 0;
    mysql_stmt_free_result(l->stmt);
    return ok;
}

static const char *token_of(const char *cookies, const char *name)
{
    const char *at = cookies ? strstr(cookies, name) : NULL;

    at = at && at[strlen(name)] == '=' ? at + strlen(name) + 1 : NULL;
    return at && strnlen(at, TOKEN) == TOKEN ? at : NULL;
}

static void serve(int fd, const char *cookie, struct lookup *l)
{
    FCGX_Request r;

    FCGX_Init();
    FCGX_InitRequest(&r, fd, 0);
    while (FCGX_Accept_r(&r) == 0) {
        const char *token = token_of(FCGX_GetParam("HTTP_COOKIE", r.envp), cookie);
        if (token && found(l, token))
            FCGX_FPrintF(r.out, "Status: 200 OK\r\nVariable-REMOTE_USER: %.*s\r\nVariable-AUTH_USER_ID: %.*s\r\n\r\n",
                         (int)l->length[1], l->value[1], (int)l->length[0], l->value[0]);
        else
            FCGX_PutS("Status: 401 Unauthorized\r\n\r\n", r.out);
    }
}

int main(int argc, char **argv)
{
    if (argc != 6)
        die("usage", "floor SOCKET WORKERS MYSQL-SOCKET DATABASE COOKIE-NAME");
    FCGX_Init();
    int fd = FCGX_OpenSocket(argv[1], 1024);
    for (int i = atoi(argv[2]); i > 0; i--)
        if (fork() == 0) {
            static struct lookup l;
            open_lookup(&l, argv[3], argv[4]);
            serve(fd, argv[5], &l);
            return 0;
        }
    while (wait(NULL) > 0)
        ;
    return 0;
}
