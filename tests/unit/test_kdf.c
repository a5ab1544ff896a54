/* Password hashes. Known answers: scrypt strings by Python's hashlib.scrypt and unicodedata, Better Auth's by node's
 * crypto.scryptSync, crypt(3) ones as published (RFC 7914, Openwall, PHP manual, SHA-crypt specification) or by perl.
 */
#include "../lib/suite.h"

#include "base/log.h"
#include "crypto/kdf.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BA                                                                                                        \
    "000102030405060708090a0b0c0d0e0f:7034425e783148ac6ce2c4521177f6fc8ba611950b64145053bf3c4fbf26457865bbf1ea81" \
    "64754187636d431114bca7374e96cf91409d23fbc0b086580d2442"
#define BA_NFKC                                                                                                \
    "f0e1d2c3b4a5968778695a4b3c2d1e0f:bd7fce6948d5d3688b75e5ff0dad13cf3b49e327f65b0397cbb8a9d2914c669dfa2969f" \
    "bb0f3e50f6ad9ba03d7a2f66df82b16b15b39a0417899a67e195fb11f"
#define DECOMPOSED "\xEF\xAC\x81le \xE2\x91\xA0 A\xCC\x8Angstro\xCC\x88m" /* fi ligature, circled one, A + ring … */
#define COMPOSED "file 1 \xC3\x85ngstr\xC3\xB6m"
#define PHC_NFKC "$scrypt$ln=4,r=8,p=1$8PHy8/T19vf4+fr7/P3+/w$4KBrXYT1Q3Yws41WvF4X/VvGqx7DpiaXSGc1PFyt0Ng"
#define PHC_SALTED "$scrypt$ln=4,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$"
#define PHC_KEY "tFm7I7Z7WV7ogdxUgXpuGIy6C9svNTyuUrrSmDrRYGE"

static const struct cfg_scrypt cheap = {.log2n = 4, .r = 8, .p = 1};
static struct arena *arena;
static char log_path[] = "/tmp/latchkey-kdf-XXXXXX";

/* 'y' it matches, 'w' it matches but is weaker, 'n' no match, 'e' error */
static char outcome(const char *password, const char *stored)
{
    bool match = false, weaker = false;
    if (kdf_verify(arena, &cheap, password, stored, &match, &weaker) != ERR_OK)
        return 'e';
    CU_ASSERT(match || !weaker);
    return match ? weaker ? 'w' : 'y' : 'n';
}

static void test_scrypt_known_answers(void)
{
    CU_ASSERT_EQUAL(outcome("pleaseletmein", PHC_SALTED PHC_KEY), 'y');
    CU_ASSERT_EQUAL(outcome("pleaseletmeim", PHC_SALTED PHC_KEY), 'n');
    CU_ASSERT_EQUAL(outcome("", PHC_SALTED PHC_KEY), 'n');
    CU_ASSERT_EQUAL(
        outcome("", "$scrypt$ln=4,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$9hL37NN+EadsV6jR+2LGuJRaTDmXSN67CE0D/Piha6c"), 'y');
    CU_ASSERT_EQUAL(outcome("correct horse battery staple",
                            "$scrypt$ln=15,r=8,p=3$AAECAwQFBgcICQoLDA0ODw$ZwXboEbK+6uo3pibyojgA4zgNULQwM2WqPlWpy+G7mc"),
                    'w');
}

static void test_normal_form(void)
{
    CU_ASSERT_EQUAL(outcome(DECOMPOSED, PHC_NFKC), 'y');
    CU_ASSERT_EQUAL(outcome(COMPOSED, PHC_NFKC), 'y');
    CU_ASSERT_EQUAL(outcome("file 1 Angstrom", PHC_NFKC), 'n');
    CU_ASSERT_EQUAL(outcome(DECOMPOSED, BA_NFKC), 'w');
    CU_ASSERT_EQUAL(outcome(COMPOSED, BA_NFKC), 'w');
}

static void test_better_auth(void)
{
    CU_ASSERT_EQUAL(outcome("correct horse battery staple", BA), 'w');
    CU_ASSERT_EQUAL(outcome("correct horse battery stapel", BA), 'n');
    char s[] = BA;
    s[31] = 'e';
    CU_ASSERT_EQUAL(outcome("correct horse battery staple", s), 'n');
}

static void test_hash_then_verify(void)
{
    const char *one = NULL, *two = NULL;
    CU_ASSERT_FATAL(kdf_hash(arena, &cheap, DECOMPOSED, &one) == ERR_OK);
    CU_ASSERT_FATAL(kdf_hash(arena, &cheap, DECOMPOSED, &two) == ERR_OK);
    CU_ASSERT_STRING_NOT_EQUAL(one, two);
    CU_ASSERT(strncmp(one, "$scrypt$ln=4,r=8,p=1$", 21) == 0 && strlen(one) == 21 + 22 + 1 + 43);
    CU_ASSERT_PTR_NULL(strchr(one + 21, '='));
    CU_ASSERT_EQUAL(outcome(COMPOSED, one), 'y');
    CU_ASSERT_EQUAL(outcome("x", one), 'n');
}

