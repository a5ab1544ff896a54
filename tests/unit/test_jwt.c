/* JWTs: RFC 8037's own key, JWK and signature, and what a kid may not be. */
#include "suite.h"

#include "base/enc.h"
#include "base/log.h"
#include "base/rng.h"
#include "crypto/jwt.h"

#include <string.h>
#include <sys/random.h>

static bool random_fails;
static struct arena *a;

enum err rng_fill(void *p, size_t n)
{
    return random_fails || getrandom(p, n, 0) != (ssize_t)n ? ERR_RANDOM : ERR_OK;
}

/* RFC 8037 appendix A.1: "d" and "x". */
static struct jwt_key *rfc_key(void)
{
    uint8_t seed[JWT_SEED_LEN];
    struct jwt_key *k = NULL;

    CU_ASSERT_FATAL(enc_unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", seed, sizeof seed));
    CU_ASSERT_EQUAL_FATAL(jwt_key_open(seed, &k), ERR_OK);
    return k;
}

static void test_public(void)
{
    AUTO(jwt_key) struct jwt_key *k = rfc_key();
    char *jwk;

    CU_ASSERT_EQUAL_FATAL(jwt_key_public(k, a, &jwk), ERR_OK);
    CU_ASSERT_STRING_EQUAL(
        jwk, "{\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"kty\":\"OKP\"}");
}

static void test_rfc8037(void)
{
    AUTO(jwt_key) struct jwt_key *k = rfc_key();
    static const char payload[] = "Example of Ed25519 signing";
    char *jws;

    CU_ASSERT_EQUAL_FATAL(jwt_sign_header(k, a, "{\"alg\":\"EdDSA\"}", payload, strlen(payload), &jws), ERR_OK);
    CU_ASSERT_STRING_EQUAL(jws, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
                                "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
}

/* Exactly alg and kid, in this order. */
static void test_header(void)
{
    AUTO(jwt_key) struct jwt_key *k = rfc_key();
    static const char header[] = "{\"alg\":\"EdDSA\",\"kid\":\"Az09-_\"}";
    char *jws, want[ENC_B64URL_LEN(sizeof header) + 1];

    enc_b64url(header, sizeof header - 1, want);
    CU_ASSERT_EQUAL_FATAL(jwt_sign(k, a, "Az09-_", "{}", 2, &jws), ERR_OK);
    CU_ASSERT_EQUAL(strcspn(jws, "."), strlen(want));
    CU_ASSERT(strncmp(jws, want, strlen(want)) == 0);
    CU_ASSERT_EQUAL(strlen(strrchr(jws, '.') + 1), 86);
}

/* It goes into JSON: nothing may be put there that ends a string. */
static void test_kid(void)
{
    static const char *const bad[] = {"", "a\"b", "a\\b", "a b", "a\nb", "é", "a.b", "../x"};
    AUTO(jwt_key) struct jwt_key *k = rfc_key();
    char *jws;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_EQUAL(jwt_sign(k, a, bad[i], "{}", 2, &jws), ERR_INTERNAL);
}

static void test_new(void)
{
    uint8_t one[JWT_SEED_LEN] = {0}, two[JWT_SEED_LEN] = {0};

    CU_ASSERT_EQUAL(jwt_seed_new(one), ERR_OK);
    CU_ASSERT_EQUAL(jwt_seed_new(two), ERR_OK);
    CU_ASSERT(memcmp(one, two, sizeof one) != 0);
    random_fails = true;
    CU_ASSERT_EQUAL(jwt_seed_new(one), ERR_RANDOM);
    random_fails = false;
    jwt_key_close(NULL);
}

static CU_TestInfo tests[] = {
    {"public key as RFC 8037 A.2", test_public},
    {"signature as RFC 8037 A.4", test_rfc8037},
    {"the header is alg and kid", test_header},
    {"a kid that is none", test_kid},
    {"new keys", test_new},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    if (log_open("/dev/null", LVL_ERROR) != ERR_OK || arena_open(&a, 4096) != ERR_OK)
        return 2;
    int status = suite_run("jwt", tests, NULL, NULL);
    arena_close(&a);
    return status;
}
