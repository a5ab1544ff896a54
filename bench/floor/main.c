/* floor KIND SOCKET WORKERS COOKIE-NAME [WHERE...]: see floor.h and bench/README.md
 *   null                                    the same answer for everybody
 *   narrow|cache|own MYSQL-SOCKET DATABASE  one prepared statement; cache: of which the answers are kept for 30 s
 *   sqlite FILE */
#include "floor.h"
#include <fcgiapp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static const struct kind *const kinds[] = {&kind_null, &kind_narrow, &kind_cache, &kind_own, &kind_sqlite};

void die(const char *what, const char *why)
{
    fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

/* --- kind null -----------------------------------------------------------------------------------------------------
 */

static size_t null_find(void *state, const unsigned char hash[HASH], char *body)
{
    static const struct narrow_row row = {
        .number = {[ID] = 4711, [VERIFIED] = 1, [CREATED] = 1790000000, [EXPIRES] = 4102444800},
        .text = {[EMAIL] = "user4711@example.org",
                 [NAME] = "User Number 4711",
                 [IMAGE] = "https://img.example.org/avatars/user4711/large.png",
                 [AGENT] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
        .length = {[EMAIL] = 20, [NAME] = 16, [IMAGE] = 50, [AGENT] = 70}};
    static size_t length;

    (void)state;
    (void)hash;
    if (!length) /* the same body for all that this worker answers */
        length = narrow_json(&row, body);
    return length;
}

const struct kind kind_null = {"null", NULL, NULL, null_find};

/* --- the responder -------------------------------------------------------------------------------------------------
 */

static const char *token_of(const char *cookies, const char *name)
{
    const char *at = cookies ? strstr(cookies, name) : NULL;

    at = at && at[strlen(name)] == '=' ? at + strlen(name) + 1 : NULL;
    return at && strnlen(at, TOKEN) == TOKEN ? at : NULL;
}

static void answer(FCGX_Request *r, const char *body, size_t length)
{
    if (length == 0) {
        FCGX_PutS("Status: 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnull",
                  r->out);
        return;
    }
    FCGX_FPrintF(r->out,
                 "Content-Type: application/json\r\nContent-Length: %d\r\nCache-Control: "
                 "no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n",
                 (int)length);
    FCGX_PutStr(body, (int)length, r->out);
}

static void serve(int fd, const struct kind *kind, const char *cookie, char *const *where)
{
    EVP_MD *sha256 =
        EVP_MD_fetch(NULL, "SHA256", NULL); /* looking it up for each request would cost more than the hash */
    void *state = kind->open ? kind->open(where) : NULL;
    char body[BODY];
    unsigned char hash[HASH];
    FCGX_Request r;

    FCGX_Init();
    FCGX_InitRequest(&r, fd, 0);
    while (FCGX_Accept_r(&r) == 0) {
        const char *token = token_of(FCGX_GetParam("HTTP_COOKIE", r.envp), cookie);
        if (kind->open && token)
            EVP_Digest(token, TOKEN, hash, NULL, sha256, NULL);
        answer(&r, body, token || !kind->open ? kind->find(state, hash, body) : 0);
    }
}

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    die(name, "no such kind");
}

int main(int argc, char **argv)
{
    if (argc < 5)
        die("usage", "floor KIND SOCKET WORKERS COOKIE-NAME [WHERE...]");
    const struct kind *kind = kind_of(argv[1]);
    unlink(argv[2]);
    FCGX_Init();
    int fd = FCGX_OpenSocket(argv[2], BACKLOG);
    if (fd < 0)
        die(argv[2], "cannot listen there");
    if (kind->share)
        kind->share();
    for (int i = atoi(argv[3]); i > 0; i--)
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM); /* a worker does not outlive who is to stop it */
            serve(fd, kind, argv[4], argv + 5);
            return 0;
        }
    while (wait(NULL) > 0)
        ;
    return 0;
}