static void test_invalid_utf8_counts_as_it_is(void)
{
    const char *one = NULL;
    CU_ASSERT_FATAL(kdf_hash(arena, &cheap, "caf\xE9", &one) == ERR_OK);
    CU_ASSERT_EQUAL(outcome("caf\xE9", one), 'y');
    CU_ASSERT_EQUAL(outcome("caf\xE8", one), 'n');
}

static void test_other_cost_is_weaker(void)
{
    const struct cfg_scrypt others[] = {{3, 8, 1}, {5, 8, 1}, {4, 4, 1}, {4, 8, 2}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *s = NULL;
        CU_ASSERT_FATAL(kdf_hash(arena, &others[i], "secret", &s) == ERR_OK);
        CU_ASSERT_EQUAL(outcome("secret", s), 'w');
        bool match = false;
        CU_ASSERT(kdf_verify(arena, &cheap, "secret", s, &match, NULL) == ERR_OK && match);
    }
}

static void test_default_cost_works(void)
{
    const struct cfg_scrypt cost = {15, 8, 3};
    const char *s = NULL;
    bool match = false, weaker = true;
    CU_ASSERT_FATAL(kdf_hash(arena, &cost, "secret", &s) == ERR_OK);
    CU_ASSERT(kdf_verify(arena, &cost, "secret", s, &match, &weaker) == ERR_OK && match && !weaker);
    CU_ASSERT(kdf_spend(arena, &cost, "secret") == ERR_OK);
}

