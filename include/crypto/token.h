/* Session tokens: minted, signed for the cookie, verified, hashed for the store. */
#ifndef CRYPTO_TOKEN_H
#define CRYPTO_TOKEN_H

#include "base/enc.h"
#include "base/rng.h"
#include "crypto/keys.h"

#define TOKEN_HASH_SIZE 65                          /* lower-case hex SHA-256 and NUL */
#define TOKEN_SIGNED_SIZE (RNG_ID_LEN + 1 + 44 + 1) /* token "." base64 of the MAC, NUL */

#define TOKEN_SIGNATURE_SIZE (ENC_B64_LEN(KEYS_MAC_LEN) + 1)

/* A new token. ERR_RANDOM. */
MUST_USE enum err token_new(char out[static RNG_ID_SIZE]);
/* What the store keeps: lower-case hex SHA-256 of the token. ERR_INTERNAL. */
MUST_USE enum err token_hash(const char *token, char out[static TOKEN_HASH_SIZE]);
/* token.base64(HMAC-SHA-256(first secret, token)), not percent-encoded. ERR_INTERNAL. */
MUST_USE enum err token_sign(const struct keys *k, const char *token, char out[static TOKEN_SIGNED_SIZE]);
/* Splits value at its last dot, compares the MAC under every secret in constant time. ERR_OK only for a token of our
 * form (32 of [A-Za-z0-9]) under one of our secrets; then out holds the token. ERR_NONE: it is none. ERR_INTERNAL: it
 * could not be told. */
MUST_USE enum err token_verify(const struct keys *k, const char *value, char out[static RNG_ID_SIZE]);
/* The two parts of a value of that length, neither of them judged. False: it is of another form. */
bool token_split(const char *value, char token[static RNG_ID_SIZE], char signature[static TOKEN_SIGNATURE_SIZE]);
/* Are the two signatures the same? In constant time. */
bool token_signature_same(const char *a, const char *b);
/* What a form carries to show that we have shown it to `subject` (at most 128 bytes): base64url of
 * HMAC-SHA-256(first secret, "form " subject). ERR_INTERNAL. */
#define TOKEN_FORM_SIZE (ENC_B64URL_LEN(KEYS_MAC_LEN) + 1)
MUST_USE enum err token_form(const struct keys *k, const char *subject, char out[static TOKEN_FORM_SIZE]);
/* Is `given` such a one, under any of our secrets? In constant time. ERR_NONE: no. ERR_INTERNAL. */
MUST_USE enum err token_form_ok(const struct keys *k, const char *subject, const char *given);
/* Is s of the form of a token or id: exactly 32 of [A-Za-z0-9]? */
bool token_wellformed(const char *s);

#endif
