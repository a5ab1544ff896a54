/* JSON Web Tokens (RFC 7519) of one algorithm, Ed25519 (RFC 8037). They are signed here and never verified: such a
 * token is no credential of ours, so that there is nothing to be talked into another algorithm. */
#ifndef CRYPTO_JWT_H
#define CRYPTO_JWT_H

#include "base/arena.h"
#include "base/auto.h"
#include <stdint.h>

#define JWT_ALG "EdDSA"
#define JWT_CRV "Ed25519"
#define JWT_SEED_LEN 32 /* bytes of a private key */

struct jwt_key;

/* A private key: any 32 bytes at random are one (RFC 8032 §5.1.5). ERR_RANDOM. */
MUST_USE enum err jwt_seed_new(uint8_t out[static JWT_SEED_LEN]);
/* Ready for signing. The caller owns *out: jwt_key_close. ERR_INTERNAL, ERR_NO_MEMORY. */
MUST_USE enum err jwt_key_open(const uint8_t seed[static JWT_SEED_LEN], struct jwt_key **out);
/* Cleanses and frees; NULL-safe. */
void jwt_key_close(struct jwt_key **k);
/* The public half as a JSON Web Key (RFC 8037 §2): {"crv":…,"x":…,"kty":"OKP"}. ERR_INTERNAL. */
MUST_USE enum err jwt_key_public(const struct jwt_key *k, struct arena *a, char **out);
/* Ed25519 (RFC 8032) of n bytes in JWS compact form (RFC 7515 §7.1): header {"alg","kid"}, payload as it is. kid: of
 * [A-Za-z0-9_-] only. ERR_INTERNAL. */
MUST_USE enum err jwt_sign(const struct jwt_key *k, struct arena *a, const char *kid, const char *payload, size_t n,
                           char **out);
/* The same below the header that is given, for known answers. ERR_INTERNAL. */
MUST_USE enum err jwt_sign_header(const struct jwt_key *k, struct arena *a, const char *header, const char *payload,
                                  size_t n, char **out);

/* AUTO(jwt_key) */
static inline void auto_jwt_key(struct jwt_key **k)
{
    jwt_key_close(k);
}

#endif
