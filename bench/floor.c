/* The floor: what a gate costs that does nothing but look a session up. A prefork responder over libfcgi that hashes the
 * token of the cookie, asks for session and user by that hash with one prepared statement, in tables made for nothing
 * else (binary hashes, numbers for ids), and answers with what it found; 401 if that is nothing. It verifies no signature, slides no expiry and
 * has no deadline.
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
#include <time.h>
#include <unistd.h>

enum { TOKEN = 32, HASH = 32, BACKLOG = 1024, COLUMNS = 8, VALUE = 256 };

static const char query[] = "SELECT u.id, u.email, u.name, u.emailVerified, u.image, s.createdAt, s.expiresAt, s.userAgent "
                            "FROM bench_session s JOIN bench_user u ON u.id = s.userId WHERE s.token = ? AND s.expiresAt > ?";

struct lookup {
    MYSQL *db;
    MYSQL_STMT *stmt;
    EVP_MD *sha256; /* looking it up for each request would cost more than the hash */
    unsigned char hash[HASH];
    long long now, number[COLUMNS];
    char text[COLUMNS][VALUE];
    unsigned long hash_length, length[COLUMNS];
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

static void lookup_bind(struct lookup *l)
{
    static const char kinds[] = "issisiis"; /* of the columns: numbers, strings */
    MYSQL_BIND in[2] = {{.buffer_type = MYSQL_TYPE_BLOB, .buffer = l->hash, .buffer_length = HASH},
                        {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &l->now}};
    MYSQL_BIND out[COLUMNS] = {0};

    l->hash_length = HASH;
    in[0].length = &l->hash_length;
    for (int i = 0; i < COLUMNS; i++) {
        out[i].buffer_type = kinds[i] == 'i' ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_STRING;
        out[i].buffer = kinds[i] == 'i' ? (void *)&l->number[i] : l->text[i];
        out[i].buffer_length = VALUE;
        out[i].length = &l->length[i];
    }
    if (mysql_stmt_bind_param(l->stmt, in) || mysql_stmt_bind_result(l->stmt, out))
        die("bind", mysql_stmt_error(l->stmt));
}

static void lookup_open(struct lookup *l, const char *socket, const char *database)
{
    l->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!l->sha256)
        die("SHA-256", "not there");
    l->db = mysql_init(NULL);
    if (!mysql_real_connect(l->db, "localhost", "root", "", database, 0, socket, 0))
        die("connect", mysql_error(l->db));
    l->stmt = mysql_stmt_init(l->db);
    if (mysql_stmt_prepare(l->stmt, query, sizeof query - 1))
        die("prepare", mysql_stmt_error(l->stmt));
    lookup_bind(l);
}

static int found(struct lookup *l, const char *token)
{
    EVP_Digest(token, TOKEN, l->hash, NULL, l->sha256, NULL);
    l->now = time(NULL);
    if (mysql_stmt_execute(l->stmt))
        die("execute", mysql_stmt_error(l->stmt));
    int is = mysql_stmt_fetch(l->stmt) == 0;
    mysql_stmt_free_result(l->stmt);
    return is;
}

/* Escapes nothing: the rows need none. */
static int text_of(const struct lookup *l, char *out, size_t size)
{
    const int *n = (const int[]){(int)l->length[1], (int)l->length[2], (int)l->length[4], (int)l->length[7]};

    return snprintf(out, size,
                    "{\"session\":{\"userId\":%lld,\"createdAt\":%lld,\"expiresAt\":%lld,\"userAgent\":\"%.*s\"},"
                    "\"user\":{\"id\":%lld,\"email\":\"%.*s\",\"name\":\"%.*s\",\"emailVerified\":%s,\"image\":\"%.*s\"}}",
                    l->number[0], l->number[5], l->number[6], n[3], l->text[7], l->number[0], n[0], l->text[1], n[1],
                    l->text[2], l->number[3] ? "true" : "false", n[2], l->text[4]);
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
    char body[2048];

    FCGX_Init();
    FCGX_InitRequest(&r, fd, 0);
    while (FCGX_Accept_r(&r) == 0) {
        const char *token = token_of(FCGX_GetParam("HTTP_COOKIE", r.envp), cookie);
        if (token && found(l, token)) {
            int n = text_of(l, body, sizeof body);
            FCGX_FPrintF(r.out, "Content-Type: application/json\r\nContent-Length: %d\r\nCache-Control: no-store\r\n\r\n", n);
            FCGX_PutStr(body, n, r.out);
        } else {
            FCGX_PutS("Status: 401 Unauthorized\r\n\r\n", r.out);
        }
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
