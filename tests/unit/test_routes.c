/* The route table: whole rows, each found by its own path, and nothing found by a path that only looks like one. */
#include "app/routes.h"

#include "suite.h"

#include <string.h>

static struct arena *a;

static enum err find(enum method m, const char *path, const struct route **r, const char **id, const char **allow)
{
    *id = *allow = NULL;
    return route_find(a, MODE_JWT, m, path, r, id, allow);
}

static void every_row_is_whole_and_found(void)
{
    const struct route *r;
    const char *id, *allow;

    CU_ASSERT_EQUAL(routes_check(), ERR_OK);
    for (size_t i = 0; i < routes_count; i++) {
        const char *hole = strchr(routes[i].path, '{');
        const char *path =
            hole ? arena_printf(a, "%.*sabc", (int)(hole - routes[i].path), routes[i].path) : routes[i].path;
        CU_ASSERT_EQUAL(find(routes[i].method, path, &r, &id, &allow), ERR_OK);
        CU_ASSERT_PTR_EQUAL(r, &routes[i]); /* no row hides another */
        CU_ASSERT_EQUAL(id != NULL, hole != NULL);
        CU_ASSERT_EQUAL(find(METHOD_PATCH, path, &r, &id, &allow), ERR_METHOD);
        CU_ASSERT_PTR_NOT_NULL(allow);
    }
}

static void other_names_are_the_same_route(void)
{
    const struct route *r;
    const char *id, *allow;

    for (size_t i = 0; i < routes_count; i++) {
        if (!routes[i].same)
            continue;
        CU_ASSERT_EQUAL_FATAL(find(routes[i].method, routes[i].same, &r, &id, &allow), ERR_OK);
        CU_ASSERT_PTR_EQUAL(r->handle, routes[i].handle);
        CU_ASSERT_EQUAL(r->who, routes[i].who);
        CU_ASSERT_PTR_EQUAL(r->form, routes[i].form);
    }
}

static void look_alikes_are_not_found(void)
{
    static const char *const bad[] = {"/",
                                      "",
                                      "/session/",
                                      "//session",
                                      "/Session",
                                      "/session/x",
                                      "/sessions/",
                                      "/sessions/a/b",
                                      "/sessions/a%2Fb",
                                      "/%73ession",
                                      "/sign-in",
                                      "/sign-in/email/",
                                      "/sessions/..%2fok",
                                      "/session/x.css",
                                      "/session.css",
                                      "/ok/../session",
                                      "/./ok"};
    const struct route *r;
    const char *id, *allow;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CU_ASSERT_EQUAL(find(METHOD_GET, bad[i], &r, &id, &allow), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(find(METHOD_GET, NULL, &r, &id, &allow), ERR_NOT_FOUND);
}

/* What a mode adds is not there in those before it, for no method (D14). */
static void of_a_mode(void)
{
    const struct route *r;
    const char *id, *allow;
    int n = 0;

    for (size_t i = 0; i < routes_count; i++) {
        CU_ASSERT_EQUAL(routes[i].from == MODE_SESSION, route_mode_name(&routes[i]) == NULL);
        for (enum cfg_mode mode = MODE_SESSION; mode < routes[i].from; mode++, n++)
            for (enum method m = METHOD_GET; m <= METHOD_OTHER; m++)
                CU_ASSERT_EQUAL(route_find(a, mode, m, routes[i].path, &r, &id, &allow), ERR_NOT_FOUND);
        for (enum cfg_mode mode = routes[i].from; !strchr(routes[i].path, '{') && mode <= MODE_JWT; mode++)
            CU_ASSERT_EQUAL(route_find(a, mode, routes[i].method, routes[i].path, &r, &id, &allow), ERR_OK);
    }
    CU_ASSERT_EQUAL(n, 6); /* three paths, two modes */
}

static void methods(void)
{
    const struct route *r;
    const char *id, *allow;

    CU_ASSERT_EQUAL(find(METHOD_HEAD, "/session", &r, &id, &allow), ERR_OK);
    CU_ASSERT_EQUAL(find(METHOD_POST, "/session", &r, &id, &allow), ERR_METHOD);
    CU_ASSERT_STRING_EQUAL(allow, "GET, HEAD");
    CU_ASSERT_EQUAL(find(METHOD_POST, "/sessions", &r, &id, &allow), ERR_METHOD);
    CU_ASSERT_STRING_EQUAL(allow, "GET, HEAD, DELETE");
    CU_ASSERT_EQUAL(find(METHOD_HEAD, "/sign-out", &r, &id, &allow), ERR_METHOD);
    CU_ASSERT_STRING_EQUAL(allow, "POST");
    CU_ASSERT_EQUAL(find(METHOD_GET, "/sessions/abc", &r, &id, &allow), ERR_METHOD);
    CU_ASSERT_STRING_EQUAL(allow, "DELETE");
}

static CU_TestInfo tests[] = {
    {"every row is whole and found", every_row_is_whole_and_found},
    {"other names are the same route", other_names_are_the_same_route},
    {"look-alikes are not found", look_alikes_are_not_found},
    {"of a mode", of_a_mode},
    {"methods", methods},
    CU_TEST_INFO_NULL,
};

SUITE_MAIN_ARENA("routes", tests, a)
