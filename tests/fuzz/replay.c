/* Runs a fuzz target over every file of a directory, for make check. A crash ends it; no directory or no file is a
 * failure, or the check would prove nothing. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

static uint8_t content[1 << 20];

static int run_file(const char *dir, const char *name)
{
    char path[4096];
    struct stat st;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return -1;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    size_t n = fread(content, 1, sizeof content, f);
    fclose(f);
    LLVMFuzzerTestOneInput(content, n);
    return 1;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    DIR *d = argc == 2 ? opendir(argv[1]) : NULL;

    if (!d) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 2;
    }
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        int ran = run_file(argv[1], e->d_name);
        passed += ran > 0;
        failed += ran < 0;
    }
    closedir(d);
    failed += passed == 0;
    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
