/* The floor: the least that a gate with sessions in a database costs. A prefork responder over libfcgi that hashes the
 * token of the cookie and looks it up by its hash with one prepared statement; 200 or 401. It verifies no signature,
 * knows no expiry and has no deadline.
 *   floor SOCKET WORKERS MYSQL-SOCKET DATABASE COOKIE-NAME */
#include <fcgiapp.h>
#include <mysql.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOKEN = 32, HASH = 32, BACKLOG = 1024 };

static const char query[] = "SELECT userId FROM bench_floor WHERE token = ?";

struct lookup {
    MYSQL *db;
    MYSQL_STMT *stmt;
    EVP_MD *sha256; /* looking it up for each request would cost more than the hash */
    unsigned char hash[HASH];
    char user[64];
    unsigned long hash_length, user_length;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

static void lookup_open(struct lookup *l, const char *socket, const char *database)
{
    MYSQL_BIND in = {.buffer_type = MYSQL_TYPE_BLOB, .buffer = l->hash, .buffer_length = HASH};
    MYSQL_BIND out = {.buffer_type = MYSQL_TYPE_STRING, .buffer = l->user, .buffer_length = sizeof l->user};

    l->hash_length = HASH;
    in.length = &l->hash_length;
    out.length = &l->user_length;
    l->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!l->sha256)
        die("SHA-256", "not there");
    l->db = mysql_init(NULL);
    if (!mysql_real_connect(l->db, "localhost", "root", "", database, 0, socket, 0))
        die("connect", mysql_error(l->db));
    l->stmt = mysql_stmt_init(l->db);
    if (mysql_stmt_prepare(l->stmt, query, sizeof query - 1) || mysql_stmt_bind_param(l->stmt, &in) ||
        mysql_stmt_bind_result(l->stmt, &out))
        die("prepare", mysql_stmt_error(l->stmt));
}

static int found(struct lookup *l, const char *token)
{
    EVP_Digest(token, TOKEN, l->hash, NULL, l->sha256, NULL);
    if (mysql_stmt_execute(l->stmt))
        die("execute", mysql_stmt_error(l->stmt));
    int is = mysql_stmt_fetch(l->stmt) == 0;
    mysql_stmt_free_result(l->stmt);
    return is;
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
            FCGX_FPrintF(r.out, "Status: 200 OK\r\nVariable-AUTH_USER_ID: %.*s\r\n\r\n", (int)l->user_length, l->user);
        else
            FCGX_PutS("Status: 401 Unauthorized\r\n\r\n", r.out);
    }
}

int main(int argc, char **argv)
{
    if (argc != 6)
        die("usage", "floor SOCKET WORKERS MYSQL-SOCKET DATABASE COOKIE-NAME");
    FCGX_Init();
    int fd = FCGX_OpenSocket(argv[1], BACKLOG);
    if (fd < 0)
        die(argv[1], "cannot listen there");
    for (int i = atoi(argv[2]); i > 0; i--)
        if (fork() == 0) {
            static struct lookup l;
            prctl(PR_SET_PDEATHSIG, SIGTERM); /* a worker does not outlive who is to stop it */
            lookup_open(&l, argv[3], argv[4]);
            serve(fd, argv[5], &l);
            return 0;
        }
    while (wait(NULL) > 0)
        ;
    return 0;
}
