/* base/template.c: the site's files, those built in, and what is a fault. */
#include "../lib/suite.h"

#include "base/template.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static char dir[] = "/tmp/latchkey-template.XXXXXX";

static const struct builtin builtins[] = {{"a.html", "built {{x}}\n"}, {"b.html", "b"}, {NULL, NULL}};
static const struct mustache_var var = {"x", "<1>"};
static const struct mustache_data data = {.vars = &var, .n_vars = 1};

static void put(const char *name, const char *text, size_t len)
{
    int fd = open(arena_printf(arena, "%s/%s", dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, text, len), (ssize_t)len);
    close(fd);
}

static void away(const char *name)
{
    CU_ASSERT_EQUAL(unlink(arena_printf(arena, "%s/%s", dir, name)), 0);
}

/* What becomes of it, or the fault; *own as told. */
static const char *render(const char *name, bool site, bool html, bool *own)
{
    const struct template_set set = {builtins, dir};
    struct buf out = buf_in(arena);
    const char *fault = NULL;

    buf_puts(&out, ">");
    return template_render(&set, site, &out, name, &data, html, own, &fault) ? buf_str(&out) : fault;
}

static void gives(const char *name, bool site, bool own_wanted, const char *want)
{
    bool own = !own_wanted;
    const char *got = render(name, site, true, &own);

    if (strcmp(got, want) != 0)
        printf("%s: <<%s>>, not <<%s>>\n", name, got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
    CU_ASSERT_EQUAL(own, own_wanted);
}

static const char *at(const char *what)
{
    return arena_printf(arena, "%s/%s", dir, what);
}

static void test_where_from(void)
{
    const struct template_set bare = {builtins, ""};
    const char *text, *fault;
    size_t len;
    bool own;

    gives("a.html", true, false, ">built &lt;1&gt;\n");
    put("a.html", "mine {{x}}", 10);
    gives("a.html", true, true, ">mine &lt;1&gt;");
    CU_ASSERT_STRING_EQUAL(render("a.html", true, false, &own), ">mine <1>");
    gives("a.html", false, false, ">built &lt;1&gt;\n");
    gives("b.html", true, false, ">b");
    CU_ASSERT(template_text(&bare, true, arena, "a.html", &text, &len, &own, &fault));
    CU_ASSERT_FALSE(own);
    CU_ASSERT_EQUAL(len, strlen("built {{x}}\n"));
    CU_ASSERT_PTR_NULL(fault);
    put("a.html", "", 0); /* empty is not missing */
    gives("a.html", true, true, ">");
    put("new.html", "n", 1); /* and one that is not built in counts */
    gives("new.html", true, true, ">n");
    away("new.html");
    away("a.html");
}

static void test_faults(void)
{
    char *large = arena_alloc(arena, MUSTACHE_MAX + 1);

    gives("c.html", true, false, "c.html: there is no such template");
    CU_ASSERT_EQUAL(mkdir(at("a.html"), 0700), 0);
    gives("a.html", true, false, at("a.html: Is a directory"));
    CU_ASSERT_EQUAL(rmdir(at("a.html")), 0);
    CU_ASSERT_EQUAL(symlink("a.html", at("a.html")), 0);
    gives("a.html", true, false, at("a.html: Too many levels of symbolic links"));
    away("a.html");
    put("a.html", "x\n{{#x}}", 8);
    gives("a.html", true, true, at("a.html: line 2: a section has no end"));
    put("a.html", "x\0y", 3);
    gives("a.html", true, true, at("a.html: holds a NUL byte"));
    memset(large, 'a', MUSTACHE_MAX + 1);
    put("a.html", large, MUSTACHE_MAX);
    CU_ASSERT_EQUAL(strlen(render("a.html", true, true, &(bool){false})), MUSTACHE_MAX + 1);
    put("a.html", large, MUSTACHE_MAX + 1);
    gives("a.html", true, false, at("a.html: is longer than 64 KiB"));
    away("a.html");
}

/* A pipe that nobody writes to must keep nobody waiting. */
static void test_pipe(void)
{
    CU_ASSERT_EQUAL(mkfifo(at("b.html"), 0600), 0);
    gives("b.html", true, true, ">");
    away("b.html");
}

static CU_TestInfo tests[] = {
    {"where from", test_where_from}, {"faults", test_faults}, {"a pipe", test_pipe}, CU_TEST_INFO_NULL};

int main(void)
{
    if (!mkdtemp(dir) || arena_open(&arena, 4096) != ERR_OK)
        return 2;
    int status = suite_run("template", tests, NULL, NULL);
    arena_close(&arena);
    rmdir(dir);
    return status;
}