static void test_crypt_known_answers(void)
{
    CU_ASSERT_EQUAL(outcome("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), 'w');
    CU_ASSERT_EQUAL(outcome("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), 'w');
    CU_ASSERT_EQUAL(outcome("U*V", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), 'n');
    CU_ASSERT_EQUAL(outcome("rasmuslerdorf", "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq"), 'w');
    CU_ASSERT_EQUAL(outcome("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"), 'w');
    CU_ASSERT_EQUAL(
        outcome("Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"), 'w');
    CU_ASSERT_EQUAL(outcome("Hello world!",
                            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4O"
                            "TLiBFdcbYEdFCoEOfaS35inz1"),
                    'w');
    CU_ASSERT_EQUAL(outcome("password", "$1$abcdefgh$G//4keteveJp0qb8z2DxG/"), 'w');
    CU_ASSERT_EQUAL(
        outcome("pleaseletmein", "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D"), 'w');
    CU_ASSERT_EQUAL(outcome("secret", "$y$j9T$abcdefghijklmnop$3dL1LkYnZM.OVXuVdnnaKVDlLYT92dRwOzDZ5XiVCe."), 'w');
    CU_ASSERT_EQUAL(outcome("Secret", "$y$j9T$abcdefghijklmnop$3dL1LkYnZM.OVXuVdnnaKVDlLYT92dRwOzDZ5XiVCe."), 'n');
}

static void test_crypt_takes_the_bytes_as_they_are(void)
{
    const char *stored = "$2y$04$abcdefghijklmnopqrstuuiNCoqi8ylNh9PseK.H/lWF9K5aiAx9G"; /* Straße, composed */
    CU_ASSERT_EQUAL(outcome("Stra\xC3\x9F\x65", stored), 'w');
    CU_ASSERT_EQUAL(outcome("Strasse", stored), 'n');
}

static void test_des_needs_the_hosts_consent(void)
{
    CU_ASSERT_EQUAL(outcome("rasmuslerdorf", "rl.3StKT.4T8M"), 'n'); /* libcrypt calls it legacy */
}

static const char *const unreadable[] = {
    "",
    "*0",
    "*1",
    "!",
    "x",
    "*",
    "plain text",
    "!$6$saltstring$svn8UoSVapNtMuq1ukKS4t",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "$",
    "$$",
    "$P$BsaltsaltXXXXXXXXXXXXXXXXXXXXXXX",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    "$2b$",
    "$2b$99$x",
    "$scrypt$",
    "$scrypt$ln=4,r=8,p=1$",
    PHC_SALTED,
    PHC_SALTED "x" PHC_KEY,
    PHC_SALTED PHC_KEY "x",
    " " PHC_SALTED PHC_KEY,
    "$scrypt$ln=04,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=4,r=8$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$r=8,ln=4,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=4,r=8,p=1$U29kaXVtQ2hsb3JpZGU*IQ$" PHC_KEY,
    "$scrypt$ln=-4,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=4,r=0,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=4,r=8,p=1$U29kaXVtQ2hsb3JpZGUh$" PHC_KEY,
    "000102030405060708090a0b0c0d0e0f:",
    ":",
    "00:00",
    "000102030405060708090a0b0c0d0e0g:"
    "7034425e783148ac6ce2c4521177f6fc8ba611950b64145053bf3c4fbf26457865bbf1ea8164754187636d"
    "431114bca7374e96cf91409d23fbc0b086580d2442",
};

static void test_unreadable_is_no_match(void)
{
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        CU_ASSERT_EQUAL(outcome("pleaseletmein", unreadable[i]), 'n');
        CU_ASSERT_EQUAL(outcome(unreadable[i], unreadable[i]), 'n');
        CU_ASSERT_EQUAL(outcome("", unreadable[i]), 'n');
    }
}

/* Each would take gigabytes, minutes, or both. */
static const char *const hostile[] = {
    "$scrypt$ln=24,r=64,p=64$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=24,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=25,r=1,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=99,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=64,r=8,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=20,r=8,p=64$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=16,r=1,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=4,r=65,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$scrypt$ln=4,r=4294967304,p=1$U29kaXVtQ2hsb3JpZGUhIQ$" PHC_KEY,
    "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "$6$rounds=999999999$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
    "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    "$5$rounds=999999999$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    "$sha1$4000000000$saltsalt$xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "$md5,rounds=4000000000$saltsalt$xxxxxxxxxxxxxxxxxxxxxx",
    "$7$M6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
    "$7$Czzzzz/....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
    "$7$C6....zzzzzSodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
    "$y$jKT$abcdefghijklmnop$3dL1LkYnZM.OVXuVdnnaKVDlLYT92dRwOzDZ5XiVCe.",
    "$y$j9zzz$abcdefghijklmnop$3dL1LkYnZM.OVXuVdnnaKVDlLYT92dRwOzDZ5XiVCe.",
};

static void test_hostile_cost_is_not_spent(void)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        CU_ASSERT_EQUAL(outcome("pleaseletmein", hostile[i]), 'n');
    clock_gettime(CLOCK_MONOTONIC, &to);
    CU_ASSERT(to.tv_sec - from.tv_sec < 5);
}

static void test_cost_out_of_bounds_is_not_hashed(void)
{
    const struct cfg_scrypt bad[] = {{0, 8, 1}, {25, 8, 1}, {24, 64, 1}, {4, 0, 1}, {4, 8, 0}, {-1, 8, 1}, {4, -8, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *s = "untouched";
        CU_ASSERT_EQUAL(kdf_hash(arena, &bad[i], "secret", &s), ERR_INTERNAL);
        CU_ASSERT_STRING_EQUAL(s, "untouched");
        CU_ASSERT_EQUAL(kdf_spend(arena, &bad[i], "secret"), ERR_INTERNAL);
    }
}

static void test_log_never_holds_hash_or_password(void)
{
    static char text[4096];
    CU_ASSERT_EQUAL(truncate(log_path, 0), 0);
    CU_ASSERT_EQUAL(outcome("my-secret-password", "$scrypt$my-stored-hash"), 'n');
    int fd = open(log_path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    CU_ASSERT_FATAL(n > 0);
    text[n] = '\0';
    CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + n - 1); /* told once */
    CU_ASSERT_PTR_NULL(strstr(text, "my-secret"));
    CU_ASSERT_PTR_NULL(strstr(text, "my-stored"));
}

static CU_TestInfo tests[] = {
    {"scrypt known answers", test_scrypt_known_answers},
    {"normal form", test_normal_form},
    {"better auth", test_better_auth},
    {"hash then verify", test_hash_then_verify},
    {"invalid UTF-8 counts as it is", test_invalid_utf8_counts_as_it_is},
    {"other cost is weaker", test_other_cost_is_weaker},
    {"default cost works", test_default_cost_works},
    {"crypt known answers", test_crypt_known_answers},
    {"crypt takes the bytes as they are", test_crypt_takes_the_bytes_as_they_are},
    {"DES needs the host's consent", test_des_needs_the_hosts_consent},
    {"unreadable is no match", test_unreadable_is_no_match},
    {"hostile cost is not spent", test_hostile_cost_is_not_spent},
    {"cost out of bounds is not hashed", test_cost_out_of_bounds_is_not_hashed},
    {"log never holds hash or password", test_log_never_holds_hash_or_password},
    CU_TEST_INFO_NULL,
};

static int begin(void)
{
    int fd = mkstemp(log_path);
    if (fd < 0)
        return 1;
    close(fd);
    return log_open(log_path, LVL_WARN) != ERR_OK || arena_open(&arena, 65536) != ERR_OK;
}

static int end(void)
{
    arena_close(&arena);
    return unlink(log_path);
}

int main(void)
{
    return suite_run("kdf", tests, begin, end);
}
