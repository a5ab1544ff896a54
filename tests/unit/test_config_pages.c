/* The [pages] settings: what could not be meant is refused. */
#include "config_case.h"

static void test_home(void)
{
    fine(SITE "[pages]\nhome = /\n");
    fine(SITE "[pages]\nhome = /app/?a=b&c=//x#y\n");
    refused(SITE "[pages]\nhome = app\n", "t.conf:4: pages.home: must be a path of the site");
    refused(SITE "[pages]\nhome = https://www.example.org/\n", "t.conf:4: pages.home: must be a path of the site");
    refused(SITE "[pages]\nhome = //example.net/\n", "t.conf:4: pages.home: must be a path of the site");
    refused(SITE "[pages]\nhome = /\\example.net/\n", "t.conf:4: pages.home: must be a path of the site");
    refused(SITE "[pages]\nhome = /a b\n", "t.conf:4: pages.home: must be a path of the site");
    refused(SITE "[pages]\nhome = /\xc3\xa4\n", "t.conf:4: pages.home: must be a path of the site");
}

static void test_language(void)
{
    fine(SITE "[pages]\nlanguage = auto\n");
    fine(SITE "[pages]\nlanguage = de\n");
    fine(SITE "[pages]\nlanguage = pt-BR\n");
    refused(SITE "[pages]\nlanguage = ../de\n", "t.conf:4: pages.language: must be auto or a language tag");
    refused(SITE "[pages]\nlanguage = de en\n", "t.conf:4: pages.language: must be auto or a language tag");
    refused(SITE "[pages]\nlanguage = d\n", "t.conf:4: pages.language: ");
}

static void test_directory(void)
{
    fine(SITE "[pages]\ndirectory =\n");
    fine(SITE "[pages]\ndirectory = /etc/latchkey/pages\n");
    refused(SITE "[pages]\ndirectory = pages\n", "t.conf:4: pages.directory: must be an absolute path");
}

static CU_TestInfo tests[] = {
    {"home", test_home}, {"language", test_language}, {"directory", test_directory}, CU_TEST_INFO_NULL};

SUITE_MAIN("config_pages", tests)
