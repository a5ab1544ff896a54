/* Encodings: hex, base64, percent, ISO-8601, UTF-8. No allocation but where an arena is given. */
#ifndef BASE_ENC_H
#define BASE_ENC_H

#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>

/* Length of base64 with padding of n bytes. */
#define ENC_B64_LEN(n) (((n) + 2) / 3 * 4)
/* Length of base64url of n bytes. */
#define ENC_B64URL_LEN(n) (((n)*4 + 2) / 3)
/* "2026-11-23T08:53:00.000Z" and its NUL. */
#define ENC_ISO_SIZE 25

/* Lower-case hex; out holds 2n+1. */
void enc_hex(const void *p, size_t n, char *out);
/* The value of a hex digit of either case; -1: it is none. */
int enc_hex_digit(char c);
/* Exactly 2n hex digits of s into n bytes; false if s is anything else. */
bool enc_unhex(const char *s, void *out, size_t n);
/* Base64 (RFC 4648 §4) with padding; out holds ENC_B64_LEN(n)+1. */
void enc_b64(const void *p, size_t n, char *out);
/* Base64url (RFC 4648 §5) without padding, as RFC 7515 has it; out holds ENC_B64URL_LEN(n)+1. */
void enc_b64url(const void *p, size_t n, char *out);
/* Decodes len characters of padded base64 into exactly n bytes. Unused low bits of the last character are ignored.
 * False if a character is foreign, padding is wrong or the size is not n. Time does not depend on the characters. */
bool enc_unb64(const char *s, size_t len, void *out, size_t n);
/* encodeURIComponent (ECMA-262): all but A-Za-z0-9 -_.!~*'() as %XX. */
char *enc_percent(struct arena *a, const char *s);
/* Decodes %XX (and + as blank if plus) of n bytes. NULL if an escape is broken or gives a NUL byte. */
char *enc_unpercent(struct arena *a, const char *s, size_t n, bool plus);
/* ISO-8601 UTC with three millisecond digits; years 0000 to 9999, clamped. */
void enc_iso(int64_t ms, char out[static ENC_ISO_SIZE]);
/* The reverse, of exactly that form; false otherwise. */
bool enc_uniso(const char *s, int64_t *ms);
/* The same of a date in numbers; false if there is none such. */
struct enc_date {
    unsigned year, month, day, hour, minute, second, ms;
};
bool enc_instant(const struct enc_date *d, int64_t *ms);
/* The date of an instant, clamped as enc_iso does. */
void enc_date_of(int64_t ms, struct enc_date *out);
/* Is s[0..n) valid UTF-8 (RFC 3629: no overlong forms, surrogates, or code points over 10FFFF)? */
bool enc_utf8_valid(const char *s, size_t n);
/* Length of the valid UTF-8 character that s[0..n) begins with: 1 to 4; 0 if there is none. */
size_t enc_utf8_next(const char *s, size_t n);
/* A copy of at most max bytes of s, cut at a character boundary, with each invalid byte as U+FFFD. */
char *enc_utf8_clean(struct arena *a, const char *s, size_t max);
/* Bytes at p, in valid UTF-8, that would steer a terminal, end a line or turn it around: control characters (C1 as
 * well), line separators and the marks of writing direction. 0: none. */
size_t enc_utf8_steering(const char *p);
/* Length of valid UTF-8 in code points; and in UTF-16 code units, as JavaScript counts. */
size_t enc_utf8_points(const char *s);
size_t enc_utf16_units(const char *s);
/* A copy with ASCII letters lower-cased. */
char *enc_lower(struct arena *a, const char *s);
/* Overwrites with * each run of letters and digits as long as a token of ours, or longer: what is shown to people must
 * hold none. */
void enc_mask(char *s);
/* ASCII case-insensitive equality. */
bool enc_equal_nocase(const char *a, const char *b);

#endif
