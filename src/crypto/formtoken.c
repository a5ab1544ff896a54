/* Form tokens: a MAC over whom a form was shown to. Its message begins with a word that no session token begins with, so
 * that neither can stand for the other. */
#include "crypto/token.h"

#include "base/arena.h"
#include "base/enc.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define SUBJECT_MAX 128

static enum err mac_text(const struct keys *k, size_t i, const char *subject, char out[static TOKEN_FORM_SIZE])
{
    char message[sizeof "form " + SUBJECT_MAX];
    uint8_t mac[KEYS_MAC_LEN];

    if (strlen(subject) > SUBJECT_MAX)
        return ERR_INTERNAL;
    int len = snprintf(message, sizeof message, "form %s", subject);
    TRY(keys_mac(k, i, message, (size_t)len, mac));
    enc_b64url(mac, sizeof mac, out);
    return ERR_OK;
}

enum err token_form(const struct keys *k, const char *subject, char out[static TOKEN_FORM_SIZE])
{
    return mac_text(k, 0, subject, out);
}

enum err token_form_ok(const struct keys *k, const char *subject, const char *given)
{
    char want[TOKEN_FORM_SIZE];
    unsigned hits = 0;

    if (strlen(given) != TOKEN_FORM_SIZE - 1)
        return ERR_NONE;
    for (size_t i = 0; i < keys_count(k); i++) {
        TRY(mac_text(k, i, subject, want));
        hits |= CRYPTO_memcmp(want, given, sizeof want - 1) == 0;
    }
    return hits ? ERR_OK : ERR_NONE;
}
