/* Configuration texts as test cases: accepted, or refused with one fault. Shared by the tests of conf/. */
#ifndef TESTS_CONFIG_CASE_H
#define TESTS_CONFIG_CASE_H

#include "suite.h"
#include "conf/config.h"

#include <stdio.h>
#include <string.h>

#define SITE "[auth]\nbase_url = https://www.example.org\n"
#define LOCAL "[auth]\nbase_url = http://localhost:8080\n"

static char said[65536];

static inline void note(void *arg, const char *line)
{
    size_t len = strlen(said);

    (void)arg;
    snprintf(said + len, sizeof(said) - len, "%s\n", line);
}

static inline struct cfg *parse_len(const char *text, size_t len, bool env, enum err want)
{
    struct cfg *cfg = NULL;

    said[0] = '\0';
    enum err e = config_parse("t.conf", text, len, env, note, NULL, &cfg);
    if (e != want)
        printf("for <<%s>>: %s\n", text, said);
    CU_ASSERT_EQUAL(e, want);
    CU_ASSERT_EQUAL(e == ERR_OK, cfg != NULL);
    return cfg;
}

static inline void fine(const char *text)
{
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_OK);

    CU_ASSERT_STRING_EQUAL(said, "");
    config_free(&cfg);
}

/* One fault is told, and begins with `line`. */
static inline void refused(const char *text, const char *line)
{
    struct cfg *cfg = parse_len(text, strlen(text), false, ERR_CONFIG);

    if (strncmp(said, line, strlen(line)) != 0 || strchr(said, '\n') != said + strlen(said) - 1)
        printf("for <<%s>>: want <<%s>>, said <<%s>>\n", text, line, said);
    CU_ASSERT_EQUAL(strncmp(said, line, strlen(line)), 0);
    CU_ASSERT_PTR_EQUAL(strchr(said, '\n'), said + strlen(said) - 1);
    config_free(&cfg);
}

#endif
